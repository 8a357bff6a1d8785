//! Words in their order: documents in which they stand one right after the other, the last one perhaps going on.

use std::collections::HashMap;

use tantivy::postings::{Postings, SegmentPostings, TermInfo};
use tantivy::schema::{Field, IndexRecordOption};
use tantivy::{BitSet, DocId, DocSet, InvertedIndexReader, SegmentReader, TERMINATED};

use super::sets::end_of;

/// Terms that stand in a row; after them, where it is given, a term that begins so.
#[derive(Clone, Debug)]
pub(super) struct Phrase {
    pub(super) field: Field,
    pub(super) terms: Vec<Vec<u8>>,
    pub(super) beginning: Option<Vec<u8>>,
}

impl Phrase {
    pub(super) fn documents(&self, segment: &SegmentReader) -> tantivy::Result<BitSet> {
        let index = segment.inverted_index(self.field)?;
        let mut docs = BitSet::with_max_value(segment.max_doc());
        let Some(beginning) = &self.beginning else {
            self.visit(&index, |doc, ends| {
                if !ends.is_empty() {
                    docs.insert(doc);
                }
            })?;
            return Ok(docs);
        };
        let mut heads: HashMap<DocId, Vec<u32>> = HashMap::new();
        if !self.terms.is_empty() {
            self.visit(&index, |doc, ends| {
                if !ends.is_empty() {
                    heads.insert(doc, ends.to_vec());
                }
            })?;
            if heads.is_empty() {
                return Ok(docs);
            }
        }
        let mut stream = index.terms().range().ge(beginning);
        if let Some(end) = end_of(beginning) {
            stream = stream.lt(end);
        }
        let mut stream = stream.into_stream()?;
        let mut positions = Vec::new();
        while stream.advance() {
            let mut postings = read(&index, stream.value())?;
            while postings.doc() != TERMINATED {
                let doc = postings.doc();
                if self.terms.is_empty() {
                    docs.insert(doc);
                } else if let Some(ends) = heads.get(&doc) {
                    postings.positions(&mut positions);
                    if positions.iter().any(|at| at.checked_sub(1).is_some_and(|before| ends.binary_search(&before).is_ok())) {
                        docs.insert(doc);
                    }
                }
                postings.advance();
            }
        }
        Ok(docs)
    }

    /// For each document with all terms: where the rows of them end, in order.
    fn visit(&self, index: &InvertedIndexReader, mut found: impl FnMut(DocId, &[u32])) -> tantivy::Result<()> {
        let mut all = Vec::with_capacity(self.terms.len());
        for term in &self.terms {
            match index.terms().get(term)? {
                Some(info) => all.push(read(index, &info)?),
                None => return Ok(()),
            }
        }
        let Some((first, rest)) = all.split_first_mut() else { return Ok(()) };
        let (mut ends, mut positions) = (Vec::new(), Vec::new());
        let mut doc = first.doc();
        'documents: while doc != TERMINATED {
            for other in rest.iter_mut() {
                let at = if other.doc() < doc { other.seek(doc) } else { other.doc() };
                if at > doc {
                    if at == TERMINATED {
                        return Ok(());
                    }
                    doc = first.seek(at);
                    continue 'documents;
                }
            }
            first.positions(&mut ends);
            for other in rest.iter_mut() {
                other.positions(&mut positions);
                ends.retain_mut(|end| {
                    *end += 1;
                    positions.binary_search(end).is_ok()
                });
                if ends.is_empty() {
                    break;
                }
            }
            found(doc, &ends);
            doc = first.advance();
        }
        Ok(())
    }
}

fn read(index: &InvertedIndexReader, info: &TermInfo) -> tantivy::Result<SegmentPostings> {
    Ok(index.read_postings_from_terminfo(info, IndexRecordOption::WithFreqsAndPositions)?)
}
