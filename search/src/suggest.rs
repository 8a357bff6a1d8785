//! Words that a user may have meant, and values that go on as typed.

use super::collection::FieldRef;
use super::page::Total;

#[derive(Clone, Debug, PartialEq)]
pub enum Suggest {
    /// A better spelling of `text`: each piece between blanks that no document has in any of these texts (all of its words in one)
    /// gets the nearest words that some document has. As far away as `Fuzziness::Auto` goes; of those as near the one in most
    /// documents, then by its letters. It looks past the query, so it is never given under a rule, nor where the collection is
    /// an alias or a pattern, whose filter it would pass over.
    DidYouMean { text: String, fields: Vec<FieldRef> },
    /// Which words to drop to find something.
    Relaxed { text: String, fields: Vec<FieldRef> },
    /// Whole values that start so, case apart.
    Complete { field: FieldRef, prefix: String, first: u32 },
}

#[derive(Clone, Debug, PartialEq)]
pub enum Suggested {
    /// The words with a flag for those changed.
    DidYouMean(Option<Vec<(String, bool)>>),
    Relaxed(Vec<(String, Vec<String>, Total)>),
    Complete(Vec<Suggestion>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suggestion {
    pub text: String,
    pub count: u64,
}
