//! An experiment as somebody asks for it, and what came out of it, ready to be shown: a sentence, some figures, a chart, and lines of
//! detail where there are any. Pages show it; the REST routes run the same parts and answer in their own shapes.

use std::time::Duration;

use tokio::time::Instant;

use super::waits::{at_once, in_sequence};
use super::{Fault, MOST_SEARCHES, MOST_TASKS, Meter, TIME, check_time, count, fact_of, plots, search_all, users};
use crate::catalog::Catalog;
use crate::config::Config;
use crate::error::Code;
use crate::search::{Call, Engine};
use crate::upstream::{Run, Upstreams, Way};

#[derive(Clone, Debug, PartialEq)]
pub enum Experiment {
    Waits {
        tasks: u32,
        delay: Duration,
        way: Waiting,
    },
    Calls {
        calls: u32,
        way: Way,
    },
    Users {
        requests: u32,
        delay: Duration,
    },
    /// Without a collection: the first one.
    Searches {
        collection: Option<String>,
        count: u32,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waiting {
    Both,
    Sequence,
    AtOnce,
}

/// What experiments work with.
pub struct Bench<'a> {
    pub config: &'a Config,
    pub engine: &'a dyn Engine,
    pub catalog: &'a Catalog,
    pub upstreams: &'a Upstreams,
    /// Where this server listens.
    pub url: Option<&'a str>,
    /// For one round trip to the engine.
    pub call: &'a (dyn Fn() -> Call + Sync),
}

#[derive(Clone, Debug, Default)]
pub struct Outcome {
    pub headline: String,
    pub figures: Vec<(&'static str, String)>,
    pub svg: String,
    pub lines: Vec<Line>,
    /// Worth to know; empty: nothing.
    pub remark: String,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Line {
    pub number: u32,
    pub status: String,
    pub is_good: bool,
    pub elapsed: String,
    pub text: String,
}

/// Lines that are shown of one outcome.
const LINES: usize = 300;

impl Experiment {
    /// Within the bounds of the lab; how many steps it has.
    pub fn check(&self, bench: &Bench<'_>) -> Result<u32, Fault> {
        match self {
            Experiment::Waits { tasks, delay, way } => {
                let tasks = count("tasks", *tasks, MOST_TASKS)?;
                check_time(if *way == Waiting::AtOnce { *delay } else { delay.saturating_mul(tasks) })?;
                Ok(if *way == Waiting::Both { tasks * 2 } else { tasks })
            }
            Experiment::Calls { calls, way } => {
                let calls = count("calls", *calls, MOST_TASKS)?;
                let upstream = super::upstream(bench.config, bench.upstreams)?;
                check_time(if *way == Way::Limited { upstream.least(calls) } else { Duration::ZERO })?;
                Ok(calls)
            }
            Experiment::Users { requests, .. } => count("requests", *requests, MOST_TASKS),
            Experiment::Searches { count: searches, .. } => Ok(count("count", *searches, MOST_SEARCHES)? * 3),
        }
    }

    /// Dropping the future ends all of it.
    pub async fn run(&self, bench: &Bench<'_>, meter: &Meter) -> Result<Outcome, Fault> {
        meter.expect(self.check(bench)?);
        let deadline = Instant::now() + TIME;
        match self {
            Experiment::Waits { tasks, delay, way } => {
                let (sequence, together) = futures_util::future::join(
                    async { if *way == Waiting::AtOnce { None } else { Some(in_sequence(*tasks, *delay, meter).await) } },
                    async { if *way == Waiting::Sequence { None } else { Some(at_once(*tasks, *delay, meter).await) } },
                )
                .await;
                let mut outcome = Outcome::default();
                for (name, waits) in [("one after another", &sequence), ("at once", &together)] {
                    if let Some(waits) = waits {
                        outcome.figures.push((name, seconds(waits.elapsed)));
                    }
                }
                outcome.headline = format!("{tasks} tasks that wait {} each", seconds(*delay));
                outcome.svg = plots::of_waits(sequence.as_ref(), together.as_ref());
                Ok(outcome)
            }
            Experiment::Calls { calls, way } => {
                let upstream = super::upstream(bench.config, bench.upstreams)?;
                let run = upstream.run(*way, *calls, deadline, |_| meter.one_more()).await;
                Ok(of_calls(*calls, *way, &run, &upstream.rate().to_string()))
            }
            Experiment::Users { requests, delay } => {
                let url = bench.url.ok_or_else(|| Fault::new(Code::BackendUnavailable, "this server does not listen yet"))?;
                let answered = users::ask(url, *requests, *delay, deadline, meter).await?;
                Ok(of_users(&answered, *delay))
            }
            Experiment::Searches { collection, count } => {
                let exposed = match collection {
                    Some(name) => bench.catalog.collection(name),
                    None => bench.catalog.collections.first(),
                };
                let exposed = exposed.ok_or_else(|| match collection {
                    Some(name) => Fault::new(Code::NotFound, format!("there is no collection {name:?}")),
                    None => Fault::new(Code::NotFound, "there is no collection to search in yet: load one"),
                })?;
                let searches = search_all(bench.engine, exposed, *count, bench.call, meter).await?;
                let figures = [
                    ("one after another", &searches.sequence),
                    ("at once", &searches.at_once),
                    ("as one operation", &searches.together),
                ];
                Ok(Outcome {
                    headline: format!("{count} searches in {}", searches.collection),
                    figures: figures.map(|(name, timing)| (name, millis(timing.elapsed))).to_vec(),
                    svg: plots::of_searches(&searches),
                    lines: Vec::new(),
                    remark: if searches.same {
                        "All three ways found the same documents.".into()
                    } else {
                        "The three ways did not find the same: somebody wrote in between.".into()
                    },
                })
            }
        }
    }
}

fn of_calls(calls: u32, way: Way, run: &Run, rate: &str) -> Outcome {
    let answered = run.answers.iter().filter(|answer| answer.outcome.is_ok()).count();
    let refused = run.answers.iter().filter(|answer| answer.is_refused()).count();
    let way = match way {
        Way::Sequence => "one after another, up to the first that fails",
        Way::AtOnce => "at once",
        Way::Limited => "inside the limit",
    };
    let line = |answer: &crate::upstream::Answer| Line {
        number: answer.number,
        status: answer.status().map_or_else(|| "–".to_owned(), |status| status.to_string()),
        is_good: answer.outcome.is_ok(),
        elapsed: millis(answer.elapsed),
        text: match &answer.outcome {
            Ok(reply) => fact_of(&reply.body).chars().take(400).collect(),
            Err(fault) => fault.to_string(),
        },
    };
    Outcome {
        headline: format!("{calls} calls {way}; the limit is {rate}"),
        figures: vec![
            ("answered", answered.to_string()),
            ("refused", refused.to_string()),
            ("failed", (run.answers.len() - answered - refused).to_string()),
            ("never made", (calls as usize - run.answers.len()).to_string()),
            ("in all", seconds(run.elapsed)),
        ],
        svg: plots::of_calls(run),
        lines: run.answers.iter().take(LINES).map(line).collect(),
        remark: if run.answers.len() > LINES { format!("The first {LINES} calls are listed.") } else { String::new() },
    }
}

fn of_users(answered: &users::Users, delay: Duration) -> Outcome {
    let sorted = answered.sorted();
    let at = |share: f64| sorted.get(((sorted.len() as f64 * share) as usize).min(sorted.len().saturating_sub(1)));
    let shown = |time: Option<&Duration>| time.map_or_else(|| "–".to_owned(), |time| seconds(*time));
    let mut remark = String::new();
    if let Some(fault) = &answered.fault {
        remark = format!("{} of {} failed: {fault}.", answered.failed(), answered.finished.len());
    } else if !plots::is_comparable(answered, delay) {
        remark = "The published figures are for 1,000 requests of 5 s: they are drawn beside a run of these.".into();
    }
    Outcome {
        headline: format!("{} requests at once, each waits {}", answered.finished.len(), seconds(delay)),
        figures: vec![
            ("answered", sorted.len().to_string()),
            ("failed", answered.failed().to_string()),
            ("first", shown(sorted.first())),
            ("half", shown(at(0.5))),
            ("last", shown(sorted.last())),
        ],
        svg: plots::of_users(answered, delay),
        lines: Vec::new(),
        remark,
    }
}

fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1_000.0)
}
