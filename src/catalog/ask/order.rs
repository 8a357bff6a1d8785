//! `orderBy`: by score, by fields, by distance.

use serde_json::{Map, Value as Json};

use super::place::{Place, items, listed, shown};
use super::{Fault, can_sort, geo, has_distance};
use crate::catalog::{Exposed, ExposedField};
use crate::search::{Direction, Missing, Order};

pub(super) fn read(on: &Exposed, at: &Place<'_>, json: &Json) -> Result<Vec<Order>, Fault> {
    let keys = items(json).unwrap_or_default();
    keys.iter().enumerate().map(|(index, key)| read_one(on, &at.index(index), key)).collect()
}

fn read_one(on: &Exposed, at: &Place<'_>, json: &Json) -> Result<Order, Fault> {
    let parts = at.object(json, r#"{"field": "NAME", "direction": "DESC"}"#)?;
    if let Some(key) = parts.keys().find(|key| !["score", "field", "distance", "direction", "missing"].contains(&key.as_str())) {
        return Err(at.key(key).fault("an order has score, or field or distance with direction, and missing"));
    }
    let asked = |name: &str| parts.get(name).filter(|json| !json.is_null());
    let direction = choose(at, parts, "direction", &[("ASC", Direction::Asc), ("DESC", Direction::Desc)])?;
    let missing = choose(at, parts, "missing", &[("LAST", Missing::Last), ("FIRST", Missing::First)])?;
    match (asked("score"), asked("field"), asked("distance")) {
        (Some(_), None, None) => {
            // their defaults may have been filled in
            if direction == Some(Direction::Desc) {
                return Err(at.key("direction").fault("a score has its direction in itself: {\"score\": \"DESC\"}"));
            }
            only_last(at, missing)?;
            let direction = choose(at, parts, "score", &[("ASC", Direction::Asc), ("DESC", Direction::Desc)])?;
            Ok(Order::Score(direction.unwrap_or(Direction::Desc)))
        }
        (None, Some(name), None) => {
            let field = enum_field(on, &at.key("field"), name, |field| can_sort(&field.field))?.field.clone();
            Ok(Order::Field { field, direction: direction.unwrap_or_default(), missing: missing.unwrap_or_default() })
        }
        (None, None, Some(json)) => {
            only_last(at, missing)?;
            let at = at.key("distance");
            let parts = at.object(json, r#"{"field": "PLACE", "from": {"lat": 52.5, "lon": 13.4}}"#)?;
            let none = Json::Null;
            let name = parts.get("field").unwrap_or(&none);
            let field = enum_field(on, &at.key("field"), name, |field| has_distance(&field.field))?.field.clone();
            let from = geo::point(&at.key("from"), parts.get("from").unwrap_or(&none))?;
            Ok(Order::Distance { field, from, direction: direction.unwrap_or_default() })
        }
        _ => Err(at.fault("an order names one of score, field and distance")),
    }
}

fn only_last(at: &Place<'_>, missing: Option<Missing>) -> Result<(), Fault> {
    match missing {
        Some(Missing::First) => Err(at.key("missing").fault("missing is for orders by field")),
        _ => Ok(()),
    }
}

/// One of a few words; `None` where it is absent or null.
pub(super) fn choose<T: Copy>(
    at: &Place<'_>,
    parts: &Map<String, Json>,
    name: &str,
    words: &[(&str, T)],
) -> Result<Option<T>, Fault> {
    let Some(json) = parts.get(name).filter(|json| !json.is_null()) else {
        return Ok(None);
    };
    let found = words.iter().find(|(word, _)| json.as_str() == Some(word)).map(|(_, choice)| Some(*choice));
    let names = || listed(words.iter().map(|(word, _)| *word));
    found.ok_or_else(|| at.key(name).fault(format_args!("{} is none of {}", shown(json), names())))
}

/// A field by its enum value.
pub(super) fn enum_field<'e>(
    on: &'e Exposed,
    at: &Place<'_>,
    json: &Json,
    fits: impl Fn(&ExposedField) -> bool,
) -> Result<&'e ExposedField, Fault> {
    let fields = || on.all_fields().filter(|field| fits(field));
    let found = json.as_str().and_then(|name| fields().find(|field| field.enum_name == name));
    let names = || listed(fields().map(|field| field.enum_name.as_str()));
    found.ok_or_else(|| at.fault(format_args!("{} is none of these: {}", shown(json), names())))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::fixture::exposed_orders;
    use crate::search::GeoPoint;

    fn ask(json: &Json) -> Result<Vec<Order>, Fault> {
        read(&exposed_orders(), &Place::root("orderBy"), json)
    }

    #[test]
    fn each_key_is_score_field_or_distance() {
        let field = |path: &str| exposed_orders().collection.field(path).unwrap().clone();
        let keys = json!([
            {"score": "DESC", "direction": "ASC", "missing": "LAST"},
            {"field": "SHIPPING_CITY", "direction": "DESC", "missing": "FIRST"},
            {"field": "TOTAL", "score": null},
            {"distance": {"field": "PLACE", "from": {"lat": 1, "lon": 2}}},
        ]);
        assert_eq!(
            ask(&keys),
            Ok(vec![
                Order::Score(Direction::Desc),
                Order::Field { field: field("shipping.city"), direction: Direction::Desc, missing: Missing::First },
                Order::Field { field: field("total"), direction: Direction::Asc, missing: Missing::Last },
                Order::Distance { field: field("place"), from: GeoPoint { lat: 1.0, lon: 2.0 }, direction: Direction::Asc },
            ])
        );
        assert_eq!(ask(&json!(null)), Ok(vec![]));
        assert_eq!(ask(&json!({"score": "ASC"})), Ok(vec![Order::Score(Direction::Asc)]));
    }

    #[test]
    fn faults_say_where() {
        for (json, path) in [
            (json!([{}]), "orderBy.0"),
            (json!([{"score": "DESC", "field": "TOTAL"}]), "orderBy.0"),
            (json!([{"field": "NOTES"}]), "orderBy.0.field"),
            (json!([{"field": "ITEMS_SKU"}]), "orderBy.0.field"),
            (json!([{"field": "TOTAL"}, {"field": "total"}]), "orderBy.1.field"),
            (json!([{"field": "TOTAL", "direction": "down"}]), "orderBy.0.direction"),
            (json!([{"score": "ASC", "missing": "FIRST"}]), "orderBy.0.missing"),
            (json!([{"feild": "TOTAL"}]), "orderBy.0.feild"),
            (json!(["TOTAL"]), "orderBy.0"),
        ] {
            assert_eq!(ask(&json).unwrap_err().path.join("."), path, "{json}");
        }
    }
}
