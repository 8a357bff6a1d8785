//! Words that may have been meant, from the words of the index. [`Suggest`] says which.

use std::collections::HashMap;

use tantivy::Searcher;

use super::super::spelling::{Candidate, Replacement, most_edits, nearest, pieces, rewritten};
use super::super::{Error, FieldRef, Filter, Kind, Query, Result, Slot, Suggest, Suggested};
use super::analysis::{Token, analyze};
use super::codes;
use super::layout::Layout;
use super::machines::{Edits, OnTerms};
use super::sets::Borrowed;

pub(super) fn suggest(layout: &Layout, searcher: &Searcher, query: &Query) -> Result<Vec<(Slot, Suggested)>> {
    let one = |(slot, suggest): &(Slot, Suggest)| match suggest {
        // it would tell words of documents that this viewer may not see
        Suggest::DidYouMean { .. } if query.rule != Filter::All => Ok((*slot, Suggested::DidYouMean(None))),
        Suggest::DidYouMean { text, fields } => {
            Ok((*slot, Suggested::DidYouMean(did_you_mean(&Words { layout, searcher }, text, fields)?)))
        }
        Suggest::Relaxed { .. } => Err(Error::Unsupported("telling which words to drop".into())),
        Suggest::Complete { .. } => Err(Error::Unsupported("completing values".into())),
    };
    query.suggest.iter().map(one).collect()
}

fn did_you_mean(words: &Words<'_>, text: &str, fields: &[FieldRef]) -> Result<Option<Vec<(String, bool)>>> {
    let mut changes = Vec::new();
    for (start, end) in pieces(text) {
        let piece = &text[start..end];
        let cut = |field: &FieldRef| match &field.kind {
            Kind::Text { analyzer, .. } => analyze(analyzer, piece),
            _ => Vec::new(),
        };
        let tokens: Vec<(&FieldRef, Vec<Token>)> = fields.iter().map(|field| (field, cut(field))).collect();
        let mut known = false;
        for (field, tokens) in &tokens {
            let mut all = !tokens.is_empty();
            for token in tokens {
                all &= words.documents(field, &token.word)? > 0;
            }
            known |= all;
        }
        if known {
            continue;
        }
        // the same word may be cut from several fields
        let mut found: HashMap<(usize, usize), (String, Vec<Candidate>)> = HashMap::new();
        for (field, tokens) in &tokens {
            for token in tokens {
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

struct Words<'a> {
    layout: &'a Layout,
    searcher: &'a Searcher,
}

impl Words<'_> {
    fn documents(&self, field: &FieldRef, word: &str) -> Result<u64> {
        let mut term = tantivy::Term::from_field_bytes(self.layout.words, &[]);
        term.append_bytes(&codes::text_term(&field.path, word));
        self.searcher.doc_freq(&term).map_err(Error::internal)
    }

    fn near(&self, field: &FieldRef, word: &str, into: &mut Vec<Candidate>) -> Result<()> {
        let most = most_edits(word);
        if most == 0 {
            return Ok(());
        }
        let prefix = codes::term_prefix(&field.path);
        let machine = OnTerms { prefix: prefix.clone().into(), machine: std::sync::Arc::new(Edits::new(word, most)) };
        let mut counts: HashMap<String, u64> = HashMap::new();
        for segment in self.searcher.segment_readers() {
            let index = segment.inverted_index(self.layout.words).map_err(Error::internal)?;
            let mut stream = index.terms().search(Borrowed(&machine)).into_stream().map_err(Error::internal)?;
            while stream.advance() {
                let Some(Ok(found)) = stream.key().get(prefix.len()..).map(std::str::from_utf8) else { continue };
                *counts.entry(found.to_owned()).or_default() += u64::from(stream.value().doc_freq);
            }
        }
        into.extend(counts.into_iter().map(|(word, documents)| Candidate { word, documents }));
        Ok(())
    }
}
