//! Tokens that another service signs, by keys it tells at an address.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hooke::config::IdentityConfig;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;

use super::{House, me, send};

fn signed(pair: &Ed25519KeyPair, kid: &str, claims: &Json) -> String {
    let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
    let message = format!("{}.{}", part(&json!({ "alg": "EdDSA", "kid": kid })), part(claims));
    format!("{message}.{}", URL_SAFE_NO_PAD.encode(pair.sign(message.as_bytes())))
}

#[tokio::test]
async fn keys_of_an_address_are_fetched_once_and_not_for_every_forgery() {
    let random = ring::rand::SystemRandom::new();
    let pair = || Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref()).unwrap();
    let (own, other) = (pair(), pair());
    let x = URL_SAFE_NO_PAD.encode(own.public_key().as_ref());
    let set = json!({ "keys": [{ "kty": "oct", "k": "AAAA", "kid": "shared" }, { "kty": "OKP", "crv": "Ed25519", "x": x, "kid": "one" }] });
    let asked = Arc::new(AtomicUsize::new(0));
    let count = asked.clone();
    let router = Router::new().route(
        "/keys",
        get(async move || {
            count.fetch_add(1, Ordering::Relaxed);
            axum::Json(set)
        }),
    );
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/keys", listener.local_addr().unwrap());
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });

    let house = House::open(false, |config| {
        config.accounts.identity = Some(IdentityConfig {
            issuer: "https://login.example".into(),
            audience: vec!["hooke".into()],
            algorithms: vec!["EdDSA".into()],
            jwks: Some(url.clone()),
            role: Some("member".into()),
            claims: [("team".to_owned(), "org.team".to_owned())].into(),
            ..IdentityConfig::default()
        });
    })
    .await
    .unwrap();
    let app = &house.app;
    let now = jiff::Timestamp::now().as_second();
    let claims =
        json!({ "iss": "https://login.example", "aud": "hooke", "sub": "ada", "exp": now + 60, "org": { "team": "red" } });
    let good = signed(&own, "one", &claims);
    let (status, who) = send(app, "GET", "/v1/me", Some(&good), None).await;
    assert_eq!(
        (status, &who["kind"], &who["id"], &who["role"]),
        (200, &json!("outside"), &json!("ada"), &json!("member")),
        "{who}"
    );
    assert_eq!(who["claims"], json!({ "sub": "ada", "team": "red" }));
    for n in 0..20 {
        assert_eq!(me(app, &signed(&own, &format!("unknown-{n}"), &claims)).await, 401);
        assert_eq!(me(app, &signed(&other, "one", &claims)).await, 401);
        assert_eq!(me(app, &signed(&other, "shared", &claims)).await, 401);
        assert_eq!(me(app, &good).await, 200);
    }
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    // who comes from outside has no account here
    assert_eq!(send(app, "POST", "/v1/logout", Some(&good), None).await.0, 403);
    assert_eq!(send(app, "GET", "/v1/keys", Some(&good), None).await.0, 403);
    house.stop().await;
    serving.abort();
}
