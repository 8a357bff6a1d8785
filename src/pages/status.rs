//! `/status`: the engine, the collections, and how requests have fared since the start.

use std::time::Duration;

use askama::Template;
use axum::Extension;
use axum::http::StatusCode;
use axum::response::Response;

use super::home::{Card, cards, health};
use super::layout::{Layout, send};
use super::shelf;
use crate::pages::mine::Mine;
use crate::search::Health;
use crate::telemetry::{GroupStats, RequestId};

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage {
    layout: Layout,
    health: Health,
    writes: &'static str,
    uptime: String,
    groups: Vec<Traffic>,
    collections: Vec<Card>,
    all: usize,
    fault: Option<String>,
}

/// What one part of hooke has answered.
struct Traffic {
    group: &'static str,
    requests: String,
    failures: String,
    failed: bool,
    mean: String,
    median: String,
    p95: String,
    p99: String,
}

pub(super) async fn show_status(Mine(app): Mine, Extension(id): Extension<RequestId>) -> Response {
    let call = app.call(&id);
    let health = health(&app, &call).await;
    let (all, collections, fault) = match cards(&app, &call, 0).await {
        Ok((all, cards)) => (all, cards, None),
        Err(fault) => (0, Vec::new(), Some(fault.message().to_owned())),
    };
    let page = StatusPage {
        layout: Layout::new("Status", "status"),
        health,
        writes: match app.config.writes() {
            crate::config::Writes::Off => "off",
            crate::config::Writes::Documents => "documents",
            crate::config::Writes::All => "all",
        },
        uptime: long(app.stats.uptime()),
        groups: app.stats.groups().iter().map(traffic).collect(),
        collections,
        all,
        fault,
    };
    send(StatusCode::OK, &page)
}

fn traffic(stats: &GroupStats) -> Traffic {
    let time = |time: Duration| if stats.requests == 0 { "–".to_owned() } else { short(time) };
    Traffic {
        group: match stats.group {
            "graphql" => "GraphQL",
            "rest" => "REST",
            "pages" => "Pages",
            _ => "Other",
        },
        requests: shelf::grouped(stats.requests),
        failures: shelf::grouped(stats.failures),
        failed: stats.failures > 0,
        mean: time(stats.mean),
        median: time(stats.median),
        p95: time(stats.p95),
        p99: time(stats.p99),
    }
}

/// Of a request.
fn short(time: Duration) -> String {
    let millis = time.as_secs_f64() * 1_000.0;
    if millis < 10.0 {
        format!("{millis:.1} ms")
    } else if millis < 10_000.0 {
        format!("{millis:.0} ms")
    } else {
        format!("{:.0} s", millis / 1_000.0)
    }
}

/// Of a process.
fn long(time: Duration) -> String {
    let seconds = time.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        for (seconds, text) in [(5, "5 s"), (61, "1 min"), (7_260, "2 h 1 min"), (90_000, "1 d 1 h")] {
            assert_eq!(long(Duration::from_secs(seconds)), text);
        }
        assert_eq!(short(Duration::from_micros(1_240)), "1.2 ms");
        assert_eq!(short(Duration::from_millis(131)), "131 ms");
        assert_eq!(short(Duration::from_secs(11)), "11 s");
    }
}
