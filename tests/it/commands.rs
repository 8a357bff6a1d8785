//! The program from a shell: load, export, schema, doctor, and how it says what is wrong.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::app::TestApp;

/// `hooke` with no settings but those given.
pub fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hooke"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOOKE_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs it to its end, for which a loaded machine has a minute.
pub async fn hooke(arguments: &[&str], input: &str) -> Output {
    let mut child = command(arguments).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // one that fails early reads nothing
    let writing = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = ended(child).await;
    writing.join().unwrap();
    output
}

async fn ended(child: Child) -> Output {
    let waiting = tokio::task::spawn_blocking(move || child.wait_with_output());
    tokio::time::timeout(Duration::from_secs(60), waiting).await.unwrap().unwrap().unwrap()
}

pub fn out(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

#[tokio::test]
async fn rows_are_loaded_and_a_second_load_leaves_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let data = text(&folder.path().join("data"));
    let file = text(&folder.path().join("rows.csv"));
    std::fs::write(&file, "code,label,size,on\na,First thing,1,true\nb,\"Second,\nthing\",2,false\nc,Third thing,three,true\n")
        .unwrap();
    let mapping = text(&folder.path().join("mapping.json"));
    std::fs::write(
        &mapping,
        r#"{"properties":{"code":{"type":"keyword"},"label":{"type":"text"},"size":{"type":"long"},"on":{"type":"boolean"}}}"#,
    )
    .unwrap();
    let load = ["load", "things", &file, "--id", "code", "--mapping", &mapping, "--data", &data, "--log-level", "warn"];
    for _ in 0..2 {
        let output = hooke(&load, "").await;
        assert_eq!(output.status.code(), Some(1), "{}", err(&output));
        assert!(err(&output).contains("rows.csv:5:"), "{}", err(&output));
        assert!(err(&output).contains("loaded 2 documents") && err(&output).contains("refused 1 document"), "{}", err(&output));
    }
    let output = hooke(&["export", "things", "--data", &data, "--log-level", "warn"], "").await;
    assert!(output.status.success(), "{}", err(&output));
    let mut lines: Vec<Json> = out(&output).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.sort_by_key(|line| line["_id"].to_string());
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[1], serde_json::json!({ "_id": "b", "code": "b", "label": "Second,\nthing", "size": 2, "on": false }));

    // an export can be loaded again, and keeps its ids
    let output = hooke(&["load", "copy", "-", "--data", &data, "--log-level", "warn"], &out(&output)).await;
    assert!(output.status.success(), "{}", err(&output));
    let output = hooke(&["export", "copy", "--filter", r#"{"size":{"gt":1}}"#, "--data", &data, "--log-level", "warn"], "").await;
    assert_eq!(serde_json::from_str::<Json>(out(&output).trim()).unwrap()["_id"], "b");
}

#[tokio::test]
async fn load_goes_through_the_server_that_runs_on_the_folder() {
    let test = TestApp::embedded().await;
    let folder = tempfile::tempdir().unwrap();
    let data = text(&test.app.config.data);
    let rows: String = (0..1_200).map(|n| format!("{{\"n\":{n},\"tags\":[\"t{}\"]}}\n", n % 5)).collect();
    let output = hooke(&["load", "rows", "-", "--id", "n", "--data", &data], &(rows + "{\"n\":\"x\"}\n[]\n")).await;
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("-:1201:") && err(&output).contains("-:1202:"), "{}", err(&output));
    let listed: Json = test.get("/v1/collections").await.json().await.unwrap();
    assert_eq!(listed["collections"][0]["count"], 1_200, "{listed}");
    let described: Json = test.get("/v1/collections/rows").await.json().await.unwrap();
    assert_eq!(described["mappings"]["properties"]["n"]["type"], "long");
    assert_eq!(described["fields"][1]["list"], true, "{described}");

    let schema = hooke(&["schema", "--data", &data], "").await;
    assert!(out(&schema).contains("type Row"), "{}", err(&schema));

    let old = folder.path().join("old.graphql");
    std::fs::write(&old, out(&schema)).unwrap();
    let diff = async |text: String| {
        std::fs::write(&old, text).unwrap();
        hooke(&["schema", "diff", &self::text(&old), "--server", &test.url], "").await
    };
    let same = diff(out(&schema)).await;
    assert!(same.status.success() && out(&same) == "0 breaking, 0 dangerous, 0 safe\n", "{}{}", out(&same), err(&same));
    let wider = diff(out(&schema).replacen("  rows(", "  gone: Row\n  rows(", 1)).await;
    assert_eq!(wider.status.code(), Some(1));
    assert!(out(&wider).starts_with("breaking   Query.gone: the field is gone\n1 breaking"), "{}{}", out(&wider), err(&wider));
    let cut = diff("type Query {".into()).await;
    assert!(cut.status.code() == Some(1) && err(&cut).contains("no valid schema"), "{}", err(&cut));

    let doctor = hooke(&["doctor", "--server", &test.url], "").await;
    assert!(doctor.status.success() && out(&doctor).contains("collection rows: 1200 documents"), "{}", out(&doctor));
    test.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_said_at_once_and_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = text(&folder.path().join("data"));
    let output = hooke(&["--data", &data, "--writes", "some", "--limits-body", "0"], "").await;
    assert_eq!(output.status.code(), Some(2));
    assert!(err(&output).contains("writes") && err(&output).contains("limits.body"), "{}", err(&output));

    let output = hooke(&["--data", &data, "--listen", "0.0.0.0:0"], "").await;
    assert_eq!(output.status.code(), Some(1));
    assert!(err(&output).contains("--insecure"), "{}", err(&output));

    let output = hooke(&["doctor", "--data", &data, "--elasticsearch", "ftp://a"], "").await;
    assert_eq!(output.status.code(), Some(2));
    assert!(!folder.path().join("data").exists());

    let output = hooke(&["load", "a", "no-such-file", "--data", &data], "").await;
    assert!(err(&output).contains("no-such-file"), "{}", err(&output));
}

#[tokio::test]
async fn an_empty_folder_begins_with_the_sample_and_sigterm_ends_well() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let child = command(&["--listen", "127.0.0.1:0", "--data", &text(&data), "--log-level", "warn"]).spawn().unwrap();
    let from = Instant::now();
    let url = loop {
        assert!(from.elapsed() < Duration::from_secs(60));
        let note = std::fs::read(data.join("server.json")).unwrap_or_default();
        if let Some(url) = serde_json::from_slice::<Json>(&note).ok().and_then(|note| note["url"].as_str().map(str::to_owned)) {
            break url;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let http = reqwest::Client::new();
    while !http.get(format!("{url}/readyz")).send().await.is_ok_and(|answer| answer.status().is_success()) {
        assert!(from.elapsed() < Duration::from_secs(60));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let listed: Json = http.get(format!("{url}/v1/collections")).send().await.unwrap().json().await.unwrap();
    assert!(listed["collections"][0]["count"].as_u64().unwrap() >= 500, "{listed}");
    assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
    let output = ended(child).await;
    assert!(output.status.success());
    assert!(out(&output).contains("/playground") && out(&output).contains(&url), "{}", out(&output));
    assert!(!data.join("server.json").exists());
}

/// `hooke … | head -1`: what reads has seen enough.
#[tokio::test]
async fn a_closed_pipe_ends_a_command_and_is_no_panic() {
    let folder = tempfile::tempdir().unwrap();
    let data = text(&folder.path().join("data"));
    for says in ["schema", "doctor"] {
        let mut child = command(&[says, "--data", &data]).spawn().unwrap();
        // nobody reads what it will say
        drop(child.stdout.take());
        let ended = ended(child).await;
        assert_eq!((ended.status.code(), err(&ended).contains("panic")), (Some(141), false), "{says}: {}", err(&ended));
    }
}
