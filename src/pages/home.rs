//! `/`: the collections with their counts, whether the engine is well, and a box to search in.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::Query as Pairs;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use serde::Deserialize;

use super::fault::Fault;
use super::layout::{Layout, send};
use super::shelf;
use crate::app::App;
use crate::catalog::Exposed;
use crate::pages::mine::Mine;
use crate::search::{Call, Fetch, Health, PageRequest, Query, TotalRequest};
use crate::telemetry::RequestId;

/// Each of them is counted when the page is shown.
const PER_PAGE: usize = 60;

#[derive(Deserialize)]
pub(super) struct Asked {
    page: Option<usize>,
}

#[derive(Template)]
#[template(path = "home.html")]
struct HomePage {
    layout: Layout,
    health: Health,
    collections: Vec<Card>,
    /// Why there are none.
    fault: Option<String>,
    all: usize,
    page: usize,
    pages: usize,
    /// As the reader calls this server.
    host: String,
}

/// A collection on the page.
pub(super) struct Card {
    pub(super) name: String,
    pub(super) address: String,
    /// Its root field in GraphQL.
    pub(super) root: String,
    pub(super) fields: usize,
    pub(super) count: String,
    pub(super) remarks: Vec<String>,
}

pub(super) async fn show_home(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    asked: Result<Pairs<Asked>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let call = app.call(&id);
    let page = asked.ok().and_then(|Pairs(asked)| asked.page).unwrap_or(1).max(1);
    let health = health(&app, &call).await;
    let (all, collections, fault) = match cards(&app, &call, page - 1).await {
        Ok((all, cards)) => (all, cards, None),
        Err(fault) => (0, Vec::new(), Some(fault.message().to_owned())),
    };
    let layout = Layout::new("Collections", "home");
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost:4000").to_owned();
    let pages = all.div_ceil(PER_PAGE).max(1);
    send(StatusCode::OK, &HomePage { layout, health, collections, fault, all, page, pages, host })
}

/// An engine that does not even answer this is not ready.
pub(super) async fn health(app: &App, call: &Call) -> Health {
    match app.engine.health(call).await {
        Ok(health) => health,
        Err(fault) => {
            let engine = if app.config.elasticsearch.is_some() { "elasticsearch" } else { "embedded" };
            Health { engine, version: None, ready: false, detail: Some(Fault::from(fault).message().to_owned()), cause: None }
        }
    }
}

/// How many collections there are, and those of one page.
pub(super) async fn cards(app: &App, call: &Call, page: usize) -> Result<(usize, Vec<Card>), Fault> {
    let catalog = shelf::catalog(app, call).await?;
    let shown: Vec<&Arc<Exposed>> = catalog.collections.iter().skip(page.saturating_mul(PER_PAGE)).take(PER_PAGE).collect();
    let count = |exposed: &&Arc<Exposed>| Query {
        total: TotalRequest::All,
        page: PageRequest { size: 0, ..PageRequest::default() },
        fetch: Fetch { fields: Some(Vec::new()), ..Fetch::default() },
        ..Query::new(exposed.collection.name.clone())
    };
    let queries: Vec<Query> = shown.iter().map(count).collect();
    let counted = if queries.is_empty() { Vec::new() } else { app.engine.search(call, &queries).await? };
    let card = |(exposed, page): (&Arc<Exposed>, crate::search::Result<crate::search::Page>)| {
        let name = exposed.collection.name.as_str();
        Card {
            name: name.to_owned(),
            address: shelf::search_address(name),
            root: exposed.names.many.clone(),
            fields: exposed.collection.all_fields().len(),
            // one that fails does not take the others with it
            count: page.ok().and_then(|page| page.total).map_or_else(|| "?".to_owned(), |total| shelf::grouped(total.value)),
            remarks: exposed.collection.remarks.clone(),
        }
    };
    Ok((catalog.collections.len(), shown.into_iter().zip(counted).map(card).collect()))
}
