//! Jobs as documents of a shelf of the state: one document a job, read by id (which sees every write at once) and
//! listed by searches (which may be a second behind). What a search needs are fields; the rest is one text of JSON.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::Listing;
use super::job::{Job, Moment, State};
use crate::catalog::shelf::{self, Shelf};
use crate::config::StateConfig;
use crate::search::value::Value;
use crate::search::{
    Call, CollectionName, Direction, Document, DocumentId, Engine, Error, Fetch, FieldRef, Filter, Missing, Order, PageRequest,
    Precondition, Query, Range, Refresh, Result, Source, TotalRequest, Version,
};

pub(super) struct Records {
    shelf: Shelf,
    id: FieldRef,
    state: FieldRef,
    finished: FieldRef,
}

impl Records {
    pub(super) fn new(state: Arc<dyn Engine>, settings: &StateConfig) -> Result<Self> {
        let mapping = json!({ "properties": {
            "id": { "type": "keyword" },
            "state": { "type": "keyword" },
            "finished": { "type": "long" },
            "body": { "type": "keyword", "index": false, "doc_values": false },
        }});
        let shelf = Shelf::mapped(state, CollectionName::hidden(&settings.purpose("jobs")), &mapping)?;
        let (id, state, finished) = (shelf.field("id")?, shelf.field("state")?, shelf.field("finished")?);
        Ok(Records { shelf, id, state, finished })
    }

    /// As it is now.
    pub(super) async fn get(&self, call: &Call, id: &str) -> Result<Option<(Version, Job)>> {
        let Ok(id) = DocumentId::parse(id) else { return Ok(None) };
        self.shelf.get_one(call, id).await?.map(read).transpose()
    }

    /// [`Error::Conflict`] where it is not as `precondition` says.
    pub(super) async fn put(&self, call: &Call, job: &Job, precondition: Precondition, refresh: Refresh) -> Result<Version> {
        let id = DocumentId::parse(&job.id).map_err(Error::internal)?;
        let mut source = Source::new();
        source.insert("id".into(), json!(*job.id));
        source.insert("state".into(), json!(job.state.as_str()));
        if let Some(Moment(at)) = job.finished_at {
            source.insert("finished".into(), json!(at));
        }
        source.insert("body".into(), shelf::text(job)?);
        self.shelf.put(call, id, source, precondition, refresh).await
    }

    pub(super) async fn remove(&self, call: &Call, id: &str, version: Version) -> Result<()> {
        let id = DocumentId::parse(id).map_err(Error::internal)?;
        match self.shelf.remove(call, id, version, Refresh::None).await {
            Ok(()) | Err(Error::NotFound(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
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
            ..self.shelf.query()
        };
        let page = self.shelf.search(call, query).await?;
        Ok(page.and_then(|page| page.total).map_or(0, |total| total.value))
    }

    fn in_states(&self, states: &[State]) -> Filter {
        let values = states.iter().map(|state| Value::Text(state.as_str().into())).collect();
        Filter::OneOf(self.state.clone(), values)
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
            ..self.shelf.query()
        };
        let Some(page) = self.shelf.search(call, query).await? else { return Ok((Vec::new(), false)) };
        let jobs = page.hits.into_iter().map(|hit| read(hit.document)).collect::<Result<Vec<_>>>()?;
        Ok((jobs, page.has_next))
    }
}

fn read(document: Document) -> Result<(Version, Job)> {
    let body = document.source.get("body").and_then(Json::as_str).unwrap_or_default();
    let job: Job = serde_json::from_str(body)
        .map_err(|fault| Error::Internal(format!("the job {} cannot be read: {fault}", document.id)))?;
    Ok((document.version, Job { id: document.id.as_str().into(), ..job }))
}
