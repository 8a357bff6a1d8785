//! The truth: documents, their numbers and the log, in one transactional file. Knows nothing of searching.
//!
//! Each collection has three tables. `documents` holds the newest state of each document by its sequence number: read upward
//! from a number it is the log of what was written since. `ids` leads from an id to that number. `gone` holds deletions
//! until the index has them on disk, for they too are part of the log.

use std::fmt::Display;
use std::path::Path;
use std::sync::Arc;

use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase as _, ReadableTable as _, Table, TableDefinition, TableError,
    WriteTransaction,
};

use super::super::{CollectionName, Document, DocumentId, Error, Result, Source, Version};
use super::documents::Documents;
use super::projection::project;
use super::records::Record;

/// Grows when the files change their shape; a newer one is refused, an older one would be carried over here.
const FORMAT: u64 = 1;

/// Bytes of pages kept in memory; the system's own cache stands behind it.
const CACHE: usize = 128 * 1024 * 1024;

/// `format`, and `next`: the uid of the next collection.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
const COLLECTIONS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("collections");
/// By uid, the next sequence number.
const SEQUENCES: TableDefinition<'_, u64, u64> = TableDefinition::new("sequences");

/// The term of every version: there is one writer, and it never changes.
pub(super) const PRIMARY_TERM: u64 = 1;

pub(super) struct Store {
    database: Database,
}

/// What the engine knows of its files at the start.
pub(super) type Known = Vec<(CollectionName, Record)>;

fn names(uid: u64) -> [String; 3] {
    [format!("documents.{uid}"), format!("ids.{uid}"), format!("gone.{uid}")]
}

pub(super) fn fault(cause: impl Display) -> Error {
    Error::Internal(format!("document store: {cause}"))
}

/// A table that was never written to is an empty one.
fn there<T>(table: Result<T, TableError>) -> Result<Option<T>> {
    match table {
        Ok(table) => Ok(Some(table)),
        Err(TableError::TableDoesNotExist(_)) => Ok(None),
        Err(other) => Err(fault(other)),
    }
}

impl Store {
    pub(super) fn open(file: &Path) -> Result<(Self, Known)> {
        let database = Database::builder().set_cache_size(CACHE).create(file).map_err(fault)?;
        let store = Store { database };
        let work = store.write()?;
        let mut known = Known::new();
        {
            let mut meta = work.meta()?;
            let format = meta.get("format").map_err(fault)?.map(|value| value.value());
            match format {
                Some(FORMAT) => {}
                Some(other) => {
                    return Err(Error::Conflict(format!(
                        "the data in {} has format {other}, and this release reads format {FORMAT}: use the release that wrote it",
                        file.display()
                    )));
                }
                None => {
                    meta.insert("format", FORMAT).map_err(fault)?;
                }
            }
            for entry in work.collections()?.iter().map_err(fault)? {
                let (name, record) = entry.map_err(fault)?;
                known.push((CollectionName::existing(name.value()), Record::decode(record.value())?));
            }
        }
        work.commit()?;
        Ok((store, known))
    }

    /// As if another release had written it.
    #[cfg(test)]
    pub(super) fn set_format(file: &Path, format: u64) {
        let (store, _) = Store::open(file).unwrap();
        let work = store.write().unwrap();
        work.meta().unwrap().insert("format", format).unwrap();
        work.commit().unwrap();
    }

    /// The state of all collections after the last acknowledged write.
    pub(super) fn read(&self) -> Result<Reading> {
        self.database.begin_read().map(|transaction| Reading { transaction: Arc::new(transaction) }).map_err(fault)
    }

    /// There is one at a time; it is the writer thread's.
    pub(super) fn write(&self) -> Result<Work> {
        let mut transaction = self.database.begin_write().map_err(fault)?;
        // a start after a crash must not read the whole file
        transaction.set_quick_repair(true);
        Ok(Work { transaction })
    }
}

/// One state of the whole store, held as long as it lives.
#[derive(Clone)]
pub(super) struct Reading {
    transaction: Arc<ReadTransaction>,
}

impl Reading {
    pub(super) fn collection(&self, uid: u64, name: &CollectionName) -> Result<CollectionReading> {
        let [documents, ids, gone] = names(uid);
        Ok(CollectionReading {
            name: Arc::from(name.as_str()),
            documents: there(self.transaction.open_table(TableDefinition::new(&documents)))?,
            ids: there(self.transaction.open_table(TableDefinition::new(&ids)))?,
            gone: there(self.transaction.open_table(TableDefinition::new(&gone)))?,
        })
    }

    pub(super) fn next_sequence(&self, uid: u64) -> Result<u64> {
        let Some(sequences) = there(self.transaction.open_table(SEQUENCES))? else { return Ok(0) };
        Ok(sequences.get(uid).map_err(fault)?.map_or(0, |value| value.value()))
    }
}

/// One collection in one state of the store.
pub(super) struct CollectionReading {
    name: Arc<str>,
    documents: Option<ReadOnlyTable<u64, &'static [u8]>>,
    ids: Option<ReadOnlyTable<&'static str, u64>>,
    gone: Option<ReadOnlyTable<u64, &'static str>>,
}

/// One line of the log: what became of a document. `source` is absent where it was deleted.
pub(super) struct Entry {
    pub(super) seq_no: u64,
    pub(super) id: DocumentId,
    pub(super) source: Option<Source>,
}

impl CollectionReading {
    /// The newest state of the document, whole.
    pub(super) fn by_id(&self, id: &DocumentId) -> Result<Option<Document>> {
        let Some(ids) = &self.ids else { return Ok(None) };
        let Some(seq_no) = ids.get(id.as_str()).map_err(fault)?.map(|value| value.value()) else { return Ok(None) };
        self.document(seq_no, None).map(Some)
    }

    /// What was written from this number on, deletions after the rest: an id stands in only one of the two.
    pub(super) fn log(&self, from: u64, mut each: impl FnMut(Entry) -> Result<()>) -> Result<()> {
        if let Some(gone) = &self.gone {
            for entry in gone.range(from..).map_err(fault)? {
                let (seq_no, id) = entry.map_err(fault)?;
                each(Entry { seq_no: seq_no.value(), id: DocumentId::parse(id.value()).map_err(fault)?, source: None })?;
            }
        }
        if let Some(documents) = &self.documents {
            for entry in documents.range(from..).map_err(fault)? {
                let (seq_no, bytes) = entry.map_err(fault)?;
                let (id, source) = decode(bytes.value())?;
                let source = serde_json::from_slice(source).map_err(fault)?;
                each(Entry { seq_no: seq_no.value(), id, source: Some(source) })?;
            }
        }
        Ok(())
    }
}

impl Documents for CollectionReading {
    fn document(&self, seq_no: u64, fields: Option<&[Arc<str>]>) -> Result<Document> {
        let missing = || Error::Internal(format!("document store: {} has no document number {seq_no}", self.name));
        let table = self.documents.as_ref().ok_or_else(missing)?;
        let bytes = table.get(seq_no).map_err(fault)?.ok_or_else(missing)?;
        let (id, source) = decode(bytes.value())?;
        let source = match fields {
            Some([]) => Source::new(),
            fields => project(serde_json::from_slice(source).map_err(fault)?, fields),
        };
        Ok(Document { id, index: Arc::clone(&self.name), routing: None, version: version(seq_no), source })
    }
}

pub(super) fn version(seq_no: u64) -> Version {
    Version { seq_no, primary_term: PRIMARY_TERM }
}

/// Length of the id (two bytes), id, source as JSON.
fn encode(id: &DocumentId, source: &[u8]) -> Vec<u8> {
    let id = id.as_str().as_bytes();
    let mut bytes = Vec::with_capacity(2 + id.len() + source.len());
    // an id has at most 512 bytes
    bytes.extend_from_slice(&u16::try_from(id.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend_from_slice(id);
    bytes.extend_from_slice(source);
    bytes
}

fn decode(bytes: &[u8]) -> Result<(DocumentId, &[u8])> {
    let broken = || Error::Internal("document store: a document is cut short".into());
    let (length, rest) = bytes.split_first_chunk::<2>().ok_or_else(broken)?;
    let (id, source) = rest.split_at_checked(usize::from(u16::from_le_bytes(*length))).ok_or_else(broken)?;
    let id = std::str::from_utf8(id).map_err(fault)?;
    Ok((DocumentId::parse(id).map_err(fault)?, source))
}

/// A transaction of the writer: everything in it is on disk once `commit` returns, or nothing is.
pub(super) struct Work {
    transaction: WriteTransaction,
}

impl Work {
    fn meta(&self) -> Result<Table<'_, &'static str, u64>> {
        self.transaction.open_table(META).map_err(fault)
    }

    fn collections(&self) -> Result<Table<'_, &'static str, &'static [u8]>> {
        self.transaction.open_table(COLLECTIONS).map_err(fault)
    }

    /// A uid that was never given before: a collection made again under a name is another one.
    pub(super) fn fresh_uid(&mut self) -> Result<u64> {
        let mut meta = self.meta()?;
        let next = meta.get("next").map_err(fault)?.map_or(1, |value| value.value());
        meta.insert("next", next + 1).map_err(fault)?;
        Ok(next)
    }

    pub(super) fn put_record(&mut self, name: &CollectionName, record: &Record) -> Result<()> {
        self.collections()?.insert(name.as_str(), record.encode()?.as_slice()).map_err(fault)?;
        Ok(())
    }

    pub(super) fn remove_collection(&mut self, name: &CollectionName, uid: u64) -> Result<()> {
        self.collections()?.remove(name.as_str()).map_err(fault)?;
        self.transaction.open_table(SEQUENCES).map_err(fault)?.remove(uid).map_err(fault)?;
        let [documents, ids, gone] = names(uid);
        self.transaction.delete_table(TableDefinition::<u64, &[u8]>::new(&documents)).map_err(fault)?;
        self.transaction.delete_table(TableDefinition::<&str, u64>::new(&ids)).map_err(fault)?;
        self.transaction.delete_table(TableDefinition::<u64, &str>::new(&gone)).map_err(fault)?;
        Ok(())
    }

    pub(super) fn collection(&self, uid: u64) -> Result<CollectionWork<'_>> {
        let [documents, ids, gone] = names(uid);
        let sequences = self.transaction.open_table(SEQUENCES).map_err(fault)?;
        let next = sequences.get(uid).map_err(fault)?.map_or(0, |value| value.value());
        Ok(CollectionWork {
            documents: self.transaction.open_table(TableDefinition::new(&documents)).map_err(fault)?,
            ids: self.transaction.open_table(TableDefinition::new(&ids)).map_err(fault)?,
            gone: self.transaction.open_table(TableDefinition::new(&gone)).map_err(fault)?,
            uid,
            next,
        })
    }

    pub(super) fn commit(self) -> Result<()> {
        self.transaction.commit().map_err(fault)
    }
}

/// One collection inside a transaction; `finish` keeps its sequence number.
pub(super) struct CollectionWork<'work> {
    documents: Table<'work, u64, &'static [u8]>,
    ids: Table<'work, &'static str, u64>,
    gone: Table<'work, u64, &'static str>,
    uid: u64,
    next: u64,
}

impl CollectionWork<'_> {
    /// The number of the document's newest state.
    pub(super) fn current(&self, id: &DocumentId) -> Result<Option<u64>> {
        Ok(self.ids.get(id.as_str()).map_err(fault)?.map(|value| value.value()))
    }

    pub(super) fn source(&self, seq_no: u64) -> Result<Source> {
        let bytes = self.documents.get(seq_no).map_err(fault)?;
        let bytes = bytes.ok_or_else(|| Error::Internal(format!("document store: no document number {seq_no}")))?;
        serde_json::from_slice(decode(bytes.value())?.1).map_err(fault)
    }

    /// Puts the document in place of its state `old`, and gives its new number.
    pub(super) fn put(&mut self, id: &DocumentId, old: Option<u64>, source: &[u8]) -> Result<u64> {
        if let Some(old) = old {
            self.documents.remove(old).map_err(fault)?;
        }
        let seq_no = self.advance();
        self.documents.insert(seq_no, encode(id, source).as_slice()).map_err(fault)?;
        self.ids.insert(id.as_str(), seq_no).map_err(fault)?;
        Ok(seq_no)
    }

    /// Takes the document in its state `old` away; the deletion has a number of its own.
    pub(super) fn delete(&mut self, id: &DocumentId, old: u64) -> Result<u64> {
        self.documents.remove(old).map_err(fault)?;
        self.ids.remove(id.as_str()).map_err(fault)?;
        let seq_no = self.advance();
        self.gone.insert(seq_no, id.as_str()).map_err(fault)?;
        Ok(seq_no)
    }

    fn advance(&mut self) -> u64 {
        self.next += 1;
        self.next - 1
    }

    /// Forgets deletions below this number: the index has them.
    pub(super) fn forget_gone(&mut self, below: u64) -> Result<()> {
        let oldest = self.gone.first().map_err(fault)?.map(|(seq_no, _)| seq_no.value());
        if oldest.is_some_and(|oldest| oldest < below) {
            self.gone.retain_in(..below, |_, _| false).map_err(fault)?;
        }
        Ok(())
    }

    /// What `finish` must write: the collection and its next sequence number.
    pub(super) fn close(self) -> (u64, u64) {
        (self.uid, self.next)
    }
}

impl Work {
    pub(super) fn keep_sequence(&mut self, (uid, next): (u64, u64)) -> Result<()> {
        self.transaction.open_table(SEQUENCES).map_err(fault)?.insert(uid, next).map_err(fault)?;
        Ok(())
    }
}
