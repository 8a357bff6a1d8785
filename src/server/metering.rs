//! The rate of each caller, as HTTP tells it: `RateLimit-Policy` and `RateLimit` on every answer that is counted, and 429 with
//! `Retry-After` where nothing is left (draft-ietf-httpapi-ratelimit-headers).

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::observe::is_probe;
use crate::access::{Viewer, Who};
use crate::app::App;
use crate::error::Code;
use crate::rates::{Cost, Standing};
use crate::rest::Problem;
use crate::telemetry::audit::Refusal;
use crate::telemetry::{ClientAddress, metrics};

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LIMIT: HeaderName = HeaderName::from_static("ratelimit");

pub(super) async fn meter(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if is_probe(path) || path.starts_with("/assets/") {
        return next.run(request).await;
    }
    let who = request.extensions().get::<Arc<Viewer>>().map_or(Who::Anybody, |viewer| viewer.who.clone());
    let address = ClientAddress::of(request.extensions().get());
    let personal = who != Who::Anybody;
    let Some(allowance) = app.rates.allowance(&who, address) else { return keep_apart(next.run(request).await, personal) };
    if let Err(standing) = allowance.take() {
        metrics().count_refusal("rate");
        let Standing { policy, limit, period, reset, .. } = standing;
        let seconds = whole(reset);
        let detail =
            format!("more than {limit} points in {} s by one {policy} (rates.{policy}): ask again in {seconds} s", whole(period));
        let problem = Problem::new(Code::LimitExceeded, detail).with_status(StatusCode::TOO_MANY_REQUESTS);
        let mut response = problem.into_response();
        response.extensions_mut().insert(Refusal::because(Code::LimitExceeded.as_str(), "rate"));
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        tell(&mut response, standing);
        return response;
    }
    request.extensions_mut().insert(allowance.clone());
    let mut response = keep_apart(next.run(request).await, personal);
    let cost = response.extensions().get::<Cost>().copied().unwrap_or(Cost(1));
    tell(&mut response, allowance.charge(cost));
    response
}

/// What one person was shown is not for a store that another may come to: of a browser that is shared, or on the way.
fn keep_apart(mut response: Response, personal: bool) -> Response {
    if personal {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// In seconds, rounded up: who waits so long does not come too early.
fn whole(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

fn tell(response: &mut Response, standing: Standing) {
    let Standing { policy, limit, period, left, reset } = standing;
    let headers = response.headers_mut();
    let texts = [
        (POLICY, format!("\"{policy}\";q={limit};w={}", whole(period))),
        (LIMIT, format!("\"{policy}\";r={left};t={}", whole(reset))),
    ];
    for (name, text) in texts {
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}
