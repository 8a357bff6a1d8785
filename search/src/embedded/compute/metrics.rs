//! Numbers over all values of a field, of lists each. Exact.

use std::collections::HashSet;

use super::super::super::compute::choosing::Needed;
use super::super::super::compute::numbers::{Sum, deviation, percentile, stats};
use super::super::super::{Computed, Error, Field, FieldRef, Measure, Metric, MetricValue, Result, Stats};
use super::Computing;
use super::columns::{Codes, Columns, computed, double};
use super::rows::Rows;

impl Computing<'_> {
    pub(super) fn metrics(&self, rows: &Rows, under: Option<&Field>, of: &[(FieldRef, Metric)]) -> Result<Computed> {
        let rows = &self.reach(rows, under.map(|under| under.path.as_str()))?;
        let values = of.iter().map(|(field, metric)| compute(&self.columns, rows, field, metric)).collect::<Result<_>>()?;
        Ok(Computed::Metrics { count: self.counts(rows)?, values })
    }

    /// One number of a group.
    #[expect(clippy::cast_precision_loss, reason = "no index holds so many elements")]
    pub(super) fn number(&self, need: &Needed, rows: &Rows) -> Result<Option<f64>> {
        match need {
            Needed::Measure(field, of) => measure(&self.columns, &self.reach(rows, field.nested.as_deref())?, field, *of),
            Needed::Count { under, elements } => {
                let counts = self.counts(&self.reach(rows, Some(&under.path))?)?;
                Ok(Some(if *elements { counts.elements.unwrap_or_default() } else { counts.documents } as f64))
            }
        }
    }
}

fn compute(columns: &Columns<'_>, rows: &Rows, field: &Field, metric: &Metric) -> Result<MetricValue> {
    Ok(match metric {
        Metric::Stats => MetricValue::Stats(tally(columns, rows, field)?.stats()),
        Metric::StdDev => MetricValue::Number(tally(columns, rows, field)?.deviation()),
        Metric::Percentiles(at) => {
            let mut values = Vec::new();
            read(columns, rows, field, |value| values.push(value))?;
            values.sort_unstable_by(f64::total_cmp);
            MetricValue::Percentiles(at.iter().map(|at| (*at, percentile(&values, *at))).collect())
        }
        Metric::Distinct => MetricValue::Distinct { value: distinct(columns, rows, field)?, exact: true },
        Metric::ValueCount => MetricValue::Count(count(columns, rows, field)?),
    })
}

#[expect(clippy::cast_precision_loss, reason = "no index holds so many values")]
fn measure(columns: &Columns<'_>, rows: &Rows, field: &Field, measure: Measure) -> Result<Option<f64>> {
    let stats = || tally(columns, rows, field).map(|tally| tally.stats());
    Ok(match measure {
        Measure::Min => stats()?.min,
        Measure::Max => stats()?.max,
        Measure::Avg => stats()?.avg,
        Measure::Sum => Some(stats()?.sum),
        Measure::StdDev => tally(columns, rows, field)?.deviation(),
        Measure::Distinct => Some(distinct(columns, rows, field)? as f64),
        Measure::ValueCount => Some(count(columns, rows, field)? as f64),
    })
}

pub(super) fn facet_stats(columns: &Columns<'_>, rows: &Rows, field: &Field) -> Result<Stats> {
    tally(columns, rows, field).map(|tally| tally.stats())
}

fn read(columns: &Columns<'_>, rows: &Rows, field: &Field, mut found: impl FnMut(f64)) -> Result<()> {
    let opened = columns.open(field)?;
    for (codes, docs) in opened.iter().zip(&rows.entries) {
        codes.read(docs, |_, code| found(double(&field.kind, computed(&field.kind, code))));
    }
    Ok(())
}

struct Tally {
    count: u64,
    min: f64,
    max: f64,
    sum: Sum,
    squares: Sum,
}

impl Tally {
    fn stats(&self) -> Stats {
        stats(self.count, self.min, self.max, self.sum.value())
    }

    fn deviation(&self) -> Option<f64> {
        deviation(self.count, self.sum.value(), self.squares.value())
    }
}

fn tally(columns: &Columns<'_>, rows: &Rows, field: &Field) -> Result<Tally> {
    let (min, max) = (f64::INFINITY, f64::NEG_INFINITY);
    let mut tally = Tally { count: 0, min, max, sum: Sum::default(), squares: Sum::default() };
    read(columns, rows, field, |value| {
        tally.count += 1;
        if value.total_cmp(&tally.min).is_lt() {
            tally.min = value;
        }
        if value.total_cmp(&tally.max).is_gt() {
            tally.max = value;
        }
        tally.sum.add(value);
        tally.squares.add(value * value);
    })?;
    Ok(tally)
}

fn count(columns: &Columns<'_>, rows: &Rows, field: &Field) -> Result<u64> {
    let mut count = 0;
    for (codes, docs) in columns.open(field)?.iter().zip(&rows.entries) {
        codes.read(docs, |_, _| count += 1);
    }
    Ok(count)
}

fn distinct(columns: &Columns<'_>, rows: &Rows, field: &Field) -> Result<u64> {
    let opened = columns.open(field)?;
    let mut numbers: HashSet<i64> = HashSet::new();
    let mut of_segments: Vec<(usize, Vec<u64>)> = Vec::new();
    for (segment, (codes, docs)) in opened.iter().zip(&rows.entries).enumerate() {
        match codes {
            Codes::Nothing => {}
            Codes::Numbers(_) => codes.read(docs, |_, code| {
                numbers.insert(computed(&field.kind, code));
            }),
            Codes::Texts(_) => {
                let mut ords = Vec::new();
                codes.read(docs, |_, ord| ords.push(ord.cast_unsigned()));
                ords.sort_unstable();
                ords.dedup();
                if !ords.is_empty() {
                    of_segments.push((segment, ords));
                }
            }
        }
    }
    if let [(_, only)] = of_segments.as_slice() {
        return Ok(only.len() as u64);
    }
    let mut texts: HashSet<Box<[u8]>> = HashSet::new();
    for (segment, ords) in &of_segments {
        let Codes::Texts(column) = &opened[*segment] else { continue };
        let whole = column.dictionary().sorted_ords_to_term_cb(ords, |term| {
            if !texts.contains(term) {
                texts.insert(term.into());
            }
        });
        if !whole.map_err(Error::internal)? {
            return Err(Error::internal("an ordinal without a text"));
        }
    }
    Ok((numbers.len() + texts.len()) as u64)
}
