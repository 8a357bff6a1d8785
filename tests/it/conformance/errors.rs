//! What cannot be done says so; nothing is ever ignored.

use std::time::Duration;

use hooke::search::{Call, Compute, Error, Filter, GeoPoint, InnerHits, Metric, Quantifier, Query, Rank, Scope, Suggest};
use serde_json::json;

use crate::ground::{Ground, Shelf, call};

conformance! {
    what_comes_later_is_unsupported
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

async fn what_comes_later_is_unsupported(ground: &Ground) {
    let shelf = plain(ground).await;
    let nested = |filter| Filter::Nested { field: shelf.field("n"), quantifier: Quantifier::Some, filter: Box::new(filter) };
    let point = GeoPoint { lat: 1.0, lon: 2.0 };
    let mut queries = vec![
        ("near", Query { filter: Filter::Near { field: shelf.field("p"), center: point, metres: 10.0 }, ..shelf.query() }),
        ("polygon", Query { filter: Filter::InPolygon { field: shelf.field("p"), points: vec![point; 3] }, ..shelf.query() }),
        ("nested", Query { filter: nested(Filter::All), ..shelf.query() }),
        ("nested below not", Query { rule: Filter::not(nested(Filter::All)), ..shelf.query() }),
        (
            "knn",
            Query {
                rank: Some(Rank::Knn { field: shelf.field("v"), vector: vec![1.0, 0.0], k: 1, candidates: 10 }),
                ..shelf.query()
            },
        ),
        ("fused", Query { rank: Some(Rank::Fused(vec![])), ..shelf.query() }),
        ("suggest", Query { suggest: vec![(0, Suggest::DidYouMean { text: "x".into(), fields: vec![] })], ..shelf.query() }),
        (
            "metrics",
            Query {
                compute: vec![(
                    0,
                    Compute::Metrics { scope: Scope::Matched, under: None, of: vec![(shelf.field("k"), Metric::Distinct)] },
                )],
                ..shelf.query()
            },
        ),
    ];
    let mut inner = shelf.query();
    inner.fetch.inner_hits = vec![InnerHits { field: shelf.field("n"), filter: Filter::All, size: 1 }];
    queries.push(("inner hits", inner));
    for (name, query) in queries {
        let fault = match ground.engine.search(&call(), &[query]).await {
            Ok(mut pages) => pages.remove(0).expect_err(name),
            Err(fault) => fault,
        };
        assert!(matches!(fault, Error::Unsupported(_)), "{name}: {fault:?}");
    }
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
