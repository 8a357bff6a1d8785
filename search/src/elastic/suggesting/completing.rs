//! Values that begin so: the documents that have one, and of these the values that begin so, counted. It respects whatever the
//! search does, as a suggester of Elasticsearch would not.

use serde_json::{Map, Value as Json, json};

use super::super::compute::{buckets, count, lacking, part};
use super::super::patterns;
use crate::suggest::beginning;
use crate::{Error, Exact, FieldRef, Kind, Result, Slot, Suggestion};

/// So many values come from each shard, so that counts are exact unless one has more of them.
const OF_A_SHARD: u32 = 2_000;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Completing {
    exact: Exact,
    prefix: String,
    first: u32,
}

impl Completing {
    pub(super) fn of(field: &FieldRef, prefix: &str, first: u32) -> Result<Completing> {
        let (Kind::Keyword(exact) | Kind::Text { exact: Some(exact), .. }) = &field.kind else {
            return Err(Error::invalid(format!("values of {} cannot be completed", field.path)));
        };
        Ok(Completing { exact: exact.clone(), prefix: prefix.to_owned(), first })
    }

    /// Documents with a value that begins so.
    pub(super) fn narrowing(&self) -> Result<Option<Json>> {
        if self.prefix.is_empty() {
            return Ok(None);
        }
        patterns::query(&self.exact.path, &self.exact.pattern(&beginning(&self.prefix)?)).map(Some)
    }

    pub(super) fn add(&self, slot: Slot, aggs: &mut Map<String, Json>) -> Result<()> {
        let size = self.first.max(1);
        let mut terms = json!({
            "field": self.exact.path, "size": size, "shard_size": size.max(OF_A_SHARD),
            "order": [{ "_count": "desc" }, { "_key": "asc" }],
        });
        if !self.prefix.is_empty() {
            let lowered = self.exact.normalizer.as_deref() == Some("lowercase");
            terms["include"] = json!(patterns::beginning(&self.prefix, lowered)?);
        }
        let among = self.narrowing()?.unwrap_or_else(|| json!({ "match_all": {} }));
        aggs.insert(format!("values{slot}"), json!({ "filter": among, "aggs": { "v": { "terms": terms } } }));
        Ok(())
    }

    pub(super) fn read(&self, slot: Slot, aggregations: Option<&Json>) -> Result<Vec<Suggestion>> {
        let values = part(part(aggregations.unwrap_or(&Json::Null), &format!("values{slot}"))?, "v")?;
        let one = |bucket: &Json| {
            let text = bucket.get("key").and_then(Json::as_str).ok_or_else(|| lacking("a value"))?;
            Ok(Suggestion { text: text.to_owned(), count: count(bucket)? })
        };
        buckets(values)?.iter().take(self.first as usize).map(one).collect()
    }
}
