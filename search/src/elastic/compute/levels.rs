//! From documents to the elements of nested lists and back, as aggregations of one bucket each.

use serde_json::{Value as Json, json};

use super::answers::{count, part};
use super::{Aggs, with};
use crate::compute::levels::{Level, Step, steps};
use crate::{Counts, Result};

/// The documents of the elements in a bucket.
const DOCUMENTS: &str = "docs";

fn name(stem: &str, step: Step<'_>) -> String {
    match step {
        Step::Up => format!("{stem}up"),
        Step::Down(_) => format!("{stem}in"),
    }
}

/// Puts aggregations for one level into a bucket of another.
pub(super) fn reach(stem: &str, from: Level<'_>, to: Level<'_>, aggs: Aggs, into: &mut Aggs) {
    let mut aggs = aggs;
    for step in steps(from, to).into_iter().rev() {
        let around = match step {
            Step::Up => json!({"reverse_nested": {}}),
            Step::Down(path) => json!({"nested": {"path": path}}),
        };
        aggs = Aggs::from_iter([(name(stem, step), with(around, aggs))]);
    }
    into.extend(aggs);
}

/// The bucket that they are in.
pub(super) fn reached<'j>(stem: &str, from: Level<'_>, to: Level<'_>, within: &'j Json) -> Result<&'j Json> {
    steps(from, to).into_iter().try_fold(within, |within, step| part(within, &name(stem, step)))
}

/// What [`counts`] needs in a bucket of this level.
pub(super) fn add_documents(level: Level<'_>, into: &mut Aggs) {
    if level.is_some() {
        into.insert(DOCUMENTS.into(), json!({"reverse_nested": {}}));
    }
}

pub(super) fn counts(level: Level<'_>, bucket: &Json) -> Result<Counts> {
    Ok(match level {
        None => Counts { documents: count(bucket)?, elements: None },
        Some(_) => Counts { documents: count(part(bucket, DOCUMENTS)?)?, elements: Some(count(bucket)?) },
    })
}
