//! `hooke load`: rows of a file become documents of a collection, in the file's order and in bounded batches.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Cursor, Read};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use super::client::{Client, good};
use super::infer::Inference;
use super::rows::{self, Format, Row};
use crate::config::Config;
use crate::search::{FieldRef, Source, mapping};

/// Rows from which a mapping is inferred.
const LOOK: usize = 1_000;
/// Rows sent at once, and bytes.
const BATCH: usize = 500;
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// Rows read ahead of what is being sent.
const AHEAD: usize = 256;
/// How often a row that the engine had no room for is sent again; with the pauses below about a minute in all.
const ATTEMPTS: u32 = 14;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// For one batch to be answered.
const PATIENCE: Duration = Duration::from_secs(120);

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
    let task = tokio::task::spawn_blocking(move || rows::read(input, format, |row| give.blocking_send(row).is_ok()));
    Reading { rows, task }
}

/// A row on its way.
struct Sent {
    line: u64,
    text: String,
}

struct Done {
    written: u64,
    refused: u64,
    took: Duration,
}

#[derive(Deserialize)]
struct Outcome {
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    code: String,
    message: String,
    path: Vec<String>,
}

impl Outcome {
    /// There was no room, or no answer: later it may go well. Every row has an id, so that it can be sent twice.
    fn is_passing(&self) -> bool {
        self.errors.first().is_some_and(|fault| matches!(fault.code.as_str(), "BACKEND_UNAVAILABLE" | "TIMEOUT"))
    }
}

struct Load<'a> {
    client: &'a Client,
    arguments: &'a Arguments,
    format: Format,
    bar: &'a ProgressBar,
    name: String,
}

impl Load<'_> {
    async fn run(&self, given: Option<Json>, rows: &mut mpsc::Receiver<Row>) -> anyhow::Result<Done> {
        let began = Instant::now();
        let mut done = Done { written: 0, refused: 0, took: Duration::ZERO };
        // rows that were looked at and wait to be sent
        let mut first = VecDeque::new();
        let fields = match (self.existing().await?, given) {
            (Some(fields), given) => {
                if given.is_some() {
                    self.say(&format!("{} is there already: its own mapping holds", self.arguments.collection));
                }
                fields
            }
            (None, Some(body)) => self.create(&body).await?,
            (None, None) => {
                let body = self.infer(rows, &mut first).await?;
                self.create(&body).await?
            }
        };
        let mut batch = Vec::new();
        let mut bytes = 0;
        loop {
            let row = match first.pop_front() {
                Some(row) => Some(row),
                None => rows.recv().await,
            };
            let Some(Row { line, source }) = row else { break };
            match source.and_then(|source| self.operation(source, &fields)) {
                Ok(text) => {
                    // one more has come: the one before is not the last
                    if batch.len() >= BATCH || bytes + text.len() > BATCH_BYTES && !batch.is_empty() {
                        self.send(std::mem::take(&mut batch), false, &mut done).await?;
                        bytes = 0;
                    }
                    bytes += text.len();
                    batch.push(Sent { line, text });
                }
                Err(fault) => self.refuse(line, &fault, &mut done),
            }
        }
        self.send(batch, true, &mut done).await?;
        done.took = began.elapsed();
        Ok(done)
    }

    /// The fields of the collection, if it is there.
    async fn existing(&self) -> anyhow::Result<Option<Vec<FieldRef>>> {
        let answer = self.client.get(&["v1", "collections", &self.arguments.collection])?.timeout(PATIENCE).send().await?;
        match good(answer).await {
            Ok(answer) => Ok(Some(fields_in(&answer.json().await?))),
            Err((StatusCode::NOT_FOUND, _)) => Ok(None),
            Err((_, problem)) => bail!(problem.detail),
        }
    }

    async fn create(&self, body: &Json) -> anyhow::Result<Vec<FieldRef>> {
        let given = json!({ "name": self.arguments.collection, "mappings": body.get("mappings").unwrap_or(body) });
        let answer = self.client.post(&["v1", "collections"])?.timeout(PATIENCE).json(&given).send().await?;
        match good(answer).await {
            Ok(answer) => Ok(fields_in(&answer.json().await?)),
            Err((_, problem)) => bail!("the collection {} cannot be made: {}", self.arguments.collection, problem.detail),
        }
    }

    async fn infer(&self, rows: &mut mpsc::Receiver<Row>, first: &mut VecDeque<Row>) -> anyhow::Result<Json> {
        let mut inference = Inference::default();
        let mut any = false;
        while first.len() < LOOK {
            let Some(row) = rows.recv().await else { break };
            if let Ok(source) = &row.source {
                any = true;
                let mut source = if self.format == Format::Csv { rows::guess_cells(source) } else { source.clone() };
                source.remove("_id");
                inference.add(&source);
            }
            first.push_back(row);
        }
        if !any {
            bail!("{} holds no documents, so nothing tells what fields {} should have", self.name, self.arguments.collection);
        }
        Ok(inference.mapping(&self.arguments.nested))
    }

    /// The line to send for a row.
    fn operation(&self, source: Source, fields: &[FieldRef]) -> Result<String, String> {
        let mut source = if self.format == Format::Csv { rows::shape_cells(source, fields) } else { source };
        // an export has the id beside the fields
        let own = source.remove("_id");
        let id = match self.arguments.id.as_deref() {
            None | Some("_id") if own.is_some() => id_of(own.as_ref(), "_id")?,
            None => uuid::Uuid::now_v7().to_string(),
            Some(field) => id_of(at(&source, field), field)?,
        };
        Ok(json!({ "upsert": { "id": id, "input": source } }).to_string() + "\n")
    }

    /// Sends until every row was taken or refused.
    async fn send(&self, mut batch: Vec<Sent>, last: bool, done: &mut Done) -> anyhow::Result<()> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            if batch.is_empty() {
                break;
            }
            let outcomes = match self.post(&batch, last).await {
                Ok(outcomes) => outcomes,
                Err(fault) if fault.passing && attempt < ATTEMPTS => {
                    self.say(&format!("{}; trying again", fault.why));
                    sleep(pause).await;
                    pause = (pause * 2).min(LONGEST_PAUSE);
                    continue;
                }
                Err(fault) => bail!("{}: stopped at line {}: {}", self.name, batch[0].line, fault.why),
            };
            let mut again = Vec::new();
            for (sent, outcome) in batch.into_iter().zip(outcomes) {
                match outcome.errors.first() {
                    None => done.written += 1,
                    Some(_) if outcome.is_passing() && attempt < ATTEMPTS => again.push(sent),
                    Some(fault) => self.refuse(sent.line, &told(fault), done),
                }
            }
            batch = again;
            if !batch.is_empty() {
                sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
        self.bar.set_message(documents(done.written));
        Ok(())
    }

    async fn post(&self, batch: &[Sent], last: bool) -> Result<Vec<Outcome>, Failure> {
        let body: String = batch.iter().map(|sent| sent.text.as_str()).collect();
        let request = self
            .client
            .post(&["v1", "collections", &self.arguments.collection, "bulk"])
            .map_err(Failure::lasting)?
            .query(&[("refresh", if last { "NOW" } else { "NONE" })])
            .header("content-type", "application/x-ndjson")
            .timeout(PATIENCE)
            .body(body);
        let answer = request.send().await.map_err(Failure::passing)?;
        let answer = good(answer)
            .await
            .map_err(|(status, problem)| Failure { passing: matches!(status.as_u16(), 429 | 503 | 504), why: problem.detail })?;
        let text = answer.text().await.map_err(Failure::passing)?;
        let outcomes: Vec<Outcome> =
            text.lines().map(serde_json::from_str).collect::<Result<_, _>>().map_err(Failure::lasting)?;
        if outcomes.len() == batch.len() {
            Ok(outcomes)
        } else {
            Err(Failure::lasting(format!("{} answers for {} lines", outcomes.len(), batch.len())))
        }
    }

    fn refuse(&self, line: u64, fault: &str, done: &mut Done) {
        done.refused += 1;
        self.say(&format!("{}:{line}: {fault}", self.name));
    }

    fn say(&self, text: &str) {
        self.bar.suspend(|| eprintln!("{text}"));
    }
}

/// A request that came to nothing.
struct Failure {
    /// Later it may go well.
    passing: bool,
    why: String,
}

impl Failure {
    fn passing(why: impl Into<anyhow::Error>) -> Self {
        Failure { passing: true, why: format!("{:#}", why.into()) }
    }

    fn lasting(why: impl std::fmt::Display) -> Self {
        Failure { passing: false, why: why.to_string() }
    }
}

/// Where in the row, and what.
fn told(fault: &Fault) -> String {
    // the first two parts are `upsert` and `input`
    let path = fault.path.get(2..).unwrap_or(&[]).join(".");
    if path.is_empty() || fault.message.contains(&path) { fault.message.clone() } else { format!("{path}: {}", fault.message) }
}

fn fields_in(description: &Json) -> Vec<FieldRef> {
    description.get("mappings").map(|body| mapping::read(body).fields).unwrap_or_default()
}

fn at<'a>(source: &'a Source, path: &str) -> Option<&'a Json> {
    source.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        at(source.get(first)?.as_object()?, rest)
    })
}

fn id_of(value: Option<&Json>, field: &str) -> Result<String, String> {
    match value {
        Some(Json::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Json::Number(number)) => Ok(number.to_string()),
        Some(Json::Bool(value)) => Ok(value.to_string()),
        Some(Json::Null | Json::String(_)) | None => Err(format!("{field}, which should be the id, is missing")),
        Some(_) => Err(format!("{field}, which should be the id, is neither a text nor a number")),
    }
}
