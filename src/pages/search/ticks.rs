//! What was clicked in a facet: a value, or a stretch of numbers or dates. It narrows the hits, and the facet of its own field does not look at it.

use serde_json::{Map, Value as Json, json};

use super::conditions::{Spot, typed};
use crate::error::Code;
use crate::pages::fault::Fault;
use crate::search::Kind;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pages) struct Tick {
    /// The path of the field in documents.
    pub(in crate::pages) path: String,
    pub(in crate::pages) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pages) enum What {
    Value(String),
    /// From here on, up to there.
    Between(String, String),
}

impl Tick {
    /// `path:value` of `t`, `path:from~to` of `r`.
    pub(in crate::pages) fn parse(spots: &[Spot<'_>], name: &str, text: &str) -> Result<Self, Fault> {
        let refuse = |why: &str| Fault::new(Code::BadUserInput, format!("“{name}={text}” {why}."));
        let fields = spots.iter().map(|spot| &*spot.exposed.field);
        let begins = |path: &str| text.strip_prefix(path).is_some_and(|rest| rest.starts_with(':'));
        let field = fields.filter(|field| begins(&field.path)).max_by_key(|field| field.path.len());
        let field = field.ok_or_else(|| refuse("does not begin with a field of this collection"))?;
        let rest = &text[field.path.len() + 1..];
        let what = match (name, rest.split_once('~')) {
            ("r", Some((from, to))) if !from.is_empty() && !to.is_empty() => What::Between(from.to_owned(), to.to_owned()),
            ("r", _) => return Err(refuse("is no stretch such as r=year:1900~1950")),
            _ => What::Value(rest.to_owned()),
        };
        Ok(Tick { path: field.path.clone(), what })
    }

    /// Its name in the address, and its value there.
    pub(in crate::pages) fn write(&self) -> (&'static str, String) {
        match &self.what {
            What::Value(value) => ("t", format!("{}:{value}", self.path)),
            What::Between(from, to) => ("r", format!("{}:{from}~{to}", self.path)),
        }
    }

    pub(in crate::pages) fn text(&self, label: &str) -> String {
        match &self.what {
            What::Value(value) => format!("{label}: {value}"),
            What::Between(from, to) => format!("{label}: {from} to {to}"),
        }
    }
}

/// All of them as the argument `facetFilters`: of one field any of its values.
pub(in crate::pages) fn json(spots: &[Spot<'_>], ticks: &[Tick]) -> Map<String, Json> {
    let mut whole = Map::new();
    for tick in ticks {
        let Some(spot) = spots.iter().find(|spot| spot.exposed.field.path == tick.path) else { continue };
        let kind = &spot.exposed.field.kind;
        let mut object = &mut whole;
        for name in spot.label.split('.') {
            let slot = object.entry(name.to_owned()).or_insert_with(|| json!({}));
            let Json::Object(inner) = slot else { return whole };
            object = inner;
        }
        match &tick.what {
            What::Value(value) => {
                if let Json::Array(values) = object.entry("in").or_insert_with(|| json!([])) {
                    values.push(value_of(kind, value));
                }
            }
            What::Between(from, to) => {
                object.insert("gte".to_owned(), value_of(kind, from));
                object.insert("lt".to_owned(), value_of(kind, to));
            }
        }
    }
    whole
}

fn value_of(kind: &Kind, text: &str) -> Json {
    match (kind, text) {
        (Kind::Boolean, "true") => Json::Bool(true),
        (Kind::Boolean, "false") => Json::Bool(false),
        _ => typed(kind, text),
    }
}
