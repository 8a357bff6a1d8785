//! What comes back from a search.

use std::sync::Arc;

use super::compute::{Computed, Slot};
use super::document::Document;
use super::suggest::Suggested;

#[derive(Clone, Debug, Default)]
pub struct Page {
    /// In the order asked, also of a backward page.
    pub hits: Vec<Hit>,
    pub total: Option<Total>,
    /// More hits follow after the last one here. Going backward: true where a cursor was given.
    pub has_next: bool,
    /// Hits stand before the first one here. Going forward: true after a cursor or an offset.
    pub has_previous: bool,
    pub computed: Vec<(Slot, Computed)>,
    pub suggested: Vec<(Slot, Suggested)>,
    /// What its snapshot is asked for by from now on, where the engine says so: it may have given it another id.
    pub moment: Option<SnapshotId>,
    /// Milliseconds the engine says it took.
    pub took: u64,
}

#[derive(Clone, Debug)]
pub struct Hit {
    /// Which collection of `Query::on` it is of.
    pub of: usize,
    pub document: Document,
    pub score: Option<f32>,
    pub key: Key,
    /// One for each request that found a mark, in the order asked.
    pub highlights: Vec<Highlight>,
    /// Metres to the point of the first `Order::Distance`.
    pub distance: Option<f64>,
    /// One for each request of `Fetch::inner_hits`, in the order asked.
    pub inner_hits: Vec<Elements>,
    pub explanation: Option<Explanation>,
}

/// Elements of a nested list of one document.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Elements {
    /// How many are such.
    pub total: u64,
    /// The first of them, whole, in the document's order.
    pub first: Vec<serde_json::Value>,
}

/// The place of a hit in an order: its sort values and the tie-break, as the engine reads them again. Only the engine that made it looks inside.
#[derive(Clone, Debug, PartialEq)]
pub struct Key(pub Vec<serde_json::Value>);

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct SnapshotId(pub Arc<str>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Total {
    pub value: u64,
    pub relation: Relation,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Exactly so many.
    Equal,
    /// At least so many; counting stopped there.
    AtLeast,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Highlight {
    /// The path in the document.
    pub field: String,
    pub fragments: Vec<Fragment>,
}

/// A piece of the text as runs that are marked or not; not escaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fragment {
    pub runs: Vec<Run>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub text: String,
    pub hit: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Explanation {
    pub value: f64,
    pub description: String,
    pub field: Option<String>,
    pub term: Option<String>,
    pub details: Vec<Explanation>,
}
