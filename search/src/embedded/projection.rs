//! The parts of a source that were asked for, chosen as Elasticsearch's `_source` filtering chooses them.
//!
//! A path names a value, or an object with all that is in it. Objects and lists of objects on the way stay, cut down to what
//! was asked; an object or a list of which nothing is left stays out. Keys may hold dots: `{"a.b": 1}` is found by `a.b`.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::super::Source;

/// `None`: everything; no paths: nothing.
pub(super) fn project(source: Source, fields: Option<&[Arc<str>]>) -> Source {
    match fields {
        None => source,
        Some([]) => Source::new(),
        Some(fields) => {
            let paths: Vec<&str> = fields.iter().map(AsRef::as_ref).collect();
            keep(source, &paths)
        }
    }
}

fn keep(object: Source, paths: &[&str]) -> Source {
    let mut kept = Map::new();
    for (key, value) in object {
        let rests: Vec<&str> = paths.iter().filter_map(|path| path.strip_prefix(key.as_str())).collect();
        let inside = |path: &&str| key.strip_prefix(*path).is_some_and(|rest| rest.starts_with('.'));
        if rests.contains(&"") || paths.iter().any(inside) {
            kept.insert(key, value);
            continue;
        }
        let deeper: Vec<&str> = rests.iter().filter_map(|rest| rest.strip_prefix('.')).collect();
        if !deeper.is_empty()
            && let Some(part) = keep_inside(value, &deeper)
        {
            kept.insert(key, part);
        }
    }
    kept
}

/// What is left of a value on the way to a path; `None` where that is nothing.
fn keep_inside(value: Value, paths: &[&str]) -> Option<Value> {
    match value {
        Value::Object(object) => {
            let kept = keep(object, paths);
            (!kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(elements) => {
            let kept: Vec<Value> = elements.into_iter().filter_map(|element| keep_inside(element, paths)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_what_elasticsearch_keeps() {
        let source = serde_json::json!({
            "a": {"b": 1, "c": 2}, "e": {}, "l": [{"b": 1}, {"c": 2}, {"b": 3, "c": 4}], "x.y": 1, "ab": 3, "a.b": 7, "n": null,
            "m": [1, 2], "el": [], "s": "str", "o": {"p": {}, "q": null}, "ll": [[{"b": 1}], [{"c": 1}]], "mix": [{"b": 1}, {}]
        });
        // seen with Elasticsearch 9.2.0
        for (paths, left) in [
            (&["a"][..], r#"{"a":{"b":1,"c":2},"a.b":7}"#),
            (&["a.b"], r#"{"a":{"b":1},"a.b":7}"#),
            (&["e.z"], "{}"),
            (&["l.b"], r#"{"l":[{"b":1},{"b":3}]}"#),
            (&["l.z"], "{}"),
            (&["x"], r#"{"x.y":1}"#),
            (&["x.y"], r#"{"x.y":1}"#),
            (&["n"], r#"{"n":null}"#),
            (&["n.z"], "{}"),
            (&["m.z"], "{}"),
            (&["el.z"], "{}"),
            (&["s.z"], "{}"),
            (&["o.p"], r#"{"o":{"p":{}}}"#),
            (&["o.p.z"], "{}"),
            (&["ll.b"], r#"{"ll":[[{"b":1}]]}"#),
            (&["mix.b"], r#"{"mix":[{"b":1}]}"#),
            (&["a.b", "a"], r#"{"a":{"b":1,"c":2},"a.b":7}"#),
        ] {
            let paths: Vec<Arc<str>> = paths.iter().map(|path| Arc::from(*path)).collect();
            let kept = project(source.as_object().cloned().unwrap_or_default(), Some(&paths));
            let left: Value = serde_json::from_str(left).unwrap();
            assert_eq!(Value::Object(kept), left, "{paths:?}");
        }
    }
}
