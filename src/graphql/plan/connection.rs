//! A connection: its arguments become a query, and what is selected of it says what is brought and counted.

use std::collections::BTreeSet;
use std::sync::Arc;

use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;
use serde_json::Value as Json;

use super::counted::Counting;
use super::related::Belonging;
use super::{Many, Plan, Planner, Walk, is_given, paths, within_role};
use crate::catalog::ask::{self, Frame};
use crate::catalog::moments::Reading;
use crate::catalog::{Exposed, ExposedField, cursor};
use crate::error::Code;
use crate::graphql::errors::Failure;
use crate::graphql::operation::{Node, Values, What, arguments};
use crate::graphql::paging;
use crate::graphql::schema::inner;
use crate::search::{
    ENOUGH, Fetch, FieldRef, Filter, HighlightRequest, InnerHits, Kind, MOST_INNER_HITS, Moment, PageRequest, Quantifier, Query,
    Rank, Suggest, TextMatch, TotalRequest,
};

impl<'a> Planner<'a> {
    pub(super) fn many(
        &self,
        node: &'a Node,
        exposed: &'a Arc<Exposed>,
        arguments: &Values,
        variables: &Values,
        of: Option<&Belonging>,
        plan: &mut Plan<'a>,
    ) -> Result<Many<'a>, Failure> {
        let frame = Frame { limits: self.limits, now: self.now };
        let mut query = Query::new(exposed.collection.name.clone());
        for (name, argument) in [("search", arguments.get("search")), ("orderBy", arguments.get("orderBy"))] {
            let Some(json) = argument.filter(|json| !json.is_null()).map(without_nulls) else { continue };
            match name {
                "search" => query.rank = ask::search(frame, exposed, &json)?,
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
        if let Some(Belonging { filter, key }) = of {
            query.filter = Filter::and([filter.clone(), query.filter]);
            binding.push_str(key);
        }
        let in_snapshot = arguments.get("consistency").and_then(Json::as_str) == Some("SNAPSHOT");
        if in_snapshot {
            binding.push_str(" in a snapshot");
        }
        let mut reading = Reading::new(self.signer, &binding, in_snapshot);
        query.page = paging::page(arguments, self.limits, |cursor| reading.place(cursor))?;
        let mut walk = match reading.found {
            Some(id) => Walk::Snapshot(id),
            None if in_snapshot => Walk::Opening,
            None => Walk::Live,
        };
        let sized = ["first", "last"].iter().any(|name| arguments.get(*name).is_some_and(|size| !size.is_null()));
        query.page.size = within_role(exposed, query.page.size, sized)?;
        let mut counting = Counting::new(self, exposed, variables, arguments, &query.ticks);
        for selected in &node.sub {
            counting.of_connection(selected);
        }
        let (compute, counted) = counting.finish();
        query.compute = compute;

        let asked = Filter::and([query.filter.clone()].into_iter().chain(query.ticks.iter().map(|(_, tick)| tick.clone())));
        let mut needs = Needs { planner: self, exposed, variables, frame, asked: &asked, many: Selected::default() };
        for selected in &node.sub {
            needs.of_connection(selected)?;
        }
        let Selected { spelling, relaxed, hits, search, scores, explained, paths, totals, requests, highlights, elements, inner } =
            needs.many;
        if spelling && let Some(text) = query.rank.as_ref().and_then(words) {
            let texts = text.fields.iter().map(|(field, _)| field).filter(|field| matches!(field.kind, Kind::Text { .. }));
            let suggest = Suggest::DidYouMean { text: text.query.clone(), fields: texts.cloned().collect() };
            query.suggest.push((0, suggest));
        }
        // beside a vector something is always near
        if relaxed && let Some(Rank::Text(text)) = &query.rank {
            query.suggest.push((1, Suggest::Relaxed(text.clone())));
        }
        query.total = totals.iter().map(|(_, total)| *total).fold(TotalRequest::None, larger);
        if !query.suggest.is_empty() {
            // whether enough was found
            query.total = larger(query.total, TotalRequest::UpTo(ENOUGH));
        }
        query.fetch = Fetch {
            fields: Some(paths.into_iter().collect()),
            highlights: requests,
            inner_hits: elements,
            scores: scores && query.rank.is_some(),
            // its numbers count documents that a rule hides, so under one nothing is explained
            explanation: explained && query.rank.is_some() && query.rule == Filter::All,
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
        let search = (hits || search || !query.compute.is_empty() || !query.suggest.is_empty()).then(|| {
            plan.searches.push(query);
            plan.searches.len() - 1
        });
        Ok(Many { exposed: exposed.clone(), search, walk, binding, totals, inner, highlights, counted })
    }
}

/// The words of a search, also beside a vector.
fn words(rank: &Rank) -> Option<&TextMatch> {
    match rank {
        Rank::Text(text) => Some(text),
        Rank::Knn { .. } => None,
        Rank::Fused(rankings) => rankings.iter().find_map(words),
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
pub(super) fn without_nulls(json: &Json) -> Json {
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

/// How far a `total` counts.
pub(super) fn total(schema: &Valid<Schema>, node: &Node, variables: &Values) -> Result<TotalRequest, Failure> {
    let arguments = arguments(schema, &node.field, variables)?;
    match arguments.get("upTo").and_then(Json::as_i64) {
        Some(up_to) => {
            let most = u64::try_from(up_to).map_err(|_| Failure::input("upTo may not be negative; null counts all"))?;
            Ok(TotalRequest::UpTo(most))
        }
        None => Ok(TotalRequest::All),
    }
}

pub(super) fn larger(one: TotalRequest, other: TotalRequest) -> TotalRequest {
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
    /// A better spelling is wanted, and which words to drop.
    spelling: bool,
    relaxed: bool,
    /// Hits are needed, whole or for their cursors.
    hits: bool,
    search: bool,
    scores: bool,
    explained: bool,
    paths: BTreeSet<Arc<str>>,
    totals: Vec<(&'a Node, TotalRequest)>,
    requests: Vec<HighlightRequest>,
    highlights: Vec<(&'a Node, Vec<String>)>,
    elements: Vec<InnerHits>,
    inner: Vec<(&'a Node, usize)>,
}

struct Needs<'a, 'b> {
    planner: &'b Planner<'a>,
    exposed: &'b Exposed,
    variables: &'b Values,
    frame: Frame<'b>,
    /// What hits must be: its `some` say which elements matched.
    asked: &'b Filter,
    many: Selected<'a>,
}

impl<'a> Needs<'a, '_> {
    fn of_connection(&mut self, node: &'a Node) -> Result<(), Failure> {
        match node.what {
            What::Total => {
                self.many.search = true;
                self.many.totals.push((node, total(self.planner.schema, node, self.variables)?));
            }
            What::PageInfo => self.many.hits |= node.sub.iter().any(|node| !matches!(node.what, What::TypeName(_))),
            What::Suggestions => {
                self.many.spelling |= node.sub.iter().any(|inner| matches!(inner.what, What::DidYouMean));
                self.many.relaxed |= node.sub.iter().any(|inner| matches!(inner.what, What::Relaxed));
            }
            What::Nodes => self.of_documents(&node.sub),
            What::Edges => {
                self.many.hits = true;
                for inner in &node.sub {
                    match inner.what {
                        What::Score => self.many.scores = true,
                        What::Explanation => self.many.explained = true,
                        What::EdgeNode => self.of_documents(&inner.sub),
                        What::Highlights => self.of_highlights(inner)?,
                        What::InnerHits => inner.sub.iter().try_for_each(|list| self.of_elements(list))?,
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
        self.many.paths.extend(paths(self.exposed, selected));
    }

    fn of_elements(&mut self, node: &'a Node) -> Result<(), Failure> {
        let What::InnerList(path) = &node.what else { return Ok(()) };
        let Some((_, list)) = inner::lists(self.exposed).into_iter().find(|(_, list)| *list.field.path == **path) else {
            return Err(Failure::new(Code::Internal, "internal error"));
        };
        let arguments = arguments(self.planner.schema, &node.field, self.variables)?;
        let first = arguments.get("first").and_then(Json::as_i64).unwrap_or(3);
        let size = u32::try_from(first).map_err(|_| Failure::input("first may not be less than 0"))?;
        if size > MOST_INNER_HITS {
            return Err(Failure::limit("first", MOST_INNER_HITS.into(), size.into(), "ask for fewer elements"));
        }
        let size = within_role(self.exposed, size, is_given(node, "first", self.variables))?;
        let filter = match wanted(&arguments, "filter")? {
            Some(json) => ask::element_filter(self.frame, list, json)?,
            None => matched(&list.field, self.asked)?,
        };
        let request = InnerHits { field: list.field.clone(), filter, size };
        let at = match self.many.elements.iter().position(|other| *other == request) {
            Some(at) => at,
            None => {
                self.many.elements.push(request);
                self.many.elements.len() - 1
            }
        };
        self.many.inner.push((node, at));
        Ok(())
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

/// The elements that matched some `some` of the list; all of them where nothing was asked of it.
fn matched(list: &FieldRef, asked: &Filter) -> Result<Filter, Failure> {
    let mut found = Vec::new();
    gather(list, asked, false, &mut found)?;
    Ok(match found.len() {
        0 => Filter::All,
        1 => found.swap_remove(0),
        _ => Filter::Or(found),
    })
}

fn gather(list: &FieldRef, asked: &Filter, within: bool, found: &mut Vec<Filter>) -> Result<(), Failure> {
    match asked {
        Filter::And(parts) | Filter::Or(parts) => parts.iter().try_for_each(|part| gather(list, part, within, found)),
        Filter::Nested { field, quantifier: Quantifier::Some, .. } if field.path == list.path && within => {
            Err(Failure::input(format!(
                "`{}` was asked inside another list: which of its elements matched depends on both; give innerHits a filter",
                list.path
            )))
        }
        Filter::Nested { field, quantifier: Quantifier::Some, filter } if field.path == list.path => {
            found.push((**filter).clone());
            Ok(())
        }
        Filter::Nested { quantifier: Quantifier::Some, filter, .. } => gather(list, filter, true, found),
        _ => Ok(()),
    }
}

/// Characters in a fragment, and fragments of a field: beyond these one reads the field itself.
const LONGEST_FRAGMENT: u32 = 10_000;
const MOST_FRAGMENTS: u32 = 100;
