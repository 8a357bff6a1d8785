//! Values of an answer. Objects keep the order of the operation, which a JSON map of ours would not.

use std::borrow::Cow;

use apollo_compiler::response::JsonValue;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

#[derive(Clone, Debug)]
pub(crate) enum Value<'a> {
    Null,
    Boolean(bool),
    Int(i64),
    /// A score: written with as many digits as a single has.
    Single(f32),
    Double(f64),
    Text(Cow<'a, str>),
    /// Of a document, as it stands there.
    Json(&'a Json),
    /// From introspection.
    Made(JsonValue),
    List(Vec<Value<'a>>),
    Object(Vec<(&'a str, Value<'a>)>),
}

/// The largest whole number that a double holds exactly, and with it every client.
const EXACT: u64 = (1 << 53) - 1;

impl<'a> Value<'a> {
    /// A `Long`: a number while a double holds it, else its digits.
    pub(crate) fn long(value: i64) -> Self {
        if value.unsigned_abs() <= EXACT { Value::Int(value) } else { Value::Text(value.to_string().into()) }
    }

    pub(crate) fn count(value: u64) -> Self {
        i64::try_from(value).map_or_else(|_| Value::Text(value.to_string().into()), Value::long)
    }

    pub(crate) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Value::Text(text.into())
    }
}

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_unit(),
            Value::Boolean(value) => serializer.serialize_bool(*value),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Single(value) => serializer.serialize_f32(*value),
            Value::Double(value) => serializer.serialize_f64(*value),
            Value::Text(value) => serializer.serialize_str(value),
            Value::Json(value) => value.serialize(serializer),
            Value::Made(value) => value.serialize(serializer),
            Value::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Value::Object(entries) => {
                let mut map = serializer.serialize_map(Some(entries.len()))?;
                for (key, value) in entries {
                    map.serialize_entry(key, value)?;
                }
                map.end()
            }
        }
    }
}
