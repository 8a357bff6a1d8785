//! Bounds of numbers, dates and truth as the codes that columns hold: whole units, both ends inside.

use super::super::value::Value;
use super::super::{Field, Kind, Result};
use super::codes;
use super::matching::no_such;

/// The codes between two bounds, both inside; `None` where there are none. Open bounds are the ends of all codes.
pub(super) fn span_of(field: &Field, lower: Option<(&Value, bool)>, upper: Option<(&Value, bool)>) -> Result<Option<(i64, i64)>> {
    let least = match lower {
        None => Some(i64::MIN),
        Some((value, inside)) => lowest(field, value, inside)?,
    };
    let most = match upper {
        None => Some(i64::MAX),
        Some((value, inside)) => highest(field, value, inside)?,
    };
    Ok(least.zip(most).filter(|(least, most)| least <= most))
}

/// The least code that is not below the bound; `None` where there is none.
fn lowest(field: &Field, value: &Value, inside: bool) -> Result<Option<i64>> {
    let step = i128::from(!inside);
    let code = match (value, &field.kind) {
        (Value::Long(whole), Kind::Number(number)) if number.is_whole() => i128::from(*whole) + step,
        (Value::Double(double), Kind::Number(number)) if number.is_whole() => {
            let whole = double.ceil();
            whole as i128 + if whole == *double { step } else { 0 }
        }
        (Value::Date(time), Kind::Date(date)) => {
            let unit = if date.nanos { 1 } else { 1_000_000 };
            // the first whole unit at or after the moment, or after it
            (time.0 + step).div_euclid(unit) + i128::from((time.0 + step).rem_euclid(unit) != 0)
        }
        _ => i128::from(code_of(field, value)?) + step,
    };
    Ok(if code > i128::from(i64::MAX) { None } else { Some(i64::try_from(code).unwrap_or(i64::MIN)) })
}

/// The greatest code that is not above the bound; `None` where there is none.
fn highest(field: &Field, value: &Value, inside: bool) -> Result<Option<i64>> {
    let step = i128::from(!inside);
    let code = match (value, &field.kind) {
        (Value::Long(whole), Kind::Number(number)) if number.is_whole() => i128::from(*whole) - step,
        (Value::Double(double), Kind::Number(number)) if number.is_whole() => {
            let whole = double.floor();
            whole as i128 - if whole == *double { step } else { 0 }
        }
        (Value::Date(time), Kind::Date(date)) => {
            let unit = if date.nanos { 1 } else { 1_000_000 };
            (time.0 - step).div_euclid(unit)
        }
        _ => i128::from(code_of(field, value)?) - step,
    };
    Ok(if code < i128::from(i64::MIN) { None } else { Some(i64::try_from(code).unwrap_or(i64::MAX)) })
}

/// The code of a value that stands for itself: fractions and truth.
fn code_of(field: &Field, value: &Value) -> Result<i64> {
    match (value, &field.kind) {
        (Value::Boolean(truth), Kind::Boolean) => Ok(i64::from(*truth)),
        (Value::Double(double), Kind::Number(number)) => {
            let stored = number.narrow(*double).unwrap_or(if *double < 0.0 { f64::NEG_INFINITY } else { f64::INFINITY });
            Ok(codes::of_double(stored))
        }
        #[expect(clippy::cast_precision_loss, reason = "the field keeps doubles")]
        (Value::Long(whole), Kind::Number(_)) => code_of(field, &Value::Double(*whole as f64)),
        _ => Err(no_such(field, "a value of another kind")),
    }
}
