//! How several processes divide one limit: the record that all of them keep, and what one of them writes into it. Pure; `keeper` does the
//! waiting and `board` the reading and writing.
//!
//! The limit is so many places (see `window`). On record, each place is in exactly one of three states: part of somebody's share,
//! cooling (given up, or left behind by a process that died, and still hot until a moment), or free. Only free places are taken.
//! So no two processes ever use one place within a period, also while it changes hands.

use serde::{Deserialize, Serialize};

use crate::search::{Result, Version};

/// A share that was not renewed for so long is over.
pub(crate) const LEASE_MS: u64 = 10_000;
/// Clocks of processes that share a limit may differ by so much.
pub(crate) const SKEW_MS: u64 = 500;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Record {
    pub(crate) shares: Vec<Share>,
    pub(crate) cooling: Vec<Cooling>,
    /// The upstream has asked everybody to wait until then; milliseconds since 1970, as all times here.
    pub(crate) paused: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Share {
    pub(crate) owner: String,
    pub(crate) places: u32,
    /// What its owner could use.
    pub(crate) wanted: u32,
    pub(crate) until: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cooling {
    pub(crate) places: u32,
    pub(crate) until: u64,
}

/// Where the record of one upstream is kept.
#[async_trait::async_trait]
pub(crate) trait Board: Send + Sync + 'static {
    async fn read(&self) -> Result<(Option<Version>, Record)>;
    /// False where somebody else has written since.
    async fn write(&self, over: Option<Version>, record: &Record) -> Result<bool>;
    /// Milliseconds since 1970.
    fn now(&self) -> u64;
}

/// What does not change for one upstream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms {
    pub(crate) limit: u32,
    /// From the end of a lease until all of its places are cold.
    pub(crate) cooling_ms: u64,
}

impl Record {
    /// Leases that are over leave hot places behind; those cold by now are free.
    pub(crate) fn settle(&mut self, terms: Terms, now: u64) {
        let (held, over) = std::mem::take(&mut self.shares).into_iter().partition(|share| share.until + SKEW_MS >= now);
        self.shares = held;
        let left = over.into_iter().filter(|share: &Share| share.places > 0);
        self.cooling.extend(left.map(|share| Cooling { places: share.places, until: share.until + terms.cooling_ms }));
        self.cooling.retain(|cooling| cooling.until + SKEW_MS > now);
    }

    pub(crate) fn of(&self, owner: &str) -> Option<&Share> {
        self.shares.iter().find(|share| share.owner == owner)
    }

    pub(crate) fn places_of(&self, owner: &str) -> u32 {
        self.of(owner).map_or(0, |share| share.places)
    }

    fn free(&self, terms: Terms) -> u32 {
        let taken = self.shares.iter().map(|share| share.places).chain(self.cooling.iter().map(|cooling| cooling.places));
        taken.fold(terms.limit, u32::saturating_sub)
    }

    /// How many places this owner should hold now that it could use `wanted`. Never more than it has and what is free.
    pub(crate) fn aim(&self, terms: Terms, owner: &str, wanted: u32) -> u32 {
        let mine = self.places_of(owner);
        let fair = self.fair(terms, owner, wanted);
        let others_lack = self
            .shares
            .iter()
            .any(|share| share.owner != owner && share.places < self.fair_of(terms, owner, wanted, &share.owner));
        if wanted == 0 || (mine > fair && others_lack) {
            return fair.min(mine);
        }
        mine + fair.saturating_sub(mine).min(self.free(terms))
    }

    fn fair(&self, terms: Terms, owner: &str, wanted: u32) -> u32 {
        self.fair_of(terms, owner, wanted, owner)
    }

    /// The limit poured evenly over all who want some of it: nobody gets more than wanted, and what is left over goes to the others.
    fn fair_of(&self, terms: Terms, owner: &str, wanted: u32, whose: &str) -> u32 {
        let mut wants: Vec<(u32, &str)> = self
            .shares
            .iter()
            .filter(|share| share.owner != owner)
            .map(|share| (share.wanted, share.owner.as_str()))
            .chain([(wanted, owner)])
            .collect();
        wants.sort_unstable();
        let (mut left, mut heads) = (terms.limit, u32::try_from(wants.len()).unwrap_or(u32::MAX));
        for (wanted, name) in wants {
            // the last ones get what division leaves over
            let part = wanted.min(left / heads.max(1));
            if name == whose {
                return part;
            }
            left -= part;
            heads -= 1;
        }
        0
    }

    /// Writes down a share; places given up are cold at these moments, or at once where none is named.
    pub(crate) fn hold(&mut self, owner: &str, places: u32, wanted: u32, now: u64, given: impl IntoIterator<Item = u64>) {
        self.shares.retain(|share| share.owner != owner);
        if places > 0 || wanted > 0 {
            self.shares.push(Share { owner: owner.to_owned(), places, wanted, until: now + LEASE_MS });
        }
        for until in given {
            // one entry for all that cool within a tenth of a second
            let until = until.div_ceil(100) * 100;
            match self.cooling.iter_mut().find(|cooling| cooling.until == until) {
                Some(cooling) => cooling.places += 1,
                None => self.cooling.push(Cooling { places: 1, until }),
            }
        }
    }

    /// When something may become free by itself.
    pub(crate) fn next(&self) -> Option<u64> {
        let ends = self.cooling.iter().map(|cooling| cooling.until).chain(self.shares.iter().map(|share| share.until));
        ends.min().map(|end| end + SKEW_MS + 1)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TERMS: Terms = Terms { limit: 100, cooling_ms: 60_000 };

    #[test]
    fn one_alone_gets_what_it_wants_and_two_get_halves() {
        let mut record = Record::default();
        assert_eq!(record.aim(TERMS, "a", 250), 100);
        record.hold("a", 100, 250, 0, []);
        // b gets nothing yet, but says that it wants some
        assert_eq!(record.aim(TERMS, "b", 80), 0);
        record.hold("b", 0, 80, 0, []);
        assert_eq!(record.aim(TERMS, "a", 250), 50);
        record.hold("a", 50, 250, 0, (0..50).map(|_| 60_000));
        record.settle(TERMS, 5_000);
        assert_eq!(record.aim(TERMS, "b", 80), 0, "still hot");
        // both have renewed meanwhile
        for share in &mut record.shares {
            share.until = 70_000;
        }
        record.settle(TERMS, 60_501);
        assert_eq!(record.aim(TERMS, "b", 80), 50);
    }

    #[test]
    fn one_that_wants_little_leaves_the_rest_to_others() {
        let mut record = Record::default();
        record.hold("a", 0, 10, 0, []);
        record.hold("b", 0, 300, 0, []);
        assert_eq!((record.aim(TERMS, "a", 10), record.aim(TERMS, "b", 300)), (10, 90));
        assert_eq!(record.aim(TERMS, "c", 300), 45);
    }

    #[test]
    fn the_dead_leave_hot_places_behind() {
        let mut record = Record::default();
        record.hold("a", 60, 60, 0, []);
        record.settle(TERMS, LEASE_MS + SKEW_MS);
        assert_eq!(record.places_of("a"), 60);
        record.settle(TERMS, LEASE_MS + SKEW_MS + 1);
        assert_eq!((record.places_of("a"), record.aim(TERMS, "b", 100)), (0, 40));
        record.settle(TERMS, LEASE_MS + TERMS.cooling_ms + SKEW_MS);
        assert_eq!((record.cooling.len(), record.aim(TERMS, "b", 100)), (0, 100));
    }

    proptest! {
        /// Whatever they do, in whatever order: the places on record are never more than the limit.
        #[test]
        fn places_are_never_more_than_the_limit(steps in proptest::collection::vec((0_u8..4, 0_u32..300, 0_u64..20_000), 1..200)) {
            let (mut record, mut now) = (Record::default(), 0);
            for (who, wanted, later) in steps {
                now += later;
                let owner = ["a", "b", "c", "d"][usize::from(who)];
                record.settle(TERMS, now);
                let (before, aim) = (record.places_of(owner), record.aim(TERMS, owner, wanted));
                let given = before.saturating_sub(aim);
                record.hold(owner, aim, wanted, now, (0..given).map(|n| now + u64::from(n) * 600));
                let places: u32 = record.shares.iter().map(|share| share.places).chain(record.cooling.iter().map(|c| c.places)).sum();
                prop_assert!(places <= TERMS.limit, "{places}: {record:?}");
                prop_assert!(aim <= wanted.max(before));
            }
        }
    }
}
