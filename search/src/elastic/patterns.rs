//! Patterns -> Elasticsearch's prefix, wildcard and regexp queries. Pure.
//!
//! Its regular expressions are Lucene's: always the whole value, with `flags: NONE` nothing but what is written here.
//! Its own `case_insensitive` folds ASCII only, so letters become classes of all that fold alike.

use serde_json::{Value as Json, json};

use crate::pattern::{Node, Pattern, Piece, Shape, fold, fold_all, lower};
use crate::{Error, Result};

/// `index.max_regex_length` by default, in Java's characters.
const LONGEST: usize = 1_000;

pub(super) fn query(path: &str, pattern: &Pattern) -> Result<Json> {
    match (&pattern.shape, pattern.ignore_case) {
        (Shape::Prefix(text), false) => Ok(json!({"prefix": {path: {"value": text}}})),
        // an empty pattern, here and below, means the empty value; there it finds nothing
        (Shape::Wildcard(pieces), false) if pieces.is_empty() => Ok(empty(path)),
        (Shape::Wildcard(pieces), false) => Ok(json!({"wildcard": {path: {"value": wildcard(pieces)}}})),
        (Shape::Prefix(text), true) => {
            let mut regexp: String = text.chars().map(letter).collect();
            regexp.push_str(".*");
            expression(path, regexp)
        }
        (Shape::Wildcard(pieces), true) => {
            let whole = pieces.iter().map(|piece| match piece {
                Piece::Char(c) => letter(*c),
                Piece::One => ".".into(),
                Piece::Many => ".*".into(),
            });
            expression(path, whole.collect())
        }
        (Shape::Regexp(node), ignore_case) => {
            let mut text = String::new();
            write(node, ignore_case, &mut text);
            expression(path, text)
        }
    }
}

fn expression(path: &str, text: String) -> Result<Json> {
    if text.is_empty() || text == "()" {
        return Ok(empty(path));
    }
    if text.encode_utf16().count() > LONGEST {
        return Err(Error::invalid(
            "the pattern is too long for Elasticsearch: it takes 1,000 characters, and each letter whose case is ignored counts as four",
        ));
    }
    Ok(json!({"regexp": {path: {"value": text, "flags": "NONE"}}}))
}

/// A regular expression for values that contain this, case apart; for where no query stands.
pub(super) fn containing(text: &str) -> Result<String> {
    let letters: String = text.chars().map(letter).collect();
    if letters.encode_utf16().count() + 4 > LONGEST {
        return Err(Error::Limit("the text that values shall contain is too long for Elasticsearch".into()));
    }
    Ok(format!(".*{letters}.*"))
}

/// The same for values that begin so. `lowered`: the values are, and nothing lowers what is written here.
pub(super) fn beginning(text: &str, lowered: bool) -> Result<String> {
    let letters: String = text.chars().map(|c| letter(if lowered { lower(c) } else { c })).collect();
    if letters.encode_utf16().count() + 2 > LONGEST {
        return Err(Error::Limit("the beginning of values is too long for Elasticsearch".into()));
    }
    Ok(format!("{letters}.*"))
}

fn empty(path: &str) -> Json {
    json!({"term": {path: {"value": ""}}})
}

fn wildcard(pieces: &[Piece]) -> String {
    let mut text = String::new();
    for piece in pieces {
        match piece {
            Piece::Many => text.push('*'),
            Piece::One => text.push('?'),
            Piece::Char(c) => {
                if matches!(c, '*' | '?' | '\\') {
                    text.push('\\');
                }
                text.push(*c);
            }
        }
    }
    text
}

fn write(node: &Node, ignore_case: bool, out: &mut String) {
    match node {
        Node::Empty => out.push_str("()"),
        Node::Any => out.push('.'),
        Node::Char(c) if ignore_case => out.push_str(&letter(*c)),
        Node::Char(c) => escape(*c, out),
        Node::Class { negated, ranges } => class(*negated, ranges, ignore_case, out),
        Node::Concat(parts) if parts.is_empty() => out.push_str("()"),
        Node::Concat(parts) => parts.iter().for_each(|part| match part {
            // nothing to write, and `()` is needed only where it stands alone
            Node::Empty => {}
            Node::Alternate(_) => group(part, ignore_case, out),
            _ => write(part, ignore_case, out),
        }),
        Node::Alternate(parts) => {
            for (place, part) in parts.iter().enumerate() {
                if place > 0 {
                    out.push('|');
                }
                let start = out.len();
                write(part, ignore_case, out);
                if out.len() == start {
                    out.push_str("()");
                }
            }
        }
        Node::Repeat { node, min, max } => {
            match **node {
                Node::Char(_) | Node::Any | Node::Class { .. } => write(node, ignore_case, out),
                _ => group(node, ignore_case, out),
            }
            match (min, max) {
                (0, None) => out.push('*'),
                (1, None) => out.push('+'),
                (0, Some(1)) => out.push('?'),
                (min, None) => out.push_str(&format!("{{{min},}}")),
                (min, Some(max)) => out.push_str(&format!("{{{min},{max}}}")),
            }
        }
    }
}

fn group(node: &Node, ignore_case: bool, out: &mut String) {
    out.push('(');
    write(node, ignore_case, out);
    out.push(')');
}

/// A letter and all that fold as it does, as a class; anything else as itself.
fn letter(c: char) -> String {
    let alike: Vec<char> = fold(c).collect();
    let mut text = String::new();
    if alike.len() < 2 {
        escape(c, &mut text);
        return text;
    }
    text.push('[');
    alike.iter().for_each(|c| escape(*c, &mut text));
    text.push(']');
    text
}

fn class(negated: bool, ranges: &[(char, char)], ignore_case: bool, out: &mut String) {
    if ranges.is_empty() {
        // of no characters: none, or any
        out.push_str(if negated { "." } else { "[^\u{0}-\u{10FFFF}]" });
        return;
    }
    out.push_str(if negated { "[^" } else { "[" });
    let mut put = |from: char, to: char| {
        escape(from, out);
        if to > from {
            out.push('-');
            escape(to, out);
        }
    };
    for &(from, to) in ranges {
        apart(from, to).into_iter().for_each(|(from, to)| put(from, to));
        if ignore_case {
            alike(from, to).into_iter().for_each(|c| put(c, c));
        }
    }
    out.push(']');
}

/// The range with each sign in it by itself: behind a backslash a range does not begin there, but means the sign, and the hyphen after it.
fn apart(from: char, to: char) -> Vec<(char, char)> {
    if !from.is_ascii() {
        return vec![(from, to)];
    }
    let mut parts: Vec<(char, char)> = Vec::new();
    for c in from..=to.min('\u{7f}') {
        match parts.last_mut() {
            Some(last) if !is_sign(c) && !is_sign(last.1) => last.1 = c,
            _ => parts.push((c, c)),
        }
    }
    if !to.is_ascii() {
        parts.push(('\u{80}', to));
    }
    parts
}

/// What folds like a character of the range and lies outside of it.
fn alike(from: char, to: char) -> Vec<char> {
    let mut more: Vec<char> = fold_all(from, to).into_iter().filter(|c| *c < from || *c > to).collect();
    more.sort_unstable();
    more.dedup();
    more
}

fn is_sign(c: char) -> bool {
    c.is_ascii() && !c.is_ascii_alphanumeric() && !c.is_ascii_control()
}

/// Letters and digits mean themselves only without a backslash (`\d` is a class), all else of ASCII only with one.
fn escape(c: char, out: &mut String) {
    if is_sign(c) {
        out.push('\\');
    }
    out.push(c);
}
