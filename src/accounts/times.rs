//! The claims of a token that tell its time.

use serde_json::{Map, Value as Json};

/// Clocks of others may differ by so many seconds.
pub(super) const LEEWAY: f64 = 30.0;

pub(super) fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// `exp` must be there; `nbf` and `iat` need not; what is there must be a number, or it would go unchecked.
pub(super) fn holds(claims: &Map<String, Json>, now: i64, leeway: f64) -> bool {
    let time = |name: &str| match claims.get(name) {
        None => Some(None),
        Some(value) => value.as_f64().filter(|time| time.is_finite()).map(Some),
    };
    let (Some(Some(exp)), Some(nbf), Some(iat)) = (time("exp"), time("nbf"), time("iat")) else { return false };
    let now = now as f64;
    let begun = |time: Option<f64>| time.is_none_or(|time| time <= now + leeway);
    now < exp + leeway && begun(nbf) && begun(iat)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_token_holds_from_its_beginning_to_its_end() {
        let fine = |claims: Json| holds(claims.as_object().unwrap(), 1_000, LEEWAY);
        assert!(fine(json!({ "exp": 1_001 })) && fine(json!({ "exp": 971 })) && fine(json!({ "exp": 2_000, "nbf": 1_030 })));
        for wrong in [
            json!({}),
            json!({ "exp": 970 }),
            json!({ "exp": "2000" }),
            json!({ "exp": null }),
            json!({ "exp": 2_000, "nbf": 1_031 }),
            json!({ "exp": 2_000, "nbf": "1" }),
            json!({ "exp": 2_000, "iat": 1_031 }),
        ] {
            assert!(!fine(wrong.clone()), "{wrong}");
        }
    }
}
