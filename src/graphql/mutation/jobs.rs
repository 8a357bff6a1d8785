//! Jobs started and steered by mutations.

use serde_json::{Map, Value as Json};

use super::{Reach, WriteError, told};
use crate::catalog::Catalog;
use crate::error::Code;
use crate::graphql::operation::Values;
use crate::jobs::{Job, Kind, Order, Steer};
use crate::search::{Call, Error};

#[derive(Debug)]
pub(crate) struct Steered {
    pub(super) job: Option<Box<Job>>,
    pub(super) errors: Vec<WriteError>,
}

/// The job that `JobInput` asks for.
pub(super) fn order(catalog: &Catalog, arguments: &Values) -> Result<Order, Vec<WriteError>> {
    let input = arguments.get("input").and_then(Json::as_object);
    let text = |name: &str| input.and_then(|input| input.get(name)).and_then(Json::as_str);
    let wrong = |part: &str, why: &str| vec![WriteError::input(why, vec!["input".into(), part.into()])];
    let kind = text("kind").and_then(Kind::parse).ok_or_else(|| wrong("kind", "there is no such kind of job"))?;
    let collection = match text("collection") {
        None => None,
        Some(word) => {
            let found = catalog.collections.iter().find(|exposed| exposed.enum_name() == word);
            let exposed = found.ok_or_else(|| wrong("collection", "there is no such collection"))?;
            Some(exposed.collection.name.to_string())
        }
    };
    let arguments = match input.and_then(|input| input.get("arguments")) {
        None | Some(Json::Null) => Map::new(),
        Some(Json::Object(arguments)) => arguments.clone(),
        Some(_) => return Err(wrong("arguments", "the arguments of a job are an object")),
    };
    Ok(Order { kind, collection, arguments })
}

impl Reach<'_> {
    pub(super) async fn start(&self, call: &Call, order: Result<Order, Vec<WriteError>>) -> Steered {
        let order = match order {
            Ok(order) => order,
            Err(errors) => return Steered { job: None, errors },
        };
        let started = self.within(call, self.own.jobs.start(call, order)).await;
        steered(call, started, |error| match error {
            Error::Invalid { path, .. } => ["input".to_owned()].into_iter().chain(path.iter().cloned()).collect(),
            Error::NotFound(_) => vec!["input".into(), "collection".into()],
            _ => Vec::new(),
        })
    }

    pub(super) async fn steer(&self, call: &Call, id: &str, steer: Steer) -> Steered {
        let done = self.within(call, self.own.jobs.steer(call, id, steer)).await;
        steered(call, done, |error| match error {
            Error::NotFound(_) | Error::Conflict(_) => vec!["id".into()],
            _ => Vec::new(),
        })
    }
}

fn steered(call: &Call, done: Result<Job, Error>, path: impl FnOnce(&Error) -> Vec<String>) -> Steered {
    match done {
        Ok(job) => Steered { job: Some(Box::new(job)), errors: Vec::new() },
        Err(error) => {
            let (code, message): (Code, String) = told(&error, &call.request_id);
            Steered { job: None, errors: vec![WriteError::new(code, message, path(&error))] }
        }
    }
}
