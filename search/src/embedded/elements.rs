//! Elements of nested lists stand in the index as entries of their own, right before the entry of what they lie in: those of a
//! list in a list, then the element around them, at the end the document. So the entry that an element belongs to is the next
//! one of its level. Documents and their elements are written and removed together and stay neighbours through merges.

use std::sync::Arc;

use moka::sync::Cache;
use tantivy::index::SegmentId;
use tantivy::query::{EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{DocId, DocSet, Score, Searcher, SegmentReader, TERMINATED, TantivyError, Term};

use super::super::{Error, Result};
use super::layout::Layout;
use super::sets::{Docs, Set};

/// Bytes of levels that are kept for an index.
const KEPT: u64 = 64 << 20;

/// What every element has, whatever its list. Terms of values begin with a path, which is never empty.
pub(super) fn element_term() -> Vec<u8> {
    vec![0]
}

/// What the elements of the list at this path have.
pub(super) fn list_term(path: &str) -> Vec<u8> {
    [&[0], path.as_bytes()].concat()
}

/// The elements of the list at this path.
pub(super) fn elements_of(layout: &Layout, path: &str) -> Set {
    Set::Terms { field: layout.values, terms: [list_term(path)].into() }
}

/// All elements, where the index has any: everything that is no document.
pub(super) fn all_elements(layout: &Layout, searcher: &Searcher) -> Result<Option<Set>> {
    let mut term = Term::from_field_bytes(layout.values, &[]);
    term.append_bytes(&element_term());
    let some = searcher.doc_freq(&term).map_err(Error::internal)? > 0;
    Ok(some.then(|| Set::Terms { field: layout.values, terms: [element_term()].into() }))
}

/// Which entries of a segment are of a level, as bits.
#[derive(Debug)]
pub(super) struct Level(Box<[u64]>);

impl Level {
    /// The first one that is not before this one.
    pub(super) fn next(&self, entry: DocId) -> Option<DocId> {
        let (mut at, bit) = (entry as usize / 64, entry % 64);
        let mut word = self.0.get(at)? & (u64::MAX << bit);
        while word == 0 {
            at += 1;
            word = *self.0.get(at)?;
        }
        Some(at as u32 * 64 + word.trailing_zeros())
    }

    /// The last one before this one.
    pub(super) fn last_before(&self, entry: DocId) -> Option<DocId> {
        let (mut at, bit) = (entry as usize / 64, entry % 64);
        let mut word = self.0.get(at)? & !(u64::MAX << bit);
        while word == 0 {
            at = at.checked_sub(1)?;
            word = self.0[at];
        }
        Some(at as u32 * 64 + 63 - word.leading_zeros())
    }
}

/// The levels that were asked for, by segment and path; the documents' own path is empty.
#[derive(Clone, Debug)]
pub(super) struct Levels(Cache<(SegmentId, Arc<str>), Arc<Level>>);

impl Default for Levels {
    fn default() -> Self {
        let weigh = |key: &(SegmentId, Arc<str>), level: &Arc<Level>| {
            u32::try_from(level.0.len() * 8 + key.1.len() + 64).unwrap_or(u32::MAX)
        };
        Levels(Cache::builder().max_capacity(KEPT).weigher(weigh).build())
    }
}

impl Levels {
    pub(super) fn of(&self, segment: &SegmentReader, values: Field, path: Option<&str>) -> tantivy::Result<Arc<Level>> {
        let key = (segment.segment_id(), Arc::from(path.unwrap_or_default()));
        self.0
            .try_get_with(key, || read(segment, values, path).map(Arc::new))
            .map_err(|error: Arc<TantivyError>| TantivyError::InternalError(error.to_string()))
    }
}

fn read(segment: &SegmentReader, values: Field, path: Option<&str>) -> tantivy::Result<Level> {
    let mut bits = vec![0_u64; segment.max_doc().div_ceil(64) as usize];
    let mut term = Term::from_field_bytes(values, &[]);
    term.append_bytes(&path.map_or_else(element_term, list_term));
    if let Some(mut postings) = segment.inverted_index(values)?.read_postings(&term, IndexRecordOption::Basic)? {
        let mut entry = postings.doc();
        while entry != TERMINATED {
            bits[entry as usize / 64] |= 1 << (entry % 64);
            entry = postings.advance();
        }
    }
    if path.is_none() {
        // documents are what is no element
        bits.iter_mut().for_each(|word| *word = !*word);
        if let (Some(last), used @ 1..) = (bits.last_mut(), segment.max_doc() % 64) {
            *last &= !(u64::MAX << used);
        }
    }
    Ok(Level(bits.into()))
}

/// What some of these elements lie in: of the list at `level`, or documents.
#[derive(Clone, Debug)]
pub(super) struct Around {
    pub(super) elements: Arc<dyn Query>,
    pub(super) level: Option<Arc<str>>,
    pub(super) levels: Levels,
    pub(super) values: Field,
}

struct AroundWeight {
    elements: Box<dyn Weight>,
    level: Option<Arc<str>>,
    levels: Levels,
    values: Field,
}

impl Query for Around {
    fn weight(&self, scoring: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        let quiet = match scoring {
            EnableScoring::Enabled { searcher, .. } => EnableScoring::disabled_from_searcher(searcher),
            disabled @ EnableScoring::Disabled { .. } => disabled,
        };
        let elements = self.elements.weight(quiet)?;
        let (level, levels) = (self.level.clone(), self.levels.clone());
        Ok(Box::new(AroundWeight { elements, level, levels, values: self.values }))
    }
}

impl Weight for AroundWeight {
    fn scorer(&self, segment: &SegmentReader, _boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let level = self.levels.of(segment, self.values, self.level.as_deref())?;
        let mut found = Docs::of(segment);
        let mut elements = self.elements.scorer(segment, 1.0)?;
        let mut element = elements.doc();
        while element != TERMINATED {
            let Some(around) = level.next(element) else { break };
            found.insert(around);
            // one is enough: on with the elements of the next
            element = if around > element { elements.seek(around) } else { elements.advance() };
        }
        Ok(found.scorer())
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(segment, 1.0)?;
        if scorer.doc() <= doc && scorer.seek(doc) == doc {
            return Ok(Explanation::new("a condition on elements that holds", 0.0));
        }
        Err(TantivyError::InvalidArgument("the condition does not hold".into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_in_a_level() {
        let level = Level(Box::new([1 << 3 | 1 << 63, 0, 1]));
        assert_eq!(
            [0, 3, 4, 64, 128, 129, 900].map(|at| level.next(at)),
            [Some(3), Some(3), Some(63), Some(128), Some(128), None, None]
        );
        assert_eq!([0, 3, 4, 64, 128, 129].map(|at| level.last_before(at)), [None, None, Some(3), Some(63), Some(63), Some(128)]);
    }
}
