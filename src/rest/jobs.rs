//! Jobs: start, list, get, watch, steer, and fetch what an export has made.

use std::convert::Infallible;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query as Parameters};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use futures_util::{Stream, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;
use tokio_util::io::ReaderStream;

use super::media;
use super::problem::Problem;
use crate::error::Code;
use crate::jobs::{Job, Kind, Order, State, Steer};
use crate::rest::mine::Mine;
use crate::search::{Error, Source};
use crate::telemetry::RequestId;

/// Whoever sends a file may pause for so long.
const IDLE: Duration = Duration::from_secs(60);
const FIRST: u32 = 20;

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct JobView {
    id: String,
    #[schema(value_type = String, example = "WAIT")]
    kind: &'static str,
    #[schema(value_type = String, example = "RUNNING")]
    state: &'static str,
    collection: Option<String>,
    #[schema(value_type = Object)]
    arguments: Source,
    /// Documents, milliseconds or numbers: see `unit`.
    done: u64,
    /// Null where it is not known.
    of: Option<u64>,
    unit: &'static str,
    /// Done per second, lately.
    rate: Option<f64>,
    seconds_left: Option<f64>,
    created_at: String,
    started_at: Option<String>,
    finished_at: Option<String>,
    /// The last lines, the oldest first.
    log: Vec<String>,
    /// Why it failed.
    error: Option<String>,
    /// What it has come to.
    #[schema(value_type = Option<Object>)]
    result: Option<serde_json::Value>,
    attempts: u32,
    /// What it can be told in this state: cancel, pause, resume, retry.
    can: Vec<&'static str>,
}

impl From<Job> for JobView {
    fn from(job: Job) -> Self {
        JobView {
            seconds_left: job.seconds_left(),
            can: job.can().map(Steer::as_str).collect(),
            id: job.id.to_string(),
            kind: job.kind.as_str(),
            state: job.state.as_str(),
            collection: job.collection,
            arguments: job.arguments,
            done: job.done,
            of: job.of,
            unit: job.kind.unit(),
            rate: job.rate,
            created_at: job.created_at.to_string(),
            started_at: job.started_at.map(|at| at.to_string()),
            finished_at: job.finished_at.map(|at| at.to_string()),
            log: job.log,
            error: job.error,
            result: job.result,
            attempts: job.attempts,
        }
    }
}

/// One event of a stream.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "for the description")]
pub(super) struct JobEvent {
    /// `job`, or `end` after the last one.
    #[schema(example = "job")]
    event: String,
    /// A job, as JSON.
    data: String,
}

/// As `JobInput` in GraphQL.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewJob {
    /// LOAD, EXPORT, COPY, DELETE_BY_FILTER, FETCH, WAIT or COMPUTE.
    #[schema(example = "WAIT")]
    kind: String,
    #[serde(default)]
    collection: Option<String>,
    /// By kind; see docs/jobs.md.
    #[serde(default)]
    #[schema(value_type = Option<Object>, example = json!({"seconds": 1}))]
    arguments: Option<Source>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Jobs)]
pub(super) struct Listing {
    jobs: Vec<JobView>,
    /// Older ones follow: give it as `after`.
    next: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// QUEUED, RUNNING, PAUSED, SUCCEEDED, FAILED or CANCELLED.
    state: Option<String>,
    /// At most so many; 20 unless told.
    #[param(minimum = 1)]
    first: Option<u32>,
    /// The id of the last one seen.
    after: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Sent {
    /// Made if it is not there, where the setting `writes` is `all`.
    collection: String,
    /// The field whose value is the id.
    id: Option<String>,
    /// ndjson, json or csv; without it the content type tells.
    format: Option<String>,
    /// Arrays of objects to search element by element, when a mapping is inferred: names separated by commas.
    nested: Option<String>,
    /// The body of an Elasticsearch mapping, as JSON; without it one is inferred.
    mapping: Option<String>,
}

/// List jobs, the newest first
#[utoipa::path(
    get, path = "/v1/jobs", tag = "jobs", params(Asked),
    responses((status = 200, body = Listing), Problem),
)]
pub(super) async fn list_jobs(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Listing>, Problem> {
    let state = match asked.state.as_deref() {
        None => None,
        Some(text) => Some(State::parse(text).ok_or_else(|| wrong(format!("{text:?} is no state of a job"), &["state"]))?),
    };
    let first = asked.first.unwrap_or(FIRST);
    let most = app.config.limits.first;
    if first == 0 || first > most {
        return Err(Problem::new(Code::LimitExceeded, format!("first lies between 1 and {most} (limits.first)")));
    }
    let listing = app.jobs.list(&app.call(&id), state, first, asked.after.as_deref()).await?;
    let next = listing.jobs.last().filter(|_| listing.more).map(|job| job.id.to_string());
    Ok(Json(Listing { jobs: listing.jobs.into_iter().map(JobView::from).collect(), next }))
}

/// Start a job
///
/// Answered at once; the job goes on by itself. See docs/jobs.md for the arguments of each kind.
#[utoipa::path(
    post, path = "/v1/jobs", tag = "jobs", request_body = NewJob,
    responses((status = 202, body = JobView, headers(("Location" = String))), Problem),
)]
pub(super) async fn start_job(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    media::check(&headers, media::JSON)?;
    let given: NewJob = media::read_object(&body)?;
    let kind = Kind::parse(&given.kind).ok_or_else(|| {
        let kinds = Kind::ALL.map(Kind::as_str).join(", ");
        wrong(format!("{:?} is no kind of job: there are {kinds}", given.kind), &["kind"])
    })?;
    let order = Order { kind, collection: given.collection, arguments: given.arguments.unwrap_or_default() };
    Ok(started(app.jobs.start(&app.call(&id), order).await?))
}

/// Start to load a file
///
/// The body is the file: NDJSON, an array of JSON objects, or CSV. Answered when it has come whole; it is loaded after that.
#[utoipa::path(
    post, path = "/v1/jobs/load", tag = "jobs", params(Sent),
    request_body(content((Object = "application/x-ndjson"), (Vec<Object> = "application/json"), (String = "text/csv"))),
    responses((status = 202, body = JobView, headers(("Location" = String))), Problem),
)]
pub(super) async fn start_load(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Parameters(sent): Parameters<Sent>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let format = match (&sent.format, media::kind(&headers).as_str()) {
        (_, kind) if media::NDJSON.contains(&kind) => "ndjson",
        (_, "application/json") => "json",
        (_, "text/csv") => "csv",
        _ => {
            let detail = "send it with the content type application/x-ndjson, application/json or text/csv";
            return Err(Problem::new(Code::BadUserInput, detail).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE));
        }
    };
    let mut arguments = Source::new();
    arguments.insert("format".into(), sent.format.unwrap_or_else(|| format.to_owned()).into());
    if let Some(field) = sent.id {
        arguments.insert("id".into(), field.into());
    }
    if let Some(nested) = sent.nested {
        arguments.insert("nested".into(), nested.split(',').map(str::trim).filter(|name| !name.is_empty()).collect());
    }
    if let Some(mapping) = sent.mapping {
        let mapping =
            serde_json::from_str(&mapping).map_err(|fault| wrong(format!("mapping is not JSON: {fault}"), &["mapping"]))?;
        arguments.insert("mapping".into(), mapping);
    }
    let order = Order { kind: Kind::Load, collection: Some(sent.collection), arguments };
    // found wrong before all of it is sent
    app.jobs.check_load(&order)?;
    let mut upload = app.jobs.receive().await?;
    let mut stream = body.into_data_stream();
    loop {
        match timeout(IDLE, stream.next()).await {
            Ok(Some(Ok(bytes))) => upload.write(&bytes).await?,
            Ok(Some(Err(fault))) => return Err(Problem::new(Code::BadUserInput, format!("the body broke off: {fault}"))),
            Ok(None) => break,
            Err(_) => return Err(Problem::new(Code::Timeout, "nothing was sent for a minute")),
        }
    }
    Ok(started(app.jobs.start_load(&app.call(&id), order, upload).await?))
}

/// Get a job
#[utoipa::path(
    get, path = "/v1/jobs/{id}", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = JobView), Problem),
)]
pub(super) async fn get_job(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(job): Path<String>,
) -> Result<Json<JobView>, Problem> {
    Ok(Json(app.jobs.get(&app.call(&id), &job).await?.into()))
}

/// Cancel, pause, resume or retry a job
///
/// A job that cannot be told so in its state answers 409 and says what it can be told.
#[utoipa::path(
    post, path = "/v1/jobs/{id}/{action}", tag = "jobs",
    params(("id" = String, Path), ("action" = String, Path, pattern = "^(cancel|pause|resume|retry)$")),
    responses((status = 200, body = JobView), Problem),
)]
pub(super) async fn steer_job(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path((job, action)): Path<(String, String)>,
) -> Result<Json<JobView>, Problem> {
    let steer = Steer::parse(&action)
        .ok_or_else(|| Problem::new(Code::NotFound, "a job can be told to cancel, pause, resume or retry"))?;
    Ok(Json(app.jobs.steer(&app.call(&id), &job, steer).await?.into()))
}

/// Watch a job
///
/// Events `job` with the job as it changes, the first at once; `end` after its last state.
#[utoipa::path(
    get, path = "/v1/jobs/{id}/events", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, body = JobEvent, content_type = "text/event-stream", description = "Events as they come"), Problem),
)]
pub(super) async fn watch_job(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(job): Path<String>,
) -> Result<Response, Problem> {
    let jobs = app.jobs.watch(&app.call(&id), &job).await?;
    Ok(events(jobs.map(|job| job.as_ref().clone())))
}

/// Watch all jobs
///
/// Events `job` for each of the newest hundred jobs, and again whenever one of them changes.
#[utoipa::path(
    get, path = "/v1/jobs/events", tag = "jobs",
    responses((status = 200, body = JobEvent, content_type = "text/event-stream", description = "Events as they come"), Problem),
)]
pub(super) async fn watch_jobs(Mine(app): Mine) -> Result<Response, Problem> {
    Ok(events(app.jobs.watch_all()?))
}

/// Fetch the file that an export has made
#[utoipa::path(
    get, path = "/v1/jobs/{id}/result", tag = "jobs", params(("id" = String, Path)),
    responses((status = 200, content_type = "application/x-ndjson", body = Object), Problem),
)]
pub(super) async fn get_result(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(job): Path<String>,
) -> Result<Response, Problem> {
    let (file, name) = app.jobs.open_result(&app.call(&id), &job).await?;
    let size = file.metadata().await.map_err(Error::internal)?.len();
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' };
    let headers = [
        (header::CONTENT_TYPE, media::NDJSON[0].to_owned()),
        (header::CONTENT_LENGTH, size.to_string()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}\"", name.chars().map(plain).collect::<String>())),
    ];
    Ok((headers, Body::from_stream(ReaderStream::with_capacity(file, 64 * 1024))).into_response())
}

fn wrong(message: String, path: &[&str]) -> Problem {
    let path = path.iter().map(|part| (*part).to_owned()).collect();
    Problem::new(Code::BadUserInput, message.clone()).with_fault(Code::BadUserInput, message, path)
}

fn started(job: Job) -> Response {
    let place = format!("/v1/jobs/{}", job.id);
    (StatusCode::ACCEPTED, [(header::LOCATION, place)], Json(JobView::from(job))).into_response()
}

fn events(jobs: impl Stream<Item = Job> + Send + 'static) -> Response {
    let told = jobs.map(|job| Event::default().event("job").json_data(JobView::from(job)).map_err(axum::Error::new));
    let end = futures_util::stream::iter([Ok(Event::default().event("end").data("{}"))]);
    let all = told.chain(end).filter_map(async |event: Result<Event, axum::Error>| event.ok()).map(Ok::<_, Infallible>);
    // what stands between may wait for more before it passes anything on
    ([("x-accel-buffering", "no")], Sse::new(all).keep_alive(KeepAlive::default())).into_response()
}
