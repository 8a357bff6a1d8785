//! Words that may have been meant, from the words of the index.

use std::collections::HashMap;

use super::super::super::spelling::{Candidate, Replacement, most_edits, nearest, pieces, rewritten};
use super::super::super::suggest::WORDS_MOST;
use super::super::super::{Error, FieldRef, Filter, Fuzziness, Kind, Operator, Query, Rank, Result, TextMatch};
use super::super::analysis::{Token, analyze};
use super::super::codes;
use super::super::compute::Rows;
use super::super::machines::{Edits, OnTerms};
use super::super::searching::{View, match_query};
use super::super::sets::Borrowed;
use super::seen::Seen;

pub(super) fn did_you_mean(
    view: &View<'_>,
    rule: &Filter,
    text: &str,
    fields: &[FieldRef],
) -> Result<Option<Vec<(String, bool)>>> {
    let fields: Vec<&FieldRef> = fields.iter().filter(|field| matches!(field.kind, Kind::Text { .. })).collect();
    let pieces = pieces(text);
    if fields.is_empty() || pieces.len() > WORDS_MOST {
        return Ok(None);
    }
    let words = Words { view, seen: Seen::of(view, rule)? };
    let mut changes = Vec::new();
    for (start, end) in pieces {
        let piece = &text[start..end];
        if is_known(view, rule, piece, &fields)? {
            continue;
        }
        // the same word may be cut from several fields
        let mut found: HashMap<(usize, usize), (String, Vec<Candidate>)> = HashMap::new();
        for field in &fields {
            for token in cut(field, piece) {
                if words.documents(field, &token.word)? > 0 {
                    continue;
                }
                let entry = found.entry((token.start, token.end)).or_insert_with(|| (token.word.clone(), Vec::new()));
                words.near(field, &token.word, &mut entry.1)?;
            }
        }
        changes.extend(found.into_iter().filter_map(|((from, to), (word, candidates))| {
            nearest(&word, candidates).map(|word| Replacement { start: start + from, end: start + to, word })
        }));
    }
    Ok(rewritten(text, changes))
}

fn cut(field: &FieldRef, piece: &str) -> Vec<Token> {
    match &field.kind {
        Kind::Text { analyzer, .. } => analyze(analyzer, piece),
        _ => Vec::new(),
    }
}

/// Whether some document has all words of the piece in one of the fields.
fn is_known(view: &View<'_>, rule: &Filter, piece: &str, fields: &[&FieldRef]) -> Result<bool> {
    let fields = fields.iter().map(|field| ((*field).clone(), 1.0)).collect();
    let text = TextMatch { query: piece.to_owned(), fields, operator: Operator::And, fuzziness: Fuzziness::None };
    let mut query = Query::new(super::super::super::CollectionName::hidden("spelling"));
    (query.rank, query.rule) = (Some(Rank::Text(text)), rule.clone());
    let matches = match_query(view, &query, std::iter::empty())?;
    Ok(Rows::of(&view.searcher, matches.as_ref(), view.stopped)?.count() > 0)
}

struct Words<'a> {
    view: &'a View<'a>,
    seen: Seen,
}

impl Words<'_> {
    fn documents(&self, field: &FieldRef, word: &str) -> Result<u64> {
        let term = codes::text_term(&field.path, word);
        let mut documents = 0;
        for (at, segment) in self.view.searcher.segment_readers().iter().enumerate() {
            let index = segment.inverted_index(self.view.layout.words).map_err(Error::internal)?;
            if let Some(info) = index.terms().get(&term).map_err(Error::internal)? {
                documents += self.seen.count(self.view, at, &index, &info)?;
            }
        }
        Ok(documents)
    }

    fn near(&self, field: &FieldRef, word: &str, into: &mut Vec<Candidate>) -> Result<()> {
        let most = most_edits(word);
        if most == 0 {
            return Ok(());
        }
        let prefix = codes::term_prefix(&field.path);
        let machine = OnTerms { prefix: prefix.clone().into(), machine: std::sync::Arc::new(Edits::new(word, most)) };
        let mut counts: HashMap<String, u64> = HashMap::new();
        for (at, segment) in self.view.searcher.segment_readers().iter().enumerate() {
            let index = segment.inverted_index(self.view.layout.words).map_err(Error::internal)?;
            let mut stream = index.terms().search(Borrowed(&machine)).into_stream().map_err(Error::internal)?;
            while stream.advance() {
                let Some(Ok(found)) = stream.key().get(prefix.len()..).map(std::str::from_utf8) else { continue };
                *counts.entry(found.to_owned()).or_default() += self.seen.count(self.view, at, &index, stream.value())?;
            }
        }
        let some = counts.into_iter().filter(|(_, documents)| *documents > 0);
        into.extend(some.map(|(word, documents)| Candidate { word, documents }));
        Ok(())
    }
}
