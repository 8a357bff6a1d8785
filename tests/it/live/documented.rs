//! What docs/live.md shows is what happens.

use serde_json::{Value as Json, json};

use super::socket::Socket;
use crate::app::TestApp;
use crate::docs::{blocks, load_sample};

#[tokio::test]
async fn the_page_on_live_queries_is_true() {
    let app = TestApp::embedded().await;
    load_sample(&app, "landmarks").await;
    let mut socket = Socket::ready(&app.url).await;
    let queries = blocks("docs/live.md", "graphql");
    assert!(!queries.is_empty());
    for (at, query) in queries.iter().enumerate() {
        let payload = json!({ "query": query, "variables": { "id": "nowhere" } });
        socket.send(json!({ "id": at.to_string(), "type": "subscribe", "payload": payload })).await;
        let answer = socket.news(&at.to_string()).await;
        if query.contains("job(") {
            assert_eq!(answer, json!({ "data": { "job": null } }));
            continue;
        }
        assert!(answer.get("errors").is_none() && answer["data"]["landmarks"]["edges"][0].is_object(), "{answer}");
    }
    let exchange = blocks("docs/live.md", "text").into_iter().find(|block| block.contains("connection_init")).unwrap();
    let mut socket = Socket::open(&app.url).await;
    for line in exchange.lines() {
        let message: Json = serde_json::from_str(&line[2..]).unwrap();
        match &line[..2] {
            "> " => socket.send(message).await,
            _ => assert_eq!(socket.message().await, message),
        }
    }
    socket.close().await;
    app.stop().await;
}
