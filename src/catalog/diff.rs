//! What has changed between two catalogs, and what is odd about one, in words: for logs and for `doctor`.

use std::collections::BTreeMap;

use super::words::shouted;
use super::{Catalog, Exposed, ExposedField};

/// `new: a`, `gone: b`, `changed: c (new field x, y is a list now)`; sorted by collection.
pub fn diff(before: &Catalog, after: &Catalog) -> Vec<String> {
    let mut all: BTreeMap<&str, (Option<&Exposed>, Option<&Exposed>)> = BTreeMap::new();
    for exposed in &before.collections {
        all.entry(exposed.collection.name.as_str()).or_default().0 = Some(exposed);
    }
    for exposed in &after.collections {
        all.entry(exposed.collection.name.as_str()).or_default().1 = Some(exposed);
    }
    let told = all.into_iter().filter_map(|(name, pair)| match pair {
        (None, Some(_)) => Some(format!("new: {name}")),
        (Some(_), None) => Some(format!("gone: {name}")),
        (Some(before), Some(after)) if before != after => Some(format!("changed: {name}{}", details(before, after))),
        _ => None,
    });
    told.collect()
}

fn details(before: &Exposed, after: &Exposed) -> String {
    let mut words = Vec::new();
    let (old, new) = (&before.names, &after.names);
    if old.many != new.many || old.one != new.one {
        words.push(format!("{} is called {} now, {} {}", old.many, new.many, old.one, new.one));
    }
    if old.type_name != new.type_name {
        words.push(format!("type {} is {} now", old.type_name, new.type_name));
    }
    let fields = |exposed: &Exposed| -> BTreeMap<String, String> {
        exposed.all_fields().map(|field| (field.field.path.clone(), describe(field))).collect()
    };
    let (old, new) = (fields(before), fields(after));
    for (path, is) in &new {
        match old.get(path) {
            None => words.push(format!("new field {path}")),
            Some(was) if was != is => words.push(format!("{path} is {is} now")),
            Some(_) => {}
        }
    }
    words.extend(old.keys().filter(|path| !new.contains_key(*path)).map(|path| format!("field {path} is gone")));
    // a page of changes tells nobody anything
    const MOST: usize = 10;
    let more = words.len().saturating_sub(MOST);
    words.truncate(MOST);
    if more > 0 {
        words.push(format!("{more} more"));
    }
    if words.is_empty() { String::new() } else { format!(" ({})", words.join(", ")) }
}

/// A field's name and kind as a user meets them.
fn describe(exposed: &ExposedField) -> String {
    let kind = format!("{:?}", exposed.field.kind);
    let kind = kind.split(['(', ' ', '{']).next().unwrap_or_default().to_lowercase();
    format!("{}{} {} {}", if exposed.list { "a list of " } else { "a " }, kind, exposed.name, exposed.enum_name)
}

/// Fields on which indices disagree, types that are not known, and names that had to be changed; sorted by collection.
pub fn remarks(catalog: &Catalog) -> Vec<String> {
    let mut remarks = Vec::new();
    for exposed in &catalog.collections {
        let name = &exposed.collection.name;
        remarks.extend(exposed.collection.remarks.iter().map(|remark| format!("{name}: {remark}")));
        remarks.extend(exposed.faults.iter().map(|fault| format!("{name}: {fault}")));
        let mut rename = |what: &str, called: &str, setting: &str| {
            if has_digits(called) {
                remarks.push(format!("{name}: {what} is called {called}; choose another name by the setting {setting}"));
            }
        };
        rename("the list", &exposed.names.many, "name");
        if !has_digits(&exposed.names.many) {
            rename("one document", &exposed.names.one, "singular");
            rename("the type", &exposed.names.type_name, "singular");
        }
        for field in exposed.all_fields() {
            let path = &field.field.path;
            if field.name != field.field.name() {
                rename(&format!("the field {path}"), &field.name, "rename");
            } else if shouted(&path.split('.').collect::<Vec<_>>()).0 != field.enum_name {
                rename(&format!("the enum value of {path}"), &field.enum_name, "rename");
            }
        }
    }
    remarks
}

/// Ends as a name does that had to be told apart.
fn has_digits(name: &str) -> bool {
    name.rsplit_once('_').is_some_and(|(_, digits)| {
        digits.len() >= 4 && digits.len() % 4 == 0 && digits.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
    })
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{collection, keyword, orders, text};
    use super::*;
    use crate::config::Config;

    #[test]
    fn changes_in_words() {
        let of = |all: &[_]| Catalog::of(all, &Config::default());
        let before = of(&[orders(), collection("a", vec![keyword("x"), keyword("y")]), collection("b", vec![keyword("x")])]);
        let mut listed = keyword("x");
        listed.list = Some(true);
        let after = of(&[orders(), collection("a", vec![listed, text("z")]), collection("c", vec![keyword("x")])]);
        assert_eq!(
            diff(&before, &after),
            ["changed: a (x is a list of keyword x X now, new field z, field y is gone)", "gone: b", "new: c"]
        );
        assert!(diff(&before, &before).is_empty());
    }

    #[test]
    fn odd_names_are_told() {
        let catalog = Catalog::of(&[collection("jobs", vec![keyword("@timestamp"), keyword("plain")])], &Config::default());
        let told = remarks(&catalog);
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("jobs: the list is called jobs_5d9a"));
        assert!(told[1].starts_with("jobs: the field @timestamp is called timestamp_"));
    }
}
