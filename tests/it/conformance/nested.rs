//! Elements of nested lists: `some`, `none`, `every`, lists in lists, and the elements that come with a hit.

use hooke::search::pattern::Pattern;
use hooke::search::value::Value;
use hooke::search::{
    Action, Direction, Elements, Error, Filter, GeoPoint, HighlightRequest, InnerHits, Missing, Order, PageRequest, Precondition,
    Quantifier, Query, Range, TextFilter,
};
use serde_json::{Value as Json, json};

use crate::ground::{Ground, Shelf, id, ids, object};

conformance! {
    some_is_one_and_the_same_element
    none_and_every_hold_where_there_is_no_element
    two_some_may_be_two_elements
    quantifiers_nest_in_and_or_not
    lists_in_lists
    a_list_in_a_list_may_be_asked_at_once
    every_kind_of_condition_on_elements
    elements_are_no_documents
    elements_go_with_their_document
    elements_come_with_a_hit
    elements_of_lists_in_lists_come_with_a_hit
    elements_come_in_many_segments
    what_lies_elsewhere_is_refused
}

fn mapping() -> Json {
    json!({
        "k": { "type": "keyword" },
        "items": { "type": "nested", "properties": {
            "sku": { "type": "keyword" },
            "qty": { "type": "integer" },
            "note": { "type": "text" },
            "tags": { "type": "keyword" },
            "dims": { "properties": { "w": { "type": "double" } } },
            "at": { "type": "geo_point" },
            "parcels": { "type": "nested", "properties": {
                "carrier": { "type": "keyword" },
                "weight": { "type": "double" }
            } }
        } }
    })
}

async fn orders(ground: &Ground) -> Shelf<'_> {
    let shelf = ground.shelf(mapping()).await;
    shelf
        .fill([
            ("two", json!({ "k": "x", "items": [{ "sku": "a", "qty": 1 }, { "sku": "b", "qty": 5 }] })),
            ("one", json!({ "k": "y", "items": { "sku": "a", "qty": 5 } })),
            ("empty", json!({ "k": "x", "items": [] })),
            ("absent", json!({ "k": "y" })),
            ("null", json!({ "items": null })),
            ("bare", json!({ "items": [{}] })),
            ("half", json!({ "items": [{ "sku": "a" }, null, { "qty": 1 }] })),
        ])
        .await;
    shelf
}

fn nested(shelf: &Shelf<'_>, path: &str, quantifier: Quantifier, filter: Filter) -> Filter {
    Filter::Nested { field: shelf.field(path), quantifier, filter: Box::new(filter) }
}

fn some(shelf: &Shelf<'_>, filter: Filter) -> Filter {
    nested(shelf, "items", Quantifier::Some, filter)
}

async fn some_is_one_and_the_same_element(ground: &Ground) {
    let shelf = orders(ground).await;
    let (a, five) = (shelf.eq("items.sku", "a"), shelf.eq("items.qty", 5));
    assert_eq!(shelf.found(some(&shelf, a.clone())).await, "two one half");
    assert_eq!(shelf.found(some(&shelf, Filter::And(vec![a.clone(), five.clone()]))).await, "one");
    assert_eq!(shelf.found(some(&shelf, Filter::Or(vec![a.clone(), five]))).await, "two one half");
    assert_eq!(shelf.found(some(&shelf, Filter::not(a))).await, "two bare half");
    assert_eq!(shelf.found(some(&shelf, Filter::All)).await, "two one bare half");
    assert_eq!(shelf.found(some(&shelf, Filter::Nothing)).await, "");
    assert_eq!(shelf.found(Filter::Exists(shelf.field("items"))).await, "two one bare half");
}

async fn none_and_every_hold_where_there_is_no_element(ground: &Ground) {
    let shelf = orders(ground).await;
    let a = shelf.eq("items.sku", "a");
    let none = |filter| nested(&shelf, "items", Quantifier::None, filter);
    let every = |filter| nested(&shelf, "items", Quantifier::Every, filter);
    assert_eq!(shelf.found(none(a.clone())).await, "empty absent null bare");
    assert_eq!(shelf.found(none(Filter::All)).await, "empty absent null");
    assert_eq!(shelf.found(none(Filter::Nothing)).await, "two one empty absent null bare half");
    assert_eq!(shelf.found(every(a.clone())).await, "one empty absent null");
    assert_eq!(shelf.found(every(Filter::not(a.clone()))).await, "empty absent null bare");
    assert_eq!(shelf.found(every(Filter::All)).await, "two one empty absent null bare half");
    assert_eq!(shelf.found(every(Filter::Nothing)).await, "empty absent null");
    assert_eq!(shelf.found(Filter::And(vec![every(a), some(&shelf, Filter::All)])).await, "one");
    let has_sku = Filter::Exists(shelf.field("items.sku"));
    assert_eq!(shelf.found(every(has_sku)).await, "two one empty absent null");
}

async fn two_some_may_be_two_elements(ground: &Ground) {
    let shelf = orders(ground).await;
    let (a, five) = (some(&shelf, shelf.eq("items.sku", "a")), some(&shelf, shelf.eq("items.qty", 5)));
    assert_eq!(shelf.found(Filter::And(vec![a.clone(), five.clone()])).await, "two one");
    assert_eq!(shelf.found(Filter::And(vec![a.clone(), Filter::not(five.clone())])).await, "half");
    assert_eq!(shelf.found(Filter::Or(vec![Filter::not(a), five])).await, "two one empty absent null bare");
}

async fn quantifiers_nest_in_and_or_not(ground: &Ground) {
    let shelf = orders(ground).await;
    let none_a = nested(&shelf, "items", Quantifier::None, shelf.eq("items.sku", "a"));
    assert_eq!(shelf.found(Filter::Or(vec![none_a.clone(), shelf.eq("k", "x")])).await, "two empty absent null bare");
    assert_eq!(shelf.found(Filter::And(vec![none_a.clone(), shelf.eq("k", "y")])).await, "absent");
    assert_eq!(shelf.found(Filter::not(none_a.clone())).await, "two one half");
    assert_eq!(shelf.found(Filter::not(Filter::And(vec![none_a, shelf.eq("k", "y")]))).await, "two one empty null bare half");
    let query = Query {
        rule: some(&shelf, shelf.eq("items.qty", 5)),
        filter: shelf.eq("k", "x"),
        ticks: vec![(shelf.field("items.sku"), some(&shelf, shelf.eq("items.sku", "b")))],
        ..shelf.query()
    };
    assert_eq!(ids(&shelf.page(query).await), "two");
}

async fn parcels(ground: &Ground) -> Shelf<'_> {
    let shelf = ground.shelf(mapping()).await;
    let parcel = |carrier: &str, weight: f64| json!({ "carrier": carrier, "weight": weight });
    shelf
        .fill([
            (
                "1",
                json!({ "items": [
                    { "sku": "a", "parcels": [parcel("dhl", 1.0), parcel("ups", 2.0)] },
                    { "sku": "b", "parcels": [parcel("dhl", 9.0)] }
                ] }),
            ),
            ("2", json!({ "items": [{ "sku": "a" }, { "sku": "b", "parcels": [parcel("ups", 1.0)] }] })),
            ("3", json!({ "items": { "sku": "a", "parcels": parcel("dhl", 9.0) } })),
            ("4", json!({})),
        ])
        .await;
    shelf
}

async fn lists_in_lists(ground: &Ground) {
    let shelf = parcels(ground).await;
    let dhl = || shelf.eq("items.parcels.carrier", "dhl");
    let of = |quantifier, filter| nested(&shelf, "items.parcels", quantifier, filter);
    let a_with = |inner| some(&shelf, Filter::And(vec![shelf.eq("items.sku", "a"), inner]));
    assert_eq!(shelf.found(a_with(of(Quantifier::Some, dhl()))).await, "1 3");
    assert_eq!(shelf.found(a_with(of(Quantifier::None, dhl()))).await, "2");
    assert_eq!(shelf.found(a_with(of(Quantifier::Every, dhl()))).await, "2 3");
    let heavy =
        Filter::Range(shelf.field("items.parcels.weight"), Range { lower: Some((Value::Double(5.0), true)), upper: None });
    assert_eq!(shelf.found(a_with(of(Quantifier::Some, Filter::And(vec![dhl(), heavy.clone()])))).await, "3");
    let every_item = |inner| nested(&shelf, "items", Quantifier::Every, inner);
    assert_eq!(shelf.found(every_item(of(Quantifier::Some, dhl()))).await, "1 3 4");
    assert_eq!(shelf.found(every_item(of(Quantifier::None, heavy))).await, "2 4");
    let none_without = nested(&shelf, "items", Quantifier::None, of(Quantifier::None, Filter::All));
    assert_eq!(shelf.found(none_without).await, "1 3 4", "no item without a parcel");
    assert_eq!(shelf.found(a_with(Filter::Exists(shelf.field("items.parcels")))).await, "1 3");
}

async fn a_list_in_a_list_may_be_asked_at_once(ground: &Ground) {
    let shelf = parcels(ground).await;
    let of = |quantifier, filter| nested(&shelf, "items.parcels", quantifier, filter);
    let ups = || shelf.eq("items.parcels.carrier", "ups");
    assert_eq!(shelf.found(of(Quantifier::Some, ups())).await, "1 2");
    assert_eq!(shelf.found(of(Quantifier::None, ups())).await, "3 4");
    assert_eq!(shelf.found(of(Quantifier::Every, ups())).await, "2 4");
    assert_eq!(shelf.found(Filter::Exists(shelf.field("items.parcels"))).await, "1 2 3");
}

async fn every_kind_of_condition_on_elements(ground: &Ground) {
    let shelf = ground.shelf(mapping()).await;
    shelf
        .fill([
            (
                "1",
                json!({ "items": [
                    { "sku": "net-a", "qty": 3, "note": "the quick fox", "tags": ["x", "y"], "dims": { "w": 1.5 }, "at": "10,20" },
                    { "sku": "web", "qty": 30, "note": "fox quick", "tags": [], "at": ["1,1", "2,2"] }
                ] }),
            ),
            ("3", json!({ "items": [{ "sku": "NET", "dims.w": 1.5, "note": ["quick", "fox"] }] })),
        ])
        .await;
    let range = |lower: i64, upper: i64| {
        let range = Range { lower: Some((Value::Long(lower), true)), upper: Some((Value::Long(upper), true)) };
        Filter::Range(shelf.field("items.qty"), range)
    };
    let words = |words| Filter::Words(shelf.field("items.note"), words);
    let pattern = |pattern: Result<Pattern, _>| Filter::Pattern(shelf.field("items.sku"), pattern.ok().unwrap());
    let near = |lat, lon| Filter::Near { field: shelf.field("items.at"), center: GeoPoint { lat, lon }, metres: 1_000.0 };
    for (filter, wanted) in [
        (range(2, 4), "1"),
        (range(4, 29), ""),
        (shelf.one_of("items.sku", ["web", "NET"]), "1 3"),
        (pattern(Pattern::prefix("net", true)), "1 3"),
        (pattern(Pattern::wildcard("n*-?", false)), "1"),
        (words(TextFilter::Phrase("quick fox".into())), "1"),
        (words(TextFilter::Any("fox".into())), "1 3"),
        (words(TextFilter::PhrasePrefix("fox qu".into())), "1"),
        (shelf.eq("items.dims.w", 1.5), "1 3"),
        (Filter::Exists(shelf.field("items.dims")), "1 3"),
        (Filter::Exists(shelf.field("items.at")), "1"),
        (near(10.0, 20.0), "1"),
        (Filter::And(vec![near(2.0, 2.0), near(1.0, 1.0), shelf.eq("items.sku", "web")]), "1"),
        (Filter::And(vec![near(2.0, 2.0), near(10.0, 20.0)]), ""),
        (Filter::And(vec![shelf.eq("items.tags", "x"), shelf.eq("items.tags", "y")]), "1"),
        (Filter::And(vec![shelf.eq("items.tags", "x"), shelf.eq("items.sku", "web")]), ""),
    ] {
        assert_eq!(shelf.found(some(&shelf, filter.clone())).await, wanted, "{filter:?}");
    }
}

async fn elements_are_no_documents(ground: &Ground) {
    let shelf = orders(ground).await;
    let page = shelf.page(shelf.query()).await;
    assert_eq!(ids(&page), "two one empty absent null bare half");
    assert_eq!(page.total.map(|total| total.value), Some(7));
    assert_eq!(shelf.found(Filter::not(shelf.eq("k", "x"))).await, "one absent null bare half");
    assert_eq!(shelf.found(Filter::Ids(vec![id("two")])).await, "two");
    assert_eq!(shelf.found(Filter::not(Filter::Ids(vec![id("two")]))).await, "one empty absent null bare half");
    let order = Order::Field { field: shelf.field("k"), direction: Direction::Asc, missing: Missing::First };
    let page = PageRequest { size: 4, ..PageRequest::default() };
    let page = shelf.page(Query { order: vec![order], page, ..shelf.query() }).await;
    assert_eq!(ids(&page), "null bare half two");
    assert!(page.has_next);
}

async fn elements_go_with_their_document(ground: &Ground) {
    let shelf = orders(ground).await;
    let a = || some(&shelf, shelf.eq("items.sku", "a"));
    shelf.fill([("one", json!({ "items": [{ "sku": "c" }] }))]).await;
    assert_eq!(shelf.found(a()).await, "two half");
    assert_eq!(shelf.found(some(&shelf, shelf.eq("items.sku", "c"))).await, "one");
    let patch = Action::Update {
        id: id("two"),
        patch: object(json!({ "items": [{ "sku": "d" }, { "sku": "c" }] })),
        precondition: Precondition::None,
    };
    let delete = Action::Delete { id: id("half"), precondition: Precondition::None };
    for outcome in shelf.send(vec![shelf.write(patch), shelf.write(delete)]).await {
        outcome.unwrap();
    }
    assert_eq!(shelf.found(a()).await, "");
    assert_eq!(shelf.found(some(&shelf, shelf.eq("items.sku", "c"))).await, "one two");
    assert_eq!(shelf.page(shelf.query()).await.total.map(|total| total.value), Some(6));
}

fn inner(shelf: &Shelf<'_>, path: &str, filter: Filter, size: u32) -> InnerHits {
    InnerHits { field: shelf.field(path), filter, size }
}

async fn elements_come_with_a_hit(ground: &Ground) {
    let shelf = orders(ground).await;
    let mut query = Query { filter: shelf.eq("k", "x"), ..shelf.query() };
    query.fetch.inner_hits = vec![
        inner(&shelf, "items", Filter::All, 1),
        inner(&shelf, "items", shelf.eq("items.qty", 5), 100),
        inner(&shelf, "items", Filter::Nothing, 3),
    ];
    let page = shelf.page(query.clone()).await;
    assert_eq!(ids(&page), "two empty", "they choose no hits");
    let some = |total, first: &[Json]| Elements { total, first: first.to_vec() };
    let (a, b) = (json!({ "sku": "a", "qty": 1 }), json!({ "sku": "b", "qty": 5 }));
    assert_eq!(page.hits[0].inner_hits, [some(2, &[a]), some(1, &[b]), some(0, &[])]);
    assert_eq!(page.hits[1].inner_hits, [some(0, &[]), some(0, &[]), some(0, &[])]);

    // the source holds what is asked of it, and no more
    query.fetch.fields = Some(vec!["k".into()]);
    let page = shelf.page(query.clone()).await;
    assert_eq!(Json::Object(page.hits[0].document.source.clone()), json!({ "k": "x" }));
    assert_eq!(page.hits[0].inner_hits[1].total, 1);
    query.fetch.fields = Some(Vec::new());
    assert_eq!(shelf.page(query.clone()).await.hits[0].inner_hits[1].first.len(), 1);

    // beside words and marks
    query.fetch.highlights = vec![HighlightRequest { field: shelf.field("k"), fragment_size: 100, fragments: 5 }];
    assert_eq!(shelf.page(query.clone()).await.hits[0].inner_hits[0].total, 2);

    query.fetch.inner_hits = vec![inner(&shelf, "items", Filter::All, 101)];
    assert!(matches!(shelf.fault(query).await, Error::Limit(_)));
}

async fn elements_of_lists_in_lists_come_with_a_hit(ground: &Ground) {
    let shelf = parcels(ground).await;
    let mut query = shelf.query();
    let with_ups = nested(&shelf, "items.parcels", Quantifier::Some, shelf.eq("items.parcels.carrier", "ups"));
    query.fetch.inner_hits = vec![
        inner(&shelf, "items.parcels", Filter::All, 100),
        inner(&shelf, "items.parcels", shelf.eq("items.parcels.carrier", "dhl"), 100),
        inner(&shelf, "items", with_ups, 100),
    ];
    let page = shelf.page(query).await;
    let weights = |at: usize, list: usize| -> Vec<f64> {
        page.hits[at].inner_hits[list].first.iter().map(|parcel| parcel["weight"].as_f64().unwrap()).collect()
    };
    assert_eq!((weights(0, 0), weights(0, 1)), (vec![1.0, 2.0, 9.0], vec![1.0, 9.0]));
    assert_eq!((weights(1, 0), weights(1, 1)), (vec![1.0], vec![]));
    assert_eq!((weights(2, 0), weights(3, 0)), (vec![9.0], vec![]));
    let skus: Vec<_> =
        page.hits.iter().map(|hit| hit.inner_hits[2].first.iter().map(|item| item["sku"].clone()).collect::<Vec<_>>()).collect();
    assert_eq!(skus, [vec![json!("a")], vec![json!("b")], vec![], vec![]]);
}

async fn elements_come_in_many_segments(ground: &Ground) {
    let shelf = ground.shelf(mapping()).await;
    for round in 0..4 {
        let names: Vec<String> = (0..10).map(|at| format!("{round}-{at}")).collect();
        let documents = (0..10).map(|at: i32| {
            let items: Vec<Json> = (0..at % 4).map(|item| json!({ "sku": format!("s{item}"), "qty": at })).collect();
            json!({ "k": format!("r{round}"), "items": items })
        });
        shelf.fill(names.iter().map(String::as_str).zip(documents)).await;
    }
    // written again, in other segments
    shelf.fill([("0-3", json!({ "items": [{ "sku": "s9" }, { "sku": "s2" }] })), ("2-7", json!({}))]).await;
    let third = some(&shelf, shelf.eq("items.sku", "s2"));
    let mut query = Query { filter: third, ..shelf.query() };
    query.fetch.inner_hits = vec![inner(&shelf, "items", shelf.eq("items.sku", "s2"), 5)];
    let page = shelf.page(query).await;
    assert_eq!(ids(&page), "0-7 1-3 1-7 2-3 3-3 3-7 0-3");
    for hit in &page.hits {
        assert_eq!(hit.inner_hits[0].total, 1);
        assert_eq!(hit.inner_hits[0].first[0]["sku"], "s2");
    }
    assert_eq!(shelf.page(shelf.query()).await.total.map(|total| total.value), Some(40));
}

async fn what_lies_elsewhere_is_refused(ground: &Ground) {
    let shelf = orders(ground).await;
    for filter in [
        shelf.eq("items.sku", "a"),
        some(&shelf, shelf.eq("k", "x")),
        some(&shelf, shelf.eq("items.parcels.carrier", "x")),
        some(&shelf, some(&shelf, Filter::All)),
        some(&shelf, Filter::Ids(vec![id("one")])),
        nested(&shelf, "k", Quantifier::Some, Filter::All),
    ] {
        let fault = shelf.fault(Query { filter: filter.clone(), ..shelf.query() }).await;
        assert!(matches!(fault, Error::Invalid { .. }), "{fault:?} of {filter:?}");
    }
}
