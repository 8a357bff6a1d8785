//! The REST API under `/v1`: collections and their documents; errors as `application/problem+json`; its description as OpenAPI.

mod admission;
mod bulk;
mod collections;
mod export;
mod lines;
mod media;
mod operation;
mod problem;

use std::sync::Arc;

use axum::routing::get;
use axum::{Json, Router};
use utoipa::OpenApi as _;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::app::App;

pub use problem::Problem;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(title = "hooke", description = "Collections and their documents."),
    tags((name = "collections"), (name = "documents")),
)]
struct Description;

fn described() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(collections::list_collections, collections::create_collection))
        .routes(routes!(collections::describe_collection, collections::remove_collection))
        .routes(routes!(bulk::write_documents))
        .routes(routes!(export::export_documents))
}

/// `/v1/collections…` and `/openapi.json`.
pub fn routes(app: Arc<App>) -> Router {
    let (router, description) = described().split_for_parts();
    router.with_state(app).route("/openapi.json", get(async || Json(description)))
}

/// What `/openapi.json` answers.
pub fn openapi() -> OpenApi {
    described().into_openapi()
}
