//! The small dictionary: a value by its key, as plain text; several at once as a JSON object.

use axum::body::Bytes;
use axum::extract::Query as Parameters;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, SchemaType, Type};
use utoipa::{PartialSchema, ToSchema};

use crate::app::App;
use crate::error::Code;
use crate::lab::{Dictionary, Entries, KEY_LENGTH, Refused, VALUE_LENGTH};
use crate::rest::mine::Mine;
use crate::rest::{Problem, media};
use crate::search::Error;
use crate::telemetry::RequestId;

const TEXT_OR_JSON: &[&str] = &["text/plain", "application/json"];

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ByKey {
    #[param(required, min_length = 1, max_length = 512)]
    key: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WithValue {
    #[param(required, min_length = 1, max_length = 512)]
    key: Option<String>,
    /// In place of a body.
    #[param(max_length = 4096)]
    value: Option<String>,
}

/// A text; numbers and booleans are taken as they are written.
pub(super) struct Given;

/// Several values by their keys.
pub(super) struct Several;

/// One value by its key.
pub(super) struct Single;

fn scalar() -> ObjectBuilder {
    let types = SchemaType::from_iter([Type::String, Type::Number, Type::Boolean]);
    ObjectBuilder::new().schema_type(types).max_length(Some(VALUE_LENGTH))
}

fn by_key() -> ObjectBuilder {
    let key = ObjectBuilder::new().schema_type(Type::String).min_length(Some(1)).max_length(Some(KEY_LENGTH));
    ObjectBuilder::new()
        .schema_type(Type::Object)
        .property_names(Some(key.build()))
        .additional_properties(Some(scalar()))
        .min_properties(Some(1))
}

impl PartialSchema for Given {
    fn schema() -> RefOr<Schema> {
        scalar().into()
    }
}

impl PartialSchema for Several {
    fn schema() -> RefOr<Schema> {
        by_key().into()
    }
}

impl PartialSchema for Single {
    fn schema() -> RefOr<Schema> {
        by_key().max_properties(Some(1)).into()
    }
}

impl ToSchema for Given {}
impl ToSchema for Several {}
impl ToSchema for Single {}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Engine(fault) => fault.into(),
            Refused::NoSuchKey(_) => Problem::new(Code::NotFound, refused.to_string()),
            Refused::Wrong(why) => Problem::new(Code::BadUserInput, why),
        }
    }
}

fn given(key: Option<String>) -> Result<String, Problem> {
    key.filter(|key| !key.is_empty()).ok_or_else(|| Problem::new(Code::BadUserInput, "name a key: ?key=…"))
}

fn dictionary(app: &App) -> Result<Dictionary, Error> {
    Dictionary::open(app.state.clone(), &app.config.state)
}

/// A value, as plain text
#[utoipa::path(
    get, path = "/lab/result", tag = "lab", params(ByKey),
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "There is no such key"),
        Problem,
    ),
)]
pub(super) async fn get_value(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Parameters(asked): Parameters<ByKey>,
) -> Result<Response, Problem> {
    let value = dictionary(&app)?.get(&app.call(&id), &given(asked.key)?).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], value).into_response())
}

/// Set a value, empty where none is given
#[utoipa::path(
    put, path = "/lab/result", tag = "lab", params(WithValue),
    request_body(content((Option<String> = "text/plain"), (Option<Given> = "application/json")), description = "The value; none is the empty text"),
    responses(
        (status = 200, body = Entries, description = "It was there before"), (status = 201, body = Entries),
        Problem,
    ),
)]
pub(super) async fn put_value(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Parameters(asked): Parameters<WithValue>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let key = given(asked.key)?;
    let value = match (asked.value, body.is_empty()) {
        (Some(_), false) => {
            return Err(Problem::new(Code::BadUserInput, "give the value in the address or in the body, not in both"));
        }
        (value, true) => value.unwrap_or_default(),
        (None, false) => text(&headers, &body)?,
    };
    let entries = Entries::from([(key, value)]);
    let is_new = dictionary(&app)?.set(&app.call(&id), &entries).await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(entries)).into_response())
}

/// Set several values, all or none of them
#[utoipa::path(
    post, path = "/lab/result", tag = "lab", request_body(content = inline(Several), example = json!({ "spring": "steel", "turns": 12 })),
    responses(
        (status = 200, body = Entries, description = "All were there before"), (status = 201, body = Entries),
        Problem,
    ),
)]
pub(super) async fn post_values(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let entries = entries(&headers, &body)?;
    if entries.is_empty() {
        return Err(Problem::new(Code::BadUserInput, "the object is empty: name at least one key"));
    }
    let is_new = dictionary(&app)?.set(&app.call(&id), &entries).await?;
    Ok((if is_new { StatusCode::CREATED } else { StatusCode::OK }, Json(entries)).into_response())
}

/// Change one value that is there
#[utoipa::path(
    patch, path = "/lab/result", tag = "lab", request_body(content = inline(Single), example = json!({ "spring": "brass" })),
    responses(
        (status = 200, body = Entries),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "There is no such key"),
        Problem,
    ),
)]
pub(super) async fn patch_value(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    let entries = entries(&headers, &body)?;
    let mut each = entries.iter();
    let (Some((key, value)), None) = (each.next(), each.next()) else {
        return Err(Problem::new(Code::BadUserInput, "the object must hold one key: several are set by POST"));
    };
    dictionary(&app)?.replace(&app.call(&id), key, value).await?;
    Ok(Json(&entries).into_response())
}

/// Remove a value
#[utoipa::path(
    delete, path = "/lab/result", tag = "lab", params(ByKey),
    responses(
        (status = 204),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "There is no such key"),
        Problem,
    ),
)]
pub(super) async fn delete_value(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Parameters(asked): Parameters<ByKey>,
) -> Result<StatusCode, Problem> {
    dictionary(&app)?.remove(&app.call(&id), &given(asked.key)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn text(headers: &HeaderMap, body: &[u8]) -> Result<String, Problem> {
    media::check(headers, TEXT_OR_JSON)?;
    if media::check(headers, media::JSON).is_ok() {
        let value =
            serde_json::from_slice(body).map_err(|fault| Problem::new(Code::BadUserInput, format!("not JSON: {fault}")))?;
        return value_of(&value).ok_or_else(|| Problem::new(Code::BadUserInput, "a value is a text"));
    }
    String::from_utf8(body.to_vec()).map_err(|_| Problem::new(Code::BadUserInput, "the body is not UTF-8"))
}

/// Texts as they are, numbers and booleans as they are written.
fn value_of(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

fn entries(headers: &HeaderMap, body: &[u8]) -> Result<Entries, Problem> {
    media::check(headers, media::JSON)?;
    let object: serde_json::Map<String, Value> = serde_json::from_slice(body)
        .map_err(|fault| Problem::new(Code::BadUserInput, format!("the body must be a JSON object of texts: {fault}")))?;
    let mut entries = Entries::new();
    let mut faults = Vec::new();
    for (key, value) in object {
        match value_of(&value) {
            Some(value) => drop(entries.insert(key, value)),
            None => faults.push(key),
        }
    }
    if faults.is_empty() {
        return Ok(entries);
    }
    let problem = Problem::new(Code::BadUserInput, "a value is a text, a number or a boolean");
    Err(faults.into_iter().take(20).fold(problem, |problem, key| {
        problem.with_fault(Code::BadUserInput, "this is neither a text, nor a number, nor a boolean", vec![key])
    }))
}
