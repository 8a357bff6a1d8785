//! Operations from their text to the answer's text, on an engine that answers as it is told.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::fixture::{Told, catalog, document, open};
use super::{Api, Request, ids};
use crate::access::Viewer;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::search::{Call, Fetch, Filter, TotalRequest};

pub(super) struct Bench {
    api: Arc<Api>,
    pub(super) engine: Arc<Told>,
}

pub(super) async fn bench(engine: Told) -> Bench {
    with(engine, &Config::default()).await
}

async fn with(engine: Told, config: &Config) -> Bench {
    let engine = Arc::new(engine);
    let (_, catalog) = watch::channel(catalog(config));
    let api = open(&engine, catalog, config).await;
    Bench { api, engine }
}

fn packages() -> Told {
    let one = json!({ "name": "hello", "section": "devel", "installedSize": 280, "tags": ["a", "b"], "essential": "true" });
    let two = json!({ "name": ["two", "names"], "section": "web", "tags": "c", "installedSize": 9_007_199_254_740_993_i64 });
    let documents = vec![("packages", document("packages", "1", one)), ("packages", document("packages", "2", two))];
    Told { documents, ..Told::default() }
}

impl Bench {
    pub(super) async fn text(&self, query: &str, variables: Json) -> String {
        let Json::Object(variables) = variables else { panic!("variables are an object") };
        let request = Request { query: query.into(), operation_name: None, variables, known: None };
        serde_json::to_string(&self.api.run(&Call::within(Duration::from_secs(5)), &Viewer::open(), &request).await).unwrap()
    }

    pub(super) async fn json(&self, query: &str, variables: Json) -> Json {
        serde_json::from_str(&self.text(query, variables).await).unwrap()
    }

    pub(super) async fn data(&self, query: &str) -> Json {
        let answer = self.json(query, json!({})).await;
        assert_eq!(answer.get("errors"), None, "{query}");
        answer["data"].clone()
    }

    pub(super) async fn code(&self, query: &str, variables: Json) -> String {
        let answer = self.json(query, variables).await;
        answer["errors"][0]["extensions"]["code"].as_str().unwrap_or("none").to_owned()
    }

    fn fetched(&self) -> Fetch {
        self.engine.searches.lock().unwrap().last().unwrap()[0].fetch.clone()
    }
}

#[tokio::test]
async fn keeps_the_order_and_the_names_of_the_operation() {
    let bench = bench(packages()).await;
    let text = bench
        .text(
            "{ z: __typename b: packages(first: 1) { nodes { v: _version section ...f name } __typename } a: package(id: \"2\") { _id tags } }
             fragment f on Document { __typename _id ... on Package { size } ... on Place { country } }",
            json!({}),
        )
        .await;
    assert_eq!(
        text,
        r#"{"data":{"z":"Query","b":{"nodes":[{"v":"7-1","section":"devel","__typename":"Package","_id":"1","size":null,"name":"hello"}],"__typename":"PackageConnection"},"a":{"_id":"2","tags":["c"]}}}"#
    );
}

#[tokio::test]
async fn asks_once_and_only_for_what_is_selected() {
    let bench = bench(packages()).await;
    bench
        .data("{ packages { nodes { size } edges { node { section } } } places { total { value } } package(id: \"1\") { tags } }")
        .await;
    let searches = bench.engine.searches.lock().unwrap().clone();
    assert_eq!(searches.iter().map(Vec::len).collect::<Vec<_>>(), [2]);
    let (first, second) = (&searches[0][0], &searches[0][1]);
    assert_eq!(first.fetch.fields.as_ref().unwrap().iter().map(|path| &**path).collect::<Vec<_>>(), ["section", "size"]);
    assert_eq!((first.total, first.fetch.scores, first.page.size), (TotalRequest::None, false, 10));
    assert_eq!((second.total, second.page.size, second.fetch.fields.clone()), (TotalRequest::UpTo(10_000), 0, Some(Vec::new())));
    let gets = bench.engine.gets.lock().unwrap().clone();
    assert_eq!(gets.len(), 1);
    assert_eq!(gets[0].1.fields.as_ref().unwrap().iter().map(|path| &**path).collect::<Vec<_>>(), ["tags"]);
}

#[tokio::test]
async fn what_needs_no_engine_asks_none() {
    let bench = bench(packages()).await;
    assert_eq!(
        bench.data("{ packages { __typename pageInfo { __typename } } }").await["packages"]["pageInfo"]["__typename"],
        "PageInfo"
    );
    assert!(bench.engine.searches.lock().unwrap().is_empty());
}

#[tokio::test]
async fn objects_are_fetched_whole() {
    let bench = bench(Told::default()).await;
    bench.data("{ orders { nodes { shipping { city } items { qty } } } }").await;
    assert_eq!(bench.fetched().fields.unwrap().iter().map(|path| &**path).collect::<Vec<_>>(), ["items", "shipping"]);
}

#[tokio::test]
async fn totals_are_counted_as_far_as_each_wants() {
    let bench = bench(packages()).await;
    let data = bench
        .data("{ packages { total(upTo: null) { value relation } one: total(upTo: 1) { value relation } two: total(upTo: 2) { value relation } } }")
        .await;
    assert_eq!(
        data["packages"],
        json!({
            "total": { "value": 2, "relation": "EQ" },
            "one": { "value": 1, "relation": "GTE" },
            "two": { "value": 2, "relation": "EQ" },
        })
    );
    assert_eq!(bench.engine.searches.lock().unwrap()[0][0].total, TotalRequest::All);
    assert_eq!(bench.code("{ packages { total(upTo: -1) { value } } }", json!({})).await, "BAD_USER_INPUT");
}

#[tokio::test]
async fn skips_and_includes_by_variables_and_their_defaults() {
    let bench = bench(packages()).await;
    let query = "query($no: Boolean = false, $yes: Boolean = true) {
        package(id: 1) { a: _id @include(if: $no) b: _id @skip(if: $yes) c: _id @include(if: $yes) ...f @skip(if: $no) ... @include(if: $no) { e: _id } } }
        fragment f on Package { d: _id }";
    assert_eq!(bench.json(query, json!({})).await["data"]["package"], json!({ "c": "1", "d": "1" }));
    let turned = bench.json(query, json!({ "no": true, "yes": false })).await;
    assert_eq!(turned["data"]["package"], json!({ "a": "1", "b": "1", "e": "1" }));
}

#[tokio::test]
async fn a_value_too_many_is_an_error_of_that_field() {
    let bench = bench(packages()).await;
    let answer = bench.json("{ packages { nodes { name installedSize } } }", json!({})).await;
    let nodes = &answer["data"]["packages"]["nodes"];
    assert_eq!(nodes[0], json!({ "name": "hello", "installedSize": 280 }));
    assert_eq!(nodes[1], json!({ "name": null, "installedSize": "9007199254740993" }));
    assert_eq!(answer["errors"].as_array().unwrap().len(), 1);
    let error = &answer["errors"][0];
    assert_eq!(error["path"], json!(["packages", "nodes", 1, "name"]));
    assert_eq!(error["locations"], json!([{ "line": 1, "column": 22 }]));
    assert!(error["message"].as_str().unwrap().contains("catalog.collections.packages.lists"));
}

#[tokio::test]
async fn one_root_fails_and_the_others_stand() {
    let bench = bench(Told { failing: Some("places"), ..packages() }).await;
    let answer =
        bench.json("{ a: places { nodes { name } } packages { nodes { _id } } place(id: \"x\") { name } }", json!({})).await;
    assert_eq!(answer["data"]["a"], json!(null));
    assert_eq!(answer["data"]["packages"]["nodes"][0]["_id"], "1");
    assert_eq!(answer["errors"].as_array().unwrap().len(), 2);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "BACKEND_UNAVAILABLE");
    assert_eq!(answer["errors"][0]["path"], json!(["a"]));
    assert!(!answer.to_string().contains("secret"));
}

#[tokio::test]
async fn finds_by_global_id() {
    let mut told = packages();
    for index in ["places-1", "places-2"] {
        told.documents.push(("places", document(index, "p", json!({ "name": index }))));
    }
    told.documents.push(("places", document("places-1", "q", json!({ "name": "alone" }))));
    let bench = bench(told).await;
    let global = |at: usize| {
        let (collection, document) = &bench.engine.documents[at];
        ids::write(collection, document)
    };
    let gone = ids::write("gone", &bench.engine.documents[0].1);
    let query =
        "query($ids: [ID!]!) { nodes(nodeIds: $ids) { __typename nodeId ... on Package { section } ... on Place { name } } }";
    let answer = bench.json(query, json!({ "ids": [global(3), global(0), gone, global(2)] })).await;
    assert_eq!(
        answer["data"]["nodes"],
        json!([
            { "__typename": "Place", "nodeId": global(3), "name": "places-2" },
            { "__typename": "Package", "nodeId": global(0), "section": "devel" },
            null,
            { "__typename": "Place", "nodeId": global(2), "name": "places-1" },
        ])
    );
    assert_eq!(answer.get("errors"), None);
    assert_eq!(bench.engine.searches.lock().unwrap().len(), 1);
    assert_eq!(bench.engine.searches.lock().unwrap()[0][0].filter, Filter::Ids(vec![bench.engine.documents[2].1.id.clone()]));
    assert_eq!(bench.code("{ node(nodeId: \"nonsense\") { nodeId } }", json!({})).await, "BAD_USER_INPUT");
    assert_eq!(
        bench.data("{ place(id: \"q\") { name } nothing: place(id: \"r\") { name } }").await,
        json!({ "place": { "name": "alone" }, "nothing": null })
    );
    let conflict = bench.json("{ place(id: \"p\") { name } }", json!({})).await;
    assert_eq!(conflict["errors"][0]["extensions"]["code"], "CONFLICT");
    assert!(conflict["errors"][0]["message"].as_str().unwrap().contains("nodeId"));
}

#[tokio::test]
async fn relay_names() {
    let mut config = Config::default();
    config.graphql.relay = true;
    let bench = with(packages(), &config).await;
    let id = ids::write("packages", &bench.engine.documents[0].1);
    let answer = bench
        .json("query($id: ID!) { node(id: $id) { id ... on Package { name } } nodes(ids: [$id]) { id } }", json!({ "id": id }))
        .await;
    assert_eq!(answer["data"], json!({ "node": { "id": id, "name": "hello" }, "nodes": [{ "id": id }] }));
}

#[tokio::test]
async fn introspection_stands_among_data_in_its_place() {
    let bench = bench(packages()).await;
    let text = bench
        .text("query($n: String! = \"Package\") { a: package(id: 1) { _id } t: __type(name: $n) { name kind } z: __typename __schema { queryType { name } } }", json!({}))
        .await;
    assert_eq!(
        text,
        r#"{"data":{"a":{"_id":"1"},"t":{"name":"Package","kind":"OBJECT"},"z":"Query","__schema":{"queryType":{"name":"Query"}}}}"#
    );
}

#[tokio::test]
async fn refuses_before_it_asks() {
    let bench = bench(packages()).await;
    let aliases: String = (0..31).map(|n| format!("a{n}: _id ")).collect();
    let roots: String = (0..21).map(|n| format!("r{n}: __typename ")).collect();
    for (query, code) in [
        ("{", "GRAPHQL_PARSE_FAILED"),
        ("{ nothing }", "GRAPHQL_VALIDATION_FAILED"),
        ("{ packages(filter: { size: { gte: 1, gte: 2 } }) { __typename } }", "GRAPHQL_VALIDATION_FAILED"),
        ("mutation { x }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "BAD_USER_INPUT"),
        ("query($n: Int!) { packages(first: $n) { __typename } }", "BAD_USER_INPUT"),
        (&format!("{{ package(id: 1) {{ {aliases} }} }}"), "LIMIT_EXCEEDED"),
        (&format!("{{ {roots} }}"), "LIMIT_EXCEEDED"),
        (&format!("{{ packages {{ {} }} }}", "nodes { name } ".repeat(2_000)), "LIMIT_EXCEEDED"),
        (&format!("{{ packages(filter: {}) {{ __typename }} }}", "[".repeat(4_000)), "LIMIT_EXCEEDED"),
        ("{ packages(filter: null) { nodes { _id } } }", "BAD_USER_INPUT"),
        ("query($f: PackageFilter) { packages(filter: { not: $f }) { nodes { _id } } }", "BAD_USER_INPUT"),
        ("{ packages(first: 1001) { nodes { _id } } }", "LIMIT_EXCEEDED"),
        ("{ packages(after: \"x\") { nodes { _id } } }", "BAD_CURSOR"),
        ("{ package(id: \"\") { _id } }", "BAD_USER_INPUT"),
        (
            "{ packages { edges { a: highlights(fields: [NAME]) { field } b: highlights(fields: [NAME], first: 1) { field } } } }",
            "BAD_USER_INPUT",
        ),
        ("{ __schema { types { fields { type { fields { type { fields { name } } } } } } } }", "LIMIT_EXCEEDED"),
    ] {
        assert_eq!(bench.code(query, json!({})).await, code, "{}", &query[..query.len().min(200)]);
    }
    assert!(bench.engine.searches.lock().unwrap().is_empty());
}

#[tokio::test]
async fn no_more_errors_than_the_limit() {
    let many = (0..50).map(|n| ("packages", document("packages", &n.to_string(), json!({ "name": ["a", "b"] })))).collect();
    let bench = bench(Told { documents: many, ..Told::default() }).await;
    let answer = bench.json("{ packages(first: 50) { nodes { name } } }", json!({})).await;
    assert_eq!(answer["errors"].as_array().unwrap().len(), 20);
    let unknown: String = (0..50).map(|n| format!("x{n} ")).collect();
    let refused = bench.json(&format!("{{ package(id: 1) {{ {unknown} }} }}"), json!({})).await;
    // what is refused as a whole is told in few words
    let told = refused["errors"].as_array().unwrap().len();
    assert!((2..20).contains(&told), "{told}");
    assert!(refused.to_string().len() < 1_000, "{refused}");
}

#[tokio::test]
async fn time_runs_out() {
    let bench = bench(Told { hangs: true, ..packages() }).await;
    let request = Request { query: "{ packages { nodes { _id } } package(id: 1) { _id } }".into(), ..Request::default() };
    let answer = bench.api.run(&Call::within(Duration::from_millis(20)), &Viewer::open(), &request).await;
    let answer = serde_json::to_value(&answer).unwrap();
    assert_eq!(answer["errors"][0]["extensions"]["code"], "TIMEOUT");
    assert_eq!(answer["data"], json!({ "packages": null, "package": { "_id": "1" } }));
}

#[tokio::test]
async fn a_bomb_of_merged_fields_costs_nothing() {
    let bench = bench(packages()).await;
    let mut text = String::from("{ packages { nodes { ...F0 } } } ");
    for n in 0..60 {
        text += &format!("fragment F{n} on Package {{ ...F{next} ...F{next} }} ", next = n + 1);
    }
    text += "fragment F60 on Package { _id }";
    let started = Instant::now();
    assert_eq!(bench.data(&text).await["packages"]["nodes"][0]["_id"], "1");
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn follows_the_catalog_and_says_so_before_the_first() {
    let config = Config::default();
    let (told, seen) = watch::channel(Arc::new(Catalog::default()));
    let api = open(&Arc::new(packages()), seen, &config).await;
    let bench = Bench { api, engine: Arc::default() };
    assert_eq!(bench.code("{ packages { nodes { _id } } }", json!({})).await, "BACKEND_UNAVAILABLE");
    told.send_replace(catalog(&config));
    let deadline = Instant::now() + Duration::from_secs(20);
    while bench.api.revision() == 0 {
        assert!(Instant::now() < deadline, "the schema was not built");
        tokio::task::yield_now().await;
    }
    assert_eq!(bench.data("{ packages(first: 1) { nodes { _id } } }").await["packages"]["nodes"][0]["_id"], "1");
}

#[tokio::test]
async fn a_global_id_leads_into_no_other_index() {
    let bench = bench(packages()).await;
    let mut stranger = bench.engine.documents[0].1.clone();
    stranger.index = "secrets".into();
    let id = ids::write("packages", &stranger);
    assert_eq!(
        bench.json("query($id: ID!) { node(nodeId: $id) { nodeId } }", json!({ "id": id })).await,
        json!({ "data": { "node": null } })
    );
    assert!(bench.engine.gets.lock().unwrap().is_empty());
}

#[tokio::test]
async fn walks_with_cursors_that_belong_to_their_query() {
    let bench = bench(packages()).await;
    let query = "query($after: String, $n: Int) { packages(first: $n, after: $after, filter: { section: { exists: true } }) {
        pageInfo { endCursor hasNextPage } edges { cursor node { _id } } } }";
    let first = bench.json(query, json!({ "n": 1 })).await;
    let cursor = &first["data"]["packages"]["pageInfo"]["endCursor"];
    assert_eq!(first["data"]["packages"]["edges"][0]["cursor"], *cursor);
    let second = bench.json(query, json!({ "n": 5, "after": cursor })).await;
    assert_eq!(second["data"]["packages"]["edges"][0]["node"]["_id"], "2");
    for other in [
        "query($after: String) { packages(after: $after) { nodes { _id } } }",
        "query($after: String) { packages(after: $after, filter: { section: { exists: false } }) { nodes { _id } } }",
        "query($after: String) { places(after: $after) { nodes { _id } } }",
    ] {
        assert_eq!(bench.code(other, json!({ "after": cursor })).await, "BAD_CURSOR", "{other}");
    }
}

#[tokio::test]
async fn a_limit_tells_its_name_its_value_and_what_was_asked() {
    let bench = bench(packages()).await;
    let values: Vec<String> = (0..10_001).map(|n| n.to_string()).collect();
    let query = "query($v: [String!]) { packages(filter: { section: { in: $v } }) { nodes { _id } } }";
    let answer = bench.json(query, json!({ "v": values })).await;
    assert_eq!(
        answer["errors"][0]["extensions"],
        json!({ "code": "LIMIT_EXCEEDED", "argument": ["filter", "section", "in"], "limit": "in_values", "value": 10_000, "asked": 10_001 })
    );
}
