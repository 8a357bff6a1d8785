//! Filters as people type them: a field, an operator of its kind, and a value; and how they become the JSON that all of hooke filters by.

use serde_json::{Map, Value as Json};

use crate::catalog::{Exposed, ExposedField};
use crate::error::Code;
use crate::pages::fault::Fault;
use crate::search::{Field, Kind, Number};

/// What can be asked of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pages) struct Operator {
    /// In the address.
    pub(in crate::pages) key: &'static str,
    /// In front of the value, for people.
    pub(in crate::pages) label: &'static str,
    /// In the filter.
    name: &'static str,
    takes: Takes,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    One,
    /// Several, separated by commas.
    Many,
    Folded,
    /// Nothing: the operator says it all.
    Fixed(bool),
}

const fn operator(key: &'static str, name: &'static str, label: &'static str, takes: Takes) -> Operator {
    Operator { key, label, name, takes }
}

const WORDS: [Operator; 3] = [
    operator("match", "match", "contains", Takes::One),
    operator("matchPhrase", "matchPhrase", "has the phrase", Takes::One),
    operator("matchPrefix", "matchPrefix", "phrase begins", Takes::One),
];
const SAME: [Operator; 4] = [
    operator("eq", "eq", "is", Takes::One),
    operator("ne", "ne", "is not", Takes::One),
    operator("in", "in", "is one of", Takes::Many),
    operator("nin", "nin", "is none of", Takes::Many),
];
const SHAPE: [Operator; 6] = [
    operator("prefix", "prefix", "starts with", Takes::One),
    operator("iprefix", "prefix", "starts with (any case)", Takes::Folded),
    operator("wildcard", "wildcard", "is like (* and ?)", Takes::One),
    operator("iwildcard", "wildcard", "is like (any case)", Takes::Folded),
    operator("regexp", "regexp", "matches the pattern", Takes::One),
    operator("iregexp", "regexp", "matches (any case)", Takes::Folded),
];
const SIZE: [Operator; 4] = [
    operator("gte", "gte", "≥", Takes::One),
    operator("lte", "lte", "≤", Takes::One),
    operator("gt", "gt", ">", Takes::One),
    operator("lt", "lt", "<", Takes::One),
];
const YES_NO: [Operator; 2] =
    [operator("yes", "eq", "is true", Takes::Fixed(true)), operator("no", "eq", "is false", Takes::Fixed(false))];
const NETWORK: [Operator; 1] = [operator("cidr", "cidr", "is in the network", Takes::Many)];
const THERE: [Operator; 2] = [
    operator("some", "exists", "has a value", Takes::Fixed(true)),
    operator("none", "exists", "has no value", Takes::Fixed(false)),
];

impl Operator {
    /// False where the operator says it all.
    pub(in crate::pages) fn wants_value(&self) -> bool {
        !matches!(self.takes, Takes::Fixed(_))
    }
}

/// The operators of a field, the likeliest first; none where it cannot be filtered.
pub(in crate::pages) fn operators(field: &Field) -> Vec<Operator> {
    let mut all: Vec<Operator> = match &field.kind {
        _ if !field.indexed => return Vec::new(),
        Kind::Keyword(_) => [&SAME[..], &SHAPE].concat(),
        Kind::Text { exact: None, .. } => WORDS.to_vec(),
        Kind::Text { exact: Some(_), .. } => [&WORDS[..], &SAME, &SHAPE].concat(),
        Kind::Number(_) | Kind::Date(_) => [&SAME[..1], &SIZE, &SAME[1..]].concat(),
        Kind::Boolean => YES_NO.to_vec(),
        Kind::Ip => [&SAME[..], &NETWORK].concat(),
        Kind::GeoPoint | Kind::Vector { .. } | Kind::Object | Kind::Nested | Kind::Json { .. } => return Vec::new(),
    };
    all.extend(THERE);
    all
}

/// What a field is called where people read it.
pub(in crate::pages) fn kind_label(field: &Field) -> &'static str {
    match &field.kind {
        Kind::Keyword(_) => "keyword",
        Kind::Text { .. } => "text",
        Kind::Number(Number::Double | Number::Float | Number::HalfFloat) => "number",
        Kind::Number(_) => "whole number",
        Kind::Boolean => "yes or no",
        Kind::Date(_) => "date",
        Kind::Ip => "IP address",
        Kind::GeoPoint => "place",
        Kind::Vector { .. } => "vector",
        Kind::Object => "object",
        Kind::Nested => "list of objects",
        Kind::Json { .. } => "JSON",
    }
}

/// A field that can be asked about, at any depth.
pub(in crate::pages) struct Spot<'a> {
    pub(in crate::pages) exposed: &'a ExposedField,
    /// Its names in filters, from the top.
    names: Vec<&'a str>,
    /// Its names in documents, joined by dots: what people read.
    pub(in crate::pages) label: String,
}

/// All fields outside of nested objects, parents left out.
pub(in crate::pages) fn spots(on: &Exposed) -> Vec<Spot<'_>> {
    fn walk<'a>(fields: &'a [ExposedField], names: &[&'a str], label: &str, found: &mut Vec<Spot<'a>>) {
        for exposed in fields {
            let names: Vec<&str> = names.iter().copied().chain([exposed.filter_name.as_str()]).collect();
            let label = if label.is_empty() { exposed.name.clone() } else { format!("{label}.{}", exposed.name) };
            match exposed.field.kind {
                Kind::Object => walk(&exposed.fields, &names, &label, found),
                Kind::Nested => {}
                _ => found.push(Spot { exposed, names, label }),
            }
        }
    }
    let mut found = Vec::new();
    walk(&on.fields, &[], "", &mut found);
    found
}

/// One filter of the page.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::pages) struct Condition {
    /// The path of the field in documents.
    pub(in crate::pages) path: String,
    pub(in crate::pages) operator: Operator,
    pub(in crate::pages) value: String,
}

impl Condition {
    /// `path:operator:value`, as the address has it. A path may hold colons: the longest one that is a field is meant.
    pub(in crate::pages) fn parse(spots: &[Spot<'_>], text: &str) -> Result<Self, Fault> {
        let field = spots
            .iter()
            .map(|spot| &*spot.exposed.field)
            .filter(|field| text.strip_prefix(field.path.as_str()).is_some_and(|rest| rest.starts_with(':')))
            .max_by_key(|field| field.path.len());
        let Some(field) = field else {
            return Err(Fault::new(
                Code::BadUserInput,
                format!("The filter “{text}” does not begin with a field of this collection."),
            ));
        };
        let rest = &text[field.path.len() + 1..];
        let (key, value) = rest.split_once(':').unwrap_or((rest, ""));
        Condition::new(field, key, value)
    }

    pub(in crate::pages) fn new(field: &Field, key: &str, value: &str) -> Result<Self, Fault> {
        let all = operators(field);
        match all.iter().find(|operator| operator.key == key) {
            Some(operator) => Ok(Condition { path: field.path.clone(), operator: *operator, value: value.trim().to_owned() }),
            None if all.is_empty() => {
                Err(Fault::new(Code::BadUserInput, format!("The field {} cannot be filtered.", field.path)))
            }
            None => {
                let known: Vec<&str> = all.iter().map(|operator| operator.key).collect();
                let message = format!("The field {} has no operator “{key}”; it has {}.", field.path, known.join(", "));
                Err(Fault::new(Code::BadUserInput, message))
            }
        }
    }

    /// As [`Condition::parse`] reads it again.
    pub(in crate::pages) fn write(&self) -> String {
        if self.operator.wants_value() {
            format!("{}:{}:{}", self.path, self.operator.key, self.value)
        } else {
            format!("{}:{}", self.path, self.operator.key)
        }
    }

    fn json(&self, kind: &Kind) -> Json {
        match self.operator.takes {
            Takes::Fixed(fixed) => Json::Bool(fixed),
            Takes::Many => {
                let parts = self.value.split(',').map(str::trim).filter(|part| !part.is_empty());
                Json::Array(parts.map(|part| typed(kind, part)).collect())
            }
            Takes::One | Takes::Folded => typed(kind, &self.value),
        }
    }
}

/// A value in the terms of JSON; what does not fit stays text, and the catalog says what is wrong with it.
pub(super) fn typed(kind: &Kind, text: &str) -> Json {
    let number = match kind {
        Kind::Number(Number::Double | Number::Float | Number::HalfFloat) => text.parse::<f64>().ok().map(Json::from),
        Kind::Number(_) => text.parse::<i64>().ok().map(Json::from),
        _ => None,
    };
    number.unwrap_or_else(|| Json::String(text.to_owned()))
}

/// All of them at once, as the argument `filter`: `{}` where there is none. Bounds of one field stand together, so that on a list
/// one and the same value must lie between them.
pub(in crate::pages) fn filter_json(spots: &[Spot<'_>], conditions: &[Condition]) -> Json {
    let mut whole = Map::new();
    let mut more = Vec::new();
    for condition in conditions {
        let Some(spot) = spots.iter().find(|spot| spot.exposed.field.path == condition.path) else { continue };
        let mut leaf = Map::from_iter([(condition.operator.name.to_owned(), condition.json(&spot.exposed.field.kind))]);
        if condition.operator.takes == Takes::Folded {
            leaf.insert("ignoreCase".to_owned(), Json::Bool(true));
        }
        if let Err(leaf) = put(&mut whole, &spot.names, leaf) {
            let mut other = Map::new();
            // into an empty object everything fits
            let _ = put(&mut other, &spot.names, leaf);
            more.push(Json::Object(other));
        }
    }
    if !more.is_empty() {
        whole.insert("and".to_owned(), Json::Array(more));
    }
    Json::Object(whole)
}

/// Gives the leaf back where another one is in its way.
fn put(into: &mut Map<String, Json>, names: &[&str], leaf: Map<String, Json>) -> Result<(), Map<String, Json>> {
    let Some((first, rest)) = names.split_first() else { return Ok(()) };
    let slot = into.entry((*first).to_owned()).or_insert_with(|| Json::Object(Map::new()));
    let Json::Object(object) = slot else { return Err(leaf) };
    if !rest.is_empty() {
        return put(object, rest, leaf);
    }
    let folds = |map: &Map<String, Json>| map.contains_key("ignoreCase");
    let clash = leaf.keys().any(|key| object.contains_key(key)) || (!object.is_empty() && (folds(&leaf) || folds(object)));
    if clash {
        return Err(leaf);
    }
    object.extend(leaf);
    Ok(())
}
