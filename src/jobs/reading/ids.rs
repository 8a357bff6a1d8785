//! The id of a row: from the field that was named, else from `_id`, which an export has beside the fields. Pure.

use serde_json::Value as Json;

use crate::search::Source;

/// Takes `_id` out of the row. `None`: nothing tells an id, and none was asked for.
pub fn id_of_row(source: &mut Source, field: Option<&str>) -> Result<Option<String>, String> {
    let own = source.remove("_id");
    match field {
        None | Some("_id") if own.is_some() => told(own.as_ref(), "_id").map(Some),
        None => Ok(None),
        Some(field) => told(at(source, field), field).map(Some),
    }
}

fn at<'a>(source: &'a Source, path: &str) -> Option<&'a Json> {
    source.get(path).or_else(|| {
        let (first, rest) = path.split_once('.')?;
        at(source.get(first)?.as_object()?, rest)
    })
}

fn told(value: Option<&Json>, field: &str) -> Result<String, String> {
    match value {
        Some(Json::String(text)) if !text.is_empty() => Ok(text.clone()),
        Some(Json::Number(number)) => Ok(number.to_string()),
        Some(Json::Bool(value)) => Ok(value.to_string()),
        Some(Json::Null | Json::String(_)) | None => Err(format!("{field}, which should be the id, is missing")),
        Some(_) => Err(format!("{field}, which should be the id, is neither a text nor a number")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ids_are_told_by_a_field_or_by_the_export() {
        for (row, field, id) in [
            (json!({ "_id": "x", "a": 1 }), None, Ok(Some("x"))),
            (json!({ "a": 1 }), None, Ok(None)),
            (json!({ "_id": "x", "a": 1 }), Some("a"), Ok(Some("1"))),
            (json!({ "o": { "k": true } }), Some("o.k"), Ok(Some("true"))),
            (json!({ "a": "" }), Some("a"), Err(())),
            (json!({ "a": [1] }), Some("a"), Err(())),
            (json!({ "_id": null }), Some("_id"), Err(())),
        ] {
            let mut source = row.as_object().unwrap().clone();
            let got = id_of_row(&mut source, field);
            assert_eq!(got.as_ref().map(Option::as_deref).map_err(|_| ()), id, "{row} {field:?}");
            assert!(!source.contains_key("_id"));
        }
    }
}
