//! Documents written as lines of a file, as `reading` reads them back.

use serde_json::json;

use crate::search::Document;

/// The document as a line of NDJSON, its id as `_id`.
pub fn line(document: Document) -> serde_json::Result<Vec<u8>> {
    let mut source = document.source;
    source.insert("_id".into(), json!(document.id.as_str()));
    let mut text = serde_json::to_vec(&source)?;
    text.push(b'\n');
    Ok(text)
}
