//! Rankings of different kinds fused by their ranks (reciprocal rank fusion): a fused query becomes one query a ranking, each with its first
//! hits, and their pages are joined. What is counted is counted over the union, by one query more, where it is asked for.
//! Both engines answer the parts in the batch of the others; this is pure.

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::Value as Json;

use super::explanation;
use super::{Error, Explanation, From, Hit, Key, Page, PageRequest, Query, Rank, Result, TotalRequest};

/// A hit at rank r of a ranking (the first is 1) gets 1 / (60 + r) of it.
const CONSTANT: f64 = 60.0;

/// So many hits of each ranking are fused, on every page alike: with fewer on the first pages the order would change under a walk.
const WINDOW: u32 = 1_000;

/// A batch without fused queries, and how its answers become those of the batch that was asked.
pub(super) struct Expanded {
    pub(super) queries: Vec<Query>,
    parts: Vec<Part>,
}

enum Part {
    /// As it was.
    Plain,
    /// So many rankings, then the union where something is counted.
    Fused { rankings: usize, counted: bool, page: PageRequest, scores: bool },
    /// Refused before anything is asked.
    Refused(Error),
}

/// `None`: nothing is fused, the batch can be sent as it is.
pub(super) fn expand(batch: &[Query]) -> Option<Expanded> {
    if !batch.iter().any(is_fused) {
        return None;
    }
    let mut all = Expanded { queries: Vec::with_capacity(batch.len() + 2), parts: Vec::with_capacity(batch.len()) };
    for query in batch {
        let Some(Rank::Fused(rankings)) = query.rank.as_ref().filter(|_| is_fused(query)) else {
            all.queries.push(query.clone());
            all.parts.push(Part::Plain);
            continue;
        };
        if let Err(fault) = check(query) {
            all.parts.push(Part::Refused(fault));
            continue;
        }
        let counted = query.total != TotalRequest::None || !query.compute.is_empty() || !query.suggest.is_empty();
        let hits = query.page.size > 0;
        let rankings: &[Rank] = if hits { rankings } else { &[] };
        for ranking in rankings {
            let mut one = query.clone();
            one.rank = Some(ranking.clone());
            one.page = PageRequest { size: WINDOW, backward: false, from: From::Start };
            one.total = TotalRequest::None;
            (one.compute, one.suggest) = (Vec::new(), Vec::new());
            one.order.clear();
            all.queries.push(one);
        }
        if counted {
            let mut union = query.clone();
            union.page = PageRequest { size: 0, ..PageRequest::default() };
            union.order.clear();
            union.fetch = super::Fetch { fields: Some(Vec::new()), ..super::Fetch::default() };
            all.queries.push(union);
        }
        all.parts.push(Part::Fused { rankings: rankings.len(), counted, page: query.page.clone(), scores: query.fetch.scores });
    }
    Some(all)
}

/// A query without hits is counted over the union as it stands, by whichever engine.
fn is_fused(query: &Query) -> bool {
    matches!(query.rank, Some(Rank::Fused(_))) && query.page.size > 0
}

fn check(query: &Query) -> Result<()> {
    if !query.order.is_empty() && query.order != [super::Order::Score(super::Direction::Desc)] {
        return Err(Error::invalid("fused rankings have an order of their own: leave orderBy out"));
    }
    Ok(())
}

impl Expanded {
    /// Answers to what was asked, in its order.
    pub(super) fn join(self, answers: Vec<Result<Page>>) -> Vec<Result<Page>> {
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(Error::internal("an answer is missing in a batch")));
        self.parts
            .into_iter()
            .map(|part| match part {
                Part::Plain => next(),
                Part::Refused(fault) => Err(fault),
                Part::Fused { rankings, counted, page, scores } => {
                    let ranked: Vec<Result<Page>> = (0..rankings).map(|_| next()).collect();
                    let union = counted.then(&mut next);
                    fuse(ranked.into_iter().collect::<Result<_>>()?, union.transpose()?, &page, scores)
                }
            })
            .collect()
    }
}

struct Fused {
    hit: Hit,
    score: f64,
    /// Where scores are explained: what each ranking gave.
    parts: Vec<Explanation>,
}

fn fuse(ranked: Vec<Page>, union: Option<Page>, page: &PageRequest, scores: bool) -> Result<Page> {
    let took = ranked.iter().chain(&union).map(|page| page.took).max().unwrap_or(0);
    let moment = ranked.iter().chain(&union).find_map(|page| page.moment.clone());
    let mut places: HashMap<(std::sync::Arc<str>, String), usize> = HashMap::new();
    let mut fused: Vec<Fused> = Vec::new();
    for one in ranked {
        for (rank, mut hit) in one.hits.into_iter().enumerate() {
            let worth = 1.0 / (CONSTANT + 1.0 + rank as f64);
            let part = hit.explanation.take().map(|inner| explanation::place(worth, rank + 1, Some(inner)));
            let name = (hit.document.index.clone(), hit.document.id.as_str().to_owned());
            match places.get(&name) {
                Some(at) => {
                    let known = &mut fused[*at];
                    known.score += worth;
                    known.parts.extend(part);
                    // marks are of the words, which a vector has none of
                    if known.hit.highlights.is_empty() {
                        known.hit.highlights = hit.highlights;
                    }
                }
                None => {
                    places.insert(name, fused.len());
                    fused.push(Fused { hit, score: worth, parts: part.into_iter().collect() });
                }
            }
        }
    }
    fused.sort_by(|one, other| compare(one.place(), other.place()));
    fused.truncate(WINDOW as usize);
    for one in &mut fused {
        one.hit.key = key(one);
        one.hit.score = scores.then_some(one.score as f32);
        if !one.parts.is_empty() {
            one.hit.explanation = Some(explanation::fused(std::mem::take(&mut one.parts)));
        }
    }
    let size = page.size as usize;
    let (from, to) = match (&page.from, page.backward) {
        (From::Start, false) => (0, size),
        (From::Start, true) => (fused.len().saturating_sub(size), fused.len()),
        (From::Offset(offset), _) => (*offset as usize, (*offset as usize).saturating_add(size)),
        (From::After(place), _) => {
            let place = read(place)?;
            let from = fused.iter().position(|one| compare(place.place(), one.place()) == Ordering::Less).unwrap_or(fused.len());
            (from, from + size)
        }
        (From::Before(place), _) => {
            let place = read(place)?;
            let to = fused.iter().position(|one| compare(place.place(), one.place()) != Ordering::Greater).unwrap_or(fused.len());
            (to.saturating_sub(size), to)
        }
    };
    let (from, to) = (from.min(fused.len()), to.min(fused.len()));
    let (has_next, has_previous) = (to < fused.len(), from > 0);
    let hits = fused.drain(from..to).map(|one| one.hit).collect();
    let (total, computed, suggested) =
        union.map_or((None, Vec::new(), Vec::new()), |page| (page.total, page.computed, page.suggested));
    Ok(Page { hits, total, has_next, has_previous, computed, suggested, moment, took })
}

/// The better first; of equal ones by id, for nothing else is the same on every page.
fn compare(one: Place<'_>, other: Place<'_>) -> Ordering {
    other.0.total_cmp(&one.0).then_with(|| (one.1, one.2).cmp(&(other.1, other.2)))
}

/// Score, id and index.
type Place<'a> = (f64, &'a str, &'a str);

impl Fused {
    fn place(&self) -> Place<'_> {
        (self.score, self.hit.document.id.as_str(), &self.hit.document.index)
    }
}

fn key(one: &Fused) -> Key {
    Key(vec![Json::from(one.score), Json::from(one.hit.document.id.as_str()), Json::from(&*one.hit.document.index)])
}

/// A place in the order of a fusion.
struct Spot {
    score: f64,
    id: String,
    index: String,
}

fn read(key: &Key) -> Result<Spot> {
    match key.0.as_slice() {
        [Json::Number(score), Json::String(id), Json::String(index)] => {
            Ok(Spot { score: score.as_f64().unwrap_or_default(), id: id.clone(), index: index.clone() })
        }
        _ => Err(Error::invalid("the place is of another order")),
    }
}

impl Spot {
    fn place(&self) -> Place<'_> {
        (self.score, &self.id, &self.index)
    }
}

#[cfg(test)]
mod tests {
    use super::super::*;
    use super::*;

    fn page(ids: &[&str]) -> Result<Page> {
        let hit = |id: &&str| Hit {
            of: 0,
            document: Document {
                id: DocumentId::parse(id).unwrap(),
                index: "a".into(),
                routing: None,
                version: Version { seq_no: 1, primary_term: 1 },
                source: Source::new(),
            },
            score: None,
            key: Key(Vec::new()),
            highlights: Vec::new(),
            distance: None,
            inner_hits: Vec::new(),
            explanation: None,
        };
        Ok(Page {
            hits: ids.iter().map(hit).collect(),
            total: None,
            has_next: false,
            has_previous: false,
            computed: Vec::new(),
            suggested: Vec::new(),
            moment: None,
            took: 1,
        })
    }

    fn fused() -> Query {
        let mut query = Query::new(CollectionName::parse("a").unwrap());
        let words = TextMatch { query: "a".into(), fields: Vec::new(), operator: Operator::Or, fuzziness: Fuzziness::None };
        query.rank = Some(Rank::Fused(vec![Rank::Text(words.clone()), Rank::Text(words)]));
        query.page.size = 2;
        query
    }

    fn answer(query: &Query, pages: [&[&str]; 2]) -> Page {
        let expanded = expand(std::slice::from_ref(query)).unwrap();
        assert_eq!(expanded.queries.len(), 2);
        expanded.join(pages.into_iter().map(page).collect()).remove(0).unwrap()
    }

    fn ids(page: &Page) -> Vec<&str> {
        page.hits.iter().map(|hit| hit.document.id.as_str()).collect()
    }

    #[test]
    fn ranks_add_up_and_pages_go_both_ways() {
        let pages: [&[&str]; 2] = [&["p", "q", "r", "s"], &["s", "q", "t"]];
        let mut query = fused();
        query.fetch.scores = true;
        let first = answer(&query, pages);
        // q 2/62, s 1/64 + 1/61, p 1/61, r 1/63 = t 1/63
        assert_eq!((ids(&first), first.has_next, first.has_previous), (vec!["q", "s"], true, false));
        assert!((first.hits[0].score.unwrap() - 2.0 / 62.0).abs() < 1e-6);
        query.page.from = From::After(first.hits[1].key.clone());
        let second = answer(&query, pages);
        assert_eq!((ids(&second), second.has_next, second.has_previous), (vec!["p", "r"], true, true));
        query.page.from = From::After(second.hits[1].key.clone());
        let third = answer(&query, pages);
        assert_eq!((ids(&third), third.has_next), (vec!["t"], false));
        query.page = PageRequest { size: 2, backward: true, from: From::Before(third.hits[0].key.clone()) };
        assert_eq!(ids(&answer(&query, pages)), ["p", "r"]);
        query.page = PageRequest { size: 2, backward: true, from: From::Start };
        assert_eq!(ids(&answer(&query, pages)), ["r", "t"]);
        query.page = PageRequest { size: 2, backward: false, from: From::Offset(4) };
        assert_eq!(ids(&answer(&query, pages)), ["t"]);
    }

    #[test]
    fn what_is_counted_is_one_query_more_and_others_stay() {
        let plain = Query::new(CollectionName::parse("b").unwrap());
        let mut counted = fused();
        counted.total = TotalRequest::All;
        let expanded = expand(&[plain.clone(), counted.clone(), plain.clone()]).unwrap();
        assert_eq!(expanded.queries.len(), 5);
        let union = &expanded.queries[3];
        assert_eq!((union.page.size, union.total, &union.rank), (0, TotalRequest::All, &counted.rank));
        let mut union = page(&[]).unwrap();
        union.total = Some(Total { value: 3, relation: Relation::Equal });
        let answers = vec![page(&["x"]), page(&["p"]), page(&["q"]), Ok(union), page(&["y"])];
        let pages: Vec<Page> = expanded.join(answers).into_iter().map(|page| page.unwrap()).collect();
        assert_eq!((ids(&pages[0]), ids(&pages[1]), ids(&pages[2])), (vec!["x"], vec!["p", "q"], vec!["y"]));
        assert_eq!(pages[1].total.unwrap().value, 3);
        assert!(expand(&[plain]).is_none());
    }

    #[test]
    fn one_ranking_that_fails_fails_the_whole_and_nothing_else() {
        let plain = Query::new(CollectionName::parse("b").unwrap());
        let expanded = expand(&[fused(), plain]).unwrap();
        let mut answers = expanded.join(vec![page(&["p"]), Err(Error::Timeout), page(&["x"])]);
        assert!(answers.pop().unwrap().is_ok());
        assert!(matches!(answers.pop().unwrap(), Err(Error::Timeout)));
        let mut sorted = fused();
        sorted.order = vec![Order::Score(Direction::Asc)];
        assert!(expand(&[sorted]).unwrap().join(Vec::new())[0].is_err());
    }
}
