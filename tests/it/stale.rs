//! Files in the repository that are made from the code: they must be what the code makes. `just schemas` writes them anew.

use std::path::Path;
use std::sync::Arc;

use hooke::catalog::Catalog;
use hooke::config::Config;
use hooke::graphql;
use hooke::search::{Collection, CollectionName, mapping};

#[test]
fn the_schema_of_the_sample_is_not_stale() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let body = std::fs::read_to_string(root.join("sample/mapping.json")).unwrap();
    let fields = mapping::parse(&serde_json::from_str(&body).unwrap()).unwrap();
    let name = CollectionName::parse("landmarks").unwrap();
    let collection = Arc::new(Collection::new(name, fields));
    let sdl = graphql::sdl(&Catalog::of(&[collection], &Config::default()), &Config::default()).unwrap();
    compare(&root.join("schema.graphql"), &sdl);
}

fn compare(path: &Path, made: &str) {
    if std::env::var("UPDATE").is_ok_and(|value| value == "1") {
        std::fs::write(path, made).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    assert!(kept == made, "{} is stale: write it anew by `just schemas`", path.display());
}
