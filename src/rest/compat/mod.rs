//! The routes of the service that hooke grew from, with their paths, statuses and shapes, on the same engine as all others:
//! a collection of hashtags is made, loaded, paged through and told by its distinct values. What counts as a hashtag is in
//! `hashtags`; which are known already, and what is kept in memory of that, in `known`.

mod hashtags;
mod known;
mod load;

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::{Extension, Json};
use serde::Serialize;
use serde_json::{Value, json};

use super::problem::Problem;
use super::{admission, media};
use crate::catalog::Exposed;
use crate::error::Code;
use crate::rest::mine::Mine;
use crate::search::{
    Collection, CollectionName, Error, Fetch, FieldRef, From, Kind, PageRequest, Query, Relation, TotalRequest, mapping,
};
use crate::telemetry::RequestId;

pub(super) use known::Known;

/// The one field of such a collection.
const FIELD: &str = "content";
/// Up to here a total is exact, as in Elasticsearch's own answers.
const TOTAL: u64 = 10_000;

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Healthy {
    #[schema(example = "OK")]
    status: &'static str,
}

/// Is the service there
#[utoipa::path(get, path = "/v1/healthcheck", tag = "hashtags", responses((status = 200, body = Healthy)))]
pub(super) async fn check_health() -> Json<Healthy> {
    Json(Healthy { status: "OK" })
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = MadeIndex)]
pub(super) struct Made {
    acknowledged: bool,
    shards_acknowledged: bool,
    #[schema(example = "digi_hashtags")]
    index: String,
}

/// Make a collection for hashtags
///
/// Its documents have one field, `content`: searched as text, compared as a whole.
#[utoipa::path(
    post, path = "/v1/create/index/{index}", tag = "hashtags",
    params(("index" = String, Path, example = "digi_hashtags")),
    responses(
        (status = 200, body = Made),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "It exists, or that is no name"),
    ),
)]
pub(super) async fn create_index(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(index): Path<String>,
) -> Result<Json<Made>, Problem> {
    admission::collections(&app.config)?;
    let name = CollectionName::parse(&index).map_err(no_name)?;
    let body = json!({ "properties": { FIELD: { "type": "text", "fields": { "keyword": { "type": "keyword" } } } } });
    let collection = Collection::new(name.clone(), mapping::parse(&body)?);
    let call = app.call(&id);
    app.engine.create(&call, &collection).await.map_err(|fault| match fault {
        Error::Conflict(why) => Problem::new(Code::Conflict, why).with_status(StatusCode::BAD_REQUEST),
        fault => fault.into(),
    })?;
    tracing::info!(collection = %name, "made a collection");
    app.catalog.refresh(&call).await?;
    Ok(Json(Made { acknowledged: true, shards_acknowledged: true, index: name.to_string() }))
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CreatedContent)]
pub(super) struct Created {
    /// Ids of the documents that were not there before, in the order of their hashtags.
    created: Vec<String>,
}

/// Load hashtags
///
/// Those that the collection has already, and doubles, are left out; the others are stored as `{"content": …}` and can be found
/// once this answers. If some could not be stored, the answer is an error that names them, and `created` in it what was stored.
#[utoipa::path(
    post, path = "/v1/content/load/{index}", tag = "hashtags", request_body = hashtags::Load,
    params(("index" = String, Path, example = "digi_hashtags")),
    responses(
        (status = 200, body = Created),
        (status = 400, body = Problem, content_type = "application/problem+json", description = "`errors` names each hashtag that is none, and why"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The collection holds something else than hashtags"),
    ),
)]
pub(super) async fn load_content(
    Mine(app): Mine,
    Extension(known): Extension<Arc<Known>>,
    Extension(id): Extension<RequestId>,
    Path(index): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Created>, load::Failed> {
    admission::documents(&app.config)?;
    media::check(&headers, media::JSON)?;
    let exposed = admission::collection(&app, &index)?;
    let field = field(&exposed)?;
    let tags = hashtags::read(&body, &field, &app.config.limits)?;
    let created = load::load(app, known, id, exposed.collection.name.clone(), field, tags).await?;
    Ok(Json(Created { created }))
}

/// Page through a collection
///
/// In the shape of Elasticsearch's own answer, in the order in which the documents were written.
#[utoipa::path(
    get, path = "/v1/content/search/{index}/{from}/{size}", tag = "hashtags",
    params(
        ("index" = String, Path, example = "digi_hashtags"),
        ("from" = u32, Path, example = 0, description = "So many are passed over"),
        ("size" = u32, Path, example = 10, description = "So many at most; from and size together stay inside limits.window"),
    ),
    responses(
        (status = 200, body = SearchAnswer),
    ),
)]
pub(super) async fn search_content(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path((index, from, size)): Path<(String, u32, u32)>,
) -> Result<Json<SearchAnswer>, Problem> {
    let limits = &app.config.limits;
    let refuse = |message: String| Problem::new(Code::LimitExceeded, message);
    if size > limits.first {
        return Err(refuse(format!("a page has {} hits at most (limits.first), {size} were asked for", limits.first)));
    }
    if from.saturating_add(size) > limits.window {
        return Err(refuse(format!("from and size together may reach {} (limits.window)", limits.window)));
    }
    let exposed = admission::collection(&app, &index)?;
    let query = Query {
        page: PageRequest { size, backward: false, from: if from == 0 { From::Start } else { From::Offset(from) } },
        total: TotalRequest::UpTo(TOTAL),
        fetch: Fetch { fields: admission::visible(&app.config, &exposed), ..Fetch::default() },
        ..Query::new(exposed.collection.name.clone())
    };
    let mut pages = app.engine.search(&app.call(&id), &[query]).await?;
    let page = pages.pop().ok_or_else(|| Error::internal("no page for a query"))??;
    let total = page.total.ok_or_else(|| Error::internal("a total was asked for"))?;
    let relation = match total.relation {
        Relation::Equal => "eq",
        Relation::AtLeast => "gte",
    };
    let hits = page
        .hits
        .into_iter()
        .map(|hit| FoundHit {
            index: hit.document.index.to_string(),
            id: hit.document.id.to_string(),
            score: None,
            source: Value::Object(hit.document.source),
        })
        .collect();
    Ok(Json(SearchAnswer {
        took: page.took,
        timed_out: false,
        shards: Shards { total: 1, successful: 1, skipped: 0, failed: 0 },
        hits: Found { total: FoundTotal { value: total.value, relation }, max_score: None, hits },
    }))
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct SearchAnswer {
    /// Milliseconds.
    took: u64,
    timed_out: bool,
    /// An answer that lacks a part is never given: what was asked counts as one.
    #[serde(rename = "_shards")]
    shards: Shards,
    hits: Found,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Shards {
    total: u32,
    successful: u32,
    skipped: u32,
    failed: u32,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = FoundPage)]
pub(super) struct Found {
    total: FoundTotal,
    /// Always null: nothing is ranked.
    max_score: Option<f32>,
    hits: Vec<FoundHit>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct FoundTotal {
    value: u64,
    /// `eq`, or `gte` where counting stopped.
    relation: &'static str,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct FoundHit {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_score")]
    score: Option<f32>,
    #[serde(rename = "_source")]
    #[schema(value_type = Object)]
    source: Value,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Hashtags {
    hashtags: Vec<String>,
}

/// The distinct hashtags
///
/// Of the collection that the setting `compat.hashtags` names, 1,000 at most.
#[utoipa::path(
    get, path = "/v1/unique/hashtags", tag = "hashtags",
    responses(
        (status = 200, body = Hashtags),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "There is no such collection"),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The collection holds something else than hashtags"),
    ),
)]
pub(super) async fn list_hashtags(
    Mine(app): Mine,
    Extension(known): Extension<Arc<Known>>,
    Extension(id): Extension<RequestId>,
) -> Result<Json<Hashtags>, Problem> {
    let exposed = admission::collection(&app, &app.config.compat.hashtags)?;
    let field = field(&exposed)?;
    let hashtags = known.distinct(&*app.engine, &app.call(&id), &exposed.collection.name, &field).await?;
    Ok(Json(Hashtags { hashtags: hashtags.to_vec() }))
}

fn no_name(fault: crate::search::NameFault) -> Problem {
    let message = fault.to_string();
    Problem::new(Code::BadUserInput, message.clone()).with_fault(Code::BadUserInput, message, vec!["index".into()])
}

/// Where hashtags lie, and can be compared as a whole.
fn field(exposed: &Exposed) -> Result<FieldRef, Problem> {
    let found = exposed.fields.iter().map(|exposed| &exposed.field).find(|field| field.path == FIELD);
    let fits = |field: &&FieldRef| field.indexed && matches!(field.kind, Kind::Keyword(_) | Kind::Text { exact: Some(_), .. });
    found.filter(fits).cloned().ok_or_else(|| {
        let name = &exposed.collection.name;
        let why =
            format!("{name} has no field {FIELD} that is a keyword, or a text with a keyword sub-field: it holds no hashtags");
        Problem::new(Code::Conflict, why)
    })
}
