//! N facts from an upstream: one after another, at once, or inside its limit. Each call with its status and its time.

use axum::Json;
use axum::extract::Path;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;
use tokio::time::Instant;

use super::seconds;
use crate::app::App;
use crate::error::Code;
use crate::lab::{self, MOST_TASKS, TIME, check_time, count, fact_of};
use crate::rest::Problem;
use crate::rest::mine::Mine;
use crate::upstream::{Answer as Called, Fault, Refusal, Run, Way};

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CallsAnswer)]
pub(super) struct Answer {
    output: Output,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CallsOutput)]
struct Output {
    /// In the order of the calls.
    facts: Vec<String>,
    asked: u32,
    answered: usize,
    refused: usize,
    failed: usize,
    /// Seconds
    elapsed_time: f64,
    calls: Vec<Row>,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Row {
    /// From 1.
    call: u32,
    /// Of the upstream; null where there was no answer.
    status: Option<u16>,
    /// Seconds since the first, when it was last sent.
    began: f64,
    /// Seconds it took.
    elapsed_time: f64,
    /// How often it was sent.
    attempts: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// What went wrong, and the calls up to there.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Failure {
    #[serde(flatten)]
    problem: Problem,
    calls: Vec<Row>,
}

impl Row {
    fn of(answer: &Called) -> Row {
        Row {
            call: answer.number,
            status: answer.status(),
            began: seconds(answer.began),
            elapsed_time: seconds(answer.elapsed),
            attempts: answer.attempts,
            error: answer.outcome.as_ref().err().map(ToString::to_string),
        }
    }
}

/// Facts one after another
///
/// The first call that fails ends it: past the limit of the upstream the answer is 429. Also as `/cat/{n}`.
#[utoipa::path(
    get, path = "/lab/cat/{n}", tag = "lab", params(("n" = u32, Path, minimum = 1, maximum = 10_000)),
    responses(
        (status = 200, body = Answer),
        (status = 429, body = Failure, content_type = "application/problem+json", description = "The upstream refused a call", headers(("Retry-After" = u64, description = "Seconds"))),
        (status = 502, body = Failure, content_type = "application/problem+json", description = "The upstream failed"),
        Problem,
    ),
)]
pub(super) async fn call_in_sequence(Mine(app): Mine, Path(n): Path<u32>) -> Result<Response, Problem> {
    let run = call(&app, n, Way::Sequence).await?;
    Ok(whole(n, &run))
}

/// Facts at once
///
/// What came, with how many were refused. Also as `/cat_async/{n}`.
#[utoipa::path(
    get, path = "/lab/cat_async/{n}", tag = "lab", params(("n" = u32, Path, minimum = 1, maximum = 10_000)),
    responses((status = 200, body = Answer), Problem),
)]
pub(super) async fn call_at_once(Mine(app): Mine, Path(n): Path<u32>) -> Result<Response, Problem> {
    let run = call(&app, n, Way::AtOnce).await?;
    Ok(Json(answer(n, &run)).into_response())
}

/// Facts inside the limit
///
/// All of them, as soon as the limit of the upstream allows. Also as `/cat_async_limited/{n}`.
#[utoipa::path(
    get, path = "/lab/cat_async_limited/{n}", tag = "lab", params(("n" = u32, Path, minimum = 1, maximum = 10_000)),
    responses(
        (status = 200, body = Answer),
        (status = 502, body = Failure, content_type = "application/problem+json", description = "A call failed several times"),
        (status = 504, body = Failure, content_type = "application/problem+json", description = "Others were served first, for too long"),
        Problem,
    ),
)]
pub(super) async fn call_limited(Mine(app): Mine, Path(n): Path<u32>) -> Result<Response, Problem> {
    let run = call(&app, n, Way::Limited).await?;
    Ok(whole(n, &run))
}

async fn call(app: &App, n: u32, way: Way) -> Result<Run, Problem> {
    let calls = count("n", n, MOST_TASKS)?;
    let upstream = lab::upstream(&app.config, &app.upstreams)?;
    if way == Way::Limited {
        check_time(upstream.least(calls))?;
    }
    Ok(upstream.run(way, calls, Instant::now() + TIME, |_| {}).await)
}

/// All that was asked for, or what went wrong first.
fn whole(n: u32, run: &Run) -> Response {
    let failed = run.answers.iter().find_map(|answer| answer.outcome.as_ref().err().map(|fault| (answer.number, fault)));
    let Some((number, fault)) = failed else { return Json(answer(n, run)).into_response() };
    let (problem, again) = match fault {
        Fault::Refused { retry_after, .. } => {
            let problem = Problem::new(Code::LimitExceeded, format!("call {number} of {n} was {fault}"));
            (problem.with_status(StatusCode::TOO_MANY_REQUESTS), *retry_after)
        }
        Fault::NotSent(Refusal::Late | Refusal::Stateless) => (Problem::new(Code::Timeout, told(number, n, fault)), None),
        Fault::NotSent(Refusal::Paused(time)) => {
            (Problem::new(Code::LimitExceeded, told(number, n, fault)).with_status(StatusCode::TOO_MANY_REQUESTS), Some(*time))
        }
        Fault::NotSent(Refusal::Crowded) => (Problem::new(Code::BackendUnavailable, told(number, n, fault)), None),
        _ => (Problem::new(Code::PartialResult, told(number, n, fault)), None),
    };
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let failure = Failure { problem, calls: run.answers.iter().map(Row::of).collect() };
    let mut response = (status, Json(failure)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    if let Some(again) = again {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(again.as_secs_f64().ceil() as u64));
    }
    response
}

fn told(number: u32, n: u32, fault: &Fault) -> String {
    format!("call {number} of {n}: {fault}")
}

fn answer(n: u32, run: &Run) -> Answer {
    let facts: Vec<String> =
        run.answers.iter().filter_map(|answer| answer.outcome.as_ref().ok()).map(|reply| fact_of(&reply.body)).collect();
    let refused = run.answers.iter().filter(|answer| answer.is_refused()).count();
    Answer {
        output: Output {
            asked: n,
            answered: facts.len(),
            refused,
            failed: run.answers.len() - facts.len() - refused,
            facts,
            elapsed_time: seconds(run.elapsed),
            calls: run.answers.iter().map(Row::of).collect(),
        },
    }
}
