//! Facets, metrics and groups over elements of nested lists: documents and elements are both counted.

use hooke::search::value::Value;
use hooke::search::{
    Compute, Direction, Facet, FacetOrder, GroupBy, GroupKey, GroupOrder, Having, Measure, Metric, Quantifier, Query, Range,
    Scope, Top,
};
use serde_json::json;

use super::computing::{BY_KEY, every, tell};
use crate::ground::{Ground, Shelf};

conformance! {
    facets_count_documents_and_elements
    a_facet_of_elements_ignores_its_own_tick
    metrics_are_over_elements
    groups_by_keys_of_elements
    keys_of_documents_and_of_elements
    inside_groups_of_elements
    conditions_and_orders_by_elements
    lists_that_do_not_hold_one_another
}

async fn orders(ground: &Ground) -> Shelf<'_> {
    let shelf = ground
        .shelf(json!({
            "status": { "type": "keyword" }, "total": { "type": "double" },
            "items": { "type": "nested", "properties": {
                "sku": { "type": "keyword" }, "qty": { "type": "integer" },
                "parcels": { "type": "nested", "properties": { "carrier": { "type": "keyword" }, "weight": { "type": "double" } } }
            } },
            "notes": { "type": "nested", "properties": { "by": { "type": "keyword" } } }
        }))
        .await;
    shelf
        .fill([
            (
                "a",
                json!({ "status": "open", "total": 10, "notes": [{ "by": "x" }, { "by": "y" }], "items": [
                    { "sku": "pen", "qty": 1, "parcels": [{ "carrier": "dhl", "weight": 1 }, { "carrier": "dhl", "weight": 2 }] },
                    { "sku": "pen", "qty": 2 },
                    { "sku": "ink", "qty": 5, "parcels": { "carrier": "ups", "weight": 4 } }
                ] }),
            ),
            (
                "b",
                json!({ "status": "done", "total": 20, "items": { "sku": "pen", "qty": 10, "parcels": [{ "carrier": "ups" }] } }),
            ),
            ("c", json!({ "status": "open", "total": 30, "items": [] })),
            ("d", json!({ "status": "open", "items": [{ "qty": 7 }, { "sku": ["cap", "hat"] }], "notes": { "by": "x" } })),
            ("e", json!({ "total": 40, "items": [{}] })),
        ])
        .await;
    shelf
}

async fn facets_count_documents_and_elements(ground: &Ground) {
    let shelf = orders(ground).await;
    let all = |path: &str, first| Facet { missing: true, distinct: true, ..shelf.facet(path, first) };
    assert_eq!(shelf.facet_told(all("items.sku", 9)).await, "pen 2×3, cap 1×1, hat 1×1, ink 1×1, ∅ 2×2; other 0; distinct 4");
    assert_eq!(shelf.facet_told(all("items.sku", 1)).await, "pen 2×3, ∅ 2×2; other 3; distinct 4");
    assert_eq!(shelf.facet_told(all("items.parcels.carrier", 9)).await, "ups 2×2, dhl 1×2, ∅ 3×0; other 0; distinct 2");
    let by_value = Facet { order: vec![FacetOrder::Value(Direction::Desc)], ..shelf.facet("items.sku", 2) };
    assert_eq!(shelf.facet_told(by_value).await, "pen 2×3, ink 1×1; other 2");
    let containing = Facet { containing: Some("A".into()), ..shelf.facet("items.sku", 9) };
    assert_eq!(shelf.facet_told(containing).await, "cap 1×1, hat 1×1; other 0");
    let ranges = vec![shelf.range("items.qty", 5, json!(null)), shelf.range("items.qty", 1, 3)];
    let buckets = Facet { values: None, ranges, stats: true, ..shelf.facet("items.qty", 0) };
    assert_eq!(shelf.facet_told(buckets).await, "[5..) 3×3, [1..3) 1×2; 5 values 1..10, avg 5, sum 25");
    let buckets = shelf.buckets("items.qty", every(4.0));
    assert_eq!(shelf.facet_told(buckets).await, "[0..4) 1×2, [4..8) 2×2, [8..12) 1×1");
}

async fn a_facet_of_elements_ignores_its_own_tick(ground: &Ground) {
    let shelf = orders(ground).await;
    let some = |filter| hooke::search::Filter::Nested {
        field: shelf.field("items"),
        quantifier: Quantifier::Some,
        filter: Box::new(filter),
    };
    let query = Query {
        ticks: vec![
            (shelf.field("items.sku"), some(shelf.eq("items.sku", "ink"))),
            (shelf.field("status"), shelf.eq("status", "open")),
        ],
        compute: vec![
            (1, Compute::Facet(shelf.facet("items.sku", 9))),
            (2, Compute::Facet(shelf.facet("status", 9))),
            (3, Compute::Facet(shelf.facet("items.qty", 9))),
        ],
        ..shelf.query()
    };
    let page = shelf.page(query).await;
    let told: Vec<String> = page.computed.iter().map(|(_, computed)| tell(computed)).collect();
    assert_eq!(crate::ground::ids(&page), "a");
    assert_eq!(told, ["cap 1×1, hat 1×1, ink 1×1, pen 1×2; other 0", "open 1; other 0", "1 1×1, 2 1×1, 5 1×1; other 0"]);
}

fn over(shelf: &Shelf<'_>, list: Option<&str>, of: &[(&str, Metric)]) -> Compute {
    let of = of.iter().map(|(path, metric)| (shelf.field(path), metric.clone())).collect();
    Compute::Metrics { scope: Scope::Matched, under: list.map(|list| shelf.field(list)), of }
}

async fn metrics_are_over_elements(ground: &Ground) {
    let shelf = orders(ground).await;
    let items = over(
        &shelf,
        Some("items"),
        &[("items.qty", Metric::Stats), ("items.sku", Metric::Distinct), ("items.sku", Metric::ValueCount)],
    );
    assert_eq!(shelf.told(items).await, "4×7 of: 5 values 1..10, avg 5, sum 25; distinct 4; 6 values");
    let parcels = over(&shelf, Some("items.parcels"), &[("items.parcels.weight", Metric::Stats)]);
    assert_eq!(shelf.told(parcels).await, "2×4 of: 3 values 1..4, avg 2.3333333333333335, sum 7");
    assert_eq!(shelf.told(over(&shelf, Some("notes"), &[])).await, "2×3 of: ");
    let query = Query { compute: vec![(0, over(&shelf, None, &[("items.qty", Metric::Stats)]))], ..shelf.query() };
    assert!(matches!(shelf.fault(query).await, hooke::search::Error::Invalid { .. }));
}

async fn groups_by_keys_of_elements(ground: &Ground) {
    let shelf = orders(ground).await;
    assert_eq!(shelf.groups_told(shelf.groups(&["items.sku"], 2)).await, "pen 2×3, cap 1×1, …; other 2");
    let by_key = GroupBy { order: vec![BY_KEY], ..shelf.groups(&["items.sku"], 9) };
    assert_eq!(shelf.groups_told(by_key.clone()).await, "cap 1×1, hat 1×1, ink 1×1, pen 2×3; other 0");
    let after = GroupBy { after: Some(vec![Some(Value::Text("hat".into()))]), ..by_key };
    assert_eq!(shelf.groups_told(after).await, "ink 1×1, pen 2×3; other 2");
    // keys of one and the same element
    assert_eq!(
        shelf.groups_told(shelf.groups(&["items.sku", "items.qty"], 9)).await,
        "ink/5 1×1, pen/1 1×1, pen/2 1×1, pen/10 1×1; other 0"
    );
    let missing = GroupKey { missing: true, ..shelf.key("items.sku") };
    let groups = GroupBy { keys: vec![missing], ..shelf.groups(&[], 2) };
    assert_eq!(shelf.groups_told(groups).await, "pen 2×3, ∅ 2×2, …; other 3");
    let sized = GroupKey { interval: Some(every(5.0)), ..shelf.key("items.qty") };
    let groups = GroupBy { keys: vec![sized], ..shelf.groups(&[], 9) };
    assert_eq!(shelf.groups_told(groups).await, "[5..10) 2×2, [0..5) 1×2, [10..15) 1×1; other 0");
}

async fn keys_of_documents_and_of_elements(ground: &Ground) {
    let shelf = orders(ground).await;
    assert_eq!(
        shelf.groups_told(shelf.groups(&["items.sku", "status"], 9)).await,
        "cap/open 1×1, hat/open 1×1, ink/open 1×1, pen/done 1×1, pen/open 1×2; other 0"
    );
    assert_eq!(
        shelf.groups_told(shelf.groups(&["items.parcels.carrier", "items.sku", "status"], 9)).await,
        "dhl/pen/open 1×2, ups/ink/open 1×1, ups/pen/done 1×1; other 0"
    );
}

async fn inside_groups_of_elements(ground: &Ground) {
    let shelf = orders(ground).await;
    let inside = vec![
        // of the elements of the group, and below them
        (1, over(&shelf, Some("items"), &[("items.qty", Metric::Stats)])),
        (2, over(&shelf, Some("items.parcels"), &[])),
        // of their documents
        (3, over(&shelf, None, &[("total", Metric::Stats)])),
        (4, over(&shelf, Some("notes"), &[])),
        (5, Compute::Top(Top { size: 3, order: vec![], fields: Some(vec![]) })),
        (6, Compute::Groups(shelf.groups(&["items.qty"], 2))),
        (7, Compute::Groups(shelf.groups(&["status"], 2))),
        (8, Compute::Groups(shelf.groups(&["items.parcels.carrier"], 2))),
    ];
    let groups = GroupBy { inside, order: vec![GroupOrder::Key(Direction::Desc)], ..shelf.groups(&["items.sku"], 2) };
    assert_eq!(
        shelf.groups_told(groups).await,
        "pen 2×3 (2×3 of: 3 values 1..10, avg 4.333333333333333, sum 13) (2×3 of: ) (2 of: 2 values 10..20, avg 15, sum 30) \
         (1×2 of: ) (a b) (1 1×1, 2 1×1, …; other 1) (done 1, open 1; other 0) (dhl 1×2, ups 1×1; other 0), \
         ink 1×1 (1×1 of: 1 values 5..5, avg 5, sum 5) (1×1 of: ) (1 of: 1 values 10..10, avg 10, sum 10) \
         (1×2 of: ) (a) (5 1×1; other 0) (open 1; other 0) (ups 1×1; other 0), …; other 2"
    );
    // elements inside of groups of documents
    let inside = vec![(1, over(&shelf, Some("items"), &[])), (2, Compute::Groups(shelf.groups(&["items.sku"], 1)))];
    let groups = GroupBy { inside, ..shelf.groups(&["status"], 9) };
    assert_eq!(
        shelf.groups_told(groups).await,
        "open 3 (2×5 of: ) (cap 1×1, …; other 3), done 1 (1×1 of: ) (pen 1×1; other 0); other 0"
    );
}

async fn conditions_and_orders_by_elements(ground: &Ground) {
    let shelf = orders(ground).await;
    let from = |value| Range { lower: Some((value, true)), upper: None };
    let count =
        |list: &str, elements, at| Having::Count { under: Some(shelf.field(list)), elements, range: from(Value::Long(at)) };
    let told = async |path: &str, having| shelf.groups_told(GroupBy { having: Some(having), ..shelf.groups(&[path], 9) }).await;
    assert_eq!(told("status", count("items", true, 2)).await, "open 3; other 1");
    assert_eq!(told("status", count("items", false, 1)).await, "open 3, done 1; other 0");
    assert_eq!(told("status", count("items.parcels", true, 1)).await, "open 3, done 1; other 0");
    assert_eq!(told("items.sku", count("items", true, 2)).await, "pen 2×3; other 3");
    assert_eq!(told("items.sku", count("items.parcels", true, 1)).await, "pen 2×3, ink 1×1; other 2");
    let own = Having::Count { under: None, elements: false, range: from(Value::Long(2)) };
    assert_eq!(told("items.sku", own).await, "pen 2×3; other 3");
    let qty = Having::Metric { field: shelf.field("items.qty"), measure: Measure::Sum, range: from(Value::Double(10.0)) };
    assert_eq!(told("items.sku", qty.clone()).await, "pen 2×3; other 3");
    assert_eq!(told("status", qty).await, "open 3, done 1; other 0");
    let by = |path: &str, measure, direction| GroupOrder::Metric { field: shelf.field(path), measure, direction };
    let ordered = async |path: &str, order| shelf.groups_told(GroupBy { order: vec![order], ..shelf.groups(&[path], 9) }).await;
    let by_qty = by("items.qty", Measure::Max, Direction::Desc);
    assert_eq!(ordered("items.sku", by_qty.clone()).await, "pen 2×3, ink 1×1, cap 1×1, hat 1×1; other 0");
    assert_eq!(ordered("status", by_qty).await, "done 1, open 3; other 0");
    let by_total = by("total", Measure::Max, Direction::Asc);
    assert_eq!(ordered("items.sku", by_total).await, "ink 1×1, pen 2×3, cap 1×1, hat 1×1; other 0");
}

async fn lists_that_do_not_hold_one_another(ground: &Ground) {
    let shelf = orders(ground).await;
    let mixed = GroupBy {
        inside: vec![(1, Compute::Groups(shelf.groups(&["items.qty", "status"], 9)))],
        ..shelf.groups(&["items.sku"], 9)
    };
    for groups in [shelf.groups(&["items.sku", "notes.by"], 9), mixed] {
        let query = Query { compute: vec![(0, Compute::Groups(groups.clone()))], ..shelf.query() };
        assert!(matches!(shelf.fault(query).await, hooke::search::Error::Invalid { .. }), "{groups:?}");
    }
    // another list of the same documents
    let notes = GroupBy { inside: vec![(1, Compute::Groups(shelf.groups(&["notes.by"], 9)))], ..shelf.groups(&["items.sku"], 1) };
    assert_eq!(shelf.groups_told(notes).await, "pen 2×3 (x 1×1, y 1×1; other 0), …; other 3");
}
