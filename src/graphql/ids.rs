//! Global ids: collection, concrete index, routing and id of one document as one opaque text.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::search::{Document, DocumentId};

/// What a global id names; the collection may be gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Global {
    pub(crate) collection: String,
    pub(crate) index: Arc<str>,
    pub(crate) routing: Option<Arc<str>>,
    pub(crate) id: DocumentId,
}

/// No id is longer: names have up to 255 bytes, ids and routings up to 512, and escaping may double them.
const LONGEST: usize = 8 * 1024;

pub(crate) fn write(collection: &str, document: &Document) -> String {
    let parts = (collection, &*document.index, document.routing.as_deref(), document.id.as_str());
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&parts).unwrap_or_default())
}

/// Of a job. No collection has an empty name.
pub(crate) fn write_job(id: &str) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&("", "job", None::<&str>, id)).unwrap_or_default())
}

/// The job that a global id names, if it is one.
pub(crate) fn job(text: &str) -> Option<String> {
    let global = read(text)?;
    (global.collection.is_empty() && &*global.index == "job").then(|| global.id.to_string())
}

/// `None`: it is no id that hooke gave out.
pub(crate) fn read(text: &str) -> Option<Global> {
    if text.len() > LONGEST {
        return None;
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
    let (collection, index, routing, id): (String, String, Option<String>, String) = serde_json::from_slice(&bytes).ok()?;
    Some(Global { collection, index: index.into(), routing: routing.map(Into::into), id: DocumentId::parse(&id).ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{Source, Version};

    #[test]
    fn comes_back_whole() {
        let document = Document {
            id: DocumentId::parse("a\"/é\n").unwrap(),
            index: "logs-2026.11.21".into(),
            routing: Some("r".into()),
            version: Version { seq_no: 1, primary_term: 1 },
            source: Source::new(),
        };
        let read = read(&write("logs", &document)).unwrap();
        assert_eq!((read.collection.as_str(), &read.index, &read.routing), ("logs", &document.index, &document.routing));
        assert_eq!(read.id, document.id);
    }

    #[test]
    fn refuses_what_it_did_not_write() {
        for text in ["", "x", "bm9uc2Vuc2U", "W10", &URL_SAFE_NO_PAD.encode(r#"["a","b",null,""]"#)] {
            assert_eq!(read(text), None, "{text}");
        }
    }
}
