//! The documents of a segment that a single condition holds for: what the filters of `matching` come down to.
//! A condition never scores.

use std::ops::{Bound, RangeInclusive};
use std::sync::Arc;

use tantivy::query::{AllScorer, BitSetDocSet, ConstScorer, EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, DocSet, Score, SegmentReader, TERMINATED, TantivyError, Term};
use tantivy_fst::Automaton;

use super::super::geo::{Area, Cell};
use super::super::pattern;
use super::machines::{Edits, OnTerms};
use super::phrases::Phrase;

/// Two bounds of texts.
pub(super) type Span = (Bound<Vec<u8>>, Bound<Vec<u8>>);

/// One condition, as the index can answer it.
#[derive(Clone, Debug)]
pub(super) enum Set {
    /// Has one of these terms.
    Terms {
        field: Field,
        terms: Arc<[Vec<u8>]>,
    },
    /// Has a term that begins so.
    Beginning {
        field: Field,
        prefix: Vec<u8>,
    },
    /// Has a term that the pattern accepts.
    Pattern {
        field: Field,
        machine: OnTerms<pattern::Machine>,
    },
    /// Has a word that is few edits away.
    Edits {
        field: Field,
        machine: OnTerms<Edits>,
    },
    /// One and the same number of the column lies in one of the ranges.
    Numbers {
        column: String,
        range: RangeInclusive<i64>,
    },
    /// One and the same text of the column lies in one of the ranges.
    Texts {
        column: String,
        ranges: Arc<[Span]>,
    },
    /// Some point of the column lies in the area.
    Points {
        column: String,
        area: Arc<Area>,
    },
    Phrase(Phrase),
}

impl Query for Set {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for Set {
    fn scorer(&self, segment: &SegmentReader, _boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        match self {
            Set::Terms { field, terms } => terms_scorer(segment, *field, terms),
            Set::Beginning { field, prefix } => {
                let index = segment.inverted_index(*field)?;
                let mut stream = index.terms().range().ge(prefix);
                if let Some(end) = end_of(prefix) {
                    stream = stream.lt(end);
                }
                let mut stream = stream.into_stream()?;
                let mut docs = Docs::of(segment);
                while stream.advance() {
                    docs.add(&index, stream.value())?;
                }
                Ok(docs.scorer())
            }
            Set::Pattern { field, machine } => automaton_scorer(segment, *field, machine),
            Set::Edits { field, machine } => automaton_scorer(segment, *field, machine),
            Set::Numbers { column, range } => numbers_scorer(segment, column, range),
            Set::Texts { column, ranges } => texts_scorer(segment, column, ranges),
            Set::Points { column, area } => points_scorer(segment, column, area),
            Set::Phrase(phrase) => Ok(scorer_of(phrase.documents(segment)?)),
        }
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(segment, 1.0)?;
        if scorer.doc() <= doc && scorer.seek(doc) == doc {
            return Ok(Explanation::new("a condition that holds", 0.0));
        }
        Err(TantivyError::InvalidArgument("the condition does not hold".into()))
    }
}

/// The first bytes after all that begin so; none where there are none.
pub(super) fn end_of(prefix: &[u8]) -> Option<Vec<u8>> {
    let mut end = prefix.to_vec();
    while let Some(last) = end.pop() {
        if last < u8::MAX {
            end.push(last + 1);
            return Some(end);
        }
    }
    None
}

/// Documents of a segment, gathered from several terms.
pub(super) struct Docs(BitSet);

impl Docs {
    pub(super) fn of(segment: &SegmentReader) -> Docs {
        Docs(BitSet::with_max_value(segment.max_doc()))
    }

    fn add(&mut self, index: &tantivy::InvertedIndexReader, info: &tantivy::postings::TermInfo) -> tantivy::Result<()> {
        let mut block = index.read_block_postings_from_terminfo(info, IndexRecordOption::Basic)?;
        while !block.docs().is_empty() {
            for doc in block.docs() {
                self.0.insert(*doc);
            }
            block.advance();
        }
        Ok(())
    }

    pub(super) fn insert(&mut self, doc: DocId) {
        self.0.insert(doc);
    }

    pub(super) fn scorer(self) -> Box<dyn Scorer> {
        scorer_of(self.0)
    }
}

fn scorer_of(docs: BitSet) -> Box<dyn Scorer> {
    if docs.len() == 0 {
        return Box::new(EmptyScorer);
    }
    Box::new(ConstScorer::new(BitSetDocSet::from(docs), 0.0))
}

fn terms_scorer(segment: &SegmentReader, field: Field, terms: &[Vec<u8>]) -> tantivy::Result<Box<dyn Scorer>> {
    let index = segment.inverted_index(field)?;
    let term = |bytes: &[u8]| {
        let mut term = Term::from_field_bytes(field, &[]);
        term.append_bytes(bytes);
        term
    };
    if let [only] = terms {
        return Ok(match index.read_postings(&term(only), IndexRecordOption::Basic)? {
            Some(postings) if postings.doc() != TERMINATED => Box::new(ConstScorer::new(postings, 0.0)),
            _ => Box::new(EmptyScorer),
        });
    }
    let mut docs = Docs::of(segment);
    for bytes in terms {
        if let Some(info) = index.terms().get(bytes)? {
            docs.add(&index, &info)?;
        }
    }
    Ok(docs.scorer())
}

fn automaton_scorer<A: Automaton>(segment: &SegmentReader, field: Field, automaton: &A) -> tantivy::Result<Box<dyn Scorer>>
where
    A::State: Clone,
{
    let index = segment.inverted_index(field)?;
    let mut stream = index.terms().search(Borrowed(automaton)).into_stream()?;
    let mut docs = Docs::of(segment);
    while stream.advance() {
        docs.add(&index, stream.value())?;
    }
    Ok(docs.scorer())
}

/// An automaton by reference.
pub(super) struct Borrowed<'a, A>(pub(super) &'a A);

impl<A: Automaton> Automaton for Borrowed<'_, A> {
    type State = A::State;

    fn start(&self) -> Self::State {
        self.0.start()
    }

    fn is_match(&self, state: &Self::State) -> bool {
        self.0.is_match(state)
    }

    fn can_match(&self, state: &Self::State) -> bool {
        self.0.can_match(state)
    }

    fn accept(&self, state: &Self::State, byte: u8) -> Self::State {
        self.0.accept(state, byte)
    }
}

fn numbers_scorer(segment: &SegmentReader, column: &str, range: &RangeInclusive<i64>) -> tantivy::Result<Box<dyn Scorer>> {
    let Some(column) = segment.fast_fields().column_opt::<i64>(column)? else { return Ok(Box::new(EmptyScorer)) };
    if range.is_empty() || *range.end() < column.min_value() || *range.start() > column.max_value() {
        return Ok(Box::new(EmptyScorer));
    }
    let full = matches!(column.index, tantivy::columnar::ColumnIndex::Full);
    if full && *range.start() <= column.min_value() && column.max_value() <= *range.end() {
        return Ok(Box::new(AllScorer::new(segment.max_doc())));
    }
    let mut docs = Docs::of(segment);
    docs.add_rows(segment, |from, to, found| column.get_docids_for_value_range(range.clone(), from..to, found));
    Ok(docs.scorer())
}

fn texts_scorer(segment: &SegmentReader, column: &str, ranges: &[Span]) -> tantivy::Result<Box<dyn Scorer>> {
    let Some(column) = segment.fast_fields().str(column)? else { return Ok(Box::new(EmptyScorer)) };
    let mut docs = Docs::of(segment);
    for (lower, upper) in ranges {
        let (lower, upper) = column.dictionary().term_bounds_to_ord(lower.as_ref(), upper.as_ref())?;
        let first = match lower {
            Bound::Included(ord) => ord,
            Bound::Excluded(ord) => ord.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let last = match upper {
            Bound::Included(ord) => Some(ord),
            Bound::Excluded(ord) => ord.checked_sub(1),
            Bound::Unbounded => Some(u64::MAX),
        };
        let Some(last) = last.filter(|last| first <= *last) else { continue };
        docs.add_rows(segment, |from, to, found| column.ords().get_docids_for_value_range(first..=last, from..to, found));
    }
    Ok(docs.scorer())
}

/// Points in the belt of latitudes first, then each of them by itself.
fn points_scorer(segment: &SegmentReader, column: &str, area: &Area) -> tantivy::Result<Box<dyn Scorer>> {
    let Some(column) = segment.fast_fields().column_opt::<i64>(column)? else { return Ok(Box::new(EmptyScorer)) };
    let mut docs = Docs::of(segment);
    docs.add_rows(segment, |from, to, found| {
        column.get_docids_for_value_range(area.codes(), from..to, found);
        found.retain(|doc| column.values_for_doc(*doc).any(|code| area.holds(Cell::of_code(code))));
    });
    Ok(docs.scorer())
}

/// Rows are looked through in pieces of so many documents.
const PIECE: u32 = 1 << 16;

impl Docs {
    fn add_rows(&mut self, segment: &SegmentReader, find: impl Fn(u32, u32, &mut Vec<u32>)) {
        let mut found = Vec::new();
        let mut from = 0;
        while from < segment.max_doc() {
            let to = segment.max_doc().min(from.saturating_add(PIECE));
            found.clear();
            find(from, to, &mut found);
            for doc in &found {
                self.0.insert(*doc);
            }
            from = to;
        }
    }
}
