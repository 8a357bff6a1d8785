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
mod jobs;
mod live;
mod marks;
mod moments;
mod mutation;
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

use crate::access::Viewer;
use crate::app::App;
use crate::catalog::cursor::Signer;
use crate::catalog::moments::Moments;
use crate::catalog::{Catalog, Pulse};
use crate::config::Config;
use crate::error::Code;
use crate::search::{Call, Engine};
use errors::Failure;
use live::Hub;
pub(crate) use live::Subscription;
use mutation::{Own, Reach};
use run::Runner;
use schema::Face;
use version::Version;

/// The API over one engine; it follows the catalog.
pub struct Api {
    core: Arc<Core>,
    live: Hub,
    /// Owned here: it ends with the API.
    following: AbortHandle,
}

/// What running operations needs.
pub(crate) struct Core {
    engine: Arc<dyn Engine>,
    signer: Arc<Signer>,
    moments: Arc<Moments>,
    config: Config,
    current: ArcSwap<Version>,
    /// Told after each swap of the version.
    swaps: watch::Sender<()>,
    /// Absent where there is an engine and nothing else.
    own: Option<Own>,
}

impl Api {
    /// Builds the schema of the catalog as it is now, and again after every change of it.
    pub async fn open(app: &App) -> anyhow::Result<Arc<Self>> {
        let own = Own { catalog: app.catalog.clone(), jobs: app.jobs.clone() };
        let (engine, signer, moments) = (app.engine.clone(), app.signer.clone(), app.moments.clone());
        Self::over(engine, app.catalog.changes(), app.pulse.clone(), Some(own), signer, moments, &app.config).await
    }

    async fn over(
        engine: Arc<dyn Engine>,
        mut changes: watch::Receiver<Arc<Catalog>>,
        pulse: Arc<Pulse>,
        own: Option<Own>,
        signer: Arc<Signer>,
        moments: Arc<Moments>,
        config: &Config,
    ) -> anyhow::Result<Arc<Self>> {
        let seen = changes.borrow_and_update().clone();
        let first = build(seen, Face::of(config)).await?;
        let (current, swaps) = (ArcSwap::from_pointee(first), watch::Sender::default());
        let core = Arc::new(Core { engine, signer, moments, config: config.clone(), current, swaps, own });
        let following = tokio::spawn(follow(changes, core.clone())).abort_handle();
        Ok(Arc::new(Api { live: Hub::new(core.clone(), pulse), core, following }))
    }

    /// Runs one operation of a viewer against the schema of this moment.
    pub async fn run(&self, call: &Call, _viewer: &Arc<Viewer>, request: &Request) -> Answer {
        match self.core.version() {
            Ok(version) => self.core.runner(&version).run(call, request).await,
            Err(failure) => Answer::refused(vec![failure]),
        }
    }

    /// Begins a subscription. The errors are those of a request that never ran.
    pub(crate) fn subscribe(&self, _viewer: &Arc<Viewer>, request: &Request) -> Result<Subscription, Vec<Failure>> {
        self.live.subscribe(request)
    }

    /// Whether the request is one for [`Api::subscribe`]; what is wrong with it is told by whoever runs it.
    pub(crate) fn is_subscription(&self, _viewer: &Arc<Viewer>, request: &Request) -> bool {
        let version = self.core.current.load_full();
        self.core.runner(&version).compile(request).is_ok_and(|compiled| compiled.operation.is_subscription())
    }

    pub(crate) fn config(&self) -> &Config {
        &self.core.config
    }

    /// The schema as text.
    pub fn sdl(&self) -> Arc<str> {
        self.core.current.load().sdl.clone()
    }

    /// The revision of the catalog whose schema is served.
    pub fn revision(&self) -> u64 {
        self.core.current.load().catalog.revision
    }
}

impl Drop for Api {
    fn drop(&mut self) {
        self.following.abort();
    }
}

impl Core {
    /// The version of the moment; none before the engine was reached once.
    fn version(&self) -> Result<Arc<Version>, Failure> {
        let version = self.current.load_full();
        if version.catalog.revision == 0 {
            let message = "the search engine has not been reached yet; try again in a moment";
            return Err(Failure::new(Code::BackendUnavailable, message));
        }
        Ok(version)
    }

    fn runner<'a>(&'a self, version: &'a Arc<Version>) -> Runner<'a> {
        Runner {
            version,
            engine: &*self.engine,
            signer: &self.signer,
            config: &self.config,
            moments: &self.moments,
            reach: self.own.as_ref().map(|own| Reach { own, swaps: &self.swaps, current: &self.current }),
        }
    }
}

/// The schema of a catalog as text, as it is served.
pub fn sdl(catalog: &Catalog, config: &Config) -> anyhow::Result<String> {
    schema::print(catalog, Face::of(config)).map_err(|fault| anyhow!("the schema cannot be built: {fault}"))
}

async fn build(catalog: Arc<Catalog>, face: Face) -> anyhow::Result<Version> {
    tokio::task::spawn_blocking(move || Version::build(catalog, face)).await?
}

/// Ends when nobody makes catalogs any more, or with the API.
async fn follow(mut changes: watch::Receiver<Arc<Catalog>>, core: Arc<Core>) {
    while changes.changed().await.is_ok() {
        let seen = changes.borrow_and_update().clone();
        match build(seen, Face::of(&core.config)).await {
            Ok(version) => {
                let old = core.current.swap(Arc::new(version));
                core.swaps.send_replace(());
                // a large schema takes a while to take apart
                drop(tokio::task::spawn_blocking(move || drop(old)));
            }
            Err(fault) => tracing::error!(cause = format!("{fault:#}"), "the schema stays as it was"),
        }
    }
}
