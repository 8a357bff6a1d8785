//! Machines that read a value letter by letter and say whether it is one they know: a pattern, or a word found by its edits.
//! The term dictionary runs them over the terms of one path and leaves out what cannot match any more.

use std::sync::Arc;

use tantivy_fst::Automaton;

use super::super::pattern;

/// Reads letters. A state is cheap to clone.
pub(super) trait Machine: Send + Sync + std::fmt::Debug {
    type State: Clone;
    fn start(&self) -> Self::State;
    fn step(&self, state: &Self::State, letter: char) -> Self::State;
    fn accepts(&self, state: &Self::State) -> bool;
    /// Whether any further letters can still lead to acceptance.
    fn lives(&self, state: &Self::State) -> bool;

    fn reads(&self, text: &str) -> bool {
        let mut state = self.start();
        for letter in text.chars() {
            state = self.step(&state, letter);
            if !self.lives(&state) {
                return false;
            }
        }
        self.accepts(&state)
    }
}

/// A machine over the bytes of terms, behind a fixed beginning.
#[derive(Clone, Debug)]
pub(super) struct OnTerms<M> {
    pub(super) prefix: Arc<[u8]>,
    pub(super) machine: Arc<M>,
}

#[derive(Clone, Debug)]
pub(super) enum Place<S> {
    Dead,
    /// So many bytes of the beginning were read.
    Before(usize),
    /// `rest` more bytes make a letter of what was gathered.
    Inside {
        state: S,
        letter: u32,
        rest: u8,
    },
}

impl<M: Machine> Automaton for OnTerms<M> {
    type State = Place<M::State>;

    fn start(&self) -> Self::State {
        if self.prefix.is_empty() { self.inside(self.machine.start()) } else { Place::Before(0) }
    }

    fn is_match(&self, place: &Self::State) -> bool {
        matches!(place, Place::Inside { state, rest: 0, .. } if self.machine.accepts(state))
    }

    fn can_match(&self, place: &Self::State) -> bool {
        match place {
            Place::Dead => false,
            Place::Before(_) => true,
            Place::Inside { state, .. } => self.machine.lives(state),
        }
    }

    fn accept(&self, place: &Self::State, byte: u8) -> Self::State {
        match place {
            Place::Dead => Place::Dead,
            Place::Before(read) => match self.prefix.get(*read) {
                Some(expected) if *expected == byte => {
                    if read + 1 == self.prefix.len() {
                        self.inside(self.machine.start())
                    } else {
                        Place::Before(read + 1)
                    }
                }
                _ => Place::Dead,
            },
            Place::Inside { state, letter, rest } => {
                let (letter, rest) = match (rest, byte) {
                    (0, 0x00..=0x7F) => (u32::from(byte), 0),
                    (0, 0xC0..=0xDF) => (u32::from(byte & 0x1F), 1),
                    (0, 0xE0..=0xEF) => (u32::from(byte & 0x0F), 2),
                    (0, 0xF0..=0xF7) => (u32::from(byte & 0x07), 3),
                    (1.., 0x80..=0xBF) => (letter << 6 | u32::from(byte & 0x3F), rest - 1),
                    _ => return Place::Dead,
                };
                if rest > 0 {
                    return Place::Inside { state: state.clone(), letter, rest };
                }
                char::from_u32(letter).map_or(Place::Dead, |letter| self.inside(self.machine.step(state, letter)))
            }
        }
    }
}

impl<M: Machine> OnTerms<M> {
    fn inside(&self, state: M::State) -> Place<M::State> {
        Place::Inside { state, letter: 0, rest: 0 }
    }
}

/// A pattern's own automaton; `None` is where nothing can match any more.
impl Machine for pattern::Machine {
    type State = Option<pattern::State>;

    fn start(&self) -> Self::State {
        Some(pattern::Machine::start(self))
    }

    fn step(&self, state: &Self::State, letter: char) -> Self::State {
        state.and_then(|state| pattern::Machine::step(self, state, letter))
    }

    fn accepts(&self, state: &Self::State) -> bool {
        state.is_some_and(|state| pattern::Machine::accepts(self, state))
    }

    fn lives(&self, state: &Self::State) -> bool {
        state.is_some()
    }
}

/// A word, or one that is at most so many edits away from it; a transposition of neighbours is one edit.
#[derive(Clone, Debug)]
pub(super) struct Edits {
    word: Vec<char>,
    most: u8,
}

/// Of the table of distances what can still matter: of the row of what was read, and of the row before, the places around the
/// diagonal. Place `i` is that of a beginning of the word with `read + i - most` letters.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rows {
    read: usize,
    last: Option<char>,
    before: [u8; BAND],
    now: [u8; BAND],
}

/// Twice the most edits there are, and the diagonal.
const BAND: usize = 5;

impl Edits {
    /// At most two edits are counted, as in Lucene.
    pub(super) fn new(word: &str, most: u8) -> Self {
        Edits { word: word.chars().collect(), most: most.min(2) }
    }

    /// How many letters of the word belong to a place of a row.
    fn letters(&self, read: usize, place: usize) -> Option<usize> {
        (read + place).checked_sub(usize::from(self.most)).filter(|letters| *letters <= self.word.len())
    }
}

impl Machine for Edits {
    type State = Rows;

    fn start(&self) -> Rows {
        let over = self.most + 1;
        let mut now = [over; BAND];
        for (place, cost) in now.iter_mut().enumerate() {
            if let Some(letters) = self.letters(0, place) {
                *cost = u8::try_from(letters).unwrap_or(over).min(over);
            }
        }
        Rows { read: 0, last: None, before: [over; BAND], now }
    }

    fn step(&self, rows: &Rows, letter: char) -> Rows {
        let over = self.most + 1;
        let read = rows.read + 1;
        let mut next = [over; BAND];
        for place in 0..=usize::from(2 * self.most) {
            let Some(letters) = self.letters(read, place) else { continue };
            // one letter of the text too many; one too few; another one; two in the wrong order
            let mut cost = rows.now.get(place + 1).map_or(over, |cost| cost + 1);
            if let Some(at) = letters.checked_sub(1) {
                let expected = self.word[at];
                if place > 0 {
                    cost = cost.min(next[place - 1] + 1);
                }
                cost = cost.min(rows.now[place] + u8::from(expected != letter));
                if at > 0 && rows.last == Some(expected) && self.word[at - 1] == letter {
                    cost = cost.min(rows.before[place] + 1);
                }
            }
            next[place] = cost.min(over);
        }
        Rows { read, last: Some(letter), before: rows.now, now: next }
    }

    fn accepts(&self, rows: &Rows) -> bool {
        let place = (self.word.len() + usize::from(self.most)).checked_sub(rows.read);
        place.and_then(|place| rows.now.get(place)).is_some_and(|cost| *cost <= self.most)
    }

    fn lives(&self, rows: &Rows) -> bool {
        // a transposition reaches back one row and costs one more
        rows.now.iter().any(|cost| *cost <= self.most) || rows.before.iter().any(|cost| *cost < self.most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        let one = Edits::new("server", 1);
        for (text, expected) in [
            ("server", true),
            ("servr", true),
            ("sevrer", true),
            ("serverx", true),
            ("sxrvex", false),
            ("serv", false),
            ("", false),
        ] {
            assert_eq!(one.reads(text), expected, "{text}");
        }
        let two = Edits::new("ab", 2);
        assert!(two.reads("") && two.reads("ba") && two.reads("abcd") && !two.reads("cdefg"));
        assert!(!Edits::new("ab", 1).reads("bca"));
    }

    /// Against the whole table, letter by letter.
    #[test]
    fn the_band_is_enough() {
        fn distance(a: &[char], b: &[char]) -> usize {
            let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
            for i in 0..=a.len() {
                for j in 0..=b.len() {
                    table[i][j] = match (i, j) {
                        (0, n) | (n, 0) => n,
                        _ => {
                            let swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
                            let swap = if swapped { table[i - 2][j - 2] + 1 } else { usize::MAX };
                            let other = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                            other.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1).min(swap)
                        }
                    };
                }
            }
            table[a.len()][b.len()]
        }
        let words: Vec<Vec<char>> =
            (0..3_usize.pow(5)).map(|n| (0..n % 6).map(|i| ['a', 'b', 'c'][n / 3_usize.pow(i as u32) % 3]).collect()).collect();
        for most in 1..=2 {
            for word in words.iter().step_by(7) {
                let machine = Edits::new(&word.iter().collect::<String>(), most);
                for text in &words {
                    let expected = distance(word, text) <= usize::from(most);
                    assert_eq!(machine.reads(&text.iter().collect::<String>()), expected, "{word:?} {text:?} {most}");
                }
            }
        }
    }

    #[test]
    fn terms_are_read_behind_their_path() {
        let machine = OnTerms { prefix: b"f\0".as_slice().into(), machine: Arc::new(Edits::new("naïve", 1)) };
        let run = |term: &[u8]| {
            let state = term.iter().fold(machine.start(), |state, byte| machine.accept(&state, *byte));
            machine.can_match(&state) && machine.is_match(&state)
        };
        assert!(run("f\0naïve".as_bytes()) && run("f\0naive".as_bytes()) && run("f\0naïv".as_bytes()));
        assert!(!run("g\0naïve".as_bytes()) && !run("f\0nave!".as_bytes()) && !run(b"f\0na\xC3"));
    }
}
