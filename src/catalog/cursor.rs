//! Cursors: a place in an order, signed, and bound to collection, query, order and the viewer's policy.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::digest::SHA256_OUTPUT_LEN;
use ring::hmac;

use serde_json::Value as Json;

use crate::search::date::Time;
use crate::search::value::Value;
use crate::search::{CollectionName, GroupKey, Key, Kind};

/// Signs and reads cursors; one per process, from the secret that all processes share.
///
/// The place inside is veiled as well as signed: sort values and numbers of documents may tell of what a viewer cannot see.
pub struct Signer {
    key: hmac::Key,
    veil: hmac::Key,
    /// Of the viewers whose cursors these are; cursors of one policy are of no use under another.
    policy: Box<str>,
}

/// Longer ones are not even looked at: a sort value is at most 32,766 bytes, and an order has few of them.
const LONGEST: usize = 512 * 1024;

/// Under a policy the length of a place is a multiple of this.
const STEP: usize = 64;

/// So that no signature made for another purpose from the same secret can pass for a cursor.
const PURPOSE: &[u8] = b"hooke cursor 2\0";

/// What a cursor is for: the collection and the arguments that decide which documents come, in which order. Date math stays as it was
/// written, so that pages of "the last seven days" belong together. A page's link and the GraphQL query it shows share their cursors.
pub fn binding(
    collection: &CollectionName,
    search: Option<&Json>,
    filter: Option<&Json>,
    ticks: Option<&Json>,
    order: Option<&Json>,
) -> String {
    serde_json::to_string(&(collection.as_str(), search, filter, ticks, order)).unwrap_or_default()
}

/// The place of a group in an order by key.
pub fn of_group<'v>(key: impl Iterator<Item = Option<&'v Value>>) -> Key {
    let written = |value: &Value| match value {
        Value::Text(text) => Json::from(text.as_str()),
        Value::Long(value) => Json::from(*value),
        // bit by bit, for digits may round
        Value::Double(value) => Json::from(value.to_bits()),
        Value::Boolean(value) => Json::from(*value),
        Value::Date(time) => Json::from(time.0.to_string()),
        Value::Ip(address) => Json::from(address.to_string()),
    };
    Key(key.map(|value| value.map_or(Json::Null, written)).collect())
}

/// The same read again; `None` where it does not fit these keys.
pub fn group_place(keys: &[GroupKey], place: &Key) -> Option<Vec<Option<Value>>> {
    let read = |(key, json): (&GroupKey, &Json)| {
        if json.is_null() {
            return Some(None);
        }
        let value = match &key.field.kind {
            Kind::Keyword(_) | Kind::Text { .. } => Value::Text(json.as_str()?.to_owned()),
            Kind::Number(number) if number.is_whole() => Value::Long(json.as_i64()?),
            Kind::Number(_) => Value::Double(f64::from_bits(json.as_u64()?)),
            Kind::Boolean => Value::Boolean(json.as_bool()?),
            Kind::Date(_) => Value::Date(Time(json.as_str()?.parse().ok()?)),
            Kind::Ip => Value::Ip(json.as_str()?.parse().ok()?),
            Kind::GeoPoint | Kind::Vector { .. } | Kind::Object | Kind::Nested | Kind::Json { .. } => return None,
        };
        Some(Some(value))
    };
    (keys.len() == place.0.len()).then(|| keys.iter().zip(&place.0).map(read).collect()).flatten()
}

impl Signer {
    pub fn new(secret: &[u8]) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let veil = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&key, b"hooke cursor veil 1").as_ref());
        Signer { key, veil, policy: "".into() }
    }

    /// For viewers of this policy.
    pub fn under(&self, policy: &str) -> Self {
        Signer { key: self.key.clone(), veil: self.veil.clone(), policy: policy.into() }
    }

    /// `binding` is a text that names all that the cursor is for; equal requests give equal texts.
    pub fn write(&self, binding: &str, key: &Key) -> String {
        let mut place = serde_json::Value::from(key.0.clone()).to_string();
        if !self.policy.is_empty() {
            // how many digits a number of a document has tells how much was written, of others too
            place.extend(std::iter::repeat_n(' ', place.len().next_multiple_of(STEP) - place.len()));
        }
        let tag = hmac::sign(&self.key, &self.message(binding, place.as_bytes()));
        let mut place = place.into_bytes();
        self.turn(tag.as_ref(), &mut place);
        URL_SAFE_NO_PAD.encode([tag.as_ref(), &place].concat())
    }

    /// `None`: it is not ours, was changed, or belongs to something else.
    pub fn read(&self, binding: &str, cursor: &str) -> Option<Key> {
        if cursor.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (tag, place) = bytes.split_at_checked(SHA256_OUTPUT_LEN)?;
        let mut place = place.to_vec();
        self.turn(tag, &mut place);
        hmac::verify(&self.key, &self.message(binding, &place), tag).ok()?;
        serde_json::from_slice(&place).ok().map(Key)
    }

    /// Veils what is plain, and the other way; the signature makes it another veil for each place.
    fn turn(&self, tag: &[u8], place: &mut [u8]) {
        for (number, part) in (0u32..).zip(place.chunks_mut(SHA256_OUTPUT_LEN)) {
            let veil = hmac::sign(&self.veil, &[tag, &number.to_be_bytes()].concat());
            part.iter_mut().zip(veil.as_ref()).for_each(|(byte, veil)| *byte ^= veil);
        }
    }

    /// The lengths in front keep the parts from running into each other.
    fn message(&self, binding: &str, place: &[u8]) -> Vec<u8> {
        let length = |text: &str| (text.len() as u64).to_be_bytes();
        let Signer { policy, .. } = self;
        [PURPOSE, &length(policy), policy.as_bytes(), &length(binding), binding.as_bytes(), place].concat()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value as Json, json};

    use super::*;

    fn sort_value() -> impl Strategy<Value = Json> {
        prop_oneof![
            Just(Json::Null),
            any::<i64>().prop_map(Json::from),
            any::<u64>().prop_map(Json::from),
            any::<bool>().prop_map(Json::from),
            prop::num::f64::NORMAL.prop_map(Json::from),
            ".{0,20}".prop_map(Json::from),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_was_written_is_read(key in prop::collection::vec(sort_value(), 0..5).prop_map(Key), binding in ".{0,40}") {
            let signer = Signer::new(b"secret");
            let cursor = signer.write(&binding, &key);
            prop_assert!(cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_'));
            prop_assert_eq!(signer.read(&binding, &cursor), Some(key));
            prop_assert_eq!(signer.read(&format!("{binding} "), &cursor), None);
            prop_assert_eq!(Signer::new(b"other").read(&binding, &cursor), None);
        }

        #[test]
        fn one_changed_letter_is_seen(at in 0_usize..200, letter in "[A-Za-z0-9_-]") {
            let signer = Signer::new(b"secret");
            let cursor = signer.write("orders", &Key(vec![json!(7), json!("x")]));
            let at = at % cursor.len();
            let changed = format!("{}{letter}{}", &cursor[..at], &cursor[at + 1..]);
            prop_assert_eq!(signer.read("orders", &changed).is_some(), changed == cursor);
        }
    }

    #[test]
    fn under_a_policy_the_length_tells_no_digits() {
        let (open, held) = (Signer::new(b"secret"), Signer::new(b"secret").under("a policy"));
        let lengths =
            |signer: &Signer| [7_u64, 70_000, u64::MAX].map(|n| signer.write("orders", &Key(vec![json!("x"), json!(n)])).len());
        let [one, other, last] = lengths(&held);
        assert!(one == other && other == last);
        assert_ne!(lengths(&open)[0], lengths(&open)[2]);
        let key = Key(vec![json!("x"), json!(7)]);
        let cursor = held.write("orders", &key);
        assert_eq!((held.read("orders", &cursor), open.read("orders", &cursor)), (Some(key), None));
    }

    #[test]
    fn rubbish_is_no_cursor() {
        let signer = Signer::new(b"secret");
        for cursor in ["", "a", "====", "eyJhIjoxfQ", &"A".repeat(100), &"A".repeat(LONGEST + 4)] {
            assert_eq!(signer.read("orders", cursor), None);
        }
        let cursor = signer.write("orders", &Key(vec![json!(1)]));
        assert!(cursor.len() < 60, "{cursor}");
        assert_eq!(signer.read("orders", &format!("{cursor}=")), None);
    }
}
