//! Suggestions through GraphQL: values for a search box, words that are too many, and what an alias hides; on both engines.

use hooke::config::{CollectionConfig, ElasticConfig};
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::counting::shop;
use crate::ground::{elasticsearch_url, unique};

async fn values(app: &TestApp) {
    let data = app
        .data(
            r#"{ packagesSuggest(field: SECTION, prefix: "W") { text count __typename }
                 all: packagesSuggest(field: TAGS, prefix: "", first: 2) { count text }
                 name: packagesSuggest(field: NAME, prefix: "T") { text }
                 none: packagesSuggest(field: NAME, prefix: "zz") { text }
                 packages(first: 1, filter: { name: { eq: "curl" } }) { nodes { name } } }"#,
        )
        .await;
    assert_eq!(
        data,
        json!({
            "packagesSuggest": [{ "text": "web", "count": 5, "__typename": "Suggestion" }],
            "all": [{ "count": 3, "text": "daemon" }, { "count": 3, "text": "http" }],
            "name": [{ "text": "thttpd" }, { "text": "tiny" }],
            "none": [],
            "packages": { "nodes": [{ "name": "curl" }] },
        })
    );
    for (query, code) in [
        (format!("{{ packagesSuggest(field: NAME, prefix: \"{}\") {{ text }} }}", "x".repeat(129)), "LIMIT_EXCEEDED"),
        ("{ packagesSuggest(field: NAME, prefix: \"\", first: 1001) { text } }".into(), "LIMIT_EXCEEDED"),
        ("{ packagesSuggest(field: NAME, prefix: \"\", first: -1) { text } }".into(), "BAD_USER_INPUT"),
        ("{ packagesSuggest(field: DESCRIPTION, prefix: \"\") { text } }".into(), "GRAPHQL_VALIDATION_FAILED"),
        ("{ packagesSuggest(field: NAME) { text } }".into(), "GRAPHQL_VALIDATION_FAILED"),
    ] {
        let answer = app.graphql(&query, json!({})).await;
        assert_eq!(answer["errors"][0]["extensions"]["code"], code, "{query}: {answer}");
    }
}

async fn fewer_words(app: &TestApp) {
    let ask = async |search: &str, more: &str| {
        let query = format!(
            "{{ packages(search: {{ {search} }}{more}) {{ total {{ value }} suggestions {{ relaxed {{ text dropped total {{ value relation }} }} didYouMean {{ text }} }} }} }}"
        );
        app.data(&query).await["packages"].clone()
    };
    let found = ask(r#"query: "web zebra", operator: AND"#, "").await;
    let relaxed = json!([{ "text": "web", "dropped": ["zebra"], "total": { "value": 8, "relation": "EQ" } }]);
    assert_eq!(found, json!({ "total": { "value": 0 }, "suggestions": { "relaxed": relaxed, "didYouMean": null } }));
    let found = ask(r#"query: "web zebra", operator: AND"#, r#", facetFilters: { section: { eq: "net" } }"#).await;
    assert_eq!(found["suggestions"]["relaxed"][0]["total"]["value"], 2);
    // beside a better spelling
    let found = ask(r#"query: "light servr", operator: AND"#, "").await;
    assert_eq!(found["suggestions"]["didYouMean"]["text"], "light server");
    assert_eq!(found["suggestions"]["relaxed"][0]["text"], "light");
    // enough is found, one word, any word
    for search in [r#"query: "web server", operator: AND"#, r#"query: "zebra", operator: AND"#, r#"query: "curl zebra""#] {
        assert_eq!(ask(search, "").await["suggestions"]["relaxed"], json!([]), "{search}");
    }
    let data = app.data("{ packages { suggestions { relaxed { text } } } }").await;
    assert_eq!(data["packages"]["suggestions"]["relaxed"], json!([]));
}

async fn check(elasticsearch: Option<String>) {
    let clean = elasticsearch.is_some();
    let (app, name) = shop(elasticsearch).await;
    values(&app).await;
    fewer_words(&app).await;
    if clean {
        app.http.delete(app.at(&format!("/v1/collections/{name}"))).send().await.unwrap();
    }
    app.stop().await;
}

#[tokio::test]
async fn values_and_fewer_words_on_the_embedded_engine() {
    check(None).await;
}

#[tokio::test]
async fn values_and_fewer_words_on_elasticsearch() {
    let Some(url) = elasticsearch_url() else { return };
    check(Some(url)).await;
}

/// Suggesters of Elasticsearch look past the filter of an alias; hooke does not.
#[tokio::test]
async fn what_an_alias_hides_is_never_suggested() {
    let Some(url) = elasticsearch_url() else { return };
    let (index, alias) = (unique("secrets"), unique("shown"));
    let http = reqwest::Client::new();
    let send = async |method: reqwest::Method, path: String, body: Json| {
        let answer = http.request(method, format!("{url}/{path}")).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    };
    let mapping = json!({ "properties": { "title": { "type": "text" }, "tag": { "type": "keyword" }, "owner": { "type": "keyword" } } });
    send(reqwest::Method::PUT, index.clone(), json!({ "mappings": mapping })).await;
    for (at, title, tag, owner) in [(1, "web server", "web", "a"), (2, "secret servant", "weapon", "b")] {
        let body = json!({ "title": title, "tag": tag, "owner": owner });
        send(reqwest::Method::PUT, format!("{index}/_doc/{at}?refresh=true"), body).await;
    }
    let add = json!({ "add": { "index": index, "alias": alias, "filter": { "term": { "owner": "a" } } } });
    send(reqwest::Method::POST, "_aliases".into(), json!({ "actions": [add] })).await;
    let app = TestApp::open(|config| {
        config.elasticsearch = Some(ElasticConfig { urls: vec![url.clone()], ..ElasticConfig::default() });
        config.catalog.include = vec![alias.clone()];
        let named =
            CollectionConfig { name: Some("shown".into()), singular: Some("one".into()), ..CollectionConfig::default() };
        config.catalog.collections.insert(alias.clone(), named);
    })
    .await;
    let mut query = String::from("{ shownSuggest(field: TAG, prefix: \"we\") { text }");
    for (at, words) in ["servant", "servan", "secret zzz", "srver", "secret web"].into_iter().enumerate() {
        query.push_str(&format!(
            " q{at}: shown(search: {{ query: \"{words}\", operator: AND }}) {{ suggestions {{ didYouMean {{ text }} relaxed {{ text }} }} }}"
        ));
    }
    let data = app.data(&format!("{query} }}")).await;
    assert_eq!(data["shownSuggest"], json!([{ "text": "web" }]));
    let meant = |at: usize| data[format!("q{at}")]["suggestions"]["didYouMean"]["text"].clone();
    // `servant` is nearest to `servan`, but not for those who look through the alias
    assert_eq!((0..4).map(meant).collect::<Vec<_>>(), [json!(null), json!("server"), json!(null), json!("server")]);
    assert_eq!(data["q2"]["suggestions"]["relaxed"], json!([]));
    assert_eq!(data["q4"]["suggestions"]["relaxed"], json!([{ "text": "web" }]));
    app.stop().await;
    http.delete(format!("{url}/{index}")).send().await.unwrap();
}
