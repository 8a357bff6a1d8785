//! Tokens of another service: the genuine ones are taken, and every forgery of them is refused.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use serde_json::{Value as Json, json};

use super::jws::{Algorithm, Key, Token, write};
use super::outside::Outside;
use super::times;
use super::token::{Secrets, Use};
use crate::config::{IdentityConfig, Secret};

const SHARED: &str = "0123456789abcdef0123456789abcdef";
/// Signed by openssl; holds until 2100.
const RS256: &str = include_str!("fixtures/rs256.jwt");
const RSA_KEY: &str = include_str!("fixtures/rsa.pem");

fn settings(algorithms: &[&str]) -> IdentityConfig {
    IdentityConfig {
        issuer: "https://login.example".into(),
        audience: vec!["hooke".into()],
        algorithms: algorithms.iter().map(|name| (*name).to_owned()).collect(),
        secret: Some(Secret(SHARED.into())),
        role_claim: Some("role".into()),
        roles: [("staff".to_owned(), "editor".to_owned())].into(),
        claims: [("team".to_owned(), "org.team".to_owned())].into(),
        ..IdentityConfig::default()
    }
}

fn claims() -> Json {
    json!({ "iss": "https://login.example", "aud": "hooke", "sub": "ada", "exp": times::now() + 60, "role": "staff", "org": { "team": "red" } })
}

fn with(change: impl FnOnce(&mut serde_json::Map<String, Json>)) -> Json {
    let mut claims = claims();
    change(claims.as_object_mut().unwrap());
    claims
}

fn encoded(json: &Json) -> String {
    URL_SAFE_NO_PAD.encode(json.to_string())
}

async fn taken(outside: &Outside, text: &str) -> bool {
    match Token::read(text) {
        Some(token) => outside.check(token).await.is_some(),
        None => false,
    }
}

#[tokio::test]
async fn a_token_by_shared_secret_says_who_that_is() {
    let outside = Outside::open(&settings(&["HS256"])).await.unwrap();
    let text = write(SHARED.as_bytes(), &claims());
    let found = outside.check(Token::read(&text).unwrap()).await.unwrap();
    assert_eq!((found.subject.as_str(), found.role.as_str()), ("ada", "editor"));
    assert_eq!(Json::Object(found.claims), json!({ "sub": "ada", "team": "red" }));
    assert!((60..=91).contains(&found.left.as_secs()));
}

#[tokio::test]
async fn forged_tokens_are_refused() {
    let outside = Outside::open(&settings(&["HS256"])).await.unwrap();
    let sign = |claims: &Json| write(SHARED.as_bytes(), claims);
    let good = sign(&claims());
    assert!(taken(&outside, &good).await);
    let body = encoded(&claims());
    let signature = good.rsplit('.').next().unwrap();
    let mut forged = vec![
        ("none", format!("{}.{body}.", encoded(&json!({ "alg": "none" })))),
        ("None, signed", format!("{}.{body}.{signature}", encoded(&json!({ "alg": "None" })))),
        ("no algorithm", format!("{}.{body}.{signature}", encoded(&json!({})))),
        ("an algorithm that is not allowed", format!("{}.{body}.{signature}", encoded(&json!({ "alg": "HS512" })))),
        ("an algorithm of another kind", format!("{}.{body}.{signature}", encoded(&json!({ "alg": "RS256" })))),
        ("a critical extension", format!("{}.{body}.{signature}", encoded(&json!({ "alg": "HS256", "crit": ["x"], "x": 1 })))),
        ("no signature", format!("{}.", good.rsplit_once('.').unwrap().0)),
        ("two parts", good.rsplit_once('.').unwrap().0.to_owned()),
        ("four parts", format!("{good}.{signature}")),
        ("another secret", write(b"another secret of the right length", &claims())),
        ("expired", sign(&with(|c| drop(c.insert("exp".into(), json!(times::now() - 31)))))),
        ("without an end", sign(&with(|c| drop(c.remove("exp"))))),
        ("an end that is a text", sign(&with(|c| drop(c.insert("exp".into(), json!("4102444800")))))),
        ("not yet", sign(&with(|c| drop(c.insert("nbf".into(), json!(times::now() + 40)))))),
        ("another issuer", sign(&with(|c| drop(c.insert("iss".into(), json!("https://login.example.evil")))))),
        ("no issuer", sign(&with(|c| drop(c.remove("iss"))))),
        ("another audience", sign(&with(|c| drop(c.insert("aud".into(), json!(["other"])))))),
        ("no audience", sign(&with(|c| drop(c.remove("aud"))))),
        ("nobody", sign(&with(|c| drop(c.remove("sub"))))),
        ("an empty name", sign(&with(|c| drop(c.insert("sub".into(), json!("")))))),
        ("no role", sign(&with(|c| drop(c.remove("role"))))),
        ("the name of a role of ours", sign(&with(|c| drop(c.insert("role".into(), json!("admin")))))),
        ("far too long", sign(&with(|c| drop(c.insert("x".into(), json!("x".repeat(20_000))))))),
        ("no token", String::new()),
    ];
    for at in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        forged.push(("a changed letter", String::from_utf8(bytes).unwrap()));
    }
    let (message, _) = good.rsplit_once('.').unwrap();
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    for bit in 0..raw.len() * 8 {
        let mut flipped = raw.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        forged.push(("a flipped bit", format!("{message}.{}", URL_SAFE_NO_PAD.encode(flipped))));
    }
    for (what, text) in forged {
        assert!(!taken(&outside, &text).await, "{what}: {text}");
    }
    // inside the leeway
    assert!(taken(&outside, &sign(&with(|c| drop(c.insert("exp".into(), json!(times::now() - 25)))))).await);
    // without a table of roles a claim may name one, but never the one that may everything
    let open = IdentityConfig { roles: [].into(), ..settings(&["HS256"]) };
    let outside = Outside::open(&open).await.unwrap();
    assert!(taken(&outside, &good).await);
    assert!(!taken(&outside, &sign(&with(|c| drop(c.insert("role".into(), json!("admin")))))).await);
}

#[tokio::test]
async fn a_public_key_never_passes_for_a_secret() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("key.pem");
    std::fs::write(&path, RSA_KEY).unwrap();
    let by_key = IdentityConfig { secret: None, public_key: Some(path), ..settings(&["RS256"]) };
    let outside = Outside::open(&by_key).await.unwrap();
    assert!(taken(&outside, RS256.trim()).await);
    assert!(!taken(&outside, &write(RSA_KEY.as_bytes(), &claims())).await);
    // nor where settings were to allow it
    let careless = IdentityConfig { algorithms: vec!["RS256".into(), "HS256".into()], ..by_key };
    let outside = Outside::open(&careless).await.unwrap();
    assert!(taken(&outside, RS256.trim()).await);
    for secret in [RSA_KEY, RSA_KEY.trim()] {
        assert!(!taken(&outside, &write(secret.as_bytes(), &claims())).await);
    }
    let (message, signature) = RS256.trim().rsplit_once('.').unwrap();
    let raw = URL_SAFE_NO_PAD.decode(signature).unwrap();
    for bit in (0..raw.len() * 8).step_by(7) {
        let mut flipped = raw.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(!taken(&outside, &format!("{message}.{}", URL_SAFE_NO_PAD.encode(flipped))).await);
    }
}

#[test]
fn keys_of_a_set_are_read_and_take_only_their_own_algorithm() {
    let random = SystemRandom::new();
    let message = b"message";
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
    let point = pair.public_key().as_ref();
    let (x, y) = (URL_SAFE_NO_PAD.encode(&point[1..33]), URL_SAFE_NO_PAD.encode(&point[33..]));
    let key = Key::of_jwk(&json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })).unwrap();
    let signature = pair.sign(&random, message).unwrap();
    assert!(key.verifies(Algorithm::Es256, message, signature.as_ref()));
    for other in [Algorithm::Es384, Algorithm::Rs256, Algorithm::Hs256, Algorithm::EdDsa] {
        assert!(!key.verifies(other, message, signature.as_ref()));
    }
    assert!(!key.verifies(Algorithm::Es256, b"other", signature.as_ref()));

    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let pair = Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).unwrap();
    let x = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
    let key = Key::of_jwk(&json!({ "kty": "OKP", "crv": "Ed25519", "x": x })).unwrap();
    assert!(key.verifies(Algorithm::EdDsa, message, pair.sign(message).as_ref()));

    for refused in [
        json!({ "kty": "oct", "k": "c2VjcmV0" }),
        json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "use": "enc" }),
        json!({ "kty": "OKP", "crv": "X25519", "x": x }),
        json!({ "kty": "EC", "crv": "P-256", "x": x }),
        json!({ "kty": "RSA", "n": "A" }),
        json!([]),
    ] {
        assert!(Key::of_jwk(&refused).is_none(), "{refused}");
    }
    for refused in
        ["", "-----BEGIN PUBLIC KEY-----", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", &RSA_KEY[..200]]
    {
        assert!(Key::of_pem(refused).is_none(), "{refused}");
    }
}

#[test]
fn tokens_of_our_own_are_for_one_use_of_one_secret() {
    let (secrets, others) = (Secrets::new(b"one secret of ours"), Secrets::new(b"another secret"));
    let text = secrets.write(Use::Access, "ada", 3, 60);
    let read = |secrets: &Secrets, purpose| secrets.read(Token::read(&text).unwrap(), purpose);
    assert_eq!(read(&secrets, Use::Access), Some(("ada".to_owned(), 3)));
    assert_eq!(read(&secrets, Use::Page), None);
    assert_eq!(read(&secrets, Use::Command), None);
    assert_eq!(read(&others, Use::Access), None);
    let past = secrets.write(Use::Access, "ada", 3, 0);
    assert_eq!(secrets.read(Token::read(&past).unwrap(), Use::Access), None);

    let refresh = secrets.refresh("a1b2", 7);
    assert_eq!(secrets.read_refresh(&refresh), Some(("a1b2", 7)));
    assert_eq!(secrets.read_refresh(&refresh.replacen('7', "8", 1)), None);
    assert_eq!(others.read_refresh(&refresh), None);
}
