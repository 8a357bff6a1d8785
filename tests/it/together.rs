//! A search over several collections by GraphQL, on both engines; and what only Elasticsearch has: aliases, dated siblings, shared indices.

use std::time::{Duration, Instant};

use hooke::config::{CollectionConfig, ElasticConfig};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::ground::{elasticsearch_url, unique};

/// hooke with books and notes, whose `title` is a number.
struct Room {
    app: TestApp,
    made: Vec<String>,
}

impl Room {
    async fn open(elasticsearch: Option<String>) -> Room {
        let stem = elasticsearch.as_ref().map_or(String::new(), |_| unique("together-"));
        let app = TestApp::open(|config| {
            let Some(url) = elasticsearch else { return };
            config.elasticsearch = Some(ElasticConfig { urls: vec![url], ..ElasticConfig::default() });
            config.catalog.include = vec![format!("{stem}*")];
            config.state.name.clone_from(&stem);
            for name in ["books", "notes"] {
                let named = CollectionConfig { name: Some(name.into()), ..CollectionConfig::default() };
                config.catalog.collections.insert(format!("{stem}{name}"), named);
            }
        })
        .await;
        let made = vec![format!("{stem}books"), format!("{stem}notes")];
        let mappings = [
            json!({ "properties": { "title": { "type": "text" }, "year": { "type": "integer" } } }),
            json!({ "properties": { "title": { "type": "long" }, "body": { "type": "text" } } }),
        ];
        for (name, mappings) in made.iter().zip(mappings) {
            let body = json!({ "name": name, "mappings": mappings });
            let answer = app.http.post(app.at("/v1/collections")).json(&body).send().await.unwrap();
            assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
        }
        let room = Room { app, made };
        room.fill(
            0,
            &[
                ("b1", json!({ "title": "the quick fox", "year": 1999 })),
                ("b2", json!({ "title": "fox", "year": 2001 })),
                ("b3", json!({ "title": "dog" })),
            ],
        )
        .await;
        room.fill(
            1,
            &[("n1", json!({ "title": 7, "body": "a fox, a fox" })), ("n2", json!({ "title": 8, "body": "fox of 7 foxes" }))],
        )
        .await;
        room
    }

    async fn fill(&self, of: usize, documents: &[(&str, Json)]) {
        let lines: String =
            documents.iter().map(|(id, input)| format!("{}\n", json!({ "upsert": { "id": id, "input": input } }))).collect();
        let path = format!("/v1/collections/{}/bulk?refresh=NOW", self.made[of]);
        let answer = self.app.http.post(self.app.at(&path)).header(CONTENT_TYPE, "application/x-ndjson").body(lines).send();
        let answer = answer.await.unwrap().text().await.unwrap();
        assert_eq!(answer.matches("\"errors\":[]").count(), documents.len(), "{answer}");
    }

    async fn close(self) {
        for name in &self.made {
            self.app.http.delete(self.app.at(&format!("/v1/collections/{name}"))).send().await.unwrap();
        }
        self.app.stop().await;
    }

    async fn code(&self, query: &str) -> Json {
        self.app.graphql(query, json!({})).await["errors"][0]["extensions"]["code"].take()
    }
}

async fn rooms() -> Vec<Room> {
    let mut rooms = vec![Room::open(None).await];
    if let Some(url) = elasticsearch_url() {
        rooms.push(Room::open(Some(url)).await);
    }
    rooms
}

fn edges(data: &Json) -> &[Json] {
    data["search"]["edges"].as_array().unwrap()
}

#[tokio::test]
async fn documents_of_several_types_come_in_one_list() {
    let mut answers = Vec::new();
    for room in rooms().await {
        let data = room
            .app
            .data(
                r#"query { search(collections: [NOTES, BOOKS, BOOKS], search: { query: "fox", operator: AND }) {
                     __typename total(upTo: 2) { value relation } all: total(upTo: null) { value relation } pageInfo { hasNextPage hasPreviousPage }
                     edges { collection score node { __typename ... on Document { _id } ... on AnyDocument { ... on Node { nodeId } }
                       ...Book ... on Note { body number: title } } again: node { ... on Note { body } } } } }
                   fragment Book on Book { title year }"#,
            )
            .await;
        let search = &data["search"];
        assert_eq!(search["__typename"], "DocumentConnection");
        assert_eq!(search["total"], json!({ "value": 2, "relation": "GTE" }));
        assert_eq!(search["all"], json!({ "value": 4, "relation": "EQ" }));
        assert_eq!(search["pageInfo"], json!({ "hasNextPage": false, "hasPreviousPage": false }));
        let edges = edges(&data);
        let of = |id: &str| edges.iter().find(|edge| edge["node"]["_id"] == id).unwrap();
        let mut book = of("b1").clone();
        assert_eq!((&book["collection"], &book["again"]), (&json!("BOOKS"), &json!({})));
        let id = book["node"]["nodeId"].take();
        assert_eq!(
            book["node"],
            json!({ "__typename": "Book", "_id": "b1", "nodeId": null, "title": "the quick fox", "year": 1999 })
        );
        let note = of("n2");
        assert_eq!((&note["collection"], &note["node"]["number"]), (&json!("NOTES"), &json!(8)));
        assert_eq!(note["again"], json!({ "body": "fox of 7 foxes" }));
        let found = room.app.data(&format!("{{ node(nodeId: {id}) {{ ... on Book {{ title }} }} }}")).await;
        assert_eq!(found["node"]["title"], "the quick fox");
        let scores: Vec<f64> = edges.iter().map(|edge| edge["score"].as_f64().unwrap()).collect();
        assert!(scores.is_sorted_by(|one, other| one >= other), "{scores:?}");
        answers.push((edges.iter().map(|edge| edge["node"]["_id"].clone()).collect::<Vec<_>>(), scores));

        // a number of notes is no word of theirs, though books have words of that name
        let data = room.app.data(r#"{ search(collections: [BOOKS, NOTES], search: { query: "7 foxes" }) { edges { node { ... on Document { _id } } } } }"#);
        assert_eq!(data.await["search"]["edges"], json!([{ "node": { "_id": "n2" } }]));
        let data =
            room.app.data(r#"{ search(collections: [BOOKS], search: { query: "qiuck", fuzziness: ONE }) { total { value } } }"#);
        assert_eq!(data.await["search"]["total"]["value"], 1);
        room.close().await;
    }
    for answer in &answers {
        assert_eq!(answer.0, answers[0].0);
        for (one, other) in answer.1.iter().zip(&answers[0].1) {
            assert!((one - other).abs() <= other * 1e-4, "{one} {other}");
        }
    }
}

#[tokio::test]
async fn pages_of_several_collections_go_both_ways() {
    for room in rooms().await {
        let ask = async |arguments: &str| {
            let query = format!(
                r#"{{ search(collections: [BOOKS, NOTES], search: {{ query: "fox" }}, {arguments}) {{
                     pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} edges {{ cursor node {{ ... on Document {{ _id }} }} }} }} }}"#
            );
            room.app.data(&query).await
        };
        let names =
            |data: &Json| edges(data).iter().map(|edge| edge["node"]["_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>();
        let whole = names(&ask("first: 10").await);
        assert_eq!(whole.len(), 4);
        let mut seen = Vec::new();
        let mut arguments = "first: 1".to_owned();
        loop {
            let data = ask(&arguments).await;
            seen.extend(names(&data));
            assert_eq!(data["search"]["edges"][0]["cursor"], data["search"]["pageInfo"]["endCursor"]);
            if data["search"]["pageInfo"]["hasNextPage"] == false {
                break;
            }
            arguments = format!("first: 1, after: {}", data["search"]["pageInfo"]["endCursor"]);
        }
        assert_eq!(seen, whole);
        let last = ask("last: 3").await;
        assert_eq!((names(&last), &last["search"]["pageInfo"]["hasPreviousPage"]), (whole[1..].to_vec(), &json!(true)));
        let before = ask(&format!("last: 2, before: {}", last["search"]["pageInfo"]["startCursor"])).await;
        assert_eq!(names(&before), whole[..1]);

        let cursor = &last["search"]["pageInfo"]["startCursor"];
        let other = |collections: &str, query: &str| {
            format!(
                r#"{{ search(collections: [{collections}], search: {{ query: "{query}" }}, after: {cursor}) {{ edges {{ cursor }} }} }}"#
            )
        };
        // the same search, in whichever order the collections are named
        assert_eq!(room.app.data(&other("NOTES, BOOKS", "fox")).await["search"]["edges"].as_array().unwrap().len(), 2);
        assert_eq!(room.code(&other("BOOKS", "fox")).await, "BAD_CURSOR");
        assert_eq!(room.code(&other("BOOKS, NOTES", "foxes")).await, "BAD_CURSOR");
        assert_eq!(
            room.code(r#"{ search(collections: [], search: { query: "fox" }) { total { value } } }"#).await,
            "BAD_USER_INPUT"
        );
        assert_eq!(
            room.code(r#"{ search(collections: [BOOKS], search: { query: "fox" }, first: 2000) { total { value } } }"#).await,
            "LIMIT_EXCEEDED"
        );
        room.close().await;
    }
}

#[tokio::test]
async fn a_score_is_explained() {
    let mut answers = Vec::new();
    for room in rooms().await {
        let data = room
            .app
            .data(
                r#"{ books(search: { query: "quick fox" }, filter: { year: { gte: 1990 } }) { edges { score explanation { __typename value description field term
                     details { value description field term details { value description details { value description } } } } } }
                   none: books { edges { score explanation { value } } } }"#,
            )
            .await;
        assert_eq!(data["none"]["edges"][0], json!({ "score": null, "explanation": null }));
        let first = &data["books"]["edges"][0];
        let (score, why) = (first["score"].as_f64().unwrap(), &first["explanation"]);
        assert!((why["value"].as_f64().unwrap() - score).abs() < 1e-4 * score, "{first}");
        assert_eq!(why["details"].as_array().unwrap().len(), 2);
        assert_eq!((&why["details"][1]["field"], &why["details"][1]["term"]), (&json!("title"), &json!("quick")));
        answers.push(data);
        room.close().await;
    }
    for answer in &answers {
        same(answer, &answers[0]);
    }
}

/// Equal, numbers to what both engines promise.
fn same(one: &Json, other: &Json) {
    match (one, other) {
        (Json::Number(one), Json::Number(other)) => {
            let (one, other) = (one.as_f64().unwrap(), other.as_f64().unwrap());
            assert!((one - other).abs() <= other.abs() * 1e-4, "{one} {other}");
        }
        (Json::Array(one), Json::Array(other)) if one.len() == other.len() => {
            one.iter().zip(other).for_each(|(one, other)| same(one, other));
        }
        (Json::Object(one), Json::Object(other)) if one.len() == other.len() => {
            one.iter().for_each(|(key, one)| same(one, &other[key]));
        }
        _ => assert_eq!(one, other),
    }
}

/// An index, an alias with a filter, and dated siblings of which one is gone before hooke has seen it.
#[tokio::test]
async fn aliases_and_patterns_keep_what_they_are() {
    let Some(elasticsearch) = elasticsearch_url() else { return };
    let http = reqwest::Client::new();
    let stem = unique("several-");
    let index = |name: &str| format!("{elasticsearch}/{stem}{name}");
    let (text, long) =
        (json!({ "properties": { "t": { "type": "text" } } }), json!({ "properties": { "t": { "type": "long" } } }));
    let filter = json!({ "match": { "t": "shown" } });
    let aliases = json!({ format!("{stem}view"): { "filter": filter } });
    for (name, body) in [
        ("plain", json!({ "mappings": text })),
        ("numbers", json!({ "mappings": long })),
        ("behind", json!({ "mappings": text, "aliases": aliases })),
        ("log-2026.01.01", json!({ "mappings": text })),
        ("log-2026.01.02", json!({ "mappings": text })),
    ] {
        let made = http.put(index(name)).json(&body).send().await.unwrap();
        assert!(made.status().is_success(), "{}", made.text().await.unwrap());
    }
    for (name, id, t) in [
        ("plain", "p", json!("fox")),
        ("numbers", "7", json!(7)),
        ("behind", "hidden", json!("fox")),
        ("behind", "shown", json!("fox shown")),
        ("log-2026.01.01", "l1", json!("fox")),
        ("log-2026.01.02", "l2", json!("a fox")),
    ] {
        let put = http.put(format!("{}/_doc/{id}?refresh=true", index(name))).json(&json!({ "t": t })).send().await.unwrap();
        assert!(put.status().is_success());
    }
    let app = TestApp::open(|config| {
        config.elasticsearch = Some(ElasticConfig { urls: vec![elasticsearch.clone()], ..ElasticConfig::default() });
        config.catalog.include = vec![format!("{stem}*")];
        config.state.name.clone_from(&stem);
        for (name, called) in [("plain", "plain"), ("numbers", "numbers"), ("view", "view"), ("log", "logs")] {
            let named = CollectionConfig { name: Some(called.into()), ..CollectionConfig::default() };
            config.catalog.collections.insert(format!("{stem}{name}"), named);
        }
    })
    .await;
    let from = Instant::now();
    while !app.get("/schema.graphql").await.text().await.unwrap().contains("  LOGS") {
        assert!(from.elapsed() < Duration::from_secs(10), "the collections do not appear");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let query = r#"{ search(collections: [PLAIN, NUMBERS, VIEW, LOGS], search: { query: "fox 7" }) { total { value } edges { collection node { ... on Document { _id } } } } }"#;
    let found = |data: &Json| {
        let mut all: Vec<String> =
            edges(data).iter().map(|edge| format!("{} {}", edge["collection"], edge["node"]["_id"]).replace('"', "")).collect();
        all.sort();
        all
    };
    let data = app.data(query).await;
    assert_eq!(found(&data), ["LOGS l1", "LOGS l2", "PLAIN p", "VIEW shown"]);
    assert_eq!(data["search"]["total"]["value"], 4);
    // one of a list that has gone is no fault; one that is a collection by itself is
    http.delete(index("log-2026.01.01")).send().await.unwrap();
    assert_eq!(found(&app.data(query).await), ["LOGS l2", "PLAIN p", "VIEW shown"]);
    http.delete(index("plain")).send().await.unwrap();
    let answer = app.graphql(query, json!({})).await;
    let code = &answer["errors"][0]["extensions"]["code"];
    assert!(code == "NOT_FOUND" || code == "GRAPHQL_VALIDATION_FAILED", "{answer}");
    app.stop().await;
    for name in ["numbers", "behind", "log-2026.01.02"] {
        http.delete(index(name)).send().await.unwrap();
    }
}
