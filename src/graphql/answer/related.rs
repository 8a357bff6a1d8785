//! Fields that hold documents of other collections: taken from what the round trips for them brought, or noted down as lacking.

use std::collections::HashMap;
use std::sync::Arc;

use super::connection::connection;
use super::document::document;
use super::{Resolved, Results, Shaper};
use crate::catalog::Exposed;
use crate::error::Code;
use crate::graphql::errors::Failure;
use crate::graphql::operation::Node;
use crate::graphql::plan::{Asked, Need, Related};
use crate::search::Document;

/// The answers to one round trip for relations, and those before it.
pub(crate) struct Level<'a> {
    pub(crate) answers: HashMap<Asked, Related<'a>>,
    pub(crate) results: Results,
    pub(crate) before: Option<&'a Level<'a>>,
}

impl<'a> Level<'a> {
    fn find(&'a self, asked: &Asked) -> Option<(&'a Related<'a>, &'a Results)> {
        match self.answers.get(asked) {
            Some(related) => Some((related, &self.results)),
            None => self.before.and_then(|level| level.find(asked)),
        }
    }
}

impl<'a> Shaper<'a> {
    pub(super) fn relation(
        &self,
        exposed: &'a Exposed,
        from: &'a Document,
        node: &'a Node,
        at: usize,
        to: &'a Arc<Exposed>,
    ) -> Resolved<'a> {
        let Some(relation) = exposed.relations.get(at) else { return Resolved::Null };
        let keys = relation.keys(&from.id, &from.source);
        if !relation.many && keys.is_empty() {
            return Resolved::Null;
        }
        if !relation.many && !relation.list && keys.len() > 1 {
            return Resolved::Fault(Failure::new(
                Code::PartialResult,
                format!(
                    "{} of the document {:?} names several of {}: say by the setting lists of the collection {} that it is a list",
                    relation.needs().unwrap_or("_id"),
                    from.id.as_str(),
                    relation.to,
                    exposed.collection.name
                ),
            ));
        }
        let known = self.levels.and_then(|level| level.find(&Asked::of(node, &keys)));
        match known {
            None => {
                self.needs.borrow_mut().push(Need { node, relation, to, keys });
                Resolved::Null
            }
            Some((Related::One(place), results)) => document(results, to, place),
            Some((Related::List(places), results)) => {
                Resolved::List(places.iter().map(|place| document(results, to, place)).collect())
            }
            Some((Related::Many(many), results)) => connection(results, many),
            Some((Related::Failed(failure), _)) => Resolved::Fault(failure.clone()),
        }
    }
}
