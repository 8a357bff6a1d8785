//! `hooke verify` by the built program: on the embedded engine, and on Elasticsearch, where nothing may be written.

use hooke::config::{ElasticConfig, Writes};
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::commands::{err, hooke, out};
use crate::ground::{elasticsearch_url, unique};

fn mappings() -> Json {
    json!({ "properties": {
        "title": { "type": "text", "fields": { "keyword": { "type": "keyword", "ignore_above": 20 } } },
        "section": { "type": "keyword" }, "code": { "type": "keyword", "normalizer": "lowercase" },
        "size": { "type": "integer" }, "price": { "type": "double" }, "added": { "type": "date" }, "open": { "type": "boolean" },
        "from": { "type": "ip" }, "place": { "type": "geo_point" },
        "offers": { "type": "nested", "properties": {
            "shop": { "type": "keyword" }, "price": { "type": "integer" },
            "parts": { "type": "nested", "properties": { "name": { "type": "keyword" } } }
        } }
    } })
}

fn documents() -> Vec<(String, Json)> {
    let words = ["Stone", "arch", "bridge", "over", "The", "river", "don't", "wi-fi", "Über", "v1.2", "👩", "สวัสดี"];
    let document = |n: usize| {
        let title: Vec<&str> = (0..n % 6).map(|at| words[(n * 7 + at * 5) % words.len()]).collect();
        let mut document = json!({
            "title": title.join(" "), "section": (["net", "web", "libs", "Net"])[n % 4], "code": format!("C{}", n % 9),
            "size": n * n % 97, "price": n as f64 / 4.0, "added": format!("20{:02}-{:02}-17T22:30:00Z", 10 + n % 15, 1 + n % 12),
            "open": n.is_multiple_of(3), "from": format!("10.0.{}.{n}", n % 3),
            "place": { "lat": n as f64 / 2.0 - 40.0, "lon": (n * 13 % 300) as f64 - 150.0 },
            "offers": (0..n % 4).map(|at| json!({
                "shop": format!("s{}", (n + at) % 5), "price": n * at % 11,
                "parts": (0..at).map(|part| json!({ "name": format!("p{part}") })).collect::<Vec<_>>()
            })).collect::<Vec<_>>()
        });
        if n.is_multiple_of(5) {
            document["section"] = json!(["net", "web"]);
            document.as_object_mut().unwrap().remove("size");
        }
        (format!("n{n}"), document)
    };
    (0..90).map(document).collect()
}

fn lines() -> String {
    documents()
        .into_iter()
        .map(|(id, mut document)| {
            document["_id"] = json!(id);
            format!("{document}\n")
        })
        .collect()
}

/// An index of its own, made by nobody who knows hooke.
async fn index(url: &str, name: &str, settings: Json) {
    let http = reqwest::Client::new();
    let body = json!({ "settings": settings, "mappings": mappings() });
    let made = http.put(format!("{url}/{name}")).json(&body).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.text().await.unwrap());
    let bulk: String =
        documents().into_iter().map(|(id, document)| format!("{}\n{document}\n", json!({ "index": { "_id": id } }))).collect();
    let written = http
        .post(format!("{url}/{name}/_bulk?refresh=true"))
        .header("content-type", "application/x-ndjson")
        .body(bulk)
        .send()
        .await
        .unwrap();
    let written: Json = written.json().await.unwrap();
    assert_eq!(written["errors"], false, "{written}");
}

#[tokio::test]
async fn a_collection_of_the_embedded_engine_is_verified() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_string_lossy().into_owned();
    let mapping = folder.path().join("mapping.json");
    std::fs::write(&mapping, mappings().to_string()).unwrap();
    let mapping = mapping.to_string_lossy().into_owned();
    let loaded = hooke(&["load", "things", "-", "--mapping", &mapping, "--data", &data], &lines()).await;
    assert!(loaded.status.success(), "{}", err(&loaded));
    let verified = hooke(&["verify", "things", "--cases", "200", "--seed", "3", "--data", &data], "").await;
    assert!(verified.status.success(), "{}{}", out(&verified), err(&verified));
    let told = out(&verified);
    assert!(told.contains("looked at 90 of 90 documents") && told.ends_with("200 random queries, no difference\n"), "{told}");
    assert!(told.contains("not judged  scores"), "{told}");
    // a sample of them, asked for by their ids
    let sampled = hooke(&["verify", "things", "--cases", "50", "--documents", "20", "--data", &data], "").await;
    assert!(sampled.status.success() && out(&sampled).contains("of 90 documents"), "{}{}", out(&sampled), err(&sampled));

    let absent = hooke(&["verify", "nothings", "--data", &data], "").await;
    assert_eq!(absent.status.code(), Some(2));
    assert!(err(&absent).contains("there is no collection \"nothings\""), "{}", err(&absent));
}

#[tokio::test]
async fn an_index_of_elasticsearch_is_verified_without_writing_and_what_differs_is_told() {
    let Some(url) = elasticsearch_url() else { return };
    let prefix = unique("verify");
    let (plain, sharded, odd) = (format!("{prefix}-plain"), format!("{prefix}-sharded"), format!("{prefix}-odd"));
    index(&url, &plain, json!({})).await;
    index(&url, &sharded, json!({ "number_of_shards": 3 })).await;
    // some words are left out, which no mapping tells
    index(
        &url,
        &odd,
        json!({ "analysis": { "analyzer": { "default": { "type": "standard", "stopwords": ["stone", "arch", "river"] } } } }),
    )
    .await;
    let test = TestApp::open(|config| {
        config.elasticsearch = Some(ElasticConfig { urls: vec![url.clone()], ..ElasticConfig::default() });
        config.catalog.include = vec![format!("{prefix}*")];
        config.writes = Some(Writes::Off);
    })
    .await;
    let verify = async |name: &str, more: &[&str]| {
        let line = [&["verify", name, "--cases", "100", "--server", &test.url], more].concat();
        hooke(&line, "").await
    };
    for name in [&plain, &sharded] {
        let verified = verify(name, &[]).await;
        assert!(verified.status.success(), "{}{}", out(&verified), err(&verified));
    }
    let sampled = verify(&sharded, &["--documents", "30", "--seed", "9"]).await;
    assert!(sampled.status.success(), "{}{}", out(&sampled), err(&sampled));

    let different = verify(&odd, &[]).await;
    assert_eq!(different.status.code(), Some(1), "{}{}", out(&different), err(&different));
    let told = out(&different);
    assert!(told.contains("DIFFERENCE in query") && told.contains("answered otherwise than expected"), "{told}");
    assert!(told.contains("\"title\"") && told.contains("document n"), "{told}");
    test.stop().await;
    for name in [plain, sharded, odd] {
        reqwest::Client::new().delete(format!("{url}/{name}")).send().await.unwrap();
    }
}

/// What is near on several shards says so, and everything is counted somewhere.
#[tokio::test]
async fn what_is_approximate_on_several_shards_says_so() {
    const COUNT: u64 = 6_000;
    let Some(url) = elasticsearch_url() else { return };
    let name = unique("shards");
    let http = reqwest::Client::new();
    let body = json!({ "settings": { "number_of_shards": 3 }, "mappings": { "properties": { "k": { "type": "keyword" } } } });
    assert!(http.put(format!("{url}/{name}")).json(&body).send().await.unwrap().status().is_success());
    let bulk: String = (0..COUNT).map(|n| format!("{{\"index\":{{}}}}\n{{\"k\":\"v{n}\"}}\n")).collect();
    let written = http.post(format!("{url}/{name}/_bulk?refresh=true")).header("content-type", "application/x-ndjson").body(bulk);
    assert!(written.send().await.unwrap().status().is_success());
    let test = TestApp::open(|config| {
        config.elasticsearch = Some(ElasticConfig { urls: vec![url.clone()], ..ElasticConfig::default() });
        config.catalog.include = vec![name.clone()];
        config.writes = Some(Writes::Off);
    })
    .await;
    let listed: Json = test.get("/v1/collections").await.json().await.unwrap();
    let root = listed["collections"][0]["field"].as_str().unwrap();
    let data = test
        .data(&format!(
            "{{ page: {root}(first: 0) {{
                 facets {{ k(first: 5) {{ values {{ count }} otherCount distinctCount exactDistinct }} }}
                 few: groupBy(keys: [{{ field: K }}], first: 5) {{ nodes {{ count }} otherCount errorBound }}
                 byKey: groupBy(keys: [{{ field: K }}], first: 5, orderBy: [{{ key: ASC }}]) {{ nodes {{ count }} otherCount errorBound }}
                 kept: groupBy(keys: [{{ field: K }}], first: 5, having: {{ count: {{ gte: 1 }} }}) {{ nodes {{ count }} otherCount errorBound }}
               }} }}"
        ))
        .await;
    let page = &data["page"];
    let all = |part: &Json, shown: &str| {
        let shown: u64 = part[shown].as_array().unwrap().iter().map(|one| one["count"].as_u64().unwrap()).sum();
        shown + part["otherCount"].as_u64().unwrap()
    };
    let facet = &page["facets"]["k"];
    assert_eq!((all(facet, "values"), &facet["exactDistinct"]), (COUNT, &json!(false)), "{facet}");
    assert!(facet["distinctCount"].as_u64().unwrap().abs_diff(COUNT) < COUNT / 20, "{facet}");
    for (group, exact) in [("few", false), ("byKey", true), ("kept", true)] {
        let group = &page[group];
        assert_eq!(all(group, "nodes"), COUNT, "{group}");
        assert_eq!(group["errorBound"] == 0, exact, "{group}");
    }
    test.stop().await;
    http.delete(format!("{url}/{name}")).send().await.unwrap();
}
