//! What facets, metrics and groups mean, as plainly as can be said: lists of documents, looked through again and again.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::search::date::Time;
use crate::search::pattern::fold;
use crate::search::value::Value;
use crate::search::{
    Bucket, Calendar, Compute, Computed, Counts, Direction, DocumentId, Facet, FacetOrder, FieldRef, GeoPoint, Group, GroupBy,
    GroupKey, GroupOrder, Groups, Having, Interval, Kind, Measure, Metric, MetricValue, Order, Query, Range, Stats, Top,
    ValueCount,
};
use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::document::Document;
use super::evaluator::Evaluator;
use super::meaning::{compare, compare_distances, exact_values, metres, order_of, points_of, within};

/// Buckets that may be listed.
const MOST: usize = 10_000;

/// A document, or an element of one of its nested lists.
#[derive(Clone)]
struct Entry<'d> {
    /// Of the document, in the order in which they were written.
    at: usize,
    document: &'d Document,
    /// The elements around, and the element itself, with the paths of their lists.
    chain: Vec<(&'d str, &'d Document)>,
}

type Found<'d> = Vec<Entry<'d>>;
type Level<'a> = Option<&'a str>;

impl<'d> Entry<'d> {
    /// What has the fields of this level.
    fn of(&self, level: Level<'_>) -> &'d Document {
        let here = |list| self.chain.iter().find(|(path, _)| *path == list);
        level.and_then(here).map_or(self.document, |(_, element)| element)
    }

    /// Elements of this list below it, also of lists in lists.
    fn inside(&self, list: &str) -> Found<'d> {
        let around = self.chain.last().map_or(self.document, |(_, element)| element);
        let mut found = Vec::new();
        for (path, elements) in around.elements.iter().filter(|(path, _)| is_below(list, path)) {
            let element =
                |element| Entry { chain: [self.chain.clone(), vec![(path.as_str(), element)]].concat(), ..self.clone() };
            let entries = elements.iter().map(element);
            if path == list {
                found.extend(entries);
            } else {
                found.extend(entries.flat_map(|entry| entry.inside(list)));
            }
        }
        found
    }
}

/// The list itself, or one in its elements.
fn is_below(list: &str, of: &str) -> bool {
    list.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Elements of what is at hand, or, of lists elsewhere, of the documents.
fn reach<'d>(found: &Found<'d>, from: Level<'_>, to: Level<'_>) -> Found<'d> {
    let documents = || {
        let mut documents: Found<'d> = Vec::new();
        for entry in found {
            if documents.last().is_none_or(|last| last.at != entry.at) {
                documents.push(Entry { chain: Vec::new(), ..entry.clone() });
            }
        }
        documents
    };
    match (from, to) {
        (from, to) if from == to => found.clone(),
        (_, None) => documents(),
        (Some(from), Some(to)) if is_below(to, from) => found.iter().flat_map(|entry| entry.inside(to)).collect(),
        (_, Some(to)) => documents().iter().flat_map(|entry| entry.inside(to)).collect(),
    }
}

fn level_of(field: &FieldRef) -> Level<'_> {
    field.nested.as_deref()
}

/// `seen`: what the engine shows, where several answers are right.
pub(super) fn answer(evaluator: &Evaluator<'_>, query: &Query, seen: &BTreeSet<&str>, compute: &Compute) -> Computed {
    let own = match compute {
        Compute::Facet(facet) => Some(&facet.field.path),
        _ => None,
    };
    let ticks = query.ticks.iter().filter(|(field, _)| Some(&field.path) != own).cloned().collect();
    let found = evaluator.found(&Query { ticks, ..query.clone() }, seen);
    let mut found: Found<'_> = found.into_iter().map(|(at, document)| Entry { at, document, chain: Vec::new() }).collect();
    found.sort_by_key(|entry| entry.at);
    computed(compute, None, &found)
}

/// `level`: what there is at hand.
fn computed(compute: &Compute, level: Level<'_>, found: &Found<'_>) -> Computed {
    match compute {
        Compute::Facet(facet) if facet.field.kind == Kind::GeoPoint => facet_of_places(facet, found),
        Compute::Facet(facet) => facet_of(facet, found),
        Compute::Metrics { under, of, .. } => {
            let under = under.as_ref().map(|under| under.path.as_str());
            let found = reach(found, level, under);
            let values = of.iter().map(|(field, metric)| metric_of(field, metric, &found)).collect();
            Computed::Metrics { count: counts(under, &found), values }
        }
        Compute::Groups(group) => groups_of(group, level, found),
        Compute::Top(top) => top_of(top, &reach(found, level, None)),
    }
}

fn counts(level: Level<'_>, found: &Found<'_>) -> Counts {
    let documents = reach(found, level, None).len() as u64;
    Counts { documents, elements: level.map(|_| found.len() as u64) }
}

/// As values are computed with: dates to the millisecond.
fn plain(value: Value) -> Value {
    if let Value::Date(time) = value { Value::Date(time.to_millis()) } else { value }
}

fn values_of(entry: &Entry<'_>, field: &FieldRef) -> Vec<Value> {
    exact_values(entry.of(level_of(field)), field).into_iter().map(plain).collect()
}

/// Each once.
fn distinct_of(values: Vec<Value>) -> Vec<Value> {
    let mut distinct: Vec<Value> = Vec::new();
    for value in values {
        if !distinct.iter().any(|other| order_of(other, &value).is_eq()) {
            distinct.push(value);
        }
    }
    distinct
}

/// What counts, of lists: of texts and addresses each once, of all else each.
fn all_values(found: &Found<'_>, field: &FieldRef) -> Vec<Value> {
    let set = matches!(field.kind, Kind::Keyword(_) | Kind::Text { .. } | Kind::Ip);
    found
        .iter()
        .flat_map(|entry| {
            let values = values_of(entry, field);
            if set { distinct_of(values) } else { values }
        })
        .collect()
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Long(whole) => *whole as f64,
        Value::Double(double) => *double,
        Value::Date(time) => time.millis() as f64,
        Value::Boolean(truth) => f64::from(u8::from(*truth)),
        Value::Text(_) | Value::Ip(_) => f64::NAN,
    }
}

fn numbers(found: &Found<'_>, field: &FieldRef) -> Vec<f64> {
    all_values(found, field).iter().map(number).collect()
}

fn stats_of(found: &Found<'_>, field: &FieldRef) -> Stats {
    let numbers = numbers(found, field);
    let sum = sum(&numbers);
    let some = |number: f64| (!numbers.is_empty()).then_some(number);
    Stats {
        count: numbers.len() as u64,
        min: some(numbers.iter().copied().fold(f64::INFINITY, f64::min)),
        max: some(numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max)),
        avg: some(sum / numbers.len() as f64).filter(|avg| avg.is_finite()),
        sum,
    }
}

/// From the small ones to the large.
fn sum(numbers: &[f64]) -> f64 {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(|a, b| a.abs().total_cmp(&b.abs()));
    sorted.iter().sum::<f64>() + 0.0
}

fn deviation(numbers: &[f64]) -> Option<f64> {
    let squares: f64 = numbers.iter().map(|number| number * number).sum();
    if numbers.is_empty() || !squares.is_finite() {
        return None;
    }
    let mean = sum(numbers) / numbers.len() as f64;
    let variance = numbers.iter().map(|number| (number - mean) * (number - mean)).sum::<f64>() / numbers.len() as f64;
    Some(variance.sqrt())
}

fn metric_of(field: &FieldRef, metric: &Metric, found: &Found<'_>) -> MetricValue {
    match metric {
        Metric::Stats => MetricValue::Stats(stats_of(found, field)),
        Metric::StdDev => MetricValue::Number(deviation(&numbers(found, field))),
        Metric::Percentiles(at) => {
            let mut numbers = numbers(found, field);
            numbers.sort_by(f64::total_cmp);
            let percentile = |at: f64| {
                let place = at / 100.0 * (numbers.len().checked_sub(1)?) as f64;
                let (low, high) = (numbers[place.floor() as usize], numbers[place.ceil() as usize]);
                let part = place.fract();
                Some(if part == 0.0 { low } else { low * (1.0 - part) + high * part })
            };
            MetricValue::Percentiles(at.iter().map(|at| (*at, percentile(*at))).collect())
        }
        Metric::Distinct => MetricValue::Distinct { value: distinct_of(all_values(found, field)).len() as u64, exact: true },
        Metric::ValueCount => MetricValue::Count(all_values(found, field).len() as u64),
    }
}

fn turned(order: Ordering, direction: Direction) -> Ordering {
    if direction == Direction::Desc { order.reverse() } else { order }
}

fn contains(text: &str, wanted: &str) -> bool {
    let (text, wanted): (Vec<char>, Vec<char>) = (text.chars().collect(), wanted.chars().collect());
    (0..=text.len().saturating_sub(wanted.len())).any(|from| {
        wanted.iter().enumerate().all(|(at, wanted)| {
            text.get(from + at).is_some_and(|letter| letter == wanted || fold(*letter).any(|other| other == *wanted))
        })
    })
}

fn facet_of(facet: &Facet, documents: &Found<'_>) -> Computed {
    let field = &facet.field;
    let level = level_of(field);
    let found = &reach(documents, None, level);
    let with = |test: &dyn Fn(&Entry<'_>) -> bool| counts(level, &found.iter().filter(|entry| test(entry)).cloned().collect());
    let all = distinct_of(found.iter().flat_map(|entry| values_of(entry, field)).collect());
    let mut all: Vec<(Value, Counts)> = all
        .into_iter()
        .map(|value| (value.clone(), with(&|entry| values_of(entry, field).iter().any(|other| order_of(other, &value).is_eq()))))
        .collect();
    if let Some(wanted) = &facet.containing {
        all.retain(|(value, _)| matches!(value, Value::Text(text) if contains(text, wanted)));
    }
    let distinct = facet.distinct.then_some((all.len() as u64, true));
    all.sort_by(|a, b| {
        let by = |order: &FacetOrder| match order {
            FacetOrder::Count(direction) => turned(a.1.documents.cmp(&b.1.documents), *direction),
            FacetOrder::Value(direction) => turned(order_of(&a.0, &b.0), *direction),
        };
        let usual = || if facet.order.is_empty() { b.1.documents.cmp(&a.1.documents) } else { Ordering::Equal };
        let order = facet.order.iter().map(by).find(|order| order.is_ne()).unwrap_or_else(usual);
        order.then(order_of(&a.0, &b.0))
    });
    let (mut values, mut other) = (Vec::new(), 0);
    for (at, (value, count)) in all.into_iter().enumerate() {
        match facet.values {
            Some(first) if at < first as usize => values.push(ValueCount { value: Some(value), count }),
            Some(_) => other += count.documents,
            None => {}
        }
    }
    if facet.missing {
        let (some, none) =
            (with(&|entry| !values_of(entry, field).is_empty()), with(&|entry| values_of(entry, field).is_empty()));
        // documents of which no element has one
        let documents = documents.len() as u64 - some.documents;
        values.push(ValueCount { value: None, count: Counts { documents, elements: none.elements } });
    }
    let mut buckets = Vec::new();
    if let Some(interval) = &facet.interval {
        let mut starts = distinct_of(found.iter().flat_map(|entry| starts_of(entry, field, interval)).collect());
        starts.sort_by(order_of);
        let Some(all) = between(&starts, interval) else { return Computed::TooFine(interval.clone()) };
        for start in all {
            let is_here = |entry: &Entry<'_>| {
                starts_of(entry, field, interval).iter().any(|other| near(number(other), number(&start)) || *other == start)
            };
            buckets.push(bucket(&start, field, interval, with(&is_here)));
        }
    }
    for range in &facet.ranges {
        let inside = |entry: &Entry<'_>| exact_values(entry.of(level), field).iter().any(|value| within(field, value, range));
        buckets.push(Bucket { count: with(&inside), ..bucket_of_range(range) });
    }
    let stats = facet.stats.then(|| stats_of(found, field));
    Computed::Facet { values, other, distinct, buckets, stats }
}

/// Distances and tiles of the map.
fn facet_of_places(facet: &Facet, documents: &Found<'_>) -> Computed {
    let level = level_of(&facet.field);
    let found = &reach(documents, None, level);
    let points = |entry: &Entry<'_>| points_of(entry.of(level), &facet.field).to_vec();
    let with = |test: &dyn Fn(&Entry<'_>) -> bool| counts(level, &found.iter().filter(|entry| test(entry)).cloned().collect());
    let mut tiles: Vec<ValueCount> = Vec::new();
    if let (Some(zoom), Some(_)) = (facet.zoom, facet.values) {
        let on = |entry: &Entry<'_>| -> Vec<String> { points(entry).iter().map(|point| tile(*point, zoom)).collect() };
        let names: BTreeSet<String> = found.iter().flat_map(on).collect();
        tiles = names
            .into_iter()
            .map(|name| ValueCount { count: with(&|entry| on(entry).contains(&name)), value: Some(Value::Text(name)) })
            .collect();
    }
    tiles.sort_by(|a, b| {
        let value = |a: &ValueCount, b: &ValueCount| match (&a.value, &b.value) {
            (Some(a), Some(b)) => order_of(a, b),
            _ => Ordering::Equal,
        };
        let by = |order: &FacetOrder| match order {
            FacetOrder::Count(direction) => turned(a.count.documents.cmp(&b.count.documents), *direction),
            FacetOrder::Value(direction) => turned(value(a, b), *direction),
        };
        let usual = || if facet.order.is_empty() { b.count.documents.cmp(&a.count.documents) } else { Ordering::Equal };
        facet.order.iter().map(by).find(|order| order.is_ne()).unwrap_or_else(usual).then(value(a, b))
    });
    let rest = tiles.split_off(tiles.len().min(facet.values.unwrap_or(0) as usize));
    let other = rest.iter().map(|tile| tile.count.documents).sum();
    let buckets = facet.ranges.iter().map(|range| {
        let near = |metres: f64| {
            let far_enough = range.lower.as_ref().is_none_or(|(lower, _)| metres >= number(lower));
            far_enough && range.upper.as_ref().is_none_or(|(upper, _)| metres < number(upper))
        };
        let inside =
            |entry: &Entry<'_>| facet.from.is_some_and(|from| points(entry).iter().any(|point| near(metres(from, *point))));
        Bucket { count: with(&inside), ..bucket_of_range(range) }
    });
    Computed::Facet { values: tiles, other, distinct: None, buckets: buckets.collect(), stats: None }
}

/// The map as a square of 2^zoom tiles a side, by Mercator; what lies beyond its edge near the poles is on the last tile.
fn tile(point: GeoPoint, zoom: u8) -> String {
    let tiles = 2_f64.powi(zoom.into());
    let x = (point.lon + 180.0) / 360.0 * tiles;
    let y = (1.0 - point.lat.to_radians().tan().asinh() / std::f64::consts::PI) / 2.0 * tiles;
    let place = |at: f64| at.floor().clamp(0.0, tiles - 1.0);
    format!("{zoom}/{}/{}", place(x), place(y))
}

/// All that begin between the first and the last of these; `None`: too many.
fn between(starts: &[Value], interval: &Interval) -> Option<Vec<Value>> {
    let (Some(first), Some(last)) = (starts.first(), starts.last()) else { return Some(Vec::new()) };
    if let Interval::Number { size, offset } = interval {
        let place = |value: &Value| place(number(value), *size, *offset);
        let (from, to) = (place(first), place(last));
        if !starts.iter().all(|start| is_told(start, interval)) || to - from >= MOST as f64 {
            return None;
        }
        let mut all = vec![first.clone()];
        while all.len() <= (to - from) as usize {
            all.push(Value::Double((from + all.len() as f64) * size + offset));
        }
        return Some(all);
    }
    let mut all = vec![first.clone()];
    while let Some(before) = all.last().filter(|before| *before != last) {
        if all.len() >= MOST {
            return None;
        }
        all.push(next_of(before, interval));
    }
    Some(all)
}

/// Doubles tell it from the intervals beside it.
fn is_told(start: &Value, interval: &Interval) -> bool {
    match interval {
        Interval::Number { size, offset } => place(number(start), *size, *offset).abs() < 9_007_199_254_740_992.0,
        _ => true,
    }
}

/// How many intervals away: where one begins beyond the doubles, it is that of the last of them.
fn place(start: f64, size: f64, offset: f64) -> f64 {
    if start.is_finite() {
        ((start - offset) / size).round()
    } else {
        ((start.clamp(f64::MIN, f64::MAX) - offset) / size).floor()
    }
}

fn near(a: f64, b: f64) -> bool {
    a == b || (a - b).abs() <= 1e-9 * a.abs().max(b.abs())
}

fn bucket_of_range(range: &Range) -> Bucket {
    let end = |end: &Option<(Value, bool)>| end.as_ref().map(|(value, _)| value.clone());
    Bucket { lower: end(&range.lower), upper: end(&range.upper), count: Counts::default() }
}

/// Where the intervals begin that a document's values lie in, each once.
fn starts_of(entry: &Entry<'_>, field: &FieldRef, interval: &Interval) -> Vec<Value> {
    distinct_of(values_of(entry, field).iter().map(|value| start_of(value, interval)).collect())
}

/// Of numbers a double, also of whole ones.
fn start_of(value: &Value, interval: &Interval) -> Value {
    match (interval, value) {
        (Interval::Number { size, offset }, _) => Value::Double(((number(value) - offset) / size).floor() * size + offset),
        (_, Value::Date(time)) => Value::Date(Time::from_millis(start_of_time(time.millis(), interval))),
        // no date: then it is no interval of dates either
        _ => value.clone(),
    }
}

/// After so many years the calendar, weekdays too, is the same again.
const CYCLE: i64 = 146_097 * 86_400_000;

fn zone(name: &str) -> TimeZone {
    match name.as_bytes() {
        [sign @ (b'+' | b'-'), ..] => {
            let part = |range| name.get(range).and_then(|digits: &str| digits.parse::<i32>().ok()).unwrap_or_default();
            let seconds = (part(1..3) * 60 + part(4..6)) * 60 * if *sign == b'-' { -1 } else { 1 };
            jiff::tz::Offset::from_seconds(seconds).unwrap_or(jiff::tz::Offset::UTC).to_time_zone()
        }
        // one that is not known is refused by the engines
        _ => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    }
}

/// How much earlier it is looked at than it is: beyond the years that can be counted.
fn beyond(millis: i64) -> i64 {
    let most = Timestamp::MAX.as_millisecond() - 400 * 86_400_000;
    if millis > most { ((millis - most) / CYCLE + 1) * CYCLE } else { 0 }
}

fn start_of_time(millis: i64, interval: &Interval) -> i64 {
    let beyond = beyond(millis);
    start_within(millis - beyond, interval, beyond) + beyond
}

/// `earlier`: intervals of a fixed length do not begin anew where it is looked at.
fn start_within(millis: i64, interval: &Interval, earlier: i64) -> i64 {
    let Ok(at) = Timestamp::from_millisecond(millis) else { return millis };
    match interval {
        Interval::Calendar { unit, zone: name } => {
            let zoned = at.to_zoned(zone(name));
            let day = |date: jiff::civil::Date| date.to_zoned(zone(name)).map_or(millis, |day| day.timestamp().as_millisecond());
            let date = zoned.date();
            match unit {
                Calendar::Minute | Calendar::Hour => {
                    let of_hour = i64::from(zoned.second()) * 1_000 + i64::from(zoned.millisecond());
                    let minutes = if *unit == Calendar::Hour { i64::from(zoned.minute()) } else { 0 };
                    millis - of_hour - minutes * 60_000
                }
                Calendar::Day => day(date),
                Calendar::Week => {
                    day(date.saturating_sub(jiff::Span::new().days(i64::from(date.weekday().to_monday_zero_offset()))))
                }
                Calendar::Month => day(date.first_of_month()),
                Calendar::Quarter => day(jiff::civil::date(date.year(), (date.month() - 1) / 3 * 3 + 1, 1)),
                Calendar::Year => day(date.first_of_year()),
            }
        }
        Interval::Fixed { nanos, zone: name } => {
            let zone = zone(name);
            let (offset, length) = (i64::from(zone.to_offset(at).seconds()) * 1_000, length_of(*nanos));
            let local = (millis + earlier + offset).div_euclid(length) * length;
            // an interval may begin long before
            let here = beyond(local);
            let civil = TimeZone::UTC.to_datetime(Timestamp::from_millisecond(local - here).unwrap_or(at));
            let seconds = |offset: jiff::tz::Offset| local - earlier - i64::from(offset.seconds()) * 1_000;
            match zone.to_ambiguous_timestamp(civil).offset() {
                AmbiguousOffset::Unambiguous { offset } => seconds(offset),
                AmbiguousOffset::Fold { before, after } => {
                    if seconds(after) <= millis {
                        seconds(after)
                    } else {
                        seconds(before)
                    }
                }
                // the change of clocks itself
                AmbiguousOffset::Gap { after, .. } => Timestamp::from_millisecond(seconds(after) + earlier - here)
                    .ok()
                    .and_then(|before| zone.following(before).next())
                    .map_or(millis, |change| change.timestamp().as_millisecond() + here - earlier),
            }
        }
        Interval::Number { .. } => millis,
    }
}

/// Of a fixed interval, in milliseconds.
fn length_of(nanos: i128) -> i64 {
    i64::try_from(nanos / 1_000_000).unwrap_or(i64::MAX).max(1)
}

fn next_of(start: &Value, interval: &Interval) -> Value {
    let Value::Date(time) = start else { return start.clone() };
    const DAY: i64 = 86_400_000;
    let begin = time.millis();
    let mut at = begin
        + match interval {
            Interval::Fixed { nanos, .. } => length_of(*nanos),
            Interval::Calendar { unit, .. } => match unit {
                Calendar::Minute => 60_000,
                Calendar::Hour => 3_600_000,
                // more than one day, week, … and less than two
                Calendar::Day => DAY + DAY / 2,
                Calendar::Week => 10 * DAY,
                Calendar::Month => 45 * DAY,
                Calendar::Quarter => 120 * DAY,
                Calendar::Year => 400 * DAY,
            },
            Interval::Number { .. } => return start.clone(),
        };
    while start_of_time(at, interval) <= begin {
        at += 1_800_000;
    }
    Value::Date(Time::from_millis(start_of_time(at, interval)))
}

fn bucket(start: &Value, field: &FieldRef, interval: &Interval, count: Counts) -> Bucket {
    let Interval::Number { size, offset } = interval else {
        return Bucket { lower: Some(start.clone()), upper: Some(next_of(start, interval)), count };
    };
    let whole = matches!(field.kind, Kind::Number(kind) if kind.is_whole());
    let end = |end: f64| if whole { Value::Long(end as i64) } else { Value::Double(end) };
    let start = number(start);
    let upper = if start.is_finite() { start + size } else { (place(start, *size, *offset) + 1.0) * size + offset };
    let upper = Some(upper).filter(|upper| upper.is_finite()).map(end);
    Bucket { lower: Some(end(start.clamp(f64::MIN, f64::MAX))), upper, count }
}

/// The keys of a document, each once.
fn keys_of(entry: &Entry<'_>, key: &GroupKey) -> Vec<Option<Bucket>> {
    let values = exact_values(entry.of(level_of(&key.field)), &key.field);
    if values.is_empty() {
        return if key.missing { vec![None] } else { Vec::new() };
    }
    if !key.ranges.is_empty() {
        let inside = |range: &&Range| values.iter().any(|value| within(&key.field, value, range));
        return key.ranges.iter().filter(inside).map(|range| Some(bucket_of_range(range))).collect();
    }
    match &key.interval {
        Some(interval) => starts_of(entry, &key.field, interval)
            .iter()
            .map(|start| Some(bucket(start, &key.field, interval, Counts::default())))
            .collect(),
        None => distinct_of(values.into_iter().map(plain).collect())
            .into_iter()
            .map(|value| Some(Bucket { lower: Some(value), upper: None, count: Counts::default() }))
            .collect(),
    }
}

type Keyed<'d> = (Vec<Option<Bucket>>, Found<'d>);

fn groups_of(group: &GroupBy, level: Level<'_>, found: &Found<'_>) -> Computed {
    let levels: Vec<Level<'_>> = group.keys.iter().map(|key| level_of(&key.field)).collect();
    let deepest = levels.iter().copied().max_by_key(|level| level.map_or(0, str::len)).flatten();
    // keys of what is at hand or below it, or keys of documents
    let below = |of: &Level<'_>| level.is_none_or(|level| of.is_some_and(|of| is_below(of, level)));
    let start = if levels.iter().all(below) { level } else { None };
    let found = reach(&reach(found, level, start), start, deepest);
    let count_of = |found: &Found<'_>| counts(deepest, found);
    let mut all: Vec<Keyed<'_>> = Vec::new();
    for entry in &found {
        let mut keys: Vec<Vec<Option<Bucket>>> = vec![Vec::new()];
        for key in &group.keys {
            let parts = keys_of(entry, key);
            keys = keys
                .iter()
                .flat_map(|before| parts.iter().map(move |part| before.iter().cloned().chain([part.clone()]).collect()))
                .collect();
        }
        // equal ranges are each a group of its own
        let mut taken: Vec<usize> = Vec::new();
        for key in keys {
            let known = (0..all.len()).find(|place| all[*place].0 == key && !taken.contains(place));
            let place = known.unwrap_or_else(|| {
                all.push((key, Vec::new()));
                all.len() - 1
            });
            taken.push(place);
            all[place].1.push(entry.clone());
        }
    }
    let total: u64 = all.iter().map(|(_, found)| count_of(found).documents).sum();
    if let Some(having) = &group.having {
        all.retain(|(_, found)| holds(having, deepest, found));
    }
    if let Some(after) = &group.after {
        let direction = group.order.iter().find_map(|order| if let GroupOrder::Key(way) = order { Some(*way) } else { None });
        let behind = |key: &[Option<Bucket>]| {
            key.iter()
                .zip(after)
                .map(|(part, after)| match (part.as_ref().and_then(|part| part.lower.as_ref()), after) {
                    (None, None) => Ordering::Equal,
                    (None, Some(_)) => Ordering::Greater,
                    (Some(_), None) => Ordering::Less,
                    (Some(a), Some(b)) => turned(order_of(a, b), direction.unwrap_or_default()),
                })
                .find(|order| order.is_ne())
                == Some(Ordering::Greater)
        };
        all.retain(|(key, _)| behind(key));
    }
    all.sort_by(|a, b| order_of_groups(group, deepest, a, b));
    let more = all.len() > group.first as usize;
    all.truncate(group.first as usize);
    let mut shown = 0;
    let groups = all
        .into_iter()
        .map(|(mut key, found)| {
            let count = count_of(&found);
            shown += count.documents;
            key.iter_mut().flatten().for_each(|part| part.count = count);
            let inside = group.inside.iter().map(|(slot, compute)| (*slot, computed(compute, deepest, &found))).collect();
            Group { key, count, inside }
        })
        .collect();
    Computed::Groups(Groups { groups, more, other: total - shown, error_bound: Some(0) })
}

fn measure_of(found: &Found<'_>, level: Level<'_>, field: &FieldRef, measure: Measure) -> Option<f64> {
    let found = &reach(found, level, level_of(field));
    match measure {
        Measure::Min => stats_of(found, field).min,
        Measure::Max => stats_of(found, field).max,
        Measure::Avg => stats_of(found, field).avg,
        Measure::Sum => Some(stats_of(found, field).sum),
        Measure::StdDev => deviation(&numbers(found, field)),
        Measure::Distinct => Some(distinct_of(all_values(found, field)).len() as f64),
        Measure::ValueCount => Some(all_values(found, field).len() as f64),
    }
}

fn order_of_groups(group: &GroupBy, level: Level<'_>, a: &Keyed<'_>, b: &Keyed<'_>) -> Ordering {
    let count = |group: &Keyed<'_>| counts(level, &group.1).documents;
    let by_key = |direction| {
        let part = |(a, b): (&Option<Bucket>, &Option<Bucket>)| match (a, b) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) => turned(order_of_ends(a, b), direction),
        };
        a.0.iter().zip(&b.0).map(part).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    };
    let by = |order: &GroupOrder| match order {
        GroupOrder::Count(direction) => turned(count(a).cmp(&count(b)), *direction),
        GroupOrder::Key(direction) => by_key(*direction),
        GroupOrder::Metric { field, measure, direction } => {
            match (measure_of(&a.1, level, field, *measure), measure_of(&b.1, level, field, *measure)) {
                (None, None) => Ordering::Equal,
                (None, Some(_)) => Ordering::Greater,
                (Some(_), None) => Ordering::Less,
                (Some(a), Some(b)) => turned(a.total_cmp(&b), *direction),
            }
        }
    };
    let usual = || if group.order.is_empty() { count(b).cmp(&count(a)) } else { Ordering::Equal };
    group.order.iter().map(by).find(|order| order.is_ne()).unwrap_or_else(usual).then_with(|| by_key(Direction::Asc))
}

fn order_of_ends(a: &Bucket, b: &Bucket) -> Ordering {
    let ends = |a: &Option<Value>, b: &Option<Value>, open: Ordering| match (a, b) {
        (Some(a), Some(b)) => order_of(a, b),
        (None, None) => Ordering::Equal,
        (None, Some(_)) => open,
        (Some(_), None) => open.reverse(),
    };
    ends(&a.lower, &b.lower, Ordering::Less).then_with(|| ends(&a.upper, &b.upper, Ordering::Greater))
}

fn holds(having: &Having, level: Level<'_>, found: &Found<'_>) -> bool {
    let inside = |number: f64, range: &Range| {
        let bound = |value: &Value| match value {
            Value::Date(time) => time.0 as f64 / 1e6,
            other => number_of_bound(other),
        };
        let lower =
            range.lower.as_ref().is_none_or(|(value, inside)| number > bound(value) || (*inside && number == bound(value)));
        let upper =
            range.upper.as_ref().is_none_or(|(value, inside)| number < bound(value) || (*inside && number == bound(value)));
        lower && upper
    };
    match having {
        Having::And(parts) => parts.iter().all(|part| holds(part, level, found)),
        Having::Or(parts) => parts.iter().any(|part| holds(part, level, found)),
        Having::Not(part) => !holds(part, level, found),
        Having::Count { under, elements, range } => {
            let under = under.as_ref().map_or(level, |under| Some(under.path.as_str()));
            let counts = counts(under, &reach(found, level, under));
            let count = if *elements { counts.elements } else { Some(counts.documents) };
            count.is_some_and(|count| inside(count as f64, range))
        }
        Having::Metric { field, measure, range } => {
            measure_of(found, level, field, *measure).is_some_and(|number| inside(number, range))
        }
    }
}

fn number_of_bound(value: &Value) -> f64 {
    number(value)
}

fn top_of(top: &Top, found: &Found<'_>) -> Computed {
    let mut sorted = found.clone();
    sorted.sort_by(|a, b| {
        let by = |order: &Order| match order {
            Order::Field { field, direction, missing } => compare(a.document, b.document, field, *direction, *missing),
            Order::Distance { field, from, direction } => compare_distances(a.document, b.document, field, *from, *direction),
            // nothing is scored in here
            Order::Score(_) => Ordering::Equal,
        };
        top.order.iter().map(by).find(|order| order.is_ne()).unwrap_or_else(|| a.at.cmp(&b.at))
    });
    // of each only the id is compared
    let documents = sorted.iter().take(top.size as usize).filter_map(|entry| {
        Some(crate::search::Document {
            id: DocumentId::parse(&entry.document.id).ok()?,
            index: "".into(),
            routing: None,
            version: crate::search::Version { seq_no: 0, primary_term: 0 },
            source: Default::default(),
        })
    });
    Computed::Top(documents.collect())
}
