//! Vectors of documents, and the nearest to one that is given: exact, over all documents that the conditions leave. The vectors of a
//! segment are read once and kept; a vector of 384 numbers takes 1.5 kB.

use std::sync::Arc;

use moka::sync::Cache;
use tantivy::index::SegmentId;
use tantivy::query::{EnableScoring, Explanation, Query, Scorer, Weight};
use tantivy::{DocId, DocSet, Score, Searcher, SegmentReader, TERMINATED, TantivyError};

use super::super::{Error, FieldRef, Kind, Result, Similarity, vector};

/// The column of all vectors of a document: each is the path, a zero byte, and its numbers.
pub(super) const VECTORS: &str = "vectors";

/// Bytes of vectors that are kept, over all fields and segments of an index. Beyond that they are read for every search.
const KEPT: u64 = 1 << 30;
/// So many documents are looked at between two looks at the clock.
const STEP: u32 = 4_096;

/// Vectors by segment and path.
#[derive(Clone, Debug)]
pub(super) struct Vectors(Cache<(SegmentId, Arc<str>), Arc<SegmentVectors>>);

/// The vectors of one field in one segment.
#[derive(Debug)]
struct SegmentVectors {
    dims: usize,
    /// For each document the place of its vector, and `NONE` where it has none.
    places: Box<[u32]>,
    numbers: Vec<f32>,
}

const NONE: u32 = u32::MAX;

impl Default for Vectors {
    fn default() -> Self {
        let weigh = |_: &(SegmentId, Arc<str>), vectors: &Arc<SegmentVectors>| {
            u32::try_from((vectors.numbers.len() + vectors.places.len()) * 4 + 64).unwrap_or(u32::MAX)
        };
        Vectors(Cache::builder().max_capacity(KEPT).weigher(weigh).build())
    }
}

/// What the column holds of a vector.
pub(super) fn write(path: &str, vector: &[f32]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(path.len() + 1 + vector.len() * 4);
    bytes.extend_from_slice(path.as_bytes());
    bytes.push(0);
    for number in vector {
        bytes.extend_from_slice(&number.to_le_bytes());
    }
    bytes
}

impl Vectors {
    fn of(&self, segment: &SegmentReader, path: &str) -> Result<Arc<SegmentVectors>> {
        self.0
            .try_get_with((segment.segment_id(), Arc::from(path)), || read(segment, path).map(Arc::new))
            .map_err(|error: Arc<TantivyError>| Error::internal(error))
    }

    /// The `k` nearest among the documents that `conditions` leaves, as a query that scores them.
    pub(super) fn nearest(
        &self,
        searcher: &Searcher,
        conditions: &dyn Query,
        asked: &Nearest<'_>,
        stopped: &dyn Fn() -> bool,
    ) -> Result<Box<dyn Query>> {
        vector::check(asked.field, asked.vector)?;
        let Kind::Vector { similarity, .. } = &asked.field.kind else {
            return Err(Error::internal("a vector that is none"));
        };
        let weight = conditions.weight(EnableScoring::disabled_from_searcher(searcher)).map_err(Error::internal)?;
        let mut found: Vec<(f32, usize, DocId)> = Vec::new();
        for (at, segment) in searcher.segment_readers().iter().enumerate() {
            let vectors = self.of(segment, &asked.field.path)?;
            let alive = segment.alive_bitset();
            let mut docs = weight.scorer(segment, 1.0).map_err(Error::internal)?;
            let mut looked_at = 0_u32;
            let mut doc = docs.doc();
            while doc != TERMINATED {
                looked_at += 1;
                if looked_at.is_multiple_of(STEP) && stopped() {
                    return Err(Error::Timeout);
                }
                if let Some(vector) = vectors.get(doc).filter(|_| alive.is_none_or(|alive| alive.is_alive(doc)))
                    && vector.len() == asked.vector.len()
                {
                    found.push((score(*similarity, asked.vector, vector), at, doc));
                }
                doc = docs.advance();
            }
        }
        let k = asked.k as usize;
        let better = |a: &(f32, usize, DocId), b: &(f32, usize, DocId)| b.0.total_cmp(&a.0).then((a.1, a.2).cmp(&(b.1, b.2)));
        if found.len() > k {
            if k > 0 {
                found.select_nth_unstable_by(k - 1, better);
            }
            found.truncate(k);
        }
        let mut segments: Vec<(SegmentId, Vec<(DocId, f32)>)> =
            searcher.segment_readers().iter().map(|segment| (segment.segment_id(), Vec::new())).collect();
        for (score, at, doc) in found {
            segments[at].1.push((doc, score));
        }
        for (_, docs) in &mut segments {
            docs.sort_unstable_by_key(|(doc, _)| *doc);
        }
        let segments = segments.into_iter().map(|(id, docs)| (id, Arc::from(docs))).collect();
        Ok(Box::new(Found { segments }))
    }
}

/// What is looked for.
pub(super) struct Nearest<'a> {
    pub(super) field: &'a FieldRef,
    pub(super) vector: &'a [f32],
    pub(super) k: u32,
}

impl SegmentVectors {
    fn get(&self, doc: DocId) -> Option<&[f32]> {
        let place = *self.places.get(doc as usize)?;
        if place == NONE {
            return None;
        }
        let from = place as usize * self.dims;
        self.numbers.get(from..from + self.dims)
    }
}

fn read(segment: &SegmentReader, path: &str) -> tantivy::Result<SegmentVectors> {
    let mut vectors = SegmentVectors { dims: 0, places: vec![NONE; segment.max_doc() as usize].into(), numbers: Vec::new() };
    let Some(column) = segment.fast_fields().bytes(VECTORS)? else { return Ok(vectors) };
    let beginning = [path.as_bytes(), &[0]].concat();
    let end = [path.as_bytes(), &[1]].concat();
    let mut stream = column.dictionary().range().ge(&beginning).lt(&end).into_stream()?;
    let (mut first, mut count) = (0, 0_u32);
    while stream.advance() {
        let bytes = stream.key().get(beginning.len()..).unwrap_or_default();
        if count == 0 {
            (first, vectors.dims) = (stream.term_ord(), bytes.len() / 4);
        }
        // the mapping sees to it that all are of one length
        if bytes.len() != vectors.dims * 4 {
            return Err(TantivyError::InternalError(format!("vectors of several lengths at {path}")));
        }
        vectors.numbers.extend(bytes.chunks_exact(4).map(|four| f32::from_le_bytes([four[0], four[1], four[2], four[3]])));
        count += 1;
    }
    for doc in 0..segment.max_doc() {
        let here = column.term_ords(doc).find(|ord| (first..first + u64::from(count)).contains(ord));
        if let Some(ord) = here {
            vectors.places[doc as usize] = u32::try_from(ord - first).unwrap_or(NONE);
        }
    }
    Ok(vectors)
}

/// As Elasticsearch scores: never negative, greater is nearer.
fn score(similarity: Similarity, one: &[f32], other: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| -> f32 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    match similarity {
        Similarity::Cosine => {
            let lengths = (dot(one, one) * dot(other, other)).sqrt();
            (1.0 + if lengths == 0.0 { 0.0 } else { dot(one, other) / lengths }) / 2.0
        }
        Similarity::DotProduct => ((1.0 + dot(one, other)) / 2.0).max(0.0),
        Similarity::L2Norm => {
            let squared: f32 = one.iter().zip(other).map(|(a, b)| (a - b) * (a - b)).sum();
            1.0 / (1.0 + squared)
        }
        Similarity::MaxInnerProduct => match dot(one, other) {
            product if product < 0.0 => 1.0 / (1.0 - product),
            product => product + 1.0,
        },
    }
}

/// Documents found, with their scores, of each segment of the searcher.
#[derive(Clone, Debug)]
struct Found {
    segments: Vec<(SegmentId, Scored)>,
}

type Scored = Arc<[(DocId, f32)]>;

impl Query for Found {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for Found {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        let docs = self.segments.iter().find(|(id, _)| *id == segment.segment_id()).map(|(_, docs)| docs.clone());
        let docs = docs.ok_or_else(|| TantivyError::InternalError("a segment of another searcher".into()))?;
        Ok(Box::new(FoundScorer { docs, at: 0, boost }))
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(segment, 1.0)?;
        if scorer.doc() <= doc && scorer.seek(doc) == doc {
            return Ok(Explanation::new("nearness of a vector", scorer.score()));
        }
        Err(TantivyError::InvalidArgument("the vector is not among the nearest".into()))
    }
}

struct FoundScorer {
    docs: Arc<[(DocId, f32)]>,
    at: usize,
    boost: Score,
}

impl DocSet for FoundScorer {
    fn advance(&mut self) -> DocId {
        self.at = (self.at + 1).min(self.docs.len());
        self.doc()
    }

    fn doc(&self) -> DocId {
        self.docs.get(self.at).map_or(TERMINATED, |(doc, _)| *doc)
    }

    fn size_hint(&self) -> u32 {
        u32::try_from(self.docs.len()).unwrap_or(u32::MAX)
    }
}

impl Scorer for FoundScorer {
    fn score(&mut self) -> Score {
        self.docs.get(self.at).map_or(0.0, |(_, score)| score * self.boost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_elasticsearch() {
        let close = |a: f32, b: f32| assert!((a - b).abs() < 1e-6, "{a} {b}");
        close(score(Similarity::Cosine, &[1.0, 0.0], &[0.0, 2.0]), 0.5);
        close(score(Similarity::Cosine, &[1.0, 1.0], &[3.0, 3.0]), 1.0);
        close(score(Similarity::DotProduct, &[0.6, 0.8], &[0.8, 0.6]), 0.98);
        close(score(Similarity::L2Norm, &[0.0, 0.0], &[3.0, 4.0]), 1.0 / 26.0);
        close(score(Similarity::MaxInnerProduct, &[1.0, 2.0], &[-1.0, 0.0]), 0.5);
        close(score(Similarity::MaxInnerProduct, &[1.0, 2.0], &[1.0, 1.0]), 4.0);
    }
}
