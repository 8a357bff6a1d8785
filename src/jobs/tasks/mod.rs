//! What the kinds of jobs do: one file each, with the arguments it takes, what it leaves as a checkpoint, and what is done again after
//! a crash.

mod compute;
mod wait;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::work::{Done, Halt, Work};
use super::{Inner, Kind, Order};
use crate::search::{Error, Result, Source};

/// Checks what was asked for: a job that cannot run is not begun. Gives what is kept, and a file that goes with it.
pub(super) fn accept(inner: &Inner, order: Order) -> Result<(Order, Option<Vec<u8>>)> {
    let _ = inner;
    match order.kind {
        Kind::Wait => wait::accept(&arguments(&order.arguments)?)?,
        Kind::Compute => compute::accept(&arguments(&order.arguments)?)?,
        kind => return Err(Error::invalid(format!("jobs of kind {kind} cannot be run yet"))),
    }
    Ok((order, None))
}

/// The same for a file that has come.
pub(super) fn accept_load(inner: &Inner, order: Order) -> Result<Order> {
    let _ = inner;
    Err(Error::invalid(format!("jobs of kind {} cannot be run yet", order.kind)))
}

pub(super) async fn run(work: Work) -> Done {
    let job = work.job();
    work.inner.may_write(job.kind)?;
    match job.kind {
        Kind::Wait => wait::run(&work).await,
        Kind::Compute => compute::run(&work).await,
        kind => Err(Halt::Failed(format!("jobs of kind {kind} cannot be run yet"))),
    }
}

fn arguments<T: DeserializeOwned>(given: &Source) -> Result<T> {
    serde_json::from_value(Json::Object(given.clone()))
        .map_err(|fault| wrong(format!("the arguments are not understood: {fault}"), &[]))
}

/// A fault of the arguments, at this path in them.
fn wrong(message: impl Into<String>, path: &[&str]) -> Error {
    let path = std::iter::once("arguments").chain(path.iter().copied()).map(str::to_owned).collect();
    Error::Invalid { message: message.into(), path }
}
