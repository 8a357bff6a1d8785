//! What is computed beside the hits: facets, metrics and groups, exactly, over the columns of the documents found.
//!
//! Documents are gathered once for each scope; one kind of computing is one file, and the other engine has a file of the same name.

mod columns;
mod completions;
mod facets;
mod groups;
mod keys;
mod metrics;
mod places;
mod rows;
mod tops;

use tantivy::query::Query as IndexQuery;

use super::super::{Compute, Computed, Error, Kind, Query, Result, Scope, Slot};
use super::searching::{View, narrow};
use columns::Columns;
pub(super) use completions::complete;
pub(super) use rows::Rows;

/// One query's computing.
struct Computing<'a> {
    view: &'a View<'a>,
    query: &'a Query,
    /// What its ranking finds.
    ranking: Option<&'a dyn IndexQuery>,
    columns: Columns<'a>,
}

/// Answers all that a query computes, in its order.
pub(super) fn compute(view: &View<'_>, query: &Query, ranking: Option<&dyn IndexQuery>) -> Result<Vec<(Slot, Computed)>> {
    if query.compute.is_empty() {
        return Ok(Vec::new());
    }
    let computing = Computing { view, query, ranking, columns: Columns::of(&view.searcher) };
    // by the tick that is left out
    let mut gathered: Vec<(Option<usize>, Rows)> = Vec::new();
    let mut answers = Vec::with_capacity(query.compute.len());
    for (slot, compute) in &query.compute {
        computing.go_on()?;
        let without = own_tick(query, compute);
        let at = match gathered.iter().position(|(known, _)| *known == without) {
            Some(at) => at,
            None => {
                gathered.push((without, computing.rows(without)?));
                gathered.len() - 1
            }
        };
        answers.push((*slot, computing.compute(compute, &gathered[at].1, true)?));
    }
    Ok(answers)
}

/// The tick that a facet does not see: that of its own field.
fn own_tick(query: &Query, compute: &Compute) -> Option<usize> {
    match compute {
        Compute::Facet(facet) if facet.scope == Scope::AllButOwnTick => {
            query.ticks.iter().position(|(field, _)| field.path == facet.field.path)
        }
        _ => None,
    }
}

impl Computing<'_> {
    fn rows(&self, without: Option<usize>) -> Result<Rows> {
        let ticks = query_ticks(self.query, without);
        let matches: Box<dyn IndexQuery> = narrow(self.view, self.query, self.ranking, ticks)?;
        Rows::of(&self.view.searcher, matches.as_ref(), self.view.stopped)
    }

    fn compute(&self, compute: &Compute, rows: &Rows, outermost: bool) -> Result<Computed> {
        match compute {
            Compute::Facet(facet) if facet.field.kind == Kind::GeoPoint => self.places(facet, rows),
            Compute::Facet(facet) => self.facet(facet, rows),
            Compute::Metrics { under, of, .. } => self.metrics(rows, under.as_deref(), of),
            Compute::Groups(group) => self.groups(group, rows, outermost),
            Compute::Top(top) => self.top(top, rows),
        }
    }

    /// Whether somebody still waits.
    fn go_on(&self) -> Result<()> {
        if (self.view.stopped)() { Err(Error::Timeout) } else { Ok(()) }
    }
}

fn query_ticks(query: &Query, without: Option<usize>) -> impl Iterator<Item = &super::super::Filter> {
    query.ticks.iter().enumerate().filter(move |(at, _)| Some(*at) != without).map(|(_, (_, filter))| filter)
}
