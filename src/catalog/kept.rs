//! A value in hooke's own state: one document of a hidden collection under an id, its value one text of JSON, written only over the
//! version that was read, so that of two who change it at once one learns that it was second.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use crate::config::StateConfig;
use crate::search::{
    Action, Call, Collection, CollectionName, DocRef, DocumentId, Engine, Error, Exact, Fetch, Field, Filter, Kind, Origin,
    Precondition, Refresh, Result, Source, Version, Write,
};

pub struct Kept {
    state: Arc<dyn Engine>,
    name: CollectionName,
    id: DocumentId,
    /// That holds the text.
    field: &'static str,
    made: AtomicBool,
}

impl Kept {
    /// In the hidden collection of this purpose.
    pub fn new(state: Arc<dyn Engine>, settings: &StateConfig, purpose: &str, id: &str, field: &'static str) -> Result<Self> {
        let id = DocumentId::parse(id).map_err(Error::invalid)?;
        let name = CollectionName::hidden(&settings.purpose(purpose));
        Ok(Kept { state, name, id, field, made: AtomicBool::new(false) })
    }

    /// With the version to write it over. What cannot be read is an error, never taken for nothing.
    pub async fn read<T: DeserializeOwned + Default>(&self, call: &Call) -> Result<(Option<Version>, T)> {
        let wanted = [DocRef::new(self.name.clone(), self.id.clone())];
        let found = match self.state.get(call, &wanted, &Fetch::default(), &Filter::All).await {
            Err(Error::NotFound(_)) => None,
            found => found?.into_iter().next().flatten(),
        };
        let Some(document) = found else { return Ok((None, T::default())) };
        let text = document.source.get(self.field).and_then(Json::as_str).unwrap_or_default();
        let value = serde_json::from_str(text)
            .map_err(|fault| Error::internal(format!("{} of {} cannot be read: {fault}", self.id, self.name)))?;
        Ok((Some(document.version), value))
    }

    /// False where somebody else has written it since.
    pub async fn write(&self, call: &Call, over: Option<Version>, value: &impl Serialize) -> Result<bool> {
        if over.is_none() {
            self.make(call).await?;
        }
        let text = serde_json::to_string(value).map_err(Error::internal)?;
        let action = Action::Index {
            id: Some(self.id.clone()),
            source: Source::from_iter([(self.field.to_owned(), Json::from(text))]),
            precondition: over.map_or(Precondition::Absent, Precondition::Version),
        };
        let write = Write { on: self.name.clone(), rule: Filter::All, action };
        match self.state.write(call, vec![write], Refresh::None).await?.pop() {
            Some(Ok(_)) => Ok(true),
            Some(Err(Error::Conflict(_))) => Ok(false),
            Some(Err(fault)) => Err(fault),
            None => Err(Error::internal("no outcome for a write")),
        }
    }

    async fn make(&self, call: &Call) -> Result<()> {
        if !self.made.load(Ordering::Relaxed) {
            match self.state.create(call, &self.collection()).await {
                Ok(()) | Err(Error::Conflict(_)) => self.made.store(true, Ordering::Relaxed),
                Err(fault) => return Err(fault),
            }
        }
        Ok(())
    }

    fn collection(&self) -> Collection {
        let kind = Kind::Keyword(Exact { path: self.field.into(), ignore_above: None, normalizer: None });
        // only ever read by id
        let text = Field { list: Some(false), indexed: false, columns: false, ..Field::new(self.field, kind) };
        Collection { name: self.name.clone(), origin: Origin::Index, fields: vec![Arc::new(text)], remarks: Vec::new() }
    }
}
