//! What ranks -> queries that score, and what is near a vector. Pure.

use serde_json::{Value as Json, json};

use crate::{Error, FieldRef, Fuzziness, Kind, Operator, Rank, Result, TextMatch, vector};

/// What a word counts that was found by its edits, beside the BM25 of one found exactly.
const BY_EDITS: f32 = 0.1;

/// How much more an index looks at to score exactly what it finds by vectors that it keeps in fewer bits.
const OVERSAMPLE: f32 = 2.0;

/// The part of a ranking that is a query; of vectors there is none.
pub(super) fn rank(rank: &Rank) -> Result<Option<Json>> {
    match rank {
        Rank::Text(text) => words(text).map(Some),
        Rank::Knn { .. } => Ok(None),
        Rank::Fused(rankings) => {
            let found = rankings.iter().filter_map(|one| self::rank(one).transpose()).collect::<Result<Vec<_>>>()?;
            Ok((!found.is_empty()).then(|| json!({"bool": {"should": found, "minimum_should_match": 1}})))
        }
    }
}

/// The documents near a vector are found beside the query, not by it: what narrows them before stands inside.
pub(super) fn nearest(rank: &Rank, within: &[Json]) -> Result<Vec<Json>> {
    match rank {
        Rank::Text(_) => Ok(Vec::new()),
        Rank::Knn { field, vector, k, candidates } => {
            vector::check(field, vector)?;
            let mut asked = json!({
                "field": field.path,
                "query_vector": vector,
                "k": k,
                "num_candidates": candidates,
                "rescore_vector": {"oversample": OVERSAMPLE},
            });
            if !within.is_empty() {
                asked["filter"] = json!(within);
            }
            Ok(vec![asked])
        }
        Rank::Fused(rankings) => {
            let each = rankings.iter().map(|one| nearest(one, within)).collect::<Result<Vec<_>>>()?;
            Ok(each.concat())
        }
    }
}

/// Ticks must come after it: they narrow what is near, and do not look further.
pub(super) fn is_by_vector(rank: Option<&Rank>) -> bool {
    match rank {
        Some(Rank::Knn { .. }) => true,
        Some(Rank::Fused(rankings)) => rankings.iter().any(|one| is_by_vector(Some(one))),
        _ => false,
    }
}

/// The best field counts. A `multi_match` would do the same, but it reads `*` and `^` in names of fields.
pub(super) fn words(text: &TextMatch) -> Result<Json> {
    let mut each = text.fields.iter().map(|(field, boost)| in_field(text, field, *boost)).collect::<Result<Vec<_>>>()?;
    match each.len() {
        0 => Err(Error::invalid("a search needs a field to search in")),
        1 => Ok(each.swap_remove(0)),
        _ => Ok(json!({"dis_max": {"queries": each, "tie_breaker": 0.0}})),
    }
}

fn in_field(text: &TextMatch, field: &FieldRef, boost: f32) -> Result<Json> {
    if field.nested.is_some() {
        return Err(Error::Unsupported(format!("a search in {}, which lies in nested elements,", field.path)));
    }
    let path = match &field.kind {
        Kind::Text { .. } => &field.path,
        // no word at all; there it would be the empty value
        Kind::Keyword(_) if text.query.is_empty() => return Ok(json!({"match_none": {}})),
        Kind::Keyword(exact) => &exact.path,
        _ => return Err(Error::invalid(format!("{} is no text: it cannot be searched for words", field.path))),
    };
    let operator = match text.operator {
        Operator::Or => "or",
        Operator::And => "and",
    };
    let boost = f64::from(boost);
    let exact = |operator: &str| json!({"match": {path.as_str(): {"query": text.query, "operator": operator, "boost": boost}}});
    let fuzziness = match text.fuzziness {
        Fuzziness::None => return Ok(exact(operator)),
        Fuzziness::Auto => json!("AUTO"),
        Fuzziness::One => json!(1),
        Fuzziness::Two => json!(2),
    };
    // constant scores, for the default one stops at 50 words and mixes their frequencies; the `should` brings the exact ones to the front
    let near = json!({"match": {path.as_str(): {
        "query": text.query,
        "operator": operator,
        "fuzziness": fuzziness,
        "fuzzy_rewrite": "constant_score",
        "boost": boost * f64::from(BY_EDITS),
    }}});
    Ok(json!({"bool": {"must": [near], "should": [exact("or")]}}))
}
