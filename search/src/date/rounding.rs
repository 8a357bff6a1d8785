//! Where intervals of time begin: calendar units and fixed lengths, in a zone, with its changes of offset.
//!
//! Moments are milliseconds since 1970, as histograms of dates count them. Days and longer begin with the first moment of their
//! date, hours and minutes by the clock: an hour that the clock shows twice is two intervals.

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, Offset};

use super::Zone;
use super::civil::{Civil, SECONDS_PER_DAY, date, days, weekday};
use super::{NANOS_PER_SECOND, Time};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = SECONDS_PER_DAY * SECOND;
/// After so many years dates and weekdays are the same again, and with them the changes of clocks.
const CYCLE: i64 = 146_097 * DAY;

/// A unit of time. Weeks begin on Monday.
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

/// How long an interval is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Span {
    Unit(Calendar),
    /// So many milliseconds by the clock, counted from 1970-01-01T00:00 local time; at least one.
    Fixed(i64),
}

/// The intervals of one length in one zone.
#[derive(Clone, Debug)]
pub struct Rounding {
    span: Span,
    zone: Zone,
    /// Where the offset never changes.
    fixed: Option<i64>,
}

impl Rounding {
    pub fn new(span: Span, zone: Zone) -> Rounding {
        let fixed = zone.0.to_fixed_offset().ok().map(|offset| i64::from(offset.seconds()) * SECOND);
        Rounding { span, zone, fixed }
    }

    /// The beginning of the interval that this moment lies in.
    pub fn start(&self, millis: i64) -> i64 {
        if let Some(offset) = self.fixed {
            return self.floor(millis.saturating_add(offset)).saturating_sub(offset);
        }
        let offset = |offset: Offset| i64::from(offset.seconds()) * SECOND;
        let offset_at = |millis: i64| offset(self.zone.0.to_offset(moment(millis - beyond(millis))));
        let local = self.floor(millis.saturating_add(offset_at(millis)));
        let dates = !matches!(self.span, Span::Unit(Calendar::Minute | Calendar::Hour) | Span::Fixed(_));
        let shift = beyond(local);
        let Some(civil) = civil(local - shift) else {
            // before the years of the zones' rules: the offset of the first one
            return local.saturating_sub(offset_at(local));
        };
        match self.zone.0.to_ambiguous_timestamp(civil).offset() {
            AmbiguousOffset::Unambiguous { offset: only } => local - offset(only),
            // shown twice: a date begins with the first, a clock with the last that is not after the moment
            AmbiguousOffset::Fold { before, after } => {
                let (first, second) = (local - offset(before), local - offset(after));
                if !dates && second <= millis { second } else { first }
            }
            // never shown: begins where the gap is
            AmbiguousOffset::Gap { before, .. } => {
                let shown = local - offset(before);
                let next = moment(shown.saturating_add(1) - shift);
                let change = self.zone.0.preceding(next).next().map(|change| change.timestamp().as_millisecond());
                change.map_or(shown, |change| change + shift)
            }
        }
    }

    /// The beginning of the interval after the one that begins here.
    pub fn next(&self, start: i64) -> i64 {
        let step = match self.span {
            Span::Unit(Calendar::Minute) => MINUTE,
            Span::Unit(Calendar::Hour) => HOUR,
            Span::Unit(Calendar::Day) => DAY,
            Span::Unit(Calendar::Week) => 7 * DAY,
            Span::Unit(Calendar::Month) => 31 * DAY,
            Span::Unit(Calendar::Quarter) => 92 * DAY,
            Span::Unit(Calendar::Year) => 366 * DAY,
            Span::Fixed(millis) => millis,
        };
        if let (Some(_), Span::Fixed(_) | Span::Unit(Calendar::Minute | Calendar::Hour | Calendar::Day | Calendar::Week)) =
            (self.fixed, self.span)
        {
            return start.saturating_add(step);
        }
        // a moment that surely lies behind the interval, which may be longer than usual by a change of the clock
        let mut behind = start.saturating_add(step);
        while self.start(behind) <= start && behind < i64::MAX {
            behind = behind.saturating_add(step.min(HOUR));
        }
        let next = self.start(behind);
        if self.start(next - 1) <= start {
            return next;
        }
        // one or more intervals were leapt over: the first moment that is not in this one
        let (mut inside, mut outside) = (start, next - 1);
        while outside - inside > 1 {
            let middle = inside + (outside - inside) / 2;
            if self.start(middle) <= start { inside = middle } else { outside = middle }
        }
        self.start(outside)
    }

    /// In local time, both.
    fn floor(&self, local: i64) -> i64 {
        let of_days = |days: i64| days.saturating_mul(DAY);
        let day = local.div_euclid(DAY);
        match self.span {
            Span::Unit(Calendar::Minute) => local.div_euclid(MINUTE).saturating_mul(MINUTE),
            Span::Unit(Calendar::Hour) => local.div_euclid(HOUR).saturating_mul(HOUR),
            Span::Fixed(millis) => local.div_euclid(millis.max(1)).saturating_mul(millis.max(1)),
            Span::Unit(Calendar::Day) => of_days(day),
            Span::Unit(Calendar::Week) => of_days(day - weekday(day)),
            Span::Unit(Calendar::Month) => {
                let (year, month, _) = date(day);
                of_days(days(year, month, 1))
            }
            Span::Unit(Calendar::Quarter) => {
                let (year, month, _) = date(day);
                of_days(days(year, (month - 1) / 3 * 3 + 1, 1))
            }
            Span::Unit(Calendar::Year) => of_days(days(date(day).0, 1, 1)),
        }
    }
}

/// How much earlier a moment is looked up: the zones' rules are told up to the year 9999, and go on for ever as they are in the last years.
fn beyond(millis: i64) -> i64 {
    let most = Timestamp::MAX.as_millisecond() - 400 * DAY;
    if millis > most { ((millis - most) / CYCLE + 1) * CYCLE } else { 0 }
}

/// The nearest moment that the zones' rules can tell about.
fn moment(millis: i64) -> Timestamp {
    let (least, most) = (Timestamp::MIN.as_millisecond(), Timestamp::MAX.as_millisecond());
    Timestamp::from_millisecond(millis.clamp(least, most)).unwrap_or(Timestamp::UNIX_EPOCH)
}

fn civil(local: i64) -> Option<jiff::civil::DateTime> {
    let Civil { year, month, day, second, nano } = Civil::of(Time::from_millis(local));
    let small = |value: i64| i8::try_from(value).unwrap_or(0);
    jiff::civil::DateTime::new(
        i16::try_from(year).ok()?,
        small(month.into()),
        small(day.into()),
        small(second / 3_600),
        small(second / 60 % 60),
        small(second % 60),
        i32::try_from(i128::from(nano) % NANOS_PER_SECOND).ok()?,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use Calendar::{Day, Hour, Minute, Month, Quarter, Week, Year};
    use Span::{Fixed, Unit};

    use super::super::rfc3339;
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_millisecond()
    }

    fn rounding(span: Span, zone: &str) -> Rounding {
        Rounding::new(span, Zone::parse(zone).unwrap())
    }

    fn start(span: Span, zone: &str, moment: &str) -> String {
        rfc3339(Time::from_millis(rounding(span, zone).start(at(moment))), false)
    }

    #[test]
    fn units_begin_in_their_zone() {
        for (span, zone, moment, wanted) in [
            (Unit(Day), "UTC", "2024-03-31T12:00:00Z", "2024-03-31T00:00:00.000Z"),
            (Unit(Week), "UTC", "2024-03-31T12:00:00Z", "2024-03-25T00:00:00.000Z"),
            (Unit(Quarter), "UTC", "2024-03-31T12:00:00Z", "2024-01-01T00:00:00.000Z"),
            (Unit(Month), "+02:00", "2024-03-31T23:00:00Z", "2024-03-31T22:00:00.000Z"),
            (Unit(Day), "Europe/Berlin", "2024-03-31T12:00:00Z", "2024-03-30T23:00:00.000Z"),
            (Unit(Day), "Europe/Berlin", "2024-10-27T23:30:00Z", "2024-10-27T23:00:00.000Z"),
            (Unit(Year), "America/New_York", "2024-01-01T04:59:59Z", "2023-01-01T05:00:00.000Z"),
            // midnight was never shown
            (Unit(Day), "America/Sao_Paulo", "2018-11-04T12:00:00Z", "2018-11-04T03:00:00.000Z"),
            // the clock shows 02:30 twice
            (Unit(Hour), "Europe/Berlin", "2024-10-27T00:30:00Z", "2024-10-27T00:00:00.000Z"),
            (Unit(Hour), "Europe/Berlin", "2024-10-27T01:30:00Z", "2024-10-27T01:00:00.000Z"),
            (Fixed(24 * HOUR), "Europe/Berlin", "2024-03-31T12:00:00Z", "2024-03-30T23:00:00.000Z"),
            (Fixed(90 * MINUTE), "Europe/Berlin", "2024-10-27T01:30:00Z", "2024-10-26T23:30:00.000Z"),
            (Fixed(1), "UTC", "1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(start(span, zone, moment), wanted, "{span:?} {zone} {moment}");
        }
        // beyond the years of the rules
        assert_eq!(rounding(Unit(Year), "Europe/Berlin").start(253_402_300_799_999), 253_402_297_200_000);
        assert_eq!(rounding(Unit(Year), "UTC").start(-62_188_387_200_000), days(-1, 1, 1) * DAY);
        for (span, moment, wanted) in [
            (Unit(Year), 253_419_580_799_999, 253_402_318_800_000),
            (Unit(Week), 255_600_014_400_000, 255_599_726_400_000),
            // in summer time
            (Unit(Day), 253_419_580_799_999, 253_419_508_800_000),
            (Unit(Hour), 255_600_014_400_000, 255_600_014_400_000),
            (Span::Fixed(1_000_000 * HOUR), 255_600_014_399_999, 252_000_014_400_000),
        ] {
            assert_eq!(rounding(span, "America/New_York").start(moment), wanted, "{span:?} {moment}");
        }
        assert_eq!(rounding(Span::Fixed(1_000_000 * HOUR), "America/New_York").next(252_000_014_400_000), 255_600_014_400_000);
    }

    #[test]
    fn intervals_follow_one_another_without_gaps() {
        let spans = [Unit(Minute), Unit(Hour), Unit(Day), Unit(Week), Unit(Month), Unit(Quarter), Unit(Year), Fixed(7 * HOUR)];
        for zone in ["UTC", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu", "-03:30"] {
            for span in spans {
                let rounding = rounding(span, zone);
                for begin in ["2018-11-03T21:00:00Z", "2024-03-30T22:00:00Z", "2024-10-26T21:00:00Z", "2024-04-06T12:00:00Z"] {
                    let mut start = rounding.start(at(begin));
                    for _ in 0..60 {
                        let next = rounding.next(start);
                        assert!(next > start);
                        assert_eq!(rounding.start(next), next, "{span:?} {zone} {start}");
                        assert_eq!(rounding.start(next - 1), start, "{span:?} {zone} {start} {next}");
                        start = next;
                    }
                }
            }
        }
    }
}
