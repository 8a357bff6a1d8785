//! Words of texts. The evaluator is handed them: tests by tables written by hand, a sample of somebody's documents by [`Plain`].

use crate::search::Analyzer;

/// What an analyzer makes of a text, in order.
pub trait Words {
    fn words(&self, analyzer: &Analyzer, text: &str) -> Vec<String>;
}

/// Words where there can be no two opinions about them: runs of plain letters and digits between blanks and plain signs. What is
/// not so simple (`wi.fi`, emoji, Thai) is unsure: it stands as one word that equals none.
pub struct Plain;

/// One that nobody can ask for.
const UNSURE: &str = "\u{0}";
/// The standard analyzer cuts longer ones.
const LONGEST: usize = 255;

impl Words for Plain {
    fn words(&self, analyzer: &Analyzer, text: &str) -> Vec<String> {
        let told = |part: Part<'_>| match part {
            Part::Word(word) => word,
            Part::Unsure(_) => UNSURE.to_owned(),
        };
        parts(analyzer, text).into_iter().map(told).collect()
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Part<'t> {
    Word(String),
    Unsure(&'t str),
}

/// Whether these words, one after another, stand in a text. `None`: nobody can tell here.
pub(super) fn stands(analyzer: &Analyzer, text: &str, words: &[String]) -> Option<bool> {
    let parts = parts(analyzer, text);
    let found = parts
        .windows(words.len().max(1))
        .any(|window| window.iter().zip(words).all(|(part, word)| matches!(part, Part::Word(other) if other == word)));
    if found {
        return Some(true);
    }
    let unsure = |part: &Part<'_>| match part {
        Part::Word(_) => false,
        // between two words of a phrase anything may turn out to be nothing
        Part::Unsure(text) => words.len() > 1 || words.iter().any(|word| may_hold(text, word)),
    };
    (!parts.iter().any(unsure)).then_some(false)
}

/// Whether a word beginning so stands in a text. `None`: nobody can tell here.
pub(super) fn begins(analyzer: &Analyzer, text: &str, word: &str) -> Option<bool> {
    let parts = parts(analyzer, text);
    if parts.iter().any(|part| matches!(part, Part::Word(other) if other.starts_with(word))) {
        return Some(true);
    }
    (!parts.iter().any(|part| matches!(part, Part::Unsure(text) if may_hold(text, word)))).then_some(false)
}

/// Words of a text that are sure ones.
pub(super) fn sure(analyzer: &Analyzer, text: &str) -> Vec<String> {
    let word = |part| if let Part::Word(word) = part { Some(word) } else { None };
    parts(analyzer, text).into_iter().filter_map(word).collect()
}

fn may_hold(text: &str, word: &str) -> bool {
    // of this one the small letter is written in two ways
    text.contains('İ') || text.to_lowercase().contains(word) || text.contains(word)
}

fn parts<'t>(analyzer: &Analyzer, text: &'t str) -> Vec<Part<'t>> {
    let blank = |c: char| c == ' ' || c == '\n' || c == '\t' || c == '\r';
    match analyzer {
        Analyzer::Whitespace => text
            .split(blank)
            .filter(|part| !part.is_empty())
            .map(|part| if is_plain(part) { Part::Word(part.to_owned()) } else { Part::Unsure(part) })
            .collect(),
        Analyzer::Standard => text
            .split(|c: char| blank(c) || is_sign(c))
            .map(|part| part.trim_matches(['.', ',', ':', ';', '\'']))
            .filter(|part| !part.is_empty())
            .map(|part| if is_plain(part) { Part::Word(part.to_lowercase()) } else { Part::Unsure(part) })
            .collect(),
        // one of letters alone, and a whole text: seldom, and easily held to the others
        Analyzer::Simple | Analyzer::Keyword | Analyzer::Other(_) => vec![Part::Unsure(text)],
    }
}

/// Parts words wherever it stands.
fn is_sign(c: char) -> bool {
    matches!(c, '!' | '"' | '#' | '$' | '%' | '&' | '(' | ')' | '*' | '+' | '-' | '/' | '<' | '=' | '>' | '?' | '@')
        || matches!(c, '[' | '\\' | ']' | '^' | '`' | '{' | '|' | '}' | '~')
}

fn is_plain(word: &str) -> bool {
    // Latin, Greek and Cyrillic; without those whose small letter is not one letter, or not always the same
    let letter = |c: char| {
        c.is_ascii_alphanumeric()
            || c.is_alphabetic() && matches!(c, 'À'..='ɏ' | 'Ά'..='ώ' | 'Ѐ'..='ӿ') && !matches!(c, 'İ' | 'Σ' | 'ς')
    };
    !word.is_empty() && word.chars().count() < LONGEST && word.chars().all(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sure_words_and_others() {
        let words = |text| sure(&Analyzer::Standard, text);
        assert_eq!(words("The quick, (brown) fox-trot. 42nd"), ["the", "quick", "brown", "fox", "trot", "42nd"]);
        assert_eq!(words("don't e.g. 3.14 wi_fi Ünï 👩 สวัสดี"), ["ünï"]);
        let asked = |text, words: &[&str]| {
            stands(&Analyzer::Standard, text, &words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(asked("a web server", &["web"]), Some(true));
        assert_eq!(asked("a webserver", &["web"]), Some(false));
        assert_eq!(asked("a web.server", &["web"]), None);
        assert_eq!(asked("a web server", &["web", "server"]), Some(true));
        assert_eq!(asked("server web", &["web", "server"]), Some(false));
        assert_eq!(asked("a web … server", &["web", "server"]), None);
        assert_eq!(begins(&Analyzer::Standard, "a webserver", "web"), Some(true));
        assert_eq!(sure(&Analyzer::Whitespace, "Web server-x"), ["Web"]);
    }
}
