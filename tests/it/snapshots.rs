//! Walks over pages that see one moment, by GraphQL and by REST, on both engines.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::ground::elasticsearch_url;

struct Walked {
    test: TestApp,
    collection: String,
    root: String,
}

/// Both engines, or the one there is.
async fn each() -> Vec<Walked> {
    let mut all = vec![Walked::open(TestApp::embedded().await).await];
    match TestApp::elastic().await {
        Some(test) => all.push(Walked::open(test).await),
        None => eprintln!("SKIPPED on Elasticsearch: HOOKE_TEST_ELASTICSEARCH is not set"),
    }
    all
}

impl Walked {
    /// Twelve documents, 0 to 11.
    async fn open(test: TestApp) -> Walked {
        let collection = test.name("steps");
        let body = json!({ "name": collection, "mappings": { "properties": { "n": { "type": "integer" } } } });
        let made = test.http.post(test.at("/v1/collections")).json(&body).send().await.unwrap();
        assert!(made.status().is_success(), "{}", made.text().await.unwrap());
        let described: Json = test.get(&format!("/v1/collections/{collection}")).await.json().await.unwrap();
        let root = described["field"].as_str().unwrap().to_owned();
        let walked = Walked { test, collection, root };
        let lines = (0..12).map(|n| json!({ "upsert": { "id": n.to_string(), "input": { "n": n } } }).to_string() + "\n");
        walked.write(lines.collect()).await;
        walked.await_root().await;
        walked
    }

    async fn write(&self, lines: String) {
        let path = self.test.at(&format!("/v1/collections/{}/bulk?refresh=NOW", self.collection));
        let sent = self.test.http.post(path).header("content-type", "application/x-ndjson").body(lines).send().await.unwrap();
        let (status, text) = (sent.status(), sent.text().await.unwrap());
        assert!(status.is_success() && !text.contains("\"code\""), "{status} {text}");
    }

    async fn await_root(&self) {
        let from = Instant::now();
        while !self.test.get("/schema.graphql").await.text().await.unwrap().contains(&format!("  {}(", self.root)) {
            assert!(from.elapsed() < Duration::from_secs(10), "{} does not appear", self.root);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The numbers of a page, and where it ends; `more` are further arguments.
    async fn page(&self, more: &str, after: Option<&str>) -> Result<(Vec<i64>, Option<String>), Json> {
        let query = format!(
            "query($after: String) {{ it: {}(first: 5, after: $after {more}) {{ nodes {{ n }} pageInfo {{ hasNextPage endCursor }} }} }}",
            self.root
        );
        let answer = self.test.graphql(&query, json!({ "after": after })).await;
        if answer.get("errors").is_some() {
            return Err(answer["errors"][0].clone());
        }
        let it = &answer["data"]["it"];
        let numbers = it["nodes"].as_array().unwrap().iter().map(|node| node["n"].as_i64().unwrap()).collect();
        let next = it["pageInfo"]["hasNextPage"].as_bool().unwrap();
        Ok((numbers, next.then(|| it["pageInfo"]["endCursor"].as_str().unwrap().to_owned())))
    }

    async fn close(self) {
        self.test.http.delete(self.test.at(&format!("/v1/collections/{}", self.collection))).send().await.unwrap();
        self.test.stop().await;
    }
}

const ORDERED: &str = ", orderBy: [{ field: N }], consistency: SNAPSHOT";

#[tokio::test]
async fn a_walk_sees_one_moment_while_documents_come_change_and_go() {
    for walked in each().await {
        for more in [ORDERED, ", consistency: SNAPSHOT"] {
            let (mut seen, mut after) = walked.page(more, None).await.unwrap();
            let mut round = 0;
            while let Some(cursor) = after {
                // before the next page: one more in front, one that moves behind the end, one that goes
                round += 1;
                let lines = [
                    json!({ "upsert": { "id": format!("new{round}"), "input": { "n": -round } } }),
                    json!({ "upsert": { "id": "0", "input": { "n": 1_000 + round } } }),
                    json!({ "delete": { "id": "11" } }),
                ];
                let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
                let path = walked.test.at(&format!("/v1/collections/{}/bulk?refresh=NOW", walked.collection));
                let sent = walked.test.http.post(path).header("content-type", "application/x-ndjson").body(lines);
                // who does not read the answer has left
                assert!(sent.send().await.unwrap().text().await.unwrap().contains("new"));
                let (page, next) = walked.page(more, Some(&cursor)).await.unwrap();
                seen.extend(page);
                after = next;
            }
            assert_eq!(round, 2);
            seen.sort_unstable();
            assert_eq!(seen, (0..12).collect::<Vec<_>>(), "{more}");
            // live it is another collection by now
            let (live, _) = walked.page(", orderBy: [{ field: N }]", None).await.unwrap();
            assert_eq!(live[..3], [-2, -1, 1]);
            let lines = (0..12).map(|n| json!({ "upsert": { "id": n.to_string(), "input": { "n": n } } }).to_string() + "\n");
            let gone = (1..=2).map(|n| json!({ "delete": { "id": format!("new{n}") } }).to_string() + "\n");
            walked.write(lines.chain(gone).collect()).await;
        }
        walked.close().await;
    }
}

#[tokio::test]
async fn cursors_of_snapshots_are_for_snapshots_and_end_with_them() {
    for walked in each().await {
        let (_, after) = walked.page(ORDERED, None).await.unwrap();
        let cursor = after.unwrap();
        let refused = walked.page(", orderBy: [{ field: N }]", Some(&cursor)).await.unwrap_err();
        assert_eq!(refused["extensions"]["code"], "BAD_CURSOR", "{refused}");
        let (_, live) = walked.page(", orderBy: [{ field: N }]", None).await.unwrap();
        let refused = walked.page(ORDERED, live.as_deref()).await.unwrap_err();
        assert_eq!(refused["extensions"]["code"], "BAD_CURSOR", "{refused}");

        // a walk that has ended is the first to be let go, where too many are open
        let mut next = Some(cursor.clone());
        while let Some(after) = next {
            next = walked.page(ORDERED, Some(&after)).await.unwrap().1;
        }
        for _ in 0..walked.test.app.config.limits.snapshots {
            walked.page(ORDERED, None).await.unwrap();
        }
        let refused = walked.page(ORDERED, Some(&cursor)).await.unwrap_err();
        assert_eq!(refused["extensions"]["code"], "BAD_CURSOR", "{refused}");
        assert!(refused["message"].as_str().unwrap().contains("expired"), "{refused}");
        walked.close().await;
    }
}

#[tokio::test]
async fn by_rest_too() {
    for walked in each().await {
        let path = format!("/v1/collections/{}/search", walked.collection);
        let ask = async |body: Json| -> Json {
            walked.test.http.post(walked.test.at(&path)).json(&body).send().await.unwrap().json().await.unwrap()
        };
        let asked = json!({ "first": 7, "orderBy": [{ "field": "N" }], "consistency": "SNAPSHOT" });
        let first = ask(asked.clone()).await;
        assert_eq!(first["edges"].as_array().unwrap().len(), 7, "{first}");
        walked.write((0..12).map(|n| json!({ "delete": { "id": n.to_string() } }).to_string() + "\n").collect()).await;
        let mut next = asked.clone();
        next["after"] = first["pageInfo"]["endCursor"].clone();
        let second = ask(next.clone()).await;
        let numbers: Vec<&Json> = second["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]["n"]).collect();
        assert_eq!(numbers, [7, 8, 9, 10, 11], "{second}");
        assert_eq!(ask(asked).await["edges"], json!([]));
        next["consistency"] = json!("LIVE");
        assert_eq!(ask(next).await["code"], "BAD_CURSOR");
        walked.close().await;
    }
}

#[tokio::test]
async fn a_viewer_holds_so_many() {
    let test = TestApp::open(|config| config.limits.snapshots = 2).await;
    let walked = Walked::open(test).await;
    for _ in 0..2 {
        walked.page(ORDERED, None).await.unwrap();
    }
    let refused = walked.page(ORDERED, None).await.unwrap_err();
    assert_eq!(refused["extensions"]["code"], "LIMIT_EXCEEDED", "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("limits.snapshots"), "{refused}");
    // what is alive is not touched
    assert!(walked.page("", None).await.is_ok());
    walked.close().await;
}

/// In front of Elasticsearch: gives each point in time another id with each answer, as Elasticsearch may, and forgets the one before.
#[derive(Clone)]
struct Renaming {
    upstream: String,
    http: reqwest::Client,
    /// What Elasticsearch calls those that are alive, and how many names were given.
    alive: Arc<Mutex<(HashMap<String, String>, usize)>>,
}

impl Renaming {
    async fn start(upstream: String) -> (Renaming, String) {
        let renaming = Renaming { upstream, http: reqwest::Client::new(), alive: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(rename).with_state(renaming.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (renaming, url)
    }

    fn open(&self) -> usize {
        self.alive.lock().unwrap().0.len()
    }

    fn name(&self, real: &str) -> String {
        let mut alive = self.alive.lock().unwrap();
        alive.1 += 1;
        let name = format!("moment-{}", alive.1);
        alive.0.insert(name.clone(), real.to_owned());
        name
    }

    /// What a request names so. `None`: it was forgotten.
    fn real(&self, name: &mut Json) -> Option<()> {
        let known = self.alive.lock().unwrap().0.remove(name.as_str().unwrap())?;
        *name = known.into();
        Some(())
    }

    /// The points in time of a body of one or several lines under their real names.
    fn request(&self, path: &str, body: &[u8]) -> Option<Vec<u8>> {
        let text = std::str::from_utf8(body).unwrap();
        if !text.contains("\"pit\"") && path != "/_pit" {
            return Some(body.to_owned());
        }
        let mut lines = String::new();
        for line in text.lines() {
            let mut line: Json = serde_json::from_str(line).unwrap();
            if path == "/_pit" {
                self.real(&mut line["id"])?;
            } else if line.get("pit").is_some() {
                self.real(&mut line["pit"]["id"])?;
            }
            lines += &(line.to_string() + "\n");
        }
        Some(lines.into_bytes())
    }

    fn answer(&self, opens: bool, body: &[u8]) -> Vec<u8> {
        let Ok(mut body) = serde_json::from_slice::<Json>(body) else { return body.to_owned() };
        let rename = |id: &mut Json| *id = self.name(id.as_str().unwrap()).into();
        if opens {
            rename(&mut body["id"]);
        }
        body.get_mut("pit_id").map(rename);
        for one in body.get_mut("responses").and_then(Json::as_array_mut).into_iter().flatten() {
            one.get_mut("pit_id").map(rename);
        }
        body.to_string().into_bytes()
    }
}

async fn rename(State(renaming): State<Renaming>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let Some(body) = renaming.request(head.uri.path(), &body) else {
        let cause = json!({ "type": "search_context_missing_exception", "reason": "No search context found" });
        let fault = json!({ "root_cause": [cause], "type": "search_phase_execution_exception", "reason": "all shards failed" });
        let fault = axum::Json(json!({ "error": fault, "status": 404 }));
        return (StatusCode::NOT_FOUND, [("x-elastic-product", "Elasticsearch")], fault).into_response();
    };
    let opens = head.method == "POST" && head.uri.path().ends_with("/_pit");
    let mut onward = renaming.http.request(head.method, format!("{}{}", renaming.upstream, head.uri)).body(body);
    for (name, value) in &head.headers {
        if !["host", "content-length", "accept-encoding"].contains(&name.as_str()) {
            onward = onward.header(name, value);
        }
    }
    let answer = onward.send().await.unwrap();
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    headers.remove("transfer-encoding");
    headers.remove("content-length");
    (status, headers, renaming.answer(opens && status.is_success(), &answer.bytes().await.unwrap())).into_response()
}

#[tokio::test]
async fn a_point_in_time_may_change_its_id() {
    let Some(elasticsearch) = elasticsearch_url() else {
        eprintln!("SKIPPED: HOOKE_TEST_ELASTICSEARCH is not set");
        return;
    };
    let (renaming, url) = Renaming::start(elasticsearch).await;
    let walked = Walked::open(TestApp::on(url).await).await;
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let (numbers, next) = walked.page(ORDERED, after.as_deref()).await.unwrap();
        all.extend(numbers);
        after = next;
        if after.is_none() {
            break;
        }
    }
    assert_eq!(all, (0..12).collect::<Vec<_>>());
    let path = walked.test.at(&format!("/v1/collections/{}/search", walked.collection));
    let mut asked = json!({ "first": 5, "orderBy": [{ "field": "N" }], "consistency": "SNAPSHOT" });
    for number in [0, 5, 10] {
        let page: Json = walked.test.http.post(&path).json(&asked).send().await.unwrap().json().await.unwrap();
        assert_eq!(page["edges"][0]["node"]["n"], number, "{page}");
        asked["after"] = page["pageInfo"]["endCursor"].clone();
    }
    // each walk by its last name
    assert_eq!(renaming.open(), 2);
    let export = walked.test.get(&format!("/v1/collections/{}/export", walked.collection)).await;
    assert_eq!(export.text().await.unwrap().lines().count(), 12);
    let from = Instant::now();
    while renaming.open() > 2 {
        assert!(from.elapsed() < Duration::from_secs(10), "the moment of the export was not closed");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    walked.close().await;
}
