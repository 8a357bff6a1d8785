//! Pages forward and backward, offsets, totals, walks during writes, snapshots.

use hooke::search::{
    Direction, Filter, From, Fuzziness, Key, Missing, Moment, Operator, Order, Page, PageRequest, Query, Relation, Total,
    TotalRequest,
};
use serde_json::json;

use crate::ground::{Ground, Shelf, call, ids};

conformance! {
    pages_follow_one_another
    backward_is_the_mirror
    a_walk_sees_each_document_once_in_every_order
    keys_survive_a_trip_as_json
    a_key_of_any_hit_is_a_place
    an_offset_passes_hits_over
    an_empty_page
    totals_are_counted_when_asked
    totals_stop_at_their_bound
    a_walk_is_not_disturbed_by_writes_of_others
    a_snapshot_stands_still
    a_snapshot_has_the_order_of_live_pages
    a_closed_snapshot_is_gone
    a_batch_answers_in_order_each_for_itself
    scores_page_too
}

async fn numbered(ground: &Ground, count: usize) -> Shelf<'_> {
    let shelf = ground
        .shelf(json!({
            "k": { "type": "keyword" }, "n": { "type": "integer" }, "l": { "type": "long" }, "f": { "type": "float" }, "x": { "type": "double" },
            "h": { "type": "half_float" }, "b": { "type": "boolean" }, "d": { "type": "date" }, "dn": { "type": "date_nanos" },
            "ip": { "type": "ip" }, "t": { "type": "text" }
        }))
        .await;
    let documents: Vec<(String, serde_json::Value)> = (0..count)
        .map(|at| {
            let mut source = json!({ "n": at % 4, "t": "word ".repeat(1 + at % 3) });
            if at % 3 != 0 {
                source["k"] = json!(format!("k{}", at % 5));
                source["l"] = json!(if at % 7 == 1 { i64::MAX } else { i64::try_from(at).unwrap() - 9_007_199_254_740_993 });
                source["f"] = json!(at as f64 * 0.1);
                source["x"] = json!(1.0 / (1.0 + at as f64));
                source["h"] = json!((at % 6) as f64 * 0.3);
                source["b"] = json!(at % 2 == 0);
                source["d"] = json!(1_704_067_200_000i64 + (at % 8) as i64);
                source["dn"] = json!(format!("2024-01-01T00:00:00.{:09}Z", at % 9));
                source["ip"] = json!([format!("10.0.0.{}", at % 6), format!("::{at}")]);
            }
            (format!("{at}"), source)
        })
        .collect();
    shelf.fill(documents.iter().map(|(name, source)| (name.as_str(), source.clone()))).await;
    shelf
}

fn orders(shelf: &Shelf<'_>) -> Vec<Vec<Order>> {
    let mut orders = vec![vec![], vec![shelf.asc("n"), shelf.desc("k")], vec![shelf.desc("f"), shelf.asc("b"), shelf.asc("d")]];
    for path in ["k", "n", "l", "f", "x", "h", "b", "d", "dn", "ip"] {
        for direction in [Direction::Asc, Direction::Desc] {
            for missing in [Missing::First, Missing::Last] {
                orders.push(vec![shelf.by(path, direction, missing)]);
            }
        }
    }
    orders
}

async fn walk(shelf: &Shelf<'_>, query: &Query, size: u32, backward: bool) -> Vec<String> {
    let mut seen = Vec::new();
    let mut from = From::Start;
    loop {
        let page = shelf.page(Query { page: PageRequest { size, backward, from }, ..query.clone() }).await;
        let names: Vec<String> = page.hits.iter().map(|hit| hit.document.id.to_string()).collect();
        let more = if backward { page.has_previous } else { page.has_next };
        if backward {
            seen.splice(0..0, names);
        } else {
            seen.extend(names);
        }
        let edge = if backward { page.hits.first() } else { page.hits.last() };
        match edge {
            Some(edge) if more => from = if backward { From::Before(edge.key.clone()) } else { From::After(edge.key.clone()) },
            _ => return seen,
        }
        assert!(seen.len() < 1_000, "the walk does not end");
    }
}

async fn pages_follow_one_another(ground: &Ground) {
    let shelf = numbered(ground, 10).await;
    let first = shelf.page(Query { page: PageRequest { size: 4, backward: false, from: From::Start }, ..shelf.query() }).await;
    assert_eq!((ids(&first).as_str(), first.has_next, first.has_previous), ("0 1 2 3", true, false));
    let after = |page: &Page| From::After(page.hits.last().unwrap().key.clone());
    let second = shelf.page(Query { page: PageRequest { size: 4, backward: false, from: after(&first) }, ..shelf.query() }).await;
    assert_eq!((ids(&second).as_str(), second.has_next, second.has_previous), ("4 5 6 7", true, true));
    let third = shelf.page(Query { page: PageRequest { size: 4, backward: false, from: after(&second) }, ..shelf.query() }).await;
    assert_eq!((ids(&third).as_str(), third.has_next, third.has_previous), ("8 9", false, true));
    // the totals of all pages are those of the whole
    assert_eq!(third.total, Some(Total { value: 10, relation: Relation::Equal }));
    let exact = shelf.page(Query { page: PageRequest { size: 10, backward: false, from: From::Start }, ..shelf.query() }).await;
    assert!(!exact.has_next);
}

async fn backward_is_the_mirror(ground: &Ground) {
    let shelf = numbered(ground, 10).await;
    let last = shelf.page(Query { page: PageRequest { size: 4, backward: true, from: From::Start }, ..shelf.query() }).await;
    assert_eq!((ids(&last).as_str(), last.has_next, last.has_previous), ("6 7 8 9", false, true));
    let before = From::Before(last.hits[0].key.clone());
    let page = shelf.page(Query { page: PageRequest { size: 4, backward: true, from: before }, ..shelf.query() }).await;
    assert_eq!((ids(&page).as_str(), page.has_next, page.has_previous), ("2 3 4 5", true, true));
    let before = From::Before(page.hits[0].key.clone());
    let page = shelf.page(Query { page: PageRequest { size: 4, backward: true, from: before }, ..shelf.query() }).await;
    assert_eq!((ids(&page).as_str(), page.has_next, page.has_previous), ("0 1", true, false));
}

async fn a_walk_sees_each_document_once_in_every_order(ground: &Ground) {
    let shelf = numbered(ground, 33).await;
    for order in orders(&shelf) {
        let query = Query { order, ..shelf.query() };
        let whole: Vec<String> = shelf.page(query.clone()).await.hits.iter().map(|hit| hit.document.id.to_string()).collect();
        assert_eq!(whole.len(), 33);
        assert_eq!(walk(&shelf, &query, 5, false).await, whole, "forward by {:?}", query.order);
        assert_eq!(walk(&shelf, &query, 5, true).await, whole, "backward by {:?}", query.order);
    }
}

async fn keys_survive_a_trip_as_json(ground: &Ground) {
    let shelf = numbered(ground, 20).await;
    for order in orders(&shelf) {
        let query = Query { order, ..shelf.query() };
        let whole = shelf.page(query.clone()).await;
        for (at, hit) in whole.hits.iter().enumerate().step_by(3) {
            let text = serde_json::to_string(&hit.key.0).unwrap();
            let key = Key(serde_json::from_str(&text).unwrap());
            assert_eq!(key, hit.key, "{text}");
            let rest = shelf
                .page(Query { page: PageRequest { size: 50, backward: false, from: From::After(key) }, ..query.clone() })
                .await;
            let wanted: Vec<&str> = whole.hits[at + 1..].iter().map(|hit| hit.document.id.as_str()).collect();
            assert_eq!(ids(&rest), wanted.join(" "), "after {text} by {:?}", query.order);
        }
    }
}

async fn a_key_of_any_hit_is_a_place(ground: &Ground) {
    let shelf = numbered(ground, 10).await;
    let order = vec![shelf.desc("n")];
    let whole = shelf.page(Query { order: order.clone(), ..shelf.query() }).await;
    let all: Vec<String> = whole.hits.iter().map(|hit| hit.document.id.to_string()).collect();
    for at in 0..10 {
        let key = whole.hits[at].key.clone();
        let page =
            |backward, from| Query { order: order.clone(), page: PageRequest { size: 3, backward, from }, ..shelf.query() };
        let after = shelf.page(page(false, From::After(key.clone()))).await;
        assert_eq!(ids(&after), all[at + 1..(at + 4).min(10)].join(" "));
        let before = shelf.page(page(true, From::Before(key))).await;
        assert_eq!(ids(&before), all[at.saturating_sub(3)..at].join(" "));
    }
}

async fn an_offset_passes_hits_over(ground: &Ground) {
    let shelf = numbered(ground, 10).await;
    let page = async |offset, size| {
        shelf.page(Query { page: PageRequest { size, backward: false, from: From::Offset(offset) }, ..shelf.query() }).await
    };
    let found = page(4, 3).await;
    assert_eq!((ids(&found).as_str(), found.has_next, found.has_previous), ("4 5 6", true, true));
    let found = page(8, 3).await;
    assert_eq!((ids(&found).as_str(), found.has_next, found.has_previous), ("8 9", false, true));
    let found = page(50, 3).await;
    assert_eq!((ids(&found).as_str(), found.has_next, found.has_previous), ("", false, true));
    let found = page(0, 3).await;
    assert_eq!((ids(&found).as_str(), found.has_previous), ("0 1 2", false));
    // the cursor of such a hit goes on from there
    let key = page(4, 3).await.hits[2].key.clone();
    let next =
        shelf.page(Query { page: PageRequest { size: 2, backward: false, from: From::After(key) }, ..shelf.query() }).await;
    assert_eq!(ids(&next), "7 8");
}

async fn an_empty_page(ground: &Ground) {
    let shelf = numbered(ground, 3).await;
    let page = shelf.page(Query { page: PageRequest { size: 0, backward: false, from: From::Start }, ..shelf.query() }).await;
    assert_eq!((page.hits.len(), page.total.unwrap().value, page.has_next, page.has_previous), (0, 3, true, false));
    let page = shelf.page(Query { filter: Filter::Nothing, ..shelf.query() }).await;
    assert_eq!((page.hits.len(), page.total.unwrap().value, page.has_next, page.has_previous), (0, 0, false, false));
}

async fn totals_are_counted_when_asked(ground: &Ground) {
    let shelf = numbered(ground, 10).await;
    let total = async |total, filter| {
        let mut query = Query { total, filter, ..shelf.query() };
        query.page.size = 2;
        shelf.page(query).await.total
    };
    let exactly = |value| Some(Total { value, relation: Relation::Equal });
    assert_eq!(total(TotalRequest::None, Filter::All).await, None);
    assert_eq!(total(TotalRequest::All, Filter::All).await, exactly(10));
    assert_eq!(total(TotalRequest::All, shelf.eq("n", 1)).await, exactly(3));
    assert_eq!(total(TotalRequest::UpTo(100), Filter::All).await, exactly(10));
    assert_eq!(total(TotalRequest::UpTo(10), Filter::All).await, exactly(10));
}

async fn totals_stop_at_their_bound(ground: &Ground) {
    let shelf = numbered(ground, 10).await;
    for bound in [0, 1, 5, 9] {
        let mut query = Query { total: TotalRequest::UpTo(bound), ..shelf.query() };
        query.page.size = 2;
        let total = shelf.page(query).await.total;
        assert_eq!(total, Some(Total { value: bound, relation: Relation::AtLeast }), "{bound}");
    }
    let query = Query { total: TotalRequest::UpTo(0), filter: Filter::Nothing, ..shelf.query() };
    let total = shelf.page(query).await.total.unwrap();
    assert_eq!(total.value, 0);
}

async fn a_walk_is_not_disturbed_by_writes_of_others(ground: &Ground) {
    let shelf = numbered(ground, 24).await;
    let query = Query { order: vec![shelf.asc("n")], filter: shelf.lt("n", 9), ..shelf.query() };
    let whole: Vec<String> = shelf.page(query.clone()).await.hits.iter().map(|hit| hit.document.id.to_string()).collect();
    for backward in [false, true] {
        let mut seen: Vec<String> = Vec::new();
        let mut from = From::Start;
        loop {
            let page = shelf.page(Query { page: PageRequest { size: 4, backward, from }, ..query.clone() }).await;
            seen.extend(page.hits.iter().map(|hit| hit.document.id.to_string()).filter(|name| !name.starts_with("new")));
            // others come and go
            let name = format!("new{}-{backward}", seen.len());
            shelf.fill([(name.as_str(), json!({ "n": 100 }))]).await;
            let edge = if backward { page.hits.first() } else { page.hits.last() };
            match edge {
                Some(edge) => from = if backward { From::Before(edge.key.clone()) } else { From::After(edge.key.clone()) },
                None => break,
            }
            assert!(seen.len() < 200);
        }
        let (mut sorted, mut wanted) = (seen.clone(), whole.clone());
        sorted.sort();
        wanted.sort();
        assert_eq!(sorted, wanted, "backward: {backward}");
    }
}

async fn a_snapshot_stands_still(ground: &Ground) {
    let shelf = numbered(ground, 6).await;
    let id = ground.engine.open_snapshot(&call(), &shelf.name).await.unwrap();
    shelf.fill([("new", json!({ "n": 1 })), ("3", json!({ "n": 77 }))]).await;
    shelf
        .send(vec![shelf.write(hooke::search::Action::Delete { id: crate::ground::id("0"), precondition: Default::default() })])
        .await;
    let query = Query { at: Moment::Snapshot(id.clone()), order: vec![shelf.asc("n")], ..shelf.query() };
    let whole = shelf.page(query.clone()).await;
    assert_eq!((ids(&whole).as_str(), whole.total.unwrap().value), ("0 4 1 5 2 3", 6));
    assert_eq!(whole.hits[5].document.source["n"], 3);
    assert_eq!(walk(&shelf, &query, 4, false).await.join(" "), "0 4 1 5 2 3");
    assert_eq!(walk(&shelf, &query, 4, true).await.join(" "), "0 4 1 5 2 3");
    assert_eq!(ids(&shelf.page(shelf.query()).await), "1 2 4 5 new 3");
    ground.engine.close_snapshot(&call(), id).await.unwrap();
}

/// A walk in a snapshot is in the order in which live pages are, also where sort values are equal.
async fn a_snapshot_has_the_order_of_live_pages(ground: &Ground) {
    let shelf = ground.shelf(json!({ "n": { "type": "integer" } })).await;
    // several segments, of which the engine may put the larger ones first
    for round in 0..4_usize {
        let names: Vec<String> = (0..1 + round * round * 7).map(|n| format!("{round}-{n}")).collect();
        shelf.fill(names.iter().enumerate().map(|(n, name)| (name.as_str(), json!({ "n": n % 3 })))).await;
    }
    let id = ground.engine.open_snapshot(&call(), &shelf.name).await.unwrap();
    for order in [Vec::new(), vec![shelf.asc("n")], vec![shelf.desc("n")]] {
        let live = Query { order, ..shelf.query() };
        let query = Query { at: Moment::Snapshot(id.clone()), ..live.clone() };
        let wanted = ids(&shelf.page(live).await);
        assert_eq!(ids(&shelf.page(query.clone()).await), wanted);
        assert_eq!(walk(&shelf, &query, 17, false).await.join(" "), wanted);
        assert_eq!(walk(&shelf, &query, 17, true).await.join(" "), wanted);
    }
    ground.engine.close_snapshot(&call(), id).await.unwrap();
}

async fn a_closed_snapshot_is_gone(ground: &Ground) {
    let shelf = numbered(ground, 2).await;
    let id = ground.engine.open_snapshot(&call(), &shelf.name).await.unwrap();
    ground.engine.close_snapshot(&call(), id.clone()).await.unwrap();
    let fault = shelf.fault(Query { at: Moment::Snapshot(id), ..shelf.query() }).await;
    assert!(matches!(fault, hooke::search::Error::SnapshotGone), "{fault:?}");
}

async fn a_batch_answers_in_order_each_for_itself(ground: &Ground) {
    let shelf = numbered(ground, 10).await;
    let missing = hooke::search::CollectionName::parse(&crate::ground::unique("none")).unwrap();
    let queries = [
        Query { filter: shelf.eq("n", 0), ..shelf.query() },
        Query { on: vec![missing], ..shelf.query() },
        Query { filter: shelf.eq("n", 1), ..shelf.query() },
    ];
    let pages = ground.engine.search(&call(), &queries).await.unwrap();
    assert_eq!(pages.len(), 3);
    assert_eq!(ids(pages[0].as_ref().unwrap()), "0 4 8");
    assert!(matches!(pages[1], Err(hooke::search::Error::NotFound(_))), "{:?}", pages[1]);
    assert_eq!(ids(pages[2].as_ref().unwrap()), "1 5 9");
    assert_eq!(ground.engine.search(&call(), &[]).await.unwrap().len(), 0);
}

async fn scores_page_too(ground: &Ground) {
    let shelf = numbered(ground, 30).await;
    let rank = shelf.text("word", &[("t", 1.0)], Operator::Or, Fuzziness::None);
    let query = Query { rank, ..shelf.query() };
    let whole: Vec<String> = shelf.page(query.clone()).await.hits.iter().map(|hit| hit.document.id.to_string()).collect();
    assert_eq!(whole.len(), 30);
    assert_eq!(walk(&shelf, &query, 7, false).await, whole);
    assert_eq!(walk(&shelf, &query, 7, true).await, whole);
}
