//! Whether the random queries ask what they should: a shape that is never made proves nothing. No engine answers here.

use std::collections::BTreeMap;

use hooke::search::{Compute, Filter, GroupBy, Quantifier, Query, Rank};
use hooke::verify::Random;

use super::documents::{self, Corpus};
use super::queries::queries;
use super::{BATCH, OF_VERIFY, SEED};
use crate::ground::{Ground, Kind};

const CORPORA: usize = 40;

#[tokio::test]
async fn random_queries_have_every_shape() {
    let ground = Ground::open(Kind::Embedded).await.unwrap();
    let shelf = ground.shelf(documents::mapping()).await;
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let mut count = |name, there: bool| *counts.entry(name).or_default() += usize::from(there);
    for number in 0..CORPORA {
        let mut random = Random::new(SEED ^ number as u64);
        let corpus = Corpus::generate(&mut random, number);
        for written in &corpus.documents {
            count("documents without elements", written.document.elements.is_empty());
            count("documents with elements of elements", !written.document.elements("e.f").is_empty());
        }
        let ids: Vec<String> = corpus.documents.iter().map(|written| written.document.id.clone()).collect();
        for query in queries(&mut random, &shelf, &ids, BATCH - OF_VERIFY) {
            let near = matches!(query.rank, Some(Rank::Knn { .. }));
            let fused = matches!(query.rank, Some(Rank::Fused(_)));
            let computes = |test: &dyn Fn(&Compute) -> bool| query.compute.iter().any(|(_, compute)| test(compute));
            let groups =
                |test: &dyn Fn(&GroupBy) -> bool| computes(&|compute| matches!(compute, Compute::Groups(of) if test(of)));
            count("near a vector, with a filter", near && query.filter != Filter::All);
            count("near a vector, with ticks", near && !query.ticks.is_empty());
            count("fused, with facets", fused && computes(&|compute| matches!(compute, Compute::Facet(_))));
            count("fused, with groups", fused && groups(&|_| true));
            count(
                "two some on one list",
                any(&query, &|filter| two(filter, Quantifier::Some, |parts| matches!(parts, Filter::And(_)))),
            );
            count("none inside or", any(&query, &|filter| matches!(filter, Filter::Or(parts) if parts.iter().any(is_none))));
            count("every", any(&query, &|filter| of_list(filter).is_some_and(|(_, of)| of == Quantifier::Every)));
            count("elements of elements", any(&query, &|filter| of_list(filter).is_some_and(|(path, _)| path == "e.f")));
            count("elements with a hit", !query.fetch.inner_hits.is_empty());
            let nested = |of: &GroupBy| of.keys.iter().any(|key| key.field.nested.is_some());
            count("groups by elements", groups(&nested));
            count(
                "groups within groups by elements",
                groups(&|of| nested(of) && of.inside.iter().any(|(_, inner)| matches!(inner, Compute::Groups(_)))),
            );
            count("intervals", groups(&|of| of.keys.iter().any(|key| key.interval.is_some())));
        }
    }
    let rare: Vec<_> = counts.iter().filter(|(_, count)| **count < 5).collect();
    assert!(rare.is_empty(), "of {} queries these are too few: {rare:?}", CORPORA * (BATCH - OF_VERIFY));
}

fn any(query: &Query, test: &dyn Fn(&Filter) -> bool) -> bool {
    [&query.rule, &query.filter].into_iter().any(|filter| within(filter, test))
}

fn within(filter: &Filter, test: &dyn Fn(&Filter) -> bool) -> bool {
    test(filter)
        || match filter {
            Filter::And(parts) | Filter::Or(parts) => parts.iter().any(|part| within(part, test)),
            Filter::Not(part) | Filter::Nested { filter: part, .. } => within(part, test),
            _ => false,
        }
}

fn of_list(filter: &Filter) -> Option<(&str, Quantifier)> {
    match filter {
        Filter::Nested { field, quantifier, .. } => Some((&field.path, *quantifier)),
        _ => None,
    }
}

fn is_none(filter: &Filter) -> bool {
    of_list(filter).is_some_and(|(_, quantifier)| quantifier == Quantifier::None)
}

/// Two parts on elements of one and the same list.
fn two(filter: &Filter, wanted: Quantifier, joined: fn(&Filter) -> bool) -> bool {
    let (Filter::And(parts) | Filter::Or(parts)) = filter else { return false };
    let mut lists: Vec<&str> = parts.iter().filter_map(of_list).filter(|(_, of)| *of == wanted).map(|(path, _)| path).collect();
    let all = lists.len();
    lists.sort_unstable();
    lists.dedup();
    joined(filter) && lists.len() < all
}
