//! Full text: the enum of fields with words, and the input that asks for them.

use async_graphql::Value;
use async_graphql::dynamic::{Enum, EnumItem, InputObject, InputValue, TypeRef};

use super::{Types, input, word};
use crate::catalog::Exposed;
use crate::catalog::ask::can_search;

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
    types.add(
        InputObject::new(&names.search)
            .description("The best field counts (best_fields). With AND all words must be in one field.")
            .field(input("query", TypeRef::STRING))
            .field(InputValue::new("fields", TypeRef::named_nn_list(&boost)).description("All text fields where absent."))
            .field(input("operator", operator).default_value(word("OR")))
            .field(input("fuzziness", fuzziness).default_value(word("NONE"))),
    );
    Some(names)
}
