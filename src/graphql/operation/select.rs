//! What is selected, laid out: fragments dissolved, equal response names merged, `@skip` and `@include` decided, each field
//! resolved against the catalog, so that shaping an answer looks up no names.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use apollo_compiler::executable::{DirectiveList, Field, Fragment, Operation, Selection, SelectionSet};
use apollo_compiler::parser::LineColumn;
use apollo_compiler::{ExecutableDocument, Name, Node as Shared};
use serde_json::Value as Json;

use super::Values;
use super::fields::{Of, What};
use super::roots::Roots;
use crate::catalog::Exposed;

/// A field of an answer.
#[derive(Debug)]
pub(crate) struct Node {
    /// The response name.
    pub(crate) key: Arc<str>,
    pub(crate) what: What,
    /// The first of the fields merged here; all have the same arguments.
    pub(crate) field: Shared<Field>,
    /// All of them: what is selected of an interface depends on the type found.
    pub(crate) merged: Vec<Shared<Field>>,
    pub(crate) place: Option<LineColumn>,
    pub(crate) sub: Vec<Node>,
}

/// Lays out one operation with its variables.
#[derive(Clone, Copy)]
pub(crate) struct Selector<'a> {
    pub(crate) document: &'a ExecutableDocument,
    pub(crate) variables: &'a Values,
    pub(crate) roots: &'a Roots,
    pub(crate) relay: bool,
}

impl<'a> Selector<'a> {
    pub(crate) fn roots(&self, operation: &'a Operation) -> Vec<Node> {
        let set = &operation.selection_set;
        let of = if operation.operation_type.is_mutation() { Of::Mutation } else { Of::Query };
        self.select(&[set], of, &set.ty)
    }

    /// What is selected of a document of this collection, where the field's own type is an interface.
    pub(crate) fn document(&self, merged: &'a [Shared<Field>], exposed: &'a Exposed) -> Vec<Node> {
        let sets: Vec<_> = merged.iter().map(|field| &field.selection_set).collect();
        self.select(&sets, Of::Document(exposed), &exposed.names.type_name)
    }

    /// The same of a job.
    pub(crate) fn job(&self, merged: &'a [Shared<Field>]) -> Vec<Node> {
        let sets: Vec<_> = merged.iter().map(|field| &field.selection_set).collect();
        self.select(&sets, Of::Job, "Job")
    }

    fn select(&self, sets: &[&'a SelectionSet], of: Of<'a>, type_name: &str) -> Vec<Node> {
        if matches!(of, Of::Leaf) {
            return Vec::new();
        }
        let mut found = Found::default();
        let mut spread = HashSet::new();
        for set in sets {
            self.collect(set, of, type_name, &mut found, &mut spread);
        }
        let type_name: Arc<str> = type_name.into();
        found.fields.into_iter().filter_map(|(key, merged)| self.node(key, merged, of, &type_name)).collect()
    }

    fn node(&self, key: &'a Name, merged: Vec<&'a Shared<Field>>, of: Of<'a>, type_name: &Arc<str>) -> Option<Node> {
        let first = *merged.first()?;
        let (what, inner) = self.resolve(of, first.name.as_str(), type_name)?;
        let sets: Vec<_> = merged.iter().map(|field| &field.selection_set).collect();
        Some(Node {
            key: key.as_str().into(),
            what,
            place: first.location().and_then(|span| span.line_column(&self.document.sources)),
            sub: self.select(&sets, inner, first.definition.ty.inner_named_type()),
            field: first.clone(),
            merged: merged.into_iter().cloned().collect(),
        })
    }

    /// Fields by response name, in the order of their first mention. A fragment is looked into once.
    fn collect(&self, set: &'a SelectionSet, of: Of<'a>, type_name: &str, found: &mut Found<'a>, spread: &mut HashSet<&'a Name>) {
        for selection in &set.selections {
            match selection {
                Selection::Field(field) if self.included(&field.directives) => found.add(field),
                Selection::InlineFragment(inline)
                    if self.included(&inline.directives)
                        && inline.type_condition.as_ref().is_none_or(|condition| applies(condition, of, type_name)) =>
                {
                    self.collect(&inline.selection_set, of, type_name, found, spread);
                }
                Selection::FragmentSpread(inner) if self.included(&inner.directives) => {
                    if spread.insert(&inner.fragment_name)
                        && let Some(fragment) = self.fragment(&inner.fragment_name)
                        && applies(&fragment.selection_set.ty, of, type_name)
                    {
                        self.collect(&fragment.selection_set, of, type_name, found, spread);
                    }
                }
                _ => {}
            }
        }
    }

    fn fragment(&self, name: &Name) -> Option<&'a Shared<Fragment>> {
        self.document.fragments.get(name)
    }

    fn included(&self, directives: &DirectiveList) -> bool {
        let says = |name: &str| {
            let value = directives.get(name)?.specified_argument_by_name("if")?;
            match value.as_variable() {
                Some(variable) => self.variables.get(variable.as_str()).and_then(Json::as_bool),
                None => value.to_bool(),
            }
        };
        says("skip") != Some(true) && says("include") != Some(false)
    }
}

fn applies(condition: &str, of: Of<'_>, type_name: &str) -> bool {
    condition == type_name
        || (matches!(of, Of::Job) && condition == "Node")
        || (matches!(of, Of::Document(_)) && matches!(condition, "Node" | "Document" | "AnyDocument"))
}

#[derive(Default)]
struct Found<'a> {
    fields: Vec<(&'a Name, Vec<&'a Shared<Field>>)>,
    places: HashMap<&'a Name, usize>,
}

impl<'a> Found<'a> {
    fn add(&mut self, field: &'a Shared<Field>) {
        let key = field.response_key();
        let at = *self.places.entry(key).or_insert_with(|| {
            self.fields.push((key, Vec::new()));
            self.fields.len() - 1
        });
        self.fields[at].1.push(field);
    }
}
