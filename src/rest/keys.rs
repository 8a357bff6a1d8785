//! Keys of programs: made, listed and removed by their users; administrators see all of them and make some that belong to nobody.

use std::sync::Arc;

use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, Query as Parameters, State as Shared};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::accounts::{Refused, accounts, nothing, private, read, user};
use super::problem::Problem;
use crate::access::{Viewer, Who};
use crate::accounts::{Fault, KeyView, NewKey};
use crate::app::App;
use crate::telemetry::RequestId;

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Key)]
pub(super) struct Shown {
    id: String,
    /// How the key begins.
    #[schema(example = "hooke_0123456789abcdef_")]
    prefix: String,
    name: String,
    /// The id of the user whose it is.
    user: Option<String>,
    /// Of a key that belongs to no user.
    role: Option<String>,
    /// Empty: all that the role may.
    scopes: Vec<String>,
    expires: Option<String>,
    created: String,
    /// To the minute.
    last_used: Option<String>,
}

impl From<KeyView> for Shown {
    fn from(key: KeyView) -> Self {
        let KeyView { id, prefix, name, owner, role, scopes, expires, created, last_used } = key;
        Shown { id, prefix, name, user: owner, role, scopes, expires, created, last_used }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Keys {
    keys: Vec<Shown>,
}

/// A key, shown this once.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Made {
    /// For the header `Authorization: Bearer …`. It is not shown again.
    key: String,
    #[serde(flatten)]
    shown: Shown,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewKey)]
pub(super) struct Wanted {
    #[schema(example = "nightly export")]
    name: String,
    /// `read`, `write`, `jobs`, `read:COLLECTION`, `write:COLLECTION`; none: all that the role may.
    #[serde(default)]
    scopes: Vec<String>,
    /// RFC 3339; without it the key holds until it is removed.
    expires: Option<String>,
    /// For administrators: the role of a key that belongs to no user.
    role: Option<String>,
    /// For administrators: the address or id of the user whose it is.
    user: Option<String>,
}

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// For administrators: those of all users.
    #[serde(default)]
    all: bool,
}

/// Whose keys one may steer; `None`: everybody's. A key does not make keys.
fn reach(viewer: &Viewer, all: bool) -> Result<Option<&str>, Refused> {
    match (&viewer.who, viewer.role.may_everything()) {
        (Who::User { .. }, true) if all => Ok(None),
        (who, true) if who.is_command() => Ok(None),
        (_, may) if !all || may => user(viewer).map(Some),
        _ => Err(Fault::Forbidden("only administrators see keys of others").into()),
    }
}

/// List keys
#[utoipa::path(
    get, path = "/v1/keys", tag = "accounts", params(Asked),
    responses((status = 200, body = Keys), Problem),
)]
pub(super) async fn list_keys(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    Parameters(asked): Parameters<Asked>,
) -> Result<Response, Refused> {
    let keys = accounts(&app)?.list_keys(&app.call(&id), reach(&viewer, asked.all)?).await?;
    Ok(private(StatusCode::OK, Keys { keys: keys.into_iter().map(Shown::from).collect() }))
}

/// Make a key
///
/// The key itself is in this answer and nowhere else.
#[utoipa::path(
    post, path = "/v1/keys", tag = "accounts", request_body = Wanted,
    responses((status = 201, body = Made), Problem),
)]
pub(super) async fn add_key(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let accounts = accounts(&app)?;
    let for_others = reach(&viewer, viewer.role.may_everything())?.is_none();
    let Wanted { name, scopes, expires, role, user: named } = read(&headers, &body)?;
    if (role.is_some() || named.is_some()) && !for_others {
        return Err(Fault::Forbidden("only administrators make keys of others").into());
    }
    let call = app.call(&id);
    let owner = match (named, &role) {
        (Some(named), _) => Some(accounts.find_user(&call, &named).await?.id),
        (None, Some(_)) => None,
        (None, None) => Some(user(&viewer)?.to_owned()),
    };
    let expires = match expires {
        None => None,
        Some(text) => {
            let at: Result<jiff::Timestamp, _> = text.parse();
            let wrong = |_| Fault::Invalid { message: "write a time as 2030-01-01T00:00:00Z".into(), path: "expires" };
            Some(at.map_err(wrong)?.as_second())
        }
    };
    let (key, view) = accounts.add_key(&call, NewKey { name, owner, role, scopes, expires }).await?;
    Ok(private(StatusCode::CREATED, Made { key, shown: view.into() }))
}

/// Remove a key
///
/// It ends within a second, with the sockets and streams that were opened by it.
#[utoipa::path(
    delete, path = "/v1/keys/{id}", tag = "accounts", params(("id" = String, Path)),
    responses((status = 204), Problem),
)]
pub(super) async fn remove_key(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    Path(key): Path<String>,
) -> Result<Response, Refused> {
    let owner = reach(&viewer, viewer.role.may_everything())?;
    accounts(&app)?.remove_key(&app.call(&id), &key, owner).await?;
    Ok(nothing())
}
