//! The description of the REST API is right, and hooke keeps to it: judged by two public tools, the validator of OpenAPI and
//! schemathesis, which makes up requests from the description, right ones and wrong ones, and looks at every answer.
//!
//! `scripts/contract` installs the tools and asks for more examples. `HOOKE_TEST_CONTRACT` names a folder with both programs;
//! `HOOKE_TEST_EXAMPLES` is how many requests are made up for each operation, and `HOOKE_TEST_SEED` from which number.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::header::CONTENT_TYPE;
use serde_json::Value as Json;

use crate::app::TestApp;
use crate::docs::load_sample;

const VALIDATOR: &str = "openapi-spec-validator";
const SCHEMATHESIS: &str = "schemathesis";
/// For each operation.
const EXAMPLES: u32 = 30;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// The folder that holds both programs. `None`: there is none, and that is allowed.
fn tools() -> Option<PathBuf> {
    let named = variable("HOOKE_TEST_CONTRACT").map(PathBuf::from);
    let cache = variable("XDG_CACHE_HOME").map(PathBuf::from).or_else(|| Some(PathBuf::from(variable("HOME")?).join(".cache")));
    let own = cache.map(|cache| cache.join("hooke-ci/contract/bin"));
    let path = variable("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let found = named
        .into_iter()
        .chain(own)
        .chain(path)
        .find(|folder| [VALIDATOR, SCHEMATHESIS].iter().all(|name| folder.join(name).is_file()));
    if found.is_none() && variable("HOOKE_TEST_REQUIRE").is_some_and(|value| value == "1") {
        panic!("{VALIDATOR} and {SCHEMATHESIS} are not here, and HOOKE_TEST_REQUIRE=1 wants them: scripts/contract --prepare");
    }
    found
}

/// What it said, where it did not end well.
async fn run(command: &mut Command, folder: &Path, time: Duration) -> Result<(), String> {
    let said = folder.join("said");
    let file = std::fs::File::create(&said).unwrap();
    let errors = file.try_clone().unwrap();
    let mut child = command.env("NO_COLOR", "1").stdin(Stdio::null()).stdout(file).stderr(errors).spawn().unwrap();
    let began = Instant::now();
    let good = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status.success(),
            None if began.elapsed() > time => {
                child.kill().unwrap();
                child.wait().unwrap();
                break false;
            }
            None => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    };
    if good {
        return Ok(());
    }
    // requests may be megabytes
    let text = String::from_utf8_lossy(&std::fs::read(&said).unwrap()).into_owned();
    let lines: String = text.lines().map(|line| line.chars().take(400).collect::<String>() + "\n").collect();
    Err(format!("{lines}\nafter {:?}", began.elapsed()))
}

#[tokio::test]
async fn hooke_keeps_to_its_description() {
    let Some(tools) = tools() else {
        eprintln!("SKIPPED: {VALIDATOR} and {SCHEMATHESIS} are not here (scripts/contract --prepare installs them)");
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let mut validator = Command::new(tools.join(VALIDATOR));
    validator.arg(root.join("openapi.json"));
    run(&mut validator, folder.path(), Duration::from_secs(60))
        .await
        .unwrap_or_else(|said| panic!("openapi.json is no OpenAPI:\n{said}"));

    // no call of the lab waits for its turn
    let test = TestApp::open(|config| config.lab.rate = "10000/1s".parse().unwrap()).await;
    // the lab's description is made when it is asked for
    let lab = folder.path().join("lab.json");
    std::fs::write(&lab, test.get("/lab/openapi.json").await.bytes().await.unwrap()).unwrap();
    let mut validator = Command::new(tools.join(VALIDATOR));
    validator.arg(&lab);
    run(&mut validator, folder.path(), Duration::from_secs(60))
        .await
        .unwrap_or_else(|said| panic!("/lab/openapi.json is no OpenAPI:\n{said}"));
    load_sample(&test, "landmarks").await;
    for name in ["digi_hashtags", "scratch-1", "scratch-2", "scratch-3"] {
        let made = test.http.post(test.at(&format!("/v1/create/index/{name}"))).send().await.unwrap();
        assert_eq!(made.status(), 200);
    }
    let loading = test.http.post(test.at("/v1/content/load/digi_hashtags")).header(CONTENT_TYPE, "application/json");
    assert_eq!(loading.body(r##"{"hashtags":["#rust","#search"]}"##).send().await.unwrap().status(), 200);

    // jobs to look at and to steer
    let mut jobs = Vec::new();
    for job in [
        r#"{"kind":"EXPORT","collection":"landmarks"}"#,
        r#"{"kind":"WAIT","arguments":{"seconds":600}}"#,
        r#"{"kind":"WAIT","arguments":{"seconds":600}}"#,
        r#"{"kind":"WAIT","arguments":{"seconds":0.01}}"#,
    ] {
        let answer = test.http.post(test.at("/v1/jobs")).header(CONTENT_TYPE, "application/json").body(job).send().await.unwrap();
        assert_eq!(answer.status(), 202);
        let job: Json = answer.json().await.unwrap();
        jobs.push(job["id"].to_string());
    }
    let jobs = jobs.join(", ");

    // the rest, then the experiments, which have a description of their own
    for (settings, description) in [("schemathesis.toml", "/openapi.json"), ("lab.toml", "/lab/openapi.json")] {
        if let Err(said) = judge(&tools, folder.path(), settings, &jobs, &test.at(description)).await {
            test.stop().await;
            panic!("{description}:\n{said}");
        }
    }
    test.stop().await;
}

/// Makes up requests from the description at this address, and looks at the answers.
async fn judge(tools: &Path, folder: &Path, settings: &str, jobs: &str, address: &str) -> Result<(), String> {
    let examples = variable("HOOKE_TEST_EXAMPLES").map_or(EXAMPLES, |text| text.parse().unwrap());
    // it keeps things where it runs, which must not be the repository
    for name in [settings, "hooks.py"] {
        let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/contract").join(name)).unwrap();
        std::fs::write(folder.join(name), text.replace(r#""JOBS""#, jobs)).unwrap();
    }
    let mut schemathesis = Command::new(tools.join(SCHEMATHESIS));
    schemathesis
        .current_dir(folder)
        .arg(format!("--config-file={settings}"))
        .arg("run")
        .arg(address)
        .arg(format!("--max-examples={examples}"))
        .arg(format!("--seed={}", variable("HOOKE_TEST_SEED").unwrap_or_else(|| "1665".into())));
    run(&mut schemathesis, folder, Duration::from_secs(120 + u64::from(examples) * 10)).await
}
