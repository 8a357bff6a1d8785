//! A whole collection, or what a filter leaves of it, as a stream of lines. An answer that is cut short shows it: the body breaks off.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query as Parameters};
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::Value as Json;

use super::problem::{Problem, log_cause};
use super::{admission, media};
use crate::app::App;
use crate::catalog::Exposed;
use crate::catalog::ask::{self, Frame};
use crate::error::Code;
use crate::jobs::writing::line;
use crate::rest::mine::Mine;
use crate::search::date::Time;
use crate::search::{Error, Fetch, Filter, From, Key, Moment, PageRequest, Query, SnapshotId};
use crate::telemetry::RequestId;

/// Documents read at once.
const PAGE: u32 = 1_000;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Which documents, as in GraphQL.
    #[param(example = json!({ "year": { "gte": 1900 } }))]
    filter: Option<String>,
}

/// Export documents
///
/// One document a line, its id as `_id`; `hooke load` reads it back. All lines are of one moment where the engine can hold one.
#[utoipa::path(
    get, path = "/v1/collections/{collection}/export", tag = "documents",
    params(("collection" = String, Path, example = "landmarks"), Asked),
    responses((status = 200, content_type = "application/x-ndjson", body = Object, description = "A document a line")),
)]
pub(super) async fn export_documents(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(collection): Path<String>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Response, Problem> {
    let exposed = admission::collection(&app, &collection)?;
    let filter = match &asked.filter {
        None => Filter::All,
        Some(text) => read_filter(&app, &exposed, text)?,
    };
    let snapshot = match app.engine.open_snapshot(&app.call(&id), &exposed.collection.name).await {
        Ok(snapshot) => Some(snapshot),
        // then each page is of its own moment
        Err(Error::Unsupported(_)) => None,
        Err(fault) => return Err(fault.into()),
    };
    let mut walk = Walk { app, id, exposed, filter, snapshot: snapshot.map(Arc::new), after: None };
    // the first page decides whether there is an answer at all
    let first = walk.next().await?;
    let stream = futures_util::stream::unfold((walk, Some(first)), async |(mut walk, page)| {
        let lines = page?;
        if lines.last {
            walk.close().await;
            return (!lines.text.is_empty()).then_some((Ok(lines.text), (walk, None)));
        }
        match walk.next().await {
            Ok(next) => Some((Ok(lines.text), (walk, Some(next)))),
            Err(fault) => {
                log_cause(&fault);
                tracing::warn!(%fault, "an export broke off");
                walk.close().await;
                Some((Err(std::io::Error::other(fault.to_string())), (walk, None)))
            }
        }
    });
    Ok(([(header::CONTENT_TYPE, media::NDJSON[0])], Body::from_stream(stream)).into_response())
}

fn read_filter(app: &App, exposed: &Exposed, text: &str) -> Result<Filter, Problem> {
    let json: Json =
        serde_json::from_str(text).map_err(|fault| Problem::new(Code::BadUserInput, format!("filter is not JSON: {fault}")))?;
    let frame = Frame { limits: &app.config.limits, now: Time::now() };
    ask::filter(frame, exposed, &json)
        .map_err(|fault| Problem::new(fault.code, fault.message.clone()).with_fault(fault.code, fault.message, fault.path))
}

struct Walk {
    app: Arc<App>,
    id: RequestId,
    exposed: Arc<Exposed>,
    filter: Filter,
    snapshot: Option<Arc<SnapshotId>>,
    after: Option<Key>,
}

struct Lines {
    text: Bytes,
    last: bool,
}

impl Walk {
    async fn next(&mut self) -> Result<Lines, Error> {
        let query = Query {
            at: self.snapshot.as_deref().cloned().map_or(Moment::Live, Moment::Snapshot),
            filter: self.filter.clone(),
            fetch: Fetch { fields: admission::visible(&self.app.config, &self.exposed), ..Fetch::default() },
            page: PageRequest {
                size: self.exposed.bounds.page.map_or(PAGE, |most| PAGE.min(most)),
                backward: false,
                from: self.after.take().map_or(From::Start, From::After),
            },
            ..Query::new(self.exposed.collection.name.clone())
        };
        let mut pages = self.app.engine.search(&self.app.call(&self.id), &[query]).await?;
        let page = pages.pop().ok_or_else(|| Error::internal("no page for a query"))??;
        if let (Some(snapshot), Some(moment)) = (&mut self.snapshot, page.moment) {
            *snapshot = Arc::new(moment);
        }
        self.after = page.hits.last().map(|hit| hit.key.clone());
        let text =
            page.hits.into_iter().map(|hit| line(hit.document)).collect::<Result<Vec<_>, _>>().map_err(Error::internal)?.concat();
        Ok(Lines { text: Bytes::from(text), last: !page.has_next })
    }

    async fn close(&mut self) {
        let Some(snapshot) = self.snapshot.take() else { return };
        if let Err(fault) = self.app.engine.close_snapshot(&self.app.call(&self.id), snapshot.as_ref().clone()).await {
            log_cause(&fault);
        }
    }
}
