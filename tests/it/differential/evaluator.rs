//! The meaning of a query, written down as plainly as can be: every document is looked at, nothing is fast.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use hooke::search::date::Time;
use hooke::search::pattern::{Node, Pattern, fold};
use hooke::search::value::{Value, mapped};
use hooke::search::{
    Direction, FieldRef, Filter, From, Fuzziness, Kind, Missing, Number, Operator, Order, Page, Query, Range, Rank, TextFilter,
    TextMatch,
};

use super::generator::{Corpus, Document, WORDS, lower, span};

/// Between the values of a list of texts lie so many empty places.
const GAP: usize = 100;

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

    pub fn answer(&self, query: &Query) -> Expected {
        let mut found: Vec<(usize, &Document, f64)> = Vec::new();
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
                    Order::Distance { .. } => panic!("not generated"),
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

fn analyze(text: &str) -> Vec<String> {
    let known = |word: &str| -> Vec<String> {
        match WORDS.iter().find(|(known, _)| *known == word) {
            Some((_, tokens)) => tokens.iter().map(|token| (*token).to_owned()).collect(),
            // the beginning of a plain word
            None if word.chars().all(|c| c.is_ascii_alphabetic()) && !word.is_empty() => vec![word.to_lowercase()],
            None => Vec::new(),
        }
    };
    text.split(' ').flat_map(known).collect()
}

fn values<'d>(document: &'d Document, path: &str) -> &'d [Value] {
    document.values.get(path).map_or(&[], Vec::as_slice)
}

/// What equality, patterns and sorting see: of a text its keyword, of which long values are cut.
fn exact_values(document: &Document, field: &FieldRef) -> Vec<Value> {
    let all = values(document, &field.path);
    match &field.kind {
        Kind::Text { exact: Some(exact), .. } => {
            let fits = |text: &str| exact.ignore_above.is_none_or(|most| text.encode_utf16().count() <= most as usize);
            all.iter().filter(|value| matches!(value, Value::Text(text) if fits(text))).cloned().collect()
        }
        _ => all.to_vec(),
    }
}

fn asked(field: &FieldRef, value: &Value) -> Value {
    match value {
        Value::Text(text) if field.path == "low" => Value::Text(lower(text)),
        Value::Date(time) if field.path == "d" => Value::Date(time.to_millis()),
        other => other.clone(),
    }
}

/// Terms with their places.
fn terms(document: &Document, field: &FieldRef) -> Vec<(usize, String)> {
    let mut terms = Vec::new();
    let mut place = 0;
    for value in values(document, &field.path) {
        let Value::Text(text) = value else { continue };
        if matches!(field.kind, Kind::Keyword(_)) {
            terms.push((place, text.clone()));
            continue;
        }
        for word in analyze(text) {
            terms.push((place, word));
            place += 1;
        }
        place += GAP;
    }
    terms
}

fn words_of_query(field: &FieldRef, text: &str) -> Vec<String> {
    match field.kind {
        _ if text.is_empty() => Vec::new(),
        Kind::Keyword(_) if field.path == "low" => vec![lower(text)],
        Kind::Keyword(_) => vec![text.to_owned()],
        _ => analyze(text),
    }
}

fn holds(document: &Document, filter: &Filter) -> bool {
    match filter {
        Filter::All => true,
        Filter::Nothing => false,
        Filter::And(parts) => parts.iter().all(|part| holds(document, part)),
        Filter::Or(parts) => parts.iter().any(|part| holds(document, part)),
        Filter::Not(part) => !holds(document, part),
        Filter::Exists(field) if field.path == "o" => ["o.a", "o.n"].iter().any(|path| !values(document, path).is_empty()),
        Filter::Exists(field) => !values(document, &field.path).is_empty(),
        Filter::OneOf(field, wanted) => {
            let there = exact_values(document, field);
            wanted.iter().map(|value| asked(field, value)).any(|wanted| there.iter().any(|value| same(value, &wanted)))
        }
        Filter::Range(field, range) => exact_values(document, field).iter().any(|value| within(field, value, range)),
        Filter::Pattern(field, pattern) => {
            let pattern = normalized(field, pattern);
            exact_values(document, field).iter().any(|value| match value {
                Value::Text(text) => fits(&pattern, text),
                _ => false,
            })
        }
        Filter::Words(field, words) => has_words(document, field, words),
        Filter::Networks(field, networks) => values(document, &field.path).iter().any(|value| match value {
            Value::Ip(address) => networks.iter().any(|network| {
                let (first, last) = span(network);
                (first..=last).contains(&mapped(*address))
            }),
            _ => false,
        }),
        Filter::Ids(ids) => ids.iter().any(|id| id.as_str() == document.id),
        other => panic!("not generated: {other:?}"),
    }
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Ip(a), Value::Ip(b)) => mapped(*a) == mapped(*b),
        _ => a == b,
    }
}

fn within(field: &FieldRef, value: &Value, range: &Range) -> bool {
    let lower = range.lower.as_ref().is_none_or(|(bound, inside)| match order_of(value, &asked(field, bound)) {
        Ordering::Greater => true,
        Ordering::Equal => *inside,
        Ordering::Less => false,
    });
    let upper = range.upper.as_ref().is_none_or(|(bound, inside)| match order_of(value, &asked(field, bound)) {
        Ordering::Less => true,
        Ordering::Equal => *inside,
        Ordering::Greater => false,
    });
    lower && upper
}

fn order_of(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Long(a), Value::Long(b)) => a.cmp(b),
        (Value::Double(a), Value::Double(b)) => a.total_cmp(b),
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Ip(a), Value::Ip(b)) => mapped(*a).octets().cmp(&mapped(*b).octets()),
        _ => panic!("{a:?} beside {b:?}"),
    }
}

/// A pattern on a field that is lowered is lowered itself; classes stay as they are.
fn normalized(field: &FieldRef, pattern: &Pattern) -> Pattern {
    let mut pattern = pattern.clone();
    if field.path == "low" {
        use hooke::search::pattern::{Piece, Shape};
        pattern.shape = match pattern.shape {
            Shape::Prefix(text) => Shape::Prefix(lower(&text)),
            Shape::Wildcard(pieces) => Shape::Wildcard(
                pieces
                    .into_iter()
                    .map(|piece| match piece {
                        Piece::Char(c) => Piece::Char(lower(&c.to_string()).chars().next().unwrap_or(c)),
                        other => other,
                    })
                    .collect(),
            ),
            Shape::Regexp(node) => Shape::Regexp(lowered(node)),
        };
    }
    pattern
}

fn lowered(node: Node) -> Node {
    match node {
        Node::Char(c) => Node::Char(lower(&c.to_string()).chars().next().unwrap_or(c)),
        Node::Concat(nodes) => Node::Concat(nodes.into_iter().map(lowered).collect()),
        Node::Alternate(nodes) => Node::Alternate(nodes.into_iter().map(lowered).collect()),
        Node::Repeat { node, min, max } => Node::Repeat { node: Box::new(lowered(*node)), min, max },
        other => other,
    }
}

fn fits(pattern: &Pattern, text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    ends(&pattern.node(), pattern.ignore_case, &letters, &[0].into()).contains(&letters.len())
}

/// Where a match that starts at one of these places can end.
fn ends(node: &Node, ignore_case: bool, letters: &[char], starts: &BTreeSet<usize>) -> BTreeSet<usize> {
    let step = |takes: &dyn Fn(char) -> bool| -> BTreeSet<usize> {
        starts.iter().filter(|at| letters.get(**at).is_some_and(|letter| takes(*letter))).map(|at| at + 1).collect()
    };
    let equal = |a: char, b: char| a == b || (ignore_case && fold(a).any(|other| other == b));
    match node {
        Node::Empty => starts.clone(),
        Node::Any => step(&|_| true),
        Node::Char(wanted) => step(&|letter| equal(letter, *wanted)),
        Node::Class { negated, ranges } => step(&|letter| {
            let inside = |letter: char| ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter));
            let found = inside(letter) || (ignore_case && fold(letter).any(inside));
            found != *negated
        }),
        Node::Concat(nodes) => nodes.iter().fold(starts.clone(), |places, node| ends(node, ignore_case, letters, &places)),
        Node::Alternate(nodes) => nodes.iter().flat_map(|node| ends(node, ignore_case, letters, starts)).collect(),
        Node::Repeat { node, min, max } => {
            let mut places = starts.clone();
            let mut all = BTreeSet::new();
            for times in 0.. {
                if times >= *min {
                    let before = all.len();
                    all.extend(&places);
                    if times > *min && all.len() == before {
                        break;
                    }
                }
                if max.is_some_and(|max| times >= max) {
                    break;
                }
                places = ends(node, ignore_case, letters, &places);
            }
            all
        }
    }
}

fn has_words(document: &Document, field: &FieldRef, words: &TextFilter) -> bool {
    let there = terms(document, field);
    match words {
        TextFilter::Any(text) => analyze(text).iter().any(|word| there.iter().any(|(_, other)| other == word)),
        TextFilter::Phrase(text) => has_phrase(&there, &analyze(text), false),
        TextFilter::PhrasePrefix(text) => has_phrase(&there, &analyze(text), true),
    }
}

fn has_phrase(there: &[(usize, String)], words: &[String], open: bool) -> bool {
    let Some(last) = words.len().checked_sub(1) else { return false };
    there.iter().any(|(start, _)| {
        words.iter().enumerate().all(|(at, word)| {
            there.iter().any(|(place, other)| {
                *place == start + at && (other == word || (open && at == last && other.starts_with(word.as_str())))
            })
        })
    })
}

fn compare(a: &Document, b: &Document, field: &FieldRef, direction: Direction, missing: Missing) -> Ordering {
    let key = |document: &Document| {
        let all = exact_values(document, field);
        match direction {
            Direction::Asc => all.into_iter().min_by(order_of),
            Direction::Desc => all.into_iter().max_by(order_of),
        }
    };
    let (mut a, mut b) = (key(a), key(b));
    // a whole number without a value counts as the greatest or least one there is, and ties with a real one
    let high = (missing == Missing::Last) == (direction == Direction::Asc);
    let end = match &field.kind {
        Kind::Number(Number::Long) => Some(Value::Long(if high { i64::MAX } else { i64::MIN })),
        Kind::Number(Number::Integer) => Some(Value::Long(if high { i32::MAX } else { i32::MIN }.into())),
        Kind::Date(date) if date.nanos => Some(Value::Date(Time(if high { i64::MAX } else { 0 }.into()))),
        _ => None,
    };
    (a, b) = (a.or(end.clone()), b.or(end));
    let absent_first = missing == Missing::First;
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) if absent_first => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) if absent_first => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => match direction {
            Direction::Asc => order_of(&a, &b),
            Direction::Desc => order_of(&b, &a),
        },
    }
}
