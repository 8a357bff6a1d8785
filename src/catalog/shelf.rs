//! A hidden collection of hooke's own state: documents under ids, read as they are now and written over the version that was read, so
//! that several processes share them. It is made when something is first put there; until then nothing is found. What the documents
//! hold is up to whoever keeps them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde::Serialize;
use serde_json::Value as Json;

use crate::search::{
    Action, Call, Collection, CollectionName, DocRef, Document, DocumentId, Engine, Error, Exact, Fetch, Field, FieldRef, Filter,
    Kind, Page, Precondition, Query, Refresh, Result, Source, Version, Write, mapping,
};

pub struct Shelf {
    state: Arc<dyn Engine>,
    collection: Collection,
    /// The collection is there.
    made: AtomicBool,
}

impl Shelf {
    pub fn new(state: Arc<dyn Engine>, name: CollectionName, fields: Vec<FieldRef>) -> Self {
        Shelf { state, collection: Collection::new(name, fields), made: AtomicBool::new(false) }
    }

    /// With the fields of a mapping as Elasticsearch writes it.
    pub fn mapped(state: Arc<dyn Engine>, name: CollectionName, mapping: &Json) -> Result<Self> {
        Ok(Shelf::new(state, name, mapping::parse(mapping).map_err(Error::internal)?))
    }

    pub fn name(&self) -> CollectionName {
        self.collection.name.clone()
    }

    pub fn field(&self, path: &str) -> Result<FieldRef> {
        let found = self.collection.fields.iter().find(|field| field.path == path);
        found.cloned().ok_or_else(|| Error::internal(format!("{} has no field {path}", self.collection.name)))
    }

    /// As they are now, in the order of the ids.
    pub async fn get(&self, call: &Call, ids: impl IntoIterator<Item = DocumentId>) -> Result<Vec<Option<Document>>> {
        let wanted: Vec<DocRef> = ids.into_iter().map(|id| DocRef::new(self.name(), id)).collect();
        match self.state.get(call, &wanted, &Fetch::default(), &Filter::All).await {
            Ok(found) => {
                if found.iter().any(Option::is_some) {
                    self.made.store(true, Ordering::Relaxed);
                }
                Ok(found)
            }
            // nothing was ever put here
            Err(Error::NotFound(_)) => Ok(vec![None; wanted.len()]),
            Err(fault) => Err(fault),
        }
    }

    pub async fn get_one(&self, call: &Call, id: DocumentId) -> Result<Option<Document>> {
        Ok(self.get(call, [id]).await?.into_iter().next().flatten())
    }

    /// [`Error::Conflict`] where it is not as `precondition` says.
    pub async fn put(
        &self,
        call: &Call,
        id: DocumentId,
        source: Source,
        precondition: Precondition,
        refresh: Refresh,
    ) -> Result<Version> {
        one(self.put_all(call, [(id, source, precondition)], refresh).await?)
    }

    /// An outcome for each, in order.
    pub async fn put_all(
        &self,
        call: &Call,
        all: impl IntoIterator<Item = (DocumentId, Source, Precondition)>,
        refresh: Refresh,
    ) -> Result<Vec<Result<Version>>> {
        if !self.made.load(Ordering::Relaxed) {
            match self.state.create(call, &self.collection).await {
                Ok(()) | Err(Error::Conflict(_)) => self.made.store(true, Ordering::Relaxed),
                Err(fault) => return Err(fault),
            }
        }
        let put = |(id, source, precondition)| Action::Index { id: Some(id), source, precondition };
        self.write(call, all.into_iter().map(put), refresh).await
    }

    /// [`Error::Conflict`] where it is of another version, [`Error::NotFound`] where it is gone.
    pub async fn remove(&self, call: &Call, id: DocumentId, version: Version, refresh: Refresh) -> Result<()> {
        let action = Action::Delete { id, precondition: Precondition::Version(version) };
        one(self.write(call, [action], refresh).await?).map(drop)
    }

    async fn write(
        &self,
        call: &Call,
        actions: impl IntoIterator<Item = Action>,
        refresh: Refresh,
    ) -> Result<Vec<Result<Version>>> {
        let batch = actions.into_iter().map(|action| Write { on: self.name(), rule: Filter::All, action }).collect();
        let outcomes = self.state.write(call, batch, refresh).await?;
        Ok(outcomes.into_iter().map(|outcome| outcome.map(|written| written.version)).collect())
    }

    /// Everything, to be narrowed.
    pub fn query(&self) -> Query {
        Query::new(self.name())
    }

    /// May be a moment behind. `None`: nothing was ever put here.
    pub async fn search(&self, call: &Call, query: Query) -> Result<Option<Page>> {
        let page = match self.state.search(call, &[query]).await {
            Ok(mut pages) => pages.pop().ok_or_else(|| Error::internal("no page for a query"))?,
            Err(fault) => Err(fault),
        };
        match page {
            Ok(page) => Ok(Some(page)),
            Err(Error::NotFound(_)) => Ok(None),
            Err(fault) => Err(fault),
        }
    }
}

/// A field of texts that are only ever read by id.
pub fn unsearched(path: &str, list: bool) -> FieldRef {
    let exact = Exact { path: path.to_owned(), ignore_above: None, normalizer: None };
    Arc::new(Field { list: Some(list), indexed: false, columns: false, ..Field::new(path, Kind::Keyword(exact)) })
}

/// A value as one text of JSON, for a field that no search looks into.
pub fn text(value: &impl Serialize) -> Result<Json> {
    serde_json::to_string(value).map(Json::String).map_err(Error::internal)
}

fn one(outcomes: Vec<Result<Version>>) -> Result<Version> {
    outcomes.into_iter().next().ok_or_else(|| Error::internal("no outcome of a write"))?
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::*;

    #[tokio::test]
    async fn a_shelf_is_made_by_the_first_put_and_shared() {
        let folder = tempfile::tempdir().unwrap();
        let state = crate::search::open_embedded(folder.path()).await.unwrap();
        let mapping = json!({ "properties": { "body": { "type": "keyword" } } });
        let open = || Shelf::mapped(state.clone(), CollectionName::hidden("shelf"), &mapping).unwrap();
        let (one, other) = (open(), open());
        let call = Call::within(Duration::from_secs(20));
        let id = |id: &str| DocumentId::parse(id).unwrap();
        assert_eq!(one.get_one(&call, id("a")).await.unwrap(), None);
        assert!(one.search(&call, one.query()).await.unwrap().is_none());

        let source = || Source::from_iter([("body".to_owned(), text(&"x").unwrap())]);
        let put = async |shelf: &Shelf, id, over| shelf.put(&call, id, source(), over, Refresh::Now).await;
        let version = put(&one, id("a"), Precondition::Absent).await.unwrap();
        assert!(matches!(put(&other, id("a"), Precondition::Absent).await, Err(Error::Conflict(_))));
        let found = other.get(&call, [id("b"), id("a")]).await.unwrap();
        assert!(found[0].is_none());
        assert_eq!(found[1].as_ref().map(|found| (found.version, &found.source["body"])), Some((version, &json!("\"x\""))));
        assert_eq!(other.search(&call, other.query()).await.unwrap().unwrap().hits.len(), 1);

        let later = put(&other, id("a"), Precondition::Version(version)).await.unwrap();
        assert!(matches!(one.remove(&call, id("a"), version, Refresh::None).await, Err(Error::Conflict(_))));
        one.remove(&call, id("a"), later, Refresh::None).await.unwrap();
        assert!(matches!(one.remove(&call, id("a"), later, Refresh::None).await, Err(Error::NotFound(_))));
    }
}
