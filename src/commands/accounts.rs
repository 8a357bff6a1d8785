//! What `hooke user` and `hooke key` have in common: which server they tell.

use std::process::ExitCode;

use super::client::{self, Client};
use crate::config::Config;

#[derive(clap::Args)]
pub(super) struct Keeper {
    /// A running server, with an administrator's token in HOOKE_TOKEN; without it the one on the same data folder
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
}

impl Keeper {
    pub(super) async fn told(
        self,
        mut config: Config,
        act: impl AsyncFnOnce(&Client) -> anyhow::Result<()>,
    ) -> anyhow::Result<ExitCode> {
        // of a server of our own: users and keys may be made before accounts are turned on
        config.accounts.enabled = true;
        client::visit(config, self.server.as_deref(), act).await.map(|()| ExitCode::SUCCESS)
    }
}
