//! The reference client of the protocol, from npm, against a whole hooke.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use super::{Bench, run};
use crate::ground::Kind;

/// npm's packages of `tests/node`, installed once for each change of their lock. `None`: there is no npm.
pub fn packages() -> Option<PathBuf> {
    let has = |program: &str| {
        let asked = Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
        asked.is_ok_and(|status| status.success())
    };
    if !has("npm") || !has("node") {
        return None;
    }
    // two tests want them, and only one may install
    static INSTALLING: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _installing = INSTALLING.lock().unwrap();
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/node");
    let mut hasher = DefaultHasher::new();
    std::fs::read(from.join("package-lock.json")).unwrap().hash(&mut hasher);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("node-{:x}", hasher.finish()));
    std::fs::create_dir_all(&folder).unwrap();
    for name in ["package.json", "package-lock.json", "sockets.mjs", "audits.mjs"] {
        std::fs::copy(from.join(name), folder.join(name)).unwrap();
    }
    if !folder.join("installed").exists() {
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--prefer-offline"];
        let installed = Command::new("npm").args(arguments).current_dir(&folder).output().unwrap();
        assert!(installed.status.success(), "{}", String::from_utf8_lossy(&installed.stderr));
        std::fs::write(folder.join("installed"), "").unwrap();
    }
    Some(folder)
}

pub async fn node(folder: PathBuf, arguments: Vec<String>) -> Output {
    let running = tokio::task::spawn_blocking(move || Command::new("node").args(arguments).current_dir(folder).output());
    tokio::time::timeout(Duration::from_secs(45), running).await.unwrap().unwrap().unwrap()
}

#[tokio::test]
async fn the_reference_client_is_content() {
    let Some(folder) = tokio::task::spawn_blocking(packages).await.unwrap() else {
        eprintln!("SKIPPED: there is no npm");
        return;
    };
    run(Kind::Embedded, async |bench: &Bench| {
        let output = node(folder, vec!["sockets.mjs".into(), bench.app.url.clone(), bench.name.clone()]).await;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        let wanted = [
            r#"query {"data":{"notes":{"total":{"value":0}}}}"#,
            r#"first {"data":{"notes":{"nodes":[]}}}"#,
            r#"written {"data":{"notes":{"nodes":[{"_id":"a","rank":1}]}}}"#,
            r#"deleted {"data":{"notes":{"nodes":[]}}}"#,
            "refused GRAPHQL_VALIDATION_FAILED",
            "pongs true",
            "closed 1000",
        ];
        assert_eq!(told.lines().collect::<Vec<_>>(), wanted, "{}", String::from_utf8_lossy(&output.stderr));
    })
    .await;
}
