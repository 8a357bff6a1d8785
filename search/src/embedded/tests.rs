//! The engine as its callers see it: what is written is there, what is refused is not, and a new start changes nothing.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::super::mapping;
use super::super::value::Value;
use super::super::{
    Action, Call, Collection, CollectionName, DocRef, DocumentId, Engine, Error, Fetch, Filter, Moment, PageRequest,
    Precondition, Query, Refresh, Source, TotalRequest, Version, Write, WriteOutcome, Written,
};
use super::open;

fn call() -> Call {
    Call::within(Duration::from_secs(60))
}

fn name(name: &str) -> CollectionName {
    CollectionName::parse(name).unwrap()
}

fn id(id: &str) -> DocumentId {
    DocumentId::parse(id).unwrap()
}

fn source(json: serde_json::Value) -> Source {
    json.as_object().cloned().unwrap()
}

fn things() -> Collection {
    let fields = mapping::parse(&json!({"properties": {
        "title": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
        "n": {"type": "long"},
        "o": {"properties": {"tag": {"type": "keyword"}}}
    }}));
    Collection::new(name("things"), fields.unwrap())
}

fn index(key: &str, n: i64) -> Write {
    index_if(key, n, Precondition::None)
}

fn index_if(key: &str, n: i64, precondition: Precondition) -> Write {
    let action = Action::Index { id: Some(id(key)), source: source(json!({"n": n})), precondition };
    Write { on: name("things"), rule: Filter::All, action }
}

fn delete(key: &str, precondition: Precondition) -> Write {
    Write { on: name("things"), rule: Filter::All, action: Action::Delete { id: id(key), precondition } }
}

fn update(key: &str, patch: serde_json::Value, precondition: Precondition) -> Write {
    Write { on: name("things"), rule: Filter::All, action: Action::Update { id: id(key), patch: source(patch), precondition } }
}

fn version(seq_no: u64) -> Version {
    Version { seq_no, primary_term: 1 }
}

fn one(outcomes: Vec<WriteOutcome>) -> Written {
    outcomes.into_iter().next().unwrap().unwrap()
}

async fn engine(folder: &Path) -> Arc<dyn Engine> {
    let engine = open(folder).await.unwrap();
    engine.create(&call(), &things()).await.unwrap();
    engine
}

async fn get(engine: &dyn Engine, key: &str) -> Option<(u64, serde_json::Value)> {
    let found = engine.get(&call(), &[DocRef::new(name("things"), id(key))], &Fetch::default(), &Filter::All).await.unwrap();
    found.into_iter().next().unwrap().map(|document| (document.version.seq_no, document.source.into()))
}

/// Ids and total as a search sees them.
async fn search(engine: &dyn Engine, at: Moment) -> Result<(Vec<String>, u64), Error> {
    let mut query = Query::new(name("things"));
    query.at = at;
    query.page.size = 1_000;
    query.total = TotalRequest::All;
    let page = engine.search(&call(), &[query]).await?.remove(0)?;
    Ok((page.hits.iter().map(|hit| hit.document.id.to_string()).collect(), page.total.unwrap().value))
}

async fn live(engine: &dyn Engine) -> Vec<String> {
    search(engine, Moment::Live).await.unwrap().0
}

#[tokio::test]
async fn what_is_written_is_read_at_once_and_searched_after_a_refresh() {
    let folder = TempDir::new().unwrap();
    let engine = engine(folder.path()).await;
    let first = one(engine.write(&call(), vec![index("a", 1)], Refresh::None).await.unwrap());
    assert_eq!((first.version, first.created), (version(0), true));
    assert_eq!(get(&*engine, "a").await, Some((0, json!({"n": 1}))));
    let again = one(engine.write(&call(), vec![index("a", 2)], Refresh::Now).await.unwrap());
    assert_eq!((again.version, again.created), (version(1), false));
    assert_eq!(live(&*engine).await, ["a"]);
    engine.write(&call(), vec![index("b", 3)], Refresh::Wait).await.unwrap();
    assert_eq!(live(&*engine).await, ["a", "b"]);
    engine.write(&call(), vec![delete("a", Precondition::None)], Refresh::Now).await.unwrap();
    assert_eq!(get(&*engine, "a").await, None);
    assert_eq!(live(&*engine).await, ["b"]);
}

#[tokio::test]
async fn each_item_has_its_own_outcome_and_sees_those_before_it() {
    let folder = TempDir::new().unwrap();
    let engine = engine(folder.path()).await;
    let elsewhere = Write { on: name("nowhere"), ..index("x", 1) };
    let unnamed = Action::Index { id: None, source: source(json!({"n": 9})), precondition: Precondition::None };
    let batch = vec![
        index_if("a", 1, Precondition::Absent),
        index_if("a", 2, Precondition::Absent),
        Write {
            on: name("things"),
            rule: Filter::All,
            action: Action::Index { id: Some(id("bad")), source: source(json!({"nope": 1})), precondition: Precondition::None },
        },
        update("a", json!({"title": "x", "n": null}), Precondition::Version(version(0))),
        update("a", json!({"n": 1}), Precondition::Version(version(0))),
        update("missing", json!({"n": 1}), Precondition::None),
        delete("missing", Precondition::None),
        index_if("a", 5, Precondition::Version(version(7))),
        elsewhere,
        Write { on: name("things"), rule: Filter::All, action: unnamed },
        delete("a", Precondition::Version(version(1))),
        index_if("a", 6, Precondition::Absent),
    ];
    let outcomes = engine.write(&call(), batch, Refresh::Now).await.unwrap();
    let shown: Vec<String> = outcomes
        .iter()
        .map(|outcome| match outcome {
            Ok(written) => format!("{}{}", written.version.seq_no, if written.created { " created" } else { "" }),
            Err(Error::Conflict(_)) => "conflict".into(),
            Err(Error::NotFound(_)) => "not found".into(),
            Err(Error::Invalid { path, .. }) => format!("invalid {}", path.join(".")),
            Err(other) => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        shown,
        [
            "0 created",
            "conflict",
            "invalid nope",
            "1",
            "conflict",
            "not found",
            "not found",
            "conflict",
            "not found",
            "2 created",
            "3",
            "4 created"
        ]
    );
    assert_eq!(outcomes[3].as_ref().unwrap().after, Some(source(json!({"title": "x"}))));
    assert_eq!(outcomes[9].as_ref().unwrap().id.as_str().len(), 20);
    assert_eq!(live(&*engine).await.len(), 2);
    assert_eq!(get(&*engine, "a").await, Some((4, json!({"n": 6}))));
}

#[tokio::test]
async fn a_rule_holds_before_and_after_a_write_and_for_what_no_search_has_seen() {
    let folder = TempDir::new().unwrap();
    let engine = engine(folder.path()).await;
    let field = things().field("n").unwrap().clone();
    let rule = Filter::OneOf(field, vec![Value::Long(1)]);
    let under = |write: Write| Write { rule: rule.clone(), ..write };
    engine.write(&call(), vec![index("mine", 1), index("other", 2)], Refresh::None).await.unwrap();
    let asked = ["mine", "other", "none", "mine"].map(|key| DocRef::new(name("things"), id(key)));
    let found = engine.get(&call(), &asked, &Fetch::default(), &rule).await.unwrap();
    let found: Vec<_> = found.into_iter().map(|found| found.map(|document| document.id.to_string())).collect();
    assert_eq!(found, [Some("mine".to_owned()), None, None, Some("mine".to_owned())]);
    let batch = vec![
        under(update("other", json!({"n": 1}), Precondition::None)),
        under(delete("other", Precondition::None)),
        under(index("other", 1)),
        under(index("new", 2)),
        under(update("mine", json!({"n": 2}), Precondition::None)),
        under(update("mine", json!({"title": "x"}), Precondition::None)),
    ];
    let outcomes = engine.write(&call(), batch, Refresh::None).await.unwrap();
    assert!(matches!(outcomes[0], Err(Error::NotFound(_))) && matches!(outcomes[1], Err(Error::NotFound(_))));
    assert!(outcomes[2..5].iter().all(|outcome| matches!(outcome, Err(Error::Forbidden(_)))), "{outcomes:?}");
    assert!(outcomes[5].is_ok());
}

#[tokio::test]
async fn a_new_start_finds_everything_also_what_no_search_had_seen() {
    let folder = TempDir::new().unwrap();
    {
        let engine = engine(folder.path()).await;
        let batch = (0..50).map(|n| index(&format!("k{n:02}"), n)).collect();
        engine.write(&call(), batch, Refresh::Now).await.unwrap();
        let changes = vec![delete("k00", Precondition::None), index("k01", 100), index("new", 1)];
        engine.write(&call(), changes, Refresh::None).await.unwrap();
        let second = open(folder.path()).await.err().unwrap();
        assert!(matches!(&second, Error::Conflict(why) if why.contains("in use")), "{second:?}");
    }
    // the index is behind, as after a crash
    std::fs::remove_dir_all(folder.path().join("index")).unwrap();
    let engine = open(folder.path()).await.unwrap();
    assert_eq!(engine.collections(&call()).await.unwrap().as_slice(), [Arc::new(things())]);
    let ids = live(&*engine).await;
    assert_eq!(ids.len(), 50);
    assert_eq!(ids[ids.len() - 2..], ["k01", "new"]);
    assert_eq!(get(&*engine, "k01").await, Some((51, json!({"n": 100}))));
    // numbers go on where they were, also after the last one was a deletion that the index knows
    engine.write(&call(), vec![delete("new", Precondition::None)], Refresh::Now).await.unwrap();
    engine.write(&call(), vec![index("k02", 0)], Refresh::Now).await.unwrap();
    drop(engine);
    let engine = open(folder.path()).await.unwrap();
    assert_eq!(one(engine.write(&call(), vec![index("k03", 1)], Refresh::None).await.unwrap()).version, version(55));
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_says_why() {
    let folder = TempDir::new().unwrap();
    drop(engine(folder.path()).await);
    super::store::Store::set_format(&folder.path().join("documents.redb"), 99);
    let error = open(folder.path()).await.err().unwrap().to_string();
    assert!(error.contains("format 99"), "{error}");
    std::fs::write(folder.path().join("documents.redb"), "this is no database").unwrap();
    let error = open(folder.path()).await.err().unwrap().to_string();
    assert!(error.contains("cannot be used: document store"), "{error}");
}

#[tokio::test]
async fn collections_come_grow_and_go() {
    let folder = TempDir::new().unwrap();
    let engine = engine(folder.path()).await;
    let listed = engine.collections(&call()).await.unwrap();
    assert!(Arc::ptr_eq(&listed, &engine.collections(&call()).await.unwrap()));
    assert!(matches!(engine.create(&call(), &things()).await, Err(Error::Conflict(_))));
    let hidden = Collection { name: CollectionName::hidden("state"), ..things() };
    engine.create(&call(), &hidden).await.unwrap();
    assert_eq!(engine.collections(&call()).await.unwrap().len(), 1);

    engine.write(&call(), vec![index("a", 1)], Refresh::Now).await.unwrap();
    let more = mapping::parse(&json!({"properties": {"seen": {"type": "date"}}})).unwrap();
    engine.extend(&call(), &name("things"), &more).await.unwrap();
    assert!(engine.collections(&call()).await.unwrap()[0].field("seen").is_some());
    assert_eq!(live(&*engine).await, ["a"]);
    engine.write(&call(), vec![update("a", json!({"seen": "2026-01-01"}), Precondition::None)], Refresh::Now).await.unwrap();
    let other = mapping::parse(&json!({"properties": {"n": {"type": "date"}}})).unwrap();
    assert!(matches!(engine.extend(&call(), &name("things"), &other).await, Err(Error::Invalid { path, .. }) if path == ["n"]));

    drop(engine);
    let engine = open(folder.path()).await.unwrap();
    assert!(engine.collections(&call()).await.unwrap()[0].field("seen").is_some());
    let before = engine.generations(&call()).await.unwrap().unwrap()[&name("things")];
    engine.remove(&call(), &name("things")).await.unwrap();
    assert!(matches!(engine.remove(&call(), &name("things")).await, Err(Error::NotFound(_))));
    assert!(matches!(search(&*engine, Moment::Live).await, Err(Error::NotFound(_))));
    engine.create(&call(), &things()).await.unwrap();
    assert_eq!(get(&*engine, "a").await, None);
    assert!(live(&*engine).await.is_empty());
    assert!(engine.generations(&call()).await.unwrap().unwrap()[&name("things")] > before);
    assert_eq!(one(engine.write(&call(), vec![index("a", 1)], Refresh::None).await.unwrap()).version, version(0));
}

#[tokio::test]
async fn a_snapshot_stays_while_the_collection_moves_on() {
    let folder = TempDir::new().unwrap();
    let engine = engine(folder.path()).await;
    engine.write(&call(), vec![index("a", 1), index("b", 2)], Refresh::Now).await.unwrap();
    let snapshot = engine.open_snapshot(&call(), &name("things")).await.unwrap();
    engine.write(&call(), vec![index("a", 7), delete("b", Precondition::None), index("c", 3)], Refresh::Now).await.unwrap();
    let mut query = Query::new(name("things"));
    query.at = Moment::Snapshot(snapshot.clone());
    let page = engine.search(&call(), &[query.clone()]).await.unwrap().remove(0).unwrap();
    let shown: Vec<_> = page.hits.iter().map(|hit| (hit.document.id.as_str(), hit.document.source["n"].clone())).collect();
    assert_eq!(shown, [("a", json!(1)), ("b", json!(2))]);
    assert_eq!(live(&*engine).await, ["a", "c"]);
    engine.close_snapshot(&call(), snapshot.clone()).await.unwrap();
    assert!(matches!(engine.search(&call(), &[query]).await.unwrap().remove(0), Err(Error::SnapshotGone)));
    assert!(matches!(engine.close_snapshot(&call(), snapshot).await, Err(Error::SnapshotGone)));
}

#[tokio::test]
async fn a_generation_grows_when_a_search_sees_more_and_only_then() {
    let folder = TempDir::new().unwrap();
    let engine = engine(folder.path()).await;
    let other = Collection { name: name("others"), ..things() };
    engine.create(&call(), &other).await.unwrap();
    let generation = async |of: &str| engine.generations(&call()).await.unwrap().unwrap()[&name(of)];
    let (things, others) = (generation("things").await, generation("others").await);
    engine.write(&call(), vec![index("a", 1)], Refresh::Now).await.unwrap();
    assert!(generation("things").await > things);
    assert_eq!(generation("others").await, others);
    let things = generation("things").await;
    engine.write(&call(), vec![delete("none", Precondition::None)], Refresh::Now).await.unwrap();
    assert_eq!(generation("things").await, things);
}

#[tokio::test]
async fn many_collections_share_a_few_writers() {
    let folder = TempDir::new().unwrap();
    let engine = open(folder.path()).await.unwrap();
    let names: Vec<CollectionName> = (0..30).map(|n| name(&format!("c{n}"))).collect();
    for name in &names {
        engine.create(&call(), &Collection { name: name.clone(), ..things() }).await.unwrap();
    }
    for round in 0..3 {
        let batch = names.iter().map(|name| Write { on: name.clone(), ..index(&format!("r{round}"), round) }).collect();
        engine.write(&call(), batch, Refresh::Now).await.unwrap();
    }
    let queries: Vec<Query> = names.iter().map(|name| Query::new(name.clone())).collect();
    for page in engine.search(&call(), &queries).await.unwrap() {
        assert_eq!(page.unwrap().hits.len(), 3);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn versions_are_exact_where_many_write_at_once() {
    let folder = TempDir::new().unwrap();
    let engine = engine(folder.path()).await;
    engine.write(&call(), vec![index("count", 0)], Refresh::None).await.unwrap();
    let tasks = (0..16).map(|_| {
        let engine = Arc::clone(&engine);
        tokio::spawn(async move {
            for _ in 0..5 {
                // reads, adds one, and tries again where somebody else was faster
                loop {
                    let (seq_no, source) = get(&*engine, "count").await.unwrap();
                    let more = source["n"].as_i64().unwrap() + 1;
                    let write = index_if("count", more, Precondition::Version(version(seq_no)));
                    match engine.write(&call(), vec![write], Refresh::None).await.unwrap().remove(0) {
                        Ok(_) => break,
                        Err(Error::Conflict(_)) => {}
                        Err(other) => panic!("{other:?}"),
                    }
                }
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    assert_eq!(get(&*engine, "count").await, Some((80, json!({"n": 80}))));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hit_has_the_source_that_it_was_found_by_while_others_write() {
    let folder = TempDir::new().unwrap();
    let engine = engine(folder.path()).await;
    let documents = |round: i64| (0..20).map(|key| index(&format!("k{key}"), round)).collect::<Vec<_>>();
    engine.write(&call(), documents(0), Refresh::Now).await.unwrap();
    let writer = Arc::clone(&engine);
    let writing = tokio::spawn(async move {
        for round in 1..40 {
            let refresh = if round % 3 == 0 { Refresh::Now } else { Refresh::None };
            writer.write(&call(), documents(round), refresh).await.unwrap();
        }
    });
    while !writing.is_finished() {
        let query = Query { page: PageRequest { size: 100, ..Default::default() }, ..Query::new(name("things")) };
        let hits = engine.search(&call(), &[query]).await.unwrap().remove(0).unwrap().hits;
        // a batch is one state: all of one round, or all of the next
        let rounds: std::collections::BTreeSet<_> = hits.iter().map(|hit| hit.document.source["n"].as_i64()).collect();
        assert_eq!((hits.len(), rounds.len()), (20, 1), "{rounds:?}");
    }
    writing.await.unwrap();
}

/// How fast a million small documents load, in batches of a thousand: `cargo test --release --lib million -- --ignored --nocapture`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes a minute; a figure, not a check of every day"]
async fn a_million_documents_load() {
    let count: u64 = std::env::var("HOOKE_TEST_DOCUMENTS").ok().and_then(|count| count.parse().ok()).unwrap_or(1_000_000);
    let folder = TempDir::new().unwrap();
    let engine = engine(folder.path()).await;
    let begun = std::time::Instant::now();
    for batch in 0..count / 1_000 {
        let batch = (0..1_000).map(|n| batch * 1_000 + n).map(|n| {
            let title = format!("thing number {n} of lot {} with the colour {}", n % 977, n % 13);
            let source = source(json!({"title": title, "n": n, "o": {"tag": format!("tag{}", n % 101)}}));
            let action = Action::Index { id: Some(id(&n.to_string())), source, precondition: Precondition::None };
            Write { on: name("things"), rule: Filter::All, action }
        });
        let outcomes = engine.write(&call(), batch.collect(), Refresh::None).await.unwrap();
        assert!(outcomes.iter().all(Result::is_ok));
    }
    let stored = begun.elapsed();
    engine.write(&call(), vec![index("0", 0)], Refresh::Now).await.unwrap();
    println!("{count} documents: stored in {stored:?}, searchable after {:?}", begun.elapsed());
    let begun = std::time::Instant::now();
    let (_, total) = search(&*engine, Moment::Live).await.unwrap();
    println!("a search: {:?}", begun.elapsed());
    assert_eq!(total, count);
    drop(engine);
    let begun = std::time::Instant::now();
    let engine = open(folder.path()).await.unwrap();
    println!("started again in {:?}", begun.elapsed());
    assert_eq!(search(&*engine, Moment::Live).await.unwrap().1, count);
}
