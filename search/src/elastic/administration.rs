//! Making, extending and removing collections: single indices only, never what an alias or a pattern stands for.

use elasticsearch::http::Method;
use serde_json::{Map, Value as Json, json};

use super::client::{Request, segment};
use super::{Elastic, failure};
use crate::{Call, Collection, CollectionName, Error, FieldRef, Kind, Origin, Result, mapping};

impl Elastic {
    pub(super) async fn make(&self, call: &Call, collection: &Collection) -> Result<()> {
        let name = &collection.name;
        if !name.is_hidden() {
            CollectionName::parse(name.as_str()).map_err(|fault| Error::invalid(fault.to_string()))?;
            match self.collection(call, name).await {
                // an alias, or a name that dated siblings go by
                Ok(_) => return Err(taken(name)),
                Err(Error::NotFound(_)) => {}
                Err(fault) => return Err(fault),
            }
        }
        // one shard: what is made here is small, and scores of one shard compare; a copy as soon as there is a node for it
        let mut settings = json!({"number_of_shards": 1, "auto_expand_replicas": "0-1"});
        if name.is_hidden() {
            settings["hidden"] = json!(true);
        }
        let body = json!({"settings": {"index": settings}, "mappings": mapping::write(&collection.fields)});
        let answer = self.client.send(call, Request::new(Method::Put, segment(name.as_str())).json(&body)).await?;
        match failure::good::<Json>(&answer) {
            Ok(_) => {}
            Err(Error::Invalid { message, .. }) if message.contains("already exists as alias") => return Err(taken(name)),
            Err(fault) => return Err(fault),
        }
        self.collections.remember(Collection { origin: Origin::Index, ..collection.clone() });
        Ok(())
    }

    pub(super) async fn add_fields(&self, call: &Call, name: &CollectionName, fields: &[FieldRef]) -> Result<()> {
        let collection = self.single(call, name, "its fields cannot be changed here").await?;
        let mut joined = Collection::clone(&collection);
        // those of hooke itself are not in the catalog: there Elasticsearch alone compares
        join(&mut joined.fields, fields)?;
        let added = mapping::write(fields);
        let mut body = json!({"properties": added["properties"]});
        if let Some(lists) = added.pointer("/_meta/hooke/lists").and_then(Json::as_object) {
            body["_meta"] = self.meta_with(call, name, lists).await?;
        }
        let request = Request::new(Method::Put, format!("{}/_mapping", segment(name.as_str()))).json(&body);
        failure::good::<Json>(&self.client.send(call, request).await?)?;
        self.collections.remember(joined);
        Ok(())
    }

    /// `_meta` is put as a whole: what stands in it already must go along.
    async fn meta_with(&self, call: &Call, name: &CollectionName, lists: &Map<String, Json>) -> Result<Json> {
        let answer = self.client.send(call, Request::get(format!("{}/_mapping", segment(name.as_str())))).await?;
        let body: Json = failure::good(&answer)?;
        let mut meta = body[name.as_str()]["mappings"]["_meta"].clone();
        if !meta.is_object() {
            meta = json!({});
        }
        let mut all = match &meta["hooke"]["lists"] {
            Json::Object(said) => said.clone(),
            Json::Array(paths) => paths.iter().filter_map(|path| Some((path.as_str()?.to_owned(), json!(true)))).collect(),
            _ => Map::new(),
        };
        all.extend(lists.clone());
        if !meta["hooke"].is_object() {
            meta["hooke"] = json!({});
        }
        meta["hooke"]["lists"] = Json::Object(all);
        Ok(meta)
    }

    pub(super) async fn drop_collection(&self, call: &Call, name: &CollectionName) -> Result<()> {
        self.single(call, name, "only a single index can be removed here").await?;
        let answer = self.client.send(call, Request::new(Method::Delete, segment(name.as_str()))).await?;
        failure::good::<Json>(&answer)?;
        self.collections.forget(name);
        Ok(())
    }

    async fn single(&self, call: &Call, name: &CollectionName, why: &str) -> Result<std::sync::Arc<Collection>> {
        let collection = self.collection(call, name).await?;
        match collection.origin {
            Origin::Index => Ok(collection),
            Origin::Many { .. } => Err(Error::invalid(format!("{name} is an alias, a data stream or a pattern: {why}"))),
        }
    }
}

fn taken(name: &CollectionName) -> Error {
    Error::Conflict(format!("there is a collection {name}"))
}

/// What exists must be the same; below objects, again what exists there.
fn join(all: &mut Vec<FieldRef>, more: &[FieldRef]) -> Result<()> {
    for field in more {
        let Some(place) = all.iter().position(|other| other.path == field.path) else {
            all.push(field.clone());
            continue;
        };
        let other = &all[place];
        match (&other.kind, &field.kind) {
            (Kind::Object, Kind::Object) | (Kind::Nested, Kind::Nested) => {
                let mut joined = crate::Field::clone(other);
                join(&mut joined.fields, &field.fields)?;
                all[place] = joined.into();
            }
            _ if other.kind == field.kind && other.indexed == field.indexed && other.columns == field.columns => {}
            _ => {
                return Err(Error::Invalid {
                    message: format!("{} exists and is another kind of field: that cannot be changed", field.path),
                    path: field.path.split('.').map(String::from).collect(),
                });
            }
        }
    }
    Ok(())
}
