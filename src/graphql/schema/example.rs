//! What is served for three collections, held against the worked example beside this file.

use std::collections::BTreeSet;

use apollo_compiler::Schema;
use apollo_compiler::ast::{InputValueDefinition, Value};
use apollo_compiler::schema::ExtendedType;

use super::tests::printed;

/// Types that are not built yet, and single parts of types that are. What is built is taken off: the test says so.
const NOT_YET: &[&str] = &[];

fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, tail)) => text.strip_prefix(head).is_some_and(|rest| {
            let ends = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
            ends.into_iter().any(|at| fits(tail, &rest[at..]))
        }),
    }
}

/// Every statement of a schema that somebody could rely on, each below the name of its type.
fn statements(sdl: &str) -> BTreeSet<(String, String)> {
    let schema = Schema::parse(sdl, "s").unwrap_or_else(|faults| panic!("{}", faults.errors));
    let mut all = BTreeSet::new();
    for (name, ty) in schema.types.iter().filter(|(name, ty)| !ty.is_built_in() && !name.starts_with("__")) {
        let mut add = |text: String| all.insert((name.to_string(), text));
        add(format!("{} {name}", ty.kind_name()));
        match ty {
            ExtendedType::Scalar(_) => {}
            ExtendedType::Object(object) => {
                object.implements_interfaces.iter().for_each(|known| _ = add(format!("{name} implements {known}")));
            }
            ExtendedType::Interface(_) => {}
            ExtendedType::Union(union) => union.members.iter().for_each(|member| _ = add(format!("{name} = {member}"))),
            ExtendedType::Enum(words) => words.values.keys().for_each(|word| _ = add(format!("{name}.{word}"))),
            ExtendedType::InputObject(object) => {
                object.fields.values().for_each(|field| _ = add(format!("{name}.{}", input(field))));
                if object.directives.has("oneOf") {
                    add(format!("{name} @oneOf"));
                }
            }
        }
        let fields = match ty {
            ExtendedType::Object(object) => &object.fields,
            ExtendedType::Interface(interface) => &interface.fields,
            _ => continue,
        };
        for (field, definition) in fields {
            add(format!("{name}.{field}: {}", definition.ty));
            definition.arguments.iter().for_each(|argument| _ = add(format!("{name}.{field}({})", input(argument))));
        }
    }
    all
}

fn input(definition: &InputValueDefinition) -> String {
    let default = definition.default_value.as_deref().map(|value| match value {
        // `1` and `1.0` are one default of a Float
        Value::Float(digits) => format!(" = {}", digits.try_to_f64().unwrap()),
        other => format!(" = {}", other.serialize().no_indent()),
    });
    format!("{}: {}{}", definition.name, definition.ty, default.unwrap_or_default())
}

trait KindName {
    fn kind_name(&self) -> &'static str;
}

impl KindName for ExtendedType {
    fn kind_name(&self) -> &'static str {
        match self {
            ExtendedType::Scalar(_) => "scalar",
            ExtendedType::Object(_) => "type",
            ExtendedType::Interface(_) => "interface",
            ExtendedType::Union(_) => "union",
            ExtendedType::Enum(_) => "enum",
            ExtendedType::InputObject(_) => "input",
        }
    }
}

#[test]
fn what_is_served_is_the_worked_example_as_far_as_it_is_built() {
    let (example, served) = (statements(include_str!("example.graphql")), statements(&printed(false)));
    let excused = |(ty, text): &&(String, String)| NOT_YET.iter().any(|pattern| fits(pattern, ty) || fits(pattern, text));
    let texts = |all: Vec<&(String, String)>| all.into_iter().map(|(_, text)| text.clone()).collect::<Vec<_>>().join("\n");
    let missing: Vec<_> = example.difference(&served).filter(|statement| !excused(statement)).collect();
    let unknown: Vec<_> = served.difference(&example).collect();
    assert!(missing.is_empty() && unknown.is_empty(), "missing:\n{}\n\nunknown:\n{}", texts(missing), texts(unknown));
    let built: Vec<_> = NOT_YET
        .iter()
        .filter(|pattern| !example.difference(&served).any(|(ty, text)| fits(pattern, ty) || fits(pattern, text)))
        .collect();
    assert!(built.is_empty(), "these are built now, take them off the list: {built:?}");
}
