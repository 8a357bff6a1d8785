//! `ranges` and `interval`: how values of numbers and dates are put into buckets.

use serde_json::{Map, Value as Json};

use super::order::choose;
use super::place::{Place, items, shown};
use super::{Fault, Frame};
use crate::search::date::{DateMath, Zone, duration};
use crate::search::value::{Value, from_query};
use crate::search::{Calendar, FieldRef, Interval, Kind, RangeOf};

/// `[{from, to, timeZone}]`, in the order asked; `from` is inside, `to` is not, what is absent is open.
pub(super) fn ranges(frame: Frame<'_>, field: &FieldRef, at: &Place<'_>, json: &Json) -> Result<Vec<RangeOf>, Fault> {
    let asked = items(json).unwrap_or_default();
    let most = frame.limits.first as usize;
    if asked.len() > most {
        return Err(at.limit("first", "ranges", most, asked.len()));
    }
    if !asked.is_empty() && !matches!(field.kind, Kind::Number(_) | Kind::Date(_) | Kind::GeoPoint) {
        return Err(at.fault("ranges are for numbers and dates"));
    }
    asked.iter().enumerate().map(|(index, json)| range(frame, field, &at.index(index), json)).collect()
}

fn range(frame: Frame<'_>, field: &FieldRef, at: &Place<'_>, json: &Json) -> Result<RangeOf, Fault> {
    let parts = at.object(json, r#"{"from": 10, "to": 100}"#)?;
    if let Some(key) = parts.keys().find(|key| !["from", "to", "timeZone"].contains(&key.as_str())) {
        return Err(at.key(key).fault("a range has from, to and, of dates, timeZone"));
    }
    let zone = zone(at, parts)?;
    let bound = |name: &str| -> Result<Option<Value>, Fault> {
        let Some(json) = given(parts, name) else { return Ok(None) };
        let at = at.key(name);
        value(frame, field, &zone, &at, json).map(Some)
    };
    let (from, to) = (bound("from")?, bound("to")?);
    if let (Some(from), Some(to)) = (&from, &to)
        && from.compare(to).is_gt()
    {
        return Err(at.fault("from lies behind to"));
    }
    Ok(RangeOf { lower: from.map(|value| (value, true)), upper: to.map(|value| (value, false)) })
}

fn value(frame: Frame<'_>, field: &FieldRef, zone: &Zone, at: &Place<'_>, json: &Json) -> Result<Value, Fault> {
    match &field.kind {
        Kind::Date(date) => {
            let text = match json {
                Json::Number(number) if number.is_i64() => number.to_string(),
                other => at.text(other)?.to_owned(),
            };
            // both bounds begin where the time that was written begins
            let span = DateMath::parse(&text).and_then(|math| math.span(frame.now, zone, date.nanos));
            span.map(|(first, _)| Value::Date(first)).map_err(|fault| at.fault(fault))
        }
        // metres from a point
        Kind::GeoPoint => at.number(json).map(Value::Double),
        kind => from_query(kind, json).map_err(|why| at.fault(why)),
    }
}

/// `{size, offset}` of numbers, `{calendar | fixed, timeZone}` of dates.
pub(super) fn interval(field: &FieldRef, at: &Place<'_>, json: &Json) -> Result<Interval, Fault> {
    match &field.kind {
        Kind::Number(number) => {
            let parts = at.object(json, r#"{"size": 100}"#)?;
            only(at, parts, &["size", "offset"], "an interval of numbers has size and offset")?;
            let part = |name: &str| given(parts, name).map(|json| at.key(name).number(json)).transpose();
            let size = part("size")?.ok_or_else(|| at.fault("an interval of numbers has a size"))?;
            let offset = part("offset")?.unwrap_or(0.0);
            if size <= 0.0 {
                return Err(at.key("size").fault("a size is greater than 0"));
            }
            if number.is_whole() && (size.fract() != 0.0 || offset.fract() != 0.0) {
                return Err(at.fault("this field holds whole numbers: size and offset must be whole too"));
            }
            Ok(Interval::Number { size, offset: offset.rem_euclid(size) })
        }
        Kind::Date(_) => {
            let parts = at.object(json, r#"{"calendar": "MONTH"}"#)?;
            only(at, parts, &["calendar", "fixed", "timeZone"], "an interval of dates has calendar or fixed, and timeZone")?;
            let zone = zone(at, parts)?.name();
            match (choose(at, parts, "calendar", UNITS)?, given(parts, "fixed")) {
                (Some(unit), None) => Ok(Interval::Calendar { unit, zone }),
                (None, Some(json)) => {
                    let at = at.key("fixed");
                    let nanos = duration(at.text(json)?);
                    let nanos =
                        nanos.ok_or_else(|| at.fault(format_args!("{} is no length such as 90m, 12h or 7d", shown(json))))?;
                    Ok(Interval::Fixed { nanos, zone })
                }
                _ => Err(at.fault("an interval of dates has one of calendar and fixed")),
            }
        }
        _ => Err(at.fault("an interval is for numbers and dates")),
    }
}

const UNITS: &[(&str, Calendar)] = &[
    ("MINUTE", Calendar::Minute),
    ("HOUR", Calendar::Hour),
    ("DAY", Calendar::Day),
    ("WEEK", Calendar::Week),
    ("MONTH", Calendar::Month),
    ("QUARTER", Calendar::Quarter),
    ("YEAR", Calendar::Year),
];

fn zone(at: &Place<'_>, parts: &Map<String, Json>) -> Result<Zone, Fault> {
    match given(parts, "timeZone") {
        Some(json) => {
            let at = at.key("timeZone");
            Zone::parse(at.text(json)?).map_err(|fault| at.fault(fault))
        }
        None => Ok(Zone::UTC),
    }
}

/// Null is the same as absent: these are no filters.
pub(super) fn given<'j>(parts: &'j Map<String, Json>, name: &str) -> Option<&'j Json> {
    parts.get(name).filter(|json| !json.is_null())
}

/// Whatever else is given is of another kind of field.
fn only(at: &Place<'_>, parts: &Map<String, Json>, names: &[&str], told: &str) -> Result<(), Fault> {
    match parts.iter().find(|(key, json)| !json.is_null() && !names.contains(&key.as_str())) {
        Some((key, _)) => Err(at.key(key).fault(told)),
        None => Ok(()),
    }
}
