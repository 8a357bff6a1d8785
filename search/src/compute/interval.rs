//! Intervals of numbers and of dates: where each begins, and lists of them without gaps. Both engines count by these.

use super::{Bucket, Counts, Interval};
use crate::collection::Kind;
use crate::date::{Rounding, Span, Time, Zone};
use crate::error::{Error, Result};
use crate::value::Value;

/// Buckets of one interval, empty ones among them, and groups that are listed whole.
pub(crate) const LISTED_MOST: u64 = 10_000;

const NANOS_PER_MILLI: i128 = 1_000_000;
/// Whole numbers are exact in a double up to here.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// An interval of a certain field, checked.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    by: By,
    /// Ends are whole numbers.
    whole: bool,
}

#[derive(Clone, Debug)]
enum By {
    Number { size: f64, offset: f64 },
    Date(Rounding),
}

/// Where an interval begins: of numbers the number, of dates milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Start {
    Number(f64),
    Date(i64),
}

impl Steps {
    pub(crate) fn of(interval: &Interval, kind: &Kind) -> Result<Steps> {
        let date = |span, zone: &str| {
            let zone = Zone::parse(zone).map_err(|fault| Error::invalid(fault.to_string()))?;
            Ok(By::Date(Rounding::new(span, zone)))
        };
        let by = match (interval, kind) {
            (Interval::Number { size, offset }, Kind::Number(number)) => {
                if !(size.is_finite() && *size > 0.0 && offset.is_finite()) {
                    return Err(Error::invalid("the size of an interval is a number greater than 0"));
                }
                if number.is_whole() && (size.fract() != 0.0 || offset.fract() != 0.0) {
                    return Err(Error::invalid("size and offset of an interval of whole numbers are whole numbers"));
                }
                By::Number { size: *size, offset: *offset }
            }
            (Interval::Calendar { unit, zone }, Kind::Date(_)) => date(Span::Unit(*unit), zone)?,
            (Interval::Fixed { nanos, zone }, Kind::Date(_)) => {
                let millis = i64::try_from(nanos / NANOS_PER_MILLI).ok().filter(|millis| *millis > 0);
                let millis = millis.filter(|_| nanos % NANOS_PER_MILLI == 0);
                let fault = || Error::invalid("an interval of dates is a whole number of milliseconds, at least one");
                date(Span::Fixed(millis.ok_or_else(fault)?), zone)?
            }
            _ => return Err(Error::invalid("this interval does not fit the kind of the field")),
        };
        Ok(Steps { by, whole: matches!(kind, Kind::Number(number) if number.is_whole()) })
    }

    /// Of a number, computed in doubles as Elasticsearch does.
    pub(crate) fn of_number(&self, value: f64) -> Start {
        match &self.by {
            By::Number { size, offset } => Start::Number(((value - offset) / size).floor() * size + offset),
            By::Date(_) => Start::Number(value),
        }
    }

    pub(crate) fn of_millis(&self, millis: i64) -> Start {
        match &self.by {
            By::Date(rounding) => Start::Date(rounding.start(millis)),
            By::Number { .. } => Start::Date(millis),
        }
    }

    /// A moment behind the interval that begins here; of dates exactly its end.
    pub(crate) fn end(&self, start: i64) -> i64 {
        match &self.by {
            By::Date(rounding) => rounding.next(start),
            By::Number { .. } => i64::MAX,
        }
    }

    pub(crate) fn bucket(&self, start: Start, count: Counts) -> Bucket {
        match (start, &self.by) {
            (Start::Date(millis), _) => {
                let date = |millis| Some(Value::Date(Time::from_millis(millis)));
                Bucket { lower: date(millis), upper: date(self.end(millis)), count }
            }
            (Start::Number(number), By::Number { size, .. }) => {
                // beyond the doubles the last of them stands for where it begins
                Bucket { lower: self.number(number.clamp(f64::MIN, f64::MAX)), upper: self.number(number + size), count }
            }
            (Start::Number(number), By::Date(_)) => Bucket { lower: self.number(number), upper: None, count },
        }
    }

    /// An end that no value of the field can reach is none.
    fn number(&self, end: f64) -> Option<Value> {
        #[expect(clippy::cast_possible_truncation, reason = "the cast saturates: beyond the ends of whole numbers lies nothing")]
        match self.whole {
            _ if !end.is_finite() => None,
            true => Some(Value::Long(end as i64)),
            false => Some(Value::Double(end)),
        }
    }

    /// All intervals from the first to the last, those without documents too; `None`: there are too many of them.
    pub(crate) fn fill(&self, mut counted: Vec<(Start, Counts)>, empty: Counts) -> Option<Vec<Bucket>> {
        counted.sort_by(|(a, _), (b, _)| match (a, b) {
            (Start::Number(a), Start::Number(b)) => a.total_cmp(b),
            (Start::Date(a), Start::Date(b)) => a.cmp(b),
            (Start::Number(_), Start::Date(_)) => std::cmp::Ordering::Less,
            (Start::Date(_), Start::Number(_)) => std::cmp::Ordering::Greater,
        });
        let mut buckets: Vec<Bucket> = Vec::with_capacity(counted.len());
        let room = |buckets: &Vec<Bucket>| (buckets.len() as u64) < LISTED_MOST;
        let mut last: Option<Start> = None;
        for (start, count) in counted {
            match (&self.by, last, start) {
                (By::Number { size, offset }, Some(Start::Number(before)), Start::Number(number)) => {
                    let place = |at: f64| ((at - offset) / size).round();
                    let (from, to) = (place(before), place(number));
                    // beyond these, steps of one are lost in a double
                    if !(to - from <= LISTED_MOST as f64 && from.abs() < EXACT && to.abs() < EXACT) {
                        return None;
                    }
                    let mut at = from + 1.0;
                    while at < to {
                        if !room(&buckets) {
                            return None;
                        }
                        buckets.push(self.bucket(Start::Number(at * size + offset), empty));
                        at += 1.0;
                    }
                }
                (By::Date(rounding), Some(Start::Date(before)), Start::Date(millis)) => {
                    let mut at = rounding.next(before);
                    while at < millis {
                        if !room(&buckets) {
                            return None;
                        }
                        buckets.push(self.bucket(Start::Date(at), empty));
                        at = rounding.next(at);
                    }
                }
                (_, _, Start::Number(number)) if !number.is_finite() => return None,
                _ => {}
            }
            if !room(&buckets) {
                return None;
            }
            buckets.push(self.bucket(start, count));
            last = Some(start);
        }
        Some(buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Number;

    fn counts(documents: u64) -> Counts {
        Counts { documents, elements: None }
    }

    fn filled(interval: &Interval, number: Number, values: &[f64]) -> Option<Vec<(Option<Value>, u64)>> {
        let steps = Steps::of(interval, &Kind::Number(number)).unwrap();
        let counted = values.iter().map(|value| (steps.of_number(*value), counts(1))).collect();
        let buckets = steps.fill(counted, Counts::default())?;
        Some(buckets.into_iter().map(|bucket| (bucket.lower, bucket.count.documents)).collect())
    }

    #[test]
    fn gaps_are_filled() {
        let tens = Interval::Number { size: 10.0, offset: 3.0 };
        let found = filled(&tens, Number::Long, &[25.0, -8.0]).unwrap();
        let longs: Vec<(Option<Value>, u64)> =
            [(-17, 1), (-7, 0), (3, 0), (13, 0), (23, 1)].map(|(at, count)| (Some(Value::Long(at)), count)).into();
        // -8 lies before -7
        assert_eq!(found, longs);
        assert_eq!(filled(&tens, Number::Long, &[]), Some(Vec::new()));
    }

    #[test]
    fn too_many_are_not_listed() {
        let ones = Interval::Number { size: 1.0, offset: 0.0 };
        assert_eq!(filled(&ones, Number::Double, &[0.0, 10_000.0]), None);
        assert_eq!(filled(&ones, Number::Double, &[0.0, 9_999.0]).map(|found| found.len()), Some(10_000));
        assert_eq!(filled(&ones, Number::Double, &[1.0, 1e300]), None);
        assert_eq!(filled(&ones, Number::Double, &[f64::MAX]).map(|found| found.len()), Some(1));
        assert_eq!(filled(&Interval::Number { size: 0.1, offset: 0.0 }, Number::Double, &[f64::MAX]), None);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        let size = |size: f64| Interval::Number { size, offset: 0.0 };
        for size in [size(0.0), size(-1.0), size(f64::NAN), size(0.5)] {
            assert!(Steps::of(&size, &Kind::Number(Number::Integer)).is_err(), "{size:?}");
        }
        assert!(Steps::of(&size(1.0), &Kind::Boolean).is_err());
    }
}
