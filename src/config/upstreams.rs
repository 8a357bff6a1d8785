//! What settings say of other people's APIs and of the lab: how often one may call, under which headers, how long one waits.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;
use toml::Value;

use super::{Secret, duration};

/// So many calls in any window of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub calls: u32,
    pub period: Duration,
}

#[derive(Clone, Debug, PartialEq)]
pub struct UpstreamConfig {
    /// What is asked, by GET; `{n}` in it stands for the number of the call.
    pub url: String,
    /// Sent with each call; their values never show in logs.
    pub headers: BTreeMap<String, Secret>,
    pub rate: Rate,
    /// Calls in flight at once.
    pub concurrency: usize,
    /// For one call.
    pub timeout: Duration,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct LabConfig {
    /// Absent: on where hooke listens on loopback.
    pub enabled: Option<bool>,
    /// The upstream that is asked for facts; absent: the first one, or one of the lab's own where there is none.
    pub upstream: Option<String>,
    /// What the lab's own upstream allows.
    pub rate: Rate,
}

/// More at once would be no courtesy to anybody, and more in a window no limit.
const MOST_AT_ONCE: usize = 10_000;
const MOST_CALLS: u32 = 1_000_000;

impl Default for Rate {
    fn default() -> Self {
        Rate { calls: 100, period: Duration::from_secs(60) }
    }
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        UpstreamConfig {
            url: String::new(),
            headers: BTreeMap::new(),
            rate: Rate::default(),
            concurrency: 100,
            timeout: Duration::from_secs(30),
        }
    }
}

impl Rate {
    /// The least time in which so many calls can begin.
    pub fn least(&self, calls: u32) -> Duration {
        self.period.saturating_mul(calls.saturating_sub(1) / self.calls.max(1))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.period.as_millis();
        match (millis % 60_000, millis % 1_000) {
            (0, _) => write!(f, "{}/{}m", self.calls, millis / 60_000),
            (_, 0) => write!(f, "{}/{}s", self.calls, millis / 1_000),
            _ => write!(f, "{}/{millis}ms", self.calls),
        }
    }
}

impl FromStr for Rate {
    type Err = String;

    /// `100/1m`, `100/minute`, `100 per minute`, `5/10s`.
    fn from_str(text: &str) -> Result<Self, String> {
        let fault = || format!("{text:?} is no limit: write 100/1m for so many calls in so much time");
        let (calls, period) = text.split_once('/').or_else(|| text.split_once(" per ")).ok_or_else(fault)?;
        let calls: u32 = calls.trim().replace('_', "").parse().map_err(|_| fault())?;
        let period = match period.trim() {
            "s" | "second" => Duration::from_secs(1),
            "m" | "minute" => Duration::from_secs(60),
            "h" | "hour" => Duration::from_secs(3_600),
            other => duration(other).map_err(|_| fault())?,
        };
        if !(1..=MOST_CALLS).contains(&calls) || period > Duration::from_secs(86_400) {
            return Err(format!("a limit is 1 to {MOST_CALLS} calls in a day or less"));
        }
        Ok(Rate { calls, period })
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    url: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    limit: Option<String>,
    concurrency: Option<usize>,
    timeout: Option<Value>,
}

/// `[upstreams.NAME]`.
pub(super) fn read(value: Value) -> Result<BTreeMap<String, UpstreamConfig>, String> {
    let rows: BTreeMap<String, Row> =
        value.try_into().map_err(|fault: toml::de::Error| fault.to_string().trim().replace('\n', " "))?;
    rows.into_iter()
        .map(|(name, row)| row.read(&name).map_err(|fault| format!("{name}: {fault}")).map(|read| (name, read)))
        .collect()
}

impl Row {
    fn read(self, name: &str) -> Result<UpstreamConfig, String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err("a name has 1 to 64 of a-z 0-9 - _".into());
        }
        let rest = self.url.strip_prefix("http://").or_else(|| self.url.strip_prefix("https://"));
        match rest.map(|rest| rest.split(['/', '?']).next().unwrap_or_default()) {
            None | Some("") => return Err(format!("url {:?} is no address that begins with http:// or https://", self.url)),
            Some(host) if host.contains('@') => return Err("credentials do not belong into url: give them in headers".into()),
            Some(_) => {}
        }
        let mut headers = BTreeMap::new();
        for (header, value) in self.headers {
            let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
            if header.is_empty() || !header.chars().all(token) {
                return Err(format!("{header:?} is no name of a header"));
            }
            if !value.chars().all(|c| c == '\t' || c == ' ' || c.is_ascii_graphic()) {
                // the value itself may be a secret
                return Err(format!("the value of the header {header} holds what no header may hold"));
            }
            headers.insert(header, Secret(value));
        }
        let usual = UpstreamConfig::default();
        let concurrency = self.concurrency.unwrap_or(usual.concurrency);
        if !(1..=MOST_AT_ONCE).contains(&concurrency) {
            return Err(format!("concurrency must be 1 to {MOST_AT_ONCE}"));
        }
        Ok(UpstreamConfig {
            url: self.url,
            headers,
            rate: self.limit.map_or(Ok(usual.rate), |limit| limit.parse().map_err(|fault| format!("limit: {fault}")))?,
            concurrency,
            timeout: self
                .timeout
                .map_or(Ok(usual.timeout), super::values::duration_of)
                .map_err(|fault| format!("timeout: {fault}"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_written_in_several_ways_and_shown_in_one() {
        for (text, shown) in [
            ("100/1m", "100/1m"),
            ("100/minute", "100/1m"),
            ("100 per minute", "100/1m"),
            ("5/10s", "5/10s"),
            ("3/250ms", "3/250ms"),
        ] {
            assert_eq!(text.parse::<Rate>().unwrap().to_string(), shown);
        }
        for text in ["", "100", "0/1m", "x/1m", "1/0s", "1/y", "1/100h"] {
            assert!(text.parse::<Rate>().is_err(), "{text}");
        }
        let rate: Rate = "100/1m".parse().unwrap();
        for (calls, seconds) in [(0, 0), (100, 0), (101, 60), (200, 60), (250, 120), (251, 120), (301, 180)] {
            assert_eq!(rate.least(calls).as_secs(), seconds, "{calls}");
        }
    }

    #[test]
    fn rows_are_read_whole_and_secrets_do_not_show() {
        let text = "[a]\nurl = 'https://api.example/x?n={n}'\nheaders = { authorization = 'hush' }\nlimit = '10/1s'\nconcurrency = 3\ntimeout = '2s'";
        let rows = read(Value::Table(text.parse().unwrap())).unwrap();
        assert_eq!((rows["a"].rate.calls, rows["a"].concurrency, rows["a"].timeout.as_secs()), (10, 3, 2));
        assert!(!format!("{rows:?}").contains("hush"));
        for (row, part) in [
            ("url = 'ftp://a'", "http://"),
            ("url = 'http://u:p@a'", "headers"),
            ("url = 'http://a'\nlimit = 'x'", "limit"),
            ("url = 'http://a'\nheaders = { 'a b' = 'c' }", "no name of a header"),
            ("url = 'http://a'\nheaders = { a = \"hush\\n\" }", "header a"),
            ("url = 'http://a'\nconcurrency = 0", "concurrency"),
            ("url = 'http://a'\nrate = 1", "rate"),
        ] {
            let fault = read(Value::Table(format!("[a]\n{row}").parse().unwrap())).unwrap_err();
            assert!(fault.contains(part) && !fault.contains("hush"), "{fault}");
        }
    }
}
