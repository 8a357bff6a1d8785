//! A job: what is kept of it and what is shown. Pure.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Order;
use super::asker::Asker;
use super::transitions::{self, Steer};
use crate::search::Source;
use crate::search::date::{Time, rfc3339};

/// Lines of log that are kept; older ones fall out.
pub const LOG_LINES: usize = 100;
/// Characters of one of them.
const LINE_LENGTH: usize = 500;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Kind {
    /// A file into a collection.
    Load,
    /// A collection into a file.
    Export,
    /// A collection into another.
    Copy,
    DeleteByFilter,
    /// Someone else's API into a collection.
    Fetch,
    /// Nothing but time, for trying out.
    Wait,
    /// Nothing but work, for trying out.
    Compute,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum State {
    Queued,
    Running,
    Paused,
    Succeeded,
    Failed,
    Cancelled,
}

/// The process that works on a job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Owner {
    /// Of the data folder: one process at a time.
    pub(super) node: String,
    /// Of the process.
    pub(super) boot: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    #[serde(skip, default = "nameless")]
    pub id: Arc<str>,
    pub kind: Kind,
    pub collection: Option<String>,
    pub arguments: Source,
    pub state: State,
    /// In the unit of the kind: documents, milliseconds, numbers.
    pub done: u64,
    /// `None`: not known.
    pub of: Option<u64>,
    /// Done per second, lately.
    pub rate: Option<f64>,
    pub created_at: Moment,
    /// The first time.
    pub started_at: Option<Moment>,
    pub finished_at: Option<Moment>,
    /// Oldest first, each with its time.
    pub log: Vec<String>,
    /// Of a job that has failed.
    pub error: Option<String>,
    /// Of a job that has come to its end.
    pub result: Option<Json>,
    /// How often it was begun anew: 1 unless it was tried again.
    pub attempts: u32,
    /// Who has started it; absent: whoever may do everything.
    #[serde(default)]
    pub(super) asker: Option<Asker>,
    /// Who works on it. May stand on a job that is not running any more, until that one has noticed.
    pub(super) owner: Option<Owner>,
    /// Grows with every claim.
    pub(super) claim: u64,
    /// Grows with every write of an owner.
    pub(super) beat: u64,
    /// The folder that holds its file: only who can reach it can work on it.
    pub(super) place: Option<String>,
    /// What the task wants to know when it goes on; null: from the start.
    pub(super) checkpoint: Json,
}

fn nameless() -> Arc<str> {
    Arc::from("")
}

/// Milliseconds since 1970, by the clock of the process that wrote it: only to be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment(pub i64);

impl Moment {
    pub(super) fn now() -> Self {
        Moment(Time::now().millis())
    }

    pub fn time(self) -> Time {
        Time::from_millis(self.0)
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&rfc3339(self.time(), false))
    }
}

impl Job {
    pub(super) fn new(id: Arc<str>, order: Order, place: Option<String>) -> Self {
        Job {
            id,
            kind: order.kind,
            collection: order.collection,
            arguments: order.arguments,
            state: State::Queued,
            done: 0,
            of: None,
            rate: None,
            created_at: Moment::now(),
            started_at: None,
            finished_at: None,
            log: Vec::new(),
            error: None,
            result: None,
            attempts: 1,
            asker: None,
            owner: None,
            claim: 0,
            beat: 0,
            place,
            checkpoint: Json::Null,
        }
    }

    /// What it can be told now.
    pub fn can(&self) -> impl Iterator<Item = Steer> + use<> {
        transitions::possible(self.state)
    }

    /// At the rate of late; `None` where that is not known, or it is not running.
    pub fn seconds_left(&self) -> Option<f64> {
        let left = self.of?.saturating_sub(self.done) as f64;
        let rate = self.rate.filter(|rate| *rate > 0.0 && self.state == State::Running)?;
        Some(left / rate)
    }

    /// From 0 to 1, where it is known how much there is to do.
    pub fn fraction(&self) -> Option<f64> {
        match (self.state, self.of) {
            (State::Succeeded, _) => Some(1.0),
            (_, None) => None,
            (_, Some(0)) => Some(0.0),
            (_, Some(of)) => Some((self.done as f64 / of as f64).min(1.0)),
        }
    }

    pub(super) fn say(&mut self, text: &str) {
        let text: String = text.chars().take(LINE_LENGTH).map(|c| if c.is_control() { ' ' } else { c }).collect();
        if self.log.len() >= LOG_LINES {
            self.log.drain(..=self.log.len() - LOG_LINES);
        }
        self.log.push(format!("{} {text}", Moment::now()));
    }

    /// What follows from being told so, beside the state. An owner stays named until it has noticed.
    pub(super) fn turn(&mut self, next: State, steer: Steer) {
        self.state = next;
        self.rate = None;
        match steer {
            Steer::Cancel => {
                self.finished_at = Some(Moment::now());
                self.say("cancelled");
            }
            Steer::Pause => self.say("paused"),
            Steer::Resume => self.say("resumed"),
            Steer::Retry => {
                self.attempts += 1;
                (self.finished_at, self.error, self.result) = (None, None, None);
                self.say("to be tried again");
            }
        }
    }
}

impl Kind {
    pub const ALL: [Kind; 7] =
        [Kind::Load, Kind::Export, Kind::Copy, Kind::DeleteByFilter, Kind::Fetch, Kind::Wait, Kind::Compute];

    /// As in `JobKind`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::Load => "LOAD",
            Kind::Export => "EXPORT",
            Kind::Copy => "COPY",
            Kind::DeleteByFilter => "DELETE_BY_FILTER",
            Kind::Fetch => "FETCH",
            Kind::Wait => "WAIT",
            Kind::Compute => "COMPUTE",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// Needs the setting `writes`.
    pub const fn writes(self) -> bool {
        matches!(self, Kind::Load | Kind::Copy | Kind::DeleteByFilter | Kind::Fetch)
    }

    /// What `done` and `of` count.
    pub const fn unit(self) -> &'static str {
        match self {
            Kind::Load | Kind::Export | Kind::Copy | Kind::DeleteByFilter => "documents",
            Kind::Fetch => "calls",
            Kind::Wait => "ms",
            Kind::Compute => "numbers",
        }
    }
}

impl State {
    pub const ALL: [State; 6] = [State::Queued, State::Running, State::Paused, State::Succeeded, State::Failed, State::Cancelled];

    /// As in `JobState`.
    pub const fn as_str(self) -> &'static str {
        match self {
            State::Queued => "QUEUED",
            State::Running => "RUNNING",
            State::Paused => "PAUSED",
            State::Succeeded => "SUCCEEDED",
            State::Failed => "FAILED",
            State::Cancelled => "CANCELLED",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// It has come to an end, though it may be tried again.
    pub const fn is_final(self) -> bool {
        matches!(self, State::Succeeded | State::Failed | State::Cancelled)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn job() -> Job {
        Job::new("1".into(), Order { kind: Kind::Wait, collection: None, arguments: Source::new() }, None)
    }

    #[test]
    fn the_log_is_bounded() {
        let mut job = job();
        for line in 0..LOG_LINES + 5 {
            job.say(&format!("line {line}\n{}", "x".repeat(1_000)));
        }
        assert_eq!(job.log.len(), LOG_LINES);
        assert!(job.log[0].contains(" line 5 x") && job.log.last().is_some_and(|line| line.len() < LINE_LENGTH + 30));
    }

    #[test]
    fn time_left_is_told_only_while_it_runs() {
        let mut job = Job { done: 25, of: Some(100), rate: Some(5.0), state: State::Running, ..job() };
        assert_eq!((job.seconds_left(), job.fraction()), (Some(15.0), Some(0.25)));
        job.rate = Some(0.0);
        assert_eq!(job.seconds_left(), None);
        job.turn(State::Paused, Steer::Pause);
        assert_eq!((job.seconds_left(), job.rate), (None, None));
        assert_eq!(Job { of: None, ..job }.fraction(), None);
    }

    #[test]
    fn names_are_those_of_the_schema() {
        for kind in Kind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
            assert_eq!(Kind::parse(kind.as_str()), Some(kind));
        }
        for state in State::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
            assert_eq!(State::parse(state.as_str()), Some(state));
        }
    }
}
