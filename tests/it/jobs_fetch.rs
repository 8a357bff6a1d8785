//! Jobs that fetch from an upstream, from outside, on both engines.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Query;
use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::routing::get;
use hooke::config::{Config, ElasticConfig, UpstreamConfig};
use hooke::rest::lab::{Bundled, serve};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

use crate::app::TestApp;
use crate::ground::{elasticsearch_url, unique};

const PATIENCE: Duration = Duration::from_secs(30);

async fn bundled(rate: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let bundled = Bundled { rate: rate.parse().unwrap(), slow: Duration::ZERO, fail: 0.0 };
    tokio::spawn(serve(listener, bundled, std::future::pending()));
    url
}

fn knows(config: &mut Config, url: String, rate: &str) {
    let settings = UpstreamConfig { url, rate: rate.parse().unwrap(), ..UpstreamConfig::default() };
    config.upstreams.insert(unique("facts").chars().rev().take(40).collect(), settings);
}

async fn start(app: &TestApp, job: Json) -> Json {
    let answer = app.http.post(app.at("/v1/jobs")).json(&job).send().await.unwrap();
    assert_eq!(answer.status(), 202, "{}", answer.text().await.unwrap());
    answer.json().await.unwrap()
}

async fn steer(app: &TestApp, job: &Json, action: &str) {
    let answer = app.http.post(app.at(&format!("/v1/jobs/{}/{action}", job["id"].as_str().unwrap()))).send().await.unwrap();
    assert_eq!(answer.status(), 200, "{}", answer.text().await.unwrap());
}

async fn await_that(app: &TestApp, job: &Json, what: &str, good: impl Fn(&Json) -> bool) -> Json {
    let began = Instant::now();
    loop {
        let now: Json = app.get(&format!("/v1/jobs/{}", job["id"].as_str().unwrap())).await.json().await.unwrap();
        if good(&now) {
            return now;
        }
        assert!(began.elapsed() < PATIENCE, "not {what}: {now}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn documents(app: &TestApp, name: &str) -> Vec<Json> {
    let text = app.get(&format!("/v1/collections/{name}/export")).await.text().await.unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Inside the limit, into a collection that is made for it; paused on the way, and nothing is lost or stored twice.
async fn check(app: &TestApp, url: &str) {
    let name = app.name("facts");
    let began = Instant::now();
    let job = start(app, json!({ "kind": "FETCH", "collection": name, "arguments": { "calls": 30, "id": "number" } })).await;
    await_that(app, &job, "under way", |job| job["done"].as_u64().unwrap() >= 5).await;
    steer(app, &job, "pause").await;
    let paused = await_that(app, &job, "paused", |job| job["state"] == "PAUSED").await;
    assert!(paused["done"].as_u64().unwrap() < 30, "{paused}");
    steer(app, &job, "resume").await;
    let done = await_that(app, &job, "done", |job| job["state"] == "SUCCEEDED").await;
    assert_eq!((&done["result"]["calls"], &done["done"], &done["of"]), (&json!(30), &json!(30), &json!(30)), "{done}");
    // at 10 a second
    assert!(began.elapsed() >= Duration::from_secs(2));
    let mut stored = documents(app, &name).await;
    stored.sort_by_key(|document| document["number"].as_u64());
    let numbers: Vec<u64> = stored.iter().map(|document| document["number"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=30).collect::<Vec<u64>>());
    assert!(stored.iter().all(
        |document| document["_id"].as_str() == Some(document["number"].to_string().as_str()) && document["fact"].is_string()
    ));
    let stats: Json = app.http.get(format!("{url}/stats")).send().await.unwrap().json().await.unwrap();
    assert_eq!(stats["refused"], 0);
    app.http.delete(app.at(&format!("/v1/collections/{name}"))).send().await.unwrap();

    for (arguments, part) in [
        (json!({}), "calls"),
        (json!({ "calls": 0 }), "calls"),
        (json!({ "calls": 1, "upstream": "nobody" }), "nobody"),
        (json!({ "calls": 1, "mapping": 3 }), "mapping"),
    ] {
        let job = json!({ "kind": "FETCH", "collection": name, "arguments": arguments });
        let answer = app.http.post(app.at("/v1/jobs")).json(&job).send().await.unwrap();
        assert_eq!(answer.status(), 400, "{part}");
        assert!(answer.text().await.unwrap().contains(part), "{part}");
    }
}

#[tokio::test]
async fn what_was_fetched_is_stored_in_the_embedded_engine() {
    let url = bundled("10/1s").await;
    let app = TestApp::open(|config| knows(config, format!("{url}/fact?n={{n}}"), "10/1s")).await;
    check(&app, &url).await;
    app.stop().await;
}

#[tokio::test]
async fn what_was_fetched_is_stored_in_elasticsearch() {
    let Some(elasticsearch) = elasticsearch_url() else { return };
    let url = bundled("10/1s").await;
    let prefix = unique("fetch-");
    let mut app = TestApp::open(|config| {
        config.elasticsearch = Some(ElasticConfig { urls: vec![elasticsearch], ..ElasticConfig::default() });
        config.catalog.include = vec![format!("{prefix}*")];
        config.state.name.clone_from(&prefix);
        knows(config, format!("{url}/fact?n={{n}}"), "10/1s");
    })
    .await;
    app.prefix = prefix;
    check(&app, &url).await;
    app.stop().await;
}

/// Calls that fail are told, the others stored; tried again, only what failed is asked for.
#[tokio::test]
async fn calls_that_failed_are_made_again_when_the_job_is_tried_again() {
    let (well, asked) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (is_well, count) = (well.clone(), asked.clone());
    let answer = async move |Query(query): Query<std::collections::BTreeMap<String, u32>>| {
        count.fetch_add(1, Ordering::SeqCst);
        match query["n"] {
            3 if !is_well.load(Ordering::SeqCst) => StatusCode::NOT_FOUND.into_response(),
            n => format!("[{{\"n\":{n},\"part\":\"a\"}},{{\"n\":{n},\"part\":\"b\"}}]").into_response(),
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/?n={{n}}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, Router::new().route("/", get(answer))).await });
    let app = TestApp::open(|config| knows(config, url, "1000/1s")).await;
    let job = start(&app, json!({ "kind": "FETCH", "collection": "parts", "arguments": { "calls": 5 } })).await;
    let failed = await_that(&app, &job, "failed", |job| job["state"] == "FAILED").await;
    assert!(failed["error"].as_str().unwrap().contains("1 of 5 calls failed"), "{failed}");
    assert!(failed["log"].to_string().contains("call 3: answered with status 404"), "{failed}");
    assert_eq!((documents(&app, "parts").await.len(), asked.load(Ordering::SeqCst)), (8, 5));
    well.store(true, Ordering::SeqCst);
    steer(&app, &job, "retry").await;
    await_that(&app, &job, "done", |job| job["state"] == "SUCCEEDED").await;
    assert_eq!((documents(&app, "parts").await.len(), asked.load(Ordering::SeqCst)), (10, 6));

    // the same by a form
    let page = app.get("/jobs").await.text().await.unwrap();
    assert!(page.contains("value=\"FETCH\"") && page.contains("name=\"upstream\""), "{page}");
    let form = [("kind", "FETCH"), ("collection", "parts"), ("calls", "2"), ("id", "part")];
    let answer = app.http.post(app.at("/jobs")).form(&form).send().await.unwrap();
    let job = json!({ "id": answer.url().path().rsplit('/').next().unwrap() });
    await_that(&app, &job, "done", |job| job["state"] == "SUCCEEDED").await;
    assert_eq!(documents(&app, "parts").await.len(), 12);
    app.stop().await;
}
