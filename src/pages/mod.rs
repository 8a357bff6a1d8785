//! The pages: what people see of hooke in a browser. One file a page, with its struct, its template and its handler; they ask the catalog
//! and the engine directly, as GraphQL does. Every state of a page is in its address, and every page works without JavaScript.

mod accounts;
mod assets;
mod document;
mod fault;
mod home;
mod jobs;
mod lab;
mod layout;
mod mine;
mod playground;
mod query_text;
mod reference;
mod search;
mod shelf;
mod status;

use std::sync::Arc;

use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};
use axum::{Extension, Router};
use serde_json::Value;

use crate::app::App;

/// All pages, the files they load, and the answer for an address that is none. `description` is what `/openapi.json` says.
pub fn routes(app: Arc<App>, description: &Value) -> Router {
    let playground = if app.config.graphql.playground {
        Router::new().route("/playground", get(playground::show_playground))
    } else {
        Router::new()
    };
    let reference = Extension(Arc::new(reference::Reference::read(description)));
    Router::new()
        .route("/", get(home::show_home))
        .route("/search", get(search::find_collection))
        .route("/search/{collection}", get(search::show_search))
        .route("/search/{collection}/complete", get(search::complete_text))
        .route("/documents/{collection}/{id}", get(document::show_document))
        .route("/jobs", get(jobs::show_jobs).post(jobs::start_job))
        .route("/jobs/load", post(jobs::start_load).layer(DefaultBodyLimit::disable()))
        .route("/jobs/{id}", get(jobs::show_job))
        .route("/jobs/{id}/{action}", post(jobs::steer_job))
        .route("/login", get(accounts::show_sign_in).post(accounts::sign_in))
        .route("/register", get(accounts::show_register).post(accounts::register))
        .route("/activate", get(accounts::show_activate).post(accounts::activate))
        .route("/forgot", get(accounts::show_forgot).post(accounts::forget_password))
        .route("/reset", get(accounts::show_reset).post(accounts::reset_password))
        .route("/account", get(accounts::show_account))
        .route("/account/sign-out", post(accounts::sign_out))
        .route("/account/password", post(accounts::change_password))
        .route("/account/keys", post(accounts::add_key))
        .route("/account/keys/{id}/remove", post(accounts::remove_key))
        .route("/status", get(status::show_status))
        .route("/docs", get(reference::show_reference).layer(reference))
        .route("/assets/{file}", get(assets::send_asset))
        .route("/favicon.ico", get(assets::send_icon))
        .merge(playground)
        .fallback(fault::show_nothing)
        .with_state(app)
}

/// The lab, whose experiments take longer than other requests may; where it is off, a page that says so.
pub fn lab_routes(app: Arc<App>) -> Router {
    if !app.config.has_lab() {
        return Router::new().route("/lab", get(lab::show_none));
    }
    Router::new()
        .route("/lab", get(lab::show_lab))
        .route("/lab/run/{experiment}", get(lab::run_experiment))
        .route("/lab/run/{experiment}/progress", get(lab::follow_experiment))
        .route("/lab/dictionary", post(lab::change_dictionary))
        .with_state(app)
}
