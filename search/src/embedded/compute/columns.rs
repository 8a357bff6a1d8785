//! The columns of fields, opened once for all that is computed of a query, and the values of some documents read from them.
//!
//! A value is a code: of a text its place in the dictionary of its segment, else the number that the column holds.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;

use tantivy::columnar::{Column, ColumnIndex, StrColumn};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, Searcher};

use super::super::super::date::Time;
use super::super::super::value::{Value, shortest};
use super::super::super::{Error, Field, Kind, Number, Result};
use super::super::codes;
use super::super::layout::values_column;

pub(super) struct Columns<'a> {
    searcher: &'a Searcher,
    opened: RefCell<HashMap<String, Rc<Vec<Codes>>>>,
}

/// One field in one segment.
pub(super) enum Codes {
    Nothing,
    Numbers(Column<i64>),
    Texts(StrColumn),
}

impl<'a> Columns<'a> {
    pub(super) fn of(searcher: &'a Searcher) -> Columns<'a> {
        Columns { searcher, opened: RefCell::default() }
    }

    /// One for each segment.
    pub(super) fn open(&self, field: &Field) -> Result<Rc<Vec<Codes>>> {
        let path = field.exact_path().ok_or_else(|| Error::invalid(format!("values of {} cannot be counted", field.path)))?;
        self.open_at(path, is_text(field))
    }

    /// Points of places, by the codes of their cells.
    pub(super) fn open_places(&self, field: &Field) -> Result<Rc<Vec<Codes>>> {
        self.open_at(&field.path, false)
    }

    fn open_at(&self, path: &str, texts: bool) -> Result<Rc<Vec<Codes>>> {
        if let Some(opened) = self.opened.borrow().get(path) {
            return Ok(Rc::clone(opened));
        }
        let name = values_column(path);
        let open = |segment: &tantivy::SegmentReader| {
            let columns = segment.fast_fields();
            Ok(if texts {
                columns.str(&name).map_err(Error::internal)?.map_or(Codes::Nothing, Codes::Texts)
            } else {
                columns.column_opt(&name).map_err(Error::internal)?.map_or(Codes::Nothing, Codes::Numbers)
            })
        };
        let opened = Rc::new(self.searcher.segment_readers().iter().map(open).collect::<Result<Vec<_>>>()?);
        self.opened.borrow_mut().insert(path.to_owned(), Rc::clone(&opened));
        Ok(opened)
    }
}

/// Held as text: keywords and addresses.
pub(super) fn is_text(field: &Field) -> bool {
    matches!(field.kind, Kind::Keyword(_) | Kind::Text { .. } | Kind::Ip)
}

impl Codes {
    /// Every value of these documents, with the place of the document among them. A number may come twice, a text never does.
    pub(super) fn read(&self, docs: &[u32], found: impl FnMut(usize, i64)) {
        match self {
            Codes::Nothing => {}
            Codes::Numbers(column) => read(column, docs, found),
            Codes::Texts(column) => {
                let mut found = found;
                read(column.ords(), docs, |at, ord: u64| found(at, ord.cast_signed()));
            }
        }
    }

    /// Whether a document may hold several values.
    pub(super) fn has_lists(&self) -> bool {
        let index = match self {
            Codes::Nothing => return false,
            Codes::Numbers(column) => &column.index,
            Codes::Texts(column) => &column.ords().index,
        };
        matches!(index, ColumnIndex::Multivalued(_))
    }
}

fn read<T: PartialOrd + Copy + Default + std::fmt::Debug + Send + Sync + 'static>(
    column: &Column<T>,
    docs: &[u32],
    mut found: impl FnMut(usize, T),
) {
    match &column.index {
        ColumnIndex::Empty { .. } => {}
        ColumnIndex::Full => {
            let mut values = [T::default(); COLLECT_BLOCK_BUFFER_LEN];
            for (block, docs) in docs.chunks(COLLECT_BLOCK_BUFFER_LEN).enumerate() {
                let values = &mut values[..docs.len()];
                column.values.get_vals(docs, values);
                for (at, value) in values.iter().enumerate() {
                    found(block * COLLECT_BLOCK_BUFFER_LEN + at, *value);
                }
            }
        }
        ColumnIndex::Optional(_) => {
            for (at, doc) in docs.iter().enumerate() {
                if let Some(value) = column.first(*doc) {
                    found(at, value);
                }
            }
        }
        ColumnIndex::Multivalued(_) => {
            for (at, doc) in docs.iter().enumerate() {
                for value in column.values_for_doc(*doc) {
                    found(at, value);
                }
            }
        }
    }
}

/// Whatever is computed of dates is computed of milliseconds, as in Elasticsearch.
pub(super) fn computed(kind: &Kind, code: i64) -> i64 {
    if matches!(kind, Kind::Date(date) if date.nanos) { code.div_euclid(1_000_000) } else { code }
}

/// A code that went through [`computed`], as a double.
#[expect(clippy::cast_precision_loss, reason = "numbers over values are doubles")]
pub(super) fn double(kind: &Kind, code: i64) -> f64 {
    match kind {
        Kind::Number(Number::Double | Number::Float | Number::HalfFloat) => codes::to_double(code),
        _ => code as f64,
    }
}

/// A code that went through [`computed`], as a value.
pub(super) fn value(kind: &Kind, code: i64) -> Value {
    match kind {
        Kind::Number(Number::Double | Number::Float | Number::HalfFloat) => Value::Double(codes::to_double(code)),
        Kind::Boolean => Value::Boolean(code != 0),
        Kind::Date(_) => Value::Date(Time::from_millis(code)),
        _ => Value::Long(code),
    }
}

/// A text of a column as a value.
pub(super) fn text(kind: &Kind, text: String) -> Result<Value> {
    if *kind != Kind::Ip {
        return Ok(Value::Text(text));
    }
    let bits = u128::from_str_radix(&text, 16).map_err(Error::internal)?;
    Ok(Value::Ip(shortest(std::net::Ipv6Addr::from(bits).into())))
}
