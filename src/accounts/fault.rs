//! What can go wrong with accounts, as far as callers may know it.

use std::fmt;
use std::time::Duration;

use crate::error::Code;
use crate::search::Error;

#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Whoever they say they are, it does not hold. Why is for the log.
    #[error("sign in, or send a token or key that holds")]
    Unauthenticated,
    /// The one answer to every sign-in that fails.
    #[error("the address or the password is wrong")]
    WrongPassword,
    #[error("{0}")]
    Forbidden(&'static str),
    #[error("{message}")]
    Invalid { message: String, path: &'static str },
    #[error("{0}")]
    NotFound(&'static str),
    #[error("{0}")]
    Conflict(&'static str),
    #[error("too many attempts: come back later")]
    Throttled(Duration),
    #[error("too much to do at the moment: come back later")]
    Busy,
    #[error(transparent)]
    Engine(#[from] Error),
}

impl Fault {
    pub fn code(&self) -> Code {
        match self {
            Fault::Unauthenticated | Fault::WrongPassword => Code::Unauthenticated,
            Fault::Forbidden(_) => Code::Forbidden,
            Fault::Invalid { .. } => Code::BadUserInput,
            Fault::NotFound(_) => Code::NotFound,
            Fault::Conflict(_) => Code::Conflict,
            Fault::Throttled(_) => Code::LimitExceeded,
            Fault::Busy => Code::BackendUnavailable,
            Fault::Engine(fault) => Code::from(fault),
        }
    }

    pub(super) fn internal(cause: impl fmt::Display) -> Self {
        Fault::Engine(Error::internal(cause))
    }

    pub(super) fn invalid(message: impl Into<String>, path: &'static str) -> Self {
        Fault::Invalid { message: message.into(), path }
    }
}
