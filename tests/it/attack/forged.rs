//! Tokens, cookies, keys and links that are forged, stolen or used again: against a hooke on which one signs in, and which takes tokens of
//! another service whose key is ours here. The genuine ones are tried first, or refusals would prove nothing.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hooke::config::{Config, Defence, IdentityConfig};
use ring::hmac;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Map, Value as Json, json};

use super::table::{Attack, By};
use crate::accounts::{PASSWORD, add_user, command, send, sign_in, with_accounts};
use crate::app::TestApp;

const ISSUER: &str = "https://login.example";
const JSON: (&str, &str) = ("content-type", "application/json");

/// A server on which one signs in, with everything that a forger may have got hold of.
pub(super) struct Guarded {
    pub(super) app: TestApp,
    /// Of the other service.
    pair: Ed25519KeyPair,
    pem: String,
    /// Of a user: what signing in gave, a cookie, a key, and a refresh token that was used.
    token: String,
    cookie: String,
    key: String,
    used: String,
    _folder: tempfile::TempDir,
}

fn pair() -> Ed25519KeyPair {
    let random = ring::rand::SystemRandom::new();
    Ed25519KeyPair::from_pkcs8(Ed25519KeyPair::generate_pkcs8(&random).unwrap().as_ref()).unwrap()
}

fn coded(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn claims() -> Json {
    let now = jiff::Timestamp::now().as_second();
    json!({ "iss": ISSUER, "aud": "hooke", "sub": "ada", "exp": now + 600, "iat": now })
}

fn with(change: impl FnOnce(&mut Map<String, Json>, i64)) -> String {
    let mut claims = claims();
    change(claims.as_object_mut().unwrap(), jiff::Timestamp::now().as_second());
    claims.to_string()
}

fn by_pair(pair: &Ed25519KeyPair, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", coded(header), coded(claims));
    format!("{message}.{}", coded(pair.sign(message.as_bytes())))
}

fn by_secret(secret: &[u8], header: &str, claims: &str) -> String {
    let message = format!("{}.{}", coded(header), coded(claims));
    format!("{message}.{}", coded(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), message.as_bytes())))
}

/// One bit of one part of a token is another.
fn flipped(token: &str, part: usize, at: usize) -> String {
    let mut parts: Vec<String> = token.split('.').map(str::to_owned).collect();
    let mut bytes = URL_SAFE_NO_PAD.decode(&parts[part]).unwrap();
    let at = at % bytes.len();
    bytes[at] ^= 1;
    parts[part] = coded(bytes);
    parts.join(".")
}

impl Guarded {
    pub(super) async fn open(change: impl FnOnce(&mut Config)) -> Guarded {
        let (folder, pair) = (tempfile::tempdir().unwrap(), pair());
        // a public key of Ed25519 in its envelope
        let der = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], pair.public_key().as_ref()].concat();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der));
        let path = folder.path().join("key.pem");
        std::fs::write(&path, &pem).unwrap();
        let app = TestApp::open(|config| {
            with_accounts(config);
            config.accounts.identity = Some(IdentityConfig {
                issuer: ISSUER.into(),
                audience: vec!["hooke".into()],
                algorithms: vec!["EdDSA".into()],
                public_key: Some(path),
                role: Some("member".into()),
                ..IdentityConfig::default()
            });
            change(config);
        })
        .await;
        add_user(&app, "ada@example.org", "member").await;
        add_user(&app, "bob@example.org", "member").await;
        let token = sign_in(&app, "ada@example.org", PASSWORD).await.1["token"].as_str().unwrap().to_owned();
        let browser = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let form = [("email", "ada@example.org"), ("password", PASSWORD)];
        let signed = browser.post(app.at("/login")).header("origin", &app.url).form(&form).send().await.unwrap();
        let cookie = signed.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
        let body = json!({ "name": "attacked", "role": "member" });
        let made = send(&app, "POST", "/v1/keys", Some(&command(&app)), Some(body)).await.1;
        let key = made["key"].as_str().unwrap_or_else(|| panic!("{made}")).to_owned();
        // somebody else's, for a copy that is noticed ends all their sessions
        let used = sign_in(&app, "bob@example.org", PASSWORD).await.1["refreshToken"].as_str().unwrap().to_owned();
        let renewed = send(&app, "POST", "/v1/refresh", None, Some(json!({ "refreshToken": used }))).await;
        assert_eq!(renewed.0, 200, "{}", renewed.1);
        let guarded = Guarded { app, pair, pem, token, cookie, key, used, _folder: folder };
        let genuine = by_pair(&guarded.pair, r#"{"alg":"EdDSA"}"#, &claims().to_string());
        for good in [&guarded.token, &guarded.key, &genuine] {
            let (status, told) = send(&guarded.app, "GET", "/v1/me", Some(good), None).await;
            assert_eq!(status, 200, "{good}: {told}");
        }
        let me = browser.get(guarded.app.at("/v1/me")).header("cookie", &guarded.cookie).send().await.unwrap();
        assert_eq!(me.status(), 200);
        guarded
    }

    pub(super) fn attacks(&self) -> Vec<Attack> {
        let mut all = self.tokens_of_others();
        all.extend(self.own_tokens());
        all.extend(self.cookies_and_forms());
        all
    }

    fn tokens_of_others(&self) -> Vec<Attack> {
        let (own, stranger) = (&self.pair, pair());
        let (eddsa, hs256) = (r#"{"alg":"EdDSA"}"#, r#"{"alg":"HS256"}"#);
        let good = by_pair(own, eddsa, &claims().to_string());
        let (message, signature) = good.rsplit_once('.').unwrap();
        let body = message.split_once('.').unwrap().1;
        let under = |header: &str| format!("{}.{body}.{signature}", coded(header));
        let x = coded(stranger.public_key().as_ref());
        let bare = |header: &str| format!("{}.{body}.", coded(header));
        let grammar = [
            ("a token of the algorithm none", bare(r#"{"alg":"none"}"#)),
            ("a token of the algorithm none, with a signature", under(r#"{"alg":"none"}"#)),
            ("a token of the algorithm NonE", bare(r#"{"alg":"NonE"}"#)),
            ("a token of no algorithm", under("{}")),
            ("a token of an algorithm in other letters", under(r#"{"alg":"eddsa"}"#)),
            ("a token whose algorithm is a list", under(r#"{"alg":["EdDSA"]}"#)),
            ("a token of an algorithm that is not allowed", by_secret(b"secret", r#"{"alg":"HS512"}"#, &claims().to_string())),
            ("a public key for a secret", by_secret(self.pem.as_bytes(), hs256, &claims().to_string())),
            (
                "a public key for a secret, without its last line",
                by_secret(self.pem.trim().as_bytes(), hs256, &claims().to_string()),
            ),
            ("a public key for a secret, its bytes", by_secret(own.public_key().as_ref(), hs256, &claims().to_string())),
            ("an empty secret", by_secret(b"", hs256, &claims().to_string())),
            (
                "a key that is an empty file",
                by_secret(b"", r#"{"alg":"HS256","kid":"../../../../dev/null"}"#, &claims().to_string()),
            ),
            (
                "a key by the name of a query",
                by_secret(b"x", r#"{"alg":"HS256","kid":"x' UNION SELECT 'x"}"#, &claims().to_string()),
            ),
            ("a key whose name is an object", by_pair(own, r#"{"alg":"EdDSA","kid":{"a":1}}"#, &claims().to_string())),
            (
                "a token with a critical extension",
                by_pair(own, r#"{"alg":"EdDSA","crit":["exp"],"exp":1}"#, &claims().to_string()),
            ),
            ("a token whose payload is not coded", by_pair(own, r#"{"alg":"EdDSA","b64":false}"#, &claims().to_string())),
            ("a token of two algorithms", by_pair(own, r#"{"alg":"none","alg":"EdDSA"}"#, &claims().to_string())),
            ("a token of two subjects", by_pair(own, eddsa, &claims().to_string().replacen('{', r#"{"sub":"root","#, 1))),
            ("a token whose claims are a list", by_pair(own, eddsa, "[]")),
            ("a token whose claims are no JSON", by_pair(own, eddsa, "{")),
            ("a token of nobody", by_pair(own, eddsa, &with(|claims, _| drop(claims.insert("sub".into(), json!("")))))),
            ("a token without an end", by_pair(own, eddsa, &with(|claims, _| drop(claims.remove("exp"))))),
            (
                "a token whose end is a text",
                by_pair(own, eddsa, &with(|claims, now| drop(claims.insert("exp".into(), json!((now + 60).to_string()))))),
            ),
            ("a token with padding", format!("{good}=")),
            ("a token in another alphabet", good.replace('-', "+").replace('_', "/") + "+/"),
            ("a token of two parts", message.to_owned()),
            ("a token of four parts", format!("{good}.{signature}")),
            ("a token of five parts", format!("{}..{body}.{signature}.{signature}", coded(r#"{"alg":"dir","enc":"A128GCM"}"#))),
            ("a token without a signature", format!("{message}.")),
            ("a token of dots", "..".into()),
            (
                "a token of 15 kB",
                by_pair(own, eddsa, &with(|claims, _| drop(claims.insert("x".into(), json!("x".repeat(15_000)))))),
            ),
            ("a token nested beyond the stack", by_pair(own, eddsa, &"[".repeat(5_000))),
        ];
        let signature = [
            ("a token signed by a stranger", by_pair(&stranger, eddsa, &claims().to_string())),
            (
                "a token that brings its own key",
                by_pair(
                    &stranger,
                    &format!(r#"{{"alg":"EdDSA","jwk":{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}}}"#),
                    &claims().to_string(),
                ),
            ),
            (
                "a token that says where its key is",
                by_pair(
                    &stranger,
                    r#"{"alg":"EdDSA","jku":"http://evil.example/keys","x5u":"http://evil.example"}"#,
                    &claims().to_string(),
                ),
            ),
            (
                "a token of another subject under a signature",
                format!(
                    "{}.{}.{signature}",
                    coded(eddsa),
                    coded(with(|claims, _| drop(claims.insert("sub".into(), json!("root")))))
                ),
            ),
            ("a bit of the claims", flipped(&good, 1, claims().to_string().find("ada").unwrap())),
            ("a bit of a signature", flipped(&good, 2, 5)),
            ("the last bit of a signature", flipped(&good, 2, 63)),
            ("a signature of zeros", format!("{message}.{}", coded([0; 64]))),
        ];
        let held = [
            ("a token that has expired", with(|claims, now| drop(claims.insert("exp".into(), json!(now - 31))))),
            ("a token that does not hold yet", with(|claims, now| drop(claims.insert("nbf".into(), json!(now + 90))))),
            ("a token of the future", with(|claims, now| drop(claims.insert("iat".into(), json!(now + 90))))),
            (
                "a token of another issuer",
                with(|claims, _| drop(claims.insert("iss".into(), json!("https://login.example.evil")))),
            ),
            ("a token of no issuer", with(|claims, _| drop(claims.remove("iss")))),
            ("a token for somebody else", with(|claims, _| drop(claims.insert("aud".into(), json!(["other", "hook"]))))),
            ("a token for nobody", with(|claims, _| drop(claims.remove("aud")))),
        ];
        let flip = ("a bit of the header", flipped(&good, 0, 9));
        let grammar = grammar.into_iter().chain([flip]).map(|(name, token)| bearer(name, &token));
        let signature = signature.into_iter().map(|(name, token)| bearer(name, &token).by(By::Line(Defence::Signature)));
        let held =
            held.into_iter().map(|(name, claims)| bearer(name, &by_pair(own, eddsa, &claims)).by(By::Line(Defence::Claims)));
        grammar.chain(signature).chain(held).collect()
    }

    fn own_tokens(&self) -> Vec<Attack> {
        let claims = self.token.split('.').nth(1).unwrap();
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(claims).unwrap()).unwrap();
        let hs256 = r#"{"alg":"HS256","typ":"JWT"}"#;
        let (start, secret) = self.key.rsplit_once('_').unwrap();
        let other = if secret.starts_with('0') { '1' } else { '0' };
        let cookie = self.cookie.split_once('=').unwrap().1;
        let refresh = |name, token: &str| {
            let body = json!({ "refreshToken": token }).to_string();
            Attack::http(name, "POST", "/v1/refresh", &[JSON], body, &[401])
        };
        let mut parts = self.used.rsplitn(3, '.');
        let (tag, count, session) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let post = |name, path: &str, body: Json| Attack::http(name, "POST", path, &[JSON], body.to_string(), &[400]);
        vec![
            bearer("a token of ours by a secret that one guesses", &by_secret(b"secret", hs256, &claims))
                .by(By::Line(Defence::Signature)),
            bearer("a token of ours by no secret", &by_secret(b"", hs256, &claims)).by(By::Line(Defence::Signature)),
            bearer("a token of ours by the public key of others", &by_secret(self.pem.as_bytes(), hs256, &claims))
                .by(By::Line(Defence::Signature)),
            bearer("a token of ours by the key of others", &by_pair(&self.pair, r#"{"alg":"EdDSA"}"#, &claims))
                .by(By::Line(Defence::Signature)),
            bearer("a token of ours of the algorithm none", &format!("{}.{}.", coded(r#"{"alg":"none"}"#), coded(&claims))),
            bearer("a bit of a signature of ours", &flipped(&self.token, 2, 0)).by(By::Line(Defence::Signature)),
            bearer("a bit of claims of ours", &flipped(&self.token, 1, 2)),
            bearer("what a cookie holds for a token", cookie),
            bearer("a known key with another secret", &format!("{start}_{}", "0".repeat(secret.len()))),
            bearer("a known key with another first letter", &format!("{start}_{other}{}", &secret[1..])),
            bearer("a known key with its last letter missing", &self.key[..self.key.len() - 1]),
            bearer("a known key with a letter more", &format!("{}0", self.key)),
            bearer("a known key without its secret", &format!("{start}_")),
            bearer("a known key in capital letters", &self.key.to_uppercase()),
            bearer("a key that nobody has", &format!("hooke_0123456789abcdef_{secret}")),
            bearer("a key by the name of a record", &format!("hooke_../user_{secret}")),
            Attack::http(
                "a name and a password in the header",
                "GET",
                "/v1/me",
                &[("authorization", "Basic YWRtaW46YWRtaW4=")],
                "",
                &[401],
            ),
            Attack::http("a header without a token", "GET", "/v1/me", &[("authorization", "Bearer")], "", &[401]),
            refresh("a refresh token used again", &self.used).by(By::Line(Defence::Renewal)),
            refresh("a refresh token of a count to come", &format!("{session}.{}.{tag}", count.parse::<u64>().unwrap() + 1)),
            refresh("a refresh token of another session", &format!("00{}.{count}.{tag}", &session[2..])),
            refresh("a refresh token without its tag", &format!("{session}.{count}.")),
            refresh("an access token for a refresh token", &self.token),
            post("a link that nobody sent", "/v1/activate", json!({ "token": "0".repeat(64) })),
            post("a link to another record", "/v1/activate", json!({ "token": "../../user" })),
            post("a reset that nobody asked for", "/v1/reset", json!({ "token": "0".repeat(64), "password": PASSWORD })),
        ]
    }

    fn cookies_and_forms(&self) -> Vec<Attack> {
        let (name, value) = self.cookie.split_once('=').unwrap();
        let url = self.app.url.as_str();
        let me = |title, value: &str| Attack::http(title, "GET", "/v1/me", &[("cookie", &format!("{name}={value}"))], "", &[401]);
        let claims = String::from_utf8(URL_SAFE_NO_PAD.decode(value.split('.').nth(1).unwrap()).unwrap()).unwrap();
        let cookie = ("cookie", self.cookie.as_str());
        let form = ("content-type", "application/x-www-form-urlencoded");
        let ask = r#"{"query":"{ __typename }"}"#;
        vec![
            me("a cookie with a bit of its signature", &flipped(value, 2, 3)).by(By::Line(Defence::Signature)),
            me("a cookie by a secret that one guesses", &by_secret(b"hooke", r#"{"alg":"HS256"}"#, &claims))
                .by(By::Line(Defence::Signature)),
            me("a cookie of the algorithm none", &format!("{}.{}.", coded(r#"{"alg":"none"}"#), coded(&claims))),
            me("a token for a cookie", &self.token),
            me("a key for a cookie", &self.key),
            me("a token of others for a cookie", &by_pair(&self.pair, r#"{"alg":"EdDSA"}"#, &self::claims().to_string())),
            Attack::http("a request with a cookie of no page of ours", "POST", "/graphql", &[JSON, cookie], ask, &[403])
                .by(By::Line(Defence::Csrf)),
            Attack::http(
                "a request with a cookie from elsewhere",
                "POST",
                "/graphql",
                &[JSON, cookie, ("sec-fetch-site", "cross-site")],
                ask,
                &[403],
            )
            .by(By::Line(Defence::Csrf)),
            Attack::http(
                "a request with a cookie from a sibling",
                "POST",
                "/graphql",
                &[JSON, cookie, ("sec-fetch-site", "same-site")],
                ask,
                &[403],
            )
            .by(By::Line(Defence::Csrf)),
            Attack::socket(
                "a socket with a cookie of no page of ours",
                &[cookie, ("sec-websocket-protocol", "graphql-transport-ws")],
                vec![],
                &[403],
            )
            .by(By::Line(Defence::Csrf)),
            Attack::http(
                "a form with a cookie from elsewhere",
                "POST",
                "/account/sign-out",
                &[form, cookie, ("origin", "http://evil.example")],
                "",
                &[403],
            ),
            Attack::http(
                "a form without its token",
                "POST",
                "/account/sign-out",
                &[form, cookie, ("origin", url)],
                "",
                &[400, 403],
            ),
            Attack::http(
                "a form with another token",
                "POST",
                "/account/keys",
                &[form, cookie, ("origin", url)],
                "form=AAAA&name=x",
                &[400, 403],
            ),
            Attack::http(
                "a sign-in from elsewhere",
                "POST",
                "/login",
                &[form, ("origin", "http://evil.example")],
                "email=a&password=b",
                &[403],
            ),
        ]
    }
}

fn bearer(name: &'static str, token: &str) -> Attack {
    Attack::http(name, "GET", "/v1/me", &[("authorization", &format!("Bearer {token}"))], "", &[401])
}
