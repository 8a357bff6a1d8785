//! Looks for jobs and claims them, a bounded number at once.
//!
//! A claim is renewed by any write of its owner, at the latest after a fifth of a lease. Whoever else looks at the job notes its
//! version and the time on its own clock; only if it finds the very same version a whole lease later, it takes the job, on condition
//! of that version. An owner that cannot renew for a lease stops by itself; one that was stopped as a whole (a suspended machine, a
//! debugger) is told by its next write, for that is on condition of a version which is no longer there.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio::time::sleep;

use super::job::{Job, Moment, Owner, State};
use super::running::{PATIENCE, Running};
use super::transitions::{self, Event};
use super::{Inner, course, lock, sweep};
use crate::search::{Call, Error, Precondition, Refresh, Result, Version};

/// How often a state that others share is looked at.
const LOOK_SHARED: Duration = Duration::from_secs(1);
/// One that is ours alone changes only through us: this is for what went wrong.
const LOOK_ALONE: Duration = Duration::from_secs(15);
/// Unfinished jobs looked at, the oldest.
const LOOKED_AT: u32 = 1_000;
/// How often old jobs and files nobody needs are removed.
const SWEEP: Duration = Duration::from_secs(60);

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
                if let Err(fault) = sweep::run(&inner).await {
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
    // in the table before the record says so: whoever reads there that it runs here finds it
    let running = Arc::new(Running::new(job, version, begun));
    let mut claiming = Claiming::of(inner, &running);
    let job = running.job();
    match inner.records.put(&call, &job, Precondition::Version(version), Refresh::None).await {
        Ok(version) => {
            tracing::info!(job = %job.id, kind = job.kind.as_str(), again, "a job was claimed");
            running.begin(version).await;
            claiming.failed = false;
            inner.publish(&job);
            tasks.spawn(course::run(Arc::clone(inner), Arc::clone(&running)));
            Ok(())
        }
        // somebody else was faster
        Err(Error::Conflict(_) | Error::NotFound(_)) => Ok(()),
        Err(fault) => Err(fault),
    }
}

/// Takes a job that could not be claimed out of the table again, and tells whoever waits for its end.
struct Claiming<'c> {
    inner: &'c Inner,
    running: &'c Arc<Running>,
    failed: bool,
}

impl<'c> Claiming<'c> {
    fn of(inner: &'c Inner, running: &'c Arc<Running>) -> Self {
        lock(&inner.running).insert(Arc::clone(&running.id), Arc::clone(running));
        Claiming { inner, running, failed: true }
    }
}

impl Drop for Claiming<'_> {
    fn drop(&mut self) {
        if self.failed {
            lock(&self.inner.running).remove(&self.running.id);
            self.running.ended.send_replace(true);
        }
    }
}
