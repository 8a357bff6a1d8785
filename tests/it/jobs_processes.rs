//! Whole processes with jobs: killed without warning, started again, and several on one cluster.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value as Json, json};

use crate::ground::{elasticsearch_url, unique};

const PATIENCE: Duration = Duration::from_secs(60);

/// `hooke serve`; killed when it is dropped.
struct Process {
    child: Child,
    url: String,
    http: reqwest::Client,
}

impl Process {
    async fn start(data: &Path, settings: &[(&str, &str)]) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hooke"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOOKE_")) {
            command.env_remove(name);
        }
        command.args(["serve", "--no-sample", "--listen", "127.0.0.1:0", "--log-level", "warn"]).arg("--data").arg(data);
        for (flag, value) in settings {
            command.args([flag, value]);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().unwrap();
        let out = child.stdout.take().unwrap();
        let found = tokio::task::spawn_blocking(move || {
            let lines = BufReader::new(out).lines().map_while(Result::ok);
            lines.filter_map(|line| line.split_once("REST").map(|(_, url)| url.trim().to_owned())).next()
        });
        let url = tokio::time::timeout(PATIENCE, found).await.unwrap().unwrap().expect("it ended by itself");
        let url = url.trim_end_matches("/v1/collections").to_owned();
        let process = Process { child, url, http: reqwest::Client::builder().timeout(PATIENCE).build().unwrap() };
        let from = Instant::now();
        while !process.http.get(process.at("/readyz")).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(from.elapsed() < PATIENCE, "it does not get ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        process
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }

    /// SIGKILL, and waits for the end.
    fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    async fn start_job(&self, job: Json) -> String {
        let answer = self.http.post(self.at("/v1/jobs")).json(&job).send().await.unwrap();
        let (status, body): (u16, Json) = (answer.status().as_u16(), answer.json().await.unwrap());
        assert_eq!(status, 202, "{body}");
        body["id"].as_str().unwrap().to_owned()
    }

    async fn job(&self, id: &str) -> Json {
        self.http.get(self.at(&format!("/v1/jobs/{id}"))).send().await.unwrap().json().await.unwrap()
    }

    async fn await_that(&self, id: &str, good: impl Fn(&Json) -> bool) -> Json {
        let from = Instant::now();
        loop {
            let job = self.job(id).await;
            if good(&job) {
                return job;
            }
            assert!(from.elapsed() < PATIENCE, "{job:#}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn documents(&self, collection: &str) -> BTreeMap<String, u64> {
        let answer = self.http.get(self.at(&format!("/v1/collections/{collection}/export"))).send().await.unwrap();
        // one that another process has made is known here after the next look at the cluster
        if answer.status() == 404 {
            return BTreeMap::new();
        }
        assert!(answer.status().is_success(), "{}", answer.status());
        let text = answer.text().await.unwrap();
        text.lines()
            .map(|line| {
                let document: Json = serde_json::from_str(line).unwrap();
                (document["_id"].as_str().unwrap().to_owned(), document["n"].as_u64().unwrap())
            })
            .collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn is_ended(job: &Json) -> bool {
    matches!(job["state"].as_str(), Some("SUCCEEDED" | "FAILED" | "CANCELLED"))
}

fn count(job: &Json, part: &str) -> usize {
    job["log"].as_array().unwrap().iter().filter(|line| line.as_str().unwrap().contains(part)).count()
}

#[tokio::test]
async fn a_load_goes_on_after_kill_9() {
    const ROWS: u64 = 4_000;
    let folder = tempfile::tempdir().unwrap();
    let settings = [("--jobs-batch", "25")];
    let process = Process::start(folder.path(), &settings).await;
    let text: String = (0..ROWS).map(|n| format!("{}\n", json!({ "n": n }))).collect();
    let request = process.http.post(process.at("/v1/jobs/load?collection=things")).header("content-type", "application/x-ndjson");
    let job: Json = request.body(text).send().await.unwrap().json().await.unwrap();
    let id = job["id"].as_str().unwrap();
    process.await_that(id, |job| job["done"].as_u64() > Some(200)).await;
    process.kill();

    let process = Process::start(folder.path(), &settings).await;
    let job = process.await_that(id, is_ended).await;
    assert_eq!((&job["state"], &job["result"]), (&json!("SUCCEEDED"), &json!({ "documents": ROWS })), "{job:#}");
    assert_eq!(count(&job, "taken over"), 1, "{job:#}");
    let wanted: BTreeMap<String, u64> = (0..ROWS).map(|n| (format!("{id}-{}", n + 1), n)).collect();
    assert_eq!(process.documents("things").await, wanted);
    // its file goes when it is written down that the job is done
    let from = Instant::now();
    while !std::fs::read_dir(folder.path().join("jobs")).unwrap().all(|file| file.unwrap().file_name() == "place") {
        assert!(from.elapsed() < PATIENCE, "the file is still there");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn processes_share_jobs_and_take_them_over() {
    let Some(elasticsearch) = elasticsearch_url() else { return };
    const JOBS: usize = 30;
    let name = unique("shared");
    let settings = [
        ("--elasticsearch", elasticsearch.as_str()),
        ("--writes", "all"),
        ("--state-name", name.as_str()),
        ("--jobs-lease", "2s"),
        ("--jobs-batch", "20"),
        ("--catalog-include", &format!("{name}*")),
    ];
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let first = Process::start(folders[0].path(), &settings).await;
    let second = Process::start(folders[1].path(), &settings).await;

    let documents: Vec<Json> = (0..1_000).map(|n| json!({ "_id": format!("d{n}"), "n": n })).collect();
    let order = json!({ "kind": "LOAD", "arguments": { "to": format!("{name}-from"), "documents": documents } });
    let loaded = first.await_that(&first.start_job(order).await, is_ended).await;
    assert_eq!(loaded["state"], "SUCCEEDED", "{loaded:#}");
    let from = Instant::now();
    while second.documents(&format!("{name}-from")).await.len() != 1_000 {
        assert!(from.elapsed() < PATIENCE, "the collection is not seen");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }

    let copies: Vec<Json> = (0..2)
        .map(|n| json!({ "kind": "COPY", "collection": format!("{name}-from"), "arguments": { "to": format!("{name}-to{n}") } }))
        .collect();
    let mut ids = Vec::new();
    for copy in copies {
        ids.push(first.start_job(copy).await);
    }
    for number in ids.len()..JOBS {
        ids.push(first.start_job(json!({ "kind": "WAIT", "arguments": { "seconds": 0.2 + 0.05 * (number % 5) as f64 } })).await);
    }
    // the second has done something, and the first is in the middle of things
    let busy = async {
        loop {
            let mut ended = Vec::new();
            for id in &ids {
                ended.push(is_ended(&second.job(id).await));
            }
            let done = ended.iter().filter(|ended| **ended).count();
            if done >= JOBS / 4 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, busy).await.unwrap();
    first.kill();

    let mut processes = BTreeMap::<String, usize>::new();
    for id in &ids {
        let job = second.await_that(id, is_ended).await;
        assert_eq!((&job["state"], &job["attempts"]), (&json!("SUCCEEDED"), &json!(1)), "{job:#}");
        // once begun; again only by who took it over from the one that was killed
        assert_eq!((count(&job, "running in process"), count(&job, " done")), (1, 1), "{job:#}");
        assert!(count(&job, "taken over") <= 1, "{job:#}");
        for line in job["log"].as_array().unwrap() {
            if let Some((_, process)) = line.as_str().unwrap().split_once("running in process ") {
                *processes.entry(process.to_owned()).or_default() += 1;
            }
        }
    }
    assert_eq!(processes.len(), 2, "one did everything: {processes:?}");
    let wanted = second.documents(&format!("{name}-from")).await;
    for n in 0..2 {
        assert_eq!(second.documents(&format!("{name}-to{n}")).await, wanted);
    }
    for stem in ["from", "to0", "to1"] {
        second.http.delete(second.at(&format!("/v1/collections/{name}-{stem}"))).send().await.unwrap();
    }
    drop(second);
    let http = reqwest::Client::new();
    for purpose in ["jobs", "lists"] {
        let _ = http.delete(format!("{elasticsearch}/.hooke-{name}-{purpose}")).send().await;
    }
}
