//! The explanation of a hit as Elasticsearch words it -> hooke's tree. Pure. What it says in words that are not known is told as it is.

use serde_json::Value as Json;

use crate::explanation::{self, WordScore};
use crate::{Explanation, Query, Rank};

/// What the scores of a query are made of.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Explaining {
    /// Of words in these fields.
    Words(Vec<String>),
    /// Of a vector in this field.
    Vector(String),
}

impl Explaining {
    /// `None`: nothing is explained, for nobody asks or nothing is ranked.
    pub(super) fn of(query: &Query) -> Option<Self> {
        if !query.fetch.explanation {
            return None;
        }
        let paths = |text: &crate::TextMatch| text.fields.iter().map(|(field, _)| field.path.clone()).collect::<Vec<_>>();
        match &query.rank {
            Some(Rank::Text(text)) => Some(Explaining::Words(paths(text))),
            Some(Rank::Knn { field, .. }) => Some(Explaining::Vector(field.path.clone())),
            // each of its rankings is asked for itself
            Some(Rank::Fused(_)) => None,
            None => {
                let all: Vec<String> = query.members.iter().filter_map(|member| member.rank.as_ref()).flat_map(paths).collect();
                (!all.is_empty()).then_some(Explaining::Words(all))
            }
        }
    }

    pub(super) fn read(&self, json: &Json) -> Option<Explanation> {
        match self {
            Explaining::Words(fields) => part(json, fields),
            Explaining::Vector(field) => Some(explanation::near(field, json["value"].as_f64()?)),
        }
    }
}

fn part(json: &Json, fields: &[String]) -> Option<Explanation> {
    let (value, description) = (json["value"].as_f64()?, json["description"].as_str().unwrap_or_default());
    let details = || json["details"].as_array().into_iter().flatten();
    let inner = || details().filter_map(|detail| part(detail, fields)).collect::<Vec<_>>();
    match description {
        "sum of:" => explanation::sum(inner()),
        "max of:" => explanation::best(inner()),
        // conditions decide, and add nothing
        _ if value == 0.0 => None,
        _ => {
            let word = description.strip_prefix("weight(").and_then(|rest| weighed(json, value, rest, fields));
            Some(
                word.or_else(|| constant(value, description, fields))
                    .unwrap_or_else(|| explanation::other(value, description, inner())),
            )
        }
    }
}

/// `title:quick in 0) [PerFieldSimilarity], result of:`
fn weighed(json: &Json, value: f64, text: &str, fields: &[String]) -> Option<Explanation> {
    let (named, _) = text.rsplit_once(") [")?;
    let (named, _) = named.rsplit_once(" in ")?;
    let (field, term) = apart(named, fields)?;
    let number = |name: &str| number(json, name);
    let score = WordScore {
        // left out where it is 1
        boost: number("boost").unwrap_or(1.0),
        found: number("n,")?,
        documents: number("N,")?,
        frequency: number("freq,")?,
        k1: number("k1,")?,
        b: number("b,")?,
        length: number("dl,")?,
        average: number("avgdl,")?,
    };
    Some(explanation::word(field, term, value, &score))
}

/// `title:quick~1^0.1`, or `ConstantScore(title:it)^0.1`
fn constant(value: f64, text: &str, fields: &[String]) -> Option<Explanation> {
    let text = text.strip_prefix("ConstantScore(").unwrap_or(text);
    let (field, rest) = apart(text, fields)?;
    let text = rest.rsplit_once('^').map_or(rest, |(head, _)| head);
    let term = text.rsplit_once('~').map_or_else(|| text.trim_end_matches(')'), |(term, _)| term);
    Some(explanation::found(field, term, value))
}

/// The longest field that fits, for a name may hold what comes between the two.
fn apart<'t, 'f>(text: &'t str, fields: &'f [String]) -> Option<(&'f str, &'t str)> {
    let fits = fields.iter().filter_map(|field| Some((field.as_str(), text.strip_prefix(field.as_str())?.strip_prefix(':')?)));
    fits.max_by_key(|(field, _)| field.len())
}

/// The number that is so described, at any depth.
fn number(json: &Json, name: &str) -> Option<f64> {
    json["details"].as_array()?.iter().find_map(|detail| {
        let described =
            detail["description"].as_str().is_some_and(|text| text == name || name.ends_with(',') && text.starts_with(name));
        if described { detail["value"].as_f64() } else { number(detail, name) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn leaf(value: f64, description: &str) -> Json {
        json!({"value": value, "description": description, "details": []})
    }

    fn weight(term: &str) -> Json {
        let idf = json!({"value": f64::from(std::f32::consts::LN_2), "description": "idf, computed as log(1 + (N - n + 0.5) / (n + 0.5)) from:", "details":
            [leaf(1.0, "n, number of documents containing term"), leaf(2.0, "N, total number of documents with field")]});
        let tf = json!({"value": 0.37735844, "description": "tf, computed as freq / (freq + k1 * (1 - b + b * dl / avgdl)) from:", "details":
            [leaf(1.0, "freq, occurrences of term within document"), leaf(1.2, "k1, term saturation parameter"),
             leaf(0.75, "b, length normalization parameter"), leaf(3.0, "dl, length of field"), leaf(2.0, "avgdl, average length of field")]});
        let score = json!({"value": 0.5754429, "description": "score(freq=1.0), computed as boost * idf * tf from:",
            "details": [leaf(2.2, "boost"), idf, tf]});
        json!({"value": 0.5754429, "description": format!("weight({term} in 0) [PerFieldSimilarity], result of:"), "details": [score]})
    }

    fn read(json: &Json) -> Explanation {
        Explaining::Words(vec!["a".into(), "a:b".into()]).read(json).unwrap()
    }

    #[test]
    fn a_word_with_its_numbers() {
        let word = read(&weight("a:b in c"));
        assert_eq!((word.field.as_deref(), word.term.as_deref(), word.value), (Some("a"), Some("b in c"), 0.5754429));
        assert_eq!(word.details[0].value, 2.2);
        assert_eq!(read(&weight("a:b:c")).field.as_deref(), Some("a:b"));
    }

    #[test]
    fn conditions_are_left_out_and_sums_are_one() {
        let condition = json!({"value": 0.0, "description": "match on required clause, product of:", "details":
            [leaf(0.0, "# clause"), leaf(1.0, "*:*")]});
        let near = json!({"value": 0.1, "description": "sum of:", "details": [leaf(0.1, "a:x~1^0.1")]});
        let sum = json!({"value": 0.6754429, "description": "sum of:", "details": [near, weight("a:x"), condition]});
        let read_sum = read(&sum);
        assert_eq!(read_sum.details.len(), 2);
        assert_eq!(read_sum.details[1].term.as_deref(), Some("x"));
        let it = read(&leaf(0.1, "ConstantScore(a:it)^0.1"));
        assert_eq!((it.field.as_deref(), it.term.as_deref()), (Some("a"), Some("it")));
        assert_eq!(read(&leaf(0.5, "a new thing")).description, "a new thing");
    }
}
