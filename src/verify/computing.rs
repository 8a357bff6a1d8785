//! Random facets, metrics and groups on an index that was not made for it.

use super::asking::{Asking, direction};
use super::random::Random;
use crate::search::value::Value;
use crate::search::{
    Calendar, Compute, Facet, FacetOrder, FieldRef, GroupBy, GroupKey, GroupOrder, Having, Interval, Kind, Measure, Metric,
    Query, Range, Scope,
};

/// More different values than that of one field may come cut from a shard.
const VALUES_MOST: usize = 900;
const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata"];

impl Asking<'_> {
    pub(super) fn compute(&self, random: &mut Random, query: &mut Query) {
        for slot in 0..1 + u32::try_from(random.below(3)).unwrap_or_default() {
            let compute = match random.below(3) {
                0 => self.facet(random).map(Compute::Facet),
                1 => self.metrics(random),
                _ => self.groups(random).map(Compute::Groups),
            };
            query.compute.extend(compute.map(|compute| (slot, compute)));
        }
    }

    /// Of any level, with not too many values.
    fn counted(&self, random: &mut Random) -> Option<(&FieldRef, &[Value])> {
        let few: Vec<_> = self.exact.iter().filter(|(_, values)| values.len() <= VALUES_MOST).collect();
        (!few.is_empty()).then(|| {
            let (field, values) = *random.pick(&few);
            (field, values.as_slice())
        })
    }

    fn facet(&self, random: &mut Random) -> Option<Facet> {
        let (field, values) = self.counted(random)?;
        let numeric = is_numeric(field);
        let mut facet = Facet {
            values: (!random.once_in(4)).then(|| *random.pick(&[0, 1, 5, 1_000])),
            missing: random.once_in(3),
            distinct: random.once_in(2),
            stats: numeric && random.once_in(3),
            ..Facet::new(field.clone())
        };
        for _ in 0..random.below(3) {
            let way = direction(random);
            facet.order.push(if random.once_in(2) { FacetOrder::Count(way) } else { FacetOrder::Value(way) });
        }
        if let Some(Value::Text(text)) = values.first().map(|_| random.pick(values))
            && random.once_in(3)
        {
            let skip = random.below(text.chars().count());
            let part: String = text.chars().skip(skip).take(3).collect();
            facet.containing = Some(part).filter(|part| !part.is_empty());
        }
        if numeric && !values.is_empty() {
            match random.below(3) {
                0 => facet.interval = interval(random, field, values),
                1 => facet.ranges = ranges(random, values),
                _ => {}
            }
        }
        Some(facet)
    }

    fn metrics(&self, random: &mut Random) -> Option<Compute> {
        let (first, _) = self.counted(random)?;
        let list = first.nested.clone();
        let mut of = Vec::new();
        for _ in 0..1 + random.below(3) {
            let Some((field, _)) = self.exact_at(random, list.as_deref()) else { continue };
            of.push((
                field.clone(),
                match random.below(4) {
                    0 => Metric::Distinct,
                    1 => Metric::ValueCount,
                    2 if matches!(field.kind, Kind::Number(_)) => Metric::StdDev,
                    _ if is_numeric(field) => Metric::Stats,
                    _ => Metric::Distinct,
                },
            ));
        }
        let under = match list {
            None => None,
            Some(list) => Some(self.list(&list)?.clone()),
        };
        Some(Compute::Metrics { scope: Scope::Matched, under, of })
    }

    fn groups(&self, random: &mut Random) -> Option<GroupBy> {
        let mut keys: Vec<GroupKey> = Vec::new();
        for _ in 0..1 + random.below(2) {
            let (field, values) = self.counted(random)?;
            // several keys stand on one level, or one below the other
            if keys.iter().any(|key| key.field.path == field.path || key.field.nested != field.nested) {
                continue;
            }
            let mut key = GroupKey { field: field.clone(), interval: None, ranges: Vec::new(), missing: random.once_in(3) };
            if is_numeric(field) && !values.is_empty() {
                match random.below(4) {
                    0 => key.interval = interval(random, field, values),
                    1 => key.ranges = ranges(random, values),
                    _ => {}
                }
            }
            keys.push(key);
        }
        let mut order = Vec::new();
        for _ in 0..random.below(3) {
            order.push(match random.below(3) {
                0 => GroupOrder::Count(direction(random)),
                1 => GroupOrder::Key(direction(random)),
                _ => {
                    let (field, measure) = self.measured(random)?;
                    GroupOrder::Metric { field, measure, direction: direction(random) }
                }
            });
        }
        let having = if random.once_in(4) {
            let at = Value::Long(i64::try_from(random.below(5)).unwrap_or_default());
            let range = Range { lower: Some((at, random.once_in(2))), upper: None };
            Some(Having::Count { under: None, elements: false, range })
        } else {
            None
        };
        let mut inside = Vec::new();
        if random.once_in(3) {
            let list = keys.first().and_then(|key| key.field.nested.clone());
            if let Some((field, _)) = self.exact_at(random, list.as_deref()) {
                let metric = if is_numeric(field) { Metric::Stats } else { Metric::Distinct };
                let under = list.as_deref().and_then(|list| self.list(list)).cloned();
                inside.push((100, Compute::Metrics { scope: Scope::Matched, under, of: vec![(field.clone(), metric)] }));
            }
        }
        Some(GroupBy { keys, first: *random.pick(&[1, 4, 1_000]), after: None, order, having, inside })
    }

    fn measured(&self, random: &mut Random) -> Option<(FieldRef, Measure)> {
        let (field, _) = self.counted(random)?;
        // sums depend on the order of adding: what is ordered by them might not
        let measure = match random.below(4) {
            0 if is_numeric(field) => Measure::Min,
            1 if is_numeric(field) => Measure::Max,
            2 => Measure::Distinct,
            _ => Measure::ValueCount,
        };
        Some((field.clone(), measure))
    }
}

fn is_numeric(field: &FieldRef) -> bool {
    matches!(field.kind, Kind::Number(_) | Kind::Date(_))
}

fn number(value: &Value) -> f64 {
    match value {
        Value::Long(whole) => *whole as f64,
        Value::Double(double) => *double,
        Value::Date(time) => time.millis() as f64,
        _ => 0.0,
    }
}

/// Of which there are not too many.
fn interval(random: &mut Random, field: &FieldRef, values: &[Value]) -> Option<Interval> {
    let numbers: Vec<f64> = values.iter().map(number).collect();
    let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
    let span = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max) - least;
    if !span.is_finite() || least.abs() > 1e15 || span > 1e15 {
        return None;
    }
    if let Kind::Date(_) = field.kind {
        const DAY: f64 = 86_400_000.0;
        let zone = (*random.pick(&ZONES)).to_owned();
        let units = [(Calendar::Year, 365.0), (Calendar::Quarter, 90.0), (Calendar::Month, 28.0), (Calendar::Week, 7.0)];
        let fitting: Vec<_> = units.iter().filter(|(_, days)| span / (days * DAY) < 500.0).collect();
        let (unit, _) = *fitting.last()?;
        return Some(Interval::Calendar { unit: *unit, zone });
    }
    let size = 10_f64.powf((span / 20.0).max(1.0).log10().ceil());
    Some(Interval::Number { size, offset: *random.pick(&[0.0, 1.0]) })
}

fn ranges(random: &mut Random, values: &[Value]) -> Vec<Range> {
    let range = |random: &mut Random| {
        let lower = (!random.once_in(4)).then(|| (random.pick(values).clone(), true));
        let upper = (!random.once_in(4)).then(|| (random.pick(values).clone(), false));
        Range { lower, upper }
    };
    (0..1 + random.below(3)).map(|_| range(random)).collect()
}
