//! Numbers -> terms and bounds within what a field can hold. Pure: outside of it Elasticsearch answers 400 to a range.

use serde_json::{Map, Value as Json, json};

use super::filters::Bounds;
use crate::value::Value;
use crate::{Number, Range};

/// `None`: the field can never hold it.
pub(super) fn same(number: Number, value: &Value) -> Option<Json> {
    match limits(number) {
        Limits::Whole(least, most) => {
            let whole = match value {
                Value::Long(whole) => *whole,
                Value::Double(double) => as_whole(*double)?,
                _ => return None,
            };
            (least..=most).contains(&whole).then(|| json!(whole))
        }
        Limits::Float(most) => {
            let double = as_double(value)?;
            (double.is_finite() && double.abs() <= most).then(|| json!(double))
        }
    }
}

/// `None`: a bound is no number.
pub(super) fn range(number: Number, range: &Range) -> Option<Bounds> {
    match limits(number) {
        Limits::Whole(least, most) => whole(i128::from(least), i128::from(most), range),
        Limits::Float(most) => float(most, range),
    }
}

enum Limits {
    Whole(i64, i64),
    /// The greatest magnitude.
    Float(f64),
}

fn limits(number: Number) -> Limits {
    match number {
        Number::Long => Limits::Whole(i64::MIN, i64::MAX),
        Number::Integer => Limits::Whole(i32::MIN.into(), i32::MAX.into()),
        Number::Short => Limits::Whole(i16::MIN.into(), i16::MAX.into()),
        Number::Byte => Limits::Whole(i8::MIN.into(), i8::MAX.into()),
        Number::Double => Limits::Float(f64::MAX),
        Number::Float => Limits::Float(f32::MAX.into()),
        Number::HalfFloat => Limits::Float(65_504.0),
    }
}

/// Inclusive whole bounds: `> 1.5` is `>= 2`.
fn whole(least: i128, most: i128, range: &Range) -> Option<Bounds> {
    let nan = |bound: &Option<(Value, bool)>| matches!(bound, Some((Value::Double(at), _)) if at.is_nan());
    if nan(&range.lower) || nan(&range.upper) {
        return Some(Bounds::Nothing);
    }
    let lower = match &range.lower {
        None => None,
        Some((Value::Long(at), inside)) => Some(i128::from(*at) + i128::from(!inside)),
        Some((Value::Double(at), inside)) => {
            let ceil = far(at.ceil());
            Some(ceil + i128::from(!inside && at.ceil() == *at))
        }
        Some(_) => return None,
    };
    let upper = match &range.upper {
        None => None,
        Some((Value::Long(at), inside)) => Some(i128::from(*at) - i128::from(!inside)),
        Some((Value::Double(at), inside)) => {
            let floor = far(at.floor());
            Some(floor - i128::from(!inside && at.floor() == *at))
        }
        Some(_) => return None,
    };
    if lower.is_some_and(|lower| lower > most)
        || upper.is_some_and(|upper| upper < least)
        || matches!((lower, upper), (Some(lower), Some(upper)) if lower > upper)
    {
        return Some(Bounds::Nothing);
    }
    let mut spelled = Map::new();
    for (name, bound) in [("gte", lower.filter(|lower| *lower > least)), ("lte", upper.filter(|upper| *upper < most))] {
        if let Some(bound) = bound.and_then(|bound| i64::try_from(bound).ok()) {
            spelled.insert(name.into(), json!(bound));
        }
    }
    Some(if spelled.is_empty() { Bounds::Everything } else { Bounds::Between(spelled) })
}

fn float(most: f64, range: &Range) -> Option<Bounds> {
    let mut spelled = Map::new();
    for (bound, names, sign) in [(&range.lower, ["gt", "gte"], 1.0), (&range.upper, ["lt", "lte"], -1.0)] {
        let Some((value, inside)) = bound else { continue };
        let at = as_double(value)?;
        if at.is_nan() || at * sign > most {
            return Some(Bounds::Nothing);
        }
        if at * sign >= -most {
            spelled.insert(names[usize::from(*inside)].into(), json!(at));
        }
    }
    Some(if spelled.is_empty() { Bounds::Everything } else { Bounds::Between(spelled) })
}

fn as_double(value: &Value) -> Option<f64> {
    match value {
        Value::Double(double) => Some(*double),
        #[expect(clippy::cast_precision_loss, reason = "the field stores it so")]
        Value::Long(whole) => Some(*whole as f64),
        _ => None,
    }
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within the range")]
fn as_whole(double: f64) -> Option<i64> {
    let fits = double.fract() == 0.0 && (-9_223_372_036_854_775_808.0..9_223_372_036_854_775_808.0).contains(&double);
    fits.then_some(double as i64)
}

/// Far values stand for all that lie beyond every field.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates, which is what is meant")]
fn far(double: f64) -> i128 {
    (double as i128).clamp(-(1 << 100), 1 << 100)
}
