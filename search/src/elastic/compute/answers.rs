//! Parts of an answer: what is not there, or is not what it should be, is an error.

use serde_json::Value as Json;

use crate::{Error, Result};

pub(in crate::elastic) fn lacking(what: &str) -> Error {
    Error::Internal(format!("an answer to a search without {what}"))
}

pub(in crate::elastic) fn part<'a>(json: &'a Json, name: &str) -> Result<&'a Json> {
    json.get(name).filter(|part| part.is_object()).ok_or_else(|| lacking(name))
}

pub(in crate::elastic) fn buckets(json: &Json) -> Result<&Vec<Json>> {
    json.get("buckets").and_then(Json::as_array).ok_or_else(|| lacking("buckets"))
}

pub(super) fn whole(json: &Json, name: &str) -> Result<u64> {
    json.get(name).and_then(Json::as_u64).ok_or_else(|| lacking(name))
}

/// Of documents, in a bucket.
pub(in crate::elastic) fn count(json: &Json) -> Result<u64> {
    whole(json, "doc_count")
}

/// A double; `null` where there is none. What JSON cannot say as a number stands there as a text.
pub(super) fn number(json: &Json, name: &str) -> Result<Option<f64>> {
    match json.get(name) {
        Some(Json::Null) => Ok(None),
        Some(Json::Number(number)) => number.as_f64().map(Some).ok_or_else(|| lacking(name)),
        Some(Json::String(text)) => match text.as_str() {
            "Infinity" => Ok(Some(f64::INFINITY)),
            "-Infinity" => Ok(Some(f64::NEG_INFINITY)),
            "NaN" => Ok(Some(f64::NAN)),
            _ => Err(lacking(name)),
        },
        _ => Err(lacking(name)),
    }
}
