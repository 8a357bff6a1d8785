//! One job as a live query: told as it changes, whoever runs it, until it has come to its end. That it changes is told by `jobs`; what is
//! shown of it is selected as in a query.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::News;
use super::query::{EVERY, Ended, LONGEST_RETRY, internal, may_pass, publish, written};
use crate::access::Viewer;
use crate::graphql::Core;
use crate::graphql::errors::Failure;
use crate::graphql::run::{Answer, Request};
use crate::search::{Call, Error};

/// Between two looks: a bar that moves five times a second moves smoothly enough.
const PAUSE: Duration = Duration::from_millis(200);

pub(super) struct Followed {
    pub(super) core: Arc<Core>,
    pub(super) viewer: Arc<Viewer>,
    pub(super) request: Request,
    pub(super) name: Arc<str>,
    pub(super) id: String,
}

impl Followed {
    /// Ends with the job, and is aborted when nobody listens any more.
    pub(super) async fn run(self, tell: watch::Sender<News>) {
        if let Err(ended) = self.follow(&tell).await {
            tell.send_replace(News::Over(Arc::new(ended)));
        }
    }

    async fn follow(&self, tell: &watch::Sender<News>) -> Result<(), Ended> {
        let jobs = self.core.own.as_ref().ok_or_else(internal)?.jobs.seen_by(&self.viewer);
        let mut changes = match jobs.watch(&self.call(), &self.id).await {
            Ok(changes) => Some(changes),
            // there is none, which the answer says
            Err(Error::NotFound(_)) => None,
            Err(fault) => return Err(vec![Failure::of_engine(&fault, &self.name)]),
        };
        let mut retry = EVERY;
        let mut over = changes.is_none();
        if let Some(changes) = &mut changes {
            over = self.next(changes).await;
        }
        loop {
            let began = Instant::now();
            let answer = self.once().await?;
            let fails = may_pass(&answer);
            if over && !fails {
                tell.send_replace(News::Last(written(&answer, &self.name)?));
                return Ok(());
            }
            publish(tell, &answer, &self.name)?;
            retry = if fails { (retry * 2).min(LONGEST_RETRY) } else { EVERY };
            match &mut changes {
                Some(changes) if !over => tokio::select! {
                    ended = self.next(changes) => over = ended,
                    () = sleep_until(began + retry), if fails => {}
                },
                _ => sleep_until(began + retry).await,
            }
            sleep_until(began + PAUSE).await;
        }
    }

    /// Waits for the next change; true where none follows.
    async fn next(&self, changes: &mut crate::jobs::Watched) -> bool {
        if let Some(job) = changes.next().await {
            return job.state.is_final();
        }
        if self.core.own.as_ref().is_some_and(|own| *own.jobs.closing().borrow()) {
            // hooke stops, the job does not: whoever listens is cut off, and asks again
            std::future::pending::<()>().await;
        }
        true
    }

    async fn once(&self) -> Result<Answer, Ended> {
        let version = self.core.version_of(&self.viewer).await.map_err(|failure| vec![failure])?;
        let seat = self.core.seat(&self.viewer);
        let runner = self.core.runner(&version, &seat);
        let compiled = runner.compile(&self.request)?;
        runner.execute(&self.call(), &compiled).await
    }

    fn call(&self) -> Call {
        Call::within(self.core.config.limits.time).named(self.name.clone())
    }
}
