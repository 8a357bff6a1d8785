//! Facets: the first values of a field, buckets, and what is told about the field as a whole.

use serde_json::{Value as Json, json};

use super::Aggs;
use super::answers::{buckets, count, part, whole};
use super::keys::{Key, documents, path, start, word};
use super::metrics::{distinct, read_distinct, read_stats};
use crate::search::compute::interval::{LISTED_MOST, Steps};
use crate::search::elastic::patterns;
use crate::search::{Computed, Counts, Facet, FacetOrder, Result, Slot, ValueCount};

/// So many values come from each shard, so that counts are exact unless one has more of them.
const OF_A_SHARD: u64 = 2_000;
/// Values that are counted one by one, where only those that contain something count.
const CONTAINING_MOST: u64 = 50_000;

pub(super) fn add(slot: Slot, facet: &Facet, into: &mut Aggs) -> Result<()> {
    let field = path(&facet.field)?;
    let mut put = |letter: char, aggregation: Json| into.insert(format!("{slot}{letter}"), aggregation);
    let include = facet.containing.as_deref().map(patterns::containing).transpose()?;
    if let Some(first) = facet.values {
        let mut order: Vec<Json> = facet
            .order
            .iter()
            .map(|order| match order {
                FacetOrder::Count(direction) => json!({"_count": word(*direction)}),
                FacetOrder::Value(direction) => json!({"_key": word(*direction)}),
            })
            .collect();
        if order.is_empty() {
            order.push(json!({"_count": "desc"}));
        }
        order.push(json!({"_key": "asc"}));
        let size = u64::from(first.max(1));
        let mut terms = json!({"field": field, "size": size, "shard_size": size.max(OF_A_SHARD), "order": order});
        if let Some(include) = &include {
            terms["include"] = json!(include);
        }
        put('v', json!({ "terms": terms }));
    }
    if facet.distinct {
        put(
            'd',
            match &include {
                Some(include) => json!({"terms": {"field": field, "size": CONTAINING_MOST, "include": include}}),
                None => distinct(field),
            },
        );
    }
    if facet.missing {
        put('m', json!({"missing": {"field": field}}));
    }
    if facet.interval.is_some() || !facet.ranges.is_empty() {
        put('b', key(facet).aggregation(0, &[])?);
    }
    if facet.stats {
        put('s', json!({"stats": {"field": field}}));
    }
    Ok(())
}

fn key(facet: &Facet) -> Key<'_> {
    Key { field: &facet.field, interval: facet.interval.as_ref(), ranges: &facet.ranges }
}

pub(super) fn read(slot: Slot, facet: &Facet, within: &Json) -> Result<Computed> {
    let answer = |letter: char| part(within, &format!("{slot}{letter}"));
    let (mut values, mut other, mut whole_list) = (Vec::new(), 0, None);
    if let Some(first) = facet.values {
        let terms = answer('v')?;
        let plain = Key { field: &facet.field, interval: None, ranges: &[] };
        let found = plain.read(terms)?;
        other = whole(terms, "sum_other_doc_count")?;
        whole_list = (other == 0).then_some(found.len() as u64);
        for (at, (bucket, _)) in found.into_iter().enumerate() {
            if at < first as usize {
                values.push(ValueCount { value: bucket.lower, count: bucket.count });
            } else {
                other += bucket.count.documents;
            }
        }
    }
    let mut known = None;
    if facet.distinct {
        known = match (whole_list, &facet.containing) {
            (Some(all), _) => Some((all, true)),
            (None, Some(_)) => {
                let terms = answer('d')?;
                if whole(terms, "sum_other_doc_count")? > 0 {
                    return Ok(Computed::TooMany(CONTAINING_MOST));
                }
                Some((buckets(terms)?.len() as u64, true))
            }
            (None, None) => Some(read_distinct(answer('d')?)?),
        };
    }
    if facet.missing {
        values.push(ValueCount { value: None, count: documents(count(answer('m')?)?) });
    }
    let mut listed = Vec::new();
    if let Some(interval) = &facet.interval {
        let steps = Steps::of(interval, &facet.field.kind)?;
        let counted = buckets(answer('b')?)?
            .iter()
            .map(|bucket| Ok((start(&facet.field, bucket)?, documents(count(bucket)?))))
            .collect::<Result<_>>()?;
        match steps.fill(counted, Counts::default()) {
            Some(filled) => listed = filled,
            None => return Ok(Computed::TooMany(LISTED_MOST)),
        }
    } else if !facet.ranges.is_empty() {
        listed = key(facet).read(answer('b')?)?.into_iter().map(|(bucket, _)| bucket).collect();
    }
    let stats = if facet.stats { Some(read_stats(answer('s')?)?) } else { None };
    Ok(Computed::Facet { values, other, distinct: known, buckets: listed, stats })
}
