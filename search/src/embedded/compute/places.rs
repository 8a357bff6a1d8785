//! Facets of places: how far they are, and on which tiles of the map.

use std::collections::HashMap;

use super::super::super::compute::choosing::compare_values;
use super::super::super::compute::interval::LISTED_MOST;
use super::super::super::geo::{Cell, metres, tile};
use super::super::super::value::Value;
use super::super::super::{Computed, Counts, Facet, RangeOf, Result, ValueCount};
use super::Computing;
use super::facets::first_of;
use super::keys::bucket_of;
use super::rows::Rows;

/// Counts of documents, and of elements where these are elements: each once.
struct Tally {
    counts: Counts,
    /// The last entry and the last document counted.
    last: (Option<u32>, Option<u32>),
}

impl Tally {
    fn of(elements: bool) -> Tally {
        Tally { counts: Counts { documents: 0, elements: elements.then_some(0) }, last: (None, None) }
    }

    fn add(&mut self, entry: u32, document: u32) {
        if self.last.0 != Some(entry) {
            self.counts.elements = self.counts.elements.map(|elements| elements + 1);
        }
        if self.last.1 != Some(document) {
            self.counts.documents += 1;
        }
        self.last = (Some(entry), Some(document));
    }
}

impl Computing<'_> {
    pub(super) fn places(&self, facet: &Facet, documents: &Rows) -> Result<Computed> {
        let level = facet.field.nested.as_deref();
        let rows = self.reach(documents, level)?;
        let around = self.around(&rows, None)?;
        let opened = self.columns.open_places(&facet.field)?;
        let mut ranges: Vec<Tally> = facet.ranges.iter().map(|_| Tally::of(level.is_some())).collect();
        let mut tiles: HashMap<String, Tally> = HashMap::new();
        for ((codes, entries), documents) in opened.iter().zip(&rows.entries).zip(&around.entries) {
            // numbers of entries begin again in each segment
            ranges.iter_mut().chain(tiles.values_mut()).for_each(|tally| tally.last = (None, None));
            codes.read(entries, |at, code| {
                let (point, entry, document) = (Cell::of_code(code).point(), entries[at], documents[at]);
                if let Some(from) = facet.from {
                    let metres = metres(from, point);
                    let here = ranges.iter_mut().zip(&facet.ranges).filter(|(_, range)| reaches(range, metres));
                    here.for_each(|(tally, _)| tally.add(entry, document));
                }
                if let (Some(zoom), Some(_)) = (facet.zoom, facet.values) {
                    tiles.entry(tile(point, zoom)).or_insert_with(|| Tally::of(level.is_some())).add(entry, document);
                }
            });
        }
        if tiles.len() as u64 > LISTED_MOST {
            return Ok(Computed::TooMany(LISTED_MOST));
        }
        let value = |(key, tally): (String, Tally)| ValueCount { value: Some(Value::Text(key)), count: tally.counts };
        let mut values: Vec<ValueCount> = tiles.into_iter().map(value).collect();
        let sum = |values: &[ValueCount]| values.iter().map(|value| value.count.documents).sum::<u64>();
        let all = sum(&values);
        first_of(&mut values, facet.values.unwrap_or(0) as usize, |a, b| compare_values(&facet.order, a, b));
        let other = all - sum(&values);
        let buckets = facet.ranges.iter().zip(ranges).map(|(range, tally)| bucket_of(range, tally.counts)).collect();
        Ok(Computed::Facet { values, other, distinct: None, buckets, stats: None })
    }
}

fn reaches(range: &RangeOf, metres: f64) -> bool {
    let end = |end: &Option<(Value, bool)>| match end {
        Some((Value::Double(end), _)) => Some(*end),
        #[expect(clippy::cast_precision_loss, reason = "metres on the earth")]
        Some((Value::Long(end), _)) => Some(*end as f64),
        _ => None,
    };
    end(&range.lower).is_none_or(|from| metres >= from) && end(&range.upper).is_none_or(|to| metres < to)
}
