//! Calls to someone else's API: in sequence, at once, or inside the rate that it allows.
//!
//! All calls to one upstream in this process go through one `Upstream`; the limit it keeps to is shared with other processes through
//! hooke's own state. What is called is left to the settings, what is done with the answers to `lab` and `jobs`.

mod answer;
mod board;
mod calling;
mod gate;
mod keeper;
mod retry_after;
mod run;
mod shares;
mod window;

#[cfg(test)]
#[cfg(feature = "paused-clock")]
mod limits_test;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::Client;
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

pub use answer::{Answer, Fault, Reply};
pub use gate::Refusal;
pub use run::{Run, Way};

use crate::config::{Config, Rate, UpstreamConfig};
use crate::search::Engine;
pub(crate) use board::StateBoard;
use gate::Gate;
pub(crate) use shares::{Board, LEASE_MS, SKEW_MS, Terms};

/// The name of the lab's own upstream, where none is configured.
pub const OWN: &str = "lab";

/// All upstreams of this process, by name.
pub struct Upstreams {
    known: RwLock<BTreeMap<String, Arc<Upstream>>>,
}

/// One API of someone else's, and what we may ask of it.
pub struct Upstream {
    name: String,
    url: String,
    rate: Rate,
    timeout: Duration,
    client: Client,
    gate: Arc<Gate>,
}

impl Upstreams {
    /// Those of the settings; their limits are shared through `state`.
    pub fn open(config: &Config, state: &Arc<dyn Engine>) -> anyhow::Result<Self> {
        let mut known = BTreeMap::new();
        for (name, settings) in &config.upstreams {
            let board = StateBoard::new(state.clone(), &config.state, "upstreams", name)?;
            known.insert(name.clone(), Arc::new(Upstream::open(name, settings, Some(Arc::new(board)))?));
        }
        Ok(Upstreams { known: RwLock::new(known) })
    }

    /// One more, of which only this process knows.
    pub fn add(&self, name: &str, settings: &UpstreamConfig) -> anyhow::Result<()> {
        let upstream = Arc::new(Upstream::open(name, settings, None)?);
        self.known.write().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), upstream);
        Ok(())
    }

    pub fn get(&self, name: &str) -> Option<Arc<Upstream>> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
    }

    pub fn names(&self) -> Vec<String> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect()
    }

    /// The one of this name; without a name the one of the setting `lab.upstream`, else the first, else the lab's own.
    pub fn usual(&self, config: &Config, name: Option<&str>) -> Result<Arc<Upstream>, String> {
        let first = config.upstreams.keys().next().map(String::as_str);
        let name = name.or(config.lab.upstream.as_deref()).or(first).unwrap_or(OWN);
        self.get(name).ok_or_else(|| format!("there is no upstream {:?}", name.chars().take(64).collect::<String>()))
    }

    /// Gives back what this process holds of their limits.
    pub async fn close(&self) {
        let all: Vec<_> = self.known.read().unwrap_or_else(PoisonError::into_inner).values().cloned().collect();
        futures_util::future::join_all(all.iter().map(|upstream| upstream.gate.close())).await;
    }
}

impl Upstream {
    fn open(name: &str, settings: &UpstreamConfig, board: Option<Arc<dyn Board>>) -> anyhow::Result<Self> {
        let UpstreamConfig { url, headers, rate, concurrency, timeout } = settings;
        let mut own = HeaderMap::new();
        for (name, value) in headers {
            let mut value = HeaderValue::from_str(&value.0)?;
            value.set_sensitive(true);
            own.insert(HeaderName::try_from(name)?, value);
        }
        let address: reqwest::Url = url.replace("{n}", "1").parse()?;
        let builder = Client::builder()
            .default_headers(own)
            .user_agent(concat!("hooke/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(*timeout)
            // a call that is sent on elsewhere would count twice, and might take the headers with it
            .redirect(reqwest::redirect::Policy::none());
        let here = matches!(address.host_str(), Some("localhost" | "127.0.0.1" | "[::1]"));
        // a proxy does not lead back to this machine
        let client = if here { builder.no_proxy() } else { builder }.build()?;
        let gate = Gate::new(*rate, *concurrency, board);
        Ok(Upstream { name: name.to_owned(), url: url.clone(), rate: *rate, timeout: *timeout, client, gate })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn rate(&self) -> Rate {
        self.rate
    }
}
