//! Reads the properties of a mapping, one field after another, and collects what it does not understand.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::super::collection::{Analyzer, DateKind, Exact, Field, FieldRef, Kind, Number, Similarity};
use super::super::date::DateFormats;

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

pub(super) struct Reader {
    /// Everything must be understood.
    strict: bool,
    /// Path -> is a list, by `_meta.hooke.lists`.
    pub(super) lists: BTreeMap<String, bool>,
    pub(super) problems: Vec<String>,
    /// The paths of all fields.
    pub(super) seen: Vec<String>,
}

impl Reader {
    pub(super) fn new(body: &Json, strict: bool) -> Self {
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
        Reader { strict, lists, problems, seen: Vec::new() }
    }

    pub(super) fn properties(&mut self, properties: Option<&Json>, prefix: &str, nested: Option<&str>) -> Vec<FieldRef> {
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
                ("index_options", Kind::Vector { dims, .. }) => is_usual_index(value, *dims),
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
/// The index that Elasticsearch makes for vectors of so many numbers where nothing is said, as its mappings then show it. A choice of
/// one's own would be lost.
fn is_usual_index(value: &Json, dims: Option<u32>) -> bool {
    let usual = |name: &str, number: u64| value.get(name).is_none_or(|given| *given == number);
    let kind = value.get("type").and_then(Json::as_str);
    let long = dims.is_some_and(|dims| dims >= 384);
    (kind == Some("int8_hnsw") || kind == Some("bbq_hnsw") && long) && usual("m", 16) && usual("ef_construction", 100)
}

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

fn similarity(name: Option<&str>) -> Similarity {
    match name {
        Some("dot_product") => Similarity::DotProduct,
        Some("l2_norm") => Similarity::L2Norm,
        Some("max_inner_product") => Similarity::MaxInnerProduct,
        _ => Similarity::Cosine,
    }
}
