//! Full text: words, phrases, operators, fuzziness, boosts, analyzers; and text filters.

use hooke::search::{Filter, Fuzziness, Operator, Query};
use serde_json::json;

use crate::ground::{Ground, Shelf};

conformance! {
    any_word_or_all_words
    all_words_must_be_in_one_field
    boosts_weigh_fields
    fuzziness_auto_goes_by_length
    exact_words_come_before_corrected_ones
    a_transposition_is_one_edit
    scores_are_those_of_bm25
    scores_count_only_documents_that_have_the_field
    text_without_words_finds_nothing
    keywords_among_the_fields_are_one_word
    phrases_and_their_beginnings
    analyzers
    lists_of_texts_are_apart
    a_filter_does_not_score
    the_best_field_counts
    deleted_documents_are_not_found
    words_of_documents_and_of_queries_are_cut_alike
    a_long_word
    a_word_twice_in_the_query
    boosts_with_fuzziness
}

async fn library(ground: &Ground) -> Shelf<'_> {
    let shelf = ground.shelf(json!({ "title": { "type": "text" }, "body": { "type": "text" } })).await;
    shelf
        .fill([
            ("1", json!({ "title": "lazy dog", "body": "the browser sleeps" })),
            ("2", json!({ "title": "quick brown fox", "body": "jumps over the lazy dog" })),
            ("3", json!({ "title": "web server", "body": "a server that serves the web" })),
            ("4", json!({ "title": "fox", "body": "fox fox fox" })),
            ("5", json!({ "title": "unrelated" })),
        ])
        .await;
    shelf
}

const BOTH: &[(&str, f32)] = &[("title", 1.0), ("body", 1.0)];

fn sorted(names: &str) -> Vec<&str> {
    let mut names: Vec<&str> = names.split(' ').filter(|name| !name.is_empty()).collect();
    names.sort_unstable();
    names
}

async fn any_word_or_all_words(ground: &Ground) {
    let shelf = library(ground).await;
    let found = shelf.ranked(shelf.text("lazy fox", &[("title", 1.0)], Operator::Or, Fuzziness::None)).await;
    assert_eq!(sorted(&found), ["1", "2", "4"]);
    let found = shelf.ranked(shelf.text("brown fox", &[("title", 1.0)], Operator::And, Fuzziness::None)).await;
    assert_eq!(found, "2");
    assert_eq!(shelf.ranked(shelf.text("absent", BOTH, Operator::Or, Fuzziness::None)).await, "");
}

async fn all_words_must_be_in_one_field(ground: &Ground) {
    let shelf = library(ground).await;
    assert_eq!(shelf.ranked(shelf.text("lazy browser", BOTH, Operator::And, Fuzziness::None)).await, "");
    assert_eq!(shelf.ranked(shelf.text("lazy dog", BOTH, Operator::And, Fuzziness::None)).await, "1 2");
}

async fn boosts_weigh_fields(ground: &Ground) {
    let shelf = ground.shelf(json!({ "a": { "type": "text" }, "b": { "type": "text" } })).await;
    shelf.fill([("in-a", json!({ "a": "fox", "b": "dog" })), ("in-b", json!({ "a": "dog", "b": "fox" }))]).await;
    assert_eq!(shelf.ranked(shelf.text("fox", &[("a", 3.0), ("b", 1.0)], Operator::Or, Fuzziness::None)).await, "in-a in-b");
    assert_eq!(shelf.ranked(shelf.text("fox", &[("a", 1.0), ("b", 3.0)], Operator::Or, Fuzziness::None)).await, "in-b in-a");
    let scored = shelf.scored(shelf.text("fox", &[("a", 3.0), ("b", 1.0)], Operator::Or, Fuzziness::None)).await;
    assert!((scored[0].1 / scored[1].1 - 3.0).abs() < 1e-4, "{scored:?}");
}

async fn fuzziness_auto_goes_by_length(ground: &Ground) {
    let shelf = library(ground).await;
    let found = async |query: &str, operator, fuzziness| shelf.ranked(shelf.text(query, BOTH, operator, fuzziness)).await;
    // two letters are never corrected
    assert_eq!(found("wb servr", Operator::And, Fuzziness::Auto).await, "");
    assert_eq!(found("web servr", Operator::And, Fuzziness::Auto).await, "3");
    assert_eq!(found("wb", Operator::Or, Fuzziness::Auto).await, "");
    assert_eq!(found("wbe", Operator::Or, Fuzziness::Auto).await, "3");
    assert_eq!(found("browzer", Operator::Or, Fuzziness::Auto).await, "1");
    assert_eq!(found("brzzzr", Operator::Or, Fuzziness::Auto).await, "");
    assert_eq!(found("fpx", Operator::Or, Fuzziness::None).await, "");
    assert_eq!(sorted(&found("fpx", Operator::Or, Fuzziness::One).await), ["2", "4"]);
    assert_eq!(sorted(&found("fpy", Operator::Or, Fuzziness::Two).await), ["2", "4"]);
    assert_eq!(found("wb", Operator::Or, Fuzziness::One).await, "3");
}

async fn exact_words_come_before_corrected_ones(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf
        .fill([
            ("near", json!({ "t": "servers" })),
            ("exact", json!({ "t": "server and many more words behind it" })),
            ("far", json!({ "t": "sexvex" })),
        ])
        .await;
    let scored = shelf.scored(shelf.text("server", &[("t", 1.0)], Operator::Or, Fuzziness::Auto)).await;
    let names: Vec<&str> = scored.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["exact", "near", "far"]);
    assert!((scored[1].1 - 0.1).abs() < 1e-5 && (scored[2].1 - 0.1).abs() < 1e-5, "{scored:?}");
    assert!(scored[0].1 > 0.1);
}

async fn a_transposition_is_one_edit(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf
        .fill([
            ("1", json!({ "t": "form" })),
            ("2", json!({ "t": "from" })),
            ("3", json!({ "t": "fram" })),
            ("4", json!({ "t": "frmo" })),
        ])
        .await;
    let found = shelf.ranked(shelf.text("form", &[("t", 1.0)], Operator::Or, Fuzziness::One)).await;
    assert_eq!(found, "1 2");
    let found = shelf.ranked(shelf.text("form", &[("t", 1.0)], Operator::Or, Fuzziness::Two)).await;
    assert_eq!(sorted(&found), ["1", "2", "3", "4"]);
}

fn near(found: f32, wanted: f64) {
    let found = f64::from(found);
    assert!((found - wanted).abs() <= 1e-4 * wanted.abs(), "{found} is not {wanted}");
}

/// k1 1.2, b 0.75; Elasticsearch multiplies by k1 + 1, as the formula had it first.
fn bm25(found_in: f64, documents: f64, times: f64, length: f64, average: f64) -> f64 {
    let idf = (1.0 + (documents - found_in + 0.5) / (found_in + 0.5)).ln();
    2.2 * idf * times / (times + 1.2 * (1.0 - 0.75 + 0.75 * length / average))
}

async fn scores_are_those_of_bm25(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf
        .fill([
            ("1", json!({ "t": "a a b" })),
            ("2", json!({ "t": "a c c c c" })),
            ("3", json!({ "t": "b" })),
            ("4", json!({ "t": "c c c" })),
        ])
        .await;
    let average = 12.0 / 4.0;
    let scored = shelf.scored(shelf.text("a", &[("t", 1.0)], Operator::Or, Fuzziness::None)).await;
    near(scored[0].1, bm25(2.0, 4.0, 2.0, 3.0, average));
    near(scored[1].1, bm25(2.0, 4.0, 1.0, 5.0, average));
    let scored = shelf.scored(shelf.text("a b", &[("t", 2.0)], Operator::Or, Fuzziness::None)).await;
    assert_eq!(scored[0].0, "1");
    near(scored[0].1, 2.0 * (bm25(2.0, 4.0, 2.0, 3.0, average) + bm25(2.0, 4.0, 1.0, 3.0, average)));
}

async fn scores_count_only_documents_that_have_the_field(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" }, "u": { "type": "text" } })).await;
    shelf
        .fill([
            ("1", json!({ "t": "a" })),
            ("2", json!({ "t": "b b b" })),
            ("3", json!({ "u": "other words here" })),
            ("4", json!({ "u": "a" })),
            ("5", json!({ "t": "" })),
            ("6", json!({ "t": null })),
        ])
        .await;
    let scored = shelf.scored(shelf.text("a", &[("t", 1.0)], Operator::Or, Fuzziness::None)).await;
    assert_eq!(scored.len(), 1);
    near(scored[0].1, bm25(1.0, 2.0, 1.0, 1.0, 2.0));
}

async fn text_without_words_finds_nothing(ground: &Ground) {
    let shelf = library(ground).await;
    for query in ["", " ", "!!! ...", "—"] {
        for fuzziness in [Fuzziness::None, Fuzziness::Auto] {
            assert_eq!(shelf.ranked(shelf.text(query, BOTH, Operator::Or, fuzziness)).await, "", "{query:?}");
            assert_eq!(shelf.ranked(shelf.text(query, BOTH, Operator::And, fuzziness)).await, "", "{query:?}");
        }
        assert_eq!(shelf.found(shelf.any_word("title", query)).await, "");
        assert_eq!(shelf.found(shelf.phrase("title", query)).await, "");
        assert_eq!(shelf.found(shelf.phrase_prefix("title", query)).await, "");
        assert_eq!(shelf.found(Filter::not(shelf.any_word("title", query))).await, "1 2 3 4 5");
    }
}

async fn keywords_among_the_fields_are_one_word(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" }, "t": { "type": "text" } })).await;
    shelf
        .fill([
            ("whole", json!({ "k": "web server" })),
            ("part", json!({ "k": "web" })),
            ("text", json!({ "t": "my web server" })),
        ])
        .await;
    let fields = &[("k", 1.0), ("t", 1.0)];
    assert_eq!(sorted(&shelf.ranked(shelf.text("web server", fields, Operator::And, Fuzziness::None)).await), ["text", "whole"]);
    assert_eq!(sorted(&shelf.ranked(shelf.text("web", fields, Operator::Or, Fuzziness::None)).await), ["part", "text"]);
    assert_eq!(shelf.ranked(shelf.text("web servr", &[("k", 1.0)], Operator::Or, Fuzziness::Auto)).await, "whole");
}

async fn phrases_and_their_beginnings(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf
        .fill([
            ("1", json!({ "t": "the quick brown fox" })),
            ("2", json!({ "t": "brown quick" })),
            ("3", json!({ "t": "quick, brown!" })),
            ("4", json!({ "t": "quick red brown" })),
            ("5", json!({ "t": "quick browser" })),
        ])
        .await;
    assert_eq!(shelf.found(shelf.phrase("t", "quick brown")).await, "1 3");
    assert_eq!(shelf.found(shelf.phrase("t", "QUICK")).await, "1 2 3 4 5");
    assert_eq!(shelf.found(shelf.phrase_prefix("t", "quick bro")).await, "1 3 5");
    assert_eq!(shelf.found(shelf.phrase_prefix("t", "bro")).await, "1 2 3 4 5");
    assert_eq!(shelf.found(shelf.phrase_prefix("t", "quick brown fo")).await, "1");
    assert_eq!(shelf.found(shelf.any_word("t", "red fox")).await, "1 4");
    assert_eq!(shelf.found(Filter::not(shelf.phrase("t", "quick brown"))).await, "2 4 5");
}

async fn analyzers(ground: &Ground) {
    let shelf = ground
        .shelf(json!({
            "standard": { "type": "text", "analyzer": "standard" }, "simple": { "type": "text", "analyzer": "simple" },
            "whitespace": { "type": "text", "analyzer": "whitespace" }, "keyword": { "type": "text", "analyzer": "keyword" }
        }))
        .await;
    let text = "The QUICK-fox2 don't e-mail";
    shelf.fill([("1", json!({ "standard": text, "simple": text, "whitespace": text, "keyword": text }))]).await;
    for (path, yes, no) in [
        ("standard", vec!["quick", "fox2", "don't", "mail", "the", "THE"], vec!["fox", "don", "quic-fox3"]),
        ("simple", vec!["quick", "fox", "don", "t", "fox2", "e"], vec!["2", "quic"]),
        ("whitespace", vec!["The", "QUICK-fox2", "don't", "e-mail"], vec!["the", "quick", "mail"]),
        ("keyword", vec![text], vec!["The", "quick"]),
    ] {
        for word in yes {
            assert_eq!(shelf.found(shelf.any_word(path, word)).await, "1", "{path} {word}");
        }
        for word in no {
            assert_eq!(shelf.found(shelf.any_word(path, word)).await, "", "{path} {word}");
        }
    }
}

async fn lists_of_texts_are_apart(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf.fill([("1", json!({ "t": ["quick brown", "fox jumps"] })), ("2", json!({ "t": "brown fox" }))]).await;
    assert_eq!(shelf.found(shelf.phrase("t", "brown fox")).await, "2");
    assert_eq!(shelf.found(shelf.any_word("t", "jumps")).await, "1");
    assert_eq!(sorted(&shelf.ranked(shelf.text("brown fox", &[("t", 1.0)], Operator::And, Fuzziness::None)).await), ["1", "2"]);
    let scored = shelf.scored(shelf.text("brown", &[("t", 1.0)], Operator::Or, Fuzziness::None)).await;
    near(scored[0].1, bm25(2.0, 2.0, 1.0, 2.0, 3.0));
    near(scored[1].1, bm25(2.0, 2.0, 1.0, 4.0, 3.0));
}

async fn a_filter_does_not_score(ground: &Ground) {
    let shelf = library(ground).await;
    let rank = shelf.text("fox", &[("title", 1.0)], Operator::Or, Fuzziness::None);
    let plain = shelf.scored(rank.clone()).await;
    let page = shelf
        .page(Query { rank, filter: shelf.any_word("body", "fox jumps"), rule: shelf.exists("title"), ..shelf.query() })
        .await;
    let filtered: Vec<(String, f32)> = page.hits.iter().map(|hit| (hit.document.id.to_string(), hit.score.unwrap())).collect();
    assert_eq!(filtered, plain);
}

async fn the_best_field_counts(ground: &Ground) {
    let shelf = library(ground).await;
    let best = shelf.scored(shelf.text("fox", BOTH, Operator::Or, Fuzziness::None)).await;
    let title = shelf.scored(shelf.text("fox", &[("title", 1.0)], Operator::Or, Fuzziness::None)).await;
    let body = shelf.scored(shelf.text("fox", &[("body", 1.0)], Operator::Or, Fuzziness::None)).await;
    let of = |scored: &[(String, f32)], name: &str| scored.iter().find(|(id, _)| id == name).map_or(0.0, |(_, score)| *score);
    for name in ["2", "4"] {
        let wanted = of(&title, name).max(of(&body, name));
        near(of(&best, name), wanted.into());
    }
}

async fn deleted_documents_are_not_found(ground: &Ground) {
    let shelf = library(ground).await;
    let action = hooke::search::Action::Delete { id: crate::ground::id("4"), precondition: Default::default() };
    shelf.send(vec![shelf.write(action)]).await.remove(0).unwrap();
    assert_eq!(shelf.ranked(shelf.text("fox", BOTH, Operator::Or, Fuzziness::None)).await, "2");
    shelf.fill([("2", json!({ "title": "changed" }))]).await;
    assert_eq!(shelf.ranked(shelf.text("fox", BOTH, Operator::Or, Fuzziness::Auto)).await, "");
}

async fn words_of_documents_and_of_queries_are_cut_alike(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf.fill([("1", json!({ "t": "state-of-the-art C++ code_name 3.14 it's a.b@c.de" }))]).await;
    for word in ["state", "art", "c", "code_name", "3.14", "it's", "a.b", "c.de"] {
        assert_eq!(shelf.found(shelf.any_word("t", word)).await, "1", "{word}");
    }
    for word in ["code", "14", "it", "b"] {
        assert_eq!(shelf.found(shelf.any_word("t", word)).await, "", "{word}");
    }
}

async fn a_long_word(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    let long = "x".repeat(600);
    shelf.fill([("1", json!({ "t": long }))]).await;
    // longer than 255 it is cut into pieces of that length
    assert_eq!(shelf.found(shelf.any_word("t", &long)).await, "1");
    assert_eq!(shelf.found(shelf.any_word("t", &"x".repeat(255))).await, "1");
    assert_eq!(shelf.found(shelf.any_word("t", &"x".repeat(90))).await, "1");
    assert_eq!(shelf.found(shelf.any_word("t", &"x".repeat(100))).await, "");
}

async fn a_word_twice_in_the_query(ground: &Ground) {
    let shelf = library(ground).await;
    let once = shelf.scored(shelf.text("fox", &[("title", 1.0)], Operator::Or, Fuzziness::None)).await;
    let twice = shelf.scored(shelf.text("fox FOX", &[("title", 1.0)], Operator::Or, Fuzziness::None)).await;
    assert_eq!(once.len(), twice.len());
    for (once, twice) in once.iter().zip(&twice) {
        near(twice.1, 2.0 * f64::from(once.1));
    }
}

async fn boosts_with_fuzziness(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf.fill([("exact", json!({ "t": "server" })), ("near", json!({ "t": "servers" }))]).await;
    let plain = shelf.scored(shelf.text("server", &[("t", 1.0)], Operator::Or, Fuzziness::None)).await;
    let scored = shelf.scored(shelf.text("server", &[("t", 3.0)], Operator::Or, Fuzziness::One)).await;
    near(scored[0].1, 3.0 * (0.1 + f64::from(plain[0].1)));
    near(scored[1].1, 0.3);
}
