//! Who may sign in, and how: accounts of hooke's own, mail, and tokens that another service signs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::Secret;

#[derive(Clone, Debug)]
pub struct AccountsConfig {
    /// Whoever is not signed in has the role `anybody`, and without such a role sees nothing.
    pub enabled: bool,
    /// Strangers may make accounts for themselves.
    pub register: bool,
    /// Of whoever registers.
    pub role: String,
    /// How long an access token holds.
    pub token: Duration,
    /// Days for which one stays signed in.
    pub days: u32,
    /// From one address within ten minutes.
    pub attempts: u32,
    pub mail: MailConfig,
    pub identity: Option<IdentityConfig>,
}

impl Default for AccountsConfig {
    fn default() -> Self {
        AccountsConfig {
            enabled: false,
            register: true,
            role: "member".into(),
            token: Duration::from_secs(300),
            days: 30,
            attempts: 30,
            mail: MailConfig::default(),
            identity: None,
        }
    }
}

#[derive(Clone, Debug)]
pub struct MailConfig {
    /// `smtps://user:password@host`; absent: mails are files in a folder.
    pub smtp: Option<Secret>,
    pub from: String,
    /// Absent: `outbox` in the data folder.
    pub outbox: Option<PathBuf>,
}

impl Default for MailConfig {
    fn default() -> Self {
        MailConfig { smtp: None, from: "hooke <hooke@localhost>".into(), outbox: None }
    }
}

/// Tokens (JWT) that another service signs.
#[derive(Clone, Debug, Default)]
pub struct IdentityConfig {
    pub issuer: String,
    /// One of them must be named by a token.
    pub audience: Vec<String>,
    pub algorithms: Vec<String>,
    pub secret: Option<Secret>,
    /// A PEM file.
    pub public_key: Option<PathBuf>,
    pub jwks: Option<String>,
    /// The claim that tells the role, by its path: `realm_access.roles`.
    pub role_claim: Option<String>,
    /// What that claim says -> role.
    pub roles: BTreeMap<String, String>,
    /// Where no claim tells one.
    pub role: Option<String>,
    /// Name for row rules -> path of a claim.
    pub claims: BTreeMap<String, String>,
}

const SHARED: [&str; 3] = ["HS256", "HS384", "HS512"];
const PUBLIC: [&str; 9] = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA"];

/// An address at which people reach us, without a path.
pub(super) fn public_url(text: &str) -> Result<String, String> {
    let url = text.trim_end_matches('/');
    let authority = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://")).unwrap_or_default();
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '[' | ']');
    if authority.is_empty() || !authority.chars().all(plain) {
        return Err("write it as https://search.example.org".into());
    }
    Ok(url.to_owned())
}

impl IdentityConfig {
    pub(super) fn check(&self, faults: &mut Vec<String>) {
        for (name, missing) in [
            ("issuer", self.issuer.is_empty()),
            ("audience", self.audience.is_empty()),
            ("algorithms", self.algorithms.is_empty()),
        ] {
            if missing {
                faults.push(format!("identity.{name} is missing: tokens of another service are held to it"));
            }
        }
        let given = [self.secret.is_some(), self.public_key.is_some(), self.jwks.is_some()];
        if given.iter().filter(|given| **given).count() != 1 {
            faults.push("give one of identity.secret, identity.public_key and identity.jwks".into());
        }
        // an algorithm of the other kind would let a public key pass for a secret
        let fitting: &[&str] = if self.secret.is_some() { &SHARED } else { &PUBLIC };
        for algorithm in self.algorithms.iter().filter(|algorithm| !fitting.contains(&algorithm.as_str())) {
            faults.push(format!("identity.algorithms: {algorithm:?} is none of {} that this key can be for", fitting.join(", ")));
        }
        if let Some(Secret(secret)) = &self.secret
            && secret.len() < 32
        {
            faults.push("identity.secret must have 32 characters or more".into());
        }
        if let Some(url) = &self.jwks {
            let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"].iter().any(|here| url.starts_with(here));
            if !(url.starts_with("https://") || local) {
                faults.push("identity.jwks must begin with https://: who answers in its place could sign for everybody".into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_address_has_a_host_and_nothing_more() {
        assert_eq!(public_url("https://a.example/").unwrap(), "https://a.example");
        assert_eq!(public_url("http://[::1]:4000").unwrap(), "http://[::1]:4000");
        for wrong in ["", "a.example", "ftp://a", "https://", "https://a/b", "https://u@a", "https://a b"] {
            assert!(public_url(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_identity_is_held_to_one_key_and_algorithms_of_its_kind() {
        let faults = |change: fn(&mut IdentityConfig)| {
            let mut identity = IdentityConfig {
                issuer: "i".into(),
                audience: vec!["a".into()],
                algorithms: vec!["RS256".into()],
                public_key: Some("k.pem".into()),
                ..IdentityConfig::default()
            };
            change(&mut identity);
            let mut faults = Vec::new();
            identity.check(&mut faults);
            faults.len()
        };
        assert_eq!(faults(|_| {}), 0);
        assert_eq!(faults(|i| i.algorithms.push("HS256".into())), 1);
        assert_eq!(faults(|i| i.algorithms.push("none".into())), 1);
        assert_eq!(faults(|i| i.jwks = Some("https://a/keys".into())), 1);
        assert_eq!(faults(|i| (i.public_key, i.jwks) = (None, Some("http://a/keys".into()))), 1);
        assert_eq!(faults(|i| (i.issuer, i.audience) = (String::new(), Vec::new())), 2);
    }
}
