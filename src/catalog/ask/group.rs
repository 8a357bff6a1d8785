//! Groups: their keys and their order.

use serde_json::Value as Json;

use super::bounds::{given, interval, ranges};
use super::order::{choose, enum_field};
use super::place::{Place, items, shown};
use super::{Fault, Frame, can_count, can_measure};
use crate::catalog::Exposed;
use crate::search::{Direction, GroupKey, GroupOrder, Kind, Measure};

/// Nobody groups by more; and of lists every combination of elements is a group.
const MOST_KEYS: usize = 8;

pub(super) fn read_keys(frame: Frame<'_>, on: &Exposed, at: &Place<'_>, json: &Json) -> Result<Vec<GroupKey>, Fault> {
    let asked = items(json).unwrap_or_default();
    if asked.is_empty() {
        return Err(at.fault(r#"name at least one key: [{"field": "NAME"}]"#));
    }
    if asked.len() > MOST_KEYS {
        return Err(at.limit("keys", "keys of a grouping", MOST_KEYS, asked.len()));
    }
    let mut keys: Vec<GroupKey> = Vec::with_capacity(asked.len());
    for (index, json) in asked.iter().enumerate() {
        let at = at.index(index);
        let key = read_key(frame, on, &at, json)?;
        if keys.iter().any(|known| known.field.path == key.field.path) {
            return Err(at.key("field").fault("this field is a key already"));
        }
        keys.push(key);
    }
    Ok(keys)
}

fn read_key(frame: Frame<'_>, on: &Exposed, at: &Place<'_>, json: &Json) -> Result<GroupKey, Fault> {
    let parts = at.object(json, r#"{"field": "NAME"}"#)?;
    if let Some(key) = parts.keys().find(|key| !["field", "interval", "ranges", "include"].contains(&key.as_str())) {
        return Err(at.key(key).fault("a key has field, interval or ranges, and include"));
    }
    let name = parts.get("field").unwrap_or(&Json::Null);
    let field = enum_field(on, &at.key("field"), name, |field| can_count(&field.field))?.field.clone();
    let asked =
        given(parts, "ranges").map(|json| ranges(frame, &field, &at.key("ranges"), json)).transpose()?.unwrap_or_default();
    let interval = given(parts, "interval").map(|json| interval(&field, &at.key("interval"), json)).transpose()?;
    if interval.is_some() && !asked.is_empty() {
        return Err(at.fault("a key has either an interval or ranges"));
    }
    let include = given(parts, "include").and_then(items).unwrap_or_default();
    Ok(GroupKey { field, interval, ranges: asked, missing: include.iter().any(|word| word == "MISSING") })
}

pub(super) fn read_order(on: &Exposed, at: &Place<'_>, json: &Json) -> Result<Vec<GroupOrder>, Fault> {
    let keys = items(json).unwrap_or_default();
    keys.iter().enumerate().map(|(index, json)| read_one(on, &at.index(index), json)).collect()
}

const DIRECTIONS: &[(&str, Direction)] = &[("ASC", Direction::Asc), ("DESC", Direction::Desc)];

const MEASURES: &[(&str, Measure)] = &[
    ("MIN", Measure::Min),
    ("MAX", Measure::Max),
    ("AVG", Measure::Avg),
    ("SUM", Measure::Sum),
    ("STD_DEV", Measure::StdDev),
    ("DISTINCT_COUNT", Measure::Distinct),
    ("VALUE_COUNT", Measure::ValueCount),
];

fn read_one(on: &Exposed, at: &Place<'_>, json: &Json) -> Result<GroupOrder, Fault> {
    let parts = at.object(json, r#"{"count": "DESC"}"#)?;
    if let Some(key) = parts.keys().find(|key| !["count", "key", "field", "metric", "direction"].contains(&key.as_str())) {
        return Err(at.key(key).fault("an order of groups has count, key, or field with metric and direction"));
    }
    let part = |name: &str| choose(at, parts, name, DIRECTIONS);
    let (count, key, direction) = (part("count")?, part("key")?, part("direction")?);
    let (field, measure) = (given(parts, "field"), choose(at, parts, "metric", MEASURES)?);
    match (count, key, field, measure) {
        (Some(_), None, None, None) | (None, Some(_), None, None) if direction == Some(Direction::Desc) => {
            Err(at.key("direction").fault(r#"it stands in count and key themselves: {"count": "DESC"}"#))
        }
        (Some(direction), None, None, None) => Ok(GroupOrder::Count(direction)),
        (None, Some(direction), None, None) => Ok(GroupOrder::Key(direction)),
        (None, None, Some(name), Some(measure)) => {
            let field = enum_field(on, &at.key("field"), name, |field| can_measure(&field.field))?.field.clone();
            if matches!((&field.kind, measure), (Kind::Date(_), Measure::Sum | Measure::StdDev)) {
                return Err(at.key("metric").fault(format_args!("dates have no {}", shown(&parts["metric"]))));
            }
            Ok(GroupOrder::Metric { field, measure, direction: direction.unwrap_or_default() })
        }
        (None, None, Some(_), None) => Err(at.fault("say which metric of the field")),
        _ => Err(at.fault("an order names one of count, key, and field with metric")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::fixture::exposed_orders;
    use crate::config::Limits;
    use crate::search::date::Time;
    use crate::search::value::Value;
    use crate::search::{Calendar, Interval};

    fn keys(json: &Json) -> Result<Vec<GroupKey>, Fault> {
        let limits = Limits::default();
        read_keys(Frame { limits: &limits, now: Time(0) }, &exposed_orders(), &Place::root("keys"), json)
    }

    fn order(json: &Json) -> Result<Vec<GroupOrder>, Fault> {
        read_order(&exposed_orders(), &Place::root("orderBy"), json)
    }

    #[test]
    fn keys_by_value_interval_and_ranges() {
        let read = keys(&json!([
            { "field": "ITEMS_SKU", "include": ["MISSING"] },
            { "field": "PLACED_AT", "interval": { "calendar": "MONTH", "timeZone": "Asia/Tokyo" } },
            { "field": "TOTAL", "ranges": [{ "to": 5 }], "interval": null },
        ]))
        .unwrap();
        let paths: Vec<_> = read.iter().map(|key| (key.field.path.as_str(), key.missing)).collect();
        assert_eq!(paths, [("items.sku", true), ("placedAt", false), ("total", false)]);
        assert_eq!(read[1].interval, Some(Interval::Calendar { unit: Calendar::Month, zone: "Asia/Tokyo".into() }));
        assert_eq!(read[2].ranges[0].upper, Some((Value::Double(5.0), false)));
    }

    #[test]
    fn orders_by_count_key_and_metric() {
        let field = exposed_orders().collection.field("total").unwrap().clone();
        let all = json!([{ "count": "DESC", "direction": "ASC" }, { "key": "ASC" }, { "field": "TOTAL", "metric": "STD_DEV", "direction": "DESC" }]);
        let metric = GroupOrder::Metric { field, measure: Measure::StdDev, direction: Direction::Desc };
        assert_eq!(order(&all).unwrap(), [GroupOrder::Count(Direction::Desc), GroupOrder::Key(Direction::Asc), metric]);
    }

    #[test]
    fn faults_say_where() {
        for (json, path) in [
            (json!([]), "keys"),
            (json!([{}]), "keys.0.field"),
            (json!([{ "field": "NOTES" }]), "keys.0.field"),
            (json!([{ "field": "STATUS" }, { "field": "STATUS" }]), "keys.1.field"),
            (json!([{ "field": "STATUS", "interval": { "size": 1 } }]), "keys.0.interval"),
            (json!([{ "field": "TOTAL", "interval": { "size": 1 }, "ranges": [{ "to": 1 }] }]), "keys.0"),
            (json!([{ "field": "TOTAL", "interval": { "size": 1, "fixed": "1d" } }]), "keys.0.interval.fixed"),
            (json!((0..9).map(|_| json!({ "field": "STATUS" })).collect::<Vec<_>>()), "keys"),
        ] {
            assert_eq!(keys(&json).unwrap_err().path.join("."), path, "{json}");
        }
        for (json, path) in [
            (json!([{}]), "orderBy.0"),
            (json!([{ "count": "ASC", "key": "ASC" }]), "orderBy.0"),
            (json!([{ "field": "TOTAL" }]), "orderBy.0"),
            (json!([{ "metric": "MIN" }]), "orderBy.0"),
            (json!([{ "field": "STATUS", "metric": "MIN" }]), "orderBy.0.field"),
            (json!([{ "field": "PLACED_AT", "metric": "SUM" }]), "orderBy.0.metric"),
            (json!([{ "count": "ASC", "direction": "DESC" }]), "orderBy.0.direction"),
        ] {
            assert_eq!(order(&json).unwrap_err().path.join("."), path, "{json}");
        }
    }
}
