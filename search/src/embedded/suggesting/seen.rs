//! The documents that count: deleted ones never do, nor those behind a rule.

use tantivy::postings::TermInfo;
use tantivy::query::Query as IndexQuery;
use tantivy::schema::IndexRecordOption;
use tantivy::{BitSet, InvertedIndexReader, SegmentReader};

use super::super::super::{Error, Filter, Result};
use super::super::compute::Rows;
use super::super::matching::every;
use super::super::searching::View;

/// Which documents of each segment count.
pub(super) enum Seen {
    /// All that are not deleted.
    Alive,
    /// These of each segment.
    Some(Vec<BitSet>),
}

impl Seen {
    /// Those that the rule lets through.
    pub(super) fn of(view: &View<'_>, rule: &Filter) -> Result<Seen> {
        if *rule == Filter::All {
            return Ok(Seen::Alive);
        }
        let through: Box<dyn IndexQuery> = every(&view.layout, std::iter::once(rule))?;
        Ok(Seen::only(view, &Rows::of(&view.searcher, through.as_ref(), view.stopped)?))
    }

    pub(super) fn only(view: &View<'_>, rows: &Rows) -> Seen {
        let set = |(segment, docs): (&SegmentReader, &Vec<u32>)| {
            let mut set = BitSet::with_max_value(segment.max_doc());
            for doc in docs {
                set.insert(*doc);
            }
            set
        };
        Seen::Some(view.searcher.segment_readers().iter().zip(&rows.entries).map(set).collect())
    }

    /// How many of the documents that count have a term, in the segment at this place.
    pub(super) fn count(&self, view: &View<'_>, at: usize, index: &InvertedIndexReader, info: &TermInfo) -> Result<u64> {
        match self {
            Seen::Some(sets) => count(index, info, |doc| sets[at].contains(doc)),
            Seen::Alive => {
                let segment = &view.searcher.segment_readers()[at];
                match segment.alive_bitset().filter(|_| segment.has_deletes()) {
                    Some(alive) => count(index, info, |doc| alive.is_alive(doc)),
                    None => Ok(u64::from(info.doc_freq)),
                }
            }
        }
    }
}

fn count(index: &InvertedIndexReader, info: &TermInfo, counts: impl Fn(u32) -> bool) -> Result<u64> {
    let mut block = index.read_block_postings_from_terminfo(info, IndexRecordOption::Basic).map_err(Error::internal)?;
    let mut count = 0;
    while !block.docs().is_empty() {
        count += block.docs().iter().filter(|doc| counts(**doc)).count() as u64;
        block.advance();
    }
    Ok(count)
}
