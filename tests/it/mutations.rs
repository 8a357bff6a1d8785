//! Mutations of GraphQL, on both engines.

use std::time::{Duration, Instant};

use futures_util::future::join_all;
use hooke::config::{CollectionConfig, ElasticConfig, Writes};
use hooke::search::CollectionName;
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::ground::{call, elasticsearch_url, unique};

/// A hooke with a collection that is called `things`, whatever its name.
struct Room {
    app: TestApp,
    name: String,
}

impl Room {
    async fn open(url: Option<String>, writes: Option<Writes>) -> Room {
        let name = if url.is_some() { unique("things") } else { "things".to_owned() };
        let app = TestApp::open(|config| {
            // jobs of other tests are none of its business
            if url.is_some() {
                config.state.name.clone_from(&name);
            }
            config.elasticsearch = url.map(|url| ElasticConfig { urls: vec![url], ..ElasticConfig::default() });
            config.catalog.include = vec![format!("{name}*")];
            let named =
                CollectionConfig { name: Some("things".into()), singular: Some("thing".into()), ..CollectionConfig::default() };
            config.catalog.collections.insert(name.clone(), named);
            config.writes = writes;
        })
        .await;
        Room { app, name }
    }

    /// Made by a mapping; in the schema when this returns.
    async fn with(self, mappings: Json) -> Room {
        let body = json!({ "name": self.name, "mappings": mappings });
        let made = self.app.http.post(self.app.at("/v1/collections")).json(&body).send().await.unwrap();
        assert!(made.status().is_success(), "{}", made.text().await.unwrap());
        self.awaits("Thing", true).await;
        self
    }

    async fn awaits(&self, name: &str, there: bool) {
        let from = Instant::now();
        while self.has(name).await != there {
            assert!(from.elapsed() < Duration::from_secs(10), "{name} in the schema: not {there}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn has(&self, name: &str) -> bool {
        !self.app.data(&format!("{{ __type(name: \"{name}\") {{ name }} }}")).await["__type"].is_null()
    }

    /// `data` of a mutation that must have no errors of GraphQL.
    async fn run(&self, operation: &str, variables: Json) -> Json {
        let mut answer = self.app.graphql(operation, variables).await;
        assert_eq!(answer.get("errors"), None, "of {operation}");
        answer["data"].take()
    }

    async fn code(&self, operation: &str, variables: Json) -> String {
        let answer = self.app.graphql(operation, variables).await;
        answer["errors"][0]["extensions"]["code"].as_str().unwrap_or_else(|| panic!("{answer}")).to_owned()
    }

    async fn end(self) {
        let own = CollectionName::hidden(&self.app.app.config.state.purpose("jobs"));
        let _ = self.app.app.state.remove(&call(), &own).await;
        self.app.http.delete(self.app.at(&format!("/v1/collections/{}", self.name))).send().await.unwrap();
        self.app.stop().await;
    }
}

/// One on each engine, with a collection of these fields.
async fn rooms(mappings: Json) -> Vec<Room> {
    let mut rooms = vec![Room::open(None, Some(Writes::All)).await.with(mappings.clone()).await];
    if let Some(url) = elasticsearch_url() {
        rooms.push(Room::open(Some(url), Some(Writes::All)).await.with(mappings).await);
    }
    rooms
}

fn plain() -> Json {
    json!({
        "_meta": { "hooke": { "lists": { "tags": true } } },
        "properties": {
            "k": { "type": "keyword" }, "n": { "type": "integer" }, "tags": { "type": "keyword" }, "at": { "type": "date" },
            "o": { "properties": { "a": { "type": "keyword" }, "b": { "type": "keyword" } } }, "p": { "type": "geo_point" },
        },
    })
}

fn codes(payload: &Json) -> Vec<&str> {
    payload["errors"].as_array().unwrap().iter().map(|error| error["code"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn every_kind_of_field_is_written_and_read_back() {
    let mappings = json!({
        "_meta": { "hooke": { "lists": {
            "tags": true, "numbers": true, "points": true, "lines": true, "lines.sizes": true, "moments": true, "parts": true,
        } } },
        "properties": {
            "name": { "type": "text", "fields": { "keyword": { "type": "keyword" } } }, "body": { "type": "text" },
            "key": { "type": "keyword" }, "tags": { "type": "keyword" }, "numbers": { "type": "integer" },
            "wide": { "type": "long" }, "small": { "type": "short" }, "tiny": { "type": "byte" },
            "ratio": { "type": "double" }, "single": { "type": "float" }, "on": { "type": "boolean" },
            "at": { "type": "date" }, "fine": { "type": "date_nanos" }, "day": { "type": "date", "format": "yyyy/MM/dd" },
            "tick": { "type": "date", "format": "epoch_second" }, "moments": { "type": "date", "format": "basic_date_time" },
            "from": { "type": "ip" }, "place": { "type": "geo_point" }, "points": { "type": "geo_point" },
            "vector": { "type": "dense_vector", "dims": 3 }, "extra": { "type": "flattened" },
            "blob": { "type": "object", "enabled": false },
            "ship": { "properties": { "city": { "type": "keyword" }, "floor": { "type": "integer" } } },
            "parts": { "properties": { "no": { "type": "integer" } } },
            "lines": { "type": "nested", "properties": { "sku": { "type": "keyword" }, "sizes": { "type": "double" },
                "box": { "properties": { "wide": { "type": "long" } } } } },
        },
    });
    let fields = "name body key tags numbers wide small tiny ratio single on at fine day tick moments from place { lat lon } \
        points { lat lon } vector extra blob ship { city floor } parts { no } lines { sku sizes box { wide } }";
    let input = json!({
        "name": "a name", "body": "some words", "key": "k", "tags": ["a", "b"], "numbers": [3, 1, 2], "wide": "9007199254740993",
        "small": -32768, "tiny": 127, "ratio": 0.1, "single": 1.5, "on": false, "at": "2024-03-31T02:30:00+02:00",
        "fine": "2024-03-31T00:00:00.123456789Z", "day": "2024-02-29", "tick": "2024-01-01", "moments": ["2024-01-01T10:20:30.5Z"],
        "from": "2001:DB8::1", "place": { "lat": 52.52, "lon": 13.4 }, "points": [{ "lat": -90, "lon": 180 }, { "lat": 0, "lon": -0.5 }],
        "vector": [1, 0.5, -2], "extra": { "a": { "b": [1, 2] } }, "blob": { "any": [{ "thing": null }] },
        "ship": { "city": "Bonn", "floor": 0 }, "parts": [{ "no": 1 }, { "no": 2 }],
        "lines": [{ "sku": "x", "sizes": [1, 2.5], "box": { "wide": 7 } }, { "sku": "y", "sizes": [] }],
    });
    let expected = json!({
        "name": "a name", "body": "some words", "key": "k", "tags": ["a", "b"], "numbers": [3, 1, 2], "wide": "9007199254740993",
        "small": -32768, "tiny": 127, "ratio": 0.1, "single": 1.5, "on": false, "at": "2024-03-31T00:30:00.000Z",
        "fine": "2024-03-31T00:00:00.123456789Z", "day": "2024-02-29T00:00:00.000Z", "tick": "2024-01-01T00:00:00.000Z",
        "moments": ["2024-01-01T10:20:30.500Z"], "from": "2001:db8::1", "place": { "lat": 52.52, "lon": 13.4 },
        "points": [{ "lat": -90.0, "lon": 180.0 }, { "lat": 0.0, "lon": -0.5 }], "vector": [1.0, 0.5, -2.0],
        "extra": { "a": { "b": [1, 2] } }, "blob": { "any": [{ "thing": null }] }, "ship": { "city": "Bonn", "floor": 0 },
        "parts": [{ "no": 1 }, { "no": 2 }],
        "lines": [{ "sku": "x", "sizes": [1, 2.5], "box": { "wide": 7 } }, { "sku": "y", "sizes": [], "box": null }],
    });
    for room in rooms(mappings).await {
        let create = format!(
            "mutation($input: ThingInput!) {{ createThing(input: $input, id: \"1\", refresh: NOW) {{ \
                thing {{ _id _version nodeId {fields} }} version errors {{ code message path }} }} }}"
        );
        let mut made = room.run(&create, json!({ "input": input })).await["createThing"].take();
        assert_eq!(made["errors"], json!([]));
        assert_eq!(made["version"], made["thing"]["_version"]);
        let node_id = made["thing"]["nodeId"].as_str().unwrap().to_owned();
        for name in ["_id", "_version", "nodeId"] {
            made["thing"].as_object_mut().unwrap().remove(name);
        }
        // numbers as they were written: 1 and 1.0 are one number
        let same = |got: &Json, wanted: &Json| assert_eq!(floats(got), floats(wanted));
        same(&made["thing"], &expected);
        let read = room.app.data(&format!("{{ thing(id: \"1\") {{ {fields} }} things {{ nodes {{ {fields} }} }} }}")).await;
        same(&read["thing"], &expected);
        same(&read["things"]["nodes"][0], &expected);
        assert_eq!(
            room.app.data(&format!("{{ node(nodeId: \"{node_id}\") {{ __typename }} }}")).await["node"]["__typename"],
            "Thing"
        );
        // all of it null, and all of it gone
        let nothing: serde_json::Map<_, _> = input.as_object().unwrap().keys().map(|key| (key.clone(), Json::Null)).collect();
        let patch =
            format!("mutation($patch: ThingPatch!) {{ updateThing(id: \"1\", patch: $patch) {{ thing {{ {fields} }} }} }}");
        let patched = room.run(&patch, json!({ "patch": nothing })).await;
        assert_eq!(patched["updateThing"]["thing"], Json::Object(nothing.clone()));
        let source: Json = room.app.get(&format!("/v1/collections/{}/documents/1", room.name)).await.json().await.unwrap();
        assert_eq!(source.as_object().unwrap().keys().collect::<Vec<_>>(), ["_id", "_version"]);
        let again = room.run(&create.replace("\"1\"", "\"2\""), json!({ "input": nothing })).await;
        assert_eq!(again["createThing"]["errors"], json!([]));
        room.end().await;
    }
}

fn floats(json: &Json) -> Json {
    match json {
        Json::Number(number) => json!(number.as_f64()),
        Json::Array(items) => items.iter().map(floats).collect(),
        Json::Object(map) => {
            map.iter().map(|(key, value)| (key.clone(), floats(value))).collect::<serde_json::Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

#[tokio::test]
async fn a_patch_merges_objects_replaces_lists_and_removes_by_null() {
    for room in rooms(plain()).await {
        // as somebody else may have written it
        let at = room.app.at(&format!("/v1/collections/{}/documents/1", room.name));
        let foreign = json!({ "k": "a", "n": 1, "tags": "x", "o": { "a": "x", "b": "y" }, "p": { "type": "Point", "coordinates": [1, 2] } });
        assert_eq!(room.app.http.put(&at).json(&foreign).send().await.unwrap().status(), 201);
        let patch =
            "mutation { updateThing(id: 1, patch: { n: null, tags: [\"y\", \"z\"], o: { b: null }, p: { lat: 3, lon: 4 } }) {
            thing { k n tags o { a b } p { lat lon } } errors { message } } }";
        let patched = room.run(patch, json!({})).await;
        assert_eq!(
            patched["updateThing"],
            json!({ "thing": { "k": "a", "n": null, "tags": ["y", "z"], "o": { "a": "x", "b": null }, "p": { "lat": 3.0, "lon": 4.0 } }, "errors": [] })
        );
        // what is absent stays, also where it is a variable that was not given
        let patch = "mutation($k: String, $n: Int) { updateThing(id: 1, patch: { k: $k, n: $n, o: null }) { thing { k n tags o { a } } } }";
        let patched = room.run(patch, json!({ "n": 5 })).await;
        assert_eq!(patched["updateThing"]["thing"], json!({ "k": "a", "n": 5, "tags": ["y", "z"], "o": null }));
        room.end().await;
    }
}

#[tokio::test]
async fn what_does_not_fit_is_told_with_its_path_and_nothing_is_written() {
    for room in rooms(plain()).await {
        let create =
            "mutation($input: ThingInput!) { createThing(input: $input, id: 1) { thing { _id } version errors { code path } } }";
        let input = json!({ "at": "yesterday", "p": { "lat": 99, "lon": 0 } });
        let refused = room.run(create, json!({ "input": input })).await;
        let mut payload = refused["createThing"].clone();
        payload["errors"].as_array_mut().unwrap().sort_by_key(|error| error["path"].to_string());
        let error = |path: Json| json!({ "code": "BAD_USER_INPUT", "path": path });
        assert_eq!(
            payload,
            json!({ "thing": null, "version": null, "errors": [error(json!(["input", "at"])), error(json!(["input", "p"]))] })
        );
        for (operation, path) in [
            ("updateThing(id: \"\", patch: {})", json!(["id"])),
            ("updateThing(id: 1, patch: { o: {}, at: \"\" })", json!(["patch", "at"])),
            ("updateThing(id: 1, patch: {}, ifVersion: \"x\")", json!(["ifVersion"])),
            ("upsertThing(id: 1, input: { tags: [\"a\", \"b\"], at: \"2024-02-30\" })", json!(["input", "at"])),
        ] {
            let answer = room.run(&format!("mutation {{ it: {operation} {{ errors {{ code path }} }} }}"), json!({})).await;
            assert_eq!(answer["it"]["errors"], json!([error(path)]), "{operation}");
        }
        // one value that does not fit refuses the whole bulk
        let bulk = "mutation { bulkThings(operations: [
            { upsert: { id: 1, input: { n: 1 } } }, { upsert: { id: 2, input: { n: 2 } } }, { delete: { id: 3 } },
            { create: { id: 4, input: { at: \"soon\" } } } ]) { items { version errors { code path message } } errors { path } } }";
        let refused = room.run(bulk, json!({})).await["bulkThings"].take();
        assert_eq!(refused["errors"], json!([{ "path": ["operations", "3", "input", "at"] }]));
        assert_eq!(refused["items"][3]["errors"][0]["path"], json!(["operations", "3", "input", "at"]));
        for at in 0..3 {
            let item = &refused["items"][at];
            assert!(
                item["version"].is_null() && item["errors"][0]["message"].as_str().unwrap().contains("operation 3"),
                "{item}"
            );
        }
        assert_eq!(room.app.data("{ thing(id: 1) { _id } }").await["thing"], Json::Null);
        // what the schema does not know never runs
        for wrong in [
            "mutation { createThing(input: { nowhere: 1 }) { version } }",
            "mutation { createThing(input: { n: \"one\" }) { version } }",
            "mutation { createThing { version } }",
            "mutation { createThing(input: { n: 1, n: 2 }) { version } }",
        ] {
            assert_eq!(room.code(wrong, json!({})).await, "GRAPHQL_VALIDATION_FAILED", "{wrong}");
        }
        let two = "mutation { bulkThings(operations: [{ create: { input: {} }, delete: { id: 1 } }]) { errors { code } } }";
        assert_eq!(room.code(two, json!({})).await, "BAD_USER_INPUT");
        let wide = room.code(create, json!({ "input": { "n": 3_000_000_000_i64 } })).await;
        assert_eq!(wide, "BAD_USER_INPUT");
        assert_eq!(room.app.data("{ thing(id: 1) { _id } }").await["thing"], Json::Null);
        room.end().await;
    }
}

#[tokio::test]
async fn a_bulk_tells_what_became_of_each_in_order() {
    for room in rooms(plain()).await {
        room.run("mutation { createThing(input: { k: \"old\", n: 1 }, id: 1) { version } }", json!({})).await;
        let bulk = "mutation { bulkThings(refresh: NOW, operations: [
            { create: { id: 1, input: { k: \"new\" } } }, { create: { input: { k: \"no id\" } } }, { update: { id: 9, patch: {} } },
            { update: { id: 1, patch: { n: 2 } } }, { delete: { id: 8 } }, { update: { id: 1, patch: {}, ifVersion: \"99-9\" } },
            { upsert: { id: 2, input: { k: \"two\" } } }, { delete: { id: 2 } }, { delete: { id: 1 } }, { create: { id: 1, input: { k: \"again\" } } },
        ]) { items { thing { _id k n } version errors { code path } } errors { code } } }";
        let done = room.run(bulk, json!({})).await["bulkThings"].take();
        assert_eq!(done["errors"], json!([]));
        let items = done["items"].as_array().unwrap();
        let outcomes: Vec<Vec<&str>> = items.iter().map(codes).collect();
        let (conflict, missing) = (vec!["CONFLICT"], vec!["NOT_FOUND"]);
        let fine = Vec::new;
        assert_eq!(
            outcomes,
            [conflict.clone(), fine(), missing.clone(), fine(), missing, conflict, fine(), fine(), fine(), fine()]
        );
        assert_eq!(items[0]["errors"][0]["path"], json!(["operations", "0", "id"]));
        assert_eq!(items[5]["errors"][0]["path"], json!(["operations", "5", "ifVersion"]));
        assert!(items[0]["version"].is_null() && items[3]["version"].is_string());
        assert_eq!(items[1]["thing"]["k"], "no id");
        // a deletion shows what it removed, also what this bulk had written
        assert_eq!(items[7]["thing"], json!({ "_id": "2", "k": "two", "n": null }));
        assert_eq!(items[8]["thing"], json!({ "_id": "1", "k": "old", "n": 2 }));
        assert_eq!(items[9]["thing"], json!({ "_id": "1", "k": "again", "n": null }));
        let left = room.app.data("{ things(orderBy: [{ field: K }]) { nodes { k } total { value } } }").await;
        assert_eq!(left["things"], json!({ "nodes": [{ "k": "again" }, { "k": "no id" }], "total": { "value": 2 } }));

        let many: Vec<Json> = (0..1_000).map(|n| json!({ "upsert": { "id": n, "input": { "n": n } } })).collect();
        let bulk =
            "mutation($all: [ThingOperation!]!) { bulkThings(operations: $all, refresh: NOW) { items { errors { code } } } }";
        let done = room.run(bulk, json!({ "all": many })).await;
        assert!(done["bulkThings"]["items"].as_array().unwrap().iter().all(|item| item["errors"] == json!([])));
        assert_eq!(room.app.data("{ things { total { value } } }").await["things"]["total"]["value"], 1_001);
        let twice = [many.clone(), many].concat();
        let answer = room.app.graphql(bulk, json!({ "all": twice })).await;
        let told = &answer["errors"][0]["extensions"];
        assert_eq!((&told["code"], &told["limit"]), (&json!("LIMIT_EXCEEDED"), &json!("operations")), "{answer}");
        assert_eq!((&told["value"], &told["asked"]), (&json!(1_000), &json!(2_000)));
        room.end().await;
    }
}

#[tokio::test]
async fn root_fields_run_in_their_order_and_see_one_another() {
    for room in rooms(plain()).await {
        let operation = "mutation {
            z: createThing(input: { n: 1 }, id: 1) { thing { n } errors { code } }
            twice: createThing(input: { n: 7 }, id: 1) { thing { n } errors { code path } }
            __typename
            a: updateThing(id: 1, patch: { k: \"x\" }) { thing { n k } version errors { code } }
            put: upsertThing(id: 1, input: { n: 3 }) { thing { n k } errors { code } }
            wrong: updateThing(id: 1, patch: { at: \"never\" }) { errors { code } }
            gone: deleteThing(id: 1) { thing { n k } version errors { code } }
            late: deleteThing(id: 1) { thing { n } version errors { code path } }
        }";
        let done = room.run(operation, json!({})).await;
        let keys: Vec<&str> = done.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys.len(), 8);
        assert_eq!(done["z"], json!({ "thing": { "n": 1 }, "errors": [] }));
        assert_eq!(done["twice"], json!({ "thing": null, "errors": [{ "code": "CONFLICT", "path": ["id"] }] }));
        assert_eq!(done["__typename"], "Mutation");
        assert_eq!(done["a"]["thing"], json!({ "n": 1, "k": "x" }));
        assert_eq!(done["put"]["thing"], json!({ "n": 3, "k": null }));
        assert_eq!(codes(&done["wrong"]), ["BAD_USER_INPUT"]);
        assert_eq!(done["gone"]["thing"], json!({ "n": 3, "k": null }));
        assert!(done["gone"]["version"].is_string());
        assert_eq!(done["late"], json!({ "thing": null, "version": null, "errors": [{ "code": "NOT_FOUND", "path": ["id"] }] }));
        let raw = room
            .app
            .http
            .post(room.app.at("/graphql"))
            .json(&json!({ "query": operation }))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        let place = |key: &str| raw.find(&format!("\"{key}\":")).unwrap();
        assert!(["z", "twice", "a", "put", "gone", "late"].windows(2).all(|pair| place(pair[0]) < place(pair[1])), "{raw}");
        room.end().await;
    }
}

#[tokio::test]
async fn of_many_who_know_one_version_exactly_one_wins() {
    for room in rooms(plain()).await {
        let made = room.run("mutation { createThing(input: { n: 0 }, id: 1) { version } }", json!({})).await;
        let version = made["createThing"]["version"].as_str().unwrap();
        let update = "mutation($v: String, $n: Int) { updateThing(id: 1, patch: { n: $n }, ifVersion: $v) { thing { n } version errors { code path } } }";
        let tries = (1..=12).map(|n| room.run(update, json!({ "v": version, "n": n })));
        let mut won = Vec::new();
        for done in join_all(tries).await {
            let payload = &done["updateThing"];
            match codes(payload).as_slice() {
                [] => won.push(payload["thing"]["n"].clone()),
                ["CONFLICT"] => assert_eq!(payload["errors"][0]["path"], json!(["ifVersion"])),
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(won.len(), 1);
        assert_eq!(room.app.data("{ thing(id: 1) { n } }").await["thing"]["n"], won[0]);
        // without a version each is merged into what the others left
        let all = (0..8).map(|n| {
            room.run(
                "mutation($t: [String!]) { updateThing(id: 1, patch: { tags: $t }) { errors { code } } }",
                json!({ "t": [n.to_string()] }),
            )
        });
        assert!(join_all(all).await.iter().all(|done| done["updateThing"]["errors"] == json!([])));

        let old = room
            .run(
                &format!(
                    "mutation {{ deleteThing(id: 1, ifVersion: \"{version}\") {{ thing {{ n }} errors {{ code path }} }} }}"
                ),
                json!({}),
            )
            .await;
        assert_eq!(old["deleteThing"], json!({ "thing": null, "errors": [{ "code": "CONFLICT", "path": ["ifVersion"] }] }));
        let deletes = (0..6).map(|_| room.run("mutation { deleteThing(id: 1) { thing { n } errors { code } } }", json!({})));
        let deleted = join_all(deletes).await;
        let shown = deleted.iter().filter(|done| done["deleteThing"]["thing"]["n"] == won[0]).count();
        assert_eq!(shown, 1, "{deleted:?}");
        let missing = room
            .run(&format!("mutation {{ deleteThing(id: 1, ifVersion: \"{version}\") {{ errors {{ code }} }} }}"), json!({}))
            .await;
        assert_eq!(codes(&missing["deleteThing"]), ["NOT_FOUND"]);
        room.end().await;
    }
}

#[tokio::test]
async fn a_refresh_is_waited_for() {
    for room in rooms(plain()).await {
        for (id, refresh) in [("1", "NOW"), ("2", "WAIT")] {
            let create = format!(
                "mutation {{ createThing(input: {{ k: \"x\" }}, id: {id}, refresh: {refresh}) {{ errors {{ code }} }} }}"
            );
            room.run(&create, json!({})).await;
            let found = room.app.data("{ things(filter: { k: { eq: \"x\" } }) { total { value } } }").await;
            assert_eq!(found["things"]["total"]["value"].to_string(), id, "{refresh}");
        }
        room.end().await;
    }
}

#[tokio::test]
async fn a_new_collection_is_in_the_schema_when_its_mutation_answers() {
    let mut all = vec![Room::open(None, Some(Writes::All)).await];
    if let Some(url) = elasticsearch_url() {
        all.push(Room::open(Some(url), Some(Writes::All)).await);
    }
    for room in all {
        let create = "mutation($name: String!, $fields: [FieldInput!]!) { createCollection(name: $name, fields: $fields) { name errors { code path } } }";
        let fields = json!([
            { "path": "title", "kind": "TEXT", "keyword": true }, { "path": "tags", "kind": "KEYWORD", "list": true },
            { "path": "day", "kind": "DATE", "format": "yyyy-MM-dd" }, { "path": "spot", "kind": "GEO_POINT" },
            { "path": "v", "kind": "VECTOR", "dims": 2 }, { "path": "ship.city", "kind": "KEYWORD" },
            { "path": "lines", "kind": "NESTED" }, { "path": "lines.qty", "kind": "SHORT" }, { "path": "n", "kind": "BYTE" },
        ]);
        let made = room.run(create, json!({ "name": room.name, "fields": fields })).await;
        assert_eq!(made["createCollection"], json!({ "name": room.name, "errors": [] }));
        let write = "mutation { createThing(id: 1, refresh: NOW, input: { title: \"A title\", tags: [\"a\"], day: \"2024-03-31\", spot: { lat: 1, lon: 2 },
            v: [1, 2], ship: { city: \"Bonn\" }, lines: [{ qty: 1 }, { qty: 2 }], n: 5 }) {
            thing { title tags day spot { lat } v ship { city } lines { qty } n } errors { message path } } }";
        let done = room.run(write, json!({})).await["createThing"].take();
        assert_eq!(done["errors"], json!([]));
        assert_eq!(done["thing"]["lines"], json!([{ "qty": 1 }, { "qty": 2 }]));
        assert_eq!(done["thing"]["day"], "2024-03-31T00:00:00.000Z");
        let found = room
            .app
            .data("{ things(search: { query: \"title\" }, filter: { title: { eq: \"A title\" } }) { total { value } } }")
            .await;
        assert_eq!(found["things"]["total"]["value"], 1);

        for (name, fields, code, path) in [
            (room.name.as_str(), json!([{ "path": "a", "kind": "LONG" }]), "CONFLICT", json!(["name"])),
            ("Upper", json!([]), "BAD_USER_INPUT", json!(["name"])),
            (".hooke-state", json!([]), "BAD_USER_INPUT", json!(["name"])),
            ("not-included", json!([]), "BAD_USER_INPUT", json!(["name"])),
            (
                "x",
                json!([{ "path": "a", "kind": "LONG" }, { "path": "b", "kind": "DATE", "format": "QQ!" }]),
                "BAD_USER_INPUT",
                json!(["fields", "1", "format"]),
            ),
            ("x", json!([{ "path": "", "kind": "LONG" }]), "BAD_USER_INPUT", json!(["fields", "0", "path"])),
        ] {
            let made = room.run(create, json!({ "name": name, "fields": fields })).await;
            assert_eq!(
                made["createCollection"],
                json!({ "name": null, "errors": [{ "code": code, "path": path }] }),
                "{name} {fields}"
            );
        }
        let remove = "mutation($name: String!) { removeCollection(name: $name) { name errors { code path } } }";
        let gone = room.run(remove, json!({ "name": room.name })).await;
        assert_eq!(gone["removeCollection"], json!({ "name": room.name, "errors": [] }));
        assert!(!room.has("Thing").await);
        let again = room.run(remove, json!({ "name": room.name })).await;
        assert_eq!(again["removeCollection"]["errors"], json!([{ "code": "NOT_FOUND", "path": ["name"] }]));
        room.app.stop().await;
    }
}

#[tokio::test]
async fn what_the_settings_do_not_allow_is_not_in_the_schema() {
    let Some(url) = elasticsearch_url() else { return };
    let owner = Room::open(Some(url.clone()), Some(Writes::All)).await.with(plain()).await;
    for (writes, documents) in [(None, false), (Some(Writes::Documents), true)] {
        let name = owner.name.clone();
        let app = TestApp::open(|config| {
            config.elasticsearch = Some(ElasticConfig { urls: vec![url.clone()], ..ElasticConfig::default() });
            config.catalog.include = vec![name.clone()];
            let named =
                CollectionConfig { name: Some("things".into()), singular: Some("thing".into()), ..CollectionConfig::default() };
            config.catalog.collections.insert(name.clone(), named);
            config.writes = writes;
        })
        .await;
        let room = Room { app, name };
        room.awaits("Thing", true).await;
        assert_eq!(room.has("Mutation").await, documents);
        let create = "mutation { createThing(input: { n: 1 }, id: 1) { errors { code } } }";
        if documents {
            assert_eq!(room.run(create, json!({})).await["createThing"]["errors"], json!([]));
        } else {
            assert_eq!(room.code(create, json!({})).await, "GRAPHQL_VALIDATION_FAILED");
            let put = room.app.http.put(room.app.at(&format!("/v1/collections/{}/documents/1", room.name)));
            assert_eq!(put.json(&json!({ "n": 1 })).send().await.unwrap().status(), 403);
            assert_eq!(owner.app.data("{ thing(id: 1) { _id } }").await["thing"], Json::Null);
        }
        let collection = room.code("mutation { createCollection(name: \"x\", fields: []) { name } }", json!({})).await;
        assert_eq!(collection, "GRAPHQL_VALIDATION_FAILED");
        room.app.stop().await;
    }
    owner.end().await;
}

#[tokio::test]
async fn a_get_changes_nothing() {
    for room in rooms(plain()).await {
        let create = "mutation { createThing(input: { n: 1 }, id: 1) { version } }";
        let answer = room.app.http.get(room.app.at("/graphql")).query(&[("query", create)]).send().await.unwrap();
        assert_eq!(answer.status(), 405);
        assert_eq!(room.app.data("{ thing(id: 1) { _id } }").await["thing"], Json::Null);
        room.end().await;
    }
}

#[tokio::test]
async fn names_of_payloads_give_way_to_those_of_hooke() {
    let app = TestApp::embedded().await;
    for name in ["versions", "news"] {
        let made = format!(
            "mutation {{ createCollection(name: \"{name}\", fields: [{{ path: \"errors\", kind: LONG }}]) {{ errors {{ message }} }} }}"
        );
        assert_eq!(app.data(&made).await["createCollection"]["errors"], json!([]));
    }
    let fields = |payload: &Json| -> Vec<String> {
        let fields = payload["__type"]["fields"].as_array().unwrap();
        fields.iter().map(|field| field["name"].as_str().unwrap().to_owned()).collect()
    };
    let version = fields(&app.data("{ __type(name: \"VersionPayload\") { fields { name } } }").await);
    assert!(version[0].len() == "version_".len() + 4 && version[0].starts_with("version_"), "{version:?}");
    assert_eq!(version[1..], ["version", "errors"]);
    let news = fields(&app.data("{ __type(name: \"NewsPayload\") { fields { name } } }").await);
    assert_eq!(news, ["news", "version", "errors"]);
    let write = format!(
        "mutation {{ createVersion(input: {{ errors: 3 }}) {{ {} {{ errors }} version errors {{ code }} }} }}",
        version[0]
    );
    let done = app.data(&write).await["createVersion"].clone();
    assert_eq!((&done[&version[0]], &done["errors"]), (&json!({ "errors": 3 }), &json!([])));
    app.stop().await;
}

#[tokio::test]
async fn through_an_alias_documents_are_written_and_into_a_pattern_none_is_made() {
    let Some(url) = elasticsearch_url() else { return };
    let stem = unique("flow");
    let http = reqwest::Client::new();
    let send = async |method: reqwest::Method, path: &str, body: Json| {
        let answer = http.request(method, format!("{url}/{path}")).json(&body).send().await.unwrap();
        assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    };
    let mapping = json!({ "properties": { "n": { "type": "long" } } });
    for index in ["a1", "b-2024.01.01", "b-2024.01.02"] {
        send(reqwest::Method::PUT, &format!("{stem}{index}"), json!({ "mappings": mapping })).await;
    }
    let alias = json!({ "actions": [{ "add": { "index": format!("{stem}a1"), "alias": format!("{stem}alias"), "is_write_index": true } }] });
    send(reqwest::Method::POST, "_aliases", alias).await;
    let app = TestApp::open(|config| {
        config.elasticsearch = Some(ElasticConfig { urls: vec![url.clone()], ..ElasticConfig::default() });
        config.catalog.include = vec![format!("{stem}*")];
        for (own, name, singular) in [("alias", "flows", "flow"), ("b", "days", "day")] {
            let named =
                CollectionConfig { name: Some(name.into()), singular: Some(singular.into()), ..CollectionConfig::default() };
            config.catalog.collections.insert(format!("{stem}{own}"), named);
        }
    })
    .await;
    let done = app
        .data("mutation { createFlow(input: { n: 1 }, id: 1, refresh: NOW) { flow { _id n nodeId } errors { message } } }")
        .await;
    assert_eq!(done["createFlow"]["errors"], json!([]), "{done}");
    assert_eq!(done["createFlow"]["flow"]["n"], 1);
    let again = app.data("mutation { createFlow(input: { n: 1 }, id: 1) { errors { code } } }").await;
    assert_eq!(codes(&again["createFlow"]), ["CONFLICT"]);
    let node = app.data(&format!("{{ node(nodeId: {}) {{ ... on Flow {{ n }} }} }}", done["createFlow"]["flow"]["nodeId"])).await;
    assert_eq!(node["node"]["n"], 1);
    let gone = app.data("mutation { deleteFlow(id: 1) { flow { n } errors { code } } }").await;
    assert_eq!(gone["deleteFlow"], json!({ "flow": { "n": 1 }, "errors": [] }));
    let refused = app.data("mutation { createDay(input: { n: 1 }, id: 1) { errors { code message } } }").await;
    assert_eq!(codes(&refused["createDay"]), ["BAD_USER_INPUT"]);
    let told =
        app.http.put(app.at(&format!("/v1/collections/{stem}b/documents/1"))).json(&json!({ "n": 1 })).send().await.unwrap();
    assert_eq!(told.status(), 400);
    assert_eq!(told.json::<Json>().await.unwrap()["detail"], refused["createDay"]["errors"][0]["message"]);
    app.stop().await;
    for index in ["a1", "b-2024.01.01", "b-2024.01.02"] {
        http.delete(format!("{url}/{stem}{index}")).send().await.unwrap();
    }
}

#[tokio::test]
async fn jobs_are_started_listed_steered_and_found_again() {
    for room in rooms(plain()).await {
        let start = "mutation { long: startJob(input: { kind: WAIT, arguments: { seconds: 600 } }) { job { id nodeId kind state of } errors { code path } }
            short: startJob(input: { kind: WAIT, collection: null, arguments: { seconds: 0 } }) { job { id } errors { message } } }";
        let started = room.run(start, json!({})).await;
        assert_eq!((&started["long"]["errors"], &started["short"]["errors"]), (&json!([]), &json!([])));
        let job = &started["long"]["job"];
        let (id, node_id) = (job["id"].as_str().unwrap(), job["nodeId"].as_str().unwrap());
        assert_eq!(job["kind"], "WAIT");
        let look = format!(
            "{{ job(id: \"{id}\") {{ id createdAt log(last: 1) error done rate secondsLeft }} none: job(id: \"nowhere\") {{ id }}
            node(nodeId: \"{node_id}\") {{ __typename nodeId ... on Job {{ id state }} ... on Thing {{ n }} }} }}"
        );
        let seen = room.app.data(&look).await;
        assert_eq!((&seen["job"]["id"], &seen["none"]), (&json!(id), &Json::Null));
        assert_eq!(seen["job"]["log"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&seen["node"]["__typename"], &seen["node"]["id"], &seen["node"]["nodeId"]),
            (&json!("Job"), &json!(id), &json!(node_id))
        );
        let steered = async |verb: &str| {
            let steer = format!(
                "mutation {{ it: {verb}Job(id: \"{id}\") {{ job {{ state finishedAt }} errors {{ code path message }} }} }}"
            );
            room.run(&steer, json!({})).await["it"].take()
        };
        assert_eq!(steered("pause").await["job"]["state"], "PAUSED");
        let wrong = steered("retry").await;
        assert_eq!(
            (&wrong["job"], &wrong["errors"][0]["code"], &wrong["errors"][0]["path"]),
            (&Json::Null, &json!("CONFLICT"), &json!(["id"]))
        );
        assert_ne!(steered("resume").await["job"]["state"], "PAUSED");
        assert!(steered("cancel").await["job"]["finishedAt"].is_string());
        // the newest first, page by page
        let page = "query($after: String) { jobs(first: 1, after: $after) { pageInfo { hasNextPage hasPreviousPage endCursor } edges { cursor node { id } } } }";
        let first = room.run(page, json!({})).await["jobs"].take();
        assert_eq!(
            (&first["edges"][0]["node"]["id"], &first["pageInfo"]["hasNextPage"]),
            (&started["short"]["job"]["id"], &json!(true))
        );
        let second = room.run(page, json!({ "after": first["pageInfo"]["endCursor"] })).await["jobs"].take();
        assert_eq!((&second["edges"][0]["node"]["id"], &second["pageInfo"]["hasPreviousPage"]), (&json!(id), &json!(true)));
        let cancelled = room.app.data("{ jobs(state: CANCELLED) { edges { node { id state } } } }").await;
        assert_eq!(cancelled["jobs"]["edges"], json!([{ "node": { "id": id, "state": "CANCELLED" } }]));
        let stale = format!("{{ jobs(state: FAILED, after: {}) {{ edges {{ cursor }} }} }}", first["pageInfo"]["endCursor"]);
        assert_eq!(room.code(&stale, json!({})).await, "BAD_CURSOR");
        let wrong = room.run("mutation { startJob(input: { kind: WAIT, arguments: { seconds: \"long\" } }) { job { id } errors { code path } } }", json!({})).await;
        assert_eq!(
            wrong["startJob"],
            json!({ "job": null, "errors": [{ "code": "BAD_USER_INPUT", "path": ["input", "arguments"] }] })
        );
        room.end().await;
    }
}

#[tokio::test]
async fn what_an_operation_cost_is_told_to_who_asks() {
    for room in rooms(plain()).await {
        let ask = async |query: &str, explain: bool| -> Json {
            let request = room.app.http.post(room.app.at("/graphql")).json(&json!({ "query": query }));
            let request = if explain { request.header("hooke-explain", "1") } else { request };
            request.send().await.unwrap().json().await.unwrap()
        };
        let query = "{ things(first: 7, filter: { k: { eq: \"needle\" } }) { nodes { k } } thing(id: 1) { k } }";
        assert_eq!(ask(query, false).await.get("extensions"), None);
        let told = ask(query, true).await["extensions"]["hooke"].take();
        assert_eq!((&told["cost"], &told["costLimit"]), (&json!(8), &json!(10_000)), "{told}");
        assert!(told["milliseconds"].as_f64().unwrap() > 0.0);
        let requests = told["requests"].as_array().unwrap();
        assert_eq!(told["roundTrips"], requests.len());
        if room.name == "things" {
            assert_eq!(requests.len(), 0);
        } else {
            let bodies: String = requests.iter().map(|request| request["body"].as_str().unwrap()).collect();
            assert!(requests.len() == 2 && bodies.contains("needle"), "{told}");
            assert!(
                requests
                    .iter()
                    .any(|request| request["path"].as_str().unwrap().contains("_search") && request["method"] == "POST")
            );
        }
        let fields: String = (0..11).map(|n| format!("t{n}: things(first: 1000) {{ nodes {{ k }} }} ")).collect();
        let refused = ask(&format!("{{ {fields} }}"), true).await;
        let told = &refused["errors"][0]["extensions"];
        assert_eq!(
            (&told["code"], &told["limit"], &told["value"], &told["asked"]),
            (&json!("LIMIT_EXCEEDED"), &json!("cost"), &json!(10_000), &json!(11_000))
        );
        assert_eq!((&refused["extensions"]["hooke"]["cost"], refused.get("data")), (&Json::Null, None));
        // documents of groups that must all be listed are brought of each
        for (more, cost) in [("", 2 * (1 + 3)), (", having: { count: { gte: 2 } }", 2 * (1 + 3) + 998 * 3)] {
            let grouped = format!(
                "{{ things(first: 0) {{ groupBy(keys: [{{ field: K }}], first: 2{more}) {{ nodes {{ topHits {{ k }} }} }} }} }}"
            );
            let told = ask(&grouped, true).await;
            assert_eq!(told["extensions"]["hooke"]["cost"], cost, "{told}");
        }
        let written = ask("mutation { createThing(input: {}) { version } deleteThing(id: 1) { version } }", true).await;
        assert_eq!(written["extensions"]["hooke"]["cost"], 2);
        room.end().await;
    }
}
