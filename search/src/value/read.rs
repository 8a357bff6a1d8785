//! JSON of a document or of a query -> [`Value`], by the kind of the field and as Elasticsearch does it.
//!
//! Documents are read generously (`"7"`, `1.9` and `"1e2"` are whole numbers), queries strictly. Lists, `null_value` and
//! `ignore_above` are for the caller.

use std::net::IpAddr;

use serde_json::Value as Json;

use super::{Value, shortest};
use crate::{Kind, Number};

/// One value of a document (no list) as its field's index holds it. `None`: there is none (`null`, and `""` for a number).
/// An error is a refusal of the whole document, in words for its writer.
pub fn from_document(kind: &Kind, json: &Json) -> Result<Option<Value>, String> {
    if json.is_null() {
        return Ok(None);
    }
    match kind {
        Kind::Keyword(_) | Kind::Text { .. } => match json {
            Json::String(text) => Ok(Some(Value::Text(text.clone()))),
            Json::Number(number) => Ok(Some(Value::Text(number.to_string()))),
            Json::Bool(truth) => Ok(Some(Value::Text(truth.to_string()))),
            _ => Err(wrong("a text", json)),
        },
        Kind::Number(number) => match number.span() {
            Some(span) => whole(*number, span, json),
            None => fractional(*number, json),
        },
        Kind::Boolean => match json {
            Json::Bool(truth) => Ok(Some(Value::Boolean(*truth))),
            Json::String(text) if text == "true" => Ok(Some(Value::Boolean(true))),
            Json::String(text) if text == "false" || text.is_empty() => Ok(Some(Value::Boolean(false))),
            _ => Err(wrong("true or false", json)),
        },
        Kind::Date(date) => date.formats.read(json, date.nanos).map(|time| Some(Value::Date(time))),
        Kind::Ip => match json {
            Json::String(text) => {
                address(text).map(|address| Some(Value::Ip(address))).ok_or_else(|| wrong("an IP address", json))
            }
            _ => Err(wrong("an IP address", json)),
        },
        Kind::GeoPoint | Kind::Vector { .. } | Kind::Object | Kind::Nested | Kind::Json { .. } => {
            Err("this kind of field holds no single values".into())
        }
    }
}

/// A value in a query. Whole numbers may come as strings (beyond 2^53 they must), dates are not for here: they are date math.
/// A whole number beyond the field's kind is no error: nothing equals it, and everything is on one side of it.
pub fn from_query(kind: &Kind, json: &Json) -> Result<Value, String> {
    match (kind, json) {
        (Kind::Keyword(_) | Kind::Text { .. }, Json::String(text)) => Ok(Value::Text(text.clone())),
        (Kind::Keyword(_) | Kind::Text { .. }, _) => Err(wrong("a text", json)),
        (Kind::Number(number), _) if number.is_whole() => {
            exact(json).map(Value::Long).ok_or_else(|| wrong("a whole number", json))
        }
        (Kind::Number(number), Json::Number(value)) => {
            let value = value.as_f64().ok_or_else(|| wrong("a number", json))?;
            number.narrow(value).map(Value::Double).ok_or_else(|| format!("{} is too large for this field", shown(json)))
        }
        (Kind::Number(_), _) => Err(wrong("a number", json)),
        (Kind::Boolean, Json::Bool(truth)) => Ok(Value::Boolean(*truth)),
        (Kind::Boolean, _) => Err(wrong("true or false", json)),
        (Kind::Ip, Json::String(text)) => address(text).map(Value::Ip).ok_or_else(|| wrong("an IP address", json)),
        (Kind::Ip, _) => Err(wrong("an IP address", json)),
        _ => Err("fields of this kind are not compared with single values".into()),
    }
}

fn wrong(wanted: &str, json: &Json) -> String {
    format!("{} is not {wanted}", shown(json))
}

fn shown(json: &Json) -> String {
    let text = json.to_string();
    if text.chars().count() <= 64 { text } else { text.chars().take(63).chain(['…']).collect() }
}

/// IPv4 in its shortest form also where it was written as IPv6.
fn address(text: &str) -> Option<IpAddr> {
    text.parse().ok().map(shortest)
}

fn exact(json: &Json) -> Option<i64> {
    match json {
        Json::Number(number) => number.as_i64(),
        Json::String(text) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok()).flatten()
        }
        _ => None,
    }
}

fn whole(kind: Number, (least, most): (i64, i64), json: &Json) -> Result<Option<Value>, String> {
    let refused = || wrong("a whole number", json);
    let within = |value: i64| {
        if (least..=most).contains(&value) {
            Ok(Some(Value::Long(value)))
        } else {
            Err(format!("{} does not lie between {least} and {most}", shown(json)))
        }
    };
    if let Some(value) = exact(json) {
        return within(value);
    }
    let double = match json {
        Json::Number(number) => number.as_f64().ok_or_else(refused)?,
        Json::String(text) if text.is_empty() => return Ok(None),
        // of a long there may stand no blanks and no letters behind the digits
        Json::String(text) if kind == Number::Long => plain(text).ok_or_else(refused)?,
        Json::String(text) => decimal(text).ok_or_else(refused)?,
        _ => return Err(refused()),
    };
    // the fraction is cut; an integer's span is held against the number before that, a byte's and a short's after it
    let checked = if matches!(kind, Number::Byte | Number::Short) { double.trunc() } else { double };
    if !double.is_finite() || checked < to_double(least) || checked > to_double(most) {
        return Err(format!("{} does not lie between {least} and {most}", shown(json)));
    }
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is cut; the span was checked, and the ends saturate")]
    let value = double as i64;
    within(value)
}

#[expect(clippy::cast_precision_loss, reason = "ends of spans; of a long the nearest double")]
fn to_double(value: i64) -> f64 {
    value as f64
}

fn fractional(kind: Number, json: &Json) -> Result<Option<Value>, String> {
    let double = match json {
        Json::Number(number) => number.as_f64(),
        Json::String(text) if text.is_empty() => return Ok(None),
        Json::String(text) => decimal(text),
        _ => None,
    };
    let double = double.ok_or_else(|| wrong("a number", json))?;
    kind.narrow(double)
        .map(|value| Some(Value::Double(value)))
        .ok_or_else(|| format!("{} is too large for this field", shown(json)))
}

/// A number in a text as Java reads it: blanks around it, an exponent, a closing `d` or `f`.
fn decimal(text: &str) -> Option<f64> {
    let text = text.trim_matches(|c: char| c <= ' ');
    plain(text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text))
}

fn plain(text: &str) -> Option<f64> {
    // what Rust reads beyond that: inf, nan
    if !text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{DateKind, date::Time};

    fn number(kind: Number) -> Kind {
        Kind::Number(kind)
    }

    #[test]
    fn documents_are_read_generously() {
        let long = |value| Ok(Some(Value::Long(value)));
        let integer = number(Number::Integer);
        for (json, wanted) in [(json!("7"), 7), (json!(1.9), 1), (json!(-1.9), -1), (json!("1e2"), 100), (json!(" 1"), 1)] {
            assert_eq!(from_document(&integer, &json), long(wanted), "{json}");
        }
        assert_eq!(from_document(&number(Number::Long), &json!(9_007_199_254_740_993i64)), long(9_007_199_254_740_993));
        assert_eq!(from_document(&number(Number::Long), &json!("9223372036854775807")), long(i64::MAX));
        assert_eq!(from_document(&integer, &json!("")), Ok(None));
        for json in [json!("x"), json!(true), json!(3_000_000_000i64), json!("NaN"), json!({}), json!("1 2")] {
            assert!(from_document(&integer, &json).is_err(), "{json}");
        }
        assert!(from_document(&number(Number::Long), &json!(1e19)).is_err());
        assert!(from_document(&number(Number::Byte), &json!(128)).is_err());
        assert_eq!(from_document(&number(Number::Byte), &json!(127.9)), long(127));
        assert_eq!(from_document(&number(Number::Byte), &json!("-128.5")), long(-128));
        assert!(from_document(&integer, &json!(2_147_483_647.5)).is_err());
        assert!(from_document(&number(Number::Long), &json!(" 5")).is_err());
        assert_eq!(from_document(&number(Number::Long), &json!("+5")), long(5));
        assert!(from_document(&number(Number::HalfFloat), &json!(70_000)).is_err());
        assert_eq!(from_document(&number(Number::Float), &json!("0.1")), Ok(Some(Value::Double(0.10000000149011612))));
        assert_eq!(from_document(&Kind::Boolean, &json!("")), Ok(Some(Value::Boolean(false))));
        assert!(from_document(&Kind::Boolean, &json!(1)).is_err());
        assert!(from_document(&Kind::Ip, &json!("010.0.0.1")).is_err());
        let date = Kind::Date(DateKind { formats: Default::default(), nanos: false });
        assert_eq!(from_document(&date, &json!(2024)), Ok(Some(Value::Date(Time::from_millis(1_704_067_200_000)))));
    }

    #[test]
    fn queries_are_read_strictly() {
        let long = number(Number::Long);
        assert_eq!(from_query(&long, &json!("9223372036854775807")), Ok(Value::Long(i64::MAX)));
        for json in [json!("1.5"), json!(1.5), json!("+1"), json!(""), json!("9223372036854775808"), json!(null)] {
            assert!(from_query(&long, &json).is_err(), "{json}");
        }
        assert_eq!(from_query(&number(Number::Byte), &json!(1_000)), Ok(Value::Long(1_000)));
        assert_eq!(from_query(&Kind::Ip, &json!("::ffff:10.0.0.1")), Ok(Value::Ip("10.0.0.1".parse().unwrap())));
        assert!(from_query(&Kind::Boolean, &json!("true")).is_err());
    }
}
