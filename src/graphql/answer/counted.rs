//! What was counted, shaped: facets, aggregates and groups, each value by the kind of its field.

use super::connection::page_info;
use super::selected::asks_for;
use super::{Connection, Resolved, Shaper, Thing, list};
use crate::catalog::ExposedField;
use crate::error::Code;
use crate::graphql::errors::Failure;
use crate::graphql::operation::{Node, Part, What};
use crate::graphql::plan::{Made, address};
use crate::graphql::value::Value;
use crate::search::date::{Time, rfc3339};
use crate::search::value::{Value as Held, shortest};
use crate::search::{
    Bucket, Computed, Counts, Field, FieldRef, Filter, Group, GroupKey, Groups, Interval, Kind, LISTED_MOST, MetricValue, Number,
    Slot, Stats, ValueCount,
};

/// A level of what was computed: that of the whole result, or that of a group.
#[derive(Clone, Copy)]
pub(crate) struct Within<'a> {
    connection: Connection<'a>,
    computed: &'a [(Slot, Computed)],
}

/// An object of what was counted, to select from.
#[derive(Clone)]
pub(crate) enum Counted<'a> {
    Facets(Within<'a>, &'a [ExposedField]),
    Facet { field: &'a FieldRef, tick: Option<&'a Filter>, computed: Option<&'a Computed> },
    FacetValue { field: &'a FieldRef, tick: Option<&'a Filter>, value: &'a ValueCount },
    Bucket(&'a Field, &'a Bucket),
    Cell(&'a ValueCount),
    Aggregate(Within<'a>, &'a [ExposedField]),
    Measures(Within<'a>, &'a Field),
    Stats(&'a Field, &'a Stats),
    Percentile(&'a Field, f64, Option<f64>),
    Groups(Within<'a>, &'a Groups, Grouping<'a>),
    Page(&'a Groups, Grouping<'a>),
    Group(Within<'a>, &'a Group, &'a [GroupKey]),
    Key(&'a Group, &'a [GroupKey], &'a [ExposedField]),
    Range(&'a Field, &'a Bucket),
}

/// How groups were asked for.
#[derive(Clone, Copy)]
pub(crate) struct Grouping<'a> {
    keys: &'a [GroupKey],
    /// What cursors are for, where there are pages.
    cursors: Option<&'a str>,
    after: bool,
}

impl<'a> Within<'a> {
    pub(super) fn of(connection: Connection<'a>) -> Self {
        let computed = connection.page.map(|page| page.computed.as_slice()).unwrap_or_default();
        Within { connection, computed }
    }

    fn made(self, node: &Node) -> Option<&'a Made<'a>> {
        self.connection.many.counted.get(&address(node))
    }

    fn at(self, slot: Slot) -> Option<&'a Computed> {
        self.computed.iter().find(|(known, _)| *known == slot).map(|(_, computed)| computed)
    }
}

/// `facets`, `aggregate` and `groupBy`, of a connection or a group.
pub(super) fn of_level<'a>(within: Within<'a>, part: Part, node: &'a Node) -> Resolved<'a> {
    let fields = &within.connection.many.exposed.fields;
    match part {
        Part::Facets => thing(Counted::Facets(within, fields)),
        Part::Aggregate => thing(Counted::Aggregate(within, fields)),
        Part::GroupBy => match within.made(node) {
            Some(Made::Groups { slot, keys, cursors, after }) => match within.at(*slot) {
                Some(Computed::Groups(groups)) => {
                    thing(Counted::Groups(within, groups, Grouping { keys, cursors: cursors.as_deref(), after: *after }))
                }
                other => unanswered(other),
            },
            other => failed(other),
        },
        _ => Resolved::Null,
    }
}

impl<'a> Shaper<'a> {
    pub(super) fn of_counted(&self, counted: &Counted<'a>, node: &'a Node) -> Resolved<'a> {
        let part = match node.what {
            What::Counted(part) => part,
            What::PageInfo => match counted {
                Counted::Groups(_, groups, grouping) => return thing(Counted::Page(groups, *grouping)),
                _ => return Resolved::Null,
            },
            _ => match counted {
                Counted::Page(groups, grouping) => return self.of_groups_page(groups, *grouping, node),
                _ => return Resolved::Null,
            },
        };
        match counted {
            Counted::Facets(within, fields) => of_facets(*within, fields, part, node),
            Counted::Facet { field, tick, computed } => of_facet(field, *tick, *computed, part),
            Counted::FacetValue { field, tick, value } => match part {
                Part::Value => optional(value.value.as_ref(), field),
                Part::Selected => {
                    Resolved::Leaf(Value::Boolean(tick.is_some_and(|tick| asks_for(tick, field, value.value.as_ref()))))
                }
                _ => of_counts(value.count, part),
            },
            Counted::Bucket(field, bucket) => match part {
                Part::From => optional(bucket.lower.as_ref(), field),
                Part::To => optional(bucket.upper.as_ref(), field),
                _ => of_counts(bucket.count, part),
            },
            Counted::Range(field, bucket) => match part {
                Part::From => optional(bucket.lower.as_ref(), field),
                _ => optional(bucket.upper.as_ref(), field),
            },
            Counted::Cell(value) => of_cell(value, part),
            Counted::Aggregate(within, fields) => of_aggregate(*within, fields, part, node),
            Counted::Measures(within, field) => of_measures(*within, field, part, node),
            Counted::Stats(field, stats) => of_stats(field, stats, part),
            Counted::Percentile(field, at, value) => match part {
                Part::At => Resolved::Leaf(Value::Double(*at)),
                _ => measured(field, *value),
            },
            Counted::Groups(within, groups, grouping) => match part {
                Part::Nodes => list(groups.groups.iter().map(|group| {
                    let inner = Within { connection: within.connection, computed: &group.inside };
                    thing(Counted::Group(inner, group, grouping.keys))
                })),
                Part::OtherCount => count(groups.other),
                _ => groups.error_bound.map_or(Resolved::Null, count),
            },
            Counted::Group(within, group, keys) => self.of_group(*within, group, keys, part, node),
            Counted::Key(group, keys, fields) => of_key(group, keys, fields, part),
            Counted::Page(..) => Resolved::Null,
        }
    }

    fn of_group(&self, within: Within<'a>, group: &'a Group, keys: &'a [GroupKey], part: Part, node: &'a Node) -> Resolved<'a> {
        let exposed = &*within.connection.many.exposed;
        match part {
            Part::Key => thing(Counted::Key(group, keys, &exposed.fields)),
            Part::TopHits => match within.made(node) {
                Some(Made::Top(slot)) => match within.at(*slot) {
                    Some(Computed::Top(documents)) => {
                        list(documents.iter().map(|document| Resolved::Thing(Thing::Document(exposed, document))))
                    }
                    other => unanswered(other),
                },
                other => failed(other),
            },
            Part::Aggregate | Part::GroupBy => of_level(within, part, node),
            _ => of_counts(group.count, part),
        }
    }

    fn of_groups_page(&self, groups: &'a Groups, grouping: Grouping<'a>, node: &'a Node) -> Resolved<'a> {
        let cursor = |group: Option<&Group>| match (group, grouping.cursors) {
            (Some(group), Some(binding)) => {
                let key = group.key.iter().map(|bucket| bucket.as_ref().and_then(|bucket| bucket.lower.as_ref()));
                let place = crate::catalog::cursor::of_group(key);
                Resolved::Leaf(Value::text(self.signer.write(binding, &place)))
            }
            _ => Resolved::Null,
        };
        let ends = (groups.more, grouping.after);
        page_info(node, ends, || cursor(groups.groups.first()), || cursor(groups.groups.last()))
    }
}

fn of_facets<'a>(within: Within<'a>, fields: &'a [ExposedField], part: Part, node: &'a Node) -> Resolved<'a> {
    let Part::Field(at) = part else { return Resolved::Null };
    let Some(field) = fields.get(at) else { return Resolved::Null };
    if matches!(field.field.kind, Kind::Object | Kind::Nested) {
        return thing(Counted::Facets(within, &field.fields));
    }
    match within.made(node) {
        Some(Made::Facet { slot, field, tick }) => {
            let computed = slot.map(|slot| within.at(slot));
            match computed {
                None | Some(Some(Computed::Facet { .. })) => {
                    thing(Counted::Facet { field, tick: tick.as_ref(), computed: computed.flatten() })
                }
                Some(other) => unanswered(other),
            }
        }
        other => failed(other),
    }
}

fn of_facet<'a>(field: &'a FieldRef, tick: Option<&'a Filter>, computed: Option<&'a Computed>, part: Part) -> Resolved<'a> {
    let Some(Computed::Facet { values, other, distinct, buckets, stats }) = computed else {
        // nothing of it was asked but buckets, and there were none to make
        return match part {
            Part::Buckets => Resolved::List(Vec::new()),
            _ => unanswered(computed),
        };
    };
    match (part, distinct, stats) {
        (Part::Values, ..) => list(values.iter().map(|value| thing(Counted::FacetValue { field, tick, value }))),
        (Part::Cells, ..) => list(values.iter().map(|value| thing(Counted::Cell(value)))),
        (Part::OtherCount, ..) => count(*other),
        (Part::DistinctCount, Some((distinct, _)), _) => count(*distinct),
        (Part::ExactDistinct, Some((_, exact)), _) => Resolved::Leaf(Value::Boolean(*exact)),
        (Part::Buckets, ..) => list(buckets.iter().map(|bucket| thing(Counted::Bucket(field, bucket)))),
        (Part::Stats, _, Some(stats)) => thing(Counted::Stats(field, stats)),
        _ => unanswered(computed),
    }
}

/// A tile of the map, `zoom/x/y` in Web Mercator; its middle is that of its edges.
fn of_cell<'a>(value: &'a ValueCount, part: Part) -> Resolved<'a> {
    let key = match &value.value {
        Some(Held::Text(key)) => key.as_str(),
        _ => "",
    };
    match part {
        Part::Tile => Resolved::Leaf(Value::text(key)),
        Part::Center => match middle(key) {
            Some((lat, lon)) => Resolved::Thing(Thing::Point { lat, lon }),
            None => unanswered(None),
        },
        _ => of_counts(value.count, part),
    }
}

fn middle(key: &str) -> Option<(f64, f64)> {
    let mut numbers = key.split('/').map(|part| part.parse::<u32>().ok());
    let (zoom, x, y) = (numbers.next()??, numbers.next()??, numbers.next()??);
    let tiles = f64::from(2_u32.checked_pow(zoom)?);
    let lat = |y: f64| (std::f64::consts::PI * (1.0 - 2.0 * y / tiles)).sinh().atan().to_degrees();
    let (top, bottom) = (lat(f64::from(y)), lat(f64::from(y) + 1.0));
    Some((f64::midpoint(top, bottom), (f64::from(x) + 0.5) / tiles * 360.0 - 180.0))
}

fn of_aggregate<'a>(within: Within<'a>, fields: &'a [ExposedField], part: Part, node: &'a Node) -> Resolved<'a> {
    match part {
        Part::Field(at) => match fields.get(at) {
            Some(field) if matches!(field.field.kind, Kind::Object | Kind::Nested) => {
                thing(Counted::Aggregate(within, &field.fields))
            }
            Some(field) => thing(Counted::Measures(within, &field.field)),
            None => Resolved::Null,
        },
        _ => match within.made(node) {
            Some(Made::Counts(slot)) => match within.at(*slot) {
                Some(Computed::Metrics { count, .. }) => of_counts(*count, part),
                other => unanswered(other),
            },
            other => failed(other),
        },
    }
}

fn of_measures<'a>(within: Within<'a>, field: &'a Field, part: Part, node: &'a Node) -> Resolved<'a> {
    let (slot, at) = match within.made(node) {
        Some(Made::Metric(slot, at)) => (*slot, *at),
        other => return failed(other),
    };
    let computed = within.at(slot);
    let Some(Computed::Metrics { values, .. }) = computed else { return unanswered(computed) };
    match (part, values.get(at)) {
        (Part::Stats, Some(MetricValue::Stats(stats))) => thing(Counted::Stats(field, stats)),
        (_, Some(MetricValue::Stats(stats))) => of_stats(field, stats, part),
        (_, Some(MetricValue::Number(value))) => measured(field, *value),
        (_, Some(MetricValue::Percentiles(values))) => {
            list(values.iter().map(|(at, value)| thing(Counted::Percentile(field, *at, *value))))
        }
        (Part::ExactDistinct, Some(MetricValue::Distinct { exact, .. })) => Resolved::Leaf(Value::Boolean(*exact)),
        (_, Some(MetricValue::Distinct { value, .. } | MetricValue::Count(value))) => count(*value),
        (_, None) => unanswered(None),
    }
}

fn of_stats<'a>(field: &Field, stats: &Stats, part: Part) -> Resolved<'a> {
    match part {
        Part::Min => measured(field, stats.min),
        Part::Max => measured(field, stats.max),
        Part::Avg => measured(field, stats.avg),
        Part::Sum => Resolved::Leaf(Value::Double(stats.sum)),
        _ => count(stats.count),
    }
}

/// Keys that are not grouped by are null, and so are objects that hold none.
fn of_key<'a>(group: &'a Group, keys: &'a [GroupKey], fields: &'a [ExposedField], part: Part) -> Resolved<'a> {
    let (Part::Field(at) | Part::Range(at)) = part else { return Resolved::Null };
    let Some(field) = fields.get(at) else { return Resolved::Null };
    if matches!(field.field.kind, Kind::Object | Kind::Nested) {
        let below = |key: &GroupKey| key.field.path.strip_prefix(&field.field.path).is_some_and(|rest| rest.starts_with('.'));
        return if keys.iter().any(below) { thing(Counted::Key(group, keys, &field.fields)) } else { Resolved::Null };
    }
    let Some(place) = keys.iter().position(|key| key.field.path == field.field.path) else { return Resolved::Null };
    let bucket = group.key.get(place).and_then(Option::as_ref);
    match (part, bucket, keys[place].ranges.is_empty()) {
        (Part::Range(_), Some(bucket), false) => thing(Counted::Range(&field.field, bucket)),
        (Part::Field(_), Some(bucket), true) => optional(bucket.lower.as_ref(), &field.field),
        _ => Resolved::Null,
    }
}

fn of_counts<'a>(counts: Counts, part: Part) -> Resolved<'a> {
    match part {
        Part::NestedCount => counts.elements.map_or(Resolved::Null, count),
        _ => count(counts.documents),
    }
}

fn thing(counted: Counted<'_>) -> Resolved<'_> {
    Resolved::Thing(Thing::Counted(counted))
}

fn count<'a>(value: u64) -> Resolved<'a> {
    Resolved::Leaf(Value::count(value))
}

fn optional<'a>(value: Option<&'a Held>, field: &Field) -> Resolved<'a> {
    value.map_or(Resolved::Null, |value| Resolved::Leaf(held(value, &field.kind)))
}

/// A value as a field of its kind is written.
fn held<'a>(value: &'a Held, kind: &Kind) -> Value<'a> {
    match value {
        Held::Text(text) => Value::text(text),
        Held::Long(long) => Value::long(*long),
        // with as many digits as the field keeps
        #[expect(clippy::cast_possible_truncation, reason = "it was a single before")]
        Held::Double(double) if matches!(kind, Kind::Number(Number::Float | Number::HalfFloat)) => Value::Single(*double as f32),
        Held::Double(double) => Value::Double(*double),
        Held::Boolean(truth) => Value::Boolean(*truth),
        Held::Date(time) => Value::text(rfc3339(*time, matches!(kind, Kind::Date(date) if date.nanos))),
        Held::Ip(address) => Value::text(shortest(*address).to_string()),
    }
}

/// A number measured; of dates it is milliseconds since 1970, and a date again.
fn measured<'a>(field: &Field, value: Option<f64>) -> Resolved<'a> {
    let Some(value) = value else { return Resolved::Null };
    Resolved::Leaf(match field.kind {
        #[expect(clippy::cast_possible_truncation, reason = "rounded down, as dates are; saturates")]
        Kind::Date(_) => Value::text(rfc3339(Time::from_millis(value.floor() as i64), false)),
        _ => Value::Double(value),
    })
}

/// A slot without the answer that belongs in it.
fn unanswered<'a>(computed: Option<&Computed>) -> Resolved<'a> {
    Resolved::Fault(match computed {
        Some(Computed::TooMany(most)) => Failure {
            more: vec![("limit", "groups".into()), ("value", (*most).into())],
            ..Failure::new(
                Code::LimitExceeded,
                format!("there are more than {most} groups or buckets to go through; narrow the search, or make them coarser"),
            )
        },
        Some(Computed::TooFine(would_do)) => Failure {
            more: vec![("limit", "groups".into()), ("value", LISTED_MOST.into())],
            ..Failure::new(
                Code::LimitExceeded,
                format!(
                    "the interval is too small for these values: at most {LISTED_MOST} buckets are listed; {} would do",
                    asked_for(would_do)
                ),
            )
        },
        _ => Failure::new(Code::Internal, "internal error"),
    })
}

/// As an argument.
fn asked_for(interval: &Interval) -> String {
    match interval {
        Interval::Number { size, .. } if *size >= 1e15 || *size < 1e-3 => format!("interval: {{ size: {size:e} }}"),
        Interval::Number { size, .. } => format!("interval: {{ size: {size} }}"),
        Interval::Calendar { unit, .. } => format!("interval: {{ calendar: {} }}", format!("{unit:?}").to_uppercase()),
        Interval::Fixed { nanos, .. } => format!("interval: {{ fixed: \"{}d\" }}", nanos / 86_400_000_000_000),
    }
}

fn failed<'a>(made: Option<&Made<'_>>) -> Resolved<'a> {
    Resolved::Fault(match made {
        Some(Made::Failed(failure)) => failure.clone(),
        _ => Failure::new(Code::Internal, "internal error"),
    })
}
