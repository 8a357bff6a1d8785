//! Words that may have been meant: a term suggester for each field, and beside it a count, past the query, of the documents that
//! have each piece of the text. [`crate::Suggest`] says what is made of it.
//!
//! A suggester looks past a rule and past the filter of an alias. There every word is taken for a wrong one, and what the suggester
//! names is counted by a search behind both before it is told: a word of hidden documents alone is not known, and never told.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::spelling::{Candidate, Replacement, nearest, pieces, rewritten};
use crate::suggest::WORDS_MOST;
use crate::{Collection, FieldRef, Kind, Origin, Slot};

/// Candidates of one word in one field: far more than are as near as the nearest.
const CANDIDATES: u32 = 50;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Spelling {
    text: String,
    fields: Vec<FieldRef>,
    /// What the rule says a document must be.
    rule: Vec<Json>,
    /// There is a rule, or an alias that may have a filter.
    in_doubt: bool,
}

/// Better texts with a flag for what is changed; `None`: nothing is.
type Made = Option<Vec<(String, bool)>>;

/// The words of a text by where they stand (bytes), and what the suggesters of the fields (by their places) name for them.
type Named = BTreeMap<(usize, usize), Vec<(usize, Word)>>;

#[derive(Debug, Clone)]
struct Word {
    word: String,
    options: Vec<Candidate>,
}

impl Spelling {
    pub(super) fn of(text: &str, fields: &[FieldRef], collection: &Collection, rule: &[Json]) -> Option<Spelling> {
        let fields: Vec<_> = fields.iter().filter(|field| matches!(field.kind, Kind::Text { .. })).cloned().collect();
        let in_doubt = !rule.is_empty() || collection.origin != Origin::Index;
        // a suggester fails the whole search where one of several indices lacks the field
        let one_index = !matches!(&collection.origin, Origin::Many { indices, .. } if indices.len() > 1);
        let some = one_index && !fields.is_empty() && (1..=WORDS_MOST).contains(&pieces(text).len());
        some.then(|| Spelling { text: text.to_owned(), fields, rule: rule.to_vec(), in_doubt })
    }

    pub(super) fn is_in_doubt(&self) -> bool {
        self.in_doubt
    }

    /// What the viewer may see.
    pub(super) fn condition(&self) -> Json {
        json!({ "bool": { "filter": self.rule } })
    }

    pub(super) fn add(&self, slot: Slot, suggesters: &mut Map<String, Json>, aggs: &mut Map<String, Json>) {
        for (at, field) in self.fields.iter().enumerate() {
            let mut term = json!({
                "field": field.path, "suggest_mode": "missing", "max_edits": 2, "prefix_length": 0, "min_word_length": 3,
                "size": CANDIDATES, "shard_size": CANDIDATES,
            });
            if self.in_doubt {
                // also for words that only others may see, however many documents have them
                (term["suggest_mode"], term["max_term_freq"]) = (json!("always"), json!(1_000_000_000));
            }
            suggesters.insert(format!("s{slot}_{at}"), json!({ "text": self.text, "term": term }));
        }
        let known = pieces(&self.text).into_iter().enumerate().map(|(at, (start, end))| {
            let one = |field: &FieldRef| json!({ "match": { field.path.as_str(): { "query": &self.text[start..end], "operator": "and" } } });
            (format!("w{at}"), json!({ "bool": { "should": self.fields.iter().map(one).collect::<Vec<_>>() } }))
        });
        let known: Map<String, Json> = known.collect();
        let among = json!({ "filter": self.condition(), "aggs": { "known": { "filters": { "filters": known } } } });
        aggs.insert(format!("words{slot}"), json!({ "global": {}, "aggs": { "among": among } }));
    }

    /// `None` outside: the answer lacks something.
    pub(super) fn read(&self, slot: Slot, suggest: Option<&Json>, aggregations: Option<&Json>) -> Option<Made> {
        let named = self.named(slot, suggest?, aggregations?)?;
        let changes = named.into_iter().filter_map(|((start, end), words)| {
            let word = words.first()?.1.word.clone();
            let options = words.into_iter().flat_map(|(_, word)| word.options);
            nearest(&word, options).map(|word| Replacement { start, end, word })
        });
        Some(rewritten(&self.text, changes.collect()))
    }

    /// What the suggesters name for the words of pieces that no document has.
    fn named(&self, slot: Slot, suggest: &Json, aggregations: &Json) -> Option<Named> {
        let known = aggregations.get(format!("words{slot}"))?.get("among")?.get("known")?.get("buckets")?;
        let mut unknown = Vec::new();
        for (at, piece) in pieces(&self.text).into_iter().enumerate() {
            if known.get(format!("w{at}"))?.get("doc_count")?.as_u64()? == 0 {
                unknown.push(piece);
            }
        }
        let mut named = Named::new();
        for at in 0..self.fields.len() {
            for entry in suggest.get(format!("s{slot}_{at}"))?.as_array()? {
                let (offset, length) = (entry.get("offset")?.as_u64()?, entry.get("length")?.as_u64()?);
                let (start, end) = (self.byte(offset)?, self.byte(offset + length)?);
                if !unknown.iter().any(|(from, to)| *from <= start && end <= *to) {
                    continue;
                }
                let mut word = Word { word: entry.get("text")?.as_str()?.to_owned(), options: Vec::new() };
                for option in entry.get("options")?.as_array()? {
                    let (text, documents) = (option.get("text")?.as_str()?.to_owned(), option.get("freq")?.as_u64()?);
                    word.options.push(Candidate { word: text, documents });
                }
                named.entry((start, end)).or_default().push((at, word));
            }
        }
        Some(named)
    }

    /// The words to be counted; none where every piece is known, or nothing is like it.
    pub(super) fn doubt(&self, slot: Slot, suggest: Option<&Json>, aggregations: Option<&Json>) -> Option<Doubt> {
        let mut named = self.named(slot, suggest?, aggregations?)?;
        named.retain(|_, words| words.iter().any(|(_, word)| !word.options.is_empty()));
        Some(Doubt { spelling: self.clone(), named })
    }

    /// Elasticsearch counts UTF-16 units.
    fn byte(&self, units: u64) -> Option<usize> {
        let mut left = usize::try_from(units).ok()?;
        for (at, letter) in self.text.char_indices() {
            if left == 0 {
                return Some(at);
            }
            left = left.checked_sub(letter.len_utf16())?;
        }
        (left == 0).then_some(self.text.len())
    }
}

/// Words that may be what was meant, still to be counted among the documents that the viewer may see.
#[derive(Debug, Clone)]
pub(super) struct Doubt {
    spelling: Spelling,
    named: Named,
}

impl Doubt {
    pub(super) fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Counts of the words written, and of those named for them, in the order of `named`.
    pub(super) fn aggregation(&self) -> Json {
        let words = self.words();
        let one = |(at, (field, word)): (usize, (usize, &str))| {
            let path = self.spelling.fields[field].path.as_str();
            (format!("c{at}"), json!({ "term": { path: { "value": word } } }))
        };
        json!({ "filters": { "filters": words.into_iter().enumerate().map(one).collect::<Map<_, _>>() } })
    }

    fn words(&self) -> Vec<(usize, &str)> {
        let each = self.named.values().flatten();
        each.flat_map(|(field, word)| {
            let options = word.options.iter().map(|option| option.word.as_str());
            [word.word.as_str()].into_iter().chain(options).map(|word| (*field, word))
        })
        .collect()
    }

    /// `None` outside: the answer lacks something.
    pub(super) fn settle(&self, counts: &Json) -> Option<Made> {
        let buckets = counts.get("buckets")?;
        let mut at = 0;
        let mut next = || {
            let count = buckets.get(format!("c{at}"))?.get("doc_count")?.as_u64();
            at += 1;
            count
        };
        let mut changes = Vec::new();
        for ((start, end), words) in &self.named {
            let mut candidates = Vec::new();
            for (_, word) in words {
                // in a field that has the word itself it is not wrong
                let known = next()? > 0;
                for option in &word.options {
                    let documents = next()?;
                    if documents > 0 && !known {
                        candidates.push(Candidate { word: option.word.clone(), documents });
                    }
                }
            }
            let written = words.first().map(|(_, word)| word.word.as_str()).unwrap_or_default();
            changes.extend(nearest(written, candidates).map(|word| Replacement { start: *start, end: *end, word }));
        }
        Some(rewritten(&self.spelling.text, changes))
    }
}
