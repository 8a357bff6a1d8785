//! Filters -> Elasticsearch's queries. Pure, and one operator is one arm of one `match`.
//!
//! Where Elasticsearch would refuse a value (a number beyond the field's range, a date before 1970 in nanoseconds), the
//! answer is known without asking, and that is what is sent.

use serde_json::{Value as Json, json};

use super::{dates, numbers, patterns};
use crate::geo::Polygon;
use crate::value::{Cidr, Value, shortest};
use crate::{Error, Field, FieldRef, Filter, GeoPoint, Kind, Quantifier, Range, Result, TextFilter};

/// Values in one `terms`: `index.max_terms_count` by default.
const MOST_VALUES: usize = 65_536;
/// Words that the last one of a phrase may go on to: more than any field has, for where Elasticsearch stops it says nothing.
const ENDINGS: u32 = 10_000_000;

/// What is left of a range once the field's own limits are known.
#[derive(Debug, PartialEq)]
pub(super) enum Bounds {
    Nothing,
    /// Whatever has a value.
    Everything,
    /// `gt`, `gte`, `lt`, `lte` and, for dates, `format`.
    Between(serde_json::Map<String, Json>),
}

/// What holds for documents.
pub(super) fn query(filter: &Filter) -> Result<Json> {
    at(None, filter)
}

/// The elements of a nested list that a filter holds for, as a query that holds for what they lie in.
pub(super) fn elements(field: &Field, filter: &Filter) -> Result<Json> {
    if field.kind != Kind::Nested {
        return Err(Error::invalid(format!("{} has no elements", field.path)));
    }
    Ok(json!({"nested": {"path": field.path, "query": at(Some(&field.path), filter)?, "ignore_unmapped": true}}))
}

/// What holds for documents, or for elements of the nested list at a path.
fn at(list: Option<&str>, filter: &Filter) -> Result<Json> {
    if let Some(field) = filter.field() {
        check(list, field)?;
    }
    let all = |parts: &[Filter]| parts.iter().map(|part| at(list, part)).collect::<Result<Vec<_>>>();
    Ok(match filter {
        Filter::All => json!({"match_all": {}}),
        Filter::Nothing => nothing(),
        Filter::And(parts) if parts.is_empty() => json!({"match_all": {}}),
        Filter::And(parts) => json!({"bool": {"filter": all(parts)?}}),
        Filter::Or(parts) => any(all(parts)?),
        Filter::Not(part) => not(at(list, part)?),
        Filter::Exists(field) => exists(field),
        Filter::OneOf(field, values) => one_of(field, values)?,
        Filter::Range(field, range) => between(field, range)?,
        Filter::Pattern(field, pattern) => match &field.kind {
            Kind::Keyword(exact) | Kind::Text { exact: Some(exact), .. } => {
                patterns::query(&exact.path, &exact.pattern(pattern))?
            }
            Kind::Text { exact: None, .. } => patterns::query(exact(field)?, pattern)?,
            _ => return Err(Error::invalid(format!("{} is no keyword: it takes no pattern", field.path))),
        },
        Filter::Words(field, words) => text(field, words)?,
        Filter::Networks(field, networks) => any(networks.iter().map(|network| addresses(field, network)).collect()),
        Filter::Near { field, center, metres } => {
            let path = place(field, &["distance"])?;
            json!({"geo_distance": {path: [center.lon, center.lat], "distance": format!("{metres}m"), "ignore_unmapped": true}})
        }
        Filter::InBox { field, top, left, bottom, right } => {
            let path = place(field, &[])?;
            json!({"geo_bounding_box": {
                path: {"top": top, "left": left, "bottom": bottom, "right": right},
                "ignore_unmapped": true,
            }})
        }
        Filter::InPolygon { field, points } => polygon(field, points)?,
        Filter::Nested { field, quantifier, filter } => match quantifier {
            Quantifier::Some => elements(field, filter)?,
            Quantifier::None => not(elements(field, filter)?),
            // none fails
            Quantifier::Every => not(elements(field, &Filter::not((**filter).clone()))?),
        },
        Filter::Ids(_) if list.is_some() => return Err(Error::invalid("elements of a list have no ids")),
        Filter::Ids(ids) if ids.is_empty() => nothing(),
        Filter::Ids(ids) => json!({"ids": {"values": ids.iter().map(|id| id.as_str()).collect::<Vec<_>>()}}),
    })
}

/// Inside a nested query only the element's own fields are there, outside none of them; Elasticsearch would find nothing in silence.
fn check(list: Option<&str>, field: &Field) -> Result<()> {
    let fits = match (&field.kind, list) {
        (Kind::Nested, None) => true,
        (Kind::Nested, Some(list)) => field.path.strip_prefix(list).is_some_and(|rest| rest.starts_with('.')),
        (_, list) => field.nested.as_deref() == list,
    };
    if fits {
        return Ok(());
    }
    Err(Error::invalid(format!("{} does not lie in what is asked there: ask its elements by some, none or every", field.path)))
}

pub(super) fn nothing() -> Json {
    json!({"match_none": {}})
}

/// A `bool` with an empty `should` matches everything, so none of no parts must be said otherwise.
fn any(mut parts: Vec<Json>) -> Json {
    match parts.len() {
        0 => nothing(),
        1 => parts.swap_remove(0),
        _ => json!({"bool": {"should": parts, "minimum_should_match": 1}}),
    }
}

fn not(part: Json) -> Json {
    json!({"bool": {"must_not": [part]}})
}

fn exact(field: &Field) -> Result<&str> {
    field
        .exact_path()
        .ok_or_else(|| Error::invalid(format!("{} has no exact values: it can be asked only whether it exists", field.path)))
}

/// Asked from the root, a nested path never exists: its elements are documents of their own.
fn exists(field: &Field) -> Json {
    let own = json!({"exists": {"field": field.path}});
    match &field.kind {
        Kind::Nested => json!({"nested": {"path": field.path, "query": {"match_all": {}}, "ignore_unmapped": true}}),
        Kind::Object => {
            let below: Vec<Json> = nested_below(&field.fields).into_iter().map(exists).collect();
            any([vec![own], below].concat())
        }
        _ => own,
    }
}

fn nested_below(fields: &[FieldRef]) -> Vec<&Field> {
    fields
        .iter()
        .flat_map(|field| match field.kind {
            Kind::Nested => vec![&**field],
            Kind::Object => nested_below(&field.fields),
            _ => Vec::new(),
        })
        .collect()
}

fn one_of(field: &Field, values: &[Value]) -> Result<Json> {
    let path = exact(field)?;
    if let Kind::Date(kind) = &field.kind {
        // the mapping's format would decide how a term is read; a range brings its own
        let moments = values.iter().map(|value| match value {
            Value::Date(time) => Ok(spell(path, dates::same(*time, kind.nanos))),
            _ => Err(misfit(field)),
        });
        return Ok(any(moments.collect::<Result<_>>()?));
    }
    let values: Vec<Json> =
        values.iter().map(|value| plain(field, value)).filter_map(Result::transpose).collect::<Result<_>>()?;
    match values.as_slice() {
        [] => Ok(nothing()),
        [value] => Ok(json!({"term": {path: {"value": value}}})),
        more if more.len() > MOST_VALUES => Err(Error::Limit(format!("at most {MOST_VALUES} values in one list"))),
        _ => Ok(json!({"terms": {path: values}})),
    }
}

/// `None`: the field can never hold it.
fn plain(field: &Field, value: &Value) -> Result<Option<Json>> {
    Ok(match (&field.kind, value) {
        (Kind::Keyword(_) | Kind::Text { .. }, Value::Text(text)) => Some(json!(text)),
        (Kind::Boolean, Value::Boolean(flag)) => Some(json!(flag)),
        (Kind::Ip, Value::Ip(address)) => Some(json!(shortest(*address).to_string())),
        (Kind::Number(number), Value::Long(_) | Value::Double(_)) => numbers::same(*number, value),
        _ => return Err(misfit(field)),
    })
}

pub(super) fn between(field: &Field, range: &Range) -> Result<Json> {
    let path = exact(field)?;
    let bounds = match &field.kind {
        Kind::Number(number) => numbers::range(*number, range).ok_or_else(|| misfit(field))?,
        Kind::Date(kind) => dates::range(kind.nanos, range).ok_or_else(|| misfit(field))?,
        Kind::Keyword(_) | Kind::Text { .. } | Kind::Ip => {
            let mut bounds = serde_json::Map::new();
            for (bound, names) in [(&range.lower, ["gt", "gte"]), (&range.upper, ["lt", "lte"])] {
                if let Some((value, inside)) = bound {
                    let value = plain(field, value)?.ok_or_else(|| misfit(field))?;
                    bounds.insert(names[usize::from(*inside)].into(), value);
                }
            }
            if bounds.is_empty() { Bounds::Everything } else { Bounds::Between(bounds) }
        }
        _ => return Err(Error::invalid(format!("{} has no order: it takes no range", field.path))),
    };
    Ok(spell(path, bounds))
}

fn spell(path: &str, bounds: Bounds) -> Json {
    match bounds {
        Bounds::Nothing => nothing(),
        Bounds::Everything => json!({"exists": {"field": path}}),
        Bounds::Between(bounds) => json!({"range": {path: bounds}}),
    }
}

fn misfit(field: &Field) -> Error {
    Error::invalid(format!("{} takes no values of that kind", field.path))
}

/// As a range: CIDR notation of IPv4 inside IPv6 is refused.
fn addresses(field: &Field, network: &Cidr) -> Json {
    let (first, last) = network.span();
    let (first, last) = (shortest(first.into()).to_string(), shortest(last.into()).to_string());
    json!({"range": {field.path.as_str(): {"gte": first, "lte": last}}})
}

/// The path of a field of points. Beside it stand settings of the query, whose names it may not have.
pub(super) fn place<'f>(field: &'f Field, beside: &[&str]) -> Result<&'f str> {
    if field.kind != Kind::GeoPoint {
        return Err(Error::invalid(format!("{} holds no places", field.path)));
    }
    if field.path == "ignore_unmapped" || beside.contains(&field.path.as_str()) {
        return Err(Error::Unsupported(format!("asking by place a field that is called {}", field.path)));
    }
    Ok(&field.path)
}

fn polygon(field: &Field, points: &[GeoPoint]) -> Result<Json> {
    let path = place(field, &[])?;
    // one that Elasticsearch would refuse would take its neighbours in a batch with it
    let ring: Vec<Json> = Polygon::of(points)?.ring().map(|point| json!([point.lon, point.lat])).collect();
    Ok(json!({"geo_shape": {
        path: {"shape": {"type": "polygon", "coordinates": [ring]}, "relation": "intersects"},
        "ignore_unmapped": true,
    }}))
}

fn text(field: &Field, words: &TextFilter) -> Result<Json> {
    let path = match &field.kind {
        Kind::Text { .. } => field.path.as_str(),
        // one word, its whole value
        Kind::Keyword(exact) => {
            return Ok(match words {
                TextFilter::Any(text) | TextFilter::Phrase(text) => json!({"term": {exact.path.as_str(): {"value": text}}}),
                TextFilter::PhrasePrefix(text) => json!({"prefix": {exact.path.as_str(): {"value": text}}}),
            });
        }
        _ => return Err(Error::invalid(format!("{} is no text: it holds no words", field.path))),
    };
    Ok(match words {
        TextFilter::Any(text) => json!({"match": {path: {"query": text}}}),
        TextFilter::Phrase(text) => json!({"match_phrase": {path: {"query": text}}}),
        // one word alone is a plain prefix, which has no limit of endings
        TextFilter::PhrasePrefix(text) if text.chars().all(char::is_alphanumeric) => {
            json!({"match_bool_prefix": {path: {"query": text}}})
        }
        TextFilter::PhrasePrefix(text) => json!({"match_phrase_prefix": {path: {"query": text, "max_expansions": ENDINGS}}}),
    })
}
