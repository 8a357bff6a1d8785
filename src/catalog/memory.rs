//! What was decided before and must not change by itself: lists, and names once given.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::words::{is_plain, shouted};
use super::{Exposed, ExposedField};

#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Memory {
    pub(super) collections: BTreeMap<String, Remembered>,
}

/// Of one collection. A name that is empty or absent was not given yet.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Remembered {
    pub(super) many: String,
    pub(super) one: String,
    pub(super) suggest: String,
    pub(super) type_name: String,
    /// Path -> type.
    pub(super) objects: BTreeMap<String, String>,
    /// Path -> enum value.
    pub(super) enums: BTreeMap<String, String>,
    /// Path -> whether a sample held it as a list. A field that was never seen with a value is not here.
    pub(super) lists: BTreeMap<String, bool>,
}

impl Memory {
    pub(super) fn of(&self, collection: &str) -> Option<&Remembered> {
        self.collections.get(collection)
    }

    /// Keeps the names that were given; lists stay as they were decided.
    pub(super) fn remember(&mut self, exposed: &[Exposed]) {
        for exposed in exposed {
            let remembered = self.collections.entry(exposed.collection.name.to_string()).or_default();
            let names = exposed.names.clone();
            (remembered.many, remembered.one, remembered.suggest, remembered.type_name) =
                (names.many, names.one, names.suggest, names.type_name);
            remembered.enums.clear();
            remembered.objects.clear();
            remembered.remember_fields(&exposed.fields);
        }
    }

    /// A collection is gone: if one of its name comes again, its documents are others. What was a list may stay one, for a bare value
    /// is a list of one; what was single is to be looked at again.
    pub(super) fn doubt(&mut self, collection: &str) {
        if let Some(remembered) = self.collections.get_mut(collection) {
            remembered.lists.retain(|_, list| *list);
        }
    }

    /// A collection that comes (again) while others are there: what they are called by now is theirs.
    pub(super) fn give_way(&mut self, newcomers: &[&str], present: &[Arc<Exposed>]) {
        let roots: HashSet<&str> =
            present.iter().flat_map(|e| [&e.names.many, &e.names.one, &e.names.suggest]).map(String::as_str).collect();
        let mut types: HashSet<&str> = present.iter().map(|e| e.names.type_name.as_str()).collect();
        types.extend(present.iter().flat_map(|e| e.all_fields()).filter_map(|field| field.type_name.as_deref()));
        for name in newcomers {
            let Some(remembered) = self.collections.get_mut(*name) else { continue };
            for root in [&mut remembered.many, &mut remembered.one, &mut remembered.suggest] {
                if roots.contains(root.as_str()) {
                    root.clear();
                }
            }
            if types.contains(remembered.type_name.as_str()) {
                remembered.type_name.clear();
            }
            remembered.objects.retain(|_, name| !types.contains(name.as_str()));
        }
    }
}

impl Remembered {
    fn remember_fields(&mut self, fields: &[ExposedField]) {
        for exposed in fields {
            self.enums.insert(exposed.field.path.clone(), exposed.enum_name.clone());
            if let Some(name) = &exposed.type_name {
                self.objects.insert(exposed.field.path.clone(), name.clone());
            }
            self.remember_fields(&exposed.fields);
        }
    }

    /// Enum values that another one cannot find out by itself: those that several fields would have liked.
    pub(super) fn contested(&self) -> impl Iterator<Item = (&String, &String)> {
        let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
        for path in self.enums.keys() {
            *wanted.entry(value_of(path)).or_default() += 1;
        }
        self.enums.iter().filter(move |(path, _)| wanted.get(&value_of(path)).is_some_and(|count| *count > 1))
    }

    /// Fields that were known before have the plain value, unless it was told otherwise.
    pub(super) fn fill_enums(&mut self) {
        for path in self.lists.keys() {
            let value = value_of(path);
            if is_plain(&value) && !self.enums.contains_key(path) {
                self.enums.insert(path.clone(), value);
            }
        }
    }
}

fn value_of(path: &str) -> String {
    shouted(&path.split('.').collect::<Vec<_>>()).0
}
