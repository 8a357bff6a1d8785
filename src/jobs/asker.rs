//! Who has started a job: it runs with their rights, and only they and who may see everything see it and what it made.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::{Inner, Job, Jobs, Kind};
use crate::access::{Desk, Viewer, Who};
use crate::catalog;
use crate::search::{Engine, Error, Result};

/// As it is kept with the job.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Asker {
    who: String,
    role: String,
    claims: Map<String, Json>,
    /// What decided about their rows and fields: what was made under another one is not theirs.
    policy: String,
}

/// What a job works with.
pub(super) struct Seat {
    pub(super) engine: Arc<dyn Engine>,
    pub(super) catalog: Arc<catalog::Watch>,
}

impl Asker {
    /// `None`: whoever may do everything, with nobody signed in.
    pub(super) fn of(viewer: &Viewer) -> Option<Self> {
        if viewer.role.may_everything() && viewer.who == Who::Anybody {
            return None;
        }
        Some(Asker {
            who: viewer.who.to_string(),
            role: viewer.role.name.to_string(),
            claims: viewer.claims.clone(),
            policy: Desk::policy(viewer).to_string(),
        })
    }

    fn is(&self, viewer: &Viewer) -> bool {
        self.who == viewer.who.to_string() && self.policy == *Desk::policy(viewer)
    }
}

impl Jobs {
    /// As this viewer sees and steers them.
    pub fn seen_by(&self, viewer: &Arc<Viewer>) -> Arc<Jobs> {
        Arc::new(Jobs { inner: Arc::clone(&self.inner), viewer: Arc::clone(viewer), _runner: None })
    }

    pub(super) fn may_see(&self, job: &Job) -> bool {
        may_see(&self.viewer, job)
    }

    /// Jobs may be started, and such ones.
    pub(super) fn may_start(&self, kind: Kind) -> Result<()> {
        let role = &self.viewer.role;
        if role.may_everything() {
            return Ok(());
        }
        // calls of others' APIs carry credentials that are not the viewer's
        if !role.settings.jobs || kind == Kind::Fetch {
            let what = if role.settings.jobs { "start jobs of this kind" } else { "start jobs" };
            return Err(Error::Forbidden(format!("your role may not {what}")));
        }
        Ok(())
    }

    pub(super) fn seat(&self) -> Seat {
        self.inner.seat(&self.viewer)
    }
}

pub(super) fn may_see(viewer: &Viewer, job: &Job) -> bool {
    viewer.role.may_everything() || job.asker.as_ref().is_some_and(|asker| asker.is(viewer))
}

impl Inner {
    fn seat(&self, viewer: &Arc<Viewer>) -> Seat {
        let (desk, role) = (Arc::clone(&self.desk), Arc::clone(&viewer.role));
        if role.may_everything() {
            return Seat { engine: Arc::clone(&self.engine), catalog: Arc::clone(&self.catalog) };
        }
        let engine = desk.engine(viewer);
        Seat { engine, catalog: self.catalog.through(Arc::new(move |full| desk.catalog(&role, full))) }
    }

    /// What a job works with: no more than who has started it.
    pub(super) fn seat_of(&self, job: &Job) -> std::result::Result<Seat, String> {
        let Some(asker) = &job.asker else { return Ok(self.seat(&Viewer::open())) };
        let role = self.desk.roles().get(&asker.role);
        let role = role.ok_or_else(|| format!("the role {} of who has started it is not there any more", asker.role))?;
        Ok(self.seat(&Viewer::new(Who::Anybody, role, asker.claims.clone())))
    }
}
