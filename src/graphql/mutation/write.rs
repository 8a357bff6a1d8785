//! Writes documents: one bounded batch, and what became of each of its items. Documents are read back only where they are selected.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::prepare::{Item, Writing};
use super::{Bulk, Payload, WriteError, document, told};
use crate::catalog::Exposed;
use crate::error::Code;
use crate::graphql::errors::Failure;
use crate::search::{
    Action, Call, DocRef, Document, DocumentId, Engine, Error, Fetch, Filter, Origin, Precondition, Refresh, Result, Write,
    WriteOutcome, Written,
};

/// How often a deletion is tried again because the document changed between being read and being removed.
const TRIES: usize = 6;

/// Carries out the operations of a bulk, or the one of a mutation of one document.
pub(super) async fn write(engine: &dyn Engine, call: &Call, writing: &Writing) -> Bulk {
    if let Some(refused) = refusal(writing) {
        return refused;
    }
    let hand = Hand { engine, call, exposed: &writing.exposed, writing };
    let mut tried = 1;
    loop {
        match hand.attempt().await {
            // nobody asked for a version: it was ours, of what was read to be shown
            Ok(items) if items.len() == 1 && tried < TRIES && hand.met_another(&items) => tried += 1,
            Ok(items) => return Bulk { items, errors: Vec::new() },
            Err(fault) => {
                let (code, message) = told(&fault, &call.request_id);
                let error = |place: &[String]| vec![WriteError::new(code, message.clone(), place.to_vec())];
                let items = writing.items.iter().map(|item| Payload::failed(error(&item.place))).collect();
                return Bulk { items, errors: error(&[]) };
            }
        }
    }
}

/// A value that does not fit refuses the whole before anything is written; every item says so.
fn refusal(writing: &Writing) -> Option<Bulk> {
    let errors: Vec<WriteError> = writing.items.iter().filter_map(|item| item.action.as_ref().err()).flatten().cloned().collect();
    let first = writing.items.iter().position(|item| item.action.is_err())?;
    let items = writing.items.iter().map(|item| match &item.action {
        Err(own) => Payload::failed(own.clone()),
        Ok(_) => {
            let message = format!("not written, because operation {first} of this bulk is refused");
            Payload::failed(vec![WriteError::input(message, item.place.clone())])
        }
    });
    Some(Bulk { items: items.collect(), errors })
}

struct Hand<'a> {
    engine: &'a dyn Engine,
    call: &'a Call,
    exposed: &'a Exposed,
    writing: &'a Writing,
}

impl Hand<'_> {
    async fn attempt(&self) -> Result<Vec<Payload>> {
        let before = self.before().await?;
        let batch: Vec<Write> =
            self.writing.items.iter().enumerate().filter_map(|(at, item)| self.one(item, before.get(&at))).collect();
        let asked = batch.len();
        let writing = self.engine.write(self.call, batch, self.writing.refresh);
        let outcomes = tokio::time::timeout_at(self.call.deadline, writing).await.unwrap_or(Err(Error::Timeout))?;
        if outcomes.len() != asked {
            return Err(Error::internal(format!("{} outcomes of {asked} writes", outcomes.len())));
        }
        let mut documents = self.after(&outcomes, before).await;
        let items = self.writing.items.iter().zip(outcomes).enumerate();
        Ok(items
            .map(|(at, (item, outcome))| match outcome {
                Ok(written) => Payload {
                    document: documents.remove(&at).unwrap_or(Ok(None)),
                    version: Some(written.version),
                    errors: Vec::new(),
                },
                Err(error) => Payload::failed(vec![self.error(item, &error)]),
            })
            .collect())
    }

    fn one(&self, item: &Item, before: Option<&Document>) -> Option<Write> {
        let mut action = item.action.as_ref().ok()?.clone();
        // what is shown as removed is what was removed
        if let (Action::Delete { precondition: precondition @ Precondition::None, .. }, Some(document)) = (&mut action, before) {
            *precondition = Precondition::Version(document.version);
        }
        Some(Write { on: self.exposed.collection.name.clone(), rule: Filter::All, action })
    }

    fn met_another(&self, items: &[Payload]) -> bool {
        let item = &self.writing.items[0];
        self.writing.wanted.is_some()
            && !item.guarded
            && matches!(item.action, Ok(Action::Delete { .. }))
            && items.iter().flat_map(|item| &item.errors).any(|error| error.code == Code::Conflict.as_str())
            && !self.call.left().is_zero()
    }

    /// The documents that deletions are about to remove, where they are selected. What an earlier operation writes is not read here.
    async fn before(&self) -> Result<HashMap<usize, Document>> {
        let mut earlier: HashSet<&DocumentId> = HashSet::new();
        let (mut places, mut asked) = (Vec::new(), Vec::new());
        for (at, item) in self.writing.items.iter().enumerate() {
            let Some(id) = &item.id else { continue };
            let is_new = earlier.insert(id);
            if is_new && matches!(item.action, Ok(Action::Delete { .. })) {
                places.push(at);
                asked.push(DocRef::new(self.exposed.collection.name.clone(), id.clone()));
            }
        }
        let found = match self.get(asked).await {
            Ok(found) => found,
            // an id that stands in several indices: the deletion itself tells of which
            Err(Error::Conflict(_)) => return Ok(HashMap::new()),
            Err(fault) => return Err(fault),
        };
        Ok(places.into_iter().zip(found).filter_map(|(at, document)| Some((at, document?))).collect())
    }

    /// The documents to show, by the place of their item.
    async fn after(
        &self,
        outcomes: &[WriteOutcome],
        mut before: HashMap<usize, Document>,
    ) -> HashMap<usize, Result<Option<Document>, Failure>> {
        let mut shown = HashMap::new();
        if self.writing.wanted.is_none() {
            return shown;
        }
        let by_get = self.exposed.collection.origin == Origin::Index;
        let (mut places, mut asked) = (Vec::new(), Vec::new());
        let mut standing: HashMap<&DocumentId, Document> = HashMap::new();
        for (at, (item, outcome)) in self.writing.items.iter().zip(outcomes).enumerate() {
            let Ok(written) = outcome else { continue };
            if matches!(item.action, Ok(Action::Delete { .. })) {
                let gone = item.id.as_ref().and_then(|id| standing.remove(id)).or_else(|| before.remove(&at));
                shown.insert(at, Ok(gone));
                continue;
            }
            let as_written = document_of(written);
            if by_get {
                places.push(at);
                asked.push(DocRef {
                    routing: written.routing.clone(),
                    ..DocRef::new(self.exposed.collection.name.clone(), written.id.clone())
                });
            } else {
                // searches do not see it yet
                shown.insert(at, Ok(as_written.clone()));
            }
            if let (true, Some(id), Some(document)) = (self.writing.bulk, &item.id, as_written) {
                standing.insert(id, document);
            }
        }
        match self.get(asked).await {
            Ok(found) => shown.extend(places.into_iter().zip(found.into_iter().map(Ok))),
            Err(fault) => {
                let mut failure = Failure::of_engine(&fault, &self.call.request_id);
                failure.message = format!("it was written, but cannot be read back: {}", failure.message);
                shown.extend(places.into_iter().map(|at| (at, Err(failure.clone()))));
            }
        }
        shown
    }

    /// Whatever is selected of these documents.
    async fn get(&self, asked: Vec<DocRef>) -> Result<Vec<Option<Document>>> {
        let Some(wanted) = self.writing.wanted.as_ref().filter(|_| !asked.is_empty()) else { return Ok(Vec::new()) };
        let fetch = Fetch { fields: Some(wanted.clone()), ..Fetch::default() };
        let got = self.engine.get(self.call, &asked, &fetch, &Filter::All);
        tokio::time::timeout_at(self.call.deadline, got).await.unwrap_or(Err(Error::Timeout))
    }

    fn error(&self, item: &Item, error: &Error) -> WriteError {
        let (code, message) = told(error, &self.call.request_id);
        let more: Vec<String> = match error {
            Error::Invalid { path, .. } if !path.is_empty() => {
                [item.part.to_owned()].into_iter().chain(document::named(self.exposed, path)).collect()
            }
            Error::Conflict(_) if item.guarded => vec!["ifVersion".into()],
            Error::NotFound(_) | Error::Conflict(_) => vec!["id".into()],
            _ => Vec::new(),
        };
        WriteError::new(code, message, item.place.iter().cloned().chain(more).collect())
    }
}

fn document_of(written: &Written) -> Option<Document> {
    Some(Document {
        id: written.id.clone(),
        index: Arc::clone(&written.index),
        routing: written.routing.clone(),
        version: written.version,
        source: written.after.clone()?,
    })
}

/// Whether searches see by now what was written.
pub(super) fn is_seen(writing: &Writing, bulk: &Bulk) -> bool {
    writing.refresh != Refresh::None && bulk.items.iter().any(|item| item.version.is_some())
}
