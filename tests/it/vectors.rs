//! Nearness of vectors as callers see it: alone, under filters, fused with words, by GraphQL and by REST, on both engines.

use serde_json::{Value as Json, json};

use crate::app::{Stage, assert_near};

/// Of cosines: 1, 0.8, 0.6, 0, -1 with the vector [1, 0]; scores are (1 + cosine) / 2.
async fn notes() -> Vec<Stage> {
    let mapping = json!({ "properties": {
        "text": { "type": "text" }, "kind": { "type": "keyword" }, "n": { "type": "integer" },
        "v": { "type": "dense_vector", "dims": 2, "similarity": "cosine" },
        "place": { "type": "dense_vector", "dims": 2, "similarity": "l2_norm" },
    } });
    let documents = [
        ("a", json!({ "text": "red apple", "kind": "x", "n": 1, "v": [2.0, 0.0], "place": [0.0, 0.0] })),
        ("b", json!({ "text": "green apple pie", "kind": "y", "n": 2, "v": [0.8, 0.6], "place": [1.0, 0.0] })),
        ("c", json!({ "text": "blue sky", "kind": "x", "n": 3, "v": [0.6, 0.8], "place": [3.0, 0.0] })),
        ("d", json!({ "text": "apple apple", "kind": "y", "n": 4, "v": [0.0, 1.0] })),
        ("e", json!({ "text": "grey stone", "kind": "x", "n": 5, "v": [-1.0, 0.0] })),
        ("f", json!({ "text": "apple tree in a very long garden with many words", "kind": "x", "n": 6 })),
    ];
    Stage::each("notes", "note", &mapping, &documents).await
}

fn told(edges: &Json) -> Json {
    edges.as_array().unwrap().iter().map(|edge| json!([edge["node"]["_id"], edge["score"]])).collect()
}

#[tokio::test]
async fn nearest_documents() {
    for stage in notes().await {
        let data = stage
            .app
            .data(
                "{
                   all: notes(search: { knn: { field: V, vector: [1, 0], k: 3 } }) {
                     total { value } edges { score node { _id } }
                     facets { kind { values { value count } } n(interval: { size: 2 }) { buckets { from count } } }
                     aggregate { count n { sum } }
                     groupBy(keys: [{ field: KIND }]) { nodes { key { kind } count } }
                   }
                   under: notes(search: { knn: { field: V, vector: [1, 0], k: 2 } }, filter: { kind: { eq: \"x\" } }) { total { value } edges { score node { _id } } }
                   ticked: notes(search: { knn: { field: V, vector: [1, 0], k: 3 } }, facetFilters: { kind: { in: [\"x\"] } }) {
                     total { value } edges { score node { _id } } facets { kind { values { value count selected } } } }
                   lengths: notes(search: { knn: { field: PLACE, vector: [0, 0], k: 5, numCandidates: 50 } }) { total { value } edges { score node { _id } } }
                   ordered: notes(search: { knn: { field: V, vector: [1, 0], k: 3 } }, orderBy: [{ field: N, direction: DESC }], first: 2) { edges { score node { _id } } }
                   page: notes(search: { knn: { field: V, vector: [1, 0], k: 3 } }, first: 2, offset: 2) { edges { node { _id } } pageInfo { hasNextPage } }
                   there: notes(filter: { v: { exists: false } }) { nodes { _id } }
                 }",
            )
            .await;
        let all = &data["all"];
        assert_eq!(all["total"]["value"], 3);
        assert_near(&told(&all["edges"]), &json!([["a", 1.0], ["b", 0.9], ["c", 0.8]]));
        // what is counted is counted over the nearest
        assert_eq!(all["facets"]["kind"]["values"], json!([{ "value": "x", "count": 2 }, { "value": "y", "count": 1 }]));
        assert_eq!(all["facets"]["n"]["buckets"], json!([{ "from": 0, "count": 1 }, { "from": 2, "count": 2 }]));
        assert_eq!(all["aggregate"], json!({ "count": 3, "n": { "sum": 6.0 } }));
        assert_eq!(
            all["groupBy"]["nodes"],
            json!([{ "key": { "kind": "x" }, "count": 2 }, { "key": { "kind": "y" }, "count": 1 }])
        );
        // the filter goes in: two of those; a tick narrows what came
        assert_near(&told(&data["under"]["edges"]), &json!([["a", 1.0], ["c", 0.8]]));
        assert_near(&told(&data["ticked"]["edges"]), &json!([["a", 1.0], ["c", 0.8]]));
        assert_eq!((&data["under"]["total"]["value"], &data["ticked"]["total"]["value"]), (&json!(2), &json!(2)));
        assert_eq!(
            data["ticked"]["facets"]["kind"]["values"],
            json!([{ "value": "x", "count": 2, "selected": true }, { "value": "y", "count": 1, "selected": false }])
        );
        assert_near(&told(&data["lengths"]["edges"]), &json!([["a", 1.0], ["b", 0.5], ["c", 0.1]]));
        assert_near(&told(&data["ordered"]["edges"]), &json!([["c", 0.8], ["b", 0.9]]));
        assert_eq!(data["page"], json!({ "edges": [{ "node": { "_id": "c" } }], "pageInfo": { "hasNextPage": false } }));
        assert_eq!(data["there"]["nodes"], json!([{ "_id": "f" }]));
        for (knn, told) in [
            ("{ field: V, vector: [1] }", "2 numbers"),
            ("{ field: V, vector: [0, 0] }", "no direction"),
            ("{ field: V, vector: [1, 0], k: 0 }", "from 1"),
            ("{ field: V, vector: [1, 0], k: 20, numCandidates: 10 }", "less than k"),
        ] {
            let message = stage.refusal(&format!("{{ notes(search: {{ knn: {knn} }}) {{ nodes {{ _id }} }} }}")).await;
            assert!(message.contains(told), "{knn}: {message}");
        }
        stage.close().await;
    }
}

#[tokio::test]
async fn words_and_vectors_ranked_together() {
    for stage in notes().await {
        // by words: d, a, b, f; by vector: b, c, a (nearest to [0.8, 0.6]: b 1, c 0.96, a 0.8)
        let search = "search: { query: \"apple\", knn: { field: V, vector: [0.8, 0.6], k: 3 }, fusion: RRF }";
        let data = stage
            .app
            .data(&format!(
                "{{ notes({search}) {{
                   total {{ value relation }} edges {{ score node {{ _id }} }}
                   facets {{ kind {{ values {{ value count }} }} }} aggregate {{ count n {{ max }} }}
                   groupBy(keys: [{{ field: KIND }}]) {{ nodes {{ key {{ kind }} count }} }} }}
                   ticked: notes({search}, facetFilters: {{ kind: {{ in: [\"y\"] }} }}) {{ total {{ value }} nodes {{ _id }} facets {{ kind {{ values {{ value count selected }} }} }} }}
                   filtered: notes({search}, filter: {{ n: {{ gte: 3 }} }}) {{ total {{ value }} nodes {{ _id }} }} }}"
            ))
            .await;
        let notes = &data["notes"];
        let at = |rank: f64| 1.0 / (60.0 + rank);
        assert_near(
            &told(&notes["edges"]),
            &json!([["b", at(3.0) + at(1.0)], ["a", at(2.0) + at(3.0)], ["d", at(1.0)], ["c", at(2.0)], ["f", at(4.0)],]),
        );
        // of the union
        assert_eq!(notes["total"], json!({ "value": 5, "relation": "EQ" }));
        assert_eq!(notes["facets"]["kind"]["values"], json!([{ "value": "x", "count": 3 }, { "value": "y", "count": 2 }]));
        assert_eq!(notes["aggregate"], json!({ "count": 5, "n": { "max": 6.0 } }));
        assert_eq!(notes["groupBy"]["nodes"][0], json!({ "key": { "kind": "x" }, "count": 3 }));
        assert_eq!(data["ticked"]["total"]["value"], 2);
        assert_eq!(data["ticked"]["nodes"], json!([{ "_id": "b" }, { "_id": "d" }]));
        assert_eq!(
            data["ticked"]["facets"]["kind"]["values"],
            json!([{ "value": "x", "count": 3, "selected": false }, { "value": "y", "count": 2, "selected": true }])
        );
        // inside both: by words d, f; by vector c, d, e
        assert_eq!(data["filtered"]["nodes"], json!([{ "_id": "d" }, { "_id": "c" }, { "_id": "f" }, { "_id": "e" }]));

        // page by page the same
        let query = format!(
            "query($after: String) {{ notes({search}, first: 2, after: $after) {{ nodes {{ _id }} pageInfo {{ endCursor hasNextPage }} }} }}"
        );
        let (mut seen, mut after) = (Vec::new(), json!(null));
        for _ in 0..3 {
            let page = stage.app.graphql(&query, json!({ "after": after })).await["data"]["notes"].take();
            seen.extend(page["nodes"].as_array().unwrap().iter().map(|node| node["_id"].as_str().unwrap().to_owned()));
            after = page["pageInfo"]["endCursor"].clone();
            assert_eq!(page["pageInfo"]["hasNextPage"], seen.len() < 5);
        }
        assert_eq!(seen.join(" "), "b a d c f");

        let message =
            stage.refusal("{ notes(search: { query: \"apple\", knn: { field: V, vector: [1, 0] } }) { nodes { _id } } }").await;
        assert!(message.contains("fusion: RRF"), "{message}");
        stage.close().await;
    }
}

#[tokio::test]
async fn by_rest_the_same() {
    for stage in notes().await {
        let knn = json!({ "field": "V", "vector": [0.8, 0.6], "k": 3 });
        let page = stage.search(json!({ "search": { "knn": knn }, "filter": { "n": { "lte": 2 } } })).await;
        assert_near(&told(&page["edges"]), &json!([["b", 1.0], ["a", 0.9]]));
        let page = stage.search(json!({ "search": { "query": "apple", "knn": knn, "fusion": "RRF" }, "first": 2 })).await;
        assert_eq!(page["total"]["value"], 5);
        assert_eq!(told(&page["edges"])[1][0], "a");
        let wrong = stage.search(json!({ "search": { "knn": { "field": "V", "vector": [1] } } })).await;
        assert_eq!(
            (&wrong["code"], &wrong["errors"][0]["path"]),
            (&json!("BAD_USER_INPUT"), &json!(["search", "knn", "vector"]))
        );
        stage.close().await;
    }
}
