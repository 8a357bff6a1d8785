//! Numbers that grow when what a search would see may have changed, from the sequence numbers and refreshes of all shards.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};

use serde_json::Value as Json;

use super::client::Request;
use super::{Elastic, failure};
use crate::search::{Call, CollectionName, Error, Generations, Origin, Result};

/// What was last seen of each collection, and its number.
#[derive(Default)]
pub(super) struct Counters(Mutex<HashMap<CollectionName, (u64, u64)>>);

impl Counters {
    /// The number of a collection that now looks so.
    fn number(&self, name: &CollectionName, print: u64) -> u64 {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.entry(name.clone()).or_insert((print, 1));
        if entry.0 != print {
            *entry = (print, entry.1 + 1);
        }
        entry.1
    }
}

impl Elastic {
    pub(super) async fn read_generations(&self, call: &Call) -> Result<Generations> {
        let request = Request::get("_stats/refresh").own().compressed().with("level", "shards").with(
            "filter_path",
            "indices.*.uuid,indices.*.shards.*.seq_no.max_seq_no,indices.*.shards.*.refresh.external_total,\
             indices.*.shards.*.routing.node",
        );
        let body: Json = match self.client.send(call, request).await.and_then(|answer| failure::good(&answer)) {
            Ok(body) => body,
            Err(Error::Forbidden(_)) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let mut all = BTreeMap::new();
        for collection in self.collections.list().iter() {
            let indices = match &collection.origin {
                Origin::Index => vec![collection.name.as_str()],
                Origin::Many { indices, .. } => indices.iter().map(String::as_str).collect(),
            };
            let mut hasher = DefaultHasher::new();
            for index in indices {
                (index, body["indices"][index].to_string()).hash(&mut hasher);
            }
            all.insert(collection.name.clone(), self.counters.number(&collection.name, hasher.finish()));
        }
        Ok(Some(all))
    }
}
