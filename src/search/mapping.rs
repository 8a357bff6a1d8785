//! Mappings as Elasticsearch writes them <-> fields. One place for the engine that reads them from a cluster, for collections that
//! somebody makes by handing one in, and for the embedded engine, which keeps them in the same form.
//!
//! From a cluster everything is taken: what hooke does not know becomes [`Kind::Json`] with a remark. From somebody who makes a
//! collection everything must be understood, for whatever is not would be lost in silence.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::collection::{Analyzer, DateKind, Exact, Field, FieldRef, Kind, Number, Similarity};
use super::date::DateFormats;
use super::error::{Error, Result};

/// Names at the top of a document that mean something else to Elasticsearch.
const TAKEN: [&str; 12] = [
    "_id",
    "_index",
    "_source",
    "_type",
    "_routing",
    "_seq_no",
    "_version",
    "_field_names",
    "_ignored",
    "_nested_path",
    "_doc_count",
    "_tier",
];

/// What a mapping says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mapping {
    pub fields: Vec<FieldRef>,
    /// What hooke does not understand of it, in words for an operator.
    pub remarks: Vec<String>,
}

/// The mapping of something that exists: `{"properties": …, "_meta": …}`. Nothing in it is a fault.
pub fn read(body: &Json) -> Mapping {
    let mut reader = Reader { strict: false, ..Reader::new(body) };
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
    let mut reader = Reader { strict: true, ..Reader::new(body) };
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

/// The body of a mapping with these fields; [`parse`] reads it back to the same.
pub fn write(fields: &[FieldRef]) -> Json {
    let mut lists = Map::new();
    let properties = properties_of(fields, &mut lists);
    let mut body = json!({ "dynamic": "strict", "properties": properties });
    if !lists.is_empty() {
        body["_meta"] = json!({ "hooke": { "lists": lists } });
    }
    body
}

struct Reader {
    strict: bool,
    /// Path -> is a list, by `_meta.hooke.lists`.
    lists: BTreeMap<String, bool>,
    problems: Vec<String>,
    seen: Vec<String>,
}

impl Reader {
    fn new(body: &Json) -> Self {
        let mut lists = BTreeMap::new();
        let mut problems = Vec::new();
        match body.pointer("/_meta/hooke/lists") {
            None => {}
            Some(Json::Object(given)) if given.values().all(Json::is_boolean) => {
                lists.extend(given.iter().map(|(path, list)| (path.clone(), list == &Json::Bool(true))));
            }
            Some(Json::Array(given)) if given.iter().all(Json::is_string) => {
                lists.extend(given.iter().filter_map(Json::as_str).map(|path| (path.to_owned(), true)));
            }
            Some(_) => {
                problems.push("_meta.hooke.lists is neither a list of paths nor an object of path and true or false".into())
            }
        }
        Reader { strict: false, lists, problems, seen: Vec::new() }
    }

    fn properties(&mut self, properties: Option<&Json>, prefix: &str, nested: Option<&str>) -> Vec<FieldRef> {
        let Some(properties) = properties else { return Vec::new() };
        let Some(properties) = properties.as_object() else {
            self.problems.push(format!("the properties {}are not an object", if prefix.is_empty() { "" } else { prefix }));
            return Vec::new();
        };
        let mut fields = Vec::new();
        for (name, property) in undotted(properties) {
            let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
            if self.strict && (name.is_empty() || (prefix.is_empty() && TAKEN.contains(&name.as_str()))) {
                self.problems.push(format!("{path:?} is no name of a field: it is empty or the search engine's own"));
                continue;
            }
            if let Some(field) = self.field(path, &property, nested) {
                fields.push(Arc::new(field));
            }
        }
        fields
    }

    fn field(&mut self, path: String, property: &Json, nested: Option<&str>) -> Option<Field> {
        let Some(given) = property.as_object() else {
            self.problems.push(format!("{path}: a field is an object with a type"));
            return None;
        };
        let mapping_type = given.get("type").and_then(Json::as_str).unwrap_or("object");
        if mapping_type == "alias" {
            let target = given.get("path").and_then(Json::as_str).unwrap_or("?");
            self.problems.push(format!("{path} is an alias of {target}: it is not shown"));
            return None;
        }
        let kind = self.kind(&path, mapping_type, given);
        let below = if kind == Kind::Nested { Some(path.as_str()) } else { nested };
        let fields = match kind {
            Kind::Object | Kind::Nested => self.properties(given.get("properties"), &path, below),
            _ => Vec::new(),
        };
        if self.strict {
            self.check_parameters(&path, &kind, given);
        }
        let on = |name: &str| given.get(name).and_then(flag).unwrap_or(true);
        let columns = match &kind {
            // those of the sub-field: it is only taken where it has them
            Kind::Text { exact, .. } => exact.is_some(),
            Kind::Vector { .. } | Kind::Object | Kind::Nested | Kind::Json { .. } => false,
            _ => on("doc_values"),
        };
        let indexed = !matches!(kind, Kind::Json { .. }) && on("index");
        self.seen.push(path.clone());
        Some(Field {
            list: self.lists.get(&path).copied(),
            null_value: given.get("null_value").filter(|value| !value.is_null()).cloned(),
            nested: nested.map(str::to_owned),
            path,
            kind,
            indexed,
            columns,
            fields,
        })
    }

    /// The table from every mapping type to its kind; a type that is not here is free-form JSON.
    fn kind(&mut self, path: &str, mapping_type: &str, given: &Map<String, Json>) -> Kind {
        // these exist in clusters only, and are asked as their simpler kin
        let mapping_type = match mapping_type {
            kin if self.strict => kin,
            "constant_keyword" | "wildcard" | "version" => "keyword",
            "match_only_text" | "search_as_you_type" => "text",
            "scaled_float" => "double",
            "token_count" => "integer",
            "passthrough" => "object",
            kin => kin,
        };
        if let Some(number) = number(mapping_type) {
            return Kind::Number(number);
        }
        match mapping_type {
            "keyword" => Kind::Keyword(exact(path, given)),
            "text" => Kind::Text { analyzer: analyzer(given), exact: sub_keyword(path, given) },
            "boolean" => Kind::Boolean,
            "date" | "date_nanos" => {
                let formats = match given.get("format").and_then(Json::as_str) {
                    None => DateFormats::default(),
                    Some(text) => match DateFormats::parse(text) {
                        Ok(formats) => formats,
                        Err(fault) => {
                            self.problems.push(format!("{path}: {fault}"));
                            return Kind::Json { mapping_type: mapping_type.to_owned() };
                        }
                    },
                };
                Kind::Date(DateKind { formats, nanos: mapping_type == "date_nanos" })
            }
            "ip" => Kind::Ip,
            "geo_point" => Kind::GeoPoint,
            "dense_vector" => Kind::Vector {
                dims: given.get("dims").and_then(Json::as_u64).and_then(|dims| u32::try_from(dims).ok()),
                similarity: similarity(given.get("similarity").and_then(Json::as_str)),
                indexed: given.get("index").and_then(flag).unwrap_or(true),
            },
            "object" if given.get("enabled").and_then(flag) == Some(false) => Kind::Json { mapping_type: "object".into() },
            // of what is in it nothing is known: it can only be read
            "object" | "nested"
                if !self.strict && given.get("properties").and_then(Json::as_object).is_none_or(Map::is_empty) =>
            {
                Kind::Json { mapping_type: mapping_type.to_owned() }
            }
            "object" => Kind::Object,
            "nested" => Kind::Nested,
            "flattened" => Kind::Json { mapping_type: "flattened".into() },
            other => {
                if self.strict {
                    self.problems.push(format!("{path}: a field of type {other} cannot be made by hooke"));
                } else {
                    self.problems.push(format!("{path} is of type {other}: it can be read as JSON, not searched"));
                }
                Kind::Json { mapping_type: other.to_owned() }
            }
        }
    }

    /// Parameters that would be lost.
    fn check_parameters(&mut self, path: &str, kind: &Kind, given: &Map<String, Json>) {
        for (name, value) in given {
            let known = match (name.as_str(), kind) {
                ("type", _) => true,
                ("properties", Kind::Object | Kind::Nested) => true,
                ("enabled", Kind::Object | Kind::Json { .. }) => true,
                // hooke's own default: see `parse`
                ("dynamic", Kind::Object | Kind::Nested) => value == "strict",
                ("index", kind) => !matches!(kind, Kind::Object | Kind::Nested | Kind::Json { .. }),
                ("doc_values", kind) => {
                    matches!(kind, Kind::Keyword(_) | Kind::Number(_) | Kind::Boolean | Kind::Date(_) | Kind::Ip | Kind::GeoPoint)
                }
                ("null_value", kind) => {
                    matches!(kind, Kind::Keyword(_) | Kind::Number(_) | Kind::Boolean | Kind::Date(_) | Kind::Ip)
                }
                ("ignore_above", Kind::Keyword(_)) => value.as_u64().is_some_and(|n| u32::try_from(n).is_ok()),
                ("normalizer", Kind::Keyword(_)) => value == "lowercase",
                ("analyzer", Kind::Text { .. }) => value.is_string(),
                ("fields", Kind::Text { exact: Some(exact), .. }) => {
                    // one keyword sub-field is all that a text can have here
                    let sub = value.as_object().filter(|fields| fields.len() == 1);
                    let sub = sub.and_then(|fields| fields.values().next()).and_then(Json::as_object);
                    if let Some(sub) = sub {
                        self.check_parameters(&exact.path, &Kind::Keyword(exact.clone()), sub);
                    }
                    sub.is_some()
                }
                ("format", Kind::Date(_) | Kind::Json { .. }) => value.is_string(),
                ("dims" | "similarity", Kind::Vector { .. }) => true,
                // what holds anyway
                ("store" | "ignore_malformed", _) => flag(value) == Some(false),
                ("coerce", Kind::Number(_)) | ("norms", Kind::Text { .. }) => flag(value) == Some(true),
                _ => false,
            };
            if !known {
                self.problems.push(format!("{path}: {name}: {value} is not understood for a field of this type"));
            }
        }
    }
}

/// `a.b` is `b` inside the object `a`, as Elasticsearch has it.
fn undotted(properties: &Map<String, Json>) -> Map<String, Json> {
    let mut whole = Map::new();
    // plain names first, so that a dotted one finds its object
    for (name, property) in properties.iter().filter(|(name, _)| !name.contains('.')) {
        whole.insert(name.clone(), property.clone());
    }
    for (name, property) in properties {
        if let Some((first, rest)) = name.split_once('.') {
            let object = whole.entry(first).or_insert_with(|| json!({ "properties": {} }));
            if let Some(object) = object.as_object_mut() {
                let inner = object.entry("properties").or_insert_with(|| json!({}));
                if let Some(inner) = inner.as_object_mut() {
                    inner.insert(rest.to_owned(), property.clone());
                }
            }
        }
    }
    whole
}

/// Elasticsearch prints some flags as texts.
fn flag(value: &Json) -> Option<bool> {
    match value {
        Json::Bool(on) => Some(*on),
        Json::String(text) => text.parse().ok(),
        _ => None,
    }
}

fn number(mapping_type: &str) -> Option<Number> {
    Some(match mapping_type {
        "long" => Number::Long,
        "integer" => Number::Integer,
        "short" => Number::Short,
        "byte" => Number::Byte,
        "double" => Number::Double,
        "float" => Number::Float,
        "half_float" => Number::HalfFloat,
        _ => return None,
    })
}

fn number_name(number: Number) -> &'static str {
    match number {
        Number::Long => "long",
        Number::Integer => "integer",
        Number::Short => "short",
        Number::Byte => "byte",
        Number::Double => "double",
        Number::Float => "float",
        Number::HalfFloat => "half_float",
    }
}

/// What Elasticsearch calls a field of this kind.
pub fn type_name(kind: &Kind) -> &str {
    match kind {
        Kind::Keyword(_) => "keyword",
        Kind::Text { .. } => "text",
        Kind::Number(number) => number_name(*number),
        Kind::Boolean => "boolean",
        Kind::Date(DateKind { nanos: false, .. }) => "date",
        Kind::Date(DateKind { nanos: true, .. }) => "date_nanos",
        Kind::Ip => "ip",
        Kind::GeoPoint => "geo_point",
        Kind::Vector { .. } => "dense_vector",
        Kind::Object => "object",
        Kind::Nested => "nested",
        Kind::Json { mapping_type } => mapping_type,
    }
}

fn exact(path: &str, given: &Map<String, Json>) -> Exact {
    Exact {
        path: path.to_owned(),
        // Elasticsearch prints its "no limit", the greatest number of 31 bits, where an index has a default
        ignore_above: given
            .get("ignore_above")
            .and_then(Json::as_u64)
            .and_then(|n| u32::try_from(n).ok())
            .filter(|n| *n < i32::MAX.unsigned_abs()),
        normalizer: given.get("normalizer").and_then(Json::as_str).map(str::to_owned),
    }
}

/// The keyword sub-field of a text: the one called `keyword`, else the first that can be asked, sorted and counted.
fn sub_keyword(path: &str, given: &Map<String, Json>) -> Option<Exact> {
    let usable = |sub: &Json| {
        sub.get("type").and_then(Json::as_str) == Some("keyword")
            && sub.get("index").and_then(flag) != Some(false)
            && sub.get("doc_values").and_then(flag) != Some(false)
    };
    let fields = given.get("fields")?.as_object()?;
    let (name, sub) =
        fields.get_key_value("keyword").filter(|(_, sub)| usable(sub)).or_else(|| fields.iter().find(|(_, sub)| usable(sub)))?;
    Some(exact(&format!("{path}.{name}"), sub.as_object()?))
}

fn analyzer(given: &Map<String, Json>) -> Analyzer {
    match given.get("analyzer").and_then(Json::as_str) {
        None | Some("standard") => Analyzer::Standard,
        Some("simple") => Analyzer::Simple,
        Some("whitespace") => Analyzer::Whitespace,
        Some("keyword") => Analyzer::Keyword,
        Some(other) => Analyzer::Other(other.to_owned()),
    }
}

fn analyzer_name(analyzer: &Analyzer) -> &str {
    match analyzer {
        Analyzer::Standard => "standard",
        Analyzer::Simple => "simple",
        Analyzer::Whitespace => "whitespace",
        Analyzer::Keyword => "keyword",
        Analyzer::Other(name) => name,
    }
}

fn similarity(name: Option<&str>) -> Similarity {
    match name {
        Some("dot_product") => Similarity::DotProduct,
        Some("l2_norm") => Similarity::L2Norm,
        Some("max_inner_product") => Similarity::MaxInnerProduct,
        _ => Similarity::Cosine,
    }
}

fn similarity_name(similarity: Similarity) -> &'static str {
    match similarity {
        Similarity::Cosine => "cosine",
        Similarity::DotProduct => "dot_product",
        Similarity::L2Norm => "l2_norm",
        Similarity::MaxInnerProduct => "max_inner_product",
    }
}

fn properties_of(fields: &[FieldRef], lists: &mut Map<String, Json>) -> Map<String, Json> {
    let mut properties = Map::new();
    for field in fields {
        if let Some(list) = field.list {
            lists.insert(field.path.clone(), Json::Bool(list));
        }
        properties.insert(field.name().to_owned(), Json::Object(property_of(field, lists)));
    }
    properties
}

fn property_of(field: &Field, lists: &mut Map<String, Json>) -> Map<String, Json> {
    let mut property = Map::new();
    let mut put = |name: &str, value: Json| property.insert(name.to_owned(), value);
    match &field.kind {
        Kind::Keyword(exact) => put_keyword(&mut put, exact),
        Kind::Text { analyzer, exact } => {
            put("type", json!("text"));
            if *analyzer != Analyzer::Standard {
                put("analyzer", json!(analyzer_name(analyzer)));
            }
            if let Some(exact) = exact {
                let mut sub = Map::new();
                put_keyword(&mut |name, value| sub.insert(name.to_owned(), value), exact);
                let name = exact.path.rsplit('.').next().unwrap_or("keyword");
                put("fields", json!({ name: sub }));
            }
        }
        Kind::Number(number) => drop(put("type", json!(number_name(*number)))),
        Kind::Boolean => drop(put("type", json!("boolean"))),
        Kind::Date(date) => {
            put("type", json!(if date.nanos { "date_nanos" } else { "date" }));
            if date.formats != DateFormats::default() {
                put("format", json!(date.formats.text));
            }
        }
        Kind::Ip => drop(put("type", json!("ip"))),
        Kind::GeoPoint => drop(put("type", json!("geo_point"))),
        Kind::Vector { dims, similarity, indexed } => {
            put("type", json!("dense_vector"));
            if let Some(dims) = dims {
                put("dims", json!(dims));
            }
            if *indexed {
                put("similarity", json!(similarity_name(*similarity)));
            }
        }
        Kind::Object => drop(put("properties", Json::Object(properties_of(&field.fields, lists)))),
        Kind::Nested => {
            put("type", json!("nested"));
            put("properties", Json::Object(properties_of(&field.fields, lists)));
        }
        Kind::Json { mapping_type } => {
            put("type", json!(mapping_type));
            if mapping_type == "object" {
                put("enabled", json!(false));
            }
        }
    }
    let plain = !matches!(field.kind, Kind::Object | Kind::Nested | Kind::Json { .. });
    if plain && !field.indexed {
        property.insert("index".into(), json!(false));
    }
    if plain && !field.columns && !matches!(field.kind, Kind::Text { .. } | Kind::Vector { .. }) {
        property.insert("doc_values".into(), json!(false));
    }
    if let Some(value) = &field.null_value {
        property.insert("null_value".into(), value.clone());
    }
    property
}

fn put_keyword(put: &mut impl FnMut(&str, Json) -> Option<Json>, exact: &Exact) {
    put("type", json!("keyword"));
    if let Some(most) = exact.ignore_above {
        put("ignore_above", json!(most));
    }
    if let Some(normalizer) = &exact.normalizer {
        put("normalizer", json!(normalizer));
    }
}

#[cfg(test)]
mod tests {
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
    fn mappings_may_stand_inside_a_body() {
        assert_eq!(parse(&json!({ "mappings": { "properties": { "a": { "type": "long" } } } })).unwrap().len(), 1);
        assert!(parse(&json!({ "mappings": {}, "settings": {} })).is_err());
        assert!(parse(&json!([])).is_err());
        assert!(parse(&json!({ "properties": [] })).is_err());
        assert!(parse(&json!({})).unwrap().is_empty());
    }
}
