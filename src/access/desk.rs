//! Where viewers get what they may use: the catalog as it exists for them, and an engine that answers and writes only what they may.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use ring::digest::{SHA256, digest};
use serde_json::{Value as Json, json};
use tokio::sync::watch;

use super::guard::Guard;
use super::seal::Seal;
use super::{Grant, Role, Roles, Viewer, fields, rows};
use crate::catalog::{Catalog, Exposed};
use crate::config::Limits;
use crate::search::{Engine, Filter};

pub struct Desk {
    engine: Arc<dyn Engine>,
    /// Everything there is.
    catalogs: watch::Receiver<Arc<Catalog>>,
    roles: Roles,
    limits: Limits,
    pub(super) seal: Seal,
    known: Mutex<Known>,
    /// Rules that were found wrong and are told in the log already.
    told: Mutex<HashSet<String>>,
}

/// Catalogs of roles, made from one catalog: a new one makes all of them anew.
#[derive(Default)]
struct Known {
    of: Arc<Catalog>,
    by_role: HashMap<Arc<str>, Arc<Catalog>>,
    by_shape: HashMap<String, Arc<Catalog>>,
}

impl Desk {
    pub fn new(
        engine: Arc<dyn Engine>,
        catalogs: watch::Receiver<Arc<Catalog>>,
        roles: Roles,
        limits: &Limits,
        secret: &[u8],
    ) -> Arc<Self> {
        let (seal, limits) = (Seal::new(secret), limits.clone());
        Arc::new(Desk { engine, catalogs, roles, limits, seal, known: Mutex::default(), told: Mutex::default() })
    }

    /// The same with a memory of its own: for whoever looks at other moments of the catalog.
    pub fn twin(&self) -> Arc<Self> {
        Arc::new(Desk {
            engine: self.engine.clone(),
            catalogs: self.catalogs.clone(),
            roles: self.roles.clone(),
            limits: self.limits.clone(),
            seal: self.seal.clone(),
            known: Mutex::default(),
            told: Mutex::default(),
        })
    }

    pub fn roles(&self) -> &Roles {
        &self.roles
    }

    /// The engine for this viewer.
    pub fn engine(self: &Arc<Self>, viewer: &Arc<Viewer>) -> Arc<dyn Engine> {
        if viewer.role.may_everything() {
            return self.engine.clone();
        }
        Arc::new(Guard::new(self.engine.clone(), self.clone(), viewer.clone()))
    }

    /// What exists of a catalog for this role; the same again as long as the catalog is the same, and for roles that see the same.
    pub fn catalog(&self, role: &Role, full: &Arc<Catalog>) -> Arc<Catalog> {
        if role.may_everything() {
            return full.clone();
        }
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !Arc::ptr_eq(&known.of, full) {
            *known = Known { of: full.clone(), ..Known::default() };
        }
        if let Some(seen) = known.by_role.get(&role.name) {
            return seen.clone();
        }
        let shape = fields::shape(full, role);
        let seen = match known.by_shape.get(&shape) {
            Some(seen) => seen.clone(),
            None => fields::narrowed(full, role).map_or_else(|| full.clone(), Arc::new),
        };
        known.by_shape.insert(shape, seen.clone());
        known.by_role.insert(role.name.clone(), seen.clone());
        seen
    }

    /// What decides about the rows and fields of a viewer: where it is the same, the same question has the same answer. Of who may see
    /// everything it is empty.
    pub fn policy(viewer: &Viewer) -> Arc<str> {
        let settings = &viewer.role.settings;
        if settings.everything {
            return "".into();
        }
        let grants = settings.collections.iter().map(|(name, grant)| {
            let Grant { read, filter, hide, page, aggregations, smallest_group, .. } = grant;
            let rows = filter.as_ref().map(|filter| rows::filled(filter, &viewer.claims));
            json!([name, read, rows, hide, page, aggregations, smallest_group])
        });
        let text = Json::Array(grants.collect()).to_string();
        digest(&SHA256, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
    }

    /// Everything there is, now.
    pub(super) fn full(&self) -> Arc<Catalog> {
        self.catalogs.borrow().clone()
    }

    /// The rows of a collection that a viewer may see. A rule that is wrong lets nothing through, and the log tells it once.
    pub(super) fn rows(&self, viewer: &Viewer, grant: &Grant, on: &Exposed) -> Filter {
        let (rows, fault) = rows::rows(grant.filter.as_ref(), &viewer.claims, on, &self.limits);
        if let Some(fault) = fault {
            let place = format!("{} {}", viewer.role.name, on.collection.name);
            if self.told.lock().unwrap_or_else(PoisonError::into_inner).insert(place) {
                let (role, collection) = (&*viewer.role.name, on.collection.name.as_str());
                tracing::warn!(role, collection, fault, "the row rule cannot be used, so that nothing is shown");
            }
        }
        rows
    }
}
