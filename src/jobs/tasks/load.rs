//! `LOAD`: a file into a collection. A row without an id gets one made of the job's id and the row's number, so that a row that is
//! loaded twice leaves one document. Done again after a crash: at most one batch.

use std::collections::VecDeque;
use std::io::Read as _;

use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::super::reading::{self, Format, Row, id_of_row, look_ahead, shape_cells};
use super::super::work::{Done, Halt, Work};
use super::super::{Inner, Order};
use super::shelves::{self, Tally};
use super::{arguments, wrong};
use crate::catalog::Watch;
use crate::search::{CollectionName, DocumentId, Error, FieldRef, Refresh, Result, Source, Write, mapping};

/// Rows read ahead of what is being written.
const AHEAD: usize = 256;
/// Bytes of one batch, about.
const BATCH_BYTES: usize = 2 * 1024 * 1024;
/// What tells the format of a file that came without.
const HEAD: u64 = 4_096;
const NOTHING: &str = "the file holds no documents, so nothing tells what fields the collection should have";

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Arguments {
    format: Option<String>,
    /// The field whose value is the id.
    id: Option<String>,
    nested: Vec<String>,
    mapping: Option<Json>,
    /// Only when it is started: the documents themselves.
    documents: Option<Vec<Json>>,
    /// A collection that is not there yet, where `collection` can only name one that is.
    to: Option<String>,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Left {
    /// Rows that were taken or refused.
    rows: u64,
    of: Option<u64>,
    tally: Tally,
}

/// Documents that came with the order become a file.
pub(super) fn accept(inner: &Inner, catalog: &Watch, mut order: Order) -> Result<(Order, Vec<u8>)> {
    let Some(Json::Array(documents)) = order.arguments.remove("documents") else {
        return Err(wrong("documents is a list of objects; a file is sent to /v1/jobs/load", &["documents"]));
    };
    order.arguments.insert("format".into(), "ndjson".into());
    let mut text = Vec::new();
    for (at, document) in documents.iter().enumerate() {
        if !document.is_object() {
            return Err(wrong("a document is a JSON object", &["documents", &at.to_string()]));
        }
        serde_json::to_writer(&mut text, document).map_err(Error::internal)?;
        text.push(b'\n');
    }
    Ok((accept_file(inner, catalog, order)?, text))
}

pub(super) fn accept_file(inner: &Inner, catalog: &Watch, mut order: Order) -> Result<Order> {
    let given: Arguments = arguments(&order.arguments)?;
    if given.documents.is_some() {
        return Err(wrong("documents do not come beside a file", &["documents"]));
    }
    if given.format.as_deref().is_some_and(|format| Format::parse(format).is_none()) {
        return Err(wrong("format is one of ndjson, json, csv", &["format"]));
    }
    shelves::filled(inner, catalog, &mut order, given.to)?;
    shelves::check_mapping(given.mapping.as_ref())?;
    Ok(order)
}

pub(super) async fn run(work: &Work) -> Done {
    let job = work.job();
    let given: Arguments = work.arguments()?;
    let name = job.collection.clone().unwrap_or_default();
    let mut left: Left = work.left()?.unwrap_or_default();
    let mut file = File::open(work, &given).await?;
    if left.of.is_none() {
        left.of = file.count(work).await?;
    }
    work.progress(left.rows, left.of);
    let mut first = VecDeque::new();
    let exposed = match shelves::find(work, &name).await? {
        Some(exposed) => exposed,
        None => {
            let body = match given.mapping {
                Some(body) => body,
                None => {
                    let inferred = look_ahead(&mut file.rows, &mut first, file.format, &given.nested).await;
                    inferred.ok_or_else(|| Halt::Failed(NOTHING.into()))?
                }
            };
            let fields = mapping::parse(&body).map_err(|fault| Halt::Failed(fault.to_string()))?;
            shelves::make(work, &name, fields).await?
        }
    };
    let on = exposed.collection.name.clone();
    let load = Load { work, on, fields: &exposed.collection.fields, format: file.format, id: given.id.as_deref() };
    let mut row = 0;
    let mut batch = Batch::default();
    loop {
        let next = match first.pop_front() {
            Some(row) => Some(row),
            None => file.rows.recv().await,
        };
        let Some(next) = next else { break };
        row += 1;
        if row <= left.rows {
            continue;
        }
        // one more has come: the one before is not the last
        if batch.rows >= work.inner.config.jobs.batch as u64 || batch.bytes >= BATCH_BYTES {
            load.send(std::mem::take(&mut batch), false, &mut left).await?;
        }
        load.add(&mut batch, next, row, &mut left.tally);
    }
    load.send(batch, true, &mut left).await?;
    shelves::noticed(work, &load.on).await;
    let read = file.task.await.map_err(|fault| Halt::Failed(fault.to_string()))?;
    let broken = read.err().map(|fault| format!("the file is broken, its rest was not read: {fault:#}"));
    let verdict = match broken {
        Some(why) => Err(Halt::Failed(why)),
        None => left.tally.verdict("loaded"),
    };
    if verdict.is_err() {
        // whoever tries again has changed something: all of it is loaded anew, which leaves the same documents
        work.checkpoint(&Json::Null).await?;
    }
    verdict?;
    Ok(json!({ "documents": left.tally.written }))
}

/// The file as rows, read by a thread that ends when nobody takes them.
struct File {
    format: Format,
    rows: mpsc::Receiver<Row>,
    task: JoinHandle<anyhow::Result<()>>,
}

impl File {
    async fn open(work: &Work, given: &Arguments) -> std::result::Result<Self, Halt> {
        let inner = std::sync::Arc::clone(&work.inner);
        let (id, told) = (std::sync::Arc::clone(&work.running.id), given.format.as_deref().and_then(Format::parse));
        let (give, rows) = mpsc::channel(AHEAD);
        let (tell, format) = tokio::sync::oneshot::channel();
        let task = tokio::task::spawn_blocking(move || {
            let mut head = Vec::new();
            let format = match told {
                Some(format) => format,
                None => {
                    inner.files.open_input(&id)?.take(HEAD).read_to_end(&mut head)?;
                    Format::guess("", &head)
                        .ok_or_else(|| anyhow::anyhow!("the file is neither NDJSON nor JSON: say what format it has"))?
                }
            };
            let input = inner.files.open_input(&id)?;
            drop(inner);
            let _ = tell.send(format);
            reading::read(input, format, |row| give.blocking_send(row).is_ok())
        });
        match format.await {
            Ok(format) => Ok(File { format, rows, task }),
            Err(_) => match task.await {
                Ok(Err(fault)) => Err(Halt::Failed(format!("{fault:#}"))),
                _ => Err(Halt::Failed("the file cannot be read".into())),
            },
        }
    }

    /// Reads it once only to know how much there is to do.
    async fn count(&self, work: &Work) -> std::result::Result<Option<u64>, Halt> {
        let (inner, id, format) = (std::sync::Arc::clone(&work.inner), std::sync::Arc::clone(&work.running.id), self.format);
        let counting = tokio::task::spawn_blocking(move || {
            let input = inner.files.open_input(&id)?;
            drop(inner);
            Result::<_, Error>::Ok(reading::count(input, format))
        });
        Ok(counting.await.map_err(|fault| Halt::Failed(fault.to_string()))??)
    }
}

#[derive(Default)]
struct Batch {
    writes: Vec<(String, Write)>,
    /// Refused ones too.
    rows: u64,
    bytes: usize,
}

struct Load<'l> {
    work: &'l Work,
    on: CollectionName,
    fields: &'l [FieldRef],
    format: Format,
    id: Option<&'l str>,
}

impl Load<'_> {
    fn add(&self, batch: &mut Batch, row: Row, number: u64, tally: &mut Tally) {
        batch.rows += 1;
        let which = format!("line {}", row.line);
        match row.source.and_then(|source| self.document(source, number)) {
            Ok((id, source)) => {
                batch.bytes += source.iter().map(|(name, value)| name.len() + size(value)).sum::<usize>();
                batch.writes.push((which, shelves::put(&self.on, id, source)));
            }
            Err(fault) => tally.refuse(self.work, &which, &fault),
        }
    }

    fn document(&self, source: Source, number: u64) -> std::result::Result<(DocumentId, Source), String> {
        let mut source = if self.format == Format::Csv { shape_cells(source, self.fields) } else { source };
        let id = id_of_row(&mut source, self.id)?.unwrap_or_else(|| format!("{}-{number}", self.work.running.id));
        Ok((DocumentId::parse(&id)?, source))
    }

    async fn send(&self, batch: Batch, last: bool, left: &mut Left) -> std::result::Result<(), Halt> {
        // the last one makes everything visible
        let refresh = if last { Refresh::Now } else { Refresh::None };
        shelves::write(self.work, batch.writes, refresh, &mut left.tally).await?;
        left.rows += batch.rows;
        self.work.progress(left.rows, left.of);
        self.work.checkpoint(left).await
    }
}

/// About as many bytes as it has as text.
fn size(value: &Json) -> usize {
    match value {
        Json::String(text) => text.len() + 2,
        Json::Array(items) => items.iter().map(size).sum::<usize>() + 2,
        Json::Object(object) => object.iter().map(|(name, value)| name.len() + size(value) + 4).sum::<usize>() + 2,
        _ => 6,
    }
}
