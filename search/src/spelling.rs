//! Which word was meant: what both engines do with the candidates that they find. Pure.

/// A word that some documents have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) word: String,
    pub(super) documents: u64,
}

/// A stretch of the text, in bytes, and what should stand there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replacement {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) word: String,
}

/// The pieces between blanks, in bytes.
pub(super) fn pieces(text: &str) -> Vec<(usize, usize)> {
    let mut pieces = Vec::new();
    let mut from = None;
    for (at, letter) in text.char_indices() {
        match (letter.is_whitespace(), from) {
            (false, None) => from = Some(at),
            (true, Some(start)) => {
                pieces.push((start, at));
                from = None;
            }
            _ => {}
        }
    }
    pieces.extend(from.map(|start| (start, text.len())));
    pieces
}

/// How far a word may be away from what was written.
pub(super) fn most_edits(word: &str) -> u8 {
    match word.chars().count() {
        0..=2 => 0,
        3..=5 => 1,
        _ => 2,
    }
}

/// The nearest; of those as near the one in most documents, then by its letters.
pub(super) fn nearest(word: &str, candidates: impl IntoIterator<Item = Candidate>) -> Option<String> {
    let most = usize::from(most_edits(word));
    let written: Vec<char> = word.chars().collect();
    let ranked = candidates.into_iter().map(|candidate| {
        let edits = distance(&written, &candidate.word.chars().collect::<Vec<_>>());
        (edits, std::cmp::Reverse(candidate.documents), candidate.word)
    });
    ranked.filter(|(edits, ..)| (1..=most).contains(edits)).min().map(|(_, _, word)| word)
}

/// Edits between two words; neighbours in the wrong order are one.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, letter) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, expected) in other.iter().enumerate() {
            let mut cost = (rows[i][j] + usize::from(letter != expected)).min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == other[j - 1] && one[i - 1] == *expected {
                cost = cost.min(rows[i - 1][j - 1] + 1);
            }
            row.push(cost);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

/// The text as runs that are changed or not. `None`: there is nothing to change.
pub(super) fn rewritten(text: &str, mut changes: Vec<Replacement>) -> Option<Vec<(String, bool)>> {
    changes.sort_by_key(|change| (change.start, change.end));
    let mut runs = Vec::new();
    let mut done = 0;
    for change in changes {
        // of two that overlap the first one holds
        let (Some(kept), true) = (text.get(done..change.start), text.is_char_boundary(change.end)) else { continue };
        if !kept.is_empty() {
            runs.push((kept.to_owned(), false));
        }
        runs.push((change.word, true));
        done = change.end;
    }
    if runs.is_empty() {
        return None;
    }
    runs.extend(text.get(done..).filter(|rest| !rest.is_empty()).map(|rest| (rest.to_owned(), false)));
    Some(runs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidates(words: &[(&str, u64)]) -> Vec<Candidate> {
        words.iter().map(|(word, documents)| Candidate { word: (*word).to_owned(), documents: *documents }).collect()
    }

    #[test]
    fn the_nearest_goes_before_the_frequent() {
        let known = candidates(&[("server", 3), ("serve", 9), ("servers", 80), ("serfs", 2), ("server", 3)]);
        assert_eq!(nearest("servr", known.clone()).as_deref(), Some("serve"));
        assert_eq!(nearest("sevrer", known).as_deref(), Some("server"));
        assert_eq!(nearest("wb", candidates(&[("web", 5)])), None, "two letters are not corrected");
        assert_eq!(nearest("cats", candidates(&[("cots", 2), ("bats", 2)])).as_deref(), Some("bats"));
        assert_eq!(nearest("abcd", candidates(&[("badc", 2)])), None, "two edits are too many for four letters");
    }

    #[test]
    fn texts_are_rewritten_in_place() {
        let change = |start, end, word: &str| Replacement { start, end, word: word.to_owned() };
        let run = |text: &str, changed| (text.to_owned(), changed);
        assert_eq!(rewritten("web servr", vec![change(4, 9, "server")]), Some(vec![run("web ", false), run("server", true)]));
        assert_eq!(
            rewritten("é! wbe x", vec![change(4, 7, "web"), change(0, 2, "e"), change(5, 7, "no")]),
            Some(vec![run("e", true), run("! ", false), run("web", true), run(" x", false)])
        );
        assert_eq!(rewritten("web", vec![]), None);
        assert_eq!(pieces("  web\tsérvr "), [(2, 5), (6, 12)]);
    }
}
