//! The elements of nested lists beside a hit: one field for each list, of lists in objects and in lists too.

use async_graphql::Value;
use async_graphql::dynamic::{Object, TypeRef};

use super::{Types, described, field, input};
use crate::catalog::ask::comparison;
use crate::catalog::{Exposed, ExposedField};
use crate::search::Kind;

/// All nested lists of a collection, each by the name of its field: `items`, `itemsParcels`.
pub(crate) fn lists(exposed: &Exposed) -> Vec<(String, &ExposedField)> {
    let mut found = Vec::new();
    collect("", &exposed.fields, &mut found);
    found
}

fn collect<'e>(before: &str, fields: &'e [ExposedField], found: &mut Vec<(String, &'e ExposedField)>) {
    for field in fields.iter().filter(|field| field.type_name.is_some()) {
        let mut letters = field.name.chars();
        let name = match letters.next() {
            Some(first) if !before.is_empty() => format!("{before}{}{}", first.to_uppercase(), letters.as_str()),
            _ => field.name.clone(),
        };
        // a list of a name that another has made up first goes without
        if field.field.kind == Kind::Nested && found.iter().all(|(known, _)| *known != name) {
            found.push((name.clone(), field));
        }
        collect(&name, &field.fields, found);
    }
}

/// `None` for a collection without nested lists.
pub(super) fn add(types: &mut Types, exposed: &Exposed) -> Option<String> {
    let lists = lists(exposed);
    if lists.is_empty() {
        return None;
    }
    let name = format!("{}InnerHits", exposed.names.type_name);
    let mut all =
        Object::new(&name).description("The elements that matched a `some`, or the filter given, in the document's order.");
    for (list, element) in lists {
        let Some(stem) = &element.type_name else { continue };
        let hits = format!("{stem}InnerHits");
        let long = types.shared("Long");
        types.add(
            Object::new(&hits)
                .field(field("total", TypeRef::named_nn(long)))
                .field(field("nodes", TypeRef::named_nn_list_nn(stem))),
        );
        let about = format!("Of `{}`.", element.field.path);
        let mut made = described(list, TypeRef::named_nn(hits), &about);
        if element.fields.iter().any(|field| comparison(&field.field).is_some()) {
            made = made.argument(input("filter", format!("{stem}Filter")));
        }
        all = all.field(made.argument(input("first", TypeRef::INT).default_value(Value::from(3))));
    }
    types.add(all);
    Some(name)
}
