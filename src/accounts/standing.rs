//! What holds right now of a user or a key, for every request of theirs and for every stream they have open: read from the state
//! when asked for, kept for a moment, and renewed as long as somebody holds on to it. A change by any process is seen within a
//! second. A renewing task is owned by [`Standings`] and ends with it; whatever cannot be renewed for a while counts as ended.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::records::Records;
use crate::search::{Call, Error, Result, Version};

/// Taken as true for so long after it was read.
const FRESH: Duration = Duration::from_millis(500);
/// Between two renewals.
const BEAT: Duration = Duration::from_millis(250);
/// One that was asked for so lately is renewed, so that the next request need not wait.
const LATELY: Duration = Duration::from_secs(2);
/// Streams of one whose record cannot be read for so long are ended.
const BLIND: Duration = Duration::from_secs(10);
/// Read at once.
const BATCH: usize = 500;
/// Kept in all; beyond that those that nobody holds are forgotten.
const MOST: usize = 10_000;

pub(super) struct Standings {
    shared: Arc<Shared>,
    _renewing: AbortOnDropHandle<()>,
}

struct Shared {
    records: Arc<Records>,
    seats: Mutex<HashMap<Arc<str>, Arc<Seat>>>,
    began: Instant,
}

struct Seat {
    id: Arc<str>,
    /// Milliseconds since the beginning, plus one; 0: never.
    used: AtomicU64,
    turn: tokio::sync::Mutex<()>,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    at: Option<Instant>,
    record: Option<(Version, Arc<str>)>,
    ended: CancellationToken,
}

/// Told when what one was let in by has changed: whoever holds a stream open listens to it. Holding it keeps the record watched.
#[derive(Clone, Default)]
pub struct Leave {
    watched: Vec<(CancellationToken, Arc<Seat>)>,
    until: Option<tokio::time::Instant>,
}

impl Leave {
    /// Ends when the one who was let in must ask again.
    pub async fn ended(&self) {
        let [first, second] = [0, 1].map(|n| async move {
            match self.watched.get(n) {
                Some((ended, _)) => ended.cancelled().await,
                None => std::future::pending().await,
            }
        });
        let over = async {
            match self.until {
                Some(until) => tokio::time::sleep_until(until).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = first => {}
            () = second => {}
            () = over => {}
        }
    }

    /// Nothing can end it.
    pub fn is_forever(&self) -> bool {
        self.watched.is_empty() && self.until.is_none()
    }

    /// Of one that nothing is kept of.
    pub(super) fn after(time: Duration) -> Self {
        Leave { watched: Vec::new(), until: tokio::time::Instant::now().checked_add(time) }
    }

    /// When the first of both ends; each of them is of one record at most.
    pub(super) fn and(mut self, other: Leave) -> Self {
        self.watched.extend(other.watched);
        self.until = self.until.into_iter().chain(other.until).min();
        self
    }
}

impl std::fmt::Debug for Leave {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Leave({} watched)", self.watched.len())
    }
}

impl Seat {
    fn seen(&self) -> std::sync::MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn apply(&self, record: Option<(Version, String)>) {
        let mut seen = self.seen();
        seen.at = Some(Instant::now());
        let same = seen.record.as_ref().map(|(version, _)| *version) == record.as_ref().map(|(version, _)| *version);
        if !same {
            seen.record = record.map(|(version, body)| (version, body.into()));
            std::mem::take(&mut seen.ended).cancel();
        }
    }
}

impl Standings {
    pub(super) fn open(records: Arc<Records>) -> Self {
        let shared = Arc::new(Shared { records, seats: Mutex::default(), began: Instant::now() });
        let renewing = AbortOnDropHandle::new(tokio::spawn(renew_always(Arc::downgrade(&shared))));
        Standings { shared, _renewing: renewing }
    }

    /// What is kept under this id, `None` where nothing is; and by what to know of its change.
    pub(super) async fn look(&self, call: &Call, id: &str) -> Result<(Option<Arc<str>>, Leave)> {
        let seat = self.shared.seat(id);
        seat.used.store(self.shared.now(), Ordering::Relaxed);
        if let Some(fresh) = fresh(&seat) {
            return Ok(fresh);
        }
        // one asks, the others take what it has got
        let _turn = seat.turn.lock().await;
        if let Some(fresh) = fresh(&seat) {
            return Ok(fresh);
        }
        let found = self.shared.records.get_raw(call, std::slice::from_ref(&seat.id)).await?.into_iter().next().flatten();
        seat.apply(found);
        let seen = seat.seen();
        Ok((
            seen.record.as_ref().map(|(_, body)| body.clone()),
            Leave { watched: vec![(seen.ended.clone(), seat.clone())], until: None },
        ))
    }

    /// It was changed just now, by this process.
    pub(super) async fn renew(&self, call: &Call, id: &str) -> Result<()> {
        let seat = self.shared.seat(id);
        let _turn = seat.turn.lock().await;
        let found = self.shared.records.get_raw(call, std::slice::from_ref(&seat.id)).await?.into_iter().next().flatten();
        seat.apply(found);
        Ok(())
    }
}

fn fresh(seat: &Arc<Seat>) -> Option<(Option<Arc<str>>, Leave)> {
    let seen = seat.seen();
    seen.at.filter(|at| at.elapsed() < FRESH)?;
    Some((
        seen.record.as_ref().map(|(_, body)| body.clone()),
        Leave { watched: vec![(seen.ended.clone(), seat.clone())], until: None },
    ))
}

impl Shared {
    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1)
    }

    fn seats(&self) -> std::sync::MutexGuard<'_, HashMap<Arc<str>, Arc<Seat>>> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn seat(&self, id: &str) -> Arc<Seat> {
        let mut seats = self.seats();
        if let Some(seat) = seats.get(id) {
            return seat.clone();
        }
        if seats.len() >= MOST {
            seats.retain(|_, seat| Arc::strong_count(seat) > 1);
        }
        let id: Arc<str> = id.into();
        let seat = Arc::new(Seat {
            id: id.clone(),
            used: AtomicU64::new(0),
            turn: tokio::sync::Mutex::default(),
            seen: Mutex::default(),
        });
        seats.insert(id, seat.clone());
        seat
    }

    /// Those that somebody holds or has asked for lately; the others are forgotten.
    fn watched(&self) -> Vec<Arc<Seat>> {
        let (now, lately) = (self.now(), u64::try_from(LATELY.as_millis()).unwrap_or(u64::MAX));
        let mut seats = self.seats();
        seats.retain(|_, seat| {
            Arc::strong_count(seat) > 1 || now.saturating_sub(seat.used.load(Ordering::Relaxed)) < lately.saturating_mul(10)
        });
        let lately = |seat: &Arc<Seat>| now.saturating_sub(seat.used.load(Ordering::Relaxed)) < lately;
        seats.values().filter(|seat| Arc::strong_count(seat) > 1 || lately(seat)).cloned().collect()
    }

    async fn renew(&self, seats: &[Arc<Seat>]) -> Result<()> {
        for seats in seats.chunks(BATCH) {
            let call = Call::within(Duration::from_secs(2));
            let ids: Vec<Arc<str>> = seats.iter().map(|seat| seat.id.clone()).collect();
            let asked = Instant::now();
            let found = self.records.get_raw(&call, &ids).await?;
            if found.len() != seats.len() {
                return Err(Error::internal("not as many records as were asked for"));
            }
            for (seat, found) in seats.iter().zip(found) {
                // somebody may have read it after we have asked
                if seat.seen().at.is_none_or(|at| at < asked) {
                    seat.apply(found);
                }
            }
        }
        Ok(())
    }
}

async fn renew_always(shared: Weak<Shared>) {
    loop {
        tokio::time::sleep(BEAT).await;
        let Some(shared) = shared.upgrade() else { return };
        let seats = shared.watched();
        if seats.is_empty() {
            continue;
        }
        if let Err(fault) = shared.renew(&seats).await {
            tracing::debug!(%fault, "who is signed in cannot be renewed");
            for seat in &seats {
                let mut seen = seat.seen();
                if seen.at.is_some_and(|at| at.elapsed() > BLIND) {
                    std::mem::take(&mut seen.ended).cancel();
                }
            }
        }
    }
}
