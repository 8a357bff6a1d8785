//! Whether a value is one that a field takes, told before anything is written. Both engines take what passes here; what they
//! refuse beyond it (a mapping with rules of its own) is theirs to tell.

use serde_json::Value as Json;

use super::{Value, from_document, read_vector};
use crate::{Exact, Field, Kind};

/// A keyword may not be longer than this in bytes, for a term may not.
pub const LONGEST_TERM: usize = 32_766;

/// One value of a document, no list and not null. An error is in words for its writer. Objects, points and free forms have
/// no single values and are not looked at.
pub fn fits(field: &Field, json: &Json) -> Result<(), String> {
    let exact = match &field.kind {
        Kind::Object | Kind::Nested | Kind::GeoPoint | Kind::Json { .. } => return Ok(()),
        Kind::Vector { dims, similarity, indexed } => {
            return read_vector(json, *dims, indexed.then_some(*similarity)).map(drop);
        }
        Kind::Keyword(exact) => (field.indexed || field.columns).then_some(exact),
        Kind::Text { exact, .. } => exact.as_ref(),
        _ => None,
    };
    match (from_document(&field.kind, json)?, exact) {
        (Some(Value::Text(text)), Some(exact)) if text.len() > LONGEST_TERM && !is_cut(exact, &text) => {
            Err(format!("a keyword may have {LONGEST_TERM} bytes, this one has {}", text.len()))
        }
        _ => Ok(()),
    }
}

/// In the document, but left out of the index.
fn is_cut(exact: &Exact, text: &str) -> bool {
    exact.ignore_above.is_some_and(|most| text.encode_utf16().count() > most as usize)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn long_keywords_fit_where_they_are_cut() {
        let keyword = |ignore_above| Field::new("k", Kind::Keyword(Exact { path: "k".into(), ignore_above, normalizer: None }));
        let long = json!("x".repeat(LONGEST_TERM + 1));
        assert!(fits(&keyword(None), &long).is_err());
        assert!(fits(&keyword(Some(256)), &long).is_ok());
        assert!(fits(&keyword(None), &json!("x".repeat(LONGEST_TERM))).is_ok());
    }
}
