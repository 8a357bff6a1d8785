//! Making, listing, extending and removing collections.

use std::sync::Arc;

use hooke::search::{Collection, CollectionName, Error, Kind, Number, Origin, mapping};
use serde_json::json;

use crate::ground::{Ground, call, unique};

conformance! {
    a_collection_is_listed_with_its_fields_as_they_were_made
    a_name_is_taken_once
    hidden_collections_are_not_listed
    a_removed_collection_is_gone
    fields_are_added_and_never_changed
    a_field_added_can_be_searched
    nothing_changed_means_the_same_list
    health_tells_what_it_is
}

async fn listed(ground: &Ground, name: &CollectionName) -> Option<Arc<Collection>> {
    let all = ground.engine.collections(&call()).await.unwrap();
    all.iter().find(|collection| collection.name == *name).cloned()
}

fn everything() -> serde_json::Value {
    json!({
        "title": { "type": "text", "fields": { "keyword": { "type": "keyword", "ignore_above": 256 } } },
        "body": { "type": "text" },
        "tags": { "type": "keyword" },
        "count": { "type": "long" }, "int": { "type": "integer" }, "short": { "type": "short" }, "byte": { "type": "byte" },
        "price": { "type": "double" }, "rate": { "type": "float" }, "half": { "type": "half_float" },
        "yes": { "type": "boolean" },
        "on": { "type": "date" }, "at": { "type": "date_nanos" }, "day": { "type": "date", "format": "dd/MM/yyyy" },
        "from": { "type": "ip" },
        "place": { "type": "geo_point" },
        "ship": { "properties": { "city": { "type": "keyword" }, "to": { "properties": { "name": { "type": "text" } } } } },
        "items": { "type": "nested", "properties": { "sku": { "type": "keyword" }, "n": { "type": "integer" } } },
        "stored": { "type": "keyword", "index": false },
        "lone": { "type": "keyword", "doc_values": false }
    })
}

async fn a_collection_is_listed_with_its_fields_as_they_were_made(ground: &Ground) {
    let shelf = ground.shelf(everything()).await;
    let found = listed(ground, &shelf.name).await.expect("it is listed");
    assert_eq!(found.origin, Origin::Index);
    assert_eq!(found.remarks, Vec::<String>::new());
    let sorted = |collection: &Collection| {
        let mut fields: Vec<_> = collection.all_fields().into_iter().cloned().map(|field| (field.path.clone(), field)).collect();
        fields.sort_by(|a, b| a.0.cmp(&b.0));
        fields
    };
    let (found, made) = (sorted(&found), sorted(&shelf.collection));
    assert_eq!(found.len(), made.len());
    for ((path, found), (_, made)) in found.iter().zip(&made) {
        assert_eq!((&found.path, &found.kind), (&made.path, &made.kind), "{path}");
        assert_eq!((found.list, found.indexed, found.columns), (made.list, made.indexed, made.columns), "{path}");
        assert_eq!(found.nested, made.nested, "{path}");
    }
}

async fn a_name_is_taken_once(ground: &Ground) {
    let shelf = ground.shelf(json!({ "a": { "type": "keyword" } })).await;
    let again = ground.engine.create(&call(), &shelf.collection).await;
    assert!(matches!(again, Err(Error::Conflict(_))), "{again:?}");
}

async fn hidden_collections_are_not_listed(ground: &Ground) {
    let name = CollectionName::hidden(&unique("state"));
    let shelf = ground.shelf_named(name.clone(), json!({ "a": { "type": "keyword" } })).await;
    shelf.fill([("1", json!({ "a": "x" }))]).await;
    assert_eq!(shelf.found(shelf.eq("a", "x")).await, "1");
    assert!(listed(ground, &name).await.is_none());
}

async fn a_removed_collection_is_gone(ground: &Ground) {
    let shelf = ground.shelf(json!({ "a": { "type": "keyword" } })).await;
    shelf.fill([("1", json!({ "a": "x" }))]).await;
    ground.engine.remove(&call(), &shelf.name).await.unwrap();
    assert!(listed(ground, &shelf.name).await.is_none());
    assert!(matches!(ground.engine.remove(&call(), &shelf.name).await, Err(Error::NotFound(_))));
    assert!(matches!(shelf.fault(shelf.query()).await, Error::NotFound(_)));
    // made again it is empty
    ground.engine.create(&call(), &shelf.collection).await.unwrap();
    assert_eq!(shelf.page(shelf.query()).await.hits.len(), 0);
}

async fn fields_are_added_and_never_changed(ground: &Ground) {
    let shelf = ground.shelf(json!({ "a": { "type": "keyword" }, "o": { "properties": { "x": { "type": "long" } } } })).await;
    let fields = |json| mapping::parse(&json!({ "properties": json })).unwrap();
    let extend = async |json| ground.engine.extend(&call(), &shelf.name, &fields(json)).await;
    extend(json!({ "b": { "type": "long" }, "a": { "type": "keyword" }, "o": { "properties": { "y": { "type": "ip" } } } }))
        .await
        .unwrap();
    let found = listed(ground, &shelf.name).await.unwrap();
    assert_eq!(found.field("b").unwrap().kind, Kind::Number(Number::Long));
    assert_eq!(found.field("o.y").unwrap().kind, Kind::Ip);
    assert_eq!(found.field("o.x").unwrap().kind, Kind::Number(Number::Long));
    let changed = extend(json!({ "a": { "type": "long" } })).await;
    assert!(matches!(changed, Err(Error::Invalid { .. })), "{changed:?}");
    assert!(matches!(
        ground
            .engine
            .extend(&call(), &CollectionName::parse(&unique("none")).unwrap(), &fields(json!({ "a": { "type": "long" } })))
            .await,
        Err(Error::NotFound(_))
    ));
}

async fn a_field_added_can_be_searched(ground: &Ground) {
    let shelf = ground.shelf(json!({ "a": { "type": "keyword" } })).await;
    shelf.fill([("1", json!({ "a": "x" }))]).await;
    let fields = mapping::parse(&json!({ "properties": { "t": { "type": "text" }, "n": { "type": "integer" } } })).unwrap();
    ground.engine.extend(&call(), &shelf.name, &fields).await.unwrap();
    shelf.fill([("2", json!({ "t": "some words", "n": 7 }))]).await;
    let collection = listed(ground, &shelf.name).await.unwrap();
    let shelf = crate::ground::Shelf { ground, name: shelf.name.clone(), collection };
    assert_eq!(shelf.found(shelf.any_word("t", "words")).await, "2");
    assert_eq!(shelf.found(shelf.eq("n", 7)).await, "2");
    assert_eq!(shelf.found(shelf.eq("a", "x")).await, "1");
}

async fn nothing_changed_means_the_same_list(ground: &Ground) {
    // somebody else may make collections on a shared cluster meanwhile
    for _ in 0..20 {
        let first = ground.engine.collections(&call()).await.unwrap();
        let second = ground.engine.collections(&call()).await.unwrap();
        if Arc::ptr_eq(&first, &second) {
            return;
        }
    }
    panic!("the list is made anew each time");
}

async fn health_tells_what_it_is(ground: &Ground) {
    let health = ground.engine.health(&call()).await.unwrap();
    assert!(health.ready, "{health:?}");
    let wanted = if ground.kind == crate::ground::Kind::Embedded { "embedded" } else { "elasticsearch" };
    assert_eq!(health.engine, wanted);
}
