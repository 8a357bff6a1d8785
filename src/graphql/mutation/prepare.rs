//! A root field with its arguments -> what is to be done. Pure: whatever is wrong with values is found here, before anything is written.

use std::collections::BTreeSet;
use std::sync::Arc;

use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;
use serde_json::{Map, Value as Json};

use super::{Mutation, Verb, WriteError, document, fields, jobs};
use crate::catalog::{Catalog, Exposed};
use crate::config::Limits;
use crate::graphql::errors::Failure;
use crate::graphql::operation::{Node, Values, What, arguments};
use crate::graphql::plan::paths;
use crate::jobs::{Order, Steer};
use crate::search::{Action, DocumentId, FieldRef, Precondition, Refresh, Version};

/// What a root field asks to be done.
pub(super) enum Task {
    Write(Writing),
    Create { name: String, fields: Result<Vec<FieldRef>, Vec<WriteError>> },
    Remove { name: String },
    Start(Result<Order, Vec<WriteError>>),
    Steer { id: String, steer: Steer },
}

/// One document, or the operations of a bulk.
pub(super) struct Writing {
    pub(super) exposed: Arc<Exposed>,
    pub(super) bulk: bool,
    pub(super) items: Vec<Item>,
    pub(super) refresh: Refresh,
    /// The parts of the documents that are selected; `None`: no document is.
    pub(super) wanted: Option<Vec<Arc<str>>>,
}

/// One operation.
pub(super) struct Item {
    pub(super) id: Option<DocumentId>,
    pub(super) action: Result<Action, Vec<WriteError>>,
    /// Leads to the operation.
    pub(super) place: Vec<String>,
    /// Where in it the document is.
    pub(super) part: &'static str,
    /// A version was asked for.
    pub(super) guarded: bool,
}

pub(super) struct Preparing<'a> {
    pub(super) schema: &'a Valid<Schema>,
    pub(super) catalog: &'a Catalog,
    pub(super) variables: &'a Values,
    pub(super) limits: &'a Limits,
}

impl Preparing<'_> {
    pub(super) fn task(&self, node: &Node, mutation: &Mutation) -> Result<Task, Failure> {
        let arguments = arguments(self.schema, &node.field, self.variables)?;
        let name = || arguments.get("name").and_then(Json::as_str).unwrap_or_default().to_owned();
        match mutation {
            Mutation::Write(verb, exposed) => {
                let item = self.item(exposed, *verb, &arguments, Vec::new());
                Ok(Task::Write(Writing {
                    exposed: exposed.clone(),
                    bulk: false,
                    items: vec![item],
                    refresh: refresh(&arguments),
                    wanted: wanted(exposed, &node.sub),
                }))
            }
            Mutation::Bulk(exposed) => {
                let operations = arguments.get("operations").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
                let (most, asked) = (u64::from(self.limits.operations), operations.len() as u64);
                if asked > most {
                    return Err(Failure::limit("operations", most, asked, "send several bulks"));
                }
                let place = |at: usize| vec!["operations".to_owned(), at.to_string()];
                let items = operations.iter().enumerate().filter_map(|(at, operation)| {
                    let verb = Verb::ALL.into_iter().find(|verb| operation.get(verb.name()).is_some())?;
                    Some(self.item(exposed, verb, operation.get(verb.name())?.as_object()?, place(at)))
                });
                let items: Vec<Item> = items.collect();
                if items.len() != operations.len() {
                    // the schema lets no such operation through
                    return Err(Failure::input("each operation is one of create, update, upsert and delete"));
                }
                let selected = node.sub.iter().filter(|part| matches!(part.what, What::Items));
                Ok(Task::Write(Writing {
                    exposed: exposed.clone(),
                    bulk: true,
                    items,
                    refresh: refresh(&arguments),
                    wanted: selected.filter_map(|part| wanted(exposed, &part.sub)).reduce(joined),
                }))
            }
            Mutation::CreateCollection => {
                let given = arguments.get("fields").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
                Ok(Task::Create { name: name(), fields: fields::read(given, self.limits.errors) })
            }
            Mutation::RemoveCollection => Ok(Task::Remove { name: name() }),
            Mutation::StartJob => Ok(Task::Start(jobs::order(self.catalog, &arguments))),
            Mutation::SteerJob(steer) => {
                let id = arguments.get("id").and_then(Json::as_str).unwrap_or_default();
                Ok(Task::Steer { id: id.to_owned(), steer: *steer })
            }
        }
    }

    fn item(&self, exposed: &Exposed, verb: Verb, values: &Map<String, Json>, place: Vec<String>) -> Item {
        let part = match verb {
            Verb::Create | Verb::Upsert => "input",
            Verb::Update => "patch",
            Verb::Delete => "id",
        };
        let at = |name: &str| place.iter().cloned().chain([name.to_owned()]).collect::<Vec<_>>();
        let text = |name: &str| values.get(name).and_then(Json::as_str);
        let mut faults = Vec::new();
        let id = match text("id").map(DocumentId::parse) {
            None => None,
            Some(Ok(id)) => Some(id),
            Some(Err(why)) => {
                faults.push(WriteError::input(why, at("id")));
                None
            }
        };
        let precondition = match text("ifVersion").map(str::parse::<Version>) {
            None => Precondition::None,
            Some(Ok(version)) => Precondition::Version(version),
            Some(Err(why)) => {
                faults.push(WriteError::input(why, at("ifVersion")));
                Precondition::None
            }
        };
        let source = values.get(part).filter(|_| verb != Verb::Delete).map(|input| {
            document::read(exposed, input, verb == Verb::Update, at(part), self.limits.errors).unwrap_or_else(|more| {
                faults.extend(more);
                Map::new()
            })
        });
        let action = match (verb, id.clone(), source) {
            _ if !faults.is_empty() => Err(faults),
            (Verb::Create, id, Some(source)) => {
                let precondition = if id.is_some() { Precondition::Absent } else { Precondition::None };
                Ok(Action::Index { id, source, precondition })
            }
            (Verb::Upsert, Some(id), Some(source)) => Ok(Action::Index { id: Some(id), source, precondition }),
            (Verb::Update, Some(id), Some(patch)) => Ok(Action::Update { id, patch, precondition }),
            (Verb::Delete, Some(id), _) => Ok(Action::Delete { id, precondition }),
            // the schema wants both
            _ => Err(vec![WriteError::input("the id or the document is missing", at(part))]),
        };
        Item { id, action, place, part, guarded: precondition != Precondition::None }
    }
}

fn refresh(arguments: &Values) -> Refresh {
    match arguments.get("refresh").and_then(Json::as_str) {
        Some("WAIT") => Refresh::Wait,
        Some("NOW") => Refresh::Now,
        _ => Refresh::None,
    }
}

/// What of the document is selected in a payload.
fn wanted(exposed: &Exposed, selected: &[Node]) -> Option<Vec<Arc<str>>> {
    let documents = selected.iter().filter(|node| matches!(node.what, What::PayloadDocument));
    let parts = documents.map(|node| paths(exposed, &node.sub));
    parts.reduce(|all, more| all.into_iter().chain(more).collect::<BTreeSet<_>>()).map(|all| all.into_iter().collect())
}

fn joined(all: Vec<Arc<str>>, more: Vec<Arc<str>>) -> Vec<Arc<str>> {
    all.into_iter().chain(more).collect::<BTreeSet<_>>().into_iter().collect()
}
