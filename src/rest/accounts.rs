//! Signing in and out, registering, and passwords. What tells nothing of whether an address is known stays so here: one answer for all.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::media;
use super::problem::Problem;
use crate::access::{Viewer, Who};
use crate::accounts::{Accounts, Fault, Session, User};
use crate::app::App;
use crate::error::Code;
use crate::telemetry::{ClientAddress, RequestId};

/// What is not done, as it is answered.
#[derive(Debug)]
pub enum Refused {
    Problem(Problem),
    Fault(Fault),
}

impl From<Problem> for Refused {
    fn from(problem: Problem) -> Self {
        Refused::Problem(problem)
    }
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Refused::Fault(fault)
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let fault = match self {
            Refused::Problem(problem) => return kept_by_nobody(problem.into_response()),
            Refused::Fault(fault) => fault,
        };
        let problem = Problem::new(fault.code(), fault.to_string());
        let (problem, wait) = match fault {
            Fault::Engine(fault) => (Problem::from(fault), None),
            Fault::Invalid { message, path } => (problem.with_fault(Code::BadUserInput, message, vec![path.to_owned()]), None),
            Fault::Throttled(wait) => (problem.with_status(StatusCode::TOO_MANY_REQUESTS), Some(wait)),
            Fault::Busy => (problem, Some(Duration::from_secs(1))),
            _ => (problem, None),
        };
        let unknown = problem.status == StatusCode::UNAUTHORIZED.as_u16();
        let mut response = kept_by_nobody(problem.into_response());
        if unknown {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(wait) = wait {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(wait.as_secs().max(1)));
        }
        response
    }
}

pub(super) fn kept_by_nobody(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// An answer that nobody keeps.
pub(super) fn private<T: Serialize>(status: StatusCode, body: T) -> Response {
    kept_by_nobody((status, Json(body)).into_response())
}

pub(super) fn nothing() -> Response {
    kept_by_nobody(StatusCode::NO_CONTENT.into_response())
}

pub(super) fn accounts(app: &App) -> Result<&Arc<Accounts>, Problem> {
    let none = || Problem::new(Code::NotFound, "there are no accounts here: the setting accounts.enabled is off");
    app.accounts.as_ref().ok_or_else(none)
}

/// A body of JSON.
pub(super) fn read<T: serde::de::DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Problem> {
    media::check(headers, media::JSON)?;
    media::read_object(body)
}

/// The user who has signed in; keys and tokens of others do not steer accounts.
pub(super) fn user(viewer: &Viewer) -> Result<&str, Refused> {
    match &viewer.who {
        Who::User { id } => Ok(id),
        Who::Anybody => Err(Fault::Unauthenticated.into()),
        Who::Key { .. } | Who::Outside { .. } => {
            Err(Fault::Forbidden("for users who sign in by a password, not for keys and tokens of others").into())
        }
    }
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Registration {
    #[schema(example = "ada@example.org")]
    email: String,
    /// 10 characters or more.
    #[schema(example = "correct horse battery")]
    password: String,
    name: Option<String>,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Address {
    #[schema(example = "ada@example.org")]
    email: String,
}

/// The token of a link in a mail.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkToken {
    token: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reset {
    /// Of the link in the mail.
    token: String,
    #[schema(example = "correct horse battery")]
    password: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    #[schema(example = "ada@example.org")]
    email: String,
    #[schema(example = "correct horse battery")]
    password: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct Renewal {
    refresh_token: String,
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PasswordChange {
    current: String,
    new: String,
}

/// That something was begun.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Told {
    detail: &'static str,
}

/// One who has signed in.
#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionView {
    /// For the header `Authorization: Bearer …`.
    token: String,
    #[schema(example = "Bearer")]
    token_type: &'static str,
    /// Seconds.
    #[schema(example = 300)]
    expires_in: u64,
    /// For `/v1/refresh`; holds once.
    refresh_token: String,
}

impl From<Session> for SessionView {
    fn from(session: Session) -> Self {
        let Session { token, refresh_token, expires_in } = session;
        SessionView { token, token_type: "Bearer", expires_in: expires_in.as_secs(), refresh_token }
    }
}

#[derive(Serialize, utoipa::ToSchema)]
#[schema(as = User)]
pub(super) struct UserView {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) name: Option<String>,
    pub(super) role: String,
    pub(super) disabled: bool,
    pub(super) created: String,
    /// For row rules, beside `sub` and `email`.
    #[schema(value_type = Object)]
    pub(super) claims: Map<String, Value>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        let User { id, email, name, role, disabled, created, claims } = user;
        UserView { id, email, name, role, disabled, created, claims }
    }
}

/// Who is asking.
#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Me {
    /// `user`, `key` or `outside`.
    #[schema(example = "user")]
    kind: &'static str,
    id: String,
    role: String,
    /// What row rules may ask for.
    #[schema(value_type = Object)]
    claims: Map<String, Value>,
}

/// Register
///
/// Answered alike for every address, known or not; if an account can be made, a mail with a link is on its way.
#[utoipa::path(
    post, path = "/v1/register", tag = "accounts", request_body = Registration,
    responses((status = 202, body = Told, description = "A mail says how to go on"), Problem),
)]
pub(super) async fn register(
    Shared(app): Shared<Arc<App>>,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let accounts = accounts(&app)?;
    let Registration { email, password, name } = read(&headers, &body)?;
    accounts.register(&email, password, name, ClientAddress::of(client.as_deref()), app.address())?;
    Ok(private(StatusCode::ACCEPTED, Told { detail: "a mail says how to go on" }))
}

/// Activate an account
///
/// By the token of the link in the mail, which holds once and for a day.
#[utoipa::path(
    post, path = "/v1/activate", tag = "accounts", request_body = LinkToken,
    responses((status = 204), Problem),
)]
pub(super) async fn activate(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let accounts = accounts(&app)?;
    let LinkToken { token } = read(&headers, &body)?;
    accounts.activate(&app.call(&id), &token).await?;
    Ok(nothing())
}

/// Sign in
///
/// Fails alike for an unknown address and a wrong password.
#[utoipa::path(
    post, path = "/v1/login", tag = "accounts", request_body = SignIn,
    responses((status = 200, body = SessionView), Problem),
)]
pub(super) async fn sign_in(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let accounts = accounts(&app)?;
    let SignIn { email, password } = read(&headers, &body)?;
    let (_, session) = accounts.sign_in(&app.call(&id), &email, password, ClientAddress::of(client.as_deref())).await?;
    Ok(private(StatusCode::OK, SessionView::from(session)))
}

/// Renew a session
///
/// A refresh token holds once and is answered by the next one. One that comes a second time was copied: all sessions of the user end.
#[utoipa::path(
    post, path = "/v1/refresh", tag = "accounts", request_body = Renewal,
    responses((status = 200, body = SessionView), Problem),
)]
pub(super) async fn renew(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let accounts = accounts(&app)?;
    let Renewal { refresh_token } = read(&headers, &body)?;
    let session = accounts.renew_session(&app.call(&id), &refresh_token).await?;
    Ok(private(StatusCode::OK, SessionView::from(session)))
}

/// Sign out
///
/// Everywhere: all sessions of the user end within a second, open sockets and streams too.
#[utoipa::path(
    post, path = "/v1/logout", tag = "accounts",
    responses((status = 204), Problem),
)]
pub(super) async fn sign_out(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
) -> Result<Response, Refused> {
    accounts(&app)?.end_sessions(&app.call(&id), user(&viewer)?).await?;
    Ok(nothing())
}

/// Forget a password
///
/// Answered alike for every address; if there is an account, a mail with a link is on its way.
#[utoipa::path(
    post, path = "/v1/forgot", tag = "accounts", request_body = Address,
    responses((status = 202, body = Told, description = "A mail says how to go on"), Problem),
)]
pub(super) async fn forget_password(
    Shared(app): Shared<Arc<App>>,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let accounts = accounts(&app)?;
    let Address { email } = read(&headers, &body)?;
    accounts.forget_password(&email, ClientAddress::of(client.as_deref()), app.address())?;
    Ok(private(StatusCode::ACCEPTED, Told { detail: "if there is an account of this address, a mail says how to go on" }))
}

/// Set a password that was forgotten
///
/// By the token of the link in the mail, which holds once and for an hour. All sessions end.
#[utoipa::path(
    post, path = "/v1/reset", tag = "accounts", request_body = Reset,
    responses((status = 204), Problem),
)]
pub(super) async fn reset_password(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let accounts = accounts(&app)?;
    let Reset { token, password } = read(&headers, &body)?;
    accounts.reset_password(&app.call(&id), &token, password).await?;
    Ok(nothing())
}

/// Tell who is asking
#[utoipa::path(
    get, path = "/v1/me", tag = "accounts",
    responses((status = 200, body = Me), Problem),
)]
pub(super) async fn tell_viewer(
    Shared(app): Shared<Arc<App>>,
    Extension(viewer): Extension<Arc<Viewer>>,
) -> Result<Response, Refused> {
    accounts(&app)?;
    let (kind, id) = match &viewer.who {
        Who::Anybody => return Err(Fault::Unauthenticated.into()),
        Who::User { id } => ("user", id.to_string()),
        Who::Key { id } => ("key", id.to_string()),
        Who::Outside { subject } => ("outside", subject.to_string()),
    };
    let me = Me { kind, id, role: viewer.role.name.to_string(), claims: viewer.claims.clone() };
    Ok(private(StatusCode::OK, me))
}

/// Change the password
///
/// All sessions end, this one too.
#[utoipa::path(
    post, path = "/v1/me/password", tag = "accounts", request_body = PasswordChange,
    responses((status = 204), Problem),
)]
pub(super) async fn change_password(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refused> {
    let accounts = accounts(&app)?;
    let user = user(&viewer)?;
    let PasswordChange { current, new } = read(&headers, &body)?;
    accounts.change_password(&app.call(&id), user, current, new, ClientAddress::of(client.as_deref())).await?;
    Ok(nothing())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_say_when_to_come_back_and_are_kept_by_nobody() {
        for (fault, status, wait) in [
            (Fault::Unauthenticated, 401, None),
            (Fault::WrongPassword, 401, None),
            (Fault::Throttled(Duration::from_secs(7)), 429, Some("7")),
            (Fault::Busy, 503, Some("1")),
        ] {
            let response = Refused::from(fault).into_response();
            assert_eq!(response.status(), status);
            let headers = response.headers();
            assert_eq!(headers.get(header::RETRY_AFTER).map(|wait| wait.to_str().unwrap()), wait);
            assert_eq!(headers.contains_key(header::WWW_AUTHENTICATE), status == 401);
            assert_eq!(headers[header::CACHE_CONTROL], "no-store");
        }
    }
}
