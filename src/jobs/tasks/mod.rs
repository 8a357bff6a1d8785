//! What the kinds of jobs do: one file each, with the arguments it takes, what it leaves as a checkpoint, and what is done again after
//! a crash.

mod compute;
mod copy;
mod delete;
mod export;
mod fetch;
mod load;
mod shelves;
mod wait;
mod walk;

use serde::de::DeserializeOwned;
use serde_json::Value as Json;

use super::work::{Done, Work};
use super::{Inner, Kind, Order};
use crate::catalog::Watch;
use crate::search::{Error, Result, Source};

/// Checks what was asked for: a job that cannot run is not begun. Gives what is kept, and a file that goes with it.
pub(super) fn accept(inner: &Inner, catalog: &Watch, order: Order) -> Result<(Order, Option<Vec<u8>>)> {
    match order.kind {
        Kind::Load => return load::accept(inner, catalog, order).map(|(order, text)| (order, Some(text))),
        Kind::Export => export::accept(inner, catalog, &order)?,
        Kind::Copy => copy::accept(inner, catalog, &order)?,
        Kind::DeleteByFilter => delete::accept(inner, catalog, &order)?,
        Kind::Wait => wait::accept(&arguments(&order.arguments)?)?,
        Kind::Compute => compute::accept(&arguments(&order.arguments)?)?,
        Kind::Fetch => return fetch::accept(inner, catalog, order).map(|order| (order, None)),
    }
    Ok((order, None))
}

/// The same for a file that has come.
pub(super) fn accept_load(inner: &Inner, catalog: &Watch, order: Order) -> Result<Order> {
    load::accept_file(inner, catalog, order)
}

pub(super) async fn run(work: Work) -> Done {
    let job = work.job();
    work.inner.may_write(job.kind)?;
    match job.kind {
        Kind::Load => load::run(&work).await,
        Kind::Export => export::run(&work).await,
        Kind::Copy => copy::run(&work).await,
        Kind::DeleteByFilter => delete::run(&work).await,
        Kind::Wait => wait::run(&work).await,
        Kind::Compute => compute::run(&work).await,
        Kind::Fetch => fetch::run(&work).await,
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
