//! Numbers over values, put together alike by both engines.

use super::Stats;

/// The sum of doubles, with what is lost in each addition kept beside it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    pub(crate) fn add(&mut self, value: f64) {
        let next = self.sum + value;
        if next.is_finite() {
            self.lost += if self.sum.abs() >= value.abs() { (self.sum - next) + value } else { (value - next) + self.sum };
        }
        self.sum = next;
    }

    /// Infinite where it lies beyond all doubles.
    pub(crate) fn value(&self) -> f64 {
        if self.sum.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

/// Of no values the sum is 0, and all else is nothing. An average beyond all doubles is nothing, too.
pub(crate) fn stats(count: u64, min: f64, max: f64, sum: f64) -> Stats {
    if count == 0 {
        return Stats { count, min: None, max: None, avg: None, sum: 0.0 };
    }
    #[expect(clippy::cast_precision_loss, reason = "no index holds so many values")]
    let avg = Some(sum / count as f64).filter(|avg| avg.is_finite());
    Stats { count, min: Some(min), max: Some(max), avg, sum }
}

/// The standard deviation of a population, as Elasticsearch computes it; nothing where squares lie beyond all doubles.
pub(crate) fn deviation(count: u64, sum: f64, squares: f64) -> Option<f64> {
    if count == 0 {
        return None;
    }
    #[expect(clippy::cast_precision_loss, reason = "no index holds so many values")]
    let count = count as f64;
    let variance = (squares - sum * sum / count) / count;
    Some(if variance < 0.0 { 0.0 } else { variance.sqrt() }).filter(|deviation| deviation.is_finite())
}

/// Between the two values next to the place `at` of 100; `sorted` ascending.
pub(crate) fn percentile(sorted: &[f64], at: f64) -> Option<f64> {
    #[expect(clippy::cast_precision_loss, reason = "no index holds so many values")]
    let place = at / 100.0 * (sorted.len().checked_sub(1)?) as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in the list")]
    let below = place.floor() as usize;
    let (lower, upper) = (*sorted.get(below)?, *sorted.get(below + 1).unwrap_or(sorted.get(below)?));
    let part = place - place.floor();
    Some(if part == 0.0 { lower } else { lower * (1.0 - part) + upper * part })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_keep_what_is_small() {
        let mut sum = Sum::default();
        for value in [1e300, 1.0, -1e300, 0.5] {
            sum.add(value);
        }
        assert_eq!(sum.value(), 1.5);
        for value in [f64::MAX, f64::MAX] {
            sum.add(value);
        }
        assert_eq!(sum.value(), f64::INFINITY);
    }

    #[test]
    fn percentiles_lie_between_values() {
        assert_eq!(percentile(&[], 50.0), None);
        assert_eq!(percentile(&[7.0], 99.0), Some(7.0));
        assert_eq!(percentile(&[1.0, 2.0, 4.0], 50.0), Some(2.0));
        assert_eq!(percentile(&[1.0, 2.0, 4.0], 75.0), Some(3.0));
        assert_eq!(percentile(&[1.0, 2.0, 4.0], 100.0), Some(4.0));
    }

    #[test]
    fn of_nothing_only_the_sum_is_known() {
        assert_eq!(
            stats(0, f64::INFINITY, f64::NEG_INFINITY, 0.0),
            Stats { count: 0, min: None, max: None, avg: None, sum: 0.0 }
        );
        assert_eq!(deviation(0, 0.0, 0.0), None);
        assert_eq!(deviation(2, 4.0, 10.0), Some(1.0));
    }
}
