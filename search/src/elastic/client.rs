//! The wire to Elasticsearch: one HTTP client for each node, bounded requests in flight, a deadline for each request,
//! and second tries where they are safe. What a status means is told in `failure`; bodies are left to the callers.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use elasticsearch::Elasticsearch;
use elasticsearch::auth::Credentials;
use elasticsearch::cert::{Certificate, CertificateValidation};
use elasticsearch::http::headers::{ACCEPT_ENCODING, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use elasticsearch::http::transport::{SingleNodeConnectionPool, TransportBuilder};
use elasticsearch::http::{Method, Url};
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};

use super::failure::{Refusal, refusal, told};
use crate::ElasticConfig;
use crate::{Call, Error, Result, TRACED, plain, traceparent};

/// A node that does not take a connection within this time counts as absent.
const CONNECT: Duration = Duration::from_millis(1_500);
/// So long an absent node is not tried again: requests fail at once instead of queueing up behind the attempt.
const ABSENT: Duration = Duration::from_millis(500);
/// Requests of hooke itself (catalog, health), which must not wait behind those of users.
const OWN_IN_FLIGHT: usize = 8;
const ATTEMPTS: u32 = 4;
/// Second tries are paid for by what went well, a tenth each, so that a struggling cluster is not beaten further.
const BUDGET_MOST: i64 = 200;
const BUDGET_EARNED: i64 = 1;
const BUDGET_PRICE: i64 = 10;

pub(super) struct Client {
    nodes: Vec<Node>,
    next: AtomicUsize,
    users: Semaphore,
    own: Semaphore,
    budget: AtomicI64,
    began: Instant,
}

struct Node {
    client: Elasticsearch,
    /// `host:port`, to try whether it listens.
    address: String,
    /// No answer has come yet, or the last request to it failed on the way.
    suspect: AtomicBool,
    /// Until then (milliseconds since the client began) it counts as absent.
    absent_until: AtomicU64,
}

/// Whose turn a request waits for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Lane {
    Users,
    Own,
}

pub(super) struct Request {
    pub method: Method,
    /// Encoded, without a leading slash.
    pub path: String,
    pub query: Vec<(&'static str, String)>,
    pub body: Option<Bytes>,
    /// The body is lines of JSON.
    pub lines: bool,
    /// Sent twice it does what it does sent once.
    pub idempotent: bool,
    /// A large answer that shrinks well.
    pub gzip: bool,
    pub lane: Lane,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub status: u16,
    pub body: Bytes,
}

enum Fault {
    /// Nothing was sent.
    Unsent(String),
    /// It may have arrived.
    Lost(String),
    Timeout,
}

impl Request {
    pub(super) fn new(method: Method, path: impl Into<String>) -> Self {
        Request {
            method,
            path: path.into(),
            query: Vec::new(),
            body: None,
            lines: false,
            idempotent: matches!(method, Method::Get | Method::Head),
            gzip: false,
            lane: Lane::Users,
        }
    }

    pub(super) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    pub(super) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    pub(super) fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Some(Bytes::from(body.to_string()));
        self
    }

    pub(super) fn lines(mut self, body: Vec<u8>) -> Self {
        self.body = Some(Bytes::from(body));
        self.lines = true;
        self
    }

    /// A request that only reads although its method is POST.
    pub(super) fn reading(mut self) -> Self {
        self.idempotent = true;
        self
    }

    /// Path and parameters, as a console takes them.
    fn line(&self) -> String {
        let mut line = format!("/{}", self.path);
        for (at, (name, value)) in self.query.iter().enumerate() {
            line.push(if at == 0 { '?' } else { '&' });
            line.push_str(name);
            line.push('=');
            line.push_str(&segment(value));
        }
        line
    }

    /// For hooke itself, not for a user.
    pub(super) fn own(mut self) -> Self {
        self.lane = Lane::Own;
        self
    }

    pub(super) fn compressed(mut self) -> Self {
        self.gzip = true;
        self
    }
}

impl Client {
    pub(super) fn new(config: &ElasticConfig) -> Result<Self> {
        if config.urls.is_empty() {
            return Err(Error::invalid("no address of Elasticsearch is given"));
        }
        let authority = match &config.ca_file {
            None => None,
            Some(path) => {
                let pem = std::fs::read(path)
                    .map_err(|fault| Error::invalid(format!("cannot read the CA file {}: {fault}", path.display())))?;
                Some(pem)
            }
        };
        let nodes = config.urls.iter().map(|url| Node::new(url, config, authority.as_deref())).collect::<Result<_>>()?;
        Ok(Client {
            nodes,
            next: AtomicUsize::new(0),
            users: Semaphore::new(config.max_in_flight.max(1)),
            own: Semaphore::new(OWN_IN_FLIGHT),
            budget: AtomicI64::new(BUDGET_MOST),
            began: Instant::now(),
        })
    }

    /// The answer with whatever status it has. Fails where there is none: not reachable, not in time, overloaded.
    pub(super) async fn send(&self, call: &Call, request: Request) -> Result<Answer> {
        let attempt = async {
            let _turn = match request.lane {
                Lane::Users => &self.users,
                Lane::Own => &self.own,
            }
            .acquire()
            .await
            .map_err(Error::internal)?;
            self.try_until_done(call, &request).await
        };
        tokio::time::timeout_at(call.deadline, attempt).await.unwrap_or(Err(Error::Timeout))
    }

    async fn try_until_done(&self, call: &Call, request: &Request) -> Result<Answer> {
        let mut tried = 0;
        loop {
            tried += 1;
            let Some(node) = self.choose().await else {
                return Err(Error::Unavailable(format!("no node answers at {}", self.addresses())));
            };
            call.trips.add(verb(request.method), request.line(), || {
                request.body.as_ref().map(|body| String::from_utf8_lossy(body).into_owned()).unwrap_or_default()
            });
            let span = traced(request);
            let sent = node.send(call, request).instrument(span.clone()).await;
            if let Ok(answer) = &sent {
                span.record("http.response.status_code", answer.status);
            }
            let (why, again) = match sent {
                Ok(answer) => match refusal(answer.status, &answer.body) {
                    Some(Refusal::Overloaded) => (Error::Unavailable(describe(&answer)), true),
                    Some(Refusal::Gateway) => (Error::Unavailable(describe(&answer)), request.idempotent),
                    None => {
                        self.earn();
                        return Ok(answer);
                    }
                },
                Err(Fault::Timeout) => return Err(Error::Timeout),
                Err(Fault::Unsent(why)) => {
                    node.mark_absent(self.now());
                    // at once to another node, never twice to the one that is not there
                    (Error::Unavailable(why), true)
                }
                Err(Fault::Lost(why)) => (Error::Unavailable(why), request.idempotent),
            };
            if !again || tried >= ATTEMPTS || !self.pay() {
                return Err(why);
            }
            tracing::debug!(request_id = %call.request_id, tried, cause = why.cause(), "asking Elasticsearch again");
            tokio::time::sleep(Duration::from_millis(25 << tried)).await;
        }
    }

    /// The next node in turn that takes connections.
    async fn choose(&self) -> Option<&Node> {
        let first = self.next.fetch_add(1, Ordering::Relaxed);
        for step in 0..self.nodes.len() {
            let node = &self.nodes[(first + step) % self.nodes.len()];
            if node.absent_until.load(Ordering::Relaxed) > self.now() {
                continue;
            }
            if !node.suspect.load(Ordering::Relaxed) || node.listens().await {
                return Some(node);
            }
            node.mark_absent(self.now());
        }
        None
    }

    fn earn(&self) {
        let _ = self
            .budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left < BUDGET_MOST).then_some(left + BUDGET_EARNED));
    }

    fn pay(&self) -> bool {
        self.budget
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| (left >= BUDGET_PRICE).then_some(left - BUDGET_PRICE))
            .is_ok()
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn addresses(&self) -> String {
        self.nodes.iter().map(|node| node.address.as_str()).collect::<Vec<_>>().join(", ")
    }
}

impl Node {
    fn new(text: &str, config: &ElasticConfig, authority: Option<&[u8]>) -> Result<Self> {
        let fault = |why: String| Error::invalid(format!("the address of Elasticsearch {:?}: {why}", without_secret(text)));
        let mut url = Url::parse(text).map_err(|why| fault(why.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(fault("it must begin with http:// or https://".into()));
        }
        let host = url.host_str().ok_or_else(|| fault("it names no host".into()))?;
        let port = url.port_or_known_default().ok_or_else(|| fault("it names no port".into()))?;
        let address = format!("{host}:{port}");
        let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        let named =
            (!url.username().is_empty()).then(|| (decode(url.username()), url.password().map(decode).unwrap_or_default()));
        let _ = url.set_username("");
        let _ = url.set_password(None);

        let encoding = if config.gzip { "gzip" } else { "identity" };
        let mut builder = TransportBuilder::new(SingleNodeConnectionPool::new(url))
            // a search engine is a neighbour; a proxy for the web has no business between
            .disable_proxy()
            .enable_meta_header(false)
            .header(ACCEPT_ENCODING, HeaderValue::from_static(encoding));
        if let Some(credentials) = credentials(config, named)? {
            builder = builder.auth(credentials);
        }
        if let Some(pem) = authority {
            let chain = Certificate::from_pem(pem).map_err(|why| Error::invalid(format!("the CA file: {why}")))?;
            builder = builder.cert_validation(CertificateValidation::Full(chain));
        }
        let transport = builder.build().map_err(|why| fault(why.to_string()))?;
        Ok(Node {
            client: Elasticsearch::new(transport),
            address,
            suspect: AtomicBool::new(true),
            absent_until: AtomicU64::new(0),
        })
    }

    async fn send(&self, call: &Call, request: &Request) -> Result<Answer, Fault> {
        let mut headers = HeaderMap::new();
        let kind = if request.lines { "application/x-ndjson" } else { "application/json" };
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if let Ok(id) = HeaderValue::from_str(&call.request_id) {
            headers.insert(HeaderName::from_static("x-opaque-id"), id);
        }
        if let Some(parent) = traceparent().and_then(|parent| HeaderValue::from_str(&parent).ok()) {
            headers.insert(HeaderName::from_static("traceparent"), parent);
        }
        if request.gzip {
            headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let query = (!request.query.is_empty()).then_some(&request.query);
        let sent = self.client.send(request.method, &request.path, headers, query, request.body.clone(), None).await;
        let response = sent.map_err(|fault| self.fault(&fault))?;
        let status = response.status_code().as_u16();
        // reading fails where the body is shorter than announced
        let body = response.bytes().await.map_err(|fault| self.fault(&fault))?;
        self.suspect.store(false, Ordering::Relaxed);
        Ok(Answer { status, body })
    }

    fn fault(&self, fault: &elasticsearch::Error) -> Fault {
        self.suspect.store(true, Ordering::Relaxed);
        if fault.is_timeout() {
            return Fault::Timeout;
        }
        let mut why = fault.to_string();
        let mut unsent = false;
        let mut cause = std::error::Error::source(fault);
        while let Some(inner) = cause {
            if let Some(io) = inner.downcast_ref::<std::io::Error>() {
                use std::io::ErrorKind;
                unsent |= matches!(
                    io.kind(),
                    ErrorKind::ConnectionRefused
                        | ErrorKind::HostUnreachable
                        | ErrorKind::NetworkUnreachable
                        | ErrorKind::AddrNotAvailable
                );
            }
            why = format!("{why}: {inner}");
            cause = inner.source();
        }
        if unsent { Fault::Unsent(why) } else { Fault::Lost(why) }
    }

    async fn listens(&self) -> bool {
        matches!(tokio::time::timeout(CONNECT, tokio::net::TcpStream::connect(&self.address)).await, Ok(Ok(_)))
    }

    fn mark_absent(&self, now: u64) {
        self.suspect.store(true, Ordering::Relaxed);
        self.absent_until.store(now + u64::try_from(ABSENT.as_millis()).unwrap_or(0), Ordering::Relaxed);
    }
}

fn credentials(config: &ElasticConfig, named: Option<(String, String)>) -> Result<Option<Credentials>> {
    if let Some(key) = &config.api_key {
        // `id:key` as it is shown, or already encoded as one word
        return Ok(Some(match key.split_once(':') {
            Some((id, secret)) => Credentials::ApiKey(id.into(), secret.into()),
            None if key.bytes().all(|b| b.is_ascii_graphic()) && !key.is_empty() => Credentials::EncodedApiKey(key.clone()),
            None => return Err(Error::invalid("the API key of Elasticsearch holds characters that no key has")),
        }));
    }
    Ok(match (&config.username, &config.password) {
        (Some(user), password) => Some(Credentials::Basic(user.clone(), password.clone().unwrap_or_default())),
        (None, _) => named.map(|(user, password)| Credentials::Basic(user, password)),
    })
}

/// An address as it may be shown: what stands before an `@` may be a password.
fn without_secret(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, host)| host)
}

fn describe(answer: &Answer) -> String {
    let told = match serde_json::from_slice::<serde_json::Value>(&answer.body) {
        Ok(json) if json["error"].is_object() => told(&json["error"]),
        _ => plain(&String::from_utf8_lossy(&answer.body[..answer.body.len().min(500)])).to_owned(),
    };
    format!("status {}: {told}", answer.status)
}

/// The span of one request. What it asks for is told by the last part of its path that is a command: others hold names and ids.
/// What hooke asks for itself, between requests, is nobody's trace.
fn traced(request: &Request) -> Span {
    if Span::current().is_none() {
        return Span::none();
    }
    let asks = request.path.rsplit('/').find(|part| part.starts_with('_')).unwrap_or("index");
    tracing::trace_span!(
        target: TRACED,
        "elasticsearch",
        otel.kind = "client",
        db.system.name = "elasticsearch",
        db.operation.name = asks,
        http.request.method = verb(request.method),
        http.response.status_code = Empty
    )
}

fn verb(method: Method) -> &'static str {
    match method {
        Method::Get => "GET",
        Method::Put => "PUT",
        Method::Post => "POST",
        Method::Delete => "DELETE",
        Method::Head => "HEAD",
    }
}

/// One segment of a path.
pub(super) fn segment(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, KEPT).to_string()
}
