//! A whole hooke on a port of its own, started by the very function that main uses, and asked by HTTP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hooke::app::App;
use hooke::config::{CollectionConfig, Config, ElasticConfig, Writes};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::ground::{elasticsearch_url, unique};

#[allow(dead_code, reason = "not every topic uses all of it")]
pub struct TestApp {
    pub url: String,
    pub http: reqwest::Client,
    pub app: Arc<App>,
    /// Collections on Elasticsearch begin so: the cluster may be shared.
    pub prefix: String,
    stop: Option<oneshot::Sender<()>>,
    served: Option<tokio::task::JoinHandle<anyhow::Result<()>>>,
    _folder: tempfile::TempDir,
}

#[allow(dead_code, reason = "not every topic uses all of it")]
impl TestApp {
    pub async fn embedded() -> TestApp {
        Self::open(|_| {}).await
    }

    /// On the Elasticsearch under test, seeing only what begins with `prefix`. `None`: there is none.
    pub async fn elastic() -> Option<TestApp> {
        let url = elasticsearch_url()?;
        Some(Self::on(url).await)
    }

    /// On the Elasticsearch (or what stands in front of it) at this address.
    pub async fn on(url: String) -> TestApp {
        let prefix = unique("app-");
        let mut app = Self::open(|config| {
            config.elasticsearch = Some(ElasticConfig { urls: vec![url], ..ElasticConfig::default() });
            config.catalog.include = vec![format!("{prefix}*")];
            // jobs of other tests are none of its business
            config.state.name.clone_from(&prefix);
        })
        .await;
        app.prefix = prefix;
        app
    }

    /// With settings of its own.
    pub async fn open(change: impl FnOnce(&mut Config)) -> TestApp {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config { data: folder.path().to_owned(), sample: false, writes: Some(Writes::All), ..Config::default() };
        change(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = App::open(config).await.unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(hooke::server::run(listener, app.clone(), async move {
            let _ = stopped.await;
        }));
        let test = TestApp {
            url,
            http: reqwest::Client::builder().timeout(Duration::from_secs(30)).build().unwrap(),
            app,
            prefix: String::new(),
            stop: Some(stop),
            served: Some(served),
            _folder: folder,
        };
        test.await_status("/readyz", 200).await;
        test
    }

    pub fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// The name of a collection of this test.
    pub fn name(&self, stem: &str) -> String {
        format!("{}{stem}", self.prefix)
    }

    pub async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.at(path)).send().await.unwrap()
    }

    /// Until this path answers so, ten seconds at most.
    pub async fn await_status(&self, path: &str, status: u16) {
        let from = Instant::now();
        loop {
            let last = self.http.get(self.at(path)).send().await.map(|answer| answer.status().as_u16());
            if last.as_ref().ok() == Some(&status) {
                return;
            }
            assert!(from.elapsed() < Duration::from_secs(10), "{path} answers {last:?}, not {status}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Until the schema has this text, ten seconds at most.
    pub async fn await_schema(&self, text: &str) {
        let from = Instant::now();
        while !self.get("/schema.graphql").await.text().await.unwrap().contains(text) {
            assert!(from.elapsed() < Duration::from_secs(10), "the schema did not follow");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// The whole answer to an operation: `data`, `errors`, `extensions`.
    pub async fn graphql(&self, query: &str, variables: Json) -> Json {
        let body = json!({ "query": query, "variables": variables });
        self.http.post(self.at("/graphql")).json(&body).send().await.unwrap().json().await.unwrap()
    }

    /// `data` of an operation that must have no errors.
    pub async fn data(&self, query: &str) -> Json {
        let mut answer = self.graphql(query, json!({})).await;
        assert_eq!(answer.get("errors"), None, "of {query}");
        answer["data"].take()
    }

    /// Stops gracefully and waits for the end.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(served) = self.served.take() {
            served.await.unwrap().unwrap();
        }
    }
}

/// A collection of a few documents, and the hooke that serves it.
pub struct Stage {
    pub app: TestApp,
    pub name: String,
}

impl Stage {
    /// On each engine there is: a collection of this mapping whose root field is `root`, with these documents, in this order.
    pub async fn each(root: &str, singular: &str, mapping: &Json, documents: &[(&str, Json)]) -> Vec<Stage> {
        let mut all = vec![Self::open(None, root, singular, mapping, documents).await];
        match elasticsearch_url() {
            Some(url) => all.push(Self::open(Some(url), root, singular, mapping, documents).await),
            None => eprintln!("SKIPPED on Elasticsearch: HOOKE_TEST_ELASTICSEARCH is not set"),
        }
        all
    }

    async fn open(url: Option<String>, root: &str, singular: &str, mapping: &Json, documents: &[(&str, Json)]) -> Stage {
        let name = url.as_ref().map_or_else(|| root.to_owned(), |_| unique(root));
        let app = TestApp::open(|config| {
            if let Some(url) = url {
                config.elasticsearch = Some(ElasticConfig { urls: vec![url], ..ElasticConfig::default() });
                config.catalog.include = vec![name.clone()];
                config.state.name.clone_from(&name);
            }
            let named =
                CollectionConfig { name: Some(root.into()), singular: Some(singular.into()), ..CollectionConfig::default() };
            config.catalog.collections.insert(name.clone(), named);
        })
        .await;
        let body = json!({ "name": name, "mappings": mapping });
        let made = app.http.post(app.at("/v1/collections")).json(&body).send().await.unwrap();
        assert!(made.status().is_success(), "{}", made.text().await.unwrap());
        let stage = Stage { app, name };
        let lines = documents.iter().map(|(id, input)| format!("{}\n", json!({ "create": { "id": id, "input": input } })));
        let path = stage.app.at(&format!("/v1/collections/{}/bulk?refresh=NOW", stage.name));
        let sent = stage.app.http.post(path).header("content-type", "application/x-ndjson").body(lines.collect::<String>());
        let answer = sent.send().await.unwrap().text().await.unwrap();
        let taken = answer.lines().filter(|line| line.contains("\"errors\":[]")).count();
        assert_eq!(taken, documents.len(), "{answer}");
        stage
    }

    /// The answer of a search by REST.
    pub async fn search(&self, body: Json) -> Json {
        let path = self.app.at(&format!("/v1/collections/{}/search", self.name));
        self.app.http.post(path).json(&body).send().await.unwrap().json().await.unwrap()
    }

    /// The message of the first error, which must be what the caller can change.
    pub async fn refusal(&self, query: &str) -> String {
        let answer = self.app.graphql(query, json!({})).await;
        let error = &answer["errors"][0];
        assert!(
            ["BAD_USER_INPUT", "LIMIT_EXCEEDED"].iter().any(|code| error["extensions"]["code"] == *code),
            "{query}: {answer}"
        );
        error["message"].as_str().unwrap().to_owned()
    }

    pub async fn close(self) {
        self.app.http.delete(self.app.at(&format!("/v1/collections/{}", self.name))).send().await.unwrap();
        self.app.stop().await;
    }
}

/// Equal, numbers to the precision that both engines promise.
pub fn assert_near(got: &Json, wanted: &Json) {
    match (got, wanted) {
        (Json::Number(a), Json::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            assert!((a - b).abs() <= 1e-4 * a.abs().max(b.abs()), "{a} comes, not {b}");
        }
        (Json::Array(a), Json::Array(b)) if a.len() == b.len() => a.iter().zip(b).for_each(|(a, b)| assert_near(a, b)),
        (Json::Object(a), Json::Object(b)) if a.len() == b.len() => a.iter().for_each(|(key, a)| assert_near(a, &b[key])),
        _ => assert_eq!(got, wanted),
    }
}
