//! Sums that take their time, one after the other or at once.

use std::time::Duration;

use axum::Json;
use axum::extract::Query as Parameters;
use serde::{Deserialize, Serialize};

use super::seconds;
use crate::lab::waits::{Waits, at_once, in_sequence};
use crate::lab::{self, MOST_TASKS, Meter, check_time, count};
use crate::rest::Problem;

/// Without any: two tasks of three seconds.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// Additions and multiplications in turn; 2 by default.
    #[param(minimum = 1, maximum = 10_000)]
    tasks: Option<u32>,
    /// Seconds that each task waits; 3 by default.
    #[param(minimum = 0, maximum = 60)]
    delay: Option<f64>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = WaitsAnswer)]
pub(super) struct Answer {
    output: Output,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = WaitsOutput)]
struct Output {
    /// 4 + 5
    #[schema(example = 9)]
    addition: Option<u32>,
    /// 4 × 5; null where there was one task alone
    #[schema(example = 20)]
    multiply: Option<u32>,
    /// Seconds
    #[schema(example = 3.0012)]
    elapsed_time: f64,
    /// Where it was asked for
    #[serde(skip_serializing_if = "Option::is_none")]
    tasks: Option<u32>,
}

impl Asked {
    fn read(&self) -> Result<(u32, Duration), lab::Fault> {
        Ok((count("tasks", self.tasks.unwrap_or(2), MOST_TASKS)?, lab::delay(self.delay.unwrap_or(3.0))?))
    }

    fn answer(&self, waits: &Waits) -> Json<Answer> {
        let elapsed_time = seconds(waits.elapsed);
        Json(Answer { output: Output { addition: waits.addition, multiply: waits.product, elapsed_time, tasks: self.tasks } })
    }
}

/// Tasks one after another
///
/// Also as `/sync`.
#[utoipa::path(
    get, path = "/lab/sync", tag = "lab", params(Asked),
    responses((status = 200, body = Answer), Problem),
)]
pub(super) async fn wait_in_sequence(Parameters(asked): Parameters<Asked>) -> Result<Json<Answer>, Problem> {
    let (tasks, delay) = asked.read()?;
    check_time(delay.saturating_mul(tasks))?;
    Ok(asked.answer(&in_sequence(tasks, delay, &Meter::of(tasks)).await))
}

/// Tasks at once
///
/// Also as `/async`.
#[utoipa::path(
    get, path = "/lab/async", tag = "lab", params(Asked),
    responses((status = 200, body = Answer), Problem),
)]
pub(super) async fn wait_at_once(Parameters(asked): Parameters<Asked>) -> Result<Json<Answer>, Problem> {
    let (tasks, delay) = asked.read()?;
    Ok(asked.answer(&at_once(tasks, delay, &Meter::of(tasks)).await))
}
