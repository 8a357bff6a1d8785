//! One live query: waits until what it reads may have changed, runs again, and publishes what differs.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::sync::{Semaphore, watch};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::News;
use crate::access::Viewer;
use crate::catalog::{Beat, Exposed};
use crate::error::Code;
use crate::graphql::Core;
use crate::graphql::errors::Failure;
use crate::graphql::operation::{self, Selector, What};
use crate::graphql::run::{Answer, Compiled, Request};
use crate::graphql::version::Version;
use crate::search::Call;

/// Between the starts of two runs of one query.
pub(super) const EVERY: Duration = Duration::from_secs(1);

/// A run that failed for a reason that may pass is tried again, at first soon, then less and less often.
pub(super) const LONGEST_RETRY: Duration = Duration::from_secs(30);

pub(super) struct Query {
    pub(super) core: Arc<Core>,
    pub(super) beats: watch::Receiver<Beat>,
    pub(super) swaps: watch::Receiver<()>,
    pub(super) turns: Arc<Semaphore>,
    /// The first who asked; others who share it see the same.
    pub(super) viewer: Arc<Viewer>,
    pub(super) request: Request,
    pub(super) name: Arc<str>,
}

/// What a live query reads.
pub(super) enum Source {
    /// Documents of a collection.
    Collection(Arc<Exposed>),
    /// One job, by its id.
    Job(String),
}

/// What a run was about and what came of it.
struct Ran {
    on: Arc<Exposed>,
    /// What was known of changes before the run: whatever comes after it may be new.
    seen: Seen,
    answer: Answer,
}

#[derive(Clone, Copy, PartialEq)]
enum Seen {
    Nothing,
    Number(Option<u64>),
}

/// Why a query cannot go on.
pub(super) type Ended = Vec<Failure>;

/// What a subscription reads. The validation has seen to it that there is one root field.
pub(super) fn source(core: &Core, version: &Version, compiled: &Compiled) -> Result<Source, Failure> {
    let selector = Selector {
        document: &compiled.document.valid,
        variables: &compiled.variables,
        roots: &version.roots,
        relay: core.config.graphql.relay,
    };
    let nodes = compiled.document.selected(&compiled.operation, &selector);
    match nodes.as_slice() {
        [node] => match &node.what {
            What::Many(exposed) => {
                let arguments = operation::arguments(&version.schema, &node.field, &compiled.variables)?;
                if arguments.get("consistency").and_then(Json::as_str) == Some("SNAPSHOT") {
                    return Err(Failure::input("a snapshot never changes: subscribe to what is LIVE, or ask by a query"));
                }
                Ok(Source::Collection(exposed.clone()))
            }
            What::JobById if core.own.is_some() => {
                let arguments = operation::arguments(&version.schema, &node.field, &compiled.variables)?;
                Ok(Source::Job(arguments.get("id").and_then(Json::as_str).unwrap_or_default().to_owned()))
            }
            _ => Err(Failure::input(format!("{} cannot be subscribed to", node.field.name))),
        },
        _ => Err(Failure::input("a subscription selects one root field")),
    }
}

impl Query {
    /// Ends when it cannot go on, and is aborted when nobody listens any more.
    pub(super) async fn run(mut self, tell: watch::Sender<News>) {
        let ended = self.live(&tell).await;
        tell.send_replace(News::Over(Arc::new(ended)));
    }

    async fn live(&mut self, tell: &watch::Sender<News>) -> Ended {
        // the first look: whether changes can be seen at all. An engine that is away tells so itself, below.
        let patience = Instant::now() + self.core.config.limits.time;
        let _ = timeout_at(patience, self.beats.wait_for(|beat| *beat != Beat::Unknown)).await;
        let mut retry = EVERY;
        loop {
            let began = Instant::now();
            // on the heap while it runs: thousands wait for each that does
            let ran = match Box::pin(self.once()).await {
                Ok(ran) => ran,
                Err(ended) => return ended,
            };
            let fails = may_pass(&ran.answer);
            if let Err(ended) = publish(tell, &ran.answer, &self.name) {
                return ended;
            }
            retry = if fails { (retry * 2).min(LONGEST_RETRY) } else { EVERY };
            if let Err(ended) = self.wait(&ran, fails.then(|| began + retry)).await {
                return ended;
            }
            sleep_until(began + EVERY).await;
        }
    }

    async fn once(&mut self) -> Result<Ran, Ended> {
        let turns = self.turns.clone();
        let turn = turns.acquire().await.map_err(|_| internal())?;
        self.swaps.mark_unchanged();
        let version = self.core.version_of(&self.viewer).await.map_err(|failure| vec![failure])?;
        let seat = self.core.seat(&self.viewer);
        let runner = self.core.runner(&version, &seat);
        let compiled = runner.compile(&self.request)?;
        let Source::Collection(on) = source(&self.core, &version, &compiled).map_err(|failure| vec![failure])? else {
            return Err(internal());
        };
        let seen = seen(&self.beats.borrow_and_update(), &on)?;
        let call = Call::within(self.core.config.limits.time).named(self.name.clone());
        let answer = runner.execute(&call, &compiled).await?;
        drop(turn);
        Ok(Ran { on, seen, answer })
    }

    /// Until another run may give another answer.
    async fn wait(&mut self, ran: &Ran, retry: Option<Instant>) -> Result<(), Ended> {
        let Self { beats, swaps, core, viewer, .. } = self;
        loop {
            tokio::select! {
                changed = beats.changed() => {
                    changed.map_err(|_| internal())?;
                    if seen(&beats.borrow_and_update(), &ran.on)? != ran.seen {
                        return Ok(());
                    }
                }
                changed = swaps.changed() => {
                    changed.map_err(|_| internal())?;
                    let seen = core.desk.catalog(&viewer.role, &core.current.load().catalog);
                    let now = seen.collection(ran.on.collection.name.as_str());
                    // what did not change is the same, and so is what can be asked of it
                    if !now.is_some_and(|now| Arc::ptr_eq(now, &ran.on)) {
                        return Ok(());
                    }
                }
                () = sleep_until(retry.unwrap_or_else(Instant::now)), if retry.is_some() => return Ok(()),
            }
        }
    }
}

/// What a look says of a collection.
fn seen(beat: &Beat, on: &Exposed) -> Result<Seen, Ended> {
    match beat {
        Beat::Unknown | Beat::Lost => Ok(Seen::Nothing),
        Beat::Seen(numbers) => Ok(Seen::Number(numbers.get(&on.collection.name).copied())),
        Beat::Blind => Err(vec![Failure::new(
            Code::Unsupported,
            "changes cannot be watched: hooke's user lacks the right `monitor` on the cluster and its indices; ask by a query",
        )]),
    }
}

/// Told only where it is another answer than the last.
pub(super) fn publish(tell: &watch::Sender<News>, answer: &Answer, name: &str) -> Result<(), Ended> {
    let text = written(answer, name)?;
    tell.send_if_modified(|last| {
        let same = matches!(last, News::Answer(old) if **old == *text);
        if !same {
            *last = News::Answer(text);
        }
        !same
    });
    Ok(())
}

pub(super) fn written(answer: &Answer, name: &str) -> Result<Arc<str>, Ended> {
    serde_json::to_string(answer).map(Into::into).map_err(|fault| {
        tracing::error!(request_id = name, cause = %fault, "an answer cannot be written");
        internal()
    })
}

/// The engine was away or too slow, or told only a part: the same search may do better in a moment.
pub(super) fn may_pass(answer: &Answer) -> bool {
    answer.errors.iter().any(|failure| {
        failure.path.len() <= 1 && matches!(failure.code, "BACKEND_UNAVAILABLE" | "TIMEOUT" | "PARTIAL_RESULT" | "INTERNAL")
    })
}

pub(super) fn internal() -> Ended {
    vec![Failure::new(Code::Internal, "internal error")]
}
