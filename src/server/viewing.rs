//! Who is asking: puts an `Arc<Viewer>` into every request, for handlers to take as an extension. WebSockets begin as requests and
//! take it from there. Where one can sign in, a stranger for whom no role is set gets no further than to where one signs in; streams
//! are cut when what their reader was let in by does not hold any more.

use std::sync::Arc;

use axum::body::{Body, HttpBody as _};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use futures_util::StreamExt as _;
use futures_util::stream;

use crate::access::{Viewer, Who};
use crate::accounts::{Accounts, Admitted, Credential, Fault, Leave};
use crate::app::App;
use crate::config::Defence;
use crate::error::Code;
use crate::rest::{Problem, Refused};
use crate::telemetry::{RequestId, audit};

/// What strangers may call whatever their role is: signing in, what pages for that load, and signs of life.
const OPEN: [&str; 15] = [
    "/livez",
    "/readyz",
    "/v1/healthcheck",
    "/v1/register",
    "/v1/activate",
    "/v1/login",
    "/v1/refresh",
    "/v1/forgot",
    "/v1/reset",
    "/login",
    "/register",
    "/activate",
    "/forgot",
    "/reset",
    "/favicon.ico",
];

pub(super) async fn add_viewer(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let Some(accounts) = &app.accounts else {
        request.extensions_mut().insert(Viewer::anybody(app.roles.anybody()));
        return next.run(request).await;
    };
    let id = request.extensions().get::<RequestId>().cloned().unwrap_or_else(|| RequestId("-".into()));
    let method = request.method().clone();
    let admitted = match resolve(&app, accounts, &id, &method, request.headers()).await {
        Ok(admitted) => admitted,
        Err(refused) => return refused.into_response(),
    };
    let Admitted { viewer, leave } = admitted;
    audit::name_actor(viewer.who.logged());
    // the first message on a socket may still say who it is
    let socket = method == Method::GET && request.uri().path() == "/graphql" && request.headers().contains_key(header::UPGRADE);
    if viewer.who == Who::Anybody && viewer.role.may_nothing() && !socket && !is_open(request.uri().path()) {
        return turn_away(accounts, &request);
    }
    request.extensions_mut().insert(viewer);
    request.extensions_mut().insert(leave.clone());
    watched(next.run(request).await, leave)
}

async fn resolve(
    app: &App,
    accounts: &Accounts,
    id: &RequestId,
    method: &Method,
    headers: &HeaderMap,
) -> Result<Admitted, Refused> {
    let stranger = || Admitted { viewer: accounts.stranger(), leave: Leave::default() };
    if let Some(given) = headers.get(header::AUTHORIZATION) {
        let bearer =
            given.to_str().ok().and_then(|text| text.split_once(' ')).filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let Some((_, text)) = bearer else { return Err(Fault::Unauthenticated.into()) };
        return Ok(accounts.admit(&app.call(id), Credential::Bearer(text.trim())).await?);
    }
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let Some(cookie) = cookies.filter_map(|text| accounts.cookie_in(text)).next() else { return Ok(stranger()) };
    match accounts.admit(&app.call(id), Credential::Cookie(cookie)).await {
        Ok(_) if !is_of_our_pages(method, headers) && app.config.limits.has(Defence::Csrf) => {
            let detail =
                "a cookie counts here only for requests of our own pages, which browsers say by Origin or Sec-Fetch-Site";
            Err(Problem::new(Code::Forbidden, detail).into())
        }
        Ok(admitted) => Ok(admitted),
        // signed out meanwhile: as if it had not been sent
        Err(Fault::Unauthenticated) => Ok(stranger()),
        Err(fault) => Err(fault.into()),
    }
}

/// For what shows or does more than any rule could hold back.
pub(super) async fn refuse_narrow(request: Request, next: Next) -> Response {
    match request.extensions().get::<Arc<Viewer>>() {
        Some(viewer) if viewer.role.may_everything() => next.run(request).await,
        _ => Problem::new(Code::Forbidden, "your role may not use the lab").into_response(),
    }
}

/// A browser sends its cookies along with what pages of others make it send, too. A foreign Origin was refused before; here one must
/// be there, wherever something could be changed or a socket be opened.
fn is_of_our_pages(method: &Method, headers: &HeaderMap) -> bool {
    let reads = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS) && !headers.contains_key(header::UPGRADE);
    let site = headers.get("sec-fetch-site").and_then(|site| site.to_str().ok());
    reads || headers.contains_key(header::ORIGIN) || matches!(site, Some("same-origin" | "none"))
}

fn is_open(path: &str) -> bool {
    OPEN.contains(&path) || path.starts_with("/assets/")
}

/// People are sent to where they sign in, programs are told.
fn turn_away(accounts: &Accounts, request: &Request) -> Response {
    let accepted = request.headers().get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).unwrap_or_default();
    let path = request.uri().path();
    let page = request.method() == Method::GET && accepted.contains("text/html") && !path.starts_with("/v1/");
    if !(page && accounts.has_users()) {
        return Refused::from(Fault::Unauthenticated).into_response();
    }
    let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
    let wanted = percent_encoding::utf8_percent_encode(wanted, percent_encoding::NON_ALPHANUMERIC);
    Redirect::to(&format!("/login?next={wanted}")).into_response()
}

/// An answer that goes on for long is cut when its reader has been signed out. Cut, not ended: half of an export is no export.
fn watched(response: Response, leave: Leave) -> Response {
    if leave.is_forever() || response.body().size_hint().exact().is_some() {
        return response;
    }
    let (parts, body) = response.into_parts();
    let over = async move { leave.ended().await };
    let state = (body.into_data_stream(), Some(Box::pin(over)));
    let cut = stream::unfold(state, |(mut body, over)| async {
        let mut over = over?;
        tokio::select! {
            biased;
            () = &mut over => Some((Err(axum::Error::new("signed out")), (body, None))),
            part = body.next() => part.map(|part| (part, (body, Some(over)))),
        }
    });
    Response::from_parts(parts, Body::from_stream(cut))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_counts_for_our_own_pages() {
        let with = |method: Method, pairs: &[(&'static str, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.insert(*name, value.parse().unwrap());
            }
            is_of_our_pages(&method, &headers)
        };
        assert!(with(Method::GET, &[]) && with(Method::POST, &[("origin", "http://localhost")]));
        assert!(with(Method::POST, &[("sec-fetch-site", "same-origin")]));
        assert!(!with(Method::POST, &[]) && !with(Method::DELETE, &[]));
        assert!(
            !with(Method::POST, &[("sec-fetch-site", "cross-site")]) && !with(Method::POST, &[("sec-fetch-site", "same-site")])
        );
        assert!(!with(Method::GET, &[("upgrade", "websocket")]));
        assert!(with(Method::GET, &[("upgrade", "websocket"), ("origin", "http://localhost")]));
    }
}
