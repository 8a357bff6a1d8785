//! Texts that open something: access tokens and cookies of our own (JWT), refresh tokens, keys, and what links in mails hold.
//! What is random is kept as a hash only.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::{digest, hmac};
use serde_json::{Map, Value as Json, json};

use super::jws::{self, Algorithm, Token};
use super::{Fault, times};
use crate::config::Defence;

/// Who signs our own tokens.
const ISSUER: &str = "hooke";

/// What a token of our own is for; none passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// In the header Authorization.
    Access,
    /// In the cookie of a browser.
    Page,
    /// Of a command that can read the secret of the data folder.
    Command,
}

impl Use {
    const fn name(self) -> &'static str {
        match self {
            Use::Access => "access",
            Use::Page => "page",
            Use::Command => "command",
        }
    }
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], Fault> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(Fault::internal)?;
    Ok(bytes)
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub(super) fn hash(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

/// Takes as long for any two texts of one length.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.len() == b.len() && a.bytes().zip(b.bytes()).fold(0, |seen, (a, b)| seen | (a ^ b)) == 0
}

/// The secrets of this process, all made from the one that the settings give.
pub(super) struct Secrets {
    tokens: Vec<u8>,
    refresh: hmac::Key,
    forms: hmac::Key,
    /// What a test has left out.
    without: Option<Defence>,
}

impl Secrets {
    pub(super) fn new(secret: &[u8]) -> Self {
        let base = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derived = |purpose: &str| hmac::sign(&base, purpose.as_bytes()).as_ref().to_vec();
        Secrets {
            tokens: derived("hooke tokens 1"),
            refresh: hmac::Key::new(hmac::HMAC_SHA256, &derived("hooke refresh 1")),
            forms: hmac::Key::new(hmac::HMAC_SHA256, &derived("hooke forms 1")),
            without: None,
        }
    }

    /// Without one of their defences, to see what that is good for.
    pub(super) fn lacking(self, without: Option<Defence>) -> Self {
        Secrets { without, ..self }
    }

    pub(super) fn write(&self, purpose: Use, subject: &str, generation: u64, seconds: i64) -> String {
        let now = times::now();
        let claims = json!({
            "iss": ISSUER, "aud": purpose.name(), "sub": subject, "gen": generation, "iat": now, "exp": now.saturating_add(seconds),
        });
        jws::write(&self.tokens, &claims)
    }

    /// Whether the token says that it is ours; nothing is checked yet.
    pub(super) fn is_own(token: &Token<'_>) -> bool {
        token.claimed_issuer() == Some(ISSUER)
    }

    /// Subject and generation of a token of ours that holds.
    pub(super) fn read(&self, token: Token<'_>, purpose: Use) -> Option<(String, u64)> {
        let claims = match self.without {
            Some(Defence::Signature) => token.unchecked(),
            _ => token.checked(&jws::Key::Shared(self.tokens.clone()), &[Algorithm::Hs256])?,
        };
        let text = |name: &str| claims.get(name).and_then(Json::as_str);
        // what it is for is no claim of its writer alone: a token of one use has no place in another
        let held = || text("iss") == Some(ISSUER) && times::holds(&claims, times::now(), 0.0);
        let fine = text("aud") == Some(purpose.name()) && (self.without == Some(Defence::Claims) || held());
        if !fine {
            return None;
        }
        Some((text("sub")?.to_owned(), claims.get("gen")?.as_u64()?))
    }

    /// A refresh token says which session it is of and how often that was renewed before it.
    pub(super) fn refresh(&self, session: &str, count: u64) -> String {
        let body = format!("{session}.{count}");
        let tag = hmac::sign(&self.refresh, body.as_bytes());
        format!("{body}.{}", URL_SAFE_NO_PAD.encode(tag))
    }

    pub(super) fn read_refresh<'t>(&self, text: &'t str) -> Option<(&'t str, u64)> {
        let (body, tag) = text.rsplit_once('.')?;
        hmac::verify(&self.refresh, body.as_bytes(), &URL_SAFE_NO_PAD.decode(tag).ok()?).ok()?;
        let (session, count) = body.split_once('.')?;
        Some((session, count.parse().ok()?))
    }

    /// What a form of whoever holds this cookie must bring along.
    pub(super) fn form(&self, cookie: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.forms, cookie.as_bytes()))
    }
}

/// The claims of a token at a path such as `realm_access.roles`; a claim of exactly that name goes before.
pub(super) fn claim<'c>(claims: &'c Map<String, Json>, path: &str) -> Option<&'c Json> {
    if let Some(found) = claims.get(path) {
        return Some(found);
    }
    let (first, rest) = path.split_once('.')?;
    claim(claims.get(first)?.as_object()?, rest)
}
