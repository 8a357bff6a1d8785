//! Marks in the texts of a hit.

use std::sync::Arc;

use super::super::{Error, Highlight, Query, Result, Source};

pub(super) struct Marks;

impl Marks {
    pub(super) fn of(query: &Query) -> Result<Marks> {
        if query.fetch.highlights.is_empty() { Ok(Marks) } else { Err(Error::Unsupported("highlighting".into())) }
    }

    pub(super) fn is_empty(&self) -> bool {
        true
    }

    pub(super) fn paths(&self) -> impl Iterator<Item = Arc<str>> {
        std::iter::empty()
    }

    pub(super) fn highlight(&self, _source: &Source) -> Vec<Highlight> {
        Vec::new()
    }
}
