//! A job that this process holds: what it has come to, the version that its next write is on condition of, and whether it may go on.
//!
//! Every write of an owner renews its claim. One that does not get through is tried again for a lease; one that finds another version
//! ends the task, unless that version is this very write, whose answer was lost.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::job::{Job, State};
use super::transitions::Event;
use super::{Inner, lock};
use crate::search::{Call, Error, Precondition, Refresh, Version};

/// One call for the state.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// Progress is shown to watchers so often.
const SHOW: Duration = Duration::from_millis(100);
/// The rate is that of about the last so many looks.
const SAMPLES: usize = 20;
const SAMPLE: Duration = Duration::from_millis(500);

/// The claim is gone: the task may not write any more.
#[derive(Debug)]
pub(super) struct Lost;

/// A job that this process works on.
pub(super) struct Running {
    pub(super) id: Arc<str>,
    pub(super) claim: u64,
    /// The record says that it runs here.
    begun: AtomicBool,
    live: Mutex<Live>,
    /// The version that the next write is on condition of, and when the write that made it began.
    held: tokio::sync::Mutex<Version>,
    pub(super) renewed: Mutex<Instant>,
    pub(super) stop: CancellationToken,
    pub(super) lost: CancellationToken,
    pub(super) wanted: Mutex<Option<Event>>,
    pub(super) ended: watch::Sender<bool>,
}

struct Live {
    job: Job,
    shown: Instant,
    samples: VecDeque<(Instant, u64)>,
}

impl Running {
    pub(super) fn new(job: Job, version: Version, renewed: Instant) -> Self {
        Running {
            id: Arc::clone(&job.id),
            claim: job.claim,
            begun: AtomicBool::new(false),
            live: Mutex::new(Live { samples: VecDeque::from([(Instant::now(), job.done)]), job, shown: Instant::now() }),
            held: tokio::sync::Mutex::new(version),
            renewed: Mutex::new(renewed),
            stop: CancellationToken::new(),
            lost: CancellationToken::new(),
            wanted: Mutex::new(None),
            ended: watch::Sender::new(false),
        }
    }

    /// Its claim is written down, in this version.
    pub(super) async fn begin(&self, version: Version) {
        *self.held.lock().await = version;
        self.begun.store(true, Ordering::Release);
    }

    /// As it is here, where a record that was read earlier or a moment ago is not newer.
    pub(super) fn newer_than(&self, job: &Job) -> Option<Job> {
        if !self.begun.load(Ordering::Acquire) {
            return None;
        }
        let live = lock(&self.live);
        // of one claim, a record that does not run was changed by somebody who did not wait for us
        let newer = live.job.claim > job.claim || (live.job.claim == job.claim && job.state == State::Running);
        (newer && live.job.state == State::Running).then(|| live.job.clone())
    }

    /// As it is here, while it runs and its claim is written down.
    pub(super) fn claimed(&self) -> Option<Job> {
        let begun = self.begun.load(Ordering::Acquire);
        Some(self.job()).filter(|job| begun && job.state == State::Running)
    }

    pub(super) fn job(&self) -> Job {
        lock(&self.live).job.clone()
    }

    /// Tells the task to end at its next step; what the job then is follows from `event`.
    pub(super) fn stop(&self, event: Event) {
        lock(&self.wanted).get_or_insert(event);
        self.stop.cancel();
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.is_cancelled() || self.lost.is_cancelled()
    }

    pub(super) async fn stopped(&self) {
        tokio::select! {
            () = self.stop.cancelled() => {}
            () = self.lost.cancelled() => {}
        }
    }

    /// Waits until this process has nothing more to do with the job.
    pub(super) async fn ended(&self) {
        // an error means that whoever would tell is gone, and the task with it
        let _ = self.ended.subscribe().wait_for(|ended| *ended).await;
    }

    /// The claim may have run out for those who watch it.
    pub(super) fn is_late(&self, lease: Duration) -> bool {
        lock(&self.renewed).elapsed() > lease / 2
    }

    /// What is known here before it is kept.
    pub(super) fn show(&self, job: &mut Job) {
        let live = lock(&self.live);
        if live.job.state == State::Running {
            job.done = live.job.done;
            job.of = live.job.of;
            job.rate = live.job.rate;
            job.log.clone_from(&live.job.log);
        }
    }

    pub(super) fn say(&self, text: &str) {
        lock(&self.live).job.say(text);
    }

    pub(super) fn progress(&self, inner: &Inner, done: u64, of: Option<u64>) {
        let mut live = lock(&self.live);
        (live.job.done, live.job.of) = (done, of);
        let now = Instant::now();
        let last = live.samples.back().map_or(now, |(at, _)| *at);
        if now - last >= SAMPLE {
            live.samples.push_back((now, done));
            if live.samples.len() > SAMPLES {
                live.samples.pop_front();
            }
        }
        if let Some((at, before)) = live.samples.front().copied() {
            let seconds = (now - at).as_secs_f64();
            if seconds >= 0.2 {
                // a task that begins anew has less than before
                live.job.rate = Some(done.saturating_sub(before) as f64 / seconds);
            }
        }
        if now - live.shown >= SHOW {
            live.shown = now;
            let job = live.job.clone();
            drop(live);
            inner.publish(&job);
        }
    }

    /// Writes down what the job is now, changed so, on condition that nobody else has changed it.
    pub(super) async fn save(&self, inner: &Inner, refresh: Refresh, change: impl FnOnce(&mut Job)) -> Result<(), Lost> {
        let mut held = self.held.lock().await;
        if self.lost.is_cancelled() {
            return Err(Lost);
        }
        let job = {
            let mut live = lock(&self.live);
            change(&mut live.job);
            live.job.beat += 1;
            live.job.clone()
        };
        loop {
            let begun = Instant::now();
            let call = Call::within(PATIENCE).named(format!("job {}", self.id));
            let fault = match inner.records.put(&call, &job, Precondition::Version(*held), refresh).await {
                Ok(version) => {
                    self.keep(&mut held, version, begun);
                    inner.publish(&job);
                    return Ok(());
                }
                Err(Error::Conflict(_) | Error::NotFound(_)) => match inner.records.get(&call, &self.id).await {
                    // our own write of a moment ago, whose answer was lost
                    Ok(Some((version, there))) if there == job => {
                        self.keep(&mut held, version, begun);
                        return Ok(());
                    }
                    Ok(_) => return Err(self.lose("somebody else has changed it")),
                    Err(fault) => fault,
                },
                Err(fault) => fault,
            };
            let late = lock(&self.renewed).elapsed() > inner.config.jobs.lease;
            if inner.shared && late {
                return Err(self.lose("its claim could not be renewed"));
            }
            tracing::warn!(job = %self.id, cause = fault.cause(), "a job cannot be written: {fault}");
            sleep(inner.config.jobs.lease / 20).await;
        }
    }

    fn keep(&self, held: &mut Version, version: Version, begun: Instant) {
        *held = version;
        // whoever watches may have seen it from then on
        *lock(&self.renewed) = begun;
    }

    fn lose(&self, why: &str) -> Lost {
        tracing::warn!(job = %self.id, why, "a job is left to others");
        self.lost.cancel();
        Lost
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Kind, Order};
    use super::*;
    use crate::search::Source;

    fn job(state: State, claim: u64) -> Job {
        let job = Job::new("1".into(), Order { kind: Kind::Wait, collection: None, arguments: Source::new() }, None);
        Job { state, claim, ..job }
    }

    #[tokio::test]
    async fn what_runs_here_is_newer_than_its_record_unless_somebody_has_told_it_something() {
        let version = Version { seq_no: 1, primary_term: 1 };
        let running = Running::new(job(State::Running, 2), version, Instant::now());
        assert_eq!(running.newer_than(&job(State::Queued, 1)), None);
        assert_eq!(running.claimed(), None);
        running.begin(version).await;
        assert!(running.claimed().is_some());
        for (state, claim, newer) in [
            (State::Queued, 1, true),
            (State::Cancelled, 1, true),
            (State::Running, 2, true),
            (State::Cancelled, 2, false),
            (State::Running, 3, false),
        ] {
            assert_eq!(running.newer_than(&job(state, claim)).is_some(), newer, "{state} {claim}");
        }
    }
}
