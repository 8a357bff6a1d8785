//! What a client accepts; and answers as one JSON document, whose status tells what happened.

use axum::http::header::{ACCEPT, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use crate::graphql::errors::{self, Failure};
use crate::graphql::run::Answer;

/// How a document is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    Response,
    Json,
}

/// What the header `Accept` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    /// The document liked best; `None` where none is.
    pub(super) document: Option<Media>,
    /// A stream of events; only where it is named.
    pub(super) events: bool,
    /// Events are liked better than any document.
    pub(super) rather_events: bool,
}

impl Accepted {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let mut best: Option<(Media, u16, u8)> = None;
        let (mut any, mut events) = (false, 0);
        for range in headers.get_all(ACCEPT).iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default().to_ascii_lowercase();
            if name.is_empty() {
                continue;
            }
            any = true;
            let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |weight| weight.parse::<f32>().ok());
            // in thousandths, as fine as the header can say
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
            let weight = (weight.unwrap_or(0.0).clamp(0.0, 1.0) * 1_000.0) as u16;
            let (media, precise) = match name.as_str() {
                "application/graphql-response+json" => (Media::Response, 2),
                "application/json" => (Media::Json, 1),
                "application/*" | "*/*" => (Media::Json, 0),
                "text/event-stream" => {
                    events = events.max(weight);
                    continue;
                }
                _ => continue,
            };
            if weight > 0 && best.is_none_or(|(_, most, precision)| (weight, precise) > (most, precision)) {
                best = Some((media, weight, precise));
            }
        }
        let document = match best {
            Some((media, ..)) => Some(media),
            None if any => None,
            None => Some(Media::Json),
        };
        Accepted { document, events: events > 0, rather_events: events > best.map_or(0, |(_, weight, _)| weight) }
    }

    /// In what a refusal is written.
    pub(super) fn media(self) -> Media {
        self.document.unwrap_or(Media::Json)
    }
}

impl Media {
    fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Media::Response => "application/graphql-response+json; charset=utf-8",
            Media::Json => "application/json; charset=utf-8",
        })
    }

    pub(super) fn answer(self, answer: &Answer) -> Response {
        let status = match (self, &answer.data) {
            (Media::Json, _) | (_, Some(_)) => StatusCode::OK,
            (Media::Response, None) => status_of(&answer.errors),
        };
        self.write(status, answer)
    }

    pub(super) fn refuse(self, status: StatusCode, failure: Failure) -> Response {
        self.write(status, &Answer::refused(vec![failure]))
    }

    fn write(self, status: StatusCode, answer: &Answer) -> Response {
        match serde_json::to_vec(answer) {
            Ok(body) => {
                let mut response = (status, [(CONTENT_TYPE, self.content_type())], body).into_response();
                if let Some(refusal) = errors::refusal(&answer.errors) {
                    response.extensions_mut().insert(refusal);
                }
                response
            }
            Err(fault) => {
                tracing::error!(cause = %fault, "an answer cannot be written");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// An operation that never ran: whose fault it was.
fn status_of(errors: &[Failure]) -> StatusCode {
    match errors.first().map(|failure| failure.code) {
        Some("BACKEND_UNAVAILABLE") => StatusCode::SERVICE_UNAVAILABLE,
        Some("INTERNAL") => StatusCode::INTERNAL_SERVER_ERROR,
        _ => StatusCode::BAD_REQUEST,
    }
}

pub(super) fn not_acceptable() -> Response {
    let failure = Failure::input("accept application/graphql-response+json, application/json or text/event-stream");
    Media::Json.refuse(StatusCode::NOT_ACCEPTABLE, failure)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(accept: &[&str]) -> Option<Media> {
        let mut headers = HeaderMap::new();
        for value in accept {
            headers.append(ACCEPT, HeaderValue::from_str(value).unwrap());
        }
        Accepted::of(&headers).document
    }

    #[test]
    fn negotiates() {
        for (accept, media) in [
            (&[][..], Some(Media::Json)),
            (&["*/*"], Some(Media::Json)),
            (&["application/json"], Some(Media::Json)),
            (&["application/graphql-response+json"], Some(Media::Response)),
            (&["application/graphql-response+json, application/json;q=0.9"], Some(Media::Response)),
            (&["application/json, application/graphql-response+json; q=0.5"], Some(Media::Json)),
            (&["text/html", "application/*;q=0.1"], Some(Media::Json)),
            (&["Application/GraphQL-Response+JSON; charset=utf-8"], Some(Media::Response)),
            (&["text/html"], None),
            (&["application/json;q=0"], None),
        ] {
            assert_eq!(accepted(accept), media, "{accept:?}");
        }
    }

    #[test]
    fn events_are_accepted_by_name() {
        let events = |accept: &'static str| {
            let mut headers = HeaderMap::new();
            headers.append(ACCEPT, HeaderValue::from_static(accept));
            let accepted = Accepted::of(&headers);
            (accepted.events, accepted.rather_events, accepted.document.is_some())
        };
        assert_eq!(events("text/event-stream"), (true, true, false));
        assert_eq!(events("text/event-stream, application/json"), (true, false, true));
        assert_eq!(events("text/event-stream, */*;q=0.1"), (true, true, true));
        assert_eq!(events("text/event-stream;q=0, */*"), (false, false, true));
        assert_eq!(events("*/*"), (false, false, true));
        assert_eq!(events("text/html"), (false, false, false));
    }
}
