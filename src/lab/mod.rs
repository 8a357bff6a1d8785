//! The experiments that one can run and see plotted. What they look like in a browser is left to `pages`, their routes to `rest`.

mod dictionary;
mod facts;
mod searches;
mod turnstile;

pub mod chart;
pub mod experiment;
pub mod plots;
pub mod users;
pub mod waits;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

pub use dictionary::{Dictionary, Entries, KEY_LENGTH, Refused, VALUE_LENGTH};
pub use facts::FACTS;
pub use searches::{Searches, Timing, search_all};
pub use turnstile::{Counts, Turnstile};

use crate::config::Config;
use crate::error::Code;
use crate::upstream::{Upstream, Upstreams};

/// Tasks of one experiment.
pub const MOST_TASKS: u32 = 10_000;
/// Of one task.
pub const LONGEST_DELAY: Duration = Duration::from_secs(60);
/// An experiment, and a call to an upstream, may take so long: longer than any other request.
pub const TIME: Duration = Duration::from_secs(600);
/// Searches of one experiment, each way.
pub const MOST_SEARCHES: u32 = 200;

/// How far an experiment is; whoever watches it looks now and then.
#[derive(Debug, Default)]
pub struct Meter {
    done: AtomicU32,
    all: AtomicU32,
}

impl Meter {
    pub fn of(all: u32) -> Self {
        Meter { done: AtomicU32::new(0), all: AtomicU32::new(all) }
    }

    pub fn expect(&self, all: u32) {
        self.all.store(all, Ordering::Relaxed);
    }

    pub fn one_more(&self) {
        self.done.fetch_add(1, Ordering::Relaxed);
    }

    /// How many of how many.
    pub fn read(&self) -> (u32, u32) {
        (self.done.load(Ordering::Relaxed), self.all.load(Ordering::Relaxed))
    }
}

/// Why an experiment was not run, or not to its end.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    pub code: Code,
    pub message: String,
}

impl Fault {
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Fault { code, message: message.into() }
    }
}

impl From<crate::search::Error> for Fault {
    fn from(fault: crate::search::Error) -> Self {
        let code = Code::from(&fault);
        if let Some(cause) = fault.cause() {
            tracing::warn!(code = code.as_str(), cause, "the engine failed");
        }
        Fault::new(code, fault.to_string())
    }
}

/// How many of something, 1 to `most`.
pub fn count(name: &str, asked: u32, most: u32) -> Result<u32, Fault> {
    match asked {
        0 => Err(Fault::new(Code::BadUserInput, format!("{name} must be at least 1"))),
        n if n > most => Err(Fault::new(Code::LimitExceeded, format!("{name} may be {most} at most, {n} were asked for"))),
        n => Ok(n),
    }
}

/// Seconds to wait, 0 to [`LONGEST_DELAY`].
pub fn delay(asked: f64) -> Result<Duration, Fault> {
    let most = LONGEST_DELAY.as_secs();
    let wrong = || Fault::new(Code::BadUserInput, format!("delay is a number of seconds, 0 to {most}"));
    let delay = Duration::try_from_secs_f64(asked).map_err(|_| wrong())?;
    if delay > LONGEST_DELAY {
        return Err(Fault::new(Code::LimitExceeded, format!("delay may be {most} s at most")));
    }
    Ok(delay)
}

/// What needs longer than [`TIME`] is refused before it begins.
pub fn check_time(least: Duration) -> Result<(), Fault> {
    if least <= TIME {
        return Ok(());
    }
    let message = format!("that would take {} s, and an experiment may take {} s: ask for less", least.as_secs(), TIME.as_secs());
    Err(Fault::new(Code::LimitExceeded, message))
}

/// The upstream that tells the lab its facts.
pub fn upstream(config: &Config, upstreams: &Upstreams) -> Result<Arc<Upstream>, Fault> {
    upstreams.usual(config, None).map_err(|fault| Fault::new(Code::NotFound, fault))
}

/// Of what an upstream answered: `fact` of a JSON object, else all of it.
pub fn fact_of(body: &str) -> String {
    let json = serde_json::from_str::<serde_json::Value>(body).ok();
    let fact = json.as_ref().and_then(|json| json.get("fact")).and_then(serde_json::Value::as_str);
    fact.map_or_else(|| body.to_owned(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_has_bounds() {
        assert!(count("tasks", 1, 10).is_ok() && count("tasks", 0, 10).is_err());
        assert_eq!(count("tasks", 11, 10).unwrap_err().code, Code::LimitExceeded);
        assert_eq!(delay(0.05).unwrap(), Duration::from_millis(50));
        for wrong in [f64::NAN, f64::INFINITY, -1.0, 60.01, 1e300] {
            assert!(delay(wrong).is_err(), "{wrong}");
        }
        assert!(check_time(TIME).is_ok() && check_time(TIME * 2).is_err());
    }

    #[test]
    fn a_fact_is_found_in_json_and_in_text() {
        assert_eq!(fact_of(r#"{"fact":"a","n":1}"#), "a");
        assert_eq!(fact_of("plain"), "plain");
        assert_eq!(fact_of("[1]"), "[1]");
    }
}
