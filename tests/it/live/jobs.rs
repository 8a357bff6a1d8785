//! A job as a subscription: told as it changes, by socket and by events, to its end.

use serde_json::{Value as Json, json};

use super::events::{Events, get};
use super::socket::Socket;
use crate::app::TestApp;
use crate::jobs::{forget, start, steer};

fn subscription(job: &Json) -> String {
    let id = job["id"].as_str().unwrap();
    format!("subscription {{ job(id: \"{id}\") {{ id kind state done of log(last: 1) }} }}")
}

async fn ends(socket: &mut Socket, id: &str) {
    assert_eq!(socket.message().await, json!({ "id": id, "type": "complete" }));
}

/// All that is told of a job to its last state.
async fn told(socket: &mut Socket, id: &str, last: &str) -> Vec<Json> {
    let mut all = Vec::new();
    loop {
        let mut news = socket.news(id).await;
        assert_eq!(news.get("errors"), None, "{news}");
        let job = news["data"]["job"].take();
        all.push(job);
        if all[all.len() - 1]["state"] == last {
            return all;
        }
    }
}

async fn jobs_are_followed(app: &TestApp) {
    let mut socket = Socket::ready(&app.url).await;
    let job = start(app, json!({ "kind": "WAIT", "arguments": { "seconds": 1.5 } })).await;
    let mut events = Events::of(get(app, &subscription(&job)).await);
    socket.subscribe("one", &subscription(&job)).await;
    let seen = told(&mut socket, "one", "SUCCEEDED").await;
    ends(&mut socket, "one").await;
    assert!(seen.iter().all(|told| told["id"] == job["id"] && told["kind"] == "WAIT"), "{seen:?}");
    let done: Vec<i64> = seen.iter().map(|told| told["done"].as_i64().unwrap()).collect();
    assert!(done.len() > 3 && done.is_sorted() && done[done.len() - 1] == 1_500, "{done:?}");
    assert!(seen.windows(2).all(|pair| pair[0] != pair[1]), "nothing is told twice: {seen:?}");
    // the same as events
    let mut last = events.news().await;
    while last["data"]["job"]["state"] != "SUCCEEDED" {
        last = events.news().await;
    }
    assert_eq!(last["data"]["job"]["done"], 1_500);
    events.complete().await;
    // one that has ended is told as it is, one that is not there is null
    socket.subscribe("two", &subscription(&job)).await;
    assert_eq!(socket.news("two").await["data"]["job"], seen[seen.len() - 1]);
    ends(&mut socket, "two").await;
    socket.subscribe("three", &subscription(&json!({ "id": "nowhere" }))).await;
    assert_eq!(socket.news("three").await, json!({ "data": { "job": null } }));
    ends(&mut socket, "three").await;
    // what it is told from outside is told on
    let job = start(app, json!({ "kind": "WAIT", "arguments": { "seconds": 600 } })).await;
    socket.subscribe("four", &subscription(&job)).await;
    told(&mut socket, "four", "RUNNING").await;
    assert_eq!(steer(app, &job, "pause").await.0, 200);
    told(&mut socket, "four", "PAUSED").await;
    assert_eq!(steer(app, &job, "cancel").await.0, 200);
    told(&mut socket, "four", "CANCELLED").await;
    ends(&mut socket, "four").await;
}

#[tokio::test]
async fn jobs_are_followed_embedded() {
    let app = TestApp::embedded().await;
    jobs_are_followed(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn jobs_are_followed_elasticsearch() {
    let Some(app) = TestApp::elastic().await else { return };
    jobs_are_followed(&app).await;
    forget(&app).await;
    app.stop().await;
}

#[tokio::test]
async fn a_job_outlives_who_follows_it() {
    let app = TestApp::embedded().await;
    let job = start(&app, json!({ "kind": "WAIT", "arguments": { "seconds": 600 } })).await;
    let mut events = Events::of(get(&app, &subscription(&job)).await);
    events.news().await;
    let stopping = tokio::spawn(app.stop());
    // cut, not complete: the job goes on when hooke does
    while let Some((name, _)) = events.next().await {
        assert_eq!(name, "next");
    }
    stopping.await.unwrap();
}
