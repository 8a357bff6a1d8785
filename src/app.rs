//! What one running hooke consists of, opened from its settings: the engines, the data folder and its lock, the secret, the counts.
//! Whoever needs only a part of it takes that part.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context, bail};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::{Desk, Roles, Viewer, Who};
use crate::accounts::Accounts;
use crate::catalog::{self, cursor::Signer, moments::Moments};
use crate::config::Config;
use crate::jobs::Jobs;
use crate::rates::Rates;
use crate::search::{self, Call, Engine};
use crate::telemetry::{RequestId, Stats};
use crate::upstream::Upstreams;

/// In the data folder: where the process that holds it listens.
pub const NOTE: &str = "server.json";

/// Cheap to clone: all of it is shared.
#[derive(Clone)]
pub struct App {
    pub config: Arc<Config>,
    pub engine: Arc<dyn Engine>,
    pub catalog: Arc<catalog::Watch>,
    /// When what searches see may have changed.
    pub pulse: Arc<catalog::Pulse>,
    /// Where hooke's own state lives, in hidden collections: the engine itself where hooke may make collections in it.
    pub state: Arc<dyn Engine>,
    pub jobs: Arc<Jobs>,
    /// Who may see and do what.
    pub roles: Roles,
    /// Absent: nobody has to sign in.
    pub accounts: Option<Arc<Accounts>>,
    /// Where viewers get what they may use.
    pub desk: Arc<Desk>,
    /// Whose snapshots are counted together.
    pub holder: Arc<str>,
    pub signer: Arc<Signer>,
    pub moments: Arc<Moments>,
    pub stats: Arc<Stats>,
    pub upstreams: Arc<Upstreams>,
    pub rates: Arc<Rates>,
    /// By which this machine reaches us, once we listen.
    pub url: Arc<OnceLock<String>>,
    /// Told once: hooke is about to stop. Whatever keeps a connection open listens to it and ends.
    pub ending: CancellationToken,
    /// What has left HTTP behind, as sockets have: the server waits for it at the end.
    pub sockets: TaskTracker,
    /// There was nothing in the data folder before.
    pub fresh: bool,
    /// Held as long as the app lives: one process a folder.
    _lock: Arc<File>,
}

impl App {
    /// Opens the data folder and the engines. Elasticsearch need not be up.
    pub async fn open(config: Config) -> anyhow::Result<Arc<App>> {
        let folder = config.data.clone();
        let given = config.secret.clone().map(|secret| secret.0.into_bytes());
        let file = config.secret_file.clone();
        let (fresh, lock, secret) = tokio::task::spawn_blocking(move || {
            let fresh = prepare(&folder)?;
            let lock = lock(&folder)?;
            let secret = match (given, file) {
                (Some(secret), _) => secret,
                (None, Some(file)) => read_secret(&file)?,
                (None, None) => own_secret(&folder.join("secret"))?,
            };
            anyhow::Ok((fresh, lock, secret))
        })
        .await??;
        let engine = search::open(&config.engine()).await.context("the search engine cannot be opened")?;
        let state = if config.keeps_state_in_engine() {
            engine.clone()
        } else {
            search::open_embedded(&config.data.join("state")).await.context("the state cannot be opened")?
        };
        let catalog = catalog::open(engine.clone(), state.clone(), &config);
        let upstreams = Arc::new(Upstreams::open(&config, &state).context("an upstream cannot be called")?);
        let jobs = Jobs::open(engine.clone(), state.clone(), catalog.clone(), upstreams.clone(), &config).await?;
        let roles = Roles::of(&config);
        let accounts =
            Accounts::open(&config, state.clone(), roles.clone(), &secret).await.context("accounts cannot be opened")?;
        Ok(Arc::new(App {
            desk: Desk::new(engine.clone(), catalog.changes(), Roles::of(&config), &config.limits, &secret),
            holder: "".into(),
            signer: Arc::new(Signer::new(&secret)),
            moments: Arc::new(Moments::new(config.limits.snapshots)),
            stats: Arc::default(),
            upstreams,
            rates: Arc::new(Rates::open(&config, &state)),
            url: Arc::default(),
            catalog,
            jobs,
            roles,
            accounts,
            pulse: catalog::Pulse::new(engine.clone(), config.elasticsearch.is_some()),
            ending: CancellationToken::new(),
            sockets: TaskTracker::new(),
            fresh,
            engine,
            state,
            config: Arc::new(config),
            _lock: Arc::new(lock),
        }))
    }

    /// All of it as this viewer may use it: what handlers take from here are the collections, fields, documents and jobs that exist
    /// for them, and cursors of one policy are none of another.
    pub fn seen_by(self: &Arc<Self>, viewer: &Arc<Viewer>) -> Arc<App> {
        if viewer.role.may_everything() && viewer.who == Who::Anybody {
            return self.clone();
        }
        let (desk, role, policy) = (self.desk.clone(), viewer.role.clone(), Desk::policy(viewer));
        let catalog = match role.may_everything() {
            true => self.catalog.clone(),
            false => self.catalog.through(Arc::new(move |full| desk.catalog(&role, full))),
        };
        Arc::new(App {
            engine: self.desk.engine(viewer),
            catalog,
            jobs: self.jobs.seen_by(viewer),
            signer: Arc::new(self.signer.under(&policy)),
            holder: format!("{} {policy}", viewer.who).into(),
            ..App::clone(self)
        })
    }

    /// For links of our own where the settings do not say how people reach us.
    pub fn address(&self) -> &str {
        self.url.get().map_or("http://localhost", String::as_str)
    }

    /// What one request of this id may use of the engines.
    pub fn call(&self, id: &RequestId) -> Call {
        Call::within(self.config.limits.time).named(id.0.clone())
    }
}

/// Makes the folder where needed; true if nothing is in it.
fn prepare(folder: &Path) -> anyhow::Result<bool> {
    std::fs::create_dir_all(folder).with_context(|| format!("the data folder {} cannot be made", folder.display()))?;
    let mut entries = folder.read_dir().with_context(|| format!("the data folder {} cannot be read", folder.display()))?;
    Ok(entries.next().is_none())
}

fn lock(folder: &Path) -> anyhow::Result<File> {
    let path = folder.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .with_context(|| format!("{} cannot be written", path.display()))?;
    let mut locked = file.try_lock();
    for _ in 0..10 {
        if !matches!(locked, Err(TryLockError::WouldBlock)) {
            break;
        }
        // somebody may only be looking
        std::thread::sleep(Duration::from_millis(20));
        locked = file.try_lock();
    }
    match locked {
        Ok(()) => {
            // what a process left behind that was killed
            let _ = std::fs::remove_file(folder.join(NOTE));
            Ok(file)
        }
        Err(TryLockError::WouldBlock) => {
            bail!("another hooke runs on the data folder {}: stop it, or choose another folder by --data", folder.display())
        }
        Err(TryLockError::Error(fault)) => Err(fault).with_context(|| format!("{} cannot be locked", path.display())),
    }
}

/// A process holds this folder. Blocks for no longer than a look at a file takes.
pub fn is_in_use(folder: &Path) -> bool {
    // where it cannot be opened nobody has made it
    File::open(folder.join("lock")).is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

/// The secret that a process on these settings has, if there is one yet. Blocks for no longer than a look at a file takes.
pub fn secret(config: &Config) -> Option<Vec<u8>> {
    match (&config.secret, &config.secret_file) {
        (Some(secret), _) => Some(secret.0.clone().into_bytes()),
        (None, Some(file)) => read_secret(file).ok(),
        (None, None) => read_secret(&config.data.join("secret")).ok(),
    }
}

fn read_secret(path: &Path) -> anyhow::Result<Vec<u8>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("the secret in {} cannot be read", path.display()))?;
    let text = text.trim();
    if text.len() < 16 {
        bail!("the secret in {} is shorter than 16 characters", path.display());
    }
    Ok(text.as_bytes().to_vec())
}

/// The secret of this data folder; made at the first start, readable for its owner alone.
fn own_secret(path: &Path) -> anyhow::Result<Vec<u8>> {
    let made = OpenOptions::new().create_new(true).write(true).mode(0o600).open(path);
    match made {
        Ok(mut file) => {
            let mut bytes = [0_u8; 32];
            getrandom::fill(&mut bytes).context("the system gives no random numbers")?;
            let text: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            Ok(text.into_bytes())
        }
        Err(fault) if fault.kind() == ErrorKind::AlreadyExists => read_secret(path),
        Err(fault) => Err(fault).with_context(|| format!("{} cannot be made", path.display())),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_is_locked_once_and_keeps_its_secret() {
        let folder = tempfile::tempdir().unwrap();
        assert!(prepare(folder.path()).unwrap());
        assert!(!is_in_use(folder.path()));
        let held = lock(folder.path()).unwrap();
        assert!(is_in_use(folder.path()));
        assert!(lock(folder.path()).unwrap_err().to_string().contains("another hooke"));
        drop(held);
        lock(folder.path()).unwrap();
        assert!(!prepare(folder.path()).unwrap());

        let path = folder.path().join("secret");
        let first = own_secret(&path).unwrap();
        assert_eq!(own_secret(&path).unwrap(), first);
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::write(&path, "short").unwrap();
        assert!(own_secret(&path).is_err());
    }
}
