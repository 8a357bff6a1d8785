//! The page that says what went wrong, with the status that the table of errors gives it.

use askama::Template;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};

use super::layout::{Layout, send};
use crate::catalog::ask;
use crate::error::Code;
use crate::search;
use crate::telemetry::audit::Refusal;

/// Why there is no page.
#[derive(Debug)]
pub(super) struct Fault {
    code: Code,
    /// For whoever reads the page.
    message: String,
}

#[derive(Template)]
#[template(path = "fault.html")]
struct FaultPage {
    layout: Layout,
    status: u16,
    headline: &'static str,
    message: String,
}

impl Fault {
    pub(super) fn new(code: Code, message: impl Into<String>) -> Self {
        Fault { code, message: message.into() }
    }

    pub(super) fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn status(&self) -> StatusCode {
        StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }
}

impl From<search::Error> for Fault {
    fn from(fault: search::Error) -> Self {
        let code = Code::from(&fault);
        if let Some(cause) = fault.cause() {
            tracing::warn!(code = code.as_str(), cause, "the engine failed");
        }
        Fault::new(code, sentence(&fault.to_string()))
    }
}

impl From<ask::Fault> for Fault {
    fn from(fault: ask::Fault) -> Self {
        let message = match fault.path.as_slice() {
            [] => fault.message,
            path => format!("{}: {}", path.join(" › "), fault.message),
        };
        Fault::new(fault.code, sentence(&message))
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let status = self.status();
        let headline = match self.code {
            Code::NotFound => "Nothing here",
            Code::BackendUnavailable => "The search engine is not available",
            Code::Timeout => "That took too long",
            Code::Unsupported => "This engine cannot do that",
            Code::Internal | Code::PartialResult => "Something went wrong",
            Code::Unauthenticated | Code::Forbidden => "Not allowed",
            _ => "That cannot be answered",
        };
        let page = FaultPage { layout: Layout::new(headline, ""), status: status.as_u16(), headline, message: self.message };
        let mut response = send(status, &page);
        if let Some(refusal) = Refusal::of(self.code.as_str(), None) {
            response.extensions_mut().insert(refusal);
        }
        response
    }
}

/// Begins like a sentence and ends like one.
pub(super) fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let mut sentence: String = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    sentence.push_str(letters.as_str());
    if !sentence.is_empty() && !sentence.ends_with(['.', '!', '?', ':']) {
        sentence.push('.');
    }
    sentence
}

/// An address that is none: a page for people; programs get what the server says to them.
pub(super) async fn show_nothing(uri: Uri, headers: HeaderMap) -> Response {
    let wants_page =
        headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("text/html"));
    if wants_page && !uri.path().starts_with("/v1/") {
        Fault::new(Code::NotFound, format!("There is no page at {}.", uri.path())).into_response()
    } else {
        StatusCode::NOT_FOUND.into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_become_sentences() {
        assert_eq!(sentence("the engine is not available"), "The engine is not available.");
        assert_eq!(sentence("Änderung?"), "Änderung?");
        assert_eq!(sentence(""), "");
    }

    #[test]
    fn a_fault_has_the_status_of_its_code() {
        let fault = Fault::from(search::Error::Unavailable("secret address".into()));
        assert_eq!((fault.status().as_u16(), fault.message()), (503, "The search engine is not available."));
    }
}
