//! Points in time: the formats of a mapping, RFC 3339 for answers, and date math for filters.
//!
//! Filters reach the engines as nanoseconds, so "all of a day" or `now-7d/d` mean the same on both.

/// Nanoseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i128);

impl Time {
    pub const fn from_millis(millis: i64) -> Self {
        Time(millis as i128 * 1_000_000)
    }

    /// Whole milliseconds, rounded down.
    pub fn millis(self) -> i64 {
        i64::try_from(self.0.div_euclid(1_000_000)).unwrap_or(if self.0 < 0 { i64::MIN } else { i64::MAX })
    }
}

/// The `format` of a date field: patterns separated by `||`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateFormats {
    pub text: String,
}

impl Default for DateFormats {
    fn default() -> Self {
        DateFormats { text: "strict_date_optional_time||epoch_millis".into() }
    }
}
