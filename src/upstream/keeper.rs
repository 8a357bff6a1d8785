//! Keeps this process's share in the limit of one upstream: takes places while there are calls to make, renews them, gives some up when
//! others want them, and gives all back when nothing is left to do. One task, started by the first caller; it ends when idle, and at
//! the latest with the gate.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::{Instant, sleep, timeout};

use super::gate::Gate;
use super::shares::{Board, LEASE_MS, Record, SKEW_MS, Terms};
use crate::search::Result;

/// Without a call for so long the share is given back.
const IDLE: Duration = Duration::from_secs(2);
/// The record is not asked more often than this, however much is wanted.
const REST: Duration = Duration::from_millis(25);
/// After a fault of the state.
const RECOVERY: Duration = Duration::from_millis(500);

pub(super) struct Keeper {
    shared: Arc<Shared>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the task needs of the keeper; the gate it only knows weakly, so that it ends with it.
struct Shared {
    board: Arc<dyn Board>,
    owner: String,
    failing: AtomicBool,
    running: Mutex<bool>,
}

impl Keeper {
    pub(super) fn new(board: Arc<dyn Board>) -> Self {
        let owner = uuid::Uuid::now_v7().to_string();
        let shared = Shared { board, owner, failing: AtomicBool::new(false), running: Mutex::new(false) };
        Keeper { shared: Arc::new(shared), task: Mutex::new(None) }
    }

    /// There is a caller: the task runs, or is started.
    pub(super) fn wake(&self, gate: &Arc<Gate>) {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        let mut running = self.shared.running();
        if !*running || task.as_ref().is_none_or(JoinHandle::is_finished) {
            *running = true;
            *task = Some(tokio::spawn(keep(Arc::downgrade(gate), self.shared.clone())));
        }
    }

    pub(super) fn is_failing(&self) -> bool {
        self.shared.failing.load(Ordering::Relaxed)
    }

    fn stop(&self) -> Option<AbortHandle> {
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        task.abort();
        Some(task.abort_handle())
    }

    /// The process ends: what we hold is given back, if the state answers in time.
    pub(super) async fn close(&self, gate: &Arc<Gate>) {
        let Some(task) = self.stop() else { return };
        let back = async {
            while !task.is_finished() {
                tokio::task::yield_now().await;
            }
            for _ in 0..5 {
                match self.shared.step(gate, Some(0)).await {
                    Ok(Step { done: true, .. }) => break,
                    Ok(_) => {}
                    Err(fault) => return tracing::debug!(%fault, "a share was not given back; its lease will end"),
                }
            }
        };
        if timeout(Duration::from_secs(2), back).await.is_err() {
            tracing::debug!("a share was not given back in time; its lease will end");
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
    }
}

struct Step {
    /// The record says what we want it to say.
    done: bool,
    /// We have what we want.
    content: bool,
    /// When something may become free.
    next: Option<Duration>,
}

async fn keep(gate: Weak<Gate>, shared: Arc<Shared>) {
    let mut busy = Instant::now();
    loop {
        let rest = {
            let Some(gate) = gate.upgrade() else { return };
            let poll = (gate.rate.period / 20).clamp(Duration::from_millis(100), Duration::from_secs(1));
            if !gate.is_idle() {
                busy = Instant::now();
            }
            let over = busy.elapsed() >= IDLE;
            match shared.step(&gate, over.then_some(0)).await {
                Ok(step) => {
                    shared.failing.store(false, Ordering::Relaxed);
                    if over && step.done {
                        let mut running = shared.running();
                        if gate.is_idle() {
                            // under the lock: a caller who comes now starts another task
                            *running = false;
                            return;
                        }
                        busy = Instant::now();
                    }
                    match (step.done, step.content) {
                        // somebody was faster
                        (false, _) => Duration::ZERO,
                        (true, true) => poll,
                        (true, false) => step.next.unwrap_or(poll).min(poll),
                    }
                }
                Err(fault) => {
                    if !shared.failing.swap(true, Ordering::Relaxed) {
                        tracing::warn!(%fault, cause = fault.cause(), "shares of an upstream's limit cannot be kept");
                    }
                    RECOVERY
                }
            }
        };
        sleep(REST).await;
        let Some(strong) = gate.upgrade() else { return };
        let more = rest.saturating_sub(REST);
        tokio::select! {
            () = sleep(more) => {}
            () = strong.wanting.notified() => {}
        }
    }
}

impl Shared {
    fn running(&self) -> MutexGuard<'_, bool> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the record, and writes what we want of it if that is not what it says.
    async fn step(&self, gate: &Gate, wanted: Option<u32>) -> Result<Step> {
        let terms = Terms { limit: gate.rate.calls, cooling_ms: millis(gate.times.hold + gate.times.margin) };
        let (version, old) = self.board.read().await?;
        let (now, wall) = (Instant::now(), self.board.now());
        let mut record = old.clone();
        record.settle(terms, wall);
        let mine = record.places_of(&self.owner);
        let wanted = wanted.unwrap_or_else(|| want(gate, mine, now));
        let aim = record.aim(terms, &self.owner, wanted);
        let until_paused = gate.window().paused(now).map_or(0, |paused| wall + millis(paused - now));
        let content = aim >= wanted;
        let fresh = record.of(&self.owner).is_some_and(|share| share.until > wall + LEASE_MS * 2 / 3 && share.wanted == wanted);
        let (is_leased, held) = {
            let window = gate.window();
            (window.is_leased(now), window.capacity())
        };
        let nothing = aim == 0 && mine == 0 && wanted == 0 && old.of(&self.owner).is_none();
        // a little off is no reason to write: clocks are
        let is_paused = until_paused <= record.paused + 50;
        if is_paused && (nothing || (fresh && aim == mine && held == mine as usize && is_leased)) {
            self.hear(gate, &record, wall, now);
            return Ok(Step { done: true, content, next: next(&record, wall) });
        }
        // what is given up is not used from here on, whether or not the record can be written
        let given = gate.window().shrink(mine as usize, aim as usize, now);
        let cold = given.iter().map(|(cold, _)| wall + millis(cold.saturating_duration_since(now)) + 1);
        record.hold(&self.owner, aim, wanted, wall, cold);
        record.paused = record.paused.max(until_paused);
        if !self.board.write(version, &record).await? {
            return Ok(Step { done: false, content: false, next: None });
        }
        {
            let mut window = gate.window();
            window.forget(&given);
            window.lease(aim as usize, now + Duration::from_millis(LEASE_MS - SKEW_MS));
        }
        self.hear(gate, &record, wall, now);
        gate.changed.notify_waiters();
        Ok(Step { done: true, content, next: next(&record, wall) })
    }

    /// A pause that another process was asked for.
    fn hear(&self, gate: &Gate, record: &Record, wall: u64, now: Instant) {
        if record.paused > wall {
            gate.window().pause(now + Duration::from_millis(record.paused - wall));
        }
    }
}

/// Places that we could use now.
fn want(gate: &Gate, mine: u32, now: Instant) -> u32 {
    let waiting = u32::try_from(gate.waiting()).unwrap_or(u32::MAX);
    let hot = u32::try_from(gate.window().hot(now)).unwrap_or(u32::MAX);
    if waiting == 0 {
        return hot.max(1).min(mine);
    }
    // with room to grow, so that one call after another need not ask for each
    let needed = waiting.saturating_add(hot);
    needed.checked_next_power_of_two().unwrap_or(needed).max(gate.rate.calls / 10).min(gate.rate.calls)
}

fn next(record: &Record, wall: u64) -> Option<Duration> {
    record.next().map(|at| Duration::from_millis(at.saturating_sub(wall)))
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
