//! Small rules of writing: JSON merge patch (RFC 7396), and the ids of documents that come without one.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::super::{DocumentId, Error, Result, Source};

/// Members of the patch replace those of the target, objects are merged, `null` removes.
pub(super) fn merge(target: &mut Source, patch: Source) {
    for (key, change) in patch {
        match change {
            Value::Null => {
                target.remove(&key);
            }
            Value::Object(change) => {
                let place = target.entry(key).or_insert(Value::Null);
                if !place.is_object() {
                    *place = Value::Object(Source::new());
                }
                if let Value::Object(inner) = place {
                    merge(inner, change);
                }
            }
            other => {
                target.insert(key, other);
            }
        }
    }
}

/// Twenty letters, safe in a URL: six bytes of the time, so that ids made together lie together, and nine of chance.
pub(super) fn fresh_id() -> Result<DocumentId> {
    let mut bytes = [0_u8; 15];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX).to_be_bytes();
    bytes[..6].copy_from_slice(&millis[2..]);
    DocumentId::parse(&URL_SAFE_NO_PAD.encode(bytes)).map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_merges_as_rfc_7396_says() {
        // the table of the RFC's appendix, as far as both sides are objects
        for (target, patch, result) in [
            (r#"{"a":"b"}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"b":"c"}"#, r#"{"a":"b","b":"c"}"#),
            (r#"{"a":"b"}"#, r#"{"a":null}"#, "{}"),
            (r#"{"a":"b","b":"c"}"#, r#"{"a":null}"#, r#"{"b":"c"}"#),
            (r#"{"a":["b"]}"#, r#"{"a":"c"}"#, r#"{"a":"c"}"#),
            (r#"{"a":"c"}"#, r#"{"a":["b"]}"#, r#"{"a":["b"]}"#),
            (r#"{"a":{"b":"c"}}"#, r#"{"a":{"b":"d","c":null}}"#, r#"{"a":{"b":"d"}}"#),
            (r#"{"a":[{"b":"c"}]}"#, r#"{"a":[1]}"#, r#"{"a":[1]}"#),
            (r#"{"e":null}"#, r#"{"a":1}"#, r#"{"a":1,"e":null}"#),
            ("{}", r#"{"a":{"bb":{"ccc":null}}}"#, r#"{"a":{"bb":{}}}"#),
        ] {
            let mut target: Source = serde_json::from_str(target).unwrap();
            merge(&mut target, serde_json::from_str(patch).unwrap());
            assert_eq!(target, serde_json::from_str::<Source>(result).unwrap(), "{patch}");
        }
    }

    #[test]
    fn ids_are_twenty_safe_letters_and_differ() {
        let ids: std::collections::HashSet<DocumentId> = (0..1_000).map(|_| fresh_id().unwrap()).collect();
        assert_eq!(ids.len(), 1_000);
        assert!(
            ids.iter().all(|id| id.as_str().len() == 20
                && id.as_str().bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')))
        );
    }
}
