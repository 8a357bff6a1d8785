//! Searches over a small index in memory.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::json;
use tantivy::{Index, IndexWriter, Searcher};

use super::super::pattern::Pattern;
use super::super::value::{Cidr, Value};
use super::super::*;
use super::documents::Documents;
use super::layout::Layout;
use super::searching::{View, run};
use super::{indexing, projection};

struct World {
    collection: Arc<Collection>,
    layout: Arc<Layout>,
    searcher: Searcher,
    kept: Kept,
}

struct Kept(HashMap<u64, (DocumentId, Source)>);

impl Documents for Kept {
    fn document(&self, seq_no: u64, fields: Option<&[Arc<str>]>) -> Result<Document> {
        let (id, source) = self.0.get(&seq_no).ok_or_else(|| Error::internal("no such document"))?;
        let source = projection::project(source.clone(), fields);
        let version = Version { seq_no, primary_term: 1 };
        Ok(Document { id: id.clone(), index: "test".into(), routing: None, version, source })
    }
}

fn field(path: &str, kind: Kind) -> FieldRef {
    Arc::new(Field::new(path, kind))
}

fn exact(path: &str) -> Exact {
    Exact { path: path.into(), ignore_above: None, normalizer: None }
}

fn fields() -> Vec<FieldRef> {
    let text = Kind::Text { analyzer: Analyzer::Standard, exact: Some(exact("title.keyword")) };
    let date = DateKind { formats: Default::default(), nanos: false };
    vec![
        field("title", text),
        field("body", Kind::Text { analyzer: Analyzer::Standard, exact: None }),
        field("tag", Kind::Keyword(exact("tag"))),
        field("n", Kind::Number(Number::Long)),
        field("x", Kind::Number(Number::Double)),
        field("on", Kind::Boolean),
        field("at", Kind::Date(date)),
        field("host", Kind::Ip),
    ]
}

/// Documents 0, 1, 2, … in segments of at most `segment`.
fn world(documents: &[serde_json::Value], segment: usize) -> World {
    let collection = Collection::new(CollectionName::parse("test").unwrap(), fields());
    let layout = Layout::new(&collection).unwrap();
    let index = Index::create_in_ram(layout.schema.clone());
    let mut writer: IndexWriter = index.writer_with_num_threads(1, 20_000_000).unwrap();
    writer.set_merge_policy(Box::new(tantivy::merge_policy::NoMergePolicy));
    let mut kept = HashMap::new();
    for (seq_no, source) in documents.iter().enumerate() {
        let (seq_no, id) = (seq_no as u64, DocumentId::parse(&seq_no.to_string()).unwrap());
        let source = source.as_object().unwrap();
        indexing::check(&collection, source).unwrap();
        for entry in indexing::index_document(&layout, &collection, id.as_str(), seq_no, source).unwrap() {
            writer.add_document(entry).unwrap();
        }
        kept.insert(seq_no, (id, source.clone()));
        if (seq_no + 1).is_multiple_of(segment as u64) {
            writer.commit().unwrap();
        }
    }
    writer.commit().unwrap();
    let searcher = index.reader().unwrap().searcher();
    World { collection: Arc::new(collection), layout: Arc::new(layout), searcher, kept: Kept(kept) }
}

impl World {
    fn page(&self, query: &Query) -> Result<Page> {
        let (searcher, layout) = (self.searcher.clone(), self.layout.clone());
        run(&View { searcher, layout, documents: &self.kept, stopped: &|| false }, query)
    }

    fn field(&self, path: &str) -> FieldRef {
        self.collection.field(path).unwrap().clone()
    }

    fn query(&self) -> Query {
        Query {
            total: TotalRequest::All,
            page: PageRequest { size: 100, ..Default::default() },
            ..Query::new(self.collection.name.clone())
        }
    }

    /// Ids that a filter leaves, as one text.
    fn left(&self, filter: Filter) -> String {
        let page = self.page(&Query { filter, ..self.query() }).unwrap();
        assert_eq!(page.total.unwrap().value as usize, page.hits.len());
        ids(&page)
    }

    fn ordered(&self, order: Vec<Order>) -> String {
        ids(&self.page(&Query { order, ..self.query() }).unwrap())
    }
}

fn ids(page: &Page) -> String {
    page.hits.iter().map(|hit| hit.document.id.as_str()).collect::<Vec<_>>().join(" ")
}

fn small() -> World {
    world(
        &[
            json!({"title": "The quick brown fox", "tag": ["a", "B"], "n": 1, "x": 0.5, "on": true, "at": "2024-01-01", "host": "10.0.0.1"}),
            json!({"title": ["Lazy dogs", "brown bears"], "tag": "ab", "n": [9007199254740993_i64, -5], "x": -1, "on": "false", "host": "::1"}),
            json!({"body": "", "tag": [], "n": i64::MAX, "at": "2024-01-02T12:00:00.5Z"}),
            json!({"title": "fox", "body": "a fox is a fox", "tag": "abc", "x": 3}),
            json!({"title": "quick fix", "n": 2, "on": true}),
        ],
        2,
    )
}

#[test]
fn filters_leave_what_they_say() {
    let world = small();
    let of = |path: &str| world.field(path);
    let range =
        |path: &str, lower: Option<(Value, bool)>, upper: Option<(Value, bool)>| Filter::Range(of(path), Range { lower, upper });
    let text = |text: &str| Value::Text(text.into());
    let pattern = |pattern| Filter::Pattern(of("tag"), pattern);
    for (filter, expected) in [
        (Filter::All, "0 1 2 3 4"),
        (Filter::Nothing, ""),
        (Filter::And(vec![]), "0 1 2 3 4"),
        (Filter::Or(vec![]), ""),
        (Filter::Not(Box::new(Filter::Exists(of("tag")))), "2 4"),
        (Filter::Exists(of("body")), "2 3"),
        (Filter::OneOf(of("tag"), vec![text("B"), text("abc"), text("zz")]), "0 3"),
        (Filter::OneOf(of("tag"), vec![]), ""),
        (Filter::OneOf(of("title"), vec![text("brown bears")]), "1"),
        (Filter::OneOf(of("n"), vec![Value::Long(9_007_199_254_740_993)]), "1"),
        (Filter::OneOf(of("n"), vec![Value::Long(9_007_199_254_740_992)]), ""),
        (Filter::OneOf(of("on"), vec![Value::Boolean(false)]), "1"),
        (range("n", Some((Value::Long(1), false)), None), "1 2 4"),
        (range("n", Some((Value::Long(-4), true)), Some((Value::Long(5), true))), "0 4"),
        (range("x", None, Some((Value::Double(0.5), false))), "1"),
        (range("tag", Some((text("B"), false)), Some((text("abc"), false))), "0 1"),
        (range("at", Some((Value::Date(date::Time::from_millis(1_704_067_200_000)), false)), None), "2"),
        (range("host", None, Some((Value::Ip("9.0.0.0".parse().unwrap()), true))), "1"),
        (Filter::Networks(of("host"), vec![Cidr::parse("10.0.0.0/8").unwrap()]), "0"),
        (pattern(Pattern::prefix("ab", false).unwrap()), "1 3"),
        (pattern(Pattern::prefix("b", true).unwrap()), "0"),
        (pattern(Pattern::wildcard("a?c*", false).unwrap()), "3"),
        (pattern(Pattern::regexp("a(b|x)?", false).unwrap()), "0 1"),
        (Filter::Words(of("title"), TextFilter::Any("QUICK bears".into())), "0 1 4"),
        (Filter::Words(of("title"), TextFilter::Phrase("brown fox".into())), "0"),
        (Filter::Words(of("title"), TextFilter::Phrase("dogs brown".into())), ""),
        (Filter::Words(of("title"), TextFilter::PhrasePrefix("quick f".into())), "4"),
        (Filter::Words(of("title"), TextFilter::PhrasePrefix("fo".into())), "0 3"),
        (Filter::Words(of("title"), TextFilter::Any("!!!".into())), ""),
        (Filter::Ids(vec![DocumentId::parse("3").unwrap(), DocumentId::parse("9").unwrap()]), "3"),
    ] {
        let shown = format!("{filter:?}");
        assert_eq!(world.left(filter), expected, "{shown}");
    }
}

#[test]
fn ticks_and_rules_narrow_hits_and_total() {
    let world = small();
    let on = Filter::OneOf(world.field("on"), vec![Value::Boolean(true)]);
    let query = Query { ticks: vec![(world.field("on"), on.clone())], rule: Filter::Exists(world.field("tag")), ..world.query() };
    let page = world.page(&query).unwrap();
    assert_eq!((ids(&page).as_str(), page.total.unwrap().value), ("0", 1));
}

#[test]
fn orders_follow_elasticsearch() {
    let world = small();
    let by = |path: &str, direction, missing| Order::Field { field: world.field(path), direction, missing };
    for (order, expected) in [
        (vec![], "0 1 2 3 4"),
        // a real Long.MAX ties with a missing one
        (vec![by("n", Direction::Asc, Missing::Last)], "1 0 4 2 3"),
        (vec![by("n", Direction::Desc, Missing::Last)], "2 1 4 0 3"),
        (vec![by("n", Direction::Desc, Missing::First)], "2 3 1 4 0"),
        (vec![by("x", Direction::Asc, Missing::First)], "2 4 1 0 3"),
        (vec![by("tag", Direction::Asc, Missing::Last)], "0 1 3 2 4"),
        (vec![by("tag", Direction::Desc, Missing::First)], "2 4 3 1 0"),
        (vec![by("on", Direction::Desc, Missing::Last), by("n", Direction::Desc, Missing::Last)], "4 0 1 2 3"),
        (vec![by("host", Direction::Asc, Missing::Last)], "1 0 2 3 4"),
    ] {
        let shown = format!("{order:?}");
        assert_eq!(world.ordered(order), expected, "{shown}");
    }
}

#[test]
fn pages_walk_both_ways() {
    let world = small();
    for (path, missing) in [("n", Missing::Last), ("tag", Missing::First), ("tag", Missing::Last), ("x", Missing::First)] {
        for direction in [Direction::Asc, Direction::Desc] {
            let order = vec![Order::Field { field: world.field(path), direction, missing }];
            let whole = world.ordered(order.clone());
            for backward in [false, true] {
                let (mut seen, mut from) = (Vec::new(), From::Start);
                loop {
                    let page = PageRequest { size: 2, backward, from: from.clone() };
                    let page = world.page(&Query { order: order.clone(), page, ..world.query() }).unwrap();
                    assert_eq!(page.total.unwrap().value, 5);
                    let ids: Vec<String> = page.hits.iter().map(|hit| hit.document.id.to_string()).collect();
                    assert_eq!(if backward { page.has_next } else { page.has_previous }, from != From::Start);
                    if backward {
                        seen.splice(0..0, ids);
                        from = From::Before(page.hits[0].key.clone());
                    } else {
                        seen.extend(ids);
                        from = From::After(page.hits[page.hits.len() - 1].key.clone());
                    }
                    if !(if backward { page.has_previous } else { page.has_next }) {
                        break;
                    }
                }
                assert_eq!(seen.join(" "), whole, "{path} {missing:?} {direction:?} backward: {backward}");
            }
        }
    }
}

#[test]
fn totals_say_how_exact_they_are() {
    let world = small();
    for (asked, expected) in [
        (TotalRequest::UpTo(4), Some((4, Relation::AtLeast))),
        (TotalRequest::UpTo(5), Some((5, Relation::Equal))),
        (TotalRequest::All, Some((5, Relation::Equal))),
        (TotalRequest::None, None),
    ] {
        let page = world.page(&Query { total: asked, ..world.query() }).unwrap();
        assert_eq!(page.total.map(|total| (total.value, total.relation)), expected);
    }
}

fn text(world: &World, query: &str, fields: &[(&str, f32)], operator: Operator, fuzziness: Fuzziness) -> Query {
    let fields = fields.iter().map(|(path, boost)| (world.field(path), *boost)).collect();
    Query { rank: Some(Rank::Text(TextMatch { query: query.into(), fields, operator, fuzziness })), ..world.query() }
}

#[test]
fn words_score() {
    let world = small();
    let scores = |query: Query| -> Vec<(String, f32)> {
        let page = world.page(&query).unwrap();
        page.hits.iter().map(|hit| (hit.document.id.to_string(), hit.score.unwrap())).collect()
    };
    // of Elasticsearch 9.2.0, for the same documents
    let found = scores(text(&world, "fox", &[("title", 1.0)], Operator::Or, Fuzziness::None));
    assert_eq!(found.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["3", "0"]);
    let exact_first = scores(text(&world, "fox", &[("title", 1.0)], Operator::Or, Fuzziness::Auto));
    assert_eq!(exact_first.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["3", "0", "4"]);
    assert!((exact_first[2].1 - 0.1).abs() < 1e-6);
    let both = scores(text(&world, "quick fox", &[("title", 1.0), ("body", 2.0)], Operator::And, Fuzziness::None));
    assert_eq!(both.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(), ["0"]);
    assert_eq!(scores(text(&world, "!!!", &[("title", 1.0)], Operator::Or, Fuzziness::None)), []);
    assert_eq!(scores(text(&world, "abc", &[("tag", 1.0)], Operator::Or, Fuzziness::None)).len(), 1);
}

#[test]
fn documents_are_held_against_the_mapping() {
    let world = small();
    for (document, path) in [
        (json!({"nope": 1}), "nope"),
        (json!({"n": [1, "x"]}), "n/1"),
        (json!({"tag": {"a": 1}}), "tag"),
        (json!({"at": ""}), "at"),
        (json!({"host": "10.0.0.1/8"}), "host"),
    ] {
        match indexing::check(&world.collection, document.as_object().unwrap()) {
            Err(Error::Invalid { path: found, .. }) => assert_eq!(found.join("/"), path),
            other => panic!("{document}: {other:?}"),
        }
    }
}

#[test]
fn highlights_mark_what_was_looked_for() {
    let world = world(
        &[
            json!({"title": ["The quick brown fox.", "Nothing", "A fix for quick dogs"], "tag": ["alpha", "beta"]}),
            json!({"title": 12}),
        ],
        5,
    );
    let title = || world.field("title");
    let words = |words| Filter::Words(title(), words);
    let tag = |tags: &[&str]| Filter::OneOf(world.field("tag"), tags.iter().map(|tag| Value::Text((*tag).into())).collect());
    let shown = |path: &str, query: Query| {
        let request = HighlightRequest { field: world.field(path), fragment_size: 100, fragments: 5 };
        let fetch = Fetch { fields: Some(vec!["tag".into()]), highlights: vec![request], ..Default::default() };
        let page = world.page(&Query { fetch, ..query }).unwrap();
        let hit = &page.hits[0];
        assert!(!hit.document.source.contains_key("title"));
        let run = |run: &Run| if run.hit { format!("<{}>", run.text) } else { run.text.clone() };
        let fragments = hit.highlights.iter().flat_map(|highlight| &highlight.fragments);
        fragments.map(|fragment| fragment.runs.iter().map(run).collect::<String>()).collect::<Vec<_>>().join(" | ")
    };
    let filter = |filter| Query { filter, ..world.query() };
    let found = text(&world, "quick fx", &[("title", 1.0)], Operator::Or, Fuzziness::One);
    // words of two letters are corrected, too, where one edit is asked for everywhere
    assert_eq!(shown("title", found), "The <quick> brown <fox>. | A <fix> for <quick> dogs");
    assert_eq!(shown("title", filter(words(TextFilter::Phrase("quick brown".into())))), "The <quick brown> fox.");
    assert_eq!(shown("title", filter(words(TextFilter::PhrasePrefix("quick d".into())))), "A fix for <quick dogs>");
    let dog_and_absent = Filter::And(vec![words(TextFilter::Any("dogs".into())), tag(&["absent"])]);
    let either = Filter::Or(vec![dog_and_absent, words(TextFilter::Any("fox".into()))]);
    assert_eq!(shown("title", filter(either)), "The quick brown <fox>.");
    assert_eq!(shown("tag", filter(tag(&["beta", "gamma"]))), "<beta>");
    assert_eq!(shown("tag", filter(Filter::Exists(world.field("tag")))), "");
    assert_eq!(shown("title", filter(Filter::Not(Box::new(words(TextFilter::Any("absent".into())))))), "");
}

/// A figure, not a check: what a search of ten hits takes over a million small documents.
#[test]
#[ignore = "takes minutes; a figure, not a check of every day"]
fn a_million_documents_are_searched() {
    let mut state = 42_u64;
    let mut next = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let documents: Vec<_> = (0..1_000_000_u64)
        .map(|i| {
            // a few words stand in most texts, most in few
            let words: Vec<String> = (0..6)
                .map(|_| {
                    let most = next(20_000) + 1;
                    format!("w{}", next(most))
                })
                .collect();
            json!({"title": words.join(" "), "tag": format!("t{}", next(1_000)), "n": next(1_000_000), "x": i as f64 / 7.0, "on": next(2) == 0,
                   "at": 1_600_000_000_000_u64 + next(100_000_000_000)})
        })
        .collect();
    let world = world(&documents, 150_000);
    let of = |path: &str| world.field(path);
    let ten = || Query { page: PageRequest::default(), total: TotalRequest::UpTo(10_000), ..world.query() };
    let by = |path: &str| vec![Order::Field { field: of(path), direction: Direction::Desc, missing: Missing::Last }];
    let words = |query: &str, operator, fuzziness| Query {
        total: TotalRequest::UpTo(10_000),
        ..Query { page: PageRequest::default(), ..text(&world, query, &[("title", 1.0)], operator, fuzziness) }
    };
    let range =
        Filter::Range(of("n"), Range { lower: Some((Value::Long(1_000), true)), upper: Some((Value::Long(500_000), false)) });
    let tag = Filter::OneOf(of("tag"), vec![Value::Text("t7".into())]);
    let queries = [
        ("everything", ten()),
        ("a common word", words("w1", Operator::Or, Fuzziness::None)),
        ("a rare word", words("w19999", Operator::Or, Fuzziness::None)),
        ("three words", words("w1 w2 w300", Operator::Or, Fuzziness::None)),
        ("two words, both", words("w1 w2", Operator::And, Fuzziness::None)),
        ("a word by its edits", words("w12345", Operator::Or, Fuzziness::Auto)),
        ("a word within a tag", Query { filter: tag.clone(), ..words("w1", Operator::Or, Fuzziness::None) }),
        ("a tag", Query { filter: tag.clone(), ..ten() }),
        ("a tag by number", Query { filter: tag.clone(), order: by("n"), ..ten() }),
        ("a range", Query { filter: range.clone(), ..ten() }),
        ("a range by number", Query { filter: range, order: by("x"), ..ten() }),
        ("everything by number", Query { order: by("n"), ..ten() }),
        ("everything by keyword", Query { order: by("tag"), ..ten() }),
        ("a pattern", Query { filter: Filter::Pattern(of("tag"), Pattern::regexp("t1[0-9]5", false).unwrap()), ..ten() }),
        ("a phrase", Query { filter: Filter::Words(of("title"), TextFilter::Phrase("w1 w2".into())), ..ten() }),
    ];
    for (name, query) in queries {
        let mut times = Vec::new();
        let mut found = 0;
        for _ in 0..9 {
            let begun = std::time::Instant::now();
            let page = world.page(&query).unwrap();
            times.push(begun.elapsed());
            found = page.total.map_or(0, |total| total.value);
        }
        let first = times[0];
        times.sort_unstable();
        println!("{name}: {:?} (first {first:?}), {found} found", times[4]);
    }
}
