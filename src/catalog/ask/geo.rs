//! Places in filters and orders: points, distances with their unit, boxes, polygons.

use serde_json::{Map, Value as Json};

use super::Fault;
use super::place::{Place, items, shown};
use crate::search::{FieldRef, Filter, GeoPoint};

/// Metres in a unit; longer names first where one ends with another.
const UNITS: &[(&str, f64)] = &[
    ("km", 1_000.0),
    ("cm", 0.01),
    ("mm", 0.001),
    ("nmi", 1_852.0),
    ("mi", 1_609.344),
    ("yd", 0.914_4),
    ("ft", 0.304_8),
    ("in", 0.025_4),
    ("m", 1.0),
];

pub(super) fn near(field: &FieldRef, at: &Place<'_>, json: &Json) -> Result<Filter, Fault> {
    let parts = at.object(json, r#"{"lat": 52.5, "lon": 13.4, "distance": "12km"}"#)?;
    known(at, parts, &["lat", "lon", "distance"])?;
    let center = point_of(at, parts)?;
    let at_distance = at.key("distance");
    let metres = distance(&at_distance, need(at, parts, "distance")?)?;
    Ok(Filter::Near { field: field.clone(), center, metres })
}

pub(super) fn within_box(field: &FieldRef, at: &Place<'_>, json: &Json) -> Result<Filter, Fault> {
    let parts = at.object(json, r#"{"topLeft": {"lat": 53, "lon": 13}, "bottomRight": {"lat": 52, "lon": 14}}"#)?;
    known(at, parts, &["topLeft", "bottomRight"])?;
    let top_left = point(&at.key("topLeft"), need(at, parts, "topLeft")?)?;
    let bottom_right = point(&at.key("bottomRight"), need(at, parts, "bottomRight")?)?;
    if top_left.lat < bottom_right.lat {
        return Err(at.fault("topLeft must not lie south of bottomRight"));
    }
    Ok(Filter::InBox {
        field: field.clone(),
        top: top_left.lat,
        left: top_left.lon,
        bottom: bottom_right.lat,
        right: bottom_right.lon,
    })
}

pub(super) fn within_polygon(field: &FieldRef, at: &Place<'_>, json: &Json) -> Result<Filter, Fault> {
    let parts = at.object(json, r#"{"points": [{"lat": 52, "lon": 13}, …]}"#)?;
    known(at, parts, &["points"])?;
    let at = at.key("points");
    let corners = items(need(&at, parts, "points")?).unwrap_or_default();
    let mut points = Vec::with_capacity(corners.len());
    for (index, corner) in corners.iter().enumerate() {
        points.push(point(&at.index(index), corner)?);
    }
    // it is closed by itself: a last corner that repeats the first one is no corner
    if points.len() > 1 && points.first() == points.last() {
        points.pop();
    }
    if points.len() < 3 {
        return Err(at.fault("a polygon has at least three corners"));
    }
    Ok(Filter::InPolygon { field: field.clone(), points })
}

pub(super) fn point(at: &Place<'_>, json: &Json) -> Result<GeoPoint, Fault> {
    let parts = at.object(json, r#"{"lat": 52.5, "lon": 13.4}"#)?;
    known(at, parts, &["lat", "lon"])?;
    point_of(at, parts)
}

fn point_of(at: &Place<'_>, parts: &Map<String, Json>) -> Result<GeoPoint, Fault> {
    let degrees = |name: &str, most: f64| {
        let value = need(at, parts, name)?;
        let at = at.key(name);
        let degrees = at.number(value)?;
        if degrees.abs() <= most {
            Ok(degrees)
        } else {
            Err(at.fault(format_args!("{degrees} does not lie between -{most} and {most}")))
        }
    };
    Ok(GeoPoint { lat: degrees("lat", 90.0)?, lon: degrees("lon", 180.0)? })
}

/// In metres.
fn distance(at: &Place<'_>, json: &Json) -> Result<f64, Fault> {
    let text = at.text(json)?.trim();
    let wrong = || at.fault(format_args!("{} is no distance such as 500m, 12km or 3mi", shown(json)));
    let (number, unit) = UNITS
        .iter()
        .find_map(|(unit, metres)| text.strip_suffix(unit).map(|number| (number.trim_end(), metres)))
        .ok_or_else(wrong)?;
    if !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(wrong());
    }
    let metres = number.parse::<f64>().map_err(|_| wrong())? * unit;
    if metres > 0.0 && metres.is_finite() { Ok(metres) } else { Err(at.fault("a distance is greater than zero")) }
}

fn need<'j>(at: &Place<'_>, parts: &'j Map<String, Json>, name: &str) -> Result<&'j Json, Fault> {
    parts.get(name).filter(|json| !json.is_null()).ok_or_else(|| at.fault(format_args!("`{name}` is missing")))
}

fn known(at: &Place<'_>, parts: &Map<String, Json>, names: &[&str]) -> Result<(), Fault> {
    match parts.keys().find(|key| !names.contains(&key.as_str())) {
        Some(key) => Err(at.key(key).fault(format_args!("this has only {}", names.join(", ")))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::ask::{Frame, filter};
    use crate::catalog::fixture::exposed_orders;
    use crate::config::Limits;
    use crate::search::date::Time;

    fn ask(json: &Json) -> Result<Filter, Fault> {
        let limits = Limits::default();
        filter(Frame { limits: &limits, now: Time(0) }, &exposed_orders(), &json!({"place": json}))
    }

    #[test]
    fn distances_have_units() {
        for (text, metres) in [("500m", 500.0), ("12km", 12_000.0), ("3mi", 4_828.032), ("1.5 nmi", 2_778.0), ("10ft", 3.048)] {
            match ask(&json!({"near": {"lat": 1, "lon": 2, "distance": text}})) {
                Ok(Filter::Near { metres: found, center, .. }) => {
                    assert!((found - metres).abs() < 1e-9, "{text}: {found}");
                    assert_eq!(center, GeoPoint { lat: 1.0, lon: 2.0 });
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        for text in ["500", "m", "0m", "-1m", "1e3m", "1 parsec", "NaNm", "infm"] {
            let fault = ask(&json!({"near": {"lat": 1, "lon": 2, "distance": text}})).unwrap_err();
            assert_eq!(fault.path.join("."), "filter.place.near.distance", "{text}");
        }
    }

    #[test]
    fn boxes_and_polygons() {
        let point = |lat: f64, lon: f64| json!({"lat": lat, "lon": lon});
        let ok = ask(&json!({"withinBox": {"topLeft": point(10.0, 170.0), "bottomRight": point(-10.0, -170.0)}})).unwrap();
        assert!(matches!(ok, Filter::InBox { top: 10.0, left: 170.0, bottom: -10.0, right: -170.0, .. }));
        assert!(ask(&json!({"withinBox": {"topLeft": point(-10.0, 0.0), "bottomRight": point(10.0, 1.0)}})).is_err());
        assert!(ask(&json!({"withinBox": {"topLeft": point(91.0, 0.0), "bottomRight": point(10.0, 1.0)}})).is_err());
        let [a, b, c] = [point(0.0, 0.0), point(0.0, 1.0), point(1.0, 1.0)];
        match ask(&json!({"withinPolygon": {"points": [a, b, c, a]}})) {
            Ok(Filter::InPolygon { points, .. }) => assert_eq!(points.len(), 3),
            other => panic!("{other:?}"),
        }
        assert!(ask(&json!({"withinPolygon": {"points": [a, b, a]}})).is_err());
    }
}
