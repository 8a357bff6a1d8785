//! The thread over the inverted indexes. It takes what the writer has stored, in order, and makes it visible when told to.
//!
//! Invariants. The writer's transaction is on disk before its lines come here. An index on disk says, as the payload of
//! its last commit, below which sequence number it holds everything; what is above is replayed from the log at the next
//! start. A moment is published only when every index holds exactly what its reading holds.

use std::collections::{BTreeMap, HashMap};
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;

use super::super::{CollectionName, Error, Result};
use super::moment::{Held, Moment, Seen, visible};
use super::shelf::{Shelf, WriterRing};
use super::store::{Entry, Reading};

/// With nothing to do for so long, no writer stays open.
const QUIET: Duration = Duration::from_secs(30);

/// What to do once a task is done: answers the caller who waits for it.
pub(super) type Then = Box<dyn FnOnce(Result<()>) + Send>;

/// What the writer hands over, in the order of its transactions.
pub(super) enum Task {
    Index {
        held: Held,
        entries: Vec<Entry>,
    },
    /// Everything handed over so far becomes visible; `reading` is the state of the store right now.
    Publish {
        reading: Reading,
        then: Vec<Then>,
    },
    Open {
        held: Held,
        then: Then,
    },
    /// The collection has got more fields.
    Extend {
        held: Held,
        then: Then,
    },
    Remove {
        name: CollectionName,
        then: Then,
    },
}

/// What the writer, the indexer and the engine share.
pub(super) struct Progress {
    pub(super) moment: ArcSwap<Moment>,
    /// By uid: below this sequence number the index on disk holds everything.
    indexed: Mutex<HashMap<u64, u64>>,
    /// Some index is broken.
    pub(super) trouble: AtomicBool,
}

impl Progress {
    pub(super) fn indexed(&self, uid: u64) -> u64 {
        self.indexed.lock().unwrap_or_else(PoisonError::into_inner).get(&uid).copied().unwrap_or(0)
    }

    fn note(&self, uid: u64, below: u64) {
        self.indexed.lock().unwrap_or_else(PoisonError::into_inner).insert(uid, below);
    }
}

pub(super) struct Indexer {
    folder: PathBuf,
    shelves: BTreeMap<CollectionName, Shelf>,
    ring: WriterRing,
    progress: Arc<Progress>,
    generation: u64,
}

impl Indexer {
    /// Opens every index, replays what it lacks, and publishes the first moment.
    pub(super) fn open(folder: &Path, reading: Reading, all: Vec<Held>) -> Result<(Self, Arc<Progress>)> {
        std::fs::create_dir_all(folder).map_err(|error| unusable(folder, error))?;
        remove_strangers(folder, &all)?;
        let mut ring = WriterRing::default();
        let mut shelves = BTreeMap::new();
        let mut indexed = HashMap::new();
        for held in all {
            let name = held.collection.name.clone();
            let uid = held.uid;
            let mut shelf = Shelf::open(folder, held)?;
            let next = reading.next_sequence(uid)?;
            if shelf.below() < next {
                tracing::info!(collection = %name, from = shelf.below(), to = next, "bringing the index up to date");
                let replayed = guarded(|| shelf.replay(&mut ring, &reading.collection(uid, &name)?, next));
                ring.give_back(&mut shelf);
                // the others can be searched all the same
                if let Err(error) = replayed {
                    shelf.fail(&error);
                }
            }
            indexed.insert(uid, shelf.below());
            shelves.insert(name, shelf);
        }
        let mut generation = 0;
        let mut seen = BTreeMap::new();
        let mut trouble = false;
        for (name, shelf) in &mut shelves {
            generation += 1;
            let now = shelf.see(generation)?;
            trouble |= now.broken.is_some();
            seen.insert(name.clone(), Arc::new(now));
        }
        let moment = Moment { reading, visible: visible(seen.values()), seen };
        let progress = Arc::new(Progress {
            moment: ArcSwap::from_pointee(moment),
            indexed: Mutex::new(indexed),
            trouble: AtomicBool::new(trouble),
        });
        let indexer = Indexer { folder: folder.to_owned(), shelves, ring, progress: Arc::clone(&progress), generation };
        Ok((indexer, progress))
    }

    /// Works until the writer is gone.
    pub(super) fn run(mut self, tasks: &Receiver<Task>) {
        loop {
            let task = match tasks.recv_timeout(QUIET) {
                Ok(task) => task,
                Err(RecvTimeoutError::Timeout) => {
                    self.ring.rest(&mut self.shelves, true);
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            match task {
                Task::Index { held, entries } => self.index(&held, entries),
                Task::Publish { reading, then } => {
                    let done = self.publish(reading);
                    for then in then {
                        then(done.as_ref().copied().map_err(|error| Error::internal(error.cause().unwrap_or("index"))));
                    }
                }
                Task::Open { held, then } => then(self.open_new(held)),
                Task::Extend { held, then } => then(self.extend(held)),
                Task::Remove { name, then } => then(self.remove(&name)),
            }
        }
    }

    fn index(&mut self, held: &Held, entries: Vec<Entry>) {
        let name = &held.collection.name;
        if let Err(error) = self.ring.make_room(&mut self.shelves, name) {
            tracing::error!(cause = error.cause(), "an index could not be committed");
        }
        // removed meanwhile, or made again
        let Some(shelf) = self.shelves.get_mut(name).filter(|shelf| shelf.held().uid == held.uid) else { return };
        let ring = &mut self.ring;
        if let Err(error) = guarded(|| entries.into_iter().try_for_each(|entry| shelf.add(ring, entry))) {
            shelf.fail(&error);
        }
    }

    /// Commits what has changed and shows it.
    fn publish(&mut self, reading: Reading) -> Result<()> {
        let before = self.progress.moment.load_full();
        let mut seen = before.seen.clone();
        let mut failed = Ok(());
        for (name, shelf) in &mut self.shelves {
            if !shelf.changed() {
                continue;
            }
            self.generation += 1;
            let now = shelf.commit().and_then(|()| shelf.see(self.generation));
            let now = now.or_else(|error| {
                shelf.fail(&error);
                failed = Err(error);
                shelf.see(self.generation)
            })?;
            if now.broken.is_some() {
                self.progress.trouble.store(true, Ordering::Relaxed);
                failed = Err(Error::Internal(format!("the index of {name} is broken")));
            } else {
                self.progress.note(shelf.held().uid, shelf.below());
            }
            seen.insert(name.clone(), Arc::new(now));
        }
        let visible = Arc::clone(&before.visible);
        self.progress.moment.store(Arc::new(Moment { reading, seen, visible }));
        self.ring.rest(&mut self.shelves, false);
        failed
    }

    fn open_new(&mut self, held: Held) -> Result<()> {
        let name = held.collection.name.clone();
        let shelf = Shelf::open(&self.folder, held)?;
        self.shelves.insert(name.clone(), shelf);
        self.show(&name)
    }

    fn extend(&mut self, held: Held) -> Result<()> {
        let name = held.collection.name.clone();
        if let Some(shelf) = self.shelves.get_mut(&name) {
            shelf.extend(held)?;
        }
        self.show(&name)
    }

    fn remove(&mut self, name: &CollectionName) -> Result<()> {
        let Some(shelf) = self.shelves.remove(name) else { return Ok(()) };
        self.ring.forget(name);
        let before = self.progress.moment.load_full();
        let mut seen = before.seen.clone();
        seen.remove(name);
        self.store(&before, seen);
        let folder = shelf.folder().to_owned();
        drop(shelf);
        // whoever still searches it has its files open; what stays behind is swept at the next start
        if let Err(error) = std::fs::remove_dir_all(&folder) {
            tracing::warn!(%error, folder = %folder.display(), "the index of a removed collection stays behind");
        }
        Ok(())
    }

    /// Shows one collection anew without moving the others: its documents are the same as before, or there are none.
    fn show(&mut self, name: &CollectionName) -> Result<()> {
        let Some(shelf) = self.shelves.get_mut(name) else { return Ok(()) };
        self.generation += 1;
        let before = self.progress.moment.load_full();
        let mut seen = before.seen.clone();
        let now = match before.seen.get(name) {
            // what was written meanwhile must not show before the documents behind it do
            Some(old) if old.held.uid == shelf.held().uid => shelf.see_again(old, self.generation),
            _ => shelf.see(self.generation)?,
        };
        seen.insert(name.clone(), Arc::new(now));
        self.store(&before, seen);
        Ok(())
    }

    fn store(&self, before: &Moment, seen: BTreeMap<CollectionName, Arc<Seen>>) {
        let moment = Moment { reading: before.reading.clone(), visible: visible(seen.values()), seen };
        self.progress.moment.store(Arc::new(moment));
    }
}

/// A panic becomes an error of what was being done: the thread goes on for everybody else.
pub(super) fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(Error::internal("a panic, told on stderr")))
}

/// Folders of collections that are no more: removed, or made in a transaction that a crash undid.
fn remove_strangers(folder: &Path, all: &[Held]) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(|error| unusable(folder, error))? {
        let entry = entry.map_err(|error| unusable(folder, error))?;
        let known = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok())
            .is_some_and(|uid: u64| all.iter().any(|held| held.uid == uid));
        if !known {
            std::fs::remove_dir_all(entry.path()).map_err(|error| unusable(&entry.path(), error))?;
        }
    }
    Ok(())
}

fn unusable(path: &Path, error: std::io::Error) -> Error {
    Error::Internal(format!("{}: {error}", path.display()))
}
