//! Which word of a text to drop: the texts that both engines count, and what is told of the counts. Pure.

use super::spelling::pieces;
use super::suggest::{Relaxed, WORDS_MOST};
use super::{Operator, Relation, TextMatch, Total};

/// A text with one of its words left out.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shorter {
    pub(super) text: TextMatch,
    pub(super) dropped: String,
}

/// Every text with one word less, in the order of the words; none where one word is all there is, or any word is enough.
pub(super) fn shorter(text: &TextMatch) -> Vec<Shorter> {
    let pieces = pieces(&text.query);
    if text.operator != Operator::And || !(2..=WORDS_MOST).contains(&pieces.len()) {
        return Vec::new();
    }
    let words: Vec<&str> = pieces.into_iter().map(|(start, end)| &text.query[start..end]).collect();
    let mut all: Vec<Shorter> = Vec::with_capacity(words.len());
    for (left_out, dropped) in words.iter().enumerate() {
        let kept = words.iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, word)| *word);
        let query = kept.collect::<Vec<_>>().join(" ");
        // of a word that stands twice either one
        if !all.iter().any(|known| known.text.query == query) {
            all.push(Shorter { text: TextMatch { query, ..text.clone() }, dropped: (*dropped).to_owned() });
        }
    }
    all
}

/// Those that find more than the whole text does, the one that finds most first, then in the order of the words.
pub(super) fn told(shorter: Vec<Shorter>, counts: Vec<u64>, found: u64) -> Vec<Relaxed> {
    let mut told: Vec<Relaxed> = shorter
        .into_iter()
        .zip(counts)
        .filter(|(_, count)| *count > found)
        .map(|(shorter, value)| Relaxed {
            text: shorter.text.query,
            dropped: vec![shorter.dropped],
            total: Total { value, relation: Relation::Equal },
        })
        .collect();
    told.sort_by_key(|relaxed| std::cmp::Reverse(relaxed.total.value));
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Fuzziness;

    fn text(query: &str, operator: Operator) -> TextMatch {
        TextMatch { query: query.into(), fields: Vec::new(), operator, fuzziness: Fuzziness::Auto }
    }

    fn texts(query: &str, operator: Operator) -> Vec<(String, String)> {
        shorter(&text(query, operator)).into_iter().map(|shorter| (shorter.text.query, shorter.dropped)).collect()
    }

    #[test]
    fn each_word_is_left_out_once() {
        let pair = |text: &str, dropped: &str| (text.to_owned(), dropped.to_owned());
        assert_eq!(
            texts(" web  é-x web ", Operator::And),
            [pair("é-x web", "web"), pair("web web", "é-x"), pair("web é-x", "web")]
        );
        assert_eq!(texts("web web", Operator::And), [pair("web", "web")]);
        assert!(texts("web", Operator::And).is_empty() && texts("", Operator::And).is_empty());
        assert!(texts("web server", Operator::Or).is_empty(), "any word is enough");
        assert!(texts(&"x ".repeat(WORDS_MOST + 1), Operator::And).is_empty());
        assert_eq!(shorter(&text("a b", Operator::And))[0].text.fuzziness, Fuzziness::Auto);
    }

    #[test]
    fn what_finds_most_comes_first_and_what_finds_no_more_not_at_all() {
        let told = told(shorter(&text("a b c d", Operator::And)), vec![2, 7, 1, 7], 1);
        let told: Vec<_> = told.iter().map(|relaxed| (relaxed.text.as_str(), relaxed.total.value)).collect();
        assert_eq!(told, [("a c d", 7), ("a b c", 7), ("b c d", 2)]);
    }
}
