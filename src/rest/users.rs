//! Users, for administrators.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::accounts::{Refused, UserView, accounts, nothing, private, read};
use super::problem::Problem;
use crate::access::{Viewer, Who};
use crate::accounts::{Accounts, Fault, NewUser, UserChange};
use crate::app::App;
use crate::telemetry::RequestId;

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Users {
    users: Vec<UserView>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewUser)]
pub(super) struct Wanted {
    #[schema(example = "ada@example.org")]
    email: String,
    /// 10 characters or more.
    #[schema(example = "correct horse battery")]
    password: String,
    name: Option<String>,
    /// `admin`, or one of the settings.
    #[schema(example = "admin")]
    role: String,
    /// For row rules, beside `sub` and `email`.
    #[serde(default)]
    #[schema(value_type = Option<Object>)]
    claims: Map<String, Value>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = UserChange)]
pub(super) struct Change {
    role: Option<String>,
    /// Signed out, and kept out.
    disabled: Option<bool>,
    #[schema(value_type = Option<Object>)]
    claims: Option<Map<String, Value>>,
    /// All sessions end.
    password: Option<String>,
}

/// For whoever may do everything; a key may not, whatever its role is.
fn administered<'a>(app: &'a App, viewer: &Viewer) -> Result<&'a Accounts, Refused> {
    let accounts = accounts(app)?;
    match &viewer.who {
        Who::Anybody => Err(Fault::Unauthenticated.into()),
        who @ Who::Key { .. } if !who.is_command() => Err(Fault::Forbidden("keys do not steer users").into()),
        _ if viewer.role.may_everything() => Ok(accounts),
        _ => Err(Fault::Forbidden("for administrators").into()),
    }
}

/// List users
#[utoipa::path(
    get, path = "/v1/users", tag = "users",
    responses((status = 200, body = Users), Problem),
)]
pub(super) async fn list_users(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
) -> Result<Response, Refused> {
    let users = administered(&app, &viewer)?.list_users(&app.call(&id)).await?;
    Ok(private(StatusCode::OK, Users { users: users.into_iter().map(UserView::from).collect() }))
}

/// Add a user
#[utoipa::path(
    post, path = "/v1/users", tag = "users", request_body = Wanted,
    responses((status = 201, body = UserView), Problem),
)]
pub(super) async fn add_user(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let accounts = administered(&app, &viewer)?;
    let Wanted { email, password, name, role, claims } = read(&headers, &body)?;
    let user = accounts.add_user(&app.call(&id), NewUser { email, password, name, role, claims }).await?;
    Ok(private(StatusCode::CREATED, UserView::from(user)))
}

/// Get a user
///
/// By id or by mail address.
#[utoipa::path(
    get, path = "/v1/users/{user}", tag = "users", params(("user" = String, Path)),
    responses((status = 200, body = UserView), Problem),
)]
pub(super) async fn get_user(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    Path(user): Path<String>,
) -> Result<Response, Refused> {
    let user = administered(&app, &viewer)?.find_user(&app.call(&id), &user).await?;
    Ok(private(StatusCode::OK, UserView::from(user)))
}

/// Change a user
///
/// What is left out stays. Who is disabled or gets another password is signed out.
#[utoipa::path(
    patch, path = "/v1/users/{user}", tag = "users", params(("user" = String, Path)), request_body = Change,
    responses((status = 200, body = UserView), Problem),
)]
pub(super) async fn change_user(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    Path(user): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let accounts = administered(&app, &viewer)?;
    let Change { role, disabled, claims, password } = read(&headers, &body)?;
    let call = app.call(&id);
    let user = accounts.find_user(&call, &user).await?;
    let user = accounts.change_user(&call, &user.id, UserChange { role, disabled, claims, password }).await?;
    Ok(private(StatusCode::OK, UserView::from(user)))
}

/// Remove a user
///
/// With the keys of the user.
#[utoipa::path(
    delete, path = "/v1/users/{user}", tag = "users", params(("user" = String, Path)),
    responses((status = 204), Problem),
)]
pub(super) async fn remove_user(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    Path(user): Path<String>,
) -> Result<Response, Refused> {
    let accounts = administered(&app, &viewer)?;
    let call = app.call(&id);
    let user = accounts.find_user(&call, &user).await?;
    accounts.remove_user(&call, &user.id).await?;
    Ok(nothing())
}
