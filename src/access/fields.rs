//! Fields that do not exist for a role: taken out of the catalog, and out of documents. A path that is hidden hides all below it; where it
//! leads into something that is shown as a whole, the whole is hidden.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::Role;
use crate::catalog::relations::Side;
use crate::catalog::{Bounds, Catalog, Exposed, ExposedField};
use crate::search::{Collection, Field, FieldRef, Source};

/// The catalog as it exists for a role; `None`: all of it.
pub(super) fn narrowed(full: &Catalog, role: &Role) -> Option<Catalog> {
    let mut whole = true;
    let mut collections = Vec::with_capacity(full.collections.len());
    for exposed in &full.collections {
        let Some(grant) = role.grant(exposed.collection.name.as_str()) else {
            whole = false;
            continue;
        };
        let bounds = Bounds { hides: !grant.hide.is_empty(), page: grant.page, aggregations: grant.aggregations };
        let relations: Vec<_> = exposed.relations.iter().filter(|relation| leads(role, &grant.hide, relation)).cloned().collect();
        if bounds == Bounds::default() && relations.len() == exposed.relations.len() {
            collections.push(exposed.clone());
            continue;
        }
        whole = false;
        let collection = match bounds.hides {
            false => exposed.collection.clone(),
            true => Arc::new(Collection {
                fields: shown(&exposed.collection.fields, &grant.hide),
                // they name fields
                remarks: Vec::new(),
                ..Collection::clone(&exposed.collection)
            }),
        };
        collections.push(Arc::new(Exposed {
            collection,
            names: exposed.names.clone(),
            fields: existing(&exposed.fields, &grant.hide),
            relations,
            faults: Vec::new(),
            bounds,
        }));
    }
    (!whole).then_some(Catalog { revision: full.revision, collections })
}

/// What decides about the catalog of a role: roles of the same shape share one.
pub(super) fn shape(full: &Catalog, role: &Role) -> String {
    let seen = full.collections.iter().map(|exposed| {
        role.grant(exposed.collection.name.as_str()).map(|grant| {
            let hidden: BTreeSet<&str> = grant.hide.iter().map(String::as_str).collect();
            (hidden, grant.page, grant.aggregations)
        })
    });
    serde_json::to_string(&seen.collect::<Vec<_>>()).unwrap_or_default()
}

/// Both ends of a relation are seen.
fn leads(role: &Role, hide: &[String], relation: &crate::catalog::relations::Relation) -> bool {
    let seen = |side: &Side, hide: &[String]| match side {
        Side::Id => true,
        Side::Field(field) => !is_hidden(field, hide),
    };
    seen(&relation.own, hide) && role.grant(relation.to.as_str()).is_some_and(|grant| seen(&relation.by, &grant.hide))
}

fn existing(fields: &[ExposedField], hide: &[String]) -> Vec<ExposedField> {
    let kept = fields.iter().filter(|exposed| !is_hidden(&exposed.field, hide));
    kept.filter_map(|exposed| {
        let inner = existing(&exposed.fields, hide);
        // a type without fields is none
        if inner.is_empty() && !exposed.fields.is_empty() {
            return None;
        }
        let field = if exposed.fields.is_empty() { exposed.field.clone() } else { cut(&exposed.field, hide) };
        Some(ExposedField { field, fields: inner, ..exposed.clone() })
    })
    .collect()
}

fn shown(fields: &[FieldRef], hide: &[String]) -> Vec<FieldRef> {
    fields.iter().filter(|field| !is_hidden(field, hide)).map(|field| cut(field, hide)).collect()
}

fn cut(field: &FieldRef, hide: &[String]) -> FieldRef {
    match field.fields.as_slice() {
        [] => field.clone(),
        inner => Arc::new(Field { fields: shown(inner, hide), ..Field::clone(field) }),
    }
}

fn is_hidden(field: &Field, hide: &[String]) -> bool {
    // something is hidden in it, and it has no parts that could be shown one by one
    hide.iter().any(|hidden| lies_in(&field.path, hidden) || field.fields.is_empty() && lies_in(hidden, &field.path))
}

/// `a.b` lies in `a`, and in itself.
fn lies_in(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

/// Takes hidden parts out of a document, however its keys are dotted.
pub(super) fn strip(source: &mut Source, hide: &[String]) {
    hide.iter().for_each(|path| remove(source, path));
}

/// The same for an element of the nested list at `list`.
pub(super) fn strip_element(element: &mut Json, list: &str, hide: &[String]) {
    if let Json::Object(element) = element {
        let inside = hide.iter().filter_map(|path| path.strip_prefix(list)?.strip_prefix('.'));
        inside.for_each(|path| remove(element, path));
    }
}

fn remove(map: &mut Map<String, Json>, path: &str) {
    map.retain(|key, _| !lies_in(key, path));
    for (at, _) in path.match_indices('.') {
        if let Some(inner) = map.get_mut(&path[..at]) {
            remove_below(inner, &path[at + 1..]);
        }
    }
}

fn remove_below(json: &mut Json, path: &str) {
    match json {
        Json::Object(map) => remove(map, path),
        Json::Array(all) => all.iter_mut().for_each(|one| remove_below(one, path)),
        _ => {}
    }
}

/// The first part of an input that this role could not name: hidden and unknown fields look alike. Also what would take the place of
/// something that holds hidden parts.
pub(super) fn foreign(seen: &Collection, hide: &[String], source: &Source) -> Option<String> {
    foreign_in(seen, hide, source, "")
}

fn foreign_in(seen: &Collection, hide: &[String], map: &Map<String, Json>, above: &str) -> Option<String> {
    map.iter().find_map(|(key, value)| {
        let path = if above.is_empty() { key.clone() } else { format!("{above}.{key}") };
        let Some(field) = seen.field(&path) else { return Some(path) };
        if field.fields.is_empty() {
            return None;
        }
        let holds = hide.iter().any(|hidden| lies_in(hidden, &path));
        match value {
            Json::Object(inner) => foreign_in(seen, hide, inner, &path),
            _ if holds => Some(path),
            Json::Array(all) => all.iter().filter_map(Json::as_object).find_map(|inner| foreign_in(seen, hide, inner, &path)),
            _ => None,
        }
    })
}
