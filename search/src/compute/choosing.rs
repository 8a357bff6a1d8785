//! Which of the groups are shown, in which order: conditions, order, and the page. Both engines hand their groups to this.

use std::cmp::Ordering;

use super::interval::LISTED_MOST;
use super::{Bucket, Counts, FacetOrder, GroupBy, GroupOrder, Having, Measure, ValueCount};
use crate::collection::FieldRef;
use crate::query::{Direction, Range};
use crate::value::Value;

/// A group with what is needed to choose among them, and what the engine wants to keep beside it.
#[derive(Clone, Debug)]
pub(crate) struct Row<T> {
    pub key: Vec<Option<Bucket>>,
    pub count: Counts,
    /// One for each of [`needed`], in its order.
    pub numbers: Vec<Option<f64>>,
    pub kept: T,
}

/// A number that the order or a condition of groups looks at.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Needed {
    Measure(FieldRef, Measure),
    /// Documents with an element at this nested path, or those elements.
    Count {
        under: FieldRef,
        elements: bool,
    },
}

/// How groups must be gathered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The first ones of one key, by count or by key, can be told without looking at the others closely.
    First,
    /// All of one key in the order of the key, from some group on.
    Page,
    /// All must be listed, at most [`LISTED_MOST`].
    All,
}

/// Elements of lists are all listed: the order is by documents, which are not what is counted first.
pub(crate) fn way(group: &GroupBy, outermost: bool) -> Way {
    let [key] = group.keys.as_slice() else { return Way::All };
    if key.field.nested.is_some() {
        return Way::All;
    }
    let plain = key.interval.is_none() && key.ranges.is_empty() && group.having.is_none();
    match group.order.as_slice() {
        _ if !plain => Way::All,
        [GroupOrder::Key(_), ..] if outermost => Way::Page,
        order if order.iter().all(|order| !matches!(order, GroupOrder::Metric { .. })) => Way::First,
        _ => Way::All,
    }
}

/// Each once.
pub(crate) fn needed(group: &GroupBy) -> Vec<Needed> {
    fn of_having(having: &Having, found: &mut Vec<Needed>) {
        let need = match having {
            Having::And(parts) | Having::Or(parts) => return parts.iter().for_each(|part| of_having(part, found)),
            Having::Not(part) => return of_having(part, found),
            Having::Count { under: None, .. } => return,
            Having::Count { under: Some(under), elements, .. } => Needed::Count { under: under.clone(), elements: *elements },
            Having::Metric { field, measure, .. } => Needed::Measure(field.clone(), *measure),
        };
        if !found.contains(&need) {
            found.push(need);
        }
    }
    let mut found = Vec::new();
    for order in &group.order {
        if let GroupOrder::Metric { field, measure, .. } = order {
            let need = Needed::Measure(field.clone(), *measure);
            if !found.contains(&need) {
                found.push(need);
            }
        }
    }
    if let Some(having) = &group.having {
        of_having(having, &mut found);
    }
    found
}

/// The groups of the page.
#[derive(Debug)]
pub(crate) struct Chosen<T> {
    pub rows: Vec<Row<T>>,
    pub more: bool,
    /// Sum of the counts of the rows that are not here.
    pub other: u64,
}

/// Of all groups, or of enough of them. `None`: there are more than may be listed.
pub(crate) fn choose<T>(group: &GroupBy, way: Way, mut rows: Vec<Row<T>>) -> Option<Chosen<T>> {
    if way == Way::All && rows.len() as u64 > LISTED_MOST {
        return None;
    }
    let needed = needed(group);
    let all: u64 = rows.iter().map(|row| row.count.documents).sum();
    if let Some(having) = &group.having {
        rows.retain(|row| holds(having, row, &needed));
    }
    if let Some(after) = &group.after {
        rows.retain(|row| compare_keys(&row.key, after, key_direction(&group.order)).is_gt());
    }
    rows.sort_by(|a, b| compare(group, &needed, a, b));
    let first = group.first as usize;
    let more = rows.len() > first;
    rows.truncate(first);
    let shown: u64 = rows.iter().map(|row| row.count.documents).sum();
    Some(Chosen { rows, more, other: all.saturating_sub(shown) })
}

fn key_direction(order: &[GroupOrder]) -> Direction {
    order
        .iter()
        .find_map(|order| if let GroupOrder::Key(direction) = order { Some(*direction) } else { None })
        .unwrap_or_default()
}

/// Values of a facet in the order asked.
pub(crate) fn compare_values(order: &[FacetOrder], a: &ValueCount, b: &ValueCount) -> Ordering {
    let by_value = || compare_parts(a.value.as_ref(), b.value.as_ref(), Direction::Asc);
    let usual = [FacetOrder::Count(Direction::Desc)];
    let order = if order.is_empty() { &usual[..] } else { order };
    order
        .iter()
        .map(|order| match order {
            FacetOrder::Count(direction) => turned(a.count.documents.cmp(&b.count.documents), *direction),
            FacetOrder::Value(direction) => turned(by_value(), *direction),
        })
        .find(|order| order.is_ne())
        .unwrap_or_else(by_value)
}

/// A row's key against a place between groups, in the order of the keys.
fn compare_keys(key: &[Option<Bucket>], place: &[Option<Value>], direction: Direction) -> Ordering {
    key.iter()
        .zip(place)
        .map(|(part, place)| {
            let part = part.as_ref().and_then(|part| part.lower.as_ref());
            compare_parts(part, place.as_ref(), direction)
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// What is missing comes last both ways.
fn compare_parts(a: Option<&Value>, b: Option<&Value>, direction: Direction) -> Ordering {
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => turned(a.compare(b), direction),
    }
}

fn turned(order: Ordering, direction: Direction) -> Ordering {
    if direction == Direction::Desc { order.reverse() } else { order }
}

fn compare<T>(group: &GroupBy, needed: &[Needed], a: &Row<T>, b: &Row<T>) -> Ordering {
    let by = |order: &GroupOrder| match order {
        GroupOrder::Count(direction) => turned(a.count.documents.cmp(&b.count.documents), *direction),
        GroupOrder::Key(direction) => of_keys(a, b, *direction),
        GroupOrder::Metric { field, measure, direction } => {
            let number = |row: &Row<T>| number_of(row, needed, &Needed::Measure(field.clone(), *measure));
            match (number(a), number(b)) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(a), Some(b)) => turned(a.total_cmp(&b), *direction),
            }
        }
    };
    let usual = [GroupOrder::Count(Direction::Desc)];
    let order = if group.order.is_empty() { &usual[..] } else { &group.order };
    order.iter().map(by).find(|order| order.is_ne()).unwrap_or_else(|| of_keys(a, b, Direction::Asc))
}

fn of_keys<T>(a: &Row<T>, b: &Row<T>, direction: Direction) -> Ordering {
    a.key
        .iter()
        .zip(&b.key)
        .map(|(a, b)| match (a, b) {
            (Some(a), Some(b)) => turned(compare_buckets(a, b), direction),
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
        })
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// An open lower end is the least, an open upper end the greatest.
fn compare_buckets(a: &Bucket, b: &Bucket) -> Ordering {
    let lower = match (&a.lower, &b.lower) {
        (Some(a), Some(b)) => a.compare(b),
        (a, b) => a.is_some().cmp(&b.is_some()),
    };
    lower.then_with(|| match (&a.upper, &b.upper) {
        (Some(a), Some(b)) => a.compare(b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    })
}

fn number_of<T>(row: &Row<T>, needed: &[Needed], need: &Needed) -> Option<f64> {
    let at = needed.iter().position(|other| other == need)?;
    // not a number: the deviation of numbers whose squares are beyond all doubles
    row.numbers.get(at).copied().flatten().filter(|number| !number.is_nan())
}

fn holds<T>(having: &Having, row: &Row<T>, needed: &[Needed]) -> bool {
    match having {
        Having::And(parts) => parts.iter().all(|part| holds(part, row, needed)),
        Having::Or(parts) => parts.iter().any(|part| holds(part, row, needed)),
        Having::Not(part) => !holds(part, row, needed),
        #[expect(clippy::cast_precision_loss, reason = "no index holds so many documents")]
        Having::Count { under: None, elements: false, range } => inside(row.count.documents as f64, range),
        #[expect(clippy::cast_precision_loss, reason = "no index holds so many elements")]
        Having::Count { under: None, elements: true, range } => {
            row.count.elements.is_some_and(|count| inside(count as f64, range))
        }
        Having::Count { under: Some(under), elements, range } => {
            number_of(row, needed, &Needed::Count { under: under.clone(), elements: *elements })
                .is_some_and(|number| inside(number, range))
        }
        Having::Metric { field, measure, range } => {
            number_of(row, needed, &Needed::Measure(field.clone(), *measure)).is_some_and(|number| inside(number, range))
        }
    }
}

fn inside(number: f64, range: &Range) -> bool {
    let against = |value: &Value| bound(value).and_then(|bound| number.partial_cmp(&bound));
    let lower = range.lower.as_ref().is_none_or(|(value, inside)| match against(value) {
        Some(Ordering::Greater) => true,
        Some(Ordering::Equal) => *inside,
        _ => false,
    });
    let upper = range.upper.as_ref().is_none_or(|(value, inside)| match against(value) {
        Some(Ordering::Less) => true,
        Some(Ordering::Equal) => *inside,
        _ => false,
    });
    lower && upper
}

#[expect(clippy::cast_precision_loss, reason = "what it is held against is a double")]
fn bound(value: &Value) -> Option<f64> {
    match value {
        Value::Long(whole) => Some(*whole as f64),
        Value::Double(double) => Some(*double),
        Value::Boolean(truth) => Some(f64::from(u8::from(*truth))),
        // milliseconds, and what is beyond them as a fraction
        Value::Date(time) => Some(time.0.div_euclid(1_000_000) as f64 + time.0.rem_euclid(1_000_000) as f64 / 1e6),
        Value::Text(_) | Value::Ip(_) => None,
    }
}
