//! What became of one call.

use std::time::Duration;

use super::gate::Refusal;

#[derive(Clone, Debug)]
pub struct Answer {
    /// From 1, in the order in which they were asked for.
    pub number: u32,
    pub outcome: Result<Reply, Fault>,
    /// How often it was sent: more than once only where the limit is kept.
    pub attempts: u32,
    /// When it was last sent, since the start of the run.
    pub began: Duration,
    /// From sending it to the end of the answer.
    pub elapsed: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    pub body: String,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// 429, or 503 with a `Retry-After`.
    #[error("refused with status {status}: the limit is passed{}", again(.retry_after))]
    Refused { status: u16, retry_after: Option<Duration> },
    #[error("answered with status {0}")]
    Status(u16),
    #[error("no answer within {} s", .0.as_secs_f64())]
    Timeout(Duration),
    #[error("not reachable: {0}")]
    Unreachable(String),
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
    #[error("the answer is no text")]
    NotText,
    /// It was never sent.
    #[error("not sent: {0}")]
    NotSent(#[from] Refusal),
}

fn again(retry_after: &Option<Duration>) -> String {
    retry_after.map(|time| format!(", come again in {} s", time.as_secs_f64().ceil())).unwrap_or_default()
}

impl Answer {
    pub fn status(&self) -> Option<u16> {
        match &self.outcome {
            Ok(reply) => Some(reply.status),
            Err(Fault::Refused { status, .. } | Fault::Status(status)) => Some(*status),
            Err(_) => None,
        }
    }

    pub fn is_refused(&self) -> bool {
        matches!(self.outcome, Err(Fault::Refused { .. }))
    }
}
