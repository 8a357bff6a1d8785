//! Versions as they are shown under a row rule. A version counts all writes of an index, so it would tell how much is written that the
//! viewer may not see: it is turned into another number, by a permutation of its own for each document that only this secret turns back.

use ring::hmac;

use crate::search::{CollectionName, DocumentId, Version};

#[derive(Clone)]
pub(super) struct Seal(hmac::Key);

const PURPOSE: &[u8] = b"hooke version 1\0";
/// Four suffice for a permutation that cannot be told from a random one.
const ROUNDS: [u8; 4] = [0, 1, 2, 3];

impl Seal {
    pub(super) fn new(secret: &[u8]) -> Self {
        Seal(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    pub(super) fn close(&self, on: &CollectionName, id: &DocumentId, version: Version) -> Version {
        let (mut left, mut right) = (version.seq_no, version.primary_term);
        for round in ROUNDS {
            (left, right) = (right, left ^ self.mix(on, id, round, right));
        }
        Version { seq_no: left, primary_term: right }
    }

    /// Of what was never shown some version that no document has.
    pub(super) fn open(&self, on: &CollectionName, id: &DocumentId, version: Version) -> Version {
        let (mut left, mut right) = (version.seq_no, version.primary_term);
        for round in ROUNDS.into_iter().rev() {
            (left, right) = (right ^ self.mix(on, id, round, left), left);
        }
        // engines count up to here
        let most = i64::MAX.unsigned_abs();
        Version { seq_no: left.min(most), primary_term: right.min(most) }
    }

    fn mix(&self, on: &CollectionName, id: &DocumentId, round: u8, half: u64) -> u64 {
        let mut signing = hmac::Context::with_key(&self.0);
        signing.update(PURPOSE);
        signing.update(&[round]);
        signing.update(&half.to_be_bytes());
        signing.update(&(on.as_str().len() as u64).to_be_bytes());
        signing.update(on.as_str().as_bytes());
        signing.update(id.as_str().as_bytes());
        let tag = signing.sign();
        let mut bytes = [0; 8];
        bytes.copy_from_slice(&tag.as_ref()[..8]);
        u64::from_be_bytes(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_turned_and_turned_back_for_each_document_apart() {
        let seal = Seal::new(b"secret");
        let on = CollectionName::parse("orders").unwrap();
        let (a, b) = (DocumentId::parse("a").unwrap(), DocumentId::parse("b").unwrap());
        for seq_no in 0..50 {
            let version = Version { seq_no, primary_term: 1 };
            let closed = seal.close(&on, &a, version);
            assert_ne!(closed, version);
            assert_eq!(seal.open(&on, &a, closed), version);
            assert_ne!(seal.open(&on, &b, closed), version);
            assert_ne!(Seal::new(b"other").open(&on, &a, closed), version);
            assert_eq!(closed.to_string().parse(), Ok(closed));
        }
    }
}
