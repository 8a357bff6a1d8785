//! Claims jobs, runs them, a bounded number at once, renews the claims, and writes down how each has ended.
//!
//! A claim is renewed by any write of its owner, at the latest after a fifth of a lease. Whoever else looks at the job notes its
//! version and the time on its own clock; only if it finds the very same version a whole lease later, it takes the job, on condition
//! of that version. An owner that cannot renew for a lease stops by itself; one that was stopped as a whole (a suspended machine, a
//! debugger) is told by its next write, for that is on condition of a version which is no longer there.

use std::collections::{HashMap, VecDeque};

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::job::{Job, Moment, Owner, State};
use super::transitions::{self, Event};
use super::work::{Done, Halt, Work};
use super::{GRACE, Inner, lock, tasks};
use crate::search::{Call, Error, Precondition, Refresh, Result, Version};

/// How often a state that others share is looked at.
const LOOK_SHARED: Duration = Duration::from_secs(1);
/// One that is ours alone changes only through us: this is for what went wrong.
const LOOK_ALONE: Duration = Duration::from_secs(15);
/// Unfinished jobs looked at, the oldest.
const LOOKED_AT: u32 = 1_000;
/// One call for the state.
const PATIENCE: Duration = Duration::from_secs(10);
/// How often old jobs and files nobody needs are removed.
const SWEEP: Duration = Duration::from_secs(60);
/// Old jobs removed by one sweep.
const SWEPT: u32 = 500;
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
    live: Mutex<Live>,
    /// The version that the next write is on condition of, and when the write that made it began.
    held: tokio::sync::Mutex<Version>,
    renewed: Mutex<Instant>,
    stop: CancellationToken,
    lost: CancellationToken,
    wanted: Mutex<Option<Event>>,
    ended: watch::Sender<bool>,
}

struct Live {
    job: Job,
    shown: Instant,
    samples: VecDeque<(Instant, u64)>,
}

impl Running {
    fn new(job: Job, version: Version, renewed: Instant) -> Self {
        Running {
            id: Arc::clone(&job.id),
            claim: job.claim,
            live: Mutex::new(Live { samples: VecDeque::from([(Instant::now(), job.done)]), job, shown: Instant::now() }),
            held: tokio::sync::Mutex::new(version),
            renewed: Mutex::new(renewed),
            stop: CancellationToken::new(),
            lost: CancellationToken::new(),
            wanted: Mutex::new(None),
            ended: watch::Sender::new(false),
        }
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

/// Looks for jobs until its owner is gone or the process stops.
pub(super) async fn run(inner: Arc<Inner>) {
    let mut tasks = JoinSet::new();
    let mut seen = Seen::default();
    let mut closing = inner.closing.subscribe();
    let pause = if inner.shared { LOOK_SHARED } else { LOOK_ALONE };
    let mut looked: Option<Instant> = None;
    let mut swept = Instant::now();
    let mut trouble = false;
    loop {
        if !*closing.borrow() {
            let due = looked.is_none_or(|at| at.elapsed() >= pause);
            let told = claim_hinted(&inner, &mut tasks).await;
            let looking = async { if due { claim_found(&inner, &mut tasks, &mut seen).await } else { Ok(()) } };
            match told.and(looking.await) {
                Ok(()) => trouble = false,
                Err(fault) => {
                    if !std::mem::replace(&mut trouble, true) {
                        tracing::warn!(cause = fault.cause(), "jobs cannot be looked for: {fault}");
                    }
                }
            }
            if due {
                // after trouble it is looked again soon
                looked = (!trouble).then(Instant::now);
            }
            if swept.elapsed() >= SWEEP {
                swept = Instant::now();
                if let Err(fault) = sweep(&inner).await {
                    tracing::warn!(cause = fault.cause(), "old jobs stay for now: {fault}");
                }
            }
        }
        // after trouble a state that is ours alone is not left unseen for long
        let wait = if trouble { LOOK_SHARED } else { pause };
        tokio::select! {
            () = inner.nudge.notified() => {}
            () = sleep(wait) => {}
            ended = tasks.join_next(), if !tasks.is_empty() => {
                if let Some(Err(fault)) = ended {
                    tracing::error!(%fault, "a job has panicked");
                }
                // a place is free: whoever waits for one is looked for at once
                looked = None;
            }
            changed = closing.changed() => if changed.is_err() { return },
        }
        while tasks.try_join_next().is_some() {
            looked = None;
        }
    }
}

/// Claims of others: in which version they were seen first, and when.
#[derive(Default)]
struct Seen(HashMap<Arc<str>, (Version, Instant)>);

impl Seen {
    /// Nobody has changed it for a whole lease, by our clock.
    fn has_lapsed(&mut self, id: &Arc<str>, version: Version, lease: Duration) -> bool {
        match self.0.get(id) {
            Some((then, at)) if *then == version => at.elapsed() > lease,
            _ => {
                self.0.insert(Arc::clone(id), (version, Instant::now()));
                false
            }
        }
    }
}

fn free(inner: &Inner) -> bool {
    lock(&inner.running).len() < inner.config.jobs.running
}

async fn claim_hinted(inner: &Arc<Inner>, tasks: &mut JoinSet<()>) -> Result<()> {
    while free(inner) {
        let Some(id) = lock(&inner.hints).pop_front() else { break };
        let call = Call::within(PATIENCE).named("jobs");
        // on a fault it is still found by a look
        let Some((version, job)) = inner.records.get(&call, &id).await? else { continue };
        if job.state == State::Queued && is_free(inner, &job) {
            claim(inner, tasks, version, job).await?;
        }
    }
    Ok(())
}

async fn claim_found(inner: &Arc<Inner>, tasks: &mut JoinSet<()>, seen: &mut Seen) -> Result<()> {
    let call = Call::within(PATIENCE).named("jobs");
    let open = usize::try_from(inner.records.open_jobs(&call).await?).unwrap_or(usize::MAX);
    *lock(&inner.unfinished) = (open, 0);
    if open == 0 {
        seen.0.clear();
        return Ok(());
    }
    let found = inner.records.unfinished(&call, LOOKED_AT).await?;
    seen.0.retain(|id, _| found.iter().any(|(_, job)| job.id == *id));
    for (version, job) in found {
        let mine = lock(&inner.running).contains_key(&job.id);
        if mine || !can_reach(inner, &job) {
            continue;
        }
        let lapsed = is_free(inner, &job) || seen.has_lapsed(&job.id, version, inner.config.jobs.lease);
        if !lapsed || !free(inner) {
            continue;
        }
        // what a search finds may be old
        let call = Call::within(PATIENCE).named("jobs");
        let Some((now, job)) = inner.records.get(&call, &job.id).await? else { continue };
        let open = matches!(job.state, State::Queued | State::Running);
        if open && (is_free(inner, &job) || now == version) {
            claim(inner, tasks, now, job).await?;
        } else if open {
            seen.has_lapsed(&job.id, now, inner.config.jobs.lease);
        }
    }
    Ok(())
}

/// Its file, if it has one, lies in a folder of this process.
fn can_reach(inner: &Inner, job: &Job) -> bool {
    job.place.as_deref().is_none_or(|place| place == inner.files.place() || job.kind == super::Kind::Export)
}

/// Nobody works on it: it has no owner, or one that is known to be dead, or this process itself, which would know.
fn is_free(inner: &Inner, job: &Job) -> bool {
    can_reach(inner, job) && job.owner.as_ref().is_none_or(|Owner { node, .. }| *node == inner.me.node)
}

async fn claim(inner: &Arc<Inner>, tasks: &mut JoinSet<()>, version: Version, mut job: Job) -> Result<()> {
    if lock(&inner.running).contains_key(&job.id) {
        return Ok(());
    }
    let again = job.state == State::Running;
    let Some(next) = transitions::next(job.state, Event::Claim) else { return Ok(()) };
    job.state = next;
    job.owner = Some(inner.me.clone());
    job.claim += 1;
    job.beat += 1;
    job.started_at.get_or_insert_with(Moment::now);
    if job.kind == super::Kind::Export {
        // half a file of somebody else is of no use here
        if job.place.as_deref().is_some_and(|place| place != inner.files.place()) {
            job.checkpoint = serde_json::Value::Null;
        }
        job.place = Some(inner.files.place().to_owned());
    }
    let process = &inner.me.boot[inner.me.boot.len().saturating_sub(8)..];
    job.say(&if again {
        format!("taken over by process {process}: the one before is gone")
    } else {
        format!("running in process {process}")
    });
    let begun = Instant::now();
    let call = Call::within(PATIENCE).named("jobs");
    match inner.records.put(&call, &job, Precondition::Version(version), Refresh::None).await {
        Ok(version) => {
            tracing::info!(job = %job.id, kind = job.kind.as_str(), again, "a job was claimed");
            let running = Arc::new(Running::new(job, version, begun));
            lock(&inner.running).insert(Arc::clone(&running.id), Arc::clone(&running));
            inner.publish(&running.job());
            tasks.spawn(work(Arc::clone(inner), running));
            Ok(())
        }
        // somebody else was faster
        Err(Error::Conflict(_) | Error::NotFound(_)) => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// Takes the job out of the table whatever happens, also when the task panics.
struct Leaving(Arc<Inner>, Arc<Running>);

impl Drop for Leaving {
    fn drop(&mut self) {
        lock(&self.0.running).remove(&self.1.id);
        self.1.ended.send_replace(true);
        self.0.nudge.notify_one();
    }
}

async fn work(inner: Arc<Inner>, running: Arc<Running>) {
    let leaving = Leaving(Arc::clone(&inner), Arc::clone(&running));
    let mut closing = inner.closing.subscribe();
    let task = AssertEnds(tasks::run(Work { inner: Arc::clone(&inner), running: Arc::clone(&running) }));
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
    let state = lock(&running.live).job.state;
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

/// Removes jobs that ended long ago, and files of jobs that are not there.
async fn sweep(inner: &Inner) -> Result<()> {
    let call = Call::within(PATIENCE * 3).named("jobs");
    for (version, job) in inner.records.outdated(&call, inner.config.jobs.kept as u64, SWEPT).await? {
        match inner.records.remove(&call, &job.id, version).await {
            Ok(()) | Err(Error::Conflict(_)) => {}
            Err(fault) => return Err(fault),
        }
    }
    for id in inner.files.sweep().await? {
        match inner.records.get(&call, &id).await? {
            None => inner.files.forget(&id).await,
            Some((_, job)) if job.state == State::Succeeded => inner.files.forget_input(&id).await,
            Some(_) => {}
        }
    }
    Ok(())
}
