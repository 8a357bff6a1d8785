//! Which hashtags a collection has, kept in memory and never stale: everything is kept beside the collection's generation, which is
//! asked for before each use and grows whenever a search would see something else, whoever wrote. What was kept at another
//! generation does not count; where the engine cannot tell generations nothing is kept.
//!
//! A generation is read before the search whose answer is kept beside it. If something changes in between, the answer is newer
//! than its generation, and the next look asks again: that costs a search, never the truth.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use moka::sync::Cache;

use crate::search::value::Value;
use crate::search::{
    Call, CollectionName, Compute, Computed, Direction, Engine, Error, Facet, FacetOrder, Fetch, FieldRef, Filter, PageRequest,
    Query, Result, Scope, Slot, TotalRequest,
};

/// Distinct values told at most.
const DISTINCT: u32 = 1_000;
/// Collections remembered, and hashtags of each.
const SHELVES: u64 = 64;
const TAGS: usize = 50_000;
/// Hashtags looked up in one round trip.
const BATCH: usize = 256;

pub(in crate::rest) struct Known {
    shelves: Cache<CollectionName, Arc<Mutex<Shelf>>>,
    pub(super) doors: super::load::Doors,
}

/// What was seen of one collection at one generation.
#[derive(Default)]
struct Shelf {
    generation: u64,
    /// Hashtag -> whether the collection has it.
    tags: HashMap<String, bool>,
    distinct: Option<Arc<[String]>>,
}

impl Shelf {
    /// Of an older generation nothing is left; what comes late for an older one is not taken.
    fn at(&mut self, generation: u64) -> Option<&mut Shelf> {
        if generation > self.generation {
            *self = Shelf { generation, ..Shelf::default() };
        }
        (generation == self.generation).then_some(self)
    }
}

impl Default for Known {
    fn default() -> Self {
        Known { shelves: Cache::new(SHELVES), doors: super::load::Doors::default() }
    }
}

impl Known {
    /// Those of the tags that the collection has.
    pub(super) async fn among(
        &self,
        engine: &dyn Engine,
        call: &Call,
        on: &CollectionName,
        field: &FieldRef,
        tags: &[String],
    ) -> Result<HashSet<String>> {
        let generation = generation(engine, call, on).await?;
        let mut known = HashSet::new();
        let mut asked: Vec<&String> = Vec::new();
        let mut sort = |kept: &HashMap<String, bool>| {
            for tag in tags {
                match kept.get(tag) {
                    Some(true) => drop(known.insert(tag.clone())),
                    Some(false) => {}
                    None => asked.push(tag),
                }
            }
        };
        if self.with(on, generation, |shelf| sort(&shelf.tags)).is_none() {
            sort(&HashMap::new());
        }
        let mut seen = Vec::with_capacity(asked.len());
        for batch in asked.chunks(BATCH) {
            let queries: Vec<Query> = batch.iter().map(|tag| is_there(on, field, tag)).collect();
            let pages = engine.search(call, &queries).await?;
            if pages.len() != batch.len() {
                return Err(Error::internal("an answer lacks items of a batch"));
            }
            for (tag, page) in batch.iter().zip(pages) {
                let total = page?.total.ok_or_else(|| Error::internal("a total was asked for"))?;
                seen.push(((*tag).clone(), total.value > 0));
            }
        }
        known.extend(seen.iter().filter(|(_, there)| *there).map(|(tag, _)| tag.clone()));
        self.with(on, generation, |shelf| {
            if shelf.tags.len() + seen.len() > TAGS {
                shelf.tags.clear();
            }
            shelf.tags.extend(seen.into_iter().take(TAGS));
        });
        Ok(known)
    }

    /// All distinct values, or 1,000 of them.
    pub(super) async fn distinct(
        &self,
        engine: &dyn Engine,
        call: &Call,
        on: &CollectionName,
        field: &FieldRef,
    ) -> Result<Arc<[String]>> {
        let generation = generation(engine, call, on).await?;
        if let Some(Some(kept)) = self.with(on, generation, |shelf| shelf.distinct.clone()) {
            return Ok(kept);
        }
        let values = read_distinct(engine, call, on, field).await?;
        self.with(on, generation, |shelf| shelf.distinct = Some(values.clone()));
        Ok(values)
    }

    /// The shelf of this collection, if it is of this generation.
    fn with<T>(&self, on: &CollectionName, generation: Option<u64>, f: impl FnOnce(&mut Shelf) -> T) -> Option<T> {
        let shelf = self.shelves.get_with(on.clone(), Arc::default);
        let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
        shelf.at(generation?).map(f)
    }
}

async fn generation(engine: &dyn Engine, call: &Call, on: &CollectionName) -> Result<Option<u64>> {
    Ok(engine.generations(call).await?.and_then(|all| all.get(on).copied()))
}

fn is_there(on: &CollectionName, field: &FieldRef, tag: &str) -> Query {
    Query {
        filter: Filter::OneOf(field.clone(), vec![Value::Text(tag.to_owned())]),
        page: PageRequest { size: 0, ..PageRequest::default() },
        total: TotalRequest::UpTo(1),
        fetch: Fetch { fields: Some(Vec::new()), ..Fetch::default() },
        ..Query::new(on.clone())
    }
}

/// The first of them in their order, counted by the engine.
async fn read_distinct(engine: &dyn Engine, call: &Call, on: &CollectionName, field: &FieldRef) -> Result<Arc<[String]>> {
    const SLOT: Slot = 0;
    let facet = Facet {
        scope: Scope::Matched,
        values: Some(DISTINCT),
        order: vec![FacetOrder::Value(Direction::Asc)],
        ..Facet::new(field.clone())
    };
    let query = Query {
        page: PageRequest { size: 0, ..PageRequest::default() },
        fetch: Fetch { fields: Some(Vec::new()), ..Fetch::default() },
        compute: vec![(SLOT, Compute::Facet(facet))],
        ..Query::new(on.clone())
    };
    let mut pages = engine.search(call, &[query]).await?;
    let page = pages.pop().ok_or_else(|| Error::internal("no page for a query"))??;
    match page.computed.into_iter().find(|(slot, _)| *slot == SLOT) {
        Some((_, Computed::Facet { values, .. })) => Ok(values
            .into_iter()
            .filter_map(|counted| match counted.value {
                Some(Value::Text(tag)) => Some(tag),
                _ => None,
            })
            .collect()),
        _ => Err(Error::internal("no facet for a query")),
    }
}
