//! How much of the schema an operation asks to be told, counted before any of it is written. A few words can ask for every field of
//! the type of every field of every type; what tools ask for names each type and field once.

use apollo_compiler::collections::HashMap;
use apollo_compiler::executable::{Field, Operation, Selection, SelectionSet};
use apollo_compiler::schema::{
    Component, DirectiveDefinition, ExtendedType, FieldDefinition, Implementers, InputValueDefinition, Type,
};
use apollo_compiler::{ExecutableDocument, Name, Node, Schema};
use serde_json::Value as Json;

use super::Values;

/// Fields of an answer for each type, field, argument and value of the schema: what tools ask is about 16 of them.
const EACH: u64 = 40;
const LEAST: u64 = 20_000;

/// What an operation may ask to be told of a schema.
pub(crate) fn most(schema: &Schema) -> u64 {
    let of_fields = |fields: &mut dyn Iterator<Item = &Component<FieldDefinition>>| -> u64 {
        fields.map(|field| 1 + field.arguments.len() as u64).sum()
    };
    let things: u64 = schema
        .types
        .values()
        .map(|on| match on {
            ExtendedType::Object(on) => of_fields(&mut on.fields.values()),
            ExtendedType::Interface(on) => of_fields(&mut on.fields.values()),
            ExtendedType::InputObject(on) => on.fields.len() as u64,
            ExtendedType::Enum(on) => on.values.len() as u64,
            ExtendedType::Union(on) => on.members.len() as u64,
            ExtendedType::Scalar(_) => 0,
        })
        .map(|inside| inside + 1)
        .sum();
    LEAST + EACH * things
}

/// Fields of the answer about the schema; counting ends above `most`.
pub(crate) fn weigh(
    schema: &Schema,
    implementers: &HashMap<Name, Implementers>,
    document: &ExecutableDocument,
    operation: &Operation,
    variables: &Values,
    most: u64,
) -> u64 {
    let mut counting = Counting { schema, implementers, document, variables, most, sum: 0 };
    // ended early: it is above
    let _ = counting.set(&operation.selection_set, What::Root);
    counting.sum
}

/// What a selection is made on.
#[derive(Clone, Copy)]
enum What<'a> {
    Root,
    Schema,
    Named(&'a Name),
    /// A list of something, or something that is never null.
    Wrapped(&'a Type),
    Field(&'a FieldDefinition),
    Input(&'a InputValueDefinition),
    Value,
    Directive(&'a DirectiveDefinition),
}

struct Counting<'a> {
    schema: &'a Schema,
    implementers: &'a HashMap<Name, Implementers>,
    document: &'a ExecutableDocument,
    variables: &'a Values,
    most: u64,
    sum: u64,
}

/// Enough was counted.
struct Enough;

impl<'a> Counting<'a> {
    fn set(&mut self, set: &'a SelectionSet, on: What<'a>) -> Result<(), Enough> {
        for selection in &set.selections {
            self.sum += 1;
            if self.sum > self.most {
                return Err(Enough);
            }
            match selection {
                Selection::Field(field) => self.field(field, on)?,
                Selection::InlineFragment(inline) => self.set(&inline.selection_set, on)?,
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = self.document.fragments.get(&spread.fragment_name) {
                        self.set(&fragment.selection_set, on)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn each(&mut self, field: &'a Field, on: impl Iterator<Item = What<'a>>) -> Result<(), Enough> {
        for on in on {
            self.set(&field.selection_set, on)?;
        }
        Ok(())
    }

    fn refer(&mut self, field: &'a Field, to: &'a Type) -> Result<(), Enough> {
        let on = match to {
            Type::Named(name) => What::Named(name),
            wrapped => What::Wrapped(wrapped),
        };
        self.set(&field.selection_set, on)
    }

    fn field(&mut self, field: &'a Field, on: What<'a>) -> Result<(), Enough> {
        match (on, field.name.as_str()) {
            (What::Root, "__schema") => self.set(&field.selection_set, What::Schema),
            (What::Root, "__type") => match self.named(field).and_then(|name| self.schema.types.get_key_value(name)) {
                Some((name, _)) => self.set(&field.selection_set, What::Named(name)),
                None => Ok(()),
            },
            (What::Schema, "types") => self.each(field, self.schema.types.keys().map(What::Named)),
            (What::Schema, "directives") => {
                self.each(field, self.schema.directive_definitions.values().map(|on| What::Directive(on)))
            }
            (What::Schema, "queryType" | "mutationType" | "subscriptionType") => {
                let roots = &self.schema.schema_definition;
                let root = match field.name.as_str() {
                    "queryType" => &roots.query,
                    "mutationType" => &roots.mutation,
                    _ => &roots.subscription,
                };
                self.each(field, root.iter().map(|root| What::Named(&root.name)))
            }
            (What::Named(name), inside) => match self.schema.types.get(name) {
                Some(on) => self.inside(field, name, on, inside),
                None => Ok(()),
            },
            (What::Wrapped(on), "ofType") => match on {
                Type::NonNullNamed(name) => self.set(&field.selection_set, What::Named(name)),
                Type::List(inner) => self.refer(field, inner),
                // a list that is never null: what it is without that is no part of the schema, and is counted by what it lists
                Type::NonNullList(inner) => self.unwrapped(field, inner),
                Type::Named(_) => Ok(()),
            },
            (What::Field(on), "args") => self.each(field, on.arguments.iter().map(|argument| What::Input(argument))),
            (What::Directive(on), "args") => self.each(field, on.arguments.iter().map(|argument| What::Input(argument))),
            (What::Field(on), "type") => self.refer(field, &on.ty),
            (What::Input(on), "type") => self.refer(field, &on.ty),
            _ => Ok(()),
        }
    }

    /// One level more of the same: the list, and then what it lists.
    fn unwrapped(&mut self, field: &'a Field, inner: &'a Type) -> Result<(), Enough> {
        let mut rest = vec![&field.selection_set];
        while let Some(set) = rest.pop() {
            for selection in &set.selections {
                self.sum += 1;
                if self.sum > self.most {
                    return Err(Enough);
                }
                match selection {
                    Selection::Field(below) if below.name == "ofType" => self.refer(below, inner)?,
                    Selection::Field(_) => {}
                    Selection::InlineFragment(inline) => rest.push(&inline.selection_set),
                    Selection::FragmentSpread(spread) => {
                        rest.extend(self.document.fragments.get(&spread.fragment_name).map(|fragment| &fragment.selection_set));
                    }
                }
            }
        }
        Ok(())
    }

    fn inside(&mut self, field: &'a Field, name: &'a Name, on: &'a ExtendedType, inside: &str) -> Result<(), Enough> {
        let fields = |fields: &'a apollo_compiler::collections::IndexMap<Name, Component<FieldDefinition>>| {
            fields.values().map(|field| What::Field(field))
        };
        match (on, inside) {
            (ExtendedType::Object(on), "fields") => self.each(field, fields(&on.fields)),
            (ExtendedType::Interface(on), "fields") => self.each(field, fields(&on.fields)),
            (ExtendedType::Object(on), "interfaces") => {
                self.each(field, on.implements_interfaces.iter().map(|name| What::Named(&name.name)))
            }
            (ExtendedType::Interface(on), "interfaces") => {
                self.each(field, on.implements_interfaces.iter().map(|name| What::Named(&name.name)))
            }
            (ExtendedType::Union(on), "possibleTypes") => self.each(field, on.members.iter().map(|name| What::Named(&name.name))),
            (ExtendedType::Interface(_), "possibleTypes") => {
                let implementers = self.implementers;
                let all = implementers.get(name).into_iter().flat_map(|all| all.objects.iter());
                self.each(field, all.map(What::Named))
            }
            (ExtendedType::InputObject(on), "inputFields") => self.each(field, on.fields.values().map(|on| What::Input(on))),
            (ExtendedType::Enum(on), "enumValues") => self.each(field, on.values.values().map(|_| What::Value)),
            _ => Ok(()),
        }
    }

    /// The name that is asked for.
    fn named(&self, field: &'a Field) -> Option<&'a str> {
        let argument = field.arguments.iter().find(|argument| argument.name == "name")?;
        let value: &'a Node<apollo_compiler::ast::Value> = &argument.value;
        if let Some(name) = value.as_str() {
            return Some(name);
        }
        let variables: &'a Values = self.variables;
        value.as_variable().and_then(|name| variables.get(name.as_str())).and_then(Json::as_str)
    }
}
