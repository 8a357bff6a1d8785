//! The way of the commands to a server: the one that was named, else the one that runs on the same data folder, else one of their own,
//! which is the very same server on a free port of this machine.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, anyhow, bail};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{RequestBuilder, Response, StatusCode, Url};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::accounts;
use crate::app::{self, App};
use crate::config::Config;
use crate::server;

/// A server that was just started may have to reach its cluster and to read the catalog.
const READY: Duration = Duration::from_secs(30);

pub(super) struct Client {
    http: reqwest::Client,
    base: Url,
    own: Option<Own>,
}

struct Own {
    stop: oneshot::Sender<()>,
    task: JoinHandle<anyhow::Result<()>>,
}

/// What a server of ours tells when something is wrong.
#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    pub(super) detail: String,
}

/// What a server leaves in its data folder.
#[derive(Deserialize)]
struct Note {
    url: String,
    elasticsearch: Option<Vec<String>>,
}

impl Client {
    pub(super) async fn connect(config: Config, server: Option<&str>) -> anyhow::Result<Self> {
        let client = match server {
            Some(url) => Client::of(url, std::env::var("HOOKE_TOKEN").ok())?,
            None => match running(&config).await? {
                Some(client) => client,
                None => Client::start(config).await?,
            },
        };
        client.await_ready().await?;
        Ok(client)
    }

    /// `token`: what to say who we are by, where the server wants to know.
    fn of(url: &str, token: Option<String>) -> anyhow::Result<Self> {
        let base: Url = url.parse().with_context(|| format!("{url:?} is no address"))?;
        if base.host_str().is_none() || !matches!(base.scheme(), "http" | "https") {
            bail!("{url:?} is no address of a server: write it as http://127.0.0.1:4000");
        }
        let here = matches!(base.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        let mut headers = HeaderMap::new();
        if let Some(token) = token {
            let mut value =
                HeaderValue::try_from(format!("Bearer {token}")).context("HOOKE_TOKEN holds what no header may hold")?;
            value.set_sensitive(true);
            headers.insert(AUTHORIZATION, value);
        }
        let builder = reqwest::Client::builder().connect_timeout(Duration::from_secs(5)).default_headers(headers);
        // a proxy does not lead back to this machine
        let http = if here { builder.no_proxy() } else { builder }.build()?;
        Ok(Client { http, base, own: None })
    }

    async fn start(config: Config) -> anyhow::Result<Self> {
        let app = App::open(Config { listen: ([127, 0, 0, 1], 0).into(), ..config }).await?;
        let listener = TcpListener::bind(app.config.listen).await?;
        let url = server::url_of(listener.local_addr()?);
        let token = token(&app.config).await;
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(server::run(listener, Arc::clone(&app), async {
            // a sender that is gone means stop as well
            let _ = stopped.await;
        }));
        Ok(Client { own: Some(Own { stop, task }), ..Client::of(&url, token)? })
    }

    async fn await_ready(&self) -> anyhow::Result<()> {
        let deadline = Instant::now() + READY;
        loop {
            let answer = self.http.get(self.at(&["readyz"])?).timeout(Duration::from_secs(5)).send().await;
            let why = match answer {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => {
                    let body: Json = answer.json().await.unwrap_or_default();
                    body.get("detail").and_then(Json::as_str).unwrap_or("it does not say why").to_owned()
                }
                Err(fault) => fault.to_string(),
            };
            if Instant::now() >= deadline {
                bail!("the server at {} is not ready: {why}", self.base);
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// An address below the server's, each part one segment.
    pub(super) fn at(&self, parts: &[&str]) -> anyhow::Result<Url> {
        let mut url = self.base.clone();
        url.path_segments_mut()
            .map_err(|()| anyhow!("{} cannot be an address of a server", self.base))?
            .pop_if_empty()
            .extend(parts);
        Ok(url)
    }

    pub(super) fn get(&self, parts: &[&str]) -> anyhow::Result<RequestBuilder> {
        Ok(self.http.get(self.at(parts)?))
    }

    pub(super) fn post(&self, parts: &[&str]) -> anyhow::Result<RequestBuilder> {
        Ok(self.http.post(self.at(parts)?))
    }

    pub(super) fn patch(&self, parts: &[&str]) -> anyhow::Result<RequestBuilder> {
        Ok(self.http.patch(self.at(parts)?))
    }

    pub(super) fn delete(&self, parts: &[&str]) -> anyhow::Result<RequestBuilder> {
        Ok(self.http.delete(self.at(parts)?))
    }

    /// Lets a server of our own end well: it writes down what it knows.
    pub(super) async fn close(self) -> anyhow::Result<()> {
        let Some(own) = self.own else { return Ok(()) };
        // connections kept for later would hold up the end
        drop(self.http);
        let _ = own.stop.send(());
        timeout(Duration::from_secs(30), own.task).await.context("the server did not stop")??
    }
}

/// Whoever can read the secret of the data folder may do everything.
async fn token(config: &Config) -> Option<String> {
    let config = config.clone();
    let secret = tokio::task::spawn_blocking(move || app::secret(&config)).await.ok()??;
    Some(accounts::command_token(&secret))
}

/// A server that runs on the same data folder. Only the lock tells: a note may have been left behind by one that was killed, and
/// somebody else may listen at its address by now.
async fn running(config: &Config) -> anyhow::Result<Option<Client>> {
    let deadline = Instant::now() + READY;
    let note = loop {
        if !app::is_in_use(&config.data) {
            return Ok(None);
        }
        let note = tokio::fs::read(config.data.join(app::NOTE)).await.ok();
        match note.and_then(|text| serde_json::from_slice::<Note>(&text).ok()) {
            Some(note) => break note,
            // it is just starting, or a command that will soon be done
            None if Instant::now() < deadline => sleep(Duration::from_millis(50)).await,
            None => bail!("another hooke uses the data folder {} and does not say where it listens", config.data.display()),
        }
    };
    let client = Client::of(&note.url, token(config).await)?;
    if let Some(elastic) = &config.elasticsearch
        && note.elasticsearch.as_ref() != Some(&elastic.urls)
    {
        bail!(
            "the server that runs on the data folder {} uses another engine: name the server by --server, or another folder by --data",
            config.data.display()
        );
    }
    Ok(Some(client))
}

/// Does something at a server, and lets one of our own end also where that failed.
pub(super) async fn visit<T>(
    config: Config,
    server: Option<&str>,
    act: impl AsyncFnOnce(&Client) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let client = Client::connect(config, server).await?;
    let done = act(&client).await;
    client.close().await?;
    done
}

/// The good answer to a request; what the server says is wrong is an error.
pub(super) async fn send(request: RequestBuilder) -> anyhow::Result<Response> {
    good(request.send().await?).await.map_err(|(_, problem)| anyhow!(problem.detail))
}

/// The same, where the answer is JSON.
pub(super) async fn ask<T: DeserializeOwned>(request: RequestBuilder) -> anyhow::Result<T> {
    Ok(send(request).await?.json().await?)
}

/// The answer, if it is a good one; else what the server says is wrong.
pub(super) async fn good(answer: Response) -> Result<Response, (StatusCode, Problem)> {
    let status = answer.status();
    if status.is_success() {
        return Ok(answer);
    }
    let text = answer.text().await.unwrap_or_default();
    let problem = serde_json::from_str(&text)
        .unwrap_or_else(|_| Problem { detail: format!("status {status}: {}", text.chars().take(200).collect::<String>()) });
    Err((status, problem))
}
