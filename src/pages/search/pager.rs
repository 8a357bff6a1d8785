//! The links below the hits: by cursor to the neighbours, which holds at any depth, and by number where the window allows it.

use super::address::{Asked, At};
use crate::search::{Key, Page, Relation};

/// Numbers shown to each side of the page one is on.
const AROUND: u64 = 2;

pub(super) struct Pager {
    /// What the reader is told.
    pub(super) number: u64,
    /// All pages, where hits were counted to their end.
    pub(super) pages: Option<u64>,
    pub(super) first: Option<String>,
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
    pub(super) last: Option<String>,
    pub(super) numbers: Vec<Numbered>,
}

pub(super) struct Numbered {
    pub(super) number: u64,
    pub(super) address: String,
    pub(super) here: bool,
}

impl Pager {
    pub(super) fn new(asked: &Asked, found: &Page, window: u64, action: &str, sign: impl Fn(&Key) -> String) -> Self {
        let size = u64::from(asked.size);
        let pages = found.total.filter(|total| total.relation == Relation::Equal).map(|total| total.value.div_ceil(size).max(1));
        let number = match &asked.at {
            // counted again: what was last when the link was made may not be any more
            At::Last(number) => pages.unwrap_or(*number),
            At::Number(number) | At::After(_, number) | At::Before(_, number) => *number,
        };
        let link = |at: At| format!("{action}{}", asked.at(at).write());
        let previous = found.hits.first().filter(|_| found.has_previous);
        let next = found.hits.last().filter(|_| found.has_next);
        // behind the end of all there is still a way back
        let lost = found.hits.is_empty() && number > 1;
        let reach = pages.unwrap_or(number + AROUND).min(window / size);
        let low = number.saturating_sub(AROUND).max(1);
        let numbers =
            (low..=(number + AROUND).min(reach)).map(|n| Numbered { number: n, address: link(At::Number(n)), here: n == number });
        let numbers: Vec<Numbered> = numbers.collect();
        Pager {
            number,
            pages,
            first: (number > 1 || lost).then(|| link(At::Number(1))),
            previous: previous.map(|hit| match number {
                2 => link(At::Number(1)),
                _ => link(At::Before(sign(&hit.key), number.saturating_sub(1).max(1))),
            }),
            next: next.map(|hit| link(At::After(sign(&hit.key), number + 1))),
            last: next.map(|_| link(At::Last(pages.unwrap_or(number + 1)))),
            numbers: if pages == Some(1) || lost { Vec::new() } else { numbers },
        }
    }

    pub(super) fn is_needed(&self) -> bool {
        self.first.is_some() || self.next.is_some() || self.previous.is_some()
    }
}
