//! The limit of the bundled upstream, enforced exactly: a call is let through if fewer than the limit were let through in the period that
//! ends with it. The other side of what `upstream` keeps to.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Rate;

#[derive(Debug)]
pub struct Turnstile {
    rate: Rate,
    /// Of those let through in the last period.
    passed: VecDeque<Instant>,
    admitted: u64,
    refused: u64,
}

/// Since the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub admitted: u64,
    pub refused: u64,
    /// In the period that ends now.
    pub present: usize,
}

impl Turnstile {
    pub fn new(rate: Rate) -> Self {
        Turnstile { rate, passed: VecDeque::new(), admitted: 0, refused: 0 }
    }

    /// Calls that are left in this window, or how long until one may pass.
    pub fn pass(&mut self, now: Instant) -> Result<usize, Duration> {
        self.drop_old(now);
        let most = self.rate.calls as usize;
        if self.passed.len() < most {
            self.passed.push_back(now);
            self.admitted += 1;
            return Ok(most - self.passed.len());
        }
        self.refused += 1;
        Err(self.passed.front().map_or(Duration::ZERO, |oldest| (*oldest + self.rate.period).saturating_duration_since(now)))
    }

    pub fn counts(&mut self, now: Instant) -> Counts {
        self.drop_old(now);
        Counts { admitted: self.admitted, refused: self.refused, present: self.passed.len() }
    }

    fn drop_old(&mut self, now: Instant) {
        while self.passed.front().is_some_and(|oldest| now.saturating_duration_since(*oldest) >= self.rate.period) {
            self.passed.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_window_slides() {
        let mut turnstile = Turnstile::new("2/10s".parse().unwrap());
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(turnstile.pass(at(0)), Ok(1));
        assert_eq!(turnstile.pass(at(6)), Ok(0));
        assert_eq!(turnstile.pass(at(9)), Err(Duration::from_secs(1)));
        assert_eq!(turnstile.pass(at(10)), Ok(0));
        assert_eq!(turnstile.pass(at(11)), Err(Duration::from_secs(5)));
        assert_eq!(turnstile.counts(at(16)), Counts { admitted: 3, refused: 2, present: 1 });
    }
}
