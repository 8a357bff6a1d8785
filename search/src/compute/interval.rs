//! Intervals of numbers and of dates: where each begins, and lists of them without gaps. Both engines count by these.

use super::{Bucket, Calendar, Counts, Interval};
use crate::collection::Kind;
use crate::date::{Rounding, Span, Time, Zone};
use crate::error::{Error, Result};
use crate::value::Value;

/// Buckets of one interval, empty ones among them, and groups that are listed whole.
pub const LISTED_MOST: u64 = 10_000;

const NANOS_PER_MILLI: i128 = 1_000_000;
/// Whole numbers are exact in a double up to here.
const EXACT: f64 = 9_007_199_254_740_992.0;
/// So many buckets, or fewer, an interval has that is named instead of one too small.
const BUCKETS_MEANT: f64 = 1_000.0;

/// In milliseconds.
const MINUTE: f64 = 60_000.0;
/// About how long, in milliseconds.
const LENGTHS: [(Calendar, f64); 7] = [
    (Calendar::Minute, MINUTE),
    (Calendar::Hour, 60.0 * MINUTE),
    (Calendar::Day, 1_440.0 * MINUTE),
    (Calendar::Week, 7.0 * 1_440.0 * MINUTE),
    (Calendar::Month, 30.0 * 1_440.0 * MINUTE),
    (Calendar::Quarter, 91.0 * 1_440.0 * MINUTE),
    (Calendar::Year, 365.0 * 1_440.0 * MINUTE),
];

/// An interval of a certain field, checked.
#[derive(Clone, Debug)]
pub(crate) struct Steps {
    asked: Interval,
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
        Ok(Steps { asked: interval.clone(), by, whole: matches!(kind, Kind::Number(number) if number.is_whole()) })
    }

    /// Whether a double can tell this interval from its neighbours.
    pub(crate) fn tells(&self, start: Start) -> bool {
        match (start, &self.by) {
            (Start::Number(_), By::Number { .. }) => self.place(start).abs() < EXACT,
            _ => true,
        }
    }

    /// How many intervals lie between it and the offset. One that begins beyond all doubles is the one that their last lies in.
    fn place(&self, start: Start) -> f64 {
        match (start, &self.by) {
            (Start::Number(number), By::Number { size, offset }) if number.is_finite() => ((number - offset) / size).round(),
            (Start::Number(number), By::Number { size, offset }) => ((number.clamp(f64::MIN, f64::MAX) - offset) / size).floor(),
            _ => 0.0,
        }
    }

    /// About how many intervals there are from the one value to the other: numbers, or milliseconds.
    pub(crate) fn count(&self, least: f64, most: f64) -> f64 {
        let length = match (&self.by, &self.asked) {
            (By::Number { size, .. }, _) => *size,
            (By::Date(_), Interval::Calendar { unit, .. }) => {
                LENGTHS.iter().find(|(known, _)| known == unit).map_or(MINUTE, |(_, length)| *length)
            }
            (By::Date(_), Interval::Fixed { nanos, .. }) => *nanos as f64 / 1e6,
            (By::Date(_), Interval::Number { .. }) => MINUTE,
        };
        most / length - least / length
    }

    /// An interval for values from the one that begins here to the one that begins there: few buckets, each told from the next.
    pub(crate) fn coarser(&self, least: f64, most: f64) -> Interval {
        let (least, most) = (least.clamp(f64::MIN, f64::MAX), most.clamp(f64::MIN, f64::MAX));
        let apart = most / BUCKETS_MEANT - least / BUCKETS_MEANT;
        match &self.asked {
            Interval::Number { size, offset } => {
                let far = least.abs().max(most.abs()) / EXACT * 2.0;
                let size = round_up(apart.max(far).max(*size));
                // so large a step is a whole number already
                Interval::Number { size: if self.whole { size.ceil().max(1.0) } else { size }, offset: *offset }
            }
            Interval::Calendar { zone, .. } | Interval::Fixed { zone, .. } => {
                match LENGTHS.iter().find(|(_, length)| *length >= apart) {
                    Some((unit, _)) => Interval::Calendar { unit: *unit, zone: zone.clone() },
                    #[expect(clippy::cast_possible_truncation, reason = "moments are not so far apart")]
                    None => {
                        let days = round_up(apart / (24.0 * 60.0 * MINUTE)) as i128;
                        Interval::Fixed { nanos: days * 86_400_000_000_000, zone: zone.clone() }
                    }
                }
            }
        }
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
            (Start::Number(number), By::Number { size, offset }) => {
                let end = if number.is_finite() { number + size } else { (self.place(start) + 1.0) * size + offset };
                // beyond the doubles the last of them stands for where it begins
                Bucket { lower: self.number(number.clamp(f64::MIN, f64::MAX)), upper: self.number(end), count }
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

    /// All intervals from the first to the last, those without documents too; an interval that would do, where they are too many or
    /// are not told apart.
    pub(crate) fn fill(&self, mut counted: Vec<(Start, Counts)>, empty: Counts) -> std::result::Result<Vec<Bucket>, Interval> {
        counted.sort_by(|(a, _), (b, _)| match (a, b) {
            (Start::Number(a), Start::Number(b)) => a.total_cmp(b),
            (Start::Date(a), Start::Date(b)) => a.cmp(b),
            (Start::Number(_), Start::Date(_)) => std::cmp::Ordering::Less,
            (Start::Date(_), Start::Number(_)) => std::cmp::Ordering::Greater,
        });
        let at = |start: Option<&(Start, Counts)>| match start {
            Some((Start::Number(number), _)) => *number,
            #[expect(clippy::cast_precision_loss, reason = "it is only for a length that will do")]
            Some((Start::Date(millis), _)) => *millis as f64,
            None => 0.0,
        };
        let (least, most) = (at(counted.first()), at(counted.last()));
        if !counted.iter().all(|(start, _)| self.tells(*start)) {
            return Err(self.coarser(least, most));
        }
        self.listed(counted, empty).ok_or_else(|| self.coarser(least, most))
    }

    /// `counted` ascending.
    fn listed(&self, counted: Vec<(Start, Counts)>, empty: Counts) -> Option<Vec<Bucket>> {
        let mut buckets: Vec<Bucket> = Vec::with_capacity(counted.len());
        let room = |buckets: &Vec<Bucket>| (buckets.len() as u64) < LISTED_MOST;
        let mut last: Option<Start> = None;
        for (start, count) in counted {
            match (&self.by, last, start) {
                (By::Number { size, offset }, Some(Start::Number(before)), Start::Number(number)) => {
                    let (from, to) = (self.place(Start::Number(before)), self.place(Start::Number(number)));
                    if to - from > LISTED_MOST as f64 {
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

/// 1, 2 or 5 with zeros: the first that is not less, as it is written.
fn round_up(least: f64) -> f64 {
    let zeros = least.log10().floor().clamp(-300.0, 307.0);
    let sizes = [1, 2, 5, 10].map(|times| format!("{times}e{zeros}").parse().unwrap_or(f64::MAX));
    sizes.into_iter().find(|size| *size >= least && size.is_finite()).unwrap_or(f64::MAX)
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
        let buckets = steps.fill(counted, Counts::default()).ok()?;
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
        // one double stands for many of these
        assert_eq!(filled(&ones, Number::Double, &[f64::MAX]), None);
        assert_eq!(filled(&ones, Number::Long, &[9_007_199_254_740_992.0]), None);
        assert_eq!(
            filled(&Interval::Number { size: 1e300, offset: 0.0 }, Number::Double, &[f64::MAX]).map(|found| found.len()),
            Some(1)
        );
        assert_eq!(filled(&Interval::Number { size: 0.1, offset: 0.0 }, Number::Double, &[f64::MAX]), None);
    }

    #[test]
    fn what_would_do_is_named() {
        let named = |interval: Interval, kind: Kind, starts: &[Start]| {
            let steps = Steps::of(&interval, &kind).unwrap();
            let counted = |starts: &[Start]| starts.iter().map(|start| (*start, counts(1))).collect::<Vec<_>>();
            let named = steps.fill(counted(starts), Counts::default()).unwrap_err();
            // it does
            let coarse = Steps::of(&named, &kind).unwrap();
            let again: Vec<Start> = starts
                .iter()
                .map(|start| match start {
                    Start::Number(number) => coarse.of_number(number.clamp(f64::MIN, f64::MAX)),
                    Start::Date(millis) => coarse.of_millis(*millis),
                })
                .collect();
            assert!(coarse.fill(counted(&again), Counts::default()).is_ok_and(|found| found.len() <= 1_002), "{named:?}");
            named
        };
        let size = |size: f64| Interval::Number { size, offset: 0.0 };
        let (long, double) = (Kind::Number(Number::Long), Kind::Number(Number::Double));
        let numbers = |numbers: &[f64]| numbers.iter().copied().map(Start::Number).collect::<Vec<_>>();
        assert_eq!(named(size(1.0), long.clone(), &numbers(&[0.0, 70_000.0])), size(100.0));
        assert_eq!(named(size(1.0), long.clone(), &numbers(&[9.3e18])), size(5_000.0));
        assert_eq!(named(size(1e-310), double.clone(), &numbers(&[f64::NEG_INFINITY])), size(5e292));
        assert_eq!(named(size(0.25), double, &numbers(&[f64::NEG_INFINITY, f64::INFINITY])), size(5e305));
        let fixed = |nanos| Interval::Fixed { nanos, zone: "Europe/Berlin".into() };
        let date = Kind::Date(crate::DateKind { formats: Default::default(), nanos: false });
        let dates = |dates: &[i64]| dates.iter().copied().map(Start::Date).collect::<Vec<_>>();
        let month = Interval::Calendar { unit: Calendar::Month, zone: "Europe/Berlin".into() };
        assert_eq!(named(fixed(1_000_000), date.clone(), &dates(&[0, 1_700_000_000_000])), month);
        assert_eq!(
            named(fixed(1_000_000), date, &dates(&[-62_188_387_200_000, 253_402_300_799_999])),
            fixed(5_000 * 86_400_000_000_000)
        );
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
