//! Values that would like to be something else: parts of a request to Elasticsearch, or scripts in a page.

use hooke::config::{CollectionConfig, ElasticConfig};
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::browser::Browser;
use crate::ground::{elasticsearch_url, unique};
use crate::roundtrips::Proxy;

/// Keys, places and kinds; what values are is left out.
fn shape(json: &Json) -> Json {
    match json {
        Json::Object(parts) => parts.iter().map(|(key, part)| (key.clone(), shape(part))).collect(),
        Json::Array(items) => items.iter().map(shape).collect(),
        Json::String(_) => "text".into(),
        Json::Number(_) => "number".into(),
        other => other.clone(),
    }
}

const HOSTILE: [&str; 16] = [
    "\"}},{\"match_all\":{}}",
    "\"}}\n{\"index\":\".hooke-jobs\"}\n{\"query\":{\"match_all\":{}}}",
    "*",
    "a* OR b:*",
    "_exists_:secret AND NOT x",
    "a\\",
    "\\\"",
    "\u{0}",
    "\u{2028}\u{feff}",
    "</script>",
    "{{ctx._source}}",
    "doc['x'].value",
    "../_cluster/settings",
    "%22%7d",
    "a,b",
    "[TO *]",
];

#[tokio::test]
async fn a_value_never_changes_the_shape_of_a_request() {
    let Some(url) = elasticsearch_url() else { return };
    let (proxy, address) = Proxy::start(url.clone()).await;
    let name = unique("shapes");
    let app = TestApp::open(|config| {
        config.elasticsearch = Some(ElasticConfig { urls: vec![address], ..ElasticConfig::default() });
        config.catalog.include = vec![name.clone()];
        config.state.name.clone_from(&name);
        let named = CollectionConfig { name: Some("things".into()), ..CollectionConfig::default() };
        config.catalog.collections.insert(name.clone(), named);
    })
    .await;
    let properties = json!({ "k": { "type": "keyword" }, "t": { "type": "text" }, "n": { "type": "nested", "properties": { "k": { "type": "keyword" } } } });
    let body = json!({ "name": name, "mappings": { "properties": properties } });
    app.http.post(app.at("/v1/collections")).json(&body).send().await.unwrap().error_for_status().unwrap();
    app.await_schema("  things(").await;

    let query = "query($f: ThingFilter, $s: String!, $k: ThingFacetFilter) { things(filter: $f, search: { query: $s }, facetFilters: $k) { total { value } facets { k(query: $s) { values { value } } } } thing(id: $i) { _id } }";
    let query = query.replace("query($f", "query($i: ID!, $f");
    let ask = async |value: &str| {
        proxy.take();
        let filter = json!({ "and": [
            { "k": { "eq": value } }, { "k": { "ne": value } }, { "k": { "in": [value, "b"] } }, { "k": { "prefix": value } },
            { "t": { "match": value } }, { "t": { "matchPhrase": value } }, { "t": { "matchPrefix": value } },
            { "n": { "some": { "k": { "eq": value } } } }, { "k": { "gte": value } },
        ] });
        // an operator that is not there is left out of all alike
        let filter: Json = Json::Object(serde_json::Map::from_iter([(
            "and".into(),
            filter["and"].as_array().unwrap().iter().filter(|part| part["k"].get("gte").is_none()).cloned().collect(),
        )]));
        let answer = app.graphql(&query, json!({ "f": filter, "s": value, "k": { "k": { "eq": value } }, "i": value })).await;
        assert!(answer["data"].is_object(), "{value:?}: {answer}");
        let mut seen: Vec<(String, Json)> = Vec::new();
        for request in proxy.take() {
            // an id may stand in an address: as one segment of it
            let path = request.path.split('?').next().unwrap().to_owned();
            assert!(!path.contains("..") && !path.contains(".hooke"), "{path}");
            let lines: Vec<Json> = match serde_json::from_str::<Json>(&request.body) {
                Ok(whole) => vec![whole],
                Err(_) => request.body.lines().map(|line| serde_json::from_str(line).unwrap()).collect(),
            };
            seen.push((path, lines.iter().map(shape).collect()));
        }
        seen.sort_by(|a, b| a.0.cmp(&b.0));
        seen
    };
    // one word and several are asked for in different ways: a phrase needs two
    let plain = [ask("plain").await, ask("plain words").await];
    assert!(plain.iter().all(|seen| !seen.is_empty()));
    for value in HOSTILE {
        let seen = ask(value).await;
        assert!(plain.contains(&seen), "{value:?}: {seen:#?}");
    }
    app.stop().await;
    let _ = reqwest::Client::new().delete(format!("{url}/{name}")).send().await;
    let _ = reqwest::Client::new().delete(format!("{url}/.hooke-{name}*?expand_wildcards=all")).send().await;
}

const SCRIPTS: [&str; 9] = [
    "<script>window.hit=1</script>",
    "\"><img src=x onerror=window.hit=1>",
    "'><svg/onload=window.hit=1>",
    "</textarea></title></style><script>window.hit=1</script>",
    "javascript:window.hit=1",
    "{{constructor.constructor('window.hit=1')()}}",
    "${window.hit=1}",
    "<a href=\"javascript:window.hit=1\">x</a><iframe srcdoc=\"<script>parent.hit=1</script>\"></iframe>",
    "<form action=//evil.example><input name=x autofocus onfocus=window.hit=1>",
];

#[tokio::test]
async fn documents_never_run_in_a_page() {
    let Some(mut browser) = Browser::open(1200, 1400).await else { return };
    let app = TestApp::embedded().await;
    let odd = "x\"><img src=x onerror=window.hit=1>";
    let properties = json!({
        "title": { "type": "text" }, "name": { "type": "text", "fields": { "keyword": { "type": "keyword" } } },
        "kind": { "type": "keyword" }, "link": { "type": "keyword" }, odd: { "type": "keyword" }
    });
    let body = json!({ "name": "traps", "mappings": { "properties": properties } });
    let made = app.http.post(app.at("/v1/collections")).json(&body).send().await.unwrap();
    let properties = if made.status().is_success() {
        odd
    } else {
        // a name of a field that is refused cannot do harm
        let body = json!({ "name": "traps", "mappings": { "properties": { "title": { "type": "text" }, "name": { "type": "text" }, "kind": { "type": "keyword" }, "link": { "type": "keyword" } } } });
        app.http.post(app.at("/v1/collections")).json(&body).send().await.unwrap().error_for_status().unwrap();
        "link"
    };
    let lines: String = SCRIPTS
        .iter()
        .enumerate()
        .map(|(n, script)| {
            let document =
                json!({ "title": script, "name": script, "kind": script, "link": "javascript:window.hit=1", properties: script });
            let id = if n % 2 == 0 { (*script).to_owned() } else { n.to_string() };
            json!({ "create": { "id": id, "input": document } }).to_string() + "\n"
        })
        .collect();
    let request = app.http.post(app.at("/v1/collections/traps/bulk?refresh=NOW")).header("content-type", "application/x-ndjson");
    let told = request.body(lines).send().await.unwrap().text().await.unwrap();
    assert!(told.lines().count() == SCRIPTS.len(), "{told}");
    app.await_schema("  traps(").await;

    let coded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
    let mut pages: Vec<String> =
        ["/", "/search/traps", "/jobs", "/status", "/lab", "/docs", "/playground"].map(str::to_owned).to_vec();
    for script in SCRIPTS {
        pages.push(format!("/documents/traps/{}", coded(script)));
        pages.push(format!("/search/traps?q={}", coded(script)));
    }
    for place in ["/search/", "/documents/traps/", "/jobs/", "/nowhere/", "/lab/"] {
        pages.push(format!("{place}{}", coded(SCRIPTS[1])));
    }
    pages.push(format!("/search/traps?filter={0}&order={0}&after={0}&fields={0}&kind={0}", coded(SCRIPTS[0])));
    pages.push("/search/traps?q=window".into());
    for page in &pages {
        let answer = app.get(page).await;
        let header = |name: &str| answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default();
        let policy = header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("object-src 'none'"), "{page}: {policy}");
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap();
        assert!(!scripts.contains("unsafe") && !scripts.contains('*'), "{page}: {policy}");
        assert_eq!(
            (header("x-content-type-options").as_str(), header("referrer-policy").as_str()),
            ("nosniff", "same-origin"),
            "{page}"
        );
        assert!(!header("cache-control").is_empty(), "{page}");
        browser.visit(&app.at(page)).await;
        assert_eq!(browser.evaluate("window.hit === undefined && !document.querySelector('[onerror], [onload], [onfocus], iframe[srcdoc], a[href^=\"javascript:\"]')").await, true, "{page}");
    }
    // what the policy had to stop would have got past the escaping
    let stopped: Vec<_> =
        browser.complaints.iter().filter(|told| told.contains("nline") || told.contains("Content Security Policy")).collect();
    assert!(stopped.is_empty(), "{stopped:?}");
    app.stop().await;
}
