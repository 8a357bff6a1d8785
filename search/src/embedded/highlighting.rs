//! Marks in the texts of a hit: which words of a value are those that the query looks for in that field. The text is analysed
//! again; conditions mark only where they hold, so a branch of an `or` that fails for the document marks nothing.
//! Where the text is cut is settled in `passages`.

use std::collections::BTreeSet;
use std::ops::Bound;
use std::sync::Arc;

use serde_json::Value as Json;
use tantivy::query::{EnableScoring, Weight};
use tantivy::{DocAddress, DocSet, Searcher};

use super::super::pattern;
use super::super::value::{Value, from_document};
use super::super::{
    Analyzer, Error, Exact, FieldRef, Filter, Fuzziness, Highlight, HighlightRequest, Kind, Operator, Query, Range, Rank, Result,
    Source, TextFilter,
};
use super::analysis::{Token, analyze, normalize};
use super::layout::Layout;
use super::machines::{Edits, Machine};
use super::matching::{exact_of, filter_query};
use super::passages::{Mark, Marked, cut};
use super::ranking::{edits, words_of};

/// So many bytes of a text are looked at for marks.
const LONGEST: usize = 1_000_000;

/// What is marked, for each request of a query.
pub(super) struct Marks<'a> {
    requests: Vec<(&'a HighlightRequest, Vec<Finder>)>,
}

/// One thing that is looked for in a field.
enum Finder {
    /// Words of a text; of `all` either each of them is found or none is marked.
    Words { words: Vec<Word>, all: bool },
    /// Words in a row; the last may go on.
    Phrase { words: Vec<String>, goes_on: bool },
    /// Whole values of a keyword.
    Values(Values),
    /// Finders that count only for documents of the condition.
    Branch { holds: Box<dyn Weight>, finders: Vec<Finder> },
}

enum Word {
    Exactly(String),
    Near(Edits),
}

enum Values {
    These(BTreeSet<String>),
    Between(Bound<String>, Bound<String>),
    Like(pattern::Machine),
    Near(Edits),
    Beginning(String),
}

impl<'a> Marks<'a> {
    pub(super) fn of(layout: &Layout, searcher: &Searcher, query: &'a Query) -> Result<Marks<'a>> {
        let mut requests = Vec::with_capacity(query.fetch.highlights.len());
        for request in &query.fetch.highlights {
            let mut finders = Finders { layout, searcher, field: &request.field, found: Vec::new() };
            if let Some(Rank::Text(text)) = &query.rank {
                for _ in text.fields.iter().filter(|(field, _)| field.path == request.field.path) {
                    finders.add_words(&text.query, text.fuzziness, text.operator == Operator::And)?;
                }
            }
            finders.add(&query.filter)?;
            requests.push((request, finders.found));
        }
        Ok(Marks { requests })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// What must be read of a document to mark it.
    pub(super) fn paths(&self) -> impl Iterator<Item = Arc<str>> {
        self.requests.iter().map(|(request, _)| Arc::from(request.field.path.as_str()))
    }

    pub(super) fn highlight(&self, searcher: &Searcher, at: DocAddress, source: &Source) -> Result<Vec<Highlight>> {
        let mut highlights = Vec::new();
        for (request, finders) in &self.requests {
            let values = texts_at(source, &request.field);
            let marked = match &request.field.kind {
                Kind::Text { analyzer, .. } => mark_texts(searcher, at, finders, analyzer, values)?,
                Kind::Keyword(exact) => mark_values(searcher, at, finders, exact, values)?,
                _ => continue,
            };
            let fragments = cut(&marked, request.fragment_size as usize, request.fragments as usize);
            if !fragments.is_empty() {
                highlights.push(Highlight { field: request.field.path.clone(), fragments });
            }
        }
        Ok(highlights)
    }
}

struct Finders<'a> {
    layout: &'a Layout,
    searcher: &'a Searcher,
    field: &'a FieldRef,
    found: Vec<Finder>,
}

impl Finders<'_> {
    fn add_words(&mut self, text: &str, fuzziness: Fuzziness, all: bool) -> Result<()> {
        let words = words_of(self.field, text)?;
        let near = |word: &str| Some(edits(fuzziness, word)).filter(|most| *most > 0).map(|most| Edits::new(word, most));
        if let Kind::Keyword(_) = self.field.kind {
            for word in words {
                self.found.push(Finder::Values(match near(&word) {
                    Some(near) => Values::Near(near),
                    None => Values::These([word].into()),
                }));
            }
            return Ok(());
        }
        if fuzziness != Fuzziness::None {
            // exact words are looked for a second time, beside those found by edits: passages with them are worth more
            self.found.push(Finder::Words { words: words.iter().cloned().map(Word::Exactly).collect(), all: false });
        }
        let words = words.into_iter().map(|word| near(&word).map_or_else(|| Word::Exactly(word), Word::Near)).collect();
        self.found.push(Finder::Words { words, all });
        Ok(())
    }

    fn add(&mut self, filter: &Filter) -> Result<()> {
        match filter {
            Filter::And(parts) => parts.iter().try_for_each(|part| self.add(part)),
            Filter::Or(parts) => parts.iter().try_for_each(|part| self.add_branch(part)),
            Filter::OneOf(field, values) if self.is_keyword(field) => {
                let texts = values.iter().filter_map(|value| self.normal(value)).collect();
                self.found.push(Finder::Values(Values::These(texts)));
                Ok(())
            }
            Filter::Range(field, range) if self.is_keyword(field) => {
                self.add_range(range);
                Ok(())
            }
            Filter::Pattern(field, pattern) if self.is_keyword(field) => {
                if let Some(exact) = exact_of(self.field) {
                    self.found.push(Finder::Values(Values::Like(exact.pattern(pattern).machine())));
                }
                Ok(())
            }
            Filter::Words(field, words) if field.path == self.field.path => self.add_text(words),
            _ => Ok(()),
        }
    }

    /// A branch marks only where it holds. Single conditions on the field see that for themselves.
    fn add_branch(&mut self, branch: &Filter) -> Result<()> {
        let Filter::And(_) = branch else { return self.add(branch) };
        let mut inside = Finders { found: Vec::new(), ..*self };
        inside.add(branch)?;
        if !inside.found.is_empty() {
            let query = filter_query(self.layout, branch)?;
            let holds = query.weight(EnableScoring::disabled_from_searcher(self.searcher)).map_err(Error::internal)?;
            self.found.push(Finder::Branch { holds, finders: inside.found });
        }
        Ok(())
    }

    fn is_keyword(&self, field: &FieldRef) -> bool {
        field.path == self.field.path && matches!(field.kind, Kind::Keyword(_))
    }

    fn normal(&self, value: &Value) -> Option<String> {
        match value {
            Value::Text(text) => exact_of(self.field).map(|exact| normalize(exact, text)),
            _ => None,
        }
    }

    fn add_range(&mut self, range: &Range) {
        let bound = |side: &Option<(Value, bool)>| match side {
            Some((value, inside)) => match (self.normal(value), inside) {
                (Some(text), true) => Bound::Included(text),
                (Some(text), false) => Bound::Excluded(text),
                (None, _) => Bound::Unbounded,
            },
            None => Bound::Unbounded,
        };
        // without bounds it asks only whether there is a value, and that marks nothing
        if range.lower.is_some() || range.upper.is_some() {
            self.found.push(Finder::Values(Values::Between(bound(&range.lower), bound(&range.upper))));
        }
    }

    fn add_text(&mut self, words: &TextFilter) -> Result<()> {
        let (TextFilter::Any(text) | TextFilter::Phrase(text) | TextFilter::PhrasePrefix(text)) = words;
        let found = words_of(self.field, text)?;
        let finder = match (words, &self.field.kind) {
            (TextFilter::PhrasePrefix(_), Kind::Keyword(_)) => {
                found.into_iter().next().map(|word| Finder::Values(Values::Beginning(word)))
            }
            (_, Kind::Keyword(_)) => Some(Finder::Values(Values::These(found.into_iter().collect()))),
            (TextFilter::Any(_), _) => Some(Finder::Words { words: found.into_iter().map(Word::Exactly).collect(), all: false }),
            (_, _) if found.is_empty() => None,
            (other, _) => Some(Finder::Phrase { words: found, goes_on: matches!(other, TextFilter::PhrasePrefix(_)) }),
        };
        self.found.extend(finder);
        Ok(())
    }
}

/// The finders that count for a document, those in branches that hold among them.
fn counting<'f>(searcher: &Searcher, at: DocAddress, finders: &'f [Finder], all: &mut Vec<&'f Finder>) -> Result<()> {
    for finder in finders {
        match finder {
            Finder::Branch { holds, finders } => {
                let segment = searcher.segment_reader(at.segment_ord);
                let mut documents = holds.scorer(segment, 1.0).map_err(Error::internal)?;
                if documents.doc() <= at.doc_id && documents.seek(at.doc_id) == at.doc_id {
                    counting(searcher, at, finders, all)?;
                }
            }
            other => all.push(other),
        }
    }
    Ok(())
}

fn mark_texts(
    searcher: &Searcher,
    at: DocAddress,
    finders: &[Finder],
    analyzer: &Analyzer,
    texts: Vec<String>,
) -> Result<Vec<Marked>> {
    let mut all = Vec::new();
    counting(searcher, at, finders, &mut all)?;
    let tokens: Vec<Vec<Token>> = texts.iter().map(|text| analyze(analyzer, looked_at(text))).collect();
    let mut marks: Vec<Vec<(usize, usize, usize)>> = vec![Vec::new(); texts.len()];
    let mut of = 0;
    for finder in all {
        match finder {
            Finder::Words { words, all } => {
                let mut found = Vec::new();
                let mut complete = true;
                for word in words {
                    let before = found.len();
                    for (place, tokens) in tokens.iter().enumerate() {
                        let hits = tokens.iter().filter(|token| word.is(&token.word));
                        found.extend(hits.map(|token| (place, (token.start, token.end, of))));
                    }
                    complete &= found.len() > before;
                    of += 1;
                }
                if complete || !all {
                    for (place, mark) in found {
                        marks[place].push(mark);
                    }
                }
            }
            Finder::Phrase { words, goes_on } => {
                for (place, tokens) in tokens.iter().enumerate() {
                    for row in tokens.windows(words.len()) {
                        if is_phrase(row, words, *goes_on) {
                            marks[place].push((row[0].start, row[row.len() - 1].end, of));
                        }
                    }
                }
                of += 1;
            }
            Finder::Values(_) | Finder::Branch { .. } => {}
        }
    }
    Ok(texts.into_iter().zip(marks).map(|(text, marks)| in_characters(text, marks)).collect())
}

impl Word {
    fn is(&self, word: &str) -> bool {
        match self {
            Word::Exactly(wanted) => wanted == word,
            Word::Near(near) => near.reads(word),
        }
    }
}

fn is_phrase(row: &[Token], words: &[String], goes_on: bool) -> bool {
    let last = words.len() - 1;
    row.iter().zip(words).enumerate().all(|(place, (token, word))| {
        if goes_on && place == last { token.word.starts_with(word.as_str()) } else { token.word == *word }
    })
}

fn looked_at(text: &str) -> &str {
    if text.len() <= LONGEST {
        return text;
    }
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

/// Places of bytes become places of characters.
fn in_characters(text: String, marks: Vec<(usize, usize, usize)>) -> Marked {
    let mut marks: Vec<Mark> = if text.is_ascii() {
        marks.into_iter().map(|(start, end, of)| Mark { start, end, of }).collect()
    } else {
        let starts: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let place = |byte: usize| starts.partition_point(|at| *at < byte);
        marks.into_iter().map(|(start, end, of)| Mark { start: place(start), end: place(end), of }).collect()
    };
    marks.sort_unstable();
    marks.dedup();
    Marked { text, marks, whole: false }
}

fn mark_values(
    searcher: &Searcher,
    at: DocAddress,
    finders: &[Finder],
    exact: &Exact,
    texts: Vec<String>,
) -> Result<Vec<Marked>> {
    let mut all = Vec::new();
    counting(searcher, at, finders, &mut all)?;
    let kept = |text: &String| exact.ignore_above.is_none_or(|most| text.encode_utf16().count() <= most as usize);
    Ok(texts
        .into_iter()
        .filter(kept)
        .map(|text| {
            let normal = normalize(exact, &text);
            let end = text.chars().count();
            let hits =
                all.iter().enumerate().filter(|(_, finder)| matches!(finder, Finder::Values(values) if values.hold(&normal)));
            let marks = hits.map(|(of, _)| Mark { start: 0, end, of }).collect();
            Marked { text, marks, whole: true }
        })
        .collect())
}

impl Values {
    fn hold(&self, value: &str) -> bool {
        match self {
            Values::These(wanted) => wanted.contains(value),
            Values::Between(lower, upper) => {
                let above = match lower {
                    Bound::Included(lower) => value >= lower.as_str(),
                    Bound::Excluded(lower) => value > lower.as_str(),
                    Bound::Unbounded => true,
                };
                above
                    && match upper {
                        Bound::Included(upper) => value <= upper.as_str(),
                        Bound::Excluded(upper) => value < upper.as_str(),
                        Bound::Unbounded => true,
                    }
            }
            Values::Like(machine) => machine.matches(value),
            Values::Near(near) => near.reads(value),
            Values::Beginning(beginning) => value.starts_with(beginning.as_str()),
        }
    }
}

/// The texts at a field's path, in order; keys may hold dots, lists are taken apart.
fn texts_at(source: &Source, field: &FieldRef) -> Vec<String> {
    let mut texts = Vec::new();
    collect(source, &field.path, &mut |value| {
        if let Ok(Some(Value::Text(text))) = from_document(&field.kind, value) {
            texts.push(text);
        }
    });
    texts
}

fn collect(object: &Source, path: &str, found: &mut dyn FnMut(&Json)) {
    for (key, value) in object {
        match path.strip_prefix(key.as_str()) {
            Some("") => each(value, found),
            Some(rest) => {
                if let Some(rest) = rest.strip_prefix('.') {
                    each(value, &mut |value| {
                        if let Json::Object(inner) = value {
                            collect(inner, rest, found);
                        }
                    });
                }
            }
            None => {}
        }
    }
}

fn each(value: &Json, found: &mut dyn FnMut(&Json)) {
    match value {
        Json::Array(elements) => elements.iter().for_each(|element| each(element, found)),
        other => found(other),
    }
}
