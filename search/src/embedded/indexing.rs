//! Documents become entries of the index: the source is walked along the mapping, strictly, and every value goes to its
//! field as `coercion` reads it. Where entries stand is `layout`'s, what an element's entry is to its document's `elements`';
//! storing the document itself is the store's.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use tantivy::TantivyDocument;
use tantivy::schema::OwnedValue;
use tantivy::tokenizer::{PreTokenizedString, Token as IndexToken};

use super::super::geo::{Cell, read_points};
use super::super::value::{brief, read_vector};
use super::super::{Analyzer, Collection, Error, Field, FieldRef, Kind, Result, Source};
use super::analysis::analyze;
use super::codes;
use super::coercion::{LONGEST_TERM, Leaf, coerce};
use super::elements::{element_term, list_term};
use super::layout::{Layout, column_name};
use super::nearest;

/// Between the last word of a value of a list and the first of the next lie so many places, so that no phrase reaches across.
const GAP: u32 = 100;

/// Whether the document fits the mapping, as strict Elasticsearch sees it; [`Error::Invalid`] with the path of the value where not.
pub(super) fn check(collection: &Collection, source: &Source) -> Result<()> {
    gather(collection, source).map(drop)
}

/// What the index keeps of a document: the entries of its elements, inner ones first, and its own at the end. They are written
/// together, in this order.
pub(super) fn index_document(
    layout: &Layout,
    collection: &Collection,
    id: &str,
    seq_no: u64,
    source: &Source,
) -> Result<Vec<TantivyDocument>> {
    let walk = gather(collection, source)?;
    let mut entries = Vec::with_capacity(walk.elements.len() + 1);
    for (list, gathered) in walk.elements {
        let mut entry = entry_of(layout, gathered);
        entry.add_bytes(layout.values, &element_term());
        entry.add_bytes(layout.values, &list_term(list));
        entries.push(entry);
    }
    entries.push(entry_of(layout, walk.gathered));
    for entry in &mut entries {
        // by its id a document is removed, and its elements with it
        entry.add_text(layout.id, id);
        entry.add_u64(layout.seq_no, seq_no);
    }
    Ok(entries)
}

fn entry_of(layout: &Layout, gathered: Gathered<'_>) -> TantivyDocument {
    let mut document = TantivyDocument::default();
    let mut columns = BTreeMap::new();
    for (path, mut codes) in gathered.numbers {
        let column = codes.iter().map(|code| OwnedValue::I64(*code)).collect();
        columns.insert(column_name(path), OwnedValue::Array(column));
        codes.sort_unstable();
        codes.dedup();
        for code in codes {
            document.add_bytes(layout.values, &codes::number_term(path, code));
        }
    }
    for (path, mut values) in gathered.exacts {
        values.sort_unstable();
        values.dedup();
        for value in &values {
            document.add_bytes(layout.values, &codes::text_term(path, value));
        }
        columns.insert(column_name(path), OwnedValue::Array(values.into_iter().map(OwnedValue::Str).collect()));
    }
    for (path, cells) in gathered.cells {
        columns.insert(column_name(path), OwnedValue::Array(cells.into_iter().map(OwnedValue::I64).collect()));
    }
    for path in gathered.present {
        document.add_bytes(layout.values, &codes::presence_term(path));
    }

    for (path, vector) in &gathered.vectors {
        document.add_bytes(layout.vectors, &nearest::write(path, vector));
    }

    let mut lengths = BTreeMap::new();
    let mut words = PreTokenizedString { text: String::new(), tokens: Vec::new() };
    for (path, (analyzer, texts)) in gathered.texts {
        let length = add_words(path, analyzer, &texts, &mut words.tokens);
        lengths.insert(column_name(path), OwnedValue::I64(length));
    }
    if !words.tokens.is_empty() {
        document.add_pre_tokenized_text(layout.words, words);
    }
    if !columns.is_empty() {
        document.add_object(layout.columns, columns);
    }
    if !lengths.is_empty() {
        document.add_object(layout.lengths, lengths);
    }
    document
}

/// The words of all values of a text; says how many there are.
fn add_words(path: &str, analyzer: &Analyzer, texts: &[String], tokens: &mut Vec<IndexToken>) -> i64 {
    let (mut next, mut length) = (0, 0);
    for text in texts {
        let found = analyze(analyzer, text);
        length += found.len() as i64;
        let base = next;
        for token in found {
            next = base + token.position + 1;
            tokens.push(IndexToken {
                offset_from: token.start,
                offset_to: token.end,
                position: (base + token.position) as usize,
                text: [path, "\0", &token.word].concat(),
                position_length: 1,
            });
        }
        next += GAP;
    }
    length
}

/// The values of a document by the whole path they are asked under.
#[derive(Default)]
struct Gathered<'a> {
    numbers: BTreeMap<&'a str, Vec<i64>>,
    exacts: BTreeMap<&'a str, Vec<String>>,
    /// Points, by the codes of their cells.
    cells: BTreeMap<&'a str, Vec<i64>>,
    texts: BTreeMap<&'a str, (&'a Analyzer, Vec<String>)>,
    vectors: Vec<(&'a str, Vec<f32>)>,
    present: BTreeSet<&'a str>,
}

struct Walk<'a> {
    collection: &'a Collection,
    /// Of the document, or of the element that is looked at.
    gathered: Gathered<'a>,
    /// The elements so far, each after those that lie in it, with the path of its list.
    elements: Vec<(&'a str, Gathered<'a>)>,
    /// The way from the document to the value that is looked at.
    way: Vec<String>,
}

fn gather<'a>(collection: &'a Collection, source: &Source) -> Result<Walk<'a>> {
    let mut walk = Walk { collection, gathered: Gathered::default(), elements: Vec::new(), way: Vec::new() };
    walk.object("", source)?;
    Ok(walk)
}

/// Whether there is any value at all, at whatever depth.
fn has_value(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Array(elements) => elements.iter().any(has_value),
        Json::Object(object) => object.values().any(has_value),
        _ => true,
    }
}

impl<'a> Walk<'a> {
    fn refuse<T>(&self, message: impl Into<String>) -> Result<T> {
        Err(Error::Invalid { message: message.into(), path: self.way.clone() })
    }

    fn object(&mut self, base: &str, object: &Source) -> Result<()> {
        for (key, value) in object {
            let path = if base.is_empty() { key.clone() } else { [base, ".", key].concat() };
            self.way.push(key.clone());
            let collection: &'a Collection = self.collection;
            match collection.field(&path) {
                Some(field) => self.value(field, value)?,
                // `{"a.b": 1}` and `{"a": {"b": 1}}` are the same; anything else is not in the mapping
                None => return self.refuse(format!("the collection has no field `{path}`")),
            }
            self.way.pop();
        }
        Ok(())
    }

    fn value(&mut self, field: &'a FieldRef, value: &Json) -> Result<()> {
        match &field.kind {
            Kind::Object | Kind::Nested => self.inner(field, value),
            Kind::Json { mapping_type } => {
                // a disabled object is not looked into
                self.mark(field, mapping_type != "object" && has_value(value));
                Ok(())
            }
            Kind::GeoPoint => {
                let value = if value.is_null() { field.null_value.as_ref().unwrap_or(value) } else { value };
                match read_points(value) {
                    Ok(points) => {
                        self.mark(field, !points.is_empty());
                        if !points.is_empty() {
                            let cells = points.into_iter().map(|point| Cell::of(point).code());
                            self.gathered.cells.entry(&field.path).or_default().extend(cells);
                        }
                        Ok(())
                    }
                    Err(message) => self.refuse(message),
                }
            }
            Kind::Vector { dims, similarity, indexed } => {
                if value.is_null() {
                    return Ok(());
                }
                let vector = match read_vector(value, *dims, indexed.then_some(*similarity)) {
                    Ok(vector) => vector,
                    Err(message) => return self.refuse(message),
                };
                self.mark(field, true);
                if *indexed && field.nested.is_none() {
                    self.gathered.vectors.push((&field.path, vector));
                }
                Ok(())
            }
            _ => self.leaf(field, value),
        }
    }

    fn inner(&mut self, field: &'a FieldRef, value: &Json) -> Result<()> {
        match value {
            Json::Null => Ok(()),
            Json::Array(elements) => {
                for (place, element) in elements.iter().enumerate() {
                    self.way.push(place.to_string());
                    self.inner(field, element)?;
                    self.way.pop();
                }
                Ok(())
            }
            Json::Object(object) => {
                if field.kind != Kind::Nested {
                    return self.object(&field.path, object);
                }
                self.mark(field, true);
                let around = std::mem::take(&mut self.gathered);
                self.object(&field.path, object)?;
                let element = std::mem::replace(&mut self.gathered, around);
                self.elements.push((&field.path, element));
                Ok(())
            }
            other => self.refuse(format!("`{}` is an object, {} is none", field.path, brief(other))),
        }
    }

    fn mark(&mut self, field: &'a Field, present: bool) {
        if present {
            self.gathered.present.insert(&field.path);
        }
    }

    fn leaf(&mut self, field: &'a FieldRef, value: &Json) -> Result<()> {
        if let Json::Array(elements) = value {
            for (place, element) in elements.iter().enumerate() {
                self.way.push(place.to_string());
                self.leaf(field, element)?;
                self.way.pop();
            }
            return Ok(());
        }
        let leaf = match coerce(field, value) {
            Ok(leaf) => leaf,
            Err(message) => return self.refuse(message),
        };
        if let (Kind::Text { analyzer: Analyzer::Keyword, .. }, Leaf::Text { text, .. }) = (&field.kind, &leaf)
            && text.len() > LONGEST_TERM
        {
            return self.refuse(format!("a word may have {LONGEST_TERM} bytes, this one has {}", text.len()));
        }
        match (leaf, &field.kind) {
            (Leaf::Nothing, _) => {}
            (Leaf::Number(code), _) => self.gathered.numbers.entry(&field.path).or_default().push(code),
            (Leaf::Exact(value), kind) => {
                let path = if let Kind::Keyword(exact) = kind { &exact.path } else { &field.path };
                self.gathered.exacts.entry(path).or_default().push(value);
            }
            (Leaf::Text { text, exact: value }, Kind::Text { analyzer, exact }) => {
                if let (Some(exact), Some(value)) = (exact, value) {
                    self.gathered.exacts.entry(&exact.path).or_default().push(value);
                }
                self.gathered.texts.entry(&field.path).or_insert_with(|| (analyzer, Vec::new())).1.push(text);
            }
            (Leaf::Text { .. }, _) => {}
        }
        Ok(())
    }
}
