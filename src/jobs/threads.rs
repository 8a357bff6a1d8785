//! Threads for work that keeps a core busy: a few of their own, of the lowest priority, so that such work takes only the time that
//! requests leave. It comes in short pieces, one after another in the order in which they came, so that jobs share the threads evenly
//! and any of them can be stopped between two pieces.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::search::{Error, Result};

/// A piece of work should take about so long.
pub(super) const PIECE: Duration = Duration::from_millis(5);
/// After each piece the thread steps aside, whatever the system thinks of priorities.
const PAUSE: Duration = Duration::from_micros(250);
/// Each job has one piece waiting at most; there are never so many jobs at once in one process.
const QUEUE: usize = 1_024;

type Piece = Box<dyn FnOnce() + Send>;

pub(super) struct Threads {
    /// The threads end when this is gone.
    pieces: SyncSender<Piece>,
}

impl Threads {
    /// `None`: one a core, but one core is left to requests where there are several.
    pub(super) fn start(count: Option<usize>) -> std::io::Result<Self> {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let count = count.unwrap_or(cores.saturating_sub(1)).clamp(1, cores);
        let (pieces, waiting) = sync_channel::<Piece>(QUEUE);
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..count {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new().name(format!("hooke-compute-{number}")).spawn(move || work(&waiting))?;
        }
        Ok(Threads { pieces })
    }

    /// Runs one piece of work.
    pub(super) async fn run<T: Send + 'static>(&self, piece: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let (give, take) = oneshot::channel();
        let piece: Piece = Box::new(move || {
            // nobody may be waiting any more
            if !give.is_closed() {
                let _ = give.send(piece());
            }
        });
        self.pieces.try_send(piece).map_err(|_| Error::Unavailable("there is too much to compute".into()))?;
        take.await.map_err(|_| Error::internal("a piece of work was not done"))
    }
}

fn work(waiting: &Mutex<Receiver<Piece>>) {
    lower_priority();
    loop {
        let piece = waiting.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(piece) = piece else { return };
        if std::panic::catch_unwind(std::panic::AssertUnwindSafe(piece)).is_err() {
            tracing::error!("a piece of work has panicked");
        }
        std::thread::sleep(PAUSE);
    }
}

/// On Linux a priority is that of a thread, and no process named means the calling one. Where it cannot be set the pauses must do.
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(fault) = rustix::process::setpriority_process(None, 19) {
        tracing::debug!(%fault, "the priority of a thread stays as it is");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_are_run_and_a_panic_costs_only_one() {
        let threads = Threads::start(Some(1)).unwrap();
        assert!(threads.run(|| panic!("as meant")).await.is_err());
        assert_eq!(threads.run(|| 7).await.unwrap(), 7);
    }
}
