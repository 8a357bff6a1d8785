//! Suggestions through GraphQL: values for a search box, words that are too many, and what an alias hides; on both engines.

use hooke::config::{CollectionConfig, ElasticConfig};
use hooke::search::{Filter, Query, Suggested};
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::counting::shop;
use crate::ground::{Ground, Kind, call, elasticsearch_url, unique};
use hooke::verify::Random;

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
    let mapping =
        json!({ "properties": { "title": { "type": "text" }, "tag": { "type": "keyword" }, "owner": { "type": "keyword" } } });
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
        let named = CollectionConfig { name: Some("shown".into()), singular: Some("one".into()), ..CollectionConfig::default() };
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

const SYLLABLES: [&str; 16] =
    ["ka", "ro", "mi", "ten", "sul", "ba", "dor", "li", "ve", "gan", "pho", "zi", "tra", "we", "no", "ux"];

/// A measurement, not a check of every day: `just suggest-speed` runs it in release. `HOOKE_TEST_DOCUMENTS` documents (a million by
/// default) on the embedded engine, with names that nearly all differ, tags of which there are a thousand, and one beginning that
/// all codes share. It prints the time of the first call and the median of those after it, in milliseconds: as it stands, under a rule,
/// with a document written before each call, and after deletes; and it holds the counts against those of the documents.
#[tokio::test]
#[ignore = "a measurement: just suggest-speed"]
async fn completing_many() {
    let many: u64 = std::env::var("HOOKE_TEST_DOCUMENTS").ok().and_then(|many| many.parse().ok()).unwrap_or(1_000_000);
    let ground = Ground::open(Kind::Embedded).await.unwrap();
    let keyword = json!({ "type": "keyword" });
    let shelf = ground.shelf(json!({ "name": keyword, "tag": keyword, "code": keyword, "owner": keyword })).await;
    let mut random = Random::new(7);
    let name = |random: &mut Random| -> String {
        let mut word = || (0..3).map(|_| *random.pick(&SYLLABLES)).collect::<String>();
        format!("{} {}", word(), word())
    };
    let began = std::time::Instant::now();
    let mut tags = std::collections::BTreeMap::<String, u64>::new();
    let mut batch = Vec::new();
    for number in 0..many {
        let tag = format!("{}{}", random.pick(&SYLLABLES), random.below(64));
        let owner = if random.below(100) == 0 { "rare" } else { "all" };
        batch.push(shelf.index(
            &number.to_string(),
            json!({ "name": name(&mut random), "tag": tag, "code": format!("code-{number:08}"), "owner": owner }),
        ));
        *tags.entry(tag).or_default() += 1;
        if batch.len() == 5_000 || number + 1 == many {
            let refresh = if number + 1 == many { hooke::search::Refresh::Now } else { hooke::search::Refresh::None };
            for outcome in shelf.engine().write(&call(), std::mem::take(&mut batch), refresh).await.unwrap() {
                outcome.unwrap();
            }
        }
    }
    println!("{many} documents written in {:.1} s", began.elapsed().as_secs_f64());
    let complete = async |path: &str, prefix: &str, rule: Filter| {
        let query = Query::completing(shelf.name.clone(), shelf.field(path), prefix.into(), 10);
        match shelf.page(Query { rule, ..query }).await.suggested.remove(0).1 {
            Suggested::Complete(values) => values,
            other => panic!("{other:?}"),
        }
    };
    println!("{:<34} {:>9} {:>9}", "", "first", "median");
    let mut written = many;
    for state in ["as it stands", "under a rule", "after a write", "after deletes"] {
        if state == "after deletes" {
            let gone: Vec<_> = (0..many)
                .step_by(100)
                .map(|number| {
                    let action = hooke::search::Action::Delete {
                        id: crate::ground::id(&number.to_string()),
                        precondition: Default::default(),
                    };
                    shelf.write(action)
                })
                .collect();
            for outcome in shelf.send(gone).await {
                outcome.unwrap();
            }
        }
        for (path, prefix) in [
            ("tag", ""),
            ("tag", "k"),
            ("tag", "ka6"),
            ("name", "k"),
            ("name", "ka"),
            ("name", "kar"),
            ("name", "karomi"),
            ("name", "KAROMI T"),
            ("code", "code-"),
            ("code", "code-00001"),
            ("code", "code-0000123"),
            ("name", "nothing"),
        ] {
            let rule = || if state == "under a rule" { shelf.eq("owner", "rare") } else { Filter::All };
            let mut times = Vec::new();
            for _ in 0..12 {
                if state == "after a write" {
                    let source =
                        json!({ "name": name(&mut random), "tag": "new", "code": format!("code-{written:08}"), "owner": "all" });
                    shelf.fill([(written.to_string().as_str(), source)]).await;
                    written += 1;
                }
                let began = std::time::Instant::now();
                let _ = complete(path, prefix, rule()).await;
                times.push(began.elapsed().as_secs_f64() * 1_000.0);
            }
            let first = times.remove(0);
            times.sort_by(f64::total_cmp);
            println!("{state:<14} {path:<5} {prefix:<13} {first:>9.2} {:>9.2}", times[times.len() / 2]);
        }
        if state == "after a write" {
            let new = complete("tag", "NEW", Filter::All).await;
            assert_eq!((new.len(), new[0].count), (1, written - many));
        }
        if state != "under a rule" && state != "after deletes" {
            let mut expected: Vec<(&String, &u64)> = tags.iter().filter(|(tag, _)| tag.starts_with("ka")).collect();
            expected.sort_by_key(|(tag, count)| (std::cmp::Reverse(**count), *tag));
            let got = complete("tag", "KA", Filter::All).await;
            let got: Vec<(&String, &u64)> = got.iter().map(|value| (&value.text, &value.count)).collect();
            assert_eq!(got, expected[..got.len().min(10)]);
            assert_eq!(got.len(), expected.len().min(10));
        }
    }
    ground.clear().await;
}
