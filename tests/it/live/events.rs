//! Operations as streams of events: GraphQL over SSE.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value as Json, json};

use super::{Bench, NOTES, run, texts};
use crate::app::TestApp;
use crate::ground::Kind;

const EVENTS: &str = "text/event-stream";

/// The events of an answer as they come.
pub(super) struct Events {
    body: futures_util::stream::BoxStream<'static, reqwest::Result<Vec<u8>>>,
    text: String,
}

impl Events {
    pub(super) fn of(answer: reqwest::Response) -> Events {
        assert_eq!(answer.status(), 200);
        assert!(answer.headers()[CONTENT_TYPE].to_str().unwrap().starts_with(EVENTS));
        let body = answer.bytes_stream().map(|part| part.map(|bytes| bytes.to_vec())).boxed();
        Events { body, text: String::new() }
    }

    /// Its name and data; `None` at the end of the stream.
    pub(super) async fn next(&mut self) -> Option<(String, String)> {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.text = rest;
                let field =
                    |name: &str| event.lines().find_map(|line| line.strip_prefix(name)).map(|text| text.trim().to_owned());
                match field("event:") {
                    Some(name) => return Some((name, field("data:").unwrap())),
                    None => assert!(event.starts_with(':'), "{event}"),
                }
                continue;
            }
            let part = tokio::time::timeout(Duration::from_secs(10), self.body.next()).await.expect("an event in time")?;
            self.text += std::str::from_utf8(&part.unwrap()).unwrap();
        }
    }

    pub(super) async fn news(&mut self) -> Json {
        let (name, data) = self.next().await.unwrap();
        assert_eq!(name, "next");
        serde_json::from_str(&data).unwrap()
    }

    pub(super) async fn complete(&mut self) {
        assert_eq!(self.next().await, Some(("complete".into(), String::new())));
        assert_eq!(self.next().await, None);
    }
}

pub(super) async fn get(app: &TestApp, query: &str) -> reqwest::Response {
    app.http.get(app.at("/graphql")).query(&[("query", query)]).header(ACCEPT, EVENTS).send().await.unwrap()
}

async fn post(app: &TestApp, query: &str, accept: &str) -> reqwest::Response {
    app.http.post(app.at("/graphql")).json(&json!({ "query": query })).header(ACCEPT, accept).send().await.unwrap()
}

async fn a_subscription_is_a_stream_of_events(kind: Kind) {
    run(kind, async |bench: &Bench| {
        let app = &bench.app;
        let mut one = Events::of(get(app, NOTES).await);
        let mut two = Events::of(post(app, NOTES, "application/json, text/event-stream;q=0.5").await);
        assert!(texts(&one.news().await).is_empty());
        assert!(texts(&two.news().await).is_empty());
        bench.put("a", 1, "one\nmore").await;
        assert_eq!(texts(&one.news().await), ["one\nmore"]);
        assert_eq!(texts(&two.news().await), ["one\nmore"]);
        bench.remove("a").await;
        assert!(texts(&one.news().await).is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_subscription_is_a_stream_of_events_embedded() {
    a_subscription_is_a_stream_of_events(Kind::Embedded).await;
}

#[tokio::test]
async fn a_subscription_is_a_stream_of_events_elasticsearch() {
    a_subscription_is_a_stream_of_events(Kind::Elasticsearch).await;
}

#[tokio::test]
async fn queries_and_errors_are_streams_too_where_that_is_wanted() {
    let app = TestApp::embedded().await;
    let mut events = Events::of(post(&app, "{ __typename }", EVENTS).await);
    assert_eq!(events.news().await, json!({ "data": { "__typename": "Query" } }));
    events.complete().await;
    let mut events = Events::of(get(&app, "{ nothing }").await);
    assert_eq!(events.news().await["errors"][0]["extensions"]["code"], "GRAPHQL_VALIDATION_FAILED");
    events.complete().await;
    // whoever takes both gets a document where one is enough
    let answer = post(&app, "{ __typename }", "application/json, text/event-stream").await;
    assert_eq!(answer.json::<Json>().await.unwrap(), json!({ "data": { "__typename": "Query" } }));
    // what is no request is refused as ever
    assert_eq!(app.http.get(app.at("/graphql")).header(ACCEPT, EVENTS).send().await.unwrap().status(), 400);
    assert_eq!(get(&app, "mutation { drop }").await.status(), 405);
    let foreign = app.http.get(app.at("/graphql")).query(&[("query", NOTES)]).header(ACCEPT, EVENTS);
    assert_eq!(foreign.header("origin", "http://evil.example").send().await.unwrap().status(), 403);
    app.stop().await;
}

#[tokio::test]
async fn a_subscription_asked_for_as_a_document_is_told_how_to_ask() {
    run(Kind::Embedded, async |bench: &Bench| {
        let answer: Json = post(&bench.app, NOTES, "application/json").await.json().await.unwrap();
        assert_eq!(answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT");
        assert!(answer["errors"][0]["message"].as_str().unwrap().contains("text/event-stream"), "{answer}");
    })
    .await;
}

#[tokio::test]
async fn a_stream_ends_when_hooke_stops() {
    let app = TestApp::embedded().await;
    let body = json!({ "name": "notes", "mappings": { "properties": { "text": { "type": "text" } } } });
    assert!(app.http.post(app.at("/v1/collections")).json(&body).send().await.unwrap().status().is_success());
    let began = Instant::now();
    let mut events = loop {
        let mut events = Events::of(get(&app, "subscription { notes { total { value } } }").await);
        if events.news().await.get("errors").is_none() {
            break events;
        }
        assert!(began.elapsed() < Duration::from_secs(10), "the schema did not follow");
    };
    let began = Instant::now();
    let stopping = tokio::spawn(app.stop());
    assert_eq!(events.next().await, None, "cut, not complete: it is to be asked for again");
    tokio::time::timeout(Duration::from_secs(5), stopping).await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}
