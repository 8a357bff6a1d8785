//! Several collections searched together: one order, one walk, and no field of one collection leaks into another.

use hooke::search::{
    CollectionName, Direction, Error, Filter, From, Fuzziness, Hit, Key, Member, Operator, Order, Page, PageRequest, Quantifier,
    Query, Range, Rank, Relation, TextMatch, TotalRequest, value::Value,
};
use serde_json::json;

use crate::ground::{Ground, Shelf, ids};

conformance! {
    hits_come_by_score_whichever_collection_they_are_of
    a_field_that_is_something_else_elsewhere_is_not_looked_at
    a_walk_sees_each_hit_once_forward_and_backward
    totals_are_those_of_all
    the_rule_of_each_holds_in_it_alone
    scores_of_several_are_explained
    what_makes_no_sense_over_several_is_refused
    a_search_over_several_beside_others_in_one_batch
}

fn words(shelf: &Shelf<'_>, query: &str, fields: &[(&str, f32)]) -> TextMatch {
    let fields = fields.iter().map(|(path, boost)| (shelf.field(path), *boost)).collect();
    TextMatch { query: query.into(), fields, operator: Operator::Or, fuzziness: Fuzziness::None }
}

fn together(of: &[(&Shelf<'_>, TextMatch)]) -> Query {
    let mut query = Query::new(of[0].0.name.clone());
    query.on = of.iter().map(|(shelf, _)| shelf.name.clone()).collect();
    query.members = of.iter().map(|(_, text)| Member { rank: Some(text.clone()), ..Member::default() }).collect();
    query.page.size = 500;
    query.total = TotalRequest::All;
    query.fetch.scores = true;
    query
}

/// Books, notes whose `title` is a number, and names whose `title` is a keyword.
async fn library(ground: &Ground) -> [Shelf<'_>; 3] {
    let books = ground.shelf(json!({ "title": { "type": "text" }, "on": { "type": "date" } })).await;
    let notes = ground
        .shelf(json!({
            "title": { "type": "long" }, "body": { "type": "text" }, "on": { "type": "keyword" },
            "items": { "type": "nested", "properties": { "x": { "type": "keyword" } } }
        }))
        .await;
    let names = ground.shelf(json!({ "title": { "type": "keyword" }, "on": { "type": "text" } })).await;
    books
        .fill([
            ("b1", json!({ "title": "the quick brown fox", "on": "2024-01-01" })),
            ("b2", json!({ "title": "fox fox", "on": "2025-01-01" })),
            ("b3", json!({ "title": "a lazy dog", "on": "2024-06-01" })),
        ])
        .await;
    notes
        .fill([
            ("n1", json!({ "title": 7, "body": "a fox in the hen house", "on": "x", "items": [{ "x": "y" }] })),
            ("n2", json!({ "title": 8, "body": "nothing", "on": "x" })),
            ("n3", json!({ "title": 9, "body": "fox", "on": "z", "items": [{ "x": "z" }] })),
        ])
        .await;
    names.fill([("k1", json!({ "title": "fox", "on": "the moon" })), ("k2", json!({ "title": "dog", "on": "the fox" }))]).await;
    [books, notes, names]
}

fn of_library(library: &[Shelf<'_>; 3], query: &str) -> Query {
    let [books, notes, names] = library;
    together(&[
        (books, words(books, query, &[("title", 1.0)])),
        (notes, words(notes, query, &[("body", 2.0)])),
        (names, words(names, query, &[("title", 1.0)])),
    ])
}

/// The order promised: by score, then by number in the collection, then by its name.
fn sort(query: &Query, hits: &mut [Hit]) {
    let name = |hit: &Hit| query.on[hit.of].clone();
    hits.sort_by(|one, other| {
        let (left, right) = (one.score.unwrap(), other.score.unwrap());
        let numbers = right.total_cmp(&left).then(one.document.version.seq_no.cmp(&other.document.version.seq_no));
        numbers.then_with(|| name(one).cmp(&name(other)))
    });
}

fn named(page: &Page) -> Vec<(usize, String)> {
    page.hits.iter().map(|hit| (hit.of, hit.document.id.to_string())).collect()
}

async fn hits_come_by_score_whichever_collection_they_are_of(ground: &Ground) {
    let library = library(ground).await;
    let query = of_library(&library, "quick fox");
    let page = library[0].page(query.clone()).await;
    // the same as each searched by itself
    let mut single = Vec::new();
    for (of, shelf) in library.iter().enumerate() {
        let mut alone = shelf.query();
        alone.rank = query.members[of].rank.clone().map(Rank::Text);
        alone.fetch.scores = true;
        let found = shelf.page(Query { page: PageRequest { size: 100, ..PageRequest::default() }, ..alone }).await;
        single.extend(found.hits.into_iter().map(|hit| Hit { of, ..hit }));
    }
    sort(&query, &mut single);
    let expected: Vec<_> = single.iter().map(|hit| (hit.of, hit.document.id.to_string())).collect();
    assert_eq!(named(&page), expected);
    for (got, wanted) in page.hits.iter().zip(&single) {
        let (got, wanted) = (got.score.unwrap(), wanted.score.unwrap());
        assert!((got - wanted).abs() <= wanted * 1e-4, "{got} {wanted}");
    }
    assert_eq!(
        page.hits[0].document.source,
        *library[page.hits[0].of].by_id().await[page.hits[0].document.id.as_str()].as_object().unwrap()
    );
    // a keyword is one word, its whole value
    assert_eq!(
        ids(&library[0].page(of_library(&library, "dog")).await).split(' ').collect::<std::collections::BTreeSet<_>>(),
        ["b3", "k2"].into()
    );
    assert_eq!(ids(&library[0].page(of_library(&library, "absent")).await), "");
}

async fn a_field_that_is_something_else_elsewhere_is_not_looked_at(ground: &Ground) {
    let library = library(ground).await;
    let [books, notes, _] = &library;
    // 7 is a title of notes, the moon a place of names: not asked there
    assert_eq!(ids(&books.page(of_library(&library, "7")).await), "");
    assert_eq!(ids(&books.page(of_library(&library, "moon")).await), "");
    // a date here, a keyword there; a nested list that the others do not have
    let mut query = of_library(&library, "fox");
    // the last day of 2024
    let lower = Some((Value::Date(hooke::search::date::Time::from_millis(1_735_603_200_000)), true));
    query.members[0].filter = Filter::Range(books.field("on"), Range { lower, upper: None });
    query.members[1].filter = Filter::Nested {
        field: notes.field("items"),
        quantifier: Quantifier::Some,
        filter: Box::new(Filter::OneOf(notes.field("items.x"), vec![Value::Text("y".into())])),
    };
    let page = books.page(query).await;
    let found: std::collections::BTreeSet<_> = named(&page).into_iter().map(|(_, id)| id).collect();
    assert_eq!(found, ["b2", "n1", "k1"].map(String::from).into());
}

async fn a_walk_sees_each_hit_once_forward_and_backward(ground: &Ground) {
    // equal scores within and across
    let mut shelves = Vec::new();
    for at in 0..3 {
        let shelf = ground.shelf(json!({ "t": { "type": "text" } })).await;
        let documents: Vec<(String, _)> =
            (0..7).map(|n| (format!("{at}-{n}"), json!({ "t": if n % 3 == at { "word and more" } else { "word" } }))).collect();
        shelf.fill(documents.iter().map(|(id, source)| (id.as_str(), source.clone()))).await;
        shelves.push(shelf);
    }
    let of: Vec<_> = shelves.iter().map(|shelf| (shelf, words(shelf, "word", &[("t", 1.0)]))).collect();
    let query = together(&of);
    let whole = shelves[0].page(query.clone()).await;
    assert_eq!((whole.hits.len(), whole.has_next, whole.has_previous), (21, false, false));
    let mut sorted = whole.hits.clone();
    sort(&query, &mut sorted);
    assert_eq!(named(&whole), sorted.iter().map(|hit| (hit.of, hit.document.id.to_string())).collect::<Vec<_>>());
    for size in [1, 2, 5, 20, 21] {
        for backward in [false, true] {
            let mut seen = Vec::new();
            let mut from = From::Start;
            loop {
                let begins = from == From::Start;
                let page = PageRequest { size, backward, from };
                let page = shelves[0].page(Query { page, total: TotalRequest::None, ..query.clone() }).await;
                assert_eq!(page.total, None);
                assert_eq!(if backward { page.has_next } else { page.has_previous }, !begins);
                let more = if backward { page.has_previous } else { page.has_next };
                assert_eq!(page.hits.len(), if more { size as usize } else { page.hits.len() });
                let edge = if backward { page.hits.first() } else { page.hits.last() };
                let key = edge.map(|hit| Key(serde_json::from_str(&serde_json::to_string(&hit.key.0).unwrap()).unwrap()));
                let all = named(&page);
                seen = if backward { [all, seen].concat() } else { [seen, all].concat() };
                match key.filter(|_| more) {
                    Some(key) => from = if backward { From::Before(key) } else { From::After(key) },
                    None => break,
                }
                assert!(seen.len() <= 21, "{seen:?}");
            }
            assert_eq!(seen, named(&whole), "pages of {size}, backward {backward}");
        }
    }
    // from any hit, in both directions
    for (at, hit) in whole.hits.iter().enumerate() {
        let ask = |backward, from| Query { page: PageRequest { size: 30, backward, from }, ..query.clone() };
        let after = shelves[0].page(ask(false, From::After(hit.key.clone()))).await;
        let before = shelves[0].page(ask(true, From::Before(hit.key.clone()))).await;
        assert_eq!((named(&before), named(&after)), (named(&whole)[..at].to_vec(), named(&whole)[at + 1..].to_vec()));
    }
}

async fn totals_are_those_of_all(ground: &Ground) {
    let library = library(ground).await;
    let ask = async |total, size| {
        let page = library[0]
            .page(Query { total, page: PageRequest { size, ..PageRequest::default() }, ..of_library(&library, "fox") })
            .await;
        (page.total.map(|total| (total.value, total.relation)), page.hits.len(), page.has_next)
    };
    assert_eq!(ask(TotalRequest::All, 2).await, (Some((5, Relation::Equal)), 2, true));
    assert_eq!(ask(TotalRequest::UpTo(5), 10).await, (Some((5, Relation::Equal)), 5, false));
    assert_eq!(ask(TotalRequest::UpTo(3), 5).await, (Some((3, Relation::AtLeast)), 5, false));
    assert_eq!(ask(TotalRequest::None, 5).await, (None, 5, false));
    assert_eq!(ask(TotalRequest::All, 0).await, (Some((5, Relation::Equal)), 0, true));
}

async fn the_rule_of_each_holds_in_it_alone(ground: &Ground) {
    let library = library(ground).await;
    let mut query = of_library(&library, "fox");
    query.members[1].rule = Filter::OneOf(library[1].field("on"), vec![Value::Text("z".into())]);
    query.members[2].rule = Filter::Nothing;
    let page = library[0].page(query.clone()).await;
    let found: std::collections::BTreeSet<_> = named(&page).into_iter().collect();
    assert_eq!(found, [(0, "b1".to_owned()), (0, "b2".to_owned()), (1, "n3".to_owned())].into());
    assert_eq!(page.total.unwrap().value, 3);
    // where nothing can be found
    query.members.iter_mut().for_each(|member| member.rank = None);
    let page = library[0].page(query).await;
    assert_eq!((page.hits.len(), page.total.unwrap().value, page.has_next), (0, 0, false));
}

async fn scores_of_several_are_explained(ground: &Ground) {
    let library = library(ground).await;
    let mut query = of_library(&library, "quick fox");
    query.fetch.explanation = true;
    query.members[1].filter = Filter::Exists(library[1].field("on"));
    let page = library[0].page(query).await;
    assert_eq!(page.hits.len(), 4);
    for hit in page.hits {
        let why = hit.explanation.unwrap();
        let score = f64::from(hit.score.unwrap());
        assert!((why.value - score).abs() <= score * 1e-4, "{score} {why:?}");
        let field = why.field.as_deref().or_else(|| why.details[0].field.as_deref());
        assert_eq!(field, Some(["title", "body", "title"][hit.of]));
    }
}

async fn what_makes_no_sense_over_several_is_refused(ground: &Ground) {
    let library = library(ground).await;
    let shelf = &library[0];
    let query = of_library(&library, "fox");
    let refused = async |change: &dyn Fn(&mut Query)| {
        let mut changed = query.clone();
        change(&mut changed);
        shelf.fault(changed).await
    };
    let unsupported = |fault: Error| assert!(matches!(fault, Error::Unsupported(_)), "{fault:?}");
    unsupported(refused(&|query| query.order = vec![Order::Score(Direction::Asc)]).await);
    unsupported(refused(&|query| query.page.from = From::Offset(1)).await);
    unsupported(refused(&|query| query.ticks = vec![(shelf.field("on"), Filter::All)]).await);
    let invalid = |fault: Error| assert!(matches!(fault, Error::Invalid { .. } | Error::Internal(_)), "{fault:?}");
    invalid(refused(&|query| query.on[1] = query.on[0].clone()).await);
    invalid(refused(&|query| query.members.clear()).await);
    invalid(refused(&|query| query.filter = Filter::Nothing).await);
    invalid(refused(&|query| query.page.from = From::After(Key(vec![json!(1)]))).await);
    let gone = refused(&|query| query.on[1] = CollectionName::parse("hooke-test-no-such").unwrap()).await;
    assert!(matches!(gone, Error::NotFound(_)), "{gone:?}");
}

async fn a_search_over_several_beside_others_in_one_batch(ground: &Ground) {
    let library = library(ground).await;
    let batch = [library[1].query(), of_library(&library, "fox"), library[2].query()];
    let pages = library[0].engine().search(&crate::ground::call(), &batch).await.unwrap();
    let counts: Vec<usize> = pages.into_iter().map(|page| page.unwrap().hits.len()).collect();
    assert_eq!(counts, [3, 5, 2]);
}
