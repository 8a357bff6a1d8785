//! Collections: which there are, one of them, a new one, one less.

use std::sync::Arc;

use axum::Extension;
use axum::Json;
use axum::body::Bytes;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde::{Deserialize, Serialize};

use super::problem::{Problem, log_cause};
use super::{admission, media, segment};
use crate::app::App;
use crate::catalog::{self, Catalog, Exposed, ExposedField};
use crate::error::Code;
use crate::rest::mine::Mine;
use crate::search::{Call, Engine, Error, Fetch, PageRequest, Query, TotalRequest, mapping};
use crate::telemetry::RequestId;

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Collections)]
pub(super) struct Listing {
    collections: Vec<Summary>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = CollectionSummary)]
pub(super) struct Summary {
    name: String,
    /// The root field in GraphQL.
    field: String,
    /// The type of a document in GraphQL.
    #[serde(rename = "type")]
    type_name: String,
    /// Documents; null where they cannot be counted just now.
    count: Option<u64>,
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = Collection)]
pub(super) struct Description {
    #[serde(flatten)]
    summary: Summary,
    /// Every field that is exposed, parents before children.
    fields: Vec<FieldSummary>,
    /// As Elasticsearch writes it.
    #[schema(value_type = Object)]
    mappings: serde_json::Value,
    /// What an operator should know: fields on which indices disagree, types that are not known.
    remarks: Vec<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct FieldSummary {
    /// In the document.
    path: String,
    /// In GraphQL, inside its parent.
    name: String,
    /// Of the mapping.
    #[serde(rename = "type")]
    mapping_type: String,
    list: bool,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewCollection {
    #[schema(example = "books")]
    name: String,
    /// The body of an Elasticsearch mapping: `{"properties": …}`.
    #[schema(value_type = Object, example = json!({ "properties": { "title": { "type": "text" }, "year": { "type": "integer" } } }))]
    mappings: serde_json::Value,
}

/// List collections
#[utoipa::path(
    get, path = "/v1/collections", tag = "collections",
    responses((status = 200, body = Listing)),
)]
pub(super) async fn list_collections(Mine(app): Mine, Extension(id): Extension<RequestId>) -> Result<Json<Listing>, Problem> {
    let catalog = app.catalog.now();
    if catalog.revision == 0 {
        return Err(not_yet(&app, &id).await);
    }
    let counts = count(&*app.engine, &app.call(&id), &catalog.collections).await?;
    let collections = catalog.collections.iter().zip(counts).map(|(exposed, count)| summary(exposed, count)).collect();
    Ok(Json(Listing { collections }))
}

/// Describe a collection
#[utoipa::path(
    get, path = "/v1/collections/{collection}", tag = "collections",
    params(("collection" = String, Path, example = "landmarks")),
    responses((status = 200, body = Description)),
)]
pub(super) async fn describe_collection(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(name): Path<String>,
) -> Result<Json<Description>, Problem> {
    let exposed = admission::collection(&app, &name)?;
    let counts = count(&*app.engine, &app.call(&id), std::slice::from_ref(&exposed)).await?;
    Ok(Json(describe(&exposed, counts.into_iter().next().flatten())))
}

/// Make a collection
#[utoipa::path(
    post, path = "/v1/collections", tag = "collections", request_body = NewCollection,
    responses(
        (status = 201, body = Description, headers(("Location" = String, description = "Where it is"))),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "The name is taken"),
    ),
)]
pub(super) async fn create_collection(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    admission::collections(&app.config)?;
    media::check(&headers, media::JSON)?;
    let given: NewCollection = media::read_object(&body)?;
    let wrong = |message: String, path: &str| {
        Problem::new(Code::BadUserInput, message.clone()).with_fault(Code::BadUserInput, message, vec![path.to_owned()])
    };
    let fields = mapping::parse(&given.mappings).map_err(|fault| wrong(fault.to_string(), "mappings"))?;
    let call = app.call(&id);
    let name = app.catalog.make(&call, &given.name, fields).await?;
    app.catalog.refresh(&call).await?;
    let exposed = admission::collection(&app, name.as_str())?;
    let place = format!("/v1/collections/{}", segment(name.as_str()));
    Ok((StatusCode::CREATED, [(header::LOCATION, place)], Json(describe(&exposed, Some(0)))).into_response())
}

/// Remove a collection and all its documents
#[utoipa::path(
    delete, path = "/v1/collections/{collection}", tag = "collections",
    params(("collection" = String, Path)),
    responses((status = 204)),
)]
pub(super) async fn remove_collection(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(name): Path<String>,
) -> Result<StatusCode, Problem> {
    admission::collections(&app.config)?;
    let exposed = admission::collection(&app, &name)?;
    let call = app.call(&id);
    app.catalog.unmake(&call, &exposed).await?;
    app.catalog.refresh(&call).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The catalog was never read: what the engine says to that.
async fn not_yet(app: &App, id: &RequestId) -> Problem {
    match app.engine.health(&app.call(id)).await {
        Err(fault) => fault.into(),
        Ok(_) => Error::Unavailable("the catalog was not read yet".into()).into(),
    }
}

/// Documents of each, in one round trip.
async fn count(engine: &dyn Engine, call: &Call, collections: &[Arc<Exposed>]) -> Result<Vec<Option<u64>>, Problem> {
    if collections.is_empty() {
        return Ok(Vec::new());
    }
    let queries: Vec<Query> = collections
        .iter()
        .map(|exposed| Query {
            page: PageRequest { size: 0, ..PageRequest::default() },
            total: TotalRequest::All,
            fetch: Fetch { fields: Some(Vec::new()), ..Fetch::default() },
            ..Query::new(exposed.collection.name.clone())
        })
        .collect();
    let pages = engine.search(call, &queries).await?;
    Ok(pages
        .into_iter()
        .map(|page| match page {
            Ok(page) => page.total.map(|total| total.value),
            Err(fault) => {
                log_cause(&fault);
                None
            }
        })
        .collect())
}

fn summary(exposed: &Exposed, count: Option<u64>) -> Summary {
    Summary {
        name: exposed.collection.name.to_string(),
        field: exposed.names.many.clone(),
        type_name: exposed.names.type_name.clone(),
        count,
    }
}

fn describe(exposed: &Arc<Exposed>, count: Option<u64>) -> Description {
    let mut fields = Vec::new();
    collect(&exposed.fields, &mut fields);
    Description {
        summary: summary(exposed, count),
        fields,
        mappings: mapping::write(&exposed.collection.fields),
        remarks: catalog::remarks(&Catalog { revision: 1, collections: vec![exposed.clone()] }),
    }
}

fn collect(fields: &[ExposedField], all: &mut Vec<FieldSummary>) {
    for exposed in fields {
        all.push(FieldSummary {
            path: exposed.field.path.clone(),
            name: exposed.name.clone(),
            mapping_type: mapping::type_name(&exposed.field.kind).to_owned(),
            list: exposed.list,
        });
        collect(&exposed.fields, all);
    }
}
