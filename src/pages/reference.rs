//! `/docs`: the REST reference, drawn from the description that `/openapi.json` answers. A plain list, and in its place Swagger UI
//! where the build has it and the browser runs scripts.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value;

use super::assets;
use super::layout::{Layout, send};

/// What the page is drawn from.
pub(super) struct Reference {
    groups: Vec<Group>,
}

/// Operations of one tag.
#[derive(Clone)]
struct Group {
    name: String,
    about: String,
    operations: Vec<Operation>,
}

#[derive(Clone)]
struct Operation {
    name: String,
    method: String,
    path: String,
    summary: String,
    about: String,
    parameters: Vec<Parameter>,
    bodies: Vec<Body>,
    answers: Vec<Answer>,
}

#[derive(Clone)]
struct Parameter {
    name: String,
    place: String,
    kind: String,
    required: bool,
    about: String,
}

#[derive(Clone)]
struct Body {
    kind: String,
    example: String,
}

#[derive(Clone)]
struct Answer {
    status: String,
    kind: String,
    about: String,
}

#[derive(Template)]
#[template(path = "reference.html")]
struct ReferencePage {
    layout: Layout,
    bundled: bool,
    operations: usize,
    groups: Vec<Group>,
}

pub(super) async fn show_reference(Extension(reference): Extension<Arc<Reference>>) -> Response {
    let groups = reference.groups.clone();
    let operations = groups.iter().map(|group| group.operations.len()).sum();
    let page = ReferencePage { layout: Layout::new("REST reference", "docs"), bundled: assets::is_bundled(), operations, groups };
    send(StatusCode::OK, &page)
}

impl Reference {
    pub(super) fn read(description: &Value) -> Self {
        let mut groups: Vec<Group> = items(&description["tags"])
            .map(|tag| Group { name: text(&tag["name"]), about: text(&tag["description"]), operations: Vec::new() })
            .collect();
        for (path, item) in entries(&description["paths"]) {
            for (method, operation) in entries(item) {
                let tag = text(&operation["tags"][0]);
                let operation = read_operation(method, path, operation);
                match groups.iter_mut().find(|group| group.name == tag) {
                    Some(group) => group.operations.push(operation),
                    None => groups.push(Group { name: tag, about: String::new(), operations: vec![operation] }),
                }
            }
        }
        groups.retain(|group| !group.operations.is_empty());
        Reference { groups }
    }
}

fn read_operation(method: &str, path: &str, operation: &Value) -> Operation {
    let parameters = items(&operation["parameters"]).map(|parameter| Parameter {
        name: text(&parameter["name"]),
        place: text(&parameter["in"]),
        kind: match parameter.get("content") {
            Some(_) => "JSON".to_owned(),
            None => kind_of(&parameter["schema"]),
        },
        required: parameter["required"] == true,
        about: text(&parameter["description"]),
    });
    let bodies = entries(&operation["requestBody"]["content"]).map(|(kind, content)| Body {
        kind: kind.clone(),
        example: content.get("example").and_then(|example| serde_json::to_string_pretty(example).ok()).unwrap_or_default(),
    });
    let answers = entries(&operation["responses"]).map(|(status, answer)| Answer {
        status: status.clone(),
        kind: entries(&answer["content"]).map(|(kind, _)| kind.as_str()).collect::<Vec<_>>().join(", "),
        about: text(&answer["description"]),
    });
    Operation {
        name: text(&operation["operationId"]),
        method: method.to_uppercase(),
        path: path.to_owned(),
        summary: text(&operation["summary"]),
        about: text(&operation["description"]),
        parameters: parameters.collect(),
        bodies: bodies.collect(),
        answers: answers.collect(),
    }
}

fn kind_of(schema: &Value) -> String {
    let choice: Vec<String> = items(&schema["enum"]).map(text).collect();
    if choice.is_empty() { text(&schema["type"]) } else { choice.join(", ") }
}

fn items(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

fn entries(object: &Value) -> impl Iterator<Item = (&String, &Value)> {
    object.as_object().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn operations_are_grouped_in_the_order_of_tags() {
        let operation = |tag: &str| {
            json!({ "tags": [tag], "operationId": "x", "summary": "Do <it>", "parameters": [
            { "name": "a", "in": "query", "schema": { "enum": ["ONE", "TWO"] } }], "responses": { "200": { "description": "Fine" } } })
        };
        let reference = Reference::read(&json!({
            "tags": [{ "name": "second", "description": "About" }, { "name": "empty" }],
            "paths": { "/a": { "get": operation("first") }, "/b": { "get": operation("second"), "put": operation("second") } },
        }));
        let groups: Vec<_> = reference.groups.iter().map(|group| (group.name.as_str(), group.operations.len())).collect();
        assert_eq!(groups, [("second", 2), ("first", 1)]);
        let operation = &reference.groups[0].operations[0];
        assert_eq!((operation.method.as_str(), operation.parameters[0].kind.as_str()), ("GET", "ONE, TWO"));
        assert_eq!(operation.answers[0].about, "Fine");
    }
}
