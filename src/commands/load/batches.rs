//! Rows on their way: each becomes an operation, batches of them are sent one after another, until each was taken or refused.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use indicatif::ProgressBar;
use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::super::client::{Client, good};
use super::{Arguments, documents};
use crate::jobs::reading::{Format, Row, id_of_row, look_ahead, shape_cells};
use crate::search::{FieldRef, Source, mapping};

/// Rows sent at once, and bytes.
const BATCH: usize = 500;
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// How often a row that the engine had no room for is sent again; with the pauses below about a minute in all.
const ATTEMPTS: u32 = 14;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(8);
/// For one batch to be answered.
const PATIENCE: Duration = Duration::from_secs(120);

/// A row on its way.
struct Sent {
    line: u64,
    text: String,
}

pub(super) struct Done {
    pub(super) written: u64,
    pub(super) refused: u64,
    pub(super) took: Duration,
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

pub(super) struct Load<'a> {
    pub(super) client: &'a Client,
    pub(super) arguments: &'a Arguments,
    pub(super) format: Format,
    pub(super) bar: &'a ProgressBar,
    /// Of the file, for what is said about its lines.
    pub(super) name: String,
}

impl Load<'_> {
    pub(super) async fn run(&self, given: Option<Json>, rows: &mut mpsc::Receiver<Row>) -> anyhow::Result<Done> {
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
                let inferred = look_ahead(rows, &mut first, self.format, &self.arguments.nested).await;
                let body = inferred.with_context(|| {
                    let to = &self.arguments.collection;
                    format!("{} holds no documents, so nothing tells what fields {to} should have", self.name)
                })?;
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

    /// The line to send for a row.
    fn operation(&self, source: Source, fields: &[FieldRef]) -> Result<String, String> {
        let mut source = if self.format == Format::Csv { shape_cells(source, fields) } else { source };
        let id = id_of_row(&mut source, self.arguments.id.as_deref())?.unwrap_or_else(|| uuid::Uuid::now_v7().to_string());
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
