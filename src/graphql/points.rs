//! Points of documents, in every form that a mapping takes.

use serde_json::{Map, Value as Json};

/// A point in any of its forms: an object, a text, `[lon, lat]`, GeoJSON, WKT, a geohash. Latitude first.
pub(super) fn read(value: &Json) -> Option<(f64, f64)> {
    match value {
        Json::Object(map) if map.contains_key("coordinates") => lon_lat(map.get("coordinates")?.as_array()?),
        Json::Object(map) => part(map, "lat").zip(part(map, "lon")),
        Json::Array(pair) => lon_lat(pair),
        Json::String(text) => of_text(text),
        _ => None,
    }
}

fn part(map: &Map<String, Json>, name: &str) -> Option<f64> {
    map.get(name).and_then(number)
}

pub(super) fn number(value: &Json) -> Option<f64> {
    match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => finite(text),
        _ => None,
    }
}

fn lon_lat(pair: &[Json]) -> Option<(f64, f64)> {
    match pair {
        [lon, lat] | [lon, lat, _] => number(lat).zip(number(lon)),
        _ => None,
    }
}

fn of_text(text: &str) -> Option<(f64, f64)> {
    let text = text.trim();
    if let Some((lat, lon)) = text.split_once(',') {
        // a third number is the height
        let lon = lon.split(',').next().unwrap_or(lon);
        return finite(lat).zip(finite(lon));
    }
    if text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("point")) {
        let inner = text[5..].trim().strip_prefix('(')?.strip_suffix(')')?;
        let mut numbers = inner.split_ascii_whitespace().map(finite);
        let (lon, lat) = (numbers.next()??, numbers.next()??);
        return Some((lat, lon));
    }
    of_geohash(text)
}

fn finite(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

/// The south-western corner of the cell, as the index takes it. Bits alternate, longitude first.
fn of_geohash(text: &str) -> Option<(f64, f64)> {
    const LETTERS: &str = "0123456789bcdefghjkmnpqrstuvwxyz";
    if text.is_empty() || text.len() > 12 {
        return None;
    }
    let (mut lat, mut lon) = ((-90.0, 90.0), (-180.0, 180.0));
    let mut along = true;
    for letter in text.chars() {
        let bits = LETTERS.find(letter.to_ascii_lowercase())?;
        for bit in (0..5).rev() {
            let span: &mut (f64, f64) = if along { &mut lon } else { &mut lat };
            let middle = f64::midpoint(span.0, span.1);
            if bits >> bit & 1 == 1 {
                span.0 = middle
            } else {
                span.1 = middle
            }
            along = !along;
        }
    }
    Some((lat.0, lon.0))
}
