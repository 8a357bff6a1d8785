//! Accounts as documents of one shelf of the state, read by id, which sees every write at once, and written with preconditions, so that
//! several processes share them. Searches only list; they may be a second behind unless the write waited.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use crate::catalog::shelf::{self, Shelf};
use crate::config::StateConfig;
use crate::search::value::Value;
use crate::search::{
    Call, CollectionName, Document, DocumentId, Engine, Error, FieldRef, Filter, PageRequest, Precondition, Query, Range,
    Refresh, Result, Source, Version,
};

/// What is told at once of users or keys.
pub(super) const MOST: u32 = 1_000;

pub(super) struct Records {
    shelf: Shelf,
    kind: FieldRef,
    owner: FieldRef,
    expires: FieldRef,
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
        let mapping = json!({ "properties": {
            "kind": { "type": "keyword" },
            "owner": { "type": "keyword" },
            "expires": { "type": "long" },
            "body": { "type": "keyword", "index": false, "doc_values": false },
        }});
        let shelf = Shelf::mapped(state, CollectionName::hidden(&settings.purpose("accounts")), &mapping)?;
        let (kind, owner, expires) = (shelf.field("kind")?, shelf.field("owner")?, shelf.field("expires")?);
        Ok(Records { shelf, kind, owner, expires })
    }

    /// As they are now, in the order of the ids.
    pub(super) async fn get_raw(&self, call: &Call, ids: &[Arc<str>]) -> Result<Vec<Option<(Version, String)>>> {
        let ids = ids.iter().map(|id| parse(id)).collect::<Result<Vec<_>>>()?;
        let found = self.shelf.get(call, ids).await?;
        found.into_iter().map(|found| found.map(raw).transpose()).collect()
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
        let mut source = Source::new();
        source.insert("kind".into(), json!(place.kind));
        source.insert("body".into(), shelf::text(record)?);
        if let Some(owner) = place.owner {
            source.insert("owner".into(), json!(owner));
        }
        if let Some(expires) = place.expires {
            source.insert("expires".into(), json!(expires));
        }
        self.shelf.put(call, parse(place.id)?, source, precondition, refresh).await
    }

    /// Removes it; false where somebody else has changed or removed it meanwhile. What may be used once is used by whom this tells true.
    pub(super) async fn take(&self, call: &Call, id: &str, version: Version, refresh: Refresh) -> Result<bool> {
        self.remove(call, parse(id)?, version, refresh).await
    }

    async fn remove(&self, call: &Call, id: DocumentId, version: Version, refresh: Refresh) -> Result<bool> {
        match self.shelf.remove(call, id, version, refresh).await {
            Ok(()) => Ok(true),
            Err(Error::NotFound(_) | Error::Conflict(_)) => Ok(false),
            Err(fault) => Err(fault),
        }
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
            self.remove(call, document.id, document.version, Refresh::None).await?;
        }
        Ok(())
    }

    async fn search(&self, call: &Call, filter: Filter, size: u32) -> Result<Vec<Document>> {
        let query = Query { filter, page: PageRequest { size, ..PageRequest::default() }, ..self.shelf.query() };
        let page = self.shelf.search(call, query).await?;
        Ok(page.into_iter().flat_map(|page| page.hits).map(|hit| hit.document).collect())
    }
}

fn parse(id: &str) -> Result<DocumentId> {
    DocumentId::parse(id).map_err(Error::internal)
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
