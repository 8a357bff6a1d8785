use serde_json::{Value as Json, json};

use super::super::request::ask;
use super::super::response::{Body, page};
use crate::value::Value;
use crate::{
    Calendar, Collection, CollectionName, Compute, Computed, Direction, Error, Facet, FieldRef, Filter, GroupBy, GroupKey,
    GroupOrder, Interval, Measure, Metric, Page, Query, Range, Result, Scope, Top, mapping,
};

fn shop() -> Collection {
    let fields = mapping::parse(&json!({"properties": {
        "tag": {"type": "keyword"}, "size": {"type": "long"}, "added": {"type": "date"},
        "items": {"type": "nested", "properties": {"sku": {"type": "keyword"}, "qty": {"type": "integer"}}},
    }}));
    Collection::new(CollectionName::parse("shop").unwrap(), fields.unwrap())
}

fn field(path: &str) -> FieldRef {
    shop().field(path).unwrap().clone()
}

fn facet(path: &str) -> Facet {
    Facet::new(field(path))
}

fn groups(paths: &[&str]) -> GroupBy {
    let key = |path: &&str| GroupKey { field: field(path), interval: None, ranges: Vec::new(), missing: false };
    GroupBy { keys: paths.iter().map(key).collect(), first: 5, after: None, order: Vec::new(), having: None, inside: Vec::new() }
}

fn query(compute: Compute) -> Query {
    let mut query = Query::new(shop().name);
    query.page.size = 0;
    query.compute = vec![(3, compute)];
    query
}

/// What is asked over all that match.
fn aggs(compute: Compute) -> Json {
    let body = ask(&query(compute), &shop()).unwrap().body;
    assert_eq!(body["aggs"]["all"]["filter"], json!({"match_all": {}}));
    body["aggs"]["all"]["aggs"].clone()
}

fn read(compute: Compute, inside: Json) -> Result<Page> {
    let ask = ask(&query(compute), &shop()).unwrap();
    let mut all = json!({"doc_count": 9});
    all.as_object_mut().unwrap().extend(inside.as_object().unwrap().clone());
    let body: Body = serde_json::from_value(json!({"took": 1, "timed_out": false, "_shards": {"total": 2, "failed": 0},
        "hits": {"total": {"value": 9, "relation": "eq"}, "hits": []}, "aggregations": {"all": all}}))
    .unwrap();
    page(body, &ask.reading).map(|(page, _)| page)
}

#[test]
fn a_facet_leaves_its_own_tick_out() {
    let ticks = vec![
        (field("tag"), Filter::OneOf(field("tag"), vec![Value::Text("a".into())])),
        (field("size"), Filter::Exists(field("size"))),
    ];
    let mut query = query(Compute::Facet(Facet { values: Some(2), missing: true, ..facet("tag") }));
    query.ticks = ticks;
    query.rule = Filter::Exists(field("added"));
    let body = ask(&query, &shop()).unwrap().body;
    let (tag, size) = (json!({"term": {"tag": {"value": "a"}}}), json!({"exists": {"field": "size"}}));
    assert_eq!(body["query"], json!({"bool": {"filter": [{"exists": {"field": "added"}}]}}));
    assert_eq!(body["post_filter"], json!({"bool": {"filter": [tag, size]}}));
    assert_eq!(
        body["aggs"],
        json!({"but0": {"filter": {"bool": {"filter": [size]}}, "aggs": {
            "3v": {"terms": {"field": "tag", "size": 2, "shard_size": 2000, "order": [{"_count": "desc"}, {"_key": "asc"}]}},
            "3m": {"missing": {"field": "tag"}},
        }}})
    );
    // a facet of another field sees all ticks: then they are part of the query
    query.compute = vec![(3, Compute::Facet(Facet { stats: true, ..facet("added") }))];
    let body = ask(&query, &shop()).unwrap().body;
    assert!(body["post_filter"].is_null() && body["query"]["bool"]["filter"].as_array().unwrap().len() == 3);
    assert_eq!(body["aggs"]["all"]["aggs"], json!({"3s": {"stats": {"field": "added"}}}));
}

#[test]
fn ranges_are_filters_and_intervals_have_no_gaps() {
    let range = |lower, upper| Range { lower: Some((Value::Long(lower), true)), upper: Some((Value::Long(upper), false)) };
    let ranges = vec![range(5, 9), range(0, 9_007_199_254_740_993)];
    assert_eq!(
        aggs(Compute::Facet(Facet { ranges, ..facet("size") })),
        json!({"3b": {"filters": {"filters": [
            {"range": {"size": {"gte": 5, "lte": 8}}},
            {"range": {"size": {"gte": 0, "lte": 9_007_199_254_740_992_i64}}},
        ]}}})
    );
    let of = |interval| aggs(Compute::Facet(Facet { interval: Some(interval), ..facet("added") }))["3b"].clone();
    assert_eq!(
        of(Interval::Calendar { unit: Calendar::Month, zone: "Europe/Berlin".into() }),
        json!({"date_histogram": {
            "field": "added", "calendar_interval": "month", "time_zone": "Europe/Berlin", "min_doc_count": 1,
        }})
    );
    assert_eq!(of(Interval::Fixed { nanos: 90_000_000_000, zone: "UTC".into() })["date_histogram"]["fixed_interval"], "90000ms");
}

#[test]
fn facets_of_elements_count_their_documents() {
    assert_eq!(
        aggs(Compute::Facet(Facet { values: Some(2), missing: true, ..facet("items.sku") })),
        json!({
            "3fin": {"nested": {"path": "items"}, "aggs": {
                "3v": {"terms": {"field": "items.sku", "size": 10_000}, "aggs": {"docs": {"reverse_nested": {}}}},
                "3m": {"missing": {"field": "items.sku"}},
            }},
            "3m": {"filter": {"bool": {"must_not": [{"nested": {"path": "items", "query": {"exists": {"field": "items.sku"}}}}]}}},
        })
    );
}

#[test]
fn first_groups_are_terms() {
    let mut first = groups(&["tag"]);
    first.keys[0].missing = true;
    first.inside = vec![(4, Compute::Top(Top { size: 2, order: Vec::new(), fields: Some(vec!["tag".into()]) }))];
    let top = json!({"4h": {"top_hits": {
        "size": 2, "sort": [{"_seq_no": {"order": "asc"}}], "_source": ["tag"], "seq_no_primary_term": true,
    }}});
    let order = json!([{"_count": "desc"}, {"_key": "asc"}]);
    assert_eq!(
        aggs(Compute::Groups(first)),
        json!({
            "3k0": {"terms": {"field": "tag", "size": 5, "shard_size": 1000, "order": order}, "aggs": top},
            "3m0": {"missing": {"field": "tag"}, "aggs": top},
        })
    );
}

#[test]
fn pages_of_groups_are_composite() {
    let page = GroupBy {
        order: vec![GroupOrder::Key(Direction::Desc)],
        after: Some(vec![Some(Value::Text("m".into()))]),
        ..groups(&["tag"])
    };
    assert_eq!(
        aggs(Compute::Groups(page)),
        json!({
            "3k0": {"composite": {
                "size": 6, "sources": [{"k": {"terms": {"field": "tag", "order": "desc"}}}], "after": {"k": "m"},
            }},
            "3a": {"terms": {"field": "tag", "size": 1}},
        })
    );
}

#[test]
fn where_all_groups_must_be_known_they_are_listed() {
    let by = GroupOrder::Metric { field: field("size"), measure: Measure::Avg, direction: Direction::Asc };
    let listed = GroupBy { order: vec![by], ..groups(&["items.sku", "tag"]) };
    assert_eq!(
        aggs(Compute::Groups(listed)),
        json!({"3k0": {"terms": {"field": "tag", "size": 10_000}, "aggs": {
            "3k1in": {"nested": {"path": "items"}, "aggs": {
                "3k1": {"terms": {"field": "items.sku", "size": 10_000}, "aggs": {
                    "docs": {"reverse_nested": {}},
                    "3o0up": {"reverse_nested": {}, "aggs": {"3o0": {"stats": {"field": "size"}}}},
                }},
            }},
        }}})
    );
}

#[test]
fn metrics_are_one_aggregation_each() {
    let of = vec![
        (field("size"), Metric::Stats),
        (field("size"), Metric::Percentiles(vec![95.0, 50.0, 95.0])),
        (field("tag"), Metric::Distinct),
    ];
    assert_eq!(
        aggs(Compute::Metrics { scope: Scope::Matched, under: None, of }),
        json!({
            "3n0": {"stats": {"field": "size"}},
            "3n1": {"percentiles": {"field": "size", "percents": [50.0, 95.0], "keyed": false, "tdigest": {"compression": 1000}}},
            "3n2": {"cardinality": {"field": "tag", "precision_threshold": 40_000}},
        })
    );
}

#[test]
fn an_answer_that_lacks_something_is_an_error() {
    let values = || Compute::Facet(Facet { values: Some(1), ..facet("tag") });
    let whole = json!({"3v": {"sum_other_doc_count": 4, "buckets": [{"key": "a", "doc_count": 5}]}});
    let computed = read(values(), whole.clone()).unwrap().computed;
    assert!(matches!(&computed[..], [(3, Computed::Facet { values, other: 4, .. })] if values.len() == 1));
    for (at, instead) in [
        ("/3v", json!(null)),
        ("/3v/sum_other_doc_count", json!(null)),
        ("/3v/sum_other_doc_count", json!(-1)),
        ("/3v/buckets", json!({})),
        ("/3v/buckets/0/key", json!(1)),
        ("/3v/buckets/0/doc_count", json!("5")),
    ] {
        let mut broken = whole.clone();
        *broken.pointer_mut(at).unwrap() = instead.clone();
        assert!(matches!(read(values(), broken), Err(Error::Internal(_))), "{at} {instead}");
    }
    let stats = || Compute::Metrics { scope: Scope::Matched, under: None, of: vec![(field("size"), Metric::Stats)] };
    for answer in [json!({}), json!({"3n0": {"count": 1, "min": null, "max": 1, "sum": 1}}), json!({"3n0": {"count": 1}})] {
        assert!(matches!(read(stats(), answer.clone()), Err(Error::Internal(_))), "{answer}");
    }
}

#[test]
fn what_is_near_says_by_how_much() {
    let answer = |bound: i64| {
        let terms =
            json!({"doc_count_error_upper_bound": bound, "sum_other_doc_count": 3, "buckets": [{"key": "a", "doc_count": 5}]});
        let page = read(Compute::Groups(groups(&["tag"])), json!({"3k0": terms})).unwrap();
        let [(_, Computed::Groups(groups))] = &page.computed[..] else { panic!("no groups") };
        (groups.more, groups.other, groups.error_bound)
    };
    assert_eq!([answer(0), answer(7), answer(-1)], [(true, 3, Some(0)), (true, 3, Some(7)), (true, 3, None)]);
}
