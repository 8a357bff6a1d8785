//! Documents as the evaluator sees them: of each field the values that an index should hold.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::search::value::{Value, from_document};
use crate::search::{Exact, Field, FieldRef, GeoPoint, Kind};

/// An element of a nested list is one too; it has no id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Document {
    pub id: String,
    /// Path -> what the index should hold, in the list's order; of texts the text.
    pub values: BTreeMap<String, Vec<Value>>,
    pub points: BTreeMap<String, Vec<GeoPoint>>,
    pub vectors: BTreeMap<String, Vec<f32>>,
    /// Of nested lists, by the path.
    pub elements: BTreeMap<String, Vec<Document>>,
}

impl Document {
    /// An error tells what stands in a way that is not known here.
    pub fn read(id: &str, source: &Map<String, Json>, fields: &[FieldRef]) -> Result<Document, String> {
        let mut document = Document { id: id.to_owned(), ..Document::default() };
        document.add(source, "", fields)?;
        Ok(document)
    }

    fn add(&mut self, source: &Map<String, Json>, around: &str, fields: &[FieldRef]) -> Result<(), String> {
        for (name, value) in source {
            let path = if around.is_empty() { name.clone() } else { format!("{around}.{name}") };
            match find(fields, &path) {
                None => {
                    // a part of the name of an object that is written with dots
                    let parts = if fields.is_empty() { Vec::new() } else { objects(value) };
                    parts.into_iter().try_for_each(|part| self.add(part, &path, fields))?;
                }
                Some(field) => self.add_field(field, value, fields)?,
            }
        }
        Ok(())
    }

    fn add_field(&mut self, field: &Field, value: &Json, fields: &[FieldRef]) -> Result<(), String> {
        match &field.kind {
            Kind::Object => objects(value).into_iter().try_for_each(|part| self.add(part, &field.path, fields)),
            Kind::Nested => {
                for part in objects(value) {
                    let mut element = Document::default();
                    element.add(part, &field.path, fields)?;
                    self.elements.entry(field.path.clone()).or_default().push(element);
                }
                Ok(())
            }
            Kind::GeoPoint => {
                let points =
                    points(value).ok_or_else(|| format!("a place in {} is written in a way not known here", field.path))?;
                if !points.is_empty() {
                    self.points.entry(field.path.clone()).or_default().extend(points);
                }
                Ok(())
            }
            Kind::Vector { .. } => {
                #[expect(clippy::cast_possible_truncation, reason = "an index keeps them so")]
                let numbers = scalars(value).into_iter().filter_map(Json::as_f64).map(|number| number as f32).collect::<Vec<_>>();
                if !numbers.is_empty() {
                    self.vectors.insert(field.path.clone(), numbers);
                }
                Ok(())
            }
            Kind::Json { .. } => Ok(()),
            kind => scalars(value).into_iter().try_for_each(|scalar| {
                let read = match (from_document(kind, scalar)?, &field.null_value) {
                    (None, Some(instead)) => from_document(kind, instead)?,
                    (read, _) => read,
                };
                if let Some(value) = read.and_then(|value| kept(kind, value)) {
                    self.values.entry(field.path.clone()).or_default().push(value);
                }
                Ok(())
            }),
        }
        .map_err(|why: String| format!("{}: {why}", field.path))
    }

    /// An element of a nested list, as it stands in a document.
    pub(super) fn read_element(list: &FieldRef, source: &Json) -> Result<Document, String> {
        let mut element = Document::default();
        objects(source).into_iter().try_for_each(|part| element.add(part, &list.path, std::slice::from_ref(list)))?;
        Ok(element)
    }

    /// The elements of a nested list at this path, also of lists in lists.
    pub fn elements(&self, path: &str) -> Vec<&Document> {
        match self.elements.get(path) {
            Some(elements) => elements.iter().collect(),
            None => self.elements.values().flatten().flat_map(|element| element.elements(path)).collect(),
        }
    }
}

/// What is too long is not in the index; a moment of a plain date is cut to milliseconds.
fn kept(kind: &Kind, value: Value) -> Option<Value> {
    match (kind, value) {
        (Kind::Keyword(exact), Value::Text(text)) => keyword(exact, text).map(Value::Text),
        (Kind::Date(date), Value::Date(time)) if !date.nanos => Some(Value::Date(time.to_millis())),
        (_, value) => Some(value),
    }
}

fn keyword(exact: &Exact, text: String) -> Option<String> {
    let fits = exact.ignore_above.is_none_or(|most| text.encode_utf16().count() <= most as usize);
    fits.then(|| if exact.normalizer.is_some() { lower(&text) } else { text })
}

/// As Java lowers: letter by letter.
pub fn lower(text: &str) -> String {
    text.chars().flat_map(|c| if c == 'İ' { vec!['i'] } else { c.to_lowercase().collect() }).collect()
}

fn find<'f>(fields: &'f [FieldRef], path: &str) -> Option<&'f FieldRef> {
    fields.iter().find_map(|field| if field.path == path { Some(field) } else { find(&field.fields, path) })
}

/// An object, or all of a list.
fn objects(value: &Json) -> Vec<&Map<String, Json>> {
    match value {
        Json::Object(object) => vec![object],
        Json::Array(parts) => parts.iter().flat_map(objects).collect(),
        _ => Vec::new(),
    }
}

fn scalars(value: &Json) -> Vec<&Json> {
    match value {
        Json::Array(parts) => parts.iter().flat_map(scalars).collect(),
        other => vec![other],
    }
}

/// The usual ways to write places.
fn points(value: &Json) -> Option<Vec<GeoPoint>> {
    match value {
        Json::Null => Some(Vec::new()),
        Json::Array(parts) => match parts.as_slice() {
            [Json::Number(lon), Json::Number(lat)] => Some(vec![GeoPoint { lat: lat.as_f64()?, lon: lon.as_f64()? }]),
            parts => Some(parts.iter().map(points).collect::<Option<Vec<_>>>()?.concat()),
        },
        Json::Object(parts) => {
            let degrees = |name| parts.get(name).and_then(Json::as_f64);
            Some(vec![GeoPoint { lat: degrees("lat")?, lon: degrees("lon")? }])
        }
        Json::String(text) => {
            let point =
                |lat: &str, lon: &str| Some(vec![GeoPoint { lat: lat.trim().parse().ok()?, lon: lon.trim().parse().ok()? }]);
            if let Some(inside) = text.strip_prefix("POINT (").and_then(|rest| rest.strip_suffix(')')) {
                let (lon, lat) = inside.split_once(' ')?;
                return point(lat, lon);
            }
            let (lat, lon) = text.split_once(',')?;
            point(lat, lon)
        }
        _ => None,
    }
}
