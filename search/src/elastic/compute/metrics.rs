//! Numbers over all values of a field, of lists each. Percentiles and distinct counts are near; all else is exact.

use serde_json::{Value as Json, json};

use super::Aggs;
use super::answers::{lacking, number, part, whole};
use super::keys::path;
use super::levels::{add_documents, counts, reach, reached};
use crate::compute::levels::Level;
use crate::compute::numbers::{deviation, stats};
use crate::{Computed, Field, FieldRef, Measure, Metric, MetricValue, Result, Slot, Stats};

/// Up to so many distinct values the count is as good as exact: the most that Elasticsearch takes.
const THRESHOLD: u32 = 40_000;
/// Of percentiles: half a percent off at most, where 100 was up to four.
const COMPRESSION: u32 = 1_000;

pub(super) fn add(slot: Slot, under: Option<&Field>, of: &[(FieldRef, Metric)], level: Level<'_>, into: &mut Aggs) -> Result<()> {
    let list = under.map(|under| under.path.as_str());
    let mut aggs = Aggs::new();
    add_documents(list, &mut aggs);
    for (at, (field, metric)) in of.iter().enumerate() {
        if let Some(aggregation) = body(path(field)?, metric) {
            aggs.insert(format!("{slot}n{at}"), aggregation);
        }
    }
    reach(&format!("{slot}n"), level, list, aggs, into);
    Ok(())
}

fn body(field: &str, metric: &Metric) -> Option<Json> {
    Some(match metric {
        Metric::Stats => json!({"stats": {"field": field}}),
        Metric::StdDev => json!({"extended_stats": {"field": field}}),
        Metric::Percentiles(at) if at.is_empty() => return None,
        Metric::Percentiles(at) => {
            let mut percents = at.clone();
            percents.sort_by(f64::total_cmp);
            percents.dedup();
            json!({"percentiles": {
                "field": field, "percents": percents, "keyed": false, "tdigest": {"compression": COMPRESSION},
            }})
        }
        Metric::Distinct => distinct(field),
        Metric::ValueCount => json!({"value_count": {"field": field}}),
    })
}

pub(super) fn distinct(field: &str) -> Json {
    json!({"cardinality": {"field": field, "precision_threshold": THRESHOLD}})
}

pub(super) fn read(
    slot: Slot,
    under: Option<&Field>,
    of: &[(FieldRef, Metric)],
    level: Level<'_>,
    within: &Json,
) -> Result<Computed> {
    let list = under.map(|under| under.path.as_str());
    let within = reached(&format!("{slot}n"), level, list, within)?;
    let value = |(at, (_, metric)): (usize, &(FieldRef, Metric))| {
        let answer = || part(within, &format!("{slot}n{at}"));
        Ok(match metric {
            Metric::Stats => MetricValue::Stats(read_stats(answer()?)?),
            Metric::StdDev => MetricValue::Number(read_deviation(answer()?)?),
            Metric::Percentiles(at) if at.is_empty() => MetricValue::Percentiles(Vec::new()),
            Metric::Percentiles(at) => MetricValue::Percentiles(read_percentiles(at, answer()?)?),
            Metric::Distinct => {
                let (value, exact) = read_distinct(answer()?)?;
                MetricValue::Distinct { value, exact }
            }
            Metric::ValueCount => MetricValue::Count(whole(answer()?, "value")?),
        })
    };
    let values = of.iter().enumerate().map(value).collect::<Result<_>>()?;
    Ok(Computed::Metrics { count: counts(list, within)?, values })
}

pub(super) fn read_stats(answer: &Json) -> Result<Stats> {
    let values = whole(answer, "count")?;
    let end = |name: &str| match number(answer, name)? {
        None if values > 0 => Err(lacking(name)),
        end => Ok(end.unwrap_or_default()),
    };
    let sum = number(answer, "sum")?.ok_or_else(|| lacking("sum"))?;
    Ok(stats(values, end("min")?, end("max")?, sum))
}

fn read_deviation(answer: &Json) -> Result<Option<f64>> {
    let sum = number(answer, "sum")?.ok_or_else(|| lacking("sum"))?;
    let squares = number(answer, "sum_of_squares")?.unwrap_or_default();
    Ok(deviation(whole(answer, "count")?, sum, squares))
}

/// A count of none is none; any other is near.
pub(super) fn read_distinct(answer: &Json) -> Result<(u64, bool)> {
    let value = whole(answer, "value")?;
    Ok((value, value == 0))
}

fn read_percentiles(at: &[f64], answer: &Json) -> Result<Vec<(f64, Option<f64>)>> {
    let values = answer["values"].as_array().ok_or_else(|| lacking("percentiles"))?;
    let one = |at: &f64| {
        let found = values.iter().find(|value| value["key"].as_f64() == Some(*at)).ok_or_else(|| lacking("a percentile"))?;
        Ok((*at, number(found, "value")?.filter(|value| value.is_finite())))
    };
    at.iter().map(one).collect()
}

/// One number of a group.
pub(super) fn measure(field: &Field, measure: Measure) -> Result<Json> {
    let field = path(field)?;
    Ok(match measure {
        Measure::Min | Measure::Max | Measure::Avg | Measure::Sum => json!({"stats": {"field": field}}),
        Measure::StdDev => json!({"extended_stats": {"field": field}}),
        Measure::Distinct => json!({"cardinality": {"field": field}}),
        Measure::ValueCount => json!({"value_count": {"field": field}}),
    })
}

#[expect(clippy::cast_precision_loss, reason = "no index holds so many values")]
pub(super) fn read_measure(measure: Measure, answer: &Json) -> Result<Option<f64>> {
    Ok(match measure {
        Measure::Min => read_stats(answer)?.min,
        Measure::Max => read_stats(answer)?.max,
        Measure::Avg => read_stats(answer)?.avg,
        Measure::Sum => Some(read_stats(answer)?.sum),
        Measure::StdDev => read_deviation(answer)?,
        Measure::Distinct | Measure::ValueCount => Some(whole(answer, "value")? as f64),
    })
}
