//! The same searches in three ways, against the engine in use.

use axum::extract::Query as Parameters;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};

use super::seconds;
use crate::error::Code;
use crate::lab::{MOST_SEARCHES, Meter, Timing, count, search_all};
use crate::rest::mine::Mine;
use crate::rest::{Problem, admission};
use crate::telemetry::RequestId;

#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Asked {
    /// By default the first one.
    collection: Option<String>,
    /// Searches in each of the three ways; 20 by default.
    #[param(minimum = 1, maximum = 200)]
    count: Option<u32>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SearchesAnswer)]
pub(super) struct Answer {
    output: Output,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = SearchesOutput)]
struct Output {
    collection: String,
    /// One a search; none where the collection has no text, and its pages are asked for.
    words: Vec<String>,
    one_after_another: Way,
    at_once: Way,
    as_one_operation: Way,
    /// All three found the same documents.
    same: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
struct Way {
    /// Seconds
    elapsed_time: f64,
    /// When each search was answered, in seconds.
    finished: Vec<f64>,
}

impl Way {
    fn of(timing: &Timing) -> Way {
        Way { elapsed_time: seconds(timing.elapsed), finished: timing.finished.iter().copied().map(seconds).collect() }
    }
}

/// Searches in three ways
#[utoipa::path(
    get, path = "/lab/searches", tag = "lab", params(Asked),
    responses((status = 200, body = Answer), Problem),
)]
pub(super) async fn search_three_ways(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Json<Answer>, Problem> {
    let searches = count("count", asked.count.unwrap_or(20), MOST_SEARCHES)?;
    let exposed = match &asked.collection {
        Some(name) => admission::collection(&app, name)?,
        None => {
            let first = app.catalog.now().collections.first().cloned();
            first.ok_or_else(|| Problem::new(Code::NotFound, "there is no collection to search in yet: load one"))?
        }
    };
    let done = search_all(&*app.engine, &exposed, searches, || app.call(&id), &Meter::of(searches * 3)).await?;
    Ok(Json(Answer {
        output: Output {
            collection: done.collection,
            words: done.words,
            one_after_another: Way::of(&done.sequence),
            at_once: Way::of(&done.at_once),
            as_one_operation: Way::of(&done.together),
            same: done.same,
        },
    }))
}
