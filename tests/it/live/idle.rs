//! What thousands of subscriptions cost that have nothing to tell: a measurement, run by
//! `cargo test --test it -- --ignored --nocapture idle_subscriptions`.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream;
use serde_json::{Value as Json, json};

use super::socket::Socket;

const ALL: usize = 5_000;

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A hooke of its own process on the sample, so that what is measured is its memory alone.
async fn hooke(folder: &std::path::Path) -> (Process, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hooke"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("HOOKE_")) {
        command.env_remove(name);
    }
    command.args(["--listen", "127.0.0.1:0", "--log-level", "warn", "--data"]).arg(folder);
    let process = Process(command.stdout(Stdio::null()).spawn().unwrap());
    let began = Instant::now();
    loop {
        assert!(began.elapsed() < Duration::from_secs(60), "hooke does not start");
        tokio::time::sleep(Duration::from_millis(50)).await;
        let Ok(note) = std::fs::read_to_string(folder.join("server.json")) else { continue };
        let Ok(note) = serde_json::from_str::<Json>(&note) else { continue };
        let url = note["url"].as_str().unwrap().to_owned();
        let schema = reqwest::get(format!("{url}/schema.graphql")).await.unwrap().text().await.unwrap();
        if schema.contains("  landmarks(") {
            return (process, url);
        }
    }
}

/// Resident, in KB.
fn resident(process: &Process) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.0.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

async fn subscribe(url: String, from: usize, each: usize) -> Socket {
    let mut socket = Socket::ready(&url).await;
    let query =
        "subscription($n: String!) { landmarks(filter: { name: { ne: $n } }, first: 3) { total { value } nodes { _id name } } }";
    for n in from..from + each {
        let payload = json!({ "query": query, "variables": { "n": format!("none {n}") } });
        socket.send(json!({ "id": n.to_string(), "type": "subscribe", "payload": payload })).await;
    }
    for _ in 0..each {
        let message = socket.message().await;
        assert_eq!(message["payload"]["data"]["landmarks"]["nodes"].as_array().unwrap().len(), 3, "{message}");
    }
    socket
}

async fn measure(each: usize) {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let folder = tempfile::tempdir().unwrap();
    let (process, url) = hooke(folder.path()).await;
    // whatever is made once
    drop(subscribe(url.clone(), ALL, 50).await);
    let before = resident(&process);
    let open = |n: usize| subscribe(url.clone(), n * each, each);
    let sockets: Vec<Socket> = stream::iter(0..ALL / each).map(open).buffer_unordered(20).collect().await;
    let after = resident(&process);
    let per = (after - before) * 1_024 / ALL;
    println!("{ALL} different subscriptions, {each} a socket: {before} KB -> {after} KB, {per} bytes each");
    assert_eq!(sockets.len() * each, ALL);
    assert!(per < 20_000, "{per} bytes each");
}

#[tokio::test]
#[ignore = "a measurement"]
async fn idle_subscriptions_on_many_sockets() {
    measure(1).await;
}

#[tokio::test]
#[ignore = "a measurement"]
async fn idle_subscriptions_on_few_sockets() {
    measure(100).await;
}
