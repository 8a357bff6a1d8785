//! Which word to drop: a count for each text with one word less. [`super::super::super::Suggest`] says what is made of it.

use super::super::super::relaxing::{shorter, told};
use super::super::super::{Query, Rank, Relaxed, Result, TextMatch};
use super::super::compute::Rows;
use super::super::searching::{View, match_query};

pub(super) fn relax(view: &View<'_>, query: &Query, text: &TextMatch, found: u64) -> Result<Vec<Relaxed>> {
    let shorter = shorter(text);
    let mut counts = Vec::with_capacity(shorter.len());
    for one in &shorter {
        let asked = Query { rank: Some(Rank::Text(one.text.clone())), suggest: Vec::new(), ..query.clone() };
        let matches = match_query(view, &asked, query.ticks.iter().map(|(_, filter)| filter))?;
        counts.push(Rows::of(&view.searcher, matches.as_ref(), view.stopped)?.count());
    }
    Ok(told(shorter, counts, found))
}
