//! Operations answered as a stream of events: GraphQL over SSE, one connection an operation. Each answer is an event `next`, the end
//! is an event `complete`. A stream that ends without it was cut, as when hooke stops, and is to be asked for again.
//!
//! The stream is read no faster than the client takes it; of a subscription the newest answer is sent, not each.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::HeaderName;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::{self, BoxStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::outcomes::{self, Outcome};
use crate::access::Viewer;
use crate::graphql::Api;
use crate::graphql::run::Request;
use crate::rates::Allowance;

/// A comment goes out after so much silence, so that whatever stands in between does not take the connection for dead.
const SILENCE: Duration = Duration::from_secs(15);

const COMPLETE: &str = "event: complete\ndata:\n\n";

pub(super) fn stream(
    api: Arc<Api>,
    viewer: Arc<Viewer>,
    allowance: Option<Allowance>,
    request: Request,
    request_id: Arc<str>,
    ending: CancellationToken,
) -> Response {
    let state = Some((outcomes::run(api, viewer, allowance, request, request_id), ending));
    let events = stream::unfold(state, |state| async {
        let (mut outcomes, ending) = state?;
        let (text, lasts) = next(&mut outcomes, &ending).await?;
        Some((Ok::<_, Infallible>(Bytes::from(text)), lasts.then_some((outcomes, ending))))
    });
    let headers = [
        (CONTENT_TYPE, "text/event-stream; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        // nginx would collect events otherwise
        (HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(events)).into_response()
}

/// The next piece of the stream, and whether another follows.
async fn next(outcomes: &mut BoxStream<'static, Outcome>, ending: &CancellationToken) -> Option<(String, bool)> {
    let outcome = tokio::select! {
        biased;
        () = ending.cancelled() => return None,
        outcome = outcomes.next() => outcome?,
        () = sleep(SILENCE) => return Some((":\n\n".into(), true)),
    };
    Some(match outcome {
        Outcome::Next(json) => (format!("event: next\ndata: {json}\n\n"), true),
        Outcome::Complete => (COMPLETE.into(), false),
        Outcome::Errors(failures) => {
            let json = serde_json::json!({ "errors": *failures });
            let mut text = String::new();
            let _ = write!(text, "event: next\ndata: {json}\n\n{COMPLETE}");
            (text, false)
        }
    })
}
