//! One value of a document, as the index holds it: read by `value`, then normalised, cut off, and coded.
//! `indexing` walks the document, `places` reads points.

use serde_json::Value as Json;

pub(super) use super::super::value::LONGEST_TERM;
use super::super::value::{Value, brief, from_document};
use super::super::{Exact, Field, Kind};
use super::analysis::normalize;
use super::codes;

/// What a value adds to its field.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Leaf {
    /// Accepted, and not in the index: null, a keyword that is too long by `ignore_above`.
    Nothing,
    /// A number, a boolean, or a moment, as a number that sorts alike.
    Number(i64),
    /// A keyword or an address, as it is compared.
    Exact(String),
    /// A text, and its keyword sub-field.
    Text { text: String, exact: Option<String> },
}

/// One value of a field; lists are taken apart before. `Err` tells what is wrong, in words for whoever wrote the document.
pub(super) fn coerce(field: &Field, value: &Json) -> Result<Leaf, String> {
    let read = match (from_document(&field.kind, value)?, &field.null_value) {
        (None, Some(instead)) => from_document(&field.kind, instead)?,
        (read, _) => read,
    };
    let Some(read) = read else { return Ok(Leaf::Nothing) };
    Ok(match (read, &field.kind) {
        (Value::Text(text), Kind::Text { exact, .. }) => {
            let exact = exact.as_ref().map_or(Ok(None), |exact| keyword(exact, &text))?;
            Leaf::Text { text, exact }
        }
        (Value::Text(text), Kind::Keyword(exact)) => keyword(exact, &text)?.map_or(Leaf::Nothing, Leaf::Exact),
        (Value::Text(text), _) => Leaf::Exact(text),
        (Value::Ip(address), _) => Leaf::Exact(codes::of_address(address)),
        (Value::Date(time), Kind::Date(date)) if date.nanos => {
            Leaf::Number(i64::try_from(time.0).map_err(|_| format!("{} does not fit into nanoseconds", brief(value)))?)
        }
        (Value::Date(time), _) => Leaf::Number(time.millis()),
        (Value::Long(number), _) => Leaf::Number(number),
        (Value::Double(number), _) => Leaf::Number(codes::of_double(number)),
        (Value::Boolean(truth), _) => Leaf::Number(truth.into()),
    })
}

fn keyword(exact: &Exact, text: &str) -> Result<Option<String>, String> {
    let units = || text.chars().map(char::len_utf16).sum::<usize>();
    if let Some(most) = exact.ignore_above
        && text.len() > most as usize
        && units() > most as usize
    {
        return Ok(None);
    }
    let normal = normalize(exact, text);
    if normal.len() > LONGEST_TERM {
        return Err(format!("a keyword may have {LONGEST_TERM} bytes, this one has {}", normal.len()));
    }
    Ok(Some(normal))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::super::{Analyzer, Number};
    use super::*;

    fn of(kind: Kind, null_value: Option<Json>, value: &Json) -> Result<Leaf, String> {
        coerce(&Field { null_value, ..Field::new("f", kind) }, value)
    }

    fn exact(ignore_above: Option<u32>) -> Exact {
        Exact { path: "f".into(), ignore_above, normalizer: Some("lowercase".into()) }
    }

    #[test]
    fn null_values_stand_in() {
        let long = || Kind::Number(Number::Long);
        assert_eq!(of(long(), Some(json!(-1)), &json!(null)), Ok(Leaf::Number(-1)));
        assert_eq!(of(long(), Some(json!(-1)), &json!("")), Ok(Leaf::Number(-1)));
        assert_eq!(of(long(), None, &json!(null)), Ok(Leaf::Nothing));
    }

    #[test]
    fn keywords_are_cut_off_and_normalized() {
        let keyword = |most| Kind::Keyword(exact(most));
        assert_eq!(of(keyword(Some(3)), None, &json!("ABC")), Ok(Leaf::Exact("abc".into())));
        assert_eq!(of(keyword(Some(3)), None, &json!("ABCD")), Ok(Leaf::Nothing));
        assert_eq!(of(keyword(Some(3)), None, &json!("ÄÖÜ")), Ok(Leaf::Exact("äöü".into())));
        assert_eq!(of(keyword(None), None, &json!(100.0)), Ok(Leaf::Exact("100.0".into())));
        assert!(of(keyword(None), None, &json!("x".repeat(40_000))).is_err());
        let kind = Kind::Text { analyzer: Analyzer::Standard, exact: Some(exact(Some(1))) };
        assert_eq!(of(kind, None, &json!(12)), Ok(Leaf::Text { text: "12".into(), exact: None }));
    }
}
