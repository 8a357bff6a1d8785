//! GraphQL over HTTP by its specification: what is accepted, how it is read, and which status tells what. One document an answer
//! ([`media`]), a stream of events ([`events`]), or a WebSocket that carries many operations ([`socket`]).
//!
//! A client that accepts `application/graphql-response+json` learns from the status whether its operation ran; for one that wants
//! `application/json` every well-formed request is 200, as it has always been.

mod events;
mod explain;
mod known;
mod media;
mod outcomes;
mod protocol;
mod socket;

use std::borrow::Cow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::rejection::BytesRejection;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::{RawQuery, State};
use axum::http::header::{ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, UPGRADE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use serde_json::{Map, Value as Json};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::errors::Failure;
use super::run::Request;
use super::{Api, operation};
use crate::access::Viewer;
use crate::accounts::{Accounts, Leave};
use crate::app::App;
use crate::config::{Config, Defence};
use crate::error::Code;
use crate::rates::{Allowance, Cost};
use crate::search::Call;
use crate::telemetry::audit::Refusal;
use crate::telemetry::{Collections, RequestId};
use explain::Explain;
use known::Known;
use media::{Accepted, Media, not_acceptable};

#[derive(Clone)]
struct Endpoint {
    api: Arc<Api>,
    known: Known,
    /// hooke is about to stop.
    ending: CancellationToken,
    sockets: TaskTracker,
    accounts: Option<Arc<Accounts>>,
}

/// `/graphql` and `/schema.graphql`.
pub async fn routes(api: Arc<Api>, app: &App) -> anyhow::Result<Router> {
    let settings = app.config.graphql.clone();
    let known = tokio::task::spawn_blocking(move || Known::open(&settings)).await??;
    let (ending, sockets) = (app.ending.clone(), app.sockets.clone());
    let endpoint = Endpoint { api, known, ending, sockets, accounts: app.accounts.clone() };
    let routes = Router::new().route("/graphql", get(run_get).post(run_post)).route("/schema.graphql", get(show_schema));
    Ok(routes.with_state(endpoint))
}

async fn show_schema(State(endpoint): State<Endpoint>, Extension(viewer): Extension<Arc<Viewer>>) -> Response {
    let headers = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-cache")];
    match endpoint.api.sdl(&viewer).await {
        Some(sdl) => (headers, sdl.to_string()).into_response(),
        None => {
            let mut response = (StatusCode::FORBIDDEN, "your role may not ask for the schema").into_response();
            response.extensions_mut().insert(Refusal::because(Code::Forbidden.as_str(), "introspection"));
            response
        }
    }
}

async fn run_get(
    State(endpoint): State<Endpoint>,
    id: Option<Extension<RequestId>>,
    Extension(viewer): Extension<Arc<Viewer>>,
    (leave, allowance): (Option<Extension<Leave>>, Option<Extension<Allowance>>),
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
    RawQuery(query): RawQuery,
) -> Response {
    if headers.contains_key(UPGRADE) {
        return match upgrade {
            Ok(upgrade) => {
                let leave = leave.map(|Extension(leave)| leave).unwrap_or_default();
                let allowance = allowance.map(|Extension(allowance)| allowance);
                socket::open(upgrade, endpoint, (viewer, leave, allowance), named(id))
            }
            Err(refused) => refused.into_response(),
        };
    }
    let accepted = Accepted::of(&headers);
    if accepted.document.is_none() && !accepted.events {
        return not_acceptable();
    }
    let config = endpoint.api.config();
    match of_query(query.as_deref().unwrap_or_default()).and_then(|request| endpoint.known.resolved(request)) {
        Ok(request)
            if config.limits.has(Defence::GetWrites)
                && operation::mutates(&request.query, request.operation_name.as_deref(), &config.limits) =>
        {
            let refused = Failure::input("a mutation may not be sent by GET: send it by POST");
            let mut response = accepted.media().refuse(StatusCode::METHOD_NOT_ALLOWED, refused);
            response.headers_mut().insert(ALLOW, HeaderValue::from_static("POST"));
            response
        }
        Ok(request) => run(endpoint, id, viewer, allowance, request, accepted, Explain::asked(&headers)).await,
        Err(failure) => accepted.media().refuse(refusal(&failure, accepted.media()), failure),
    }
}

async fn run_post(
    State(endpoint): State<Endpoint>,
    id: Option<Extension<RequestId>>,
    Extension(viewer): Extension<Arc<Viewer>>,
    allowance: Option<Extension<Allowance>>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let accepted = Accepted::of(&headers);
    if accepted.document.is_none() && !accepted.events {
        return not_acceptable();
    }
    let media = accepted.media();
    if endpoint.api.config().limits.has(Defence::ContentType)
        && let Err(why) = check_content_type(&headers)
    {
        return media.refuse(StatusCode::UNSUPPORTED_MEDIA_TYPE, Failure::input(why));
    }
    let body = match body {
        Ok(body) => body,
        Err(refused) if refused.status() == StatusCode::PAYLOAD_TOO_LARGE => {
            let most = endpoint.api.config().limits.body;
            let message = format!("the body is longer than {most} bytes; send less at a time");
            let mut failure = Failure::new(Code::LimitExceeded, message);
            failure.more = vec![("limit", "body".into()), ("value", most.into())];
            if let Some(asked) = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok()) {
                failure.more.push(("asked", asked.into()));
            }
            return media.refuse(StatusCode::PAYLOAD_TOO_LARGE, failure);
        }
        Err(refused) => return media.refuse(refused.status(), Failure::input("the body cannot be read")),
    };
    match of_body(&body).and_then(|request| endpoint.known.resolved(request)) {
        Ok(request) => run(endpoint, id, viewer, allowance, request, accepted, Explain::asked(&headers)).await,
        Err(failure) => media.refuse(refusal(&failure, media), failure),
    }
}

/// Clients that persist queries look into the body, and some of them only where the status is 200.
fn refusal(failure: &Failure, media: Media) -> StatusCode {
    match (media, failure.code) {
        (_, "FORBIDDEN") => StatusCode::FORBIDDEN,
        (Media::Json, code) if code.starts_with("PERSISTED_QUERY") => StatusCode::OK,
        _ => StatusCode::BAD_REQUEST,
    }
}

async fn run(
    endpoint: Endpoint,
    id: Option<Extension<RequestId>>,
    viewer: Arc<Viewer>,
    allowance: Option<Extension<Allowance>>,
    request: Request,
    accepted: Accepted,
    explain: Option<Explain>,
) -> Response {
    let Endpoint { api, ending, .. } = endpoint;
    let streamed = accepted.events
        && (accepted.document.is_none() || accepted.rather_events || api.is_subscription(&viewer, &request).await);
    if streamed {
        return events::stream(api, viewer, allowance.map(|Extension(allowance)| allowance), request, named(id), ending);
    }
    let mut call = Call::within(api.config().limits.time).named(named(id));
    let open = viewer.role.may_everything();
    if explain.is_some() && open {
        call.trips = explain::trips(api.config());
    }
    let began = Instant::now();
    let mut answer = api.run(&call, &viewer, &request).await;
    note_slow(api.config(), &call, &request.query, answer.cost, began.elapsed());
    answer.extensions = explain.map(|explain| explain.extensions(&call, &answer, api.config(), open));
    let collections = std::mem::take(&mut answer.collections);
    let mut response = accepted.media().answer(&answer);
    response.extensions_mut().insert(Cost(answer.cost));
    if !collections.is_empty() {
        response.extensions_mut().insert(Collections(collections));
    }
    response
}

/// By its hash, as a store of known operations has it: neither the text nor a value stands in a log.
fn note_slow(config: &Config, call: &Call, text: &str, cost: u64, took: Duration) {
    if took >= config.log.slow {
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        tracing::warn!(request_id = &*call.request_id, operation = hash(text), cost, millis, "a slow operation");
    }
}

/// SHA-256 in hexadecimal.
fn hash(text: &str) -> String {
    use std::fmt::Write as _;
    ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

fn named(id: Option<Extension<RequestId>>) -> Arc<str> {
    id.map_or_else(|| Arc::from("-"), |Extension(id)| id.0)
}

fn check_content_type(headers: &HeaderMap) -> Result<(), &'static str> {
    const WANTED: &str = "send the operation as content-type: application/json";
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).ok_or(WANTED)?;
    let mut parts = value.split(';').map(str::trim);
    if !parts.next().is_some_and(|name| name.eq_ignore_ascii_case("application/json")) {
        return Err(WANTED);
    }
    for part in parts {
        let Some((name, charset)) = part.split_once('=') else { continue };
        let charset = charset.trim().trim_matches('"');
        if name.trim().eq_ignore_ascii_case("charset")
            && !charset.eq_ignore_ascii_case("utf-8")
            && !charset.eq_ignore_ascii_case("utf8")
        {
            return Err("send the operation in UTF-8");
        }
    }
    Ok(())
}

fn of_body(body: &[u8]) -> Result<Request, Failure> {
    match serde_json::from_slice(body) {
        Ok(Json::Object(parameters)) => of_parameters(parameters),
        Ok(Json::Array(operations)) => {
            let mut failure = Failure::new(Code::LimitExceeded, "batches are off: send one operation a request");
            failure.more = vec![("limit", "batch".into()), ("value", 1.into()), ("asked", operations.len().into())];
            Err(failure)
        }
        Ok(_) => Err(Failure::input("the body must be a JSON object with a query")),
        Err(fault) => Err(Failure::input(format!("the body is not JSON: {fault}"))),
    }
}

fn of_query(text: &str) -> Result<Request, Failure> {
    let mut parameters = Map::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decoded(name)?, decoded(value)?);
        let value = match &*name {
            "variables" | "extensions" if value.is_empty() => continue,
            "variables" | "extensions" => {
                serde_json::from_str(&value).map_err(|fault| Failure::input(format!("{name} is not JSON: {fault}")))?
            }
            "operationName" if value.is_empty() => continue,
            _ => Json::String(value.into_owned()),
        };
        parameters.insert(name.into_owned(), value);
    }
    of_parameters(parameters)
}

fn decoded(text: &str) -> Result<Cow<'_, str>, Failure> {
    let text = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    match text {
        Cow::Borrowed(text) => percent_encoding::percent_decode_str(text).decode_utf8(),
        Cow::Owned(text) => percent_encoding::percent_decode_str(&text).decode_utf8().map(|text| Cow::Owned(text.into_owned())),
    }
    .map_err(|_| Failure::input("the query string is not UTF-8"))
}

fn of_parameters(mut parameters: Map<String, Json>) -> Result<Request, Failure> {
    let known = known::named(parameters.remove("documentId"), parameters.get("extensions"))?;
    let query = match parameters.remove("query") {
        Some(Json::String(query)) => query,
        None | Some(Json::Null) if known.is_some() => String::new(),
        Some(_) => return Err(Failure::input("query must be a text")),
        None => return Err(Failure::input("query is missing: it holds the operation")),
    };
    let operation_name = match parameters.remove("operationName") {
        None | Some(Json::Null) => None,
        Some(Json::String(name)) => Some(name),
        Some(_) => return Err(Failure::input("operationName must be a text")),
    };
    let variables = match parameters.remove("variables") {
        None | Some(Json::Null) => Map::new(),
        Some(Json::Object(variables)) => variables,
        Some(_) => return Err(Failure::input("variables must be an object")),
    };
    match parameters.remove("extensions") {
        None | Some(Json::Null | Json::Object(_)) => {}
        Some(_) => return Err(Failure::input("extensions must be an object")),
    }
    Ok(Request { query, operation_name, variables, known })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_parameters() {
        let request = of_query("query=query+Q%28%24a%3A+Int%29%7Ba%7D&variables=%7B%22a%22%3A1%7D&operationName=Q").unwrap();
        assert_eq!(request.query, "query Q($a: Int){a}");
        assert_eq!(request.operation_name.as_deref(), Some("Q"));
        assert_eq!(Json::Object(request.variables), serde_json::json!({ "a": 1 }));
        for body in ["", "5", "{}", r#"{"query":5}"#, r#"{"query":"{a}","variables":[]}"#, r#"{"query":"{a}","extensions":0}"#] {
            assert_eq!(of_body(body.as_bytes()).unwrap_err().code, "BAD_USER_INPUT", "{body}");
        }
        assert_eq!(of_body(br#"[{"query":"{a}"}]"#).unwrap_err().code, "LIMIT_EXCEEDED");
    }

    #[test]
    fn wants_a_content_type() {
        let checked = |value: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(value) = value {
                headers.insert(CONTENT_TYPE, HeaderValue::from_str(value).unwrap());
            }
            check_content_type(&headers).is_ok()
        };
        assert!(checked(Some("application/json")));
        assert!(checked(Some("Application/JSON; charset=UTF-8")));
        for refused in
            [None, Some("text/plain"), Some("application/json; charset=latin1"), Some("application/x-www-form-urlencoded")]
        {
            assert!(!checked(refused), "{refused:?}");
        }
    }
}
