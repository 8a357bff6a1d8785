//! Collections made and removed, through the very code that REST uses; and the schema that follows them.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::sync::watch;

use super::{Made, WriteError, told};
use crate::catalog::Watch;
use crate::error::Code;
use crate::graphql::version::Version;
use crate::jobs::Jobs;
use crate::search::{Call, CollectionName, Error, FieldRef};

/// How long a new schema is waited for: a thousand collections take some seconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// What operations reach beyond the engine.
pub(crate) struct Own {
    pub(crate) catalog: Arc<Watch>,
    pub(crate) jobs: Arc<Jobs>,
}

/// The same, for one operation, with the schema that is served.
#[derive(Clone, Copy)]
pub(crate) struct Reach<'a> {
    pub(crate) own: &'a Own,
    /// Told after each swap of the version.
    pub(crate) swaps: &'a watch::Sender<()>,
    pub(crate) current: &'a ArcSwap<Version>,
}

impl Reach<'_> {
    pub(super) async fn create(&self, call: &Call, name: &str, fields: Result<Vec<FieldRef>, Vec<WriteError>>) -> Made {
        let fields = match fields {
            Ok(fields) => fields,
            Err(errors) => return Made { name: None, errors },
        };
        match self.within(call, self.own.catalog.make(call, name, fields)).await {
            Ok(name) => {
                self.follow(call).await;
                Made { name: Some(name.to_string()), errors: Vec::new() }
            }
            Err(error) => failed(call, &error),
        }
    }

    pub(super) async fn remove(&self, call: &Call, name: &str) -> Made {
        let Some(exposed) = self.own.catalog.now().collection(name).cloned() else {
            let shown: String = name.chars().take(64).collect();
            return failed(call, &Error::NotFound(format!("there is no collection {shown:?}")));
        };
        match self.within(call, self.own.catalog.unmake(call, &exposed)).await {
            Ok(()) => {
                self.follow(call).await;
                Made { name: Some(name.to_owned()), errors: Vec::new() }
            }
            Err(error) => failed(call, &error),
        }
    }

    /// Documents were written that searches see by now: lists are told by them.
    pub(super) async fn documents_came(&self, call: &Call, name: &CollectionName) {
        if let Err(error) = self.within(call, self.own.catalog.documents_came(call, name)).await {
            tracing::debug!(cause = error.cause(), "the catalog did not look: {error}");
        }
    }

    /// Until the change shows in the schema. It is made, so whatever goes wrong from here on only makes it show later.
    async fn follow(&self, call: &Call) {
        if let Err(error) = self.within(call, self.own.catalog.refresh(call)).await {
            tracing::debug!(cause = error.cause(), "the catalog did not look: {error}");
        }
        let wanted = self.own.catalog.now().revision;
        let mut swaps = self.swaps.subscribe();
        let served = async { while self.current.load().catalog.revision < wanted && swaps.changed().await.is_ok() {} };
        let _ = tokio::time::timeout(PATIENCE.min(call.left()), served).await;
    }

    pub(super) async fn within<T>(&self, call: &Call, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::time::timeout_at(call.deadline, work).await.unwrap_or(Err(Error::Timeout))
    }
}

fn failed(call: &Call, error: &Error) -> Made {
    let (code, message) = told(error, &call.request_id);
    let path = match error {
        // of the engine's paths those of fields lead into the mapping, not into the input
        Error::Invalid { path, .. } if path.first().is_some_and(|part| part != "name") => vec!["fields".to_owned()],
        _ if matches!(code, Code::BadUserInput | Code::NotFound | Code::Conflict) => vec!["name".to_owned()],
        _ => Vec::new(),
    };
    Made { name: None, errors: vec![WriteError::new(code, message, path)] }
}
