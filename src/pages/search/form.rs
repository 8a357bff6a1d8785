//! What one may choose: rows of the filter form, orders, sizes, places; and what is chosen, each with the page without it.

use super::address::{Asked, At, NEAREST, SIZES};
use super::conditions::{self, Condition, Operator, Spot};
use super::near;
use crate::catalog::ask;
use crate::search::Direction;

/// Rows of the filter form, and fields to sort by; others can be asked for in the address.
pub(super) const MOST_ROWS: usize = 40;

/// A filter or a tick that is on, and the address of the page without it.
pub(super) struct Chip {
    pub(super) text: String,
    /// Its name in the address, and what stands behind it.
    pub(super) name: &'static str,
    pub(super) written: String,
    pub(super) remove: String,
}

/// A field of the filter form.
pub(super) struct Row {
    pub(super) number: usize,
    pub(super) path: String,
    pub(super) label: String,
    pub(super) kind: &'static str,
    pub(super) operators: Vec<Operator>,
    /// There is an operator that wants one.
    pub(super) has_value: bool,
    /// Of the values, for the keyboard of a phone.
    pub(super) keyboard: &'static str,
    pub(super) hint: &'static str,
}

pub(super) struct Choice {
    pub(super) value: String,
    pub(super) label: String,
    pub(super) chosen: bool,
}

pub(super) fn chips(asked: &Asked, spots: &[Spot<'_>], action: &str) -> Vec<Chip> {
    let label_of = |path: &str| {
        let spot = spots.iter().find(|spot| spot.exposed.field.path == path);
        spot.map_or_else(|| path.to_owned(), |spot| spot.label.clone())
    };
    let chip = |(n, condition): (usize, &Condition)| {
        let label = label_of(&condition.path);
        let value = if condition.operator.wants_value() { condition.value.as_str() } else { "" };
        Chip {
            text: format!("{label} {} {value}", condition.operator.label).trim_end().to_owned(),
            name: "f",
            written: condition.write(),
            remove: format!("{action}{}", asked.without(n).write()),
        }
    };
    let ticks = asked.ticks.iter().map(|tick| {
        let (name, written) = tick.write();
        let remove = format!("{action}{}", asked.turned(tick).write());
        Chip { text: tick.text(&label_of(&tick.path)), name, written, remove }
    });
    let near = asked.near.as_ref().map(|near| Chip {
        text: near.text(&label_of(&near.path)),
        name: "near",
        written: near.write(),
        remove: format!("{action}{}", Asked { near: None, nearest: false, ..asked.at(At::Number(1)) }.write()),
    });
    asked.conditions.iter().enumerate().map(chip).chain(ticks).chain(near).collect()
}

pub(super) fn rows(spots: &[Spot<'_>]) -> Vec<Row> {
    let row = |(number, spot): (usize, &Spot<'_>)| {
        let operators = conditions::operators(&spot.exposed.field);
        let kind = conditions::kind_label(&spot.exposed.field);
        let (keyboard, hint) = match kind {
            "whole number" => ("numeric", "12"),
            "number" => ("decimal", "1.5"),
            "date" => ("text", "1950, 1950-06-30, now-7d"),
            "IP address" => ("text", "10.0.0.1"),
            "text" => ("text", "words"),
            _ => ("text", "value"),
        };
        let has_value = operators.iter().any(Operator::wants_value);
        let path = spot.exposed.field.path.clone();
        (!operators.is_empty()).then_some(Row {
            number,
            path,
            label: spot.label.clone(),
            kind,
            operators,
            has_value,
            keyboard,
            hint,
        })
    };
    spots.iter().enumerate().filter_map(row).take(MOST_ROWS).collect()
}

pub(super) fn sorts(asked: &Asked, spots: &[Spot<'_>]) -> Vec<Choice> {
    let first = Choice {
        value: String::new(),
        label: match (asked.text.is_empty(), &asked.near) {
            (true, Some(_)) => "nearest first",
            (true, None) => "as they come",
            (false, _) => "best match",
        }
        .to_owned(),
        chosen: asked.sort.is_none() && !asked.nearest,
    };
    let nearest = (asked.near.is_some() && !asked.text.is_empty()).then(|| Choice {
        value: NEAREST.to_owned(),
        label: "nearest first".to_owned(),
        chosen: asked.nearest,
    });
    let chosen = |path: &str, direction| asked.sort.as_ref().is_some_and(|(sort, way)| sort == path && *way == direction);
    let sortable = spots.iter().filter(|spot| ask::can_sort(&spot.exposed.field)).take(MOST_ROWS);
    let fields = sortable.flat_map(|spot| {
        let path = &spot.exposed.field.path;
        [("asc", "↑", Direction::Asc), ("desc", "↓", Direction::Desc)].map(|(end, arrow, direction)| Choice {
            value: format!("{path}:{end}"),
            label: format!("{} {arrow}", spot.label),
            chosen: chosen(path, direction),
        })
    });
    [first].into_iter().chain(nearest).chain(fields).collect()
}

/// The fields that hold places, to be near to.
pub(super) fn places(asked: &Asked, spots: &[Spot<'_>]) -> Vec<Choice> {
    let choice = |spot: &Spot<'_>| Choice {
        value: spot.exposed.field.path.clone(),
        label: spot.label.clone(),
        chosen: asked.near.as_ref().is_some_and(|near| near.path == spot.exposed.field.path),
    };
    near::places(spots).map(choice).collect()
}

pub(super) fn sizes(asked: &Asked) -> Vec<Choice> {
    let mut sizes = SIZES.to_vec();
    if !sizes.contains(&asked.size) {
        sizes.push(asked.size);
        sizes.sort_unstable();
    }
    let choice = |size: u32| Choice { value: size.to_string(), label: size.to_string(), chosen: size == asked.size };
    sizes.into_iter().map(choice).collect()
}
