//! The entries that something is computed over: documents, or elements of a nested list.

use std::sync::Arc;
use tantivy::index::SegmentId;

use tantivy::query::{BitSetDocSet, ConstScorer, EmptyScorer, EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{BitSet, COLLECT_BLOCK_BUFFER_LEN, DocId, Score, Searcher, SegmentReader, TantivyError};

use super::super::super::compute::levels::{Level, Step, steps};
use super::super::super::{Counts, Error, Result};
use super::Computing;

/// Entries of each segment, ascending.
#[derive(Clone, Debug, Default)]
pub(in crate::embedded) struct Rows {
    /// The list whose elements they are; none: documents.
    pub(super) level: Option<Arc<str>>,
    pub(in crate::embedded) entries: Vec<Vec<u32>>,
}

impl Rows {
    /// All that the query finds.
    pub(in crate::embedded) fn of(searcher: &Searcher, query: &dyn Query, stopped: &dyn Fn() -> bool) -> Result<Rows> {
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
        Ok(Rows { level: None, entries: rows })
    }

    /// None at all, of the same kind.
    pub(super) fn none(&self) -> Rows {
        Rows { level: self.level.clone(), entries: vec![Vec::new(); self.entries.len()] }
    }

    pub(super) fn level(&self) -> Level<'_> {
        self.level.as_deref()
    }

    pub(in crate::embedded) fn count(&self) -> u64 {
        self.entries.iter().map(|docs| docs.len() as u64).sum()
    }
}

impl Computing<'_> {
    /// Entries of another level: elements of these, or of the documents that hold them, or those documents.
    pub(super) fn reach(&self, rows: &Rows, to: Level<'_>) -> Result<Rows> {
        steps(rows.level(), to).into_iter().try_fold(rows.clone(), |rows, step| {
            self.go_on()?;
            match step {
                Step::Up => {
                    let mut documents = self.around(&rows, None)?;
                    documents.entries.iter_mut().for_each(Vec::dedup);
                    Ok(documents)
                }
                Step::Down(list) => self.inside(&rows, list),
            }
        })
    }

    /// What each of these lies in, one for each: of a list around theirs, or the document.
    pub(super) fn around(&self, rows: &Rows, to: Level<'_>) -> Result<Rows> {
        let of_segment = |(segment, entries): (&SegmentReader, &Vec<u32>)| {
            let level = self.level(segment, to)?;
            let around = |entry: &u32| level.next(*entry).ok_or_else(|| Error::internal("an element outside of every document"));
            entries.iter().map(around).collect()
        };
        let segments = self.view.searcher.segment_readers().iter();
        let entries = segments.zip(&rows.entries).map(of_segment).collect::<Result<_>>()?;
        Ok(Rows { level: to.map(Arc::from), entries })
    }

    fn inside(&self, rows: &Rows, list: &str) -> Result<Rows> {
        let of_segment = |(segment, entries): (&SegmentReader, &Vec<u32>)| {
            let (outer, inner) = (self.level(segment, rows.level())?, self.level(segment, Some(list))?);
            let mut found = Vec::new();
            for entry in entries {
                // elements stand before what they lie in, behind the one before it
                let mut at = outer.last_before(*entry).map_or(0, |before| before + 1);
                while let Some(element) = inner.next(at).filter(|element| element < entry) {
                    found.push(element);
                    at = element + 1;
                }
            }
            Ok(found)
        };
        let segments = self.view.searcher.segment_readers().iter();
        let entries = segments.zip(&rows.entries).map(of_segment).collect::<Result<_>>()?;
        Ok(Rows { level: Some(list.into()), entries })
    }

    fn level(&self, segment: &SegmentReader, level: Level<'_>) -> Result<Arc<super::super::elements::Level>> {
        let layout = &self.view.layout;
        layout.levels.of(segment, layout.values, level).map_err(Error::internal)
    }

    pub(super) fn counts(&self, rows: &Rows) -> Result<Counts> {
        Ok(match rows.level {
            None => Counts { documents: rows.count(), elements: None },
            Some(_) => Counts { documents: self.reach(rows, None)?.count(), elements: Some(rows.count()) },
        })
    }
}

/// Finds exactly these documents, and scores nothing.
#[derive(Clone, Debug)]
pub(super) struct Listed(Vec<(SegmentId, Vec<u32>)>);

impl Listed {
    pub(super) fn of(searcher: &Searcher, rows: &Rows) -> Listed {
        let segments = searcher.segment_readers().iter().map(SegmentReader::segment_id);
        Listed(segments.zip(rows.entries.iter().cloned()).collect())
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
