//! Words that a user may have meant, words that are too many, and values that go on as typed.
//! Which of them an engine may tell, and what it counts, is said here; how it finds them is its own business.

use super::collection::{CollectionName, FieldRef, Kind};
use super::error::{Error, Result};
use super::page::Total;
use super::pattern::Pattern;
use super::query::{Query, TextMatch, TotalRequest};

/// Hits from which on neither a better spelling nor fewer words are looked for.
pub const ENOUGH: u64 = 5;
/// Characters of a prefix: each may become a class of several letters, and Elasticsearch takes patterns of 1,000 characters.
pub const PREFIX_MOST: usize = 128;
/// Values completed at once.
const FIRST_MOST: u32 = 10_000;
/// Words beyond which a text is a text, and no search that was mistyped.
pub(super) const WORDS_MOST: usize = 16;

#[derive(Clone, Debug, PartialEq)]
pub enum Suggest {
    /// A better spelling of `text`, where the query finds fewer than [`ENOUGH`]: each piece between blanks that no document has in
    /// any of these texts (all of its words in one) gets the nearest words that some document has. As far away as
    /// `Fuzziness::Auto` goes; of those as near the one in most documents, then by its letters. It looks past what the query asks,
    /// but not past its rule, nor past the filter of an alias: documents behind those are as if they were not there.
    /// Of several indices nothing is told.
    DidYouMean { text: String, fields: Vec<FieldRef> },
    /// Which word to drop to find more, where the query finds fewer than [`ENOUGH`]: the text without one of its pieces between
    /// blanks, for each piece without which the words, the filter, the ticks and the rule together find more than the query.
    /// Only for a text all of whose words must be there.
    Relaxed(TextMatch),
    /// Whole values that begin so, case apart, of the documents that the query finds: the most frequent first, those alike by value.
    /// [`Query::completing`] asks for nothing else.
    Complete { field: FieldRef, prefix: String, first: u32 },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Suggested {
    /// The words with a flag for those changed.
    DidYouMean(Option<Vec<(String, bool)>>),
    /// The one that finds most first.
    Relaxed(Vec<Relaxed>),
    Complete(Vec<Suggestion>),
}

/// A text without some of its words, and how many documents it finds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relaxed {
    pub text: String,
    pub dropped: Vec<String>,
    pub total: Total,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub text: String,
    pub count: u64,
}

impl Query {
    /// Values of a field of one collection that begin so, and nothing else.
    pub fn completing(on: CollectionName, field: FieldRef, prefix: String, first: u32) -> Query {
        let mut query = Query::new(on);
        query.page.size = 0;
        query.fetch.fields = Some(Vec::new());
        query.suggest.push((0, Suggest::Complete { field, prefix, first }));
        query
    }

    /// Whether nothing is asked but the values of one field.
    pub(super) fn only_completes(&self) -> bool {
        let nothing_else = self.page.size == 0 && self.total == TotalRequest::None && self.compute.is_empty();
        nothing_else && matches!(self.suggest.as_slice(), [(_, Suggest::Complete { .. })])
    }
}

/// Whether values of a field can be completed: whole texts, and not of elements.
pub fn can_complete(field: &super::Field) -> bool {
    let whole = match &field.kind {
        Kind::Keyword(_) => field.columns,
        Kind::Text { exact, .. } => exact.is_some(),
        _ => false,
    };
    whole && field.indexed && field.nested.is_none()
}

/// What no engine is asked.
pub(super) fn check(query: &Query) -> Result<()> {
    query.suggest.iter().try_for_each(|(_, suggest)| check_one(query, suggest))
}

fn check_one(query: &Query, suggest: &Suggest) -> Result<()> {
    match suggest {
        Suggest::DidYouMean { .. } | Suggest::Relaxed(_) => match query.total {
            TotalRequest::All => Ok(()),
            TotalRequest::UpTo(most) if most >= ENOUGH => Ok(()),
            _ => Err(Error::invalid("whether words are suggested depends on the total: it must be counted")),
        },
        Suggest::Complete { field, .. } if !can_complete(field) => Err(Error::invalid(format!(
            "values of {} cannot be completed: only keywords outside of nested lists can",
            field.path
        ))),
        Suggest::Complete { .. } if !query.ticks.is_empty() => Err(Error::invalid("values are completed without ticks")),
        Suggest::Complete { prefix, .. } if prefix.chars().count() > PREFIX_MOST => {
            Err(Error::Limit(format!("a prefix has at most {PREFIX_MOST} characters")))
        }
        Suggest::Complete { first, .. } if *first > FIRST_MOST => {
            Err(Error::Limit(format!("at most {FIRST_MOST} values are completed at once, {first} were asked")))
        }
        Suggest::Complete { .. } => Ok(()),
    }
}

/// Whether so many hits are so few that something is suggested.
pub(super) fn too_few(total: Option<Total>) -> bool {
    total.is_some_and(|total| total.value < ENOUGH)
}

/// A prefix as a pattern, case apart.
pub(super) fn beginning(prefix: &str) -> Result<Pattern> {
    Pattern::prefix(prefix, true).map_err(|fault| Error::Limit(fault.to_string()))
}
