//! The messages of `graphql-transport-ws` and the codes that close its sockets. Pure: `socket` sends and receives.

use std::fmt::Write as _;

use serde::Serialize as _;
use serde_json::{Map, Value as Json};

use super::of_parameters;
use crate::graphql::errors::Failure;
use crate::graphql::run::Request;

/// As clients ask for it.
pub(super) const NAME: &str = "graphql-transport-ws";

/// An id comes back with each answer, and is kept as long as its operation runs.
const LONGEST_ID: usize = 1_024;

/// What a close frame has room for beside its code.
const LONGEST_REASON: usize = 123;

/// Why a socket is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Closing {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Closing {
    fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        while reason.len() > LONGEST_REASON {
            reason.pop();
        }
        Closing { code, reason }
    }

    pub(super) fn stopping() -> Self {
        Self::new(1001, "the server is stopping")
    }

    pub(super) fn malformed(reason: &str) -> Self {
        Self::new(1002, reason)
    }

    pub(super) fn not_text() -> Self {
        Self::new(1007, "a message is not UTF-8")
    }

    pub(super) fn too_large(most: usize) -> Self {
        Self::new(1009, format!("a message is longer than {most} bytes"))
    }

    pub(super) fn invalid(why: &str) -> Self {
        Self::new(4400, format!("Invalid message: {why}"))
    }

    pub(super) fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    pub(super) fn forbidden() -> Self {
        Self::new(4403, "Forbidden")
    }

    /// Not for ever: whoever signs in again is welcome.
    pub(super) fn signed_out() -> Self {
        Self::new(4403, "Forbidden: signed out, or what was sent to sign in has expired")
    }

    pub(super) fn no_protocol() -> Self {
        Self::new(4406, "Subprotocol not acceptable")
    }

    pub(super) fn init_time_out() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    pub(super) fn id_taken(id: &str) -> Self {
        Self::new(4409, format!("Subscriber for {id} already exists"))
    }

    pub(super) fn initialised_twice() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }
}

/// A message of a client.
#[derive(Debug)]
pub(super) enum Received {
    Init(Option<Json>),
    Ping(Option<Json>),
    Pong,
    Subscribe { id: String, request: Request },
    Complete { id: String },
}

pub(super) fn read(text: &str) -> Result<Received, Closing> {
    let Ok(Json::Object(mut message)) = serde_json::from_str(text) else {
        return Err(Closing::invalid("it is not a JSON object"));
    };
    let Some(Json::String(kind)) = message.remove("type") else {
        return Err(Closing::invalid("its type is not a text"));
    };
    match kind.as_str() {
        "connection_init" => payload(&mut message).map(Received::Init),
        "ping" => payload(&mut message).map(Received::Ping),
        "pong" => payload(&mut message).map(|_| Received::Pong),
        "complete" => Ok(Received::Complete { id: id(&mut message)? }),
        "subscribe" => {
            let id = id(&mut message)?;
            let Some(Json::Object(parameters)) = message.remove("payload") else {
                return Err(Closing::invalid("its payload is not an object"));
            };
            let request = of_parameters(parameters).map_err(|failure| Closing::invalid(&failure.message))?;
            Ok(Received::Subscribe { id, request })
        }
        _ => Err(Closing::invalid("there is no such type, or it is not for clients")),
    }
}

fn payload(message: &mut Map<String, Json>) -> Result<Option<Json>, Closing> {
    match message.remove("payload") {
        None | Some(Json::Null) => Ok(None),
        Some(payload @ Json::Object(_)) => Ok(Some(payload)),
        Some(_) => Err(Closing::invalid("its payload is not an object")),
    }
}

fn id(message: &mut Map<String, Json>) -> Result<String, Closing> {
    match message.remove("id") {
        Some(Json::String(id)) if id.len() > LONGEST_ID => {
            Err(Closing::invalid(&format!("its id is longer than {LONGEST_ID} bytes")))
        }
        Some(Json::String(id)) if !id.is_empty() => Ok(id),
        _ => Err(Closing::invalid("its id is not a text, or empty")),
    }
}

pub(super) const ACK: &str = r#"{"type":"connection_ack"}"#;

pub(super) fn pong(payload: Option<&Json>) -> String {
    match payload {
        Some(payload) => format!(r#"{{"type":"pong","payload":{payload}}}"#),
        None => r#"{"type":"pong"}"#.into(),
    }
}

/// `answer` is JSON already.
pub(super) fn next(id: &str, answer: &str) -> String {
    let mut text = String::with_capacity(answer.len() + id.len() + 48);
    let _ = write!(text, r#"{{"id":{},"type":"next","payload":{answer}}}"#, Json::from(id));
    text
}

pub(super) fn error(id: &str, failures: &[Failure]) -> String {
    let payload = failures.serialize(serde_json::value::Serializer).unwrap_or_else(|_| Json::Array(Vec::new()));
    format!(r#"{{"id":{},"type":"error","payload":{payload}}}"#, Json::from(id))
}

pub(super) fn complete(id: &str) -> String {
    format!(r#"{{"id":{},"type":"complete"}}"#, Json::from(id))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn reads_what_the_protocol_knows() {
        assert!(matches!(read(r#"{"type":"connection_init"}"#), Ok(Received::Init(_))));
        assert!(matches!(read(r#"{"type":"connection_init","payload":{"a":1}}"#), Ok(Received::Init(_))));
        assert!(
            matches!(read(r#"{"type":"ping","payload":{"a":1}}"#), Ok(Received::Ping(Some(payload))) if payload == json!({"a": 1}))
        );
        assert!(matches!(read(r#"{"type":"pong","payload":null}"#), Ok(Received::Pong)));
        assert!(matches!(read(r#"{"type":"complete","id":"a"}"#), Ok(Received::Complete { id }) if id == "a"));
        let subscribe = r#"{"type":"subscribe","id":"a","payload":{"query":"{a}","operationName":"Q","variables":{"b":1}}}"#;
        let Ok(Received::Subscribe { id, request }) = read(subscribe) else { panic!("it is valid") };
        assert_eq!((id.as_str(), request.query.as_str(), request.operation_name.as_deref()), ("a", "{a}", Some("Q")));
        assert_eq!(request.variables["b"], 1);
    }

    #[test]
    fn refuses_the_rest() {
        let long = format!(r#"{{"type":"complete","id":"{}"}}"#, "x".repeat(LONGEST_ID + 1));
        for text in [
            "",
            "[]",
            "{}",
            r#"{"type":5}"#,
            r#"{"type":"nothing"}"#,
            r#"{"type":"next","id":"a","payload":{}}"#,
            r#"{"type":"connection_init","payload":5}"#,
            r#"{"type":"ping","payload":"x"}"#,
            r#"{"type":"subscribe","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"","payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":1,"payload":{"query":"{a}"}}"#,
            r#"{"type":"subscribe","id":"a"}"#,
            r#"{"type":"subscribe","id":"a","payload":{}}"#,
            r#"{"type":"subscribe","id":"a","payload":{"query":"{a}","variables":[]}}"#,
            r#"{"type":"complete"}"#,
            &long,
        ] {
            assert_eq!(read(text).unwrap_err().code, 4400, "{text}");
        }
    }

    #[test]
    fn what_it_writes_is_json_whatever_the_id() {
        let id = "a\"\\\n";
        let json = |text: String| serde_json::from_str::<Json>(&text).unwrap();
        assert_eq!(json(next(id, r#"{"data":{}}"#)), json!({"id": id, "type": "next", "payload": {"data": {}}}));
        assert_eq!(json(complete(id)), json!({"id": id, "type": "complete"}));
        assert_eq!(json(error(id, &[Failure::input("no")]))["payload"][0]["extensions"]["code"], "BAD_USER_INPUT");
        assert_eq!(json(pong(Some(&json!({"a": 1})))), json!({"type": "pong", "payload": {"a": 1}}));
    }

    #[test]
    fn a_reason_fits_into_its_frame() {
        let closing = Closing::id_taken(&"ä".repeat(200));
        assert!(closing.reason.len() <= LONGEST_REASON && closing.reason.starts_with("Subscriber for ää"));
    }
}
