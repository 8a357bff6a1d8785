//! Around every request: its id, its log line, its place in the counts, the headers that make browsers careful; and one shape for what
//! no handler has answered: panics, refusals of the layers, paths that are not there.

use std::any::Any;
use std::sync::Arc;
use std::time::Instant;

use axum::body::HttpBody as _;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use crate::app::App;
use crate::error::Code;
use crate::rest::Problem;
use crate::telemetry::audit::{self, Refusal};
use crate::telemetry::{ClientAddress, Collections, Group, RequestId, metrics, traces};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// For every answer that has no policy of its own.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self' data:; \
                      connect-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

const CAREFUL: [(HeaderName, &str); 4] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
];

pub(super) async fn watch_request(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(request.headers());
    let origin = audit::Origin::new(id.clone(), request.extensions().get::<ClientAddress>().map(|address| address.0));
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    request.extensions_mut().insert(RequestId(id.clone()));
    let route = request.extensions().get::<MatchedPath>().cloned();
    let span = tracing::info_span!(
        "request",
        id = &*id,
        // both count only from the beginning on
        otel.kind = TRACES.then_some("server"),
        otel.name = TRACES.then(|| trace_name(&method, route.as_ref())),
        http.request.method = Empty,
        http.route = Empty,
        http.response.status_code = Empty
    );
    traces::adopt(&span, |name| request.headers().get(name).and_then(|value| value.to_str().ok()));
    let inside = InFlight::new();
    let mut response = origin.clone().around(next.run(request)).instrument(span.clone()).await;
    drop(inside);

    let took = began.elapsed();
    let status = response.status();
    let group = group_of(&path);
    app.stats.add(group, status.as_u16(), took);
    metrics().count_request(method.as_str(), route.as_ref().map(MatchedPath::as_str), group.name(), status.as_u16(), took);
    let collection = response
        .extensions()
        .get::<Collections>()
        .map(|named| named.0.join(","))
        // of what is not there the address is only what somebody made up
        .or_else(|| collection_in(&path).filter(|_| status.as_u16() < 400));
    let _inside = span.enter();
    if let Some(refusal) = response.extensions().get::<Refusal>()
        && !origin.told()
    {
        origin.clone().around(async { refusal.note() }).await;
    }
    // the pattern, not the address: ids of documents stand in that
    let route = route.as_ref().map(MatchedPath::as_str);
    let millis = took.as_secs_f64() * 1_000.0;
    let method = method_named(method.as_str());
    tell_trace(&span, method, route, status);
    if is_probe(&path) && status.is_success() {
        tracing::debug!(method, route, status = status.as_u16(), millis, "answered");
    } else {
        tracing::info!(method, route, collection, status = status.as_u16(), millis, "answered");
    }
    let headers = response.headers_mut();
    // what can be asked for again by its tag may be kept by whoever has it; the rest is for the moment
    let keep = if headers.contains_key(header::ETAG) { "private, no-cache" } else { "no-store" };
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static(keep));
    for (name, value) in CAREFUL {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if let Ok(id) = HeaderValue::from_str(&id) {
        headers.insert(REQUEST_ID, id);
    }
    response
}

/// Whether this build has traces.
const TRACES: bool = cfg!(feature = "otel");

fn trace_name(method: &Method, route: Option<&MatchedPath>) -> String {
    format!("{} {}", method_named(method.as_str()), route.map_or("nothing", MatchedPath::as_str))
}

/// For traces only: a log says the same in the line of the request.
fn tell_trace(span: &Span, method: &'static str, route: Option<&str>, status: StatusCode) {
    if !TRACES {
        return;
    }
    span.record("http.request.method", method);
    span.record("http.response.status_code", status.as_u16());
    if let Some(route) = route {
        span.record("http.route", route);
    }
}

/// Methods can be made up too.
fn method_named(method: &str) -> &'static str {
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].into_iter().find(|known| *known == method);
    known.unwrap_or("other")
}

/// One request more, until it was answered or its client has left.
struct InFlight;

impl InFlight {
    fn new() -> Self {
        metrics().in_flight.inc();
        InFlight
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        metrics().in_flight.dec();
    }
}

/// The caller's, where it can be put into a log as it stands; else a new one.
fn request_id(headers: &HeaderMap) -> Arc<str> {
    headers
        .get(REQUEST_ID)
        .and_then(|id| id.to_str().ok())
        .filter(|id| {
            (1..=128).contains(&id.len())
                && id.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b':'))
        })
        .map_or_else(|| Arc::from(uuid::Uuid::now_v7().to_string()), Arc::from)
}

pub(super) fn is_probe(path: &str) -> bool {
    matches!(path, "/livez" | "/readyz" | "/metrics" | "/v1/healthcheck")
}

fn group_of(path: &str) -> Group {
    let first = path[1.min(path.len())..].split('/').next().unwrap_or("");
    match first {
        "graphql" => Group::Graphql,
        _ if is_probe(path) => Group::Other,
        "v1" => Group::Rest,
        "" | "search" | "documents" | "jobs" | "lab" | "status" | "login" | "register" | "account" => Group::Pages,
        _ => Group::Other,
    }
}

/// `/v1/collections/{c}…`, `/search/{c}`, `/documents/{c}/…`.
fn collection_in(path: &str) -> Option<String> {
    let rest = ["/v1/collections/", "/search/", "/documents/"].iter().find_map(|start| path.strip_prefix(start))?;
    let name = rest.split('/').next().filter(|name| !name.is_empty())?;
    Some(percent_encoding::percent_decode_str(name).decode_utf8_lossy().into_owned())
}

/// A panic costs one request, not the process. The hook of the log has told its cause.
pub(super) fn answer_panic(_panic: Box<dyn Any + Send + 'static>) -> Response {
    Problem::new(Code::Internal, "something went wrong here; the log knows it by the id of this request").into_response()
}

/// Refusals of layers and of extractors are bare text or nothing: they become problems.
pub(super) async fn explain_refusal(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().is_some();
    let response = next.run(request).await;
    let status = response.status();
    let kind = response.headers().get(header::CONTENT_TYPE).map(HeaderValue::as_bytes);
    let bare = kind.map_or(response.body().size_hint().exact() == Some(0), |kind| kind.starts_with(b"text/plain"));
    if status.as_u16() < 400 || !bare {
        return response;
    }
    let detail = match status {
        StatusCode::NOT_FOUND if !path => "there is nothing at this address",
        StatusCode::METHOD_NOT_ALLOWED => "this address does not take that method; the header Allow names those it takes",
        StatusCode::PAYLOAD_TOO_LARGE => "the body is larger than the setting limits.body allows",
        StatusCode::UNSUPPORTED_MEDIA_TYPE => "that content type or encoding is not taken here",
        StatusCode::GATEWAY_TIMEOUT => "the request took longer than the setting limits.time allows",
        _ => "",
    };
    let code = match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::UNAUTHORIZED => Code::Unauthenticated,
        StatusCode::FORBIDDEN => Code::Forbidden,
        StatusCode::PAYLOAD_TOO_LARGE => Code::LimitExceeded,
        StatusCode::GATEWAY_TIMEOUT | StatusCode::REQUEST_TIMEOUT => Code::Timeout,
        status if status.is_client_error() => Code::BadUserInput,
        _ => Code::Internal,
    };
    let (parts, body) = response.into_parts();
    let detail = if detail.is_empty() && status.is_client_error() {
        // what an extractor says is short and meant for the caller
        axum::body::to_bytes(body, 4_096).await.ok().map(|text| String::from_utf8_lossy(&text).into_owned()).unwrap_or_default()
    } else {
        detail.to_owned()
    };
    let mut answer = Problem::new(code, detail).with_status(status).into_response();
    // what it says to the layers around
    answer.extensions_mut().extend(parts.extensions);
    for (name, value) in &parts.headers {
        if !matches!(*name, header::CONTENT_TYPE | header::CONTENT_LENGTH) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn;
    use axum::routing::get;
    use tower::ServiceExt as _;
    use tower_http::catch_panic::CatchPanicLayer;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_problem_of_one_request() {
        async fn fall() {
            panic!("on purpose")
        }
        let router =
            Router::new().route("/", get(fall)).layer(CatchPanicLayer::custom(answer_panic)).layer(from_fn(explain_refusal));
        for _ in 0..2 {
            let answer = router.clone().oneshot(Request::new(Body::empty())).await.unwrap();
            assert_eq!(answer.status(), 500);
            let body = axum::body::to_bytes(answer.into_body(), 10_000).await.unwrap();
            let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
            assert_eq!((&problem["code"], &problem["status"]), (&"INTERNAL".into(), &500.into()));
            assert!(!String::from_utf8_lossy(&body).contains("on purpose"));
        }
    }

    #[tokio::test]
    async fn bare_refusals_become_problems_and_keep_their_headers() {
        let router = Router::new().route("/", get(async || "fine")).layer(from_fn(explain_refusal));
        let request = Request::builder().method("POST").uri("/").body(Body::empty()).unwrap();
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!((answer.status().as_u16(), &answer.headers()[header::ALLOW]), (405, &HeaderValue::from_static("GET,HEAD")));
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "application/problem+json");
        let answer = router.oneshot(Request::new(Body::empty())).await.unwrap();
        assert_eq!(&axum::body::to_bytes(answer.into_body(), 100).await.unwrap()[..], b"fine");
    }

    #[test]
    fn an_id_is_kept_if_it_can_stand_in_a_log() {
        let with = |id: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_static(id));
            request_id(&headers)
        };
        assert_eq!(&*with("abc-1.2:3_4"), "abc-1.2:3_4");
        assert_ne!(&*with("a b"), "a b");
        assert_eq!(with("").len(), 36);
    }

    #[test]
    fn paths_have_groups_and_collections() {
        for (path, group, collection) in [
            ("/", Group::Pages, None),
            ("/graphql", Group::Graphql, None),
            ("/graphqlx", Group::Other, None),
            ("/v1/collections", Group::Rest, None),
            ("/v1/collections/a%20b/bulk", Group::Rest, Some("a b")),
            ("/v1/healthcheck", Group::Other, None),
            ("/search/packages", Group::Pages, Some("packages")),
            ("/livez", Group::Other, None),
        ] {
            assert_eq!((group_of(path), collection_in(path).as_deref()), (group, collection), "{path}");
        }
    }
}
