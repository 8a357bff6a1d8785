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
#[cfg(test)]
mod tests_of_roles;
mod value;
mod version;

use std::sync::{Arc, Mutex, PoisonError};

use anyhow::anyhow;
use arc_swap::ArcSwap;
use tokio::sync::{OnceCell, watch};
use tokio::task::AbortHandle;
use tracing::Instrument as _;

pub use endpoint::routes;
pub use run::{Answer, Request};

use crate::access::{Desk, Viewer, Who};
use crate::app::App;
use crate::catalog::cursor::Signer;
use crate::catalog::moments::Moments;
use crate::catalog::{Catalog, Pulse};
use crate::config::{Config, Limits};
use crate::error::Code;
use crate::search::{Call, Engine};
use crate::telemetry::TRACED;
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

/// Made once, by the first who needs it; others wait for it.
type Building = Arc<OnceCell<Arc<Version>>>;

/// What running operations needs.
pub(crate) struct Core {
    engine: Arc<dyn Engine>,
    signer: Arc<Signer>,
    moments: Arc<Moments>,
    config: Config,
    current: ArcSwap<Version>,
    /// Of viewers for whom something is not there: made when the first of them asks.
    narrow: Mutex<Vec<(Arc<Catalog>, Building)>>,
    desk: Arc<Desk>,
    /// Told after each swap of the version.
    swaps: watch::Sender<()>,
    /// Absent where there is an engine and nothing else.
    own: Option<Own>,
}

/// What one viewer may use of all that.
struct Seat {
    viewer: Arc<Viewer>,
    engine: Arc<dyn Engine>,
    signer: Arc<Signer>,
    own: Option<Own>,
    /// Whose snapshots are counted together.
    holder: String,
}

impl Api {
    /// Builds the schema of the catalog as it is now, and again after every change of it.
    pub async fn open(app: &App) -> anyhow::Result<Arc<Self>> {
        let own = Own { catalog: app.catalog.clone(), jobs: app.jobs.clone() };
        let (engine, signer, moments) = (app.engine.clone(), app.signer.clone(), app.moments.clone());
        Self::over(engine, app.catalog.changes(), app.pulse.clone(), Some(own), signer, moments, app.desk.twin(), &app.config)
            .await
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of the app, and tests have no app")]
    async fn over(
        engine: Arc<dyn Engine>,
        mut changes: watch::Receiver<Arc<Catalog>>,
        pulse: Arc<Pulse>,
        own: Option<Own>,
        signer: Arc<Signer>,
        moments: Arc<Moments>,
        desk: Arc<Desk>,
        config: &Config,
    ) -> anyhow::Result<Arc<Self>> {
        let seen = changes.borrow_and_update().clone();
        let first = build(seen, Face::of(config)).await?;
        let (current, swaps) = (ArcSwap::from_pointee(first), watch::Sender::default());
        let core = Arc::new(Core {
            engine,
            signer,
            moments,
            config: config.clone(),
            current,
            narrow: Mutex::default(),
            desk,
            swaps,
            own,
        });
        let following = tokio::spawn(follow(changes, core.clone())).abort_handle();
        Ok(Arc::new(Api { live: Hub::new(core.clone(), pulse), core, following }))
    }

    /// Runs one operation of a viewer against the schema of this moment.
    pub async fn run(&self, call: &Call, viewer: &Arc<Viewer>, request: &Request) -> Answer {
        let span =
            tracing::trace_span!(target: TRACED, "operation", cost = tracing::field::Empty, errors = tracing::field::Empty);
        let running = async {
            match self.core.version_of(viewer).await {
                Ok(version) => self.core.runner(&version, &self.core.seat(viewer)).run(call, request).await,
                Err(failure) => Answer::refused(vec![failure]),
            }
        };
        let answer = running.instrument(span.clone()).await;
        span.record("cost", answer.cost);
        span.record("errors", answer.errors.len());
        answer
    }

    /// Begins a subscription. The errors are those of a request that never ran.
    pub(crate) async fn subscribe(&self, viewer: &Arc<Viewer>, request: &Request) -> Result<Subscription, Vec<Failure>> {
        self.live.subscribe(viewer, request).await
    }

    /// Whether the request is one for [`Api::subscribe`]; what is wrong with it is told by whoever runs it.
    pub(crate) async fn is_subscription(&self, viewer: &Arc<Viewer>, request: &Request) -> bool {
        let Ok(version) = self.core.version_of(viewer).await else { return false };
        self.core
            .runner(&version, &self.core.seat(viewer))
            .compile(request)
            .is_ok_and(|compiled| compiled.operation.is_subscription())
    }

    pub(crate) fn config(&self) -> &Config {
        &self.core.config
    }

    /// Live queries that differ.
    pub fn live(&self) -> usize {
        self.live.count()
    }

    pub fn collections(&self) -> usize {
        self.core.current.load().catalog.collections.len()
    }

    /// The schema of a viewer as text; `None` where they may not see it.
    pub(crate) async fn sdl(&self, viewer: &Arc<Viewer>) -> Option<Arc<str>> {
        if !viewer.role.may_introspect() {
            return None;
        }
        match self.core.version_of(viewer).await {
            Ok(version) => Some(version.sdl.clone()),
            // before the engine was reached there is only what is always there
            Err(_) => Some(self.core.current.load().sdl.clone()),
        }
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

    /// The same as it exists for a viewer: those who see the same collections and fields share one.
    async fn version_of(&self, viewer: &Arc<Viewer>) -> Result<Arc<Version>, Failure> {
        let whole = self.version()?;
        let seen = self.desk.catalog(&viewer.role, &whole.catalog);
        if Arc::ptr_eq(&seen, &whole.catalog) {
            return Ok(whole);
        }
        let cell = {
            let mut narrow = self.narrow.lock().unwrap_or_else(PoisonError::into_inner);
            narrow.retain(|(catalog, _)| catalog.revision >= seen.revision);
            match narrow.iter().find(|(catalog, _)| Arc::ptr_eq(catalog, &seen)) {
                Some((_, cell)) => cell.clone(),
                None => {
                    narrow.push((seen.clone(), Arc::default()));
                    narrow.last().map(|(_, cell)| cell.clone()).unwrap_or_default()
                }
            }
        };
        let made = cell.get_or_try_init(async || build(seen, Face::of(&self.config)).await.map(Arc::new)).await;
        made.cloned().map_err(|fault| {
            tracing::error!(cause = format!("{fault:#}"), role = &*viewer.role.name, "a role has no schema");
            Failure::new(Code::Internal, "internal error")
        })
    }

    /// What a viewer may use.
    fn seat(&self, viewer: &Arc<Viewer>) -> Seat {
        let own = self.own.as_ref();
        let jobs = |own: &Own| own.jobs.seen_by(viewer);
        if viewer.role.may_everything() {
            let holder = if viewer.who == Who::Anybody { String::new() } else { viewer.who.to_string() };
            let own = own.map(|own| Own { catalog: own.catalog.clone(), jobs: jobs(own) });
            return Seat { viewer: viewer.clone(), engine: self.engine.clone(), signer: self.signer.clone(), own, holder };
        }
        let policy = Desk::policy(viewer);
        let own = own.map(|own| {
            let (desk, role) = (self.desk.clone(), viewer.role.clone());
            Own { catalog: own.catalog.through(Arc::new(move |full| desk.catalog(&role, full))), jobs: jobs(own) }
        });
        Seat {
            viewer: viewer.clone(),
            engine: self.desk.engine(viewer),
            signer: Arc::new(self.signer.under(&policy)),
            own,
            holder: format!("{} {policy}", viewer.who),
        }
    }

    fn runner<'a>(&'a self, version: &'a Arc<Version>, seat: &'a Seat) -> Runner<'a> {
        Runner {
            version,
            viewer: &seat.viewer,
            engine: &*seat.engine,
            signer: &seat.signer,
            config: &self.config,
            moments: &self.moments,
            holder: &seat.holder,
            reach: seat.own.as_ref().map(|own| Reach { own, swaps: &self.swaps, current: &self.current }),
        }
    }
}

/// The schema of a catalog as text, as it is served.
pub fn sdl(catalog: &Catalog, config: &Config) -> anyhow::Result<String> {
    schema::print(catalog, Face::of(config)).map_err(|fault| anyhow!("the schema cannot be built: {fault}"))
}

/// Checks operations against a schema, and runs nothing.
pub struct Checker(apollo_compiler::validation::Valid<apollo_compiler::Schema>);

impl Checker {
    pub fn new(sdl: &str) -> anyhow::Result<Self> {
        let schema = apollo_compiler::Schema::parse_and_validate(sdl, "schema.graphql");
        schema.map(Checker).map_err(|faults| anyhow!("{}", faults.errors))
    }

    /// What is wrong with an operation, as its sender would be told.
    pub fn check(&self, text: &str, limits: &Limits) -> Result<(), String> {
        let compiled = operation::compile(&self.0, text, limits);
        compiled.map(drop).map_err(|failures| serde_json::to_string(&failures).unwrap_or_default())
    }
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
