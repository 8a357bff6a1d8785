//! Moments -> bounds that Elasticsearch reads as exactly that moment, whatever the format of the mapping. Pure.
//!
//! A `date` holds milliseconds and is asked in `epoch_millis`; a `date_nanos` holds nanoseconds from 1970 to 2262 and is asked
//! by strings with all nine digits, for a string that lacks some means a span.

use serde_json::{Map, Value as Json, json};

use super::filters::Bounds;
use crate::Range;
use crate::date::Time;
use crate::value::Value;

const NANOS_MOST: i128 = i64::MAX as i128;
const MILLI: i128 = 1_000_000;

/// The one moment.
pub(super) fn same(time: Time, nanos: bool) -> Bounds {
    if !nanos && time.0.rem_euclid(MILLI) != 0 {
        return Bounds::Nothing;
    }
    let bound = Some((time, true));
    bounds(nanos, bound, bound)
}

/// `None`: a bound is no moment.
pub(super) fn range(nanos: bool, range: &Range) -> Option<Bounds> {
    let moment = |bound: &Option<(Value, bool)>| match bound {
        None => Some(None),
        Some((Value::Date(time), inside)) => Some(Some((*time, *inside))),
        Some(_) => None,
    };
    Some(bounds(nanos, moment(&range.lower)?, moment(&range.upper)?))
}

fn bounds(nanos: bool, lower: Option<(Time, bool)>, upper: Option<(Time, bool)>) -> Bounds {
    // inclusive, in the field's own unit
    let unit = if nanos { 1 } else { MILLI };
    let least = if nanos { 0 } else { i128::from(i64::MIN) };
    let most = if nanos { NANOS_MOST } else { i128::from(i64::MAX) };
    let lower = lower.map(|(time, inside)| {
        let floor = time.0.div_euclid(unit);
        if inside && time.0.rem_euclid(unit) == 0 { floor } else { floor.saturating_add(1) }
    });
    let upper = upper.map(|(time, inside)| {
        let floor = time.0.div_euclid(unit);
        if !inside && time.0.rem_euclid(unit) == 0 { floor.saturating_sub(1) } else { floor }
    });
    if lower.is_some_and(|lower| lower > most)
        || upper.is_some_and(|upper| upper < least)
        || matches!((lower, upper), (Some(lower), Some(upper)) if lower > upper)
    {
        return Bounds::Nothing;
    }
    let mut spelled = Map::new();
    for (name, bound) in [("gte", lower.filter(|lower| *lower > least)), ("lte", upper.filter(|upper| *upper < most))] {
        if let Some(bound) = bound {
            spelled.insert(name.into(), spell(bound, nanos));
        }
    }
    if spelled.is_empty() {
        return Bounds::Everything;
    }
    spelled.insert("format".into(), json!(if nanos { "strict_date_optional_time_nanos" } else { "epoch_millis" }));
    Bounds::Between(spelled)
}

fn spell(at: i128, nanos: bool) -> Json {
    if !nanos {
        return json!(i64::try_from(at).unwrap_or_default());
    }
    let moment = jiff::Timestamp::from_nanosecond(at).unwrap_or_default();
    json!(format!("{moment:.9}"))
}
