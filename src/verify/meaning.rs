//! What a filter and an order mean for one document, as plainly as can be said.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::search::date::Time;
use crate::search::pattern::{Node, Pattern, Piece, Shape, fold};
use crate::search::value::{Value, mapped};
use crate::search::{Direction, FieldRef, Filter, GeoPoint, Kind, Missing, Number, Quantifier, Range, TextFilter};

use super::document::{Document, lower};
use super::words::Words;

/// Between the values of a list of texts lie so many empty places.
const GAP: usize = 100;

pub(super) fn points_of<'d>(document: &'d Document, field: &FieldRef) -> &'d [GeoPoint] {
    document.points.get(&field.path).map_or(&[], Vec::as_slice)
}

fn values<'d>(document: &'d Document, path: &str) -> &'d [Value] {
    document.values.get(path).map_or(&[], Vec::as_slice)
}

/// What equality, patterns and sorting see: of a text its keyword, of which long values are cut.
pub(super) fn exact_values(document: &Document, field: &FieldRef) -> Vec<Value> {
    let all = values(document, &field.path);
    match &field.kind {
        Kind::Text { exact: Some(exact), .. } => {
            let fits = |text: &str| exact.ignore_above.is_none_or(|most| text.encode_utf16().count() <= most as usize);
            let kept = all.iter().filter_map(|value| match value {
                Value::Text(text) if fits(text) => Some(if is_lowered(field) { lower(text) } else { text.clone() }),
                _ => None,
            });
            kept.map(Value::Text).collect()
        }
        _ => all.to_vec(),
    }
}

/// The `lowercase` normalizer, the only one that is known here.
fn is_lowered(field: &FieldRef) -> bool {
    match &field.kind {
        Kind::Keyword(exact) | Kind::Text { exact: Some(exact), .. } => exact.normalizer.is_some(),
        _ => false,
    }
}

fn asked(field: &FieldRef, value: &Value) -> Value {
    match value {
        Value::Text(text) if is_lowered(field) => Value::Text(lower(text)),
        Value::Date(time) if !matches!(&field.kind, Kind::Date(date) if date.nanos) => Value::Date(time.to_millis()),
        other => other.clone(),
    }
}

/// Terms with their places.
pub(super) fn terms(words: &dyn Words, document: &Document, field: &FieldRef) -> Vec<(usize, String)> {
    let mut terms = Vec::new();
    let mut place = 0;
    for value in values(document, &field.path) {
        let Value::Text(text) = value else { continue };
        if matches!(field.kind, Kind::Keyword(_)) {
            terms.push((place, text.clone()));
            continue;
        }
        for word in analyze(words, field, text) {
            terms.push((place, word));
            place += 1;
        }
        place += GAP;
    }
    terms
}

fn analyze(words: &dyn Words, field: &FieldRef, text: &str) -> Vec<String> {
    match &field.kind {
        Kind::Text { analyzer, .. } => words.words(analyzer, text),
        _ => Vec::new(),
    }
}

pub(super) fn words_of_query(words: &dyn Words, field: &FieldRef, text: &str) -> Vec<String> {
    match field.kind {
        _ if text.is_empty() => Vec::new(),
        Kind::Keyword(_) if is_lowered(field) => vec![lower(text)],
        Kind::Keyword(_) => vec![text.to_owned()],
        _ => analyze(words, field, text),
    }
}

pub(super) fn holds(words: &dyn Words, document: &Document, filter: &Filter) -> bool {
    match filter {
        Filter::All => true,
        Filter::Nothing => false,
        Filter::And(parts) => parts.iter().all(|part| holds(words, document, part)),
        Filter::Or(parts) => parts.iter().any(|part| holds(words, document, part)),
        Filter::Not(part) => !holds(words, document, part),
        Filter::Exists(field) if field.kind == Kind::Object => {
            field.fields.iter().any(|inner| holds(words, document, &Filter::Exists(inner.clone())))
        }
        Filter::Exists(field) if field.kind == Kind::Nested => !document.elements(&field.path).is_empty(),
        Filter::Nested { field, quantifier, filter } => {
            let elements = document.elements(&field.path);
            match quantifier {
                Quantifier::Some => elements.iter().any(|element| holds(words, element, filter)),
                Quantifier::None => !elements.iter().any(|element| holds(words, element, filter)),
                Quantifier::Every => elements.iter().all(|element| holds(words, element, filter)),
            }
        }
        Filter::Exists(field) if field.kind == Kind::GeoPoint => !points_of(document, field).is_empty(),
        Filter::Exists(field) if matches!(field.kind, Kind::Vector { .. }) => document.vectors.contains_key(&field.path),
        Filter::Exists(field) => !values(document, &field.path).is_empty(),
        Filter::OneOf(field, wanted) => {
            let there = exact_values(document, field);
            wanted.iter().map(|value| asked(field, value)).any(|wanted| there.iter().any(|value| same(value, &wanted)))
        }
        Filter::Range(field, range) => exact_values(document, field).iter().any(|value| within(field, value, range)),
        Filter::Pattern(field, pattern) => {
            let pattern = normalized(field, pattern);
            exact_values(document, field).iter().any(|value| match value {
                Value::Text(text) => fits(&pattern, is_lowered(field), text),
                _ => false,
            })
        }
        Filter::Words(field, wanted) => has_words(words, document, field, wanted),
        Filter::Networks(field, networks) => values(document, &field.path).iter().any(|value| match value {
            Value::Ip(address) => networks.iter().any(|network| {
                let (first, last) = network.span();
                (first..=last).contains(&mapped(*address))
            }),
            _ => false,
        }),
        Filter::Ids(ids) => ids.iter().any(|id| id.as_str() == document.id),
        Filter::Near { field, center, metres: most } => {
            points_of(document, field).iter().any(|point| metres(*center, *point) <= *most)
        }
        Filter::InBox { field, top, left, bottom, right } => points_of(document, field).iter().any(|GeoPoint { lat, lon }| {
            let across = if left <= right { left <= lon && lon <= right } else { left <= lon || lon <= right };
            bottom <= lat && lat <= top && across
        }),
        Filter::InPolygon { field, points } => points_of(document, field).iter().any(|point| winds(points, *point)),
    }
}

/// Along the surface: the angle between two arrows from the middle of the earth.
pub(super) fn metres(a: GeoPoint, b: GeoPoint) -> f64 {
    let arrow = |point: GeoPoint| {
        let (lat, lon) = (point.lat.to_radians(), point.lon.to_radians());
        [lat.cos() * lon.cos(), lat.cos() * lon.sin(), lat.sin()]
    };
    let (a, b) = (arrow(a), arrow(b));
    let cross = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
    let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
    6_371_008.771_4 * cross.iter().map(|part| part * part).sum::<f64>().sqrt().atan2(dot)
}

/// Whether a walk round the corners, none of them more than half the earth from its neighbour, goes round the point.
fn winds(corners: &[GeoPoint], point: GeoPoint) -> bool {
    let angle = |corner: &GeoPoint| (corner.lat - point.lat).atan2(corner.lon - point.lon);
    let mut turned = 0.0;
    for (one, other) in corners.iter().zip(corners.iter().cycle().skip(1)) {
        let mut step = angle(other) - angle(one);
        if step > std::f64::consts::PI {
            step -= std::f64::consts::TAU;
        } else if step < -std::f64::consts::PI {
            step += std::f64::consts::TAU;
        }
        turned += step;
    }
    turned.abs() > 3.0
}

fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Ip(a), Value::Ip(b)) => mapped(*a) == mapped(*b),
        _ => a == b,
    }
}

pub(super) fn within(field: &FieldRef, value: &Value, range: &Range) -> bool {
    let lower = range.lower.as_ref().is_none_or(|(bound, inside)| match order_of(value, &asked(field, bound)) {
        Ordering::Greater => true,
        Ordering::Equal => *inside,
        Ordering::Less => false,
    });
    let upper = range.upper.as_ref().is_none_or(|(bound, inside)| match order_of(value, &asked(field, bound)) {
        Ordering::Less => true,
        Ordering::Equal => *inside,
        Ordering::Greater => false,
    });
    lower && upper
}

pub(super) fn order_of(a: &Value, b: &Value) -> Ordering {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Long(a), Value::Long(b)) => a.cmp(b),
        (Value::Double(a), Value::Double(b)) => a.total_cmp(b),
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(b),
        (Value::Date(a), Value::Date(b)) => a.cmp(b),
        (Value::Ip(a), Value::Ip(b)) => mapped(*a).octets().cmp(&mapped(*b).octets()),
        // values of one field are of one kind
        _ => Ordering::Equal,
    }
}

/// A pattern on a field that is lowered is lowered itself; of its classes see [`Reading::within`].
fn normalized(field: &FieldRef, pattern: &Pattern) -> Pattern {
    let mut pattern = pattern.clone();
    if is_lowered(field) {
        pattern.shape = match pattern.shape {
            Shape::Prefix(text) => Shape::Prefix(lower(&text)),
            Shape::Wildcard(pieces) => Shape::Wildcard(
                pieces
                    .into_iter()
                    .map(|piece| match piece {
                        Piece::Char(c) => Piece::Char(lower(&c.to_string()).chars().next().unwrap_or(c)),
                        other => other,
                    })
                    .collect(),
            ),
            Shape::Regexp(node) => Shape::Regexp(lowered(node)),
        };
    }
    pattern
}

fn lowered(node: Node) -> Node {
    match node {
        Node::Char(c) => Node::Char(lower(&c.to_string()).chars().next().unwrap_or(c)),
        Node::Concat(nodes) => Node::Concat(nodes.into_iter().map(lowered).collect()),
        Node::Alternate(nodes) => Node::Alternate(nodes.into_iter().map(lowered).collect()),
        Node::Repeat { node, min, max } => Node::Repeat { node: Box::new(lowered(*node)), min, max },
        other => other,
    }
}

fn fits(pattern: &Pattern, lowered: bool, text: &str) -> bool {
    let letters: Vec<char> = text.chars().collect();
    let reading = Reading { ignore_case: pattern.ignore_case, lowered, letters: &letters };
    reading.ends(&pattern.node(), &[0].into()).contains(&letters.len())
}

struct Reading<'t> {
    ignore_case: bool,
    /// The letters are small ones, made of what they were.
    lowered: bool,
    letters: &'t [char],
}

impl Reading<'_> {
    /// A small letter is within a class where one is that it may have been.
    fn within(&self, ranges: &[(char, char)], letter: char) -> bool {
        let small = |c: char| lower(&c.to_string()).chars().eq([letter]);
        let before = fold(letter).chain(['İ']).filter(|c| self.lowered && small(*c));
        let inside = |letter: char| ranges.iter().any(|(low, high)| (*low..=*high).contains(&letter));
        before.chain([letter]).any(|letter| inside(letter) || (self.ignore_case && fold(letter).any(inside)))
    }

    /// Where a match that starts at one of these places can end.
    fn ends(&self, node: &Node, starts: &BTreeSet<usize>) -> BTreeSet<usize> {
        let step = |takes: &dyn Fn(char) -> bool| -> BTreeSet<usize> {
            starts.iter().filter(|at| self.letters.get(**at).is_some_and(|letter| takes(*letter))).map(|at| at + 1).collect()
        };
        let equal = |a: char, b: char| a == b || (self.ignore_case && fold(a).any(|other| other == b));
        match node {
            Node::Empty => starts.clone(),
            Node::Any => step(&|_| true),
            Node::Char(wanted) => step(&|letter| equal(letter, *wanted)),
            Node::Class { negated, ranges } => step(&|letter| self.within(ranges, letter) != *negated),
            Node::Concat(nodes) => nodes.iter().fold(starts.clone(), |places, node| self.ends(node, &places)),
            Node::Alternate(nodes) => nodes.iter().flat_map(|node| self.ends(node, starts)).collect(),
            Node::Repeat { node, min, max } => {
                let mut places = starts.clone();
                let mut all = BTreeSet::new();
                for times in 0.. {
                    if times >= *min {
                        let before = all.len();
                        all.extend(&places);
                        if times > *min && all.len() == before {
                            break;
                        }
                    }
                    if max.is_some_and(|max| times >= max) {
                        break;
                    }
                    places = self.ends(node, &places);
                }
                all
            }
        }
    }
}

fn has_words(words: &dyn Words, document: &Document, field: &FieldRef, wanted: &TextFilter) -> bool {
    let there = terms(words, document, field);
    let analyze = |text: &str| analyze(words, field, text);
    match wanted {
        TextFilter::Any(text) => analyze(text).iter().any(|word| there.iter().any(|(_, other)| other == word)),
        TextFilter::Phrase(text) => has_phrase(&there, &analyze(text), false),
        TextFilter::PhrasePrefix(text) => has_phrase(&there, &analyze(text), true),
    }
}

fn has_phrase(there: &[(usize, String)], words: &[String], open: bool) -> bool {
    let Some(last) = words.len().checked_sub(1) else { return false };
    there.iter().any(|(start, _)| {
        words.iter().enumerate().all(|(at, word)| {
            there.iter().any(|(place, other)| {
                *place == start + at && (other == word || (open && at == last && other.starts_with(word.as_str())))
            })
        })
    })
}

pub(super) fn compare(a: &Document, b: &Document, field: &FieldRef, direction: Direction, missing: Missing) -> Ordering {
    let key = |document: &Document| {
        let all = exact_values(document, field);
        match direction {
            Direction::Asc => all.into_iter().min_by(order_of),
            Direction::Desc => all.into_iter().max_by(order_of),
        }
    };
    let (mut a, mut b) = (key(a), key(b));
    // a whole number without a value counts as the greatest or least one there is, and ties with a real one
    let high = (missing == Missing::Last) == (direction == Direction::Asc);
    let end = match &field.kind {
        Kind::Number(Number::Long) => Some(Value::Long(if high { i64::MAX } else { i64::MIN })),
        Kind::Number(Number::Integer) => Some(Value::Long(if high { i32::MAX } else { i32::MIN }.into())),
        Kind::Date(date) if date.nanos => Some(Value::Date(Time(if high { i64::MAX } else { 0 }.into()))),
        _ => None,
    };
    (a, b) = (a.or(end.clone()), b.or(end));
    let absent_first = missing == Missing::First;
    match (a, b) {
        (None, None) => Ordering::Equal,
        (None, Some(_)) if absent_first => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (Some(_), None) if absent_first => Ordering::Greater,
        (Some(_), None) => Ordering::Less,
        (Some(a), Some(b)) => match direction {
            Direction::Asc => order_of(&a, &b),
            Direction::Desc => order_of(&b, &a),
        },
    }
}

/// Of several points the nearest, or the farthest going down; without one it is infinitely far.
pub(super) fn compare_distances(a: &Document, b: &Document, field: &FieldRef, from: GeoPoint, direction: Direction) -> Ordering {
    let key = |document: &Document| {
        let all = points_of(document, field).iter().map(|point| metres(from, *point));
        match direction {
            Direction::Asc => all.reduce(f64::min),
            Direction::Desc => all.reduce(f64::max),
        }
        .unwrap_or(f64::INFINITY)
    };
    let (a, b) = (key(a), key(b));
    // the same place twice
    let order = if (a - b).abs() < 1.0 { Ordering::Equal } else { a.total_cmp(&b) };
    if direction == Direction::Desc { order.reverse() } else { order }
}
