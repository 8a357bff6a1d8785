//! `docs/hooke.http` and `docs/accounts.http`: what an editor's REST client sends, sent here on both engines; each request must give the status it names,
//! and every operation of the descriptions must be among them.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::StreamExt as _;
use hooke::config::ElasticConfig;
use serde_json::Value as Json;

use crate::accounts::letters::{link, mails as mails_of};
use crate::accounts::{add_user, command, on_both};
use crate::app::TestApp;
use crate::ground::{elasticsearch_url, unique};

const FILE: &str = include_str!("../../docs/hooke.http");
const ACCOUNTS: &str = include_str!("../../docs/accounts.http");

struct Request<'t> {
    /// For those that use its answer.
    name: Option<&'t str>,
    status: u16,
    method: &'t str,
    url: &'t str,
    headers: Vec<(&'t str, &'t str)>,
    body: String,
}

fn parse(block: &str) -> Option<Request<'_>> {
    let (mut name, mut status) = (None, None);
    let mut lines = block.lines().skip(1);
    let (method, url) = loop {
        let line = lines.next()?.trim();
        match line.strip_prefix('#').map(str::trim) {
            Some(comment) => {
                name = comment.strip_prefix("@name ").or(name);
                status = comment.strip_prefix("expect ").map(|text| text.parse().unwrap()).or(status);
            }
            None if line.is_empty() || line.starts_with('@') => {}
            None => break line.split_once(' ').unwrap_or_else(|| panic!("{line} is no request")),
        }
    };
    let headers = lines.by_ref().take_while(|line| !line.trim().is_empty());
    let headers = headers.map(|line| line.split_once(": ").unwrap_or_else(|| panic!("{line} is no header"))).collect();
    let body: Vec<&str> = lines.collect();
    let status = status.unwrap_or_else(|| panic!("{method} {url} does not say what to expect"));
    Some(Request { name, status, method, url, headers, body: body.join("\n") })
}

/// What `{{name}}` stands for, and `{{name.response…}}`.
type Known = BTreeMap<String, String>;

fn fill(text: &str, known: &Known, answers: &BTreeMap<String, (Known, Json)>) -> String {
    let mut parts = text.split("{{");
    let mut filled = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("}}").unwrap_or_else(|| panic!("{{{{{part} does not end"));
        let value = match name.split_once(".response.") {
            None => known.get(name).cloned(),
            Some((request, path)) => answers.get(request).and_then(|(headers, body)| match path.split_once('.')? {
                ("headers", header) => headers.get(&header.to_ascii_lowercase()).cloned(),
                (_, path) => path.split('.').try_fold(body, |json, key| json.get(key))?.as_str().map(str::to_owned),
            }),
        };
        filled += &value.unwrap_or_else(|| panic!("nothing is known of {{{{{name}}}}}"));
        filled += rest;
    }
    filled
}

/// The operation of the description that this address belongs to.
fn operation(description: &Json, method: &str, path: &str) -> Option<(String, String)> {
    let path = path.split('?').next().unwrap_or_default();
    let given: Vec<&str> = path.split('/').collect();
    let mut fitting: Vec<&String> = description["paths"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(template, item)| {
            let parts: Vec<&str> = template.split('/').collect();
            let fits = |(part, given): (&&str, &&str)| part == given || part.starts_with('{');
            item.get(method.to_lowercase()).is_some() && parts.len() == given.len() && parts.iter().zip(&given).all(fits)
        })
        .map(|(template, _)| template)
        .collect();
    // a name goes before a parameter
    fitting.sort_by_key(|template| template.matches('{').count());
    fitting.first().map(|template| (method.to_owned(), (*template).clone()))
}

/// What `{{name}}` stands for unless the test knows better.
fn written(file: &str) -> Known {
    file.lines()
        .filter_map(|line| line.strip_prefix('@')?.split_once(" = "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

async fn send_all(test: &TestApp, file: &str, own: &[(&str, &str)], token: &str) {
    let mut known = written(file);
    for (name, value) in [("host", test.url.as_str())].iter().chain(own) {
        assert!(known.insert((*name).into(), (*value).into()).is_some(), "{name} is not used");
    }
    let described = async |path: &str| -> Json {
        test.http.get(test.at(path)).bearer_auth(token).send().await.unwrap().json().await.unwrap()
    };
    let mut description: Json = described("/openapi.json").await;
    let mut lab: Json = described("/lab/openapi.json").await;
    description["paths"].as_object_mut().unwrap().append(lab["paths"].as_object_mut().unwrap());
    let mut answers = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for block in file.split("\n###").skip(1) {
        let Some(request) = parse(block) else { panic!("{block} holds no request") };
        let url = fill(request.url, &known, &answers);
        for (call, name, mails) in [("/v1/activate", "activation", 1), ("/v1/reset", "reset", 2)] {
            if url.ends_with(call) {
                known.insert(name.into(), last_link(test, mails).await);
            }
        }
        seen.extend(operation(&description, request.method, url.strip_prefix(&test.url).unwrap()));
        let mut sent = test.http.request(request.method.parse().unwrap(), &url);
        for (name, value) in &request.headers {
            sent = sent.header(*name, fill(value, &known, &answers));
        }
        let answer = sent.body(fill(&request.body, &known, &answers)).send().await.unwrap();
        let status = answer.status().as_u16();
        let headers: Known =
            answer.headers().iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned())).collect();
        let endless = url.ends_with("/v1/jobs/events");
        let body = if endless {
            String::from_utf8(answer.bytes_stream().next().await.unwrap().unwrap().to_vec()).unwrap()
        } else {
            answer.text().await.unwrap()
        };
        assert_eq!(status, request.status, "{} {url}: {body}", request.method);
        if status >= 400 {
            assert_eq!(headers["content-type"], "application/problem+json", "{} {url}", request.method);
        }
        if url.contains("/bulk") {
            assert!(body.lines().count() == 4 && body.lines().all(|line| line.contains("\"errors\":[]")), "{body}");
        }
        if let Some(name) = request.name {
            answers.insert(name.to_owned(), (headers, serde_json::from_str(&body).unwrap_or_default()));
        }
    }
    for (path, item) in description["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let of_accounts = matches!(operation["tags"][0].as_str(), Some("accounts" | "users"));
            if of_accounts == (file == ACCOUNTS) {
                assert!(seen.contains(&(method.to_uppercase(), path.clone())), "it lacks {method} {path}");
            }
        }
    }
}

/// The token in the link of the last mail, of so many.
async fn last_link(test: &TestApp, mails: usize) -> String {
    link(mails_of(test, mails).await.last().unwrap())
}

#[tokio::test]
async fn every_call_gives_its_status_on_the_embedded_engine() {
    let test = TestApp::embedded().await;
    send_all(&test, FILE, &[], "").await;
    test.stop().await;
}

#[tokio::test]
async fn every_call_gives_its_status_on_elasticsearch() {
    let Some(url) = elasticsearch_url() else { return };
    let prefix = unique("http");
    let (collection, index) = (format!("{prefix}-books"), format!("{prefix}-tags"));
    let test = TestApp::open(|config| {
        config.elasticsearch = Some(ElasticConfig { urls: vec![url.clone()], ..ElasticConfig::default() });
        config.catalog.include = vec![format!("{prefix}-*")];
        config.state.name.clone_from(&prefix);
        config.compat.hashtags = index.clone();
    })
    .await;
    send_all(&test, FILE, &[("collection", &collection), ("index", &index)], "").await;
    test.stop().await;
    for purpose in ["jobs", "lab", "lists", "upstreams"] {
        let _ = reqwest::Client::new().delete(format!("{url}/.hooke-{prefix}-{purpose}")).send().await;
    }
}

#[tokio::test]
async fn every_call_about_accounts_gives_its_status() {
    on_both(
        |_| {},
        async |house| {
            add_user(&house.app, "admin@example.org", "admin").await;
            send_all(&house.app, ACCOUNTS, &[], &command(&house.app)).await;
        },
    )
    .await;
}
