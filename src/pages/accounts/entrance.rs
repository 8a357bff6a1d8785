//! The ways in: signing in, making an account, and another password where one was forgotten.

use std::sync::Arc;

use askama::Template;
use axum::Extension;
use axum::extract::{Form, Query as Pairs, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};

use super::{Filled, accounts, given, private, status, told, with_cookie};
use crate::accounts::Accounts;
use crate::app::App;
use crate::error::Code;
use crate::pages::fault::Fault;
use crate::pages::layout::{Layout, send};
use crate::telemetry::{ClientAddress, RequestId};

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

/// A page of ours to go on to, never another server's.
fn next(wanted: &str) -> &str {
    let fine = wanted.len() <= 2_000 && wanted.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    if fine && wanted.starts_with('/') && !wanted.starts_with("//") { wanted } else { "/" }
}

fn sign_in_form(accounts: &Accounts, filled: &Filled) -> SignPage {
    let mut page = SignPage::new("Sign in", "/login", "Sign in")
        .field("email", "Mail address", "email", "username", given(filled, "email"))
        .field("password", "Password", "password", "current-password", "")
        .link(&[FORGOT]);
    page.hidden.push(("next", next(given(filled, "next")).to_owned()));
    if accounts.may_register() { page.link(&[REGISTER]) } else { page }
}

pub(in crate::pages) async fn show_sign_in(
    Shared(app): Shared<Arc<App>>,
    Pairs(filled): Pairs<Filled>,
) -> Result<Response, Fault> {
    Ok(sign_in_form(accounts(&app)?, &filled).send(StatusCode::OK))
}

pub(in crate::pages) async fn sign_in(
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

pub(in crate::pages) async fn show_register(Shared(app): Shared<Arc<App>>) -> Result<Response, Fault> {
    let accounts = accounts(&app)?;
    if !accounts.may_register() {
        return Err(Fault::new(Code::Forbidden, "Accounts are made by an administrator here."));
    }
    Ok(register_form(&Filled::new()).send(StatusCode::OK))
}

pub(in crate::pages) async fn register(
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

pub(in crate::pages) async fn show_activate(
    Shared(app): Shared<Arc<App>>,
    Pairs(filled): Pairs<Filled>,
) -> Result<Response, Fault> {
    accounts(&app)?;
    Ok(activate_form(&filled).send(StatusCode::OK))
}

pub(in crate::pages) async fn activate(
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

pub(in crate::pages) async fn show_forgot(Shared(app): Shared<Arc<App>>) -> Result<Response, Fault> {
    accounts(&app)?;
    Ok(forgot_form(&Filled::new()).send(StatusCode::OK))
}

pub(in crate::pages) async fn forget_password(
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

pub(in crate::pages) async fn show_reset(Shared(app): Shared<Arc<App>>, Pairs(filled): Pairs<Filled>) -> Result<Response, Fault> {
    accounts(&app)?;
    Ok(reset_form(&filled).send(StatusCode::OK))
}

pub(in crate::pages) async fn reset_password(
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
