//! Documents, and the elements of nested lists below them: what is computed on which of them, and the way from one to the other.
//!
//! A level is the path of a nested list; none: the documents.

use super::{GroupBy, GroupKey};
use crate::error::{Error, Result};

pub(crate) type Level<'a> = Option<&'a str>;

/// One step on the way between levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step<'a> {
    /// To the documents that hold the elements.
    Up,
    /// To the elements of a list below.
    Down(&'a str),
}

pub(crate) fn at_or_below(level: Level<'_>, of: Level<'_>) -> bool {
    match (level, of) {
        (_, None) => true,
        (None, Some(_)) => false,
        (Some(level), Some(of)) => level.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')),
    }
}

/// To elements of the elements at hand directly; to all else over the documents.
pub(crate) fn steps<'a>(from: Level<'_>, to: Level<'a>) -> Vec<Step<'a>> {
    match to {
        _ if from == to => Vec::new(),
        None => vec![Step::Up],
        Some(list) if at_or_below(to, from) => vec![Step::Down(list)],
        Some(list) => vec![Step::Up, Step::Down(list)],
    }
}

/// How groups are gathered where what is at hand is of a certain level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan<'a> {
    /// Where gathering begins.
    pub(crate) start: Level<'a>,
    /// The level whose entries are grouped: the deepest of the keys.
    pub(crate) level: Level<'a>,
    /// Places of the keys, those of documents first, then level by level.
    pub(crate) order: Vec<usize>,
}

fn level_of(key: &GroupKey) -> Level<'_> {
    key.field.nested.as_deref()
}

pub(crate) fn plan<'a>(group: &'a GroupBy, from: Level<'a>) -> Result<Plan<'a>> {
    let depth = |level: Level<'_>| level.map_or(0, |path| path.len() + 1);
    let mut order: Vec<usize> = (0..group.keys.len()).collect();
    order.sort_by_key(|at| depth(level_of(&group.keys[*at])));
    let levels: Vec<Level<'_>> = order.iter().map(|at| level_of(&group.keys[*at])).collect();
    for pair in levels.windows(2) {
        if !at_or_below(pair[1], pair[0]) {
            return Err(Error::invalid("the keys of a group lie in lists of which none holds the other: group by one of them"));
        }
    }
    let level = levels.last().copied().flatten();
    let start = if levels.iter().all(|level| at_or_below(*level, from)) {
        from
    } else if levels.iter().any(|level| from.is_some() && at_or_below(*level, from)) {
        return Err(Error::invalid(
            "inside a group of elements, groups are by keys of these elements or by others, not by both: put the others outside",
        ));
    } else {
        None
    };
    Ok(Plan { start, level, order })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_between_levels() {
        assert_eq!(steps(None, Some("a.b")), [Step::Down("a.b")]);
        assert_eq!(steps(Some("a"), Some("a.b")), [Step::Down("a.b")]);
        assert_eq!(steps(Some("a.b"), Some("a")), [Step::Up, Step::Down("a")]);
        assert_eq!(steps(Some("a"), Some("ab")), [Step::Up, Step::Down("ab")]);
        assert_eq!(steps(Some("a"), None), [Step::Up]);
        assert_eq!(steps(Some("a"), Some("a")), []);
    }
}
