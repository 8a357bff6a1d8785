//! `hooke doctor`: looks at settings, engine and collections, and says what is wrong and what to do. Wrong settings were told before
//! this runs: every command does.

use std::process::ExitCode;

use serde_json::Value as Json;

use super::client::{Client, good};
use crate::config::{Config, SETTINGS, Writes};

#[derive(clap::Args)]
pub(super) struct Arguments {
    /// A running server; without it the one on the same data folder, or one of its own
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

/// Variables that begin with HOOKE_ and are no settings: where the others come from, what the build reads.
const OTHERS: [&str; 3] = ["HOOKE_CONFIG", "HOOKE_STAGE", "HOOKE_ASSETS"];

/// What was found, line by line.
#[derive(Default)]
struct Findings {
    trouble: usize,
}

impl Findings {
    fn fine(&self, text: &str) {
        println!("  ok       {text}");
    }

    /// Worth to know; nothing fails by it.
    fn remark(&self, text: &str) {
        println!("  remark   {text}");
    }

    fn trouble(&mut self, text: &str, cure: &str) {
        self.trouble += 1;
        println!("  TROUBLE  {text}\n           -> {cure}");
    }
}

pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let mut findings = Findings::default();
    check_settings(&config, &findings);
    let on_elasticsearch = config.elasticsearch.is_some();
    match Client::connect(config, arguments.server.as_deref()).await {
        Ok(client) => {
            check_engine(&client, &mut findings).await?;
            check_collections(&client, &mut findings).await?;
            client.close().await?;
        }
        Err(fault) => {
            let cure = if on_elasticsearch {
                "check that Elasticsearch runs at that address, and that elasticsearch.username and password, api_key and ca_file are right"
            } else {
                "check that the data folder can be written and that no other process uses it"
            };
            findings.trouble(&format!("{fault:#}"), cure);
        }
    }
    if findings.trouble == 0 {
        println!("all is well");
        return Ok(ExitCode::SUCCESS);
    }
    println!("{} found", if findings.trouble == 1 { "1 trouble".to_owned() } else { format!("{} troubles", findings.trouble) });
    Ok(ExitCode::FAILURE)
}

fn check_settings(config: &Config, findings: &Findings) {
    findings.fine(&format!(
        "settings: data in {}, writes are {}",
        config.data.display(),
        match config.writes() {
            Writes::Off => "off",
            Writes::Documents => "on for documents",
            Writes::All => "on for documents and collections",
        }
    ));
    for (name, _) in std::env::vars_os() {
        let Some(name) = name.to_str().filter(|name| name.starts_with("HOOKE_") && !name.starts_with("HOOKE_TEST_")) else {
            continue;
        };
        if !OTHERS.contains(&name) && SETTINGS.iter().all(|setting| setting.variable() != name) {
            findings.remark(&format!("the variable {name} is set, but there is no such setting"));
        }
    }
    if !config.listen.ip().is_loopback() {
        findings.remark(&format!("{} can be reached by other machines, and nobody has to sign in", config.listen));
    }
    if config.elasticsearch.is_some() && config.secret.is_none() && config.secret_file.is_none() {
        findings.remark("several hooke on one cluster must share a secret (HOOKE_SECRET); this one made its own");
    }
}

async fn check_engine(client: &Client, findings: &mut Findings) -> anyhow::Result<()> {
    let answer = client.get(&["readyz"])?.send().await?;
    let ready = answer.status().is_success();
    let body: Json = answer.json().await?;
    let text = |name: &str| body.get(name).and_then(Json::as_str);
    let engine = text("engine").unwrap_or("unknown");
    if !ready {
        findings.trouble(&format!("engine {engine}: {}", text("detail").unwrap_or("not ready")), "see the log of the server");
        return Ok(());
    }
    match text("version") {
        Some(version) => findings.fine(&format!("engine: {engine} {version}")),
        None => {
            findings.fine(&format!("engine: {engine}"));
            findings.remark(
                "hooke's user lacks the right to monitor the cluster: the catalog is read once a minute, and nothing is kept or watched; \
                 grant the cluster privilege monitor and the index privilege monitor",
            );
        }
    }
    Ok(())
}

async fn check_collections(client: &Client, findings: &mut Findings) -> anyhow::Result<()> {
    let body = match good(client.get(&["v1", "collections"])?.send().await?).await {
        Ok(answer) => answer.json::<Json>().await?,
        Err((_, problem)) => {
            findings.trouble(
                &format!("the collections cannot be listed: {}", problem.detail),
                "grant hooke's user read and view_index_metadata on them",
            );
            return Ok(());
        }
    };
    let collections = body.get("collections").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    if collections.is_empty() {
        findings.remark("there are no collections: make one by `hooke load`, or look at catalog.include and catalog.exclude");
    }
    for collection in collections {
        let name = collection.get("name").and_then(Json::as_str).unwrap_or_default();
        match collection.get("count").and_then(Json::as_u64) {
            Some(count) => findings.fine(&format!("collection {name}: {count} documents")),
            None => findings.trouble(
                &format!("collection {name} cannot be searched"),
                "look into the log of the server; a closed index must be opened, a forbidden one needs the right to read",
            ),
        }
        let description = client.get(&["v1", "collections", name])?.send().await?;
        // it may have gone just now
        let Ok(description) = good(description).await else { continue };
        let description: Json = description.json().await?;
        for remark in description.get("remarks").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str) {
            findings.remark(&format!("collection {name}: {remark}"));
        }
    }
    Ok(())
}
