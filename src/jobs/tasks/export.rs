//! `EXPORT`: a collection, or what a filter leaves of it, into a file that can be fetched. All lines are of one moment where the engine
//! can hold one. Done again after a crash: what came after the last checkpoint; everything, if the moment is gone by then or the job
//! goes on with another folder.

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::super::work::{Done, Halt, Work};
use super::super::writing::line;
use super::super::{Inner, Order};
use super::walk::Walk;
use super::{arguments, shelves};
use crate::catalog::Watch;
use crate::search::{Error, Key, Result, SnapshotId};

/// Pages between two checkpoints: each waits for the disk.
const PAGES: u32 = 4;
/// How often it begins anew because its moment was gone.
const BEGINNINGS: u32 = 3;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Arguments {
    filter: Option<Json>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Left {
    snapshot: Option<String>,
    after: Option<Vec<Json>>,
    /// Of the file: so many are good.
    bytes: u64,
    done: u64,
    of: u64,
}

pub(super) fn accept(inner: &Inner, catalog: &Watch, order: &Order) -> Result<()> {
    let given: Arguments = arguments(&order.arguments)?;
    let on = shelves::named(catalog, order.collection.as_deref())?;
    shelves::filter(inner, &on, given.filter.as_ref(), None).map(drop)
}

pub(super) async fn run(work: &Work) -> Done {
    let mut left: Option<Left> = work.left()?;
    for _ in 0..BEGINNINGS {
        match attempt(work, left.take()).await? {
            Some(result) => return Ok(result),
            None => work.say("the moment that was exported is gone: begins anew"),
        }
    }
    Err(Halt::Failed("the moment to be exported was lost again and again".into()))
}

/// `None`: its moment is gone.
async fn attempt(work: &Work, left: Option<Left>) -> std::result::Result<Option<Json>, Halt> {
    let job = work.job();
    let given: Arguments = work.arguments()?;
    let on = shelves::get(work, job.collection.as_deref()).await?;
    let mut walk = Walk {
        work,
        on: on.collection.name.clone(),
        filter: shelves::filter(&work.inner, &on, given.filter.as_ref(), Some(&job))?,
        fields: on.visible_paths(&work.inner.config),
        snapshot: None,
    };
    let mut file = work.inner.files.open_output(&work.running.id, left.as_ref().map_or(0, |left| left.bytes)).await?;
    // a file that has lost what was on disk helps nobody
    let mut left = match left.filter(|left| left.bytes == file.bytes) {
        Some(left) => {
            walk.snapshot = left.snapshot.clone().map(|id| SnapshotId(id.into()));
            left
        }
        None => {
            file = work.inner.files.open_output(&work.running.id, 0).await?;
            work.go_on().await?;
            let name = &walk.on;
            let opened = work.patiently(|call| async move {
                match work.engine.open_snapshot(&call, name).await {
                    Ok(snapshot) => Ok(Some(snapshot)),
                    // then each page is of its own moment
                    Err(Error::Unsupported(_)) => Ok(None),
                    Err(fault) => Err(fault),
                }
            });
            walk.snapshot = opened.await?;
            let of = match walk.count().await? {
                Ok(of) => of,
                Err(_) => return Ok(None),
            };
            Left { snapshot: walk.snapshot.as_ref().map(|id| id.0.to_string()), of, ..Left::default() }
        }
    };
    work.progress(left.done, Some(left.of));
    let mut pages = 0;
    loop {
        work.go_on().await?;
        let after = left.after.take().map(Key);
        let Ok(page) = walk.page(after.as_ref()).await? else { return Ok(None) };
        let count = page.hits.len() as u64;
        left.after = page.hits.last().map(|hit| hit.key.0.clone()).or(after.map(|key| key.0));
        let text = page
            .hits
            .into_iter()
            .map(|hit| line(hit.document))
            .collect::<serde_json::Result<Vec<_>>>()
            .map_err(Error::internal)?
            .concat();
        file.write(&text).await?;
        left.done += count;
        left.bytes = file.bytes;
        work.progress(left.done, Some(left.of.max(left.done)));
        if !page.has_next {
            break;
        }
        pages += 1;
        if pages % PAGES == 0 || work.is_stopped() {
            left.snapshot = walk.snapshot.as_ref().map(|id| id.0.to_string());
            file.sync().await?;
            work.checkpoint(&left).await?;
        }
    }
    work.go_on().await?;
    let bytes = file.bytes;
    file.finish().await?;
    if let Some(snapshot) = walk.snapshot
        && let Err(fault) = work.engine.close_snapshot(&work.call(), snapshot).await
    {
        // it goes by itself
        tracing::debug!(cause = fault.cause(), "a snapshot could not be closed: {fault}");
    }
    Ok(Some(json!({ "documents": left.done, "bytes": bytes })))
}
