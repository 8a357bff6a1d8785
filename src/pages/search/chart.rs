//! A chart of groups: `by=kind` counts the hits by the values of a field, `of=height:avg` shows a number of each group instead.
//! It is a table with bars, drawn by the server, and each bar can be clicked.

use serde_json::{Value as Json, json};

use super::address::Asked;
use super::conditions::Spot;
use super::facets::{cut, written};
use super::form::Choice;
use super::ticks::{Tick, What};
use crate::catalog::ask::{self, Frame};
use crate::error::Code;
use crate::pages::fault::Fault;
use crate::pages::{query_text, shelf};
use crate::search::value::Value;
use crate::search::{
    Bucket, Compute, Computed, Direction, Group, GroupBy, GroupOrder, Kind, Metric, MetricValue, Scope, Slot, Stats,
};

/// Behind those of all facets.
const SPAN: Slot = 1_001;
const GROUPS: Slot = 1_002;
const NUMBERS: Slot = 1_003;

/// Bars of a field of words; numbers and dates are cut so that there are about as many.
const BARS: u32 = 12;
/// Of numbers and dates, that the last ones are there too.
const MOST_BARS: u32 = 100;

/// Fields in the lists to choose from.
const MOST_CHOICES: usize = 40;

/// What is shown of each group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::pages) enum Number {
    Avg,
    Min,
    Max,
    Sum,
}

const NUMBERS_KNOWN: [(&str, &str, Number); 4] = [
    ("avg", "average", Number::Avg),
    ("min", "least", Number::Min),
    ("max", "greatest", Number::Max),
    ("sum", "sum", Number::Sum),
];

/// `by` and `of` of the address.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::pages) struct Asking {
    /// The path of the field that makes the groups.
    pub(in crate::pages) by: String,
    /// Absent: documents are counted.
    pub(in crate::pages) of: Option<(String, Number)>,
}

pub(super) struct ChartView {
    pub(super) title: String,
    pub(super) bars: Vec<BarView>,
    /// Documents in groups that are not shown.
    pub(super) others: String,
}

pub(super) struct BarView {
    pub(super) label: String,
    pub(super) value: String,
    /// Of a hundred.
    pub(super) width: f64,
    pub(super) chosen: bool,
    pub(super) address: Option<String>,
}

fn refuse(message: String) -> Fault {
    Fault::new(Code::BadUserInput, message)
}

fn groups(spot: &Spot<'_>) -> bool {
    ask::can_count(&spot.exposed.field)
}

fn measures(spot: &Spot<'_>) -> bool {
    ask::can_measure(&spot.exposed.field) && matches!(spot.exposed.field.kind, Kind::Number(_))
}

fn measured(spot: &Spot<'_>) -> bool {
    matches!(spot.exposed.field.kind, Kind::Number(_) | Kind::Date(_))
}

impl Asking {
    pub(in crate::pages) fn parse(spots: &[Spot<'_>], by: Option<String>, of: Option<String>) -> Result<Option<Self>, Fault> {
        let Some(by) = by else { return Ok(None) };
        let find = |path: &str| spots.iter().find(|spot| spot.exposed.field.path == path);
        if find(&by).filter(|spot| groups(spot)).is_none() {
            return Err(refuse(format!("There is no chart by “{by}”: it is no field with exact values.")));
        }
        let of = match of {
            None => None,
            Some(of) => {
                let known = of.rsplit_once(':').and_then(|(path, name)| {
                    let (.., number) = NUMBERS_KNOWN.iter().find(|(known, ..)| *known == name)?;
                    find(path).filter(|spot| measures(spot)).map(|spot| (spot.exposed.field.path.clone(), *number))
                });
                Some(known.ok_or_else(|| refuse(format!("“of={of}” is no field of numbers with :avg, :min, :max or :sum.")))?)
            }
        };
        Ok(Some(Asking { by, of }))
    }

    pub(in crate::pages) fn write(&self) -> Vec<(&'static str, String)> {
        let of = self.of.as_ref().map(|(path, number)| ("of", format!("{path}:{}", number.names().0)));
        [("by", self.by.clone())].into_iter().chain(of).collect()
    }

    /// Of numbers and dates: what they span, which the first search tells.
    pub(super) fn first(&self, frame: Frame<'_>, spots: &[Spot<'_>]) -> Option<(Slot, Compute)> {
        let spot = self.spot(spots, &self.by).filter(|spot| measured(spot))?;
        let mut facet = ask::facet(frame, spot.exposed, json!({}).as_object()?).ok()?;
        (facet.values, facet.stats, facet.distinct, facet.scope) = (None, true, false, Scope::Matched);
        Some((SPAN, Compute::Facet(facet)))
    }

    /// The groups, and the argument `keys` that makes them.
    pub(super) fn second(
        &self,
        frame: Frame<'_>,
        spots: &[Spot<'_>],
        on: &crate::catalog::Exposed,
        found: &[(Slot, Computed)],
    ) -> Option<Groups> {
        let spot = self.spot(spots, &self.by)?;
        let mut key = json!({ "field": spot.exposed.enum_name });
        if measured(spot) {
            let (_, Computed::Facet { stats: Some(Stats { min: Some(min), max: Some(max), .. }), .. }) =
                found.iter().find(|(slot, _)| *slot == SPAN)?
            else {
                return None;
            };
            // of one value alone there is nothing to cut
            if let Some(Json::Object(cut)) = cut(&spot.exposed.field.kind, *min, *max) {
                key.as_object_mut()?.extend(cut);
            }
        }
        let keys_asked = json!([key]);
        let keys = ask::group_keys(frame, on, &keys_asked).ok()?;
        let inside = match &self.of {
            None => Vec::new(),
            Some((path, _)) => {
                let field = self.spot(spots, path)?.exposed.field.clone();
                vec![(NUMBERS, Compute::Metrics { scope: Scope::Matched, under: None, of: vec![(field, Metric::Stats)] })]
            }
        };
        let (first, order) = if measured(spot) { (MOST_BARS, vec![GroupOrder::Key(Direction::Asc)]) } else { (BARS, Vec::new()) };
        let compute = Compute::Groups(GroupBy { keys, first, after: None, order, having: None, inside });
        Some(Groups { slot: GROUPS, compute, keys: keys_asked })
    }

    fn spot<'s, 'a>(&self, spots: &'s [Spot<'a>], path: &str) -> Option<&'s Spot<'a>> {
        spots.iter().find(|spot| spot.exposed.field.path == path)
    }

    /// The field of a GraphQL query that gives the same.
    pub(super) fn selection(&self, spots: &[Spot<'_>], keys: &Json) -> Option<String> {
        let spot = self.spot(spots, &self.by)?;
        let nest = |label: &str, own: String| label.rsplit('.').skip(1).fold(own, |inner, name| format!("{name} {{ {inner} }}"));
        let last = |label: &str| label.rsplit('.').next().unwrap_or_default().to_owned();
        let own = match keys[0].get("ranges") {
            Some(_) => format!("{} {{ from to }}", spot.exposed.range_name),
            None => last(&spot.label),
        };
        let key = nest(&spot.label, own);
        let number = match &self.of {
            None => String::new(),
            Some((path, number)) => {
                let of = self.spot(spots, path)?;
                let own = format!("{} {{ {} }}", of.exposed.aggregate_name, number.names().0);
                format!(" aggregate {{ {} }}", nest(&of.label, own))
            }
        };
        let (first, order) = if measured(spot) { (MOST_BARS, ", orderBy: [{ key: ASC }]") } else { (BARS, "") };
        Some(format!(
            "groupBy(keys: {}, first: {first}{order}) {{ nodes {{ key {{ {key} }} count{number} }} otherCount }}",
            query_text::argument(keys)
        ))
    }

    pub(super) fn view(
        &self,
        spots: &[Spot<'_>],
        computed: &[(Slot, Computed)],
        asked: &Asked,
        action: &str,
    ) -> Option<ChartView> {
        let spot = self.spot(spots, &self.by)?;
        let (_, Computed::Groups(groups)) = computed.iter().find(|(slot, _)| *slot == GROUPS)? else { return None };
        let numbers: Vec<Option<f64>> = groups.groups.iter().map(|group| self.number(group)).collect();
        let most = numbers.iter().flatten().copied().fold(0.0_f64, |most, number| most.max(number.abs()));
        let bars = groups.groups.iter().zip(&numbers).filter_map(|(group, number)| {
            let bucket = group.key.first()?.as_ref()?;
            let (label, tick) = bar(&spot.exposed.field.path, &spot.exposed.field.kind, bucket)?;
            Some(BarView {
                label,
                value: number.map_or_else(|| "–".to_owned(), number_text),
                width: number.filter(|_| most > 0.0).map_or(0.0, |number| (number.abs() / most * 100.0).max(0.5)),
                chosen: tick.as_ref().is_some_and(|tick| asked.ticks.contains(tick)),
                address: tick.map(|tick| format!("{action}{}", asked.turned(&tick).write())),
            })
        });
        let title = match &self.of {
            None => format!("How many, by {}", spot.label),
            Some((path, number)) => {
                let of = self.spot(spots, path)?;
                format!("{} {} by {}", capital(number.names().1), of.label, spot.label)
            }
        };
        let others = if groups.other > 0 { shelf::grouped(groups.other) } else { String::new() };
        Some(ChartView { title, bars: bars.collect(), others })
    }

    #[expect(clippy::cast_precision_loss, reason = "a length on the screen")]
    fn number(&self, group: &Group) -> Option<f64> {
        let Some((_, number)) = &self.of else { return Some(group.count.documents as f64) };
        let (_, Computed::Metrics { values, .. }) = group.inside.iter().find(|(slot, _)| *slot == NUMBERS)? else { return None };
        let Some(MetricValue::Stats(stats)) = values.first() else { return None };
        match number {
            Number::Avg => stats.avg,
            Number::Min => stats.min,
            Number::Max => stats.max,
            Number::Sum => Some(stats.sum),
        }
    }
}

/// What the second search counts for a chart.
pub(super) struct Groups {
    pub(super) slot: Slot,
    pub(super) compute: Compute,
    pub(super) keys: Json,
}

impl Number {
    /// In the address and in GraphQL, and for people.
    fn names(self) -> (&'static str, &'static str) {
        NUMBERS_KNOWN.iter().find(|(.., number)| *number == self).map_or(("avg", "average"), |(name, words, _)| (name, words))
    }
}

/// What a bar is called, and what a click on it asks for.
fn bar(path: &str, kind: &Kind, bucket: &Bucket) -> Option<(String, Option<Tick>)> {
    let tick = |what: What| Some(Tick { path: path.to_owned(), what });
    if let (Some(lower), Some(upper)) = (&bucket.lower, &bucket.upper) {
        let (from, to) = (written(lower, kind), written(upper, kind));
        return Some((format!("{from} to {to}"), tick(What::Between(from, to))));
    }
    let text = match bucket.lower.as_ref()? {
        Value::Text(text) => text.clone(),
        Value::Boolean(truth) => truth.to_string(),
        Value::Ip(address) => address.to_string(),
        other => return Some((written(other, kind), None)),
    };
    // what an address cannot say without being another one is shown all the same
    let clickable = text.trim() == text && !text.is_empty() && !matches!(kind, Kind::Ip);
    let tick = if clickable { tick(What::Value(text.clone())) } else { None };
    Some((text, tick))
}

fn capital(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn number_text(number: f64) -> String {
    if number.fract() == 0.0 && number.abs() < 1e15 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a whole number below 10^15")]
        let text = shelf::grouped(number.abs() as u64);
        return if number < 0.0 { format!("−{text}") } else { text };
    }
    format!("{number:.2}")
}

/// The fields that make groups; none chosen: no chart.
pub(super) fn fields(asked: &Asked, spots: &[Spot<'_>]) -> Vec<Choice> {
    let chosen = asked.chart.as_ref().map(|chart| chart.by.as_str());
    let none = Choice { value: String::new(), label: "no chart".to_owned(), chosen: chosen.is_none() };
    let field = |spot: &Spot<'_>| Choice {
        value: spot.exposed.field.path.clone(),
        label: spot.label.clone(),
        chosen: chosen == Some(spot.exposed.field.path.as_str()),
    };
    [none].into_iter().chain(spots.iter().filter(|spot| groups(spot)).take(MOST_CHOICES).map(field)).collect()
}

/// What can be shown of them; nothing to choose as long as there is no chart.
pub(super) fn numbers(asked: &Asked, spots: &[Spot<'_>]) -> Vec<Choice> {
    let Some(chart) = &asked.chart else { return Vec::new() };
    let count = Choice { value: String::new(), label: "how many".to_owned(), chosen: chart.of.is_none() };
    let of_field = |spot: &Spot<'_>| {
        let path = spot.exposed.field.path.clone();
        let label = spot.label.clone();
        NUMBERS_KNOWN.map(|(name, words, number)| Choice {
            value: format!("{path}:{name}"),
            label: format!("{words} {label}"),
            chosen: chart.of.as_ref().is_some_and(|(known, of)| *known == path && *of == number),
        })
    };
    [count].into_iter().chain(spots.iter().filter(|spot| measures(spot)).take(MOST_CHOICES / 4).flat_map(of_field)).collect()
}
