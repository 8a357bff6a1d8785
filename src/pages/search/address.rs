//! The state of a search page, as its address holds it. There is one way to write each state; forms that say it in another way are sent on.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::chart::Asking;
use super::conditions::{Condition, Spot, operators};
use super::near::Near;
use super::ticks::Tick;
use crate::error::Code;
use crate::pages::fault::Fault;
use crate::search::Direction;

/// Kept as they are in a query string: they make addresses that people can read.
const ESCAPED: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b':').remove(b',').remove(b'*').remove(b'/');

pub(in crate::pages) const SIZES: [u32; 4] = [10, 20, 50, 100];

/// In place of a field to sort by.
pub(in crate::pages) const NEAREST: &str = "near";

/// Which page of the hits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::pages) enum At {
    /// Counted from 1, by passing over what stands before.
    Number(u64),
    /// Behind or before the place a cursor names; the number is what the reader is told.
    After(String, u64),
    Before(String, u64),
    /// The last hits of all.
    Last(u64),
}

#[derive(Clone, Debug, PartialEq)]
pub(in crate::pages) struct Asked {
    pub(in crate::pages) text: String,
    /// All words, not any.
    pub(in crate::pages) all_words: bool,
    pub(in crate::pages) fuzzy: bool,
    pub(in crate::pages) conditions: Vec<Condition>,
    /// What was clicked in facets.
    pub(in crate::pages) ticks: Vec<Tick>,
    /// A point to tell distances from.
    pub(in crate::pages) near: Option<Near>,
    /// Nearest first, also where words would say what comes first.
    pub(in crate::pages) nearest: bool,
    pub(in crate::pages) chart: Option<Asking>,
    /// Absent: by score where there is text, else as they come.
    pub(in crate::pages) sort: Option<(String, Direction)>,
    pub(in crate::pages) size: u32,
    pub(in crate::pages) at: At,
}

impl Default for Asked {
    fn default() -> Self {
        Asked {
            text: String::new(),
            all_words: false,
            fuzzy: false,
            conditions: Vec::new(),
            ticks: Vec::new(),
            near: None,
            nearest: false,
            chart: None,
            sort: None,
            size: SIZES[0],
            at: At::Number(1),
        }
    }
}

/// What an address asks for, and whether it is the one way to write it.
pub(in crate::pages) struct Parsed {
    pub(in crate::pages) asked: Asked,
    pub(in crate::pages) settled: bool,
}

fn refuse(message: impl Into<String>) -> Fault {
    Fault::new(Code::BadUserInput, message)
}

/// `q all fuzzy f… t… r… near by of sort size page after before last`, and as the form sends them `o.PATH` with `v.PATH`, `near.at` and its like.
pub(in crate::pages) fn parse(pairs: &[(String, String)], spots: &[Spot<'_>], largest: u32) -> Result<Parsed, Fault> {
    let mut asked = Asked::default();
    let mut settled = true;
    let mut page = None;
    let mut cursor: Option<(bool, String)> = None;
    let mut last = false;
    let (mut by, mut of) = (None, None);
    for (name, value) in pairs {
        if value.is_empty() {
            settled = false;
            continue;
        }
        match name.as_str() {
            "q" => asked.text = value.trim().to_owned(),
            "all" => asked.all_words = value == "1",
            "fuzzy" => asked.fuzzy = value == "1",
            "f" => asked.conditions.push(Condition::parse(spots, value)?),
            "t" | "r" => {
                let tick = Tick::parse(spots, name, value)?;
                if asked.ticks.contains(&tick) {
                    settled = false;
                } else {
                    asked.ticks.push(tick);
                }
            }
            "near" => asked.near = Some(Near::parse(spots, value)?),
            "by" => by = Some(value.clone()),
            "of" => of = Some(value.clone()),
            "sort" if value == NEAREST => asked.nearest = true,
            "sort" => asked.sort = Some(parse_sort(value)?),
            "size" => {
                let size = value.parse().ok().filter(|size| (1..=largest).contains(size));
                asked.size = size.ok_or_else(|| refuse(format!("size is a number from 1 to {largest}.")))?;
            }
            "page" => {
                let number = value.parse().ok().filter(|number| *number >= 1);
                page = Some(number.ok_or_else(|| refuse("page is a number from 1 on."))?);
            }
            "after" | "before" => {
                if cursor.replace((name == "after", value.clone())).is_some() {
                    return Err(refuse("Of after and before there can be only one."));
                }
            }
            "last" => last = value == "1",
            _ => settled = false,
        }
    }
    for spot in spots {
        let path = spot.exposed.field.path.as_str();
        if let Some(condition) = form_condition(pairs, spot, path)? {
            settled = false;
            if !asked.conditions.contains(&condition) {
                asked.conditions.push(condition);
            }
        }
    }
    if let Some(near) = Near::of_form(pairs, spots)? {
        asked.near = Some(near);
        settled = false;
    }
    // without words or another order the nearest come first anyway; without a point none is nearest
    if asked.nearest && (asked.near.is_none() || asked.text.is_empty()) {
        asked.nearest = false;
        settled = false;
    }
    settled &= of.is_none() || by.is_some();
    asked.chart = Asking::parse(spots, by, of)?;
    let number = page.unwrap_or(1);
    asked.at = match (cursor, last) {
        (Some((true, cursor)), false) => At::After(cursor, number),
        (Some((false, cursor)), false) => At::Before(cursor, number),
        (None, true) => At::Last(number),
        (None, false) => At::Number(number),
        (Some(_), true) => return Err(refuse("last goes without after and before.")),
    };
    Ok(Parsed { asked, settled })
}

/// `path:desc` or `path:asc`; the path is looked up by the catalog.
fn parse_sort(text: &str) -> Result<(String, Direction), Fault> {
    match text.rsplit_once(':') {
        Some((path, "asc")) => Ok((path.to_owned(), Direction::Asc)),
        Some((path, "desc")) => Ok((path.to_owned(), Direction::Desc)),
        _ => Err(refuse("sort is the name of a field with :asc or :desc behind it.")),
    }
}

/// What one row of the form says: nothing as long as no value is typed, or an operator chosen that needs none.
fn form_condition(pairs: &[(String, String)], spot: &Spot<'_>, path: &str) -> Result<Option<Condition>, Fault> {
    let find = |mark: &str| {
        pairs
            .iter()
            .find(|(name, _)| name.strip_prefix(mark) == Some(path))
            .map(|(_, value)| value.trim())
            .filter(|value| !value.is_empty())
    };
    let field = &spot.exposed.field;
    let (operator, value) = (find("o."), find("v."));
    let chosen = operator.or_else(|| operators(field).first().map(|first| first.key));
    let Some(key) = chosen else { return Ok(None) };
    let condition = Condition::new(field, key, value.unwrap_or_default())?;
    let said = if condition.operator.wants_value() { value.is_some() } else { operator.is_some() };
    Ok(said.then_some(condition))
}

impl Asked {
    /// The one query string of this state; empty for the bare page.
    pub(in crate::pages) fn write(&self) -> String {
        let mut pairs: Vec<(&str, String)> = Vec::new();
        if !self.text.is_empty() {
            pairs.push(("q", self.text.clone()));
        }
        if self.all_words {
            pairs.push(("all", "1".into()));
        }
        if self.fuzzy {
            pairs.push(("fuzzy", "1".into()));
        }
        pairs.extend(self.conditions.iter().map(|condition| ("f", condition.write())));
        pairs.extend(self.ticks.iter().map(Tick::write));
        pairs.extend(self.near.as_ref().map(|near| ("near", near.write())));
        pairs.extend(self.chart.iter().flat_map(Asking::write));
        if self.nearest {
            pairs.push(("sort", NEAREST.to_owned()));
        }
        if let Some((path, direction)) = &self.sort {
            let end = if *direction == Direction::Asc { "asc" } else { "desc" };
            pairs.push(("sort", format!("{path}:{end}")));
        }
        if self.size != SIZES[0] {
            pairs.push(("size", self.size.to_string()));
        }
        let number = match &self.at {
            At::Number(number) | At::After(_, number) | At::Before(_, number) | At::Last(number) => *number,
        };
        if number != 1 {
            pairs.push(("page", number.to_string()));
        }
        match &self.at {
            At::Number(_) => {}
            At::After(cursor, _) => pairs.push(("after", cursor.clone())),
            At::Before(cursor, _) => pairs.push(("before", cursor.clone())),
            At::Last(_) => pairs.push(("last", "1".into())),
        }
        let parts: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, ESCAPED))).collect();
        if parts.is_empty() { String::new() } else { format!("?{}", parts.join("&")) }
    }

    pub(in crate::pages) fn at(&self, at: At) -> Self {
        Asked { at, ..self.clone() }
    }

    /// From the first page on, with this tick turned. Of stretches a field has one at most.
    pub(in crate::pages) fn turned(&self, tick: &Tick) -> Self {
        let mut other = self.at(At::Number(1));
        let known = other.ticks.iter().position(|known| known == tick);
        match known {
            Some(known) => {
                other.ticks.remove(known);
            }
            None => {
                let stretch = |tick: &Tick| matches!(tick.what, super::ticks::What::Between(..));
                other.ticks.retain(|known| known.path != tick.path || !stretch(known) && !stretch(tick));
                other.ticks.push(tick.clone());
            }
        }
        other
    }

    /// From the first page on, without the condition of this number.
    pub(in crate::pages) fn without(&self, condition: usize) -> Self {
        let mut other = self.at(At::Number(1));
        other.conditions.remove(condition);
        other
    }
}
