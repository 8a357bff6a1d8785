//! Upstreams over real HTTP: the limit as the bundled upstream enforces it, `Retry-After`, failures, and a limit that two processes share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::get;
use hooke::config::{Config, Secret, UpstreamConfig};
use hooke::rest::lab::{Bundled, serve};
use hooke::search::{Action, CollectionName, DocRef, DocumentId, Engine, Fetch, Filter, Precondition, Refresh, Write};
use hooke::upstream::{Fault, Upstream, Upstreams, Way};
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::ground::{Ground, Kind, call, unique};

/// The bundled upstream on a port of its own, until the test ends.
async fn bundled(rate: &str, slow: u64, fail: f64) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let bundled = Bundled { rate: rate.parse().unwrap(), slow: Duration::from_millis(slow), fail };
    tokio::spawn(serve(listener, bundled, std::future::pending()));
    url
}

async fn play(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await });
    url
}

async fn stats(url: &str) -> Json {
    reqwest::get(format!("{url}/stats")).await.unwrap().json().await.unwrap()
}

fn settings(url: String, rate: &str) -> UpstreamConfig {
    UpstreamConfig { url, rate: rate.parse().unwrap(), ..UpstreamConfig::default() }
}

/// As one process knows it, its share kept in this state.
fn open(name: &str, settings: UpstreamConfig, state: &Arc<dyn Engine>) -> (Upstreams, Arc<Upstream>) {
    let config = Config { upstreams: [(name.to_owned(), settings)].into(), ..Config::default() };
    let upstreams = Upstreams::open(&config, state).unwrap();
    let upstream = upstreams.get(name).unwrap();
    (upstreams, upstream)
}

async fn state() -> Ground {
    Ground::open(Kind::Embedded).await.unwrap()
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

#[tokio::test]
async fn inside_the_limit_none_is_refused_and_the_time_is_the_least() {
    let url = bundled("20/1s", 3, 0.0).await;
    let ground = state().await;
    let (upstreams, upstream) = open("facts", settings(format!("{url}/fact?n={{n}}"), "20/1s"), &ground.engine);
    let heard = Mutex::new(0);
    let run = upstream.run(Way::Limited, 50, soon(), |_| *heard.lock().unwrap() += 1).await;
    assert!(run.answers.iter().enumerate().all(|(n, answer)| answer.number as usize == n + 1 && answer.attempts == 1));
    for answer in &run.answers {
        let body: Json = serde_json::from_str(&answer.outcome.as_ref().unwrap().body).unwrap();
        assert_eq!(body["number"], answer.number % 48, "in the order in which they were asked for");
    }
    assert_eq!((upstream.least(50), *heard.lock().unwrap()), (Duration::from_secs(2), 50));
    assert!(run.elapsed >= Duration::from_secs(2) && run.elapsed < Duration::from_millis(2_600), "{:?}", run.elapsed);
    let counts = stats(&url).await;
    assert_eq!((&counts["admitted"], &counts["refused"]), (&50.into(), &0.into()));
    upstreams.close().await;
}

#[tokio::test]
async fn calls_that_did_not_ask_are_known_to_those_that_do() {
    let url = bundled("10/1s", 0, 0.0).await;
    let ground = state().await;
    let (upstreams, upstream) = open("facts", settings(format!("{url}/fact"), "10/1s"), &ground.engine);
    let run = upstream.run(Way::AtOnce, 10, soon(), |_| {}).await;
    assert!(run.answers.iter().all(|answer| answer.status() == Some(200)));
    let run = upstream.run(Way::Limited, 10, soon(), |_| {}).await;
    assert!(run.answers.iter().all(|answer| answer.attempts == 1 && answer.outcome.is_ok()));
    assert_eq!(stats(&url).await["refused"], 0);
    upstreams.close().await;
}

/// Says 429 to the third call, and notes when calls come.
#[tokio::test]
async fn retry_after_is_heeded_by_all_callers() {
    for date in [false, true] {
        let arrivals: Arc<Mutex<Vec<Instant>>> = Arc::default();
        let seen = arrivals.clone();
        let answer = async move || {
            let number = {
                let mut seen = seen.lock().unwrap();
                seen.push(Instant::now());
                seen.len()
            };
            if number != 3 {
                return (StatusCode::OK, HeaderMap::new(), "fine").into_response();
            }
            let mut headers = HeaderMap::new();
            if date {
                // a clock far from ours: only the difference counts
                headers.insert(header::DATE, "Sun, 06 Nov 1994 08:49:36 GMT".parse().unwrap());
                headers.insert(header::RETRY_AFTER, "Sun, 06 Nov 1994 08:49:37 GMT".parse().unwrap());
            } else {
                headers.insert(header::RETRY_AFTER, "1".parse().unwrap());
            }
            (StatusCode::TOO_MANY_REQUESTS, headers, "").into_response()
        };
        let url = play(Router::new().route("/", get(answer))).await;
        let ground = state().await;
        let one_by_one = UpstreamConfig { concurrency: 1, ..settings(url, "100/1s") };
        let (upstreams, upstream) = open("strict", one_by_one, &ground.engine);
        let (one, two) =
            tokio::join!(upstream.run(Way::Limited, 3, soon(), |_| {}), upstream.run(Way::Limited, 3, soon(), |_| {}));
        assert!(one.answers.iter().chain(&two.answers).all(|answer| answer.outcome.is_ok()));
        let arrivals = arrivals.lock().unwrap().clone();
        assert_eq!(arrivals.len(), 7);
        assert!(arrivals[3] - arrivals[2] >= Duration::from_millis(990), "{date}: {:?}", arrivals[3] - arrivals[2]);
        assert!(arrivals[6] - arrivals[3] < Duration::from_millis(900));
        upstreams.close().await;
    }
}

#[tokio::test]
async fn failures_are_tried_again_inside_the_limit_and_told_otherwise() {
    let url = bundled("1000/1s", 0, 0.2).await;
    let ground = state().await;
    let (upstreams, upstream) = open("faulty", settings(format!("{url}/fact"), "1000/1s"), &ground.engine);
    let run = upstream.run(Way::AtOnce, 30, soon(), |_| {}).await;
    assert_eq!(run.answers.iter().filter(|answer| answer.outcome == Err(Fault::Status(500))).count(), 6);
    let run = upstream.run(Way::Sequence, 30, soon(), |_| {}).await;
    assert!(run.answers.len() < 30 && run.answers.last().unwrap().outcome.is_err());
    let run = upstream.run(Way::Limited, 30, soon(), |_| {}).await;
    assert!(run.answers.iter().all(|answer| answer.outcome.is_ok()), "{run:?}");
    assert!(run.answers.iter().any(|answer| answer.attempts > 1));
    upstreams.close().await;
}

#[tokio::test]
async fn a_call_has_a_time_a_size_and_no_second_address() {
    let others = Arc::new(AtomicU64::new(0));
    let count = others.clone();
    let elsewhere = play(Router::new().fallback(async move || {
        count.fetch_add(1, Ordering::SeqCst);
        "here"
    }))
    .await;
    let router = Router::new()
        .route("/slow", get(async || tokio::time::sleep(Duration::from_secs(5)).await))
        .route("/large", get(async || "x".repeat(3 << 20)))
        .route("/secret", get(async |headers: HeaderMap| headers["authorization"].to_str().unwrap().to_owned()))
        .route("/moved", get(async move || (StatusCode::FOUND, [(header::LOCATION, elsewhere)])));
    let url = play(router).await;
    let ground = state().await;
    let headers = [("authorization".to_owned(), Secret("Bearer hush".into()))];
    let timeout = Duration::from_millis(200);
    let ask = async |path: &str| {
        let settings = UpstreamConfig { timeout, headers: headers.clone().into(), ..settings(format!("{url}{path}"), "10/1s") };
        assert!(!format!("{settings:?}").contains("hush"));
        let (upstreams, upstream) = open("a", settings, &ground.engine);
        let answer = upstream.call_unlimited(1, Instant::now(), soon()).await;
        upstreams.close().await;
        answer.outcome
    };
    assert!(matches!(ask("/slow").await, Err(Fault::Timeout(_))));
    assert!(matches!(ask("/large").await, Err(Fault::TooLong(_))));
    assert_eq!(ask("/secret").await.unwrap().body, "Bearer hush");
    assert_eq!(ask("/moved").await, Err(Fault::Status(302)));
    assert_eq!(others.load(Ordering::SeqCst), 0);
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (_all, upstream) = open("b", settings(format!("http://{gone}/?key=hush"), "10/1s"), &ground.engine);
    let fault = upstream.call_unlimited(1, Instant::now(), soon()).await.outcome.unwrap_err();
    assert!(matches!(fault, Fault::Unreachable(_)) && !fault.to_string().contains("hush"), "{fault}");
}

async fn record(engine: &dyn Engine, name: &str) -> Option<Json> {
    let wanted = [DocRef::new(CollectionName::hidden("upstreams"), DocumentId::parse(name).unwrap())];
    let found = engine.get(&call(), &wanted, &Fetch::default(), &Filter::All).await.ok()?;
    let document = found.into_iter().next()??;
    serde_json::from_str(document.source["record"].as_str()?).ok()
}

/// Two processes: on Elasticsearch each has an engine of its own, embedded they can only share one.
async fn check_shared(first: Arc<dyn Engine>, second: Arc<dyn Engine>) {
    let name = unique("shared").to_lowercase().chars().rev().take(40).collect::<String>();
    let url = bundled("12/1s", 0, 0.0).await;
    let settings = settings(format!("{url}/fact"), "12/1s");
    let (one_all, one) = open(&name, settings.clone(), &first);
    let (two_all, two) = open(&name, settings, &second);
    let began = Instant::now();
    let (a, b) = tokio::join!(one.run(Way::Limited, 30, soon(), |_| {}), two.run(Way::Limited, 30, soon(), |_| {}));
    let took = began.elapsed();
    for answer in a.answers.iter().chain(&b.answers) {
        assert!(answer.outcome.is_ok() && answer.attempts == 1, "{answer:?}");
    }
    // 60 calls at 12 a second are 4 s; places that change hands cost half a second once
    assert!(took >= Duration::from_secs(4) && took < Duration::from_secs(9), "{took:?}");
    assert_eq!(stats(&url).await["refused"], 0);

    // the one that goes on gets all of it once the other is idle, and one that is closed holds nothing
    one_all.close().await;
    let run = two.run(Way::Limited, 24, soon(), |_| {}).await;
    assert!(run.answers.iter().all(|answer| answer.attempts == 1 && answer.outcome.is_ok()));
    assert_eq!(stats(&url).await["refused"], 0);
    let began = Instant::now();
    while record(&*first, &name).await.is_none_or(|record| record["shares"] != Json::Array(Vec::new())) {
        assert!(began.elapsed() < Duration::from_secs(10), "an idle process keeps its share: {:?}", record(&*first, &name).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    two_all.close().await;
    let action = Action::Delete { id: DocumentId::parse(&name).unwrap(), precondition: Precondition::None };
    let write = Write { on: CollectionName::hidden("upstreams"), rule: Filter::All, action };
    first.write(&call(), vec![write], Refresh::None).await.unwrap();
}

#[tokio::test]
async fn two_processes_share_a_limit_on_elasticsearch() {
    let (Some(first), Some(second)) = (Ground::open(Kind::Elasticsearch).await, Ground::open(Kind::Elasticsearch).await) else {
        return;
    };
    check_shared(first.engine.clone(), second.engine.clone()).await;
}

#[tokio::test]
async fn two_users_of_one_state_share_a_limit() {
    let ground = state().await;
    check_shared(ground.engine.clone(), ground.engine.clone()).await;
}
