//! Where in an argument something stands, and the faults found there.

use std::fmt;

use serde_json::{Map, Value as Json};

use super::{Exceeded, Fault, Frame};
use crate::error::Code;

/// A path that costs nothing until something is wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'a> {
    above: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'a> {
    Key(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    pub(super) fn root(argument: &'a str) -> Self {
        Place { above: None, step: Step::Key(argument) }
    }

    pub(super) fn key(&'a self, key: &'a str) -> Place<'a> {
        Place { above: Some(self), step: Step::Key(key) }
    }

    pub(super) fn index(&'a self, index: usize) -> Place<'a> {
        Place { above: Some(self), step: Step::Index(index) }
    }

    pub(super) fn path(&self) -> Vec<String> {
        let mut path = self.above.map(Place::path).unwrap_or_default();
        path.push(match self.step {
            Step::Key(key) => key.to_owned(),
            Step::Index(index) => index.to_string(),
        });
        path
    }

    pub(super) fn fault(&self, message: impl fmt::Display) -> Fault {
        Fault { code: Code::BadUserInput, path: self.path(), message: message.to_string(), exceeded: None }
    }

    pub(super) fn unsupported(&self, what: &str) -> Fault {
        Fault { code: Code::Unsupported, path: self.path(), message: format!("{what} is not supported yet"), exceeded: None }
    }

    /// Which limit, its value, and what was asked.
    pub(super) fn limit(&self, limit: &'static str, what: &str, most: usize, asked: usize) -> Fault {
        let message = format!("{what}: at most {most}, asked for {asked}");
        let exceeded = Some(Exceeded { limit, value: most, asked });
        Fault { code: Code::LimitExceeded, path: self.path(), message, exceeded }
    }

    pub(super) fn object<'j>(&self, json: &'j Json, such_as: &str) -> Result<&'j Map<String, Json>, Fault> {
        json.as_object().ok_or_else(|| self.fault(format_args!("{} is no object such as {such_as}", shown(json))))
    }

    pub(super) fn text<'j>(&self, json: &'j Json) -> Result<&'j str, Fault> {
        json.as_str().ok_or_else(|| self.fault(format_args!("{} is not a text", shown(json))))
    }

    pub(super) fn truth(&self, json: &Json) -> Result<bool, Fault> {
        json.as_bool().ok_or_else(|| self.fault(format_args!("{} is not true or false", shown(json))))
    }

    pub(super) fn number(&self, json: &Json) -> Result<f64, Fault> {
        let number = json.as_f64().filter(|number| number.is_finite());
        number.ok_or_else(|| self.fault(format_args!("{} is not a number", shown(json))))
    }
}

/// Letters of a word, as the standard tokenizer has it.
const LONGEST_WORD: usize = 255;

/// Each word of a text is a condition of its own for the engine, and so is each letter of scripts that write no spaces and each symbol;
/// what is longer than [`LONGEST_WORD`] is cut into several.
pub(super) fn check_words(frame: Frame<'_>, at: &Place<'_>, text: &str) -> Result<(), Fault> {
    let most = frame.limits.filter_clauses;
    let letters = text.chars().filter(|letter| *letter >= '\u{2190}').count();
    let words = text.split(|letter: char| !letter.is_alphanumeric()).map(|word| word.chars().count().div_ceil(LONGEST_WORD));
    let words = words.sum::<usize>() + letters;
    if frame.limits.lets("filter_clauses", most as u64, words as u64) {
        Ok(())
    } else {
        Err(at.limit("filter_clauses", "words of a text", most, words))
    }
}

/// A list; a bare value is a list of one, as GraphQL has it. `None` for null.
pub(super) fn items(json: &Json) -> Option<&[Json]> {
    match json {
        Json::Null => None,
        Json::Array(items) => Some(items),
        one => Some(std::slice::from_ref(one)),
    }
}

/// A value as it is told back: cut, for it may be long.
pub(super) fn shown(json: &Json) -> String {
    const MOST: usize = 64;
    let text = json.to_string();
    if text.chars().count() <= MOST { text } else { text.chars().take(MOST - 1).chain(['…']).collect() }
}

/// Names for a message; the rest is told by its number.
pub(super) fn listed<'n>(names: impl IntoIterator<Item = &'n str>) -> String {
    const MOST: usize = 20;
    let names: Vec<&str> = names.into_iter().collect();
    let rest = names.len().saturating_sub(MOST);
    let listed = names[..names.len() - rest].join(", ");
    if rest == 0 { listed } else { format!("{listed} and {rest} more") }
}
