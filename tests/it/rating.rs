//! Rates from outside: what answers tell of them, who is held back and who is not, what an operation costs, and one limit for two
//! processes.

use std::time::{Duration, Instant};

use hooke::config::{Config, ElasticConfig};
use reqwest::StatusCode;
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::ground::{elasticsearch_url, unique};

fn limited(limit: &str) -> impl FnOnce(&mut Config) {
    let rate = limit.parse().unwrap();
    move |config| {
        config.rates.address = Some(rate);
        config.proxies = vec!["127.0.0.1".parse().unwrap()];
    }
}

/// As a proxy in front of hooke passes a request on.
async fn ask(app: &TestApp, from: &str) -> reqwest::Response {
    app.http.get(app.at("/v1/collections")).header("x-forwarded-for", from).send().await.unwrap()
}

fn header(answer: &reqwest::Response, name: &str) -> String {
    answer.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

#[tokio::test]
async fn answers_tell_the_rate_and_refusals_when_to_come_again() {
    let app = TestApp::open(limited("3/1m")).await;
    for left in [2, 1, 0] {
        let answer = ask(&app, "192.0.2.1").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(header(&answer, "ratelimit-policy"), "\"address\";q=3;w=60");
        assert!(header(&answer, "ratelimit").starts_with(&format!("\"address\";r={left};t=")), "{:?}", answer.headers());
    }
    let refused = ask(&app, "192.0.2.1").await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    let seconds: u64 = header(&refused, "retry-after").parse().unwrap();
    assert!((50..=66).contains(&seconds), "{seconds}");
    let problem: Json = refused.json().await.unwrap();
    assert_eq!((&problem["code"], &problem["status"]), (&json!("LIMIT_EXCEEDED"), &json!(429)));
    assert!(problem["detail"].as_str().unwrap().contains("rates.address"), "{problem}");
    // somebody else, and whoever watches over us
    assert_eq!(ask(&app, "192.0.2.2").await.status(), 200);
    let probe = app.http.get(app.at("/livez")).header("x-forwarded-for", "192.0.2.1").send().await.unwrap();
    assert_eq!((probe.status().as_u16(), header(&probe, "ratelimit").as_str()), (200, ""));
    app.stop().await;
}

#[tokio::test]
async fn a_client_cannot_name_itself() {
    let app = TestApp::open(|config| config.rates.address = Some("2/1m".parse().unwrap())).await;
    let statuses = [ask(&app, "192.0.2.1").await, ask(&app, "192.0.2.2").await, ask(&app, "192.0.2.3").await];
    assert_eq!(statuses.map(|answer| answer.status().as_u16()), [200, 200, 429]);
    app.stop().await;
}

#[tokio::test]
async fn an_operation_is_charged_what_it_costs() {
    let app = TestApp::open(limited("100000/1m")).await;
    let body = json!({ "name": "things", "mappings": { "properties": { "a": { "type": "keyword" } } } });
    app.http.post(app.at("/v1/collections")).json(&body).send().await.unwrap().error_for_status().unwrap();
    app.await_schema("  things(").await;
    let asked = async |query: &str| {
        let request = app.http.post(app.at("/graphql")).header("hooke-explain", "1").header("x-forwarded-for", "192.0.2.9");
        let answer = request.json(&json!({ "query": query })).send().await.unwrap();
        let told = header(&answer, "ratelimit");
        let left: u64 = told.split("r=").nth(1).unwrap().split(';').next().unwrap().parse().unwrap();
        let answer: Json = answer.json().await.unwrap();
        (left, answer["extensions"]["hooke"]["cost"].as_u64().unwrap())
    };
    let (before, cheap) = asked("{ things(first: 1) { nodes { a } } }").await;
    let (after, dear) = asked("{ things(first: 500) { nodes { a } facets { a(first: 100) { values { value } } } } }").await;
    assert_eq!((before, cheap), (99_999, 1));
    assert_eq!((before - after, dear), (600, 600));
    app.stop().await;
}

/// Of one limit two processes let through what it allows, however the requests come.
#[tokio::test]
async fn two_processes_share_one_limit() {
    let Some(url) = elasticsearch_url() else { return };
    let name = unique("rates-");
    let open = async || {
        TestApp::open(|config| {
            limited("400/1m")(config);
            config.elasticsearch = Some(ElasticConfig { urls: vec![url.clone()], ..ElasticConfig::default() });
            config.catalog.include = vec![format!("{name}*")];
            config.state.name.clone_from(&name);
        })
        .await
    };
    let (one, two) = (open().await, open().await);
    let (mut served, began) = (0, Instant::now());
    let mut both_refuse = 0;
    // each tries until both say no for a while
    while both_refuse < 20 && began.elapsed() < Duration::from_secs(20) {
        let answers = [ask(&one, "192.0.2.1").await, ask(&two, "192.0.2.1").await];
        let let_in = answers.iter().filter(|answer| answer.status() == 200).count();
        served += let_in;
        if let_in == 0 {
            both_refuse += 1;
            tokio::time::sleep(Duration::from_millis(100)).await;
        } else {
            both_refuse = 0;
        }
    }
    assert!((200..=400).contains(&served), "{served} of 400");
    one.stop().await;
    two.stop().await;
    let _ = reqwest::Client::new().delete(format!("{url}/.hooke-{name}*?expand_wildcards=all")).send().await;
}
