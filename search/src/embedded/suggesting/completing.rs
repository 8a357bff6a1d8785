//! Values that begin so. The dictionaries of the segments are walked side by side from the first such value to the last, and postings
//! are read only where some document does not count and the value may still be among the first. Where very many values begin so,
//! `peaks` tells where among them the most frequent ones can be. Of few documents the values are counted over their columns instead.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use tantivy::InvertedIndexReader;
use tantivy::postings::TermInfo;
use tantivy_fst::Automaton;

use super::super::super::suggest::beginning;
use super::super::super::{Error, FieldRef, Filter, Query, Result, Suggestion};
use super::super::codes;
use super::super::compute::{self, Rows};
use super::super::machines::{Machine, OnTerms};
use super::super::matching::exact_of;
use super::super::searching::{View, match_query};
use super::super::sets::Borrowed;
use super::seen::Seen;

/// Values passed between two looks at the clock.
const STEP: u64 = 4_096;

pub(super) fn complete(view: &View<'_>, query: &Query, field: &FieldRef, prefix: &str, first: usize) -> Result<Vec<Suggestion>> {
    let exact = exact_of(field).ok_or_else(|| Error::invalid(format!("values of {} cannot be completed", field.path)))?;
    if first == 0 {
        return Ok(Vec::new());
    }
    let pattern = exact.pattern(&beginning(prefix)?);
    let peaks = &view.layout.peaks;
    let read = |rows: &Rows| {
        let found = compute::complete(view, rows, field, &pattern, first)?;
        Ok(found.into_iter().map(|(text, count)| Suggestion { text, count }).collect())
    };
    let rows = if query.rank.is_none() && query.rule == Filter::All && query.filter == Filter::All {
        None
    } else {
        let matches = match_query(view, query, std::iter::empty())?;
        Some(Rows::of(&view.searcher, matches.as_ref(), view.stopped)?)
    };
    let documents = rows.as_ref().map_or(u64::MAX, Rows::count);
    if let Some(rows) = rows.as_ref().filter(|_| documents <= peaks.few) {
        return read(rows);
    }
    let seen = rows.as_ref().map_or(Seen::Alive, |rows| Seen::only(view, rows));
    let machine = OnTerms { prefix: codes::term_prefix(&exact.path).into(), machine: Arc::new(pattern.machine()) };
    let dictionaries = Dictionaries::of(view)?;
    if let Some(found) = walk(&dictionaries, &seen, &machine, first, peaks.walked)? {
        return Ok(found);
    }
    if let Some(rows) = rows.as_ref().filter(|_| documents <= peaks.some) {
        return read(rows);
    }
    match peaks.of(&dictionaries, &exact.path)? {
        Some(peaks) => peaks.find(&dictionaries, &seen, &machine, first),
        None => Ok(walk(&dictionaries, &seen, &machine, first, u64::MAX)?.unwrap_or_default()),
    }
}

/// The first so many values that the machine reads; none where it reads more than `most` values.
fn walk<M: Machine>(
    dictionaries: &Dictionaries<'_>,
    seen: &Seen,
    machine: &OnTerms<M>,
    first: usize,
    most: u64,
) -> Result<Option<Vec<Suggestion>>> {
    let (mut best, mut passed) = (Best::new(first), 0_u64);
    dictionaries.walk(machine, &machine.prefix, None, |term, there| {
        passed += 1;
        best.offer(dictionaries, seen, &term[machine.prefix.len()..], there)?;
        Ok(passed <= most)
    })?;
    if passed <= most { best.finish().map(Some) } else { Ok(None) }
}

/// The exact values of all segments.
pub(super) struct Dictionaries<'a> {
    pub(super) view: &'a View<'a>,
    indexes: Vec<Arc<InvertedIndexReader>>,
}

/// The segments that have a term, and what they know of it.
type There = [(usize, TermInfo)];

impl<'a> Dictionaries<'a> {
    pub(super) fn of(view: &'a View<'a>) -> Result<Dictionaries<'a>> {
        let index = |segment: &tantivy::SegmentReader| segment.inverted_index(view.layout.values).map_err(Error::internal);
        Ok(Dictionaries { view, indexes: view.searcher.segment_readers().iter().map(index).collect::<Result<_>>()? })
    }

    /// All terms that the automaton reads, from one to before another, in their order and each once, until `each` has enough.
    pub(super) fn walk<A: Automaton>(
        &self,
        automaton: &A,
        from: &[u8],
        to: Option<&[u8]>,
        mut each: impl FnMut(&[u8], &There) -> Result<bool>,
    ) -> Result<()>
    where
        A::State: Clone,
    {
        let mut streams = Vec::with_capacity(self.indexes.len());
        for (at, index) in self.indexes.iter().enumerate() {
            let builder = index.terms().search(Borrowed(automaton)).ge(from);
            let builder = if let Some(to) = to { builder.lt(to) } else { builder };
            let mut stream = builder.into_stream().map_err(Error::internal)?;
            if stream.advance() {
                streams.push((at, stream));
            }
        }
        let (mut least, mut passed) = (Vec::new(), 0_u64);
        let mut there: Vec<(usize, TermInfo)> = Vec::with_capacity(streams.len());
        while let Some(key) = streams.iter().map(|(_, stream)| stream.key()).min() {
            least.clear();
            least.extend_from_slice(key);
            passed += 1;
            if passed.is_multiple_of(STEP) && (self.view.stopped)() {
                return Err(Error::Timeout);
            }
            there.clear();
            // those that stand at the least term go on; those that end leave
            streams.retain_mut(|(at, stream)| {
                if stream.key() != least.as_slice() {
                    return true;
                }
                there.push((*at, stream.value().clone()));
                stream.advance()
            });
            if !each(&least, &there)? {
                break;
            }
        }
        Ok(())
    }

    /// How many of the documents that count have one term.
    pub(super) fn count(&self, seen: &Seen, there: &There) -> Result<u64> {
        there.iter().try_fold(0, |sum, (at, info)| Ok(sum + seen.count(self.view, *at, &self.indexes[*at], info)?))
    }

    /// How many documents have a term.
    pub(super) fn count_term(&self, term: &[u8]) -> Result<u64> {
        let mut there = Vec::new();
        for (at, index) in self.indexes.iter().enumerate() {
            there.extend(index.terms().get(term).map_err(Error::internal)?.map(|info| (at, info)));
        }
        self.count(&Seen::Alive, &there)
    }
}

/// The most frequent values; of those alike the first ones.
pub(super) struct Best {
    first: usize,
    /// The one to go first is on top.
    heap: BinaryHeap<(Reverse<u64>, Vec<u8>)>,
}

impl Best {
    pub(super) fn new(first: usize) -> Best {
        Best { first, heap: BinaryHeap::new() }
    }

    /// Whether a value with so many documents is among those known so far.
    pub(super) fn may_hold(&self, count: u64, value: &[u8]) -> bool {
        let before =
            |(Reverse(least), last): &(Reverse<u64>, Vec<u8>)| count > *least || count == *least && value < last.as_slice();
        self.heap.len() < self.first || self.heap.peek().is_some_and(before)
    }

    /// It is counted only where it matters.
    pub(super) fn offer(&mut self, dictionaries: &Dictionaries<'_>, seen: &Seen, value: &[u8], there: &There) -> Result<()> {
        let most = there.iter().map(|(_, info)| u64::from(info.doc_freq)).sum();
        if self.may_hold(most, value) {
            self.add(dictionaries.count(seen, there)?, value);
        }
        Ok(())
    }

    fn add(&mut self, count: u64, value: &[u8]) {
        if count == 0 || !self.may_hold(count, value) {
            return;
        }
        if self.heap.len() == self.first {
            self.heap.pop();
        }
        self.heap.push((Reverse(count), value.to_owned()));
    }

    pub(super) fn finish(self) -> Result<Vec<Suggestion>> {
        let text = |(Reverse(count), value)| Ok(Suggestion { text: String::from_utf8(value).map_err(Error::internal)?, count });
        self.heap.into_sorted_vec().into_iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_are_kept_and_of_those_alike_the_first() {
        let all = [(1, "a"), (2, "b"), (1, "c"), (1, "d"), (2, "e"), (3, "f"), (2, "g"), (0, "h")];
        for turned in [false, true] {
            let mut best = Best::new(3);
            let mut all = all.to_vec();
            if turned {
                all.reverse();
            }
            all.iter().for_each(|(count, value)| best.add(*count, value.as_bytes()));
            let kept: Vec<_> = best.finish().unwrap().into_iter().map(|one| format!("{} {}", one.text, one.count)).collect();
            assert_eq!(kept, ["f 3", "b 2", "e 2"]);
        }
    }
}
