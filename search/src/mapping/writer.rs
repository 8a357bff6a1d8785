//! Writes fields as a mapping.

use serde_json::{Map, Value as Json, json};

use super::super::collection::{Analyzer, DateKind, Exact, Field, FieldRef, Kind, Number, Similarity};
use super::super::date::DateFormats;

/// The body of a mapping with these fields; [`parse`](super::parse) reads it back to the same.
pub fn write(fields: &[FieldRef]) -> Json {
    let mut lists = Map::new();
    let properties = properties_of(fields, &mut lists);
    let mut body = json!({ "dynamic": "strict", "properties": properties });
    if !lists.is_empty() {
        body["_meta"] = json!({ "hooke": { "lists": lists } });
    }
    body
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

fn analyzer_name(analyzer: &Analyzer) -> &str {
    match analyzer {
        Analyzer::Standard => "standard",
        Analyzer::Simple => "simple",
        Analyzer::Whitespace => "whitespace",
        Analyzer::Keyword => "keyword",
        Analyzer::Other(name) => name,
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
