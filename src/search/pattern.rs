//! Patterns on exact values: prefix, wildcard, and a regular expression dialect of our own, translated for each engine.

/// A parsed pattern; it always means the whole value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    pub shape: Shape,
    /// Unicode simple folding, letter by letter.
    pub ignore_case: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    Prefix(String),
    /// `*` any run, `?` one character; a backslash makes the next one literal.
    Wildcard(Vec<Piece>),
    Regexp(Node),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Char(char),
    One,
    Many,
}

/// A regular expression: literals, `.`, classes, groups, `| ? * + {m,n}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    Empty,
    Char(char),
    Any,
    /// Inclusive ranges.
    Class {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
    Concat(Vec<Node>),
    Alternate(Vec<Node>),
    Repeat {
        node: Box<Node>,
        min: u32,
        max: Option<u32>,
    },
}
