//! What kind of fields some rows have: a mapping made from examples. Pure.
//!
//! Whole numbers are `long`, others `double`; texts that all are dates or addresses are `date` or `ip`; short texts that come again are
//! `keyword`, all others `text` with a keyword beside it. Arrays of objects are plain objects (a list): only who says so gets `nested`,
//! and only a mapping that is given makes points, vectors and anything else.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde_json::{Map, Value as Json, json};

use crate::search::Source;
use crate::search::date::DateFormats;

/// Texts longer than this many characters are prose, never a keyword alone.
const SHORT: usize = 64;
/// Texts longer than this get no keyword: nobody asks for all of it.
const PROSE: usize = 1_024;
/// Different texts remembered of a field; one with so many does not repeat itself.
const DISTINCT: usize = 2_000;
/// Longer values of a text are found by their words only; Elasticsearch takes no more than 32,766 bytes, four a character.
const IGNORE_ABOVE: u32 = 8_191;

/// What was seen of one field.
#[derive(Default)]
struct Seen {
    texts: usize,
    distinct: BTreeSet<String>,
    longest: usize,
    dates: usize,
    addresses: usize,
    /// Texts that are one word: an id, an address, a hash.
    words: usize,
    wholes: usize,
    fractions: usize,
    booleans: usize,
    objects: usize,
    list: bool,
    fields: BTreeMap<String, Seen>,
}

/// Rows looked at so far.
#[derive(Default)]
pub struct Inference {
    fields: BTreeMap<String, Seen>,
    formats: DateFormats,
}

impl Inference {
    pub fn add(&mut self, row: &Source) {
        for (name, value) in row {
            see(self.fields.entry(name.clone()).or_default(), value, &self.formats);
        }
    }

    /// The body of a mapping; the fields named in `nested`, by their whole path, are nested.
    pub fn mapping(&self, nested: &[String]) -> Json {
        let mut lists = Map::new();
        let properties = properties(&self.fields, "", nested, &mut lists);
        let mut body = json!({ "dynamic": "strict", "properties": properties });
        if !lists.is_empty() {
            body["_meta"] = json!({ "hooke": { "lists": lists } });
        }
        body
    }
}

fn see(seen: &mut Seen, value: &Json, formats: &DateFormats) {
    match value {
        Json::Null => {}
        Json::Bool(_) => seen.booleans += 1,
        Json::Number(number) if number.is_i64() => seen.wholes += 1,
        // also whole numbers beyond 64 bits
        Json::Number(_) => seen.fractions += 1,
        Json::String(text) => see_text(seen, text, formats),
        Json::Array(items) => {
            seen.list = true;
            for item in items {
                see(seen, item, formats);
            }
        }
        Json::Object(object) => {
            seen.objects += 1;
            for (name, value) in object {
                see(seen.fields.entry(name.clone()).or_default(), value, formats);
            }
        }
    }
}

fn see_text(seen: &mut Seen, text: &str, formats: &DateFormats) {
    seen.texts += 1;
    let length = text.chars().count();
    seen.longest = seen.longest.max(length);
    if length <= SHORT && seen.distinct.len() < DISTINCT {
        seen.distinct.insert(text.to_owned());
    }
    if is_date(text, formats) {
        seen.dates += 1;
    }
    if text.parse::<IpAddr>().is_ok() {
        seen.addresses += 1;
    }
    if is_word(text) {
        seen.words += 1;
    }
}

/// A whole day at least: `2024` may be anything.
fn is_date(text: &str, formats: &DateFormats) -> bool {
    let head = text.as_bytes();
    let day = head.len() >= 10
        && head[..10].iter().enumerate().all(|(at, byte)| if at == 4 || at == 7 { *byte == b'-' } else { byte.is_ascii_digit() });
    day && formats.read(&Json::String(text.to_owned()), false).is_ok()
}

/// Nothing in it that one would search for: an address on the web or of mail, a hash, a uuid.
fn is_word(text: &str) -> bool {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return false;
    }
    let hash = text.len() >= 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'-');
    hash || text.contains("://") || (text.contains('@') && text.contains('.'))
}

fn properties(
    fields: &BTreeMap<String, Seen>,
    prefix: &str,
    nested: &[String],
    lists: &mut Map<String, Json>,
) -> Map<String, Json> {
    let mut properties = Map::new();
    for (name, seen) in fields {
        let path = if prefix.is_empty() { name.clone() } else { format!("{prefix}.{name}") };
        lists.insert(path.clone(), Json::Bool(seen.list));
        properties.insert(name.clone(), property(seen, &path, nested, lists));
    }
    properties
}

fn property(seen: &Seen, path: &str, nested: &[String], lists: &mut Map<String, Json>) -> Json {
    let scalars = seen.texts + seen.wholes + seen.fractions + seen.booleans;
    // where both occur the fewer are misfits
    if seen.objects > scalars {
        if seen.fields.is_empty() {
            return json!({ "type": "flattened" });
        }
        let properties = properties(&seen.fields, path, nested, lists);
        return if nested.iter().any(|told| told == path) {
            json!({ "type": "nested", "properties": properties })
        } else {
            json!({ "properties": properties })
        };
    }
    if seen.texts == 0 {
        return match (seen.booleans, seen.wholes, seen.fractions) {
            // never seen: a keyword takes texts, numbers and booleans
            (0, 0, 0) => keyword(),
            (0, _, 0) => json!({ "type": "long" }),
            (0, _, _) => json!({ "type": "double" }),
            (_, 0, 0) => json!({ "type": "boolean" }),
            _ => keyword(),
        };
    }
    if seen.dates == scalars {
        return json!({ "type": "date" });
    }
    if seen.addresses == scalars {
        return json!({ "type": "ip" });
    }
    let repeats = seen.longest <= SHORT && seen.distinct.len() < DISTINCT && seen.distinct.len() * 2 <= seen.texts;
    if repeats || seen.words == seen.texts { keyword() } else { text(seen) }
}

fn keyword() -> Json {
    json!({ "type": "keyword" })
}

fn text(seen: &Seen) -> Json {
    if seen.longest > PROSE {
        return json!({ "type": "text" });
    }
    json!({ "type": "text", "fields": { "keyword": { "type": "keyword", "ignore_above": IGNORE_ABOVE } } })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::mapping;

    fn inferred(rows: &[Json], nested: &[&str]) -> Json {
        let mut inference = Inference::default();
        for row in rows {
            inference.add(row.as_object().unwrap());
        }
        let nested: Vec<String> = nested.iter().map(|path| (*path).to_owned()).collect();
        let body = inference.mapping(&nested);
        mapping::parse(&body).unwrap();
        body
    }

    fn kind(values: &[Json]) -> String {
        let rows: Vec<Json> = values.iter().map(|value| json!({ "x": value })).collect();
        let body = inferred(&rows, &[]);
        let x = &body["properties"]["x"];
        match (x["type"].as_str(), &x["fields"]["keyword"]) {
            (Some("text"), Json::Object(_)) => "text+keyword".into(),
            (Some(name), _) => name.into(),
            (None, _) => "object".into(),
        }
    }

    #[test]
    fn values_have_kinds() {
        let long = "word ".repeat(40);
        for (values, wanted) in [
            (vec![json!(1), json!(-2), json!(null)], "long"),
            (vec![json!(1), json!(2.5)], "double"),
            (vec![json!(18_446_744_073_709_551_615_u64)], "double"),
            (vec![json!(true), json!(false)], "boolean"),
            (vec![json!(true), json!(1)], "keyword"),
            (vec![json!("2024-01-31"), json!("2024-01-31T10:00:00Z"), json!("2024-01-31T10:00:00.123456+02:00")], "date"),
            (vec![json!("2024"), json!("2025")], "text+keyword"),
            (vec![json!("2024-13-31")], "text+keyword"),
            (vec![json!("10.0.0.1"), json!("::1")], "ip"),
            (vec![json!("10.0.0.1"), json!("n/a")], "text+keyword"),
            (vec![json!("net"), json!("web"), json!("net"), json!("net")], "keyword"),
            (vec![json!("one thing"), json!("another thing")], "text+keyword"),
            (vec![json!(long), json!(long), json!(long)], "text+keyword"),
            (vec![json!("x".repeat(2_000))], "text"),
            (vec![json!("https://example.org/a"), json!("https://example.org/b")], "keyword"),
            (vec![json!("3f2a90b1c4d5e6f7"), json!("00000000-0000-4000-8000-000000000000")], "keyword"),
            (vec![json!(null)], "keyword"),
            (vec![json!([])], "keyword"),
            (vec![json!("a thing"), json!(1984)], "text+keyword"),
            (vec![json!("a"), json!("a"), json!(1)], "keyword"),
            (vec![json!({})], "flattened"),
            (vec![json!({ "a": 1 })], "object"),
            (vec![json!({ "a": 1 }), json!({ "a": 1 }), json!(1)], "object"),
        ] {
            assert_eq!(kind(&values), wanted, "{values:?}");
        }
    }

    #[test]
    fn lists_are_noted_also_inside_objects() {
        let rows = [json!({ "tags": ["a"], "one": "b", "lines": [{ "sku": "x", "marks": [1] }] }), json!({ "tags": "c" })];
        let body = inferred(&rows, &[]);
        assert_eq!(
            body["_meta"]["hooke"]["lists"],
            json!({ "tags": true, "one": false, "lines": true, "lines.sku": false, "lines.marks": true })
        );
        assert_eq!(body["properties"]["lines"]["type"], Json::Null);
        assert_eq!(inferred(&rows, &["lines"])["properties"]["lines"]["type"], "nested");
    }
}
