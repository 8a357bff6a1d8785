//! Numbers that grow when what a search would see may have changed, from the sequence numbers and refreshes of all shards.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use serde_json::Value as Json;

use super::client::Request;
use super::{Elastic, failure};
use crate::{Call, CollectionName, Error, Generations, Origin, Result};

/// What was last seen of each collection, and its number.
#[derive(Default)]
pub(super) struct Counters {
    seen: Mutex<HashMap<CollectionName, (u64, u64)>>,
    ticks: AtomicU64,
}

impl Counters {
    /// Never the same twice.
    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The number of a collection that now looks so.
    fn number(&self, name: &CollectionName, print: u64) -> u64 {
        let mut all = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = all.entry(name.clone()).or_insert((print, 1));
        if entry.0 != print {
            *entry = (print, entry.1 + 1);
        }
        entry.1
    }
}

impl Elastic {
    pub(super) async fn read_generations(&self, call: &Call) -> Result<Generations> {
        let request = Request::get("_stats/refresh").own().compressed().with("level", "shards");
        // data streams lie in hidden indices; a closed one must not fail the others
        let request = request.with("expand_wildcards", "open,hidden").with(
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
            let mut blind = false;
            for index in indices {
                let seen = &body["indices"][index];
                blind |= seen.is_null();
                (index, seen.to_string()).hash(&mut hasher);
            }
            // what is not told of may have changed every time
            let print = if blind { hasher.finish() ^ self.counters.tick() } else { hasher.finish() };
            all.insert(collection.name.clone(), self.counters.number(&collection.name, print));
        }
        Ok(Some(all))
    }
}
