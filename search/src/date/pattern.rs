//! Java's date patterns: compiled once, then run over a text, digit by digit and without going back, as Java does.

mod print;
mod zones;

use super::civil::{Civil, SECONDS_PER_DAY, days, days_in_month, is_leap, weekday};
pub(super) use zones::{Place, offset, place};

/// What a text gave. Absent is not zero: the end of a day has no hour.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Parts {
    pub(super) year: Option<i64>,
    month: Option<i64>,
    day: Option<i64>,
    day_of_year: Option<i64>,
    week_year: Option<i64>,
    week: Option<i64>,
    weekday: Option<i64>,
    pub(super) hour: Option<i64>,
    /// From 1 to 12, beside `afternoon`.
    clock_hour: Option<i64>,
    afternoon: Option<bool>,
    pub(super) minute: Option<i64>,
    pub(super) second: Option<i64>,
    pub(super) nano: Option<i64>,
    pub(super) zone: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Year,
    Month,
    Day,
    DayOfYear,
    WeekYear,
    Week,
    Weekday,
    Hour,
    ClockHour,
    Minute,
    Second,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Never,
    Minus,
    /// A plus is wanted where there are more digits than the least; a minus may stand.
    BeyondLeast,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Literal(char),
    Number {
        part: Part,
        least: usize,
        most: usize,
        sign: Sign,
    },
    /// Two digits of a year from 2000 to 2099.
    ShortYear,
    Fraction {
        least: usize,
        most: usize,
    },
    MonthName {
        whole: bool,
    },
    DayName {
        whole: bool,
    },
    HalfDay,
    Offset {
        colon: Option<bool>,
        minutes: bool,
        zulu: bool,
    },
    Region,
    AnyZone,
    Optional(Vec<Item>),
}

const MONTHS: [&str; 12] =
    ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Program(Vec<Item>);

impl Program {
    /// `None`: a letter we do not know, or brackets or quotes that are not closed.
    pub(super) fn compile(pattern: &str, lenient: bool) -> Option<Program> {
        let letters: Vec<char> = pattern.chars().collect();
        let mut stack: Vec<Vec<Item>> = vec![Vec::new()];
        let mut at = 0;
        while at < letters.len() {
            let letter = letters[at];
            match letter {
                '\'' => {
                    let end = at + 1 + letters[at + 1..].iter().position(|c| *c == '\'')?;
                    let quoted = &letters[at + 1..end];
                    let literals: &[char] = if quoted.is_empty() { &['\''] } else { quoted };
                    stack.last_mut()?.extend(literals.iter().map(|c| Item::Literal(*c)));
                    at = end + 1;
                }
                '[' => {
                    stack.push(Vec::new());
                    at += 1;
                }
                ']' => {
                    let inner = stack.pop()?;
                    stack.last_mut()?.push(Item::Optional(inner));
                    at += 1;
                }
                '{' | '}' => return None,
                c if c.is_ascii_alphabetic() || c == '#' => {
                    let count = letters[at..].iter().take_while(|l| **l == c).count();
                    stack.last_mut()?.push(item(c, count, lenient)?);
                    at += count;
                }
                c => {
                    stack.last_mut()?.push(Item::Literal(c));
                    at += 1;
                }
            }
        }
        let items = stack.pop()?;
        (stack.is_empty() && !items.is_empty()).then_some(Program(items))
    }

    /// The whole text, or nothing.
    pub(super) fn run(&self, text: &str) -> Option<Parts> {
        let mut parts = Parts::default();
        let rest = run(&self.0, text, &mut parts)?;
        rest.is_empty().then_some(parts)
    }
}

fn item(letter: char, count: usize, lenient: bool) -> Option<Item> {
    let number = |part| match count {
        _ if lenient => Some(Item::Number { part, least: 1, most: 2, sign: Sign::Never }),
        1 => Some(Item::Number { part, least: 1, most: 19, sign: Sign::Minus }),
        2 => Some(Item::Number { part, least: 2, most: 2, sign: Sign::Never }),
        _ => None,
    };
    let year = |part| match count {
        2 => Some(Item::ShortYear),
        _ if lenient => Some(Item::Number { part, least: 1, most: 9, sign: Sign::Minus }),
        1 | 3 => Some(Item::Number { part, least: count, most: 19, sign: Sign::Minus }),
        _ => Some(Item::Number { part, least: count, most: 19, sign: Sign::BeyondLeast }),
    };
    match letter {
        'u' | 'y' => year(Part::Year),
        'Y' | 'x' if letter == 'Y' => year(Part::WeekYear),
        'M' | 'L' => match count {
            3 => Some(Item::MonthName { whole: false }),
            4 => Some(Item::MonthName { whole: true }),
            _ => number(Part::Month),
        },
        'd' => number(Part::Day),
        'D' if lenient => Some(Item::Number { part: Part::DayOfYear, least: 1, most: 3, sign: Sign::Never }),
        'D' => {
            let most = if count == 1 { 19 } else { 3 };
            (count <= 3).then_some(Item::Number { part: Part::DayOfYear, least: count, most, sign: Sign::Never })
        }
        'w' => number(Part::Week),
        'e' if count == 1 => Some(Item::Number { part: Part::Weekday, least: 1, most: 1, sign: Sign::Never }),
        'E' => Some(Item::DayName { whole: count == 4 }),
        'H' => number(Part::Hour),
        'h' => number(Part::ClockHour),
        'm' => number(Part::Minute),
        's' => number(Part::Second),
        'a' if count == 1 => Some(Item::HalfDay),
        'S' if count <= 9 => Some(Item::Fraction { least: count, most: count }),
        'f' => Some(Item::Fraction { least: 1, most: 9 }),
        'X' | 'x' => {
            let zulu = letter == 'X';
            match count {
                1 => Some(Item::Offset { colon: Some(false), minutes: false, zulu }),
                2 | 4 => Some(Item::Offset { colon: Some(false), minutes: true, zulu }),
                3 | 5 => Some(Item::Offset { colon: Some(true), minutes: true, zulu }),
                _ => None,
            }
        }
        'Z' => match count {
            1..=3 => Some(Item::Offset { colon: Some(false), minutes: true, zulu: false }),
            5 => Some(Item::Offset { colon: Some(true), minutes: true, zulu: true }),
            _ => None,
        },
        'z' | 'V' | 'v' => Some(Item::Region),
        '#' => Some(Item::AnyZone),
        _ => None,
    }
}

fn run<'t>(items: &[Item], mut text: &'t str, parts: &mut Parts) -> Option<&'t str> {
    for (at, item) in items.iter().enumerate() {
        text = match item {
            Item::Literal(c) => text.strip_prefix(*c)?,
            Item::Number { part, least, most, sign } => {
                // digits that the fixed numbers right behind need are left to them
                let kept: usize = items[at + 1..]
                    .iter()
                    .map_while(|next| match next {
                        Item::Number { least, most, .. } if least == most => Some(*least),
                        Item::Fraction { least, most } if least == most => Some(*least),
                        _ => None,
                    })
                    .sum();
                let (value, rest) = number(text, *least, *most, *sign, if least == most { 0 } else { kept })?;
                parts.set(*part, value)?;
                rest
            }
            Item::ShortYear => {
                let (value, rest) = number(text, 2, 2, Sign::Never, 0)?;
                parts.set(Part::Year, 2_000 + value)?;
                rest
            }
            Item::Fraction { least, most } => {
                let digits = text.bytes().take(*most).take_while(u8::is_ascii_digit).count();
                if digits < *least {
                    return None;
                }
                let value: i64 = text[..digits].parse().ok()?;
                parts.nano = Some(value * 10i64.pow(u32::try_from(9 - digits).ok()?));
                &text[digits..]
            }
            Item::MonthName { whole } => {
                let (index, rest) = name(&MONTHS, *whole, text)?;
                parts.set(Part::Month, index + 1)?;
                rest
            }
            // it is read and not held against the date
            Item::DayName { whole } => name(&DAYS, *whole, text)?.1,
            Item::HalfDay => {
                let (half, rest) = text.split_at_checked(2)?;
                parts.afternoon = Some(match half {
                    "AM" => false,
                    "PM" => true,
                    _ => return None,
                });
                rest
            }
            Item::Offset { colon, minutes, zulu } => {
                if let (true, Some(rest)) = (*zulu, text.strip_prefix('Z')) {
                    parts.zone = Some(Place::Offset(0));
                    rest
                } else {
                    let (seconds, rest) = offset(text, *colon, *minutes)?;
                    parts.zone = Some(Place::Offset(seconds));
                    rest
                }
            }
            Item::Region => zone(text, parts)?,
            Item::AnyZone => zone(text, parts)?,
            Item::Optional(inner) => {
                let mut tried = parts.clone();
                match run(inner, text, &mut tried) {
                    Some(rest) => {
                        *parts = tried;
                        rest
                    }
                    None => text,
                }
            }
        };
    }
    Some(text)
}

fn number(text: &str, least: usize, most: usize, sign: Sign, kept: usize) -> Option<(i64, &str)> {
    let (negative, plus, digits_text) = match text.as_bytes().first()? {
        b'-' if sign != Sign::Never => (true, false, &text[1..]),
        b'+' if sign == Sign::BeyondLeast => (false, true, &text[1..]),
        _ => (false, false, text),
    };
    let there = digits_text.bytes().take_while(u8::is_ascii_digit).count();
    let digits = there.min(most);
    let digits = if kept > 0 && most > least { there.saturating_sub(kept).clamp(least.min(digits), digits) } else { digits };
    if digits < least || digits == 0 {
        return None;
    }
    if sign == Sign::BeyondLeast && !negative && plus != (digits > least) {
        return None;
    }
    let value: i64 = digits_text[..digits].parse().ok()?;
    // Java's calendar ends there
    if value > 999_999_999 {
        return None;
    }
    Some((if negative { -value } else { value }, &digits_text[digits..]))
}

fn name<'t>(names: &[&str], whole: bool, text: &'t str) -> Option<(i64, &'t str)> {
    names.iter().zip(0..).find_map(|(name, index)| {
        let name = if whole { name } else { &name[..3] };
        text.strip_prefix(name).map(|rest| (index, rest))
    })
}

/// All that is left of the text up to a blank or a bracket.
fn zone<'t>(text: &'t str, parts: &mut Parts) -> Option<&'t str> {
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || "+-:/_".contains(c))).unwrap_or(text.len());
    parts.zone = Some(place(&text[..end])?);
    Some(&text[end..])
}

impl Parts {
    fn set(&mut self, part: Part, value: i64) -> Option<()> {
        let within = |least, most| (least..=most).contains(&value).then_some(Some(value));
        match part {
            Part::Year => self.year = Some(value),
            Part::WeekYear => self.week_year = Some(value),
            Part::Month => self.month = within(1, 12)?,
            Part::Day => self.day = within(1, 31)?,
            Part::DayOfYear => self.day_of_year = within(1, 366)?,
            Part::Week => self.week = within(1, 53)?,
            Part::Weekday => self.weekday = within(1, 7)?,
            Part::Hour => self.hour = within(0, 23)?,
            Part::ClockHour => self.clock_hour = within(1, 12)?,
            Part::Minute => self.minute = within(0, 59)?,
            Part::Second => self.second = within(0, 59)?,
        }
        Some(())
    }

    /// Year, month and day; those missing are the first. `Err` for a day that is not in the calendar.
    fn date(&self) -> Result<(i64, u32, u32), String> {
        let small = |value: i64| u32::try_from(value).unwrap_or(1);
        if let Some(year) = self.week_year {
            // week 1 holds the 4th of January
            let fourth = days(year, 1, 4);
            let monday = fourth - weekday(fourth);
            let day = monday + (self.week.unwrap_or(1) - 1) * 7 + self.weekday.unwrap_or(1) - 1;
            // a year alone means its first day
            return Ok(if self.week.is_none() { (year, 1, 1) } else { super::civil::date(day) });
        }
        let year = self.year.unwrap_or(1_970);
        if let Some(of_year) = self.day_of_year {
            if of_year == 366 && !is_leap(year) {
                return Err(format!("the year {year} has no day 366"));
            }
            return Ok(super::civil::date(days(year, 1, 1) + of_year - 1));
        }
        let (month, day) = (small(self.month.unwrap_or(1)), small(self.day.unwrap_or(1)));
        if day > days_in_month(year, month) {
            return Err(format!("{year}-{month:02} has no day {day}"));
        }
        Ok((year, month, day))
    }

    fn hour(&self) -> Option<i64> {
        self.hour.or_else(|| self.clock_hour.map(|hour| hour % 12 + if self.afternoon == Some(true) { 12 } else { 0 }))
    }

    /// Local date and time; what is missing of the time is its start, or with `end` its last nanosecond.
    pub(super) fn civil(&self, end: bool) -> Result<Civil, String> {
        let (year, month, day) = self.date()?;
        let or = |part: Option<i64>, last: i64| part.unwrap_or(if end { last } else { 0 });
        let second = or(self.hour(), 23) * 3_600 + or(self.minute, 59) * 60 + or(self.second, 59);
        debug_assert!(second < SECONDS_PER_DAY);
        let nano = u32::try_from(or(self.nano, 999_999_999)).unwrap_or(0);
        Ok(Civil { year, month, day, second, nano })
    }
}
