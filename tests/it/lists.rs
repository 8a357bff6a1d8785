//! Elements of nested lists as callers see them: quantifiers, the elements beside a hit, facets, aggregates and groups with
//! counts of documents and of elements, by GraphQL and by REST, on both engines.

use serde_json::{Value as Json, json};

use crate::app::{Stage, assert_near};

/// | document | elements: sku, qty, tags, parcels |
/// | --- | --- |
/// | a | hat 1 [t, u] (dhl 1.0, ups 2.0); hat 5 [t] |
/// | b | hat 2 (dhl 3.0); cap 7 [u]; shoe without qty |
/// | c | cap 3 [u, u] (ups 4.0) |
/// | d | [] |
/// | e | none |
/// | f | one element without anything |
async fn orders() -> Vec<Stage> {
    let keyword = json!({ "type": "keyword" });
    let mapping = json!({
        "_meta": { "hooke": { "lists": { "items": true, "items.tags": true, "items.parcels": true } } },
        "properties": {
            "status": keyword, "total": { "type": "double" },
            "items": { "type": "nested", "properties": {
                "sku": keyword, "qty": { "type": "integer" }, "tags": keyword, "on": { "type": "date" },
                "parcels": { "type": "nested", "properties": { "carrier": keyword, "weight": { "type": "double" } } },
            } },
        },
    });
    let documents = [
        (
            "a",
            json!({ "status": "open", "total": 10.0, "items": [
                { "sku": "hat", "qty": 1, "tags": ["t", "u"], "on": "2024-01-05", "parcels": [{ "carrier": "dhl", "weight": 1.0 }, { "carrier": "ups", "weight": 2.0 }] },
                { "sku": "hat", "qty": 5, "tags": ["t"], "on": "2024-02-10" },
            ] }),
        ),
        (
            "b",
            json!({ "status": "open", "total": 20.0, "items": [
                { "sku": "hat", "qty": 2, "on": "2024-02-20", "parcels": [{ "carrier": "dhl", "weight": 3.0 }] },
                { "sku": "cap", "qty": 7, "tags": ["u"] },
                { "sku": "shoe" },
            ] }),
        ),
        (
            "c",
            json!({ "status": "done", "total": 30.0, "items": [{ "sku": "cap", "qty": 3, "tags": ["u", "u"], "parcels": [{ "carrier": "ups", "weight": 4.0 }] }] }),
        ),
        ("d", json!({ "status": "done", "total": 40.0, "items": [] })),
        ("e", json!({ "status": "done" })),
        ("f", json!({ "status": "open", "total": 50.0, "items": [{}] })),
    ];
    Stage::each("orders", "order", &mapping, &documents).await
}

fn ids(nodes: &Json) -> String {
    let ids: Vec<&str> = nodes.as_array().unwrap().iter().map(|node| node["_id"].as_str().unwrap()).collect();
    ids.join(" ")
}

#[tokio::test]
async fn filters_on_elements() {
    for stage in orders().await {
        for (filter, found) in [
            // one element with both, or one for each
            ("{ items: { some: { sku: { eq: \"hat\" }, qty: { gte: 5 } } } }", "a"),
            ("{ and: [{ items: { some: { sku: { eq: \"hat\" } } } }, { items: { some: { qty: { gte: 5 } } } }] }", "a b"),
            ("{ items: { some: { sku: { eq: \"cap\" } }, none: { sku: { eq: \"hat\" } } } }", "c"),
            ("{ items: { none: { sku: { eq: \"hat\" } } } }", "c d e f"),
            ("{ or: [{ items: { none: { sku: { exists: true } } } }, { status: { eq: \"open\" } }] }", "a b d e f"),
            // no element fails: an element without the field does
            ("{ items: { every: { sku: { in: [\"hat\", \"cap\"] } } } }", "a c d e"),
            ("{ items: { every: { qty: { gte: 1 } }, exists: true } }", "a c"),
            ("{ items: { every: { tags: { ne: \"t\" } } } }", "b c d e f"),
            ("{ items: { exists: true } }", "a b c f"),
            ("{ items: { exists: false } }", "d e"),
            ("{ not: { items: { some: { or: [{ qty: { lt: 2 } }, { not: { sku: { exists: true } } }] } } } }", "b c d e"),
            // nesting in nesting
            ("{ items: { some: { sku: { eq: \"hat\" }, parcels: { some: { carrier: { eq: \"ups\" } } } } } }", "a"),
            ("{ items: { some: { parcels: { none: { carrier: { eq: \"dhl\" } } } } } }", "a b c f"),
            ("{ items: { every: { parcels: { exists: true } }, exists: true } }", "c"),
            ("{ items: { some: { parcels: { some: { carrier: { eq: \"dhl\" }, weight: { gt: 2 } } } } } }", "b"),
            ("{ items: { some: { on: { gte: \"2024-02\", lt: \"2024-02-15\" } } } }", "a"),
        ] {
            let data = stage.app.data(&format!("{{ orders(filter: {filter}) {{ total {{ value }} nodes {{ _id }} }} }}")).await;
            assert_eq!(ids(&data["orders"]["nodes"]), found, "{filter}");
            assert_eq!(data["orders"]["total"]["value"], found.split(' ').count(), "{filter}");
        }
        for (filter, told) in [("{}", "some, none, every"), ("{ some: {} }", "says nothing"), ("{ none: null }", "null")] {
            let message = stage.refusal(&format!("{{ orders(filter: {{ items: {filter} }}) {{ nodes {{ _id }} }} }}")).await;
            assert!(message.contains(told), "{filter}: {message}");
        }
        let page = stage.search(json!({ "filter": { "items": { "some": { "sku": { "eq": "hat" }, "parcels": { "some": { "weight": { "gte": 2 } } } } } } })).await;
        let found: Vec<&Json> = page["edges"].as_array().unwrap().iter().map(|edge| &edge["node"]["_id"]).collect();
        assert_eq!((found, &page["total"]["value"]), (vec![&json!("a"), &json!("b")], &json!(2)));
        stage.close().await;
    }
}

#[tokio::test]
async fn elements_beside_a_hit() {
    for stage in orders().await {
        let data = stage
            .app
            .data(
                "{ orders(filter: { items: { some: { sku: { eq: \"hat\" } } } }) { edges { node { _id } innerHits {
                     items(first: 1) { total nodes { sku qty parcels { carrier } } }
                     large: items(filter: { qty: { gte: 5 } }) { total nodes { sku qty } }
                     none: items(filter: {}, first: 0) { total nodes { sku } }
                     itemsParcels { total nodes { carrier weight } }
                     ups: itemsParcels(filter: { carrier: { eq: \"ups\" } }) { total nodes { weight } }
                   } } }
                   either: orders(filter: { or: [{ items: { some: { qty: { eq: 7 } } } }, { items: { some: { sku: { eq: \"shoe\" } } } }] }) {
                     edges { innerHits { items { total nodes { sku } } } } }
                   ticked: orders(facetFilters: { items: { sku: { in: [\"cap\"] } } }) { edges { node { _id } innerHits { items { total nodes { qty } } } } }
                   all: orders { edges { innerHits { items { total } } } } }",
            )
            .await;
        assert_eq!(
            data["orders"]["edges"],
            json!([
                { "node": { "_id": "a" }, "innerHits": {
                    "items": { "total": 2, "nodes": [{ "sku": "hat", "qty": 1, "parcels": [{ "carrier": "dhl" }, { "carrier": "ups" }] }] },
                    "large": { "total": 1, "nodes": [{ "sku": "hat", "qty": 5 }] },
                    "none": { "total": 2, "nodes": [] },
                    "itemsParcels": { "total": 2, "nodes": [{ "carrier": "dhl", "weight": 1.0 }, { "carrier": "ups", "weight": 2.0 }] },
                    "ups": { "total": 1, "nodes": [{ "weight": 2.0 }] } } },
                { "node": { "_id": "b" }, "innerHits": {
                    "items": { "total": 1, "nodes": [{ "sku": "hat", "qty": 2, "parcels": [{ "carrier": "dhl" }] }] },
                    "large": { "total": 1, "nodes": [{ "sku": "cap", "qty": 7 }] },
                    "none": { "total": 3, "nodes": [] },
                    "itemsParcels": { "total": 1, "nodes": [{ "carrier": "dhl", "weight": 3.0 }] },
                    "ups": { "total": 0, "nodes": [] } } },
            ])
        );
        // any of several `some` made it a hit
        assert_eq!(
            data["either"]["edges"],
            json!([{ "innerHits": { "items": { "total": 2, "nodes": [{ "sku": "cap" }, { "sku": "shoe" }] } } }])
        );
        assert_eq!(
            data["ticked"]["edges"],
            json!([
                { "node": { "_id": "b" }, "innerHits": { "items": { "total": 1, "nodes": [{ "qty": 7 }] } } },
                { "node": { "_id": "c" }, "innerHits": { "items": { "total": 1, "nodes": [{ "qty": 3 }] } } },
            ])
        );
        let totals: Vec<&Json> =
            data["all"]["edges"].as_array().unwrap().iter().map(|edge| &edge["innerHits"]["items"]["total"]).collect();
        assert_eq!(totals, [2, 3, 1, 0, 0, 1]);
        for (inner, told) in [
            ("items(first: 101) { total }", "100"),
            (
                "a: items(first: 100) { total } b: items(first: 100, filter: {}) { total } } } } more: orders(first: 1000) { edges { innerHits { items(first: 10) { total }",
                "cost",
            ),
            ("items(filter: null) { total }", "null"),
            ("itemsParcels { total }", "give innerHits a filter"),
        ] {
            let query = format!(
                "{{ orders(filter: {{ items: {{ some: {{ parcels: {{ some: {{ carrier: {{ eq: \"ups\" }} }} }} }} }} }}) {{ edges {{ innerHits {{ {inner} }} }} }} }}"
            );
            let message = stage.refusal(&query).await;
            assert!(message.contains(told), "{inner}: {message}");
        }
        stage.close().await;
    }
}

#[tokio::test]
async fn facets_and_aggregates_over_elements() {
    for stage in orders().await {
        let data = stage
            .app
            .data(
                "{ orders(first: 0) { facets { items {
                     sku(include: [MISSING]) { values { value count nestedCount } otherCount distinctCount }
                     one: sku(first: 1, orderBy: [{ value: ASC }]) { values { value count nestedCount } otherCount }
                     cs: sku(query: \"A\") { values { value count } }
                     tags { values { value count nestedCount } otherCount }
                     qty(ranges: [{ to: 3 }, { from: 3 }]) { buckets { from to count nestedCount } stats { valueCount min max avg sum } }
                     steps: qty(interval: { size: 3 }) { buckets { from count nestedCount } }
                     on(interval: { calendar: MONTH }) { buckets { from count nestedCount } }
                     parcels { carrier(include: [MISSING]) { values { value count nestedCount } } weight(ranges: [{ from: 2 }]) { buckets { count nestedCount } } }
                   } }
                   aggregate { count total { sum } items { count nestedCount sku { distinctCount valueCount } qty { min max avg sum valueCount } on { min max } tags { valueCount }
                     parcels { count nestedCount weight { sum avg } carrier { distinctCount } } } } }
                   ticked: orders(facetFilters: { items: { sku: { in: [\"cap\"] } }, status: { eq: \"open\" } }) {
                     total { value } nodes { _id }
                     facets { items { sku { values { value count nestedCount selected } } qty { values { value count nestedCount } } } status { values { value count selected } } }
                     aggregate { count items { count nestedCount qty { sum } } } } }",
            )
            .await;
        let facets = &data["orders"]["facets"]["items"];
        let value = |value: Json, count: u32, nested: u32| json!({ "value": value, "count": count, "nestedCount": nested });
        // documents, and elements; without a value: documents in which no element has one, and elements that have none
        assert_eq!(
            facets["sku"],
            json!({
                "values": [value(json!("cap"), 2, 2), value(json!("hat"), 2, 3), value(json!("shoe"), 1, 1), value(json!(null), 3, 1)],
                "otherCount": 0,
                "distinctCount": 3,
            })
        );
        assert_eq!(facets["one"], json!({ "values": [value(json!("cap"), 2, 2)], "otherCount": 3 }));
        assert_eq!(facets["cs"]["values"], json!([{ "value": "cap", "count": 2 }, { "value": "hat", "count": 2 }]));
        assert_eq!(facets["tags"], json!({ "values": [value(json!("u"), 3, 3), value(json!("t"), 1, 2)], "otherCount": 0 }));
        let bucket = |from: Json, to: Json, count: u32, nested: u32| json!({ "from": from, "to": to, "count": count, "nestedCount": nested });
        assert_eq!(facets["qty"]["buckets"], json!([bucket(json!(null), json!(3), 2, 2), bucket(json!(3), json!(null), 3, 3)]));
        assert_near(&facets["qty"]["stats"], &json!({ "valueCount": 5, "min": 1.0, "max": 7.0, "avg": 3.6, "sum": 18.0 }));
        assert_eq!(
            facets["steps"]["buckets"],
            json!([
                { "from": 0, "count": 2, "nestedCount": 2 },
                { "from": 3, "count": 2, "nestedCount": 2 },
                { "from": 6, "count": 1, "nestedCount": 1 },
            ])
        );
        assert_eq!(
            facets["on"]["buckets"],
            json!([
                { "from": "2024-01-01T00:00:00.000Z", "count": 1, "nestedCount": 1 },
                { "from": "2024-02-01T00:00:00.000Z", "count": 2, "nestedCount": 2 },
            ])
        );
        assert_eq!(
            facets["parcels"],
            json!({
                "carrier": { "values": [value(json!("dhl"), 2, 2), value(json!("ups"), 2, 2), value(json!(null), 3, 0)] },
                "weight": { "buckets": [{ "count": 3, "nestedCount": 3 }] },
            })
        );
        assert_near(
            &data["orders"]["aggregate"],
            &json!({
                "count": 6, "total": { "sum": 150.0 },
                "items": {
                    "count": 4, "nestedCount": 7,
                    "sku": { "distinctCount": 3, "valueCount": 6 },
                    "qty": { "min": 1.0, "max": 7.0, "avg": 3.6, "sum": 18.0, "valueCount": 5 },
                    "on": { "min": "2024-01-05T00:00:00.000Z", "max": "2024-02-20T00:00:00.000Z" },
                    "tags": { "valueCount": data["orders"]["aggregate"]["items"]["tags"]["valueCount"] },
                    "parcels": { "count": 3, "nestedCount": 4, "weight": { "sum": 10.0, "avg": 2.5 }, "carrier": { "distinctCount": 2 } },
                },
            }),
        );
        let ticked = &data["ticked"];
        assert_eq!((ids(&ticked["nodes"]), &ticked["total"]["value"]), ("b".into(), &json!(1)));
        assert_eq!(
            ticked["facets"]["items"]["sku"]["values"],
            json!([
                { "value": "hat", "count": 2, "nestedCount": 3, "selected": false },
                { "value": "cap", "count": 1, "nestedCount": 1, "selected": true },
                { "value": "shoe", "count": 1, "nestedCount": 1, "selected": false },
            ])
        );
        // other facets see documents with such an element, and all their elements
        assert_eq!(ticked["facets"]["items"]["qty"]["values"], json!([value(json!(2), 1, 1), value(json!(7), 1, 1)]));
        assert_eq!(
            ticked["facets"]["status"]["values"],
            json!([{ "value": "done", "count": 1, "selected": false }, { "value": "open", "count": 1, "selected": true }])
        );
        assert_eq!(ticked["aggregate"], json!({ "count": 1, "items": { "count": 1, "nestedCount": 3, "qty": { "sum": 9.0 } } }));
        stage.close().await;
    }
}

#[tokio::test]
async fn groups_of_elements() {
    for stage in orders().await {
        let data = stage
            .app
            .data(
                "{ orders(first: 0) {
                   skus: groupBy(keys: [{ field: ITEMS_SKU, include: [MISSING] }]) { nodes {
                     key { items { sku } } count nestedCount
                     aggregate { count total { sum } items { count nestedCount qty { sum } parcels { nestedCount } } }
                     topHits(first: 1, orderBy: [{ field: TOTAL, direction: DESC }]) { _id }
                     groupBy(keys: [{ field: STATUS }]) { nodes { key { status } count nestedCount } }
                     inner: groupBy(keys: [{ field: ITEMS_QTY }], first: 2, orderBy: [{ key: DESC }]) { nodes { key { items { qty } } count nestedCount } otherCount }
                   } otherCount errorBound }
                   pairs: groupBy(keys: [{ field: ITEMS_SKU }, { field: ITEMS_TAGS }], first: 2) { nodes { key { items { sku tags } } count nestedCount } otherCount }
                   mixed: groupBy(keys: [{ field: STATUS }, { field: ITEMS_SKU }]) { nodes { key { status items { sku } } count nestedCount } }
                   many: groupBy(keys: [{ field: ITEMS_SKU }], having: { items: { nestedCount: { gte: 3 } } }) { nodes { key { items { sku } } } }
                   heavy: groupBy(keys: [{ field: ITEMS_PARCELS_CARRIER }], orderBy: [{ field: ITEMS_PARCELS_WEIGHT, metric: SUM, direction: DESC }]) {
                     nodes { key { items { parcels { carrier } } } count nestedCount aggregate { items { parcels { weight { sum } } } } } }
                   status: groupBy(keys: [{ field: STATUS }]) { nodes { key { status } count nestedCount aggregate { items { nestedCount qty { max } } }
                     groupBy(keys: [{ field: ITEMS_SKU }], first: 1) { nodes { key { items { sku } } count nestedCount } otherCount } } }
                   ranges: groupBy(keys: [{ field: ITEMS_QTY, ranges: [{ to: 3 }, { from: 3 }] }], orderBy: [{ key: ASC }]) { nodes { key { items { qty qtyRange { from to } } } count nestedCount } }
                   months: groupBy(keys: [{ field: ITEMS_ON, interval: { calendar: MONTH } }], orderBy: [{ key: DESC }]) { nodes { key { items { on } } nestedCount } }
                 } }",
            )
            .await;
        let orders = &data["orders"];
        let inner = |qty: u32| json!({ "key": { "items": { "qty": qty } }, "count": 1, "nestedCount": 1 });
        let status = |status: &str, count: u32| json!({ "key": { "status": status }, "count": count, "nestedCount": null });
        let sums = |documents: u32, total: f64, nested: u32, qty: f64, parcels: u32| json!({ "count": documents, "total": { "sum": total }, "items": { "count": documents, "nestedCount": nested, "qty": { "sum": qty }, "parcels": { "nestedCount": parcels } } });
        let nodes = orders["skus"]["nodes"].as_array().unwrap();
        let known: Vec<String> = nodes
            .iter()
            .map(|node| format!("{} {} {}", node["key"]["items"]["sku"], node["count"], node["nestedCount"]))
            .collect();
        assert_eq!(known, ["\"cap\" 2 2", "\"hat\" 2 3", "\"shoe\" 1 1", "null 1 1"], "{}", orders["skus"]);
        let hat = nodes.iter().find(|node| node["key"]["items"]["sku"] == "hat").unwrap();
        assert_near(
            hat,
            &json!({
                "key": { "items": { "sku": "hat" } }, "count": 2, "nestedCount": 3,
                // its path is over the elements of the group, all else over its documents
                "aggregate": sums(2, 30.0, 3, 8.0, 3),
                "topHits": [{ "_id": "b" }],
                "groupBy": { "nodes": [status("open", 2)] },
                "inner": { "nodes": [inner(5), inner(2)], "otherCount": 1 },
            }),
        );
        assert_eq!((&orders["skus"]["otherCount"], &orders["skus"]["errorBound"]), (&json!(0), &json!(0)));
        let pair = |sku: &str, tag: &str, count: u32, nested: u32| json!({ "key": { "items": { "sku": sku, "tags": tag } }, "count": count, "nestedCount": nested });
        // keys of one element; tags of others do not mix in
        assert_eq!(orders["pairs"], json!({ "nodes": [pair("cap", "u", 2, 2), pair("hat", "t", 1, 2)], "otherCount": 1 }));
        let mixed = |status: &str, sku: &str, count: u32, nested: u32| json!({ "key": { "status": status, "items": { "sku": sku } }, "count": count, "nestedCount": nested });
        assert_eq!(
            orders["mixed"]["nodes"],
            json!([
                mixed("open", "hat", 2, 3),
                mixed("done", "cap", 1, 1),
                mixed("open", "cap", 1, 1),
                mixed("open", "shoe", 1, 1)
            ])
        );
        assert_eq!(orders["many"]["nodes"], json!([{ "key": { "items": { "sku": "hat" } } }]));
        let heavy = |carrier: &str, sum: f64| json!({ "key": { "items": { "parcels": { "carrier": carrier } } }, "count": 2, "nestedCount": 2, "aggregate": { "items": { "parcels": { "weight": { "sum": sum } } } } });
        assert_near(&orders["heavy"]["nodes"], &json!([heavy("ups", 6.0), heavy("dhl", 4.0)]));
        assert_near(
            &orders["status"]["nodes"],
            &json!([
                { "key": { "status": "done" }, "count": 3, "nestedCount": null, "aggregate": { "items": { "nestedCount": 1, "qty": { "max": 3.0 } } },
                  "groupBy": { "nodes": [{ "key": { "items": { "sku": "cap" } }, "count": 1, "nestedCount": 1 }], "otherCount": 0 } },
                { "key": { "status": "open" }, "count": 3, "nestedCount": null, "aggregate": { "items": { "nestedCount": 6, "qty": { "max": 7.0 } } },
                  "groupBy": { "nodes": [{ "key": { "items": { "sku": "hat" } }, "count": 2, "nestedCount": 3 }], "otherCount": 2 } },
            ]),
        );
        let range = |from: Json, to: Json, count: u32, nested: u32| json!({ "key": { "items": { "qty": null, "qtyRange": { "from": from, "to": to } } }, "count": count, "nestedCount": nested });
        assert_eq!(orders["ranges"]["nodes"], json!([range(json!(null), json!(3), 2, 2), range(json!(3), json!(null), 3, 3)]));
        assert_eq!(
            orders["months"]["nodes"],
            json!([
                { "key": { "items": { "on": "2024-02-01T00:00:00.000Z" } }, "nestedCount": 2 },
                { "key": { "items": { "on": "2024-01-01T00:00:00.000Z" } }, "nestedCount": 1 },
            ])
        );

        // pages of groups of elements
        let query = "query($after: String) { orders { groupBy(keys: [{ field: ITEMS_SKU }], first: 2, after: $after, orderBy: [{ key: ASC }]) {
            nodes { key { items { sku } } nestedCount } otherCount pageInfo { hasNextPage endCursor } } } }";
        let first = stage.app.graphql(query, json!({})).await["data"]["orders"]["groupBy"].take();
        let second =
            stage.app.graphql(query, json!({ "after": first["pageInfo"]["endCursor"] })).await["data"]["orders"]["groupBy"]
                .take();
        assert_eq!(second["nodes"], json!([{ "key": { "items": { "sku": "shoe" } }, "nestedCount": 1 }]));
        assert_eq!((&first["pageInfo"]["hasNextPage"], &second["pageInfo"]["hasNextPage"]), (&json!(true), &json!(false)));
        stage.close().await;
    }
}
