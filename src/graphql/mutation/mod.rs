//! Mutations: their arguments become writes, found good or refused before anything is written; what became of each is told in
//! payloads. Queries, and how an answer is written, are not for here.
//!
//! `prepare` turns a root field into what is to be done, with `document` for the values and `fields` for new collections; `write` and
//! `collections` do it; `run` goes through the root fields in their order; `answer` shapes what came of them.

mod answer;
mod collections;
mod document;
mod fields;
mod jobs;
mod prepare;
mod run;
mod write;

use std::sync::Arc;

pub(crate) use answer::Changed;
pub(crate) use collections::{Own, Reach};
pub(crate) use document::is_writable;
pub(crate) use fields::FIELD_KINDS;

use jobs::Steered;

use super::errors::Failure;
use crate::catalog::Exposed;
use crate::error::Code;
use crate::jobs::Steer;
use crate::search::{self, Document, Version};

/// A root field of mutations.
#[derive(Clone, Debug)]
pub(crate) enum Mutation {
    Write(Verb, Arc<Exposed>),
    Bulk(Arc<Exposed>),
    CreateCollection,
    RemoveCollection,
    StartJob,
    SteerJob(Steer),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Create,
    Update,
    Upsert,
    Delete,
}

impl Verb {
    pub(crate) const ALL: [Verb; 4] = [Verb::Create, Verb::Update, Verb::Upsert, Verb::Delete];

    /// Before the name of the type, and in an operation of a bulk.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Verb::Create => "create",
            Verb::Update => "update",
            Verb::Upsert => "upsert",
            Verb::Delete => "delete",
        }
    }
}

/// What could not be done, and where in the input that lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct WriteError {
    code: &'static str,
    message: String,
    path: Vec<String>,
}

impl WriteError {
    fn new(code: Code, message: impl Into<String>, path: Vec<String>) -> Self {
        WriteError { code: code.as_str(), message: message.into(), path }
    }

    fn input(message: impl Into<String>, path: Vec<String>) -> Self {
        Self::new(Code::BadUserInput, message, path)
    }
}

/// What came of a root field.
#[derive(Debug)]
pub(crate) enum Done {
    One(Arc<Exposed>, Payload),
    Bulk(Arc<Exposed>, Bulk),
    Collection(Made),
    Job(Steered),
}

#[derive(Debug)]
pub(crate) struct Bulk {
    items: Vec<Payload>,
    errors: Vec<WriteError>,
}

/// What came of one document.
#[derive(Debug)]
pub(crate) struct Payload {
    /// Read only where it is selected; it may be written and yet not be read.
    document: Result<Option<Document>, Failure>,
    version: Option<Version>,
    errors: Vec<WriteError>,
}

impl Payload {
    fn failed(errors: Vec<WriteError>) -> Self {
        Payload { document: Ok(None), version: None, errors }
    }
}

#[derive(Debug)]
pub(crate) struct Made {
    name: Option<String>,
    errors: Vec<WriteError>,
}

/// In words for who asked. The cause goes to the log.
fn told(error: &search::Error, request_id: &str) -> (Code, String) {
    let failure = Failure::of_engine(error, request_id);
    let message = match error {
        // it may have been done before the answer was lost
        search::Error::Timeout | search::Error::Unavailable(_) | search::Error::Partial(_) | search::Error::Internal(_) => {
            format!("{}; whether this was written is not known: look before you send it again", failure.message)
        }
        _ => failure.message,
    };
    (Code::from(error), message)
}
