//! `search`: the words of a query, where to look for them, and how.

use serde_json::Value as Json;

use super::order::{choose, enum_field};
use super::place::{Place, items, shown};
use super::{Fault, can_search, default_search_fields};
use crate::catalog::Exposed;
use crate::search::{FieldRef, Fuzziness, Operator, TextMatch};

pub(super) fn read(on: &Exposed, at: &Place<'_>, json: &Json) -> Result<Option<TextMatch>, Fault> {
    if json.is_null() {
        return Ok(None);
    }
    let parts = at.object(json, r#"{"query": "words"}"#)?;
    let asked = |name: &str| parts.get(name).filter(|json| !json.is_null());
    for name in parts.keys() {
        match name.as_str() {
            "query" | "fields" | "operator" | "fuzziness" => {}
            "knn" | "fusion" if asked(name).is_none() => {}
            "knn" | "fusion" => return Err(at.key(name).unsupported("a search by vectors")),
            other => {
                return Err(at.key(other).fault("a search has query, fields, operator and fuzziness"));
            }
        }
    }
    let fields = match asked("fields") {
        Some(json) => Some(read_fields(on, &at.key("fields"), json)?),
        None => None,
    };
    let operator = choose(at, parts, "operator", &[("OR", Operator::Or), ("AND", Operator::And)])?;
    let fuzziness = choose(
        at,
        parts,
        "fuzziness",
        &[("NONE", Fuzziness::None), ("AUTO", Fuzziness::Auto), ("ONE", Fuzziness::One), ("TWO", Fuzziness::Two)],
    )?;
    let Some(query) = asked("query") else {
        return Ok(None);
    };
    let query = at.key("query").text(query)?.to_owned();
    let fields = fields.unwrap_or_else(|| default_search_fields(on).into_iter().map(|field| (field, 1.0)).collect());
    if fields.is_empty() {
        return Err(at.fault(format_args!("`{}` has no field of text or keywords to search in", on.names.many)));
    }
    Ok(Some(TextMatch { query, fields, operator: operator.unwrap_or_default(), fuzziness: fuzziness.unwrap_or_default() }))
}

fn read_fields(on: &Exposed, at: &Place<'_>, json: &Json) -> Result<Vec<(FieldRef, f32)>, Fault> {
    let items = items(json).unwrap_or_default();
    if items.is_empty() {
        return Err(at.fault("name at least one field, or leave it out to search all text"));
    }
    let mut fields: Vec<(FieldRef, f32)> = Vec::with_capacity(items.len());
    for (index, json) in items.iter().enumerate() {
        let at = at.index(index);
        let parts = at.object(json, r#"{"field": "NAME", "boost": 2}"#)?;
        if let Some(key) = parts.keys().find(|key| !["field", "boost"].contains(&key.as_str())) {
            return Err(at.key(key).fault("a field of a search has field and boost"));
        }
        let name = parts.get("field").unwrap_or(&Json::Null);
        let field = enum_field(on, &at.key("field"), name, |field| can_search(&field.field))?.field.clone();
        let boost = match parts.get("boost").filter(|json| !json.is_null()) {
            Some(json) => boost(&at.key("boost"), json)?,
            None => 1.0,
        };
        if fields.iter().any(|(known, _)| known.path == field.path) {
            return Err(at.key("field").fault(format_args!("{} is named twice", shown(name))));
        }
        fields.push((field, boost));
    }
    Ok(fields)
}

fn boost(at: &Place<'_>, json: &Json) -> Result<f32, Fault> {
    #[expect(clippy::cast_possible_truncation, reason = "a boost is a float to both engines")]
    let boost = at.number(json)? as f32;
    if boost.is_finite() && boost >= 0.0 { Ok(boost) } else { Err(at.fault("a boost is a number from 0 on")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::Catalog;
    use crate::catalog::fixture::{collection, exposed_orders, keyword, number};
    use crate::config::Config;
    use crate::error::Code;
    use crate::search::Number;

    fn ask(json: &Json) -> Result<Option<TextMatch>, Fault> {
        read(&exposed_orders(), &Place::root("search"), json)
    }

    fn paths(found: &TextMatch) -> Vec<(&str, f32)> {
        found.fields.iter().map(|(field, boost)| (field.path.as_str(), *boost)).collect()
    }

    #[test]
    fn fields_are_all_text_unless_named() {
        let found = ask(&json!({"query": "a b"})).unwrap().unwrap();
        assert_eq!(paths(&found), [("customer", 1.0), ("shipping.street", 1.0), ("notes", 1.0)]);
        assert_eq!((found.operator, found.fuzziness), (Operator::Or, Fuzziness::None));
        let found = ask(&json!({
            "query": "a", "fields": [{"field": "STATUS", "boost": 2.5}, {"field": "NOTES"}], "operator": "AND", "fuzziness": "AUTO",
            "knn": null,
        }));
        let found = found.unwrap().unwrap();
        assert_eq!(paths(&found), [("status", 2.5), ("notes", 1.0)]);
        assert_eq!((found.operator, found.fuzziness), (Operator::And, Fuzziness::Auto));
        assert_eq!(ask(&json!({"fields": null})), Ok(None));
        assert_eq!(ask(&json!(null)), Ok(None));
    }

    #[test]
    fn without_text_keywords_are_searched() {
        let words = collection("words", vec![keyword("a"), number("n", Number::Long), keyword("b")]);
        let numbers = collection("numbers", vec![number("n", Number::Long)]);
        let catalog = Catalog::of(&[words, numbers], &Config::default());
        let read = |name: &str| read(catalog.collection(name).unwrap(), &Place::root("search"), &json!({"query": "x"}));
        assert_eq!(paths(&read("words").unwrap().unwrap()), [("a", 1.0), ("b", 1.0)]);
        assert!(read("numbers").is_err());
    }

    #[test]
    fn faults_say_where() {
        for (json, path) in [
            (json!({"query": 1}), "search.query"),
            (json!({"query": "a", "fields": []}), "search.fields"),
            (json!({"query": "a", "fields": [{"field": "TOTAL"}]}), "search.fields.0.field"),
            (json!({"query": "a", "fields": [{"field": "NOTES", "boost": -1}]}), "search.fields.0.boost"),
            (json!({"query": "a", "fields": [{"field": "NOTES"}, {"field": "NOTES"}]}), "search.fields.1.field"),
            (json!({"query": "a", "operator": "XOR"}), "search.operator"),
            (json!({"query": "a", "fuzziness": 3}), "search.fuzziness"),
            (json!({"q": "a"}), "search.q"),
            (json!("a"), "search"),
        ] {
            assert_eq!(ask(&json).unwrap_err().path.join("."), path, "{json}");
        }
        assert_eq!(ask(&json!({"knn": {"field": "EMBEDDING"}})).unwrap_err().code, Code::Unsupported);
    }
}
