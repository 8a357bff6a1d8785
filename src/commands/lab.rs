//! `hooke lab …`: the experiments from a shell, through the running server or one of its own; and the bundled upstream as a server by itself.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, bail};
use clap::ValueEnum;
use indicatif::ProgressBar;
use serde_json::Value as Json;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use super::client::{self, Client, good};
use crate::config::{Config, Rate, duration};
use crate::rest::lab::{Bundled, serve};
use crate::server;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    experiment: Experiment,
    /// A running server; without it the one on the same data folder, or one of its own
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
    /// The answer as it came
    #[arg(long, global = true)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum Experiment {
    /// Tasks that wait, one after another
    Sync(Waits),
    /// Tasks that wait, all at once
    Async(Waits),
    /// Facts from the upstream of the lab
    Cat {
        #[arg(value_name = "CALLS")]
        calls: u32,
        #[arg(long, value_enum, default_value_t = Way::Limited)]
        way: Way,
    },
    /// Many requests at once to a slow route of the server itself
    Users {
        #[arg(long, default_value_t = 1_000)]
        requests: u32,
        /// Seconds that each takes
        #[arg(long, default_value_t = 5.0)]
        delay: f64,
        /// Write the plot there, as SVG
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// The same searches one after another, at once, and as one operation
    Searches {
        /// By default the first one
        collection: Option<String>,
        #[arg(long, default_value_t = 20)]
        count: u32,
    },
    /// Serve the bundled upstream, which tells facts; on 127.0.0.1:4100, or as --listen says
    Upstream {
        /// So many calls in so much time
        #[arg(long, default_value = "100/1m", value_name = "N/TIME")]
        limit: Rate,
        /// Each answer takes so long: 500ms, 2s
        #[arg(long, value_name = "TIME", value_parser = duration)]
        slow: Option<Duration>,
        /// The share of answers that fail, 0 to 1
        #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
        fail: f64,
    },
}

#[derive(clap::Args)]
struct Waits {
    /// Additions and multiplications in turn; 2 by default
    #[arg(long)]
    tasks: Option<u32>,
    /// Seconds that each task waits; 3 by default
    #[arg(long)]
    delay: Option<f64>,
}

#[derive(Clone, Copy, ValueEnum)]
enum Way {
    /// One after another, up to the first that fails
    Sequence,
    /// All at once, whatever the limit says
    AtOnce,
    /// As fast as the limit allows
    Limited,
}

pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { experiment, server, json } = arguments;
    let (path, query, out) = match experiment {
        Experiment::Upstream { limit, slow, fail } => return play_upstream(&config, limit, slow, fail).await,
        Experiment::Sync(waits) => (vec!["sync".to_owned()], waits.query(), None),
        Experiment::Async(waits) => (vec!["async".to_owned()], waits.query(), None),
        Experiment::Cat { calls, way } => {
            let name = match way {
                Way::Sequence => "cat",
                Way::AtOnce => "cat_async",
                Way::Limited => "cat_async_limited",
            };
            (vec![name.to_owned(), calls.to_string()], Vec::new(), None)
        }
        Experiment::Users { requests, delay, out } => {
            let mut query = vec![("requests", requests.to_string()), ("delay", delay.to_string())];
            if out.is_some() {
                query.push(("format", "svg".to_owned()));
            }
            (vec!["experiments".to_owned(), "users".to_owned()], query, out)
        }
        Experiment::Searches { collection, count } => {
            let named = collection.map(|name| ("collection", name));
            (vec!["searches".to_owned()], named.into_iter().chain([("count", count.to_string())]).collect(), None)
        }
    };
    let text = client::visit(config, server.as_deref(), async |client| ask(client, &path, &query).await).await?;
    if let Some(out) = out {
        tokio::fs::write(&out, text).await.with_context(|| format!("{} cannot be written", out.display()))?;
        println!("the plot is in {}", out.display());
    } else if json {
        println!("{text}");
    } else {
        tell(&serde_json::from_str(&text).context("the server's answer is no JSON")?);
    }
    Ok(ExitCode::SUCCESS)
}

impl Waits {
    fn query(&self) -> Vec<(&'static str, String)> {
        let tasks = self.tasks.map(|tasks| ("tasks", tasks.to_string()));
        tasks.into_iter().chain(self.delay.map(|delay| ("delay", delay.to_string()))).collect()
    }
}

async fn ask(client: &Client, path: &[String], query: &[(&'static str, String)]) -> anyhow::Result<String> {
    let parts: Vec<&str> = std::iter::once("lab").chain(path.iter().map(String::as_str)).collect();
    let clock = ProgressBar::new_spinner().with_message("running");
    clock.enable_steady_tick(Duration::from_millis(100));
    let answer = client.get(&parts)?.query(query).send().await.context("the server cannot be reached")?;
    let answer = good(answer).await.map_err(|(status, problem)| match status.as_u16() {
        404 if problem.detail.contains("nothing at this address") => {
            anyhow::anyhow!("the lab is off on that server (lab.enabled)")
        }
        _ => anyhow::anyhow!("{}", problem.detail),
    });
    clock.finish_and_clear();
    Ok(answer?.text().await?)
}

/// Numbers and short texts of an answer, a line each; of lists their length, and of facts the facts.
fn tell(answer: &Json) {
    let Some(output) = answer.get("output").and_then(Json::as_object) else { return println!("{answer}") };
    for (name, value) in output {
        match value {
            Json::Array(items) if name == "facts" => items.iter().filter_map(Json::as_str).for_each(|fact| println!("  {fact}")),
            Json::Object(inner) => {
                if let Some(time) = inner.get("elapsed_time") {
                    println!("{name}: {time} s");
                }
            }
            Json::Array(_) | Json::Null => {}
            Json::String(text) => println!("{name}: {text}"),
            value if name == "elapsed_time" => println!("{name}: {value} s"),
            value => println!("{name}: {value}"),
        }
    }
}

async fn play_upstream(config: &Config, rate: Rate, slow: Option<Duration>, fail: f64) -> anyhow::Result<ExitCode> {
    if !(0.0..=1.0).contains(&fail) {
        bail!("--fail is a share, 0 to 1");
    }
    // beside a hooke that listens where it does by default
    let usual = Config::default().listen;
    let listen = if config.listen == usual { ([127, 0, 0, 1], 4_100).into() } else { config.listen };
    server::check_address(listen.ip(), config.insecure)?;
    let listener = TcpListener::bind(listen).await.with_context(|| format!("cannot listen on {listen}"))?;
    let url = server::url_of(listener.local_addr()?);
    println!("facts at {url}/fact, {rate}; [upstreams.facts] url = \"{url}/fact?n={{n}}\"");
    let mut terminate = signal(SignalKind::terminate()).context("signals cannot be watched")?;
    let shutdown = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    serve(listener, Bundled { rate, slow: slow.unwrap_or_default(), fail }, shutdown).await?;
    Ok(ExitCode::SUCCESS)
}
