//! The nearest by a vector, alone and fused with words.

use hooke::search::{
    Direction, Error, Filter, Fuzziness, Missing, Operator, Order, Page, PageRequest, Query, Range, Rank, TextMatch, TotalRequest,
};
use hooke::search::{From, value::Value};
use serde_json::{Value as Json, json};

use crate::ground::{Ground, Shelf, ids};

conformance! {
    the_nearest_come_first
    each_similarity_has_its_score
    rule_and_filter_go_inside_and_ticks_after
    the_nearest_can_be_sorted_and_walked
    vectors_that_do_not_fit_are_refused
    a_vector_that_changes_is_found_anew
    ranks_are_fused
    a_fusion_counts_the_union
    a_fusion_is_walked_in_its_order
    a_fusion_beside_others_in_one_batch
}

fn vector(similarity: &str) -> Json {
    json!({ "type": "dense_vector", "dims": 2, "similarity": similarity })
}

/// Eight documents around a circle, 0 pointing right, 2 up.
async fn circle(ground: &Ground) -> Shelf<'_> {
    let shelf = ground.shelf(json!({ "v": vector("cosine"), "n": { "type": "integer" }, "t": { "type": "text" } })).await;
    let words = ["red green", "green", "red red", "blue", "red", "blue blue", "green red blue", "red"];
    let documents: Vec<(String, Json)> = (0..8)
        .map(|n| {
            let angle = f64::from(n) * std::f64::consts::FRAC_PI_4;
            (n.to_string(), json!({ "v": [angle.cos(), angle.sin()], "n": n, "t": words[n as usize] }))
        })
        .chain([("none".to_owned(), json!({ "n": 100, "t": "red" }))])
        .collect();
    shelf.fill(documents.iter().map(|(id, source)| (id.as_str(), source.clone()))).await;
    shelf
}

fn knn(shelf: &Shelf<'_>, vector: &[f32], k: u32) -> Rank {
    Rank::Knn { field: shelf.field("v"), vector: vector.to_vec(), k, candidates: 100 }
}

fn words(shelf: &Shelf<'_>, query: &str) -> Rank {
    let fields = vec![(shelf.field("t"), 1.0)];
    Rank::Text(TextMatch { query: query.into(), fields, operator: Operator::Or, fuzziness: Fuzziness::None })
}

fn at_least(shelf: &Shelf<'_>, least: i64) -> Filter {
    Filter::Range(shelf.field("n"), Range { lower: Some((Value::Long(least), true)), upper: None })
}

fn ranked(shelf: &Shelf<'_>, rank: Rank) -> Query {
    let mut query = Query { rank: Some(rank), ..shelf.query() };
    query.fetch.scores = true;
    query.page.size = 500;
    query
}

fn scores(page: &Page) -> Vec<f32> {
    page.hits.iter().map(|hit| hit.score.unwrap()).collect()
}

fn close(got: &[f32], wanted: &[f64]) {
    assert_eq!(got.len(), wanted.len(), "{got:?} {wanted:?}");
    for (got, wanted) in got.iter().zip(wanted) {
        assert!((f64::from(*got) - wanted).abs() <= wanted.abs() * 1e-4, "{got} is not {wanted}");
    }
}

async fn the_nearest_come_first(ground: &Ground) {
    let shelf = circle(ground).await;
    let page = shelf.page(ranked(&shelf, knn(&shelf, &[1.0, 0.2], 3))).await;
    assert_eq!(ids(&page), "0 1 7");
    assert_eq!(page.total.unwrap().value, 3);
    let cos = |angle: f64| (1.0 + (angle - 0.2_f64.atan()).cos()) / 2.0;
    let eighth = std::f64::consts::FRAC_PI_4;
    close(&scores(&page), &[cos(0.0), cos(eighth), cos(-eighth)]);
    // those without a vector are never near
    let page = shelf.page(ranked(&shelf, knn(&shelf, &[1.0, 0.2], 50))).await;
    assert_eq!(page.hits.len(), 8);
}

async fn each_similarity_has_its_score(ground: &Ground) {
    let by = |dot: f64| (1.0 + dot) / 2.0;
    for (similarity, vectors, asked, wanted) in [
        ("cosine", [[3.0, 4.0], [0.0, 2.0]], [5.0, 0.0], [by(0.6), by(0.0)]),
        ("dot_product", [[0.6, 0.8], [0.0, 1.0]], [0.8, 0.6], [by(0.96), by(0.6)]),
        ("l2_norm", [[1.0, 1.0], [5.0, 4.0]], [1.0, 1.0], [1.0, 1.0 / 26.0]),
        ("max_inner_product", [[1.0, 1.0], [-1.0, 0.0]], [1.0, 2.0], [4.0, 0.5]),
    ] {
        let shelf = ground.shelf(json!({ "v": vector(similarity) })).await;
        shelf.fill([("a", json!({ "v": vectors[0] })), ("b", json!({ "v": vectors[1] }))]).await;
        let page = shelf.page(ranked(&shelf, knn(&shelf, &asked, 10))).await;
        assert_eq!(ids(&page), "a b", "{similarity}");
        close(&scores(&page), &wanted);
    }
}

async fn rule_and_filter_go_inside_and_ticks_after(ground: &Ground) {
    let shelf = circle(ground).await;
    let near = ranked(&shelf, knn(&shelf, &[1.0, 0.2], 3));
    let filtered = shelf.page(Query { filter: at_least(&shelf, 1), ..near.clone() }).await;
    assert_eq!(ids(&filtered), "1 7 2");
    let ruled = shelf.page(Query { rule: at_least(&shelf, 2), filter: at_least(&shelf, 1), ..near.clone() }).await;
    assert_eq!(ids(&ruled), "7 2 6");
    // the three nearest, then those of them that are ticked
    let ticked = shelf.page(Query { ticks: vec![(shelf.field("n"), at_least(&shelf, 1))], ..near.clone() }).await;
    assert_eq!((ids(&ticked).as_str(), ticked.total.unwrap().value), ("1 7", 2));
    let nobody = shelf.page(Query { rule: Filter::Nothing, ..near }).await;
    assert_eq!((ids(&nobody).as_str(), nobody.total.unwrap().value), ("", 0));
}

async fn the_nearest_can_be_sorted_and_walked(ground: &Ground) {
    let shelf = circle(ground).await;
    let order = vec![Order::Field { field: shelf.field("n"), direction: Direction::Desc, missing: Missing::Last }];
    let sorted = Query { order, ..ranked(&shelf, knn(&shelf, &[1.0, 0.2], 5)) };
    assert_eq!(ids(&shelf.page(sorted.clone()).await), "7 6 2 1 0");
    for (query, wanted) in [(sorted, "7 6 2 1 0"), (ranked(&shelf, knn(&shelf, &[1.0, 0.2], 5)), "0 1 7 2 6")] {
        let (mut seen, mut from) = (Vec::new(), From::Start);
        loop {
            let page = shelf.page(Query { page: PageRequest { size: 2, backward: false, from }, ..query.clone() }).await;
            seen.push(ids(&page));
            if !page.has_next {
                break;
            }
            from = From::After(page.hits.last().unwrap().key.clone());
        }
        assert_eq!(seen.join(" "), wanted);
    }
}

async fn vectors_that_do_not_fit_are_refused(ground: &Ground) {
    let shelf = circle(ground).await;
    for rank in [knn(&shelf, &[1.0], 3), knn(&shelf, &[1.0, 2.0, 3.0], 3), knn(&shelf, &[0.0, 0.0], 3)] {
        let fault = shelf.fault(ranked(&shelf, rank)).await;
        assert!(matches!(fault, Error::Invalid { .. }), "{fault:?}");
    }
    let stored = ground.shelf(json!({ "v": { "type": "dense_vector", "dims": 2, "index": false } })).await;
    stored.fill([("a", json!({ "v": [1, 2] }))]).await;
    let fault = stored.fault(ranked(&stored, knn(&stored, &[1.0, 2.0], 3))).await;
    assert!(matches!(&fault, Error::Invalid { message, .. } if message.contains("not indexed")), "{fault:?}");
}

async fn a_vector_that_changes_is_found_anew(ground: &Ground) {
    let shelf = circle(ground).await;
    shelf.fill([("0", json!({ "v": [-1, -0.4], "n": 0 })), ("1", json!({ "n": 1 }))]).await;
    assert_eq!(ids(&shelf.page(ranked(&shelf, knn(&shelf, &[1.0, 0.1], 3))).await), "7 2 6");
    assert_eq!(ids(&shelf.page(ranked(&shelf, knn(&shelf, &[-1.0, -0.4], 1))).await), "0");
}

/// By nearness 0 1 7 2; by the word "blue" 5 3 6.
fn fused(shelf: &Shelf<'_>) -> Query {
    let mut query = ranked(shelf, Rank::Fused(vec![words(shelf, "blue"), knn(shelf, &[1.0, 0.2], 4)]));
    query.total = TotalRequest::None;
    query
}

async fn ranks_are_fused(ground: &Ground) {
    let shelf = circle(ground).await;
    let page = shelf.page(fused(&shelf)).await;
    // at the same rank by id
    assert_eq!(ids(&page), "0 5 1 3 6 7 2");
    close(&scores(&page), &[1.0 / 61.0, 1.0 / 61.0, 1.0 / 62.0, 1.0 / 62.0, 1.0 / 63.0, 1.0 / 63.0, 1.0 / 64.0]);
    // found by both: the sum
    let both = ranked(&shelf, Rank::Fused(vec![words(&shelf, "green"), knn(&shelf, &[0.7, 0.7], 2)]));
    let page = shelf.page(both).await;
    assert_eq!(page.hits[0].document.id.as_str(), "1");
    close(&scores(&page)[..1], &[2.0 / 61.0]);
    let filtered = shelf.page(Query { filter: at_least(&shelf, 3), ..fused(&shelf) }).await;
    // by nearness 7 6 3 5 or 4, by words 5 3 6
    assert_eq!(filtered.hits.len(), 5 - usize::from(!ids(&filtered).contains('4')), "{}", ids(&filtered));
}

async fn a_fusion_counts_the_union(ground: &Ground) {
    let shelf = circle(ground).await;
    let mut query = fused(&shelf);
    query.total = TotalRequest::All;
    let page = shelf.page(query.clone()).await;
    assert_eq!((page.hits.len(), page.total.unwrap().value), (7, 7));
    query.page.size = 0;
    assert_eq!(shelf.page(query.clone()).await.total.unwrap().value, 7);
    query.ticks = vec![(shelf.field("n"), at_least(&shelf, 2))];
    query.page.size = 10;
    let page = shelf.page(query).await;
    assert_eq!((page.hits.len(), page.total.unwrap().value), (5, 5));
}

async fn a_fusion_is_walked_in_its_order(ground: &Ground) {
    let shelf = circle(ground).await;
    for backward in [false, true] {
        let (mut seen, mut from) = (Vec::new(), From::Start);
        loop {
            let page = shelf.page(Query { page: PageRequest { size: 3, backward, from }, ..fused(&shelf) }).await;
            let (more, edge) = if backward { (page.has_previous, page.hits.first()) } else { (page.has_next, page.hits.last()) };
            let key = edge.unwrap().key.clone();
            seen.insert(if backward { 0 } else { seen.len() }, ids(&page));
            if !more {
                break;
            }
            from = if backward { From::Before(key) } else { From::After(key) };
        }
        assert_eq!(seen.join(" "), "0 5 1 3 6 7 2");
    }
    let page = shelf.page(Query { page: PageRequest { size: 2, backward: false, from: From::Offset(3) }, ..fused(&shelf) }).await;
    assert_eq!((ids(&page).as_str(), page.has_next, page.has_previous), ("3 6", true, true));
    let order = vec![Order::Field { field: shelf.field("n"), direction: Direction::Asc, missing: Missing::Last }];
    assert!(matches!(shelf.fault(Query { order, ..fused(&shelf) }).await, Error::Invalid { .. }));
}

async fn a_fusion_beside_others_in_one_batch(ground: &Ground) {
    let shelf = circle(ground).await;
    let mut counted = fused(&shelf);
    counted.total = TotalRequest::All;
    let batch = [shelf.query(), counted, ranked(&shelf, words(&shelf, "blue"))];
    let pages = shelf.engine().search(&crate::ground::call(), &batch).await.unwrap();
    let lengths: Vec<usize> = pages.iter().map(|page| page.as_ref().unwrap().hits.len()).collect();
    assert_eq!(lengths, [9, 7, 3]);
}
