//! What an operation needs of the engine: every root field becomes a query of one batch, or a document of one get.
//! What is not selected is not asked for.

use std::collections::BTreeSet;
use std::collections::btree_map::{BTreeMap, Entry};
use std::sync::Arc;

use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;
use serde_json::Value as Json;

use super::errors::Failure;
use super::ids::{self, Global};
use super::operation::{Node, Selector, Values, What, arguments};
use super::paging;
use crate::catalog::ask::{self, Frame};
use crate::catalog::cursor::{self, Signer};
use crate::catalog::moments;
use crate::catalog::{Catalog, Exposed, ExposedField};
use crate::config::Limits;
use crate::search::date::Time;
use crate::search::{
    DocRef, DocumentId, Fetch, Filter, HighlightRequest, Moment, Origin, PageRequest, Query, Rank, SnapshotId, TotalRequest,
};

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
    One(Arc<Exposed>, Place),
    Node(Option<Found>),
    Nodes(Vec<Option<Found>>),
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
    /// The paths that each `highlights` asks for.
    pub(crate) highlights: Vec<(&'a Node, Vec<String>)>,
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
            What::Many(exposed) => self.many(node, exposed, &arguments, variables, plan).map(Root::Many),
            What::One(exposed) => {
                let id = arguments.get("id").and_then(Json::as_str).unwrap_or_default();
                let id = DocumentId::parse(id).map_err(Failure::input)?;
                let place = self.place(exposed, id, None, &paths(&exposed.fields, &node.sub), plan);
                Ok(Root::One(exposed.clone(), place))
            }
            What::NodeByGlobal => {
                let name = if self.relay { "id" } else { "nodeId" };
                let text = arguments.get(name).and_then(Json::as_str).unwrap_or_default();
                Ok(Root::Node(self.global(node, text, &mut BTreeMap::new(), plan)?))
            }
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
        let Some(exposed) = self.catalog.collection(&collection) else { return Ok(None) };
        // the id is not signed: it leads into no index but the collection's own
        if exposed.collection.origin == Origin::Index && *index != *collection {
            return Ok(None);
        }
        let selected = match known.entry(collection) {
            Entry::Occupied(entry) => entry.get().clone(),
            Entry::Vacant(entry) => entry.insert(Arc::new(self.selector.document(&node.merged, exposed))).clone(),
        };
        let place = self.place(exposed, id, Some((index, routing)), &paths(&exposed.fields, &selected), plan);
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

    fn many(
        &self,
        node: &'a Node,
        exposed: &Arc<Exposed>,
        arguments: &Values,
        variables: &Values,
        plan: &mut Plan<'a>,
    ) -> Result<Many<'a>, Failure> {
        let frame = Frame { limits: self.limits, now: self.now };
        let mut query = Query::new(exposed.collection.name.clone());
        for (name, argument) in [("search", arguments.get("search")), ("orderBy", arguments.get("orderBy"))] {
            let Some(json) = argument.filter(|json| !json.is_null()).map(without_nulls) else { continue };
            match name {
                "search" => query.rank = ask::search(frame, exposed, &json)?.map(Rank::Text),
                _ => query.order = ask::order(frame, exposed, &json)?,
            }
        }
        if let Some(json) = wanted(arguments, "filter")? {
            query.filter = ask::filter(frame, exposed, json)?;
        }
        if let Some(json) = wanted(arguments, "facetFilters")? {
            query.ticks = ask::facet_filters(frame, exposed, json)?;
        }
        let mut binding = binding(exposed, arguments);
        let mut walk = Walk::Live;
        if arguments.get("consistency").and_then(Json::as_str) == Some("SNAPSHOT") {
            binding.push_str(" in a snapshot");
            let mut found = None;
            query.page = paging::page(arguments, self.limits, |cursor| {
                let (id, key) = moments::apart(self.signer.read(&binding, cursor)?)?;
                found = Some(id);
                Some(key)
            })?;
            walk = found.map_or(Walk::Opening, Walk::Snapshot);
        } else {
            query.page = paging::page(arguments, self.limits, |cursor| self.signer.read(&binding, cursor))?;
        }

        let mut needs = Needs { planner: self, exposed, variables, many: Selected::default() };
        for selected in &node.sub {
            needs.of_connection(selected)?;
        }
        let Selected { hits, search, scores, paths, totals, requests, highlights } = needs.many;
        query.total = totals.iter().map(|(_, total)| *total).fold(TotalRequest::None, larger);
        query.fetch = Fetch {
            fields: Some(paths.into_iter().collect()),
            highlights: requests,
            scores: scores && query.rank.is_some(),
            ..Fetch::default()
        };
        if !hits {
            // a total is the same wherever one stands, in whatever order
            query.page = PageRequest { size: 0, ..PageRequest::default() };
            query.order.clear();
            // nothing to walk on from
            if walk == Walk::Opening {
                walk = Walk::Live;
            }
        }
        if let Walk::Snapshot(id) = &walk {
            query.at = Moment::Snapshot(id.clone());
        }
        let search = (hits || search).then(|| {
            plan.searches.push(query);
            plan.searches.len() - 1
        });
        Ok(Many { exposed: exposed.clone(), search, walk, binding, totals, highlights })
    }
}

/// A filter that is given; null is none, and never "everything".
fn wanted<'a>(arguments: &'a Values, name: &str) -> Result<Option<&'a Json>, Failure> {
    match arguments.get(name) {
        Some(Json::Null) => Err(Failure::input(format!("{name} may not be null: leave it out, or give {{}} for everything"))),
        given => Ok(given),
    }
}

/// Outside of filters null is the same as absent.
fn without_nulls(json: &Json) -> Json {
    match json {
        Json::Object(map) => map
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), without_nulls(value)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Json::Array(items) => items.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

fn binding(exposed: &Exposed, arguments: &Values) -> String {
    let part = |name: &str| arguments.get(name).filter(|json| !json.is_null()).map(without_nulls);
    let (search, filter, ticks, order) = (part("search"), part("filter"), part("facetFilters"), part("orderBy"));
    cursor::binding(&exposed.collection.name, search.as_ref(), filter.as_ref(), ticks.as_ref(), order.as_ref())
}

fn larger(one: TotalRequest, other: TotalRequest) -> TotalRequest {
    match (one, other) {
        (TotalRequest::All, _) | (_, TotalRequest::All) => TotalRequest::All,
        (TotalRequest::UpTo(one), TotalRequest::UpTo(other)) => TotalRequest::UpTo(one.max(other)),
        (TotalRequest::None, other) => other,
        (one, TotalRequest::None) => one,
    }
}

/// What is selected of a connection.
#[derive(Default)]
struct Selected<'a> {
    /// Hits are needed, whole or for their cursors.
    hits: bool,
    search: bool,
    scores: bool,
    paths: BTreeSet<Arc<str>>,
    totals: Vec<(&'a Node, TotalRequest)>,
    requests: Vec<HighlightRequest>,
    highlights: Vec<(&'a Node, Vec<String>)>,
}

struct Needs<'a, 'b> {
    planner: &'b Planner<'a>,
    exposed: &'b Exposed,
    variables: &'b Values,
    many: Selected<'a>,
}

impl<'a> Needs<'a, '_> {
    fn of_connection(&mut self, node: &'a Node) -> Result<(), Failure> {
        match node.what {
            What::Total => {
                let arguments = arguments(self.planner.schema, &node.field, self.variables)?;
                let total = match arguments.get("upTo").and_then(Json::as_i64) {
                    Some(up_to) => TotalRequest::UpTo(
                        u64::try_from(up_to).map_err(|_| Failure::input("upTo may not be negative; null counts all"))?,
                    ),
                    None => TotalRequest::All,
                };
                self.many.search = true;
                self.many.totals.push((node, total));
            }
            What::PageInfo => self.many.hits |= node.sub.iter().any(|node| !matches!(node.what, What::TypeName(_))),
            What::Nodes => self.of_documents(&node.sub),
            What::Edges => {
                self.many.hits = true;
                for inner in &node.sub {
                    match inner.what {
                        What::Score => self.many.scores = true,
                        What::EdgeNode => self.of_documents(&inner.sub),
                        What::Highlights => self.of_highlights(inner)?,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn of_documents(&mut self, selected: &[Node]) {
        self.many.hits = true;
        self.many.paths.extend(paths(&self.exposed.fields, selected));
    }

    fn of_highlights(&mut self, node: &'a Node) -> Result<(), Failure> {
        let arguments = arguments(self.planner.schema, &node.field, self.variables)?;
        let size = |name: &'static str, default: i64, least: i64, most: u32| {
            let asked = arguments.get(name).and_then(Json::as_i64).unwrap_or(default);
            match u32::try_from(asked) {
                Ok(size) if asked >= least && size <= most => Ok(size),
                _ if asked < least => Err(Failure::input(format!("{name} may not be less than {least}"))),
                _ => Err(Failure::limit(name, most.into(), u64::try_from(asked).unwrap_or(u64::MAX), "ask for less")),
            }
        };
        let fragment_size = size("fragmentSize", 100, 1, LONGEST_FRAGMENT)?;
        let fragments = size("first", 5, 1, MOST_FRAGMENTS)?;
        let mut asked = Vec::new();
        for word in arguments.get("fields").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default() {
            let named = |field: &&ExposedField| word.as_str() == Some(&field.enum_name);
            let Some(field) = self.exposed.all_fields().find(named).map(|field| &field.field) else {
                return Err(Failure::input(format!("{word} cannot be highlighted")));
            };
            let request = HighlightRequest { field: field.clone(), fragment_size, fragments };
            match self.many.requests.iter().find(|other| other.field.path == field.path) {
                Some(same) if *same == request => {}
                Some(_) => {
                    return Err(Failure::input(format!(
                        "{word} is highlighted twice with different arguments; give both the same"
                    )));
                }
                None => self.many.requests.push(request),
            }
            if !asked.contains(&field.path) {
                asked.push(field.path.clone());
            }
        }
        self.many.highlights.push((node, asked));
        Ok(())
    }
}

/// Characters in a fragment, and fragments of a field: beyond these one reads the field itself.
const LONGEST_FRAGMENT: u32 = 10_000;
const MOST_FRAGMENTS: u32 = 100;

/// The parts of the source that are selected. Of an object all is brought: brought in parts, elements of a list that lack them would
/// be missing, and one that is there would look as if it were not.
fn paths(fields: &[ExposedField], selected: &[Node]) -> BTreeSet<Arc<str>> {
    let path = |node: &Node| match node.what {
        What::Field(at) => fields.get(at).map(|field| Arc::from(field.field.path.as_str())),
        _ => None,
    };
    selected.iter().filter_map(path).collect()
}
