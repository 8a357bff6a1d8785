//! Groups by one key or several, and what is computed in each of them.
//!
//! The first ones by count or key are a `terms`. A page in the order of one key is a `composite`, which goes on behind any key.
//! Where all must be known (several keys, a condition, the order of a number) all are listed, one level a key, and chosen here.

use serde_json::{Map, Value as Json, json};

use super::answers::{buckets, count, lacking, part, whole};
use super::keys::{Key, documents, path, plain, value, word};
use super::levels::{add_documents, counts, reach, reached};
use super::metrics::{measure, read_measure};
use super::{Aggs, Asking, with};
use crate::compute::choosing::{Chosen, Needed, Row, Way, choose, needed, way};
use crate::compute::interval::LISTED_MOST;
use crate::compute::levels::{Level, Plan, plan};
use crate::{Bucket, Compute, Computed, Error, Group, GroupBy, GroupKey, GroupOrder, Groups, Result, Slot};

/// So many groups come from each shard at least.
const OF_A_SHARD: u64 = 1_000;

pub(super) fn add(
    asking: &Asking<'_>,
    slot: Slot,
    group: &GroupBy,
    level: Level<'_>,
    outermost: bool,
    into: &mut Aggs,
) -> Result<()> {
    let plan = plan(group, level)?;
    let mut inside = Aggs::new();
    add_documents(plan.level, &mut inside);
    for (at, need) in needed(group).iter().enumerate() {
        add_number(&format!("{slot}o{at}"), need, plan.level, &mut inside)?;
    }
    for (slot, compute) in &group.inside {
        super::add(asking, *slot, compute, plan.level, false, &mut inside)?;
    }
    match way(group, outermost) {
        Way::Page => page(slot, group, inside, into),
        way => {
            let mut aggs = Aggs::new();
            let listing = Listing { slot, group, plan: &plan, way };
            listing.add(0, plan.start, inside, &mut aggs)?;
            reach(&format!("{slot}g"), level, plan.start, aggs, into);
            Ok(())
        }
    }
}

fn add_number(name: &str, need: &Needed, level: Level<'_>, into: &mut Aggs) -> Result<()> {
    match need {
        Needed::Measure(field, of) => {
            let aggs = Aggs::from_iter([(name.to_owned(), measure(field, *of)?)]);
            reach(name, level, field.nested.as_deref(), aggs, into);
        }
        Needed::Count { under, .. } => {
            let mut aggs = Aggs::new();
            add_documents(Some(&under.path), &mut aggs);
            reach(name, level, Some(&under.path), aggs, into);
        }
    }
    Ok(())
}

fn read_number(name: &str, need: &Needed, level: Level<'_>, within: &Json) -> Result<Option<f64>> {
    match need {
        Needed::Measure(field, measure) => {
            read_measure(*measure, part(reached(name, level, field.nested.as_deref(), within)?, name)?)
        }
        #[expect(clippy::cast_precision_loss, reason = "no index holds so many elements")]
        Needed::Count { under, elements } => {
            let counts = counts(Some(&under.path), reached(name, level, Some(&under.path), within)?)?;
            Ok(Some(if *elements { counts.elements.unwrap_or_default() } else { counts.documents } as f64))
        }
    }
}

fn key(key: &GroupKey) -> Key<'_> {
    Key { field: &key.field, interval: key.interval.as_ref(), ranges: &key.ranges }
}

fn names(slot: Slot, at: usize) -> [String; 2] {
    [format!("{slot}k{at}"), format!("{slot}m{at}")]
}

/// One level of buckets a key.
struct Listing<'a> {
    slot: Slot,
    group: &'a GroupBy,
    plan: &'a Plan<'a>,
    way: Way,
}

impl Listing<'_> {
    /// The buckets of one key, and inside those of the next.
    fn add(&self, at: usize, level: Level<'_>, inside: Aggs, into: &mut Aggs) -> Result<()> {
        let Some(place) = self.plan.order.get(at) else {
            into.extend(inside);
            return Ok(());
        };
        let here = &self.group.keys[*place];
        let mine = here.field.nested.as_deref().or(self.plan.start);
        let mut below = Aggs::new();
        add_documents(mine, &mut below);
        self.add(at + 1, mine, inside, &mut below)?;
        let (size, order) = match self.way {
            Way::All => (LISTED_MOST, Vec::new()),
            _ => (u64::from(self.group.first.max(1)), order(&self.group.order)),
        };
        let [values, missing] = names(self.slot, at);
        let mut aggregation = key(here).aggregation(size, &order)?;
        if self.way == Way::First {
            aggregation["terms"]["shard_size"] = json!(size.max(OF_A_SHARD));
        }
        let mut aggs = Aggs::from_iter([(values.clone(), with(aggregation, below.clone()))]);
        if here.missing {
            aggs.insert(missing, with(json!({"missing": {"field": path(&here.field)?}}), below));
        }
        reach(&values, level, mine, aggs, into);
        Ok(())
    }

    /// Every combination of keys; false: there are more of them than may be listed.
    fn read<'j>(
        &self,
        at: usize,
        level: Level<'_>,
        before: &mut Vec<Option<Bucket>>,
        within: &'j Json,
        rows: &mut Vec<Row<&'j Json>>,
    ) -> Result<bool> {
        let Some(place) = self.plan.order.get(at) else {
            let needed = needed(self.group);
            let number = |(at, need)| read_number(&format!("{}o{at}", self.slot), need, self.plan.level, within);
            let numbers = needed.iter().enumerate().map(number).collect::<Result<_>>()?;
            let mut key = vec![None; before.len()];
            for (part, place) in before.iter().zip(&self.plan.order) {
                key[*place].clone_from(part);
            }
            rows.push(row(key, numbers, self.plan.level, within)?);
            return Ok(rows.len() as u64 <= LISTED_MOST);
        };
        let here = &self.group.keys[*place];
        let mine = here.field.nested.as_deref().or(self.plan.start);
        let [values, missing] = names(self.slot, at);
        let within = reached(&values, level, mine, within)?;
        let answer = part(within, &values)?;
        if here.interval.is_none() && here.ranges.is_empty() && whole(answer, "sum_other_doc_count")? > 0 {
            return Ok(false);
        }
        let mut found: Vec<(Option<Bucket>, &Json)> =
            key(here).read(answer)?.into_iter().map(|(bucket, json)| (Some(bucket), json)).collect();
        if here.missing {
            found.push((None, part(within, &missing)?));
        }
        for (bucket, json) in found {
            if count(json)? == 0 {
                continue;
            }
            before.push(bucket);
            let whole = self.read(at + 1, mine, before, json, rows)?;
            before.pop();
            if !whole {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

fn order(order: &[GroupOrder]) -> Vec<Json> {
    let mut keys: Vec<Json> = order
        .iter()
        .filter_map(|order| match order {
            GroupOrder::Count(direction) => Some(json!({"_count": word(*direction)})),
            GroupOrder::Key(direction) => Some(json!({"_key": word(*direction)})),
            GroupOrder::Metric { .. } => None,
        })
        .collect();
    if keys.is_empty() {
        keys.push(json!({"_count": "desc"}));
    }
    keys.push(json!({"_key": "asc"}));
    keys
}

/// In the order of one key, from behind some key on; and how much there is in all.
fn page(slot: Slot, group: &GroupBy, inside: Aggs, into: &mut Aggs) -> Result<()> {
    let ([only], [GroupOrder::Key(direction), ..]) = (group.keys.as_slice(), group.order.as_slice()) else {
        return Err(Error::internal("a page of groups by several keys"));
    };
    let field = path(&only.field)?;
    let mut source = json!({"field": field, "order": word(*direction)});
    if only.missing {
        source["missing_bucket"] = json!(true);
        source["missing_order"] = json!("last");
    }
    let mut composite = Map::new();
    composite.insert("size".into(), json!(u64::from(group.first) + 1));
    composite.insert("sources".into(), json!([{"k": {"terms": source}}]));
    if let Some(after) = &group.after {
        let after = after.first().and_then(Option::as_ref).map_or(Json::Null, plain);
        if after.is_null() && !only.missing {
            return Err(Error::invalid("the cursor belongs to other keys"));
        }
        composite.insert("after".into(), json!({ "k": after }));
    }
    let [values, missing] = names(slot, 0);
    into.insert(values, with(json!({ "composite": composite }), inside));
    into.insert(format!("{slot}a"), json!({"terms": {"field": field, "size": 1}}));
    if only.missing {
        into.insert(missing, json!({"missing": {"field": field}}));
    }
    Ok(())
}

pub(super) fn read(
    slot: Slot,
    group: &GroupBy,
    level: Level<'_>,
    outermost: bool,
    within: &Json,
    shards: u64,
) -> Result<Computed> {
    let way = way(group, outermost);
    let plan = plan(group, level)?;
    let start = reached(&format!("{slot}g"), level, plan.start, within)?;
    let (chosen, error_bound) = match way {
        Way::Page => (read_page(slot, group, within)?, Some(0)),
        Way::First => read_first(slot, group, start, shards)?,
        Way::All => {
            let mut rows = Vec::new();
            let listing = Listing { slot, group, plan: &plan, way };
            if !listing.read(0, plan.start, &mut Vec::new(), start, &mut rows)? {
                return Ok(Computed::TooMany(LISTED_MOST));
            }
            match choose(group, way, rows) {
                Some(chosen) => (chosen, Some(0)),
                None => return Ok(Computed::TooMany(LISTED_MOST)),
            }
        }
    };
    let finished = |row: Row<&Json>| {
        let read =
            |(slot, compute): &(Slot, Compute)| Ok((*slot, super::read(*slot, compute, plan.level, false, row.kept, shards)?));
        Ok(Group { key: row.key, count: row.count, inside: group.inside.iter().map(read).collect::<Result<_>>()? })
    };
    let groups = chosen.rows.into_iter().map(finished).collect::<Result<_>>()?;
    Ok(Computed::Groups(Groups { groups, more: chosen.more, other: chosen.other, error_bound }))
}

fn row<'j>(key: Vec<Option<Bucket>>, numbers: Vec<Option<f64>>, level: Level<'_>, bucket: &'j Json) -> Result<Row<&'j Json>> {
    let count = counts(level, bucket)?;
    let key = key.into_iter().map(|part| part.map(|part| Bucket { count, ..part })).collect();
    Ok(Row { key, count, numbers, kept: bucket })
}

/// The group without a value stands apart, and finds its place among the others here.
fn read_first<'j>(slot: Slot, group: &GroupBy, within: &'j Json, shards: u64) -> Result<(Chosen<&'j Json>, Option<u64>)> {
    let [values, missing] = names(slot, 0);
    let answer = part(within, &values)?;
    let only = group.keys.first().ok_or_else(|| lacking("a key"))?;
    let mut rows = Vec::new();
    for (bucket, json) in key(only).read(answer)? {
        rows.push(row(vec![Some(bucket)], Vec::new(), None, json)?);
    }
    if only.missing {
        let absent = part(within, &missing)?;
        if count(absent)? > 0 {
            rows.push(row(vec![None], Vec::new(), None, absent)?);
        }
    }
    let beyond = whole(answer, "sum_other_doc_count")?;
    let mut chosen = choose(group, Way::First, rows).ok_or_else(|| lacking("an end of groups"))?;
    chosen.more = chosen.more || beyond > 0;
    chosen.other += beyond;
    let bound = answer["doc_count_error_upper_bound"].as_i64().ok_or_else(|| lacking("doc_count_error_upper_bound"))?;
    // what one shard counts is exact, also where Elasticsearch does not say so
    Ok((chosen, if shards <= 1 { Some(0) } else { u64::try_from(bound).ok() }))
}

fn read_page<'j>(slot: Slot, group: &GroupBy, within: &'j Json) -> Result<Chosen<&'j Json>> {
    let [values, missing] = names(slot, 0);
    let only = group.keys.first().ok_or_else(|| lacking("a key"))?;
    let mut rows = Vec::new();
    for bucket in buckets(part(within, &values)?)? {
        let found = bucket["key"].get("k").ok_or_else(|| lacking("a key"))?;
        let lower = if found.is_null() { None } else { Some(value(&only.field.kind, found)?) };
        let key = lower.map(|lower| Bucket { lower: Some(lower), upper: None, count: documents(0) });
        rows.push(row(vec![key], Vec::new(), None, bucket)?);
    }
    let totals = part(within, &format!("{slot}a"))?;
    let mut all = whole(totals, "sum_other_doc_count")?;
    for bucket in buckets(totals)? {
        all += count(bucket)?;
    }
    if only.missing {
        all += count(part(within, &missing)?)?;
    }
    let more = rows.len() > group.first as usize;
    rows.truncate(group.first as usize);
    let shown: u64 = rows.iter().map(|row| row.count.documents).sum();
    Ok(Chosen { rows, more, other: all.saturating_sub(shown) })
}
