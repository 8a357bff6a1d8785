//! What is computed beside the hits -> aggregations of the same search, and their answers back. Pure.
//!
//! One kind of computing is one file, with its body and its reading; the embedded engine has a file of the same name.
//! What stands in the answer is what was asked, or it is an error.

mod answers;
mod facets;
mod groups;
mod keys;
mod levels;
mod metrics;
mod places;
#[cfg(test)]
mod tests;
mod tops;

use serde_json::{Map, Value as Json, json};

use super::filters;
use super::ranking::is_by_vector;
use crate::compute::levels::Level;
use crate::{Collection, Compute, Computed, FieldRef, Filter, Kind, Query, Result, Scope, Slot};
pub(super) use answers::{buckets, count, lacking, part};

/// Aggregations by their names.
type Aggs = Map<String, Json>;

/// What is needed to read the answers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Computing {
    compute: Vec<(Slot, Compute)>,
    /// Fields of the ticks where some facet does not see its own, or where what is near a vector must not; else none.
    ticks: Vec<FieldRef>,
}

/// What all parts of a body need to know.
struct Asking<'a> {
    collection: &'a Collection,
    ranked: bool,
}

impl Computing {
    pub(super) fn of(query: &Query) -> Computing {
        let some_left_out = is_by_vector(query.rank.as_ref())
            || query.compute.iter().any(|(_, compute)| own_tick(compute, &query.ticks).is_some());
        let ticks = query.ticks.iter().filter(|_| some_left_out).map(|(field, _)| field.clone()).collect();
        Computing { compute: query.compute.clone(), ticks }
    }

    /// Ticks narrow the hits behind the computing, for a facet does not see its own one.
    pub(super) fn ticks_come_after(&self) -> bool {
        !self.ticks.is_empty()
    }

    /// One filter for each set of ticks, and inside what is computed over it.
    pub(super) fn body(&self, query: &Query, collection: &Collection) -> Result<Option<Json>> {
        if self.compute.is_empty() {
            return Ok(None);
        }
        let asking = Asking { collection, ranked: query.rank.is_some() };
        let mut scopes: Vec<(Option<usize>, Aggs)> = Vec::new();
        for (slot, compute) in &self.compute {
            let scope = self.scope(compute);
            let at = scopes.iter().position(|(known, _)| *known == scope).unwrap_or_else(|| {
                scopes.push((scope, Aggs::new()));
                scopes.len() - 1
            });
            add(&asking, *slot, compute, None, true, &mut scopes[at].1)?;
        }
        let mut body = Map::new();
        for (scope, aggs) in scopes {
            let ticks = query.ticks.iter().enumerate().filter(|(at, _)| self.ticks_come_after() && Some(*at) != scope);
            let ticks = ticks.map(|(_, (_, filter))| filters::query(filter)).collect::<Result<Vec<_>>>()?;
            let filter = if ticks.is_empty() { json!({"match_all": {}}) } else { json!({"bool": {"filter": ticks}}) };
            body.insert(name(scope), with(json!({"filter": filter}), aggs));
        }
        Ok(Some(Json::Object(body)))
    }

    /// `shards`: how many of them answered.
    pub(super) fn read(&self, aggregations: Option<&Json>, shards: u64) -> Result<Vec<(Slot, Computed)>> {
        if self.compute.is_empty() {
            return Ok(Vec::new());
        }
        let all = aggregations.ok_or_else(|| answers::lacking("aggregations"))?;
        let read_one = |(slot, compute): &(Slot, Compute)| {
            Ok((*slot, read(*slot, compute, None, true, part(all, &name(self.scope(compute)))?, shards)?))
        };
        self.compute.iter().map(read_one).collect()
    }

    fn scope(&self, compute: &Compute) -> Option<usize> {
        match compute {
            Compute::Facet(facet) if facet.scope == Scope::AllButOwnTick => {
                self.ticks.iter().position(|field| field.path == facet.field.path)
            }
            _ => None,
        }
    }
}

fn own_tick(compute: &Compute, ticks: &[(FieldRef, Filter)]) -> Option<usize> {
    match compute {
        Compute::Facet(facet) if facet.scope == Scope::AllButOwnTick => {
            ticks.iter().position(|(field, _)| field.path == facet.field.path)
        }
        _ => None,
    }
}

fn name(scope: Option<usize>) -> String {
    scope.map_or_else(|| "all".into(), |tick| format!("but{tick}"))
}

/// An aggregation with others inside.
fn with(mut aggregation: Json, inside: Aggs) -> Json {
    if !inside.is_empty() {
        aggregation["aggs"] = Json::Object(inside);
    }
    aggregation
}

/// `level`: what the bucket holds that they are put into.
fn add(asking: &Asking<'_>, slot: Slot, compute: &Compute, level: Level<'_>, outermost: bool, into: &mut Aggs) -> Result<()> {
    match compute {
        Compute::Facet(facet) if facet.field.kind == Kind::GeoPoint => places::add(slot, facet, into),
        Compute::Facet(facet) => facets::add(slot, facet, into),
        Compute::Metrics { under, of, .. } => metrics::add(slot, under.as_deref(), of, level, into),
        Compute::Groups(group) => groups::add(asking, slot, group, level, outermost, into),
        Compute::Top(top) => tops::add(asking, slot, top, level, into),
    }
}

/// `within`: the bucket that the aggregations were put into.
fn read(slot: Slot, compute: &Compute, level: Level<'_>, outermost: bool, within: &Json, shards: u64) -> Result<Computed> {
    match compute {
        Compute::Facet(facet) if facet.field.kind == Kind::GeoPoint => places::read(slot, facet, within),
        Compute::Facet(facet) => facets::read(slot, facet, within),
        Compute::Metrics { under, of, .. } => metrics::read(slot, under.as_deref(), of, level, within),
        Compute::Groups(group) => groups::read(slot, group, level, outermost, within, shards),
        Compute::Top(top) => tops::read(slot, top, level, within),
    }
}
