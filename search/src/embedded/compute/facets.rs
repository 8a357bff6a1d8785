//! Facets: the first values of a field, buckets, and what is told about the field as a whole.

use std::cmp::Ordering;

use super::super::super::compute::interval::{LISTED_MOST, Steps};
use super::super::super::pattern::fold;
use super::super::super::{Computed, Counts, Direction, Facet, FacetOrder, Result, ValueCount};
use super::Computing;
use super::keys::{Keys, bucket_of};
use super::metrics::facet_stats;
use super::rows::Rows;

impl Computing<'_> {
    pub(super) fn facet(&self, facet: &Facet, documents: &Rows) -> Result<Computed> {
        let (columns, field) = (&self.columns, &facet.field);
        let level = field.nested.as_deref();
        let elements = level.map(|_| self.reach(documents, level)).transpose()?;
        let rows = elements.as_ref().unwrap_or(documents);
        let around = elements.as_ref().map(|elements| self.around(elements, None)).transpose()?;
        let (mut values, mut other, mut distinct) = (Vec::new(), 0, None);
        if facet.values.is_some() || facet.distinct {
            let mut keys = Keys::of(columns, field, None, &[])?;
            let counts = keys.counts(rows, around.as_ref())?;
            let mut found: Vec<(u32, Counts)> = (0..).zip(counts).filter(|(_, count)| count.documents > 0).collect();
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
                if level.is_some() && found.len() as u64 > LISTED_MOST {
                    return Ok(Computed::TooMany(LISTED_MOST));
                }
                let sum = |found: &[(u32, Counts)]| found.iter().map(|(_, count)| count.documents).sum::<u64>();
                let all = sum(&found);
                first_of(&mut found, first as usize, |a, b| compare(&keys, &facet.order, *a, *b));
                other = all - sum(&found);
                for (key, count) in found {
                    values.push(ValueCount { value: keys.value(key)?, count });
                }
            }
        }
        if facet.missing {
            values.push(ValueCount { value: None, count: self.missing(facet, documents, rows, around.as_ref())? });
        }
        let empty = Counts { documents: 0, elements: level.map(|_| 0) };
        let mut buckets = Vec::new();
        if let Some(interval) = &facet.interval {
            let mut keys = Keys::of(columns, field, Some(interval), &[])?;
            let counts = keys.counts(rows, around.as_ref())?;
            let counted = (0..).zip(counts).filter_map(|(key, count)| Some((keys.start(key)?, count))).collect();
            match Steps::of(interval, &field.kind)?.fill(counted, empty) {
                Ok(filled) => buckets = filled,
                Err(coarser) => return Ok(Computed::TooFine(coarser)),
            }
        } else if !facet.ranges.is_empty() {
            let counts = Keys::of(columns, field, None, &facet.ranges)?.counts(rows, around.as_ref())?;
            buckets = facet.ranges.iter().zip(counts).map(|(range, count)| bucket_of(range, count)).collect();
        }
        let stats = if facet.stats { Some(facet_stats(columns, rows, field)?) } else { None };
        Ok(Computed::Facet { values, other, distinct, buckets, stats })
    }

    /// Documents without any value, and elements without one.
    fn missing(&self, facet: &Facet, documents: &Rows, rows: &Rows, around: Option<&Rows>) -> Result<Counts> {
        let without = Keys::of(&self.columns, &facet.field, None, &[])?.without(rows);
        let entries: usize = without.iter().map(Vec::len).sum();
        let Some(around) = around else { return Ok(super::facets::documents(entries as u64)) };
        let mut with_one = 0;
        for (documents, without) in around.entries.iter().zip(&without) {
            let (mut without, mut last) = (without.iter().peekable(), None);
            for (at, document) in (0_u32..).zip(documents) {
                if without.next_if(|absent| **absent == at).is_none() && last != Some(document) {
                    last = Some(document);
                    with_one += 1;
                }
            }
        }
        Ok(Counts { documents: documents.count() - with_one, elements: Some(entries as u64) })
    }
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

fn compare(keys: &Keys, order: &[FacetOrder], a: (u32, Counts), b: (u32, Counts)) -> Ordering {
    let turned = |order: Ordering, direction: Direction| if direction == Direction::Desc { order.reverse() } else { order };
    let usual = [FacetOrder::Count(Direction::Desc)];
    let order = if order.is_empty() { &usual[..] } else { order };
    order
        .iter()
        .map(|order| match order {
            FacetOrder::Count(direction) => turned(a.1.documents.cmp(&b.1.documents), *direction),
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
