//! A value in hooke's own state: one document of a shelf under an id, its value one text of JSON, written only over the version that was
//! read, so that of two who change it at once one learns that it was second.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::shelf::{self, Shelf};
use crate::config::StateConfig;
use crate::search::{Call, CollectionName, DocumentId, Engine, Error, Precondition, Refresh, Result, Source, Version};

pub struct Kept {
    shelf: Shelf,
    id: DocumentId,
    /// That holds the text.
    field: &'static str,
}

impl Kept {
    /// In the hidden collection of this purpose.
    pub fn new(state: Arc<dyn Engine>, settings: &StateConfig, purpose: &str, id: &str, field: &'static str) -> Result<Self> {
        let id = DocumentId::parse(id).map_err(Error::invalid)?;
        let name = CollectionName::hidden(&settings.purpose(purpose));
        let shelf = Shelf::new(state, name, vec![shelf::unsearched(field, false)]);
        Ok(Kept { shelf, id, field })
    }

    /// With the version to write it over. What cannot be read is an error, never taken for nothing.
    pub async fn read<T: DeserializeOwned + Default>(&self, call: &Call) -> Result<(Option<Version>, T)> {
        let Some(document) = self.shelf.get_one(call, self.id.clone()).await? else { return Ok((None, T::default())) };
        let text = document.source.get(self.field).and_then(Json::as_str).unwrap_or_default();
        let value = serde_json::from_str(text)
            .map_err(|fault| Error::internal(format!("{} of {} cannot be read: {fault}", self.id, self.shelf.name())))?;
        Ok((Some(document.version), value))
    }

    /// False where somebody else has written it since.
    pub async fn write(&self, call: &Call, over: Option<Version>, value: &impl Serialize) -> Result<bool> {
        let source = Source::from_iter([(self.field.to_owned(), shelf::text(value)?)]);
        let precondition = over.map_or(Precondition::Absent, Precondition::Version);
        match self.shelf.put(call, self.id.clone(), source, precondition, Refresh::None).await {
            Ok(_) => Ok(true),
            Err(Error::Conflict(_)) => Ok(false),
            Err(fault) => Err(fault),
        }
    }
}
