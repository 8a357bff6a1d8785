//! Traces: spans of requests, operations, searches and requests to Elasticsearch, sent to a collector by OTLP over HTTP, in batches, by
//! a thread of its own. What cannot be sent is dropped: nothing waits for a collector.
//!
//! Only spans made for it go there, never log lines; their names and fields hold as little of what people send as the log does.

use std::env;
use std::sync::OnceLock;
use std::time::Duration;

use opentelemetry::propagation::TextMapPropagator as _;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::propagation::TraceContextPropagator;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tokio::runtime::Handle;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::registry::LookupSpan;

use super::{REQUEST, TRACED};

/// For the collector to take a batch.
const PATIENCE: Duration = Duration::from_secs(10);
/// For what is left at the end.
const GRACE: Duration = Duration::from_secs(3);
const HEADERS: [&str; 2] = ["traceparent", "tracestate"];

static PROVIDER: OnceLock<SdkTracerProvider> = OnceLock::new();

/// The exporter runs on a thread without a runtime; what it sends is sent by ours.
#[derive(Debug)]
struct Sender {
    client: reqwest::Client,
    runtime: Handle,
}

#[async_trait::async_trait]
impl HttpClient for Sender {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (client, request) = (self.client.clone(), reqwest::Request::try_from(request)?);
        let sending = self.runtime.spawn(async move {
            let answer = client.execute(request).await?;
            let status = answer.status();
            // what a collector says beyond its status is of no use
            let body = answer.bytes().await?;
            Ok::<_, reqwest::Error>((status, body))
        });
        let (status, body) = sending.await??;
        Ok(Response::builder().status(status).body(body)?)
    }
}

/// `None`: nobody said where to.
pub(super) fn layer<S>(endpoint: Option<&str>) -> Result<Option<Box<dyn Layer<S> + Send + Sync>>, String>
where
    S: Subscriber + for<'s> LookupSpan<'s> + Send + Sync,
{
    // as the specification has it: what the settings say goes before the environment
    let named =
        ["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"].iter().any(|name| env::var_os(name).is_some());
    if endpoint.is_none() && !named {
        return Ok(None);
    }
    let fault = |fault: &dyn std::fmt::Display| format!("telemetry.endpoint: {fault}");
    let client = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build();
    let client = client.map_err(|why| fault(&why))?;
    let runtime = Handle::try_current().map_err(|why| fault(&why))?;
    let mut exporter = SpanExporter::builder().with_http().with_http_client(Sender { client, runtime }).with_timeout(PATIENCE);
    if let Some(endpoint) = endpoint {
        exporter = exporter.with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')));
    }
    let exporter = exporter.build().map_err(|why| fault(&why))?;
    let mut resource = Resource::builder();
    if env::var_os("OTEL_SERVICE_NAME").is_none() {
        resource = resource.with_service_name("hooke");
    }
    let provider = SdkTracerProvider::builder().with_resource(resource.build()).with_batch_exporter(exporter).build();
    let tracer = provider.tracer("hooke");
    if PROVIDER.set(provider).is_err() {
        return Ok(None);
    }
    let layer = tracing_opentelemetry::layer()
        .with_tracer(tracer)
        .with_location(false)
        .with_threads(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(|about| about.is_span() && (about.target() == TRACED || about.name() == REQUEST)));
    Ok(Some(Box::new(layer)))
}

/// A request goes on with the trace that its caller has begun.
pub fn adopt<'h>(span: &Span, header: impl Fn(&str) -> Option<&'h str>) {
    if PROVIDER.get().is_none() {
        return;
    }
    let given = HEADERS.iter().filter_map(|name| Some(((*name).to_owned(), header(name)?.to_owned())));
    let given: std::collections::HashMap<String, String> = given.collect();
    if !given.is_empty() {
        // one that says nonsense begins a trace of its own
        let _ = span.set_parent(TraceContextPropagator::new().extract(&given));
    }
}

/// What tells the other side of a request which span it belongs to.
pub fn traceparent() -> Option<String> {
    PROVIDER.get()?;
    let mut headers = std::collections::HashMap::new();
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut headers);
    headers.remove(HEADERS[0])
}

/// Sends what is left.
pub async fn close() {
    if let Some(provider) = PROVIDER.get() {
        let provider = provider.clone();
        // it waits for its thread
        let _ = tokio::task::spawn_blocking(move || provider.shutdown_with_timeout(GRACE)).await;
    }
}
