//! The catalog as a GraphQL schema: one type system for any collections, then the types of each, then the roots.
//!
//! Only what is built is in it, and a type that would be empty is left out with every field and argument that needs it.
//! Running operations is not its business: the schema is printed, and the printed text is what operations are checked against.

mod computed;
mod connection;
mod counted;
mod document;
mod filter;
mod groups;
pub(crate) mod inner;
mod input;
mod jobs;
mod mutation;
mod order;
mod scalars;
mod search;
mod together;
mod written;

use std::collections::BTreeSet;

use async_graphql::dynamic::{
    Field, FieldFuture, InputObject, InputValue, Object, Schema, SchemaBuilder, SchemaError, Subscription, SubscriptionField,
    SubscriptionFieldFuture, Type, TypeRef,
};
use async_graphql::{Name, SDLExportOptions, Value};
use futures_util::stream::Empty;

use crate::catalog::Catalog;
use crate::config::{Config, Writes};

const SUBSCRIPTION: &str = "Subscription";

/// What of the settings shows in the schema.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Face {
    pub(crate) relay: bool,
    pub(crate) writes: Writes,
}

impl Face {
    pub(crate) fn of(config: &Config) -> Self {
        Face { relay: config.graphql.relay, writes: config.writes() }
    }
}

/// The schema as text, the same for equal catalogs.
pub(crate) fn print(catalog: &Catalog, face: Face) -> Result<String, SchemaError> {
    let schema = build(catalog, face)?;
    Ok(schema
        .sdl_with_options(SDLExportOptions::new().include_specified_by().use_space_ident().prefer_single_line_descriptions()))
}

fn build(catalog: &Catalog, face: Face) -> Result<Schema, SchemaError> {
    let Face { relay, writes } = face;
    let mutated = mutation::any(writes, catalog.collections.len()).then_some(mutation::NAME);
    let mut types = Types { builder: Some(Schema::build("Query", mutated, Some(SUBSCRIPTION))), shared: BTreeSet::new(), relay };
    document::add_interfaces(&mut types);
    let mut query =
        Object::new("Query").description("Every root field is nullable, so that the failure of one leaves the others.");
    let mut subscription = Subscription::new(SUBSCRIPTION).description(
        "The same roots, live: the answer now, and again each time that it is another because what it reads has changed.",
    );
    let mut mutation = mutation::root();
    let mut all = Vec::with_capacity(catalog.collections.len());
    for exposed in &catalog.collections {
        let order = order::add(&mut types, exposed);
        let counted = counted::add(&mut types, exposed);
        all.push(Parts {
            filter: filter::add(&mut types, exposed),
            facet_filter: filter::add_facet(&mut types, exposed),
            search: search::add(&mut types, exposed),
            group_by: groups::add(&mut types, exposed, &counted, order.as_ref()),
            order,
            counted,
        });
    }
    for (exposed, parts) in catalog.collections.iter().zip(&all) {
        let related = exposed.relations.iter().filter_map(|relation| {
            let at = catalog.collections.iter().position(|other| other.collection.name == relation.to)?;
            Some(connection::related(relation, &catalog.collections[at], &all[at]))
        });
        document::add(&mut types, exposed, related.collect());
        query = connection::add(&mut types, query, exposed, parts);
        subscription = connection::subscribe(subscription, exposed, parts);
        if mutated.is_some() {
            mutation = mutation::add(&mut types, mutation, exposed);
        }
    }
    if writes == Writes::All {
        mutation = mutation::add_collections(&mut types, mutation);
    }
    let searched = all.iter().any(|parts| parts.search.is_some());
    if searched || mutated.is_some() {
        together::add_names(&mut types, catalog);
    }
    if searched {
        query = together::add_root(&mut types, query, catalog);
    }
    query = document::add_roots(query, relay);
    query = jobs::add_roots(&mut types, query);
    subscription = jobs::subscribe(subscription);
    if mutated.is_some() {
        mutation = jobs::add_mutations(&mut types, mutation, catalog);
    }
    let mut made = BTreeSet::new();
    while let Some(wanted) = types.shared.pop_first() {
        if made.insert(wanted) {
            scalars::add(&mut types, wanted);
        }
    }
    types.add(query);
    if mutated.is_some() {
        types.add(mutation);
    }
    types.add(subscription);
    types.finish()
}

/// Which optional types a collection got, by name.
struct Parts {
    filter: Option<String>,
    facet_filter: Option<String>,
    search: Option<search::Names>,
    order: Option<String>,
    counted: counted::Counted,
    /// The field, as text.
    group_by: Option<String>,
}

/// The types made so far, and which of the shared ones they need.
struct Types {
    builder: Option<SchemaBuilder>,
    shared: BTreeSet<&'static str>,
    relay: bool,
}

impl Types {
    fn add(&mut self, ty: impl Into<Type>) {
        self.builder = self.builder.take().map(|builder| builder.register(ty));
    }

    /// A type of the shared part, by name: it is made if somebody needs it.
    fn shared(&mut self, name: &'static str) -> &'static str {
        self.shared.insert(name);
        name
    }

    fn finish(self) -> Result<Schema, SchemaError> {
        self.builder.unwrap_or_else(|| Schema::build("Query", None, None)).finish()
    }

    fn node_id(&self) -> &'static str {
        node_id(self.relay)
    }
}

/// How the global id is called.
pub(crate) const fn node_id(relay: bool) -> &'static str {
    if relay { "id" } else { "nodeId" }
}

/// A field of an output type. Nothing resolves here: operations are run elsewhere, and whoever gets this far is told.
fn field(name: impl Into<String>, ty: TypeRef) -> Field {
    Field::new(name, ty, |_| FieldFuture::new(async { Err::<Option<Value>, _>("the schema does not resolve fields".into()) }))
}

/// A root field of subscriptions; it resolves as little.
fn live(name: impl Into<String>, ty: TypeRef, description: impl Into<String>) -> SubscriptionField {
    let field = SubscriptionField::new(name, ty, |_| {
        SubscriptionFieldFuture::new(async {
            Err::<Empty<Result<Value, async_graphql::Error>>, _>("the schema does not resolve fields".into())
        })
    });
    field.description(description)
}

fn described(name: impl Into<String>, ty: TypeRef, description: &str) -> Field {
    field(name, ty).description(description)
}

/// An optional argument or input field of a named type.
fn input(name: impl Into<String>, ty: impl Into<String>) -> InputValue {
    InputValue::new(name, TypeRef::named(ty))
}

fn word(value: &str) -> Value {
    Value::Enum(Name::new(value))
}

/// An input object unless it would have no fields.
fn non_empty(types: &mut Types, name: String, object: InputObject, fields: Vec<InputValue>) -> Option<String> {
    if fields.is_empty() {
        return None;
    }
    types.add(fields.into_iter().fold(object, InputObject::field));
    Some(name)
}

#[cfg(test)]
mod example;
#[cfg(test)]
mod tests;
