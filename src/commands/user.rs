//! `hooke user`: users, through the server that runs on the data folder, which takes whoever can read its secret for an
//! administrator; so the first administrator is made.

use std::io::Read as _;
use std::process::ExitCode;

use anyhow::Context as _;
use serde_json::{Map, Value as Json, json};

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
    /// Add a user, and print the password unless it is read
    Add {
        #[arg(value_name = "EMAIL")]
        email: String,
        /// admin, or a role of the settings
        #[arg(long, default_value = "admin")]
        role: String,
        #[arg(long)]
        name: Option<String>,
        /// For row rules: team=red
        #[arg(long = "claim", value_name = "NAME=VALUE")]
        claims: Vec<String>,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// List users
    List,
    /// Give a user another role
    Role {
        #[arg(value_name = "EMAIL")]
        user: String,
        role: String,
    },
    /// Give a user another password, and end all sessions
    Password {
        #[arg(value_name = "EMAIL")]
        user: String,
        /// Read the password from standard input
        #[arg(long)]
        password_stdin: bool,
    },
    /// Sign a user out and keep them out
    Disable {
        #[arg(value_name = "EMAIL")]
        user: String,
    },
    /// Let a user in again
    Enable {
        #[arg(value_name = "EMAIL")]
        user: String,
    },
    /// Remove a user, with all keys
    Remove {
        #[arg(value_name = "EMAIL")]
        user: String,
    },
}

pub(super) async fn run(config: Config, arguments: Arguments) -> anyhow::Result<ExitCode> {
    let Arguments { what, keeper } = arguments;
    keeper.told(config, async |client| act(client, what).await).await
}

async fn act(client: &Client, what: What) -> anyhow::Result<()> {
    match what {
        What::Add { email, role, name, claims, password_stdin } => {
            let claims = claims
                .iter()
                .map(|pair| pair.split_once('=').map(|(name, value)| (name.to_owned(), Json::from(value))))
                .collect::<Option<Map<String, Json>>>()
                .context("write a claim as name=value")?;
            let (password, made) = password(password_stdin).await?;
            let body = json!({ "email": email, "role": role, "name": name, "claims": claims, "password": password });
            let user: Json = ask(client.post(&["v1", "users"])?.json(&body)).await?;
            println!("{}", line(&user));
            if made {
                println!("password: {password}");
            }
        }
        What::List => {
            let listing: Json = ask(client.get(&["v1", "users"])?).await?;
            for user in listing["users"].as_array().into_iter().flatten() {
                println!("{}", line(user));
            }
        }
        What::Role { user, role } => change(client, &user, json!({ "role": role })).await?,
        What::Password { user, password_stdin } => {
            let (password, made) = password(password_stdin).await?;
            change(client, &user, json!({ "password": password })).await?;
            if made {
                println!("password: {password}");
            }
        }
        What::Disable { user } => change(client, &user, json!({ "disabled": true })).await?,
        What::Enable { user } => change(client, &user, json!({ "disabled": false })).await?,
        What::Remove { user } => drop(send(client.delete(&["v1", "users", &user])?).await?),
    }
    Ok(())
}

async fn change(client: &Client, user: &str, change: Json) -> anyhow::Result<()> {
    let user: Json = ask(client.patch(&["v1", "users", user])?.json(&change)).await?;
    println!("{}", line(&user));
    Ok(())
}

/// One that was read, or one that was made here and has to be told.
async fn password(read: bool) -> anyhow::Result<(String, bool)> {
    if read {
        let reading = tokio::task::spawn_blocking(|| {
            let mut text = String::new();
            std::io::stdin().take(4_096).read_to_string(&mut text).map(|_| text)
        });
        let text = reading.await?.context("the password cannot be read")?;
        return Ok((text.trim_end_matches(['\r', '\n']).to_owned(), false));
    }
    let mut bytes = [0_u8; 10];
    getrandom::fill(&mut bytes).context("the system gives no random numbers")?;
    Ok((bytes.iter().map(|byte| format!("{byte:02x}")).collect(), true))
}

fn line(user: &Json) -> String {
    let text = |name: &str| user[name].as_str().unwrap_or_default().to_owned();
    let disabled = if user["disabled"] == true { "  disabled" } else { "" };
    format!("{}  {}  {}{disabled}", text("id"), text("email"), text("role"))
}
