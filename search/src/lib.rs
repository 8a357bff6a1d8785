//! The core: what can be asked of a collection and what comes back, in hooke's own words.
//!
//! A `Query` has one meaning; the two engines (`elastic`, `embedded`) answer it alike. The core knows neither
//! HTTP nor GraphQL nor names that users see: it is handed `FieldRef`s that the catalog has resolved.

mod collection;
mod compute;
mod document;
mod elastic;
mod embedded;
mod error;
mod explanation;
mod fusion;
mod geo;
mod page;
mod query;
mod relaxing;
mod settings;
mod spelling;
mod suggest;
mod union;
mod vector;

pub mod date;
pub mod mapping;
pub mod pattern;
pub mod value;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use tokio::time::Instant;

pub use collection::{
    Analyzer, Collection, CollectionName, DateKind, Exact, Field, FieldRef, Kind, NameFault, Number, Origin, Similarity,
};
pub use compute::interval::LISTED_MOST;
pub use compute::{
    Bucket, Calendar, Compute, Computed, Counts, Facet, FacetOrder, Group, GroupBy, GroupKey, GroupOrder, Groups, Having,
    Interval, Measure, Metric, MetricValue, RangeOf, Scope, Slot, Stats, Top, ValueCount,
};
pub use document::{
    Action, DocRef, Document, DocumentId, Precondition, Refresh, Source, Version, Write, WriteOutcome, Written, merge_patch,
};
pub use error::{Error, Result, plain};
pub use page::{Elements, Explanation, Fragment, Highlight, Hit, Key, Page, Relation, Run, SnapshotId, Total};
pub use query::{
    Direction, Fetch, Filter, From, Fuzziness, GeoPoint, HighlightRequest, InnerHits, MOST_INNER_HITS, Member, Missing, Moment,
    Operator, Order, PageRequest, Quantifier, Query, Range, Rank, TextFilter, TextMatch, TotalRequest,
};
pub use settings::{ElasticConfig, Selection, Settings};
pub use suggest::{ENOUGH, PREFIX_MOST, Relaxed, Suggest, Suggested, Suggestion, can_complete};

/// The engine that the settings ask for. Elasticsearch need not be up; the embedded one is read from its folder.
pub async fn open(settings: &Settings) -> Result<Arc<dyn Engine>> {
    match &settings.elasticsearch {
        Some(elasticsearch) => elastic::open(elasticsearch, &settings.selection),
        None => open_embedded(&settings.folder).await,
    }
}

/// The embedded engine in this folder, which is made where needed.
pub async fn open_embedded(folder: &Path) -> Result<Arc<dyn Engine>> {
    embedded::open(folder).await
}

/// The target of spans that are made for traces.
pub const TRACED: &str = "hooke::trace";

static TRACEPARENT: OnceLock<fn() -> Option<String>> = OnceLock::new();

/// Whoever follows requests through several services says what a request to Elasticsearch carries along as `traceparent`: it is asked
/// within the span of that request.
pub fn trace_by(traceparent: fn() -> Option<String>) {
    // of two the first stays
    let _ = TRACEPARENT.set(traceparent);
}

pub(crate) fn traceparent() -> Option<String> {
    TRACEPARENT.get().and_then(|ask| ask())
}

/// What one request may cost and how it is told apart in logs. Dropping the future of a call cancels its work.
#[derive(Clone, Debug)]
pub struct Call {
    pub deadline: Instant,
    pub request_id: Arc<str>,
    /// Requests sent to another process on behalf of this call, in order; bodies only where `bodies` is set.
    pub trips: Arc<Trips>,
}

/// What was sent upstream for one call: for `hooke-explain` and for tests.
#[derive(Debug, Default)]
pub struct Trips {
    pub bodies: bool,
    seen: std::sync::Mutex<Vec<Trip>>,
}

/// Of all calls of this process, for its counts.
static TRIPS: AtomicU64 = AtomicU64::new(0);

/// Requests sent to another process since the start.
pub fn trips_made() -> u64 {
    TRIPS.load(Ordering::Relaxed)
}

#[derive(Clone, Debug)]
pub struct Trip {
    pub method: &'static str,
    pub path: String,
    pub body: Option<String>,
}

impl Trips {
    /// Keeps the bodies too.
    pub fn with_bodies() -> Self {
        Trips { bodies: true, ..Trips::default() }
    }

    pub fn add(&self, method: &'static str, path: impl Into<String>, body: impl FnOnce() -> String) {
        TRIPS.fetch_add(1, Ordering::Relaxed);
        let body = self.bodies.then(body);
        if let Ok(mut seen) = self.seen.lock() {
            seen.push(Trip { method, path: path.into(), body });
        }
    }

    pub fn all(&self) -> Vec<Trip> {
        self.seen.lock().map(|seen| seen.clone()).unwrap_or_default()
    }
}

impl Call {
    pub fn within(time: std::time::Duration) -> Self {
        Call { deadline: Instant::now() + time, request_id: Arc::from("-"), trips: Arc::default() }
    }

    pub fn named(mut self, request_id: impl Into<Arc<str>>) -> Self {
        self.request_id = request_id.into();
        self
    }

    /// What is left of the time; zero once the deadline has passed.
    pub fn left(&self) -> std::time::Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }
}

/// Whether the engine answers, and what it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Health {
    /// `elasticsearch` or `embedded`.
    pub engine: &'static str,
    pub version: Option<String>,
    /// Ready to answer searches.
    pub ready: bool,
    /// What is wrong where it is not, in words that may be shown to anybody.
    pub detail: Option<String>,
    /// The same for the log and for `doctor`: it may name the cluster.
    pub cause: Option<String>,
}

/// Per collection a number that grows whenever what a search would see may have changed.
/// `None` where the engine cannot tell (rights are missing): then nothing may be kept.
pub type Generations = Option<BTreeMap<CollectionName, u64>>;

/// A search engine. Every behaviour of it is one test that runs on both implementations.
///
/// What an engine cannot do yet is [`Error::Unsupported`]; nothing in a query is ever ignored.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    async fn health(&self, call: &Call) -> Result<Health>;

    /// All collections with their fields, hidden ones (`.hooke-*`) and system ones left out. Cheap when nothing changed: the same `Arc` again.
    async fn collections(&self, call: &Call) -> Result<Arc<Vec<Arc<Collection>>>>;

    /// Makes an empty collection with these fields ([`mapping::write`]); documents with other fields are refused.
    /// [`Error::Conflict`] if the name is taken.
    async fn create(&self, call: &Call, collection: &Collection) -> Result<()>;

    /// Adds fields; those that exist must be the same, else [`Error::Invalid`].
    async fn extend(&self, call: &Call, name: &CollectionName, fields: &[FieldRef]) -> Result<()>;

    async fn remove(&self, call: &Call, name: &CollectionName) -> Result<()>;

    /// Documents by id, one answer for each asked, in order; `None` where there is none or `rule` forbids it.
    /// Sees every acknowledged write at once.
    async fn get(&self, call: &Call, documents: &[DocRef], fetch: &Fetch, rule: &Filter) -> Result<Vec<Option<Document>>>;

    /// Writes a batch; one outcome for each item, in order. An error of the whole means that nothing is known to be written.
    async fn write(&self, call: &Call, batch: Vec<Write>, refresh: Refresh) -> Result<Vec<WriteOutcome>>;

    /// One round trip for the whole batch; each query has its own result, in order.
    async fn search(&self, call: &Call, batch: &[Query]) -> Result<Vec<Result<Page>>>;

    async fn open_snapshot(&self, call: &Call, name: &CollectionName) -> Result<SnapshotId>;
    async fn close_snapshot(&self, call: &Call, id: SnapshotId) -> Result<()>;
    async fn generations(&self, call: &Call) -> Result<Generations>;
}
