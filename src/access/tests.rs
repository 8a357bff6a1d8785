//! Rules and hidden fields on their own; that nothing leaks through hooke as a whole is tested from outside.

use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::rows::rows;
use super::{Role, fields};
use crate::catalog::Catalog;
use crate::config::{Config, GrantConfig, Limits, RoleConfig};
use crate::search::{Collection, CollectionName, Filter, mapping};

fn catalog() -> Catalog {
    let body = json!({ "properties": {
        "owner": { "type": "keyword" }, "text": { "type": "text" }, "price": { "type": "long" }, "from": { "type": "ip" },
        "secret": { "properties": { "pin": { "type": "keyword" }, "hint": { "type": "keyword" } } },
        "free": { "type": "flattened" },
        "lines": { "type": "nested", "properties": { "sku": { "type": "keyword" }, "cost": { "type": "long" } } },
    }});
    let collection = Collection::new(CollectionName::parse("orders").unwrap(), mapping::read(&body).fields);
    Catalog::of(&[Arc::new(collection)], &Config::default())
}

fn role(grant: GrantConfig) -> Role {
    let settings = RoleConfig { collections: [("orders".to_owned(), grant)].into(), ..RoleConfig::default() };
    Role { name: "r".into(), settings }
}

fn rule(rule: Json, claims: Json) -> (Filter, bool) {
    let (Json::Object(claims), catalog) = (claims, catalog()) else { panic!("claims are an object") };
    let (rows, fault) = rows(Some(&rule), &claims, &catalog.collections[0], &Limits::default());
    (rows, fault.is_some())
}

#[test]
fn a_missing_claim_lets_nothing_through_also_below_not() {
    let mine = json!({ "owner": { "eq": { "claim": "sub" } } });
    for rule_of in [
        mine.clone(),
        json!({ "not": mine }),
        json!({ "or": [{ "price": { "gt": 1 } }, { "not": { "not": { "owner": { "ne": { "claim": "sub" } } } } }] }),
        json!({ "owner": { "nin": [{ "claim": "sub" }, "x"] } }),
        json!({ "owner": { "in": { "claim": "sub" } } }),
    ] {
        for claims in [json!({}), json!({ "sub": null }), json!({ "sub": { "eq": "x" } }), json!({ "sub": [["x"]] })] {
            assert_eq!(rule(rule_of.clone(), claims.clone()), (Filter::Nothing, false), "{rule_of} {claims}");
        }
        assert_ne!(rule(rule_of.clone(), json!({ "sub": "me" })).0, Filter::Nothing, "{rule_of}");
    }
    assert_ne!(rule(json!({ "owner": { "eq": { "claim": "org.id" } } }), json!({ "org": { "id": "a" } })).0, Filter::Nothing);
    assert_ne!(rule(json!({ "owner": { "in": { "claim": "groups" } } }), json!({ "groups": ["a", "b"] })).0, Filter::Nothing);
    // no group is no row
    assert_eq!(rule(json!({ "owner": { "in": { "claim": "groups" } } }), json!({ "groups": [] })).0, Filter::Nothing);
}

#[test]
fn rules_are_exact_or_let_nothing_through() {
    for wrong in [
        json!({ "text": { "match": "a" } }),
        json!({ "owner": { "prefix": "a" } }),
        json!({ "owner": { "eq": "a", "ignoreCase": true } }),
        json!({ "lines": { "some": { "sku": { "eq": "a" } } } }),
        json!({ "nothing": { "eq": "a" } }),
        json!({ "owner": {} }),
        json!({}),
        json!({ "or": [{ "owner": { "eq": "a" } }, {}] }),
        json!({ "owner": { "eq": ["a", "b"] } }),
        json!("x"),
    ] {
        assert_eq!(rule(wrong.clone(), json!({})), (Filter::Nothing, true), "{wrong}");
    }
    for fine in [
        json!({ "price": { "gte": 1, "lt": 5 } }),
        json!({ "from": { "cidr": "10.0.0.0/8" } }),
        json!({ "secret": { "pin": { "exists": false } } }),
        json!({ "not": { "owner": { "in": ["a", "b"] } } }),
    ] {
        let (rows, fault) = rule(fine.clone(), json!({}));
        assert!(!fault && rows != Filter::Nothing && rows != Filter::All, "{fine}");
    }
}

#[test]
fn hidden_fields_are_in_no_part_of_the_catalog() {
    let hide = vec!["secret.pin".to_owned(), "free.inside".into(), "lines.cost".into(), "price".into()];
    let full = catalog();
    let seen = fields::narrowed(&full, &role(GrantConfig { hide, ..GrantConfig::default() })).unwrap();
    let text = format!("{seen:?}");
    for gone in ["pin", "free", "cost", "price"] {
        assert!(!text.contains(&format!("{gone}\"")), "{gone} in {text}");
    }
    for there in ["hint", "owner", "sku"] {
        assert!(text.contains(there), "{there}");
    }
    // whole objects go with what is in them
    let hide = vec!["secret".to_owned(), "lines.cost".into(), "lines.sku".into()];
    let seen = fields::narrowed(&full, &role(GrantConfig { hide, ..GrantConfig::default() })).unwrap();
    let names: Vec<&str> = seen.collections[0].fields.iter().map(|field| field.name.as_str()).collect();
    assert!(!names.contains(&"secret") && !names.contains(&"lines"), "{names:?}");
    assert!(fields::narrowed(&full, &role(GrantConfig::default())).is_none());
    assert_eq!(fields::narrowed(&full, &role(GrantConfig { read: false, ..GrantConfig::default() })).unwrap().collections, []);
}

#[test]
fn documents_are_stripped_however_their_keys_are_dotted() {
    let hide = ["secret.pin".to_owned(), "a".into()];
    for (source, left) in [
        (json!({ "secret": { "pin": 1, "hint": 2 } }), json!({ "secret": { "hint": 2 } })),
        (json!({ "secret.pin": 1, "x": 1 }), json!({ "x": 1 })),
        (json!({ "secret": [{ "pin": 1 }, { "pin": 2, "hint": 3 }] }), json!({ "secret": [{}, { "hint": 3 }] })),
        (json!({ "secret": { "pin.deep": 1 } }), json!({ "secret": {} })),
        (json!({ "a": { "b": 1 }, "a.b": 2, "ab": 3 }), json!({ "ab": 3 })),
    ] {
        let mut stripped: Map<String, Json> = source.as_object().unwrap().clone();
        fields::strip(&mut stripped, &hide);
        assert_eq!(Json::Object(stripped), left, "{source}");
    }
}

#[test]
fn inputs_name_only_what_is_seen() {
    let hide = vec!["secret.pin".to_owned(), "lines.cost".into()];
    let seen = fields::narrowed(&catalog(), &role(GrantConfig { hide: hide.clone(), ..GrantConfig::default() })).unwrap();
    let foreign = |source: Json| fields::foreign(&seen.collections[0].collection, &hide, source.as_object().unwrap());
    for (source, refused) in [
        (json!({ "owner": "a", "secret": { "hint": "b" }, "free": { "any": 1 } }), None),
        (json!({ "secret": { "pin": "b" } }), Some("secret.pin")),
        (json!({ "secret.pin": "b" }), Some("secret.pin")),
        (json!({ "nothing": "b" }), Some("nothing")),
        // it would take hidden parts away
        (json!({ "secret": null }), Some("secret")),
        (json!({ "lines": [{ "sku": "a" }] }), Some("lines")),
    ] {
        assert_eq!(foreign(source.clone()).as_deref(), refused, "{source}");
    }
}
