//! Snapshots of an operation: opened before its searches, one a collection, and noted down as used after them.

use std::collections::HashMap;

use super::answer::Results;
use super::errors::Failure;
use super::plan::{Plan, Root, Walk};
use super::run::Runner;
use crate::catalog::moments::Moments;
use crate::search::{self, Call, Moment, SnapshotId};

/// Opens what first pages of snapshots need; connections of one collection share a moment.
pub(super) async fn open(runner: &Runner<'_>, call: &Call, plan: &mut Plan<'_>) {
    let mut opened: HashMap<String, Result<SnapshotId, Failure>> = HashMap::new();
    let Plan { roots, searches, .. } = plan;
    for (_, root) in roots {
        let Root::Many(many) = root else { continue };
        let (Walk::Opening, Some(at)) = (&many.walk, many.search) else { continue };
        let name = &many.exposed.collection.name;
        if !opened.contains_key(name.as_str()) {
            let opening = runner.moments.open(runner.engine, call, runner.holder, name);
            let one = match tokio::time::timeout_at(call.deadline, opening).await {
                Ok(one) => one,
                Err(_) => Err(search::Error::Timeout),
            };
            opened.insert(name.as_str().to_owned(), one.map_err(|error| Failure::of_engine(&error, &call.request_id)));
        }
        match (opened.get(name.as_str()), searches.get_mut(at)) {
            (Some(Ok(id)), Some(query)) => {
                query.at = Moment::Snapshot(id.clone());
                many.walk = Walk::Snapshot(id.clone());
            }
            // its search is sent all the same, for the places of the others in the batch stay; nobody reads the answer
            (Some(Err(failure)), Some(query)) => {
                query.page.size = 0;
                *root = Root::Failed(failure.clone());
            }
            _ => {}
        }
    }
}

/// Which snapshots were used.
pub(super) fn note(moments: &Moments, holder: &str, plan: &Plan<'_>, results: &Results) {
    for (_, root) in &plan.roots {
        let Root::Many(many) = root else { continue };
        let (Walk::Snapshot(id), Some(at)) = (&many.walk, many.search) else { continue };
        if let (Some(Ok(page)), Some(query)) = (results.pages.get(at), plan.searches.get(at)) {
            moments.used(holder, id, page, query.page.backward);
        }
    }
}
