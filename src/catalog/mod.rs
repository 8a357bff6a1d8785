//! Collections as they are exposed: which ones, under which names, with which fields; and how plain JSON of a caller
//! (filters, orders, a search) becomes parts of a [`Query`](crate::search::Query). GraphQL, REST and pages all ask here.

use std::sync::Arc;

use crate::config::Config;
use crate::search::{Collection, FieldRef};

pub mod ask;
pub mod cursor;
mod diff;
mod exposure;
#[cfg(test)]
mod fixture;
pub mod kept;
mod making;
mod memory;
pub mod moments;
mod names;
mod pulse;
mod records;
pub mod relations;
mod reserved;
mod sample;
pub mod shelf;
mod watch;
mod words;

pub use diff::{diff, remarks};
pub(crate) use exposure::fits;
use memory::{Memory, Remembered};
pub use pulse::{Beat, Pulse};
pub use watch::{Lens, Watch, open};

/// All collections at one moment. Immutable: a change makes a new one.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Grows with every swap of this process.
    pub revision: u64,
    /// Sorted by the collection's name.
    pub collections: Vec<Arc<Exposed>>,
}

/// What exists for whom: of most viewers all. Set where roles are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// Some fields do not exist for the viewer: only what does may be shown of a document.
    pub hides: bool,
    /// Hits of one page.
    pub page: Option<u32>,
    /// Facets, aggregates, groups.
    pub aggregations: bool,
}

impl Default for Bounds {
    fn default() -> Self {
        Bounds { hides: false, page: None, aggregations: true }
    }
}

/// A collection as users see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Exposed {
    pub collection: Arc<Collection>,
    pub names: Names,
    pub fields: Vec<ExposedField>,
    /// Fields that hold documents of other collections.
    pub relations: Vec<relations::Relation>,
    /// What settings ask for and cannot be.
    pub faults: Vec<String>,
    pub bounds: Bounds,
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

#[derive(Clone, Debug, PartialEq)]
pub struct ExposedField {
    pub field: FieldRef,
    /// In the document's type, in inputs, facets and keys.
    pub name: String,
    /// In filters, where `and`, `or`, `not` are taken.
    pub filter_name: String,
    /// In aggregates, where `count` and `nestedCount` are taken.
    pub aggregate_name: String,
    /// In the keys of groups, where it is grouped by ranges: `sizeRange`, unless a field of the document is called so.
    pub range_name: String,
    /// In enums, the path joined: `SHIPPING_CITY`.
    pub enum_name: String,
    /// Of an object or a nested field: the stem of its types, `OrderShipping`.
    pub type_name: Option<String>,
    pub list: bool,
    pub fields: Vec<ExposedField>,
}

impl Exposed {
    /// How the document is called in what a mutation of this collection answers: as in the roots, but `news` where that is
    /// `newsById`, and with digits where it is `version` or `errors`, which stand beside it.
    pub fn payload_name(&self) -> String {
        let Names { one, many, .. } = &self.names;
        let own = one.strip_suffix("ById").filter(|own| own == many).unwrap_or(one);
        names::apart(own, self.collection.name.as_str(), &["errors", "version"])
    }

    /// In the enum of collections: `BLOG_POSTS` of `blogPosts`. One from which the root field cannot be told gets digits.
    pub fn enum_name(&self) -> String {
        let (plain, _) = words::shouted(&[&self.names.many]);
        let parts: Vec<String> = plain.split('_').map(str::to_ascii_lowercase).collect();
        if words::lower_camel(&parts) == self.names.many {
            return plain;
        }
        names::apart(&plain, self.collection.name.as_str(), &[&plain])
    }

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

impl Exposed {
    /// The parts of a document that may be shown; `None`: all of it, for nothing is hidden.
    pub fn visible_paths(&self, config: &Config) -> Option<Vec<Arc<str>>> {
        fn collect(fields: &[ExposedField], paths: &mut Vec<Arc<str>>) {
            for exposed in fields {
                match exposed.fields.as_slice() {
                    [] => paths.push(Arc::from(exposed.field.path.as_str())),
                    inner => collect(inner, paths),
                }
            }
        }
        let settings = config.catalog.collections.get(self.collection.name.as_str());
        let hides = self.bounds.hides || settings.is_some_and(|settings| !settings.hide.is_empty());
        hides.then(|| {
            let mut paths = Vec::new();
            collect(&self.fields, &mut paths);
            paths
        })
    }

    /// The fields for another collection that holds what may be shown of this one, lists as they were decided.
    pub fn visible_fields(&self) -> Vec<FieldRef> {
        fn shown(fields: &[ExposedField]) -> Vec<FieldRef> {
            let copy = |exposed: &ExposedField| {
                let mut field = crate::search::Field::clone(&exposed.field);
                field.list = Some(exposed.list);
                field.fields = shown(&exposed.fields);
                Arc::new(field)
            };
            fields.iter().map(copy).collect()
        }
        shown(&self.fields)
    }
}

impl ExposedField {
    /// In conditions on groups, where the names of filters and those of aggregates are both taken.
    pub fn having_name(&self) -> &str {
        if self.filter_name == self.name { &self.aggregate_name } else { &self.filter_name }
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
