//! The body of an answer -> a `Page`. Pure. A part is never passed off as the whole.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::Value as Json;

use super::failure;
use super::request::{MARK_BEGIN, MARK_END, More, Reading};
use super::sorting;
use super::suggesting::Doubts;
use crate::{
    Document, DocumentId, Elements, Error, Fragment, Highlight, Hit, Key, Page, Relation, Result, Run, SnapshotId, Source, Total,
    TotalRequest, Version,
};

/// One search's answer, or one of several.
#[derive(Debug, Deserialize)]
pub(super) struct Body {
    took: Option<u64>,
    pit_id: Option<String>,
    timed_out: Option<bool>,
    #[serde(rename = "_shards")]
    shards: Option<Shards>,
    hits: Option<Hits>,
    aggregations: Option<Json>,
    suggest: Option<Json>,
    error: Option<Json>,
    status: Option<u16>,
}

#[derive(Debug, Deserialize)]
struct Shards {
    total: u64,
    failed: u64,
    #[serde(default)]
    failures: Vec<Json>,
}

#[derive(Debug, Deserialize)]
struct Hits {
    total: Option<Counted>,
    hits: Vec<Found>,
}

#[derive(Debug, Deserialize)]
struct Counted {
    value: u64,
    relation: String,
}

#[derive(Debug, Deserialize)]
struct Found {
    #[serde(rename = "_index")]
    index: String,
    #[serde(rename = "_id")]
    id: String,
    #[serde(rename = "_score")]
    score: Option<f32>,
    #[serde(rename = "_seq_no")]
    seq_no: u64,
    #[serde(rename = "_primary_term")]
    primary_term: u64,
    #[serde(rename = "_routing")]
    routing: Option<String>,
    #[serde(rename = "_source", default)]
    source: Source,
    #[serde(default)]
    sort: Vec<Json>,
    #[serde(default)]
    highlight: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    inner_hits: BTreeMap<String, Inner>,
    #[serde(default)]
    matched_queries: Vec<String>,
    #[serde(rename = "_explanation")]
    explanation: Option<Json>,
}

#[derive(Debug, Deserialize)]
struct Inner {
    hits: InnerFound,
}

#[derive(Debug, Deserialize)]
struct InnerFound {
    total: Counted,
    hits: Vec<InnerHit>,
}

#[derive(Debug, Deserialize)]
struct InnerHit {
    #[serde(rename = "_source")]
    source: Json,
}

impl Body {
    pub(super) fn is_refusal(&self) -> bool {
        self.error.as_ref().is_some_and(Json::is_object)
    }
}

/// A page, and what must be counted before all of its suggestions may be told.
pub(super) fn page(body: Body, reading: &Reading) -> Result<(Page, Option<Doubts>)> {
    let shards = whole(&body)?.total;
    let (suggest, aggregations) = (body.suggest, body.aggregations);
    let Hits { total, hits: mut found } = body.hits.ok_or_else(|| lacking("hits"))?;
    let counted = total.map(|total| (total.value, total.relation == "eq"));

    let more = match reading.more {
        More::Hit => found.len() > reading.size,
        More::Count => counted.ok_or_else(|| lacking("a total"))?.0 > reading.offset + reading.size as u64,
    };
    found.truncate(reading.size);
    if reading.backward {
        found.reverse();
    }
    let from_somewhere = reading.cursor || reading.offset > 0;
    let mut page = Page {
        hits: found.into_iter().map(|found| hit(found, reading)).collect::<Result<_>>()?,
        total: total_of(reading.total, counted).map_err(|()| lacking("a total"))?,
        has_next: if reading.backward { reading.cursor } else { more },
        has_previous: if reading.backward { more } else { from_somewhere },
        computed: reading.computing.read(aggregations.as_ref(), shards)?,
        suggested: Vec::new(),
        moment: body.pit_id.map(|id| SnapshotId(id.into())),
        took: body.took.unwrap_or(0),
    };
    reading.suggesting.read(suggest.as_ref(), aggregations.as_ref(), &mut page)?;
    let doubts = reading.suggesting.doubts(suggest.as_ref(), aggregations.as_ref(), &page)?;
    Ok((page, doubts))
}

/// What was counted where nothing else was asked.
pub(super) fn counted(body: Body) -> Result<Option<Json>> {
    whole(&body)?;
    Ok(body.aggregations)
}

/// No refusal, and no part passed off as the whole.
fn whole(body: &Body) -> Result<&Shards> {
    if let Some(error) = &body.error {
        return Err(failure::of_error(body.status.unwrap_or(500), error));
    }
    if body.timed_out == Some(true) {
        return Err(Error::Timeout);
    }
    let shards = body.shards.as_ref().ok_or_else(|| lacking("_shards"))?;
    if shards.failed > 0 || !shards.failures.is_empty() {
        let first = shards.failures.first().map(|failure| failure::told(&failure["reason"])).unwrap_or_default();
        return Err(Error::Partial(format!("{} shards failed: {first}", shards.failed)));
    }
    Ok(shards)
}

fn lacking(what: &str) -> Error {
    Error::Internal(format!("an answer to a search without {what}"))
}

/// What was asked, also where more was counted to know whether the walk goes on.
fn total_of(asked: TotalRequest, counted: Option<(u64, bool)>) -> Result<Option<Total>, ()> {
    if asked == TotalRequest::None {
        return Ok(None);
    }
    let (value, exact) = counted.ok_or(())?;
    Ok(Some(match asked {
        TotalRequest::UpTo(most) if value > most || (value == most && !exact) => {
            Total { value: most, relation: Relation::AtLeast }
        }
        _ => Total { value, relation: if exact { Relation::Equal } else { Relation::AtLeast } },
    }))
}

fn hit(found: Found, reading: &Reading) -> Result<Hit> {
    let at = |place: Option<usize>| place.and_then(|place| found.sort.get(place)).and_then(Json::as_f64);
    #[expect(clippy::cast_possible_truncation, reason = "scores are single precision")]
    let score = reading.scored.then(|| found.score.or_else(|| at(reading.score_at).map(|score| score as f32))).flatten();
    let distance = at(reading.distance_at);
    let mut marked = found.highlight;
    let mut inner = found.inner_hits;
    let of = match (reading.members, found.matched_queries.as_slice()) {
        (0, _) => 0,
        (members, [one]) => one.parse().ok().filter(|at| *at < members).ok_or_else(|| nobody(&found.index))?,
        _ => return Err(nobody(&found.index)),
    };
    Ok(Hit {
        of,
        score,
        distance,
        highlights: reading
            .highlights
            .iter()
            .filter_map(|path| {
                let fragments = marked.remove(path)?.iter().map(|text| fragment(text)).collect();
                Some(Highlight { field: path.clone(), fragments })
            })
            .collect(),
        key: Key(if reading.live { sorting::lasting(found.sort) } else { found.sort }),
        inner_hits: (0..reading.inner_hits).map(|place| elements(inner.remove(&place.to_string()))).collect::<Result<_>>()?,
        explanation: reading
            .explaining
            .as_ref()
            .zip(found.explanation.as_ref())
            .and_then(|(explaining, json)| explaining.read(json)),
        document: Document {
            id: DocumentId::parse(&found.id).map_err(Error::internal)?,
            index: found.index.into(),
            routing: found.routing.map(Arc::from),
            version: Version { seq_no: found.seq_no, primary_term: found.primary_term },
            source: found.source,
        },
    })
}

/// Indices have moved between the collections since those were read.
fn nobody(index: &str) -> Error {
    Error::Partial(format!("a hit in {index} is of none or of several of the collections searched"))
}

/// Hits of which nothing but the documents is wanted.
pub(super) fn documents(hits: &[Json]) -> Result<Vec<Document>> {
    let document = |hit: &Json| {
        let found = Found::deserialize(hit).map_err(|fault| Error::internal(crate::plain(&fault.to_string())))?;
        Ok(Document {
            id: DocumentId::parse(&found.id).map_err(Error::internal)?,
            index: found.index.into(),
            routing: found.routing.map(Arc::from),
            version: Version { seq_no: found.seq_no, primary_term: found.primary_term },
            source: found.source,
        })
    };
    hits.iter().map(document).collect()
}

/// An index that does not know the list says nothing of it: there are no elements.
fn elements(inner: Option<Inner>) -> Result<Elements> {
    let Some(Inner { hits }) = inner else { return Ok(Elements::default()) };
    if hits.total.relation != "eq" {
        return Err(Error::Internal("elements that are not all counted".into()));
    }
    Ok(Elements { total: hits.total.value, first: hits.hits.into_iter().map(|hit| hit.source).collect() })
}

/// Text with marks -> runs, neighbours of one kind joined.
fn fragment(text: &str) -> Fragment {
    let mut runs: Vec<Run> = Vec::new();
    let mut hit = false;
    for piece in text.split_inclusive([MARK_BEGIN, MARK_END]) {
        let words = piece.trim_end_matches([MARK_BEGIN, MARK_END]);
        if !words.is_empty() {
            match runs.last_mut() {
                Some(last) if last.hit == hit => last.text.push_str(words),
                _ => runs.push(Run { text: words.into(), hit }),
            }
        }
        hit = match piece.chars().last() {
            Some(MARK_BEGIN) => true,
            Some(MARK_END) => false,
            _ => hit,
        };
    }
    Fragment { runs }
}

#[cfg(test)]
mod tests {
    use super::super::compute::Computing;
    use super::*;
    use crate::{CollectionName, Query};
    use serde_json::json;

    fn reading() -> Reading {
        Reading {
            size: 2,
            backward: false,
            offset: 0,
            cursor: false,
            more: More::Hit,
            total: TotalRequest::None,
            scored: false,
            score_at: None,
            distance_at: None,
            live: false,
            highlights: Vec::new(),
            computing: Computing::of(&Query::new(CollectionName::existing("a"))),
            inner_hits: 0,
            members: 0,
            explaining: None,
            suggesting: crate::elastic::suggesting::Suggesting::default(),
        }
    }

    fn body(count: usize, total: Json) -> Body {
        let hits: Vec<Json> = (0..count)
            .map(|n| {
                json!({"_index": "a", "_id": n.to_string(), "_score": null, "_seq_no": n, "_primary_term": 1,
                    "_source": {"n": n}, "sort": [0.5, n, 0]})
            })
            .collect();
        serde_json::from_value(json!({"took": 3, "timed_out": false, "_shards": {"total": 1, "successful": 1, "failed": 0},
            "hits": {"total": total, "hits": hits}}))
        .unwrap()
    }

    fn page_of(body: Body, reading: &Reading) -> Result<Page> {
        page(body, reading).map(|(page, _)| page)
    }

    fn ids(page: &Page) -> Vec<&str> {
        page.hits.iter().map(|hit| hit.document.id.as_str()).collect()
    }

    #[test]
    fn the_hit_too_many_tells_that_there_are_more() {
        let forward = page_of(body(3, Json::Null), &reading()).unwrap();
        assert_eq!((ids(&forward), forward.has_next, forward.has_previous), (vec!["0", "1"], true, false));
        let last = page_of(body(2, Json::Null), &Reading { cursor: true, ..reading() }).unwrap();
        assert_eq!((last.has_next, last.has_previous), (false, true));
        let backward = page_of(body(3, Json::Null), &Reading { backward: true, ..reading() }).unwrap();
        assert_eq!((ids(&backward), backward.has_next, backward.has_previous), (vec!["1", "0"], false, true));
    }

    #[test]
    fn a_total_is_what_was_asked() {
        for (asked, value, relation, expected) in [
            (TotalRequest::All, 7, "eq", Some((7, Relation::Equal))),
            (TotalRequest::UpTo(7), 7, "eq", Some((7, Relation::Equal))),
            (TotalRequest::UpTo(7), 7, "gte", Some((7, Relation::AtLeast))),
            (TotalRequest::UpTo(5), 10_001, "gte", Some((5, Relation::AtLeast))),
            (TotalRequest::UpTo(5), 6, "eq", Some((5, Relation::AtLeast))),
            (TotalRequest::None, 6, "eq", None),
        ] {
            let page =
                page_of(body(0, json!({"value": value, "relation": relation})), &Reading { total: asked, ..reading() }).unwrap();
            assert_eq!(page.total.map(|total| (total.value, total.relation)), expected);
        }
        assert!(page_of(body(0, Json::Null), &Reading { total: TotalRequest::All, ..reading() }).is_err());
    }

    #[test]
    fn scores_come_from_the_order_where_they_stand_there() {
        let page = page_of(body(1, Json::Null), &Reading { scored: true, score_at: Some(0), ..reading() }).unwrap();
        assert_eq!(page.hits[0].score, Some(0.5));
    }

    #[test]
    fn marks_become_runs() {
        let runs = |text: &str| fragment(text).runs.into_iter().map(|run| (run.text, run.hit)).collect::<Vec<_>>();
        let run = |text: &str, hit| (text.to_owned(), hit);
        assert_eq!(runs("a \u{e000}b\u{e001} c"), [run("a ", false), run("b", true), run(" c", false)]);
        assert_eq!(runs("\u{e000}a\u{e001}\u{e000}b\u{e001}"), [run("ab", true)]);
        assert_eq!(runs("plain"), [run("plain", false)]);
        assert_eq!(runs(""), []);
    }
}
