//! The pages of jobs, without scripts and in a real browser; and `hooke job`.

use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::app::TestApp;
use crate::browser::Browser;
use crate::jobs::{await_state, await_that, get, start};

/// Sends a form as a browser does, and the page that it leads to.
async fn send(app: &TestApp, path: &str, fields: &[(&str, &str)]) -> (u16, String, String) {
    let request = app.http.post(app.at(path)).header("origin", &app.url).form(fields);
    let answer = request.send().await.unwrap();
    let (status, url) = (answer.status().as_u16(), answer.url().path().to_owned());
    (status, url, answer.text().await.unwrap())
}

fn id_of(path: &str) -> Json {
    json!({ "id": path.strip_prefix("/jobs/").unwrap() })
}

#[tokio::test]
async fn forms_start_and_steer_jobs_without_scripts() {
    let app = TestApp::embedded().await;
    // a file, after the fields that say where it goes
    let parts = [
        ("collection", "", "books"),
        ("format", "", ""),
        ("id", "", "k"),
        ("file", "; filename=\"books.csv\"", "k,n\na,1\nb,2\n"),
    ];
    let mut body: String = parts
        .iter()
        .map(|(name, file, text)| format!("--xyz\r\ncontent-disposition: form-data; name=\"{name}\"{file}\r\n\r\n{text}\r\n"))
        .collect();
    body.push_str("--xyz--\r\n");
    let request = app.http.post(app.at("/jobs/load")).header("content-type", "multipart/form-data; boundary=xyz").body(body);
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let job = id_of(answer.url().path());
    let done = await_state(&app, &job, "SUCCEEDED").await;
    assert_eq!((&done["result"], &done["arguments"]["format"]), (&json!({ "documents": 2 }), &json!("csv")), "{done}");

    let (status, path, html) =
        send(&app, "/jobs", &[("kind", "EXPORT"), ("collection", "books"), ("filter", r#"{"n":{"gt":1}}"#)]).await;
    assert_eq!(status, 200);
    assert!(html.contains("Export") && html.contains("books"), "{html}");
    await_state(&app, &id_of(&path), "SUCCEEDED").await;
    let html = app.get(&path).await.text().await.unwrap();
    assert!(
        html.contains(&format!("/v1{path}/result")) && html.contains("&quot;documents&quot;: 1")
            || html.contains("&#34;documents&#34;: 1"),
        "{html}"
    );

    // what is wrong is told beside what was filled in
    let (status, _, html) =
        send(&app, "/jobs", &[("kind", "COPY"), ("collection", "books"), ("to", "N<o"), ("filter", "")]).await;
    assert_eq!(status, 400);
    assert!(html.contains("role=\"alert\"") && html.contains("N&lt;o") || html.contains("N&#60;o"), "{html}");

    let (_, path, html) = send(&app, "/jobs", &[("kind", "WAIT"), ("seconds", "60")]).await;
    assert!(html.contains("http-equiv=\"refresh\""), "{html}");
    let job = id_of(&path);
    await_state(&app, &job, "RUNNING").await;
    let (status, back, html) = send(&app, &format!("{path}/pause"), &[("list", "1")]).await;
    assert_eq!((status, back.as_str()), (200, "/jobs"));
    assert!(html.contains("PAUSED") && html.contains(&format!("{path}/resume")) && html.contains("aria-current"), "{html}");
    assert_eq!(send(&app, &format!("{path}/pause"), &[]).await.0, 409);
    let (_, back, _) = send(&app, &format!("{path}/cancel"), &[]).await;
    assert_eq!(back, path);
    assert_eq!(get(&app, &job).await["state"], "CANCELLED");

    let foreign = app.http.post(app.at("/jobs")).header("origin", "http://else").form(&[("kind", "WAIT")]).send().await.unwrap();
    assert_eq!(foreign.status(), 403);
    assert_eq!(app.get("/jobs/none").await.status(), 404);
    app.stop().await;
}

#[tokio::test]
async fn the_pages_move_as_the_jobs_do() {
    let app = TestApp::embedded().await;
    let Some(mut browser) = Browser::open(1280, 900).await else {
        eprintln!("SKIPPED: there is no chromium");
        return;
    };
    browser.visit(&app.at("/jobs")).await;
    browser.evaluate("window.same = true").await;
    let job = start(&app, json!({ "kind": "WAIT", "arguments": { "seconds": 60 } })).await;
    let row = format!("document.querySelector('[data-job=\"{}\"]')", job["id"].as_str().unwrap());
    browser.wait_for(&format!("{row}?.dataset.state === 'RUNNING' && {row}.querySelector('progress')?.value > 2")).await;
    browser.evaluate(&format!("window.seen = {row}.querySelector('progress').value")).await;
    browser.wait_for(&format!("{row}?.querySelector('progress')?.value > window.seen")).await;
    assert_eq!(browser.evaluate("window.same").await, true, "the page was loaded anew");
    browser.evaluate(&format!("{row}.querySelector('button[id^=cancel]').click()")).await;
    await_state(&app, &job, "CANCELLED").await;
    browser.wait_for(&format!("{row}?.dataset.state === 'CANCELLED'")).await;
    let own: Vec<&String> = browser.complaints.iter().filter(|complaint| !complaint.contains("/npm/bootstrap@")).collect();
    assert_eq!(own, Vec::<&String>::new());
    app.stop().await;
}

async fn hooke(app: &TestApp, arguments: &[&str]) -> (Option<i32>, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_hooke"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOOKE_")) {
        command.env_remove(name);
    }
    command.arg("job").args(arguments).args(["--server", &app.url]).stdin(Stdio::null());
    let run = tokio::task::spawn_blocking(move || command.output());
    let output = tokio::time::timeout(Duration::from_secs(60), run).await.unwrap().unwrap().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

#[tokio::test]
async fn jobs_are_led_from_a_shell() {
    let app = TestApp::embedded().await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rows.csv");
    std::fs::write(&file, "k,n\na,1\nb,2\n").unwrap();
    let file = file.to_str().unwrap();
    let (code, out, err) =
        hooke(&app, &["start", "load", "--collection", "rows", "--file", file, "--arguments", r#"{"id":"k"}"#, "--watch"]).await;
    assert_eq!(code, Some(0), "{err}");
    assert!(out.contains(r#"{"documents":2}"#) && err.contains("running in process"), "{out} {err}");

    let (code, out, err) = hooke(&app, &["start", "wait", "--arguments", r#"{"seconds":60}"#]).await;
    assert_eq!(code, Some(0), "{err}");
    let job = json!({ "id": out.trim() });
    await_that(&app, &job, "running", |job| job["state"] == "RUNNING").await;
    // a list is a search: it lags behind what a job says of itself
    let from = tokio::time::Instant::now();
    let listed = loop {
        let (_, out, _) = hooke(&app, &["list", "--state", "running"]).await;
        if !out.is_empty() || from.elapsed() > Duration::from_secs(30) {
            break out;
        }
    };
    assert!(listed.lines().count() == 1 && listed.contains(out.trim()), "{listed}");
    assert!(hooke(&app, &["pause", job["id"].as_str().unwrap()]).await.1.contains("PAUSED"));
    let (code, _, err) = hooke(&app, &["retry", job["id"].as_str().unwrap()]).await;
    assert!(code == Some(1) && err.contains("only cancel or resume"), "{err}");
    assert!(hooke(&app, &["cancel", job["id"].as_str().unwrap()]).await.1.contains("CANCELLED"));
    assert_eq!(hooke(&app, &["watch", job["id"].as_str().unwrap()]).await.0, Some(1));
    let (_, out, _) = hooke(&app, &["show", job["id"].as_str().unwrap()]).await;
    assert_eq!(serde_json::from_str::<Json>(&out).unwrap()["state"], "CANCELLED");
    app.stop().await;
}
