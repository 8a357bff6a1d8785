//! What is counted over the documents found: facets, metrics and groups, as a tree, and the answers to them.

pub(super) mod checking;
pub(super) mod choosing;
pub(super) mod interval;
pub(super) mod levels;
pub(super) mod numbers;

use std::sync::Arc;

use super::collection::FieldRef;
pub use super::date::Calendar;
use super::document::Document;
use super::query::{Direction, GeoPoint, Order, Range};
use super::value::Value;

/// Which answer belongs to which request: given by the caller, unique in a query.
pub type Slot = u32;

#[derive(Clone, Debug, PartialEq)]
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
    /// Only in a group: its first documents.
    Top(Top),
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
    /// So many values, and the count of the others; `None` where only buckets or stats are asked for.
    pub values: Option<u32>,
    /// Empty: the most frequent first. Values of the same place go by value, ascending.
    pub order: Vec<FacetOrder>,
    /// Only values that contain this, case apart; the other values and the distinct ones are counted among these too.
    pub containing: Option<String>,
    /// One value more, `None`, behind the others: the documents without a value.
    pub missing: bool,
    pub distinct: bool,
    /// Buckets in this order. Never beside an interval.
    pub ranges: Vec<RangeOf>,
    /// Buckets ascending, empty ones between too.
    pub interval: Option<Interval>,
    pub stats: bool,
    /// Of a place: the ranges are metres from here.
    pub from: Option<GeoPoint>,
    /// Of a place: `values` are map tiles at this zoom, as the text `zoom/x/y`.
    pub zoom: Option<u8>,
}

impl Facet {
    /// Of which nothing is asked yet.
    pub fn new(field: FieldRef) -> Self {
        Facet {
            field,
            scope: Scope::AllButOwnTick,
            values: None,
            order: Vec::new(),
            containing: None,
            missing: false,
            distinct: false,
            ranges: Vec::new(),
            interval: None,
            stats: false,
            from: None,
            zoom: None,
        }
    }
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

#[derive(Clone, Debug, PartialEq)]
pub enum Metric {
    Stats,
    StdDev,
    Percentiles(Vec<f64>),
    Distinct,
    ValueCount,
}

/// One number of a field's values in a group: to order groups by, and for conditions on them. Of dates milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    Min,
    Max,
    Avg,
    Sum,
    StdDev,
    Distinct,
    ValueCount,
}

/// Groups of the documents matched, or of the group it stands in.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupBy {
    /// At least one; each field once.
    pub keys: Vec<GroupKey>,
    pub first: u32,
    /// Groups behind this key, a value for each of `keys`. Only where the order is by key alone and no key has ranges.
    pub after: Option<Vec<Option<Value>>>,
    /// Empty: by count, descending. Groups of the same place go by key, ascending; a measure that is null comes last both ways.
    pub order: Vec<GroupOrder>,
    pub having: Option<Having>,
    /// Computed in each group.
    pub inside: Vec<(Slot, Compute)>,
}

impl GroupBy {
    /// Whether every group there is must be known, with all that is computed in it, to tell the first ones.
    pub fn lists_all(&self) -> bool {
        choosing::way(self, true) == choosing::Way::All
    }
}

/// The first documents; of a group by a nested key the documents that hold its elements.
#[derive(Clone, Debug, PartialEq)]
pub struct Top {
    pub size: u32,
    /// As in a query.
    pub order: Vec<Order>,
    /// As in `Fetch`.
    pub fields: Option<Vec<Arc<str>>>,
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
    Metric { field: FieldRef, measure: Measure, direction: Direction },
}

/// A condition on a group: it holds or it does not, so `Not` is a complement.
#[derive(Clone, Debug, PartialEq)]
pub enum Having {
    And(Vec<Having>),
    /// Of no parts: no group.
    Or(Vec<Having>),
    Not(Box<Having>),
    /// Documents of the group; with `under` those that have an element on this nested path, or with `elements` the elements.
    Count {
        under: Option<FieldRef>,
        elements: bool,
        range: Range,
    },
    /// A measure that is null lies in no range, also not in one open on both sides. Bounds are doubles; of counts longs, of dates dates.
    Metric {
        field: FieldRef,
        measure: Measure,
        range: Range,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Computed {
    Facet {
        values: Vec<ValueCount>,
        other: u64,
        distinct: Option<(u64, bool)>,
        buckets: Vec<Bucket>,
        stats: Option<Stats>,
    },
    /// Values in the order asked.
    Metrics {
        count: Counts,
        values: Vec<MetricValue>,
    },
    Groups(Groups),
    Top(Vec<Document>),
    /// There are more groups or buckets than may be listed, which is this many: this one has no answer, all else has.
    TooMany(u64),
    /// The interval of a facet is too small for its values: there are more buckets than may be listed, or doubles cannot tell
    /// where they begin. This one would do.
    TooFine(Interval),
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

/// Of an interval both ends; of a range as it was asked; a group's key that is a plain value has it as `lower`.
#[derive(Clone, Debug, PartialEq)]
pub struct Bucket {
    pub lower: Option<Value>,
    pub upper: Option<Value>,
    pub count: Counts,
}

/// Of dates in milliseconds since 1970.
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
    /// Sum of the counts of the groups that are not shown.
    pub other: u64,
    /// By how much a count may be too low; `None` where that is not known.
    pub error_bound: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// One for each key; `None`: the documents without a value.
    pub key: Vec<Option<Bucket>>,
    pub count: Counts,
    pub inside: Vec<(Slot, Computed)>,
}
