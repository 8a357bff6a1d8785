//! One hooke with documents that a viewer may see and, or not, with others that they may not see; and how it is asked.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hooke::config::{CollectionConfig, Config, ElasticConfig, GrantConfig, IdentityConfig, RelationConfig, RoleConfig, Secret};
use hooke::search::{Action, Collection, CollectionName, DocumentId, Filter, Origin, Precondition, Refresh, Write, mapping};
use serde_json::{Value as Json, json};

use super::settling::settle;
use crate::app::TestApp;
use crate::ground::{call, unique};
use crate::jobs;

const ISSUER: &str = "https://login.example";
const SECRET: &str = "a secret that is shared with the other service";
/// How the names of its collections end.
const OF_A_WORLD: [&str; 3] = ["", "-extras", "-other"];

pub(super) struct World {
    pub(super) test: TestApp,
    pub(super) name: String,
    /// There are hidden documents.
    pub(super) with: bool,
}

pub(super) fn visible() -> Vec<(String, Json)> {
    let all = (1..=12).map(|n| {
        let kinds = ["a", "b", "c"];
        let parent = if n == 1 { json!("h1") } else { json!("v1") };
        let source = json!({
            "owner": "me", "title": format!("plain visible number{n}"), "kind": kinds[n % 3], "tags": ["x", format!("t{}", n % 4)],
            "price": 10 * n, "when": format!("2024-0{}-01", n % 9 + 1), "addr": format!("10.0.0.{n}"), "at": { "lat": n, "lon": n },
            "parent": parent, "secret": "canarysecret", "deep": { "pin": "canarypin", "open": n },
            "lines": [{ "sku": format!("s{}", n % 2), "cost": n, "hushcanary": "canaryline" }, { "sku": "s9", "cost": 100 - n }],
            "hushcanary": "canarymurmur", "content": [format!("#tag{n}"), "#all"], "near": [1.0, n],
        });
        (format!("v{n}"), source)
    });
    all.collect()
}

/// More of everything: kinds, tags, extremes, spellings, words.
fn hidden() -> Vec<(String, Json)> {
    let all = (1..=9).map(|n| {
        let source = json!({
            "owner": "other", "title": format!("canary{n} visibles vissible canarx plain"), "kind": "canarykind", "tags": ["canarytag", "x"],
            "price": 5_000_000 + n, "when": "2031-01-01", "addr": "192.168.0.1", "at": { "lat": 80, "lon": 80 }, "parent": "v2",
            "secret": "canarysecret", "lines": [{ "sku": "canarysku", "cost": 9_000_000 }, { "sku": "s9", "cost": 7 }],
            "content": ["#canarytag", "#all"], "near": [1.0, 0.01 * f64::from(n)],
        });
        (format!("h{n}"), source)
    });
    all.collect()
}

/// Of another collection, under a rule of its own.
fn extras(with: bool) -> Vec<(String, Json)> {
    let hidden =
        (1..=4).map(|n| (format!("x{n}"), json!({ "level": 9, "body": "canary plain plain plain number1", "owner": n })));
    let visible = (1..=4).map(|n| (format!("e{n}"), json!({ "level": n, "body": format!("plain number{n}"), "owner": n })));
    hidden.filter(|_| with).chain(visible).collect()
}

/// The role of everybody who asks.
pub(super) fn role(ruled: bool) -> RoleConfig {
    let notes = GrantConfig {
        create: true,
        update: true,
        delete: true,
        filter: ruled.then(|| json!({ "owner": { "eq": "me" } })),
        hide: ["secret", "hushcanary", "deep.pin", "lines.hushcanary"].map(str::to_owned).to_vec(),
        ..GrantConfig::default()
    };
    let extras = GrantConfig {
        create: true,
        update: true,
        filter: ruled.then(|| json!({ "level": { "lte": 4 } })),
        ..GrantConfig::default()
    };
    let collections = [("*-notes".to_owned(), notes), ("*-extras".to_owned(), extras)].into();
    RoleConfig { jobs: true, collections, ..RoleConfig::default() }
}

/// Somebody else, who sees just what everybody else does not.
fn stranger() -> RoleConfig {
    let notes = GrantConfig { filter: Some(json!({ "owner": { "ne": "me" } })), ..GrantConfig::default() };
    RoleConfig { jobs: true, collections: [("*-notes".to_owned(), notes)].into(), ..RoleConfig::default() }
}

impl World {
    /// With the hidden documents or without; they come first, so that numbers which count writes differ.
    pub(super) async fn open(elasticsearch: Option<&str>, ruled: bool, with: bool) -> World {
        World::under(elasticsearch, role(ruled), with).await
    }

    /// Everybody has this role.
    pub(super) async fn under(elasticsearch: Option<&str>, role: RoleConfig, with: bool) -> World {
        let name = format!("{}-notes", unique("w"));
        let list = |name: &str| (name.to_owned(), true);
        let settings = CollectionConfig {
            name: Some("notes".into()),
            lists: [list("tags"), list("lines"), list("content")].into(),
            relations: [
                ("up".to_owned(), RelationConfig { to: name.clone(), field: "parent".into(), by: "_id".into(), many: false }),
                ("down".to_owned(), RelationConfig { to: name.clone(), field: "_id".into(), by: "parent".into(), many: true }),
            ]
            .into(),
            ..CollectionConfig::default()
        };
        let named = |name: &str| CollectionConfig { name: Some(name.into()), ..CollectionConfig::default() };
        let test = TestApp::open(|config: &mut Config| {
            config.elasticsearch =
                elasticsearch.map(|url| ElasticConfig { urls: vec![url.to_owned()], ..ElasticConfig::default() });
            config.catalog.include = OF_A_WORLD.map(|end| format!("{name}{end}")).to_vec();
            config.catalog.collections.insert(name.clone(), settings);
            config.catalog.collections.insert(format!("{name}-extras"), named("extras"));
            config.catalog.collections.insert(format!("{name}-other"), named("canaryhouses"));
            config.compat.hashtags.clone_from(&name);
            config.roles.insert("anybody".into(), role);
            config.roles.insert("stranger".into(), stranger());
            config.accounts.identity = Some(IdentityConfig {
                issuer: ISSUER.into(),
                audience: vec!["hooke".into()],
                algorithms: vec!["HS256".into()],
                secret: Some(Secret(SECRET.into())),
                role_claim: Some("role".into()),
                roles: [("boss".to_owned(), "admin".to_owned()), ("stranger".to_owned(), "stranger".to_owned())].into(),
                ..IdentityConfig::default()
            });
            config.state.name.clone_from(&name);
        })
        .await;
        let keyword = json!({ "type": "keyword" });
        let body = json!({ "properties": {
            "owner": keyword, "title": { "type": "text", "fields": { "keyword": keyword } }, "kind": keyword, "tags": keyword,
            "price": { "type": "long" }, "when": { "type": "date" }, "addr": { "type": "ip" }, "at": { "type": "geo_point" },
            "parent": keyword, "secret": keyword, "hushcanary": { "type": "text" }, "content": keyword,
            "near": { "type": "dense_vector", "dims": 2, "similarity": "cosine" },
            "deep": { "properties": { "pin": keyword, "open": { "type": "long" } } },
            "lines": { "type": "nested", "properties": {
                "sku": keyword, "cost": { "type": "long" }, "hushcanary": keyword,
            } },
        }});
        let extra =
            json!({ "properties": { "level": { "type": "long" }, "body": { "type": "text" }, "owner": { "type": "long" } } });
        let world = World { test, name, with };
        for end in OF_A_WORLD {
            let name = CollectionName::parse(&format!("{}{end}", world.name)).unwrap();
            let fields = mapping::parse(if end == "-extras" { &extra } else { &body }).unwrap();
            let collection = Collection { name, origin: Origin::Index, fields, remarks: Vec::new() };
            world.test.app.engine.create(&call(), &collection).await.unwrap();
        }
        for (id, source) in hidden().into_iter().filter(|_| with).chain(visible()) {
            world.put("", &id, source).await;
        }
        for (id, source) in extras(with) {
            world.put("-extras", &id, source).await;
        }
        world.test.app.catalog.refresh(&call()).await.unwrap();
        world.until_served().await;
        world
    }

    /// Past every rule. One write each, so that they are numbered in this order.
    pub(super) async fn put(&self, end: &str, id: &str, source: Json) {
        let on = CollectionName::parse(&format!("{}{end}", self.name)).unwrap();
        let Json::Object(source) = source else { panic!("a document is an object") };
        let action = Action::Index { id: Some(DocumentId::parse(id).unwrap()), source, precondition: Precondition::None };
        let write = Write { on, rule: Filter::All, action };
        self.test.app.engine.write(&call(), vec![write], Refresh::Now).await.unwrap().remove(0).unwrap();
    }

    /// A token of somebody else.
    pub(super) fn token(&self, role: &str) -> String {
        let part = |json: Json| URL_SAFE_NO_PAD.encode(json.to_string());
        let now = jiff::Timestamp::now().as_second();
        let claims = json!({ "iss": ISSUER, "aud": "hooke", "sub": role, "role": role, "exp": now + 600 });
        let message = format!("{}.{}", part(json!({ "alg": "HS256" })), part(claims));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, message.as_bytes())))
    }

    /// What somebody else is told by GraphQL.
    pub(super) async fn as_other(&self, role: &str, query: &str) -> Json {
        let request = self.test.http.post(self.test.at("/graphql")).bearer_auth(self.token(role));
        request.json(&json!({ "query": query })).send().await.unwrap().json().await.unwrap()
    }

    /// Until the schema has the collection.
    pub(super) async fn until_served(&self) {
        let from = std::time::Instant::now();
        while !self.test.get("/schema.graphql").await.text().await.unwrap().contains("notes(") {
            assert!(from.elapsed() < Duration::from_secs(10), "the collection is not in the schema");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    pub(super) async fn close(self) {
        for end in OF_A_WORLD {
            let name = CollectionName::parse(&format!("{}{end}", self.name)).unwrap();
            self.test.app.engine.remove(&call(), &name).await.unwrap();
        }
        self.test.stop().await;
    }

    /// What is told apart from what is random: names of this world, opaque texts, ids of requests and jobs, times.
    pub(super) fn settled(&self, text: &str) -> String {
        settle(&text.replace(self.test.url.trim_start_matches("http://"), "HOST").replace(&self.name, "NAME"))
    }

    pub(super) async fn graphql(&self, query: &str) -> String {
        self.settled(&self.test.graphql(query, json!({})).await.to_string())
    }

    pub(super) async fn get(&self, path: &str) -> String {
        let answer = self.test.get(&path.replace("NAME", &self.name)).await;
        self.told(answer).await
    }

    pub(super) async fn told(&self, answer: reqwest::Response) -> String {
        let mut text = answer.status().to_string();
        let mut headers: Vec<String> = answer.headers().iter().map(|(name, value)| format!("{name}: {value:?}")).collect();
        headers.retain(|header| {
            !header.starts_with("date")
                && !header.starts_with("content-disposition")
                && !header.starts_with("x-request-id")
                && !header.starts_with("content-length")
        });
        headers.sort();
        text += &headers.join("\n");
        // pages say how long a search took
        let body = answer.text().await.unwrap();
        text.extend(body.split_inclusive('\n').filter(|line| !line.contains(" ms</p>")));
        self.settled(&text)
    }

    pub(super) async fn get_as(&self, role: &str, path: &str) -> reqwest::Response {
        let request = self.test.http.get(self.test.at(&path.replace("NAME", &self.name)));
        request.bearer_auth(self.token(role)).send().await.unwrap()
    }

    pub(super) async fn send(&self, method: reqwest::Method, path: &str, kind: &str, body: &str) -> String {
        let request = self.test.http.request(method, self.test.at(&path.replace("NAME", &self.name)));
        let answer = request.header("content-type", kind).body(body.replace("NAME", &self.name)).send().await.unwrap();
        self.told(answer).await
    }

    /// The first answer of a subscription.
    pub(super) async fn first_news(&self, query: &str) -> String {
        let request = self.test.http.post(self.test.at("/graphql")).header("accept", "text/event-stream");
        let mut answer = request.json(&json!({ "query": query })).send().await.unwrap();
        let mut text = String::new();
        while !text.contains("\n\n") {
            text += &String::from_utf8_lossy(&answer.chunk().await.unwrap().unwrap());
        }
        self.settled(&text)
    }

    /// A document's global id is not signed: that of another one can be made from it.
    pub(super) async fn node_id(&self, id: &str) -> String {
        let known = self.test.graphql("{ note(id: \"v1\") { nodeId } }", json!({})).await;
        let known = URL_SAFE_NO_PAD.decode(known["data"]["note"]["nodeId"].as_str().unwrap()).unwrap();
        let other = String::from_utf8(known).unwrap().replace("\"v1\"", &format!("\"{id}\""));
        URL_SAFE_NO_PAD.encode(other)
    }

    pub(super) async fn node(&self, id: &str) -> String {
        let other = self.node_id(id).await;
        self.graphql(&format!("{{ node(nodeId: \"{other}\") {{ __typename ... on Note {{ _id title }} }} nodes(nodeIds: [\"{other}\"]) {{ __typename }} }}")).await
    }

    pub(super) async fn walk(&self) -> String {
        let mut told = String::new();
        let mut after = Json::Null;
        for _ in 0..20 {
            let query = "query($a: String) { notes(first: 3, after: $a, consistency: SNAPSHOT, orderBy: [{ field: KIND, direction: DESC }, { field: PRICE, direction: ASC }]) { total { value } nodes { _id } pageInfo { hasNextPage endCursor } } }";
            let answer = self.test.graphql(query, json!({ "a": after })).await;
            told += &self.settled(&answer.to_string());
            if answer["data"]["notes"]["pageInfo"]["hasNextPage"] != true {
                break;
            }
            after = answer["data"]["notes"]["pageInfo"]["endCursor"].clone();
        }
        told
    }

    pub(super) async fn export_by_job(&self) -> String {
        let job = jobs::start(&self.test, json!({ "kind": "EXPORT", "collection": self.name })).await;
        let done = jobs::await_state(&self.test, &job, "SUCCEEDED").await;
        let result = self.get(&format!("/v1/jobs/{}/result", job["id"].as_str().unwrap())).await;
        let mut lines: Vec<&str> = result.lines().collect();
        lines.sort_unstable();
        // a list is a search: it lags behind what a job says of itself
        let from = std::time::Instant::now();
        let list = loop {
            let list = self.test.get("/v1/jobs").await.text().await.unwrap();
            if list.contains("SUCCEEDED") || from.elapsed() > std::time::Duration::from_secs(10) {
                break list;
            }
        };
        format!("{} {} {}", self.settled(&done.to_string()), lines.join("\n"), self.settled(&list))
    }
}
