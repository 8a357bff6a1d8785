//! Operations -> the lines of a `_bulk` request, and its answer -> what became of each. Pure.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::failure;
use crate::{DocumentId, Error, Result, Source, Version, WriteOutcome, Written};

/// One operation on one concrete index (or the name through which new documents come in).
#[derive(Debug)]
pub(super) struct Operation {
    /// Place in the batch.
    pub place: usize,
    pub verb: Verb,
    pub index: String,
    pub id: Option<DocumentId>,
    pub routing: Option<String>,
    pub condition: Option<Version>,
    /// Absent for a deletion.
    pub source: Option<Source>,
    /// The condition is ours, of what was read before; the user asked none.
    pub again_on_conflict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Index,
    Create,
    Delete,
}

#[derive(Debug, Deserialize)]
pub(super) struct Answered {
    pub items: Vec<std::collections::BTreeMap<String, Item>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Item {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_id")]
    id: Option<String>,
    #[serde(rename = "_seq_no")]
    seq_no: Option<u64>,
    #[serde(rename = "_primary_term")]
    primary_term: Option<u64>,
    result: Option<String>,
    pub status: u16,
    error: Option<Json>,
}

pub(super) fn lines(operation: &Operation, out: &mut Vec<u8>) -> Result<()> {
    let mut about = json!({"_index": operation.index});
    if let Some(id) = &operation.id {
        about["_id"] = json!(id.as_str());
    }
    if let Some(routing) = &operation.routing {
        about["routing"] = json!(routing);
    }
    if let Some(version) = &operation.condition {
        about["if_seq_no"] = json!(version.seq_no);
        about["if_primary_term"] = json!(version.primary_term);
    }
    let verb = match operation.verb {
        Verb::Index => "index",
        Verb::Create => "create",
        Verb::Delete => "delete",
    };
    serde_json::to_writer(&mut *out, &json!({verb: about})).map_err(Error::internal)?;
    out.push(b'\n');
    if let Some(source) = &operation.source {
        serde_json::to_writer(&mut *out, source).map_err(Error::internal)?;
        out.push(b'\n');
    }
    Ok(())
}

/// What is remembered of an operation once it is sent.
pub(super) struct Asked {
    verb: Verb,
    routing: Option<String>,
    source: Option<Source>,
}

impl From<Operation> for Asked {
    fn from(operation: Operation) -> Self {
        Asked { verb: operation.verb, routing: operation.routing, source: operation.source }
    }
}

fn missing() -> Error {
    Error::NotFound("there is no document of that id".into())
}

impl Item {
    /// Turned away before it was tried: it may be sent again.
    pub(super) fn turned_away(&self) -> bool {
        self.status == 429
    }

    pub(super) fn conflict(&self) -> bool {
        self.status == 409
    }

    pub(super) fn outcome(self, asked: Asked) -> WriteOutcome {
        if let Some(error) = &self.error {
            // a deletion on condition of a version: that there is nothing goes before that it is another version
            let reason = error["reason"].as_str().unwrap_or_default();
            let absent = asked.verb == Verb::Delete && reason.contains("no document was found");
            return Err(if absent { missing() } else { failure::of_error(self.status, error) });
        }
        if self.result.as_deref() == Some("not_found") {
            return Err(missing());
        }
        let lacking = || Error::Internal("an outcome of a write without its version".into());
        Ok(Written {
            id: DocumentId::parse(self.id.as_deref().unwrap_or_default()).map_err(Error::internal)?,
            index: self.index.into(),
            routing: asked.routing.map(Arc::from),
            version: Version { seq_no: self.seq_no.ok_or_else(lacking)?, primary_term: self.primary_term.ok_or_else(lacking)? },
            created: self.result.as_deref() == Some("created"),
            after: asked.source,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_is_a_line_about_it_and_the_document() {
        let operation = Operation {
            place: 0,
            verb: Verb::Index,
            index: "a".into(),
            id: DocumentId::parse("1\n").ok(),
            routing: None,
            condition: Some(Version { seq_no: 4, primary_term: 1 }),
            source: Some(Source::from_iter([("t".to_owned(), json!("x\ny"))])),
            again_on_conflict: false,
        };
        let mut out = Vec::new();
        lines(&operation, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let expected =
            "{\"index\":{\"_id\":\"1\\n\",\"_index\":\"a\",\"if_primary_term\":1,\"if_seq_no\":4}}\n{\"t\":\"x\\ny\"}\n";
        assert_eq!(text, expected);
    }

    #[test]
    fn outcomes_tell_what_became_of_each() {
        let answered: Answered = serde_json::from_value(json!({"items": [
            {"create": {"_index": "a", "_id": "1", "_seq_no": 3, "_primary_term": 1, "result": "created", "status": 201}},
            {"create": {"_index": "a", "_id": "1", "status": 409,
                "error": {"type": "version_conflict_engine_exception", "reason": "[1]: version conflict, document already exists"}}},
            {"delete": {"_index": "a", "_id": "2", "_seq_no": 4, "_primary_term": 1, "result": "not_found", "status": 404}},
            {"index": {"_index": "a", "_id": "3", "status": 429, "error": {"type": "es_rejected_execution_exception", "reason": "x"}}},
        ]}))
        .unwrap();
        let items: Vec<Item> = answered.items.into_iter().flat_map(|item| item.into_values()).collect();
        assert!(items[3].turned_away());
        let asked = || Asked { verb: Verb::Delete, routing: None, source: None };
        let outcomes: Vec<WriteOutcome> = items.into_iter().map(|item| item.outcome(asked())).collect();
        assert!(matches!(&outcomes[0], Ok(written) if written.created && written.version.to_string() == "3-1"));
        assert!(matches!(&outcomes[1], Err(Error::Conflict(_))));
        assert!(matches!(&outcomes[2], Err(Error::NotFound(_))));
        assert!(matches!(&outcomes[3], Err(Error::Unavailable(_))));
    }
}
