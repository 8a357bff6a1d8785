//! The bundled upstream: somebody else's API, played by us, for trying out and for tests. It tells facts, enforces its limit exactly, and is
//! slow or fails as it is told to.

use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Query as Parameters, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::app::App;
use crate::config::{Rate, UpstreamConfig};
use crate::error::Code;
use crate::lab::{FACTS, LONGEST_DELAY, Turnstile, delay};
use crate::rest::Problem;
use crate::upstream::OWN;

/// How it behaves.
#[derive(Clone, Copy, Debug)]
pub struct Bundled {
    pub rate: Rate,
    /// Each answer takes so long.
    pub slow: Duration,
    /// The share of answers that fail, 0 to 1.
    pub fail: f64,
}

struct Counter {
    bundled: Bundled,
    turnstile: Mutex<Turnstile>,
    told: AtomicU64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    /// Which fact; else the next one.
    n: Option<u64>,
    /// Seconds that this answer takes.
    slow: Option<f64>,
    /// This call, or such a share of them, fails.
    fail: Option<f64>,
}

fn router(bundled: Bundled) -> Router {
    let turnstile = Mutex::new(Turnstile::new(bundled.rate));
    let counter = Arc::new(Counter { bundled, turnstile, told: AtomicU64::new(0) });
    Router::new().route("/fact", get(tell_fact)).route("/stats", get(tell_stats)).with_state(counter)
}

/// Serves it until `shutdown` ends.
pub async fn serve(
    listener: TcpListener,
    bundled: Bundled,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    axum::serve(listener, router(bundled).into_make_service()).with_graceful_shutdown(shutdown).await
}

/// The lab's own, on a free port of this machine; it ends when this is dropped.
pub struct Own(JoinHandle<()>);

impl Drop for Own {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Starts one and makes it known under [`OWN`].
pub async fn start_own(app: &App) -> anyhow::Result<Own> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/fact?n={{n}}", listener.local_addr()?);
    let rate = app.config.lab.rate;
    app.upstreams.add(OWN, &UpstreamConfig { url, rate, ..UpstreamConfig::default() })?;
    let bundled = Bundled { rate, slow: Duration::ZERO, fail: 0.0 };
    Ok(Own(tokio::spawn(async move {
        if let Err(fault) = serve(listener, bundled, std::future::pending()).await {
            tracing::error!(%fault, "the lab's own upstream has ended");
        }
    })))
}

async fn tell_fact(State(counter): State<Arc<Counter>>, Parameters(asked): Parameters<Asked>) -> Result<Response, Problem> {
    let slow = asked.slow.map_or(Ok(counter.bundled.slow), delay)?.min(LONGEST_DELAY);
    let fail = asked.fail.unwrap_or(counter.bundled.fail);
    if !(0.0..=1.0).contains(&fail) {
        return Err(Problem::new(Code::BadUserInput, "fail is a share, 0 to 1"));
    }
    let limit = counter.bundled.rate.calls;
    let passed = counter.turnstile.lock().unwrap_or_else(PoisonError::into_inner).pass(Instant::now());
    let left = match passed {
        Ok(left) => left,
        Err(wait) => {
            let again = wait.as_secs_f64().ceil().max(1.0) as u64;
            let detail = format!("the limit is {}; come again in {again} s", counter.bundled.rate);
            let mut response =
                Problem::new(Code::LimitExceeded, detail).with_status(StatusCode::TOO_MANY_REQUESTS).into_response();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(again));
            limits(response.headers_mut(), limit, 0);
            return Ok(response);
        }
    };
    let number = counter.told.fetch_add(1, Ordering::Relaxed);
    sleep(slow).await;
    // so many of so many, spread evenly
    let failed = |calls: u64| (calls as f64 * fail).floor();
    let mut response = if failed(number + 1) > failed(number) {
        Problem::new(Code::Internal, "this call fails, as it was asked to").into_response()
    } else {
        let at = asked.n.unwrap_or(number) % FACTS.len() as u64;
        let fact = usize::try_from(at).ok().and_then(|at| FACTS.get(at)).copied().unwrap_or_default();
        Json(json!({ "fact": fact, "number": at, "length": fact.chars().count() })).into_response()
    };
    limits(response.headers_mut(), limit, left);
    Ok(response)
}

fn limits(headers: &mut HeaderMap, limit: u32, left: usize) {
    headers.insert(HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(limit));
    headers.insert(HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from(left as u64));
}

/// Since the start; asking is free.
async fn tell_stats(State(counter): State<Arc<Counter>>) -> Json<serde_json::Value> {
    let counts = counter.turnstile.lock().unwrap_or_else(PoisonError::into_inner).counts(Instant::now());
    Json(json!({
        "limit": counter.bundled.rate.to_string(),
        "admitted": counts.admitted,
        "refused": counts.refused,
        "present": counts.present,
    }))
}
