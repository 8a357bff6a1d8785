//! Collections as they are exposed: which ones, under which names, with which fields; and how plain JSON of a caller
//! (filters, orders, a search) becomes parts of a [`Query`](crate::search::Query). GraphQL, REST and pages all ask here.

use std::sync::Arc;

use crate::search::{Collection, FieldRef};

pub mod ask;
pub mod cursor;

/// All collections at one moment. Immutable: a change makes a new one.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Grows with every swap of this process.
    pub revision: u64,
    /// Sorted by the collection's name.
    pub collections: Vec<Arc<Exposed>>,
}

/// A collection as users see it.
#[derive(Debug)]
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
    /// `BlogPost`: the type, and the stem of `BlogPostFilter` and all others.
    pub type_name: String,
    /// `BlogPosts`: the stem of names that mean the whole, as `BlogPostsBulkPayload`, `bulkBlogPosts`.
    pub types_name: String,
}

#[derive(Debug)]
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

impl Catalog {
    /// By the name of the collection.
    pub fn collection(&self, name: &str) -> Option<&Arc<Exposed>> {
        self.collections
            .binary_search_by(|exposed| exposed.collection.name.as_str().cmp(name))
            .ok()
            .map(|at| &self.collections[at])
    }
}
