//! Three collections and an engine that answers as it is told, for the tests of this folder.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::Api;
use crate::access::{Desk, Roles};
use crate::catalog::cursor::Signer;
use crate::catalog::moments::Moments;
use crate::catalog::{Catalog, Pulse};
use crate::config::Config;
use crate::search::{
    Call, Collection, CollectionName, Computed, DocRef, Document, DocumentId, Engine, Error, Fetch, FieldRef, Filter, From,
    Generations, Health, Hit, Key, Origin, Page, Query, Refresh, Result, Slot, SnapshotId, Version, Write, WriteOutcome, mapping,
};

/// Packages lie in one index, places behind an alias over two, orders have objects and nested elements.
pub(super) fn catalog(config: &Config) -> Arc<Catalog> {
    Arc::new(Catalog::of(&[orders(), packages(), places()], config))
}

pub(super) async fn open(engine: &Arc<Told>, catalog: watch::Receiver<Arc<Catalog>>, config: &Config) -> Arc<Api> {
    let (signer, moments) = (Arc::new(Signer::new(b"secret")), Arc::new(Moments::new(2)));
    let desk = Desk::new(engine.clone(), catalog.clone(), Roles::of(config), &config.limits, b"secret");
    Api::over(engine.clone(), catalog, Pulse::new(engine.clone(), false), None, signer, moments, desk, config).await.unwrap()
}

fn collection(name: &str, origin: Origin, body: Json) -> Arc<Collection> {
    let read = mapping::read(&body);
    assert_eq!(read.remarks, Vec::<String>::new());
    Arc::new(Collection { name: CollectionName::existing(name), origin, fields: read.fields, remarks: Vec::new() })
}

fn with_keyword() -> Json {
    json!({ "type": "text", "fields": { "keyword": { "type": "keyword" } } })
}

fn packages() -> Arc<Collection> {
    let keyword = json!({ "type": "keyword" });
    let body = json!({
        "_meta": { "hooke": { "lists": { "depends": true, "tags": true } } },
        "properties": {
            "package": with_keyword(), "name": with_keyword(), "section": keyword, "priority": keyword, "maintainer": keyword,
            "installedSize": { "type": "long" }, "size": { "type": "long" }, "description": { "type": "text" },
            "depends": keyword, "tags": keyword, "homepage": keyword, "essential": { "type": "boolean" }, "addedOn": { "type": "date" },
        },
    });
    collection("packages", Origin::Index, body)
}

fn places() -> Arc<Collection> {
    let keyword = json!({ "type": "keyword" });
    let body = json!({
        "properties": {
            "cityId": { "type": "long" }, "name": with_keyword(), "country": keyword, "population": { "type": "long" },
            "location": { "type": "geo_point" }, "featureCode": keyword, "adminCode": keyword,
        },
    });
    let indices = vec!["places-1".to_owned(), "places-2".to_owned()];
    collection("places", Origin::Many { target: "places".into(), indices }, body)
}

fn orders() -> Arc<Collection> {
    let keyword = json!({ "type": "keyword" });
    let body = json!({
        "_meta": { "hooke": { "lists": {
            "labels": true, "ratings": true, "coupon": true, "items": true, "items.tags": true, "items.parcels": true,
        } } },
        "properties": {
            "orderNo": keyword, "customer": with_keyword(), "status": keyword, "gift": { "type": "boolean" },
            "placedAt": { "type": "date" }, "invoicedOn": { "type": "date", "format": "yyyy/MM/dd" },
            "total": { "type": "double" }, "weight": { "type": "float" }, "ledger": { "type": "long" }, "clientIp": { "type": "ip" },
            "labels": keyword, "ratings": { "type": "integer" }, "coupon": keyword,
            "shipping": { "properties": { "city": keyword, "street": { "type": "text" }, "floor": { "type": "integer" } } },
            "items": { "type": "nested", "properties": {
                "sku": keyword, "qty": { "type": "integer" }, "price": { "type": "double" }, "tags": keyword,
                "parcels": { "type": "nested", "properties": { "carrier": keyword, "weight": { "type": "float" } } },
            } },
            "notes": { "type": "text" }, "attributes": { "type": "flattened" },
            "embedding": { "type": "dense_vector", "dims": 3 },
        },
    });
    collection("orders", Origin::Index, body)
}

/// Keeps what it was asked, and answers from a list of documents, each found by every search of its collection.
#[derive(Default)]
pub(super) struct Told {
    pub(super) documents: Vec<(&'static str, Document)>,
    pub(super) searches: Mutex<Vec<Vec<Query>>>,
    pub(super) gets: Mutex<Vec<(Vec<DocRef>, Fetch)>>,
    /// Searches of this collection fail.
    pub(super) failing: Option<&'static str>,
    /// Never answers.
    pub(super) hangs: bool,
    /// What every search that counts something is answered.
    pub(super) computed: Vec<(Slot, Computed)>,
    /// Written later; each comes with a new number of its collection.
    pub(super) later: Mutex<Vec<(&'static str, Document)>>,
    pub(super) away: AtomicBool,
    pub(super) numbers: Mutex<Generations>,
}

pub(super) fn document(index: &str, id: &str, source: Json) -> Document {
    let Json::Object(source) = source else { panic!("a source is an object") };
    Document {
        id: DocumentId::parse(id).unwrap(),
        index: index.into(),
        routing: None,
        version: Version { seq_no: 7, primary_term: 1 },
        source,
    }
}

impl Told {
    /// A change that a search of this collection may see.
    pub(super) fn touch(&self, name: &str) {
        let mut numbers = self.numbers.lock().unwrap();
        *numbers.get_or_insert_default().entry(CollectionName::existing(name)).or_default() += 1;
    }

    pub(super) fn write(&self, name: &'static str, document: Document) {
        self.later.lock().unwrap().push((name, document));
        self.touch(name);
    }

    fn page(&self, query: &Query) -> Result<Page> {
        let name = query.on[0].as_str();
        if self.failing == Some(name) || self.away.load(Ordering::Relaxed) {
            return Err(Error::Unavailable("secret cause".into()));
        }
        let meant = |document: &Document| match &query.filter {
            Filter::Ids(ids) => ids.contains(&document.id),
            _ => true,
        };
        let later = self.later.lock().unwrap();
        let found: Vec<_> =
            self.documents.iter().chain(later.iter()).filter(|(on, document)| *on == name && meant(document)).collect();
        let hits = found.iter().enumerate().map(|(at, (_, document))| Hit {
            of: 0,
            document: document.clone(),
            score: query.fetch.scores.then_some(1.5),
            key: Key(vec![json!(at)]),
            highlights: Vec::new(),
            distance: None,
            inner_hits: Vec::new(),
            explanation: None,
        });
        let passed = match &query.page.from {
            From::After(key) => usize::try_from(key.0[0].as_u64().unwrap()).unwrap() + 1,
            From::Offset(offset) => *offset as usize,
            From::Start | From::Before(_) => 0,
        };
        Ok(Page {
            hits: hits.skip(passed).take(query.page.size as usize).collect(),
            total: Some(crate::search::Total { value: found.len() as u64, relation: crate::search::Relation::Equal }),
            has_next: passed + (query.page.size as usize) < found.len(),
            has_previous: passed > 0,
            computed: if query.compute.is_empty() { Vec::new() } else { self.computed.clone() },
            ..Page::default()
        })
    }
}

fn unused<T>() -> Result<T> {
    Err(Error::internal("not asked by GraphQL"))
}

#[async_trait]
impl Engine for Told {
    async fn health(&self, _call: &Call) -> Result<Health> {
        unused()
    }
    async fn collections(&self, _call: &Call) -> Result<Arc<Vec<Arc<Collection>>>> {
        unused()
    }
    async fn create(&self, _call: &Call, _collection: &Collection) -> Result<()> {
        unused()
    }
    async fn extend(&self, _call: &Call, _name: &CollectionName, _fields: &[FieldRef]) -> Result<()> {
        unused()
    }
    async fn remove(&self, _call: &Call, _name: &CollectionName) -> Result<()> {
        unused()
    }
    async fn get(&self, _: &Call, documents: &[DocRef], fetch: &Fetch, _: &Filter) -> Result<Vec<Option<Document>>> {
        self.gets.lock().unwrap().push((documents.to_vec(), fetch.clone()));
        let one = |wanted: &DocRef| {
            let found =
                self.documents.iter().find(|(on, document)| *on == wanted.collection.as_str() && document.id == wanted.id);
            found.map(|(_, document)| document.clone())
        };
        Ok(documents.iter().map(one).collect())
    }
    async fn write(&self, _call: &Call, _batch: Vec<Write>, _refresh: Refresh) -> Result<Vec<WriteOutcome>> {
        unused()
    }
    async fn search(&self, _call: &Call, batch: &[Query]) -> Result<Vec<Result<Page>>> {
        self.searches.lock().unwrap().push(batch.to_vec());
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Ok(batch.iter().map(|query| self.page(query)).collect())
    }
    async fn open_snapshot(&self, _call: &Call, _name: &CollectionName) -> Result<SnapshotId> {
        unused()
    }
    async fn close_snapshot(&self, _call: &Call, _id: SnapshotId) -> Result<()> {
        unused()
    }
    async fn generations(&self, _call: &Call) -> Result<Generations> {
        if self.away.load(Ordering::Relaxed) {
            return Err(Error::Unavailable("secret cause".into()));
        }
        Ok(self.numbers.lock().unwrap().clone())
    }
}
