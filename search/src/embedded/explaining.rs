//! Why a hit has its score: its words are looked up again, one by one, in the document that was found.

use tantivy::query::{EnableScoring, Weight};
use tantivy::{DocAddress, DocId, DocSet, Searcher, SegmentReader};

use super::super::explanation;
use super::super::{Error, Explanation, FieldRef, Operator, Query, Rank, Result, TextMatch};
use super::layout::Layout;
use super::ranking::{FOUND, ScoredWord, found_query, scored_word, words_of};

/// What the scores of a query are made of.
pub(super) enum Explaining<'a> {
    Words(Vec<InField<'a>>),
    Vector(&'a FieldRef),
}

/// The words of a query in one field.
pub(super) struct InField<'a> {
    field: &'a FieldRef,
    /// Each must be there, or none counts.
    all: bool,
    words: Vec<Word>,
}

struct Word {
    text: String,
    exact: ScoredWord,
    /// Where edits are allowed: what is found by them, and what that is worth.
    near: Option<(Box<dyn Weight>, f32)>,
}

impl<'a> Explaining<'a> {
    /// `None`: nothing is explained, for nobody asks or nothing is ranked.
    pub(super) fn of(layout: &Layout, searcher: &Searcher, query: &'a Query) -> Result<Option<Self>> {
        Ok(match &query.rank {
            Some(Rank::Text(text)) if query.fetch.explanation => Some(Explaining::Words(fields(layout, searcher, text)?)),
            Some(Rank::Knn { field, .. }) if query.fetch.explanation => Some(Explaining::Vector(field)),
            // each of its rankings is asked for itself
            _ => None,
        })
    }

    pub(super) fn explain(&self, searcher: &Searcher, at: DocAddress, score: f32) -> Result<Option<Explanation>> {
        match self {
            Explaining::Vector(field) => Ok(Some(explanation::near(&field.path, explanation::digits(score)))),
            Explaining::Words(fields) => {
                let segment = searcher.segment_reader(at.segment_ord);
                let mut found = Vec::with_capacity(fields.len());
                for field in fields {
                    found.extend(field.explain(segment, at.doc_id)?);
                }
                Ok(explanation::best(found))
            }
        }
    }
}

fn fields<'a>(layout: &Layout, searcher: &Searcher, text: &'a TextMatch) -> Result<Vec<InField<'a>>> {
    let mut fields = Vec::with_capacity(text.fields.len());
    for (field, boost) in &text.fields {
        let mut words = Vec::new();
        for word in words_of(field, &text.query)? {
            let near = match found_query(layout, field, &word, text.fuzziness) {
                Some(found) => {
                    let weight = found.weight(EnableScoring::disabled_from_searcher(searcher)).map_err(Error::internal)?;
                    Some((weight, FOUND * boost))
                }
                None => None,
            };
            let exact = scored_word(layout, searcher, field, &word, *boost)?;
            words.push(Word { text: word, exact, near });
        }
        fields.push(InField { field, all: text.operator == Operator::And, words });
    }
    Ok(fields)
}

impl InField<'_> {
    fn explain(&self, segment: &SegmentReader, doc: DocId) -> Result<Option<Explanation>> {
        let mut found = Vec::with_capacity(self.words.len());
        for word in &self.words {
            let before = found.len();
            if let Some((weight, worth)) = &word.near
                && holds(weight.as_ref(), segment, doc)?
            {
                found.push(explanation::found(&self.field.path, &word.text, explanation::digits(*worth)));
            }
            if let Some((score, parts)) = word.exact.parts(segment, doc).map_err(Error::internal)? {
                found.push(explanation::word(&self.field.path, &word.text, explanation::digits(score), &parts));
            }
            if self.all && found.len() == before {
                return Ok(None);
            }
        }
        Ok(explanation::sum(found))
    }
}

fn holds(weight: &dyn Weight, segment: &SegmentReader, doc: DocId) -> Result<bool> {
    let mut scorer = weight.scorer(segment, 1.0).map_err(Error::internal)?;
    Ok(scorer.doc() <= doc && scorer.seek(doc) == doc)
}
