//! Suggestions -> parts of the body of a search, and their answers back. Each kind is one file, and the embedded engine has a file of the
//! same name. Everything is in the one search, with one exception: a better spelling that must not look past a rule or the filter
//! of an alias has its words counted behind those, by one search more (`doubts`), and only where words are in doubt. Pure.

mod completing;
mod relaxing;
mod spelling;

use serde_json::{Map, Value as Json, json};

use self::completing::Completing;
use self::relaxing::Relaxing;
use self::spelling::Spelling;
use super::compute::lacking;
use crate::suggest::too_few;
use crate::{Collection, Page, Query, Result, Slot, Suggest, Suggested};

/// What is needed to read the answers.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Suggesting(Vec<(Slot, Asked)>);

#[derive(Debug, Clone, PartialEq)]
enum Asked {
    /// `None`: no text is searched.
    Spelling(Option<Spelling>),
    Relaxing(Relaxing),
    Completing(Completing),
}

/// Words that may be what was meant, if the viewer may know of them: the body of a search that counts them, and how it is read.
pub(super) struct Doubts {
    pub(super) body: Json,
    slots: Vec<(Slot, spelling::Doubt)>,
}

impl Suggesting {
    /// `conditions`: what a document must be, without what ranks it; `rule`: those of the rule alone.
    pub(super) fn of(query: &Query, collection: &Collection, conditions: &[Json], rule: &[Json]) -> Result<Suggesting> {
        let one = |(slot, suggest): &(Slot, Suggest)| {
            let asked = match suggest {
                Suggest::DidYouMean { text, fields } => Asked::Spelling(Spelling::of(text, fields, collection, rule)),
                Suggest::Relaxed(text) => Asked::Relaxing(Relaxing::of(text, conditions)?),
                Suggest::Complete { field, prefix, first } => Asked::Completing(Completing::of(field, prefix, *first)?),
            };
            Ok((*slot, asked))
        };
        Ok(Suggesting(query.suggest.iter().map(one).collect::<Result<_>>()?))
    }

    /// What narrows the whole search where it completes values and does nothing else.
    pub(super) fn narrowing(&self, query: &Query) -> Result<Option<Json>> {
        match self.0.as_slice() {
            [(_, Asked::Completing(completing))] if query.only_completes() => completing.narrowing(),
            _ => Ok(None),
        }
    }

    /// The part `suggest` of a body, and what goes among its aggregations.
    pub(super) fn body(&self) -> Result<(Map<String, Json>, Map<String, Json>)> {
        let (mut suggesters, mut aggs) = (Map::new(), Map::new());
        for (slot, asked) in &self.0 {
            match asked {
                Asked::Spelling(None) => {}
                Asked::Spelling(Some(spelling)) => spelling.add(*slot, &mut suggesters, &mut aggs),
                Asked::Relaxing(relaxing) => relaxing.add(*slot, &mut aggs)?,
                Asked::Completing(completing) => completing.add(*slot, &mut aggs)?,
            }
        }
        Ok((suggesters, aggs))
    }

    /// Into a page that is complete but for its suggestions. Words in doubt are not told yet.
    pub(super) fn read(&self, suggest: Option<&Json>, aggregations: Option<&Json>, page: &mut Page) -> Result<()> {
        let found = page.total.map_or(0, |total| total.value);
        let few = too_few(page.total);
        for (slot, asked) in &self.0 {
            let suggested = match asked {
                Asked::Spelling(Some(spelling)) if few && !spelling.is_in_doubt() => {
                    Suggested::DidYouMean(spelling.read(*slot, suggest, aggregations).ok_or_else(senseless)?)
                }
                Asked::Spelling(_) => Suggested::DidYouMean(None),
                Asked::Relaxing(relaxing) if few => Suggested::Relaxed(relaxing.read(*slot, aggregations, found)?),
                Asked::Relaxing(_) => Suggested::Relaxed(Vec::new()),
                Asked::Completing(completing) => Suggested::Complete(completing.read(*slot, aggregations)?),
            };
            page.suggested.push((*slot, suggested));
        }
        Ok(())
    }

    /// What is left to count before a better spelling may be told.
    pub(super) fn doubts(&self, suggest: Option<&Json>, aggregations: Option<&Json>, page: &Page) -> Result<Option<Doubts>> {
        let (mut aggs, mut slots, mut rule) = (Map::new(), Vec::new(), None);
        for (slot, asked) in &self.0 {
            let Asked::Spelling(Some(spelling)) = asked else { continue };
            if !spelling.is_in_doubt() || !too_few(page.total) {
                continue;
            }
            let doubt = spelling.doubt(*slot, suggest, aggregations).ok_or_else(senseless)?;
            if doubt.is_empty() {
                continue;
            }
            aggs.insert(format!("words{slot}"), doubt.aggregation());
            rule = Some(spelling.condition());
            slots.push((*slot, doubt));
        }
        Ok(rule.map(|rule| Doubts { body: json!({ "query": rule, "size": 0, "track_total_hits": false, "aggs": aggs }), slots }))
    }
}

impl Doubts {
    /// Settles the suggestions of the page that were in doubt.
    pub(super) fn settle(&self, aggregations: Option<&Json>, page: &mut Page) -> Result<()> {
        for (slot, doubt) in &self.slots {
            let counts = aggregations.and_then(|all| all.get(format!("words{slot}"))).ok_or_else(|| lacking("aggregations"))?;
            let made = doubt.settle(counts).ok_or_else(senseless)?;
            for (other, suggested) in &mut page.suggested {
                if other == slot {
                    *suggested = Suggested::DidYouMean(made.clone());
                }
            }
        }
        Ok(())
    }
}

fn senseless() -> crate::Error {
    crate::Error::internal("an answer to a search whose suggestions make no sense")
}
