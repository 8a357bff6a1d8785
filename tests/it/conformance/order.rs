//! Orders: keys, directions, missing values, lists, ties.

use hooke::search::{Direction, Fuzziness, Missing, Operator, Order, Query};
use serde_json::json;

use crate::ground::{Ground, ids};

conformance! {
    without_an_order_documents_come_as_written
    directions
    missing_values_come_last_unless_asked_first
    lists_sort_by_their_least_or_greatest
    several_keys
    ties_are_broken_by_the_last_write
    floats_sort_by_value
    score_among_keys
    by_score_where_there_is_a_search
    scores_only_where_wanted
    a_field_of_an_object
}

async fn without_an_order_documents_come_as_written(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" } })).await;
    shelf.fill([("b", json!({})), ("a", json!({})), ("c", json!({}))]).await;
    assert_eq!(shelf.ordered(vec![]).await, "b a c");
    // a document written again is the last
    shelf.fill([("b", json!({ "k": "x" }))]).await;
    assert_eq!(shelf.ordered(vec![]).await, "a c b");
}

async fn directions(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" }, "n": { "type": "integer" } })).await;
    shelf
        .fill([("1", json!({ "k": "b", "n": 10 })), ("2", json!({ "k": "a", "n": 9 })), ("3", json!({ "k": "C", "n": -1 }))])
        .await;
    assert_eq!(shelf.ordered(vec![shelf.asc("k")]).await, "3 2 1");
    assert_eq!(shelf.ordered(vec![shelf.desc("k")]).await, "1 2 3");
    assert_eq!(shelf.ordered(vec![shelf.asc("n")]).await, "3 2 1");
    assert_eq!(shelf.ordered(vec![shelf.desc("n")]).await, "1 2 3");
}

async fn missing_values_come_last_unless_asked_first(ground: &Ground) {
    let kinds = json!({
        "k": { "type": "keyword" }, "i": { "type": "integer" }, "l": { "type": "long" }, "f": { "type": "float" }, "x": { "type": "double" },
        "b": { "type": "boolean" }, "d": { "type": "date" }, "n": { "type": "date_nanos" }, "ip": { "type": "ip" }
    });
    let shelf = ground.shelf(kinds).await;
    shelf
        .fill([
            ("none", json!({})),
            ("hi", json!({ "k": "z", "i": 2, "l": 2, "f": 2, "x": 2, "b": true, "d": 2, "n": 2, "ip": "2.0.0.0" })),
            ("lo", json!({ "k": "a", "i": -1, "l": -1, "f": -1, "x": -1, "b": false, "d": -1, "n": 1, "ip": "1.0.0.0" })),
        ])
        .await;
    for path in ["k", "i", "l", "f", "x", "b", "d", "n", "ip"] {
        for (direction, missing, wanted) in [
            (Direction::Asc, Missing::Last, "lo hi none"),
            (Direction::Desc, Missing::Last, "hi lo none"),
            (Direction::Asc, Missing::First, "none lo hi"),
            (Direction::Desc, Missing::First, "none hi lo"),
        ] {
            assert_eq!(shelf.ordered(vec![shelf.by(path, direction, missing)]).await, wanted, "{path} {direction:?} {missing:?}");
        }
    }
}

async fn lists_sort_by_their_least_or_greatest(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "integer" }, "k": { "type": "keyword" }, "x": { "type": "double" } })).await;
    shelf
        .fill([
            ("wide", json!({ "n": [1, 9], "k": ["a", "z"], "x": [1, 9] })),
            ("mid", json!({ "n": [5], "k": "m", "x": 5 })),
            ("high", json!({ "n": [7, 6], "k": ["p", "o"], "x": [6, 7] })),
        ])
        .await;
    for path in ["n", "k", "x"] {
        assert_eq!(shelf.ordered(vec![shelf.asc(path)]).await, "wide mid high", "{path}");
        assert_eq!(shelf.ordered(vec![shelf.desc(path)]).await, "wide high mid", "{path}");
    }
}

async fn several_keys(ground: &Ground) {
    let shelf = ground.shelf(json!({ "a": { "type": "keyword" }, "b": { "type": "integer" } })).await;
    shelf
        .fill([
            ("1", json!({ "a": "x", "b": 1 })),
            ("2", json!({ "a": "y", "b": 2 })),
            ("3", json!({ "a": "x", "b": 3 })),
            ("4", json!({ "b": 4 })),
            ("5", json!({ "a": "y" })),
        ])
        .await;
    assert_eq!(shelf.ordered(vec![shelf.asc("a"), shelf.desc("b")]).await, "3 1 2 5 4");
    assert_eq!(shelf.ordered(vec![shelf.desc("a"), shelf.asc("b")]).await, "2 5 1 3 4");
    assert_eq!(
        shelf.ordered(vec![shelf.by("a", Direction::Asc, Missing::First), shelf.by("b", Direction::Desc, Missing::First)]).await,
        "4 3 1 5 2"
    );
}

async fn ties_are_broken_by_the_last_write(ground: &Ground) {
    let shelf = ground.shelf(json!({ "a": { "type": "keyword" } })).await;
    shelf.fill([("1", json!({ "a": "x" })), ("2", json!({ "a": "x" })), ("3", json!({ "a": "x" }))]).await;
    assert_eq!(shelf.ordered(vec![shelf.asc("a")]).await, "1 2 3");
    shelf.fill([("2", json!({ "a": "x" }))]).await;
    assert_eq!(shelf.ordered(vec![shelf.asc("a")]).await, "1 3 2");
    assert_eq!(shelf.ordered(vec![shelf.desc("a")]).await, "1 3 2");
}

async fn floats_sort_by_value(ground: &Ground) {
    let shelf = ground.shelf(json!({ "f": { "type": "float" }, "h": { "type": "half_float" }, "x": { "type": "double" } })).await;
    let values = [("big", 34_000.0), ("minus", -0.5), ("small", 0.25), ("neg", -34_000.0), ("zero", 0.0)];
    shelf.fill(values.iter().map(|(name, value)| (*name, json!({ "f": value, "h": value, "x": value })))).await;
    for path in ["f", "h", "x"] {
        assert_eq!(shelf.ordered(vec![shelf.asc(path)]).await, "neg minus zero small big", "{path}");
    }
}

async fn score_among_keys(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" }, "n": { "type": "integer" } })).await;
    shelf
        .fill([
            ("1", json!({ "t": "fox", "n": 1 })),
            ("2", json!({ "t": "fox fox", "n": 2 })),
            ("3", json!({ "t": "fox", "n": 3 })),
            ("4", json!({ "t": "dog", "n": 4 })),
        ])
        .await;
    let rank = shelf.text("fox", &[("t", 1.0)], Operator::Or, Fuzziness::None);
    let order = |order| Query { rank: rank.clone(), order, ..shelf.query() };
    assert_eq!(ids(&shelf.page(order(vec![Order::Score(Direction::Desc), shelf.desc("n")])).await), "2 3 1");
    assert_eq!(ids(&shelf.page(order(vec![Order::Score(Direction::Asc), shelf.asc("n")])).await), "1 3 2");
    assert_eq!(ids(&shelf.page(order(vec![shelf.asc("n")])).await), "1 2 3");
}

async fn by_score_where_there_is_a_search(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf
        .fill([
            ("long", json!({ "t": "fox and some other words here" })),
            ("short", json!({ "t": "fox" })),
            ("none", json!({ "t": "dog" })),
        ])
        .await;
    assert_eq!(shelf.ranked(shelf.text("fox", &[("t", 1.0)], Operator::Or, Fuzziness::None)).await, "short long");
}

async fn scores_only_where_wanted(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" }, "n": { "type": "integer" } })).await;
    shelf.fill([("1", json!({ "t": "fox", "n": 2 })), ("2", json!({ "t": "fox", "n": 1 }))]).await;
    let rank = shelf.text("fox", &[("t", 1.0)], Operator::Or, Fuzziness::None);
    let mut query = Query { rank, order: vec![shelf.asc("n")], ..shelf.query() };
    query.fetch.scores = true;
    let page = shelf.page(query).await;
    assert_eq!(ids(&page), "2 1");
    assert!(page.hits.iter().all(|hit| hit.score.is_some_and(|score| score > 0.0)));
}

async fn a_field_of_an_object(ground: &Ground) {
    let shelf = ground.shelf(json!({ "o": { "properties": { "n": { "type": "integer" } } } })).await;
    shelf
        .fill([
            ("2", json!({ "o": { "n": 2 } })),
            ("1", json!({ "o": { "n": 1 } })),
            ("many", json!({ "o": [{ "n": 9 }, { "n": 0 }] })),
        ])
        .await;
    assert_eq!(shelf.ordered(vec![shelf.asc("o.n")]).await, "many 1 2");
    assert_eq!(shelf.ordered(vec![shelf.desc("o.n")]).await, "many 2 1");
}
