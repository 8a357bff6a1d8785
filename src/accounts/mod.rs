//! Accounts: people who sign in, keys for programs, and tokens that another service signs. All of them become a viewer with a role;
//! what a role may see is for [`crate::access`]. How requests carry what they sign in with is for the server, REST and the pages.

mod desk;
mod fault;
mod jws;
mod keys;
mod mail;
mod outside;
mod password;
mod records;
mod standing;
mod throttle;
mod times;
mod token;
mod users;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::Map;

use crate::access::{Role, Roles, Viewer, Who};
use crate::config::{AccountsConfig, Config, Defence};
use crate::search::{Call, Engine};
use crate::telemetry::audit::{About, Outcome, note};

pub use fault::Fault;
pub use keys::{KeyView, NewKey};
pub use standing::Leave;
pub use users::{NewUser, Session, User, UserChange};

use desk::Desk;
use keys::Keys;
use outside::Outside;
use password::Passwords;
use records::Records;
use standing::Standings;
use throttle::{Attempt, Throttle};
use token::{Secrets, Use};

/// Accounts of one running hooke.
pub struct Accounts {
    settings: AccountsConfig,
    /// Absent: links in mails lead to where the server listens.
    public_url: Option<String>,
    roles: Roles,
    records: Arc<Records>,
    standings: Standings,
    passwords: Arc<Passwords>,
    throttle: Throttle,
    secrets: Secrets,
    outside: Option<Outside>,
    keys: Keys,
    desk: Desk,
    /// What a test has left out.
    without: Option<Defence>,
}

/// What somebody signs in with.
#[derive(Clone, Copy)]
pub enum Credential<'c> {
    /// Of the header Authorization.
    Bearer(&'c str),
    /// Of the cookie of a browser.
    Cookie(&'c str),
}

/// Somebody who was let in.
#[derive(Clone, Debug)]
pub struct Admitted {
    pub viewer: Arc<Viewer>,
    pub leave: Leave,
}

/// Seconds for which the token of a command holds.
const COMMAND_TIME: i64 = 86_400;

impl Accounts {
    /// `None`: nobody has to sign in.
    pub async fn open(config: &Config, state: Arc<dyn Engine>, roles: Roles, secret: &[u8]) -> anyhow::Result<Option<Arc<Self>>> {
        if !config.has_accounts() {
            return Ok(None);
        }
        let records = Arc::new(Records::new(state, &config.state)?);
        let passwords = Arc::new(Passwords::open().await?);
        let outside = match &config.accounts.identity {
            Some(identity) => Some(Outside::open(identity).await?.lacking(config.limits.without)),
            None => None,
        };
        if config.accounts.enabled && config.accounts.register && roles.get(&config.accounts.role).is_none() {
            tracing::warn!(role = config.accounts.role, "accounts.role is no role of [roles]: whoever registers sees nothing");
        }
        let desk = Desk::open(records.clone(), passwords.clone(), mail::Post::open(config)?);
        Ok(Some(Arc::new(Accounts {
            settings: config.accounts.clone(),
            public_url: config.public_url.clone(),
            roles,
            standings: Standings::open(records.clone()),
            throttle: Throttle::new(config.accounts.attempts),
            secrets: Secrets::new(secret).lacking(config.limits.without),
            keys: Keys::default(),
            records,
            passwords,
            outside,
            desk,
            without: config.limits.without,
        })))
    }

    /// People may sign in with a password.
    pub fn has_users(&self) -> bool {
        self.settings.enabled
    }

    pub fn may_register(&self) -> bool {
        self.settings.enabled && self.settings.register
    }

    /// For as long as one stays signed in.
    pub fn stay(&self) -> Duration {
        Duration::from_secs(u64::from(self.settings.days) * 86_400)
    }

    /// Cookies go over https only.
    pub fn is_https(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// Whoever did not say who they are.
    pub fn stranger(&self) -> Arc<Viewer> {
        Viewer::anybody(self.roles.anybody())
    }

    /// Under which a browser keeps who has signed in. With this prefix it is sent to this very host by https only.
    pub fn cookie(&self) -> &'static str {
        if self.is_https() { "__Host-hooke" } else { "hooke" }
    }

    /// Of the text of a header `Cookie`.
    pub fn cookie_in<'h>(&self, header: &'h str) -> Option<&'h str> {
        let pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.filter(|(name, value)| *name == self.cookie() && !value.is_empty()).map(|(_, value)| value).next()
    }

    fn role(&self, name: &str) -> Arc<Role> {
        // a role that was taken out of the settings lets nobody see anything
        self.roles.get(name).unwrap_or_else(Role::nothing)
    }

    /// Who that is, if it holds at this moment.
    pub async fn admit(&self, call: &Call, credential: Credential<'_>) -> Result<Admitted, Fault> {
        let admitted = self.look_at(call, credential).await;
        if let Err(Fault::Unauthenticated) = &admitted {
            let by = match credential {
                Credential::Cookie(_) => "cookie",
                Credential::Bearer(text) if text.starts_with(keys::START) => "key",
                Credential::Bearer(_) => "token",
            };
            // a key is known by its first part, which is no secret
            let subject = match credential {
                Credential::Bearer(text) => keys::id_in(text),
                Credential::Cookie(_) => None,
            };
            note("credential", Outcome::Refused, About { subject, reason: Some(by), ..About::default() });
        }
        admitted
    }

    async fn look_at(&self, call: &Call, credential: Credential<'_>) -> Result<Admitted, Fault> {
        match credential {
            Credential::Cookie(text) => {
                let token = jws::Token::read(text).ok_or(Fault::Unauthenticated)?;
                let (id, generation) = self.secrets.read(token, Use::Page).ok_or(Fault::Unauthenticated)?;
                self.user(call, &id, generation).await
            }
            Credential::Bearer(text) if text.starts_with(keys::START) => self.admit_key(call, text).await,
            Credential::Bearer(text) => {
                let token = jws::Token::read(text).ok_or(Fault::Unauthenticated)?;
                if Secrets::is_own(&token) { self.admit_own(call, text).await } else { self.admit_outside(token).await }
            }
        }
    }

    async fn admit_own(&self, call: &Call, text: &str) -> Result<Admitted, Fault> {
        let read = |purpose| jws::Token::read(text).and_then(|token| self.secrets.read(token, purpose));
        if let Some((id, generation)) = read(Use::Access) {
            return self.user(call, &id, generation).await;
        }
        read(Use::Command).ok_or(Fault::Unauthenticated)?;
        Ok(Admitted { viewer: Viewer::new(Who::command(), Role::admin(), Map::new()), leave: Leave::default() })
    }

    async fn user(&self, call: &Call, id: &str, generation: u64) -> Result<Admitted, Fault> {
        let (user, leave) = self.standing_user(call, id).await?;
        let user = user.filter(|user| user.generation == generation && !user.disabled && self.settings.enabled);
        let user = user.ok_or(Fault::Unauthenticated)?;
        let viewer = Viewer::new(Who::User { id: id.into() }, self.role(&user.role), user.claims());
        Ok(Admitted { viewer, leave })
    }

    async fn standing_user(&self, call: &Call, id: &str) -> Result<(Option<users::Record>, Leave), Fault> {
        let (body, leave) = self.standings.look(call, &users::place(id)).await?;
        Ok((body.map(|body| records::read(&body)).transpose()?, leave))
    }

    async fn admit_outside(&self, token: jws::Token<'_>) -> Result<Admitted, Fault> {
        let outside = self.outside.as_ref().ok_or(Fault::Unauthenticated)?;
        let found = outside.check(token).await.ok_or(Fault::Unauthenticated)?;
        let role = self.roles.get(&found.role).ok_or(Fault::Unauthenticated)?;
        let viewer = Viewer::new(Who::Outside { subject: found.subject.into() }, role, found.claims);
        Ok(Admitted { viewer, leave: Leave::after(found.left) })
    }

    fn attempt(&self, what: &'static str, address: IpAddr, account: &str) -> Result<Attempt, Fault> {
        let attempt = Attempt::new(what, address, account);
        match self.throttle.begin(attempt, Instant::now()) {
            Ok(()) => Ok(attempt),
            Err(wait) => {
                note(what, Outcome::Refused, About::reason("throttled"));
                Err(Fault::Throttled(wait))
            }
        }
    }

    /// What a form of whoever holds this cookie must bring along.
    pub fn form_token(&self, cookie: &str) -> String {
        self.secrets.form(cookie)
    }

    pub fn is_form_token(&self, cookie: &str, given: &str) -> bool {
        token::same(&self.secrets.form(cookie), given)
    }
}

/// For a command that can read the secret of the data folder: whoever can read that may do everything.
pub fn command_token(secret: &[u8]) -> String {
    Secrets::new(secret).write(Use::Command, Who::COMMAND, 0, COMMAND_TIME)
}

#[cfg(test)]
mod tests;
