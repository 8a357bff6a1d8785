//! Text becomes words, as the analyzers of Elasticsearch cut it: `standard`, `simple`, `whitespace`, `keyword`, and the
//! `lowercase` normalizer of keywords. Which field has which is known in `indexing`, `ranking` and `matching`.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation;

use super::super::pattern::lower;
use super::super::{Analyzer, Error, Exact, Result};

/// A word is cut after so many UTF-16 units, and what is left is the next word.
const LONGEST: usize = 255;

/// One word of a text: what is compared, where it stood (bytes), and its place among the words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) word: String,
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) position: u32,
}

/// Analyzers of language packs are not built in.
pub(super) fn check_analyzer(analyzer: &Analyzer) -> Result<()> {
    match analyzer {
        Analyzer::Other(name) => Err(Error::Unsupported(format!("the analyzer `{name}`"))),
        _ => Ok(()),
    }
}

pub(super) fn check_normalizer(exact: &Exact) -> Result<()> {
    match exact.normalizer.as_deref() {
        None | Some("lowercase") => Ok(()),
        Some(name) => Err(Error::Unsupported(format!("the normalizer `{name}`"))),
    }
}

pub(super) fn analyze(analyzer: &Analyzer, text: &str) -> Vec<Token> {
    let mut words = Words { text, tokens: Vec::new() };
    match analyzer {
        Analyzer::Standard | Analyzer::Other(_) => words.cut_standard(),
        Analyzer::Simple => words.cut_runs(is_letter, true),
        Analyzer::Whitespace => words.cut_runs(|c| !is_blank(c), false),
        Analyzer::Keyword if text.is_empty() => {}
        Analyzer::Keyword => words.push(0, text.len(), false),
    }
    words.tokens
}

/// The form in which a keyword is compared.
pub(super) fn normalize(exact: &Exact, value: &str) -> String {
    match exact.normalizer.as_deref() {
        Some("lowercase") => value.chars().map(lower).collect(),
        _ => value.to_owned(),
    }
}

struct Words<'a> {
    text: &'a str,
    tokens: Vec<Token>,
}

impl Words<'_> {
    fn push(&mut self, start: usize, end: usize, lowered: bool) {
        let word = &self.text[start..end];
        let word = if lowered { word.chars().map(lower).collect() } else { word.to_owned() };
        let position = self.tokens.len() as u32;
        self.tokens.push(Token { word, start, end, position });
    }

    /// In pieces of at most `LONGEST` units; a pair of surrogates is not parted.
    fn push_pieces(&mut self, start: usize, end: usize, lowered: bool) {
        let (mut from, mut units) = (start, 0);
        for (at, c) in self.text[start..end].char_indices() {
            if units + c.len_utf16() > LONGEST {
                self.push(from, start + at, lowered);
                (from, units) = (start + at, 0);
            }
            units += c.len_utf16();
        }
        if from < end {
            self.push(from, end, lowered);
        }
    }

    fn cut_runs(&mut self, inside: impl Fn(char) -> bool, lowered: bool) {
        let text = self.text;
        let mut from = None;
        for (at, c) in text.char_indices() {
            match (inside(c), from) {
                (true, None) => from = Some(at),
                (false, Some(start)) => {
                    self.push_pieces(start, at, lowered);
                    from = None;
                }
                _ => {}
            }
        }
        if let Some(start) = from {
            self.push_pieces(start, text.len(), lowered);
        }
    }

    /// The word boundaries of Unicode (UAX 29). Of the pieces between them those stay that hold a letter, a digit, or a picture;
    /// letters of scripts that do not part words (Thai, Lao, Khmer, Burmese) stay together.
    fn cut_standard(&mut self) {
        let shown = veiled(self.text);
        let text: &str = &shown;
        let mut complex: Option<(usize, usize)> = None;
        for (start, piece) in text.split_word_bound_indices() {
            let end = start + piece.len();
            if piece.chars().next().is_some_and(is_complex) {
                complex = match complex {
                    Some((from, to)) if to == start => Some((from, end)),
                    other => {
                        if let Some((from, to)) = other {
                            self.push_pieces(from, to, true);
                        }
                        Some((start, end))
                    }
                };
                continue;
            }
            if let Some((from, to)) = complex.take() {
                self.push_pieces(from, to, true);
            }
            if is_word(piece) {
                self.push_pieces(start, end, true);
            } else if let Some(at) = piece.find(|c| matches!(c, '\u{1F3FB}'..='\u{1F3FF}')) {
                // a skin tone without a picture before it is a picture
                self.push_pieces(start + at, end, true);
            }
        }
        if let Some((from, to)) = complex {
            self.push_pieces(from, to, true);
        }
    }
}

/// Signs that later versions of Unicode made letters, while Lucene's tables part words at them: something neutral of as many
/// bytes stands for them.
fn veiled(text: &str) -> Cow<'_, str> {
    let other = |c: char| matches!(c, '\u{B8}' | '\u{2E5}'..='\u{2EB}' | '\u{55A}' | '\u{55F}' | '\u{58A}' | '\u{3006}' | '\u{A708}'..='\u{A716}');
    if text.is_ascii() || !text.contains(other) {
        return Cow::Borrowed(text);
    }
    let mut neutral = String::with_capacity(text.len());
    for c in text.chars() {
        if other(c) { neutral.extend(std::iter::repeat_n('\u{1}', c.len_utf8())) } else { neutral.push(c) }
    }
    Cow::Owned(neutral)
}

fn is_word(piece: &str) -> bool {
    if piece.is_ascii() {
        return piece.bytes().any(|b| b.is_ascii_alphanumeric());
    }
    piece.chars().any(|c| c.is_alphabetic() && !is_mark(c) || joins(c) || is_east_asian(c)) || is_picture(piece)
}

/// Whether it continues whatever stands before it (marks, joiners): no word begins with one alone. Asked of the word
/// boundaries themselves.
fn is_mark(c: char) -> bool {
    let mut buffer = String::from("\u{1}");
    buffer.push(c);
    buffer.split_word_bounds().count() == 1
}

/// Letters and numbers that join a word (`1`, `٣`, `˗`), unlike `²` or `½`; connectors alone make no word.
fn joins(c: char) -> bool {
    let connector = matches!(
        c,
        '_' | '\u{202F}' | '\u{203F}' | '\u{2040}' | '\u{2054}' | '\u{FE33}' | '\u{FE34}' | '\u{FE4D}'..='\u{FE4F}' | '\u{FF3F}'
    );
    let mut buffer = String::from("a");
    buffer.push(c);
    !connector && buffer.split_word_bounds().count() == 1 && !is_mark(c)
}

/// Radicals and signs that are words by their script, though no letters.
fn is_east_asian(c: char) -> bool {
    matches!(c, '\u{2E80}'..='\u{2E99}' | '\u{2E9B}'..='\u{2EF3}' | '\u{2F00}'..='\u{2FD5}' | '\u{309B}' | '\u{309C}' | '\u{30A0}'
        | '\u{32D0}'..='\u{32FE}' | '\u{3300}'..='\u{3357}' | '\u{1F200}')
}

/// Emoji: pictures, flags, and keycaps.
fn is_picture(piece: &str) -> bool {
    let mut chars = piece.trim_start_matches('\u{200D}').chars();
    match chars.next() {
        Some('\u{1F1E6}'..='\u{1F1FF}') => chars.any(|c| matches!(c, '\u{1F1E6}'..='\u{1F1FF}')),
        Some('#' | '*' | '0'..='9') => chars.any(|c| c == '\u{20E3}'),
        Some(c) if is_pictographic(c) => true,
        _ => false,
    }
}

/// `Extended_Pictographic` of Unicode 12.1, which Lucene's tables are of; later versions left many signs out.
fn is_pictographic(c: char) -> bool {
    matches!(c,
        '\u{A9}' | '\u{AE}' | '\u{203C}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2194}'..='\u{2199}' | '\u{21A9}' | '\u{21AA}' | '\u{231A}' | '\u{231B}'
        | '\u{2328}' | '\u{2388}' | '\u{23CF}' | '\u{23E9}'..='\u{23F3}' | '\u{23F8}'..='\u{23FA}' | '\u{24C2}' | '\u{25AA}' | '\u{25AB}' | '\u{25B6}' | '\u{25C0}'
        | '\u{25FB}'..='\u{25FE}' | '\u{2600}'..='\u{2605}' | '\u{2607}'..='\u{2612}' | '\u{2614}'..='\u{2685}' | '\u{2690}'..='\u{2705}' | '\u{2708}'..='\u{2712}'
        | '\u{2714}' | '\u{2716}' | '\u{271D}' | '\u{2721}' | '\u{2728}' | '\u{2733}' | '\u{2734}' | '\u{2744}' | '\u{2747}' | '\u{274C}' | '\u{274E}'
        | '\u{2753}'..='\u{2755}' | '\u{2757}' | '\u{2763}'..='\u{2767}' | '\u{2795}'..='\u{2797}' | '\u{27A1}' | '\u{27B0}' | '\u{27BF}' | '\u{2934}' | '\u{2935}'
        | '\u{2B05}'..='\u{2B07}' | '\u{2B1B}' | '\u{2B1C}' | '\u{2B50}' | '\u{2B55}' | '\u{3030}' | '\u{303D}' | '\u{3297}' | '\u{3299}' | '\u{1F000}'..='\u{1F0FF}'
        | '\u{1F10D}'..='\u{1F10F}' | '\u{1F12F}' | '\u{1F16C}'..='\u{1F171}' | '\u{1F17E}' | '\u{1F17F}' | '\u{1F18E}' | '\u{1F191}'..='\u{1F19A}'
        | '\u{1F1AD}'..='\u{1F1E5}' | '\u{1F201}'..='\u{1F20F}' | '\u{1F21A}' | '\u{1F22F}' | '\u{1F232}'..='\u{1F23A}' | '\u{1F23C}'..='\u{1F23F}'
        | '\u{1F249}'..='\u{1F3FA}' | '\u{1F400}'..='\u{1F53D}' | '\u{1F546}'..='\u{1F64F}' | '\u{1F680}'..='\u{1F6FF}' | '\u{1F774}'..='\u{1F77F}'
        | '\u{1F7D5}'..='\u{1F7FF}' | '\u{1F80C}'..='\u{1F80F}' | '\u{1F848}'..='\u{1F84F}' | '\u{1F85A}'..='\u{1F85F}' | '\u{1F888}'..='\u{1F88F}'
        | '\u{1F8AE}'..='\u{1F8FF}' | '\u{1F90C}'..='\u{1F93A}' | '\u{1F93C}'..='\u{1F945}' | '\u{1F947}'..='\u{1FFFD}')
}

/// Scripts whose words are not parted by blanks (line break class SA).
fn is_complex(c: char) -> bool {
    matches!(c,
        '\u{0E01}'..='\u{0E3A}' | '\u{0E40}'..='\u{0E4E}' | '\u{0E81}'..='\u{0EBD}' | '\u{0EC0}'..='\u{0ECD}' | '\u{0EDC}'..='\u{0EDF}'
        | '\u{1000}'..='\u{103F}' | '\u{1050}'..='\u{108F}' | '\u{109A}'..='\u{109F}' | '\u{1780}'..='\u{17D3}' | '\u{17D7}' | '\u{17DC}'..='\u{17DD}'
        | '\u{1950}'..='\u{1974}' | '\u{1980}'..='\u{19C9}' | '\u{19DA}' | '\u{19DE}'..='\u{19DF}' | '\u{1A20}'..='\u{1A5E}' | '\u{1A60}'..='\u{1A7C}'
        | '\u{1AA0}'..='\u{1AAD}' | '\u{A9E0}'..='\u{A9EF}' | '\u{A9FA}'..='\u{A9FE}' | '\u{AA60}'..='\u{AAC2}' | '\u{AADB}'..='\u{AADF}'
        | '\u{11700}'..='\u{1172B}' | '\u{1173A}'..='\u{1173B}' | '\u{1173F}')
}

/// Java's `Character.isLetter`: alphabetic, without marks, letter numbers and circled letters.
fn is_letter(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphabetic();
    }
    let letter_number = matches!(c, '\u{16EE}'..='\u{16F0}' | '\u{2160}'..='\u{2182}' | '\u{2185}'..='\u{2188}' | '\u{3007}' | '\u{3021}'..='\u{3029}'
        | '\u{3038}'..='\u{303A}' | '\u{A6E6}'..='\u{A6EF}' | '\u{10140}'..='\u{10174}' | '\u{10341}' | '\u{1034A}' | '\u{103D1}'..='\u{103D5}' | '\u{12400}'..='\u{1246E}');
    let circled =
        matches!(c, '\u{24B6}'..='\u{24E9}' | '\u{1F130}'..='\u{1F149}' | '\u{1F150}'..='\u{1F169}' | '\u{1F170}'..='\u{1F189}');
    c.is_alphabetic() && !letter_number && !circled && !is_mark(c)
}

/// Java's `Character.isWhitespace`: no-break spaces are none.
fn is_blank(c: char) -> bool {
    match c {
        '\u{A0}' | '\u{2007}' | '\u{202F}' | '\u{85}' => false,
        '\u{1C}'..='\u{1F}' => true,
        _ => c.is_whitespace(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(analyzer: &Analyzer, text: &str) -> Vec<String> {
        analyze(analyzer, text).into_iter().map(|token| token.word).collect()
    }

    #[test]
    fn standard_cuts_and_lowers() {
        for (text, expected) in [
            (
                "The 2 QUICK Brown-Foxes, can't stop_at 3.14!",
                &["the", "2", "quick", "brown", "foxes", "can't", "stop_at", "3.14"][..],
            ),
            ("İSTANBUL ΣΊΣΥΦΟΣ", &["istanbul", "σίσυφοσ"]),
            ("x² ½ ٣", &["x", "٣"]),
            ("日本語 カタカナ ひら", &["日", "本", "語", "カタカナ", "ひ", "ら"]),
            ("สวัสดี abc", &["สวัสดี", "abc"]),
            ("I ❤ 😀 🇩🇪", &["i", "❤", "😀", "🇩🇪"]),
            ("!!! ...", &[]),
            ("", &[]),
        ] {
            assert_eq!(words(&Analyzer::Standard, text), expected, "{text}");
        }
    }

    #[test]
    fn long_words_are_cut() {
        let lengths: Vec<usize> = words(&Analyzer::Standard, &"a".repeat(600)).iter().map(String::len).collect();
        assert_eq!(lengths, [255, 255, 90]);
    }

    #[test]
    fn the_other_analyzers() {
        assert_eq!(words(&Analyzer::Simple, "The 2 Brown-Foxes can't"), ["the", "brown", "foxes", "can", "t"]);
        assert_eq!(words(&Analyzer::Whitespace, " The 2 Brown-Foxes\tcan't\u{A0}x"), ["The", "2", "Brown-Foxes", "can't\u{A0}x"]);
        assert_eq!(words(&Analyzer::Keyword, " The 2 "), [" The 2 "]);
    }
}
