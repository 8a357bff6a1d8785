//! Random queries on a sample of a collection, to the engine and to a plain evaluator: `hooke verify` asks for it round by round.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::problem::Problem;
use super::{admission, media};
use crate::access::Viewer;
use crate::error::Code;
use crate::rest::mine::Mine;
use crate::telemetry::RequestId;
use crate::verify::{self, CASES_MOST, Round, SAMPLE_MOST};

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
#[schema(as = VerificationRound)]
pub(super) struct Asked {
    /// The same seed asks the same of the same documents.
    #[schema(example = 7, minimum = 0, maximum = 4_294_967_295_u64)]
    #[serde(deserialize_with = "whole")]
    seed: u32,
    /// Random queries, at most 100.
    #[schema(example = 25, minimum = 1, maximum = 100)]
    #[serde(deserialize_with = "whole")]
    cases: u32,
    /// Documents that are looked at, at most 500.
    #[schema(example = 200, minimum = 1, maximum = 500)]
    #[serde(deserialize_with = "whole")]
    sample: u32,
}

/// Whole numbers, also those written with a fraction of nothing, which are integers to JSON Schema.
fn whole<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let number = f64::deserialize(deserializer)?;
    if number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number) {
        return Ok(number as u32);
    }
    Err(serde::de::Error::custom(format!("{number} is no whole number from 0 to {}", u32::MAX)))
}

impl Default for Asked {
    fn default() -> Self {
        Asked { seed: 1, cases: 25, sample: 200 }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = VerificationReport)]
pub(super) struct Report {
    /// Documents that were looked at.
    documents: usize,
    /// Documents of the collection.
    total: u64,
    cases: usize,
    /// Queries that were answered otherwise than expected; the first twenty of them are told.
    different: usize,
    differences: Vec<Difference>,
    /// What could not be judged, and why.
    skipped: Vec<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = VerificationDifference)]
struct Difference {
    /// Of the query in its round.
    number: usize,
    /// Part by part, in words for people.
    query: Vec<String>,
    told: String,
    /// Documents that are named, as text.
    documents: Vec<String>,
}

/// Verify a collection
///
/// For roles that may do everything: what differs is told with parts of documents.
#[utoipa::path(
    post, path = "/v1/collections/{collection}/verify", tag = "collections", request_body = Asked,
    params(("collection" = String, Path, example = "landmarks")),
    responses((status = 200, body = Report)),
)]
pub(super) async fn verify_collection(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    Path(collection): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Report>, Problem> {
    media::check(&headers, media::JSON)?;
    let Asked { seed, cases, sample } = media::read_object(&body)?;
    if !viewer.role.may_everything() {
        return Err(Problem::new(Code::Forbidden, "a collection is verified by those who may do everything"));
    }
    if !(1..=CASES_MOST).contains(&cases) || !(1..=SAMPLE_MOST).contains(&sample) {
        let message = format!("a round has 1 to {CASES_MOST} cases on 1 to {SAMPLE_MOST} documents");
        return Err(Problem::new(Code::LimitExceeded, message));
    }
    let exposed = admission::collection(&app, &collection)?;
    let report = verify::run(&*app.engine, &exposed, &Round { seed: seed.into(), cases, sample }, &app.call(&id)).await?;
    let told = |difference: verify::Difference| Difference {
        number: difference.number,
        query: difference.query.into_iter().map(|(name, text)| format!("{name} {text}")).collect(),
        told: difference.told,
        documents: difference.documents.into_iter().map(|(id, text)| format!("{id}: {text}")).collect(),
    };
    Ok(Json(Report {
        documents: report.documents,
        total: report.total,
        cases: report.cases,
        different: report.different,
        differences: report.differences.into_iter().map(told).collect(),
        skipped: report.skipped,
    }))
}
