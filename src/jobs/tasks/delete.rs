//! `DELETE_BY_FILTER`: removes the documents that a filter lets through. Each is removed in the state in which it was found: one that
//! has changed since is looked at again. Done again after a crash: at most one batch is looked for and found gone.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::super::work::{Done, Halt, Work};
use super::super::{Inner, Order};
use super::shelves::{self, Tally};
use super::walk::Walk;
use super::{arguments, wrong};
use crate::catalog::Watch;
use crate::search::{Action, Error, Filter, Key, Precondition, Refresh, Result, Write};

/// Walks over all of it, as long as documents change while they are to be removed.
const PASSES: u32 = 5;
/// What changed is seen by searches after a refresh.
const REFRESHED: Duration = Duration::from_millis(1_500);
const ATTEMPTS: u32 = 18;
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    filter: Json,
    /// Says that an empty filter is meant.
    #[serde(default)]
    all: bool,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Left {
    after: Option<Vec<Json>>,
    of: u64,
    /// Already gone when we came: not counted as removed by us, but done.
    gone: u64,
    changed: u64,
    pass: u32,
    tally: Tally,
}

pub(super) fn accept(inner: &Inner, catalog: &Watch, order: &Order) -> Result<()> {
    if !order.arguments.contains_key("filter") {
        return Err(wrong("say by a filter which documents are to be deleted", &["filter"]));
    }
    let given: Arguments = arguments(&order.arguments)?;
    let on = shelves::named(catalog, order.collection.as_deref())?;
    let filter = shelves::filter(inner, &on, Some(&given.filter), None)?;
    if filter == Filter::All && !given.all {
        let message = "an empty filter lets every document through: say \"all\": true beside it if that is meant";
        return Err(wrong(message, &["filter"]));
    }
    Ok(())
}

pub(super) async fn run(work: &Work) -> Done {
    let job = work.job();
    let given: Arguments = work.arguments()?;
    let on = shelves::get(work, job.collection.as_deref()).await?;
    let mut walk = Walk {
        work,
        on: on.collection.name.clone(),
        filter: shelves::filter(&work.inner, &on, Some(&given.filter), Some(&job))?,
        fields: Some(Vec::new()),
        snapshot: None,
    };
    let mut left: Left = match work.left()? {
        Some(left) => left,
        None => Left { of: walk.count().await??, ..Left::default() },
    };
    loop {
        work.progress(left.tally.written + left.gone, Some(left.of.max(left.tally.written + left.gone)));
        work.go_on().await?;
        let after = left.after.clone().map(Key);
        let page = walk.page(after.as_ref()).await??;
        left.after = page.hits.last().map(|hit| hit.key.0.clone()).or(left.after);
        let batch = page
            .hits
            .into_iter()
            .map(|hit| Write {
                on: walk.on.clone(),
                rule: Filter::All,
                action: Action::Delete { id: hit.document.id, precondition: Precondition::Version(hit.document.version) },
            })
            .collect();
        remove(work, batch, !page.has_next, &mut left).await?;
        if !page.has_next {
            if left.changed == 0 || left.pass + 1 >= PASSES {
                work.checkpoint(&left).await?;
                break;
            }
            left = Left { after: None, changed: 0, pass: left.pass + 1, ..left };
            work.say("some documents have changed meanwhile: looks at them again");
            work.checkpoint(&left).await?;
            work.rest(REFRESHED).await?;
            continue;
        }
        work.checkpoint(&left).await?;
    }
    let Left { tally, gone, changed, .. } = left;
    work.progress(tally.written + gone, Some(tally.written + gone));
    if tally.refused > 0 || changed > 0 {
        // whoever tries again begins anew: what is gone is not found again
        work.checkpoint(&Json::Null).await?;
        tally.verdict("deleted")?;
        return Err(Halt::Failed(format!(
            "{changed} documents changed all the while and are still there, {} were deleted",
            tally.written
        )));
    }
    Ok(json!({ "documents": tally.written }))
}

async fn remove(work: &Work, mut batch: Vec<Write>, last: bool, left: &mut Left) -> std::result::Result<(), Halt> {
    let refresh = if last { Refresh::Now } else { Refresh::None };
    for attempt in 1..=ATTEMPTS {
        if batch.is_empty() {
            return Ok(());
        }
        work.go_on().await?;
        let outcomes = {
            let batch = &batch;
            work.patiently(|call| async move { work.engine.write(&call, batch.clone(), refresh).await }).await?
        };
        let mut again = Vec::new();
        for (write, outcome) in batch.into_iter().zip(outcomes) {
            match outcome {
                Ok(_) => left.tally.written += 1,
                Err(Error::NotFound(_)) => left.gone += 1,
                Err(Error::Conflict(_)) => left.changed += 1,
                Err(Error::Unavailable(_) | Error::Timeout) if attempt < ATTEMPTS => again.push(write),
                Err(fault) => {
                    let which = match &write.action {
                        Action::Delete { id, .. } => id.to_string(),
                        _ => String::new(),
                    };
                    left.tally.refuse(work, &which, &shelves::told(&fault));
                }
            }
        }
        batch = again;
        if !batch.is_empty() {
            work.rest(PAUSE).await?;
        }
    }
    Ok(())
}
