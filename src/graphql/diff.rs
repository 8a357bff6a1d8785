//! Two schemas held against each other: what breaks operations that worked, what may surprise a client, and what is only more than before.
//! Clients that ask for what is there both times see the same; the rules are those of the specification's type system, for
//! what goes out and what comes in each.

use std::fmt;

use anyhow::anyhow;
use apollo_compiler::Schema;
use apollo_compiler::ast::{FieldDefinition, InputValueDefinition, Type};
use apollo_compiler::collections::IndexSet;
use apollo_compiler::schema::{ExtendedType, Name};

/// In the order in which they are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// An operation that was valid may be refused, or what it gets may have another shape.
    Breaking,
    /// Valid operations stay so; a client may meet a value that it did not know, or another default.
    Dangerous,
    Safe,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Change {
    pub gravity: Gravity,
    /// `Package`, `Package.name` or `Query.packages(first:)`.
    pub place: String,
    pub what: String,
}

impl fmt::Display for Gravity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Gravity::Breaking => "breaking",
            Gravity::Dangerous => "dangerous",
            Gravity::Safe => "safe",
        })
    }
}

/// What became of the first schema in the second; the gravest first.
pub fn compare(old: &str, new: &str) -> anyhow::Result<Vec<Change>> {
    let read = |text: &str, which: &str| {
        Schema::parse_and_validate(text, which).map_err(|faults| anyhow!("{which} is no valid schema:\n{}", faults.errors))
    };
    let (old, new) = (read(old, "the old schema")?, read(new, "the new schema")?);
    let mut found = Found { changes: Vec::new() };
    found.of_roots(&old, &new);
    found.of_types(&old, &new);
    let mut changes = found.changes;
    changes.sort();
    Ok(changes)
}

struct Found {
    changes: Vec<Change>,
}

impl Found {
    fn add(&mut self, gravity: Gravity, place: impl Into<String>, what: impl Into<String>) {
        self.changes.push(Change { gravity, place: place.into(), what: what.into() });
    }

    fn of_roots(&mut self, old: &Schema, new: &Schema) {
        let roots = |schema: &Schema| {
            let definition = &schema.schema_definition;
            [("query", &definition.query), ("mutation", &definition.mutation), ("subscription", &definition.subscription)]
                .map(|(kind, name)| (kind, name.as_ref().map(|name| name.name.to_string())))
        };
        for ((kind, before), (_, after)) in roots(old).into_iter().zip(roots(new)) {
            match (before, after) {
                (Some(before), None) => self.add(Gravity::Breaking, before, format!("no {kind} is possible any more")),
                (None, Some(after)) => self.add(Gravity::Safe, after, format!("a {kind} is possible now")),
                (Some(before), Some(after)) if before != after => {
                    self.add(Gravity::Breaking, before, format!("the type of the {kind} is {after} now"));
                }
                _ => {}
            }
        }
    }

    fn of_types(&mut self, old: &Schema, new: &Schema) {
        let own = |schema: &Schema| -> IndexSet<Name> {
            schema.types.iter().filter(|(_, ty)| !ty.is_built_in()).map(|(name, _)| name.clone()).collect()
        };
        let (before, after) = (own(old), own(new));
        for name in before.difference(&after) {
            self.add(Gravity::Breaking, name.as_str(), "the type is gone");
        }
        for name in after.difference(&before) {
            self.add(Gravity::Safe, name.as_str(), "a new type");
        }
        for name in before.intersection(&after) {
            if let (Some(one), Some(other)) = (old.types.get(name), new.types.get(name)) {
                self.of_type(name, one, other);
            }
        }
    }

    fn of_type(&mut self, name: &Name, old: &ExtendedType, new: &ExtendedType) {
        match (old, new) {
            (ExtendedType::Object(old), ExtendedType::Object(new)) => {
                self.of_interfaces(name, &old.implements_interfaces, &new.implements_interfaces);
                let (old, new) = (old.fields.values().map(|field| &***field), new.fields.values().map(|field| &***field));
                self.of_fields(name, &old.collect::<Vec<_>>(), &new.collect::<Vec<_>>());
            }
            (ExtendedType::Interface(old), ExtendedType::Interface(new)) => {
                self.of_interfaces(name, &old.implements_interfaces, &new.implements_interfaces);
                let (old, new) = (old.fields.values().map(|field| &***field), new.fields.values().map(|field| &***field));
                self.of_fields(name, &old.collect::<Vec<_>>(), &new.collect::<Vec<_>>());
            }
            (ExtendedType::InputObject(old), ExtendedType::InputObject(new)) => {
                let one_of = |directives: &apollo_compiler::schema::DirectiveList| directives.has("oneOf");
                match (one_of(&old.directives), one_of(&new.directives)) {
                    (false, true) => self.add(Gravity::Breaking, name.as_str(), "takes only one of its fields now"),
                    (true, false) => self.add(Gravity::Safe, name.as_str(), "takes several of its fields now"),
                    _ => {}
                }
                let (old, new) = (old.fields.values().map(|field| &***field), new.fields.values().map(|field| &***field));
                let place = |input: &Name| format!("{name}.{input}");
                self.of_inputs(&place, "field", &old.collect::<Vec<_>>(), &new.collect::<Vec<_>>());
            }
            (ExtendedType::Enum(old), ExtendedType::Enum(new)) => {
                let (old, new) = (old.values.keys().collect::<IndexSet<_>>(), new.values.keys().collect::<IndexSet<_>>());
                self.of_members(name, "value", &old, &new);
            }
            (ExtendedType::Union(old), ExtendedType::Union(new)) => {
                let old = old.members.iter().map(|member| &member.name).collect::<IndexSet<_>>();
                let new = new.members.iter().map(|member| &member.name).collect::<IndexSet<_>>();
                self.of_members(name, "member", &old, &new);
            }
            (ExtendedType::Scalar(_), ExtendedType::Scalar(_)) => {}
            _ => self.add(Gravity::Breaking, name.as_str(), format!("{} is {} now", kind(old), kind(new))),
        }
    }

    fn of_interfaces(
        &mut self,
        name: &Name,
        old: &IndexSet<apollo_compiler::schema::ComponentName>,
        new: &IndexSet<apollo_compiler::schema::ComponentName>,
    ) {
        for gone in old.iter().filter(|one| !new.iter().any(|other| other.name == one.name)) {
            self.add(Gravity::Breaking, name.as_str(), format!("is no {} any more", gone.name));
        }
        for come in new.iter().filter(|one| !old.iter().any(|other| other.name == one.name)) {
            self.add(Gravity::Dangerous, name.as_str(), format!("is a {} now", come.name));
        }
    }

    /// Of an enum or a union: who reads one exhaustively meets what was added.
    fn of_members(&mut self, name: &Name, what: &str, old: &IndexSet<&Name>, new: &IndexSet<&Name>) {
        for gone in old.difference(new) {
            self.add(Gravity::Breaking, format!("{name}.{gone}"), format!("the {what} is gone"));
        }
        for come in new.difference(old) {
            self.add(Gravity::Dangerous, format!("{name}.{come}"), format!("a new {what}"));
        }
    }

    fn of_fields(&mut self, owner: &Name, old: &[&FieldDefinition], new: &[&FieldDefinition]) {
        for before in old {
            let place = format!("{owner}.{}", before.name);
            let Some(after) = new.iter().find(|field| field.name == before.name) else {
                self.add(Gravity::Breaking, place, "the field is gone");
                continue;
            };
            if before.ty != after.ty {
                let gravity = if is_within(&after.ty, &before.ty) { Gravity::Safe } else { Gravity::Breaking };
                self.add(gravity, place.clone(), format!("{} is {} now", before.ty, after.ty));
            }
            let at = |argument: &Name| format!("{place}({argument}:)");
            let (before, after) = (arguments(before), arguments(after));
            self.of_inputs(&at, "argument", &before, &after);
        }
        for come in new.iter().filter(|field| !old.iter().any(|other| other.name == field.name)) {
            self.add(Gravity::Safe, format!("{owner}.{}", come.name), "a new field");
        }
    }

    fn of_inputs(
        &mut self,
        place: &dyn Fn(&Name) -> String,
        what: &str,
        old: &[&InputValueDefinition],
        new: &[&InputValueDefinition],
    ) {
        for before in old {
            let at = place(&before.name);
            let Some(after) = new.iter().find(|input| input.name == before.name) else {
                self.add(Gravity::Breaking, at, format!("the {what} is gone"));
                continue;
            };
            if before.ty != after.ty {
                // what was taken must be taken still; a null that a default stands in for need not be given
                let gravity = if is_within(&before.ty, &after.ty) { Gravity::Safe } else { Gravity::Breaking };
                self.add(gravity, at.clone(), format!("{} is {} now", before.ty, after.ty));
            } else if before.is_required() != after.is_required() {
                let gravity = if after.is_required() { Gravity::Breaking } else { Gravity::Safe };
                let must = if after.is_required() { "must be given now" } else { "may be left out now" };
                self.add(gravity, at.clone(), must);
                continue;
            }
            if before.default_value != after.default_value {
                let word = |input: &InputValueDefinition| {
                    input.default_value.as_ref().map_or_else(|| "none".to_owned(), |value| value.to_string())
                };
                self.add(Gravity::Dangerous, at, format!("the default {} is {} now", word(before), word(after)));
            }
        }
        for come in new.iter().filter(|input| !old.iter().any(|other| other.name == input.name)) {
            let (gravity, must) = match come.is_required() {
                true => (Gravity::Breaking, " that must be given"),
                false => (Gravity::Safe, ""),
            };
            self.add(gravity, place(&come.name), format!("a new {what}{must}"));
        }
    }
}

fn arguments(field: &FieldDefinition) -> Vec<&InputValueDefinition> {
    field.arguments.iter().map(|argument| &**argument).collect()
}

/// Whatever is of the narrow type is of the wide one, too. A list is never a single value, whatever reads it.
fn is_within(narrow: &Type, wide: &Type) -> bool {
    match (narrow, wide) {
        (Type::NonNullNamed(narrow), Type::Named(wide) | Type::NonNullNamed(wide)) | (Type::Named(narrow), Type::Named(wide)) => {
            narrow == wide
        }
        (Type::NonNullList(narrow), Type::List(wide) | Type::NonNullList(wide)) | (Type::List(narrow), Type::List(wide)) => {
            is_within(narrow, wide)
        }
        _ => false,
    }
}

fn kind(ty: &ExtendedType) -> &'static str {
    match ty {
        ExtendedType::Scalar(_) => "a scalar",
        ExtendedType::Object(_) => "an object",
        ExtendedType::Interface(_) => "an interface",
        ExtendedType::Union(_) => "a union",
        ExtendedType::Enum(_) => "an enum",
        ExtendedType::InputObject(_) => "an input object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(old: &str, new: &str) -> Vec<String> {
        let changes = compare(old, new).unwrap();
        changes.iter().map(|change| format!("{} {}: {}", change.gravity, change.place, change.what)).collect()
    }

    #[test]
    fn equal_schemas_differ_in_nothing() {
        let text = "type Query { a(b: Int = 1): [String!] } enum E { A } union U = Query input I { e: E = A }";
        assert_eq!(told(text, text), Vec::<String>::new());
    }

    #[test]
    fn what_goes_out_may_be_narrower_and_what_comes_in_wider() {
        let old = "type Query { a: String b: String! c: String d: [String] e: [Int!] f(x: Int! y: Int z: [Int!]): Int }";
        let new = "type Query { a: String! b: String c: [String] d: [String!] e: [Int] f(x: Int y: Int! z: [Int]): Int }";
        assert_eq!(
            told(old, new),
            [
                "breaking Query.b: String! is String now",
                "breaking Query.c: String is [String] now",
                "breaking Query.e: [Int!] is [Int] now",
                "breaking Query.f(y:): Int is Int! now",
                "safe Query.a: String is String! now",
                "safe Query.d: [String] is [String!] now",
                "safe Query.f(x:): Int! is Int now",
                "safe Query.f(z:): [Int!] is [Int] now",
            ]
        );
    }

    #[test]
    fn what_is_gone_breaks_and_what_is_new_does_not_unless_it_must_be_given() {
        let old = "type Query { a(x: Int): T b: Int } type T { t: Int } type G { g: Int } input I { i: Int } enum E { A B }
            union U = T | G type Mutation { m(i: I e: E): U }";
        let new = "type Query { a(y: Int z: Int! d: Int! = 3): T c: Int } type T { t: Int } input I { j: Int! } enum E { B C }
            union U = T type N { n: U e(e: E i: I): Int }";
        assert_eq!(
            told(old, new),
            [
                "breaking E.A: the value is gone",
                "breaking G: the type is gone",
                "breaking I.i: the field is gone",
                "breaking I.j: a new field that must be given",
                "breaking Mutation: no mutation is possible any more",
                "breaking Mutation: the type is gone",
                "breaking Query.a(x:): the argument is gone",
                "breaking Query.a(z:): a new argument that must be given",
                "breaking Query.b: the field is gone",
                "breaking U.G: the member is gone",
                "dangerous E.C: a new value",
                "safe N: a new type",
                "safe Query.a(d:): a new argument",
                "safe Query.a(y:): a new argument",
                "safe Query.c: a new field",
            ]
        );
    }

    #[test]
    fn defaults_kinds_and_interfaces_are_told() {
        let old = "type Query implements A { a(x: Int = 1 y: Int! = 2): Int } interface A { a(x: Int = 1 y: Int! = 2): Int }
            interface B { b: Int } scalar S input I { s: S } type T { a(i: I): Int }";
        let new = "type Query implements B { a(x: Int = 2 y: Int!): Int b: Int } interface A { a(x: Int = 1 y: Int! = 2): Int }
            interface B { b: Int } enum S { S } input I @oneOf { s: S } directive @oneOf on INPUT_OBJECT type T { a(i: I): Int }";
        assert_eq!(
            told(old, new),
            [
                "breaking I: takes only one of its fields now",
                "breaking Query: is no A any more",
                "breaking Query.a(y:): must be given now",
                "breaking S: a scalar is an enum now",
                "dangerous Query: is a B now",
                "dangerous Query.a(x:): the default 1 is 2 now",
                "safe Query.b: a new field",
            ]
        );
    }

    #[test]
    fn what_is_no_schema_is_told() {
        let fault = compare("type Query {", "type Query { a: Int }").unwrap_err().to_string();
        assert!(fault.starts_with("the old schema is no valid schema"), "{fault}");
    }
}
