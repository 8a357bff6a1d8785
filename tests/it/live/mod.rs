//! Live queries from outside, on both engines: what is told when something changes, whoever changed it, and what is not told.

mod documented;
mod events;
mod idle;
mod jobs;
mod protocol;
pub mod reference;
mod sharing;
pub mod socket;

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use hooke::config::{CollectionConfig, Config, ElasticConfig};
use serde_json::{Value as Json, json};

use self::socket::Socket;
use crate::app::TestApp;
use crate::ground::{Kind, elasticsearch_url, unique};

pub const NOTES: &str = "subscription { notes(orderBy: [{ field: RANK }]) { total { value } nodes { _id text rank } } }";

/// A hooke with one collection, whose root field is `notes`.
pub struct Bench {
    pub app: TestApp,
    /// The collection, or the index.
    pub name: String,
    pub elasticsearch: Option<String>,
}

/// Runs a test on a bench that is taken down also after it failed. `address`: where hooke finds Elasticsearch, if not directly.
pub async fn run_at<F>(kind: Kind, address: Option<String>, test: F)
where
    F: AsyncFnOnce(&Bench),
{
    let elasticsearch = match kind {
        Kind::Embedded => None,
        Kind::Elasticsearch => match elasticsearch_url() {
            Some(url) => Some(url),
            None => {
                eprintln!("SKIPPED, HOOKE_TEST_ELASTICSEARCH is not set");
                return;
            }
        },
    };
    let name = unique("notes");
    let app = TestApp::open(|config: &mut Config| {
        let named = CollectionConfig { name: Some("notes".into()), ..CollectionConfig::default() };
        config.catalog.collections.insert(name.clone(), named);
        if let Some(url) = address.or(elasticsearch.clone()) {
            config.elasticsearch = Some(ElasticConfig { urls: vec![url], ..ElasticConfig::default() });
            config.catalog.include = vec![name.clone()];
        }
    })
    .await;
    let bench = Bench { app, name, elasticsearch };
    bench.create().await;
    let outcome = AssertUnwindSafe(tokio::time::timeout(Duration::from_secs(60), test(&bench))).catch_unwind().await;
    let Bench { app, name, elasticsearch } = bench;
    if let Some(url) = elasticsearch {
        let _ = reqwest::Client::new().delete(format!("{url}/{name}")).send().await;
    }
    match outcome {
        Ok(Ok(())) => app.stop().await,
        Ok(Err(_)) => panic!("it did not end within a minute"),
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

pub async fn run<F>(kind: Kind, test: F)
where
    F: AsyncFnOnce(&Bench),
{
    run_at(kind, None, test).await;
}

impl Bench {
    async fn create(&self) {
        let properties = json!({ "text": { "type": "text" }, "rank": { "type": "long" }, "kind": { "type": "keyword" } });
        let body = json!({ "name": self.name, "mappings": { "properties": properties } });
        let made = self.app.http.post(self.app.at("/v1/collections")).json(&body).send().await.unwrap();
        assert!(made.status().is_success(), "{}", made.text().await.unwrap());
        self.until_schema(true).await;
    }

    pub async fn until_schema(&self, has: bool) {
        let from = Instant::now();
        while self.app.get("/schema.graphql").await.text().await.unwrap().contains("  notes(") != has {
            assert!(from.elapsed() < Duration::from_secs(10), "the schema did not follow");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Operations of a bulk through hooke, seen by searches at once.
    pub async fn write(&self, operations: &[Json]) {
        let lines: String = operations.iter().map(|operation| format!("{operation}\n")).collect();
        let path = format!("/v1/collections/{}/bulk?refresh=NOW", self.name);
        let request = self.app.http.post(self.app.at(&path)).header("content-type", "application/x-ndjson");
        let answer = request.body(lines).send().await.unwrap().text().await.unwrap();
        for line in answer.lines() {
            assert_eq!(serde_json::from_str::<Json>(line).unwrap()["errors"], json!([]), "{line}");
        }
    }

    pub async fn put(&self, id: &str, rank: i64, text: &str) {
        self.write(&[json!({ "upsert": { "id": id, "input": { "rank": rank, "text": text, "kind": "plain" } } })]).await;
    }

    pub async fn remove(&self, id: &str) {
        self.write(&[json!({ "delete": { "id": id } })]).await;
    }

    pub async fn socket(&self) -> Socket {
        Socket::ready(&self.app.url).await
    }
}

/// The texts of the notes in an answer.
pub fn texts(payload: &Json) -> Vec<&str> {
    assert_eq!(payload.get("errors"), None, "{payload}");
    payload["data"]["notes"]["nodes"].as_array().unwrap().iter().map(|node| node["text"].as_str().unwrap()).collect()
}

/// Seconds after a write until its news must be there: once a second, and what the engine needs to see it.
fn delay(kind: Kind) -> Duration {
    Duration::from_millis(match kind {
        Kind::Embedded => 1_000 + 200,
        Kind::Elasticsearch => 2_000,
    })
    // the machine that runs the tests is busy
    .mul_f32(1.5)
}

async fn changes_are_told(kind: Kind) {
    run(kind, async |bench| {
        let mut socket = bench.socket().await;
        socket.subscribe("1", NOTES).await;
        assert!(texts(&socket.news("1").await).is_empty());
        let told = async |socket: &mut Socket| {
            let from = Instant::now();
            let news = socket.news("1").await;
            assert!(from.elapsed() < delay(kind), "{:?}", from.elapsed());
            news
        };
        bench.put("a", 1, "one").await;
        assert_eq!(texts(&told(&mut socket).await), ["one"]);
        bench.put("b", 0, "zero").await;
        assert_eq!(texts(&told(&mut socket).await), ["zero", "one"]);
        bench.put("a", 1, "one again").await;
        assert_eq!(texts(&told(&mut socket).await), ["zero", "one again"]);
        bench.remove("b").await;
        let news = told(&mut socket).await;
        assert_eq!((texts(&news), &news["data"]["notes"]["total"]["value"]), (vec!["one again"], &json!(1)));
        // who comes back is told how it is now
        drop(socket);
        let mut again = bench.socket().await;
        again.subscribe("1", NOTES).await;
        assert_eq!(texts(&again.news("1").await), ["one again"]);
    })
    .await;
}

#[tokio::test]
async fn changes_are_told_embedded() {
    changes_are_told(Kind::Embedded).await;
}

#[tokio::test]
async fn changes_are_told_elasticsearch() {
    changes_are_told(Kind::Elasticsearch).await;
}

/// Where the last run was over a second ago nothing is waited for but the look at what has changed.
#[tokio::test]
async fn the_first_change_for_a_while_is_told_at_once() {
    run(Kind::Embedded, async |bench| {
        let mut socket = bench.socket().await;
        socket.subscribe("1", NOTES).await;
        socket.news("1").await;
        let mut times = Vec::new();
        for n in 0..4 {
            // a while is what this is about
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            bench.put("a", n, &format!("note {n}")).await;
            let from = Instant::now();
            assert_eq!(texts(&socket.news("1").await), [format!("note {n}")]);
            times.push(from.elapsed());
        }
        // one of them found the machine idle enough
        times.sort();
        assert!(times[0] < Duration::from_millis(200), "{times:?}");
    })
    .await;
}

async fn nothing_is_told_where_nothing_changed(kind: Kind) {
    run(kind, async |bench| {
        bench.put("a", 1, "one").await;
        let mut socket = bench.socket().await;
        let small =
            r#"subscription { notes(filter: { rank: { lt: 10 } }) { nodes { text } edges { cursor } pageInfo { endCursor } } }"#;
        let large = r#"subscription { notes(filter: { rank: { gte: 10 } }) { nodes { text } } }"#;
        socket.subscribe("small", small).await;
        socket.subscribe("large", large).await;
        assert_eq!(texts(&socket.news("small").await), ["one"]);
        assert!(texts(&socket.news("large").await).is_empty());
        // two changes that the small ones do not see
        bench.put("b", 10, "ten").await;
        assert_eq!(texts(&socket.news("large").await), ["ten"]);
        bench.remove("b").await;
        assert!(texts(&socket.news("large").await).is_empty());
        // one written as it was
        bench.put("c", 2, "two").await;
        // the first word of the small ones since the beginning
        assert_eq!(texts(&socket.news("small").await), ["one", "two"]);
        assert!(socket.held.is_empty(), "{:?}", socket.held);
    })
    .await;
}

#[tokio::test]
async fn nothing_is_told_where_nothing_changed_embedded() {
    nothing_is_told_where_nothing_changed(Kind::Embedded).await;
}

#[tokio::test]
async fn nothing_is_told_where_nothing_changed_elasticsearch() {
    nothing_is_told_where_nothing_changed(Kind::Elasticsearch).await;
}

/// Whoever writes: here it is not hooke.
#[tokio::test]
async fn changes_by_others_are_told() {
    run(Kind::Elasticsearch, async |bench| {
        let url = format!("{}/{}", bench.elasticsearch.clone().unwrap(), bench.name);
        let http = &bench.app.http;
        let mut socket = bench.socket().await;
        socket.subscribe("1", NOTES).await;
        socket.news("1").await;
        let note = |text: &str| json!({ "text": text, "rank": 1 });
        let soon = async |socket: &mut Socket| {
            let refreshed = Instant::now();
            let news = socket.news("1").await;
            assert!(refreshed.elapsed() < delay(Kind::Elasticsearch), "{:?}", refreshed.elapsed());
            news
        };
        http.put(format!("{url}/_doc/a?refresh=true")).json(&note("direct")).send().await.unwrap().error_for_status().unwrap();
        assert_eq!(texts(&soon(&mut socket).await), ["direct"]);
        http.delete(format!("{url}/_doc/a?refresh=true")).send().await.unwrap().error_for_status().unwrap();
        assert!(texts(&soon(&mut socket).await).is_empty());
        // nobody asks for a refresh: the index makes one each second
        http.put(format!("{url}/_doc/b")).json(&note("unrefreshed")).send().await.unwrap().error_for_status().unwrap();
        assert_eq!(texts(&socket.news("1").await), ["unrefreshed"]);
        // and none at all where nobody searches, so somebody must
        let idle = json!({ "index": { "search": { "idle": { "after": "0ms" } } } });
        http.put(format!("{url}/_settings")).json(&idle).send().await.unwrap().error_for_status().unwrap();
        http.put(format!("{url}/_doc/b")).json(&note("seen by nobody")).send().await.unwrap().error_for_status().unwrap();
        assert_eq!(texts(&socket.news("1").await), ["seen by nobody"]);
    })
    .await;
}

async fn a_collection_that_goes_ends_its_subscriptions(kind: Kind) {
    run(kind, async |bench| {
        let mut socket = bench.socket().await;
        socket.subscribe("1", NOTES).await;
        socket.news("1").await;
        let gone = bench.app.http.delete(bench.app.at(&format!("/v1/collections/{}", bench.name))).send().await.unwrap();
        assert_eq!(gone.status(), 204);
        let code = loop {
            let message = socket.message().await;
            if message["type"] == "error" {
                break message["payload"][0]["extensions"]["code"].clone();
            }
            // between the removal and the schema without it
            assert_eq!(message["payload"]["errors"][0]["extensions"]["code"], "NOT_FOUND", "{message}");
        };
        assert_eq!(code, "GRAPHQL_VALIDATION_FAILED");
        // the id is free again, and the socket goes on
        socket.subscribe("1", "{ __typename }").await;
        assert_eq!(socket.news("1").await["data"]["__typename"], "Query");
    })
    .await;
}

#[tokio::test]
async fn a_collection_that_goes_ends_its_subscriptions_embedded() {
    a_collection_that_goes_ends_its_subscriptions(Kind::Embedded).await;
}

#[tokio::test]
async fn a_collection_that_goes_ends_its_subscriptions_elasticsearch() {
    a_collection_that_goes_ends_its_subscriptions(Kind::Elasticsearch).await;
}
