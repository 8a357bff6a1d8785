//! Dates: formats, spans, milliseconds and nanoseconds, extremes.

use hooke::search::Filter;
use serde_json::json;

use crate::ground::Ground;

conformance! {
    a_day_is_all_of_it
    formats_are_those_of_the_mapping
    years_far_away
    milliseconds_are_kept_of_a_date_and_nanoseconds_of_a_date_nanos
    dates_sort_by_time
    bounds_within_a_millisecond
}

async fn a_day_is_all_of_it(ground: &Ground) {
    let shelf = ground.shelf(json!({ "d": { "type": "date" } })).await;
    shelf
        .fill([
            ("first", json!({ "d": "2024-03-01T00:00:00.000Z" })),
            ("noon", json!({ "d": "2024-03-01T12:00:00+02:00" })),
            ("last", json!({ "d": "2024-03-01T23:59:59.999Z" })),
            ("next", json!({ "d": "2024-03-02" })),
            ("millis", json!({ "d": 1_709_251_200_000i64 })),
            ("month", json!({ "d": "2024-03" })),
            ("none", json!({})),
        ])
        .await;
    assert_eq!(shelf.found(shelf.during("d", "2024-03-01")).await, "first noon last millis month");
    assert_eq!(shelf.found(shelf.during("d", "2024-03-01T23:59:59Z")).await, "last");
    assert_eq!(shelf.found(shelf.during("d", "2024-02-28||+2d/d")).await, "first noon last millis month");
    assert_eq!(shelf.found(shelf.eq("d", "2024-03-01T10:00:00.000Z")).await, "noon");
    assert_eq!(shelf.found(Filter::not(shelf.during("d", "2024-03-01"))).await, "next none");
}

async fn formats_are_those_of_the_mapping(ground: &Ground) {
    let shelf = ground
        .shelf(json!({
            "a": { "type": "date", "format": "dd/MM/yyyy||epoch_second" },
            "b": { "type": "date", "format": "yyyy-MM-dd HH:mm:ss" },
            "c": { "type": "date", "format": "basic_date" },
            "e": { "type": "date", "format": "epoch_millis" }
        }))
        .await;
    shelf
        .fill([
            ("1", json!({ "a": "01/02/2024", "b": "2024-02-01 10:00:00", "c": "20240201", "e": 1_706_745_600_000i64 })),
            ("2", json!({ "a": 1_706_745_600, "b": "2024-02-02 00:00:00", "c": "20240202", "e": "1706832000000" })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.during("a", "2024-02-01")).await, "1 2");
    for path in ["b", "c", "e"] {
        assert_eq!(shelf.found(shelf.during(path, "2024-02-01")).await, "1", "{path}");
        assert_eq!(shelf.found(shelf.gte(path, "2024-02-02")).await, "2", "{path}");
    }
    for source in
        [json!({ "a": "2024-02-01" }), json!({ "b": "2024-02-01" }), json!({ "c": "2024-02-01" }), json!({ "e": "2024-02-01" })]
    {
        let outcome = shelf.send(vec![shelf.index("x", source.clone())]).await.remove(0);
        assert!(outcome.is_err(), "{source}");
    }
}

async fn years_far_away(ground: &Ground) {
    let shelf = ground.shelf(json!({ "d": { "type": "date" } })).await;
    shelf
        .fill([
            ("bc", json!({ "d": "-0044-03-15" })),
            ("zero", json!({ "d": "0000-01-01" })),
            ("old", json!({ "d": "1066-10-14" })),
            ("end", json!({ "d": "9999-12-31T23:59:59.999Z" })),
            ("far", json!({ "d": 99_999_999_999_999i64 * 10 })),
        ])
        .await;
    assert_eq!(shelf.ordered(vec![shelf.asc("d")]).await, "bc zero old end far");
    assert_eq!(shelf.found(shelf.lt("d", "0001-01-01")).await, "bc zero");
    assert_eq!(shelf.found(shelf.gt("d", "9999-12-31T23:59:59.998Z")).await, "end far");
}

async fn milliseconds_are_kept_of_a_date_and_nanoseconds_of_a_date_nanos(ground: &Ground) {
    let shelf = ground.shelf(json!({ "d": { "type": "date" }, "n": { "type": "date_nanos" } })).await;
    let text = |nanos: u32| format!("2024-01-01T00:00:00.{nanos:09}Z");
    shelf
        .fill([
            ("a", json!({ "d": text(123_456_789), "n": text(123_456_789) })),
            ("b", json!({ "d": text(123_000_000), "n": text(123_456_790) })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.eq("d", text(123_000_000))).await, "a b");
    assert_eq!(shelf.found(shelf.eq("n", text(123_456_789))).await, "a");
    assert_eq!(shelf.found(shelf.gt("n", text(123_456_789))).await, "b");
    assert_eq!(shelf.ordered(vec![shelf.desc("n")]).await, "b a");
    let outcome = shelf.send(vec![shelf.index("x", json!({ "n": "1969-12-31" }))]).await.remove(0);
    assert!(outcome.is_err());
}

async fn dates_sort_by_time(ground: &Ground) {
    let shelf = ground.shelf(json!({ "d": { "type": "date" }, "n": { "type": "date_nanos" } })).await;
    shelf
        .fill([
            ("none", json!({})),
            ("b", json!({ "d": ["2024-01-02", "2024-01-09"], "n": "2024-01-02" })),
            ("a", json!({ "d": "2024-01-01", "n": "2024-01-01" })),
            ("c", json!({ "d": "2024-01-03", "n": "2024-01-03" })),
        ])
        .await;
    assert_eq!(shelf.ordered(vec![shelf.asc("d")]).await, "a b c none");
    assert_eq!(shelf.ordered(vec![shelf.desc("d")]).await, "b c a none");
    assert_eq!(shelf.ordered(vec![shelf.asc("n")]).await, "a b c none");
    assert_eq!(shelf.ordered(vec![shelf.desc("n")]).await, "c b a none");
}

async fn bounds_within_a_millisecond(ground: &Ground) {
    use hooke::search::date::Time;
    use hooke::search::{Range, value::Value};
    let shelf = ground.shelf(json!({ "d": { "type": "date" } })).await;
    shelf.fill([("0", json!({ "d": 0 })), ("1", json!({ "d": 1 })), ("minus", json!({ "d": -1 }))]).await;
    // the last nanosecond of millisecond 0, as the end of a span is written
    let end = Value::Date(Time(999_999));
    let range = |lower, upper| Filter::Range(shelf.field("d"), Range { lower, upper });
    assert_eq!(shelf.found(range(None, Some((end.clone(), true)))).await, "0 minus");
    assert_eq!(shelf.found(range(Some((end, false)), None)).await, "1");
}
