//! N calls in one of three ways, their answers in the order in which they were asked for.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::Instant;

use super::{Answer, Upstream};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// One after another, and no further than the first that fails.
    Sequence,
    /// All at once, as far as `concurrency` allows, and whatever the limit says.
    AtOnce,
    /// As fast as the limit allows, and no faster.
    Limited,
}

#[derive(Clone, Debug)]
pub struct Run {
    pub answers: Vec<Answer>,
    pub elapsed: Duration,
}

impl Upstream {
    /// `tell` hears of each answer as it comes. Dropping the future ends all calls.
    pub async fn run(&self, way: Way, calls: u32, deadline: Instant, tell: impl Fn(&Answer)) -> Run {
        let start = Instant::now();
        let mut answers = Vec::with_capacity(calls as usize);
        match way {
            Way::Sequence => {
                for number in 1..=calls {
                    let answer = self.call_unlimited(number, start, deadline).await;
                    tell(&answer);
                    let is_over = answer.outcome.is_err();
                    answers.push(answer);
                    if is_over {
                        break;
                    }
                }
            }
            Way::AtOnce => {
                let mut pending: FuturesUnordered<_> =
                    (1..=calls).map(|number| self.call_unlimited(number, start, deadline)).collect();
                while let Some(answer) = pending.next().await {
                    tell(&answer);
                    answers.push(answer);
                }
            }
            Way::Limited => {
                let mut pending: FuturesUnordered<_> =
                    (1..=calls).map(|number| self.call_limited(number, start, deadline)).collect();
                while let Some(answer) = pending.next().await {
                    tell(&answer);
                    answers.push(answer);
                }
            }
        }
        answers.sort_unstable_by_key(|answer| answer.number);
        Run { answers, elapsed: start.elapsed() }
    }

    /// The least time in which the limit allows so many calls.
    pub fn least(&self, calls: u32) -> Duration {
        self.rate.least(calls)
    }
}
