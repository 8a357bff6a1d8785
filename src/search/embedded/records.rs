//! A collection as it is kept on disk: JSON of our own, so that the words of the core may change without the files.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::date::DateFormats;
use super::super::{Analyzer, Collection, CollectionName, DateKind, Error, Exact, Field, FieldRef, Kind, Number, Origin};
use super::super::{Result, Similarity};

/// What is kept of one collection.
#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    /// Never given twice: a collection made again under the same name is another one.
    pub(super) uid: u64,
    fields: Vec<FieldRecord>,
}

impl Record {
    pub(super) fn new(uid: u64, collection: &Collection) -> Self {
        Record { uid, fields: all(&collection.fields) }
    }

    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(Error::internal)
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        serde_json::from_slice(bytes).map_err(Error::internal)
    }

    pub(super) fn collection(&self, name: CollectionName) -> Result<Collection> {
        let fields = self.fields.iter().map(FieldRecord::field).collect::<Result<_>>()?;
        Ok(Collection { name, origin: Origin::Index, fields, remarks: Vec::new() })
    }
}

fn all(fields: &[FieldRef]) -> Vec<FieldRecord> {
    fields.iter().map(|field| FieldRecord::new(field)).collect()
}

#[derive(Serialize, Deserialize)]
struct FieldRecord {
    path: String,
    kind: KindRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    list: Option<bool>,
    indexed: bool,
    columns: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    null_value: Option<serde_json::Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    nested: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    fields: Vec<FieldRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum KindRecord {
    Keyword(ExactRecord),
    Text { analyzer: String, exact: Option<ExactRecord> },
    Long,
    Integer,
    Short,
    Byte,
    Double,
    Float,
    HalfFloat,
    Boolean,
    Date { formats: String, nanos: bool },
    Ip,
    GeoPoint,
    Vector { dims: Option<u32>, similarity: SimilarityRecord, indexed: bool },
    Object,
    Nested,
    Json { mapping_type: String },
}

#[derive(Serialize, Deserialize)]
struct ExactRecord {
    path: String,
    ignore_above: Option<u32>,
    normalizer: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SimilarityRecord {
    Cosine,
    DotProduct,
    L2Norm,
    MaxInnerProduct,
}

impl FieldRecord {
    fn new(field: &Field) -> Self {
        FieldRecord {
            path: field.path.clone(),
            kind: KindRecord::new(&field.kind),
            list: field.list,
            indexed: field.indexed,
            columns: field.columns,
            null_value: field.null_value.clone(),
            nested: field.nested.clone(),
            fields: all(&field.fields),
        }
    }

    fn field(&self) -> Result<FieldRef> {
        Ok(Arc::new(Field {
            path: self.path.clone(),
            kind: self.kind.kind()?,
            list: self.list,
            indexed: self.indexed,
            columns: self.columns,
            null_value: self.null_value.clone(),
            nested: self.nested.clone(),
            fields: self.fields.iter().map(FieldRecord::field).collect::<Result<_>>()?,
        }))
    }
}

impl KindRecord {
    fn new(kind: &Kind) -> Self {
        match kind {
            Kind::Keyword(exact) => KindRecord::Keyword(ExactRecord::new(exact)),
            Kind::Text { analyzer, exact } => {
                let analyzer = match analyzer {
                    Analyzer::Standard => "standard",
                    Analyzer::Simple => "simple",
                    Analyzer::Whitespace => "whitespace",
                    Analyzer::Keyword => "keyword",
                    Analyzer::Other(name) => name,
                };
                KindRecord::Text { analyzer: analyzer.to_owned(), exact: exact.as_ref().map(ExactRecord::new) }
            }
            Kind::Number(Number::Long) => KindRecord::Long,
            Kind::Number(Number::Integer) => KindRecord::Integer,
            Kind::Number(Number::Short) => KindRecord::Short,
            Kind::Number(Number::Byte) => KindRecord::Byte,
            Kind::Number(Number::Double) => KindRecord::Double,
            Kind::Number(Number::Float) => KindRecord::Float,
            Kind::Number(Number::HalfFloat) => KindRecord::HalfFloat,
            Kind::Boolean => KindRecord::Boolean,
            Kind::Date(date) => KindRecord::Date { formats: date.formats.text.clone(), nanos: date.nanos },
            Kind::Ip => KindRecord::Ip,
            Kind::GeoPoint => KindRecord::GeoPoint,
            Kind::Vector { dims, similarity, indexed } => {
                let similarity = match similarity {
                    Similarity::Cosine => SimilarityRecord::Cosine,
                    Similarity::DotProduct => SimilarityRecord::DotProduct,
                    Similarity::L2Norm => SimilarityRecord::L2Norm,
                    Similarity::MaxInnerProduct => SimilarityRecord::MaxInnerProduct,
                };
                KindRecord::Vector { dims: *dims, similarity, indexed: *indexed }
            }
            Kind::Object => KindRecord::Object,
            Kind::Nested => KindRecord::Nested,
            Kind::Json { mapping_type } => KindRecord::Json { mapping_type: mapping_type.clone() },
        }
    }

    fn kind(&self) -> Result<Kind> {
        Ok(match self {
            KindRecord::Keyword(exact) => Kind::Keyword(exact.exact()),
            KindRecord::Text { analyzer, exact } => {
                let analyzer = match analyzer.as_str() {
                    "standard" => Analyzer::Standard,
                    "simple" => Analyzer::Simple,
                    "whitespace" => Analyzer::Whitespace,
                    "keyword" => Analyzer::Keyword,
                    other => Analyzer::Other(other.to_owned()),
                };
                Kind::Text { analyzer, exact: exact.as_ref().map(ExactRecord::exact) }
            }
            KindRecord::Long => Kind::Number(Number::Long),
            KindRecord::Integer => Kind::Number(Number::Integer),
            KindRecord::Short => Kind::Number(Number::Short),
            KindRecord::Byte => Kind::Number(Number::Byte),
            KindRecord::Double => Kind::Number(Number::Double),
            KindRecord::Float => Kind::Number(Number::Float),
            KindRecord::HalfFloat => Kind::Number(Number::HalfFloat),
            KindRecord::Boolean => Kind::Boolean,
            KindRecord::Date { formats, nanos } => {
                Kind::Date(DateKind { formats: DateFormats::parse(formats).map_err(Error::internal)?, nanos: *nanos })
            }
            KindRecord::Ip => Kind::Ip,
            KindRecord::GeoPoint => Kind::GeoPoint,
            KindRecord::Vector { dims, similarity, indexed } => {
                let similarity = match similarity {
                    SimilarityRecord::Cosine => Similarity::Cosine,
                    SimilarityRecord::DotProduct => Similarity::DotProduct,
                    SimilarityRecord::L2Norm => Similarity::L2Norm,
                    SimilarityRecord::MaxInnerProduct => Similarity::MaxInnerProduct,
                };
                Kind::Vector { dims: *dims, similarity, indexed: *indexed }
            }
            KindRecord::Object => Kind::Object,
            KindRecord::Nested => Kind::Nested,
            KindRecord::Json { mapping_type } => Kind::Json { mapping_type: mapping_type.clone() },
        })
    }
}

impl ExactRecord {
    fn new(exact: &Exact) -> Self {
        ExactRecord { path: exact.path.clone(), ignore_above: exact.ignore_above, normalizer: exact.normalizer.clone() }
    }

    fn exact(&self) -> Exact {
        Exact { path: self.path.clone(), ignore_above: self.ignore_above, normalizer: self.normalizer.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collection_comes_back_as_it_was() {
        let exact = Exact { path: "o.t.keyword".into(), ignore_above: Some(256), normalizer: Some("lowercase".into()) };
        let kinds = [
            Kind::Keyword(exact.clone()),
            Kind::Text { analyzer: Analyzer::Whitespace, exact: Some(exact) },
            Kind::Number(Number::HalfFloat),
            Kind::Boolean,
            Kind::Date(DateKind { formats: DateFormats::default(), nanos: true }),
            Kind::Ip,
            Kind::GeoPoint,
            Kind::Vector { dims: Some(3), similarity: Similarity::L2Norm, indexed: false },
            Kind::Nested,
            Kind::Json { mapping_type: "flattened".into() },
        ];
        let child = |(n, kind): (usize, Kind)| {
            Arc::new(Field {
                path: format!("o.f{n}"),
                kind,
                list: Some(n % 2 == 0),
                indexed: n % 3 == 0,
                columns: n % 3 == 1,
                null_value: (n == 2).then(|| serde_json::json!(1.5)),
                nested: None,
                fields: Vec::new(),
            })
        };
        let name = CollectionName::parse("things").unwrap();
        let object = Field {
            path: "o".into(),
            kind: Kind::Object,
            list: None,
            indexed: true,
            columns: true,
            null_value: None,
            nested: None,
            fields: kinds.into_iter().enumerate().map(child).collect(),
        };
        let collection =
            Collection { name: name.clone(), origin: Origin::Index, fields: vec![Arc::new(object)], remarks: Vec::new() };
        let record = Record::decode(&Record::new(7, &collection).encode().unwrap()).unwrap();
        assert_eq!(record.uid, 7);
        assert_eq!(record.collection(name).unwrap(), collection);
    }
}
