//! `/playground`: GraphiQL where the build has it, else a plain form; with a query to begin with that works on what is there.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::Query as Pairs;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::assets;
use super::fault::Fault;
use super::layout::{Layout, send, send_under};
use super::query_text::{self, Arguments};
use super::shelf;
use crate::access::Viewer;
use crate::catalog::{Catalog, Exposed, ask};
use crate::error::Code;
use crate::pages::mine::Mine;
use crate::telemetry::RequestId;

/// What one would try first on the sample.
const SAMPLE: &str = "landmarks";
const SAMPLE_WORDS: &str = "stone arch over a gorge";

/// Longer queries do not fit into an address anyway.
const LONGEST: usize = 64 * 1024;

#[derive(Deserialize, Default)]
pub(super) struct Asked {
    query: Option<String>,
}

#[derive(Template)]
#[template(path = "playground.html")]
struct PlaygroundPage {
    layout: Layout,
    query: String,
    /// It came with the address.
    linked: bool,
    bundled: bool,
}

pub(super) async fn show_playground(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    asked: Result<Pairs<Asked>, axum::extract::rejection::QueryRejection>,
) -> Response {
    if !viewer.role.may_play() {
        return Fault::new(Code::Forbidden, "your role may not open the playground").into_response();
    }
    let linked = asked.map(|Pairs(asked)| asked).unwrap_or_default().query.filter(|query| query.len() <= LONGEST);
    let catalog = shelf::catalog(&app, &app.call(&id)).await.ok();
    let page = PlaygroundPage {
        layout: Layout::new("Playground", "playground"),
        linked: linked.is_some(),
        query: linked.unwrap_or_else(|| first_query(catalog.as_deref())),
        bundled: assets::is_bundled(),
    };
    if page.bundled { send_under(StatusCode::OK, &page, &assets::policy(true)) } else { send(StatusCode::OK, &page) }
}

fn first_query(catalog: Option<&Catalog>) -> String {
    let sample = catalog.and_then(|catalog| catalog.collection(SAMPLE)).filter(|on| on.collection.field("description").is_some());
    match (sample, catalog.and_then(|catalog| catalog.collections.first())) {
        (Some(on), _) => {
            let names = ["name", "description"].iter().filter_map(|name| on.fields.iter().find(|field| field.name == *name));
            let highlights = names.filter(|field| ask::can_search(&field.field)).map(|field| field.enum_name.clone()).collect();
            let search = Some(json!({ "query": SAMPLE_WORDS }));
            write(on, Arguments { search, highlights, ..Arguments::default() })
        }
        (None, Some(on)) => write(on, Arguments::default()),
        (None, None) => "# There is no collection yet: `hooke load` makes one.\nquery {\n  __typename\n}\n".to_owned(),
    }
}

fn write(on: &Exposed, arguments: Arguments) -> String {
    let query = query_text::write(on, &Arguments { page: vec![("first", json!(5))], ..arguments });
    format!("# Ctrl-Enter runs it. Ctrl-Space tells what can stand where the cursor is.\n{query}")
}
