//! What a caller may do, and which collections there are for it.

use std::sync::Arc;

use super::problem::Problem;
use crate::app::App;
use crate::catalog::Exposed;
use crate::config::{Config, Writes};
use crate::error::Code;

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
    app.catalog.now().collection(name).cloned().ok_or_else(|| no_collection(name))
}

fn no_collection(name: &str) -> Problem {
    let shown: String = name.chars().take(64).collect();
    Problem::new(Code::NotFound, format!("there is no collection {shown:?}"))
}
