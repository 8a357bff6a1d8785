//! Marks in texts. Engines agree on what is marked, not on where a fragment is cut.

use hooke::search::{Fuzziness, Highlight, HighlightRequest, Operator, Query};
use serde_json::json;

use crate::ground::{Ground, Shelf};

conformance! {
    words_of_the_search_are_marked
    filters_on_the_field_mark_too
    what_is_not_found_is_not_marked
    lists_and_long_texts
    corrected_words_are_marked
    keywords_are_marked_whole
    text_is_not_escaped
}

fn request(shelf: &Shelf<'_>, path: &str) -> HighlightRequest {
    HighlightRequest { field: shelf.field(path), fragment_size: 100, fragments: 5 }
}

/// Marked words of each hit's first highlight, in the order of the text.
fn marked(highlights: &[Highlight]) -> Vec<String> {
    highlights
        .iter()
        .flat_map(|highlight| &highlight.fragments)
        .flat_map(|fragment| &fragment.runs)
        .filter(|run| run.hit)
        .map(|run| run.text.clone())
        .collect()
}

async fn marks(shelf: &Shelf<'_>, mut query: Query, paths: &[&str]) -> Vec<(String, Vec<String>)> {
    query.fetch.highlights = paths.iter().map(|path| request(shelf, path)).collect();
    let page = shelf.page(query).await;
    page.hits.iter().map(|hit| (hit.document.id.to_string(), marked(&hit.highlights))).collect()
}

async fn words_of_the_search_are_marked(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" }, "u": { "type": "text" } })).await;
    shelf.fill([("1", json!({ "t": "The quick Fox, the FOX.", "u": "fox here too" }))]).await;
    let rank = shelf.text("fox quick", &[("t", 1.0)], Operator::Or, Fuzziness::None);
    let query = Query { rank, ..shelf.query() };
    assert_eq!(
        marks(&shelf, query.clone(), &["t"]).await,
        [("1".to_owned(), vec!["quick".to_owned(), "Fox".into(), "FOX".into()])]
    );
    let mut whole = query.clone();
    whole.fetch.highlights = vec![request(&shelf, "t")];
    let page = shelf.page(whole).await;
    let highlight = &page.hits[0].highlights[0];
    assert_eq!(highlight.field, "t");
    let text: String = highlight.fragments[0].runs.iter().map(|run| run.text.as_str()).collect();
    assert_eq!(text, "The quick Fox, the FOX.");
    // a field that is not searched has no marks
    assert_eq!(marks(&shelf, query, &["u"]).await, [("1".to_owned(), vec![])]);
}

async fn filters_on_the_field_mark_too(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf.fill([("1", json!({ "t": "alpha beta gamma delta" }))]).await;
    let query = Query { filter: shelf.any_word("t", "beta delta"), ..shelf.query() };
    assert_eq!(marks(&shelf, query, &["t"]).await[0].1, ["beta", "delta"]);
    let query = Query { filter: shelf.phrase_prefix("t", "gam"), ..shelf.query() };
    assert_eq!(marks(&shelf, query, &["t"]).await[0].1, ["gamma"]);
}

async fn what_is_not_found_is_not_marked(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" }, "k": { "type": "keyword" } })).await;
    shelf.fill([("1", json!({ "t": "alpha", "k": "x" })), ("2", json!({ "k": "y" }))]).await;
    let mut query = Query { filter: shelf.exists("k"), ..shelf.query() };
    query.fetch.highlights = vec![request(&shelf, "t")];
    let page = shelf.page(query).await;
    assert!(page.hits.iter().all(|hit| marked(&hit.highlights).is_empty()));
}

async fn lists_and_long_texts(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    let long = format!("{}needle{}", "hay ".repeat(500), " hay".repeat(500));
    shelf
        .fill([("list", json!({ "t": ["no", "one needle", "none", "two needle needle"] })), ("long", json!({ "t": long }))])
        .await;
    let rank = shelf.text("needle", &[("t", 1.0)], Operator::Or, Fuzziness::None);
    let mut query = Query { rank, order: vec![], ..shelf.query() };
    query.fetch.highlights = vec![request(&shelf, "t")];
    let page = shelf.page(query).await;
    for hit in &page.hits {
        let wanted = if hit.document.id.as_str() == "list" { 3 } else { 1 };
        assert_eq!(marked(&hit.highlights).len(), wanted, "{}", hit.document.id);
        for fragment in &hit.highlights[0].fragments {
            let length: usize = fragment.runs.iter().map(|run| run.text.chars().count()).sum();
            assert!(length < 300, "a fragment of {length}");
            assert!(fragment.runs.iter().any(|run| run.hit));
            assert!(fragment.runs.iter().all(|run| !run.text.is_empty()));
        }
    }
}

async fn corrected_words_are_marked(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf.fill([("1", json!({ "t": "a web server" }))]).await;
    let rank = shelf.text("servr", &[("t", 1.0)], Operator::Or, Fuzziness::Auto);
    assert_eq!(marks(&shelf, Query { rank, ..shelf.query() }, &["t"]).await[0].1, ["server"]);
}

async fn keywords_are_marked_whole(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" } })).await;
    shelf.fill([("1", json!({ "k": ["web server", "other"] }))]).await;
    let rank = shelf.text("web server", &[("k", 1.0)], Operator::Or, Fuzziness::None);
    assert_eq!(marks(&shelf, Query { rank, ..shelf.query() }, &["k"]).await[0].1, ["web server"]);
}

async fn text_is_not_escaped(ground: &Ground) {
    let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
    shelf.fill([("1", json!({ "t": "<b>fox</b> & \"dog\" 😀 fox" }))]).await;
    let rank = shelf.text("fox", &[("t", 1.0)], Operator::Or, Fuzziness::None);
    let mut query = Query { rank, ..shelf.query() };
    query.fetch.highlights = vec![request(&shelf, "t")];
    let page = shelf.page(query).await;
    let text: String = page.hits[0].highlights[0].fragments[0].runs.iter().map(|run| run.text.as_str()).collect();
    assert_eq!(text, "<b>fox</b> & \"dog\" 😀 fox");
}
