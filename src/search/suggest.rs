//! Words that a user may have meant, and values that go on as typed.

use super::collection::FieldRef;
use super::page::Total;

#[derive(Clone, Debug, PartialEq)]
pub enum Suggest {
    /// A better spelling of `text`, where fewer than five hits were found.
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
