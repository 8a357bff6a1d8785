//! Live queries on an engine that answers as it is told and counts what it is asked.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures_util::FutureExt as _;
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::*;
use crate::access::Viewer;
use crate::catalog::{Beat, Catalog};
use crate::config::Config;
use crate::graphql::Api;
use crate::graphql::fixture::{Told, catalog, document, open};
use crate::search::Document;

const NAMES: &str = "subscription { packages { nodes { name } } }";

struct Bench {
    api: Arc<Api>,
    engine: Arc<Told>,
    catalogs: watch::Sender<Arc<Catalog>>,
}

async fn bench() -> Bench {
    let config = Config::default();
    let engine = Arc::new(Told::default());
    engine.touch("packages");
    let (catalogs, seen) = watch::channel(catalog(&config));
    Bench { api: open(&engine, seen, &config).await, engine, catalogs }
}

fn named(name: &str) -> Document {
    document("packages", name, json!({ "name": name }))
}

impl Bench {
    fn subscribe(&self, query: &str) -> Subscription {
        self.api.subscribe(&Viewer::open(), &request(query, json!({}))).now_or_never().unwrap().unwrap()
    }

    fn searches(&self) -> usize {
        self.engine.searches.lock().unwrap().len()
    }

    async fn until(&self, what: &str, holds: impl Fn() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(began.elapsed() < Duration::from_secs(10), "in vain: {what}");
            sleep(Duration::from_millis(5)).await;
        }
    }

    fn held(&self) -> usize {
        self.api.live.all.lock().unwrap().len()
    }
}

fn request(query: &str, variables: Json) -> Request {
    let Json::Object(variables) = variables else { panic!("variables are an object") };
    Request { query: query.into(), operation_name: None, variables, known: None }
}

async fn answer(subscription: &mut Subscription) -> Json {
    match timeout(Duration::from_secs(10), subscription.next()).await.unwrap().unwrap() {
        News::Answer(text) => serde_json::from_str(&text).unwrap(),
        other => panic!("no answer but {other:?}"),
    }
}

async fn names(subscription: &mut Subscription) -> Vec<String> {
    let answer = answer(subscription).await;
    assert_eq!(answer.get("errors"), None);
    let nodes = answer["data"]["packages"]["nodes"].as_array().unwrap().clone();
    nodes.iter().map(|node| node["name"].as_str().unwrap().to_owned()).collect()
}

async fn over(subscription: &mut Subscription) -> &'static str {
    match timeout(Duration::from_secs(10), subscription.next()).await.unwrap().unwrap() {
        News::Over(failures) => failures[0].code,
        other => panic!("not over but {other:?}"),
    }
}

#[tokio::test]
async fn equal_subscriptions_share_their_runs() {
    let bench = bench().await;
    let mut one = bench.subscribe(NAMES);
    assert_eq!(names(&mut one).await, [""; 0]);
    let mut two = bench.subscribe("subscription Mine {\n  packages {\n    nodes { name } # the same\n  }\n}");
    assert_eq!(names(&mut two).await, [""; 0], "the last answer, at once");
    assert_eq!((bench.searches(), bench.held()), (1, 1));
    bench.engine.write("packages", named("a"));
    assert_eq!(names(&mut one).await, ["a"]);
    assert_eq!(names(&mut two).await, ["a"]);
    assert_eq!(bench.searches(), 2);
    let filtered = "subscription($s: String!) { packages(filter: { section: { eq: $s } }) { nodes { name } } }";
    let mut three = bench
        .api
        .subscribe(&Viewer::open(), &request(filtered, json!({ "s": "x", "unused": 1 })))
        .now_or_never()
        .unwrap()
        .unwrap();
    let mut four = bench.api.subscribe(&Viewer::open(), &request(filtered, json!({ "s": "y" }))).now_or_never().unwrap().unwrap();
    let _five = bench.api.subscribe(&Viewer::open(), &request(filtered, json!({ "s": "x" }))).now_or_never().unwrap().unwrap();
    names(&mut three).await;
    names(&mut four).await;
    assert_eq!((bench.searches(), bench.held()), (4, 3));
}

#[tokio::test]
async fn nothing_is_told_when_the_answer_is_the_same() {
    let bench = bench().await;
    let mut one = bench.subscribe(NAMES);
    names(&mut one).await;
    bench.engine.touch("packages");
    bench.until("another run", || bench.searches() == 2).await;
    bench.engine.touch("orders");
    bench.engine.write("packages", named("a"));
    assert_eq!(names(&mut one).await, ["a"], "the next that is told");
    assert_eq!(bench.searches(), 3, "what it does not read is no reason to run");
}

#[tokio::test]
async fn it_runs_once_a_second_and_the_newest_wins() {
    let bench = bench().await;
    let mut one = bench.subscribe("subscription { packages(first: 1000) { nodes { name } } }");
    names(&mut one).await;
    let began = Instant::now();
    let mut written = 0;
    while bench.searches() < 3 {
        bench.engine.write("packages", named("a"));
        written += 1;
        sleep(Duration::from_millis(10)).await;
    }
    assert!(began.elapsed() > Duration::from_millis(1_700), "{:?}", began.elapsed());
    // two answers came meanwhile, and only the last one is told
    bench.until("an answer", || bench.searches() == 3 && one.news.has_changed().unwrap()).await;
    let told = names(&mut one).await.len();
    assert!(told > 10 && told <= written, "{told} of {written}");
}

#[tokio::test]
async fn who_cannot_see_changes_says_so() {
    let bench = bench().await;
    *bench.engine.numbers.lock().unwrap() = None;
    let mut one = bench.subscribe(NAMES);
    assert_eq!(over(&mut one).await, "UNSUPPORTED");
    assert_eq!(bench.searches(), 0);
    // one that is over is not joined
    bench.engine.touch("packages");
    let looks = bench.api.live.pulse.listen();
    bench.until("a look that sees", || matches!(*looks.borrow(), Beat::Seen(_))).await;
    assert_eq!(names(&mut bench.subscribe(NAMES)).await, [""; 0]);
    // and the right may be lost later
    let mut two = bench.subscribe(NAMES);
    names(&mut two).await;
    *bench.engine.numbers.lock().unwrap() = None;
    assert_eq!(over(&mut two).await, "UNSUPPORTED");
}

#[tokio::test]
async fn all_ends_with_the_last_subscriber() {
    let bench = bench().await;
    let mut one = bench.subscribe(NAMES);
    let two = bench.subscribe(NAMES);
    names(&mut one).await;
    drop(one);
    assert_eq!(bench.held(), 1);
    let listeners = || bench.api.core.swaps.receiver_count();
    assert_eq!(listeners(), 1);
    drop(two);
    assert_eq!(bench.held(), 0);
    bench.until("the task ends", || listeners() == 0).await;
}

#[tokio::test]
async fn a_new_schema_ends_what_it_does_not_know() {
    let bench = bench().await;
    let (mut packages, mut places) = (bench.subscribe(NAMES), bench.subscribe("subscription { places { nodes { name } } }"));
    names(&mut packages).await;
    answer(&mut places).await;
    let before = bench.catalogs.borrow().clone();
    let kept = before.collections.iter().filter(|exposed| exposed.collection.name.as_str() != "places").cloned().collect();
    bench.catalogs.send_replace(Arc::new(Catalog { revision: 2, collections: kept }));
    assert_eq!(over(&mut places).await, "GRAPHQL_VALIDATION_FAILED");
    assert_eq!(bench.searches(), 2, "what is unchanged did not run again");
    bench.engine.write("packages", named("a"));
    assert_eq!(names(&mut packages).await, ["a"]);
}

#[tokio::test]
async fn an_engine_that_was_away_is_asked_again() {
    let bench = bench().await;
    bench.engine.away.store(true, Ordering::Relaxed);
    let mut one = bench.subscribe(NAMES);
    let told = answer(&mut one).await;
    assert_eq!(
        (&told["errors"][0]["extensions"]["code"], &told["data"]["packages"]),
        (&json!("BACKEND_UNAVAILABLE"), &Json::Null)
    );
    bench.engine.away.store(false, Ordering::Relaxed);
    assert_eq!(names(&mut one).await, [""; 0]);
    bench.engine.away.store(true, Ordering::Relaxed);
    assert_eq!(answer(&mut one).await["errors"][0]["extensions"]["code"], "BACKEND_UNAVAILABLE");
    bench.engine.away.store(false, Ordering::Relaxed);
    bench.engine.write("packages", named("a"));
    assert_eq!(names(&mut one).await, ["a"]);
}

#[tokio::test]
async fn only_one_root_field_of_what_is_live_can_be_subscribed_to() {
    let bench = bench().await;
    let code = |query: &str| {
        bench
            .api
            .subscribe(&Viewer::open(), &request(query, json!({})))
            .now_or_never()
            .unwrap()
            .err()
            .map(|failures| failures[0].code)
    };
    for (query, refused) in [
        (NAMES, None),
        ("subscription { ...f } fragment f on Subscription { packages { __typename nodes { name } } }", None),
        ("subscription { ... on Subscription { packages { total { value } } } }", None),
        ("subscription { a: packages { nodes { name } } packages { nodes { name } } }", Some("GRAPHQL_VALIDATION_FAILED")),
        (
            "subscription { packages { nodes { name } } ...f } fragment f on Subscription { places { nodes { name } } }",
            Some("GRAPHQL_VALIDATION_FAILED"),
        ),
        ("subscription { __typename }", Some("GRAPHQL_VALIDATION_FAILED")),
        ("subscription { packages { nodes { name } } __typename }", Some("GRAPHQL_VALIDATION_FAILED")),
        ("subscription { package(id: 1) { name } }", Some("GRAPHQL_VALIDATION_FAILED")),
        ("subscription { packages(consistency: SNAPSHOT) { total { value } } }", Some("BAD_USER_INPUT")),
        ("subscription($s: Boolean!) { packages @skip(if: $s) { nodes { name } } }", Some("GRAPHQL_VALIDATION_FAILED")),
        ("{ packages { nodes { name } } }", Some("BAD_USER_INPUT")),
        ("subscription {", Some("GRAPHQL_PARSE_FAILED")),
    ] {
        assert_eq!(code(query), refused, "{query}");
    }
    // what is wrong with an argument is told where its field is, as in a query
    let mut wrong = bench.subscribe("subscription { packages(first: -1) { nodes { name } } }");
    assert_eq!(answer(&mut wrong).await["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
}
