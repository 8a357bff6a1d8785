//! A group of writes inside one transaction: each item sees those before it, is checked, and is done or refused by itself.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Place;
use std::sync::Arc;

use super::super::{
    Action, CollectionName, DocumentId, Error, Filter, Precondition, Result, Source, Write, WriteOutcome, Written, merge_patch,
};
use super::ids::fresh_id;
use super::indexing::check;
use super::moment::{Held, no_collection};
use super::rules::allows;
use super::store::{CollectionWork, Entry, Work, version};
use super::writer::AllHeld;

/// A write that was made ready on the caller's thread.
pub(super) struct Item {
    pub(super) write: Write,
    /// The new document as JSON and the uid of the collection it was checked against; or why it is refused.
    pub(super) ready: Option<(u64, Vec<u8>)>,
}

impl Item {
    /// Checks and encodes what can be without the store: a refusal here needs no turn of the writer.
    pub(super) fn prepare(write: Write, all: &AllHeld) -> Result<Item> {
        let mut ready = None;
        if let Action::Index { source, .. } = &write.action {
            let held = all.get(&write.on).ok_or_else(|| no_collection(&write.on))?;
            check(&held.collection, source)?;
            ready = Some((held.uid, encode(source)?));
        }
        Ok(Item { write, ready })
    }

    /// About how many bytes of documents it carries.
    pub(super) fn bytes(&self) -> usize {
        self.ready.as_ref().map_or(256, |(_, json)| json.len())
    }
}

fn encode(source: &Source) -> Result<Vec<u8>> {
    serde_json::to_vec(source).map_err(Error::internal)
}

/// The lines for the index, by collection.
pub(super) type Lines = Vec<(Held, Vec<Entry>)>;

pub(super) struct Group<'work> {
    work: &'work Work,
    all: &'work AllHeld,
    touched: BTreeMap<CollectionName, Touched<'work>>,
}

struct Touched<'work> {
    held: Held,
    table: CollectionWork<'work>,
    entries: Vec<Entry>,
}

impl<'work> Group<'work> {
    pub(super) fn new(work: &'work Work, all: &'work AllHeld) -> Self {
        Group { work, all, touched: BTreeMap::new() }
    }

    /// One outcome for each item. An error of the whole is one of the store: the transaction is given up.
    pub(super) fn write(&mut self, items: Vec<Item>) -> Result<Vec<WriteOutcome>> {
        items.into_iter().map(|item| self.write_one(item)).collect()
    }

    fn write_one(&mut self, item: Item) -> Result<WriteOutcome> {
        let touched = match self.touched.entry(item.write.on.clone()) {
            Place::Occupied(place) => place.into_mut(),
            Place::Vacant(place) => {
                let Some(held) = self.all.get(&item.write.on) else { return Ok(Err(no_collection(&item.write.on))) };
                let table = self.work.collection(held.uid)?;
                place.insert(Touched { held: held.clone(), table, entries: Vec::new() })
            }
        };
        match touched.write(item) {
            // of the store itself, not of the item: nothing of this transaction can be trusted
            Err(Error::Internal(cause)) => Err(Error::Internal(cause)),
            outcome => Ok(outcome),
        }
    }

    /// Ends the group; deletions that the index holds (below `indexed`) are forgotten on the way.
    pub(super) fn close(self, indexed: impl Fn(u64) -> u64) -> Result<(Vec<(u64, u64)>, Lines)> {
        let mut sequences = Vec::new();
        let mut lines = Vec::new();
        for (_, mut touched) in self.touched {
            if touched.entries.is_empty() {
                continue;
            }
            touched.table.forget_gone(indexed(touched.held.uid))?;
            sequences.push(touched.table.close());
            lines.push((touched.held, touched.entries));
        }
        Ok((sequences, lines))
    }
}

impl Touched<'_> {
    fn write(&mut self, item: Item) -> WriteOutcome {
        let Item { write: Write { on, rule, action }, ready } = item;
        match action {
            Action::Index { id, source, precondition } => {
                let (id, old) = match id {
                    Some(id) => {
                        let old = self.table.current(&id)?;
                        (id, old)
                    }
                    None => (fresh_id()?, None),
                };
                meets(&precondition, old)?;
                if let Some(old) = old
                    && !self.may(&rule, &id, old)?
                {
                    return Err(Error::Forbidden("the document of that id is not among those you may write".into()));
                }
                let json = match ready {
                    Some((uid, json)) if uid == self.held.uid => json,
                    // made again under its name since it was checked
                    _ => {
                        check(&self.held.collection, &source)?;
                        encode(&source)?
                    }
                };
                self.put(&rule, id, old, source, &json)
            }
            Action::Update { id, patch, precondition } => {
                let old = self.standing(&rule, &id, &precondition)?;
                let mut source = self.table.source(old)?;
                merge_patch(&mut source, patch);
                check(&self.held.collection, &source)?;
                let json = encode(&source)?;
                self.put(&rule, id, Some(old), source, &json)
            }
            Action::Delete { id, precondition } => {
                let old = self.standing(&rule, &id, &precondition)?;
                let seq_no = self.table.delete(&id, old)?;
                self.entries.push(Entry { seq_no, id: id.clone(), source: None });
                let (index, version) = (Arc::from(on.as_str()), version(seq_no));
                Ok(Written { id, index, routing: None, version, created: false, after: None })
            }
        }
    }

    fn put(&mut self, rule: &Filter, id: DocumentId, old: Option<u64>, source: Source, json: &[u8]) -> WriteOutcome {
        if !allows(&self.held.collection, rule, &id, &source)? {
            return Err(Error::Forbidden("the document would not be among those you may write".into()));
        }
        let seq_no = self.table.put(&id, old, json)?;
        self.entries.push(Entry { seq_no, id: id.clone(), source: Some(source.clone()) });
        Ok(Written {
            id,
            index: Arc::from(self.held.collection.name.as_str()),
            routing: None,
            version: version(seq_no),
            created: old.is_none(),
            after: Some(source),
        })
    }

    /// The number of a document that must be there, as far as the rule lets it be seen.
    fn standing(&self, rule: &Filter, id: &DocumentId, precondition: &Precondition) -> Result<u64> {
        if *precondition == Precondition::Absent {
            return Err(Error::invalid("what is absent can neither be updated nor deleted"));
        }
        let absent = || Error::NotFound("there is no document of that id".into());
        let old = self.table.current(id)?.ok_or_else(absent)?;
        if !self.may(rule, id, old)? {
            return Err(absent());
        }
        meets(precondition, Some(old))?;
        Ok(old)
    }

    fn may(&self, rule: &Filter, id: &DocumentId, old: u64) -> Result<bool> {
        if *rule == Filter::All {
            return Ok(true);
        }
        allows(&self.held.collection, rule, id, &self.table.source(old)?)
    }
}

fn meets(precondition: &Precondition, old: Option<u64>) -> Result<()> {
    match (precondition, old) {
        (Precondition::None, _) | (Precondition::Absent, None) => Ok(()),
        (Precondition::Absent, Some(_)) => Err(Error::Conflict("there is a document of that id".into())),
        (Precondition::Version(wanted), Some(old)) if *wanted == version(old) => Ok(()),
        (Precondition::Version(_), Some(_)) => {
            Err(Error::Conflict("the document has changed: its version is another one".into()))
        }
        (Precondition::Version(_), None) => Err(Error::Conflict("the document is not there any more".into())),
    }
}
