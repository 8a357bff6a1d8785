//! Fields and arguments as SDL writes them: `percentiles(at: [Float!]! = [5, 95]): [Percentile!]!`. The texts are ours, never a user's.

use async_graphql::Value;
use async_graphql::dynamic::{Enum, EnumItem, Field, InputObject, InputValue, Object, TypeRef};

use super::{Types, computed, field};

/// A field with its arguments. Shared types that it names are made.
pub(super) fn output(types: &mut Types, text: &str, about: &str) -> Field {
    let (head, ty) = text.rsplit_once("): ").or_else(|| text.split_once(": ")).unwrap_or((text, "String"));
    let (name, arguments) = head.split_once('(').unwrap_or((head, ""));
    let ty = type_ref(types, ty);
    let mut made = field(name, ty);
    if !about.is_empty() {
        made = made.description(about);
    }
    for argument in split(arguments) {
        made = made.argument(input(types, argument, ""));
    }
    made
}

/// An argument or a field of an input: `first: Int = 10`.
pub(super) fn input(types: &mut Types, text: &str, about: &str) -> InputValue {
    let (name, rest) = text.split_once(": ").unwrap_or((text, "String"));
    let (ty, default) = rest.split_once(" = ").map_or((rest, None), |(ty, default)| (ty, Some(default)));
    let mut made = InputValue::new(name, type_ref(types, ty));
    if let Some(default) = default.and_then(|default| serde_json::from_str(default).ok()) {
        made = made.default_value(Value::from_json(default).unwrap_or_default());
    } else if let Some(word) = default {
        made = made.default_value(super::word(word));
    }
    if about.is_empty() { made } else { made.description(about) }
}

pub(super) fn object(types: &mut Types, name: &str, about: &str, fields: &[(&str, &str)]) {
    let mut made = Object::new(name);
    if !about.is_empty() {
        made = made.description(about);
    }
    for (text, about) in fields {
        made = made.field(output(types, text, about));
    }
    types.add(made);
}

pub(super) fn input_object(types: &mut Types, name: &str, about: &str, fields: &[(&str, &str)]) {
    let mut made = InputObject::new(name);
    if !about.is_empty() {
        made = made.description(about);
    }
    for (text, about) in fields {
        made = made.field(input(types, text, about));
    }
    types.add(made);
}

/// Unless it would be empty.
pub(super) fn enumeration<'n>(types: &mut Types, name: &str, about: &str, values: impl Iterator<Item = &'n str>) -> bool {
    let items: Vec<_> = values.map(EnumItem::new).collect();
    let some = !items.is_empty();
    if some {
        types.add(Enum::new(name).description(about).items(items));
    }
    some
}

/// `[Int!]!`
fn type_ref(types: &mut Types, text: &str) -> TypeRef {
    if let Some(inner) = text.strip_suffix('!') {
        TypeRef::NonNull(Box::new(type_ref(types, inner)))
    } else if let Some(inner) = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        TypeRef::List(Box::new(type_ref(types, inner)))
    } else {
        if let Some(name) = computed::known(text) {
            types.shared(name);
        }
        TypeRef::named(text.to_owned())
    }
}

/// At the commas outside of brackets.
fn split(text: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_usize;
    let comma = move |letter: char| {
        match letter {
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    };
    text.split(comma).map(str::trim).filter(|part| !part.is_empty())
}
