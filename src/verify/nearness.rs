//! What is near a vector, and rankings fused by their places. Documents equally near, or scores so alike that two engines may see them
//! the other way round, leave open who is first: then every answer is right that chooses among these.

use std::collections::{BTreeMap, BTreeSet};

use crate::search::{FieldRef, Kind, Similarity};

use super::document::Document;

/// Scores that differ by less are the same.
pub(super) fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-5 * a.abs().max(b.abs())
}

/// A document with its place in the corpus and its score.
pub(super) type Scored<'c> = (usize, &'c Document, f64);

/// `None`: it has no vector.
pub(super) fn score(document: &Document, field: &FieldRef, asked: &[f32]) -> Option<f64> {
    let Kind::Vector { similarity, .. } = &field.kind else { return None };
    let vector = document.vectors.get(&field.path)?;
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
    let product = dot(vector, asked);
    Some(match similarity {
        Similarity::Cosine => (1.0 + product / (dot(vector, vector) * dot(asked, asked)).sqrt()) / 2.0,
        Similarity::DotProduct => (1.0 + product) / 2.0,
        Similarity::L2Norm => {
            let away: Vec<f32> = vector.iter().zip(asked).map(|(a, b)| a - b).collect();
            1.0 / (1.0 + dot(&away, &away))
        }
        Similarity::MaxInnerProduct if product < 0.0 => 1.0 / (1.0 - product),
        Similarity::MaxInnerProduct => product + 1.0,
    })
}

/// The nearest so many. Of those equally near at the edge the `seen` ones, which an engine chose; true: that does not settle it.
pub(super) fn nearest<'c>(mut found: Vec<Scored<'c>>, k: usize, seen: &BTreeSet<&str>) -> (Vec<Scored<'c>>, bool) {
    found.sort_by(|a, b| b.2.total_cmp(&a.2));
    let Some(edge) = k.checked_sub(1).and_then(|last| found.get(last)).map(|(_, _, score)| *score) else {
        found.truncate(k);
        return (found, false);
    };
    let (mut near, rest): (Vec<_>, Vec<_>) = found.into_iter().partition(|(_, _, score)| *score > edge && !same(*score, edge));
    let mut tied: Vec<_> = rest.into_iter().filter(|(_, _, score)| same(*score, edge)).collect();
    tied.sort_by_key(|(at, document, _)| (!seen.contains(document.id.as_str()), *at));
    let room = k - near.len();
    let open = tied.len() > room && {
        let is_seen = |at: usize| seen.contains(tied[at].1.id.as_str());
        is_seen(room - 1) == is_seen(room)
    };
    near.extend(tied.into_iter().take(room));
    (near, open)
}

/// Least and greatest score of each document by its places in the rankings.
pub(super) fn fused(rankings: &[Vec<Scored<'_>>]) -> BTreeMap<String, (f64, f64)> {
    const CONSTANT: f64 = 60.0;
    let mut all: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for ranking in rankings {
        for (_, document, score) in ranking {
            // near alike: either may stand first
            let alike = |other: f64| (other - score).abs() <= 1e-4 * score.abs();
            let before = ranking.iter().filter(|(_, _, other)| *other > *score && !alike(*other)).count();
            let beside = ranking.iter().filter(|(_, _, other)| alike(*other)).count();
            let worth = |rank: usize| 1.0 / (CONSTANT + rank as f64);
            let (least, most) = all.entry(document.id.clone()).or_default();
            *least += worth(before + beside);
            *most += worth(before + 1);
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn documents(count: usize) -> Vec<Document> {
        (0..count).map(|at| Document { id: format!("d{at}"), ..Document::default() }).collect()
    }

    fn ids(found: &[Scored<'_>]) -> Vec<String> {
        found.iter().map(|(_, document, _)| document.id.clone()).collect()
    }

    #[test]
    fn of_equal_ones_the_engine_chooses() {
        let documents = documents(5);
        let found = |scores: [f64; 5]| -> Vec<Scored<'_>> {
            documents.iter().enumerate().map(|(at, document)| (at, document, scores[at])).collect()
        };
        let seen = |ids: &[&'static str]| ids.iter().copied().collect::<BTreeSet<&str>>();
        let scores = [0.5, 0.9, 0.5, 0.5, 0.1];
        let (near, open) = nearest(found(scores), 2, &seen(&["d1", "d2"]));
        assert_eq!((ids(&near), open), (vec!["d1".to_owned(), "d2".to_owned()], false));
        let (near, open) = nearest(found(scores), 2, &seen(&[]));
        assert_eq!((near.len(), open), (2, true));
        let (near, open) = nearest(found(scores), 4, &seen(&[]));
        assert_eq!((near.len(), open), (4, false));
        // what an engine shows beside what is nearer is not taken for it
        let (near, _) = nearest(found(scores), 1, &seen(&["d4"]));
        assert_eq!(ids(&near), ["d1"]);
    }

    #[test]
    fn places_that_are_open_are_spans() {
        let documents = documents(3);
        let ranking: Vec<Scored<'_>> = vec![(0, &documents[0], 2.0), (1, &documents[1], 1.0), (2, &documents[2], 1.0)];
        let all = fused(&[ranking]);
        assert_eq!(all["d0"], (1.0 / 61.0, 1.0 / 61.0));
        assert_eq!(all["d1"], (1.0 / 63.0, 1.0 / 62.0));
    }
}
