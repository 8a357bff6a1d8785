//! The writer: one thread that owns every change. It takes the batches that wait, checks each item against what is stored
//! right then, and commits them as one transaction; then callers are answered, and the index thread gets the lines.
//!
//! It ends when the engine is dropped: what is not visible yet is committed to the index, and the index thread is joined.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::super::{Collection, CollectionName, Error, FieldRef, Refresh, Result, WriteOutcome};
use super::collections::{accept, extended};
use super::group::{Group, Item};
use super::indexer::{Progress, Task, Then, guarded};
use super::layout::Layout;
use super::moment::{Held, no_collection};
use super::records::Record;
use super::snapshots::Snapshots;
use super::store::Store;

/// Writes become visible after so long at the latest, as in Elasticsearch.
const REFRESH: Duration = Duration::from_secs(1);

/// Snapshots that have expired are let go this often, also where nothing is written.
const SWEEP: Duration = Duration::from_secs(10);

/// Batches and bytes of documents in one transaction: more would keep those who wait for the first ones waiting.
const MOST_BATCHES: usize = 64;
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// By name, all collections with their hidden ones.
pub(super) type AllHeld = BTreeMap<CollectionName, Held>;

pub(super) type WriteReply = oneshot::Sender<Result<Vec<WriteOutcome>>>;

pub(super) enum Change {
    Write { items: Vec<Item>, bytes: usize, refresh: Refresh, reply: WriteReply },
    Create { collection: Collection, reply: oneshot::Sender<Result<()>> },
    Extend { name: CollectionName, fields: Vec<FieldRef>, reply: oneshot::Sender<Result<()>> },
    Remove { name: CollectionName, reply: oneshot::Sender<Result<()>> },
}

/// A change with its place in the queue, which is free again once the change is done.
pub(super) struct Job {
    pub(super) change: Change,
    pub(super) place: OwnedSemaphorePermit,
}

pub(super) struct Writer {
    pub(super) store: Arc<Store>,
    pub(super) held: Arc<ArcSwap<AllHeld>>,
    pub(super) progress: Arc<Progress>,
    pub(super) snapshots: Weak<Snapshots>,
    pub(super) tasks: SyncSender<Task>,
    pub(super) indexer: JoinHandle<()>,
    /// Since when something is not visible.
    pub(super) stale: Option<Instant>,
    /// Who waits for the next refresh.
    pub(super) waiting: Vec<Then>,
}

/// A batch whose outcomes are known once the transaction is on disk.
struct Pending {
    outcomes: Vec<WriteOutcome>,
    refresh: Refresh,
    reply: WriteReply,
    place: OwnedSemaphorePermit,
}

impl Writer {
    pub(super) fn run(mut self, jobs: &Receiver<Job>) {
        loop {
            let patience = self.stale.map_or(SWEEP, |since| REFRESH.saturating_sub(since.elapsed()));
            match jobs.recv_timeout(patience) {
                Ok(job) => self.take(job, jobs),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if self.stale.is_some_and(|since| since.elapsed() >= REFRESH) {
                self.publish();
            }
            if let Some(snapshots) = self.snapshots.upgrade() {
                snapshots.sweep();
            }
        }
        self.publish();
        drop(self.tasks);
        if self.indexer.join().is_err() {
            tracing::error!("the index thread has panicked");
        }
    }

    /// Does one job, and with it the writes that wait behind it.
    fn take(&mut self, job: Job, jobs: &Receiver<Job>) {
        let mut next = Some(job);
        let mut batches = Vec::new();
        let mut weight = 0;
        while let Some(Job { change, place }) = next.take() {
            match change {
                Change::Write { items, bytes, refresh, reply } => {
                    weight += bytes;
                    batches.push((items, refresh, reply, place));
                    if batches.len() < MOST_BATCHES && weight < MOST_BYTES {
                        next = jobs.try_recv().ok();
                    }
                }
                // in its turn: after the writes that came before it
                other => {
                    self.write(std::mem::take(&mut batches));
                    self.change(other, place);
                }
            }
        }
        self.write(batches);
    }

    fn write(&mut self, batches: Vec<(Vec<Item>, Refresh, WriteReply, OwnedSemaphorePermit)>) {
        if batches.is_empty() {
            return;
        }
        let all = self.held.load_full();
        let progress = Arc::clone(&self.progress);
        let mut pending = Vec::with_capacity(batches.len());
        let group = guarded(|| {
            let mut work = self.store.write()?;
            let mut group = Group::new(&work, &all);
            for (items, refresh, reply, place) in batches {
                // whoever has gone away wants nothing written; a batch that was begun is finished
                if reply.is_closed() {
                    continue;
                }
                let outcomes = group.write(items)?;
                pending.push(Pending { outcomes, refresh, reply, place });
            }
            let (sequences, lines) = group.close(|uid| progress.indexed(uid))?;
            for sequence in sequences {
                work.keep_sequence(sequence)?;
            }
            work.commit()?;
            Ok(lines)
        });
        let lines = match group {
            Ok(lines) => lines,
            Err(error) => {
                tracing::error!(cause = error.cause(), "a group of writes was not stored");
                for batch in pending {
                    let _ = batch.reply.send(Err(Error::internal("a group of writes was not stored")));
                }
                return;
            }
        };
        let mut now = false;
        for Pending { outcomes, refresh, reply, place } in pending {
            drop(place);
            if refresh == Refresh::None || outcomes.iter().all(Result::is_err) {
                let _ = reply.send(Ok(outcomes));
                continue;
            }
            now |= refresh == Refresh::Now;
            self.waiting.push(Box::new(move |done| {
                let _ = reply.send(done.map(|()| outcomes));
            }));
        }
        for (held, entries) in lines {
            self.stale.get_or_insert_with(Instant::now);
            self.hand_over(Task::Index { held, entries });
        }
        if now {
            self.publish();
        }
    }

    /// Makes everything written so far visible.
    fn publish(&mut self) {
        if self.stale.take().is_none() && self.waiting.is_empty() {
            return;
        }
        let then = std::mem::take(&mut self.waiting);
        match self.store.read() {
            Ok(reading) => self.hand_over(Task::Publish { reading, then }),
            Err(error) => {
                tracing::error!(cause = error.cause(), "the documents cannot be read");
                self.stale = Some(Instant::now());
                for then in then {
                    then(Err(Error::internal("the documents cannot be read")));
                }
            }
        }
    }

    /// Waits where the index thread is behind: so is the queue, and so are those who write.
    fn hand_over(&self, task: Task) {
        // gone only by a panic, which the log has; the index is replayed at the next start
        if self.tasks.send(task).is_err() {
            tracing::error!("the index thread is gone");
            self.progress.trouble.store(true, Ordering::Relaxed);
        }
    }

    fn change(&mut self, change: Change, place: OwnedSemaphorePermit) {
        let (done, reply) = match change {
            Change::Write { .. } => return,
            Change::Create { collection, reply } => (self.create(collection), reply),
            Change::Extend { name, fields, reply } => (self.extend(&name, &fields), reply),
            Change::Remove { name, reply } => (self.remove(&name), reply),
        };
        drop(place);
        let answer = move |done| {
            let _ = reply.send(done);
        };
        match done {
            Ok(task) => self.hand_over(task(Box::new(answer))),
            Err(error) => answer(Err(error)),
        }
    }

    fn create(&mut self, collection: Collection) -> Result<Box<dyn FnOnce(Then) -> Task>> {
        let name = collection.name.clone();
        if self.held.load().contains_key(&name) {
            return Err(Error::Conflict(format!("there is a collection {name}")));
        }
        accept(&collection)?;
        Layout::new(&collection)?;
        let mut work = self.store.write()?;
        let uid = work.fresh_uid()?;
        let record = Record::new(uid, &collection);
        let collection = Arc::new(record.collection(name.clone())?);
        work.put_record(&name, &record)?;
        work.commit()?;
        let held = Held { uid, collection };
        self.keep(name, Some(held.clone()));
        Ok(Box::new(move |then| Task::Open { held, then }))
    }

    fn extend(&mut self, name: &CollectionName, fields: &[FieldRef]) -> Result<Box<dyn FnOnce(Then) -> Task>> {
        let all = self.held.load_full();
        let old = all.get(name).ok_or_else(|| no_collection(name))?;
        let grown = extended(&old.collection, fields)?;
        if !Layout::new(&old.collection)?.fits(&grown) {
            return Err(Error::Unsupported(format!("these new fields of {name}")));
        }
        let record = Record::new(old.uid, &grown);
        let collection = Arc::new(record.collection(name.clone())?);
        let mut work = self.store.write()?;
        work.put_record(name, &record)?;
        work.commit()?;
        let held = Held { uid: old.uid, collection };
        self.keep(name.clone(), Some(held.clone()));
        Ok(Box::new(move |then| Task::Extend { held, then }))
    }

    fn remove(&mut self, name: &CollectionName) -> Result<Box<dyn FnOnce(Then) -> Task>> {
        let all = self.held.load_full();
        let old = all.get(name).ok_or_else(|| no_collection(name))?;
        let mut work = self.store.write()?;
        work.remove_collection(name, old.uid)?;
        work.commit()?;
        self.keep(name.clone(), None);
        let name = name.clone();
        Ok(Box::new(move |then| Task::Remove { name, then }))
    }

    fn keep(&self, name: CollectionName, held: Option<Held>) {
        let mut all = AllHeld::clone(&self.held.load());
        match held {
            Some(held) => all.insert(name, held),
            None => all.remove(&name),
        };
        self.held.store(Arc::new(all));
    }
}
