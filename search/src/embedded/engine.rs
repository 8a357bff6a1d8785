//! The embedded engine: opens the folder, keeps its threads, and answers the calls of [`Engine`].
//!
//! Reads run on blocking threads, a bounded number at once; changes go to the writer thread through a bounded queue.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::path::Path;
use std::sync::mpsc::{Sender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use tokio::sync::{Semaphore, oneshot};
use tokio::time::timeout_at;

use super::super::{
    Call, Collection, CollectionName, DocRef, Document, Engine, Error, Fetch, FieldRef, Filter, Generations, Health, Moment,
    Page, Query, Refresh, Result, SnapshotId, Write, WriteOutcome,
};
use super::super::{fusion, union};
use super::group::Item;
use super::indexer::{Indexer, Progress};
use super::moment::{Held, Seen, no_collection};
use super::projection::project;
use super::rules::allowed;
use super::searching::{View, run};
use super::snapshots::Snapshots;
use super::store::{CollectionReading, Store};
use super::together::run_together;
use super::writer::{AllHeld, Change, Job, Writer};

/// Changes that wait for the writer; more wait for a place until their deadline.
const QUEUE: usize = 256;

/// Tasks between the writer and the index thread: each holds the documents of up to one transaction.
const TASKS: usize = 4;

/// Searches at once on each core: more would only wait, and hold memory while they do.
const SEARCHES_PER_CORE: usize = 2;

pub(super) struct Embedded {
    store: Arc<Store>,
    held: Arc<ArcSwap<AllHeld>>,
    progress: Arc<Progress>,
    snapshots: Arc<Snapshots>,
    queue: Arc<Semaphore>,
    searches: Arc<Semaphore>,
    writer: Mutex<Option<(Sender<Job>, JoinHandle<()>)>>,
    /// Let go of last: who gets it may open the files.
    _lock: File,
}

/// Opens the engine on a folder, made where it is not there; one process at a time. What a crash left behind is mended first.
/// Whoever starts it must read why it does not open: such errors say it in their message.
pub(super) fn open(folder: &Path) -> Result<Arc<dyn Engine>> {
    open_inside(folder).map_err(|error| match error {
        Error::Internal(cause) => Error::Conflict(format!("the folder {} cannot be used: {cause}", folder.display())),
        told => told,
    })
}

fn open_inside(folder: &Path) -> Result<Arc<dyn Engine>> {
    std::fs::create_dir_all(folder).map_err(Error::internal)?;
    let lock = lock(folder)?;
    let (store, known) = Store::open(&folder.join("documents.redb"))?;
    let store = Arc::new(store);
    let mut all = AllHeld::new();
    for (name, record) in known {
        let collection = Arc::new(record.collection(name.clone())?);
        all.insert(name, Held { uid: record.uid, collection });
    }
    let (indexer, progress) = Indexer::open(&folder.join("index"), store.read()?, all.values().cloned().collect())?;
    let held = Arc::new(ArcSwap::from_pointee(all));
    let snapshots = Arc::new(Snapshots::default());
    let spawn_fault = |error: std::io::Error| Error::Internal(format!("no thread: {error}"));

    let (tasks, todo) = sync_channel(TASKS);
    let indexer =
        std::thread::Builder::new().name("hooke-index".into()).spawn(move || indexer.run(&todo)).map_err(spawn_fault)?;
    let writer = Writer {
        store: Arc::clone(&store),
        held: Arc::clone(&held),
        progress: Arc::clone(&progress),
        snapshots: Arc::downgrade(&snapshots),
        tasks,
        indexer,
        stale: None,
        waiting: Vec::new(),
    };
    let (jobs, work) = channel();
    let writer = std::thread::Builder::new().name("hooke-write".into()).spawn(move || writer.run(&work)).map_err(spawn_fault)?;

    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    Ok(Arc::new(Embedded {
        store,
        held,
        progress,
        snapshots,
        queue: Arc::new(Semaphore::new(QUEUE)),
        searches: Arc::new(Semaphore::new(cores * SEARCHES_PER_CORE)),
        writer: Mutex::new(Some((jobs, writer))),
        _lock: lock,
    }))
}

fn lock(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    let file = File::options().create(true).truncate(false).write(true).open(&path);
    let file = file.map_err(|error| Error::Internal(format!("{}: {error}", path.display())))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            Err(Error::Conflict(format!("the folder {} is in use by another process", folder.display())))
        }
        Err(TryLockError::Error(error)) => Err(Error::Internal(format!("{}: {error}", path.display()))),
    }
}

impl Drop for Embedded {
    /// Waits for the writer: what it holds is on disk already, and becomes part of the index now.
    fn drop(&mut self) {
        let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((jobs, writer)) = writer {
            drop(jobs);
            if writer.join().is_err() {
                tracing::error!("the writer thread has panicked");
            }
        }
    }
}

impl Embedded {
    /// Brings a change to the writer and waits for its answer, both until the deadline.
    async fn change<T>(&self, call: &Call, make: impl FnOnce(oneshot::Sender<Result<T>>) -> Change) -> Result<T> {
        in_time(call)?;
        let gone = || Error::Unavailable("the writer thread has ended".into());
        let queue = Arc::clone(&self.queue);
        let place = timeout_at(call.deadline, queue.acquire_owned()).await.map_err(|_| Error::Timeout)?.map_err(|_| gone())?;
        let (reply, answer) = oneshot::channel();
        {
            let writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            let (jobs, _) = writer.as_ref().ok_or_else(gone)?;
            jobs.send(Job { change: make(reply), place }).map_err(|_| gone())?;
        }
        timeout_at(call.deadline, answer).await.map_err(|_| Error::Timeout)?.map_err(|_| gone())?
    }

    /// Runs on a blocking thread, until the deadline. A search that has begun ends by itself and keeps its place until then.
    async fn blocking<T: Send + 'static>(&self, call: &Call, work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
        in_time(call)?;
        let searches = Arc::clone(&self.searches);
        let place = timeout_at(call.deadline, searches.acquire_owned()).await.map_err(|_| Error::Timeout)?;
        let place = place.map_err(Error::internal)?;
        let task = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        timeout_at(call.deadline, task).await.map_err(|_| Error::Timeout)?.map_err(Error::internal)?
    }
}

/// What is begun too late is not begun at all, however quick it might be.
fn in_time(call: &Call) -> Result<()> {
    if call.left().is_zero() { Err(Error::Timeout) } else { Ok(()) }
}

#[async_trait]
impl Engine for Embedded {
    async fn health(&self, _: &Call) -> Result<Health> {
        let broken = self.progress.trouble.load(std::sync::atomic::Ordering::Relaxed);
        let ended =
            self.writer.lock().unwrap_or_else(PoisonError::into_inner).as_ref().is_none_or(|(_, thread)| thread.is_finished());
        let detail = match (ended, broken) {
            (true, _) => Some("the writer has ended: nothing can be written; start again".into()),
            (false, true) => Some("an index is broken: start again, and it is mended from the documents".into()),
            (false, false) => None,
        };
        Ok(Health {
            engine: "embedded",
            version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            ready: detail.is_none(),
            cause: None,
            detail,
        })
    }

    async fn collections(&self, _: &Call) -> Result<Arc<Vec<Arc<Collection>>>> {
        Ok(Arc::clone(&self.progress.moment.load().visible))
    }

    async fn create(&self, call: &Call, collection: &Collection) -> Result<()> {
        let collection = collection.clone();
        self.change(call, |reply| Change::Create { collection, reply }).await
    }

    async fn extend(&self, call: &Call, name: &CollectionName, fields: &[FieldRef]) -> Result<()> {
        let (name, fields) = (name.clone(), fields.to_vec());
        self.change(call, |reply| Change::Extend { name, fields, reply }).await
    }

    async fn remove(&self, call: &Call, name: &CollectionName) -> Result<()> {
        let name = name.clone();
        self.change(call, |reply| Change::Remove { name, reply }).await
    }

    async fn get(&self, call: &Call, documents: &[DocRef], fetch: &Fetch, rule: &Filter) -> Result<Vec<Option<Document>>> {
        if !fetch.highlights.is_empty() || !fetch.inner_hits.is_empty() || fetch.explanation {
            return Err(Error::Unsupported("marks and explanations of documents fetched by id".into()));
        }
        let reader = Reader { store: Arc::clone(&self.store), all: self.held.load_full() };
        let (documents, fields, rule) = (documents.to_vec(), fetch.fields.clone(), rule.clone());
        self.blocking(call, move || reader.get(&documents, fields.as_deref(), &rule)).await
    }

    async fn write(&self, call: &Call, batch: Vec<Write>, refresh: Refresh) -> Result<Vec<WriteOutcome>> {
        let all = self.held.load_full();
        let prepared =
            self.blocking(call, move || Ok(batch.into_iter().map(|write| Item::prepare(write, &all)).collect::<Vec<_>>()));
        // those that are refused already keep their place among the outcomes
        let mut outcomes = Vec::new();
        let mut items = Vec::new();
        for item in prepared.await? {
            match item {
                Ok(item) => {
                    items.push(item);
                    outcomes.push(None);
                }
                Err(error) => outcomes.push(Some(Err(error))),
            }
        }
        let mut written = Vec::new();
        if !items.is_empty() {
            let bytes = items.iter().map(Item::bytes).sum();
            written = self.change(call, |reply| Change::Write { items, bytes, refresh, reply }).await?;
        }
        let mut written = written.into_iter();
        let lost = || Err(Error::Internal("the writer gave no outcome".into()));
        Ok(outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(|| written.next().unwrap_or_else(lost))).collect())
    }

    async fn search(&self, call: &Call, batch: &[Query]) -> Result<Vec<Result<Page>>> {
        let moment = self.progress.moment.load_full();
        let snapshots = Arc::clone(&self.snapshots);
        let mut expanded = fusion::expand(batch);
        let batch = match &mut expanded {
            Some(expanded) => std::mem::take(&mut expanded.queries),
            None => batch.to_vec(),
        };
        let deadline = call.deadline;
        // the caller's future: once it is dropped nobody wants the rest
        let waiting = Arc::new(());
        let wanted = Arc::downgrade(&waiting);
        if call.left().is_zero() {
            return Err(Error::Timeout);
        }
        let search = move || {
            let stopped = || wanted.strong_count() == 0 || tokio::time::Instant::now() >= deadline;
            Ok(batch.iter().map(|query| search_one(query, &moment, &snapshots, &stopped)).collect())
        };
        let found: Result<Vec<Result<Page>>> = self.blocking(call, search).await;
        drop(waiting);
        match expanded {
            Some(expanded) => found.map(|pages| expanded.join(pages)),
            None => found,
        }
    }

    async fn open_snapshot(&self, _: &Call, name: &CollectionName) -> Result<SnapshotId> {
        let moment = self.progress.moment.load_full();
        moment.seen(name)?;
        self.snapshots.open(name, moment)
    }

    async fn close_snapshot(&self, _: &Call, id: SnapshotId) -> Result<()> {
        self.snapshots.close(&id)
    }

    async fn generations(&self, _: &Call) -> Result<Generations> {
        let moment = self.progress.moment.load();
        let numbers: BTreeMap<_, _> = moment.seen.iter().map(|(name, seen)| (name.clone(), seen.generation)).collect();
        Ok(Some(numbers))
    }
}

fn search_one(
    query: &Query,
    live: &Arc<super::moment::Moment>,
    snapshots: &Snapshots,
    stopped: &(dyn Fn() -> bool + Sync),
) -> Result<Page> {
    let together = union::check(query)?;
    let mut seen = Vec::with_capacity(query.on.len());
    for name in &query.on {
        let moment = match &query.at {
            Moment::Live => Arc::clone(live),
            Moment::Snapshot(id) => snapshots.get(id, name)?,
        };
        let one = Arc::clone(moment.seen(name)?);
        seen.push((moment.documents(&one)?, one));
    }
    let views: Vec<View<'_>> = seen.iter().map(|(documents, seen)| view_of(documents, seen, stopped)).collect();
    match views.as_slice() {
        several if together => run_together(several, query),
        [one] => run(one, query),
        _ => Err(Error::internal("a query over several collections that was let through")),
    }
}

fn view_of<'a>(documents: &'a CollectionReading, seen: &Seen, stopped: &'a (dyn Fn() -> bool + Sync)) -> View<'a> {
    View { searcher: seen.searcher.clone(), layout: Arc::clone(&seen.layout), documents, stopped }
}

/// Reads what is acknowledged, whether a search sees it yet or not.
struct Reader {
    store: Arc<Store>,
    all: Arc<AllHeld>,
}

impl Reader {
    fn get(&self, documents: &[DocRef], fields: Option<&[Arc<str>]>, rule: &Filter) -> Result<Vec<Option<Document>>> {
        let reading = self.store.read()?;
        let mut by_collection: BTreeMap<&CollectionName, Vec<usize>> = BTreeMap::new();
        for (place, asked) in documents.iter().enumerate() {
            by_collection.entry(&asked.collection).or_default().push(place);
        }
        let mut answers: Vec<Option<Document>> = documents.iter().map(|_| None).collect();
        for (name, places) in by_collection {
            let held = self.all.get(name).ok_or_else(|| no_collection(name))?;
            let table = reading.collection(held.uid, name)?;
            let mut found = Vec::new();
            for place in places {
                let asked = &documents[place];
                // one concrete index, named as the collection, of one shard: routing leads nowhere else
                let here = asked.index.as_deref().is_none_or(|index| index == name.as_str());
                if here && let Some(document) = table.by_id(&asked.id)? {
                    found.push((place, document));
                }
            }
            let whole: Vec<_> = found.iter().map(|(_, document)| (&document.id, &document.source)).collect();
            let through = allowed(&held.collection, rule, &whole)?;
            for ((place, mut document), through) in found.into_iter().zip(through) {
                if through {
                    document.source = project(document.source, fields);
                    answers[place] = Some(document);
                }
            }
        }
        Ok(answers)
    }
}
