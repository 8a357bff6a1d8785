//! Passwords: argon2id, on threads of their own kind and only a few at once: each takes 19 MiB and keeps a core busy.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, PasswordHasher as _, PasswordVerifier as _, Version};
use tokio::sync::Semaphore;

use super::Fault;

/// At once; a password in hand costs a core.
const AT_ONCE: usize = 2;
/// Waiting for their turn; who comes after them is told to come back.
const WAITING: usize = 64;

const SHORTEST: usize = 10;
/// Bytes. More would only be work for us.
const LONGEST: usize = 256;

pub(super) struct Passwords {
    turns: Arc<Semaphore>,
    places: Arc<Semaphore>,
    /// Of nobody: compared with where there is no account, so that it takes as long.
    nobody: String,
}

fn argon2() -> Result<Argon2<'static>, Fault> {
    // 19 MiB, two passes, one lane
    let params = Params::new(19 * 1024, 2, 1, None).map_err(Fault::internal)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash(password: &[u8]) -> Result<String, Fault> {
    Ok(argon2()?.hash_password(password).map_err(Fault::internal)?.to_string())
}

pub(super) fn check(password: &str) -> Result<(), Fault> {
    let invalid = |message: String| Err(Fault::Invalid { message, path: "password" });
    if password.chars().count() < SHORTEST {
        return invalid(format!("a password has {SHORTEST} characters or more"));
    }
    if password.len() > LONGEST {
        return invalid(format!("a password has {LONGEST} bytes or less"));
    }
    Ok(())
}

impl Passwords {
    pub(super) async fn open() -> Result<Self, Fault> {
        let nobody = tokio::task::spawn_blocking(|| hash(b"nobody has this password")).await.map_err(Fault::internal)??;
        Ok(Passwords { turns: Arc::new(Semaphore::new(AT_ONCE)), places: Arc::new(Semaphore::new(AT_ONCE + WAITING)), nobody })
    }

    pub(super) async fn hash(&self, password: String) -> Result<String, Fault> {
        self.work(move || hash(password.as_bytes())).await?
    }

    /// Against `None` it takes as long, and is false.
    pub(super) async fn fits(&self, password: String, kept: Option<&str>) -> Result<bool, Fault> {
        let (known, kept) = (kept.is_some(), kept.unwrap_or(&self.nobody).to_owned());
        let fits = self
            .work(move || {
                let kept = PasswordHash::new(&kept).map_err(Fault::internal)?;
                // longer ones were never taken
                Ok::<_, Fault>(password.len() <= LONGEST && argon2()?.verify_password(password.as_bytes(), &kept).is_ok())
            })
            .await??;
        Ok(fits && known)
    }

    async fn work<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Fault> {
        let _place = self.places.clone().try_acquire_owned().map_err(|_| Fault::Busy)?;
        let turn = self.turns.clone().acquire_owned().await.map_err(Fault::internal)?;
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            // who has left meanwhile does not make room for another before the core is free
            drop(turn);
            done
        });
        working.await.map_err(Fault::internal)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_fits_its_hash_and_nobodys_fits_none() {
        let passwords = Passwords::open().await.unwrap();
        let kept = passwords.hash("correct horse".into()).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        assert!(passwords.fits("correct horse".into(), Some(&kept)).await.unwrap());
        assert!(!passwords.fits("correct horsf".into(), Some(&kept)).await.unwrap());
        assert!(!passwords.fits("nobody has this password".into(), None).await.unwrap());
        assert!(check("short").is_err() && check("long enough").is_ok() && check(&"x".repeat(257)).is_err());
    }
}
