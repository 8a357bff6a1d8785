//! All documents of a collection that a filter lets through, page by page, from any point on: the key of the last one seen can be kept
//! over a crash.

use std::sync::Arc;

use super::super::work::{Halt, Work};
use crate::search::{
    CollectionName, Error, Fetch, Filter, From, Key, Moment, Page, PageRequest, Query, Relation, Result, SnapshotId, TotalRequest,
};

pub(super) struct Walk<'w> {
    pub(super) work: &'w Work,
    pub(super) on: CollectionName,
    pub(super) filter: Filter,
    /// `None`: whole documents; none named: ids and versions alone.
    pub(super) fields: Option<Vec<Arc<str>>>,
    /// `None`: live, in the order of the last change, so that what changes meanwhile comes again.
    pub(super) snapshot: Option<SnapshotId>,
}

impl Walk<'_> {
    fn query(&self, size: usize, from: From) -> Query {
        Query {
            at: self.snapshot.clone().map_or(Moment::Live, Moment::Snapshot),
            filter: self.filter.clone(),
            fetch: Fetch { fields: self.fields.clone(), ..Fetch::default() },
            page: PageRequest { size: u32::try_from(size).unwrap_or(u32::MAX), backward: false, from },
            ..Query::new(self.on.clone())
        }
    }

    pub(super) async fn page(&mut self, after: Option<&Key>) -> std::result::Result<Result<Page>, Halt> {
        let from = after.cloned().map_or(From::Start, From::After);
        let seen = self.work.catalog.now().collection(self.on.as_str()).and_then(|exposed| exposed.bounds.page);
        let most = seen.and_then(|most| usize::try_from(most).ok()).unwrap_or(usize::MAX);
        self.ask(self.query(self.work.inner.config.jobs.batch.min(most), from)).await
    }

    /// How many there are just now.
    pub(super) async fn count(&mut self) -> std::result::Result<Result<u64>, Halt> {
        let query = Query { total: TotalRequest::All, ..self.query(0, From::Start) };
        let page = self.ask(query).await?;
        Ok(page.and_then(|page| match page.total {
            Some(total) if total.relation == Relation::Equal => Ok(total.value),
            _ => Err(Error::internal("a count is no count")),
        }))
    }

    /// A snapshot that is gone is for the caller; all else that lasts ends the task.
    async fn ask(&mut self, query: Query) -> std::result::Result<Result<Page>, Halt> {
        let query = &[query];
        let engine = &self.work.engine;
        let asked = self.work.patiently(|call| async move {
            match engine.search(&call, query).await {
                Err(Error::SnapshotGone) => Ok(Err(Error::SnapshotGone)),
                Err(fault) => Err(fault),
                Ok(mut pages) => match pages.pop() {
                    Some(Err(Error::SnapshotGone)) => Ok(Err(Error::SnapshotGone)),
                    Some(page) => page.map(Ok),
                    None => Err(Error::internal("no page for a query")),
                },
            }
        });
        let asked = asked.await?;
        if let (Some(snapshot), Ok(Page { moment: Some(moment), .. })) = (&mut self.snapshot, &asked) {
            snapshot.clone_from(moment);
        }
        Ok(asked)
    }
}
