//! Roles: what settings grant, and the two that are there without settings.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{Config, GrantConfig, RoleConfig};

/// The role of whoever is not signed in, where settings name it.
const ANYBODY: &str = "anybody";
const ADMIN: &str = "admin";

/// What a role may do with one collection.
pub type Grant = GrantConfig;

#[derive(Clone, Debug, PartialEq)]
pub struct Role {
    pub name: Arc<str>,
    pub settings: RoleConfig,
}

/// All roles by name.
#[derive(Clone, Debug)]
pub struct Roles {
    named: BTreeMap<Arc<str>, Arc<Role>>,
    anybody: Arc<Role>,
}

impl Role {
    /// Everything.
    pub fn admin() -> Arc<Self> {
        Arc::new(Role { name: ADMIN.into(), settings: RoleConfig { everything: true, ..RoleConfig::default() } })
    }

    /// Nothing at all.
    pub fn nothing() -> Arc<Self> {
        Arc::new(Role { name: ANYBODY.into(), settings: RoleConfig::default() })
    }

    /// May do whatever hooke can do.
    pub fn may_everything(&self) -> bool {
        self.settings.everything
    }

    /// Whoever has it might as well not be here.
    pub fn may_nothing(&self) -> bool {
        !(self.settings.everything || self.settings.jobs) && self.settings.collections.is_empty()
    }

    /// May ask for the schema.
    pub fn may_introspect(&self) -> bool {
        self.settings.everything || self.settings.introspection.0
    }

    /// May open the playground.
    pub fn may_play(&self) -> bool {
        self.settings.everything || self.settings.playground.0
    }

    /// Of the entries whose name or pattern fits a collection the one that says most. `None`: the collection does not exist for it.
    pub fn grant(&self, collection: &str) -> Option<&Grant> {
        if collection.starts_with('.') {
            return None;
        }
        let entries = &self.settings.collections;
        let fitting = entries.get(collection).or_else(|| {
            let fit = entries.iter().filter(|(pattern, _)| pattern.contains('*') && crate::catalog::fits(pattern, collection));
            fit.max_by_key(|(pattern, _)| (pattern.len(), std::cmp::Reverse(*pattern))).map(|(_, grant)| grant)
        });
        fitting.filter(|grant| grant.read)
    }
}

impl Roles {
    pub fn of(config: &Config) -> Self {
        let admin = Role::admin();
        let mut named: BTreeMap<Arc<str>, Arc<Role>> = config
            .roles
            .iter()
            .map(|(name, settings)| {
                let name: Arc<str> = name.as_str().into();
                (name.clone(), Arc::new(Role { name, settings: settings.clone() }))
            })
            .collect();
        named.insert(admin.name.clone(), admin.clone());
        let stranger = if config.has_accounts() { Role::nothing() } else { admin };
        let anybody = named.get(ANYBODY).cloned().unwrap_or(stranger);
        Roles { named, anybody }
    }

    pub fn get(&self, name: &str) -> Option<Arc<Role>> {
        self.named.get(name).cloned()
    }

    pub fn all(&self) -> impl Iterator<Item = &Arc<Role>> {
        self.named.values()
    }

    /// Of who is not signed in: `[roles.anybody]`; without it nothing where one can sign in, and else everything, for a hooke without
    /// accounts is open to whoever reaches it.
    pub fn anybody(&self) -> Arc<Role> {
        self.anybody.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn role(entries: &[(&str, u32)]) -> Role {
        let grant = |page: u32| Grant { page: Some(page), read: page > 0, ..Grant::default() };
        let collections = entries.iter().map(|(name, page)| ((*name).to_owned(), grant(*page))).collect();
        Role { name: "r".into(), settings: RoleConfig { collections, ..RoleConfig::default() } }
    }

    #[test]
    fn a_name_goes_before_a_pattern_and_a_long_pattern_before_a_short_one() {
        let role = role(&[("*", 1), ("logs-*", 2), ("logs-secret", 0), ("orders", 3)]);
        let page = |name: &str| role.grant(name).and_then(|grant| grant.page);
        assert_eq!(["x", "logs-1", "logs-secret", "orders", "orders2"].map(page), [Some(1), Some(2), None, Some(3), Some(1)]);
        assert_eq!(self::role(&[("a", 1)]).grant("b"), None);
    }

    #[test]
    fn without_settings_everybody_may_everything() {
        let roles = Roles::of(&Config::default());
        assert!(roles.anybody().may_everything() && roles.get("admin").unwrap().may_everything());
        let mut config = Config::default();
        config.roles.insert("anybody".into(), RoleConfig::default());
        assert!(!Roles::of(&config).anybody().may_everything());
    }
}
