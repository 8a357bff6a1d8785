//! How processes share the limits of callers: each leases a part of a caller's limit, by the same records as the limits of upstreams
//! (`upstream`), one for each caller that asks for much. Up to a courtesy each process lets callers in without asking anybody.
//!
//! One task keeps all leases of this process. It is started by the first, ends when there is none left, and at the latest with its owner.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use futures_util::StreamExt as _;
use ring::digest::{SHA256, digest};
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use super::{Caller, Meter};
use crate::config::{Rate, StateConfig};
use crate::search::{Engine, Result};
use crate::upstream::{Board, LEASE_MS, SKEW_MS, StateBoard, Terms};

/// Between two looks at each record.
const REST: Duration = Duration::from_millis(500);
/// Records read or written at once.
const AT_ONCE: usize = 8;
/// Leases of one process; who comes later has the courtesy.
const MOST: usize = 10_000;

pub(super) struct Sharing {
    state: Arc<dyn Engine>,
    settings: StateConfig,
    owner: String,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    meters: HashMap<String, Weak<Meter>>,
    task: Option<AbortHandle>,
}

/// What each process lets in by itself; two of them stay within the limit.
pub(super) fn courtesy(rate: Rate) -> u64 {
    u64::from((rate.calls / 20).max(1))
}

/// What is given out by leases.
fn terms(rate: Rate) -> Terms {
    let shared = rate.calls - (rate.calls / 10).min(rate.calls - 1);
    // a step of the window longer than the period
    let hold = rate.period + rate.period / 10 + Duration::from_millis(1);
    Terms { limit: shared, cooling_ms: u64::try_from(hold.as_millis()).unwrap_or(u64::MAX) }
}

/// No address and no name stands in the state.
pub(super) fn record(caller: &Caller) -> String {
    let text = match caller {
        Caller::Key(id) => format!("key {id}"),
        Caller::User(id) => format!("user {id}"),
        Caller::Address(address) => format!("address {address}"),
    };
    digest(&SHA256, text.as_bytes()).as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Sharing {
    pub(super) fn open(state: Arc<dyn Engine>, settings: StateConfig) -> Arc<Self> {
        Arc::new(Sharing { state, settings, owner: uuid::Uuid::now_v7().to_string(), kept: Mutex::default() })
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on there is a lease for this caller, until they ask for nothing any more.
    pub(super) fn keep(self: &Arc<Self>, meter: &Arc<Meter>) {
        let mut kept = self.kept();
        if kept.meters.len() >= MOST {
            return;
        }
        kept.meters.insert(meter.record.clone(), Arc::downgrade(meter));
        if kept.task.as_ref().is_none_or(AbortHandle::is_finished) {
            kept.task = Some(tokio::spawn(run(Arc::downgrade(self))).abort_handle());
        }
    }

    /// One look at each record; false when there is nothing left to keep.
    async fn round(&self, ending: bool) -> bool {
        let meters: Vec<(String, Option<Arc<Meter>>)> =
            self.kept().meters.iter().map(|(name, meter)| (name.clone(), meter.upgrade())).collect();
        let looks = meters.into_iter().map(|(name, meter)| async move {
            let Some(meter) = meter else { return Some(name) };
            match self.step(&meter, ending).await {
                Ok(true) => Some(name),
                Ok(false) => None,
                Err(fault) => {
                    tracing::debug!(%fault, "a share of a caller's limit cannot be kept");
                    None
                }
            }
        });
        let over: Vec<String> =
            futures_util::stream::iter(looks).buffer_unordered(AT_ONCE).filter_map(std::future::ready).collect().await;
        let mut kept = self.kept();
        for name in over {
            if let Some(meter) = kept.meters.remove(&name).and_then(|meter| meter.upgrade()) {
                meter.state().kept = false;
            }
        }
        if kept.meters.is_empty() {
            // under the lock: who comes now starts another
            kept.task = None;
            return false;
        }
        true
    }

    /// Reads one record, and writes what we want of it if that is not what it says. True: nothing is held and nothing wanted.
    async fn step(&self, meter: &Meter, ending: bool) -> Result<bool> {
        let board = StateBoard::new(self.state.clone(), &self.settings, "rates", &meter.record)?;
        let (terms, courtesy) = (terms(meter.rate), courtesy(meter.rate));
        let (version, mut record) = board.read().await?;
        let (now, wall) = (Instant::now(), board.now());
        record.settle(terms, wall);
        let mine = record.places_of(&self.owner);
        let spent = meter.state().window.spent(now);
        let most = u64::from(terms.limit);
        let wanted = if ending || spent < courtesy / 2 { 0 } else { (spent * 2).max(most / 4).min(most) };
        let wanted = u32::try_from(wanted).unwrap_or(terms.limit);
        let aim = record.aim(terms, &self.owner, wanted);
        let share = record.of(&self.owner);
        if wanted == 0 && share.is_none() {
            return Ok(true);
        }
        let fresh = share.is_some_and(|share| share.until > wall + LEASE_MS * 2 / 3 && share.wanted == wanted);
        if fresh && aim == mine {
            return Ok(false);
        }
        if aim < mine {
            // what is given up is not used from here on, whether or not the record can be written
            let mut state = meter.state();
            state.lease = state.lease.min(courtesy + u64::from(aim));
        }
        // what was used of it counts for others too, until it is a period ago
        let hot = u64::from(mine - aim.min(mine)).min(spent.saturating_sub(aim.into()));
        let cold = (0..hot).map(|_| wall + terms.cooling_ms);
        record.hold(&self.owner, aim, wanted, wall, cold);
        if board.write(version, &record).await? {
            let mut state = meter.state();
            state.lease = courtesy + u64::from(aim);
            state.until = Some(now + Duration::from_millis(LEASE_MS - SKEW_MS));
        }
        Ok(false)
    }

    pub(super) async fn close(&self) {
        let task = self.kept().task.take();
        if let Some(task) = task {
            task.abort();
            if timeout(Duration::from_secs(2), self.round(true)).await.is_err() {
                tracing::debug!("shares of callers' limits were not given back in time; their leases will end");
            }
        }
    }
}

impl Drop for Sharing {
    fn drop(&mut self) {
        if let Some(task) = self.kept().task.take() {
            task.abort();
        }
    }
}

async fn run(sharing: Weak<Sharing>) {
    loop {
        match sharing.upgrade() {
            Some(sharing) => {
                if !sharing.round(false).await {
                    return;
                }
            }
            None => return,
        }
        sleep(REST).await;
    }
}
