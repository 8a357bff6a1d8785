//! Jobs as documents of a hidden collection of the state: one document a job, read by id (which sees every write at once) and
//! listed by searches (which may be a second behind). What a search needs are fields; the rest is one text of JSON.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value as Json, json};

use super::Listing;
use super::job::{Job, Moment, State};
use crate::config::StateConfig;
use crate::search::value::Value;
use crate::search::{
    Action, Call, Collection, CollectionName, Direction, DocRef, Document, DocumentId, Engine, Error, Fetch, FieldRef, Filter,
    Missing, Order, Origin, PageRequest, Precondition, Query, Range, Refresh, Result, Source, TotalRequest, Version, Write,
    mapping,
};

pub(super) struct Records {
    state: Arc<dyn Engine>,
    collection: Collection,
    id: FieldRef,
    job_state: FieldRef,
    finished: FieldRef,
    made: AtomicBool,
}

impl Records {
    pub(super) fn new(state: Arc<dyn Engine>, settings: &StateConfig) -> Result<Self> {
        let body = json!({ "properties": {
            "id": { "type": "keyword" },
            "state": { "type": "keyword" },
            "finished": { "type": "long" },
            "body": { "type": "keyword", "index": false, "doc_values": false },
        }});
        let fields = mapping::parse(&body).map_err(Error::internal)?;
        let field = |path: &str| {
            let found = fields.iter().find(|field| field.path == path);
            found.cloned().ok_or_else(|| Error::internal("a field of jobs is missing"))
        };
        let (id, job_state, finished) = (field("id")?, field("state")?, field("finished")?);
        let name = CollectionName::hidden(&settings.purpose("jobs"));
        let collection = Collection { name, origin: Origin::Index, fields, remarks: Vec::new() };
        Ok(Records { state, collection, id, job_state, finished, made: AtomicBool::new(false) })
    }

    fn name(&self) -> CollectionName {
        self.collection.name.clone()
    }

    /// As it is now.
    pub(super) async fn get(&self, call: &Call, id: &str) -> Result<Option<(Version, Job)>> {
        let Ok(id) = DocumentId::parse(id) else { return Ok(None) };
        let wanted = [DocRef::new(self.name(), id)];
        match self.state.get(call, &wanted, &Fetch::default(), &Filter::All).await {
            Ok(found) => found.into_iter().next().flatten().map(read).transpose(),
            // nobody has started a job yet
            Err(Error::NotFound(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// [`Error::Conflict`] where it is not as `precondition` says.
    pub(super) async fn put(&self, call: &Call, job: &Job, precondition: Precondition, refresh: Refresh) -> Result<Version> {
        if !self.made.load(Ordering::Relaxed) {
            match self.state.create(call, &self.collection).await {
                Ok(()) | Err(Error::Conflict(_)) => self.made.store(true, Ordering::Relaxed),
                Err(fault) => return Err(fault),
            }
        }
        let id = DocumentId::parse(&job.id).map_err(Error::internal)?;
        let body = serde_json::to_string(job).map_err(Error::internal)?;
        let mut source = Source::new();
        source.insert("id".into(), json!(*job.id));
        source.insert("state".into(), json!(job.state.as_str()));
        if let Some(Moment(at)) = job.finished_at {
            source.insert("finished".into(), json!(at));
        }
        source.insert("body".into(), Json::String(body));
        self.write(call, Action::Index { id: Some(id), source, precondition }, refresh).await
    }

    pub(super) async fn remove(&self, call: &Call, id: &str, version: Version) -> Result<()> {
        let id = DocumentId::parse(id).map_err(Error::internal)?;
        match self.write(call, Action::Delete { id, precondition: Precondition::Version(version) }, Refresh::None).await {
            Ok(_) | Err(Error::NotFound(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
    }

    async fn write(&self, call: &Call, action: Action, refresh: Refresh) -> Result<Version> {
        let write = Write { on: self.name(), rule: Filter::All, action };
        let outcomes = self.state.write(call, vec![write], refresh).await?;
        let outcome = outcomes.into_iter().next().ok_or_else(|| Error::internal("no outcome of a write"))?;
        outcome.map(|written| written.version)
    }

    /// The newest first. An id tells the time of its making, so its order is that of time.
    pub(super) async fn list(&self, call: &Call, state: Option<State>, first: u32, after: Option<&str>) -> Result<Listing> {
        let of_state = state.map_or(Filter::All, |state| self.in_states(&[state]));
        let older = after.map_or(Filter::All, |id| {
            let upper = Some((Value::Text(id.into()), false));
            Filter::Range(self.id.clone(), Range { lower: None, upper })
        });
        let (jobs, more) = self.search(call, Filter::and([of_state, older]), &self.id, Direction::Desc, first).await?;
        Ok(Listing { jobs: jobs.into_iter().map(|(_, job)| job).collect(), more })
    }

    /// Jobs that wait or run, the oldest first.
    pub(super) async fn unfinished(&self, call: &Call, most: u32) -> Result<Vec<(Version, Job)>> {
        let filter = self.in_states(&[State::Queued, State::Running]);
        self.search(call, filter, &self.id, Direction::Asc, most).await.map(|(jobs, _)| jobs)
    }

    /// Jobs that have come to an end, the longest ago first, leaving out the `kept` that did so last.
    pub(super) async fn outdated(&self, call: &Call, kept: u64, most: u32) -> Result<Vec<(Version, Job)>> {
        let filter = self.in_states(&[State::Succeeded, State::Failed, State::Cancelled]);
        let all = self.count(call, filter.clone()).await?;
        let beyond = u32::try_from(all.saturating_sub(kept)).unwrap_or(u32::MAX).min(most);
        if beyond == 0 {
            return Ok(Vec::new());
        }
        self.search(call, filter, &self.finished, Direction::Asc, beyond).await.map(|(jobs, _)| jobs)
    }

    /// Jobs that wait, run or are paused: what bounds the queue.
    pub(super) async fn open_jobs(&self, call: &Call) -> Result<u64> {
        self.count(call, self.in_states(&[State::Queued, State::Running, State::Paused])).await
    }

    async fn count(&self, call: &Call, filter: Filter) -> Result<u64> {
        let query = Query {
            filter,
            page: PageRequest { size: 0, ..PageRequest::default() },
            total: TotalRequest::All,
            fetch: Fetch { fields: Some(Vec::new()), ..Fetch::default() },
            ..Query::new(self.name())
        };
        let page = self.page(call, query).await?;
        Ok(page.and_then(|page| page.total).map_or(0, |total| total.value))
    }

    fn in_states(&self, states: &[State]) -> Filter {
        let values = states.iter().map(|state| Value::Text(state.as_str().into())).collect();
        Filter::OneOf(self.job_state.clone(), values)
    }

    async fn search(
        &self,
        call: &Call,
        filter: Filter,
        by: &FieldRef,
        direction: Direction,
        size: u32,
    ) -> Result<(Vec<(Version, Job)>, bool)> {
        let query = Query {
            filter,
            order: vec![Order::Field { field: by.clone(), direction, missing: Missing::Last }],
            page: PageRequest { size, ..PageRequest::default() },
            ..Query::new(self.name())
        };
        let Some(page) = self.page(call, query).await? else { return Ok((Vec::new(), false)) };
        let jobs = page.hits.into_iter().map(|hit| read(hit.document)).collect::<Result<Vec<_>>>()?;
        Ok((jobs, page.has_next))
    }

    /// `None`: nobody has started a job yet.
    async fn page(&self, call: &Call, query: Query) -> Result<Option<crate::search::Page>> {
        let page = match self.state.search(call, &[query]).await {
            Ok(mut pages) => pages.pop().ok_or_else(|| Error::internal("no page for a query"))?,
            Err(fault) => Err(fault),
        };
        match page {
            Ok(page) => Ok(Some(page)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

fn read(document: Document) -> Result<(Version, Job)> {
    let body = document.source.get("body").and_then(Json::as_str).unwrap_or_default();
    let job: Job = serde_json::from_str(body)
        .map_err(|fault| Error::Internal(format!("the job {} cannot be read: {fault}", document.id)))?;
    Ok((document.version, Job { id: document.id.as_str().into(), ..job }))
}
