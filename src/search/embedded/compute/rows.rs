//! The documents that something is computed over.

use tantivy::index::SegmentId;
use tantivy::query::{BitSetDocSet, ConstScorer, EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{BitSet, COLLECT_BLOCK_BUFFER_LEN, DocId, Score, Searcher, SegmentReader, TantivyError};

use super::super::super::{Error, Result};

/// Documents of each segment, ascending.
#[derive(Clone, Debug, Default)]
pub(super) struct Rows(pub(super) Vec<Vec<u32>>);

impl Rows {
    /// All that the query finds.
    pub(super) fn of(searcher: &Searcher, query: &dyn Query, stopped: &dyn Fn() -> bool) -> Result<Rows> {
        let everything = query.is::<tantivy::query::AllQuery>();
        let weight = query.weight(EnableScoring::disabled_from_searcher(searcher)).map_err(Error::internal)?;
        let mut rows = Vec::new();
        for segment in searcher.segment_readers() {
            if stopped() {
                return Err(Error::Timeout);
            }
            let alive = segment.alive_bitset();
            if everything {
                rows.push((0..segment.max_doc()).filter(|doc| alive.is_none_or(|alive| alive.is_alive(*doc))).collect());
                continue;
            }
            let mut scorer = weight.scorer(segment, 1.0).map_err(Error::internal)?;
            let mut docs = Vec::new();
            let mut block = [0; COLLECT_BLOCK_BUFFER_LEN];
            loop {
                let filled = scorer.fill_buffer(&mut block);
                docs.extend(block[..filled].iter().filter(|doc| alive.is_none_or(|alive| alive.is_alive(**doc))));
                if filled < block.len() {
                    break;
                }
            }
            rows.push(docs);
        }
        Ok(Rows(rows))
    }

    pub(super) fn count(&self) -> u64 {
        self.0.iter().map(|docs| docs.len() as u64).sum()
    }
}

/// Finds exactly these documents, and scores nothing.
#[derive(Clone, Debug)]
pub(super) struct Listed(Vec<(SegmentId, Vec<u32>)>);

impl Listed {
    pub(super) fn of(searcher: &Searcher, rows: &Rows) -> Listed {
        let segments = searcher.segment_readers().iter().map(SegmentReader::segment_id);
        Listed(segments.zip(rows.0.iter().cloned()).collect())
    }
}

impl Query for Listed {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for Listed {
    fn scorer(&self, segment: &SegmentReader, _boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let docs = self.0.iter().find(|(id, _)| *id == segment.segment_id()).map_or(&[][..], |(_, docs)| docs);
        if docs.is_empty() {
            return Ok(Box::new(EmptyScorer));
        }
        let mut set = BitSet::with_max_value(segment.max_doc());
        for doc in docs {
            set.insert(*doc);
        }
        Ok(Box::new(ConstScorer::new(BitSetDocSet::from(set), 0.0)))
    }

    fn explain(&self, _: &SegmentReader, _: DocId) -> tantivy::Result<Explanation> {
        Err(TantivyError::InvalidArgument("a list of documents explains nothing".into()))
    }
}
