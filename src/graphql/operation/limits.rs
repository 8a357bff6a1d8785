//! What an operation may cost, checked on its syntax alone and in linear time: depth, aliases, root fields.
//!
//! What a fragment costs is worked out once, however often it is spread, so a document whose fragments spread one another
//! into 2^60 fields is refused as fast as any. Fragments that nobody reaches are held to the same limits.

use std::collections::HashMap;

use apollo_compiler::ast::{Definition, Document, FragmentDefinition, Selection, Value};
use apollo_compiler::{Name, Node};

use crate::config::{Defence, Limits};
use crate::graphql::errors::{Failure, VALIDATION_FAILED};

/// What introspection nests is not counted up to here: tools ask for types of types of types.
const INTROSPECTION: u64 = 40;

#[derive(Clone, Copy, Default)]
struct Cost {
    /// Fields above one another; what introspection nests is not counted.
    depth: u64,
    /// Aliases and fields of the first level, each as often as the spreads repeat it.
    aliases: u64,
    fields: u64,
}

impl Cost {
    fn add(&mut self, other: Cost) {
        self.depth = self.depth.max(other.depth);
        self.aliases = self.aliases.saturating_add(other.aliases);
        self.fields = self.fields.saturating_add(other.fields);
    }
}

pub(crate) fn check(document: &Document, limits: &Limits) -> Result<(), Failure> {
    let mut weighing = Weighing { fragments: HashMap::new(), known: HashMap::new() };
    for definition in &document.definitions {
        if let Definition::FragmentDefinition(fragment) = definition {
            weighing.fragments.insert(&fragment.name, fragment);
        }
    }
    let mut whole = Cost::default();
    for definition in &document.definitions {
        let cost = match definition {
            Definition::OperationDefinition(operation) => {
                let cost = weighing.cost(&operation.selection_set);
                over(limits, "root_fields", limits.root_fields, cost.fields, "split the operation")?;
                whole.aliases = whole.aliases.saturating_add(cost.aliases);
                cost
            }
            Definition::FragmentDefinition(fragment) => weighing.fragment(&fragment.name),
            // the validation refuses anything else
            _ => continue,
        };
        whole.depth = whole.depth.max(cost.depth);
        over(limits, "aliases", limits.aliases, whole.aliases.max(cost.aliases), "split the operation")?;
    }
    over(limits, "depth", limits.depth, whole.depth, "nest fewer fields")
}

fn over(limits: &Limits, limit: &'static str, most: usize, asked: u64, advice: &str) -> Result<(), Failure> {
    let most = most as u64;
    if limits.lets(limit, most, asked) { Ok(()) } else { Err(Failure::limit(limit, most, asked, advice)) }
}

struct Weighing<'a> {
    fragments: HashMap<&'a Name, &'a Node<FragmentDefinition>>,
    /// `None` while it is being worked out: a fragment that reaches itself costs nothing more, and the validation refuses it.
    known: HashMap<&'a Name, Option<Cost>>,
}

impl<'a> Weighing<'a> {
    fn cost(&mut self, selections: &'a [Selection]) -> Cost {
        let mut sum = Cost::default();
        for selection in selections {
            sum.add(match selection {
                Selection::Field(field) => {
                    let inner = self.cost(&field.selection_set);
                    let introspection = matches!(field.name.as_str(), "__schema" | "__type");
                    Cost {
                        depth: if introspection && inner.depth <= INTROSPECTION { 1 } else { 1 + inner.depth },
                        aliases: inner.aliases.saturating_add(u64::from(field.alias.is_some())),
                        fields: 1,
                    }
                }
                Selection::InlineFragment(inline) => self.cost(&inline.selection_set),
                Selection::FragmentSpread(spread) => self.fragment(&spread.fragment_name),
            });
        }
        sum
    }

    fn fragment(&mut self, name: &'a Name) -> Cost {
        if let Some(known) = self.known.get(name) {
            return known.unwrap_or_default();
        }
        self.known.insert(name, None);
        let cost = self.fragments.get(name).copied().map(|fragment| self.cost(&fragment.selection_set)).unwrap_or_default();
        self.known.insert(name, Some(cost));
        cost
    }
}

/// Directives of a whole document: what conditions an operation has, with room to spare.
const DIRECTIVES: usize = 200;

/// Directives are cheap to write, and each is looked at by every rule of the validation.
pub(crate) fn check_directives(document: &Document, limits: &Limits) -> Result<(), Failure> {
    if !limits.has(Defence::Directives) {
        return Ok(());
    }
    let mut count = 0;
    for definition in &document.definitions {
        count += match definition {
            Definition::OperationDefinition(operation) => {
                let variables = operation.variables.iter().map(|variable| variable.directives.len()).sum::<usize>();
                operation.directives.len() + variables + directives(&operation.selection_set)
            }
            Definition::FragmentDefinition(fragment) => fragment.directives.len() + directives(&fragment.selection_set),
            _ => 0,
        };
    }
    over(limits, "directives", DIRECTIVES, count as u64, "use fewer directives")
}

fn directives(selections: &[Selection]) -> usize {
    let of = |selection: &Selection| match selection {
        Selection::Field(field) => field.directives.len() + directives(&field.selection_set),
        Selection::InlineFragment(inline) => inline.directives.len() + directives(&inline.selection_set),
        Selection::FragmentSpread(spread) => spread.directives.len(),
    };
    selections.iter().map(of).sum()
}

/// An input object that names a field twice: which of them is meant cannot be known, so it is refused.
pub(crate) fn check_inputs(document: &Document) -> Result<(), Failure> {
    for definition in &document.definitions {
        match definition {
            Definition::OperationDefinition(operation) => {
                for variable in &operation.variables {
                    if let Some(value) = &variable.default_value {
                        check_value(document, value)?;
                    }
                }
                check_selections(document, &operation.selection_set)?;
            }
            Definition::FragmentDefinition(fragment) => check_selections(document, &fragment.selection_set)?,
            _ => {}
        }
    }
    Ok(())
}

fn check_selections(document: &Document, selections: &[Selection]) -> Result<(), Failure> {
    for selection in selections {
        match selection {
            Selection::Field(field) => {
                for argument in &field.arguments {
                    check_value(document, &argument.value)?;
                }
                check_selections(document, &field.selection_set)?;
            }
            Selection::InlineFragment(inline) => check_selections(document, &inline.selection_set)?,
            Selection::FragmentSpread(_) => {}
        }
    }
    Ok(())
}

fn check_value(document: &Document, value: &Node<Value>) -> Result<(), Failure> {
    match &**value {
        Value::Object(fields) => {
            let mut seen = std::collections::HashSet::with_capacity(fields.len());
            for (name, inner) in fields {
                if !seen.insert(name) {
                    let place = name.location().and_then(|span| span.line_column(&document.sources));
                    let message = format!("there can be only one input field named `{name}` in an object");
                    return Err(Failure::coded(VALIDATION_FAILED, message).at(place));
                }
                check_value(document, inner)?;
            }
            Ok(())
        }
        Value::List(items) => items.iter().try_for_each(|item| check_value(document, item)),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::parser::Parser;

    use super::*;

    fn checked(text: &str) -> Result<(), String> {
        let document = Parser::new().parse_ast(text, "t").unwrap();
        check(&document, &Limits::default())
            .and_then(|()| check_inputs(&document))
            .map_err(|failure| format!("{} {:?}", failure.code, failure.more.first()))
    }

    #[test]
    fn a_bomb_of_spreads_is_refused_at_once() {
        let mut text = String::from("query { ...F0 } ");
        for n in 0..60 {
            text += &format!("fragment F{n} on Query {{ ...F{next} ...F{next} }} ", next = n + 1);
        }
        text += "fragment F60 on Query { packages { total { value } } }";
        let started = std::time::Instant::now();
        assert!(checked(&text).unwrap_err().contains("root_fields"));
        assert!(started.elapsed().as_millis() < 1_000);
    }

    #[test]
    fn aliases_count_as_often_as_they_are_spread() {
        assert!(checked("{ a: x ...f ...f } fragment f on Q { b: y }").is_ok());
        let text = format!("{{ {} }} fragment f on Q {{ p {{ b: y c: y }} }}", "...f ".repeat(16));
        assert!(checked(&text).unwrap_err().contains("aliases"));
    }

    #[test]
    fn unreached_fragments_count_and_introspection_may_nest() {
        let deep = |root: &str| format!("{root} {{ a {} }} {}", "{ a ".repeat(20), "}".repeat(20));
        assert!(checked(&format!("{{ x }} fragment f on Q {{ {} }}", deep("y"))).unwrap_err().contains("depth"));
        assert!(checked(&format!("{{ {} }}", deep("__schema"))).is_ok());
    }

    #[test]
    fn a_fragment_that_reaches_itself_ends() {
        assert!(checked("{ ...f } fragment f on Q { a { ...f } }").is_ok());
    }

    #[test]
    fn an_input_field_given_twice_is_refused() {
        assert!(checked("{ a(filter: { size: { gte: 1, gte: 2 } }) }").unwrap_err().contains(VALIDATION_FAILED));
        assert!(checked("query($f: F = { a: 1, a: 2 }) { a(filter: $f) }").is_err());
        assert!(checked("{ a(filter: { a: 1, b: { a: 1 } }) }").is_ok());
    }
}
