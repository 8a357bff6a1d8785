//! One table: what went wrong -> code, HTTP status. GraphQL, REST and pages all answer from it; causes are logged once and never sent.

use crate::search;

pub use crate::search::plain;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    BadUserInput,
    NotFound,
    Conflict,
    PreconditionFailed,
    Unauthenticated,
    Forbidden,
    LimitExceeded,
    BadCursor,
    Timeout,
    BackendUnavailable,
    PartialResult,
    Unsupported,
    Internal,
}

impl Code {
    pub const fn as_str(self) -> &'static str {
        match self {
            Code::BadUserInput => "BAD_USER_INPUT",
            Code::NotFound => "NOT_FOUND",
            // GraphQL knows one CONFLICT; only the status tells a failed precondition apart
            Code::Conflict | Code::PreconditionFailed => "CONFLICT",
            Code::Unauthenticated => "UNAUTHENTICATED",
            Code::Forbidden => "FORBIDDEN",
            Code::LimitExceeded => "LIMIT_EXCEEDED",
            Code::BadCursor => "BAD_CURSOR",
            Code::Timeout => "TIMEOUT",
            Code::BackendUnavailable => "BACKEND_UNAVAILABLE",
            Code::PartialResult => "PARTIAL_RESULT",
            Code::Unsupported => "UNSUPPORTED",
            Code::Internal => "INTERNAL",
        }
    }

    pub const fn status(self) -> u16 {
        match self {
            Code::BadUserInput | Code::BadCursor | Code::LimitExceeded => 400,
            Code::Unauthenticated => 401,
            Code::Forbidden => 403,
            Code::NotFound => 404,
            Code::Conflict => 409,
            Code::PreconditionFailed => 412,
            Code::Unsupported => 501,
            Code::Internal => 500,
            Code::PartialResult => 502,
            Code::BackendUnavailable => 503,
            Code::Timeout => 504,
        }
    }
}

impl From<&search::Error> for Code {
    fn from(error: &search::Error) -> Self {
        match error {
            search::Error::NotFound(_) => Code::NotFound,
            search::Error::Conflict(_) => Code::Conflict,
            search::Error::Invalid { .. } => Code::BadUserInput,
            search::Error::Unsupported(_) => Code::Unsupported,
            search::Error::Forbidden(_) => Code::Forbidden,
            search::Error::Limit(_) => Code::LimitExceeded,
            search::Error::SnapshotGone => Code::BadCursor,
            search::Error::Timeout => Code::Timeout,
            search::Error::Unavailable(_) => Code::BackendUnavailable,
            search::Error::Partial(_) => Code::PartialResult,
            search::Error::Internal(_) => Code::Internal,
        }
    }
}
