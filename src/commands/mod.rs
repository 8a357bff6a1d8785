//! What can be done from a shell: one file a command. Flags of settings are made from the table of settings.

/// As that of `std`, for all commands: but where the reader of stdout has gone (`hooke schema | head -1`), which there is a panic, the
/// command ends.
macro_rules! print {
    ($($part:tt)*) => { $crate::commands::put(format_args!($($part)*)) };
}

macro_rules! println {
    ($($part:tt)*) => { $crate::commands::put(format_args!("{}\n", format_args!($($part)*))) };
}

mod accounts;
mod client;
mod doctor;
mod export;
mod job;
mod key;
mod lab;
mod load;
mod policy;
mod sample;
mod schema;
mod serve;
mod user;
mod verify;

use std::ffi::OsString;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Arg, ArgAction, ArgMatches, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

use crate::config::{LogConfig, SETTINGS, Setting, Shape, Sources};

/// A typed GraphQL API, a REST API and search pages in front of Elasticsearch, or of an embedded engine
#[derive(Parser)]
#[command(name = "hooke", version)]
struct Cli {
    /// A file of settings; hooke.sample.toml shows them all [env: HOOKE_CONFIG]
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The [stage.NAME] of the file that overrides the rest [env: HOOKE_STAGE]
    #[arg(long, global = true, value_name = "NAME")]
    stage: Option<String>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serve the APIs and the pages (what hooke does when no command is named)
    Serve,
    /// Load documents into a collection, which is made if it is not there
    Load(load::Arguments),
    /// Write documents of a collection as NDJSON
    Export(export::Arguments),
    /// Start, list, watch and steer long tasks
    Job(job::Arguments),
    /// Add, list, change and remove users
    User(user::Arguments),
    /// Make, list and remove keys of programs
    Key(key::Arguments),
    /// Write the GraphQL schema
    Schema(schema::Arguments),
    /// Run an experiment of the lab, or its upstream
    Lab(lab::Arguments),
    /// Hold a table of who sees what against the roles and the documents
    Policy(policy::Arguments),
    /// Put random queries to the engine and to a plain evaluator of a sample, and tell where they differ
    Verify(verify::Arguments),
    /// Check settings, engine, rights and collections, and say what is wrong and what to do
    Doctor(doctor::Arguments),
}

/// Settings that are shown by `-h`; `--help` shows all.
const FIRST: [&str; 6] = ["listen", "data", "elasticsearch.url", "writes", "insecure", "sample"];

/// The exit code of a program that the signal of a closed pipe ends: what was to be said did not all arrive.
const PIPE_CLOSED: i32 = 128 + 13;

/// To stdout.
fn put(text: std::fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    match out.write_fmt(text).and_then(|()| out.flush()) {
        Ok(()) => {}
        Err(fault) if fault.kind() == io::ErrorKind::BrokenPipe => std::process::exit(PIPE_CLOSED),
        Err(fault) => {
            eprintln!("hooke: what was to be said cannot be written: {fault}");
            std::process::exit(1)
        }
    }
}

/// Runs one command line; the exit code is 2 where it or a setting is wrong, 1 where the command failed.
pub async fn run(line: impl IntoIterator<Item = OsString>) -> ExitCode {
    let parsed = command_line().try_get_matches_from(line);
    let parsed = parsed.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, flags(&matches))));
    let (cli, flags) = match parsed {
        Ok(parsed) => parsed,
        Err(fault) => {
            // also --help and --version, which are no faults
            let _ = fault.print();
            return ExitCode::from(u8::try_from(fault.exit_code()).unwrap_or(2));
        }
    };
    let mut sources = Sources::from_environment();
    sources.file = cli.config.or(sources.file);
    sources.stage = cli.stage.or(sources.stage);
    sources.flags = flags;
    let mut config = match sources.read() {
        Ok(config) => config,
        Err(faults) => {
            eprintln!("hooke: {faults}");
            return ExitCode::from(2);
        }
    };
    let command = cli.command.unwrap_or(Command::Serve);
    if !matches!(command, Command::Serve) && config.log == LogConfig::default() {
        // who runs a command wants to read what it says, not what a server of its own answers
        config.log.level = "warn".into();
    }
    if let Err(fault) = crate::telemetry::init(&config.log, matches!(command, Command::Serve)) {
        eprintln!("hooke: a setting is wrong: {fault}");
        return ExitCode::from(2);
    }
    // without traces it answers nothing
    crate::search::trace_by(crate::telemetry::traces::traceparent);
    let done = match command {
        Command::Serve => serve::run(config).await,
        Command::Load(arguments) => load::run(config, arguments).await,
        Command::Export(arguments) => export::run(config, arguments).await,
        Command::Job(arguments) => job::run(config, arguments).await,
        Command::User(arguments) => user::run(config, arguments).await,
        Command::Key(arguments) => key::run(config, arguments).await,
        Command::Schema(arguments) => schema::run(config, arguments).await,
        Command::Lab(arguments) => lab::run(config, arguments).await,
        Command::Policy(arguments) => policy::run(config, arguments).await,
        Command::Verify(arguments) => verify::run(config, arguments).await,
        Command::Doctor(arguments) => doctor::run(config, arguments).await,
    };
    crate::telemetry::traces::close().await;
    match done {
        Ok(code) => code,
        Err(fault) => {
            eprintln!("hooke: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

fn command_line() -> clap::Command {
    SETTINGS.iter().fold(Cli::command(), |command, setting| command.arg(flag(setting)))
}

fn flag(setting: &'static Setting) -> Arg {
    let default = match setting.default() {
        Some(default) if setting.shape != Shape::Switch => format!(" [default: {}]", default.trim_matches('"')),
        _ => String::new(),
    };
    let off = setting.is_on_by_default();
    let arg = Arg::new(setting.key)
        // clap wants names that live for ever; they are made once
        .long(&*setting.flag().leak())
        .global(true)
        .help_heading("Settings")
        .hide_short_help(!FIRST.contains(&setting.key))
        .help(format!("{}{}{default} [env: {}]", if off { "Not: " } else { "" }, setting.about, setting.variable()));
    match setting.shape {
        Shape::Switch => arg.action(ArgAction::SetTrue),
        Shape::Text => arg.value_name("VALUE"),
        Shape::Number => arg.value_name("NUMBER"),
        Shape::List => arg.value_name("A,B"),
        Shape::Pairs => arg.value_name("NAME=VALUE,…"),
        Shape::Json => arg.value_name("JSON"),
    }
}

/// The settings among the flags, as they were written.
fn flags(matches: &ArgMatches) -> std::collections::BTreeMap<&'static str, String> {
    SETTINGS
        .iter()
        .filter_map(|setting| {
            let value = match setting.shape {
                // a flag of a switch turns it over
                Shape::Switch => matches.get_flag(setting.key).then(|| (!setting.is_on_by_default()).to_string()),
                _ => matches.get_one::<String>(setting.key).cloned(),
            };
            Some((setting.key, value?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read(line: &[&str]) -> Config {
        let matches = command_line().get_matches_from(line);
        Sources { flags: flags(&matches), ..Sources::default() }.parse("").unwrap()
    }

    #[test]
    fn flags_become_settings_before_and_after_the_command() {
        command_line().debug_assert();
        let plain = read(&["hooke"]);
        assert!(plain.sample && !plain.insecure);
        let given = read(&[
            "hooke",
            "--data",
            "/tmp/x",
            "serve",
            "--no-sample",
            "--insecure",
            "--limits-tokens",
            "7",
            "--elasticsearch",
            "http://a",
        ]);
        assert_eq!((given.sample, given.insecure, given.limits.tokens, given.data.to_str()), (false, true, 7, Some("/tmp/x")));
        assert_eq!(given.elasticsearch.unwrap().urls, ["http://a"]);
    }
}
