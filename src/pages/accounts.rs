//! `/login`, `/register`, `/activate`, `/forgot`, `/reset`, `/account`: forms without scripts. Who has signed in is kept in a cookie
//! that scripts cannot read; forms of theirs bring along what only our own pages know.

use std::collections::BTreeMap;
use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Path, Query as Pairs, State as Shared};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};

use super::fault::{Fault, sentence};
use super::layout::{Layout, send};
use crate::access::{Viewer, Who};
use crate::accounts::{self, Accounts, KeyView, NewKey};
use crate::app::App;
use crate::error::Code;
use crate::telemetry::{ClientAddress, RequestId};

type Filled = BTreeMap<String, String>;

const DAY: i64 = 86_400;

/// One form and what there is to say.
#[derive(Template)]
#[template(path = "sign.html")]
struct SignPage {
    layout: Layout,
    title: &'static str,
    action: &'static str,
    fields: Vec<Field>,
    hidden: Vec<(&'static str, String)>,
    /// Empty: there is nothing to send.
    button: &'static str,
    fault: Option<String>,
    note: Option<&'static str>,
    links: Vec<(&'static str, &'static str)>,
}

struct Field {
    name: &'static str,
    label: &'static str,
    kind: &'static str,
    complete: &'static str,
    value: String,
    wanted: bool,
}

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

const SIGN_IN: (&str, &str) = ("/login", "Sign in");
const FORGOT: (&str, &str) = ("/forgot", "Forgot the password?");
const REGISTER: (&str, &str) = ("/register", "Make an account");

impl SignPage {
    fn new(title: &'static str, action: &'static str, button: &'static str) -> Self {
        let layout = Layout::new(title, "");
        SignPage {
            layout,
            title,
            action,
            fields: Vec::new(),
            hidden: Vec::new(),
            button,
            fault: None,
            note: None,
            links: Vec::new(),
        }
    }

    fn field(mut self, name: &'static str, label: &'static str, kind: &'static str, complete: &'static str, value: &str) -> Self {
        self.fields.push(Field { name, label, kind, complete, value: value.to_owned(), wanted: name != "name" });
        self
    }

    fn link(mut self, links: &[(&'static str, &'static str)]) -> Self {
        self.links.extend(links);
        self
    }

    /// Nobody keeps it, and where it came from is nobody's business: its address may hold a token.
    fn send(self, status: StatusCode) -> Response {
        private(send(status, &self))
    }

    fn refuse(mut self, fault: accounts::Fault) -> Response {
        let status = status(&fault);
        self.fault = Some(told(fault));
        self.send(status)
    }
}

/// Without a form: what was sent is taken, and one goes on by signing in.
fn done(title: &'static str, status: StatusCode, note: &'static str) -> Response {
    let mut page = SignPage::new(title, "", "").link(&[SIGN_IN]);
    page.note = Some(note);
    page.send(status)
}

fn private(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

fn status(fault: &accounts::Fault) -> StatusCode {
    match fault {
        accounts::Fault::Throttled(_) => StatusCode::TOO_MANY_REQUESTS,
        fault => StatusCode::from_u16(fault.code().status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    }
}

fn told(fault: accounts::Fault) -> String {
    match fault {
        // its cause is for the log
        accounts::Fault::Engine(fault) => Fault::from(fault).message().to_owned(),
        fault => sentence(&fault.to_string()),
    }
}

impl From<accounts::Fault> for Fault {
    fn from(fault: accounts::Fault) -> Self {
        match fault {
            accounts::Fault::Engine(fault) => Fault::from(fault),
            fault => Fault::new(fault.code(), sentence(&fault.to_string())),
        }
    }
}

fn accounts(app: &App) -> Result<&Arc<Accounts>, Fault> {
    let accounts = app.accounts.as_ref().filter(|accounts| accounts.has_users());
    accounts.ok_or_else(|| Fault::new(Code::NotFound, "Nobody signs in here: the setting accounts.enabled is off."))
}

fn given<'f>(filled: &'f Filled, name: &str) -> &'f str {
    filled.get(name).map_or("", String::as_str)
}

/// A page of ours to go on to, never another server's.
fn next(wanted: &str) -> &str {
    let fine = wanted.len() <= 2_000 && wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if fine && wanted.starts_with('/') && !wanted.starts_with("//") { wanted } else { "/" }
}

fn with_cookie(accounts: &Accounts, value: &str, seconds: u64, mut response: Response) -> Response {
    let secure = if accounts.is_https() { "; Secure" } else { "" };
    let cookie = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", accounts.cookie());
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    private(response)
}

fn sign_in_form(accounts: &Accounts, filled: &Filled) -> SignPage {
    let mut page = SignPage::new("Sign in", "/login", "Sign in")
        .field("email", "Mail address", "email", "username", given(filled, "email"))
        .field("password", "Password", "password", "current-password", "")
        .link(&[FORGOT]);
    page.hidden.push(("next", next(given(filled, "next")).to_owned()));
    if accounts.may_register() { page.link(&[REGISTER]) } else { page }
}

pub(super) async fn show_sign_in(Shared(app): Shared<Arc<App>>, Pairs(filled): Pairs<Filled>) -> Result<Response, Fault> {
    Ok(sign_in_form(accounts(&app)?, &filled).send(StatusCode::OK))
}

pub(super) async fn sign_in(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    client: Option<Extension<ClientAddress>>,
    Form(filled): Form<Filled>,
) -> Result<Response, Fault> {
    let accounts = accounts(&app)?;
    let password = given(&filled, "password").to_owned();
    let signed =
        accounts.sign_in_page(&app.call(&id), given(&filled, "email"), password, ClientAddress::of(client.as_deref())).await;
    Ok(match signed {
        Ok(cookie) => {
            let on = Redirect::to(next(given(&filled, "next"))).into_response();
            with_cookie(accounts, &cookie, accounts.stay().as_secs(), on)
        }
        Err(fault) => sign_in_form(accounts, &filled).refuse(fault),
    })
}

fn register_form(filled: &Filled) -> SignPage {
    SignPage::new("Make an account", "/register", "Make an account")
        .field("email", "Mail address", "email", "username", given(filled, "email"))
        .field("name", "Name, if you like", "text", "name", given(filled, "name"))
        .field("password", "Password, 10 characters or more", "password", "new-password", "")
        .link(&[SIGN_IN])
}

pub(super) async fn show_register(Shared(app): Shared<Arc<App>>) -> Result<Response, Fault> {
    let accounts = accounts(&app)?;
    if !accounts.may_register() {
        return Err(Fault::new(Code::Forbidden, "Accounts are made by an administrator here."));
    }
    Ok(register_form(&Filled::new()).send(StatusCode::OK))
}

pub(super) async fn register(
    Shared(app): Shared<Arc<App>>,
    client: Option<Extension<ClientAddress>>,
    Form(filled): Form<Filled>,
) -> Result<Response, Fault> {
    let accounts = accounts(&app)?;
    let name = Some(given(&filled, "name").to_owned());
    let password = given(&filled, "password").to_owned();
    match accounts.register(given(&filled, "email"), password, name, ClientAddress::of(client.as_deref()), app.address()) {
        Ok(()) => Ok(done("Make an account", StatusCode::ACCEPTED, "A mail is on its way and says how to go on.")),
        Err(fault) => Ok(register_form(&filled).refuse(fault)),
    }
}

/// Looking at the link changes nothing: programs that check mails do so too.
fn activate_form(filled: &Filled) -> SignPage {
    let mut page = SignPage::new("Activate your account", "/activate", "Activate it");
    page.hidden.push(("token", given(filled, "token").to_owned()));
    page
}

pub(super) async fn show_activate(Shared(app): Shared<Arc<App>>, Pairs(filled): Pairs<Filled>) -> Result<Response, Fault> {
    accounts(&app)?;
    Ok(activate_form(&filled).send(StatusCode::OK))
}

pub(super) async fn activate(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Form(filled): Form<Filled>,
) -> Result<Response, Fault> {
    match accounts(&app)?.activate(&app.call(&id), given(&filled, "token")).await {
        Ok(()) => Ok(done("Activate your account", StatusCode::OK, "Your account is there.")),
        Err(fault) => Ok(SignPage::new("Activate your account", "/activate", "").link(&[REGISTER, SIGN_IN]).refuse(fault)),
    }
}

fn forgot_form(filled: &Filled) -> SignPage {
    SignPage::new("Forgot the password?", "/forgot", "Send me a link")
        .field("email", "Mail address", "email", "username", given(filled, "email"))
        .link(&[SIGN_IN])
}

pub(super) async fn show_forgot(Shared(app): Shared<Arc<App>>) -> Result<Response, Fault> {
    accounts(&app)?;
    Ok(forgot_form(&Filled::new()).send(StatusCode::OK))
}

pub(super) async fn forget_password(
    Shared(app): Shared<Arc<App>>,
    client: Option<Extension<ClientAddress>>,
    Form(filled): Form<Filled>,
) -> Result<Response, Fault> {
    match accounts(&app)?.forget_password(given(&filled, "email"), ClientAddress::of(client.as_deref()), app.address()) {
        Ok(()) => Ok(done(
            "Forgot the password?",
            StatusCode::ACCEPTED,
            "If there is an account of this address, a mail is on its way and says how to go on.",
        )),
        Err(fault) => Ok(forgot_form(&filled).refuse(fault)),
    }
}

fn reset_form(filled: &Filled) -> SignPage {
    let mut page = SignPage::new("Choose another password", "/reset", "Take this one")
        .field("password", "Password, 10 characters or more", "password", "new-password", "")
        .link(&[FORGOT, SIGN_IN]);
    page.hidden.push(("token", given(filled, "token").to_owned()));
    page
}

pub(super) async fn show_reset(Shared(app): Shared<Arc<App>>, Pairs(filled): Pairs<Filled>) -> Result<Response, Fault> {
    accounts(&app)?;
    Ok(reset_form(&filled).send(StatusCode::OK))
}

pub(super) async fn reset_password(
    Shared(app): Shared<Arc<App>>,
    Extension(id): Extension<RequestId>,
    Form(filled): Form<Filled>,
) -> Result<Response, Fault> {
    let password = given(&filled, "password").to_owned();
    match accounts(&app)?.reset_password(&app.call(&id), given(&filled, "token"), password).await {
        Ok(()) => Ok(done("Choose another password", StatusCode::OK, "The password is changed. Sign in with it.")),
        Err(fault) => Ok(reset_form(&filled).refuse(fault)),
    }
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

pub(super) async fn show_account(
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

pub(super) async fn sign_out(
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

pub(super) async fn change_password(
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

pub(super) async fn add_key(
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

pub(super) async fn remove_key(
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_goes_on_to_pages_of_ours_only() {
        for fine in ["/", "/search/a?q=b%20c", "/jobs#x"] {
            assert_eq!(next(fine), fine);
        }
        for foreign in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "/a\r\nb", "/a b", "evil"]
        {
            assert_eq!(next(foreign), "/", "{foreign}");
        }
    }
}
