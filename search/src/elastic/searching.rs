//! A batch of queries -> one round trip: `_search` for one, `_msearch` for several.

use std::sync::Arc;

use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::client::{Answer, Request, segment};
use super::refining::{self, Refining};
use super::request::{Ask, ask};
use super::response::{Body, counted, page};
use super::suggesting::Doubts;
use super::{Elastic, failure, together};
use crate::{Call, Collection, Error, Page, Query, Result, fusion, union};

/// Elasticsearch refuses a first line of a request over 4,096 bytes; longer names go into the body of an `_msearch`.
pub(super) const PATH_MOST: usize = 3_000;

#[derive(Deserialize)]
struct Bodies {
    responses: Vec<Body>,
}

impl Elastic {
    /// Fused rankings are several searches of the one round trip.
    pub(super) async fn search_all(&self, call: &Call, batch: &[Query]) -> Result<Vec<Result<Page>>> {
        match fusion::expand(batch) {
            Some(expanded) => {
                let answers = self.search_each(call, &expanded.queries).await?;
                Ok(expanded.join(answers))
            }
            None => self.search_each(call, batch).await,
        }
    }

    async fn search_each(&self, call: &Call, batch: &[Query]) -> Result<Vec<Result<Page>>> {
        // a query that cannot be asked fails alone; one that Elasticsearch could not parse would fail all of an `_msearch`
        let mut asks: Vec<Result<Ask>> = Vec::with_capacity(batch.len());
        for query in batch {
            asks.push(self.prepare(call, query).await);
        }
        let sent: Vec<&Ask> = asks.iter().filter_map(|ask| ask.as_ref().ok()).collect();
        let mut answers = match sent.as_slice() {
            [] => Vec::new(),
            [one] if segment_list(&one.target).len() <= PATH_MOST => vec![self.one(call, one).await?],
            several => self.several(call, several).await?,
        }
        .into_iter();
        let (mut pages, mut open) = (Vec::with_capacity(asks.len()), Vec::new());
        for ask in asks {
            let ask = match ask {
                Ok(ask) => ask,
                Err(fault) => {
                    pages.push(Err(fault));
                    continue;
                }
            };
            let body = answers.next().ok_or_else(|| Error::Internal("an answer is missing in a batch".into()))?;
            pages.push(page(body, &ask.reading).map(|(page, doubts)| {
                open.extend(doubts.map(|doubts| (pages.len(), ask, doubts)));
                page
            }));
        }
        self.settle(call, open, &mut pages).await?;
        for (query, page) in batch.iter().zip(&mut pages) {
            if refining::has_failed_so(page)
                && let Some(refining) = Refining::of(query)
                && let Some(refined) = Box::pin(self.refine(call, query, &refining)).await?
            {
                *page = refined;
            }
        }
        Ok(pages)
    }

    async fn refine(&self, call: &Call, query: &Query, refining: &Refining) -> Result<Option<Result<Page>>> {
        let lacking = || Error::internal("an answer is missing in a batch");
        let measured = self.search_each(call, std::slice::from_ref(&refining.measuring)).await?.pop().ok_or_else(lacking)?;
        let Some((rest, answers)) = refining.settle(query, &measured?)? else { return Ok(None) };
        let page = self.search_each(call, &[rest]).await?.pop().ok_or_else(lacking)?;
        Ok(Some(page.map(|mut page| {
            refining::join(&mut page, answers);
            page
        })))
    }

    /// Words that must be counted before they may be suggested: one round trip for all of them.
    async fn settle(&self, call: &Call, open: Vec<(usize, Ask, Doubts)>, pages: &mut [Result<Page>]) -> Result<()> {
        if open.is_empty() {
            return Ok(());
        }
        let counting = |(_, ask, doubts): &(usize, Ask, Doubts)| {
            let mut body = doubts.body.clone();
            if let Some(moment) = ask.body.get("pit") {
                body["pit"] = moment.clone();
            }
            let (target, reading) = (ask.target.clone(), ask.reading.clone());
            Ask { body, target, listed: ask.listed, global_scores: false, preference: None, reading }
        };
        let asks: Vec<Ask> = open.iter().map(counting).collect();
        let answers = self.several(call, &asks.iter().collect::<Vec<_>>()).await?;
        for ((at, _, doubts), answer) in open.iter().zip(answers) {
            let settled = match &mut pages[*at] {
                Ok(page) => counted(answer).and_then(|counts| doubts.settle(counts.as_ref(), page)),
                Err(_) => Ok(()),
            };
            if let Err(fault) = settled {
                pages[*at] = Err(fault);
            }
        }
        Ok(())
    }

    async fn prepare(&self, call: &Call, query: &Query) -> Result<Ask> {
        let together = union::check(query)?;
        let mut collections: Vec<Arc<Collection>> = Vec::with_capacity(query.on.len());
        for name in &query.on {
            collections.push(self.collection(call, name).await?);
        }
        let collections: Vec<&Collection> = collections.iter().map(|collection| &**collection).collect();
        match collections.as_slice() {
            several if together => together::ask(query, several),
            [one] => ask(query, one),
            _ => Err(Error::internal("a query over several collections that was let through")),
        }
    }

    async fn one(&self, call: &Call, ask: &Ask) -> Result<Body> {
        let path = match ask.target.as_str() {
            "" => "_search".to_owned(),
            target => format!("{}/_search", segment_list(target)),
        };
        let mut request = Request::new(Method::Post, path).reading().json(&ask.body);
        request.query = vec![("allow_partial_search_results", "false".into())];
        if ask.listed {
            request = request.with("ignore_unavailable", "true");
        }
        if ask.global_scores {
            request = request.with("search_type", "dfs_query_then_fetch");
        }
        if let Some(preference) = &ask.preference {
            request = request.with("preference", preference);
        }
        let answer = self.client.send(call, request).await?;
        read(&answer)
    }

    async fn several(&self, call: &Call, asks: &[&Ask]) -> Result<Vec<Body>> {
        let mut lines = Vec::with_capacity(asks.len() * 1_024);
        for ask in asks {
            for line in [&header(ask), &ask.body] {
                serde_json::to_writer(&mut lines, line).map_err(Error::internal)?;
                lines.push(b'\n');
            }
        }
        let request = Request::new(Method::Post, "_msearch").reading().lines(lines);
        let answer = self.client.send(call, request).await?;
        let Bodies { responses } = failure::good(&answer)?;
        if responses.len() != asks.len() {
            return Err(Error::Internal(format!("{} answers to {} searches", responses.len(), asks.len())));
        }
        Ok(responses)
    }
}

/// In an `_msearch` what is a parameter of `_search` stands in each header line.
fn header(ask: &Ask) -> Json {
    let mut header = json!({"allow_partial_search_results": false});
    if !ask.target.is_empty() {
        header["index"] = json!(ask.target.split(',').collect::<Vec<_>>());
        if ask.listed {
            header["ignore_unavailable"] = json!(true);
        }
    }
    if ask.global_scores {
        header["search_type"] = json!("dfs_query_then_fetch");
    }
    if let Some(preference) = &ask.preference {
        header["preference"] = json!(preference);
    }
    header
}

/// A refusal of the one search is its own result, as it would be among several.
fn read(answer: &Answer) -> Result<Body> {
    match serde_json::from_slice::<Body>(&answer.body) {
        Ok(body) if body.is_refusal() => Ok(body),
        _ => failure::good(answer),
    }
}

/// Names separated by commas, each encoded; `*` stays, for a pattern of the settings.
pub(super) fn segment_list(target: &str) -> String {
    target.split(',').map(|name| name.split('*').map(segment).collect::<Vec<_>>().join("*")).collect::<Vec<_>>().join(",")
}
