//! The embedded [`Engine`]: the only place that names the inverted index and the document store.
//!
//! Two halves. The store half (`store`, `writer`, `group`, `indexer`, `shelf`, `moment`, `snapshots`) keeps documents and
//! their log, and decides what a search may see. The index half (`layout`, `indexing`, `searching` and what they use) turns
//! documents into an inverted index and queries into hits. They meet in `documents` and in `searching::View`.

mod analysis;
mod codes;
mod coercion;
mod collecting;
mod collections;
mod compute;
mod documents;
mod elements;
mod engine;
mod explaining;
mod group;
mod highlighting;
mod ids;
mod indexer;
mod indexing;
mod inner;
mod layout;
mod machines;
mod matching;
mod moment;
mod nearest;
mod norms;
mod passages;
mod phrases;
mod projection;
mod ranking;
mod records;
mod rules;
mod searching;
mod sets;
mod shelf;
mod snapshots;
mod sorting;
mod spans;
mod store;
mod suggesting;
mod together;
mod writer;

use std::path::Path;
use std::sync::Arc;

use super::{Engine, Error, Result};

/// Opens the engine on a data folder, which is made where it is not there. One process holds it at a time: for a second it is
/// [`Error::Conflict`]. What a crash left behind is mended before this returns. Dropping the engine ends its threads.
pub(super) async fn open(folder: &Path) -> Result<Arc<dyn Engine>> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || engine::open(&folder)).await.map_err(Error::internal)?
}

#[cfg(test)]
mod crash;
#[cfg(test)]
mod searching_tests;
#[cfg(test)]
mod tests;
