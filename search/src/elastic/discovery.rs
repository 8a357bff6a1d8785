//! Which collections a cluster holds. Pure: the answer of `_resolve/index` and the settings -> names and what they stand for.
//!
//! Data streams, aliases, patterns of the settings, dated siblings (`logs-2026.11.21`), and the indices that none of these
//! covers. What is hidden, of the system, closed, or behind a data stream is none.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::Origin;
use crate::Selection;

/// The answer of `_resolve/index/*`.
#[derive(Debug, Default, Deserialize, PartialEq)]
pub(super) struct Resolved {
    #[serde(default)]
    indices: Vec<Index>,
    #[serde(default)]
    aliases: Vec<Alias>,
    #[serde(default)]
    data_streams: Vec<DataStream>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Index {
    name: String,
    #[serde(default)]
    attributes: Vec<String>,
    data_stream: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Alias {
    name: String,
    #[serde(deserialize_with = "one_or_many")]
    indices: Vec<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct DataStream {
    name: String,
    #[serde(deserialize_with = "one_or_many")]
    backing_indices: Vec<String>,
}

/// A collection by name only.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub name: String,
    pub origin: Origin,
    pub remarks: Vec<String>,
}

impl Candidate {
    /// The concrete indices it lies in.
    pub(super) fn indices(&self) -> Vec<&str> {
        match &self.origin {
            Origin::Index => vec![&self.name],
            Origin::Many { indices, .. } => indices.iter().map(String::as_str).collect(),
        }
    }
}

/// All collections, sorted by name.
pub(super) fn candidates(resolved: &Resolved, settings: &Selection) -> Vec<Candidate> {
    let open: BTreeSet<&str> = resolved.indices.iter().filter(|index| usable(index)).map(|index| index.name.as_str()).collect();
    let mut found: BTreeMap<String, Candidate> = BTreeMap::new();
    let mut covered: BTreeSet<&str> = BTreeSet::new();
    let mut add = |name: &str, origin: Origin, remarks: Vec<String>| {
        found.entry(name.to_owned()).or_insert_with(|| Candidate { name: name.to_owned(), origin, remarks });
    };

    for stream in resolved.data_streams.iter().filter(|stream| !stream.name.starts_with('.')) {
        add(&stream.name, Origin::Many { target: stream.name.clone(), indices: sorted(&stream.backing_indices) }, Vec::new());
    }
    for alias in resolved.aliases.iter().filter(|alias| !alias.name.starts_with('.')) {
        // one that leads to what is hidden would be a way around
        if !alias.indices.iter().any(|index| index.starts_with('.') && !index.starts_with(".ds-")) {
            add(&alias.name, Origin::Many { target: alias.name.clone(), indices: sorted(&alias.indices) }, Vec::new());
            covered.extend(alias.indices.iter().map(String::as_str));
        }
    }
    for (name, pattern) in &settings.patterns {
        let indices: Vec<String> =
            open.iter().filter(|index| pattern_holds(pattern, index)).map(|index| index.to_string()).collect();
        if !indices.is_empty() {
            covered.extend(open.iter().filter(|index| pattern_holds(pattern, index)));
            // the indices by name: Elasticsearch's own patterns would also reach what is hidden behind a dot
            add(name, Origin::Many { target: indices.join(","), indices }, Vec::new());
        }
    }
    let mut siblings: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for index in &open {
        if let Some(stem) = undated(index) {
            siblings.entry(stem).or_default().push(index);
        }
    }
    for (stem, indices) in siblings {
        // where other collections hold all of them there is nothing to add; where one is left all of them belong together
        if indices.iter().all(|index| covered.contains(index)) || open.contains(stem) || found_name(resolved, settings, stem) {
            continue;
        }
        covered.extend(&indices);
        let indices: Vec<String> = indices.into_iter().map(String::from).collect();
        add(stem, Origin::Many { target: indices.join(","), indices }, Vec::new());
    }
    for index in open.iter().filter(|index| !covered.contains(*index)) {
        add(index, Origin::Index, Vec::new());
    }
    found.into_values().filter(|candidate| wanted(&candidate.name, settings)).collect()
}

fn usable(index: &Index) -> bool {
    let is = |attribute: &str| index.attributes.iter().any(|found| found == attribute);
    !index.name.starts_with('.') && index.data_stream.is_none() && !is("hidden") && !is("system") && !is("closed")
}

/// Whether something else already bears the name.
fn found_name(resolved: &Resolved, settings: &Selection, name: &str) -> bool {
    resolved.aliases.iter().any(|alias| alias.name == name)
        || resolved.data_streams.iter().any(|stream| stream.name == name)
        || settings.patterns.contains_key(name)
}

fn wanted(name: &str, settings: &Selection) -> bool {
    let listed = |patterns: &[String]| patterns.iter().any(|pattern| wildcard(pattern, name));
    (settings.include.is_empty() || listed(&settings.include)) && !listed(&settings.exclude)
}

/// Parts separated by commas; one that begins with `-` takes away.
fn pattern_holds(pattern: &str, name: &str) -> bool {
    pattern.split(',').map(str::trim).fold(false, |held, part| match part.strip_prefix('-') {
        Some(without) => held && !wildcard(without, name),
        None => held || wildcard(part, name),
    })
}

/// `*` is any run of characters.
fn wildcard(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut left) = name.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        let Some(at) = left.find(part) else { return false };
        left = &left[at + part.len()..];
    }
    left.len() >= last.len() && left.ends_with(last)
}

/// The name without the date at its end: `logs` of `logs-2026.11.21`, `logs-2026-11`, `logs_20261121`, `logs-2026.11.21-000002`.
/// A year alone is no date: it tells editions of a thing as often as parts of a stream.
pub(super) fn undated(name: &str) -> Option<&str> {
    let digits = |text: &str, count: usize| text.len() == count && text.bytes().all(|b| b.is_ascii_digit());
    // the counter that a rollover appends
    let name = match name.rsplit_once('-') {
        Some((before, counter))
            if digits(counter, 6) && before.len() > 4 && !digits(before.rsplit(['-', '_', '.']).next()?, 4) =>
        {
            before
        }
        _ => name,
    };
    let number = |text: &str, least: u32, most: u32| {
        text.bytes().all(|b| b.is_ascii_digit()) && text.parse::<u32>().is_ok_and(|n| (least..=most).contains(&n))
    };
    let year = |text: &str| text.len() == 4 && number(text, 1970, 2199);
    let month = |text: &str| text.len() == 2 && number(text, 1, 12);
    let day = |text: &str| text.len() == 2 && number(text, 1, 31);
    let hour = |text: &str| text.len() == 2 && number(text, 0, 23);
    let week = |text: &str| text.len() == 3 && text.starts_with(['w', 'W']) && number(&text[1..], 1, 53);
    let together = |text: &str| text.is_ascii() && text.len() == 8 && year(&text[..4]) && month(&text[4..6]) && day(&text[6..]);
    let stem = |from: usize| {
        let stem = name.get(..from)?.strip_suffix(['-', '_', '.'])?;
        (!stem.is_empty()).then_some(stem)
    };
    // the parts from the end, each with where it begins
    let mut parts: Vec<(usize, &str)> = Vec::new();
    let mut end = name.len();
    while parts.len() < 4 {
        let start = name[..end].rfind(['-', '_', '.']).map_or(0, |at| at + 1);
        parts.push((start, &name[start..end]));
        if start == 0 {
            break;
        }
        end = start - 1;
    }
    let part = |place: usize| parts.get(place).map_or("", |part| part.1);
    let begins = |place: usize| parts.get(place).map(|part| part.0);
    if year(part(3)) && month(part(2)) && day(part(1)) && hour(part(0)) {
        stem(begins(3)?)
    } else if year(part(2)) && month(part(1)) && day(part(0)) {
        stem(begins(2)?)
    } else if year(part(1)) && (month(part(0)) || week(part(0))) {
        stem(begins(1)?)
    } else if together(part(0)) {
        stem(begins(0)?)
    } else {
        None
    }
}

fn sorted(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    names.sort();
    names
}

/// A single name may stand without its list.
fn one_or_many<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Names {
        One(String),
        Many(Vec<String>),
    }
    Ok(match Names::deserialize(deserializer)? {
        Names::One(name) => vec![name],
        Names::Many(names) => names,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn of(indices: &[&str], aliases: &[(&str, &[&str])], settings: &Selection) -> Vec<(String, Vec<String>)> {
        let indices: Vec<_> = indices.iter().map(|name| json!({"name": name, "attributes": ["open"]})).collect();
        let aliases: Vec<_> = aliases.iter().map(|(name, indices)| json!({"name": name, "indices": indices})).collect();
        let resolved = serde_json::from_value(json!({"indices": indices, "aliases": aliases, "data_streams": []})).unwrap();
        candidates(&resolved, settings)
            .into_iter()
            .map(|found| {
                let indices =
                    if found.origin == Origin::Index { vec![] } else { found.indices().into_iter().map(String::from).collect() };
                (found.name, indices)
            })
            .collect()
    }

    fn names(indices: &[&str], aliases: &[(&str, &[&str])]) -> Vec<String> {
        of(indices, aliases, &Selection::default()).into_iter().map(|(name, _)| name).collect()
    }

    #[test]
    fn dates_at_the_end_are_found() {
        for (name, stem) in [
            ("logs-2026.11.21", Some("logs")),
            ("logs-2026-11-21", Some("logs")),
            ("my-logs_2026_11", Some("my-logs")),
            ("logs-2026.11", Some("logs")),
            ("logs-20261121", Some("logs")),
            ("logs-2026.w47", Some("logs")),
            ("logs-2026.11.21.13", Some("logs")),
            ("logs-2026.11.21-000003", Some("logs")),
            ("logs-2026.13.21", None),
            ("logs-2026", None),
            ("logs-000001", None),
            ("logs-2026-000001", None),
            ("2026.11.21", None),
            ("logs2026.11.21", None),
            ("logs-12345678", None),
            ("tag-v1.02", None),
            ("größe-2026.11.21", Some("größe")),
        ] {
            assert_eq!(undated(name), stem, "{name}");
        }
    }

    #[test]
    fn dated_siblings_are_one_collection_also_the_first_of_them() {
        let all = of(&["logs-2026.11.20", "logs-2026.11.21", "shop"], &[], &Selection::default());
        assert_eq!(all[0], ("logs".into(), vec!["logs-2026.11.20".into(), "logs-2026.11.21".into()]));
        assert_eq!(all[1], ("shop".into(), vec![]));
        assert_eq!(names(&["logs-2026.11.20"], &[]), ["logs"]);
    }

    #[test]
    fn a_name_that_is_taken_stays_what_it_is() {
        assert_eq!(names(&["logs", "logs-2026.11.20"], &[]), ["logs", "logs-2026.11.20"]);
    }

    #[test]
    fn what_an_alias_covers_is_not_shown_twice() {
        assert_eq!(names(&["a-1", "b"], &[("a", &["a-1"])]), ["a", "b"]);
        // an alias on the newest day must not take that day away from the others
        let all = of(&["l-2026.11.20", "l-2026.11.21"], &[("today", &["l-2026.11.21"])], &Selection::default());
        assert_eq!(all[0].1.len(), 2);
        assert_eq!(all[1].0, "today");
    }

    #[test]
    fn what_leads_to_hidden_things_is_none() {
        assert_eq!(names(&[".hooke-users", ".kibana", "a"], &[("users", &[".hooke-users"]), (".x", &["a"])]), ["a"]);
        let resolved = serde_json::from_value(json!({
            "indices": [{"name": "h", "attributes": ["hidden", "open"]}, {"name": "c", "attributes": ["closed"]},
                {"name": ".ds-m-000001", "attributes": ["hidden", "open"], "data_stream": "m"}],
            "aliases": [], "data_streams": [{"name": "m", "backing_indices": ".ds-m-000001", "timestamp_field": "@timestamp"}]}));
        let found = candidates(&resolved.unwrap(), &Selection::default());
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].origin, Origin::Many { target: "m".into(), indices: vec![".ds-m-000001".into()] });
    }

    #[test]
    fn settings_narrow_and_join() {
        let patterns = BTreeMap::from([("events".to_owned(), "ev-*,-ev-x*".to_owned())]);
        let settings = Selection { patterns, exclude: vec!["tmp*".into()], ..Selection::default() };
        let all = of(&["ev-1", "ev-2", "ev-x", "tmp-1"], &[], &settings);
        assert_eq!(all, [("ev-x".into(), vec![]), ("events".into(), vec!["ev-1".into(), "ev-2".into()])]);
        let settings = Selection { include: vec!["a*".into(), "b".into()], ..Selection::default() };
        assert_eq!(of(&["ax", "b", "bc"], &[], &settings).len(), 2);
    }

    #[test]
    fn stars_stand_for_any_run() {
        for (pattern, name, holds) in [
            ("a*", "a", true),
            ("*", "x", true),
            ("a*b*c", "a1b2c", true),
            ("a*b", "ab1", false),
            ("a*a", "a", false),
            ("a", "ab", false),
        ] {
            assert_eq!(wildcard(pattern, name), holds, "{pattern} {name}");
        }
    }
}
