//! Several collections searched together: each by itself, with its own counts of words, and their hits merged by score.
//!
//! Where scores tie, what was written first in its collection comes first, and then the name of the collection decides: the order of
//! Elasticsearch, where each collection is an index of one shard. A cursor is a place in that order.

use std::cmp::Ordering;

use serde_json::Value as Json;

use super::super::{Error, From, Key, Page, PageRequest, Query, Rank, Relation, Result, Total, TotalRequest};
use super::searching::{View, run};

/// Answers a query over several collections; `views` are theirs, in its order.
pub(super) fn run_together(views: &[View<'_>], query: &Query) -> Result<Page> {
    let begun = std::time::Instant::now();
    let page = &query.page;
    let from = match (&page.from, page.backward) {
        (From::Start, _) => None,
        (From::After(key), false) | (From::Before(key), true) => Some(Place::read(key)?),
        _ => return Err(Error::Unsupported("a page forward from before a cursor, or backward from after one".into())),
    };
    let mut merged = Page::default();
    let mut more = false;
    let mut counted = 0_u64;
    let mut exact = true;
    let mut found: Vec<(Place, super::super::Hit)> = Vec::new();
    for (of, (view, member)) in views.iter().zip(&query.members).enumerate() {
        let Some(text) = &member.rank else { continue };
        let mut one = Query::new(query.on[of].clone());
        one.rank = Some(Rank::Text(text.clone()));
        (one.rule, one.filter) = (member.rule.clone(), member.filter.clone());
        one.page = PageRequest { from: begin(from.as_ref(), &one, page.backward), ..page.clone() };
        one.total = query.total;
        one.fetch = query.fetch.clone();
        one.fetch.scores = true;
        let answer = run(view, &one)?;
        more |= if page.backward { answer.has_previous } else { answer.has_next };
        if let Some(total) = answer.total {
            counted += total.value;
            exact &= total.relation == Relation::Equal;
        }
        for mut hit in answer.hits {
            let place = Place::of(&hit.key, one.on[0].as_str())?;
            (hit.of, hit.key) = (of, place.write());
            found.push((place, hit));
        }
    }
    found.sort_by(|(one, _), (other, _)| one.compare(other));
    let size = page.size as usize;
    more |= found.len() > size;
    if page.backward {
        found.drain(..found.len().saturating_sub(size));
    } else {
        found.truncate(size);
    }
    merged.hits = found.into_iter().map(|(_, hit)| hit).collect();
    (merged.has_next, merged.has_previous) = if page.backward { (from.is_some(), more) } else { (more, from.is_some()) };
    merged.total = total(query.total, counted, exact);
    merged.took = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(merged)
}

fn total(asked: TotalRequest, counted: u64, exact: bool) -> Option<Total> {
    match asked {
        TotalRequest::None => None,
        TotalRequest::UpTo(most) if counted > most || !exact => Some(Total { value: most, relation: Relation::AtLeast }),
        TotalRequest::UpTo(_) | TotalRequest::All => Some(Total { value: counted, relation: Relation::Equal }),
    }
}

/// A place in the order of all.
#[derive(Clone, Debug)]
struct Place {
    score: f32,
    seq_no: u64,
    collection: String,
}

impl Place {
    /// Of a hit in the order of its own collection: score and number.
    fn of(key: &Key, collection: &str) -> Result<Self> {
        match key.0.as_slice() {
            #[expect(clippy::cast_possible_truncation, reason = "it was a float when it was written")]
            [score, seq_no] => {
                let read = score.as_f64().zip(seq_no.as_u64());
                let (score, seq_no) = read.ok_or_else(|| Error::internal("a place without a score"))?;
                Ok(Place { score: score as f32, seq_no, collection: collection.into() })
            }
            _ => Err(Error::internal("a place in another order")),
        }
    }

    fn write(&self) -> Key {
        Key(vec![f64::from(self.score).into(), self.seq_no.into(), self.collection.as_str().into()])
    }

    fn read(key: &Key) -> Result<Self> {
        let foreign = || Error::invalid("the cursor belongs to another order");
        match key.0.as_slice() {
            [score, seq_no, Json::String(collection)] => {
                Place::of(&Key(vec![score.clone(), seq_no.clone()]), collection).map_err(|_| foreign())
            }
            _ => Err(foreign()),
        }
    }

    fn compare(&self, other: &Place) -> Ordering {
        let numbers = other.score.total_cmp(&self.score).then(self.seq_no.cmp(&other.seq_no));
        numbers.then_with(|| self.collection.cmp(&other.collection))
    }

    /// The last place in its own collection's order of which everything after comes after this, or the first of which everything before does.
    fn bound(&self, collection: &str, backward: bool) -> Key {
        let (mut score, mut seq_no) = (self.score, self.seq_no);
        match (self.collection.as_str().cmp(collection), backward) {
            // of what ties in the other collection all comes later
            (Ordering::Less, false) => match seq_no.checked_sub(1) {
                Some(before) => seq_no = before,
                None => (score, seq_no) = (score.next_up(), u64::MAX),
            },
            // or earlier
            (Ordering::Greater, true) => seq_no = seq_no.saturating_add(1),
            _ => {}
        }
        Key(vec![f64::from(score).into(), seq_no.into()])
    }
}

fn begin(from: Option<&Place>, one: &Query, backward: bool) -> From {
    match from {
        None => From::Start,
        Some(place) if backward => From::Before(place.bound(one.on[0].as_str(), true)),
        Some(place) => From::After(place.bound(one.on[0].as_str(), false)),
    }
}
