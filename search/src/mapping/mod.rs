//! Mappings as Elasticsearch writes them <-> fields. One place for the engine that reads them from a cluster, for collections that
//! somebody makes by handing one in, and for the embedded engine, which keeps them in the same form.
//!
//! From a cluster everything is taken: what hooke does not know becomes [`Kind::Json`](super::Kind::Json) with a remark. From somebody
//! who makes a collection everything must be understood, for whatever is not would be lost in silence.

mod reader;
mod writer;

use serde_json::Value as Json;

use super::collection::FieldRef;
use super::error::{Error, Result};
use reader::Reader;

pub use writer::{type_name, write};

/// What a mapping says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    pub fields: Vec<FieldRef>,
    /// What hooke does not understand of it, in words for an operator.
    pub remarks: Vec<String>,
}

/// The mapping of something that exists: `{"properties": …, "_meta": …}`. Nothing in it is a fault.
pub fn read(body: &Json) -> Mapping {
    let mut reader = Reader::new(body, false);
    let fields = reader.properties(body.get("properties"), "", None);
    if let Some(runtime) = body.get("runtime").and_then(Json::as_object) {
        reader.problems.extend(runtime.keys().map(|name| format!("{name} is a runtime field: it is not shown")));
    }
    Mapping { fields, remarks: reader.problems }
}

/// The mapping of something to be made; also inside `{"mappings": …}`. All that is wrong with it is told at once.
pub fn parse(body: &Json) -> Result<Vec<FieldRef>> {
    let outer = body.as_object().filter(|body| body.contains_key("mappings"));
    if let Some(other) = outer.and_then(|outer| outer.keys().find(|key| *key != "mappings")) {
        return Err(Error::invalid(format!("{other} beside mappings is not understood")));
    }
    let body = body.get("mappings").unwrap_or(body);
    let Some(object) = body.as_object() else {
        return Err(Error::invalid("a mapping is an object: {\"properties\": {…}}"));
    };
    let mut reader = Reader::new(body, true);
    for (key, value) in object {
        match (key.as_str(), value) {
            ("properties" | "_meta", Json::Object(_)) => {}
            // collections of hooke refuse what their mapping does not name
            ("dynamic", Json::String(dynamic)) if dynamic == "strict" => {}
            ("dynamic", _) => {
                reader.problems.push("dynamic can only be \"strict\": a field that is not in the mapping is refused".into())
            }
            _ => reader.problems.push(format!("{key} is not understood in a mapping")),
        }
    }
    let fields = reader.properties(body.get("properties"), "", None);
    for path in reader.lists.keys() {
        if !reader.seen.contains(path) {
            reader.problems.push(format!("_meta.hooke.lists names {path}, which is no field"));
        }
    }
    match reader.problems.as_slice() {
        [] => Ok(fields),
        problems => Err(Error::invalid(problems.join("; "))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::{Analyzer, Kind};
    use super::*;

    fn rich() -> Json {
        json!({
            "dynamic": "strict",
            "_meta": { "hooke": { "lists": { "tags": true, "lines.sku": false } } },
            "properties": {
                "name": { "type": "text", "fields": { "keyword": { "type": "keyword", "ignore_above": 256 } } },
                "body": { "type": "text", "analyzer": "simple" },
                "tags": { "type": "keyword", "normalizer": "lowercase", "null_value": "none" },
                "size": { "type": "long", "doc_values": false },
                "ratio": { "type": "half_float", "index": false },
                "on": { "type": "boolean" },
                "day": { "type": "date", "format": "yyyy-MM-dd" },
                "at": { "type": "date_nanos" },
                "from": { "type": "ip" },
                "place": { "type": "geo_point" },
                "vector": { "type": "dense_vector", "dims": 3, "similarity": "l2_norm" },
                "extra": { "type": "flattened" },
                "blob": { "type": "object", "enabled": false },
                "ship": { "properties": { "city": { "type": "keyword" } } },
                "lines": { "type": "nested", "properties": { "sku": { "type": "keyword" }, "more": { "properties": { "n": { "type": "byte" } } } } },
            }
        })
    }

    #[test]
    fn what_is_written_is_what_was_read() {
        let fields = parse(&rich()).unwrap();
        assert_eq!(write(&fields), rich());
        let mapping = read(&rich());
        assert_eq!((mapping.fields, mapping.remarks), (fields, vec![]));
    }

    #[test]
    fn paths_are_whole_and_nested_ones_know_under_what() {
        let mapping = read(&rich());
        let lines = mapping.fields.iter().find(|field| field.path == "lines").unwrap();
        assert_eq!((lines.kind.clone(), lines.nested.as_deref()), (Kind::Nested, None));
        let more = lines.fields.iter().find(|field| field.path == "lines.more").unwrap();
        assert_eq!((more.fields[0].path.as_str(), more.fields[0].nested.as_deref()), ("lines.more.n", Some("lines")));
        assert_eq!(lines.fields.iter().find(|field| field.path == "lines.sku").unwrap().list, Some(false));
    }

    #[test]
    fn a_cluster_may_hold_anything() {
        let mapping = read(&json!({
            "runtime": { "day_of_week": { "type": "keyword" } },
            "properties": {
                "v": { "type": "murmur3" },
                "d": { "type": "date", "format": "QQQQQ'" },
                "a": { "type": "alias", "path": "v" },
                "t": { "type": "text", "analyzer": "german", "fields": { "raw": { "type": "keyword" }, "en": { "type": "text" } } },
                "o.p": { "type": "long", "coerce": false },
                "bad": 3,
            }
        }));
        let kinds: Vec<_> = mapping.fields.iter().map(|field| (field.path.as_str(), field.kind.clone())).collect();
        assert_eq!(kinds[0], ("d", Kind::Json { mapping_type: "date".into() }));
        assert_eq!(kinds[1], ("o", Kind::Object));
        assert!(
            matches!(&kinds[2], ("t", Kind::Text { analyzer: Analyzer::Other(_), exact: Some(exact) }) if exact.path == "t.raw")
        );
        assert_eq!(kinds[3], ("v", Kind::Json { mapping_type: "murmur3".into() }));
        assert_eq!((kinds.len(), mapping.remarks.len()), (4, 5));
        assert_eq!(mapping.fields[1].fields[0].path, "o.p");
    }

    #[test]
    fn what_would_be_lost_is_refused_all_at_once() {
        let fault = parse(&json!({
            "dynamic": true,
            "settings": {},
            "_meta": { "hooke": { "lists": ["nowhere"] } },
            "properties": {
                "a": { "type": "version" },
                "b": { "type": "keyword", "copy_to": "c" },
                "d": { "type": "text", "fields": { "x": { "type": "keyword" }, "y": { "type": "text" } } },
                "e": { "type": "keyword", "normalizer": "mine" },
                "_id": { "type": "keyword" },
                "f": { "type": "date", "format": "nonsense!" },
            }
        }));
        let told = fault.unwrap_err().to_string();
        for part in ["dynamic", "settings", "nowhere", "version", "copy_to", "d: fields", "normalizer", "_id", "nonsense"] {
            assert!(told.contains(part), "{part} in {told}");
        }
    }

    #[test]
    fn the_index_of_vectors_is_the_usual_one() {
        let with = |dims: u32, options: Json| {
            let vector =
                json!({ "type": "dense_vector", "dims": dims, "index": true, "similarity": "cosine", "index_options": options });
            parse(&json!({ "properties": { "v": vector } })).is_ok()
        };
        assert!(with(8, json!({ "type": "int8_hnsw", "m": 16, "ef_construction": 100 })));
        assert!(with(
            384,
            json!({ "type": "bbq_hnsw", "m": 16, "ef_construction": 100, "rescore_vector": { "oversample": 3.0 } })
        ));
        for (dims, options) in [
            (8, json!({ "type": "flat" })),
            (8, json!({ "type": "bbq_hnsw" })),
            (8, json!({ "type": "int8_hnsw", "m": 32 })),
            (8, json!(null)),
        ] {
            assert!(!with(dims, options.clone()), "{options}");
        }
    }

    #[test]
    fn mappings_may_stand_inside_a_body() {
        assert_eq!(parse(&json!({ "mappings": { "properties": { "a": { "type": "long" } } } })).unwrap().len(), 1);
        assert!(parse(&json!({ "mappings": {}, "settings": {} })).is_err());
        assert!(parse(&json!([])).is_err());
        assert!(parse(&json!({ "properties": [] })).is_err());
        assert!(parse(&json!({})).unwrap().is_empty());
    }
}
