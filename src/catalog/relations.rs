//! Relations between collections, as settings declare them: which field of one names documents of the other. They are resolved here against
//! what there is; one that cannot be is left out, and the remarks of the catalog say why.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;

use super::Exposed;
use super::words::is_plain;
use crate::config::{Config, RelationConfig};
use crate::search::value::{self, Value};
use crate::search::{CollectionName, DocumentId, FieldRef, Filter, Kind, Source};

/// A field of documents that holds documents of another collection.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    /// In the document's type.
    pub name: String,
    /// What names the others.
    pub own: Side,
    pub to: CollectionName,
    /// What is named.
    pub by: Side,
    /// Any number of them, as a connection; else one.
    pub many: bool,
    /// The own field is a list: one document for each of its values.
    pub list: bool,
}

/// One end of a relation.
#[derive(Clone, Debug, PartialEq)]
pub enum Side {
    Id,
    Field(FieldRef),
}

impl Relation {
    /// What a document says of the others: each value as its `by` field reads it, in order; nothing where it says nothing.
    pub fn keys(&self, id: &DocumentId, source: &Source) -> Vec<Value> {
        let mut keys = Vec::new();
        match &self.own {
            Side::Id => keys.extend(self.by.read(&Json::from(id.as_str()))),
            Side::Field(field) => {
                let path: Vec<&str> = field.path.split('.').collect();
                gather(&Json::Object(source.clone()), &path, &mut |json| keys.extend(self.by.read(json)));
            }
        }
        keys
    }

    /// The documents named by this key.
    pub fn filter(&self, key: &Value) -> Filter {
        match (&self.by, key) {
            (Side::Field(field), key) => Filter::OneOf(field.clone(), vec![key.clone()]),
            (Side::Id, Value::Text(id)) => DocumentId::parse(id).map_or(Filter::Nothing, |id| Filter::Ids(vec![id])),
            (Side::Id, _) => Filter::Nothing,
        }
    }

    /// The path of the source that is needed of a document; none where its id is enough.
    pub fn needs(&self) -> Option<&str> {
        match &self.own {
            Side::Id => None,
            Side::Field(field) => Some(&field.path),
        }
    }
}

impl Side {
    /// A value of the other side as this one would hold it; `None` where it could hold no such value.
    fn read(&self, json: &Json) -> Option<Value> {
        match self {
            Side::Id => match json {
                Json::String(text) => Some(Value::Text(text.clone())),
                Json::Number(number) => Some(Value::Text(number.to_string())),
                _ => None,
            },
            Side::Field(field) => match json {
                Json::Null => None,
                // an id is text whatever is looked for
                Json::String(text) if matches!(field.kind, Kind::Number(_)) => {
                    value::from_query(&field.kind, &serde_json::from_str(text).ok()?).ok()
                }
                Json::Number(number) if matches!(field.kind, Kind::Keyword(_) | Kind::Text { .. }) => {
                    Some(Value::Text(number.to_string()))
                }
                other => value::from_query(&field.kind, other).ok(),
            },
        }
    }

    fn of(exposed: &Exposed, path: &str) -> Result<Side, String> {
        if path == "_id" {
            return Ok(Side::Id);
        }
        let name = &exposed.collection.name;
        let field = exposed.all_fields().find(|field| field.field.path == path).map(|field| field.field.clone());
        let field = field.ok_or_else(|| format!("{name} has no field {path}"))?;
        if field.nested.is_some() {
            return Err(format!("{path} of {name} lies in nested elements"));
        }
        match field.kind {
            Kind::Keyword(_) | Kind::Number(_) | Kind::Boolean | Kind::Date(_) | Kind::Ip => Ok(Side::Field(field)),
            Kind::Text { .. } if field.exact_path().is_some() => Ok(Side::Field(field)),
            _ => Err(format!("{path} of {name} has no exact values")),
        }
    }
}

/// Every value at a path, through objects and lists.
fn gather(json: &Json, path: &[&str], found: &mut dyn FnMut(&Json)) {
    match (json, path) {
        (Json::Array(items), _) => items.iter().for_each(|item| gather(item, path, found)),
        (Json::Object(map), [_, ..]) => {
            // a dot in a name is the same as an object
            for (at, _) in path.iter().enumerate() {
                if let Some(inner) = map.get(&path[..=at].join(".")) {
                    gather(inner, &path[at + 1..], found);
                }
            }
        }
        (_, []) => found(json),
        _ => {}
    }
}

/// Resolves what settings declare of every collection.
pub(super) fn relate(exposed: &mut [Exposed], config: &Config) {
    let made: Vec<(Vec<Relation>, Vec<String>)> = exposed
        .iter()
        .map(|one| {
            let declared = config.catalog.collections.get(one.collection.name.as_str());
            let (mut relations, mut faults) = (Vec::new(), Vec::new());
            for (name, row) in declared.iter().flat_map(|config| &config.relations) {
                match resolve(one, exposed, name, row, config.graphql.relay) {
                    Ok(relation) => relations.push(relation),
                    Err(fault) => faults.push(format!("the relation {name} is left out: {fault}")),
                }
            }
            (relations, faults)
        })
        .collect();
    for (one, (relations, faults)) in exposed.iter_mut().zip(made) {
        (one.relations, one.faults) = (relations, faults);
    }
}

fn resolve(one: &Exposed, all: &[Exposed], name: &str, row: &RelationConfig, relay: bool) -> Result<Relation, String> {
    let taken: BTreeSet<&str> = one.fields.iter().map(|field| field.name.as_str()).collect();
    if !is_plain(name) || name.starts_with('_') || name == if relay { "id" } else { "nodeId" } {
        return Err("a name begins with a letter and has letters, digits and _; it is none of hooke's own".into());
    }
    if taken.contains(name) {
        return Err("a field has this name: choose another".into());
    }
    let to = all.iter().find(|other| other.collection.name.as_str() == row.to);
    let to = to.ok_or_else(|| format!("there is no collection {}", row.to))?;
    let (own, by) = (Side::of(one, &row.field)?, Side::of(to, &row.by)?);
    let list = match &own {
        Side::Id => false,
        Side::Field(field) => one.all_fields().any(|shown| Arc::ptr_eq(&shown.field, field) && is_list(one, &shown.field.path)),
    };
    Ok(Relation { name: name.into(), own, to: to.collection.name.clone(), by, many: row.many, list })
}

/// The field or an object around it holds several.
fn is_list(one: &Exposed, path: &str) -> bool {
    one.all_fields().any(|field| {
        let above = path.strip_prefix(&*field.field.path);
        field.list && above.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::Catalog;
    use super::super::fixture::{collection, keyword, text};
    use super::*;
    use crate::search::{Field, Number};

    fn number(path: &str) -> Field {
        Field { kind: Kind::Number(Number::Long), ..keyword(path) }
    }

    fn catalog(relations: &[(&str, &str, RelationConfig)]) -> Catalog {
        let mut config = Config::default();
        for (from, name, row) in relations {
            let entry = config.catalog.collections.entry((*from).to_owned()).or_default();
            entry.relations.insert((*name).to_owned(), row.clone());
        }
        let mut tags = keyword("tags");
        tags.list = Some(true);
        let posts = collection("posts", vec![keyword("author_id"), number("year"), tags, text("body")]);
        Catalog::of(&[posts, collection("users", vec![keyword("name"), number("number")])], &config)
    }

    fn row(to: &str, field: &str, by: &str, many: bool) -> RelationConfig {
        RelationConfig { to: to.into(), field: field.into(), by: by.into(), many }
    }

    #[test]
    fn relations_are_resolved_both_ways() {
        let catalog = catalog(&[
            ("posts", "author", row("users", "author_id", "_id", false)),
            ("posts", "tagged", row("users", "tags", "name", false)),
            ("users", "posts", row("posts", "_id", "author_id", true)),
        ]);
        let relations = &catalog.collections[0].relations;
        assert_eq!(
            relations.iter().map(|one| (&*one.name, one.many, one.list)).collect::<Vec<_>>(),
            [("author", false, false), ("tagged", false, true)]
        );
        let Json::Object(source) = json!({ "author_id": "7", "tags": ["a", null, "b"] }) else { panic!("an object") };
        let id = DocumentId::parse("1").unwrap();
        assert_eq!(relations[0].keys(&id, &source), [Value::Text("7".into())]);
        assert_eq!(relations[1].keys(&id, &source).len(), 2);
        assert!(matches!(relations[0].filter(&Value::Text("7".into())), Filter::Ids(_)));
        let back = &catalog.collections[1].relations[0];
        assert!(back.many && back.needs().is_none());
        assert!(matches!(back.filter(&back.keys(&id, &source)[0]), Filter::OneOf(field, _) if field.path == "author_id"));
    }

    #[test]
    fn what_cannot_be_is_left_out_and_told() {
        let catalog = catalog(&[
            ("posts", "author", row("people", "author_id", "_id", false)),
            ("posts", "body", row("users", "author_id", "_id", false)),
            ("posts", "by_text", row("users", "body", "_id", false)),
            ("posts", "lost", row("users", "nowhere", "_id", false)),
            ("posts", "_id", row("users", "author_id", "_id", false)),
        ]);
        assert!(catalog.collections[0].relations.is_empty());
        let told = super::super::remarks(&catalog).join("\n");
        for part in
            ["no collection people", "a field has this name", "no exact values", "no field nowhere", "none of hooke's own"]
        {
            assert!(told.contains(part), "{part} in {told}");
        }
    }

    #[test]
    fn an_id_meets_a_number_and_a_number_an_id() {
        let catalog = catalog(&[
            ("posts", "one", row("users", "_id", "number", false)),
            ("posts", "other", row("users", "year", "_id", false)),
        ]);
        let relations = &catalog.collections[0].relations;
        let Json::Object(source) = json!({ "year": 1999 }) else { panic!("an object") };
        let keys = |at: usize, id: &str| relations[at].keys(&DocumentId::parse(id).unwrap(), &source);
        assert_eq!(keys(0, "12"), [Value::Long(12)]);
        assert_eq!(keys(0, "x"), []);
        assert_eq!(keys(1, "12"), [Value::Text("1999".into())]);
    }
}
