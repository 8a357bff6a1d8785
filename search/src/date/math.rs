//! Date math of filters: `2024-03`, `now-7d/d`, `2024-01-01||+1M/d`, in a time zone; and durations.
//!
//! A text stands for a span: `2024-01-01` for a whole day, `now/M` for a whole month, a full time for one moment.
//! `eq` means inside the span, `gte` and `lt` compare with its first moment, `gt` and `lte` with its last.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, Zoned};

use super::civil::{Civil, SECONDS_PER_DAY, days, weekday};
use super::format::{DateFormats, Reading};
use super::pattern::{Parts, Place, place};
use super::{NANOS_PER_MILLI, NANOS_PER_SECOND, Time};

/// Where the days of a filter begin: an IANA name (`Europe/Berlin`) or an offset (`+02:00`).
#[derive(Clone, Debug, PartialEq)]
pub struct Zone(pub(super) TimeZone);

#[derive(Clone, Debug, PartialEq)]
pub struct DateMath {
    anchor: Anchor,
    steps: Vec<Step>,
    /// With steps behind `||`, or with `now`, the anchor is a moment, not a span.
    moment: bool,
}

#[derive(Clone, Debug, PartialEq)]
enum Anchor {
    Now,
    Text(Parts),
    /// So many nanoseconds long.
    Moment(Time, i128),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Add(i64, Unit),
    Round(Unit),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unit {
    Year,
    Month,
    Week,
    Day,
    Hour,
    Minute,
    Second,
}

/// What is wrong with a date or a time zone, and what to write.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct MathFault(pub String);

impl Zone {
    pub const UTC: Zone = Zone(TimeZone::UTC);

    pub fn parse(text: &str) -> Result<Zone, MathFault> {
        let fault = || {
            MathFault(format!("{:?} is no time zone: write a name such as Europe/Berlin, or an offset such as +02:00", cut(text)))
        };
        place(text).and_then(zone_of).ok_or_else(fault)
    }

    pub fn name(&self) -> String {
        self.0.iana_name().map_or_else(|| self.0.to_offset(Timestamp::UNIX_EPOCH).to_string(), str::to_owned)
    }
}

impl Default for Zone {
    fn default() -> Self {
        Zone::UTC
    }
}

fn zone_of(place: Place) -> Option<Zone> {
    match place {
        Place::Offset(seconds) => {
            jiff::tz::Offset::from_seconds(i32::try_from(seconds).ok()?).ok().map(|offset| Zone(offset.to_time_zone()))
        }
        Place::Region(zone) => Some(Zone(zone)),
    }
}

fn cut(text: &str) -> String {
    text.chars().take(64).collect()
}

fn out_of_range() -> String {
    "this lies beyond the years that hooke can count".into()
}

/// What a text meant, in the zone it names or else in this one.
pub(super) fn to_time(parts: &Parts, zone: &Zone, end: bool) -> Result<Time, String> {
    let civil = parts.civil(end)?;
    let zone = match &parts.zone {
        Some(Place::Offset(seconds)) => return Ok(Time(civil.time().0 - i128::from(*seconds) * NANOS_PER_SECOND)),
        Some(Place::Region(zone)) => zone,
        None if zone.0 == TimeZone::UTC => return Ok(civil.time()),
        None => &zone.0,
    };
    let seconds = civil.second;
    let small = |value: i64| i8::try_from(value).unwrap_or(0);
    let local = jiff::civil::DateTime::new(
        i16::try_from(civil.year).map_err(|_| out_of_range())?,
        small(i64::from(civil.month)),
        small(i64::from(civil.day)),
        small(seconds / 3_600),
        small(seconds / 60 % 60),
        small(seconds % 60),
        i32::try_from(civil.nano).unwrap_or(0),
    )
    .map_err(|_| out_of_range())?;
    let zoned = zone.to_zoned(local).map_err(|_| out_of_range())?;
    Ok(Time(zoned.timestamp().as_nanosecond()))
}

impl DateMath {
    /// Dates are read as `strict_date_optional_time` or epoch milliseconds, whatever the mapping's format is.
    pub fn parse(text: &str) -> Result<DateMath, MathFault> {
        let fault = |why: &str| {
            MathFault(format!(
                "{:?} is no date: {why}; write a date such as 2024-03-01 or 2024-03-01T12:00:00Z, or date math such as now-7d/d or 2024-03-01||+1M/d",
                cut(text)
            ))
        };
        let (anchor, rest, moment) = match text.strip_prefix("now") {
            Some(rest) => (Anchor::Now, rest, true),
            None => {
                let (date, rest, moment) = match text.split_once("||") {
                    Some((date, rest)) => (date, rest, true),
                    None => (text, "", false),
                };
                if date.is_empty() {
                    return Err(fault("the text is empty"));
                }
                let anchor = match DateFormats::default().reading(date).map_err(|why| fault(&why))? {
                    Reading::Parts(parts) => Anchor::Text(parts),
                    Reading::Moment(time, exact) => Anchor::Moment(time, exact),
                };
                (anchor, rest, moment)
            }
        };
        Ok(DateMath { anchor, steps: steps(rest).map_err(fault)?, moment })
    }

    /// First and last moment, both inside; whole milliseconds for `date`, nanoseconds for `date_nanos`.
    pub fn span(&self, now: Time, zone: &Zone, nanos: bool) -> Result<(Time, Time), MathFault> {
        let span = self.end(now, zone, nanos, false).and_then(|first| Ok((first, self.end(now, zone, nanos, true)?)));
        let (first, last) = span.map_err(MathFault)?;
        if nanos { Ok((first, last)) } else { Ok((first.to_millis(), last.to_millis())) }
    }

    fn end(&self, now: Time, zone: &Zone, nanos: bool, last: bool) -> Result<Time, String> {
        let mut time = match &self.anchor {
            // Elasticsearch's clock ticks in milliseconds
            Anchor::Now => now.to_millis(),
            Anchor::Text(parts) => to_time(parts, zone, last && !self.moment)?,
            Anchor::Moment(time, exact) => Time(time.0 + if last && !self.moment { exact - 1 } else { 0 }),
        };
        for step in &self.steps {
            time = match step {
                Step::Add(count, unit) => add(time, *count, *unit, zone)?,
                Step::Round(unit) => {
                    let first = round_down(time, *unit, zone)?;
                    if last {
                        let tick = if nanos { 1 } else { NANOS_PER_MILLI };
                        Time(add(first, 1, *unit, zone)?.0 - tick)
                    } else {
                        first
                    }
                }
            };
        }
        Ok(time)
    }
}

fn steps(text: &str) -> Result<Vec<Step>, &'static str> {
    const SHAPE: &str = "after now or || come steps such as +1M, -7d or /d";
    let mut steps = Vec::new();
    let mut letters = text.chars().peekable();
    while let Some(operator) = letters.next() {
        let mut digits = String::new();
        while let Some(digit) = letters.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        let count: i64 = if digits.is_empty() { 1 } else { digits.parse::<i32>().map_err(|_| "a number is too large")?.into() };
        let unit = match letters.next() {
            Some('y') => Unit::Year,
            Some('M') => Unit::Month,
            Some('w') => Unit::Week,
            Some('d') => Unit::Day,
            Some('h' | 'H') => Unit::Hour,
            Some('m') => Unit::Minute,
            Some('s') => Unit::Second,
            _ => return Err("the units are y M w d h m s"),
        };
        steps.push(match operator {
            '+' => Step::Add(count, unit),
            '-' => Step::Add(-count, unit),
            '/' if count == 1 => Step::Round(unit),
            '/' => return Err("rounding takes a unit without a number, such as /d"),
            _ => return Err(SHAPE),
        });
        // a bound of our own: nobody writes so many
        if steps.len() > 32 {
            return Err("it has more than 32 steps");
        }
    }
    Ok(steps)
}

fn add(time: Time, count: i64, unit: Unit, zone: &Zone) -> Result<Time, String> {
    let seconds = match unit {
        Unit::Hour => Some(3_600),
        Unit::Minute => Some(60),
        Unit::Second => Some(1),
        _ => None,
    };
    if let Some(seconds) = seconds {
        return Ok(Time(time.0 + i128::from(count) * seconds * NANOS_PER_SECOND));
    }
    let span = match unit {
        Unit::Year => Span::new().try_years(count),
        Unit::Month => Span::new().try_months(count),
        Unit::Week => Span::new().try_weeks(count),
        _ => Span::new().try_days(count),
    };
    let moved = span.and_then(|span| zoned(time, zone)?.checked_add(span)).map_err(|_| out_of_range())?;
    Ok(Time(moved.timestamp().as_nanosecond()))
}

fn zoned(time: Time, zone: &Zone) -> Result<Zoned, jiff::Error> {
    Timestamp::from_nanosecond(time.0).map(|timestamp| timestamp.to_zoned(zone.0.clone()))
}

fn round_down(time: Time, unit: Unit, zone: &Zone) -> Result<Time, String> {
    let local = zoned(time, zone).map_err(|_| out_of_range())?;
    let shift = i128::from(local.offset().seconds()) * NANOS_PER_SECOND;
    // within an hour the offset does not change
    let unit_nanos = match unit {
        Unit::Hour => Some(3_600),
        Unit::Minute => Some(60),
        Unit::Second => Some(1),
        _ => None,
    };
    if let Some(seconds) = unit_nanos {
        let local_nanos = time.0 + shift;
        return Ok(Time(local_nanos.div_euclid(seconds * NANOS_PER_SECOND) * seconds * NANOS_PER_SECOND - shift));
    }
    let civil = Civil::of(Time(time.0 + shift));
    let day = days(civil.year, civil.month, civil.day);
    let first = match unit {
        Unit::Year => days(civil.year, 1, 1),
        Unit::Month => days(civil.year, civil.month, 1),
        Unit::Week => day - weekday(day),
        _ => day,
    };
    let midnight = Civil::of(Time(i128::from(first) * i128::from(SECONDS_PER_DAY) * NANOS_PER_SECOND));
    let small = |value: u32| i8::try_from(value).unwrap_or(1);
    let year = i16::try_from(midnight.year).map_err(|_| out_of_range())?;
    let date = jiff::civil::Date::new(year, small(midnight.month), small(midnight.day)).map_err(|_| out_of_range())?;
    let start = zone.0.to_zoned(date.to_datetime(jiff::civil::Time::midnight())).map_err(|_| out_of_range())?;
    Ok(Time(start.timestamp().as_nanosecond()))
}

/// A length of time: `500ms`, `90s`, `15m`, `36h`, `7d`, `2w`; in nanoseconds, never zero or negative.
pub fn duration(text: &str) -> Option<i128> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let count: i64 = text[..digits].parse().ok().filter(|count| *count > 0)?;
    let unit = match &text[digits..] {
        "ms" => NANOS_PER_MILLI,
        "s" => NANOS_PER_SECOND,
        "m" => 60 * NANOS_PER_SECOND,
        "h" => 3_600 * NANOS_PER_SECOND,
        "d" => 86_400 * NANOS_PER_SECOND,
        "w" => 7 * 86_400 * NANOS_PER_SECOND,
        _ => return None,
    };
    Some(i128::from(count) * unit)
}

#[cfg(test)]
mod tests {
    use super::super::rfc3339;
    use super::*;

    fn span_in(text: &str, zone: &str) -> (String, String) {
        // Wednesday
        let now = Time::from_millis(1_705_500_123_456);
        let (first, last) = DateMath::parse(text).unwrap().span(now, &Zone::parse(zone).unwrap(), false).unwrap();
        (rfc3339(first, false), rfc3339(last, false))
    }

    fn span(text: &str) -> (String, String) {
        span_in(text, "UTC")
    }

    #[test]
    fn what_is_left_out_of_a_time_is_a_span_and_a_month_or_day_left_out_is_the_first() {
        let cases = [
            ("2024", "2024-01-01T00:00:00.000Z", "2024-01-01T23:59:59.999Z"),
            ("2024-03", "2024-03-01T00:00:00.000Z", "2024-03-01T23:59:59.999Z"),
            ("2024-03-05", "2024-03-05T00:00:00.000Z", "2024-03-05T23:59:59.999Z"),
            ("2024-03-05T10", "2024-03-05T10:00:00.000Z", "2024-03-05T10:59:59.999Z"),
            ("2024-03-05T10:20:30Z", "2024-03-05T10:20:30.000Z", "2024-03-05T10:20:30.999Z"),
            ("2024-03-05T10:20:30.5Z", "2024-03-05T10:20:30.500Z", "2024-03-05T10:20:30.500Z"),
            ("1704067200000", "2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00.000Z"),
            ("2024-01-31||+1M", "2024-02-29T00:00:00.000Z", "2024-02-29T00:00:00.000Z"),
            ("2024-01-31||+1M/d", "2024-02-29T00:00:00.000Z", "2024-02-29T23:59:59.999Z"),
            ("now", "2024-01-17T14:02:03.456Z", "2024-01-17T14:02:03.456Z"),
            ("now-7d/d", "2024-01-10T00:00:00.000Z", "2024-01-10T23:59:59.999Z"),
            ("now/w", "2024-01-15T00:00:00.000Z", "2024-01-21T23:59:59.999Z"),
            ("now/M-1d", "2023-12-31T00:00:00.000Z", "2024-01-30T23:59:59.999Z"),
            ("now+1h/h", "2024-01-17T15:00:00.000Z", "2024-01-17T15:59:59.999Z"),
        ];
        for (text, first, last) in cases {
            assert_eq!(span(text), (first.to_owned(), last.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_zone_moves_what_names_none_and_where_days_begin() {
        let berlin = |text| span_in(text, "Europe/Berlin");
        let pair = |first: &str, last: &str| (first.to_owned(), last.to_owned());
        // the day on which the clock goes forward has 23 hours, the other one 25
        assert_eq!(berlin("2024-03-31"), pair("2024-03-30T23:00:00.000Z", "2024-03-31T21:59:59.999Z"));
        assert_eq!(berlin("2024-10-27"), pair("2024-10-26T22:00:00.000Z", "2024-10-27T22:59:59.999Z"));
        assert_eq!(berlin("2024-03-31T12:00:00Z||/d"), pair("2024-03-30T23:00:00.000Z", "2024-03-31T21:59:59.999Z"));
        assert_eq!(berlin("2024-03-30T12:00||+1d"), pair("2024-03-31T10:00:00.000Z", "2024-03-31T10:00:00.000Z"));
        assert_eq!(berlin("2024-01-01T00:00:00Z").0, "2024-01-01T00:00:00.000Z");
        assert_eq!(span_in("2024-01-01", "+05:30").0, "2023-12-31T18:30:00.000Z");
        assert_eq!(span_in("2024-01-01T12:40:00Z||/h", "+05:30").0, "2024-01-01T12:30:00.000Z");
    }

    #[test]
    fn nanoseconds_are_kept_for_those_who_have_them() {
        let span = |text: &str| DateMath::parse(text).unwrap().span(Time(0), &Zone::UTC, true).unwrap();
        assert_eq!(span("1970-01-01T00:00:00.000000001Z"), (Time(1), Time(1)));
        assert_eq!(span("1970-01-01T00:00:00Z"), (Time(0), Time(999_999_999)));
        assert_eq!(span("1970-01-01||/d").1, Time(86_400 * NANOS_PER_SECOND - 1));
    }

    #[test]
    fn faults_say_what_to_write() {
        for text in [
            "",
            "nowish",
            "now+1",
            "now+1x",
            "now/2d",
            "2024-03-31+1d",
            "2024-1-1",
            "2024-02-30",
            "2024-01-01||+",
            "||/d",
            "now*1d",
        ] {
            let fault = DateMath::parse(text).unwrap_err().to_string();
            assert!(fault.contains("now-7d/d"), "{text}: {fault}");
        }
        assert!(Zone::parse("Mars/Olympus").is_err());
        assert!(Zone::parse("+25:00").is_err());
        let far = DateMath::parse("2024-01-01||+99999y").unwrap();
        assert!(far.span(Time(0), &Zone::UTC, false).is_err());
    }

    #[test]
    fn durations_have_one_number_and_one_unit() {
        assert_eq!((duration("90m"), duration("7d")), (Some(5_400 * NANOS_PER_SECOND), Some(604_800 * NANOS_PER_SECOND)));
        assert_eq!(
            (duration("0s"), duration("1"), duration("d"), duration("-1d"), duration("1.5h")),
            (None, None, None, None, None)
        );
    }
}
