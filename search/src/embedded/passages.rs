//! Where a marked text is cut: passages of about a length around the marks, made of whole sentences where they are short
//! enough, else of whole words; the best of them, in the order of the text. Cut as Elasticsearch's unified highlighter does,
//! for engines should show the same marks. All places are counted in characters.

use unicode_segmentation::UnicodeSegmentation;

use super::super::{Fragment, Run};

/// One mark, and which of the searched things it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) of: usize,
}

/// A value of the field with its marks, sorted.
pub(super) struct Marked {
    pub(super) text: String,
    pub(super) marks: Vec<Mark>,
    /// It is shown whole.
    pub(super) whole: bool,
}

struct Passage {
    value: usize,
    start: usize,
    end: usize,
    marks: Vec<Mark>,
    /// Where the value begins among all values.
    base: usize,
    score: f32,
}

/// The `most` best passages of about `size` characters; of `most` 0 every value that has a mark, whole.
pub(super) fn cut(values: &[Marked], size: usize, most: usize) -> Vec<Fragment> {
    let lengths: Vec<usize> = values.iter().map(|value| value.text.chars().count()).collect();
    // values stand behind each other with a separator between them
    let all = lengths.iter().sum::<usize>() + lengths.len().saturating_sub(1);
    let (mut passages, mut base) = (Vec::new(), 0);
    for (place, (value, length)) in values.iter().zip(&lengths).enumerate() {
        if !value.marks.is_empty() {
            let mut breaks = Breaks::of(&value.text, *length, if value.whole || most == 0 { None } else { Some(size) });
            for (start, end, marks) in gather(&value.marks, &mut breaks, *length) {
                let mut passage = Passage { value: place, start, end, marks, base, score: 0.0 };
                passage.score = score(&passage, all);
                passages.push(passage);
            }
        }
        base += length + 1;
    }
    if most > 0 && passages.len() > most {
        // of equal ones the later are kept
        let mut by_score: Vec<usize> = (0..passages.len()).collect();
        by_score.sort_by(|a, b| passages[*b].score.total_cmp(&passages[*a].score).then(b.cmp(a)));
        let mut kept = by_score[..most].to_vec();
        kept.sort_unstable();
        let mut place = 0;
        passages.retain(|_| {
            place += 1;
            kept.binary_search(&(place - 1)).is_ok()
        });
    }
    passages
        .iter()
        .map(|passage| fragment(&values[passage.value].text, passage))
        .filter(|fragment| !fragment.runs.is_empty())
        .collect()
}

fn gather(marks: &[Mark], breaks: &mut Breaks, length: usize) -> Vec<(usize, usize, Vec<Mark>)> {
    let mut passages: Vec<(usize, usize, Vec<Mark>)> = Vec::new();
    let mut last_end = 0;
    for mark in marks {
        match passages.last_mut() {
            Some((_, end, inside)) if mark.start < *end => {
                inside.push(*mark);
                *end = (*end).max(mark.end);
            }
            _ => {
                let (start, end) = breaks.around(mark.start);
                let (start, end) = (start.max(last_end), end.min(length).max(mark.end));
                passages.push((start, end, vec![*mark]));
            }
        }
        last_end = passages.last().map_or(0, |passage| passage.1);
    }
    passages
}

/// Sentences and words of a text, and the window that was found last.
struct Breaks {
    sentences: Vec<usize>,
    words: Vec<usize>,
    size: Option<usize>,
    window: (usize, usize),
    inner: (usize, usize),
}

impl Breaks {
    fn of(text: &str, length: usize, size: Option<usize>) -> Breaks {
        let places = |pieces: &mut dyn Iterator<Item = &str>| {
            let mut places = vec![0];
            for piece in pieces {
                places.push(places[places.len() - 1] + piece.chars().count());
            }
            places
        };
        let (sentences, words) = match size {
            None => (vec![0, length], vec![0, length]),
            Some(_) => {
                // a sentence goes on over the end of a line, as Java sees it
                let lines = text.replace(['\n', '\r'], " ");
                (places(&mut lines.split_sentence_bounds()), places(&mut text.split_word_bounds()))
            }
        };
        Breaks { sentences, words, size, window: (0, 0), inner: (0, 0) }
    }

    /// Where the passage around a mark begins and ends.
    fn around(&mut self, mark: usize) -> (usize, usize) {
        let offset = mark + 1;
        let Some(size) = self.size.filter(|size| *size > 0) else {
            return (preceding(&self.sentences, offset), following(&self.sentences, offset - 1));
        };
        if offset > self.window.0 && offset < self.window.1 {
            self.inner = (self.inner.1, self.window.1);
        } else {
            self.inner = (preceding(&self.sentences, offset), following(&self.sentences, offset - 1));
            while self.inner.1 - self.inner.0 < size {
                let next = following(&self.sentences, self.inner.1);
                if next == self.inner.1 || next - self.inner.0 > size {
                    break;
                }
                self.inner.1 = next;
            }
            self.window = self.inner;
        }
        if self.inner.1 - self.inner.0 > size {
            if offset + 1 > size + self.inner.0 {
                self.inner.0 = self.inner.0.max(preceding(&self.words, offset + 1 - size));
            }
            let rest = size.saturating_sub(offset - self.inner.0.min(offset));
            if offset + rest < self.window.1 {
                self.inner.1 = self.window.1.min(following(&self.words, offset + rest));
            }
        }
        self.inner
    }
}

/// The last break before a place.
fn preceding(breaks: &[usize], place: usize) -> usize {
    breaks[..breaks.partition_point(|at| *at < place)].last().copied().unwrap_or(0)
}

/// The first break after a place; the end where there is none.
fn following(breaks: &[usize], place: usize) -> usize {
    breaks[breaks.partition_point(|at| *at <= place)..].first().or(breaks.last()).copied().unwrap_or(place)
}

/// BM25 of a passage among those of its text; earlier ones are worth a little more.
fn score(passage: &Passage, all: usize) -> f32 {
    const K1: f32 = 1.2;
    const B: f32 = 0.75;
    const PIVOT: f32 = 87.0;
    let mut found: Vec<usize> = passage.marks.iter().map(|mark| mark.of).collect();
    found.sort_unstable();
    let norm = K1 * ((1.0 - B) + B * ((passage.end - passage.start) as f32 / PIVOT));
    let passages = 1.0 + (all as f64) / f64::from(PIVOT);
    let weight = (K1 + 1.0) * (1.0 + (passages + 0.5) / 1.5).ln() as f32;
    let sum: f32 = found.chunk_by(|a, b| a == b).map(|same| same.len() as f32).map(|count| count / (count + norm) * weight).sum();
    let early = 1.0 + 1.0 / (f64::from(PIVOT) + (passage.base + passage.start) as f64).ln();
    sum * early as f32
}

/// The runs of a passage, blanks at its ends left out; marks that touch are one.
fn fragment(text: &str, passage: &Passage) -> Fragment {
    let letters: Vec<char> = text.chars().skip(passage.start).take(passage.end - passage.start).collect();
    let mut marked = vec![false; letters.len()];
    for mark in &passage.marks {
        let end = mark.end.min(passage.end);
        marked[mark.start - passage.start..end - passage.start].fill(true);
    }
    let blank = |c: &char| *c <= ' ' || *c == '\u{2029}';
    let first = letters.iter().position(|c| !blank(c)).unwrap_or(letters.len());
    let last = letters.iter().rposition(|c| !blank(c)).map_or(first, |at| at + 1);
    let mut runs: Vec<Run> = Vec::new();
    for (letter, hit) in letters[first..last].iter().zip(&marked[first..last]) {
        match runs.last_mut() {
            Some(run) if run.hit == *hit => run.text.push(*letter),
            _ => runs.push(Run { text: letter.to_string(), hit: *hit }),
        }
    }
    Fragment { runs }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(texts: &[&str], words: &[&str], size: usize, most: usize) -> Vec<String> {
        let values: Vec<Marked> = texts
            .iter()
            .map(|text| {
                let mut marks: Vec<Mark> = words
                    .iter()
                    .enumerate()
                    .flat_map(|(of, word)| {
                        let found = text.to_lowercase().match_indices(word).map(|(at, _)| at).collect::<Vec<_>>();
                        found.into_iter().map(move |start| Mark { start, end: start + word.len(), of })
                    })
                    .collect();
                marks.sort_unstable();
                Marked { text: (*text).into(), marks, whole: false }
            })
            .collect();
        let show = |run: &Run| if run.hit { format!("<{}>", run.text) } else { run.text.clone() };
        cut(&values, size, most).iter().map(|fragment| fragment.runs.iter().map(show).collect()).collect()
    }

    /// As Elasticsearch 9.2.0 cuts them.
    #[test]
    fn passages_are_sentences_or_words() {
        let text = "The quick brown fox jumps. A quick dog, brown as well. Nothing here. The QUICK BROWN quick brown cow.";
        let both = ["quick", "brown"];
        assert_eq!(
            shown(&[text], &both, 100, 5),
            [
                "The <quick> <brown> fox jumps. A <quick> dog, <brown> as well. Nothing here.",
                "The <QUICK> <BROWN> <quick> <brown> cow."
            ]
        );
        assert_eq!(
            shown(&[text], &both, 20, 10),
            ["The <quick> <brown> fox jumps", "A <quick> dog, <brown> as", "The <QUICK> <BROWN> <quick>", "<brown> cow."]
        );
        assert_eq!(
            shown(&[text], &both, 10, 10),
            ["The <quick> <brown>", "A <quick> dog", ", <brown> as", "The <QUICK> <BROWN>", "<quick> <brown>"]
        );
        assert_eq!(shown(&[text], &both, 100, 0).len(), 1);
        assert_eq!(shown(&["One fox\nTwo foxes."], &["fox"], 100, 5), ["One <fox>\nTwo <fox>es."]);
        let list = ["one quick thing", "brown only", "nothing", "quick brown"];
        assert_eq!(shown(&list, &both, 100, 5), ["one <quick> thing", "<brown> only", "<quick> <brown>"]);
        assert_eq!(shown(&list, &both, 100, 0), ["one <quick> thing", "<brown> only", "<quick> <brown>"]);
        assert_eq!(shown(&["quick", "nothing"], &["absent"], 100, 5), [] as [&str; 0]);
    }

    #[test]
    fn long_sentences_are_cut_at_words() {
        let text = [
            "x ".repeat(200),
            "quick ".into(),
            "y ".repeat(300),
            "brown fox. Next one. ".into(),
            "z ".repeat(60),
            "quick.".into(),
        ]
        .concat();
        let found = shown(&[&text], &["quick", "brown"], 100, 5);
        assert_eq!(
            found,
            [format!("{}<quick>", "x ".repeat(49)), format!("{}<brown>", "y ".repeat(49)), format!("{}<quick>", "z ".repeat(49))]
        );
        assert_eq!(shown(&[&text], &["quick", "brown"], 50, 1), [format!("{}<quick>", "x ".repeat(24))]);
    }
}
