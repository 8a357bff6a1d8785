//! Connections: a page of a collection's documents and what is told about the whole result, and its root fields.

use async_graphql::Value;
use async_graphql::dynamic::{Field, InputValue, Object, Subscription, SubscriptionField, TypeRef};

use super::{Parts, Types, described, field, inner, input, live, word, written};
use crate::catalog::Exposed;
use crate::catalog::ask::{can_complete, has_distance};
use crate::catalog::relations::Relation;

pub(super) fn add(types: &mut Types, query: Object, exposed: &Exposed, parts: &Parts) -> Object {
    let names = &exposed.names;
    let (stem, collection) = (&names.type_name, exposed.collection.name.as_str());
    let (connection, edge) = (format!("{stem}Connection"), format!("{stem}Edge"));

    let (total, page_info) = (types.shared("Total"), types.shared("PageInfo"));
    let mut object = Object::new(&connection)
        .description("One page and all that is told about the whole result.")
        .field(
            described("total", TypeRef::named_nn(total), "Counted up to upTo; null counts all.")
                .argument(input("upTo", TypeRef::INT).default_value(Value::from(10_000))),
        )
        .field(field("pageInfo", TypeRef::named_nn(page_info)))
        .field(field("edges", TypeRef::named_nn_list_nn(&edge)))
        .field(field("nodes", TypeRef::named_nn_list_nn(stem)));
    let counted = [("facets", &parts.counted.facets), ("aggregate", &parts.counted.aggregate)];
    for (name, ty) in counted {
        if let Some(ty) = ty {
            object = object.field(field(name, TypeRef::named_nn(ty)));
        }
    }
    if let Some(group_by) = &parts.group_by {
        object = object.field(written::output(types, group_by, ""));
    }
    if parts.search.is_some() {
        object = object.field(written::output(types, "suggestions: Suggestions!", ""));
    }
    types.add(object);

    let mut object = Object::new(&edge)
        .field(field("cursor", TypeRef::named_nn(TypeRef::STRING)))
        .field(described("score", TypeRef::named(TypeRef::FLOAT), "Null where nothing was ranked."))
        .field(field("node", TypeRef::named_nn(stem)));
    if exposed.all_fields().any(|field| has_distance(&field.field)) {
        object = object.field(described(
            "distance",
            TypeRef::named(TypeRef::FLOAT),
            "Metres to the point of the first distance in orderBy.",
        ));
    }
    if let Some(elements) = inner::add(types, exposed) {
        object = object.field(field("innerHits", TypeRef::named_nn(elements)));
    }
    if let Some(search) = &parts.search {
        object = object.field(described(
            "explanation",
            TypeRef::named(types.shared("Explanation")),
            "Why it has its score; null where nothing was ranked.",
        ));
        object = object.field(
            described(
                "highlights",
                TypeRef::named_nn_list_nn(types.shared("Highlight")),
                "Where the words of the search and of filters on these fields are; fields without a mark are left out.",
            )
            .argument(InputValue::new("fields", TypeRef::named_nn_list_nn(&search.fields)))
            .argument(input("fragmentSize", TypeRef::INT).default_value(Value::from(100)))
            .argument(input("first", TypeRef::INT).default_value(Value::from(5))),
        );
    }
    types.add(object);

    types.shared(CONSISTENCY);
    let many = arguments(parts)
        .into_iter()
        .fold(described(&names.many, TypeRef::named(connection), &format!("Searches `{collection}`.")), Field::argument);
    let one = described(&names.one, TypeRef::named(stem), &format!("One document of `{collection}` by its own id."))
        .argument(InputValue::new("id", TypeRef::named_nn(TypeRef::ID)));
    let query = query.field(many).field(one);
    match completing(types, exposed) {
        Some(values) => query.field(values),
        None => query,
    }
}

/// The root field that completes values; `None` where there is nothing to complete.
fn completing(types: &mut Types, exposed: &Exposed) -> Option<Field> {
    let fields = format!("{}SuggestField", exposed.names.type_name);
    let completed = exposed.all_fields().filter(|field| can_complete(&field.field)).map(|field| field.enum_name.as_str());
    if !written::enumeration(types, &fields, "Fields to complete.", completed) {
        return None;
    }
    let text = format!("{}(field: {fields}!, prefix: String!, first: Int = 10): [Suggestion!]", exposed.names.suggest);
    Some(written::output(types, &text, &format!("Completes values of `{}` for a search box.", exposed.collection.name.as_str())))
}

/// The same search as a subscription.
pub(super) fn subscribe(subscription: Subscription, exposed: &Exposed, parts: &Parts) -> Subscription {
    let names = &exposed.names;
    let about = format!("Searches `{}`, again whenever it changes.", exposed.collection.name.as_str());
    let live = live(&names.many, TypeRef::named(format!("{}Connection", names.type_name)), about);
    subscription.field(arguments(parts).into_iter().fold(live, SubscriptionField::argument))
}

/// A field that holds documents of another collection.
pub(super) fn related(relation: &Relation, to: &Exposed, parts: &Parts) -> Field {
    let (stem, collection) = (&to.names.type_name, to.collection.name.as_str());
    if !relation.many {
        let ty = if relation.list { TypeRef::named_list(stem) } else { TypeRef::named(stem) };
        return described(&relation.name, ty, &format!("Of `{collection}`; null where there is none."));
    }
    let many = described(&relation.name, TypeRef::named(format!("{stem}Connection")), &format!("Those of `{collection}`."));
    // without a consistency: a snapshot for each document would be too many
    searching(parts).into_iter().fold(many, Field::argument)
}

const CONSISTENCY: &str = "Consistency";

/// What a search of a collection takes.
fn arguments(parts: &Parts) -> Vec<InputValue> {
    let mut all = searching(parts);
    all.push(input("consistency", CONSISTENCY).default_value(word("LIVE")));
    all
}

fn searching(parts: &Parts) -> Vec<InputValue> {
    let optional = [
        ("search", parts.search.as_ref().map(|search| &search.search)),
        ("filter", parts.filter.as_ref()),
        ("facetFilters", parts.facet_filter.as_ref()),
    ];
    let mut all: Vec<InputValue> = optional.into_iter().filter_map(|(name, ty)| Some(input(name, ty?))).collect();
    all.extend(parts.order.as_ref().map(|order| InputValue::new("orderBy", TypeRef::named_nn_list(order))));
    all.extend([
        input("first", TypeRef::INT),
        input("after", TypeRef::STRING),
        input("last", TypeRef::INT),
        input("before", TypeRef::STRING),
        input("offset", TypeRef::INT),
    ]);
    all
}
