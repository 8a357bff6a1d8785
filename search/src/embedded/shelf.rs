//! One inverted index on disk, and the few of them that have a writer open at a time.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tantivy::indexer::{IndexWriterOptions, UserOperation};
use tantivy::{Index, IndexReader, IndexWriter, ReloadPolicy, TantivyDocument, Term};

use super::super::{CollectionName, Error, Result};
use super::indexing::index_document;
use super::layout::Layout;
use super::moment::{Held, Seen};
use super::store::{CollectionReading, Entry};

/// Grows when the same documents would be indexed otherwise: an index of another number is built again from the documents.
const FORMAT: u64 = 3;

/// Writers open at once: each has three threads and up to `ARENA` bytes.
const MOST_WRITERS: usize = 4;
const ARENA: usize = 32 * 1024 * 1024;

/// A writer that is closed stops the merges it began. With so many segments they are waited for.
const MANY_SEGMENTS: usize = 16;

/// Publications without a write after which a writer is closed.
const IDLE: u32 = 30;

pub(super) struct Shelf {
    held: Held,
    folder: PathBuf,
    layout: Arc<Layout>,
    index: Index,
    reader: IndexReader,
    writer: Option<IndexWriter>,
    /// Everything below this sequence number was added.
    reached: u64,
    /// Everything below this one is in the index on disk.
    committed: u64,
    changed: bool,
    idle: u32,
    broken: Option<String>,
}

fn fault(cause: impl Display) -> Error {
    Error::Internal(format!("index: {cause}"))
}

impl Shelf {
    /// Opens the index of a collection, or begins an empty one where there is none that can be used.
    pub(super) fn open(parent: &Path, held: Held) -> Result<Shelf> {
        let folder = parent.join(held.uid.to_string());
        let layout = Arc::new(Layout::new(&held.collection)?);
        let (index, committed) = match existing(&folder, &layout) {
            Ok(Some(found)) => found,
            Ok(None) => (begin(&folder, &layout)?, 0),
            Err(error) => {
                tracing::warn!(collection = %held.collection.name, cause = error.cause(), "the index is built again");
                (begin(&folder, &layout)?, 0)
            }
        };
        let reader = index.reader_builder().reload_policy(ReloadPolicy::Manual).try_into().map_err(fault)?;
        Ok(Shelf {
            held,
            folder,
            layout,
            index,
            reader,
            writer: None,
            reached: committed,
            committed,
            changed: false,
            idle: 0,
            broken: None,
        })
    }

    pub(super) fn held(&self) -> &Held {
        &self.held
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Everything below this sequence number is in the index on disk.
    pub(super) fn below(&self) -> u64 {
        self.committed
    }

    /// Something was added that no searcher sees.
    pub(super) fn changed(&self) -> bool {
        self.changed
    }

    /// Adds what the log holds since the index was last brought to disk, and brings that to disk.
    pub(super) fn replay(&mut self, ring: &mut WriterRing, documents: &CollectionReading, next: u64) -> Result<()> {
        documents.log(self.committed, |entry| self.add(ring, entry))?;
        // the log may end before it: of deletions it keeps only the late ones
        self.reached = self.reached.max(next);
        self.commit()
    }

    pub(super) fn add(&mut self, ring: &mut WriterRing, entry: Entry) -> Result<()> {
        if self.broken.is_some() {
            return Ok(());
        }
        self.changed = true;
        self.reached = self.reached.max(entry.seq_no + 1);
        let entries = match &entry.source {
            Some(source) => index_document(&self.layout, &self.held.collection, entry.id.as_str(), entry.seq_no, source)?,
            None => Vec::new(),
        };
        let remove = UserOperation::Delete(Term::from_field_text(self.layout.id, entry.id.as_str()));
        let operations: Vec<_> = [remove].into_iter().chain(entries.into_iter().map(UserOperation::Add)).collect();
        // at once: what belongs to one document becomes neighbours in one segment
        ring.writer(self)?.run(operations).map_err(fault)?;
        Ok(())
    }

    /// Brings what was added to disk.
    pub(super) fn commit(&mut self) -> Result<()> {
        if let Some(writer) = &mut self.writer
            && self.committed < self.reached
        {
            let mut commit = writer.prepare_commit().map_err(fault)?;
            commit.set_payload(&payload(self.reached));
            commit.commit().map_err(fault)?;
            self.committed = self.reached;
        }
        Ok(())
    }

    /// What searches see from now on: everything committed.
    pub(super) fn see(&mut self, generation: u64) -> Result<Seen> {
        self.reader.reload().map_err(fault)?;
        self.changed = false;
        Ok(Seen {
            held: self.held.clone(),
            layout: Arc::clone(&self.layout),
            searcher: self.reader.searcher(),
            generation,
            broken: self.broken.clone(),
        })
    }

    /// The same documents, with the fields as they are now.
    pub(super) fn see_again(&self, old: &Seen, generation: u64) -> Seen {
        Seen {
            held: self.held.clone(),
            layout: Arc::clone(&self.layout),
            searcher: old.searcher.clone(),
            generation,
            broken: self.broken.clone(),
        }
    }

    /// New fields, in the same index.
    pub(super) fn extend(&mut self, held: Held) -> Result<()> {
        if !self.layout.fits(&held.collection) {
            return Err(Error::Internal("index: the new fields do not fit".into()));
        }
        self.held = held;
        Ok(())
    }

    /// The index lost something: it is not searched until a new start has replayed it.
    pub(super) fn fail(&mut self, error: &Error) {
        let cause = error.cause().map_or_else(|| error.to_string(), str::to_owned);
        tracing::error!(collection = %self.held.collection.name, cause, "the index is broken; a new start mends it");
        self.writer = None;
        self.changed = true;
        self.broken = Some(cause);
    }

    fn segments(&self) -> usize {
        self.index.searchable_segment_ids().map_or(0, |segments| segments.len())
    }

    fn close_writer(&mut self) -> Result<()> {
        self.commit()?;
        if let Some(writer) = self.writer.take()
            && self.segments() >= MANY_SEGMENTS
        {
            writer.wait_merging_threads().map_err(fault)?;
        }
        Ok(())
    }
}

fn payload(below: u64) -> String {
    format!("{FORMAT} {below}")
}

fn existing(folder: &Path, layout: &Layout) -> Result<Option<(Index, u64)>> {
    if !folder.join("meta.json").exists() {
        return Ok(None);
    }
    let index = Index::open_in_dir(folder).map_err(fault)?;
    if index.schema() != layout.schema {
        return Err(Error::Internal("index: it is of another form".into()));
    }
    // nothing was committed yet: it is empty
    let Some(payload) = index.load_metas().map_err(fault)?.payload else { return Ok(Some((index, 0))) };
    match payload.split_once(' ') {
        Some((format, below)) if format == FORMAT.to_string() => Ok(Some((index, below.parse().map_err(fault)?))),
        _ => Err(Error::Internal("index: it is of another form".into())),
    }
}

fn begin(folder: &Path, layout: &Layout) -> Result<Index> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).map_err(fault)?;
    }
    std::fs::create_dir_all(folder).map_err(fault)?;
    Index::create_in_dir(folder, layout.schema.clone()).map_err(fault)
}

/// The indexes that have a writer, the one used last at the end.
#[derive(Default)]
pub(super) struct WriterRing {
    open: VecDeque<CollectionName>,
}

impl WriterRing {
    /// The writer of an index, opened if need be. Room for it must have been made.
    fn writer<'a>(&mut self, shelf: &'a mut Shelf) -> Result<&'a mut IndexWriter> {
        shelf.idle = 0;
        if shelf.writer.is_none() {
            let options =
                IndexWriterOptions::builder().num_worker_threads(1).num_merge_threads(1).memory_budget_per_thread(ARENA).build();
            let writer = shelf.index.writer_with_options::<TantivyDocument>(options).map_err(fault)?;
            shelf.writer = Some(writer);
            self.open.push_back(shelf.held.collection.name.clone());
        }
        shelf.writer.as_mut().ok_or_else(|| Error::Internal("index: no writer".into()))
    }

    /// Closes the writer that was used longest ago, if one more would be too many.
    pub(super) fn make_room(&mut self, shelves: &mut BTreeMap<CollectionName, Shelf>, wanted: &CollectionName) -> Result<()> {
        if let Some(place) = self.open.iter().position(|name| name == wanted) {
            if let Some(name) = self.open.remove(place) {
                self.open.push_back(name);
            }
            return Ok(());
        }
        while self.open.len() >= MOST_WRITERS {
            let Some(oldest) = self.open.pop_front() else { break };
            if let Some(shelf) = shelves.get_mut(&oldest)
                && let Err(error) = shelf.close_writer()
            {
                shelf.fail(&error);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Closes the writer of a shelf that is not among the others yet.
    pub(super) fn give_back(&mut self, shelf: &mut Shelf) {
        self.forget(&shelf.held.collection.name);
        shelf.writer = None;
    }

    pub(super) fn forget(&mut self, name: &CollectionName) {
        self.open.retain(|open| open != name);
    }

    /// Closes writers that had nothing to do for long; with `all` every one.
    pub(super) fn rest(&mut self, shelves: &mut BTreeMap<CollectionName, Shelf>, all: bool) {
        self.open.retain(|name| {
            let Some(shelf) = shelves.get_mut(name) else { return false };
            shelf.idle += 1;
            if shelf.writer.is_some() && shelf.idle < IDLE && !all {
                return true;
            }
            if let Err(error) = shelf.close_writer() {
                shelf.fail(&error);
            }
            false
        });
    }
}
