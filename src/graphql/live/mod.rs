//! Live queries: a subscription is an ordinary search that runs again when what it reads has changed.
//!
//! Equal subscriptions share one task, which runs the search at most once a second and publishes an answer that differs from the
//! last one. The task is owned by its subscribers together and ends with the last of them. What is published lies in a place for one
//! answer: a newer one replaces one that a slow subscriber has not taken yet. How answers travel is the endpoint's business.

mod job;
mod key;
mod query;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{Semaphore, watch};
use tokio::task::AbortHandle;

use super::Core;
use super::errors::Failure;
use super::run::Request;
use crate::access::{Desk, Viewer};
use crate::catalog::Pulse;
use key::Key;
use query::Source;

/// Live queries that differ, all subscribers together: each holds a task and its last answer.
const MOST: usize = 50_000;

/// Searches of live queries at once. One write may wake thousands of queries, and other requests want their turn.
const TURNS: usize = 8;

/// What a live query tells its subscribers.
#[derive(Clone, Debug)]
pub(crate) enum News {
    /// The first run is under way.
    Waiting,
    /// The whole answer as JSON.
    Answer(Arc<str>),
    /// The same, and nothing follows: what it reads has come to its end.
    Last(Arc<str>),
    /// Nothing follows, and this subscriber was told the last answer already.
    Done,
    /// It cannot go on. Nothing follows.
    Over(Arc<Vec<Failure>>),
}

/// All live queries of one API.
pub(crate) struct Hub {
    core: Arc<Core>,
    pulse: Arc<Pulse>,
    all: Arc<Running>,
    turns: Arc<Semaphore>,
}

type Running = Mutex<HashMap<Key, Weak<Shared>>>;

/// The task of one query, held by its subscribers.
struct Shared {
    key: Key,
    news: watch::Receiver<News>,
    task: AbortHandle,
    among: Weak<Running>,
}

/// One subscriber's view.
pub(crate) struct Subscription {
    news: watch::Receiver<News>,
    /// What it was told last.
    told: Option<Arc<str>>,
    _shared: Arc<Shared>,
}

impl Hub {
    pub(crate) fn new(core: Arc<Core>, pulse: Arc<Pulse>) -> Self {
        Hub { core, pulse, all: Arc::default(), turns: Arc::new(Semaphore::new(TURNS)) }
    }

    /// The request must be a valid subscription. Equal ones of viewers who see the same share a task; who comes later is told the last answer at once.
    pub(crate) async fn subscribe(&self, viewer: &Arc<Viewer>, request: &Request) -> Result<Subscription, Vec<Failure>> {
        let version = self.core.version_of(viewer).await.map_err(|failure| vec![failure])?;
        let compiled = self.core.runner(&version, &self.core.seat(viewer)).compile(request)?;
        if !compiled.operation.is_subscription() {
            return Err(vec![Failure::input("this is no subscription")]);
        }
        let source = query::source(&self.core, &version, &compiled).map_err(|failure| vec![failure])?;
        let mut policy = Desk::policy(viewer).to_string();
        if matches!(source, Source::Job(_)) {
            // a job is seen by who has started it, whatever else others may see
            policy = format!("{policy} {} {}", viewer.role.may_everything(), viewer.who);
        }
        let key = Key::of(&compiled, request, &policy);

        let (shared, over) = {
            let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
            match all.get(&key).and_then(Weak::upgrade) {
                Some(shared) if shared.lasts() => (shared, None),
                over => {
                    if all.len() >= MOST {
                        let asked = all.len() as u64 + 1;
                        return Err(vec![Failure::limit("subscriptions", MOST as u64, asked, "end others first")]);
                    }
                    let shared = Arc::new(self.begin(key.clone(), viewer, request, source));
                    all.insert(key, Arc::downgrade(&shared));
                    (shared, over)
                }
            }
        };
        // its end wants the lock too
        drop(over);
        let mut news = shared.news.clone();
        news.mark_changed();
        Ok(Subscription { news, told: None, _shared: shared })
    }

    pub(crate) fn count(&self) -> usize {
        self.all.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    fn begin(&self, key: Key, viewer: &Arc<Viewer>, request: &Request, source: Source) -> Shared {
        let (tell, news) = watch::channel(News::Waiting);
        let (core, request, name) = (self.core.clone(), request.clone(), key.name());
        let viewer = viewer.clone();
        let task = match source {
            Source::Collection(_) => {
                let (beats, swaps) = (self.pulse.listen(), self.core.swaps.subscribe());
                let query = query::Query { core, beats, swaps, turns: self.turns.clone(), viewer, request, name };
                tokio::spawn(query.run(tell))
            }
            Source::Job(id) => tokio::spawn(job::Followed { core, viewer, request, name, id }.run(tell)),
        };
        Shared { key, news, task: task.abort_handle(), among: Arc::downgrade(&self.all) }
    }
}

impl Shared {
    /// One that is over has told its last, and is not joined any more.
    fn lasts(&self) -> bool {
        !matches!(*self.news.borrow(), News::Over(_) | News::Last(_)) && !self.task.is_finished()
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.task.abort();
        if let Some(all) = self.among.upgrade() {
            let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
            // it may have been begun anew meanwhile
            if all.get(&self.key).is_some_and(|weak| weak.strong_count() == 0) {
                all.remove(&self.key);
            }
        }
    }
}

impl Subscription {
    /// The newest that was not told yet. `None`: the query has ended without a word, which is a fault of ours.
    pub(crate) async fn next(&mut self) -> Option<News> {
        loop {
            self.news.changed().await.ok()?;
            match self.news.borrow_and_update().clone() {
                News::Waiting => {}
                // a look may see the end before it is told that there is one
                News::Last(text) if self.told.as_ref() == Some(&text) => return Some(News::Done),
                News::Answer(text) => {
                    self.told = Some(text.clone());
                    return Some(News::Answer(text));
                }
                news => return Some(news),
            }
        }
    }
}

#[cfg(test)]
mod tests;
