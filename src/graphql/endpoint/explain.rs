//! The header `hooke-explain: 1`: what an operation cost, in `extensions.hooke` of its answer.

use std::sync::Arc;
use std::time::Instant;

use axum::http::HeaderMap;
use serde_json::{Value as Json, json};

use crate::config::Config;
use crate::graphql::run::Answer;
use crate::search::{Call, Trips};

const HEADER: &str = "hooke-explain";

pub(super) struct Explain {
    began: Instant,
}

impl Explain {
    pub(super) fn asked(headers: &HeaderMap) -> Option<Self> {
        let value = headers.get(HEADER)?.to_str().ok()?.trim();
        (value == "1" || value.eq_ignore_ascii_case("true")).then(|| Explain { began: Instant::now() })
    }

    pub(super) fn extensions(self, call: &Call, answer: &Answer, config: &Config, open: bool) -> Json {
        let trips = call.trips.all();
        let mut told = json!({
            // of what was refused before it ran nothing was asked
            "cost": answer.data.is_some().then_some(answer.cost),
            "costLimit": config.limits.cost,
            "roundTrips": trips.len(),
            "milliseconds": self.began.elapsed().as_secs_f64() * 1_000.0,
        });
        // they tell of rules and of fields that a role does not see
        if open && shows_bodies(config) {
            let requests = trips.into_iter().map(|trip| json!({ "method": trip.method, "path": trip.path, "body": trip.body }));
            told["requests"] = requests.collect();
        }
        json!({ "hooke": told })
    }
}

/// Where what is sent upstream is noted for one call.
pub(super) fn trips(config: &Config) -> Arc<Trips> {
    Arc::new(if shows_bodies(config) { Trips::with_bodies() } else { Trips::default() })
}

/// They name indices and mappings: for whoever sits at this machine, and not where strangers come by another name.
fn shows_bodies(config: &Config) -> bool {
    config.listen.ip().is_loopback() && config.hosts.is_empty()
}
