//! The calendar: days since 1970 from year, month and day and back (proleptic Gregorian, any year), and RFC 3339.

use super::{NANOS_PER_SECOND, Time};

pub(super) const SECONDS_PER_DAY: i64 = 86_400;

/// A date and a time of day, without a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Civil {
    pub(super) year: i64,
    pub(super) month: u32,
    pub(super) day: u32,
    /// Of the day.
    pub(super) second: i64,
    pub(super) nano: u32,
}

pub(super) fn is_leap(year: i64) -> bool {
    year.rem_euclid(4) == 0 && (year.rem_euclid(100) != 0 || year.rem_euclid(400) == 0)
}

pub(super) fn days_in_month(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years are counted from March, so that the leap day is the last of its year.
pub(super) fn days(year: i64, month: u32, day: u32) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let month = i64::from(if month > 2 { month - 3 } else { month + 9 });
    let of_year = (153 * month + 2) / 5 + i64::from(day) - 1;
    let (cycle, of_cycle) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    cycle * 146_097 + of_cycle * 365 + of_cycle / 4 - of_cycle / 100 + of_year - 719_468
}

/// The other way.
pub(super) fn date(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let (cycle, of_cycle) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096) / 365;
    let of_year = of_cycle - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = cycle * 400 + year + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// 0 is Monday.
pub(super) fn weekday(days: i64) -> i64 {
    (days + 3).rem_euclid(7)
}

impl Civil {
    /// As if in UTC.
    pub(super) fn time(&self) -> Time {
        let seconds = i128::from(days(self.year, self.month, self.day)) * i128::from(SECONDS_PER_DAY) + i128::from(self.second);
        Time(seconds * NANOS_PER_SECOND + i128::from(self.nano))
    }

    pub(super) fn of(time: Time) -> Civil {
        let seconds = i64::try_from(time.0.div_euclid(NANOS_PER_SECOND)).unwrap_or(if time.0 < 0 { i64::MIN } else { i64::MAX });
        let (year, month, day) = date(seconds.div_euclid(SECONDS_PER_DAY));
        let nano = u32::try_from(time.0.rem_euclid(NANOS_PER_SECOND)).unwrap_or(0);
        Civil { year, month, day, second: seconds.rem_euclid(SECONDS_PER_DAY), nano }
    }
}

/// RFC 3339 in UTC: three digits of fraction, and with `nanos` as many as there are, up to nine.
/// Years that RFC 3339 cannot write get a sign, as in ISO 8601: `-0001-…`, `+12024-…`.
pub fn rfc3339(time: Time, nanos: bool) -> String {
    let Civil { year, month, day, second, nano } = Civil::of(time);
    let year = match year {
        0..=9_999 => format!("{year:04}"),
        10_000.. => format!("+{year}"),
        _ => format!("-{:04}", year.unsigned_abs()),
    };
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    let mut fraction = format!("{nano:09}");
    let shown = if nanos { fraction.trim_end_matches('0').len().max(3) } else { 3 };
    fraction.truncate(shown);
    format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_and_dates_are_each_others_inverse() {
        for day in (-1_000_000..1_000_000).step_by(37) {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
            assert!((1..=12).contains(&month) && (1..=days_in_month(year, month)).contains(&of_month));
        }
        assert_eq!((days(1970, 1, 1), days(2000, 2, 29), days(-1, 5, 1)), (0, 11_016, -62_188_387_200 / SECONDS_PER_DAY));
        assert_eq!(weekday(0), 3);
    }

    #[test]
    fn answers_are_rfc_3339_in_utc() {
        let at = |nanos| Time(nanos);
        assert_eq!(rfc3339(at(1_704_067_200_123_456_789), false), "2024-01-01T00:00:00.123Z");
        assert_eq!(rfc3339(at(1_704_067_200_123_456_700), true), "2024-01-01T00:00:00.1234567Z");
        assert_eq!(rfc3339(at(0), true), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(at(-1), true), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(rfc3339(Time::from_millis(-62_188_387_200_000), false), "-0001-05-01T00:00:00.000Z");
        assert_eq!(rfc3339(Time::from_millis(317_273_587_200_000), false), "+12024-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Time::from_millis(i64::MAX), false), "+292278994-08-17T07:12:55.807Z");
    }
}
