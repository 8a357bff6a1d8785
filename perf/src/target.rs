//! The hooke that is asked: where it is, and the data of a run, prepared through its REST API and removed again.

use std::net::IpAddr;
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context as _, Result, bail, ensure};
use reqwest::{Client, Method, RequestBuilder, Response, Url};
use serde_json::{Value, json};

use crate::documents;

/// Of one request while preparing.
const PATIENCE: Duration = Duration::from_secs(30);
const BATCH: usize = 500;

/// What a scenario needs to be there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Data {
    None,
    /// Documents in a collection made through `/v1/collections`.
    Documents,
    /// Hashtags, through the routes of the service that hooke grew from.
    Hashtags,
}

/// What is there now.
#[derive(Clone, Default)]
pub(crate) struct Prepared {
    pub(crate) collection: String,
    /// Its root field in GraphQL.
    pub(crate) field: String,
}

pub(crate) struct Target {
    url: String,
    client: Client,
    collection: String,
}

impl Target {
    pub(crate) fn new(url: &str, remote: bool) -> Result<Self> {
        let parsed = Url::parse(url).with_context(|| format!("{url} is no address of a hooke"))?;
        ensure!(remote || is_loopback(&parsed), "{url} is another machine: load it only with --remote, and only if it is yours");
        let client = Client::builder().timeout(PATIENCE).build()?;
        let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
        // letters only: names that end in digits may be taken for one day of many
        let mut random = documents::scatter(nanos as u64);
        let ending: String = std::iter::repeat_with(|| {
            random = documents::scatter(random);
            char::from(b'a' + (random % 26) as u8)
        })
        .take(8)
        .collect();
        Ok(Target { url: url.trim_end_matches('/').to_owned(), client, collection: format!("hooke-perf-{ending}") })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The engine it runs on, in words; an error where it is not ready.
    pub(crate) async fn engine(&self) -> Result<String> {
        let answer = self.send(self.request(Method::GET, "/readyz")).await?;
        let health: Value = answer.json().await?;
        let text = |name: &str| health[name].as_str().unwrap_or_default().to_owned();
        Ok(format!("{} {}", text("engine"), text("version")).trim().to_owned())
    }

    pub(crate) async fn prepare(&self, data: Data, count: usize) -> Result<Prepared> {
        match data {
            Data::None => return Ok(Prepared::default()),
            Data::Documents => self.load_documents(count as u64).await,
            Data::Hashtags => self.load_hashtags(count as u64).await,
        }
        .context("cannot prepare the data of the run (hooke must be allowed to make collections: --writes all)")?;
        let field = self.await_documents(count as u64).await?;
        Ok(Prepared { collection: self.collection.clone(), field })
    }

    /// The root field of the collection, once all its documents can be found.
    async fn await_documents(&self, count: u64) -> Result<String> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let request = self.request(Method::GET, &format!("/v1/collections/{}", self.collection));
            let listed: Value = self.send(request).await?.json().await?;
            if listed["count"].as_u64() == Some(count) {
                return Ok(listed["field"].as_str().context("the new collection has no root field")?.to_owned());
            }
            ensure!(Instant::now() < deadline, "{count} documents were written, but what is found is {}", listed["count"]);
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    async fn load_documents(&self, count: u64) -> Result<()> {
        let new = json!({"name": self.collection, "mappings": documents::mapping()});
        self.send(self.request(Method::POST, "/v1/collections").json(&new)).await?;
        let path = format!("/v1/collections/{}/bulk?refresh=NOW", self.collection);
        let numbers: Vec<u64> = (0..count).collect();
        for numbers in numbers.chunks(BATCH) {
            let mut lines = String::new();
            for number in numbers {
                let line = json!({"upsert": {"id": number.to_string(), "input": documents::document(*number)}});
                lines.push_str(&format!("{line}\n"));
            }
            let request = self.request(Method::POST, &path).header("content-type", "application/x-ndjson").body(lines);
            let answer = self.send(request).await?.text().await?;
            let outcomes = answer.lines().map(serde_json::from_str::<Value>).collect::<Result<Vec<_>, _>>()?;
            ensure!(outcomes.len() == numbers.len(), "{} answers to {} writes", outcomes.len(), numbers.len());
            if let Some(failed) =
                outcomes.iter().find(|outcome| outcome["errors"].as_array().is_none_or(|errors| !errors.is_empty()))
            {
                bail!("a document was not written: {failed}");
            }
        }
        Ok(())
    }

    async fn load_hashtags(&self, count: u64) -> Result<()> {
        self.send(self.request(Method::POST, &format!("/v1/create/index/{}", self.collection))).await?;
        let path = format!("/v1/content/load/{}", self.collection);
        let tags: Vec<String> = (0..count).map(documents::hashtag).collect();
        for tags in tags.chunks(BATCH) {
            self.send(self.request(Method::POST, &path).json(&json!({"hashtags": tags}))).await?;
        }
        Ok(())
    }

    /// Takes the collection away, where there is one.
    pub(crate) async fn remove(&self) -> Result<()> {
        let path = format!("/v1/collections/{}", self.collection);
        let answer = self.request(Method::DELETE, &path).send().await?;
        if answer.status().is_success() || [403, 404].contains(&answer.status().as_u16()) {
            return Ok(());
        }
        good(answer).await.map(|_| ())
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    async fn send(&self, request: RequestBuilder) -> Result<Response> {
        good(request.send().await.with_context(|| format!("no hooke answers at {}", self.url))?).await
    }
}

async fn good(answer: Response) -> Result<Response> {
    if answer.status().is_success() {
        return Ok(answer);
    }
    let (status, address) = (answer.status(), answer.url().path().to_owned());
    let text = answer.text().await.unwrap_or_default();
    bail!("{address} answered {status}: {}", text.chars().take(400).collect::<String>())
}

fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_unless_told() {
        for url in ["http://127.0.0.1:4000", "http://localhost", "http://[::1]:4000/"] {
            assert!(Target::new(url, false).is_ok(), "{url}");
        }
        for url in ["http://10.0.0.1:4000", "https://example.org", "http://localhost.example.org"] {
            assert!(Target::new(url, false).is_err(), "{url}");
            assert!(Target::new(url, true).is_ok(), "{url}");
        }
        assert!(Target::new("nonsense", true).is_err());
    }
}
