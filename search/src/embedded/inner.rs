//! The elements of a hit's nested lists that a filter holds for, out of the document's own source. Which they are the index
//! tells: the entries of a document's elements stand before its own, in the document's order.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde_json::Value as Json;
use tantivy::query::{EnableScoring, Weight};
use tantivy::{BitSet, DocAddress, DocSet, Searcher, TERMINATED};

use super::super::{Elements, Error, FieldRef, InnerHits, MOST_INNER_HITS, Result, Source};
use super::elements::Level;
use super::layout::Layout;
use super::matching::elements_query;

/// All that are asked of a query.
pub(super) struct InnerElements<'a> {
    layout: &'a Layout,
    requests: Vec<Request<'a>>,
}

struct Request<'a> {
    asked: &'a InnerHits,
    weight: Box<dyn Weight>,
    /// Of the segments that hits were in so far.
    segments: HashMap<u32, Segment>,
}

struct Segment {
    documents: Arc<Level>,
    list: Arc<Level>,
    holding: BitSet,
}

impl<'a> InnerElements<'a> {
    pub(super) fn of(layout: &'a Layout, searcher: &Searcher, asked: &'a [InnerHits]) -> Result<Self> {
        let mut requests = Vec::with_capacity(asked.len());
        for asked in asked {
            if asked.size > MOST_INNER_HITS {
                return Err(Error::Limit(format!("at most {MOST_INNER_HITS} elements of one hit, {} were asked", asked.size)));
            }
            let query = elements_query(layout, &asked.field, &asked.filter)?;
            let weight = query.weight(EnableScoring::disabled_from_searcher(searcher)).map_err(Error::internal)?;
            requests.push(Request { asked, weight, segments: HashMap::new() });
        }
        Ok(InnerElements { layout, requests })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }

    /// What must be read of a document.
    pub(super) fn paths(&self) -> impl Iterator<Item = Arc<str>> {
        self.requests.iter().map(|request| Arc::from(request.asked.field.path.as_str()))
    }

    pub(super) fn bring(&mut self, searcher: &Searcher, at: DocAddress, source: &Source) -> Result<Vec<Elements>> {
        let layout = self.layout;
        self.requests.iter_mut().map(|request| request.bring(layout, searcher, at, source)).collect()
    }
}

impl Request<'_> {
    fn bring(&mut self, layout: &Layout, searcher: &Searcher, at: DocAddress, source: &Source) -> Result<Elements> {
        let size = self.asked.size as usize;
        let field = &self.asked.field;
        let segment = match self.segments.entry(at.segment_ord) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let reader = searcher.segment_reader(at.segment_ord);
                let level = |path| layout.levels.of(reader, layout.values, path).map_err(Error::internal);
                let mut holding = BitSet::with_max_value(reader.max_doc());
                let mut found = self.weight.scorer(reader, 1.0).map_err(Error::internal)?;
                while found.doc() != TERMINATED {
                    holding.insert(found.doc());
                    found.advance();
                }
                entry.insert(Segment { documents: level(None)?, list: level(Some(&field.path))?, holding })
            }
        };
        let mut next = segment.documents.last_before(at.doc_id).map_or(0, |before| before + 1);
        let (mut place, mut total, mut places) = (0, 0, Vec::new());
        while let Some(element) = segment.list.next(next).filter(|element| *element < at.doc_id) {
            if segment.holding.contains(element) {
                total += 1;
                if places.len() < size {
                    places.push(place);
                }
            }
            place += 1;
            next = element + 1;
        }
        let mut first = Vec::with_capacity(places.len());
        if !places.is_empty() {
            let all = elements_at(source, field);
            for place in places {
                let element = all.get(place).ok_or_else(|| Error::internal("an element that is not in its document"))?;
                first.push((*element).clone());
            }
        }
        Ok(Elements { total, first })
    }
}

/// The elements of a list, whatever lists and objects it lies in, in the order in which they are indexed.
fn elements_at<'s>(source: &'s Source, field: &FieldRef) -> Vec<&'s Json> {
    let mut found = Vec::new();
    below(source, &field.path, &mut found);
    found
}

fn below<'s>(object: &'s Source, path: &str, found: &mut Vec<&'s Json>) {
    for (key, value) in object {
        match path.strip_prefix(key.as_str()) {
            Some("") => objects(value, &mut |element| found.push(element)),
            Some(rest) => {
                if let Some(rest) = rest.strip_prefix('.') {
                    objects(value, &mut |element| {
                        if let Json::Object(inner) = element {
                            below(inner, rest, found);
                        }
                    });
                }
            }
            None => {}
        }
    }
}

fn objects<'s>(value: &'s Json, found: &mut dyn FnMut(&'s Json)) {
    match value {
        Json::Array(elements) => elements.iter().for_each(|element| objects(element, found)),
        Json::Object(_) => found(value),
        _ => {}
    }
}
