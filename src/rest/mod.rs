//! The REST API under `/v1`: collections and their documents; errors as `application/problem+json`; its description as OpenAPI.

mod accounts;
mod admission;
mod bulk;
mod collections;
mod compat;
mod description;
mod documents;
mod export;
mod jobs;
mod keys;
pub mod lab;
mod lines;
mod media;
mod mine;
mod operation;
mod problem;
mod search;
mod users;
mod verification;

use std::sync::Arc;

use axum::http::header;
use axum::routing::get;
use axum::{Extension, Router};
use bytes::Bytes;
use serde_json::Value;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;
use crate::config::Limits;

pub use accounts::Refused;
pub use problem::Problem;

fn described() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(description::Description::openapi())
        .routes(routes!(collections::list_collections, collections::create_collection))
        .routes(routes!(collections::describe_collection, collections::remove_collection))
        .routes(routes!(documents::create_document))
        .routes(routes!(documents::get_document, documents::put_document, documents::patch_document, documents::delete_document))
        .routes(routes!(search::search_by_address, search::search_by_body))
        .routes(routes!(bulk::write_documents))
        .routes(routes!(export::export_documents))
        .routes(routes!(verification::verify_collection))
        .routes(routes!(compat::check_health))
        .routes(routes!(compat::create_index))
        .routes(routes!(compat::load_content))
        .routes(routes!(compat::search_content))
        .routes(routes!(compat::list_hashtags))
        .routes(routes!(jobs::list_jobs, jobs::start_job))
        .routes(routes!(jobs::start_load))
        .routes(routes!(jobs::watch_jobs))
        .routes(routes!(jobs::get_job))
        .routes(routes!(jobs::steer_job))
        .routes(routes!(jobs::watch_job))
        .routes(routes!(jobs::get_result))
        .routes(routes!(accounts::register))
        .routes(routes!(accounts::activate))
        .routes(routes!(accounts::sign_in))
        .routes(routes!(accounts::renew))
        .routes(routes!(accounts::sign_out))
        .routes(routes!(accounts::forget_password))
        .routes(routes!(accounts::reset_password))
        .routes(routes!(accounts::tell_viewer))
        .routes(routes!(accounts::change_password))
        .routes(routes!(keys::list_keys, keys::add_key))
        .routes(routes!(keys::remove_key))
        .routes(routes!(users::list_users, users::add_user))
        .routes(routes!(users::get_user, users::change_user, users::remove_user))
}

/// `/v1/collections…` and `/openapi.json`.
pub fn routes(app: Arc<App>) -> Router {
    let (router, description) = described().split_for_parts();
    let known = Extension(Arc::new(compat::Known::default()));
    let description = Bytes::from(description::finish(&description, &app.config.limits).to_string());
    let kind = [(header::CONTENT_TYPE, "application/json")];
    router.layer(known).with_state(app).route("/openapi.json", get(async move || (kind, description)))
}

/// What `/openapi.json` answers under these limits.
pub fn openapi(limits: &Limits) -> Value {
    description::finish(&described().into_openapi(), limits)
}

/// A text as one segment of a path.
fn segment(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_description_is_not_stale() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");
        let text = serde_json::to_string_pretty(&openapi(&Limits::default())).unwrap() + "\n";
        if std::env::var("UPDATE").is_ok_and(|value| value == "1") {
            std::fs::write(path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), text, "openapi.json is stale: write it anew by `just schemas`");
    }
}
