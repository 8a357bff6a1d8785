//! Doubles as narrower fields store them, and the span of whole kinds.

use crate::Number;

/// What a `float` field keeps of a double: the nearest, ties to even; `None` where it would be infinite.
pub fn to_float(value: f64) -> Option<f64> {
    #[expect(clippy::cast_possible_truncation, reason = "this rounding is what is asked for")]
    let narrow = value as f32;
    narrow.is_finite().then(|| f64::from(narrow))
}

/// What a `half_float` field keeps: sign, 5 bits of exponent, 10 of fraction; the nearest to the `float`, ties to even.
pub fn to_half(value: f64) -> Option<f64> {
    let float = to_float(value)?;
    let size = float.abs();
    // the distance of neighbours: 2^-24 among the subnormals, else 2^-10 of the leading bit
    let exponent = if size == 0.0 { -14 } else { exponent_of(size).max(-14) };
    let step = (2.0f64).powi(exponent - 10);
    // both divisions are by a power of two: exact
    let half = (size / step).round_ties_even() * step;
    (half <= 65_504.0).then(|| half.copysign(float))
}

fn exponent_of(size: f64) -> i32 {
    // a float is never subnormal as a double
    i32::try_from(size.to_bits() >> 52).unwrap_or(0) - 1_023
}

impl Number {
    pub fn is_whole(self) -> bool {
        self.span().is_some()
    }

    /// The least and the greatest value of a whole kind.
    pub fn span(self) -> Option<(i64, i64)> {
        match self {
            Number::Long => Some((i64::MIN, i64::MAX)),
            Number::Integer => Some((i32::MIN.into(), i32::MAX.into())),
            Number::Short => Some((i16::MIN.into(), i16::MAX.into())),
            Number::Byte => Some((i8::MIN.into(), i8::MAX.into())),
            Number::Double | Number::Float | Number::HalfFloat => None,
        }
    }

    /// A double as a field of this kind keeps it; `None`: it is too large for it, or not a number.
    pub fn narrow(self, value: f64) -> Option<f64> {
        match self {
            _ if !value.is_finite() => None,
            Number::Float => to_float(value),
            Number::HalfFloat => to_half(value),
            _ => Some(value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn narrow_numbers_are_the_nearest_ones() {
        assert_eq!(to_float(0.1), Some(0.10000000149011612));
        assert_eq!(to_float(1e39), None);
        assert_eq!(to_half(0.1), Some(0.0999755859375));
        assert_eq!(to_half(-0.1), Some(-0.0999755859375));
        assert_eq!(to_half(65_504.0), Some(65_504.0));
        assert_eq!(to_half(65_519.0), Some(65_504.0));
        assert_eq!(to_half(65_520.0), None);
        assert_eq!(to_half(70_000.0), None);
        // the least subnormal, half of it (a tie goes to even), and a little more
        let least = (2.0f64).powi(-24);
        assert_eq!((to_half(least), to_half(least / 2.0), to_half(least * 0.51)), (Some(least), Some(0.0), Some(least)));
        // 2049 lies between 2048 and 2050
        assert_eq!((to_half(2_049.0), to_half(2_051.0)), (Some(2_048.0), Some(2_052.0)));
        assert_eq!(to_half(-0.0).map(f64::is_sign_negative), Some(true));
    }
}
