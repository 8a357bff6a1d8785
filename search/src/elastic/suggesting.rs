//! Words that may have been meant: a term suggester for each field, and beside it a count, past the query, of the documents that
//! have each piece of the text. [`Suggest`] says what is made of it. Pure.

use std::collections::HashMap;

use serde_json::{Map, Value as Json, json};

use crate::spelling::{Candidate, Replacement, nearest, pieces, rewritten};
use crate::{Collection, Error, FieldRef, Filter, Kind, Origin, Query, Result, Slot, Suggest, Suggested};

/// Candidates of one word in one field: far more than are as near as the nearest.
const CANDIDATES: u32 = 50;

/// What is needed to read the answers: the text, and where its suggesters are; none where nothing may be suggested.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Suggesting(Vec<(Slot, Option<Asked>)>);

#[derive(Debug, Clone, PartialEq)]
struct Asked {
    text: String,
    fields: Vec<FieldRef>,
}

impl Suggesting {
    pub(super) fn of(query: &Query, collection: &Collection) -> Result<Suggesting> {
        let one = |(slot, suggest): &(Slot, Suggest)| match suggest {
            Suggest::DidYouMean { text, fields } => {
                let fields: Vec<_> = fields.iter().filter(|field| matches!(field.kind, Kind::Text { .. })).cloned().collect();
                // it passes over the query, and over the filter of an alias
                let may = query.rule == Filter::All && collection.origin == Origin::Index;
                let some = may && !fields.is_empty() && !pieces(text).is_empty();
                Ok((*slot, some.then(|| Asked { text: text.clone(), fields })))
            }
            Suggest::Relaxed { .. } => Err(Error::Unsupported("telling which words to drop".into())),
            Suggest::Complete { .. } => Err(Error::Unsupported("completing values".into())),
        };
        Ok(Suggesting(query.suggest.iter().map(one).collect::<Result<_>>()?))
    }

    /// The part `suggest` of a body, and what goes among its aggregations.
    pub(super) fn body(&self) -> Option<(Json, Map<String, Json>)> {
        let (mut suggesters, mut aggs) = (Map::new(), Map::new());
        for (slot, asked) in &self.0 {
            let Some(Asked { text, fields }) = asked else { continue };
            for (at, field) in fields.iter().enumerate() {
                let term = json!({
                    "field": field.path, "suggest_mode": "missing", "max_edits": 2, "prefix_length": 0, "min_word_length": 3,
                    "size": CANDIDATES, "shard_size": CANDIDATES,
                });
                suggesters.insert(format!("s{slot}_{at}"), json!({ "text": text, "term": term }));
            }
            let paths: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
            let known = pieces(text).into_iter().enumerate().map(|(at, (start, end))| {
                let words = json!({ "query": &text[start..end], "fields": paths, "type": "best_fields", "operator": "and" });
                (format!("w{at}"), json!({ "filter": { "multi_match": words } }))
            });
            let known: Map<String, Json> = known.collect();
            aggs.insert(format!("words{slot}"), json!({ "global": {}, "aggs": known }));
        }
        (!suggesters.is_empty()).then_some((Json::Object(suggesters), aggs))
    }

    pub(super) fn read(&self, suggest: Option<&Json>, aggregations: Option<&Json>) -> Result<Vec<(Slot, Suggested)>> {
        let one = |(slot, asked): &(Slot, Option<Asked>)| {
            let made = match asked {
                Some(asked) => asked
                    .read(*slot, suggest, aggregations)
                    .ok_or_else(|| Error::internal("an answer to a search whose suggestions make no sense"))?,
                None => None,
            };
            Ok((*slot, Suggested::DidYouMean(made)))
        };
        self.0.iter().map(one).collect()
    }
}

impl Asked {
    /// `None`: the answer lacks something.
    #[expect(clippy::option_option, reason = "a fault of the answer is not the same as no suggestion")]
    fn read(&self, slot: Slot, suggest: Option<&Json>, aggregations: Option<&Json>) -> Option<Option<Vec<(String, bool)>>> {
        let known = aggregations?.get(format!("words{slot}"))?;
        let mut unknown = Vec::new();
        for (at, piece) in pieces(&self.text).into_iter().enumerate() {
            if known.get(format!("w{at}"))?.get("doc_count")?.as_u64()? == 0 {
                unknown.push(piece);
            }
        }
        let mut found: HashMap<(usize, usize), (String, Vec<Candidate>)> = HashMap::new();
        for at in 0..self.fields.len() {
            for entry in suggest?.get(format!("s{slot}_{at}"))?.as_array()? {
                let (offset, length) = (entry.get("offset")?.as_u64()?, entry.get("length")?.as_u64()?);
                let (start, end) = (self.byte(offset)?, self.byte(offset + length)?);
                if !unknown.iter().any(|(from, to)| *from <= start && end <= *to) {
                    continue;
                }
                let word = entry.get("text")?.as_str()?;
                let candidates = &mut found.entry((start, end)).or_insert_with(|| (word.to_owned(), Vec::new())).1;
                for option in entry.get("options")?.as_array()? {
                    let (word, documents) = (option.get("text")?.as_str()?.to_owned(), option.get("freq")?.as_u64()?);
                    candidates.push(Candidate { word, documents });
                }
            }
        }
        let changes = found.into_iter().filter_map(|((start, end), (word, candidates))| {
            nearest(&word, candidates).map(|word| Replacement { start, end, word })
        });
        Some(rewritten(&self.text, changes.collect()))
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
