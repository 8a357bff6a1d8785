//! The pages: what people see of hooke in a browser. One file a page, with its struct, its template and its handler; they ask the catalog
//! and the engine directly, as GraphQL does. Every state of a page is in its address, and every page works without JavaScript.

mod assets;
mod document;
mod fault;
mod home;
mod layout;
mod playground;
mod query_text;
mod search;
mod shelf;
mod status;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use crate::app::App;

/// All pages, the files they load, and the answer for an address that is none.
pub fn routes(app: Arc<App>) -> Router {
    Router::new()
        .route("/", get(home::show_home))
        .route("/search", get(search::find_collection))
        .route("/search/{collection}", get(search::show_search))
        .route("/documents/{collection}/{id}", get(document::show_document))
        .route("/status", get(status::show_status))
        .route("/playground", get(playground::show_playground))
        .route("/assets/{file}", get(assets::send_asset))
        .route("/favicon.ico", get(assets::send_icon))
        .fallback(fault::show_nothing)
        .with_state(app)
}
