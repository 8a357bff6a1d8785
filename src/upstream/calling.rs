//! One call: sent, its answer read within bounds, and, where the limit is kept, sent again when that may help.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Response, StatusCode, header};
use tokio::time::{Instant, sleep, timeout_at};

use super::gate::{Pass, Refusal};
use super::{Answer, Fault, Reply, Upstream, retry_after};

/// Of one answer; facts, not films.
const LONGEST: usize = 1 << 20;

/// How often a call is sent at most, where the limit is kept.
const ATTEMPTS: u32 = 4;

/// Where somebody says 429 and not for how long.
const PATIENCE: Duration = Duration::from_secs(1);

/// Before a failed call is sent again; doubled each time.
const BACKOFF: Duration = Duration::from_millis(250);

impl Upstream {
    /// Sends the call of this number when the limit allows it. A refusal is heeded for all callers; it and what may pass by itself (5xx, no
    /// answer) is tried a few times. Dropping the future ends the call.
    pub async fn call_limited(&self, number: u32, start: Instant, deadline: Instant) -> Answer {
        let mut attempts = 0;
        loop {
            let pass = match self.gate.admit(deadline).await {
                Ok(pass) => pass,
                Err(refusal) => return never(number, attempts, start, refusal),
            };
            attempts += 1;
            let sent = Instant::now();
            let outcome = self.send(number, &pass, deadline).await;
            drop(pass);
            let answer = Answer { number, attempts, began: sent - start, elapsed: sent.elapsed(), outcome };
            let wait = match &answer.outcome {
                // the gate waits for all
                Err(Fault::Refused { .. }) => Duration::ZERO,
                Err(Fault::Status(500..) | Fault::Timeout(_) | Fault::Unreachable(_)) => BACKOFF * 2_u32.pow(attempts - 1),
                _ => return answer,
            };
            if attempts >= ATTEMPTS || Instant::now() + wait >= deadline {
                return answer;
            }
            sleep(wait).await;
        }
    }

    /// Sends it whatever the limit says, once.
    pub async fn call_unlimited(&self, number: u32, start: Instant, deadline: Instant) -> Answer {
        let pass = match self.gate.pass(deadline).await {
            Ok(pass) => pass,
            Err(refusal) => return never(number, 0, start, refusal),
        };
        let sent = Instant::now();
        let outcome = self.send(number, &pass, deadline).await;
        Answer { number, attempts: 1, began: sent - start, elapsed: sent.elapsed(), outcome }
    }

    async fn send(&self, number: u32, pass: &Pass<'_>, deadline: Instant) -> Result<Reply, Fault> {
        let late = deadline.min(Instant::now() + self.timeout);
        let time = late.saturating_duration_since(Instant::now());
        let request = self.client.get(self.url.replace("{n}", &number.to_string()));
        let response = match timeout_at(late, request.send()).await {
            Err(_) => return Err(Fault::Timeout(time)),
            // its address may hold a key
            Ok(Err(fault)) => return Err(Fault::Unreachable(cause(&fault.without_url()))),
            Ok(Ok(response)) => response,
        };
        pass.arrived();
        if let Some(fault) = self.refusal(&response, pass) {
            return Err(fault);
        }
        let status = response.status().as_u16();
        if !response.status().is_success() {
            return Err(Fault::Status(status));
        }
        let body = timeout_at(late, read(response)).await.map_err(|_| Fault::Timeout(time))??;
        Ok(Reply { status, body })
    }

    /// Where the other side wants less of us, it gets less, from all callers.
    fn refusal(&self, response: &Response, pass: &Pass<'_>) -> Option<Fault> {
        let header = |name| response.headers().get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
        let now = header(header::DATE).and_then(retry_after::date).unwrap_or_else(Timestamp::now);
        let asked = header(header::RETRY_AFTER).and_then(|value| retry_after::read(value, now));
        match response.status() {
            StatusCode::TOO_MANY_REQUESTS => {
                pass.refused();
                self.gate.pause(asked.unwrap_or(PATIENCE));
            }
            StatusCode::SERVICE_UNAVAILABLE if asked.is_some() => self.gate.pause(asked.unwrap_or_default()),
            _ => return None,
        }
        Some(Fault::Refused { status: response.status().as_u16(), retry_after: asked })
    }
}

async fn read(mut response: Response) -> Result<String, Fault> {
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(None) => break,
            Ok(Some(chunk)) if body.len() + chunk.len() > LONGEST => return Err(Fault::TooLong(LONGEST)),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Err(fault) => return Err(Fault::Unreachable(cause(&fault.without_url()))),
        }
    }
    String::from_utf8(body).map_err(|_| Fault::NotText)
}

/// The innermost cause: the outer ones only say that something failed.
fn cause(fault: &dyn std::error::Error) -> String {
    let mut inner = fault;
    while let Some(source) = inner.source() {
        inner = source;
    }
    inner.to_string()
}

fn never(number: u32, attempts: u32, start: Instant, refusal: Refusal) -> Answer {
    Answer { number, attempts, began: start.elapsed(), elapsed: Duration::ZERO, outcome: Err(Fault::NotSent(refusal)) }
}
