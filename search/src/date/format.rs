//! The `format` of a date field: built-in names and Java patterns, joined by `||`; the first that fits a text reads it.

use serde_json::Value as Json;

use super::civil::{Civil, rfc3339};
use super::math::{Zone, to_time};
use super::names::built_in;
use super::pattern::{Parts, Program};
use super::{NANOS_PER_MILLI, NANOS_PER_SECOND, Time};

/// The `format` of a date field: names and patterns separated by `||`.
#[derive(Clone, Debug)]
pub struct DateFormats {
    /// As the mapping has it.
    pub text: String,
    readers: Vec<Reader>,
}

/// Which part of a `format` is not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no date format: take a name such as strict_date_optional_time or epoch_millis, or a pattern such as yyyy-MM-dd"
)]
pub struct UnknownFormat(pub String);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Reader {
    /// The default: ISO 8601 with parts that may be left out from the right.
    Iso,
    EpochMillis,
    EpochSecond,
    Pattern(Program),
}

/// What a reader made of a text.
pub(super) enum Reading {
    Parts(Parts),
    /// A moment, exact to so many nanoseconds.
    Moment(Time, i128),
}

impl PartialEq for DateFormats {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for DateFormats {}

impl Default for DateFormats {
    fn default() -> Self {
        DateFormats { text: "strict_date_optional_time||epoch_millis".into(), readers: vec![Reader::Iso, Reader::EpochMillis] }
    }
}

impl DateFormats {
    pub fn parse(text: &str) -> Result<Self, UnknownFormat> {
        let readers = text.split("||").map(reader).collect::<Result<Vec<_>, _>>()?;
        Ok(DateFormats { text: text.into(), readers })
    }

    /// ISO 8601 alone, whatever a mapping says.
    pub fn iso() -> Self {
        DateFormats { text: "strict_date_optional_time".into(), readers: vec![Reader::Iso] }
    }

    /// A value of a document that is read as exactly this moment. `None`: none of the formats can say it.
    pub fn write(&self, time: Time, nanos: bool) -> Option<Json> {
        let plain = std::iter::once_with(|| Some(Json::String(rfc3339(time, nanos))));
        let own = self.readers.iter().map(|reader| reader.write(time));
        plain.chain(own).flatten().find(|json| self.read(json, nanos) == Ok(time))
    }

    /// The value of a document: milliseconds for `date`, nanoseconds for `date_nanos`.
    pub fn read(&self, json: &serde_json::Value, nanos: bool) -> Result<Time, String> {
        super::read(self, nanos, json)
    }

    pub(super) fn parse_text(&self, text: &str) -> Result<Time, String> {
        if text.is_empty() {
            return Err("an empty text is no date".into());
        }
        match self.reading(text)? {
            Reading::Moment(time, _) => Ok(time),
            Reading::Parts(parts) => to_time(&parts, &Zone::UTC, false),
        }
    }

    pub(super) fn reading(&self, text: &str) -> Result<Reading, String> {
        let mut fault = None;
        for reader in &self.readers {
            match reader.read(text) {
                // a day that is not in the calendar; another format may read the text otherwise
                Some(Reading::Parts(parts)) => match parts.civil(false) {
                    Ok(_) => return Ok(Reading::Parts(parts)),
                    Err(why) => fault = fault.or(Some(why)),
                },
                Some(moment) => return Ok(moment),
                None => {}
            }
        }
        let shown: String = text.chars().take(64).collect();
        Err(fault.unwrap_or_else(|| format!("{shown:?} is no date of the format {}", self.text)))
    }
}

fn reader(name: &str) -> Result<Reader, UnknownFormat> {
    let unknown = || UnknownFormat(name.to_owned());
    Ok(match name {
        "strict_date_optional_time" | "strict_date_optional_time_nanos" | "iso8601" => Reader::Iso,
        "epoch_millis" => Reader::EpochMillis,
        "epoch_second" => Reader::EpochSecond,
        "" => return Err(unknown()),
        _ => {
            let (pattern, lenient) = built_in(name).unwrap_or((name, false));
            // `f` and `#` are ours, for the built-in ones
            if pattern == name && plain_letters(name).any(|c| matches!(c, 'f' | '#')) {
                return Err(unknown());
            }
            Reader::Pattern(Program::compile(pattern, lenient).ok_or_else(unknown)?)
        }
    })
}

/// What stands outside quotes.
fn plain_letters(pattern: &str) -> impl Iterator<Item = char> {
    pattern.split('\'').step_by(2).flat_map(str::chars)
}

impl Reader {
    /// May lose what the format has no place for.
    fn write(&self, time: Time) -> Option<Json> {
        match self {
            // tried for every format
            Reader::Iso => None,
            Reader::EpochMillis => of_epoch(time, NANOS_PER_MILLI, 6),
            Reader::EpochSecond => of_epoch(time, NANOS_PER_SECOND, 9),
            Reader::Pattern(program) => program.print(&Civil::of(time)).map(Json::String),
        }
    }

    fn read(&self, text: &str) -> Option<Reading> {
        match self {
            Reader::Iso => iso(text).map(Reading::Parts),
            Reader::EpochMillis => epoch(text, NANOS_PER_MILLI, 6),
            Reader::EpochSecond => epoch(text, NANOS_PER_SECOND, 9),
            Reader::Pattern(program) => program.run(text).map(Reading::Parts),
        }
    }
}

/// `uuuu[-MM[-dd['T'[HH[zone] | HH:mm[zone] | HH:mm:ss[(.|,)fraction][zone]]]]]` with four digits of a year and perhaps a minus.
fn iso(text: &str) -> Option<Parts> {
    thread_local! {
        static FORMS: Vec<Program> = [
            "uuuu[-MM[-dd['T']]]",
            "uuuu-MM-dd'T'HH[#]",
            "uuuu-MM-dd'T'HH:mm[#]",
            "uuuu-MM-dd'T'HH:mm:ss[#]",
            "uuuu-MM-dd'T'HH:mm:ss.f[#]",
            "uuuu-MM-dd'T'HH:mm:ss,f[#]",
        ]
        .iter()
        .filter_map(|form| Program::compile(form, false))
        .collect();
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    // the year has exactly four digits; this also keeps epoch numbers out quickly
    if digits.len() < 4
        || !digits.as_bytes()[..4].iter().all(u8::is_ascii_digit)
        || digits.as_bytes().get(4).is_some_and(|b| *b != b'-')
    {
        return None;
    }
    FORMS.with(|forms| forms.iter().find_map(|form| form.run(text)))
}

/// A number where it is whole, else a text with so many places: a double would not hold them all.
fn of_epoch(time: Time, unit: i128, places: usize) -> Option<Json> {
    let (whole, rest) = (time.0 / unit, time.0 % unit);
    if rest == 0 {
        return Some(i64::try_from(whole).ok()?.into());
    }
    let sign = if time.0 < 0 { "-" } else { "" };
    let fraction = format!("{:0places$}", rest.unsigned_abs());
    Some(Json::String(format!("{sign}{}.{}", whole.unsigned_abs(), fraction.trim_end_matches('0'))))
}

fn epoch(text: &str, unit: i128, places: usize) -> Option<Reading> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || whole.len() > 19 || fraction.len() > places {
        return None;
    }
    let fraction_nanos: i128 = fraction.parse::<i128>().ok()? * 10i128.pow(u32::try_from(places - fraction.len()).ok()?);
    let whole: i64 = whole.parse().ok()?;
    let nanos = i128::from(whole) * unit + fraction_nanos;
    let exact = if digits.contains('.') { 1 } else { unit };
    Some(Reading::Moment(Time(if negative { -nanos } else { nanos }), exact))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Milliseconds, or `None` where it is refused; all as Elasticsearch 9.2 did.
    fn check(formats: &str, cases: &[(serde_json::Value, Option<i64>)]) {
        let formats = DateFormats::parse(formats).unwrap();
        for (json, wanted) in cases {
            let got = formats.read(json, false);
            assert_eq!(got.as_ref().ok().map(|time| time.millis()), *wanted, "{json} by {}: {got:?}", formats.text);
        }
    }

    #[test]
    fn the_default_reads_iso_8601_and_milliseconds() {
        let formats = DateFormats::default().text;
        check(
            &formats,
            &[
                (json!(2024), Some(1_704_067_200_000)),
                (json!(20240101), Some(20_240_101)),
                (json!(1.5), Some(1)),
                (json!(-5), Some(-5)),
                (json!(i64::MAX), Some(i64::MAX)),
                (json!(true), None),
                (json!(""), None),
                (json!(" 2024"), None),
                (json!("2024-1-1"), None),
                (json!("2024-02-30"), None),
                (json!("2024-13"), None),
                (json!("-0001-05-01"), Some(-62_188_387_200_000)),
                (json!("0000-01-01"), Some(-62_167_219_200_000)),
                (json!("+2024-01-01"), None),
                (json!("10000-01-01"), None),
                (json!("2024-01-01T"), Some(1_704_067_200_000)),
                (json!("2024-01-01T10"), Some(1_704_103_200_000)),
                (json!("2024-01-01T10:20+02"), Some(1_704_097_200_000)),
                (json!("2024-01-01T10:20+0200"), Some(1_704_097_200_000)),
                (json!("2024-01-01T10:20:30+02:00:10"), Some(1_704_097_220_000)),
                (json!("2024-01-01T10:20:30,123456789Z"), Some(1_704_104_430_123)),
                (json!("2024-01-01T10:20:30.1234567890Z"), None),
                (json!("2024-01-01T24:00"), None),
                (json!("2024-01-01T23:59:60Z"), None),
                (json!("2024-01-01T10:20:30Europe/Berlin"), Some(1_704_100_830_000)),
                (json!("2024-01-01T10:20:30 Z"), None),
                (json!("2024-01-01T10:20:30z"), None),
                (json!("2024-01-01Z"), None),
                (json!("2024-01-01TZ"), None),
                (json!("12.75"), Some(12)),
                (json!("2024-01-01T10:20:30UTC+2"), Some(1_704_097_230_000)),
                (json!("2024-01-01T10:20:30+19:00"), None),
                (json!("2024-01-01T10:20:30+5"), None),
            ],
        );
    }

    #[test]
    fn lenient_names_take_fewer_digits() {
        check(
            "date_optional_time||epoch_second",
            &[
                (json!(1.5), Some(1_500)),
                (json!("2024-1-1"), Some(1_704_067_200_000)),
                (json!("24-1"), Some(-61_409_836_800_000)),
                (json!("2024-1-1T1:2:3.5Z"), Some(1_704_070_923_500)),
                (json!("2024-01-01T10:20:30,5"), Some(1_704_104_430_500)),
                (json!("-1.5"), Some(-1_500)),
                (json!("12024-01-01"), Some(317_273_587_200_000)),
                (json!("-2024-1-1"), Some(-126_038_505_600_000)),
                (json!("20240101"), Some(638_653_728_556_800_000)),
            ],
        );
    }

    #[test]
    fn patterns_are_javas() {
        check(
            "dd/MM/yyyy||yyyy-MM-dd HH:mm:ss||yyyyMMddHHmmss||MMM d, yyyy||yyyy-MM-dd'T'HH:mm:ss.SSSXXX||yyyy/MM/dd HH:mm Z||d.M.yy||EEE, dd MMM yyyy HH:mm:ss z",
            &[
                (json!("01/02/2024"), Some(1_706_745_600_000)),
                (json!("1/2/2024"), None),
                (json!("2024-01-01 10:00:00"), Some(1_704_103_200_000)),
                (json!("20240101101112"), Some(1_704_103_872_000)),
                (json!("Jan 05, 2024"), Some(1_704_412_800_000)),
                (json!("january 5, 2024"), None),
                (json!("2024-01-01T10:00:00.123+02:00"), Some(1_704_096_000_123)),
                (json!("2024-01-01T10:00:00.1Z"), None),
                (json!("2024/01/01 10:00 +0200"), Some(1_704_096_000_000)),
                (json!("2024/01/01 10:00 Z"), None),
                (json!("1.2.24"), Some(1_706_745_600_000)),
                (json!("01.02.70"), Some(3_158_438_400_000)),
                (json!("31/02/2024"), None),
                (json!("Tue, 01 Jan 2024 10:00:00 GMT"), Some(1_704_103_200_000)),
                (json!("Mon, 01 Jan 2024 10:00:00 EST"), Some(1_704_121_200_000)),
                (json!("+12024-01-01 10:00:00"), Some(317_273_623_200_000)),
                (json!("12024-01-01 10:00:00"), None),
            ],
        );
    }

    #[test]
    fn built_in_names_are_known() {
        for (name, text, millis) in [
            ("basic_date", "20240102", Some(1_704_153_600_000)),
            ("basic_date_time", "20240102T030405.678+0200", Some(1_704_157_445_678)),
            ("basic_date_time_no_millis", "20240102T030405+02:00", Some(1_704_157_445_000)),
            ("basic_ordinal_date", "2024032", Some(1_706_745_600_000)),
            ("basic_week_date", "2024W051", Some(1_706_486_400_000)),
            ("date", "2024-1-2", Some(1_704_153_600_000)),
            ("strict_date", "2024-1-2", None),
            ("date_hour", "2024-01-02T3", Some(1_704_164_400_000)),
            ("date_hour_minute_second_millis", "2024-01-02T03:04:05.678", Some(1_704_164_645_678)),
            ("date_time", "2024-01-02T03:04:05Z", None),
            ("date_time", "2024-01-02T03:04:05.6+0200", Some(1_704_157_445_600)),
            ("strict_date_time", "2024-01-02T03:04:05Z", Some(1_704_164_645_000)),
            ("date_time_no_millis", "2024-01-02T03:04:05", Some(1_704_164_645_000)),
            ("ordinal_date", "2024-32", Some(1_706_745_600_000)),
            ("week_date", "2024-W5-1", Some(1_706_486_400_000)),
            ("weekyear_week", "2024-W05", Some(1_706_486_400_000)),
            ("year", "24", Some(-61_409_836_800_000)),
            ("year_month", "2024-1", Some(1_704_067_200_000)),
            ("hour_minute", "03:04", Some(11_040_000)),
            ("time", "03:04:05.678Z", Some(11_045_678)),
            ("t_time", "T03:04:05.678Z", Some(11_045_678)),
            ("iso8601", "2024-01-02T03:04:05,123+02", Some(1_704_157_445_123)),
        ] {
            check(name, &[(json!(text), millis)]);
        }
        for unknown in ["nonsense", "", "date||", "yyyy-MM-ddTHH", "[yyyy", "'yyyy", "yyyy-MM-dd#"] {
            assert!(DateFormats::parse(unknown).is_err(), "{unknown}");
        }
    }

    #[test]
    fn what_is_written_reads_back_or_is_not_written() {
        let write = |formats: &str, text: &str| {
            let time = DateFormats::iso().read(&json!(text), false).unwrap();
            DateFormats::parse(formats).unwrap().write(time, false)
        };
        for (formats, text, written) in [
            ("strict_date_optional_time||epoch_millis", "2024-03-31", Some(json!("2024-03-31T00:00:00.000Z"))),
            ("epoch_millis", "2024-03-31", Some(json!(1_711_843_200_000_i64))),
            ("epoch_second", "2024-03-31T00:00:00.5", Some(json!("1711843200.5"))),
            ("epoch_second", "1969-12-31T23:59:58.5", Some(json!("-1.5"))),
            ("yyyy/MM/dd", "2024-03-31", Some(json!("2024/03/31"))),
            ("yyyy/MM/dd", "2024-03-31T02:30", None),
            ("yyyy/MM/dd||yyyy/MM/dd HH:mm", "2024-03-31T02:30", Some(json!("2024/03/31 02:30"))),
            ("basic_date_time", "2024-03-31T02:30:01.5Z", Some(json!("20240331T023001.500Z"))),
            ("date_optional_time", "2024-03-31T02:30:01.5Z", Some(json!("2024-03-31T02:30:01.500Z"))),
            ("week_date", "2021-01-03", Some(json!("2020-W53-7"))),
            ("ordinal_date", "2024-12-31", Some(json!("2024-366"))),
            ("MMM d, yyyy h:mm a", "2024-03-05T12:07", Some(json!("Mar 5, 2024 12:07 PM"))),
            ("EEEE dd MMMM uuuu HH:mm:ss Z", "2024-03-05T00:07:09", Some(json!("Tuesday 05 March 2024 00:07:09 +0000"))),
            ("dd.MM.yy", "2024-03-05", Some(json!("05.03.24"))),
            ("dd.MM.yy", "1999-03-05", None),
            ("yyyyMMdd", "2024-03-05", Some(json!("20240305"))),
            ("hour_minute", "2024-03-05", None),
        ] {
            assert_eq!(write(formats, text), written, "{text} by {formats}");
        }
        let nanos = DateFormats::iso().read(&json!("2024-03-31T02:30:01.123456789Z"), true).unwrap();
        assert_eq!(DateFormats::default().write(nanos, true), Some(json!("2024-03-31T02:30:01.123456789Z")));
        let millis = DateFormats::parse("epoch_millis").unwrap();
        assert_eq!(millis.write(nanos, true), Some(json!("1711852201123.456789")));
    }

    #[test]
    fn nanoseconds_lie_between_1970_and_2262() {
        let formats = DateFormats::default();
        let read = |text: &str| formats.read(&json!(text), true).ok().map(|time| time.0);
        assert_eq!(read("2262-04-11T23:47:16.854775807Z"), Some(i128::from(i64::MAX)));
        assert_eq!(read("2262-04-11T23:47:16.854775808Z"), None);
        assert_eq!(read("1969-12-31"), None);
        assert_eq!(read("1704067200000.123456"), Some(1_704_067_200_000_123_456));
    }
}
