//! Filters become queries of the inverted index. What a condition finds in one segment is in `sets`; here the meaning of each
//! operator for each kind of field is settled, and how conditions are joined.

use std::net::IpAddr;
use std::ops::Bound;
use std::sync::Arc;

use tantivy::Searcher;
use tantivy::query::{AllQuery, BooleanQuery, ConstScoreQuery, EmptyQuery, ExistsQuery, Occur, Query};

use super::super::geo::Area;
use super::super::pattern::{Pattern, Shape};
use super::super::value::{Cidr, Value};
use super::super::{Error, Exact, Field, Filter, Kind, Quantifier, Range, Result, TextFilter};
use super::analysis::{analyze, normalize};
use super::codes;
use super::elements::{Around, all_elements, elements_of};
use super::layout::{Layout, lengths_column, values_column};
use super::machines::OnTerms;
use super::phrases::Phrase;
use super::sets::Set;
use super::spans::span_of;

/// What holds for the documents of a filter, as a query that scores nothing. It may hold for elements, too: `documents_only`
/// leaves them out.
pub(super) fn filter_query(layout: &Layout, filter: &Filter) -> Result<Box<dyn Query>> {
    Level { layout, list: None }.query(filter)
}

/// Documents for which all parts hold; see `filter_query`.
pub(super) fn every<'a>(layout: &Layout, parts: impl Iterator<Item = &'a Filter>) -> Result<Box<dyn Query>> {
    Level { layout, list: None }.every(parts)
}

/// The same without the elements of nested lists, which the index holds beside the documents.
pub(super) fn documents_only(layout: &Layout, searcher: &Searcher, query: Box<dyn Query>) -> Result<Box<dyn Query>> {
    Ok(match all_elements(layout, searcher)? {
        Some(elements) => Box::new(BooleanQuery::new(vec![(Occur::Must, query), (Occur::MustNot, Box::new(elements))])),
        None => query,
    })
}

/// What a condition is about: documents, or elements of the nested list at a path.
#[derive(Clone, Copy)]
struct Level<'a> {
    layout: &'a Layout,
    list: Option<&'a str>,
}

impl Level<'_> {
    fn query(self, filter: &Filter) -> Result<Box<dyn Query>> {
        let layout = self.layout;
        if let Some(field) = filter.field() {
            self.check(field)?;
        }
        Ok(match filter {
            Filter::All => Box::new(AllQuery),
            Filter::Nothing => Box::new(EmptyQuery),
            Filter::And(parts) => self.every(parts.iter())?,
            Filter::Or(parts) => {
                let parts: Result<Vec<_>> = parts.iter().map(|part| Ok((Occur::Should, self.query(part)?))).collect();
                match parts?.as_slice() {
                    [] => Box::new(EmptyQuery),
                    parts => Box::new(BooleanQuery::new(parts.iter().map(|(occur, part)| (*occur, part.box_clone())).collect())),
                }
            }
            Filter::Not(_) => self.every(std::iter::once(filter))?,
            Filter::Exists(field) if field.kind == Kind::Nested => self.nested(field, Quantifier::Some, &Filter::All)?,
            Filter::Exists(field) => exists(layout, field)?,
            Filter::OneOf(field, values) => one_of(layout, field, values)?,
            Filter::Range(field, range) => within(layout, field, range)?,
            Filter::Pattern(field, pattern) => matching(layout, field, pattern)?,
            Filter::Words(field, words) => with_words(layout, field, words)?,
            Filter::Networks(field, networks) => inside(field, networks)?,
            Filter::Ids(_) if self.list.is_some() => return Err(Error::invalid("elements of a list have no ids")),
            Filter::Ids(ids) => terms(layout.id, ids.iter().map(|id| id.as_str().as_bytes().to_vec()).collect()),
            Filter::Near { .. } | Filter::InBox { .. } | Filter::InPolygon { .. } => placed(filter)?,
            Filter::Nested { field, quantifier, filter } => self.nested(field, *quantifier, filter)?,
        })
    }

    /// For which all parts hold.
    fn every<'f>(self, parts: impl Iterator<Item = &'f Filter>) -> Result<Box<dyn Query>> {
        let mut clauses: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for part in parts {
            match part {
                Filter::All => {}
                Filter::Not(inner) => clauses.push((Occur::MustNot, self.query(inner)?)),
                other => clauses.push((Occur::Must, self.query(other)?)),
            }
        }
        Ok(join(clauses))
    }

    fn nested(self, field: &Field, quantifier: Quantifier, filter: &Filter) -> Result<Box<dyn Query>> {
        let wanted = match quantifier {
            Quantifier::Some | Quantifier::None => filter.clone(),
            // every: none fails
            Quantifier::Every => Filter::not(filter.clone()),
        };
        let around = Around {
            elements: elements_query(self.layout, field, &wanted)?.into(),
            level: self.list.map(Arc::from),
            levels: self.layout.levels.clone(),
            values: self.layout.values,
        };
        Ok(match quantifier {
            Quantifier::Some => Box::new(around),
            Quantifier::None | Quantifier::Every => join(vec![(Occur::MustNot, Box::new(around))]),
        })
    }

    /// Fields of other levels are not there: the condition was put in the wrong place.
    fn check(self, field: &Field) -> Result<()> {
        let fits = match (&field.kind, self.list) {
            (Kind::Nested, None) => true,
            (Kind::Nested, Some(list)) => field.path.strip_prefix(list).is_some_and(|rest| rest.starts_with('.')),
            (_, list) => field.nested.as_deref() == list,
        };
        if fits {
            return Ok(());
        }
        Err(Error::invalid(format!(
            "`{}` does not lie in what is asked there: ask its elements by some, none or every",
            field.path
        )))
    }
}

/// The elements of the list for which a filter holds.
pub(super) fn elements_query(layout: &Layout, field: &Field, filter: &Filter) -> Result<Box<dyn Query>> {
    if field.kind != Kind::Nested {
        return Err(no_such(field, "elements"));
    }
    let of_list: Box<dyn Query> = Box::new(elements_of(layout, &field.path));
    let holding = Level { layout, list: Some(&field.path) }.every(std::iter::once(filter))?;
    Ok(if holding.is::<AllQuery>() { of_list } else { join(vec![(Occur::Must, of_list), (Occur::Must, holding)]) })
}

/// Clauses of which at least one must be positive; where there is none, all documents are it.
pub(super) fn join(mut clauses: Vec<(Occur, Box<dyn Query>)>) -> Box<dyn Query> {
    match clauses.as_slice() {
        [] => return Box::new(AllQuery),
        [(Occur::Must, only)] => return only.box_clone(),
        _ => {}
    }
    if clauses.iter().all(|(occur, _)| *occur == Occur::MustNot) {
        clauses.push((Occur::Must, Box::new(ConstScoreQuery::new(Box::new(AllQuery), 0.0))));
    }
    Box::new(BooleanQuery::new(clauses))
}

fn terms(field: tantivy::schema::Field, terms: Vec<Vec<u8>>) -> Box<dyn Query> {
    if terms.is_empty() {
        return Box::new(EmptyQuery);
    }
    Box::new(Set::Terms { field, terms: terms.into() })
}

pub(super) fn no_such(field: &Field, what: &str) -> Error {
    Error::invalid(format!("`{}` cannot be asked for {what}", field.path))
}

/// Where a field's exact values are.
pub(super) fn exact_of(field: &Field) -> Option<&Exact> {
    match &field.kind {
        Kind::Keyword(exact) | Kind::Text { exact: Some(exact), .. } => Some(exact),
        _ => None,
    }
}

fn exists(layout: &Layout, field: &Field) -> Result<Box<dyn Query>> {
    Ok(match &field.kind {
        Kind::Text { .. } => Box::new(ExistsQuery::new(lengths_column(&field.path), false)),
        Kind::Keyword(exact) => Box::new(ExistsQuery::new(values_column(&exact.path), false)),
        Kind::Number(_) | Kind::Boolean | Kind::Date(_) | Kind::Ip => {
            Box::new(ExistsQuery::new(values_column(&field.path), false))
        }
        Kind::GeoPoint | Kind::Vector { .. } | Kind::Nested | Kind::Json { .. } => {
            terms(layout.values, vec![codes::presence_term(&field.path)])
        }
        Kind::Object => {
            let mut parts: Vec<(Occur, Box<dyn Query>)> = Vec::new();
            for child in &field.fields {
                parts.push((Occur::Should, exists(layout, child)?));
            }
            if parts.is_empty() {
                return Ok(Box::new(EmptyQuery));
            }
            Box::new(BooleanQuery::new(parts))
        }
    })
}

fn one_of(layout: &Layout, field: &Field, values: &[Value]) -> Result<Box<dyn Query>> {
    let path = field.exact_path().ok_or_else(|| no_such(field, "exact values"))?;
    let mut wanted = Vec::with_capacity(values.len());
    for value in values {
        match (value, &field.kind) {
            (Value::Text(text), _) => match exact_of(field) {
                Some(exact) => wanted.push(codes::text_term(path, &normalize(exact, text))),
                None => return Err(no_such(field, "a text")),
            },
            (Value::Ip(address), Kind::Ip) => wanted.push(codes::text_term(path, &codes::of_address(*address))),
            _ => {
                let code = span_of(field, Some((value, true)), Some((value, true)))?;
                if let Some((least, most)) = code
                    && least == most
                {
                    wanted.push(codes::number_term(path, least));
                }
            }
        }
    }
    wanted.sort_unstable();
    wanted.dedup();
    Ok(terms(layout.values, wanted))
}

fn within(layout: &Layout, field: &Field, range: &Range) -> Result<Box<dyn Query>> {
    if range.lower.is_none() && range.upper.is_none() {
        return exists(layout, field);
    }
    let bound = |side: &Option<(Value, bool)>| -> Result<Bound<Vec<u8>>> {
        let Some((value, inside)) = side else { return Ok(Bound::Unbounded) };
        let text = match (value, exact_of(field)) {
            (Value::Text(text), Some(exact)) => normalize(exact, text),
            (Value::Ip(address), None) => codes::of_address(*address),
            _ => return Err(no_such(field, "a value of another kind")),
        };
        Ok(if *inside { Bound::Included(text.into_bytes()) } else { Bound::Excluded(text.into_bytes()) })
    };
    match &field.kind {
        Kind::Keyword(_) | Kind::Text { .. } | Kind::Ip => {
            let path = field.exact_path().ok_or_else(|| no_such(field, "a range"))?;
            let ranges = [(bound(&range.lower)?, bound(&range.upper)?)].into();
            Ok(Box::new(Set::Texts { column: values_column(path), ranges }))
        }
        Kind::Number(_) | Kind::Date(_) | Kind::Boolean => {
            let side = |side: &'_ Option<(Value, bool)>| side.clone();
            let (lower, upper) = (side(&range.lower), side(&range.upper));
            let span = span_of(
                field,
                lower.as_ref().map(|(value, inside)| (value, *inside)),
                upper.as_ref().map(|(value, inside)| (value, *inside)),
            )?;
            Ok(match span {
                Some((least, most)) => Box::new(Set::Numbers { column: values_column(&field.path), range: least..=most }),
                None => Box::new(EmptyQuery),
            })
        }
        _ => Err(no_such(field, "a range")),
    }
}

fn matching(layout: &Layout, field: &Field, pattern: &Pattern) -> Result<Box<dyn Query>> {
    let exact = exact_of(field).ok_or_else(|| no_such(field, "a pattern"))?;
    let prefix = codes::term_prefix(&exact.path);
    let pattern = exact.pattern(pattern);
    if let (Shape::Prefix(text), false) = (&pattern.shape, pattern.ignore_case) {
        return Ok(Box::new(Set::Beginning { field: layout.values, prefix: [prefix, text.as_bytes().to_vec()].concat() }));
    }
    let machine = OnTerms { prefix: prefix.into(), machine: Arc::new(pattern.machine()) };
    Ok(Box::new(Set::Pattern { field: layout.values, machine }))
}

fn with_words(layout: &Layout, field: &Field, words: &TextFilter) -> Result<Box<dyn Query>> {
    let (TextFilter::Any(text) | TextFilter::Phrase(text) | TextFilter::PhrasePrefix(text)) = words;
    let analyzer = match &field.kind {
        Kind::Text { analyzer, .. } => analyzer,
        // a keyword is one word
        Kind::Keyword(exact) => {
            let term = codes::text_term(&exact.path, &normalize(exact, text));
            return Ok(match words {
                TextFilter::PhrasePrefix(_) => Box::new(Set::Beginning { field: layout.values, prefix: term }),
                _ => terms(layout.values, vec![term]),
            });
        }
        _ => return Err(no_such(field, "words")),
    };
    let mut found: Vec<Vec<u8>> =
        analyze(analyzer, text).iter().map(|token| codes::text_term(&field.path, &token.word)).collect();
    if found.is_empty() {
        return Ok(Box::new(EmptyQuery));
    }
    let beginning = match words {
        TextFilter::Any(_) => {
            found.sort_unstable();
            found.dedup();
            return Ok(terms(layout.words, found));
        }
        TextFilter::Phrase(_) if found.len() == 1 => return Ok(terms(layout.words, found)),
        TextFilter::Phrase(_) => None,
        TextFilter::PhrasePrefix(_) => found.pop(),
    };
    Ok(match (beginning, found.is_empty()) {
        (Some(prefix), true) => Box::new(Set::Beginning { field: layout.words, prefix }),
        (beginning, _) => Box::new(Set::Phrase(Phrase { field: layout.words, terms: found, beginning })),
    })
}

fn placed(filter: &Filter) -> Result<Box<dyn Query>> {
    let Some((field, area)) = Area::of(filter)? else { return Err(Error::internal("a filter by no place")) };
    if field.kind != Kind::GeoPoint {
        return Err(no_such(field, "places"));
    }
    Ok(Box::new(Set::Points { column: values_column(&field.path), area: area.into() }))
}

fn inside(field: &Field, networks: &[Cidr]) -> Result<Box<dyn Query>> {
    if field.kind != Kind::Ip {
        return Err(no_such(field, "networks"));
    }
    if networks.is_empty() {
        return Ok(Box::new(EmptyQuery));
    }
    let bound = |address| Bound::Included(codes::of_address(IpAddr::V6(address)).into_bytes());
    let ranges = networks.iter().map(|network| network.span()).map(|(first, last)| (bound(first), bound(last))).collect();
    Ok(Box::new(Set::Texts { column: values_column(&field.path), ranges }))
}
