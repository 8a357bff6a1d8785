//! What a collection is: its name, its fields and their kinds. Names for users are made in the catalog.

use std::fmt;
use std::sync::Arc;

use super::date::DateFormats;
use super::pattern::Pattern;

/// The name of an index, alias, data stream or configured pattern, parsed: it can be put into a path as one segment.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct CollectionName(Arc<str>);

/// Why a text is no collection name, in words for whoever wrote it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} is no name of a collection: {why}")]
pub struct NameFault {
    pub name: String,
    pub why: &'static str,
}

impl CollectionName {
    /// The rules are Elasticsearch's for a new index; a leading dot is kept for hooke's own.
    pub fn parse(name: &str) -> Result<Self, NameFault> {
        let fault = |why| Err(NameFault { name: name.chars().take(64).collect(), why });
        if name.is_empty() {
            return fault("it is empty");
        }
        if name.len() > 255 {
            return fault("it is longer than 255 bytes");
        }
        if name.starts_with(['_', '-', '+', '.']) {
            return fault("it may not start with _ - + or .");
        }
        if name
            .chars()
            .any(|c| matches!(c, '\\' | '/' | '*' | '?' | '"' | '<' | '>' | '|' | ',' | '#' | ':' | ' ') || c.is_control())
        {
            return fault(r#"it may not hold \ / * ? " < > | , # : or a blank"#);
        }
        // also letters that are neither large nor small but have a small one, as Elasticsearch does
        if name != name.to_lowercase() {
            return fault("it must be in lower case");
        }
        Ok(CollectionName(Arc::from(name)))
    }

    /// A hidden collection of hooke's own: `.hooke-<purpose>`.
    pub fn hidden(purpose: &str) -> Self {
        CollectionName(Arc::from(format!(".hooke-{purpose}")))
    }

    /// The name of something that exists, as the engine gave it; it may break the rules for new names (an alias in upper case).
    pub fn existing(name: &str) -> Self {
        CollectionName(Arc::from(name))
    }

    pub fn is_hidden(&self) -> bool {
        self.0.starts_with('.')
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for CollectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Where a collection's documents live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// One concrete index: by id is a get.
    Index,
    /// An alias, a data stream or a pattern over these concrete indices (`target` is what a search names):
    /// by id is a search.
    Many { target: String, indices: Vec<String> },
}

#[derive(Clone, Debug, PartialEq)]
pub struct Collection {
    pub name: CollectionName,
    pub origin: Origin,
    /// The top level, in the mapping's order.
    pub fields: Vec<FieldRef>,
    /// Fields on which the indices of the collection disagree, or whose kind is not known: for `doctor`.
    pub remarks: Vec<String>,
}

/// A field, resolved: an engine needs nothing but this to ask for it.
pub type FieldRef = Arc<Field>;

#[derive(Clone, Debug, PartialEq)]
pub struct Field {
    /// The whole path in the document, dotted.
    pub path: String,
    pub kind: Kind,
    /// What `_meta.hooke.lists` of the mapping says; the catalog decides.
    pub list: Option<bool>,
    /// Can be filtered (`index` of the mapping).
    pub indexed: bool,
    /// Can be sorted and aggregated (`doc_values` of the mapping).
    pub columns: bool,
    pub null_value: Option<serde_json::Value>,
    /// The innermost nested path it lies under, itself left out.
    pub nested: Option<String>,
    /// Children of an object or a nested field.
    pub fields: Vec<FieldRef>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Keyword(Exact),
    /// `exact` is the keyword sub-field, where there is one; its `path` is whole.
    Text {
        analyzer: Analyzer,
        exact: Option<Exact>,
    },
    Number(Number),
    Boolean,
    Date(DateKind),
    Ip,
    GeoPoint,
    Vector {
        dims: Option<u32>,
        similarity: Similarity,
        indexed: bool,
    },
    Object,
    Nested,
    /// Free form, read only: `flattened`, disabled objects, and every type that hooke does not know (its name is kept).
    Json {
        mapping_type: String,
    },
}

/// Exact text: a keyword field, or the keyword sub-field of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exact {
    /// The whole path to ask under: of a keyword its own, of a text `name.keyword`.
    pub path: String,
    /// Values longer than this many characters (Java's, UTF-16 units) are in the document but not in the index.
    pub ignore_above: Option<u32>,
    /// The `lowercase` normalizer; any other is `Unknown` to the embedded engine.
    pub normalizer: Option<String>,
}

impl Exact {
    /// A pattern as these values must be asked: where they are normalised, its letters are, too.
    pub(crate) fn pattern(&self, pattern: &Pattern) -> Pattern {
        if self.normalizer.as_deref() == Some("lowercase") { pattern.lowered() } else { pattern.clone() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    Long,
    Integer,
    Short,
    Byte,
    Double,
    Float,
    HalfFloat,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DateKind {
    pub formats: DateFormats,
    /// `date_nanos`.
    pub nanos: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Analyzer {
    Standard,
    Simple,
    Whitespace,
    Keyword,
    /// Elasticsearch knows it; the embedded engine refuses it by name.
    Other(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Similarity {
    Cosine,
    DotProduct,
    L2Norm,
    MaxInnerProduct,
}

impl Field {
    /// A field that can be filtered, sorted and counted, at the top, without children.
    pub fn new(path: impl Into<String>, kind: Kind) -> Self {
        Field {
            path: path.into(),
            kind,
            list: None,
            indexed: true,
            columns: true,
            null_value: None,
            nested: None,
            fields: Vec::new(),
        }
    }

    /// The last segment of the path.
    pub fn name(&self) -> &str {
        self.path.rsplit('.').next().unwrap_or(&self.path)
    }

    /// Where exact values are compared: the field itself, or the keyword sub-field of a text. `None` where there is no such place.
    pub fn exact_path(&self) -> Option<&str> {
        match &self.kind {
            Kind::Keyword(exact) | Kind::Text { exact: Some(exact), .. } => Some(&exact.path),
            Kind::Number(_) | Kind::Boolean | Kind::Date(_) | Kind::Ip => Some(&self.path),
            Kind::Text { exact: None, .. }
            | Kind::GeoPoint
            | Kind::Vector { .. }
            | Kind::Object
            | Kind::Nested
            | Kind::Json { .. } => None,
        }
    }
}

impl Collection {
    /// An index with these fields, of which nothing is to be remarked.
    pub fn new(name: CollectionName, fields: Vec<FieldRef>) -> Self {
        Collection { name, origin: Origin::Index, fields, remarks: Vec::new() }
    }

    /// The field at this whole path, at any depth.
    pub fn field(&self, path: &str) -> Option<&FieldRef> {
        find(&self.fields, path)
    }

    /// Every field, parents before children.
    pub fn all_fields(&self) -> Vec<&FieldRef> {
        let mut all = Vec::new();
        collect(&self.fields, &mut all);
        all
    }
}

fn find<'a>(fields: &'a [FieldRef], path: &str) -> Option<&'a FieldRef> {
    fields.iter().find_map(|field| {
        if field.path == path {
            Some(field)
        } else if path.strip_prefix(field.path.as_str()).is_some_and(|rest| rest.starts_with('.')) {
            find(&field.fields, path)
        } else {
            None
        }
    })
}

fn collect<'a>(fields: &'a [FieldRef], all: &mut Vec<&'a FieldRef>) {
    for field in fields {
        all.push(field);
        collect(&field.fields, all);
    }
}
