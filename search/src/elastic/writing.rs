//! A batch of writes -> bulk requests, one outcome for each.
//!
//! Patches are merged here: what is there is read, merged, and put back on condition that it is still that version.
//! An id that comes a second time waits until what came before is done, so that a batch means what its order says.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use elasticsearch::http::Method;

use super::bulk::{Answered, Operation, Verb, lines};
use super::client::Request;
use super::rules::allows;
use super::{Elastic, failure};
use crate::{
    Action, Call, Collection, DocRef, Document, DocumentId, Error, Fetch, Filter, Origin, Precondition, Refresh, Result, Source,
    Version, Write, WriteOutcome, merge_patch,
};

/// One bulk request: so many operations, or about so many bytes.
const OPERATIONS_MOST: usize = 1_000;
const BYTES_MOST: usize = 8 * 1024 * 1024;
/// How often a patch is merged again because somebody else was faster. Of so many who patch one document at once, the last gets through.
const MERGES: u32 = 24;
/// How often what was turned away is sent again.
const SENDS: u32 = 6;

type Outcomes = Vec<Option<WriteOutcome>>;

impl Elastic {
    pub(super) async fn write_all(&self, call: &Call, batch: Vec<Write>, refresh: Refresh) -> Result<Vec<WriteOutcome>> {
        let mut outcomes: Outcomes = batch.iter().map(|_| None).collect();
        let mut sent = false;
        let mut rest = batch.into_iter().enumerate().peekable();
        while rest.peek().is_some() {
            let mut ids: HashSet<(String, DocumentId)> = HashSet::new();
            let mut part: Vec<(usize, Write)> = Vec::new();
            while let Some((place, write)) = rest.next_if(|(_, write)| {
                part.len() < OPERATIONS_MOST && id_of(write).is_none_or(|id| ids.insert((write.on.to_string(), id.clone())))
            }) {
                part.push((place, write));
            }
            let places: Vec<usize> = part.iter().map(|(place, _)| *place).collect();
            if let Err(fault) = self.write_part(call, part, refresh, &mut outcomes, &mut sent).await {
                if !sent {
                    return Err(fault);
                }
                // some are done: the others fail one by one
                let others = places.into_iter().chain(rest.map(|(place, _)| place));
                others.filter(|place| outcomes[*place].is_none()).collect::<Vec<_>>().into_iter().for_each(|place| {
                    outcomes[place] = Some(Err(same(&fault)));
                });
                break;
            }
        }
        let lacking = || Err(Error::Internal("a write without an outcome".into()));
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(lacking)).collect())
    }

    /// No id comes twice in here.
    async fn write_part(
        &self,
        call: &Call,
        part: Vec<(usize, Write)>,
        refresh: Refresh,
        outcomes: &mut Outcomes,
        sent: &mut bool,
    ) -> Result<()> {
        let mut todo = part;
        for round in 1..=MERGES {
            let again = self.write_round(call, todo, refresh, outcomes, sent, round == MERGES).await?;
            if again.is_empty() {
                break;
            }
            todo = again;
            // those who met go apart
            let scatter = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |now| now.subsec_nanos());
            let pause = Duration::from_micros(u64::from(scatter / 64 % (2_000 * round.min(8))));
            tokio::time::sleep(pause.min(call.left())).await;
        }
        Ok(())
    }

    /// Gives back what must be looked at again, because somebody else was faster.
    async fn write_round(
        &self,
        call: &Call,
        part: Vec<(usize, Write)>,
        refresh: Refresh,
        outcomes: &mut Outcomes,
        sent: &mut bool,
        last: bool,
    ) -> Result<Vec<(usize, Write)>> {
        let mut looked: Vec<(usize, Write, std::sync::Arc<Collection>)> = Vec::new();
        for (place, write) in part {
            match self.collection(call, &write.on).await {
                Ok(collection) => looked.push((place, write, collection)),
                Err(fault @ Error::NotFound(_)) => outcomes[place] = Some(Err(fault)),
                Err(fault) => return Err(fault),
            }
        }
        let wanted: Vec<(usize, DocRef)> = looked
            .iter()
            .filter(|(_, write, collection)| must_be_read(write, collection))
            .filter_map(|(place, write, _)| Some((*place, DocRef::new(write.on.clone(), id_of(write)?.clone()))))
            .collect();
        let mut there = self.look(call, wanted, outcomes).await?;
        let mut operations = Vec::with_capacity(looked.len());
        let mut patches: HashMap<usize, Write> = HashMap::new();
        for (place, write, collection) in looked {
            if outcomes[place].is_some() {
                continue;
            }
            // kept for another round; a plain load keeps no copies
            let kept = must_be_read(&write, &collection).then(|| write.clone());
            match plan(place, write, &collection, there.remove(&place).flatten()) {
                Ok(operation) => {
                    if let Some(write) = kept.filter(|_| operation.again_on_conflict && !last) {
                        patches.insert(place, write);
                    }
                    operations.push(operation);
                }
                Err(fault) => outcomes[place] = Some(Err(fault)),
            }
        }
        let conflicts = self.send_all(call, operations, refresh, outcomes, sent, last).await?;
        Ok(conflicts.into_iter().filter_map(|place| Some((place, patches.remove(&place)?))).collect())
    }

    /// What is there now. An id that stands in several indices fails alone.
    async fn look(
        &self,
        call: &Call,
        wanted: Vec<(usize, DocRef)>,
        outcomes: &mut Outcomes,
    ) -> Result<HashMap<usize, Option<Document>>> {
        if wanted.is_empty() {
            return Ok(HashMap::new());
        }
        let (places, references): (Vec<usize>, Vec<DocRef>) = wanted.into_iter().unzip();
        match self.fetch(call, &references, &Fetch::default(), &Filter::All).await {
            Ok(found) => return Ok(places.into_iter().zip(found).collect()),
            Err(Error::Conflict(_)) => {}
            Err(fault) => return Err(fault),
        }
        let mut there = HashMap::new();
        for (place, reference) in places.into_iter().zip(references) {
            match self.fetch(call, &[reference], &Fetch::default(), &Filter::All).await {
                Ok(mut found) => drop(there.insert(place, found.pop().flatten())),
                Err(fault @ Error::Conflict(_)) => outcomes[place] = Some(Err(fault)),
                Err(fault) => return Err(fault),
            }
        }
        Ok(there)
    }

    /// Sends in bounded requests, and again what was turned away. Gives back the places of what met a conflict and may be tried again.
    async fn send_all(
        &self,
        call: &Call,
        operations: Vec<Operation>,
        refresh: Refresh,
        outcomes: &mut Outcomes,
        sent: &mut bool,
        last: bool,
    ) -> Result<Vec<usize>> {
        let mut conflicts = Vec::new();
        let mut rest = operations;
        let mut tried = 0;
        while !rest.is_empty() {
            let mut body = Vec::new();
            let mut count = 0;
            for operation in &rest {
                if count > 0 && (count >= OPERATIONS_MOST || body.len() >= BYTES_MOST) {
                    break;
                }
                lines(operation, &mut body)?;
                count += 1;
            }
            let later = rest.split_off(count);
            let answer = match self.send_bulk(call, body, refresh).await {
                Ok(answer) => answer,
                // one document that is too large must not fail the others
                Err(fault @ Error::Limit(_)) if count == 1 => {
                    outcomes[rest[0].place] = Some(Err(fault));
                    rest = later;
                    continue;
                }
                Err(fault) => return Err(fault),
            };
            *sent = true;
            if answer.items.len() != rest.len() {
                return Err(Error::Internal(format!("{} outcomes of {} writes", answer.items.len(), rest.len())));
            }
            let mut turned_away = Vec::new();
            for (operation, item) in rest.into_iter().zip(answer.items) {
                let Some(item) = item.into_values().next() else {
                    return Err(Error::Internal("an outcome of a write is empty".into()));
                };
                if item.turned_away() && tried < SENDS {
                    turned_away.push(operation);
                } else if item.conflict() && operation.again_on_conflict && !last {
                    conflicts.push(operation.place);
                } else {
                    let place = operation.place;
                    outcomes[place] = Some(item.outcome(operation.into()));
                }
            }
            if !turned_away.is_empty() {
                tried += 1;
                tokio::time::sleep(Duration::from_millis(50 << tried).min(call.left())).await;
            }
            turned_away.extend(later);
            rest = turned_away;
        }
        Ok(conflicts)
    }

    async fn send_bulk(&self, call: &Call, body: Vec<u8>, refresh: Refresh) -> Result<Answered> {
        let mut request = Request::new(Method::Post, "_bulk").lines(body);
        match refresh {
            Refresh::None => {}
            Refresh::Wait => request = request.with("refresh", "wait_for"),
            Refresh::Now => request = request.with("refresh", "true"),
        }
        failure::good(&self.client.send(call, request).await?)
    }
}

fn id_of(write: &Write) -> Option<&DocumentId> {
    match &write.action {
        Action::Index { id, .. } => id.as_ref(),
        Action::Update { id, .. } | Action::Delete { id, .. } => Some(id),
    }
}

/// A patch needs what it is merged into; over several indices it must be known in which one the document lies; a rule
/// looks at what was there.
fn must_be_read(write: &Write, collection: &Collection) -> bool {
    matches!(write.action, Action::Update { .. }) || collection.origin != Origin::Index || write.rule != Filter::All
}

fn plan(place: usize, write: Write, collection: &Collection, there: Option<Document>) -> Result<Operation> {
    let many = collection.origin != Origin::Index;
    let ruled = write.rule != Filter::All;
    let index = there.as_ref().map_or_else(|| collection.name.to_string(), |document| document.index.to_string());
    let routing = there.as_ref().and_then(|document| document.routing.as_deref().map(String::from));
    // under a rule what was looked at must still be what is there when it is written
    let seen = there.as_ref().filter(|_| ruled).map(|document| document.version);
    let visible = match &there {
        Some(document) => allows(&write.rule, &document.id, &document.source)?,
        None => true,
    };
    let plain = |verb, id, condition: Option<Version>, source| Operation {
        place,
        verb,
        index: index.clone(),
        id,
        routing: routing.clone(),
        condition: condition.or(seen),
        source,
        again_on_conflict: false,
    };
    let missing = || Error::NotFound("there is no document of that id".into());
    let operation = match write.action {
        Action::Index { id, source, precondition } => {
            if many && there.is_none() {
                accepts_new(collection)?;
            }
            let known = many || ruled;
            match precondition {
                Precondition::Absent if there.is_some() => return Err(Error::Conflict("there is a document of that id".into())),
                Precondition::Version(_) if known && there.is_none() => {
                    return Err(Error::Conflict("the document is not there any more".into()));
                }
                Precondition::Version(version) if there.as_ref().is_some_and(|document| document.version != version) => {
                    return Err(Error::Conflict("the document has changed: its version is another one".into()));
                }
                _ => {}
            }
            if !visible {
                return Err(Error::Forbidden("the document of that id is not among those you may write".into()));
            }
            let stream = matches!(&collection.origin, Origin::Many { indices, .. } if indices.iter().any(|index| index.starts_with(".ds-")));
            let (verb, condition) = match precondition {
                _ if id.is_none() => (Verb::Create, None),
                Precondition::Absent => (Verb::Create, None),
                Precondition::Version(version) => (Verb::Index, Some(version)),
                // one that came in the meantime has not been looked at
                Precondition::None if there.is_none() && (stream || ruled) => (Verb::Create, None),
                // what was found behind an alias is replaced as that version, for another may stand elsewhere by now
                Precondition::None => (Verb::Index, there.as_ref().map(|document| document.version)),
            };
            let mut operation = plain(verb, id, condition, Some(source));
            operation.again_on_conflict = known && operation.id.is_some() && precondition == Precondition::None;
            operation
        }
        Action::Update { id, patch, precondition } => {
            if precondition == Precondition::Absent {
                return Err(Error::invalid("what is absent can neither be updated nor deleted"));
            }
            let document = there.filter(|_| visible).ok_or_else(missing)?;
            if matches!(precondition, Precondition::Version(version) if version != document.version) {
                return Err(Error::Conflict("the document has changed: its version is another one".into()));
            }
            let mut source: Source = document.source;
            merge_patch(&mut source, patch);
            let mut operation = plain(Verb::Index, Some(id), Some(document.version), Some(source));
            operation.again_on_conflict = precondition == Precondition::None;
            operation
        }
        Action::Delete { id, precondition } => {
            let condition = match precondition {
                Precondition::None => None,
                Precondition::Version(version) => Some(version),
                Precondition::Absent => return Err(Error::invalid("what is absent can neither be updated nor deleted")),
            };
            if (many || ruled) && (there.is_none() || !visible) {
                return Err(missing());
            }
            let mut operation = plain(Verb::Delete, Some(id), condition, None);
            operation.again_on_conflict = ruled && condition.is_none();
            operation
        }
    };
    if let Some(source) = &operation.source {
        // an id that Elasticsearch makes is none that a rule could name
        let unnamed = DocumentId::parse("-").map_err(Error::internal)?;
        if !allows(&write.rule, operation.id.as_ref().unwrap_or(&unnamed), source)? {
            return Err(Error::Forbidden("the document would not be among those you may write".into()));
        }
    }
    Ok(operation)
}

/// Whether a new document can come in by the collection's name: not where it is a list of indices.
fn accepts_new(collection: &Collection) -> Result<()> {
    match &collection.origin {
        Origin::Many { target, .. } if target != collection.name.as_str() => Err(Error::invalid(format!(
            "{} stands for several indices: it is not said into which a new document goes",
            collection.name
        ))),
        _ => Ok(()),
    }
}

/// The same fault for one more item.
fn same(fault: &Error) -> Error {
    match fault {
        Error::Timeout => Error::Timeout,
        Error::Unavailable(why) => Error::Unavailable(why.clone()),
        Error::Forbidden(why) => Error::Forbidden(why.clone()),
        Error::Limit(why) => Error::Limit(why.clone()),
        other => Error::Internal(other.cause().map_or_else(|| other.to_string(), String::from)),
    }
}
