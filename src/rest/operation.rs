//! One line of a bulk request -> a write. Pure.

use serde::Deserialize;
use serde::de::Error as _;

use crate::error::Code;
use crate::rest::problem::Fault;
use crate::search::{Action, CollectionName, DocumentId, Error, Filter, Precondition, Source, Version, Write};

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Operation {
    /// Fails if the id is taken; without an id a new one is made.
    Create(Create),
    /// A JSON merge patch of what is there.
    Update(Update),
    /// Puts the document there, whatever was there before.
    Upsert(Upsert),
    Delete(Delete),
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Create {
    #[serde(default)]
    id: Option<Id>,
    #[schema(value_type = Object)]
    input: Source,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Update {
    id: Id,
    #[schema(value_type = Object)]
    patch: Source,
    #[serde(default)]
    if_version: Option<String>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Upsert {
    id: Id,
    #[schema(value_type = Object)]
    input: Source,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Delete {
    id: Id,
    #[serde(default)]
    if_version: Option<String>,
}

/// A text, or a whole number as GraphQL takes it for an ID.
#[derive(utoipa::ToSchema)]
#[schema(value_type = String)]
struct Id(String);

impl<'de> Deserialize<'de> for Id {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(text) => Ok(Id(text)),
            serde_json::Value::Number(number) if number.is_i64() || number.is_u64() => Ok(Id(number.to_string())),
            _ => Err(D::Error::custom("an id is a text")),
        }
    }
}

/// What a line asks for, and where faults of the engine lie in it: `create`, `input`.
#[derive(Debug, PartialEq)]
pub(super) struct Asked {
    pub(super) write: Write,
    pub(super) id: Option<String>,
    pub(super) place: [&'static str; 2],
}

/// A line that is wrong: what it is about, as far as it can be told, and why.
#[derive(Debug)]
pub(super) struct Refused {
    pub(super) id: Option<String>,
    pub(super) fault: Fault,
}

pub(super) fn parse(line: &[u8], on: &CollectionName) -> Result<Asked, Refused> {
    let wrong = |message: String, path: &[&str], id: Option<String>| Refused {
        id,
        fault: Fault::new(Code::BadUserInput, message, path.iter().map(|part| (*part).to_owned()).collect()),
    };
    let not_understood = |fault: &str| {
        let help = r#"one operation a line, as {"create":{"id":"1","input":{…}}}"#;
        wrong(format!("the line is not understood ({fault}): {help}"), &[], None)
    };
    let operation: Operation = serde_json::from_slice(line).map_err(|fault| not_understood(&fault.to_string()))?;
    // a list would pass for the struct, its items taken for the fields in order; no name of an operation holds a colon
    let inside = line.iter().position(|byte| *byte == b':').and_then(|at| line[at + 1..].trim_ascii_start().first());
    if inside != Some(&b'{') {
        return Err(not_understood("an operation is an object"));
    }
    let (name, id, action) = match operation {
        Operation::Create(Create { id, input }) => {
            let precondition = if id.is_some() { Precondition::Absent } else { Precondition::None };
            ("create", id, Body::Index(input, precondition))
        }
        Operation::Upsert(Upsert { id, input }) => ("upsert", Some(id), Body::Index(input, Precondition::None)),
        Operation::Update(Update { id, patch, if_version }) => ("update", Some(id), Body::Update(patch, if_version)),
        Operation::Delete(Delete { id, if_version }) => ("delete", Some(id), Body::Delete(if_version)),
    };
    let told = id.map(|id| id.0);
    let id = match &told {
        None => None,
        Some(text) => Some(DocumentId::parse(text).map_err(|fault| wrong(fault.to_owned(), &[name, "id"], Some(text.clone())))?),
    };
    let version = |text: Option<String>| match text {
        None => Ok(Precondition::None),
        Some(text) => text
            .parse::<Version>()
            .map(Precondition::Version)
            .map_err(|fault| wrong(fault.to_owned(), &[name, "ifVersion"], told.clone())),
    };
    let (action, part) = match (action, id) {
        (Body::Index(source, precondition), id) => (Action::Index { id, source, precondition }, "input"),
        (Body::Update(patch, text), Some(id)) => (Action::Update { id, patch, precondition: version(text)? }, "patch"),
        (Body::Delete(text), Some(id)) => (Action::Delete { id, precondition: version(text)? }, "id"),
        (Body::Update(..) | Body::Delete(_), None) => return Err(wrong("the id is missing".into(), &[name, "id"], None)),
    };
    Ok(Asked { write: Write { on: on.clone(), rule: Filter::All, action }, id: told, place: [name, part] })
}

enum Body {
    Index(Source, Precondition),
    Update(Source, Option<String>),
    Delete(Option<String>),
}

/// An error of the engine as a fault of the line.
pub(super) fn fault_of(error: &Error, place: [&'static str; 2]) -> Fault {
    let path = match error {
        Error::Invalid { path, .. } => place.iter().map(|part| (*part).to_owned()).chain(path.iter().cloned()).collect(),
        Error::NotFound(_) | Error::Conflict(_) => vec![place[0].to_owned(), "id".to_owned()],
        _ => Vec::new(),
    };
    Fault::new(Code::from(error), error.to_string(), path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(line: &str) -> Result<Asked, Refused> {
        parse(line.as_bytes(), &CollectionName::parse("packages").unwrap())
    }

    #[test]
    fn each_operation_is_an_action() {
        let source: Source = serde_json::from_str(r#"{"a":1}"#).unwrap();
        let id = |text| DocumentId::parse(text).unwrap();
        let version = Version { seq_no: 3, primary_term: 1 };
        for (line, action) in [
            (
                r#"{"create":{"id":"1","input":{"a":1}}}"#,
                Action::Index { id: Some(id("1")), source: source.clone(), precondition: Precondition::Absent },
            ),
            (
                r#"{"create":{"input":{"a":1}}}"#,
                Action::Index { id: None, source: source.clone(), precondition: Precondition::None },
            ),
            (
                r#"{"upsert":{"id":7,"input":{"a":1}}}"#,
                Action::Index { id: Some(id("7")), source: source.clone(), precondition: Precondition::None },
            ),
            (
                r#"{"update":{"id":"1","patch":{"a":1},"ifVersion":"3-1"}}"#,
                Action::Update { id: id("1"), patch: source, precondition: Precondition::Version(version) },
            ),
            (r#"{"delete":{"id":"1"}}"#, Action::Delete { id: id("1"), precondition: Precondition::None }),
        ] {
            assert_eq!(asked(line).unwrap().write.action, action, "{line}");
        }
    }

    #[test]
    fn a_wrong_line_says_where_it_is_wrong() {
        for (line, path, part) in [
            ("nonsense", &[][..], "not understood"),
            ("{}", &[], "not understood"),
            (r#"{"create":{"input":{}},"delete":{"id":"1"}}"#, &[], "not understood"),
            (r#"{"create":{"input":{},"more":1}}"#, &[], "more"),
            (r#"{"create":{"input":[]}}"#, &[], "not understood"),
            (r#"{"create": ["1", {}]}"#, &[], "an operation is an object"),
            (r#"{"upsert":{"input":{}}}"#, &[], "id"),
            (r#"{"delete":{"id":""}}"#, &["delete", "id"], "empty"),
            (r#"{"delete":{"id":"1","ifVersion":"x"}}"#, &["delete", "ifVersion"], "version"),
        ] {
            let refused = asked(line).unwrap_err();
            assert_eq!(refused.fault.path, path, "{line}");
            assert!(refused.fault.message.contains(part), "{line}: {}", refused.fault.message);
        }
    }
}
