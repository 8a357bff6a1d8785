//! Whether an engine answers as it should: a plain evaluator, which looks at every document and is never fast, and random queries
//! put to both. The tests of the engines stand on it, and so does `hooke verify`, on a sample of somebody's own documents.
//!
//! The evaluator shares no code with the engines but how single values are read (`search::value`), patterns are parsed, and letters
//! are folded.

mod asking;
mod computing;
mod counting;
mod document;
mod evaluator;
mod likeness;
mod meaning;
mod nearness;
mod random;
mod sampling;
mod told;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::Exposed;
use crate::search::{Call, Collection, Engine, Error, FieldRef, Filter, Moment, Page, Query, Result};

pub use document::{Document, lower};
pub use evaluator::{Evaluator, Expected, Settled};
pub use likeness::alike;
pub use random::Random;
pub use told::Short;
pub use words::{Plain, Words};

use asking::Asking;

/// Queries of one round, and documents of a sample.
pub const CASES_MOST: u32 = 100;
pub const SAMPLE_MOST: u32 = 500;
/// Differences of one round that are told.
const TOLD_MOST: usize = 20;

/// One round: the same seed and sample ask the same of the same documents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Round {
    pub seed: u64,
    pub cases: u32,
    /// Documents at most.
    pub sample: u32,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Documents that were looked at, of so many.
    pub documents: usize,
    pub total: u64,
    pub cases: usize,
    /// Also those that are not told.
    pub different: usize,
    pub differences: Vec<Difference>,
    /// What could not be judged, and why.
    pub skipped: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Of the query in its round.
    pub number: usize,
    /// Its parts, each with its name.
    pub query: Vec<(&'static str, String)>,
    pub told: String,
    /// Documents that it names: the id and the source.
    pub documents: Vec<(String, String)>,
}

/// Asks an engine and the evaluator. A sample that is not all of the index is asked for by its ids beside each query.
pub async fn run(engine: &dyn Engine, exposed: &Exposed, round: &Round, call: &Call) -> Result<Report> {
    let name = &exposed.collection.name;
    // documents that change meanwhile are no differences
    let snapshot = match engine.open_snapshot(call, name).await {
        Ok(id) => Some(id),
        Err(Error::Forbidden(_) | Error::Unsupported(_)) => None,
        Err(fault) => return Err(fault),
    };
    let at = snapshot.clone().map_or(Moment::Live, Moment::Snapshot);
    let report = run_at(engine, exposed, round, &at, call).await;
    if let Some(id) = snapshot {
        // it would end by itself
        let _ = engine.close_snapshot(call, id).await;
    }
    report
}

async fn run_at(engine: &dyn Engine, exposed: &Exposed, round: &Round, at: &Moment, call: &Call) -> Result<Report> {
    let mut random = Random::new(round.seed);
    let mut sample = sampling::take(engine, exposed, round, at, &mut random, call).await?;
    if *at == Moment::Live {
        sample.skipped.push("no snapshot can be taken here: documents written meanwhile may be told as differences".into());
    }
    let fields: Vec<FieldRef> = exposed.all_fields().map(|exposed| Arc::clone(&exposed.field)).collect();
    let (collection, rule) = (Arc::clone(&exposed.collection), sample.rule.clone());
    let documents = std::mem::take(&mut sample.documents);
    let (count, cases, moment) = (documents.len(), round.cases, at.clone());
    let (documents, queries, skipped) = blocking(move || {
        let (mut queries, skipped) = questions(&collection, &fields, &documents, cases as usize, &mut random);
        for query in &mut queries {
            (query.rule, query.at) = (rule.clone(), moment.clone());
        }
        (documents, queries, skipped)
    })
    .await?;
    let pages = if queries.is_empty() { Vec::new() } else { engine.search(call, &queries).await? };
    let sources = sample.sources;
    let found = blocking(move || {
        let evaluator = Evaluator::new(&documents, &Plain);
        let judged = queries.iter().zip(pages).enumerate();
        judged.filter_map(|(number, (query, page))| judge(&evaluator, number, query, page, &sources)).collect::<Vec<_>>()
    })
    .await?;
    sample.skipped.extend(skipped);
    sample.skipped.extend(NEVER.map(str::to_owned));
    Ok(Report {
        documents: count,
        total: sample.total,
        cases: if count == 0 { 0 } else { cases as usize },
        different: found.len(),
        differences: found.into_iter().take(TOLD_MOST).collect(),
        skipped: sample.skipped.into_iter().collect::<BTreeSet<_>>().into_iter().collect(),
    })
}

/// Random queries on these fields of a collection that has these documents, and what cannot be asked for.
pub fn questions(
    collection: &Collection,
    fields: &[FieldRef],
    documents: &[Document],
    count: usize,
    random: &mut Random,
) -> (Vec<Query>, Vec<String>) {
    let asking = Asking::new(collection, fields, documents);
    let count = if documents.is_empty() { 0 } else { count };
    ((0..count).map(|_| asking.query(random)).collect(), asking.skipped)
}

/// What is never judged.
const NEVER: [&str; 2] = [
    "scores, percentiles, and words with typing errors: they stand on documents beyond a sample, or are near values",
    "the order of documents whose keys are equal, first documents of groups, highlights, suggestions",
];

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

fn judge(
    evaluator: &Evaluator<'_>,
    number: usize,
    query: &Query,
    page: Result<Page>,
    sources: &[(String, String)],
) -> Option<Difference> {
    let told = match page {
        Ok(page) => evaluator.compare(query, &page, Settled::Keys).err()?,
        Err(fault) => format!("it was refused: {fault}"),
    };
    let named = |id: &str| told.split([' ', '"', ',', '(', ')', '[', ']']).any(|word| word == id);
    let documents = sources.iter().filter(|(id, _)| named(id)).take(3).cloned().collect();
    Some(Difference { number, query: parts(query), documents, told })
}

fn parts(query: &Query) -> Vec<(&'static str, String)> {
    let mut parts = Vec::new();
    let mut add = |name, there: bool, text: String| {
        if there {
            parts.push((name, text));
        }
    };
    add("search", query.rank.is_some(), format!("{:?}", Short(&query.rank)));
    add("filter", query.filter != Filter::All, format!("{:?}", Short(&query.filter)));
    add("facetFilters", !query.ticks.is_empty(), format!("{:?}", Short(&query.ticks)));
    add("orderBy", !query.order.is_empty(), format!("{:?}", Short(&query.order)));
    add("page", true, format!("{:?}", query.page));
    add("computed", !query.compute.is_empty(), format!("{:?}", Short(&query.compute)));
    parts
}
