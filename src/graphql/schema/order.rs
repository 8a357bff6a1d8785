//! Orders: the enum of fields to sort by, and the input of one key.

use async_graphql::dynamic::{Enum, EnumItem, InputObject, InputValue, TypeRef};

use super::{Types, input, word};
use crate::catalog::Exposed;
use crate::catalog::ask::can_sort;

/// `None` for a collection that can be sorted by nothing.
pub(super) fn add(types: &mut Types, exposed: &Exposed) -> Option<String> {
    let stem = &exposed.names.type_name;
    let sorted = exposed.all_fields().filter(|field| can_sort(&field.field));
    let items: Vec<_> = sorted.map(|field| EnumItem::new(&field.enum_name)).collect();
    if items.is_empty() {
        return None;
    }
    let (name, fields) = (format!("{stem}Order"), format!("{stem}OrderField"));
    types.add(Enum::new(&fields).description("Fields to sort by.").items(items));
    let (direction, missing) = (types.shared("Direction"), types.shared("Missing"));
    types.add(
        InputObject::new(&name)
            .description("One of score, field. Of a list: the least value ascending, the greatest descending.")
            .field(input("score", direction))
            .field(InputValue::new("field", TypeRef::named(&fields)))
            .field(input("direction", direction).default_value(word("ASC")))
            .field(input("missing", missing).default_value(word("LAST")).description("Documents without a value.")),
    );
    Some(name)
}
