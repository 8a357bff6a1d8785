//! What a log holds, and what it never may: a whole process, with its log at level debug, is shown secrets in every way one could think of.

use std::io::Read as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::{Value as Json, json};

use crate::ground::{elasticsearch_url, unique};

const PATIENCE: Duration = Duration::from_secs(60);
/// Stands in values, in ids and in names of what is not there.
const CANARY: &str = "kanarienvogel";
const PASSWORD: &str = "geheimes losungswort";
const WRONG: &str = "falsches losungswort";
const EMAIL: &str = "amsel@example.org";
/// A request that holds it is refused by what stands before Elasticsearch, in words that repeat it.
const BOOM: &str = "kanarienvogel-boom";

struct Process {
    child: Child,
    url: String,
    http: reqwest::Client,
    log: std::path::PathBuf,
}

impl Process {
    async fn start(folder: &Path, settings: &[&str]) -> Process {
        let (data, log) = (folder.join("data"), folder.join("log"));
        let roles = folder.join("hooke.toml");
        std::fs::write(&roles, "[roles.member.collections.'*']\n[roles.clerk.collections.'*']\ncreate = true\n").unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_hooke"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOOKE_")) {
            command.env_remove(name);
        }
        command.args(["serve", "--no-sample", "--listen", "127.0.0.1:0", "--log-level", "debug", "--log-format", "json"]);
        command
            .args(["--accounts-enabled", "--log-slow", "1ms", "--writes", "all", "--config"])
            .arg(&roles)
            .arg("--data")
            .arg(&data);
        command.args(settings);
        let stderr = std::fs::File::create(&log).unwrap();
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
        let from = Instant::now();
        let http = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let mut process = Process { child, url: String::new(), http, log };
        loop {
            let note = std::fs::read(data.join("server.json")).unwrap_or_default();
            if let Ok(note) = serde_json::from_slice::<Json>(&note) {
                process.url = note["url"].as_str().unwrap().to_owned();
                let ready = process.http.get(process.at("/readyz")).send().await;
                if ready.is_ok_and(|answer| answer.status().is_success()) {
                    return process;
                }
            }
            let ended = process.child.try_wait().unwrap();
            assert!(from.elapsed() < PATIENCE && ended.is_none(), "{ended:?}: {}", process.text());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    fn text(&self) -> String {
        let mut text = String::new();
        std::fs::File::open(&self.log).unwrap().read_to_string(&mut text).unwrap();
        text
    }

    async fn send(&self, method: &str, path: &str, token: Option<&str>, body: Option<Json>) -> (u16, Json) {
        let mut request = self.http.request(method.parse().unwrap(), self.at(path)).header("x-request-id", "the-id-of-this");
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(Json::String(text)))
    }

    async fn graphql(&self, token: &str, query: &str, variables: Json) -> Json {
        self.send("POST", "/graphql", Some(token), Some(json!({ "query": query, "variables": variables }))).await.1
    }

    /// Ends it as a person would, and gives back all it has logged.
    async fn stop(mut self) -> String {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(&id).status().unwrap().success());
        let from = Instant::now();
        while self.child.try_wait().unwrap().is_none() {
            assert!(from.elapsed() < PATIENCE, "it does not end");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.text()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Passes on to Elasticsearch what does not hold [`BOOM`]; of what does it complains, and quotes it.
async fn complain(State((http, upstream)): State<(reqwest::Client, String)>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, usize::MAX).await.unwrap();
    let text = String::from_utf8_lossy(&body).into_owned();
    let path = head.uri.to_string();
    if text.contains(BOOM) || path.contains(BOOM) {
        let cause = json!({ "type": "number_format_exception", "reason": format!("For input string: \"{text}\"") });
        let error = json!({ "type": "odd_exception", "reason": format!("failed to do [{text}] {text}"), "caused_by": cause,
            "root_cause": [{ "type": "odd_exception", "reason": format!("failed to do [{text}] {text}") }] });
        let answer = json!({ "error": error, "status": 400 });
        if path.contains("_msearch") {
            let count = text.lines().count() / 2;
            let answers: Vec<Json> = (0..count).map(|_| answer.clone()).collect();
            return axum::Json(json!({ "took": 1, "responses": answers })).into_response();
        }
        return (StatusCode::BAD_REQUEST, axum::Json(answer)).into_response();
    }
    let mut onward = http.request(head.method, format!("{upstream}{path}")).body(body);
    if let Some(kind) = head.headers.get(header::CONTENT_TYPE) {
        onward = onward.header(header::CONTENT_TYPE, kind);
    }
    let answer = onward.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    let mut response = (status, body).into_response();
    for name in [header::CONTENT_TYPE, header::HeaderName::from_static("x-elastic-product")] {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

async fn before(upstream: String) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(complain).with_state((reqwest::Client::new(), upstream));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// Does what leaves traces; gives back what must not be found, by what it is, and the id of the user.
async fn act(hooke: &Process, data: &Path, collection: &str) -> (Vec<(&'static str, String)>, String) {
    let secret = std::fs::read_to_string(data.join("secret")).unwrap();
    let command = hooke::accounts::command_token(secret.trim().as_bytes());
    let mut never = vec![
        ("a canary", CANARY.to_owned()),
        ("a password", PASSWORD.to_owned()),
        ("a wrong password", WRONG.to_owned()),
        ("a mail address", EMAIL.to_owned()),
        ("a part of a mail address", "amsel".to_owned()),
        ("the secret", secret.trim().to_owned()),
        ("the token of commands", command.clone()),
    ];

    // accounts
    let body = json!({ "email": EMAIL, "password": PASSWORD, "role": "member", "claims": { "team": CANARY } });
    let (status, user) = hooke.send("POST", "/v1/users", Some(&command), Some(body)).await;
    assert_eq!(status, 201, "{user}");
    let id = user["id"].as_str().unwrap().to_owned();
    for (email, password, wanted) in [(EMAIL, WRONG, 401), ("niemand.amsel@example.org", PASSWORD, 401), (EMAIL, PASSWORD, 200)] {
        let (status, session) =
            hooke.send("POST", "/v1/login", None, Some(json!({ "email": email, "password": password }))).await;
        assert_eq!(status, wanted, "{session}");
        for part in ["token", "refresh_token", "refreshToken"] {
            if let Some(token) = session[part].as_str() {
                never.push(("a token", token.to_owned()));
                never.push(("a signature", token.rsplit('.').next().unwrap().to_owned()));
            }
        }
    }
    let form = hooke.http.post(hooke.at("/login")).form(&[("email", EMAIL), ("password", PASSWORD)]);
    let signed = form.header("origin", &hooke.url).send().await.unwrap();
    let cookie = signed.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    never.push(("a cookie", cookie.split_once('=').unwrap().1.to_owned()));
    let page = hooke.http.get(hooke.at("/account")).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(page.status().as_u16(), 200);
    let foreign = hooke.http.post(hooke.at("/logout")).header("cookie", &cookie).send().await.unwrap();
    assert_eq!(foreign.status().as_u16(), 403);
    let role = json!({ "role": "clerk" });
    assert_eq!(hooke.send("PATCH", &format!("/v1/users/{EMAIL}"), Some(&command), Some(role)).await.0, 200);
    for body in [json!({ "email": EMAIL }), json!({ "email": "keine.amsel@example.org" })] {
        assert!(hooke.send("POST", "/v1/forgot", None, Some(body)).await.0 < 300);
    }
    for (method, path) in [("GET", "/activate?token=kanarienvogel"), ("POST", "/v1/activate"), ("POST", "/v1/reset")] {
        hooke.send(method, path, None, Some(json!({ "token": CANARY, "password": PASSWORD }))).await;
    }

    // keys
    let (status, key) = hooke.send("POST", "/v1/keys", Some(&command), Some(json!({ "name": "night", "role": "clerk" }))).await;
    assert_eq!(status, 201, "{key}");
    let (text, key_id) = (key["key"].as_str().unwrap().to_owned(), key["id"].as_str().unwrap().to_owned());
    let secret = text.rsplit('_').next().unwrap();
    never.push(("a key", secret.to_owned()));
    let changed = text.replace(secret, &secret.chars().rev().collect::<String>());
    never.push(("a changed key", changed.rsplit('_').next().unwrap().to_owned()));
    for token in [&changed, CANARY, "eyJhbGciOiJub25lIn0.a2FuYXJpZW52b2dlbA.x", "hooke_kanarienvogel_kanarienvogel"] {
        assert_eq!(hooke.send("GET", "/v1/me", Some(token), None).await.0, 401);
    }
    never.push(("a token that is none", "a2FuYXJpZW52b2dlbA".into()));

    // documents
    let properties = json!({ "name": { "type": "text" }, "code": { "type": "keyword" }, "size": { "type": "long" } });
    let body = json!({ "name": collection, "mappings": { "properties": properties } });
    let (status, made) = hooke.send("POST", "/v1/collections", Some(&command), Some(body)).await;
    assert!(status < 300, "{made}");
    let documents = format!("/v1/collections/{collection}/documents");
    for (id, document) in [
        (CANARY, json!({ "name": CANARY, "code": CANARY })),
        ("b", json!({ "name": "b", "size": CANARY })),
        ("c", json!({ "name": "c", "code": BOOM })),
        ("d", json!({ CANARY: { "a": 1 } })),
        (EMAIL, json!({ "name": "e" })),
    ] {
        for token in [&text, &command] {
            hooke.send("PUT", &format!("{documents}/{id}"), Some(token), Some(document.clone())).await;
            hooke.send("GET", &format!("{documents}/{id}"), Some(token), None).await;
        }
    }
    assert_eq!(hooke.send("DELETE", &format!("{documents}/{CANARY}"), Some(&text), None).await.0, 403);
    let from = Instant::now();
    while !hooke.send("GET", "/schema.graphql", Some(&command), None).await.1.to_string().contains("  things(") {
        assert!(from.elapsed() < PATIENCE, "the schema did not follow");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    for value in [CANARY, BOOM] {
        let query = "query($v: String!) { things(search: { query: $v }, filter: { code: { eq: $v } }) { nodes { _id name } total { value } } }";
        hooke.graphql(&text, query, json!({ "v": value })).await;
        for query in [
            format!(r#"{{ things(filter: {{ code: {{ eq: "{value}" }} }}) {{ nodes {{ name }} }} }}"#),
            format!(r#"{{ things(filter: {{ code: {{ regexp: "{value}[" }} }}) {{ nodes {{ name }} }} }}"#),
            format!(r#"{{ things(filter: {{ size: {{ eq: "{value}" }} }}) {{ nodes {{ name }} }} }}"#),
            format!(r#"{{ things(after: "{value}") {{ nodes {{ {CANARY} }} }} }}"#),
            format!("{{ {CANARY}: thing(id: \"{value}\") {{ name }} }}"),
            format!("{{ things(first: 1000000) {{ nodes {{ name }} }} # {value}\n }}"),
            format!("{{ \"{value}"),
        ] {
            hooke.graphql(&text, &query, json!({})).await;
        }
        for body in [
            json!({ "filter": { "code": { "eq": value } } }),
            json!({ "filter": { "size": { "gte": value } } }),
            json!({ value: 1 }),
        ] {
            hooke.send("POST", &format!("/v1/collections/{collection}/search"), Some(&text), Some(body)).await;
        }
        for path in ["/search/", "/documents/things/", "/v1/", "/v1/jobs/", "/v1/collections/", "/nowhere/"] {
            hooke.send("GET", &format!("{path}{value}?q={value}"), Some(&text), None).await;
        }
        let lines = format!("{{\"create\":{{\"id\":\"{value}-1\",\"input\":{{\"size\":\"{value}\"}}}}}}\n{value}\n");
        let bulk = hooke
            .http
            .post(hooke.at(&format!("/v1/collections/{collection}/bulk")))
            .header("content-type", "application/x-ndjson");
        let _ = bulk.bearer_auth(&command).body(lines).send().await.unwrap().text().await;
        let job = json!({ "kind": "DELETE", "collection": collection, "filter": { "code": { "eq": value } } });
        hooke.send("POST", "/v1/jobs", Some(&command), Some(job)).await;
    }
    let host = hooke.http.get(hooke.at("/")).header("host", "kanarienvogel.example").send().await.unwrap();
    assert_eq!(host.status().as_u16(), 403);
    let origin = hooke.http.post(hooke.at("/graphql")).header("origin", "http://kanarienvogel.example").send().await.unwrap();
    assert_eq!(origin.status().as_u16(), 403);

    assert_eq!(hooke.send("DELETE", &format!("/v1/keys/{key_id}"), Some(&command), None).await.0, 204);
    assert_eq!(hooke.send("DELETE", &format!("/v1/users/{EMAIL}"), Some(&command), None).await.0, 204);
    (never, id)
}

async fn logs_tell_who_and_never_what(elastic: Option<String>) {
    let folder = tempfile::tempdir().unwrap();
    let (name, upstream) = (unique("audit"), elastic.clone());
    let (collection, settings) = match elastic {
        Some(upstream) => {
            let settings = ["--elasticsearch", &before(upstream).await, "--catalog-include", &name, "--state-name", &name]
                .map(str::to_owned);
            (name.clone(), settings.to_vec())
        }
        None => ("things".to_owned(), Vec::new()),
    };
    let named = format!(r#"{{ "{collection}": {{ "name": "things", "singular": "thing" }} }}"#);
    let mut settings: Vec<&str> = settings.iter().map(String::as_str).collect();
    settings.extend(["--catalog-collections", &named]);
    let hooke = Process::start(folder.path(), &settings).await;
    let (never, id) = act(&hooke, &folder.path().join("data"), &collection).await;
    let log = hooke.stop().await;
    if let Some(upstream) = upstream {
        let http = reqwest::Client::new();
        let _ = http.delete(format!("{upstream}/{name}")).send().await;
        let _ = http.delete(format!("{upstream}/.hooke-{name}*?expand_wildcards=all")).send().await;
    }
    for (what, text) in &never {
        let lines: Vec<&str> = log.lines().filter(|line| line.to_lowercase().contains(&text.to_lowercase())).take(5).collect();
        assert!(lines.is_empty(), "the log holds {what}:\n{}", lines.join("\n"));
    }
    let events: Vec<Json> = log
        .lines()
        .filter_map(|line| serde_json::from_str::<Json>(line).ok())
        .filter(|event| event["target"] == "hooke::audit")
        .collect();
    let told = |action: &str, outcome: &str, more: &[(&str, &str)]| {
        let fits = |event: &&Json| {
            event["action"] == action && event["outcome"] == outcome && more.iter().all(|(key, value)| event[*key] == *value)
        };
        let Some(event) = events.iter().find(fits) else { panic!("no {action} {outcome} {more:?} in {events:#?}") };
        assert_eq!(event["address"], "127.0.0.1", "{event}");
        assert!(event["request_id"].is_string() && event["actor"].is_string(), "{event}");
    };
    let user = format!("user {id}");
    told("user.add", "done", &[("subject", &id), ("actor", "key command"), ("request_id", "the-id-of-this")]);
    told("sign-in", "refused", &[("subject", &id), ("reason", "password"), ("actor", "anybody")]);
    told("sign-in", "refused", &[("reason", "no account")]);
    told("sign-in", "done", &[("actor", &user), ("reason", "token")]);
    told("sign-in", "done", &[("actor", &user), ("reason", "page")]);
    told("user.change", "done", &[("subject", &id), ("role", "clerk"), ("was", "member")]);
    told("key.add", "done", &[("role", "clerk")]);
    told("key.remove", "done", &[]);
    told("user.remove", "done", &[("subject", &id)]);
    told("credential", "refused", &[("reason", "key")]);
    told("credential", "refused", &[("reason", "token")]);
    told("request", "refused", &[("code", "FORBIDDEN"), ("reason", "host")]);
    told("request", "refused", &[("code", "FORBIDDEN"), ("reason", "origin")]);
    told("request", "refused", &[("code", "LIMIT_EXCEEDED"), ("reason", "first")]);
    let of_keys = events
        .iter()
        .filter(|event| event["code"] == "FORBIDDEN" && event["actor"].as_str().is_some_and(|actor| actor.starts_with("key ")));
    assert!(of_keys.count() > 0, "{events:#?}");
    assert!(log.contains("a slow operation") && log.contains("\"operation\":\""), "no slow operation");
}

#[tokio::test]
async fn logs_of_the_embedded_engine_tell_who_and_never_what() {
    logs_tell_who_and_never_what(None).await;
}

#[tokio::test]
async fn logs_on_elasticsearch_tell_who_and_never_what() {
    let Some(url) = elasticsearch_url() else { return };
    logs_tell_who_and_never_what(Some(url)).await;
}
