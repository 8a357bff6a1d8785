//! The sliding window, without clock or I/O: when a call may begin so that no window of the period ever holds more calls than
//! allowed, as the other side sees them arrive.
//!
//! There is a place for each call that is allowed in a window. A call takes one, and the place is cold again, free for the next, one
//! period after the call has arrived. When that was nobody tells; it was before the answer came, and it is taken to be within
//! `margin` of the start. So two calls on one place arrive at least a period apart, and a window holds as many as there are places.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::time::Instant;

use crate::config::Rate;

/// How long a place stays hot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Times {
    /// From the arrival: the period, and what two clocks may disagree about it.
    pub(super) hold: Duration,
    /// A call on its way for longer than this is taken to have arrived.
    pub(super) margin: Duration,
}

impl Times {
    pub(super) fn of(rate: &Rate) -> Self {
        // clocks that run a thousandth apart are broken; timers have a grain of a millisecond
        let hold = rate.period + rate.period / 1_000 + Duration::from_millis(1);
        // of a minute 0.6 s: two periods and their margins stay within 2 % of two periods
        Times { hold, margin: (rate.period / 100).max(Duration::from_millis(250)) }
    }
}

#[derive(Debug)]
pub(super) struct Window {
    times: Times,
    /// Places that are ours: all that the limit gives, or our share of them.
    capacity: usize,
    /// Until then the share is ours; `None`: for ever.
    lease: Option<Instant>,
    /// The other side has asked for silence.
    paused: Option<Instant>,
    /// Places in use: when each is cold again, and the ticket that it was given out for.
    hot: BTreeSet<(Instant, u64)>,
    tickets: u64,
}

/// A call that was let through.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    id: u64,
    cold: Instant,
}

#[derive(Debug)]
pub(super) enum Verdict {
    Go(Ticket),
    /// Look again then; `None`: when something has changed.
    Wait(Option<Instant>),
}

impl Window {
    pub(super) fn new(times: Times, capacity: usize) -> Self {
        Window { times, capacity, lease: None, paused: None, hot: BTreeSet::new(), tickets: 0 }
    }

    pub(super) fn admit(&mut self, now: Instant) -> Verdict {
        self.cool(now);
        if let Some(paused) = self.paused.filter(|paused| *paused > now) {
            return Verdict::Wait(Some(paused));
        }
        if self.lease.is_some_and(|lease| now >= lease) || self.capacity == 0 {
            return Verdict::Wait(None);
        }
        if self.hot.len() < self.capacity {
            return Verdict::Go(self.note(now));
        }
        // so many must cool before one more may go
        Verdict::Wait(self.hot.iter().nth(self.hot.len() - self.capacity).map(|(cold, _)| *cold))
    }

    /// A call that goes whatever the limit says; those that keep to it shall know.
    pub(super) fn note(&mut self, now: Instant) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket { id: self.tickets, cold: now + self.times.margin + self.times.hold };
        self.hot.insert((ticket.cold, ticket.id));
        ticket
    }

    /// The answer has begun: the call had arrived by now.
    pub(super) fn arrived(&mut self, ticket: Ticket, now: Instant) {
        let cold = now + self.times.hold;
        if cold < ticket.cold && self.hot.remove(&(ticket.cold, ticket.id)) {
            self.hot.insert((cold, ticket.id));
        }
    }

    /// The call was refused: the other side did not count it.
    pub(super) fn refused(&mut self, ticket: Ticket) {
        self.hot.retain(|(_, id)| *id != ticket.id);
    }

    /// Nobody begins before then.
    pub(super) fn pause(&mut self, until: Instant) {
        self.paused = Some(self.paused.map_or(until, |paused| paused.max(until)));
    }

    pub(super) fn paused(&self, now: Instant) -> Option<Instant> {
        self.paused.filter(|paused| *paused > now)
    }

    pub(super) fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) fn is_leased(&self, now: Instant) -> bool {
        self.lease.is_none_or(|lease| now < lease)
    }

    pub(super) fn hot(&mut self, now: Instant) -> usize {
        self.cool(now);
        self.hot.len()
    }

    /// Of `mine` places on record only `kept` remain: no call begins on the others from now on. Those of them that are still hot are named
    /// with the moment when they are cold, the last to cool first.
    pub(super) fn shrink(&mut self, mine: usize, kept: usize, now: Instant) -> Vec<(Instant, u64)> {
        self.cool(now);
        self.capacity = self.capacity.min(kept);
        let given = mine.saturating_sub(kept);
        let cold = mine.saturating_sub(self.hot.len());
        self.hot.iter().rev().take(given.saturating_sub(cold)).copied().collect()
    }

    /// Places given up are somebody else's concern once that is on record.
    pub(super) fn forget(&mut self, given: &[(Instant, u64)]) {
        for place in given {
            self.hot.remove(place);
        }
    }

    pub(super) fn lease(&mut self, capacity: usize, until: Instant) {
        self.capacity = capacity;
        self.lease = Some(until);
    }

    fn cool(&mut self, now: Instant) {
        while self.hot.first().is_some_and(|(cold, _)| *cold <= now) {
            self.hot.pop_first();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(n: u64) -> Duration {
        Duration::from_millis(n)
    }

    #[test]
    fn a_place_is_cold_one_period_after_its_answer() {
        let rate: Rate = "2/10s".parse().unwrap();
        let mut window = Window::new(Times::of(&rate), 2);
        let start = Instant::now();
        let Verdict::Go(first) = window.admit(start) else { panic!() };
        let Verdict::Go(_) = window.admit(start) else { panic!() };
        // an answer in time tells when the call had arrived at the latest
        window.arrived(first, start + millis(20));
        let Verdict::Wait(Some(when)) = window.admit(start) else { panic!() };
        assert_eq!(when, start + millis(20 + 10_000 + 10 + 1));
        let Verdict::Go(_) = window.admit(when) else { panic!() };
        // the other was never answered: it is taken to have arrived within the margin
        let Verdict::Wait(Some(when)) = window.admit(when) else { panic!() };
        assert_eq!(when, start + millis(250 + 10_000 + 10 + 1));
    }

    #[test]
    fn places_given_up_stay_hot_until_that_is_on_record() {
        let rate: Rate = "3/10s".parse().unwrap();
        let mut window = Window::new(Times::of(&rate), 3);
        let now = Instant::now();
        for _ in 0..2 {
            let Verdict::Go(_) = window.admit(now) else { panic!() };
        }
        assert!(window.shrink(3, 2, now).is_empty(), "the cold one goes first");
        let given = window.shrink(2, 1, now);
        assert_eq!((given.len(), window.capacity(), window.hot(now)), (1, 1, 2));
        // the share comes back, for the record could not be written: both are still hot
        window.lease(2, now + millis(60_000));
        assert!(matches!(window.admit(now), Verdict::Wait(Some(_))));
        window.forget(&given);
        assert!(matches!(window.admit(now), Verdict::Go(_)));
        assert!(matches!(window.admit(now + millis(60_000)), Verdict::Wait(None)), "the lease is over");
    }

    #[test]
    fn a_pause_is_for_all() {
        let mut window = Window::new(Times::of(&Rate::default()), 100);
        let now = Instant::now();
        window.pause(now + millis(500));
        window.pause(now + millis(100));
        let Verdict::Wait(Some(when)) = window.admit(now) else { panic!() };
        assert_eq!(when, now + millis(500));
        assert!(matches!(window.admit(when), Verdict::Go(_)));
    }
}
