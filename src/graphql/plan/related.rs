//! Relations: what the documents found say of others becomes the next round trip, one for a level however many documents there are.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::{Many, Place, Plan, Planner, paths};
use crate::catalog::Exposed;
use crate::catalog::relations::{Relation, Side};
use crate::graphql::errors::Failure;
use crate::graphql::operation::{Node, Values, arguments};
use crate::search::value::Value;
use crate::search::{DocumentId, Filter, Query};

/// A field of a document that holds others, told apart by the field and by what the document says of them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Asked {
    node: usize,
    keys: String,
}

/// What shaping an answer lacks.
pub(crate) struct Need<'a> {
    pub(crate) node: &'a Node,
    pub(crate) relation: &'a Relation,
    pub(crate) to: &'a Arc<Exposed>,
    pub(crate) keys: Vec<Value>,
}

/// Where it will be in the answers to the next round trip.
pub(crate) enum Related<'a> {
    One(Place),
    List(Vec<Place>),
    Many(Many<'a>),
    Failed(Failure),
}

/// Only documents that belong to another one.
pub(super) struct Belonging {
    pub(super) filter: Filter,
    /// So that cursors of one are not for the other.
    pub(super) key: String,
}

impl Asked {
    /// Nodes stay where they are while an operation runs.
    pub(crate) fn of(node: &Node, keys: &[Value]) -> Self {
        Asked { node: std::ptr::from_ref(node).addr(), keys: format!("{keys:?}") }
    }
}

impl<'a> Planner<'a> {
    /// One round trip for all of them.
    pub(crate) fn related(&self, needs: Vec<Need<'a>>, variables: &Values) -> (HashMap<Asked, Related<'a>>, Plan<'a>) {
        let (mut answers, mut plan) = (HashMap::new(), Plan::default());
        for need in needs {
            if let Entry::Vacant(vacant) = answers.entry(Asked::of(need.node, &need.keys)) {
                vacant.insert(self.one_related(&need, variables, &mut plan).unwrap_or_else(Related::Failed));
            }
        }
        (answers, plan)
    }

    fn one_related(&self, need: &Need<'a>, variables: &Values, plan: &mut Plan<'a>) -> Result<Related<'a>, Failure> {
        let Need { node, relation, to, keys } = need;
        if relation.many {
            let arguments = arguments(self.schema, &node.field, variables)?;
            let filter = Filter::Or(keys.iter().map(|key| relation.filter(key)).collect());
            let of = Belonging { filter, key: format!(" of {keys:?}") };
            return self.many(node, to, &arguments, variables, Some(&of), plan).map(Related::Many);
        }
        let most = self.limits.first as usize;
        if keys.len() > most {
            return Err(Failure::limit("first", most as u64, keys.len() as u64, "a relation leads to this many at most"));
        }
        let mut places = keys.iter().map(|key| self.one_place(need, key, plan)).collect::<Vec<_>>();
        match places.pop() {
            Some(place) if !relation.list => Ok(Related::One(place)),
            Some(last) => {
                places.push(last);
                Ok(Related::List(places))
            }
            None => Ok(Related::List(Vec::new())),
        }
    }

    fn one_place(&self, need: &Need<'a>, key: &Value, plan: &mut Plan<'a>) -> Place {
        let Need { node, relation, to, .. } = need;
        let paths = paths(to, &node.sub);
        if let (Side::Id, Value::Text(id)) = (&relation.by, key)
            && let Ok(id) = DocumentId::parse(id)
        {
            return self.place(to, id, None, &paths, plan);
        }
        let mut query = Query::new(to.collection.name.clone());
        query.filter = relation.filter(key);
        // two are enough to know that there is more than one
        query.page.size = 2;
        query.fetch.fields = Some(paths.into_iter().collect());
        plan.searches.push(query);
        Place::Search { at: plan.searches.len() - 1, only: None }
    }
}
