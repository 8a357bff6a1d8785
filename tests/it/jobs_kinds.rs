//! What the kinds of jobs do with documents, on both engines.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::jobs::{await_that, forget, get, start, steer};

const FIELDS: &str = r#"{"properties":{"title":{"type":"keyword"},"year":{"type":"integer"},"tags":{"type":"keyword"}}}"#;

async fn ended(app: &TestApp, job: &Json, state: &str) -> Json {
    let done =
        await_that(app, job, "at its end", |job| matches!(job["state"].as_str(), Some("SUCCEEDED" | "FAILED" | "CANCELLED")))
            .await;
    assert_eq!(done["state"], state, "{done:#}");
    done
}

/// Sends a file; the job that was started, or the refusal.
async fn send(app: &TestApp, query: &str, kind: &str, text: String) -> (u16, Json) {
    let request = app.http.post(app.at(&format!("/v1/jobs/load?{query}"))).header("content-type", kind).body(text);
    let answer = request.send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

/// All documents by id.
async fn documents(app: &TestApp, collection: &str) -> BTreeMap<String, Json> {
    let text = app.get(&format!("/v1/collections/{collection}/export")).await.text().await.unwrap();
    let all = text.lines().map(|line| {
        let mut document: Json = serde_json::from_str(line).unwrap();
        let id = document.as_object_mut().unwrap().remove("_id").unwrap();
        (id.as_str().unwrap().to_owned(), document)
    });
    all.collect()
}

async fn loading(app: &TestApp) {
    let books = app.name("books");
    // without ids, with a line that is no document, into a collection that is made from what the rows look like
    let mut text: String =
        (0..1_234).map(|n| format!("{}\n", json!({ "title": format!("t{n}"), "year": 1900 + n % 100 }))).collect();
    text.push_str("nonsense\n");
    let (status, job) = send(app, &format!("collection={books}"), "application/x-ndjson", text.clone()).await;
    assert_eq!((status, &job["kind"], &job["collection"]), (202, &json!("LOAD"), &json!(books)));
    let failed = ended(app, &job, "FAILED").await;
    assert!(failed["error"].as_str().unwrap().contains("1 document was refused (see the log), 1234 were loaded"), "{failed}");
    assert!(
        failed["log"].as_array().unwrap().iter().any(|line| line.as_str().unwrap().contains("line 1235: not JSON")),
        "{failed}"
    );
    assert_eq!((&failed["done"], &failed["of"]), (&json!(1_235), &json!(1_235)));
    assert_eq!(documents(app, &books).await.len(), 1_234);
    // again: the same rows have the same ids
    assert_eq!(steer(app, &job, "retry").await.0, 200);
    ended(app, &job, "FAILED").await;
    assert_eq!(documents(app, &books).await.len(), 1_234);

    let table = app.name("table");
    let (_, job) = send(app, &format!("collection={table}&id=k"), "text/csv", "k,n,s\nb,2,x\na,1,\n".into()).await;
    let done = ended(app, &job, "SUCCEEDED").await;
    assert_eq!(done["result"], json!({ "documents": 2 }));
    let found = documents(app, &table).await;
    assert_eq!(found["a"], json!({ "k": "a", "n": 1 }));
    assert_eq!(found["b"], json!({ "k": "b", "n": 2, "s": "x" }));

    let order =
        json!({ "kind": "LOAD", "collection": table, "arguments": { "documents": [{ "_id": "c", "n": 3 }, { "k": "d" }] } });
    let job = start(app, order).await;
    ended(app, &job, "SUCCEEDED").await;
    let found = documents(app, &table).await;
    assert_eq!((found.len(), &found["c"]), (4, &json!({ "n": 3 })));
    assert!(found.contains_key(&format!("{}-2", job["id"].as_str().unwrap())), "{found:?}");
    let mut stays = get(app, &job).await;
    assert_eq!(stays["arguments"].take(), json!({ "format": "ndjson" }));

    let (_, job) =
        send(app, &format!("collection={}", app.name("broken")), "application/json", "[{\"a\":1},\n{\"a\" 2}]".into()).await;
    let failed = ended(app, &job, "FAILED").await;
    assert!(failed["error"].as_str().unwrap().contains("its rest was not read"), "{failed}");
    for (query, kind, status) in [
        (format!("collection={table}"), "text/plain", 415),
        (format!("collection={table}&format=xml"), "text/csv", 400),
        ("collection=_no".to_owned(), "text/csv", 400),
        (format!("collection={table}&mapping=x"), "text/csv", 400),
    ] {
        assert_eq!(send(app, &query, kind, "k\n1\n".into()).await.0, status, "{query}");
    }
}

async fn moving(app: &TestApp) {
    let (books, copy) = (app.name("old"), app.name("new"));
    let text: String = (0..900)
        .map(|n| format!("{}\n", json!({ "_id": format!("b{n}"), "title": format!("t{n}"), "year": n, "tags": ["x", "y"] })))
        .collect();
    let (_, job) = send(app, &format!("collection={books}&mapping={FIELDS}"), "application/x-ndjson", text).await;
    ended(app, &job, "SUCCEEDED").await;
    let all = documents(app, &books).await;

    // with a filter, and years as words
    let mapping =
        json!({ "properties": { "title": { "type": "text" }, "year": { "type": "keyword" }, "tags": { "type": "keyword" } } });
    let order = json!({ "kind": "COPY", "collection": books, "arguments": { "to": copy, "filter": { "year": { "gte": 100 } }, "mapping": mapping } });
    let done = ended(app, &start(app, order.clone()).await, "SUCCEEDED").await;
    assert_eq!((&done["result"], &done["of"]), (&json!({ "documents": 800 }), &json!(800)));
    let wanted: BTreeMap<String, Json> =
        all.iter().filter(|(_, book)| book["year"].as_u64() >= Some(100)).map(|(id, book)| (id.clone(), book.clone())).collect();
    assert_eq!(documents(app, &copy).await, wanted);
    let about: Json = app.get(&format!("/v1/collections/{copy}")).await.json().await.unwrap();
    assert_eq!(about["mappings"]["properties"]["year"]["type"], "keyword", "{about}");

    let job =
        start(app, json!({ "kind": "EXPORT", "collection": books, "arguments": { "filter": { "year": { "lt": 600 } } } })).await;
    let done = ended(app, &job, "SUCCEEDED").await;
    assert_eq!(done["result"]["documents"], 600);
    let answer = app.get(&format!("/v1/jobs/{}/result", job["id"].as_str().unwrap())).await;
    assert!(answer.headers()["content-disposition"].to_str().unwrap().contains("attachment"));
    let text = answer.text().await.unwrap();
    assert_eq!((text.lines().count(), text.len() as u64), (600, done["result"]["bytes"].as_u64().unwrap()));

    let order = json!({ "kind": "DELETE_BY_FILTER", "collection": books, "arguments": { "filter": { "year": { "lt": 850 } } } });
    let done = ended(app, &start(app, order).await, "SUCCEEDED").await;
    assert_eq!(done["result"], json!({ "documents": 850 }));
    let left = documents(app, &books).await;
    assert_eq!(left.len(), 50);
    assert!(left.values().all(|book| book["year"].as_u64() >= Some(850)));

    for (order, status, part) in [
        (json!({ "kind": "COPY", "collection": books, "arguments": { "to": books } }), 400, "into itself"),
        (json!({ "kind": "COPY", "collection": books, "arguments": { "to": "No" } }), 400, "lower case"),
        (order_with_mapping(&books, &copy), 409, "has its own mapping"),
        (json!({ "kind": "COPY", "collection": "none", "arguments": { "to": "x" } }), 404, "no collection"),
        (json!({ "kind": "EXPORT" }), 400, "name a collection"),
        (json!({ "kind": "EXPORT", "collection": books, "arguments": { "filter": { "colour": { "eq": 1 } } } }), 400, "colour"),
        (json!({ "kind": "DELETE_BY_FILTER", "collection": books }), 400, "which documents"),
        (json!({ "kind": "DELETE_BY_FILTER", "collection": books, "arguments": { "filter": {} } }), 400, "\"all\": true"),
        (json!({ "kind": "DELETE_BY_FILTER", "collection": books, "arguments": { "filter": null } }), 400, "filter"),
        (json!({ "kind": "LOAD", "collection": books }), 400, "documents"),
        (json!({ "kind": "FETCH", "collection": books }), 400, "calls"),
    ] {
        let answer = app.http.post(app.at("/v1/jobs")).json(&order).send().await.unwrap();
        let (got, fault): (u16, Json) = (answer.status().as_u16(), answer.json().await.unwrap());
        assert!(got == status && fault["detail"].as_str().unwrap().contains(part), "{order}: {got} {fault}");
    }
    let order = json!({ "kind": "DELETE_BY_FILTER", "collection": books, "arguments": { "filter": {}, "all": true } });
    ended(app, &start(app, order).await, "SUCCEEDED").await;
    assert_eq!(documents(app, &books).await.len(), 0);
}

fn order_with_mapping(from: &str, to: &str) -> Json {
    json!({ "kind": "COPY", "collection": from, "arguments": { "to": to, "mapping": { "properties": {} } } })
}

async fn clean(app: &TestApp) {
    for stem in ["books", "table", "broken", "old", "new"] {
        app.http.delete(app.at(&format!("/v1/collections/{}", app.name(stem)))).send().await.unwrap();
    }
    forget(app).await;
}

#[tokio::test]
async fn documents_are_moved_on_the_embedded_engine() {
    let app = TestApp::embedded().await;
    loading(&app).await;
    moving(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn documents_are_moved_on_elasticsearch() {
    let Some(app) = TestApp::elastic().await else { return };
    loading(&app).await;
    moving(&app).await;
    clean(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn jobs_that_write_honour_the_setting() {
    let app = TestApp::open(|config| config.writes = Some(hooke::config::Writes::Off)).await;
    for kind in ["LOAD", "COPY", "DELETE_BY_FILTER"] {
        let answer = app.http.post(app.at("/v1/jobs")).json(&json!({ "kind": kind })).send().await.unwrap();
        assert_eq!(answer.status(), 403, "{kind}");
    }
    assert_eq!(send(&app, "collection=a", "text/csv", "a\n1\n".into()).await.0, 403);
    // those that do not write run, and are kept in the data folder
    let job = start(&app, json!({ "kind": "WAIT", "arguments": { "seconds": 0 } })).await;
    ended(&app, &job, "SUCCEEDED").await;
    app.stop().await;
}

#[tokio::test]
async fn queue_files_and_collections_are_bounded() {
    let app = TestApp::open(|config| {
        config.jobs.running = 1;
        config.jobs.queued = 3;
        config.jobs.upload = 100;
        config.writes = Some(hooke::config::Writes::Documents);
    })
    .await;
    let wait = json!({ "kind": "WAIT", "arguments": { "seconds": 60 } });
    let mut jobs = Vec::new();
    for _ in 0..3 {
        jobs.push(start(&app, wait.clone()).await);
    }
    await_that(&app, &jobs[0], "running", |job| job["state"] == "RUNNING").await;
    assert_eq!(get(&app, &jobs[1]).await["state"], "QUEUED");
    let answer = app.http.post(app.at("/v1/jobs")).json(&wait).send().await.unwrap();
    let fault: Json = answer.json().await.unwrap();
    assert!(fault["code"] == "LIMIT_EXCEEDED" && fault["detail"].as_str().unwrap().contains("jobs.queued"), "{fault}");
    // the next one gets the place
    assert_eq!(steer(&app, &jobs[0], "cancel").await.0, 200);
    await_that(&app, &jobs[1], "running", |job| job["state"] == "RUNNING").await;
    for job in &jobs[1..] {
        assert_eq!(steer(&app, job, "cancel").await.0, 200);
    }
    let (status, fault) = send(&app, "collection=a", "text/csv", "a\n1\n".into()).await;
    assert!(status == 403 && fault["detail"].as_str().unwrap().contains("must be all"), "{fault}");
    app.stop().await;

    let app = TestApp::open(|config| config.jobs.upload = 100).await;
    let (status, fault) = send(&app, "collection=a", "text/csv", format!("a\n{}\n", "1".repeat(200))).await;
    assert!(status == 400 && fault["detail"].as_str().unwrap().contains("jobs.upload"), "{fault}");
    app.stop().await;
}

#[tokio::test]
async fn a_file_may_be_larger_than_a_body() {
    let app = TestApp::open(|config| config.limits.body = 1_000).await;
    let text: String = (0..500).map(|n| format!("{}\n", json!({ "n": n, "text": "x".repeat(50) }))).collect();
    let (status, job) = send(&app, "collection=a", "application/x-ndjson", text).await;
    assert_eq!(status, 202);
    assert_eq!(ended(&app, &job, "SUCCEEDED").await["result"], json!({ "documents": 500 }));
    app.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_are_not_delayed_by_what_keeps_the_cores_busy() {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let app = TestApp::open(|config| config.jobs.running = cores).await;
    let mut jobs = Vec::new();
    for _ in 0..cores {
        jobs.push(start(&app, json!({ "kind": "COMPUTE", "arguments": { "upTo": 1_000_000_000 } })).await);
    }
    for job in &jobs {
        await_that(&app, job, "under way", |job| job["done"].as_u64() > Some(0)).await;
    }
    // other tests keep the cores busy too: one quiet round of five is enough
    let mut worst = Vec::new();
    for _ in 0..5 {
        let mut times = Vec::new();
        for _ in 0..200 {
            let from = std::time::Instant::now();
            assert_eq!(app.get("/livez").await.status(), 200);
            times.push(from.elapsed());
        }
        times.sort();
        worst.push(times[197]);
        if times[197] < std::time::Duration::from_millis(50) {
            break;
        }
    }
    eprintln!("99 of 100 calls of /livez took less than {worst:?}");
    assert!(worst.last().is_some_and(|time| *time < std::time::Duration::from_millis(50)), "{worst:?}");
    for job in &jobs {
        assert_eq!(get(&app, job).await["state"], "RUNNING");
        assert_eq!(steer(&app, job, "cancel").await.0, 200);
    }
    app.stop().await;
}
