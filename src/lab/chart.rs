//! A small chart as SVG, drawn here so that it needs neither scripts nor anything from elsewhere: points and lines over two axes, the
//! second one logarithmic where values lie far apart. Colours are attributes, which a style sheet may override by class.

use std::fmt::Write as _;

pub struct Chart {
    /// What is seen, for those who do not see it.
    pub title: String,
    pub x: &'static str,
    pub y: &'static str,
    pub scale: Scale,
    pub series: Vec<Series>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    Linear,
    Logarithmic,
}

pub struct Series {
    pub name: String,
    pub shape: Shape,
    pub points: Vec<(f64, f64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Dots,
    Line,
    /// Somebody else's figures.
    Dashes,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 380.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 18.0;
const TOP: f64 = 16.0;
const BOTTOM: f64 = 52.0;
/// Of one line of the legend.
const ROW: f64 = 20.0;

/// Told apart also by those who see fewer colours.
const COLOURS: [&str; 5] = ["#0f766e", "#d97706", "#6366f1", "#b91c5c", "#64748b"];

/// More dots than this cannot be told apart.
const DOTS: usize = 1_200;

/// Values to pixels.
struct Axis {
    from: f64,
    to: f64,
    scale: Scale,
    at: f64,
    length: f64,
}

impl Axis {
    fn place(&self, value: f64) -> f64 {
        let share = match self.scale {
            Scale::Linear => (value - self.from) / (self.to - self.from),
            Scale::Logarithmic => (value.max(self.from).log10() - self.from.log10()) / (self.to.log10() - self.from.log10()),
        };
        self.at + share * self.length
    }

    fn ticks(&self) -> Vec<f64> {
        match self.scale {
            Scale::Linear => {
                let step = step(self.to - self.from);
                let count = ((self.to - self.from) / step).round() as usize;
                (0..=count).map(|n| self.from + step * n as f64).collect()
            }
            Scale::Logarithmic => {
                let (first, last) = (self.from.log10().round() as i32, self.to.log10().round() as i32);
                (first..=last).map(|power| 10_f64.powi(power)).collect()
            }
        }
    }
}

/// 1, 2 or 5 times a power of ten: four to nine of them make the range.
fn step(range: f64) -> f64 {
    let power = 10_f64.powf((range / 4.0).log10().floor());
    let factor = range / 4.0 / power;
    power
        * if factor >= 5.0 {
            5.0
        } else if factor >= 2.0 {
            2.0
        } else {
            1.0
        }
}

/// From 0, or from the power of ten below, to a round number above.
fn axis(values: impl Iterator<Item = f64> + Clone, scale: Scale, at: f64, length: f64) -> Axis {
    let greatest = values.clone().filter(|value| value.is_finite()).fold(f64::MIN_POSITIVE, f64::max);
    match scale {
        Scale::Linear => {
            let step = step(greatest);
            Axis { from: 0.0, to: (greatest / step).ceil() * step, scale, at, length }
        }
        Scale::Logarithmic => {
            let least = values.filter(|value| *value > 0.0).fold(greatest, f64::min);
            let from = 10_f64.powf(least.log10().floor());
            let to = 10_f64.powf(greatest.log10().ceil()).max(from * 10.0);
            Axis { from, to, scale, at, length }
        }
    }
}

/// The whole picture; it may stand inside a page, or alone in a file.
pub fn draw(chart: &Chart) -> String {
    // short names stand side by side
    let columns = if chart.series.iter().all(|series| series.name.chars().count() <= 40) { 2 } else { 1 };
    let legend = TOP + ROW * chart.series.len().div_ceil(columns) as f64;
    let height = HEIGHT + legend;
    let bottom = height - BOTTOM;
    let all = || chart.series.iter().flat_map(|series| series.points.iter());
    let x = axis(all().map(|point| point.0), Scale::Linear, LEFT, WIDTH - LEFT - RIGHT);
    let y = axis(all().map(|point| point.1), chart.scale, bottom, -(bottom - legend - TOP));

    let mut svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" class="plot" viewBox="0 0 {WIDTH} {height}" role="img" font-family="system-ui, sans-serif" font-size="13"><title>{}</title>"##,
        escape(&chart.title)
    );
    for tick in y.ticks() {
        let at = y.place(tick);
        let _ = write!(
            svg,
            r##"<line class="grid" x1="{LEFT}" x2="{}" y1="{at:.1}" y2="{at:.1}" stroke="#cbd5d9" stroke-width="1"/><text class="label" x="{}" y="{:.1}" text-anchor="end" fill="#5a666d">{}</text>"##,
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.5,
            number(tick),
        );
    }
    for tick in x.ticks() {
        let at = x.place(tick);
        let _ = write!(
            svg,
            r##"<text class="label" x="{at:.1}" y="{:.1}" text-anchor="middle" fill="#5a666d">{}</text>"##,
            bottom + 20.0,
            number(tick),
        );
    }
    let _ = write!(
        svg,
        r##"<text class="label" x="{:.1}" y="{:.1}" text-anchor="middle" fill="#5a666d">{}</text><text class="label" transform="translate(15 {:.1}) rotate(-90)" text-anchor="middle" fill="#5a666d">{}</text>"##,
        LEFT + (WIDTH - LEFT - RIGHT) / 2.0,
        height - 10.0,
        escape(chart.x),
        (legend + TOP + bottom) / 2.0,
        escape(chart.y),
    );
    let radius = if all().count() > 60 { "2" } else { "4" };
    for (n, series) in chart.series.iter().enumerate() {
        let colour = COLOURS[n % COLOURS.len()];
        draw_series(&mut svg, series, n, colour, radius, &x, &y);
        let (column, row) = (n % columns, n / columns);
        let (left, top) = (LEFT + column as f64 * (WIDTH - LEFT) / 2.0, TOP + row as f64 * ROW);
        let _ = write!(
            svg,
            r##"<rect class="s{n}" x="{left:.1}" y="{:.1}" width="11" height="11" rx="2" fill="{colour}"/><text class="name" x="{:.1}" y="{:.1}" fill="#5a666d">{}</text>"##,
            top - 2.0,
            left + 17.0,
            top + 8.0,
            escape(&series.name),
        );
    }
    svg.push_str("</svg>");
    svg
}

fn draw_series(svg: &mut String, series: &Series, n: usize, colour: &str, radius: &str, x: &Axis, y: &Axis) {
    let place = |(a, b): (f64, f64)| (x.place(a), y.place(b));
    match series.shape {
        Shape::Dots => {
            let _ = write!(svg, r##"<g class="s{n}" fill="{colour}">"##);
            let every = series.points.len().div_ceil(DOTS).max(1);
            // the last one says how long it took: it is always there
            let last = series.points.len().saturating_sub(1);
            for (_, point) in series.points.iter().enumerate().filter(|(n, _)| n % every == 0 || *n == last) {
                let (a, b) = place(*point);
                let _ = write!(svg, r##"<circle cx="{a:.1}" cy="{b:.1}" r="{radius}"/>"##);
            }
            svg.push_str("</g>");
        }
        Shape::Line | Shape::Dashes => {
            let dashes = if series.shape == Shape::Dashes { r##" stroke-dasharray="6 5""## } else { "" };
            let _ =
                write!(svg, r##"<polyline class="s{n} line" fill="none" stroke="{colour}" stroke-width="2"{dashes} points=""##);
            for point in through(series, x, y) {
                let (a, b) = place(point);
                let _ = write!(svg, "{a:.1},{b:.1} ");
            }
            svg.push_str(r##""/>"##);
        }
    }
}

/// A straight line is a curve where the scale is logarithmic: points in between.
fn through(series: &Series, x: &Axis, y: &Axis) -> Vec<(f64, f64)> {
    if y.scale == Scale::Linear {
        return series.points.clone();
    }
    let mut all = Vec::new();
    for pair in series.points.windows(2) {
        let steps = (((pair[1].0 - pair[0].0) / (x.to - x.from)) * 80.0).ceil().clamp(1.0, 80.0);
        for n in 0..steps as u32 {
            let share = f64::from(n) / steps;
            all.push((pair[0].0 + (pair[1].0 - pair[0].0) * share, pair[0].1 + (pair[1].1 - pair[0].1) * share));
        }
    }
    all.extend(series.points.last());
    all
}

/// Without digits that say nothing.
fn number(value: f64) -> String {
    let text = format!("{value:.6}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    match text.split_once('.') {
        Some(_) => text.to_owned(),
        None if text.len() > 4 => {
            let (thousands, rest) = text.split_at(text.len() - 3);
            format!("{thousands}\u{202f}{rest}")
        }
        None => text.to_owned(),
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        for greatest in [0.003, 0.9, 1.0, 3.01, 6.0, 47.0, 1_000.0, 5_300.0] {
            let axis = axis([greatest].into_iter(), Scale::Linear, 0.0, 100.0);
            let ticks = axis.ticks();
            assert!((4..=11).contains(&ticks.len()), "{greatest}: {ticks:?}");
            assert!(axis.to >= greatest && axis.place(greatest) <= 100.0);
        }
        let axis = axis([5.0, 5_000.0].into_iter(), Scale::Logarithmic, 0.0, 100.0);
        assert_eq!(axis.ticks(), [1.0, 10.0, 100.0, 1_000.0, 10_000.0]);
        assert_eq!(number(0.05), "0.05");
        assert_eq!(number(10_000.0), "10\u{202f}000");
    }

    #[test]
    fn a_chart_is_whole_and_escaped_and_has_a_bound() {
        let points = (0..100_000).map(|n| (f64::from(n), 1.0)).collect();
        let series = vec![
            Series { name: "<b> & \"c\"".into(), shape: Shape::Dots, points },
            Series { name: "nothing".into(), shape: Shape::Line, points: Vec::new() },
        ];
        let svg = draw(&Chart { title: "a < b".into(), x: "x", y: "y", scale: Scale::Logarithmic, series });
        assert!(
            svg.starts_with("<svg") && svg.ends_with("</svg>") && !svg.contains("<b>") && svg.len() < 120_000,
            "{}",
            svg.len()
        );
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}
