//! Which collections the embedded engine takes, and how one grows. What of them is kept on disk is in `records`.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::{Analyzer, Collection, CollectionName, Exact, Field, FieldRef, Kind, Origin};
use super::super::{Error, Result};

/// More fields than this are refused, as Elasticsearch refuses them by default.
const MOST_FIELDS: usize = 1_000;

/// Whether a new collection can be held: whole, without contradictions, and of kinds, analyzers and formats that are known.
pub(super) fn accept(collection: &Collection) -> Result<()> {
    if collection.origin != Origin::Index {
        return Err(Error::Unsupported("an alias, a data stream or a pattern".into()));
    }
    let name = &collection.name;
    if !name.is_hidden() {
        CollectionName::parse(name.as_str()).map_err(|fault| Error::invalid(fault.to_string()))?;
    }
    accept_fields(&collection.fields)
}

fn accept_fields(fields: &[FieldRef]) -> Result<()> {
    let mut seen = HashSet::new();
    accept_level(fields, None, &mut seen)?;
    if seen.len() > MOST_FIELDS {
        return Err(Error::Limit(format!("a collection has at most {MOST_FIELDS} fields; this one has {}", seen.len())));
    }
    Ok(())
}

fn accept_level<'a>(fields: &'a [FieldRef], parent: Option<&str>, seen: &mut HashSet<&'a str>) -> Result<()> {
    for field in fields {
        let name = match parent {
            None => Some(field.path.as_str()),
            Some(parent) => field.path.strip_prefix(parent).and_then(|rest| rest.strip_prefix('.')),
        };
        if name.is_none_or(|name| name.is_empty() || name.contains('.') || name.trim() != name) {
            return Err(refused(&field.path, "is no name of a field here: it may not be empty nor hold a dot"));
        }
        if !seen.insert(field.path.as_str()) {
            return Err(refused(&field.path, "stands there twice"));
        }
        accept_kind(field)?;
        accept_level(&field.fields, Some(&field.path), seen)?;
    }
    Ok(())
}

fn accept_kind(field: &Field) -> Result<()> {
    let unsupported = |what: String| Err(Error::Unsupported(format!("{what} of the field {}", field.path)));
    match &field.kind {
        Kind::Keyword(exact) => accept_exact(field, exact)?,
        Kind::Text { analyzer, exact } => {
            if let Analyzer::Other(name) = analyzer {
                return unsupported(format!("the analyzer {name}"));
            }
            if let Some(exact) = exact {
                accept_exact(field, exact)?;
            }
        }
        Kind::Json { mapping_type } if !matches!(mapping_type.as_str(), "flattened" | "object") => {
            return unsupported(format!("the type {mapping_type}"));
        }
        Kind::Number(_)
        | Kind::Boolean
        | Kind::Date(_)
        | Kind::Ip
        | Kind::GeoPoint
        | Kind::Vector { .. }
        | Kind::Object
        | Kind::Nested
        | Kind::Json { .. } => {}
    }
    if !field.fields.is_empty() && !matches!(field.kind, Kind::Object | Kind::Nested) {
        return Err(refused(&field.path, "holds fields but is no object"));
    }
    Ok(())
}

fn accept_exact(field: &Field, exact: &Exact) -> Result<()> {
    match exact.normalizer.as_deref() {
        None | Some("lowercase") => Ok(()),
        Some(other) => Err(Error::Unsupported(format!("the normalizer {other} of the field {}", field.path))),
    }
}

/// The collection with these fields too. Those that exist must be the same; objects may get new members.
pub(super) fn extended(collection: &Collection, fields: &[FieldRef]) -> Result<Collection> {
    let mut grown = collection.clone();
    for field in fields {
        grown.fields = with_field(&grown.fields, field)?;
    }
    accept_fields(&grown.fields)?;
    Ok(grown)
}

fn with_field(level: &[FieldRef], field: &FieldRef) -> Result<Vec<FieldRef>> {
    let mut level = level.to_vec();
    for place in &mut level {
        if place.path == field.path {
            *place = Arc::new(joined(place, field)?);
            return Ok(level);
        }
        let inside = field.path.strip_prefix(place.path.as_str()).is_some_and(|rest| rest.starts_with('.'));
        if inside {
            let mut parent = Field::clone(place);
            parent.fields = with_field(&place.fields, field)?;
            *place = Arc::new(parent);
            return Ok(level);
        }
    }
    level.push(Arc::clone(field));
    Ok(level)
}

fn joined(old: &Field, new: &Field) -> Result<Field> {
    let mut wanted = new.clone();
    wanted.fields = old.fields.clone();
    // whether it is a list is no part of the mapping proper: who does not say keeps what was said
    wanted.list = new.list.or(old.list);
    let list = wanted.list;
    wanted.list = old.list;
    if wanted != *old {
        return Err(refused(&old.path, "exists and is another kind of field: that cannot be changed"));
    }
    wanted.list = list;
    for child in &new.fields {
        wanted.fields = with_field(&wanted.fields, child)?;
    }
    Ok(wanted)
}

fn refused(path: &str, why: &str) -> Error {
    Error::Invalid { message: format!("{path:?} {why}"), path: path.split('.').map(str::to_owned).collect() }
}

#[cfg(test)]
mod tests {
    use super::super::super::Number;
    use super::*;

    fn field(path: &str, kind: Kind, fields: Vec<FieldRef>) -> FieldRef {
        Arc::new(Field { fields, ..Field::new(path, kind) })
    }

    fn long(path: &str) -> FieldRef {
        field(path, Kind::Number(Number::Long), Vec::new())
    }

    fn collection(fields: Vec<FieldRef>) -> Collection {
        Collection::new(CollectionName::parse("things").unwrap(), fields)
    }

    #[test]
    fn it_refuses_by_name_what_it_cannot_do() {
        let text = field("title", Kind::Text { analyzer: Analyzer::Other("french".into()), exact: None }, Vec::new());
        let error = accept(&collection(vec![text])).unwrap_err().to_string();
        assert!(error.contains("french") && error.contains("title"), "{error}");
        let shape = field("area", Kind::Json { mapping_type: "geo_shape".into() }, Vec::new());
        assert!(matches!(accept(&collection(vec![shape])), Err(Error::Unsupported(what)) if what.contains("geo_shape")));
        let exact = Exact { path: "k".into(), ignore_above: None, normalizer: Some("folding".into()) };
        let keyword = field("k", Kind::Keyword(exact), Vec::new());
        assert!(matches!(accept(&collection(vec![keyword])), Err(Error::Unsupported(what)) if what.contains("folding")));
    }

    #[test]
    fn it_refuses_fields_that_contradict_each_other() {
        assert!(matches!(accept(&collection(vec![long("n"), long("n")])), Err(Error::Invalid { .. })));
        assert!(matches!(accept(&collection(vec![long("a.b")])), Err(Error::Invalid { .. })));
        assert!(matches!(accept(&collection(vec![field("o", Kind::Object, vec![long("b")])])), Err(Error::Invalid { .. })));
        assert!(accept(&collection(vec![field("o", Kind::Object, vec![long("o.b")])])).is_ok());
        let many = (0..=MOST_FIELDS).map(|n| long(&format!("f{n}"))).collect();
        assert!(matches!(accept(&collection(many)), Err(Error::Limit(_))));
    }

    #[test]
    fn a_collection_grows_but_never_changes() {
        let old = collection(vec![long("n"), field("o", Kind::Object, vec![long("o.a")])]);
        let grown = extended(&old, &[long("n"), long("m"), long("o.b"), field("o", Kind::Object, vec![long("o.c")])]).unwrap();
        let paths: Vec<&str> = grown.all_fields().into_iter().map(|field| field.path.as_str()).collect();
        assert_eq!(paths, ["n", "o", "o.a", "o.b", "o.c", "m"]);
        let changed = extended(&old, &[field("n", Kind::Boolean, Vec::new())]).unwrap_err();
        assert!(matches!(changed, Error::Invalid { path, .. } if path == ["n"]));
    }
}
