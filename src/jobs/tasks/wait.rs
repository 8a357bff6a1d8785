//! `WAIT`: lets time pass, for trying out. Done again after a crash: the wait since the last checkpoint, at most a second.

use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;

use super::super::work::{Done, Halt, Work};
use super::wrong;
use crate::search::Result;

const LONGEST: f64 = 3_600.0;
/// Progress is told so often, and kept every tenth time.
const STEP: Duration = Duration::from_millis(100);
const STEPS_KEPT: u32 = 10;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Arguments {
    seconds: f64,
    /// So many attempts end as failures.
    fail: u32,
}

impl Default for Arguments {
    fn default() -> Self {
        Arguments { seconds: 5.0, fail: 0 }
    }
}

pub(super) fn accept(arguments: &Arguments) -> Result<()> {
    if (0.0..=LONGEST).contains(&arguments.seconds) {
        return Ok(());
    }
    Err(wrong(format!("seconds lies between 0 and {LONGEST}"), &["seconds"]))
}

pub(super) async fn run(work: &Work) -> Done {
    let Arguments { seconds, fail } = work.arguments()?;
    let of = Duration::from_secs_f64(seconds.clamp(0.0, LONGEST));
    let mut done = Duration::from_millis(work.left::<u64>()?.unwrap_or(0));
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let mut steps = 0;
    while done < of {
        work.go_on().await?;
        let begun = Instant::now();
        let rested = work.rest(STEP.min(of - done)).await;
        done = (done + begun.elapsed()).min(of);
        work.progress(millis(done), Some(millis(of)));
        steps += 1;
        if rested.is_err() || steps % STEPS_KEPT == 0 {
            work.checkpoint(&millis(done)).await?;
        }
    }
    work.progress(millis(of), Some(millis(of)));
    if work.job().attempts <= fail {
        return Err(Halt::Failed(format!("as it was told to, {fail} times")));
    }
    Ok(json!({ "seconds": seconds }))
}
