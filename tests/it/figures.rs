//! Figures, not checks: what vectors, facets and groups take on the embedded engine, asked through the whole of hooke.
//!
//! `just figures`, which builds for release. `HOOKE_FIGURES_DOCUMENTS` says how many documents, to try it with few.

use std::time::{Duration, Instant};

use hooke::search::{
    Action, Call, Collection, CollectionName, DocumentId, Filter, Precondition, Refresh, Source, Write, mapping,
};
use serde_json::{Value as Json, json};

use crate::app::TestApp;

/// Documents of one write.
const BATCH: usize = 5_000;
/// How often each is asked.
const ROUNDS: usize = 15;

fn documents(usual: usize) -> usize {
    std::env::var("HOOKE_FIGURES_DOCUMENTS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// The same numbers in each run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    /// Between -1 and 1.
    fn part(&mut self) -> f32 {
        f32::from(u16::try_from(self.below(20_001)).unwrap()) / 10_000.0 - 1.0
    }

    fn vector(&mut self, dims: usize) -> Vec<f32> {
        (0..dims).map(|_| self.part()).collect()
    }
}

async fn load(app: &TestApp, name: &str, properties: Json, all: usize, mut document: impl FnMut(usize) -> Json) {
    let began = Instant::now();
    let call = || Call::within(Duration::from_secs(600));
    let name = CollectionName::parse(name).unwrap();
    let fields = mapping::parse(&json!({ "properties": properties })).unwrap();
    let collection = Collection::new(name.clone(), fields);
    app.app.engine.create(&call(), &collection).await.unwrap();
    for start in (0..all).step_by(BATCH) {
        let end = all.min(start + BATCH);
        let write = |n: usize| {
            let source: Source = document(n).as_object().unwrap().clone();
            let id = Some(DocumentId::parse(&n.to_string()).unwrap());
            Write { on: name.clone(), rule: Filter::All, action: Action::Index { id, source, precondition: Precondition::None } }
        };
        let refresh = if end == all { Refresh::Now } else { Refresh::None };
        for outcome in app.app.engine.write(&call(), (start..end).map(write).collect(), refresh).await.unwrap() {
            outcome.unwrap();
        }
    }
    app.app.catalog.refresh(&call()).await.unwrap();
    let root = app.app.catalog.now().collection(name.as_str()).unwrap().names.many.clone();
    while !app.get("/schema.graphql").await.text().await.unwrap().contains(&format!("  {root}(")) {
        assert!(began.elapsed() < Duration::from_secs(3_600));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    println!("{all} documents in {:.1} s", began.elapsed().as_secs_f64());
}

/// Asks several times, and tells the median and the slowest.
async fn time(app: &TestApp, what: &str, query: &str, variables: Json) -> Json {
    let (mut times, mut last) = (Vec::new(), json!(null));
    for _ in 0..ROUNDS {
        let began = Instant::now();
        last = app.graphql(query, variables.clone()).await;
        times.push(began.elapsed());
        assert_eq!(last.get("errors"), None, "{what}: {last}");
    }
    times.sort_unstable();
    println!("{what}: {:.1?} (slowest {:.1?})", times[ROUNDS / 2], times[ROUNDS - 1]);
    last["data"].take()
}

#[tokio::test]
#[ignore = "a figure: just figures"]
async fn nearest_by_vector() {
    const DIMS: usize = 384;
    let all = documents(100_000);
    let app = TestApp::embedded().await;
    let mut numbers = Numbers(7);
    let vectors: Vec<Vec<f32>> = (0..all).map(|_| numbers.vector(DIMS)).collect();
    let properties = json!({
        "v": { "type": "dense_vector", "dims": DIMS, "similarity": "cosine" },
        "text": { "type": "text" }, "tag": { "type": "keyword" },
    });
    load(
        &app,
        "notes",
        properties,
        all,
        |n| json!({ "v": vectors[n], "text": format!("word{} word{}", n % 7, n % 100), "tag": format!("t{}", n % 10) }),
    )
    .await;
    let asked = numbers.vector(DIMS);
    let variables = json!({ "v": asked });
    let plain =
        "query($v: [Float!]!) { notes(search: { knn: { field: V, vector: $v, k: 10 } }) { edges { score node { _id } } } }";
    let data = time(&app, "the ten nearest", plain, variables.clone()).await;
    time(
        &app,
        "of a tenth of them",
        "query($v: [Float!]!) { notes(search: { knn: { field: V, vector: $v, k: 10 } }, filter: { tag: { eq: \"t3\" } }) { nodes { _id } } }",
        variables.clone(),
    )
    .await;
    time(
        &app,
        "fused with words, with total and facet",
        "query($v: [Float!]!) { notes(search: { query: \"word3\", knn: { field: V, vector: $v, k: 10 }, fusion: RRF }) { total { value } nodes { _id } facets { tag { values { value count } } } } }",
        variables,
    )
    .await;

    // and they are the nearest
    let length = |v: &[f32]| v.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    let cosine =
        |v: &[f32]| v.iter().zip(&asked).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>() / (length(v) * length(&asked));
    let mut ranked: Vec<(f64, usize)> = vectors.iter().enumerate().map(|(n, v)| (cosine(v), n)).collect();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    for (edge, (cosine, _)) in data["notes"]["edges"].as_array().unwrap().iter().zip(&ranked) {
        let score = edge["score"].as_f64().unwrap();
        assert!((score - f64::midpoint(1.0, *cosine)).abs() < 1e-4, "{score} {cosine}");
    }
    app.stop().await;
}

#[tokio::test]
#[ignore = "a figure: just figures"]
async fn facets_and_groups() {
    let all = documents(1_000_000);
    let app = TestApp::embedded().await;
    let mut numbers = Numbers(11);
    let keyword = json!({ "type": "keyword" });
    let properties = json!({
        "title": { "type": "text" }, "tag": keyword, "maker": keyword, "n": { "type": "integer" }, "price": { "type": "double" },
        "on": { "type": "date" }, "open": { "type": "boolean" }, "at": { "type": "geo_point" },
    });
    load(&app, "items", properties, all, |_| {
        json!({
            "title": format!("w{} w{} w{}", numbers.below(50), numbers.below(1_000), numbers.below(20_000)),
            "tag": format!("t{}", numbers.below(20)), "maker": format!("m{}", numbers.below(5_000)),
            "n": numbers.below(1_000), "price": f64::from(numbers.part()) * 500.0 + 500.0,
            "on": 1_600_000_000_000_u64 + numbers.below(100_000_000_000), "open": numbers.below(2) == 0,
            "at": { "lat": numbers.part() * 80.0, "lon": numbers.part() * 170.0 },
        })
    })
    .await;
    for (what, query) in [
        ("ten hits and nothing else", "{ items { nodes { _id } } }"),
        ("a facet of 20 values", "{ items(first: 0) { facets { tag { values { value count } otherCount distinctCount } } } }"),
        (
            "a facet of 5,000 values",
            "{ items(first: 0) { facets { maker { values { value count } otherCount distinctCount } } } }",
        ),
        (
            "five facets",
            "{ items(first: 0) { facets { tag { values { value count } } open { values { value count } } n(interval: { size: 100 }) { buckets { from count } } price(ranges: [{ to: 100 }, { from: 100 }]) { buckets { count } stats { min max avg } } on(interval: { calendar: MONTH }) { buckets { from count } } } } }",
        ),
        (
            "five facets of a word's hits, with a tick",
            "{ items(search: { query: \"w7\" }, facetFilters: { tag: { in: [\"t3\"] } }) { total { value } nodes { _id } facets { tag { values { value count } } open { values { value count } } n(interval: { size: 100 }) { buckets { from count } } price(ranges: [{ to: 100 }, { from: 100 }]) { buckets { count } stats { min max avg } } on(interval: { calendar: MONTH }) { buckets { from count } } } } }",
        ),
        (
            "rings and tiles",
            "{ items(first: 0) { facets { at(from: { lat: 50, lon: 10 }, ranges: [{ to: 1e6 }, { from: 1e6 }], zoom: 4) { buckets { count } cells { key count } } } } }",
        ),
        (
            "an aggregate with percentiles",
            "{ items(first: 0) { aggregate { count price { avg stdDev percentiles(at: [50, 95]) { value } } maker { distinctCount } } } }",
        ),
        (
            "groups by one key, an average each",
            "{ items(first: 0) { groupBy(keys: [{ field: TAG }]) { nodes { key { tag } count aggregate { price { avg } } } } } }",
        ),
        (
            "groups in groups",
            "{ items(first: 0) { groupBy(keys: [{ field: TAG }], first: 5) { nodes { key { tag } count groupBy(keys: [{ field: OPEN }]) { nodes { key { open } count } } topHits(first: 1) { _id } } } } }",
        ),
        (
            "groups by two keys, by a metric",
            "{ items(first: 0) { groupBy(keys: [{ field: TAG }, { field: ON, interval: { calendar: MONTH } }], orderBy: [{ field: PRICE, metric: AVG, direction: DESC }]) { nodes { key { tag on } count } otherCount } } }",
        ),
        (
            "a page of 1,000 groups of 5,000",
            "{ items(first: 0) { groupBy(keys: [{ field: MAKER }], first: 1000, orderBy: [{ key: ASC }]) { nodes { key { maker } count } } } }",
        ),
    ] {
        time(&app, what, query, json!({})).await;
    }
    app.stop().await;
}
