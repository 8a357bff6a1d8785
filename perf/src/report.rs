//! Figures -> one HTML page with its charts as SVG: it needs neither a script nor the network to be read. Pure.

use std::fmt::Write as _;

use crate::figures::{Figures, Row};

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 200.0;
/// Room for the numbers of the axes.
const MARGIN: f64 = 44.0;
/// Points drawn of one line; more cannot be seen.
const POINTS: usize = 760;

/// What was run, where.
pub(crate) struct About {
    pub(crate) scenario: &'static str,
    pub(crate) engine: String,
    pub(crate) users: usize,
    pub(crate) documents: usize,
    pub(crate) command: String,
    pub(crate) cores: usize,
}

pub(crate) fn page(about: &About, figures: &Figures) -> String {
    let seconds = |value: fn(&crate::figures::Second) -> f64| -> Vec<(f64, f64)> {
        figures.seconds.iter().enumerate().map(|(at, second)| (at as f64, value(second))).collect()
    };
    let mut charts = vec![
        chart("Requests answered in each second", "s", &[("requests", "#1f6feb", seconds(|second| second.requests as f64))]),
        chart(
            "Response times, ms",
            "s",
            &[
                ("median", "#2da44e", seconds(|second| second.times.median)),
                ("p95", "#bf8700", seconds(|second| second.times.p95)),
                ("p99", "#cf222e", seconds(|second| second.times.p99)),
            ],
        ),
        chart("Users with a request under way", "s", &[("users", "#8250df", seconds(|second| second.users as f64))]),
    ];
    if about.scenario == "thousand" {
        let finished =
            figures.finished.iter().enumerate().map(|(at, ended)| (at as f64 + 1.0, f64::from(*ended) / 1_000.0)).collect();
        charts.push(chart(
            "When each request was done, s after the first was sent",
            "requests",
            &[("done", "#1f6feb", finished)],
        ));
    }
    let rows: String = figures.by_name.iter().map(|(name, row)| line(name, row)).chain([line("all", &figures.all)]).collect();
    let documents = if about.documents == 0 { String::new() } else { format!("{} documents, ", about.documents) };
    format!(
        r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>hooke: {scenario}</title>
<style>
body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 50rem; margin: 2rem auto; padding: 0 1rem; color: #1f2328 }}
table {{ border-collapse: collapse; width: 100% }} th, td {{ padding: .3rem .6rem; text-align: right; border-bottom: 1px solid #d1d9e0 }}
th:first-child, td:first-child {{ text-align: left }} figure {{ margin: 2rem 0 }} figcaption {{ font-weight: 600 }}
svg {{ width: 100%; height: auto }} text {{ font: 11px system-ui, sans-serif; fill: #59636e }} code {{ background: #f6f8fa; padding: .1rem .3rem }}
</style></head><body>
<h1>{scenario}</h1>
<p>{documents}{users} users, engine: {engine}, {cores} cores for hooke, its engine and this test together. <code>hooke-perf {command}</code></p>
<table><thead><tr><th>request</th><th>count</th><th>failed</th><th>a second</th><th>min</th><th>median</th><th>p95</th><th>p99</th><th>max, ms</th></tr></thead>
<tbody>{rows}</tbody></table>
{charts}
</body></html>
"#,
        scenario = escape(about.scenario),
        users = about.users,
        engine = escape(&about.engine),
        cores = about.cores,
        command = escape(&about.command),
        charts = charts.concat(),
    )
}

fn line(name: &str, row: &Row) -> String {
    let t = &row.times;
    format!(
        "<tr><td>{}</td><td>{}</td><td>{}</td><td>{:.1}</td><td>{:.1}</td><td>{:.1}</td><td>{:.1}</td><td>{:.1}</td><td>{:.1}</td></tr>\n",
        escape(name),
        row.count,
        row.failed,
        row.rate,
        t.least,
        t.median,
        t.p95,
        t.p99,
        t.most
    )
}

type Line<'a> = (&'a str, &'a str, Vec<(f64, f64)>);

fn chart(title: &str, unit: &str, lines: &[Line<'_>]) -> String {
    let points = || lines.iter().flat_map(|(_, _, points)| points);
    let right = points().map(|(x, _)| *x).fold(1.0, f64::max);
    let top = round_up(points().map(|(_, y)| *y).fold(0.0, f64::max));
    let place =
        |(x, y): (f64, f64)| (MARGIN + x / right * (WIDTH - 2.0 * MARGIN), HEIGHT - MARGIN / 2.0 - y / top * (HEIGHT - MARGIN));
    let mut drawn = String::new();
    for step in 0..=4 {
        let value = top * f64::from(step) / 4.0;
        let (left, y) = place((0.0, value));
        let _ = write!(
            drawn,
            r##"<line x1="{left}" y1="{y:.1}" x2="{:.1}" y2="{y:.1}" stroke="#d1d9e0"/><text x="{:.1}" y="{:.1}" text-anchor="end">{}</text>"##,
            WIDTH - MARGIN,
            left - 5.0,
            y + 4.0,
            number(value)
        );
    }
    for (at, (name, colour, points)) in lines.iter().enumerate() {
        let every = points.len().div_ceil(POINTS).max(1);
        let path: Vec<String> = points
            .iter()
            .step_by(every)
            .chain(points.last())
            .map(|point| {
                let (x, y) = place(*point);
                format!("{x:.1},{y:.1}")
            })
            .collect();
        let _ = write!(
            drawn,
            r#"<polyline fill="none" stroke="{colour}" stroke-width="1.5" points="{}"/><text x="{:.1}" y="12" style="fill:{colour}">{name}</text>"#,
            path.join(" "),
            MARGIN + 90.0 * at as f64
        );
    }
    let _ = write!(
        drawn,
        r#"<text x="{:.1}" y="{:.1}" text-anchor="end">{} {unit}</text>"#,
        WIDTH - MARGIN,
        HEIGHT - 4.0,
        number(right)
    );
    format!(
        "<figure><figcaption>{}</figcaption><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{}\">{drawn}</svg></figure>\n",
        escape(title),
        escape(title)
    )
}

/// The next 1, 2 or 5 with zeros, so that the axis has round numbers.
fn round_up(value: f64) -> f64 {
    let mut step = 0.01;
    loop {
        for factor in [1.0, 2.0, 5.0] {
            if step * factor >= value {
                return step * factor;
            }
        }
        step *= 10.0;
    }
}

fn number(value: f64) -> String {
    if value >= 10.0 || value == value.trunc() { format!("{value:.0}") } else { format!("{value:.2}") }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::figures::Sample;

    #[test]
    fn a_page_stands_alone() {
        let samples: Vec<Sample> =
            (0..5_000).map(|at| Sample { name: "users", sent: at, micros: 5_000_000, user: at as u16, failed: false }).collect();
        let about = About {
            scenario: "thousand",
            engine: "<engine>".into(),
            users: 5_000,
            documents: 0,
            command: "thousand".into(),
            cores: 2,
        };
        let page = page(&about, &Figures::of(&samples));
        assert_eq!(page.matches("<svg").count(), 4);
        assert!(!page.contains("http") && !page.contains("<script") && !page.contains("<engine>"));
        assert!(!page.contains("NaN") && page.len() < 200_000);
    }

    #[test]
    fn axes_end_at_round_numbers() {
        assert_eq!(round_up(0.0), 0.01);
        assert_eq!(round_up(312.0), 500.0);
        assert_eq!(round_up(1_000.0), 1_000.0);
    }
}
