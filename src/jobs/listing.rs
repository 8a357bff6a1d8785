//! Lists of jobs: what a search found, which may be a second old, put right by what this process knows. A list of one state never shows
//! a job in another.

use super::{Inner, Job, Listing, State, lock};
use crate::search::{Call, Result};

pub(super) async fn read(inner: &Inner, call: &Call, state: Option<State>, first: u32, after: Option<&str>) -> Result<Listing> {
    let wanted = usize::try_from(first).unwrap_or(usize::MAX);
    let mut jobs: Vec<Job> = Vec::new();
    let mut from = after.map(str::to_owned);
    // jobs that turn out to be in another state leave room for older ones; they are few, for all of them run here
    let mut more = loop {
        let found = inner.records.list(call, state, first, from.as_deref()).await?;
        let last = found.jobs.last().map(|job| job.id.to_string());
        jobs.extend(found.jobs.into_iter().map(|job| renewed(inner, job)).filter(|job| is_in(job, state)));
        if !found.more || jobs.len() >= wanted {
            break found.more;
        }
        from = last.or(from);
    };
    if state == Some(State::Running) {
        add_running(inner, &mut jobs, after, more);
    }
    more |= jobs.len() > wanted;
    jobs.truncate(wanted);
    Ok(Listing { jobs, more })
}

fn is_in(job: &Job, state: Option<State>) -> bool {
    state.is_none_or(|state| job.state == state)
}

fn renewed(inner: &Inner, job: Job) -> Job {
    let running = lock(&inner.running).get(&job.id).cloned();
    running.and_then(|running| running.newer_than(&job)).unwrap_or(job)
}

/// What was claimed here a moment ago is not found by a search yet.
fn add_running(inner: &Inner, jobs: &mut Vec<Job>, after: Option<&str>, more: bool) {
    // what is older than the last one found belongs to a later page
    let least = jobs.last().map(|job| job.id.clone()).filter(|_| more);
    let here: Vec<Job> = lock(&inner.running).values().filter_map(|running| running.claimed()).collect();
    jobs.extend(
        here.into_iter()
            .filter(|job| after.is_none_or(|after| *job.id < *after) && least.as_ref().is_none_or(|least| job.id > *least)),
    );
    jobs.sort_by(|one, other| other.id.cmp(&one.id));
    jobs.dedup_by(|one, other| one.id == other.id);
}
