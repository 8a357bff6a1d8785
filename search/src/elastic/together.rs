//! A query over several collections -> one search over all their indices. Pure.
//!
//! Each collection is asked by a clause of its own that holds only in its own indices, so that a field that is something else in
//! another index is never looked at there; the name of the clause tells which collection a hit is of. Hits are told apart where
//! scores tie as in any search over several indices.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value as Json, json};

use super::compute::Computing;
use super::explaining::Explaining;
use super::filters;
use super::ranking;
use super::request::{Ask, Reading, count, page_of, source};
use super::sorting::{self, Walk};
use super::suggesting::Suggesting;
use crate::{Collection, Direction, Error, Filter, Member, Order, Origin, Query, Result};

/// `collections` are those of the query, in its order.
pub(super) fn ask(query: &Query, collections: &[&Collection]) -> Result<Ask> {
    disjoint(collections)?;
    let paged = page_of(&query.page)?;
    let order = [Order::Score(Direction::Desc)];
    let walk = Walk { backward: query.page.backward, snapshot: false, many: true };
    let explaining = Explaining::of(query);

    let mut body = Map::new();
    let mut put = |name: &str, value: Json| body.insert(name.into(), value);
    put("query", condition(query, collections)?);
    put("size", json!(paged.size));
    if paged.size > 0 {
        put("sort", json!(sorting::keys(&order, walk)?));
        put("_source", sources(query, collections));
        put("seq_no_primary_term", json!(true));
        if explaining.is_some() {
            put("explain", json!(true));
        }
    }
    if let Some(key) = paged.cursor {
        put("search_after", json!(sorting::after(&order, key, walk)?));
    }
    put("track_total_hits", count(query.total, paged.more, query.page.size));
    Ok(Ask {
        body: Json::Object(body),
        target: collections.iter().map(|collection| target(collection)).collect::<Vec<_>>().join(","),
        // one that has gone would be left out in silence
        listed: false,
        // they would count a field of one name over all collections that have it
        global_scores: false,
        preference: Some(preference(query)),
        reading: Reading {
            size: query.page.size as usize,
            backward: query.page.backward,
            offset: 0,
            cursor: paged.cursor.is_some(),
            more: paged.more,
            total: query.total,
            scored: true,
            score_at: Some(0),
            distance_at: None,
            highlights: Vec::new(),
            computing: Computing::of(query),
            suggesting: Suggesting::default(),
            live: true,
            inner_hits: 0,
            members: query.members.len(),
            explaining,
        },
    })
}

/// Of an index in two collections nobody could say which of them a hit is of, and an alias would lose its filter.
fn disjoint(collections: &[&Collection]) -> Result<()> {
    let mut known = HashSet::new();
    for collection in collections {
        for index in indices(collection) {
            if !known.insert(index) {
                let names: Vec<&str> = collections.iter().map(|collection| collection.name.as_str()).collect();
                return Err(Error::invalid(format!(
                    "some of {} share the index {index}: search them one at a time",
                    names.join(", ")
                )));
            }
        }
    }
    Ok(())
}

fn indices(collection: &Collection) -> Vec<&str> {
    match &collection.origin {
        Origin::Index => vec![collection.name.as_str()],
        Origin::Many { indices, .. } => indices.iter().map(String::as_str).collect(),
    }
}

/// What a search names. Of a list of indices one may have gone: as patterns they may be absent, where a name may not; what else they
/// match no clause holds in.
fn target(collection: &Collection) -> String {
    match &collection.origin {
        Origin::Index => collection.name.as_str().to_owned(),
        Origin::Many { target, .. } if target.contains(',') => {
            target.split(',').map(|name| format!("{name}*")).collect::<Vec<_>>().join(",")
        }
        Origin::Many { target, .. } => target.clone(),
    }
}

fn condition(query: &Query, collections: &[&Collection]) -> Result<Json> {
    let clauses = query.members.iter().zip(collections).enumerate();
    let clauses = clauses.filter_map(|(at, (member, collection))| clause(at, member, collection).transpose());
    let clauses = clauses.collect::<Result<Vec<_>>>()?;
    if clauses.is_empty() {
        return Ok(json!({"match_none": {}}));
    }
    Ok(json!({"dis_max": {"queries": clauses, "tie_breaker": 0.0}}))
}

fn clause(at: usize, member: &Member, collection: &Collection) -> Result<Option<Json>> {
    let Some(text) = &member.rank else { return Ok(None) };
    // an alias or a stream by its own name too: it may have more indices by now
    let mut places = indices(collection);
    if let Origin::Many { target, .. } = &collection.origin
        && !target.contains(',')
    {
        places.push(target);
    }
    let mut filters = vec![json!({"terms": {"_index": places}})];
    match &Filter::and([member.filter.clone(), member.rule.clone()]) {
        Filter::All => {}
        Filter::And(parts) => filters.extend(parts.iter().map(filters::query).collect::<Result<Vec<_>>>()?),
        one => filters.push(filters::query(one)?),
    }
    Ok(Some(json!({"bool": {"_name": at.to_string(), "must": [ranking::words(text)?], "filter": filters}})))
}

fn sources(query: &Query, collections: &[&Collection]) -> Json {
    let each = |collection: &&Collection| source(query.fetch.fields.as_deref(), collection, query.page.size == 0);
    let mut all: Vec<Json> = collections.iter().map(each).collect();
    // one that has vectors says so in an object
    let at = all.iter().position(Json::is_object).unwrap_or(0);
    if all.is_empty() { json!(true) } else { all.swap_remove(at) }
}

/// The same for every page of one search.
fn preference(query: &Query) -> String {
    let mut hasher = DefaultHasher::new();
    for (name, member) in query.on.iter().zip(&query.members) {
        (name.as_str(), member.rank.as_ref().map(|text| text.query.as_str())).hash(&mut hasher);
    }
    format!("{:016x}", hasher.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{CollectionName, From, Fuzziness, Key, Operator, TextMatch, TotalRequest, mapping};

    fn collection(name: &str, origin: Origin, properties: Json) -> Collection {
        let fields = mapping::parse(&json!({"properties": properties})).unwrap();
        Collection { name: CollectionName::parse(name).unwrap(), origin, fields, remarks: Vec::new() }
    }

    fn many(target: &str, indices: &[&str]) -> Origin {
        Origin::Many { target: target.into(), indices: indices.iter().map(|name| (*name).into()).collect() }
    }

    fn query(collections: &[&Collection]) -> Query {
        let member = |collection: &&Collection| {
            let fields = vec![(collection.field("t").unwrap().clone(), 1.0)];
            let text = TextMatch { query: "fox".into(), fields, operator: Operator::Or, fuzziness: Fuzziness::None };
            Member { rank: Some(text), ..Member::default() }
        };
        let mut query = Query::new(collections[0].name.clone());
        query.on = collections.iter().map(|collection| collection.name.clone()).collect();
        query.members = collections.iter().map(member).collect();
        query
    }

    #[test]
    fn each_collection_is_asked_in_its_own_indices() {
        let one = collection("one", Origin::Index, json!({"t": {"type": "text"}}));
        let logs = collection("logs", many("l-1,l-2", &["l-1", "l-2"]), json!({"t": {"type": "keyword"}}));
        let alias = collection("alias", many("alias", &["a-1"]), json!({"t": {"type": "text"}, "n": {"type": "long"}}));
        let collections = [&one, &logs, &alias];
        let mut query = query(&collections);
        query.members[2].rule = Filter::Exists(alias.field("n").unwrap().clone());
        query.fetch.fields = Some(vec!["t".into()]);
        query.total = TotalRequest::UpTo(7);
        query.page.from = From::After(Key(vec![json!(0.5), json!(3), json!((5_i64 << 32) + 9)]));
        let made = ask(&query, &collections).unwrap();
        let word = |boost: f64| json!({"match": {"t": {"query": "fox", "operator": "or", "boost": boost}}});
        let place = |names: &[&str]| json!({"terms": {"_index": names}});
        assert_eq!(made.target, "one,l-1*,l-2*,alias");
        assert_eq!(
            made.body,
            json!({
                "query": {"dis_max": {"tie_breaker": 0.0, "queries": [
                    {"bool": {"_name": "0", "must": [word(1.0)], "filter": [place(&["one"])]}},
                    {"bool": {"_name": "1", "must": [word(1.0)], "filter": [place(&["l-1", "l-2"])]}},
                    {"bool": {"_name": "2", "must": [word(1.0)], "filter": [place(&["a-1", "alias"]), {"exists": {"field": "n"}}]}},
                ]}},
                "size": 11,
                "sort": [{"_score": {"order": "desc"}}, {"_seq_no": {"order": "asc"}}, {"_shard_doc": {"order": "asc"}}],
                "search_after": [0.5, 3, (5_i64 << 32) + 0x7fff_ffff],
                "_source": ["t"],
                "seq_no_primary_term": true,
                "track_total_hits": 7,
            })
        );
        assert!(!made.listed && !made.global_scores && made.preference.is_some());
    }

    #[test]
    fn collections_that_share_an_index_are_refused() {
        let one = collection("one", Origin::Index, json!({"t": {"type": "text"}}));
        let alias = collection("alias", many("alias", &["one"]), json!({"t": {"type": "text"}}));
        assert!(matches!(ask(&query(&[&one, &alias]), &[&one, &alias]), Err(Error::Invalid { .. })));
    }

    #[test]
    fn where_nothing_can_be_found_nothing_is() {
        let one = collection("one", Origin::Index, json!({"t": {"type": "text"}}));
        let mut query = query(&[&one]);
        query.members[0].rank = None;
        assert_eq!(ask(&query, &[&one]).unwrap().body["query"], json!({"match_none": {}}));
    }
}
