//! A whole hooke on a port of its own, started by the very function that main uses, and asked by HTTP.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hooke::app::App;
use hooke::config::{Config, ElasticConfig, Writes};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use crate::ground::{elasticsearch_url, unique};

#[allow(dead_code, reason = "not every topic uses every helper")]
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

#[allow(dead_code, reason = "not every topic uses every helper")]
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
