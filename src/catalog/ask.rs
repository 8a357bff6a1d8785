//! Plain JSON in a caller's words -> parts of a `Query`. The shapes are those of the GraphQL arguments
//! (`{"section": {"eq": "net"}}`, `[{"field": "SIZE", "direction": "DESC"}]`), so GraphQL, REST and pages share one meaning.

use serde_json::Value as Json;

use super::Exposed;
use crate::config::Limits;
use crate::error::Code;
use crate::search::date::Time;
use crate::search::{FieldRef, Filter, Order, TextMatch};

/// What is wrong with an argument, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    pub code: Code,
    /// From the argument on: `filter, and, 1, size, gte`.
    pub path: Vec<String>,
    pub message: String,
}

/// What asking needs beside the collection.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    pub limits: &'a Limits,
    /// What `now` means in date math: one moment for a whole operation.
    pub now: Time,
}

/// `filter`: an object whose parts must all hold. `{}` as a whole is `Filter::All`; inside, `{}` and `null` are faults.
pub fn filter(_frame: Frame<'_>, _on: &Exposed, _json: &Json) -> Result<Filter, Fault> {
    Err(unfinished())
}

/// `facetFilters`: one entry a field.
pub fn facet_filters(_frame: Frame<'_>, _on: &Exposed, _json: &Json) -> Result<Vec<(FieldRef, Filter)>, Fault> {
    Err(unfinished())
}

/// `orderBy`: a list of `{score}`, `{field, direction, missing}` or `{distance, direction}`.
pub fn order(_frame: Frame<'_>, _on: &Exposed, _json: &Json) -> Result<Vec<Order>, Fault> {
    Err(unfinished())
}

/// `search`: `{query, fields: [{field, boost}], operator, fuzziness}`; `None` where there is no `query`.
pub fn search(_frame: Frame<'_>, _on: &Exposed, _json: &Json) -> Result<Option<TextMatch>, Fault> {
    Err(unfinished())
}

fn unfinished() -> Fault {
    Fault { code: Code::Unsupported, path: Vec::new(), message: "not built yet".into() }
}
