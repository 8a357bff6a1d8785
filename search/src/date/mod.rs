//! Points in time: the formats of a mapping, RFC 3339 for answers, and date math for filters.
//!
//! Filters reach the engines as nanoseconds, so "all of a day" or `now-7d/d` mean the same on both.

mod civil;
mod format;
mod math;
mod names;
mod pattern;
mod rounding;

use serde_json::Value as Json;

pub use civil::rfc3339;
pub use format::{DateFormats, UnknownFormat};
pub use math::{DateMath, MathFault, Zone, duration};
pub use rounding::{Calendar, Rounding, Span};

pub(crate) const NANOS_PER_MILLI: i128 = 1_000_000;
pub(crate) const NANOS_PER_SECOND: i128 = 1_000_000_000;

/// Nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i128);

impl Time {
    pub const fn from_millis(millis: i64) -> Self {
        Time(millis as i128 * NANOS_PER_MILLI)
    }

    /// Whole milliseconds, rounded down.
    pub fn millis(self) -> i64 {
        i64::try_from(self.0.div_euclid(NANOS_PER_MILLI)).unwrap_or(if self.0 < 0 { i64::MIN } else { i64::MAX })
    }

    /// The wall clock of this machine.
    pub fn now() -> Self {
        Time(jiff::Timestamp::now().as_nanosecond())
    }

    /// As a `date` field keeps it: whole milliseconds, rounded down.
    pub fn to_millis(self) -> Self {
        Time(self.0.div_euclid(NANOS_PER_MILLI) * NANOS_PER_MILLI)
    }
}

/// The value of a document's date field as Elasticsearch reads it: strings and numbers, by the formats of the mapping.
/// Milliseconds for `date`; for `date_nanos` nanoseconds between 1970 and 2262.
pub(crate) fn read(formats: &DateFormats, nanos: bool, json: &Json) -> Result<Time, String> {
    let text = match json {
        Json::String(text) => std::borrow::Cow::Borrowed(text.as_str()),
        Json::Number(number) => std::borrow::Cow::Owned(number.to_string()),
        _ => return Err("a date is a string or a number".into()),
    };
    let time = formats.parse_text(&text)?;
    if !nanos {
        let time = time.to_millis();
        return match i64::try_from(time.0 / NANOS_PER_MILLI) {
            Ok(_) => Ok(time),
            Err(_) => Err(format!("{text:?} lies too far from 1970")),
        };
    }
    if time.0 < 0 || time.0 > i128::from(i64::MAX) {
        return Err(format!("{text:?} does not lie between 1970 and 2262-04-11, where a date_nanos can be"));
    }
    Ok(time)
}
