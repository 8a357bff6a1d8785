//! REST: collections, bulk and export, on both engines.

use serde_json::{Value as Json, json};

use crate::app::TestApp;

const NDJSON: &str = "application/x-ndjson";

async fn both() -> Vec<TestApp> {
    let mut all = vec![TestApp::embedded().await];
    all.extend(TestApp::elastic().await);
    all
}

async fn create(test: &TestApp, stem: &str) -> String {
    let name = test.name(stem);
    let body = json!({ "name": name, "mappings": { "properties": {
        "a": { "type": "long" }, "b": { "type": "keyword" }, "t": { "type": "text" } } } });
    let answer = test.http.post(test.at("/v1/collections")).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
    name
}

async fn remove(test: TestApp, name: &str) {
    let answer = test.http.delete(test.at(&format!("/v1/collections/{name}"))).send().await.unwrap();
    assert_eq!(answer.status(), 204);
    assert_eq!(test.get(&format!("/v1/collections/{name}")).await.status(), 404);
    test.stop().await;
}

async fn bulk(test: &TestApp, name: &str, body: impl Into<reqwest::Body>) -> Vec<Json> {
    let request = test.http.post(test.at(&format!("/v1/collections/{name}/bulk?refresh=NOW")));
    let answer = request.header("content-type", NDJSON).body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

async fn export(test: &TestApp, name: &str, filter: Option<Json>) -> Vec<Json> {
    let mut request = test.http.get(test.at(&format!("/v1/collections/{name}/export")));
    if let Some(filter) = filter {
        request = request.query(&[("filter", filter.to_string())]);
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn collections_are_made_listed_described_and_removed() {
    for test in both().await {
        let name = create(&test, "things").await;
        let twice = json!({ "name": name, "mappings": { "properties": {} } });
        let answer = test.http.post(test.at("/v1/collections")).json(&twice).send().await.unwrap();
        assert_eq!(answer.status(), 409);
        assert_eq!(answer.json::<Json>().await.unwrap()["code"], "CONFLICT");
        let listed: Json = test.get("/v1/collections").await.json().await.unwrap();
        let all = listed["collections"].as_array().unwrap();
        let one = all.iter().find(|one| one["name"] == name.as_str()).unwrap();
        assert_eq!(one["count"], 0);
        assert!(one["type"].as_str().unwrap().ends_with("Thing") && one["field"].as_str().unwrap().ends_with("hings"), "{one}");
        let described: Json = test.get(&format!("/v1/collections/{name}")).await.json().await.unwrap();
        assert_eq!(described["mappings"]["properties"]["a"]["type"], "long");
        assert_eq!(described["fields"][1], json!({ "path": "b", "name": "b", "type": "keyword", "list": false }));
        remove(test, &name).await;
    }
}

#[tokio::test]
async fn a_wrong_collection_is_refused_with_its_place() {
    let test = TestApp::embedded().await;
    for (body, status, path) in [
        (json!({ "name": "Upper", "mappings": { "properties": {} } }), 400, json!(["name"])),
        (json!({ "name": ".hooke-state", "mappings": { "properties": {} } }), 400, json!(["name"])),
        (json!({ "name": "a", "mappings": { "properties": { "x": { "type": "percolator" } } } }), 400, json!(["mappings"])),
        (json!({ "name": "a" }), 400, Json::Null),
    ] {
        let answer = test.http.post(test.at("/v1/collections")).json(&body).send().await.unwrap();
        assert_eq!(answer.status(), status, "{body}");
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let problem: Json = answer.json().await.unwrap();
        assert_eq!(problem["errors"][0]["path"], path, "{problem}");
    }
    let plain = test.http.post(test.at("/v1/collections")).header("content-type", "text/plain").body("{}").send().await.unwrap();
    assert_eq!(plain.status(), 415);
    test.stop().await;
}

#[tokio::test]
async fn each_line_of_a_bulk_has_its_own_outcome() {
    for test in both().await {
        let name = create(&test, "bulk").await;
        let lines = [
            r#"{"create":{"id":"1","input":{"a":1,"b":"x"}}}"#,
            r#"{"create":{"id":"1","input":{"a":1}}}"#,
            "nonsense",
            "",
            r#"{"update":{"id":"1","patch":{"b":null,"t":"words"}}}"#,
            r#"{"upsert":{"id":"2","input":{"a":"many"}}}"#,
            r#"{"upsert":{"id":"2","input":{"nowhere":1}}}"#,
            r#"{"delete":{"id":"9"}}"#,
            r#"{"update":{"id":"1","patch":{},"ifVersion":"99-9"}}"#,
            r#"{"create":{"input":{"a":5}}}"#,
        ];
        let outcomes = bulk(&test, &name, lines.join("\n")).await;
        let codes: Vec<&str> = outcomes.iter().map(|outcome| outcome["errors"][0]["code"].as_str().unwrap_or("-")).collect();
        assert_eq!(
            codes,
            ["-", "CONFLICT", "BAD_USER_INPUT", "-", "BAD_USER_INPUT", "BAD_USER_INPUT", "NOT_FOUND", "CONFLICT", "-"],
            "{outcomes:?}"
        );
        assert!(outcomes[0]["version"].is_string() && outcomes[1]["version"].is_null());
        assert_eq!(outcomes[4]["errors"][0]["path"], json!(["upsert", "input", "a"]));
        assert!(outcomes[8]["id"].as_str().is_some_and(|id| !id.is_empty()));
        let mut all = export(&test, &name, None).await;
        all.sort_by_key(|document| document["a"].as_i64());
        assert_eq!(all[0], json!({ "_id": "1", "a": 1, "t": "words" }));
        assert_eq!((all.len(), &all[1]["a"]), (2, &json!(5)));
        remove(test, &name).await;
    }
}

#[tokio::test]
async fn many_documents_come_back_exactly_once_and_by_filter() {
    for test in both().await {
        let name = create(&test, "many").await;
        let lines: String = (0..2_500).map(|n| format!("{{\"upsert\":{{\"id\":\"{n}\",\"input\":{{\"a\":{n}}}}}}}\n")).collect();
        // in pieces that end anywhere
        let pieces: Vec<Result<Vec<u8>, std::io::Error>> = lines.as_bytes().chunks(977).map(|piece| Ok(piece.to_vec())).collect();
        let body = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
        let outcomes = bulk(&test, &name, body).await;
        assert_eq!(outcomes.len(), 2_500);
        assert!(
            outcomes.iter().enumerate().all(|(n, outcome)| outcome["id"] == *n.to_string() && outcome["errors"] == json!([]))
        );
        // the last batch was refreshed, those before were written without an error
        let all = export(&test, &name, None).await;
        let ids: std::collections::BTreeSet<&str> = all.iter().map(|document| document["_id"].as_str().unwrap()).collect();
        assert_eq!((all.len(), ids.len()), (2_500, 2_500));
        assert_eq!(export(&test, &name, Some(json!({ "a": { "gte": 2_000, "lt": 2_010 } }))).await.len(), 10);
        let wrong = test.get(&format!("/v1/collections/{name}/export?filter=%7B%22a%22%3A1%7D")).await;
        assert_eq!(wrong.status(), 400);
        assert_eq!(wrong.json::<Json>().await.unwrap()["errors"][0]["path"][0], "filter");
        remove(test, &name).await;
    }
}

#[tokio::test]
async fn what_is_off_is_forbidden() {
    let test = TestApp::open(|config| config.writes = Some(hooke::config::Writes::Off)).await;
    let body = json!({ "name": "a", "mappings": { "properties": {} } });
    let answer = test.http.post(test.at("/v1/collections")).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 403);
    let answer = test.http.post(test.at("/v1/collections/a/bulk")).header("content-type", NDJSON).body("").send().await.unwrap();
    assert_eq!(answer.json::<Json>().await.unwrap()["code"], "FORBIDDEN");
    test.stop().await;
}

#[tokio::test]
async fn a_document_lives_under_its_address() {
    for test in both().await {
        let name = create(&test, "documents").await;
        let at = test.at(&format!("/v1/collections/{name}/documents/a%2Fb"));
        assert_eq!(test.http.get(&at).send().await.unwrap().status(), 404);
        let put = test.http.put(&at).json(&json!({ "a": 1, "b": "x" })).send().await.unwrap();
        assert_eq!(put.status(), 201);
        let first = put.headers()["etag"].to_str().unwrap().to_owned();
        let got = test.http.get(&at).send().await.unwrap();
        assert_eq!(got.headers()["etag"], first.as_str());
        let body: Json = got.json().await.unwrap();
        assert_eq!(body, json!({ "_id": "a/b", "_version": first.trim_matches('"'), "a": 1, "b": "x" }));
        assert_eq!(test.http.get(&at).header("if-none-match", &first).send().await.unwrap().status(), 304);
        // as it came, with one change
        let mut changed = body.clone();
        changed["a"] = json!(2);
        let put = test.http.put(&at).header("if-match", &first).json(&changed).send().await.unwrap();
        assert_eq!(put.status(), 200);
        let second = put.headers()["etag"].to_str().unwrap().to_owned();
        for (request, what) in [
            (test.http.put(&at).header("if-match", &first).json(&changed), "put"),
            (test.http.patch(&at).header("if-match", &first).json(&json!({ "a": 3 })), "patch"),
            (test.http.delete(&at).header("if-match", &first), "delete"),
            (test.http.put(&at).header("if-none-match", "*").json(&changed), "put if none"),
        ] {
            let answer = request.send().await.unwrap();
            assert_eq!(answer.status(), 412, "{what}");
            assert_eq!(answer.json::<Json>().await.unwrap()["code"], "CONFLICT", "{what}");
        }
        let patch = test.http.patch(&at).header("if-match", &second).header("content-type", "application/merge-patch+json");
        let patched: Json = patch.body(r#"{"b":null,"t":"new words"}"#).send().await.unwrap().json().await.unwrap();
        assert_eq!((&patched["a"], &patched["b"], &patched["t"]), (&json!(2), &Json::Null, &json!("new words")));
        let wrong = test.http.put(&at).json(&json!({ "a": "many" })).send().await.unwrap();
        assert_eq!(wrong.status(), 400);
        assert_eq!(wrong.json::<Json>().await.unwrap()["errors"][0]["path"], json!(["a"]));
        assert_eq!(test.http.delete(&at).send().await.unwrap().status(), 204);
        assert_eq!(test.http.delete(&at).send().await.unwrap().status(), 404);
        let posted =
            test.http.post(test.at(&format!("/v1/collections/{name}/documents"))).json(&json!({ "a": 9 })).send().await.unwrap();
        assert_eq!(posted.status(), 201);
        let place = posted.headers()["location"].to_str().unwrap().to_owned();
        assert_eq!(test.get(&place).await.json::<Json>().await.unwrap()["a"], 9);
        remove(test, &name).await;
    }
}

#[tokio::test]
async fn search_is_the_same_by_address_and_by_body() {
    for test in both().await {
        let name = create(&test, "search").await;
        let lines: String = (0..25)
            .map(|n| {
                format!(
                    "{{\"upsert\":{{\"id\":\"{n}\",\"input\":{{\"a\":{n},\"t\":\"{} words\"}}}}}}\n",
                    if n % 2 == 0 { "even" } else { "odd" }
                )
            })
            .collect();
        bulk(&test, &name, lines).await;
        let at = format!("/v1/collections/{name}/search");
        let by_body =
            async |body: Json| -> Json { test.http.post(test.at(&at)).json(&body).send().await.unwrap().json().await.unwrap() };
        let asked = [
            ("q", "even"),
            ("filter", r#"{"a":{"lt":20}}"#),
            ("orderBy", r#"[{"field":"A","direction":"DESC"}]"#),
            ("first", "4"),
        ];
        let first: Json = test.http.get(test.at(&at)).query(&asked).send().await.unwrap().json().await.unwrap();
        let body = json!({ "q": "even", "filter": { "a": { "lt": 20 } }, "orderBy": [{ "field": "A", "direction": "DESC" }], "first": 4 });
        assert_eq!(by_body(body.clone()).await, first);
        assert_eq!(first["total"], json!({ "value": 10, "relation": "EQ" }), "{first}");
        let numbers = |page: &Json| -> Vec<i64> {
            page["edges"].as_array().unwrap().iter().map(|edge| edge["node"]["a"].as_i64().unwrap()).collect()
        };
        assert_eq!(numbers(&first), [18, 16, 14, 12]);
        let mut next = body.clone();
        next["after"] = first["pageInfo"]["endCursor"].clone();
        let second = by_body(next).await;
        assert_eq!((numbers(&second), &second["pageInfo"]["hasPreviousPage"]), (vec![10, 8, 6, 4], &json!(true)));
        let mut back = body.clone();
        (back["before"], back["last"]) = (second["pageInfo"]["startCursor"].clone(), json!(2));
        back.as_object_mut().unwrap().remove("first");
        assert_eq!(numbers(&by_body(back).await), [14, 12]);
        // a cursor of another search, a filter that is null, a field that is not there
        let mut other = body.clone();
        (other["q"], other["after"]) = (json!("odd"), first["pageInfo"]["endCursor"].clone());
        assert_eq!(by_body(other).await["code"], "BAD_CURSOR");
        assert_eq!(by_body(json!({ "filter": null })).await["code"], "BAD_USER_INPUT");
        assert_eq!(
            by_body(json!({ "filter": { "nowhere": { "eq": 1 } } })).await["errors"][0]["path"],
            json!(["filter", "nowhere"])
        );
        remove(test, &name).await;
    }
}
