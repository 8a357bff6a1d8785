//! The experiments as routes under `/lab`, and under the first names that some of them had. They have a deadline of their own and a
//! description of their own, `/lab/openapi.json`: what waits by design is nothing to be tried out together with the rest.

mod calls;
mod dictionary;
mod searches;
mod upstream;
mod users;
mod waits;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::header;
use axum::routing::get;
use bytes::Bytes;
use utoipa::OpenApi as _;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::description::finish;
use super::problem::Problem;
use crate::app::App;
use crate::lab;

pub use upstream::{Bundled, Own, serve, start_own};

#[derive(utoipa::OpenApi)]
#[openapi(info(title = "The lab of hooke", description = "Experiments that one can run."), tags((name = "lab")))]
struct Description;

fn described() -> OpenApiRouter<Arc<App>> {
    OpenApiRouter::with_openapi(Description::openapi())
        .routes(routes!(waits::wait_in_sequence))
        .routes(routes!(waits::wait_at_once))
        .routes(routes!(calls::call_in_sequence))
        .routes(routes!(calls::call_at_once))
        .routes(routes!(calls::call_limited))
        .routes(routes!(users::get_user))
        .routes(routes!(users::ask_users))
        .routes(routes!(searches::search_three_ways))
        .routes(routes!(
            dictionary::get_value,
            dictionary::put_value,
            dictionary::post_values,
            dictionary::patch_value,
            dictionary::delete_value
        ))
}

/// `/lab/…` and the first names. To be served with [`lab::TIME`].
pub fn routes(app: Arc<App>) -> Router {
    let (router, made) = described().split_for_parts();
    // settings do not change while it runs
    let description = Bytes::from(finish(&made, &app.config.limits).to_string());
    let kind = [(header::CONTENT_TYPE, "application/json")];
    router
        .route("/sync", get(waits::wait_in_sequence))
        .route("/async", get(waits::wait_at_once))
        .route("/cat/{n}", get(calls::call_in_sequence))
        .route("/cat_async/{n}", get(calls::call_at_once))
        .route("/cat_async_limited/{n}", get(calls::call_limited))
        .with_state(app)
        .route("/lab/openapi.json", get(async move || (kind, description)))
}

impl From<lab::Fault> for Problem {
    fn from(fault: lab::Fault) -> Self {
        Problem::new(fault.code, fault.message)
    }
}

/// Seconds, to a tenth of a millisecond.
fn seconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 10_000.0).round() / 10_000.0
}
