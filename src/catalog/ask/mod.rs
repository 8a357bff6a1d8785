//! Plain JSON in a caller's words -> parts of a `Query`. The shapes are those of the GraphQL arguments
//! (`{"section": {"eq": "net"}}`, `[{"field": "SIZE", "direction": "DESC"}]`), so GraphQL, REST and pages share one meaning.
//! Pure. Which fields can be asked for what is told by [`comparison`], [`can_sort`] and [`can_search`], for those who write schemas.

mod bounds;
mod facet;
mod filter;
mod geo;
mod group;
mod having;
mod operators;
mod order;
mod place;
mod search;

use serde_json::{Map, Value as Json};

use self::place::Place;
use super::{Exposed, ExposedField};
use crate::config::Limits;
use crate::error::Code;
use crate::search::date::Time;
use crate::search::{Facet, Field, FieldRef, Filter, GroupKey, GroupOrder, Having, Kind, Number, Order, Rank};

/// What is wrong with an argument, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: Code,
    /// From the argument on: `filter, and, 1, size, gte`.
    pub path: Vec<String>,
    pub message: String,
    /// Of `Code::LimitExceeded`.
    pub exceeded: Option<Exceeded>,
}

/// A limit, its value, and what was asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// By the name it has in the settings.
    pub limit: &'static str,
    pub value: usize,
    pub asked: usize,
}

/// What asking needs beside the collection.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pub limits: &'a Limits,
    /// What `now` means in date math: one moment for a whole operation.
    pub now: Time,
}

/// `filter`: an object whose parts must all hold. `{}` as a whole is `Filter::All`; inside, `{}` and `null` are faults.
pub fn filter(frame: Frame<'_>, on: &Exposed, json: &Json) -> Result<Filter, Fault> {
    filter::read(frame, &on.fields, &Place::root("filter"), json)
}

/// A filter on the elements of a nested field, for what is asked of its elements alone; names begin below that field.
pub fn element_filter(frame: Frame<'_>, of: &ExposedField, json: &Json) -> Result<Filter, Fault> {
    filter::read(frame, &of.fields, &Place::root("filter"), json)
}

/// `facetFilters`: one entry a field.
pub fn facet_filters(frame: Frame<'_>, on: &Exposed, json: &Json) -> Result<Vec<(FieldRef, Filter)>, Fault> {
    filter::read_facets(frame, &on.fields, &Place::root("facetFilters"), json)
}

/// `orderBy`: a list of `{score}`, `{field, direction, missing}` or `{distance, direction}`.
pub fn order(_frame: Frame<'_>, on: &Exposed, json: &Json) -> Result<Vec<Order>, Fault> {
    order::read(on, &Place::root("orderBy"), json)
}

/// `search`: `{query, fields: [{field, boost}], operator, fuzziness, knn: {field, vector, k, numCandidates}, fusion}`; `None` where there is
/// neither words nor a vector.
pub fn search(frame: Frame<'_>, on: &Exposed, json: &Json) -> Result<Option<Rank>, Fault> {
    let at = Place::root("search");
    if let Some(Json::String(text)) = json.get("query") {
        place::check_words(frame, &at.key("query"), text)?;
    }
    search::read(on, &at, json)
}

/// The arguments of a facet, all that it can tell; what is not wanted of it is taken out afterwards.
pub fn facet(frame: Frame<'_>, of: &ExposedField, arguments: &Map<String, Json>) -> Result<Facet, Fault> {
    facet::read(frame, of, arguments)
}

/// `keys` of a grouping: a list of `{field, interval, ranges, include}`.
pub fn group_keys(frame: Frame<'_>, on: &Exposed, json: &Json) -> Result<Vec<GroupKey>, Fault> {
    group::read_keys(frame, on, &Place::root("keys"), json)
}

/// `orderBy` of a grouping: a list of `{count}`, `{key}` or `{field, metric, direction}`.
pub fn group_order(on: &Exposed, json: &Json) -> Result<Vec<GroupOrder>, Fault> {
    group::read_order(on, &Place::root("orderBy"), json)
}

/// `having`: conditions on groups. `{}` as a whole is none.
pub fn having(frame: Frame<'_>, on: &Exposed, json: &Json) -> Result<Option<Having>, Fault> {
    having::read(frame, on, &Place::root("having"), json)
}

/// How values of a field can be compared in a filter: which operators there are, and of which type their arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    Keyword,
    Text,
    TextKeyword,
    Boolean,
    /// `integer`, `short`, `byte`.
    Int,
    Long,
    Float,
    Date,
    Ip,
    GeoPoint,
    Vector,
    /// A filter of its own on the fields below.
    Object,
    /// `some`, `none`, `every` and `exists` on elements.
    Elements,
}

/// `None`: the field cannot be filtered.
pub fn comparison(field: &Field) -> Option<Comparison> {
    let comparison = match &field.kind {
        Kind::Object => return Some(Comparison::Object),
        Kind::Nested => return Some(Comparison::Elements),
        Kind::Json { .. } => return None,
        Kind::Vector { .. } => return Some(Comparison::Vector),
        Kind::Keyword(_) => Comparison::Keyword,
        Kind::Text { exact: None, .. } => Comparison::Text,
        Kind::Text { exact: Some(_), .. } => Comparison::TextKeyword,
        Kind::Boolean => Comparison::Boolean,
        Kind::Number(Number::Long) => Comparison::Long,
        Kind::Number(Number::Integer | Number::Short | Number::Byte) => Comparison::Int,
        Kind::Number(Number::Double | Number::Float | Number::HalfFloat) => Comparison::Float,
        Kind::Date(_) => Comparison::Date,
        Kind::Ip => Comparison::Ip,
        Kind::GeoPoint => Comparison::GeoPoint,
    };
    field.indexed.then_some(comparison)
}

/// Whether a facet filter may name it: it has values that can be counted.
pub fn can_tick(field: &Field) -> bool {
    !matches!(comparison(field), None | Some(Comparison::Text | Comparison::Vector))
}

/// Whether hits can be ordered by it: it has values in columns, and not in elements.
pub fn can_sort(field: &Field) -> bool {
    field.columns && field.nested.is_none() && field.exact_path().is_some()
}

/// Whether its values can be counted, in facets, aggregates and groups: it has them in columns.
pub fn can_count(field: &Field) -> bool {
    field.columns && field.exact_path().is_some()
}

/// Whether numbers can be made of its values: it holds numbers or dates.
pub fn can_measure(field: &Field) -> bool {
    can_count(field) && matches!(field.kind, Kind::Number(_) | Kind::Date(_))
}

/// Whether hits can be ordered by their distance to it.
pub fn has_distance(field: &Field) -> bool {
    field.kind == Kind::GeoPoint && field.indexed && field.columns && field.nested.is_none()
}

/// Whether a search can look for words in it.
pub fn can_search(field: &Field) -> bool {
    field.indexed && field.nested.is_none() && matches!(field.kind, Kind::Keyword(_) | Kind::Text { .. })
}

/// Whether its values can be completed from their beginning.
pub fn can_complete(field: &Field) -> bool {
    crate::search::can_complete(field)
}

/// Whether a search can ask for what is near a vector in it.
pub fn can_be_near(field: &Field) -> bool {
    field.nested.is_none() && matches!(field.kind, Kind::Vector { indexed: true, .. })
}

/// What a search looks through that names no fields: all text; in a collection without text its keywords.
pub fn default_search_fields(on: &Exposed) -> Vec<FieldRef> {
    let mut fields: Vec<FieldRef> = on.all_fields().map(|e| &e.field).filter(|f| can_search(f)).cloned().collect();
    if fields.iter().any(|field| matches!(field.kind, Kind::Text { .. })) {
        fields.retain(|field| matches!(field.kind, Kind::Text { .. }));
    }
    fields
}
