//! Intervals far too small: their buckets are more than Elasticsearch gives, and the whole search fails. Then it is asked how far apart
//! the values lie, and what has too many intervals between them is answered here; all else is asked again without it.

use std::sync::Arc;

use super::failure::TOO_MANY_BUCKETS;
use crate::compute::interval::{LISTED_MOST, Start, Steps};
use crate::{
    Compute, Computed, Error, Facet, Fetch, FieldRef, Interval, Page, PageRequest, Query, Result, Scope, Slot, TotalRequest,
};

/// With their places among what was asked.
pub(super) type Answers = Vec<(usize, Slot, Computed)>;

/// What may be at fault in a query: by its place among what is computed.
pub(super) struct Refining {
    suspects: Vec<(usize, FieldRef, Interval)>,
    /// Asks for the ends of their values.
    pub(super) measuring: Query,
}

pub(super) fn has_failed_so(page: &Result<Page>) -> bool {
    matches!(page, Err(Error::Limit(why)) if why == TOO_MANY_BUCKETS)
}

impl Refining {
    /// `None`: no interval is to blame.
    pub(super) fn of(query: &Query) -> Option<Refining> {
        let (mut suspects, mut compute) = (Vec::new(), Vec::new());
        for (place, (_, asked)) in query.compute.iter().enumerate() {
            let (scope, of): (Scope, Vec<(&FieldRef, &Interval)>) = match asked {
                Compute::Facet(facet) => (facet.scope, facet.interval.iter().map(|interval| (&facet.field, interval)).collect()),
                Compute::Groups(group) => {
                    let of_key = group.keys.iter().filter_map(|key| Some((&key.field, key.interval.as_ref()?)));
                    (Scope::Matched, of_key.collect())
                }
                Compute::Metrics { .. } | Compute::Top(_) => continue,
            };
            for (field, interval) in of {
                compute.push((Slot::try_from(suspects.len()).ok()?, Compute::Facet(ends(field, scope))));
                suspects.push((place, field.clone(), interval.clone()));
            }
        }
        let measuring = Query {
            order: Vec::new(),
            page: PageRequest { size: 0, ..PageRequest::default() },
            total: TotalRequest::None,
            fetch: Fetch { fields: Some(Vec::<Arc<str>>::new()), ..Fetch::default() },
            suggest: Vec::new(),
            compute,
            ..query.clone()
        };
        (!suspects.is_empty()).then_some(Refining { suspects, measuring })
    }

    /// The query without what is too fine, and the answers to that, by their places. `None`: that is not why.
    pub(super) fn settle(&self, query: &Query, measured: &Page) -> Result<Option<(Query, Answers)>> {
        let mut answers: Answers = Vec::new();
        for ((place, field, interval), (_, found)) in self.suspects.iter().zip(&measured.computed) {
            let Computed::Facet { stats: Some(stats), .. } = found else {
                return Err(Error::internal("ends that were not told"));
            };
            let (Some(least), Some(most)) = (stats.min, stats.max) else { continue };
            let steps = Steps::of(interval, &field.kind)?;
            if steps.count(least, most) < LISTED_MOST as f64 || answers.iter().any(|(known, ..)| known == place) {
                continue;
            }
            let (slot, asked) = &query.compute[*place];
            let begin = |value: f64| match interval {
                Interval::Number { .. } => steps.of_number(value),
                #[expect(clippy::cast_possible_truncation, reason = "a moment in milliseconds")]
                _ => steps.of_millis(value as i64),
            };
            let number = |start: Start| match start {
                Start::Number(number) => number,
                #[expect(clippy::cast_precision_loss, reason = "it is only for a length that will do")]
                Start::Date(millis) => millis as f64,
            };
            let answer = match asked {
                Compute::Facet(_) => Computed::TooFine(steps.coarser(number(begin(least)), number(begin(most)))),
                _ => Computed::TooMany(LISTED_MOST),
            };
            answers.push((*place, *slot, answer));
        }
        if answers.is_empty() {
            return Ok(None);
        }
        let mut rest = query.clone();
        let mut place = 0;
        rest.compute.retain(|_| {
            place += 1;
            !answers.iter().any(|(known, ..)| *known + 1 == place)
        });
        Ok(Some((rest, answers)))
    }
}

/// Puts the answers back where they were asked.
pub(super) fn join(page: &mut Page, answers: Answers) {
    for (place, slot, answer) in answers {
        page.computed.insert(place.min(page.computed.len()), (slot, answer));
    }
}

fn ends(field: &FieldRef, scope: Scope) -> Facet {
    Facet { scope, stats: true, ..Facet::new(field.clone()) }
}
