//! Patterns for values that are all in small letters, as the `lowercase` normalizer leaves them.

use std::sync::OnceLock;

use super::fold::{fold, fold_all, lower};
use super::{Node, Pattern, Piece, Shape};

impl Pattern {
    /// It takes the small letters of what it took, and names none that is not small: so nothing that lowers it once more, letter by letter
    /// and without a look at ranges, changes what it means.
    #[must_use]
    pub fn lowered(&self) -> Pattern {
        let shape = match &self.shape {
            _ if self.ignore_case => Shape::Regexp(small(&self.node(), true)),
            Shape::Prefix(text) => Shape::Prefix(text.chars().map(lower).collect()),
            Shape::Wildcard(pieces) => Shape::Wildcard(
                pieces
                    .iter()
                    .map(|piece| if let Piece::Char(c) = piece { Piece::Char(lower(*c)) } else { piece.clone() })
                    .collect(),
            ),
            Shape::Regexp(node) => Shape::Regexp(small(node, false)),
        };
        Pattern { shape, ignore_case: false }
    }
}

fn small(node: &Node, ignore_case: bool) -> Node {
    let all = |nodes: &[Node]| nodes.iter().map(|node| small(node, ignore_case)).collect();
    match node {
        Node::Char(c) if ignore_case => {
            let ranges = merged(fold(*c).map(lower).map(|c| (c, c)).collect());
            match ranges.as_slice() {
                [(only, last)] if only == last => Node::Char(*only),
                _ => Node::Class { negated: false, ranges },
            }
        }
        Node::Char(c) => Node::Char(lower(*c)),
        Node::Class { negated, ranges } => {
            let ranges = ranges.iter().flat_map(|(from, to)| small_range(*from, *to, ignore_case)).collect();
            Node::Class { negated: *negated, ranges: merged(ranges) }
        }
        Node::Concat(nodes) => Node::Concat(all(nodes)),
        Node::Alternate(nodes) => Node::Alternate(all(nodes)),
        Node::Repeat { node, min, max } => Node::Repeat { node: Box::new(small(node, ignore_case)), min: *min, max: *max },
        Node::Empty | Node::Any => node.clone(),
    }
}

/// Great letters within may stay, for no value has one; at an end of a range one would not mean itself.
fn small_range(from: char, to: char, ignore_case: bool) -> Vec<(char, char)> {
    let one = |c: char| (lower(c), lower(c));
    let mut all: Vec<(char, char)> = great_letters().iter().filter(|c| (from..=to).contains(*c)).map(|c| one(*c)).collect();
    if ignore_case {
        all.extend(fold_all(from, to).into_iter().map(one));
    }
    let is_small = |c: &char| lower(*c) == *c;
    if let (Some(from), Some(to)) = ((from..=to).find(is_small), (from..=to).rev().find(is_small)) {
        all.push((from, to));
    }
    all
}

fn merged(mut ranges: Vec<(char, char)>) -> Vec<(char, char)> {
    ranges.sort_unstable();
    let mut merged: Vec<(char, char)> = Vec::with_capacity(ranges.len());
    for (from, to) in ranges {
        match merged.last_mut() {
            Some(last) if u32::from(from) <= u32::from(last.1).saturating_add(1) => last.1 = last.1.max(to),
            _ => merged.push((from, to)),
        }
    }
    merged
}

/// All that have another small letter. About 1,400, looked for once.
fn great_letters() -> &'static [char] {
    static GREAT: OnceLock<Vec<char>> = OnceLock::new();
    // no letter beyond the second plane has case
    GREAT.get_or_init(|| ('\0'..='\u{1ffff}').filter(|c| lower(*c) != *c).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn takes(pattern: &str, ignore_case: bool, value: &str) -> bool {
        Pattern::regexp(pattern, ignore_case).unwrap().lowered().matches(value)
    }

    #[test]
    fn classes_take_the_small_letters_of_theirs() {
        for (pattern, value, wanted) in [
            ("[A-Z]+", "net", true),
            ("x[^A-Z]+", "xnet", false),
            ("x[^A-Z]+", "xéß", true),
            // from é to ÿ, had the ends been lowered
            ("[É-ÿ]*", "ß", true),
            ("[É-ÿ]*", "é", true),
            // z would stand behind a
            ("[Z-a]", "z", true),
            ("[Z-a]", "a", true),
            ("[Z-a]", "_", true),
            ("[Z-a]", "b", false),
            ("[İ]", "i", true),
            ("[\u{2126}]", "ω", true),
            ("NET", "net", true),
            ("[Ÿ-ž]", "\u{150}", false),
        ] {
            assert_eq!(takes(pattern, false, value), wanted, "{pattern} {value}");
        }
        for (pattern, value, wanted) in [
            ("[S]", "ſ", true),
            ("[S]", "s", true),
            ("ſ", "s", true),
            ("[É-ÿ]", "à", true),
            ("K", "k", true),
            ("x[^k]", "xk", false),
        ] {
            assert_eq!(takes(pattern, true, value), wanted, "{pattern} {value}");
        }
    }

    #[test]
    fn nothing_great_is_left() {
        fn letters(node: &Node, found: &mut Vec<char>) {
            match node {
                Node::Char(c) => found.push(*c),
                Node::Class { ranges, .. } => found.extend(ranges.iter().flat_map(|(from, to)| [*from, *to])),
                Node::Concat(nodes) | Node::Alternate(nodes) => nodes.iter().for_each(|node| letters(node, found)),
                Node::Repeat { node, .. } => letters(node, found),
                Node::Empty | Node::Any => {}
            }
        }
        for pattern in ["[A-z]", "[É-ÿ]", "[Ā-ſ]", "[!-\u{10ffff}]", "[Ÿ-ž]+ǅ?(K|Σ)", "[Ǆ-ǆ]"] {
            for ignore_case in [false, true] {
                let mut found = Vec::new();
                letters(&Pattern::regexp(pattern, ignore_case).unwrap().lowered().node(), &mut found);
                assert!(found.iter().all(|c| lower(*c) == *c), "{pattern} {found:?}");
            }
        }
    }
}
