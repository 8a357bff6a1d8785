//! Words score as in Lucene: BM25 over documents that have the field, the best field counts, words found by their edits score
//! a constant below the exact ones. [`TextMatch`] says what is promised.

use std::sync::Arc;

use tantivy::postings::{Postings, SegmentPostings};
use tantivy::query::{
    BooleanQuery, ConstScoreQuery, DisjunctionMaxQuery, EmptyQuery, EmptyScorer, EnableScoring, Explanation, Occur, Query,
    Scorer, Weight,
};
use tantivy::schema::IndexRecordOption;
use tantivy::{DocId, DocSet, Score, Searcher, SegmentReader, TERMINATED, TantivyError, Term};

use super::super::explanation::{WordScore, digits};
use super::super::{Error, FieldRef, Fuzziness, Kind, Operator, Result, TextMatch};
use super::analysis::{analyze, normalize};
use super::codes;
use super::layout::Layout;
use super::machines::{Edits, OnTerms};
use super::norms::{SegmentNorms, from_byte};
use super::sets::Set;

const K1: f32 = 1.2;
const B: f32 = 0.75;
/// Elasticsearch still multiplies by k1 + 1, which the formula had at first.
const SCALE: f32 = 2.2;
/// What a word is worth that is found, by its edits or exactly, where edits are allowed.
pub(super) const FOUND: f32 = 0.1;

pub(super) fn text_query(layout: &Layout, searcher: &Searcher, text: &TextMatch) -> Result<Box<dyn Query>> {
    let mut fields = Vec::with_capacity(text.fields.len());
    for (field, boost) in &text.fields {
        fields.push(field_query(layout, searcher, text, field, *boost)?);
    }
    Ok(match fields.len() {
        0 => return Err(Error::invalid("a search needs at least one field")),
        1 => fields.swap_remove(0),
        _ => Box::new(DisjunctionMaxQuery::new(fields)),
    })
}

fn field_query(layout: &Layout, searcher: &Searcher, text: &TextMatch, field: &FieldRef, boost: f32) -> Result<Box<dyn Query>> {
    if field.nested.is_some() {
        return Err(Error::Unsupported(format!("a search in `{}`, which lies in nested elements,", field.path)));
    }
    let mut words: Vec<Box<dyn Query>> = Vec::new();
    for word in words_of(field, &text.query)? {
        words.push(word_query(layout, searcher, field, &word, text.fuzziness, boost)?);
    }
    if words.len() < 2 {
        return Ok(words.pop().unwrap_or_else(|| Box::new(EmptyQuery)));
    }
    let occur = if text.operator == Operator::And { Occur::Must } else { Occur::Should };
    Ok(Box::new(BooleanQuery::new(words.into_iter().map(|word| (occur, word)).collect())))
}

/// The words that a field looks for; of a keyword the whole text is one.
pub(super) fn words_of(field: &FieldRef, text: &str) -> Result<Vec<String>> {
    match &field.kind {
        Kind::Text { analyzer, .. } => Ok(analyze(analyzer, text).into_iter().map(|token| token.word).collect()),
        Kind::Keyword(_) if text.is_empty() => Ok(Vec::new()),
        Kind::Keyword(exact) => Ok(vec![normalize(exact, text)]),
        _ => Err(Error::invalid(format!("`{}` cannot be searched for words", field.path))),
    }
}

/// How many edits a word may be away.
pub(super) fn edits(fuzziness: Fuzziness, word: &str) -> u8 {
    match fuzziness {
        Fuzziness::None => 0,
        Fuzziness::One => 1,
        Fuzziness::Two => 2,
        Fuzziness::Auto => match word.chars().count() {
            0..=2 => 0,
            3..=5 => 1,
            _ => 2,
        },
    }
}

fn word_query(
    layout: &Layout,
    searcher: &Searcher,
    field: &FieldRef,
    word: &str,
    fuzziness: Fuzziness,
    boost: f32,
) -> Result<Box<dyn Query>> {
    let exact: Box<dyn Query> = Box::new(scored_word(layout, searcher, field, word, boost)?);
    let Some(found) = found_query(layout, field, word, fuzziness) else { return Ok(exact) };
    let found = ConstScoreQuery::new(found, FOUND * boost);
    Ok(Box::new(BooleanQuery::new(vec![(Occur::Must, Box::new(found)), (Occur::Should, exact)])))
}

/// Where the words of a field are.
fn path_of(field: &FieldRef) -> &str {
    field.exact_path().filter(|_| matches!(field.kind, Kind::Keyword(_))).unwrap_or(&field.path)
}

pub(super) fn scored_word(layout: &Layout, searcher: &Searcher, field: &FieldRef, word: &str, boost: f32) -> Result<ScoredWord> {
    ScoredWord::new(layout, searcher, path_of(field), field, word, boost)
}

/// The documents with the word as it stands or by its edits; `None` where no edits are allowed.
pub(super) fn found_query(layout: &Layout, field: &FieldRef, word: &str, fuzziness: Fuzziness) -> Option<Box<dyn Query>> {
    if fuzziness == Fuzziness::None {
        return None;
    }
    let path = path_of(field);
    let index = if matches!(field.kind, Kind::Keyword(_)) { layout.values } else { layout.words };
    Some(Box::new(match edits(fuzziness, word) {
        0 => Set::Terms { field: index, terms: [codes::text_term(path, word)].into() },
        most => {
            let machine = OnTerms { prefix: codes::term_prefix(path).into(), machine: Arc::new(Edits::new(word, most)) };
            Set::Edits { field: index, machine }
        }
    }))
}

/// One word in one field, with what its score needs.
#[derive(Clone, Debug)]
pub(super) struct ScoredWord {
    term: Term,
    keyword: bool,
    /// One for each segment of the searcher, in its order, told apart by their ids.
    norms: Arc<Vec<(tantivy::index::SegmentId, Arc<SegmentNorms>)>>,
    /// Boost and rarity.
    weight: f32,
    /// For each byte of a length: 1 / (k1 · (1 − b + b · length / average)).
    inverse: Arc<[f32; 256]>,
    /// What both were made of.
    boost: f32,
    documents: u64,
    found: u64,
    average: f32,
}

impl ScoredWord {
    fn new(layout: &Layout, searcher: &Searcher, path: &str, field: &FieldRef, word: &str, boost: f32) -> Result<Self> {
        let keyword = matches!(field.kind, Kind::Keyword(_));
        let mut term = Term::from_field_bytes(if keyword { layout.values } else { layout.words }, &[]);
        term.append_bytes(&codes::text_term(path, word));
        let mut norms = Vec::new();
        for segment in searcher.segment_readers() {
            let of = if keyword { layout.norms.of_keyword(segment, path)? } else { layout.norms.of_text(segment, path)? };
            norms.push((segment.segment_id(), of));
        }
        let statistics = layout.norms.statistics(searcher, path, !keyword)?;
        let found = searcher.doc_freq(&term).map_err(Error::internal)?;
        let average = statistics.average_length();
        let inverse = std::array::from_fn(|byte| {
            let length = from_byte(u8::try_from(byte).unwrap_or(u8::MAX)) as f32;
            1.0 / (K1 * ((1.0 - B) + B * length / average))
        });
        let (all, with) = (statistics.docs as f64, found as f64);
        let rarity = (1.0 + (all - with + 0.5) / (with + 0.5)).ln() as f32;
        Ok(ScoredWord {
            term,
            keyword,
            norms: Arc::new(norms),
            weight: SCALE * boost * rarity,
            inverse: Arc::new(inverse),
            boost,
            documents: statistics.docs,
            found,
            average,
        })
    }

    /// `None`: it is not in the segment.
    fn in_segment(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Option<WordScorer>> {
        let index = segment.inverted_index(self.term.field())?;
        let option = if self.keyword { IndexRecordOption::Basic } else { IndexRecordOption::WithFreqs };
        let Some(postings) = index.read_postings(&self.term, option)?.filter(|postings| postings.doc() != TERMINATED) else {
            return Ok(None);
        };
        let norms = self.norms.iter().find(|(id, _)| *id == segment.segment_id()).map(|(_, norms)| norms.clone());
        let norms = norms.ok_or_else(|| TantivyError::InternalError("a segment of another searcher".into()))?;
        let (keyword, inverse) = (self.keyword, self.inverse.clone());
        Ok(Some(WordScorer { postings, norms, inverse, keyword, weight: self.weight * boost }))
    }

    /// The score of a document and what it is made of; `None` where the word is not in it.
    pub(super) fn parts(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Option<(f32, WordScore)>> {
        let Some(mut scorer) = self.in_segment(segment, 1.0)? else { return Ok(None) };
        if scorer.doc() > doc || scorer.seek(doc) != doc {
            return Ok(None);
        }
        let length = from_byte(scorer.norms.byte(doc));
        let parts = WordScore {
            boost: digits(SCALE * self.boost),
            found: self.found as f64,
            documents: self.documents as f64,
            frequency: digits(scorer.frequency()),
            k1: digits(K1),
            b: digits(B),
            length: length.into(),
            average: digits(self.average),
        };
        Ok(Some((scorer.score(), parts)))
    }
}

impl Query for ScoredWord {
    fn weight(&self, _: EnableScoring<'_>) -> tantivy::Result<Box<dyn Weight>> {
        Ok(Box::new(self.clone()))
    }
}

impl Weight for ScoredWord {
    fn scorer(&self, segment: &SegmentReader, boost: Score) -> tantivy::Result<Box<dyn Scorer>> {
        Ok(match self.in_segment(segment, boost)? {
            Some(scorer) => Box::new(scorer),
            None => Box::new(EmptyScorer),
        })
    }

    fn explain(&self, segment: &SegmentReader, doc: DocId) -> tantivy::Result<Explanation> {
        let mut scorer = self.scorer(segment, 1.0)?;
        if scorer.doc() <= doc && scorer.seek(doc) == doc {
            return Ok(Explanation::new("BM25 of a word", scorer.score()));
        }
        Err(TantivyError::InvalidArgument("the word is not in the document".into()))
    }
}

struct WordScorer {
    postings: SegmentPostings,
    norms: Arc<SegmentNorms>,
    inverse: Arc<[f32; 256]>,
    keyword: bool,
    weight: f32,
}

impl WordScorer {
    /// How often the word is in the document.
    fn frequency(&self) -> f32 {
        if self.keyword { 1.0 } else { self.postings.term_freq() as f32 }
    }
}

impl DocSet for WordScorer {
    fn advance(&mut self) -> DocId {
        self.postings.advance()
    }

    fn seek(&mut self, target: DocId) -> DocId {
        self.postings.seek(target)
    }

    fn doc(&self) -> DocId {
        self.postings.doc()
    }

    fn size_hint(&self) -> u32 {
        self.postings.size_hint()
    }
}

impl Scorer for WordScorer {
    fn score(&mut self) -> Score {
        let count = self.frequency();
        let norm = self.inverse[usize::from(self.norms.byte(self.postings.doc()))];
        // the same operations in the same order as Lucene, so that equal scores stay equal
        self.weight - self.weight / (1.0 + count * norm)
    }
}
