//! What the settings say of single collections.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Value;

use super::values::typed;
use super::{CollectionConfig, RelationConfig};

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
#[derive(Default)]
struct CollectionRow {
    name: Option<String>,
    singular: Option<String>,
    hide: Vec<String>,
    rename: BTreeMap<String, String>,
    lists: BTreeMap<String, bool>,
    relations: BTreeMap<String, RelationRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RelationRow {
    to: String,
    #[serde(default = "id")]
    field: String,
    #[serde(default = "id")]
    by: String,
    #[serde(default)]
    many: bool,
}

fn id() -> String {
    "_id".into()
}

pub(super) fn read(value: Value) -> Result<BTreeMap<String, CollectionConfig>, String> {
    let rows: BTreeMap<String, CollectionRow> = typed(value)?;
    Ok(rows
        .into_iter()
        .map(|(name, row)| {
            let CollectionRow { name: root, singular, hide, rename, lists, relations } = row;
            let relations = relations
                .into_iter()
                .map(|(name, RelationRow { to, field, by, many })| (name, RelationConfig { to, field, by, many }));
            (name, CollectionConfig { name: root, singular, hide, rename, lists, relations: relations.collect() })
        })
        .collect())
}
