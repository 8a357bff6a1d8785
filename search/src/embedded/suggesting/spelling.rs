//! Words that may have been meant, from the words of the index.

use std::collections::HashMap;

use tantivy::postings::TermInfo;
use tantivy::schema::IndexRecordOption;
use tantivy::{BitSet, InvertedIndexReader, Searcher};

use super::super::super::spelling::{Candidate, Replacement, most_edits, nearest, pieces, rewritten};
use super::super::super::suggest::WORDS_MOST;
use super::super::super::{Error, FieldRef, Filter, Fuzziness, Kind, Operator, Query, Rank, Result, TextMatch};
use super::super::analysis::{Token, analyze};
use super::super::codes;
use super::super::compute::Rows;
use super::super::layout::Layout;
use super::super::machines::{Edits, OnTerms};
use super::super::matching::every;
use super::super::searching::{View, match_query};
use super::super::sets::Borrowed;

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
    let words = Words { layout: &view.layout, searcher: &view.searcher, seen: Seen::of(view, rule)? };
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

/// Which documents of each segment count.
enum Seen {
    /// All that are not deleted.
    Alive,
    /// Those the rule lets through, of each segment.
    Some(Vec<BitSet>),
}

impl Seen {
    fn of(view: &View<'_>, rule: &Filter) -> Result<Seen> {
        if *rule == Filter::All {
            return Ok(Seen::Alive);
        }
        let through = every(&view.layout, std::iter::once(rule))?;
        let rows = Rows::of(&view.searcher, through.as_ref(), view.stopped)?;
        let set = |(segment, docs): (&tantivy::SegmentReader, &Vec<u32>)| {
            let mut set = BitSet::with_max_value(segment.max_doc());
            for doc in docs {
                set.insert(*doc);
            }
            set
        };
        Ok(Seen::Some(view.searcher.segment_readers().iter().zip(&rows.entries).map(set).collect()))
    }
}

struct Words<'a> {
    layout: &'a Layout,
    searcher: &'a Searcher,
    seen: Seen,
}

impl Words<'_> {
    fn documents(&self, field: &FieldRef, word: &str) -> Result<u64> {
        let term = codes::text_term(&field.path, word);
        let mut documents = 0;
        for (at, segment) in self.searcher.segment_readers().iter().enumerate() {
            let index = segment.inverted_index(self.layout.words).map_err(Error::internal)?;
            if let Some(info) = index.terms().get(&term).map_err(Error::internal)? {
                documents += self.count(at, &index, &info)?;
            }
        }
        Ok(documents)
    }

    /// Documents of a segment that have a term.
    fn count(&self, at: usize, index: &InvertedIndexReader, info: &TermInfo) -> Result<u64> {
        let segment = self.searcher.segment_reader(u32::try_from(at).map_err(Error::internal)?);
        match &self.seen {
            Seen::Alive => super::completing::alive(segment, index, info),
            Seen::Some(sets) => {
                let mut block =
                    index.read_block_postings_from_terminfo(info, IndexRecordOption::Basic).map_err(Error::internal)?;
                let mut count = 0;
                while !block.docs().is_empty() {
                    count += block.docs().iter().filter(|doc| sets[at].contains(**doc)).count() as u64;
                    block.advance();
                }
                Ok(count)
            }
        }
    }

    fn near(&self, field: &FieldRef, word: &str, into: &mut Vec<Candidate>) -> Result<()> {
        let most = most_edits(word);
        if most == 0 {
            return Ok(());
        }
        let prefix = codes::term_prefix(&field.path);
        let machine = OnTerms { prefix: prefix.clone().into(), machine: std::sync::Arc::new(Edits::new(word, most)) };
        let mut counts: HashMap<String, u64> = HashMap::new();
        for (at, segment) in self.searcher.segment_readers().iter().enumerate() {
            let index = segment.inverted_index(self.layout.words).map_err(Error::internal)?;
            let mut stream = index.terms().search(Borrowed(&machine)).into_stream().map_err(Error::internal)?;
            while stream.advance() {
                let Some(Ok(found)) = stream.key().get(prefix.len()..).map(std::str::from_utf8) else { continue };
                *counts.entry(found.to_owned()).or_default() += self.count(at, &index, stream.value())?;
            }
        }
        let some = counts.into_iter().filter(|(_, documents)| *documents > 0);
        into.extend(some.map(|(word, documents)| Candidate { word, documents }));
        Ok(())
    }
}
