//! Where things stand in the inverted index. The schema is the same for every collection, so a field can be added at any time:
//! a term is the path of its field, a zero byte, and the value; columns are named by the path.
//!
//! The index keeps no field norms: lengths of texts are columns, from which `norms` computes what Lucene would.

use tantivy::schema::{BytesOptions, FAST, INDEXED, NumericOptions};
use tantivy::schema::{Field, IndexRecordOption, JsonObjectOptions, STRING, Schema, TextFieldIndexing, TextOptions};

use super::super::{Collection, Kind, Result};
use super::analysis::{check_analyzer, check_normalizer};
use super::elements::Levels;
use super::nearest::{VECTORS, Vectors};
use super::norms::Norms;
use super::suggesting::peaks::AllPeaks;

pub(super) const ID: &str = "id";
pub(super) const SEQ_NO: &str = "seq_no";
const VALUES: &str = "values";
const WORDS: &str = "words";
const COLUMNS: &str = "columns";
const LENGTHS: &str = "lengths";

/// The handles of an index; one for each open index, for it also keeps what was computed of its segments.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub(super) schema: Schema,
    /// A document's own id, as a term (to delete it by) and a column.
    pub(super) id: Field,
    /// The sequence number of the write, as a term and a column.
    pub(super) seq_no: Field,
    /// Exact values: path, zero, value as `codes` writes it.
    pub(super) values: Field,
    /// Words of texts: path, zero, word; with frequencies and positions.
    pub(super) words: Field,
    /// One column for each path: numbers, booleans and dates as whole numbers that sort alike, keywords and addresses as text.
    pub(super) columns: Field,
    /// One column for each text: how many words it has.
    pub(super) lengths: Field,
    pub(super) norms: Norms,
    /// A column of all vectors of a document.
    pub(super) vectors: Field,
    pub(super) nearness: Vectors,
    pub(super) levels: Levels,
    pub(super) peaks: AllPeaks,
}

impl Layout {
    /// Refuses a collection with an analyzer or a normalizer that is not built in.
    pub(super) fn new(collection: &Collection) -> Result<Layout> {
        check(collection)?;
        let mut schema = Schema::builder();
        let id = schema.add_text_field(ID, STRING | FAST);
        let seq_no = schema.add_u64_field(SEQ_NO, NumericOptions::from(INDEXED | FAST));
        let values = schema.add_bytes_field(VALUES, INDEXED);
        let positions = TextFieldIndexing::default()
            .set_tokenizer("raw")
            .set_fieldnorms(false)
            .set_index_option(IndexRecordOption::WithFreqsAndPositions);
        let words = schema.add_text_field(WORDS, TextOptions::default().set_indexing_options(positions));
        let columns = schema.add_json_field(COLUMNS, JsonObjectOptions::default().set_fast("raw"));
        let lengths = schema.add_json_field(LENGTHS, JsonObjectOptions::default().set_fast("raw"));
        let vectors = schema.add_bytes_field(VECTORS, BytesOptions::default().set_fast());
        let (norms, levels, nearness) = (Norms::default(), Levels::default(), Vectors::default());
        let peaks = AllPeaks::default();
        let schema = schema.build();
        Ok(Layout { schema, id, seq_no, values, words, columns, lengths, norms, levels, vectors, nearness, peaks })
    }

    /// Whether an index of this layout can hold documents of the collection without being built again.
    pub(super) fn fits(&self, collection: &Collection) -> bool {
        check(collection).is_ok()
    }
}

fn check(collection: &Collection) -> Result<()> {
    for field in collection.all_fields() {
        match &field.kind {
            Kind::Keyword(exact) => check_normalizer(exact)?,
            Kind::Text { analyzer, exact } => {
                check_analyzer(analyzer)?;
                exact.as_ref().map_or(Ok(()), check_normalizer)?;
            }
            _ => {}
        }
    }
    Ok(())
}

/// The name of a path's column. A dot and a backslash mean something in such names, so others stand for them.
pub(super) fn column_name(path: &str) -> String {
    path.chars()
        .map(|c| match c {
            '.' => '\u{1F}',
            '\\' => '\u{1E}',
            c => c,
        })
        .collect()
}

/// The whole name of the column of exact values at a path.
pub(super) fn values_column(path: &str) -> String {
    format!("{COLUMNS}.{}", column_name(path))
}

/// The whole name of the column of lengths of a text.
pub(super) fn lengths_column(path: &str) -> String {
    format!("{LENGTHS}.{}", column_name(path))
}
