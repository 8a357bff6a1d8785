//! What is asked of a collection. A `Query` is plain data: everything in it has one meaning on both engines,
//! dates are moments, patterns are parsed, fields are resolved. Engines translate it and never look at names.

use std::sync::Arc;

use super::collection::{CollectionName, FieldRef};
use super::compute::{Compute, Slot};
use super::document::DocumentId;
use super::page::{Key, SnapshotId};
use super::pattern::Pattern;
use super::suggest::Suggest;
use super::value::{Cidr, Value};

#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// One; several only together with `members`.
    pub on: Vec<CollectionName>,
    /// For a search over several collections: what each of `on` is asked, in its order. Then `rank`, `rule` and `filter` are not given.
    pub members: Vec<Member>,
    pub at: Moment,
    /// Scores; without it nothing is ranked and every document is a candidate.
    pub rank: Option<Rank>,
    /// The viewer's rows; `Filter::All` where there is no rule. It reaches everything that the query computes.
    pub rule: Filter,
    pub filter: Filter,
    /// `facetFilters`, at most one a field: they narrow hits and total; each facet ignores the one of its own field.
    pub ticks: Vec<(FieldRef, Filter)>,
    /// The engine adds the tie-break. Empty: by score where there is a rank, else the tie-break alone.
    pub order: Vec<Order>,
    pub page: PageRequest,
    pub total: TotalRequest,
    pub fetch: Fetch,
    pub compute: Vec<(Slot, Compute)>,
    pub suggest: Vec<(Slot, Suggest)>,
}

/// What one of several collections is asked that are searched together: fields of one name may be different things there. Hits come by
/// score, whichever collection they are of. Each index counts its words for itself.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Member {
    /// `None`: nothing there can be found.
    pub rank: Option<TextMatch>,
    /// The viewer's rows.
    pub rule: Filter,
    pub filter: Filter,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Moment {
    Live,
    Snapshot(SnapshotId),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Rank {
    Text(TextMatch),
    Knn {
        field: FieldRef,
        vector: Vec<f32>,
        k: u32,
        candidates: u32,
    },
    /// Reciprocal rank fusion.
    Fused(Vec<Rank>),
}

/// The words of a query in some fields; the best field counts.
///
/// A field's score, without fuzziness: the sum of BM25 (k1 1.2, b 0.75, times k1 + 1) of the words found in it, times its boost. With `And` all words must
/// be in one field. With fuzziness a word may be found by its edits (a transposition is one), and the score is 0.1 × boost
/// for each word so found or found exactly, plus the BM25 of those found exactly: exact ones come first.
/// Text without a single word (blanks, punctuation) matches nothing.
#[derive(Clone, Debug, PartialEq)]
pub struct TextMatch {
    pub query: String,
    /// Never empty; text and keyword fields. A keyword is one word, its whole value.
    pub fields: Vec<(FieldRef, f32)>,
    pub operator: Operator,
    pub fuzziness: Fuzziness,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Operator {
    #[default]
    Or,
    And,
}

/// `Auto`: none up to 2 letters, one edit up to 5, else two.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fuzziness {
    #[default]
    None,
    Auto,
    One,
    Two,
}

/// A condition on a document. It never scores. A document is such or it is not: there is no third truth value, so `Not` is a complement.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Filter {
    #[default]
    All,
    Nothing,
    And(Vec<Filter>),
    /// Of no parts: nothing.
    Or(Vec<Filter>),
    Not(Box<Filter>),
    /// Has an indexed value: not null, not `[]`, not cut by `ignore_above`; of a text also `""`. Of an object: any of its fields has.
    Exists(FieldRef),
    /// Some value of the field is one of these (at `exact_path`). Of none: nothing.
    OneOf(FieldRef, Vec<Value>),
    /// One and the same value lies inside.
    Range(FieldRef, Range),
    /// Some value, whole, is such (at `exact_path`).
    Pattern(FieldRef, Pattern),
    /// Analysed text.
    Words(FieldRef, TextFilter),
    /// Some address lies in one of the networks.
    Networks(FieldRef, Vec<Cidr>),
    Near {
        field: FieldRef,
        center: GeoPoint,
        metres: f64,
    },
    /// May cross the date line: then `left > right`.
    InBox {
        field: FieldRef,
        top: f64,
        left: f64,
        bottom: f64,
        right: f64,
    },
    InPolygon {
        field: FieldRef,
        points: Vec<GeoPoint>,
    },
    /// On the elements of a nested field; the inner filter names fields by their whole path.
    Nested {
        field: FieldRef,
        quantifier: Quantifier,
        filter: Box<Filter>,
    },
    Ids(Vec<DocumentId>),
}

/// What a text filter asks: any of the words, the words in order, or in order with a last word that may go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextFilter {
    Any(String),
    Phrase(String),
    PhrasePrefix(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quantifier {
    Some,
    None,
    Every,
}

/// Open where `None`; the flag says whether the bound itself is inside. Values are of the field's kind.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Range {
    pub lower: Option<(Value, bool)>,
    pub upper: Option<(Value, bool)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct GeoPoint {
    pub lat: f64,
    pub lon: f64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Direction {
    #[default]
    Asc,
    Desc,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Missing {
    First,
    #[default]
    Last,
}

/// One key of an order. A list sorts by its least value ascending, by its greatest descending, whichever way one walks.
#[derive(Clone, Debug, PartialEq)]
pub enum Order {
    Score(Direction),
    Field {
        field: FieldRef,
        direction: Direction,
        missing: Missing,
    },
    /// A document without a point is infinitely far.
    Distance {
        field: FieldRef,
        from: GeoPoint,
        direction: Direction,
    },
}

/// `size` hits forward from `from`, or backward (`last`): then they are the ones before `from`, or the last of all, still in the order asked.
#[derive(Clone, Debug, PartialEq)]
pub struct PageRequest {
    pub size: u32,
    pub backward: bool,
    pub from: From,
}

#[derive(Clone, Debug, PartialEq)]
pub enum From {
    /// The start; of a backward page the end.
    Start,
    After(Key),
    Before(Key),
    /// So many hits are passed over; forward only.
    Offset(u32),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TotalRequest {
    #[default]
    None,
    UpTo(u64),
    All,
}

/// What is brought of each hit. Version and id always are.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fetch {
    /// Whole paths to bring of the source (an object's path brings all of it); `None`: all; empty: no source.
    pub fields: Option<Vec<Arc<str>>>,
    pub highlights: Vec<HighlightRequest>,
    pub inner_hits: Vec<InnerHits>,
    pub explanation: bool,
    /// Scores even where the order does not need them.
    pub scores: bool,
}

/// Marks in one field, of the words of `rank` and of the filters on that field.
#[derive(Clone, Debug, PartialEq)]
pub struct HighlightRequest {
    pub field: FieldRef,
    /// Characters in a fragment, about.
    pub fragment_size: u32,
    pub fragments: u32,
}

/// The elements of a nested list for which the filter holds, the first so many (at most [`MOST_INNER_HITS`]) with their source.
#[derive(Clone, Debug, PartialEq)]
pub struct InnerHits {
    pub field: FieldRef,
    pub filter: Filter,
    pub size: u32,
}

/// `index.max_inner_result_window` by default.
pub const MOST_INNER_HITS: u32 = 100;

impl Default for PageRequest {
    fn default() -> Self {
        PageRequest { size: 10, backward: false, from: From::Start }
    }
}

impl Query {
    /// Every document of a collection, the first ten, with their whole source.
    pub fn new(on: CollectionName) -> Self {
        Query {
            on: vec![on],
            members: Vec::new(),
            at: Moment::Live,
            rank: None,
            rule: Filter::All,
            filter: Filter::All,
            ticks: Vec::new(),
            order: Vec::new(),
            page: PageRequest::default(),
            total: TotalRequest::None,
            fetch: Fetch::default(),
            compute: Vec::new(),
            suggest: Vec::new(),
        }
    }
}

impl Filter {
    /// Parts that must all hold, without needless nesting.
    pub fn and(parts: impl IntoIterator<Item = Filter>) -> Filter {
        let mut kept = Vec::new();
        for part in parts {
            match part {
                Filter::All => {}
                Filter::Nothing => return Filter::Nothing,
                Filter::And(inner) => kept.extend(inner),
                other => kept.push(other),
            }
        }
        match kept.len() {
            0 => Filter::All,
            1 => kept.swap_remove(0),
            _ => Filter::And(kept),
        }
    }

    #[expect(clippy::should_implement_trait, reason = "a word of the filter language, not the operator")]
    pub fn not(part: Filter) -> Filter {
        match part {
            Filter::All => Filter::Nothing,
            Filter::Nothing => Filter::All,
            Filter::Not(inner) => *inner,
            other => Filter::Not(Box::new(other)),
        }
    }

    /// The field that a condition is about; of several conditions put together none.
    pub fn field(&self) -> Option<&FieldRef> {
        match self {
            Filter::Exists(field)
            | Filter::OneOf(field, _)
            | Filter::Range(field, _)
            | Filter::Pattern(field, _)
            | Filter::Words(field, _)
            | Filter::Networks(field, _)
            | Filter::Near { field, .. }
            | Filter::InBox { field, .. }
            | Filter::InPolygon { field, .. }
            | Filter::Nested { field, .. } => Some(field),
            Filter::All | Filter::Nothing | Filter::And(_) | Filter::Or(_) | Filter::Not(_) | Filter::Ids(_) => None,
        }
    }

    /// How many conditions it holds, itself included.
    pub fn clauses(&self) -> usize {
        match self {
            Filter::And(parts) | Filter::Or(parts) => 1 + parts.iter().map(Filter::clauses).sum::<usize>(),
            Filter::Not(part) | Filter::Nested { filter: part, .. } => 1 + part.clauses(),
            _ => 1,
        }
    }
}

impl Direction {
    pub fn flipped(self) -> Self {
        match self {
            Direction::Asc => Direction::Desc,
            Direction::Desc => Direction::Asc,
        }
    }
}
