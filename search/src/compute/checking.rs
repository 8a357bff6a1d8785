//! What no engine is asked: requests that make no sense, or that would cost too much.

use super::interval::{LISTED_MOST, Steps};
use super::levels::{Level, plan};
use super::{Compute, Facet, GroupBy, GroupKey, GroupOrder, Having, Measure, Metric, Top};
use crate::collection::{Field, Kind};
use crate::error::{Error, Result};
use crate::query::Query;

/// Documents of one group: `index.max_inner_result_window` of Elasticsearch.
pub(crate) const TOP_MOST: u32 = 100;
/// Characters of a text that values shall contain.
const CONTAINED_MOST: usize = 100;
/// Ranges of one field.
const RANGES_MOST: usize = 1_000;

pub(crate) fn check(query: &Query) -> Result<()> {
    crate::suggest::check(query)?;
    query.compute.iter().try_for_each(|(_, compute)| check_one(compute, 0, None))
}

fn check_one(compute: &Compute, depth: u32, level: Level<'_>) -> Result<()> {
    match compute {
        Compute::Facet(_) if depth > 0 => Err(Error::invalid("a group has no facets")),
        Compute::Facet(facet) => check_facet(facet),
        Compute::Metrics { under, of, .. } => {
            let level = under.as_ref().map(|under| under.path.as_str());
            of.iter().try_for_each(|(field, metric)| {
                if field.nested.as_deref() != level {
                    return Err(Error::invalid(format!("{} is not counted there: it lies in another list", field.path)));
                }
                check_metric(field, metric)
            })
        }
        Compute::Groups(group) => check_group(group, depth, level),
        Compute::Top(_) if depth == 0 => Err(Error::invalid("first documents are brought of a group")),
        Compute::Top(Top { size, .. }) if *size > TOP_MOST => {
            Err(Error::Limit(format!("at most {TOP_MOST} documents of a group, {size} were asked")))
        }
        Compute::Top(_) => Ok(()),
    }
}

fn check_facet(facet: &Facet) -> Result<()> {
    let field = &facet.field;
    let place = field.kind == Kind::GeoPoint;
    if !place {
        comparable(field)?;
    } else if facet.missing || facet.distinct || facet.stats || facet.interval.is_some() || facet.containing.is_some() {
        return Err(Error::invalid(format!("{} holds places: they are counted by distance and by tile of the map", field.path)));
    }
    if let Some(values) = facet.values {
        listed(values)?;
    }
    if let Some(text) = &facet.containing {
        if !matches!(field.kind, Kind::Keyword(_) | Kind::Text { .. }) {
            return Err(Error::invalid(format!("values of {} are no texts: they contain nothing", field.path)));
        }
        if text.chars().count() > CONTAINED_MOST {
            return Err(Error::Limit(format!("values are searched for at most {CONTAINED_MOST} characters")));
        }
    }
    if !facet.ranges.is_empty() && facet.interval.is_some() {
        return Err(Error::invalid("a facet has ranges or an interval, not both"));
    }
    if facet.ranges.len() > RANGES_MOST {
        return Err(Error::Limit(format!("at most {RANGES_MOST} ranges, {} were asked", facet.ranges.len())));
    }
    if let Some(interval) = &facet.interval {
        Steps::of(interval, &field.kind)?;
    }
    if facet.stats {
        numeric(field)?;
    }
    if place && !facet.ranges.is_empty() && facet.from.is_none() {
        return Err(Error::invalid(format!("ranges of {} are distances: they need a point from which", field.path)));
    }
    if place && facet.values.is_some() && facet.zoom.is_none_or(|zoom| zoom > 29) {
        return Err(Error::invalid("the zoom of map tiles is a number from 0 to 29"));
    }
    Ok(())
}

fn check_metric(field: &Field, metric: &Metric) -> Result<()> {
    comparable(field)?;
    match metric {
        Metric::Stats | Metric::StdDev => numeric(field),
        Metric::Percentiles(at) => {
            if at.iter().any(|at| !(0.0..=100.0).contains(at)) {
                return Err(Error::invalid("percentiles lie between 0 and 100"));
            }
            numeric(field)
        }
        Metric::Distinct | Metric::ValueCount => Ok(()),
    }
}

fn check_group(group: &GroupBy, depth: u32, level: Level<'_>) -> Result<()> {
    if group.keys.is_empty() {
        return Err(Error::invalid("groups need a key"));
    }
    for (at, key) in group.keys.iter().enumerate() {
        check_key(key)?;
        if group.keys[..at].iter().any(|other| other.field.path == key.field.path) {
            return Err(Error::invalid(format!("{} is a key twice", key.field.path)));
        }
    }
    listed(group.first)?;
    if let Some(after) = &group.after {
        let by_key = matches!(group.order.as_slice(), [GroupOrder::Key(_)]);
        if depth > 0 || !by_key || group.keys.iter().any(|key| !key.ranges.is_empty()) {
            return Err(Error::invalid("groups go on behind a key only outermost, in the order of keys that are no ranges"));
        }
        if after.len() != group.keys.len() {
            return Err(Error::invalid("the cursor belongs to other keys"));
        }
    }
    for order in &group.order {
        if let GroupOrder::Metric { field, measure, .. } = order {
            check_measure(field, *measure)?;
        }
    }
    if let Some(having) = &group.having {
        check_having(having)?;
    }
    let level = plan(group, level)?.level;
    group.inside.iter().try_for_each(|(_, compute)| check_one(compute, depth + 1, level))
}

fn check_key(key: &GroupKey) -> Result<()> {
    comparable(&key.field)?;
    if let Some(interval) = &key.interval {
        Steps::of(interval, &key.field.kind)?;
    }
    if key.interval.is_some() && !key.ranges.is_empty() {
        return Err(Error::invalid("a key has ranges or an interval, not both"));
    }
    if key.ranges.len() > RANGES_MOST {
        return Err(Error::Limit(format!("at most {RANGES_MOST} ranges, {} were asked", key.ranges.len())));
    }
    Ok(())
}

fn check_having(having: &Having) -> Result<()> {
    match having {
        Having::And(parts) | Having::Or(parts) => parts.iter().try_for_each(check_having),
        Having::Not(part) => check_having(part),
        Having::Count { under: Some(under), .. } if under.kind != Kind::Nested => {
            Err(Error::invalid(format!("{} has no elements to count", under.path)))
        }
        Having::Count { .. } => Ok(()),
        Having::Metric { field, measure, .. } => check_measure(field, *measure),
    }
}

fn check_measure(field: &Field, measure: Measure) -> Result<()> {
    comparable(field)?;
    match measure {
        Measure::Distinct | Measure::ValueCount => Ok(()),
        _ => numeric(field),
    }
}

fn listed(first: u32) -> Result<()> {
    if u64::from(first) > LISTED_MOST {
        return Err(Error::Limit(format!("at most {LISTED_MOST} values or groups at once, {first} were asked")));
    }
    Ok(())
}

/// Has columns of exact values.
fn comparable(field: &Field) -> Result<()> {
    let counted = field.columns || matches!(field.kind, Kind::Text { .. });
    match field.exact_path().filter(|_| counted) {
        Some(_) => Ok(()),
        None => Err(Error::invalid(format!("values of {} cannot be counted", field.path))),
    }
}

fn numeric(field: &Field) -> Result<()> {
    match field.kind {
        Kind::Number(_) | Kind::Date(_) => Ok(()),
        _ => Err(Error::invalid(format!("{} holds no numbers and no dates", field.path))),
    }
}
