//! Storing hashtags that are not known yet, each once.
//!
//! Two loads of one process that share a hashtag go one after the other: each holds the doors of its hashtags from the look at
//! what is known until its own are stored and a search sees them. So the second finds what the first has stored. What is left:
//! two processes on one cluster may store a hashtag once each if they load it in the same instant, for Elasticsearch keeps only
//! ids unique; and what another route has written without a refresh is not known until it can be found.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt as _;
use serde_json::{Value, json};
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::timeout_at;
use tracing::Instrument as _;

use super::super::problem::{Problem, log_cause};
use super::{FIELD, Known};
use crate::app::App;
use crate::error::Code;
use crate::search::{Action, Call, CollectionName, DocumentId, Error, FieldRef, Filter, Precondition, Refresh, Source, Write};
use crate::telemetry::RequestId;

/// Documents of one write, and writes at once.
const BATCH: usize = 500;
const AT_ONCE: usize = 4;

/// One for some of all hashtags. Two of the same one behind one door only wait for each other.
pub(super) struct Doors(Vec<Mutex<()>>);

impl Default for Doors {
    fn default() -> Self {
        Doors((0..64).map(|_| Mutex::default()).collect())
    }
}

impl Doors {
    /// Always from the lowest upward, so that no two wait for each other.
    async fn enter(&self, call: &Call, on: &CollectionName, tags: &[String]) -> Result<Vec<MutexGuard<'_, ()>>, Error> {
        let mut places: Vec<usize> = tags.iter().map(|tag| self.place(on, tag)).collect();
        places.sort_unstable();
        places.dedup();
        let mut held = Vec::with_capacity(places.len());
        for place in places {
            held.push(timeout_at(call.deadline, self.0[place].lock()).await.map_err(|_| Error::Timeout)?);
        }
        Ok(held)
    }

    fn place(&self, on: &CollectionName, tag: &str) -> usize {
        let mut hasher = DefaultHasher::new();
        (on, tag).hash(&mut hasher);
        (hasher.finish() % self.0.len() as u64) as usize
    }
}

/// A load that failed, perhaps in part: then it says what was stored.
pub(in crate::rest) struct Failed {
    problem: Problem,
    created: Vec<String>,
}

impl From<Problem> for Failed {
    fn from(problem: Problem) -> Self {
        Failed { problem, created: Vec::new() }
    }
}

impl From<Error> for Failed {
    fn from(fault: Error) -> Self {
        Problem::from(fault).into()
    }
}

impl IntoResponse for Failed {
    fn into_response(self) -> Response {
        if self.created.is_empty() {
            return self.problem.into_response();
        }
        let status = StatusCode::from_u16(self.problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut body = json!(self.problem);
        body["created"] = json!(self.created);
        let mut response = (status, body.to_string()).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}

/// Ids of what was stored, in the order of the tags.
pub(super) async fn load(
    app: Arc<App>,
    known: Arc<Known>,
    id: RequestId,
    on: CollectionName,
    field: FieldRef,
    tags: Vec<String>,
) -> Result<Vec<String>, Failed> {
    let call = app.call(&id);
    // a task of its own, ended by the deadline of its call: a caller that leaves must not open the doors before all is stored
    let work = tokio::spawn(async move { store(&app, &known, &call, on, &field, tags).await }.in_current_span());
    work.await.map_err(Error::internal)?
}

async fn store(
    app: &App,
    known: &Known,
    call: &Call,
    on: CollectionName,
    field: &FieldRef,
    tags: Vec<String>,
) -> Result<Vec<String>, Failed> {
    let _doors = known.doors.enter(call, &on, &tags).await?;
    let there = known.among(&*app.engine, call, &on, field, &tags).await?;
    let fresh: Vec<String> = tags.into_iter().filter(|tag| !there.contains(tag)).collect();
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let batches: Vec<Vec<Write>> = fresh
        .chunks(BATCH)
        .map(|tags| tags.iter().map(|tag| write(&on, tag)).collect::<Result<_, _>>())
        .collect::<Result<_, _>>()?;
    let outcomes: Vec<_> =
        futures_util::stream::iter(batches).map(|batch| write_batch(app, call, batch)).buffered(AT_ONCE).concat().await;
    let noticed = app.catalog.documents_came(call, &on).await;
    noticed.unwrap_or_else(|error| tracing::debug!(cause = error.cause(), "the catalog did not look: {error}"));
    sum_up(&fresh, outcomes, app.config.limits.errors)
}

/// Why a hashtag was not stored, as a caller may see it.
type Refusal = (Code, String);

/// One outcome for each, also where the whole failed: then nothing is known to be stored.
async fn write_batch(app: &App, call: &Call, batch: Vec<Write>) -> Vec<Result<String, Refusal>> {
    let count = batch.len();
    let refuse = |fault: &Error| {
        log_cause(fault);
        (Code::from(fault), fault.to_string())
    };
    match app.engine.write(call, batch, Refresh::Now).await {
        Ok(outcomes) if outcomes.len() == count => outcomes
            .into_iter()
            .map(|outcome| outcome.map(|written| written.id.to_string()).map_err(|fault| refuse(&fault)))
            .collect(),
        Ok(_) => vec![Err(refuse(&Error::internal("an answer lacks items of a batch"))); count],
        Err(fault) => vec![Err(refuse(&fault)); count],
    }
}

/// All ids, or what is to be said of those that failed.
fn sum_up(tags: &[String], outcomes: Vec<Result<String, Refusal>>, most: usize) -> Result<Vec<String>, Failed> {
    let mut created = Vec::new();
    let mut refused = Vec::new();
    for (tag, outcome) in tags.iter().zip(outcomes) {
        match outcome {
            Ok(id) => created.push(id),
            Err((code, why)) => refused.push((tag, code, why)),
        }
    }
    let Some((_, code, why)) = refused.first() else { return Ok(created) };
    let detail = format!("{} of {} hashtags were not stored: {why}", refused.len(), tags.len());
    let problem = refused.iter().take(most).fold(Problem::new(*code, detail), |problem, (tag, code, why)| {
        problem.with_fault(*code, why.clone(), vec!["hashtags".into(), (*tag).clone()])
    });
    Err(Failed { problem, created })
}

fn write(on: &CollectionName, tag: &str) -> Result<Write, Error> {
    let id = DocumentId::parse(&uuid::Uuid::now_v7().to_string()).map_err(Error::internal)?;
    let mut source = Source::new();
    source.insert(FIELD.into(), Value::from(tag));
    Ok(Write {
        on: on.clone(),
        rule: Filter::All,
        action: Action::Index { id: Some(id), source, precondition: Precondition::Absent },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_stored_is_told_beside_what_was_not() {
        let tags = ["#one", "#two", "#three"].map(str::to_owned);
        let stored = || Ok("id".to_owned());
        assert_eq!(sum_up(&tags, vec![stored(), stored(), stored()], 20).ok().unwrap().len(), 3);
        let failed = sum_up(&tags, vec![stored(), Err((Code::Timeout, "too late".into())), stored()], 20).err().unwrap();
        assert_eq!((failed.created.len(), failed.problem.status), (2, 504));
        assert_eq!(failed.problem.errors[0].path, ["hashtags", "#two"]);
        assert!(failed.problem.detail.contains("1 of 3"), "{}", failed.problem.detail);
    }

    #[tokio::test]
    async fn the_same_hashtag_has_one_door() {
        let doors = Doors::default();
        let on = CollectionName::parse("a").unwrap();
        let call = Call::within(std::time::Duration::from_millis(20));
        let tags = |all: &[&str]| -> Vec<String> { all.iter().map(|tag| (*tag).to_owned()).collect() };
        let held = doors.enter(&call, &on, &tags(&["#one", "#two", "#one"])).await.unwrap();
        assert!(matches!(doors.enter(&call, &on, &tags(&["#three", "#two"])).await, Err(Error::Timeout)));
        drop(held);
        doors.enter(&Call::within(std::time::Duration::from_secs(5)), &on, &tags(&["#three", "#two"])).await.unwrap();
    }
}
