//! How many requests one operation makes, counted where they pass: a proxy stands between hooke and Elasticsearch.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use hooke::config::{CollectionConfig, ElasticConfig, RelationConfig};
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::ground::{elasticsearch_url, unique};

/// Passes everything on and remembers what it was.
#[derive(Clone)]
pub struct Proxy {
    upstream: String,
    http: reqwest::Client,
    seen: Arc<Mutex<Vec<Seen>>>,
}

#[derive(Clone, Debug)]
pub struct Seen {
    pub method: String,
    pub path: String,
    pub body: String,
}

impl Proxy {
    pub async fn start(upstream: String) -> (Proxy, String) {
        let proxy = Proxy { upstream, http: reqwest::Client::new(), seen: Arc::default() };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(pass_on).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        (proxy, url)
    }

    /// What asks for documents since the last time; looks of the catalog and at hooke's own state are left out.
    pub fn take(&self) -> Vec<Seen> {
        let seen = std::mem::take(&mut *self.seen.lock().unwrap());
        let asks = |seen: &Seen| {
            ["/_search", "/_msearch", "/_mget", "/_doc", "/_count", "/_pit", "/_source"]
                .iter()
                .any(|part| seen.path.contains(part))
                // hooke's own state
                && !seen.path.contains("/.hooke-")
        };
        seen.into_iter().filter(asks).collect()
    }

    /// Everything since the last time, the catalog's looks too.
    pub fn take_all(&self) -> Vec<Seen> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }

    /// `_search _mget`, sorted.
    fn kinds(&self) -> String {
        let mut kinds: Vec<String> = self
            .take()
            .iter()
            .map(|seen| seen.path.split(['/', '?']).rfind(|part| part.starts_with('_')).unwrap_or("?").to_owned())
            .collect();
        kinds.sort();
        kinds.join(" ")
    }
}

async fn pass_on(State(proxy): State<Proxy>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let path = head.uri.to_string();
    proxy.seen.lock().unwrap().push(Seen {
        method: head.method.to_string(),
        path: path.clone(),
        body: String::from_utf8_lossy(&body).into_owned(),
    });
    let mut onward = proxy.http.request(head.method, format!("{}{path}", proxy.upstream)).body(body);
    for (name, value) in &head.headers {
        if name != "host" && name != "content-length" {
            onward = onward.header(name, value);
        }
    }
    let answer = onward.send().await.unwrap();
    let mut headers = answer.headers().clone();
    headers.remove("transfer-encoding");
    headers.remove("content-length");
    (answer.status(), headers, answer.bytes().await.unwrap()).into_response()
}

struct Library {
    app: TestApp,
    proxy: Proxy,
    indices: Vec<String>,
    elasticsearch: String,
    http: reqwest::Client,
}

impl Library {
    /// Books and authors. `None`: there is no Elasticsearch.
    async fn open() -> Option<Library> {
        let elasticsearch = elasticsearch_url()?;
        let (proxy, url) = Proxy::start(elasticsearch.clone()).await;
        let http = reqwest::Client::new();
        let stem = unique("trips");
        let indices = vec![format!("{stem}-books"), format!("{stem}-authors")];
        for (index, properties) in indices.iter().zip([
            json!({ "title": { "type": "text" }, "year": { "type": "integer" }, "tags": { "type": "keyword" } }),
            json!({ "name": { "type": "keyword" } }),
        ]) {
            let body = json!({ "mappings": { "properties": properties, "_meta": { "hooke": { "lists": { "tags": true } } } } });
            let body = if index.ends_with("books") { body } else { json!({ "mappings": { "properties": properties } }) };
            let made = http.put(format!("{elasticsearch}/{index}")).json(&body).send().await.unwrap();
            assert!(made.status().is_success(), "{}", made.text().await.unwrap());
        }
        let documents = [
            (0, "1", json!({ "title": "The quick fox", "year": 1999, "tags": ["a"] })),
            (0, "2", json!({ "title": "A lazy dog", "year": 2001, "tags": ["b"] })),
            (0, "3", json!({ "title": "Fox and dog", "year": 2003, "tags": [] })),
            (1, "1", json!({ "name": "Ann" })),
        ];
        for (index, id, source) in documents {
            let index = &indices[index];
            let put = http.put(format!("{elasticsearch}/{index}/_doc/{id}?refresh=true")).json(&source).send().await.unwrap();
            assert!(put.status().is_success());
        }
        let named = |name: &str| CollectionConfig { name: Some(name.into()), ..CollectionConfig::default() };
        let app = TestApp::open(|config| {
            config.elasticsearch = Some(ElasticConfig { urls: vec![url], ..ElasticConfig::default() });
            config.catalog.include = vec![format!("{stem}*")];
            let writer = RelationConfig { to: indices[1].clone(), field: "_id".into(), by: "_id".into(), many: false };
            let mut books = named("books");
            books.relations.insert("writer".into(), writer);
            config.catalog.collections.insert(indices[0].clone(), books);
            config.catalog.collections.insert(indices[1].clone(), named("authors"));
        })
        .await;
        let library = Library { app, proxy, indices, elasticsearch, http };
        library.await_roots().await;
        library.proxy.take();
        Some(library)
    }

    async fn await_roots(&self) {
        let from = Instant::now();
        loop {
            let sdl = self.app.get("/schema.graphql").await.text().await.unwrap();
            if sdl.contains("  books(") && sdl.contains("  authors(") {
                return;
            }
            assert!(from.elapsed() < Duration::from_secs(10), "the collections do not appear in\n{sdl}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn close(self) {
        self.app.stop().await;
        for index in &self.indices {
            self.http.delete(format!("{}/{index}", self.elasticsearch)).send().await.unwrap();
        }
    }

    /// Answer and the kinds of requests that it took.
    async fn ask(&self, query: &str) -> (Json, String) {
        self.proxy.take();
        let data = self.app.data(query).await;
        (data, self.proxy.kinds())
    }
}

#[tokio::test]
async fn one_operation_is_one_round_trip() {
    let Some(library) = Library::open().await else {
        eprintln!("SKIPPED, HOOKE_TEST_ELASTICSEARCH is not set");
        return;
    };

    // a whole connection is one search
    let (data, requests) = library
        .ask(
            r#"{ books(search: { query: "fox" }, filter: { year: { gte: 1990 } }, orderBy: [{ field: YEAR, direction: DESC }], first: 1) {
                 total { value relation } pageInfo { hasNextPage endCursor } edges { cursor score highlights(fields: [TITLE]) { field } node { _id title tags } } } }"#,
        )
        .await;
    assert_eq!(requests, "_search");
    assert_eq!(data["books"]["total"]["value"], 2);
    assert_eq!(data["books"]["edges"][0]["node"]["_id"], "3");

    // five roots, over two collections, are one msearch, in the order of the query
    let (data, requests) = library
        .ask(
            r#"{ e: authors { nodes { name } } a: books(first: 1) { nodes { title } } b: books(filter: { tags: { eq: "b" } }) { nodes { title } }
                 c: books(last: 1) { nodes { title } } d: books(first: 0) { total { value } } }"#,
        )
        .await;
    assert_eq!(requests, "_msearch");
    assert_eq!(data["e"]["nodes"][0]["name"], "Ann");
    assert_eq!(data["b"]["nodes"][0]["title"], "A lazy dog");
    assert_eq!(data["d"]["total"]["value"], 3);

    // the whole search page is one search: hits, total, facets with ticks, aggregates, groups in groups and their documents
    const PAGE: &str = r#"books(search: { query: "fox dog" }, facetFilters: { tags: { in: ["b"] } }) {
        total { value } edges { score node { _id } highlights(fields: [TITLE]) { field } explanation { value details { value } } }
        facets { tags { values { value count selected } distinctCount } year(interval: { size: 2 }) { buckets { count } stats { max } } }
        aggregate { count year { avg percentiles { value } distinctCount } }
        groupBy(keys: [{ field: TAGS }], first: 1) { otherCount nodes { count aggregate { year { min } } topHits { _id }
          groupBy(keys: [{ field: YEAR }], orderBy: [{ key: DESC }]) { nodes { count } } } }
        suggestions { didYouMean { text } relaxed { text dropped total { value } } } }"#;
    let (data, requests) = library.ask(&format!("{{ {PAGE} }}")).await;
    assert_eq!(requests, "_search");
    let tags = &data["books"]["facets"]["tags"]["values"];
    assert_eq!(*tags, json!([{ "value": "a", "count": 1, "selected": false }, { "value": "b", "count": 1, "selected": true }]));
    assert_eq!(data["books"]["groupBy"]["nodes"][0]["topHits"], json!([{ "_id": "2" }]));
    // and five of them are one msearch
    let five: String = (0..5).map(|at| format!("p{at}: {PAGE} ")).collect();
    let (data, requests) = library.ask(&format!("{{ {five} }}")).await;
    assert_eq!(requests, "_msearch");
    assert_eq!(data["p4"]["aggregate"]["count"], 1);
    // values for a search box are one search, several of them one msearch, beside others too
    let (data, requests) = library.ask(r#"{ booksSuggest(field: TAGS, prefix: "A") { text count } }"#).await;
    assert_eq!((requests.as_str(), &data["booksSuggest"]), ("_search", &json!([{ "text": "a", "count": 1 }])));
    let (_, requests) = library
        .ask(r#"{ a: booksSuggest(field: TAGS, prefix: "a") { text } b: booksSuggest(field: TAGS, prefix: "b") { text } books { nodes { _id } } }"#)
        .await;
    assert_eq!(requests, "_msearch");

    // ids are one mget, however many, beside one search
    let (data, requests) =
        library.ask(r#"{ x: book(id: "1") { title } y: book(id: "none") { title } z: author(id: "1") { name } }"#).await;
    assert_eq!(requests, "_mget");
    assert_eq!((&data["x"]["title"], &data["y"], &data["z"]["name"]), (&json!("The quick fox"), &Json::Null, &json!("Ann")));
    let (data, requests) =
        library.ask(r#"{ book(id: "1") { nodeId } books { nodes { nodeId } } authors { nodes { name } } }"#).await;
    assert_eq!(requests, "_mget _msearch");
    let ids: Vec<&str> = data["books"]["nodes"].as_array().unwrap().iter().map(|node| node["nodeId"].as_str().unwrap()).collect();
    let query = format!(
        r#"{{ node(nodeId: "{}") {{ nodeId }} nodes(nodeIds: ["{}", "{}"]) {{ nodeId }} books(first: 1) {{ nodes {{ title }} }} }}"#,
        ids[0], ids[1], ids[2]
    );
    let (data, requests) = library.ask(&query).await;
    assert_eq!(requests, "_mget _search");
    assert_eq!((&data["node"]["nodeId"], &data["nodes"][1]["nodeId"]), (&json!(ids[0]), &json!(ids[2])));

    // a snapshot is opened first, once for all connections of a collection; the next pages are one search
    let (data, requests) = library
        .ask("{ a: books(first: 2, consistency: SNAPSHOT) { pageInfo { endCursor } } b: books(last: 1, consistency: SNAPSHOT) { nodes { _id } } }")
        .await;
    assert_eq!(requests, "_msearch _pit");
    let cursor = data["a"]["pageInfo"]["endCursor"].as_str().unwrap();
    let (data, requests) =
        library.ask(&format!(r#"{{ books(first: 2, after: "{cursor}", consistency: SNAPSHOT) {{ nodes {{ _id }} }} }}"#)).await;
    assert_eq!((requests.as_str(), data["books"]["nodes"].as_array().unwrap().len()), ("_search", 1));
    let (_, requests) = library.ask("{ books(consistency: SNAPSHOT) { total { value } } }").await;
    assert_eq!(requests, "_search");

    // a relation is one round trip more, however many documents there are
    let (data, requests) = library.ask("{ books { nodes { _id writer { name } } } }").await;
    assert_eq!(requests, "_mget _search");
    assert_eq!(data["books"]["nodes"][0]["writer"]["name"], "Ann");

    // several collections together are one search, however many types they are of
    const TOGETHER: &str = r#"search(collections: [BOOKS, AUTHORS], search: { query: "fox Ann" }, first: 3) {
        total(upTo: null) { value } pageInfo { hasNextPage endCursor } edges { cursor score collection node { ... on Book { title } ... on Author { name } } } }"#;
    let (data, requests) = library.ask(&format!("{{ {TOGETHER} }}")).await;
    assert_eq!((requests.as_str(), &data["search"]["total"]["value"]), ("_search", &json!(2)));
    let (data, requests) = library.ask(&format!("{{ {TOGETHER} books {{ nodes {{ title }} }} }}")).await;
    assert_eq!((requests.as_str(), data["search"]["edges"].as_array().unwrap().len()), ("_msearch", 2));

    // an explanation comes with the hits
    let (data, requests) = library.ask(r#"{ books(search: { query: "fox" }) { edges { explanation { value } } } }"#).await;
    assert_eq!(requests, "_search");
    assert!(data["books"]["edges"][0]["explanation"]["value"].as_f64().unwrap() > 0.0);

    // several keys need every group listed, and that is the same search
    let (data, requests) = library
        .ask("{ books { groupBy(keys: [{ field: TAGS }, { field: YEAR }], having: { count: { gte: 1 } }) { nodes { count } } } }")
        .await;
    assert_eq!((requests.as_str(), data["books"]["groupBy"]["nodes"].as_array().unwrap().len()), ("_search", 2));

    // what needs no documents asks for none
    let (_, requests) = library.ask("{ __typename __schema { queryType { name } } }").await;
    assert_eq!(requests, "");
    library.close().await;
}

#[tokio::test]
async fn only_what_is_selected_is_asked_for() {
    let Some(library) = Library::open().await else {
        eprintln!("SKIPPED, HOOKE_TEST_ELASTICSEARCH is not set");
        return;
    };
    let body = async |query: &str| {
        library.proxy.take();
        library.app.data(query).await;
        let seen = library.proxy.take();
        assert_eq!(seen.len(), 1, "{seen:?}");
        serde_json::from_str::<Json>(&seen[0].body).unwrap()
    };
    let asked = body("{ books { nodes { title } } }").await;
    let source = asked["_source"].to_string();
    assert!(source.contains("title") && !source.contains("year") && !source.contains("tags"), "{asked}");
    assert_eq!(asked["track_total_hits"], false, "{asked}");
    assert_eq!(asked.get("highlight"), None, "{asked}");
    let asked = body("{ books { total(upTo: 2) { value } } }").await;
    assert_eq!(asked["track_total_hits"], 2, "{asked}");
    // the answers of fields that nobody may see are not brought
    let asked = body("{ books { nodes { _id } } }").await;
    assert!(!asked["_source"].to_string().contains("title"), "{asked}");
    library.close().await;
}

/// What is told to have been sent is what passed, to the letter, and can be sent again by hand.
#[tokio::test]
async fn the_requests_told_are_those_sent() {
    let Some(library) = Library::open().await else {
        eprintln!("SKIPPED, HOOKE_TEST_ELASTICSEARCH is not set");
        return;
    };
    for (query, cost) in [
        (r#"{ books(search: { query: "fox" }, first: 2) { nodes { title } } }"#, 2),
        (r#"{ books(first: 3) { nodes { title } } authors(first: 4) { nodes { name } } book(id: "1") { title } }"#, 8),
        (r#"{ search(collections: [BOOKS, AUTHORS], search: { query: "fox" }, first: 5) { edges { score } } }"#, 5),
        (r#"{ books(search: { query: "fox" }, first: 2) { edges { explanation { value } } } }"#, 4),
        ("{ books(first: 2, consistency: SNAPSHOT) { nodes { _id writer { name } } } }", 4),
    ] {
        library.proxy.take();
        let asked = library.http.post(library.app.at("/graphql")).header("hooke-explain", "1").json(&json!({ "query": query }));
        let answer: Json = asked.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer.get("errors"), None, "{answer}");
        let told = &answer["extensions"]["hooke"];
        let line = |method: &str, path: &str, body: &str| format!("{method} {path}\n{body}");
        let mut sent: Vec<String> = library.proxy.take().iter().map(|seen| line(&seen.method, &seen.path, &seen.body)).collect();
        let part = |request: &'_ Json, name: &str| request[name].as_str().unwrap_or_default().to_owned();
        let requests = told["requests"].as_array().unwrap();
        let mut shown: Vec<String> = requests
            .iter()
            .map(|request| line(&part(request, "method"), &part(request, "path"), &part(request, "body")))
            .collect();
        // those of one moment pass in any order
        sent.sort();
        shown.sort();
        assert_eq!(shown, sent, "{query}");
        assert_eq!((&told["roundTrips"], &told["cost"]), (&json!(sent.len()), &json!(cost)), "{query}");
        assert!(told["milliseconds"].as_f64().unwrap() > 0.0);
        // again, as a console would
        for request in requests.iter().filter(|request| !part(request, "path").contains("_pit")) {
            let kind = if part(request, "path").contains("_msearch") { "application/x-ndjson" } else { "application/json" };
            let url = format!("{}{}", library.elasticsearch, part(request, "path"));
            let again = library.http.post(url).header("content-type", kind).body(part(request, "body")).send().await.unwrap();
            assert_eq!(again.status(), 200, "{request}");
            assert!(!again.text().await.unwrap().contains("\"error\""), "{request}");
        }
    }
    library.close().await;
}
