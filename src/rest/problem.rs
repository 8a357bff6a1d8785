//! Errors as callers of REST see them: `application/problem+json`, made from the one table of codes. Causes go to the log.

use std::collections::BTreeMap;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::openapi::{self, RefOr};

use crate::error::Code;
use crate::search;
use crate::telemetry::audit::Refusal;

/// What went wrong, and what to change.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Problem {
    /// As GraphQL has it in `extensions.code`.
    #[schema(value_type = String, example = "BAD_USER_INPUT")]
    pub code: &'static str,
    #[schema(example = "Bad Request")]
    pub title: String,
    #[schema(example = 400)]
    pub status: u16,
    pub detail: String,
    /// Of input: what is wrong, and where.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<Fault>,
}

/// One thing that is wrong with the input.
#[derive(Clone, Debug, Serialize, utoipa::ToSchema)]
pub struct Fault {
    #[schema(value_type = String, example = "BAD_USER_INPUT")]
    pub code: &'static str,
    pub message: String,
    /// Leads into the input.
    #[schema(example = json!(["filter", "size", "gte"]))]
    pub path: Vec<String>,
}

impl Fault {
    pub fn new(code: Code, message: impl Into<String>, path: Vec<String>) -> Self {
        Fault { code: code.as_str(), message: message.into(), path }
    }
}

/// What most operations may answer, for `responses(…)`.
impl utoipa::IntoResponses for Problem {
    fn responses() -> BTreeMap<String, RefOr<openapi::Response>> {
        let content = openapi::Content::new(Some(openapi::Ref::from_schema_name("Problem")));
        let response = openapi::ResponseBuilder::new().content("application/problem+json", content).build();
        BTreeMap::from([("4XX".to_owned(), response.into())])
    }
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let problem = Problem { code: code.as_str(), title: String::new(), status: 0, detail: detail.into(), errors: Vec::new() };
        problem.with_status(StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR))
    }

    pub fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status.as_u16();
        self.title = status.canonical_reason().unwrap_or("Error").to_owned();
        self
    }

    pub fn with_fault(mut self, code: Code, message: impl Into<String>, path: Vec<String>) -> Self {
        self.errors.push(Fault::new(code, message, path));
        self
    }
}

/// Logs what only operators may see.
pub(super) fn log_cause(fault: &search::Error) {
    if let Some(cause) = fault.cause() {
        tracing::warn!(code = Code::from(fault).as_str(), cause, "the engine failed");
    }
}

impl From<search::Error> for Problem {
    fn from(fault: search::Error) -> Self {
        log_cause(&fault);
        let code = Code::from(&fault);
        let problem = Problem::new(code, fault.to_string());
        match fault {
            search::Error::Invalid { message, path } if !path.is_empty() => problem.with_fault(code, message, path),
            _ => problem,
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let refusal = Refusal::of(self.code, None);
        let mut response = (status, Json(self)).into_response();
        if let Some(refusal) = refusal {
            response.extensions_mut().insert(refusal);
        }
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response
    }
}
