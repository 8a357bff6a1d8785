//! Orders -> sort keys with the tie-break, and keys of hits -> `search_after`. Pure.
//!
//! Live, a hit is told apart by `_seq_no`, which is unique within its shard, and then by the shard: the upper half of
//! `_shard_doc`. The lower half is a document number, which merges and replicas change, so it is masked out of `search_after`
//! and never decides. In a snapshot the order is the same, and the document number lasts as long as it does.

use serde_json::{Value as Json, json};

use super::filters::place;
use crate::{Direction, Error, FieldRef, Key, Kind, Missing, Number, Order, Result};

/// How the order is walked.
#[derive(Clone, Copy, Debug)]
pub(super) struct Walk {
    /// From the end: every direction is flipped.
    pub backward: bool,
    pub snapshot: bool,
    /// Several indices, which may store the same field in different widths.
    pub many: bool,
}

pub(super) fn keys(order: &[Order], walk: Walk) -> Result<Vec<Json>> {
    let mut keys = order.iter().map(|order| key(order, walk)).collect::<Result<Vec<_>>>()?;
    let direction = word(walk.turn(Direction::Asc));
    keys.push(json!({"_seq_no": {"order": direction}}));
    keys.push(json!({"_shard_doc": {"order": direction}}));
    Ok(keys)
}

/// The sort values from which a walk goes on.
pub(super) fn after(order: &[Order], key: &Key, walk: Walk) -> Result<Vec<Json>> {
    if key.0.len() != order.len() + 2 {
        return Err(Error::invalid("the cursor belongs to another order"));
    }
    let mut values = key.0.clone();
    if !walk.snapshot
        && let Some(last) = values.last_mut()
    {
        let place = last.as_i64().ok_or_else(|| Error::invalid("the cursor is not one of this engine"))?;
        let shard = place >> 32 << 32;
        *last = json!(if walk.backward { shard } else { shard | 0x7fff_ffff });
    }
    Ok(values)
}

/// The sort values of a hit as a cursor keeps them: without the document number, so that the same hit has the same cursor after a merge.
pub(super) fn lasting(mut values: Vec<Json>) -> Vec<Json> {
    if let Some(last) = values.last_mut()
        && let Some(place) = last.as_i64()
    {
        *last = json!(place >> 32 << 32);
    }
    values
}

fn key(order: &Order, walk: Walk) -> Result<Json> {
    match order {
        Order::Score(direction) => Ok(json!({"_score": {"order": word(walk.turn(*direction))}})),
        Order::Field { field, direction, missing } => of_field(field, *direction, *missing, walk),
        Order::Distance { field, from, direction } => {
            if field.nested.is_some() {
                return Err(Error::invalid(format!("{} cannot be sorted by distance: it lies in nested elements", field.path)));
            }
            let path = place(field, &["order", "unit", "mode", "distance_type", "nested", "validation_method"])?;
            Ok(json!({"_geo_distance": {
                path: [from.lon, from.lat],
                "order": word(walk.turn(*direction)),
                "unit": "m",
                "mode": mode(*direction),
                "distance_type": "arc",
                "ignore_unmapped": true,
            }}))
        }
    }
}

fn of_field(field: &FieldRef, direction: Direction, missing: Missing, walk: Walk) -> Result<Json> {
    if field.nested.is_some() {
        return Err(Error::Unsupported("an order by nested elements".into()));
    }
    let refuse = || Error::invalid(format!("{} cannot be sorted", field.path));
    let path = field.exact_path().filter(|_| field.columns || matches!(field.kind, Kind::Text { .. })).ok_or_else(refuse)?;
    let first = (missing == Missing::First) != walk.backward;
    let mut key = json!({
        "order": word(walk.turn(direction)),
        // said aloud: left out it would follow the direction, and a flipped walk would be another order
        "mode": mode(direction),
        "missing": if first { "_first" } else { "_last" },
        "unmapped_type": unmapped(field).ok_or_else(refuse)?,
    });
    // half_float as itself: a page after the first fails in Lucene, which then asks its 2-byte points for what they cannot do
    if let Kind::Number(number) = field.kind
        && (walk.many || number == Number::HalfFloat)
    {
        let whole = matches!(number, Number::Long | Number::Integer | Number::Short | Number::Byte);
        key["numeric_type"] = json!(if whole { "long" } else { "double" });
    }
    Ok(json!({path: key}))
}

/// What an index that lacks the field should take it for.
fn unmapped(field: &FieldRef) -> Option<&'static str> {
    Some(match &field.kind {
        Kind::Keyword(_) | Kind::Text { .. } => "keyword",
        Kind::Number(Number::Long) => "long",
        Kind::Number(Number::Integer) => "integer",
        Kind::Number(Number::Short) => "short",
        Kind::Number(Number::Byte) => "byte",
        Kind::Number(Number::Double) => "double",
        Kind::Number(Number::Float) => "float",
        Kind::Number(Number::HalfFloat) => "half_float",
        Kind::Boolean => "boolean",
        Kind::Date(date) if date.nanos => "date_nanos",
        Kind::Date(_) => "date",
        Kind::Ip => "ip",
        Kind::GeoPoint | Kind::Vector { .. } | Kind::Object | Kind::Nested | Kind::Json { .. } => return None,
    })
}

impl Walk {
    fn turn(self, direction: Direction) -> Direction {
        if self.backward { direction.flipped() } else { direction }
    }
}

fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Asc => "asc",
        Direction::Desc => "desc",
    }
}

fn mode(direction: Direction) -> &'static str {
    match direction {
        Direction::Asc => "min",
        Direction::Desc => "max",
    }
}
