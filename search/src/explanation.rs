//! Why a document has its score, as a tree that both engines build alike: the best field counts, of a field the sum of its words,
//! of a word boost × idf × tf. What stands below a sum is in the order of its names.

use super::Explanation;

const SUM: &str = "the sum of what was found";
const BEST: &str = "the best field counts";
const WORD: &str = "the word as it stands: boost × idf × tf";
const FOUND: &str = "the word as it stands or by its edits: 0.1 × boost";
const NEAR: &str = "how near the vector is";
const BOOST: &str = "boost, of the field and how often the word was asked, × 2.2";
const IDF: &str = "idf, how rare the word is: ln(1 + (N - n + 0.5) / (n + 0.5))";
const TF: &str = "tf, how often it is there and in how long a text: freq / (freq + k1 × (1 - b + b × length / average))";
const FUSED: &str = "the sum over rankings of 1 / (60 + place)";
const PLACE: &str = "1 / (60 + place)";

/// What the score of one word is made of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct WordScore {
    pub(super) boost: f64,
    /// Documents with the word.
    pub(super) found: f64,
    /// Documents with the field.
    pub(super) documents: f64,
    /// How often the word is in the document.
    pub(super) frequency: f64,
    pub(super) k1: f64,
    pub(super) b: f64,
    /// Words in the field of the document, and on average.
    pub(super) length: f64,
    pub(super) average: f64,
}

/// A single precision number as its own digits, not as those of a double.
pub(super) fn digits(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

fn node(value: f64, description: &str, details: Vec<Explanation>) -> Explanation {
    Explanation { value, description: description.into(), field: None, term: None, details }
}

fn leaf(value: f64, description: &str) -> Explanation {
    node(value, description, Vec::new())
}

/// What neither engine's own words are known for: it is told as it is.
pub(super) fn other(value: f64, description: &str, details: Vec<Explanation>) -> Explanation {
    node(value, description, details)
}

/// `value` is the engine's own, which rounds on its way.
pub(super) fn word(field: &str, term: &str, value: f64, of: &WordScore) -> Explanation {
    let idf = (1.0 + (of.documents - of.found + 0.5) / (of.found + 0.5)).ln();
    let tf = of.frequency / (of.frequency + of.k1 * (1.0 - of.b + of.b * of.length / of.average));
    let idf =
        node(idf, IDF, vec![leaf(of.found, "n, documents with the word"), leaf(of.documents, "N, documents with the field")]);
    let parts = vec![
        leaf(of.frequency, "freq, times the word is there"),
        leaf(of.k1, "k1"),
        leaf(of.b, "b"),
        leaf(of.length, "length, words in the field, of long texts about"),
        leaf(of.average, "average, words in the field of all documents"),
    ];
    let mut made = node(value, WORD, vec![leaf(of.boost, BOOST), idf, node(tf, TF, parts)]);
    (made.field, made.term) = (Some(field.into()), Some(term.into()));
    made
}

/// A word where edits are allowed: found so or exactly it is worth the same.
pub(super) fn found(field: &str, term: &str, value: f64) -> Explanation {
    Explanation { field: Some(field.into()), term: Some(term.into()), ..leaf(value, FOUND) }
}

pub(super) fn near(field: &str, value: f64) -> Explanation {
    Explanation { field: Some(field.into()), ..leaf(value, NEAR) }
}

/// What was found in one field. The same word asked twice is one that counts twice.
pub(super) fn sum(parts: Vec<Explanation>) -> Option<Explanation> {
    let mut all: Vec<Explanation> = Vec::with_capacity(parts.len());
    for part in parts {
        let inner = if part.description == SUM { part.details } else { vec![part] };
        for one in inner {
            let named = one.term.is_some();
            let same = |other: &&mut Explanation| named && names(other) == names(&one) && other.description == one.description;
            match all.iter_mut().find(same) {
                Some(known) => {
                    known.value += one.value;
                    if let (Some(boost), Some(more)) = (known.details.first_mut(), one.details.first()) {
                        boost.value += more.value;
                    }
                }
                None => all.push(one),
            }
        }
    }
    all.sort_by(|one, other| (names(one), &one.description).cmp(&(names(other), &other.description)));
    joined(all, SUM, |values| values.sum())
}

/// Over fields, or over collections.
pub(super) fn best(mut parts: Vec<Explanation>) -> Option<Explanation> {
    let place = |one: &Explanation| deepest(one).field.clone();
    parts.sort_by_cached_key(place);
    joined(parts, BEST, |values| values.fold(0.0, f64::max))
}

/// At a place (the first is 1) of one of the rankings that are fused.
pub(super) fn place(worth: f64, place: usize, inner: Option<Explanation>) -> Explanation {
    let mut details = vec![leaf(place as f64, "place")];
    details.extend(inner);
    node(worth, PLACE, details)
}

pub(super) fn fused(parts: Vec<Explanation>) -> Explanation {
    node(parts.iter().map(|part| part.value).sum(), FUSED, parts)
}

fn names(one: &Explanation) -> (&Option<String>, &Option<String>) {
    (&one.field, &one.term)
}

/// The first part that has a field.
fn deepest(one: &Explanation) -> &Explanation {
    match one.details.first() {
        Some(inner) if one.field.is_none() => deepest(inner),
        _ => one,
    }
}

/// One part alone needs nothing around it.
fn joined(
    mut parts: Vec<Explanation>,
    description: &str,
    value: impl Fn(&mut dyn Iterator<Item = f64>) -> f64,
) -> Option<Explanation> {
    match parts.len() {
        0 => None,
        1 => parts.pop(),
        _ => Some(node(value(&mut parts.iter().map(|part| part.value)), description, parts)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCORE: WordScore =
        WordScore { boost: 2.2, found: 1.0, documents: 2.0, frequency: 1.0, k1: 1.2, b: 0.75, length: 3.0, average: 2.0 };

    fn one(field: &str, term: &str) -> Explanation {
        word(field, term, 0.575_442_9, &SCORE)
    }

    #[test]
    fn a_word_is_what_its_parts_make() {
        let made = one("title", "quick");
        let product: f64 = made.details.iter().map(|part| part.value).product();
        assert!((product - made.value).abs() < 1e-6, "{product} {}", made.value);
        assert_eq!((made.field.as_deref(), made.term.as_deref()), (Some("title"), Some("quick")));
    }

    #[test]
    fn sums_are_flat_in_order_and_one_part_stands_alone() {
        assert_eq!(sum(Vec::new()), None);
        assert_eq!(sum(vec![one("a", "x")]), Some(one("a", "x")));
        let inner = sum(vec![found("a", "y", 0.1), found("a", "x", 0.1)]).unwrap();
        let whole = sum(vec![inner, one("a", "x")]).unwrap();
        let terms: Vec<_> = whole.details.iter().map(|part| (part.term.as_deref().unwrap(), part.details.len())).collect();
        assert_eq!(terms, [("x", 0), ("x", 3), ("y", 0)]);
        assert!((whole.value - 0.775_442_9).abs() < 1e-6);
        let best = best(vec![one("b", "x"), whole.clone()]).unwrap();
        assert_eq!((best.value, &best.details[0]), (whole.value, &whole));
    }

    #[test]
    fn a_word_asked_twice_counts_twice() {
        let twice = sum(vec![one("a", "x"), one("a", "x")]).unwrap();
        assert!((twice.value - 1.150_885_8).abs() < 1e-6);
        assert_eq!((twice.details[0].value, twice.details.len()), (4.4, 3));
    }

    #[test]
    fn singles_keep_their_digits() {
        assert_eq!(digits(0.1), 0.1);
        assert_eq!(digits(2.2_f32), 2.2);
    }
}
