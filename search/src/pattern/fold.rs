//! Letters that are equal when case does not count: Unicode's simple case folding, one letter to one letter; and small letters.

use std::collections::HashMap;
use std::sync::OnceLock;

/// All letters that are equal to this one under simple folding, itself among them, in order: `k`, `K` and the Kelvin sign.
pub fn fold(letter: char) -> impl Iterator<Item = char> {
    let class = classes().get(&letter);
    let alone = if class.is_none() { Some(letter) } else { None };
    class.into_iter().flatten().copied().chain(alone)
}

/// What is equal to some letter from here to there and is not that letter itself; as cheap for all letters as for a few.
pub fn fold_all(from: char, to: char) -> Vec<char> {
    let others = |letter: char| fold(letter).filter(move |other| *other != letter);
    if u32::from(to).saturating_sub(u32::from(from)) < 1_000 {
        return (from..=to).flat_map(others).collect();
    }
    classes().keys().copied().filter(|letter| (from..=to).contains(letter)).flat_map(others).collect()
}

/// Letter by letter, as Java does it: `İ` becomes one letter, `Σ` always `σ`.
pub fn lower(c: char) -> char {
    if c == 'İ' {
        return 'i';
    }
    let mut lowered = c.to_lowercase();
    match (lowered.next(), lowered.next()) {
        (Some(one), None) => one,
        _ => c,
    }
}

/// Every letter that has equals -> all of them. About 3,000 entries, made once.
fn classes() -> &'static HashMap<char, Vec<char>> {
    static CLASSES: OnceLock<HashMap<char, Vec<char>>> = OnceLock::new();
    CLASSES.get_or_init(|| {
        let mut by_key: HashMap<char, Vec<char>> = HashMap::new();
        // no letter beyond the second plane has case
        for letter in ('\0'..='\u{1ffff}').filter(|c| c.is_alphabetic() || !c.is_ascii()) {
            let key = key(letter);
            if key != letter || letter.is_lowercase() || letter.is_uppercase() {
                by_key.entry(key).or_default().push(letter);
            }
        }
        for (key, class) in &mut by_key {
            if !class.contains(key) {
                class.push(*key);
                class.sort_unstable();
            }
        }
        by_key
            .into_values()
            .filter(|class| class.len() > 1)
            .flat_map(|class| class.clone().into_iter().map(move |letter| (letter, class.clone())))
            .collect()
    })
}

/// The letter that stands for all that are equal: the small one of the great one. The standard library knows the full mappings,
/// of which those to a single letter are the simple ones; the rest is told here.
fn key(letter: char) -> char {
    match letter {
        // the Turkish ones are equal to themselves alone
        'ı' | 'İ' => letter,
        // great only as several letters, yet equal to each other
        '\u{1fd3}' => '\u{390}',
        '\u{1fe3}' => '\u{3b0}',
        '\u{fb05}' => '\u{fb06}',
        _ => {
            let great = single(letter.to_uppercase()).unwrap_or(letter);
            single(great.to_lowercase()).unwrap_or(great)
        }
    }
}

fn single(mut mapped: impl Iterator<Item = char>) -> Option<char> {
    let first = mapped.next()?;
    mapped.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn equal(letter: char) -> String {
        fold(letter).collect()
    }

    #[test]
    fn letters_are_equal_one_to_one() {
        assert_eq!(equal('k'), "Kk\u{212a}");
        assert_eq!(equal('S'), "Ssſ");
        assert_eq!(equal('σ'), "Σςσ");
        assert_eq!(equal('ß'), "ßẞ");
        assert_eq!(equal('é'), "Éé");
        assert_eq!(equal('i'), "Ii");
        assert_eq!(equal('ı'), "ı");
        assert_eq!(equal('İ'), "İ");
        assert_eq!(equal('ǅ'), "ǄǅǆǄ".chars().take(3).collect::<String>());
        assert_eq!(equal('µ'), "µΜμ");
        assert_eq!(equal('Ω'), "Ωω\u{2126}");
        assert_eq!(equal('1'), "1");
        assert_eq!(equal('ส'), "ส");
    }

    #[test]
    fn being_equal_is_mutual() {
        for letter in '\0'..='\u{1ffff}' {
            for other in fold(letter) {
                assert!(fold(other).any(|back| back == letter), "{letter:?} {other:?}");
            }
        }
    }
}
