//! Short ways to ask for facets, metrics and groups in tests, and to write down what came.

use hooke::search::date::rfc3339;
use hooke::search::value::Value;
use hooke::search::{
    Bucket, Calendar, Compute, Computed, Counts, Direction, Facet, Group, GroupBy, GroupKey, GroupOrder, Groups, Interval,
    Metric, MetricValue, Query, Range, Scope, Stats,
};
use serde_json::Value as Json;

use crate::ground::Shelf;

impl Shelf<'_> {
    /// The first values of a field.
    pub fn facet(&self, path: &str, first: u32) -> Facet {
        Facet { values: Some(first), ..Facet::new(self.field(path)) }
    }

    /// Nothing but buckets.
    pub fn buckets(&self, path: &str, interval: Interval) -> Facet {
        Facet { values: None, interval: Some(interval), ..self.facet(path, 0) }
    }

    pub fn range(&self, path: &str, from: impl Into<Json>, to: impl Into<Json>) -> Range {
        let (from, to): (Json, Json) = (from.into(), to.into());
        let end = |json: Json, inside| (!json.is_null()).then(|| (self.value(path, json), inside));
        Range { lower: end(from, true), upper: end(to, false) }
    }

    pub fn metrics(&self, of: &[(&str, Metric)]) -> Compute {
        let of = of.iter().map(|(path, metric)| (self.field(path), metric.clone())).collect();
        Compute::Metrics { scope: Scope::Matched, under: None, of }
    }

    pub fn key(&self, path: &str) -> GroupKey {
        GroupKey { field: self.field(path), interval: None, ranges: Vec::new(), missing: false }
    }

    pub fn groups(&self, paths: &[&str], first: u32) -> GroupBy {
        let keys = paths.iter().map(|path| self.key(path)).collect();
        GroupBy { keys, first, after: None, order: Vec::new(), having: None, inside: Vec::new() }
    }

    /// What is computed over the whole collection.
    pub async fn computed(&self, compute: Compute) -> Computed {
        self.computed_of(self.query(), compute).await
    }

    pub async fn computed_of(&self, query: Query, compute: Compute) -> Computed {
        let mut page = self.page(Query { compute: vec![(7, compute)], ..query }).await;
        assert_eq!(page.computed.len(), 1);
        let (slot, computed) = page.computed.remove(0);
        assert_eq!(slot, 7);
        computed
    }

    pub async fn told(&self, compute: Compute) -> String {
        tell(&self.computed(compute).await)
    }

    pub async fn facet_told(&self, facet: Facet) -> String {
        self.told(Compute::Facet(facet)).await
    }

    pub async fn groups_told(&self, groups: GroupBy) -> String {
        self.told(Compute::Groups(groups)).await
    }
}

pub fn days(unit: Calendar, zone: &str) -> Interval {
    Interval::Calendar { unit, zone: zone.into() }
}

pub fn every(size: f64) -> Interval {
    Interval::Number { size, offset: 0.0 }
}

pub const BY_KEY: GroupOrder = GroupOrder::Key(Direction::Asc);

/// `net 2, web 1, ∅ 1; other 3; distinct 5; [..10) 1, [10..) 2; 3 values 1..4, avg 2, sum 6`
pub fn tell(computed: &Computed) -> String {
    match computed {
        Computed::Facet { values, other, distinct, buckets, stats } => {
            let mut parts = Vec::new();
            let values: Vec<String> =
                values.iter().map(|value| format!("{} {}", told(value.value.as_ref()), tell_counts(value.count))).collect();
            if !values.is_empty() || *other > 0 {
                parts.push(format!("{}; other {other}", values.join(", ")));
            }
            if let Some((distinct, _)) = distinct {
                parts.push(format!("distinct {distinct}"));
            }
            if !buckets.is_empty() {
                let buckets: Vec<String> = buckets.iter().map(tell_bucket).collect();
                parts.push(buckets.join(", "));
            }
            if let Some(stats) = stats {
                parts.push(tell_stats(stats));
            }
            parts.join("; ")
        }
        Computed::Metrics { count, values } => {
            let values: Vec<String> = values.iter().map(tell_metric).collect();
            format!("{} of: {}", tell_counts(*count), values.join("; "))
        }
        Computed::Groups(Groups { groups, more, other, error_bound }) => {
            let groups: Vec<String> = groups.iter().map(tell_group).collect();
            let more = if *more { ", …" } else { "" };
            let bound = if *error_bound == Some(0) { String::new() } else { format!("; bound {error_bound:?}") };
            format!("{}{more}; other {other}{bound}", groups.join(", "))
        }
        Computed::Top(documents) => {
            let ids: Vec<&str> = documents.iter().map(|document| document.id.as_str()).collect();
            ids.join(" ")
        }
        Computed::TooMany(most) => format!("more than {most}"),
        Computed::TooFine(Interval::Number { size, .. }) => format!("too fine: {size}"),
        Computed::TooFine(Interval::Calendar { unit, .. }) => format!("too fine: {unit:?}"),
        Computed::TooFine(Interval::Fixed { nanos, .. }) => format!("too fine: {} days", nanos / 86_400_000_000_000),
    }
}

fn tell_group(group: &Group) -> String {
    let key: Vec<String> = group
        .key
        .iter()
        .map(|part| match part {
            None => "∅".into(),
            Some(Bucket { lower, upper: None, .. }) if lower.is_some() => told(lower.as_ref()),
            Some(bucket) => tell_ends(bucket),
        })
        .collect();
    let inside: Vec<String> = group.inside.iter().map(|(_, computed)| tell(computed)).collect();
    let inside = if inside.is_empty() { String::new() } else { format!(" ({})", inside.join(") (")) };
    format!("{} {}{inside}", key.join("/"), tell_counts(group.count))
}

pub fn tell_metric(value: &MetricValue) -> String {
    match value {
        MetricValue::Stats(stats) => tell_stats(stats),
        MetricValue::Number(number) => format!("{number:?}"),
        MetricValue::Percentiles(at) => {
            let at: Vec<String> = at.iter().map(|(at, value)| format!("{at}: {value:?}")).collect();
            at.join(", ")
        }
        MetricValue::Distinct { value, .. } => format!("distinct {value}"),
        MetricValue::Count(count) => format!("{count} values"),
    }
}

fn tell_stats(stats: &Stats) -> String {
    let end = |end: Option<f64>| end.map_or("–".into(), |end| format!("{end}"));
    format!("{} values {}..{}, avg {}, sum {}", stats.count, end(stats.min), end(stats.max), end(stats.avg), stats.sum)
}

fn tell_bucket(bucket: &Bucket) -> String {
    format!("{} {}", tell_ends(bucket), tell_counts(bucket.count))
}

fn tell_ends(bucket: &Bucket) -> String {
    let end = |end: &Option<Value>| if end.is_some() { told(end.as_ref()) } else { String::new() };
    format!("[{}..{})", end(&bucket.lower), end(&bucket.upper))
}

fn tell_counts(counts: Counts) -> String {
    match counts.elements {
        None => counts.documents.to_string(),
        Some(elements) => format!("{}×{elements}", counts.documents),
    }
}

/// `∅` for none.
pub fn told(value: Option<&Value>) -> String {
    match value {
        None => "∅".into(),
        Some(Value::Text(text)) => text.clone(),
        Some(Value::Long(whole)) => whole.to_string(),
        Some(Value::Double(double)) => double.to_string(),
        Some(Value::Boolean(truth)) => truth.to_string(),
        Some(Value::Date(time)) => {
            let text = rfc3339(*time, true);
            text.strip_suffix("T00:00:00.000Z").map_or(text.clone(), str::to_owned)
        }
        Some(Value::Ip(address)) => address.to_string(),
    }
}
