//! A moment written by a Java pattern, in UTC: the way back from `run`. What a pattern cannot say is lost here; whoever asks
//! reads the text again and compares.

use std::fmt::Write as _;

use super::super::civil::{Civil, date, days, weekday};
use super::{DAYS, Item, MONTHS, Part, Program, Sign};

impl Program {
    /// `None`: a number does not fit into its digits.
    pub(in super::super) fn print(&self, moment: &Civil) -> Option<String> {
        let mut text = String::new();
        print(&self.0, moment, &mut text)?;
        Some(text)
    }
}

fn print(items: &[Item], moment: &Civil, text: &mut String) -> Option<()> {
    for item in items {
        match item {
            Item::Literal(letter) => text.push(*letter),
            Item::Number { part, least, most, sign } => number(value(*part, moment), *part, *least, *most, *sign, text)?,
            Item::ShortYear => {
                let year = moment.year.checked_sub(2_000).filter(|year| (0..100).contains(year))?;
                write!(text, "{year:02}").ok()?;
            }
            Item::Fraction { least, most } => {
                let digits = format!("{:09}", moment.nano);
                // three where there is a choice, as people expect milliseconds
                let wanted = digits.trim_end_matches('0').len().max(3).clamp(*least, *most);
                text.push_str(&digits[..wanted.min(9)]);
            }
            Item::MonthName { whole } => text.push_str(named(&MONTHS, i64::from(moment.month) - 1, *whole)?),
            Item::DayName { whole } => text.push_str(named(&DAYS, weekday(day(moment)), *whole)?),
            Item::HalfDay => text.push_str(if hour(moment) < 12 { "AM" } else { "PM" }),
            Item::Offset { zulu: true, .. } | Item::AnyZone => text.push('Z'),
            Item::Offset { colon, minutes, .. } => text.push_str(match (minutes, colon) {
                (false, _) => "+00",
                (true, Some(true)) => "+00:00",
                (true, _) => "+0000",
            }),
            Item::Region => text.push_str("UTC"),
            Item::Optional(inner) => print(inner, moment, text)?,
        }
    }
    Some(())
}

fn day(moment: &Civil) -> i64 {
    days(moment.year, moment.month, moment.day)
}

fn hour(moment: &Civil) -> i64 {
    moment.second / 3_600
}

fn value(part: Part, moment: &Civil) -> i64 {
    let day = day(moment);
    // the year and the week of a day are those of the Thursday beside it
    let thursday = day - weekday(day) + 3;
    let week_year = date(thursday).0;
    match part {
        Part::Year => moment.year,
        Part::Month => moment.month.into(),
        Part::Day => moment.day.into(),
        Part::DayOfYear => day - days(moment.year, 1, 1) + 1,
        Part::WeekYear => week_year,
        Part::Week => (thursday - days(week_year, 1, 1)) / 7 + 1,
        Part::Weekday => weekday(day) + 1,
        Part::Hour => hour(moment),
        Part::ClockHour => (hour(moment) + 11) % 12 + 1,
        Part::Minute => moment.second / 60 % 60,
        Part::Second => moment.second % 60,
    }
}

fn number(value: i64, part: Part, least: usize, most: usize, sign: Sign, text: &mut String) -> Option<()> {
    // a lenient form takes fewer digits, but is written with all
    let width = match (part, most) {
        (Part::Year | Part::WeekYear, 9) => 4,
        (Part::DayOfYear, 3) => 3,
        (_, 2) => 2,
        _ => least,
    };
    let digits = format!("{:0width$}", value.unsigned_abs());
    if digits.len() > most || (value < 0 && sign == Sign::Never) {
        return None;
    }
    if value < 0 {
        text.push('-');
    } else if sign == Sign::BeyondLeast && digits.len() > least {
        text.push('+');
    }
    text.push_str(&digits);
    Some(())
}

fn named(names: &[&'static str], at: i64, whole: bool) -> Option<&'static str> {
    let name = names.get(usize::try_from(at).ok()?)?;
    Some(if whole { name } else { &name[..3] })
}
