//! Documents, their ids and versions, and what can be done to them.

use std::fmt;
use std::sync::Arc;

use super::collection::CollectionName;
use super::error::Error;
use super::query::Filter;

/// The document itself: a JSON object.
pub type Source = serde_json::Map<String, serde_json::Value>;

/// A document's own id inside its collection: 1 to 512 bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct DocumentId(Arc<str>);

impl DocumentId {
    pub fn parse(id: &str) -> Result<Self, &'static str> {
        match id.len() {
            0 => Err("an id may not be empty"),
            1..=512 => Ok(DocumentId(Arc::from(id))),
            _ => Err("an id may not be longer than 512 bytes"),
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where one document is. `index` is the concrete index where it is known (from a `nodeId`): then only that one is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct DocRef {
    pub collection: CollectionName,
    pub index: Option<Arc<str>>,
    pub routing: Option<Arc<str>>,
    pub id: DocumentId,
}

impl DocRef {
    pub fn new(collection: CollectionName, id: DocumentId) -> Self {
        DocRef { collection, index: None, routing: None, id }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub id: DocumentId,
    /// The concrete index it lies in.
    pub index: Arc<str>,
    pub routing: Option<Arc<str>>,
    pub version: Version,
    /// As it was written, or the parts that were asked for.
    pub source: Source,
}

/// JSON merge patch (RFC 7396): null removes, objects are merged, all else takes the place of what was there.
pub fn merge_patch(document: &mut Source, patch: Source) {
    for (name, value) in patch {
        match value {
            serde_json::Value::Null => drop(document.remove(&name)),
            serde_json::Value::Object(patch) => {
                let inside = document.entry(name).or_insert_with(|| Source::new().into());
                if !inside.is_object() {
                    *inside = Source::new().into();
                }
                if let Some(inside) = inside.as_object_mut() {
                    merge_patch(inside, patch);
                }
            }
            other => drop(document.insert(name, other)),
        }
    }
}

/// One state of one document: sequence number and primary term, opaque to users (`"<seq_no>-<term>"`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Version {
    pub seq_no: u64,
    pub primary_term: u64,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.seq_no, self.primary_term)
    }
}

impl std::str::FromStr for Version {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits =
            |part: &str| (!part.is_empty() && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse().ok()).flatten();
        text.split_once('-')
            .and_then(|(seq_no, term)| Some(Version { seq_no: digits(seq_no)?, primary_term: digits(term)? }))
            .ok_or("not a version: take it from _version or from an ETag")
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct Write {
    pub on: CollectionName,
    /// The viewer's rows: the document before and after must be among them.
    pub rule: Filter,
    pub action: Action,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Puts the document there, whatever was there before, as far as the precondition allows. Without an id the engine makes one.
    Index { id: Option<DocumentId>, source: Source, precondition: Precondition },
    /// JSON merge patch (RFC 7396) of what is there; of an absent document: `NotFound`.
    Update { id: DocumentId, patch: Source, precondition: Precondition },
    /// Of an absent document: `NotFound`.
    Delete { id: DocumentId, precondition: Precondition },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precondition {
    #[default]
    None,
    /// There is no document of that id: else `Conflict`. For `Index` only.
    Absent,
    /// It is in this state: else `Conflict`.
    Version(Version),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Refresh {
    #[default]
    None,
    /// Until the next refresh has made it visible.
    Wait,
    /// Refreshes itself.
    Now,
}

pub type WriteOutcome = Result<Written, Error>;

#[derive(Clone, Debug, PartialEq)]
pub struct Written {
    pub id: DocumentId,
    pub index: Arc<str>,
    pub routing: Option<Arc<str>>,
    pub version: Version,
    /// It was not there before.
    pub created: bool,
    /// The document after the write; of an `Update` always, else where the writer has it anyway.
    pub after: Option<Source>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// The examples of RFC 7396 whose patch is an object.
    #[test]
    fn patches_are_merged() {
        for (before, patch, after) in [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
            (json!({"a": 1}), json!({"a": {"b": 2}}), json!({"a": {"b": 2}})),
        ] {
            let mut document = before.as_object().unwrap().clone();
            merge_patch(&mut document, patch.as_object().unwrap().clone());
            assert_eq!(serde_json::Value::Object(document), after, "{before} {patch}");
        }
    }
}
