//! A pattern as a deterministic automaton over characters. Building it is what bounds a pattern: Elasticsearch builds one too,
//! and refuses those that grow; ours is refused first.

use std::collections::{BTreeSet, HashMap};

use super::{Node, Pattern, fold_all};

/// Places in the pattern where a character is taken, repetitions written out.
const MOST_PLACES: usize = 4_096;
/// Places summed over all states. Elasticsearch stops at about five times as many.
const MOST_EFFORT: usize = 20_000;

#[derive(Debug)]
pub(super) struct TooComplex;

/// A state of a [`Machine`]; there is none where nothing can match any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct State(u32);

#[derive(Clone, Debug)]
pub struct Machine {
    /// Where classes of characters begin, sorted; the first is 0.
    bounds: Vec<u32>,
    /// `states × bounds`: the next state + 1, or 0.
    next: Vec<u32>,
    accepting: Vec<bool>,
}

impl Machine {
    pub fn start(&self) -> State {
        State(0)
    }

    pub fn step(&self, state: State, letter: char) -> Option<State> {
        let class = self.bounds.partition_point(|bound| *bound <= u32::from(letter)) - 1;
        self.next[state.0 as usize * self.bounds.len() + class].checked_sub(1).map(State)
    }

    /// A value that ends here matches.
    pub fn accepts(&self, state: State) -> bool {
        self.accepting[state.0 as usize]
    }

    pub fn matches(&self, value: &str) -> bool {
        let mut state = self.start();
        for letter in value.chars() {
            match self.step(state, letter) {
                Some(next) => state = next,
                None => return false,
            }
        }
        self.accepts(state)
    }

    pub(super) fn nothing() -> Machine {
        Machine { bounds: vec![0], next: vec![0], accepting: vec![false] }
    }

    pub(super) fn build(pattern: &Pattern) -> Result<Machine, TooComplex> {
        let mut places = Places { taken: Vec::new(), follow: Vec::new(), ignore_case: pattern.ignore_case };
        let whole = places.add(&pattern.node())?;
        determinize(&places, &whole)
    }
}

/// Glushkov's construction: one place for each character taken, no empty steps.
struct Places {
    /// What each place takes: sorted inclusive ranges.
    taken: Vec<Vec<(u32, u32)>>,
    follow: Vec<BTreeSet<u32>>,
    ignore_case: bool,
}

#[derive(Clone)]
struct Part {
    first: BTreeSet<u32>,
    last: BTreeSet<u32>,
    empty: bool,
}

impl Part {
    fn nothing() -> Part {
        Part { first: BTreeSet::new(), last: BTreeSet::new(), empty: true }
    }
}

impl Places {
    fn place(&mut self, ranges: Vec<(u32, u32)>) -> Result<Part, TooComplex> {
        if self.taken.len() >= MOST_PLACES {
            return Err(TooComplex);
        }
        let place = u32::try_from(self.taken.len()).map_err(|_| TooComplex)?;
        self.taken.push(ranges);
        self.follow.push(BTreeSet::new());
        Ok(Part { first: [place].into(), last: [place].into(), empty: false })
    }

    fn join(&mut self, mut left: Part, right: Part) -> Part {
        for last in &left.last {
            self.follow[*last as usize].extend(&right.first);
        }
        if left.empty {
            left.first.extend(&right.first);
        }
        let mut last = right.last;
        if right.empty {
            last.extend(&left.last);
        }
        Part { first: left.first, last, empty: left.empty && right.empty }
    }

    fn add(&mut self, node: &Node) -> Result<Part, TooComplex> {
        match node {
            Node::Empty => Ok(Part::nothing()),
            Node::Any => self.place(vec![(0, u32::from(char::MAX))]),
            Node::Char(letter) => {
                let ranges = self.folded(&[(*letter, *letter)]);
                self.place(ranges)
            }
            Node::Class { negated, ranges } => {
                let ranges = self.folded(ranges);
                self.place(if *negated { complement(&ranges) } else { ranges })
            }
            Node::Concat(nodes) => {
                let mut whole = Part::nothing();
                for node in nodes {
                    let part = self.add(node)?;
                    whole = self.join(whole, part);
                }
                Ok(whole)
            }
            Node::Alternate(branches) => {
                let mut whole = Part { empty: false, ..Part::nothing() };
                for branch in branches {
                    let part = self.add(branch)?;
                    whole.first.extend(part.first);
                    whole.last.extend(part.last);
                    whole.empty |= part.empty;
                }
                Ok(whole)
            }
            Node::Repeat { node, min, max } => self.repeat(node, *min, *max),
        }
    }

    fn repeat(&mut self, node: &Node, min: u32, max: Option<u32>) -> Result<Part, TooComplex> {
        let mut whole = Part::nothing();
        for _ in 0..min {
            let part = self.add(node)?;
            whole = self.join(whole, part);
        }
        match max {
            None => {
                let mut looped = self.add(node)?;
                for last in looped.last.clone() {
                    self.follow[last as usize].extend(&looped.first);
                }
                looped.empty = true;
                Ok(self.join(whole, looped))
            }
            Some(max) => {
                // from the inside out: x{0,3} is (x(x(x)?)?)?
                let mut optional = Part::nothing();
                for _ in min..max {
                    let part = self.add(node)?;
                    optional = self.join(part, optional);
                    optional.empty = true;
                }
                Ok(self.join(whole, optional))
            }
        }
    }

    fn folded(&self, ranges: &[(char, char)]) -> Vec<(u32, u32)> {
        let mut all: Vec<(u32, u32)> = ranges.iter().map(|(low, high)| (u32::from(*low), u32::from(*high))).collect();
        if self.ignore_case {
            for (low, high) in ranges {
                all.extend(fold_all(*low, *high).into_iter().map(|letter| (u32::from(letter), u32::from(letter))));
            }
        }
        merge(all)
    }
}

fn merge(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut merged: Vec<(u32, u32)> = Vec::with_capacity(ranges.len());
    for (low, high) in ranges {
        match merged.last_mut() {
            Some(last) if low <= last.1.saturating_add(1) => last.1 = last.1.max(high),
            _ => merged.push((low, high)),
        }
    }
    merged
}

fn complement(ranges: &[(u32, u32)]) -> Vec<(u32, u32)> {
    let mut holes = Vec::new();
    let mut from = 0;
    for (low, high) in ranges {
        if from < *low {
            holes.push((from, low - 1));
        }
        from = high + 1;
    }
    if from <= u32::from(char::MAX) {
        holes.push((from, u32::from(char::MAX)));
    }
    holes
}

fn determinize(places: &Places, whole: &Part) -> Result<Machine, TooComplex> {
    let mut bounds: BTreeSet<u32> = [0].into();
    for (low, high) in places.taken.iter().flatten() {
        bounds.insert(*low);
        bounds.insert(high + 1);
    }
    let bounds: Vec<u32> = bounds.into_iter().collect();
    // place -> the classes it takes
    let classes: Vec<Vec<usize>> = places
        .taken
        .iter()
        .map(|ranges| {
            (0..bounds.len()).filter(|class| ranges.iter().any(|(low, high)| (low..=high).contains(&&bounds[*class]))).collect()
        })
        .collect();

    let start: Vec<u32> = whole.first.iter().copied().collect();
    let accepts = |set: &[u32]| set.iter().any(|place| whole.last.contains(place));
    // a state is the set of places just taken; the start is a set of its own
    let mut known: HashMap<Vec<u32>, u32> = HashMap::new();
    let mut sets: Vec<Vec<u32>> = vec![Vec::new()];
    let mut accepting = vec![whole.empty];
    let mut next = Vec::new();
    let mut effort = 0;
    let mut at = 0;
    while at < sets.len() {
        let candidates: BTreeSet<u32> = if at == 0 {
            start.iter().copied().collect()
        } else {
            sets[at].iter().flat_map(|place| places.follow[*place as usize].iter().copied()).collect()
        };
        effort += candidates.len().max(1);
        if effort > MOST_EFFORT {
            return Err(TooComplex);
        }
        let mut reached: Vec<Vec<u32>> = vec![Vec::new(); bounds.len()];
        for place in candidates {
            for class in &classes[place as usize] {
                reached[*class].push(place);
            }
        }
        for set in reached {
            if set.is_empty() {
                next.push(0);
                continue;
            }
            let fresh = u32::try_from(sets.len()).map_err(|_| TooComplex)?;
            let state = *known.entry(set.clone()).or_insert(fresh);
            if state == fresh {
                accepting.push(accepts(&set));
                sets.push(set);
            }
            next.push(state + 1);
        }
        at += 1;
    }
    Ok(Machine { bounds, next, accepting })
}

#[cfg(test)]
mod tests {
    use crate::pattern::Pattern;

    fn regexp(pattern: &str, value: &str) -> bool {
        Pattern::regexp(pattern, false).unwrap().matches(value)
    }

    #[test]
    fn a_regexp_means_the_whole_value() {
        for (pattern, yes, no) in [
            ("net", "net", "nets"),
            ("^net", "^net", "net"),
            ("a|bc", "bc", "ac"),
            ("ab*c", "abbbc", "abbb"),
            ("ab+c", "abc", "ac"),
            ("ab?c", "ac", "abbc"),
            ("a{2,3}", "aaa", "aaaa"),
            ("a{2}", "aa", "a"),
            ("a{2,}", "aaaaa", "a"),
            ("(ab){0,2}c", "ababc", "abababc"),
            ("[a-c]x", "bx", "dx"),
            ("x[^a-c]", "xd", "xb"),
            ("[a-]x", "-x", "bx"),
            (r"\d+", "42", "4x"),
            ("a.c", "a\nc", "ac"),
            ("a.c", "a😀c", "a😀😀c"),
            ("", "", "a"),
            ("a(b|)c", "ac", "abbc"),
            ("(a?b?){3}x", "ababx", "cx"),
            ("x{0}y", "y", "xy"),
        ] {
            assert!(regexp(pattern, yes), "{pattern} should match {yes}");
            assert!(!regexp(pattern, no), "{pattern} should not match {no}");
        }
    }

    #[test]
    fn case_is_folded_letter_by_letter() {
        let matches = |pattern: &str, value: &str| Pattern::prefix(pattern, true).unwrap().matches(value);
        assert!(matches("été", "ÉTÉ d'or"));
        assert!(matches("σίσυφος", "ΣΊΣΥΦΟΣ"));
        assert!(!matches("strasse", "Straße"));
        assert!(matches("straße", "STRAẞE"));
        assert!(!matches("i", "İstanbul"));
        assert!(Pattern::regexp("[a-z]+", true).unwrap().matches("K\u{212a}k"));
        assert!(!Pattern::regexp("x[^a-z]+", true).unwrap().matches("xA"));
        assert!(Pattern::wildcard("L?B*", true).unwrap().matches("libc6"));
    }

    #[test]
    fn what_would_explode_is_refused_at_once() {
        let before = std::time::Instant::now();
        for pattern in ["a.*a.{14}", "((a{99}){99}){99}", "(a|aa|aaa){200}b{200}(c*d*){100}", "(a*)*b(a|b)*a(a|b){14}"] {
            assert!(Pattern::regexp(pattern, false).is_err(), "{pattern}");
        }
        assert!(Pattern::regexp("(a*)*b", false).is_ok());
        assert!(before.elapsed().as_secs() < 5, "{:?}", before.elapsed());
    }
}
