//! The fields of several indices -> those of their collection. Pure. Numbers widen; any other disagreement can be read
//! as JSON only, and is remarked.

use std::sync::Arc;

use crate::{DateKind, Exact, Field, FieldRef, Kind, Number};

/// Joins the fields of each index, named for the remarks.
pub(super) fn merge<'a>(
    indices: impl IntoIterator<Item = (&'a str, &'a [FieldRef])>,
    remarks: &mut Vec<String>,
) -> Vec<FieldRef> {
    let mut all: Vec<FieldRef> = Vec::new();
    for (index, fields) in indices {
        match all.as_slice() {
            [] => all = fields.to_vec(),
            // the usual case: one template made them all
            same if same == fields => {}
            _ => join(&mut all, fields, index, remarks),
        }
    }
    all
}

fn join(all: &mut Vec<FieldRef>, more: &[FieldRef], index: &str, remarks: &mut Vec<String>) {
    for field in more {
        match all.iter_mut().find(|other| other.path == field.path) {
            None => all.push(field.clone()),
            Some(other) if **other == **field => {}
            Some(other) => *other = Arc::new(both(other, field, index, remarks)),
        }
    }
}

fn both(one: &Field, other: &Field, index: &str, remarks: &mut Vec<String>) -> Field {
    let mut joined = Field {
        path: one.path.clone(),
        kind: one.kind.clone(),
        list: one.list.or(other.list),
        indexed: one.indexed && other.indexed,
        columns: one.columns && other.columns,
        null_value: one.null_value.clone().filter(|value| other.null_value.as_ref() == Some(value)),
        nested: one.nested.clone(),
        fields: one.fields.clone(),
    };
    match kind(&one.kind, &other.kind) {
        Some(kind) => {
            joined.kind = kind;
            join(&mut joined.fields, &other.fields, index, remarks);
        }
        None => {
            remarks.push(format!(
                "{} is {} in {index} and {} elsewhere: it can be read as JSON, not asked for",
                one.path,
                word(&other.kind),
                word(&one.kind)
            ));
            joined.kind = Kind::Json { mapping_type: "conflict".into() };
            joined.indexed = false;
            joined.columns = false;
            joined.null_value = None;
            joined.fields = Vec::new();
        }
    }
    if one.list.is_some() && other.list.is_some() && one.list != other.list {
        remarks.push(format!("{} is said to be a list in one index and not in {index}: taken for a list", one.path));
        joined.list = Some(true);
    }
    joined
}

fn kind(one: &Kind, other: &Kind) -> Option<Kind> {
    Some(match (one, other) {
        (one, other) if one == other => one.clone(),
        (Kind::Number(one), Kind::Number(other)) => Kind::Number(wider(*one, *other)),
        (Kind::Keyword(one), Kind::Keyword(other)) => Kind::Keyword(exact(one, other)?),
        (Kind::Text { analyzer, exact: one }, Kind::Text { analyzer: second, exact: other }) if analyzer == second => {
            let both = one.as_ref().zip(other.as_ref()).and_then(|(one, other)| exact(one, other));
            Kind::Text { analyzer: analyzer.clone(), exact: both }
        }
        // written differently, but asked alike: bounds bring their own format
        (Kind::Date(one), Kind::Date(other)) if one.nanos == other.nanos => {
            let mut formats = one.formats.clone();
            formats.text = format!("{}||{}", one.formats.text, other.formats.text);
            let joined = crate::date::DateFormats::parse(&formats.text).ok()?;
            Kind::Date(DateKind { formats: joined, nanos: one.nanos })
        }
        _ => return None,
    })
}

/// Under one path and with one normalizer; cut where the first cuts.
fn exact(one: &Exact, other: &Exact) -> Option<Exact> {
    (one.path == other.path && one.normalizer == other.normalizer).then(|| Exact {
        path: one.path.clone(),
        ignore_above: one.ignore_above.into_iter().chain(other.ignore_above).min(),
        normalizer: one.normalizer.clone(),
    })
}

fn wider(one: Number, other: Number) -> Number {
    use Number::{Byte, Double, Float, HalfFloat, Integer, Long, Short};
    let rank = |number: Number| match number {
        Byte => 0,
        Short => 1,
        Integer => 2,
        Long => 3,
        HalfFloat => 4,
        Float => 5,
        Double => 6,
    };
    let (low, high) = if rank(one) <= rank(other) { (one, other) } else { (other, one) };
    let whole = rank(low) < 4;
    // a whole number does not fit into a short fraction
    if whole && rank(high) >= 4 { Double } else { high }
}

fn word(kind: &Kind) -> &str {
    match kind {
        Kind::Keyword(_) => "a keyword",
        Kind::Text { .. } => "a text",
        Kind::Number(Number::Long | Number::Integer | Number::Short | Number::Byte) => "a whole number",
        Kind::Number(_) => "a number",
        Kind::Boolean => "a boolean",
        Kind::Date(DateKind { nanos: false, .. }) => "a date",
        Kind::Date(_) => "a date in nanoseconds",
        Kind::Ip => "an address",
        Kind::GeoPoint => "a place",
        Kind::Vector { .. } => "a vector",
        Kind::Object => "an object",
        Kind::Nested => "a nested object",
        Kind::Json { mapping_type } => mapping_type,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mapping;
    use serde_json::{Value as Json, json};

    fn merged(one: Json, other: Json) -> (Vec<FieldRef>, Vec<String>) {
        let read = |properties: Json| mapping::read(&json!({"properties": properties})).fields;
        let (one, other) = (read(one), read(other));
        let mut remarks = Vec::new();
        let fields = merge([("one", one.as_slice()), ("other", other.as_slice())], &mut remarks);
        (fields, remarks)
    }

    #[test]
    fn numbers_widen() {
        for (one, other, joined) in [
            ("integer", "long", Number::Long),
            ("byte", "half_float", Number::Double),
            ("long", "double", Number::Double),
            ("float", "half_float", Number::Float),
        ] {
            let (fields, remarks) = merged(json!({"n": {"type": one}}), json!({"n": {"type": other}}));
            assert_eq!((fields[0].kind.clone(), remarks.len()), (Kind::Number(joined), 0), "{one} {other}");
        }
    }

    #[test]
    fn what_disagrees_can_only_be_read() {
        let (fields, remarks) = merged(json!({"a": {"type": "keyword"}, "b": {"type": "long"}}), json!({"a": {"type": "long"}}));
        assert!(matches!(fields[0].kind, Kind::Json { .. }));
        assert_eq!(remarks.len(), 1);
        assert_eq!(fields[1].kind, Kind::Number(Number::Long));
    }

    #[test]
    fn objects_join_their_fields() {
        let (fields, remarks) = merged(
            json!({"o": {"properties": {"a": {"type": "keyword", "ignore_above": 10}}}}),
            json!({"o": {"properties": {"a": {"type": "keyword"}, "b": {"type": "ip"}}}}),
        );
        let below: Vec<&str> = fields[0].fields.iter().map(|field| field.path.as_str()).collect();
        assert_eq!((below, remarks.len()), (vec!["o.a", "o.b"], 0));
        assert!(matches!(&fields[0].fields[0].kind, Kind::Keyword(exact) if exact.ignore_above == Some(10)));
    }
}
