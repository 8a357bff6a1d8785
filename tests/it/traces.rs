//! Traces on their way: a collector of ours takes them, and Elasticsearch is told which span it works for.
//! Only in a build that has them: `cargo test --features otel --test it traces`.

use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value as Json, json};

use crate::ground::{elasticsearch_url, unique};

const PATIENCE: Duration = Duration::from_secs(60);
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

type Seen = Arc<Mutex<Vec<Vec<u8>>>>;

async fn listen(router: axum::Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

async fn collect(State(seen): State<Seen>, headers: HeaderMap, body: Bytes) -> &'static str {
    assert_eq!(headers["content-type"], "application/x-protobuf");
    seen.lock().unwrap().push(body.to_vec());
    ""
}

type Passing = (reqwest::Client, String, Arc<Mutex<Vec<String>>>);

/// Passes on to Elasticsearch, and notes down what trace a search belongs to.
async fn pass_on(State((http, upstream, parents)): State<Passing>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.to_string();
    if let Some(parent) = head.headers.get("traceparent") {
        parents.lock().unwrap().push(format!("{path} {}", parent.to_str().unwrap()));
    }
    let mut onward = http.request(head.method, format!("{upstream}{path}")).body(body);
    if let Some(kind) = head.headers.get("content-type") {
        onward = onward.header("content-type", kind);
    }
    let answer = onward.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = (status, answer.bytes().await.unwrap()).into_response();
    for name in ["content-type", "x-elastic-product"] {
        if let Some(value) = headers.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2).map(|at| u8::from_str_radix(&hex[2 * at..2 * at + 2], 16).unwrap()).collect()
}

#[tokio::test]
#[cfg_attr(not(feature = "otel"), ignore = "this build has no traces")]
async fn spans_arrive_and_lead_on_to_elasticsearch() {
    let Some(upstream) = elasticsearch_url() else { return };
    let (seen, parents) = (Seen::default(), Arc::new(Mutex::new(Vec::new())));
    let collector = listen(axum::Router::new().route("/v1/traces", axum::routing::post(collect)).with_state(seen.clone())).await;
    let passing = (reqwest::Client::new(), upstream.clone(), parents.clone());
    let elastic = listen(axum::Router::new().fallback(pass_on).with_state(passing)).await;
    let (folder, name) = (tempfile::tempdir().unwrap(), unique("traced"));
    let http = reqwest::Client::builder().timeout(PATIENCE).build().unwrap();
    let made =
        http.put(format!("{upstream}/{name}")).json(&json!({ "mappings": { "properties": { "k": { "type": "keyword" } } } }));
    assert!(made.send().await.unwrap().status().is_success());

    let mut command = Command::new(env!("CARGO_BIN_EXE_hooke"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOOKE_") || name.starts_with("OTEL_")) {
        command.env_remove(name);
    }
    let named = format!(r#"{{ "{name}": {{ "name": "things", "singular": "thing" }} }}"#);
    command.args(["serve", "--no-sample", "--listen", "127.0.0.1:0", "--log-level", "warn", "--elasticsearch", &elastic]);
    command.args(["--catalog-include", &name, "--state-name", &name, "--catalog-collections", &named]);
    command.args(["--telemetry-endpoint", &collector]).arg("--data").arg(folder.path());
    let mut hooke = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
    let from = Instant::now();
    let url = loop {
        let note = std::fs::read(folder.path().join("server.json")).unwrap_or_default();
        if let Ok(note) = serde_json::from_slice::<Json>(&note) {
            let url = note["url"].as_str().unwrap().to_owned();
            if http.get(format!("{url}/readyz")).send().await.is_ok_and(|answer| answer.status().is_success()) {
                break url;
            }
        }
        assert!(from.elapsed() < PATIENCE && hooke.try_wait().unwrap().is_none(), "it does not start");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let asked = http.post(format!("{url}/graphql")).header("traceparent", format!("00-{TRACE}-00f067aa0ba902b7-01"));
    let query = json!({ "query": "{ things(filter: { k: { eq: \"kanarienvogel\" } }) { total { value } } }" });
    let answer: Json = asked.json(&query).send().await.unwrap().json().await.unwrap();
    assert_eq!(answer["data"]["things"]["total"]["value"], 0, "{answer}");
    // it sends what is left when it ends
    assert!(Command::new("kill").arg(hooke.id().to_string()).status().unwrap().success());
    let from = Instant::now();
    while hooke.try_wait().unwrap().is_none() {
        assert!(from.elapsed() < PATIENCE, "it does not end");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let _ = http.delete(format!("{upstream}/{name}")).send().await;
    let _ = http.delete(format!("{upstream}/.hooke-{name}*?expand_wildcards=all")).send().await;

    let all: Vec<u8> = seen.lock().unwrap().concat();
    let holds = |part: &[u8]| all.windows(part.len()).any(|window| window == part);
    for part in ["POST /graphql", "operation", "search", "elasticsearch", "_search", "service.name"] {
        assert!(holds(part.as_bytes()), "no {part}");
    }
    assert!(holds(&bytes(TRACE)), "not the trace of the caller");
    assert!(!holds(b"kanarienvogel") && !holds(name.as_bytes()), "a value is on its way");
    let parents = parents.lock().unwrap();
    let parent =
        parents.iter().find(|line| line.contains("_search") && line.contains(TRACE)).unwrap_or_else(|| panic!("{parents:?}"));
    let span = parent.rsplit('-').nth(1).unwrap();
    assert!(holds(&bytes(span)), "Elasticsearch was told of a span that nobody knows: {parent}");
}
