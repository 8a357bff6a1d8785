//! Inputs of mutations: documents whole and as patches, and the operations of a bulk.

use async_graphql::dynamic::{InputObject, InputValue, TypeRef};

use super::document::output_scalar;
use super::{Types, input, non_empty};
use crate::catalog::{Exposed, ExposedField};
use crate::graphql::mutation::is_writable;
use crate::search::Kind;

/// The names of a collection's input types. A collection of which no field can be written has only deletions.
pub(super) struct Inputs {
    /// A whole document, and a patch of one.
    pub(super) document: Option<(String, String)>,
    pub(super) operation: String,
}

pub(super) fn add(types: &mut Types, exposed: &Exposed) -> Inputs {
    let stem = &exposed.names.type_name;
    let fields = values(types, &exposed.fields);
    let patch = format!("{stem}Patch");
    let object = InputObject::new(&patch)
        .description("Merge patch: what is absent stays, null removes, objects merge, lists are replaced.");
    let patch = non_empty(types, patch, object, fields);
    let fields = values(types, &exposed.fields);
    let whole = format!("{stem}Input");
    let whole = non_empty(types, whole.clone(), InputObject::new(whole), fields);
    let document = whole.zip(patch);
    let operation = add_operation(types, stem, document.as_ref());
    add_objects(types, &exposed.fields);
    Inputs { document, operation }
}

fn add_operation(types: &mut Types, stem: &str, document: Option<&(String, String)>) -> String {
    let required = |name: &str, ty: &str| InputValue::new(name, TypeRef::named_nn(ty));
    let mut parts: Vec<(&str, Vec<InputValue>)> = Vec::new();
    if let Some((whole, patch)) = document {
        let if_version = input("ifVersion", TypeRef::STRING);
        parts = vec![
            ("create", vec![required("input", whole), input("id", TypeRef::ID)]),
            ("update", vec![required("id", TypeRef::ID), required("patch", patch), if_version]),
            ("upsert", vec![required("id", TypeRef::ID), required("input", whole)]),
        ];
    }
    parts.push(("delete", vec![required("id", TypeRef::ID), input("ifVersion", TypeRef::STRING)]));
    let name = format!("{stem}Operation");
    let mut operation = InputObject::new(&name).oneof();
    for (verb, fields) in parts {
        let capital = verb[..1].to_uppercase() + &verb[1..];
        let part = format!("{stem}{capital}Operation");
        types.add(fields.into_iter().fold(InputObject::new(&part), InputObject::field));
        operation = operation.field(input(verb, part));
    }
    types.add(operation);
    name
}

fn add_objects(types: &mut Types, fields: &[ExposedField]) {
    for parent in fields.iter().filter(|parent| is_writable(parent)) {
        let Some(stem) = &parent.type_name else { continue };
        let parts = values(types, &parent.fields);
        let name = format!("{stem}Input");
        non_empty(types, name.clone(), InputObject::new(name), parts);
        add_objects(types, &parent.fields);
    }
}

fn values(types: &mut Types, fields: &[ExposedField]) -> Vec<InputValue> {
    let writable = fields.iter().filter(|field| is_writable(field));
    writable.map(|field| InputValue::new(&field.name, value_type(types, field))).collect()
}

fn value_type(types: &mut Types, field: &ExposedField) -> TypeRef {
    let name: String = match (&field.field.kind, &field.type_name) {
        (Kind::Object | Kind::Nested, Some(stem)) => format!("{stem}Input"),
        (Kind::Vector { .. }, _) => return TypeRef::named_nn_list(TypeRef::FLOAT),
        (Kind::Json { .. } | Kind::Object | Kind::Nested, _) => return TypeRef::named(types.shared("JSON")),
        (Kind::GeoPoint, _) => types.shared("GeoPointInput").into(),
        (kind, _) => output_scalar(types, kind).into(),
    };
    if field.list { TypeRef::named_nn_list(name) } else { TypeRef::named(name) }
}
