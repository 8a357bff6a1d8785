//! Two sums that each take their time: one after the other, or at once. What a program that waits well gains by it.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use tokio::time::{Instant, sleep};

use super::Meter;

/// What one task does after its wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    /// 4 + 5
    Addition(u32),
    /// 4 × 5
    Product(u32),
}

#[derive(Clone, Debug)]
pub struct Waits {
    /// When each task was done, in their order, since the start.
    pub finished: Vec<Duration>,
    pub addition: Option<u32>,
    pub product: Option<u32>,
    pub elapsed: Duration,
}

/// Every other task adds, the others multiply.
async fn work(number: u32, delay: Duration) -> Sum {
    sleep(delay).await;
    if number.is_multiple_of(2) { Sum::Addition(4 + 5) } else { Sum::Product(4 * 5) }
}

/// One after another.
pub async fn in_sequence(tasks: u32, delay: Duration, meter: &Meter) -> Waits {
    let start = Instant::now();
    let mut waits = Waits::new(tasks);
    for number in 0..tasks {
        let sum = work(number, delay).await;
        waits.take(number, sum, start);
        meter.one_more();
    }
    waits.elapsed = start.elapsed();
    waits
}

/// All at once.
pub async fn at_once(tasks: u32, delay: Duration, meter: &Meter) -> Waits {
    let start = Instant::now();
    let mut waits = Waits::new(tasks);
    let mut pending: FuturesUnordered<_> = (0..tasks).map(|number| async move { (number, work(number, delay).await) }).collect();
    while let Some((number, sum)) = pending.next().await {
        waits.take(number, sum, start);
        meter.one_more();
    }
    waits.elapsed = start.elapsed();
    waits
}

impl Waits {
    fn new(tasks: u32) -> Self {
        Waits { finished: vec![Duration::ZERO; tasks as usize], addition: None, product: None, elapsed: Duration::ZERO }
    }

    fn take(&mut self, number: u32, sum: Sum, start: Instant) {
        match sum {
            Sum::Addition(sum) => self.addition = Some(sum),
            Sum::Product(product) => self.product = Some(product),
        }
        if let Some(finished) = self.finished.get_mut(number as usize) {
            *finished = start.elapsed();
        }
    }
}
