//! Metrics over all values of the documents matched.

use hooke::search::{Computed, Filter, Metric, MetricValue, Query};
use serde_json::json;

use super::computing::{tell, tell_metric};
use crate::ground::Ground;

conformance! {
    numbers_over_all_values
    values_are_counted_by_kind
    dates_are_milliseconds
    extremes_are_doubles
    of_nothing_there_is_nothing
    percentiles_lie_near
    deviations_are_of_the_population
}

async fn numbers_over_all_values(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "integer" }, "x": { "type": "float" }, "k": { "type": "keyword" } })).await;
    shelf
        .fill([
            ("a", json!({ "n": [1, 1, 4], "x": 0.5, "k": ["p", "q", "p"] })),
            ("b", json!({ "n": 2, "k": "p" })),
            ("c", json!({ "n": null, "x": [] })),
        ])
        .await;
    let of = [
        ("n", Metric::Stats),
        ("n", Metric::Distinct),
        ("n", Metric::ValueCount),
        ("x", Metric::Stats),
        ("k", Metric::Distinct),
        ("k", Metric::ValueCount),
    ];
    assert_eq!(
        shelf.told(shelf.metrics(&of)).await,
        "3 of: 4 values 1..4, avg 2, sum 8; distinct 3; 4 values; 1 values 0.5..0.5, avg 0.5, sum 0.5; distinct 2; 3 values"
    );
    let query = Query { filter: shelf.eq("n", 2), ticks: vec![(shelf.field("k"), shelf.eq("k", "p"))], ..shelf.query() };
    assert_eq!(
        tell(&shelf.computed_of(query, shelf.metrics(&[("n", Metric::Stats)])).await),
        "1 of: 1 values 2..2, avg 2, sum 2"
    );
}

async fn values_are_counted_by_kind(ground: &Ground) {
    let shelf = ground
        .shelf(json!({ "b": { "type": "boolean" }, "ip": { "type": "ip" }, "t": { "type": "text", "fields": { "keyword": { "type": "keyword" } } }, "n": { "type": "date_nanos" } }))
        .await;
    shelf
        .fill([
            ("a", json!({ "b": [true, true, false], "ip": ["::1", "::1", "10.0.0.1"], "t": "x y" })),
            ("b", json!({ "b": true, "ip": "::ffff:10.0.0.1", "t": ["x y", "z"], "n": ["2024-01-01T00:00:00.000000001Z", "2024-01-01T00:00:00.000000002Z"] })),
        ])
        .await;
    // equal ones of a list are kept where they are numbers
    for (path, distinct, count) in [("b", 2, 4), ("ip", 2, 3), ("t", 2, 3), ("n", 1, 2)] {
        let told = shelf.told(shelf.metrics(&[(path, Metric::Distinct), (path, Metric::ValueCount)])).await;
        assert_eq!(told, format!("2 of: distinct {distinct}; {count} values"), "{path}");
    }
}

async fn dates_are_milliseconds(ground: &Ground) {
    let shelf = ground.shelf(json!({ "d": { "type": "date" }, "n": { "type": "date_nanos" } })).await;
    shelf
        .fill([
            ("a", json!({ "d": "1969-12-31T23:59:59Z", "n": "1970-01-01T00:00:00.000999Z" })),
            ("b", json!({ "d": "1970-01-01T00:00:02Z", "n": "1970-01-01T00:00:00.002Z" })),
        ])
        .await;
    let of = [("d", Metric::Stats), ("n", Metric::Stats), ("d", Metric::Percentiles(vec![50.0]))];
    assert_eq!(
        shelf.told(shelf.metrics(&of)).await,
        "2 of: 2 values -1000..2000, avg 500, sum 1000; 2 values 0..2, avg 1, sum 2; 50: Some(500.0)"
    );
}

async fn extremes_are_doubles(ground: &Ground) {
    let shelf = ground.shelf(json!({ "l": { "type": "long" }, "x": { "type": "double" } })).await;
    shelf.fill([("a", json!({ "l": i64::MAX, "x": f64::MAX })), ("b", json!({ "l": [i64::MIN, 1], "x": f64::MAX }))]).await;
    let Computed::Metrics { values, .. } =
        shelf.computed(shelf.metrics(&[("l", Metric::Stats), ("x", Metric::Stats), ("x", Metric::StdDev)])).await
    else {
        panic!("no metrics")
    };
    let [MetricValue::Stats(longs), MetricValue::Stats(doubles), MetricValue::Number(deviation)] = values.as_slice() else {
        panic!("{values:?}")
    };
    assert_eq!((longs.min, longs.max, longs.sum), (Some(-9_223_372_036_854_775_808.0), Some(9_223_372_036_854_775_808.0), 1.0));
    assert_eq!((doubles.max, doubles.sum, doubles.avg, *deviation), (Some(f64::MAX), f64::INFINITY, None, None));
}

async fn of_nothing_there_is_nothing(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "long" }, "k": { "type": "keyword" } })).await;
    let of = [
        ("n", Metric::Stats),
        ("n", Metric::StdDev),
        ("n", Metric::Percentiles(vec![50.0])),
        ("n", Metric::Percentiles(vec![])),
        ("k", Metric::Distinct),
        ("k", Metric::ValueCount),
    ];
    let wanted = "of: 0 values –..–, avg –, sum 0; None; 50: None; ; distinct 0; 0 values";
    assert_eq!(shelf.told(shelf.metrics(&of)).await, format!("0 {wanted}"));
    shelf.fill([("a", json!({}))]).await;
    assert_eq!(shelf.told(shelf.metrics(&of)).await, format!("1 {wanted}"));
    let nothing = Query { filter: Filter::Nothing, ..shelf.query() };
    assert_eq!(tell(&shelf.computed_of(nothing, shelf.metrics(&of)).await), format!("0 {wanted}"));
}

async fn percentiles_lie_near(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "long" }, "x": { "type": "double" } })).await;
    let names: Vec<String> = (0..500).map(|at| format!("d{at}")).collect();
    let documents =
        names.iter().zip(0..).map(|(name, at): (&String, i64)| (name.as_str(), json!({ "n": at * at % 1_009, "x": at % 3 })));
    shelf.fill(documents).await;
    let mut sorted: Vec<i64> = (0..500).map(|at| at * at % 1_009).collect();
    sorted.sort_unstable();
    let at = [99.0, 0.0, 50.0, 100.0, 25.0];
    let Computed::Metrics { values, .. } = shelf.computed(shelf.metrics(&[("n", Metric::Percentiles(at.to_vec()))])).await else {
        panic!("no metrics")
    };
    let [MetricValue::Percentiles(found)] = values.as_slice() else { panic!("{values:?}") };
    // in the order asked
    assert_eq!(found.iter().map(|(at, _)| *at).collect::<Vec<_>>(), at);
    for (at, value) in found {
        let wanted = sorted[(at / 100.0 * 499.0).round() as usize] as f64;
        assert!((value.unwrap() - wanted).abs() <= 0.05 * wanted.max(20.0), "{at}: {value:?}, not {wanted}");
    }
    for at in [-1.0, 100.5, f64::NAN] {
        let query = Query { compute: vec![(0, shelf.metrics(&[("n", Metric::Percentiles(vec![at]))]))], ..shelf.query() };
        assert!(matches!(shelf.fault(query).await, hooke::search::Error::Invalid { .. }), "{at}");
    }
}

async fn deviations_are_of_the_population(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "long" }, "k": { "type": "keyword" } })).await;
    shelf.fill([("a", json!({ "n": [2, 4, 4, 4] })), ("b", json!({ "n": [5, 5, 7, 9] }))]).await;
    let Computed::Metrics { values, .. } = shelf.computed(shelf.metrics(&[("n", Metric::StdDev)])).await else {
        panic!("no metrics")
    };
    assert_eq!(tell_metric(&values[0]), "Some(2.0)");
    let query = Query { compute: vec![(0, shelf.metrics(&[("k", Metric::StdDev)]))], ..shelf.query() };
    assert!(matches!(shelf.fault(query).await, hooke::search::Error::Invalid { .. }));
}
