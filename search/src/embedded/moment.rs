//! What searches see: for each collection a searcher, and the state of the documents it belongs to. Swapped as a whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use tantivy::Searcher;

use super::super::{Collection, CollectionName, Error, Result};
use super::layout::Layout;
use super::store::{CollectionReading, Reading};

/// A collection as it stands now: what writes go by.
#[derive(Clone)]
pub(super) struct Held {
    pub(super) uid: u64,
    pub(super) collection: Arc<Collection>,
}

/// One point in time. As long as it is held, what it shows stays as it was.
pub(super) struct Moment {
    /// The state of the documents that the searchers were made of: all writes up to it are in them, and none after it.
    pub(super) reading: Reading,
    pub(super) seen: BTreeMap<CollectionName, Arc<Seen>>,
    /// All collections but the hidden ones, by name; the same as long as none changes.
    pub(super) visible: Arc<Vec<Arc<Collection>>>,
}

/// One collection at that point in time.
pub(super) struct Seen {
    pub(super) held: Held,
    pub(super) layout: Arc<Layout>,
    pub(super) searcher: Searcher,
    /// Grows with each change of what a search sees, over all collections and their lives.
    pub(super) generation: u64,
    /// Why the index cannot be searched, where it failed; a new start mends it from the log.
    pub(super) broken: Option<String>,
}

impl Moment {
    pub(super) fn seen(&self, name: &CollectionName) -> Result<&Arc<Seen>> {
        let seen = self.seen.get(name).ok_or_else(|| no_collection(name))?;
        match &seen.broken {
            None => Ok(seen),
            Some(why) => Err(Error::Internal(format!("the index of {name} is broken: {why}"))),
        }
    }

    pub(super) fn documents(&self, seen: &Seen) -> Result<CollectionReading> {
        self.reading.collection(seen.held.uid, &seen.held.collection.name)
    }
}

pub(super) fn no_collection(name: &CollectionName) -> Error {
    Error::NotFound(format!("there is no collection {name}"))
}

/// The collections that users see, from all there are.
pub(super) fn visible<'a>(seen: impl Iterator<Item = &'a Arc<Seen>>) -> Arc<Vec<Arc<Collection>>> {
    let shown = seen.map(|seen| &seen.held.collection).filter(|collection| !collection.name.is_hidden());
    Arc::new(shown.map(Arc::clone).collect())
}
