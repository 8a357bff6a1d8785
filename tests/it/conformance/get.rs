//! Documents by id.

use hooke::search::{CollectionName, DocRef, Document, Error, Fetch, Filter};
use serde_json::json;

use crate::ground::{Ground, Shelf, call, id, object, unique};

conformance! {
    one_answer_for_each_asked_in_order
    a_rule_hides
    only_the_fields_asked_for_come
    versions_are_those_of_the_last_write
    a_missing_collection
    awkward_ids_are_just_ids
    several_collections_in_one_call
}

async fn ask(shelf: &Shelf<'_>, names: &[&str], fetch: &Fetch, rule: &Filter) -> Vec<Option<Document>> {
    let documents: Vec<DocRef> = names.iter().map(|name| DocRef::new(shelf.name.clone(), id(name))).collect();
    shelf.engine().get(&call(), &documents, fetch, rule).await.unwrap()
}

async fn plain(ground: &Ground) -> Shelf<'_> {
    let shelf = ground
        .shelf(json!({
            "k": { "type": "keyword" }, "n": { "type": "integer" }, "o": { "properties": { "a": { "type": "keyword" }, "b": { "type": "keyword" } } }
        }))
        .await;
    shelf
        .fill([
            ("1", json!({ "k": "a", "n": 1, "o": { "a": "x", "b": "y" } })),
            ("2", json!({ "k": "b", "n": 2, "o.a": "dotted" })),
        ])
        .await;
    shelf
}

async fn one_answer_for_each_asked_in_order(ground: &Ground) {
    let shelf = plain(ground).await;
    let found = ask(&shelf, &["2", "none", "1", "2"], &Fetch::default(), &Filter::All).await;
    let names: Vec<Option<&str>> = found.iter().map(|found| found.as_ref().map(|document| document.id.as_str())).collect();
    assert_eq!(names, [Some("2"), None, Some("1"), Some("2")]);
    assert_eq!(found[2].as_ref().unwrap().source, object(json!({ "k": "a", "n": 1, "o": { "a": "x", "b": "y" } })));
    assert_eq!(ask(&shelf, &[], &Fetch::default(), &Filter::All).await, vec![]);
}

async fn a_rule_hides(ground: &Ground) {
    let shelf = plain(ground).await;
    let found = ask(&shelf, &["1", "2", "3"], &Fetch::default(), &shelf.eq("k", "a")).await;
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, false, false]);
    let found = ask(&shelf, &["1", "2"], &Fetch::default(), &Filter::Nothing).await;
    assert_eq!(found, [None, None]);
}

async fn only_the_fields_asked_for_come(ground: &Ground) {
    let shelf = plain(ground).await;
    let fetch = |paths: &[&str]| Fetch { fields: Some(paths.iter().map(|path| (*path).into()).collect()), ..Fetch::default() };
    let source = async |name: &str, paths: &[&str]| {
        let mut found = ask(&shelf, &[name], &fetch(paths), &Filter::All).await;
        serde_json::Value::Object(found.remove(0).unwrap().source)
    };
    assert_eq!(source("1", &["k", "o.b"]).await, json!({ "k": "a", "o": { "b": "y" } }));
    assert_eq!(source("1", &["o"]).await, json!({ "o": { "a": "x", "b": "y" } }));
    assert_eq!(source("1", &[]).await, json!({}));
    assert_eq!(source("2", &["o.a"]).await, json!({ "o.a": "dotted" }));
    assert_eq!(source("2", &["n", "zzz"]).await, json!({ "n": 2 }));
}

async fn versions_are_those_of_the_last_write(ground: &Ground) {
    let shelf = plain(ground).await;
    let written = shelf.send(vec![shelf.index("1", json!({ "k": "new" }))]).await.remove(0).unwrap();
    let found = ask(&shelf, &["1"], &Fetch::default(), &Filter::All).await.remove(0).unwrap();
    assert_eq!((found.version, &found.index), (written.version, &written.index));
    let page = shelf.page(shelf.query()).await;
    let hit = page.hits.iter().find(|hit| hit.document.id.as_str() == "1").unwrap();
    assert_eq!(hit.document, found);
}

async fn a_missing_collection(ground: &Ground) {
    let name = CollectionName::parse(&unique("none")).unwrap();
    let found = ground.engine.get(&call(), &[DocRef::new(name, id("1"))], &Fetch::default(), &Filter::All).await;
    assert!(matches!(found, Err(Error::NotFound(_))), "{found:?}");
}

async fn awkward_ids_are_just_ids(ground: &Ground) {
    let shelf = ground.shelf(json!({ "k": { "type": "keyword" } })).await;
    let long = "x".repeat(512);
    let names = ["a/b", "a b", "ä%2Fö", "../..", "*", "\"q\"", "1,2", "😀", "_x", long.as_str()];
    shelf.fill(names.iter().map(|name| (*name, json!({ "k": name })))).await;
    let found = ask(&shelf, &names, &Fetch::default(), &Filter::All).await;
    for (name, found) in names.iter().zip(found) {
        assert_eq!(found.map(|document| document.source), Some(object(json!({ "k": name }))), "{name}");
    }
    let filter = Filter::Ids(names.iter().map(|name| id(name)).collect());
    assert_eq!(shelf.page(hooke::search::Query { filter, ..shelf.query() }).await.hits.len(), names.len());
}

async fn several_collections_in_one_call(ground: &Ground) {
    let (one, two) = (plain(ground).await, plain(ground).await);
    let documents =
        [DocRef::new(two.name.clone(), id("2")), DocRef::new(one.name.clone(), id("1")), DocRef::new(two.name.clone(), id("9"))];
    let found = ground.engine.get(&call(), &documents, &Fetch::default(), &Filter::All).await.unwrap();
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(found[0].as_ref().unwrap().source["k"], "b");
}
