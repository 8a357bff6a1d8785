//! Accounts from outside: signing in and out, keys, tokens of another service, mails. Each runs with its state on both engines.

mod identity;
mod keys;
pub mod letters;
mod pages;
mod people;
mod smtp;
mod throttling;
mod timing;

use std::time::{Duration, Instant};

use hooke::config::{Config, ElasticConfig, RoleConfig};
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::ground::{elasticsearch_url, unique};

pub const PASSWORD: &str = "correct horse battery";

/// Accounts are on, strangers see nothing, and members may read.
pub fn with_accounts(config: &mut Config) {
    config.accounts.enabled = true;
    let grant = hooke::config::GrantConfig::default();
    let member = RoleConfig { collections: [("*".to_owned(), grant)].into(), ..RoleConfig::default() };
    config.roles.insert("member".into(), member);
}

/// A hooke with accounts, and on Elasticsearch a name for its state that others can share.
pub struct House {
    pub app: TestApp,
    state: Option<(String, String)>,
}

impl House {
    pub async fn open(elastic: bool, change: impl Fn(&mut Config)) -> Option<House> {
        let state = if elastic { Some((elasticsearch_url()?, unique("accounts-"))) } else { None };
        let app = Self::start(state.as_ref(), &change).await;
        Some(House { app, state })
    }

    async fn start(state: Option<&(String, String)>, change: impl Fn(&mut Config)) -> TestApp {
        TestApp::open(|config| {
            with_accounts(config);
            config.secret = Some(hooke::config::Secret("a secret of several processes".into()));
            if let Some((url, name)) = state {
                config.elasticsearch = Some(ElasticConfig { urls: vec![url.clone()], ..ElasticConfig::default() });
                config.catalog.include = vec![format!("{name}*")];
                config.state.name.clone_from(name);
            }
            change(config);
        })
        .await
    }

    /// Another process on the same state, where there can be one.
    pub async fn another(&self) -> Option<TestApp> {
        let state = self.state.as_ref()?;
        Some(Self::start(Some(state), |_| {}).await)
    }

    pub async fn stop(self) {
        let House { app, state } = self;
        app.stop().await;
        if let Some((url, name)) = state {
            let http = reqwest::Client::new();
            for purpose in ["accounts", "jobs"] {
                let _ = http.delete(format!("{url}/.hooke-{name}-{purpose}")).send().await;
            }
        }
    }
}

/// On both engines.
pub async fn on_both(change: impl Fn(&mut Config), test: impl AsyncFn(&House)) {
    for elastic in [false, true] {
        let Some(house) = House::open(elastic, &change).await else { continue };
        test(&house).await;
        house.stop().await;
    }
}

/// On both engines, with a second process on the same state where there can be one; on the embedded engine it is the first again.
pub async fn on_two(test: impl AsyncFn(&House, &TestApp)) {
    let test = &test;
    on_both(
        |_| {},
        async |house| {
            let other = house.another().await;
            test(house, other.as_ref().unwrap_or(&house.app)).await;
            if let Some(other) = other {
                other.stop().await;
            }
        },
    )
    .await;
}

/// What a command of somebody who can read the secret would send.
pub fn command(app: &TestApp) -> String {
    hooke::accounts::command_token(&hooke::app::secret(&app.app.config).unwrap())
}

pub async fn send(app: &TestApp, method: &str, path: &str, token: Option<&str>, body: Option<Json>) -> (u16, Json) {
    let mut request = app.http.request(method.parse().unwrap(), app.at(path));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Json::Null))
}

pub async fn add_user(app: &TestApp, email: &str, role: &str) -> Json {
    let body = json!({ "email": email, "password": PASSWORD, "role": role });
    let (status, user) = send(app, "POST", "/v1/users", Some(&command(app)), Some(body)).await;
    assert_eq!(status, 201, "{user}");
    user
}

pub async fn sign_in(app: &TestApp, email: &str, password: &str) -> (u16, Json) {
    send(app, "POST", "/v1/login", None, Some(json!({ "email": email, "password": password }))).await
}

pub async fn token(app: &TestApp, email: &str) -> String {
    let (status, session) = sign_in(app, email, PASSWORD).await;
    assert_eq!(status, 200, "{session}");
    session["token"].as_str().unwrap().to_owned()
}

pub async fn me(app: &TestApp, token: &str) -> u16 {
    send(app, "GET", "/v1/me", Some(token), None).await.0
}

/// Until this token is refused, which must take less than a second.
pub async fn await_refusal(app: &TestApp, token: &str, from: Instant) {
    while me(app, token).await != 401 {
        assert!(from.elapsed() < Duration::from_secs(1), "still let in after {:?}", from.elapsed());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
