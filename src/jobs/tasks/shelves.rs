//! The collections that tasks read and fill: found in the catalog, made where they are not there, written in batches that are tried
//! again until each document was taken or refused.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;
use tokio::time::timeout;

use super::super::work::{Halt, Work};
use super::super::{Inner, Job, Order};
use super::wrong;
use crate::catalog::ask::{self, Frame};
use crate::catalog::{Exposed, Watch};
use crate::config::Writes;
use crate::search::{
    Action, Collection, CollectionName, DocumentId, Error, FieldRef, Filter, Precondition, Refresh, Result, Source, Write,
    mapping,
};

/// After a start the catalog may have to be read first.
const CATALOG: Duration = Duration::from_secs(60);
/// How often what the engine had no room for is sent again; with the pauses about two minutes in all.
const ATTEMPTS: u32 = 18;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Refused documents that are told one by one.
const TOLD: u64 = 40;

/// When a job is started: the collection must be there, and the catalog was read before the server was ready.
pub(super) fn named(catalog: &Watch, name: Option<&str>) -> Result<Arc<Exposed>> {
    let name = name.ok_or_else(nameless)?;
    let catalog = catalog.now();
    if catalog.revision == 0 {
        return Err(Error::Unavailable("the catalog was not read yet".into()));
    }
    catalog.collection(name).cloned().ok_or_else(|| missing(name))
}

fn nameless() -> Error {
    Error::Invalid { message: "name a collection".into(), path: vec!["collection".into()] }
}

fn missing(name: &str) -> Error {
    Error::NotFound(format!("there is no collection {:?}", name.chars().take(64).collect::<String>()))
}

/// Where something is to be made: its name, and whether it is there already.
pub(super) fn target(inner: &Inner, catalog: &Watch, name: &str, path: &[&str]) -> Result<bool> {
    if catalog.now().collection(name).is_some() {
        return Ok(true);
    }
    CollectionName::parse(name).map_err(|fault| wrong(fault.to_string(), path))?;
    if !catalog.is_whole() {
        return Err(Error::NotFound(format!("there is no collection {name} that your role may write")));
    }
    may_make(inner, name)?;
    Ok(false)
}

/// The collection that a job fills is the job's; `to` among the arguments names it too.
pub(super) fn filled(inner: &Inner, catalog: &Watch, order: &mut Order, to: Option<String>) -> Result<()> {
    if let Some(to) = to {
        order.arguments.remove("to");
        order.collection = Some(to);
    }
    let name = order.collection.as_deref().ok_or_else(nameless)?;
    target(inner, catalog, name, &["collection"]).map(drop)
}

/// Of a collection that may have to be made.
pub(super) fn check_mapping(given: Option<&Json>) -> Result<()> {
    let Some(body) = given else { return Ok(()) };
    mapping::parse(body).map(drop).map_err(|fault| wrong(fault.to_string(), &["mapping"]))
}

fn may_make(inner: &Inner, name: &str) -> Result<()> {
    if inner.config.writes() == Writes::All {
        return Ok(());
    }
    Err(Error::Forbidden(format!(
        "there is no collection {name}, and it may not be made: the setting writes (HOOKE_WRITES, --writes) must be all"
    )))
}

/// A filter in the words of the collection's fields; `now` in it is when the job was made.
pub(super) fn filter(inner: &Inner, on: &Exposed, given: Option<&Json>, job: Option<&Job>) -> Result<Filter> {
    let Some(given) = given else { return Ok(Filter::All) };
    let now = job.map_or_else(crate::search::date::Time::now, |job| job.created_at.time());
    let frame = Frame { limits: &inner.config.limits, now };
    ask::filter(frame, on, given).map_err(|fault| {
        let path = std::iter::once("arguments".to_owned()).chain(fault.path).collect();
        Error::Invalid { message: fault.message, path }
    })
}

/// When a job runs: waits for a catalog that was just begun, and looks again where the collection is not known.
pub(super) async fn find(work: &Work, name: &str) -> std::result::Result<Option<Arc<Exposed>>, Halt> {
    let catalog = &work.catalog;
    let mut changes = catalog.changes();
    let known = async { changes.wait_for(|catalog| catalog.revision > 0).await.map(drop) };
    if !matches!(timeout(CATALOG, known).await, Ok(Ok(()))) {
        return Err(Halt::Failed("the collections could not be read".into()));
    }
    if let Some(found) = catalog.now().collection(name) {
        return Ok(Some(found.clone()));
    }
    work.patiently(|call| async move { catalog.refresh(&call).await }).await?;
    Ok(catalog.now().collection(name).cloned())
}

/// As [`find`], where it must be there.
pub(super) async fn get(work: &Work, name: Option<&str>) -> std::result::Result<Arc<Exposed>, Halt> {
    let name = name.unwrap_or_default();
    find(work, name).await?.ok_or_else(|| missing(name).into())
}

/// Makes a collection that is not there.
pub(super) async fn make(work: &Work, name: &str, fields: Vec<FieldRef>) -> std::result::Result<Arc<Exposed>, Halt> {
    may_make(&work.inner, name)?;
    let parsed = CollectionName::parse(name).map_err(|fault| Halt::Failed(fault.to_string()))?;
    let collection = Collection::new(parsed, fields);
    work.go_on().await?;
    let wanted = &collection;
    work.patiently(|call| async move {
        match work.engine.create(&call, wanted).await {
            // somebody, or we ourselves before a crash
            Ok(()) | Err(Error::Conflict(_)) => Ok(()),
            Err(fault) => Err(fault),
        }
    })
    .await?;
    work.go_on().await?;
    work.patiently(|call| async move { work.catalog.refresh(&call).await }).await?;
    let made = work.catalog.now().collection(name).cloned();
    made.ok_or_else(|| Halt::Failed(format!("{name} is there, but the settings leave it out")))
}

pub(super) fn put(on: &CollectionName, id: DocumentId, source: Source) -> Write {
    Write { on: on.clone(), rule: Filter::All, action: Action::Index { id: Some(id), source, precondition: Precondition::None } }
}

/// What has become of documents so far; part of checkpoints.
#[derive(Clone, Copy, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(super) struct Tally {
    pub(super) written: u64,
    pub(super) refused: u64,
}

impl Tally {
    /// One was not taken, and why.
    pub(super) fn refuse(&mut self, work: &Work, which: &str, why: &str) {
        self.refused += 1;
        match self.refused {
            ..=TOLD => work.say(&format!("{which}: {why}")),
            number if number == TOLD + 1 => work.say("more were refused; they are only counted"),
            _ => {}
        }
    }

    /// The end of a task that has seen all of its documents.
    pub(super) fn verdict(&self, what: &str) -> std::result::Result<(), Halt> {
        match self.refused {
            0 => Ok(()),
            1 => Err(Halt::Failed(format!("1 document was refused (see the log), {} were {what}", self.written))),
            refused => Err(Halt::Failed(format!("{refused} documents were refused (see the log), {} were {what}", self.written))),
        }
    }
}

/// Writes a batch, each item with what it is called in the log, until each was taken or refused. Every write of it can be sent twice.
pub(super) async fn write(
    work: &Work,
    mut batch: Vec<(String, Write)>,
    refresh: Refresh,
    tally: &mut Tally,
) -> std::result::Result<(), Halt> {
    let mut pause = FIRST_PAUSE;
    for attempt in 1.. {
        if batch.is_empty() {
            break;
        }
        work.go_on().await?;
        let writes: Vec<Write> = batch.iter().map(|(_, write)| write.clone()).collect();
        let outcomes = {
            let writes = &writes;
            work.patiently(|call| async move { work.engine.write(&call, writes.clone(), refresh).await }).await?
        };
        if outcomes.len() != batch.len() {
            return Err(Error::internal("an answer lacks items of a batch").into());
        }
        let mut again = Vec::new();
        for ((which, write), outcome) in batch.into_iter().zip(outcomes) {
            match outcome {
                Ok(_) => tally.written += 1,
                Err(Error::Unavailable(_) | Error::Timeout) if attempt < ATTEMPTS => again.push((which, write)),
                Err(fault) => tally.refuse(work, &which, &told(&fault)),
            }
        }
        batch = again;
        if !batch.is_empty() {
            work.rest(pause).await?;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
    Ok(())
}

/// Where in the document, and what.
pub(super) fn told(fault: &Error) -> String {
    match fault {
        Error::Invalid { message, path } if !path.is_empty() && !message.contains(&path.join(".")) => {
            format!("{}: {message}", path.join("."))
        }
        other => other.to_string(),
    }
}

/// Searches see what was written: so does the catalog, which may want to know what is a list.
pub(super) async fn noticed(work: &Work, on: &CollectionName) {
    if let Err(fault) = work.catalog.documents_came(&work.call(), on).await {
        tracing::debug!(cause = fault.cause(), "the catalog did not look: {fault}");
    }
}
