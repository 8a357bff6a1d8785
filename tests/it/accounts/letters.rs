//! Registering and forgotten passwords: by links in mails, which are files here.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde_json::json;

use super::{PASSWORD, await_refusal, on_both, send, sign_in, token};
use crate::app::TestApp;

/// The mails so far, the oldest first; waits until there are so many.
pub async fn mails(app: &TestApp, count: usize) -> Vec<String> {
    let folder = app.app.config.data.join("outbox");
    let from = Instant::now();
    loop {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
        let mut files: Vec<PathBuf> = entries.filter(|path| path.extension().is_some_and(|ending| ending == "eml")).collect();
        if files.len() >= count {
            files.sort();
            return files.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
        }
        assert!(from.elapsed() < Duration::from_secs(20), "{} mails, not {count}", files.len());
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// The token of the link in a mail, whose lines may be broken.
pub fn link(mail: &str) -> String {
    let whole = mail.replace("=\r\n", "").replace("=3D", "=");
    let after = whole.split("token=").nth(1).unwrap_or_else(|| panic!("no link in {mail}"));
    after.chars().take_while(char::is_ascii_hexdigit).collect()
}

#[tokio::test]
async fn an_account_is_made_by_the_link_in_a_mail_which_holds_once() {
    on_both(
        |_| {},
        async |house| {
            let app = &house.app;
            let register = async |email: &str| {
                let body = json!({ "email": email, "password": PASSWORD, "name": "Ada" });
                send(app, "POST", "/v1/register", None, Some(body)).await
            };
            let first = register("ada@example.org").await;
            assert_eq!(first.0, 202, "{}", first.1);
            let mail = mails(app, 1).await.remove(0);
            assert!(mail.contains("To: ada@example.org") && mail.contains("/activate?token"), "{mail}");
            assert_eq!(sign_in(app, "ada@example.org", PASSWORD).await.0, 401);
            let token = link(&mail);
            // looking at the link does not use it up
            for _ in 0..3 {
                app.get(&format!("/activate?token={token}")).await;
            }
            assert_eq!(send(app, "GET", "/v1/activate", None, None).await.0, 405);
            let activate = async || send(app, "POST", "/v1/activate", None, Some(json!({ "token": token }))).await.0;
            let statuses = futures_util::future::join_all((0..8).map(|_| activate())).await;
            assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
            assert_eq!(activate().await, 400);
            assert_eq!(sign_in(app, "ada@example.org", PASSWORD).await.0, 200);

            // the second time everything looks the same, and the mail says that there is one
            assert_eq!(register("ada@example.org").await, first);
            let mail = mails(app, 2).await.remove(1);
            assert!(!mail.contains("/activate") && mail.contains("/login"), "{mail}");
            assert_eq!(
                send(app, "GET", "/v1/me", Some(&super::token(app, "ada@example.org").await), None).await.1["role"],
                "member"
            );
            // two mails to one address make one account
            for _ in 0..2 {
                assert_eq!(register("bob@example.org").await.0, 202);
            }
            let both = mails(app, 4).await;
            let statuses = futures_util::future::join_all(both[2..].iter().map(|mail| {
                let token = link(mail);
                async move { send(app, "POST", "/v1/activate", None, Some(json!({ "token": token }))).await.0 }
            }));
            let statuses = statuses.await;
            assert_eq!(statuses.iter().filter(|status| **status == 204).count(), 1, "{statuses:?}");
            for wrong in [json!({ "email": "x", "password": PASSWORD }), json!({ "email": "x@example.org", "password": "short" })]
            {
                assert_eq!(send(app, "POST", "/v1/register", None, Some(wrong)).await.0, 400);
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_forgotten_password_is_set_by_the_link_in_a_mail() {
    on_both(
        |_| {},
        async |house| {
            let app = &house.app;
            super::add_user(app, "ada@example.org", "member").await;
            let session = token(app, "ada@example.org").await;
            let forget = async |email: &str| send(app, "POST", "/v1/forgot", None, Some(json!({ "email": email }))).await;
            assert_eq!(forget("nobody@example.org").await, forget("ada@example.org").await);
            assert_eq!(forget("ada@example.org").await.0, 202);
            let sent = mails(app, 2).await;
            assert!(sent.iter().all(|mail| mail.contains("To: ada@example.org") && mail.contains("/reset?token")));
            let (token, older) = (link(&sent[1]), link(&sent[0]));
            let reset = async |token: &str, password: &str| {
                send(app, "POST", "/v1/reset", None, Some(json!({ "token": token, "password": password }))).await.0
            };
            // a password that is not taken does not use the link up
            assert_eq!(reset(&token, "short").await, 400);
            let from = Instant::now();
            assert_eq!(reset(&token, "another password").await, 204);
            await_refusal(app, &session, from + Duration::from_millis(500)).await;
            assert_eq!(sign_in(app, "ada@example.org", PASSWORD).await.0, 401);
            assert_eq!(sign_in(app, "ada@example.org", "another password").await.0, 200);
            // used; and the other one is of a time before
            for token in [&token, &older, &"0".repeat(64)] {
                assert_eq!(reset(token, "a third password").await, 400);
            }
        },
    )
    .await;
}

#[tokio::test]
async fn links_lead_to_the_public_address() {
    let house = super::House::open(false, |config| config.public_url = Some("https://search.example.org".into())).await.unwrap();
    let body = json!({ "email": "ada@example.org", "password": PASSWORD });
    assert_eq!(send(&house.app, "POST", "/v1/register", None, Some(body)).await.0, 202);
    let mail = mails(&house.app, 1).await.remove(0);
    assert!(mail.replace("=\r\n", "").contains("https://search.example.org/activate?token"), "{mail}");
    house.stop().await;
}

#[tokio::test]
async fn where_strangers_may_not_register_they_are_told() {
    let house = super::House::open(false, |config| config.accounts.register = false).await.unwrap();
    let body = json!({ "email": "ada@example.org", "password": PASSWORD });
    assert_eq!(send(&house.app, "POST", "/v1/register", None, Some(body)).await.0, 403);
    house.stop().await;
    // and where there are no accounts at all
    let app = TestApp::embedded().await;
    for path in ["/v1/login", "/v1/register", "/v1/forgot"] {
        let body = json!({ "email": "ada@example.org", "password": PASSWORD });
        assert_eq!(send(&app, "POST", path, None, Some(body)).await.0, 404, "{path}");
    }
    assert_eq!(send(&app, "GET", "/v1/collections", Some("whatever"), None).await.0, 200);
    app.stop().await;
}
