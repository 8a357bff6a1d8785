//! Patterns on exact values: prefix, wildcard, and a regular expression dialect of our own, translated for each engine.
//!
//! A pattern that parses is one that both engines can run: its size and the size of its automaton are bounded here.

mod fold;
mod lowering;
mod machine;
mod parse;

pub use fold::{fold, fold_all, lower};
pub use machine::{Machine, State};

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

/// Where a pattern goes wrong (counted in characters from 0), and what to write instead.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {message}")]
pub struct PatternFault {
    pub at: usize,
    pub message: String,
}

impl PatternFault {
    fn new(at: usize, message: impl Into<String>) -> Self {
        PatternFault { at, message: message.into() }
    }
}

impl Pattern {
    /// Values that begin so.
    pub fn prefix(text: &str, ignore_case: bool) -> Result<Pattern, PatternFault> {
        Pattern { shape: Shape::Prefix(text.to_owned()), ignore_case }.checked()
    }

    /// `*` any run of characters, also none; `?` one character; `\` makes the next one literal. May not begin with `*` or `?`.
    pub fn wildcard(text: &str, ignore_case: bool) -> Result<Pattern, PatternFault> {
        Pattern { shape: Shape::Wildcard(parse::wildcard(text)?), ignore_case }.checked()
    }

    /// See [`Node`]; `\` makes a sign literal, `\d \w \s` are classes of ASCII, `^` and `$` are plain characters.
    /// May not begin with something that stands for any character.
    pub fn regexp(text: &str, ignore_case: bool) -> Result<Pattern, PatternFault> {
        Pattern { shape: Shape::Regexp(parse::regexp(text)?), ignore_case }.checked()
    }

    fn checked(self) -> Result<Pattern, PatternFault> {
        match Machine::build(&self) {
            Ok(_) => Ok(self),
            Err(machine::TooComplex) => Err(PatternFault::new(0, "the pattern is too complex: shorten it, or repeat less of it")),
        }
    }

    /// The pattern as one regular expression, case not yet looked at.
    pub fn node(&self) -> Node {
        match &self.shape {
            Shape::Prefix(text) => Node::Concat(text.chars().map(Node::Char).chain([any_run()]).collect()),
            Shape::Wildcard(pieces) => Node::Concat(
                pieces
                    .iter()
                    .map(|piece| match piece {
                        Piece::Char(c) => Node::Char(*c),
                        Piece::One => Node::Any,
                        Piece::Many => any_run(),
                    })
                    .collect(),
            ),
            Shape::Regexp(node) => node.clone(),
        }
    }

    /// The pattern as an automaton: what to use for many values.
    pub fn machine(&self) -> Machine {
        Machine::build(self).unwrap_or_else(|machine::TooComplex| Machine::nothing())
    }

    /// Whether the whole value is such; linear in its length.
    pub fn matches(&self, value: &str) -> bool {
        self.machine().matches(value)
    }

    /// What every matching value begins with; empty where nothing is certain.
    pub fn literal_prefix(&self) -> String {
        if self.ignore_case {
            return String::new();
        }
        match &self.shape {
            Shape::Prefix(text) => text.clone(),
            Shape::Wildcard(pieces) => {
                pieces.iter().map_while(|piece| if let Piece::Char(c) = piece { Some(*c) } else { None }).collect()
            }
            Shape::Regexp(Node::Char(c)) => c.to_string(),
            Shape::Regexp(Node::Concat(nodes)) => {
                nodes.iter().map_while(|node| if let Node::Char(c) = node { Some(*c) } else { None }).collect()
            }
            Shape::Regexp(_) => String::new(),
        }
    }
}

fn any_run() -> Node {
    Node::Repeat { node: Box::new(Node::Any), min: 0, max: None }
}
