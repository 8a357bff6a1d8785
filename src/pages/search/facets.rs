//! The facets beside the hits: values to tick, and histograms of numbers and dates to click. Which fields get one is decided here.

use serde_json::{Value as Json, json};

use super::address::Asked;
use super::conditions::Spot;
use super::ticks::{Tick, What};
use crate::catalog::ask::{self, Frame};
use crate::pages::shelf;
use crate::search::date::{Time, rfc3339};
use crate::search::value::Value;
use crate::search::{Bucket, Compute, Computed, Kind, Number, Slot, Stats, ValueCount};

/// Fields whose values are counted; those that turn out to tell nothing are not shown.
const MOST_VALUES: usize = 10;
const MOST_HISTOGRAMS: usize = 6;

/// Values of one field.
const VALUES: u32 = 8;

/// About so many bars.
const BARS: f64 = 12.0;

/// Of a drawn histogram, in units of its own.
const BAR_WIDTH: f64 = 10.0;
const HEIGHT: f64 = 40.0;

/// A field that gets a facet.
pub(super) struct Wanted<'a, 's> {
    spot: &'s Spot<'a>,
    slot: Slot,
    drawn: bool,
    /// Of the second question: how its values are cut.
    cut: Json,
}

pub(super) struct FacetView {
    pub(super) label: String,
    pub(super) values: Vec<ValueView>,
    /// Documents with values that are not shown.
    pub(super) others: String,
    pub(super) histogram: Option<Histogram>,
}

pub(super) struct ValueView {
    pub(super) text: String,
    pub(super) count: String,
    pub(super) ticked: bool,
    /// Of the page with the tick turned.
    pub(super) address: String,
}

pub(super) struct Histogram {
    pub(super) width: f64,
    pub(super) height: f64,
    pub(super) bars: Vec<Bar>,
    pub(super) low: String,
    pub(super) high: String,
}

pub(super) struct Bar {
    pub(super) x: f64,
    pub(super) y: f64,
    pub(super) height: f64,
    pub(super) title: String,
    pub(super) chosen: bool,
    /// None of an empty one.
    pub(super) address: Option<String>,
}

/// The fields that come into question, in the order of the mapping: short values first, numbers and dates behind them.
pub(super) fn wanted<'a, 's>(spots: &'s [Spot<'a>], asked: &Asked) -> Vec<Wanted<'a, 's>> {
    let ticked = |spot: &Spot<'_>| asked.ticks.iter().any(|tick| tick.path == spot.exposed.field.path);
    let of = |fits: fn(&Kind) -> bool, most: usize| {
        let all = spots.iter().filter(move |spot| ask::can_count(&spot.exposed.field) && fits(&spot.exposed.field.kind));
        let (first, rest): (Vec<_>, Vec<_>) = all.partition(|spot| ticked(spot));
        first.into_iter().chain(rest).take(most)
    };
    let short = of(|kind| matches!(kind, Kind::Keyword(_) | Kind::Boolean | Kind::Text { .. }), MOST_VALUES);
    let measured = of(|kind| matches!(kind, Kind::Number(_) | Kind::Date(_)), MOST_HISTOGRAMS);
    let mut wanted: Vec<_> = short.map(|spot| (spot, false)).chain(measured.map(|spot| (spot, true))).collect();
    // a text is mostly a name: those with exact values alone tell more
    wanted.sort_by_key(|(spot, drawn)| (*drawn, matches!(spot.exposed.field.kind, Kind::Text { .. })));
    let slots = 1..;
    wanted.into_iter().zip(slots).map(|((spot, drawn), slot)| Wanted { spot, slot, drawn, cut: json!({}) }).collect()
}

impl Wanted<'_, '_> {
    /// What the first search counts for it: values, or the span of numbers and dates.
    pub(super) fn first(&self, frame: Frame<'_>) -> Option<(Slot, Compute)> {
        let mut facet = ask::facet(frame, self.spot.exposed, json!({ "first": VALUES }).as_object()?).ok()?;
        (facet.stats, facet.distinct) = (self.drawn, false);
        if self.drawn {
            facet.values = None;
        }
        Some((self.slot, Compute::Facet(facet)))
    }

    /// What the second one counts, now that the span is known.
    pub(super) fn second(&mut self, frame: Frame<'_>, computed: &[(Slot, Computed)]) -> Option<(Slot, Compute)> {
        let stats = self.stats(computed)?;
        self.cut = cut(&self.spot.exposed.field.kind, stats.min?, stats.max?)?;
        let mut facet = ask::facet(frame, self.spot.exposed, self.cut.as_object()?).ok()?;
        (facet.values, facet.stats, facet.distinct) = (None, false, false);
        Some((self.slot, Compute::Facet(facet)))
    }

    fn stats<'c>(&self, computed: &'c [(Slot, Computed)]) -> Option<&'c Stats> {
        match at(computed, self.slot)? {
            Computed::Facet { stats, .. } if self.drawn => stats.as_ref(),
            _ => None,
        }
    }

    /// The field of a GraphQL query that gives the same.
    pub(super) fn selection(&self) -> String {
        let (arguments, parts) = match self.cut.as_object().and_then(|cut| cut.iter().next()) {
            Some((name, cut)) => (format!("{name}: {}", crate::pages::query_text::argument(cut)), "buckets { from to count }"),
            None => (format!("first: {VALUES}"), "values { value count selected } otherCount"),
        };
        let mut names = self.spot.label.rsplit('.');
        let own = format!("{}({arguments}) {{ {parts} }}", names.next().unwrap_or_default());
        names.fold(own, |inner, name| format!("{name} {{ {inner} }}"))
    }

    /// `None` where it would tell nothing.
    pub(super) fn view(
        &self,
        first: &[(Slot, Computed)],
        second: &[(Slot, Computed)],
        asked: &Asked,
        action: &str,
    ) -> Option<FacetView> {
        let label = self.spot.label.clone();
        let path = self.spot.exposed.field.path.as_str();
        if self.drawn {
            let Some(Computed::Facet { buckets, .. }) = at(second, self.slot) else { return None };
            let histogram = Some(self.histogram(buckets, asked, action)?);
            return Some(FacetView { label, values: Vec::new(), others: String::new(), histogram });
        }
        let Some(Computed::Facet { values, other, .. }) = at(first, self.slot) else { return None };
        let ticked = asked.ticks.iter().any(|tick| tick.path == path);
        let most = values.iter().map(|value| value.count.documents).max().unwrap_or(0);
        // one value for all, or one for each: nothing to choose
        if !ticked && (values.len() < 2 || most < 2) {
            return None;
        }
        let mut views: Vec<ValueView> = values.iter().filter_map(|value| value_view(path, value, asked, action)).collect();
        // what was ticked stays to be unticked, also where it is not among the first
        for tick in asked.ticks.iter().filter(|tick| tick.path == path) {
            if let What::Value(text) = &tick.what
                && !views.iter().any(|view| view.text == *text)
            {
                let address = format!("{action}{}", asked.turned(tick).write());
                views.push(ValueView { text: text.clone(), count: String::new(), ticked: true, address });
            }
        }
        let others = if *other > 0 { shelf::grouped(*other) } else { String::new() };
        Some(FacetView { label, values: views, others, histogram: None })
    }

    fn histogram(&self, buckets: &[Bucket], asked: &Asked, action: &str) -> Option<Histogram> {
        let field = &self.spot.exposed.field;
        let most = buckets.iter().map(|bucket| bucket.count.documents).max().filter(|most| *most > 0)?;
        let mut bars = Vec::with_capacity(buckets.len());
        let (mut low, mut high) = (String::new(), String::new());
        let mut x = 0.0;
        for bucket in buckets {
            let (Some(lower), Some(upper)) = (&bucket.lower, &bucket.upper) else { continue };
            let (from, to) = (written(lower, &field.kind), written(upper, &field.kind));
            if bars.is_empty() {
                low.clone_from(&from);
            }
            high.clone_from(&to);
            let documents = bucket.count.documents;
            let height = (documents as f64 / most as f64 * HEIGHT).max(if documents > 0 { 1.0 } else { 0.0 });
            let tick = Tick { path: field.path.clone(), what: What::Between(from.clone(), to.clone()) };
            let chosen = asked.ticks.contains(&tick);
            bars.push(Bar {
                x,
                y: HEIGHT - height,
                height,
                title: format!("{from} to {to}: {}", shelf::grouped(documents)),
                chosen,
                address: (documents > 0 || chosen).then(|| format!("{action}{}", asked.turned(&tick).write())),
            });
            x += BAR_WIDTH;
        }
        (bars.len() > 1).then_some(Histogram { width: x, height: HEIGHT, bars, low, high })
    }
}

fn at(computed: &[(Slot, Computed)], slot: Slot) -> Option<&Computed> {
    computed.iter().find(|(known, _)| *known == slot).map(|(_, computed)| computed)
}

fn value_view(path: &str, value: &ValueCount, asked: &Asked, action: &str) -> Option<ValueView> {
    let text = match value.value.as_ref()? {
        Value::Text(text) => text.clone(),
        Value::Boolean(truth) => truth.to_string(),
        _ => return None,
    };
    // what an address cannot say without being another one
    if text.trim() != text || text.is_empty() {
        return None;
    }
    let tick = Tick { path: path.to_owned(), what: What::Value(text.clone()) };
    Some(ValueView {
        text,
        count: shelf::grouped(value.count.documents),
        ticked: asked.ticks.contains(&tick),
        address: format!("{action}{}", asked.turned(&tick).write()),
    })
}

/// A bound as it stands in the address.
pub(super) fn written(value: &Value, kind: &Kind) -> String {
    match value {
        Value::Long(long) => long.to_string(),
        #[expect(clippy::cast_possible_truncation, reason = "it was a single before")]
        Value::Double(double) if !matches!(kind, Kind::Number(Number::Double)) => (*double as f32).to_string(),
        Value::Double(double) => double.to_string(),
        Value::Date(time) => {
            let text = rfc3339(*time, false);
            text.strip_suffix("T00:00:00.000Z").map(str::to_owned).unwrap_or(text)
        }
        _ => String::new(),
    }
}

/// The arguments of a facet that cuts this span into a dozen pieces or so with round ends. `None`: there is nothing to cut.
pub(super) fn cut(kind: &Kind, min: f64, max: f64) -> Option<Json> {
    // neither is more than the other where one is no number
    if max.partial_cmp(&min) != Some(std::cmp::Ordering::Greater) {
        return None;
    }
    match kind {
        Kind::Number(number) => {
            let size = round((max - min) / BARS);
            let size = if number.is_whole() { size.max(1.0) } else { size };
            (size.is_finite() && size > 0.0).then(|| json!({ "interval": { "size": size } }))
        }
        Kind::Date(_) => cut_dates(min, max),
        _ => None,
    }
}

const DAY: f64 = 86_400_000.0;

/// Milliseconds since 1970.
fn cut_dates(min: f64, max: f64) -> Option<Json> {
    let days = (max - min) / DAY;
    for (most, unit) in [(2.0, "HOUR"), (60.0, "DAY"), (900.0, "MONTH")] {
        if days <= most {
            return Some(json!({ "interval": { "calendar": unit } }));
        }
    }
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of a date, and years")]
    let (year, last, step) = {
        let year =
            |millis: f64| rfc3339(Time::from_millis(millis as i64), false).get(..4).and_then(|year| year.parse::<i64>().ok());
        (year(min)?, year(max)?, round(days / 365.25 / BARS).max(1.0) as i64)
    };
    let starts: Vec<i64> = (0..).map(|n| year.div_euclid(step) * step + n * step).take_while(|start| *start <= last).collect();
    let name = |year: i64| format!("{:04}-01-01", year.max(1));
    // years that four digits write
    (year >= 1 && last + step <= 9_999)
        .then(|| json!({ "ranges": starts.iter().map(|start| json!({ "from": name(*start), "to": name(start + step) })).collect::<Vec<_>>() }))
}

/// The next of 1, 2, 5, 10, 20, 50, …, also below one.
fn round(number: f64) -> f64 {
    let power = 10_f64.powf(number.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().find(|step| step * power >= number * (1.0 - 1e-9));
    step.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_cut_at_round_numbers() {
        for (number, rounded) in [(0.03, 0.05), (1.0, 1.0), (1.1, 2.0), (7.0, 10.0), (83.0, 100.0), (2_001.0, 5_000.0)] {
            assert!((round(number) - rounded).abs() < 1e-9, "{number} becomes {}", round(number));
        }
        let whole = Kind::Number(Number::Long);
        assert_eq!(cut(&whole, 1.0, 3.0), Some(json!({ "interval": { "size": 1.0 } })));
        assert_eq!(cut(&whole, 0.0, 1_000.0), Some(json!({ "interval": { "size": 100.0 } })));
        assert_eq!(cut(&whole, 5.0, 5.0), None);
    }

    #[test]
    fn dates_are_cut_by_what_they_span() {
        assert_eq!(cut_dates(0.0, DAY), Some(json!({ "interval": { "calendar": "HOUR" } })));
        assert_eq!(cut_dates(0.0, 400.0 * DAY), Some(json!({ "interval": { "calendar": "MONTH" } })));
        let ranges = cut_dates(0.0, 20_000.0 * DAY).unwrap();
        assert_eq!(ranges["ranges"][0], json!({ "from": "1970-01-01", "to": "1975-01-01" }));
        assert_eq!(ranges["ranges"].as_array().unwrap().len(), 11);
        // 1234 to 1970
        let old = cut_dates(-23_225_000_000_000.0, 0.0).unwrap();
        assert_eq!(old["ranges"][0], json!({ "from": "1200-01-01", "to": "1300-01-01" }));
    }
}
