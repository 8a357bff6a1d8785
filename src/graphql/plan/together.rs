//! `search(collections:)`: one query over several collections, each asked for all its text.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;

use super::connection::{larger, total, without_nulls};
use super::{Plan, Planner, paths};
use crate::catalog::Exposed;
use crate::catalog::ask::{self, Frame, default_search_fields};
use crate::graphql::errors::Failure;
use crate::graphql::operation::{Node, Values, What};
use crate::graphql::paging;
use crate::search::{Fetch, Member, PageRequest, Query, Rank, TotalRequest};

/// A connection of documents of several collections.
pub(crate) struct Together<'a> {
    /// In the order of the query.
    pub(crate) all: Vec<Arc<Exposed>>,
    /// The place in the batch; `None` where nothing is selected that needs a search.
    pub(crate) search: Option<usize>,
    /// What its cursors are for.
    pub(crate) binding: String,
    pub(crate) totals: Vec<(&'a Node, TotalRequest)>,
    /// What each `node` selects of a document, by its collection.
    pub(crate) selected: Vec<(&'a Node, Vec<Vec<Node>>)>,
}

impl<'a> Planner<'a> {
    pub(super) fn together(
        &self,
        node: &'a Node,
        arguments: &Values,
        variables: &Values,
        plan: &mut Plan<'a>,
    ) -> Result<Together<'a>, Failure> {
        let all = self.named(arguments)?;
        let search = arguments.get("search").map(without_nulls).unwrap_or_default();
        let frame = Frame { limits: self.limits, now: self.now };
        let mut members = Vec::with_capacity(all.len());
        for exposed in &all {
            // a collection without words is searched too: nothing is found there
            let rank = match default_search_fields(exposed).is_empty() {
                true => None,
                false => ask::search(frame, exposed, &search)?,
            };
            let rank = match rank {
                Some(Rank::Text(text)) => Some(text),
                _ => None,
            };
            members.push(Member { rank, ..Member::default() });
        }
        let names: Vec<&str> = all.iter().map(|exposed| exposed.collection.name.as_str()).collect();
        let binding = serde_json::to_string(&("together", names, &search)).unwrap_or_default();

        let Some(first) = all.first() else { return Err(Failure::input("name at least one collection to search")) };
        let mut query = Query::new(first.collection.name.clone());
        query.on = all.iter().map(|exposed| exposed.collection.name.clone()).collect();
        query.members = members;
        query.page = paging::page(arguments, self.limits, |cursor| self.signer.read(&binding, cursor))?;
        query.fetch = Fetch { fields: Some(Vec::new()), scores: true, ..Fetch::default() };

        let mut made = Together { all, search: None, binding, totals: Vec::new(), selected: Vec::new() };
        let mut hits = false;
        let mut sources = BTreeSet::new();
        for part in &node.sub {
            match part.what {
                What::Total => made.totals.push((part, total(self.schema, part, variables)?)),
                What::PageInfo => hits |= part.sub.iter().any(|inner| !matches!(inner.what, What::TypeName(_))),
                What::Edges => {
                    hits = true;
                    for inner in part.sub.iter().filter(|inner| matches!(inner.what, What::EdgeNode)) {
                        let each: Vec<Vec<Node>> =
                            made.all.iter().map(|exposed| self.selector.document(&inner.merged, exposed)).collect();
                        for (exposed, selected) in made.all.iter().zip(&each) {
                            sources.extend(paths(exposed, selected));
                        }
                        made.selected.push((inner, each));
                    }
                }
                _ => {}
            }
        }
        query.fetch.fields = Some(sources.into_iter().collect());
        query.total = made.totals.iter().map(|(_, total)| *total).fold(TotalRequest::None, larger);
        if !hits {
            query.page = PageRequest { size: 0, ..PageRequest::default() };
        }
        if hits || !made.totals.is_empty() {
            plan.searches.push(query);
            made.search = Some(plan.searches.len() - 1);
        }
        Ok(made)
    }

    /// Each once, by name: in whichever order they are given it is the same search.
    fn named(&self, arguments: &Values) -> Result<Vec<Arc<Exposed>>, Failure> {
        let words = arguments.get("collections").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
        let mut all: Vec<Arc<Exposed>> = Vec::with_capacity(words.len());
        for word in words {
            let found = self.catalog.collections.iter().find(|exposed| word.as_str() == Some(&exposed.enum_name()));
            all.push(found.ok_or_else(|| Failure::input(format!("{word} is no collection")))?.clone());
        }
        all.sort_by(|one, other| one.collection.name.cmp(&other.collection.name));
        all.dedup_by(|one, other| one.collection.name == other.collection.name);
        Ok(all)
    }
}
