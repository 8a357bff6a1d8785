//! Facets: values, ticks, ranges, intervals, what is missing and what is distinct.

use hooke::search::date::Time;
use hooke::search::value::Value;
use hooke::search::{
    Calendar, Compute, Computed, Direction, Facet, FacetOrder, Filter, GroupBy, GroupKey, Interval, Query, Range, Rank,
    TotalRequest,
};
use serde_json::json;

use super::computing::{days, every, tell};
use crate::ground::{Ground, ids};

conformance! {
    values_come_by_count_and_then_by_value
    a_facet_ignores_its_own_tick_and_no_other
    every_kind_has_values
    values_are_ordered_and_searched
    what_is_missing_and_what_is_distinct_is_counted
    ranges_keep_their_order_and_may_overlap
    intervals_of_numbers_are_filled
    intervals_of_dates_follow_the_calendar_of_a_zone
    intervals_of_a_fixed_length
    zones_go_on_beyond_the_year_9999
    too_many_buckets_are_said
    intervals_far_too_small_are_named_one_that_does
    stats_of_a_field
    facets_follow_the_search_the_filter_and_the_rule
    places_are_counted_by_distance_and_by_tile
    what_cannot_be_counted_is_refused
}

async fn values_come_by_count_and_then_by_value(ground: &Ground) {
    let shelf = ground.shelf(json!({ "tag": { "type": "keyword" }, "n": { "type": "integer" } })).await;
    shelf
        .fill([
            ("a", json!({ "tag": ["x", "y", "x"], "n": [1, 1, 2] })),
            ("b", json!({ "tag": "x", "n": 2 })),
            ("c", json!({ "tag": ["w", "y"], "n": [] })),
            ("d", json!({ "tag": "v" })),
            ("e", json!({})),
        ])
        .await;
    assert_eq!(shelf.facet_told(shelf.facet("tag", 10)).await, "x 2, y 2, v 1, w 1; other 0");
    assert_eq!(shelf.facet_told(shelf.facet("tag", 2)).await, "x 2, y 2; other 2");
    assert_eq!(shelf.facet_told(shelf.facet("tag", 0)).await, "; other 6");
    // twice in one document is once
    assert_eq!(shelf.facet_told(shelf.facet("n", 10)).await, "2 2, 1 1; other 0");
    // in another segment
    shelf.fill([("f", json!({ "tag": ["w", "u"], "n": 1 })), ("a", json!({ "tag": "u" }))]).await;
    assert_eq!(shelf.facet_told(shelf.facet("tag", 3)).await, "u 2, w 2, v 1; other 2");
}

async fn a_facet_ignores_its_own_tick_and_no_other(ground: &Ground) {
    let shelf = ground
        .shelf(json!({ "color": { "type": "keyword" }, "size": { "type": "integer" }, "shop": { "type": "keyword" } }))
        .await;
    shelf
        .fill([
            ("a", json!({ "color": "red", "size": 1, "shop": "p" })),
            ("b", json!({ "color": "red", "size": 2, "shop": "q" })),
            ("c", json!({ "color": "blue", "size": 1, "shop": "q" })),
            ("d", json!({ "color": "blue", "size": 3, "shop": "q" })),
            ("e", json!({ "color": "green", "size": 1, "shop": "p" })),
        ])
        .await;
    let facets = ["color", "size", "shop"];
    let compute: Vec<_> = (0..).zip(facets).map(|(slot, path)| (slot, Compute::Facet(shelf.facet(path, 9)))).collect();
    let count = |slot| (slot, shelf.metrics(&[]));
    let ticks = vec![(shelf.field("color"), shelf.one_of("color", ["red", "blue"])), (shelf.field("size"), shelf.eq("size", 1))];
    let query = Query { ticks, compute: [compute, vec![count(9)]].concat(), ..shelf.query() };
    let page = shelf.page(query.clone()).await;
    assert_eq!((ids(&page), page.total.map(|total| total.value)), ("a c".into(), Some(2)));
    let told: Vec<(u32, String)> = page.computed.iter().map(|(slot, computed)| (*slot, tell(computed))).collect();
    let told: Vec<(u32, &str)> = told.iter().map(|(slot, told)| (*slot, told.as_str())).collect();
    assert_eq!(
        told,
        [(0, "blue 1, green 1, red 1; other 0"), (1, "1 2, 2 1, 3 1; other 0"), (2, "p 1, q 1; other 0"), (9, "2 of: "),]
    );
    // hits are narrowed by all ticks, also where they are scored and where there are none
    let page = shelf.page(Query { total: TotalRequest::UpTo(1), ..query }).await;
    assert_eq!(page.total.map(|total| total.value), Some(1));
}

async fn every_kind_has_values(ground: &Ground) {
    let shelf = ground
        .shelf(json!({
            "t": { "type": "text", "fields": { "keyword": { "type": "keyword", "ignore_above": 5 } } },
            "low": { "type": "keyword", "normalizer": "lowercase" },
            "b": { "type": "boolean" }, "l": { "type": "long" }, "x": { "type": "double" },
            "f": { "type": "float" }, "h": { "type": "half_float" },
            "d": { "type": "date" }, "n": { "type": "date_nanos" }, "ip": { "type": "ip" }
        }))
        .await;
    shelf
        .fill([
            (
                "a",
                json!({ "t": "Ab c", "low": "ÄB", "b": true, "l": i64::MAX, "x": -0.5, "f": 0.1, "h": 0.1,
                    "d": "2024-03-31", "n": "2024-03-31T00:00:00.123456789Z", "ip": "10.0.0.1" }),
            ),
            (
                "b",
                json!({ "t": ["Ab c", "too long"], "low": "äb", "b": [true, false], "l": [i64::MIN, 9_007_199_254_740_993i64],
                    "x": 1e300, "f": 0.1, "h": 2.5, "d": -1, "n": "2024-03-31T00:00:00.123999999Z", "ip": "::ffff:10.0.0.1" }),
            ),
            ("c", json!({ "low": "été", "ip": "::1" })),
        ])
        .await;
    for (path, wanted) in [
        ("t", "Ab c 2; other 0"),
        ("low", "äb 2, été 1; other 0"),
        ("b", "true 2, false 1; other 0"),
        ("l", "-9223372036854775808 1, 9007199254740993 1, 9223372036854775807 1; other 0"),
        (
            "x",
            "-0.5 1, 1000000000000000052504760255204420248704468581108159154915854115111802457988908195786371375080447854045104 1; other 0",
        ),
        ("f", "0.10000000149011612 2; other 0"),
        ("h", "0.0999755859375 1, 2.5 1; other 0"),
        ("d", "1969-12-31T23:59:59.999Z 1, 2024-03-31 1; other 0"),
        // to the millisecond
        ("n", "2024-03-31T00:00:00.123Z 2; other 0"),
        ("ip", "10.0.0.1 2, ::1 1; other 0"),
    ] {
        let told = shelf.facet_told(shelf.facet(path, 9)).await;
        let wanted = if path == "x" { format!("-0.5 1, {} 1; other 0", 1e300) } else { wanted.into() };
        assert_eq!(told, wanted, "{path}");
    }
}

async fn values_are_ordered_and_searched(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" }, "n": { "type": "long" } })).await;
    shelf
        .fill([
            ("a", json!({ "k": "libFoo", "n": 3 })),
            ("b", json!({ "k": "LIBBAR", "n": 3 })),
            ("c", json!({ "k": "a.lib*", "n": 1 })),
            ("d", json!({ "k": "a.lib*", "n": 2 })),
            ("e", json!({ "k": "ÉTÉ", "n": 2 })),
        ])
        .await;
    let by = |path: &str, order: Vec<FacetOrder>| Facet { order, ..shelf.facet(path, 2) };
    let (count, value) = (FacetOrder::Count, FacetOrder::Value);
    assert_eq!(shelf.facet_told(by("n", vec![value(Direction::Desc)])).await, "3 2, 2 2; other 1");
    assert_eq!(shelf.facet_told(by("n", vec![count(Direction::Asc)])).await, "1 1, 2 2; other 2");
    assert_eq!(shelf.facet_told(by("n", vec![count(Direction::Desc), value(Direction::Desc)])).await, "3 2, 2 2; other 1");
    assert_eq!(shelf.facet_told(by("k", vec![value(Direction::Asc)])).await, "LIBBAR 1, a.lib* 2; other 2");
    let containing = |text: &str| Facet { containing: Some(text.into()), distinct: true, ..shelf.facet("k", 1) };
    assert_eq!(shelf.facet_told(containing("lib")).await, "a.lib* 2; other 2; distinct 3");
    assert_eq!(shelf.facet_told(containing("LIB")).await, "a.lib* 2; other 2; distinct 3");
    assert_eq!(shelf.facet_told(containing("été")).await, "ÉTÉ 1; other 0; distinct 1");
    assert_eq!(shelf.facet_told(containing("b*")).await, "a.lib* 2; other 0; distinct 1");
    assert_eq!(shelf.facet_told(containing("~@<&\"#")).await, "distinct 0");
    assert_eq!(shelf.facet_told(containing("")).await, "a.lib* 2; other 3; distinct 4");
}

async fn what_is_missing_and_what_is_distinct_is_counted(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword", "ignore_above": 3 }, "n": { "type": "long" } })).await;
    shelf
        .fill([
            ("a", json!({ "k": ["x", null], "n": 1 })),
            ("b", json!({ "k": "too long" })),
            ("c", json!({ "k": [], "n": [2, 2] })),
            ("d", json!({ "k": ["x", "y"], "n": [] })),
        ])
        .await;
    let all = |path: &str| Facet { missing: true, distinct: true, ..shelf.facet(path, 1) };
    assert_eq!(shelf.facet_told(all("k")).await, "x 2, ∅ 2; other 1; distinct 2");
    assert_eq!(shelf.facet_told(all("n")).await, "1 1, ∅ 2; other 1; distinct 2");
    let alone = Facet { values: None, ..all("k") };
    assert_eq!(shelf.facet_told(alone).await, "∅ 2; other 0; distinct 2");
    let none = Query { filter: hooke::search::Filter::Nothing, ..shelf.query() };
    assert_eq!(tell(&shelf.computed_of(none, Compute::Facet(all("k"))).await), "∅ 0; other 0; distinct 0");
}

async fn ranges_keep_their_order_and_may_overlap(ground: &Ground) {
    let mapping =
        json!({ "l": { "type": "long" }, "x": { "type": "double" }, "d": { "type": "date" }, "n": { "type": "date_nanos" } });
    let shelf = ground.shelf(mapping).await;
    let big = 9_007_199_254_740_992i64;
    shelf
        .fill([
            ("a", json!({ "l": [1, 7], "x": 0.5, "d": "2024-01-01", "n": "2024-01-01T00:00:00.000000001Z" })),
            ("b", json!({ "l": big + 1, "x": 1.5, "d": "2024-02-01", "n": "2024-01-01T00:00:00Z" })),
            ("c", json!({ "l": big, "x": 1.0 })),
        ])
        .await;
    let of = |path: &str, ranges| Facet { values: None, ranges, ..shelf.facet(path, 0) };
    let range = |from, to| shelf.range("l", from, to);
    let ranges = vec![
        range(json!(5), json!(null)),
        range(json!(null), json!(10)),
        range(json!(big + 1), json!(null)),
        range(json!(9), json!(1)),
    ];
    assert_eq!(shelf.facet_told(of("l", ranges)).await, "[5..) 3, [..10) 1, [9007199254740993..) 1, [9..1) 0");
    let range = |from, to| shelf.range("x", from, to);
    let ranges = vec![range(json!(1.0), json!(1.5)), range(json!(null), json!(null))];
    assert_eq!(shelf.facet_told(of("x", ranges)).await, "[1..1.5) 1, [..) 3");
    let range = |path: &str, from, to| shelf.range(path, from, to);
    let ranges = vec![range("d", json!("2024-01-01"), json!("2024-02-01")), range("d", json!("2024-02-01"), json!(null))];
    assert_eq!(shelf.facet_told(of("d", ranges)).await, "[2024-01-01..2024-02-01) 1, [2024-02-01..) 1");
    let ranges = vec![range("n", json!("2024-01-01T00:00:00.000000001Z"), json!(null))];
    assert_eq!(shelf.facet_told(of("n", ranges)).await, "[2024-01-01T00:00:00.000000001Z..) 1");
}

async fn intervals_of_numbers_are_filled(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "integer" }, "x": { "type": "float" } })).await;
    shelf
        .fill([
            ("a", json!({ "n": [-1, 0, 3], "x": 0.1 })),
            ("b", json!({ "n": 31, "x": 0.35 })),
            ("c", json!({ "n": 12, "x": [0.1, 0.1] })),
            ("d", json!({})),
        ])
        .await;
    assert_eq!(
        shelf.facet_told(shelf.buckets("n", every(10.0))).await,
        "[-10..0) 1, [0..10) 1, [10..20) 1, [20..30) 0, [30..40) 1"
    );
    let moved = Interval::Number { size: 10.0, offset: 3.0 };
    assert_eq!(shelf.facet_told(shelf.buckets("n", moved)).await, "[-7..3) 1, [3..13) 2, [13..23) 0, [23..33) 1");
    assert_eq!(shelf.facet_told(shelf.buckets("x", every(0.25))).await, "[0..0.25) 2, [0.25..0.5) 1");
    let none = Query { filter: hooke::search::Filter::Nothing, ..shelf.query() };
    let facet = Compute::Facet(shelf.buckets("n", every(10.0)));
    assert_eq!(tell(&shelf.computed_of(none, facet).await), "");
}

async fn intervals_of_dates_follow_the_calendar_of_a_zone(ground: &Ground) {
    let shelf = ground.shelf(json!({ "d": { "type": "date" }, "n": { "type": "date_nanos" } })).await;
    let moments = [
        "2024-03-30T22:59:59Z",
        "2024-03-30T23:00:00Z",
        // the clock goes forward at 01:00Z
        "2024-03-31T00:59:59Z",
        "2024-03-31T01:00:00Z",
        "2024-03-31T22:00:00Z",
    ];
    let names = ["a", "b", "c", "d", "e"];
    shelf.fill(names.into_iter().zip(moments).map(|(name, at)| (name, json!({ "d": at, "n": at })))).await;
    for path in ["d", "n"] {
        let told = async |unit, zone: &str| shelf.facet_told(shelf.buckets(path, days(unit, zone))).await;
        assert_eq!(told(Calendar::Day, "UTC").await, "[2024-03-30..2024-03-31) 2, [2024-03-31..2024-04-01) 3");
        assert_eq!(
            told(Calendar::Day, "Europe/Berlin").await,
            "[2024-03-29T23:00:00.000Z..2024-03-30T23:00:00.000Z) 1, [2024-03-30T23:00:00.000Z..2024-03-31T22:00:00.000Z) 3, \
             [2024-03-31T22:00:00.000Z..2024-04-01T22:00:00.000Z) 1"
        );
        assert_eq!(
            told(Calendar::Week, "Europe/Berlin").await,
            "[2024-03-24T23:00:00.000Z..2024-03-31T22:00:00.000Z) 4, [2024-03-31T22:00:00.000Z..2024-04-07T22:00:00.000Z) 1"
        );
        assert_eq!(told(Calendar::Year, "+05:30").await, "[2023-12-31T18:30:00.000Z..2024-12-31T18:30:00.000Z) 5");
        assert_eq!(told(Calendar::Quarter, "UTC").await, "[2024-01-01..2024-04-01) 5");
        assert_eq!(told(Calendar::Month, "UTC").await, "[2024-03-01..2024-04-01) 5");
    }
    let shelf = ground.shelf(json!({ "d": { "type": "date" } })).await;
    // the clock shows two o'clock twice
    let moments = ["2024-10-26T23:30:00Z", "2024-10-27T00:30:00Z", "2024-10-27T01:30:00Z", "2024-10-27T03:30:00Z"];
    shelf.fill(names.into_iter().zip(moments).map(|(name, at)| (name, json!({ "d": at })))).await;
    let hours = shelf.facet_told(shelf.buckets("d", days(Calendar::Hour, "Europe/Berlin"))).await;
    assert_eq!(
        hours,
        "[2024-10-26T23:00:00.000Z..2024-10-27) 1, [2024-10-27..2024-10-27T01:00:00.000Z) 1, \
         [2024-10-27T01:00:00.000Z..2024-10-27T02:00:00.000Z) 1, [2024-10-27T02:00:00.000Z..2024-10-27T03:00:00.000Z) 0, \
         [2024-10-27T03:00:00.000Z..2024-10-27T04:00:00.000Z) 1"
    );
}

async fn intervals_of_a_fixed_length(ground: &Ground) {
    let shelf = ground.shelf(json!({ "d": { "type": "date" } })).await;
    shelf
        .fill([
            ("a", json!({ "d": "2024-03-30T12:00:00Z" })),
            ("b", json!({ "d": "2024-04-01T12:00:00Z" })),
            ("c", json!({ "d": "1969-12-31T23:59:59.999Z" })),
        ])
        .await;
    let fixed = |hours: i128, zone: &str| Interval::Fixed { nanos: hours * 3_600_000_000_000, zone: zone.into() };
    let near = |shelf: &crate::ground::Shelf<'_>| Query { filter: shelf.gte("d", "2024-01-01"), ..shelf.query() };
    let told = shelf.computed_of(near(&shelf), Compute::Facet(shelf.buckets("d", fixed(24, "Europe/Berlin")))).await;
    assert_eq!(
        tell(&told),
        "[2024-03-29T23:00:00.000Z..2024-03-30T23:00:00.000Z) 1, [2024-03-30T23:00:00.000Z..2024-03-31T22:00:00.000Z) 0, \
         [2024-03-31T22:00:00.000Z..2024-04-01T22:00:00.000Z) 1"
    );
    let told = shelf.facet_told(shelf.buckets("d", fixed(24 * 365 * 30, "UTC"))).await;
    assert_eq!(told, "[1940-01-09..1970-01-01) 1, [1970-01-01..1999-12-25) 0, [1999-12-25..2029-12-17) 2");
    for nanos in [0, -1, 1_500_000] {
        let interval = Interval::Fixed { nanos, zone: "UTC".into() };
        let query = Query { compute: vec![(0, Compute::Facet(shelf.buckets("d", interval)))], ..shelf.query() };
        assert!(matches!(shelf.fault(query).await, hooke::search::Error::Invalid { .. }), "{nanos}");
    }
}

async fn zones_go_on_beyond_the_year_9999(ground: &Ground) {
    let shelf = ground.shelf(json!({ "d": { "type": "date" } })).await;
    let moments: [i64; 3] = [253_419_580_799_999, 255_600_014_399_999, 255_600_014_400_000];
    shelf.fill(["a", "b", "c"].into_iter().zip(moments).map(|(name, at)| (name, json!({ "d": at })))).await;
    let zone = "America/New_York";
    let ends = async |interval: Interval, first: i64| {
        let millis = |end: &Option<Value>| if let Some(Value::Date(time)) = end { time.millis() } else { 0 };
        let least = Some((Value::Date(Time::from_millis(first)), true));
        let only = Query { filter: Filter::Range(shelf.field("d"), Range { lower: least, upper: None }), ..shelf.query() };
        match shelf.computed_of(only, Compute::Facet(shelf.buckets("d", interval))).await {
            Computed::Facet { buckets, .. } => buckets
                .iter()
                .filter(|bucket| bucket.count.documents > 0)
                .map(|bucket| (millis(&bucket.lower), millis(&bucket.upper), bucket.count.documents))
                .collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    // in summer time, as it is every 400 years
    assert_eq!(
        ends(days(Calendar::Year, zone), 0).await,
        [(253_402_318_800_000, 253_433_941_200_000, 1), (255_579_858_000_000, 255_611_394_000_000, 2)]
    );
    assert_eq!(ends(days(Calendar::Day, zone), 255_600_014_399_999).await, [(255_599_985_600_000, 255_600_072_000_000, 2)]);
    let long = Interval::Fixed { nanos: 1_000_000 * 3_600_000_000_000, zone: zone.into() };
    assert_eq!(
        ends(long, 0).await,
        [(252_000_014_400_000, 255_600_014_400_000, 2), (255_600_014_400_000, 259_200_014_400_000, 1)]
    );
}

async fn too_many_buckets_are_said(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "long" }, "d": { "type": "date" } })).await;
    shelf
        .fill([
            ("a", json!({ "n": 0, "d": 0 })),
            ("b", json!({ "n": i64::MAX, "d": 253_402_300_799_999i64 })),
            ("c", json!({ "n": 9_999 })),
        ])
        .await;
    assert_eq!(shelf.facet_told(shelf.buckets("n", every(1.0))).await, "too fine: 10000000000000000");
    assert_eq!(shelf.facet_told(shelf.buckets("d", days(Calendar::Minute, "Europe/Berlin"))).await, "too fine: 5000 days");
    let few = Query { filter: shelf.lt("n", 10_000), ..shelf.query() };
    let told = tell(&shelf.computed_of(few, Compute::Facet(shelf.buckets("n", every(1.0)))).await);
    assert_eq!(told.split(", ").count(), 10_000);
    // all else has its answer
    let query = Query {
        compute: vec![
            (1, Compute::Facet(shelf.buckets("n", every(1.0)))),
            (2, Compute::Facet(shelf.buckets("d", days(Calendar::Year, "UTC")))),
        ],
        ..shelf.query()
    };
    let page = shelf.page(query).await;
    assert_eq!(page.hits.len(), 3);
    assert_eq!(tell(&page.computed[1].1).split(", ").count(), 8_030);
}

/// More buckets than Elasticsearch gives at all, and values so large that the interval is lost in them.
async fn intervals_far_too_small_are_named_one_that_does(ground: &Ground) {
    let shelf = ground
        .shelf(json!({ "n": { "type": "long" }, "d": { "type": "date" }, "x": { "type": "double" }, "k": { "type": "keyword" } }))
        .await;
    let many = |of: i64, step: i64| (0..14_000).map(|at| (of * 14_000 + at) * step).collect::<Vec<i64>>();
    let names = ["a", "b", "c", "d", "e"];
    shelf
        .fill(
            names
                .into_iter()
                .zip(0..)
                .map(|(name, of)| (name, json!({ "n": many(of, 1), "d": many(of, 60_000), "k": name, "x": [-1.7e308, of] }))),
        )
        .await;
    assert_eq!(shelf.facet_told(shelf.buckets("n", every(1.0))).await, "too fine: 100");
    let told = shelf.facet_told(shelf.buckets("n", every(10_000.0))).await;
    assert_eq!(
        told,
        "[0..10000) 1, [10000..20000) 2, [20000..30000) 2, [30000..40000) 1, [40000..50000) 2, [50000..60000) 2, [60000..70000) 1"
    );
    assert_eq!(shelf.facet_told(shelf.buckets("d", days(Calendar::Minute, "UTC"))).await, "too fine: Day");
    // Elasticsearch counts none of these, so low is where they begin
    assert_eq!(shelf.facet_told(shelf.buckets("x", every(0.25))).await, "too fine: 2e305".replace("2e305", &2e305.to_string()));
    let low = Query { filter: shelf.lt("x", -1.0), ..shelf.query() };
    let told = shelf.computed_of(low, Compute::Facet(shelf.buckets("x", every(1e308)))).await;
    assert!(matches!(&told, Computed::Facet { buckets, .. } if buckets.len() == 3), "{told:?}");
    let key = |path: &str, size: f64| GroupKey { interval: Some(every(size)), ..shelf.key(path) };
    for key in [key("n", 1.0)] {
        let groups = GroupBy { keys: vec![key], ..shelf.groups(&[], 3) };
        assert_eq!(shelf.groups_told(groups).await, "more than 10000");
    }
    // all else has its answer
    let query = Query {
        compute: vec![
            (4, Compute::Facet(shelf.facet("k", 2))),
            (7, Compute::Facet(shelf.buckets("n", every(1.0)))),
            (5, Compute::Facet(shelf.facet("k", 1))),
        ],
        ..shelf.query()
    };
    let page = shelf.page(query).await;
    let told: Vec<(u32, String)> = page.computed.iter().map(|(slot, computed)| (*slot, tell(computed))).collect();
    assert_eq!(ids(&page), "a b c d e");
    assert_eq!(told, [(4, "a 1, b 1; other 3".into()), (7, "too fine: 100".into()), (5, "a 1; other 4".into())]);
}

async fn stats_of_a_field(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "long" }, "d": { "type": "date" } })).await;
    shelf
        .fill([
            ("a", json!({ "n": [1, 1], "d": "1970-01-01" })),
            ("b", json!({ "n": -4, "d": "1970-01-01T00:00:01Z" })),
            ("c", json!({})),
        ])
        .await;
    let of = |path: &str| Facet { values: None, stats: true, ..shelf.facet(path, 0) };
    assert_eq!(shelf.facet_told(of("n")).await, "3 values -4..1, avg -0.6666666666666666, sum -2");
    assert_eq!(shelf.facet_told(of("d")).await, "2 values 0..1000, avg 500, sum 1000");
    let none = Query { filter: hooke::search::Filter::Nothing, ..shelf.query() };
    assert_eq!(tell(&shelf.computed_of(none, Compute::Facet(of("n"))).await), "0 values –..–, avg –, sum 0");
}

async fn facets_follow_the_search_the_filter_and_the_rule(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" }, "k": { "type": "keyword" }, "n": { "type": "long" } })).await;
    shelf
        .fill([
            ("a", json!({ "t": "web server", "k": "x", "n": 1 })),
            ("b", json!({ "t": "web", "k": "y", "n": 2 })),
            ("c", json!({ "t": "server", "k": "y", "n": 3 })),
            ("d", json!({ "t": "web", "k": "z", "n": 4 })),
        ])
        .await;
    let rank: Option<Rank> = shelf.text("web", &[("t", 1.0)], hooke::search::Operator::Or, hooke::search::Fuzziness::None);
    let query = Query {
        rank,
        filter: shelf.lte("n", 3),
        rule: shelf.gte("n", 2),
        ticks: vec![(shelf.field("k"), shelf.eq("k", "z"))],
        compute: vec![(0, Compute::Facet(shelf.facet("k", 9)))],
        ..shelf.query()
    };
    let page = shelf.page(query.clone()).await;
    assert_eq!((ids(&page).as_str(), tell(&page.computed[0].1).as_str()), ("", "y 1; other 0"));
    let ticked = vec![(shelf.field("k"), shelf.eq("k", "y"))];
    let page = shelf.page(Query { ticks: ticked, ..query }).await;
    assert_eq!((ids(&page).as_str(), tell(&page.computed[0].1).as_str()), ("b", "y 1; other 0"));
    assert!(page.hits[0].score.is_some());
}

async fn places_are_counted_by_distance_and_by_tile(ground: &Ground) {
    let shelf = ground
        .shelf(
            json!({ "at": { "type": "geo_point" }, "e": { "type": "nested", "properties": { "at": { "type": "geo_point" } } } }),
        )
        .await;
    shelf
        .fill([
            ("berlin", json!({ "at": { "lat": 52.52, "lon": 13.405 }, "e": { "at": "52.52,13.405" } })),
            ("potsdam", json!({ "at": { "lat": 52.4, "lon": 13.06 }, "e": [{ "at": "52.4,13.06" }, { "at": "52.41,13.07" }] })),
            ("both", json!({ "at": [{ "lat": 52.52, "lon": 13.405 }, { "lat": -33.87, "lon": 151.21 }] })),
            ("pole", json!({ "at": { "lat": 90.0, "lon": 180.0 } })),
            ("none", json!({})),
        ])
        .await;
    let from = Some(hooke::search::GeoPoint { lat: 52.52, lon: 13.405 });
    let double = |metres: f64, inside| Some((hooke::search::value::Value::Double(metres), inside));
    let range = |from: Option<f64>, to: Option<f64>| hooke::search::Range {
        lower: from.and_then(|metres| double(metres, true)),
        upper: to.and_then(|metres| double(metres, false)),
    };
    let ranges = vec![range(Some(1e6), None), range(None, Some(1e4)), range(Some(1e4), Some(1e5)), range(None, None)];
    let far = |path: &str| Facet { values: None, from, ranges: ranges.clone(), ..shelf.facet(path, 0) };
    assert_eq!(shelf.facet_told(far("at")).await, "[1000000..) 2, [..10000) 2, [10000..100000) 1, [..) 4");
    assert_eq!(shelf.facet_told(far("e.at")).await, "[1000000..) 0×0, [..10000) 1×1, [10000..100000) 1×2, [..) 2×3");
    let tiles = |path: &str, zoom, first| Facet { zoom: Some(zoom), ..shelf.facet(path, first) };
    assert_eq!(shelf.facet_told(tiles("at", 0, 9)).await, "0/0/0 4; other 0");
    assert_eq!(shelf.facet_told(tiles("at", 8, 9)).await, "8/137/83 2, 8/137/84 1, 8/235/153 1, 8/255/0 1; other 0");
    assert_eq!(shelf.facet_told(tiles("at", 8, 1)).await, "8/137/83 2; other 3");
    assert_eq!(shelf.facet_told(tiles("e.at", 8, 9)).await, "8/137/83 1×1, 8/137/84 1×2; other 0");
    assert_eq!(shelf.facet_told(tiles("at", 29, 9)).await.matches(", ").count(), 3);
    let query = Query { compute: vec![(0, Compute::Facet(tiles("at", 30, 9)))], ..shelf.query() };
    assert!(matches!(shelf.fault(query).await, hooke::search::Error::Invalid { .. }));
}

async fn what_cannot_be_counted_is_refused(ground: &Ground) {
    let shelf = ground
        .shelf(json!({ "t": { "type": "text" }, "n": { "type": "long" }, "k": { "type": "keyword" }, "o": { "properties": { "x": { "type": "keyword" } } } }))
        .await;
    shelf.fill([("a", json!({ "t": "a", "n": 1 }))]).await;
    let faults = [
        shelf.facet("t", 9),
        shelf.facet("o", 9),
        Facet { containing: Some("1".into()), ..shelf.facet("n", 9) },
        Facet { stats: true, ..shelf.facet("k", 9) },
        shelf.buckets("k", every(1.0)),
        shelf.buckets("n", days(Calendar::Day, "UTC")),
        shelf.buckets("n", every(0.0)),
        shelf.buckets("n", every(0.5)),
        Facet { ranges: vec![shelf.range("n", 1, 2)], ..shelf.buckets("n", every(1.0)) },
    ];
    for facet in faults {
        let query = Query { compute: vec![(0, Compute::Facet(facet.clone()))], ..shelf.query() };
        assert!(matches!(shelf.fault(query).await, hooke::search::Error::Invalid { .. }), "{facet:?}");
    }
    let query = Query { compute: vec![(0, Compute::Facet(shelf.facet("k", 20_000)))], ..shelf.query() };
    assert!(matches!(shelf.fault(query).await, hooke::search::Error::Limit(_)));
}
