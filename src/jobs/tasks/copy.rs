//! `COPY`: a collection, or what a filter leaves of it, into another, under the same ids. It walks in the order of the last change, so
//! that what changes meanwhile comes again, and goes on from where it was. Done again after a crash: at most one batch.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::super::work::{Done, Halt, Work};
use super::super::{Inner, Order};
use super::shelves::{self, Tally};
use super::walk::Walk;
use super::{arguments, wrong};
use crate::catalog::Watch;
use crate::search::{Collection, Error, Key, Origin, Refresh, Result, mapping};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Made if it is not there.
    to: String,
    #[serde(default)]
    filter: Option<Json>,
    /// Of the collection that is made; without it that of the source.
    #[serde(default)]
    mapping: Option<Json>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Left {
    after: Option<Vec<Json>>,
    seen: u64,
    of: u64,
    tally: Tally,
}

pub(super) fn accept(inner: &Inner, catalog: &Watch, order: &Order) -> Result<()> {
    let given: Arguments = arguments(&order.arguments)?;
    let from = shelves::named(catalog, order.collection.as_deref())?;
    shelves::filter(inner, &from, given.filter.as_ref(), None)?;
    let there = shelves::target(inner, catalog, &given.to, &["to"])?;
    apart(&from.collection, catalog, &given.to)?;
    if there && given.mapping.is_some() {
        let message = format!("{} is there and has its own mapping: name a new collection, or leave the mapping out", given.to);
        return Err(Error::Conflict(message));
    }
    shelves::check_mapping(given.mapping.as_ref())?;
    Ok(())
}

/// One that is copied into itself would never end.
fn apart(from: &Collection, catalog: &Watch, to: &str) -> Result<()> {
    let catalog = catalog.now();
    let mut indices = indices_of(from);
    indices.insert(from.name.to_string());
    let mut others = catalog.collection(to).map(|to| indices_of(&to.collection)).unwrap_or_default();
    others.insert(to.to_owned());
    match indices.intersection(&others).next() {
        None => Ok(()),
        Some(index) => {
            Err(wrong(format!("{} and {to} share {index}: a collection cannot be copied into itself", from.name), &["to"]))
        }
    }
}

fn indices_of(collection: &Collection) -> BTreeSet<String> {
    match &collection.origin {
        Origin::Index => [collection.name.to_string()].into(),
        Origin::Many { indices, .. } => indices.iter().cloned().collect(),
    }
}

pub(super) async fn run(work: &Work) -> Done {
    let job = work.job();
    let given: Arguments = work.arguments()?;
    let from = shelves::get(work, job.collection.as_deref()).await?;
    let to = match shelves::find(work, &given.to).await? {
        Some(to) => to,
        None => {
            let fields = match &given.mapping {
                Some(body) => mapping::parse(body).map_err(|fault| Halt::Failed(fault.to_string()))?,
                None => from.visible_fields(),
            };
            shelves::make(work, &given.to, fields).await?
        }
    };
    apart(&from.collection, &work.catalog, &given.to)?;
    let mut walk = Walk {
        work,
        on: from.collection.name.clone(),
        filter: shelves::filter(&work.inner, &from, given.filter.as_ref(), Some(&job))?,
        fields: from.visible_paths(&work.inner.config),
        snapshot: None,
    };
    let on = to.collection.name.clone();
    let mut left: Left = match work.left()? {
        Some(left) => left,
        None => Left { of: walk.count().await??, ..Left::default() },
    };
    loop {
        work.progress(left.seen, Some(left.of.max(left.seen)));
        work.go_on().await?;
        let after = left.after.clone().map(Key);
        let page = walk.page(after.as_ref()).await??;
        let count = page.hits.len() as u64;
        let last = page.hits.last().map(|hit| hit.key.0.clone());
        let batch = page
            .hits
            .into_iter()
            .map(|hit| (hit.document.id.to_string(), shelves::put(&on, hit.document.id, hit.document.source)))
            .collect();
        // the last one makes everything visible
        let refresh = if page.has_next { Refresh::None } else { Refresh::Now };
        shelves::write(work, batch, refresh, &mut left.tally).await?;
        left.seen += count;
        left.after = last.or(left.after);
        work.checkpoint(&left).await?;
        if !page.has_next {
            break;
        }
    }
    work.progress(left.seen, Some(left.seen));
    shelves::noticed(work, &on).await;
    let verdict = left.tally.verdict("copied");
    if verdict.is_err() {
        // whoever tries again has changed something: all of it is copied anew, which leaves the same documents
        work.checkpoint(&Json::Null).await?;
    }
    verdict?;
    Ok(json!({ "documents": left.tally.written }))
}
