//! The root fields of a catalog by name, and what each means.

use std::collections::HashMap;
use std::sync::Arc;

use super::fields::What;
use crate::catalog::{Catalog, Exposed};
use crate::graphql::mutation::{Mutation, Verb};
use crate::jobs::Steer;

/// The root fields by name.
#[derive(Debug, Default)]
pub(crate) struct Roots {
    pub(super) queries: HashMap<String, What>,
    pub(super) mutations: HashMap<String, What>,
    /// By the name of the collection, for relations.
    pub(super) collections: HashMap<String, Arc<Exposed>>,
}

impl Roots {
    pub(crate) fn of(catalog: &Catalog) -> Self {
        let mut roots: HashMap<String, What> = HashMap::with_capacity(catalog.collections.len() * 2 + 2);
        let mut mutations = HashMap::with_capacity(catalog.collections.len() * 5 + 2);
        for exposed in &catalog.collections {
            for verb in Verb::ALL {
                let name = format!("{}{}", verb.name(), exposed.names.type_name);
                mutations.insert(name, What::Mutation(Mutation::Write(verb, exposed.clone())));
            }
            let bulk = format!("bulk{}", exposed.names.types_name);
            mutations.insert(bulk, What::Mutation(Mutation::Bulk(exposed.clone())));
            roots.insert(exposed.names.many.clone(), What::Many(exposed.clone()));
            roots.insert(exposed.names.one.clone(), What::One(exposed.clone()));
            roots.insert(exposed.names.suggest.clone(), What::Complete(exposed.clone()));
        }
        roots.insert("search".into(), What::Together);
        roots.insert("node".into(), What::NodeByGlobal);
        roots.insert("nodes".into(), What::NodesByGlobal);
        let named = |exposed: &Arc<Exposed>| (exposed.collection.name.as_str().to_owned(), exposed.clone());
        let related = catalog.collections.iter().any(|exposed| !exposed.relations.is_empty());
        let collections = if related { catalog.collections.iter().map(named).collect() } else { HashMap::new() };
        roots.insert("job".into(), What::JobById);
        roots.insert("jobs".into(), What::JobList);
        mutations.insert("startJob".into(), What::Mutation(Mutation::StartJob));
        for steer in Steer::ALL {
            mutations.insert(format!("{}Job", steer.as_str()), What::Mutation(Mutation::SteerJob(steer)));
        }
        mutations.insert("createCollection".into(), What::Mutation(Mutation::CreateCollection));
        mutations.insert("removeCollection".into(), What::Mutation(Mutation::RemoveCollection));
        Roots { queries: roots, mutations, collections }
    }
}
