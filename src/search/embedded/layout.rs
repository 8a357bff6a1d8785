//! Where things stand in the inverted index.

use tantivy::schema::{FAST, Field, INDEXED, NumericOptions, STRING, Schema};

use super::super::{Collection, Result};

#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) schema: Schema,
    pub(super) id: Field,
    pub(super) seq_no: Field,
}

impl Layout {
    pub(super) fn new(_collection: &Collection) -> Result<Layout> {
        let mut schema = Schema::builder();
        let id = schema.add_text_field("id", STRING | FAST);
        let seq_no = schema.add_u64_field("seq_no", NumericOptions::from(INDEXED | FAST));
        Ok(Layout { schema: schema.build(), id, seq_no })
    }

    pub(super) fn fits(&self, _collection: &Collection) -> bool {
        true
    }
}
