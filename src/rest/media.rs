//! Content types: a write names what it sends, so that no form of a foreign page can be one. And bodies of JSON.

use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::problem::Problem;
use crate::error::Code;

pub(super) const JSON: &[&str] = &["application/json"];
/// A JSON merge patch.
pub(super) const PATCH: &[&str] = &["application/merge-patch+json", "application/json"];
/// The first is the one we answer with.
pub(super) const NDJSON: &[&str] = &["application/x-ndjson", "application/ndjson", "application/jsonl"];

/// The content type without its parameters.
pub(super) fn kind(headers: &HeaderMap) -> String {
    let given = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    given.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

/// The content type is one of these, whatever its parameters are.
pub(super) fn check(headers: &HeaderMap, allowed: &[&str]) -> Result<(), Problem> {
    if allowed.contains(&kind(headers).as_str()) {
        return Ok(());
    }
    let detail = format!("send it with the content type {}", allowed.join(" or "));
    Err(Problem::new(Code::BadUserInput, detail).with_status(StatusCode::UNSUPPORTED_MEDIA_TYPE))
}

/// A body that is one JSON object. A list would pass for a struct, its items taken for the fields in order.
pub(super) fn read_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let wrong = |why: String| Problem::new(Code::BadUserInput, format!("the body must be one JSON object: {why}"));
    match body.trim_ascii_start().first() {
        Some(b'{') => serde_json::from_slice(body).map_err(|fault| wrong(fault.to_string())),
        None => Err(wrong("it is empty".into())),
        Some(_) => Err(wrong("it is something else".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_no_object() {
        #[derive(serde::Deserialize)]
        struct One {
            a: u32,
        }
        let read = |text: &str| read_object::<One>(text.as_bytes()).map(|one| one.a).map_err(|problem| problem.status);
        assert_eq!(read(" \n{\"a\": 3}"), Ok(3));
        for wrong in ["[3]", "", "3", "{\"a\": 3} 4", "{", "null"] {
            assert_eq!(read(wrong), Err(400), "{wrong}");
        }
    }

    #[test]
    fn parameters_and_case_do_not_matter() {
        let with = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, header::HeaderValue::from_static(text));
            check(&headers, JSON).is_ok()
        };
        assert!(with("application/json") && with("Application/JSON; charset=utf-8"));
        assert!(!with("text/plain") && !with("application/jsonx") && !with(""));
        assert_eq!(check(&HeaderMap::new(), NDJSON).unwrap_err().status, 415);
    }
}
