//! The meaning of a query, written down as plainly as can be: every document is looked at, nothing is fast.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use hooke::search::{Direction, FieldRef, From, Fuzziness, Kind, Operator, Order, Page, Query, Rank, TextMatch};

use super::documents::{Corpus, Document};
use super::meaning::{compare, compare_distances, holds, terms, words_of_query};

pub struct Evaluator<'c> {
    corpus: &'c Corpus,
}

pub struct Expected {
    pub ids: Vec<String>,
    total: u64,
    has_next: bool,
    /// Of each id; empty where nothing is ranked.
    scores: BTreeMap<String, f64>,
    /// All that match, in order.
    all: Vec<String>,
}

impl<'c> Evaluator<'c> {
    pub fn new(corpus: &'c Corpus) -> Self {
        Evaluator { corpus }
    }

    /// All that match, with their places in the corpus.
    pub fn found(&self, query: &Query) -> Vec<(usize, &'c Document)> {
        self.scored(query).into_iter().map(|(at, document, _)| (at, document)).collect()
    }

    fn scored(&self, query: &Query) -> Vec<(usize, &'c Document, f64)> {
        let mut found: Vec<(usize, &'c Document, f64)> = Vec::new();
        for (at, document) in self.corpus.documents.iter().enumerate() {
            let ticked = query.ticks.iter().all(|(_, tick)| holds(document, tick));
            if !ticked || !holds(document, &query.rule) || !holds(document, &query.filter) {
                continue;
            }
            match &query.rank {
                None => found.push((at, document, 0.0)),
                Some(Rank::Text(text)) => {
                    if let Some(score) = self.score(document, text) {
                        found.push((at, document, score));
                    }
                }
                Some(_) => panic!("not generated"),
            }
        }
        found
    }

    pub fn answer(&self, query: &Query) -> Expected {
        let mut found = self.scored(query);
        let by_score = query.order.is_empty() && query.rank.is_some();
        found.sort_by(|a, b| {
            if by_score {
                return b.2.total_cmp(&a.2).then(a.0.cmp(&b.0));
            }
            for order in &query.order {
                let ordering = match order {
                    Order::Score(Direction::Asc) => a.2.total_cmp(&b.2),
                    Order::Score(Direction::Desc) => b.2.total_cmp(&a.2),
                    Order::Field { field, direction, missing } => compare(a.1, b.1, field, *direction, *missing),
                    Order::Distance { from, direction, .. } => compare_distances(a.1, b.1, *from, *direction),
                };
                if ordering != Ordering::Equal {
                    return ordering;
                }
            }
            a.0.cmp(&b.0)
        });
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
            _ => panic!("not generated"),
        };
        Expected { ids: all[from..to].to_vec(), total: all.len() as u64, has_next: to < all.len(), scores, all }
    }

    /// `None`: the words are not there.
    fn score(&self, document: &Document, text: &TextMatch) -> Option<f64> {
        text.fields
            .iter()
            .filter_map(|(field, boost)| self.score_in(document, text, field).map(|score| score * f64::from(*boost)))
            .max_by(f64::total_cmp)
    }

    fn score_in(&self, document: &Document, text: &TextMatch, field: &FieldRef) -> Option<f64> {
        let words = words_of_query(field, &text.query);
        if words.is_empty() {
            return None;
        }
        let mut score = 0.0;
        let mut found = 0;
        let there: BTreeSet<String> = terms(document, field).into_iter().map(|(_, word)| word).collect();
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
        let mut documents = 0.0;
        let mut length_of_all = 0.0;
        let mut found_in = 0.0;
        for other in &self.corpus.documents {
            let terms = terms(other, field);
            if terms.is_empty() {
                continue;
            }
            documents += 1.0;
            let distinct: BTreeSet<&String> = terms.iter().map(|(_, word)| word).collect();
            length_of_all += if keyword { distinct.len() } else { terms.len() } as f64;
            if distinct.contains(&word.to_owned()) {
                found_in += 1.0;
            }
        }
        let mine = terms(document, field);
        let times = if keyword { 1.0 } else { mine.iter().filter(|(_, other)| other == word).count() as f64 };
        let length = if keyword { 1.0 } else { mine.len() as f64 };
        let rarity = (1.0_f64 + (documents - found_in + 0.5) / (found_in + 0.5)).ln();
        2.2 * rarity * times / (times + 1.2 * (0.25 + 0.75 * length / (length_of_all / documents)))
    }
}

impl Expected {
    pub fn compare(&self, query: &Query, page: &Page) -> Result<(), String> {
        let found: Vec<String> = page.hits.iter().map(|hit| hit.document.id.to_string()).collect();
        let total = page.total.map(|total| total.value);
        if total != Some(self.total) {
            return Err(format!("the total is {total:?}, not {}: {found:?} instead of {:?}", self.total, self.all));
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
    (a - b).abs() <= 1e-4 * a.abs().max(b.abs())
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
