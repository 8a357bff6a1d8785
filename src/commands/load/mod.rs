//! `hooke load`: rows of a file become documents of a collection, in the file's order and in bounded batches. The file is read by a
//! thread of its own, as jobs read theirs (`jobs::reading`), a mapping is inferred where none is given, and `batches` sends.

mod batches;

use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value as Json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::client::Client;
use crate::config::Config;
use crate::jobs::reading::{self, Format, Row};
use crate::search::mapping;
use batches::Load;

/// Rows read ahead of what is being sent.
const AHEAD: usize = 256;

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// The collection; made if it is not there
    collection: String,
    /// The file, or - for what comes in
    file: PathBuf,
    /// How the file is written; without it its name or its first letter tells
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// The field whose value is the id, so that a second load leaves the same documents; without it `_id` if there is one, else new ids
    #[arg(long, value_name = "FIELD")]
    id: Option<String>,
    /// The body of an Elasticsearch mapping; without it one is inferred from the first 1,000 rows
    #[arg(long, value_name = "FILE")]
    mapping: Option<PathBuf>,
    /// Arrays of objects to search element by element, when a mapping is inferred
    #[arg(long, value_name = "FIELD,…", value_delimiter = ',')]
    nested: Vec<String>,
    /// A running server; without it the one on the same data folder, or one of its own
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let given = match &arguments.mapping {
        None => None,
        Some(path) => {
            let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
            let body: Json = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
            // found wrong before anything is started
            mapping::parse(&body).with_context(|| format!("{} is no mapping", path.display()))?;
            Some(body)
        }
    };
    let (input, format, size) = open(&arguments)?;
    let client = Client::connect(config, arguments.server.as_deref()).await?;
    let bar = progress(size);
    let mut reading = read_ahead(bar.wrap_read(input), format);
    let load = Load { client: &client, arguments: &arguments, format, bar: &bar, name: arguments.file.display().to_string() };
    let done = load.run(given, &mut reading.rows).await;
    bar.finish_and_clear();
    // rows that nobody takes any more end the thread
    drop(reading.rows);
    let read = reading.task.await?;
    let done = done?;
    let broken = read.as_ref().err().map(|fault| format!("{}: the rest was not read: {fault:#}", load.name));
    client.close().await?;
    eprintln!("loaded {} into {} in {:.1} s", documents(done.written), arguments.collection, done.took.as_secs_f64());
    if done.refused > 0 {
        eprintln!("refused {}", documents(done.refused));
    }
    if let Some(broken) = &broken {
        eprintln!("{broken}");
    }
    Ok(if done.refused > 0 || broken.is_some() { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn documents(count: u64) -> String {
    if count == 1 { "1 document".into() } else { format!("{count} documents") }
}

type Input = Box<dyn Read + Send>;

/// The file, how it is written, and its size where it has one.
fn open(arguments: &Arguments) -> anyhow::Result<(Input, Format, Option<u64>)> {
    let path = &arguments.file;
    let (mut input, size): (Input, _) = if path.as_os_str() == "-" {
        (Box::new(io::stdin()), None)
    } else {
        let file = File::open(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let about = file.metadata()?;
        if about.is_dir() {
            bail!("{} is a folder", path.display());
        }
        let size = about.is_file().then_some(about.len());
        (Box::new(file), size)
    };
    if let Some(format) = arguments.format {
        return Ok((input, format, size));
    }
    let mut head = Vec::new();
    (&mut input).take(4_096).read_to_end(&mut head)?;
    let format = Format::guess(&path.to_string_lossy(), &head)
        .with_context(|| format!("{}: say --format ndjson, json or csv", path.display()))?;
    Ok((Box::new(Cursor::new(head).chain(input)), format, size))
}

fn progress(size: Option<u64>) -> ProgressBar {
    let (bar, template) = match size {
        Some(size) => (ProgressBar::new(size), "{bar:30} {percent:>3} %  {msg}  {eta} left"),
        None => (ProgressBar::new_spinner(), "{spinner} {bytes} read  {msg}"),
    };
    match ProgressStyle::with_template(template) {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

struct Reading {
    rows: mpsc::Receiver<Row>,
    task: JoinHandle<anyhow::Result<()>>,
}

fn read_ahead(input: impl Read + Send + 'static, format: Format) -> Reading {
    let (give, rows) = mpsc::channel(AHEAD);
    let task = tokio::task::spawn_blocking(move || reading::read(input, format, |row| give.blocking_send(row).is_ok()));
    Reading { rows, task }
}
