//! kill -9 in the middle of writing: a child process writes and says what was acknowledged, and dies; then everything
//! acknowledged must be there, each batch wholly or not at all, for reads by id and for searches alike.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;
use tempfile::TempDir;

use super::super::{
    Action, Call, Collection, CollectionName, DocRef, DocumentId, Fetch, Filter, Precondition, Query, Refresh, Write, mapping,
};
use super::open;

const ROUNDS: u64 = 20;
const KEYS: u64 = 200;
/// Set for the child alone: the folder it writes to, and the seed of what it writes.
const FOLDER: &str = "HOOKE_TEST_CRASH_FOLDER";
const SEED: &str = "HOOKE_TEST_CRASH_SEED";

/// One change, as the child tells it: an id and its new number, or none where it is deleted.
#[derive(Clone, Serialize, Deserialize)]
struct Step(String, Option<u64>);

type State = BTreeMap<String, u64>;

/// Numbers that look random and are the same each time (an xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

fn things() -> Collection {
    let fields = mapping::parse(&json!({"properties": {"n": {"type": "long"}}})).unwrap();
    Collection::new(CollectionName::parse("things").unwrap(), fields)
}

fn apply(state: &mut State, steps: &[Step]) {
    for Step(key, number) in steps {
        match number {
            Some(number) => state.insert(key.clone(), *number),
            None => state.remove(key),
        };
    }
}

fn write(step: &Step) -> Write {
    let id = DocumentId::parse(&step.0).unwrap();
    let action = match step.1 {
        Some(n) => Action::Index {
            id: Some(id),
            source: json!({"n": n}).as_object().cloned().unwrap(),
            precondition: Precondition::None,
        },
        None => Action::Delete { id, precondition: Precondition::None },
    };
    Write { on: things().name, rule: Filter::All, action }
}

/// The child: writes until it is killed. As a test of its own it does nothing.
#[tokio::test]
async fn child_of_the_crash_test() {
    let (Ok(folder), Ok(seed)) = (std::env::var(FOLDER), std::env::var(SEED)) else { return };
    let mut dice = Dice(seed.parse().unwrap());
    let engine = open(Path::new(&folder)).await.unwrap();
    for number in 1.. {
        let count = 1 + dice.below(30);
        let steps: Vec<Step> = (0..count)
            .map(|_| Step(format!("k{}", dice.below(KEYS)), (dice.below(4) > 0).then(|| number + 1_000_000 * dice.below(1_000))))
            .collect();
        println!("\ntry {}", serde_json::to_string(&steps).unwrap());
        let refresh = if dice.below(5) == 0 { Refresh::Now } else { Refresh::None };
        engine.write(&Call::within(Duration::from_secs(60)), steps.iter().map(write).collect(), refresh).await.unwrap();
        println!("\nack");
    }
}

/// Lets a child write, kills it after so many acknowledged batches, and gives those, and the one it may have died in.
fn write_and_die(folder: &Path, seed: u64, batches: u64) -> (Vec<Vec<Step>>, Option<Vec<Step>>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "embedded::crash::child_of_the_crash_test", "--nocapture", "--test-threads=1"])
        .env(FOLDER, folder)
        .env(SEED, seed.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let (mut acknowledged, mut tried) = (Vec::new(), None);
    let mut read = |acknowledged: &mut Vec<_>, line: String| {
        if let Some(steps) = line.strip_prefix("try ") {
            tried = serde_json::from_str::<Vec<Step>>(steps).ok();
        } else if line == "ack" {
            acknowledged.extend(tried.take());
        }
    };
    while (acknowledged.len() as u64) < batches {
        let line = lines.next().expect("the child ended by itself").unwrap();
        read(&mut acknowledged, line);
    }
    // SIGKILL
    child.kill().unwrap();
    for line in lines {
        read(&mut acknowledged, line.unwrap());
    }
    child.wait().unwrap();
    (acknowledged, tried)
}

#[tokio::test]
async fn nothing_acknowledged_is_lost_when_the_process_is_killed() {
    let folder = TempDir::new().unwrap();
    let call = || Call::within(Duration::from_secs(60));
    let engine = open(folder.path()).await.unwrap();
    engine.create(&call(), &things()).await.unwrap();
    drop(engine);

    let mut state = State::new();
    let mut dice = Dice(0x9E37_79B9_7F4A_7C15);
    for round in 0..ROUNDS {
        let batches = 1 + dice.below(60);
        let (acknowledged, tried) = write_and_die(folder.path(), dice.below(u64::MAX) | 1, batches);
        for steps in &acknowledged {
            apply(&mut state, steps);
        }
        let begun = Instant::now();
        let engine = open(folder.path()).await.unwrap();
        assert!(begun.elapsed() < Duration::from_secs(10), "round {round}: it took {:?} to start again", begun.elapsed());

        let mut query = Query::new(things().name);
        query.page.size = 1_000;
        let page = engine.search(&call(), &[query]).await.unwrap().remove(0).unwrap();
        let number = |source: &super::super::Source| source["n"].as_u64().unwrap();
        let searched: State = page.hits.iter().map(|hit| (hit.document.id.to_string(), number(&hit.document.source))).collect();
        let all: Vec<DocRef> =
            (0..KEYS).map(|n| DocRef::new(things().name, DocumentId::parse(&format!("k{n}")).unwrap())).collect();
        let read = engine.get(&call(), &all, &Fetch::default(), &Filter::All).await.unwrap();
        let read: State = read.into_iter().flatten().map(|found| (found.id.to_string(), number(&found.source))).collect();
        assert_eq!(read, searched, "round {round}: searches and reads differ");
        if read != state {
            apply(&mut state, &tried.unwrap_or_default());
            assert_eq!(read, state, "round {round}: after {} acknowledged batches", acknowledged.len());
        }
    }
}
