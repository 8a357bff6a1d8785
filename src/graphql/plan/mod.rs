//! What an operation needs of the engine: every root field becomes a query of one batch, or a document of one get.
//! What is not selected is not asked for.

mod completing;
mod connection;
mod counted;
mod related;
mod together;

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;

use apollo_compiler::Schema;
use apollo_compiler::executable::Value;
use apollo_compiler::validation::Valid;
use serde_json::Value as Json;

pub(crate) use counted::{Counted, Made, address};
pub(crate) use related::{Asked, Need, Related};
pub(crate) use together::Together;

use super::errors::Failure;
use super::ids::{self, Global};
use super::jobs::Jobs;
use super::mutation::Done;
use super::operation::{Node, Selector, Values, What, arguments};
use crate::catalog::cursor::Signer;
use crate::catalog::{Catalog, Exposed};
use crate::config::Limits;
use crate::search::date::Time;
use crate::search::{DocRef, DocumentId, Filter, Origin, Query, SnapshotId, TotalRequest};

/// So many documents, or elements of one, at a time: no more than the viewer's role sees, and an error where more were asked for by `given`.
fn within_role(exposed: &Exposed, size: u32, given: bool) -> Result<u32, Failure> {
    match exposed.bounds.page {
        Some(most) if size > most && given => {
            Err(Failure::limit("page", most.into(), size.into(), "your role sees no more at a time: ask for fewer"))
        }
        Some(most) => Ok(size.min(most)),
        None => Ok(size),
    }
}

/// Whether an argument stands in the operation, with a value: what it is by default was asked for by nobody.
fn is_given(node: &Node, name: &str, variables: &Values) -> bool {
    node.field.arguments.iter().filter(|argument| argument.name == name).any(|argument| match &*argument.value {
        Value::Variable(variable) => variables.get(variable.as_str()).is_some_and(|value| !value.is_null()),
        value => !value.is_null(),
    })
}

/// What planning looks at; nothing of it is changed.
pub(crate) struct Planner<'a> {
    pub(crate) schema: &'a Valid<Schema>,
    pub(crate) catalog: &'a Catalog,
    pub(crate) selector: Selector<'a>,
    pub(crate) signer: &'a Signer,
    pub(crate) limits: &'a Limits,
    pub(crate) now: Time,
    pub(crate) relay: bool,
}

/// One round trip: a batch of searches, and a get beside it.
#[derive(Default)]
pub(crate) struct Plan<'a> {
    pub(crate) roots: Vec<(&'a Node, Root<'a>)>,
    pub(crate) searches: Vec<Query>,
    pub(crate) gets: Vec<DocRef>,
    /// Paths that any of the documents got needs.
    pub(crate) paths: BTreeSet<Arc<str>>,
}

pub(crate) enum Root<'a> {
    /// Answered without the engine.
    Own,
    Failed(Failure),
    Many(Many<'a>),
    Together(Together<'a>),
    One(Arc<Exposed>, Place),
    /// Values of a field that begin so: the place in the batch.
    Values(Arc<Exposed>, usize),
    Node(Option<Found>),
    Nodes(Vec<Option<Found>>),
    /// A mutation that was carried out.
    Done(Done),
    Jobs(Jobs),
}

/// A connection.
pub(crate) struct Many<'a> {
    pub(crate) exposed: Arc<Exposed>,
    /// The place in the batch; `None` where nothing is selected that needs a search.
    pub(crate) search: Option<usize>,
    /// All its pages see one moment.
    pub(crate) walk: Walk,
    /// What its cursors are for.
    pub(crate) binding: String,
    pub(crate) totals: Vec<(&'a Node, TotalRequest)>,
    /// Which request of the query brings the elements that a field asks for.
    pub(crate) inner: Vec<(&'a Node, usize)>,
    /// The paths that each `highlights` asks for.
    pub(crate) highlights: Vec<(&'a Node, Vec<String>)>,
    /// What is counted, by the node that asks for it.
    pub(crate) counted: Counted<'a>,
}

/// The moment that the pages of a connection see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Walk {
    /// Each its own.
    Live,
    /// A snapshot is to be opened before the search.
    Opening,
    Snapshot(SnapshotId),
}

/// Where a single document comes from.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// The place in the get.
    Get(usize),
    /// The place in the batch, and which concrete index and routing is meant where a global id says so.
    Search { at: usize, only: Option<(Arc<str>, Option<Arc<str>>)> },
}

/// A document named by its global id, with what is selected of its type.
pub(crate) struct Found {
    pub(crate) exposed: Arc<Exposed>,
    pub(crate) place: Place,
    pub(crate) selected: Arc<Vec<Node>>,
}

impl<'a> Planner<'a> {
    pub(crate) fn plan(&self, roots: &'a [Node], variables: &Values) -> Plan<'a> {
        let mut plan = Plan::default();
        for node in roots {
            let root = self.root(node, variables, &mut plan).unwrap_or_else(Root::Failed);
            plan.roots.push((node, root));
        }
        plan
    }

    fn root(&self, node: &'a Node, variables: &Values, plan: &mut Plan<'a>) -> Result<Root<'a>, Failure> {
        if matches!(node.what, What::TypeName(_) | What::Introspection) {
            return Ok(Root::Own);
        }
        let arguments = arguments(self.schema, &node.field, variables)?;
        match &node.what {
            What::Many(exposed) => self.many(node, exposed, &arguments, variables, None, plan).map(Root::Many),
            What::Together => self.together(node, &arguments, variables, plan).map(Root::Together),
            What::One(exposed) => {
                let id = arguments.get("id").and_then(Json::as_str).unwrap_or_default();
                let id = DocumentId::parse(id).map_err(Failure::input)?;
                let place = self.place(exposed, id, None, &paths(exposed, &node.sub), plan);
                Ok(Root::One(exposed.clone(), place))
            }
            What::Complete(exposed) => {
                plan.searches.push(self.completing(exposed, &arguments)?);
                Ok(Root::Values(exposed.clone(), plan.searches.len() - 1))
            }
            What::NodeByGlobal => {
                let name = if self.relay { "id" } else { "nodeId" };
                let text = arguments.get(name).and_then(Json::as_str).unwrap_or_default();
                if let Some(job) = ids::job(text) {
                    return Ok(Root::Jobs(Jobs::one(&job, Some(self.selector.job(&node.merged)))));
                }
                Ok(Root::Node(self.global(node, text, &mut BTreeMap::new(), plan)?))
            }
            What::JobById => {
                let id = arguments.get("id").and_then(Json::as_str).unwrap_or_default();
                Ok(Root::Jobs(Jobs::one(id, None)))
            }
            What::JobList => Jobs::list(&arguments, self.signer, self.limits).map(Root::Jobs),
            What::NodesByGlobal => {
                let name = if self.relay { "ids" } else { "nodeIds" };
                let texts = arguments.get(name).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
                let (most, asked) = (u64::from(self.limits.first), texts.len() as u64);
                if asked > most {
                    return Err(Failure::limit(name, most, asked, "ask for fewer at a time"));
                }
                let mut known = BTreeMap::new();
                let found = texts.iter().map(|text| self.global(node, text.as_str().unwrap_or_default(), &mut known, plan));
                Ok(Root::Nodes(found.collect::<Result<_, _>>()?))
            }
            _ => Ok(Root::Own),
        }
    }

    /// `None`: its collection is gone.
    fn global(
        &self,
        node: &'a Node,
        text: &str,
        known: &mut BTreeMap<String, Arc<Vec<Node>>>,
        plan: &mut Plan<'a>,
    ) -> Result<Option<Found>, Failure> {
        let Some(Global { collection, index, routing, id }) = ids::read(text) else {
            return Err(Failure::input("this is no global id: take it from a document's own"));
        };
        if collection.is_empty() {
            return Err(Failure::input("this is the id of a job: ask for it by job or by node"));
        }
        let Some(exposed) = self.catalog.collection(&collection) else { return Ok(None) };
        // the id is not signed: it leads into no index but the collection's own
        if exposed.collection.origin == Origin::Index && *index != *collection {
            return Ok(None);
        }
        let selected = match known.entry(collection) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => entry.insert(Arc::new(self.selector.document(&node.merged, exposed))).clone(),
        };
        let place = self.place(exposed, id, Some((index, routing)), &paths(exposed, &selected), plan);
        Ok(Some(Found { exposed: exposed.clone(), place, selected }))
    }

    /// A get where the collection is one concrete index; else a search by id through the collection's name, for a get
    /// ignores the filter of an alias and cannot look into several indices.
    fn place(
        &self,
        exposed: &Exposed,
        id: DocumentId,
        only: Option<(Arc<str>, Option<Arc<str>>)>,
        paths: &BTreeSet<Arc<str>>,
        plan: &mut Plan<'a>,
    ) -> Place {
        let name = exposed.collection.name.clone();
        match &exposed.collection.origin {
            Origin::Index => {
                let mut reference = DocRef::new(name, id);
                (reference.index, reference.routing) = only.map_or((None, None), |(index, routing)| (Some(index), routing));
                plan.gets.push(reference);
                plan.paths.extend(paths.iter().cloned());
                Place::Get(plan.gets.len() - 1)
            }
            Origin::Many { indices, .. } => {
                let mut query = Query::new(name);
                query.filter = Filter::Ids(vec![id]);
                // two are enough to know that there is more than one; a global id may mean any of the indices
                let wanted = if only.is_some() { u32::try_from(indices.len()).unwrap_or(u32::MAX).max(2) } else { 2 };
                query.page.size = wanted.min(self.limits.window);
                query.fetch.fields = Some(paths.iter().cloned().collect());
                plan.searches.push(query);
                Place::Search { at: plan.searches.len() - 1, only }
            }
        }
    }
}

/// The parts of the source that are selected. Of an object all is brought: brought in parts, elements of a list that lack them would
/// be missing, and one that is there would look as if it were not.
/// A relation needs what names the others.
pub(crate) fn paths(exposed: &Exposed, selected: &[Node]) -> BTreeSet<Arc<str>> {
    let path = |node: &Node| match node.what {
        What::Field(at) => exposed.fields.get(at).map(|field| Arc::from(field.field.path.as_str())),
        What::Related(at, _) => exposed.relations.get(at).and_then(|relation| relation.needs().map(Arc::from)),
        _ => None,
    };
    selected.iter().filter_map(path).collect()
}
