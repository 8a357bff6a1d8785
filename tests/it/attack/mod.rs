//! Hostile requests, by name, against a whole hooke: each must be refused, fast and in few words.
//!
//! `table` says what is sent and what must come back, `wire` sends it. The same table runs against a server of one's own choice
//! (`scripts/attack --server URL`: one that holds the sample collection `landmarks`), and against servers with one defence left out,
//! where it must show failures.

mod bombs;
mod forged;
mod switches;
mod table;
mod web;
mod wire;

use std::io::Write as _;
use std::time::Duration;

use hooke::config::Config;
use serde_json::{Value as Json, json};

use crate::app::TestApp;
use forged::Guarded;
use table::{Attack, Verdict};

/// In a build without optimisation everything takes several times as long.
const SWIFT: Duration = Duration::from_millis(if cfg!(debug_assertions) { 600 } else { 50 });
/// Bytes of an answer, its head apart.
const SMALL: usize = 1_000;
/// Of one for people.
const PAGE: usize = 2_000;
/// What is slow on this machine by chance is tried again.
const TRIES: usize = 4;

/// A server that holds a little of what attacks ask for; slow clients are cut sooner than by default.
pub async fn target(change: impl FnOnce(&mut Config)) -> TestApp {
    let app = TestApp::open(|config| {
        config.limits.head_time = Duration::from_millis(400);
        config.limits.body_time = Duration::from_millis(400);
        config.limits.time = Duration::from_secs(3);
        change(config);
    })
    .await;
    let mapping: Json = serde_json::from_str(include_str!("../../../sample/mapping.json")).unwrap();
    let made = app.http.post(app.at("/v1/collections")).json(&json!({ "name": "landmarks", "mappings": mapping })).send().await;
    assert!(made.unwrap().status().is_success());
    let lines: String = include_str!("../../../sample/documents.ndjson")
        .lines()
        .take(30)
        .map(|line| {
            let document: Json = serde_json::from_str(line).unwrap();
            json!({ "upsert": { "id": document["slug"], "input": document } }).to_string() + "\n"
        })
        .collect();
    let bulk = app.http.post(app.at("/v1/collections/landmarks/bulk?refresh=NOW")).header("content-type", "application/x-ndjson");
    // to the end of the answer: a load whose client is gone ends
    let told = bulk.body(lines).send().await.unwrap().text().await.unwrap();
    assert_eq!(told.matches("\"errors\":[]").count(), 30, "{told}");
    app.await_schema("  landmarks(").await;
    app
}

/// What came of a table.
#[derive(Default)]
struct Report {
    refused: usize,
    failures: Vec<String>,
    slowest: (Duration, &'static str),
    largest: (usize, &'static str),
}

async fn run(url: &str, attacks: &[Attack], swift: Duration) -> Report {
    let mut report = Report::default();
    for attack in attacks {
        let mut best: Option<Verdict> = None;
        for _ in 0..TRIES {
            let verdict = attack.run(url).await;
            let done = verdict.took <= swift || !attack.timed;
            best = Some(match best {
                Some(before) if before.took <= verdict.took => before,
                _ => verdict,
            });
            if done {
                break;
            }
        }
        let verdict = best.unwrap();
        if attack.timed && verdict.took > report.slowest.0 {
            report.slowest = (verdict.took, attack.name);
        }
        if verdict.bytes > report.largest.0 {
            report.largest = (verdict.bytes, attack.name);
        }
        let fault = match verdict.refused {
            Err(why) => Some(why),
            Ok(()) if attack.timed && verdict.took > swift => Some(format!("refused, but only after {:?}", verdict.took)),
            Ok(()) if verdict.bytes > if verdict.page { PAGE } else { SMALL } => {
                Some(format!("refused, but in {} bytes", verdict.bytes))
            }
            Ok(()) => None,
        };
        match fault {
            None => report.refused += 1,
            Some(why) => report.failures.push(format!("{}: {why}", attack.name)),
        }
    }
    report
}

impl Report {
    fn add(&mut self, other: Report) {
        self.refused += other.refused;
        self.failures.extend(other.failures);
        self.slowest = self.slowest.max(other.slowest);
        self.largest = self.largest.max(other.largest);
    }

    /// Straight to the standard error, so that it is seen also where a test passes.
    fn print(&self, all: usize) {
        let mut lines: Vec<String> = self.failures.iter().map(|failure| format!("NOT REFUSED  {failure}")).collect();
        lines.push(format!("refused {} of {all}", self.refused));
        lines.push(format!("slowest refusal {:.1} ms ({})", self.slowest.0.as_secs_f64() * 1_000.0, self.slowest.1));
        lines.push(format!("largest answer {} bytes ({})", self.largest.0, self.largest.1));
        std::io::stderr().write_all(format!("\n{}\n", lines.join("\n")).as_bytes()).unwrap();
    }
}

/// `HOOKE_ATTACK` names a server that runs already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_attack_is_refused() {
    let attacks = table::all();
    assert!(attacks.len() >= 60);
    let mut names: Vec<&str> = attacks.iter().map(|attack| attack.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), attacks.len(), "two attacks of one name");
    let report = match std::env::var("HOOKE_ATTACK").ok().filter(|url| !url.is_empty()) {
        // whose time-outs nobody knows here
        Some(url) => {
            let attacks: Vec<Attack> = attacks.into_iter().filter(|attack| !attack.slow).collect();
            let report = run(url.trim_end_matches('/'), &attacks, Duration::from_millis(50)).await;
            report.print(attacks.len());
            report
        }
        None => {
            let app = target(|_| {}).await;
            let mut report = run(&app.url, &attacks, SWIFT).await;
            // and one on which one signs in
            let guarded = Guarded::open(|_| {}).await;
            let forged = guarded.attacks();
            names.extend(forged.iter().map(|attack| attack.name));
            let all = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), all, "two attacks of one name");
            report.add(run(&guarded.app.url, &forged, SWIFT).await);
            report.print(all);
            guarded.app.stop().await;
            // and it is as well as before
            assert_eq!(app.data("{ landmarks { total { value } } }").await["landmarks"]["total"]["value"], 30);
            app.stop().await;
            report
        }
    };
    assert!(report.failures.is_empty(), "{:#?}", report.failures);
}
