//! What the names of fields mean, by the kind of object they are selected from.

use std::sync::Arc;

use super::counted::{self, Counted, Part};
use super::select::Selector;
use crate::catalog::{Exposed, ExposedField};
use crate::graphql::jobs::FIELDS;
use crate::graphql::mutation::Mutation;
use crate::graphql::schema::{inner, node_id};
use crate::search::Kind;

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

impl<'a> Selector<'a> {
    /// What a field name means on this kind of object, and what its own selection is made from. The validation has seen to it that there is such a field.
    pub(super) fn resolve(&self, of: Of<'a>, name: &str, type_name: &Arc<str>) -> Option<(What, Of<'a>)> {
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
