//! A facet of one field: which of its values, and which buckets.

use serde_json::{Map, Value as Json};

use super::bounds::{given, interval, ranges};
use super::order::choose;
use super::place::{Place, items};
use super::{Fault, Frame, can_count, geo};
use crate::catalog::ExposedField;
use crate::search::{Direction, Facet, FacetOrder, Kind};

/// Values where nobody says how many.
const DEFAULT: u32 = 10;

/// The finest map tiles that Elasticsearch makes.
const FINEST: u8 = 29;

pub(super) fn read(frame: Frame<'_>, of: &ExposedField, arguments: &Map<String, Json>) -> Result<Facet, Fault> {
    let field = &of.field;
    let place = |name: &'static str| Place::root(name);
    let geo = field.kind == Kind::GeoPoint;
    if !(can_count(field) || geo && field.columns) {
        return Err(place("facets").fault(format_args!("`{}` has no values that can be counted", of.name)));
    }
    let mut facet = Facet {
        values: Some(first(frame, &place("first"), given(arguments, "first"))?),
        order: order(&place("orderBy"), given(arguments, "orderBy"))?,
        missing: given(arguments, "include")
            .is_some_and(|json| items(json).unwrap_or_default().iter().any(|word| word == "MISSING")),
        distinct: !geo,
        stats: matches!(field.kind, Kind::Number(_) | Kind::Date(_)),
        ..Facet::new(field.clone())
    };
    if let Some(json) = given(arguments, "query") {
        let at = place("query");
        let text = at.text(json)?;
        if !matches!(field.kind, Kind::Keyword(_) | Kind::Text { .. }) {
            return Err(at.fault("only texts can be searched in"));
        }
        let (length, most) = (text.chars().count(), frame.limits.pattern_length);
        if length > most {
            return Err(at.limit("pattern_length", "characters of what values contain", most, length));
        }
        facet.containing = Some(text.to_owned()).filter(|text| !text.is_empty());
    }
    if let Some(json) = given(arguments, "ranges") {
        facet.ranges = ranges(frame, field, &place("ranges"), json)?;
    }
    if let Some(json) = given(arguments, "interval") {
        if !facet.ranges.is_empty() {
            return Err(place("interval").fault("give either ranges or an interval"));
        }
        facet.interval = Some(interval(field, &place("interval"), json)?);
    }
    if geo {
        place_of(&mut facet, arguments)?;
    }
    Ok(facet)
}

/// Rings around a point, and tiles of a map.
fn place_of(facet: &mut Facet, arguments: &Map<String, Json>) -> Result<(), Fault> {
    if let Some(json) = given(arguments, "from") {
        facet.from = Some(geo::point(&Place::root("from"), json)?);
    } else if !facet.ranges.is_empty() {
        return Err(Place::root("ranges").fault("distances are measured from a point: give `from` too"));
    }
    if let Some(json) = given(arguments, "zoom") {
        let zoom = json.as_u64().and_then(|zoom| u8::try_from(zoom).ok()).filter(|zoom| *zoom <= FINEST);
        facet.zoom = Some(zoom.ok_or_else(|| Place::root("zoom").fault(format_args!("a zoom lies between 0 and {FINEST}")))?);
    } else {
        facet.values = None;
    }
    Ok(())
}

fn first(frame: Frame<'_>, at: &Place<'_>, json: Option<&Json>) -> Result<u32, Fault> {
    let Some(json) = json else { return Ok(DEFAULT) };
    let most = frame.limits.first;
    match json.as_i64().map(u32::try_from) {
        Some(Ok(first)) if (1..=most).contains(&first) => Ok(first),
        Some(Ok(first)) if first > most => Err(at.limit("first", "values of a facet", most as usize, first as usize)),
        _ => Err(at.fault("at least one value must be asked for")),
    }
}

fn order(at: &Place<'_>, json: Option<&Json>) -> Result<Vec<FacetOrder>, Fault> {
    let keys = json.and_then(items).unwrap_or_default();
    let read = |(index, json): (usize, &Json)| {
        let at = at.index(index);
        let parts = at.object(json, r#"{"count": "DESC"}"#)?;
        let part = |name: &str| choose(&at, parts, name, &[("ASC", Direction::Asc), ("DESC", Direction::Desc)]);
        match (part("count")?, part("value")?) {
            (Some(direction), None) => Ok(FacetOrder::Count(direction)),
            (None, Some(direction)) => Ok(FacetOrder::Value(direction)),
            _ => Err(at.fault("an order names one of count and value")),
        }
    };
    keys.iter().enumerate().map(read).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::fixture::exposed_orders;
    use crate::config::Limits;
    use crate::search::date::Time;
    use crate::search::value::Value;
    use crate::search::{Calendar, GeoPoint, Interval, RangeOf, Scope};

    fn ask(name: &str, arguments: Json) -> Result<Facet, Fault> {
        let exposed = exposed_orders();
        let of = exposed.all_fields().find(|field| field.field.path == name).unwrap();
        let limits = Limits::default();
        // 2024-03-10T12:00:00Z
        let frame = Frame { limits: &limits, now: Time::from_millis(1_710_072_000_000) };
        read(frame, of, arguments.as_object().unwrap())
    }

    fn range(from: Option<Value>, to: Option<Value>) -> RangeOf {
        RangeOf { lower: from.map(|value| (value, true)), upper: to.map(|value| (value, false)) }
    }

    #[test]
    fn arguments_become_a_facet() {
        let facet =
            ask("status", json!({ "first": 5, "orderBy": [{"value": "ASC"}], "query": "Op", "include": ["MISSING"] })).unwrap();
        assert_eq!((facet.values, facet.containing.as_deref(), facet.missing), (Some(5), Some("Op"), true));
        assert_eq!((facet.order, facet.stats, facet.distinct), (vec![FacetOrder::Value(Direction::Asc)], false, true));
        assert_eq!(facet.scope, Scope::AllButOwnTick);

        let facet = ask("ledger", json!({ "ranges": [{ "to": 100 }, { "from": "9007199254740993" }], "query": null })).unwrap();
        let long = |value| Some(Value::Long(value));
        assert_eq!(facet.ranges, [range(None, long(100)), range(long(9_007_199_254_740_993), None)]);
        assert_eq!((facet.values, facet.stats), (Some(10), true));
        let facet = ask("total", json!({ "interval": { "size": 2.5, "offset": -1 } })).unwrap();
        assert_eq!(facet.interval, Some(Interval::Number { size: 2.5, offset: 1.5 }));
        let facet = ask("items.qty", json!({})).unwrap();
        assert_eq!((facet.order, facet.interval, facet.ranges), (vec![], None, vec![]));
    }

    #[test]
    fn dates_in_their_zones() {
        let facet = ask("placedAt", json!({ "interval": { "calendar": "DAY", "timeZone": "Europe/Berlin" } })).unwrap();
        assert_eq!(facet.interval, Some(Interval::Calendar { unit: Calendar::Day, zone: "Europe/Berlin".into() }));
        let facet = ask("placedAt", json!({ "interval": { "fixed": "90m" } })).unwrap();
        assert_eq!(facet.interval, Some(Interval::Fixed { nanos: 5_400_000_000_000, zone: "UTC".into() }));
        let facet =
            ask("placedAt", json!({ "ranges": [{ "from": "2024-03-10", "to": "now/d", "timeZone": "+02:00" }] })).unwrap();
        let start = Some(Value::Date(Time::from_millis(1_710_021_600_000)));
        assert_eq!(facet.ranges, [range(start.clone(), start)]);
    }

    #[test]
    fn places_have_rings_and_tiles() {
        let facet = ask("place", json!({ "from": { "lat": 1, "lon": 2 }, "ranges": [{ "to": 500.5 }] })).unwrap();
        assert_eq!(facet.ranges, [range(None, Some(Value::Double(500.5)))]);
        assert_eq!((facet.from, facet.values), (Some(GeoPoint { lat: 1.0, lon: 2.0 }), None));
        let facet = ask("place", json!({ "zoom": 7, "first": 100 })).unwrap();
        assert_eq!((facet.zoom, facet.values, facet.distinct), (Some(7), Some(100), false));
    }

    #[test]
    fn faults_say_where() {
        for (name, arguments, path) in [
            ("status", json!({ "first": 0 }), "first"),
            ("status", json!({ "first": 1001 }), "first"),
            ("status", json!({ "orderBy": [{}] }), "orderBy.0"),
            ("status", json!({ "orderBy": [{ "count": "ASC", "value": "ASC" }] }), "orderBy.0"),
            ("status", json!({ "ranges": [{ "from": 1 }] }), "ranges"),
            ("status", json!({ "query": "a".repeat(257) }), "query"),
            ("ledger", json!({ "query": "a" }), "query"),
            ("ledger", json!({ "ranges": [{ "from": 1.5 }] }), "ranges.0.from"),
            ("ledger", json!({ "ranges": [{ "from": 2, "to": 1 }] }), "ranges.0"),
            ("ledger", json!({ "interval": { "size": 0.5 } }), "interval"),
            ("ledger", json!({ "interval": { "size": 0 } }), "interval.size"),
            ("ledger", json!({ "interval": { "size": 1, "calendar": "DAY" } }), "interval.calendar"),
            ("ledger", json!({ "interval": {} }), "interval"),
            ("ledger", json!({ "interval": { "size": 1 }, "ranges": [{ "to": 1 }] }), "interval"),
            ("placedAt", json!({ "interval": { "calendar": "DAY", "fixed": "1d" } }), "interval"),
            ("placedAt", json!({ "interval": { "fixed": "0s" } }), "interval.fixed"),
            ("placedAt", json!({ "interval": { "calendar": "DAY", "timeZone": "Mars" } }), "interval.timeZone"),
            ("placedAt", json!({ "ranges": [{ "from": "yesterday" }] }), "ranges.0.from"),
            ("notes", json!({}), "facets"),
            ("place", json!({ "ranges": [{ "to": 5 }] }), "ranges"),
            ("place", json!({ "zoom": 30 }), "zoom"),
        ] {
            assert_eq!(ask(name, arguments.clone()).unwrap_err().path.join("."), path, "{name} {arguments}");
        }
    }
}
