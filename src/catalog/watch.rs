//! Keeps the catalog up to date: a task looks every second, swaps when something has changed, and stays with the last catalog
//! while the engine is away. It is owned by [`Watch`] and ends with it.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::{Mutex, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout_at};

use super::exposure::expose;
use super::records::{self, Records};
use super::shelf::Shelf;
use super::{Catalog, Exposed, Memory, diff, sample};
use crate::config::Config;
use crate::search::{Call, Collection, CollectionName, Engine, Error, FieldRef, Result};

/// A change is to be served within five seconds, and so is the return of an engine. A look where nothing changed is cheap.
const EVERY: Duration = Duration::from_secs(1);

/// How long one look may take: short, so that an engine that hangs does not hide that it is back; more after a look that
/// took too long, as the first one of a large cluster may.
const PATIENCE: Duration = Duration::from_secs(4);
const MOST_PATIENCE: Duration = Duration::from_secs(60);

/// When fields that no document had are looked for again: a collection that was just made is soon filled, one with documents
/// that lack a field may lack it for ever. The more collections there are to ask, the longer the pauses.
const SOON: Duration = Duration::from_secs(2);
const EMPTY: Duration = Duration::from_secs(4);
const LACKING: Duration = Duration::from_secs(30);
const MANY: usize = 50;
const LONGEST: Duration = Duration::from_secs(300);

/// When the state is asked again after it failed.
const STATE_PAUSE: Duration = Duration::from_secs(10);

/// The catalog of the moment, and of every moment to come.
pub struct Watch {
    inner: Arc<Inner>,
    /// Of the one that watches; others only look through it.
    task: Option<AbortHandle>,
    lens: Option<Lens>,
}

/// What somebody sees of a catalog.
pub type Lens = Arc<dyn Fn(&Arc<Catalog>) -> Arc<Catalog> + Send + Sync>;

struct Inner {
    engine: Arc<dyn Engine>,
    records: Shelf,
    config: Arc<Config>,
    current: watch::Sender<Arc<Catalog>>,
    /// Held while somebody looks: there is one look at a time.
    eye: Mutex<Eye>,
}

/// What is carried from one look to the next.
#[derive(Default)]
struct Eye {
    seen: Option<Arc<Vec<Arc<Collection>>>>,
    memory: Memory,
    records: Records,
    /// Collections with fields that were never seen with a value.
    waiting: BTreeMap<String, Waiting>,
    /// What is wrong with the state, while it is, and when to ask it again.
    state_trouble: Option<(String, Instant)>,
}

struct Waiting {
    due: Instant,
    pause: Duration,
    /// Documents were there, only none with these fields; so many times they were asked for by name.
    again: Option<usize>,
}

/// Begins to watch. The catalog is empty and of revision 0 until the engine was reached once.
/// Must be called within a runtime.
pub fn open(engine: Arc<dyn Engine>, state: Arc<dyn Engine>, config: &Config) -> Arc<Watch> {
    let inner = Arc::new(Inner {
        engine,
        records: records::shelf(state),
        config: Arc::new(config.clone()),
        current: watch::Sender::new(Arc::default()),
        eye: Mutex::default(),
    });
    let task = tokio::spawn(follow(Arc::downgrade(&inner))).abort_handle();
    Arc::new(Watch { inner, task: Some(task), lens: None })
}

impl Drop for Watch {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

impl Watch {
    pub fn now(&self) -> Arc<Catalog> {
        let full = Arc::clone(&self.inner.current.borrow());
        self.lens.as_ref().map_or_else(|| full.clone(), |lens| lens(&full))
    }

    /// For somebody who sees only a part: no collections are made or removed through it.
    pub fn through(&self, lens: Lens) -> Arc<Watch> {
        Arc::new(Watch { inner: self.inner.clone(), task: None, lens: Some(lens) })
    }

    /// Nothing is left out of it.
    pub fn is_whole(&self) -> bool {
        self.lens.is_none()
    }

    /// The whole catalog now, and a notice of each that follows.
    pub fn changes(&self) -> watch::Receiver<Arc<Catalog>> {
        self.inner.current.subscribe()
    }

    pub(super) fn engine(&self) -> &dyn Engine {
        &*self.inner.engine
    }

    pub(super) fn config(&self) -> &Config {
        &self.inner.config
    }

    /// Looks at once: after something was made or removed through hooke.
    pub async fn refresh(&self, call: &Call) -> Result<()> {
        self.inner.look(call, true).await
    }

    /// Documents were written that searches see by now: looks at once if lists of their collection could not be told so far.
    pub async fn documents_came(&self, call: &Call, name: &CollectionName) -> Result<()> {
        let is_new = self.now().collection(name.as_str()).is_none();
        let waits = async { self.inner.eye.lock().await.waiting.contains_key(name.as_str()) };
        if is_new || timeout_at(call.deadline, waits).await.map_err(|_| Error::Timeout)? {
            return self.inner.look(call, true).await;
        }
        Ok(())
    }
}

/// Ends with its owner. Between looks it holds nothing: who lets go of the watch lets go of the engines at once.
async fn follow(inner: Weak<Inner>) {
    let mut patience = PATIENCE;
    let mut trouble: Option<String> = None;
    while let Some(inner) = inner.upgrade() {
        let call = Call::within(patience).named("catalog");
        match inner.look(&call, false).await {
            Ok(()) => {
                if trouble.take().is_some() {
                    tracing::info!("the search engine is back");
                }
                patience = PATIENCE;
            }
            Err(error) => {
                if matches!(error, Error::Timeout) {
                    patience = (patience * 2).min(MOST_PATIENCE);
                }
                let told = error.to_string();
                if trouble.as_ref() != Some(&told) {
                    tracing::warn!(cause = error.cause(), "the catalog stays as it is: {told}");
                    trouble = Some(told);
                }
            }
        }
        drop(inner);
        sleep(EVERY).await;
    }
}

impl Inner {
    /// One look. `eager`: also at collections whose time has not come.
    async fn look(&self, call: &Call, eager: bool) -> Result<()> {
        let mut eye = timeout_at(call.deadline, self.eye.lock()).await.map_err(|_| Error::Timeout)?;
        let eye = &mut *eye;
        let collections = self.engine.collections(call).await?;
        let now = Instant::now();
        let same = eye.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, &collections));
        let due = eye.waiting.values().any(|waiting| eager || waiting.due <= now);
        let forgetful = eye.state_trouble.as_ref().is_some_and(|(_, again)| eager || *again <= now);
        if same && !due && !forgetful {
            return Ok(());
        }
        let present = self.current.borrow().clone();
        if !same || forgetful {
            self.recall(eye, call, &collections, &present).await;
        }
        let mut exposed = self.expose(eye, &collections).await?;
        if self.sample(eye, call, &exposed, eager).await? {
            exposed = self.expose(eye, &collections).await?;
        }
        exposed = self.agree(eye, call, &collections, exposed).await?;
        self.swap(&present, exposed);
        eye.seen = Some(collections);
        Ok(())
    }

    /// What is on record of collections that were not there before.
    async fn recall(&self, eye: &mut Eye, call: &Call, collections: &[Arc<Collection>], present: &Catalog) {
        let names = || collections.iter().map(|collection| collection.name.as_str());
        let loaded = eye.records.load(&self.records, call, &mut eye.memory, names()).await;
        eye.state_answered(&loaded);
        let newcomers: Vec<&str> = names().filter(|name| present.collection(name).is_none()).collect();
        eye.memory.give_way(&newcomers, &present.collections);
        let there: HashSet<&str> = names().collect();
        let is_gone = |name: &str| !there.contains(name);
        for exposed in present.collections.iter().filter(|exposed| is_gone(exposed.collection.name.as_str())) {
            eye.memory.doubt(exposed.collection.name.as_str());
        }
        eye.waiting.retain(|name, _| !is_gone(name));
    }

    async fn expose(&self, eye: &mut Eye, collections: &Arc<Vec<Arc<Collection>>>) -> Result<Vec<Exposed>> {
        let (collections, config, memory) = (Arc::clone(collections), Arc::clone(&self.config), eye.memory.clone());
        // a thousand collections take a while
        let work = tokio::task::spawn_blocking(move || {
            let exposed = expose(&collections, &config, &memory);
            let mut memory = memory;
            memory.remember(&exposed);
            (exposed, memory)
        });
        let (exposed, memory) = work.await.map_err(Error::internal)?;
        eye.memory = memory;
        Ok(exposed)
    }

    /// Looks for lists where nobody has decided, in one batch; true if something was decided.
    async fn sample(&self, eye: &mut Eye, call: &Call, exposed: &[Exposed], eager: bool) -> Result<bool> {
        let now = Instant::now();
        let mut asked: Vec<(&Exposed, Vec<FieldRef>, Option<usize>)> = Vec::new();
        for exposed in exposed {
            let name = exposed.collection.name.as_str();
            let undecided = sample::undecided(exposed, self.config.catalog.collections.get(name), eye.memory.of(name));
            if undecided.is_empty() {
                eye.waiting.remove(name);
                continue;
            }
            match eye.waiting.get(name) {
                Some(waiting) if waiting.due > now && !eager => {}
                Some(waiting) => asked.push((exposed, undecided, waiting.again)),
                // a field that is new among others was hardly in the first documents
                None => {
                    let known = eye.memory.of(name).is_some_and(|memory| !memory.lists.is_empty());
                    asked.push((exposed, undecided, known.then_some(0)));
                }
            }
        }
        if asked.is_empty() {
            return Ok(false);
        }
        let batch: Vec<_> =
            asked.iter().map(|(exposed, fields, again)| sample::query(exposed, fields, asked.len(), *again)).collect();
        let pages = match self.engine.search(call, &batch).await {
            Ok(pages) => pages,
            Err(error @ (Error::Timeout | Error::Unavailable(_))) => return Err(error),
            // the catalog is worth more than knowing its lists
            Err(error) => {
                tracing::debug!(cause = error.cause(), "no sample: {error}");
                asked.iter().map(|_| Err(Error::Internal("no sample".into()))).collect()
            }
        };
        let crowd = u32::try_from(asked.len().max(eye.waiting.len()).div_ceil(MANY)).unwrap_or(u32::MAX);
        let mut decided = false;
        for ((exposed, fields, again), page) in asked.iter().zip(pages) {
            let name = exposed.collection.name.as_str();
            let mut seen = BTreeMap::new();
            let mut found = again.is_some();
            match page {
                Ok(page) => {
                    found |= !page.hits.is_empty();
                    seen = sample::observe(&exposed.fields, page.hits.iter().map(|hit| &hit.document.source));
                }
                Err(error) => tracing::debug!(collection = name, cause = error.cause(), "no sample: {error}"),
            }
            let remembered = eye.memory.collections.entry(name.to_owned()).or_default();
            let mut rest = 0_usize;
            for field in fields {
                match seen.get(&field.path) {
                    Some(list) => {
                        remembered.lists.insert(field.path.clone(), *list);
                        decided = true;
                    }
                    None => rest += 1,
                }
            }
            if rest == 0 {
                eye.waiting.remove(name);
                continue;
            }
            let longest = (if found { LACKING } else { EMPTY }).saturating_mul(crowd).min(LONGEST);
            let pause = match eye.waiting.get(name) {
                Some(waiting) if waiting.again.is_some() == found && !eager => (waiting.pause * 2).min(longest),
                _ => SOON,
            };
            let again = found.then(|| again.map_or(0, |round| round + 1));
            eye.waiting.insert(name.to_owned(), Waiting { due: now + pause, pause, again });
        }
        Ok(decided)
    }

    /// Puts on record what is new, and takes over what other processes were faster to decide.
    async fn agree(
        &self,
        eye: &mut Eye,
        call: &Call,
        collections: &Arc<Vec<Arc<Collection>>>,
        mut exposed: Vec<Exposed>,
    ) -> Result<Vec<Exposed>> {
        // each round takes over what others wrote; whoever comes last has nothing left to write
        for _ in 0..3 {
            let saved = eye.records.save(&self.records, call, &mut eye.memory).await;
            eye.state_answered(&saved);
            if !matches!(saved, Ok(Some(true))) {
                break;
            }
            exposed = self.expose(eye, collections).await?;
        }
        Ok(exposed)
    }

    fn swap(&self, present: &Arc<Catalog>, exposed: Vec<Exposed>) {
        let collections: Vec<Arc<Exposed>> = exposed
            .into_iter()
            .map(|exposed| match present.collection(exposed.collection.name.as_str()) {
                Some(same) if **same == exposed => Arc::clone(same),
                _ => Arc::new(exposed),
            })
            .collect();
        let unchanged = present.collections.len() == collections.len()
            && present.collections.iter().zip(&collections).all(|(a, b)| Arc::ptr_eq(a, b));
        if unchanged && present.revision > 0 {
            return;
        }
        let next = Catalog { revision: present.revision + 1, collections };
        if present.revision == 0 {
            tracing::info!(collections = next.collections.len(), "the catalog is ready");
        } else {
            let changes = diff(present, &next);
            // a line a change, but no flood
            let (told, rest) = changes.split_at(changes.len().min(20));
            let more = if rest.is_empty() { String::new() } else { format!("; and {} more", rest.len()) };
            tracing::info!(revision = next.revision, "the catalog has changed: {}{more}", told.join("; "));
        }
        self.current.send_replace(Arc::new(next));
    }
}

impl Eye {
    /// Names and lists are still given out while the state is away, but nobody else hears of them.
    fn state_answered<T>(&mut self, result: &Result<Option<T>>) {
        match result {
            // it was not asked
            Ok(None) => {}
            Ok(Some(_)) => self.state_trouble = None,
            Err(error) => {
                let told = error.to_string();
                if self.state_trouble.as_ref().is_none_or(|(known, _)| *known != told) {
                    tracing::warn!(cause = error.cause(), "what the catalog decides cannot be kept: {told}");
                }
                self.state_trouble = Some((told, Instant::now() + STATE_PAUSE));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Mutex as Guarded;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    use async_trait::async_trait;
    use serde_json::{Value as Json, json};

    use super::super::fixture::{collection, keyword};
    use super::*;
    use crate::search::{
        Action, DocRef, Document, DocumentId, Fetch, Filter, Generations, Health, Hit, Key, Page, Precondition, Query, Refresh,
        SnapshotId, Source, Version, Write, WriteOutcome, Written,
    };

    /// Id, sequence number, source.
    type Stored = (String, u64, Source);

    /// Collections that a test sets, and documents by collection and id.
    #[derive(Default)]
    struct Fake {
        away: AtomicBool,
        collections: Guarded<Arc<Vec<Arc<Collection>>>>,
        documents: Guarded<HashMap<String, Vec<Stored>>>,
        searches: AtomicUsize,
    }

    impl Fake {
        fn with(collections: &[Arc<Collection>]) -> Arc<Fake> {
            let fake = Fake::default();
            fake.set(collections);
            Arc::new(fake)
        }

        fn set(&self, collections: &[Arc<Collection>]) {
            *self.collections.lock().unwrap() = Arc::new(collections.to_vec());
        }

        fn put(&self, collection: &str, id: &str, source: &Json) {
            let document = (id.to_owned(), 0, source.as_object().unwrap().clone());
            self.documents.lock().unwrap().entry(collection.to_owned()).or_default().push(document);
        }

        fn there(&self) -> Result<()> {
            if self.away.load(Ordering::Relaxed) { Err(Error::Unavailable("away".into())) } else { Ok(()) }
        }
    }

    fn document(collection: &str, (id, seq_no, source): &Stored) -> Document {
        Document {
            id: DocumentId::parse(id).unwrap(),
            index: Arc::from(collection),
            routing: None,
            version: Version { seq_no: *seq_no, primary_term: 1 },
            source: source.clone(),
        }
    }

    #[async_trait]
    impl Engine for Fake {
        async fn health(&self, _: &Call) -> Result<Health> {
            Err(Error::Unsupported("health".into()))
        }

        async fn collections(&self, _: &Call) -> Result<Arc<Vec<Arc<Collection>>>> {
            self.there()?;
            Ok(Arc::clone(&self.collections.lock().unwrap()))
        }

        async fn create(&self, _: &Call, collection: &Collection) -> Result<()> {
            self.there()?;
            self.documents.lock().unwrap().entry(collection.name.to_string()).or_default();
            Ok(())
        }

        async fn extend(&self, _: &Call, _: &CollectionName, _: &[FieldRef]) -> Result<()> {
            Err(Error::Unsupported("extend".into()))
        }

        async fn remove(&self, _: &Call, _: &CollectionName) -> Result<()> {
            Err(Error::Unsupported("remove".into()))
        }

        async fn get(&self, _: &Call, documents: &[DocRef], _: &Fetch, _: &Filter) -> Result<Vec<Option<Document>>> {
            self.there()?;
            let held = self.documents.lock().unwrap();
            documents
                .iter()
                .map(|asked| {
                    let name = asked.collection.as_str();
                    let held = held.get(name).ok_or_else(|| Error::NotFound(name.into()))?;
                    Ok(held.iter().find(|held| held.0 == asked.id.as_str()).map(|held| document(name, held)))
                })
                .collect()
        }

        async fn write(&self, _: &Call, batch: Vec<Write>, _: Refresh) -> Result<Vec<WriteOutcome>> {
            self.there()?;
            let mut all = self.documents.lock().unwrap();
            let outcomes = batch.into_iter().map(|write| {
                let held = all.get_mut(write.on.as_str()).ok_or_else(|| Error::NotFound(write.on.to_string()))?;
                let Action::Index { id: Some(id), source, precondition } = write.action else {
                    return Err(Error::Unsupported("this action".into()));
                };
                let at = held.iter().position(|held| held.0 == id.as_str());
                let seq_no = at.map(|at| held[at].1);
                let fits = match precondition {
                    Precondition::None => true,
                    Precondition::Absent => seq_no.is_none(),
                    Precondition::Version(version) => seq_no == Some(version.seq_no),
                };
                if !fits {
                    return Err(Error::Conflict("somebody was faster".into()));
                }
                if let Some(at) = at {
                    held.remove(at);
                }
                let seq_no = seq_no.map_or(0, |seq_no| seq_no + 1);
                held.push((id.as_str().to_owned(), seq_no, source));
                let version = Version { seq_no, primary_term: 1 };
                let index = Arc::from(write.on.as_str());
                Ok(Written { id, index, routing: None, version, created: at.is_none(), after: None })
            });
            Ok(outcomes.collect())
        }

        async fn search(&self, _: &Call, batch: &[Query]) -> Result<Vec<Result<Page>>> {
            self.there()?;
            self.searches.fetch_add(1, Ordering::Relaxed);
            let held = self.documents.lock().unwrap();
            let pages = batch.iter().map(|query| {
                let name = query.on[0].as_str();
                let hits = held.get(name).into_iter().flatten().map(|held| Hit {
                    of: 0,
                    document: document(name, held),
                    score: None,
                    key: Key(Vec::new()),
                    highlights: Vec::new(),
                    distance: None,
                    inner_hits: Vec::new(),
                    explanation: None,
                });
                Ok(Page { hits: hits.collect(), ..Page::default() })
            });
            Ok(pages.collect())
        }

        async fn open_snapshot(&self, _: &Call, _: &CollectionName) -> Result<SnapshotId> {
            Err(Error::Unsupported("snapshots".into()))
        }

        async fn close_snapshot(&self, _: &Call, _: SnapshotId) -> Result<()> {
            Err(Error::Unsupported("snapshots".into()))
        }

        async fn generations(&self, _: &Call) -> Result<Generations> {
            Ok(None)
        }
    }

    fn things(name: &str) -> Arc<Collection> {
        collection(name, vec![keyword("tags"), keyword("name")])
    }

    fn lists(catalog: &Catalog, name: &str) -> Vec<bool> {
        catalog.collection(name).unwrap().fields.iter().map(|field| field.list).collect()
    }

    fn names(catalog: &Catalog) -> Vec<&str> {
        catalog.collections.iter().map(|exposed| exposed.names.many.as_str()).collect()
    }

    async fn look(watch: &Watch) -> Arc<Catalog> {
        watch.refresh(&Call::within(Duration::from_secs(5))).await.unwrap();
        watch.now()
    }

    fn watch(engine: &Arc<Fake>, state: &Arc<Fake>) -> Arc<Watch> {
        open(engine.clone(), state.clone(), &Config::default())
    }

    #[tokio::test]
    async fn a_change_is_served_within_five_seconds() {
        let engine = Fake::with(&[things("a")]);
        let watch = watch(&engine, &Fake::with(&[]));
        let mut changes = watch.changes();
        assert_eq!(changes.borrow_and_update().revision, 0);
        let next = |changes: watch::Receiver<Arc<Catalog>>| async move {
            let mut changes = changes;
            tokio::time::timeout(Duration::from_secs(5), changes.changed()).await.unwrap().unwrap();
            let catalog = changes.borrow_and_update().clone();
            (changes, catalog)
        };
        let (changes, catalog) = next(changes).await;
        assert_eq!((catalog.revision, names(&catalog)), (1, vec!["a"]));
        let first = Arc::clone(catalog.collection("a").unwrap());
        engine.set(&[things("a"), things("b")]);
        let (changes, catalog) = next(changes).await;
        assert_eq!((catalog.revision, names(&catalog)), (2, vec!["a", "b"]));
        assert!(Arc::ptr_eq(&first, catalog.collection("a").unwrap()), "what did not change is the same");
        // away, and changed when it comes back
        engine.away.store(true, Ordering::Relaxed);
        assert!(watch.refresh(&Call::within(Duration::from_secs(1))).await.is_err());
        assert_eq!(names(&watch.now()), ["a", "b"]);
        engine.set(&[things("b")]);
        engine.away.store(false, Ordering::Relaxed);
        let (_, catalog) = next(changes).await;
        assert_eq!(names(&catalog), ["b"]);
    }

    #[tokio::test]
    async fn it_starts_without_an_engine() {
        let engine = Fake::with(&[things("a")]);
        engine.away.store(true, Ordering::Relaxed);
        let watch = watch(&engine, &engine);
        assert!(watch.refresh(&Call::within(Duration::from_secs(1))).await.is_err());
        assert_eq!(watch.now().revision, 0);
        engine.away.store(false, Ordering::Relaxed);
        let mut changes = watch.changes();
        tokio::time::timeout(Duration::from_secs(5), changes.changed()).await.unwrap().unwrap();
        assert_eq!(names(&watch.now()), ["a"]);
    }

    #[tokio::test]
    async fn a_sample_decides_once_and_is_kept() {
        let (engine, state) = (Fake::with(&[things("a")]), Fake::with(&[]));
        let first = watch(&engine, &state);
        assert_eq!(lists(&*look(&first).await, "a"), [false, false], "nothing to see yet");
        engine.put("a", "1", &json!({"tags": ["x"]}));
        let call = Call::within(Duration::from_secs(5));
        first.documents_came(&call, &CollectionName::existing("a")).await.unwrap();
        assert_eq!(lists(&first.now(), "a"), [true, false]);
        let revision = first.now().revision;
        engine.put("a", "2", &json!({"name": "x"}));
        assert_eq!(look(&first).await.revision, revision, "what is decided as single looks the same");
        engine.put("a", "3", &json!({"name": ["x", "y"]}));
        assert_eq!(lists(&*look(&first).await, "a"), [true, false], "never changed by itself");
        let searches = engine.searches.load(Ordering::Relaxed);
        look(&first).await;
        assert_eq!(engine.searches.load(Ordering::Relaxed), searches, "nothing is left to decide");
        // another process, later
        drop(first);
        let second = watch(&engine, &state);
        assert_eq!(lists(&*look(&second).await, "a"), [true, false]);
        assert_eq!(engine.searches.load(Ordering::Relaxed), searches);
        // made anew, with other documents: a list stays one, for a bare value is a list of one
        engine.set(&[]);
        look(&second).await;
        engine.documents.lock().unwrap().remove("a");
        engine.set(&[things("a")]);
        assert_eq!(lists(&*look(&second).await, "a"), [true, false]);
        engine.put("a", "1", &json!({"tags": "x", "name": ["x"]}));
        assert_eq!(lists(&*look(&second).await, "a"), [true, true]);
    }

    #[tokio::test]
    async fn a_new_index_renames_nothing_also_after_a_restart() {
        let (engine, state) = (Fake::with(&[things("blog-posts")]), Fake::with(&[]));
        let first = watch(&engine, &state);
        assert_eq!(names(&*look(&first).await), ["blogPosts"]);
        engine.set(&[things("blog-posts"), things("blog_posts")]);
        let both = look(&first).await;
        assert_eq!(both.collections[0].names.many, "blogPosts");
        assert!(both.collections[1].names.many.starts_with("blogPosts_"));
        drop(first);
        let second = look(&watch(&engine, &state)).await;
        assert_eq!(second.collections, both.collections);
        // one that went and comes again does not take back what another has by now
        let third = watch(&engine, &state);
        engine.set(&[things("x")]);
        look(&third).await;
        engine.set(&[things("blog.posts")]);
        assert_eq!(names(&*look(&third).await), ["blogPosts"]);
        engine.set(&[things("blog.posts"), things("blog-posts")]);
        let names: Vec<String> = look(&third).await.collections.iter().map(|e| e.names.many.clone()).collect();
        assert!(names[0].starts_with("blogPosts_") && names[1] == "blogPosts", "{names:?}");
    }

    #[tokio::test]
    async fn of_two_processes_the_faster_one_decides() {
        let (engine, state) = (Fake::with(&[things("a")]), Fake::with(&[]));
        let (one, two) = (watch(&engine, &state), watch(&engine, &state));
        look(&one).await;
        look(&two).await;
        engine.put("a", "1", &json!({"tags": "x"}));
        assert_eq!(lists(&*look(&one).await, "a"), [false, false]);
        engine.documents.lock().unwrap().remove("a");
        engine.put("a", "2", &json!({"tags": ["x"], "name": ["y"]}));
        assert_eq!(lists(&*look(&two).await, "a"), [false, true]);
    }

    #[tokio::test]
    async fn without_a_state_it_serves_all_the_same() {
        let (engine, state) = (Fake::with(&[things("a")]), Fake::with(&[]));
        state.away.store(true, Ordering::Relaxed);
        engine.put("a", "1", &json!({"tags": ["x"], "name": "y"}));
        let watch = watch(&engine, &state);
        assert_eq!(lists(&*look(&watch).await, "a"), [true, false]);
        state.away.store(false, Ordering::Relaxed);
        look(&watch).await;
        let kept = state.documents.lock().unwrap()[".hooke-lists"][0].2.clone();
        assert_eq!((&kept["lists"], &kept["singles"]), (&json!(["tags"]), &json!(["name"])));
    }
}
