//! Documents -> index: for now their id and number alone.

use tantivy::TantivyDocument;

use super::super::{Collection, Error, Result, Source};
use super::layout::Layout;

pub(super) fn check(collection: &Collection, source: &Source) -> Result<()> {
    for name in source.keys() {
        if collection.field(name).is_none() {
            return Err(Error::Invalid { message: format!("there is no field {name:?}"), path: vec![name.clone()] });
        }
    }
    Ok(())
}

pub(super) fn index_document(layout: &Layout, _: &Collection, id: &str, seq_no: u64, _: &Source) -> Result<TantivyDocument> {
    let mut document = TantivyDocument::new();
    document.add_text(layout.id, id);
    document.add_u64(layout.seq_no, seq_no);
    Ok(document)
}
