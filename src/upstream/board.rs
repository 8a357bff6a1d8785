//! The record of shares as a document of hooke's own state, one for each upstream, written only over the version that was read.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;
use serde_json::Value as Json;

use super::shares::{Board, Record};
use crate::config::StateConfig;
use crate::search::{
    Action, Call, Collection, CollectionName, DocRef, DocumentId, Engine, Error, Exact, Fetch, Field, Filter, Kind, Origin,
    Precondition, Refresh, Result, Source, Version, Write,
};

/// One read or write of a record.
const TIME: Duration = Duration::from_secs(3);

pub(super) struct StateBoard {
    state: Arc<dyn Engine>,
    name: CollectionName,
    id: DocumentId,
    made: AtomicBool,
}

impl StateBoard {
    /// Processes share a limit if they call the upstream by the same name.
    pub(super) fn new(state: Arc<dyn Engine>, settings: &StateConfig, upstream: &str) -> Result<Self> {
        let id = DocumentId::parse(upstream).map_err(Error::invalid)?;
        let name = CollectionName::hidden(&settings.purpose("upstreams"));
        Ok(StateBoard { state, name, id, made: AtomicBool::new(false) })
    }

    async fn make(&self, call: &Call) -> Result<()> {
        if !self.made.load(Ordering::Relaxed) {
            match self.state.create(call, &collection(self.name.clone())).await {
                Ok(()) | Err(Error::Conflict(_)) => self.made.store(true, Ordering::Relaxed),
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }
}

#[async_trait]
impl Board for StateBoard {
    async fn read(&self) -> Result<(Option<Version>, Record)> {
        let call = Call::within(TIME).named("upstream-share");
        let wanted = [DocRef::new(self.name.clone(), self.id.clone())];
        let found = match self.state.get(&call, &wanted, &Fetch::default(), &Filter::All).await {
            Err(Error::NotFound(_)) => None,
            found => found?.into_iter().next().flatten(),
        };
        let Some(document) = found else { return Ok((None, Record::default())) };
        let text = document.source.get("record").and_then(Json::as_str).unwrap_or_default();
        // a record that cannot be read must not be taken for an empty one: that would give the limit out twice
        let record = serde_json::from_str(text).map_err(|fault| Error::internal(format!("the record of shares: {fault}")))?;
        Ok((Some(document.version), record))
    }

    async fn write(&self, over: Option<Version>, record: &Record) -> Result<bool> {
        let call = Call::within(TIME).named("upstream-share");
        self.make(&call).await?;
        let text = serde_json::to_string(record).map_err(Error::internal)?;
        let action = Action::Index {
            id: Some(self.id.clone()),
            source: Source::from_iter([("record".to_owned(), Json::from(text))]),
            precondition: over.map_or(Precondition::Absent, Precondition::Version),
        };
        let write = Write { on: self.name.clone(), rule: Filter::All, action };
        match self.state.write(&call, vec![write], Refresh::None).await?.pop() {
            Some(Ok(_)) => Ok(true),
            Some(Err(Error::Conflict(_))) => Ok(false),
            Some(Err(fault)) => Err(fault),
            None => Err(Error::internal("no outcome for a write")),
        }
    }

    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

fn collection(name: CollectionName) -> Collection {
    let record = Field {
        path: "record".into(),
        kind: Kind::Keyword(Exact { path: "record".into(), ignore_above: None, normalizer: None }),
        list: Some(false),
        // only ever read by id
        indexed: false,
        columns: false,
        null_value: None,
        nested: None,
        fields: Vec::new(),
    };
    Collection { name, origin: Origin::Index, fields: vec![Arc::new(record)], remarks: Vec::new() }
}
