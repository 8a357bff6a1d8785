//! What tests stand on: an engine of either kind that is empty at first, and cleaned up after the test, also after one that failed.

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use hooke::config::{Config, ElasticConfig, Writes};
use hooke::search::{
    Action, Call, Collection, CollectionName, DocumentId, Engine, FieldRef, Filter, Page, Precondition, Query, Refresh,
    TotalRequest, Write, WriteOutcome, mapping,
};
use serde_json::Value as Json;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Embedded,
    Elasticsearch,
}

/// The address of the Elasticsearch to test on. `None`: there is none, and that is allowed.
pub fn elasticsearch_url() -> Option<String> {
    match std::env::var("HOOKE_TEST_ELASTICSEARCH") {
        Ok(url) if !url.is_empty() => Some(url),
        _ if std::env::var("HOOKE_TEST_REQUIRE").is_ok_and(|value| value == "1") => {
            panic!("HOOKE_TEST_ELASTICSEARCH is not set, and HOOKE_TEST_REQUIRE=1 wants it: run scripts/test")
        }
        _ => None,
    }
}

/// Unlike any other name of this run and of runs beside it.
pub fn unique(stem: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
    format!("hooke-test-{:x}-{:x}-{}-{stem}", std::process::id(), since & 0xff_ffff, COUNT.fetch_add(1, Ordering::Relaxed))
}

pub struct Ground {
    pub kind: Kind,
    pub engine: Arc<dyn Engine>,
    made: Mutex<Vec<CollectionName>>,
    _folder: tempfile::TempDir,
}

/// Runs a test on one engine. Where there is no Elasticsearch it says so and passes.
pub async fn run<F>(kind: Kind, name: &str, test: F)
where
    F: AsyncFnOnce(&Ground),
{
    let Some(ground) = Ground::open(kind).await else {
        eprintln!("{name}: SKIPPED, HOOKE_TEST_ELASTICSEARCH is not set");
        return;
    };
    let outcome = AssertUnwindSafe(tokio::time::timeout(Duration::from_secs(120), test(&ground))).catch_unwind().await;
    ground.clear().await;
    match outcome {
        Ok(Ok(())) => {}
        Ok(Err(_)) => panic!("{name} did not end within two minutes"),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

pub fn call() -> Call {
    Call::within(Duration::from_secs(30))
}

impl Ground {
    pub async fn open(kind: Kind) -> Option<Ground> {
        let url = match kind {
            Kind::Embedded => None,
            Kind::Elasticsearch => Some(elasticsearch_url()?),
        };
        let folder = tempfile::tempdir().unwrap();
        let config = Config {
            data: folder.path().to_owned(),
            elasticsearch: url.map(|url| ElasticConfig { urls: vec![url], ..ElasticConfig::default() }),
            writes: Some(Writes::All),
            ..Config::default()
        };
        let engine = hooke::search::open(&config.engine()).await.unwrap();
        Some(Ground { kind, engine, made: Mutex::default(), _folder: folder })
    }

    /// Removed after the test, whoever makes it.
    pub fn watch(&self, name: &CollectionName) {
        self.made.lock().unwrap().push(name.clone());
    }

    pub async fn clear(&self) {
        let made = std::mem::take(&mut *self.made.lock().unwrap());
        for name in made {
            let _ = self.engine.remove(&call(), &name).await;
        }
    }

    /// A new collection with the fields of this mapping, `{"field": {"type": …}}`.
    pub async fn shelf(&self, properties: Json) -> Shelf<'_> {
        let name = CollectionName::parse(&unique("shelf")).unwrap();
        self.shelf_named(name, properties).await
    }

    pub async fn shelf_named(&self, name: CollectionName, properties: Json) -> Shelf<'_> {
        let fields = mapping::parse(&serde_json::json!({ "properties": properties })).unwrap();
        let collection = Collection::new(name.clone(), fields);
        self.watch(&name);
        self.engine.create(&call(), &collection).await.unwrap();
        Shelf { ground: self, name, collection: Arc::new(collection) }
    }
}

/// A collection under test.
pub struct Shelf<'g> {
    pub ground: &'g Ground,
    pub name: CollectionName,
    pub collection: Arc<Collection>,
}

pub fn id(text: &str) -> DocumentId {
    DocumentId::parse(text).unwrap()
}

pub fn object(json: Json) -> serde_json::Map<String, Json> {
    match json {
        Json::Object(object) => object,
        other => panic!("{other} is no object"),
    }
}

impl Shelf<'_> {
    pub fn engine(&self) -> &dyn Engine {
        &*self.ground.engine
    }

    pub fn field(&self, path: &str) -> FieldRef {
        self.collection.field(path).unwrap_or_else(|| panic!("no field {path}")).clone()
    }

    pub fn write(&self, action: Action) -> Write {
        Write { on: self.name.clone(), rule: Filter::All, action }
    }

    pub fn index(&self, name: &str, source: Json) -> Write {
        self.write(Action::Index { id: Some(id(name)), source: object(source), precondition: Precondition::None })
    }

    pub async fn send(&self, batch: Vec<Write>) -> Vec<WriteOutcome> {
        self.engine().write(&call(), batch, Refresh::Now).await.unwrap()
    }

    /// Writes documents in this order; all must be taken.
    pub async fn fill(&self, documents: impl IntoIterator<Item = (&str, Json)>) {
        let batch: Vec<Write> = documents.into_iter().map(|(name, source)| self.index(name, source)).collect();
        for outcome in self.send(batch).await {
            outcome.unwrap();
        }
    }

    pub fn query(&self) -> Query {
        let mut query = Query::new(self.name.clone());
        query.page.size = 1_000;
        query.total = TotalRequest::All;
        query
    }

    pub async fn page(&self, query: Query) -> Page {
        let pages = self.engine().search(&call(), std::slice::from_ref(&query)).await;
        let mut pages = pages.unwrap_or_else(|fault| panic!("{fault:?} of {query:#?}"));
        assert_eq!(pages.len(), 1);
        pages.remove(0).unwrap_or_else(|fault| panic!("{fault:?} of {query:#?}"))
    }

    pub async fn fault(&self, query: Query) -> hooke::search::Error {
        match self.engine().search(&call(), &[query]).await {
            Ok(mut pages) => pages.remove(0).expect_err("this should be refused"),
            Err(fault) => fault,
        }
    }

    /// Ids of all documents that the filter lets through, in the order in which they were written; the total must agree.
    pub async fn found(&self, filter: Filter) -> String {
        let page = self.page(Query { filter, ..self.query() }).await;
        assert_eq!(page.total.map(|total| total.value), Some(page.hits.len() as u64));
        ids(&page)
    }

    pub async fn by_id(&self) -> BTreeMap<String, Json> {
        let page = self.page(self.query()).await;
        page.hits.into_iter().map(|hit| (hit.document.id.to_string(), Json::Object(hit.document.source))).collect()
    }
}

/// `a b c`
pub fn ids(page: &Page) -> String {
    let ids: Vec<&str> = page.hits.iter().map(|hit| hit.document.id.as_str()).collect();
    ids.join(" ")
}
