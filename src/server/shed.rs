//! More requests at once than can be answered in good time are sent away at once: a queue would only make all of them late.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use tokio::sync::Semaphore;

use super::observe::is_probe;
use crate::error::Code;
use crate::rest::Problem;
use crate::telemetry::audit::Refusal;
use crate::telemetry::metrics;

/// Requests that are being answered; what follows the head of an answer, as streams and sockets do, is not counted.
#[derive(Clone)]
pub(super) struct Load {
    places: Arc<Semaphore>,
    most: usize,
}

impl Load {
    pub(super) fn new(most: usize) -> Self {
        Load { places: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))), most }
    }
}

pub(super) async fn admit(State(load): State<Load>, request: Request, next: Next) -> Response {
    // whoever watches over us must be answered above all when there is much to do
    if is_probe(request.uri().path()) {
        return next.run(request).await;
    }
    let Ok(_place) = load.places.try_acquire() else {
        metrics().count_refusal("overload");
        let detail = format!("more than {} requests at once (limits.in_flight): try again in a moment", load.most);
        let mut response = Problem::new(Code::BackendUnavailable, detail).into_response();
        response.extensions_mut().insert(Refusal::because(Code::BackendUnavailable.as_str(), "overload"));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        return response;
    };
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::middleware::from_fn_with_state;
    use axum::routing::get;
    use tokio::sync::Notify;
    use tower::ServiceExt as _;

    use super::*;

    #[tokio::test]
    async fn one_too_many_is_sent_away_and_the_next_is_served() {
        let (arrived, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (inside, go) = (arrived.clone(), leave.clone());
        let wait = async move || {
            inside.notify_one();
            go.notified().await;
        };
        let router = Router::new()
            .route("/", get(wait))
            .route("/livez", get(async || "well"))
            .layer(from_fn_with_state(Load::new(1), admit));
        let ask = |path: &'static str| {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            let router = router.clone();
            async move { router.oneshot(request).await.unwrap() }
        };
        let first = tokio::spawn(ask("/"));
        arrived.notified().await;
        let refused = ask("/").await;
        assert_eq!((refused.status().as_u16(), refused.headers()[header::RETRY_AFTER].as_bytes()), (503, &b"1"[..]));
        assert_eq!(ask("/livez").await.status(), 200);
        leave.notify_one();
        assert_eq!(first.await.unwrap().status(), 200);
        leave.notify_one();
        assert_eq!(ask("/").await.status(), 200);
    }
}
