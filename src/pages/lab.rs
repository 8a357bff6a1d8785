//! The lab: each experiment with its form, run where it stands with its progress, or, without JavaScript, by a form that waits; its chart,
//! and the small dictionary.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Form, Path, Query as Pairs};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::time::{Instant, Interval, interval, timeout};

use super::fault::Fault;
use super::layout::{Layout, send};
use super::shelf;
use crate::app::App;
use crate::error::Code;
use crate::lab::experiment::{Bench, Experiment, Outcome, Waiting};
use crate::lab::{self, Dictionary, Entries, MOST_SEARCHES, MOST_TASKS, Meter, Refused, TIME};
use crate::pages::mine::Mine;
use crate::telemetry::RequestId;
use crate::upstream::Way;

/// Progress is told so often.
const BEAT: Duration = Duration::from_millis(100);
/// Entries of the dictionary on the page.
const ENTRIES: usize = 100;

#[derive(Template)]
#[template(path = "lab.html")]
struct LabPage {
    layout: Layout,
    most_tasks: u32,
    most_searches: u32,
    /// Its name and its limit, or why there is none.
    upstream: Result<(String, String), String>,
    collections: Vec<String>,
    engine: &'static str,
    entries: Vec<(String, String)>,
    entries_fault: Option<String>,
    ran: Option<Ran>,
}

/// What was just run by a form.
struct Ran {
    experiment: String,
    asked: Asked,
    outcome: Outcome,
}

#[derive(Template)]
#[template(path = "lab_outcome.html")]
struct OutcomePart<'a> {
    outcome: &'a Outcome,
}

impl LabPage {
    fn outcome_of(&self, experiment: &str) -> Option<&Outcome> {
        self.ran.as_ref().filter(|ran| ran.experiment == experiment).map(|ran| &ran.outcome)
    }

    /// What the form was sent with, where it was.
    fn kept(&self, experiment: &str, field: &str, usual: &'static str) -> &str {
        let asked = self.ran.as_ref().filter(|ran| ran.experiment == experiment).map(|ran| &ran.asked);
        let given = asked.map(|asked| match field {
            "tasks" => &asked.tasks,
            "delay" => &asked.delay,
            "way" => &asked.way,
            "calls" => &asked.calls,
            "requests" => &asked.requests,
            "collection" => &asked.collection,
            _ => &asked.count,
        });
        given.filter(|given| !given.is_empty()).map_or(usual, String::as_str)
    }
}

pub(super) async fn show_lab(Mine(app): Mine, Extension(id): Extension<RequestId>) -> Response {
    show(&app, &id, None).await
}

async fn show(app: &App, id: &RequestId, ran: Option<Ran>) -> Response {
    let call = app.call(id);
    let catalog = shelf::catalog(app, &call).await;
    let collections = catalog.map(|catalog| catalog.collections.iter().map(|one| one.collection.name.to_string()).collect());
    let kept = async { Dictionary::open(app.state.clone(), &app.config.state)?.all(&call).await };
    let (entries, entries_fault) = match kept.await {
        Ok(entries) => (entries.into_iter().take(ENTRIES).collect(), None),
        Err(fault) => (Vec::new(), Some(Fault::from(fault).message().to_owned())),
    };
    let page = LabPage {
        layout: Layout::new("Lab", "lab"),
        most_tasks: MOST_TASKS,
        most_searches: MOST_SEARCHES,
        upstream: lab::upstream(&app.config, &app.upstreams)
            .map(|upstream| (upstream.name().to_owned(), upstream.rate().to_string()))
            .map_err(|fault| fault.to_string()),
        collections: collections.unwrap_or_default(),
        engine: if app.config.elasticsearch.is_some() { "Elasticsearch" } else { "the embedded engine" },
        entries,
        entries_fault,
        ran,
    };
    send(StatusCode::OK, &page)
}

/// What stands at `/lab` where there is none.
pub(super) async fn show_none() -> Response {
    Fault::new(Code::NotFound, "The lab is off on this server: the setting lab.enabled (HOOKE_LAB_ENABLED=true) turns it on.")
        .into_response()
}

/// As a form sends it: what is not filled in is empty.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Asked {
    tasks: String,
    delay: String,
    way: String,
    calls: String,
    requests: String,
    collection: String,
    count: String,
}

fn number<T: std::str::FromStr>(name: &str, text: &str, usual: T) -> Result<T, lab::Fault> {
    match text.trim() {
        "" => Ok(usual),
        text => text.parse().map_err(|_| lab::Fault::new(Code::BadUserInput, format!("{name}: {text:?} is no number that fits"))),
    }
}

fn read(experiment: &str, asked: &Asked) -> Result<Experiment, lab::Fault> {
    let delay = |usual: f64| number("delay", &asked.delay, usual).and_then(lab::delay);
    let no_way = || lab::Fault::new(Code::BadUserInput, format!("there is no way {:?} here", asked.way));
    match experiment {
        "waits" => Ok(Experiment::Waits {
            tasks: number("tasks", &asked.tasks, 2)?,
            delay: delay(3.0)?,
            way: match asked.way.as_str() {
                "" | "both" => Waiting::Both,
                "sequence" => Waiting::Sequence,
                "at-once" => Waiting::AtOnce,
                _ => return Err(no_way()),
            },
        }),
        "calls" => Ok(Experiment::Calls {
            calls: number("calls", &asked.calls, 10)?,
            way: match asked.way.as_str() {
                "" | "limited" => Way::Limited,
                "sequence" => Way::Sequence,
                "at-once" => Way::AtOnce,
                _ => return Err(no_way()),
            },
        }),
        "users" => Ok(Experiment::Users { requests: number("requests", &asked.requests, 1_000)?, delay: delay(5.0)? }),
        "searches" => Ok(Experiment::Searches {
            collection: Some(asked.collection.clone()).filter(|name| !name.is_empty()),
            count: number("count", &asked.count, 20)?,
        }),
        other => Err(lab::Fault::new(Code::NotFound, format!("there is no experiment {other:?}"))),
    }
}

type Done = Result<Outcome, lab::Fault>;

/// Runs it to its end, for which it has [`TIME`]. Owns what it needs: it may outlive the handler as the body of an answer.
async fn run(app: Arc<App>, id: RequestId, experiment: Experiment, meter: Arc<Meter>) -> Done {
    let catalog = app.catalog.now();
    let call = || app.call(&id);
    let bench = Bench {
        config: &app.config,
        engine: &*app.engine,
        catalog: &catalog,
        upstreams: &app.upstreams,
        url: app.url.get().map(String::as_str),
        call: &call,
    };
    let late = |_| Err(lab::Fault::new(Code::Timeout, format!("it was not done within {} s", TIME.as_secs())));
    timeout(TIME, experiment.run(&bench, &meter)).await.unwrap_or_else(late)
}

/// Waits for the end, and shows it in its place.
pub(super) async fn run_experiment(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(name): Path<String>,
    Pairs(asked): Pairs<Asked>,
) -> Response {
    let done = match read(&name, &asked) {
        Ok(experiment) => run(app.clone(), id.clone(), experiment, Arc::default()).await,
        Err(fault) => Err(fault),
    };
    match done {
        Ok(outcome) => show(&app, &id, Some(Ran { experiment: name, asked, outcome })).await,
        Err(fault) => Fault::new(fault.code, sentence(&fault.message)).into_response(),
    }
}

/// The same as lines of JSON: `{"done","all","elapsed"}` while it runs, at last `{"html"}` or `{"fault"}`.
pub(super) async fn follow_experiment(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(name): Path<String>,
    Pairs(asked): Pairs<Asked>,
) -> Response {
    let meter = Arc::new(Meter::default());
    let running: Pin<Box<dyn Future<Output = Done> + Send>> = match read(&name, &asked) {
        Ok(experiment) => Box::pin(run(app, id, experiment, meter.clone())),
        Err(fault) => Box::pin(std::future::ready(Err(fault))),
    };
    let watched = Watched { running, meter, beat: interval(BEAT), start: Instant::now() };
    let lines = stream::unfold(Some(watched), async |watched| {
        let mut watched = watched?;
        let (line, over) = watched.next().await;
        let line = Ok::<_, Infallible>(Bytes::from(format!("{line}\n")));
        Some((line, (!over).then_some(watched)))
    });
    let headers = [(header::CONTENT_TYPE, "application/x-ndjson"), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(lines)).into_response()
}

/// Dropped with the connection, and the experiment with it.
struct Watched {
    running: Pin<Box<dyn Future<Output = Done> + Send>>,
    meter: Arc<Meter>,
    beat: Interval,
    start: Instant,
}

impl Watched {
    async fn next(&mut self) -> (Json, bool) {
        tokio::select! {
            biased;
            done = &mut self.running => (told(done), true),
            _ = self.beat.tick() => {
                let (done, all) = self.meter.read();
                (json!({ "done": done, "all": all, "elapsed": self.start.elapsed().as_secs_f64() }), false)
            }
        }
    }
}

fn told(done: Done) -> Json {
    match done {
        Ok(outcome) => match (OutcomePart { outcome: &outcome }).render() {
            Ok(html) => json!({ "html": html }),
            Err(fault) => {
                tracing::error!(cause = %fault, "an outcome cannot be written");
                json!({ "fault": "Something went wrong here." })
            }
        },
        Err(fault) => json!({ "fault": sentence(&fault.message) }),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|first| first.to_uppercase().collect()).unwrap_or_default();
    format!("{first}{}.", letters.as_str().trim_end_matches('.'))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    key: String,
    #[serde(default)]
    value: String,
    /// `set`, or `remove`.
    action: String,
}

/// The form below the dictionary.
pub(super) async fn change_dictionary(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Form(entry): Form<Entry>,
) -> Response {
    let call = app.call(&id);
    let dictionary = match Dictionary::open(app.state.clone(), &app.config.state) {
        Ok(dictionary) => dictionary,
        Err(fault) => return Fault::from(fault).into_response(),
    };
    let changed = match entry.action.as_str() {
        "remove" => dictionary.remove(&call, &entry.key).await,
        _ => dictionary.set(&call, &Entries::from([(entry.key, entry.value)])).await.map(drop),
    };
    match changed {
        Ok(()) => Redirect::to("/lab#dictionary").into_response(),
        Err(Refused::Engine(fault)) => Fault::from(fault).into_response(),
        Err(refused @ Refused::NoSuchKey(_)) => Fault::new(Code::NotFound, sentence(&refused.to_string())).into_response(),
        Err(Refused::Wrong(why)) => Fault::new(Code::BadUserInput, sentence(&why)).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_become_experiments() {
        let asked = |pairs: &str| serde_json::from_str::<Asked>(pairs).unwrap();
        let waits = read("waits", &asked(r#"{"tasks":"","delay":"0.5","way":"both"}"#)).unwrap();
        assert_eq!(waits, Experiment::Waits { tasks: 2, delay: Duration::from_millis(500), way: Waiting::Both });
        for (name, pairs) in [
            ("waits", r#"{"tasks":"x"}"#),
            ("waits", r#"{"way":"limited"}"#),
            ("waits", r#"{"delay":"61"}"#),
            ("calls", r#"{"calls":"-1"}"#),
            ("other", "{}"),
        ] {
            assert!(read(name, &asked(pairs)).is_err(), "{name} {pairs}");
        }
    }
}
