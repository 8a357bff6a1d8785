//! Random documents and queries from a fixed seed, to both engines and to a plain evaluator: ids, order, totals, scores
//! and all that is computed beside them must agree.
//!
//! `HOOKE_TEST_CASES` asks for more or fewer pairs than the usual ones, `HOOKE_TEST_SEED` for others.

mod computing;
mod counting;
mod documents;
mod evaluator;
mod likeness;
mod meaning;
mod queries;
pub mod random;

use std::collections::BTreeSet;
use std::io::Write as _;

use hooke::search::{From, Order, Page, PageRequest, Query};

use crate::ground::{Ground, Kind, Shelf, call};
use documents::Corpus;
use evaluator::{Evaluator, Expected};
use queries::queries;
use random::Random;

/// Queries on one corpus, sent in one batch.
const BATCH: usize = 50;
const CASES: usize = 2_400;
const SEED: u64 = 0x0b5e_55ed;
/// The cases are split between so many tests, which run beside each other.
const PARTS: usize = 4;
const SHOWN: usize = 3;

#[tokio::test]
async fn engines_agree_first_part() {
    run(0).await;
}

#[tokio::test]
async fn engines_agree_second_part() {
    run(1).await;
}

#[tokio::test]
async fn engines_agree_third_part() {
    run(2).await;
}

#[tokio::test]
async fn engines_agree_fourth_part() {
    run(3).await;
}

fn setting(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().map_or(usual, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

async fn run(part: usize) {
    let cases = usize::try_from(setting("HOOKE_TEST_CASES", CASES as u64)).unwrap();
    let seed = setting("HOOKE_TEST_SEED", SEED);
    let corpora = cases.div_ceil(BATCH);
    let mut grounds = vec![Ground::open(Kind::Embedded).await.unwrap()];
    grounds.extend(Ground::open(Kind::Elasticsearch).await);
    let elastic = grounds.len() > 1;
    let mut differences = Vec::new();
    let mut asked = 0;
    for number in (part..corpora).step_by(PARTS) {
        let mut random = Random::new(seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let corpus = Corpus::generate(&mut random);
        let mut shelves = Vec::new();
        for ground in &grounds {
            let shelf = ground.shelf(documents::mapping()).await;
            shelf.fill(corpus.documents.iter().map(|document| (document.id.as_str(), document.source.clone()))).await;
            shelves.push(shelf);
        }
        let evaluator = Evaluator::new(&corpus);
        // the same random numbers on each engine: only the name of the collection differs
        for shelf in &shelves {
            let mut random = random.clone();
            let batch = queries(&mut random, shelf, BATCH);
            let pages = shelf.engine().search(&call(), &batch).await.unwrap();
            for (query, page) in batch.iter().zip(pages) {
                let difference = match page {
                    Ok(page) => {
                        evaluator.answer(query).compare(query, &page).and_then(|()| compare(&evaluator, query, &page)).err()
                    }
                    Err(fault) => Some(format!("{fault:?}")),
                };
                if let Some(difference) = difference {
                    differences.push(tell(shelf, &corpus, number, query, &difference));
                }
            }
            walk(shelf, &evaluator, &batch, &mut differences).await;
            asked += batch.len();
        }
        for ground in &grounds {
            ground.clear().await;
        }
        if differences.len() >= SHOWN {
            break;
        }
    }
    let engines = if elastic { "both engines" } else { "the embedded engine alone (HOOKE_TEST_ELASTICSEARCH is not set)" };
    let pairs = asked / grounds.len();
    let mut shown = std::io::stderr();
    // past the test runner, which hides what tests print that pass
    writeln!(shown, "differential, part {}: {pairs} random queries on {engines}", part + 1).unwrap();
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences[..differences.len().min(SHOWN)].join("\n\n")
    );
}

/// What is computed beside the hits.
fn compare(evaluator: &Evaluator<'_>, query: &Query, page: &Page) -> Result<(), String> {
    if query.compute.len() != page.computed.len() {
        return Err(format!("{} answers to {}", page.computed.len(), query.compute.len()));
    }
    for ((slot, compute), (other, found)) in query.compute.iter().zip(&page.computed) {
        let wanted = counting::answer(evaluator, query, compute);
        if slot != other {
            return Err(format!("slot {other}, not {slot}"));
        }
        likeness::alike(&wanted, found).map_err(|difference| format!("{difference}\n  of {:?}", Short(compute)))?;
    }
    Ok(())
}

fn tell(shelf: &Shelf<'_>, corpus: &Corpus, number: usize, query: &Query, difference: &str) -> String {
    let named: Vec<String> = corpus
        .documents
        .iter()
        .filter(|document| difference.split([' ', '"', ',', '(', ')']).any(|word| word == document.id))
        .take(8)
        .map(|document| format!("  {}: {}", document.id, document.source))
        .collect();
    format!(
        "{:?}, corpus {number}: {difference}\n  rule {:?}\n  filter {:?}\n  ticks {:?}\n  rank {:?}\n  order {:?}\n  page {:?}\n{}",
        shelf.ground.kind,
        Short(&query.rule),
        Short(&query.filter),
        Short(&query.ticks),
        Short(&query.rank),
        Short(&query.order),
        query.page,
        named.join("\n")
    )
}

/// Fields by their path alone.
struct Short<'a, T>(&'a T);

impl<T: std::fmt::Debug> std::fmt::Debug for Short<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = format!("{:?}", self.0);
        let mut rest = text.as_str();
        while let Some(at) = rest.find("Field { path: ") {
            let (before, field) = rest.split_at(at);
            f.write_str(before)?;
            let path = field["Field { path: ".len()..].split(',').next().unwrap_or_default();
            f.write_str(path)?;
            rest = field.find("fields: [] }").map_or("", |end| &field[end + "fields: [] }".len()..]);
        }
        f.write_str(rest)
    }
}

/// Over pages both ways each document is seen once, in the order of the whole.
async fn walk(shelf: &Shelf<'_>, evaluator: &Evaluator<'_>, batch: &[Query], differences: &mut Vec<String>) {
    let steady = |query: &&Query| query.rank.is_none() && !query.order.iter().any(|order| matches!(order, Order::Score(_)));
    for (at, query) in batch.iter().filter(steady).step_by(12).enumerate() {
        let size = [1, 3, 7][at % 3];
        for backward in [false, true] {
            let whole = Query { page: PageRequest { size: 1_000, backward: false, from: From::Start }, ..query.clone() };
            let Expected { ids: wanted, .. } = evaluator.answer(&whole);
            let mut seen: Vec<String> = Vec::new();
            let mut from = From::Start;
            loop {
                let asked = Query { page: PageRequest { size, backward, from }, ..query.clone() };
                let page: Page = shelf.page(asked).await;
                let names: Vec<String> = page.hits.iter().map(|hit| hit.document.id.to_string()).collect();
                let (more, edge) =
                    if backward { (page.has_previous, page.hits.first()) } else { (page.has_next, page.hits.last()) };
                if backward {
                    seen.splice(0..0, names);
                } else {
                    seen.extend(names);
                }
                match edge {
                    Some(edge) if more => {
                        from = if backward { From::Before(edge.key.clone()) } else { From::After(edge.key.clone()) };
                    }
                    _ => break,
                }
                if seen.len() > wanted.len() {
                    break;
                }
            }
            let once: BTreeSet<&String> = seen.iter().collect();
            if seen != wanted || once.len() != seen.len() {
                differences.push(format!(
                    "{:?}: a walk of {size}, backward {backward}, by {:?} through {:?}:\n  saw    {seen:?}\n  wanted {wanted:?}",
                    shelf.ground.kind,
                    Short(&query.order),
                    Short(&query.filter)
                ));
            }
        }
    }
}
