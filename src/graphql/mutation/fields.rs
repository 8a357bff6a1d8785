//! The fields of a new collection: `FieldInput`s -> a mapping, as Elasticsearch writes it, and that -> fields, by the reader that REST
//! uses. Pure.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use super::WriteError;
use crate::search::{FieldRef, mapping};

/// As the schema calls them; [`mapping_type`] tells what each is.
pub(crate) const FIELD_KINDS: [&str; 15] = [
    "KEYWORD",
    "TEXT",
    "LONG",
    "INTEGER",
    "SHORT",
    "BYTE",
    "DOUBLE",
    "FLOAT",
    "BOOLEAN",
    "DATE",
    "IP",
    "GEO_POINT",
    "VECTOR",
    "OBJECT",
    "NESTED",
];

/// Characters of a text beyond which its keyword does not hold it: so many fit into a term, whatever letters they are.
const KEYWORD_OF_TEXT: u32 = 8_191;

fn mapping_type(kind: &str) -> String {
    match kind {
        "VECTOR" => "dense_vector".into(),
        other => other.to_ascii_lowercase(),
    }
}

/// At most so many faults are told, each with its place.
pub(super) fn read(given: &[Json], most: usize) -> Result<Vec<FieldRef>, Vec<WriteError>> {
    let mut faults = Vec::new();
    let mut lists = Map::new();
    // parents before children, whatever order they are given in
    let mut by_path: BTreeMap<Vec<&str>, (usize, &Json)> = BTreeMap::new();
    #[expect(clippy::map_entry, reason = "what comes between decides whether it is put in")]
    for (at, input) in given.iter().enumerate() {
        let mut refuse = |part: &str, why: String| faults.push(fault(at, part, why));
        let path = text(input, "path").unwrap_or_default();
        let segments: Vec<&str> = path.split('.').collect();
        if segments.iter().any(|segment| segment.is_empty() || segment.trim() != *segment) {
            refuse("path", format!("{path:?} is no path of a field"));
        } else if by_path.contains_key(&segments) {
            refuse("path", format!("{path} stands there twice"));
        } else if let Err((part, why)) = property(input) {
            refuse(part, why);
        } else {
            by_path.insert(segments, (at, input));
        }
        if let Some(list) = input.get("list").and_then(Json::as_bool).or_else(|| (kind(input) != "NESTED").then_some(false)) {
            lists.insert(path.to_owned(), list.into());
        }
    }
    let mut properties = Map::new();
    for (segments, (at, input)) in &by_path {
        let holder = (1..segments.len()).rev().find_map(|end| by_path.get(&segments[..end]));
        if let Some((_, holder)) = holder.filter(|(_, holder)| !matches!(kind(holder), "OBJECT" | "NESTED")) {
            let name = text(holder, "path").unwrap_or_default();
            faults.push(fault(*at, "path", format!("{name} is {} and cannot hold fields", kind(holder))));
            continue;
        }
        if let Ok(property) = property(input) {
            insert(&mut properties, segments, property);
        }
    }
    if faults.is_empty() {
        let body = json!({ "properties": properties, "_meta": { "hooke": { "lists": lists } } });
        match mapping::parse(&body) {
            Ok(fields) => return Ok(fields),
            Err(why) => faults.push(WriteError::input(why.to_string(), vec!["fields".into()])),
        }
    }
    faults.truncate(most);
    Err(faults)
}

fn fault(at: usize, part: &str, why: String) -> WriteError {
    let mut path = vec!["fields".to_owned(), at.to_string()];
    if !part.is_empty() {
        path.push(part.to_owned());
    }
    WriteError::input(why, path)
}

fn text<'a>(input: &'a Json, name: &str) -> Option<&'a str> {
    input.get(name).and_then(Json::as_str)
}

fn kind(input: &Json) -> &str {
    text(input, "kind").unwrap_or_default()
}

/// One field without what lies in it; else which part of it is wrong, and why.
fn property(input: &Json) -> Result<Map<String, Json>, (&'static str, String)> {
    let kind = kind(input);
    let mut property = Map::new();
    property.insert("type".into(), mapping_type(kind).into());
    let only = |part: &'static str, of: &str| if kind == of { Ok(()) } else { Err((part, format!("{part} is for {of} alone"))) };
    if input.get("keyword") == Some(&Json::Bool(true)) {
        only("keyword", "TEXT")?;
        let keyword = json!({ "keyword": { "type": "keyword", "ignore_above": KEYWORD_OF_TEXT } });
        property.insert("fields".into(), keyword);
    }
    if let Some(format) = text(input, "format") {
        only("format", "DATE")?;
        property.insert("format".into(), format.into());
    }
    if let Some(dims) = input.get("dims").filter(|dims| !dims.is_null()) {
        only("dims", "VECTOR")?;
        property.insert("dims".into(), dims.clone());
    }
    if kind == "VECTOR" && !input.get("dims").and_then(Json::as_i64).is_some_and(|dims| (1..=4_096).contains(&dims)) {
        return Err(("dims", "a vector has from 1 to 4,096 dimensions".into()));
    }
    if !matches!(kind, "OBJECT" | "NESTED")
        && let Err(why) = mapping::parse(&json!({ "properties": { "it": property } }))
    {
        let part = if property.contains_key("format") { "format" } else { "" };
        return Err((part, why.to_string().trim_start_matches("it: ").to_owned()));
    }
    Ok(property)
}

/// Objects that are not given themselves come to be by what lies in them.
fn insert(properties: &mut Map<String, Json>, segments: &[&str], property: Map<String, Json>) {
    match segments {
        [] => {}
        [name] => drop(properties.insert((*name).to_owned(), Json::Object(property))),
        [name, rest @ ..] => {
            let parent = properties.entry(*name).or_insert_with(|| json!({ "type": "object" }));
            let inner = parent.as_object_mut().map(|parent| parent.entry("properties").or_insert_with(|| json!({})));
            if let Some(inner) = inner.and_then(Json::as_object_mut) {
                insert(inner, rest, property);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::Kind;

    #[test]
    fn every_kind_is_one_of_a_mapping() {
        for kind in FIELD_KINDS {
            let mut given = vec![json!({ "path": "f", "kind": kind })];
            if kind == "VECTOR" {
                given[0]["dims"] = json!(3);
            }
            if matches!(kind, "OBJECT" | "NESTED") {
                given.insert(0, json!({ "path": "f.x", "kind": "LONG" }));
            }
            let fields = read(&given, 20).unwrap_or_else(|faults| panic!("{kind}: {faults:?}"));
            assert_eq!(fields.len(), 1, "{kind}");
        }
    }

    #[test]
    fn objects_come_to_be_by_what_lies_in_them() {
        let fields = read(
            &[
                json!({ "path": "items.sku", "kind": "KEYWORD", "list": true }),
                json!({ "path": "items", "kind": "NESTED" }),
                json!({ "path": "a.b.c", "kind": "TEXT", "keyword": true }),
            ],
            20,
        )
        .unwrap();
        let kinds: Vec<_> = fields.iter().map(|field| (field.path.as_str(), field.list)).collect();
        assert_eq!(kinds, [("a", None), ("items", None)]);
        assert_eq!((&fields[1].kind, fields[1].fields[0].list), (&Kind::Nested, Some(true)));
        assert!(matches!(&fields[0].fields[0].fields[0].kind, Kind::Text { exact: Some(_), .. }));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (given, path) in [
            (vec![json!({ "path": "a..b", "kind": "LONG" })], "fields.0.path"),
            (vec![json!({ "path": "a", "kind": "LONG" }), json!({ "path": "a", "kind": "TEXT" })], "fields.1.path"),
            (vec![json!({ "path": "a.b", "kind": "LONG" }), json!({ "path": "a", "kind": "LONG" })], "fields.0.path"),
            (vec![json!({ "path": "a", "kind": "LONG", "keyword": true })], "fields.0.keyword"),
            (vec![json!({ "path": "a", "kind": "DATE", "format": "nonsense!" })], "fields.0.format"),
            (vec![json!({ "path": "a", "kind": "VECTOR" })], "fields.0.dims"),
            (vec![json!({ "path": "_id", "kind": "LONG" })], "fields"),
        ] {
            let faults = read(&given, 20).unwrap_err();
            assert_eq!(faults[0].path.join("."), path, "{faults:?}");
        }
    }
}
