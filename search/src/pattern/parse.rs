//! Text -> pieces and nodes, with the place of what is wrong.

use super::{Node, PatternFault, Piece};

/// A repetition may ask for so many at most; nested ones multiply and are held by the automaton's bound.
const MOST_REPEATS: u32 = 255;
/// Groups inside groups.
const DEEPEST: usize = 32;

const OPEN_START: &str = "it may not begin with something that stands for any character, for then every value would be looked at; begin with what the values begin with";

pub(super) fn wildcard(text: &str) -> Result<Vec<Piece>, PatternFault> {
    let mut pieces = Vec::new();
    let mut letters = text.chars().enumerate();
    while let Some((at, letter)) = letters.next() {
        let piece = match letter {
            '*' if pieces.last() == Some(&Piece::Many) => continue,
            '*' => Piece::Many,
            '?' => Piece::One,
            '\\' => match letters.next() {
                Some((_, literal)) => Piece::Char(literal),
                None => return Err(PatternFault::new(at, r"a backslash stands before nothing: write \\ for the sign itself")),
            },
            literal => Piece::Char(literal),
        };
        if pieces.is_empty() && !matches!(piece, Piece::Char(_)) {
            return Err(PatternFault::new(0, OPEN_START));
        }
        pieces.push(piece);
    }
    Ok(pieces)
}

pub(super) fn regexp(text: &str) -> Result<Node, PatternFault> {
    let mut parser = Parser { letters: text.chars().collect(), at: 0 };
    let node = parser.alternate(0)?;
    if parser.at < parser.letters.len() {
        return Err(parser.fault(r"a ) without its (: write \) for the sign itself"));
    }
    if starts_open(&node) {
        return Err(PatternFault::new(0, OPEN_START));
    }
    Ok(node)
}

struct Parser {
    letters: Vec<char>,
    at: usize,
}

impl Parser {
    fn fault(&self, message: &str) -> PatternFault {
        PatternFault::new(self.at, message)
    }

    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn take(&mut self, letter: char) -> bool {
        let found = self.peek() == Some(letter);
        self.at += usize::from(found);
        found
    }

    fn alternate(&mut self, depth: usize) -> Result<Node, PatternFault> {
        if depth > DEEPEST {
            return Err(self.fault("groups stand too deep inside each other"));
        }
        let mut branches = vec![self.concat(depth)?];
        while self.take('|') {
            branches.push(self.concat(depth)?);
        }
        Ok(if branches.len() == 1 { branches.swap_remove(0) } else { Node::Alternate(branches) })
    }

    fn concat(&mut self, depth: usize) -> Result<Node, PatternFault> {
        let mut nodes = Vec::new();
        while let Some(letter) = self.peek() {
            if matches!(letter, '|' | ')') {
                break;
            }
            let atom = self.atom(depth)?;
            nodes.push(self.repeated(atom)?);
        }
        Ok(match nodes.len() {
            0 => Node::Empty,
            1 => nodes.swap_remove(0),
            _ => Node::Concat(nodes),
        })
    }

    fn atom(&mut self, depth: usize) -> Result<Node, PatternFault> {
        let Some(letter) = self.peek() else { return Ok(Node::Empty) };
        match letter {
            '(' => {
                let open = self.at;
                self.at += 1;
                if self.peek() == Some('?') {
                    return Err(self.fault("groups have no options here: write ( and the pattern"));
                }
                let inner = self.alternate(depth + 1)?;
                if !self.take(')') {
                    return Err(PatternFault::new(open, r"a ( without its ): write \( for the sign itself"));
                }
                Ok(inner)
            }
            '[' => self.class(),
            '.' => {
                self.at += 1;
                Ok(Node::Any)
            }
            '\\' => {
                self.at += 1;
                self.escape()
            }
            '?' | '*' | '+' | '{' => {
                Err(self.fault(&format!(r"{letter} stands before nothing it could repeat: write \{letter} for the sign itself")))
            }
            ']' | '}' => Err(self.fault(&format!(r"a {letter} alone: write \{letter} for the sign itself"))),
            literal => {
                self.at += 1;
                Ok(Node::Char(literal))
            }
        }
    }

    /// Behind a backslash.
    fn escape(&mut self) -> Result<Node, PatternFault> {
        let Some(letter) = self.peek() else {
            self.at -= 1;
            return Err(self.fault(r"a backslash stands before nothing: write \\ for the sign itself"));
        };
        let class = |negated, ranges: &[(char, char)]| Node::Class { negated, ranges: ranges.to_vec() };
        const DIGITS: &[(char, char)] = &[('0', '9')];
        const WORD: &[(char, char)] = &[('0', '9'), ('A', 'Z'), ('_', '_'), ('a', 'z')];
        const BLANK: &[(char, char)] = &[('\t', '\n'), ('\r', '\r'), (' ', ' ')];
        let node = match letter {
            'd' => class(false, DIGITS),
            'D' => class(true, DIGITS),
            'w' => class(false, WORD),
            'W' => class(true, WORD),
            's' => class(false, BLANK),
            'S' => class(true, BLANK),
            c if c.is_ascii_alphanumeric() => {
                return Err(self.fault(r"a backslash makes signs literal, and \d \w \s (great: all others) are classes; other letters and digits have no meaning behind it"));
            }
            literal => Node::Char(literal),
        };
        self.at += 1;
        Ok(node)
    }

    fn class(&mut self) -> Result<Node, PatternFault> {
        let open = self.at;
        self.at += 1;
        let negated = self.take('^');
        let mut ranges: Vec<(char, char)> = Vec::new();
        loop {
            let Some(letter) = self.peek() else {
                return Err(PatternFault::new(open, r"a [ without its ]: write \[ for the sign itself"));
            };
            if letter == ']' && !ranges.is_empty() {
                self.at += 1;
                return Ok(Node::Class { negated, ranges });
            }
            if letter == ']' {
                return Err(self.fault(r"a class may not be empty: write \] for the sign itself"));
            }
            let start = self.at;
            let first = match self.class_letter()? {
                ClassPart::Letter(letter) => letter,
                ClassPart::Ranges(more) => {
                    ranges.extend(more);
                    continue;
                }
            };
            // a minus before the end is itself
            if self.peek() == Some('-') && self.letters.get(self.at + 1).is_some_and(|next| *next != ']') {
                self.at += 1;
                let ClassPart::Letter(last) = self.class_letter()? else {
                    return Err(PatternFault::new(start, "a range ends in one character"));
                };
                if last < first {
                    return Err(PatternFault::new(start, "a range runs from the lower to the higher character"));
                }
                ranges.push((first, last));
            } else {
                ranges.push((first, first));
            }
        }
    }

    fn class_letter(&mut self) -> Result<ClassPart, PatternFault> {
        let Some(letter) = self.peek() else { return Err(self.fault("a class is not closed: write ]")) };
        match letter {
            '\\' => {
                self.at += 1;
                match self.escape()? {
                    Node::Char(literal) => Ok(ClassPart::Letter(literal)),
                    Node::Class { negated: false, ranges } => Ok(ClassPart::Ranges(ranges)),
                    _ => Err(self.fault(r"\D, \W and \S may not stand in a class")),
                }
            }
            '[' => Err(self.fault(r"a [ inside a class: write \[ for the sign itself")),
            literal => {
                self.at += 1;
                Ok(ClassPart::Letter(literal))
            }
        }
    }

    fn repeated(&mut self, mut node: Node) -> Result<Node, PatternFault> {
        loop {
            let (min, max) = match self.peek() {
                Some('?') => (0, Some(1)),
                Some('*') => (0, None),
                Some('+') => (1, None),
                Some('{') => self.braces()?,
                _ => return Ok(node),
            };
            self.at += 1;
            node = Node::Repeat { node: Box::new(node), min, max };
        }
    }

    /// `{m}`, `{m,}` or `{m,n}`; stops before the closing brace.
    fn braces(&mut self) -> Result<(u32, Option<u32>), PatternFault> {
        let open = self.at;
        let shape = || PatternFault::new(open, r"a repetition is {m}, {m,} or {m,n}: write \{ for the sign itself");
        let length = self.letters[open..].iter().position(|c| *c == '}').ok_or_else(shape)?;
        let inner: String = self.letters[open + 1..open + length].iter().collect();
        let count = |text: &str| -> Result<u32, PatternFault> {
            if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
                return Err(shape());
            }
            text.parse()
                .ok()
                .filter(|count| *count <= MOST_REPEATS)
                .ok_or_else(|| PatternFault::new(open, format!("a repetition goes up to {MOST_REPEATS}")))
        };
        let (min, max) = match inner.split_once(',') {
            None => (count(&inner)?, Some(count(&inner)?)),
            Some((min, "")) => (count(min)?, None),
            Some((min, max)) => (count(min)?, Some(count(max)?)),
        };
        if max.is_some_and(|max| max < min) {
            return Err(PatternFault::new(open, "a repetition runs from the lower to the higher number"));
        }
        self.at = open + length;
        Ok((min, max))
    }
}

enum ClassPart {
    Letter(char),
    Ranges(Vec<(char, char)>),
}

/// Whether a value that matches may begin with just any character.
fn starts_open(node: &Node) -> bool {
    match node {
        Node::Any | Node::Class { negated: true, .. } => true,
        Node::Empty | Node::Char(_) | Node::Class { .. } => false,
        Node::Alternate(branches) => branches.iter().any(starts_open),
        Node::Repeat { node, max, .. } => *max != Some(0) && starts_open(node),
        Node::Concat(nodes) => {
            for node in nodes {
                if starts_open(node) {
                    return true;
                }
                if !may_be_empty(node) {
                    return false;
                }
            }
            false
        }
    }
}

fn may_be_empty(node: &Node) -> bool {
    match node {
        Node::Empty => true,
        Node::Any | Node::Char(_) | Node::Class { .. } => false,
        Node::Alternate(branches) => branches.iter().any(may_be_empty),
        Node::Concat(nodes) => nodes.iter().all(may_be_empty),
        Node::Repeat { node, min, .. } => *min == 0 || may_be_empty(node),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_name_the_place() {
        for (text, at) in [
            ("a(b", 1),
            ("ab)", 2),
            ("a[b", 1),
            ("a[]b", 2),
            ("*a", 0),
            ("a|*", 2),
            (r"a\", 1),
            (r"a\q", 2),
            ("a{2", 1),
            ("a{x}", 1),
            ("a{3,2}", 1),
            ("a{256}", 1),
            ("a[z-a]", 2),
            ("(?i)a", 1),
            ("a]", 1),
            (".*a", 0),
            ("(a|.b)", 0),
            ("a*.b", 0),
            ("[^a]b", 0),
        ] {
            assert_eq!(regexp(text).map_err(|fault| fault.at), Err(at), "{text}");
        }
        assert_eq!(wildcard(r"ab\").map_err(|fault| fault.at), Err(2));
        assert_eq!(wildcard("*a").map_err(|fault| fault.at), Err(0));
        assert_eq!(wildcard("?a").map_err(|fault| fault.at), Err(0));
    }

    #[test]
    fn signs_behind_a_backslash_are_literal() {
        assert_eq!(regexp(r"\.\*\\").unwrap(), Node::Concat(vec![Node::Char('.'), Node::Char('*'), Node::Char('\\')]));
        assert_eq!(wildcard(r"\*\q*").unwrap(), vec![Piece::Char('*'), Piece::Char('q'), Piece::Many]);
        assert_eq!(regexp("^a$").unwrap(), Node::Concat(vec![Node::Char('^'), Node::Char('a'), Node::Char('$')]));
    }
}
