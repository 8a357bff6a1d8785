//! The table: a name, what is sent, what must come back.

use std::time::{Duration, Instant};

use hooke::config::Defence;
use serde_json::{Value as Json, json};
use tokio_tungstenite::tungstenite::Message;

use super::{bombs, web, wire};

/// What stops an attack: left out, the attack gets through.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum By {
    /// By its name in the settings.
    Limit(&'static str),
    Line(Defence),
    /// By how requests are read: this cannot be left out.
    Grammar,
}

pub enum Sent {
    Graphql(String, Json),
    /// Method, path, headers, body.
    Http(&'static str, String, Vec<(&'static str, String)>, Vec<u8>),
    /// As they are, but for `{host}`.
    Raw(Vec<u8>),
    /// Drips: what comes first, and the piece that follows again and again.
    Drip(String, &'static str),
    Socket(Vec<(&'static str, String)>, Vec<Message>),
}

pub struct Attack {
    pub name: &'static str,
    pub sent: Sent,
    /// One of these statuses, or close codes.
    pub statuses: &'static [u16],
    /// Stands in the answer.
    pub told: String,
    /// Must not stand in it.
    pub untold: &'static str,
    pub by: By,
    /// A server that lets it in would be busy with it for ever.
    pub deadly: bool,
    pub timed: bool,
    /// It is about the server's patience.
    pub slow: bool,
}

pub struct Verdict {
    pub refused: Result<(), String>,
    pub took: Duration,
    pub bytes: usize,
    /// For people: with its head and foot.
    pub page: bool,
}

impl Attack {
    fn new(name: &'static str, sent: Sent, statuses: &'static [u16]) -> Self {
        Attack { name, sent, statuses, told: String::new(), untold: "", by: By::Grammar, deadly: false, timed: true, slow: false }
    }

    pub(super) fn http(
        name: &'static str,
        method: &'static str,
        path: impl Into<String>,
        headers: &[(&'static str, &str)],
        body: impl Into<Vec<u8>>,
        statuses: &'static [u16],
    ) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self::new(name, Sent::Http(method, path.into(), headers, body.into()), statuses)
    }

    pub(super) fn raw(name: &'static str, bytes: impl Into<Vec<u8>>, statuses: &'static [u16]) -> Self {
        Self::new(name, Sent::Raw(bytes.into()), statuses)
    }

    pub(super) fn socket(
        name: &'static str,
        headers: &[(&'static str, &str)],
        messages: Vec<Message>,
        statuses: &'static [u16],
    ) -> Self {
        let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Attack { timed: false, ..Self::new(name, Sent::Socket(headers, messages), statuses) }
    }

    pub(super) fn drip(name: &'static str, first: impl Into<String>, piece: &'static str) -> Self {
        Attack { timed: false, slow: true, ..Self::new(name, Sent::Drip(first.into(), piece), &[]) }
    }

    pub(super) fn told(self, told: impl Into<String>) -> Self {
        Attack { told: told.into(), ..self }
    }

    pub(super) fn untold(self, untold: &'static str) -> Self {
        Attack { untold, ..self }
    }

    pub(super) fn by(self, by: By) -> Self {
        Attack { by, ..self }
    }

    pub(super) fn deadly(self) -> Self {
        Attack { deadly: true, ..self }
    }

    pub async fn run(&self, url: &str) -> Verdict {
        let host = wire::address(url);
        let (bytes, began) = match &self.sent {
            Sent::Graphql(query, variables) => {
                let body = json!({ "query": query, "variables": variables }).to_string();
                let accept = "application/graphql-response+json";
                let head = format!(
                    "POST /graphql HTTP/1.1\r\nhost: {host}\r\naccept: {accept}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
                    body.len()
                );
                ([head.into_bytes(), body.into_bytes()].concat(), Instant::now())
            }
            Sent::Http(method, path, headers, body) => {
                let mut head = format!("{method} {path} HTTP/1.1\r\n");
                if !headers.iter().any(|(name, _)| *name == "host") {
                    head += &format!("host: {host}\r\n");
                }
                for (name, value) in headers {
                    head += &format!("{name}: {}\r\n", value.replace("{host}", host));
                }
                if !body.is_empty() || *method == "POST" {
                    head += &format!("content-length: {}\r\n", body.len());
                }
                head += "connection: close\r\n\r\n";
                ([head.into_bytes(), body.clone()].concat(), Instant::now())
            }
            Sent::Raw(bytes) => {
                let text = String::from_utf8_lossy(bytes);
                let bytes = if text.contains("{host}") { text.replace("{host}", host).into_bytes() } else { bytes.clone() };
                (bytes, Instant::now())
            }
            Sent::Drip(first, piece) => {
                let began = Instant::now();
                let cut = wire::is_cut(url, first.replace("{host}", host).as_bytes(), piece.as_bytes()).await;
                let refused = if cut { Ok(()) } else { Err("the connection is kept open".to_owned()) };
                return Verdict { refused, took: began.elapsed(), bytes: 0, page: false };
            }
            Sent::Socket(headers, messages) => {
                let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.replace("{host}", host))).collect();
                let began = Instant::now();
                let (code, reason) = wire::socket(url, &headers, messages).await;
                let refused = if self.statuses.contains(&code) && reason.contains(&self.told) {
                    Ok(())
                } else {
                    Err(format!("{code} {reason}"))
                };
                return Verdict { refused, took: began.elapsed(), bytes: reason.len(), page: false };
            }
        };
        let reply = wire::exchange(url, &bytes).await;
        let took = began.elapsed();
        let all = format!("{}\r\n{}", reply.head, reply.body);
        let refused = if !self.statuses.contains(&reply.status) {
            Err(format!("status {}, not {:?}: {}", reply.status, self.statuses, shown(&reply.body)))
        } else if !all.contains(&self.told) {
            Err(format!("{:?} is not told: {}", self.told, shown(&reply.body)))
        } else if !self.untold.is_empty() && all.contains(self.untold) {
            Err(format!("{:?} is told: {}", self.untold, shown(&all)))
        } else {
            Ok(())
        };
        Verdict { refused, took, bytes: reply.body.len(), page: reply.body.starts_with("<!") }
    }
}

fn shown(text: &str) -> String {
    text.chars().take(300).collect()
}

/// An operation that a limit refuses, and says so.
fn limit(name: &'static str, limit: &'static str, query: impl Into<String>, variables: Json) -> Attack {
    // of a field of the operation it is told beside the others, which may be answered
    Attack::new(name, Sent::Graphql(query.into(), variables), &[200, 400])
        .told(format!(r#""limit":"{limit}""#))
        .by(By::Limit(limit))
}

fn invalid(name: &'static str, query: impl Into<String>, variables: Json) -> Attack {
    Attack::new(name, Sent::Graphql(query.into(), variables), &[200, 400]).told(r#""errors":[{"#).untold(r#""total":{"#)
}

const TOTAL: &str = "{ total { value } }";

fn filtered(filter: &Json) -> (String, Json) {
    ("query($f: LandmarkFilter) { landmarks(filter: $f) { total { value } } }".into(), json!({ "f": filter }))
}

fn filter_limit(name: &'static str, which: &'static str, filter: Json) -> Attack {
    let (query, variables) = filtered(&filter);
    limit(name, which, query, variables)
}

fn filter_invalid(name: &'static str, filter: Json) -> Attack {
    let (query, variables) = filtered(&filter);
    invalid(name, query, variables)
}

pub fn all() -> Vec<Attack> {
    let mut all = operations();
    all.extend(arguments());
    all.extend(web::requests());
    all.extend(web::addresses());
    all.extend(web::bodies());
    all.extend(web::sockets());
    all.extend(web::slow());
    all
}

fn operations() -> Vec<Attack> {
    let field = "landmarks { total { value } }";
    let aliases = |count: usize| (0..count).map(|n| format!("a{n}: name ")).collect::<String>();
    let deep = |depth: usize| bombs::nested("{ ofType ", "{ name }", "}", depth);
    vec![
        limit("tokens", "tokens", format!("{{ landmarks {{ {} }} }}", "total { value } ".repeat(1_300)), json!({})),
        limit("a million commas", "tokens", format!("{} {{ landmarks {TOTAL} }}", ",".repeat(1_000_000)), json!({})),
        limit("half a million comments", "tokens", format!("{} {{ landmarks {TOTAL} }}", "#\n".repeat(500_000)), json!({})),
        limit("tokens in a body that nobody could parse", "tokens", "{".repeat(1_000_000), json!({})),
        limit(
            "tokens in a list",
            "tokens",
            format!("{{ landmarks(filter: {{ slug: {{ in: [{}] }} }}) {TOTAL} }}", "\"a\" ".repeat(5_000)),
            json!({}),
        ),
        limit("a bomb of 2^5 spreads", "root_fields", bombs::spreads(5, field), json!({})),
        limit("a bomb of 2^20 spreads", "root_fields", bombs::spreads(20, field), json!({})).deadly(),
        limit("a bomb of 2^40 spreads", "root_fields", bombs::spreads(40, field), json!({})).deadly(),
        limit("a bomb of 2^60 spreads", "root_fields", bombs::spreads(60, field), json!({})).deadly(),
        limit("a bomb of 2^60 spreads of aliases", "aliases", bombs::spreads_inside(60), json!({})).deadly(),
        invalid(
            "a bomb of 2^60 inline fragments that nobody reaches",
            format!("{{ {field} }} {}", bombs::spreads(60, field).replacen("query { ...F0 }", "", 1)),
            json!({}),
        )
        .deadly(),
        limit("21 root fields", "root_fields", format!("{{ {} }}", "__typename ".repeat(21)), json!({})),
        limit(
            "root fields through a fragment",
            "root_fields",
            format!("{{ {} }} fragment f on Query {{ __typename __typename }}", "...f ".repeat(11)),
            json!({}),
        ),
        limit("31 aliases", "aliases", format!("{{ landmarks {{ nodes {{ {} }} }} }}", aliases(31)), json!({})),
        limit(
            "aliases through a fragment",
            "aliases",
            format!("{{ landmarks {{ nodes {{ {} }} }} }} fragment f on Landmark {{ {} }}", "...f ".repeat(4), aliases(8)),
            json!({}),
        ),
        limit(
            "aliases in a fragment that nobody reaches",
            "aliases",
            format!("{{ {field} }} fragment f on Landmark {{ {} }}", aliases(31)),
            json!({}),
        ),
        limit(
            "depth",
            "depth",
            format!("{{ landmarks {} }}", bombs::nested("{ groupBy(keys: [{ field: KIND }]) { nodes ", "{ count }", "} }", 8)),
            json!({}),
        ),
        limit(
            "depth through fragments",
            "depth",
            format!(
                "{{ landmarks {{ ...F0 }} }} {} fragment F8 on LandmarkConnection {{ total {{ value }} }}",
                (0..8)
                    .map(|n| format!("fragment F{n} on LandmarkConnection {{ a {{ b {{ ...F{} }} }} }} ", n + 1))
                    .collect::<String>()
            ),
            json!({}),
        ),
        limit("brackets beyond the stack", "nesting", bombs::nested("{ a ", "", "}", 1_200), json!({})).by(By::Grammar),
        limit(
            "lists beyond the stack",
            "nesting",
            format!("{{ landmarks(filter: {}) {TOTAL} }}", bombs::nested("[", "1", "]", 2_000)),
            json!({}),
        )
        .by(By::Grammar),
        limit(
            "types beyond the stack",
            "nesting",
            format!("query($a: {}) {{ __typename }}", bombs::nested("[", "Int", "]", 2_000)),
            json!({}),
        )
        .by(By::Grammar),
        invalid(
            "an introspection that walks in circles",
            "{ __schema { types { fields { type { fields { type { fields { type { fields { name } } } } } } } } } }".to_owned(),
            json!({}),
        ),
        limit(
            "an introspection of the fields of all fields",
            "introspection",
            format!("{{ __schema {{ {} }} }}", (0..28).map(|n| format!("a{n}: types {{ fields {{ type {{ fields {{ name type {{ name }} }} ofType {{ fields {{ name type {{ name }} }} }} }} }} }} ")).collect::<String>()),
            json!({}),
        )
        .by(By::Grammar),
        limit(
            "an introspection thirty times over",
            "introspection",
            format!("{{ __schema {{ {} }} }}", (0..28).map(|n| format!("a{n}: types {{ name fields {{ name args {{ name type {{ name ofType {{ name ofType {{ name }} }} }} }} type {{ name }} }} inputFields {{ name type {{ name }} }} enumValues {{ name }} }} ")).collect::<String>()),
            json!({}),
        )
        .by(By::Grammar),
        invalid(
            "an introspection of types of types",
            format!("{{ __schema {{ types {{ fields {{ type {} }} }} }} }}", deep(60)),
            json!({}),
        ),
        invalid("a fragment that spreads itself", "{ landmarks { ...f } } fragment f on LandmarkConnection { ...f }", json!({})),
        invalid(
            "fragments in a circle",
            "{ landmarks { ...a } } fragment a on LandmarkConnection { ...b } fragment b on LandmarkConnection { ...c } fragment c on LandmarkConnection { ...a }",
            json!({}),
        ),
        limit(
            "a thousand directives on one field",
            "directives",
            format!("{{ __typename {} }}", "@include(if: true) ".repeat(500)),
            json!({}),
        )
        .by(By::Line(Defence::Directives)),
        limit("unknown directives", "directives", format!("{{ __typename {} }}", "@x ".repeat(2_000)), json!({}))
            .by(By::Line(Defence::Directives)),
        invalid("a fault behind a megabyte of comments", format!("{{ landmarks #{}\n ( }}", "x".repeat(1_000_000)), json!({})),
        invalid("a fault behind a megabyte of lines", format!("{{ landmarks {} ( }}", "\n".repeat(1_000_000)), json!({})),
        invalid(
            "a fault in a text of a megabyte",
            format!("{{ landmarks(search: {{ query: \"{}\" ) }}", "é".repeat(500_000)),
            json!({}),
        ),
        invalid("a thousand faults", format!("{{ {} }}", "( ] : ".repeat(1_000)), json!({})),
        invalid(
            "a thousand faults of validation over a megabyte",
            format!("{{ {} #{}\n }}", "x1 x2 x3 ".repeat(6), "x".repeat(1_000_000)),
            json!({}),
        ),
        invalid("a name as long as a book", format!("{{ {} }}", "a".repeat(1_000_000)), json!({})),
        invalid(
            "a thousand unknown fields",
            format!("{{ {} }}", (0..19).map(|n| format!("{}{n} ", "x".repeat(5_000))).collect::<String>()),
            json!({}),
        ),
        invalid(
            "an argument given a thousand times",
            format!("{{ landmarks({}) {TOTAL} }}", "first: 1 ".repeat(1_000)),
            json!({}),
        ),
        invalid("a thousand variables of one name", format!("query({}) {{ __typename }}", "$a: Int ".repeat(1_000)), json!({})),
        invalid(
            "an input field given twice",
            format!("{{ landmarks(filter: {{ year: {{ gte: 1, gte: 3000 }} }}) {TOTAL} }}"),
            json!({}),
        )
        .by(By::Line(Defence::DuplicateInputs)),
        invalid("two operations and no name", "query A { __typename } query B { __typename }", json!({})),
        invalid("type definitions in an operation", "type Query { a: Int } { __typename }", json!({})),
        invalid(
            "a subscription of two fields",
            "subscription { a: landmarks { total { value } } b: landmarks { total { value } } }",
            json!({}),
        ),
        invalid("a subscription where one answer is wanted", "subscription { landmarks { total { value } } }", json!({})),
        invalid("a mutation that is not there", "mutation { dropEverything }", json!({})),
        invalid("a variable where no variable may be", "query($d: Boolean!) { __typename } query B { __typename }", json!({})),
        invalid("a NUL in the text", "{ __type\u{0}name }", json!({})),
    ]
}

fn arguments() -> Vec<Attack> {
    let landmarks = |arguments: &str| format!("{{ landmarks({arguments}) {TOTAL} }}");
    let deep_filter = |depth: usize| {
        let mut filter = json!({ "year": { "eq": 1 } });
        for _ in 0..depth {
            filter = json!({ "not": filter });
        }
        filter
    };
    let within = |inner: &str| format!("{{ landmarks {{ {inner} }} }}");
    let group =
        |first: u32, inner: &str| format!("groupBy(keys: [{{ field: KIND }}], first: {first}) {{ nodes {{ count {inner} }} }}");
    vec![
        limit("a page of 1,001", "first", landmarks("first: 1001"), json!({})),
        limit("a last page of 1,001", "last", landmarks("last: 1001"), json!({})),
        limit("a page of 2^31 - 1", "first", landmarks("first: 2147483647"), json!({})),
        invalid("a page of 2^63", landmarks("first: 9223372036854775808"), json!({})),
        invalid("a page of -1", landmarks("first: -1"), json!({})),
        limit("an offset beyond the window", "offset+first", landmarks("first: 10, offset: 9991"), json!({})),
        invalid("a negative offset", landmarks("offset: -1"), json!({})),
        limit("a facet of 1,001 values", "first", within("facets { kind(first: 1001) { values { value } } }"), json!({})),
        limit("groups inside groups", "cost", within(&group(1_000, &group(1_000, ""))), json!({})),
        limit("groups inside groups inside groups", "cost", within(&group(400, &group(400, &group(400, "")))), json!({})),
        limit("too many groups", "first", within(&group(10_001, "")), json!({})).by(By::Limit("groups")),
        limit("documents of groups", "first", within(&group(10, "topHits(first: 101) { name }")), json!({}))
            .by(By::Limit("top_hits")),
        limit("documents of many groups", "cost", within(&group(500, "topHits(first: 100) { name }")), json!({})),
        limit(
            "pages of many root fields",
            "cost",
            format!(
                "{{ {} }}",
                (0..12).map(|n| format!("a{n}: landmarks(first: 1000) {{ nodes {{ name }} }} ")).collect::<String>()
            ),
            json!({}),
        ),
        limit(
            "groups six deep",
            "depth",
            within(&group(1, &group(1, &group(1, &group(1, &group(1, &group(1, &group(1, "")))))))),
            json!({}),
        )
        .by(By::Grammar),
        limit(
            "a thousand percentiles",
            "percentiles",
            within("aggregate { year { percentiles(at: $at) { value } } }").replacen('{', "query($at: [Float!]!) {", 1),
            json!({ "at": vec![1; 1_000] }),
        )
        .by(By::Grammar),
        invalid("an interval of nothing", within("facets { length(interval: { size: 0 }) { buckets { count } } }"), json!({})),
        limit(
            "1,001 ranges",
            "first",
            "query($r: [FloatRangeInput!]) { landmarks { facets { length(ranges: $r) { buckets { count } } } } }",
            json!({ "r": vec![json!({ "from": 1 }); 1_001] }),
        ),
        filter_limit("a filter nine deep", "filter_depth", deep_filter(9)),
        filter_limit("a filter sixty deep", "filter_depth", deep_filter(60)),
        filter_limit(
            "a filter of 1,025 conditions",
            "filter_clauses",
            json!({ "or": vec![json!({ "year": { "eq": 1 } }); 1_025] }),
        ),
        filter_limit(
            "conditions multiplied by and and or",
            "filter_clauses",
            json!({ "and": vec![json!({ "or": vec![json!({ "year": { "eq": 1 } }); 60] }); 60] }),
        ),
        filter_limit("10,001 values of one list", "in_values", json!({ "slug": { "in": vec!["a"; 10_001] } })),
        filter_limit("10,001 numbers of one list", "in_values", json!({ "year": { "nin": vec![1; 10_001] } })),
        filter_limit("a wildcard of 257 characters", "pattern_length", json!({ "slug": { "wildcard": "a".repeat(257) } })),
        filter_limit("a prefix as long as a book", "pattern_length", json!({ "slug": { "prefix": "a".repeat(1_000_000) } })),
        filter_limit(
            "a regular expression of 257 characters",
            "pattern_length",
            json!({ "slug": { "regexp": "a?".repeat(129) } }),
        ),
        filter_invalid("a leading star", json!({ "slug": { "wildcard": "*x" } })),
        filter_invalid("a leading question mark", json!({ "slug": { "wildcard": "?x" } })),
        filter_invalid("a leading dot star", json!({ "slug": { "regexp": ".*x" } })),
        filter_invalid("counts inside counts", json!({ "slug": { "regexp": "a((b{1000}){1000}){1000}" } })),
        filter_invalid("stars inside stars", json!({ "slug": { "regexp": format!("a{}", bombs::nested("(", "b*", ")*", 60)) } })),
        filter_invalid("brackets that never close", json!({ "slug": { "regexp": "(".repeat(256) } })),
        filter_invalid("a script for a value", json!({ "slug": { "eq": { "script": "1" } } })),
        filter_invalid("a field that is not there", json!({ "_source": { "exists": true } })),
        filter_invalid("a field of Elasticsearch's own", json!({ "_id": { "eq": "1" } })),
        filter_invalid("null for a filter", json!(null)),
        filter_invalid("an empty condition", json!({ "and": [{}] })),
        filter_invalid("a date of a million days", json!({ "opened": { "gte": format!("now{}", "+1d".repeat(100_000)) } })),
        filter_invalid("a date beyond all calendars", json!({ "opened": { "gte": "999999999999-01-01" } })),
        filter_invalid(
            "a time zone that is a path",
            json!({ "opened": { "gte": "2020-01-01", "timeZone": "../../etc/passwd" } }),
        ),
        filter_invalid(
            "a polygon of two points",
            json!({ "location": { "withinPolygon": { "points": [{ "lat": 0, "lon": 0 }, { "lat": 1, "lon": 1 }] } } }),
        ),
        filter_invalid(
            "a point beyond the poles",
            json!({ "location": { "near": { "point": { "lat": 1e300, "lon": 0 }, "distance": "1km" } } }),
        ),
        invalid(
            "a search for a hundred thousand words",
            "query($q: String!) { landmarks(search: { query: $q }) { total { value } } }",
            json!({ "q": (0..100_000).map(|n| format!("w{n} ")).collect::<String>() }),
        ),
        invalid(
            "a search for one word of a megabyte",
            "query($q: String!) { landmarks(search: { query: $q }) { total { value } } }",
            json!({ "q": "a".repeat(900_000) }),
        ),
        invalid(
            "a search for a hundred thousand symbols",
            "query($q: String!) { landmarks(search: { query: $q }) { total { value } } }",
            json!({ "q": "\u{2600}".repeat(100_000) }),
        ),
        invalid(
            "a search fuzzy for thousands of words",
            "query($q: String!) { landmarks(search: { query: $q, fuzziness: AUTO }) { total { value } } }",
            json!({ "q": (0..5_000).map(|n| format!("word{n} ")).collect::<String>() }),
        ),
        invalid(
            "a boost of infinity",
            landmarks("search: { query: \"a\", fields: [{ field: NAME, boost: 1e308 }, { field: NAME, boost: -1 }] }"),
            json!({}),
        ),
        limit(
            "a bulk of 1,001 operations",
            "operations",
            "mutation($o: [LandmarkOperation!]!) { bulkLandmarks(operations: $o) { errors { code } } }",
            json!({ "o": vec![json!({ "delete": { "id": "x" } }); 1_001] }),
        ),
        limit(
            "1,001 global ids",
            "nodeIds",
            "query($i: [ID!]!) { nodes(nodeIds: $i) { nodeId } }",
            json!({ "i": vec!["a"; 1_001] }),
        )
        .by(By::Limit("first")),
        invalid(
            "a forged cursor",
            landmarks("after: \"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""),
            json!({}),
        )
        .told("BAD_CURSOR"),
        invalid(
            "a cursor as long as a book",
            "query($a: String) { landmarks(after: $a) { total { value } } }",
            json!({ "a": "A".repeat(500_000) }),
        )
        .told("BAD_CURSOR"),
        invalid("a forged global id", "{ node(nodeId: \"Li9ob29rZS1qb2JzL18xLw\") { nodeId } }", json!({})),
        invalid("an id longer than any", "query($i: ID!) { landmark(id: $i) { name } }", json!({ "i": "a".repeat(513) })),
        invalid(
            "a variable of another type",
            "query($f: Int) { landmarks(first: $f) { total { value } } }",
            json!({ "f": { "a": 1 } }),
        ),
        invalid(
            "a variable left out inside a filter",
            "query($y: Int) { landmarks(filter: { year: { eq: $y } }) { total { value } } }",
            json!({}),
        ),
    ]
}
