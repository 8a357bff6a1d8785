//! One document: get, put, patch, delete; and a new one. Its version is its ETag; If-Match and If-None-Match are preconditions.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, Query};
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
use crate::rest::mine::Mine;
use crate::search::{
    Action, DocRef, Document, DocumentId, Error, Fetch, Filter, Precondition, Refresh, Source, Version, Write, Written,
};
use crate::telemetry::RequestId;

#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Parameters {
    /// When the write can be found: NONE (soon), WAIT (answered when it can) or NOW (at once, at a cost).
    #[serde(default)]
    #[param(inline)]
    refresh: RefreshParameter,
}

/// Which document.
#[derive(serde::Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Path)]
pub(super) struct Named {
    #[param(example = "landmarks")]
    collection: String,
    /// The document's own id
    #[param(example = "eads-bridge")]
    id: String,
}

#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Header)]
#[expect(dead_code, reason = "for the description")]
struct IfMatch {
    /// An ETag, or several: only if the document is still that version; `*`: only if there is one
    #[param(rename = "If-Match", example = "\"7-1\"")]
    if_match: Option<String>,
}

/// A document as it comes: with its id and version, and whatever fields it has.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "for the description")]
pub(super) struct Stored {
    #[schema(rename = "_id", example = "eads-bridge")]
    id: String,
    /// As in the ETag, without its quotes.
    #[schema(rename = "_version", example = "7-1")]
    version: String,
}

/// One request about one document.
struct Asked {
    app: Arc<App>,
    request: RequestId,
    exposed: Arc<Exposed>,
    id: DocumentId,
}

impl Asked {
    fn new(app: Arc<App>, request: RequestId, named: &Named) -> Result<Self, Problem> {
        let exposed = admission::collection(&app, &named.collection)?;
        let id = DocumentId::parse(&named.id).map_err(|fault| Problem::new(Code::BadUserInput, fault))?;
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
            (Some(tags), None) => match (tags, versions(tags).as_slice()) {
                (_, [one]) => Ok(Precondition::Version(*one)),
                (any, several) => match self.find().await? {
                    Some(found) if any == "*" || several.contains(&found.version) => Ok(Precondition::Version(found.version)),
                    Some(_) => Err(Problem::new(Code::PreconditionFailed, "If-Match is no ETag of this document")),
                    None => Err(Problem::new(Code::PreconditionFailed, "there is no such document")),
                },
            },
            _ => Err(Problem::new(Code::BadUserInput, "of a write only If-Match, or If-None-Match: *, can be asked")),
        }
    }

    /// What is sent for this document, and under which condition.
    async fn read(&self, headers: &HeaderMap, body: &[u8]) -> Result<(Source, Precondition), Problem> {
        let source = own(media::read_object(body)?, &self.id)?;
        Ok((source, self.precondition(headers).await?))
    }

    async fn write(&self, action: Action, refresh: Refresh) -> Result<Written, Problem> {
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
    params(
        Named,
        ("If-None-Match" = Option<String>, Header, description = "An ETag, or several: nothing is sent if the document is still that version", example = "\"7-1\""),
    ),
    responses(
        (status = 200, body = Stored, headers(("ETag" = String, description = "Its version, in quotes"))),
        (status = 304, headers(("ETag" = String, description = "Its version, in quotes"))),
        (status = 409, body = Problem, content_type = "application/problem+json", description = "Several indices of the collection have a document of that id"),
    ),
)]
pub(super) async fn get_document(
    Mine(app): Mine,
    Extension(request): Extension<RequestId>,
    Path(named): Path<Named>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let asked = Asked::new(app, request, &named)?;
    let Some(document) = asked.find().await? else {
        let Named { collection, id } = named;
        return Err(Problem::new(Code::NotFound, format!("there is no document {id} in {collection}")));
    };
    let known = one(&headers, &header::IF_NONE_MATCH)?;
    // of a document that is read, a weak tag says as much as a strong one
    let is_known = |known: &str| known == "*" || versions(&known.replace("W/", "")).contains(&document.version);
    if known.is_some_and(is_known) {
        return Ok((StatusCode::NOT_MODIFIED, [(header::ETAG, tag(document.version))]).into_response());
    }
    Ok(answer(StatusCode::OK, &document.id, document.version, Some(document.source)))
}

/// Make a document with an id of its own
#[utoipa::path(
    post, path = "/v1/collections/{collection}/documents", tag = "documents",
    request_body(content = Object, description = "The document, as its mapping allows", example = json!({ "name": "Eads Bridge", "year": 1874 })),
    params(("collection" = String, Path, example = "landmarks"), Parameters),
    responses((
        status = 201,
        body = Stored,
        headers(("ETag" = String, description = "Its version, in quotes"), ("Location" = String, description = "Where it is")),
    )),
)]
pub(super) async fn create_document(
    Mine(app): Mine,
    Extension(request): Extension<RequestId>,
    Path(collection): Path<String>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    admission::documents(&app.config)?;
    media::check(&headers, media::JSON)?;
    let exposed = admission::collection(&app, &collection)?;
    let source: Source = media::read_object(&body)?;
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
    put, path = "/v1/collections/{collection}/documents/{id}", tag = "documents",
    request_body(content = Object, description = "The document, as its mapping allows", example = json!({ "name": "Eads Bridge", "year": 1874 })),
    params(
        Named,
        IfMatch,
        ("If-None-Match" = Option<String>, Header, description = "`*`: only if there is no such document", example = "*"),
        Parameters,
    ),
    responses(
        (status = 200, body = Stored, description = "It took the place of another", headers(("ETag" = String, description = "Its version, in quotes"))),
        (status = 201, body = Stored, description = "There was none before", headers(("ETag" = String, description = "Its version, in quotes"))),
    ),
)]
pub(super) async fn put_document(
    Mine(app): Mine,
    Extension(request): Extension<RequestId>,
    Path(named): Path<Named>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    admission::documents(&app.config)?;
    media::check(&headers, media::JSON)?;
    let asked = Asked::new(app, request, &named)?;
    let (source, precondition) = asked.read(&headers, &body).await?;
    let action = Action::Index { id: Some(asked.id.clone()), source: source.clone(), precondition };
    let written = asked.write(action, parameters.refresh.into()).await?;
    let status = if written.created { StatusCode::CREATED } else { StatusCode::OK };
    Ok(answer(status, &written.id, written.version, Some(source)))
}

/// Change a document by a JSON merge patch
#[utoipa::path(
    patch, path = "/v1/collections/{collection}/documents/{id}", tag = "documents",
    request_body(
        content((Object = "application/merge-patch+json", example = json!({ "year": 1874, "span": null })), (Object = "application/json")),
        description = "What changes: null removes a field, objects are merged, all else takes the place of what was there",
    ),
    params(
        Named,
        IfMatch,
        Parameters,
    ),
    responses(
        (status = 200, body = Stored, headers(("ETag" = String, description = "Its version, in quotes"))),
    ),
)]
pub(super) async fn patch_document(
    Mine(app): Mine,
    Extension(request): Extension<RequestId>,
    Path(named): Path<Named>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Problem> {
    admission::documents(&app.config)?;
    media::check(&headers, media::PATCH)?;
    let asked = Asked::new(app, request, &named)?;
    let (patch, precondition) = asked.read(&headers, &body).await?;
    there(&precondition, "changed")?;
    let action = Action::Update { id: asked.id.clone(), patch, precondition };
    let written = asked.write(action, parameters.refresh.into()).await?;
    // a field that the settings hide was not written by this caller, and is not shown
    let after = written.after.filter(|_| admission::visible(&asked.app.config, &asked.exposed).is_none());
    Ok(answer(StatusCode::OK, &written.id, written.version, after))
}

/// Remove a document
#[utoipa::path(
    delete, path = "/v1/collections/{collection}/documents/{id}", tag = "documents",
    params(
        Named,
        IfMatch,
        Parameters,
    ),
    responses(
        (status = 204),
    ),
)]
pub(super) async fn delete_document(
    Mine(app): Mine,
    Extension(request): Extension<RequestId>,
    Path(named): Path<Named>,
    Query(parameters): Query<Parameters>,
    headers: HeaderMap,
) -> Result<StatusCode, Problem> {
    admission::documents(&app.config)?;
    let asked = Asked::new(app, request, &named)?;
    let precondition = asked.precondition(&headers).await?;
    there(&precondition, "removed")?;
    asked.write(Action::Delete { id: asked.id.clone(), precondition }, parameters.refresh.into()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What can only be done to a document that is there is not asked for where there is none.
fn there(precondition: &Precondition, done: &str) -> Result<(), Problem> {
    if *precondition == Precondition::Absent {
        let message = format!("what is not there cannot be {done}: If-None-Match is for PUT");
        return Err(Problem::new(Code::BadUserInput, message));
    }
    Ok(())
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

/// Of a list of tags those that are ours.
fn versions(tags: &str) -> Vec<Version> {
    tags.split(',').filter_map(|tag| version_of(tag.trim())).collect()
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
        assert_eq!(versions("\"6-1\", \"7-1\" ,x, W/\"8-1\""), [Version { seq_no: 6, primary_term: 1 }, version]);
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
