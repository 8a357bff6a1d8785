//! Suggestions from the words and values of the index. [`Suggest`] says which; each kind is one file, and the other engine has a file of the same
//! name. Deleted documents, and those behind the rule, are not counted.

mod completing;
pub(super) mod peaks;
#[cfg(test)]
mod peaks_tests;
mod relaxing;
mod seen;
mod spelling;

use super::super::suggest::too_few;
use super::super::{Page, Query, Result, Suggest, Suggested};
use super::searching::View;

/// Into a page that is complete but for its suggestions.
pub(super) fn suggest(view: &View<'_>, query: &Query, page: &mut Page) -> Result<()> {
    let few = too_few(page.total);
    let found = page.total.map_or(0, |total| total.value);
    for (slot, suggest) in &query.suggest {
        let suggested = match suggest {
            Suggest::DidYouMean { text, fields } if few => {
                Suggested::DidYouMean(spelling::did_you_mean(view, &query.rule, text, fields)?)
            }
            Suggest::DidYouMean { .. } => Suggested::DidYouMean(None),
            Suggest::Relaxed(text) if few => Suggested::Relaxed(relaxing::relax(view, query, text, found)?),
            Suggest::Relaxed(_) => Suggested::Relaxed(Vec::new()),
            Suggest::Complete { field, prefix, first } => {
                Suggested::Complete(completing::complete(view, query, field, prefix, *first as usize)?)
            }
        };
        page.suggested.push((*slot, suggested));
    }
    Ok(())
}
