//! Places as callers see them: filters, distances, rings and tiles, by GraphQL and by REST, on both engines.

use serde_json::{Value as Json, json};

use crate::app::{Stage, assert_near};

const BERLIN: &str = "{ lat: 52.52, lon: 13.405 }";
const TO_POTSDAM: f64 = 27_191.21;
const TO_HAMBURG: f64 = 255_250.52;
const TO_APIA: f64 = 15_688_886.28;
const TO_SUVA: f64 = 15_976_489.46;

async fn stops() -> Vec<Stage> {
    let point = json!({ "type": "geo_point" });
    let mapping = json!({
        "_meta": { "hooke": { "lists": { "seen": true } } },
        "properties": { "land": { "type": "keyword" }, "at": point, "seen": point },
    });
    let (berlin, suva) = (json!({ "lat": 52.52, "lon": 13.405 }), json!({ "lat": -18.1416, "lon": 178.4419 }));
    let documents = [
        ("berlin", json!({ "land": "de", "at": berlin, "seen": [suva, berlin] })),
        ("potsdam", json!({ "land": "de", "at": { "lat": 52.3906, "lon": 13.0645 } })),
        ("hamburg", json!({ "land": "de", "at": { "lat": 53.5511, "lon": 9.9937 }, "seen": [] })),
        ("suva", json!({ "land": "fj", "at": suva, "seen": [suva] })),
        ("apia", json!({ "land": "ws", "at": { "lat": -13.8333, "lon": -171.7667 } })),
        ("nowhere", json!({ "land": "de" })),
    ];
    Stage::each("stops", "stop", &mapping, &documents).await
}

fn ids(nodes: &Json) -> String {
    let ids: Vec<&str> = nodes.as_array().unwrap().iter().map(|node| node["_id"].as_str().unwrap()).collect();
    ids.join(" ")
}

#[tokio::test]
async fn filters_by_place() {
    for stage in stops().await {
        for (filter, found) in [
            ("{ at: { near: { lat: 52.52, lon: 13.405, distance: \"28km\" } } }", "berlin potsdam"),
            ("{ at: { near: { lat: 52.52, lon: 13.405, distance: \"27km\" } } }", "berlin"),
            ("{ at: { near: { lat: 52.52, lon: 13.405, distance: \"17mi\" } } }", "berlin potsdam"),
            ("{ not: { at: { near: { lat: 52.52, lon: 13.405, distance: \"300km\" } } } }", "suva apia nowhere"),
            // across the date line
            ("{ at: { withinBox: { topLeft: { lat: 0, lon: 170 }, bottomRight: { lat: -20, lon: -170 } } } }", "suva apia"),
            ("{ at: { withinBox: { topLeft: { lat: 60, lon: 9 }, bottomRight: { lat: 50, lon: 13.1 } } } }", "potsdam hamburg"),
            (
                "{ at: { withinPolygon: { points: [{ lat: 52, lon: 12 }, { lat: 54, lon: 9 }, { lat: 54, lon: 14 }] } } }",
                "hamburg",
            ),
            ("{ at: { exists: false } }", "nowhere"),
            // of a list: some point
            ("{ seen: { near: { lat: 52.52, lon: 13.405, distance: \"1m\" } } }", "berlin"),
            ("{ seen: { near: { lat: -18, lon: 178, distance: \"100km\" } }, land: { ne: \"fj\" } }", "berlin"),
            ("{ seen: { exists: true } }", "berlin suva"),
        ] {
            let data = stage.app.data(&format!("{{ stops(filter: {filter}) {{ total {{ value }} nodes {{ _id }} }} }}")).await;
            assert_eq!(ids(&data["stops"]["nodes"]), found, "{filter}");
            assert_eq!(data["stops"]["total"]["value"], found.split(' ').count());
        }
        for (filter, told) in [
            ("{ at: { near: { lat: 91, lon: 0, distance: \"1km\" } } }", "-90"),
            ("{ at: { near: { lat: 1, lon: 0, distance: \"0km\" } } }", "greater than zero"),
            ("{ at: { near: { lat: 1, lon: 0, distance: \"far\" } } }", "no distance such as"),
            ("{ at: {} }", "withinPolygon"),
            ("{ at: { withinBox: { topLeft: { lat: 0, lon: 0 }, bottomRight: { lat: 1, lon: 1 } } } }", "south"),
            ("{ at: { withinPolygon: { points: [{ lat: 0, lon: 0 }, { lat: 1, lon: 1 }] } } }", "three corners"),
        ] {
            let message = stage.refusal(&format!("{{ stops(filter: {filter}) {{ nodes {{ _id }} }} }}")).await;
            assert!(message.contains(told), "{filter}: {message}");
        }
        stage.close().await;
    }
}

#[tokio::test]
async fn nearest_first_with_the_distance() {
    for stage in stops().await {
        let edge = |id: &str, distance: Json| json!({ "distance": distance, "node": { "_id": id } });
        let data = stage
            .app
            .data(&format!(
                "{{
                   near: stops(orderBy: [{{ distance: {{ field: AT, from: {BERLIN} }} }}]) {{ edges {{ distance node {{ _id }} }} }}
                   far: stops(orderBy: [{{ distance: {{ field: AT, from: {BERLIN} }}, direction: DESC }}], first: 2) {{ edges {{ distance node {{ _id }} }} }}
                   lands: stops(orderBy: [{{ field: LAND, direction: DESC }}, {{ distance: {{ field: AT, from: {BERLIN} }} }}], first: 3) {{ edges {{ distance node {{ _id }} }} }}
                   least: stops(filter: {{ seen: {{ exists: true }} }}, orderBy: [{{ distance: {{ field: SEEN, from: {BERLIN} }} }}]) {{ edges {{ distance node {{ _id }} }} }}
                   most: stops(filter: {{ seen: {{ exists: true }} }}, orderBy: [{{ distance: {{ field: SEEN, from: {BERLIN} }}, direction: DESC }}, {{ field: LAND, direction: DESC }}]) {{ edges {{ distance node {{ _id }} }} }}
                   other: stops(orderBy: [{{ field: LAND }}], first: 1) {{ edges {{ distance node {{ _id }} }} }}
                 }}"
            ))
            .await;
        assert_near(
            &data["near"]["edges"],
            &json!([
                edge("berlin", json!(0.0)),
                edge("potsdam", json!(TO_POTSDAM)),
                edge("hamburg", json!(TO_HAMBURG)),
                edge("apia", json!(TO_APIA)),
                edge("suva", json!(TO_SUVA)),
                edge("nowhere", json!(null)),
            ]),
        );
        assert_near(&data["far"]["edges"], &json!([edge("nowhere", json!(null)), edge("suva", json!(TO_SUVA))]));
        assert_near(
            &data["lands"]["edges"],
            &json!([edge("apia", json!(TO_APIA)), edge("suva", json!(TO_SUVA)), edge("berlin", json!(0.0))]),
        );
        assert_near(&data["least"]["edges"], &json!([edge("berlin", json!(0.0)), edge("suva", json!(TO_SUVA))]));
        assert_near(&data["most"]["edges"], &json!([edge("suva", json!(TO_SUVA)), edge("berlin", json!(TO_SUVA))]));
        assert_near(&data["other"]["edges"], &json!([edge("berlin", json!(null))]));

        // a walk over pages, to the one without a place, and back
        for consistency in ["LIVE", "SNAPSHOT"] {
            let query = format!(
                "query($first: Int, $after: String, $last: Int, $before: String) {{
                   stops(orderBy: [{{ distance: {{ field: AT, from: {BERLIN} }} }}], first: $first, after: $after, last: $last, before: $before, consistency: {consistency}) {{
                     nodes {{ _id }} pageInfo {{ hasNextPage startCursor endCursor }} }} }}"
            );
            let page = async |variables: Json| stage.app.graphql(&query, variables).await["data"]["stops"].take();
            let first = page(json!({ "first": 4 })).await;
            let second = page(json!({ "first": 4, "after": first["pageInfo"]["endCursor"] })).await;
            let back = page(json!({ "last": 3, "before": second["pageInfo"]["startCursor"] })).await;
            assert_eq!(
                (ids(&first["nodes"]), ids(&second["nodes"]), ids(&back["nodes"])),
                ("berlin potsdam hamburg apia".into(), "suva nowhere".into(), "potsdam hamburg apia".into())
            );
            assert_eq!(second["pageInfo"]["hasNextPage"], false);
        }
        stage.close().await;
    }
}

#[tokio::test]
async fn rings_and_tiles() {
    for stage in stops().await {
        let data = stage
            .app
            .data(&format!(
                "{{ stops(facetFilters: {{ at: {{ near: {{ lat: 52.52, lon: 13.405, distance: \"300km\" }} }} }}, first: 0) {{
                   total {{ value }}
                   facets {{
                     at(from: {BERLIN}, ranges: [{{ to: 1 }}, {{ to: 100000 }}, {{ from: 100000, to: 1e6 }}, {{ from: 1e6 }}]) {{ buckets {{ from to count nestedCount }} }}
                     tiles: at(zoom: 4) {{ cells {{ key count center {{ lat lon }} }} }}
                     finer: at(zoom: 6, first: 2) {{ cells {{ key count }} }}
                     both: at(from: {BERLIN}, ranges: [{{ from: 0 }}], zoom: 0) {{ buckets {{ count }} cells {{ key count }} }}
                     seen(from: {BERLIN}, ranges: [{{ to: 1000 }}, {{ from: 1000 }}], zoom: 4) {{ buckets {{ count }} cells {{ key count }} }}
                     bare: at {{ buckets {{ count }} }}
                     land {{ values {{ value count }} }}
                   }} }} }}"
            ))
            .await;
        assert_eq!(data["stops"]["total"]["value"], 3);
        let facets = &data["stops"]["facets"];
        // its own clause in facetFilters is not looked at
        let ring = |from: Json, to: Json, count: u32| json!({ "from": from, "to": to, "count": count, "nestedCount": null });
        assert_near(
            &facets["at"]["buckets"],
            &json!([
                ring(json!(null), json!(1.0), 1),
                ring(json!(null), json!(1e5), 2),
                ring(json!(1e5), json!(1e6), 1),
                ring(json!(1e6), json!(null), 2),
            ]),
        );
        let cell = |key: &str, count: u32, lat: f64, lon: f64| json!({ "key": key, "count": count, "center": { "lat": lat, "lon": lon } });
        assert_near(
            &facets["tiles"]["cells"],
            &json!([cell("4/8/5", 3, 48.3761, 11.25), cell("4/0/8", 1, -10.9716, -168.75), cell("4/15/8", 1, -10.9716, 168.75),]),
        );
        assert_eq!(facets["finer"]["cells"], json!([{ "key": "6/1/34", "count": 1 }, { "key": "6/33/20", "count": 1 }]));
        assert_eq!(facets["both"], json!({ "buckets": [{ "count": 5 }], "cells": [{ "key": "0/0/0", "count": 5 }] }));
        // a document counts once for each ring and each tile; the tick narrows other facets
        assert_eq!(
            facets["seen"],
            json!({ "buckets": [{ "count": 1 }, { "count": 1 }], "cells": [{ "key": "4/15/8", "count": 1 }, { "key": "4/8/5", "count": 1 }] })
        );
        assert_eq!(facets["bare"]["buckets"], json!([]));
        assert_eq!(facets["land"]["values"], json!([{ "value": "de", "count": 3 }]));

        for (facet, told) in [
            ("at { cells { key } }", "zoom"),
            ("at(zoom: 30) { cells { key } }", "29"),
            ("at(ranges: [{ to: 5 }]) { buckets { count } }", "from"),
            (&format!("at(from: {BERLIN}, ranges: [{{ from: 5, to: 1 }}]) {{ buckets {{ count }} }}"), "behind"),
        ] {
            let message = stage.refusal(&format!("{{ stops(first: 0) {{ facets {{ {facet} }} }} }}")).await;
            assert!(message.contains(told), "{facet}: {message}");
        }
        stage.close().await;
    }
}

#[tokio::test]
async fn by_rest_the_same() {
    for stage in stops().await {
        let asked = json!({
            "filter": { "at": { "near": { "lat": 52.52, "lon": 13.405, "distance": "300km" } } },
            "orderBy": [{ "distance": { "field": "AT", "from": { "lat": 52.52, "lon": 13.405 } }, "direction": "DESC" }],
            "first": 2,
        });
        let page = stage.search(asked.clone()).await;
        let told = |page: &Json| -> Json {
            page["edges"].as_array().unwrap().iter().map(|edge| json!([edge["node"]["_id"], edge["distance"]])).collect()
        };
        assert_near(&told(&page), &json!([["hamburg", TO_HAMBURG], ["potsdam", TO_POTSDAM]]));
        assert_eq!(page["total"]["value"], 3);
        let mut next = asked.clone();
        next["after"] = page["pageInfo"]["endCursor"].clone();
        assert_near(&told(&stage.search(next).await), &json!([["berlin", 0.0]]));

        let (filter, order) = (asked["filter"].to_string(), asked["orderBy"].to_string());
        let path = stage.app.at(&format!("/v1/collections/{}/search", stage.name));
        let by_address = stage.app.http.get(path).query(&[("filter", filter), ("orderBy", order), ("first", "2".into())]);
        let same: Json = by_address.send().await.unwrap().json().await.unwrap();
        assert_eq!(told(&same), told(&page));

        // narrowed afterwards, and without a distance where none was asked
        let ticked = json!({ "facetFilters": { "at": { "withinBox": { "topLeft": { "lat": 0, "lon": 170 }, "bottomRight": { "lat": -20, "lon": -170 } } } } });
        let page = stage.search(ticked).await;
        assert_eq!(told(&page), json!([["suva", null], ["apia", null]]));
        let wrong = stage.search(json!({ "filter": { "at": { "near": { "lat": 1, "lon": 2, "distance": "5" } } } })).await;
        assert_eq!(
            (&wrong["code"], &wrong["errors"][0]["path"]),
            (&json!("BAD_USER_INPUT"), &json!(["filter", "at", "near", "distance"]))
        );
        stage.close().await;
    }
}
