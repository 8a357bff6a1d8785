//! A crash at any step of a job: at the step that is told, the process's jobs stand still for ever, as if it had been killed there.

use std::sync::atomic::{AtomicU64, Ordering};

/// Steps so far, and the one to die at.
pub(super) struct Point {
    passed: AtomicU64,
    at: AtomicU64,
    pub(super) died: tokio::sync::Notify,
}

impl Default for Point {
    fn default() -> Self {
        Point { passed: AtomicU64::new(0), at: AtomicU64::new(u64::MAX), died: tokio::sync::Notify::new() }
    }
}

impl Point {
    pub(super) fn set(&self, at: u64) {
        self.at.store(at, Ordering::SeqCst);
    }

    pub(super) async fn step(&self) {
        let number = self.passed.fetch_add(1, Ordering::SeqCst);
        if number >= self.at.load(Ordering::SeqCst) {
            self.died.notify_one();
            std::future::pending::<()>().await;
        }
    }
}
