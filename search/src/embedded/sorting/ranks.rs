//! The ranks of documents in one segment, read from its columns.

use tantivy::columnar::{Column, ColumnIndex, StrColumn};
use tantivy::{COLLECT_BLOCK_BUFFER_LEN, SegmentReader};

use super::super::codes;
use super::super::layout::SEQ_NO;
use super::{By, SortKey, SortValue, Spot};
use crate::{Direction, Error, GeoPoint, Missing, Result, geo};

enum Values {
    Score,
    Numbers(Option<Column<i64>>),
    Texts(Option<StrColumn>),
    Distances(Option<Column<i64>>, GeoPoint),
}

struct Reader {
    values: Values,
    key: SortKey,
    flipped: bool,
}

/// The keys of the documents of one segment.
pub(in crate::embedded) struct SegmentSorting {
    readers: Vec<Reader>,
    seq_no: Column<u64>,
    flipped: bool,
}

impl SegmentSorting {
    pub(super) fn of(keys: &[SortKey], backward: bool, segment: &SegmentReader) -> Result<Self> {
        let columns = segment.fast_fields();
        let mut readers = Vec::with_capacity(keys.len());
        for key in keys {
            let values = match &key.by {
                By::Score => Values::Score,
                By::Numbers { column, .. } => Values::Numbers(columns.column_opt(column).map_err(Error::internal)?),
                By::Texts { column } => Values::Texts(columns.str(column).map_err(Error::internal)?),
                By::Distances { column, from } => Values::Distances(columns.column_opt(column).map_err(Error::internal)?, *from),
            };
            readers.push(Reader { values, key: key.clone(), flipped: backward });
        }
        let seq_no = columns.u64(SEQ_NO).map_err(Error::internal)?;
        Ok(SegmentSorting { readers, seq_no, flipped: backward })
    }

    /// How many ranks a document has.
    pub(in crate::embedded) fn width(&self) -> usize {
        self.readers.len() + 1
    }

    /// The rank at a place; the last one is the tie-break.
    pub(in crate::embedded) fn rank(&self, place: usize, doc: u32, score: f32) -> u64 {
        match self.readers.get(place) {
            Some(reader) => reader.rank(doc, score),
            None => flip(self.seq_no.first(doc).unwrap_or(u64::MAX), self.flipped),
        }
    }

    /// The first ranks of some documents, where no score is among the keys; `ranks` is as long as `docs`.
    pub(in crate::embedded) fn first_ranks(&self, docs: &[u32], ranks: &mut [u64]) {
        match self.readers.first() {
            Some(reader) => reader.ranks(docs, ranks),
            None if is_full(&self.seq_no.index) => {
                self.seq_no.values.get_vals(docs, ranks);
                ranks.iter_mut().for_each(|rank| *rank = flip(*rank, self.flipped));
            }
            None => ranks.iter_mut().zip(docs).for_each(|(rank, doc)| *rank = self.rank(0, *doc, 0.0)),
        }
    }

    /// The ranks that a place in the order would have in this segment.
    pub(in crate::embedded) fn ranks_of(&self, spot: &Spot) -> Result<Vec<u64>> {
        let mut ranks = Vec::with_capacity(self.width());
        for (reader, value) in self.readers.iter().zip(&spot.values) {
            ranks.push(reader.rank_of(value)?);
        }
        ranks.push(flip(spot.seq_no, self.flipped));
        Ok(ranks)
    }

    /// What stands behind the ranks of a document.
    pub(in crate::embedded) fn spot(&self, doc: u32, score: f32) -> Result<Spot> {
        let values = self.readers.iter().map(|reader| reader.value(doc, score)).collect::<Result<_>>()?;
        Ok(Spot { values, seq_no: self.seq_no.first(doc).unwrap_or(u64::MAX) })
    }
}

/// Ranks of texts: of ordinal n it is 2n + 2, so that a text between two others finds a place, and both ends stay free for missing ones.
fn rank_of_ordinal(ordinal: u64) -> u64 {
    ordinal * 2 + 2
}

fn flip(rank: u64, flipped: bool) -> u64 {
    if flipped { !rank } else { rank }
}

/// Every document has exactly one value.
fn is_full(index: &ColumnIndex) -> bool {
    matches!(index, ColumnIndex::Full)
}

impl Reader {
    fn ranks(&self, docs: &[u32], ranks: &mut [u64]) {
        match &self.values {
            Values::Numbers(Some(column)) if is_full(&column.index) && docs.len() <= COLLECT_BLOCK_BUFFER_LEN => {
                let mut numbers = [0; COLLECT_BLOCK_BUFFER_LEN];
                let numbers = &mut numbers[..docs.len()];
                column.values.get_vals(docs, numbers);
                for (rank, number) in ranks.iter_mut().zip(numbers) {
                    *rank = flip(self.key.rank(&SortValue::Number(*number)), self.flipped);
                }
            }
            Values::Texts(Some(column)) if is_full(&column.ords().index) => {
                column.ords().values.get_vals(docs, ranks);
                for rank in ranks {
                    *rank = flip(self.text_rank(Some(rank_of_ordinal(*rank))), self.flipped);
                }
            }
            _ => ranks.iter_mut().zip(docs).for_each(|(rank, doc)| *rank = self.rank(*doc, 0.0)),
        }
    }

    fn rank(&self, doc: u32, score: f32) -> u64 {
        let rank = match &self.values {
            Values::Score => self.key.rank(&SortValue::Score(score)),
            Values::Numbers(_) | Values::Distances(..) => self.key.rank(&SortValue::Number(self.number(doc))),
            Values::Texts(_) => self.text_rank(self.ordinal(doc).map(rank_of_ordinal)),
        };
        flip(rank, self.flipped)
    }

    /// Forward.
    fn text_rank(&self, rank: Option<u64>) -> u64 {
        match (rank, self.key.missing, self.key.direction) {
            (None, Missing::First, _) => 0,
            (None, Missing::Last, _) => u64::MAX,
            (Some(rank), _, Direction::Asc) => rank,
            (Some(rank), _, Direction::Desc) => !rank,
        }
    }

    /// The least value of a list ascending, the greatest descending.
    fn number(&self, doc: u32) -> i64 {
        let extreme = |values: &mut dyn Iterator<Item = i64>| match self.key.direction {
            Direction::Asc => values.min(),
            Direction::Desc => values.max(),
        };
        let found = match &self.values {
            Values::Numbers(Some(column)) => extreme(&mut column.values_for_doc(doc)),
            Values::Distances(Some(column), from) => {
                let away = |code| codes::of_double(geo::metres(*from, geo::Cell::of_code(code).point()));
                extreme(&mut column.values_for_doc(doc).map(away))
            }
            _ => None,
        };
        found.unwrap_or_else(|| self.key.sentinel())
    }

    fn ordinal(&self, doc: u32) -> Option<u64> {
        let Values::Texts(Some(column)) = &self.values else { return None };
        let ordinals = column.term_ords(doc);
        if self.key.direction == Direction::Asc { ordinals.min() } else { ordinals.max() }
    }

    fn rank_of(&self, value: &SortValue) -> Result<u64> {
        let rank = match (value, &self.values) {
            (SortValue::Text(None), _) => self.text_rank(None),
            (SortValue::Text(Some(text)), Values::Texts(Some(column))) => {
                let dictionary = column.dictionary();
                let rank = match dictionary.term_ord(text.as_bytes()).map_err(Error::internal)? {
                    Some(ordinal) => rank_of_ordinal(ordinal),
                    None => {
                        let (first, _) = dictionary
                            .term_bounds_to_ord(std::ops::Bound::Included(text.as_bytes()), std::ops::Bound::Unbounded)
                            .map_err(Error::internal)?;
                        let next = match first {
                            std::ops::Bound::Included(ordinal) => ordinal.min(dictionary.num_terms() as u64),
                            _ => dictionary.num_terms() as u64,
                        };
                        rank_of_ordinal(next) - 1
                    }
                };
                self.text_rank(Some(rank))
            }
            // no document of the segment has the field: any rank between the ends will do
            (SortValue::Text(Some(_)), _) => self.text_rank(Some(1)),
            (value, _) => self.key.rank(value),
        };
        Ok(flip(rank, self.flipped))
    }

    fn value(&self, doc: u32, score: f32) -> Result<SortValue> {
        Ok(match &self.values {
            Values::Score => SortValue::Score(score),
            Values::Numbers(_) | Values::Distances(..) => SortValue::Number(self.number(doc)),
            Values::Texts(column) => match (self.ordinal(doc), column) {
                (Some(ordinal), Some(column)) => {
                    let mut text = String::new();
                    if !column.ord_to_str(ordinal, &mut text).map_err(Error::internal)? {
                        return Err(Error::internal("an ordinal without a text"));
                    }
                    SortValue::Text(Some(text))
                }
                _ => SortValue::Text(None),
            },
        })
    }
}
