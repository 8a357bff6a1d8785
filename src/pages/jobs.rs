//! `/jobs`: a form for each kind of job, the list of them, and one job with its log. All of it works without JavaScript; with it the
//! pages move as the jobs do (`static/jobs.js`).

use std::collections::BTreeMap;
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::extract::multipart::{Field, Multipart};
use axum::extract::{Form, Path, Query as Pairs};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::time::timeout;

use super::fault::Fault;
use super::layout::{Layout, send};
use super::shelf::{self, grouped};
use crate::app::App;
use crate::config::Writes;
use crate::error::Code;
use crate::jobs::reading::Format;
use crate::jobs::{Job, Kind, Order, State, Steer};
use crate::pages::mine::Mine;
use crate::search::Source;
use crate::telemetry::RequestId;

const PER_PAGE: u32 = 25;
/// Of a field of a form that is no file.
const FIELD: usize = 256 * 1024;
/// Whoever sends a file may pause for so long.
const IDLE: Duration = Duration::from_secs(60);

#[derive(Template)]
#[template(path = "jobs.html")]
struct JobsPage {
    layout: Layout,
    rows: Vec<Row>,
    state: String,
    states: [&'static str; 6],
    older: Option<String>,
    /// Not the first page.
    later: bool,
    collections: Vec<String>,
    /// Documents may be written.
    writes: bool,
    upstreams: Vec<String>,
    /// What was wrong with a form, which one, and what it held.
    fault: Option<String>,
    kind: &'static str,
    filled: BTreeMap<String, String>,
}

#[derive(Template)]
#[template(path = "job.html")]
struct JobPage {
    layout: Layout,
    row: Row,
    created: String,
    started: Option<String>,
    finished: Option<String>,
    attempts: u32,
    arguments: String,
    result: Option<String>,
    file: bool,
    log: Vec<String>,
    moves: bool,
}

/// A job in a list.
struct Row {
    id: String,
    kind: String,
    what: String,
    state: &'static str,
    /// Of the badge.
    look: &'static str,
    progress: String,
    /// 0 to 1,000.
    part: Option<u64>,
    left: String,
    error: Option<String>,
    can: Vec<(&'static str, &'static str)>,
}

impl JobsPage {
    fn value(&self, kind: &str, name: &str) -> &str {
        if self.kind == kind { self.filled.get(name).map_or("", String::as_str) } else { "" }
    }

    fn is(&self, kind: &str, name: &str, value: &str) -> bool {
        self.value(kind, name) == value
    }
}

#[derive(Default, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    state: String,
    after: Option<String>,
}

pub(super) async fn show_jobs(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Pairs(asked): Pairs<Asked>,
) -> Result<Response, Fault> {
    list(&app, &id, asked, None).await
}

/// What was wrong with the form of a kind, and what it held.
struct Refused {
    fault: Fault,
    kind: Kind,
    filled: BTreeMap<String, String>,
}

async fn list(app: &App, id: &RequestId, asked: Asked, refused: Option<Refused>) -> Result<Response, Fault> {
    let call = app.call(id);
    let listing = app.jobs.list(&call, State::parse(&asked.state), PER_PAGE, asked.after.as_deref()).await?;
    let older = listing.jobs.last().filter(|_| listing.more).map(|job| job.id.to_string());
    // a form can do without the names of collections
    let catalog = shelf::catalog(app, &call).await.ok();
    let names = catalog.map(|catalog| catalog.collections.iter().map(|one| one.collection.name.to_string()).collect());
    let status = refused.as_ref().map_or(StatusCode::OK, |refused| refused.fault.status());
    let page = JobsPage {
        layout: Layout::new("Jobs", "jobs"),
        rows: listing.jobs.iter().map(row).collect(),
        state: asked.state,
        states: State::ALL.map(State::as_str),
        older,
        later: asked.after.is_some(),
        collections: names.unwrap_or_default(),
        writes: app.config.writes() >= Writes::Documents,
        upstreams: app.upstreams.names(),
        fault: refused.as_ref().map(|refused| refused.fault.message().to_owned()),
        kind: refused.as_ref().map_or("", |refused| refused.kind.as_str()),
        filled: refused.map(|refused| refused.filled).unwrap_or_default(),
    };
    Ok(send(status, &page))
}

pub(super) async fn show_job(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(job): Path<String>,
) -> Result<Response, Fault> {
    let job = app.jobs.get(&app.call(&id), &job).await?;
    let pretty = |json: &Json| serde_json::to_string_pretty(json).unwrap_or_default();
    let page = JobPage {
        layout: Layout::new(format!("{} · Job", words(job.kind)), "jobs"),
        row: row(&job),
        created: job.created_at.to_string(),
        started: job.started_at.map(|at| at.to_string()),
        finished: job.finished_at.map(|at| at.to_string()),
        attempts: job.attempts,
        arguments: pretty(&Json::Object(job.arguments.clone())),
        result: job.result.as_ref().map(pretty),
        file: job.kind == Kind::Export && job.state == State::Succeeded,
        moves: !job.state.is_final(),
        log: job.log,
    };
    Ok(send(StatusCode::OK, &page))
}

/// A form of any kind but that with a file.
pub(super) async fn start_job(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Form(filled): Form<BTreeMap<String, String>>,
) -> Result<Response, Fault> {
    let told = filled.get("kind").map(String::as_str).unwrap_or_default();
    let kind = Kind::parse(told).ok_or_else(|| Fault::new(Code::BadUserInput, "That is no kind of job."))?;
    let started = match order(kind, &filled) {
        Ok(order) => app.jobs.start(&app.call(&id), order).await.map_err(Fault::from),
        Err(fault) => Err(fault),
    };
    match started {
        Ok(job) => Ok(Redirect::to(&address(&job.id)).into_response()),
        Err(fault) => list(&app, &id, Asked::default(), Some(Refused { fault, kind, filled })).await,
    }
}

/// The form with a file: all other fields come before it.
pub(super) async fn start_load(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    mut form: Multipart,
) -> Result<Response, Fault> {
    let mut filled = BTreeMap::new();
    match receive(&app, &id, &mut form, &mut filled).await {
        Ok(job) => Ok(Redirect::to(&address(&job.id)).into_response()),
        Err(fault) => list(&app, &id, Asked::default(), Some(Refused { fault, kind: Kind::Load, filled })).await,
    }
}

async fn receive(app: &App, id: &RequestId, form: &mut Multipart, filled: &mut BTreeMap<String, String>) -> Result<Job, Fault> {
    let broken = |fault: &dyn std::fmt::Display| Fault::new(Code::BadUserInput, format!("The form broke off: {fault}."));
    let slow = || Fault::new(Code::Timeout, "Nothing was sent for a minute.");
    while let Some(mut field) = timeout(IDLE, form.next_field()).await.map_err(|_| slow())?.map_err(|fault| broken(&fault))? {
        if field.name() != Some("file") {
            let name = field.name().unwrap_or_default().to_owned();
            let text = small(&mut field).await?;
            filled.insert(name, text);
            continue;
        }
        let name = field.file_name().unwrap_or_default().to_owned();
        if name.is_empty() {
            return Err(Fault::new(Code::BadUserInput, "Choose a file to load."));
        }
        let mut order = order(Kind::Load, filled)?;
        if let Some(format) = Format::guess(&name, b"x").filter(|_| !order.arguments.contains_key("format")) {
            order.arguments.insert("format".into(), format.name().into());
        }
        app.jobs.check_load(&order)?;
        let mut upload = app.jobs.receive().await?;
        while let Some(bytes) = timeout(IDLE, field.chunk()).await.map_err(|_| slow())?.map_err(|fault| broken(&fault))? {
            upload.write(&bytes).await?;
        }
        return Ok(app.jobs.start_load(&app.call(id), order, upload).await?);
    }
    Err(Fault::new(Code::BadUserInput, "Choose a file to load."))
}

async fn small(field: &mut Field<'_>) -> Result<String, Fault> {
    let mut text = Vec::new();
    let broken = |_| Fault::new(Code::BadUserInput, "The form broke off.");
    while let Some(bytes) = field.chunk().await.map_err(broken)? {
        text.extend_from_slice(&bytes);
        if text.len() > FIELD {
            return Err(Fault::new(Code::LimitExceeded, "A field of the form is too long."));
        }
    }
    String::from_utf8(text).map_err(|_| Fault::new(Code::BadUserInput, "The form is not UTF-8."))
}

pub(super) async fn steer_job(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path((job, action)): Path<(String, String)>,
    Form(form): Form<BTreeMap<String, String>>,
) -> Result<Response, Fault> {
    let steer = Steer::parse(&action).ok_or_else(|| Fault::new(Code::NotFound, "A job cannot be told so."))?;
    let job = app.jobs.steer(&app.call(&id), &job, steer).await?;
    let back = if form.contains_key("list") { "/jobs".to_owned() } else { address(&job.id) };
    Ok(Redirect::to(&back).into_response())
}

/// The fields of a form as what the kind takes. Empty ones were left out.
fn order(kind: Kind, filled: &BTreeMap<String, String>) -> Result<Order, Fault> {
    let mut arguments = Source::new();
    let mut collection = None;
    for (name, text) in filled {
        let text = text.trim();
        if text.is_empty() {
            continue;
        }
        let value = match name.as_str() {
            "kind" => continue,
            "collection" => {
                collection = Some(text.to_owned());
                continue;
            }
            "filter" | "mapping" => serde_json::from_str(text)
                .map_err(|fault| Fault::new(Code::BadUserInput, format!("The {name} is not JSON: {fault}.")))?,
            "seconds" => {
                json!(text.parse::<f64>().map_err(|_| Fault::new(Code::BadUserInput, "The seconds are no number."))?)
            }
            "upTo" | "count" | "fail" | "calls" => {
                json!(text.parse::<u64>().map_err(|_| Fault::new(Code::BadUserInput, "That is no whole number."))?)
            }
            "all" => json!(true),
            "nested" => text.split(',').map(str::trim).filter(|name| !name.is_empty()).collect(),
            _ => json!(text),
        };
        arguments.insert(name.clone(), value);
    }
    Ok(Order { kind, collection, arguments })
}

fn address(id: &str) -> String {
    format!("/jobs/{id}")
}

fn words(kind: Kind) -> &'static str {
    match kind {
        Kind::Load => "Load",
        Kind::Export => "Export",
        Kind::Copy => "Copy",
        Kind::DeleteByFilter => "Delete by filter",
        Kind::Fetch => "Fetch",
        Kind::Wait => "Wait",
        Kind::Compute => "Compute",
    }
}

fn row(job: &Job) -> Row {
    let of = job.of.map(|of| format!(" of {}", grouped(of))).unwrap_or_default();
    let to = job.arguments.get("to").and_then(Json::as_str).map(|to| format!(" → {to}")).unwrap_or_default();
    Row {
        id: job.id.to_string(),
        kind: words(job.kind).to_owned(),
        what: format!("{}{to}", job.collection.as_deref().unwrap_or_default()),
        state: job.state.as_str(),
        look: match job.state {
            State::Queued => "text-bg-light",
            State::Running => "text-bg-primary",
            State::Paused => "text-bg-warning",
            State::Succeeded => "text-bg-success",
            State::Failed => "text-bg-danger",
            State::Cancelled => "text-bg-secondary",
        },
        progress: format!("{}{of} {}", grouped(job.done), job.kind.unit()),
        part: job.fraction().map(|part| (part * 1_000.0) as u64),
        left: match (job.state, job.rate, job.seconds_left()) {
            (State::Running, Some(rate), Some(left)) => format!("{rate:.0} a second, {} left", span(left)),
            (State::Running, Some(rate), None) => format!("{rate:.0} a second"),
            _ => String::new(),
        },
        error: job.error.clone(),
        can: job
            .can()
            .map(|steer| match steer {
                Steer::Cancel => ("cancel", "Cancel"),
                Steer::Pause => ("pause", "Pause"),
                Steer::Resume => ("resume", "Resume"),
                Steer::Retry => ("retry", "Try again"),
            })
            .collect(),
    }
}

fn span(seconds: f64) -> String {
    match seconds.round() as u64 {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7_200 => format!("{} min", seconds / 60),
        seconds => format!("{} h", seconds / 3_600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_form_become_arguments() {
        let filled = |pairs: &[(&str, &str)]| pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let asked = order(
            Kind::Copy,
            &filled(&[("kind", "COPY"), ("collection", "a"), ("to", " b "), ("filter", r#"{"n":{"eq":1}}"#), ("mapping", "")]),
        )
        .unwrap();
        assert_eq!(asked.collection.as_deref(), Some("a"));
        assert_eq!(Json::Object(asked.arguments), json!({ "to": "b", "filter": { "n": { "eq": 1 } } }));
        assert!(order(Kind::Copy, &filled(&[("filter", "{")])).unwrap_err().message().contains("not JSON"));
        let waits = order(Kind::Wait, &filled(&[("seconds", "1.5")])).unwrap();
        assert_eq!(Json::Object(waits.arguments), json!({ "seconds": 1.5 }));
    }
}
