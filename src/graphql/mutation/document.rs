//! The input of a document -> its source: names as the mapping has them, dates in a format of the mapping, every value held
//! against its field. All faults of a document are told at once. Pure.

use std::sync::LazyLock;

use serde_json::{Value as Json, json};

use super::WriteError;
use crate::catalog::{Exposed, ExposedField};
use crate::search::date::DateFormats;
use crate::search::value::fits;
use crate::search::{DateKind, Kind, Source};

/// Whether mutations can write the field. A type that hooke does not know can only be read.
pub(crate) fn is_writable(field: &ExposedField) -> bool {
    match &field.field.kind {
        Kind::Object | Kind::Nested => field.fields.iter().any(is_writable),
        Kind::Json { mapping_type } => matches!(mapping_type.as_str(), "flattened" | "object"),
        _ => true,
    }
}

/// A whole document or, as `patch`, what is to change of one; `place` leads to it. At most so many faults are told.
pub(super) fn read(
    exposed: &Exposed,
    input: &Json,
    patch: bool,
    place: Vec<String>,
    most: usize,
) -> Result<Source, Vec<WriteError>> {
    let mut reading = Reading { patch, path: place, faults: Vec::new(), most };
    let source = reading.object(&exposed.fields, input);
    if reading.faults.is_empty() { Ok(source) } else { Err(reading.faults) }
}

struct Reading {
    patch: bool,
    path: Vec<String>,
    faults: Vec<WriteError>,
    most: usize,
}

impl Reading {
    fn object(&mut self, fields: &[ExposedField], input: &Json) -> Source {
        let mut source = Source::new();
        for (name, value) in input.as_object().into_iter().flatten() {
            self.path.push(name.clone());
            match fields.iter().find(|field| field.name == *name) {
                Some(field) => {
                    let value = self.value(field, value);
                    source.insert(field.field.name().to_owned(), value);
                }
                None => self.refuse("there is no field of this name"),
            }
            self.path.pop();
        }
        source
    }

    fn value(&mut self, field: &ExposedField, value: &Json) -> Json {
        match (value, &field.field.kind) {
            // in a patch it removes, in a document it stays
            (Json::Null, _) => Json::Null,
            (Json::Array(_), Kind::Vector { .. } | Kind::Json { .. }) => self.single(field, value),
            (Json::Array(items), _) => {
                let mut list = Vec::with_capacity(items.len());
                for (at, item) in items.iter().enumerate() {
                    self.path.push(at.to_string());
                    list.push(self.single(field, item));
                    self.path.pop();
                }
                Json::Array(list)
            }
            _ => self.single(field, value),
        }
    }

    fn single(&mut self, field: &ExposedField, value: &Json) -> Json {
        let read = match &field.field.kind {
            Kind::Object | Kind::Nested => return Json::Object(self.object(&field.fields, value)),
            Kind::Date(kind) => date(kind, value),
            Kind::GeoPoint => point(value, self.patch),
            Kind::Json { mapping_type } if mapping_type == "flattened" => flattened(value),
            _ => fits(&field.field, value).map(|()| value.clone()),
        };
        read.unwrap_or_else(|why| {
            self.refuse(why);
            Json::Null
        })
    }

    fn refuse(&mut self, why: impl Into<String>) {
        if self.faults.len() < self.most {
            self.faults.push(WriteError::input(why, self.path.clone()));
        }
    }
}

static ISO: LazyLock<DateFormats> = LazyLock::new(DateFormats::iso);

/// As it was given where the mapping reads it so, else in a format of the mapping.
fn date(kind: &DateKind, value: &Json) -> Result<Json, String> {
    let time = ISO.read(value, kind.nanos).map_err(|why| {
        // a moment, but none for this field, is told as what it is
        if ISO.read(value, false).is_ok() { why } else { format!("{value} is no point in time: give it as 2024-03-31T02:30:00Z") }
    })?;
    if kind.formats.read(value, kind.nanos) == Ok(time) {
        return Ok(value.clone());
    }
    let cannot = || format!("the field keeps its dates as {}, which cannot say {value}", kind.formats.text);
    kind.formats.write(time, kind.nanos).ok_or_else(cannot)
}

/// In a patch as a text: an object would be merged into whatever form the point has now.
fn point(value: &Json, patch: bool) -> Result<Json, String> {
    let part = |name: &str, most: f64| match value[name].as_f64() {
        Some(degrees) if degrees.abs() <= most => Ok(degrees),
        _ => Err(format!("{} is no {name}: it lies between -{most} and {most}", value[name])),
    };
    let (lat, lon) = (part("lat", 90.0)?, part("lon", 180.0)?);
    Ok(if patch { Json::String(format!("{lat},{lon}")) } else { json!({ "lat": lat, "lon": lon }) })
}

fn flattened(value: &Json) -> Result<Json, String> {
    let is_one = match value {
        Json::Array(items) => items.iter().all(Json::is_object),
        other => other.is_object(),
    };
    if is_one { Ok(value.clone()) } else { Err("a free-form field holds an object".into()) }
}

/// A path of the document in the names of the schema; what is no field stays, such as places in lists.
pub(super) fn named(exposed: &Exposed, path: &[String]) -> Vec<String> {
    let mut fields = exposed.fields.as_slice();
    let name = |part: &String| match fields.iter().find(|field| field.field.name() == part.as_str()) {
        Some(field) => {
            fields = &field.fields;
            field.name.clone()
        }
        None => part.clone(),
    };
    path.iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::graphql::fixture::catalog;

    fn orders(input: Json, patch: bool) -> Result<Json, Vec<(String, String)>> {
        let catalog = catalog(&Config::default());
        let place = vec![if patch { "patch" } else { "input" }.to_owned()];
        let read = read(catalog.collection("orders").unwrap(), &input, patch, place, 20);
        read.map(Json::Object).map_err(|faults| faults.into_iter().map(|fault| (fault.path.join("."), fault.message)).collect())
    }

    #[test]
    fn values_are_kept_as_they_are_given() {
        let input = json!({
            "orderNo": "a", "gift": true, "placedAt": "2024-03-31T02:30:00+02:00", "total": 1.5, "ledger": 9_007_199_254_740_993_i64,
            "clientIp": "::1", "labels": ["a", "b"], "ratings": [], "shipping": { "city": null, "floor": 3 },
            "items": [{ "sku": "x", "parcels": [{ "weight": 0.1 }] }], "attributes": { "any": { "thing": [1] } },
            "embedding": [1.0, 2.0, 3.0], "notes": null,
        });
        assert_eq!(orders(input.clone(), false), Ok(input));
    }

    #[test]
    fn dates_become_what_the_mapping_reads() {
        assert_eq!(orders(json!({ "invoicedOn": "2024-03-31" }), false), Ok(json!({ "invoicedOn": "2024/03/31" })));
        let faults = orders(json!({ "invoicedOn": "2024-03-31T02:30" }), false).unwrap_err();
        assert!(faults[0].0 == "input.invoicedOn" && faults[0].1.contains("yyyy/MM/dd"), "{faults:?}");
        let faults = orders(json!({ "invoicedOn": "2024/03/31" }), false).unwrap_err();
        assert!(faults[0].1.contains("no point in time"), "{faults:?}");
    }

    #[test]
    fn all_faults_are_told_with_their_paths() {
        let input = json!({
            "placedAt": "yesterday", "clientIp": "10.0.0", "ratings": [1, 3_000_000_000_i64], "attributes": "text",
            "embedding": [1.0], "items": [{ "qty": 1 }, { "parcels": [{ "weight": 1e300 }] }],
        });
        let faults = orders(input, false).unwrap_err();
        let mut paths: Vec<&str> = faults.iter().map(|(path, _)| path.as_str()).collect();
        paths.sort_unstable();
        let expected = ["attributes", "clientIp", "embedding", "items.1.parcels.0.weight", "placedAt", "ratings.1"];
        assert_eq!(paths, expected.map(|path| format!("input.{path}")));
    }

    #[test]
    fn a_point_of_a_patch_takes_the_place_of_any_form() {
        assert_eq!(point(&json!({ "lat": 1, "lon": -2.5 }), true), Ok(json!("1,-2.5")));
        assert_eq!(point(&json!({ "lat": 1, "lon": -2.5 }), false), Ok(json!({ "lat": 1.0, "lon": -2.5 })));
        assert!(point(&json!({ "lat": 91, "lon": 0 }), false).is_err());
    }

    #[test]
    fn paths_of_the_engine_get_the_names_of_the_schema() {
        let catalog = catalog(&Config::default());
        let path = ["items", "2", "qty"].map(String::from);
        assert_eq!(named(catalog.collection("orders").unwrap(), &path), path);
    }
}
