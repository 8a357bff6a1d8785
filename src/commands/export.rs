//! `hooke export`: documents of a collection as lines, to a file or to stdout; `hooke load` reads them back.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Response;
use tokio::fs::File;
use tokio::io::AsyncWriteExt as _;

use super::client::{Client, send};
use crate::config::Config;

#[derive(clap::Args)]
pub(super) struct Arguments {
    collection: String,
    /// Only these, as in GraphQL: '{"section":{"eq":"net"}}'
    #[arg(long, value_name = "JSON")]
    filter: Option<String>,
    /// Without it, or with -, to stdout
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// A running server; without it the one on the same data folder, or one of its own
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let client = Client::connect(config, arguments.server.as_deref()).await?;
    let mut request = client.get(&["v1", "collections", &arguments.collection, "export"])?;
    if let Some(filter) = &arguments.filter {
        request = request.query(&[("filter", filter)]);
    }
    let answer = send(request).await?;
    let lines = match arguments.out.as_deref().filter(|path| path.as_os_str() != "-") {
        Some(path) => to_file(answer, path).await?,
        None => to_stdout(answer).await?,
    };
    client.close().await?;
    eprintln!("exported {lines} documents");
    Ok(ExitCode::SUCCESS)
}

/// Under another name until it is whole.
async fn to_file(answer: Response, path: &Path) -> anyhow::Result<u64> {
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let part = PathBuf::from(part);
    let written = async {
        let mut file = File::create(&part).await?;
        let lines = copy(answer, async |bytes| file.write_all(bytes).await).await?;
        file.sync_all().await?;
        tokio::fs::rename(&part, path).await?;
        anyhow::Ok(lines)
    };
    match written.await {
        Ok(lines) => Ok(lines),
        Err(fault) => {
            // it may not even have been made
            let _ = tokio::fs::remove_file(&part).await;
            Err(fault).with_context(|| format!("{} was not written", path.display()))
        }
    }
}

async fn to_stdout(answer: Response) -> anyhow::Result<u64> {
    copy(answer, async |bytes| io::stdout().write_all(bytes)).await
}

async fn copy(mut answer: Response, mut put: impl AsyncFnMut(&[u8]) -> io::Result<()>) -> anyhow::Result<u64> {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} documents") {
        bar.set_style(style);
    }
    let mut lines = 0;
    while let Some(bytes) = answer.chunk().await.context("the answer broke off")? {
        lines += bytes.iter().filter(|byte| **byte == b'\n').count() as u64;
        match put(&bytes).await {
            // whoever reads has seen enough
            Err(fault) if fault.kind() == io::ErrorKind::BrokenPipe => break,
            put => put?,
        }
        bar.set_position(lines);
    }
    bar.finish_and_clear();
    Ok(lines)
}
