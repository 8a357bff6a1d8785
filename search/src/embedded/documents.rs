//! What the index half asks of the store half: the documents behind the hits of a searcher.

use std::sync::Arc;

use super::super::{Document, Result};

/// The documents of one collection as they were at one moment: that of the searcher they are used with.
///
/// The index keeps of a document nothing but what is searched and sorted; hits find their source here.
pub(super) trait Documents: Send + Sync {
    /// The document that was written with this sequence number, with the parts of its source that `fields` names
    /// (`None`: all of it; none: an empty source, which costs no parsing).
    ///
    /// A searcher of the same moment knows no number that is not here: a missing one is [`Error::Internal`](super::super::Error).
    fn document(&self, seq_no: u64, fields: Option<&[Arc<str>]>) -> Result<Document>;
}
