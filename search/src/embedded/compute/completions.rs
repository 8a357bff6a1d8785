//! Values that begin so, counted over the documents that a query finds: for where documents are hidden or searched for.

use std::cmp::Reverse;

use super::super::super::pattern::Pattern;
use super::super::super::{FieldRef, Filter, Query, Result};
use super::super::searching::{View, match_query};
use super::columns::Columns;
use super::facets::first_of;
use super::keys::Keys;
use super::rows::Rows;

/// The most frequent first, those alike by value.
pub(in super::super) fn complete(
    view: &View<'_>,
    query: &Query,
    field: &FieldRef,
    pattern: &Pattern,
    first: usize,
) -> Result<Vec<(String, u64)>> {
    let begins = Filter::Pattern(field.clone(), pattern.clone());
    let narrowed = Query { filter: Filter::and([query.filter.clone(), begins]), ..query.clone() };
    let matches = match_query(view, &narrowed, std::iter::empty())?;
    let rows = Rows::of(&view.searcher, matches.as_ref(), view.stopped)?;
    let columns = Columns::of(&view.searcher);
    let mut keys = Keys::of(&columns, field, None, &[])?;
    let counts = keys.counts(&rows, None)?;
    let machine = pattern.machine();
    let mut found = Vec::new();
    for (key, count) in (0..).zip(counts).filter(|(_, count)| count.documents > 0) {
        // a list may have others beside the one that begins so
        if let Some(text) = keys.text(key)?.filter(|text| machine.matches(text)) {
            found.push((Reverse(count.documents), text));
        }
    }
    first_of(&mut found, first, Ord::cmp);
    Ok(found.into_iter().map(|(Reverse(count), text)| (text, count)).collect())
}
