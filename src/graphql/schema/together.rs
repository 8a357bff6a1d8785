//! Several collections searched together: the union of their documents, and the root that ranks them in one list.

use async_graphql::Value;
use async_graphql::dynamic::{Enum, EnumItem, InputObject, InputValue, Object, TypeRef, Union};

use super::{Types, described, field, input, word};
use crate::catalog::Catalog;

/// The collections by name, for whoever names one.
pub(super) fn add_names(types: &mut Types, catalog: &Catalog) {
    if !catalog.collections.is_empty() {
        let words = catalog.collections.iter().map(|exposed| EnumItem::new(exposed.enum_name()));
        types.add(Enum::new("CollectionName").items(words));
    }
}

/// Only where some collection has words to search.
pub(super) fn add_root(types: &mut Types, query: Object, catalog: &Catalog) -> Object {
    let union = Union::new("AnyDocument").description("A document of any collection.");
    types.add(catalog.collections.iter().fold(union, |union, exposed| union.possible_type(&exposed.names.type_name)));
    let (operator, fuzziness) = (types.shared("SearchOperator"), types.shared("Fuzziness"));
    types.add(
        InputObject::new("DocumentSearch")
            .description("Over several collections: by all text fields of each; with AND all words must be in one field.")
            .field(InputValue::new("query", TypeRef::named_nn(TypeRef::STRING)))
            .field(input("operator", operator).default_value(word("OR")))
            .field(input("fuzziness", fuzziness).default_value(word("NONE"))),
    );
    let (total, page_info) = (types.shared("Total"), types.shared("PageInfo"));
    types.add(
        Object::new("DocumentConnection")
            .field(
                described("total", TypeRef::named_nn(total), "Counted up to upTo; null counts all.")
                    .argument(input("upTo", TypeRef::INT).default_value(Value::from(10_000))),
            )
            .field(field("pageInfo", TypeRef::named_nn(page_info)))
            .field(field("edges", TypeRef::named_nn_list_nn("DocumentEdge"))),
    );
    types.add(
        Object::new("DocumentEdge")
            .field(field("cursor", TypeRef::named_nn(TypeRef::STRING)))
            .field(field("score", TypeRef::named(TypeRef::FLOAT)))
            .field(field("collection", TypeRef::named_nn("CollectionName")))
            .field(field("node", TypeRef::named_nn("AnyDocument"))),
    );
    let search = described("search", TypeRef::named("DocumentConnection"), "Ranked together over several collections.")
        .argument(InputValue::new("collections", TypeRef::named_nn_list_nn("CollectionName")))
        .argument(InputValue::new("search", TypeRef::named_nn("DocumentSearch")))
        .argument(input("first", TypeRef::INT))
        .argument(input("after", TypeRef::STRING))
        .argument(input("last", TypeRef::INT))
        .argument(input("before", TypeRef::STRING));
    query.field(search)
}
