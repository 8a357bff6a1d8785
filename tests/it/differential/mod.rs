//! Random documents and queries from a fixed seed, to both engines and to the plain evaluator of `hooke::verify`: ids, order, totals,
//! scores and all that is computed beside them must agree; in walks over pages, in snapshots, and behind writes.
//!
//! `HOOKE_TEST_CASES` asks for more or fewer queries than the usual ones, `HOOKE_TEST_SEED` for others.

mod computing;
mod coverage;
mod documents;
mod queries;

use std::collections::BTreeSet;
use std::io::Write as _;

use hooke::search::value::Value;
use hooke::search::{Action, Filter, From, Moment, Order, Page, PageRequest, Precondition, Query};
use hooke::verify::{Document, Evaluator, Plain, Random, Settled, Short, questions};
use serde_json::Value as Json;

use crate::ground::{Ground, Kind, Shelf, call, id};
use documents::{Corpus, Known, mark};
use queries::queries;

/// Queries on one corpus, sent in one batch; so many of them are made as those of `hooke verify` are.
const BATCH: usize = 50;
const OF_VERIFY: usize = 10;
const CASES: usize = 10_000;
const SEED: u64 = 0x0b5e_55ed;
/// The cases are split between so many tests, which run beside each other.
const PARTS: usize = 4;
/// Corpora that grow in one index, one after another: an index of Elasticsearch takes longer to make than fifty queries.
const TOGETHER: usize = 5;
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
    let corpora: Vec<usize> = (part..cases.div_ceil(BATCH)).step_by(PARTS).collect();
    let mut grounds = vec![Ground::open(Kind::Embedded).await.unwrap()];
    grounds.extend(Ground::open(Kind::Elasticsearch).await);
    let mut differences = Vec::new();
    let mut asked = 0;
    for together in corpora.chunks(TOGETHER) {
        let mut shelves = Vec::new();
        for ground in &grounds {
            shelves.push(ground.shelf(documents::mapping()).await);
        }
        let mut growing = Growing { seed, shelves, sources: Vec::new(), documents: Vec::new(), differences: Vec::new() };
        for number in together {
            asked += growing.add(*number).await;
        }
        growing.change(together[0]).await;
        differences.extend(growing.differences);
        for ground in &grounds {
            ground.clear().await;
        }
        if differences.len() >= SHOWN {
            break;
        }
    }
    let engines = match grounds.len() {
        2 => "both engines",
        _ => "the embedded engine alone (HOOKE_TEST_ELASTICSEARCH is not set)",
    };
    let mut shown = std::io::stderr();
    // past the test runner, which hides what tests print that pass
    writeln!(shown, "differential, part {}: {asked} random queries on {engines}", part + 1).unwrap();
    assert!(
        differences.is_empty(),
        "{} differences:\n{}",
        differences.len(),
        differences[..differences.len().min(SHOWN)].join("\n\n")
    );
}

/// The same documents on each engine, more and more of them.
struct Growing<'g> {
    seed: u64,
    shelves: Vec<Shelf<'g>>,
    /// In the order in which they were written.
    sources: Vec<Json>,
    documents: Vec<Document>,
    differences: Vec<String>,
}

impl Growing<'_> {
    fn random(&self, number: usize) -> Random {
        Random::new(self.seed ^ (number as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// One corpus more, and queries on it, most of them on it alone; how many.
    async fn add(&mut self, number: usize) -> usize {
        let mut random = self.random(number);
        let corpus = Corpus::generate(&mut random, number);
        let fields = &self.shelves[0].collection.fields;
        corpus.documents.iter().for_each(|written| written.check(fields));
        for shelf in &self.shelves {
            shelf.fill(corpus.documents.iter().map(|written| (written.document.id.as_str(), written.source.clone()))).await;
        }
        for written in corpus.documents {
            self.sources.push(written.source);
            self.documents.push(written.document);
        }
        let mut count = 0;
        for shelf in &self.shelves {
            // the same random numbers on each engine: only the name of the collection differs
            let mut random = random.clone();
            let mut batch = self.batch(&mut random, shelf);
            for query in &mut batch {
                if !random.once_in(5) {
                    let own = Filter::OneOf(shelf.field("c"), vec![Value::Text(mark(number))]);
                    query.rule = Filter::And(vec![own, std::mem::take(&mut query.rule)]);
                }
            }
            count = batch.len();
            let differences = self.ask(shelf, &batch, &self.documents).await;
            self.differences.extend(differences.into_iter().map(|told| format!("corpus {number}, {told}")));
            let differences = self.walk(shelf, number, &batch).await;
            self.differences.extend(differences);
        }
        count
    }

    fn batch(&self, random: &mut Random, shelf: &Shelf<'_>) -> Vec<Query> {
        let ids: Vec<String> = self.documents.iter().map(|document| document.id.clone()).collect();
        let mut batch = queries(random, shelf, &ids, BATCH - OF_VERIFY);
        let fields: Vec<_> = shelf.collection.all_fields().into_iter().cloned().collect();
        batch.extend(questions(&shelf.collection, &fields, &self.documents, OF_VERIFY, random).0);
        batch
    }

    async fn ask(&self, shelf: &Shelf<'_>, batch: &[Query], documents: &[Document]) -> Vec<String> {
        let (by_table, plain) = (Evaluator::new(documents, &Known), Evaluator::new(documents, &Plain));
        let pages = shelf.engine().search(&call(), batch).await.unwrap();
        let mut differences = Vec::new();
        for (at, (query, page)) in batch.iter().zip(pages).enumerate() {
            let difference = match page {
                Ok(page) if at < BATCH - OF_VERIFY => by_table.compare(query, &page, Settled::All),
                Ok(page) => plain.compare(query, &page, Settled::Keys),
                Err(fault) => Err(format!("{fault:?}")),
            };
            differences.extend(difference.err().map(|difference| self.tell(shelf, at, query, &difference)));
        }
        differences
    }

    /// Documents are deleted and written anew: a snapshot still sees what was there, and all else what is there now.
    async fn change(&mut self, number: usize) {
        let mut random = self.random(number ^ 0x5eed);
        let (mut gone, mut anew) = (BTreeSet::new(), Vec::new());
        for (at, document) in self.documents.iter().enumerate() {
            match random.below(6) {
                0 => {
                    gone.insert(document.id.clone());
                }
                1 => anew.push(at),
                _ => {}
            }
        }
        let before = std::mem::take(&mut self.documents);
        let mut after: Vec<Document> = Vec::new();
        let kept = before.iter().enumerate().filter(|(at, document)| !gone.contains(&document.id) && !anew.contains(at));
        after.extend(kept.map(|(_, document)| document.clone()));
        // what is written anew comes last
        after.extend(anew.iter().map(|at| before[*at].clone()));
        let mut differences = Vec::new();
        for shelf in &self.shelves {
            let mut random = random.clone();
            let snapshot = shelf.engine().open_snapshot(&call(), &shelf.name).await.unwrap();
            let deleted = gone.iter().map(|name| shelf.write(Action::Delete { id: id(name), precondition: Precondition::None }));
            let written = anew.iter().map(|at| shelf.index(&before[*at].id, self.sources[*at].clone()));
            for outcome in shelf.send(deleted.chain(written).collect()).await {
                outcome.unwrap();
            }
            self.documents.clone_from(&before);
            let mut held = self.batch(&mut random, shelf);
            held.iter_mut().for_each(|query| query.at = Moment::Snapshot(snapshot.clone()));
            let told = self.ask(shelf, &held, &before).await;
            differences.extend(told.into_iter().map(|told| format!("in a snapshot, {told}")));
            shelf.engine().close_snapshot(&call(), snapshot).await.unwrap();
            // deleted documents count in scores until they are merged away
            let mut live = self.batch(&mut random, shelf);
            live.iter_mut().for_each(|query| {
                query.rank = None;
                query.order.retain(|order| !matches!(order, Order::Score(_)));
            });
            let told = self.ask(shelf, &live, &after).await;
            differences.extend(told.into_iter().map(|told| format!("behind writes, {told}")));
        }
        self.differences.extend(differences);
    }

    fn tell(&self, shelf: &Shelf<'_>, at: usize, query: &Query, difference: &str) -> String {
        let named: Vec<String> = self
            .documents
            .iter()
            .zip(&self.sources)
            .filter(|(document, _)| difference.split([' ', '"', ',', '(', ')', '[', ']']).any(|word| word == document.id))
            .take(8)
            .map(|(document, source)| format!("  {}: {source}", document.id))
            .collect();
        format!(
            "query {at} on {:?}: {difference}\n  rule {:?}\n  filter {:?}\n  ticks {:?}\n  rank {:?}\n  order {:?}\n  page {:?}\n{}",
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

    /// Over pages each document is seen once, in the order of the whole.
    async fn walk(&self, shelf: &Shelf<'_>, number: usize, batch: &[Query]) -> Vec<String> {
        let evaluator = Evaluator::new(&self.documents, &Known);
        let steady = |query: &&Query| query.rank.is_none() && !query.order.iter().any(|order| matches!(order, Order::Score(_)));
        let mut differences = Vec::new();
        for (at, query) in batch[..BATCH - OF_VERIFY].iter().filter(steady).step_by(14).enumerate() {
            let (size, backward) = ([5, 2, 11][at % 3], (at + number) % 2 == 1);
            let query = Query { compute: Vec::new(), ..query.clone() };
            let whole = Query { page: PageRequest { size: 1_000, backward: false, from: From::Start }, ..query.clone() };
            let wanted = evaluator.answer(&whole).ids;
            let seen = pages_of(shelf, &query, size, backward, wanted.len()).await;
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
        differences
    }
}

async fn pages_of(shelf: &Shelf<'_>, query: &Query, size: u32, backward: bool, most: usize) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    let mut from = From::Start;
    loop {
        let page: Page = shelf.page(Query { page: PageRequest { size, backward, from }, ..query.clone() }).await;
        let names: Vec<String> = page.hits.iter().map(|hit| hit.document.id.to_string()).collect();
        let (more, edge) = if backward { (page.has_previous, page.hits.first()) } else { (page.has_next, page.hits.last()) };
        if backward {
            seen.splice(0..0, names);
        } else {
            seen.extend(names);
        }
        match edge {
            Some(edge) if more && seen.len() <= most => {
                from = if backward { From::Before(edge.key.clone()) } else { From::After(edge.key.clone()) };
            }
            _ => return seen,
        }
    }
}
