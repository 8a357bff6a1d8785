//! `COMPUTE`: counts primes by dividing, which keeps a core busy, for trying out. It runs on the threads for such work, in short
//! pieces. Done again after a crash: what was counted since the last checkpoint, about a second's work.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::threads::PIECE;
use super::super::work::{Done, Work};
use super::wrong;
use crate::search::Result;

const MOST: u64 = 1_000_000_000;
const KEPT: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct Arguments {
    /// Primes below this are counted.
    up_to: u64,
}

impl Default for Arguments {
    fn default() -> Self {
        Arguments { up_to: 2_000_000 }
    }
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
struct Counted {
    /// All below were looked at.
    next: u64,
    primes: u64,
}

pub(super) fn accept(arguments: &Arguments) -> Result<()> {
    if (2..=MOST).contains(&arguments.up_to) {
        return Ok(());
    }
    Err(wrong(format!("upTo lies between 2 and {MOST}"), &["upTo"]))
}

pub(super) async fn run(work: &Work) -> Done {
    let Arguments { up_to } = work.arguments()?;
    let mut counted: Counted = work.left()?.unwrap_or_default();
    let mut size = 1_000;
    let mut kept = Instant::now();
    while counted.next < up_to {
        work.go_on().await?;
        let (from, to) = (counted.next, (counted.next + size).min(up_to));
        let (primes, took) = work
            .inner
            .threads
            .run(move || {
                let begun = Instant::now();
                ((from..to).filter(|number| is_prime(*number)).count() as u64, begun.elapsed())
            })
            .await?;
        counted = Counted { next: to, primes: counted.primes + primes };
        size = next_size(size, took);
        work.progress(counted.next, Some(up_to));
        if kept.elapsed() >= KEPT {
            kept = Instant::now();
            work.checkpoint(&counted).await?;
        }
        if work.is_stopped() {
            work.checkpoint(&counted).await?;
        }
    }
    Ok(json!({ "upTo": up_to, "primes": counted.primes }))
}

/// So that the next piece takes about as long as it should.
fn next_size(size: u64, took: Duration) -> u64 {
    let wanted = size as f64 * PIECE.as_secs_f64() / took.as_secs_f64().max(1e-6);
    (wanted as u64).clamp(size / 2, size * 2).max(16)
}

fn is_prime(number: u64) -> bool {
    if number < 4 || number.is_multiple_of(2) {
        return number == 2 || number == 3;
    }
    let mut divisor = 3;
    while divisor * divisor <= number {
        if number.is_multiple_of(divisor) {
            return false;
        }
        divisor += 2;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn primes_are_told() {
        assert_eq!((0..1_000).filter(|number| is_prime(*number)).count(), 168);
    }

    #[test]
    fn pieces_grow_and_shrink_slowly() {
        assert_eq!(next_size(1_000, PIECE), 1_000);
        assert_eq!(next_size(1_000, PIECE / 100), 2_000);
        assert_eq!(next_size(1_000, PIECE * 100), 500);
        assert_eq!(next_size(16, PIECE * 100), 16);
    }
}
