//! What is counted over the documents found: facets, metrics and groups, as a tree, and the answers to them.

use super::collection::FieldRef;
use super::document::Document;
use super::query::{Direction, Filter, GeoPoint, Order, Range};
use super::value::Value;

/// Which answer belongs to which request: given by the caller, unique in a query.
pub type Slot = u32;

#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::large_enum_variant, reason = "a handful of a query, built once")]
pub enum Compute {
    /// Ignores the tick of its own field, and no other.
    Facet(Facet),
    /// Over the documents matched (or the group it stands in); `under` a nested path over its elements.
    Metrics {
        scope: Scope,
        under: Option<FieldRef>,
        of: Vec<(FieldRef, Metric)>,
    },
    Groups(GroupBy),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Rule, search, filter, and all ticks but that of the field itself.
    AllButOwnTick,
    /// Rule, search, filter and all ticks.
    Matched,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Facet {
    pub field: FieldRef,
    pub scope: Scope,
    /// The most frequent values; `None` where only buckets or stats are asked for.
    pub values: Option<u32>,
    pub order: Vec<FacetOrder>,
    /// Only values that contain this, case apart.
    pub containing: Option<String>,
    pub missing: bool,
    pub distinct: bool,
    pub ranges: Vec<RangeOf>,
    pub interval: Option<Interval>,
    pub stats: bool,
    /// Distance ranges from here, in metres.
    pub from: Option<GeoPoint>,
    /// Map tiles at this zoom.
    pub zoom: Option<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FacetOrder {
    Count(Direction),
    Value(Direction),
}

/// `lower` is inside, `upper` is not.
pub type RangeOf = Range;

#[derive(Clone, Debug, PartialEq)]
pub enum Interval {
    Number { size: f64, offset: f64 },
    Calendar { unit: Calendar, zone: String },
    Fixed { nanos: i128, zone: String },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calendar {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Metric {
    Stats,
    StdDev,
    Percentiles(Vec<f64>),
    Distinct,
    ValueCount,
}

#[derive(Clone, Debug, PartialEq)]
pub struct GroupBy {
    pub keys: Vec<GroupKey>,
    pub first: u32,
    pub after: Option<Vec<Option<Value>>>,
    pub order: Vec<GroupOrder>,
    pub having: Option<Having>,
    /// Computed in each group.
    pub inside: Vec<(Slot, Compute)>,
    /// So many documents of each group, in this order.
    pub top: Option<(u32, Vec<Order>)>,
    pub filter: Filter,
}

#[derive(Clone, Debug, PartialEq)]
pub struct GroupKey {
    pub field: FieldRef,
    pub interval: Option<Interval>,
    pub ranges: Vec<RangeOf>,
    pub missing: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum GroupOrder {
    Count(Direction),
    Key(Direction),
    Metric { field: FieldRef, metric: Metric, direction: Direction },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Having {
    And(Vec<Having>),
    Or(Vec<Having>),
    Not(Box<Having>),
    Count { under: Option<FieldRef>, range: Range },
    Metric { field: FieldRef, metric: Metric, range: Range },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Computed {
    Facet { values: Vec<ValueCount>, other: u64, distinct: Option<(u64, bool)>, buckets: Vec<Bucket>, stats: Option<Stats> },
    Metrics { count: Counts, values: Vec<MetricValue> },
    Groups(Groups),
}

/// Documents, and elements where it is computed under a nested path.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub documents: u64,
    pub elements: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ValueCount {
    /// `None`: the documents without a value.
    pub value: Option<Value>,
    pub count: Counts,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    pub lower: Option<Value>,
    pub upper: Option<Value>,
    pub count: Counts,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Stats {
    pub count: u64,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub avg: Option<f64>,
    pub sum: f64,
}

#[derive(Clone, Debug, PartialEq)]
pub enum MetricValue {
    Stats(Stats),
    Number(Option<f64>),
    Percentiles(Vec<(f64, Option<f64>)>),
    Distinct { value: u64, exact: bool },
    Count(u64),
}

#[derive(Clone, Debug, PartialEq)]
pub struct Groups {
    pub groups: Vec<Group>,
    pub more: bool,
    pub other: u64,
    pub error_bound: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    pub key: Vec<Option<Bucket>>,
    pub count: Counts,
    pub inside: Vec<(Slot, Computed)>,
    pub top: Vec<Document>,
}
