//! Who fails to sign in too often waits; by the address of the client, which a proxy of ours tells, and nobody locks out anybody else.

use serde_json::json;

use super::{House, PASSWORD, add_user};
use crate::app::TestApp;

async fn try_from(app: &TestApp, forwarded: &str, password: &str) -> u16 {
    let body = json!({ "email": "ada@example.org", "password": password });
    let answer = app.http.post(app.at("/v1/login")).header("x-forwarded-for", forwarded).json(&body).send().await.unwrap();
    let status = answer.status().as_u16();
    assert_eq!(answer.headers().contains_key("retry-after"), status == 429, "{status}");
    status
}

#[tokio::test]
async fn nobody_locks_out_somebody_at_another_address() {
    let house = House::open(false, |config| {
        config.accounts.attempts = 6;
        config.proxies = vec!["127.0.0.1".parse().unwrap()];
    })
    .await
    .unwrap();
    let app = &house.app;
    add_user(app, "ada@example.org", "member").await;
    assert_eq!(try_from(app, "198.51.100.1", PASSWORD).await, 200);
    // a third of six for one account, also with what the attacker writes before its address
    let mut told = Vec::new();
    for forwarded in ["203.0.113.9", "198.51.100.1, 203.0.113.9", "203.0.113.9", "1.2.3.4, 203.0.113.9", "203.0.113.9:4711"] {
        told.push(try_from(app, forwarded, "wrong password").await);
    }
    assert_eq!(told, [401, 401, 429, 429, 429]);
    // and not with the right password either
    assert_eq!(try_from(app, "203.0.113.9", PASSWORD).await, 429);
    // its owner is heard where they were, and where they never were
    assert_eq!(try_from(app, "198.51.100.1", PASSWORD).await, 200);
    assert_eq!(try_from(app, "192.0.2.1", PASSWORD).await, 200);
    // many addresses at once
    for last in 20..30 {
        for _ in 0..2 {
            try_from(app, &format!("203.0.113.{last}"), "wrong password").await;
        }
    }
    assert_eq!(try_from(app, "198.51.100.1", PASSWORD).await, 200);
    assert_eq!(try_from(app, "192.0.2.2", PASSWORD).await, 200);
    house.stop().await;
}

#[tokio::test]
async fn an_address_that_nobody_trusts_to_tell_is_not_believed() {
    let house = House::open(false, |config| config.accounts.attempts = 6).await.unwrap();
    add_user(&house.app, "ada@example.org", "member").await;
    let mut told = Vec::new();
    for last in 0..3 {
        told.push(try_from(&house.app, &format!("203.0.113.{last}"), "wrong password").await);
    }
    assert_eq!(told, [401, 401, 429]);
    house.stop().await;
}
