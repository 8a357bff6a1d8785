//! `hooke key`: keys of programs, through the server that runs on the data folder or the one that is named.

use std::process::ExitCode;

use serde_json::{Value as Json, json};

use super::accounts::Keeper;
use super::client::{Client, ask, send};
use crate::config::Config;

#[derive(clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    what: What,
    #[command(flatten)]
    keeper: Keeper,
}

#[derive(clap::Subcommand)]
enum What {
    /// Make a key and print it; it is shown this once
    Add {
        /// What it is for
        name: String,
        /// The role of a key that belongs to no user
        #[arg(long, conflicts_with = "user")]
        role: Option<String>,
        /// Whose it is; it has the role of that user
        #[arg(long, value_name = "EMAIL")]
        user: Option<String>,
        /// read, write, jobs, read:COLLECTION or write:COLLECTION; may be repeated
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<String>,
        /// Until when it holds: 2030-01-01T00:00:00Z
        #[arg(long, value_name = "TIME")]
        expires: Option<String>,
    },
    /// List keys
    List,
    /// Remove a key: it ends within a second
    Remove { id: String },
}

pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { what, keeper } = arguments;
    keeper.told(config, async |client| act(client, what).await).await
}

async fn act(client: &Client, what: What) -> anyhow::Result<()> {
    match what {
        What::Add { name, role, user, scopes, expires } => {
            let body = json!({ "name": name, "role": role, "user": user, "scopes": scopes, "expires": expires });
            let made: Json = ask(client.post(&["v1", "keys"])?.json(&body)).await?;
            println!("{}", made["key"].as_str().unwrap_or_default());
        }
        What::List => {
            let listing: Json = ask(client.get(&["v1", "keys"])?.query(&[("all", true)])).await?;
            for key in listing["keys"].as_array().into_iter().flatten() {
                println!("{}", line(key));
            }
        }
        What::Remove { id } => drop(send(client.delete(&["v1", "keys", &id])?).await?),
    }
    Ok(())
}

fn line(key: &Json) -> String {
    let text = |name: &str| key[name].as_str().unwrap_or("-").to_owned();
    let scopes: Vec<&str> = key["scopes"].as_array().into_iter().flatten().filter_map(Json::as_str).collect();
    let whose = key["user"].as_str().map_or_else(|| format!("role {}", text("role")), |user| format!("user {user}"));
    format!(
        "{}  {}  {whose}  [{}]  expires {}  last used {}",
        text("id"),
        text("name"),
        scopes.join(" "),
        text("expires"),
        text("lastUsed")
    )
}
