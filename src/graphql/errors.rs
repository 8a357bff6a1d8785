//! Errors as GraphQL gives them out: message, places, path, and a code with what belongs to it. Causes are logged, never sent.

use apollo_compiler::diagnostic::ToCliReport as _;
use apollo_compiler::parser::LineColumn;
use apollo_compiler::validation::DiagnosticList;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

use crate::catalog::ask;
use crate::error::Code;
use crate::search;
use crate::telemetry::audit::Refusal;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Failure {
    pub(crate) message: String,
    pub(crate) code: &'static str,
    pub(crate) locations: Vec<LineColumn>,
    pub(crate) path: Vec<Step>,
    /// What else stands in `extensions`.
    pub(crate) more: Vec<(&'static str, Json)>,
}

/// One step of a path into `data`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(crate) enum Step {
    Key(String),
    Index(usize),
}

pub(crate) const PARSE_FAILED: &str = "GRAPHQL_PARSE_FAILED";
pub(crate) const VALIDATION_FAILED: &str = "GRAPHQL_VALIDATION_FAILED";

impl Failure {
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self::coded(code.as_str(), message)
    }

    pub(crate) fn coded(code: &'static str, message: impl Into<String>) -> Self {
        Failure { message: cut(message.into()), code, locations: Vec::new(), path: Vec::new(), more: Vec::new() }
    }

    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self::new(Code::BadUserInput, message)
    }

    /// Something is larger than a limit allows.
    pub(crate) fn limit(limit: &'static str, value: u64, asked: u64, advice: &str) -> Self {
        Failure {
            more: vec![("limit", limit.into()), ("value", value.into()), ("asked", asked.into())],
            ..Self::new(Code::LimitExceeded, format!("{limit} may be at most {value}, {asked} asked for; {advice}"))
        }
    }

    pub(crate) fn at(mut self, locations: impl IntoIterator<Item = LineColumn>) -> Self {
        self.locations.extend(locations);
        self
    }

    /// What failed below the seam. The cause is written to the log here, once.
    pub(crate) fn of_engine(error: &search::Error, request_id: &str) -> Self {
        if let Some(cause) = error.cause() {
            tracing::error!(request_id, cause, "the engine failed: {error}");
        }
        Failure::new(Code::from(error), error.to_string())
    }
}

impl From<ask::Fault> for Failure {
    fn from(fault: ask::Fault) -> Self {
        let message = if fault.path.is_empty() { fault.message } else { format!("{}: {}", fault.path.join("."), fault.message) };
        let mut more = vec![("argument", argument(fault.path))];
        if let Some(exceeded) = fault.exceeded {
            more.extend([("limit", exceeded.limit.into()), ("value", exceeded.value.into()), ("asked", exceeded.asked.into())]);
        }
        Failure { more, ..Failure::new(fault.code, message) }
    }
}

/// What of these errors belongs into the audit log: the first that says that somebody may not, or asks for too much.
pub(crate) fn refusal(failures: &[Failure]) -> Option<Refusal> {
    failures.iter().find_map(|failure| {
        let limit = failure.more.iter().find(|(key, _)| *key == "limit").and_then(|(_, limit)| limit.as_str());
        Refusal::of(failure.code, limit)
    })
}

/// A message may quote what was sent, and that may be as long as a body.
const LONGEST_MESSAGE: usize = 300;

/// Bytes of a refusal, about: the first errors are those that help.
const LONGEST_REFUSAL: usize = 900;
/// Of an error beside its message: code, place, brackets.
const AROUND: usize = 110;

/// As many errors, from the first on, as fit into a short answer.
pub(crate) fn shorten(failures: &mut Vec<Failure>) {
    let mut sum = 0;
    let fits = failures.iter().take_while(|failure| {
        sum += AROUND + failure.message.len() + failure.more.iter().map(|(_, value)| length(value)).sum::<usize>();
        sum <= LONGEST_REFUSAL
    });
    let kept = fits.count().max(1);
    failures.truncate(kept);
}

fn length(value: &Json) -> usize {
    match value {
        Json::String(text) => text.len() + 12,
        Json::Array(items) => items.iter().map(length).sum(),
        _ => 12,
    }
}

/// Steps of a path into arguments, and the bytes of each: names there may be made up.
const STEPS: usize = 12;
const LONGEST_STEP: usize = 48;

fn argument(path: Vec<String>) -> Json {
    path.into_iter().take(STEPS).map(|step| Json::String(cut_to(step, LONGEST_STEP))).collect()
}

fn cut(message: String) -> String {
    cut_to(message, LONGEST_MESSAGE)
}

fn cut_to(mut text: String, most: usize) -> String {
    if text.len() > most {
        text.truncate(text.floor_char_boundary(most));
        text.push('…');
    }
    text
}

/// What the parser or the validation has to say, each with its places.
pub(crate) fn of_diagnostics(list: &DiagnosticList, text: &str, code: &'static str, most: usize) -> Vec<Failure> {
    list.iter()
        .take(most)
        .map(|diagnostic| {
            let place = diagnostic.error.location().map(|place| place_of(text, place.offset()));
            Failure::coded(code, diagnostic.error.to_string()).at(place)
        })
        .collect()
}

/// Line and column, both from 1. The library keeps a table of all lines for it, which of a long text takes long to make.
fn place_of(text: &str, offset: usize) -> LineColumn {
    let before = text.as_bytes().get(..offset).unwrap_or(text.as_bytes());
    let (mut line, mut start) = (1, 0);
    for (at, byte) in before.iter().enumerate() {
        // of \r\n the second one counts
        if *byte == b'\n' || (*byte == b'\r' && before.get(at + 1) != Some(&b'\n')) {
            (line, start) = (line + 1, at + 1);
        }
    }
    let column = 1 + before[start..].iter().filter(|byte| **byte & 0xC0 != 0x80).count();
    LineColumn { line, column }
}

impl Serialize for Failure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("message", &self.message)?;
        if !self.locations.is_empty() {
            map.serialize_entry("locations", &self.locations)?;
        }
        if !self.path.is_empty() {
            map.serialize_entry("path", &self.path)?;
        }
        map.serialize_entry("extensions", &Extensions(self))?;
        map.end()
    }
}

struct Extensions<'a>(&'a Failure);

impl Serialize for Extensions<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("code", self.0.code)?;
        for (key, value) in &self.0.more {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}
