//! `graphql-transport-ws` by its book, message by message and code by code; and who may not open a socket at all.

use std::time::{Duration, Instant};

use serde_json::json;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::socket::{Socket, connect};
use super::{NOTES, run, texts};
use crate::app::TestApp;
use crate::ground::Kind;

const PROTOCOL: (&str, &str) = ("sec-websocket-protocol", "graphql-transport-ws");

#[tokio::test]
async fn what_breaks_the_protocol_closes_the_socket_with_its_code() {
    let app = TestApp::embedded().await;
    let init = json!({ "type": "connection_init" });
    let subscribe = json!({ "id": "1", "type": "subscribe", "payload": { "query": "{ __typename }" } });
    for (messages, code, reason) in [
        (vec![json!("nonsense")], 4400, "Invalid message: it is not a JSON object"),
        (vec![json!({ "type": "start" })], 4400, "Invalid message: there is no such type, or it is not for clients"),
        (vec![json!({ "type": "connection_ack" })], 4400, "Invalid message: there is no such type, or it is not for clients"),
        (
            vec![init.clone(), json!({ "id": "1", "type": "subscribe", "payload": {} })],
            4400,
            "Invalid message: query is missing: it holds the operation",
        ),
        (
            vec![init.clone(), json!({ "type": "subscribe", "payload": { "query": "{a}" } })],
            4400,
            "Invalid message: its id is not a text, or empty",
        ),
        (vec![subscribe.clone()], 4401, "Unauthorized"),
        (vec![init.clone(), init.clone()], 4429, "Too many initialisation requests"),
    ] {
        let mut socket = Socket::open(&app.url).await;
        for message in &messages {
            socket.send(message.clone()).await;
        }
        assert_eq!(socket.closed().await, (code, reason.to_owned()), "{messages:?}");
    }
    let mut socket = Socket::open(&app.url).await;
    socket.raw(Message::text("{")).await;
    assert_eq!(socket.closed().await.0, 4400);
    let mut socket = Socket::open(&app.url).await;
    socket.raw(Message::binary(b"{}".to_vec())).await;
    assert_eq!(socket.closed().await.0, 4400);
    app.stop().await;
}

#[tokio::test]
async fn an_id_is_for_one_operation_at_a_time() {
    run(Kind::Embedded, async |bench| {
        let mut socket = bench.socket().await;
        socket.subscribe("a", NOTES).await;
        socket.news("a").await;
        socket.subscribe("a", "{ __typename }").await;
        assert_eq!(socket.closed().await, (4409, "Subscriber for a already exists".into()));
        // after its end it is free
        let mut socket = bench.socket().await;
        socket.subscribe("a", NOTES).await;
        socket.news("a").await;
        socket.send(json!({ "id": "a", "type": "complete" })).await;
        socket.send(json!({ "id": "never seen", "type": "complete" })).await;
        socket.subscribe("a", "{ notes { total { value } } }").await;
        assert_eq!(socket.message().await["payload"]["data"]["notes"]["total"]["value"], 0);
        assert_eq!(socket.message().await, json!({ "id": "a", "type": "complete" }));
        // of a subscription that was completed nothing more is told
        socket.subscribe("b", NOTES).await;
        socket.news("b").await;
        bench.put("x", 1, "x").await;
        let message = socket.message().await;
        assert_eq!((&message["id"], texts(&message["payload"])), (&json!("b"), vec!["x"]));
        socket.close().await;
    })
    .await;
}

#[tokio::test]
async fn who_does_not_initialise_in_time_is_closed() {
    let app = TestApp::embedded().await;
    let began = Instant::now();
    let mut socket = Socket::open(&app.url).await;
    // a ping may come at any time and is no initialisation
    socket.send(json!({ "type": "ping" })).await;
    assert_eq!(socket.message().await, json!({ "type": "pong" }));
    assert_eq!(socket.closed().await, (4408, "Connection initialisation timeout".into()));
    assert!(began.elapsed() > Duration::from_secs(2), "{:?}", began.elapsed());
    app.stop().await;
}

#[tokio::test]
async fn a_socket_carries_queries_errors_and_pings_too() {
    let app = TestApp::embedded().await;
    let mut socket = Socket::ready(&app.url).await;
    socket.send(json!({ "type": "ping", "payload": { "n": 1 } })).await;
    assert_eq!(socket.message().await, json!({ "type": "pong", "payload": { "n": 1 } }));
    socket.send(json!({ "type": "pong" })).await;
    let query = json!({ "query": "query Q($d: Boolean!) { __typename @include(if: $d) } query R { b: __typename }", "operationName": "Q", "variables": { "d": true } });
    socket.send(json!({ "id": "q", "type": "subscribe", "payload": query })).await;
    assert_eq!(socket.message().await, json!({ "id": "q", "type": "next", "payload": { "data": { "__typename": "Query" } } }));
    assert_eq!(socket.message().await, json!({ "id": "q", "type": "complete" }));
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "BAD_USER_INPUT"),
    ] {
        socket.subscribe("q", query).await;
        let message = socket.message().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!("q")));
        assert_eq!(message["payload"][0]["extensions"]["code"], code, "{query}");
    }
    socket.close().await;
    app.stop().await;
}

#[tokio::test]
async fn a_socket_has_limits() {
    run(Kind::Embedded, async |bench| {
        let mut socket = bench.socket().await;
        for id in 0..100 {
            socket.subscribe(&id.to_string(), NOTES).await;
        }
        socket.subscribe("one too many", NOTES).await;
        let refused = loop {
            let message = socket.message().await;
            if message["type"] != "next" {
                break message;
            }
        };
        assert_eq!((&refused["type"], &refused["id"]), (&json!("error"), &json!("one too many")));
        let told = &refused["payload"][0]["extensions"];
        let wanted = json!({ "code": "LIMIT_EXCEEDED", "limit": "subscriptions", "value": 100, "asked": 101 });
        assert_eq!(*told, wanted);
        // one less, one more
        socket.send(json!({ "id": "7", "type": "complete" })).await;
        socket.subscribe("another", "{ __typename }").await;
        assert_eq!(socket.news("another").await["data"]["__typename"], "Query");

        let mut socket = bench.socket().await;
        socket.raw(Message::text(" ".repeat(2 * 1024 * 1024 + 1))).await;
        assert_eq!(socket.closed().await.0, 1009);
    })
    .await;
}

#[tokio::test]
async fn only_the_own_origin_may_open_a_socket() {
    let app = TestApp::embedded().await;
    let own = app.url.clone();
    let status = async |headers: &[(&'static str, &str)]| match connect(&app.url, headers).await {
        Ok(_) => 101,
        Err(Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
    };
    assert_eq!(status(&[PROTOCOL]).await, 101);
    assert_eq!(status(&[PROTOCOL, ("origin", &own)]).await, 101);
    for origin in ["http://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(status(&[PROTOCOL, ("origin", origin)]).await, 403, "{origin}");
    }
    assert_eq!(status(&[PROTOCOL, ("host", "evil.example")]).await, 403);
    assert_eq!(status(&[PROTOCOL, ("sec-websocket-version", "8")]).await, 400);
    // a client that speaks another protocol is told so
    let (mut other, _) = connect(&app.url, &[]).await.unwrap();
    assert_eq!(other.closed().await, (4406, "Subprotocol not acceptable".into()));
    app.stop().await;
}

#[tokio::test]
async fn sockets_and_streams_do_not_keep_hooke_from_stopping() {
    let app = TestApp::embedded().await;
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(Socket::ready(&app.url).await);
    }
    let began = Instant::now();
    let stopping = tokio::spawn(app.stop());
    for socket in &mut sockets {
        assert_eq!(socket.closed().await.0, 1001);
    }
    tokio::time::timeout(Duration::from_secs(5), stopping).await.unwrap().unwrap();
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}
