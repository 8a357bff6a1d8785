//! The course of one job in this process, from its claim to its end: the task runs, its claim is renewed beside it, and how it has ended
//! is written down.

use std::sync::Arc;

use tokio::time::{sleep, timeout};

use super::asker::Seat;
use super::job::{Moment, State};
use super::running::{Lost, PATIENCE, Running};
use super::transitions::{self, Event};
use super::work::{Done, Halt, Work};
use super::{GRACE, Inner, lock, tasks};
use crate::search::{Call, Precondition, Refresh};

/// Takes the job out of the table whatever happens, also when the task panics.
struct Leaving(Arc<Inner>, Arc<Running>);

impl Drop for Leaving {
    fn drop(&mut self) {
        lock(&self.0.running).remove(&self.1.id);
        self.1.ended.send_replace(true);
        self.0.nudge.notify_one();
    }
}

pub(super) async fn run(inner: Arc<Inner>, running: Arc<Running>) {
    let leaving = Leaving(Arc::clone(&inner), Arc::clone(&running));
    let mut closing = inner.closing.subscribe();
    let seat = inner.seat_of(&running.job());
    let working = async {
        let Seat { engine, catalog } = seat.map_err(Halt::Failed)?;
        tasks::run(Work { inner: Arc::clone(&inner), running: Arc::clone(&running), engine, catalog }).await
    };
    let task = AssertEnds(working);
    let end = {
        let task = std::pin::pin!(task.run());
        let overtime = async {
            tokio::select! {
                () = running.stop.cancelled() => {}
                // an error means that the process's jobs are gone
                () = async { drop(closing.wait_for(|closing| *closing).await) } => running.stop.cancel(),
            }
            sleep(GRACE).await;
        };
        tokio::select! {
            biased;
            () = running.lost.cancelled() => Err(Halt::Told),
            () = renew(&inner, &running) => Err(Halt::Told),
            end = task => end,
            () = overtime => Err(Halt::Told),
        }
    };
    #[cfg(test)]
    inner.crash.step().await;
    if running.lost.is_cancelled() {
        acknowledge(&inner, &running).await;
    } else {
        conclude(&inner, &running, end).await;
    }
    #[cfg(test)]
    inner.crash.step().await;
    drop(leaving);
}

/// A task whose panic is its failure, not the process's.
struct AssertEnds<F>(F);

impl<F: Future<Output = Done>> AssertEnds<F> {
    async fn run(self) -> Done {
        use futures_util::FutureExt as _;
        let ended = std::panic::AssertUnwindSafe(self.0).catch_unwind().await;
        ended.unwrap_or_else(|_| Err(Halt::Failed("internal error".into())))
    }
}

/// Ends when the claim is lost.
async fn renew(inner: &Inner, running: &Running) {
    let lease = inner.config.jobs.lease;
    loop {
        sleep(lease / 5).await;
        let renewed = *lock(&running.renewed);
        if renewed.elapsed() >= lease / 5 && running.save(inner, Refresh::None, |_| ()).await.is_err() {
            return;
        }
    }
}

/// Writes down how it has ended. Where that cannot be written, the claim runs out and somebody does the last step again.
async fn conclude(inner: &Inner, running: &Running, end: Done) {
    let wanted = *lock(&running.wanted);
    let state = running.job().state;
    let (event, error, result) = match end {
        Ok(result) => (Event::Succeed, None, Some(result)),
        Err(Halt::Failed(why)) => (Event::Fail, Some(why), None),
        Err(Halt::Told) => (wanted.unwrap_or(Event::Release), None, None),
    };
    let Some(next) = transitions::next(state, event) else { return };
    let saved = running.save(inner, Refresh::Now, |job| {
        job.state = next;
        job.owner = None;
        job.rate = if next.is_final() { job.rate } else { None };
        job.finished_at = next.is_final().then(Moment::now);
        job.say(&match (&error, event) {
            (Some(why), _) => format!("failed: {why}"),
            (None, Event::Succeed) => "done".into(),
            (None, Event::Cancel) => "cancelled".into(),
            (None, Event::Pause) => "paused".into(),
            _ => "given back: the process stops".into(),
        });
        (job.error, job.result) = (error, result);
    });
    // the state may be away: others find the claim run out
    match timeout(inner.config.jobs.lease.max(PATIENCE), saved).await {
        Ok(Ok(())) => {
            tracing::info!(job = %running.id, state = next.as_str(), "a job has ended here");
            if next == State::Succeeded {
                inner.files.forget_input(&running.id).await;
            }
        }
        Ok(Err(Lost)) => acknowledge(inner, running).await,
        Err(_) => tracing::warn!(job = %running.id, "how a job has ended could not be written"),
    }
}

/// Somebody has told the job something while it was ours: now that the task has ended, our name goes, and whoever waits for that goes on.
async fn acknowledge(inner: &Inner, running: &Running) {
    let call = Call::within(PATIENCE).named("jobs");
    let told = async {
        let Some((version, mut job)) = inner.records.get(&call, &running.id).await? else { return Ok(()) };
        if job.state == State::Running || job.claim != running.claim || job.owner.as_ref() != Some(&inner.me) {
            return Ok(());
        }
        job.owner = None;
        inner.records.put(&call, &job, Precondition::Version(version), Refresh::Now).await.map(drop)
    };
    if let Err(fault) = told.await {
        tracing::debug!(cause = fault.cause(), "a job keeps the name of its last owner for a lease: {fault}");
    }
}
