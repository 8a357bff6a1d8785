//! The body of a load -> hashtags to store, or all that is wrong with it. Pure.

use std::collections::HashSet;

use serde_json::Value;

use super::super::problem::Problem;
use crate::config::Limits;
use crate::error::Code;
use crate::search::{FieldRef, Kind};

/// Characters that a hashtag has at least.
const LEAST: usize = 3;
/// And at most: engines compare exact values of up to 32,766 bytes, and a character may take four.
const MOST: usize = 1_024;

#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "it is read by hand, so that all faults are told at once")]
pub(super) struct Load {
    /// Each of 3 characters or more; so many at once as the setting limits.in_values allows.
    #[schema(min_items = 1, example = json!(["#rust", "#search"]), value_type = Vec<Hashtag>)]
    hashtags: Vec<Hashtag>,
}

#[derive(utoipa::ToSchema)]
#[schema(value_type = String, min_length = 3, max_length = 1_024)]
#[expect(dead_code, reason = "for the description")]
struct Hashtag(String);

/// Distinct, in the order of their first places.
pub(super) fn read(body: &[u8], field: &FieldRef, limits: &Limits) -> Result<Vec<String>, Problem> {
    let place = || vec!["hashtags".to_owned()];
    let wrong = |message: String, path: Vec<String>| {
        Problem::new(Code::BadUserInput, message.clone()).with_fault(Code::BadUserInput, message, path)
    };
    let body: Value = serde_json::from_slice(body)
        .map_err(|fault| Problem::new(Code::BadUserInput, format!("the body is not JSON: {fault}")))?;
    let Some(object) = body.as_object() else {
        return Err(Problem::new(Code::BadUserInput, r##"the body must be an object: {"hashtags": ["#one", …]}"##));
    };
    let given = match object.get("hashtags") {
        None => return Err(wrong("hashtags is missing: a list of at least one hashtag".into(), place())),
        Some(Value::Array(given)) => given,
        Some(_) => return Err(wrong("hashtags must be a list".into(), place())),
    };
    if given.is_empty() {
        return Err(wrong("hashtags is empty: give at least one".into(), place()));
    }
    let mut faults = Vec::new();
    let mut seen = HashSet::new();
    let mut tags = Vec::new();
    for (at, tag) in given.iter().enumerate() {
        match check(tag, field) {
            Ok(tag) if seen.insert(tag) => tags.push(tag.to_owned()),
            Ok(_) => {}
            Err(why) => faults.push((at, why)),
        }
    }
    if !faults.is_empty() {
        let (count, told) = (faults.len(), faults.len().min(limits.errors));
        let more = if count > told { format!(" (the first {told} are named)") } else { String::new() };
        let problem = Problem::new(Code::BadUserInput, format!("{count} of {} hashtags cannot be taken{more}", given.len()));
        return Err(faults.into_iter().take(told).fold(problem, |problem, (at, why)| {
            problem.with_fault(Code::BadUserInput, why, vec!["hashtags".into(), at.to_string()])
        }));
    }
    if tags.len() > limits.in_values {
        let message = format!("{} hashtags at most in one load (limits.in_values), {} were given", limits.in_values, tags.len());
        return Err(Problem::new(Code::LimitExceeded, message));
    }
    Ok(tags)
}

fn check<'a>(tag: &'a Value, field: &FieldRef) -> Result<&'a str, String> {
    let shown = || {
        let text: String = tag.to_string().chars().take(64).collect();
        text
    };
    let Some(text) = tag.as_str() else {
        return Err(format!("{} is no text", shown()));
    };
    let length = text.chars().count();
    let plural = if length == 1 { "" } else { "s" };
    if length < LEAST {
        return Err(format!("{} has {length} character{plural}: a hashtag has {LEAST} or more", shown()));
    }
    if length > MOST {
        return Err(format!("{}… has {length} characters: a hashtag has {MOST} or fewer", shown()));
    }
    let exact = match &field.kind {
        Kind::Keyword(exact) | Kind::Text { exact: Some(exact), .. } => exact.ignore_above,
        _ => None,
    };
    match exact {
        // it could be stored, but never found again by its whole
        Some(most) if text.encode_utf16().count() > most as usize => {
            Err(format!("{}… is longer than the {most} characters that this collection compares", shown()))
        }
        _ => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::search::mapping;

    fn ask(body: &Value, most: u32) -> Result<Vec<String>, Problem> {
        let fields =
            mapping::parse(&json!({ "properties": { "content": { "type": "keyword", "ignore_above": most } } })).unwrap();
        read(body.to_string().as_bytes(), &fields[0], &Limits { in_values: 4, ..Limits::default() })
    }

    #[test]
    fn doubles_are_taken_once_and_in_order() {
        assert_eq!(
            ask(&json!({ "hashtags": ["#ab", "ccc", "#ab", "日本語"], "more": 1 }), 256).unwrap(),
            ["#ab", "ccc", "日本語"]
        );
    }

    #[test]
    fn each_fault_is_named() {
        let problem = ask(&json!({ "hashtags": ["ab", "abc", 5, "", "a".repeat(11), null, "é"] }), 10).unwrap_err();
        let paths: Vec<&str> = problem.errors.iter().map(|fault| fault.path[1].as_str()).collect();
        assert_eq!((problem.status, paths), (400, vec!["0", "2", "3", "4", "5", "6"]));
        for (fault, part) in
            problem.errors.iter().zip(["\"ab\" has 2 characters", "5 is no text", "0 characters", "10", "null", "1 character:"])
        {
            assert!(fault.message.contains(part), "{part} in {}", fault.message);
        }
        assert!(problem.detail.contains("6 of 7"), "{}", problem.detail);
    }

    #[test]
    fn a_body_that_is_none_is_refused() {
        for (body, part) in [
            (json!({}), "missing"),
            (json!({ "hashtags": [] }), "at least one"),
            (json!({ "hashtags": "#one" }), "a list"),
            (json!(["#one"]), "an object"),
            (json!({ "hashtags": ["aaa", "bbb", "ccc", "ddd", "eee"] }), "in_values"),
        ] {
            let problem = ask(&body, 256).unwrap_err();
            assert!(problem.status == 400 && problem.detail.contains(part), "{body}: {}", problem.detail);
        }
        let many: Vec<&str> = std::iter::repeat_n("x", 50).collect();
        assert_eq!(ask(&json!({ "hashtags": many }), 256).unwrap_err().errors.len(), Limits::default().errors);
    }
}
