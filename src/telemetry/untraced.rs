//! In place of traces where hooke is built without them.

use tracing::{Span, Subscriber};
use tracing_subscriber::Layer;

pub(super) fn layer<S: Subscriber>(endpoint: Option<&str>) -> Result<Option<Box<dyn Layer<S> + Send + Sync>>, String> {
    match endpoint {
        None => Ok(None),
        Some(_) => Err("telemetry.endpoint: this hooke was built without traces: build it with --features otel".into()),
    }
}

pub fn adopt<'h>(_: &Span, _: impl Fn(&str) -> Option<&'h str>) {}

pub fn traceparent() -> Option<String> {
    None
}

pub async fn close() {}
