//! Many writes in one request: NDJSON in, NDJSON out, both as streams. A line that fails costs only itself.

use std::sync::Arc;
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::lines::{Line, Lines};
use super::operation::{self, Asked, Refused};
use super::problem::{Fault, Problem, log_cause};
use super::{admission, media};
use crate::app::App;
use crate::error::Code;
use crate::rest::mine::Mine;
use crate::search::{CollectionName, Error, Refresh};
use crate::telemetry::RequestId;

/// Operations written at once: the group commit of the embedded engine and a bulk of Elasticsearch gain little beyond.
const BATCH: usize = 500;
/// Bytes of lines written at once.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// A batch that is not full is written when the sender pauses for so long: it may be waiting for our answer.
const PAUSE: Duration = Duration::from_millis(20);
/// The sender, or the reader of our answers, may stand still for so long.
const IDLE: Duration = Duration::from_secs(60);
/// Batches of answers kept for a caller that sends everything before it reads.
const ANSWERS: usize = 400;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    /// When the writes can be found: NONE (soon), WAIT (answered when they can) or NOW (at once, at a cost).
    #[serde(default)]
    #[param(inline)]
    refresh: RefreshParameter,
}

#[derive(Clone, Copy, Default, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(super) enum RefreshParameter {
    #[default]
    None,
    Wait,
    Now,
}

impl From<RefreshParameter> for Refresh {
    fn from(parameter: RefreshParameter) -> Self {
        match parameter {
            RefreshParameter::None => Refresh::None,
            RefreshParameter::Wait => Refresh::Wait,
            RefreshParameter::Now => Refresh::Now,
        }
    }
}

/// What became of one line.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Outcome {
    id: Option<String>,
    /// Of the document after the write; null where nothing was written.
    version: Option<String>,
    errors: Vec<Fault>,
}

impl Outcome {
    fn failed(id: Option<String>, fault: Fault) -> Self {
        Outcome { id, version: None, errors: vec![fault] }
    }
}

/// Write many documents
///
/// One operation a line; one line of answer for each, in order; blank lines are passed over. Answers come while you send: read them.
#[utoipa::path(
    post, path = "/v1/collections/{collection}/bulk", tag = "documents",
    params(("collection" = String, Path, example = "landmarks"), Parameters),
    request_body(content = operation::Operation, content_type = "application/x-ndjson"),
    responses((status = 200, body = Outcome, content_type = "application/x-ndjson", description = "What became of each line, in order")),
)]
pub(super) async fn write_documents(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(collection): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    admission::documents(&app.config)?;
    media::check(&headers, media::NDJSON)?;
    let on = admission::collection(&app, &collection)?.collection.name.clone();
    let lines = Lines::new(body.into_data_stream(), app.config.limits.body);
    let (answers, answered) = mpsc::channel(ANSWERS);
    let work = Work { app, id, on, refresh: parameters.refresh.into(), answers };
    // the task belongs to the answer: it ends when the caller has gone
    let task = AbortOnDropHandle::new(tokio::spawn(work.run(lines).in_current_span()));
    let stream = futures_util::stream::unfold((answered, task), async |(mut answered, task)| {
        answered.recv().await.map(|answer: Result<Bytes, std::io::Error>| (answer, (answered, task)))
    });
    Ok(([(header::CONTENT_TYPE, media::NDJSON[0])], Body::from_stream(stream)).into_response())
}

struct Work {
    app: Arc<App>,
    id: RequestId,
    on: CollectionName,
    refresh: Refresh,
    answers: mpsc::Sender<Result<Bytes, std::io::Error>>,
}

impl Work {
    async fn run<S>(self, mut lines: Lines<S>)
    where
        S: futures_util::Stream<Item = Result<Bytes, axum::Error>> + Unpin,
    {
        let mut batch: Vec<Result<Asked, Refused>> = Vec::new();
        let mut bytes = 0;
        loop {
            let patience = if batch.is_empty() { IDLE } else { PAUSE };
            let mut paused = false;
            match timeout(patience, lines.next()).await {
                Ok(Some(Ok(Line::Text(text)))) => {
                    bytes += text.len();
                    batch.push(operation::parse(&text, &self.on));
                }
                Ok(Some(Ok(Line::TooLong))) => {
                    let message = format!("the line is longer than {} bytes (limits.body)", self.app.config.limits.body);
                    batch.push(Err(Refused { id: None, fault: Fault::new(Code::LimitExceeded, message, Vec::new()) }));
                }
                Ok(Some(Err(fault))) => {
                    // what came whole is written: the caller may have read answers for the lines before
                    self.write(batch).await;
                    return self.break_off(&format!("the body broke off: {fault}")).await;
                }
                Ok(None) => {
                    self.write(batch).await;
                    return;
                }
                Err(_) if batch.is_empty() => return self.break_off("nothing was sent for a minute").await,
                Err(_) => paused = true,
            }
            if paused || batch.len() >= BATCH || bytes >= BATCH_BYTES {
                bytes = 0;
                if !self.write(std::mem::take(&mut batch)).await {
                    return;
                }
            }
        }
    }

    /// Writes a batch and answers for each of its lines; false if nobody takes the answers.
    async fn write(&self, batch: Vec<Result<Asked, Refused>>) -> bool {
        let mut writes = Vec::with_capacity(batch.len());
        let mut outcomes = Vec::with_capacity(batch.len());
        // where in `outcomes` each write belongs
        let mut places = Vec::with_capacity(batch.len());
        for line in batch {
            match line {
                Ok(Asked { write, id, place }) => {
                    places.push((outcomes.len(), place));
                    outcomes.push(Outcome { id, version: None, errors: Vec::new() });
                    writes.push(write);
                }
                Err(Refused { id, fault }) => outcomes.push(Outcome::failed(id, fault)),
            }
        }
        if !writes.is_empty() {
            let count = writes.len();
            let call = self.app.call(&self.id);
            let written = self.app.engine.write(&call, writes, self.refresh).await;
            if written.is_ok() && self.refresh != Refresh::None {
                // so that whoever asks next meets lists as lists; what is wrong now will be tried again
                let noticed = self.app.catalog.documents_came(&call, &self.on).await;
                noticed.unwrap_or_else(|error| tracing::debug!(cause = error.cause(), "the catalog did not look: {error}"));
            }
            let written = written.and_then(|written| {
                if written.len() == count { Ok(written) } else { Err(Error::internal("an answer lacks items of a batch")) }
            });
            match written {
                Ok(written) => {
                    for ((at, place), outcome) in places.into_iter().zip(written) {
                        match outcome {
                            Ok(done) => {
                                outcomes[at].id = Some(done.id.to_string());
                                outcomes[at].version = Some(done.version.to_string());
                            }
                            Err(error) => {
                                log_cause(&error);
                                outcomes[at].errors.push(operation::fault_of(&error, place));
                            }
                        }
                    }
                }
                Err(error) => {
                    log_cause(&error);
                    for (at, place) in places {
                        outcomes[at].errors.push(operation::fault_of(&error, place));
                    }
                }
            }
        }
        let mut text = Vec::with_capacity(outcomes.len() * 64);
        for outcome in &outcomes {
            if serde_json::to_writer(&mut text, outcome).is_err() {
                return false;
            }
            text.push(b'\n');
        }
        text.is_empty() || self.answers.send_timeout(Ok(Bytes::from(text)), IDLE).await.is_ok()
    }

    /// Ends the answer in a way that no reader takes for its end.
    async fn break_off(&self, why: &str) {
        tracing::info!(why, "a bulk request broke off");
        let _ = self.answers.send_timeout(Err(std::io::Error::other(why.to_owned())), IDLE).await;
    }
}
