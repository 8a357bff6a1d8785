//! Points of a document: read strictly, in every form that Elasticsearch takes.

use serde_json::Value as Json;

use super::super::GeoPoint;
use super::super::value::brief;

const GEOHASH: &str = "0123456789bcdefghjkmnpqrstuvwxyz";

/// All points of a value: an object, `"lat,lon"`, WKT, a geohash, `[lon, lat]`, GeoJSON, or a list of such.
pub(crate) fn read_points(value: &Json) -> Result<Vec<GeoPoint>, String> {
    match value {
        Json::Null => Ok(Vec::new()),
        Json::Array(parts) if parts.first().is_some_and(Json::is_number) => match parts.as_slice() {
            [lon, lat] | [lon, lat, Json::Number(_)] => Ok(vec![checked(degrees(lat)?, degrees(lon)?)?]),
            _ => Err(format!("{} is no place: [lon, lat] was expected", brief(value))),
        },
        Json::Array(parts) => {
            let points: Result<Vec<_>, _> = parts.iter().filter(|part| !part.is_null()).map(read_point).collect();
            points
        }
        other => read_point(other).map(|point| vec![point]),
    }
}

fn read_point(value: &Json) -> Result<GeoPoint, String> {
    let no_place = || format!("{} is no place", brief(value));
    match value {
        Json::Array(parts) => match parts.as_slice() {
            [lon, lat] | [lon, lat, Json::Number(_)] => checked(degrees(lat)?, degrees(lon)?),
            _ => Err(no_place()),
        },
        Json::Object(parts) => {
            if parts.keys().all(|key| matches!(key.as_str(), "lat" | "lon" | "z")) {
                let (lat, lon) = (parts.get("lat").ok_or_else(no_place)?, parts.get("lon").ok_or_else(no_place)?);
                return checked(degrees(lat)?, degrees(lon)?);
            }
            let point = parts.get("type").and_then(Json::as_str).is_some_and(|kind| kind.eq_ignore_ascii_case("point"));
            match parts.get("coordinates") {
                Some(Json::Array(pair)) if point && parts.len() == 2 => match pair.as_slice() {
                    [lon, lat] | [lon, lat, Json::Number(_)] => checked(degrees(lat)?, degrees(lon)?),
                    _ => Err(no_place()),
                },
                _ => Err(no_place()),
            }
        }
        Json::String(text) => read_text(text).unwrap_or_else(|| Err(no_place())),
        _ => Err(no_place()),
    }
}

fn read_text(text: &str) -> Option<Result<GeoPoint, String>> {
    let trimmed = text.trim();
    if trimmed.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("point")) {
        let inside = trimmed[5..].trim().strip_prefix('(')?.strip_suffix(')')?;
        let numbers: Vec<f64> = inside.split_whitespace().map(|part| part.parse().ok()).collect::<Option<_>>()?;
        return match numbers.as_slice() {
            [lon, lat] | [lon, lat, _] => Some(checked(*lat, *lon)),
            _ => None,
        };
    }
    if text.contains(',') {
        let numbers: Vec<f64> = text.split(',').map(|part| part.trim().parse().ok()).collect::<Option<_>>()?;
        return match numbers.as_slice() {
            [lat, lon] | [lat, lon, _] => Some(checked(*lat, *lon)),
            _ => None,
        };
    }
    geohash(text).map(Ok)
}

/// The corner of a geohash cell is what Elasticsearch indexes; twelve letters count.
fn geohash(text: &str) -> Option<GeoPoint> {
    if text.is_empty() {
        return None;
    }
    let (mut lat, mut lon) = ((-90.0, 90.0), (-180.0, 180.0));
    let mut even = true;
    for letter in text.chars().take(12) {
        let code = GEOHASH.find(letter)?;
        for bit in (0..5).rev() {
            let side: &mut (f64, f64) = if even { &mut lon } else { &mut lat };
            let middle = (side.0 + side.1) / 2.0;
            if code >> bit & 1 == 1 {
                side.0 = middle
            } else {
                side.1 = middle
            }
            even = !even;
        }
    }
    Some(GeoPoint { lat: lat.0, lon: lon.0 })
}

fn degrees(value: &Json) -> Result<f64, String> {
    let number = match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        _ => None,
    };
    number.ok_or_else(|| format!("{} is no number of degrees", brief(value)))
}

fn checked(lat: f64, lon: f64) -> Result<GeoPoint, String> {
    if !(-90.0..=90.0).contains(&lat) {
        return Err(format!("{lat} is no latitude"));
    }
    if !(-180.0..=180.0).contains(&lon) {
        return Err(format!("{lon} is no longitude"));
    }
    Ok(GeoPoint { lat, lon })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn points_in_every_form() {
        for (value, expected) in [
            (json!({"lat": 1, "lon": "2"}), Some(vec![(1.0, 2.0)])),
            (json!("1, 2"), Some(vec![(1.0, 2.0)])),
            (json!([2, 1]), Some(vec![(1.0, 2.0)])),
            (json!([2, 1, 5]), Some(vec![(1.0, 2.0)])),
            (json!("POINT (2 1)"), Some(vec![(1.0, 2.0)])),
            (json!({"type": "Point", "coordinates": [2, 1]}), Some(vec![(1.0, 2.0)])),
            (json!([[2, 1], "3,4"]), Some(vec![(1.0, 2.0), (3.0, 4.0)])),
            (json!("7"), Some(vec![(-45.0, -45.0)])),
            (json!([]), Some(vec![])),
            (json!([2]), None),
            (json!([2, 1, 5, 6]), None),
            (json!({"lat": 91, "lon": 2}), None),
            (json!({"lat": 1}), None),
            (json!("2,181"), None),
            (json!("false"), None),
            (json!(7), None),
        ] {
            let points = read_points(&value).ok();
            let expected = expected.map(|points| points.into_iter().map(|(lat, lon)| GeoPoint { lat, lon }).collect::<Vec<_>>());
            assert_eq!(points, expected, "{value}");
        }
    }
}
