//! A `Query` -> the body of one search, and how its answer is to be read. Pure.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::compute::Computing;
use super::explaining::Explaining;
use super::sorting::{self, Walk};
use super::suggesting::Suggesting;
use super::{filters, ranking};
use crate::compute::checking;
use crate::{
    Collection, Direction, Error, FieldRef, Filter, From, InnerHits, Key, Kind, MOST_INNER_HITS, Moment, Order, Origin,
    PageRequest, Query, Rank, Result, TotalRequest,
};

/// `index.max_result_window` by default: hits passed over and hits brought, together.
const WINDOW: u32 = 10_000;
/// What Elasticsearch counts to at most when told a number.
const COUNT_MOST: u64 = 2_147_483_647;
/// Longer texts are marked up to here; without the limit one such text would fail the whole search.
const MARKED_CHARACTERS: u32 = 1_000_000;
/// Private use characters: they pass through Elasticsearch unchanged and stand in no ordinary text.
pub(super) const MARK_BEGIN: char = '\u{E000}';
pub(super) const MARK_END: char = '\u{E001}';

/// One search, ready to be sent alone or among others.
#[derive(Debug)]
pub(super) struct Ask {
    pub body: Json,
    /// What names the indices, comma separated; empty in a snapshot.
    pub target: String,
    /// A list of indices by name, of which one may have gone since; of a single name that would be a fault.
    pub listed: bool,
    /// Statistics of all shards, so that scores of different shards compare. Costs nothing where there is one shard.
    pub global_scores: bool,
    /// Keeps the pages of one scored walk on the same copies of the shards.
    pub preference: Option<String>,
    pub reading: Reading,
}

/// What is needed to make a `Page` of the answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Reading {
    /// Hits wanted; one more was asked for where `more` is `Hit`.
    pub size: usize,
    pub backward: bool,
    pub offset: u64,
    /// From a cursor.
    pub cursor: bool,
    pub more: More,
    pub total: TotalRequest,
    pub scored: bool,
    /// Where the score stands among the sort values.
    pub score_at: Option<usize>,
    pub distance_at: Option<usize>,
    pub highlights: Vec<String>,
    pub computing: Computing,
    pub suggesting: Suggesting,
    /// Not in a snapshot: the last sort value is a shard and a number that does not last.
    pub live: bool,
    /// How many lists of elements each hit brings.
    pub inner_hits: usize,
    /// Of how many collections a hit may be, where each has a clause; 0: of the one.
    pub members: usize,
    pub explaining: Option<Explaining>,
}

/// How it is known that the walk goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum More {
    /// One hit too many was asked for.
    Hit,
    /// The total says so: it is counted to one beyond the page.
    Count,
}

/// A page, as it is asked for.
pub(super) struct Paged<'q> {
    /// Hits asked for, the one too many among them.
    pub size: u32,
    pub offset: u32,
    pub cursor: Option<&'q Key>,
    pub more: More,
}

pub(super) fn page_of(page: &PageRequest) -> Result<Paged<'_>> {
    let (offset, cursor) = match (&page.from, page.backward) {
        (From::Start, _) => (0, None),
        (From::After(key), false) | (From::Before(key), true) => (0, Some(key)),
        (From::Offset(offset), false) => (*offset, None),
        _ => {
            return Err(Error::Unsupported(
                "a page forward from before a cursor, or backward from after one or from an offset".into(),
            ));
        }
    };
    if page.size >= WINDOW || offset.saturating_add(page.size) > WINDOW {
        return Err(Error::Limit(format!(
            "offset and page size together are at most {WINDOW}, {} was asked: go on with a cursor",
            u64::from(offset) + u64::from(page.size)
        )));
    }
    let more = if cursor.is_none() && (page.size == 0 || offset + page.size == WINDOW) { More::Count } else { More::Hit };
    Ok(Paged { size: page.size + u32::from(more == More::Hit), offset, cursor, more })
}

pub(super) fn ask(query: &Query, collection: &Collection) -> Result<Ask> {
    let page = &query.page;
    let backward = page.backward;
    let Paged { size, offset, cursor, more } = page_of(page)?;
    let many = matches!(collection.origin, Origin::Many { .. });
    let (snapshot, target) = match (&query.at, &collection.origin) {
        (Moment::Snapshot(id), _) => (Some(id), String::new()),
        (Moment::Live, Origin::Index) => (None, collection.name.as_str().to_owned()),
        (Moment::Live, Origin::Many { target, .. }) => (None, target.clone()),
    };
    let walk = Walk { backward, snapshot: snapshot.is_some(), many };

    let order: Vec<Order> = match query.order.as_slice() {
        [] if query.rank.is_some() => vec![Order::Score(Direction::Desc)],
        order => order.to_vec(),
    };
    let score_at = order.iter().position(|order| matches!(order, Order::Score(_)));
    let scored = query.rank.is_some() && (query.fetch.scores || score_at.is_some());

    checking::check(query)?;
    let computing = Computing::of(query);
    let explaining = Explaining::of(query);
    let mut body = Map::new();
    let mut put = |name: &str, value: Json| body.insert(name.into(), value);
    let parts = if computing.ticks_come_after() { Parts::Computed } else { Parts::All };
    if let Some(rank) = query.rank.as_ref().filter(|rank| ranking::is_by_vector(Some(rank))) {
        put("knn", json!(ranking::nearest(rank, &conditions(query, parts)?)?));
    }
    let suggesting = Suggesting::of(query, collection, &conditions(query, Parts::All)?, &of_filter(&query.rule)?)?;
    if !matches!(query.rank, Some(Rank::Knn { .. })) {
        put("query", condition(query, parts, suggesting.narrowing(query)?)?);
    }
    let mut after = Vec::new();
    if computing.ticks_come_after() {
        after.extend(query.ticks.iter().map(|(_, filter)| filters::query(filter)).collect::<Result<Vec<_>>>()?);
    }
    if size > 0 {
        after.extend(elements(&query.fetch.inner_hits)?);
    }
    if !after.is_empty() {
        put("post_filter", json!({"bool": {"filter": after}}));
    }
    let mut aggs = computing.body(query, collection)?;
    let (suggesters, more_aggs) = suggesting.body()?;
    if !suggesters.is_empty() {
        put("suggest", Json::Object(suggesters));
    }
    if !more_aggs.is_empty() {
        match &mut aggs {
            Some(Json::Object(aggs)) => aggs.extend(more_aggs),
            _ => aggs = Some(Json::Object(more_aggs)),
        }
    }
    if let Some(aggs) = aggs {
        put("aggs", aggs);
    }
    put("size", json!(size));
    if offset > 0 {
        put("from", json!(offset));
    }
    if size > 0 {
        put("sort", json!(sorting::keys(&order, walk)?));
        put("_source", source(query.fetch.fields.as_deref(), collection, page.size == 0));
        put("seq_no_primary_term", json!(true));
        if scored && score_at.is_none() {
            put("track_scores", json!(true));
        }
        if explaining.is_some() {
            put("explain", json!(true));
        }
        if !query.fetch.highlights.is_empty() {
            put("highlight", highlight(query)?);
        }
    }
    if let Some(key) = cursor {
        put("search_after", json!(sorting::after(&order, key, walk)?));
    }
    put("track_total_hits", count(query.total, more, offset + page.size));
    if let Some(id) = snapshot {
        put("pit", json!({"id": &*id.0, "keep_alive": super::snapshots::KEPT}));
    }
    Ok(Ask {
        body: Json::Object(body),
        listed: target.contains(','),
        target,
        // beside vectors it may not be said, and is so anyway
        global_scores: scored && !ranking::is_by_vector(query.rank.as_ref()),
        preference: (scored && snapshot.is_none()).then(|| preference(query)).flatten(),
        reading: Reading {
            size: page.size as usize,
            backward,
            offset: offset.into(),
            cursor: cursor.is_some(),
            more,
            total: query.total,
            scored,
            score_at,
            distance_at: order.iter().position(|order| matches!(order, Order::Distance { .. })),
            highlights: query.fetch.highlights.iter().map(|request| request.field.path.clone()).collect(),
            computing,
            suggesting,
            live: snapshot.is_none(),
            inner_hits: query.fetch.inner_hits.len(),
            members: 0,
            explaining,
        },
    })
}

/// How much of a query.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Parts {
    /// What was searched: the words and the filter.
    Searched,
    /// The rule too: what facets count of, before any tick.
    Computed,
    All,
}

/// What a document must be, without what ranks it.
fn conditions(query: &Query, parts: Parts) -> Result<Vec<Json>> {
    let ticks = query.ticks.iter().map(|(_, filter)| filter).filter(|_| parts == Parts::All);
    let more = ticks.chain([&query.rule].into_iter().filter(|_| parts != Parts::Searched));
    of_filter(&Filter::and([&query.filter].into_iter().chain(more).cloned()))
}

/// A filter as clauses that must all hold.
fn of_filter(filter: &Filter) -> Result<Vec<Json>> {
    match filter {
        Filter::All => Ok(Vec::new()),
        Filter::And(parts) => parts.iter().map(filters::query).collect(),
        one => Ok(vec![filters::query(one)?]),
    }
}

/// What a document must be; and this.
fn condition(query: &Query, parts: Parts, more: Option<Json>) -> Result<Json> {
    let rank = query.rank.as_ref().map(ranking::rank).transpose()?.flatten();
    let mut filters = conditions(query, parts)?;
    filters.extend(more);
    Ok(match (rank, filters.is_empty()) {
        (None, true) => json!({"match_all": {}}),
        (Some(rank), true) => rank,
        (None, false) => json!({"bool": {"filter": filters}}),
        (Some(rank), false) => json!({"bool": {"must": [rank], "filter": filters}}),
    })
}

/// The elements asked of each hit: clauses that decide nothing, each beside one that always holds.
fn elements(asked: &[InnerHits]) -> Result<Vec<Json>> {
    let clause = |(place, InnerHits { field, filter, size }): (usize, &InnerHits)| {
        if *size > MOST_INNER_HITS {
            return Err(Error::Limit(format!("at most {MOST_INNER_HITS} elements of one hit, {size} were asked")));
        }
        let mut clause = filters::elements(field, filter)?;
        clause["nested"]["inner_hits"] = json!({
            "name": place.to_string(),
            "size": size,
            // as they stand in the document
            "sort": ["_doc"],
            "_source": if holds_vectors(&field.fields) { json!({"exclude_vectors": false}) } else { json!(true) },
            "ignore_unmapped": true,
        });
        Ok(json!({"bool": {"should": [{"match_all": {}}, clause]}}))
    };
    asked.iter().enumerate().map(clause).collect()
}

fn holds_vectors(fields: &[FieldRef]) -> bool {
    fields.iter().any(|field| matches!(field.kind, Kind::Vector { .. }) || holds_vectors(&field.fields))
}

/// What is brought of the source: these paths, or all.
pub(super) fn source(fields: Option<&[Arc<str>]>, collection: &Collection, no_hits: bool) -> Json {
    let wanted = |path: &str| fields.is_none_or(|fields| fields.iter().any(|field| covers(field, path) || covers(path, field)));
    if no_hits || fields.is_some_and(<[_]>::is_empty) {
        return json!(false);
    }
    let vectors = collection.all_fields().iter().any(|field| matches!(field.kind, Kind::Vector { .. }) && wanted(&field.path));
    let paths = fields.map(|fields| fields.iter().map(|path| &**path).collect::<Vec<_>>());
    match (paths, vectors) {
        (None, false) => json!(true),
        (Some(paths), false) => json!(paths),
        // left out by default from 9.2 on
        (None, true) => json!({"exclude_vectors": false}),
        (Some(paths), true) => json!({"includes": paths, "exclude_vectors": false}),
    }
}

/// Whether a path is this one or lies below it.
fn covers(above: &str, path: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

fn highlight(query: &Query) -> Result<Json> {
    let mut fields = Map::new();
    for request in &query.fetch.highlights {
        let asked = json!({"fragment_size": request.fragment_size, "number_of_fragments": request.fragments});
        if fields.get(&request.field.path).is_some_and(|other| *other != asked) {
            return Err(Error::Unsupported("marking one field in two ways".into()));
        }
        fields.insert(request.field.path.clone(), asked);
    }
    let mut highlight = json!({
        "type": "unified",
        "pre_tags": [MARK_BEGIN],
        "post_tags": [MARK_END],
        "max_analyzed_offset": MARKED_CHARACTERS,
        "fields": fields,
    });
    if query.rule != Filter::All || !query.ticks.is_empty() {
        // what the rule and the ticks look for is not what was searched
        highlight["highlight_query"] = condition(query, Parts::Searched, None)?;
    }
    Ok(highlight)
}

pub(super) fn count(total: TotalRequest, more: More, shown: u32) -> Json {
    let asked = match total {
        TotalRequest::None => None,
        // of 0 Elasticsearch would not say whether there is any
        TotalRequest::UpTo(most) => Some(most.clamp(1, COUNT_MOST)),
        TotalRequest::All => return json!(true),
    };
    match (asked, more) {
        (None, More::Hit) => json!(false),
        (Some(asked), More::Hit) => json!(asked),
        (asked, More::Count) => json!(asked.unwrap_or(0).max(u64::from(shown) + 1)),
    }
}

/// The same for every page of one search, and different for others, so that they spread over the copies.
fn preference(query: &Query) -> Option<String> {
    let Some(Rank::Text(text)) = &query.rank else { return None };
    let mut hasher = DefaultHasher::new();
    (query.on.first().map(|name| name.as_str()), text.query.as_str()).hash(&mut hasher);
    Some(format!("{:016x}", hasher.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CollectionName, Fuzziness, HighlightRequest, Key, Missing, Operator, TextMatch, mapping};

    fn shop() -> Collection {
        let fields = mapping::parse(&json!({"properties": {
            "name": {"type": "text"}, "size": {"type": "long"}, "tag": {"type": "keyword"}, "v": {"type": "dense_vector", "dims": 2},
        }}));
        Collection::new(CollectionName::parse("shop").unwrap(), fields.unwrap())
    }

    fn field(path: &str) -> FieldRef {
        shop().field(path).unwrap().clone()
    }

    fn query() -> Query {
        let mut query = Query::new(shop().name);
        query.fetch.fields = Some(vec!["name".into()]);
        query
    }

    fn body(query: &Query) -> Json {
        ask(query, &shop()).unwrap().body
    }

    fn by_size() -> Order {
        Order::Field { field: field("size"), direction: Direction::Desc, missing: Missing::Last }
    }

    #[test]
    fn everything_in_the_order_of_the_tie_break() {
        assert_eq!(
            body(&query()),
            json!({
                "query": {"match_all": {}},
                "size": 11,
                "sort": [{"_seq_no": {"order": "asc"}}, {"_shard_doc": {"order": "asc"}}],
                "_source": ["name"],
                "seq_no_primary_term": true,
                "track_total_hits": false,
            })
        );
    }

    #[test]
    fn a_search_is_ranked_and_filters_do_not_score() {
        let mut query = query();
        let fields = vec![(field("name"), 2.0), (field("tag"), 1.0)];
        query.rank =
            Some(Rank::Text(TextMatch { query: "a b".into(), fields, operator: Operator::And, fuzziness: Fuzziness::None }));
        query.filter = Filter::Exists(field("size"));
        query.rule = Filter::Exists(field("tag"));
        query.total = TotalRequest::UpTo(100);
        let ask = ask(&query, &shop()).unwrap();
        assert_eq!(
            ask.body["query"],
            json!({"bool": {
                "must": [{"dis_max": {"tie_breaker": 0.0, "queries": [
                    {"match": {"name": {"query": "a b", "operator": "and", "boost": 2.0}}},
                    {"match": {"tag": {"query": "a b", "operator": "and", "boost": 1.0}}},
                ]}}],
                "filter": [{"exists": {"field": "size"}}, {"exists": {"field": "tag"}}],
            }})
        );
        assert_eq!(ask.body["sort"][0], json!({"_score": {"order": "desc"}}));
        assert_eq!(ask.body["track_total_hits"], 100);
        assert!(ask.global_scores && ask.preference.is_some() && ask.reading.scored);
    }

    #[test]
    fn backward_every_direction_is_flipped_but_the_mode_stays() {
        let mut query = query();
        query.order = vec![by_size()];
        query.page.backward = true;
        query.page.from = From::Before(Key(vec![json!(7), json!(3), json!((5_i64 << 32) + 9)]));
        let body = body(&query);
        let key = json!({"order": "asc", "mode": "max", "missing": "_first", "unmapped_type": "long"});
        assert_eq!(body["sort"], json!([{"size": key}, {"_seq_no": {"order": "desc"}}, {"_shard_doc": {"order": "desc"}}]));
        assert_eq!(body["search_after"], json!([7, 3, 5_i64 << 32]));
    }

    #[test]
    fn forward_the_document_number_is_masked() {
        let mut query = query();
        query.page.from = From::After(Key(vec![json!(3), json!((5_i64 << 32) + 9)]));
        assert_eq!(body(&query)["search_after"], json!([3, (5_i64 << 32) + 0x7fff_ffff]));
        query.order = vec![by_size()];
        assert!(matches!(ask(&query, &shop()), Err(Error::Invalid { .. })));
    }

    #[test]
    fn the_window_is_used_up_to_its_last_hit() {
        let mut query = query();
        query.page.from = From::Offset(9_990);
        let ask_one = ask(&query, &shop()).unwrap();
        assert_eq!((&ask_one.body["size"], &ask_one.body["from"]), (&json!(10), &json!(9_990)));
        assert_eq!((ask_one.reading.more, &ask_one.body["track_total_hits"]), (More::Count, &json!(10_001)));
        query.page.from = From::Offset(9_991);
        assert!(matches!(ask(&query, &shop()), Err(Error::Limit(_))));
    }

    #[test]
    fn a_page_of_none_asks_for_no_hits() {
        let mut query = query();
        query.page.size = 0;
        query.total = TotalRequest::All;
        assert_eq!(body(&query), json!({"query": {"match_all": {}}, "size": 0, "track_total_hits": true}));
    }

    #[test]
    fn vectors_are_brought_where_they_are_wanted() {
        let mut query = query();
        query.fetch.fields = Some(vec!["name".into(), "v".into()]);
        assert_eq!(body(&query)["_source"], json!({"includes": ["name", "v"], "exclude_vectors": false}));
        query.fetch.fields = None;
        assert_eq!(body(&query)["_source"], json!({"exclude_vectors": false}));
        query.fetch.fields = Some(Vec::new());
        assert_eq!(body(&query)["_source"], json!(false));
    }

    #[test]
    fn marks_are_for_what_was_searched_not_for_the_rule() {
        let mut query = query();
        query.rule = Filter::Exists(field("tag"));
        query.filter = Filter::Exists(field("size"));
        query.fetch.highlights = vec![HighlightRequest { field: field("name"), fragment_size: 80, fragments: 2 }];
        let highlight = &body(&query)["highlight"];
        assert_eq!(highlight["fields"], json!({"name": {"fragment_size": 80, "number_of_fragments": 2}}));
        assert_eq!(highlight["highlight_query"], json!({"bool": {"filter": [{"exists": {"field": "size"}}]}}));
    }

    #[test]
    fn an_empty_or_matches_nothing() {
        let mut query = query();
        query.filter = Filter::Or(Vec::new());
        assert_eq!(body(&query)["query"], json!({"bool": {"filter": [{"match_none": {}}]}}));
    }

    #[test]
    fn what_cannot_be_done_is_said() {
        let mut query = query();
        query.page.from = From::Before(Key(Vec::new()));
        assert!(matches!(ask(&query, &shop()), Err(Error::Unsupported(_))));
    }
}
