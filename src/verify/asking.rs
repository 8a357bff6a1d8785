//! Random queries on an index that was not made for it: on the fields it has, for values seen in some of its documents.
//! What the evaluator cannot judge is not asked, and [`Asking::skipped`] says what that is.

use std::collections::BTreeSet;

use super::document::Document;
use super::random::Random;
use super::words::{self, Words as _};
use crate::search::pattern::Pattern;
use crate::search::value::Value;
use crate::search::{
    Analyzer, Collection, Direction, DocumentId, FieldRef, Filter, From, Fuzziness, GeoPoint, Kind, Missing, Operator, Order,
    PageRequest, Quantifier, Query, Range, Rank, TextFilter, TextMatch, TotalRequest,
};

/// Letters of a value from which patterns are made.
const PATTERN_MOST: usize = 24;

/// What can be asked of a collection, and with which values.
pub(super) struct Asking<'a> {
    collection: &'a Collection,
    documents: &'a [Document],
    /// Fields with values that are compared, with those values.
    pub(super) exact: Vec<(FieldRef, Vec<Value>)>,
    texts: Vec<(FieldRef, Vec<String>)>,
    places: Vec<(FieldRef, Vec<GeoPoint>)>,
    lists: Vec<FieldRef>,
    others: Vec<FieldRef>,
    /// Fields that are not asked for, with the reason.
    pub(super) skipped: Vec<String>,
}

impl<'a> Asking<'a> {
    /// `fields`: those that may be asked for.
    pub(super) fn new(collection: &'a Collection, fields: &[FieldRef], documents: &'a [Document]) -> Self {
        let mut asking = Asking {
            collection,
            documents,
            exact: Vec::new(),
            texts: Vec::new(),
            places: Vec::new(),
            lists: Vec::new(),
            others: Vec::new(),
            skipped: Vec::new(),
        };
        for field in fields {
            asking.sort_in(field);
        }
        asking
    }

    fn sort_in(&mut self, field: &FieldRef) {
        let path = &field.path;
        let normalizer = match &field.kind {
            Kind::Keyword(exact) | Kind::Text { exact: Some(exact), .. } => exact.normalizer.as_deref(),
            _ => None,
        };
        match &field.kind {
            Kind::Nested => self.lists.push(field.clone()),
            Kind::Object => self.others.push(field.clone()),
            Kind::Vector { .. } => self.skipped.push(format!("{path}: vectors are not asked for")),
            Kind::Json { mapping_type } => {
                self.skipped.push(format!("{path}: {mapping_type} is free form, nothing is asked of it"))
            }
            _ if !field.indexed => self.skipped.push(format!("{path}: it is not indexed")),
            Kind::GeoPoint => {
                let places = self.holders(field).iter().flat_map(|holder| holder.points.get(path)).flatten().copied().collect();
                self.places.push((field.clone(), places));
            }
            _ if normalizer.is_some_and(|normalizer| normalizer != "lowercase") => {
                let normalizer = normalizer.unwrap_or_default();
                self.skipped.push(format!("{path}: what the normalizer {normalizer} does is not known here"));
            }
            kind => {
                let values: Vec<Value> =
                    self.holders(field).iter().flat_map(|holder| super::meaning::exact_values(holder, field)).collect();
                if let Kind::Text { analyzer, .. } = kind {
                    self.sort_in_text(field, analyzer);
                }
                match field.exact_path() {
                    Some(_) if field.columns || matches!(kind, Kind::Text { .. }) => self.exact.push((field.clone(), values)),
                    Some(_) => self.skipped.push(format!("{path}: it has no columns (doc_values)")),
                    None => {}
                }
            }
        }
    }

    fn sort_in_text(&mut self, field: &FieldRef, analyzer: &Analyzer) {
        let path = &field.path;
        let name = match analyzer {
            Analyzer::Standard | Analyzer::Whitespace => {
                let texts = texts_of(&self.holders(field), field);
                let words: BTreeSet<String> = texts.iter().flat_map(|text| words::sure(analyzer, text)).collect();
                if words.is_empty() && !texts.is_empty() {
                    self.skipped.push(format!("{path}: no word in it is sure"));
                }
                self.texts.push((field.clone(), words.into_iter().collect()));
                return;
            }
            Analyzer::Simple => "simple",
            Analyzer::Keyword => "keyword",
            Analyzer::Other(name) => name,
        };
        self.skipped.push(format!("{path}: its words, for what the analyzer {name} makes of them is not known here"));
    }

    /// The documents, or the elements in which this field stands.
    fn holders(&self, field: &FieldRef) -> Vec<&'a Document> {
        match &field.nested {
            None => self.documents.iter().collect(),
            Some(list) => self.documents.iter().flat_map(|document| document.elements(list)).collect(),
        }
    }

    pub(super) fn query(&self, random: &mut Random) -> Query {
        let mut query = Query { total: TotalRequest::All, ..Query::new(self.collection.name.clone()) };
        query.page.size = 1_000;
        query.fetch.fields = Some(Vec::new());
        if random.once_in(4) {
            query.rank = self.rank(random);
        }
        if !random.once_in(5) {
            query.filter = self.filter(random, None, 3);
        }
        if random.once_in(4)
            && let Some((field, values)) = self.exact_at(random, None)
        {
            query.ticks = vec![(field.clone(), one_of(random, field, values))];
        }
        for _ in 0..random.below(3) {
            // places within a metre count as one, which no other key may tell apart
            if !query.order.iter().any(|order| matches!(order, Order::Distance { .. })) {
                query.order.extend(self.order(random));
            }
        }
        if query.rank.is_none() && random.once_in(3) {
            let size = u32::try_from(random.below(9)).unwrap_or_default();
            query.page = match random.below(3) {
                0 => PageRequest { size, backward: true, from: From::Start },
                1 => {
                    PageRequest { size, backward: false, from: From::Offset(u32::try_from(random.below(30)).unwrap_or_default()) }
                }
                _ => PageRequest { size, backward: false, from: From::Start },
            };
        }
        if random.once_in(2) {
            self.compute(random, &mut query);
        }
        query
    }

    pub(super) fn list(&self, path: &str) -> Option<&FieldRef> {
        self.lists.iter().find(|list| list.path == path)
    }

    /// A field with values, of documents or of the elements of a list.
    pub(super) fn exact_at(&self, random: &mut Random, list: Option<&str>) -> Option<(&FieldRef, &[Value])> {
        let there: Vec<_> = self.exact.iter().filter(|(field, _)| field.nested.as_deref() == list).collect();
        (!there.is_empty()).then(|| {
            let (field, values) = *random.pick(&there);
            (field, values.as_slice())
        })
    }

    fn rank(&self, random: &mut Random) -> Option<Rank> {
        let texts: Vec<_> = self.texts.iter().filter(|(field, words)| field.nested.is_none() && !words.is_empty()).collect();
        if texts.is_empty() {
            return None;
        }
        let (field, known) = *random.pick(&texts);
        let wanted: Vec<String> = (0..1 + random.below(3)).map(|_| random.pick(known).clone()).collect();
        let mut fields = vec![(field.clone(), 1.0)];
        for (other, _) in &texts {
            if other.path != field.path && random.once_in(3) {
                fields.push((other.clone(), 2.0));
            }
        }
        fields.retain(|(field, _)| wanted.iter().all(|word| self.is_sure(field, std::slice::from_ref(word))));
        let operator = if random.once_in(3) { Operator::And } else { Operator::Or };
        let query = wanted.join(" ");
        (!fields.is_empty()).then_some(Rank::Text(TextMatch { query, fields, operator, fuzziness: Fuzziness::None }))
    }

    /// Of every document it can be told whether it has these words one after another.
    fn is_sure(&self, field: &FieldRef, wanted: &[String]) -> bool {
        let Kind::Text { analyzer, .. } = &field.kind else { return false };
        // as a query they are read in the same way
        wanted.iter().all(|word| words::Plain.words(analyzer, word).first() == Some(word))
            && texts_of(&self.holders(field), field).iter().all(|text| words::stands(analyzer, text, wanted).is_some())
    }

    /// Of documents, or of elements of a list.
    fn filter(&self, random: &mut Random, list: Option<&str>, depth: usize) -> Filter {
        if depth == 0 || random.once_in(2) {
            return (0..8).find_map(|_| self.leaf(random, list)).unwrap_or(Filter::All);
        }
        let parts = |random: &mut Random| (0..1 + random.below(3)).map(|_| self.filter(random, list, depth - 1)).collect();
        match random.below(3) {
            0 => Filter::And(parts(random)),
            1 => Filter::Or(parts(random)),
            _ => Filter::Not(Box::new(self.filter(random, list, depth - 1))),
        }
    }

    fn leaf(&self, random: &mut Random, list: Option<&str>) -> Option<Filter> {
        let here = |field: &FieldRef| field.nested.as_deref() == list;
        match random.below(11) {
            0 => {
                let exact = self.exact.iter().map(|(field, _)| field);
                let texts = self.texts.iter().map(|(field, _)| field);
                let places = self.places.iter().map(|(field, _)| field);
                let all: Vec<&FieldRef> =
                    exact.chain(texts).chain(places).chain(&self.others).chain(&self.lists).filter(|field| here(field)).collect();
                (!all.is_empty()).then(|| Filter::Exists((*random.pick(&all)).clone()))
            }
            1 | 2 => {
                let lists: Vec<_> = self.lists.iter().filter(|field| here(field)).collect();
                if lists.is_empty() {
                    return None;
                }
                let field = (*random.pick(&lists)).clone();
                let filter = Box::new(self.filter(random, Some(&field.path), 1));
                let quantifier = *random.pick(&[Quantifier::Some, Quantifier::Some, Quantifier::None, Quantifier::Every]);
                Some(Filter::Nested { field, quantifier, filter })
            }
            3 | 4 => {
                let texts: Vec<_> = self.texts.iter().filter(|(field, words)| here(field) && !words.is_empty()).collect();
                if texts.is_empty() {
                    return None;
                }
                let (field, known) = *random.pick(&texts);
                self.words(random, field, known)
            }
            5 => {
                let places: Vec<_> = self.places.iter().filter(|(field, places)| here(field) && !places.is_empty()).collect();
                if places.is_empty() {
                    return None;
                }
                let (field, places) = *random.pick(&places);
                Some(placed(random, field, *random.clone().pick(places)))
            }
            6 if list.is_none() => {
                let ids = (0..1 + random.below(5)).filter_map(|_| DocumentId::parse(&random.pick(self.documents).id).ok());
                Some(Filter::Ids(ids.collect()))
            }
            _ => {
                let (field, values) = self.exact_at(random, list)?;
                if values.is_empty() {
                    return Some(Filter::Exists(field.clone()));
                }
                match random.below(3) {
                    0 => Some(one_of(random, field, values)),
                    1 if !matches!(field.kind, Kind::Boolean | Kind::Text { .. }) => {
                        let mut bound = || (!random.once_in(3)).then(|| (random.pick(values).clone(), random.once_in(2)));
                        Some(Filter::Range(field.clone(), Range { lower: bound(), upper: bound() }))
                    }
                    _ => match random.pick(values) {
                        Value::Text(text) => pattern(random, text).map(|pattern| Filter::Pattern(field.clone(), pattern)),
                        _ => Some(one_of(random, field, values)),
                    },
                }
            }
        }
    }

    fn words(&self, random: &mut Random, field: &FieldRef, known: &[String]) -> Option<Filter> {
        let Kind::Text { analyzer, .. } = &field.kind else { return None };
        let texts = texts_of(&self.holders(field), field);
        let filter = match random.below(4) {
            0 if !texts.is_empty() => {
                let sure = words::sure(analyzer, random.pick::<String>(&texts));
                let at = random.below(sure.len());
                let phrase: Vec<String> = sure.into_iter().skip(at).take(2).collect();
                if phrase.len() < 2 || !self.is_sure(field, &phrase) {
                    return None;
                }
                TextFilter::Phrase(phrase.join(" "))
            }
            1 => {
                let word = random.pick(known);
                let start: String = word.chars().take(2 + random.below(4)).collect();
                if !texts.iter().all(|text| words::begins(analyzer, text, &start).is_some()) {
                    return None;
                }
                TextFilter::PhrasePrefix(start)
            }
            _ => {
                let wanted: Vec<String> = (0..1 + random.below(2)).map(|_| random.pick(known).clone()).collect();
                if !wanted.iter().all(|word| self.is_sure(field, std::slice::from_ref(word))) {
                    return None;
                }
                TextFilter::Any(wanted.join(" "))
            }
        };
        Some(Filter::Words(field.clone(), filter))
    }

    fn order(&self, random: &mut Random) -> Option<Order> {
        let direction = direction(random);
        let places: Vec<_> = self.places.iter().filter(|(field, places)| field.nested.is_none() && !places.is_empty()).collect();
        if !places.is_empty() && random.once_in(6) {
            let (field, places) = *random.pick(&places);
            return Some(Order::Distance { field: field.clone(), from: aside(random, *random.clone().pick(places)), direction });
        }
        let (field, _) = self.exact_at(random, None)?;
        let missing = if random.once_in(3) { Missing::First } else { Missing::Last };
        Some(Order::Field { field: field.clone(), direction, missing })
    }
}

pub(super) fn direction(random: &mut Random) -> Direction {
    if random.once_in(2) { Direction::Asc } else { Direction::Desc }
}

fn texts_of(holders: &[&Document], field: &FieldRef) -> Vec<String> {
    let values = holders.iter().filter_map(|holder| holder.values.get(&field.path)).flatten();
    values.filter_map(|value| if let Value::Text(text) = value { Some(text.clone()) } else { None }).collect()
}

pub(super) fn one_of(random: &mut Random, field: &FieldRef, values: &[Value]) -> Filter {
    let count = if values.is_empty() || random.once_in(9) { 0 } else { 1 + random.below(3) };
    Filter::OneOf(field.clone(), (0..count).map(|_| random.pick(values).clone()).collect())
}

/// Away from points of documents, so that rounding decides nothing.
fn aside(random: &mut Random, point: GeoPoint) -> GeoPoint {
    let mut step = || (random.below(1_000) as f64 + 0.37) / 731.0;
    GeoPoint { lat: (point.lat + step()).clamp(-89.9, 89.9), lon: (point.lon + step()).clamp(-179.9, 179.9) }
}

fn placed(random: &mut Random, field: &FieldRef, point: GeoPoint) -> Filter {
    let center = aside(random, point);
    if random.once_in(2) {
        let metres = *random.pick(&[777.7, 54_321.0, 1_234_567.0, 7_654_321.0]);
        return Filter::Near { field: field.clone(), center, metres };
    }
    let size = *random.pick(&[0.517, 3.171, 41.73]);
    let (top, bottom) = ((center.lat + size).min(90.0), (center.lat - size).max(-90.0));
    let (left, right) = ((center.lon - size).max(-180.0), (center.lon + size).min(180.0));
    Filter::InBox { field: field.clone(), top, left, bottom, right }
}

fn pattern(random: &mut Random, text: &str) -> Option<Pattern> {
    let ignore_case = random.once_in(2);
    let letters: Vec<char> = text.chars().take(PATTERN_MOST).collect();
    let cut = if letters.is_empty() { 0 } else { 1 + random.below(letters.len()) };
    let escaped = |signs: &str| -> String {
        letters[..cut].iter().map(|c| if signs.contains(*c) { format!("\\{c}") } else { c.to_string() }).collect()
    };
    let made = match random.below(3) {
        0 => Pattern::prefix(&letters[..cut].iter().collect::<String>(), ignore_case),
        1 => Pattern::wildcard(&format!("{}{}", escaped("*?\\"), random.pick(&["*", "?*", "*e"])), ignore_case),
        _ => {
            let tail = *random.pick(&["", ".*", ".{0,5}", "(e|r)?.*"]);
            Pattern::regexp(&format!("{}{tail}", escaped(r"\.[]{}()*+?|")), ignore_case)
        }
    };
    // some cannot be, as one that begins with `?`
    made.ok()
}
