//! Documents whose values are known: what a field's index should hold is written beside the JSON.

use std::net::IpAddr;

use hooke::search::GeoPoint;
use hooke::search::date::Time;
use hooke::search::value::Value;
use hooke::search::{Analyzer, FieldRef};
use hooke::verify::{Document, Random, Words, lower};
use serde_json::{Value as Json, json};

pub fn mapping() -> Json {
    json!({
        "c": { "type": "keyword" },
        "k": { "type": "keyword" },
        "short": { "type": "keyword", "ignore_above": 6 },
        "low": { "type": "keyword", "normalizer": "lowercase" },
        "t": { "type": "text", "fields": { "keyword": { "type": "keyword", "ignore_above": 12 } } },
        "u": { "type": "text" },
        "b": { "type": "boolean" },
        "l": { "type": "long" }, "i": { "type": "integer" }, "y": { "type": "byte" },
        "x": { "type": "double" }, "f": { "type": "float" }, "h": { "type": "half_float" },
        "d": { "type": "date" }, "n": { "type": "date_nanos" },
        "ip": { "type": "ip" },
        "p": { "type": "geo_point" },
        "v": { "type": "dense_vector", "dims": 3, "similarity": "cosine" },
        "w": { "type": "dense_vector", "dims": 2, "similarity": "l2_norm" },
        "o": { "properties": { "a": { "type": "keyword" }, "n": { "type": "integer" } } },
        "e": { "type": "nested", "properties": {
            "a": { "type": "keyword" }, "n": { "type": "integer" }, "t": { "type": "text" },
            "f": { "type": "nested", "properties": { "c": { "type": "keyword" }, "w": { "type": "integer" } } }
        } }
    })
}

/// Fields that hold single values, without the texts.
pub const EXACT: &[&str] = &["k", "short", "low", "b", "l", "i", "y", "x", "f", "h", "d", "n", "ip", "o.a", "o.n"];
pub const TEXTS: &[&str] = &["t", "u"];
pub const VECTORS: &[&str] = &["v", "w"];

/// Words and what the standard analyzer makes of them, known by hand.
pub const WORDS: &[(&str, &[&str])] = &[
    ("fox", &["fox"]),
    ("Fox", &["fox"]),
    ("FOXES", &["foxes"]),
    ("quick", &["quick"]),
    ("quack", &["quack"]),
    ("quickly", &["quickly"]),
    ("web", &["web"]),
    ("server", &["server"]),
    ("servers", &["servers"]),
    ("sevrer", &["sevrer"]),
    ("a", &["a"]),
    ("ab", &["ab"]),
    ("don't", &["don't"]),
    ("wi-fi", &["wi", "fi"]),
    ("3.14", &["3.14"]),
    ("caf\u{e9}", &["caf\u{e9}"]),
    ("cafe\u{301}", &["cafe\u{301}"]),
    ("CAFE", &["cafe"]),
    ("İstanbul", &["istanbul"]),
    ("ıstanbul", &["ıstanbul"]),
    ("ΣΊΣΥΦΟΣ", &["σίσυφοσ"]),
    ("σίσυφος", &["σίσυφος"]),
    ("STRAẞE", &["straße"]),
    ("שלום", &["שלום"]),
    ("مرحبا", &["مرحبا"]),
    ("東京", &["東", "京"]),
    ("สวัสดี", &["สวัสดี"]),
    ("👩\u{200d}👩\u{200d}👧", &["👩\u{200d}👩\u{200d}👧"]),
    ("🇩🇪", &["🇩🇪"]),
    ("москва", &["москва"]),
    ("Москва", &["москва"]),
    ("नमस्ते", &["नमस्ते"]),
    ("مَرْحَبًا", &["مَرْحَبًا"]),
    ("한국어", &["한국어"]),
    ("カタカナ", &["カタカナ"]),
    ("ひら", &["ひ", "ら"]),
    ("1,000", &["1,000"]),
    ("a_b", &["a_b"]),
    ("O\u{2019}Neil", &["o\u{2019}neil"]),
    ("ﬁnd", &["ﬁnd"]),
    ("!!!", &[]),
    ("—", &[]),
];

/// Values of keywords beside those words.
const NAMES: &[&str] = &[
    "",
    " ",
    "net",
    "Net",
    "NET",
    "network",
    "ne",
    "été",
    "ÉTÉ",
    "a*b",
    "a?b",
    r"a\b",
    "a.b",
    "[x]",
    "\u{ffee}",
    "e\u{301}t\u{e9}",
    "\u{200f}שלום",
    "İ",
    "ı",
    "i\u{307}",
    "ſ",
    "\u{212a}",
    "Ǆ",
    "ß",
    "ẞ",
    "😀",
    "😀😀😀😀",
    "longer than six",
];
pub const LONGS: &[i64] =
    &[0, 1, -1, 2, 3, 7, 100, -100, 9_007_199_254_740_992, 9_007_199_254_740_993, i64::MAX, i64::MAX - 1, i64::MIN, i64::MIN + 1];
const INTEGERS: &[i64] = &[0, 1, -1, 2, 3, 5, 8, i32::MAX as i64, i32::MIN as i64];
const BYTES: &[i64] = &[0, 1, -1, 2, 127, -128];
const DOUBLES: &[f64] = &[0.0, 1.0, -1.0, 0.1, 0.5, 2.5, 1e-7, 1e300, -1e300, f64::MAX, f64::MIN, 5e-324];
/// As the field keeps them: these are exact in half precision.
const HALVES: &[f64] = &[0.0, 1.0, -1.0, 0.5, 2.5, 0.0999755859375, 65_504.0, -65_504.0, 1_024.0];
const MILLIS: &[i64] = &[
    0,
    1,
    -1,
    999,
    1_000,
    1_704_067_200_000,
    1_704_067_200_001,
    1_704_153_599_999,
    1_709_164_800_000,
    -62_188_387_200_000,
    253_402_300_799_999,
    99_999_999_999_999,
    // in summer time in New York, in the year 10069
    255_600_014_400_000,
    // around changes of clocks: Berlin forward and back, New York back, São Paulo at midnight, Lord Howe by half an hour,
    // and the day that Apia left out
    1_711_846_799_999,
    1_711_846_800_000,
    1_729_987_200_000,
    1_729_990_800_000,
    1_730_613_600_000,
    1_541_300_400_000,
    1_728_142_200_000,
    1_325_199_600_000,
    1_325_239_200_000,
];
const NANOS: &[i128] = &[
    0,
    1,
    999_999,
    1_000_000,
    1_704_067_200_000_000_000,
    1_704_067_200_123_456_789,
    1_704_067_200_123_456_790,
    i64::MAX as i128,
];
const ADDRESSES: &[&str] =
    &["10.0.0.1", "10.0.0.2", "10.255.0.1", "9.0.0.1", "255.255.255.255", "::1", "2001:db8::1", "::ffff:10.0.0.1", "fe80::"];

/// Latitude and longitude; queries stay away from them by more than the index rounds.
const POINTS: &[(f64, f64)] = &[
    (0.0, 0.0),
    (52.52, 13.405),
    (52.39, 13.06),
    (-33.87, 151.21),
    (64.15, -21.94),
    (-18.14, 178.44),
    (-13.83, -171.77),
    (0.5, 179.9),
    (0.5, -179.9),
    (89.5, 100.0),
    (89.5, -80.0),
    (90.0, 0.0),
    (-90.0, 0.0),
    (-54.8, -68.3),
    (35.68, 139.65),
];

/// A document as it is sent, and what an index should hold of it.
pub struct Written {
    pub source: Json,
    pub document: Document,
}

pub struct Corpus {
    pub documents: Vec<Written>,
}

impl Corpus {
    /// In `c` stands which corpus a document is of.
    pub fn generate(random: &mut Random, number: usize) -> Corpus {
        let count = 15 + random.below(40);
        Corpus { documents: (0..count).map(|at| Written::generate(random, format!("d{number}x{at}"), number)).collect() }
    }
}

pub fn mark(number: usize) -> String {
    format!("c{number}")
}

impl Written {
    fn generate(random: &mut Random, id: String, number: usize) -> Written {
        let mut written = Written { source: json!({ "c": mark(number) }), document: Document { id, ..Document::default() } };
        written.hold("c", Value::Text(mark(number)));
        for path in EXACT.iter().chain(TEXTS) {
            if random.once_in(4) {
                // absent in one of the ways to be absent
                match random.below(4) {
                    0 => written.put(path, json!(null)),
                    1 => written.put(path, json!([])),
                    _ => {}
                }
                continue;
            }
            if random.once_in(4) {
                let count = 1 + random.below(3);
                let mut elements = Vec::new();
                for _ in 0..count {
                    let (json, value) = one(random, path);
                    elements.push(json);
                    written.hold(path, value);
                }
                if random.once_in(5) {
                    elements.push(json!(null));
                }
                written.put(path, Json::Array(elements));
            } else {
                let (json, value) = one(random, path);
                written.hold(path, value);
                written.put(path, json);
            }
        }
        written.place(random);
        for path in VECTORS {
            if random.once_in(3) {
                continue;
            }
            let vector = vector(random, path);
            written.put(path, json!(vector));
            written.document.vectors.insert((*path).to_owned(), vector);
        }
        written.list(random, "e", &["e.a", "e.n", "e.t"]);
        written
    }

    /// The product reads the same from the source as was put into it.
    pub fn check(&self, fields: &[FieldRef]) {
        let read = Document::read(&self.document.id, self.source.as_object().unwrap(), fields);
        assert_eq!(read.as_ref(), Ok(&self.document), "{}", self.source);
    }

    /// Elements of a nested list: none, a bare one, or several, some of them empty.
    fn list(&mut self, random: &mut Random, path: &'static str, fields: &[&'static str]) {
        let elements: Vec<Written> = (0..random.below(4)).map(|_| Written::element(random, path, fields)).collect();
        let mut list: Vec<Json> = elements.iter().map(|element| element.source.clone()).collect();
        let name = path.rsplit('.').next().unwrap();
        match list.len() {
            0 => match random.below(3) {
                0 => self.source[name] = json!([]),
                1 => self.source[name] = json!(null),
                _ => {}
            },
            1 if random.once_in(2) => self.source[name] = list.remove(0),
            _ => {
                if random.once_in(5) {
                    list.insert(1, json!(null));
                }
                self.source[name] = Json::Array(list);
            }
        }
        if !elements.is_empty() {
            let elements = elements.into_iter().map(|element| element.document).collect();
            self.document.elements.insert(path.to_owned(), elements);
        }
    }

    fn element(random: &mut Random, list: &'static str, fields: &[&'static str]) -> Written {
        let mut element = Written { source: json!({}), document: Document::default() };
        for path in fields {
            let name = path.rsplit('.').next().unwrap();
            match random.below(5) {
                0 => {}
                1 => {
                    let (some, value) = one(random, path);
                    let (other, second) = one(random, path);
                    element.hold(path, value);
                    element.hold(path, second);
                    element.source[name] = json!([some, other]);
                }
                _ => {
                    let (json, value) = one(random, path);
                    element.hold(path, value);
                    element.source[name] = json;
                }
            }
        }
        if list == "e" && random.once_in(2) {
            element.list(random, "e.f", &["e.f.c", "e.f.w"]);
        }
        element
    }

    fn place(&mut self, random: &mut Random) {
        let mut forms = Vec::new();
        for _ in 0..random.below(4) {
            let (lat, lon) = *random.pick(POINTS);
            self.document.points.entry("p".to_owned()).or_default().push(GeoPoint { lat, lon });
            forms.push(match random.below(4) {
                0 => json!([lon, lat]),
                1 => json!(format!("{lat},{lon}")),
                2 => json!(format!("POINT ({lon} {lat})")),
                _ => json!({ "lat": lat, "lon": lon }),
            });
        }
        match forms.len() {
            0 if random.once_in(3) => self.put("p", json!([])),
            0 => {}
            1 if random.once_in(2) => self.put("p", forms.remove(0)),
            _ => self.put("p", Json::Array(forms)),
        }
    }

    fn put(&mut self, path: &str, json: Json) {
        match path.split_once('.') {
            Some((outer, inner)) => self.source[outer][inner] = json,
            None => self.source[path] = json,
        }
    }

    fn hold(&mut self, path: &'static str, value: Value) {
        let value = match (path, value) {
            ("short", Value::Text(text)) if text.encode_utf16().count() > 6 => return,
            ("low", Value::Text(text)) => Value::Text(lower(&text)),
            (_, value) => value,
        };
        self.document.values.entry(path.to_owned()).or_default().push(value);
    }
}

/// The words of the table, known by hand: each text here is made of them.
pub struct Known;

impl Words for Known {
    fn words(&self, _: &Analyzer, text: &str) -> Vec<String> {
        let known = |word: &str| -> Vec<String> {
            match WORDS.iter().find(|(known, _)| *known == word) {
                Some((_, tokens)) => tokens.iter().map(|token| (*token).to_owned()).collect(),
                // the beginning of a plain word
                None if word.chars().all(|c| c.is_ascii_alphabetic()) && !word.is_empty() => vec![word.to_lowercase()],
                None => Vec::new(),
            }
        };
        text.split(' ').flat_map(known).collect()
    }
}

pub fn sentence(random: &mut Random) -> String {
    let count = random.below(7);
    let words: Vec<&str> = (0..count).map(|_| random.pick(WORDS).0).collect();
    words.join(" ")
}

pub fn name(random: &mut Random) -> String {
    if random.once_in(3) { random.pick(WORDS).0.to_owned() } else { (*random.pick(NAMES)).to_owned() }
}

fn long(random: &mut Random, from: &[i64]) -> i64 {
    if random.once_in(2) { *random.pick(from) } else { i64::try_from(random.below(9)).unwrap() }
}

/// On a coarse grid, so that some are equal and no two nearly so.
pub fn vector(random: &mut Random, path: &str) -> Vec<f32> {
    loop {
        let vector: Vec<f32> = match path {
            "v" => (0..3).map(|_| *random.pick(&[-1.0, 0.0, 1.0, 2.0])).collect(),
            _ => (0..2).map(|_| *random.pick(&[-3.0, -1.0, 0.0, 1.5, 4.0])).collect(),
        };
        // nothing but zeros has no direction
        if path != "v" || vector.iter().any(|number| *number != 0.0) {
            return vector;
        }
    }
}

fn time_of(nanos: i128) -> Value {
    Value::Date(Time(nanos))
}

fn address(text: &str) -> Value {
    Value::Ip(hooke::search::value::shortest(text.parse::<IpAddr>().unwrap()))
}

/// A value of a field: as a document may hold it, and as the index should.
pub fn one(random: &mut Random, path: &str) -> (Json, Value) {
    match path {
        "t" | "u" | "e.t" => {
            let text = sentence(random);
            (json!(text), Value::Text(text))
        }
        "b" => {
            let truth = random.once_in(2);
            let json = match (truth, random.below(4)) {
                (true, 0) => json!("true"),
                (false, 0) => json!("false"),
                (false, 1) => json!(""),
                _ => json!(truth),
            };
            (json, Value::Boolean(truth))
        }
        "l" => {
            let value = long(random, LONGS);
            (if random.once_in(5) { json!(value.to_string()) } else { json!(value) }, Value::Long(value))
        }
        "i" | "o.n" | "e.n" | "e.f.w" => {
            let value = long(random, INTEGERS);
            let json = match random.below(8) {
                0 => json!(value.to_string()),
                1 if value.abs() < 1_000 && value >= 0 => json!(value as f64 + 0.75),
                _ => json!(value),
            };
            (json, Value::Long(value))
        }
        "y" => {
            let value = long(random, BYTES);
            (json!(value), Value::Long(value))
        }
        "x" => {
            let value = *random.pick(DOUBLES);
            (json!(value), Value::Double(value))
        }
        "f" => {
            // a double near it is kept as the nearest float
            let value = [0.1, 0.3, 1.0, -2.5, 16_777_217.0, 3.0e38, -0.7][random.below(7)];
            (json!(value), Value::Double(f64::from(value as f32)))
        }
        "h" => {
            let value = *random.pick(HALVES);
            (json!(value), Value::Double(value))
        }
        "d" => {
            let millis = *random.pick(MILLIS);
            let nanos = i128::from(millis) * 1_000_000;
            let json = match random.below(3) {
                0 if (0..=253_402_300_799_999).contains(&millis) => {
                    json!(hooke::search::date::rfc3339(Time(nanos + 456_789), true))
                }
                1 => json!(millis.to_string()),
                // four digits would be a year
                _ if (1_000..10_000).contains(&millis.abs()) => json!(format!("{millis}.0")),
                _ => json!(millis),
            };
            // as text it may be a year too
            let year = matches!(&json, Json::String(text) if text == "1000");
            (if year { json!("1000.0") } else { json }, time_of(nanos))
        }
        "n" => {
            let nanos = *random.pick(NANOS);
            (json!(hooke::search::date::rfc3339(Time(nanos), true)), time_of(nanos))
        }
        "ip" => {
            let text = *random.pick(ADDRESSES);
            (json!(text), address(text))
        }
        _ => {
            // few in elements, so that some are found
            let text = if path.starts_with('e') { (*random.pick(&NAMES[2..7])).to_owned() } else { name(random) };
            (json!(text), Value::Text(text))
        }
    }
}
