//! An engine that is never available: stands where one is not built yet.

use std::sync::Arc;

use async_trait::async_trait;

use super::{
    Call, Collection, CollectionName, DocRef, Document, Engine, Error, Fetch, FieldRef, Filter, Generations, Health, Page, Query,
    Refresh, Result, SnapshotId, Write, WriteOutcome,
};

pub(super) struct Absent(pub &'static str);

impl Absent {
    fn gone<T>(&self) -> Result<T> {
        Err(Error::Unavailable(format!("the engine {} is not built yet", self.0)))
    }
}

#[async_trait]
impl Engine for Absent {
    async fn health(&self, _call: &Call) -> Result<Health> {
        self.gone()
    }
    async fn collections(&self, _call: &Call) -> Result<Arc<Vec<Arc<Collection>>>> {
        self.gone()
    }
    async fn create(&self, _call: &Call, _collection: &Collection) -> Result<()> {
        self.gone()
    }
    async fn extend(&self, _call: &Call, _name: &CollectionName, _fields: &[FieldRef]) -> Result<()> {
        self.gone()
    }
    async fn remove(&self, _call: &Call, _name: &CollectionName) -> Result<()> {
        self.gone()
    }
    async fn get(&self, _: &Call, _: &[DocRef], _: &Fetch, _: &Filter) -> Result<Vec<Option<Document>>> {
        self.gone()
    }
    async fn write(&self, _call: &Call, _batch: Vec<Write>, _refresh: Refresh) -> Result<Vec<WriteOutcome>> {
        self.gone()
    }
    async fn search(&self, _call: &Call, _batch: &[Query]) -> Result<Vec<Result<Page>>> {
        self.gone()
    }
    async fn open_snapshot(&self, _call: &Call, _name: &CollectionName) -> Result<SnapshotId> {
        self.gone()
    }
    async fn close_snapshot(&self, _call: &Call, _id: SnapshotId) -> Result<()> {
        self.gone()
    }
    async fn generations(&self, _call: &Call) -> Result<Generations> {
        self.gone()
    }
}
