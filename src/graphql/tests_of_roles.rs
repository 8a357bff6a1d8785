//! One schema for each set of fields that is seen, and what many of them weigh.

use std::sync::Arc;

use serde_json::json;
use tokio::sync::watch;

use super::fixture::{Told, catalog, document, open};
use super::schema::Face;
use super::version::Version;
use super::{Api, Request};
use crate::access::{Desk, Roles, Viewer, Who};
use crate::catalog::Catalog;
use crate::config::{Config, GrantConfig, RoleConfig};
use crate::search::{Call, Collection, CollectionName, Filter, mapping};

fn role(collection: &str, grant: GrantConfig) -> RoleConfig {
    RoleConfig { collections: [(collection.to_owned(), grant)].into(), ..RoleConfig::default() }
}

fn config() -> Config {
    let mut config = Config::default();
    let mine = Some(json!({ "maintainer": { "eq": { "claim": "sub" } } }));
    let hide = vec!["size".to_owned()];
    config.roles.insert("all".into(), role("packages", GrantConfig { hide: hide.clone(), ..GrantConfig::default() }));
    config.roles.insert("own".into(), role("packages", GrantConfig { hide, filter: mine, ..GrantConfig::default() }));
    config
}

fn viewer(config: &Config, role: &str, sub: &str) -> Arc<Viewer> {
    let claims = json!({ "sub": sub }).as_object().unwrap().clone();
    Viewer::new(Who::User { id: sub.into() }, Roles::of(config).get(role).unwrap(), claims)
}

async fn run(api: &Api, viewer: &Arc<Viewer>, query: &str) -> String {
    let request = Request { query: query.into(), ..Request::default() };
    serde_json::to_string(&api.run(&Call::within(std::time::Duration::from_secs(30)), viewer, &request).await).unwrap()
}

#[tokio::test]
async fn roles_that_see_the_same_fields_share_a_schema_and_not_their_rows() {
    let config = config();
    let documents = vec![("packages", document("packages", "1", json!({ "name": "a", "size": 7 })))];
    let engine = Arc::new(Told { documents, ..Told::default() });
    let (_sender, catalogs) = watch::channel(catalog(&config));
    let api = open(&engine, catalogs, &config).await;
    let (all, ann) = (viewer(&config, "all", "zoe"), viewer(&config, "own", "ann"));
    let (one, other) = (api.sdl(&all).await.unwrap(), api.sdl(&ann).await.unwrap());
    assert!(Arc::ptr_eq(&one, &other) && !Arc::ptr_eq(&one, &api.sdl(&Viewer::open()).await.unwrap()));
    assert!(one.contains("packages(") && !one.contains("orders(") && !one.contains("  size: Long") && !one.contains("  SIZE\n"));
    let refused = run(&api, &ann, "{ packages { nodes { sise } } }").await;
    assert!(refused.contains("GRAPHQL_VALIDATION_FAILED") && !refused.contains("size"), "{refused}");
    run(&api, &ann, "{ packages { nodes { name } edges { score } } }").await;
    let rule = engine.searches.lock().unwrap().last().unwrap()[0].rule.clone();
    assert!(matches!(&rule, Filter::OneOf(field, _) if field.path == "maintainer"), "{rule:?}");
    run(&api, &all, "{ packages { nodes { name } } }").await;
    assert_eq!(engine.searches.lock().unwrap().last().unwrap()[0].rule, Filter::All);
}

/// Bytes that this process holds.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    pages.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).unwrap_or(0) * 4_096
}

/// `just roles-memory`: what schemas of many roles weigh, each of which sees other fields.
#[test]
#[ignore = "takes minutes, and is for reading"]
fn memory_of_a_thousand_collections_and_ten_roles() {
    let mut properties = serde_json::Map::new();
    for number in 0..20 {
        let kind = ["keyword", "long", "date", "text"][number % 4];
        properties.insert(format!("field{number}"), json!({ "type": kind }));
    }
    let fields = mapping::read(&json!({ "properties": properties })).fields;
    let collections: Vec<Arc<Collection>> = (0..1_000)
        .map(|number| {
            let name = CollectionName::parse(&format!("collection{number}")).unwrap();
            Arc::new(Collection::new(name, fields.clone()))
        })
        .collect();
    let mut config = Config::default();
    for number in 0..10 {
        let grant = GrantConfig { hide: vec![format!("field{number}")], ..GrantConfig::default() };
        config.roles.insert(format!("role{number}"), role("*", grant));
    }
    // and as many that see other rows of the same fields
    for number in 0..10 {
        let rows = Some(json!({ "field0": { "eq": format!("{number}") } }));
        config.roles.insert(format!("rows{number}"), role("*", GrantConfig { filter: rows, ..GrantConfig::default() }));
    }
    let full = Arc::new(Catalog::of(&collections, &config));
    let (_sender, catalogs) = watch::channel(full.clone());
    let desk = Desk::new(Arc::new(Told::default()), catalogs, Roles::of(&config), &config.limits, b"secret");
    let before = resident();
    let mut kept = vec![Version::build(full.clone(), Face::of(&config)).unwrap()];
    println!("the whole: {} MB, of {} MB resident", (resident() - before) / 1_000_000, resident() / 1_000_000);
    for role in Roles::of(&config).all().filter(|role| !role.may_everything()) {
        if role.name.starts_with("rows") {
            assert!(Arc::ptr_eq(&desk.catalog(role, &full), &full), "{} has a catalog of its own", role.name);
            continue;
        }
        kept.push(Version::build(desk.catalog(role, &full), Face::of(&config)).unwrap());
        println!("with {}: {} MB resident", role.name, resident() / 1_000_000);
    }
    assert_eq!(kept.len(), 11);
}
