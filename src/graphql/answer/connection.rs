//! Answers to a search in one collection: its page, its hits and what stands beside each, and what to look for instead.

use super::counted::{Within, of_level};
use super::{Resolved, Results, Shaper, Thing, list, page};
use crate::catalog::moments;
use crate::graphql::operation::{Explained, Node, What};
use crate::graphql::plan::{Many, Walk};
use crate::graphql::value::Value;
use crate::search::{Explanation, Hit, Page, Relation, Relaxed, Suggested, TotalRequest};

#[derive(Clone, Copy)]
pub(in crate::graphql) struct Connection<'a> {
    pub(super) many: &'a Many<'a>,
    pub(super) page: Option<&'a Page>,
}

pub(super) fn connection<'a>(results: &'a Results, many: &'a Many<'a>) -> Resolved<'a> {
    match many.search.map(|at| page(results, at)) {
        Some(Err(failure)) => Resolved::Fault(failure),
        Some(Ok(page)) => Resolved::Thing(Thing::Connection(Connection { many, page: Some(page) })),
        None => Resolved::Thing(Thing::Connection(Connection { many, page: None })),
    }
}

impl<'a> Shaper<'a> {
    pub(super) fn of_connection(&self, connection: Connection<'a>, node: &'a Node) -> Resolved<'a> {
        let hits = connection.page.map(|page| page.hits.as_slice()).unwrap_or_default();
        let exposed = &*connection.many.exposed;
        match node.what {
            What::PageInfo => Resolved::Thing(Thing::Page(connection)),
            What::Suggestions => Resolved::Thing(Thing::Suggestions(connection)),
            What::Edges => list(hits.iter().map(|hit| Resolved::Thing(Thing::Edge(connection, hit)))),
            What::Nodes => list(hits.iter().map(|hit| Resolved::Thing(Thing::Document(exposed, &hit.document)))),
            What::Total => counted_total(&connection.many.totals, connection.page, node),
            What::Counted(part) => of_level(Within::of(connection), part, node),
            _ => Resolved::Null,
        }
    }

    pub(super) fn of_edge(&self, connection: Connection<'a>, hit: &'a Hit, node: &'a Node) -> Resolved<'a> {
        match node.what {
            What::Cursor => Resolved::Leaf(Value::text(self.cursor(connection, hit))),
            What::Score => hit.score.map_or(Resolved::Null, |score| Resolved::Leaf(Value::Single(score))),
            What::Distance => hit.distance.map_or(Resolved::Null, |metres| Resolved::Leaf(Value::Double(metres))),
            What::InnerHits => Resolved::Thing(Thing::InnerHits(connection, hit)),
            What::Explanation => match &hit.explanation {
                Some(explanation) => Resolved::Thing(Thing::Explanation(explanation)),
                None => Resolved::Null,
            },
            What::EdgeNode => Resolved::Thing(Thing::Document(&connection.many.exposed, &hit.document)),
            What::Highlights => {
                let asked = connection.many.highlights.iter().find(|(other, _)| std::ptr::eq(*other, node));
                let paths = asked.map(|(_, paths)| paths.as_slice()).unwrap_or_default();
                let marked = |path: &'a String| hit.highlights.iter().find(move |highlight| highlight.field == *path);
                list(paths.iter().filter_map(marked).map(|highlight| Resolved::Thing(Thing::Highlight(highlight))))
            }
            _ => Resolved::Null,
        }
    }

    pub(super) fn of_page(&self, connection: Connection<'a>, node: &'a Node) -> Resolved<'a> {
        let Some(page) = connection.page else { return Resolved::Null };
        let cursor =
            |hit: Option<&Hit>| hit.map_or(Resolved::Null, |hit| Resolved::Leaf(Value::text(self.cursor(connection, hit))));
        page_info(node, (page.has_next, page.has_previous), || cursor(page.hits.first()), || cursor(page.hits.last()))
    }

    fn cursor(&self, connection: Connection<'a>, hit: &Hit) -> String {
        let snapshot = match (&connection.many.walk, connection.page) {
            (Walk::Snapshot(id), Some(page)) => Some(moments::of_page(id, page)),
            _ => None,
        };
        moments::cursor(self.signer, &connection.many.binding, snapshot, &hit.key)
    }
}

/// What is told of any page: whether there is one after it and one before it, and the cursors of its ends.
pub(in crate::graphql) fn page_info<'a>(
    node: &Node,
    (next, previous): (bool, bool),
    start: impl FnOnce() -> Resolved<'a>,
    end: impl FnOnce() -> Resolved<'a>,
) -> Resolved<'a> {
    match node.what {
        What::HasNext => Resolved::Leaf(Value::Boolean(next)),
        What::HasPrevious => Resolved::Leaf(Value::Boolean(previous)),
        What::Start => start(),
        What::End => end(),
        _ => Resolved::Null,
    }
}

/// Which words to drop, where too little was found.
pub(super) fn relaxed<'a>(connection: Connection<'a>) -> &'a [Relaxed] {
    let all = connection.page.map(|page| page.suggested.as_slice()).unwrap_or_default();
    let found = all.iter().find_map(|(_, suggested)| match suggested {
        Suggested::Relaxed(found) => Some(found.as_slice()),
        _ => None,
    });
    found.unwrap_or_default()
}

/// A better spelling, where too little was found.
pub(super) fn better<'a>(connection: Connection<'a>) -> Option<&'a [(String, bool)]> {
    connection.page?.suggested.iter().find_map(|(_, suggested)| match suggested {
        Suggested::DidYouMean(parts) => parts.as_deref(),
        _ => None,
    })
}

/// As far as this node wants it counted.
pub(super) fn counted_total<'a>(totals: &[(&'a Node, TotalRequest)], page: Option<&'a Page>, node: &'a Node) -> Resolved<'a> {
    let asked = totals.iter().find(|(other, _)| std::ptr::eq(*other, node)).map(|(_, asked)| *asked);
    match (page.and_then(|page| page.total), asked) {
        (Some(total), Some(TotalRequest::UpTo(most))) if total.value > most => {
            Resolved::Thing(Thing::Total { value: most, relation: Relation::AtLeast })
        }
        (Some(total), _) => Resolved::Thing(Thing::Total { value: total.value, relation: total.relation }),
        (None, _) => Resolved::Null,
    }
}

pub(super) fn of_explanation<'a>(explanation: &'a Explanation, node: &'a Node) -> Resolved<'a> {
    let text = |text: &'a Option<String>| text.as_ref().map_or(Resolved::Null, |text| Resolved::Leaf(Value::text(text)));
    let What::Explained(part) = node.what else { return Resolved::Null };
    match part {
        Explained::Value => Resolved::Leaf(Value::Double(explanation.value)),
        Explained::Description => Resolved::Leaf(Value::text(&explanation.description)),
        Explained::Field => text(&explanation.field),
        Explained::Term => text(&explanation.term),
        Explained::Details => list(explanation.details.iter().map(|detail| Resolved::Thing(Thing::Explanation(detail)))),
    }
}

pub(super) fn of_inner_hits<'a>(connection: Connection<'a>, hit: &'a Hit, node: &'a Node) -> Resolved<'a> {
    let What::InnerList(path) = &node.what else { return Resolved::Null };
    let at = connection.many.inner.iter().find(|(other, _)| std::ptr::eq(*other, node)).map(|(_, at)| *at);
    let exposed = &*connection.many.exposed;
    let field = exposed.all_fields().find(|field| *field.field.path == **path);
    match (at.and_then(|at| hit.inner_hits.get(at)), field) {
        (Some(elements), Some(field)) => {
            Resolved::Thing(Thing::Elements(exposed.collection.name.as_str(), &field.fields, elements))
        }
        _ => Resolved::Null,
    }
}
