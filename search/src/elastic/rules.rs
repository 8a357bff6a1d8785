//! Whether a row rule lets a document through that no search has seen: one that was read by its id, or is about to be
//! written. Pure. It means what `filters` makes Elasticsearch mean; what needs analysed text it cannot tell, and says so.

use std::cmp::Ordering;

use serde_json::Value as Json;

use crate::geo::{Area, Cell, read_points};
use crate::value::{Value, from_document, mapped};
use crate::{DocumentId, Error, Exact, Field, Filter, GeoPoint, Kind, Quantifier, Range, Result, Source};

pub(super) fn allows(rule: &Filter, id: &DocumentId, source: &Source) -> Result<bool> {
    holds(rule, id, Here { source, list: None })
}

/// The document, or an element of the nested list at a path.
#[derive(Clone, Copy)]
struct Here<'a> {
    source: &'a Source,
    list: Option<&'a str>,
}

impl<'a> Here<'a> {
    /// From here to the field; `None` where it lies in other elements.
    fn way(self, field: &Field) -> Option<&str> {
        match self.list {
            None => Some(field.path.as_str()),
            Some(list) => field.path.strip_prefix(list).and_then(|rest| rest.strip_prefix('.')),
        }
        .filter(|_| field.kind == Kind::Nested || field.nested.as_deref() == self.list)
    }

    fn elements(self, field: &'a Field) -> impl Iterator<Item = Here<'a>> {
        let mut found = Vec::new();
        if let Some(way) = self.way(field) {
            descend(self.source, way, &mut found);
        }
        found.into_iter().filter_map(Json::as_object).map(|source| Here { source, list: Some(&field.path) })
    }
}

fn holds(rule: &Filter, id: &DocumentId, source: Here<'_>) -> Result<bool> {
    Ok(match rule {
        Filter::All => true,
        Filter::Nothing => false,
        Filter::And(parts) => {
            for part in parts {
                if !holds(part, id, source)? {
                    return Ok(false);
                }
            }
            true
        }
        Filter::Or(parts) => {
            for part in parts {
                if holds(part, id, source)? {
                    return Ok(true);
                }
            }
            false
        }
        Filter::Not(part) => !holds(part, id, source)?,
        Filter::Ids(ids) => ids.contains(id),
        Filter::Exists(field) => exists(field, source)?,
        Filter::OneOf(field, values) => {
            let wanted: Vec<Value> = values.iter().map(|value| normal(field, value.clone())).collect::<Result<_>>()?;
            indexed(field, source)?.iter().any(|value| wanted.iter().any(|wanted| same(wanted, value)))
        }
        Filter::Range(field, range) => {
            let bound = |bound: &Option<(Value, bool)>| {
                bound.as_ref().map(|(value, inside)| Ok((normal(field, value.clone())?, *inside))).transpose()
            };
            let range = Range { lower: bound(&range.lower)?, upper: bound(&range.upper)? };
            indexed(field, source)?.iter().any(|value| within(value, &range))
        }
        Filter::Pattern(field, pattern) => {
            let machine = match &field.kind {
                Kind::Keyword(exact) | Kind::Text { exact: Some(exact), .. } => exact.pattern(pattern).machine(),
                _ => pattern.machine(),
            };
            indexed(field, source)?.iter().any(|value| matches!(value, Value::Text(text) if machine.matches(text)))
        }
        Filter::Networks(field, networks) => indexed(field, source)?.iter().any(|value| match value {
            Value::Ip(address) => networks.iter().any(|network| {
                let (first, last) = network.span();
                (first..=last).contains(&mapped(*address))
            }),
            _ => false,
        }),
        Filter::Words(..) => return Err(Error::Unsupported("writing under a rule on the words of a text".into())),
        Filter::Near { .. } | Filter::InBox { .. } | Filter::InPolygon { .. } => match Area::of(rule)? {
            Some((field, area)) => points(field, source).into_iter().any(|point| area.holds(Cell::of(point))),
            None => false,
        },
        Filter::Nested { field, quantifier, filter } => {
            let mut any = false;
            let mut all = true;
            for element in source.elements(field) {
                let such = holds(filter, id, element)?;
                (any, all) = (any || such, all && such);
            }
            match quantifier {
                Quantifier::Some => any,
                Quantifier::None => !any,
                Quantifier::Every => all,
            }
        }
    })
}

fn exists(field: &Field, source: Here<'_>) -> Result<bool> {
    Ok(match &field.kind {
        // its own text counts, whatever becomes of the keyword beside it
        Kind::Text { .. } | Kind::GeoPoint | Kind::Vector { .. } => raw(field, source).iter().any(|value| !value.is_null()),
        Kind::Object => {
            for child in &field.fields {
                if exists(child, source)? {
                    return Ok(true);
                }
            }
            false
        }
        Kind::Nested => source.elements(field).next().is_some(),
        Kind::Json { .. } => {
            return Err(Error::Unsupported("writing under a rule on free-form fields".into()));
        }
        _ => !indexed(field, source)?.is_empty(),
    })
}

/// The field's values as the index holds them. What does not fit is none, for Elasticsearch refuses such a document itself.
fn indexed(field: &Field, source: Here<'_>) -> Result<Vec<Value>> {
    let instead = field.null_value.as_ref();
    let read = raw(field, source).into_iter().filter_map(|json| {
        let json = if json.is_null() { instead? } else { json };
        from_document(&field.kind, json).ok().flatten()
    });
    let mut values = Vec::new();
    for value in read {
        if !matches!((exact(field), &value), (Some(exact), Value::Text(text)) if cut(exact, text)) {
            values.push(normal(field, value)?);
        }
    }
    Ok(values)
}

fn exact(field: &Field) -> Option<&Exact> {
    match &field.kind {
        Kind::Keyword(exact) | Kind::Text { exact: Some(exact), .. } => Some(exact),
        _ => None,
    }
}

fn cut(exact: &Exact, text: &str) -> bool {
    exact.ignore_above.is_some_and(|most| text.encode_utf16().count() > most as usize)
}

fn normal(field: &Field, value: Value) -> Result<Value> {
    match (value, exact(field).and_then(|exact| exact.normalizer.as_deref())) {
        (value, None) => Ok(value),
        // letter by letter, as Java does
        (Value::Text(text), Some("lowercase")) => {
            Ok(Value::Text(text.chars().map(|c| if c == 'İ' { 'i' } else { c.to_lowercase().next().unwrap_or(c) }).collect()))
        }
        (_, Some(other)) => Err(Error::Unsupported(format!("writing under a rule on a field with the normalizer {other}"))),
    }
}

/// Taken apart, a point that is a pair of numbers would be two: so only objects on the way are.
fn points(field: &Field, source: Here<'_>) -> Vec<GeoPoint> {
    let mut found = Vec::new();
    if let Some(way) = source.way(field) {
        whole(source.source, way, &mut found);
    }
    let read = |value: &&Json| {
        let instead = if value.is_null() { field.null_value.as_ref().unwrap_or(value) } else { value };
        read_points(instead).unwrap_or_default()
    };
    found.iter().flat_map(read).collect()
}

fn whole<'a>(object: &'a Source, path: &str, found: &mut Vec<&'a Json>) {
    found.extend(object.get(path));
    for (at, _) in path.match_indices('.') {
        let mut below = Vec::new();
        if let Some(value) = object.get(&path[..at]) {
            flatten(value, &mut below);
        }
        below.into_iter().filter_map(Json::as_object).for_each(|below| whole(below, &path[at + 1..], found));
    }
}

/// All values at the field's path, lists taken apart; keys may hold dots.
fn raw<'a>(field: &Field, source: Here<'a>) -> Vec<&'a Json> {
    let mut found = Vec::new();
    if let Some(way) = source.way(field) {
        descend(source.source, way, &mut found);
    }
    found
}

fn descend<'a>(object: &'a Source, path: &str, found: &mut Vec<&'a Json>) {
    if let Some(value) = object.get(path) {
        flatten(value, found);
    }
    for (at, _) in path.match_indices('.') {
        let mut below = Vec::new();
        if let Some(value) = object.get(&path[..at]) {
            flatten(value, &mut below);
        }
        below.into_iter().filter_map(Json::as_object).for_each(|below| descend(below, &path[at + 1..], found));
    }
}

fn flatten<'a>(value: &'a Json, found: &mut Vec<&'a Json>) {
    match value {
        Json::Array(values) => values.iter().for_each(|value| flatten(value, found)),
        value => found.push(value),
    }
}

/// Numbers by their worth: a whole one in a filter on a field of fractions is that fraction.
fn order(one: &Value, other: &Value) -> Ordering {
    #[expect(clippy::cast_precision_loss, reason = "the field stores fractions")]
    match (one, other) {
        (Value::Long(one), Value::Double(other)) => (*one as f64).total_cmp(other),
        (Value::Double(one), Value::Long(other)) => one.total_cmp(&(*other as f64)),
        _ => one.compare(other),
    }
}

fn same(one: &Value, other: &Value) -> bool {
    order(one, other) == Ordering::Equal
}

fn within(value: &Value, range: &Range) -> bool {
    let above = range.lower.as_ref().is_none_or(|(bound, inside)| match order(value, bound) {
        Ordering::Greater => true,
        Ordering::Equal => *inside,
        Ordering::Less => false,
    });
    let below = range.upper.as_ref().is_none_or(|(bound, inside)| match order(value, bound) {
        Ordering::Less => true,
        Ordering::Equal => *inside,
        Ordering::Greater => false,
    });
    above && below
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::Pattern;
    use crate::{Collection, CollectionName, mapping};
    use serde_json::json;

    fn collection() -> Collection {
        let fields = mapping::parse(&json!({"properties": {
            "k": {"type": "keyword", "ignore_above": 5}, "low": {"type": "keyword", "normalizer": "lowercase"},
            "z": {"type": "keyword", "null_value": "none"}, "n": {"type": "long"}, "t": {"type": "text"},
            "o": {"properties": {"a": {"type": "keyword"}}}, "ip": {"type": "ip"}, "p": {"type": "geo_point"},
            "e": {"type": "nested", "properties": {"a": {"type": "keyword"}, "n": {"type": "long"},
                "f": {"type": "nested", "properties": {"c": {"type": "keyword"}}}}},
        }}))
        .unwrap();
        Collection::new(CollectionName::parse("c").unwrap(), fields)
    }

    fn holds(rule: Filter, document: Json) -> bool {
        allows(&rule, &DocumentId::parse("1").unwrap(), document.as_object().unwrap()).unwrap()
    }

    fn one_of(path: &str, text: &str) -> Filter {
        Filter::OneOf(collection().field(path).unwrap().clone(), vec![Value::Text(text.into())])
    }

    #[test]
    fn values_are_those_of_the_index() {
        assert!(holds(one_of("k", "a"), json!({"k": ["b", "a"]})));
        assert!(!holds(one_of("k", "toolong"), json!({"k": "toolong"})));
        assert!(holds(one_of("low", "ABC"), json!({"low": "aBc"})));
        assert!(holds(one_of("z", "none"), json!({"z": null})));
        assert!(!holds(one_of("z", "none"), json!({})));
        assert!(holds(one_of("o.a", "x"), json!({"o": [{"a": "y"}, {"a": "x"}]})));
        assert!(holds(one_of("o.a", "x"), json!({"o.a": "x"})));
        assert!(holds(Filter::not(one_of("k", "a")), json!({})));
    }

    #[test]
    fn conditions_mean_what_they_mean_in_a_search() {
        let field = |path: &str| collection().field(path).unwrap().clone();
        let range = Range { lower: Some((Value::Long(2), false)), upper: Some((Value::Long(4), true)) };
        assert!(holds(Filter::Range(field("n"), range.clone()), json!({"n": [1, "4"]})));
        assert!(!holds(Filter::Range(field("n"), range), json!({"n": [2, 5]})));
        assert!(holds(Filter::Pattern(field("k"), Pattern::wildcard("a*", false).unwrap()), json!({"k": "abc"})));
        assert!(holds(Filter::Exists(field("o")), json!({"o": {"a": ""}})));
        assert!(!holds(Filter::Exists(field("t")), json!({"t": [null]})));
        assert!(!holds(Filter::Or(Vec::new()), json!({})));
        let networks = vec![crate::value::Cidr::parse("10.0.0.0/8").unwrap()];
        assert!(holds(Filter::Networks(field("ip"), networks), json!({"ip": "::ffff:10.1.2.3"})));
    }

    #[test]
    fn elements_are_held_one_by_one() {
        let field = |path: &str| collection().field(path).unwrap().clone();
        let nested = |path: &str, quantifier, filter| Filter::Nested { field: field(path), quantifier, filter: Box::new(filter) };
        let both = |a: &str, n: i64| Filter::And(vec![one_of("e.a", a), Filter::OneOf(field("e.n"), vec![Value::Long(n)])]);
        let document = json!({"e": [{"a": "x", "n": 1}, {"a": "y", "n": 2, "f": [{"c": "u"}]}]});
        assert!(holds(nested("e", Quantifier::Some, both("x", 1)), document.clone()));
        assert!(!holds(nested("e", Quantifier::Some, both("x", 2)), document.clone()));
        assert!(holds(nested("e", Quantifier::None, both("x", 2)), document.clone()));
        assert!(!holds(nested("e", Quantifier::Every, one_of("e.a", "x")), document.clone()));
        assert!(holds(nested("e", Quantifier::Every, one_of("e.a", "x")), json!({"e": []})));
        let inner = nested("e.f", Quantifier::Some, one_of("e.f.c", "u"));
        assert!(holds(nested("e", Quantifier::Some, Filter::And(vec![one_of("e.a", "y"), inner.clone()])), document.clone()));
        assert!(!holds(nested("e", Quantifier::Some, Filter::And(vec![one_of("e.a", "x"), inner])), document.clone()));
        assert!(holds(Filter::Exists(field("e")), document));
        assert!(!holds(Filter::Exists(field("e")), json!({"e": [null]})));
    }

    #[test]
    fn places_are_held_against_areas() {
        let near = |lat, lon| Filter::Near {
            field: collection().field("p").unwrap().clone(),
            center: GeoPoint { lat, lon },
            metres: 1_000.0,
        };
        assert!(holds(near(10.0, 20.0), json!({"p": [20, 10]})));
        assert!(holds(near(10.0, 20.0), json!({"p": ["1,1", {"lat": 10, "lon": 20}]})));
        assert!(!holds(near(20.0, 10.0), json!({"p": [20, 10]})));
        assert!(!holds(near(0.0, 0.0), json!({})));
    }
}
