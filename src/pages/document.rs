//! `/documents/{collection}/{id}`: one document, readable, and as it was written.

use askama::Template;
use axum::Extension;
use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::Value as Json;

use super::fault::Fault;
use super::layout::{Layout, send};
use super::search::headline;
use super::shelf;
use crate::error::Code;
use crate::pages::mine::Mine;
use crate::search::{DocRef, DocumentId, Fetch, Filter};
use crate::telemetry::RequestId;

/// Deeper objects are shown as JSON.
const DEEPEST: usize = 8;

#[derive(Template)]
#[template(path = "document.html")]
struct DocumentPage {
    layout: Layout,
    collection: String,
    collection_address: String,
    headline: String,
    id: String,
    index: String,
    version: String,
    tree: Tree,
    json: String,
}

/// The fields of one object; it writes itself, for objects lie in objects.
#[derive(Template)]
#[template(path = "tree.html")]
struct Tree {
    rows: Vec<(String, Shown)>,
}

/// A value; it writes itself.
#[derive(Template)]
#[template(path = "shown.html")]
enum Shown {
    Nothing,
    Text(String),
    /// A text with lines or paragraphs.
    Prose(String),
    Link(String),
    List(Vec<Shown>),
    Object(Tree),
    Json(String),
}

pub(super) async fn show_document(
    Mine(app): Mine,
    Extension(request): Extension<RequestId>,
    Path((collection, id)): Path<(String, String)>,
) -> Result<Response, Fault> {
    let call = app.call(&request);
    let on = shelf::find(&app, &call, &collection).await?;
    let document = DocumentId::parse(&id).map_err(|why| Fault::new(Code::BadUserInput, format!("That is no id: {why}.")))?;
    let wanted = [DocRef::new(on.collection.name.clone(), document)];
    let mut found = app.engine.get(&call, &wanted, &Fetch::default(), &Filter::All).await?;
    let Some(document) = found.pop().flatten() else {
        return Err(Fault::new(Code::NotFound, format!("There is no document “{id}” in {collection}.")));
    };
    let headline = headline(&on, &document.source).map_or(id.as_str(), |(_, text)| text).to_owned();
    // fields in the order of the mapping, then what the mapping does not know
    let known = on.fields.iter().map(|field| field.field.path.as_str());
    let mut keys: Vec<&str> = known.filter(|key| document.source.contains_key(*key)).collect();
    keys.extend(document.source.keys().map(String::as_str).filter(|key| on.fields.iter().all(|field| field.field.path != *key)));
    let rows = keys.into_iter().filter_map(|key| Some((key.to_owned(), show(document.source.get(key)?, 0)))).collect();
    let page = DocumentPage {
        layout: Layout::new(format!("{headline} · {collection}"), ""),
        collection_address: shelf::search_address(&collection),
        collection,
        headline,
        id,
        index: document.index.to_string(),
        version: document.version.to_string(),
        tree: Tree { rows },
        json: serde_json::to_string_pretty(&document.source).unwrap_or_default(),
    };
    Ok(send(StatusCode::OK, &page))
}

fn show(json: &Json, depth: usize) -> Shown {
    match json {
        Json::Null => Shown::Nothing,
        Json::Bool(true) => Shown::Text("yes".to_owned()),
        Json::Bool(false) => Shown::Text("no".to_owned()),
        Json::Number(number) => Shown::Text(number.to_string()),
        Json::String(text) if is_link(text) => Shown::Link(text.clone()),
        Json::String(text) if text.len() > 80 || text.contains('\n') => Shown::Prose(text.clone()),
        Json::String(text) => Shown::Text(text.clone()),
        Json::Array(_) | Json::Object(_) if depth >= DEEPEST => Shown::Json(json.to_string()),
        // vectors and the like
        Json::Array(items) if items.len() > 16 && items.iter().all(Json::is_number) => Shown::Json(json.to_string()),
        Json::Array(items) => Shown::List(items.iter().map(|item| show(item, depth + 1)).collect()),
        Json::Object(object) => {
            Shown::Object(Tree { rows: object.iter().map(|(key, value)| (key.clone(), show(value, depth + 1))).collect() })
        }
    }
}

/// Nothing but these two schemes: a document must not be able to run a script by a link.
fn is_link(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://")) && !text.contains(char::is_whitespace) && text.len() <= 2_000
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_document_holds_is_escaped() {
        let Shown::Object(tree) =
            show(&json!({"<b>": ["<script>", {"u": "javascript:x", "v": "https://a.example/?a=\"b"}], "n": null}), 0)
        else {
            panic!()
        };
        let html = tree.render().unwrap();
        assert!(!html.contains("<script>") && !html.contains("<b>") && !html.contains("href=\"javascript"), "{html}");
        assert!(html.contains("href=\"https://a.example/?a=&#34;b\""), "{html}");
    }

    #[test]
    fn depth_ends() {
        let mut deep = json!(1);
        for _ in 0..100 {
            deep = json!([deep]);
        }
        let tree = Tree { rows: vec![("a".into(), show(&deep, 0))] };
        assert!(tree.render().unwrap().contains("[[[["));
    }
}
