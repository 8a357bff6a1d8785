//! Answers to a search over several collections: each hit is of one of them, and what is selected of it depends on which.

use super::connection::{counted_total, page_info};
use super::{Resolved, Results, Shaper, Thing, list, page};
use crate::graphql::operation::{Node, What};
use crate::graphql::plan::Together;
use crate::graphql::value::Value;
use crate::search::{Hit, Page};

#[derive(Clone, Copy)]
pub(in crate::graphql) struct Joined<'a> {
    together: &'a Together<'a>,
    page: Option<&'a Page>,
}

/// An object of such an answer.
#[derive(Clone, Copy)]
pub(in crate::graphql) enum Part<'a> {
    Connection(Joined<'a>),
    Edge(Joined<'a>, &'a Hit),
    Page(Joined<'a>),
}

pub(super) fn joined<'a>(results: &'a Results, together: &'a Together<'a>) -> Resolved<'a> {
    let page = match together.search.map(|at| page(results, at)).transpose() {
        Ok(page) => page,
        Err(failure) => return Resolved::Fault(failure),
    };
    Resolved::Thing(Thing::Together(Part::Connection(Joined { together, page })))
}

impl<'a> Shaper<'a> {
    pub(super) fn of_together(&self, part: Part<'a>, node: &'a Node) -> Resolved<'a> {
        match part {
            Part::Connection(joined) => {
                let hits = joined.page.map(|page| page.hits.as_slice()).unwrap_or_default();
                match node.what {
                    What::Edges => list(hits.iter().map(|hit| Resolved::Thing(Thing::Together(Part::Edge(joined, hit))))),
                    What::PageInfo => Resolved::Thing(Thing::Together(Part::Page(joined))),
                    What::Total => counted_total(&joined.together.totals, joined.page, node),
                    _ => Resolved::Null,
                }
            }
            Part::Edge(joined, hit) => self.of_joined(joined, hit, node),
            Part::Page(joined) => {
                let Some(page) = joined.page else { return Resolved::Null };
                let cursor = |hit: Option<&Hit>| hit.map_or(Resolved::Null, |hit| self.place(joined, hit));
                page_info(node, (page.has_next, page.has_previous), || cursor(page.hits.first()), || cursor(page.hits.last()))
            }
        }
    }

    fn of_joined(&self, joined: Joined<'a>, hit: &'a Hit, node: &'a Node) -> Resolved<'a> {
        let together = joined.together;
        let Some(exposed) = together.all.get(hit.of) else { return Resolved::Null };
        match node.what {
            What::Cursor => self.place(joined, hit),
            What::Score => hit.score.map_or(Resolved::Null, |score| Resolved::Leaf(Value::Single(score))),
            What::CollectionOf => Resolved::Leaf(Value::text(exposed.enum_name())),
            What::EdgeNode => {
                let each = together.selected.iter().find(|(other, _)| std::ptr::eq(*other, node)).map(|(_, each)| each);
                match each.and_then(|each| each.get(hit.of)) {
                    Some(selected) => Resolved::Selected(selected, Thing::Document(exposed, &hit.document)),
                    None => Resolved::Null,
                }
            }
            _ => Resolved::Null,
        }
    }

    fn place(&self, joined: Joined<'a>, hit: &Hit) -> Resolved<'a> {
        Resolved::Leaf(Value::text(self.signer.write(&joined.together.binding, &hit.key)))
    }
}
