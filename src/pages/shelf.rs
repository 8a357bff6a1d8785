//! Collections where the pages look for them, and the addresses of what is about them.

use std::sync::Arc;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::fault::Fault;
use crate::app::App;
use crate::catalog::{Catalog, Exposed};
use crate::error::Code;
use crate::search::Call;

/// One segment of a path, or one value of a query string.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The catalog of the moment; where there was none yet, what the engine says now, or why it says nothing.
pub(super) async fn catalog(app: &App, call: &Call) -> Result<Arc<Catalog>, Fault> {
    let catalog = app.catalog.now();
    if catalog.revision > 0 {
        return Ok(catalog);
    }
    app.catalog.refresh(call).await?;
    Ok(app.catalog.now())
}

pub(super) async fn find(app: &App, call: &Call, name: &str) -> Result<Arc<Exposed>, Fault> {
    let catalog = catalog(app, call).await?;
    let found = catalog.collection(name).cloned();
    found.ok_or_else(|| Fault::new(Code::NotFound, format!("There is no collection “{name}”.")))
}

pub(super) fn search_address(collection: &str) -> String {
    format!("/search/{}", utf8_percent_encode(collection, SEGMENT))
}

pub(super) fn document_address(collection: &str, id: &str) -> String {
    // a dot or two alone would be taken for a step in the path
    let id = match id {
        "." => "%2E".to_owned(),
        ".." => "%2E%2E".to_owned(),
        id => utf8_percent_encode(id, SEGMENT).to_string(),
    };
    format!("/documents/{}/{id}", utf8_percent_encode(collection, SEGMENT))
}

pub(super) fn playground_address(query: &str) -> String {
    format!("/playground?query={}", utf8_percent_encode(query, SEGMENT))
}

/// With a thin space between thousands, from five digits on: a year stays a year.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let first = digits.len() % 3;
    let mut parts: Vec<&str> = Vec::new();
    if first > 0 {
        parts.push(&digits[..first]);
    }
    let mut at = first;
    while at < digits.len() {
        parts.push(&digits[at..at + 3]);
        at += 3;
    }
    parts.join("\u{202f}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_escaped_whole() {
        assert_eq!(document_address("a b", "x/y?z"), "/documents/a%20b/x%2Fy%3Fz");
        assert_eq!(document_address("a", ".."), "/documents/a/%2E%2E");
        assert_eq!(search_address("blog-posts"), "/search/blog-posts");
    }

    #[test]
    fn thousands_are_told_apart() {
        for (number, text) in [(0, "0"), (1066, "1066"), (10_000, "10\u{202f}000"), (1_234_567, "1\u{202f}234\u{202f}567")] {
            assert_eq!(grouped(number), text);
        }
    }
}
