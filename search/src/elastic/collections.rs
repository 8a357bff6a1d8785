//! The collections of a cluster with their fields: read once, then only what has changed.
//!
//! One look costs about a hundred bytes while the cluster's state stands still. When it has moved, the names and the
//! versions of the mappings are read, and only the mappings whose version is another one. Where the right to watch the
//! state (`monitor`) is missing, everything is read again, once a minute.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use serde::Deserialize;
use serde_json::{Value as Json, value::RawValue};
use tokio::time::Instant;

use super::client::{Client, Request, segment};
use super::discovery::{Candidate, Resolved, candidates};
use super::{failure, merging};
use crate::Selection;
use crate::mapping::{self, Mapping};
use crate::{Call, Collection, CollectionName, Error, Result};

/// How often everything is read again where changes cannot be seen.
const BLIND: Duration = Duration::from_secs(60);
/// Bytes of names in one request for mappings: the first line of a request may have 4,096.
const NAMES_MOST: usize = 3_000;

pub(super) type List = Arc<Vec<Arc<Collection>>>;

pub(super) struct Collections {
    settings: Selection,
    looked: tokio::sync::Mutex<Looked>,
    known: ArcSwap<Known>,
    /// Made by this process and not yet seen by a look.
    made: Mutex<HashMap<CollectionName, Arc<Collection>>>,
}

#[derive(Default)]
struct Known {
    list: List,
    by_name: HashMap<CollectionName, Arc<Collection>>,
}

/// What the last look saw.
#[derive(Default)]
struct Looked {
    /// The cluster state's id; `None` where it may not be read.
    state: Option<String>,
    at: Option<Instant>,
    mappings: HashMap<String, Seen>,
}

struct Seen {
    /// Absent where it may not be read.
    version: Option<Edition>,
    mapping: Arc<Mapping>,
}

/// One state of one index's mapping. The id tells an index from one of the same name made later.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Edition {
    uuid: String,
    version: u64,
}

#[derive(Deserialize)]
struct State {
    state_uuid: String,
}

impl Collections {
    pub(super) fn new(settings: &Selection) -> Self {
        Collections {
            settings: settings.clone(),
            looked: tokio::sync::Mutex::default(),
            known: ArcSwap::default(),
            made: Mutex::default(),
        }
    }

    /// All collections; the same `Arc` while nothing has changed.
    pub(super) async fn all(&self, client: &Client, call: &Call) -> Result<List> {
        let mut looked = tokio::time::timeout_at(call.deadline, self.looked.lock()).await.map_err(|_| Error::Timeout)?;
        let state = state(client, call).await?;
        let unchanged = match (&state, &looked.state, looked.at) {
            (Some(now), Some(then), Some(_)) => now == then,
            (None, _, Some(at)) => at.elapsed() < BLIND,
            _ => false,
        };
        if unchanged {
            return Ok(self.known.load().list.clone());
        }
        let (resolved, versions) = futures_util::try_join!(resolve(client, call), async {
            if state.is_some() { versions(client, call).await.map(Some) } else { Ok(None) }
        })?;
        let found = candidates(&resolved, &self.settings);
        let mappings = mappings(client, call, &found, versions.as_ref(), &looked.mappings).await?;
        let before = self.known.load_full();
        let list: Vec<Arc<Collection>> = found.iter().map(|candidate| collection(candidate, &mappings, &before)).collect();
        let same = before.list.len() == list.len() && before.list.iter().zip(&list).all(|(one, other)| Arc::ptr_eq(one, other));
        if !same || looked.at.is_none() {
            let by_name = list.iter().map(|collection| (collection.name.clone(), collection.clone())).collect();
            self.known.store(Arc::new(Known { list: Arc::new(list), by_name }));
        }
        let known = self.known.load_full();
        self.made().retain(|name, _| !known.by_name.contains_key(name));
        // the state was read first: whatever changed since is seen by the next look
        *looked = Looked { state, at: Some(Instant::now()), mappings };
        Ok(known.list.clone())
    }

    /// The collection of that name. One that is not known is looked for, for it may be new; what is hidden from users
    /// (by the settings, or behind a dot) is found only under hooke's own names.
    pub(super) async fn named(&self, client: &Client, call: &Call, name: &CollectionName) -> Result<Arc<Collection>> {
        if name.is_hidden() {
            return hidden(name);
        }
        if let Some(found) = self.cached(name) {
            return Ok(found);
        }
        self.all(client, call).await?;
        self.cached(name).ok_or_else(|| Error::NotFound(format!("there is no collection {name}")))
    }

    fn cached(&self, name: &CollectionName) -> Option<Arc<Collection>> {
        if let Some(made) = self.made().get(name) {
            return Some(made.clone());
        }
        self.known.load().by_name.get(name).cloned()
    }

    /// Remembers what was just made or changed, until a look sees it.
    pub(super) fn remember(&self, collection: Collection) {
        if !collection.name.is_hidden() {
            self.made().insert(collection.name.clone(), Arc::new(collection));
        }
    }

    pub(super) fn forget(&self, name: &CollectionName) {
        self.made().remove(name);
    }

    /// As of the last look.
    pub(super) fn list(&self) -> List {
        self.known.load().list.clone()
    }

    fn made(&self) -> std::sync::MutexGuard<'_, HashMap<CollectionName, Arc<Collection>>> {
        self.made.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// hooke's own; nobody else's index behind a dot is reached.
fn hidden(name: &CollectionName) -> Result<Arc<Collection>> {
    if !name.as_str().starts_with(".hooke-") {
        return Err(Error::NotFound(format!("there is no collection {name}")));
    }
    Ok(Arc::new(Collection::new(name.clone(), Vec::new())))
}

/// `None`: hooke has no right to see it.
async fn state(client: &Client, call: &Call) -> Result<Option<String>> {
    let request = Request::get("_cluster/state/version").own().with("filter_path", "version,state_uuid");
    match client.send(call, request).await.and_then(|answer| failure::good::<State>(&answer)) {
        Ok(state) => Ok(Some(state.state_uuid)),
        Err(Error::Forbidden(_)) => Ok(None),
        Err(fault) => Err(fault),
    }
}

async fn resolve(client: &Client, call: &Call) -> Result<Resolved> {
    // hidden ones stay out; closed ones too, but an alias over them names them all the same
    let request = Request::get("_resolve/index/*").own().compressed().with("expand_wildcards", "open");
    failure::good(&client.send(call, request).await?)
}

async fn versions(client: &Client, call: &Call) -> Result<HashMap<String, Edition>> {
    let request = Request::get("_cluster/state/metadata")
        .own()
        .compressed()
        .with("filter_path", "metadata.indices.*.mapping_version,metadata.indices.*.settings.index.uuid");
    let body: Json = failure::good(&client.send(call, request).await?)?;
    let indices = body["metadata"]["indices"].as_object().into_iter().flatten();
    Ok(indices
        .filter_map(|(name, index)| {
            let uuid = index["settings"]["index"]["uuid"].as_str()?.to_owned();
            Some((name.clone(), Edition { uuid, version: index["mapping_version"].as_u64()? }))
        })
        .collect())
}

/// The mappings of all these collections; only those that changed are asked for.
async fn mappings(
    client: &Client,
    call: &Call,
    found: &[Candidate],
    versions: Option<&HashMap<String, Edition>>,
    before: &HashMap<String, Seen>,
) -> Result<HashMap<String, Seen>> {
    let mut all = HashMap::new();
    let mut asked: Vec<&str> = Vec::new();
    let mut names: Vec<&str> = found.iter().flat_map(Candidate::indices).collect();
    names.sort_unstable();
    names.dedup();
    for name in names {
        let version = versions.and_then(|versions| versions.get(name));
        match before.get(name) {
            Some(seen) if version.is_some() && seen.version.as_ref() == version => {
                all.insert(name.to_owned(), Seen { version: version.cloned(), mapping: seen.mapping.clone() });
            }
            _ => asked.push(name),
        }
    }
    for names in chunks(&asked) {
        let path = format!("{}/_mapping", names.iter().map(|name| segment(name)).collect::<Vec<_>>().join(","));
        // one may have been deleted since
        let request = Request::get(path).own().compressed().with("ignore_unavailable", "true");
        let answer = client.send(call, request).await?;
        let read = tokio::task::spawn_blocking(move || {
            let body: BTreeMap<String, Box<RawValue>> = failure::good(&answer)?;
            read_all(body)
        });
        for (name, mapping) in read.await.map_err(Error::internal)?? {
            let version = versions.and_then(|versions| versions.get(&name)).cloned();
            all.insert(name, Seen { version, mapping });
        }
    }
    Ok(all)
}

/// Mappings that read alike are one: a template makes hundreds of them.
fn read_all(body: BTreeMap<String, Box<RawValue>>) -> Result<Vec<(String, Arc<Mapping>)>> {
    let mut alike: HashMap<String, Arc<Mapping>> = HashMap::new();
    body.into_iter()
        .map(|(name, text)| {
            if let Some(mapping) = alike.get(text.get()) {
                return Ok((name, mapping.clone()));
            }
            let json: Json = serde_json::from_str(text.get()).map_err(Error::internal)?;
            let mapping = Arc::new(mapping::read(&json["mappings"]));
            alike.insert(text.get().to_owned(), mapping.clone());
            Ok((name, mapping))
        })
        .collect()
}

fn chunks<'a>(names: &[&'a str]) -> Vec<Vec<&'a str>> {
    let mut chunks: Vec<Vec<&str>> = Vec::new();
    let mut length = NAMES_MOST;
    for name in names {
        let more = segment(name).len() + 1;
        if length + more > NAMES_MOST {
            chunks.push(Vec::new());
            length = 0;
        }
        length += more;
        if let Some(chunk) = chunks.last_mut() {
            chunk.push(name);
        }
    }
    chunks
}

/// The one from before where nothing about it has changed.
fn collection(candidate: &Candidate, mappings: &HashMap<String, Seen>, before: &Known) -> Arc<Collection> {
    let name = CollectionName::existing(&candidate.name);
    let mut remarks = candidate.remarks.clone();
    let seen: Vec<(&str, &Mapping)> =
        candidate.indices().into_iter().filter_map(|index| mappings.get(index).map(|seen| (index, &*seen.mapping))).collect();
    for (_, mapping) in &seen {
        remarks.extend(mapping.remarks.iter().filter(|remark| !candidate.remarks.contains(remark)).cloned());
    }
    let fields = merging::merge(seen.iter().map(|(index, mapping)| (*index, mapping.fields.as_slice())), &mut remarks);
    remarks.sort();
    remarks.dedup();
    let collection = Collection { name, origin: candidate.origin.clone(), fields, remarks };
    match before.by_name.get(&collection.name) {
        Some(same) if **same == collection => same.clone(),
        _ => Arc::new(collection),
    }
}
