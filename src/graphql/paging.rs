//! Pages as Relay asks for them: `first` and `after`, `last` and `before`, or an offset.

use serde_json::Value as Json;

use super::errors::Failure;
use super::operation::Values;
use crate::config::Limits;
use crate::error::Code;
use crate::search::{From, Key, PageRequest};

/// Hits where nobody says how many.
const DEFAULT: u32 = 10;

/// Reads the arguments of a connection; `read` turns a cursor into the place it names.
pub(crate) fn page(
    arguments: &Values,
    limits: &Limits,
    mut read: impl FnMut(&str) -> Option<Key>,
) -> Result<PageRequest, Failure> {
    let (first, last) = (size(arguments, "first", limits)?, size(arguments, "last", limits)?);
    let (after, before) = (text(arguments, "after"), text(arguments, "before"));
    let offset = number(arguments, "offset");
    match (first, last, after, before, offset) {
        (Some(_), Some(_), ..) => return Err(Failure::input("give either first or last")),
        (_, _, Some(_), Some(_), _) => return Err(Failure::input("give either after or before")),
        (_, Some(_), Some(_), ..) => return Err(Failure::input("last goes with before; after goes with first")),
        (Some(_), _, _, Some(_), _) => return Err(Failure::input("first goes with after; before goes with last")),
        (_, _, Some(_), _, Some(_)) | (_, _, _, Some(_), Some(_)) => {
            return Err(Failure::input("give either an offset or a cursor"));
        }
        (_, Some(_), _, _, Some(_)) => return Err(Failure::input("an offset goes with first")),
        _ => {}
    }
    let mut place = |cursor: &str| read(cursor).ok_or_else(stale);
    let backward = last.is_some() || before.is_some();
    let size = first.or(last).unwrap_or_else(|| DEFAULT.min(limits.first));
    let from = match (after, before, offset) {
        (Some(cursor), ..) => From::After(place(cursor)?),
        (_, Some(cursor), _) => From::Before(place(cursor)?),
        (_, _, Some(offset)) => From::Offset(window(offset, size, limits)?),
        _ => From::Start,
    };
    Ok(PageRequest { size, backward, from: if from == From::Offset(0) { From::Start } else { from } })
}

/// What is told of a cursor that leads nowhere.
pub(crate) fn stale() -> Failure {
    Failure::new(Code::BadCursor, "the cursor does not belong to this query; begin again without it")
}

fn window(offset: i64, size: u32, limits: &Limits) -> Result<u32, Failure> {
    let asked = u64::try_from(offset).map_err(|_| Failure::input("offset may not be negative"))?;
    let asked = asked.saturating_add(size.into());
    if asked > limits.window.into() {
        return Err(Failure::limit("offset+first", limits.window.into(), asked, "walk on with cursors"));
    }
    u32::try_from(offset).map_err(|_| Failure::input("offset is too large"))
}

fn size(arguments: &Values, name: &'static str, limits: &Limits) -> Result<Option<u32>, Failure> {
    let Some(asked) = number(arguments, name) else { return Ok(None) };
    let asked = u64::try_from(asked).map_err(|_| Failure::input(format!("{name} may not be negative")))?;
    match u32::try_from(asked) {
        Ok(size) if limits.lets(name, limits.first.into(), size.into()) => Ok(Some(size)),
        _ => Err(Failure::limit(name, limits.first.into(), asked, "ask for smaller pages")),
    }
}

fn number(arguments: &Values, name: &str) -> Option<i64> {
    arguments.get(name).and_then(Json::as_i64)
}

fn text<'a>(arguments: &'a Values, name: &str) -> Option<&'a str> {
    arguments.get(name).and_then(Json::as_str)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn asked(arguments: Json) -> Result<PageRequest, Failure> {
        let Json::Object(arguments) = arguments else { panic!("arguments are an object") };
        page(&arguments, &Limits::default(), |cursor| (cursor == "good").then(|| Key(vec![json!(1)])))
    }

    fn request(size: u32, backward: bool, from: From) -> PageRequest {
        PageRequest { size, backward, from }
    }

    #[test]
    fn goes_both_ways() {
        let key = || Key(vec![json!(1)]);
        assert_eq!(asked(json!({})).unwrap(), request(10, false, From::Start));
        assert_eq!(asked(json!({ "first": 0 })).unwrap(), request(0, false, From::Start));
        assert_eq!(asked(json!({ "first": 3, "after": "good", "last": null })).unwrap(), request(3, false, From::After(key())));
        assert_eq!(asked(json!({ "last": 3 })).unwrap(), request(3, true, From::Start));
        assert_eq!(asked(json!({ "before": "good" })).unwrap(), request(10, true, From::Before(key())));
        assert_eq!(asked(json!({ "first": 5, "offset": 9_995 })).unwrap(), request(5, false, From::Offset(9_995)));
        assert_eq!(asked(json!({ "offset": 0 })).unwrap(), request(10, false, From::Start));
    }

    #[test]
    fn refuses_what_contradicts_itself() {
        for arguments in [
            json!({ "first": 1, "last": 1 }),
            json!({ "first": 1, "before": "good" }),
            json!({ "last": 1, "after": "good" }),
            json!({ "after": "good", "before": "good" }),
            json!({ "offset": 1, "after": "good" }),
            json!({ "offset": 0, "before": "good" }),
            json!({ "offset": 1, "last": 1 }),
            json!({ "first": -1 }),
            json!({ "offset": -1 }),
        ] {
            assert_eq!(asked(arguments.clone()).unwrap_err().code, "BAD_USER_INPUT", "{arguments}");
        }
        assert_eq!(asked(json!({ "after": "other" })).unwrap_err().code, "BAD_CURSOR");
    }

    #[test]
    fn keeps_to_the_limits() {
        let refused = asked(json!({ "first": 1_001 })).unwrap_err();
        assert_eq!(refused.code, "LIMIT_EXCEEDED");
        assert_eq!(refused.more, vec![("limit", json!("first")), ("value", json!(1_000)), ("asked", json!(1_001))]);
        assert_eq!(asked(json!({ "first": 6, "offset": 9_995 })).unwrap_err().code, "LIMIT_EXCEEDED");
        assert_eq!(asked(json!({ "offset": 2_147_483_647 })).unwrap_err().code, "LIMIT_EXCEEDED");
    }
}
