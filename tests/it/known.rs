//! Operations by hash and by id: automatic persisted queries, and trusted documents beside which nothing runs.

use serde_json::{Value as Json, json};

use crate::app::TestApp;

const TYPENAME: &str = "{ __typename }";
const HASH: &str = "7f56e67dd21ab3f30d1ff8b7bed08893f0a0db86449836189b361dd1e56ddb4b";
const MUTATION: &str = r#"mutation { deleteLandmark(id: "x") { errors { code } } }"#;
const HASH_OF_MUTATION: &str = "036dc342ccba836ced87c6162ae3398ea988b1a3c7da845b5883b32d71f4fb70";

fn hashed(hash: &str, query: Option<&str>) -> Json {
    let mut body = json!({ "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } });
    if let Some(query) = query {
        body["query"] = query.into();
    }
    body
}

async fn post(app: &TestApp, body: &Json) -> Json {
    app.http.post(app.at("/graphql")).json(body).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_query_is_sent_once_and_then_by_its_hash() {
    let app = TestApp::embedded().await;
    let unknown = post(&app, &hashed(HASH, None)).await;
    assert_eq!(
        (&unknown["errors"][0]["message"], &unknown["errors"][0]["extensions"]["code"]),
        (&json!("PersistedQueryNotFound"), &json!("PERSISTED_QUERY_NOT_FOUND"))
    );
    assert_eq!(post(&app, &hashed(HASH, Some(TYPENAME))).await["data"]["__typename"], "Query");
    assert_eq!(post(&app, &hashed(HASH, None)).await["data"]["__typename"], "Query");
    let extensions = hashed(HASH, None)["extensions"].to_string();
    let got = app.http.get(app.at("/graphql")).query(&[("extensions", &extensions)]).send().await.unwrap();
    assert_eq!(got.json::<Json>().await.unwrap()["data"]["__typename"], "Query");
    let wrong = post(&app, &hashed(HASH, Some("{ other: __typename }"))).await;
    assert!(wrong["errors"][0]["message"].as_str().unwrap().contains("does not match"), "{wrong}");
    // a mutation does not come by GET under the cover of a hash either
    post(&app, &hashed(HASH_OF_MUTATION, Some(MUTATION))).await;
    let extensions = hashed(HASH_OF_MUTATION, None)["extensions"].to_string();
    let got = app.http.get(app.at("/graphql")).query(&[("extensions", &extensions)]).send().await.unwrap();
    assert_eq!(got.status(), 405);
    app.stop().await;
}

#[tokio::test]
async fn beside_trusted_documents_nothing_runs() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("Type.graphql"), TYPENAME).unwrap();
    let documents = folder.path().to_owned();
    let app = TestApp::open(|config| config.graphql.documents = Some(documents)).await;
    for body in [json!({ "documentId": "Type" }), hashed(HASH, None), json!({ "query": TYPENAME })] {
        assert_eq!(post(&app, &body).await["data"]["__typename"], "Query", "{body}");
    }
    for (body, code) in [
        (json!({ "query": "{ __schema { queryType { name } } }" }), "FORBIDDEN"),
        (json!({ "query": "{ __schema { queryType { name } } }", "documentId": "Type" }), "BAD_USER_INPUT"),
        (hashed(HASH_OF_MUTATION, Some(MUTATION)), "PERSISTED_QUERY_NOT_FOUND"),
    ] {
        assert_eq!(post(&app, &body).await["errors"][0]["extensions"]["code"], code, "{body}");
    }
    app.stop().await;
}

#[tokio::test]
async fn what_is_counted_can_be_read_and_has_few_labels() {
    let app = TestApp::embedded().await;
    for path in ["/nowhere/1", "/nowhere/2", "/v1/collections/a", "/v1/collections/b"] {
        app.get(path).await;
    }
    let text = app.get("/metrics").await.text().await.unwrap();
    for part in [
        "hooke_requests_total{method=\"GET\",route=\"none\",status=\"404\"}",
        "route=\"/v1/collections/{",
        "hooke_request_duration_seconds_bucket",
        "hooke_requests_in_flight",
        "# EOF",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains("nowhere") && !text.contains("/v1/collections/a"), "{text}");
    app.stop().await;
    let closed = TestApp::open(|config| config.log.metrics = Some(false)).await;
    assert_eq!(closed.get("/metrics").await.status(), 403);
    closed.stop().await;
}
