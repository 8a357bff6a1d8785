//! Filter inputs: one shared type for each kind of field, and for each collection and object a type with a part for each field.

use async_graphql::Value;
use async_graphql::dynamic::{InputObject, InputValue, TypeRef};

use super::{Types, input, non_empty};
use crate::catalog::{Exposed, ExposedField};
use crate::search::{Kind, Number};

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
        let ty = match (&field.field.kind, &field.type_name) {
            (Kind::Object, Some(stem)) => add_level(types, stem, &field.fields, false),
            _ => leaf(types, field).map(str::to_owned),
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

fn add_facet_level(types: &mut Types, stem: &str, fields: &[ExposedField]) -> Option<String> {
    let name = format!("{stem}FacetFilter");
    let mut parts = Vec::new();
    for field in fields {
        let ty = match (&field.field.kind, &field.type_name) {
            (Kind::Object, Some(stem)) => add_facet_level(types, stem, &field.fields),
            // text without exact values has no facet
            (Kind::Text { exact: None, .. }, _) => None,
            _ => leaf(types, field).map(str::to_owned),
        };
        parts.extend(ty.map(|ty| input(&field.name, ty)));
    }
    let object = InputObject::new(&name).description("One clause a field; the facet of that field does not see it.");
    non_empty(types, name, object, parts)
}

/// The filter of a field by its kind; `None` where it cannot be asked for.
fn leaf(types: &mut Types, field: &ExposedField) -> Option<&'static str> {
    if !field.field.indexed {
        return None;
    }
    let name = match &field.field.kind {
        Kind::Keyword(_) => "KeywordFilter",
        Kind::Text { exact: Some(_), .. } => "TextKeywordFilter",
        Kind::Text { exact: None, .. } => "TextFilter",
        Kind::Number(Number::Long) => "LongFilter",
        Kind::Number(Number::Integer | Number::Short | Number::Byte) => "IntFilter",
        Kind::Number(Number::Double | Number::Float | Number::HalfFloat) => "FloatFilter",
        Kind::Boolean => "BooleanFilter",
        Kind::Date(_) => "DateFilter",
        Kind::Ip => "IPFilter",
        Kind::GeoPoint | Kind::Vector { .. } | Kind::Object | Kind::Nested | Kind::Json { .. } => return None,
    };
    Some(types.shared(name))
}

/// One of the shared filters.
pub(super) fn add_shared(types: &mut Types, name: &'static str) {
    let (description, operators) = match name {
        "KeywordFilter" => ("A keyword; exact. ignoreCase is for prefix, wildcard and regexp.", keyword()),
        "TextFilter" => {
            let mut operators = text();
            operators.push(input("exists", TypeRef::BOOLEAN));
            (TEXT, operators)
        }
        "TextKeywordFilter" => ("Text that also is a keyword.", text().into_iter().chain(keyword()).collect()),
        "LongFilter" => ("", compared(types, "Long")),
        "IntFilter" => ("", compared(types, TypeRef::INT)),
        "FloatFilter" => ("", compared(types, TypeRef::FLOAT)),
        "BooleanFilter" => ("", exact(TypeRef::BOOLEAN).into_iter().chain([input("exists", TypeRef::BOOLEAN)]).collect()),
        "DateFilter" => {
            types.shared("TimeZone");
            let mut operators = compared(types, "DateMath");
            operators.insert(8, input("timeZone", "TimeZone").default_value("UTC"));
            (DATE, operators)
        }
        "IPFilter" => {
            types.shared("IP");
            types.shared("CIDR");
            let mut operators = exact("IP");
            operators.push(InputValue::new("cidr", TypeRef::named_nn_list("CIDR")).description("In one of these networks."));
            operators.push(input("exists", TypeRef::BOOLEAN));
            ("", operators)
        }
        _ => return,
    };
    let mut object = InputObject::new(name);
    if !description.is_empty() {
        object = object.description(description);
    }
    types.add(operators.into_iter().fold(object, InputObject::field));
}

const TEXT: &str =
    "Analysed text. match: any of the words; matchPhrase: in this order; matchPrefix: as matchPhrase, the last word may go on.";

const DATE: &str = "What a time leaves out: lte and gt take the end of the day, hour, minute or second written, gte and lt its start, eq all of it; a missing month or day is 01.";

fn exact(scalar: &str) -> Vec<InputValue> {
    vec![
        input("eq", scalar),
        input("ne", scalar),
        InputValue::new("in", TypeRef::named_nn_list(scalar)),
        InputValue::new("nin", TypeRef::named_nn_list(scalar)),
    ]
}

fn compared(types: &mut Types, scalar: &'static str) -> Vec<InputValue> {
    if scalar == "Long" || scalar == "DateMath" {
        types.shared(scalar);
    }
    let mut operators = exact(scalar);
    operators.extend(["gt", "gte", "lt", "lte"].map(|operator| input(operator, scalar)));
    operators.push(input("exists", TypeRef::BOOLEAN));
    operators
}

fn keyword() -> Vec<InputValue> {
    let mut operators = exact(TypeRef::STRING);
    operators.extend(["prefix", "wildcard", "regexp"].map(|operator| input(operator, TypeRef::STRING)));
    operators.push(input("ignoreCase", TypeRef::BOOLEAN).default_value(Value::Boolean(false)));
    operators.push(input("exists", TypeRef::BOOLEAN));
    operators
}

fn text() -> Vec<InputValue> {
    ["match", "matchPhrase", "matchPrefix"].map(|operator| input(operator, TypeRef::STRING)).into()
}
