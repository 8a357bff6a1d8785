//! One look at what has changed, for all who wait for changes: while somebody listens, a task asks the engine again and again
//! for its generations. What to do about a change is the listeners' business.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::search::{Call, CollectionName, Engine, Error};

/// Between two looks. The embedded engine is asked in memory; a cluster of a thousand indices answers in 25 ms.
const EMBEDDED: Duration = Duration::from_millis(50);
const CLUSTER: Duration = Duration::from_millis(500);

/// A cluster that answers slowly is asked less often: looking takes at most a fifth of the time.
const REST: u32 = 4;
const LONGEST: Duration = Duration::from_secs(5);

/// A look that takes longer has failed.
const PATIENCE: Duration = Duration::from_secs(4);

/// What the last look saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Beat {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    /// A number for each collection; another number: what a search sees may have changed since.
    Seen(Arc<BTreeMap<CollectionName, u64>>),
    /// The engine does not tell: rights are missing.
    Blind,
    /// The engine was not reached.
    Lost,
}

/// The pulse of one engine.
pub struct Pulse {
    inner: Arc<Inner>,
}

struct Inner {
    engine: Arc<dyn Engine>,
    every: Duration,
    beats: watch::Sender<Beat>,
    /// The one that looks, while somebody listens.
    task: Mutex<Option<AbortHandle>>,
}

impl Pulse {
    /// `remote`: the engine is another process, for which a look is work.
    pub fn new(engine: Arc<dyn Engine>, remote: bool) -> Arc<Pulse> {
        let every = if remote { CLUSTER } else { EMBEDDED };
        Arc::new(Pulse { inner: Arc::new(Inner { engine, every, beats: watch::Sender::default(), task: Mutex::default() }) })
    }

    /// What was seen last, and every change that follows; looking goes on until the last of these is dropped.
    /// Must be called within a runtime.
    pub fn listen(&self) -> watch::Receiver<Beat> {
        let mut task = self.inner.task.lock().unwrap_or_else(PoisonError::into_inner);
        let listener = self.inner.beats.subscribe();
        if task.as_ref().is_none_or(AbortHandle::is_finished) {
            *task = Some(tokio::spawn(look(Arc::downgrade(&self.inner))).abort_handle());
        }
        listener
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        if let Some(task) = self.inner.task.lock().unwrap_or_else(PoisonError::into_inner).take() {
            task.abort();
        }
    }
}

/// Ends with its owner or its last listener.
async fn look(inner: Weak<Inner>) {
    let mut lost = false;
    while let Some(inner) = inner.upgrade() {
        if inner.ends() {
            return;
        }
        let began = Instant::now();
        let call = Call::within(PATIENCE).named("pulse");
        let seen = match timeout_at(call.deadline, inner.engine.generations(&call)).await {
            Ok(seen) => seen,
            Err(_) => Err(Error::Timeout),
        };
        let beat = match seen {
            Ok(Some(numbers)) => Beat::Seen(Arc::new(numbers)),
            Ok(None) => Beat::Blind,
            Err(error) => {
                if !lost {
                    tracing::warn!(cause = error.cause(), "changes cannot be watched: {error}");
                }
                Beat::Lost
            }
        };
        lost = beat == Beat::Lost;
        inner.beats.send_if_modified(|last| {
            let changed = *last != beat;
            *last = beat;
            changed
        });
        let pause = (began.elapsed() * REST).clamp(inner.every, LONGEST);
        drop(inner);
        sleep(pause).await;
    }
}

impl Inner {
    /// Nobody listens: the next one begins anew, for much may have happened until then.
    fn ends(&self) -> bool {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if self.beats.receiver_count() > 0 {
            return false;
        }
        *task = None;
        self.beats.send_replace(Beat::Unknown);
        true
    }
}
