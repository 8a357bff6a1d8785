//! The public audits of GraphQL over HTTP, from npm, against a whole hooke: all of them, those that only recommend too.

use crate::app::TestApp;
use crate::live::reference::{node, packages};

const ALL: usize = 61;

#[tokio::test]
async fn every_public_audit_is_passed() {
    let Some(folder) = tokio::task::spawn_blocking(packages).await.unwrap() else {
        eprintln!("SKIPPED: there is no npm");
        return;
    };
    let app = TestApp::embedded().await;
    let output = node(folder, vec!["audits.mjs".into(), app.url.clone()]).await;
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(told.trim(), format!("{ALL} of {ALL}"), "{}", String::from_utf8_lossy(&output.stderr));
    app.stop().await;
}
