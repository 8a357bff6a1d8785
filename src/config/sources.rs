//! Where settings come from: defaults, a file, a stage of it, the environment, flags; the later wins. All faults are told at once.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

use super::Config;
use super::table::{Draft, SETTINGS, Setting, Shape};

/// Texts as they were given.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// `--config`, else `HOOKE_CONFIG`.
    pub file: Option<PathBuf>,
    /// `--stage`, else `HOOKE_STAGE`.
    pub stage: Option<String>,
    /// Variables that begin with `HOOKE_`.
    pub variables: BTreeMap<String, String>,
    /// By the setting's key.
    pub flags: BTreeMap<&'static str, String>,
}

/// Everything that is wrong with the settings, each with its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(pub Vec<String>);

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [one] => write!(f, "a setting is wrong: {one}"),
            all => {
                write!(f, "{} settings are wrong:", all.len())?;
                all.iter().try_for_each(|fault| write!(f, "\n  - {fault}"))
            }
        }
    }
}

impl std::error::Error for Faults {}

impl Sources {
    /// Takes what belongs to hooke from the environment.
    pub fn from_environment() -> Self {
        let variables: BTreeMap<_, _> = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            // an empty variable is what compose files make of one that is not set
            .filter(|(name, value)| name.starts_with("HOOKE_") && !value.is_empty())
            .collect();
        Sources {
            file: variables.get("HOOKE_CONFIG").map(PathBuf::from),
            stage: variables.get("HOOKE_STAGE").cloned(),
            variables,
            flags: BTreeMap::new(),
        }
    }

    /// Reads everything; blocks on the file.
    pub fn read(&self) -> Result<Config, Faults> {
        let text = match &self.file {
            None => String::new(),
            Some(path) => std::fs::read_to_string(path)
                .map_err(|fault| Faults(vec![format!("{} cannot be read: {fault}", path.display())]))?,
        };
        self.parse(&text)
    }

    /// The same, of the text of a file.
    pub fn parse(&self, text: &str) -> Result<Config, Faults> {
        let mut draft = Draft::default();
        let mut faults = Vec::new();
        let place = self.file.as_deref().unwrap_or(Path::new("the file")).display().to_string();
        match text.parse::<Table>() {
            Ok(table) => self.take_file(table, &place, &mut draft, &mut faults),
            Err(fault) => faults.push(format!("{place} is not TOML: {}", fault.to_string().trim().replace('\n', " "))),
        }
        for setting in SETTINGS {
            let variable = setting.variable();
            if let Some(text) = self.variables.get(&variable) {
                take(setting, plain(setting.shape, text), &variable, &mut draft, &mut faults);
            }
            if let Some(text) = self.flags.get(setting.key) {
                take(setting, plain(setting.shape, text), &format!("--{}", setting.flag()), &mut draft, &mut faults);
            }
        }
        let config = finish(draft, &mut faults);
        if faults.is_empty() { Ok(config) } else { Err(Faults(faults)) }
    }

    fn take_file(&self, mut table: Table, place: &str, draft: &mut Draft, faults: &mut Vec<String>) {
        let stages = table.remove("stage");
        take_table(table, place, draft, faults);
        let stages = match stages {
            None => Table::new(),
            Some(Value::Table(stages)) => stages,
            Some(_) => return faults.push(format!("{place}: stage must be a table of tables, as [stage.production]")),
        };
        // a stage that is not in use must be right as well: it is found out now, not on the day it is used
        for (name, stage) in &stages {
            let Value::Table(stage) = stage else {
                faults.push(format!("{place}: stage.{name} must be a table"));
                continue;
            };
            let place = format!("{place}, stage {name}");
            if self.stage.as_deref() == Some(name) {
                take_table(stage.clone(), &place, draft, faults);
            } else {
                take_table(stage.clone(), &place, &mut Draft::default(), faults);
            }
        }
        if let Some(stage) = self.stage.as_ref().filter(|stage| !stages.contains_key(*stage)) {
            let known: Vec<&str> = stages.keys().map(String::as_str).collect();
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            faults.push(format!("there is no stage {stage:?} in {place}; there is {known}"));
        }
    }
}

fn take_table(table: Table, place: &str, draft: &mut Draft, faults: &mut Vec<String>) {
    let mut given = BTreeMap::new();
    for (key, value) in table {
        match value {
            // `elasticsearch = "http://…"` is the address alone
            Value::String(_) | Value::Array(_) if key == "elasticsearch" => {
                given.insert("elasticsearch.url".to_owned(), value);
            }
            Value::Table(inner) if SETTINGS.iter().all(|setting| setting.key != key) => {
                for (name, value) in inner {
                    given.insert(format!("{key}.{name}"), value);
                }
            }
            value => {
                given.insert(key, value);
            }
        }
    }
    for (key, value) in given {
        match SETTINGS.iter().find(|setting| setting.key == key) {
            Some(setting) => take(setting, Ok(value), place, draft, faults),
            None => faults.push(format!("{place}: there is no setting {key}{}", resembling(&key))),
        }
    }
}

fn take(setting: &Setting, value: Result<Value, String>, place: &str, draft: &mut Draft, faults: &mut Vec<String>) {
    if let Err(fault) = value.and_then(|value| (setting.read)(draft, value)) {
        faults.push(format!("{place}: {}: {fault}", setting.key));
    }
}

/// A text of a flag or a variable in the shape of the setting.
fn plain(shape: Shape, text: &str) -> Result<Value, String> {
    match shape {
        Shape::Text => Ok(Value::String(text.to_owned())),
        Shape::Switch => match text {
            "true" | "1" | "yes" | "on" => Ok(Value::Boolean(true)),
            "false" | "0" | "no" | "off" => Ok(Value::Boolean(false)),
            other => Err(format!("{other:?} is neither true nor false")),
        },
        Shape::Number => text.replace('_', "").parse().map(Value::Integer).map_err(|_| format!("{text:?} is not a whole number")),
        Shape::List => Ok(Value::Array(
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(|item| Value::String(item.to_owned())).collect(),
        )),
        Shape::Pairs => text
            .split(',')
            .filter(|pair| !pair.trim().is_empty())
            .map(|pair| {
                let (name, value) = pair.split_once('=').ok_or_else(|| format!("{pair:?} is not of the form name=value"))?;
                Ok((name.trim().to_owned(), Value::String(value.trim().to_owned())))
            })
            .collect::<Result<Table, String>>()
            .map(Value::Table),
        Shape::Json => serde_json::from_str(text).map_err(|fault| format!("not JSON: {fault}")),
    }
}

/// What must hold between settings.
fn finish(draft: Draft, faults: &mut Vec<String>) -> Config {
    let Draft { mut config, elastic, url } = draft;
    let credentials = [
        ("username", elastic.username.is_some()),
        ("password", elastic.password.is_some()),
        ("api_key", elastic.api_key.is_some()),
        ("ca_file", elastic.ca_file.is_some()),
    ];
    if !url {
        for (name, _) in credentials.iter().filter(|(_, given)| *given) {
            faults.push(format!(
                "elasticsearch.{name} is given but elasticsearch.url is not (HOOKE_ELASTICSEARCH, --elasticsearch)"
            ));
        }
    }
    if elastic.username.is_some() != elastic.password.is_some() {
        faults.push("elasticsearch.username and elasticsearch.password go together: one of them is missing".into());
    }
    if elastic.api_key.is_some() && elastic.username.is_some() {
        faults.push("give either elasticsearch.api_key or elasticsearch.username and elasticsearch.password, not both".into());
    }
    let public_key = config.accounts.identity.as_ref().and_then(|identity| identity.public_key.clone());
    for (name, path) in
        [("elasticsearch.ca_file", &elastic.ca_file), ("secret_file", &config.secret_file), ("identity.public_key", &public_key)]
    {
        if let Some(fault) = path.as_ref().and_then(|path| std::fs::File::open(path).err().map(|fault| (path, fault))) {
            faults.push(format!("{name}: {} cannot be read: {}", fault.0.display(), fault.1));
        }
    }
    if config.secret.is_some() && config.secret_file.is_some() {
        faults.push("give either secret or secret_file, not both".into());
    }
    if let Some(name) = config.lab.upstream.as_ref().filter(|name| !config.upstreams.contains_key(*name)) {
        faults.push(format!("lab.upstream is {name:?}, and there is no [upstreams.{name}]"));
    }
    if let Some(identity) = &config.accounts.identity {
        identity.check(faults);
    }
    if let Some((_, authority)) = config.public_url.as_deref().and_then(|url| url.split_once("://")) {
        config.hosts.push(authority.to_owned());
    }
    if config.limits.first > config.limits.window {
        faults.push(format!("limits.first ({}) is more than limits.window ({})", config.limits.first, config.limits.window));
    }
    if url {
        config.elasticsearch = Some(elastic);
    }
    config
}

/// `; did you mean …?` where a known key is near.
fn resembling(key: &str) -> String {
    SETTINGS
        .iter()
        .map(|setting| (edits(key, setting.key), setting.key))
        .min()
        .filter(|(edits, _)| *edits <= 3)
        .map(|(_, near)| format!("; did you mean {near}?"))
        .unwrap_or_default()
}

/// Letters to insert, remove or replace.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut corner = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replace = corner + usize::from(from != *to);
            corner = row[j + 1];
            row[j + 1] = replace.min(corner + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::super::{Writes, sample};
    use super::*;

    fn flags(given: &[(&'static str, &str)]) -> Sources {
        Sources { flags: given.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(), ..Sources::default() }
    }

    #[test]
    fn the_sample_file_is_not_stale() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/hooke.sample.toml");
        if std::env::var("UPDATE").is_ok_and(|value| value == "1") {
            std::fs::write(path, sample()).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            sample(),
            "hooke.sample.toml is stale: write it anew by `just schemas`"
        );
    }

    #[test]
    fn the_sample_file_means_the_defaults() {
        let read = Sources::default().parse(&sample()).unwrap();
        assert_eq!(format!("{read:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn the_examples_of_the_sample_can_be_read() {
        // each commented example by itself: together they contradict each other
        for setting in SETTINGS.iter().filter(|setting| setting.default().is_none()) {
            let table: Table = format!("value = {}", setting.example).parse().unwrap();
            let value = table.get("value").unwrap().clone();
            assert_eq!((setting.read)(&mut Draft::default(), value), Ok(()), "{}", setting.key);
        }
    }

    #[test]
    fn flags_win_over_environment_over_stage_over_file() {
        let file = "listen = '127.0.0.1:1'\nlimits.tokens = 1\nlimits.depth = 1\nlimits.aliases = 1\n[stage.x]\nlimits.depth = 2\nlimits.aliases = 2\nlimits.tokens = 2";
        let mut sources = flags(&[("limits.tokens", "4")]);
        sources.stage = Some("x".into());
        sources.variables.insert("HOOKE_LIMITS_DEPTH".into(), "3".into());
        sources.variables.insert("HOOKE_LIMITS_TOKENS".into(), "3".into());
        let read = sources.parse(file).unwrap();
        let limits = (read.limits.tokens, read.limits.depth, read.limits.aliases);
        assert_eq!((read.listen.port(), limits), (1, (4, 3, 2)));
    }

    #[test]
    fn all_faults_are_told_at_once() {
        let mut sources = flags(&[("writes", "some"), ("elasticsearch.password", "x")]);
        sources.variables.insert("HOOKE_LIMITS_FIRST".into(), "many".into());
        let faults = sources.parse("lisen = 1\nlimits.body = 0\ncatalog.collections.a.hidden = []").unwrap_err().0;
        let all = faults.join("\n");
        for part in [
            "did you mean listen",
            "limits.body: it must be at least 1",
            "hidden",
            "\"some\" is none of",
            "\"many\" is not a whole number",
            "elasticsearch.url is not",
            "username and elasticsearch.password go together",
        ] {
            assert!(all.contains(part), "{part} in {all}");
        }
    }

    #[test]
    fn a_stage_not_in_use_is_checked_and_one_not_there_is_a_fault() {
        assert!(Sources::default().parse("[stage.a]\nwrites = 'some'").is_err());
        let sources = Sources { stage: Some("b".into()), ..Sources::default() };
        assert!(sources.parse("[stage.a]\nwrites = 'off'").unwrap_err().0[0].contains("no stage \"b\""));
    }

    #[test]
    fn lists_pairs_and_tables_can_be_given_as_text() {
        let read = flags(&[
            ("elasticsearch.url", "http://a:9200/, https://b"),
            ("catalog.patterns", "logs=logs-*, m=metrics-*"),
            ("catalog.collections", r#"{"p": {"lists": {"tags": true}}}"#),
            ("limits.time", "500ms"),
            ("writes", "documents"),
        ])
        .parse("")
        .unwrap();
        assert_eq!(read.elasticsearch.unwrap().urls, ["http://a:9200", "https://b"]);
        assert_eq!(read.catalog.patterns["m"], "metrics-*");
        assert!(read.catalog.collections["p"].lists["tags"]);
        assert_eq!((read.limits.time.as_millis(), read.writes), (500, Some(Writes::Documents)));
    }

    #[test]
    fn secrets_do_not_show() {
        let read =
            flags(&[("elasticsearch.url", "http://a"), ("elasticsearch.api_key", "hush1"), ("secret", "hush2-hush2-hush2")]);
        assert!(!format!("{:?}", read.parse("").unwrap()).contains("hush"));
    }

    #[test]
    fn a_mere_address_is_enough_for_elasticsearch() {
        let read = Sources::default().parse("elasticsearch = 'http://a:9200'").unwrap();
        assert_eq!(read.elasticsearch.unwrap().urls, ["http://a:9200"]);
    }
}
