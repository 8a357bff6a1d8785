//! What settings say of roles: `[roles.NAME]`, and in it per collection what one may do, which rows and which fields one sees.
//! Whether collections and fields of these names are there is for whoever knows the catalog.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value as Json;
use toml::Value;

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RoleConfig {
    /// Everything, of every collection; makes and removes collections, and sees all jobs.
    pub everything: bool,
    /// May start jobs: each runs with the rights of who started it.
    pub jobs: bool,
    /// May ask for the schema.
    pub introspection: Allowed,
    /// May open the playground.
    pub playground: Allowed,
    /// By the collection's name, or a pattern with `*`: the longest one that fits counts, a name before a pattern.
    pub collections: BTreeMap<String, GrantConfig>,
}

/// On unless settings say otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Allowed(pub bool);

impl Default for Allowed {
    fn default() -> Self {
        Allowed(true)
    }
}

/// What a role may do with a collection.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GrantConfig {
    /// Without it the collection does not exist for the role.
    pub read: bool,
    pub create: bool,
    pub update: bool,
    pub delete: bool,
    /// The rows: a filter in which `{"claim": "sub"}` stands for what the viewer's claims say.
    pub filter: Option<Json>,
    /// Fields that do not exist for the role.
    pub hide: Vec<String>,
    /// Hits of one page; absent: as many as the limits allow.
    pub page: Option<u32>,
    /// Facets, aggregates, groups and suggestions.
    pub aggregations: bool,
    /// Groups and buckets of fewer documents are left out. A courtesy: no promise of privacy.
    pub smallest_group: u64,
}

impl Default for GrantConfig {
    fn default() -> Self {
        GrantConfig {
            read: true,
            create: false,
            update: false,
            delete: false,
            filter: None,
            hide: Vec::new(),
            page: None,
            aggregations: true,
            smallest_group: 1,
        }
    }
}

/// `[roles.NAME]`.
pub(super) fn read(value: Value) -> Result<BTreeMap<String, RoleConfig>, String> {
    let rows: BTreeMap<String, RoleConfig> =
        value.try_into().map_err(|fault: toml::de::Error| fault.to_string().trim().replace('\n', " "))?;
    for (name, role) in &rows {
        role.check(name).map_err(|fault| format!("{name}: {fault}"))?;
    }
    Ok(rows)
}

impl RoleConfig {
    fn check(&self, name: &str) -> Result<(), String> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            return Err("a name has 1 to 64 of a-z 0-9 - _".into());
        }
        if name == "admin" {
            return Err("this role is built in and may do everything; give yours another name".into());
        }
        if self.everything && !self.collections.is_empty() {
            return Err("everything leaves nothing to say about collections".into());
        }
        for (collection, grant) in &self.collections {
            grant.check().map_err(|fault| format!("{collection}: {fault}"))?;
        }
        Ok(())
    }
}

impl GrantConfig {
    fn check(&self) -> Result<(), String> {
        if !self.read && (self.create || self.update || self.delete) {
            return Err("create, update and delete need read: their answers show the document".into());
        }
        match &self.filter {
            Some(Json::Object(filter)) if filter.is_empty() => {
                return Err("an empty filter holds nothing back: leave it out to show all rows".into());
            }
            None | Some(Json::Object(_)) => {}
            Some(_) => return Err("filter is an object, as { owner = { eq = { claim = \"sub\" } } }".into()),
        }
        match self.page {
            Some(0) => Err("page must be at least 1".into()),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_read_whole() {
        let text = "[reader.collections.'*']\n[seller]\njobs = true\n[seller.collections.orders]\ncreate = true\nhide = ['margin']\nfilter = { owner = { eq = { claim = 'sub' } } }";
        let roles = read(Value::Table(text.parse().unwrap())).unwrap();
        assert!(roles["reader"].collections["*"].read && !roles["reader"].collections["*"].create);
        let orders = &roles["seller"].collections["orders"];
        assert!(orders.create && orders.aggregations && roles["seller"].introspection.0);
        assert_eq!(orders.filter, Some(serde_json::json!({ "owner": { "eq": { "claim": "sub" } } })));
        for (row, part) in [
            ("everything = true\n[a.collections.b]", "nothing to say"),
            ("[a.collections.b]\nread = false\nupdate = true", "need read"),
            ("[a.collections.b]\nfilter = {}", "empty filter"),
            ("[a.collections.b]\nfilter = 'x'", "an object"),
            ("[a.collections.b]\npage = 0", "at least 1"),
            ("reads = true", "reads"),
        ] {
            let fault = read(Value::Table(format!("[a]\n{row}").parse().unwrap())).unwrap_err();
            assert!(fault.contains(part), "{fault}");
        }
        assert!(read(Value::Table("[admin]".parse().unwrap())).unwrap_err().contains("built in"));
    }
}
