//! The routes of the service that hooke grew from, on both engines.

use std::collections::BTreeSet;

use futures_util::future::join_all;
use hooke::config::ElasticConfig;
use reqwest::Response;
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::ground::{elasticsearch_url, unique};

/// One hooke on each engine, with the name of a collection whose hashtags it tells.
async fn both() -> Vec<(TestApp, String)> {
    let name = unique("tags");
    let mut all = vec![(TestApp::open(|config| config.compat.hashtags = name.clone()).await, name.clone())];
    if let Some(url) = elasticsearch_url() {
        all.push((on_elasticsearch(&url, &name).await, name));
    }
    all
}

async fn on_elasticsearch(url: &str, name: &str) -> TestApp {
    TestApp::open(|config| {
        config.elasticsearch = Some(ElasticConfig { urls: vec![url.to_owned()], ..ElasticConfig::default() });
        config.catalog.include = vec![format!("{name}*")];
        config.compat.hashtags = name.to_owned();
    })
    .await
}

async fn make(test: &TestApp, name: &str) -> Response {
    test.http.post(test.at(&format!("/v1/create/index/{name}"))).send().await.unwrap()
}

async fn load(test: &TestApp, name: &str, body: Json) -> Response {
    test.http.post(test.at(&format!("/v1/content/load/{name}"))).json(&body).send().await.unwrap()
}

/// Ids of what a load has stored.
async fn created(test: &TestApp, name: &str, tags: &[&str]) -> Vec<String> {
    let answer = load(test, name, json!({ "hashtags": tags })).await;
    assert_eq!(answer.status(), 200);
    let answer: Json = answer.json().await.unwrap();
    answer["created"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()).collect()
}

async fn unique_tags(test: &TestApp) -> Vec<String> {
    let answer = test.get("/v1/unique/hashtags").await;
    assert_eq!(answer.status(), 200);
    let answer: Json = answer.json().await.unwrap();
    answer["hashtags"].as_array().unwrap().iter().map(|tag| tag.as_str().unwrap().to_owned()).collect()
}

async fn page(test: &TestApp, name: &str, from: u32, size: u32) -> Json {
    test.get(&format!("/v1/content/search/{name}/{from}/{size}")).await.json().await.unwrap()
}

async fn remove(test: TestApp, name: &str) {
    assert_eq!(test.http.delete(test.at(&format!("/v1/collections/{name}"))).send().await.unwrap().status(), 204);
    test.stop().await;
}

#[tokio::test]
async fn hashtags_are_loaded_once_and_paged_through() {
    for (test, name) in both().await {
        assert_eq!(test.get("/v1/healthcheck").await.text().await.unwrap(), r#"{"status":"OK"}"#);
        assert_eq!(load(&test, &name, json!({ "hashtags": ["#rust"] })).await.status(), 404);
        assert_eq!(test.get("/v1/unique/hashtags").await.status(), 404);
        assert_eq!(make(&test, &name).await.status(), 200);
        let again = make(&test, &name).await;
        assert_eq!(
            (again.status().as_u16(), &again.headers()["content-type"]),
            (400, &"application/problem+json".parse().unwrap())
        );
        assert_eq!(unique_tags(&test).await, [""; 0]);

        let ids = created(&test, &name, &["#rust", "#search", "#rust", "日本語"]).await;
        assert_eq!(ids.len(), 3);
        assert!(ids.iter().all(|id| uuid::Uuid::parse_str(id).is_ok()), "{ids:?}");
        assert_eq!(created(&test, &name, &["#search", "#Rust", "日本語"]).await.len(), 1);
        assert_eq!(created(&test, &name, &["#search", "#Rust", "日本語"]).await, [""; 0]);
        let mut all = unique_tags(&test).await;
        all.sort();
        assert_eq!(all, ["#Rust", "#rust", "#search", "日本語"]);

        let found = page(&test, &name, 1, 2).await;
        assert_eq!(found["hits"]["total"], json!({ "value": 4, "relation": "eq" }), "{found}");
        let hits = found["hits"]["hits"].as_array().unwrap();
        assert_eq!((hits.len(), &hits[0]["_id"], &hits[0]["_index"]), (2, &json!(ids[1]), &json!(name)));
        assert_eq!(hits[0]["_source"], json!({ "content": "#search" }));
        assert_eq!(
            (&found["hits"]["max_score"], &found["timed_out"], &found["_shards"]["failed"]),
            (&Json::Null, &json!(false), &json!(0))
        );
        assert_eq!(page(&test, &name, 0, 0).await["hits"]["hits"], json!([]));
        for (from, size, status) in
            [("0", "1001", 400), ("9999", "2", 400), ("x", "1", 400), ("-1", "1", 400), ("9999", "1", 200)]
        {
            let answer = test.get(&format!("/v1/content/search/{name}/{from}/{size}")).await;
            assert_eq!(answer.status(), status, "{from} {size}");
        }
        assert_eq!(test.get(&format!("/v1/content/search/{name}-none/0/1")).await.status(), 404);
        assert_eq!(test.get("/v1/content/search/No*Name/0/1").await.status(), 404);
        remove(test, &name).await;
    }
}

#[tokio::test]
async fn a_load_that_is_wrong_is_refused_whole_and_names_each_fault() {
    for (test, name) in both().await {
        assert_eq!(make(&test, "Not-A-Name").await.status(), 400);
        make(&test, &name).await;
        let answer = load(&test, &name, json!({ "hashtags": ["#fine", "ab", 7, ""] })).await;
        assert_eq!(answer.status(), 400);
        let problem: Json = answer.json().await.unwrap();
        let faults: Vec<_> = problem["errors"].as_array().unwrap().iter().map(|fault| &fault["path"]).collect();
        assert_eq!(faults, [&json!(["hashtags", "1"]), &json!(["hashtags", "2"]), &json!(["hashtags", "3"])]);
        assert!(problem["errors"][0]["message"].as_str().unwrap().contains("\"ab\""), "{problem}");
        for body in [json!({}), json!({ "hashtags": [] }), json!([]), json!({ "hashtags": null })] {
            assert_eq!(load(&test, &name, body.clone()).await.status(), 400, "{body}");
        }
        let at = test.at(&format!("/v1/content/load/{name}"));
        assert_eq!(test.http.post(&at).body(r##"{"hashtags":["#fine"]}"##).send().await.unwrap().status(), 415);
        assert_eq!(unique_tags(&test).await, [""; 0]);
        remove(test, &name).await;
    }
}

#[tokio::test]
async fn loads_at_the_same_time_store_a_hashtag_once() {
    for (test, name) in both().await {
        make(&test, &name).await;
        let tags: Vec<Vec<String>> =
            (0..12).map(|n| (0..30).map(|tag| format!("#{:03}", (n * 5 + tag) % 60)).collect()).collect();
        let loads = tags.iter().map(async |tags| {
            let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
            created(&test, &name, &tags).await
        });
        let ids: Vec<String> = join_all(loads).await.concat();
        let total = page(&test, &name, 0, 1_000).await;
        assert_eq!((ids.len(), &total["hits"]["total"]["value"]), (60, &json!(60)));
        let ids: BTreeSet<String> = ids.into_iter().collect();
        assert_eq!((ids.len(), unique_tags(&test).await.len()), (60, 60));
        remove(test, &name).await;
    }
}

#[tokio::test]
async fn what_is_remembered_is_never_stale() {
    for (test, name) in both().await {
        make(&test, &name).await;
        let ids = created(&test, &name, &["#one", "#two"]).await;
        assert_eq!(unique_tags(&test).await.len(), 2);
        // removed, changed and written by another route
        let at = |id: &str| test.at(&format!("/v1/collections/{name}/documents/{id}?refresh=NOW"));
        assert_eq!(test.http.delete(at(&ids[0])).send().await.unwrap().status(), 204);
        assert_eq!(unique_tags(&test).await, ["#two"]);
        assert_eq!(test.http.patch(at(&ids[1])).json(&json!({ "content": "#new" })).send().await.unwrap().status(), 200);
        assert_eq!(test.http.put(at("mine")).json(&json!({ "content": "#three" })).send().await.unwrap().status(), 201);
        assert_eq!(unique_tags(&test).await, ["#new", "#three"]);
        assert_eq!(created(&test, &name, &["#one", "#two", "#three", "#new"]).await.len(), 2);
        // the whole collection goes and comes back
        assert_eq!(test.http.delete(test.at(&format!("/v1/collections/{name}"))).send().await.unwrap().status(), 204);
        assert_eq!(test.get("/v1/unique/hashtags").await.status(), 404);
        make(&test, &name).await;
        assert_eq!(unique_tags(&test).await, [""; 0]);
        assert_eq!(created(&test, &name, &["#one", "#two"]).await.len(), 2);
        remove(test, &name).await;
    }
}

#[tokio::test]
async fn another_process_on_the_same_cluster_is_heard_of() {
    let Some(url) = elasticsearch_url() else { return };
    let name = unique("tags");
    let (here, there) = (on_elasticsearch(&url, &name).await, on_elasticsearch(&url, &name).await);
    make(&here, &name).await;
    there.await_status("/v1/unique/hashtags", 200).await;
    for round in 0..3 {
        let (mine, yours) = (format!("#mine{round}"), format!("#yours{round}"));
        let first = created(&here, &name, &[&mine]).await;
        assert_eq!(first.len(), 1);
        assert_eq!(created(&there, &name, &[&mine, &yours]).await.len(), 1);
        assert_eq!(created(&here, &name, &[&yours]).await.len(), 0);
        assert_eq!(unique_tags(&here).await, unique_tags(&there).await);
    }
    assert_eq!(unique_tags(&here).await.len(), 6);
    there.stop().await;
    remove(here, &name).await;
}

#[tokio::test]
async fn a_thousand_distinct_hashtags_are_told_at_most() {
    for (test, name) in both().await {
        make(&test, &name).await;
        let tags: Vec<String> = (0..1_203).map(|n| format!("#tag{n:04}")).collect();
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        assert_eq!(created(&test, &name, &tags).await.len(), 1_203);
        let told: BTreeSet<String> = unique_tags(&test).await.into_iter().collect();
        assert_eq!(told.len(), 1_000);
        assert!(told.iter().all(|tag| tags.contains(&tag.as_str())));
        remove(test, &name).await;
    }
}

#[tokio::test]
async fn a_collection_of_something_else_holds_no_hashtags() {
    for (test, name) in both().await {
        let body = json!({ "name": name, "mappings": { "properties": { "content": { "type": "text" } } } });
        assert_eq!(test.http.post(test.at("/v1/collections")).json(&body).send().await.unwrap().status(), 201);
        let answer = load(&test, &name, json!({ "hashtags": ["#one"] })).await;
        assert_eq!(answer.status(), 409);
        assert!(answer.json::<Json>().await.unwrap()["detail"].as_str().unwrap().contains("keyword"));
        assert_eq!(page(&test, &name, 0, 1).await["hits"]["total"]["value"], 0);
        remove(test, &name).await;
    }
}

#[tokio::test]
async fn what_may_not_be_written_is_forbidden() {
    let test = TestApp::open(|config| config.writes = Some(hooke::config::Writes::Off)).await;
    assert_eq!(make(&test, "some").await.status(), 403);
    assert_eq!(load(&test, "some", json!({ "hashtags": ["#one"] })).await.status(), 403);
    test.stop().await;
}
