//! Snapshots are points in time of Elasticsearch.

use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::json;

use super::client::{Request, segment};
use super::searching::{PATH_MOST, segment_list};
use super::{Elastic, failure};
use crate::{Call, CollectionName, Error, Origin, Result, SnapshotId};

/// So long a snapshot lives after it was last used.
pub(super) const KEPT: &str = "5m";

#[derive(Deserialize)]
struct Opened {
    id: String,
}

impl Elastic {
    pub(super) async fn open_moment(&self, call: &Call, name: &CollectionName) -> Result<SnapshotId> {
        let collection = self.collection(call, name).await?;
        let target = match &collection.origin {
            Origin::Index => segment(name.as_str()),
            Origin::Many { target, .. } => segment_list(target),
        };
        if target.len() > PATH_MOST {
            return Err(Error::Unsupported("a snapshot of a list of indices as long as this".into()));
        }
        let request = Request::new(Method::Post, format!("{target}/_pit")).with("keep_alive", KEPT);
        let opened: Opened = failure::good(&self.client.send(call, request).await?)?;
        Ok(SnapshotId(opened.id.into()))
    }

    pub(super) async fn close_moment(&self, call: &Call, id: &SnapshotId) -> Result<()> {
        let request = Request::new(Method::Delete, "_pit").json(&json!({"id": &*id.0}));
        let answer = self.client.send(call, request).await?;
        match answer.status {
            404 => Err(Error::SnapshotGone),
            _ => failure::good::<serde_json::Value>(&answer).map(drop),
        }
    }
}
