//! A search as the text of a GraphQL query: what the pages show to whoever wants to ask the same from a program.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::catalog::{Exposed, ExposedField};
use crate::search::Kind;

/// A document of a thousand fields would make a query that nobody reads.
const MOST_FIELDS: usize = 40;

/// The arguments of a connection, in the order in which they are written.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments {
    pub(super) search: Option<Json>,
    pub(super) filter: Option<Json>,
    pub(super) facet_filters: Option<Json>,
    pub(super) order: Option<Json>,
    /// `first`, `after` and their like.
    pub(super) page: Vec<(&'static str, Json)>,
    /// Enum values of the fields to mark.
    pub(super) highlights: Vec<String>,
    /// Facets as they are selected.
    pub(super) facets: Vec<String>,
    /// A grouping as it is selected.
    pub(super) groups: Option<String>,
}

/// A query on the collection that selects what the pages show.
pub(super) fn write(on: &Exposed, arguments: &Arguments) -> String {
    let mut text = format!("query {{\n  {}(", on.names.many);
    let named = [
        ("search", &arguments.search),
        ("filter", &arguments.filter),
        ("facetFilters", &arguments.facet_filters),
        ("orderBy", &arguments.order),
    ];
    let words = named.iter().filter_map(|(name, json)| json.as_ref().map(|json| (*name, json)));
    for (name, json) in words.chain(arguments.page.iter().map(|(name, json)| (*name, json))) {
        let _ = write!(text, "\n    {name}: ");
        literal(&mut text, json, matches!(name, "search" | "orderBy"));
    }
    text.push_str("\n  ) {\n    total { value relation }\n    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }\n    edges {\n");
    text.push_str("      cursor\n");
    if arguments.search.is_some() {
        text.push_str("      score\n");
    }
    let keys = arguments.order.as_ref().and_then(Json::as_array);
    if keys.is_some_and(|keys| keys.iter().any(|key| key.get("distance").is_some())) {
        text.push_str("      distance\n");
    }
    if !arguments.highlights.is_empty() {
        let _ =
            writeln!(text, "      highlights(fields: [{}]) {{ field fragments {{ html }} }}", arguments.highlights.join(", "));
    }
    text.push_str("      node {\n        _id\n");
    let mut left = MOST_FIELDS;
    for field in &on.fields {
        select(&mut text, field, 8, &mut left);
    }
    text.push_str("      }\n    }\n");
    if !arguments.facets.is_empty() {
        let _ = writeln!(text, "    facets {{\n      {}\n    }}", arguments.facets.join("\n      "));
    }
    if let Some(groups) = &arguments.groups {
        let _ = writeln!(text, "    {groups}");
    }
    if arguments.search.is_some() {
        text.push_str(
            "    suggestions { didYouMean { text parts { text changed } } relaxed { text dropped total { value } } }\n",
        );
    }
    text.push_str("  }\n}\n");
    text
}

/// The value of an argument of a facet.
pub(super) fn argument(json: &Json) -> String {
    let mut text = String::new();
    literal(&mut text, json, true);
    text
}

fn select(text: &mut String, exposed: &ExposedField, indent: usize, left: &mut usize) {
    if *left == 0 {
        return;
    }
    let room = " ".repeat(indent);
    match exposed.field.kind {
        Kind::Object | Kind::Nested => {
            let mut inner = String::new();
            for field in &exposed.fields {
                select(&mut inner, field, indent + 2, left);
            }
            if !inner.is_empty() {
                let _ = writeln!(text, "{room}{} {{\n{inner}{room}}}", exposed.name);
            }
        }
        // long, and of no use to a reader
        Kind::Vector { .. } => {}
        Kind::GeoPoint => {
            *left -= 1;
            let _ = writeln!(text, "{room}{} {{ lat lon }}", exposed.name);
        }
        _ => {
            *left -= 1;
            let _ = writeln!(text, "{room}{}", exposed.name);
        }
    }
}

/// Where values of enums may stand, those of these keys are written bare.
const ENUMS: [&str; 6] = ["operator", "fuzziness", "field", "direction", "score", "calendar"];

fn literal(text: &mut String, json: &Json, enums: bool) {
    match json {
        Json::Array(items) => {
            text.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    text.push_str(", ");
                }
                literal(text, item, enums);
            }
            text.push(']');
        }
        Json::Object(object) => {
            text.push_str("{ ");
            for (n, (name, value)) in object.iter().enumerate() {
                if n > 0 {
                    text.push_str(", ");
                }
                let _ = write!(text, "{name}: ");
                match value {
                    Json::String(word) if enums && ENUMS.contains(&name.as_str()) => text.push_str(word),
                    value => literal(text, value, enums),
                }
            }
            text.push_str(" }");
        }
        // a string of JSON is one of GraphQL
        other => {
            let _ = write!(text, "{other}");
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_are_those_of_graphql() {
        let mut text = String::new();
        literal(&mut text, &json!({"query": "a \"b\"\n", "operator": "AND", "fields": [{"field": "NAME", "boost": 2.5}]}), true);
        assert_eq!(text, r#"{ fields: [{ boost: 2.5, field: NAME }], operator: AND, query: "a \"b\"\n" }"#);
        text.clear();
        literal(&mut text, &json!({"operator": {"eq": "AND"}, "n": [1, -2], "b": true}), false);
        assert_eq!(text, r#"{ b: true, n: [1, -2], operator: { eq: "AND" } }"#);
    }
}
