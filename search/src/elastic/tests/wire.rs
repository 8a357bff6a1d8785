//! A made-up cluster on a loopback port that answers as told: refusals, cut answers, silence.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::elastic::Elastic;
use crate::{
    Action, Call, CollectionName, DocumentId, Engine, Error, Filter, Page, Precondition, Query, Refresh, Result, Source, Write,
};
use crate::{ElasticConfig, Selection};

enum Reply {
    Json(u16, Json),
    Raw(&'static str),
    Silence,
}

struct Fake {
    url: String,
    /// First line and head of each request, in the order they came.
    seen: Arc<Mutex<Vec<String>>>,
    open: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    gone: Arc<tokio::sync::Notify>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Answers what `reply` says of the request's first line and how many were seen before it; connections that only try
/// whether somebody listens are not requests.
async fn fake(reply: impl Fn(&str, usize) -> Reply + Send + Sync + 'static) -> Fake {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (open, most, gone) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(tokio::sync::Notify::new()));
    let (log, now, top, left, reply) = (seen.clone(), open.clone(), most.clone(), gone.clone(), Arc::new(reply));
    let task = tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (log, now, top, left, reply) = (log.clone(), now.clone(), top.clone(), left.clone(), reply.clone());
            tokio::spawn(async move {
                serve(stream, &log, &now, &top, &left, &*reply).await;
            });
        }
    });
    Fake { url, seen, open, most, gone, task }
}

async fn serve(
    mut stream: TcpStream,
    log: &Mutex<Vec<String>>,
    open: &AtomicUsize,
    most: &AtomicUsize,
    gone: &tokio::sync::Notify,
    reply: &(dyn Fn(&str, usize) -> Reply + Send + Sync),
) {
    while let Some(head) = read_request(&mut stream).await {
        let line = head.lines().next().unwrap_or_default().to_owned();
        let before = {
            let mut log = log.lock().unwrap();
            log.push(head);
            log.len() - 1
        };
        let count = open.fetch_add(1, Ordering::SeqCst) + 1;
        most.fetch_max(count, Ordering::SeqCst);
        let (text, close) = match reply(&line, before) {
            Reply::Json(status, body) => {
                let body = body.to_string();
                let head =
                    format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
                (head + &body, false)
            }
            Reply::Raw(text) => (text.to_owned(), true),
            Reply::Silence => {
                let mut byte = [0];
                let _ = stream.read(&mut byte).await;
                open.fetch_sub(1, Ordering::SeqCst);
                gone.notify_one();
                return;
            }
        };
        tokio::task::yield_now().await;
        open.fetch_sub(1, Ordering::SeqCst);
        if stream.write_all(text.as_bytes()).await.is_err() || close {
            return;
        }
    }
}

async fn read_request(stream: &mut TcpStream) -> Option<String> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(at) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = head.to_lowercase().lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
    while bytes.len() < end + length.unwrap_or(0) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

fn call() -> Call {
    Call::within(Duration::from_secs(5))
}

fn engine(url: &str) -> Elastic {
    engine_of(ElasticConfig { urls: vec![url.into()], ..ElasticConfig::default() })
}

fn engine_of(config: ElasticConfig) -> Elastic {
    Elastic::new(&config, &Selection::default()).unwrap()
}

fn found(total: u64) -> Json {
    json!({"took": 1, "timed_out": false, "_shards": {"total": 1, "successful": 1, "failed": 0},
        "hits": {"total": {"value": total, "relation": "eq"}, "hits": []}})
}

fn rejected() -> Reply {
    Reply::Json(429, json!({"error": {"type": "es_rejected_execution_exception", "reason": "full"}, "status": 429}))
}

/// hooke's own collections need no catalog.
fn query() -> Query {
    Query::new(CollectionName::hidden("test"))
}

async fn search(engine: &Elastic) -> Result<Page> {
    engine.search(&call(), &[query()]).await?.remove(0)
}

async fn write(engine: &Elastic) -> Result<()> {
    let id = DocumentId::parse("1").ok();
    let action = Action::Index { id, source: Source::new(), precondition: Precondition::None };
    let write = Write { on: CollectionName::hidden("test"), rule: Filter::All, action };
    engine.write(&call(), vec![write], Refresh::None).await?.remove(0).map(drop)
}

#[tokio::test]
async fn what_was_turned_away_is_asked_again() {
    let cluster = fake(|_, before| if before < 2 { rejected() } else { Reply::Json(200, found(0)) }).await;
    search(&engine(&cluster.url)).await.unwrap();
    assert_eq!(cluster.seen.lock().unwrap().len(), 3);
}

#[tokio::test]
async fn only_reading_is_tried_again_after_a_gateway_failed() {
    let cluster =
        fake(
            |_, before| {
                if before == 0 { Reply::Raw("HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n") } else { Reply::Json(200, found(0)) }
            },
        )
        .await;
    search(&engine(&cluster.url)).await.unwrap();
    assert_eq!(cluster.seen.lock().unwrap().len(), 2);
    let cluster = fake(|_, _| Reply::Raw("HTTP/1.1 503 X\r\ncontent-length: 0\r\n\r\n")).await;
    assert!(matches!(write(&engine(&cluster.url)).await, Err(Error::Unavailable(_))));
    assert_eq!(cluster.seen.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn a_part_is_never_taken_for_the_whole() {
    let mut late = found(7);
    late["timed_out"] = json!(true);
    let mut partial = found(7);
    partial["_shards"]["failed"] = json!(1);
    let mut headless = found(7);
    headless.as_object_mut().unwrap().remove("_shards");
    for (body, expected) in [
        (late, "the search engine did not answer in time"),
        (partial, "the search engine answered only in part"),
        (headless, "internal error"),
        (json!({}), "internal error"),
    ] {
        let cluster = fake(move |_, _| Reply::Json(200, body.clone())).await;
        assert_eq!(search(&engine(&cluster.url)).await.unwrap_err().to_string(), expected);
    }
}

#[tokio::test]
async fn cut_and_garbled_answers_are_errors() {
    for text in [
        "HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{\"took\":1,",
        "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n{\"took\":1,",
        "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n<htm>",
        "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n{\"too",
        "",
    ] {
        let cluster = fake(move |_, _| Reply::Raw(text)).await;
        let fault = search(&engine(&cluster.url)).await.unwrap_err();
        assert!(matches!(fault, Error::Internal(_) | Error::Unavailable(_)), "{text:?} {fault:?}");
        assert!(write(&engine(&cluster.url)).await.is_err());
    }
}

#[tokio::test]
async fn the_deadline_ends_a_search_and_leaving_closes_its_connection() {
    let cluster = fake(|_, _| Reply::Silence).await;
    let engine = engine(&cluster.url);
    let began = std::time::Instant::now();
    let short = Call::within(Duration::from_millis(200));
    assert!(matches!(engine.search(&short, &[query()]).await, Err(Error::Timeout)));
    assert!(began.elapsed() < Duration::from_secs(2));
    // the connection is closed, so Elasticsearch cancels the search
    tokio::time::timeout(Duration::from_secs(2), cluster.gone.notified()).await.unwrap();
    let leaving = tokio::time::timeout(Duration::from_millis(100), search(&engine)).await;
    assert!(leaving.is_err());
    tokio::time::timeout(Duration::from_secs(2), cluster.gone.notified()).await.unwrap();
    assert_eq!(cluster.open.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn a_dead_node_is_passed_over() {
    let cluster = fake(|_, _| Reply::Json(200, found(0))).await;
    let config = ElasticConfig { urls: vec!["http://127.0.0.1:1".into(), cluster.url.clone()], ..ElasticConfig::default() };
    let engine = engine_of(config);
    for _ in 0..6 {
        search(&engine).await.unwrap();
    }
    assert_eq!(cluster.seen.lock().unwrap().len(), 6);
}

#[tokio::test]
async fn many_at_once_wait_for_few_connections() {
    let cluster = fake(|_, _| Reply::Json(200, found(0))).await;
    let engine =
        Arc::new(engine_of(ElasticConfig { urls: vec![cluster.url.clone()], max_in_flight: 4, ..ElasticConfig::default() }));
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..500 {
        let engine = engine.clone();
        all.spawn(async move { search(&engine).await.map(drop) });
    }
    while let Some(done) = all.join_next().await {
        done.unwrap().unwrap();
    }
    assert!(cluster.most.load(Ordering::SeqCst) <= 4);
    assert_eq!(cluster.seen.lock().unwrap().len(), 500);
}

#[tokio::test]
async fn credentials_and_names_go_along() {
    let cluster = fake(|_, _| Reply::Json(200, found(0))).await;
    let base = ElasticConfig { urls: vec![cluster.url.clone()], ..ElasticConfig::default() };
    let in_address = base.urls[0].replace("http://", "http://ann:p%40ss@");
    for (config, expected) in [
        (
            ElasticConfig { username: Some("ann".into()), password: Some("p@ss".into()), ..base.clone() },
            "authorization: basic yw5uonbac3m=",
        ),
        (ElasticConfig { urls: vec![in_address], ..base.clone() }, "authorization: basic yw5uonbac3m="),
        (ElasticConfig { api_key: Some("id:key".into()), ..base.clone() }, "authorization: apikey awq6a2v5"),
        (ElasticConfig { api_key: Some("awq6a2v5".into()), ..base.clone() }, "authorization: apikey awq6a2v5"),
    ] {
        let named = call().named("request-7");
        engine_of(config).search(&named, &[query()]).await.unwrap().remove(0).unwrap();
        let head = cluster.seen.lock().unwrap().pop().unwrap().to_lowercase();
        assert!(head.contains(expected), "{head}");
        assert!(head.contains("x-opaque-id: request-7") && head.contains("accept-encoding: identity"), "{head}");
    }
    assert!(Elastic::new(&ElasticConfig { urls: vec!["ftp://x".into()], ..base.clone() }, &Selection::default()).is_err());
    assert!(Elastic::new(&ElasticConfig { ca_file: Some("/nowhere.pem".into()), ..base }, &Selection::default()).is_err());
}

/// Answers as a cluster with one index; `monitor` is the right to watch its state.
fn small_cluster(line: &str, monitor: bool, state: &str) -> Reply {
    let forbidden = || Reply::Json(403, json!({"error": {"type": "security_exception", "reason": "no"}, "status": 403}));
    if line.contains("/_cluster/") || line.contains("/_stats") || line.contains("/_nodes") {
        return match line {
            _ if !monitor => forbidden(),
            _ if line.contains("/version") => Reply::Json(200, json!({"version": 1, "state_uuid": state})),
            _ => Reply::Json(
                200,
                json!({"metadata": {"indices": {"shop": {"mapping_version": 1, "settings": {"index": {"uuid": "u"}}}}}}),
            ),
        };
    }
    if line.contains("/_resolve/") {
        return Reply::Json(
            200,
            json!({"indices": [{"name": "shop", "attributes": ["open"]}], "aliases": [], "data_streams": []}),
        );
    }
    if line.contains("/_mapping") {
        return Reply::Json(200, json!({"shop": {"mappings": {"properties": {"n": {"type": "long"}}}}}));
    }
    Reply::Json(405, json!({"error": "Incorrect HTTP method"}))
}

#[tokio::test]
async fn an_unchanged_cluster_is_asked_for_its_state_only() {
    let state = Arc::new(Mutex::new("a"));
    let told = state.clone();
    let cluster = fake(move |line, _| small_cluster(line, true, *told.lock().unwrap())).await;
    let engine = engine(&cluster.url);
    let asked = |from: usize| {
        cluster.seen.lock().unwrap()[from..]
            .iter()
            .filter_map(|head| Some(head.split(' ').nth(1)?.to_owned()))
            .collect::<Vec<_>>()
    };
    let first = engine.collections(&call()).await.unwrap();
    assert_eq!(first.len(), 1);
    let before = asked(0).len();
    let second = engine.collections(&call()).await.unwrap();
    assert!(Arc::ptr_eq(&first, &second));
    assert_eq!(asked(before).len(), 1);
    // moved, but no mapping is another one: none is read again
    *state.lock().unwrap() = "b";
    let before = asked(0).len();
    let third = engine.collections(&call()).await.unwrap();
    assert!(Arc::ptr_eq(&first, &third));
    assert!(asked(before).iter().all(|path| !path.contains("_mapping")));
}

#[tokio::test]
async fn the_right_to_read_is_enough() {
    let cluster = fake(|line, _| small_cluster(line, false, "")).await;
    let engine = engine(&cluster.url);
    let first = engine.collections(&call()).await.unwrap();
    assert_eq!(first[0].fields.len(), 1);
    assert!(Arc::ptr_eq(&first, &engine.collections(&call()).await.unwrap()));
    assert_eq!(engine.generations(&call()).await.unwrap(), None);
    let health = engine.health(&call()).await.unwrap();
    assert!(health.ready && health.version.is_none());
}

#[tokio::test]
async fn a_thousand_indices_are_read_by_a_few_requests() {
    let names: Vec<String> = (0..1_000).map(|n| format!("thousand-indices-{n:04}")).collect();
    let fields: serde_json::Map<String, Json> = (0..20).map(|n| (format!("field_{n}"), json!({"type": "keyword"}))).collect();
    let cluster = fake(move |line, _| {
        let path = line.split(' ').nth(1).unwrap_or_default();
        if path.contains("/_cluster/state/version") {
            Reply::Json(200, json!({"version": 1, "state_uuid": "a"}))
        } else if path.contains("/_cluster/state/metadata") {
            let index = |name: &String| (name.clone(), json!({"mapping_version": 1, "settings": {"index": {"uuid": name}}}));
            Reply::Json(200, json!({"metadata": {"indices": names.iter().map(index).collect::<serde_json::Map<_, _>>()}}))
        } else if path.contains("/_resolve/") {
            let indices: Vec<Json> = names.iter().map(|name| json!({"name": name, "attributes": ["open"]})).collect();
            Reply::Json(200, json!({"indices": indices, "aliases": [], "data_streams": []}))
        } else {
            let asked = path.trim_start_matches('/').split('/').next().unwrap_or_default().split(',');
            let body = asked.map(|name| (name.to_owned(), json!({"mappings": {"properties": fields}})));
            Reply::Json(200, Json::Object(body.collect()))
        }
    })
    .await;
    let engine = engine(&cluster.url);
    let call = Call::within(Duration::from_secs(60));
    let all = engine.collections(&call).await.unwrap();
    assert_eq!((all.len(), all[999].fields.len()), (1_000, 20));
    let requests = cluster.seen.lock().unwrap().len();
    assert!(requests <= 12, "{requests}");
    assert!(cluster.seen.lock().unwrap().iter().all(|head| head.lines().next().unwrap().len() < 4_096));
}
