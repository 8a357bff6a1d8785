//! `/metrics`, for Prometheus. It tells how much is asked of which routes: for whoever sits at this machine, for those with the role
//! `admin`, and elsewhere only where the settings open it.

use std::sync::Arc;

use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};

use crate::access::{Viewer, Who};
use crate::app::App;
use crate::error::Code;
use crate::graphql::Api;
use crate::rest::Problem;
use crate::telemetry::metrics;

pub(super) fn routes(app: Arc<App>, api: Arc<Api>) -> Router {
    Router::new().route("/metrics", get(show_metrics)).with_state((app, api))
}

async fn show_metrics(State((app, api)): State<(Arc<App>, Arc<Api>)>, viewer: Option<Extension<Arc<Viewer>>>) -> Response {
    let admin = viewer.is_some_and(|viewer| viewer.who != Who::Anybody && viewer.role.may_everything());
    if !(admin || app.config.has_metrics()) {
        let detail = "metrics are for this machine: set log.metrics = true to show them to all who reach this server";
        return Problem::new(Code::Forbidden, detail).into_response();
    }
    let metrics = metrics();
    let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
    metrics.jobs.set(number(app.jobs.running()));
    metrics.sockets.set(number(app.sockets.len()));
    metrics.subscriptions.set(number(api.live()));
    metrics.collections.set(number(api.collections()));
    let headers = [
        (header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    (headers, metrics.print(app.stats.uptime(), crate::search::trips_made())).into_response()
}
