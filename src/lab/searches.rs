//! The same searches one after another, at once, and as one operation, against the engine in use: what a round trip costs.

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::Value as Json;
use tokio::time::Instant;

use super::Meter;
use crate::catalog::Exposed;
use crate::search::{
    Call, Engine, Error, Fetch, From, Fuzziness, Kind, Operator, Page, PageRequest, Query, Rank, Result, Source, TextMatch,
};

/// Documents that words are taken from.
const SAMPLE: u32 = 50;

#[derive(Clone, Debug)]
pub struct Searches {
    pub collection: String,
    /// What was searched for; empty where the collection has no text, and its pages were asked for.
    pub words: Vec<String>,
    pub sequence: Timing,
    pub at_once: Timing,
    /// All in one round trip.
    pub together: Timing,
    /// The three ways found the same documents.
    pub same: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Timing {
    /// When each search was answered, since the start of its way.
    pub finished: Vec<Duration>,
    pub elapsed: Duration,
}

/// Three times `count` searches. `call` gives each round trip a deadline of its own.
pub async fn search_all(
    engine: &dyn Engine,
    exposed: &Exposed,
    count: u32,
    call: impl Fn() -> Call,
    meter: &Meter,
) -> Result<Searches> {
    let (queries, words) = queries(engine, exposed, count, &call()).await?;

    let start = Instant::now();
    let (mut sequence, mut found) = (Timing::default(), Vec::new());
    for query in &queries {
        found.push(ids(&one(engine, &call(), query).await?));
        sequence.finished.push(start.elapsed());
        meter.one_more();
    }
    sequence.elapsed = start.elapsed();

    let start = Instant::now();
    let answers = join_all(queries.iter().map(|query| async {
        let page = one(engine, &call(), query).await?;
        meter.one_more();
        Result::Ok((start.elapsed(), ids(&page)))
    }))
    .await;
    let mut at_once = Timing { finished: Vec::new(), elapsed: start.elapsed() };
    let mut same = true;
    for (answer, found) in answers.into_iter().zip(&found) {
        let (finished, ids) = answer?;
        at_once.finished.push(finished);
        same &= ids == *found;
    }

    let start = Instant::now();
    let pages = engine.search(&call(), &queries).await?;
    let elapsed = start.elapsed();
    same &= pages.len() == found.len();
    for (page, found) in pages.into_iter().zip(&found) {
        same &= ids(&page?) == *found;
        meter.one_more();
    }
    let together = Timing { finished: vec![elapsed; queries.len()], elapsed };
    Ok(Searches { collection: exposed.collection.name.as_str().to_owned(), words, sequence, at_once, together, same })
}

async fn one(engine: &dyn Engine, call: &Call, query: &Query) -> Result<Page> {
    let mut pages = engine.search(call, std::slice::from_ref(query)).await?;
    pages.pop().ok_or_else(|| Error::internal("no page for a query"))?
}

fn ids(page: &Page) -> Vec<String> {
    let mut ids: Vec<String> = page.hits.iter().map(|hit| hit.document.id.as_str().to_owned()).collect();
    ids.sort_unstable();
    ids
}

/// Searches for words of the collection itself, in its text; pages of it where there is none.
async fn queries(engine: &dyn Engine, exposed: &Exposed, count: u32, call: &Call) -> Result<(Vec<Query>, Vec<String>)> {
    let name = exposed.collection.name.clone();
    let texts: Vec<_> = exposed
        .all_fields()
        .filter(|field| matches!(field.field.kind, Kind::Text { .. }))
        .filter(|field| field.field.nested.is_none())
        .collect();
    let paths = texts.iter().map(|field| field.field.path.as_str().into()).collect();
    let sample = Query {
        page: PageRequest { size: SAMPLE, ..PageRequest::default() },
        fetch: Fetch { fields: Some(paths), ..Fetch::default() },
        ..Query::new(name.clone())
    };
    let page = one(engine, call, &sample).await?;
    let mut words = Vec::new();
    for hit in &page.hits {
        collect(&hit.document.source, &mut words);
    }
    let all = u32::try_from(page.hits.len()).unwrap_or(u32::MAX).max(1);
    // identifiers alone: what documents hold is not shown
    let lean = Fetch { fields: Some(Vec::new()), ..Fetch::default() };
    if words.is_empty() {
        let page = |n: u32| PageRequest {
            size: 10,
            backward: false,
            from: if n.is_multiple_of(all) { From::Start } else { From::Offset(n % all) },
        };
        let queries = (0..count).map(|n| Query { page: page(n), fetch: lean.clone(), ..Query::new(name.clone()) }).collect();
        return Ok((queries, words));
    }
    words = (0..count as usize).map(|n| words[n % words.len()].clone()).collect();
    let fields: Vec<_> = texts.iter().map(|field| (field.field.clone(), 1.0)).collect();
    let rank = |word: &String| {
        Rank::Text(TextMatch { query: word.clone(), fields: fields.clone(), operator: Operator::Or, fuzziness: Fuzziness::None })
    };
    let queries =
        words.iter().map(|word| Query { rank: Some(rank(word)), fetch: lean.clone(), ..Query::new(name.clone()) }).collect();
    Ok((queries, words))
}

/// Words of some length, each once.
fn collect(source: &Source, words: &mut Vec<String>) {
    fn walk(value: &Json, words: &mut Vec<String>) {
        match value {
            Json::String(text) => {
                for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| (4..=24).contains(&word.chars().count())) {
                    let word = word.to_lowercase();
                    if words.len() < 500 && !words.contains(&word) {
                        words.push(word);
                    }
                }
            }
            Json::Array(items) => items.iter().for_each(|item| walk(item, words)),
            Json::Object(object) => object.values().for_each(|item| walk(item, words)),
            _ => {}
        }
    }
    source.values().for_each(|value| walk(value, words));
}
