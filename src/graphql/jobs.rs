//! Jobs in answers: one, a page of them, and what steering one comes to. Starting and running them is `crate::jobs`'.

use serde_json::{Value as Json, json};

use super::answer::{Resolved, Thing, list, page_info};
use super::errors::Failure;
use super::ids;
use super::operation::{Node, Values, What};
use super::paging::stale;
use super::plan::{Plan, Root};
use super::run::Runner;
use super::value::Value;
use crate::catalog::cursor::Signer;
use crate::config::Limits;
use crate::error::Code;
use crate::jobs::{Job, Listing, State};
use crate::search::{Call, Error, Key};

/// The fields of a job beside its global id.
pub(crate) const FIELDS: [&str; 13] =
    ["id", "kind", "state", "done", "of", "rate", "secondsLeft", "createdAt", "startedAt", "finishedAt", "log", "error", "_id"];

/// A root field about jobs: what is asked, then what came of it.
pub(crate) enum Asked {
    One { id: String, selected: Option<Vec<Node>> },
    List { state: Option<State>, first: u32, after: Option<String>, binding: String },
}

pub(crate) struct Jobs {
    asked: Asked,
    found: Result<Found, Failure>,
}

enum Found {
    Nothing,
    One(Box<Job>),
    Page(Listing),
}

impl Jobs {
    pub(crate) fn one(id: &str, selected: Option<Vec<Node>>) -> Self {
        Jobs { asked: Asked::One { id: id.to_owned(), selected }, found: Ok(Found::Nothing) }
    }

    pub(crate) fn list(arguments: &Values, signer: &Signer, limits: &Limits) -> Result<Self, Failure> {
        let text = |name: &str| arguments.get(name).and_then(Json::as_str);
        let state = text("state").and_then(State::parse);
        let first = arguments.get("first").and_then(Json::as_i64).unwrap_or(20);
        let first = match u32::try_from(first) {
            Ok(0) | Err(_) if first < 1 => return Err(Failure::input("first may not be less than 1")),
            Ok(first) if first <= limits.first => first,
            _ => return Err(Failure::limit("first", limits.first.into(), first.unsigned_abs(), "ask for fewer jobs at a time")),
        };
        let binding = json!(["jobs", state.map(State::as_str)]).to_string();
        let after = match text("after") {
            None => None,
            Some(cursor) => {
                let key = signer.read(&binding, cursor).ok_or_else(stale)?;
                Some(key.0.first().and_then(Json::as_str).ok_or_else(stale)?.to_owned())
            }
        };
        Ok(Jobs { asked: Asked::List { state, first, after, binding }, found: Ok(Found::Nothing) })
    }

    /// What is selected, where the field's own type is an interface.
    pub(crate) fn selected(&self) -> Option<&[Node]> {
        match &self.asked {
            Asked::One { selected, .. } => selected.as_deref(),
            Asked::List { .. } => None,
        }
    }

    pub(super) fn resolve(&self) -> Resolved<'_> {
        match &self.found {
            Err(failure) => Resolved::Fault(failure.clone()),
            Ok(Found::Nothing) => Resolved::Null,
            Ok(Found::One(job)) => Resolved::Thing(Thing::Job(Shown::Job(job))),
            Ok(Found::Page(page)) => match &self.asked {
                Asked::List { after, binding, .. } => {
                    Resolved::Thing(Thing::Job(Shown::List(Page { jobs: page, went_on: after.is_some(), binding })))
                }
                Asked::One { .. } => Resolved::Null,
            },
        }
    }

    async fn look(&self, runner: &Runner<'_>, call: &Call) -> Result<Found, Failure> {
        let Some(reach) = runner.reach else { return Err(Failure::new(Code::Internal, "internal error")) };
        let jobs = &reach.own.jobs;
        let asking = async {
            match &self.asked {
                Asked::One { id, .. } => match jobs.get(call, id).await {
                    Ok(job) => Ok(Found::One(Box::new(job))),
                    Err(Error::NotFound(_)) => Ok(Found::Nothing),
                    Err(error) => Err(error),
                },
                Asked::List { state, first, after, .. } => {
                    jobs.list(call, *state, *first, after.as_deref()).await.map(Found::Page)
                }
            }
        };
        let answered = tokio::time::timeout_at(call.deadline, asking).await.unwrap_or(Err(Error::Timeout));
        answered.map_err(|error| Failure::of_engine(&error, &call.request_id))
    }
}

/// Reads the jobs that an operation asks for.
pub(crate) async fn look(runner: &Runner<'_>, call: &Call, plan: &mut Plan<'_>) {
    for (_, root) in &mut plan.roots {
        if let Root::Jobs(jobs) = root {
            jobs.found = jobs.look(runner, call).await;
        }
    }
}

/// An object of an answer.
#[derive(Clone, Copy)]
pub(crate) enum Shown<'a> {
    Job(&'a Job),
    List(Page<'a>),
    Edge(Page<'a>, &'a Job),
    PageInfo(Page<'a>),
}

#[derive(Clone, Copy)]
pub(crate) struct Page<'a> {
    jobs: &'a Listing,
    went_on: bool,
    binding: &'a str,
}

impl<'a> Shown<'a> {
    /// `last` tells how many lines of its log a node wants.
    pub(super) fn resolve(
        self,
        node: &Node,
        signer: &Signer,
        last: impl FnOnce(&Node) -> Result<usize, Failure>,
    ) -> Resolved<'a> {
        let cursor = |page: Page<'a>, job: &Job| Value::text(signer.write(page.binding, &Key(vec![json!(&*job.id)])));
        match self {
            Shown::Job(job) => of_job(job, node, last),
            Shown::List(page) => match node.what {
                What::PageInfo => Resolved::Thing(Thing::Job(Shown::PageInfo(page))),
                _ => list(page.jobs.jobs.iter().map(|job| Resolved::Thing(Thing::Job(Shown::Edge(page, job))))),
            },
            Shown::Edge(page, job) => match node.what {
                What::Cursor => Resolved::Leaf(cursor(page, job)),
                _ => Resolved::Thing(Thing::Job(Shown::Job(job))),
            },
            Shown::PageInfo(page) => {
                let end = |job: Option<&Job>| job.map_or(Resolved::Null, |job| Resolved::Leaf(cursor(page, job)));
                page_info(node, (page.jobs.more, page.went_on), || end(page.jobs.jobs.first()), || end(page.jobs.jobs.last()))
            }
        }
    }
}

fn of_job<'a>(job: &'a Job, node: &Node, last: impl FnOnce(&Node) -> Result<usize, Failure>) -> Resolved<'a> {
    let What::Job(name) = node.what else { return Resolved::Leaf(Value::text(ids::write_job(&job.id))) };
    let number = |value: Option<f64>| value.map_or(Resolved::Null, |value| Resolved::Leaf(Value::Double(value)));
    let text = |value: Option<String>| value.map_or(Resolved::Null, |value| Resolved::Leaf(Value::text(value)));
    match name {
        "kind" => Resolved::Leaf(Value::text(job.kind.as_str())),
        "state" => Resolved::Leaf(Value::text(job.state.as_str())),
        "done" => Resolved::Leaf(Value::count(job.done)),
        "of" => job.of.map_or(Resolved::Null, |of| Resolved::Leaf(Value::count(of))),
        "rate" => number(job.rate),
        "secondsLeft" => number(job.seconds_left()),
        "createdAt" => text(Some(job.created_at.to_string())),
        "startedAt" => text(job.started_at.map(|at| at.to_string())),
        "finishedAt" => text(job.finished_at.map(|at| at.to_string())),
        "error" => text(job.error.clone()),
        "log" => match last(node) {
            Ok(last) => {
                let shown = job.log.len().saturating_sub(last);
                list(job.log[shown..].iter().map(|line| Resolved::Leaf(Value::text(line))))
            }
            Err(failure) => Resolved::Fault(failure),
        },
        _ => Resolved::Leaf(Value::text(&*job.id)),
    }
}
