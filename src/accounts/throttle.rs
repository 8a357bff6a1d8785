//! How often somebody may fail to sign in. By address, and by account and address: never by account alone, for then a third party
//! could lock its owner out. Where many addresses fail for one account, addresses that have failed for it already must wait; one that
//! comes for the first time, as its owner may, is always heard. An address from which the account was reached before has a count of
//! its own. All of it is in the memory of this process and bounded.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ring::digest;

/// Failures are forgotten after so long.
const WINDOW: Duration = Duration::from_secs(600);
/// For one account from all addresses, for each that one address has over all accounts; from then on each address has few.
const BY_ACCOUNT: u32 = 2;
const FEW: u32 = 3;
/// An address that has reached an account is known to belong to it for so long.
const KNOWN: Duration = Duration::from_secs(30 * 86_400);
const MOST: usize = 100_000;

type Name = [u8; 16];

pub(super) struct Throttle {
    /// Of one address, over all accounts; a third of it for one account.
    by_address: u32,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    counts: HashMap<Name, (Instant, u32)>,
    known: HashMap<Name, Instant>,
}

/// One attempt, or one request that costs us a mail.
#[derive(Clone, Copy)]
pub(super) struct Attempt {
    address: Name,
    account: Name,
    both: Name,
}

fn name(parts: &[&[u8]]) -> Name {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(&part.len().to_le_bytes());
        context.update(part);
    }
    let mut name = Name::default();
    name.copy_from_slice(&context.finish().as_ref()[..16]);
    name
}

impl Attempt {
    pub(super) fn new(what: &str, address: IpAddr, account: &str) -> Self {
        // who has one address of IPv6 has a whole network of them
        let address = match address.to_canonical() {
            IpAddr::V4(four) => four.octets().to_vec(),
            IpAddr::V6(six) => six.octets()[..8].to_vec(),
        };
        let (what, account) = (what.as_bytes(), account.as_bytes());
        Attempt {
            address: name(&[what, b"address", &address]),
            account: name(&[what, b"account", account]),
            both: name(&[what, b"both", &address, account]),
        }
    }
}

impl Inner {
    fn count(&self, name: &Name, now: Instant) -> u32 {
        self.counts.get(name).filter(|(from, _)| now.duration_since(*from) < WINDOW).map_or(0, |(_, count)| *count)
    }

    fn left(&self, name: &Name, now: Instant) -> Duration {
        self.counts.get(name).map_or(Duration::ZERO, |(from, _)| WINDOW.saturating_sub(now.duration_since(*from)))
    }

    fn add(&mut self, name: Name, now: Instant) {
        if self.counts.len() >= MOST {
            self.counts.retain(|_, (from, _)| now.duration_since(*from) < WINDOW);
            // still full: somebody floods us; the oldest half of the window goes
            if self.counts.len() >= MOST {
                self.counts.retain(|_, (from, _)| now.duration_since(*from) < WINDOW / 2);
            }
        }
        let (from, count) = self.counts.entry(name).or_insert((now, 0));
        if now.duration_since(*from) >= WINDOW {
            (*from, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
    }
}

impl Throttle {
    pub(super) fn new(by_address: u32) -> Self {
        Throttle { by_address, inner: Mutex::default() }
    }

    fn by_both(&self) -> u32 {
        (self.by_address / 3).max(1)
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts an attempt as failed until [`Throttle::succeed`] says otherwise, so that many at once are no way around. `Err`: come
    /// back after so long.
    pub(super) fn begin(&self, attempt: Attempt, now: Instant) -> Result<(), Duration> {
        let mut inner = self.inner();
        let known = inner.known.get(&attempt.both).is_some_and(|at| now.duration_since(*at) < KNOWN);
        let both = inner.count(&attempt.both, now);
        if both >= self.by_both() {
            return Err(inner.left(&attempt.both, now));
        }
        if !known {
            if inner.count(&attempt.address, now) >= self.by_address {
                return Err(inner.left(&attempt.address, now));
            }
            if both >= FEW && inner.count(&attempt.account, now) >= self.by_address.saturating_mul(BY_ACCOUNT) {
                return Err(inner.left(&attempt.both, now));
            }
            inner.add(attempt.address, now);
            inner.add(attempt.account, now);
        }
        inner.add(attempt.both, now);
        Ok(())
    }

    pub(super) fn succeed(&self, attempt: Attempt, now: Instant) {
        let mut inner = self.inner();
        if inner.known.len() >= MOST {
            inner.known.clear();
        }
        inner.known.insert(attempt.both, now);
        inner.counts.remove(&attempt.both);
        for name in [attempt.address, attempt.account] {
            if let Some((_, count)) = inner.counts.get_mut(&name) {
                *count = count.saturating_sub(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(last: u8, account: &str) -> Attempt {
        Attempt::new("login", IpAddr::from([10, 0, 0, last]), account)
    }

    #[test]
    fn who_fails_too_often_waits_and_others_do_not() {
        let (throttle, now) = (Throttle::new(30), Instant::now());
        let tries = (0..50).filter(|_| throttle.begin(attempt(1, "a"), now).is_ok()).count();
        assert_eq!(tries, 10);
        // another address, and another account from the same one
        assert!(throttle.begin(attempt(2, "a"), now).is_ok() && throttle.begin(attempt(1, "b"), now).is_ok());
        assert!(throttle.begin(attempt(1, "a"), now).is_err_and(|wait| wait <= WINDOW && wait > WINDOW / 2));
        assert!(throttle.begin(attempt(1, "a"), now + WINDOW).is_ok());
    }

    #[test]
    fn an_address_may_not_try_one_account_after_the_other() {
        let (throttle, now) = (Throttle::new(30), Instant::now());
        let tries = (0..100).filter(|n| throttle.begin(attempt(1, &n.to_string()), now).is_ok()).count();
        assert_eq!(tries, 30);
    }

    #[test]
    fn a_third_party_locks_nobody_out() {
        let (throttle, now) = (Throttle::new(30), Instant::now());
        throttle.begin(attempt(200, "a"), now).unwrap();
        throttle.succeed(attempt(200, "a"), now);
        // many addresses
        let tries =
            (0..100).flat_map(|address| (0..20).map(move |_| address)).filter(|n| throttle.begin(attempt(*n, "a"), now).is_ok());
        let tries = tries.count();
        assert!((300..=400).contains(&tries), "{tries}");
        // its owner, from a place known and from a new one
        assert!(throttle.begin(attempt(200, "a"), now).is_ok() && throttle.begin(attempt(201, "a"), now).is_ok());
        // from the address of its owner somebody tries everything: the owner is still heard there
        for n in 0..100 {
            let _ = throttle.begin(attempt(200, &format!("x{n}")), now);
        }
        assert!(throttle.begin(attempt(200, "a"), now).is_ok());
    }

    #[test]
    fn who_succeeds_has_not_failed() {
        let (throttle, now) = (Throttle::new(30), Instant::now());
        for _ in 0..200 {
            throttle.begin(attempt(1, "a"), now).unwrap();
            throttle.succeed(attempt(1, "a"), now);
        }
    }
}
