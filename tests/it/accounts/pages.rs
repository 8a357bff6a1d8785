//! The pages: forms, the cookie, and what other sites cannot make a browser do.

use reqwest::header::{COOKIE, LOCATION, ORIGIN, SET_COOKIE};
use reqwest::{Client, Response};

use super::{House, PASSWORD, add_user, me, on_both, send, token};
use crate::app::TestApp;

fn browser() -> Client {
    Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// Sends a form of our own page.
async fn post(app: &TestApp, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Response {
    browser().post(app.at(path)).header(ORIGIN, &app.url).header(COOKIE, cookie).form(fields).send().await.unwrap()
}

async fn get(app: &TestApp, path: &str, cookie: &str) -> Response {
    browser().get(app.at(path)).header(COOKIE, cookie).header("accept", "text/html").send().await.unwrap()
}

async fn sign_in(app: &TestApp, next: &str) -> Response {
    let fields = [("email", "ada@example.org"), ("password", PASSWORD), ("next", next)];
    post(app, "/login", "", &fields).await
}

/// `name=value` of the cookie that was set.
fn cookie(answer: &Response) -> String {
    answer.headers()[SET_COOKIE].to_str().unwrap().split(';').next().unwrap().to_owned()
}

fn form_token(html: &str) -> String {
    html.split("name=\"form\" value=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn one_signs_in_makes_a_key_and_signs_out_without_scripts() {
    on_both(
        |_| {},
        async |house| {
            let app = &house.app;
            add_user(app, "ada@example.org", "member").await;
            let page = get(app, "/login?next=%2Fjobs", "").await;
            assert_eq!((page.status().as_u16(), page.headers()["cache-control"].to_str().unwrap()), (200, "no-store"));
            assert!(page.text().await.unwrap().contains("name=\"next\" value=\"/jobs\""));
            let wrong = post(app, "/login", "", &[("email", "ada@example.org"), ("password", "wrong \"<password")]).await;
            assert_eq!(wrong.status(), 401);
            assert!(!wrong.headers().contains_key(SET_COOKIE));
            assert!(!wrong.text().await.unwrap().contains("<password"));

            let answer = sign_in(app, "//evil.example").await;
            assert_eq!((answer.status().as_u16(), answer.headers()[LOCATION].to_str().unwrap()), (303, "/"));
            let set = answer.headers()[SET_COOKIE].to_str().unwrap();
            assert!(
                set.starts_with("hooke=") && set.contains("; HttpOnly; SameSite=Lax; Max-Age=2592000") && !set.contains("Secure"),
                "{set}"
            );
            let session = cookie(&answer);
            assert_eq!(get(app, "/", &session).await.status(), 200);
            // it is for pages: no bearer
            assert_eq!(me(app, session.split_once('=').unwrap().1).await, 401);
            assert_eq!(get(app, "/account", "").await.headers()[LOCATION], "/login?next=%2Faccount");

            let html = get(app, "/account", &session).await.text().await.unwrap();
            assert!(html.contains("ada@example.org"), "{html}");
            let form = form_token(&html);
            let fields = [("form", form.as_str()), ("name", "<b>nightly"), ("scopes", "read"), ("days", "7")];
            let made = post(app, "/account/keys", &session, &fields).await;
            assert_eq!((made.status().as_u16(), made.headers()["cache-control"].to_str().unwrap()), (200, "no-store"));
            let html = made.text().await.unwrap();
            assert!(!html.contains("<b>nightly"), "{html}");
            let key = html.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
            assert_eq!(me(app, &key).await, 200);
            let id = &key["hooke_".len()..][..16];
            assert!(!get(app, "/account", &session).await.text().await.unwrap().contains(&key));
            assert_eq!(post(app, &format!("/account/keys/{id}/remove"), &session, &[("form", &form)]).await.status(), 303);
            assert_eq!(me(app, &key).await, 401);

            let out = post(app, "/account/sign-out", &session, &[("form", &form)]).await;
            assert!(out.headers()[SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
            assert_eq!(get(app, "/account", &session).await.status(), 303);
        },
    )
    .await;
}

#[tokio::test]
async fn other_sites_make_a_browser_do_nothing() {
    let house = House::open(false, |_| {}).await.unwrap();
    let app = &house.app;
    add_user(app, "ada@example.org", "member").await;
    let session = cookie(&sign_in(app, "/").await);
    let form = form_token(&get(app, "/account", &session).await.text().await.unwrap());
    let other = form_token(&{
        let session = cookie(&sign_in(app, "/").await);
        // a token of another second is another cookie; of the same one it is the same
        get(app, "/account", &session).await.text().await.unwrap()
    });
    for given in ["", "x", &form[1..]] {
        assert_eq!(post(app, "/account/sign-out", &session, &[("form", given)]).await.status(), 403, "{given}");
    }
    assert!(!other.is_empty());
    let fields = [("form", form.as_str())];
    for (name, value) in
        [("origin", "http://evil.example"), ("origin", "null"), ("sec-fetch-site", "cross-site"), ("x-nothing", "")]
    {
        let sent = browser().post(app.at("/account/sign-out")).header(COOKIE, &session).header(name, value).form(&fields).send();
        assert_eq!(sent.await.unwrap().status(), 403, "{name}: {value}");
    }
    let body = serde_json::json!({ "query": "{ __typename }" });
    let sent = browser().post(app.at("/graphql")).header(COOKIE, &session).json(&body).send().await.unwrap();
    assert_eq!(sent.status(), 403);
    let sent =
        browser().post(app.at("/graphql")).header(COOKIE, &session).header(ORIGIN, &app.url).json(&body).send().await.unwrap();
    assert_eq!(sent.status(), 200);
    assert_eq!(get(app, "/account", &session).await.status(), 200);
    house.stop().await;
}

#[tokio::test]
async fn over_https_the_cookie_is_bound_to_the_host() {
    let house = House::open(false, |config| config.public_url = Some("https://localhost".into())).await.unwrap();
    let app = &house.app;
    add_user(app, "ada@example.org", "member").await;
    let answer = sign_in(app, "/").await;
    let set = answer.headers()[SET_COOKIE].to_str().unwrap();
    assert!(
        set.starts_with("__Host-hooke=") && set.contains("; Path=/;") && set.ends_with("; Secure") && !set.contains("Domain"),
        "{set}"
    );
    let plain = cookie(&answer).replace("__Host-", "");
    assert_eq!(get(app, "/account", &plain).await.status(), 303);
    house.stop().await;
}

#[tokio::test]
async fn the_pages_of_mails_use_nothing_up_and_tell_nobody_where_they_are() {
    let house = House::open(false, |_| {}).await.unwrap();
    let app = &house.app;
    for path in ["/activate?token=xyzzy%22%3E", "/reset?token=xyzzy%22%3E", "/register", "/forgot"] {
        let answer = get(app, path, "").await;
        assert_eq!(answer.status(), 200, "{path}");
        assert_eq!(answer.headers()["referrer-policy"], "no-referrer", "{path}");
        assert!(!answer.text().await.unwrap().contains("xyzzy\">"), "{path}");
    }
    add_user(app, "ada@example.org", "member").await;
    let _ = token(app, "ada@example.org").await;
    assert_eq!(post(app, "/activate", "", &[("token", "ab")]).await.status(), 400);
    assert_eq!(post(app, "/register", "", &[("email", "eve@example.org"), ("password", PASSWORD)]).await.status(), 202);
    assert_eq!(send(app, "GET", "/v1/me", None, None).await.0, 401);
    house.stop().await;
    let app = TestApp::embedded().await;
    assert_eq!(app.get("/login").await.status(), 404);
    app.stop().await;
}
