//! Documents by their ids.
//!
//! Of a single index they are read by `_mget`, which sees every acknowledged write. Through an alias, a pattern or a data
//! stream that would miss their filters and their other indices, so there it is a search for ids, as it is under a rule.
//! Whoever has other searches to send along asks for `Filter::Ids` in the same batch instead.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use elasticsearch::http::Method;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::client::Request;
use super::{Elastic, failure};
use crate::{
    Call, Collection, CollectionName, DocRef, Document, DocumentId, Error, Fetch, Filter, Kind, Origin, Page, Query, Result,
    Source, Version,
};

#[derive(Deserialize)]
struct Got {
    docs: Vec<One>,
}

#[derive(Deserialize)]
struct One {
    #[serde(rename = "_index")]
    index: String,
    #[serde(default)]
    found: bool,
    #[serde(rename = "_seq_no")]
    seq_no: Option<u64>,
    #[serde(rename = "_primary_term")]
    primary_term: Option<u64>,
    #[serde(rename = "_routing")]
    routing: Option<String>,
    #[serde(rename = "_source", default)]
    source: Source,
    error: Option<Json>,
}

impl Elastic {
    pub(super) async fn fetch(
        &self,
        call: &Call,
        documents: &[DocRef],
        fetch: &Fetch,
        rule: &Filter,
    ) -> Result<Vec<Option<Document>>> {
        let mut direct: Vec<(usize, &DocRef)> = Vec::new();
        let mut searched: BTreeMap<&CollectionName, Vec<(usize, &DocRef)>> = BTreeMap::new();
        let mut vectors = false;
        for (place, document) in documents.iter().enumerate() {
            let collection = self.collection(call, &document.collection).await?;
            let strange = |index: &Arc<str>| match &collection.origin {
                Origin::Index => **index != *collection.name.as_str(),
                Origin::Many { indices, .. } => !indices.iter().any(|own| **own == **index),
            };
            if document.index.as_ref().is_some_and(strange) {
                // an index that is none of this collection: whatever lies there is not asked for
                continue;
            }
            if collection.origin == Origin::Index && *rule == Filter::All {
                vectors |= has_vectors(&collection);
                direct.push((place, document));
            } else {
                searched.entry(&document.collection).or_default().push((place, document));
            }
        }
        let (got, found) = futures_util::try_join!(
            self.read_direct(call, &direct, fetch, vectors),
            self.search_ids(call, &searched, fetch, rule)
        )?;
        let mut all: Vec<Option<Document>> = documents.iter().map(|_| None).collect();
        for (place, document) in got.into_iter().chain(found) {
            all[place] = Some(document);
        }
        Ok(all)
    }

    async fn read_direct(
        &self,
        call: &Call,
        asked: &[(usize, &DocRef)],
        fetch: &Fetch,
        vectors: bool,
    ) -> Result<Vec<(usize, Document)>> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let documents: Vec<Json> = asked
            .iter()
            .map(|(_, document)| {
                let mut one = json!({"_index": document.collection.as_str(), "_id": document.id.as_str()});
                if let Some(routing) = &document.routing {
                    one["routing"] = json!(&**routing);
                }
                match fetch.fields.as_deref() {
                    None => {}
                    Some([]) => one["_source"] = json!(false),
                    Some(fields) => one["_source"] = fields.iter().map(|path| json!(&**path)).collect(),
                }
                one
            })
            .collect();
        let answer = self.mget(call, &json!({"docs": documents}), vectors).await?;
        let Got { docs } = failure::good(&answer)?;
        if docs.len() != asked.len() {
            return Err(Error::Internal(format!("{} answers to {} ids", docs.len(), asked.len())));
        }
        let mut found = Vec::with_capacity(docs.len());
        for ((place, asked), one) in asked.iter().zip(docs) {
            if let Some(error) = &one.error {
                return Err(failure::of_error(error["status"].as_u64().map_or(500, |status| status as u16), error));
            }
            if one.found {
                found.push((*place, document(&asked.id, one)?));
            }
        }
        Ok(found)
    }

    /// From 9.2 on vectors are left out unless this is said, and before it saying so is a fault: learnt by trying once.
    async fn mget(&self, call: &Call, body: &Json, vectors: bool) -> Result<super::client::Answer> {
        let request = || Request::new(Method::Post, "_mget").reading().json(body);
        if !vectors || self.plain_vectors.load(Ordering::Relaxed) {
            return self.client.send(call, request()).await;
        }
        let answer = self.client.send(call, request().with("_source_exclude_vectors", "false")).await?;
        if answer.status == 400 && String::from_utf8_lossy(&answer.body).contains("unrecognized parameter") {
            self.plain_vectors.store(true, Ordering::Relaxed);
            return self.client.send(call, request()).await;
        }
        Ok(answer)
    }

    async fn search_ids(
        &self,
        call: &Call,
        asked: &BTreeMap<&CollectionName, Vec<(usize, &DocRef)>>,
        fetch: &Fetch,
        rule: &Filter,
    ) -> Result<Vec<(usize, Document)>> {
        if asked.is_empty() {
            return Ok(Vec::new());
        }
        let mut queries = Vec::new();
        for (name, documents) in asked {
            let mut query = Query::new((*name).clone());
            query.filter = Filter::Ids(documents.iter().map(|(_, document)| document.id.clone()).collect());
            query.rule = rule.clone();
            query.fetch = Fetch { fields: fetch.fields.clone(), ..Fetch::default() };
            // an id may stand in several indices
            query.page.size = u32::try_from(documents.len() * 4 + 10).unwrap_or(9_999).min(9_999);
            queries.push(query);
        }
        let pages = self.search_all(call, &queries).await?;
        let mut found = Vec::new();
        for (documents, page) in asked.values().zip(pages) {
            let Page { hits, has_next, .. } = page?;
            if has_next {
                return Err(Error::Limit("too many ids at once".into()));
            }
            for (place, asked) in documents {
                let mut fitting = hits.iter().map(|hit| &hit.document).filter(|document| {
                    document.id == asked.id && asked.index.as_ref().is_none_or(|index| *index == document.index)
                });
                if let Some(document) = fitting.next() {
                    if fitting.next().is_some() {
                        return Err(several(&asked.id));
                    }
                    found.push((*place, document.clone()));
                }
            }
        }
        Ok(found)
    }
}

pub(super) fn several(id: &DocumentId) -> Error {
    Error::Conflict(format!("several documents of this collection have the id {id}: ask for one by its nodeId"))
}

fn has_vectors(collection: &Collection) -> bool {
    collection.all_fields().iter().any(|field| matches!(field.kind, Kind::Vector { .. }))
}

fn document(id: &DocumentId, one: One) -> Result<Document> {
    let lacking = || Error::Internal("a document without its version".into());
    Ok(Document {
        id: id.clone(),
        index: one.index.into(),
        routing: one.routing.map(Arc::from),
        version: Version { seq_no: one.seq_no.ok_or_else(lacking)?, primary_term: one.primary_term.ok_or_else(lacking)? },
        source: one.source,
    })
}
