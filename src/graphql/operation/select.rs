//! What is selected, laid out: fragments dissolved, equal response names merged, `@skip` and `@include` decided, each field
//! resolved against the catalog, so that shaping an answer looks up no names.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use apollo_compiler::executable::{DirectiveList, Field, Fragment, Operation, Selection, SelectionSet};
use apollo_compiler::parser::LineColumn;
use apollo_compiler::{ExecutableDocument, Name, Node as Shared};
use serde_json::Value as Json;

use super::Values;
use super::counted::{self, Counted, Part};
use crate::catalog::{Catalog, Exposed, ExposedField};
use crate::graphql::jobs::FIELDS;
use crate::graphql::mutation::{Mutation, Verb};
use crate::graphql::schema::{inner, node_id};
use crate::jobs::Steer;
use crate::search::Kind;

/// A field of an answer.
#[derive(Debug)]
pub(crate) struct Node {
    /// The response name.
    pub(crate) key: Arc<str>,
    pub(crate) what: What,
    /// The first of the fields merged here; all have the same arguments.
    pub(crate) field: Shared<Field>,
    /// All of them: what is selected of an interface depends on the type found.
    pub(crate) merged: Vec<Shared<Field>>,
    pub(crate) place: Option<LineColumn>,
    pub(crate) sub: Vec<Node>,
}

#[derive(Clone, Debug)]
pub(crate) enum What {
    TypeName(Arc<str>),
    /// `__schema` and `__type`.
    Introspection,
    Many(Arc<Exposed>),
    One(Arc<Exposed>),
    /// Values that begin so.
    Complete(Arc<Exposed>),
    /// A search over several collections.
    Together,
    NodeByGlobal,
    NodesByGlobal,
    JobById,
    JobList,
    /// A field of a job, by its name.
    Job(&'static str),
    // of a connection
    Total,
    PageInfo,
    Edges,
    Nodes,
    Suggestions,
    // of suggestions; its parts are texts and whether they are changed
    DidYouMean,
    Respelled,
    Relaxed,
    Dropped,
    // of an edge
    Cursor,
    Score,
    Distance,
    InnerHits,
    EdgeNode,
    /// Of a search over several: which one.
    CollectionOf,
    Highlights,
    Explanation,
    Explained(Explained),
    // of a page
    HasNext,
    HasPrevious,
    Start,
    End,
    // of a total
    Value,
    Relation,
    // of a highlight, a fragment and a part
    HighlightField,
    // of elements beside a hit: a list of the collection, by its path
    InnerList(Arc<str>),
    InnerTotal,
    InnerNodes,
    Fragments,
    Html,
    Parts,
    Text,
    Hit,
    // of a document
    GlobalId,
    Id,
    Version,
    /// The place in the list of fields of the document or the object.
    Field(usize),
    /// The place in the document's list of relations, and the collection it leads to.
    Related(usize, Arc<Exposed>),
    // of a point
    Lat,
    Lon,
    /// Of facets, aggregates and groups.
    Counted(Part),
    // of mutations, and of what they answer
    Mutation(Mutation),
    PayloadJob,
    PayloadDocument,
    PayloadVersion,
    PayloadErrors,
    PayloadName,
    Items,
    ErrorCode,
    ErrorMessage,
    ErrorPath,
}

/// A field of an explanation.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Explained {
    Value,
    Description,
    Field,
    Term,
    Details,
}

/// The root fields by name.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    queries: HashMap<String, What>,
    mutations: HashMap<String, What>,
    /// By the name of the collection, for relations.
    collections: HashMap<String, Arc<Exposed>>,
}

impl Roots {
    pub(crate) fn of(catalog: &Catalog) -> Self {
        let mut roots: HashMap<String, What> = HashMap::with_capacity(catalog.collections.len() * 2 + 2);
        let mut mutations = HashMap::with_capacity(catalog.collections.len() * 5 + 2);
        for exposed in &catalog.collections {
            for verb in Verb::ALL {
                let name = format!("{}{}", verb.name(), exposed.names.type_name);
                mutations.insert(name, What::Mutation(Mutation::Write(verb, exposed.clone())));
            }
            let bulk = format!("bulk{}", exposed.names.types_name);
            mutations.insert(bulk, What::Mutation(Mutation::Bulk(exposed.clone())));
            roots.insert(exposed.names.many.clone(), What::Many(exposed.clone()));
            roots.insert(exposed.names.one.clone(), What::One(exposed.clone()));
            roots.insert(exposed.names.suggest.clone(), What::Complete(exposed.clone()));
        }
        roots.insert("search".into(), What::Together);
        roots.insert("node".into(), What::NodeByGlobal);
        roots.insert("nodes".into(), What::NodesByGlobal);
        let named = |exposed: &Arc<Exposed>| (exposed.collection.name.as_str().to_owned(), exposed.clone());
        let related = catalog.collections.iter().any(|exposed| !exposed.relations.is_empty());
        let collections = if related { catalog.collections.iter().map(named).collect() } else { HashMap::new() };
        roots.insert("job".into(), What::JobById);
        roots.insert("jobs".into(), What::JobList);
        mutations.insert("startJob".into(), What::Mutation(Mutation::StartJob));
        for steer in Steer::ALL {
            mutations.insert(format!("{}Job", steer.as_str()), What::Mutation(Mutation::SteerJob(steer)));
        }
        mutations.insert("createCollection".into(), What::Mutation(Mutation::CreateCollection));
        mutations.insert("removeCollection".into(), What::Mutation(Mutation::RemoveCollection));
        Roots { queries: roots, mutations, collections }
    }
}

/// What kind of object is being selected from.
#[derive(Clone, Copy)]
pub(super) enum Of<'a> {
    Query,
    Mutation,
    Connection(&'a Exposed),
    Edge(&'a Exposed),
    Together,
    TogetherEdge,
    Explanation,
    InnerHits(&'a Exposed),
    InnerList(&'a ExposedField),
    Page,
    Total,
    Highlight,
    Fragment,
    Part,
    Document(&'a Exposed),
    Object(&'a ExposedField),
    Point,
    Suggestions,
    DidYouMean,
    Relaxed,
    /// A value that begins so.
    Completion,
    Counted(Counted<'a>),
    Payload(&'a Exposed),
    Bulk(&'a Exposed),
    CollectionPayload,
    JobPayload,
    Job,
    Jobs,
    JobEdge,
    WriteError,
    /// Nothing is selected from it here: a leaf, or what introspection and interfaces lay out themselves.
    Leaf,
}

/// Lays out one operation with its variables.
#[derive(Clone, Copy)]
pub(crate) struct Selector<'a> {
    pub(crate) document: &'a ExecutableDocument,
    pub(crate) variables: &'a Values,
    pub(crate) roots: &'a Roots,
    pub(crate) relay: bool,
}

impl<'a> Selector<'a> {
    pub(crate) fn roots(&self, operation: &'a Operation) -> Vec<Node> {
        let set = &operation.selection_set;
        let of = if operation.operation_type.is_mutation() { Of::Mutation } else { Of::Query };
        self.select(&[set], of, &set.ty)
    }

    /// What is selected of a document of this collection, where the field's own type is an interface.
    pub(crate) fn document(&self, merged: &'a [Shared<Field>], exposed: &'a Exposed) -> Vec<Node> {
        let sets: Vec<_> = merged.iter().map(|field| &field.selection_set).collect();
        self.select(&sets, Of::Document(exposed), &exposed.names.type_name)
    }

    /// The same of a job.
    pub(crate) fn job(&self, merged: &'a [Shared<Field>]) -> Vec<Node> {
        let sets: Vec<_> = merged.iter().map(|field| &field.selection_set).collect();
        self.select(&sets, Of::Job, "Job")
    }

    fn select(&self, sets: &[&'a SelectionSet], of: Of<'a>, type_name: &str) -> Vec<Node> {
        if matches!(of, Of::Leaf) {
            return Vec::new();
        }
        let mut found = Found::default();
        let mut spread = HashSet::new();
        for set in sets {
            self.collect(set, of, type_name, &mut found, &mut spread);
        }
        let type_name: Arc<str> = type_name.into();
        found.fields.into_iter().filter_map(|(key, merged)| self.node(key, merged, of, &type_name)).collect()
    }

    fn node(&self, key: &'a Name, merged: Vec<&'a Shared<Field>>, of: Of<'a>, type_name: &Arc<str>) -> Option<Node> {
        let first = *merged.first()?;
        let (what, inner) = self.resolve(of, first.name.as_str(), type_name)?;
        let sets: Vec<_> = merged.iter().map(|field| &field.selection_set).collect();
        Some(Node {
            key: key.as_str().into(),
            what,
            place: first.location().and_then(|span| span.line_column(&self.document.sources)),
            sub: self.select(&sets, inner, first.definition.ty.inner_named_type()),
            field: first.clone(),
            merged: merged.into_iter().cloned().collect(),
        })
    }

    /// Fields by response name, in the order of their first mention. A fragment is looked into once.
    fn collect(&self, set: &'a SelectionSet, of: Of<'a>, type_name: &str, found: &mut Found<'a>, spread: &mut HashSet<&'a Name>) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) if self.included(&field.directives) => found.add(field),
                Selection::InlineFragment(inline)
                    if self.included(&inline.directives)
                        && inline.type_condition.as_ref().is_none_or(|condition| applies(condition, of, type_name)) =>
                {
                    self.collect(&inline.selection_set, of, type_name, found, spread);
                }
                Selection::FragmentSpread(inner) if self.included(&inner.directives) => {
                    if spread.insert(&inner.fragment_name)
                        && let Some(fragment) = self.fragment(&inner.fragment_name)
                        && applies(&fragment.selection_set.ty, of, type_name)
                    {
                        self.collect(&fragment.selection_set, of, type_name, found, spread);
                    }
                }
                _ => {}
            }
        }
    }

    fn fragment(&self, name: &Name) -> Option<&'a Shared<Fragment>> {
        self.document.fragments.get(name)
    }

    fn included(&self, directives: &DirectiveList) -> bool {
        let says = |name: &str| {
            let value = directives.get(name)?.specified_argument_by_name("if")?;
            match value.as_variable() {
                Some(variable) => self.variables.get(variable.as_str()).and_then(Json::as_bool),
                None => value.to_bool(),
            }
        };
        says("skip") != Some(true) && says("include") != Some(false)
    }

    /// What a field name means on this kind of object, and what its own selection is made from. The validation has seen to it that there is such a field.
    fn resolve(&self, of: Of<'a>, name: &str, type_name: &Arc<str>) -> Option<(What, Of<'a>)> {
        if name == "__typename" {
            return Some((What::TypeName(type_name.clone()), Of::Leaf));
        }
        Some(match (of, name) {
            (Of::Query, "__schema" | "__type") => (What::Introspection, Of::Leaf),
            (Of::Query, _) => {
                let what = self.roots.queries.get(name)?;
                let inner = match self.roots.queries.get(name)? {
                    What::Many(exposed) => Of::Connection(exposed),
                    What::One(exposed) => Of::Document(exposed),
                    What::Complete(_) => Of::Completion,
                    What::Together => Of::Together,
                    What::JobById => Of::Job,
                    What::JobList => Of::Jobs,
                    _ => Of::Leaf,
                };
                (what.clone(), inner)
            }
            (Of::Mutation, _) => {
                let what = self.roots.mutations.get(name)?;
                let inner = match what {
                    What::Mutation(Mutation::Write(_, exposed)) => Of::Payload(exposed),
                    What::Mutation(Mutation::Bulk(exposed)) => Of::Bulk(exposed),
                    What::Mutation(Mutation::StartJob | Mutation::SteerJob(_)) => Of::JobPayload,
                    _ => Of::CollectionPayload,
                };
                (what.clone(), inner)
            }
            (Of::JobPayload, "job") => (What::PayloadJob, Of::Job),
            (Of::Jobs, "pageInfo") => (What::PageInfo, Of::Page),
            (Of::Jobs, "edges") => (What::Edges, Of::JobEdge),
            (Of::JobEdge, "cursor") => (What::Cursor, Of::Leaf),
            (Of::JobEdge, "node") => (What::EdgeNode, Of::Job),
            (Of::Job, name) if name == node_id(self.relay) => (What::GlobalId, Of::Leaf),
            (Of::Job, name) => (What::Job(FIELDS.into_iter().find(|known| *known == name)?), Of::Leaf),
            (Of::Payload(_) | Of::Bulk(_) | Of::CollectionPayload | Of::JobPayload, "errors") => {
                (What::PayloadErrors, Of::WriteError)
            }
            (Of::Payload(_), "version") => (What::PayloadVersion, Of::Leaf),
            (Of::Payload(exposed), _) => (What::PayloadDocument, Of::Document(exposed)),
            (Of::Bulk(exposed), "items") => (What::Items, Of::Payload(exposed)),
            (Of::CollectionPayload, "name") => (What::PayloadName, Of::Leaf),
            (Of::WriteError, "code") => (What::ErrorCode, Of::Leaf),
            (Of::WriteError, "message") => (What::ErrorMessage, Of::Leaf),
            (Of::WriteError, "path") => (What::ErrorPath, Of::Leaf),
            (Of::Connection(_), "total") => (What::Total, Of::Total),
            (Of::Connection(_), "pageInfo") => (What::PageInfo, Of::Page),
            (Of::Connection(exposed), "edges") => (What::Edges, Of::Edge(exposed)),
            (Of::Connection(_), "suggestions") => (What::Suggestions, Of::Suggestions),
            (Of::Suggestions, "didYouMean") => (What::DidYouMean, Of::DidYouMean),
            (Of::DidYouMean | Of::Relaxed | Of::Completion, "text") => (What::Text, Of::Leaf),
            (Of::Suggestions, "relaxed") => (What::Relaxed, Of::Relaxed),
            (Of::Relaxed, "dropped") => (What::Dropped, Of::Leaf),
            (Of::Relaxed, "total") => (What::Total, Of::Total),
            (Of::Completion, "count") => (What::Value, Of::Leaf),
            (Of::DidYouMean, "parts") => (What::Parts, Of::Part),
            (Of::Part, "changed") => (What::Respelled, Of::Leaf),
            (Of::Connection(exposed), "nodes") => (What::Nodes, Of::Document(exposed)),
            (Of::Edge(_), "cursor") => (What::Cursor, Of::Leaf),
            (Of::Edge(_), "score") => (What::Score, Of::Leaf),
            (Of::Edge(exposed), "node") => (What::EdgeNode, Of::Document(exposed)),
            (Of::Edge(_), "distance") => (What::Distance, Of::Leaf),
            (Of::Edge(exposed), "innerHits") => (What::InnerHits, Of::InnerHits(exposed)),
            (Of::InnerHits(exposed), name) => {
                let (_, list) = inner::lists(exposed).into_iter().find(|(list, _)| list == name)?;
                (What::InnerList(list.field.path.as_str().into()), Of::InnerList(list))
            }
            (Of::InnerList(_), "total") => (What::InnerTotal, Of::Leaf),
            (Of::InnerList(list), "nodes") => (What::InnerNodes, Of::Object(list)),
            (Of::Edge(_), "highlights") => (What::Highlights, Of::Highlight),
            (Of::Edge(_), "explanation") => (What::Explanation, Of::Explanation),
            (Of::Explanation, "value") => (What::Explained(Explained::Value), Of::Leaf),
            (Of::Explanation, "description") => (What::Explained(Explained::Description), Of::Leaf),
            (Of::Explanation, "field") => (What::Explained(Explained::Field), Of::Leaf),
            (Of::Explanation, "term") => (What::Explained(Explained::Term), Of::Leaf),
            (Of::Explanation, "details") => (What::Explained(Explained::Details), Of::Explanation),
            (Of::Together, "total") => (What::Total, Of::Total),
            (Of::Together, "pageInfo") => (What::PageInfo, Of::Page),
            (Of::Together, "edges") => (What::Edges, Of::TogetherEdge),
            (Of::TogetherEdge, "cursor") => (What::Cursor, Of::Leaf),
            (Of::TogetherEdge, "score") => (What::Score, Of::Leaf),
            (Of::TogetherEdge, "collection") => (What::CollectionOf, Of::Leaf),
            // what is selected of it is laid out for each collection apart
            (Of::TogetherEdge, "node") => (What::EdgeNode, Of::Leaf),
            (Of::Page, "hasNextPage") => (What::HasNext, Of::Leaf),
            (Of::Page, "hasPreviousPage") => (What::HasPrevious, Of::Leaf),
            (Of::Page, "startCursor") => (What::Start, Of::Leaf),
            (Of::Page, "endCursor") => (What::End, Of::Leaf),
            (Of::Total, "value") => (What::Value, Of::Leaf),
            (Of::Total, "relation") => (What::Relation, Of::Leaf),
            (Of::Highlight, "field") => (What::HighlightField, Of::Leaf),
            (Of::Highlight, "fragments") => (What::Fragments, Of::Fragment),
            (Of::Fragment, "html") => (What::Html, Of::Leaf),
            (Of::Fragment, "parts") => (What::Parts, Of::Part),
            (Of::Part, "text") => (What::Text, Of::Leaf),
            (Of::Part, "hit") => (What::Hit, Of::Leaf),
            (Of::Point, "lat") => (What::Lat, Of::Leaf),
            (Of::Point, "lon") => (What::Lon, Of::Leaf),
            (Of::Document(_), "_id") => (What::Id, Of::Leaf),
            (Of::Document(_), "_version") => (What::Version, Of::Leaf),
            (Of::Document(_), name) if name == node_id(self.relay) => (What::GlobalId, Of::Leaf),
            (Of::Document(exposed), name) => match exposed.relations.iter().position(|relation| relation.name == name) {
                Some(at) => {
                    let to = self.roots.collections.get(exposed.relations[at].to.as_str())?;
                    let inner = if exposed.relations[at].many { Of::Connection(to) } else { Of::Document(to) };
                    (What::Related(at, to.clone()), inner)
                }
                None => of_field(&exposed.fields, name)?,
            },
            (Of::Object(parent), name) => of_field(&parent.fields, name)?,
            (Of::Connection(exposed), name) => {
                let (part, inner) = counted::of_connection(exposed, name)?;
                (What::Counted(part), inner)
            }
            (Of::Counted(Counted::Groups(_)), "pageInfo") => (What::PageInfo, Of::Page),
            (Of::Counted(of), name) => {
                let (part, inner) = counted::resolve(of, name)?;
                (What::Counted(part), inner)
            }
            _ => return None,
        })
    }
}

fn of_field<'a>(fields: &'a [ExposedField], name: &str) -> Option<(What, Of<'a>)> {
    let (at, field) = fields.iter().enumerate().find(|(_, field)| field.name == name)?;
    let inner = match field.field.kind {
        Kind::Object | Kind::Nested => Of::Object(field),
        Kind::GeoPoint => Of::Point,
        _ => Of::Leaf,
    };
    Some((What::Field(at), inner))
}

fn applies(condition: &str, of: Of<'_>, type_name: &str) -> bool {
    condition == type_name
        || (matches!(of, Of::Job) && condition == "Node")
        || (matches!(of, Of::Document(_)) && matches!(condition, "Node" | "Document" | "AnyDocument"))
}

#[derive(Default)]
struct Found<'a> {
    fields: Vec<(&'a Name, Vec<&'a Shared<Field>>)>,
    places: HashMap<&'a Name, usize>,
}

impl<'a> Found<'a> {
    fn add(&mut self, field: &'a Shared<Field>) {
        let key = field.response_key();
        let at = *self.places.entry(key).or_insert_with(|| {
            self.fields.push((key, Vec::new()));
            self.fields.len() - 1
        });
        self.fields[at].1.push(field);
    }
}
