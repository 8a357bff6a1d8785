//! Writing: put, create, patch, delete, preconditions, one outcome for each item.

use hooke::search::{Action, Error, Filter, Precondition, Refresh, Version, Written};
use serde_json::{Value as Json, json};

use crate::ground::{Ground, Shelf, call, id, object};

conformance! {
    putting_makes_and_replaces
    creating_wants_that_there_is_none
    a_version_is_held_against_what_is_there
    a_patch_merges_objects_replaces_lists_and_removes_by_null
    a_patch_gives_the_whole_document_back
    an_absent_document_cannot_be_patched_or_deleted
    deleting_removes
    every_item_has_its_own_outcome
    later_items_of_a_batch_see_earlier_ones
    an_id_is_made_where_none_is_given
    what_does_not_fit_the_mapping_is_refused_with_its_field
    unknown_fields_are_refused
    a_rule_holds_before_and_after
    nothing_is_seen_by_searches_before_a_refresh
    waiting_makes_it_seen
    a_missing_collection_is_not_found
    an_empty_batch_is_fine
    values_of_every_kind_come_back_as_written
}

async fn plain(ground: &Ground) -> Shelf<'_> {
    ground
        .shelf(json!({
            "k": { "type": "keyword" }, "n": { "type": "integer" }, "t": { "type": "text" }, "d": { "type": "date" },
            "o": { "properties": { "a": { "type": "keyword" }, "b": { "type": "keyword" } } }
        }))
        .await
}

async fn one(shelf: &Shelf<'_>, action: Action) -> Result<Written, Error> {
    shelf.send(vec![shelf.write(action)]).await.remove(0)
}

fn put(name: &str, source: Json, precondition: Precondition) -> Action {
    Action::Index { id: Some(id(name)), source: object(source), precondition }
}

fn patch(name: &str, patch: Json, precondition: Precondition) -> Action {
    Action::Update { id: id(name), patch: object(patch), precondition }
}

fn delete(name: &str, precondition: Precondition) -> Action {
    Action::Delete { id: id(name), precondition }
}

async fn putting_makes_and_replaces(ground: &Ground) {
    let shelf = plain(ground).await;
    let first = one(&shelf, put("1", json!({ "k": "a", "n": 1 }), Precondition::None)).await.unwrap();
    let second = one(&shelf, put("1", json!({ "k": "b" }), Precondition::None)).await.unwrap();
    assert_eq!((first.created, second.created), (true, false));
    assert_ne!(first.version, second.version);
    assert_eq!(first.id.as_str(), "1");
    assert_eq!(shelf.by_id().await, [("1".to_owned(), json!({ "k": "b" }))].into());
}

async fn creating_wants_that_there_is_none(ground: &Ground) {
    let shelf = plain(ground).await;
    one(&shelf, put("1", json!({ "k": "a" }), Precondition::Absent)).await.unwrap();
    let again = one(&shelf, put("1", json!({ "k": "b" }), Precondition::Absent)).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
    assert_eq!(shelf.by_id().await["1"], json!({ "k": "a" }));
    one(&shelf, delete("1", Precondition::None)).await.unwrap();
    assert!(one(&shelf, put("1", json!({ "k": "c" }), Precondition::Absent)).await.unwrap().created);
}

async fn a_version_is_held_against_what_is_there(ground: &Ground) {
    let shelf = plain(ground).await;
    let first = one(&shelf, put("1", json!({ "k": "a" }), Precondition::None)).await.unwrap().version;
    let second = one(&shelf, put("1", json!({ "k": "b" }), Precondition::Version(first))).await.unwrap().version;
    for action in [
        put("1", json!({ "k": "c" }), Precondition::Version(first)),
        patch("1", json!({ "k": "c" }), Precondition::Version(first)),
        delete("1", Precondition::Version(first)),
        put("2", json!({ "k": "c" }), Precondition::Version(first)),
    ] {
        let outcome = one(&shelf, action.clone()).await;
        assert!(matches!(outcome, Err(Error::Conflict(_))), "{action:?}: {outcome:?}");
    }
    let third = one(&shelf, patch("1", json!({ "n": 3 }), Precondition::Version(second))).await.unwrap().version;
    assert_eq!(shelf.by_id().await["1"], json!({ "k": "b", "n": 3 }));
    one(&shelf, delete("1", Precondition::Version(third))).await.unwrap();
    assert_eq!(third.to_string().parse::<Version>(), Ok(third));
}

async fn a_patch_merges_objects_replaces_lists_and_removes_by_null(ground: &Ground) {
    let shelf = plain(ground).await;
    shelf.fill([("1", json!({ "k": ["a", "b"], "n": 1, "o": { "a": "x", "b": "y" }, "t": "words" }))]).await;
    one(&shelf, patch("1", json!({ "k": ["c"], "n": null, "o": { "b": "z" } }), Precondition::None)).await.unwrap();
    assert_eq!(shelf.by_id().await["1"], json!({ "k": ["c"], "o": { "a": "x", "b": "z" }, "t": "words" }));
    one(&shelf, patch("1", json!({ "o": { "a": null } }), Precondition::None)).await.unwrap();
    assert_eq!(shelf.by_id().await["1"], json!({ "k": ["c"], "o": { "b": "z" }, "t": "words" }));
    one(&shelf, patch("1", json!({ "o": null }), Precondition::None)).await.unwrap();
    assert_eq!(shelf.by_id().await["1"], json!({ "k": ["c"], "t": "words" }));
    assert_eq!(shelf.found(shelf.eq("k", "a")).await, "");
    assert_eq!(shelf.found(shelf.eq("k", "c")).await, "1");
}

async fn a_patch_gives_the_whole_document_back(ground: &Ground) {
    let shelf = plain(ground).await;
    shelf.fill([("1", json!({ "k": "a", "n": 1 }))]).await;
    let written = one(&shelf, patch("1", json!({ "n": 2 }), Precondition::None)).await.unwrap();
    assert_eq!(written.after, Some(object(json!({ "k": "a", "n": 2 }))));
    assert!(!written.created);
}

async fn an_absent_document_cannot_be_patched_or_deleted(ground: &Ground) {
    let shelf = plain(ground).await;
    for action in [patch("1", json!({ "k": "a" }), Precondition::None), delete("1", Precondition::None)] {
        let outcome = one(&shelf, action).await;
        assert!(matches!(outcome, Err(Error::NotFound(_))), "{outcome:?}");
    }
    // that there is nothing goes before that it is another version
    let version = Precondition::Version(Version { seq_no: 3, primary_term: 1 });
    for action in [patch("1", json!({ "k": "a" }), version), delete("1", version)] {
        let outcome = one(&shelf, action).await;
        assert!(matches!(outcome, Err(Error::NotFound(_))), "{outcome:?}");
    }
    assert!(shelf.by_id().await.is_empty());
}

async fn deleting_removes(ground: &Ground) {
    let shelf = plain(ground).await;
    shelf.fill([("1", json!({ "k": "a" })), ("2", json!({ "k": "a" }))]).await;
    one(&shelf, delete("1", Precondition::None)).await.unwrap();
    assert_eq!(shelf.found(shelf.eq("k", "a")).await, "2");
}

async fn every_item_has_its_own_outcome(ground: &Ground) {
    let shelf = plain(ground).await;
    shelf.fill([("1", json!({ "k": "a" }))]).await;
    let outcomes = shelf
        .send(vec![
            shelf.write(put("1", json!({}), Precondition::Absent)),
            shelf.write(put("2", json!({ "n": "seven" }), Precondition::None)),
            shelf.write(put("3", json!({ "n": 3 }), Precondition::None)),
            shelf.write(delete("4", Precondition::None)),
            shelf.write(patch("1", json!({ "n": 1 }), Precondition::None)),
        ])
        .await;
    assert_eq!(outcomes.len(), 5);
    assert!(matches!(outcomes[0], Err(Error::Conflict(_))), "{:?}", outcomes[0]);
    assert!(matches!(outcomes[1], Err(Error::Invalid { .. })), "{:?}", outcomes[1]);
    assert!(outcomes[2].as_ref().is_ok_and(|written| written.created));
    assert!(matches!(outcomes[3], Err(Error::NotFound(_))), "{:?}", outcomes[3]);
    assert!(outcomes[4].is_ok(), "{:?}", outcomes[4]);
    assert_eq!(shelf.by_id().await.keys().cloned().collect::<Vec<_>>(), ["1", "3"]);
}

async fn later_items_of_a_batch_see_earlier_ones(ground: &Ground) {
    let shelf = plain(ground).await;
    let outcomes = shelf
        .send(vec![
            shelf.write(put("1", json!({ "n": 1 }), Precondition::Absent)),
            shelf.write(patch("1", json!({ "k": "a" }), Precondition::None)),
            shelf.write(put("1", json!({ "n": 2 }), Precondition::Absent)),
            shelf.write(put("2", json!({ "n": 2 }), Precondition::None)),
            shelf.write(delete("2", Precondition::None)),
            shelf.write(put("2", json!({ "n": 3 }), Precondition::Absent)),
        ])
        .await;
    let ok: Vec<bool> = outcomes.iter().map(Result::is_ok).collect();
    assert_eq!(ok, [true, true, false, true, true, true], "{outcomes:?}");
    let documents = shelf.by_id().await;
    assert_eq!((&documents["1"], &documents["2"]), (&json!({ "n": 1, "k": "a" }), &json!({ "n": 3 })));
}

async fn an_id_is_made_where_none_is_given(ground: &Ground) {
    let shelf = plain(ground).await;
    let make = || Action::Index { id: None, source: object(json!({ "k": "a" })), precondition: Precondition::None };
    let (first, second) = (one(&shelf, make()).await.unwrap(), one(&shelf, make()).await.unwrap());
    assert_ne!(first.id, second.id);
    assert!(first.created);
    let found = shelf.by_id().await;
    assert!(found.contains_key(first.id.as_str()) && found.contains_key(second.id.as_str()));
}

async fn what_does_not_fit_the_mapping_is_refused_with_its_field(ground: &Ground) {
    let shelf = plain(ground).await;
    for (source, path) in [
        (json!({ "n": "seven" }), vec!["n"]),
        (json!({ "n": true }), vec!["n"]),
        (json!({ "n": 3_000_000_000i64 }), vec!["n"]),
        (json!({ "n": { "x": 1 } }), vec!["n"]),
        (json!({ "d": "2024-02-30" }), vec!["d"]),
        (json!({ "k": { "x": 1 } }), vec!["k"]),
        (json!({ "o": "text" }), vec!["o"]),
    ] {
        let outcome = one(&shelf, put("1", source.clone(), Precondition::None)).await;
        match outcome {
            Err(Error::Invalid { path: found, message }) => {
                assert_eq!(found, path, "{source}: {message}");
                assert!(!message.is_empty());
            }
            other => panic!("{source}: {other:?}"),
        }
    }
    let long = one(&shelf, put("1", json!({ "k": "x".repeat(32_767) }), Precondition::None)).await;
    assert!(matches!(long, Err(Error::Invalid { .. })), "{long:?}");
    assert!(shelf.by_id().await.is_empty());
}

async fn unknown_fields_are_refused(ground: &Ground) {
    let shelf = plain(ground).await;
    for source in [json!({ "zzz": 1 }), json!({ "o": { "zzz": 1 } })] {
        let outcome = one(&shelf, put("1", source.clone(), Precondition::None)).await;
        assert!(matches!(outcome, Err(Error::Invalid { .. })), "{source}: {outcome:?}");
    }
}

async fn a_rule_holds_before_and_after(ground: &Ground) {
    let shelf = plain(ground).await;
    shelf.fill([("mine", json!({ "k": "me" })), ("other", json!({ "k": "you" }))]).await;
    let ruled = async |action: Action| {
        let mut write = shelf.write(action);
        write.rule = shelf.eq("k", "me");
        shelf.send(vec![write]).await.remove(0)
    };
    // what one may not see is not there
    for action in [patch("other", json!({ "n": 1 }), Precondition::None), delete("other", Precondition::None)] {
        let outcome = ruled(action.clone()).await;
        assert!(matches!(outcome, Err(Error::NotFound(_))), "{action:?}: {outcome:?}");
    }
    let taken = ruled(put("other", json!({ "k": "me" }), Precondition::None)).await;
    assert!(taken.is_err(), "{taken:?}");
    // nor may it leave one's sight
    for action in
        [put("new", json!({ "k": "you" }), Precondition::None), patch("mine", json!({ "k": "you" }), Precondition::None)]
    {
        let outcome = ruled(action.clone()).await;
        assert!(matches!(outcome, Err(Error::Forbidden(_) | Error::Invalid { .. })), "{action:?}: {outcome:?}");
    }
    ruled(patch("mine", json!({ "n": 1 }), Precondition::None)).await.unwrap();
    ruled(put("new", json!({ "k": "me" }), Precondition::None)).await.unwrap();
    ruled(delete("mine", Precondition::None)).await.unwrap();
    let left = shelf.by_id().await;
    assert_eq!(left, [("new".to_owned(), json!({ "k": "me" })), ("other".to_owned(), json!({ "k": "you" }))].into());
}

async fn nothing_is_seen_by_searches_before_a_refresh(ground: &Ground) {
    let shelf = plain(ground).await;
    shelf.fill([("1", json!({ "k": "a" }))]).await;
    let batch = vec![shelf.index("2", json!({ "k": "a" }))];
    ground.engine.write(&call(), batch, Refresh::None).await.unwrap().remove(0).unwrap();
    // by id it is there at once, whenever searches may see it
    let found = ground
        .engine
        .get(&call(), &[hooke::search::DocRef::new(shelf.name.clone(), id("2"))], &Default::default(), &Filter::All)
        .await
        .unwrap();
    assert!(found[0].is_some());
    ground.engine.write(&call(), vec![shelf.index("3", json!({ "k": "a" }))], Refresh::Now).await.unwrap();
    assert_eq!(shelf.found(shelf.eq("k", "a")).await, "1 2 3");
}

async fn waiting_makes_it_seen(ground: &Ground) {
    let shelf = plain(ground).await;
    ground.engine.write(&call(), vec![shelf.index("1", json!({ "k": "a" }))], Refresh::Wait).await.unwrap().remove(0).unwrap();
    assert_eq!(shelf.found(shelf.eq("k", "a")).await, "1");
}

async fn a_missing_collection_is_not_found(ground: &Ground) {
    let shelf = plain(ground).await;
    ground.engine.remove(&call(), &shelf.name).await.unwrap();
    match ground.engine.write(&call(), vec![shelf.index("1", json!({ "k": "a" }))], Refresh::None).await {
        Err(Error::NotFound(_)) => {}
        Ok(outcomes) => assert!(matches!(outcomes[0], Err(Error::NotFound(_))), "{outcomes:?}"),
        other => panic!("{other:?}"),
    }
    // and it was not made by that
    assert!(matches!(ground.engine.remove(&call(), &shelf.name).await, Err(Error::NotFound(_))));
}

async fn an_empty_batch_is_fine(ground: &Ground) {
    assert_eq!(ground.engine.write(&call(), Vec::new(), Refresh::Now).await.unwrap().len(), 0);
}

async fn values_of_every_kind_come_back_as_written(ground: &Ground) {
    let shelf = ground
        .shelf(json!({
            "l": { "type": "long" }, "i": { "type": "integer" }, "f": { "type": "float" }, "x": { "type": "double" },
            "h": { "type": "half_float" }, "b": { "type": "boolean" }, "d": { "type": "date" }, "dn": { "type": "date_nanos" },
            "ip": { "type": "ip" }, "k": { "type": "keyword" }, "t": { "type": "text" }, "p": { "type": "geo_point" },
            "v": { "type": "dense_vector", "dims": 2 },
            "n": { "type": "nested", "properties": { "a": { "type": "keyword" } } },
            "j": { "type": "flattened" }
        }))
        .await;
    let source = json!({
        "l": [9_007_199_254_740_993i64, i64::MIN], "i": "7", "f": 0.1, "x": 0.1, "h": 1.5, "b": "true", "d": 1_704_067_200_123i64,
        "dn": "2024-01-01T00:00:00.123456789Z", "ip": "::ffff:10.0.0.1", "k": ["b", "a", "b", null, ""], "t": "Ünï\u{1F600}\n",
        "p": [{ "lat": 1.5, "lon": 2.5 }, "3,4"], "v": [0.5, 1.0], "n": [{ "a": "x" }, {}], "j": { "any": { "thing": [1, "two"] } }
    });
    shelf.fill([("1", source.clone())]).await;
    assert_eq!(shelf.by_id().await["1"], source);
}
