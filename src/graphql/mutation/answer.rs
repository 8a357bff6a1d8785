//! Payloads of mutations, part by part, as they are selected.

use super::{Bulk, Done, Made, Payload, Steered, WriteError};
use crate::catalog::Exposed;
use crate::graphql::answer::{Resolved, Thing, list};
use crate::graphql::jobs::Shown;
use crate::graphql::operation::{Node, What};
use crate::graphql::value::Value;

/// Something that a mutation answers with.
#[derive(Clone, Copy)]
pub(crate) enum Changed<'a> {
    Payload(&'a Exposed, &'a Payload),
    Bulk(&'a Exposed, &'a Bulk),
    Collection(&'a Made),
    Job(&'a Steered),
    Error(&'a WriteError),
}

impl<'a> From<&'a Done> for Changed<'a> {
    fn from(done: &'a Done) -> Self {
        match done {
            Done::One(exposed, payload) => Changed::Payload(exposed, payload),
            Done::Bulk(exposed, bulk) => Changed::Bulk(exposed, bulk),
            Done::Collection(made) => Changed::Collection(made),
            Done::Job(steered) => Changed::Job(steered),
        }
    }
}

impl<'a> Changed<'a> {
    pub(crate) fn resolve(self, node: &Node) -> Resolved<'a> {
        match self {
            Changed::Payload(exposed, payload) => match node.what {
                What::PayloadDocument => match &payload.document {
                    Ok(Some(document)) => Resolved::Thing(Thing::Document(exposed, document)),
                    Ok(None) => Resolved::Null,
                    Err(failure) => Resolved::Fault(failure.clone()),
                },
                What::PayloadVersion => {
                    payload.version.map_or(Resolved::Null, |version| Resolved::Leaf(Value::text(version.to_string())))
                }
                _ => errors(&payload.errors),
            },
            Changed::Bulk(exposed, bulk) => match node.what {
                What::Items => {
                    list(bulk.items.iter().map(|item| Resolved::Thing(Thing::Changed(Changed::Payload(exposed, item)))))
                }
                _ => errors(&bulk.errors),
            },
            Changed::Collection(made) => match node.what {
                What::PayloadName => made.name.as_ref().map_or(Resolved::Null, |name| Resolved::Leaf(Value::text(name))),
                _ => errors(&made.errors),
            },
            Changed::Job(steered) => match node.what {
                What::PayloadJob => {
                    steered.job.as_ref().map_or(Resolved::Null, |job| Resolved::Thing(Thing::Job(Shown::Job(job))))
                }
                _ => errors(&steered.errors),
            },
            Changed::Error(error) => match node.what {
                What::ErrorCode => Resolved::Leaf(Value::text(error.code)),
                What::ErrorPath => list(error.path.iter().map(|part| Resolved::Leaf(Value::text(part)))),
                _ => Resolved::Leaf(Value::text(&error.message)),
            },
        }
    }
}

fn errors(errors: &[WriteError]) -> Resolved<'_> {
    list(errors.iter().map(|error| Resolved::Thing(Thing::Changed(Changed::Error(error)))))
}
