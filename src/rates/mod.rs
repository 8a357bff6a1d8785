//! How much one caller may ask for: by key, by user, and by address where nobody has signed in. A request costs a point, an operation
//! what it asks of the engine. Where processes share their state they share each limit too, by the leases of `upstream`.
//!
//! What HTTP says about it (headers, status) is the server's business; what an operation costs is told by who runs it.

mod sharing;
mod window;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use moka::sync::Cache;
use tokio::time::Instant;

use crate::access::Who;
use crate::config::{Config, Rate};
use crate::search::Engine;
use sharing::Sharing;
use window::Window;

/// Callers that are remembered at once; of more the one seen least recently is forgotten.
const CALLERS: u64 = 100_000;

/// What an operation has cost; who ran it puts it among the extensions of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost(pub u64);

/// Who is limited.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Caller {
    Key(Arc<str>),
    User(Arc<str>),
    Address(IpAddr),
}

/// All limits of this process.
pub struct Rates {
    key: Option<Rate>,
    user: Option<Rate>,
    address: Option<Rate>,
    meters: Cache<Caller, Arc<Meter>>,
    sharing: Option<Arc<Sharing>>,
}

/// What one caller has used.
struct Meter {
    policy: &'static str,
    rate: Rate,
    /// The name of its record, where it is shared.
    record: String,
    state: Mutex<State>,
}

struct State {
    window: Window,
    /// What this process may give out of the limit, and until when.
    lease: u64,
    until: Option<Instant>,
    /// Somebody keeps the lease.
    kept: bool,
}

/// One caller's account, for as long as a request or a socket lasts.
#[derive(Clone)]
pub struct Allowance {
    meter: Arc<Meter>,
    sharing: Option<Arc<Sharing>>,
}

/// Where a caller stands, as headers tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub policy: &'static str,
    pub limit: u64,
    pub period: Duration,
    pub left: u64,
    /// Until some of what was used counts no more; for one who was refused, until something may be asked again.
    pub reset: Duration,
}

impl Rates {
    /// `state`: where processes share theirs.
    pub fn open(config: &Config, state: &Arc<dyn Engine>) -> Self {
        let rates = &config.rates;
        // whoever sits at this machine is not held back unless settings say so
        let usual = |given: Option<Rate>, usual: u32| {
            given.or((!config.listen.ip().is_loopback()).then_some(Rate { calls: usual, period: Duration::from_secs(60) }))
        };
        let lasting = [rates.key, rates.user, rates.address].into_iter().flatten().map(|rate| rate.period).max();
        Rates {
            key: usual(rates.key, 120_000),
            user: usual(rates.user, 60_000),
            address: usual(rates.address, 60_000),
            meters: Cache::builder().max_capacity(CALLERS).time_to_idle(lasting.unwrap_or(Duration::from_secs(60)) * 2).build(),
            sharing: config.shares_state().then(|| Sharing::open(state.clone(), config.state.clone())),
        }
    }

    /// The account of whoever asks; `None` where there is no limit for them.
    pub fn allowance(&self, who: &Who, address: IpAddr) -> Option<Allowance> {
        let (caller, policy, rate) = match who {
            Who::Key { id } => (Caller::Key(id.clone()), "key", self.key?),
            Who::User { id } | Who::Outside { subject: id } => (Caller::User(id.clone()), "user", self.user?),
            Who::Anybody => (Caller::Address(network_of(address)), "address", self.address?),
        };
        let meter = self.meters.get_with_by_ref(&caller, || {
            let lease = if self.sharing.is_some() { sharing::courtesy(rate) } else { rate.calls.into() };
            let state = State { window: Window::new(rate.period, Instant::now()), lease, until: None, kept: false };
            Arc::new(Meter { policy, rate, record: sharing::record(&caller), state: Mutex::new(state) })
        });
        Some(Allowance { meter, sharing: self.sharing.clone() })
    }

    /// Gives back what this process holds of limits.
    pub async fn close(&self) {
        if let Some(sharing) = &self.sharing {
            sharing.close().await;
        }
    }
}

/// Who has one address of a network of version 6 has all of it.
fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(six) => IpAddr::V6(Ipv6Addr::from_bits(six.to_bits() & (u128::MAX << 64))),
        four => four,
    }
}

impl Meter {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn lease(&self, now: Instant, courtesy: u64) -> u64 {
        match self.until {
            Some(until) if now >= until => courtesy,
            _ => self.lease,
        }
    }
}

impl Allowance {
    /// Takes one point for a request. `Err`: there is none left.
    pub fn take(&self) -> Result<Standing, Standing> {
        self.take_at(Instant::now())
    }

    fn take_at(&self, now: Instant) -> Result<Standing, Standing> {
        let rate = self.meter.rate;
        let courtesy = if self.sharing.is_some() { sharing::courtesy(rate) } else { rate.calls.into() };
        let mut state = self.meter.state();
        let (spent, lease) = (state.window.spent(now), state.lease(now, courtesy));
        if let Some(sharing) = self.sharing.as_ref().filter(|_| !state.kept && spent >= courtesy / 2) {
            state.kept = true;
            sharing.keep(&self.meter);
        }
        if spent >= lease {
            let reset = state.window.until_below(lease, now);
            return Err(self.standing(0, reset));
        }
        state.window.add(1, now);
        let reset = state.window.until_below(1, now);
        Ok(self.standing(lease - spent - 1, reset))
    }

    /// What the request has cost beyond the point it began with. This may reach below nothing: it has been done.
    pub fn charge(&self, cost: Cost) -> Standing {
        let now = Instant::now();
        let mut state = self.meter.state();
        state.window.add(cost.0.saturating_sub(1), now);
        let spent = state.window.spent(now);
        let left = state.lease(now, state.lease).saturating_sub(spent);
        let reset = state.window.until_below(1, now);
        self.standing(left, reset)
    }

    fn standing(&self, left: u64, reset: Duration) -> Standing {
        let Rate { calls, period } = self.meter.rate;
        Standing { policy: self.meter.policy, limit: calls.into(), period, left, reset }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The folder lives as long as its engine is used.
    async fn rates(limit: &str) -> (Rates, tempfile::TempDir) {
        let mut config = Config::default();
        config.rates.address = Some(limit.parse().unwrap());
        let folder = tempfile::tempdir().unwrap();
        let state = crate::search::open_embedded(folder.path()).await.unwrap();
        (Rates::open(&config, &state), folder)
    }

    #[tokio::test]
    async fn one_caller_is_held_back_and_another_is_not() {
        let (rates, _folder) = rates("3/10s").await;
        let (one, two) = ("192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        // windows begin before what is asked of them
        rates.allowance(&Who::Anybody, one).unwrap();
        let now = Instant::now();
        let ask = |address, now| rates.allowance(&Who::Anybody, address).unwrap().take_at(now);
        let left: Vec<u64> = (0..3).map(|_| ask(one, now).unwrap().left).collect();
        assert_eq!(left, [2, 1, 0]);
        let refused = ask(one, now).unwrap_err();
        assert!(
            refused.left == 0 && refused.reset <= Duration::from_secs(11) && refused.reset >= Duration::from_secs(9),
            "{refused:?}"
        );
        assert!(ask(two, now).is_ok());
        assert!(ask(one, now + Duration::from_secs(12)).is_ok());
    }

    #[tokio::test]
    async fn what_an_operation_costs_is_charged_to_its_caller() {
        let (rates, _folder) = rates("100/10s").await;
        let address = "192.0.2.1".parse().unwrap();
        let allowance = rates.allowance(&Who::Anybody, address).unwrap();
        allowance.take().unwrap();
        assert_eq!(allowance.charge(Cost(60)).left, 40);
        allowance.take().unwrap();
        assert_eq!(allowance.charge(Cost(60)).left, 0);
        assert!(allowance.take().is_err());
        assert!(rates.allowance(&Who::User { id: "1".into() }, address).is_none(), "on loopback only what was set is limited");
    }

    #[test]
    fn a_network_of_version_6_is_one_caller() {
        let same = |one: &str, two: &str| network_of(one.parse().unwrap()) == network_of(two.parse().unwrap());
        assert!(same("2001:db8:0:1::1", "2001:db8:0:1:ffff::2"));
        assert!(!same("2001:db8:0:1::1", "2001:db8:0:2::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1") && !same("192.0.2.1", "192.0.2.2"));
    }
}
