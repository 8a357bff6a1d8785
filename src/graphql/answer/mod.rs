//! Answers shaped from what was selected: in the order of the operation, with nulls and errors as the specification wants them.
//! A field that fails is null; where it may not be null, what holds it is.

mod connection;
mod counted;
mod document;
mod related;
mod selected;
mod together;

use std::cell::RefCell;
use std::sync::Arc;

use apollo_compiler::Schema;
use apollo_compiler::ast::Type;
use apollo_compiler::response::JsonMap;
use apollo_compiler::validation::Valid;
use serde_json::Value as Json;

pub(super) use connection::Connection;
pub(super) use connection::page_info;
use connection::{better, connection, of_explanation, of_inner_hits, relaxed};
use counted::Counted;
use document::{document, of_document, of_object};
pub(crate) use related::Level;
use together::{Part, joined};

use super::documents::View;
use super::errors::{Failure, Step};
use super::jobs::Shown;
use super::marks::html;
use super::mutation::{Changed, Done};
use super::operation::{Node, Values, What, arguments};
use super::plan::{Found, Need, Plan, Root};
use super::value::Value;
use crate::catalog::cursor::Signer;
use crate::catalog::{Exposed, ExposedField};
use crate::error::Code;
use crate::search::{
    Document, Elements, Explanation, Fragment, Highlight, Hit, Page, Relation, Relaxed, Run, Suggested, Suggestion,
};

/// What came back for a plan, in its order.
pub(crate) struct Results {
    pub(crate) pages: Vec<Result<Page, Failure>>,
    pub(crate) documents: Result<Vec<Option<Document>>, Failure>,
    /// The introspection part, by response name.
    pub(crate) introspection: JsonMap,
}

pub(crate) struct Shaper<'a> {
    pub(crate) results: &'a Results,
    pub(crate) signer: &'a Signer,
    pub(crate) schema: &'a Valid<Schema>,
    pub(crate) variables: &'a Values,
    pub(crate) most_errors: usize,
    pub(crate) failures: Vec<Failure>,
    /// What relations lead to, as far as it was asked for.
    pub(crate) levels: Option<&'a Level<'a>>,
    /// What of it was not yet.
    pub(crate) needs: RefCell<Vec<Need<'a>>>,
}

/// Something that is null although it may not be: it takes what holds it with it.
struct Spread;

type Shaped<'a> = Result<Value<'a>, Spread>;

/// Where in the answer one is.
#[derive(Clone, Copy)]
struct Path<'p> {
    before: Option<&'p Path<'p>>,
    step: At<'p>,
}

#[derive(Clone, Copy)]
enum At<'p> {
    Key(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    fn key(&'p self, key: &'p str) -> Path<'p> {
        Path { before: Some(self), step: At::Key(key) }
    }

    fn index(&'p self, index: usize) -> Path<'p> {
        Path { before: Some(self), step: At::Index(index) }
    }

    fn steps(&self) -> Vec<Step> {
        let mut steps = self.before.map(Path::steps).unwrap_or_default();
        steps.push(match self.step {
            At::Key(key) => Step::Key(key.to_owned()),
            At::Index(index) => Step::Index(index),
        });
        steps
    }
}

/// An object to select from.
#[derive(Clone)]
pub(super) enum Thing<'a> {
    Connection(Connection<'a>),
    Edge(Connection<'a>, &'a Hit),
    Page(Connection<'a>),
    Total { value: u64, relation: Relation },
    InnerHits(Connection<'a>, &'a Hit),
    Elements(&'a str, &'a [ExposedField], &'a Elements),
    Highlight(&'a Highlight),
    Fragment(&'a Fragment),
    Part(&'a Run),
    Explanation(&'a Explanation),
    Together(Part<'a>),
    Document(&'a Exposed, &'a Document),
    Object { collection: &'a str, fields: &'a [ExposedField], view: View<'a> },
    Point { lat: f64, lon: f64 },
    Counted(Counted<'a>),
    Changed(Changed<'a>),
    Job(Shown<'a>),
    Suggestions(Connection<'a>),
    DidYouMean(&'a [(String, bool)]),
    Spelled(&'a str, bool),
    Relaxed(&'a Relaxed),
    Completion(&'a Suggestion),
}

/// What a field turns out to be, before what is selected of it is shaped.
pub(super) enum Resolved<'a> {
    Null,
    Leaf(Value<'a>),
    Thing(Thing<'a>),
    /// The same where what is selected depends on its type.
    Selected(&'a [Node], Thing<'a>),
    List(Vec<Resolved<'a>>),
    Fault(Failure),
}

impl Results {
    /// Of an operation that asked nothing of the engine by a plan.
    pub(crate) fn none() -> Self {
        Results { pages: Vec::new(), documents: Ok(Vec::new()), introspection: JsonMap::default() }
    }
}

impl<'a> Shaper<'a> {
    /// `data` of the whole operation.
    pub(crate) fn data(&mut self, plan: &'a Plan<'a>) -> Value<'a> {
        let mut entries = Vec::with_capacity(plan.roots.len());
        for (node, root) in &plan.roots {
            let path = Path { before: None, step: At::Key(&node.key) };
            match self.root(node, root, path) {
                Ok(value) => entries.push((&*node.key, value)),
                Err(Spread) => return Value::Null,
            }
        }
        Value::Object(entries)
    }

    fn root(&mut self, node: &'a Node, root: &'a Root<'a>, path: Path<'_>) -> Shaped<'a> {
        let resolved = match root {
            Root::Own => match &node.what {
                What::TypeName(name) => Resolved::Leaf(Value::text(&**name)),
                _ => match self.results.introspection.get(&*node.key) {
                    Some(made) => Resolved::Leaf(Value::Made(made.clone())),
                    None => Resolved::Null,
                },
            },
            Root::Failed(failure) => Resolved::Fault(failure.clone()),
            Root::Many(many) => connection(self.results, many),
            Root::Values(_, at) => values(self.results, *at),
            Root::Together(together) => joined(self.results, together),
            Root::One(exposed, place) => document(self.results, exposed, place),
            Root::Jobs(jobs) => match (jobs.resolve(), jobs.selected()) {
                (Resolved::Thing(thing), Some(selected)) => {
                    return Ok(self.object(selected, &thing, path).unwrap_or(Value::Null));
                }
                (resolved, _) => resolved,
            },
            Root::Done(done) => Resolved::Thing(Thing::Changed(done.into())),
            Root::Node(found) => return self.found(node, found.as_ref(), path),
            Root::Nodes(all) => {
                let mut list = Vec::with_capacity(all.len());
                for (index, found) in all.iter().enumerate() {
                    list.push(self.found(node, found.as_ref(), path.index(index))?);
                }
                return Ok(Value::List(list));
            }
        };
        self.complete(node, &node.field.definition.ty, resolved, path)
    }

    /// A document behind an interface: what is selected of it depends on its own type.
    fn found(&mut self, node: &'a Node, found: Option<&'a Found>, path: Path<'_>) -> Shaped<'a> {
        let Some(found) = found else { return Ok(Value::Null) };
        match document(self.results, &found.exposed, &found.place) {
            Resolved::Thing(thing) => match self.object(&found.selected, &thing, path) {
                Ok(value) => Ok(value),
                // the roots are nullable, and so is each element of a list of nodes
                Err(Spread) => Ok(Value::Null),
            },
            Resolved::Fault(failure) => {
                self.fail(failure, node, path);
                Ok(Value::Null)
            }
            _ => Ok(Value::Null),
        }
    }

    /// How many lines of a log a node wants.
    fn last(&self, node: &Node) -> Result<usize, Failure> {
        let arguments = arguments(self.schema, &node.field, self.variables)?;
        let last = arguments.get("last").and_then(serde_json::Value::as_i64).unwrap_or(20);
        usize::try_from(last).map_err(|_| Failure::input("last may not be negative"))
    }

    /// The value of a field by its type: checks nulls, and goes into lists and objects.
    fn complete(&mut self, node: &'a Node, ty: &Type, resolved: Resolved<'a>, path: Path<'_>) -> Shaped<'a> {
        let shaped = match resolved {
            Resolved::Leaf(value) => return Ok(value),
            Resolved::Null => {
                if ty.is_non_null() {
                    self.fail(Failure::new(Code::Internal, "internal error"), node, path);
                }
                Err(Spread)
            }
            Resolved::Fault(failure) => {
                self.fail(failure, node, path);
                Err(Spread)
            }
            Resolved::Thing(thing) => self.object(&node.sub, &thing, path),
            Resolved::Selected(selected, thing) => self.object(selected, &thing, path),
            Resolved::List(items) => self.list(node, ty.item_type(), items, path),
        };
        match shaped {
            Ok(value) => Ok(value),
            Err(Spread) if ty.is_non_null() => Err(Spread),
            Err(Spread) => Ok(Value::Null),
        }
    }

    fn list(&mut self, node: &'a Node, item: &Type, items: Vec<Resolved<'a>>, path: Path<'_>) -> Shaped<'a> {
        let mut list = Vec::with_capacity(items.len());
        for (index, resolved) in items.into_iter().enumerate() {
            list.push(self.complete(node, item, resolved, path.index(index))?);
        }
        Ok(Value::List(list))
    }

    fn object(&mut self, selected: &'a [Node], thing: &Thing<'a>, path: Path<'_>) -> Shaped<'a> {
        let mut entries = Vec::with_capacity(selected.len());
        for node in selected {
            let resolved = self.resolve(thing, node);
            let value = self.complete(node, &node.field.definition.ty, resolved, path.key(&node.key))?;
            entries.push((&*node.key, value));
        }
        Ok(Value::Object(entries))
    }

    fn resolve(&self, thing: &Thing<'a>, node: &'a Node) -> Resolved<'a> {
        if let What::TypeName(name) = &node.what {
            return Resolved::Leaf(Value::text(&**name));
        }
        match thing {
            Thing::Connection(connection) => self.of_connection(*connection, node),
            Thing::Edge(connection, hit) => self.of_edge(*connection, hit, node),
            Thing::Page(connection) => self.of_page(*connection, node),
            Thing::Total { value, relation } => Resolved::Leaf(match (&node.what, relation) {
                (What::Relation, Relation::Equal) => Value::text("EQ"),
                (What::Relation, Relation::AtLeast) => Value::text("GTE"),
                _ => Value::count(*value),
            }),
            Thing::InnerHits(connection, hit) => of_inner_hits(*connection, hit, node),
            Thing::Elements(collection, fields, elements) => match node.what {
                What::InnerTotal => Resolved::Leaf(Value::count(elements.total)),
                _ => list(elements.first.iter().map(|element| match element {
                    Json::Object(object) => Resolved::Thing(Thing::Object { collection, fields, view: View::of(object) }),
                    _ => Resolved::Null,
                })),
            },
            Thing::Highlight(highlight) => match node.what {
                What::HighlightField => Resolved::Leaf(Value::text(&highlight.field)),
                _ => list(highlight.fragments.iter().map(|fragment| Resolved::Thing(Thing::Fragment(fragment)))),
            },
            Thing::Fragment(fragment) => match node.what {
                What::Html => Resolved::Leaf(Value::text(html(fragment))),
                _ => list(fragment.runs.iter().map(|run| Resolved::Thing(Thing::Part(run)))),
            },
            Thing::Part(run) => Resolved::Leaf(match node.what {
                What::Hit => Value::Boolean(run.hit),
                _ => Value::text(&run.text),
            }),
            Thing::Explanation(explanation) => of_explanation(explanation, node),
            Thing::Together(part) => self.of_together(*part, node),
            Thing::Document(exposed, document) => match &node.what {
                What::Related(at, to) => self.relation(exposed, document, node, *at, to),
                _ => of_document(exposed, document, node),
            },
            Thing::Object { collection, fields, view } => of_object(collection, fields, view, node),
            Thing::Counted(counted) => self.of_counted(counted, node),
            Thing::Suggestions(connection) => match (&node.what, better(*connection)) {
                (What::Relaxed, _) => list(relaxed(*connection).iter().map(|relaxed| Resolved::Thing(Thing::Relaxed(relaxed)))),
                (_, Some(parts)) => Resolved::Thing(Thing::DidYouMean(parts)),
                (_, None) => Resolved::Null,
            },
            Thing::Relaxed(relaxed) => match node.what {
                What::Total => Resolved::Thing(Thing::Total { value: relaxed.total.value, relation: relaxed.total.relation }),
                What::Dropped => list(relaxed.dropped.iter().map(|word| Resolved::Leaf(Value::text(word)))),
                _ => Resolved::Leaf(Value::text(&relaxed.text)),
            },
            Thing::Completion(value) => Resolved::Leaf(match node.what {
                What::Value => Value::count(value.count),
                _ => Value::text(&value.text),
            }),
            Thing::DidYouMean(parts) => match node.what {
                What::Parts => list(parts.iter().map(|(text, changed)| Resolved::Thing(Thing::Spelled(text, *changed)))),
                _ => Resolved::Leaf(Value::text(parts.iter().map(|(text, _)| text.as_str()).collect::<String>())),
            },
            Thing::Spelled(text, changed) => Resolved::Leaf(match node.what {
                What::Respelled => Value::Boolean(*changed),
                _ => Value::text(*text),
            }),
            Thing::Point { lat, lon } => Resolved::Leaf(Value::Double(match node.what {
                What::Lat => *lat,
                _ => *lon,
            })),
            Thing::Changed(changed) => changed.resolve(node),
            Thing::Job(shown) => shown.resolve(node, self.signer, |node| self.last(node)),
        }
    }

    fn fail(&mut self, failure: Failure, node: &Node, path: Path<'_>) {
        if self.failures.len() < self.most_errors {
            let mut failure = failure.at(node.place);
            failure.path = path.steps();
            self.failures.push(failure);
        }
    }
}

fn page(results: &Results, at: usize) -> Result<&Page, Failure> {
    match results.pages.get(at) {
        Some(Ok(page)) => Ok(page),
        Some(Err(failure)) => Err(failure.clone()),
        None => Err(Failure::new(Code::Internal, "internal error")),
    }
}

/// Values that begin as was asked.
fn values(results: &Results, at: usize) -> Resolved<'_> {
    match page(results, at) {
        Ok(page) => list(page.suggested.iter().flat_map(|(_, suggested)| match suggested {
            Suggested::Complete(values) => values.iter().map(|value| Resolved::Thing(Thing::Completion(value))).collect(),
            _ => Vec::new(),
        })),
        Err(failure) => Resolved::Fault(failure),
    }
}

pub(super) fn list<'a>(items: impl Iterator<Item = Resolved<'a>>) -> Resolved<'a> {
    Resolved::List(items.collect())
}

/// Names the collections an operation was about, for the log.
pub(crate) fn collections(plan: &Plan<'_>) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut add = |exposed: &Arc<Exposed>| {
        let name = exposed.collection.name.as_str();
        if !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    };
    for (_, root) in &plan.roots {
        match root {
            Root::Many(many) => add(&many.exposed),
            Root::Together(together) => together.all.iter().for_each(&mut add),
            Root::One(exposed, _) | Root::Values(exposed, _) => add(exposed),
            Root::Node(found) => found.iter().for_each(|found| add(&found.exposed)),
            Root::Nodes(all) => all.iter().flatten().for_each(|found| add(&found.exposed)),
            Root::Done(Done::One(exposed, _) | Done::Bulk(exposed, _)) => add(exposed),
            Root::Done(Done::Collection(_) | Done::Job(_)) | Root::Jobs(_) | Root::Own | Root::Failed(_) => {}
        }
    }
    names
}
