//! Numbers of every width: equality, ranges, narrowing, extremes.

use hooke::search::Filter;
use hooke::search::value::Value;
use serde_json::json;

use crate::ground::Ground;

conformance! {
    whole_numbers_are_exact
    documents_are_read_generously
    beyond_a_kind_nothing_equals_and_everything_is_on_one_side
    floats_are_narrowed_in_documents_and_queries
    doubles
    bounds_are_inside_or_not
    an_open_range_means_any_value
    the_greatest_long_ties_with_missing
}

async fn whole_numbers_are_exact(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "long" } })).await;
    let big = 9_007_199_254_740_992i64;
    shelf
        .fill([
            ("a", json!({ "n": big })),
            ("b", json!({ "n": big + 1 })),
            ("max", json!({ "n": i64::MAX })),
            ("min", json!({ "n": i64::MIN })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.eq("n", big + 1)).await, "b");
    assert_eq!(shelf.found(shelf.gt("n", big)).await, "b max");
    assert_eq!(shelf.found(shelf.eq("n", i64::MAX)).await, "max");
    assert_eq!(shelf.found(shelf.lte("n", i64::MIN)).await, "min");
    assert_eq!(shelf.found(shelf.gt("n", i64::MAX)).await, "");
    assert_eq!(shelf.found(shelf.lt("n", i64::MIN)).await, "");
    assert_eq!(shelf.ordered(vec![shelf.asc("n")]).await, "min a b max");
    assert_eq!(shelf.by_id().await["b"], json!({ "n": big + 1 }));
}

async fn documents_are_read_generously(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "integer" }, "x": { "type": "double" } })).await;
    shelf
        .fill([
            ("text", json!({ "n": "7", "x": "7" })),
            ("cut", json!({ "n": 7.9, "x": 7.9 })),
            ("minus", json!({ "n": -7.9 })),
            ("exp", json!({ "n": "1e2", "x": "1e2" })),
            ("blank", json!({ "n": " 7", "x": " 7 " })),
            ("empty", json!({ "n": "" })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.eq("n", 7)).await, "text cut blank");
    assert_eq!(shelf.found(shelf.eq("n", -7)).await, "minus");
    assert_eq!(shelf.found(shelf.eq("n", 100)).await, "exp");
    assert_eq!(shelf.found(shelf.eq("x", 7.0)).await, "text blank");
    assert_eq!(shelf.found(Filter::not(shelf.exists("n"))).await, "empty");
    assert_eq!(shelf.by_id().await["cut"], json!({ "n": 7.9, "x": 7.9 }));
}

async fn beyond_a_kind_nothing_equals_and_everything_is_on_one_side(ground: &Ground) {
    let shelf =
        ground.shelf(json!({ "byte": { "type": "byte" }, "short": { "type": "short" }, "integer": { "type": "integer" } })).await;
    shelf
        .fill([
            ("1", json!({ "byte": 127, "short": 32_767, "integer": i32::MAX })),
            ("2", json!({ "byte": -128, "short": -32_768, "integer": i32::MIN })),
            ("3", json!({})),
        ])
        .await;
    for path in ["byte", "short", "integer"] {
        let above = i64::from(i32::MAX) + 1;
        let below = i64::from(i32::MIN) - 1;
        assert_eq!(shelf.found(shelf.eq(path, above)).await, "", "{path}");
        assert_eq!(shelf.found(shelf.lt(path, above)).await, "1 2", "{path}");
        assert_eq!(shelf.found(shelf.gte(path, above)).await, "", "{path}");
        assert_eq!(shelf.found(shelf.gt(path, below)).await, "1 2", "{path}");
        assert_eq!(shelf.found(shelf.lte(path, below)).await, "", "{path}");
        assert_eq!(shelf.found(shelf.one_of(path, [above, below])).await, "", "{path}");
    }
    assert_eq!(shelf.found(shelf.gt("byte", 126)).await, "1");
    assert_eq!(shelf.found(shelf.gte("byte", 128)).await, "");
    assert_eq!(shelf.found(shelf.lt("byte", 200)).await, "1 2");
}

async fn floats_are_narrowed_in_documents_and_queries(ground: &Ground) {
    let shelf = ground.shelf(json!({ "f": { "type": "float" }, "h": { "type": "half_float" } })).await;
    shelf
        .fill([
            ("tenth", json!({ "f": 0.1, "h": 0.1 })),
            ("third", json!({ "f": 0.333_333_333_333, "h": 0.333_333_333_333 })),
            ("big", json!({ "f": 16_777_217, "h": 2_049 })),
        ])
        .await;
    for path in ["f", "h"] {
        assert_eq!(shelf.found(shelf.eq(path, 0.1)).await, "tenth", "{path}");
        assert_eq!(shelf.found(shelf.gt(path, 0.1)).await, "third big", "{path}");
        assert_eq!(shelf.found(shelf.gte(path, 0.1)).await, "tenth third big", "{path}");
        assert_eq!(shelf.found(shelf.lt(path, 0.1)).await, "", "{path}");
        assert_eq!(shelf.found(shelf.lte(path, 0.1)).await, "tenth", "{path}");
    }
    assert_eq!(shelf.found(shelf.eq("f", 16_777_216)).await, "big");
    assert_eq!(shelf.found(shelf.eq("h", 2_048)).await, "big");
    assert_eq!(shelf.by_id().await["big"], json!({ "f": 16_777_217, "h": 2_049 }));
}

async fn doubles(ground: &Ground) {
    let shelf = ground.shelf(json!({ "x": { "type": "double" } })).await;
    shelf
        .fill([
            ("max", json!({ "x": f64::MAX })),
            ("min", json!({ "x": f64::MIN })),
            ("tiny", json!({ "x": 5e-324 })),
            ("zero", json!({ "x": 0.0 })),
            ("pi", json!({ "x": std::f64::consts::PI })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.eq("x", std::f64::consts::PI)).await, "pi");
    assert_eq!(shelf.found(shelf.gt("x", 0.0)).await, "max tiny pi");
    assert_eq!(shelf.found(shelf.eq("x", f64::MAX)).await, "max");
    assert_eq!(shelf.ordered(vec![shelf.asc("x")]).await, "min zero tiny pi max");
}

async fn bounds_are_inside_or_not(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "integer" } })).await;
    shelf.fill([("1", json!({ "n": 1 })), ("2", json!({ "n": 2 })), ("3", json!({ "n": 3 }))]).await;
    assert_eq!(shelf.found(shelf.gt("n", 1)).await, "2 3");
    assert_eq!(shelf.found(shelf.gte("n", 2)).await, "2 3");
    assert_eq!(shelf.found(shelf.lt("n", 3)).await, "1 2");
    assert_eq!(shelf.found(shelf.lte("n", 2)).await, "1 2");
    assert_eq!(shelf.found(shelf.between("n", 2, 2)).await, "2");
    assert_eq!(shelf.found(shelf.between("n", 3, 1)).await, "");
}

async fn an_open_range_means_any_value(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "integer" } })).await;
    shelf.fill([("1", json!({ "n": 1 })), ("2", json!({}))]).await;
    assert_eq!(shelf.found(Filter::Range(shelf.field("n"), Default::default())).await, "1");
}

async fn the_greatest_long_ties_with_missing(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "long" } })).await;
    shelf
        .fill([
            ("none", json!({})),
            ("max", json!({ "n": i64::MAX })),
            ("min", json!({ "n": i64::MIN })),
            ("nil", json!({ "n": null })),
            ("one", json!({ "n": 1 })),
        ])
        .await;
    assert_eq!(shelf.ordered(vec![shelf.asc("n")]).await, "min one none max nil");
    assert_eq!(shelf.ordered(vec![shelf.desc("n")]).await, "max one none min nil");
    assert!(matches!(shelf.value("n", i64::MAX), Value::Long(i64::MAX)));
    // so does the greatest integer, but no other one
    let shelf = ground.shelf(json!({ "n": { "type": "integer" }, "y": { "type": "byte" } })).await;
    shelf
        .fill([
            ("none", json!({})),
            ("max", json!({ "n": i32::MAX, "y": 127 })),
            ("nil", json!({ "n": null })),
            ("one", json!({ "n": 1, "y": 1 })),
        ])
        .await;
    assert_eq!(shelf.ordered(vec![shelf.asc("n")]).await, "one none max nil");
    assert_eq!(shelf.ordered(vec![shelf.asc("y")]).await, "one max none nil");
}
