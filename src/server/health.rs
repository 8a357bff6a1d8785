//! Is the process alive, and can it answer.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Json, Router};
use serde_json::{Value, json};

use crate::app::App;
use crate::graphql::Api;
use crate::telemetry::RequestId;

/// Who asks whether we are ready asks again soon.
const PATIENCE: Duration = Duration::from_secs(2);

pub(super) fn routes(app: Arc<App>, api: Arc<Api>) -> Router {
    Router::new()
        .route("/livez", get(async || Json(json!({ "status": "OK" }))))
        .route("/readyz", get(tell_readiness))
        .with_state((app, api))
}

async fn tell_readiness(
    State((app, api)): State<(Arc<App>, Arc<Api>)>,
    Extension(id): Extension<RequestId>,
) -> (StatusCode, Json<Value>) {
    let call = crate::search::Call::within(PATIENCE).named(id.0);
    let answer = tokio::time::timeout(PATIENCE, app.engine.health(&call)).await;
    let (engine, detail) = match answer {
        Ok(Ok(health)) if health.ready && api.revision() == 0 => {
            (Some(health.engine), "the collections were not read yet".to_owned())
        }
        Ok(Ok(health)) if health.ready => {
            return (StatusCode::OK, Json(json!({ "status": "OK", "engine": health.engine, "version": health.version })));
        }
        // on loopback it is the operator who asks; elsewhere an address or a certificate of the cluster is nobody's business
        Ok(Ok(health)) => {
            let cause = health.cause.filter(|_| app.config.listen.ip().is_loopback());
            (Some(health.engine), cause.or(health.detail).unwrap_or_else(|| "the search engine is not ready".into()))
        }
        Ok(Err(fault)) => (None, fault.to_string()),
        Err(_) => (None, "the search engine did not answer in time".to_owned()),
    };
    let body = json!({ "status": "UNAVAILABLE", "engine": engine, "detail": detail });
    (StatusCode::SERVICE_UNAVAILABLE, Json(body))
}
