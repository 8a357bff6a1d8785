//! Documents and what is in them.

use super::{Resolved, Results, Thing, list, page};
use crate::catalog::{Exposed, ExposedField};
use crate::error::Code;
use crate::graphql::documents::{self, Content, View};
use crate::graphql::errors::Failure;
use crate::graphql::ids;
use crate::graphql::operation::{Node, What};
use crate::graphql::plan::Place;
use crate::graphql::value::Value;
use crate::search::Document;

pub(super) fn document<'a>(results: &'a Results, exposed: &'a Exposed, place: &'a Place) -> Resolved<'a> {
    let found = match place {
        Place::Get(at) => match &results.documents {
            Ok(documents) => Ok(documents.get(*at).and_then(Option::as_ref)),
            Err(failure) => Err(failure.clone()),
        },
        Place::Search { at, only } => page(results, *at).and_then(|page| {
            let mut meant = page.hits.iter().map(|hit| &hit.document).filter(|document| match only {
                Some((index, routing)) => document.index == *index && document.routing == *routing,
                None => true,
            });
            let first = meant.next();
            match (first, meant.next()) {
                (Some(first), Some(_)) => Err(several(exposed, first)),
                _ => Ok(first),
            }
        }),
    };
    match found {
        Ok(Some(document)) => Resolved::Thing(Thing::Document(exposed, document)),
        Ok(None) => Resolved::Null,
        Err(failure) => Resolved::Fault(failure),
    }
}

pub(super) fn of_document<'a>(exposed: &'a Exposed, document: &'a Document, node: &'a Node) -> Resolved<'a> {
    let collection = exposed.collection.name.as_str();
    match node.what {
        What::GlobalId => Resolved::Leaf(Value::text(ids::write(collection, document))),
        What::Id => Resolved::Leaf(Value::text(document.id.as_str())),
        What::Version => Resolved::Leaf(Value::text(document.version.to_string())),
        _ => of_object(collection, &exposed.fields, &View::of(&document.source), node),
    }
}

pub(super) fn of_object<'a>(collection: &'a str, fields: &'a [ExposedField], view: &View<'a>, node: &'a Node) -> Resolved<'a> {
    let What::Field(at) = node.what else { return Resolved::Null };
    let Some(field) = fields.get(at) else { return Resolved::Null };
    of_content(collection, field, documents::content(collection, field, view))
}

fn of_content<'a>(collection: &'a str, field: &'a ExposedField, content: Content<'a>) -> Resolved<'a> {
    match content {
        Content::Null => Resolved::Null,
        Content::Leaf(value) => Resolved::Leaf(value),
        Content::Object(view) => Resolved::Thing(Thing::Object { collection, fields: &field.fields, view }),
        Content::Point { lat, lon } => Resolved::Thing(Thing::Point { lat, lon }),
        Content::List(items) => list(items.into_iter().map(|item| of_content(collection, field, item))),
        Content::Fault(why) => Resolved::Fault(Failure::new(Code::PartialResult, why)),
    }
}

fn several(exposed: &Exposed, document: &Document) -> Failure {
    Failure::new(
        Code::Conflict,
        format!(
            "several indices of {} hold a document {:?}; say which one by its global id, the nodeId of a search",
            exposed.collection.name,
            document.id.as_str()
        ),
    )
}
