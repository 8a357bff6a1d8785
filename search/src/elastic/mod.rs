//! Elasticsearch as an engine. The only place that names its crate.
//!
//! Pure parts turn a query into a body (`request`, `filters`, `ranking`, `sorting`, `patterns`) and an answer into a page
//! (`response`, `failure`); the others speak with the cluster through `client`.

mod administration;
mod bulk;
mod client;
mod collections;
mod compute;
mod dates;
mod discovery;
mod explaining;
mod failure;
mod filters;
mod generations;
mod getting;
mod merging;
mod numbers;
mod patterns;
mod ranking;
mod refining;
mod request;
mod response;
mod rules;
mod searching;
mod snapshots;
mod sorting;
mod suggesting;
#[cfg(test)]
mod tests;
mod together;
mod writing;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use serde_json::Value as Json;

use self::client::{Client, Request};
use self::collections::{Collections, List};
use self::generations::Counters;
use super::{
    Call, Collection, CollectionName, DocRef, Document, Engine, Error, Fetch, FieldRef, Filter, Generations, Health, Page, Query,
    Refresh, Result, SnapshotId, Write, WriteOutcome,
};
use crate::{ElasticConfig, Selection};

pub(super) struct Elastic {
    client: Client,
    collections: Collections,
    counters: Counters,
    /// This cluster returns vectors without being asked (before 9.2).
    plain_vectors: AtomicBool,
}

/// The engine on this cluster, which need not be up. Fails only where the settings themselves are wrong.
pub(super) fn open(config: &ElasticConfig, catalog: &Selection) -> Result<Arc<dyn Engine>> {
    Ok(Arc::new(Elastic::new(config, catalog)?))
}

impl Elastic {
    fn new(config: &ElasticConfig, catalog: &Selection) -> Result<Self> {
        Ok(Elastic {
            client: Client::new(config)?,
            collections: Collections::new(catalog),
            counters: Counters::default(),
            plain_vectors: AtomicBool::new(false),
        })
    }

    async fn collection(&self, call: &Call, name: &CollectionName) -> Result<Arc<Collection>> {
        self.collections.named(&self.client, call, name).await
    }
}

#[async_trait]
impl Engine for Elastic {
    /// Works where `GET /` does not, and without the right to see nodes: then the version is not known.
    async fn health(&self, call: &Call) -> Result<Health> {
        let request = Request::get("_nodes/_local").own().with("filter_path", "nodes.*.version");
        let answered = self.client.send(call, request).await.and_then(|answer| failure::good::<Json>(&answer));
        let (version, fault) = match answered {
            Ok(body) => {
                let mut nodes = body["nodes"].as_object().into_iter().flatten();
                (nodes.find_map(|(_, node)| node["version"].as_str().map(String::from)), None)
            }
            Err(Error::Forbidden(_)) => (None, None),
            Err(fault) => (None, Some(fault)),
        };
        Ok(Health {
            engine: "elasticsearch",
            ready: fault.is_none(),
            version,
            detail: fault.as_ref().map(Error::to_string),
            cause: fault.as_ref().and_then(Error::cause).map(String::from),
        })
    }

    async fn collections(&self, call: &Call) -> Result<List> {
        self.collections.all(&self.client, call).await
    }

    async fn create(&self, call: &Call, collection: &Collection) -> Result<()> {
        self.make(call, collection).await
    }

    async fn extend(&self, call: &Call, name: &CollectionName, fields: &[FieldRef]) -> Result<()> {
        self.add_fields(call, name, fields).await
    }

    async fn remove(&self, call: &Call, name: &CollectionName) -> Result<()> {
        self.drop_collection(call, name).await
    }

    async fn get(&self, call: &Call, documents: &[DocRef], fetch: &Fetch, rule: &Filter) -> Result<Vec<Option<Document>>> {
        self.fetch(call, documents, fetch, rule).await
    }

    async fn write(&self, call: &Call, batch: Vec<Write>, refresh: Refresh) -> Result<Vec<WriteOutcome>> {
        self.write_all(call, batch, refresh).await
    }

    async fn search(&self, call: &Call, batch: &[Query]) -> Result<Vec<Result<Page>>> {
        self.search_all(call, batch).await
    }

    async fn open_snapshot(&self, call: &Call, name: &CollectionName) -> Result<SnapshotId> {
        self.open_moment(call, name).await
    }

    async fn close_snapshot(&self, call: &Call, id: SnapshotId) -> Result<()> {
        self.close_moment(call, &id).await
    }

    async fn generations(&self, call: &Call) -> Result<Generations> {
        self.read_generations(call).await
    }
}
