//! The way in to one upstream: who may call now, in the order in which they came. It holds the bound of calls in flight, the window,
//! and, where several processes share a limit, the share that `keeper` keeps for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, Semaphore, SemaphorePermit};
use tokio::time::{Instant, sleep_until, timeout_at};

use super::keeper::Keeper;
use super::shares::Board;
use super::window::{Ticket, Times, Verdict, Window};
use crate::config::Rate;

/// Callers that wait at once; more are sent away.
const QUEUE: usize = 20_000;

/// Why a call was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("its turn did not come in time")]
    Late,
    #[error("the upstream wants to be left alone for {} s more", .0.as_secs_f64().ceil())]
    Paused(Duration),
    #[error("too many calls wait for this upstream")]
    Crowded,
    /// Where shares are kept does not answer.
    #[error("its turn did not come in time: hooke's own state, which holds the share in this upstream's limit, did not answer")]
    Stateless,
}

pub(super) struct Gate {
    pub(super) rate: Rate,
    pub(super) times: Times,
    concurrency: Semaphore,
    /// Whoever is first in the queue holds it, and waits for a place.
    turn: tokio::sync::Mutex<()>,
    window: Mutex<Window>,
    /// Places came, or a pause.
    pub(super) changed: Notify,
    /// More is wanted than we have.
    pub(super) wanting: Notify,
    waiting: AtomicUsize,
    inside: AtomicUsize,
    keeper: Option<Keeper>,
}

/// Leave to make one call; to be kept until it is over.
pub(super) struct Pass<'g> {
    gate: &'g Gate,
    ticket: Ticket,
    _permit: SemaphorePermit<'g>,
    _inside: Counted<'g>,
}

struct Counted<'g>(&'g AtomicUsize);

impl<'g> Counted<'g> {
    fn new(count: &'g AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Gate {
    /// Without a board the whole limit is ours.
    pub(super) fn new(rate: Rate, concurrency: usize, board: Option<Arc<dyn Board>>) -> Arc<Self> {
        let times = Times::of(&rate);
        let capacity = if board.is_some() { 0 } else { rate.calls as usize };
        Arc::new(Gate {
            rate,
            times,
            concurrency: Semaphore::new(concurrency),
            turn: tokio::sync::Mutex::new(()),
            window: Mutex::new(Window::new(times, capacity)),
            changed: Notify::new(),
            wanting: Notify::new(),
            waiting: AtomicUsize::new(0),
            inside: AtomicUsize::new(0),
            keeper: board.map(Keeper::new),
        })
    }

    /// Waits until one more call keeps to the limit.
    pub(super) async fn admit(self: &Arc<Self>, deadline: Instant) -> Result<Pass<'_>, Refusal> {
        if self.waiting.load(Ordering::SeqCst) >= QUEUE {
            return Err(Refusal::Crowded);
        }
        let waiting = Counted::new(&self.waiting);
        if let Some(keeper) = &self.keeper {
            keeper.wake(self);
        }
        let late = |_| self.why_late();
        // whoever has the turn waits for leave to be in flight and for a place; the others wait behind, in the order in which they came
        let _turn = timeout_at(deadline, self.turn.lock()).await.map_err(late)?;
        let permit = timeout_at(deadline, self.concurrency.acquire()).await.map_err(late)?.map_err(|_| Refusal::Late)?;
        loop {
            let changed = self.changed.notified();
            tokio::pin!(changed);
            // what changes from here on is heard
            changed.as_mut().enable();
            let now = Instant::now();
            let (verdict, paused, places) = {
                let mut window = self.window();
                (window.admit(now), window.paused(now), window.capacity())
            };
            let when = match verdict {
                Verdict::Go(ticket) => {
                    drop(waiting);
                    return Ok(Pass { gate: self, ticket, _permit: permit, _inside: Counted::new(&self.inside) });
                }
                Verdict::Wait(when) => when,
            };
            if let Some(paused) = paused.filter(|paused| *paused > deadline) {
                return Err(Refusal::Paused(paused - now));
            }
            if let Some(keeper) = &self.keeper {
                keeper.wake(self);
                if places < self.rate.calls as usize {
                    self.wanting.notify_one();
                }
            }
            tokio::select! {
                () = sleep_until(when.map_or(deadline, |when| when.min(deadline))) => {}
                () = changed => {}
            }
            if Instant::now() >= deadline {
                return Err(self.why_late());
            }
        }
    }

    /// Leave to call without waiting for the limit; the window knows of it all the same.
    pub(super) async fn pass(&self, deadline: Instant) -> Result<Pass<'_>, Refusal> {
        let permit = timeout_at(deadline, self.concurrency.acquire()).await;
        let permit = permit.map_err(|_| Refusal::Late)?.map_err(|_| Refusal::Late)?;
        let ticket = self.window().note(Instant::now());
        Ok(Pass { gate: self, ticket, _permit: permit, _inside: Counted::new(&self.inside) })
    }

    fn why_late(&self) -> Refusal {
        let stateless = self.keeper.as_ref().is_some_and(Keeper::is_failing);
        if stateless { Refusal::Stateless } else { Refusal::Late }
    }

    /// For all callers.
    pub(super) fn pause(&self, time: Duration) {
        self.window().pause(Instant::now() + time);
        self.changed.notify_waiters();
        self.wanting.notify_one();
    }

    pub(super) fn window(&self) -> MutexGuard<'_, Window> {
        self.window.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::SeqCst)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.waiting() == 0 && self.inside.load(Ordering::SeqCst) == 0
    }

    /// Gives back what others could use.
    pub(super) async fn close(self: &Arc<Self>) {
        if let Some(keeper) = &self.keeper {
            keeper.close(self).await;
        }
    }
}

impl Pass<'_> {
    /// The head of the answer is here.
    pub(super) fn arrived(&self) {
        self.gate.window().arrived(self.ticket, Instant::now());
        self.gate.changed.notify_waiters();
    }

    /// It was turned away at the limit of the other side.
    pub(super) fn refused(&self) {
        self.gate.window().refused(self.ticket);
    }
}
