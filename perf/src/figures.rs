//! What was measured -> figures: by request, by second, and as CSV. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// One request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    /// Milliseconds after the start of the run.
    pub(crate) sent: u32,
    /// From sending to the last byte of the answer.
    pub(crate) micros: u32,
    pub(crate) user: u16,
    pub(crate) failed: bool,
}

impl Sample {
    /// Milliseconds after the start of the run at which its answer was there.
    fn ended(&self) -> u32 {
        self.sent.saturating_add(self.micros / 1_000)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Row {
    pub(crate) count: usize,
    pub(crate) failed: usize,
    /// Answers in a second, over the whole run.
    pub(crate) rate: f64,
    pub(crate) times: Times,
}

/// Milliseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Times {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) p95: f64,
    pub(crate) p99: f64,
    pub(crate) most: f64,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Second {
    pub(crate) requests: usize,
    pub(crate) failed: usize,
    /// Users with a request under way.
    pub(crate) users: usize,
    pub(crate) times: Times,
}

#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) all: Row,
    pub(crate) by_name: BTreeMap<&'static str, Row>,
    /// From the first second to the last; requests count in the second in which they were answered.
    pub(crate) seconds: Vec<Second>,
    /// Milliseconds after the first was sent at which each was answered, in that order.
    pub(crate) finished: Vec<u32>,
}

impl Figures {
    pub(crate) fn of(samples: &[Sample]) -> Figures {
        let first = samples.iter().map(|sample| sample.sent).min().unwrap_or(0);
        let last = samples.iter().map(Sample::ended).max().unwrap_or(0);
        let span = f64::from((last - first).max(1)) / 1_000.0;
        let mut names: BTreeMap<&'static str, Vec<&Sample>> = BTreeMap::new();
        let length = ((last - first) / 1_000 + 1) as usize;
        let mut answered: Vec<Vec<&Sample>> = vec![Vec::new(); length];
        let mut users: Vec<BTreeSet<u16>> = vec![BTreeSet::new(); length];
        let mut finished = Vec::with_capacity(samples.len());
        for sample in samples {
            names.entry(sample.name).or_default().push(sample);
            let (from, to) = ((sample.sent - first) / 1_000, (sample.ended() - first) / 1_000);
            answered[to as usize].push(sample);
            for second in from..=to {
                users[second as usize].insert(sample.user);
            }
            finished.push(sample.ended() - first);
        }
        finished.sort_unstable();
        let row = |samples: &[&Sample]| Row {
            count: samples.len(),
            failed: samples.iter().filter(|sample| sample.failed).count(),
            rate: samples.len() as f64 / span,
            times: times(samples),
        };
        Figures {
            all: row(&samples.iter().collect::<Vec<_>>()),
            by_name: names.into_iter().map(|(name, samples)| (name, row(&samples))).collect(),
            seconds: answered
                .iter()
                .zip(&users)
                .map(|(samples, users)| Second {
                    requests: samples.len(),
                    failed: samples.iter().filter(|sample| sample.failed).count(),
                    users: users.len(),
                    times: times(samples),
                })
                .collect(),
            finished,
        }
    }

    fn rows(&self) -> impl Iterator<Item = (&str, &Row)> {
        self.by_name.iter().map(|(name, row)| (*name, row)).chain([("all", &self.all)])
    }

    pub(crate) fn summary_csv(&self) -> String {
        let mut text = String::from("request,count,failed,per_second,min_ms,median_ms,p95_ms,p99_ms,max_ms\n");
        for (name, Row { count, failed, rate, times: t }) in self.rows() {
            let _ = writeln!(
                text,
                "{name},{count},{failed},{rate:.1},{:.2},{:.2},{:.2},{:.2},{:.2}",
                t.least, t.median, t.p95, t.p99, t.most
            );
        }
        text
    }

    pub(crate) fn seconds_csv(&self) -> String {
        let mut text = String::from("second,requests,failed,users,median_ms,p95_ms,p99_ms,max_ms\n");
        for (at, Second { requests, failed, users, times: t }) in self.seconds.iter().enumerate() {
            let _ = writeln!(text, "{at},{requests},{failed},{users},{:.2},{:.2},{:.2},{:.2}", t.median, t.p95, t.p99, t.most);
        }
        text
    }

    /// For a terminal.
    pub(crate) fn summary_text(&self) -> String {
        let mut text = format!(
            "{:12} {:>9} {:>7} {:>9} {:>9} {:>9} {:>9} {:>9}\n",
            "request", "count", "failed", "a second", "median", "p95", "p99", "max"
        );
        for (name, Row { count, failed, rate, times: t }) in self.rows() {
            let _ = writeln!(
                text,
                "{name:12} {count:>9} {failed:>7} {rate:>9.1} {:>6.1} ms {:>6.1} ms {:>6.1} ms {:>6.1} ms",
                t.median, t.p95, t.p99, t.most
            );
        }
        text
    }
}

pub(crate) fn requests_csv(samples: &[Sample]) -> String {
    let mut text = String::from("sent_ms,request,user,took_ms,failed\n");
    for Sample { name, sent, micros, user, failed } in samples {
        let _ = writeln!(text, "{sent},{name},{},{:.3},{}", user + 1, f64::from(*micros) / 1_000.0, u8::from(*failed));
    }
    text
}

fn times(samples: &[&Sample]) -> Times {
    let mut micros: Vec<u32> = samples.iter().map(|sample| sample.micros).collect();
    micros.sort_unstable();
    // the least time that so many of a hundred do not exceed
    let at = |percent: usize| match micros.len() {
        0 => 0.0,
        length => f64::from(micros[(length * percent).div_ceil(100).max(1) - 1]) / 1_000.0,
    };
    Times { least: at(0), median: at(50), p95: at(95), p99: at(99), most: at(100) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(name: &'static str, sent: u32, millis: u32, user: u16, failed: bool) -> Sample {
        Sample { name, sent, micros: millis * 1_000, user, failed }
    }

    #[test]
    fn figures_are_counted_by_request_and_by_second() {
        let samples = [sample("get", 100, 10, 0, false), sample("get", 200, 30, 1, false), sample("write", 300, 1_800, 1, true)];
        let figures = Figures::of(&samples);
        assert_eq!((figures.all.count, figures.all.failed), (3, 1));
        assert_eq!(figures.by_name["get"].times.median, 10.0);
        assert_eq!(figures.by_name["get"].times.most, 30.0);
        assert_eq!(figures.by_name["write"].failed, 1);
        assert_eq!(figures.all.rate, 1.5);
        assert_eq!(figures.seconds.len(), 3);
        assert_eq!(figures.seconds.iter().map(|second| second.requests).collect::<Vec<_>>(), [2, 0, 1]);
        assert_eq!(figures.seconds.iter().map(|second| second.users).collect::<Vec<_>>(), [2, 1, 1]);
        assert_eq!(figures.finished, [10, 130, 2_000]);
        assert_eq!(figures.summary_csv().lines().count(), 4);
        assert_eq!(requests_csv(&samples).lines().nth(3), Some("300,write,2,1800.000,1"));
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        let samples: Vec<Sample> = (1..=100).map(|millis| sample("get", 0, millis, 0, false)).collect();
        let times = times(&samples.iter().collect::<Vec<_>>());
        assert_eq!((times.least, times.median, times.p95, times.p99, times.most), (1.0, 50.0, 95.0, 99.0, 100.0));
    }
}
