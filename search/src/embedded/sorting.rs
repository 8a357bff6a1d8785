//! Orders, as Elasticsearch sorts: in each segment every key of a document becomes a number, its rank, so that smaller comes
//! first on the way one walks; between segments, texts are compared themselves. Cursors are made and read here.
//!
//! Missing numbers are the largest or smallest number there is, so a real one ties with them; missing texts are apart.

use std::cmp::Ordering;

use serde_json::Value as Json;
use tantivy::columnar::{Column, ColumnIndex, StrColumn};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, SegmentReader};

use super::super::geo;
use super::super::{Direction, Error, GeoPoint, Key, Kind, Missing, Number, Order, Query, Result};
use super::codes;
use super::layout::{SEQ_NO, values_column};

/// The keys of a query, without the tie-break by sequence number, which every order has.
#[derive(Clone, Debug)]
pub(super) struct Sorting {
    keys: Vec<SortKey>,
    backward: bool,
}

#[derive(Clone, Debug)]
struct SortKey {
    by: By,
    direction: Direction,
    missing: Missing,
}

#[derive(Clone, Debug)]
enum By {
    Score,
    /// The column, and what its codes are of.
    Numbers {
        column: String,
        codes: Codes,
    },
    Texts {
        column: String,
    },
    /// From the point to the points of the column, in metres.
    Distances {
        column: String,
        from: GeoPoint,
    },
}

#[derive(Clone, Copy, Debug)]
enum Codes {
    Doubles,
    /// Of 32 bits: what is missing counts as the greatest or least of them, as in Elasticsearch.
    Integers,
    /// None lies before 1970, and what is missing may count as that moment.
    Nanos,
    Longs,
}

/// A sort value as it is compared between segments and written into a cursor.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SortValue {
    Score(f32),
    Number(i64),
    Text(Option<String>),
}

/// A place in the order.
#[derive(Clone, Debug)]
pub(super) struct Spot {
    values: Vec<SortValue>,
    pub(super) seq_no: u64,
}

impl Sorting {
    pub(super) fn of(query: &Query) -> Result<Sorting> {
        let mut keys = Vec::new();
        if query.order.is_empty() && query.rank.is_some() {
            keys.push(SortKey { by: By::Score, direction: Direction::Desc, missing: Missing::Last });
        }
        for order in &query.order {
            keys.push(match order {
                Order::Score(direction) => SortKey { by: By::Score, direction: *direction, missing: Missing::Last },
                Order::Field { field, direction, missing } => {
                    if field.nested.is_some() {
                        return Err(Error::Unsupported("an order by nested elements".into()));
                    }
                    let sortable = field.columns || matches!(field.kind, Kind::Text { .. });
                    let path = field.exact_path().filter(|_| sortable);
                    let path = path.ok_or_else(|| Error::invalid(format!("`{}` cannot be sorted by", field.path)))?;
                    let column = values_column(path);
                    let by = match &field.kind {
                        Kind::Number(Number::Double | Number::Float | Number::HalfFloat) => {
                            By::Numbers { column, codes: Codes::Doubles }
                        }
                        Kind::Number(Number::Integer) => By::Numbers { column, codes: Codes::Integers },
                        Kind::Date(date) if date.nanos => By::Numbers { column, codes: Codes::Nanos },
                        Kind::Number(_) | Kind::Boolean | Kind::Date(_) => By::Numbers { column, codes: Codes::Longs },
                        _ => By::Texts { column },
                    };
                    SortKey { by, direction: *direction, missing: *missing }
                }
                Order::Distance { field, from, direction } => {
                    if field.kind != Kind::GeoPoint || field.nested.is_some() {
                        return Err(Error::invalid(format!("`{}` cannot be sorted by distance", field.path)));
                    }
                    let by = By::Distances { column: values_column(&field.path), from: *from };
                    SortKey { by, direction: *direction, missing: Missing::Last }
                }
            });
        }
        Ok(Sorting { keys, backward: query.page.backward })
    }

    pub(super) fn needs_scores(&self) -> bool {
        self.keys.iter().any(|key| matches!(key.by, By::Score))
    }

    /// Metres, by the first key that is a distance; `None` where there is no point.
    pub(super) fn distance(&self, spot: &Spot) -> Option<f64> {
        let at = self.keys.iter().position(|key| matches!(key.by, By::Distances { .. }))?;
        match spot.values.get(at) {
            Some(SortValue::Number(code)) => Some(codes::to_double(*code)).filter(|metres| metres.is_finite()),
            _ => None,
        }
    }

    pub(super) fn in_segment(&self, segment: &SegmentReader) -> Result<SegmentSorting> {
        let columns = segment.fast_fields();
        let mut readers = Vec::with_capacity(self.keys.len());
        for key in &self.keys {
            let values = match &key.by {
                By::Score => Values::Score,
                By::Numbers { column, .. } => Values::Numbers(columns.column_opt(column).map_err(Error::internal)?),
                By::Texts { column } => Values::Texts(columns.str(column).map_err(Error::internal)?),
                By::Distances { column, from } => Values::Distances(columns.column_opt(column).map_err(Error::internal)?, *from),
            };
            readers.push(Reader { values, key: key.clone(), flipped: self.backward });
        }
        let seq_no = columns.u64(SEQ_NO).map_err(Error::internal)?;
        Ok(SegmentSorting { readers, seq_no, flipped: self.backward })
    }

    /// On the way one walks.
    pub(super) fn compare(&self, left: &Spot, right: &Spot) -> Ordering {
        let pairs = left.values.iter().zip(&right.values).zip(&self.keys);
        let order = pairs
            .map(|((left, right), key)| match (left, right) {
                (SortValue::Text(left), SortValue::Text(right)) => key.compare_texts(left.as_deref(), right.as_deref()),
                _ => key.rank(left).cmp(&key.rank(right)),
            })
            .find(|order| order.is_ne())
            .unwrap_or_else(|| left.seq_no.cmp(&right.seq_no));
        if self.backward { order.reverse() } else { order }
    }

    pub(super) fn write(&self, spot: &Spot) -> Key {
        let values = spot.values.iter().map(|value| match value {
            SortValue::Score(score) => Json::from(f64::from(*score)),
            SortValue::Number(code) => Json::from(*code),
            SortValue::Text(text) => text.clone().map_or(Json::Null, Json::String),
        });
        Key(values.chain([Json::from(spot.seq_no)]).collect())
    }

    pub(super) fn read(&self, key: &Key) -> Result<Spot> {
        let foreign = || Error::invalid("the cursor belongs to another order");
        let (last, values) = key.0.split_last().ok_or_else(foreign)?;
        if values.len() != self.keys.len() {
            return Err(foreign());
        }
        let values = values.iter().zip(&self.keys).map(|(value, key)| match (&key.by, value) {
            #[expect(clippy::cast_possible_truncation, reason = "it was a float when it was written")]
            (By::Score, value) => value.as_f64().map(|score| SortValue::Score(score as f32)),
            (By::Numbers { .. } | By::Distances { .. }, value) => value.as_i64().map(SortValue::Number),
            (By::Texts { .. }, Json::Null) => Some(SortValue::Text(None)),
            (By::Texts { .. }, value) => value.as_str().map(|text| SortValue::Text(Some(text.to_owned()))),
        });
        let values = values.collect::<Option<Vec<_>>>().ok_or_else(foreign)?;
        Ok(Spot { values, seq_no: last.as_u64().ok_or_else(foreign)? })
    }
}

impl SortKey {
    /// The rank of a number or a score, forward.
    fn rank(&self, value: &SortValue) -> u64 {
        let raw = match value {
            // scores are not negative, so their bits sort as they do
            SortValue::Score(score) => u64::from(score.to_bits()),
            SortValue::Number(code) => (*code as u64) ^ (1 << 63),
            SortValue::Text(_) => 0,
        };
        if self.direction == Direction::Desc { !raw } else { raw }
    }

    /// Forward.
    fn compare_texts(&self, left: Option<&str>, right: Option<&str>) -> Ordering {
        match (left, right) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) if self.missing == Missing::First => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => self.compare_texts(right, left).reverse(),
            (Some(left), Some(right)) => {
                let order = left.as_bytes().cmp(right.as_bytes());
                if self.direction == Direction::Desc { order.reverse() } else { order }
            }
        }
    }

    /// The number that stands for none.
    fn sentinel(&self) -> i64 {
        if let By::Distances { .. } = self.by {
            return codes::of_double(f64::INFINITY);
        }
        let high = (self.direction == Direction::Asc) == (self.missing == Missing::Last);
        match (&self.by, high) {
            (By::Numbers { codes: Codes::Doubles, .. }, true) => codes::of_double(f64::INFINITY),
            (By::Numbers { codes: Codes::Doubles, .. }, false) => codes::of_double(f64::NEG_INFINITY),
            (By::Numbers { codes: Codes::Integers, .. }, true) => i32::MAX.into(),
            (By::Numbers { codes: Codes::Integers, .. }, false) => i32::MIN.into(),
            (By::Numbers { codes: Codes::Nanos, .. }, false) => 0,
            (_, true) => i64::MAX,
            (_, false) => i64::MIN,
        }
    }
}

enum Values {
    Score,
    Numbers(Option<Column<i64>>),
    Texts(Option<StrColumn>),
    Distances(Option<Column<i64>>, GeoPoint),
}

struct Reader {
    values: Values,
    key: SortKey,
    flipped: bool,
}

/// The keys of the documents of one segment.
pub(super) struct SegmentSorting {
    readers: Vec<Reader>,
    seq_no: Column<u64>,
    flipped: bool,
}

impl SegmentSorting {
    /// How many ranks a document has.
    pub(super) fn width(&self) -> usize {
        self.readers.len() + 1
    }

    /// The rank at a place; the last one is the tie-break.
    pub(super) fn rank(&self, place: usize, doc: u32, score: f32) -> u64 {
        match self.readers.get(place) {
            Some(reader) => reader.rank(doc, score),
            None => flip(self.seq_no.first(doc).unwrap_or(u64::MAX), self.flipped),
        }
    }

    /// The first ranks of some documents, where no score is among the keys; `ranks` is as long as `docs`.
    pub(super) fn first_ranks(&self, docs: &[u32], ranks: &mut [u64]) {
        match self.readers.first() {
            Some(reader) => reader.ranks(docs, ranks),
            None if is_full(&self.seq_no.index) => {
                self.seq_no.values.get_vals(docs, ranks);
                ranks.iter_mut().for_each(|rank| *rank = flip(*rank, self.flipped));
            }
            None => ranks.iter_mut().zip(docs).for_each(|(rank, doc)| *rank = self.rank(0, *doc, 0.0)),
        }
    }

    /// The ranks that a place in the order would have in this segment.
    pub(super) fn ranks_of(&self, spot: &Spot) -> Result<Vec<u64>> {
        let mut ranks = Vec::with_capacity(self.width());
        for (reader, value) in self.readers.iter().zip(&spot.values) {
            ranks.push(reader.rank_of(value)?);
        }
        ranks.push(flip(spot.seq_no, self.flipped));
        Ok(ranks)
    }

    /// What stands behind the ranks of a document.
    pub(super) fn spot(&self, doc: u32, score: f32) -> Result<Spot> {
        let values = self.readers.iter().map(|reader| reader.value(doc, score)).collect::<Result<_>>()?;
        Ok(Spot { values, seq_no: self.seq_no.first(doc).unwrap_or(u64::MAX) })
    }
}

/// Ranks of texts: of ordinal n it is 2n + 2, so that a text between two others finds a place, and both ends stay free for missing ones.
fn rank_of_ordinal(ordinal: u64) -> u64 {
    ordinal * 2 + 2
}

fn flip(rank: u64, flipped: bool) -> u64 {
    if flipped { !rank } else { rank }
}

/// Every document has exactly one value.
fn is_full(index: &ColumnIndex) -> bool {
    matches!(index, ColumnIndex::Full)
}

impl Reader {
    fn ranks(&self, docs: &[u32], ranks: &mut [u64]) {
        match &self.values {
            Values::Numbers(Some(column)) if is_full(&column.index) && docs.len() <= COLLECT_BLOCK_BUFFER_LEN => {
                let mut numbers = [0; COLLECT_BLOCK_BUFFER_LEN];
                let numbers = &mut numbers[..docs.len()];
                column.values.get_vals(docs, numbers);
                for (rank, number) in ranks.iter_mut().zip(numbers) {
                    *rank = flip(self.key.rank(&SortValue::Number(*number)), self.flipped);
                }
            }
            Values::Texts(Some(column)) if is_full(&column.ords().index) => {
                column.ords().values.get_vals(docs, ranks);
                for rank in ranks {
                    *rank = flip(self.text_rank(Some(rank_of_ordinal(*rank))), self.flipped);
                }
            }
            _ => ranks.iter_mut().zip(docs).for_each(|(rank, doc)| *rank = self.rank(*doc, 0.0)),
        }
    }

    fn rank(&self, doc: u32, score: f32) -> u64 {
        let rank = match &self.values {
            Values::Score => self.key.rank(&SortValue::Score(score)),
            Values::Numbers(_) | Values::Distances(..) => self.key.rank(&SortValue::Number(self.number(doc))),
            Values::Texts(_) => self.text_rank(self.ordinal(doc).map(rank_of_ordinal)),
        };
        flip(rank, self.flipped)
    }

    /// Forward.
    fn text_rank(&self, rank: Option<u64>) -> u64 {
        match (rank, self.key.missing, self.key.direction) {
            (None, Missing::First, _) => 0,
            (None, Missing::Last, _) => u64::MAX,
            (Some(rank), _, Direction::Asc) => rank,
            (Some(rank), _, Direction::Desc) => !rank,
        }
    }

    /// The least value of a list ascending, the greatest descending.
    fn number(&self, doc: u32) -> i64 {
        let extreme = |values: &mut dyn Iterator<Item = i64>| match self.key.direction {
            Direction::Asc => values.min(),
            Direction::Desc => values.max(),
        };
        let found = match &self.values {
            Values::Numbers(Some(column)) => extreme(&mut column.values_for_doc(doc)),
            Values::Distances(Some(column), from) => {
                let away = |code| codes::of_double(geo::metres(*from, geo::Cell::of_code(code).point()));
                extreme(&mut column.values_for_doc(doc).map(away))
            }
            _ => None,
        };
        found.unwrap_or_else(|| self.key.sentinel())
    }

    fn ordinal(&self, doc: u32) -> Option<u64> {
        let Values::Texts(Some(column)) = &self.values else { return None };
        let ordinals = column.term_ords(doc);
        if self.key.direction == Direction::Asc { ordinals.min() } else { ordinals.max() }
    }

    fn rank_of(&self, value: &SortValue) -> Result<u64> {
        let rank = match (value, &self.values) {
            (SortValue::Text(None), _) => self.text_rank(None),
            (SortValue::Text(Some(text)), Values::Texts(Some(column))) => {
                let dictionary = column.dictionary();
                let rank = match dictionary.term_ord(text.as_bytes()).map_err(Error::internal)? {
                    Some(ordinal) => rank_of_ordinal(ordinal),
                    None => {
                        let (first, _) = dictionary
                            .term_bounds_to_ord(std::ops::Bound::Included(text.as_bytes()), std::ops::Bound::Unbounded)
                            .map_err(Error::internal)?;
                        let next = match first {
                            std::ops::Bound::Included(ordinal) => ordinal.min(dictionary.num_terms() as u64),
                            _ => dictionary.num_terms() as u64,
                        };
                        rank_of_ordinal(next) - 1
                    }
                };
                self.text_rank(Some(rank))
            }
            // no document of the segment has the field: any rank between the ends will do
            (SortValue::Text(Some(_)), _) => self.text_rank(Some(1)),
            (value, _) => self.key.rank(value),
        };
        Ok(flip(rank, self.flipped))
    }

    fn value(&self, doc: u32, score: f32) -> Result<SortValue> {
        Ok(match &self.values {
            Values::Score => SortValue::Score(score),
            Values::Numbers(_) | Values::Distances(..) => SortValue::Number(self.number(doc)),
            Values::Texts(column) => match (self.ordinal(doc), column) {
                (Some(ordinal), Some(column)) => {
                    let mut text = String::new();
                    if !column.ord_to_str(ordinal, &mut text).map_err(Error::internal)? {
                        return Err(Error::internal("an ordinal without a text"));
                    }
                    SortValue::Text(Some(text))
                }
                _ => SortValue::Text(None),
            },
        })
    }
}
