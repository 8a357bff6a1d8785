//! What a task has of its job: its arguments, how far it has come, its log, its checkpoints, and whether it may go on.

use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use tokio::time::sleep;

use super::Inner;
use super::job::Job;
use super::running::{Lost, Running};
use crate::catalog::Watch;
use crate::search::{Call, Engine, Error, Refresh, Result};

/// For one call of the engine.
const PATIENCE: Duration = Duration::from_secs(60);
/// An engine that is away or has no room is asked again for about two minutes.
const ATTEMPTS: u32 = 18;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Why a task ends before its work is done.
#[derive(Debug)]
pub(super) enum Halt {
    /// Somebody said so, or the claim is lost: the job is not at its end.
    Told,
    /// Its work cannot be done.
    Failed(String),
}

impl From<Lost> for Halt {
    fn from(_: Lost) -> Self {
        Halt::Told
    }
}

impl From<Error> for Halt {
    fn from(fault: Error) -> Self {
        if let Some(cause) = fault.cause() {
            tracing::warn!(cause, "a job has failed");
        }
        Halt::Failed(fault.to_string())
    }
}

/// What a task leaves when it is done: shown as `result`.
pub(super) type Done = std::result::Result<Json, Halt>;

pub(super) struct Work {
    pub(super) inner: Arc<Inner>,
    pub(super) running: Arc<Running>,
    /// What who has started it may use.
    pub(super) engine: Arc<dyn Engine>,
    pub(super) catalog: Arc<Watch>,
}

impl Work {
    /// As it stood when it was claimed, with what was done since.
    pub(super) fn job(&self) -> Job {
        self.running.job()
    }

    /// The arguments, which were checked when the job was started.
    pub(super) fn arguments<T: DeserializeOwned>(&self) -> std::result::Result<T, Halt> {
        let arguments = Json::Object(self.job().arguments);
        serde_json::from_value(arguments).map_err(|fault| Halt::Failed(format!("the arguments are not understood: {fault}")))
    }

    /// What was left for whoever goes on; `None` at the start.
    pub(super) fn left<T: DeserializeOwned>(&self) -> std::result::Result<Option<T>, Halt> {
        serde_json::from_value(self.job().checkpoint)
            .map_err(|fault| Halt::Failed(format!("what was done before is not understood: {fault}")))
    }

    pub(super) fn call(&self) -> Call {
        Call::within(PATIENCE).named(format!("job {}", self.running.id))
    }

    /// To be asked before each step: ends the task where it was told to stop or its claim may be lost.
    pub(super) async fn go_on(&self) -> std::result::Result<(), Halt> {
        #[cfg(test)]
        self.inner.crash.step().await;
        if self.running.is_stopped() {
            return Err(Halt::Told);
        }
        // after a standstill somebody else may have taken over: looked at before anything is written
        if self.running.is_late(self.inner.config.jobs.lease) {
            self.running.save(&self.inner, Refresh::None, |_| ()).await?;
        }
        Ok(())
    }

    /// So much is done of so much; shown soon, kept by the next checkpoint.
    pub(super) fn progress(&self, done: u64, of: Option<u64>) {
        self.running.progress(&self.inner, done, of);
    }

    pub(super) fn say(&self, text: &str) {
        self.running.say(text);
    }

    /// Everything so far is done and will not be done again.
    pub(super) async fn checkpoint(&self, left: &impl serde::Serialize) -> std::result::Result<(), Halt> {
        let left = serde_json::to_value(left).map_err(|fault| Halt::Failed(fault.to_string()))?;
        #[cfg(test)]
        self.inner.crash.step().await;
        self.running.save(&self.inner, Refresh::None, |job| job.checkpoint = left).await?;
        #[cfg(test)]
        self.inner.crash.step().await;
        if self.running.is_stopped() { Err(Halt::Told) } else { Ok(()) }
    }

    /// Asks the engine, again if it is away or has no room just now.
    pub(super) async fn patiently<T, F>(&self, mut ask: impl FnMut(Call) -> F) -> std::result::Result<T, Halt>
    where
        F: Future<Output = Result<T>>,
    {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            match ask(self.call()).await {
                Ok(answer) => return Ok(answer),
                Err(fault @ (Error::Unavailable(_) | Error::Timeout)) if attempt < ATTEMPTS => {
                    if attempt == 1 {
                        self.say(&format!("{fault}; trying again"));
                    }
                    self.rest(pause).await?;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                }
                Err(fault) => return Err(fault.into()),
            }
        }
        Err(Halt::Failed("the search engine is not available".into()))
    }

    /// Waits, but not longer than it may go on.
    pub(super) async fn rest(&self, time: Duration) -> std::result::Result<(), Halt> {
        tokio::select! {
            () = sleep(time) => Ok(()),
            () = self.running.stopped() => Err(Halt::Told),
        }
    }

    /// Whether it was told to stop; for loops that do not wait.
    pub(super) fn is_stopped(&self) -> bool {
        self.running.is_stopped()
    }
}
