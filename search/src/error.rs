//! What can go wrong in an engine, as far as a caller acts on it. Status and code are given in `crate::error`.

pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A collection or a document that is not there.
    #[error("{0}")]
    NotFound(String),
    /// A precondition does not hold, or a name or an id is taken.
    #[error("{0}")]
    Conflict(String),
    /// The document or the request does not fit the collection; `path` leads into the input where it is known.
    #[error("{message}")]
    Invalid { message: String, path: Vec<String> },
    /// The engine cannot do this, and says what.
    #[error("{0} is not supported by this engine")]
    Unsupported(String),
    /// hooke's own credentials may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// The engine's limit: which, its value, what was asked where known.
    #[error("{0}")]
    Limit(String),
    /// A snapshot that is closed or has expired.
    #[error("the snapshot has expired; begin again")]
    SnapshotGone,
    #[error("the search engine did not answer in time")]
    Timeout,
    /// Not reachable, overloaded, or starting; the text is for the log.
    #[error("the search engine is not available")]
    Unavailable(String),
    /// The answer lacks something; it is not given out.
    #[error("the search engine answered only in part")]
    Partial(String),
    /// A fault of ours or an answer that makes no sense; the text is for the log.
    #[error("internal error")]
    Internal(String),
}

/// As much of a foreign text as a log may hold: up to where it begins to quote what somebody has sent.
pub fn plain(text: &str) -> &str {
    let quoted = |c: char| matches!(c, '[' | '{' | '(' | '<' | '"' | '\'' | '`' | ':');
    text.find(quoted).map_or(text, |at| &text[..at]).trim_end()
}

impl Error {
    pub fn invalid(message: impl Into<String>) -> Self {
        Error::Invalid { message: message.into(), path: Vec::new() }
    }

    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Error::Internal(cause.to_string())
    }

    /// What the log should hold beyond the message. It quotes nothing of what somebody has sent.
    pub fn cause(&self) -> Option<&str> {
        match self {
            Error::Unavailable(cause) | Error::Partial(cause) | Error::Internal(cause) => Some(cause),
            _ => None,
        }
    }
}
