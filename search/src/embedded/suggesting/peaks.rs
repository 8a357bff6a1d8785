//! How often the most frequent of neighbouring values occurs: for the values of a path, cut into ranges in their order, the most
//! documents that one value of the range has. Who looks for the most frequent values reads the highest ranges only, and stops where no
//! other can hold any, so that it hardly matters how many values begin alike.
//!
//! What a range says is a bound, never too low, and every value is counted where it is told. Deletes only lower what is true;
//! what is added since, which sequence numbers tell, is counted anew before the ranges are used. A view that is older than they are does
//! without them.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tantivy::Searcher;
use tantivy_fst::Automaton;
use tantivy_fst::automaton::AlwaysMatch;

use super::super::super::{Error, Result, Suggestion};
use super::super::codes;
use super::super::layout::{SEQ_NO, values_column};
use super::super::machines::{Machine, OnTerms};
use super::super::searching::View;
use super::super::sets::end_of;
use super::completing::{Best, Dictionaries};
use super::seen::Seen;

/// Paths whose peaks are kept: some 30 bytes for each range.
const KEPT: u64 = 32;
/// Values of a range: fewer take more memory, more are more to read for each value that is found.
const NEIGHBOURS: usize = 64;
/// How often those who wait for another's work look at the clock.
const PATIENCE: Duration = Duration::from_millis(20);
/// Documents added or gone since the ranges were cut that are always put up with.
const SLACK: u64 = 10_000;
/// Documents counted anew at once: with more of them it is faster to count all.
const AT_ONCE: u64 = 1_000;

/// The peaks of the paths of one index.
#[derive(Clone, Debug)]
pub(in super::super) struct AllPeaks {
    /// Values that are walked without peaks.
    pub(super) walked: u64,
    /// Documents that are read rather than looked for among the values of all.
    pub(super) few: u64,
    /// The same where too many values begin so to walk them all.
    pub(super) some: u64,
    pub(super) neighbours: usize,
    kept: Cache<Arc<str>, Arc<Keeper>>,
}

impl Default for AllPeaks {
    fn default() -> Self {
        AllPeaks { walked: 2_000, few: 2_000, some: 50_000, neighbours: NEIGHBOURS, kept: Cache::new(KEPT) }
    }
}

/// The peaks of one path. One at a time makes them, in its own time; the others wait.
#[derive(Debug, Default)]
struct Keeper {
    state: Mutex<State>,
    done: Condvar,
}

#[derive(Debug, Default)]
struct State {
    known: Option<Arc<Peaks>>,
    making: bool,
}

impl Keeper {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends the turn of who makes them, also where it fails.
struct Turn<'a>(&'a Keeper);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().making = false;
        self.0.done.notify_all();
    }
}

impl AllPeaks {
    /// What is known of a path, and how much has changed since its ranges were cut.
    #[cfg(test)]
    pub(super) fn changed(&self, path: &str) -> Option<u64> {
        self.kept.get(path)?.lock().known.as_ref().map(|known| known.changed)
    }

    /// As they are for this view, made or mended first; none where others ask for a later view.
    pub(super) fn of(&self, dictionaries: &Dictionaries<'_>, path: &str) -> Result<Option<Arc<Peaks>>> {
        let keeper = self.kept.get_with(Arc::from(path), Arc::default);
        let generation = dictionaries.view.searcher.generation().generation_id();
        let mut state = keeper.lock();
        let old = loop {
            match &state.known {
                Some(known) if known.generation > generation => return Ok(None),
                Some(known) if known.generation == generation && !known.is_worn() => return Ok(Some(Arc::clone(known))),
                known if !state.making => break known.clone(),
                _ => {}
            }
            if (dictionaries.view.stopped)() {
                return Err(Error::Timeout);
            }
            state = keeper.done.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        };
        state.making = true;
        drop(state);
        let _turn = Turn(&keeper);
        let made = match old {
            Some(old) => old.mended(dictionaries, path, self.neighbours)?,
            None => Peaks::cut(dictionaries, path, self.neighbours)?,
        };
        let made = Arc::new(made);
        keeper.lock().known = Some(Arc::clone(&made));
        Ok(Some(made))
    }
}

#[derive(Debug)]
pub(super) struct Peaks {
    /// Of the searcher that they are right for.
    generation: u64,
    /// Every document of that searcher, and no other, has a sequence number below.
    below: u64,
    documents: u64,
    /// Documents when the ranges were cut, and those added or gone since.
    cut: u64,
    changed: u64,
    /// Too much is read for what is found.
    worn: AtomicBool,
    /// The least value of each range; the first range begins with whatever there is.
    firsts: Arc<[Box<[u8]>]>,
    highest: Vec<u64>,
}

impl Peaks {
    /// All values are read, also where whoever asked has left meanwhile: the next one finds it done.
    fn cut(dictionaries: &Dictionaries<'_>, path: &str, neighbours: usize) -> Result<Peaks> {
        let View { searcher, layout, documents, .. } = dictionaries.view;
        let patient = View { searcher: searcher.clone(), layout: Arc::clone(layout), documents: *documents, stopped: &|| false };
        let dictionaries = &Dictionaries::of(&patient)?;
        let prefix = codes::term_prefix(path);
        let (mut firsts, mut highest, mut room) = (vec![Box::default()], vec![0_u64], neighbours);
        dictionaries.walk(&AlwaysMatch, &prefix, end_of(&prefix).as_deref(), |term, there| {
            if room == 0 {
                firsts.push(term[prefix.len()..].into());
                highest.push(0);
                room = neighbours;
            }
            room -= 1;
            let count = dictionaries.count(&Seen::Alive, there)?;
            if let Some(last) = highest.last_mut() {
                *last = count.max(*last);
            }
            Ok(true)
        })?;
        let searcher = &dictionaries.view.searcher;
        Ok(Peaks {
            generation: searcher.generation().generation_id(),
            below: next_number(searcher)?,
            documents: searcher.num_docs(),
            cut: searcher.num_docs(),
            changed: 0,
            worn: AtomicBool::new(false),
            firsts: firsts.into(),
            highest,
        })
    }

    /// For a later view: the values of what was added are counted, or the ranges are cut anew where too much has changed.
    fn mended(&self, dictionaries: &Dictionaries<'_>, path: &str, neighbours: usize) -> Result<Peaks> {
        let searcher = &dictionaries.view.searcher;
        let added = added(searcher, self.below)?;
        let many: u64 = added.iter().map(|docs| docs.len() as u64).sum();
        let gone = self.documents.saturating_sub(searcher.num_docs().saturating_sub(many));
        let changed = self.changed + many + gone;
        if self.is_worn() || changed > self.cut / 4 + SLACK || many > self.cut / 64 + AT_ONCE {
            return Peaks::cut(dictionaries, path, neighbours);
        }
        let mut highest = self.highest.clone();
        let mut term = codes::term_prefix(path);
        let prefix = term.len();
        for (at, value) in values(searcher, path, &added)?.into_iter().enumerate() {
            if at % 256 == 255 && (dictionaries.view.stopped)() {
                return Err(Error::Timeout);
            }
            term.truncate(prefix);
            term.extend_from_slice(&value);
            let range = self.firsts.partition_point(|first| first.as_ref() <= value.as_slice()).saturating_sub(1);
            highest[range] = highest[range].max(dictionaries.count_term(&term)?);
        }
        Ok(Peaks {
            generation: searcher.generation().generation_id(),
            below: self.below.max(next_number(searcher)?),
            documents: searcher.num_docs(),
            cut: self.cut,
            changed,
            worn: AtomicBool::new(false),
            firsts: Arc::clone(&self.firsts),
            highest,
        })
    }

    fn is_worn(&self) -> bool {
        self.worn.load(Ordering::Relaxed)
    }

    /// The first so many values that the machine reads, by how many documents that count have them.
    pub(super) fn find<M: Machine>(
        &self,
        dictionaries: &Dictionaries<'_>,
        seen: &Seen,
        machine: &OnTerms<M>,
        first: usize,
    ) -> Result<Vec<Suggestion>> {
        let prefix = machine.prefix.len();
        let start = machine.prefix.iter().fold(machine.start(), |state, byte| machine.accept(&state, *byte));
        let mut reached = BTreeSet::new();
        self.reach(machine, &start, &mut Vec::new(), (0, self.firsts.len()), &mut reached);
        // the highest first, of those alike the first one
        let mut ranges: BinaryHeap<_> = reached.into_iter().map(|at| (self.highest[at], Reverse(at))).collect();
        let end = end_of(&machine.prefix);
        let term = |at: usize| self.firsts.get(at).map(|first| [&machine.prefix, first.as_ref()].concat());
        let (mut best, mut passed) = (Best::new(first), 0_u64);
        while let Some((most, Reverse(at))) = ranges.pop() {
            // then no later range can hold any, for it is as high at most, and where as high its values come later
            if most == 0 || !best.may_hold(most, &self.firsts[at]) {
                break;
            }
            let (from, to) = (term(at).unwrap_or_default(), term(at + 1).or_else(|| end.clone()));
            dictionaries.walk(machine, &from, to.as_deref(), |term, there| {
                passed += 1;
                best.offer(dictionaries, seen, &term[prefix..], there)?;
                Ok(true)
            })?;
            if (dictionaries.view.stopped)() {
                return Err(Error::Timeout);
            }
        }
        // of fresh ranges about as many are read as values are wanted; under a rule any number of them may be in vain
        let usual = 4 * NEIGHBOURS as u64 * (first as u64 + 16);
        if matches!(seen, Seen::Alive) && self.changed > 0 && passed > usual {
            self.worn.store(true, Ordering::Relaxed);
        }
        best.finish()
    }

    /// The ranges that may hold a value that begins with `begun`, behind which the machine stands at `state`. `within` are those whose
    /// first value begins so.
    fn reach<M: Machine>(
        &self,
        machine: &OnTerms<M>,
        state: &<OnTerms<M> as Automaton>::State,
        begun: &mut Vec<u8>,
        within: (usize, usize),
        reached: &mut BTreeSet<usize>,
    ) {
        let (from, to) = within;
        // values before the first of these lie at the end of the range before
        if machine.is_match(state) || from == to {
            reached.extend(from.saturating_sub(1)..to);
            return;
        }
        for byte in 0..=u8::MAX {
            let next = machine.accept(state, byte);
            if !machine.can_match(&next) {
                continue;
            }
            begun.push(byte);
            let firsts = &self.firsts[from..to];
            let lower = from + firsts.partition_point(|first| first.as_ref() < begun.as_slice());
            let upper = lower + self.firsts[lower..to].partition_point(|first| first.starts_with(begun));
            self.reach(machine, &next, begun, (lower, upper), reached);
            begun.pop();
        }
    }
}

/// Above all sequence numbers that are there.
fn next_number(searcher: &Searcher) -> Result<u64> {
    let mut next = 0;
    for segment in searcher.segment_readers() {
        if segment.max_doc() > 0 {
            let numbers = segment.fast_fields().u64(SEQ_NO).map_err(Error::internal)?;
            next = next.max(numbers.max_value() + 1);
        }
    }
    Ok(next)
}

/// The documents of each segment from this sequence number on.
fn added(searcher: &Searcher, below: u64) -> Result<Vec<Vec<u32>>> {
    let of_segment = |segment: &tantivy::SegmentReader| {
        let mut docs = Vec::new();
        if segment.max_doc() > 0 {
            let numbers = segment.fast_fields().u64(SEQ_NO).map_err(Error::internal)?;
            if numbers.max_value() >= below {
                numbers.get_docids_for_value_range(below..=u64::MAX, 0..segment.max_doc(), &mut docs);
            }
        }
        if let Some(alive) = segment.alive_bitset() {
            docs.retain(|doc| alive.is_alive(*doc));
        }
        Ok(docs)
    };
    searcher.segment_readers().iter().map(of_segment).collect()
}

/// The values of these documents, each once.
fn values(searcher: &Searcher, path: &str, docs: &[Vec<u32>]) -> Result<BTreeSet<Vec<u8>>> {
    let (name, mut values) = (values_column(path), BTreeSet::new());
    for (segment, docs) in searcher.segment_readers().iter().zip(docs).filter(|(_, docs)| !docs.is_empty()) {
        let Some(column) = segment.fast_fields().str(&name).map_err(Error::internal)? else { continue };
        let mut ords: Vec<u64> = docs.iter().flat_map(|doc| column.term_ords(*doc)).collect();
        ords.sort_unstable();
        ords.dedup();
        let whole = column.dictionary().sorted_ords_to_term_cb(&ords, |term| {
            values.insert(term.to_vec());
        });
        if !whole.map_err(Error::internal)? {
            return Err(Error::internal("an ordinal without a text"));
        }
    }
    Ok(values)
}
