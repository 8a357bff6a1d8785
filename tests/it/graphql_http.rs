//! GraphQL over HTTP, from outside: what is accepted, which status tells what, and the same answer by GET and by POST.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, ALLOW, CONTENT_TYPE};
use serde_json::{Value as Json, json};

use crate::app::TestApp;

const RESPONSE: &str = "application/graphql-response+json";
const JSON: &str = "application/json";

struct Asked {
    status: StatusCode,
    media: String,
    body: Json,
}

impl Asked {
    async fn of(answer: reqwest::Response) -> Asked {
        let media = answer.headers().get(CONTENT_TYPE).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        Asked { status: answer.status(), media, body: answer.json().await.unwrap() }
    }

    fn code(&self) -> &str {
        self.body["errors"][0]["extensions"]["code"].as_str().unwrap_or("none")
    }
}

async fn post(app: &TestApp, accept: &str, body: &str) -> Asked {
    let request = app.http.post(app.at("/graphql")).header(CONTENT_TYPE, JSON).header(ACCEPT, accept).body(body.to_owned());
    Asked::of(request.send().await.unwrap()).await
}

#[tokio::test]
async fn the_status_tells_whether_an_operation_ran() {
    let app = TestApp::embedded().await;
    let typename = r#"{"query":"{ __typename }"}"#;
    for (accept, body, status, code) in [
        (JSON, typename, 200, "none"),
        (RESPONSE, typename, 200, "none"),
        ("*/*", typename, 200, "none"),
        (JSON, r#"{"query":"{"}"#, 200, "GRAPHQL_PARSE_FAILED"),
        (RESPONSE, r#"{"query":"{"}"#, 400, "GRAPHQL_PARSE_FAILED"),
        (JSON, r#"{"query":"{ nothing }"}"#, 200, "GRAPHQL_VALIDATION_FAILED"),
        (RESPONSE, r#"{"query":"{ nothing }"}"#, 400, "GRAPHQL_VALIDATION_FAILED"),
        (RESPONSE, r#"{"query":"{ node(nodeId: \"x\") { nodeId } }"}"#, 200, "BAD_USER_INPUT"),
        (JSON, "nonsense", 400, "BAD_USER_INPUT"),
        (JSON, "{}", 400, "BAD_USER_INPUT"),
        (JSON, "[]", 400, "LIMIT_EXCEEDED"),
        ("text/html", typename, 406, "BAD_USER_INPUT"),
    ] {
        let asked = post(&app, accept, body).await;
        assert_eq!((asked.status.as_u16(), asked.code()), (status, code), "{accept} {body}");
        let media = if accept == RESPONSE { RESPONSE } else { JSON };
        assert_eq!(asked.media, format!("{media}; charset=utf-8"), "{accept} {body}");
    }
    app.stop().await;
}

#[tokio::test]
async fn get_is_for_queries_and_post_for_json() {
    let app = TestApp::embedded().await;
    let get = async |query: &[(&str, &str)]| {
        let request = app.http.get(app.at("/graphql")).query(query).header(ACCEPT, RESPONSE);
        request.send().await.unwrap()
    };
    let query = "query Q($deep: Boolean!) { __typename __schema @include(if: $deep) { queryType { name } } }";
    let answer = get(&[("query", query), ("operationName", "Q"), ("variables", r#"{"deep":true}"#)]).await;
    assert_eq!(
        answer.json::<Json>().await.unwrap(),
        json!({ "data": { "__typename": "Query", "__schema": { "queryType": { "name": "Query" } } } })
    );
    let refused = get(&[("query", "mutation { drop }")]).await;
    assert_eq!((refused.status(), refused.headers()[ALLOW].to_str().unwrap()), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    assert_eq!(get(&[]).await.status(), StatusCode::BAD_REQUEST);

    for media in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("multipart/form-data")] {
        let mut request = app.http.post(app.at("/graphql")).body(r#"{"query":"{ __typename }"}"#);
        if let Some(media) = media {
            request = request.header(CONTENT_TYPE, media);
        }
        assert_eq!(request.send().await.unwrap().status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media:?}");
    }
    let long = format!(r#"{{"query":"{{ __typename }}","x":"{}"}}"#, "x".repeat(2 * 1024 * 1024));
    let refused = post(&app, RESPONSE, &long).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::PAYLOAD_TOO_LARGE, "LIMIT_EXCEEDED"));
    app.stop().await;
}

#[tokio::test]
async fn the_schema_follows_the_collections() {
    let app = TestApp::embedded().await;
    let schema = async || app.get("/schema.graphql").await.text().await.unwrap();
    assert!(!schema().await.contains("type Crate "));
    let body = json!({ "name": "crates", "mappings": { "properties": { "name": { "type": "keyword" } } } });
    let made = app.http.post(app.at("/v1/collections")).json(&body).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.text().await.unwrap());
    let began = std::time::Instant::now();
    while !schema().await.contains("type Crate ") {
        assert!(began.elapsed().as_secs() < 10, "the schema did not follow");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(
        app.data("{ crates { total { value } nodes { name } } }").await,
        json!({ "crates": { "total": { "value": 0 }, "nodes": [] } })
    );
    app.stop().await;
}
