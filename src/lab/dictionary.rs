//! A small dictionary kept in hooke's own state: one document, changed as a whole over the version that was read, so that several keys
//! are set together or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::config::StateConfig;
use crate::search::{
    Action, Call, Collection, CollectionName, DocRef, DocumentId, Engine, Error, Exact, Fetch, Field, Filter, Kind, Origin,
    Precondition, Refresh, Source, Version, Write,
};

const KEYS: usize = 1_000;
const KEY_LENGTH: usize = 512;
const VALUE_LENGTH: usize = 4_096;

/// Somebody else is faster so many times in a row: then something is wrong.
const ATTEMPTS: u32 = 50;

pub struct Dictionary {
    state: Arc<dyn Engine>,
    name: CollectionName,
}

pub type Entries = BTreeMap<String, String>;

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("there is no key {0:?}")]
    NoSuchKey(String),
    #[error("{0}")]
    Wrong(String),
    #[error(transparent)]
    Engine(#[from] Error),
}

fn id() -> Result<DocumentId, Error> {
    DocumentId::parse("dictionary").map_err(Error::internal)
}

impl Dictionary {
    pub fn new(state: Arc<dyn Engine>, settings: &StateConfig) -> Self {
        Dictionary { state, name: CollectionName::hidden(&settings.purpose("lab")) }
    }

    pub async fn all(&self, call: &Call) -> Result<Entries, Error> {
        Ok(self.read(call).await?.1)
    }

    pub async fn get(&self, call: &Call, key: &str) -> Result<String, Refused> {
        self.all(call).await?.remove(key).ok_or_else(|| Refused::NoSuchKey(shown(key)))
    }

    /// Sets all of them; true if one was not there before.
    pub async fn set(&self, call: &Call, entries: &Entries) -> Result<bool, Refused> {
        for (key, value) in entries {
            check(key, value)?;
        }
        self.change(call, |kept| {
            let is_new = entries.keys().any(|key| !kept.contains_key(key));
            kept.extend(entries.clone());
            Ok(is_new)
        })
        .await
    }

    /// Sets one that is there.
    pub async fn replace(&self, call: &Call, key: &str, value: &str) -> Result<(), Refused> {
        check(key, value)?;
        self.change(call, |kept| match kept.get_mut(key) {
            Some(old) => {
                value.clone_into(old);
                Ok(())
            }
            None => Err(Refused::NoSuchKey(shown(key))),
        })
        .await
    }

    pub async fn remove(&self, call: &Call, key: &str) -> Result<(), Refused> {
        self.change(call, |kept| kept.remove(key).map(drop).ok_or_else(|| Refused::NoSuchKey(shown(key)))).await
    }

    async fn change<T>(&self, call: &Call, apply: impl Fn(&mut Entries) -> Result<T, Refused>) -> Result<T, Refused> {
        for _ in 0..ATTEMPTS {
            let (version, mut entries) = self.read(call).await?;
            let outcome = apply(&mut entries)?;
            if entries.len() > KEYS {
                return Err(Refused::Wrong(format!("the dictionary holds {KEYS} keys at most")));
            }
            if version.is_none() {
                match self.state.create(call, &collection(self.name.clone())).await {
                    Ok(()) | Err(Error::Conflict(_)) => {}
                    Err(fault) => return Err(fault.into()),
                }
            }
            let text = serde_json::to_string(&entries).map_err(Error::internal)?;
            let action = Action::Index {
                id: Some(id()?),
                source: Source::from_iter([("entries".to_owned(), Json::from(text))]),
                precondition: version.map_or(Precondition::Absent, Precondition::Version),
            };
            let write = Write { on: self.name.clone(), rule: Filter::All, action };
            match self.state.write(call, vec![write], Refresh::None).await?.pop() {
                Some(Ok(_)) => return Ok(outcome),
                Some(Err(Error::Conflict(_))) => {}
                Some(Err(fault)) => return Err(fault.into()),
                None => return Err(Error::internal("no outcome for a write").into()),
            }
        }
        Err(Error::Conflict("the dictionary is being changed by too many at once: try again".into()).into())
    }

    async fn read(&self, call: &Call) -> Result<(Option<Version>, Entries), Error> {
        let wanted = [DocRef::new(self.name.clone(), id()?)];
        let found = match self.state.get(call, &wanted, &Fetch::default(), &Filter::All).await {
            Err(Error::NotFound(_)) => None,
            found => found?.into_iter().next().flatten(),
        };
        let Some(document) = found else { return Ok((None, Entries::new())) };
        let text = document.source.get("entries").and_then(Json::as_str).unwrap_or_default();
        let entries = serde_json::from_str(text).map_err(|fault| Error::internal(format!("the dictionary: {fault}")))?;
        Ok((Some(document.version), entries))
    }
}

fn check(key: &str, value: &str) -> Result<(), Refused> {
    if key.is_empty() {
        return Err(Refused::Wrong("a key may not be empty".into()));
    }
    if key.len() > KEY_LENGTH {
        return Err(Refused::Wrong(format!("a key has {KEY_LENGTH} bytes at most")));
    }
    if value.len() > VALUE_LENGTH {
        return Err(Refused::Wrong(format!("a value has {VALUE_LENGTH} bytes at most")));
    }
    Ok(())
}

fn shown(key: &str) -> String {
    key.chars().take(64).collect()
}

fn collection(name: CollectionName) -> Collection {
    let entries = Field {
        path: "entries".into(),
        kind: Kind::Keyword(Exact { path: "entries".into(), ignore_above: None, normalizer: None }),
        list: Some(false),
        // only ever read by id
        indexed: false,
        columns: false,
        null_value: None,
        nested: None,
        fields: Vec::new(),
    };
    Collection { name, origin: Origin::Index, fields: vec![Arc::new(entries)], remarks: Vec::new() }
}
