//! `hooke job`: starts, lists, watches and steers jobs, through the server that runs on the data folder or the one that is named.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::{Body, RequestBuilder};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::client::{self, Client, ask, send};
use crate::config::Config;
use crate::jobs::reading::Format;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
    /// A running server; without it the one on the same data folder, or one of its own
    #[arg(long, global = true, value_name = "URL")]
    server: Option<String>,
}

#[derive(clap::Subcommand)]
enum What {
    /// Start a job and print its id
    Start(Start),
    /// List jobs, the newest first
    List {
        /// Only these: queued, running, paused, succeeded, failed, cancelled
        #[arg(long)]
        state: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 20)]
        first: u32,
    },
    /// Print a job as JSON
    Show { id: String },
    /// Follow a job to its end; the exit code is 1 unless it succeeds
    Watch { id: String },
    /// End a job; it can be tried again
    Cancel { id: String },
    /// Let a job rest
    Pause { id: String },
    /// Let a paused job go on
    Resume { id: String },
    /// Try a failed or cancelled job again
    Retry { id: String },
}

#[derive(clap::Args)]
struct Start {
    /// load, export, copy, delete-by-filter, fetch, wait or compute
    kind: String,
    #[arg(long, value_name = "NAME")]
    collection: Option<String>,
    /// Arguments of the kind: '{"to": "books-2", "filter": {"year": {"gte": 1990}}}'
    #[arg(long, value_name = "JSON")]
    arguments: Option<String>,
    /// The file to load
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Follow it to its end
    #[arg(long)]
    watch: bool,
}

/// What is shown of a job.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Job {
    id: String,
    kind: String,
    state: String,
    collection: Option<String>,
    done: u64,
    of: Option<u64>,
    unit: String,
    rate: Option<f64>,
    seconds_left: Option<f64>,
    created_at: String,
    log: Vec<String>,
    error: Option<String>,
    result: Option<Json>,
}

pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { what, server } = arguments;
    client::visit(config, server.as_deref(), async |client| act(client, what).await).await
}

async fn act(client: &Client, what: What) -> anyhow::Result<ExitCode> {
    match what {
        What::Start(start) => {
            let watch = start.watch;
            let job: Job = ask(begin(client, start).await?).await?;
            println!("{}", job.id);
            if watch {
                return follow(client, &job.id).await;
            }
        }
        What::List { state, first } => {
            let mut request = client.get(&["v1", "jobs"])?.query(&[("first", first)]);
            if let Some(state) = state {
                request = request.query(&[("state", state.to_uppercase())]);
            }
            let listing: Json = ask(request).await?;
            for job in listing["jobs"].as_array().into_iter().flatten() {
                println!("{}", line(&Job::deserialize(job)?));
            }
        }
        What::Show { id } => {
            let job: Json = ask(client.get(&["v1", "jobs", &id])?).await?;
            println!("{}", serde_json::to_string_pretty(&job)?);
        }
        What::Watch { id } => return follow(client, &id).await,
        What::Cancel { id } => steer(client, &id, "cancel").await?,
        What::Pause { id } => steer(client, &id, "pause").await?,
        What::Resume { id } => steer(client, &id, "resume").await?,
        What::Retry { id } => steer(client, &id, "retry").await?,
    }
    Ok(ExitCode::SUCCESS)
}

async fn begin(client: &Client, start: Start) -> anyhow::Result<RequestBuilder> {
    let kind = start.kind.to_uppercase().replace('-', "_");
    let arguments: Json = match &start.arguments {
        None => json!({}),
        Some(text) => serde_json::from_str(text).context("--arguments is not JSON")?,
    };
    let Some(path) = start.file else {
        let order = json!({ "kind": kind, "collection": start.collection, "arguments": arguments });
        return Ok(client.post(&["v1", "jobs"])?.json(&order));
    };
    if kind != "LOAD" {
        bail!("--file is for jobs of kind load");
    }
    let collection = start.collection.context("say by --collection where the file goes")?;
    let file = tokio::fs::File::open(&path).await.with_context(|| format!("{} cannot be read", path.display()))?;
    let told = arguments["format"].as_str().and_then(Format::parse);
    let format = told.or_else(|| Format::guess(&path.to_string_lossy(), b"")).unwrap_or(Format::Ndjson);
    let kind = match format {
        Format::Ndjson => "application/x-ndjson",
        Format::Json => "application/json",
        Format::Csv => "text/csv",
    };
    let mut request = client.post(&["v1", "jobs", "load"])?.query(&[("collection", &collection)]).header("content-type", kind);
    for name in ["id", "mapping", "nested"] {
        match &arguments[name] {
            Json::Null => {}
            Json::String(text) => request = request.query(&[(name, text)]),
            Json::Array(names) => {
                let names: Vec<&str> = names.iter().filter_map(Json::as_str).collect();
                request = request.query(&[(name, names.join(","))]);
            }
            other => request = request.query(&[(name, other.to_string())]),
        }
    }
    Ok(request.body(Body::wrap_stream(tokio_util::io::ReaderStream::with_capacity(file, 64 * 1024))))
}

async fn steer(client: &Client, id: &str, action: &str) -> anyhow::Result<()> {
    let job: Job = ask(client.post(&["v1", "jobs", id, action])?).await?;
    println!("{}", line(&job));
    Ok(())
}

fn line(job: &Job) -> String {
    let of = job.of.map(|of| format!(" of {of}")).unwrap_or_default();
    let on = job.collection.as_deref().map(|name| format!(" {name}")).unwrap_or_default();
    let error = job.error.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
    format!("{}  {}  {:9}  {}{on}  {}{of} {}{error}", job.id, job.created_at, job.state, job.kind, job.done, job.unit)
}

/// Shows the job as it moves, and its log, until its end.
async fn follow(client: &Client, id: &str) -> anyhow::Result<ExitCode> {
    let mut answer = send(client.get(&["v1", "jobs", id, "events"])?).await?;
    let bar = ProgressBar::new_spinner();
    let (mut text, mut last, mut told) = (Vec::new(), None::<Job>, String::new());
    while let Some(bytes) = answer.chunk().await.context("the server does not answer any more")? {
        text.extend_from_slice(&bytes);
        while let Some(end) = text.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = text.drain(..=end).collect();
            let Some(data) = line.strip_prefix(b"data: ") else { continue };
            let Ok(job) = serde_json::from_slice::<Job>(data) else { continue };
            show(&bar, &job, &mut told);
            last = Some(job);
        }
    }
    bar.finish_and_clear();
    let Some(job) = last else { bail!("the server told nothing of the job") };
    match job.state.as_str() {
        "SUCCEEDED" => {
            if let Some(result) = &job.result {
                println!("{result}");
            }
            Ok(ExitCode::SUCCESS)
        }
        "FAILED" | "CANCELLED" => Ok(ExitCode::FAILURE),
        state => bail!("the server has stopped; the job is {state}"),
    }
}

/// The lines of its log that are new, and how far it is. Lines begin with their time, so they sort by it.
fn show(bar: &ProgressBar, job: &Job, told: &mut String) {
    for line in job.log.iter().filter(|line| **line > *told) {
        bar.suspend(|| eprintln!("{line}"));
    }
    if let Some(line) = job.log.last().filter(|line| **line > *told) {
        told.clone_from(line);
    }
    if let Some(of) = job.of.filter(|_| bar.length() != job.of) {
        bar.set_length(of);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}") {
            bar.set_style(style);
        }
    }
    bar.set_position(job.done);
    let rate = job.rate.map(|rate| format!(", {rate:.0} a second")).unwrap_or_default();
    let left = job.seconds_left.map(|left| format!(", {left:.0} s left")).unwrap_or_default();
    bar.set_message(format!("{} {}{rate}{left}", job.done, job.unit));
}
