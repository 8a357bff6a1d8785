//! Filters on keywords and booleans, and how filters are put together.

use hooke::search::{Filter, Query};
use serde_json::json;

use crate::ground::{Ground, Shelf, id};

conformance! {
    equality_on_a_keyword_is_of_the_whole_value
    not_includes_documents_without_the_field
    in_nothing_finds_nothing
    an_empty_or_finds_nothing
    and_or_not_nest
    a_list_field_asks_for_any_element
    exists_means_an_indexed_value
    an_object_exists_where_its_nested_elements_do
    values_cut_by_ignore_above_are_not_indexed
    a_normalizer_is_for_values_and_queries
    null_value_stands_for_null
    booleans
    ids
    objects_are_flat
    a_keyword_beside_a_text
    keywords_hold_what_is_no_text
    rule_filter_and_ticks_all_narrow
    many_values
    ranges_of_one_field_hold_for_one_value
    dotted_keys_are_paths
    empty_texts
    ranges_of_keywords_go_by_bytes
}

async fn equality_on_a_keyword_is_of_the_whole_value(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" } })).await;
    shelf
        .fill([("1", json!({ "k": "net" })), ("2", json!({ "k": "Net" })), ("3", json!({ "k": "net core" })), ("4", json!({}))])
        .await;
    assert_eq!(shelf.found(shelf.eq("k", "net")).await, "1");
    assert_eq!(shelf.found(shelf.one_of("k", ["net", "net core", "x"])).await, "1 3");
    assert_eq!(shelf.found(shelf.eq("k", "n")).await, "");
    assert_eq!(shelf.found(shelf.eq("k", "net*")).await, "");
}

async fn not_includes_documents_without_the_field(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" } })).await;
    shelf
        .fill([
            ("1", json!({ "k": "a" })),
            ("2", json!({ "k": "b" })),
            ("3", json!({})),
            ("4", json!({ "k": null })),
            ("5", json!({ "k": ["a", "b"] })),
        ])
        .await;
    assert_eq!(shelf.found(Filter::not(shelf.eq("k", "a"))).await, "2 3 4");
    assert_eq!(shelf.found(Filter::not(shelf.one_of("k", ["a", "b"]))).await, "3 4");
    assert_eq!(shelf.found(Filter::Not(Box::new(Filter::Not(Box::new(shelf.eq("k", "a")))))).await, "1 5");
}

async fn in_nothing_finds_nothing(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" }, "ip": { "type": "ip" } })).await;
    shelf.fill([("1", json!({ "k": "a", "ip": "::1" })), ("2", json!({}))]).await;
    assert_eq!(shelf.found(Filter::OneOf(shelf.field("k"), vec![])).await, "");
    assert_eq!(shelf.found(Filter::not(Filter::OneOf(shelf.field("k"), vec![]))).await, "1 2");
    assert_eq!(shelf.found(Filter::Ids(vec![])).await, "");
    assert_eq!(shelf.found(Filter::Networks(shelf.field("ip"), vec![])).await, "");
}

async fn an_empty_or_finds_nothing(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" } })).await;
    shelf.fill([("1", json!({ "k": "a" }))]).await;
    assert_eq!(shelf.found(Filter::Or(vec![])).await, "");
    assert_eq!(shelf.found(Filter::And(vec![shelf.eq("k", "a"), Filter::Or(vec![])])).await, "");
    assert_eq!(shelf.found(Filter::And(vec![])).await, "1");
    assert_eq!(shelf.found(Filter::Not(Box::new(Filter::Or(vec![])))).await, "1");
    assert_eq!(shelf.found(Filter::Not(Box::new(Filter::And(vec![])))).await, "");
    assert_eq!(shelf.found(Filter::Nothing).await, "");
    assert_eq!(shelf.found(Filter::All).await, "1");
}

async fn and_or_not_nest(ground: &Ground) {
    let shelf = ground.shelf(json!({ "a": { "type": "keyword" }, "b": { "type": "integer" } })).await;
    shelf
        .fill([
            ("1", json!({ "a": "x", "b": 1 })),
            ("2", json!({ "a": "x", "b": 2 })),
            ("3", json!({ "a": "y", "b": 1 })),
            ("4", json!({ "b": 3 })),
        ])
        .await;
    let (x, y, one) = (shelf.eq("a", "x"), shelf.eq("a", "y"), shelf.eq("b", 1));
    assert_eq!(shelf.found(Filter::And(vec![x.clone(), one.clone()])).await, "1");
    assert_eq!(shelf.found(Filter::Or(vec![x.clone(), one.clone()])).await, "1 2 3");
    assert_eq!(shelf.found(Filter::And(vec![Filter::Or(vec![x.clone(), y]), Filter::Not(Box::new(one.clone()))])).await, "2");
    assert_eq!(shelf.found(Filter::Not(Box::new(Filter::Or(vec![x.clone(), one.clone()])))).await, "4");
    assert_eq!(shelf.found(Filter::Or(vec![Filter::Not(Box::new(x.clone())), Filter::Not(Box::new(one))])).await, "2 3 4");
    // alone, below another not, deep
    let mut deep = x;
    for _ in 0..4 {
        deep = Filter::Not(Box::new(Filter::And(vec![deep, Filter::All])));
    }
    assert_eq!(shelf.found(deep).await, "1 2");
}

async fn a_list_field_asks_for_any_element(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" }, "n": { "type": "long" } })).await;
    shelf
        .fill([
            ("1", json!({ "k": ["a", "b"], "n": [1, 9] })),
            ("2", json!({ "k": ["c"], "n": [5] })),
            ("3", json!({ "k": [], "n": [] })),
            ("4", json!({ "k": [["a"], "d"] })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.eq("k", "a")).await, "1 4");
    assert_eq!(shelf.found(shelf.one_of("k", ["b", "c"])).await, "1 2");
    assert_eq!(shelf.found(Filter::And(vec![shelf.eq("k", "a"), shelf.eq("k", "b")])).await, "1");
    assert_eq!(shelf.found(shelf.eq("n", 9)).await, "1");
}

async fn exists_means_an_indexed_value(ground: &Ground) {
    let shelf = ground
        .shelf(json!({
            "k": { "type": "keyword" }, "t": { "type": "text" }, "n": { "type": "long" }, "b": { "type": "boolean" }, "d": { "type": "date" },
            "ip": { "type": "ip" }, "o": { "properties": { "a": { "type": "keyword" }, "b": { "type": "long" } } }
        }))
        .await;
    shelf
        .fill([
            ("full", json!({ "k": "x", "t": "x", "n": 1, "b": false, "d": 0, "ip": "::", "o": { "b": 0 } })),
            ("null", json!({ "k": null, "t": null, "n": null, "b": null, "d": null, "ip": null, "o": null })),
            ("none", json!({})),
            ("empty", json!({ "k": [], "t": [], "n": [], "b": [], "d": [], "ip": [], "o": {} })),
            ("nulls", json!({ "k": [null], "t": [null], "n": [null], "o": { "a": null } })),
            ("blank", json!({ "k": "", "t": "", "n": "" })),
            ("signs", json!({ "k": "!", "t": "!!!" })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.exists("k")).await, "full blank signs");
    assert_eq!(shelf.found(shelf.exists("t")).await, "full blank signs");
    assert_eq!(shelf.found(shelf.exists("n")).await, "full");
    for path in ["b", "d", "ip", "o", "o.b"] {
        assert_eq!(shelf.found(shelf.exists(path)).await, "full", "{path}");
    }
    assert_eq!(shelf.found(shelf.exists("o.a")).await, "");
    assert_eq!(shelf.found(Filter::not(shelf.exists("n"))).await, "null none empty nulls blank signs");
}

async fn an_object_exists_where_its_nested_elements_do(ground: &Ground) {
    let shelf = ground
        .shelf(json!({ "o": { "properties": { "n": { "type": "nested", "properties": { "a": { "type": "keyword" } } } } } }))
        .await;
    shelf
        .fill([
            ("one", json!({ "o": { "n": { "a": "x" } } })),
            ("list", json!({ "o": { "n": [{ "a": "x" }, { "a": "y" }] } })),
            ("none", json!({ "o": {} })),
            ("empty", json!({ "o": { "n": [] } })),
        ])
        .await;
    for path in ["o", "o.n"] {
        assert_eq!(shelf.found(shelf.exists(path)).await, "one list", "{path}");
    }
}

async fn values_cut_by_ignore_above_are_not_indexed(ground: &Ground) {
    let shelf = ground
        .shelf(json!({
            "k": { "type": "keyword", "ignore_above": 4 },
            "t": { "type": "text", "fields": { "keyword": { "type": "keyword", "ignore_above": 4 } } }
        }))
        .await;
    shelf
        .fill([
            ("four", json!({ "k": "abcd", "t": "abcd" })),
            ("five", json!({ "k": "abcde", "t": "abcde" })),
            ("wide", json!({ "k": "😀😀", "t": "ab" })),
            ("wider", json!({ "k": "😀😀😀", "t": "x" })),
            ("both", json!({ "k": ["abcde", "ab"] })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.exists("k")).await, "four wide both");
    assert_eq!(shelf.found(shelf.eq("k", "abcde")).await, "");
    assert_eq!(shelf.found(shelf.eq("k", "ab")).await, "both");
    assert_eq!(shelf.found(shelf.prefix("k", "abc", false)).await, "four");
    assert_eq!(shelf.found(shelf.eq("t", "abcde")).await, "");
    assert_eq!(shelf.found(shelf.any_word("t", "abcde")).await, "five");
    assert_eq!(shelf.found(shelf.exists("t")).await, "four five wide wider");
    assert_eq!(shelf.ordered(vec![shelf.asc("k")]).await, "both four wide five wider");
    assert_eq!(shelf.by_id().await["five"], json!({ "k": "abcde", "t": "abcde" }));
}

async fn a_normalizer_is_for_values_and_queries(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword", "normalizer": "lowercase" } })).await;
    shelf.fill([("1", json!({ "k": "NeT" })), ("2", json!({ "k": "ÉTÉ" })), ("3", json!({ "k": "App" }))]).await;
    assert_eq!(shelf.found(shelf.eq("k", "nET")).await, "1");
    assert_eq!(shelf.found(shelf.one_of("k", ["été", "APP"])).await, "2 3");
    assert_eq!(shelf.found(shelf.prefix("k", "É", false)).await, "2");
    assert_eq!(shelf.found(shelf.wildcard("k", "N*T", false)).await, "1");
    assert_eq!(shelf.ordered(vec![shelf.asc("k")]).await, "3 1 2");
    assert_eq!(shelf.by_id().await["1"], json!({ "k": "NeT" }));
}

async fn null_value_stands_for_null(ground: &Ground) {
    let shelf = ground
        .shelf(json!({ "k": { "type": "keyword", "null_value": "NONE" }, "n": { "type": "integer", "null_value": -1 }, "d": { "type": "date", "null_value": "1970-01-02" } }))
        .await;
    shelf
        .fill([
            ("null", json!({ "k": null, "n": null, "d": null })),
            ("list", json!({ "k": ["a", null], "n": [3, null] })),
            ("empty", json!({ "k": [], "n": [] })),
            ("none", json!({})),
        ])
        .await;
    assert_eq!(shelf.found(shelf.eq("k", "NONE")).await, "null list");
    assert_eq!(shelf.found(shelf.eq("n", -1)).await, "null list");
    assert_eq!(shelf.found(shelf.exists("k")).await, "null list");
    assert_eq!(shelf.found(shelf.eq("d", "1970-01-02T00:00:00.000Z")).await, "null");
    assert_eq!(shelf.by_id().await["null"], json!({ "k": null, "n": null, "d": null }));
}

async fn booleans(ground: &Ground) {
    let shelf = ground.shelf(json!({ "b": { "type": "boolean" } })).await;
    shelf
        .fill([
            ("t", json!({ "b": true })),
            ("ts", json!({ "b": "true" })),
            ("f", json!({ "b": false })),
            ("fe", json!({ "b": "" })),
            ("both", json!({ "b": [true, false] })),
            ("none", json!({})),
        ])
        .await;
    assert_eq!(shelf.found(shelf.eq("b", true)).await, "t ts both");
    assert_eq!(shelf.found(shelf.eq("b", false)).await, "f fe both");
    assert_eq!(shelf.found(Filter::not(shelf.eq("b", true))).await, "f fe none");
    assert_eq!(shelf.ordered(vec![shelf.asc("b")]).await, "f fe both t ts none");
    assert_eq!(shelf.ordered(vec![shelf.desc("b")]).await.split(' ').next_back(), Some("none"));
}

async fn ids(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" } })).await;
    shelf.fill([("a", json!({})), ("b", json!({})), ("c", json!({}))]).await;
    assert_eq!(shelf.found(Filter::Ids(vec![id("c"), id("a"), id("zzz")])).await, "a c");
    assert_eq!(shelf.found(Filter::not(Filter::Ids(vec![id("c")]))).await, "a b");
}

async fn objects_are_flat(ground: &Ground) {
    let shelf = ground.shelf(json!({ "o": { "properties": { "a": { "type": "keyword" }, "b": { "type": "long" } } } })).await;
    shelf
        .fill([("1", json!({ "o": [{ "a": "x", "b": 1 }, { "a": "y", "b": 2 }] })), ("2", json!({ "o": { "a": "x", "b": 2 } }))])
        .await;
    assert_eq!(shelf.found(Filter::And(vec![shelf.eq("o.a", "x"), shelf.eq("o.b", 2)])).await, "1 2");
    assert_eq!(shelf.found(Filter::And(vec![shelf.eq("o.a", "y"), shelf.eq("o.b", 1)])).await, "1");
}

async fn a_keyword_beside_a_text(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text", "fields": { "raw": { "type": "keyword" } } } })).await;
    shelf
        .fill([("1", json!({ "t": "Quick Fox" })), ("2", json!({ "t": "quick" })), ("3", json!({ "t": ["Quick Fox", "slow"] }))])
        .await;
    assert_eq!(shelf.found(shelf.eq("t", "Quick Fox")).await, "1 3");
    assert_eq!(shelf.found(shelf.eq("t", "Quick")).await, "");
    assert_eq!(shelf.found(shelf.prefix("t", "Qu", false)).await, "1 3");
    assert_eq!(shelf.found(shelf.any_word("t", "QUICK")).await, "1 2 3");
    assert_eq!(shelf.ordered(vec![shelf.desc("t")]).await, "3 2 1");
}

async fn keywords_hold_what_is_no_text(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" }, "t": { "type": "text" } })).await;
    shelf.fill([("1", json!({ "k": 12, "t": 12 })), ("2", json!({ "k": true, "t": false })), ("3", json!({ "k": 1.5 }))]).await;
    assert_eq!(shelf.found(shelf.eq("k", "12")).await, "1");
    assert_eq!(shelf.found(shelf.eq("k", "true")).await, "2");
    assert_eq!(shelf.found(shelf.eq("k", "1.5")).await, "3");
    assert_eq!(shelf.found(shelf.any_word("t", "12 false")).await, "1 2");
    assert_eq!(shelf.by_id().await["1"], json!({ "k": 12, "t": 12 }));
}

async fn rule_filter_and_ticks_all_narrow(ground: &Ground) {
    let shelf = ground.shelf(json!({ "a": { "type": "keyword" }, "b": { "type": "keyword" }, "c": { "type": "integer" } })).await;
    shelf
        .fill([
            ("1", json!({ "a": "x", "b": "p", "c": 1 })),
            ("2", json!({ "a": "x", "b": "q", "c": 1 })),
            ("3", json!({ "a": "y", "b": "p", "c": 1 })),
            ("4", json!({ "a": "x", "b": "p", "c": 2 })),
        ])
        .await;
    let query = Query {
        rule: shelf.eq("a", "x"),
        filter: shelf.eq("c", 1),
        ticks: vec![(shelf.field("b"), shelf.one_of("b", ["p"]))],
        ..shelf.query()
    };
    let page = shelf.page(query).await;
    assert_eq!((crate::ground::ids(&page).as_str(), page.total.unwrap().value), ("1", 1));
}

async fn many_values(ground: &Ground) {
    let shelf: Shelf<'_> = ground.shelf(json!({ "k": { "type": "keyword" }, "n": { "type": "long" } })).await;
    shelf.fill([("1", json!({ "k": "v9999", "n": 9_999 })), ("2", json!({ "k": "v10000", "n": 10_000 }))]).await;
    assert_eq!(shelf.found(shelf.one_of("k", (0..10_000).map(|n| format!("v{n}")))).await, "1");
    assert_eq!(shelf.found(shelf.one_of("n", 0..10_000)).await, "1");
}

async fn ranges_of_one_field_hold_for_one_value(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "long" }, "d": { "type": "date" }, "x": { "type": "double" } })).await;
    shelf
        .fill([
            ("wide", json!({ "n": [1, 9], "x": [1, 9], "d": ["2024-01-01", "2024-01-09"] })),
            ("in", json!({ "n": [5], "x": 5, "d": "2024-01-05" })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.between("n", 2, 8)).await, "in");
    assert_eq!(shelf.found(shelf.between("x", 2.0, 8.0)).await, "in");
    assert_eq!(shelf.found(shelf.between("d", "2024-01-02", "2024-01-08")).await, "in");
    assert_eq!(shelf.found(Filter::And(vec![shelf.gte("n", 2), shelf.lte("n", 8)])).await, "wide in");
}

async fn dotted_keys_are_paths(ground: &Ground) {
    let shelf = ground
        .shelf(
            json!({ "o": { "properties": { "a": { "type": "keyword" }, "p": { "properties": { "b": { "type": "long" } } } } } }),
        )
        .await;
    shelf.fill([("1", json!({ "o.a": "x", "o": { "p.b": 7 } })), ("2", json!({ "o": { "a": "x" }, "o.p": { "b": 7 } }))]).await;
    assert_eq!(shelf.found(shelf.eq("o.a", "x")).await, "1 2");
    assert_eq!(shelf.found(shelf.eq("o.p.b", 7)).await, "1 2");
    assert_eq!(shelf.by_id().await["1"], json!({ "o.a": "x", "o": { "p.b": 7 } }));
}

async fn empty_texts(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" } })).await;
    shelf.fill([("1", json!({ "k": "" })), ("2", json!({ "k": " " })), ("3", json!({}))]).await;
    assert_eq!(shelf.found(shelf.eq("k", "")).await, "1");
    assert_eq!(shelf.found(shelf.eq("k", " ")).await, "2");
    assert_eq!(shelf.found(shelf.prefix("k", "", false)).await, "1 2");
    assert_eq!(shelf.found(shelf.wildcard("k", "", false)).await, "1");
}

async fn ranges_of_keywords_go_by_bytes(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" } })).await;
    shelf
        .fill([
            ("a", json!({ "k": "a" })),
            ("B", json!({ "k": "B" })),
            ("e", json!({ "k": "é" })),
            ("z", json!({ "k": "z" })),
            ("emoji", json!({ "k": "😀" })),
            ("high", json!({ "k": "\u{ffee}" })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.gte("k", "a")).await, "a e z emoji high");
    assert_eq!(shelf.found(shelf.lt("k", "a")).await, "B");
    assert_eq!(shelf.ordered(vec![shelf.asc("k")]).await, "B a z e high emoji");
}
