//! Whether an answer is the one expected: numbers to 1e-9 of what was added up, what is near to 5 %.

use crate::search::{Bucket, Computed, Group, MetricValue, Stats};

/// What differs; `scale` is unknown here, so sums are held against their largest value.
pub fn alike(wanted: &Computed, found: &Computed) -> Result<(), String> {
    let differ = || Err(format!("{found:?}\n  instead of {wanted:?}"));
    match (wanted, found) {
        (
            Computed::Facet { values, other, distinct, buckets, stats },
            Computed::Facet { values: v, other: o, distinct: d, buckets: b, stats: s },
        ) => {
            let distinct = match (distinct, d) {
                (Some((wanted, _)), Some((found, exact))) => {
                    if *exact {
                        wanted == found
                    } else {
                        near(*wanted as f64, *found as f64, 0.05)
                    }
                }
                (wanted, found) => wanted.is_some() == found.is_some(),
            };
            let same = values == v && other == o && distinct && alike_buckets(buckets, b);
            match (stats, s) {
                (Some(wanted), Some(found)) if same => alike_stats(wanted, found),
                (None, None) if same => Ok(()),
                _ => differ(),
            }
        }
        (Computed::Metrics { count, values }, Computed::Metrics { count: c, values: v }) => {
            if count != c || values.len() != v.len() {
                return differ();
            }
            values.iter().zip(v).try_for_each(|(wanted, found)| alike_metric(wanted, found))
        }
        (Computed::Groups(wanted), Computed::Groups(found)) => {
            let same = (wanted.more, wanted.other, wanted.error_bound) == (found.more, found.other, found.error_bound);
            if !same || wanted.groups.len() != found.groups.len() {
                return differ();
            }
            wanted.groups.iter().zip(&found.groups).try_for_each(|(a, b)| {
                if alike_group(a, b) { inside(a, b) } else { Err(format!("the group {b:?}\n  instead of {a:?}")) }
            })
        }
        (Computed::Top(wanted), Computed::Top(found)) => {
            let same = wanted.len() == found.len() && wanted.iter().zip(found).all(|(wanted, found)| wanted.id == found.id);
            if same { Ok(()) } else { differ() }
        }
        (Computed::TooMany(wanted), Computed::TooMany(found)) if wanted == found => Ok(()),
        // which one would do is for its own test
        (Computed::TooFine(_), Computed::TooFine(_)) => Ok(()),
        _ => differ(),
    }
}

fn inside(wanted: &Group, found: &Group) -> Result<(), String> {
    if wanted.inside.len() != found.inside.len() {
        return Err(format!("inside of {found:?}"));
    }
    wanted.inside.iter().zip(&found.inside).try_for_each(|((slot, wanted), (other, found))| {
        if slot == other { alike(wanted, found) } else { Err(format!("slot {other}, not {slot}")) }
    })
}

fn alike_group(a: &Group, b: &Group) -> bool {
    let part = |(a, b): (&Option<Bucket>, &Option<Bucket>)| match (a, b) {
        (Some(a), Some(b)) => alike_bucket(a, b),
        (a, b) => a == b,
    };
    a.count == b.count && a.key.len() == b.key.len() && a.key.iter().zip(&b.key).all(part)
}

fn alike_buckets(a: &[Bucket], b: &[Bucket]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike_bucket(a, b))
}

fn alike_bucket(a: &Bucket, b: &Bucket) -> bool {
    use crate::search::value::Value;
    let ends = |a: &Option<Value>, b: &Option<Value>| match (a, b) {
        // ends of intervals far out may be off by the last bit
        (Some(Value::Double(a)), Some(Value::Double(b))) => near(*a, *b, 1e-9) || (a - b).abs() < 1e-9,
        (None, Some(Value::Double(far))) | (Some(Value::Double(far)), None) => !far.is_finite(),
        (a, b) => a == b,
    };
    a.count == b.count && ends(&a.lower, &b.lower) && ends(&a.upper, &b.upper)
}

fn near(a: f64, b: f64, part: f64) -> bool {
    a == b || (a - b).abs() <= part * a.abs().max(b.abs())
}

fn alike_stats(wanted: &Stats, found: &Stats) -> Result<(), String> {
    let most = wanted.max.unwrap_or(0.0).abs().max(wanted.min.unwrap_or(0.0).abs());
    let scale = most * wanted.count as f64;
    let sums = match (wanted.avg, found.avg) {
        // where sums of parts may leave the doubles, the order of adding decides
        _ if !scale.is_finite() => true,
        (Some(a), Some(b)) => (wanted.sum - found.sum).abs() <= 1e-9 * scale && (a - b).abs() <= 1e-9 * most,
        (a, b) => a == b && wanted.sum == found.sum,
    };
    if wanted.count == found.count && wanted.min == found.min && wanted.max == found.max && sums {
        Ok(())
    } else {
        Err(format!("{found:?} instead of {wanted:?}"))
    }
}

fn alike_metric(wanted: &MetricValue, found: &MetricValue) -> Result<(), String> {
    let same = match (wanted, found) {
        (MetricValue::Stats(wanted), MetricValue::Stats(found)) => return alike_stats(wanted, found),
        (MetricValue::Number(wanted), MetricValue::Number(found)) => match (wanted, found) {
            // squares of large numbers lose what is small, as they do in Elasticsearch
            (Some(a), Some(b)) => near(*a, *b, 1e-6) || (a - b).abs() < 1e-3 || a.abs().max(b.abs()) > 1e12,
            (a, b) => a == b,
        },
        (MetricValue::Percentiles(wanted), MetricValue::Percentiles(found)) => {
            wanted.len() == found.len()
                && wanted.iter().zip(found).all(|((at, a), (other, b))| {
                    at == other
                        && match (a, b) {
                            (Some(a), Some(b)) => near(*a, *b, 0.05),
                            (a, b) => a == b,
                        }
                })
        }
        (MetricValue::Distinct { value: a, .. }, MetricValue::Distinct { value: b, exact }) => {
            if *exact {
                a == b
            } else {
                near(*a as f64, *b as f64, 0.05)
            }
        }
        (a, b) => a == b,
    };
    if same { Ok(()) } else { Err(format!("{found:?} instead of {wanted:?}")) }
}
