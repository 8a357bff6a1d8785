//! Random facets, metrics and groups.

use hooke::search::{
    Calendar, Compute, Direction, Facet, FacetOrder, GroupBy, GroupKey, GroupOrder, Having, Interval, Kind, Measure, Metric,
    Order, Query, Range, Scope, Slot, Top,
};
use hooke::verify::Random;

use super::documents::{EXACT, name};
use super::queries::{asked, spot};
use crate::ground::Shelf;

const NUMERIC: &[&str] = &["l", "i", "y", "x", "f", "h", "d", "n", "o.n", "e.n", "e.f.w"];
const NESTED: &[&str] = &["e.a", "e.n", "e.f.c", "e.f.w"];
/// Of which sums are exact in a double, in any order.
const SMALL: &[&str] = &["i", "y", "o.n", "e.n", "e.f.w"];
const TEXTUAL: &[&str] = &["k", "short", "low", "o.a", "t", "e.a", "e.f.c"];
const ZONES: &[&str] = &[
    "Pacific/Apia",
    "Australia/Lord_Howe",
    "America/St_Johns",
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Australia/Sydney",
    "+05:45",
    "-03:00",
];

/// Adds what is computed beside the hits.
pub fn add(random: &mut Random, shelf: &Shelf<'_>, query: &mut Query) {
    let mut slots = 0..;
    for _ in 0..random.below(4) {
        let compute = match random.below(3) {
            0 => {
                // often the field of a tick
                let path = query.ticks.first().filter(|_| random.once_in(2)).map(|(field, _)| field.path.clone());
                match random.below(6) {
                    0 => Compute::Facet(places(random, shelf)),
                    _ => Compute::Facet(facet(random, shelf, path.as_deref())),
                }
            }
            1 => metrics(random, shelf),
            _ => Compute::Groups(groups(random, shelf, &mut slots, 0, None, query.rank.is_some())),
        };
        let slot = slots.next().unwrap_or_default();
        query.compute.push((slot, compute));
    }
}

fn field(random: &mut Random) -> &'static str {
    match random.below(8) {
        0 => "t",
        1 | 2 => random.pick::<&str>(NESTED),
        _ => random.pick::<&str>(EXACT),
    }
}

fn direction(random: &mut Random) -> Direction {
    if random.once_in(2) { Direction::Asc } else { Direction::Desc }
}

fn facet(random: &mut Random, shelf: &Shelf<'_>, path: Option<&str>) -> Facet {
    let path = path.unwrap_or_else(|| field(random));
    let numeric = NUMERIC.contains(&path);
    let mut facet = Facet {
        values: (!random.once_in(4)).then(|| u32::try_from(random.below(7)).unwrap()),
        missing: random.once_in(3),
        distinct: random.once_in(2),
        stats: numeric && random.once_in(3),
        ..Facet::new(shelf.field(path))
    };
    for _ in 0..random.below(3) {
        facet.order.push(if random.once_in(2) {
            FacetOrder::Count(direction(random))
        } else {
            FacetOrder::Value(direction(random))
        });
    }
    if TEXTUAL.contains(&path) && random.once_in(2) {
        let letters: Vec<char> = name(random).chars().collect();
        let from = random.below(letters.len() + 1);
        facet.containing = Some(letters[from..].iter().take(1 + random.below(3)).collect());
    }
    if numeric {
        match random.below(3) {
            0 => facet.interval = Some(interval(random, shelf, path, true)),
            1 => facet.ranges = ranges(random, path),
            _ => {}
        }
    }
    facet
}

/// By distance and by tile of the map.
fn places(random: &mut Random, shelf: &Shelf<'_>) -> Facet {
    use hooke::search::value::Value;
    let metres = |random: &mut Random| Value::Double(*random.pick(&[0.0, 77_777.0, 1_234_567.0, 6e6, 1.3e7, 3e7]));
    let range = |random: &mut Random| Range {
        lower: (!random.once_in(3)).then(|| (metres(random), true)),
        upper: (!random.once_in(3)).then(|| (metres(random), false)),
    };
    let mut facet = Facet::new(shelf.field("p"));
    if !random.once_in(3) {
        facet.from = Some(spot(random));
        facet.ranges = (0..1 + random.below(3)).map(|_| range(random)).collect();
    }
    if facet.from.is_none() || random.once_in(2) {
        facet.zoom = Some(*random.pick(&[0, 1, 3, 7, 12]));
        facet.values = Some(u32::try_from(random.below(7)).unwrap());
        if random.once_in(2) {
            facet.order.push(FacetOrder::Count(direction(random)));
        }
    }
    facet
}

fn ranges(random: &mut Random, path: &str) -> Vec<Range> {
    let range = |random: &mut Random| {
        let lower = (!random.once_in(4)).then(|| (asked(random, path), true));
        let upper = (!random.once_in(4)).then(|| (asked(random, path), false));
        Range { lower, upper }
    };
    (0..1 + random.below(4)).map(|_| range(random)).collect()
}

/// `filled`: rather long ones, of which there are not too many.
fn interval(random: &mut Random, shelf: &Shelf<'_>, path: &str, filled: bool) -> Interval {
    match &shelf.field(path).kind {
        Kind::Date(_) => {
            let zone = (*random.pick(ZONES)).to_owned();
            if random.once_in(3) {
                let hours = if filled { *random.pick(&[24 * 365, 1_000_000]) } else { *random.pick(&[1, 7, 24, 168, 100_000]) };
                return Interval::Fixed { nanos: hours * 3_600_000_000_000, zone };
            }
            use Calendar::{Day, Hour, Minute, Month, Quarter, Week, Year};
            let unit = if filled && !random.once_in(6) {
                *random.pick(&[Year, Year, Quarter])
            } else {
                *random.pick(&[Minute, Hour, Day, Week, Month, Quarter, Year])
            };
            Interval::Calendar { unit, zone }
        }
        Kind::Number(number) if number.is_whole() => {
            let sizes = match path {
                _ if filled => &[3.0, 10.0, 1e6, 1e15][..],
                _ => &[1.0, 3.0, 10.0, 1e15],
            };
            Interval::Number { size: *random.pick(sizes), offset: *random.pick(&[0.0, 0.0, 1.0, -7.0]) }
        }
        _ => {
            let sizes = match path {
                _ if filled => &[0.5, 10.0, 1e37, 1e299][..],
                // the ends of the doubles divided by less than one are beyond all doubles: Elasticsearch leaves such groups out
                "x" => &[3.0, 1e10, 1e299],
                "f" => &[0.25, 3.0, 1e30],
                _ => &[0.25, 3.0, 1e10],
            };
            Interval::Number { size: *random.pick(sizes), offset: *random.pick(&[0.0, 0.0, 0.125, -7.5]) }
        }
    }
}

fn list_of<'p>(shelf: &Shelf<'_>, path: &'p str) -> (&'p str, Option<String>) {
    (path, shelf.field(path).nested.clone())
}

/// On a field of the documents or of this list.
fn metric(random: &mut Random, shelf: &Shelf<'_>, list: Option<&str>) -> (hooke::search::FieldRef, Metric) {
    let of_list = |paths: &[&'static str]| -> Vec<&'static str> {
        paths.iter().copied().filter(|path| list_of(shelf, path).1.as_deref() == list).collect()
    };
    if random.once_in(3) {
        let path = *random.pick(&of_list(&[EXACT, NESTED, &["t"]].concat()));
        return (shelf.field(path), if random.once_in(2) { Metric::Distinct } else { Metric::ValueCount });
    }
    let path = *random.pick(&of_list(NUMERIC));
    let metric = match random.below(4) {
        0 | 1 => Metric::Stats,
        // Elasticsearch squares first: of numbers far from zero little is left
        2 if !matches!(path, "d" | "n" | "l") => Metric::StdDev,
        2 => Metric::Stats,
        // between two ends of the doubles Elasticsearch finds no number
        _ if path == "x" => Metric::Stats,
        _ => Metric::Percentiles(vec![*random.pick(&[0.0, 5.0, 50.0, 99.5]), 95.0, *random.pick(&[25.0, 100.0])]),
    };
    (shelf.field(path), metric)
}

fn metrics(random: &mut Random, shelf: &Shelf<'_>) -> Compute {
    let list = *random.pick(&[None, None, Some("e"), Some("e.f")]);
    let of = (0..random.below(5)).map(|_| metric(random, shelf, list)).collect();
    Compute::Metrics { scope: Scope::Matched, under: list.map(|list| shelf.field(list)), of }
}

fn measured(random: &mut Random) -> (&'static str, Measure) {
    match random.below(6) {
        0 => (*random.pick(SMALL), Measure::Avg),
        1 => (*random.pick(SMALL), Measure::Sum),
        2 => (*random.pick(NUMERIC), Measure::Min),
        3 => (*random.pick(NUMERIC), Measure::Max),
        4 => (field(random), Measure::Distinct),
        _ => (field(random), Measure::ValueCount),
    }
}

fn groups(
    random: &mut Random,
    shelf: &Shelf<'_>,
    slots: &mut impl Iterator<Item = Slot>,
    depth: usize,
    level: Option<&str>,
    ranked: bool,
) -> GroupBy {
    let mut keys: Vec<GroupKey> = Vec::new();
    for _ in 0..1 + random.below(4).saturating_sub(1) {
        let path = field(random);
        if keys.iter().any(|key| key.field.path == path) {
            continue;
        }
        // inside a group of elements: keys of these, or others, not both
        let below = |path: &str| level.is_none_or(|level| list_of(shelf, path).1.is_some_and(|list| list.starts_with(level)));
        if keys.first().is_some_and(|first| below(&first.field.path) != below(path)) {
            continue;
        }
        let mut key = GroupKey { field: shelf.field(path), interval: None, ranges: Vec::new(), missing: random.once_in(3) };
        if NUMERIC.contains(&path) {
            match random.below(4) {
                0 => key.interval = Some(interval(random, shelf, path, false)),
                1 => key.ranges = ranges(random, path),
                _ => {}
            }
        }
        keys.push(key);
    }
    let mut order: Vec<GroupOrder> = Vec::new();
    for _ in 0..random.below(3) {
        order.push(match random.below(3) {
            0 => GroupOrder::Count(direction(random)),
            1 => GroupOrder::Key(direction(random)),
            _ => {
                let (path, measure) = measured(random);
                GroupOrder::Metric { field: shelf.field(path), measure, direction: direction(random) }
            }
        });
    }
    let ranged = keys.iter().any(|key| !key.ranges.is_empty());
    let mut after = None;
    if depth == 0 && matches!(order.as_slice(), [GroupOrder::Key(_)]) && !ranged && random.once_in(2) {
        let value = |random: &mut Random, key: &GroupKey| {
            let none = key.missing && random.once_in(6);
            (!none).then(|| super::documents::one(random, &key.field.path).1)
        };
        // a text is a key where it is short enough
        if keys.iter().all(|key| key.field.path != "t") {
            after = Some(keys.iter().map(|key| value(random, key)).collect());
        }
    }
    let having = random.once_in(4).then(|| having(random, shelf, 2));
    let mut inside = Vec::new();
    let lists = keys.iter().filter_map(|key| key.field.nested.clone());
    let deepest = lists.max_by_key(String::len);
    if random.once_in(2) {
        for _ in 0..1 + random.below(2) {
            let compute = match random.below(3) {
                0 if depth < 2 => Compute::Groups(groups(random, shelf, slots, depth + 1, deepest.as_deref(), ranked)),
                1 => {
                    let path = *random.pick(EXACT);
                    let by = Order::Field { field: shelf.field(path), direction: direction(random), missing: Default::default() };
                    let order = if !ranked && random.once_in(2) { Vec::new() } else { vec![by] };
                    Compute::Top(Top { size: u32::try_from(random.below(4)).unwrap(), order, fields: Some(Vec::new()) })
                }
                _ => metrics(random, shelf),
            };
            inside.push((slots.next().unwrap_or_default(), compute));
        }
    }
    let first = u32::try_from(if random.once_in(3) { 99 } else { random.below(6) }).unwrap();
    GroupBy { keys, first, after, order, having, inside }
}

fn having(random: &mut Random, shelf: &Shelf<'_>, depth: usize) -> Having {
    use hooke::search::value::Value;
    if depth > 0 && random.once_in(3) {
        let parts = |random: &mut Random| (0..random.below(3)).map(|_| having(random, shelf, depth - 1)).collect();
        return match random.below(3) {
            0 => Having::And(parts(random)),
            1 => Having::Or(parts(random)),
            _ => Having::Not(Box::new(having(random, shelf, depth - 1))),
        };
    }
    if random.once_in(3) {
        let at = Value::Long(i64::try_from(random.below(5)).unwrap());
        let under = *random.pick(&[None, None, Some("e"), Some("e.f")]);
        let elements = under.is_some() && random.once_in(2);
        return Having::Count { under: under.map(|list| shelf.field(list)), elements, range: side(random, at) };
    }
    let (path, measure) = measured(random);
    let range = match random.below(3) {
        0 => Range::default(),
        _ if matches!(shelf.field(path).kind, Kind::Date(_)) && matches!(measure, Measure::Min | Measure::Max) => {
            let at = asked(random, path);
            side(random, at)
        }
        _ => {
            let at = Value::Double(*random.pick(&[0.0, 1.0, 2.0, 3.5, -1.0]));
            side(random, at)
        }
    };
    Having::Metric { field: shelf.field(path), measure, range }
}

fn side(random: &mut Random, at: hooke::search::value::Value) -> Range {
    let end = Some((at, random.once_in(2)));
    if random.once_in(2) { Range { lower: end, upper: None } } else { Range { lower: None, upper: end } }
}
