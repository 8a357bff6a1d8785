//! Which word to drop: past the query, a count for each text with one word less. [`crate::Suggest`] says what is made of it.

use serde_json::{Map, Value as Json, json};

use super::super::compute::{count, part};
use super::super::ranking;
use crate::relaxing::{Shorter, shorter, told};
use crate::{Rank, Relaxed, Result, Slot, TextMatch};

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Relaxing {
    shorter: Vec<Shorter>,
    /// What a document must be beside the words.
    conditions: Vec<Json>,
}

impl Relaxing {
    pub(super) fn of(text: &TextMatch, conditions: &[Json]) -> Result<Relaxing> {
        Ok(Relaxing { shorter: shorter(text), conditions: conditions.to_vec() })
    }

    pub(super) fn add(&self, slot: Slot, aggs: &mut Map<String, Json>) -> Result<()> {
        if self.shorter.is_empty() {
            return Ok(());
        }
        let mut texts = Map::new();
        for (at, shorter) in self.shorter.iter().enumerate() {
            let found = ranking::rank(&Rank::Text(shorter.text.clone()))?;
            texts.insert(format!("t{at}"), found.unwrap_or_else(|| json!({ "match_none": {} })));
        }
        let counted = json!({ "filter": { "bool": { "filter": self.conditions } }, "aggs": { "texts": { "filters": { "filters": texts } } } });
        aggs.insert(format!("shorter{slot}"), json!({ "global": {}, "aggs": { "among": counted } }));
        Ok(())
    }

    pub(super) fn read(&self, slot: Slot, aggregations: Option<&Json>, found: u64) -> Result<Vec<Relaxed>> {
        if self.shorter.is_empty() {
            return Ok(Vec::new());
        }
        let all = aggregations.unwrap_or(&Json::Null);
        let buckets = part(part(part(part(all, &format!("shorter{slot}"))?, "among")?, "texts")?, "buckets")?;
        let counts = (0..self.shorter.len()).map(|at| count(part(buckets, &format!("t{at}"))?)).collect::<Result<Vec<_>>>()?;
        Ok(told(self.shorter.clone(), counts, found))
    }
}
