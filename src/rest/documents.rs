//! One document: get, put, patch, delete; and a new one. Its version is its ETag; If-Match and If-None-Match are preconditions.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::{Extension, Json};
use serde_json::Value;

use super::bulk::RefreshParameter;
use super::problem::Problem;
use super::{admission, media, segment};
use crate::app::App;
use crate::catalog::Exposed;
use crate::error::Code;
use crate::search::{
    Action, DocRef, Document, DocumentId, Error, Fetch, Filter, Precondition, Refresh, Source, Version, Write, Written,
};
use crate::telemetry::RequestId;

#[derive(serde::Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    /// When the write can be found: NONE (soon), WAIT (answered when it can) or NOW (at once, at a cost).
    #[serde(default)]
    refresh: RefreshParameter,
}

/// One request about one document.
struct Asked {
    app: Arc<App>,
    request: RequestId,
    exposed: Arc<Exposed>,
    id: DocumentId,
}

impl Asked {
    fn new(app: Arc<App>, request: RequestId, collection: &str, id: &str) -> Result<Self, Problem> {
        let exposed = admission::collection(&app, collection)?;
        let id = DocumentId::parse(id).map_err(|fault| Problem::new(Code::BadUserInput, fault))?;
        Ok(Asked { app, request, exposed, id })
    }

    async fn find(&self) -> Result<Option<Document>, Problem> {
        let wanted = [DocRef::new(self.exposed.collection.name.clone(), self.id.clone())];
        let fetch = Fetch { fields: admission::visible(&self.app.config, &self.exposed), ..Fetch::default() };
        let found = self.app.engine.get(&self.app.call(&self.request), &wanted, &fetch, &Filter::All).await?;
        Ok(found.into_iter().next().flatten())
    }

    /// What If-Match and If-None-Match ask for.
    async fn precondition(&self, headers: &HeaderMap) -> Result<Precondition, Problem> {
        match (one(headers, &header::IF_MATCH)?, one(headers, &header::IF_NONE_MATCH)?) {
            (None, None) => Ok(Precondition::None),
            (None, Some("*")) => Ok(Precondition::Absent),
            (Some("*"), None) => match self.find().await? {
                Some(document) => Ok(Precondition::Version(document.version)),
                None => Err(Problem::new(Code::PreconditionFailed, "there is no such document")),
            },
            (Some(tag), None) => version_of(tag)
                .map(Precondition::Version)
                .ok_or_else(|| Problem::new(Code::PreconditionFailed, "If-Match is no ETag of this document")),
            _ => Err(Problem::new(Code::BadUserInput, "of a write only If-Match, or If-None-Match: *, can be asked")),
        }
    }

    async fn write(self, action: Action, refresh: Refresh) -> Result<Written, Problem> {
        let guarded = match &action {
            Action::Index { precondition, .. } | Action::Update { precondition, .. } | Action::Delete { precondition, .. } => {
                *precondition != Precondition::None
            }
        };
        write(&self.app, &self.request, &self.exposed, action, refresh).await.map_err(|fault| match fault {
            Error::Conflict(why) | Error::NotFound(why) if guarded => Problem::new(Code::PreconditionFailed, why),
            fault => fault.into(),
        })
    }
}

async fn write(app: &App, id: &RequestId, exposed: &Exposed, action: Action, refresh: Refresh) -> Result<Written, Error> {
    let write = Write { on: exposed.collection.name.clone(), rule: Filter::All, action };
    let outcomes = app.engine.write(&app.call(id), vec![write], refresh).await?;
    outcomes.into_iter().next().ok_or_else(|| Error::internal("no outcome for a write"))?
}

/// Get a document
#[utoipa::path(
    get, path = "/v1/collections/{collection}/documents/{id}", tag = "documents",
    params(("collection" = String, Path), ("id" = String, Path)),
    responses(
        (status = 200, body = Object, description = "The document, with `_id` and `_version`", headers(("ETag" = String))),
        (status = 304, description = "It is what If-None-Match names"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn get_document(
    State(app): State<Arc<App>>,
    Extension(request): Extension<RequestId>,
    Path((collection, id)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Asked::new(app, request, &collection, &id)?;
    let Some(document) = asked.find().await? else {
        return Err(Problem::new(Code::NotFound, format!("there is no document {id} in {collection}")));
    };
    let known = one(&headers, &header::IF_NONE_MATCH)?;
    if known.is_some_and(|known| known == "*" || known.split(',').any(|tag| version_of(tag.trim()) == Some(document.version))) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag(document.version))]).into_response());
    }
    Ok(answer(StatusCode::OK, &document.id, document.version, Some(document.source)))
}

/// Make a document with an id of its own
#[utoipa::path(
    post, path = "/v1/collections/{collection}/documents", tag = "documents", request_body = Object,
    params(("collection" = String, Path), Parameters),
    responses((status = 201, body = Object), (status = "4XX", body = Problem, content_type = "application/problem+json")),
)]
pub(super) async fn create_document(
    State(app): State<Arc<App>>,
    Extension(request): Extension<RequestId>,
    Path(collection): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    admission::documents(&app.config)?;
    media::check(&headers, media::JSON)?;
    let exposed = admission::collection(&app, &collection)?;
    let source = object(&body)?;
    if source.contains_key("_id") {
        return Err(Problem::new(Code::BadUserInput, "the id of a document is given by its address: PUT it there"));
    }
    let action = Action::Index { id: None, source: source.clone(), precondition: Precondition::None };
    let written = write(&app, &request, &exposed, action, parameters.refresh.into()).await?;
    let place = format!("/v1/collections/{}/documents/{}", segment(&collection), segment(written.id.as_str()));
    let mut response = answer(StatusCode::CREATED, &written.id, written.version, Some(source));
    if let Ok(place) = HeaderValue::from_str(&place) {
        response.headers_mut().insert(header::LOCATION, place);
    }
    Ok(response)
}

/// Put a document there, whatever was there before
#[utoipa::path(
    put, path = "/v1/collections/{collection}/documents/{id}", tag = "documents", request_body = Object,
    params(("collection" = String, Path), ("id" = String, Path), Parameters),
    responses(
        (status = 200, body = Object), (status = 201, body = Object),
        (status = 412, body = Problem, content_type = "application/problem+json", description = "If-Match or If-None-Match: * does not hold"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn put_document(
    State(app): State<Arc<App>>,
    Extension(request): Extension<RequestId>,
    Path((collection, id)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    admission::documents(&app.config)?;
    media::check(&headers, media::JSON)?;
    let asked = Asked::new(app, request, &collection, &id)?;
    let source = own(object(&body)?, &asked.id)?;
    let precondition = asked.precondition(&headers).await?;
    let action = Action::Index { id: Some(asked.id.clone()), source: source.clone(), precondition };
    let written = asked.write(action, parameters.refresh.into()).await?;
    let status = if written.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(answer(status, &written.id, written.version, Some(source)))
}

/// Change a document by a JSON merge patch
#[utoipa::path(
    patch, path = "/v1/collections/{collection}/documents/{id}", tag = "documents",
    request_body(content = Object, content_type = "application/merge-patch+json"),
    params(("collection" = String, Path), ("id" = String, Path), Parameters),
    responses(
        (status = 200, body = Object),
        (status = 412, body = Problem, content_type = "application/problem+json", description = "If-Match does not hold"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn patch_document(
    State(app): State<Arc<App>>,
    Extension(request): Extension<RequestId>,
    Path((collection, id)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    admission::documents(&app.config)?;
    media::check(&headers, media::PATCH)?;
    let asked = Asked::new(app, request, &collection, &id)?;
    let patch = own(object(&body)?, &asked.id)?;
    let precondition = asked.precondition(&headers).await?;
    if precondition == Precondition::Absent {
        return Err(Problem::new(Code::BadUserInput, "what is not there cannot be changed: If-None-Match is for PUT"));
    }
    let (app, exposed) = (asked.app.clone(), asked.exposed.clone());
    let written = asked.write(Action::Update { id: asked_id(&id)?, patch, precondition }, parameters.refresh.into()).await?;
    // a field that the settings hide was not written by this caller, and is not shown
    let after = written.after.filter(|_| admission::visible(&app.config, &exposed).is_none());
    Ok(answer(StatusCode::OK, &written.id, written.version, after))
}

/// Remove a document
#[utoipa::path(
    delete, path = "/v1/collections/{collection}/documents/{id}", tag = "documents",
    params(("collection" = String, Path), ("id" = String, Path), Parameters),
    responses(
        (status = 204),
        (status = 412, body = Problem, content_type = "application/problem+json", description = "If-Match does not hold"),
        (status = "4XX", body = Problem, content_type = "application/problem+json"),
    ),
)]
pub(super) async fn delete_document(
    State(app): State<Arc<App>>,
    Extension(request): Extension<RequestId>,
    Path((collection, id)): Path<(String, String)>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    admission::documents(&app.config)?;
    let asked = Asked::new(app, request, &collection, &id)?;
    let precondition = asked.precondition(&headers).await?;
    if precondition == Precondition::Absent {
        return Err(Problem::new(Code::BadUserInput, "what is not there cannot be removed: If-None-Match is for PUT"));
    }
    asked.write(Action::Delete { id: asked_id(&id)?, precondition }, parameters.refresh.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn asked_id(id: &str) -> Result<DocumentId, Problem> {
    DocumentId::parse(id).map_err(|fault| Problem::new(Code::BadUserInput, fault))
}

fn object(body: &[u8]) -> Result<Source, Problem> {
    serde_json::from_slice(body)
        .map_err(|fault| Problem::new(Code::BadUserInput, format!("the body must be one JSON object: {fault}")))
}

/// What a get has added is taken off again; a foreign id is a mistake.
fn own(mut source: Source, id: &DocumentId) -> Result<Source, Problem> {
    if source.remove("_id").is_some_and(|own| own.as_str() != Some(id.as_str())) {
        return Err(Problem::new(Code::BadUserInput, "the _id in the body is not the one in the address"));
    }
    source.remove("_version");
    Ok(source)
}

/// The document with what GraphQL calls `_id` and `_version`.
pub(super) fn node(id: &DocumentId, version: Version, source: Source) -> Value {
    let mut node = source;
    node.insert("_id".into(), id.as_str().into());
    node.insert("_version".into(), version.to_string().into());
    Value::Object(node)
}

fn answer(status: StatusCode, id: &DocumentId, version: Version, source: Option<Source>) -> Response {
    let body = Json(node(id, version, source.unwrap_or_default()));
    (status, [(header::ETAG, tag(version))], body).into_response()
}

fn tag(version: Version) -> String {
    format!("\"{version}\"")
}

fn version_of(tag: &str) -> Option<Version> {
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

/// A header that may be there once.
fn one<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a str>, Problem> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) if value.to_str().is_ok() => Ok(value.to_str().ok().map(str::trim)),
        _ => Err(Problem::new(Code::BadUserInput, format!("the header {name} may be sent once, in plain letters"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_a_version_in_quotes() {
        let version = Version { seq_no: 7, primary_term: 1 };
        assert_eq!(version_of(&tag(version)), Some(version));
        for wrong in ["7-1", "\"7-1", "W/\"7-1\"", "\"x\"", ""] {
            assert_eq!(version_of(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_document_may_be_sent_back_as_it_came() {
        let id = DocumentId::parse("a").unwrap();
        let version = Version { seq_no: 7, primary_term: 1 };
        let source: Source = serde_json::from_str(r#"{"x":1}"#).unwrap();
        let Value::Object(sent) = node(&id, version, source.clone()) else { panic!("no object") };
        assert_eq!(own(sent.clone(), &id).unwrap(), source);
        assert!(own(sent, &DocumentId::parse("b").unwrap()).is_err());
    }
}
