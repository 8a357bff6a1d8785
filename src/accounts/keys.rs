//! Keys of programs: `hooke_`, a name to recognise it by, and a secret that is shown once and kept as a hash. A key belongs to a
//! user, and then has no more rights than that user has at the moment, or has a role of its own. Scopes leave less of that role.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::records::{Place, Records};
use super::{Accounts, Admitted, Fault, times, token, users};
use crate::access::{Grant, Role, Viewer, Who};
use crate::config::RoleConfig;
use crate::search::{Call, Error, Precondition, Refresh};
use crate::telemetry::audit::{About, Outcome, note};

pub(super) const START: &str = "hooke_";

/// The last use is noted down so often.
const NOTED: Duration = Duration::from_secs(60);
const LONGEST_NAME: usize = 100;
const MOST_SCOPES: usize = 100;
const MOST_KEYS: usize = 100;

#[derive(Serialize, Deserialize)]
pub(super) struct Record {
    id: String,
    name: String,
    hash: String,
    owner: Option<String>,
    /// Of a key that belongs to no user.
    role: Option<String>,
    scopes: Vec<String>,
    /// Seconds.
    expires: Option<i64>,
    created: i64,
}

#[derive(Serialize, Deserialize)]
struct Used {
    at: i64,
}

pub struct NewKey {
    pub name: String,
    /// Whose it is; absent: nobody's, and then it has `role`.
    pub owner: Option<String>,
    pub role: Option<String>,
    /// Empty: all that the role may.
    pub scopes: Vec<String>,
    /// RFC 3339, or days from now.
    pub expires: Option<i64>,
}

/// A key as it is listed.
#[derive(Clone, Debug)]
pub struct KeyView {
    pub id: String,
    /// How it begins.
    pub prefix: String,
    pub name: String,
    pub owner: Option<String>,
    pub role: Option<String>,
    pub scopes: Vec<String>,
    /// RFC 3339, as the others.
    pub expires: Option<String>,
    pub created: String,
    pub last_used: Option<String>,
}

/// When uses were noted down by this process.
#[derive(Default)]
pub(super) struct Keys {
    noted: Mutex<HashMap<String, Instant>>,
}

impl Keys {
    fn is_due(&self, id: &str) -> bool {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        if noted.len() > 10_000 {
            noted.clear();
        }
        let due = noted.get(id).is_none_or(|at| at.elapsed() > NOTED);
        if due {
            noted.insert(id.to_owned(), Instant::now());
        }
        due
    }
}

fn place(id: &str) -> String {
    format!("key-{id}")
}

fn used_place(id: &str) -> String {
    format!("used-{id}")
}

pub(super) async fn note_use(records: &Records, call: &Call, id: &str) -> Result<(), Error> {
    let at = used_place(id);
    let own = Place { id: &at, kind: "used", owner: None, expires: None };
    records.put(call, own, &Used { at: times::now() }, Precondition::None, Refresh::None).await.map(|_| ())
}

/// `read`, `write`, `jobs`, and the first two of one collection: `read:orders`.
fn check_scope(scope: &str) -> Result<(), Fault> {
    match scope.split_once(':') {
        None if matches!(scope, "read" | "write" | "jobs") => Ok(()),
        Some(("read" | "write", collection)) if !collection.is_empty() && !collection.contains('*') => Ok(()),
        _ => Err(Fault::invalid(
            format!("{scope:?} is no scope: there are read, write, jobs, read:COLLECTION and write:COLLECTION"),
            "scopes",
        )),
    }
}

/// What scopes leave of a role.
fn narrow(role: Arc<Role>, scopes: &[String]) -> Arc<Role> {
    if scopes.is_empty() {
        return role;
    }
    let has = |scope: &str| scopes.iter().any(|own| own == scope);
    let whole = Grant { create: true, update: true, delete: true, ..Grant::default() };
    let mut collections: BTreeMap<String, Grant> = BTreeMap::new();
    let lessened = |grant: &Grant, write: bool| Grant {
        create: grant.create && write,
        update: grant.update && write,
        delete: grant.delete && write,
        ..grant.clone()
    };
    if has("read") || has("write") {
        let write = has("write");
        if role.may_everything() {
            collections.insert("*".into(), lessened(&whole, write));
        }
        for (name, grant) in &role.settings.collections {
            collections.insert(name.clone(), lessened(grant, write));
        }
    }
    for scope in scopes {
        let Some((what, collection)) = scope.split_once(':') else { continue };
        let grant = if role.may_everything() { Some(&whole) } else { role.grant(collection) };
        let Some(grant) = grant else { continue };
        let write = what == "write" || has("write") || has(&format!("write:{collection}"));
        collections.insert(collection.to_owned(), lessened(grant, write));
    }
    let settings = RoleConfig {
        everything: false,
        jobs: has("jobs") && (role.settings.jobs || role.may_everything()),
        introspection: role.settings.introspection,
        playground: role.settings.playground,
        collections,
    };
    // a name of its own: what is kept by the names of roles must not be mixed up
    let mut sorted = scopes.to_vec();
    sorted.sort();
    Arc::new(Role { name: format!("{} [{}]", role.name, sorted.join(" ")).into(), settings })
}

impl Accounts {
    /// The key itself, which is told this once, and what is listed of it.
    pub async fn add_key(&self, call: &Call, new: NewKey) -> Result<(String, KeyView), Fault> {
        let name = new.name.trim().to_owned();
        if name.is_empty() || name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
            return Err(Fault::invalid(format!("a key has a name of up to {LONGEST_NAME} bytes"), "name"));
        }
        if new.scopes.len() > MOST_SCOPES {
            return Err(Fault::invalid(format!("a key has up to {MOST_SCOPES} scopes"), "scopes"));
        }
        new.scopes.iter().try_for_each(|scope| check_scope(scope))?;
        if new.expires.is_some_and(|at| at <= times::now()) {
            return Err(Fault::invalid("that is past already", "expires"));
        }
        match (&new.owner, &new.role) {
            (None, None) => return Err(Fault::invalid("a key that belongs to nobody has a role", "role")),
            (Some(_), Some(_)) => return Err(Fault::invalid("a key of a user has the role of the user: leave it out", "role")),
            (None, Some(role)) if self.roles.get(role).is_none() => {
                return Err(Fault::invalid(format!("there is no role {role:?} in the settings"), "role"));
            }
            _ => {}
        }
        if let Some(owner) = &new.owner
            && self.list_keys(call, Some(owner)).await?.len() >= MOST_KEYS
        {
            return Err(Fault::invalid(format!("there are {MOST_KEYS} keys already: remove one first"), "name"));
        }
        let (id, secret) = (token::hex(&token::random::<8>()?), token::hex(&token::random::<32>()?));
        let record = Record {
            hash: token::hash(&secret),
            id,
            name,
            owner: new.owner,
            role: new.role,
            scopes: new.scopes,
            expires: new.expires,
            created: times::now(),
        };
        let at = place(&record.id);
        let own = Place { id: &at, kind: "key", owner: record.owner.as_deref(), expires: None };
        self.records.put(call, own, &record, Precondition::Absent, Refresh::Now).await?;
        let about = About { owner: record.owner.as_deref(), role: record.role.as_deref(), ..About::of(&record.id) };
        note("key.add", Outcome::Done, about);
        Ok((format!("{START}{}_{secret}", record.id), view(record, None)))
    }

    /// Of one user, or all of them.
    pub async fn list_keys(&self, call: &Call, owner: Option<&str>) -> Result<Vec<KeyView>, Fault> {
        let mut keys: Vec<Record> = self.records.list(call, "key", owner).await?;
        keys.sort_by(|a, b| (a.created, &a.id).cmp(&(b.created, &b.id)));
        let ids: Vec<Arc<str>> = keys.iter().map(|key| used_place(&key.id).into()).collect();
        let uses = self.records.get_raw(call, &ids).await?;
        let read = |(key, used): (Record, Option<(_, String)>)| {
            let used = used.and_then(|(_, body): (crate::search::Version, String)| super::records::read::<Used>(&body).ok());
            view(key, used)
        };
        Ok(keys.into_iter().zip(uses).map(read).collect())
    }

    /// Revoked: `owner` may remove only keys of their own.
    pub async fn remove_key(&self, call: &Call, id: &str, owner: Option<&str>) -> Result<(), Fault> {
        let none = Fault::NotFound("there is no such key");
        if !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(none);
        }
        let at = place(id);
        let found = self.records.get::<Record>(call, &at).await?;
        let found = found.filter(|(_, key)| owner.is_none_or(|owner| key.owner.as_deref() == Some(owner)));
        let Some((version, _)) = found else { return Err(none) };
        self.records.take(call, &at, version, Refresh::Now).await?;
        self.standings.renew(call, &at).await?;
        note("key.remove", Outcome::Done, About::of(id));
        Ok(())
    }

    pub(super) async fn remove_keys_of(&self, call: &Call, user: &str) -> Result<(), Fault> {
        for key in self.list_keys(call, Some(user)).await? {
            self.remove_key(call, &key.id, None).await?;
        }
        Ok(())
    }

    pub(super) async fn admit_key(&self, call: &Call, text: &str) -> Result<Admitted, Fault> {
        let (id, secret) = parts(text).ok_or(Fault::Unauthenticated)?;
        let (body, leave) = self.standings.look(call, &place(id)).await?;
        let record: Record = super::records::read(&body.ok_or(Fault::Unauthenticated)?)?;
        let left = record.expires.map(|at| at.saturating_sub(times::now()));
        if !token::same(&record.hash, &token::hash(secret)) || left.is_some_and(|left| left <= 0) {
            return Err(Fault::Unauthenticated);
        }
        let leave = match left.and_then(|left| u64::try_from(left).ok()) {
            Some(left) => leave.and(super::Leave::after(Duration::from_secs(left))),
            None => leave,
        };
        let (role, claims, leave) = match &record.owner {
            Some(owner) => {
                let (user, users_leave) = self.standing_user(call, owner).await?;
                let user = user.filter(|user| !user.disabled && self.has_users()).ok_or(Fault::Unauthenticated)?;
                (self.role(&user.role), user.claims(), leave.and(users_leave))
            }
            None => {
                let mut claims = Map::new();
                claims.insert("sub".into(), Json::String(format!("key-{id}")));
                (self.role(record.role.as_deref().unwrap_or_default()), claims, leave)
            }
        };
        if self.keys.is_due(id) {
            self.desk.key_used(id.into());
        }
        let viewer = Viewer::new(Who::Key { id: id.into() }, narrow(role, &record.scopes), claims);
        Ok(Admitted { viewer, leave })
    }
}

/// Its id, which stands in lists, and what only its owner has.
fn parts(text: &str) -> Option<(&str, &str)> {
    let (id, secret) = text.strip_prefix(START)?.split_once('_')?;
    (id.len() == 16 && id.bytes().all(|b| b.is_ascii_hexdigit())).then_some((id, secret))
}

pub(super) fn id_in(text: &str) -> Option<&str> {
    parts(text).map(|(id, _)| id)
}

fn view(key: Record, used: Option<Used>) -> KeyView {
    KeyView {
        prefix: format!("{START}{}_", key.id),
        id: key.id,
        name: key.name,
        owner: key.owner,
        role: key.role,
        scopes: key.scopes,
        expires: key.expires.map(users::written),
        created: users::written(key.created),
        last_used: used.map(|used| users::written(used.at)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_leave_less_and_never_more() {
        let scopes = |list: &[&str]| list.iter().map(|scope| (*scope).to_owned()).collect::<Vec<_>>();
        let admin = narrow(Role::admin(), &scopes(&["read", "write:notes"]));
        assert!(!admin.may_everything() && !admin.settings.jobs);
        assert!(admin.grant("orders").is_some_and(|grant| !grant.create));
        assert!(admin.grant("notes").is_some_and(|grant| grant.create && grant.delete));
        let grant = |update| Grant { update, hide: vec!["secret".into()], ..Grant::default() };
        let collections = BTreeMap::from([("orders".to_owned(), grant(true)), ("logs-*".to_owned(), grant(false))]);
        let role = Arc::new(Role { name: "r".into(), settings: RoleConfig { collections, ..RoleConfig::default() } });
        let one = narrow(role.clone(), &scopes(&["write:logs-1", "read:notes", "jobs"]));
        assert!(one.grant("orders").is_none() && one.grant("notes").is_none() && one.grant("logs-2").is_none());
        assert!(one.grant("logs-1").is_some_and(|grant| !grant.update && grant.hide == ["secret"]));
        assert!(!one.settings.jobs);
        let read = narrow(role.clone(), &scopes(&["read"]));
        assert!(read.grant("orders").is_some_and(|grant| !grant.update) && read.name != role.name);
        for wrong in ["", "all", "read:", "read:*", "admin", "jobs:a"] {
            assert!(check_scope(wrong).is_err(), "{wrong}");
        }
    }
}
