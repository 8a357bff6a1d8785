//! A look at some documents, to tell lists from single values: mappings do not say. An array in any document means list, also
//! one of a single element: whoever wrote it thought of several.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::{Exposed, ExposedField};
use crate::config::CollectionConfig;
use crate::search::{FieldRef, Filter, Kind, Query, Source};

use super::memory::Remembered;

/// Documents of all samples together, and the least and the most of one: twenty each of a thousand collections took half a second.
const TOGETHER: usize = 5_000;
const LEAST: usize = 20;
const MOST: usize = 100;

/// Fields that one search asks for by name.
const NAMED: usize = 64;

/// The fields on which neither settings nor the mapping nor an earlier sample has decided.
pub(super) fn undecided(exposed: &Exposed, config: Option<&CollectionConfig>, memory: Option<&Remembered>) -> Vec<FieldRef> {
    let by_settings = |path: &str| config.is_some_and(|config| config.lists.contains_key(path));
    let by_sample = |path: &str| memory.is_some_and(|memory| memory.lists.contains_key(path));
    exposed
        .all_fields()
        .map(|exposed| &exposed.field)
        .filter(|field| {
            !matches!(field.kind, Kind::Vector { .. } | Kind::Json { .. } | Kind::Nested)
                && field.list.is_none()
                && !by_settings(&field.path)
                && !by_sample(&field.path)
        })
        .cloned()
        .collect()
}

/// What to ask of one of `count` collections. `again`: some documents were seen before, and had none of these fields; so many
/// times they were asked for by name.
pub(super) fn query(exposed: &Exposed, undecided: &[FieldRef], count: usize, again: Option<usize>) -> Query {
    let mut query = Query::new(exposed.collection.name.clone());
    query.page.size = u32::try_from((TOGETHER / count.max(1)).clamp(LEAST, MOST)).unwrap_or(20);
    if undecided.len() <= NAMED {
        query.fetch.fields = Some(undecided.iter().map(|field| Arc::from(field.path.as_str())).collect());
    }
    if let Some(round) = again {
        let askable: Vec<&FieldRef> = undecided.iter().filter(|field| field.nested.is_none() && field.indexed).collect();
        // others each time, so that of many fields none is forgotten
        let groups: Vec<&[&FieldRef]> = askable.chunks(NAMED).collect();
        if let Some(group) = groups.get(round % groups.len().max(1)) {
            query.filter = Filter::Or(group.iter().map(|field| Filter::Exists(Arc::clone(field))).collect());
        }
    }
    query
}

/// Path -> whether it was seen as a list; a field without a value is not told of.
pub(super) fn observe<'s>(fields: &[ExposedField], sources: impl Iterator<Item = &'s Source>) -> BTreeMap<String, bool> {
    let mut seen = BTreeMap::new();
    for source in sources {
        observe_object(fields, source, &mut seen);
    }
    seen
}

fn observe_object(fields: &[ExposedField], object: &Map<String, Json>, seen: &mut BTreeMap<String, bool>) {
    for exposed in fields {
        for value in values_of(object, exposed.field.name()) {
            observe_value(exposed, &value, seen);
        }
    }
}

fn observe_value(exposed: &ExposedField, value: &Json, seen: &mut BTreeMap<String, bool>) {
    let field = &exposed.field;
    let list = match value {
        Json::Null => return,
        // a single place may be written [longitude, latitude]
        Json::Array(values) => field.kind != Kind::GeoPoint || !values.first().is_some_and(Json::is_number),
        _ => false,
    };
    *seen.entry(field.path.clone()).or_default() |= list;
    observe_children(exposed, value, seen);
}

fn observe_children(exposed: &ExposedField, value: &Json, seen: &mut BTreeMap<String, bool>) {
    match value {
        Json::Object(object) => observe_object(&exposed.fields, object, seen),
        Json::Array(elements) if !exposed.fields.is_empty() => {
            elements.iter().for_each(|element| observe_children(exposed, element, seen));
        }
        _ => {}
    }
}

/// The values under a key, also where the key is dotted: `{"a.b": 1}` is `{"a": {"b": 1}}`.
fn values_of<'j>(object: &'j Map<String, Json>, name: &str) -> Vec<Cow<'j, Json>> {
    let mut values: Vec<Cow<'j, Json>> = object.get(name).map(Cow::Borrowed).into_iter().collect();
    for (key, value) in object {
        if let Some(rest) = key.strip_prefix(name).and_then(|rest| rest.strip_prefix('.')) {
            values.push(Cow::Owned(Json::Object(Map::from_iter([(rest.to_owned(), value.clone())]))));
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::fixture::exposed_orders;
    use super::*;

    fn see(documents: &[Json]) -> BTreeMap<String, bool> {
        observe(&exposed_orders().fields, documents.iter().filter_map(Json::as_object))
    }

    #[test]
    fn an_array_in_any_document_is_a_list() {
        let seen = see(&[
            json!({"status": "a", "total": 1, "place": [13.4, 52.5], "rating": null, "gift": []}),
            json!({"status": ["b"], "total": 2, "shipping": [{"city": "x"}, {"city": "y", "floor": [1]}]}),
            json!({"status": "c", "shipping.street": ["a", "b"], "items": [{"sku": ["a"], "qty": 1, "parcels": {"carrier": "x"}}]}),
        ]);
        let list = |path: &str| seen.get(path).copied();
        assert_eq!(list("status"), Some(true));
        assert_eq!(list("total"), Some(false));
        assert_eq!(list("place"), Some(false));
        assert_eq!(list("rating"), None);
        assert_eq!(list("gift"), Some(true));
        assert_eq!(list("shipping"), Some(true));
        assert_eq!(list("shipping.city"), Some(false));
        assert_eq!(list("shipping.floor"), Some(true));
        assert_eq!(list("shipping.street"), Some(true));
        assert_eq!(list("items.sku"), Some(true));
        assert_eq!(list("items.qty"), Some(false));
        assert_eq!(list("items.parcels.carrier"), Some(false));
        assert_eq!(list("notes"), None);
        assert_eq!(see(&[json!({"place": [[13.4, 52.5]]})]).get("place"), Some(&true));
        assert_eq!(see(&[json!({"place": [{"lat": 1, "lon": 2}]})]).get("place"), Some(&true));
    }

    #[test]
    fn only_what_nobody_decided_is_asked_for() {
        let orders = exposed_orders();
        let remembered = Remembered { lists: [("status".to_owned(), false)].into(), ..Remembered::default() };
        let config = CollectionConfig { lists: [("total".to_owned(), true)].into(), ..CollectionConfig::default() };
        let fields = undecided(&orders, Some(&config), Some(&remembered));
        let paths: Vec<&str> = fields.iter().map(|field| field.path.as_str()).collect();
        for (path, asked) in [
            ("status", false),
            ("total", false),
            ("labels", false),
            ("items", false),
            ("embedding", false),
            ("attributes", false),
            ("shipping", true),
            ("shipping.city", true),
            ("items.sku", true),
            ("notes", true),
        ] {
            assert_eq!(paths.contains(&path), asked, "{path}");
        }
        assert_eq!(query(&orders, &fields, 1, None).page.size, 100);
        assert_eq!(query(&orders, &fields, 1_000, None).page.size, 20);
        assert!(matches!(query(&orders, &fields, 1, Some(0)).filter, Filter::Or(some) if some.len() > 5));
    }
}
