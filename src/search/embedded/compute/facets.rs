//! Facets: the first values of a field, buckets, and what is told about the field as a whole.

use std::cmp::Ordering;

use super::super::super::compute::interval::{LISTED_MOST, Steps};
use super::super::super::pattern::fold;
use super::super::super::{Computed, Counts, Direction, Facet, FacetOrder, Result, ValueCount};
use super::columns::Columns;
use super::keys::{Keys, bucket_of};
use super::metrics::facet_stats;
use super::rows::Rows;

pub(super) fn facet(columns: &Columns<'_>, rows: &Rows, facet: &Facet) -> Result<Computed> {
    let (mut values, mut other, mut distinct) = (Vec::new(), 0, None);
    if facet.values.is_some() || facet.distinct || facet.missing {
        let mut keys = Keys::of(columns, &facet.field, None, &[])?;
        let counts = keys.count(rows)?;
        let mut found: Vec<(u32, u64)> = (0..).zip(counts).filter(|(_, count)| *count > 0).collect();
        if let Some(wanted) = &facet.containing {
            let mut kept = Vec::new();
            for one in found {
                if keys.text(one.0)?.is_some_and(|text| contains(&text, wanted)) {
                    kept.push(one);
                }
            }
            found = kept;
        }
        distinct = facet.distinct.then_some((found.len() as u64, true));
        if let Some(first) = facet.values {
            let all: u64 = found.iter().map(|(_, count)| count).sum();
            let order = |a: &(u32, u64), b: &(u32, u64)| compare(&keys, &facet.order, *a, *b);
            first_of(&mut found, first as usize, order);
            for (key, count) in found {
                other += count;
                values.push(ValueCount { value: keys.value(key)?, count: documents(count) });
            }
            other = all - other;
        }
        if facet.missing {
            let without: usize = keys.without(rows).iter().map(Vec::len).sum();
            values.push(ValueCount { value: None, count: documents(without as u64) });
        }
    }
    let mut buckets = Vec::new();
    if let Some(interval) = &facet.interval {
        let mut keys = Keys::of(columns, &facet.field, Some(interval), &[])?;
        let counts = keys.count(rows)?;
        let counted = (0..).zip(counts).filter_map(|(key, count)| Some((keys.start(key)?, documents(count)))).collect();
        match Steps::of(interval, &facet.field.kind)?.fill(counted, Counts::default()) {
            Some(filled) => buckets = filled,
            None => return Ok(Computed::TooMany(LISTED_MOST)),
        }
    } else if !facet.ranges.is_empty() {
        let counts = Keys::of(columns, &facet.field, None, &facet.ranges)?.count(rows)?;
        buckets = facet.ranges.iter().zip(counts).map(|(range, count)| bucket_of(range, documents(count))).collect();
    }
    let stats = if facet.stats { Some(facet_stats(columns, rows, &facet.field)?) } else { None };
    Ok(Computed::Facet { values, other, distinct, buckets, stats })
}

pub(super) fn documents(count: u64) -> Counts {
    Counts { documents: count, elements: None }
}

/// Keeps the first so many, in order.
pub(super) fn first_of<T>(found: &mut Vec<T>, first: usize, order: impl Fn(&T, &T) -> Ordering) {
    if found.len() > first && first > 0 {
        found.select_nth_unstable_by(first - 1, &order);
    }
    found.truncate(first);
    found.sort_unstable_by(&order);
}

fn compare(keys: &Keys, order: &[FacetOrder], a: (u32, u64), b: (u32, u64)) -> Ordering {
    let turned = |order: Ordering, direction: Direction| if direction == Direction::Desc { order.reverse() } else { order };
    let usual = [FacetOrder::Count(Direction::Desc)];
    let order = if order.is_empty() { &usual[..] } else { order };
    order
        .iter()
        .map(|order| match order {
            FacetOrder::Count(direction) => turned(a.1.cmp(&b.1), *direction),
            FacetOrder::Value(direction) => turned(keys.compare(a.0, b.0), *direction),
        })
        .find(|order| order.is_ne())
        .unwrap_or_else(|| keys.compare(a.0, b.0))
}

/// Case apart, letter by letter.
fn contains(text: &str, wanted: &str) -> bool {
    let (text, wanted): (Vec<char>, Vec<char>) = (text.chars().collect(), wanted.chars().collect());
    let same = |a: char, b: char| a == b || fold(a).any(|other| other == b);
    wanted.is_empty() || text.windows(wanted.len()).any(|part| part.iter().zip(&wanted).all(|(a, b)| same(*a, *b)))
}
