//! The record of shares in hooke's own state, one for each upstream.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use super::shares::{Board, Record};
use crate::catalog::kept::Kept;
use crate::config::StateConfig;
use crate::search::{Call, Engine, Result, Version};

/// One read or write of a record.
const TIME: Duration = Duration::from_secs(3);

pub(crate) struct StateBoard(Kept);

impl StateBoard {
    /// Processes share a limit if they call it by the same name, for the same purpose.
    pub(crate) fn new(state: Arc<dyn Engine>, settings: &StateConfig, purpose: &str, limit: &str) -> Result<Self> {
        Kept::new(state, settings, purpose, limit, "record").map(StateBoard)
    }
}

fn call() -> Call {
    Call::within(TIME).named("upstream-share")
}

#[async_trait]
impl Board for StateBoard {
    async fn read(&self) -> Result<(Option<Version>, Record)> {
        self.0.read(&call()).await
    }

    async fn write(&self, over: Option<Version>, record: &Record) -> Result<bool> {
        self.0.write(&call(), over, record).await
    }

    fn now(&self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}
