//! The first so many documents of an order, and how many there are: one pass over the matches of each segment, with a heap.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use tantivy::query::{EnableScoring, Query};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, DocAddress, DocSet, Searcher, TERMINATED};

use super::super::{Error, Result};
use super::sorting::{Sorting, Spot};

/// One document among those that come first.
pub(super) struct Found {
    pub(super) spot: Spot,
    pub(super) score: f32,
    pub(super) at: DocAddress,
}

/// What one pass finds.
pub(super) struct Collected {
    /// In the order in which one walks.
    pub(super) first: Vec<Found>,
    pub(super) total: u64,
}

/// What is looked for.
pub(super) struct Pass<'a> {
    pub(super) searcher: &'a Searcher,
    pub(super) query: &'a dyn Query,
    pub(super) sorting: &'a Sorting,
    /// Only documents that come after this place on the way one walks.
    pub(super) after: Option<&'a Spot>,
    /// Only documents that come before it.
    pub(super) before: Option<&'a Spot>,
    pub(super) size: usize,
    pub(super) scores: bool,
    /// Whether nobody waits any longer; asked every now and then.
    pub(super) stopped: &'a dyn Fn() -> bool,
}

/// So many documents are looked at between two looks at the clock.
const STEP: u64 = 4_096;

impl Pass<'_> {
    pub(super) fn run(&self) -> Result<Collected> {
        let enable = if self.scores {
            EnableScoring::enabled_from_searcher(self.searcher)
        } else {
            EnableScoring::disabled_from_searcher(self.searcher)
        };
        let weight = self.query.weight(enable).map_err(Error::internal)?;
        let (mut first, mut total) = (Vec::new(), 0_u64);
        for (segment_ord, segment) in (0..).zip(self.searcher.segment_readers()) {
            let sorting = self.sorting.in_segment(segment)?;
            let after = self.after.map(|spot| sorting.ranks_of(spot)).transpose()?;
            let before = self.before.map(|spot| sorting.ranks_of(spot)).transpose()?;
            let mut heap = Heap::new(self.size, sorting.width());
            let mut scorer = weight.scorer(segment, 1.0).map_err(Error::internal)?;
            let alive = segment.alive_bitset();
            let lives = |doc| alive.is_none_or(|alive| alive.is_alive(doc));
            let inside = |doc, score| {
                let rank = |place| sorting.rank(place, doc, score);
                after.as_ref().is_none_or(|after| compare(after, rank).is_lt())
                    && before.as_ref().is_none_or(|before| compare(before, rank).is_gt())
            };
            let mut looked_at = 0_u64;
            if self.scores {
                let mut doc = scorer.doc();
                while doc != TERMINATED {
                    looked_at += 1;
                    if looked_at.is_multiple_of(STEP) && (self.stopped)() {
                        return Err(Error::Timeout);
                    }
                    if lives(doc) {
                        total += 1;
                        let score = scorer.score();
                        if inside(doc, score) {
                            heap.offer(doc, score, |place| sorting.rank(place, doc, score));
                        }
                    }
                    doc = scorer.advance();
                }
            } else {
                // in blocks: most documents are told to be too late by their first rank, and columns read faster so
                let mut block = [0; COLLECT_BLOCK_BUFFER_LEN];
                let mut firsts = [0; COLLECT_BLOCK_BUFFER_LEN];
                loop {
                    let filled = scorer.fill_buffer(&mut block);
                    let docs = &block[..filled];
                    looked_at += 1;
                    if looked_at.is_multiple_of(STEP / 64) && (self.stopped)() {
                        return Err(Error::Timeout);
                    }
                    total += if alive.is_none() { filled as u64 } else { docs.iter().filter(|doc| lives(**doc)).count() as u64 };
                    let firsts = &mut firsts[..filled];
                    sorting.first_ranks(docs, firsts);
                    for (doc, first) in docs.iter().copied().zip(firsts) {
                        if heap.may_hold(*first) && lives(doc) && inside(doc, 0.0) {
                            heap.offer(doc, 0.0, |place| sorting.rank(place, doc, 0.0));
                        }
                    }
                    if filled < block.len() {
                        break;
                    }
                }
            }
            for candidate in heap.heap {
                let at = DocAddress { segment_ord, doc_id: candidate.doc };
                first.push(Found { spot: sorting.spot(candidate.doc, candidate.score)?, score: candidate.score, at });
            }
        }
        first.sort_by(|left, right| self.sorting.compare(&left.spot, &right.spot));
        first.truncate(self.size);
        Ok(Collected { first, total })
    }
}

/// Given ranks against those of a document, which are computed only as far as they are needed.
fn compare(given: &[u64], rank: impl Fn(usize) -> u64) -> Ordering {
    for (place, given) in given.iter().enumerate() {
        let order = given.cmp(&rank(place));
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}

struct Candidate {
    ranks: Box<[u64]>,
    doc: u32,
    score: f32,
}

/// By their ranks, which are never equal: the last one is the sequence number.
impl Ord for Candidate {
    fn cmp(&self, other: &Self) -> Ordering {
        self.ranks.cmp(&other.ranks)
    }
}

impl PartialOrd for Candidate {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Candidate {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Candidate {}

/// The smallest candidates, the greatest of them on top.
struct Heap {
    heap: BinaryHeap<Candidate>,
    size: usize,
    width: usize,
}

impl Heap {
    fn new(size: usize, width: usize) -> Self {
        Heap { heap: BinaryHeap::new(), size, width }
    }

    /// Whether a document with this first rank can be among the smallest.
    fn may_hold(&self, first: u64) -> bool {
        if self.heap.len() < self.size {
            return true;
        }
        self.heap.peek().is_some_and(|top| first <= top.ranks[0])
    }

    fn offer(&mut self, doc: u32, score: f32, rank: impl Fn(usize) -> u64) {
        if self.heap.len() < self.size {
            let ranks = (0..self.width).map(rank).collect();
            self.heap.push(Candidate { ranks, doc, score });
            return;
        }
        let Some(mut top) = self.heap.peek_mut() else { return };
        if compare(&top.ranks, &rank).is_gt() {
            for (place, kept) in top.ranks.iter_mut().enumerate() {
                *kept = rank(place);
            }
            top.doc = doc;
            top.score = score;
        }
    }
}
