//! The GraphQL API: the catalog as a schema, operations run as one round trip to the engine, answers shaped from what was selected.
//!
//! The way of a request: `endpoint` reads it, `version` has it compiled, `plan` turns arguments into a batch, `run` asks the engine,
//! `answer` shapes what came back. Only `schema` knows how types are declared, and only `endpoint` what HTTP is.

mod answer;
mod cost;
pub mod diff;
mod documents;
mod endpoint;
mod errors;
#[cfg(test)]
mod fixture;
mod ids;
mod marks;
mod moments;
mod operation;
mod paging;
mod plan;
mod points;
mod run;
mod schema;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod tests_of_counts;
mod value;
mod version;

use std::sync::Arc;

use anyhow::anyhow;
use arc_swap::ArcSwap;
use tokio::sync::watch;
use tokio::task::AbortHandle;

pub use endpoint::routes;
pub use run::{Answer, Request};

use crate::catalog::Catalog;
use crate::catalog::cursor::Signer;
use crate::catalog::moments::Moments;
use crate::config::Config;
use crate::error::Code;
use crate::search::{Call, Engine};
use errors::Failure;
use run::Runner;
use version::Version;

/// The API over one engine; it follows the catalog.
pub struct Api {
    engine: Arc<dyn Engine>,
    signer: Arc<Signer>,
    moments: Arc<Moments>,
    config: Config,
    current: Arc<ArcSwap<Version>>,
    /// Owned here: it ends with the API.
    following: AbortHandle,
}

impl Api {
    /// Builds the schema of the catalog as it is now, and again after every change of it.
    pub async fn open(
        engine: Arc<dyn Engine>,
        catalog: watch::Receiver<Arc<Catalog>>,
        signer: Arc<Signer>,
        moments: Arc<Moments>,
        config: &Config,
    ) -> anyhow::Result<Arc<Self>> {
        let mut catalog = catalog;
        let relay = config.graphql.relay;
        let seen = catalog.borrow_and_update().clone();
        let first = build(seen, relay).await?;
        let current = Arc::new(ArcSwap::from_pointee(first));
        let following = tokio::spawn(follow(catalog, current.clone(), relay)).abort_handle();
        Ok(Arc::new(Api { engine, signer, moments, config: config.clone(), current, following }))
    }

    /// Runs one operation against the schema of this moment.
    pub async fn run(&self, call: &Call, request: &Request) -> Answer {
        let version = self.current.load_full();
        if version.catalog.revision == 0 {
            return Answer::refused(vec![Failure::new(
                Code::BackendUnavailable,
                "the search engine has not been reached yet; try again in a moment",
            )]);
        }
        let runner = Runner {
            version: &version,
            engine: &*self.engine,
            signer: &self.signer,
            config: &self.config,
            moments: &self.moments,
        };
        runner.run(call, request).await
    }

    /// The schema as text.
    pub fn sdl(&self) -> Arc<str> {
        self.current.load().sdl.clone()
    }

    /// The revision of the catalog whose schema is served.
    pub fn revision(&self) -> u64 {
        self.current.load().catalog.revision
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.following.abort();
    }
}

/// The schema of a catalog as text, as it is served.
pub fn sdl(catalog: &Catalog, relay: bool) -> anyhow::Result<String> {
    schema::print(catalog, relay).map_err(|fault| anyhow!("the schema cannot be built: {fault}"))
}

async fn build(catalog: Arc<Catalog>, relay: bool) -> anyhow::Result<Version> {
    tokio::task::spawn_blocking(move || Version::build(catalog, relay)).await?
}

/// Ends when nobody makes catalogs any more, or with the API.
async fn follow(mut catalog: watch::Receiver<Arc<Catalog>>, current: Arc<ArcSwap<Version>>, relay: bool) {
    while catalog.changed().await.is_ok() {
        let seen = catalog.borrow_and_update().clone();
        match build(seen, relay).await {
            Ok(version) => {
                let old = current.swap(Arc::new(version));
                // a large schema takes a while to take apart
                drop(tokio::task::spawn_blocking(move || drop(old)));
            }
            Err(fault) => tracing::error!(cause = format!("{fault:#}"), "the schema stays as it was"),
        }
    }
}
