//! Filter inputs: one shared type for each way of comparing, and for each collection and object a type with a part for each field.
//! Which operators there are is told by the catalog; here each gets its type.

use async_graphql::Value;
use async_graphql::dynamic::{InputObject, InputValue, TypeRef};

use super::{Types, input, non_empty};
use crate::catalog::ask::{Comparison, can_tick, comparison};
use crate::catalog::{Exposed, ExposedField};

pub(super) fn add(types: &mut Types, exposed: &Exposed) -> Option<String> {
    add_level(types, &exposed.names.type_name, &exposed.fields, true)
}

pub(super) fn add_facet(types: &mut Types, exposed: &Exposed) -> Option<String> {
    add_facet_level(types, &exposed.names.type_name, &exposed.fields)
}

fn add_level(types: &mut Types, stem: &str, fields: &[ExposedField], top: bool) -> Option<String> {
    let name = format!("{stem}Filter");
    let mut parts = Vec::new();
    for field in fields {
        let ty = match (comparison(&field.field), &field.type_name) {
            (Some(Comparison::Object), Some(stem)) => add_level(types, stem, &field.fields, false),
            (Some(Comparison::Elements), Some(stem)) => add_list(types, stem, &field.fields),
            (Some(comparison), _) => shared_name(comparison).map(|name| types.shared(name).to_owned()),
            (None, _) => None,
        };
        parts.extend(ty.map(|ty| input(&field.filter_name, ty)));
    }
    if parts.is_empty() {
        return None;
    }
    for word in ["and", "or"] {
        parts.push(InputValue::new(word, TypeRef::named_nn_list(&name)));
    }
    parts.push(input("not", &name));
    let whole = if top { " The whole as {} holds for every document." } else { "" };
    let object = InputObject::new(&name).description(format!("All parts must hold. A part that is {{}} is an error.{whole}"));
    non_empty(types, name, object, parts)
}

/// The elements of a nested list: how many of them must be such.
fn add_list(types: &mut Types, stem: &str, fields: &[ExposedField]) -> Option<String> {
    let name = format!("{stem}ListFilter");
    let mut parts = Vec::new();
    if let Some(element) = add_level(types, stem, fields, false) {
        for (quantifier, about) in [
            ("some", "At least one element is such."),
            ("none", "No element is such; holds for an empty list."),
            ("every", "Every element is such; holds for an empty list."),
        ] {
            parts.push(input(quantifier, &element).description(about));
        }
    }
    parts.push(input("exists", TypeRef::BOOLEAN).description("There is at least one element (or none)."));
    let object = InputObject::new(&name);
    non_empty(types, name, object, parts)
}

fn add_facet_level(types: &mut Types, stem: &str, fields: &[ExposedField]) -> Option<String> {
    let name = format!("{stem}FacetFilter");
    let mut parts = Vec::new();
    for field in fields.iter().filter(|field| can_tick(&field.field)) {
        let ty = match (comparison(&field.field), &field.type_name) {
            (Some(Comparison::Object | Comparison::Elements), Some(stem)) => add_facet_level(types, stem, &field.fields),
            (Some(comparison), _) => shared_name(comparison).map(|name| types.shared(name).to_owned()),
            (None, _) => None,
        };
        parts.extend(ty.map(|ty| input(&field.name, ty)));
    }
    let object = InputObject::new(&name)
        .description("One clause a field; the facet of that field does not see it. On a nested path: some element is such.");
    non_empty(types, name, object, parts)
}

/// What is compared alike in all collections, in the order of the schema.
const SHARED: [Comparison; 11] = [
    Comparison::Keyword,
    Comparison::Text,
    Comparison::TextKeyword,
    Comparison::Boolean,
    Comparison::Int,
    Comparison::Long,
    Comparison::Float,
    Comparison::Date,
    Comparison::Ip,
    Comparison::GeoPoint,
    Comparison::Vector,
];

fn shared_name(comparison: Comparison) -> Option<&'static str> {
    Some(match comparison {
        Comparison::Keyword => "KeywordFilter",
        Comparison::Text => "TextFilter",
        Comparison::TextKeyword => "TextKeywordFilter",
        Comparison::Boolean => "BooleanFilter",
        Comparison::Int => "IntFilter",
        Comparison::Long => "LongFilter",
        Comparison::Float => "FloatFilter",
        Comparison::Date => "DateFilter",
        Comparison::Ip => "IPFilter",
        Comparison::GeoPoint => "GeoPointFilter",
        Comparison::Vector => "VectorFilter",
        Comparison::Object | Comparison::Elements => return None,
    })
}

/// The type that values of such fields are written in.
fn scalar(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Boolean => TypeRef::BOOLEAN,
        Comparison::Int => TypeRef::INT,
        Comparison::Long => "Long",
        Comparison::Float => TypeRef::FLOAT,
        Comparison::Date => "DateMath",
        Comparison::Ip => "IP",
        _ => TypeRef::STRING,
    }
}

fn description(comparison: Comparison) -> Option<&'static str> {
    match comparison {
        Comparison::Keyword => Some("A keyword; exact. ignoreCase is for prefix, wildcard and regexp."),
        Comparison::Text => Some(
            "Analysed text. match: any of the words; matchPhrase: in this order; matchPrefix: as matchPhrase, the last word may go on.",
        ),
        Comparison::TextKeyword => Some("Text that also is a keyword."),
        Comparison::Date => Some(
            "What a time leaves out: lte and gt take the end of the day, hour, minute or second written, gte and lt its start, eq all of it; a missing month or day is 01.",
        ),
        _ => None,
    }
}

/// One of the shared filters, by name.
pub(super) fn add_shared(types: &mut Types, name: &str) {
    let Some(comparison) = SHARED.into_iter().find(|comparison| shared_name(*comparison) == Some(name)) else { return };
    let mut object = InputObject::new(name);
    if let Some(description) = description(comparison) {
        object = object.description(description);
    }
    for operator in comparison.operators() {
        object = object.field(argument(types, operator, scalar(comparison)));
    }
    types.add(object);
}

/// What an operator takes.
fn argument(types: &mut Types, operator: &str, scalar: &'static str) -> InputValue {
    match operator {
        "in" | "nin" => InputValue::new(operator, TypeRef::named_nn_list(named(types, scalar))),
        "exists" => input(operator, TypeRef::BOOLEAN),
        "ignoreCase" => input(operator, TypeRef::BOOLEAN).default_value(Value::Boolean(false)),
        "near" => input(operator, types.shared("GeoNear")),
        "withinBox" => input(operator, types.shared("GeoBox")),
        "withinPolygon" => input(operator, types.shared("GeoPolygon")),
        "timeZone" => input(operator, types.shared("TimeZone")).default_value("UTC"),
        "cidr" => {
            InputValue::new(operator, TypeRef::named_nn_list(types.shared("CIDR"))).description("In one of these networks.")
        }
        "prefix" | "wildcard" | "regexp" | "match" | "matchPhrase" | "matchPrefix" => input(operator, TypeRef::STRING),
        _ => input(operator, named(types, scalar)),
    }
}

/// The scalars of ours are made when somebody needs them; those of GraphQL are always there.
fn named(types: &mut Types, scalar: &'static str) -> &'static str {
    match scalar {
        "Long" | "DateMath" | "IP" => types.shared(scalar),
        own => own,
    }
}
