//! Orders, as Elasticsearch sorts: in each segment every key of a document becomes a number, its rank, so that smaller comes
//! first on the way one walks; between segments, texts are compared themselves. Cursors are made and read here.
//!
//! Missing numbers are the largest or smallest number there is, so a real one ties with them; missing texts are apart.

mod ranks;

use std::cmp::Ordering;

use serde_json::Value as Json;
use tantivy::SegmentReader;

use super::super::{Direction, Error, GeoPoint, Key, Kind, Missing, Number, Order, Query, Result};
use super::codes;
use super::layout::values_column;
pub(super) use ranks::SegmentSorting;

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
        SegmentSorting::of(&self.keys, self.backward, segment)
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
