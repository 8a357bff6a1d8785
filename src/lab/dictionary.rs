//! A small dictionary kept in hooke's own state, changed as a whole over the version that was read, so that several keys are set
//! together or not at all.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::catalog::kept::Kept;
use crate::config::StateConfig;
use crate::search::{Call, Engine, Error};

const KEYS: usize = 1_000;
/// In bytes.
pub const KEY_LENGTH: usize = 512;
pub const VALUE_LENGTH: usize = 4_096;

/// Somebody else is faster so many times in a row: then something is wrong.
const ATTEMPTS: u32 = 50;

pub struct Dictionary(Kept);

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

impl Dictionary {
    pub fn open(state: Arc<dyn Engine>, settings: &StateConfig) -> Result<Self, Error> {
        Kept::new(state, settings, "lab", "dictionary", "entries").map(Dictionary)
    }

    pub async fn all(&self, call: &Call) -> Result<Entries, Error> {
        Ok(self.0.read(call).await?.1)
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
            let (version, mut entries) = self.0.read(call).await?;
            let outcome = apply(&mut entries)?;
            if entries.len() > KEYS {
                return Err(Refused::Wrong(format!("the dictionary holds {KEYS} keys at most")));
            }
            if self.0.write(call, version, &entries).await? {
                return Ok(outcome);
            }
        }
        Err(Error::Conflict("the dictionary is being changed by too many at once: try again".into()).into())
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
