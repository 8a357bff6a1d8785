//! The server around the handlers: who may call, what every answer carries, health while the engine is away, a graceful end.

use std::time::{Duration, Instant};

use hooke::config::ElasticConfig;
use serde_json::Value as Json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::app::TestApp;
use crate::ground::elasticsearch_url;

#[tokio::test]
async fn health_is_told() {
    let test = TestApp::embedded().await;
    for path in ["/livez", "/readyz", "/v1/healthcheck"] {
        let answer = test.get(path).await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.json::<Json>().await.unwrap()["status"], "OK", "{path}");
    }
    test.stop().await;
}

#[tokio::test]
async fn every_answer_has_an_id_and_careful_headers() {
    let test = TestApp::embedded().await;
    let answer = test.http.get(test.at("/nowhere")).header("x-request-id", "mine-1").send().await.unwrap();
    assert_eq!(answer.status(), 404);
    let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
    assert_eq!(header("x-request-id"), "mine-1");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert_eq!(header("content-type"), "application/problem+json");
    let policy = header("content-security-policy");
    let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap();
    assert!(!scripts.contains("unsafe-inline"), "{policy}");
    let problem: Json = answer.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&"NOT_FOUND".into(), &404.into()));
    let made = test.get("/livez").await.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(made.len(), 36);
    test.stop().await;
}

#[tokio::test]
async fn foreign_names_and_origins_are_refused() {
    let test = TestApp::embedded().await;
    let own = test.url.trim_start_matches("http://").to_owned();
    for (host, origin, status) in [
        ("localhost", None, 200),
        ("evil.example", None, 403),
        (own.as_str(), Some(test.url.clone()), 200),
        (own.as_str(), Some("http://evil.example".to_owned()), 403),
        (own.as_str(), Some("null".to_owned()), 403),
    ] {
        let mut request = test.http.get(test.at("/livez")).header("host", host);
        if let Some(origin) = &origin {
            request = request.header("origin", origin);
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), status, "{host} {origin:?}");
    }
    test.stop().await;
}

#[tokio::test]
async fn pages_elsewhere_may_ask_only_where_settings_name_them() {
    let test = TestApp::open(|config| config.origins = vec!["https://app.example".into()]).await;
    let ask = async |method: reqwest::Method, origin: &str, cookie: Option<&str>| {
        let mut request = test.http.request(method, test.at("/v1/collections")).header("origin", origin);
        request = request.header("access-control-request-method", "POST");
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let answer = request.send().await.unwrap();
        let allowed = answer.headers().get("access-control-allow-origin").map(|value| value.to_str().unwrap().to_owned());
        (answer.status().as_u16(), allowed.unwrap_or_default(), answer.headers().contains_key("access-control-allow-credentials"))
    };
    let (named, other) = ("https://app.example", "https://other.example");
    assert_eq!(ask(reqwest::Method::GET, named, None).await, (200, named.to_owned(), false));
    assert_eq!(ask(reqwest::Method::OPTIONS, named, None).await, (204, named.to_owned(), false));
    assert_eq!(ask(reqwest::Method::GET, named, Some("a=b")).await, (403, String::new(), false));
    assert_eq!(ask(reqwest::Method::GET, other, None).await, (403, String::new(), false));
    assert_eq!(ask(reqwest::Method::OPTIONS, other, None).await, (403, String::new(), false));
    test.stop().await;
}

#[tokio::test]
async fn a_body_is_limited_after_decompression() {
    let test = TestApp::open(|config| config.limits.body = 1_000).await;
    let long = format!(r#"{{"name":"a","mappings":{{}},"more":"{}"}}"#, "x".repeat(2_000));
    let request = test.http.post(test.at("/v1/collections")).header("content-type", "application/json").body(long);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 413);
    assert_eq!(answer.json::<Json>().await.unwrap()["code"], "LIMIT_EXCEEDED");

    // 10,000 bytes of nothing, packed into a few
    let packed = gzip_of_zeros();
    assert!(packed.len() < 200);
    let request = test.http.post(test.at("/v1/collections")).header("content-type", "application/json");
    let answer = request.header("content-encoding", "gzip").body(packed).send().await.unwrap();
    assert_eq!(answer.status(), 413);
    test.stop().await;
}

/// 10,000 bytes 0 as a gzip stream, written by hand: one fixed block of a literal and runs of 258.
fn gzip_of_zeros() -> Vec<u8> {
    let mut bits: Vec<bool> = Vec::new();
    let low_first = |bits: &mut Vec<bool>, value: u32, count: u32| bits.extend((0..count).map(|at| value >> at & 1 == 1));
    let high_first = |bits: &mut Vec<bool>, value: u32, count: u32| bits.extend((0..count).rev().map(|at| value >> at & 1 == 1));
    low_first(&mut bits, 1, 1);
    low_first(&mut bits, 1, 2);
    // the literal 0 is 00110000; a run of 258 is code 285, 11000101, then distance code 0 for one back
    high_first(&mut bits, 0b0011_0000, 8);
    let runs = 39;
    for _ in 0..runs {
        high_first(&mut bits, 0b1100_0101, 8);
        high_first(&mut bits, 0, 5);
    }
    high_first(&mut bits, 0, 7);
    let length = 1 + runs * 258_u32;
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    for byte in bits.chunks(8) {
        packed.push(byte.iter().enumerate().fold(0, |sum, (at, bit)| sum | u8::from(*bit) << at));
    }
    let mut crc = u32::MAX;
    for _ in 0..length {
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0xEDB8_8320 } else { crc >> 1 };
        }
    }
    packed.extend((!crc).to_le_bytes());
    packed.extend(length.to_le_bytes());
    packed
}

#[tokio::test]
async fn hooke_starts_before_elasticsearch_and_is_well_soon_after() {
    let Some(url) = elasticsearch_url() else { return };
    let real = url.trim_start_matches("http://").trim_end_matches('/').to_owned();
    // the port is ours, but nobody listens yet
    let reserved = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = reserved.local_addr().unwrap();
    drop(reserved);
    let folder = tempfile::tempdir().unwrap();
    let config = hooke::config::Config {
        data: folder.path().to_owned(),
        elasticsearch: Some(ElasticConfig { urls: vec![format!("http://{address}")], ..ElasticConfig::default() }),
        ..hooke::config::Config::default()
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let app = hooke::app::App::open(config).await.unwrap();
    let served = tokio::spawn(hooke::server::run(listener, app, std::future::pending()));
    let http = reqwest::Client::new();
    let status = async |path: &str| http.get(format!("{base}{path}")).send().await.map(|answer| answer.status().as_u16()).ok();
    let from = Instant::now();
    while status("/livez").await != Some(200) {
        assert!(from.elapsed() < Duration::from_secs(10));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(status("/readyz").await, Some(503));
    let asked = Instant::now();
    for path in ["/v1/collections", "/v1/collections/some"] {
        let answer = http.get(format!("{base}{path}")).send().await.unwrap();
        assert_eq!(answer.json::<Json>().await.unwrap()["code"], "BACKEND_UNAVAILABLE", "{path}");
    }
    assert!(asked.elapsed() < Duration::from_secs(2), "{:?}", asked.elapsed());

    let door = TcpListener::bind(address).await.unwrap();
    let opened = Instant::now();
    let forwarding = tokio::spawn(async move {
        while let Ok((mut from, _)) = door.accept().await {
            let real = real.clone();
            tokio::spawn(async move {
                let mut to = TcpStream::connect(real).await?;
                tokio::io::copy_bidirectional(&mut from, &mut to).await
            });
        }
    });
    while status("/readyz").await != Some(200) {
        assert!(opened.elapsed() < Duration::from_secs(5), "not well after {:?}", opened.elapsed());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(status("/v1/collections").await, Some(200));
    forwarding.abort();
    served.abort();
}

#[tokio::test]
async fn a_data_folder_is_for_one_process() {
    let test = TestApp::embedded().await;
    let second = hooke::app::App::open(hooke::config::Config::clone(&test.app.config)).await;
    assert!(second.err().unwrap().to_string().contains("another hooke"));
    test.stop().await;
}

#[tokio::test]
async fn a_request_in_flight_ends_well_when_the_server_stops() {
    let test = TestApp::embedded().await;
    let address = test.url.trim_start_matches("http://").to_owned();
    let mut stream = TcpStream::connect(&address).await.unwrap();
    // half a request: the server waits for the rest of the body
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: 24\r\nconnection: close\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(br#"{"query":"{ "#).await.unwrap();
    // the server has taken it once another request was answered
    test.get("/livez").await;
    let stopping = tokio::spawn(test.stop());
    stream.write_all(br#"__typename }"#).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(Duration::from_secs(5), stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
    tokio::time::timeout(Duration::from_secs(9), stopping).await.unwrap().unwrap();
}
