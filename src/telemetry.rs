//! What operators see: structured logs, the id of a request, and counts of requests with their latencies since the start.
//! It knows no routes; the server tells it what happened.

pub mod audit;
mod metrics;
#[cfg(feature = "otel")]
pub mod traces;
#[cfg(not(feature = "otel"))]
#[path = "telemetry/untraced.rs"]
pub mod traces;

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer as _};

use crate::config::{LogConfig, LogFormat};

pub use metrics::{Metrics, metrics};

/// The target of spans that are made for traces; at level trace, so that logs do not count them among their own.
/// The engines have the same word for theirs.
pub const TRACED: &str = "hooke::trace";
/// The span around every request, for logs and traces.
pub const REQUEST: &str = "request";

/// The id of a request, as it came in `x-request-id` or was made; every log line of the request carries it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestId(pub Arc<str>);

/// Who asks, as far as an address tells: the other side of the connection, or whom a trusted proxy named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientAddress(pub std::net::IpAddr);

impl ClientAddress {
    /// Without a connection there are only tests.
    pub fn of(known: Option<&ClientAddress>) -> std::net::IpAddr {
        known.map_or(std::net::Ipv4Addr::LOCALHOST.into(), |address| address.0)
    }
}

/// The collections a request was about; a handler puts it among the extensions of its response where the path does not tell.
#[derive(Clone, Debug)]
pub struct Collections(pub Vec<String>);

/// Starts the log on stderr; panics become log lines too. A second call (tests) changes nothing.
/// `serves`: it is a server, whose traces are sent where settings say so.
pub fn init(config: &LogConfig, serves: bool) -> Result<(), String> {
    let filter = EnvFilter::builder().parse(&config.level).map_err(|fault| format!("log.level: {fault}"))?;
    let json = match config.format {
        LogFormat::Json => true,
        LogFormat::Pretty => false,
        LogFormat::Auto => !std::io::stderr().is_terminal(),
    };
    let log = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let log = if json {
        log.json().flatten_event(true).with_current_span(true).with_span_list(false).boxed()
    } else {
        log.with_ansi(std::io::stderr().is_terminal()).boxed()
    };
    let traces = if serves { traces::layer(config.traces.as_deref())? } else { None };
    let started = tracing_subscriber::registry().with(traces).with(log.with_filter(filter)).try_init();
    if started.is_ok() {
        std::panic::set_hook(Box::new(|panic| {
            // some panics quote the text at which they fell
            let what = panic.payload_as_str().map_or("no text", crate::error::plain);
            let place = panic.location().map(ToString::to_string).unwrap_or_default();
            tracing::error!(what, place, "panic");
        }));
    }
    Ok(())
}

/// What a request asked of hooke, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Graphql,
    Rest,
    Pages,
    /// Health, schemas, assets, and what is not there.
    Other,
}

impl Group {
    pub const ALL: [Group; 4] = [Group::Graphql, Group::Rest, Group::Pages, Group::Other];

    pub const fn name(self) -> &'static str {
        match self {
            Group::Graphql => "graphql",
            Group::Rest => "rest",
            Group::Pages => "pages",
            Group::Other => "other",
        }
    }
}

/// Bucket `n` holds what took less than `2^n` × 64 µs and not less than half of it; the last one the rest (from 67 s on).
const BUCKETS: usize = 22;
const FINEST_MICROS: u64 = 64;

#[derive(Default)]
struct Histogram {
    requests: AtomicU64,
    failures: AtomicU64,
    micros: AtomicU64,
    buckets: [AtomicU64; BUCKETS],
}

/// Requests and latencies since the start; of fixed size.
pub struct Stats {
    started: Instant,
    groups: [Histogram; Group::ALL.len()],
}

/// Of one group at one moment; times are upper bounds, exact to a factor of two.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupStats {
    pub group: &'static str,
    pub requests: u64,
    /// Answered with a status of 500 or more.
    pub failures: u64,
    pub mean: Duration,
    pub median: Duration,
    pub p95: Duration,
    pub p99: Duration,
}

impl Default for Stats {
    fn default() -> Self {
        Stats { started: Instant::now(), groups: Default::default() }
    }
}

impl Stats {
    pub fn add(&self, group: Group, status: u16, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let histogram = &self.groups[group as usize];
        histogram.requests.fetch_add(1, Ordering::Relaxed);
        histogram.micros.fetch_add(micros, Ordering::Relaxed);
        if status >= 500 {
            histogram.failures.fetch_add(1, Ordering::Relaxed);
        }
        let bucket = (0..BUCKETS - 1).find(|n| micros < FINEST_MICROS << n).unwrap_or(BUCKETS - 1);
        histogram.buckets[bucket].fetch_add(1, Ordering::Relaxed);
    }

    pub fn uptime(&self) -> Duration {
        self.started.elapsed()
    }

    /// Every group, in the order of [`Group::ALL`].
    pub fn groups(&self) -> Vec<GroupStats> {
        Group::ALL
            .iter()
            .zip(&self.groups)
            .map(|(group, histogram)| {
                let counts = histogram.buckets.each_ref().map(|bucket| bucket.load(Ordering::Relaxed));
                let all: u64 = counts.iter().sum();
                GroupStats {
                    group: group.name(),
                    requests: histogram.requests.load(Ordering::Relaxed),
                    failures: histogram.failures.load(Ordering::Relaxed),
                    mean: Duration::from_micros(histogram.micros.load(Ordering::Relaxed).checked_div(all).unwrap_or(0)),
                    median: quantile(&counts, all, 50),
                    p95: quantile(&counts, all, 95),
                    p99: quantile(&counts, all, 99),
                }
            })
            .collect()
    }
}

/// The upper end of the bucket in which so many percent of all have been reached.
fn quantile(counts: &[u64; BUCKETS], all: u64, percent: u64) -> Duration {
    let wanted = (all * percent).div_ceil(100);
    let mut seen = 0;
    for (n, count) in counts.iter().enumerate() {
        seen += count;
        if seen >= wanted && seen > 0 {
            return Duration::from_micros(FINEST_MICROS << n);
        }
    }
    Duration::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_told_within_a_factor_of_two() {
        let stats = Stats::default();
        for millis in 1..=100 {
            stats.add(Group::Rest, if millis == 1 { 500 } else { 200 }, Duration::from_millis(millis));
        }
        let rest = &stats.groups()[Group::Rest as usize];
        assert_eq!((rest.group, rest.requests, rest.failures), ("rest", 100, 1));
        assert_eq!(rest.mean, Duration::from_micros(50_500));
        for (told, real) in [(rest.median, 50), (rest.p95, 95), (rest.p99, 99)] {
            let real = Duration::from_millis(real);
            assert!(told >= real && told <= real * 2, "{told:?} for {real:?}");
        }
    }

    #[test]
    fn nothing_counted_is_nothing() {
        let stats = Stats::default();
        assert_eq!(stats.groups()[0].p99, Duration::ZERO);
        stats.add(Group::Other, 200, Duration::from_secs(4_000));
        assert_eq!(stats.groups()[3].requests, 1);
    }
}
