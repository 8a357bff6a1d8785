//! What the documentation shows is true: every query in it runs on the sample, on both engines, and the answer in the README is the one that comes.

use std::path::Path;

use hooke::config::{CollectionConfig, ElasticConfig};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value as Json, json};

use crate::app::{Stage, TestApp, assert_near};
use crate::ground::{elasticsearch_url, unique};

/// The blocks of one language in a page.
pub fn blocks(page: &str, language: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(page);
    let text = std::fs::read_to_string(path).unwrap();
    let fence = format!("```{language}\n");
    text.split(&fence).skip(1).map(|rest| rest.split("\n```").next().unwrap_or_default().to_owned()).collect()
}

/// The sample, as the collection `name`, whose root field is `landmarks` by setting.
pub async fn load_sample(app: &TestApp, name: &str) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("sample");
    let mapping: Json = serde_json::from_str(&std::fs::read_to_string(root.join("mapping.json")).unwrap()).unwrap();
    let made = app.http.post(app.at("/v1/collections")).json(&json!({ "name": name, "mappings": mapping })).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.text().await.unwrap());
    let lines: String = std::fs::read_to_string(root.join("documents.ndjson"))
        .unwrap()
        .lines()
        .map(|line| {
            let document: Json = serde_json::from_str(line).unwrap();
            format!("{}\n", json!({ "upsert": { "id": document["slug"], "input": document } }))
        })
        .collect();
    let path = format!("/v1/collections/{name}/bulk?refresh=NOW");
    let answer = app.http.post(app.at(&path)).header(CONTENT_TYPE, "application/x-ndjson").body(lines).send().await.unwrap();
    let answer = answer.text().await.unwrap();
    assert_eq!(answer.lines().count(), 631);
    for line in answer.lines() {
        let outcome: Json = serde_json::from_str(line).unwrap();
        assert_eq!(outcome["errors"], json!([]), "{line}");
    }
}

/// All that payloads say was not done.
fn complaints(data: &Json) -> Json {
    let payloads = data.as_object().unwrap().values();
    let items = payloads.clone().flat_map(|payload| payload["items"].as_array().into_iter().flatten());
    payloads.chain(items).flat_map(|payload| payload["errors"].as_array().cloned().into_iter().flatten()).collect()
}

async fn check(app: &TestApp, name: &str, same_fragments: bool) {
    for page in ["README.md", "docs/graphql.md", "docs/places.md"] {
        let queries = blocks(page, "graphql");
        assert!(!queries.is_empty(), "{page} shows no query");
        for query in queries {
            if query.trim_start().starts_with("mutation") {
                let data = app.data(&query.replace("field-notes", &format!("{name}-notes"))).await;
                assert_eq!(complaints(&data), json!([]), "{query}");
                continue;
            }
            let data = app.data(&query).await;
            for root in ["landmarks", "search"] {
                assert_ne!(data[root]["edges"], json!([]), "{query} finds nothing");
            }
        }
    }
    let (query, mut shown) = (&blocks("README.md", "graphql")[0], json!(null));
    shown.clone_from(&serde_json::from_str(&blocks("README.md", "json")[0]).unwrap());
    let mut got = json!({ "data": app.data(query).await });
    if !same_fragments {
        // engines agree on what is marked, not on where a fragment is cut
        for answer in [&mut shown, &mut got] {
            for edge in answer["data"]["landmarks"]["edges"].as_array_mut().unwrap() {
                edge["highlights"].take();
            }
        }
    }
    assert_near(&got, &shown);
}

#[tokio::test]
async fn queries_of_the_documentation_run_on_the_embedded_engine() {
    let app = TestApp::embedded().await;
    load_sample(&app, "landmarks").await;
    check(&app, "landmarks", true).await;
    app.stop().await;
}

#[tokio::test]
async fn queries_of_the_documentation_run_on_elasticsearch() {
    let Some(url) = elasticsearch_url() else { return };
    let name = unique("docs-landmarks-");
    let app = TestApp::open(|config| {
        config.elasticsearch = Some(ElasticConfig { urls: vec![url], ..ElasticConfig::default() });
        config.catalog.include = vec![format!("{name}*")];
        let named =
            CollectionConfig { name: Some("landmarks".into()), singular: Some("landmark".into()), ..CollectionConfig::default() };
        config.catalog.collections.insert(name.clone(), named);
    })
    .await;
    load_sample(&app, &name).await;
    check(&app, &name, false).await;
    app.http.delete(app.at(&format!("/v1/collections/{name}"))).send().await.unwrap();
    app.stop().await;
}

/// A page that brings its own collection: the first block of JSON is its mapping, one of NDJSON its documents, and behind each
/// query stands its answer.
async fn check_told(page: &str, root: &str, singular: &str) {
    let (shown, queries) = (blocks(page, "json"), blocks(page, "graphql"));
    assert_eq!(shown.len(), queries.len() + 1, "{page}");
    let documents: Vec<(String, Json)> = blocks(page, "ndjson")[0]
        .lines()
        .map(|line| {
            let mut document: Json = serde_json::from_str(line).unwrap();
            let id = document.as_object_mut().unwrap().remove("_id").unwrap();
            (id.as_str().unwrap().to_owned(), document)
        })
        .collect();
    let documents: Vec<(&str, Json)> = documents.iter().map(|(id, document)| (id.as_str(), document.clone())).collect();
    let mapping = serde_json::from_str(&shown[0]).unwrap();
    for stage in Stage::each(root, singular, &mapping, &documents).await {
        for (query, answer) in queries.iter().zip(&shown[1..]) {
            assert_near(&stage.app.data(query).await, &serde_json::from_str(answer).unwrap());
        }
        stage.close().await;
    }
}

#[tokio::test]
async fn elements_of_lists_are_as_told() {
    check_told("docs/nested.md", "orders", "order").await;
}

#[tokio::test]
async fn vectors_are_as_told() {
    check_told("docs/vectors.md", "notes", "note").await;
}
