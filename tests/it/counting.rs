//! The search page in one operation: hits, facets, aggregates and groups, with the numbers that they must have, on both engines.

use hooke::config::{CollectionConfig, ElasticConfig};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::ground::{elasticsearch_url, unique};

/// A hooke with one collection, whose root field is `packages`.
pub async fn shop(elasticsearch: Option<String>) -> (TestApp, String) {
    let name = elasticsearch.as_ref().map_or_else(|| "packages".to_owned(), |_| unique("packages"));
    let app = TestApp::open(|config| {
        if let Some(url) = elasticsearch {
            config.elasticsearch = Some(ElasticConfig { urls: vec![url], ..ElasticConfig::default() });
            config.catalog.include = vec![name.clone()];
            config.state.name.clone_from(&name);
        }
        let named =
            CollectionConfig { name: Some("packages".into()), singular: Some("package".into()), ..CollectionConfig::default() };
        config.catalog.collections.insert(name.clone(), named);
    })
    .await;
    let keyword = json!({ "type": "keyword" });
    let text = json!({ "type": "text", "fields": { "keyword": { "type": "keyword" } } });
    let mapping = json!({
        "_meta": { "hooke": { "lists": { "tags": true } } },
        "properties": {
            "name": text, "description": { "type": "text" }, "section": keyword, "priority": keyword, "maintainer": keyword,
            "installedSize": { "type": "long" }, "essential": { "type": "boolean" }, "addedOn": { "type": "date" }, "tags": keyword,
        },
    });
    let made = app.http.post(app.at("/v1/collections")).json(&json!({ "name": name, "mappings": mapping })).send().await.unwrap();
    assert!(made.status().is_success(), "{}", made.text().await.unwrap());
    let rows = [
        ("nginx", "web", "optional", "Ann", 200, "a small web server", false, "2024-01-15", json!(["daemon", "http"])),
        ("apache", "web", "optional", "Bob", 400, "the web server", false, "2024-01-31T23:30:00Z", json!(["daemon"])),
        ("caddy", "net", "optional", "Ann", 600, "web server with certificates", false, "2024-03-31T00:30:00Z", json!(["http"])),
        ("boa", "net", "extra", "Cid", 150, "old web server", true, "2024-03-31T22:30:00Z", json!([])),
        ("lighttpd", "httpd", "optional", "Ann", 300, "light web server", false, "2024-05-01", json!(["daemon", "daemon"])),
        ("thttpd", "web", "extra", "Bob", 120, "tiny web server", false, "2023-12-31", json!("http")),
        ("huge", "web", "optional", "Bob", 50_000, "web server", false, "2024-02-29", json!(null)),
        ("tiny", "web", "optional", "Bob", 50, "web server", false, "2024-02-29", json!(null)),
        ("curl", "net", "optional", "Ann", 500, "fetches pages", false, "2024-02-01", json!(["client"])),
    ];
    let lines: String = rows
        .into_iter()
        .map(|(name, section, priority, maintainer, size, description, essential, added, tags)| {
            let input = json!({
                "name": name, "section": section, "priority": priority, "maintainer": maintainer, "installedSize": size,
                "description": description, "essential": essential, "addedOn": added, "tags": tags,
            });
            format!("{}\n", json!({ "create": { "id": name, "input": input } }))
        })
        .chain(["{\"create\":{\"id\":\"bare\",\"input\":{}}}\n".to_owned()])
        .collect();
    let path = format!("/v1/collections/{name}/bulk?refresh=NOW");
    let answer = app.http.post(app.at(&path)).header(CONTENT_TYPE, "application/x-ndjson").body(lines).send().await.unwrap();
    let answer = answer.text().await.unwrap();
    assert_eq!(answer.lines().filter(|line| line.contains("\"errors\":[]")).count(), 10, "{answer}");
    // the schema follows the catalog
    let began = std::time::Instant::now();
    while !app.get("/schema.graphql").await.text().await.unwrap().contains("  packages(") {
        assert!(began.elapsed() < std::time::Duration::from_secs(10), "packages does not come into the schema");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    (app, name)
}

const PAGE: &str = r#"query Page($after: String) {
  packages(
    search: { query: "web servr", fields: [{ field: NAME, boost: 3 }, { field: DESCRIPTION }], operator: AND, fuzziness: AUTO }
    filter: { installedSize: { gte: 100, lt: 50000 }, or: [{ priority: { eq: "optional" } }, { essential: { eq: true } }] }
    facetFilters: { section: { in: ["net", "web"] } }
    orderBy: [{ score: DESC }, { field: INSTALLED_SIZE, direction: DESC }]
    first: 10, after: $after
  ) {
    total(upTo: 10000) { value relation }
    pageInfo { hasNextPage hasPreviousPage }
    edges { node { _id name section } highlights(fields: [DESCRIPTION]) { field fragments { parts { text hit } } } }
    facets { section(first: 10) { values { value count selected } otherCount distinctCount }
             installedSize(ranges: [{ to: 100 }, { from: 100 }]) { buckets { from to count } stats { min max } } }
    aggregate { count installedSize { min max avg sum percentiles(at: [50, 95]) { at value } } maintainer { distinctCount } }
    groupBy(keys: [{ field: SECTION }], first: 5, orderBy: [{ count: DESC }]) {
      nodes { key { section } count aggregate { installedSize { avg } } groupBy(keys: [{ field: PRIORITY }]) { nodes { key { priority } count } } topHits(first: 1) { name } }
      otherCount
    }
    suggestions { didYouMean { text parts { text changed } } }
  }
}"#;

async fn the_page(app: &TestApp) {
    let page = &app.data(PAGE).await["packages"];
    assert_eq!(page["total"], json!({ "value": 4, "relation": "EQ" }));
    assert_eq!(
        page["suggestions"]["didYouMean"],
        json!({ "text": "web server", "parts": [{ "text": "web ", "changed": false }, { "text": "server", "changed": true }] })
    );
    let ids: Vec<&str> = page["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["_id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["apache", "boa", "caddy", "nginx"]);
    assert_eq!(
        page["facets"],
        json!({
            // the tick on the section narrows everything but the section's own facet
            "section": {
                "values": [
                    { "value": "net", "count": 2, "selected": true },
                    { "value": "web", "count": 2, "selected": true },
                    { "value": "httpd", "count": 1, "selected": false },
                ],
                "otherCount": 0,
                "distinctCount": 3,
            },
            "installedSize": {
                "buckets": [{ "from": null, "to": 100, "count": 0 }, { "from": 100, "to": null, "count": 4 }],
                "stats": { "min": 150.0, "max": 600.0 },
            },
        })
    );
    let percentiles = &page["aggregate"]["installedSize"]["percentiles"];
    for (index, value) in [300.0, 570.0].into_iter().enumerate() {
        let got = percentiles[index]["value"].as_f64().unwrap();
        assert!((got - value).abs() < 1e-9, "{got} is not {value}");
    }
    assert_eq!(
        page["aggregate"],
        json!({
            "count": 4,
            "installedSize": { "min": 150.0, "max": 600.0, "avg": 337.5, "sum": 1350.0, "percentiles": percentiles },
            "maintainer": { "distinctCount": 3 },
        })
    );
    let inner = |of: &[(&str, u32)]| -> Json {
        json!({ "nodes": of.iter().map(|(priority, count)| json!({ "key": { "priority": priority }, "count": count })).collect::<Vec<_>>() })
    };
    assert_eq!(
        page["groupBy"],
        json!({
            "nodes": [
                { "key": { "section": "net" }, "count": 2, "aggregate": { "installedSize": { "avg": 375.0 } },
                  "groupBy": inner(&[("extra", 1), ("optional", 1)]), "topHits": [{ "name": "boa" }] },
                { "key": { "section": "web" }, "count": 2, "aggregate": { "installedSize": { "avg": 300.0 } },
                  "groupBy": inner(&[("optional", 2)]), "topHits": [{ "name": "apache" }] },
            ],
            "otherCount": 0,
        })
    );
}

async fn facets(app: &TestApp) {
    let data = app
        .data(
            r#"{ packages(first: 0) { facets {
                 tags(include: [MISSING], first: 1) { values { value count } otherCount distinctCount exactDistinct }
                 searched: maintainer(query: "AN") { values { value count } otherCount }
                 sections: section(orderBy: [{ value: DESC }], first: 2) { values { value count } otherCount }
                 essential { values { value count } }
                 installedSize(interval: { size: 200, offset: 100 }) { values { value } buckets { from to count } }
                 addedOn(interval: { calendar: MONTH, timeZone: "Europe/Berlin" }) { buckets { from to count } stats { valueCount min max } }
                 years: addedOn(ranges: [{ to: "2024" }, { from: "2024", to: "now" }, {}]) { buckets { from count } }
               } } }"#,
        )
        .await;
    let facets = &data["packages"]["facets"];
    // a document counts once for each of its values, however often it has it
    assert_eq!(
        facets["tags"],
        json!({ "values": [{ "value": "daemon", "count": 3 }, { "value": null, "count": 4 }], "otherCount": 4, "distinctCount": 3, "exactDistinct": facets["tags"]["exactDistinct"] })
    );
    assert_eq!(facets["searched"], json!({ "values": [{ "value": "Ann", "count": 4 }], "otherCount": 0 }));
    assert_eq!(
        facets["sections"],
        json!({ "values": [{ "value": "web", "count": 5 }, { "value": "net", "count": 3 }], "otherCount": 1 })
    );
    assert_eq!(facets["essential"]["values"], json!([{ "value": false, "count": 8 }, { "value": true, "count": 1 }]));
    let buckets = facets["installedSize"]["buckets"].as_array().unwrap();
    assert_eq!(
        buckets[..4],
        [
            json!({ "from": -100, "to": 100, "count": 1 }),
            json!({ "from": 100, "to": 300, "count": 3 }),
            json!({ "from": 300, "to": 500, "count": 2 }),
            json!({ "from": 500, "to": 700, "count": 2 }),
        ]
    );
    // empty ones between, up to the last
    assert_eq!(buckets.len(), 251);
    assert_eq!(buckets[250], json!({ "from": 49_900, "to": 50_100, "count": 1 }));
    assert_eq!(facets["installedSize"]["values"].as_array().unwrap().len(), 9);
    let month = |from: &str, to: &str, count: u32| json!({ "from": format!("{from}:00:00.000Z"), "to": format!("{to}:00:00.000Z"), "count": count });
    assert_eq!(
        facets["addedOn"]["buckets"],
        json!([
            month("2023-11-30T23", "2023-12-31T23", 1),
            month("2023-12-31T23", "2024-01-31T23", 1),
            month("2024-01-31T23", "2024-02-29T23", 4),
            month("2024-02-29T23", "2024-03-31T22", 1),
            month("2024-03-31T22", "2024-04-30T22", 1),
            month("2024-04-30T22", "2024-05-31T22", 1),
        ])
    );
    assert_eq!(
        facets["addedOn"]["stats"],
        json!({ "valueCount": 9, "min": "2023-12-31T00:00:00.000Z", "max": "2024-05-01T00:00:00.000Z" })
    );
    assert_eq!(
        facets["years"]["buckets"],
        json!([{ "from": null, "count": 1 }, { "from": "2024-01-01T00:00:00.000Z", "count": 8 }, { "from": null, "count": 9 }])
    );
}

async fn groups(app: &TestApp) {
    let data = app
        .data(
            r#"{ packages {
                 pairs: groupBy(keys: [{ field: MAINTAINER }, { field: SECTION }], first: 2) { nodes { key { maintainer section } count } otherCount errorBound }
                 best: groupBy(keys: [{ field: SECTION, include: [MISSING] }], orderBy: [{ field: INSTALLED_SIZE, metric: MIN, direction: DESC }]) {
                   nodes { key { section } count aggregate { installedSize { min } } } }
                 large: groupBy(keys: [{ field: MAINTAINER }], having: { count: { gte: 2 }, installedSize: { avg: { lt: 1000 } } }) { nodes { key { maintainer } aggregate { installedSize { avg stdDev } } } }
                 months: groupBy(keys: [{ field: ADDED_ON, interval: { calendar: QUARTER } }], orderBy: [{ key: ASC }]) { nodes { key { addedOn } count aggregate { addedOn { max } } } }
                 sizes: groupBy(keys: [{ field: INSTALLED_SIZE, ranges: [{ from: 400 }, { to: 400 }] }], orderBy: [{ key: ASC }]) { nodes { key { installedSize installedSizeRange { from to } } count } }
                 tagged: groupBy(keys: [{ field: TAGS }]) { nodes { key { tags } count topHits(first: 2, orderBy: [{ field: INSTALLED_SIZE }]) { name } } }
               } }"#,
        )
        .await;
    let packages = &data["packages"];
    assert_eq!(
        packages["pairs"],
        json!({
            "nodes": [
                { "key": { "maintainer": "Bob", "section": "web" }, "count": 4 },
                { "key": { "maintainer": "Ann", "section": "net" }, "count": 2 },
            ],
            "otherCount": 3,
            "errorBound": 0,
        })
    );
    let best = |section: Json, count: u32, min: Json| json!({ "key": { "section": section }, "count": count, "aggregate": { "installedSize": { "min": min } } });
    assert_eq!(
        packages["best"]["nodes"],
        json!([
            best(json!("httpd"), 1, json!(300.0)),
            best(json!("net"), 3, json!(150.0)),
            best(json!("web"), 5, json!(50.0)),
            // without a value to measure: last, whichever way
            best(json!(null), 1, json!(null)),
        ])
    );
    let large = packages["large"]["nodes"].as_array().unwrap();
    assert_eq!(
        (large.len(), &large[0]["key"]["maintainer"], &large[0]["aggregate"]["installedSize"]["avg"]),
        (1, &json!("Ann"), &json!(400.0))
    );
    let deviation = large[0]["aggregate"]["installedSize"]["stdDev"].as_f64().unwrap();
    assert!((deviation - 25_000_f64.sqrt()).abs() < 1e-9, "{deviation}");
    let quarter = |from: &str, count: u32, max: &str| json!({ "key": { "addedOn": format!("{from}T00:00:00.000Z") }, "count": count, "aggregate": { "addedOn": { "max": max } } });
    assert_eq!(
        packages["months"]["nodes"],
        json!([
            quarter("2023-10-01", 1, "2023-12-31T00:00:00.000Z"),
            quarter("2024-01-01", 7, "2024-03-31T22:30:00.000Z"),
            quarter("2024-04-01", 1, "2024-05-01T00:00:00.000Z"),
        ])
    );
    let size = |from: Json, to: Json, count: u32| json!({ "key": { "installedSize": null, "installedSizeRange": { "from": from, "to": to } }, "count": count });
    assert_eq!(packages["sizes"]["nodes"], json!([size(json!(null), json!(400), 5), size(json!(400), json!(null), 4)]));
    let tagged = |tag: &str, count: u32, names: &[&str]| json!({ "key": { "tags": tag }, "count": count, "topHits": names.iter().map(|name| json!({ "name": name })).collect::<Vec<_>>() });
    assert_eq!(
        packages["tagged"]["nodes"],
        json!([
            tagged("daemon", 3, &["nginx", "lighttpd"]),
            tagged("http", 3, &["thttpd", "nginx"]),
            tagged("client", 1, &["curl"]),
        ])
    );

    // all pairs, page by page
    let mut seen = Vec::new();
    let mut after = Json::Null;
    let query = "query($after: String) { packages { groupBy(keys: [{ field: SECTION, include: [MISSING] }, { field: PRIORITY, include: [MISSING] }], first: 2, after: $after, orderBy: [{ key: ASC }]) {
        nodes { key { section priority } count } pageInfo { hasNextPage endCursor } } } }";
    for _ in 0..10 {
        let answer = app.graphql(query, json!({ "after": after })).await;
        assert_eq!(answer.get("errors"), None, "{answer}");
        let page = &answer["data"]["packages"]["groupBy"];
        seen.extend(page["nodes"].as_array().unwrap().iter().map(|node| {
            format!(
                "{} {} {}",
                node["key"]["section"].as_str().unwrap_or("-"),
                node["key"]["priority"].as_str().unwrap_or("-"),
                node["count"]
            )
        }));
        if page["pageInfo"]["hasNextPage"] == false {
            break;
        }
        after = page["pageInfo"]["endCursor"].clone();
    }
    seen.sort();
    assert_eq!(seen, ["- - 1", "httpd optional 1", "net extra 1", "net optional 2", "web extra 1", "web optional 4"]);
}

async fn suggestions(app: &TestApp) {
    let ask = async |words: &str, more: &str| {
        let query = format!(
            "query($words: String!) {{ packages(search: {{ query: $words{more} }}) {{ suggestions {{ didYouMean {{ text parts {{ text changed }} }} }} }} }}"
        );
        let answer = app.graphql(&query, json!({ "words": words })).await;
        assert_eq!(answer.get("errors"), None, "{words}: {answer}");
        answer["data"]["packages"]["suggestions"]["didYouMean"].clone()
    };
    for (words, meant) in [
        ("servr", json!("server")),
        // a transposition is one edit, capitals are none, and what stands between words stays
        ("  Certificaets,  lihgt! ", json!("  certificates,  light! ")),
        ("fetchse pgaes", json!("fetches pages")),
        // both are known, in different fields; one is known, nothing is near to the other
        ("nginx pages", json!(null)),
        ("zzzzzz pages", json!(null)),
        ("wb", json!(null)),
        ("!?", json!(null)),
        ("\u{1f600} sever", json!("\u{1f600} server")),
        // enough was found
        ("web servr", json!(null)),
    ] {
        assert_eq!(ask(words, "").await["text"], meant, "{words}");
    }
    assert_eq!(ask("ngimx", ", fields: [{ field: DESCRIPTION }]").await, json!(null), "that word is of another field");
    assert_eq!(ask("ngimx", ", fields: [{ field: NAME }]").await["text"], "nginx");
    let data = app.data("{ packages { suggestions { didYouMean { text } } } }").await;
    assert_eq!(data["packages"]["suggestions"]["didYouMean"], json!(null), "there is no search");
}

async fn check(elasticsearch: Option<String>) {
    let clean = elasticsearch.is_some();
    let (app, name) = shop(elasticsearch).await;
    the_page(&app).await;
    facets(&app).await;
    groups(&app).await;
    suggestions(&app).await;
    if clean {
        app.http.delete(app.at(&format!("/v1/collections/{name}"))).send().await.unwrap();
    }
    app.stop().await;
}

#[tokio::test]
async fn the_search_page_has_the_right_numbers_on_the_embedded_engine() {
    check(None).await;
}

#[tokio::test]
async fn the_search_page_has_the_right_numbers_on_elasticsearch() {
    let Some(url) = elasticsearch_url() else {
        eprintln!("SKIPPED, HOOKE_TEST_ELASTICSEARCH is not set");
        return;
    };
    check(Some(url)).await;
}
