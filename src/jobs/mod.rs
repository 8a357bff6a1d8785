//! Long tasks with a state: started, listed, watched, steered, claimed by one process, kept over a crash.
//!
//! What holds, whatever happens:
//! 1. A job is one document of the state. Every change of it is a write on condition of the version that was seen, so that of two who
//!    change it at once one learns that it was second.
//! 2. Only who has claimed a job works on it, and only while the claim is renewed. A process that finds its claim gone stops.
//! 3. A claim is taken from its owner only when the owner is known to be dead (it ran on this very data folder, which one process
//!    holds at a time), or has not changed the document for a whole lease by the clock of the one who takes it. Clocks of different
//!    machines are never compared.
//! 4. What a task has done is written down by checkpoints. Whoever goes on does again what came after the last one; each task is
//!    such that doing it again leaves the same.
//!
//! `job` is what is kept, `transitions` the one table of states, `records` the documents; `runner` looks and claims, `course` leads one
//! job to its end, `running` is its claim and `work` what its task sees; `tasks` has one file a kind.

mod asker;
mod course;
mod files;
mod job;
mod listing;
pub mod reading;
mod records;
mod runner;
mod running;
mod sweep;
mod tasks;
mod threads;
mod transitions;
mod watching;
mod work;
pub mod writing;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use futures_util::Stream;
use tokio::sync::{Notify, watch};
use tokio_util::task::AbortOnDropHandle;

use crate::access::{Desk, Roles, Viewer};
use crate::catalog;
use crate::config::{Config, Writes};
use crate::search::{Call, Engine, Error, Precondition, Refresh, Result};
use crate::upstream::Upstreams;

pub use files::Upload;
pub use job::{Job, Kind, LOG_LINES, Moment, State};
pub use transitions::Steer;
pub use watching::Watched;

use asker::{Asker, may_see};
use records::Records;
use running::Running;
use threads::Threads;
use transitions::Event;

/// How often a change is tried again because somebody else was faster.
const TRIES: usize = 20;
/// Jobs read at once where those of one viewer are looked for.
const LOOKED_THROUGH: u32 = 200;
/// A task that was told to stop ends at its next step; after so long it is dropped where it stands.
const GRACE: Duration = Duration::from_secs(3);

/// What is asked for when a job is started.
#[derive(Clone, Debug)]
pub struct Order {
    pub kind: Kind,
    pub collection: Option<String>,
    pub arguments: crate::search::Source,
}

/// Jobs from the newest on.
#[derive(Clone, Debug)]
pub struct Listing {
    pub jobs: Vec<Job>,
    /// Older ones follow: go on after the id of the last one.
    pub more: bool,
}

/// The jobs of one process, as somebody may see and start them. Dropping the first one ends all its tasks where they stand, as a crash
/// would.
pub struct Jobs {
    inner: Arc<Inner>,
    viewer: Arc<Viewer>,
    /// Claims, runs and renews; ends with its owner.
    _runner: Option<AbortOnDropHandle<()>>,
}

struct Inner {
    engine: Arc<dyn Engine>,
    catalog: Arc<catalog::Watch>,
    desk: Arc<Desk>,
    upstreams: Arc<Upstreams>,
    config: Config,
    records: Records,
    files: files::Folder,
    threads: Threads,
    me: job::Owner,
    /// Other processes may see the same state.
    shared: bool,
    running: Mutex<HashMap<Arc<str>, Arc<Running>>>,
    /// Just started or set free here: to be claimed without waiting for a search to see them.
    hints: Mutex<VecDeque<Arc<str>>>,
    nudge: Notify,
    /// Unfinished jobs at the last look, and started here since.
    unfinished: Mutex<(usize, usize)>,
    watched: watching::Watchers,
    closing: watch::Sender<bool>,
    #[cfg(test)]
    crash: crash::Point,
}

#[cfg(test)]
mod crash;

/// Guards of state that is whole at every moment: a panic elsewhere does not harm it.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Jobs {
    /// Begins to look for jobs. Must be called within a runtime, by the process that holds the data folder.
    pub async fn open(
        engine: Arc<dyn Engine>,
        state: Arc<dyn Engine>,
        catalog: Arc<catalog::Watch>,
        upstreams: Arc<Upstreams>,
        config: &Config,
    ) -> anyhow::Result<Arc<Jobs>> {
        let (data, settings) = (config.data.clone(), config.jobs.clone());
        let (node, files) = tokio::task::spawn_blocking(move || {
            let node = files::identity(&data.join("node"))?;
            let folder = settings.folder.unwrap_or_else(|| data.join("jobs"));
            anyhow::Ok((node, files::Folder::open(folder, settings.space)?))
        })
        .await?
        .context("the folder of jobs cannot be used")?;
        // versions of documents are not shown by jobs: any secret will do
        let desk = Desk::new(engine.clone(), catalog.changes(), Roles::of(config), &config.limits, fresh_id().as_bytes());
        let inner = Arc::new(Inner {
            desk,
            records: Records::new(state, &config.state)?,
            engine,
            catalog,
            upstreams,
            config: config.clone(),
            files,
            threads: Threads::start(config.jobs.threads)?,
            me: job::Owner { node, boot: fresh_id() },
            shared: config.shares_state(),
            running: Mutex::default(),
            hints: Mutex::default(),
            nudge: Notify::new(),
            unfinished: Mutex::default(),
            watched: watching::Watchers::default(),
            closing: watch::Sender::new(false),
            #[cfg(test)]
            crash: crash::Point::default(),
        });
        let runner = tokio::spawn(runner::run(Arc::clone(&inner)));
        Ok(Arc::new(Jobs { inner, viewer: Viewer::open(), _runner: Some(AbortOnDropHandle::new(runner)) }))
    }

    /// Starts a job: it is kept when this answers, and will be run by some process on this state.
    pub async fn start(&self, call: &Call, order: Order) -> Result<Job> {
        self.may_start(order.kind)?;
        self.inner.may_write(order.kind)?;
        self.inner.has_room()?;
        let (order, input) = tasks::accept(&self.inner, &self.seat().catalog, order)?;
        let id: Arc<str> = fresh_id().into();
        let place = match input {
            Some(text) => {
                self.inner.files.put_input(&id, text).await?;
                Some(self.inner.files.place().to_owned())
            }
            None => None,
        };
        self.keep(call, Job::new(id, order, place)).await
    }

    /// Whether a file would be loaded so, before it is sent.
    pub fn check_load(&self, order: &Order) -> Result<()> {
        self.may_start(Kind::Load)?;
        self.inner.may_write(Kind::Load)?;
        self.inner.has_room()?;
        tasks::accept_load(&self.inner, &self.seat().catalog, order.clone()).map(drop)
    }

    /// A file that is on its way here, for a job of kind `LOAD`. Dropped before [`Jobs::start_load`], it is removed.
    pub async fn receive(&self) -> Result<Upload> {
        self.may_start(Kind::Load)?;
        self.inner.may_write(Kind::Load)?;
        self.inner.has_room()?;
        self.inner.files.receive(fresh_id().into(), self.inner.config.jobs.upload).await
    }

    /// Starts to load a file that has come whole.
    pub async fn start_load(&self, call: &Call, order: Order, upload: Upload) -> Result<Job> {
        self.may_start(Kind::Load)?;
        self.inner.may_write(Kind::Load)?;
        let order = tasks::accept_load(&self.inner, &self.seat().catalog, order)?;
        let id = upload.keep().await?;
        self.keep(call, Job::new(id, order, Some(self.inner.files.place().to_owned()))).await
    }

    async fn keep(&self, call: &Call, mut job: Job) -> Result<Job> {
        job.asker = Asker::of(&self.viewer);
        job.say("queued");
        if let Err(fault) = self.inner.records.put(call, &job, Precondition::Absent, Refresh::Now).await {
            // the answer may have been lost on its way: only what is surely not there is cleaned
            if matches!(self.inner.records.get(call, &job.id).await, Ok(None)) {
                self.inner.files.forget(&job.id).await;
            }
            return Err(fault);
        }
        tracing::info!(job = %job.id, kind = job.kind.as_str(), "a job was started");
        lock(&self.inner.unfinished).1 += 1;
        self.inner.publish(&job);
        self.inner.hint(&job.id);
        Ok(job)
    }

    pub async fn get(&self, call: &Call, id: &str) -> Result<Job> {
        self.get_mine(call, id).await
    }

    /// Jobs of others are not there.
    async fn get_mine(&self, call: &Call, id: &str) -> Result<Job> {
        let job = self.inner.get(call, id).await?;
        if self.may_see(&job) { Ok(job) } else { Err(missing(id)) }
    }

    /// The newest first; `after` is the id of the last one seen. Jobs of one state are in that state, as far as this process knows.
    pub async fn list(&self, call: &Call, state: Option<State>, first: u32, after: Option<&str>) -> Result<Listing> {
        if self.viewer.role.may_everything() {
            return listing::read(&self.inner, call, state, first, after).await;
        }
        // who has started a job is no field of its record: the settings bound how many there are to be looked through
        let (mut mine, mut after) = (Vec::new(), after.map(str::to_owned));
        let wanted = first as usize;
        loop {
            let page = listing::read(&self.inner, call, state, LOOKED_THROUGH, after.as_deref()).await?;
            after = page.jobs.last().map(|job| job.id.to_string()).or(after);
            mine.extend(page.jobs.into_iter().filter(|job| self.may_see(job)));
            if !page.more || mine.len() > wanted {
                break;
            }
        }
        let more = mine.len() > wanted;
        mine.truncate(wanted);
        Ok(Listing { jobs: mine, more })
    }

    /// Cancels, pauses, resumes or tries again. [`Error::Conflict`] names what can be done where this cannot.
    /// Where the job runs in this process, nothing of it goes on when this answers.
    pub async fn steer(&self, call: &Call, id: &str, steer: Steer) -> Result<Job> {
        let event = Event::from(steer);
        for _ in 0..TRIES {
            let (version, mut job) = self.inner.find(call, id).await?;
            if !self.may_see(&job) {
                return Err(missing(id));
            }
            let Some(next) = transitions::next(job.state, event) else {
                return Err(refused(&job, steer));
            };
            if steer == Steer::Retry {
                self.may_start(job.kind)?;
                self.inner.may_write(job.kind)?;
                self.inner.has_room()?;
            }
            if let Some(running) = self.inner.running_here(&job) {
                running.stop(event);
                let ended = running.ended();
                if tokio::time::timeout_at(call.deadline, ended).await.is_err() {
                    return Err(Error::Timeout);
                }
                let job = self.inner.get(call, id).await?;
                if job.state == next {
                    return Ok(job);
                }
                // it came to its end a moment before, or somebody else said something else
                continue;
            }
            job.turn(next, steer);
            match self.inner.records.put(call, &job, Precondition::Version(version), Refresh::Now).await {
                Ok(_) => {
                    tracing::info!(job = %job.id, steer = steer.as_str(), "a job was steered");
                    self.inner.publish(&job);
                    if next == State::Queued {
                        self.inner.hint(&job.id);
                    } else if next.is_final() {
                        let mut unfinished = lock(&self.inner.unfinished);
                        unfinished.0 = unfinished.0.saturating_sub(1);
                    }
                    return Ok(job);
                }
                Err(Error::Conflict(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        Err(Error::Unavailable(format!("the job {id} changes all the time")))
    }

    /// The job now and each time it changes, whoever runs it; ends when it has come to its end.
    pub async fn watch(&self, call: &Call, id: &str) -> Result<Watched> {
        self.get_mine(call, id).await?;
        watching::watch(&self.inner, call, id).await
    }

    /// The newest jobs, each now and again whenever it changes, whoever runs it; ends with the server.
    pub fn watch_all(&self) -> Result<impl Stream<Item = Job> + Send + use<>> {
        let viewer = Arc::clone(&self.viewer);
        let all = watching::watch_all(&self.inner)?;
        Ok(futures_util::StreamExt::filter(all, move |job| std::future::ready(may_see(&viewer, job))))
    }

    /// The file that a job has made, open to be read, with its name; only where this process can reach it.
    pub async fn open_result(&self, call: &Call, id: &str) -> Result<(tokio::fs::File, String)> {
        let job = self.get_mine(call, id).await?;
        if job.state != State::Succeeded || job.kind != Kind::Export {
            return Err(Error::Conflict(format!("the job {id} has no file: it is a {} and {}", job.kind, job.state)));
        }
        if job.place.as_deref() != Some(self.inner.files.place()) {
            return Err(Error::NotFound(format!(
                "the file of the job {id} lies with another hooke process: ask that one, or let all share the setting jobs.folder"
            )));
        }
        let file = self.inner.files.open_result(&job.id).await?;
        Ok((file, format!("{}-{}.ndjson", job.collection.as_deref().unwrap_or("export"), &job.id[..8.min(job.id.len())])))
    }

    /// How watching ends with the server: when it is told to stop, streams that would never end do.
    /// Jobs that this process works on now.
    pub fn running(&self) -> usize {
        lock(&self.inner.running).len()
    }

    pub fn closing(&self) -> watch::Receiver<bool> {
        self.inner.closing.subscribe()
    }

    /// Stops all tasks at their next step and gives their jobs back, so that another process, or the next one, goes on at once.
    pub async fn close(&self) {
        self.inner.closing.send_replace(true);
        self.inner.nudge.notify_one();
        let running: Vec<Arc<Running>> = lock(&self.inner.running).values().cloned().collect();
        for running in running {
            if tokio::time::timeout(GRACE * 2, running.ended()).await.is_err() {
                tracing::warn!("a job did not stop in time; it goes on from its checkpoint");
            }
        }
    }
}

fn missing(id: &str) -> Error {
    Error::NotFound(format!("there is no job {:?}", id.chars().take(64).collect::<String>()))
}

fn refused(job: &Job, steer: Steer) -> Error {
    let possible: Vec<&str> = job.can().map(Steer::as_str).collect();
    let help = if possible.is_empty() { "nothing more".to_owned() } else { format!("only {}", possible.join(" or ")) };
    Error::Conflict(format!("a job that is {} cannot be told to {}: {help} is possible", job.state, steer.as_str()))
}

/// Sorts by the time it was made.
fn fresh_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

impl Inner {
    fn may_write(&self, kind: Kind) -> Result<()> {
        if !kind.writes() || self.config.writes() >= Writes::Documents {
            return Ok(());
        }
        Err(Error::Forbidden(
            "documents may not be written here: the setting writes (HOOKE_WRITES, --writes) must be documents or all".into(),
        ))
    }

    /// The queue is bounded: by what was seen at the last look and what was started here since.
    fn has_room(&self) -> Result<()> {
        let (seen, since) = *lock(&self.unfinished);
        let most = self.config.jobs.queued;
        if *self.closing.borrow() {
            return Err(Error::Unavailable("the server is stopping".into()));
        }
        if seen + since < most {
            return Ok(());
        }
        Err(Error::Limit(format!(
            "{most} jobs are waiting or running (the setting jobs.queued): wait until some are done, or cancel some"
        )))
    }

    async fn find(&self, call: &Call, id: &str) -> Result<(crate::search::Version, Job)> {
        let found = self.records.get(call, id).await?;
        found.ok_or_else(|| missing(id))
    }

    async fn get(&self, call: &Call, id: &str) -> Result<Job> {
        let (_, mut job) = self.find(call, id).await?;
        self.refine(&mut job);
        Ok(job)
    }

    fn running_here(&self, job: &Job) -> Option<Arc<Running>> {
        if job.state != State::Running || job.owner.as_ref() != Some(&self.me) {
            return None;
        }
        lock(&self.running).get(&job.id).filter(|running| running.claim == job.claim).cloned()
    }

    /// What this process knows better than the record: how far it has come with what it runs.
    fn refine(&self, job: &mut Job) {
        if let Some(running) = self.running_here(job) {
            running.show(job);
        }
    }

    fn hint(&self, id: &Arc<str>) {
        lock(&self.hints).push_back(Arc::clone(id));
        self.nudge.notify_one();
    }

    fn publish(&self, job: &Job) {
        self.watched.publish(job);
    }
}
