//! What Elasticsearch's refusals mean: status, type and reason -> an error of ours. Pure; the table that decides what
//! a user is told and what only the log holds.

use serde_json::Value as Json;

use super::client::Answer;
use crate::{Error, plain};

/// Of all aggregations of a search together.
pub(super) const TOO_MANY_BUCKETS: &str = "there are more groups than Elasticsearch takes";

/// Answers that are no answers: worth asking again.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Turned away before any work was done.
    Overloaded,
    /// Something between, or a node that is starting.
    Gateway,
}

/// 429 has several causes, so the type decides, not the status.
pub(super) fn refusal(status: u16, body: &[u8]) -> Option<Refusal> {
    match status {
        502 | 503 => Some(Refusal::Gateway),
        429 => {
            let json: Json = serde_json::from_slice(body).unwrap_or_default();
            let overloaded = types(&json["error"]).any(|kind| kind == "es_rejected_execution_exception");
            (overloaded || json.is_null()).then_some(Refusal::Overloaded)
        }
        _ => None,
    }
}

/// The body of a good answer as JSON; else what is wrong.
pub(super) fn good<T: serde::de::DeserializeOwned>(answer: &Answer) -> Result<T, Error> {
    if (200..300).contains(&answer.status) {
        serde_json::from_slice(&answer.body).map_err(|fault| unreadable(answer, &fault))
    } else {
        Err(of_answer(answer))
    }
}

pub(super) fn unreadable(answer: &Answer, fault: &serde_json::Error) -> Error {
    let place = format!("line {} column {}", fault.line(), fault.column());
    Error::Internal(format!(
        "status {}, {} bytes that do not read: {:?} at {place}",
        answer.status,
        answer.body.len(),
        fault.classify()
    ))
}

pub(super) fn of_answer(answer: &Answer) -> Error {
    match serde_json::from_slice::<Json>(&answer.body) {
        Ok(json) if json["error"].is_object() => of_error(answer.status, &json["error"]),
        _ => {
            let start = String::from_utf8_lossy(&answer.body[..answer.body.len().min(200)]);
            of_status(answer.status, plain(&start))
        }
    }
}

/// The `error` object of an answer, of an item of `_msearch`, `_mget` or `_bulk`.
pub(super) fn of_error(status: u16, error: &Json) -> Error {
    let reason = reason(error);
    let index = error["index"].as_str().or_else(|| error["root_cause"][0]["index"].as_str());
    for kind in types(error) {
        let found = match kind {
            "index_not_found_exception" => Error::NotFound(format!("there is no collection {}", index.unwrap_or("of that name"))),
            "index_closed_exception" => Error::NotFound(format!("the index {} is closed", index.unwrap_or("asked for"))),
            "document_missing_exception" => Error::NotFound("there is no document of that id".into()),
            "resource_already_exists_exception" => Error::Conflict("a collection of that name exists".into()),
            "version_conflict_engine_exception" => Error::Conflict(conflict(&reason)),
            "search_context_missing_exception" => Error::SnapshotGone,
            "search_timeout_exception" | "elasticsearch_timeout_exception" | "process_cluster_event_timeout_exception" => {
                Error::Timeout
            }
            "too_many_clauses" | "too_many_nested_clauses" => {
                Error::Limit("the filter has more parts than Elasticsearch takes".into())
            }
            "too_many_buckets_exception" => Error::Limit(TOO_MANY_BUCKETS.into()),
            "strict_dynamic_mapping_exception" => unknown_field(&reason),
            "document_parsing_exception" | "mapper_parsing_exception" => misfit(&reason),
            "invalid_index_name_exception" => Error::invalid(reason.clone()),
            "cluster_block_exception" if status == 403 => Error::Forbidden(format!("the index does not take writes: {reason}")),
            "security_exception" if status == 401 => Error::Unavailable(format!("credentials are refused: {}", plain(&reason))),
            "security_exception" => Error::Forbidden("hooke's own rights in Elasticsearch do not allow this".into()),
            "es_rejected_execution_exception"
            | "circuit_breaking_exception"
            | "no_shard_available_action_exception"
            | "unavailable_shards_exception"
            | "master_not_discovered_exception"
            | "cluster_block_exception"
            | "node_not_connected_exception" => Error::Unavailable(told(error)),
            _ => continue,
        };
        return found;
    }
    by_reason(&reason, error).unwrap_or_else(|| of_status(status, &told(error)))
}

/// Refusals that share a type with faults of ours and are told apart by their words.
fn by_reason(reason: &str, error: &Json) -> Option<Error> {
    let has = |part: &str| reason.contains(part);
    Some(if has("Determinizing") || has("too complex") || has("Regexp requires") || has("max_determinized") {
        Error::invalid("the pattern is too complex: use fewer repetitions and alternatives")
    } else if has("max_regex_length") || has("length of regex") {
        Error::Limit("the pattern is too long for Elasticsearch".into())
    } else if has("Result window is too large") || has("Batch size is too large") {
        Error::Limit("offset and page size together are more than 10,000: go on with a cursor".into())
    } else if has("Partial shards failure") {
        Error::Partial(told(error))
    } else if has("without position data") {
        Error::invalid("the field keeps no positions of its words: it cannot be searched for phrases")
    } else if has("Limit of total fields") {
        Error::Limit("the collection has as many fields as it may have".into())
    } else if has("cannot be changed from type") {
        Error::invalid(reason)
    } else if has("write index") {
        Error::invalid("the alias has no write index: name the one that documents shall go to")
    } else {
        return None;
    })
}

fn of_status(status: u16, reason: &str) -> Error {
    match status {
        401 => Error::Unavailable(format!("credentials are refused: {reason}")),
        403 => Error::Forbidden("hooke's own rights in Elasticsearch do not allow this".into()),
        413 => Error::Limit("the request is larger than Elasticsearch takes (http.max_content_length)".into()),
        408 | 504 => Error::Timeout,
        429 | 502 | 503 => Error::Unavailable(reason.into()),
        // a body that Elasticsearch does not understand is our fault, not the user's
        _ => Error::Internal(format!("Elasticsearch answered {status}: {reason}")),
    }
}

/// What the log may hold of an error: its types and the beginnings of its reasons, which quote documents and queries further on.
pub(super) fn told(error: &Json) -> String {
    let mut told: Vec<String> = Vec::new();
    let mut rest = vec![error];
    while let Some(at) = rest.pop() {
        if let Some(kind) = at["type"].as_str() {
            let line = format!("{kind}: {}", plain(at["reason"].as_str().unwrap_or_default()));
            if !told.contains(&line) {
                told.push(line);
            }
        }
        let shards = at["failed_shards"].as_array().into_iter().flatten().map(|shard| &shard["reason"]);
        let roots = at["root_cause"].as_array().into_iter().flatten();
        let causes = Some(&at["caused_by"]).filter(|cause| cause.is_object());
        rest.extend(causes.into_iter().chain(shards).chain(roots));
    }
    told.truncate(5);
    told.join(", ")
}

/// All types in an error object, the outermost first.
fn types(error: &Json) -> impl Iterator<Item = &str> {
    let mut found = Vec::new();
    let mut rest = vec![error];
    while let Some(at) = rest.pop() {
        found.extend(at["type"].as_str());
        let shards = at["failed_shards"].as_array().into_iter().flatten().map(|shard| &shard["reason"]);
        let roots = at["root_cause"].as_array().into_iter().flatten();
        let causes = Some(&at["caused_by"]).filter(|cause| cause.is_object());
        rest.extend(shards.chain(roots).chain(causes));
    }
    found.into_iter()
}

/// All reasons in an error object, joined, each once.
fn reason(error: &Json) -> String {
    let mut found: Vec<&str> = Vec::new();
    let mut rest = vec![error];
    while let Some(at) = rest.pop() {
        if let Some(reason) = at["reason"].as_str()
            && !found.contains(&reason)
        {
            found.push(reason);
        }
        let shards = at["failed_shards"].as_array().into_iter().flatten().map(|shard| &shard["reason"]);
        let roots = at["root_cause"].as_array().into_iter().flatten();
        let causes = Some(&at["caused_by"]).filter(|cause| cause.is_object());
        rest.extend(causes.into_iter().chain(shards).chain(roots));
    }
    found.join(": ")
}

fn conflict(reason: &str) -> String {
    if reason.contains("document already exists") {
        "there is a document of that id".into()
    } else if reason.contains("no document was found") {
        "the document is not there any more".into()
    } else {
        "the document has changed: its version is another one".into()
    }
}

/// `… mapping set to strict, dynamic introduction of [b] within [a] is not allowed`
fn unknown_field(reason: &str) -> Error {
    let Some(name) = between(reason, "introduction of [", "]") else {
        return Error::invalid("the document has a field that the collection does not know");
    };
    let parent = between(reason, "within [", "]").filter(|parent| *parent != "_doc");
    let path: Vec<String> = parent.into_iter().flat_map(|parent| parent.split('.')).chain([name]).map(String::from).collect();
    Error::Invalid { message: format!("the collection has no field {}", path.join(".")), path }
}

/// `[1:23] failed to parse field [size] of type [long] in document with id '1'. Preview of field's value: 'x': For input string: "x"`
fn misfit(reason: &str) -> Error {
    let Some(field) = between(reason, "field [", "]") else {
        let strict = reason.contains("dynamic introduction of [");
        return if strict { unknown_field(reason) } else { Error::invalid(short(reason)) };
    };
    let path = field.split('.').map(String::from).collect();
    let kind = between(reason, "of type [", "]").map(|kind| format!(" of type {kind}")).unwrap_or_default();
    let value = between(reason, "Preview of field's value: '", "'").map(|value| format!(" does not take {value:?}"));
    let message =
        format!("the field {field}{kind}{}", value.unwrap_or_else(|| format!(" does not take the value: {}", short(reason))));
    Error::Invalid { message, path }
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let start = text.find(before)? + before.len();
    let length = text[start..].find(after)?;
    Some(&text[start..start + length])
}

fn short(reason: &str) -> String {
    reason.chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_missing_index_is_not_found() {
        let error = json!({"root_cause": [{"type": "index_not_found_exception", "index": "x"}], "type": "index_not_found_exception",
            "reason": "no such index [x]", "index": "x"});
        assert!(matches!(of_error(404, &error), Error::NotFound(text) if text.contains('x')));
    }

    #[test]
    fn a_429_is_told_apart_by_its_type() {
        let rejected = json!({"error": {"type": "es_rejected_execution_exception"}, "status": 429}).to_string();
        let late = json!({"error": {"type": "search_phase_execution_exception", "root_cause": [{"type": "search_timeout_exception"}]},
            "status": 429});
        assert_eq!(refusal(429, rejected.as_bytes()), Some(Refusal::Overloaded));
        assert_eq!(refusal(429, late.to_string().as_bytes()), None);
        assert!(matches!(of_error(429, &late["error"]), Error::Timeout));
    }

    #[test]
    fn a_cause_deep_inside_is_found() {
        let error = json!({"type": "search_phase_execution_exception", "reason": "all shards failed", "root_cause": [],
            "failed_shards": [{"reason": {"type": "query_shard_exception", "reason": "failed to create query: Determinizing automaton"}}]});
        assert!(matches!(of_error(400, &error), Error::Invalid { .. }));
    }

    #[test]
    fn an_unknown_field_is_named_by_its_path() {
        let error = json!({"type": "strict_dynamic_mapping_exception",
            "reason": "[1:20] mapping set to strict, dynamic introduction of [b] within [a.c] is not allowed"});
        let Error::Invalid { message, path } = of_error(400, &error) else { panic!("not Invalid") };
        assert_eq!((message.as_str(), path), ("the collection has no field a.c.b", vec!["a".into(), "c".into(), "b".into()]));
    }

    #[test]
    fn a_misfit_names_field_type_and_value() {
        let error = json!({"type": "document_parsing_exception",
            "reason": "[1:6] failed to parse field [n] of type [integer] in document with id '1'. Preview of field's value: 'x'",
            "caused_by": {"type": "number_format_exception", "reason": "For input string: \"x\""}});
        let Error::Invalid { message, path } = of_error(400, &error) else { panic!("not Invalid") };
        assert_eq!((message.as_str(), path), (r#"the field n of type integer does not take "x""#, vec!["n".into()]));
    }

    #[test]
    fn what_elasticsearch_does_not_understand_is_our_fault() {
        let error = json!({"type": "parsing_exception", "reason": "unknown query [foo]"});
        assert!(matches!(of_error(400, &error), Error::Internal(_)));
    }
}
