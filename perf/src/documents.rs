//! The documents of a run: made from their number alone, so that every run measures on the same ones.

use serde_json::{Value, json};

/// A small ground is enough: what is measured is the way through hooke, not the size of an index.
pub(crate) const MOST: usize = 100_000;

const WORDS: [&str; 48] = [
    "amber", "anchor", "basin", "beacon", "bridge", "canal", "cedar", "chart", "cliff", "cloud", "copper", "crane", "delta",
    "drift", "ember", "ferry", "field", "flint", "forest", "garden", "glacier", "granite", "harbour", "hollow", "island",
    "lantern", "ledge", "marble", "meadow", "mill", "mirror", "oak", "orchard", "pebble", "pier", "plain", "quarry", "reef",
    "ridge", "river", "shore", "silver", "spring", "stone", "summit", "tower", "valley", "willow",
];
const SECTIONS: [&str; 6] = ["coast", "hills", "lakes", "plains", "towns", "woods"];

/// Numbers that look like chance and are the same in each run (splitmix64).
pub(crate) fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

fn pick<'a>(from: &[&'a str], number: u64) -> &'a str {
    from[(scatter(number) % from.len() as u64) as usize]
}

pub(crate) fn word(number: u64) -> &'static str {
    pick(&WORDS, number)
}

/// One of the values of `section`.
pub(crate) fn section(number: u64) -> &'static str {
    pick(&SECTIONS, number)
}

pub(crate) fn document(number: u64) -> Value {
    let seed = number.wrapping_mul(1_000);
    let words = |from: u64, count: u64| (0..count).map(|at| word(seed + from + at)).collect::<Vec<_>>();
    json!({
        "name": words(0, 2).join(" "),
        "section": section(seed),
        "size": scatter(seed + 1) % 100_000,
        "tags": words(10, 1 + scatter(seed + 2) % 3),
        "description": words(20, 30).join(" "),
        "addedOn": format!("20{:02}-{:02}-{:02}", 10 + scatter(seed + 3) % 15, 1 + scatter(seed + 4) % 12, 1 + scatter(seed + 5) % 28),
    })
}

pub(crate) fn mapping() -> Value {
    json!({
        "_meta": {"hooke": {"lists": ["tags"]}},
        "properties": {
            "name": {"type": "text", "fields": {"keyword": {"type": "keyword"}}},
            "section": {"type": "keyword"},
            "size": {"type": "long"},
            "tags": {"type": "keyword"},
            "description": {"type": "text"},
            "addedOn": {"type": "date"},
        },
    })
}

pub(crate) fn hashtag(number: u64) -> String {
    format!("#{}{}{number}", word(number), word(number + 7))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_number_is_the_same_document() {
        assert_eq!(document(7), document(7));
        assert_ne!(document(7), document(8));
        assert!(hashtag(0).chars().count() >= 3);
    }
}
