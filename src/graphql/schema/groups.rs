//! Groups of a collection: the enums of fields to group by and to measure, the inputs, and the types of groups.

use super::counted::Counted;
use super::{Types, written};
use crate::catalog::Exposed;
use crate::catalog::ask::{can_count, can_measure};

/// The field `groupBy` as text, for connections and groups; `None` for a collection that cannot be grouped by anything.
pub(super) fn add(types: &mut Types, exposed: &Exposed, counted: &Counted, order: Option<&String>) -> Option<String> {
    let (key, having, aggregate) = (counted.key.as_ref()?, counted.having.as_ref()?, counted.aggregate.as_ref()?);
    let stem = &exposed.names.type_name;
    let by = || exposed.all_fields().filter(|field| can_count(&field.field));
    written::enumeration(types, &format!("{stem}GroupField"), "Fields to group by.", by().map(|field| field.enum_name.as_str()));
    let measures = exposed.all_fields().filter(|field| can_measure(&field.field)).map(|field| field.enum_name.as_str());
    let metric_field = format!("{stem}MetricField");
    let measured = written::enumeration(types, &metric_field, "Fields with numbers or dates: for metrics of groups.", measures);

    let field = format!("field: {stem}GroupField!");
    let key_input = [
        (field.as_str(), ""),
        ("interval: GroupInterval", ""),
        ("ranges: [GroupRangeInput!]", ""),
        ("include: [FacetInclude!]", "MISSING gives documents without a value a group with a null key."),
    ];
    written::input_object(types, &format!("{stem}GroupKeyInput"), "", &key_input);

    let field = format!("field: {metric_field}");
    let metric = [(field.as_str(), ""), ("metric: Metric", ""), ("direction: Direction = ASC", "")];
    let mut order_input = vec![("count: Direction", ""), ("key: Direction", "")];
    order_input.extend(if measured { metric.as_slice() } else { &[] });
    let about = "One of count, key, or field with metric. count DESC, then key ASC, where absent.";
    written::input_object(types, &format!("{stem}GroupOrder"), about, &order_input);

    let group_by = format!(
        "groupBy(keys: [{stem}GroupKeyInput!]!, first: Int = 10, after: String, orderBy: [{stem}GroupOrder!], having: {having}): {stem}GroupConnection"
    );
    let nested = by().any(|field| field.field.nested.is_some());
    let sorted = order.map(|order| format!(", orderBy: [{order}!]")).unwrap_or_default();
    let (key, aggregate) = (format!("key: {key}!"), format!("aggregate: {aggregate}!"));
    let top_hits = format!("topHits(first: Int = 3{sorted}): [{stem}!]!");
    let mut group = vec![(key.as_str(), ""), ("count: Long!", "Documents.")];
    if nested {
        group.push(("nestedCount: Long", "Elements, where a key lies in a nested list; else null."));
    }
    group.extend([(aggregate.as_str(), ""), (group_by.as_str(), ""), (top_hits.as_str(), "")]);
    written::object(types, &format!("{stem}Group"), "", &group);

    let nodes = format!("nodes: [{stem}Group!]!");
    let connection = [
        (nodes.as_str(), ""),
        ("pageInfo: PageInfo!", ""),
        ("otherCount: Long!", "Sum of the counts that are not shown; a document in several groups counts for each."),
        ("errorBound: Long", "By how much a count may be too low; 0 where exact, null where unknown."),
    ];
    written::object(types, &format!("{stem}GroupConnection"), "", &connection);
    Some(group_by)
}
