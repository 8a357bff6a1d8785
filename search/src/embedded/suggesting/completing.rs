//! Values that begin so. Where nothing but them is asked, the dictionaries of the segments are walked side by side from the first such value to the
//! last, and postings are read only where some document of the segment is deleted and the value may still be among the first. Where
//! documents are hidden or searched for, values are counted over the columns of those that are left.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use moka::sync::Cache;
use tantivy::index::SegmentId;
use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::{InvertedIndexReader, SegmentReader};

use super::super::super::suggest::beginning;
use super::super::super::{Error, FieldRef, Filter, Query, Result, Suggestion};
use super::super::codes;
use super::super::compute;
use super::super::machines::OnTerms;
use super::super::matching::{exact_of, normal_pattern};
use super::super::searching::View;
use super::super::sets::Borrowed;

pub(super) fn complete(view: &View<'_>, query: &Query, field: &FieldRef, prefix: &str, first: usize) -> Result<Vec<Suggestion>> {
    let exact = exact_of(field).ok_or_else(|| Error::invalid(format!("values of {} cannot be completed", field.path)))?;
    if first == 0 {
        return Ok(Vec::new());
    }
    let pattern = normal_pattern(exact, &beginning(prefix)?);
    if query.rank.is_some() || query.rule != Filter::All || query.filter != Filter::All {
        let found = compute::complete(view, query, field, &pattern, first)?;
        return Ok(found.into_iter().map(|(text, count)| Suggestion { text, count }).collect());
    }
    let key = Key { segments: segments(view), path: exact.path.as_str().into(), prefix: prefix.into(), first };
    let kept = &view.layout.completions.0;
    if let Some(known) = kept.get(&key) {
        return Ok(known.to_vec());
    }
    let machine = OnTerms { prefix: codes::term_prefix(&exact.path).into(), machine: Arc::new(pattern.machine()) };
    let (found, passed) = walk(view, &machine, first)?;
    if passed >= COSTLY {
        kept.insert(key, found.as_slice().into());
    }
    Ok(found)
}

/// What short prefixes of many values gave, as long as the segments stay the same.
#[derive(Clone, Debug)]
pub(in super::super) struct Completions(Cache<Key, Arc<[Suggestion]>>);

/// Walks over so many values are kept, in so many entries: they take milliseconds, and everybody begins with the same letters.
const COSTLY: u64 = 2_000;
const KEPT: u64 = 512;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    segments: Vec<(SegmentId, Option<u64>)>,
    path: Arc<str>,
    prefix: Arc<str>,
    first: usize,
}

impl Default for Completions {
    fn default() -> Self {
        Completions(Cache::new(KEPT))
    }
}

/// With the state of their deletes.
fn segments(view: &View<'_>) -> Vec<(SegmentId, Option<u64>)> {
    view.searcher.segment_readers().iter().map(|segment| (segment.segment_id(), segment.delete_opstamp())).collect()
}

/// The first so many values that the machine reads, and how many there were.
fn walk<M>(view: &View<'_>, machine: &OnTerms<M>, first: usize) -> Result<(Vec<Suggestion>, u64)>
where
    M: super::super::machines::Machine,
{
    let segments = view.searcher.segment_readers();
    let indexes: Vec<_> = segments
        .iter()
        .map(|segment| segment.inverted_index(view.layout.values).map_err(Error::internal))
        .collect::<Result<_>>()?;
    let mut streams = Vec::with_capacity(segments.len());
    for (segment, index) in segments.iter().zip(&indexes) {
        let mut stream = index.terms().search(Borrowed(machine)).into_stream().map_err(Error::internal)?;
        if stream.advance() {
            streams.push((segment, index, stream));
        }
    }
    let mut best = Best::new(first);
    let (mut least, mut passed) = (Vec::new(), 0_u64);
    // those of the streams that stand at the least value, and what they know of it
    let mut there: Vec<(usize, TermInfo)> = Vec::with_capacity(streams.len());
    while let Some(key) = streams.iter().map(|(.., stream)| stream.key()).min() {
        least.clear();
        least.extend_from_slice(key);
        passed += 1;
        if passed.is_multiple_of(STEP) && (view.stopped)() {
            return Err(Error::Timeout);
        }
        there.clear();
        for (at, (.., stream)) in streams.iter().enumerate() {
            if stream.key() == least.as_slice() {
                there.push((at, stream.value().clone()));
            }
        }
        let most: u64 = there.iter().map(|(_, info)| u64::from(info.doc_freq)).sum();
        if best.may_hold(most) {
            let mut count = 0;
            for (at, info) in &there {
                let (segment, index, _) = &streams[*at];
                count += alive(segment, index, info)?;
            }
            if count > 0 && best.may_hold(count) {
                best.add(count, &least[machine.prefix.len()..]);
            }
        }
        for (at, _) in there.iter().rev() {
            if !streams[*at].2.advance() {
                streams.swap_remove(*at);
            }
        }
    }
    Ok((best.finish()?, passed))
}

/// Values passed between two looks at the clock.
const STEP: u64 = 4_096;

/// How many documents of a segment have a term and are not deleted.
pub(super) fn alive(segment: &SegmentReader, index: &InvertedIndexReader, info: &TermInfo) -> Result<u64> {
    let Some(alive) = segment.alive_bitset().filter(|_| segment.has_deletes()) else { return Ok(u64::from(info.doc_freq)) };
    let mut block = index.read_block_postings_from_terminfo(info, IndexRecordOption::Basic).map_err(Error::internal)?;
    let mut count = 0;
    while !block.docs().is_empty() {
        count += block.docs().iter().filter(|doc| alive.is_alive(**doc)).count() as u64;
        block.advance();
    }
    Ok(count)
}

/// The most frequent values; of those alike the first ones. Values come in their order, so that a later one must have more documents.
struct Best {
    first: usize,
    /// The one to go first is on top.
    heap: BinaryHeap<(Reverse<u64>, Vec<u8>)>,
}

impl Best {
    fn new(first: usize) -> Best {
        Best { first, heap: BinaryHeap::new() }
    }

    fn may_hold(&self, count: u64) -> bool {
        self.heap.len() < self.first || self.heap.peek().is_some_and(|(Reverse(least), _)| count > *least)
    }

    fn add(&mut self, count: u64, value: &[u8]) {
        if self.heap.len() == self.first {
            self.heap.pop();
        }
        self.heap.push((Reverse(count), value.to_owned()));
    }

    fn finish(self) -> Result<Vec<Suggestion>> {
        let text = |(Reverse(count), value)| Ok(Suggestion { text: String::from_utf8(value).map_err(Error::internal)?, count });
        self.heap.into_sorted_vec().into_iter().map(text).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_frequent_are_kept_and_of_those_alike_the_first() {
        let mut best = Best::new(3);
        for (count, value) in [(1, "a"), (2, "b"), (1, "c"), (1, "d"), (2, "e"), (3, "f"), (2, "g")] {
            if best.may_hold(count) {
                best.add(count, value.as_bytes());
            }
        }
        let kept: Vec<_> = best.finish().unwrap().into_iter().map(|one| format!("{} {}", one.text, one.count)).collect();
        assert_eq!(kept, ["f 3", "b 2", "e 2"]);
    }
}
