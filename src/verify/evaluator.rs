//! The meaning of a query, written down as plainly as can be: every document is looked at, nothing is fast.

use std::cell::RefCell;
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::search::{Direction, FieldRef, From, Fuzziness, Hit, Kind, Operator, Order, Page, Query, Rank, TextMatch};

use super::counting;
use super::document::Document;
use super::likeness;
use super::meaning::{compare, compare_distances, holds, terms, words_of_query};
use super::nearness::{self, Scored};
use super::told::Short;
use super::words::Words;

/// Answers queries on these documents, given in the order in which they were written.
pub struct Evaluator<'c> {
    documents: &'c [Document],
    words: &'c dyn Words,
    /// By the path of a field: looked through once.
    statistics: RefCell<HashMap<String, Statistics>>,
}

/// What scores stand on.
#[derive(Default)]
struct Statistics {
    documents: f64,
    length_of_all: f64,
    /// Word -> documents that have it.
    found_in: HashMap<String, f64>,
}

/// How much of an answer is settled by the documents that the evaluator has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// All of it: they are all documents of the index, written one after another.
    All,
    /// Not scores, which stand on documents that are not here, and not the order of documents whose keys are equal.
    Keys,
}

pub struct Expected {
    pub ids: Vec<String>,
    total: u64,
    has_next: bool,
    /// Of each id; empty where nothing is ranked.
    scores: BTreeMap<String, f64>,
    /// All that match, in order.
    all: Vec<String>,
    /// Which of them the order tells apart: equal ones have the same number.
    places: BTreeMap<String, usize>,
}

impl<'c> Evaluator<'c> {
    pub fn new(documents: &'c [Document], words: &'c dyn Words) -> Self {
        Evaluator { documents, words, statistics: RefCell::default() }
    }

    /// What differs between an engine's answer and this one's; an error tells it.
    pub fn compare(&self, query: &Query, page: &Page, settled: Settled) -> Result<(), String> {
        let seen: BTreeSet<&str> = page.hits.iter().map(|hit| hit.document.id.as_str()).collect();
        let open = match &query.rank {
            Some(Rank::Fused(rankings)) => self.compare_fused(query, rankings, page, &seen)?,
            _ => {
                let (expected, open) = self.expected(query, &seen);
                if !open {
                    expected.compare(query, page, settled)?;
                }
                open
            }
        };
        page.hits.iter().try_for_each(|hit| self.compare_elements(query, hit))?;
        if query.compute.len() != page.computed.len() {
            return Err(format!("{} answers to {}", page.computed.len(), query.compute.len()));
        }
        for ((slot, compute), (other, found)) in query.compute.iter().zip(&page.computed) {
            if slot != other {
                return Err(format!("slot {other}, not {slot}"));
            }
            if open {
                continue;
            }
            let wanted = counting::answer(self, query, &seen, compute);
            likeness::alike(&wanted, found).map_err(|difference| format!("{difference}\n  of {:?}", Short(compute)))?;
        }
        Ok(())
    }

    /// True: which documents are near is left open.
    fn compare_fused(&self, query: &Query, rankings: &[Rank], page: &Page, seen: &BTreeSet<&str>) -> Result<bool, String> {
        let ranked: Vec<(Vec<Scored<'_>>, bool)> =
            rankings.iter().map(|rank| self.ranked(query, Some(rank), &BTreeSet::new())).collect();
        let open = ranked.iter().any(|(_, open)| *open);
        let spans = nearness::fused(&ranked.into_iter().map(|(found, _)| found).collect::<Vec<_>>());
        let wanted: BTreeSet<&str> = spans.keys().map(String::as_str).collect();
        if !open && (*seen != wanted || page.hits.len() != wanted.len()) {
            return Err(format!("{seen:?} instead of {wanted:?}"));
        }
        let total = page.total.map(|total| total.value);
        if !open && total != Some(wanted.len() as u64) {
            return Err(format!("the total is {total:?}, not {}", wanted.len()));
        }
        for hit in &page.hits {
            let (id, score) = (hit.document.id.as_str(), hit.score.map(f64::from));
            let inside = |least: f64, most: f64| score.is_some_and(|score| score >= least * 0.9999 && score <= most * 1.0001);
            match spans.get(id) {
                Some((least, most)) if !open && !inside(*least, *most) => {
                    return Err(format!("the score of {id} is {score:?}, not from {least} to {most}"));
                }
                _ => {}
            }
        }
        let ordered = page.hits.windows(2).all(|two| {
            let key = |hit: &Hit| (hit.score.unwrap_or_default(), hit.document.id.as_str().to_owned());
            let (one, other) = (key(&two[0]), key(&two[1]));
            one.0 > other.0 || (one.0 - other.0).abs() <= f32::EPSILON * one.0 && one.1 < other.1
        });
        if ordered { Ok(open) } else { Err(format!("not in the order of the scores: {:?}", page.hits)) }
    }

    /// The elements of its lists that come with a hit.
    fn compare_elements(&self, query: &Query, hit: &Hit) -> Result<(), String> {
        let id = hit.document.id.as_str();
        if query.fetch.inner_hits.len() != hit.inner_hits.len() {
            return Err(format!("{} lists of elements with {id}", hit.inner_hits.len()));
        }
        for (asked, found) in query.fetch.inner_hits.iter().zip(&hit.inner_hits) {
            let document = self.documents.iter().find(|document| document.id == id).ok_or_else(|| format!("there is no {id}"))?;
            let mut wanted = document.elements(&asked.field.path);
            wanted.retain(|element| holds(self.words, element, &asked.filter));
            let total = wanted.len() as u64;
            wanted.truncate(asked.size as usize);
            let read = found.first.iter().map(|source| Document::read_element(&asked.field, source));
            let read = read.collect::<Result<Vec<_>, _>>()?;
            if found.total != total || !read.iter().eq(wanted.iter().copied()) {
                return Err(format!("elements of {id}: {found:?} instead of {total}: {wanted:?}\n  of {:?}", Short(asked)));
            }
        }
        Ok(())
    }

    /// All that match, with their places in the corpus. `seen`: see [`nearness::nearest`].
    pub(super) fn found(&self, query: &Query, seen: &BTreeSet<&str>) -> Vec<(usize, &'c Document)> {
        self.scored(query, seen).0.into_iter().map(|(at, document, _)| (at, document)).collect()
    }

    fn scored(&self, query: &Query, seen: &BTreeSet<&str>) -> (Vec<Scored<'c>>, bool) {
        let Some(Rank::Fused(rankings)) = &query.rank else { return self.ranked(query, query.rank.as_ref(), seen) };
        let (mut union, mut some_open) = (BTreeMap::new(), false);
        for rank in rankings {
            // what an engine shows may stand there for its words
            let (found, open) = self.ranked(query, Some(rank), &BTreeSet::new());
            union.extend(found.into_iter().map(|(at, document, _)| (at, document)));
            some_open |= open;
        }
        (union.into_iter().map(|(at, document)| (at, document, 0.0)).collect(), some_open)
    }

    /// By one ranking. Ticks narrow what is near a vector, and nothing farther away comes in its place.
    fn ranked(&self, query: &Query, rank: Option<&Rank>, seen: &BTreeSet<&str>) -> (Vec<Scored<'c>>, bool) {
        let holds = |document: &Document, filter| holds(self.words, document, filter);
        let all = self.documents.iter().enumerate();
        let allowed = all.filter(|(_, document)| holds(document, &query.rule) && holds(document, &query.filter));
        let score = |document: &Document| match rank {
            None => Some(0.0),
            Some(Rank::Text(text)) => self.score(document, text),
            Some(Rank::Knn { field, vector, .. }) => nearness::score(document, field, vector),
            // a fusion is of rankings that are none
            Some(Rank::Fused(_)) => None,
        };
        let scored = allowed.filter_map(|(at, document)| Some((at, document, score(document)?))).collect();
        let (mut found, open) = match rank {
            Some(Rank::Knn { k, .. }) => nearness::nearest(scored, *k as usize, seen),
            _ => (scored, false),
        };
        found.retain(|(_, document, _)| query.ticks.iter().all(|(_, tick)| holds(document, tick)));
        (found, open)
    }

    pub fn answer(&self, query: &Query) -> Expected {
        self.expected(query, &BTreeSet::new()).0
    }

    /// True: which documents are near is left open.
    fn expected(&self, query: &Query, seen: &BTreeSet<&str>) -> (Expected, bool) {
        let (mut found, open) = self.scored(query, seen);
        let by_score = query.order.is_empty() && query.rank.is_some();
        let by_keys = |a: &(usize, &Document, f64), b: &(usize, &Document, f64)| {
            if by_score {
                return b.2.total_cmp(&a.2);
            }
            let by = |order: &Order| match order {
                Order::Score(Direction::Asc) => a.2.total_cmp(&b.2),
                Order::Score(Direction::Desc) => b.2.total_cmp(&a.2),
                Order::Field { field, direction, missing } => compare(a.1, b.1, field, *direction, *missing),
                Order::Distance { field, from, direction } => compare_distances(a.1, b.1, field, *from, *direction),
            };
            query.order.iter().map(by).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
        };
        found.sort_by(|a, b| by_keys(a, b).then(a.0.cmp(&b.0)));
        let mut places = BTreeMap::new();
        for (at, entry) in found.iter().enumerate() {
            let before = at.checked_sub(1).map(|before| &found[before]).filter(|before| by_keys(before, entry).is_eq());
            let place = before.and_then(|before| places.get(&before.1.id)).copied().unwrap_or(at);
            places.insert(entry.1.id.clone(), place);
        }
        let all: Vec<String> = found.iter().map(|(_, document, _)| document.id.clone()).collect();
        let scores = match query.rank {
            Some(_) => found.iter().map(|(_, document, score)| (document.id.clone(), *score)).collect(),
            None => BTreeMap::new(),
        };
        let size = query.page.size as usize;
        let (from, to) = match (&query.page.from, query.page.backward) {
            (From::Start, true) => (all.len().saturating_sub(size), all.len()),
            (From::Start, false) => (0, size.min(all.len())),
            (From::Offset(offset), _) => ((*offset as usize).min(all.len()), (*offset as usize + size).min(all.len())),
            // cursors are the engines' own; a walk is held to the whole
            (From::After(_) | From::Before(_), _) => (0, all.len()),
        };
        let ids = all[from..to].to_vec();
        (Expected { ids, total: all.len() as u64, has_next: to < all.len(), scores, all, places }, open)
    }

    /// `None`: the words are not there.
    fn score(&self, document: &Document, text: &TextMatch) -> Option<f64> {
        text.fields
            .iter()
            .filter_map(|(field, boost)| self.score_in(document, text, field).map(|score| score * f64::from(*boost)))
            .max_by(f64::total_cmp)
    }

    fn score_in(&self, document: &Document, text: &TextMatch, field: &FieldRef) -> Option<f64> {
        let words = words_of_query(self.words, field, &text.query);
        if words.is_empty() {
            return None;
        }
        let mut score = 0.0;
        let mut found = 0;
        let there: BTreeSet<String> = terms(self.words, document, field).into_iter().map(|(_, word)| word).collect();
        for word in &words {
            let exact = there.contains(word);
            let near = match edits(text.fuzziness, word) {
                None => exact,
                Some(most) => there.iter().any(|other| distance(word, other) <= most),
            };
            if !near {
                continue;
            }
            found += 1;
            if text.fuzziness != Fuzziness::None {
                score += 0.1;
            }
            if exact {
                score += self.bm25(document, field, word);
            }
        }
        let enough = match text.operator {
            Operator::Or => found > 0,
            Operator::And => found == words.len(),
        };
        enough.then_some(score)
    }

    fn bm25(&self, document: &Document, field: &FieldRef, word: &str) -> f64 {
        let keyword = matches!(field.kind, Kind::Keyword(_));
        let mut statistics = self.statistics.borrow_mut();
        let Statistics { documents, length_of_all, found_in } =
            statistics.entry(field.path.clone()).or_insert_with(|| self.count(field, keyword));
        let (documents, length_of_all) = (*documents, *length_of_all);
        let found_in = found_in.get(word).copied().unwrap_or_default();
        let mine = terms(self.words, document, field);
        let times = if keyword { 1.0 } else { mine.iter().filter(|(_, other)| other == word).count() as f64 };
        let length = if keyword { 1.0 } else { mine.len() as f64 };
        let rarity = (1.0_f64 + (documents - found_in + 0.5) / (found_in + 0.5)).ln();
        2.2 * rarity * times / (times + 1.2 * (0.25 + 0.75 * length / (length_of_all / documents)))
    }
}

impl Evaluator<'_> {
    fn count(&self, field: &FieldRef, keyword: bool) -> Statistics {
        let mut statistics = Statistics::default();
        for document in self.documents {
            let terms = terms(self.words, document, field);
            if terms.is_empty() {
                continue;
            }
            let distinct: BTreeSet<String> = terms.iter().map(|(_, word)| word.clone()).collect();
            statistics.documents += 1.0;
            statistics.length_of_all += if keyword { distinct.len() } else { terms.len() } as f64;
            for word in distinct {
                *statistics.found_in.entry(word).or_default() += 1.0;
            }
        }
        statistics
    }
}

impl Expected {
    fn compare(&self, query: &Query, page: &Page, settled: Settled) -> Result<(), String> {
        let found: Vec<String> = page.hits.iter().map(|hit| hit.document.id.to_string()).collect();
        let total = page.total.map(|total| total.value);
        if total != Some(self.total) {
            return Err(format!("the total is {total:?}, not {}: {found:?} instead of {:?}", self.total, self.all));
        }
        if settled == Settled::Keys {
            return self.compare_keys(query, &found, page.has_next);
        }
        for hit in &page.hits {
            let id = hit.document.id.as_str();
            match (hit.score, self.scores.get(id)) {
                (None, None) => {}
                (Some(_), None) if query.rank.is_none() => {}
                (Some(score), Some(wanted)) if near(f64::from(score), *wanted) => {}
                (score, wanted) => return Err(format!("the score of {id} is {score:?}, not {wanted:?}")),
            }
        }
        if self.by_score(query) {
            self.compare_scored(&found)
        } else if found != self.ids {
            Err(format!("{found:?} instead of {:?}", self.ids))
        } else if page.has_next != self.has_next {
            Err(format!("has_next is {}", page.has_next))
        } else {
            Ok(())
        }
    }

    /// Each at its place, or at that of one that the order does not tell apart.
    fn compare_keys(&self, query: &Query, found: &[String], has_next: bool) -> Result<(), String> {
        let once: BTreeSet<&String> = found.iter().collect();
        let other = || Err(format!("{found:?} instead of {:?}", self.ids));
        if found.len() != self.ids.len() || once.len() != found.len() || found.iter().any(|id| !self.places.contains_key(id)) {
            return other();
        }
        let apart = |(found, wanted): (&String, &String)| self.places.get(found) != self.places.get(wanted);
        if !self.by_score(query) && found.iter().zip(&self.ids).any(apart) {
            return other();
        }
        if has_next != self.has_next {
            return Err(format!("has_next is {has_next}"));
        }
        Ok(())
    }

    fn by_score(&self, query: &Query) -> bool {
        query.rank.is_some() && (query.order.is_empty() || query.order.iter().any(|order| matches!(order, Order::Score(_))))
    }

    /// The same ids, and each at its place or at that of one whose score is as good as equal.
    fn compare_scored(&self, found: &[String]) -> Result<(), String> {
        let ids: BTreeSet<&String> = found.iter().collect();
        let wanted: BTreeSet<&String> = self.ids.iter().collect();
        if ids != wanted || found.len() != self.ids.len() {
            return Err(format!("{found:?} instead of {:?}", self.ids));
        }
        for (found, wanted) in found.iter().zip(&self.ids) {
            if found != wanted && !near(self.scores[found], self.scores[wanted]) {
                return Err(format!(
                    "{found} stands where {wanted} should, with {} and {}",
                    self.scores[found], self.scores[wanted]
                ));
            }
        }
        Ok(())
    }
}

fn near(a: f64, b: f64) -> bool {
    // of opposite vectors rounding decides whether anything is left
    (a - b).abs() <= (1e-4 * a.abs().max(b.abs())).max(1e-6)
}

fn edits(fuzziness: Fuzziness, word: &str) -> Option<usize> {
    match fuzziness {
        Fuzziness::None => None,
        Fuzziness::Auto => Some(match word.chars().count() {
            0..=2 => 0,
            3..=5 => 1,
            _ => 2,
        }),
        Fuzziness::One => Some(1),
        Fuzziness::Two => Some(2),
    }
}

/// Edits from one word to the other, neighbours that change places being one.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut table = vec![vec![0; b.len() + 1]; a.len() + 1];
    for i in 0..=a.len() {
        for j in 0..=b.len() {
            table[i][j] = if i == 0 || j == 0 {
                i + j
            } else {
                let change = table[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
                let mut least = change.min(table[i - 1][j] + 1).min(table[i][j - 1] + 1);
                if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                    least = least.min(table[i - 2][j - 2] + 1);
                }
                least
            };
        }
    }
    table[a.len()][b.len()]
}
