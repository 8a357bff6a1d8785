//! Tokens that another service signs: held to its issuer, to us as audience, to the algorithms of the settings and to its keys, which
//! stand in the settings or are fetched from where the service tells them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use serde_json::{Map, Value as Json};

use super::jws::{Algorithm, Key, Token};
use super::{times, token};
use crate::config::{Defence, IdentityConfig, Secret};

/// Keys are fetched again after so long, or where one is missing, but never sooner than [`PAUSE`] after the last time.
const FRESH: Duration = Duration::from_secs(600);
const PAUSE: Duration = Duration::from_secs(10);
/// Keys that cannot be fetched again hold no longer.
const STALE: Duration = Duration::from_secs(3_600);
const PATIENCE: Duration = Duration::from_secs(5);
const LARGEST: usize = 256 * 1024;
const MOST_KEYS: usize = 100;
const LONGEST_SUBJECT: usize = 256;
const ADMIN: &str = "admin";

pub(super) struct Outside {
    settings: IdentityConfig,
    algorithms: Vec<Algorithm>,
    keys: Keys,
    /// What a test has left out.
    without: Option<Defence>,
}

enum Keys {
    One(Box<Key>),
    Set(Set),
}

/// Whom a token speaks of.
pub(super) struct Found {
    pub(super) subject: String,
    pub(super) role: String,
    pub(super) claims: Map<String, Json>,
    /// For so long it holds.
    pub(super) left: Duration,
}

impl Outside {
    pub(super) async fn open(settings: &IdentityConfig) -> anyhow::Result<Self> {
        let keys = match (&settings.secret, &settings.public_key, &settings.jwks) {
            (Some(Secret(secret)), _, _) => Keys::One(Box::new(Key::Shared(secret.as_bytes().to_vec()))),
            (_, Some(path), _) => {
                let text = tokio::fs::read_to_string(path).await.with_context(|| format!("{} cannot be read", path.display()))?;
                let key = Key::of_pem(&text);
                Keys::One(Box::new(key.with_context(|| format!("{} holds no public key that is known here", path.display()))?))
            }
            (_, _, Some(url)) => Keys::Set(Set::new(url)?),
            _ => anyhow::bail!("identity has no key"),
        };
        let algorithms = settings.algorithms.iter().filter_map(|name| Algorithm::parse(name)).collect();
        Ok(Outside { settings: settings.clone(), algorithms, keys, without: None })
    }

    /// Without one of its defences, to see what that is good for.
    pub(super) fn lacking(self, without: Option<Defence>) -> Self {
        Outside { without, ..self }
    }

    /// `None`: it is not believed; why is in the log.
    pub(super) async fn check(&self, token: Token<'_>) -> Option<Found> {
        // before any key is fetched for it
        let held = self.without != Some(Defence::Claims);
        if !self.algorithms.contains(&token.algorithm) || held && token.claimed_issuer() != Some(&self.settings.issuer) {
            return None;
        }
        let claims = match &self.keys {
            _ if self.without == Some(Defence::Signature) => token.unchecked(),
            Keys::One(key) => token.checked(key, &self.algorithms)?,
            Keys::Set(set) => {
                let key = set.key(token.kid.as_deref(), token.algorithm).await?;
                token.checked(&key, &self.algorithms)?
            }
        };
        read(&self.settings, &claims, times::now(), held)
    }
}

/// What claims that are signed say to us.
fn read(settings: &IdentityConfig, claims: &Map<String, Json>, now: i64, held: bool) -> Option<Found> {
    let text = |name: &str| claims.get(name).and_then(Json::as_str);
    if held && (text("iss") != Some(&settings.issuer) || !times::holds(claims, now, times::LEEWAY)) {
        return None;
    }
    let is_us = |name: &Json| name.as_str().is_some_and(|name| settings.audience.iter().any(|own| own == name));
    let for_us = match claims.get("aud") {
        Some(Json::Array(names)) => names.iter().any(is_us),
        Some(name) => is_us(name),
        None => false,
    };
    let subject = text("sub").filter(|subject| !subject.is_empty() && subject.len() <= LONGEST_SUBJECT)?;
    if held && !for_us {
        return None;
    }
    let mut own = Map::new();
    for (name, path) in &settings.claims {
        if let Some(value) = token::claim(claims, path) {
            own.insert(name.clone(), value.clone());
        }
    }
    own.insert("sub".into(), subject.into());
    let left = claims.get("exp").and_then(Json::as_f64)? - now as f64 + times::LEEWAY;
    Some(Found {
        subject: subject.to_owned(),
        role: role(settings, claims)?,
        claims: own,
        left: Duration::try_from_secs_f64(left.clamp(0.0, 1e9)).ok()?,
    })
}

fn role(settings: &IdentityConfig, claims: &Map<String, Json>) -> Option<String> {
    let told = settings.role_claim.as_ref().and_then(|path| token::claim(claims, path));
    let mapped = |value: &Json| {
        let value = value.as_str()?;
        match settings.roles.get(value) {
            Some(role) => Some(role.clone()),
            // who may do everything is said by our settings, not by a name that another service happens to use
            None if settings.roles.is_empty() && value != ADMIN => Some(value.to_owned()),
            None => None,
        }
    };
    let told = match told {
        Some(Json::Array(values)) => values.iter().find_map(mapped),
        Some(value) => mapped(value),
        None => None,
    };
    told.or_else(|| settings.role.clone())
}

/// The keys that a service tells at an address.
struct Set {
    http: reqwest::Client,
    url: String,
    /// One fetches, the others wait for what it gets.
    turn: tokio::sync::Mutex<()>,
    kept: Mutex<Kept>,
}

#[derive(Clone, Default)]
struct Kept {
    keys: Arc<Vec<Told>>,
    /// When they were got.
    at: Option<Instant>,
    /// When they were asked for.
    tried: Option<Instant>,
}

/// A key with what is told about it.
struct Told {
    kid: Option<String>,
    /// The one algorithm that it is for.
    alg: Option<Algorithm>,
    key: Key,
}

impl Told {
    /// `None`: it is for something that is not done here.
    fn read(jwk: &Json) -> Option<Self> {
        let alg = match jwk.get("alg") {
            None => None,
            Some(name) => Some(Algorithm::parse(name.as_str()?)?),
        };
        Some(Told { kid: jwk.get("kid").and_then(Json::as_str).map(str::to_owned), alg, key: Key::of_jwk(jwk)? })
    }

    fn fits(&self, algorithm: Algorithm) -> bool {
        self.alg.is_none_or(|own| own == algorithm) && self.key.takes(algorithm)
    }
}

impl Set {
    fn new(url: &str) -> anyhow::Result<Self> {
        let http = reqwest::Client::builder().timeout(PATIENCE).redirect(reqwest::redirect::Policy::none()).build()?;
        Ok(Set { http, url: url.to_owned(), turn: tokio::sync::Mutex::default(), kept: Mutex::default() })
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A key for this algorithm by its name; without a name only where there is one key. Keys of several kinds may share a name.
    async fn key(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<Key> {
        let find = |kept: &Kept| match (kid, kept.keys.as_slice()) {
            (None, [one]) => Some(one).filter(|told| told.fits(algorithm)).map(|told| told.key.clone()),
            (None, _) => None,
            (Some(kid), all) => {
                let mut named = all.iter().filter(|told| told.kid.as_deref() == Some(kid));
                named.find(|told| told.fits(algorithm)).map(|told| told.key.clone())
            }
        };
        let due = |kept: &Kept, found: bool| {
            let fresh = kept.at.is_some_and(|at| at.elapsed() < FRESH);
            (!fresh || !found) && kept.tried.is_none_or(|at| at.elapsed() > PAUSE)
        };
        let mut kept = self.kept().clone();
        if due(&kept, find(&kept).is_some()) {
            let _turn = self.turn.lock().await;
            kept = self.kept().clone();
            if due(&kept, find(&kept).is_some()) {
                self.kept().tried = Some(Instant::now());
                match self.fetch().await {
                    Ok(keys) => (self.kept().keys, self.kept().at) = (Arc::new(keys), Some(Instant::now())),
                    Err(fault) => tracing::warn!(cause = %fault.without_url(), "the keys of identity.jwks cannot be fetched"),
                }
                kept = self.kept().clone();
            }
        }
        kept.at.filter(|at| at.elapsed() < STALE)?;
        find(&kept)
    }

    async fn fetch(&self) -> reqwest::Result<Vec<Told>> {
        let mut answer = self.http.get(&self.url).send().await?.error_for_status()?;
        let mut body = Vec::new();
        while let Some(part) = answer.chunk().await? {
            body.extend_from_slice(&part);
            if body.len() > LARGEST {
                body.clear();
                break;
            }
        }
        let set: Json = serde_json::from_slice(&body).unwrap_or_default();
        let keys = set.get("keys").and_then(Json::as_array).into_iter().flatten().take(MOST_KEYS);
        Ok(keys.filter_map(Told::read).collect())
    }
}
