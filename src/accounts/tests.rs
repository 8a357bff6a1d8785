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

/// The examples of RFC 7515 (A.1 to A.3) and RFC 8037 (A.4).
#[test]
fn signatures_of_the_standards_own_examples_are_good() {
    const PAYLOAD: &str = "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap();
    let secret = bytes("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
    let n = "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
    let (x, y) = ("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0");
    let jwk = |json: Json| Key::of_jwk(&json).unwrap();
    for (algorithm, header, payload, key, signature) in [
        (
            Algorithm::Hs256,
            "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9",
            PAYLOAD,
            Key::Shared(secret),
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk",
        ),
        (
            Algorithm::Rs256,
            "eyJhbGciOiJSUzI1NiJ9",
            PAYLOAD,
            jwk(json!({ "kty": "RSA", "n": n, "e": "AQAB" })),
            "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw",
        ),
        (
            Algorithm::Es256,
            "eyJhbGciOiJFUzI1NiJ9",
            PAYLOAD,
            jwk(json!({ "kty": "EC", "crv": "P-256", "x": x, "y": y })),
            "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
        ),
        (
            Algorithm::EdDsa,
            "eyJhbGciOiJFZERTQSJ9",
            "RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
            jwk(json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" })),
            "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
        ),
    ] {
        let (message, raw) = (format!("{header}.{payload}"), bytes(signature));
        assert!(key.takes(algorithm) && key.verifies(algorithm, message.as_bytes(), &raw), "{algorithm:?}");
        let mut longer = raw.clone();
        longer.push(0);
        let zeros = vec![0; raw.len()];
        for wrong in [&raw[1..], &raw[..raw.len() - 1], &longer, &zeros, &[]] {
            assert!(!key.verifies(algorithm, message.as_bytes(), wrong), "{algorithm:?}");
        }
        if let Some(token) = Token::read(&format!("{message}.{signature}")) {
            assert!(token.checked(&key, &[algorithm]).is_some(), "{algorithm:?}");
        }
    }
}

/// Keys that must not be taken at all: too short, negative, in an envelope that says something else, or written otherwise than DER is.
#[test]
fn keys_are_read_strictly() {
    let n = |bytes: usize, first: u8| {
        let mut number = vec![0xa5; bytes];
        number[0] = first;
        URL_SAFE_NO_PAD.encode(number)
    };
    let rsa = |n: String, e: &str| Key::of_jwk(&json!({ "kty": "RSA", "n": n, "e": e })).is_some();
    assert!(rsa(n(256, 0x80), "AQAB") && rsa(n(1_024, 0xff), "AQAB"));
    assert!(!rsa(n(128, 0x80), "AQAB") && !rsa(n(256, 0x7f), "AQAB") && !rsa(n(1_025, 1), "AQAB"));
    assert!(!rsa(n(257, 0), "AQAB") && !rsa(n(256, 0x80), "AAEAAQ") && !rsa(String::new(), "AQAB") && !rsa(n(256, 0x80), ""));
    let jwk = json!({ "kty": "RSA", "n": n(256, 0x80), "e": "AQAB", "key_ops": ["encrypt"] });
    assert!(Key::of_jwk(&jwk).is_none());

    use base64::engine::general_purpose::STANDARD;
    let body: String = RSA_KEY.lines().filter(|line| !line.starts_with('-')).collect();
    let der = STANDARD.decode(body).unwrap();
    let taken =
        |der: &[u8]| Key::of_pem(&format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----", STANDARD.encode(der)));
    assert!(taken(&der).is_some());
    for end in 0..der.len() {
        assert!(taken(&der[..end]).is_none(), "{end}");
    }
    assert!(taken(&[&der[..], &[0]].concat()).is_none());
    // another type, or another length, wherever one stands
    for at in [0, 1, 3, 4, 5, 6, 18, 19, 22, 23, 24, 27, 28, 31] {
        let mut changed = der.clone();
        changed[at] ^= 0x01;
        assert!(taken(&changed).is_none(), "{at}");
    }
    let ed = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &[7; 32]].concat();
    assert!(taken(&ed).is_some());
    // the same with a length written in two bytes
    let long = [&[0x30, 0x81, 0x2a][..], &ed[2..]].concat();
    assert!(taken(&long).is_none());
}

#[test]
fn a_header_says_each_thing_once_and_nothing_that_must_be_understood() {
    let read = |header: &str, claims: &str| {
        Token::read(&format!("{}.{}.AAAA", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims))).is_some()
    };
    assert!(read(r#"{"alg":"HS256","kid":"a","jwk":{},"typ":"JWT"}"#, "{}"));
    for header in [
        r#"{"alg":"HS256","alg":"HS256"}"#,
        r#"{"alg":"none"}"#,
        r#"{"alg":"HS256","kid":1}"#,
        r#"{"alg":"HS256","kid":null}"#,
        r#"{"alg":"HS256","crit":[]}"#,
        r#"{"alg":"HS256","b64":true}"#,
        r#"{"alg":"HS256"} x"#,
        r#"["HS256"]"#,
        "",
    ] {
        assert!(!read(header, "{}"), "{header}");
    }
    assert!(!read(r#"{"alg":"HS256"}"#, r#"{"sub":"a","sub":"b"}"#) && !read(r#"{"alg":"HS256"}"#, "[]"));
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
