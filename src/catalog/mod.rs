//! Collections as they are exposed: which ones, under which names, with which fields; and how plain JSON of a caller
//! (filters, orders, a search) becomes parts of a [`Query`](crate::search::Query). GraphQL, REST and pages all ask here.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Config;
use crate::search::{Collection, FieldRef};

pub mod ask;
pub mod cursor;
mod exposure;
#[cfg(test)]
mod fixture;
mod names;
mod reserved;
mod words;

/// All collections at one moment. Immutable: a change makes a new one.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Grows with every swap of this process.
    pub revision: u64,
    /// Sorted by the collection's name.
    pub collections: Vec<Arc<Exposed>>,
}

/// A collection as users see it.
#[derive(Debug, PartialEq)]
pub struct Exposed {
    pub collection: Arc<Collection>,
    pub names: Names,
    pub fields: Vec<ExposedField>,
}

/// Names in GraphQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// `blogPosts`: the root field with the connection.
    pub many: String,
    /// `blogPost`, or `newsById` where singular and plural are the same.
    pub one: String,
    /// `blogPostsSuggest`: the root field that completes words.
    pub suggest: String,
    /// `BlogPost`: the type, and the stem of `BlogPostFilter` and all others.
    pub type_name: String,
    /// `BlogPosts`: the stem of names that mean the whole, as `BlogPostsBulkPayload`, `bulkBlogPosts`.
    pub types_name: String,
}

#[derive(Debug, PartialEq)]
pub struct ExposedField {
    pub field: FieldRef,
    /// In the document's type, in inputs, facets and keys.
    pub name: String,
    /// In filters, where `and`, `or`, `not` are taken.
    pub filter_name: String,
    /// In aggregates, where `count` and `nestedCount` are taken.
    pub aggregate_name: String,
    /// In enums, the path joined: `SHIPPING_CITY`.
    pub enum_name: String,
    /// Of an object or a nested field: the stem of its types, `OrderShipping`.
    pub type_name: Option<String>,
    pub list: bool,
    pub fields: Vec<ExposedField>,
}

impl Exposed {
    /// Every field at any depth, parents before children.
    pub fn all_fields(&self) -> impl Iterator<Item = &ExposedField> {
        let mut rest: Vec<&ExposedField> = self.fields.iter().rev().collect();
        std::iter::from_fn(move || {
            let next = rest.pop()?;
            rest.extend(next.fields.iter().rev());
            Some(next)
        })
    }
}

impl ExposedField {
    /// In conditions on groups, where the names of filters and those of aggregates are both taken.
    pub fn having_name(&self) -> &str {
        if self.filter_name == self.name { &self.aggregate_name } else { &self.filter_name }
    }
}

/// What was decided before and must not change by itself: lists, and names once given.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Memory {
    collections: BTreeMap<String, Remembered>,
}

/// Of one collection. A name that is empty or absent was not given yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Remembered {
    many: String,
    one: String,
    suggest: String,
    type_name: String,
    /// Path -> type.
    objects: BTreeMap<String, String>,
    /// Path -> enum value.
    enums: BTreeMap<String, String>,
    /// Path -> whether a sample held it as a list.
    lists: BTreeMap<String, bool>,
}

impl Memory {
    fn of(&self, collection: &str) -> Option<&Remembered> {
        self.collections.get(collection)
    }

    /// Keeps the names that were given; lists stay as they were decided.
    #[cfg_attr(not(test), expect(dead_code, reason = "the watch will remember"))]
    fn remember(&mut self, exposed: &[Exposed]) {
        for exposed in exposed {
            let remembered = self.collections.entry(exposed.collection.name.to_string()).or_default();
            let names = exposed.names.clone();
            (remembered.many, remembered.one, remembered.suggest, remembered.type_name) =
                (names.many, names.one, names.suggest, names.type_name);
            remembered.remember_fields(&exposed.fields);
        }
    }
}

impl Remembered {
    fn remember_fields(&mut self, fields: &[ExposedField]) {
        for exposed in fields {
            self.enums.insert(exposed.field.path.clone(), exposed.enum_name.clone());
            if let Some(name) = &exposed.type_name {
                self.objects.insert(exposed.field.path.clone(), name.clone());
            }
            self.remember_fields(&exposed.fields);
        }
    }
}

impl Catalog {
    /// What settings and mappings alone say of these collections, with no sample and no past: for tests and for offline use.
    pub fn of(collections: &[Arc<Collection>], config: &Config) -> Self {
        let collections = exposure::expose(collections, config, &Memory::default());
        Catalog { revision: 1, collections: collections.into_iter().map(Arc::new).collect() }
    }

    /// By the name of the collection.
    pub fn collection(&self, name: &str) -> Option<&Arc<Exposed>> {
        self.collections
            .binary_search_by(|exposed| exposed.collection.name.as_str().cmp(name))
            .ok()
            .map(|at| &self.collections[at])
    }
}
