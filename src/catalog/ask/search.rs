//! `search`: the words of a query, where to look for them, and how; a vector to be near to; and both.

use serde_json::{Map, Value as Json};

use super::order::{choose, enum_field};
use super::place::{Place, items, shown};
use super::{Fault, can_be_near, can_search, default_search_fields};
use crate::catalog::Exposed;
use crate::search::{FieldRef, Fuzziness, Kind, Operator, Rank, TextMatch};

/// What Elasticsearch looks at, at most.
const MOST_NEAR: u32 = 10_000;

pub(super) fn read(on: &Exposed, at: &Place<'_>, json: &Json) -> Result<Option<Rank>, Fault> {
    if json.is_null() {
        return Ok(None);
    }
    let parts = at.object(json, r#"{"query": "words"}"#)?;
    let asked = |name: &str| parts.get(name).filter(|json| !json.is_null());
    const PARTS: [&str; 6] = ["query", "fields", "operator", "fuzziness", "knn", "fusion"];
    if let Some(other) = parts.keys().find(|name| !PARTS.contains(&name.as_str())) {
        return Err(at.key(other).fault("a search has query, fields, operator and fuzziness, knn and fusion"));
    }
    let words = read_words(on, at, parts)?;
    let nearest = match asked("knn") {
        Some(json) => Some(read_nearest(on, &at.key("knn"), json)?),
        None => None,
    };
    let fusion = choose(at, parts, "fusion", &[("RRF", ())])?;
    match (words, nearest, fusion) {
        (Some(words), Some(nearest), Some(())) => Ok(Some(Rank::Fused(vec![Rank::Text(words), nearest]))),
        (Some(_), Some(_), None) => {
            Err(at.fault("scores of words and of vectors do not compare: say fusion: RRF, or leave one out"))
        }
        (_, _, Some(())) => Err(at.key("fusion").fault("a fusion needs both query and knn")),
        (words, nearest, None) => Ok(words.map(Rank::Text).or(nearest)),
    }
}

fn read_words(on: &Exposed, at: &Place<'_>, parts: &Map<String, Json>) -> Result<Option<TextMatch>, Fault> {
    let asked = |name: &str| parts.get(name).filter(|json| !json.is_null());
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

/// `{field, vector, k, numCandidates}`
fn read_nearest(on: &Exposed, at: &Place<'_>, json: &Json) -> Result<Rank, Fault> {
    let parts = at.object(json, r#"{"field": "NAME", "vector": [1, 2]}"#)?;
    if let Some(key) = parts.keys().find(|key| !["field", "vector", "k", "numCandidates"].contains(&key.as_str())) {
        return Err(at.key(key).fault("a search by a vector has field, vector, k and numCandidates"));
    }
    let name = parts.get("field").unwrap_or(&Json::Null);
    let field = enum_field(on, &at.key("field"), name, |field| can_be_near(&field.field))?.field.clone();
    let given = at.key("vector");
    let numbers = parts.get("vector").and_then(items).unwrap_or_default();
    let mut vector = Vec::with_capacity(numbers.len());
    for (index, number) in numbers.iter().enumerate() {
        #[expect(clippy::cast_possible_truncation, reason = "vectors are of floats on both engines")]
        let number = given.index(index).number(number)? as f32;
        if !number.is_finite() {
            return Err(given.index(index).fault("a vector holds finite numbers"));
        }
        vector.push(number);
    }
    if let Kind::Vector { dims: Some(dims), .. } = field.kind
        && dims as usize != vector.len()
    {
        return Err(given.fault(format_args!("{name} has {dims} numbers, {} were given", vector.len())));
    }
    let count = |key: &str| match parts.get(key).filter(|json| !json.is_null()) {
        None => Ok(None),
        Some(json) => match json.as_u64().and_then(|count| u32::try_from(count).ok()) {
            Some(count @ 1..=MOST_NEAR) => Ok(Some(count)),
            Some(count) if count > MOST_NEAR => Err(at.key(key).limit("k", key, MOST_NEAR as usize, count as usize)),
            _ => Err(at.key(key).fault(format_args!("{key} is a whole number from 1 to {MOST_NEAR}"))),
        },
    };
    let k = count("k")?.unwrap_or(10);
    // more are looked at than are wanted: the index finds the nearest only about
    let candidates = count("numCandidates")?.unwrap_or_else(|| (k * 2).clamp(100, MOST_NEAR));
    if candidates < k {
        return Err(at.key("numCandidates").fault(format_args!("numCandidates may not be less than k, which is {k}")));
    }
    Ok(Rank::Knn { field, vector, k, candidates })
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

    fn ask(json: &Json) -> Result<Option<Rank>, Fault> {
        read(&exposed_orders(), &Place::root("search"), json)
    }

    fn text(found: Result<Option<Rank>, Fault>) -> TextMatch {
        match found.unwrap().unwrap() {
            Rank::Text(words) => words,
            other => panic!("{other:?}"),
        }
    }

    fn paths(found: &TextMatch) -> Vec<(&str, f32)> {
        found.fields.iter().map(|(field, boost)| (field.path.as_str(), *boost)).collect()
    }

    #[test]
    fn fields_are_all_text_unless_named() {
        let found = text(ask(&json!({"query": "a b"})));
        assert_eq!(paths(&found), [("customer", 1.0), ("shipping.street", 1.0), ("notes", 1.0)]);
        assert_eq!((found.operator, found.fuzziness), (Operator::Or, Fuzziness::None));
        let found = ask(&json!({
            "query": "a", "fields": [{"field": "STATUS", "boost": 2.5}, {"field": "NOTES"}], "operator": "AND", "fuzziness": "AUTO",
            "knn": null,
        }));
        let found = text(found);
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
        assert_eq!(paths(&text(read("words"))), [("a", 1.0), ("b", 1.0)]);
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
    }

    #[test]
    fn a_vector_alone_and_with_words() {
        let knn = json!({"field": "EMBEDDING", "vector": [1, 0.5, 0]});
        let Some(Rank::Knn { field, vector, k, candidates }) = ask(&json!({"knn": knn})).unwrap() else { panic!("a vector") };
        assert_eq!((&*field.path, &*vector, k, candidates), ("embedding", &[1.0, 0.5, 0.0][..], 10, 100));
        let fused = ask(&json!({"query": "a", "knn": knn, "fusion": "RRF"})).unwrap();
        assert!(matches!(fused, Some(Rank::Fused(parts)) if matches!(parts[..], [Rank::Text(_), Rank::Knn { .. }])));
        for (json, path) in [
            (json!({"query": "a", "knn": knn}), "search"),
            (json!({"knn": knn, "fusion": "RRF"}), "search.fusion"),
            (json!({"knn": {"field": "NOTES", "vector": [1, 2, 3]}}), "search.knn.field"),
            (json!({"knn": {"field": "EMBEDDING", "vector": [1, 2]}}), "search.knn.vector"),
            (json!({"knn": {"field": "EMBEDDING"}}), "search.knn.vector"),
            (json!({"knn": {"field": "EMBEDDING", "vector": [1, "x", 3]}}), "search.knn.vector.1"),
            (json!({"knn": {"field": "EMBEDDING", "vector": [1, 2, 3], "k": 0}}), "search.knn.k"),
            (
                json!({"knn": {"field": "EMBEDDING", "vector": [1, 2, 3], "k": 20, "numCandidates": 10}}),
                "search.knn.numCandidates",
            ),
            (json!({"knn": {"field": "EMBEDDING", "vector": [1, 2, 3], "near": 1}}), "search.knn.near"),
        ] {
            assert_eq!(ask(&json).unwrap_err().path.join("."), path, "{json}");
        }
        let far = json!({"knn": {"field": "EMBEDDING", "vector": [1, 2, 3], "k": 10_001}});
        assert_eq!(ask(&far).unwrap_err().code, Code::LimitExceeded);
    }
}
