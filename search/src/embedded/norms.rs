//! Lengths of texts as Lucene keeps them: one byte for each document, and the statistics of a field over all segments,
//! counted over the documents that have the field. Computed from the columns of lengths once for each segment, and kept.

use std::sync::Arc;

use moka::sync::Cache;
use tantivy::index::SegmentId;
use tantivy::{Searcher, SegmentReader};

use super::super::{Error, Result};
use super::layout::{lengths_column, values_column};

/// Bytes of norms that are kept, over all fields and segments of an index.
const KEPT: u64 = 256 << 20;

/// What is known of one field in one segment.
#[derive(Debug)]
pub(super) struct SegmentNorms {
    /// Documents with at least one word, deleted ones included, as in Lucene.
    docs: u64,
    /// Words of all of them.
    words: u64,
    /// The length of each document as Lucene's byte; empty for a keyword, whose length does not count.
    bytes: Box<[u8]>,
}

impl SegmentNorms {
    pub(super) fn byte(&self, doc: u32) -> u8 {
        // a keyword has no norms: its length is 1
        self.bytes.get(doc as usize).copied().unwrap_or(1)
    }
}

/// Norms by segment and path.
#[derive(Clone, Debug)]
pub(super) struct Norms(Cache<(SegmentId, Arc<str>), Arc<SegmentNorms>>);

impl Default for Norms {
    fn default() -> Self {
        let weigh = |key: &(SegmentId, Arc<str>), norms: &Arc<SegmentNorms>| {
            u32::try_from(norms.bytes.len() + key.1.len() + 64).unwrap_or(u32::MAX)
        };
        Norms(Cache::builder().max_capacity(KEPT).weigher(weigh).build())
    }
}

/// The statistics of a field over an index.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct FieldStatistics {
    pub(super) docs: u64,
    pub(super) words: u64,
}

impl FieldStatistics {
    pub(super) fn average_length(self) -> f32 {
        if self.docs == 0 { 1.0 } else { (self.words as f64 / self.docs as f64) as f32 }
    }
}

impl Norms {
    pub(super) fn of_text(&self, segment: &SegmentReader, path: &str) -> Result<Arc<SegmentNorms>> {
        self.of(segment, path, read_text)
    }

    pub(super) fn of_keyword(&self, segment: &SegmentReader, path: &str) -> Result<Arc<SegmentNorms>> {
        self.of(segment, path, read_keyword)
    }

    fn of(
        &self,
        segment: &SegmentReader,
        path: &str,
        read: fn(&SegmentReader, &str) -> tantivy::Result<SegmentNorms>,
    ) -> Result<Arc<SegmentNorms>> {
        // a text and a keyword never share a path
        let key = (segment.segment_id(), Arc::from(path));
        self.0
            .try_get_with(key, || read(segment, path).map(Arc::new))
            .map_err(|error: Arc<tantivy::TantivyError>| Error::internal(error))
    }

    pub(super) fn statistics(&self, searcher: &Searcher, path: &str, text: bool) -> Result<FieldStatistics> {
        let mut all = FieldStatistics::default();
        for segment in searcher.segment_readers() {
            let norms = if text { self.of_text(segment, path)? } else { self.of_keyword(segment, path)? };
            all.docs += norms.docs;
            all.words += norms.words;
        }
        Ok(all)
    }
}

fn read_text(segment: &SegmentReader, path: &str) -> tantivy::Result<SegmentNorms> {
    let mut norms = SegmentNorms { docs: 0, words: 0, bytes: vec![0; segment.max_doc() as usize].into() };
    if let Some(column) = segment.fast_fields().column_opt::<i64>(&lengths_column(path))? {
        for doc in 0..segment.max_doc() {
            let length = column.first(doc).unwrap_or(0).max(0) as u64;
            if length > 0 {
                norms.docs += 1;
                norms.words += length;
                norms.bytes[doc as usize] = to_byte(length as u32);
            }
        }
    }
    Ok(norms)
}

/// A keyword's values are its words, each once.
fn read_keyword(segment: &SegmentReader, path: &str) -> tantivy::Result<SegmentNorms> {
    let mut norms = SegmentNorms { docs: 0, words: 0, bytes: Box::default() };
    if let Some(column) = segment.fast_fields().str(&values_column(path))? {
        for doc in 0..segment.max_doc() {
            let values = column.term_ords(doc).count() as u64;
            norms.docs += u64::from(values > 0);
            norms.words += values;
        }
    }
    Ok(norms)
}

/// Lengths up to 40 are exact; from there four bits of mantissa are kept.
const EXACT: u32 = 24;

/// The byte Lucene writes for a length (`SmallFloat.intToByte4`).
pub(super) fn to_byte(length: u32) -> u8 {
    if length < EXACT {
        return length as u8;
    }
    let rest = length - EXACT;
    let bits = 32 - rest.leading_zeros();
    if bits < 4 {
        return (EXACT + rest) as u8;
    }
    let shift = bits - 4;
    let mantissa = (rest >> shift) & 7;
    (EXACT + ((shift + 1) << 3 | mantissa)) as u8
}

/// The length a byte stands for.
pub(super) fn from_byte(byte: u8) -> u32 {
    let byte = u32::from(byte);
    if byte < EXACT {
        return byte;
    }
    let code = byte - EXACT;
    let (shift, mantissa) = (code >> 3, code & 7);
    if shift == 0 { EXACT + mantissa } else { EXACT.saturating_add((mantissa | 8) << (shift - 1)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_round_down_to_four_bits() {
        for length in 0..40 {
            assert_eq!(from_byte(to_byte(length)), length);
        }
        for (length, kept) in [(40, 40), (41, 40), (42, 42), (100, 96), (1000, 984), (100_000, 98_328)] {
            assert_eq!(from_byte(to_byte(length)), kept, "{length}");
        }
        for byte in 0..=254 {
            assert_eq!(to_byte(from_byte(byte)), byte, "{byte}");
        }
    }
}
