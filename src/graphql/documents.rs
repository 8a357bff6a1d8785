//! Values of a document's source as its fields are declared. A source may write one thing in many ways: a bare value for a list,
//! dotted keys for objects, numbers as strings, points in six forms. What does not fit is a fault of that field, never dropped.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::points;
use super::value::Value;
use crate::catalog::ExposedField;
use crate::search::date::rfc3339;
use crate::search::value::{self, Value as Held};
use crate::search::{Kind, Number, Source};

/// An object of a document: the maps that hold its parts, each with what stands before the part's name in the keys.
/// `{"shipping": {"city": …}, "shipping.floor": …}` is one object of two.
#[derive(Clone, Debug)]
pub(crate) struct View<'a>(Vec<(&'a Source, Cow<'a, str>)>);

/// What a field of a document is.
#[derive(Debug)]
pub(crate) enum Content<'a> {
    Null,
    Leaf(Value<'a>),
    Object(View<'a>),
    Point { lat: f64, lon: f64 },
    List(Vec<Content<'a>>),
    Fault(String),
}

impl<'a> View<'a> {
    pub(crate) fn of(source: &'a Source) -> Self {
        View(vec![(source, Cow::Borrowed(""))])
    }

    /// Everything that stands under this name.
    fn values(&self, name: &str) -> Vec<&'a Json> {
        self.0
            .iter()
            .filter_map(|(map, before)| if before.is_empty() { map.get(name) } else { map.get(&format!("{before}{name}")) })
            .collect()
    }

    /// The parts of an object that dotted keys write here.
    fn dotted(&self, name: &str) -> View<'a> {
        let parts = self.0.iter().filter_map(|(map, before)| {
            let start = format!("{before}{name}.");
            map.keys().any(|key| key.starts_with(&start)).then_some((*map, Cow::Owned(start)))
        });
        View(parts.collect())
    }
}

/// The value of a field in an object.
pub(crate) fn content<'a>(collection: &str, field: &ExposedField, view: &View<'a>) -> Content<'a> {
    let name = field.field.name();
    let found = view.values(name);
    match &field.field.kind {
        Kind::Json { .. } => free(&found),
        Kind::Object | Kind::Nested if field.type_name.is_some() => {
            let dotted = view.dotted(name);
            objects(collection, field, &found, dotted)
        }
        Kind::Object | Kind::Nested => free(&found),
        Kind::Vector { .. } => vector(&found),
        Kind::GeoPoint => {
            let mut points = Vec::new();
            for value in &found {
                spread_points(value, &mut points);
            }
            let dotted = view.dotted(name);
            let point = (points.is_empty() && !dotted.0.is_empty()).then(|| point_of_parts(&dotted));
            let given = points.iter().map(|value| point_of(value)).chain(point);
            arrange(collection, field, &found, given.collect())
        }
        kind => {
            let mut single = Vec::new();
            for value in &found {
                spread(value, &mut single);
            }
            arrange(collection, field, &found, single.iter().filter_map(|value| leaf(kind, value)).collect())
        }
    }
}

/// The values found as the declaration wants them: a list, or one at most.
fn arrange<'a>(collection: &str, field: &ExposedField, found: &[&'a Json], mut values: Vec<Content<'a>>) -> Content<'a> {
    if field.list {
        return if found.iter().all(|value| value.is_null()) && values.is_empty() {
            Content::Null
        } else {
            Content::List(values)
        };
    }
    match values.len() {
        0 => Content::Null,
        1 => values.swap_remove(0),
        several => Content::Fault(format!(
            "{} is declared single, but this document holds {several} values; say in the settings that it is a list: \
             catalog.collections.{collection}.lists, \"{}\" = true",
            field.field.path, field.field.path
        )),
    }
}

/// All single values of a value: lists of lists are one list, as in the index; null is no value.
fn spread<'a>(value: &'a Json, into: &mut Vec<&'a Json>) {
    match value {
        Json::Null => {}
        Json::Array(items) => items.iter().for_each(|item| spread(item, into)),
        other => into.push(other),
    }
}

/// The same for points, of which one form is itself a list: `[lon, lat]`.
fn spread_points<'a>(value: &'a Json, into: &mut Vec<&'a Json>) {
    match value {
        Json::Array(items) if !items.first().is_some_and(Json::is_number) => {
            items.iter().for_each(|item| spread_points(item, into));
        }
        Json::Null => {}
        other => into.push(other),
    }
}

fn free<'a>(found: &[&'a Json]) -> Content<'a> {
    match found {
        [] => Content::Null,
        [Json::Null] => Content::Null,
        [one] => Content::Leaf(Value::Json(one)),
        several => Content::List(several.iter().map(|value| Content::Leaf(Value::Json(value))).collect()),
    }
}

fn vector<'a>(found: &[&'a Json]) -> Content<'a> {
    let mut numbers = Vec::new();
    for value in found {
        spread(value, &mut numbers);
    }
    if numbers.is_empty() {
        return Content::Null;
    }
    // an index holds singles: some versions of Elasticsearch give those back, others what was written
    let read = |value: &&'a Json| match value.as_f64() {
        Some(number) => Content::Leaf(Value::Single(number as f32)),
        None => Content::Fault(format!("{} is not a number", brief(value))),
    };
    Content::List(numbers.iter().map(read).collect())
}

fn objects<'a>(collection: &str, field: &ExposedField, found: &[&'a Json], dotted: View<'a>) -> Content<'a> {
    let mut single = Vec::new();
    for value in found {
        spread(value, &mut single);
    }
    let mut views: Vec<Result<View<'a>, String>> = single
        .iter()
        .map(|value| match value {
            Json::Object(map) => Ok(View::of(map)),
            other => Err(format!("{} is not an object", brief(other))),
        })
        .collect();
    if !dotted.0.is_empty() {
        match views.as_mut_slice() {
            // the object is written in both ways: it is still one
            [Ok(one)] => one.0.extend(dotted.0),
            _ => views.push(Ok(dotted)),
        }
    }
    let values = views.into_iter().map(|view| view.map_or_else(Content::Fault, Content::Object)).collect();
    arrange(collection, field, found, values)
}

/// One value of a kind with single values. `None`: it is there, but means that nothing is (`""` for a number).
fn leaf<'a>(kind: &Kind, json: &'a Json) -> Option<Content<'a>> {
    let value = match (kind, json) {
        (Kind::Keyword(_) | Kind::Text { .. }, Json::String(text)) => Value::text(text),
        // as it was written: what the index keeps of a float may have fewer digits
        (Kind::Number(Number::Double | Number::Float | Number::HalfFloat), Json::Number(_)) => Value::Json(json),
        (Kind::Number(Number::Double | Number::Float | Number::HalfFloat), _) => {
            match value::from_document(&Kind::Number(Number::Double), json) {
                Ok(Some(Held::Double(double))) => Value::Double(double),
                Ok(_) => return None,
                Err(why) => return Some(Content::Fault(why)),
            }
        }
        _ => match value::from_document(kind, json) {
            Ok(Some(held)) => shaped(kind, held),
            Ok(None) => return None,
            Err(why) => return Some(Content::Fault(why)),
        },
    };
    Some(Content::Leaf(value))
}

fn shaped<'a>(kind: &Kind, held: Held) -> Value<'a> {
    match held {
        Held::Text(text) => Value::text(text),
        Held::Long(long) => Value::long(long),
        Held::Double(double) => Value::Double(double),
        Held::Boolean(truth) => Value::Boolean(truth),
        Held::Date(time) => Value::text(rfc3339(time, matches!(kind, Kind::Date(date) if date.nanos))),
        Held::Ip(address) => Value::text(address.to_string()),
    }
}

fn point_of<'a>(value: &Json) -> Content<'a> {
    match points::read(value) {
        Some((lat, lon)) => Content::Point { lat, lon },
        None => Content::Fault(format!("{} is not a point", brief(value))),
    }
}

fn point_of_parts<'a>(view: &View<'a>) -> Content<'a> {
    let part = |name: &str| view.values(name).first().copied().and_then(points::number);
    match part("lat").zip(part("lon")) {
        Some((lat, lon)) => Content::Point { lat, lon },
        None => Content::Fault("the parts of this point are not both numbers".into()),
    }
}

fn brief(json: &Json) -> String {
    let text = json.to_string();
    if text.chars().count() <= 64 { text } else { text.chars().take(63).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Map, json};

    use super::*;
    use crate::search::date::DateFormats;
    use crate::search::{DateKind, Exact, Field};

    fn field(path: &str, kind: Kind, list: bool, fields: Vec<ExposedField>) -> ExposedField {
        let inner = fields.iter().map(|field| field.field.clone()).collect();
        let name = path.rsplit('.').next().unwrap_or(path).to_owned();
        ExposedField {
            field: Arc::new(Field { fields: inner, ..Field::new(path, kind) }),
            filter_name: name.clone(),
            aggregate_name: name.clone(),
            range_name: format!("{name}Range"),
            enum_name: name.to_uppercase(),
            type_name: (!fields.is_empty()).then(|| "T".into()),
            name,
            list,
            fields,
        }
    }

    fn keyword(path: &str, list: bool) -> ExposedField {
        let kind = Kind::Keyword(Exact { path: path.into(), ignore_above: None, normalizer: None });
        field(path, kind, list, Vec::new())
    }

    fn plain(collection: &str, field: &ExposedField, content: Content<'_>) -> Json {
        match content {
            Content::Null => Json::Null,
            Content::Leaf(value) => serde_json::to_value(value).unwrap(),
            Content::Point { lat, lon } => json!({ "lat": lat, "lon": lon }),
            Content::List(items) => items.into_iter().map(|item| plain(collection, field, item)).collect(),
            Content::Fault(why) => json!({ "fault": why }),
            Content::Object(view) => field
                .fields
                .iter()
                .map(|inner| (inner.name.clone(), plain(collection, inner, super::content(collection, inner, &view))))
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    fn read(field: &ExposedField, source: Json) -> Json {
        let Json::Object(source) = source else { panic!("a source is an object") };
        plain("c", field, content("c", field, &View::of(&source)))
    }

    #[test]
    fn lists_and_single_values() {
        let (list, single) = (keyword("tags", true), keyword("tags", false));
        assert_eq!(read(&list, json!({})), json!(null));
        assert_eq!(read(&list, json!({ "tags": null })), json!(null));
        assert_eq!(read(&list, json!({ "tags": [] })), json!([]));
        assert_eq!(read(&list, json!({ "tags": "a" })), json!(["a"]));
        assert_eq!(read(&list, json!({ "tags": ["a", null, ["b", 5]] })), json!(["a", "b", "5"]));
        assert_eq!(read(&single, json!({ "tags": ["a"] })), json!("a"));
        assert_eq!(read(&single, json!({ "tags": [] })), json!(null));
        let refused = read(&single, json!({ "tags": ["a", "b"] }));
        assert!(refused["fault"].as_str().unwrap().contains("catalog.collections.c.lists"));
    }

    #[test]
    fn kinds() {
        let of = |kind: Kind, value: Json| read(&field("f", kind, false, Vec::new()), json!({ "f": value }));
        let number = |number| Kind::Number(number);
        assert_eq!(of(number(Number::Long), json!(9_007_199_254_740_991_i64)), json!(9_007_199_254_740_991_i64));
        assert_eq!(of(number(Number::Long), json!(9_007_199_254_740_992_i64)), json!("9007199254740992"));
        assert_eq!(of(number(Number::Long), json!("-9223372036854775808")), json!("-9223372036854775808"));
        assert_eq!(of(number(Number::Integer), json!("7")), json!(7));
        assert_eq!(of(number(Number::Integer), json!("")), json!(null));
        assert_eq!(of(number(Number::Float), json!(0.1)), json!(0.1));
        assert_eq!(of(number(Number::Double), json!("1e2")), json!(100.0));
        assert_eq!(of(Kind::Boolean, json!("true")), json!(true));
        assert!(of(Kind::Boolean, json!(1))["fault"].is_string());
        assert_eq!(of(Kind::Ip, json!("2001:DB8:0:0::1")), json!("2001:db8::1"));
        let date = Kind::Date(DateKind { formats: DateFormats::parse("epoch_millis").unwrap(), nanos: false });
        assert_eq!(of(date, json!(1_704_067_200_123_i64)), json!("2024-01-01T00:00:00.123Z"));
        let vector = Kind::Vector { dims: Some(2), similarity: crate::search::Similarity::Cosine, indexed: true };
        let (written, given_back) = (json!([0.36669979176117884, 1]), json!([0.36669978, 1.0]));
        assert_eq!(of(vector.clone(), written).to_string(), of(vector, given_back).to_string());
        assert_eq!(of(Kind::Json { mapping_type: "flattened".into() }, json!({ "a": [1] })), json!({ "a": [1] }));
    }

    #[test]
    fn objects_written_in_any_way() {
        let shipping =
            |list| field("shipping", Kind::Object, list, vec![keyword("shipping.city", false), keyword("shipping.zip", false)]);
        let whole = json!({ "city": "x", "zip": "1" });
        assert_eq!(read(&shipping(false), json!({ "shipping": { "city": "x", "zip": "1" } })), whole);
        assert_eq!(read(&shipping(false), json!({ "shipping.city": "x", "shipping.zip": 1 })), whole);
        assert_eq!(read(&shipping(false), json!({ "shipping": { "city": "x" }, "shipping.zip": "1" })), whole);
        assert_eq!(read(&shipping(false), json!({})), json!(null));
        assert_eq!(read(&shipping(true), json!({ "shipping": [whole, {}] })), json!([whole, { "city": null, "zip": null }]));
        assert!(read(&shipping(false), json!({ "shipping": [{}, {}] }))["fault"].is_string());
        assert!(read(&shipping(false), json!({ "shipping": 5 }))["fault"].is_string());
    }

    #[test]
    fn dotted_keys_two_levels_deep() {
        let inner = field("a.b", Kind::Object, false, vec![keyword("a.b.c", false)]);
        let outer = field("a", Kind::Object, false, vec![inner]);
        for source in [
            json!({ "a": { "b": { "c": "x" } } }),
            json!({ "a.b.c": "x" }),
            json!({ "a": { "b.c": "x" } }),
            json!({ "a.b": { "c": "x" } }),
        ] {
            assert_eq!(read(&outer, source.clone()), json!({ "b": { "c": "x" } }), "{source}");
        }
    }

    #[test]
    fn points_in_every_form() {
        let point = field("p", Kind::GeoPoint, false, Vec::new());
        for value in [
            json!({ "lat": 1.5, "lon": -2.5 }),
            json!({ "lat": "1.5", "lon": "-2.5" }),
            json!("1.5,-2.5"),
            json!("1.5, -2.5"),
            json!([-2.5, 1.5]),
            json!("POINT (-2.5 1.5)"),
            json!({ "type": "Point", "coordinates": [-2.5, 1.5] }),
            json!([[-2.5, 1.5]]),
        ] {
            assert_eq!(read(&point, json!({ "p": value })), json!({ "lat": 1.5, "lon": -2.5 }), "{value}");
        }
        assert_eq!(read(&point, json!({ "p": "s" })), json!({ "lat": 0.0, "lon": 0.0 }));
        assert_eq!(read(&point, json!({ "p.lat": 1, "p.lon": 2 })), json!({ "lat": 1.0, "lon": 2.0 }));
        assert!(read(&point, json!({ "p": "nowhere!" }))["fault"].is_string());
        assert!(read(&point, json!({ "p": [[1, 2], [3, 4]] }))["fault"].is_string());
        let points = field("p", Kind::GeoPoint, true, Vec::new());
        assert_eq!(
            read(&points, json!({ "p": [[1, 2], "4,3"] })),
            json!([{ "lat": 2.0, "lon": 1.0 }, { "lat": 4.0, "lon": 3.0 }])
        );
    }
}
