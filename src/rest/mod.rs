//! The REST API under `/v1`: collections and their documents; errors as `application/problem+json`.

mod problem;

use std::sync::Arc;

use axum::Router;

use crate::app::App;

pub use problem::Problem;

pub fn routes(_app: Arc<App>) -> Router {
    Router::new()
}
