//! `hooke verify`: random queries on a sample of a collection, answered by the engine and by a plain evaluator, round by round; tells
//! where they differ.

use std::collections::BTreeSet;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::json;

use super::client::{Client, send};
use crate::config::Config;

/// Queries of one request: it ends well inside its time.
const ROUND: u32 = 25;
/// Differences that are shown.
const SHOWN: usize = 10;

#[derive(clap::Args)]
pub(super) struct Arguments {
    collection: String,
    /// Random queries
    #[arg(long, value_name = "NUMBER", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    cases: u32,
    /// The same seed asks the same of the same documents
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Documents of the collection that are looked at, at most 500
    #[arg(long, value_name = "NUMBER", default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=500))]
    documents: u32,
    /// A running server; without it the one on the same data folder, or one of its own
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

#[derive(Deserialize)]
struct Report {
    documents: usize,
    total: u64,
    cases: usize,
    different: usize,
    differences: Vec<Difference>,
    skipped: Vec<String>,
}

#[derive(Deserialize)]
struct Difference {
    number: usize,
    query: Vec<String>,
    told: String,
    documents: Vec<String>,
}

/// The exit code is 0 where nothing differs, 1 where something does, 2 where that could not be found out.
pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    match verify(config, &arguments).await {
        Ok(code) => Ok(code),
        Err(fault) => {
            eprintln!("hooke: {} was not verified: {fault:#}", arguments.collection);
            Ok(ExitCode::from(2))
        }
    }
}

async fn verify(config: Config, arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let client = Client::connect(config, arguments.server.as_deref()).await?;
    let done = ask(&client, arguments).await;
    client.close().await?;
    let (cases, different) = done?;
    if different == 0 {
        println!("{cases} random queries, no difference");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{cases} random queries, {different} answered otherwise than expected");
    Ok(ExitCode::FAILURE)
}

async fn ask(client: &Client, arguments: &Arguments) -> anyhow::Result<(usize, usize)> {
    let bar = ProgressBar::new(arguments.cases.into());
    if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} queries") {
        bar.set_style(style);
    }
    let (mut cases, mut different, mut shown) = (0, 0, 0);
    let mut skipped = BTreeSet::new();
    let (mut documents, mut total) = (0, 0);
    for round in 0..arguments.cases.div_ceil(ROUND) {
        // rounds of a service are told by 32 bits
        let seed = arguments.seed.wrapping_add(u64::from(round).wrapping_mul(0x9e37_79b9_7f4a_7c15)) & u64::from(u32::MAX);
        let body = json!({ "seed": seed, "cases": ROUND.min(arguments.cases - round * ROUND), "sample": arguments.documents });
        let request = client.post(&["v1", "collections", &arguments.collection, "verify"])?.json(&body);
        let report: Report = send(request).await?.json().await.context("the server's answer is no report")?;
        if report.documents == 0 {
            bail!("it has no documents that can be looked at");
        }
        bar.inc(report.cases as u64);
        cases += report.cases;
        different += report.different;
        (documents, total) = (report.documents, report.total);
        skipped.extend(report.skipped);
        for difference in report.differences.iter().take(SHOWN - shown) {
            shown += 1;
            bar.suspend(|| show(difference, round * ROUND));
        }
    }
    bar.finish_and_clear();
    println!("looked at {documents} of {total} documents in each round");
    for what in skipped {
        println!("  not judged  {what}");
    }
    Ok((cases, different))
}

fn show(difference: &Difference, before: u32) {
    println!("DIFFERENCE in query {}", before as usize + difference.number + 1);
    for part in &difference.query {
        println!("  {part}");
    }
    println!("  the engine answered {}", difference.told);
    for document in &difference.documents {
        println!("  document {document}");
    }
}
