//! What a caller may do, and which collections there are for it.

use std::sync::Arc;

use super::problem::Problem;
use crate::app::App;
use crate::catalog::Exposed;
use crate::config::{Config, Writes};
use crate::error::Code;
use crate::search::Error;

/// Documents may be written.
pub(super) fn documents(config: &Config) -> Result<(), Problem> {
    allow(config, Writes::Documents)
}

/// Collections may be made and removed.
pub(super) fn collections(config: &Config) -> Result<(), Problem> {
    allow(config, Writes::All)
}

fn allow(config: &Config, wanted: Writes) -> Result<(), Problem> {
    if config.writes() >= wanted {
        return Ok(());
    }
    let (what, values) = match wanted {
        Writes::All => ("collections may not be made or removed here", "all"),
        _ => ("documents may not be written here", "documents or all"),
    };
    Err(Problem::new(Code::Forbidden, format!("{what}: the setting writes (HOOKE_WRITES, --writes) must be {values}")))
}

/// The collection of this name, if it is exposed.
pub(super) fn collection(app: &App, name: &str) -> Result<Arc<Exposed>, Problem> {
    let catalog = app.catalog.now();
    if catalog.revision == 0 {
        return Err(Error::Unavailable("the catalog was not read yet".into()).into());
    }
    catalog.collection(name).cloned().ok_or_else(|| {
        let shown: String = name.chars().take(64).collect();
        Problem::new(Code::NotFound, format!("there is no collection {shown:?}"))
    })
}

/// The parts of a document that may be shown; `None`: all of it, for the settings hide nothing.
pub(super) fn visible(config: &Config, exposed: &Exposed) -> Option<Vec<Arc<str>>> {
    exposed.visible_paths(config)
}
