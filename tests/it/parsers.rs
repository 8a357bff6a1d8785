//! Random input to everything that reads what strangers write: no panic, no long thought, and what was read means what was written.
//!
//! Each target is fed with mutated examples: in CI some thousands, by `scripts/fuzz SECONDS` for as long as one likes
//! (`HOOKE_FUZZ_SECONDS`). `HOOKE_FUZZ_SEED` repeats a run.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hooke::catalog::{Catalog, ask, cursor::Signer};
use hooke::config::{Config, Limits, Network, Rate, Sources};
use hooke::graphql::Checker;
use hooke::jobs::reading;
use hooke::search::date::{DateFormats, DateMath, Time, Zone};
use hooke::search::pattern::Pattern;
use hooke::search::{Collection, CollectionName, DocumentId, Origin, mapping};
use serde_json::Value as Json;

const CASES: usize = 3_000;
/// For one input of 4 kB at most, without optimisation, on a machine that does other things too.
const SWIFT: Duration = Duration::from_secs(2);

/// Small, fast, and the same for the same seed.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, most: usize) -> usize {
        usize::try_from(self.next() % most.max(1) as u64).unwrap()
    }

    /// An example with some of it taken out, doubled, swapped, or replaced by what parsers stumble over.
    fn mutate(&mut self, examples: &[&str]) -> String {
        const ODD: [&str; 34] = [
            "{",
            "}",
            "[",
            "]",
            "(",
            ")",
            "\"",
            "\\",
            "*",
            "?",
            ".",
            "..",
            "/",
            ":",
            ",",
            "-",
            "+",
            "|",
            "&",
            "#",
            "\0",
            "\n",
            "\u{feff}",
            "\u{202e}",
            "ß",
            "İ",
            "😀",
            "999999999999999999999",
            "-0",
            "1e999",
            "null",
            "%2e",
            "||",
            "\u{fffd}",
        ];
        let mut text: Vec<char> = examples[self.below(examples.len())].chars().collect();
        for _ in 0..=self.below(6) {
            let (from, to) = (self.below(text.len() + 1), self.below(text.len() + 1));
            let (from, to) = (from.min(to), from.max(to));
            match self.below(6) {
                0 => drop(text.drain(from..to)),
                1 => {
                    let part: Vec<char> = text[from..to].to_vec();
                    for _ in 0..=self.below(3) {
                        text.splice(from..from, part.iter().copied());
                    }
                }
                2 | 3 => {
                    let odd = ODD[self.below(ODD.len())];
                    let odd = odd.repeat(1 + self.below(3));
                    text.splice(from..from, odd.chars());
                }
                4 => {
                    let other: Vec<char> = examples[self.below(examples.len())].chars().collect();
                    let cut = self.below(other.len() + 1);
                    text.truncate(from);
                    text.extend(&other[cut..]);
                }
                _ => {
                    if let Some(letter) = text.get_mut(from) {
                        *letter = char::from_u32(self.below(0x2_0000) as u32).unwrap_or('x');
                    }
                }
            }
            text.truncate(4_096);
        }
        text.into_iter().collect()
    }
}

fn feed(name: &str, examples: &[&str], mut target: impl FnMut(&str)) {
    let seconds = std::env::var("HOOKE_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse::<u64>().ok());
    let seed = std::env::var("HOOKE_FUZZ_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed: u64 = seed.unwrap_or_else(|| {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        since.as_nanos() as u64 | 1
    });
    println!("{name}: HOOKE_FUZZ_SEED={seed}");
    let (mut random, began, mut cases) = (Random(seed), Instant::now(), 0);
    for example in examples {
        target(example);
    }
    while seconds.map_or(cases < CASES, |seconds| began.elapsed() < Duration::from_secs(seconds)) {
        let text = random.mutate(examples);
        let from = Instant::now();
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| target(&text)));
        assert!(outcome.is_ok(), "{name} panics on {text:?} (seed {seed})");
        assert!(from.elapsed() < SWIFT, "{name} thinks for {:?} about {text:?} (seed {seed})", from.elapsed());
        cases += 1;
    }
    println!("{name}: {cases} cases");
}

fn collection(name: &str, body: &Json) -> Option<Arc<Collection>> {
    let fields = mapping::parse(body).ok()?;
    Some(Arc::new(Collection { name: CollectionName::parse(name).ok()?, origin: Origin::Index, fields, remarks: Vec::new() }))
}

fn landmarks() -> Catalog {
    let body: Json = serde_json::from_str(include_str!("../../sample/mapping.json")).unwrap();
    Catalog::of(&[collection("landmarks", &body).unwrap()], &Config::default())
}

#[test]
fn names_of_collections() {
    feed(
        "names",
        &["packages", "logs-2026.11.21", ".hooke-jobs", "a*", "_all", "a,b", "<logs-{now/d}>", "..", "a/b", "A", "other:x"],
        |text| {
            let Ok(name) = CollectionName::parse(text) else { return };
            assert_eq!(name.as_str(), text);
            assert!(!text.starts_with(['.', '_', '-', '+']) && text.len() <= 255);
            assert!(!text.contains(['*', '?', ',', '/', '\\', ':', '<', '>', '|', '"', ' ', '#', '\0']), "{text:?}");
            assert_eq!(text, text.to_lowercase());
        },
    );
}

#[test]
fn ids_of_documents() {
    feed("ids", &["1", "a b", "ä/ö?#", "%2e%2e", "_id"], |text| {
        if let Ok(id) = DocumentId::parse(text) {
            assert!(id.as_str() == text && !text.is_empty() && text.len() <= 512);
        }
    });
}

#[test]
fn cursors() {
    let signer = Signer::new(b"a secret of sixteen");
    let key = hooke::search::Key(vec![Json::from(1), Json::from("a"), Json::Null]);
    let real = signer.write("here", &key);
    assert_eq!(signer.read("here", &real), Some(key));
    assert_eq!(signer.read("there", &real), None);
    feed("cursors", &[&real, "", "AAAA", "=="], |text| {
        // whatever else can be read was never written
        assert!(signer.read("here", text).is_none() || text == real, "{text}");
    });
}

#[test]
fn operations() {
    let config = Config::default();
    let sdl = hooke::graphql::sdl(&landmarks(), &config).unwrap();
    let checker = Checker::new(&sdl).unwrap();
    let limits = Limits { tokens: 500, ..Limits::default() };
    let examples = [
        "query Q($a: Int = 3, $f: LandmarkFilter) { landmarks(first: $a, filter: $f) { total { value } nodes { ...f } } } fragment f on Landmark { name @include(if: true) }",
        "{ a: landmarks(filter: { or: [{ year: { gte: 1900, lt: 2000 } }, { name: { match: \"b\" } }] }) { facets { kind { values { value count } } } } }",
        "subscription { landmarks { total { value } } }",
        "mutation { deleteLandmark(id: \"x\") { errors { code } } }",
        "{ __schema { types { name fields { name } } } }",
        "{ landmarks { groupBy(keys: [{ field: KIND }]) { nodes { key { kind } count } } } } # \"\"\" \\u{1F600}",
    ];
    feed("operations", &examples, |text| {
        if let Err(told) = checker.check(text, &limits) {
            assert!(!told.is_empty() && told.len() < 16_000, "{} bytes", told.len());
        }
    });
}

#[test]
fn filters() {
    let (catalog, limits) = (landmarks(), Limits::default());
    let exposed = &catalog.collections[0];
    let examples = [
        r#"{"kind":{"eq":"bridge"},"or":[{"year":{"gte":1900,"lt":2000}},{"not":{"tags":{"in":["a","b"]}}}]}"#,
        r#"{"name":{"matchPhrase":"a b"},"opened":{"gte":"now-1y/d","timeZone":"Europe/Berlin"}}"#,
        r#"{"slug":{"regexp":"a(b|c)*[d-f]{1,3}","ignoreCase":true}}"#,
        r#"{"slug":{"wildcard":"a*b?"}}"#,
        r#"{"location":{"near":{"point":{"lat":1,"lon":2},"distance":"1km"}},"place":{"country":{"exists":true}}}"#,
        r#"{"capacity":{"eq":"9007199254740993"},"length":{"nin":[1.5,2]}}"#,
    ];
    feed("filters", &examples, |text| {
        let Ok(json) = serde_json::from_str::<Json>(text) else { return };
        let frame = ask::Frame { limits: &limits, now: Time::now() };
        if let Err(fault) = ask::filter(frame, exposed, &json) {
            assert!(fault.message.len() < 1_000, "{}", fault.message);
        }
    });
}

#[test]
fn patterns() {
    feed("patterns", &["a*b?", "a(b|c)*[d-f]{1,3}", "\\*", "x[^a-c]+y?", "((((a))))", "a{2}{3}"], |text| {
        for pattern in
            [Pattern::wildcard(text, true), Pattern::regexp(text, false), Pattern::prefix(text, true)].into_iter().flatten()
        {
            let _ = pattern.matches("abcdef");
            assert!(pattern.machine().matches("abcdef") == pattern.matches("abcdef"));
        }
    });
}

#[test]
fn settings() {
    let whole = hooke::config::sample();
    let examples = [
        whole.as_str(),
        "listen = '127.0.0.1:0'\n[limits]\ntokens = 10\n[stage.a]\nwrites = 'off'",
        "[catalog.collections.a]\nhide = ['b']\nlists = { c = true }",
        "[upstreams.facts]\nurl = 'http://a/{n}'\nlimit = '5/10s'",
    ];
    feed("settings", &examples, |text| {
        if let Err(faults) = Sources::default().parse(text) {
            assert!(!faults.0.is_empty());
        }
    });
    feed("rates", &["100/1m", "5 per second", "1/10s"], |text| {
        if let Ok(rate) = text.parse::<Rate>() {
            assert!(rate.calls > 0 && !rate.period.is_zero());
        }
    });
    feed("networks", &["10.0.0.0/8", "::1", "2001:db8::/32"], |text| drop(text.parse::<Network>()));
}

#[test]
fn mappings_become_schemas() {
    let config = Config::default();
    let examples = [
        r#"{"properties":{"a":{"type":"keyword"},"b":{"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":256}}},"_c":{"type":"long"}}}"#,
        r#"{"_meta":{"hooke":{"lists":{"a":true}}},"properties":{"a":{"type":"nested","properties":{"and":{"type":"date","format":"epoch_millis||yyyy"},"or":{"type":"ip"}}}}}"#,
        r#"{"properties":{"a-b":{"type":"dense_vector","dims":3},"a_b":{"type":"geo_point"},"9":{"type":"flattened"},"x":{"type":"alias","path":"a-b"}}}"#,
        r#"{"properties":{"o":{"properties":{"nodeId":{"type":"float"},"count":{"type":"boolean"}}}},"dynamic":false}"#,
    ];
    let mut schemas = 0;
    feed("mappings", &examples, |text| {
        let Ok(json) = serde_json::from_str::<Json>(text) else { return };
        let Some(collection) = collection("things", &json) else { return };
        let catalog = Catalog::of(&[collection], &config);
        // a schema takes a while to build: some of them
        schemas += 1;
        if schemas % 20 == 1 {
            let sdl = hooke::graphql::sdl(&catalog, &config).unwrap_or_else(|fault| panic!("{fault:#} of {text}"));
            Checker::new(&sdl).unwrap_or_else(|fault| panic!("{fault:#} of {text}"));
        }
    });
}

#[test]
fn lines_of_files() {
    let examples =
        ["{\"a\":1}\n{\"a\":[1,2]}\n\n", "[{\"a\":1},{\"b\":null}]", "a,b\n1,\"x\"\"y\"\n2,\"z\nz\"\n", "\u{feff}{}\r\n"];
    feed("files", &examples, |text| {
        for format in [reading::Format::Ndjson, reading::Format::Json, reading::Format::Csv] {
            let mut rows = 0_u64;
            let read = reading::read(text.as_bytes(), format, |_| {
                rows += 1;
                rows < 10_000
            });
            // a line that holds a byte order mark and nothing else counts as one, and is none
            let marked = text.contains('\u{feff}');
            if let (Ok(()), Some(counted), false) = (read, reading::count(text.as_bytes(), format), marked || rows >= 10_000) {
                assert_eq!(counted, rows, "{format:?} {text:?}");
            }
        }
    });
}

#[test]
fn dates() {
    let now = Time::now();
    feed(
        "dates",
        &["now-1y/d", "2026-11-21T10:00:00.123Z||+1M/w", "2026-02-30", "now+1h-1m", "1234567890123", "-2026"],
        |text| {
            if let Ok(math) = DateMath::parse(text)
                && let Ok((first, last)) = math.span(now, &Zone::UTC, false)
            {
                assert!(first <= last, "{text}");
            }
        },
    );
    feed("zones", &["Europe/Berlin", "+01:00", "UTC", "Z", "../../etc/passwd"], |text| drop(Zone::parse(text)));
    feed("formats", &["strict_date_optional_time||epoch_millis", "yyyy-MM-dd HH:mm:ss", "yyyy/MM/dd||x"], |text| {
        drop(DateFormats::parse(text))
    });
}
