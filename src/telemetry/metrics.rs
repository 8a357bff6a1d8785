//! Counts and durations as Prometheus reads them. One set for the process. Every label has few values: patterns of routes, never paths;
//! statuses, names of limits; nothing that a caller makes up.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::Registry;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
    status: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Group {
    group: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Reason {
    reason: &'static str,
}

pub struct Metrics {
    registry: Registry,
    requests: Family<Route, Counter>,
    durations: Family<Group, Histogram>,
    refusals: Family<Reason, Counter>,
    pub searches: Counter,
    trips: Counter,
    pub in_flight: Gauge,
    /// Set when they are read.
    pub jobs: Gauge,
    pub sockets: Gauge,
    pub subscriptions: Gauge,
    pub collections: Gauge,
    uptime: Gauge<f64, AtomicU64>,
}

static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Those of this process.
pub fn metrics() -> &'static Metrics {
    &METRICS
}

impl Metrics {
    fn new() -> Self {
        let mut registry = Registry::with_prefix("hooke");
        // 1 ms to 32 s
        let durations: Family<Group, Histogram> =
            Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.0, 16)));
        let mut made = Metrics {
            requests: Family::default(),
            durations,
            refusals: Family::default(),
            searches: Counter::default(),
            trips: Counter::default(),
            in_flight: Gauge::default(),
            jobs: Gauge::default(),
            sockets: Gauge::default(),
            subscriptions: Gauge::default(),
            collections: Gauge::default(),
            uptime: Gauge::default(),
            registry: Registry::default(),
        };
        registry.register("requests", "Requests answered, by the pattern of their route", made.requests.clone());
        registry.register("request_duration_seconds", "Time until the head of an answer", made.durations.clone());
        registry.register("refusals", "Requests sent away before they ran", made.refusals.clone());
        registry.register("searches", "Searches asked of the engine", made.searches.clone());
        registry.register("engine_trips", "Requests sent to Elasticsearch", made.trips.clone());
        registry.register("requests_in_flight", "Requests being answered", made.in_flight.clone());
        registry.register("jobs_running", "Jobs that this process works on", made.jobs.clone());
        registry.register("sockets", "Open WebSockets", made.sockets.clone());
        registry.register("live_queries", "Subscriptions that differ, each with a task", made.subscriptions.clone());
        registry.register("collections", "Collections in the catalog", made.collections.clone());
        registry.register("uptime_seconds", "Since the start", made.uptime.clone());
        made.registry = registry;
        made
    }

    pub fn count_request(&self, method: &str, route: Option<&str>, group: &'static str, status: u16, took: Duration) {
        let method = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"].into_iter().find(|known| *known == method);
        let labels =
            Route { method: method.unwrap_or("other"), route: route.unwrap_or("none").to_owned(), status: status.to_string() };
        self.requests.get_or_create(&labels).inc();
        self.durations.get_or_create(&Group { group }).observe(took.as_secs_f64());
    }

    pub fn count_refusal(&self, reason: &'static str) {
        self.refusals.get_or_create(&Reason { reason }).inc();
    }

    /// As OpenMetrics has it.
    pub fn print(&self, uptime: Duration, trips: u64) -> String {
        self.trips.inner().fetch_max(trips, Ordering::Relaxed);
        self.uptime.set(uptime.as_secs_f64());
        let mut out = String::new();
        // writing into a text does not fail
        let _ = text::encode(&mut out, &self.registry);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_bounded() {
        let metrics = Metrics::new();
        for n in 0..100 {
            metrics.count_request(&format!("M{n}"), None, "rest", 404, Duration::from_millis(3));
        }
        metrics.count_request("GET", Some("/v1/collections/{c}"), "rest", 200, Duration::from_millis(3));
        let text = metrics.print(Duration::from_secs(5), 7);
        assert_eq!(text.matches("hooke_requests_total{").count(), 2, "{text}");
        assert!(text.contains(r#"hooke_requests_total{method="other",route="none",status="404"} 100"#), "{text}");
        assert!(text.contains(r#"hooke_request_duration_seconds_count{group="rest"} 101"#), "{text}");
        assert!(text.contains("hooke_engine_trips_total 7"), "{text}");
        assert!(text.ends_with("# EOF\n"));
    }
}
