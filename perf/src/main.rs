//! Load tests of a running hooke: `hooke-perf SCENARIO --url http://127.0.0.1:4000`. The README beside says what each scenario does.
//!
//! A run prepares a small collection of its own, lets the users of its scenario ask for a while, takes the collection away again,
//! and writes what it measured. It ends with 1 if any request failed.

mod documents;
mod figures;
mod report;
mod scenarios;
mod target;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use goose::GooseAttack;
use goose::config::GooseConfiguration;

use figures::Figures;
use scenarios::{Ground, Name};
use target::Target;

/// More than this is a test of the machine that asks.
const MOST_USERS: usize = 2_000;
const MOST_SECONDS: u64 = 600;

/// Load tests of a running hooke.
#[derive(Parser)]
#[command(name = "hooke-perf", version)]
struct Asked {
    /// What to do
    #[arg(value_enum)]
    scenario: Name,
    /// The hooke to ask; it must be allowed to write (`--writes all`) where the scenario needs data
    #[arg(long, default_value = "http://127.0.0.1:4000")]
    url: String,
    /// Users at once; each asks again as soon as it has its answer [default: 10, of `thousand` 1000]
    #[arg(long)]
    users: Option<usize>,
    /// Seconds, once all users have started; `thousand` ends by itself
    #[arg(long, default_value_t = 30)]
    seconds: u64,
    /// Documents to prepare
    #[arg(long, default_value_t = 2_000)]
    documents: usize,
    /// Where the report goes [default: out/SCENARIO beside this package]
    #[arg(long)]
    out: Option<PathBuf>,
    /// Ask a machine other than this one: say so only of a hooke that is yours
    #[arg(long)]
    remote: bool,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Asked::parse()).await {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("{failed} requests failed");
            ExitCode::FAILURE
        }
        Err(fault) => {
            eprintln!("{fault:#}");
            ExitCode::FAILURE
        }
    }
}

/// How many requests failed.
async fn run(asked: Asked) -> Result<usize> {
    let users = asked.users.unwrap_or(asked.scenario.users());
    ensure!((1..=MOST_USERS).contains(&users), "--users may be 1 to {MOST_USERS}");
    ensure!((1..=MOST_SECONDS).contains(&asked.seconds), "--seconds may be 1 to {MOST_SECONDS}");
    ensure!((1..=documents::MOST).contains(&asked.documents), "--documents may be 1 to {}", documents::MOST);
    let target = Target::new(&asked.url, asked.remote)?;
    let engine = target.engine().await?;
    let out = asked.out.unwrap_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("out").join(asked.scenario.text()));
    std::fs::create_dir_all(&out).with_context(|| format!("cannot make {}", out.display()))?;

    let prepared = target.prepare(asked.scenario.data(), asked.documents).await;
    let run = match &prepared {
        Ok(data) => {
            let ground = Arc::new(Ground::new(data.clone(), asked.documents, users));
            attack(asked.scenario, &target, users, asked.seconds, &ground).await.map(|()| ground.samples())
        }
        Err(_) => Ok(Vec::new()),
    };
    // whatever became of the run, also by Ctrl-C, for goose ends it in good order
    let removed = target.remove().await;
    prepared?;
    let (samples, full) = (run?, scenarios::MOST_SAMPLES);
    removed.context("the run is over, but its data could not be removed")?;
    ensure!(samples.len() < full, "more than {full} requests: measure for a shorter time");

    let figures = Figures::of(&samples);
    if figures.all.count == 0 {
        bail!("no request was answered");
    }
    let about = report::About {
        scenario: asked.scenario.text(),
        engine,
        users,
        documents: if asked.scenario.data() == target::Data::None { 0 } else { asked.documents },
        command: std::env::args().skip(1).collect::<Vec<_>>().join(" "),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
    };
    for (file, text) in [
        ("requests.csv", figures::requests_csv(&samples)),
        ("seconds.csv", figures.seconds_csv()),
        ("summary.csv", figures.summary_csv()),
        ("report.html", report::page(&about, &figures)),
    ] {
        let path = out.join(file);
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("{}", figures.summary_text());
    println!("{}", out.join("report.html").display());
    Ok(figures.all.failed)
}

async fn attack(scenario: Name, target: &Target, users: usize, seconds: u64, ground: &Arc<Ground>) -> Result<()> {
    let mut asked = GooseConfiguration::default();
    asked.host = Some(target.url().to_owned());
    asked.users = Some(users);
    // all at once, as far as one machine can
    asked.increase_rate = Some(users.to_string());
    match scenario {
        Name::Thousand => asked.iterations = Some(1),
        _ => asked.run_time = Some(format!("{seconds}s")),
    }
    asked.quiet = 1;
    asked.no_print_metrics = true;
    asked.no_telnet = true;
    if scenario != Name::Thousand {
        asked.no_reset_metrics = true;
    }
    GooseAttack::initialize_with_config(asked)?.register_scenario(scenario.scenario(ground)?).execute().await?;
    Ok(())
}
