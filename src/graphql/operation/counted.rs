//! What fields mean on the types of what is counted: facets, aggregates, groups.

use super::fields::Of;
use crate::catalog::{Exposed, ExposedField};
use crate::search::Kind;

/// A field of one of these types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    // of a connection; the last two of a group too
    Facets,
    Aggregate,
    GroupBy,
    /// The place in the list of fields of the document or the object: of facets, of aggregates and of keys.
    Field(usize),
    /// The same, the range that a key lies in.
    Range(usize),
    // of a facet
    Values,
    OtherCount,
    DistinctCount,
    ExactDistinct,
    Buckets,
    Stats,
    Cells,
    // of a value, a bucket, a range, a tile
    Value,
    Count,
    NestedCount,
    Selected,
    From,
    To,
    Tile,
    Center,
    // of what is measured
    Min,
    Max,
    Avg,
    Sum,
    StdDev,
    Percentiles,
    ValueCount,
    At,
    // of groups and one group
    Nodes,
    ErrorBound,
    Key,
    TopHits,
}

/// What kind of such an object is being selected from.
#[derive(Clone, Copy)]
pub(super) enum Counted<'a> {
    Facets(&'a [ExposedField]),
    Facet,
    FacetValue,
    Bucket,
    Cell,
    Aggregate(&'a [ExposedField]),
    Measures,
    Stats,
    Percentile,
    Groups(&'a Exposed),
    Group(&'a Exposed),
    Key(&'a [ExposedField]),
    Range,
}

pub(super) fn of_connection<'a>(exposed: &'a Exposed, name: &str) -> Option<(Part, Of<'a>)> {
    Some(match name {
        "facets" => (Part::Facets, Of::Counted(Counted::Facets(&exposed.fields))),
        "aggregate" => (Part::Aggregate, Of::Counted(Counted::Aggregate(&exposed.fields))),
        "groupBy" => (Part::GroupBy, Of::Counted(Counted::Groups(exposed))),
        _ => return None,
    })
}

/// `None` for what another part of the selection knows: documents, pages, points.
pub(super) fn resolve<'a>(of: Counted<'a>, name: &str) -> Option<(Part, Of<'a>)> {
    let inner = |part, of| (part, Of::Counted(of));
    let leaf = |part| (part, Of::Leaf);
    Some(match (of, name) {
        (Counted::Facets(fields), name) => {
            let (at, field) = find(fields, |field| field.name == name)?;
            let below = match field.field.kind {
                Kind::Object | Kind::Nested => Counted::Facets(&field.fields),
                _ => Counted::Facet,
            };
            inner(Part::Field(at), below)
        }
        (Counted::Facet, "values") => inner(Part::Values, Counted::FacetValue),
        (Counted::Facet, "otherCount") | (Counted::Groups(_), "otherCount") => leaf(Part::OtherCount),
        (Counted::Facet | Counted::Measures, "distinctCount") => leaf(Part::DistinctCount),
        (Counted::Facet | Counted::Measures, "exactDistinct") => leaf(Part::ExactDistinct),
        (Counted::Facet, "buckets") => inner(Part::Buckets, Counted::Bucket),
        (Counted::Facet | Counted::Measures, "stats") => inner(Part::Stats, Counted::Stats),
        (Counted::Facet, "cells") => inner(Part::Cells, Counted::Cell),
        (Counted::FacetValue | Counted::Percentile, "value") => leaf(Part::Value),
        (Counted::FacetValue, "selected") => leaf(Part::Selected),
        (Counted::Cell, "key") => leaf(Part::Tile),
        (Counted::Cell, "center") => (Part::Center, Of::Point),
        (Counted::Bucket | Counted::Range, "from") => leaf(Part::From),
        (Counted::Bucket | Counted::Range, "to") => leaf(Part::To),
        (Counted::Measures | Counted::Stats, "min") => leaf(Part::Min),
        (Counted::Measures | Counted::Stats, "max") => leaf(Part::Max),
        (Counted::Measures | Counted::Stats, "avg") => leaf(Part::Avg),
        (Counted::Measures | Counted::Stats, "sum") => leaf(Part::Sum),
        (Counted::Measures | Counted::Stats, "valueCount") => leaf(Part::ValueCount),
        (Counted::Measures, "stdDev") => leaf(Part::StdDev),
        (Counted::Measures, "percentiles") => inner(Part::Percentiles, Counted::Percentile),
        (Counted::Percentile, "at") => leaf(Part::At),
        (Counted::Groups(exposed), "nodes") => inner(Part::Nodes, Counted::Group(exposed)),
        (Counted::Groups(_), "errorBound") => leaf(Part::ErrorBound),
        (Counted::Group(exposed), "key") => inner(Part::Key, Counted::Key(&exposed.fields)),
        (Counted::Group(exposed), "topHits") => (Part::TopHits, Of::Document(exposed)),
        (Counted::Group(exposed), "aggregate" | "groupBy") => of_connection(exposed, name)?,
        // a field of the document that is called so has another name here
        (Counted::Aggregate(_) | Counted::Group(_) | Counted::FacetValue | Counted::Bucket | Counted::Cell, "count") => {
            leaf(Part::Count)
        }
        (Counted::Aggregate(_) | Counted::Group(_) | Counted::FacetValue | Counted::Bucket, "nestedCount") => {
            leaf(Part::NestedCount)
        }
        (Counted::Aggregate(fields), name) => {
            let (at, field) = find(fields, |field| field.aggregate_name == name)?;
            let below = match field.field.kind {
                Kind::Object | Kind::Nested => Counted::Aggregate(&field.fields),
                _ => Counted::Measures,
            };
            inner(Part::Field(at), below)
        }
        (Counted::Key(fields), name) => match find(fields, |field| field.name == name) {
            Some((at, field)) => match field.field.kind {
                Kind::Object | Kind::Nested => inner(Part::Field(at), Counted::Key(&field.fields)),
                _ => leaf(Part::Field(at)),
            },
            None => inner(Part::Range(find(fields, |field| field.range_name == name)?.0), Counted::Range),
        },
        _ => return None,
    })
}

fn find(fields: &[ExposedField], is: impl Fn(&ExposedField) -> bool) -> Option<(usize, &ExposedField)> {
    fields.iter().enumerate().find(|(_, field)| is(field))
}
