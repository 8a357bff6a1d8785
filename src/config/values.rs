//! How plain values are read: what is wrong with one is told in the words of whoever wrote it.

use std::time::Duration;

use serde::de::DeserializeOwned;
use toml::Value;

use super::{Enforcement, LogFormat, StatePlace, Writes};

pub(super) fn typed<T: DeserializeOwned>(value: Value) -> Result<T, String> {
    value.try_into::<T>().map_err(|fault| fault.to_string().trim().replace('\n', " "))
}

pub(super) fn text<T: std::str::FromStr<Err: std::fmt::Display>>(value: Value) -> Result<T, String> {
    typed::<String>(value)?.parse().map_err(|fault: T::Err| fault.to_string())
}

pub(super) fn filled(value: Value) -> Result<String, String> {
    let text: String = typed(value)?;
    if text.is_empty() { Err("it is empty".into()) } else { Ok(text) }
}

/// A count that must be at least 1.
pub(super) fn count<T: TryFrom<u64>>(value: Value) -> Result<T, String> {
    let number: u64 = typed(value)?;
    match T::try_from(number) {
        Ok(count) if number > 0 => Ok(count),
        Ok(_) => Err("it must be at least 1".into()),
        Err(_) => Err("it is too large".into()),
    }
}

/// `10s`, `500ms`, `2m`; a bare number is seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let fault = || "write a time with its unit, as 500ms, 10s or 2m".to_owned();
    let (digits, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let number: u64 = digits.parse().map_err(|_| fault())?;
    let time = match unit.trim() {
        "ms" => Duration::from_millis(number),
        "s" | "" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.checked_mul(60).ok_or_else(fault)?),
        _ => return Err(fault()),
    };
    if time.is_zero() { Err("it must be more than nothing".into()) } else { Ok(time) }
}

pub(super) fn duration_of(value: Value) -> Result<Duration, String> {
    match value {
        Value::Integer(seconds) => duration(&seconds.to_string()),
        Value::String(text) => duration(&text),
        _ => duration(""),
    }
}

pub(super) fn urls(value: Value) -> Result<Vec<String>, String> {
    let urls: Vec<String> = match value {
        Value::String(one) => one.split(',').map(|url| url.trim().to_owned()).collect(),
        many => typed(many)?,
    };
    if urls.is_empty() {
        return Err("it names no address".into());
    }
    for url in &urls {
        let rest = url.strip_prefix("http://").or_else(|| url.strip_prefix("https://"));
        match rest {
            None => return Err(format!("{url:?} does not begin with http:// or https://")),
            Some(rest) if rest.is_empty() || rest.starts_with('/') => return Err(format!("{url:?} names no host")),
            Some(rest) if rest.contains('@') => {
                return Err(
                    "credentials do not belong into the address: give elasticsearch.username and elasticsearch.password".into()
                );
            }
            Some(_) => {}
        }
    }
    Ok(urls.into_iter().map(|url| url.trim_end_matches('/').to_owned()).collect())
}

/// One of these words.
fn choice<T: Copy>(value: Value, known: &[(&str, T)]) -> Result<T, String> {
    let word: String = typed(value)?;
    let found = known.iter().find(|(name, _)| *name == word).map(|(_, meant)| *meant);
    found.ok_or_else(|| format!("{word:?} is none of {}", known.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")))
}

pub(super) fn writes(value: Value) -> Result<Writes, String> {
    choice(value, &[("off", Writes::Off), ("documents", Writes::Documents), ("all", Writes::All)])
}

pub(super) fn state_place(value: Value) -> Result<StatePlace, String> {
    choice(value, &[("auto", StatePlace::Auto), ("engine", StatePlace::Engine), ("folder", StatePlace::Folder)])
}

/// Part of the name of an index.
pub(super) fn state_name(value: Value) -> Result<String, String> {
    let name: String = typed(value)?;
    let fine = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.len() > 100 || !name.chars().all(fine) {
        return Err("it has up to 100 small letters, digits and -".into());
    }
    Ok(name)
}

pub(super) fn enforcement(value: Value) -> Result<Enforcement, String> {
    choice(value, &[("refuse", Enforcement::Refuse), ("warn", Enforcement::Warn)])
}

pub(super) fn log_format(value: Value) -> Result<LogFormat, String> {
    choice(value, &[("auto", LogFormat::Auto), ("pretty", LogFormat::Pretty), ("json", LogFormat::Json)])
}
