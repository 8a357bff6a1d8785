//! What the description of the API says beyond what stands beside the handlers: which errors each operation may answer, by its
//! shape; bounds that are settings; and what the macros cannot write. The same is served, kept in `openapi.json` and tested.

use serde_json::{Map, Value, json};

use super::bulk::RefreshParameter;
use super::problem::{Fault, Problem};
use crate::config::Limits;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "hooke",
        description = "Collections and their documents over HTTP. The same collections are typed GraphQL fields at `/graphql`.\n\nErrors are `application/problem+json` with the codes of GraphQL; every answer has an `x-request-id`, which the log knows too. What may be written is the setting `writes`."
    ),
    servers((url = "/", description = "This server")),
    tags(
        (name = "collections", description = "Which there are, and what their documents look like."),
        (name = "documents", description = "One by one with versions, many at once, found by a search, or all of them."),
        (name = "hashtags", description = "The routes of the service that hooke grew from."),
        (name = "jobs", description = "Long tasks: started, watched and steered."),
        (name = "accounts", description = "Who is asking: signing in, and out, and keys of programs. 404 where the settings have no accounts."),
        (name = "users", description = "For administrators."),
        (name = "health", description = "For whoever keeps hooke running."),
    ),
    paths(tell_life, tell_readiness, tell_description),
    components(schemas(Problem, Fault, RefreshParameter)),
)]
pub(super) struct Description;

#[derive(serde::Serialize, utoipa::ToSchema)]
struct Health {
    #[schema(example = "OK")]
    status: String,
    /// `elasticsearch` or `embedded`.
    engine: Option<String>,
    version: Option<String>,
    /// Why it is not ready.
    detail: Option<String>,
}

/// Is the process alive
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, body = Health)))]
#[expect(dead_code, reason = "for the description")]
fn tell_life() {}

/// Can it answer
#[utoipa::path(get, path = "/readyz", tag = "health", responses(
    (status = 200, body = Health),
    (status = 503, body = Health, description = "Not yet, or not now"),
))]
#[expect(dead_code, reason = "for the description")]
fn tell_readiness() {}

/// This description
#[utoipa::path(get, path = "/openapi.json", tag = "health", responses((status = 200, body = Object)))]
#[expect(dead_code, reason = "for the description")]
fn tell_description() {}

/// The whole description, as it is served under these limits.
pub(super) fn finish(made: &utoipa::openapi::OpenApi, limits: &Limits) -> Value {
    let mut description = serde_json::to_value(made).unwrap_or_default();
    let paths = description.get_mut("paths").and_then(Value::as_object_mut).into_iter().flatten();
    for (path, item) in paths {
        for (_, operation) in item.as_object_mut().into_iter().flatten() {
            if let Some(operation) = operation.as_object_mut() {
                complete(path, operation, limits);
            }
        }
    }
    description
}

fn complete(path: &str, operation: &mut Map<String, Value>, limits: &Limits) {
    let mut guarded = false;
    let mut asked = operation.contains_key("requestBody");
    for parameter in operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
        let Some(parameter) = parameter.as_object_mut() else { continue };
        asked = true;
        guarded |= parameter.get("name").is_some_and(|name| name == "If-Match");
        bound(parameter, limits);
    }
    let has_body = operation.contains_key("requestBody");
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    if path.starts_with("/v1/") && path != "/v1/healthcheck" {
        for (status, applies) in [
            ("400", asked),
            ("403", true),
            ("404", path.contains('{')),
            ("412", guarded),
            ("413", has_body),
            ("415", has_body),
            ("5XX", true),
        ] {
            if applies && !responses.contains_key(status) {
                let schema = json!({ "$ref": "#/components/schemas/Problem" });
                responses.insert(status.into(), json!({ "content": { "application/problem+json": { "schema": schema } } }));
            }
        }
    }
    for (status, response) in responses {
        let Some(response) = response.as_object_mut() else { continue };
        if response.get("description").is_none_or(|text| text == "") {
            response.insert("description".into(), meaning(status).into());
        }
    }
}

fn meaning(status: &str) -> &'static str {
    match status {
        "200" => "The answer",
        "201" => "Made; Location says where",
        "202" => "Begun; Location says where to look",
        "204" => "Done; there is nothing to say",
        "304" => "It is what If-None-Match names",
        "400" => "The request must be changed: `detail` and `errors` say where and how",
        "401" => "Nobody who is known: sign in, or send a token or a key that holds",
        "429" => "Too many attempts: Retry-After says when to come back",
        "403" => "The settings do not allow it, or the Host or Origin is foreign",
        "404" => "There is no such collection, or nothing under that id",
        "409" => "Something else is in the way: a name that is taken, an id of two documents",
        "412" => "If-Match, or If-None-Match: *, does not hold",
        "413" => "The body is larger than the setting limits.body allows",
        "415" => "A body names its content type, and it is none of those taken here",
        "4XX" => "The request cannot be answered: `detail` says why",
        "5XX" => {
            "A fault of hooke (500), what this engine cannot do (501), or an engine that answers in part (502), not at all (503) or too late (504)"
        }
        _ => "An error",
    }
}

/// What a parameter can be: absent, but never null; and inside the limits that are settings.
fn bound(parameter: &mut Map<String, Value>, limits: &Limits) {
    let name = parameter.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let place = parameter.get("in").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(schema) = parameter.get_mut("schema").and_then(Value::as_object_mut) else { return };
    if let Some(types) = schema.get_mut("type")
        && let Some(all) = types.as_array()
    {
        let others: Vec<_> = all.iter().filter(|one| *one != "null").cloned().collect();
        *types = if let [one] = others.as_slice() { one.clone() } else { others.into() };
    }
    let most = match (place.as_str(), name.as_str()) {
        ("query", "first" | "last") | ("path", "size") => Some(limits.first),
        ("query", "offset") | ("path", "from") => Some(limits.window),
        _ => None,
    };
    if let Some(most) = most {
        schema.insert("maximum".into(), most.into());
    }
    if place == "path" && schema.get("type").is_some_and(|kind| kind == "string") {
        schema.insert("minLength".into(), 1.into());
        if name == "id" {
            schema.insert("maxLength".into(), 512.into());
        }
    }
    // JSON inside an address
    let json = match name.as_str() {
        "filter" if place == "query" => json!({ "type": "object" }),
        "orderBy" if place == "query" => json!({ "type": "array", "items": { "$ref": "#/components/schemas/OrderKey" } }),
        _ => return,
    };
    parameter.remove("schema");
    let example = parameter.remove("example");
    let mut content = json!({ "schema": json });
    if let Some(example) = example {
        content["example"] = example;
    }
    parameter.insert("content".into(), json!({ "application/json": content }));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rest::described;

    fn operations() -> Vec<(String, String, Value)> {
        let description = finish(&described().into_openapi(), &Limits::default());
        let mut all = Vec::new();
        for (path, item) in description["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                all.push((path.clone(), method.clone(), operation.clone()));
            }
        }
        all
    }

    #[test]
    fn every_operation_says_what_it_is_and_what_its_answers_mean() {
        let all = operations();
        assert!(all.len() >= 20);
        for (path, method, operation) in all {
            assert!(operation["summary"].is_string() && operation["tags"][0].is_string(), "{method} {path}");
            for (status, response) in operation["responses"].as_object().unwrap() {
                assert!(response["description"].as_str().is_some_and(|text| !text.is_empty()), "{method} {path} {status}");
                let kinds: Vec<&String> = response["content"].as_object().into_iter().flatten().map(|(kind, _)| kind).collect();
                let is_error = status.starts_with(['4', '5']) && path.starts_with("/v1/");
                assert_eq!(kinds == ["application/problem+json"], is_error, "{method} {path} {status}: {kinds:?}");
            }
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().unwrap();
                assert_eq!(parameter["in"] == "path", path.contains(&format!("{{{name}}}")), "{method} {path} {name}");
            }
        }
    }

    #[test]
    fn bounds_are_those_of_the_settings() {
        let description = finish(&described().into_openapi(), &Limits { first: 7, ..Limits::default() });
        let parameters = &description["paths"]["/v1/collections/{collection}/search"]["get"]["parameters"];
        let first = parameters.as_array().unwrap().iter().find(|parameter| parameter["name"] == "first").unwrap();
        assert_eq!((&first["schema"]["maximum"], &first["schema"]["type"]), (&json!(7), &json!("integer")));
    }
}
