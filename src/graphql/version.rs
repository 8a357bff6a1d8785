//! One catalog as a schema, with the operations compiled against it. A changed catalog makes a new one; requests in flight keep theirs.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, anyhow};
use apollo_compiler::collections::HashMap;
use apollo_compiler::schema::Implementers;
use apollo_compiler::validation::Valid;
use apollo_compiler::{Name, Schema};
use moka::sync::Cache;

use super::errors::Failure;
use super::operation::{self, Document, Roots};
use super::schema::{self, Face};
use crate::catalog::Catalog;
use crate::config::Limits;

/// Bytes of operation texts that are kept with what was made of them, which is some twenty times as much.
const KEPT_TEXT: u64 = 1024 * 1024;

pub(crate) struct Version {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) schema: Valid<Schema>,
    pub(crate) implementers: HashMap<Name, Implementers>,
    pub(crate) roots: Roots,
    pub(crate) sdl: Arc<str>,
    /// Fields of an answer that introspection may come to.
    pub(crate) described: u64,
    documents: Cache<Arc<str>, Arc<Document>>,
}

impl Version {
    /// Takes a second for a thousand collections: not for a thread that serves requests.
    pub(crate) fn build(catalog: Arc<Catalog>, face: Face) -> anyhow::Result<Self> {
        let started = Instant::now();
        let sdl = schema::print(&catalog, face).map_err(|fault| anyhow!("{fault}")).context("the schema cannot be built")?;
        let schema = Schema::parse_and_validate(&*sdl, "schema.graphql")
            .map_err(|faults| anyhow!("{}", faults.errors))
            .context("the schema is not valid")?;
        tracing::info!(
            collections = catalog.collections.len(),
            revision = catalog.revision,
            millis = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "schema built"
        );
        Ok(Version {
            implementers: schema.implementers_map(),
            roots: Roots::of(&catalog),
            described: operation::described::most(&schema),
            catalog,
            schema,
            sdl: sdl.into(),
            documents: Cache::builder()
                .max_capacity(KEPT_TEXT)
                .weigher(|text: &Arc<str>, _: &Arc<Document>| u32::try_from(text.len()).unwrap_or(u32::MAX))
                .build(),
        })
    }

    /// The checked document of a text; of one that was seen before, the same again.
    pub(crate) fn document(&self, text: &str, limits: &Limits) -> Result<Arc<Document>, Vec<Failure>> {
        if let Some(known) = self.documents.get(text) {
            return Ok(known);
        }
        let document = operation::compile(&self.schema, text, limits)?;
        self.documents.insert(text.into(), document.clone());
        Ok(document)
    }
}
