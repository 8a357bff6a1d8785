//! The output types: a collection's documents, the objects in them, and the interfaces and roots that are about any document.

use async_graphql::dynamic::{Field, Interface, InterfaceField, Object, TypeRef};

use super::{InputValue, Types, described, field};
use crate::catalog::{Exposed, ExposedField};
use crate::search::date::DateFormats;
use crate::search::{Kind, Number};

pub(super) fn add_interfaces(types: &mut Types) {
    let node_id = types.node_id();
    let id = || InterfaceField::new(node_id, TypeRef::named_nn(TypeRef::ID));
    types.add(Interface::new("Node").description("Anything with a global id.").field(id()));
    types.add(
        Interface::new("Document")
            .description("Any document, whatever its collection.")
            .field(id())
            .field(InterfaceField::new("_id", TypeRef::named_nn(TypeRef::ID)))
            .field(InterfaceField::new("_version", TypeRef::named_nn(TypeRef::STRING))),
    );
}

pub(super) fn add_roots(query: Object, relay: bool) -> Object {
    let (one, many) = if relay { ("id", "ids") } else { ("nodeId", "nodeIds") };
    query
        .field(
            described("node", TypeRef::named("Node"), "By global id; null where it is gone.")
                .argument(InputValue::new(one, TypeRef::named_nn(TypeRef::ID))),
        )
        .field(
            described("nodes", TypeRef::named_list("Node"), "By global ids, in their order; null for each that is gone.")
                .argument(InputValue::new(many, TypeRef::named_nn_list_nn(TypeRef::ID))),
        )
}

/// The type of a collection's documents and of the objects in them.
pub(super) fn add(types: &mut Types, exposed: &Exposed, related: Vec<Field>) {
    let collection = exposed.collection.name.as_str();
    let id = types.node_id();
    let mut object = Object::new(&exposed.names.type_name)
        .description(format!("One document of `{collection}`."))
        .implement("Node")
        .implement("Document")
        .field(described(id, TypeRef::named_nn(TypeRef::ID), &format!("Global id, for node({id}:).")))
        .field(described(
            "_id",
            TypeRef::named_nn(TypeRef::ID),
            &format!("The id inside the collection, for {}(id:).", exposed.names.one),
        ))
        .field(described(
            "_version",
            TypeRef::named_nn(TypeRef::STRING),
            "Names this state of the document, for ifVersion: it changes with every write.",
        ));
    for part in &exposed.fields {
        object = object.field(document_field(types, part));
    }
    types.add(related.into_iter().fold(object, Object::field));
    add_objects(types, collection, &exposed.fields);
}

fn add_objects(types: &mut Types, collection: &str, fields: &[ExposedField]) {
    for parent in fields {
        let Some(name) = &parent.type_name else { continue };
        let mut object = Object::new(name).description(format!("`{}` of `{collection}`.", parent.field.path));
        for part in &parent.fields {
            object = object.field(document_field(types, part));
        }
        types.add(object);
        add_objects(types, collection, &parent.fields);
    }
}

/// With a description where the type does not tell all: another name, a format, a mapping type without a type here.
fn document_field(types: &mut Types, part: &ExposedField) -> Field {
    let made = field(&part.name, field_type(types, part));
    let mut told = Vec::new();
    if part.name != part.field.name() {
        told.push(format!("`{}` of the document.", part.field.path));
    }
    match &part.field.kind {
        Kind::Date(date) if date.formats != DateFormats::default() => told.push(format!("Written as {}.", date.formats.text)),
        Kind::Json { mapping_type } => told.push(format!("Free form ({mapping_type}).")),
        Kind::Vector { dims: Some(dims), .. } => told.push(format!("A vector of {dims}.")),
        _ => {}
    }
    if told.is_empty() { made } else { made.description(told.join(" ")) }
}

fn field_type(types: &mut Types, field: &ExposedField) -> TypeRef {
    let name: String = match (&field.field.kind, &field.type_name) {
        (Kind::Object | Kind::Nested, Some(name)) => name.clone(),
        // a vector is a list whatever is decided on lists; free-form JSON is itself
        (Kind::Vector { .. }, _) => return TypeRef::named_nn_list(TypeRef::FLOAT),
        (Kind::Json { .. } | Kind::Object | Kind::Nested, _) => return TypeRef::named(types.shared("JSON")),
        (kind, _) => output_scalar(types, kind).into(),
    };
    if field.list { TypeRef::named_nn_list(name) } else { TypeRef::named(name) }
}

pub(super) fn output_scalar(types: &mut Types, kind: &Kind) -> &'static str {
    match kind {
        Kind::Keyword(_) | Kind::Text { .. } => TypeRef::STRING,
        Kind::Number(Number::Long) => types.shared("Long"),
        Kind::Number(Number::Integer | Number::Short | Number::Byte) => TypeRef::INT,
        Kind::Number(Number::Double | Number::Float | Number::HalfFloat) => TypeRef::FLOAT,
        Kind::Boolean => TypeRef::BOOLEAN,
        Kind::Date(_) => types.shared("DateTime"),
        Kind::Ip => types.shared("IP"),
        Kind::GeoPoint => types.shared("GeoPoint"),
        Kind::Vector { .. } | Kind::Object | Kind::Nested | Kind::Json { .. } => types.shared("JSON"),
    }
}
