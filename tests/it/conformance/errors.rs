//! What cannot be done says so; nothing is ever ignored.

use std::time::Duration;

use hooke::search::{Call, Error, Query};
use serde_json::json;

use crate::ground::{Ground, Shelf, call};

conformance! {
    a_field_without_columns_cannot_be_sorted
    a_call_whose_time_is_over_is_timed_out
    a_collection_that_is_not_there
}

async fn plain(ground: &Ground) -> Shelf<'_> {
    let shelf = ground
        .shelf(json!({
            "k": { "type": "keyword" }, "p": { "type": "geo_point" }, "v": { "type": "dense_vector", "dims": 2 },
            "n": { "type": "nested", "properties": { "a": { "type": "keyword" } } }, "lone": { "type": "keyword", "doc_values": false }
        }))
        .await;
    shelf.fill([("1", json!({ "k": "a", "p": { "lat": 1, "lon": 2 }, "n": [{ "a": "x" }] }))]).await;
    shelf
}

async fn a_field_without_columns_cannot_be_sorted(ground: &Ground) {
    let shelf = plain(ground).await;
    let fault = shelf.fault(Query { order: vec![shelf.asc("lone")], ..shelf.query() }).await;
    assert!(matches!(fault, Error::Invalid { .. } | Error::Unsupported(_)), "{fault:?}");
}

async fn a_call_whose_time_is_over_is_timed_out(ground: &Ground) {
    let shelf = plain(ground).await;
    let call = Call::within(Duration::ZERO);
    let fault = match ground.engine.search(&call, &[shelf.query()]).await {
        Err(fault) => fault,
        Ok(mut pages) => pages.remove(0).expect_err("the time is over"),
    };
    assert!(matches!(fault, Error::Timeout), "{fault:?}");
}

async fn a_collection_that_is_not_there(ground: &Ground) {
    let shelf = plain(ground).await;
    ground.engine.remove(&call(), &shelf.name).await.unwrap();
    assert!(matches!(shelf.fault(shelf.query()).await, Error::NotFound(_)));
    let snapshot = ground.engine.open_snapshot(&call(), &shelf.name).await;
    assert!(matches!(snapshot, Err(Error::NotFound(_))), "{snapshot:?}");
}
