//! Whether limits are enforced, and which defence a test has left out.

use super::Limits;

/// What happens to an operation that breaks a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Enforcement {
    Refuse,
    /// It is logged and runs, up to ten times the limit: to try limits on real traffic.
    Warn,
}

/// Where limits only warn, operations are let through up to so many times each limit; beyond that they would harm the server itself.
const SLACK: u64 = 10;

/// One line of defence that is not a number. Tests leave one out and see attacks succeed: so they know that it is this line that stops
/// them, and that the attacks can succeed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defence {
    /// Only our own names are answered.
    Host,
    /// Pages of other origins may not ask.
    Origin,
    /// A mutation does not come by GET.
    GetWrites,
    /// A write names its content type.
    ContentType,
    /// An input object names each field once.
    DuplicateInputs,
    /// Directives are counted.
    Directives,
    /// Tokens, and what cookies hold, are signed by whom they say.
    Signature,
    /// They are for us, by who may say so, at this time and for this use.
    Claims,
    /// A refresh token holds once.
    Renewal,
    /// A cookie counts for requests of our own pages.
    Csrf,
}

impl Limits {
    /// Whether so much may be asked for under this limit.
    pub fn lets(&self, limit: &'static str, most: u64, asked: u64) -> bool {
        if asked <= most {
            return true;
        }
        let passes = self.enforce == Enforcement::Warn && asked <= most.saturating_mul(SLACK);
        if passes {
            tracing::warn!(limit, value = most, asked, "a limit would have refused this operation");
        }
        passes
    }

    pub fn has(&self, defence: Defence) -> bool {
        self.without != Some(defence)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_warns_still_ends_somewhere() {
        let strict = Limits::default();
        assert!(strict.lets("depth", 15, 15) && !strict.lets("depth", 15, 16));
        let warning = Limits { enforce: Enforcement::Warn, ..Limits::default() };
        assert!(warning.lets("depth", 15, 150) && !warning.lets("depth", 15, 151));
        assert!(warning.lets("depth", u64::MAX, u64::MAX));
    }
}
