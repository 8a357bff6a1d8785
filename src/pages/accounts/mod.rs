//! `/login`, `/register`, `/activate`, `/forgot`, `/reset` (`entrance`) and `/account`: forms without scripts. Who has signed in is kept in
//! a cookie that scripts cannot read; forms of theirs bring along what only our own pages know.

mod account;
mod entrance;

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;

use super::fault::{Fault, sentence};
use crate::accounts::{self, Accounts};
use crate::app::App;
use crate::error::Code;

pub(super) use account::{add_key, change_password, remove_key, show_account, sign_out};
pub(super) use entrance::{
    activate, forget_password, register, reset_password, show_activate, show_forgot, show_register, show_reset, show_sign_in,
    sign_in,
};

type Filled = BTreeMap<String, String>;

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

fn with_cookie(accounts: &Accounts, value: &str, seconds: u64, mut response: Response) -> Response {
    let secure = if accounts.is_https() { "; Secure" } else { "" };
    let cookie = format!("{}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}", accounts.cookie());
    if let Ok(cookie) = HeaderValue::try_from(cookie) {
        response.headers_mut().insert(header::SET_COOKIE, cookie);
    }
    private(response)
}
