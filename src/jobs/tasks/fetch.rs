//! `FETCH`: someone else's API into a collection: one call after the other is made inside the limit of the upstream, and each answer
//! becomes a document: an object as it is, a list of objects each of them, anything else as the field `answer`. A document without an
//! id gets one made of the job's id and the number of the call, so that what is fetched twice leaves one document. Done again after a
//! crash: the calls since the last checkpoint, about a second's or one batch.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::super::reading::{Inference, id_of_row};
use super::super::work::{Done, Halt, Work};
use super::super::{Inner, Order};
use super::shelves::{self, Tally};
use super::{arguments, wrong};
use crate::catalog::{Exposed, Watch};
use crate::search::{DocumentId, Refresh, Result, Source, mapping};
use crate::upstream::Upstream;

const MOST: u32 = 100_000;
/// Calls on their way at once; the settings of the upstream may allow fewer.
const AHEAD: usize = 100;
/// What has come is written at the latest after so long.
const KEPT: Duration = Duration::from_secs(1);
/// So long a call may wait for its turn.
const TURN: Duration = Duration::from_secs(86_400);
/// More calls that fail mean that it makes no sense to go on.
const FAILURES: usize = 100;
/// After a start an upstream of our own may have to be started first.
const STARTING: u32 = 100;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Arguments {
    /// Its name in the settings; without it the one that the lab uses.
    #[serde(default)]
    upstream: Option<String>,
    calls: u32,
    /// The field whose value is the id.
    #[serde(default)]
    id: Option<String>,
    /// Of the collection, where it is made.
    #[serde(default)]
    mapping: Option<Json>,
    /// A collection that is not there yet, where `collection` can only name one that is.
    #[serde(default)]
    to: Option<String>,
}

#[derive(Clone, Default, Serialize, Deserialize)]
struct Left {
    /// Calls up to this number were made, but for those in the two lists.
    made: u32,
    /// To be made before the others: they failed when this was tried before.
    again: Vec<u32>,
    /// They failed this time.
    failed: Vec<u32>,
    tally: Tally,
}

pub(super) fn accept(inner: &Inner, catalog: &Watch, mut order: Order) -> Result<Order> {
    let given: Arguments = arguments(&order.arguments)?;
    if !(1..=MOST).contains(&given.calls) {
        return Err(wrong(format!("calls lies between 1 and {MOST}"), &["calls"]));
    }
    let upstream =
        inner.upstreams.usual(&inner.config, given.upstream.as_deref()).map_err(|fault| wrong(fault, &["upstream"]))?;
    // what is usual may change; the job stays with what it was started with
    order.arguments.insert("upstream".into(), upstream.name().into());
    shelves::filled(inner, catalog, &mut order, given.to)?;
    shelves::check_mapping(given.mapping.as_ref())?;
    Ok(order)
}

pub(super) async fn run(work: &Work) -> Done {
    let given: Arguments = work.arguments()?;
    let name = work.job().collection.unwrap_or_default();
    let upstream = upstream(work, given.upstream.as_deref()).await?;
    let exposed = shelves::find(work, &name).await?;
    let mut fetch = Fetch { work, given, name, exposed, left: work.left()?.unwrap_or_default() };
    let numbers: Vec<u32> = fetch.left.again.iter().copied().chain(fetch.left.made + 1..=fetch.given.calls).collect();
    fetch.tell();

    let start = Instant::now();
    let calls = numbers.into_iter().map(|number| {
        let upstream = &upstream;
        async move { upstream.call_limited(number, start, Instant::now() + TURN).await }
    });
    // in their order, so that a checkpoint says where to go on
    let mut answers = stream::iter(calls).buffered(AHEAD);
    let mut batch = Batch::default();
    loop {
        let next = tokio::select! {
            () = work.running.stopped() => return Err(Halt::Told),
            next = answers.next() => next,
            () = tokio::time::sleep_until(batch.began.unwrap_or(start) + KEPT), if batch.began.is_some() => {
                fetch.send(&mut batch, Refresh::None).await?;
                continue;
            }
        };
        let Some(answer) = next else { break };
        batch.began.get_or_insert_with(Instant::now);
        batch.numbers.push(answer.number);
        match answer.outcome {
            Ok(reply) => batch.documents.extend(documents(&reply.body).map(|source| (answer.number, source))),
            Err(fault) => {
                work.say(&format!("call {}: {fault}", answer.number));
                batch.failed.push(answer.number);
                if fetch.left.failed.len() + batch.failed.len() > FAILURES {
                    fetch.send(&mut batch, Refresh::Now).await?;
                    return fetch.give_up("so many calls failed that it was given up").await;
                }
            }
        }
        if batch.documents.len() >= work.inner.config.jobs.batch {
            fetch.send(&mut batch, Refresh::None).await?;
        }
    }
    // the last one makes everything visible
    fetch.send(&mut batch, Refresh::Now).await?;
    if let Some(exposed) = &fetch.exposed {
        shelves::noticed(work, &exposed.collection.name).await;
    }
    if !fetch.left.failed.is_empty() {
        return fetch.give_up("see the log").await;
    }
    let verdict = fetch.left.tally.verdict("stored");
    if verdict.is_err() {
        // whoever tries again has changed something: all of it is fetched anew, which leaves the same documents
        work.checkpoint(&Json::Null).await?;
    }
    verdict?;
    Ok(json!({ "calls": fetch.given.calls, "documents": fetch.left.tally.written }))
}

async fn upstream(work: &Work, name: Option<&str>) -> std::result::Result<Arc<Upstream>, Halt> {
    let mut looks = 0;
    loop {
        match work.inner.upstreams.usual(&work.inner.config, name) {
            Ok(upstream) => return Ok(upstream),
            Err(fault) if looks >= STARTING => return Err(Halt::Failed(fault)),
            Err(_) => work.rest(KEPT / 10).await?,
        }
        looks += 1;
    }
}

/// What has come since the last checkpoint.
#[derive(Default)]
struct Batch {
    numbers: Vec<u32>,
    failed: Vec<u32>,
    documents: Vec<(u32, Source)>,
    began: Option<Instant>,
}

struct Fetch<'w> {
    work: &'w Work,
    given: Arguments,
    name: String,
    /// `None`: it is made when the first answers have come.
    exposed: Option<Arc<Exposed>>,
    left: Left,
}

impl Fetch<'_> {
    /// Stores what has come, and says so.
    async fn send(&mut self, batch: &mut Batch, refresh: Refresh) -> std::result::Result<(), Halt> {
        let Batch { numbers, failed, documents, .. } = std::mem::take(batch);
        let mut writes = Vec::with_capacity(documents.len());
        if !documents.is_empty() {
            let on = self.shelf(&documents).await?.collection.name.clone();
            let mut last = (0, 0);
            for (number, source) in documents {
                last = if last.0 == number { (number, last.1 + 1) } else { (number, 0) };
                let which = format!("call {number}");
                match self.write(last, source) {
                    Ok((id, source)) => writes.push((which, shelves::put(&on, id, source))),
                    Err(why) => self.left.tally.refuse(self.work, &which, &why),
                }
            }
        }
        shelves::write(self.work, writes, refresh, &mut self.left.tally).await?;
        self.left.again.retain(|number| !numbers.contains(number));
        self.left.made = numbers.into_iter().fold(self.left.made, u32::max);
        self.left.failed.extend(failed);
        self.tell();
        self.work.checkpoint(&self.left).await
    }

    fn write(&self, (number, nth): (u32, u32), mut source: Source) -> std::result::Result<(DocumentId, Source), String> {
        let own = || match nth {
            0 => format!("{}-{number}", self.work.running.id),
            nth => format!("{}-{number}-{nth}", self.work.running.id),
        };
        let id = id_of_row(&mut source, self.given.id.as_deref())?.unwrap_or_else(own);
        Ok((DocumentId::parse(&id)?, source))
    }

    async fn shelf(&mut self, documents: &[(u32, Source)]) -> std::result::Result<Arc<Exposed>, Halt> {
        if let Some(exposed) = &self.exposed {
            return Ok(exposed.clone());
        }
        let body = match &self.given.mapping {
            Some(body) => body.clone(),
            None => {
                let mut inference = Inference::default();
                documents.iter().for_each(|(_, source)| inference.add(source));
                inference.mapping(&[])
            }
        };
        let fields = mapping::parse(&body).map_err(|fault| Halt::Failed(fault.to_string()))?;
        let made = shelves::make(self.work, &self.name, fields).await?;
        Ok(self.exposed.insert(made).clone())
    }

    fn tell(&self) {
        let open = u32::try_from(self.left.again.len()).unwrap_or(u32::MAX);
        self.work.progress(u64::from(self.left.made.saturating_sub(open)), Some(u64::from(self.given.calls)));
    }

    /// Whoever tries again makes the calls that failed, and those that were not made yet.
    async fn give_up(&mut self, why: &str) -> Done {
        let failed = std::mem::take(&mut self.left.failed);
        let count = failed.len();
        self.left.again.extend(failed);
        self.work.checkpoint(&self.left).await?;
        Err(Halt::Failed(format!(
            "{count} of {} calls failed ({why}), {} documents were stored",
            self.given.calls, self.left.tally.written
        )))
    }
}

fn documents(body: &str) -> impl Iterator<Item = Source> + use<> {
    let answer = || Source::from_iter([("answer".to_owned(), Json::from(body))]);
    let found = match serde_json::from_str::<Json>(body) {
        Ok(Json::Object(object)) => vec![object],
        Ok(Json::Array(items)) if items.iter().all(Json::is_object) => {
            items.into_iter().filter_map(|item| if let Json::Object(object) = item { Some(object) } else { None }).collect()
        }
        _ => vec![answer()],
    };
    found.into_iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_document_or_several() {
        let all = |body: &str| documents(body).map(Json::Object).collect::<Vec<_>>();
        assert_eq!(all(r#"{"a":1}"#), [json!({ "a": 1 })]);
        assert_eq!(all(r#"[{"a":1},{"a":2}]"#), [json!({ "a": 1 }), json!({ "a": 2 })]);
        assert_eq!(all("[]"), Vec::<Json>::new());
        assert_eq!(all("[1]"), [json!({ "answer": "[1]" })]);
        assert_eq!(all("plain"), [json!({ "answer": "plain" })]);
    }
}
