//! `hooke schema`: the GraphQL schema as text, and what became of an older one.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};

use super::client::{Client, send};
use crate::config::Config;
use crate::graphql::diff::{self, Change, Gravity};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// Without it to stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A running server; without it the one on the same data folder, or one of its own
    #[arg(long, value_name = "URL", global = true)]
    server: Option<String>,
    #[command(subcommand)]
    what: Option<What>,
}

#[derive(clap::Subcommand)]
enum What {
    /// Say what changed since an older schema; the exit code is 1 if anything breaks operations that worked
    Diff {
        /// A file that `hooke schema --out` wrote
        #[arg(value_name = "OLD.graphql")]
        old: PathBuf,
    },
}

pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    // before anything is started: a name mistyped should cost no time
    let old = match &arguments.what {
        Some(What::Diff { old }) => {
            if arguments.out.is_some() {
                bail!("--out is for the schema itself: leave it out with diff");
            }
            Some(tokio::fs::read_to_string(old).await.with_context(|| format!("{} cannot be read", old.display()))?)
        }
        None => None,
    };
    let client = Client::connect(config, arguments.server.as_deref()).await?;
    let text = send(client.get(&["schema.graphql"])?).await?.text().await?;
    client.close().await?;
    if let Some(old) = old {
        let changes = tokio::task::spawn_blocking(move || diff::compare(&old, &text)).await??;
        print!("{}", told(&changes));
        let breaks = changes.iter().any(|change| change.gravity == Gravity::Breaking);
        return Ok(if breaks { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    }
    match arguments.out {
        Some(path) => tokio::fs::write(&path, text).await.with_context(|| format!("{} cannot be written", path.display()))?,
        None => print!("{text}"),
    }
    Ok(ExitCode::SUCCESS)
}

/// A line a change, the gravest first, then how many of each.
fn told(changes: &[Change]) -> String {
    let mut text = String::new();
    for Change { gravity, place, what } in changes {
        text += &format!("{gravity:<10} {place}: {what}\n");
    }
    let count = |gravity| changes.iter().filter(|change| change.gravity == gravity).count();
    let [breaking, dangerous, safe] = [Gravity::Breaking, Gravity::Dangerous, Gravity::Safe].map(count);
    text += &format!("{breaking} breaking, {dangerous} dangerous, {safe} safe\n");
    text
}
