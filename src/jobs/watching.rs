//! Watching a job: each watcher gets the job now and then whenever it changes, the latest state only. What this process runs or
//! changes is told at once; what others do is looked at once a second, by one task a job, and only while somebody watches.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Stream, StreamExt as _};
use tokio::sync::{Semaphore, watch};
use tokio_stream::wrappers::WatchStream;

use super::{Inner, Job, listing, lock};
use crate::search::{Call, Error, Result};

/// How often a job that somebody else runs is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// One look.
const PATIENCE: Duration = Duration::from_secs(10);
/// Jobs watched at once in one process.
const MOST: usize = 1_000;
/// Lists watched at once, the jobs of one, and the least time between two looks.
const LISTS: usize = 200;
const LISTED: u32 = 100;
const LIST_PAUSE: Duration = Duration::from_millis(200);

type Told = watch::Sender<Option<Arc<Job>>>;

pub(super) struct Watchers {
    /// `None` in a channel: the job is gone.
    jobs: Mutex<HashMap<Arc<str>, Told>>,
    /// Grows whenever any job changes in this process.
    any: watch::Sender<u64>,
    lists: Arc<Semaphore>,
}

impl Default for Watchers {
    fn default() -> Self {
        Watchers { jobs: Mutex::default(), any: watch::Sender::new(0), lists: Arc::new(Semaphore::new(LISTS)) }
    }
}

impl Watchers {
    pub(super) fn publish(&self, job: &Job) {
        if let Some(sender) = lock(&self.jobs).get(&job.id) {
            sender.send_replace(Some(Arc::new(job.clone())));
        }
        self.any.send_modify(|count| *count += 1);
    }
}

/// A job as it changes; ends after a state that is final, or when the job is gone or the server stops.
pub struct Watched(Pin<Box<dyn Stream<Item = Arc<Job>> + Send>>);

impl Stream for Watched {
    type Item = Arc<Job>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}

pub(super) async fn watch(inner: &Arc<Inner>, call: &Call, id: &str) -> Result<Watched> {
    let job = inner.get(call, id).await?;
    let mut receiver = {
        let mut jobs = lock(&inner.watched.jobs);
        if jobs.len() >= MOST && !jobs.contains_key(&job.id) {
            return Err(Error::Limit(format!("{MOST} jobs are being watched: that is as many as can be")));
        }
        match jobs.get(&job.id) {
            Some(sender) => sender.subscribe(),
            None => {
                let (sender, receiver) = watch::channel(None);
                jobs.insert(Arc::clone(&job.id), sender);
                tokio::spawn(follow(Arc::downgrade(inner), Arc::clone(&job.id)));
                receiver
            }
        }
    };
    // what changed between the look and the subscription was not told
    let first = Some(Arc::new(inner.get(call, id).await?));
    receiver.mark_unchanged();
    let closing = WatchStream::new(inner.closing.subscribe()).filter(|closing| std::future::ready(*closing));
    let changes = WatchStream::from_changes(receiver);
    let all = futures_util::stream::iter([first]).chain(changes).take_until(closing.into_future());
    let stream = futures_util::stream::unfold((Box::pin(all), false), async |(mut all, ended)| {
        if ended {
            return None;
        }
        let job = all.next().await.flatten()?;
        let last = job.state.is_final();
        Some((job, (all, last)))
    });
    Ok(Watched(Box::pin(stream)))
}

/// Of the newest jobs those that have changed, at most five times a second.
pub(super) fn watch_all(inner: &Arc<Inner>) -> Result<impl Stream<Item = Job> + Send + use<>> {
    let place = Arc::clone(&inner.watched.lists).try_acquire_owned();
    let place = place.map_err(|_| Error::Limit(format!("{LISTS} lists of jobs are being watched: that is as many as can be")))?;
    let look = Look {
        inner: Arc::downgrade(inner),
        changes: inner.watched.any.subscribe(),
        closing: inner.closing.subscribe(),
        told: HashMap::new(),
        waits: false,
        _place: place,
    };
    let changed = futures_util::stream::unfold(look, async |mut look| look.next().await.map(|jobs| (jobs, look)));
    Ok(changed.flat_map(futures_util::stream::iter))
}

/// One watcher of the list.
struct Look {
    inner: Weak<Inner>,
    changes: watch::Receiver<u64>,
    closing: watch::Receiver<bool>,
    told: HashMap<Arc<str>, Job>,
    waits: bool,
    _place: tokio::sync::OwnedSemaphorePermit,
}

impl Look {
    async fn next(&mut self) -> Option<Vec<Job>> {
        loop {
            if std::mem::replace(&mut self.waits, true) {
                tokio::time::sleep(LIST_PAUSE).await;
                tokio::select! {
                    _ = self.changes.changed() => {}
                    () = tokio::time::sleep(LOOK) => {}
                    () = async { drop(self.closing.wait_for(|closing| *closing).await) } => return None,
                }
            }
            let inner = self.inner.upgrade().filter(|_| !*self.closing.borrow())?;
            self.changes.mark_unchanged();
            let call = Call::within(PATIENCE).named("jobs");
            let Ok(listing) = listing::read(&inner, &call, None, LISTED, None).await else { continue };
            drop(inner);
            let changed: Vec<Job> = listing.jobs.iter().filter(|job| self.told.get(&job.id) != Some(*job)).cloned().collect();
            self.told = listing.jobs.into_iter().map(|job| (Arc::clone(&job.id), job)).collect();
            if !changed.is_empty() {
                return Some(changed);
            }
        }
    }
}

/// Looks for the watchers of one job; ends when there are none, with the job, or with the process's jobs.
async fn follow(inner: Weak<Inner>, id: Arc<str>) {
    loop {
        tokio::time::sleep(LOOK).await;
        let Some(inner) = inner.upgrade() else { return };
        let seen = {
            let mut jobs = lock(&inner.watched.jobs);
            let Some(sender) = jobs.get(&id) else { return };
            if sender.receiver_count() == 0 {
                jobs.remove(&id);
                return;
            }
            sender.borrow().clone()
        };
        if lock(&inner.running).contains_key(&id) {
            continue;
        }
        let call = Call::within(PATIENCE).named("jobs");
        match inner.get(&call, &id).await {
            Ok(job) if seen.as_deref() == Some(&job) => {}
            Ok(job) => inner.publish(&job),
            Err(Error::NotFound(_)) => {
                // its watchers end with their channel
                lock(&inner.watched.jobs).remove(&id);
                return;
            }
            Err(fault) => tracing::debug!(cause = fault.cause(), "a job cannot be looked at: {fault}"),
        }
    }
}
