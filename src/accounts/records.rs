//! Accounts as documents of one hidden collection of the state, read by id, which sees every write at once, and written with
//! preconditions, so that several processes share them. Searches only list; they may be a second behind unless the write waited.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use crate::config::StateConfig;
use crate::search::value::Value;
use crate::search::{
    Action, Call, Collection, CollectionName, DocRef, Document, DocumentId, Engine, Error, Fetch, FieldRef, Filter, Origin,
    PageRequest, Precondition, Query, Range, Refresh, Result, Source, Version, Write, mapping,
};

/// What is told at once of users or keys.
pub(super) const MOST: u32 = 1_000;

pub(super) struct Records {
    state: Arc<dyn Engine>,
    collection: Collection,
    kind: FieldRef,
    owner: FieldRef,
    expires: FieldRef,
    made: AtomicBool,
}

/// What is kept: under which id, and what a search may ask for.
pub(super) struct Place<'p> {
    pub(super) id: &'p str,
    pub(super) kind: &'static str,
    pub(super) owner: Option<&'p str>,
    /// Seconds; after that it may be swept away.
    pub(super) expires: Option<i64>,
}

impl Records {
    pub(super) fn new(state: Arc<dyn Engine>, settings: &StateConfig) -> Result<Self> {
        let body = json!({ "properties": {
            "kind": { "type": "keyword" },
            "owner": { "type": "keyword" },
            "expires": { "type": "long" },
            "body": { "type": "keyword", "index": false, "doc_values": false },
        }});
        let fields = mapping::parse(&body).map_err(Error::internal)?;
        let field = |path: &str| {
            let found = fields.iter().find(|field| field.path == path);
            found.cloned().ok_or_else(|| Error::internal("a field of accounts is missing"))
        };
        let (kind, owner, expires) = (field("kind")?, field("owner")?, field("expires")?);
        let name = CollectionName::hidden(&settings.purpose("accounts"));
        let collection = Collection { name, origin: Origin::Index, fields, remarks: Vec::new() };
        Ok(Records { state, collection, kind, owner, expires, made: AtomicBool::new(false) })
    }

    fn name(&self) -> CollectionName {
        self.collection.name.clone()
    }

    /// As they are now, in the order of the ids.
    pub(super) async fn get_raw(&self, call: &Call, ids: &[Arc<str>]) -> Result<Vec<Option<(Version, String)>>> {
        let wanted = ids.iter().map(|id| Ok(DocRef::new(self.name(), DocumentId::parse(id).map_err(Error::internal)?)));
        let wanted = wanted.collect::<Result<Vec<_>>>()?;
        match self.state.get(call, &wanted, &Fetch::default(), &Filter::All).await {
            Ok(found) => found.into_iter().map(|found| found.map(raw).transpose()).collect(),
            // there are no accounts yet
            Err(Error::NotFound(_)) => Ok(vec![None; ids.len()]),
            Err(fault) => Err(fault),
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(&self, call: &Call, id: &str) -> Result<Option<(Version, T)>> {
        let found = self.get_raw(call, &[Arc::from(id)]).await?.into_iter().next().flatten();
        found.map(|(version, body)| read(&body).map(|record| (version, record))).transpose()
    }

    /// [`Error::Conflict`] where it is not as `precondition` says.
    pub(super) async fn put<T: Serialize>(
        &self,
        call: &Call,
        place: Place<'_>,
        record: &T,
        precondition: Precondition,
        refresh: Refresh,
    ) -> Result<Version> {
        if !self.made.load(Ordering::Relaxed) {
            match self.state.create(call, &self.collection).await {
                Ok(()) | Err(Error::Conflict(_)) => self.made.store(true, Ordering::Relaxed),
                Err(fault) => return Err(fault),
            }
        }
        let id = DocumentId::parse(place.id).map_err(Error::internal)?;
        let mut source = Source::new();
        source.insert("kind".into(), json!(place.kind));
        source.insert("body".into(), Json::String(serde_json::to_string(record).map_err(Error::internal)?));
        if let Some(owner) = place.owner {
            source.insert("owner".into(), json!(owner));
        }
        if let Some(expires) = place.expires {
            source.insert("expires".into(), json!(expires));
        }
        self.write(call, Action::Index { id: Some(id), source, precondition }, refresh).await
    }

    /// Removes it; false where somebody else has changed or removed it meanwhile. What may be used once is used by whom this tells true.
    pub(super) async fn take(&self, call: &Call, id: &str, version: Version, refresh: Refresh) -> Result<bool> {
        let id = DocumentId::parse(id).map_err(Error::internal)?;
        match self.write(call, Action::Delete { id, precondition: Precondition::Version(version) }, refresh).await {
            Ok(_) => Ok(true),
            Err(Error::NotFound(_) | Error::Conflict(_)) => Ok(false),
            Err(fault) => Err(fault),
        }
    }

    async fn write(&self, call: &Call, action: Action, refresh: Refresh) -> Result<Version> {
        let write = Write { on: self.name(), rule: Filter::All, action };
        let outcomes = self.state.write(call, vec![write], refresh).await?;
        let outcome = outcomes.into_iter().next().ok_or_else(|| Error::internal("no outcome of a write"))?;
        outcome.map(|written| written.version)
    }

    pub(super) async fn list<T: DeserializeOwned>(&self, call: &Call, kind: &str, owner: Option<&str>) -> Result<Vec<T>> {
        let text = |field: &FieldRef, text: &str| Filter::OneOf(field.clone(), vec![Value::Text(text.into())]);
        let owned = owner.map_or(Filter::All, |owner| text(&self.owner, owner));
        let found = self.search(call, Filter::and([text(&self.kind, kind), owned]), MOST).await?;
        found.into_iter().map(|document| raw(document).and_then(|(_, body)| read(&body))).collect()
    }

    /// Removes some of what has expired.
    pub(super) async fn sweep(&self, call: &Call, now: i64) -> Result<()> {
        let past = Filter::Range(self.expires.clone(), Range { lower: None, upper: Some((Value::Long(now), false)) });
        for document in self.search(call, past, 500).await? {
            let action = Action::Delete { id: document.id, precondition: Precondition::Version(document.version) };
            match self.write(call, action, Refresh::None).await {
                Ok(_) | Err(Error::NotFound(_) | Error::Conflict(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    async fn search(&self, call: &Call, filter: Filter, size: u32) -> Result<Vec<Document>> {
        let query = Query { filter, page: PageRequest { size, ..PageRequest::default() }, ..Query::new(self.name()) };
        let page = match self.state.search(call, &[query]).await {
            Ok(mut pages) => pages.pop().ok_or_else(|| Error::internal("no page for a query"))?,
            Err(fault) => Err(fault),
        };
        match page {
            Ok(page) => Ok(page.hits.into_iter().map(|hit| hit.document).collect()),
            Err(Error::NotFound(_)) => Ok(Vec::new()),
            Err(fault) => Err(fault),
        }
    }
}

fn raw(document: Document) -> Result<(Version, String)> {
    match document.source.get("body") {
        Some(Json::String(body)) => Ok((document.version, body.clone())),
        _ => Err(Error::internal("a record of accounts has no body")),
    }
}

pub(super) fn read<T: DeserializeOwned>(body: &str) -> Result<T> {
    // what is wrong with it may quote what it holds
    serde_json::from_str(body).map_err(|_| Error::internal("a record of accounts cannot be read"))
}
