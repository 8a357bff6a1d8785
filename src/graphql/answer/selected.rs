//! Whether a value of a facet is one that the clause of its field asks for: whether a document with this one value would pass.

use crate::search::value::{Value, mapped};
use crate::search::{FieldRef, Filter, Kind, Range};

/// `None`: no value at all.
pub(super) fn asks_for(clause: &Filter, field: &FieldRef, value: Option<&Value>) -> bool {
    match clause {
        Filter::All => true,
        Filter::And(parts) => parts.iter().all(|part| asks_for(part, field, value)),
        Filter::Or(parts) => parts.iter().any(|part| asks_for(part, field, value)),
        Filter::Not(part) => !asks_for(part, field, value),
        Filter::Nested { filter, .. } => asks_for(filter, field, value),
        Filter::Exists(_) => value.is_some(),
        Filter::OneOf(_, values) => value.is_some_and(|value| values.iter().any(|asked| same(field, asked, value))),
        Filter::Range(_, range) => value.is_some_and(|value| inside(range, value)),
        Filter::Pattern(_, pattern) => matches!(value, Some(Value::Text(text)) if pattern.matches(text)),
        Filter::Networks(_, networks) => {
            let Some(Value::Ip(address)) = value else { return false };
            networks.iter().any(|network| {
                let (first, last) = network.span();
                (first..=last).contains(&mapped(*address))
            })
        }
        // words are not asked of whole values, and places are no values
        Filter::Nothing
        | Filter::Words(..)
        | Filter::Near { .. }
        | Filter::InBox { .. }
        | Filter::InPolygon { .. }
        | Filter::Ids(_) => false,
    }
}

fn same(field: &FieldRef, asked: &Value, value: &Value) -> bool {
    let folds = match &field.kind {
        Kind::Keyword(exact) | Kind::Text { exact: Some(exact), .. } => exact.normalizer.is_some(),
        _ => false,
    };
    match (asked, value) {
        // the values of such a field are normalised, what is asked is not
        (Value::Text(asked), Value::Text(value)) if folds => asked.to_lowercase() == *value,
        _ => asked.compare(value).is_eq(),
    }
}

fn inside(range: &Range, value: &Value) -> bool {
    let above = range.lower.as_ref().is_none_or(|(bound, inside)| {
        let order = value.compare(bound);
        order.is_gt() || *inside && order.is_eq()
    });
    let below = range.upper.as_ref().is_none_or(|(bound, inside)| {
        let order = value.compare(bound);
        order.is_lt() || *inside && order.is_eq()
    });
    above && below
}
