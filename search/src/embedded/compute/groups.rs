//! Groups by one key or several, and what is computed in each of them.

use std::collections::HashMap;

use super::super::super::compute::choosing::{Chosen, Row, Way, choose, needed, way};
use super::super::super::compute::interval::LISTED_MOST;
use super::super::super::compute::levels::{Plan, plan};
use super::super::super::value::Value;
use super::super::super::{Computed, Counts, Direction, Error, Group, GroupBy, GroupKey, GroupOrder, Groups, Result};
use super::Computing;
use super::facets::{documents, first_of};
use super::keys::{Keys, Pairs, Quick};
use super::rows::Rows;

/// The groups chosen, and the documents of each.
type Picked = (Chosen<Which>, HashMap<Which, Rows>);

/// Where the documents of a group are found again: the number of its key.
type Which = u32;

/// A key of a document, or that it has no value.
const MISSING: u32 = u32::MAX;

impl Computing<'_> {
    pub(super) fn groups(&self, group: &GroupBy, rows: &Rows, outermost: bool) -> Result<Computed> {
        let way = way(group, outermost);
        let plan = plan(group, rows.level())?;
        let rows = &self.reach(&self.reach(rows, plan.start)?, plan.level.or(plan.start))?;
        let found = if way == Way::All { self.all(group, &plan, rows)? } else { self.of_one_key(group, rows)? };
        let Some((chosen, mut of_groups)) = found else { return Ok(Computed::TooMany(LISTED_MOST)) };
        let mut groups = Vec::with_capacity(chosen.rows.len());
        for row in chosen.rows {
            self.go_on()?;
            let inside = if group.inside.is_empty() {
                Vec::new()
            } else {
                let rows = of_groups.remove(&row.kept).unwrap_or_else(|| rows.none());
                group
                    .inside
                    .iter()
                    .map(|(slot, compute)| Ok((*slot, self.compute(compute, &rows, false)?)))
                    .collect::<Result<_>>()?
            };
            groups.push(Group { key: row.key, count: row.count, inside });
        }
        Ok(Computed::Groups(Groups { groups, more: chosen.more, other: chosen.other, error_bound: Some(0) }))
    }

    fn keys(&self, key: &GroupKey) -> Result<Keys> {
        Keys::of(&self.columns, &key.field, key.interval.as_ref(), &key.ranges)
    }

    /// By count or by key the first ones are told from the counts alone.
    fn of_one_key(&self, group: &GroupBy, rows: &Rows) -> Result<Option<Picked>> {
        let [key] = group.keys.as_slice() else { return Err(Error::internal("groups by several keys")) };
        let mut keys = self.keys(key)?;
        let mut found: Vec<(Which, u64)> = (0..)
            .zip(keys.counts(rows, None)?)
            .filter(|(_, count)| count.documents > 0)
            .map(|(key, count)| (key, count.documents))
            .collect();
        let without = if key.missing { keys.without(rows) } else { Vec::new() };
        let missing: usize = without.iter().map(Vec::len).sum();
        if missing > 0 {
            found.push((MISSING, missing as u64));
        }
        let all: u64 = found.iter().map(|(_, count)| count).sum();
        if let Some(after) = &group.after {
            let direction = group.order.iter().find_map(|order| match order {
                GroupOrder::Key(direction) => Some(*direction),
                _ => None,
            });
            found = behind(&keys, found, after.first().and_then(Option::as_ref), direction.unwrap_or_default())?;
        }
        let order = |a: &(Which, u64), b: &(Which, u64)| compare(&keys, &group.order, *a, *b);
        let more = found.len() > group.first as usize;
        first_of(&mut found, group.first as usize, order);
        let mut shown = 0;
        let mut chosen = Vec::with_capacity(found.len());
        for (which, count) in found {
            shown += count;
            let part = if which == MISSING { None } else { Some(keys.bucket(which, documents(count))?) };
            chosen.push(Row { key: vec![part], count: documents(count), numbers: Vec::new(), kept: which });
        }
        let chosen = Chosen { rows: chosen, more, other: all - shown };
        if group.inside.is_empty() || chosen.rows.is_empty() {
            return Ok(Some((chosen, HashMap::new())));
        }
        let mut of_groups: HashMap<Which, Rows> = HashMap::new();
        for row in &chosen.rows {
            of_groups.insert(row.kept, rows.none());
        }
        // a second look, for the documents of the groups chosen; keys are numbered as they are met, so the same again
        let pairs = self.again(key, &mut keys, rows)?;
        for (segment, pairs) in pairs.into_iter().enumerate() {
            let absent = without.get(segment).map_or(&[][..], Vec::as_slice).iter().map(|at| (*at, MISSING));
            for (at, which) in pairs.into_iter().chain(absent) {
                if let Some(found) = of_groups.get_mut(&which) {
                    found.entries[segment].push(rows.entries[segment][at as usize]);
                }
            }
        }
        Ok(Some((chosen, of_groups)))
    }

    fn again(&self, key: &GroupKey, keys: &mut Keys, rows: &Rows) -> Result<Pairs> {
        let mut second = self.keys(key)?;
        let pairs = second.pairs(rows)?;
        if second.len() != keys.len() {
            return Err(Error::internal("keys changed while they were counted"));
        }
        Ok(pairs)
    }

    /// Every group, with the numbers that choosing among them needs.
    fn all(&self, group: &GroupBy, plan: &Plan<'_>, rows: &Rows) -> Result<Option<Picked>> {
        let mut keys = Vec::with_capacity(group.keys.len());
        let mut parts = Vec::with_capacity(group.keys.len());
        for key in &group.keys {
            self.go_on()?;
            let mut of_key = self.keys(key)?;
            // of what lies deeper, what it lies in has the key
            let level = key.field.nested.as_deref().or(plan.start);
            let around = (level != rows.level()).then(|| self.around(rows, level)).transpose()?;
            let rows = around.as_ref().unwrap_or(rows);
            let mut pairs = of_key.pairs(rows)?;
            if key.missing {
                for (pairs, without) in pairs.iter_mut().zip(of_key.without(rows)) {
                    pairs.extend(without.into_iter().map(|at| (at, MISSING)));
                    pairs.sort_unstable();
                }
            }
            keys.push(of_key);
            parts.push(pairs);
        }
        let Some(found) = combined(parts, rows) else { return Ok(None) };
        let needed = needed(group);
        let mut listed: Vec<Row<Which>> = Vec::with_capacity(found.len());
        let mut of_groups: HashMap<Which, Rows> = HashMap::new();
        for (which, (combination, rows)) in (0..).zip(found) {
            self.go_on()?;
            let mut key = Vec::with_capacity(keys.len());
            for (keys, part) in keys.iter().zip(combination) {
                key.push(if part == MISSING { None } else { Some(keys.bucket(part, Counts::default())?) });
            }
            let numbers = needed.iter().map(|need| self.number(need, &rows)).collect::<Result<_>>()?;
            let count = self.counts(&rows)?;
            for part in key.iter_mut().flatten() {
                part.count = count;
            }
            listed.push(Row { key, count, numbers, kept: which });
            if !group.inside.is_empty() {
                of_groups.insert(which, rows);
            }
        }
        Ok(choose(group, Way::All, listed).map(|chosen| (chosen, of_groups)))
    }
}

/// The documents of each combination of keys; `None`: there are too many.
fn combined(parts: Vec<Pairs>, rows: &Rows) -> Option<Vec<(Vec<u32>, Rows)>> {
    let mut parts = parts.into_iter();
    let mut names: Vec<Vec<u32>> = Vec::new();
    let mut pairs = parts.next()?;
    let mut known: HashMap<u32, u32, Quick> = HashMap::default();
    for (_, key) in pairs.iter_mut().flatten() {
        *key = *known.entry(*key).or_insert_with(|| {
            names.push(vec![*key]);
            u32::try_from(names.len() - 1).unwrap_or(u32::MAX)
        });
    }
    for part in parts {
        let before = std::mem::take(&mut names);
        let mut known: HashMap<(u32, u32), u32, Quick> = HashMap::default();
        let mut named = |names: &mut Vec<Vec<u32>>, number: u32, key: u32| {
            *known.entry((number, key)).or_insert_with(|| {
                names.push(before[number as usize].iter().copied().chain([key]).collect());
                u32::try_from(names.len() - 1).unwrap_or(u32::MAX)
            })
        };
        for (left, right) in pairs.iter_mut().zip(part) {
            let mut joined = Vec::with_capacity(left.len());
            let mut begin = 0;
            for (at, number) in left.iter() {
                while right.get(begin).is_some_and(|(place, _)| place < at) {
                    begin += 1;
                }
                for (_, key) in right[begin..].iter().take_while(|(place, _)| place == at) {
                    joined.push((*at, named(&mut names, *number, *key)));
                }
            }
            *left = joined;
        }
    }
    if names.len() as u64 > LISTED_MOST {
        return None;
    }
    let mut found: Vec<(Vec<u32>, Rows)> = names.into_iter().map(|name| (name, rows.none())).collect();
    for (segment, pairs) in pairs.into_iter().enumerate() {
        for (at, number) in pairs {
            found[number as usize].1.entries[segment].push(rows.entries[segment][at as usize]);
        }
    }
    Some(found)
}

/// Those that come after a key, in the order of keys; the one without a value is the last.
fn behind(keys: &Keys, mut found: Vec<(Which, u64)>, after: Option<&Value>, direction: Direction) -> Result<Vec<(Which, u64)>> {
    let Some(after) = after else { return Ok(Vec::new()) };
    found.sort_unstable_by(|a, b| compare_keys(keys, a.0, b.0, direction));
    let (mut low, mut high) = (0, found.len());
    while low < high {
        let middle = low + (high - low) / 2;
        let which = found[middle].0;
        let comes = match if which == MISSING { None } else { keys.value(which)? } {
            None => true,
            Some(value) if direction == Direction::Asc => value.compare(after).is_gt(),
            Some(value) => value.compare(after).is_lt(),
        };
        if comes { high = middle } else { low = middle + 1 }
    }
    Ok(found.split_off(low))
}

fn compare_keys(keys: &Keys, a: Which, b: Which, direction: Direction) -> std::cmp::Ordering {
    match (a == MISSING, b == MISSING) {
        (false, false) if direction == Direction::Desc => keys.compare(b, a),
        (false, false) => keys.compare(a, b),
        (a, b) => a.cmp(&b),
    }
}

fn compare(keys: &Keys, order: &[GroupOrder], a: (Which, u64), b: (Which, u64)) -> std::cmp::Ordering {
    let usual = [GroupOrder::Count(Direction::Desc)];
    let order = if order.is_empty() { &usual[..] } else { order };
    order
        .iter()
        .map(|order| match order {
            GroupOrder::Count(Direction::Asc) => a.1.cmp(&b.1),
            GroupOrder::Count(Direction::Desc) => b.1.cmp(&a.1),
            GroupOrder::Key(direction) => compare_keys(keys, a.0, b.0, *direction),
            GroupOrder::Metric { .. } => std::cmp::Ordering::Equal,
        })
        .find(|order| order.is_ne())
        .unwrap_or_else(|| compare_keys(keys, a.0, b.0, Direction::Asc))
}
