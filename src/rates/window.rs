//! What was used within the last period, in steps of a tenth of it. No clock of its own.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// Steps of a period. What was used counts for as long as its step touches the period: a tenth too long at most, never too short.
const STEPS: u32 = 10;

#[derive(Debug)]
pub(super) struct Window {
    began: Instant,
    step: Duration,
    /// The number of the step, and what was used in it; the oldest first.
    used: VecDeque<(u64, u64)>,
    sum: u64,
}

impl Window {
    pub(super) fn new(period: Duration, now: Instant) -> Self {
        Window { began: now, step: (period / STEPS).max(Duration::from_millis(1)), used: VecDeque::new(), sum: 0 }
    }

    fn number(&self, now: Instant) -> u64 {
        let steps = now.saturating_duration_since(self.began).as_nanos() / self.step.as_nanos().max(1);
        u64::try_from(steps).unwrap_or(u64::MAX)
    }

    pub(super) fn spent(&mut self, now: Instant) -> u64 {
        let number = self.number(now);
        while let Some((_, amount)) = self.used.front().copied().filter(|(step, _)| step + u64::from(STEPS) < number) {
            self.used.pop_front();
            self.sum = self.sum.saturating_sub(amount);
        }
        self.sum
    }

    pub(super) fn add(&mut self, amount: u64, now: Instant) {
        if amount == 0 {
            return;
        }
        let number = self.number(now);
        match self.used.back_mut() {
            Some((step, used)) if *step >= number => *used = used.saturating_add(amount),
            _ => self.used.push_back((number, amount)),
        }
        self.sum = self.sum.saturating_add(amount);
    }

    /// Until less than this is used, if nothing is added.
    pub(super) fn until_below(&mut self, level: u64, now: Instant) -> Duration {
        let mut left = self.spent(now);
        for (step, amount) in &self.used {
            if left < level.max(1) {
                break;
            }
            left = left.saturating_sub(*amount);
            if left < level.max(1) {
                let steps = u32::try_from(step + u64::from(STEPS) + 1).unwrap_or(u32::MAX);
                let end = self.began + self.step.saturating_mul(steps);
                return end.saturating_duration_since(now);
            }
        }
        Duration::ZERO
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_used_counts_for_a_period_and_a_tenth_at_most() {
        let start = Instant::now();
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        let mut window = Window::new(Duration::from_secs(10), start);
        window.add(3, at(0));
        window.add(2, at(5));
        assert_eq!((window.spent(at(10)), window.spent(at(11)), window.spent(at(16))), (5, 2, 0));
        window.add(1, at(20));
        assert_eq!(window.until_below(1, at(20)), Duration::from_secs(11));
        assert_eq!(window.until_below(2, at(20)), Duration::ZERO);
    }

    proptest! {
        /// A limit kept by this window is never broken in any period.
        #[test]
        fn no_period_holds_more_than_the_limit(gaps in proptest::collection::vec(0_u64..900, 1..300)) {
            let start = Instant::now();
            let mut window = Window::new(Duration::from_secs(5), start);
            let (mut now, mut taken) = (start, Vec::new());
            for gap in gaps {
                now += Duration::from_millis(gap);
                if window.spent(now) < 7 {
                    window.add(1, now);
                    taken.push(now);
                }
            }
            for (at, from) in taken.iter().enumerate() {
                let inside = taken[at..].iter().filter(|to| **to - *from < Duration::from_secs(5)).count();
                prop_assert!(inside <= 7, "{inside}");
            }
        }
    }
}
