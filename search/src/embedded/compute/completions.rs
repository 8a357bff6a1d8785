//! Values that begin so, counted over the columns of few documents.

use std::cmp::Reverse;

use super::super::super::pattern::Pattern;
use super::super::super::{FieldRef, Result};
use super::super::searching::View;
use super::columns::Columns;
use super::facets::first_of;
use super::keys::Keys;
use super::rows::Rows;

/// The most frequent first, those alike by value.
pub(in super::super) fn complete(
    view: &View<'_>,
    rows: &Rows,
    field: &FieldRef,
    pattern: &Pattern,
    first: usize,
) -> Result<Vec<(String, u64)>> {
    let columns = Columns::of(&view.searcher);
    let mut keys = Keys::of(&columns, field, None, &[])?;
    let counts = keys.counts(rows, None)?;
    let machine = pattern.machine();
    let mut found = Vec::new();
    for (key, count) in (0..).zip(counts).filter(|(_, count)| count.documents > 0) {
        if let Some(text) = keys.text(key)?.filter(|text| machine.matches(text)) {
            found.push((Reverse(count.documents), text));
        }
    }
    first_of(&mut found, first, Ord::cmp);
    Ok(found.into_iter().map(|(Reverse(count), text)| (text, count)).collect())
}
