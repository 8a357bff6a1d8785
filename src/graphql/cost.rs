//! What an operation asks of the engine, as one number: hits, buckets and groups, those inside one another multiplied.

use crate::search::{Compute, Facet, GroupBy, GroupKey, Kind, Metric, Query, Slot, Suggest};

/// Buckets of an interval, of which nobody knows how many there will be.
const INTERVAL: u64 = 100;
/// Groups of other keys that must all be listed, of which nobody knows either.
const LISTED: u64 = 1_000;

/// A batch of searches, and documents by id beside it.
pub(crate) fn of(searches: &[Query], gets: usize) -> u64 {
    let of_query = |query: &Query| {
        let suggested = query.suggest.iter().map(|(_, suggest)| of_suggest(suggest)).fold(0, u64::saturating_add);
        of_hits(query).saturating_add(of_level(&query.compute)).saturating_add(suggested)
    };
    let searches = searches.iter().map(of_query);
    searches.fold(gets as u64, u64::saturating_add)
}

/// To explain a hit is to search for it again; each hit brings its elements.
fn of_hits(query: &Query) -> u64 {
    let hit = if query.fetch.explanation { 2 } else { 1 };
    let elements = query.fetch.inner_hits.iter().map(|list| u64::from(list.size));
    u64::from(query.page.size).saturating_mul(elements.fold(hit, u64::saturating_add))
}

fn of_level(level: &[(Slot, Compute)]) -> u64 {
    level.iter().map(|(_, compute)| of_compute(compute)).fold(0, u64::saturating_add)
}

fn of_compute(compute: &Compute) -> u64 {
    match compute {
        Compute::Facet(facet) => of_facet(facet),
        // counts and sums cost next to nothing, but these keep a sketch of all values
        Compute::Metrics { of, .. } => {
            of.iter().filter(|(_, metric)| matches!(metric, Metric::Percentiles(_) | Metric::Distinct)).count() as u64
        }
        Compute::Groups(groups) => {
            let first = u64::from(groups.first);
            let asked = first.saturating_mul(of_level(&groups.inside).saturating_add(1));
            asked.saturating_add(listed(groups).saturating_sub(first).saturating_mul(of_documents(&groups.inside)))
        }
        Compute::Top(top) => u64::from(top.size),
    }
}

/// How many groups are gathered for those that are shown.
fn listed(groups: &GroupBy) -> u64 {
    if !groups.lists_all() {
        return 0;
    }
    let of_key = |key: &GroupKey| match key.interval {
        Some(_) => INTERVAL,
        None if key.field.kind == Kind::Boolean => 2,
        None if key.ranges.is_empty() => LISTED,
        None => key.ranges.len() as u64,
    };
    groups.keys.iter().map(of_key).fold(1, u64::saturating_mul).min(LISTED)
}

/// Documents that are brought of each group: Elasticsearch fetches those of all that are listed.
fn of_documents(level: &[(Slot, Compute)]) -> u64 {
    let of_one = |(_, compute): &(Slot, Compute)| match compute {
        Compute::Top(top) => u64::from(top.size),
        Compute::Groups(groups) => u64::from(groups.first).max(listed(groups)).saturating_mul(of_documents(&groups.inside)),
        _ => 0,
    };
    level.iter().map(of_one).fold(0, u64::saturating_add)
}

/// A count costs next to nothing; values are as those of a facet.
fn of_suggest(suggest: &Suggest) -> u64 {
    match suggest {
        Suggest::Complete { first, .. } => (*first).into(),
        Suggest::DidYouMean { .. } | Suggest::Relaxed(_) => 0,
    }
}

fn of_facet(facet: &Facet) -> u64 {
    let buckets = if facet.interval.is_some() { INTERVAL } else { facet.ranges.len() as u64 };
    u64::from(facet.values.unwrap_or(0)) + buckets + u64::from(facet.distinct)
}
