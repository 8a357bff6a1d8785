//! Why a hit has its score: the same tree on both engines, whose parts make the score.

use hooke::search::{Explanation, Filter, Fuzziness, Operator, Page, Query, Rank, TextMatch};
use serde_json::json;

use crate::ground::{Ground, Shelf};

conformance! {
    a_word_in_a_field
    the_best_field_and_the_sum_of_its_words
    only_a_field_with_all_words
    words_found_by_their_edits
    a_word_asked_twice
    conditions_explain_nothing
    keywords_and_boosts
    vectors_and_fusions
    nothing_ranked_is_not_explained
    pages_of_a_walk_are_explained
}

async fn library(ground: &Ground) -> Shelf<'_> {
    let shelf = ground
        .shelf(json!({
            "title": { "type": "text" }, "body": { "type": "text" }, "tag": { "type": "keyword" },
            "v": { "type": "dense_vector", "dims": 2, "similarity": "cosine" }
        }))
        .await;
    shelf
        .fill([
            ("1", json!({ "title": "the quick brown fox", "body": "a fox jumps over the lazy dog", "tag": "fox", "v": [1, 0] })),
            ("2", json!({ "title": "lazy fox fox", "body": "it sleeps", "tag": ["dog", "fox"], "v": [1, 1] })),
            ("3", json!({ "title": "a dog", "body": "quick and lazy", "v": [0, 1] })),
            ("4", json!({ "body": "something else of some more words that goes on and on" })),
        ])
        .await;
    shelf
}

fn words(shelf: &Shelf<'_>, query: &str, fields: &[(&str, f32)], operator: Operator, fuzziness: Fuzziness) -> Rank {
    let fields = fields.iter().map(|(path, boost)| (shelf.field(path), *boost)).collect();
    Rank::Text(TextMatch { query: query.into(), fields, operator, fuzziness })
}

async fn explained(shelf: &Shelf<'_>, rank: Rank, change: impl FnOnce(&mut Query)) -> Page {
    let mut query = Query { rank: Some(rank), ..shelf.query() };
    (query.fetch.scores, query.fetch.explanation) = (true, true);
    query.page.size = 100;
    change(&mut query);
    let page = shelf.page(query).await;
    for hit in &page.hits {
        let (why, score) = (hit.explanation.as_ref().unwrap(), f64::from(hit.score.unwrap()));
        close(why.value, score);
        adds_up(why);
    }
    page
}

fn close(got: f64, wanted: f64) {
    assert!((got - wanted).abs() <= wanted.abs() * 1e-4, "{got} is not {wanted}");
}

/// Every node is what its parts make.
fn adds_up(why: &Explanation) {
    let values = || why.details.iter().map(|part| part.value);
    match why.description.as_str() {
        text if text.starts_with("the sum of what") || text.starts_with("the sum over") => close(why.value, values().sum()),
        text if text.starts_with("the best field") => close(why.value, values().fold(0.0, f64::max)),
        text if text.ends_with("boost × idf × tf") => {
            assert_eq!(why.details.len(), 3, "{why:?}");
            close(why.value, values().product());
            let (n, all) = (why.details[1].details[0].value, why.details[1].details[1].value);
            close(why.details[1].value, (1.0 + (all - n + 0.5) / (n + 0.5)).ln());
        }
        text if text.starts_with("1 / (60 + place)") => close(why.value, 1.0 / (60.0 + why.details[0].value)),
        _ => {}
    }
    why.details.iter().for_each(adds_up);
}

/// `max(body:fox, (title:fox + title:~quick))`
fn shape(why: &Explanation) -> String {
    let all = |between: &str| why.details.iter().map(shape).collect::<Vec<_>>().join(between);
    match (&why.field, &why.term) {
        (Some(field), Some(term)) if why.details.is_empty() => format!("{field}:~{term}"),
        (Some(field), Some(term)) => format!("{field}:{term}"),
        (Some(field), None) => field.clone(),
        _ if why.description.starts_with("the sum") => format!("({})", all(" + ")),
        _ if why.description.starts_with("the best") => format!("max({})", all(", ")),
        _ if why.description.starts_with("1 / (60") => format!("{}@{}", shape(&why.details[1]), why.details[0].value),
        _ => format!("{why:?}"),
    }
}

fn shapes(page: &Page) -> Vec<String> {
    let mut all: Vec<String> =
        page.hits.iter().map(|hit| format!("{} {}", hit.document.id, shape(hit.explanation.as_ref().unwrap()))).collect();
    all.sort();
    all
}

async fn a_word_in_a_field(ground: &Ground) {
    let shelf = library(ground).await;
    let page = explained(&shelf, words(&shelf, "Fox", &[("title", 1.0)], Operator::Or, Fuzziness::None), |_| {}).await;
    assert_eq!(shapes(&page), ["1 title:fox", "2 title:fox"]);
    let why = page.hits[0].explanation.as_ref().unwrap();
    assert_eq!(page.hits[0].document.id.as_str(), "2");
    close(why.details[0].value, 2.2);
    let idf: Vec<f64> = why.details[1].details.iter().map(|part| part.value).collect();
    assert_eq!(idf, [2.0, 3.0]);
    // freq, k1, b, length, average
    for (got, wanted) in why.details[2].details.iter().zip([2.0, 1.2, 0.75, 3.0, 3.0]) {
        close(got.value, wanted);
    }
}

async fn the_best_field_and_the_sum_of_its_words(ground: &Ground) {
    let shelf = library(ground).await;
    let rank = words(&shelf, "quick fox", &[("title", 1.0), ("body", 1.0)], Operator::Or, Fuzziness::None);
    let page = explained(&shelf, rank, |_| {}).await;
    assert_eq!(shapes(&page), ["1 max(body:fox, (title:fox + title:quick))", "2 title:fox", "3 body:quick"]);
}

async fn only_a_field_with_all_words(ground: &Ground) {
    let shelf = library(ground).await;
    let rank = words(&shelf, "lazy fox", &[("title", 1.0), ("body", 1.0)], Operator::And, Fuzziness::None);
    let page = explained(&shelf, rank, |_| {}).await;
    assert_eq!(shapes(&page), ["1 (body:fox + body:lazy)", "2 (title:fox + title:lazy)"]);
}

async fn words_found_by_their_edits(ground: &Ground) {
    let shelf = library(ground).await;
    for operator in [Operator::Or, Operator::And] {
        let rank = words(&shelf, "qiuck fox", &[("title", 2.0)], operator, Fuzziness::Auto);
        let page = explained(&shelf, rank, |_| {}).await;
        let first = "1 (title:~fox + title:fox + title:~qiuck)";
        match operator {
            Operator::Or => assert_eq!(shapes(&page), [first, "2 (title:~fox + title:fox)"]),
            Operator::And => assert_eq!(shapes(&page), [first]),
        }
    }
    // too short for edits: found as it stands, and worth as much
    let rank = words(&shelf, "it sleeps", &[("body", 1.0)], Operator::Or, Fuzziness::Auto);
    let page = explained(&shelf, rank, |_| {}).await;
    assert_eq!(shapes(&page), ["2 (body:~it + body:it + body:~sleeps + body:sleeps)"]);
}

async fn a_word_asked_twice(ground: &Ground) {
    let shelf = library(ground).await;
    for operator in [Operator::Or, Operator::And] {
        let rank = words(&shelf, "fox Fox quick", &[("title", 1.0)], operator, Fuzziness::None);
        let page = explained(&shelf, rank, |_| {}).await;
        assert_eq!(shapes(&page)[0], "1 (title:fox + title:quick)");
        close(page.hits[0].explanation.as_ref().unwrap().details[0].details[0].value, 4.4);
    }
}

async fn conditions_explain_nothing(ground: &Ground) {
    let shelf = library(ground).await;
    let rank = words(&shelf, "fox", &[("title", 1.0)], Operator::Or, Fuzziness::None);
    let page = explained(&shelf, rank, |query| {
        query.filter = Filter::OneOf(shelf.field("tag"), vec![hooke::search::value::Value::Text("dog".into())]);
        query.rule = Filter::Exists(shelf.field("body"));
        query.ticks = vec![(shelf.field("tag"), Filter::Exists(shelf.field("tag")))];
    });
    assert_eq!(shapes(&page.await), ["2 title:fox"]);
}

async fn keywords_and_boosts(ground: &Ground) {
    let shelf = library(ground).await;
    let rank = words(&shelf, "fox", &[("tag", 1.5), ("title", 0.5)], Operator::Or, Fuzziness::None);
    let page = explained(&shelf, rank, |_| {}).await;
    assert_eq!(shapes(&page), ["1 max(tag:fox, title:fox)", "2 max(tag:fox, title:fox)"]);
    for hit in &page.hits {
        let why = hit.explanation.as_ref().unwrap();
        close(why.details[0].details[0].value, 3.3);
        close(why.details[1].details[0].value, 1.1);
    }
}

async fn vectors_and_fusions(ground: &Ground) {
    let shelf = library(ground).await;
    let near = Rank::Knn { field: shelf.field("v"), vector: vec![1.0, 0.1], k: 2, candidates: 10 };
    let page = explained(&shelf, near.clone(), |_| {}).await;
    assert_eq!(shapes(&page), ["1 v", "2 v"]);
    let text = words(&shelf, "dog", &[("title", 1.0)], Operator::Or, Fuzziness::None);
    let page = explained(&shelf, Rank::Fused(vec![text, near]), |_| {}).await;
    assert_eq!(shapes(&page), ["1 (v@1)", "2 (v@2)", "3 (title:dog@1)"]);
}

async fn nothing_ranked_is_not_explained(ground: &Ground) {
    let shelf = library(ground).await;
    let mut query = shelf.query();
    query.fetch.explanation = true;
    let page = shelf.page(query).await;
    assert_eq!(page.hits.len(), 4);
    assert!(page.hits.iter().all(|hit| hit.explanation.is_none()));
    let rank = words(&shelf, "fox", &[("title", 1.0)], Operator::Or, Fuzziness::None);
    let page = shelf.page(Query { rank: Some(rank), ..shelf.query() }).await;
    assert!(page.hits.iter().all(|hit| hit.explanation.is_none()));
}

async fn pages_of_a_walk_are_explained(ground: &Ground) {
    let shelf = library(ground).await;
    let rank = words(&shelf, "lazy", &[("title", 1.0), ("body", 1.0)], Operator::Or, Fuzziness::None);
    let whole = explained(&shelf, rank.clone(), |_| {}).await;
    let next = explained(&shelf, rank, |query| {
        query.page.from = hooke::search::From::After(whole.hits[0].key.clone());
        query.fetch.scores = true;
    })
    .await;
    assert_eq!(shapes(&next).len(), shapes(&whole).len() - 1);
    assert!(shapes(&whole).contains(&shapes(&next)[0]));
}
