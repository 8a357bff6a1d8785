//! An engine as one viewer may use it: every search, get and write of theirs goes through here, and nothing else does. The rule is put
//! into each query as its outermost condition; what tells about documents that the viewer may not see is taken out of questions and
//! answers. Which collections and fields exist for them they know from their catalog; what is not in it is not there.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;

use super::desk::Desk;
use super::{Grant, Viewer, answers, fields};
use crate::catalog::Exposed;
use crate::search::{
    Action, Call, Collection, CollectionName, Compute, DocRef, Document, Engine, Error, Fetch, FieldRef, Filter, Generations,
    Health, Page, Precondition, Query, Refresh, Result, Slot, SnapshotId, Suggest, Suggested, Write, WriteOutcome,
};

pub(super) struct Guard {
    engine: Arc<dyn Engine>,
    desk: Arc<Desk>,
    viewer: Arc<Viewer>,
}

/// What a viewer may do with one collection, with everything that is in it.
pub(super) struct Reach {
    pub(super) exposed: Arc<Exposed>,
    pub(super) grant: Grant,
    pub(super) rows: Filter,
}

impl Reach {
    /// Some documents may be hidden, so that nothing may be told that depends on them.
    pub(super) fn is_ruled(&self) -> bool {
        self.rows != Filter::All
    }
}

/// What is to be done with the answer to a query.
struct Asked {
    /// One for each collection of the query, in its order.
    reaches: Vec<Reach>,
    inner: Vec<FieldRef>,
    /// Answered without asking.
    suggested: Vec<(Slot, Suggested)>,
}

/// Documents of one group, at whatever depth.
fn most_tops(level: &[(Slot, Compute)]) -> u32 {
    let of_one = |(_, compute): &(Slot, Compute)| match compute {
        Compute::Top(top) => top.size,
        Compute::Groups(groups) => most_tops(&groups.inside),
        _ => 0,
    };
    level.iter().map(of_one).max().unwrap_or(0)
}

impl Guard {
    pub(super) fn new(engine: Arc<dyn Engine>, desk: Arc<Desk>, viewer: Arc<Viewer>) -> Self {
        Guard { engine, desk, viewer }
    }

    fn reach(&self, name: &CollectionName) -> Result<Reach> {
        let missing = || Error::NotFound(format!("there is no collection {name}"));
        let grant = self.viewer.role.grant(name.as_str()).ok_or_else(missing)?.clone();
        let exposed = self.desk.full().collection(name.as_str()).cloned().ok_or_else(missing)?;
        let rows = self.desk.rows(&self.viewer, &grant, &exposed);
        Ok(Reach { exposed, grant, rows })
    }

    fn forbidden(&self, what: std::fmt::Arguments<'_>) -> Error {
        Error::Forbidden(format!("your role may not {what}"))
    }

    fn admit(&self, query: &Query) -> Result<(Query, Asked)> {
        let mut query = query.clone();
        let reaches = query.on.iter().map(|name| self.reach(name)).collect::<Result<Vec<_>>>()?;
        // by id two are asked for, or as many as there are indices, to tell that there is more than one
        let by_id = matches!(query.filter, Filter::Ids(_));
        let inside = query.fetch.inner_hits.iter().map(|list| list.size).max().unwrap_or(0).max(most_tops(&query.compute));
        let too_many = |most: u32| inside > most || !by_id && query.page.size > most.max(2);
        let suggesting = query.suggest.iter().any(|(_, suggest)| matches!(suggest, Suggest::Complete { .. }));
        for Reach { exposed, grant, .. } in &reaches {
            let name = &exposed.collection.name;
            if let Some(most) = grant.page.filter(|most| too_many(*most)) {
                return Err(Error::Limit(format!("your role sees at most {most} documents of {name} at a time; ask for fewer")));
            }
            if !grant.aggregations && !query.compute.is_empty() {
                return Err(self.forbidden(format_args!("have {name} counted: ask for documents alone")));
            }
            if !grant.aggregations && suggesting {
                return Err(self.forbidden(format_args!("have values of {name} completed")));
            }
        }
        // several are asked each by its own member; any other number of them would leave one without its rule
        match (reaches.as_slice(), query.members.as_mut_slice()) {
            ([reach], []) => query.rule = Filter::and([reach.rows.clone(), query.rule]),
            (several, members) if several.len() == members.len() => {
                for (reach, member) in several.iter().zip(members) {
                    member.rule = Filter::and([reach.rows.clone(), std::mem::take(&mut member.rule)]);
                }
            }
            _ => return Err(Error::internal("a search that does not say what each collection is asked")),
        }
        let ruled = reaches.iter().any(Reach::is_ruled);
        if ruled {
            (query.fetch.scores, query.fetch.explanation) = (false, false);
        }
        // a better spelling is looked for among all words there are before it is held against the rule; what else is suggested is
        // counted under the rule
        let counted = reaches.iter().all(|reach| reach.grant.aggregations);
        let allowed = |suggest: &Suggest| counted && !(ruled && matches!(suggest, Suggest::DidYouMean { .. }));
        let (kept, dropped): (Vec<_>, Vec<_>) = query.suggest.into_iter().partition(|(_, suggest)| allowed(suggest));
        query.suggest = kept;
        let suggested = dropped.iter().map(|(slot, suggest)| (*slot, answers::nothing(suggest))).collect();
        let inner = query.fetch.inner_hits.iter().map(|inner| inner.field.clone()).collect();
        Ok((query, Asked { reaches, inner, suggested }))
    }

    /// A page without what tells of others.
    fn clean(&self, page: &mut Page, asked: Asked) -> Result<()> {
        let Asked { reaches, inner, suggested } = asked;
        // of hits that are ranked together a score tells how those of the others stand to it
        let ruled = reaches.iter().any(Reach::is_ruled);
        for hit in &mut page.hits {
            let reach = reaches.get(hit.of).ok_or_else(|| Error::internal("a hit of no collection that was asked"))?;
            self.clean_document(reach, &mut hit.document);
            for (list, elements) in inner.iter().zip(&mut hit.inner_hits) {
                let all = elements.first.iter_mut();
                all.for_each(|element| fields::strip_element(element, &list.path, &reach.grant.hide));
            }
            if ruled {
                (hit.score, hit.explanation) = (None, None);
            }
        }
        // only one collection is counted at a time
        if let [reach] = reaches.as_slice() {
            let mut each = |document: &mut Document| self.clean_document(reach, document);
            answers::clean(&mut page.computed, reach.grant.smallest_group, &mut each);
            for (_, suggested) in &mut page.suggested {
                if let Suggested::Complete(values) = suggested {
                    values.retain(|value| value.count >= reach.grant.smallest_group);
                }
            }
        } else if !(page.computed.is_empty() && page.suggested.is_empty()) {
            return Err(Error::internal("several collections were counted together"));
        }
        page.suggested.extend(suggested);
        Ok(())
    }

    fn clean_document(&self, reach: &Reach, document: &mut Document) {
        fields::strip(&mut document.source, &reach.grant.hide);
        if reach.is_ruled() {
            let on = &reach.exposed.collection.name;
            document.version = self.desk.seal.close(on, &document.id, document.version);
        }
    }

    /// A write with its rule, or why it is none of this viewer's.
    fn permit(&self, mut write: Write, reach: &Reach) -> Result<Write> {
        let Reach { exposed, grant, rows } = reach;
        let name = &write.on;
        let (wanted, what): (bool, &str) = match &write.action {
            Action::Index { id: None, .. } | Action::Index { precondition: Precondition::Absent, .. } => (grant.create, "make"),
            Action::Index { precondition: Precondition::Version(_), .. } => (grant.update, "change"),
            Action::Index { .. } => (grant.create && grant.update, "make and change"),
            Action::Update { .. } => (grant.update, "change"),
            Action::Delete { .. } => (grant.delete, "remove"),
        };
        if !wanted {
            return Err(self.forbidden(format_args!("{what} documents of {name}")));
        }
        if !grant.hide.is_empty() {
            let given = match &write.action {
                Action::Index { source, .. } => Some(source),
                Action::Update { patch, .. } => Some(patch),
                Action::Delete { .. } => None,
            };
            // as its own catalog has it
            let seen = self.desk.catalog(&self.viewer.role, &self.desk.full());
            let seen = seen.collection(name.as_str()).map(|exposed| exposed.collection.clone());
            let seen = seen.ok_or_else(|| Error::NotFound(format!("there is no collection {name}")))?;
            if let Some(path) = given.and_then(|given| fields::foreign(&seen, &grant.hide, given)) {
                return Err(Error::Invalid {
                    message: format!("there is no field {path} that this role may write"),
                    path: path.split('.').map(str::to_owned).collect(),
                });
            }
            if matches!(&write.action, Action::Index { id: Some(_), precondition, .. } if *precondition != Precondition::Absent) {
                let message = "replace a document that it does not see whole: make a new one, or update this one in parts";
                return Err(self.forbidden(format_args!("{message}")));
            }
        }
        if reach.is_ruled() {
            let on = &exposed.collection.name;
            let (id, precondition) = match &mut write.action {
                Action::Index { id, precondition, .. } => (id.as_ref(), precondition),
                Action::Update { id, precondition, .. } | Action::Delete { id, precondition } => (Some(&*id), precondition),
            };
            if let (Some(id), Precondition::Version(version)) = (id, &*precondition) {
                *precondition = Precondition::Version(self.desk.seal.open(on, id, *version));
            }
        }
        write.rule = Filter::and([rows.clone(), write.rule]);
        Ok(write)
    }
}

#[async_trait]
impl Engine for Guard {
    async fn health(&self, call: &Call) -> Result<Health> {
        self.engine.health(call).await
    }

    async fn collections(&self, _: &Call) -> Result<Arc<Vec<Arc<Collection>>>> {
        let seen = self.desk.catalog(&self.viewer.role, &self.desk.full());
        Ok(Arc::new(seen.collections.iter().map(|exposed| exposed.collection.clone()).collect()))
    }

    async fn create(&self, _: &Call, _: &Collection) -> Result<()> {
        Err(self.forbidden(format_args!("make collections")))
    }

    async fn extend(&self, _: &Call, _: &CollectionName, _: &[FieldRef]) -> Result<()> {
        Err(self.forbidden(format_args!("change collections")))
    }

    async fn remove(&self, _: &Call, _: &CollectionName) -> Result<()> {
        Err(self.forbidden(format_args!("remove collections")))
    }

    async fn get(&self, call: &Call, documents: &[DocRef], fetch: &Fetch, rule: &Filter) -> Result<Vec<Option<Document>>> {
        let mut wanted: BTreeMap<&CollectionName, Vec<usize>> = BTreeMap::new();
        for (place, document) in documents.iter().enumerate() {
            wanted.entry(&document.collection).or_default().push(place);
        }
        let getting = wanted.into_iter().map(async |(name, places)| {
            let reach = self.reach(name)?;
            let rule = Filter::and([reach.rows.clone(), rule.clone()]);
            let asked: Vec<DocRef> = places.iter().map(|place| documents[*place].clone()).collect();
            let got = self.engine.get(call, &asked, fetch, &rule).await?;
            Ok::<_, Error>((reach, places, got))
        });
        let mut all: Vec<Option<Document>> = documents.iter().map(|_| None).collect();
        for (reach, places, got) in futures_util::future::try_join_all(getting).await? {
            for (place, mut document) in places.into_iter().zip(got) {
                document.iter_mut().for_each(|document| self.clean_document(&reach, document));
                all[place] = document;
            }
        }
        Ok(all)
    }

    async fn write(&self, call: &Call, batch: Vec<Write>, refresh: Refresh) -> Result<Vec<WriteOutcome>> {
        let mut reaches: BTreeMap<CollectionName, Reach> = BTreeMap::new();
        let mut outcomes: Vec<Option<WriteOutcome>> = Vec::with_capacity(batch.len());
        let (mut names, mut permitted) = (Vec::new(), Vec::new());
        for write in batch {
            let name = write.on.clone();
            let admitted = match reaches.get(&name) {
                Some(reach) => self.permit(write, reach),
                None => self.reach(&name).and_then(|reach| {
                    let admitted = self.permit(write, &reach);
                    reaches.insert(name.clone(), reach);
                    admitted
                }),
            };
            match admitted {
                Ok(write) => {
                    outcomes.push(None);
                    names.push(name);
                    permitted.push(write);
                }
                Err(fault) => outcomes.push(Some(Err(fault))),
            }
        }
        let asked = permitted.len();
        let written = if permitted.is_empty() { Vec::new() } else { self.engine.write(call, permitted, refresh).await? };
        if written.len() != asked {
            return Err(Error::internal(format!("{} outcomes of {asked} writes", written.len())));
        }
        let mut written = written.into_iter().zip(names).map(|(mut outcome, name)| {
            if let (Ok(done), Some(reach)) = (&mut outcome, reaches.get(&name)) {
                if let Some(after) = &mut done.after {
                    fields::strip(after, &reach.grant.hide);
                }
                if reach.is_ruled() {
                    done.version = self.desk.seal.close(&name, &done.id, done.version);
                }
            }
            outcome
        });
        let lost = || Err(Error::internal("an outcome of a write is missing"));
        Ok(outcomes.into_iter().map(|outcome| outcome.or_else(|| written.next()).unwrap_or_else(lost)).collect())
    }

    async fn search(&self, call: &Call, batch: &[Query]) -> Result<Vec<Result<Page>>> {
        let (mut kept, mut queries) = (Vec::with_capacity(batch.len()), Vec::with_capacity(batch.len()));
        for query in batch {
            kept.push(self.admit(query).map(|(query, asked)| {
                queries.push(query);
                asked
            }));
        }
        let answered = if queries.is_empty() { Vec::new() } else { self.engine.search(call, &queries).await? };
        if answered.len() != queries.len() {
            return Err(Error::internal(format!("{} answers to {} searches", answered.len(), queries.len())));
        }
        let mut answered = answered.into_iter();
        let pages = kept.into_iter().map(|asked| {
            let asked = asked?;
            let mut page = answered.next().unwrap_or_else(|| Err(Error::internal("an answer is missing")))?;
            self.clean(&mut page, asked)?;
            Ok(page)
        });
        Ok(pages.collect())
    }

    async fn open_snapshot(&self, call: &Call, name: &CollectionName) -> Result<SnapshotId> {
        self.reach(name)?;
        self.engine.open_snapshot(call, name).await
    }

    async fn close_snapshot(&self, call: &Call, id: SnapshotId) -> Result<()> {
        self.engine.close_snapshot(call, id).await
    }

    /// They would tell of writes that the viewer may not see, and what is kept by them was seen by others.
    async fn generations(&self, _: &Call) -> Result<Generations> {
        Ok(None)
    }
}
