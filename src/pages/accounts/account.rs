//! What one who has signed in may do here: see who they are, change the password, make and remove keys.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, State as Shared};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};

use super::{Filled, accounts, given, private, status, told, with_cookie};
use crate::access::{Viewer, Who};
use crate::accounts::{Accounts, KeyView, NewKey};
use crate::app::App;
use crate::error::Code;
use crate::pages::fault::Fault;
use crate::pages::layout::{Layout, send};
use crate::telemetry::{ClientAddress, RequestId};

const DAY: i64 = 86_400;

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    layout: Layout,
    email: String,
    role: String,
    keys: Vec<KeyView>,
    /// What its forms bring along.
    form: String,
    made: Option<String>,
    fault: Option<String>,
}

/// One who has signed in to these pages.
struct Here<'a> {
    accounts: &'a Accounts,
    id: String,
    cookie: String,
}

/// `None`: to be sent to where one signs in.
fn here<'a>(app: &'a App, viewer: &Viewer, headers: &HeaderMap) -> Result<Option<Here<'a>>, Fault> {
    let accounts = accounts(app)?;
    let texts = headers.get_all(header::COOKIE).iter().filter_map(|text| text.to_str().ok());
    let cookie = texts.filter_map(|text| accounts.cookie_in(text)).next().map(str::to_owned);
    Ok(match (&viewer.who, cookie) {
        (Who::User { id }, Some(cookie)) => Some(Here { accounts, id: id.to_string(), cookie }),
        _ => None,
    })
}

/// The same, for what a form has sent: it must be one of ours.
fn from_form<'a>(app: &'a App, viewer: &Viewer, headers: &HeaderMap, filled: &Filled) -> Result<Option<Here<'a>>, Fault> {
    let here = here(app, viewer, headers)?;
    match &here {
        Some(here) if !here.accounts.is_form_token(&here.cookie, given(filled, "form")) => {
            Err(Fault::new(Code::Forbidden, "The form is not of this session: load the page again."))
        }
        _ => Ok(here),
    }
}

fn to_sign_in() -> Response {
    private(Redirect::to("/login?next=%2Faccount").into_response())
}

async fn account(
    app: &App,
    id: &RequestId,
    here: &Here<'_>,
    made: Option<String>,
    refused: Option<accounts::Fault>,
) -> Result<Response, Fault> {
    let call = app.call(id);
    let user = here.accounts.find_user(&call, &here.id).await?;
    let status = refused.as_ref().map_or(StatusCode::OK, status);
    let page = AccountPage {
        layout: Layout::new("Account", "account"),
        email: user.email,
        role: user.role,
        keys: here.accounts.list_keys(&call, Some(&here.id)).await?,
        form: here.accounts.form_token(&here.cookie),
        made,
        fault: refused.map(told),
    };
    Ok(private(send(status, &page)))
}

pub(in crate::pages) async fn show_account(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    match here(&app, &viewer, &headers)? {
        Some(here) => account(&app, &id, &here, None, None).await,
        None => Ok(to_sign_in()),
    }
}

pub(in crate::pages) async fn sign_out(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    headers: HeaderMap,
    Form(filled): Form<Filled>,
) -> Result<Response, Fault> {
    let Some(here) = from_form(&app, &viewer, &headers, &filled)? else { return Ok(to_sign_in()) };
    here.accounts.end_sessions(&app.call(&id), &here.id).await?;
    Ok(with_cookie(here.accounts, "", 0, Redirect::to("/login").into_response()))
}

pub(in crate::pages) async fn change_password(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    client: Option<Extension<ClientAddress>>,
    headers: HeaderMap,
    Form(filled): Form<Filled>,
) -> Result<Response, Fault> {
    let Some(here) = from_form(&app, &viewer, &headers, &filled)? else { return Ok(to_sign_in()) };
    let (current, new) = (given(&filled, "current").to_owned(), given(&filled, "new").to_owned());
    match here.accounts.change_password(&app.call(&id), &here.id, current, new, ClientAddress::of(client.as_deref())).await {
        Ok(()) => Ok(with_cookie(here.accounts, "", 0, Redirect::to("/login").into_response())),
        Err(fault) => account(&app, &id, &here, None, Some(fault)).await,
    }
}

pub(in crate::pages) async fn add_key(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    headers: HeaderMap,
    Form(filled): Form<Filled>,
) -> Result<Response, Fault> {
    let Some(here) = from_form(&app, &viewer, &headers, &filled)? else { return Ok(to_sign_in()) };
    let days: Option<i64> = match given(&filled, "days").trim() {
        "" => None,
        days => Some(days.parse().ok().filter(|days| (1..=3_650).contains(days)).unwrap_or(0)),
    };
    let new = NewKey {
        name: given(&filled, "name").to_owned(),
        owner: Some(here.id.clone()),
        role: None,
        scopes: given(&filled, "scopes").split_whitespace().map(str::to_owned).collect(),
        // no number of days is one that is past
        expires: days.map(|days| jiff::Timestamp::now().as_second() + days * DAY),
    };
    match here.accounts.add_key(&app.call(&id), new).await {
        Ok((key, _)) => account(&app, &id, &here, Some(key), None).await,
        Err(fault) => account(&app, &id, &here, None, Some(fault)).await,
    }
}

pub(in crate::pages) async fn remove_key(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Extension(viewer): Extension<Arc<Viewer>>,
    Path(key): Path<String>,
    headers: HeaderMap,
    Form(filled): Form<Filled>,
) -> Result<Response, Fault> {
    let Some(here) = from_form(&app, &viewer, &headers, &filled)? else { return Ok(to_sign_in()) };
    here.accounts.remove_key(&app.call(&id), &key, Some(&here.id)).await?;
    Ok(private(Redirect::to("/account").into_response()))
}
