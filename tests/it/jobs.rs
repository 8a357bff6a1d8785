//! Jobs from outside: started, watched, steered, over REST and with the pages; shared by processes; kept over a kill -9.

use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use serde_json::{Value as Json, json};

use crate::app::TestApp;

/// For a job of a test, on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub async fn start(app: &TestApp, job: Json) -> Json {
    let answer = app.http.post(app.at("/v1/jobs")).json(&job).send().await.unwrap();
    let status = answer.status().as_u16();
    let place = answer.headers().get("location").map(|place| place.to_str().unwrap().to_owned());
    let body: Json = answer.json().await.unwrap();
    assert_eq!(status, 202, "{body}");
    assert_eq!(place, Some(format!("/v1/jobs/{}", body["id"].as_str().unwrap())));
    body
}

pub async fn get(app: &TestApp, job: &Json) -> Json {
    app.get(&format!("/v1/jobs/{}", job["id"].as_str().unwrap())).await.json().await.unwrap()
}

pub async fn steer(app: &TestApp, job: &Json, action: &str) -> (u16, Json) {
    let answer = app.http.post(app.at(&format!("/v1/jobs/{}/{action}", job["id"].as_str().unwrap()))).send().await.unwrap();
    (answer.status().as_u16(), answer.json().await.unwrap())
}

pub async fn await_state(app: &TestApp, job: &Json, state: &str) -> Json {
    await_that(app, job, state, |job| job["state"] == state).await
}

pub async fn await_that(app: &TestApp, job: &Json, what: &str, good: impl Fn(&Json) -> bool) -> Json {
    let from = Instant::now();
    loop {
        let now = get(app, job).await;
        if good(&now) {
            return now;
        }
        assert!(from.elapsed() < PATIENCE, "not {what}: {now}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn basics(app: &TestApp) {
    let job = start(app, json!({ "kind": "WAIT", "arguments": { "seconds": 0.3 } })).await;
    assert_eq!((&job["kind"], &job["done"], &job["attempts"]), (&json!("WAIT"), &json!(0), &json!(1)));
    let done = await_state(app, &job, "SUCCEEDED").await;
    assert_eq!((&done["done"], &done["of"], &done["result"]), (&json!(300), &json!(300), &json!({ "seconds": 0.3 })));
    assert!(done["finishedAt"].as_str() >= done["startedAt"].as_str() && done["can"] == json!([]));

    let job = start(app, json!({ "kind": "COMPUTE", "arguments": { "upTo": 20_000 } })).await;
    let done = await_state(app, &job, "SUCCEEDED").await;
    assert_eq!(done["result"]["primes"], 2_262);

    let job = start(app, json!({ "kind": "WAIT", "arguments": { "seconds": 0, "fail": 1 } })).await;
    let failed = await_state(app, &job, "FAILED").await;
    assert!(failed["error"].as_str().unwrap().contains("told to") && failed["can"] == json!(["retry"]));
    assert_eq!(steer(app, &job, "retry").await.0, 200);
    let done = await_state(app, &job, "SUCCEEDED").await;
    assert_eq!((&done["attempts"], &done["error"]), (&json!(2), &json!(null)));

    let listed: Json = app.get("/v1/jobs").await.json().await.unwrap();
    let ids: Vec<&Json> = listed["jobs"].as_array().unwrap().iter().map(|job| &job["id"]).collect();
    assert_eq!(ids.len(), 3);
    assert_eq!(ids[0], &job["id"]);
    // a list may be a moment behind
    let from = Instant::now();
    let next = loop {
        let first: Json = app.get("/v1/jobs?first=2&state=SUCCEEDED").await.json().await.unwrap();
        assert_eq!(first["jobs"].as_array().unwrap().len(), 2);
        match first["next"].as_str() {
            Some(next) => break next.to_owned(),
            None => assert!(from.elapsed() < PATIENCE, "{first}"),
        }
    };
    let rest: Json = app.get(&format!("/v1/jobs?first=2&after={next}")).await.json().await.unwrap();
    assert_eq!((rest["jobs"].as_array().unwrap().len(), &rest["next"]), (1, &json!(null)));
}

async fn steering(app: &TestApp) {
    let job = start(app, json!({ "kind": "WAIT", "arguments": { "seconds": 60 } })).await;
    await_that(app, &job, "under way", |job| job["done"].as_u64() > Some(150)).await;
    let (status, paused) = steer(app, &job, "pause").await;
    assert_eq!((status, &paused["state"], &paused["can"]), (200, &json!("PAUSED"), &json!(["cancel", "resume"])));
    // nothing goes on behind a pause
    assert_eq!(get(app, &job).await["done"], paused["done"]);
    let (status, fault) = steer(app, &job, "pause").await;
    assert_eq!((status, &fault["code"]), (409, &json!("CONFLICT")));
    assert!(fault["detail"].as_str().unwrap().contains("only cancel or resume"), "{fault}");

    assert_eq!(steer(app, &job, "resume").await.0, 200);
    let resumed = await_state(app, &job, "RUNNING").await;
    assert!(resumed["done"].as_u64() >= paused["done"].as_u64());
    let (status, cancelled) = steer(app, &job, "cancel").await;
    assert_eq!((status, &cancelled["state"], &cancelled["can"]), (200, &json!("CANCELLED"), &json!(["retry"])));
    assert_eq!(steer(app, &job, "resume").await.0, 409);
    assert_eq!(steer(app, &job, "jump").await.0, 404);
    assert_eq!(steer(app, &json!({ "id": "nothing" }), "cancel").await.0, 404);
}

async fn watching(app: &TestApp) {
    let job = start(app, json!({ "kind": "WAIT", "arguments": { "seconds": 1 } })).await;
    let answer = app.get(&format!("/v1/jobs/{}/events", job["id"].as_str().unwrap())).await;
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    let text = tokio::time::timeout(PATIENCE, answer.text()).await.unwrap().unwrap();
    let seen: Vec<Json> =
        text.lines().filter_map(|line| line.strip_prefix("data: ")).map(|data| serde_json::from_str(data).unwrap()).collect();
    assert!(text.contains("event: end"), "{text}");
    let jobs = &seen[..seen.len() - 1];
    assert!(jobs.len() > 3 && jobs.iter().all(|told| told["id"] == job["id"]), "{text}");
    assert_eq!(jobs.last().unwrap()["state"], "SUCCEEDED");
    let done: Vec<u64> = jobs.iter().map(|job| job["done"].as_u64().unwrap()).collect();
    assert!(done.is_sorted() && *done.last().unwrap() == 1_000);

    let mut all = app.get("/v1/jobs/events").await.bytes_stream();
    let job = start(app, json!({ "kind": "WAIT", "arguments": { "seconds": 0 } })).await;
    let mut text = String::new();
    let id = job["id"].as_str().unwrap();
    let told = async {
        while !text.lines().any(|line| line.contains(id) && line.contains("SUCCEEDED")) {
            text.push_str(std::str::from_utf8(&all.next().await.unwrap().unwrap()).unwrap());
        }
    };
    tokio::time::timeout(PATIENCE, told).await.unwrap();
}

async fn refusals(app: &TestApp) {
    for (body, status, part) in [
        (json!({ "kind": "DANCE" }), 400, "is no kind of job"),
        (json!({ "kind": "WAIT", "arguments": { "seconds": -1 } }), 400, "between 0 and 3600"),
        (json!({ "kind": "WAIT", "arguments": { "minutes": 1 } }), 400, "minutes"),
        (json!({ "kind": "COMPUTE", "arguments": { "upTo": 1 } }), 400, "between 2 and"),
        (json!({ "colour": 1 }), 400, "unknown field"),
    ] {
        let answer = app.http.post(app.at("/v1/jobs")).json(&body).send().await.unwrap();
        assert_eq!(answer.headers()["content-type"], "application/problem+json");
        let (got, fault): (u16, Json) = (answer.status().as_u16(), answer.json().await.unwrap());
        assert!(got == status && fault["detail"].as_str().unwrap().contains(part), "{body}: {got} {fault}");
    }
    let plain = app.http.post(app.at("/v1/jobs")).body("{}").send().await.unwrap();
    assert_eq!(plain.status(), 415);
    for path in ["/v1/jobs/none", "/v1/jobs/none/events", "/v1/jobs/none/result"] {
        assert_eq!(app.get(path).await.status(), 404, "{path}");
    }
    assert_eq!(app.get("/v1/jobs?first=0").await.status(), 400);
    assert_eq!(app.get("/v1/jobs?state=LAZY").await.status(), 400);
}

#[tokio::test]
async fn jobs_run_and_are_steered_on_the_embedded_engine() {
    let app = TestApp::embedded().await;
    basics(&app).await;
    steering(&app).await;
    watching(&app).await;
    refusals(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn jobs_run_and_are_steered_on_elasticsearch() {
    let Some(app) = TestApp::elastic().await else { return };
    basics(&app).await;
    steering(&app).await;
    watching(&app).await;
    forget(&app).await;
    app.stop().await;
}

/// The jobs of a test on a shared cluster.
pub async fn forget(app: &TestApp) {
    use hooke::search::{Call, CollectionName};
    let name = CollectionName::hidden(&app.app.config.state.purpose("jobs"));
    let _ = app.app.state.remove(&Call::within(PATIENCE), &name).await;
}
