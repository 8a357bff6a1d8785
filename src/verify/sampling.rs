//! Some documents of an index: from its beginning, from its end, and from somewhere between.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::Round;
use super::document::Document;
use super::random::Random;
use crate::catalog::Exposed;
use crate::search::{Call, DocumentId, Engine, Error, Filter, From, Hit, Moment, PageRequest, Query, Result, TotalRequest};

/// Elasticsearch passes over no more.
const WINDOW: u64 = 10_000;
/// Characters of a document that are told.
const TOLD: usize = 600;

#[derive(Default)]
pub(super) struct Sample {
    pub(super) documents: Vec<Document>,
    /// Id and text of each, to be told.
    pub(super) sources: Vec<(String, String)>,
    pub(super) total: u64,
    /// By which they alone are found.
    pub(super) rule: Filter,
    pub(super) skipped: Vec<String>,
}

pub(super) async fn take(
    engine: &dyn Engine,
    exposed: &Exposed,
    round: &Round,
    at: &Moment,
    random: &mut Random,
    call: &Call,
) -> Result<Sample> {
    let all = Query { at: at.clone(), total: TotalRequest::All, ..Query::new(exposed.collection.name.clone()) };
    let counted = Query { page: PageRequest { size: 0, ..PageRequest::default() }, ..all.clone() };
    let total = search(engine, call, &[counted]).await?.first().and_then(|page| page.total).map_or(0, |total| total.value);
    let size = u64::from(round.sample);
    let page = |size: u64, backward, from| {
        let size = u32::try_from(size).unwrap_or(u32::MAX);
        Query { page: PageRequest { size, backward, from }, total: TotalRequest::None, ..all.clone() }
    };
    let mut queries = vec![page(size.min(total), false, From::Start)];
    if total > size {
        let third = size / 3;
        let last = (total - third).min(WINDOW - third);
        let offset = random.below(usize::try_from(last).unwrap_or(1));
        queries = vec![
            page(size - 2 * third, false, From::Start),
            page(third, true, From::Start),
            page(third, false, From::Offset(u32::try_from(offset).unwrap_or(0))),
        ];
    }
    let hits: Vec<Hit> = search(engine, call, &queries).await?.into_iter().flat_map(|page| page.hits).collect();
    let mut sample = Sample { total, ..Sample::default() };
    sample.read(exposed, hits);
    let ids: Vec<DocumentId> = sample.documents.iter().filter_map(|document| DocumentId::parse(&document.id).ok()).collect();
    if ids.len() as u64 != total {
        let here = |ids: Vec<DocumentId>| Query { rule: Filter::Ids(ids), page: all.page.clone(), ..all.clone() };
        sample.rule = Filter::Ids(ids.clone());
        // over several indices others may have the same id
        let found = Query { page: PageRequest { size: 1_000, ..PageRequest::default() }, ..here(ids) };
        let pages = search(engine, call, &[found]).await?;
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for hit in pages.into_iter().flat_map(|page| page.hits) {
            *times.entry(hit.document.id.to_string()).or_default() += 1;
        }
        let before = sample.documents.len();
        sample.documents.retain(|document| times.get(&document.id) == Some(&1));
        if sample.documents.len() < before {
            sample.skipped.push("documents whose id is that of another one".into());
        }
        let ids = sample.documents.iter().filter_map(|document| DocumentId::parse(&document.id).ok()).collect();
        sample.rule = Filter::Ids(ids);
    }
    Ok(sample)
}

async fn search(engine: &dyn Engine, call: &Call, queries: &[Query]) -> Result<Vec<crate::search::Page>> {
    let pages: Vec<_> = engine.search(call, queries).await?.into_iter().collect::<Result<_>>()?;
    if pages.len() == queries.len() { Ok(pages) } else { Err(Error::internal("a page is missing")) }
}

impl Sample {
    fn read(&mut self, exposed: &Exposed, hits: Vec<Hit>) {
        let mut seen = BTreeSet::new();
        for hit in hits {
            let id = hit.document.id.to_string();
            // the parts of a sample may overlap
            if !seen.insert((id.clone(), hit.document.index.to_string())) {
                continue;
            }
            match Document::read(&id, &hit.document.source, &exposed.collection.fields) {
                Ok(document) => {
                    self.documents.push(document);
                    let text = Json::Object(hit.document.source).to_string();
                    self.sources.push((id, text.chars().take(TOLD).collect()));
                }
                Err(why) => self.skipped.push(format!("documents that cannot be read: {why}")),
            }
        }
    }
}
