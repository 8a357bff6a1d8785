//! Moments that callers hold over several requests, until they let go or forget to come back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::super::{CollectionName, Error, Result, SnapshotId};
use super::ids::fresh_id;
use super::moment::Moment;

/// A snapshot that nobody asked for so long is gone.
const KEPT: Duration = Duration::from_secs(5 * 60);

/// Each holds files and pages of the past on disk.
const MOST: usize = 500;

#[derive(Default)]
pub(super) struct Snapshots {
    open: Mutex<HashMap<SnapshotId, Snapshot>>,
}

struct Snapshot {
    name: CollectionName,
    moment: Arc<Moment>,
    used: Instant,
}

impl Snapshots {
    pub(super) fn open(&self, name: &CollectionName, moment: Arc<Moment>) -> Result<SnapshotId> {
        self.sweep();
        let id = SnapshotId(Arc::from(fresh_id()?.as_str()));
        let mut open = self.lock();
        if open.len() >= MOST {
            return Err(Error::Limit(format!("{MOST} snapshots are open; close some or wait until they expire")));
        }
        open.insert(id.clone(), Snapshot { name: name.clone(), moment, used: Instant::now() });
        Ok(id)
    }

    /// The moment of a snapshot of this collection.
    pub(super) fn get(&self, id: &SnapshotId, name: &CollectionName) -> Result<Arc<Moment>> {
        let mut open = self.lock();
        let snapshot = open.get_mut(id).filter(|snapshot| snapshot.name == *name && !snapshot.expired());
        let snapshot = snapshot.ok_or(Error::SnapshotGone)?;
        snapshot.used = Instant::now();
        Ok(Arc::clone(&snapshot.moment))
    }

    pub(super) fn close(&self, id: &SnapshotId) -> Result<()> {
        self.lock().remove(id).map(|_| ()).ok_or(Error::SnapshotGone)
    }

    /// Lets go of those that have expired.
    pub(super) fn sweep(&self) {
        self.lock().retain(|_, snapshot| !snapshot.expired());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SnapshotId, Snapshot>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    fn expired(&self) -> bool {
        self.used.elapsed() >= KEPT
    }
}
