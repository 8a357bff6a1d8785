//! Orders: the enum of fields to sort by, and the input of one key.

use async_graphql::dynamic::{Enum, EnumItem, InputObject, InputValue, TypeRef};

use super::{Types, input, word};
use crate::catalog::ask::{can_sort, has_distance};
use crate::catalog::{Exposed, ExposedField};

/// `None` for a collection that can be sorted by nothing.
pub(super) fn add(types: &mut Types, exposed: &Exposed) -> Option<String> {
    let stem = &exposed.names.type_name;
    let sorted: Vec<_> = exposed.all_fields().filter(|field| can_sort(&field.field)).map(item).collect();
    let placed: Vec<_> = exposed.all_fields().filter(|field| has_distance(&field.field)).map(item).collect();
    if sorted.is_empty() && placed.is_empty() {
        return None;
    }
    let name = format!("{stem}Order");
    let (direction, missing) = (types.shared("Direction"), types.shared("Missing"));
    let mut keys = vec!["score"];
    let mut object = InputObject::new(&name).field(input("score", direction));
    if !sorted.is_empty() {
        let fields = format!("{stem}OrderField");
        types.add(Enum::new(&fields).description("Fields to sort by.").items(sorted));
        object = object.field(InputValue::new("field", TypeRef::named(&fields)));
        keys.push("field");
    }
    if !placed.is_empty() {
        let (fields, distance) = (format!("{stem}GeoField"), format!("{stem}DistanceOrder"));
        types.add(Enum::new(&fields).description("Fields to measure distances to.").items(placed));
        let point = types.shared("GeoPointInput");
        types.add(
            InputObject::new(&distance)
                .field(InputValue::new("field", TypeRef::named_nn(&fields)))
                .field(InputValue::new("from", TypeRef::named_nn(point))),
        );
        object = object
            .field(InputValue::new("distance", TypeRef::named(&distance)).description("What has no point is infinitely far."));
        keys.push("distance");
    }
    let about = format!("One of {}. Of a list: the least value ascending, the greatest descending.", keys.join(", "));
    types.add(
        object
            .description(about)
            .field(input("direction", direction).default_value(word("ASC")))
            .field(input("missing", missing).default_value(word("LAST")).description("Documents without a value.")),
    );
    Some(name)
}

fn item(field: &ExposedField) -> EnumItem {
    EnumItem::new(&field.enum_name)
}
