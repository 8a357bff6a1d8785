//! Users: made by an administrator or by registering, signed in by a password, with sessions that all end together.
//!
//! A user is one document, found by its id; a second document for its mail address leads to it and is written only if there is none.
//! Each user has a generation: tokens name it, and one more of it ends them all.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::records::Place;
use super::token::{self, Use};
use super::{Accounts, Fault, desk, mail, password, times};
use crate::config::Defence;
use crate::search::{Call, Error, Precondition, Refresh};
use crate::telemetry::audit::{self, About, Outcome, note};

/// What is kept of a user.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) email: String,
    pub(super) name: Option<String>,
    pub(super) role: String,
    /// Of argon2id, with its salt.
    pub(super) password: String,
    /// Tokens of an earlier one do not hold any more.
    pub(super) generation: u64,
    pub(super) disabled: bool,
    /// Seconds.
    pub(super) created: i64,
    /// For row rules, beside `sub` and `email`.
    pub(super) claims: Map<String, Json>,
}

/// Under the hash of a mail address: whose it is.
#[derive(Serialize, Deserialize)]
pub(super) struct Owner {
    pub(super) user: String,
}

/// One sign-in by token: how often it was renewed.
#[derive(Serialize, Deserialize)]
struct Renewals {
    user: String,
    generation: u64,
    count: u64,
}

/// A user as administrators and they themselves see it.
#[derive(Clone, Debug)]
pub struct User {
    pub id: String,
    pub email: String,
    pub name: Option<String>,
    pub role: String,
    pub disabled: bool,
    /// RFC 3339.
    pub created: String,
    pub claims: Map<String, Json>,
}

pub struct NewUser {
    pub email: String,
    pub password: String,
    pub name: Option<String>,
    pub role: String,
    pub claims: Map<String, Json>,
}

/// What an administrator changes; what is absent stays.
#[derive(Default)]
pub struct UserChange {
    pub role: Option<String>,
    pub disabled: Option<bool>,
    pub claims: Option<Map<String, Json>>,
    pub password: Option<String>,
}

/// What one has who signed in by token.
pub struct Session {
    pub token: String,
    pub refresh_token: String,
    pub expires_in: Duration,
}

pub(super) fn place(id: &str) -> String {
    format!("user-{id}")
}

pub(super) fn owner_place(email: &str) -> String {
    format!("mail-{}", token::hash(email))
}

fn session_place(id: &str) -> String {
    format!("session-{id}")
}

/// An earlier state that was changed meanwhile is tried again so often.
const TRIES: usize = 10;
const LONGEST_NAME: usize = 200;

/// Seconds as RFC 3339.
pub(super) fn written(seconds: i64) -> String {
    jiff::Timestamp::from_second(seconds).map(|at| at.to_string()).unwrap_or_default()
}

impl Record {
    pub(super) fn claims(&self) -> Map<String, Json> {
        let mut claims = self.claims.clone();
        claims.insert("sub".into(), self.id.clone().into());
        claims.insert("email".into(), self.email.clone().into());
        claims
    }
}

impl From<Record> for User {
    fn from(record: Record) -> Self {
        let Record { id, email, name, role, disabled, created, claims, .. } = record;
        User { id, email, name, role, disabled, created: written(created), claims }
    }
}

fn check_name(name: Option<String>) -> Result<Option<String>, Fault> {
    let name = name.map(|name| name.trim().to_owned()).filter(|name| !name.is_empty());
    match &name {
        Some(name) if name.len() > LONGEST_NAME || name.chars().any(char::is_control) => {
            Err(Fault::invalid(format!("a name has up to {LONGEST_NAME} bytes on one line"), "name"))
        }
        _ => Ok(name),
    }
}

fn address(email: &str) -> Result<String, Fault> {
    mail::address(email).ok_or_else(|| Fault::invalid("that is no mail address", "email"))
}

impl Accounts {
    /// An account that is there at once; for administrators.
    pub async fn add_user(&self, call: &Call, new: NewUser) -> Result<User, Fault> {
        let email = address(&new.email)?;
        password::check(&new.password)?;
        if self.roles.get(&new.role).is_none() {
            return Err(Fault::invalid(format!("there is no role {:?} in the settings", new.role), "role"));
        }
        let record = Record {
            id: token::hex(&token::random::<16>()?),
            email,
            name: check_name(new.name)?,
            role: new.role,
            password: self.passwords.hash(new.password).await?,
            generation: 0,
            disabled: false,
            created: times::now(),
            claims: new.claims,
        };
        self.write_new(call, &record).await?;
        note("user.add", Outcome::Done, About { role: Some(&record.role), ..About::of(&record.id) });
        Ok(record.into())
    }

    /// The user first and its address after it: a user whom no address leads to is nobody.
    async fn write_new(&self, call: &Call, record: &Record) -> Result<(), Fault> {
        let taken = || Fault::Conflict("there is an account of this address");
        if self.records.get::<Owner>(call, &owner_place(&record.email)).await?.is_some() {
            return Err(taken());
        }
        let id = place(&record.id);
        let own = Place { id: &id, kind: "user", owner: None, expires: None };
        let version = self.records.put(call, own, record, Precondition::Absent, Refresh::Now).await?;
        let owner = Owner { user: record.id.clone() };
        let at = owner_place(&record.email);
        let by_mail = Place { id: &at, kind: "mail", owner: None, expires: None };
        match self.records.put(call, by_mail, &owner, Precondition::Absent, Refresh::None).await {
            Ok(_) => Ok(()),
            Err(Error::Conflict(_)) => {
                self.records.take(call, &id, version, Refresh::Now).await?;
                Err(taken())
            }
            Err(fault) => Err(fault.into()),
        }
    }

    pub async fn list_users(&self, call: &Call) -> Result<Vec<User>, Fault> {
        let mut users: Vec<Record> = self.records.list(call, "user", None).await?;
        users.sort_by(|a, b| (a.created, &a.email).cmp(&(b.created, &b.email)));
        Ok(users.into_iter().map(User::from).collect())
    }

    /// By id or by mail address.
    pub async fn find_user(&self, call: &Call, name: &str) -> Result<User, Fault> {
        let none = Fault::NotFound("there is no such user");
        let id = match mail::address(name) {
            Some(email) => self.records.get::<Owner>(call, &owner_place(&email)).await?.map(|(_, owner)| owner.user),
            None => name.bytes().all(|b| b.is_ascii_hexdigit()).then(|| name.to_owned()),
        };
        let Some(id) = id else { return Err(none) };
        let found = self.records.get::<Record>(call, &place(&id)).await?;
        found.map(|(_, record)| record.into()).ok_or(none)
    }

    /// Changes a user as often as others change it meanwhile; all processes know within a second, this one at once.
    /// Gives back what it was and what it is.
    async fn alter(&self, call: &Call, id: &str, change: impl Fn(&mut Record)) -> Result<(Record, Record), Fault> {
        let at = place(id);
        for _ in 0..TRIES {
            let found = self.records.get::<Record>(call, &at).await?;
            let (version, before) = found.ok_or(Fault::NotFound("there is no such user"))?;
            let mut record = before.clone();
            change(&mut record);
            let own = Place { id: &at, kind: "user", owner: None, expires: None };
            match self.records.put(call, own, &record, Precondition::Version(version), Refresh::None).await {
                Ok(_) => {
                    self.standings.renew(call, &at).await?;
                    return Ok((before, record));
                }
                Err(Error::Conflict(_)) => {}
                Err(fault) => return Err(fault.into()),
            }
        }
        Err(Fault::Busy)
    }

    pub async fn change_user(&self, call: &Call, id: &str, change: UserChange) -> Result<User, Fault> {
        if let Some(role) = &change.role
            && self.roles.get(role).is_none()
        {
            return Err(Fault::invalid(format!("there is no role {role:?} in the settings"), "role"));
        }
        let password = match change.password {
            Some(password) => {
                password::check(&password)?;
                Some(self.passwords.hash(password).await?)
            }
            None => None,
        };
        let (before, record) = self
            .alter(call, id, |record| {
                if let Some(role) = &change.role {
                    record.role.clone_from(role);
                }
                if let Some(disabled) = change.disabled {
                    record.disabled = disabled;
                }
                if let Some(claims) = &change.claims {
                    record.claims.clone_from(claims);
                }
                if let Some(password) = &password {
                    record.password.clone_from(password);
                }
                // what one was let in by does not hold any more
                if password.is_some() || change.disabled == Some(true) {
                    record.generation += 1;
                }
            })
            .await?;
        let about = About { role: Some(&record.role), was: Some(&before.role), ..About::of(id) };
        let outcome = Outcome::Done;
        note("user.change", outcome, about);
        match (before.disabled, record.disabled) {
            (false, true) => note("user.disable", outcome, About::of(id)),
            (true, false) => note("user.enable", outcome, About::of(id)),
            _ => {}
        }
        if password.is_some() {
            note("password.change", outcome, About::of(id));
        }
        Ok(record.into())
    }

    /// With its keys.
    pub async fn remove_user(&self, call: &Call, id: &str) -> Result<(), Fault> {
        let at = place(id);
        let found = self.records.get::<Record>(call, &at).await?;
        let (version, record) = found.ok_or(Fault::NotFound("there is no such user"))?;
        if !self.records.take(call, &at, version, Refresh::Now).await? {
            return Err(Fault::Conflict("the user was changed meanwhile: try again"));
        }
        self.standings.renew(call, &at).await?;
        let owner = owner_place(&record.email);
        if let Some((version, found)) = self.records.get::<Owner>(call, &owner).await?
            && found.user == id
        {
            self.records.take(call, &owner, version, Refresh::None).await?;
        }
        self.remove_keys_of(call, id).await?;
        note("user.remove", Outcome::Done, About::of(id));
        Ok(())
    }

    /// Who that is, by address and password. The same answer after the same work, whatever is wrong.
    async fn verify(&self, call: &Call, email: &str, password: String, address: IpAddr) -> Result<Record, Fault> {
        if !self.has_users() {
            return Err(Fault::NotFound("nobody signs in here by a password (accounts.enabled)"));
        }
        let email = mail::address(email).unwrap_or_default();
        let attempt = self.attempt("sign-in", address, &email)?;
        let owner = self.records.get::<Owner>(call, &owner_place(&email)).await?;
        let id = owner.map_or_else(|| "nobody".to_owned(), |(_, owner)| owner.user);
        let found = self.records.get::<Record>(call, &place(&id)).await?.map(|(_, record)| record);
        let fits = self.passwords.fits(password, found.as_ref().map(|record| record.password.as_str())).await?;
        match found {
            Some(record) if fits && !record.disabled => {
                self.throttle.succeed(attempt, Instant::now());
                Ok(record)
            }
            // the log may know more than whoever asked
            found => {
                let reason = match &found {
                    None => "no account",
                    Some(record) if record.disabled => "disabled",
                    Some(_) => "password",
                };
                let subject = found.as_ref().map(|record| &*record.id);
                note("sign-in", Outcome::Refused, About { subject, reason: Some(reason), ..About::default() });
                Err(Fault::WrongPassword)
            }
        }
    }

    /// An access token that holds for minutes, and one to renew it.
    pub async fn sign_in(&self, call: &Call, email: &str, password: String, address: IpAddr) -> Result<(User, Session), Fault> {
        let record = self.verify(call, email, password, address).await?;
        let session = token::hex(&token::random::<16>()?);
        let renewals = Renewals { user: record.id.clone(), generation: record.generation, count: 0 };
        self.put_session(call, &session, &renewals, Precondition::Absent).await?;
        signed_in(&record, "token");
        let session = self.session(&record, &session, 0);
        Ok((record.into(), session))
    }

    /// What the cookie of a browser holds.
    pub async fn sign_in_page(&self, call: &Call, email: &str, password: String, address: IpAddr) -> Result<String, Fault> {
        let record = self.verify(call, email, password, address).await?;
        signed_in(&record, "page");
        let seconds = i64::try_from(self.stay().as_secs()).unwrap_or(i64::MAX);
        Ok(self.secrets.write(Use::Page, &record.id, record.generation, seconds))
    }

    fn session(&self, record: &Record, session: &str, count: u64) -> Session {
        let seconds = i64::try_from(self.settings.token.as_secs()).unwrap_or(i64::MAX);
        Session {
            token: self.secrets.write(Use::Access, &record.id, record.generation, seconds),
            refresh_token: self.secrets.refresh(session, count),
            expires_in: self.settings.token,
        }
    }

    async fn put_session(&self, call: &Call, id: &str, renewals: &Renewals, precondition: Precondition) -> Result<(), Error> {
        let at = session_place(id);
        let stay = i64::try_from(self.stay().as_secs()).unwrap_or(i64::MAX);
        let expires = Some(times::now().saturating_add(stay));
        let own = Place { id: &at, kind: "session", owner: Some(&renewals.user), expires };
        self.records.put(call, own, renewals, precondition, Refresh::None).await.map(|_| ())
    }

    /// A new pair for a refresh token, which holds once. One that was used already was copied by somebody: all sessions end.
    pub async fn renew_session(&self, call: &Call, refresh_token: &str) -> Result<Session, Fault> {
        let (session, count) = self.secrets.read_refresh(refresh_token).ok_or(Fault::Unauthenticated)?;
        let found = self.records.get::<Renewals>(call, &session_place(session)).await?;
        let (version, renewals) = found.ok_or(Fault::Unauthenticated)?;
        let user = self.records.get::<Record>(call, &place(&renewals.user)).await?.map(|(_, record)| record);
        let user = user.filter(|user| user.generation == renewals.generation && !user.disabled && self.has_users());
        let user = user.ok_or(Fault::Unauthenticated)?;
        if count != renewals.count && self.without != Some(Defence::Renewal) {
            note("session.renew", Outcome::Refused, About { reason: Some("used twice"), ..About::of(&user.id) });
            self.end_sessions(call, &user.id).await?;
            return Err(Fault::Unauthenticated);
        }
        let next = Renewals { count: count.saturating_add(1), ..renewals };
        match self.put_session(call, session, &next, Precondition::Version(version)).await {
            Ok(()) => Ok(self.session(&user, session, next.count)),
            // somebody used it at this very moment
            Err(Error::Conflict(_)) => Err(Fault::Unauthenticated),
            Err(fault) => Err(fault.into()),
        }
    }

    /// Signs out everywhere.
    pub async fn end_sessions(&self, call: &Call, id: &str) -> Result<(), Fault> {
        self.alter(call, id, |record| record.generation += 1).await?;
        note("sign-out", Outcome::Done, About::of(id));
        Ok(())
    }

    /// By the user; all sessions end.
    pub async fn change_password(
        &self,
        call: &Call,
        id: &str,
        current: String,
        new: String,
        address: IpAddr,
    ) -> Result<(), Fault> {
        password::check(&new)?;
        let user = self.find_user(call, id).await?;
        let record = self.verify(call, &user.email, current, address).await?;
        let hash = self.passwords.hash(new).await?;
        self.set_password(call, &record.id, &hash).await
    }

    async fn set_password(&self, call: &Call, id: &str, hash: &str) -> Result<(), Fault> {
        self.alter(call, id, |record| {
            hash.clone_into(&mut record.password);
            record.generation += 1;
        })
        .await?;
        note("password.change", Outcome::Done, About::of(id));
        Ok(())
    }

    /// Answered at once and alike for all addresses; what comes of it comes by mail.
    pub fn register(&self, email: &str, password: String, name: Option<String>, from: IpAddr, url: &str) -> Result<(), Fault> {
        if !self.may_register() {
            return Err(Fault::Forbidden("accounts are made by an administrator here (accounts.register)"));
        }
        let email = address(email)?;
        let name = check_name(name)?;
        password::check(&password)?;
        self.attempt("register", from, &email)?;
        self.desk.register(email, password, name, self.link_base(url))
    }

    /// Makes the account that a mail was sent for.
    pub async fn activate(&self, call: &Call, token: &str) -> Result<(), Fault> {
        if !self.has_users() {
            return Err(Fault::NotFound("nobody signs in here by a password (accounts.enabled)"));
        }
        let (at, version, ticket) = self.ticket(call, token).await?;
        let desk::Ticket::Activate { email, password, name, .. } = ticket else { return Err(worn_out()) };
        if !self.records.take(call, &at, version, Refresh::None).await? {
            return Err(worn_out());
        }
        let record = Record {
            id: token::hex(&token::random::<16>()?),
            email,
            name,
            role: self.settings.role.clone(),
            password,
            generation: 0,
            disabled: false,
            created: times::now(),
            claims: Map::new(),
        };
        match self.write_new(call, &record).await {
            Ok(()) => {
                note("register", Outcome::Done, About { role: Some(&record.role), ..About::of(&record.id) });
                Ok(())
            }
            // two mails were sent, and the other one came first
            Err(Fault::Conflict(_)) => Err(worn_out()),
            Err(fault) => Err(fault),
        }
    }

    /// A mail for whoever has forgotten the password. Answered at once and alike for all addresses.
    pub fn forget_password(&self, email: &str, from: IpAddr, url: &str) -> Result<(), Fault> {
        if !self.has_users() {
            return Err(Fault::NotFound("nobody signs in here by a password (accounts.enabled)"));
        }
        let email = address(email)?;
        self.attempt("reset", from, &email)?;
        self.desk.forgotten(email, self.link_base(url))
    }

    /// A new password by the link of such a mail; all sessions end.
    pub async fn reset_password(&self, call: &Call, token: &str, new: String) -> Result<(), Fault> {
        password::check(&new)?;
        let (at, version, ticket) = self.ticket(call, token).await?;
        let desk::Ticket::Reset { user, generation, .. } = ticket else { return Err(worn_out()) };
        let hash = self.passwords.hash(new).await?;
        let found = self.records.get::<Record>(call, &place(&user)).await?;
        if !found.is_some_and(|(_, record)| record.generation == generation && !record.disabled) {
            return Err(worn_out());
        }
        if !self.records.take(call, &at, version, Refresh::None).await? {
            return Err(worn_out());
        }
        self.set_password(call, &user, &hash).await
    }

    async fn ticket(&self, call: &Call, token: &str) -> Result<(String, crate::search::Version, desk::Ticket), Fault> {
        let at = desk::place(token);
        let found = self.records.get::<desk::Ticket>(call, &at).await?;
        let (version, ticket) = found.filter(|(_, ticket)| ticket.holds(times::now())).ok_or_else(worn_out)?;
        Ok((at, version, ticket))
    }

    fn link_base(&self, url: &str) -> Arc<str> {
        self.public_url.as_deref().unwrap_or(url).into()
    }
}

fn signed_in(record: &Record, way: &str) {
    audit::name_actor(format!("user {}", record.id));
    note("sign-in", Outcome::Done, About { role: Some(&record.role), reason: Some(way), ..About::of(&record.id) });
}

fn worn_out() -> Fault {
    Fault::invalid("the link was used before, has expired or is not whole: ask for another one", "token")
}
