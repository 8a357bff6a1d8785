//! What each experiment looks like.

use std::time::Duration;

use super::Searches;
use super::chart::{Chart, Scale, Series, Shape, draw};
use super::users::{PUBLISHED_DELAY, PUBLISHED_POOL, PUBLISHED_REQUESTS, PUBLISHED_SEQUENCE, Users};
use super::waits::Waits;
use crate::upstream::{Answer, Run};

fn finish(name: &str, times: impl IntoIterator<Item = Duration>) -> Series {
    let points = times.into_iter().enumerate().map(|(n, time)| ((n + 1) as f64, time.as_secs_f64())).collect();
    Series { name: name.to_owned(), shape: Shape::Dots, points }
}

/// One after another, at once: what was run of the two.
pub fn of_waits(sequence: Option<&Waits>, at_once: Option<&Waits>) -> String {
    let named = [("one after another", sequence), ("at once", at_once)];
    let series = named.into_iter().filter_map(|(name, waits)| {
        let waits = waits?;
        Some(finish(&format!("{name}: {:.2} s", waits.elapsed.as_secs_f64()), waits.finished.iter().copied()))
    });
    draw(&Chart {
        title: "When each task was done".into(),
        x: "task",
        y: "done after … s",
        scale: Scale::Linear,
        series: series.collect(),
    })
}

pub fn of_calls(run: &Run) -> String {
    let ended = |kind: &str, wanted: fn(&Answer) -> bool| {
        let points: Vec<(f64, f64)> = run
            .answers
            .iter()
            .filter(|answer| wanted(answer))
            .map(|answer| (f64::from(answer.number), (answer.began + answer.elapsed).as_secs_f64()))
            .collect();
        (!points.is_empty()).then(|| Series { name: format!("{} {kind}", points.len()), shape: Shape::Dots, points })
    };
    let series = [
        ended("answered", |answer| answer.outcome.is_ok()),
        ended("refused", Answer::is_refused),
        ended("failed", |answer| answer.outcome.is_err() && !answer.is_refused()),
    ];
    draw(&Chart {
        title: "When each call was answered".into(),
        x: "call",
        y: "answered after … s",
        scale: Scale::Linear,
        series: series.into_iter().flatten().collect(),
    })
}

/// Beside what was published, where the same was asked.
pub fn of_users(users: &Users, delay: Duration) -> String {
    let sorted = users.sorted();
    let name = format!("hooke, measured now: the last after {:.2} s", sorted.last().copied().unwrap_or_default().as_secs_f64());
    let mut series = vec![finish(&name, sorted)];
    if is_comparable(users, delay) {
        let line =
            |name: &str, points: &[(f64, f64)]| Series { name: name.into(), shape: Shape::Dashes, points: points.to_vec() };
        series.push(line("published: a pool of threads, 100 after 10 s, the last after 50 s", &PUBLISHED_POOL));
        series.push(line("published: one after another, the last after 5,000 s", &PUBLISHED_SEQUENCE));
    }
    let scale = if series.len() > 1 { Scale::Logarithmic } else { Scale::Linear };
    draw(&Chart { title: "When each request was answered".into(), x: "requests answered", y: "after … s", scale, series })
}

/// The published figures are for a thousand requests of five seconds.
pub fn is_comparable(users: &Users, delay: Duration) -> bool {
    delay == PUBLISHED_DELAY && users.finished.len() == PUBLISHED_REQUESTS as usize
}

pub fn of_searches(searches: &Searches) -> String {
    let named =
        [("one after another", &searches.sequence), ("at once", &searches.at_once), ("as one operation", &searches.together)];
    let series = named.into_iter().map(|(name, timing)| {
        let mut times = timing.finished.clone();
        times.sort_unstable();
        let millis = timing.elapsed.as_secs_f64() * 1_000.0;
        let points = times.iter().enumerate().map(|(n, time)| ((n + 1) as f64, time.as_secs_f64() * 1_000.0)).collect();
        Series { name: format!("{name}: {millis:.1} ms"), shape: Shape::Dots, points }
    });
    draw(&Chart {
        title: "When each search was answered".into(),
        x: "searches answered",
        y: "after … ms",
        scale: Scale::Linear,
        series: series.collect(),
    })
}
