//! `hooke schema`: the GraphQL schema as text.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::client::{Client, good};
use crate::config::Config;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Without it to stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A running server; without it the one on the same data folder, or one of its own
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let client = Client::connect(config, arguments.server.as_deref()).await?;
    let text = match good(client.get(&["schema.graphql"])?.send().await?).await {
        Ok(answer) => answer.text().await?,
        Err((_, problem)) => bail!(problem.detail),
    };
    client.close().await?;
    match arguments.out {
        Some(path) => tokio::fs::write(&path, text).await.with_context(|| format!("{} cannot be written", path.display()))?,
        None => print!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}
