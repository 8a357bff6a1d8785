//! Search: the enum of fields with words, the input that asks for them, and what is near a vector.

use async_graphql::Value;
use async_graphql::dynamic::{Enum, EnumItem, InputObject, InputValue, TypeRef};

use super::{Types, input, word};
use crate::catalog::Exposed;
use crate::catalog::ask::{can_be_near, can_search};

pub(super) struct Names {
    pub(super) search: String,
    /// The enum, also for highlights.
    pub(super) fields: String,
}

/// `None` for a collection without a word in it.
pub(super) fn add(types: &mut Types, exposed: &Exposed) -> Option<Names> {
    let stem = &exposed.names.type_name;
    let searched = exposed.all_fields().filter(|field| can_search(&field.field));
    let items: Vec<_> = searched.map(|field| EnumItem::new(&field.enum_name)).collect();
    if items.is_empty() {
        return None;
    }
    let names = Names { search: format!("{stem}Search"), fields: format!("{stem}SearchField") };
    let boost = format!("{stem}SearchFieldBoost");
    types.add(Enum::new(&names.fields).description("Fields with words or names: for search and highlights.").items(items));
    types.add(
        InputObject::new(&boost)
            .field(InputValue::new("field", TypeRef::named_nn(&names.fields)))
            .field(input("boost", TypeRef::FLOAT).default_value(Value::from(1))),
    );
    let (operator, fuzziness) = (types.shared("SearchOperator"), types.shared("Fuzziness"));
    let mut search = InputObject::new(&names.search)
        .description("The best field counts (best_fields). With AND all words must be in one field.")
        .field(input("query", TypeRef::STRING))
        .field(InputValue::new("fields", TypeRef::named_nn_list(&boost)).description("All text fields where absent."))
        .field(input("operator", operator).default_value(word("OR")))
        .field(input("fuzziness", fuzziness).default_value(word("NONE")));
    if let Some(nearest) = add_nearest(types, exposed) {
        search = search
            .field(input("knn", nearest))
            .field(input("fusion", types.shared("Fusion")).description("How the words and the vector are ranked together."));
    }
    types.add(search);
    Some(names)
}

/// `None` for a collection without a vector that can be searched.
fn add_nearest(types: &mut Types, exposed: &Exposed) -> Option<String> {
    let stem = &exposed.names.type_name;
    let items: Vec<_> =
        exposed.all_fields().filter(|field| can_be_near(&field.field)).map(|field| EnumItem::new(&field.enum_name)).collect();
    if items.is_empty() {
        return None;
    }
    let (fields, name) = (format!("{stem}VectorField"), format!("{stem}Knn"));
    types.add(Enum::new(&fields).description("Vectors to look for near ones in.").items(items));
    types.add(
        InputObject::new(&name)
            .description("The k nearest to a vector; numCandidates of each shard are looked at.")
            .field(InputValue::new("field", TypeRef::named_nn(&fields)))
            .field(InputValue::new("vector", TypeRef::named_nn_list_nn(TypeRef::FLOAT)))
            .field(input("k", TypeRef::INT).default_value(Value::from(10)))
            .field(input("numCandidates", TypeRef::INT)),
    );
    Some(name)
}
