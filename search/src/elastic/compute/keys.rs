//! What values are counted by: themselves, the interval or the ranges they lie in; as a body, and back as keys of buckets.

use serde_json::{Map, Value as Json, json};

use super::answers::{buckets, lacking};
use super::levels::counts;
use crate::compute::interval::{Start, Steps};
use crate::date::{Time, Zone};
use crate::elastic::filters;
use crate::value::{Value, shortest};
use crate::{Bucket, Calendar, Counts, Direction, Error, Field, FieldRef, Interval, Kind, Number, RangeOf, Result};

/// What is counted by.
pub(super) struct Key<'a> {
    pub field: &'a FieldRef,
    pub interval: Option<&'a Interval>,
    pub ranges: &'a [RangeOf],
}

pub(super) fn path(field: &Field) -> Result<&str> {
    field.exact_path().ok_or_else(|| Error::invalid(format!("values of {} cannot be counted", field.path)))
}

pub(super) fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Asc => "asc",
        Direction::Desc => "desc",
    }
}

impl Key<'_> {
    /// `size` and `order` are for plain values: of intervals and ranges all come.
    pub(super) fn aggregation(&self, size: u64, order: &[Json]) -> Result<Json> {
        let field = path(self.field)?;
        if !self.ranges.is_empty() {
            // as filters: exact for every number, and in the order asked
            let ranges = self.ranges.iter().map(|range| filters::between(self.field, range));
            return Ok(json!({"filters": {"filters": ranges.collect::<Result<Vec<_>>>()?}}));
        }
        let zoned = |name: &str, length: String, zone: &str| {
            let zone = Zone::parse(zone).map_err(|fault| Error::invalid(fault.to_string()))?;
            let mut histogram = json!({"field": field, "time_zone": zone.name(), "min_doc_count": 1});
            histogram[name] = json!(length);
            Ok(json!({ "date_histogram": histogram }))
        };
        match self.interval {
            // gaps are filled here: one far value would make more buckets than there may be
            Some(Interval::Number { size, offset }) => {
                Ok(json!({"histogram": {"field": field, "interval": size, "offset": offset, "min_doc_count": 1}}))
            }
            Some(Interval::Calendar { unit, zone }) => zoned("calendar_interval", unit_name(*unit).into(), zone),
            Some(Interval::Fixed { nanos, zone }) => zoned("fixed_interval", format!("{}ms", nanos / 1_000_000), zone),
            None => {
                let mut terms = Map::new();
                terms.insert("field".into(), json!(field));
                terms.insert("size".into(), json!(size));
                if !order.is_empty() {
                    terms.insert("order".into(), json!(order));
                }
                Ok(json!({ "terms": terms }))
            }
        }
    }

    /// The buckets of documents, or of elements, with their keys.
    pub(super) fn read<'j>(&self, answer: &'j Json) -> Result<Vec<(Bucket, &'j Json)>> {
        let level = self.field.nested.as_deref();
        let found = buckets(answer)?;
        if !self.ranges.is_empty() {
            if found.len() != self.ranges.len() {
                return Err(lacking("a bucket of each range"));
            }
            let end = |end: &Option<(Value, bool)>| end.as_ref().map(|(value, _)| value.clone());
            let bucket = |(range, bucket): (&RangeOf, &'j Json)| {
                Ok((Bucket { lower: end(&range.lower), upper: end(&range.upper), count: counts(level, bucket)? }, bucket))
            };
            return self.ranges.iter().zip(found).map(bucket).collect();
        }
        let steps = self.interval.map(|interval| Steps::of(interval, &self.field.kind)).transpose()?;
        let bucket = |bucket: &'j Json| {
            let count = counts(level, bucket)?;
            let key = bucket.get("key").ok_or_else(|| lacking("a key"))?;
            Ok(match &steps {
                Some(steps) => (steps.bucket(start(self.field, bucket)?, count), bucket),
                None => (Bucket { lower: Some(value(&self.field.kind, key)?), upper: None, count }, bucket),
            })
        };
        found.iter().map(bucket).collect()
    }
}

pub(super) fn documents(count: u64) -> Counts {
    Counts { documents: count, elements: None }
}

/// Where a bucket of an interval begins.
pub(super) fn start(field: &Field, bucket: &Json) -> Result<Start> {
    match &field.kind {
        Kind::Date(_) => bucket["key"].as_i64().map(Start::Date).ok_or_else(|| lacking("a moment as key")),
        _ => super::answers::number(bucket, "key")?.map(Start::Number).ok_or_else(|| lacking("a number as key")),
    }
}

/// Values of which the interval would begin below all doubles: Elasticsearch leaves them out of its buckets in silence, where a document has
/// several values. `None`: there can be none.
pub(super) fn lost(field: &Field, interval: &Interval) -> Option<Json> {
    let Interval::Number { size, offset } = interval else { return None };
    let greatest = match field.kind {
        Kind::Number(Number::Double) => f64::MAX,
        Kind::Number(Number::Float | Number::HalfFloat) => f64::from(f32::MAX),
        _ => return None,
    };
    let beyond = |number: f64| !((number - offset) / size).is_finite();
    beyond(-greatest).then(|| json!({"filter": {"range": {field.path.as_str(): {"lt": offset - f64::MAX * size}}}}))
}

pub(super) fn read_lost(field: &Field, interval: &Interval, name: &str, within: &Json) -> Result<bool> {
    Ok(lost(field, interval).is_some() && super::answers::count(super::answers::part(within, name)?)? > 0)
}

fn unit_name(unit: Calendar) -> &'static str {
    match unit {
        Calendar::Minute => "minute",
        Calendar::Hour => "hour",
        Calendar::Day => "day",
        Calendar::Week => "week",
        Calendar::Month => "month",
        Calendar::Quarter => "quarter",
        Calendar::Year => "year",
    }
}

/// A key of plain values.
pub(super) fn value(kind: &Kind, key: &Json) -> Result<Value> {
    let found = match kind {
        Kind::Keyword(_) | Kind::Text { .. } => key.as_str().map(|text| Value::Text(text.into())),
        Kind::Number(Number::Double | Number::Float | Number::HalfFloat) => key.as_f64().map(Value::Double),
        Kind::Number(_) => key.as_i64().map(Value::Long),
        Kind::Boolean => key.as_bool().or_else(|| key.as_i64().map(|truth| truth != 0)).map(Value::Boolean),
        // milliseconds, also of a date_nanos
        Kind::Date(_) => key.as_i64().map(|millis| Value::Date(Time::from_millis(millis))),
        Kind::Ip => key.as_str().and_then(|text| text.parse().ok()).map(|address| Value::Ip(shortest(address))),
        Kind::GeoPoint | Kind::Vector { .. } | Kind::Object | Kind::Nested | Kind::Json { .. } => None,
    };
    found.ok_or_else(|| Error::Internal(format!("an answer to a search with the key {key}")))
}

/// The other way, for `after`.
pub(super) fn plain(value: &Value) -> Json {
    match value {
        Value::Text(text) => json!(text),
        Value::Long(whole) => json!(whole),
        Value::Double(double) => json!(double),
        Value::Boolean(truth) => json!(truth),
        Value::Date(time) => json!(time.millis()),
        Value::Ip(address) => json!(shortest(*address).to_string()),
    }
}
