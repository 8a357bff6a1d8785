//! Facets: the first values of a field, buckets, and what is told about the field as a whole.

use serde_json::{Value as Json, json};

use super::answers::{buckets, count, part, whole};
use super::keys::{Key, lost, path, read_lost, start, word};
use super::levels::{add_documents, counts, reach, reached};
use super::metrics::{distinct, read_distinct, read_stats};
use super::{Aggs, with};
use crate::compute::choosing::compare_values;
use crate::compute::interval::{LISTED_MOST, Start, Steps};
use crate::elastic::patterns;
use crate::{Computed, Counts, Facet, FacetOrder, Result, Slot, ValueCount};

/// So many values come from each shard, so that counts are exact unless one has more of them.
const OF_A_SHARD: u64 = 2_000;
/// Values that are counted one by one, where only those that contain something count.
const CONTAINING_MOST: u64 = 50_000;

pub(super) fn add(slot: Slot, facet: &Facet, into: &mut Aggs) -> Result<()> {
    let field = path(&facet.field)?;
    let level = facet.field.nested.as_deref();
    let mut aggs = Aggs::new();
    let mut put = |letter: char, aggregation: Json| aggs.insert(format!("{slot}{letter}"), aggregation);
    let include = facet.containing.as_deref().map(patterns::containing).transpose()?;
    let mut documents = Aggs::new();
    add_documents(level, &mut documents);
    if let Some(first) = facet.values {
        let mut terms = match level {
            None => {
                let size = u64::from(first.max(1));
                json!({"field": field, "size": size, "shard_size": size.max(OF_A_SHARD), "order": order(facet)})
            }
            // by documents, of which more than one element may be: all are listed, and ordered here
            Some(_) => json!({"field": field, "size": LISTED_MOST}),
        };
        if let Some(include) = &include {
            terms["include"] = json!(include);
        }
        put('v', with(json!({ "terms": terms }), documents.clone()));
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
    if facet.interval.is_some() || !facet.ranges.is_empty() {
        put('b', with(key(facet).aggregation(0, &[])?, documents));
        if let Some(lost) = facet.interval.as_ref().and_then(|interval| lost(&facet.field, interval)) {
            put('l', lost);
        }
    }
    if facet.stats {
        put('s', json!({"stats": {"field": field}}));
    }
    if facet.missing {
        put('m', json!({"missing": {"field": field}}));
        if let Some(list) = level {
            let some = json!({"nested": {"path": list, "query": {"exists": {"field": field}}}});
            into.insert(format!("{slot}m"), json!({"filter": {"bool": {"must_not": [some]}}}));
        }
    }
    reach(&format!("{slot}f"), None, level, aggs, into);
    Ok(())
}

fn order(facet: &Facet) -> Vec<Json> {
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
    order
}

fn key(facet: &Facet) -> Key<'_> {
    Key { field: &facet.field, interval: facet.interval.as_ref(), ranges: &facet.ranges }
}

pub(super) fn read(slot: Slot, facet: &Facet, within: &Json) -> Result<Computed> {
    let level = facet.field.nested.as_deref();
    let entries = reached(&format!("{slot}f"), None, level, within)?;
    let answer = |letter: char| part(entries, &format!("{slot}{letter}"));
    let (mut values, mut other, mut whole_list) = (Vec::new(), 0, None);
    if let Some(first) = facet.values {
        let terms = answer('v')?;
        let plain = Key { field: &facet.field, interval: None, ranges: &[] };
        let mut found: Vec<ValueCount> =
            plain.read(terms)?.into_iter().map(|(bucket, _)| ValueCount { value: bucket.lower, count: bucket.count }).collect();
        other = whole(terms, "sum_other_doc_count")?;
        whole_list = (other == 0).then_some(found.len() as u64);
        if level.is_some() {
            if other > 0 {
                return Ok(Computed::TooMany(LISTED_MOST));
            }
            found.sort_by(|a, b| compare_values(&facet.order, a, b));
        }
        let rest = found.split_off(found.len().min(first as usize));
        other += rest.iter().map(|value| value.count.documents).sum::<u64>();
        values = found;
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
        let without = Counts {
            documents: count(part(within, &format!("{slot}m"))?)?,
            elements: level.map(|_| count(answer('m')?)).transpose()?,
        };
        values.push(ValueCount { value: None, count: without });
    }
    let mut listed = Vec::new();
    if let Some(interval) = &facet.interval {
        let steps = Steps::of(interval, &facet.field.kind)?;
        let mut counted: Vec<_> = buckets(answer('b')?)?
            .iter()
            .map(|bucket| Ok((start(&facet.field, bucket)?, counts(level, bucket)?)))
            .collect::<Result<_>>()?;
        if read_lost(&facet.field, interval, &format!("{slot}l"), entries)? {
            counted.push((Start::Number(f64::NEG_INFINITY), Counts::default()));
        }
        match steps.fill(counted, Counts { documents: 0, elements: level.map(|_| 0) }) {
            Ok(filled) => listed = filled,
            Err(coarser) => return Ok(Computed::TooFine(coarser)),
        }
    } else if !facet.ranges.is_empty() {
        listed = key(facet).read(answer('b')?)?.into_iter().map(|(bucket, _)| bucket).collect();
    }
    let stats = if facet.stats { Some(read_stats(answer('s')?)?) } else { None };
    Ok(Computed::Facet { values, other, distinct: known, buckets: listed, stats })
}
