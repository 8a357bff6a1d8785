//! Users: added, signed in, renewed, signed out everywhere.

use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::json;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use super::{PASSWORD, add_user, await_refusal, command, me, on_both, on_two, send, sign_in, token};
use crate::app::TestApp;
use crate::commands::{err, hooke, out};

#[tokio::test]
async fn strangers_see_nothing_until_they_sign_in() {
    on_both(
        |_| {},
        async |house| {
            let app = &house.app;
            for path in
                ["/v1/collections", "/v1/me", "/v1/users", "/v1/keys", "/v1/jobs", "/graphql?query={__typename}", "/openapi.json"]
            {
                let answer = app.get(path).await;
                assert_eq!(
                    (answer.status().as_u16(), answer.headers()["www-authenticate"].to_str().unwrap()),
                    (401, "Bearer"),
                    "{path}"
                );
            }
            for path in ["/livez", "/readyz", "/v1/healthcheck"] {
                assert_eq!(app.get(path).await.status(), 200, "{path}");
            }
            let page = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
            let answer = page.get(app.at("/search/a?q=b")).header("accept", "text/html").send().await.unwrap();
            assert_eq!(answer.status(), 303);
            assert_eq!(answer.headers()["location"], "/login?next=%2Fsearch%2Fa%3Fq%3Db");

            let user = add_user(app, "Ada@Example.org ", "member").await;
            assert_eq!(
                (&user["email"], &user["role"], &user["disabled"]),
                (&json!("ada@example.org"), &json!("member"), &json!(false))
            );
            assert!(!user.to_string().contains("argon2"));
            let token = token(app, "ada@EXAMPLE.org").await;
            let (status, me) = send(app, "GET", "/v1/me", Some(&token), None).await;
            assert_eq!(
                (status, &me["kind"], &me["id"], &me["claims"]["email"]),
                (200, &json!("user"), &user["id"], &json!("ada@example.org"))
            );
            assert_eq!(send(app, "GET", "/v1/collections", Some(&token), None).await.0, 200);
            // users are for administrators
            for (method, path) in [
                ("GET", "/v1/users"),
                ("GET", "/v1/users/ada@example.org"),
                ("DELETE", "/v1/users/ada@example.org"),
                ("GET", "/v1/keys?all=true"),
            ] {
                assert_eq!(send(app, method, path, Some(&token), None).await.0, 403, "{path}");
            }
            let twice = json!({ "email": "ada@example.org", "password": PASSWORD, "role": "member" });
            assert_eq!(send(app, "POST", "/v1/users", Some(&command(app)), Some(twice)).await.0, 409);
            for (wrong, path) in [
                (json!({ "email": "ada", "password": PASSWORD, "role": "member" }), "email"),
                (json!({ "email": "b@example.org", "password": "short", "role": "member" }), "password"),
                (json!({ "email": "b@example.org", "password": PASSWORD, "role": "king" }), "role"),
            ] {
                let (status, problem) = send(app, "POST", "/v1/users", Some(&command(app)), Some(wrong)).await;
                assert_eq!((status, &problem["errors"][0]["path"][0]), (400, &json!(path)), "{problem}");
            }
            for wrong in ["", "x", "hooke_0123456789abcdef_00", "a.b.c", &format!("{token}x"), &token[..token.len() - 2]] {
                assert_eq!(super::me(app, wrong).await, 401, "{wrong}");
            }
        },
    )
    .await;
}

#[tokio::test]
async fn a_sign_in_that_fails_tells_nothing() {
    on_both(
        |_| {},
        async |house| {
            let app = &house.app;
            add_user(app, "ada@example.org", "member").await;
            add_user(app, "off@example.org", "member").await;
            assert_eq!(
                send(app, "PATCH", "/v1/users/off@example.org", Some(&command(app)), Some(json!({ "disabled": true }))).await.0,
                200
            );
            let mut answers = Vec::new();
            for (email, password) in [
                ("ada@example.org", "wrong password"),
                ("eve@example.org", "wrong password"),
                ("eve@example.org", PASSWORD),
                ("off@example.org", PASSWORD),
                ("no address", PASSWORD),
                ("ada@example.org", ""),
            ] {
                let body = json!({ "email": email, "password": password });
                let answer = app.http.post(app.at("/v1/login")).json(&body).header("x-request-id", "one").send().await.unwrap();
                let mut headers = answer.headers().clone();
                headers.remove("date");
                answers.push((answer.status(), format!("{headers:?}"), answer.text().await.unwrap()));
            }
            assert_eq!(answers[0].0, 401);
            for answer in &answers[1..] {
                assert_eq!(answer, &answers[0]);
            }
            assert_eq!(sign_in(app, "ada@example.org", PASSWORD).await.0, 200);
        },
    )
    .await;
}

#[tokio::test]
async fn signing_out_ends_all_sessions_of_all_processes_and_their_sockets() {
    on_two(async |house, there| {
        let app = &house.app;
        let user = add_user(app, "ada@example.org", "member").await;
        for way in ["logout", "password", "disabled"] {
            let (_, session) = sign_in(app, "ada@example.org", PASSWORD).await;
            let (first, second) = (session["token"].as_str().unwrap().to_owned(), token(there, "ada@example.org").await);
            assert_eq!((me(app, &first).await, me(there, &second).await, me(there, &first).await), (200, 200, 200));
            let mut socket = socket(there, &second, true).await;
            let from = Instant::now();
            let (status, answer) = match way {
                "logout" => send(app, "POST", "/v1/logout", Some(&first), None).await,
                "password" => {
                    let body = json!({ "current": PASSWORD, "new": "another password" });
                    send(app, "POST", "/v1/me/password", Some(&first), Some(body)).await
                }
                _ => {
                    let path = format!("/v1/users/{}", user["id"].as_str().unwrap());
                    let body = json!({ "disabled": true });
                    (if send(app, "PATCH", &path, Some(&command(app)), Some(body)).await.0 == 200 { 204 } else { 0 }, json!(null))
                }
            };
            assert_eq!(status, 204, "{way}: {answer}");
            let from = if way == "password" { Instant::now() } else { from };
            await_refusal(app, &first, from).await;
            await_refusal(there, &second, from).await;
            let closed = tokio::time::timeout(Duration::from_secs(2), async {
                loop {
                    match socket.next().await {
                        Some(Ok(Frame::Close(Some(frame)))) => return u16::from(frame.code),
                        Some(Ok(_)) => {}
                        other => panic!("{other:?}"),
                    }
                }
            });
            assert_eq!(closed.await.expect("the socket is closed"), 4403, "{way}");
            assert!(from.elapsed() < Duration::from_millis(1_500), "{way}: {:?}", from.elapsed());
            let refresh = json!({ "refreshToken": session["refreshToken"] });
            assert_eq!(send(there, "POST", "/v1/refresh", None, Some(refresh)).await.0, 401, "{way}");
            if way == "password" {
                assert_eq!(sign_in(there, "ada@example.org", PASSWORD).await.0, 401);
                let body = json!({ "password": PASSWORD });
                assert_eq!(send(app, "PATCH", "/v1/users/ada@example.org", Some(&command(app)), Some(body)).await.0, 200);
            }
        }
        assert_eq!(sign_in(there, "ada@example.org", PASSWORD).await.0, 401);
    })
    .await;
}

type Socket = tokio_tungstenite::WebSocketStream<tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>>;

/// Opened with the token in its header, or in its first message.
async fn socket(app: &TestApp, token: &str, header: bool) -> Socket {
    let mut request = app.at("/graphql").replacen("http", "ws", 1).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    if header {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    }
    let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    let payload = if header { json!({}) } else { json!({ "Authorization": format!("Bearer {token}") }) };
    socket.send(Frame::text(json!({ "type": "connection_init", "payload": payload }).to_string())).await.unwrap();
    socket
}

#[tokio::test]
async fn a_socket_may_say_who_it_is_in_its_first_message() {
    let house = super::House::open(false, |_| {}).await.unwrap();
    let app = &house.app;
    add_user(app, "ada@example.org", "member").await;
    let token = token(app, "ada@example.org").await;
    let mut fine = socket(app, &token, false).await;
    let Some(Ok(Frame::Text(text))) = fine.next().await else { panic!("no answer") };
    assert!(text.contains("connection_ack"));
    let mut wrong = socket(app, "x", false).await;
    let Some(Ok(Frame::Close(Some(frame)))) = wrong.next().await else { panic!("not closed") };
    assert_eq!(u16::from(frame.code), 4403);
    let mut request = app.at("/graphql").replacen("http", "ws", 1).into_client_request().unwrap();
    request.headers_mut().insert("sec-websocket-protocol", "graphql-transport-ws".parse().unwrap());
    let (mut stranger, _) = tokio_tungstenite::connect_async(request).await.unwrap();
    stranger.send(Frame::text(r#"{"type":"connection_init"}"#)).await.unwrap();
    let Some(Ok(Frame::Close(Some(frame)))) = stranger.next().await else { panic!("not closed") };
    assert_eq!(u16::from(frame.code), 4401);
    drop((fine, wrong, stranger));
    house.stop().await;
}

#[tokio::test]
async fn a_refresh_token_holds_once_and_a_copy_of_it_ends_everything() {
    on_both(
        |_| {},
        async |house| {
            let app = &house.app;
            add_user(app, "ada@example.org", "member").await;
            let (_, session) = sign_in(app, "ada@example.org", PASSWORD).await;
            let refresh = async |session: &serde_json::Value| {
                send(app, "POST", "/v1/refresh", None, Some(json!({ "refreshToken": session["refreshToken"] }))).await
            };
            let (status, second) = refresh(&session).await;
            assert_eq!(status, 200, "{second}");
            let (status, third) = refresh(&second).await;
            assert_eq!(status, 200, "{third}");
            let token = third["token"].as_str().unwrap();
            assert_eq!(me(app, token).await, 200);
            // one that was made up ends nothing
            assert_eq!(refresh(&json!({ "refreshToken": "0123.0.AAAA" })).await.0, 401);
            assert_eq!(me(app, token).await, 200);
            let from = Instant::now();
            assert_eq!(refresh(&session).await.0, 401);
            await_refusal(app, token, from).await;
            assert_eq!(refresh(&third).await.0, 401);

            // at the same moment it holds once
            let (_, session) = sign_in(app, "ada@example.org", PASSWORD).await;
            let answers = futures_util::future::join_all((0..8).map(|_| refresh(&session))).await;
            assert!(answers.iter().filter(|(status, _)| *status == 200).count() <= 1);
        },
    )
    .await;
}

#[tokio::test]
async fn who_fails_too_often_is_told_when_to_come_back() {
    let house = super::House::open(false, |config| config.accounts.attempts = 9).await.unwrap();
    let app = &house.app;
    add_user(app, "ada@example.org", "member").await;
    let (mut statuses, mut waits) = (Vec::new(), None);
    for _ in 0..5 {
        let body = json!({ "email": "ada@example.org", "password": "wrong password" });
        let answer = app.http.post(app.at("/v1/login")).json(&body).send().await.unwrap();
        waits = answer.headers().get("retry-after").map(|wait| wait.to_str().unwrap().parse::<u64>().unwrap());
        statuses.push(answer.status().as_u16());
    }
    assert_eq!(statuses, [401, 401, 401, 429, 429]);
    assert!(waits.is_some_and(|wait| (1..=600).contains(&wait)));
    house.stop().await;
}

#[tokio::test]
async fn the_first_administrator_is_made_from_a_shell() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_string_lossy().into_owned();
    let add = ["user", "add", "ada@example.org", "--password-stdin", "--data", &data];
    let output = hooke(&add, "correct horse battery\n").await;
    assert!(output.status.success(), "{}", err(&output));
    assert!(out(&output).contains("ada@example.org  admin"), "{}", out(&output));
    let again = hooke(&add, "correct horse battery\n").await;
    assert_eq!(again.status.code(), Some(1));
    assert!(err(&again).contains("there is an account of this address"), "{}", err(&again));
    let output = hooke(&["user", "add", "bob@example.org", "--role", "king", "--data", &data], "").await;
    assert!(err(&output).contains("no role \"king\""), "{}", err(&output));
    let output = hooke(&["user", "list", "--data", &data], "").await;
    assert_eq!(out(&output).lines().count(), 1, "{}", out(&output));
    let output = hooke(&["key", "add", "nightly", "--role", "admin", "--scope", "read", "--data", &data], "").await;
    assert!(out(&output).starts_with("hooke_"), "{}", err(&output));
    let output = hooke(&["key", "list", "--data", &data], "").await;
    assert!(out(&output).contains("nightly  role admin  [read]"), "{}", out(&output));
}

#[tokio::test]
async fn commands_on_the_data_folder_are_let_in() {
    let house = super::House::open(false, |config| config.secret = None).await.unwrap();
    let data = house.app.app.config.data.to_string_lossy().into_owned();
    let output = hooke(&["load", "rows", "-", "--id", "n", "--data", &data], "{\"n\":1}\n").await;
    assert!(output.status.success(), "{}", err(&output));
    let output = hooke(&["export", "rows", "--server", &house.app.url], "").await;
    assert!(!output.status.success() && err(&output).contains("sign in"), "{}", err(&output));
    house.stop().await;
}
