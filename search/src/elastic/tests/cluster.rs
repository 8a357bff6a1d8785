//! Against a real cluster: set `HOOKE_TEST_ELASTICSEARCH` to its address, or these tests do nothing.
//! What both engines must do alike is tested in one place for both; here stands what is Elasticsearch's own.

use std::time::Duration;

use serde_json::{Value as Json, json};

use crate::elastic::*;
use crate::{
    Action, DocumentId, From, Fuzziness, HighlightRequest, Moment, Operator, Order, Precondition, Rank, Source, TextMatch,
    TotalRequest, Version, mapping,
};

struct Bench {
    engine: Elastic,
    made: std::sync::Mutex<Vec<String>>,
    url: String,
}

fn call() -> Call {
    Call::within(Duration::from_secs(20))
}

/// `None`: no cluster is given.
fn bench() -> Option<Bench> {
    let url = std::env::var("HOOKE_TEST_ELASTICSEARCH").ok()?;
    let config = ElasticConfig { urls: vec![url.clone()], ..ElasticConfig::default() };
    let engine = Elastic::new(&config, &Selection::default()).unwrap();
    Some(Bench { engine, made: std::sync::Mutex::default(), url })
}

impl Bench {
    fn name(&self, purpose: &str) -> CollectionName {
        let name = format!("elastic-{purpose}-{}", uuid::Uuid::now_v7().simple());
        self.made.lock().unwrap().push(name.clone());
        CollectionName::parse(&name).unwrap()
    }

    async fn raw(&self, method: elasticsearch::http::Method, path: &str, body: Json) -> Json {
        let request = Request::new(method, path).json(&body);
        let answer = self.engine.client.send(&call(), request).await.unwrap();
        serde_json::from_slice(&answer.body).unwrap()
    }

    async fn make(&self, purpose: &str, properties: Json) -> Collection {
        let name = self.name(purpose);
        let fields = mapping::parse(&json!({"properties": properties})).unwrap();
        let collection = Collection::new(name, fields);
        self.engine.create(&call(), &collection).await.unwrap();
        collection
    }

    async fn fill(&self, on: &Collection, documents: &[(&str, Json)]) {
        let batch = documents.iter().map(|(id, source)| index(on, id, source.clone(), Precondition::None)).collect();
        for outcome in self.engine.write(&call(), batch, Refresh::Now).await.unwrap() {
            outcome.unwrap();
        }
    }

    async fn one(&self, query: Query) -> Result<Page> {
        self.engine.search(&call(), &[query]).await.unwrap().remove(0)
    }

    async fn ids(&self, query: Query) -> Vec<String> {
        ids(&self.one(query).await.unwrap())
    }
}

/// Takes away what was made, also after a test that failed: so without waiting for a runtime that may be going down.
impl Drop for Bench {
    fn drop(&mut self) {
        use std::io::{Read, Write};
        let Ok(names) = self.made.lock() else { return };
        let address = self.url.trim_start_matches("http://").trim_end_matches('/');
        for name in names.iter() {
            if let Ok(mut stream) = std::net::TcpStream::connect(address) {
                let head = format!("DELETE /{name} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
                let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.read_to_end(&mut Vec::new()));
            }
        }
    }
}

fn ids(page: &Page) -> Vec<String> {
    page.hits.iter().map(|hit| hit.document.id.to_string()).collect()
}

fn source(json: Json) -> Source {
    json.as_object().unwrap().clone()
}

fn id(text: &str) -> DocumentId {
    DocumentId::parse(text).unwrap()
}

fn write(on: &Collection, action: Action) -> Write {
    Write { on: on.name.clone(), rule: Filter::All, action }
}

fn index(on: &Collection, name: &str, json: Json, precondition: Precondition) -> Write {
    write(on, Action::Index { id: Some(id(name)), source: source(json), precondition })
}

fn field(on: &Collection, path: &str) -> FieldRef {
    on.field(path).unwrap().clone()
}

#[tokio::test]
async fn words_score_as_documented() {
    let Some(bench) = bench() else { return };
    let on = bench.make("words", json!({"t": {"type": "text"}, "k": {"type": "keyword"}})).await;
    bench
        .fill(
            &on,
            &[
                ("exact", json!({"t": "quick brown fox"})),
                ("edited", json!({"t": "quick brwn fox"})),
                ("half", json!({"t": "quick"})),
                ("key", json!({"k": "quick"})),
            ],
        )
        .await;
    let search = |text: &str, fuzziness, operator| {
        let mut query = Query::new(on.name.clone());
        let fields = vec![(field(&on, "t"), 2.0), (field(&on, "k"), 1.0)];
        query.rank = Some(Rank::Text(TextMatch { query: text.into(), fields, operator, fuzziness }));
        query
    };
    let page = bench.one(search("quick brown", Fuzziness::Auto, Operator::And)).await.unwrap();
    assert_eq!(ids(&page), ["exact", "edited"]);
    let exact = bench.one(search("quick brown", Fuzziness::None, Operator::Or)).await.unwrap();
    let bm25 = exact.hits[0].score.unwrap();
    let fuzzy = page.hits[0].score.unwrap();
    // 0.1 × boost for each word, beside the BM25 of the exact ones
    assert!((fuzzy - bm25 - 0.4).abs() < 1e-4, "{fuzzy} {bm25}");
    assert_eq!(bench.ids(search("...", Fuzziness::None, Operator::Or)).await, Vec::<String>::new());
    let mut query = search("quick", Fuzziness::None, Operator::Or);
    query.fetch.highlights = vec![HighlightRequest { field: field(&on, "t"), fragment_size: 100, fragments: 3 }];
    let page = bench.one(query).await.unwrap();
    let half = page.hits.iter().find(|hit| hit.document.id.as_str() == "half").unwrap();
    assert_eq!(half.highlights[0].fragments[0].runs, [crate::Run { text: "quick".into(), hit: true }]);
}

#[tokio::test]
async fn a_walk_sees_each_document_once_forward_and_backward() {
    let Some(bench) = bench() else { return };
    // many shards and equal keys: only the tie-break tells documents apart
    let name = bench.name("walk");
    let mapping = json!({"properties": {"k": {"type": "keyword"}, "n": {"type": "long"}}});
    let body = json!({"settings": {"number_of_shards": 3, "number_of_replicas": 0}, "mappings": mapping});
    bench.raw(elasticsearch::http::Method::Put, name.as_str(), body).await;
    let on = Collection::clone(&*bench.engine.collection(&call(), &name).await.unwrap());
    let documents: Vec<(String, Json)> =
        (0..31).map(|n| (format!("d{n}"), if n % 3 == 0 { json!({}) } else { json!({"k": "x", "n": 5}) })).collect();
    let documents: Vec<(&str, Json)> = documents.iter().map(|(id, json)| (id.as_str(), json.clone())).collect();
    bench.fill(&on, &documents).await;
    for order in [vec![], vec!["k"], vec!["n", "k"]] {
        let mut query = Query::new(on.name.clone());
        query.order = order
            .iter()
            .map(|path| Order::Field { field: field(&on, path), direction: Default::default(), missing: Default::default() })
            .collect();
        query.page.size = 4;
        let mut forward = Vec::new();
        loop {
            let page = bench.one(query.clone()).await.unwrap();
            forward.extend(ids(&page));
            let Some(last) = page.hits.last().filter(|_| page.has_next) else { break };
            query.page.from = From::After(last.key.clone());
        }
        assert_eq!(forward.len(), 31);
        assert_eq!(forward.iter().collect::<std::collections::BTreeSet<_>>().len(), 31);
        query.page.backward = true;
        query.page.from = From::Start;
        let mut backward = Vec::new();
        loop {
            let page = bench.one(query.clone()).await.unwrap();
            backward.splice(0..0, ids(&page));
            let Some(first) = page.hits.first().filter(|_| page.has_previous) else { break };
            query.page.from = From::Before(first.key.clone());
        }
        assert_eq!(backward, forward, "{order:?}");
    }
}

#[tokio::test]
async fn writes_have_an_outcome_each() {
    let Some(bench) = bench() else { return };
    let on = bench.make("write", json!({"n": {"type": "integer"}, "o": {"properties": {"a": {"type": "keyword"}}}})).await;
    let batch = vec![
        index(&on, "1", json!({"n": 1}), Precondition::Absent),
        index(&on, "1", json!({"n": 2}), Precondition::Absent),
        write(
            &on,
            Action::Update { id: id("1"), patch: source(json!({"n": null, "o": {"a": "x"}})), precondition: Precondition::None },
        ),
        index(&on, "2", json!({"n": "x"}), Precondition::None),
        index(&on, "3", json!({"unknown": 1}), Precondition::None),
        write(&on, Action::Update { id: id("9"), patch: source(json!({})), precondition: Precondition::None }),
        write(&on, Action::Delete { id: id("9"), precondition: Precondition::None }),
        write(&on, Action::Index { id: None, source: source(json!({"n": 3})), precondition: Precondition::None }),
        index(&on, "1", json!({"n": 4}), Precondition::Version(Version { seq_no: 99, primary_term: 1 })),
        write(&on, Action::Delete { id: id("1"), precondition: Precondition::None }),
    ];
    let outcomes = bench.engine.write(&call(), batch, Refresh::Now).await.unwrap();
    assert!(outcomes[0].as_ref().unwrap().created);
    assert!(matches!(outcomes[1], Err(Error::Conflict(_))));
    assert_eq!(outcomes[2].as_ref().unwrap().after, Some(source(json!({"o": {"a": "x"}}))));
    assert!(matches!(&outcomes[3], Err(Error::Invalid { path, .. }) if *path == ["n"]));
    assert!(matches!(&outcomes[4], Err(Error::Invalid { path, .. }) if *path == ["unknown"]));
    assert!(matches!(outcomes[5], Err(Error::NotFound(_))));
    assert!(matches!(outcomes[6], Err(Error::NotFound(_))));
    assert!(outcomes[7].as_ref().unwrap().created);
    assert!(matches!(outcomes[8], Err(Error::Conflict(_))));
    assert!(outcomes[9].is_ok());
    let mut count = Query::new(on.name.clone());
    count.total = TotalRequest::All;
    count.page.size = 0;
    let page = bench.one(count).await.unwrap();
    assert_eq!((page.total.unwrap().value, page.hits.len(), page.has_next), (1, 0, true));
}

#[tokio::test]
async fn one_batch_is_one_trip_and_a_bad_query_fails_alone() {
    let Some(bench) = bench() else { return };
    let on = bench.make("batch", json!({"n": {"type": "integer"}})).await;
    bench.fill(&on, &[("1", json!({"n": 1}))]).await;
    let good = Query::new(on.name.clone());
    let mut bad = good.clone();
    bad.page.from = crate::From::Before(crate::Key(Vec::new()));
    let nowhere = Query::new(CollectionName::parse("elastic-nowhere").unwrap());
    let call = call();
    let before = call.trips.all().len();
    let pages = bench.engine.search(&call, &[good.clone(), bad, good.clone()]).await.unwrap();
    assert_eq!(call.trips.all().len() - before, 1);
    assert!(matches!(pages[1], Err(Error::Unsupported(_))));
    assert_eq!((ids(pages[0].as_ref().unwrap()).len(), ids(pages[2].as_ref().unwrap()).len()), (1, 1));
    let pages = bench.engine.search(&call, &[nowhere, good]).await.unwrap();
    assert!(matches!(pages[0], Err(Error::NotFound(_))));
    assert!(pages[1].is_ok());
}

#[tokio::test]
async fn the_catalog_reads_only_what_changed() {
    let Some(bench) = bench() else { return };
    let on = bench.make("cat", json!({"n": {"type": "integer"}})).await;
    let find = |list: &List| list.iter().find(|collection| collection.name == on.name).cloned();
    let first = bench.engine.collections(&call()).await.unwrap();
    let before = find(&first).unwrap();
    assert_eq!(before.fields, on.fields);
    let more = mapping::parse(&json!({"properties": {"k": {"type": "keyword"}}})).unwrap();
    bench.engine.extend(&call(), &on.name, &more).await.unwrap();
    let after = find(&bench.engine.collections(&call()).await.unwrap()).unwrap();
    assert_eq!(after.fields.len(), 2);
    let other = mapping::parse(&json!({"properties": {"n": {"type": "keyword"}}})).unwrap();
    assert!(matches!(bench.engine.extend(&call(), &on.name, &other).await, Err(Error::Invalid { .. })));
    assert!(matches!(bench.engine.create(&call(), &on).await, Err(Error::Conflict(_))));
    bench.engine.remove(&call(), &on.name).await.unwrap();
    assert!(find(&bench.engine.collections(&call()).await.unwrap()).is_none());
    assert!(matches!(bench.engine.remove(&call(), &on.name).await, Err(Error::NotFound(_))));
    assert!(bench.url.starts_with("http"));
}

#[tokio::test]
async fn through_an_alias_documents_are_found_wherever_they_lie() {
    let Some(bench) = bench() else { return };
    let one = bench.make("alias", json!({"n": {"type": "integer"}})).await;
    let two = bench.make("alias", json!({"n": {"type": "long"}})).await;
    bench.fill(&one, &[("a", json!({"n": 3})), ("both", json!({"n": 1}))]).await;
    bench.fill(&two, &[("b", json!({"n": 2})), ("both", json!({"n": 4}))]).await;
    let name = CollectionName::parse(&format!("{}-all", one.name)).unwrap();
    let actions = [&one, &two].map(|on| json!({"add": {"index": on.name.as_str(), "alias": name.as_str()}}));
    bench.raw(elasticsearch::http::Method::Post, "_aliases", json!({"actions": actions})).await;
    let all = bench.engine.collections(&call()).await.unwrap();
    let alias = all.iter().find(|collection| collection.name == name).unwrap().clone();
    assert!(all.iter().all(|collection| collection.name != one.name));
    let mut query = Query::new(name.clone());
    query.order = vec![Order::Field { field: field(&alias, "n"), direction: Default::default(), missing: Default::default() }];
    assert_eq!(bench.ids(query).await, ["both", "b", "a", "both"]);
    let get = |document: DocRef| {
        let bench = &bench;
        async move { bench.engine.get(&call(), &[document], &Fetch::default(), &Filter::All).await }
    };
    let b = get(DocRef::new(name.clone(), id("b"))).await.unwrap();
    assert_eq!(b[0].as_ref().unwrap().source, source(json!({"n": 2})));
    assert!(matches!(get(DocRef::new(name.clone(), id("both"))).await, Err(Error::Conflict(_))));
    let mut exactly = DocRef::new(name.clone(), id("both"));
    exactly.index = Some(two.name.as_str().into());
    assert_eq!(get(exactly).await.unwrap()[0].as_ref().unwrap().source, source(json!({"n": 4})));
    let patch = |name: &str| {
        let patch = source(json!({"n": 7}));
        write(&alias, Action::Update { id: id(name), patch, precondition: Precondition::None })
    };
    let mut outcomes = bench.engine.write(&call(), vec![patch("both"), patch("b")], Refresh::Now).await.unwrap();
    assert_eq!(*outcomes.remove(1).unwrap().index, *two.name.as_str());
    assert!(matches!(outcomes[0], Err(Error::Conflict(_))));
}

#[tokio::test]
async fn nobody_there_is_told_at_once() {
    let config = ElasticConfig { urls: vec!["http://127.0.0.1:1".into()], ..ElasticConfig::default() };
    let engine = Elastic::new(&config, &Selection::default()).unwrap();
    let began = std::time::Instant::now();
    assert!(matches!(engine.collections(&call()).await, Err(Error::Unavailable(_))));
    assert!(!engine.health(&call()).await.unwrap().ready);
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn patterns_find_what_they_mean() {
    use crate::pattern::Pattern;
    let Some(bench) = bench() else { return };
    let on = bench.make("pattern", json!({"k": {"type": "keyword"}})).await;
    let values = [
        "",
        "a",
        "A",
        "ab",
        "aB",
        "abc",
        "a*b",
        "a?b",
        "a\\b",
        "été",
        "ÉTÉ",
        "σίσυφος",
        "ΣΊΣΥΦΟΣ",
        "kelvin",
        "\u{212a}elvin",
        "Straße",
        "a.b",
        "a#b",
        "a@b",
        "a~b",
        "a&b",
        "a<1-3>b",
        "\"quoted\"",
        "a\nb",
        "[x]",
        "a-b",
        "a^b",
        "a/b",
        "{x}",
        "(x)",
        "x|y",
        "𝒳y",
        "2024-01-01",
        "aaa",
        "aaaa",
        "$x",
        "a b",
        "lib-c",
        "LIB-C",
    ];
    let documents: Vec<(String, Json)> =
        values.iter().enumerate().map(|(n, value)| (n.to_string(), json!({"k": value}))).collect();
    let documents: Vec<(&str, Json)> = documents.iter().map(|(id, json)| (id.as_str(), json.clone())).collect();
    bench.fill(&on, &documents).await;
    let mut patterns = Vec::new();
    for ignore_case in [false, true] {
        for text in ["a", "A", "é", "σ", "K", "", "[", "\"", "str", "lib-"] {
            patterns.extend(Pattern::prefix(text, ignore_case));
        }
        for text in ["a*", "a?b", r"a\*b", r"a\?b", r"a\\b", "k*n", "str*e", "σ*σ", "a*b*", "", "a"] {
            patterns.extend(Pattern::wildcard(text, ignore_case));
        }
        for text in [
            "a",
            "a.b",
            r"a\.b",
            "a[*?]b",
            "[a-c]+",
            "a{3}",
            "a{2,}",
            "a{3,4}",
            "(a|ab)(c|)",
            "(|a)",
            "a|b|abc",
            "",
            "[^a]b",
            "a[^b]b",
            r"\d{4}-\d\d-\d\d",
            "k[a-z]+",
            "[σΣ].*",
            "a#b",
            "a@b",
            "a~b",
            "a&b",
            "a<1-3>b",
            "\"quoted\"",
            r"\[x\]",
            "a-b",
            "a[-^]b",
            "a/b",
            r"\{x\}",
            r"\(x\)",
            r"x\|y",
            "𝒳y",
            "[𝒳]y",
            "$x",
            r"a\sb",
            r"a\^b",
            "()",
            "a()",
            "(a?)*",
            "x?(a|b)*",
        ] {
            patterns.extend(Pattern::regexp(text, ignore_case));
        }
    }
    assert!(patterns.len() > 100);
    for pattern in patterns {
        let mut query = Query::new(on.name.clone());
        query.filter = Filter::Pattern(field(&on, "k"), pattern.clone());
        query.page.size = 100;
        let page = bench.one(query).await.unwrap_or_else(|fault| panic!("{pattern:?}: {fault:?}"));
        let mut found: Vec<&str> = page.hits.iter().map(|hit| hit.document.source["k"].as_str().unwrap()).collect();
        let mut expected: Vec<&str> = values.iter().copied().filter(|value| pattern.matches(value)).collect();
        found.sort_unstable();
        expected.sort_unstable();
        assert_eq!(found, expected, "{pattern:?}");
    }
}

#[tokio::test]
async fn filters_never_become_a_bad_request() {
    use crate::date::Time;
    use crate::value::{Cidr, Value};
    use crate::{Number, Range, TextFilter};
    let Some(bench) = bench() else { return };
    let on = bench
        .make(
            "filter",
            json!({
                "byte": {"type": "byte"}, "long": {"type": "long"}, "float": {"type": "float"}, "half": {"type": "half_float"},
                "double": {"type": "double"}, "date": {"type": "date", "format": "dd/MM/yyyy"}, "nanos": {"type": "date_nanos"},
                "ip": {"type": "ip"}, "text": {"type": "text"}, "flag": {"type": "boolean"}, "k": {"type": "keyword"},
                "place": {"type": "geo_point"}, "o": {"properties": {"n": {"type": "nested", "properties": {"x": {"type": "long"}}}}},
            }),
        )
        .await;
    bench
        .fill(
            &on,
            &[
                (
                    "1",
                    json!({
                        "byte": 5, "long": 5, "float": 0.1, "half": 0.1, "double": 0.1, "date": "02/01/2024",
                        "nanos": "2024-01-02T03:04:05.123456789Z", "ip": ["10.0.0.1", "2001:db8::1"], "text": "lazy brown dog", "flag": true,
                        "k": "x", "place": {"lat": 1.0, "lon": 2.0}, "o": {"n": [{"x": 1}]},
                    }),
                ),
                ("2", json!({})),
            ],
        )
        .await;
    let extremes = [f64::MIN, -1e300, -1e10, -1.5, 0.0, 1e10, 1e300, f64::MAX, f64::INFINITY, f64::NEG_INFINITY, f64::NAN];
    let mut filters = Vec::new();
    for path in ["byte", "long", "float", "half", "double"] {
        let field = field(&on, path);
        let values = extremes.map(Value::Double).into_iter().chain([i64::MIN, -129, 0, 5, 128, i64::MAX].map(Value::Long));
        for value in values {
            filters.push(Filter::OneOf(field.clone(), vec![value.clone()]));
            for inside in [true, false] {
                let bound = Some((value.clone(), inside));
                filters.push(Filter::Range(field.clone(), Range { lower: bound.clone(), upper: None }));
                filters.push(Filter::Range(field.clone(), Range { lower: None, upper: bound }));
            }
        }
        assert!(matches!(
            field.kind,
            crate::Kind::Number(Number::Byte | Number::Long | Number::Float | Number::HalfFloat | Number::Double)
        ));
    }
    for path in ["date", "nanos"] {
        for at in [i128::MIN, -1, 0, 1, 1_700_000_000_000_000_001, i128::from(i64::MAX), i128::from(i64::MAX) + 1, i128::MAX] {
            let value = Value::Date(Time(at));
            filters.push(Filter::OneOf(field(&on, path), vec![value.clone(), value.clone()]));
            for inside in [true, false] {
                let bound = Some((value.clone(), inside));
                filters.push(Filter::Range(field(&on, path), Range { lower: bound.clone(), upper: None }));
                filters.push(Filter::Range(field(&on, path), Range { lower: None, upper: bound }));
            }
        }
    }
    for text in ["", " ", "!!!", "lazy", "lazy br", "lazy brown d", "br-", "\u{0}", "*", "\"a", "lazy\nbrown"] {
        for words in [TextFilter::Any(text.into()), TextFilter::Phrase(text.into()), TextFilter::PhrasePrefix(text.into())] {
            filters.push(Filter::Words(field(&on, "text"), words.clone()));
            filters.push(Filter::Words(field(&on, "k"), words));
        }
    }
    filters.extend(["text", "o", "o.n", "place", "flag", "k", "ip", "nanos"].map(|path| Filter::Exists(field(&on, path))));
    for network in ["0.0.0.0/0", "::/0", "10.0.0.0/8", "::ffff:10.0.0.0/104", "10.0.0.1/32", "2001:db8::/32"] {
        filters.push(Filter::Networks(field(&on, "ip"), vec![Cidr::parse(network).unwrap()]));
    }
    filters.extend([Filter::Nothing, Filter::Or(vec![]), Filter::And(vec![]), Filter::Ids(vec![])]);
    for (part, filters) in filters.chunks(100).enumerate() {
        let queries: Vec<Query> =
            filters.iter().map(|filter| Query { filter: filter.clone(), ..Query::new(on.name.clone()) }).collect();
        let pages = bench.engine.search(&call(), &queries).await.unwrap();
        for (filter, page) in filters.iter().zip(pages) {
            page.unwrap_or_else(|fault| panic!("{part} {filter:?}: {fault:?}"));
        }
    }
    let holds = |filter: Filter| {
        let query = Query { filter, ..Query::new(on.name.clone()) };
        bench.ids(query)
    };
    let one: Vec<String> = vec!["1".into()];
    let range = |path: &str, lower: Option<(Value, bool)>, upper: Option<(Value, bool)>| {
        Filter::Range(field(&on, path), Range { lower, upper })
    };
    let at = |text: &str| Value::Date(Time(text.parse::<jiff::Timestamp>().unwrap().as_nanosecond()));
    for filter in [
        range("byte", Some((Value::Long(-1_000), true)), Some((Value::Long(1_000), true))),
        range("byte", Some((Value::Double(4.5), false)), Some((Value::Double(5.5), false))),
        Filter::OneOf(field(&on, "float"), vec![Value::Double(f64::from(0.1_f32))]),
        Filter::OneOf(field(&on, "date"), vec![at("2024-01-02T00:00:00Z")]),
        range("date", Some((at("2024-01-01T23:59:59.999Z"), false)), Some((at("2024-01-02T00:00:00.0005Z"), false))),
        Filter::OneOf(field(&on, "nanos"), vec![at("2024-01-02T03:04:05.123456789Z")]),
        range("nanos", Some((at("2024-01-02T03:04:05.123456788Z"), false)), Some((at("2024-01-02T03:04:05.123456790Z"), false))),
        range("nanos", Some((Value::Date(Time(-5)), true)), None),
        Filter::Networks(field(&on, "ip"), vec![Cidr::parse("::ffff:10.0.0.0/104").unwrap()]),
        Filter::Exists(field(&on, "o.n")),
        Filter::Exists(field(&on, "o")),
        Filter::Words(field(&on, "text"), TextFilter::PhrasePrefix("lazy br".into())),
        Filter::Words(field(&on, "text"), TextFilter::PhrasePrefix("BR".into())),
        Filter::not(Filter::not(Filter::OneOf(field(&on, "flag"), vec![Value::Boolean(true)]))),
    ] {
        assert_eq!(holds(filter.clone()).await, one, "{filter:?}");
    }
    for filter in [
        range("date", Some((at("2024-01-02T00:00:00Z"), false)), None),
        range("nanos", Some((at("2024-01-02T03:04:05.123456789Z"), false)), None),
        Filter::OneOf(field(&on, "date"), vec![at("2024-01-02T00:00:00.0005Z")]),
        Filter::OneOf(field(&on, "byte"), vec![Value::Long(500)]),
        range("long", Some((Value::Double(1e300), true)), None),
    ] {
        assert_eq!(holds(filter.clone()).await, Vec::<String>::new(), "{filter:?}");
    }
}

#[tokio::test]
async fn generations_grow_with_what_a_search_would_see() {
    let Some(bench) = bench() else { return };
    let on = bench.make("generation", json!({"n": {"type": "integer"}})).await;
    bench.engine.collections(&call()).await.unwrap();
    let number = || async { bench.engine.generations(&call()).await.unwrap().unwrap()[&on.name] };
    let first = number().await;
    assert_eq!(number().await, first);
    bench.fill(&on, &[("1", json!({"n": 1}))]).await;
    let second = number().await;
    assert!(second > first);
    assert_eq!(number().await, second);
}

#[tokio::test]
async fn a_snapshot_does_not_change() {
    let Some(bench) = bench() else { return };
    let on = bench.make("snapshot", json!({"n": {"type": "integer"}})).await;
    bench.fill(&on, &[("1", json!({"n": 1})), ("2", json!({"n": 1})), ("3", json!({"n": 1}))]).await;
    let snapshot = bench.engine.open_snapshot(&call(), &on.name).await.unwrap();
    bench.fill(&on, &[("4", json!({"n": 1})), ("1", json!({"n": 5}))]).await;
    let mut query = Query::new(on.name.clone());
    query.at = Moment::Snapshot(snapshot.clone());
    query.page.size = 2;
    query.order = vec![Order::Field { field: field(&on, "n"), direction: Default::default(), missing: Default::default() }];
    let page = bench.one(query.clone()).await.unwrap();
    assert!(page.has_next);
    query.page.from = From::After(page.hits[1].key.clone());
    let rest = bench.one(query.clone()).await.unwrap();
    let mut all = [ids(&page), ids(&rest)].concat();
    all.sort();
    assert_eq!((all, rest.has_next), (vec!["1".to_owned(), "2".into(), "3".into()], false));
    // beside a live one in one batch
    let pages = bench.engine.search(&call(), &[query.clone(), Query::new(on.name.clone())]).await.unwrap();
    assert_eq!((ids(pages[0].as_ref().unwrap()).len(), ids(pages[1].as_ref().unwrap()).len()), (1, 4));
    bench.engine.close_snapshot(&call(), snapshot.clone()).await.unwrap();
    assert!(matches!(bench.one(query).await, Err(Error::SnapshotGone)));
    assert!(matches!(bench.engine.close_snapshot(&call(), snapshot).await, Err(Error::SnapshotGone)));
}

#[tokio::test]
async fn vectors_come_back_from_search_and_get_and_survive_a_patch() {
    let Some(bench) = bench() else { return };
    let on = bench.make("vector", json!({"n": {"type": "integer"}, "v": {"type": "dense_vector", "dims": 2}})).await;
    bench.fill(&on, &[("1", json!({"n": 1, "v": [1.0, 2.0]}))]).await;
    let page = bench.one(Query::new(on.name.clone())).await.unwrap();
    assert_eq!(page.hits[0].document.source["v"], json!([1.0, 2.0]));
    let patch = Action::Update { id: id("1"), patch: source(json!({"n": 2})), precondition: Precondition::None };
    bench.engine.write(&call(), vec![write(&on, patch)], Refresh::Now).await.unwrap().remove(0).unwrap();
    let got = bench.engine.get(&call(), &[DocRef::new(on.name.clone(), id("1"))], &Fetch::default(), &Filter::All).await.unwrap();
    assert_eq!(got[0].as_ref().unwrap().source, source(json!({"n": 2, "v": [1.0, 2.0]})));
}

#[tokio::test]
async fn patches_of_many_writers_are_all_merged() {
    let Some(bench) = bench() else { return };
    let on = bench.make("race", json!({"a": {"type": "integer"}, "b": {"type": "integer"}, "c": {"type": "integer"}})).await;
    bench.fill(&on, &[("1", json!({}))]).await;
    let patch = |name: &str| {
        let patch = Action::Update { id: id("1"), patch: source(json!({name: 1})), precondition: Precondition::None };
        let batch = vec![write(&on, patch)];
        let engine = &bench.engine;
        async move { engine.write(&call(), batch, Refresh::None).await.unwrap().remove(0) }
    };
    let (a, b, c) = tokio::join!(patch("a"), patch("b"), patch("c"));
    assert!(a.is_ok() && b.is_ok() && c.is_ok());
    let got = bench.engine.get(&call(), &[DocRef::new(on.name.clone(), id("1"))], &Fetch::default(), &Filter::All).await.unwrap();
    assert_eq!(got[0].as_ref().unwrap().source, source(json!({"a": 1, "b": 1, "c": 1})));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_at_once_are_all_answered() {
    let Some(bench) = bench() else { return };
    let on = bench.make("crowd", json!({"n": {"type": "integer"}})).await;
    bench.fill(&on, &[("1", json!({"n": 1}))]).await;
    let engine = Arc::new(
        Elastic::new(&ElasticConfig { urls: vec![bench.url.clone()], ..Default::default() }, &Default::default()).unwrap(),
    );
    engine.collections(&call()).await.unwrap();
    let mut all = tokio::task::JoinSet::new();
    for _ in 0..10_000 {
        let (engine, query) = (engine.clone(), Query::new(on.name.clone()));
        all.spawn(async move { engine.search(&Call::within(Duration::from_secs(100)), &[query]).await?.remove(0) });
    }
    while let Some(page) = all.join_next().await {
        assert_eq!(ids(&page.unwrap().unwrap()), ["1"]);
    }
}
