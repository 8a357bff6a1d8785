//! A user who takes five seconds to be found, and a thousand who ask for one at once.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query as Parameters};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::seconds;
use crate::error::Code;
use crate::lab::users::{PUBLISHED_DELAY, PUBLISHED_POOL, PUBLISHED_REQUESTS, PUBLISHED_SEQUENCE, ask};
use crate::lab::{self, MOST_TASKS, Meter, TIME, count, plots};
use crate::rest::Problem;
use crate::rest::mine::Mine;

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Slow {
    /// Seconds; 5 by default.
    #[param(minimum = 0, maximum = 60)]
    delay: Option<f64>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct User {
    id: u64,
    name: String,
    /// Seconds
    elapsed_time: f64,
}

/// A user, after a while
#[utoipa::path(
    get, path = "/lab/users/{id}", tag = "lab", params(("id" = u64, Path), Slow),
    responses((status = 200, body = User), Problem),
)]
pub(super) async fn get_user(Path(id): Path<u64>, Parameters(slow): Parameters<Slow>) -> Result<Json<User>, Problem> {
    let start = Instant::now();
    sleep(lab::delay(slow.delay.unwrap_or(5.0))?).await;
    Ok(Json(User { id, name: format!("User {id}"), elapsed_time: seconds(start.elapsed()) }))
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// 1,000 by default.
    #[param(minimum = 1, maximum = 10_000)]
    requests: Option<u32>,
    /// Seconds that each waits; 5 by default.
    #[param(minimum = 0, maximum = 60)]
    delay: Option<f64>,
    /// `json`, or `svg` for the plot.
    #[serde(default)]
    #[param(inline)]
    format: Format,
}

#[derive(Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "lowercase")]
enum Format {
    #[default]
    Json,
    Svg,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = UsersAnswer)]
pub(super) struct Answer {
    output: Output,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = UsersOutput)]
struct Output {
    requests: u32,
    /// Seconds
    delay: f64,
    answered: usize,
    failed: usize,
    /// Why the first that failed did.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    /// Seconds
    elapsed_time: f64,
    /// When each request was answered, in seconds, the earliest first.
    finished: Vec<f64>,
    published: Published,
}

/// What others have published for 1,000 requests of 5 s: pairs of requests answered and seconds.
#[derive(Serialize, utoipa::ToSchema)]
struct Published {
    requests: u32,
    delay: f64,
    pool_of_threads: Vec<[f64; 2]>,
    one_after_another: Vec<[f64; 2]>,
}

/// Many users at once
///
/// Real requests to this very server, over loopback.
#[utoipa::path(
    get, path = "/lab/experiments/users", tag = "lab", params(Asked),
    responses(
        (status = 200, content((Answer = "application/json"), (String = "image/svg+xml"))),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "Too many run it already"),
        Problem,
    ),
)]
pub(super) async fn ask_users(Mine(app): Mine, Parameters(asked): Parameters<Asked>) -> Result<Response, Problem> {
    let requests = count("requests", asked.requests.unwrap_or(PUBLISHED_REQUESTS), MOST_TASKS)?;
    let delay = asked.delay.map_or(Ok(PUBLISHED_DELAY), lab::delay)?;
    let url = app.url.get().ok_or_else(|| Problem::new(Code::BackendUnavailable, "this server does not listen yet"))?;
    let users = ask(url, requests, delay, Instant::now() + TIME, &Meter::of(requests)).await?;
    if matches!(asked.format, Format::Svg) {
        return Ok(([(header::CONTENT_TYPE, "image/svg+xml")], plots::of_users(&users, delay)).into_response());
    }
    let finished: Vec<f64> = users.sorted().into_iter().map(seconds).collect();
    let pairs = |points: [(f64, f64); 2]| points.map(|(n, time)| [n, time]).to_vec();
    let output = Output {
        requests,
        delay: Duration::as_secs_f64(&delay),
        answered: finished.len(),
        failed: users.failed(),
        error: users.fault,
        elapsed_time: seconds(users.elapsed),
        finished,
        published: Published {
            requests: PUBLISHED_REQUESTS,
            delay: PUBLISHED_DELAY.as_secs_f64(),
            pool_of_threads: pairs(PUBLISHED_POOL),
            one_after_another: pairs(PUBLISHED_SEQUENCE),
        },
    };
    Ok(Json(Answer { output }).into_response())
}
