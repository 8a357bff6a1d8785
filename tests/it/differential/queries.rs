//! Random queries on the documents of a corpus.

use hooke::search::pattern::Pattern;
use hooke::search::value::{Cidr, Value};
use hooke::search::{
    Direction, DocumentId, Filter, From, Fuzziness, GeoPoint, InnerHits, Missing, Operator, Order, PageRequest, Quantifier,
    Query, Range, Rank, TextFilter, TextMatch,
};
use hooke::verify::Random;

use super::computing;
use super::documents::{EXACT, LONGS, TEXTS, VECTORS, name, one, sentence, vector};
use crate::ground::Shelf;

const KEYWORDS: &[&str] = &["k", "short", "low", "o.a", "t"];
const NUMBERS: &[&str] = &["l", "i", "y", "x", "f", "h", "d", "n", "o.n", "e.n", "e.f.w"];
const NETWORKS: &[&str] =
    &["10.0.0.0/8", "10.0.0.0/31", "0.0.0.0/0", "::/0", "2001:db8::/32", "::1/128", "9.0.0.1/32", "fe80::/10"];

/// A value to ask for: often one that is there.
pub fn asked(random: &mut Random, path: &str) -> Value {
    match path {
        "t" => Value::Text(sentence(random)),
        // whole kinds may be asked for what they cannot hold
        "y" | "i" | "o.n" | "e.n" | "e.f.w" if random.once_in(6) => Value::Long(*random.pick(LONGS)),
        _ => one(random, path).1,
    }
}

/// `ids`: of documents that are there.
pub fn queries(random: &mut Random, shelf: &Shelf<'_>, ids: &[String], count: usize) -> Vec<Query> {
    (0..count).map(|_| query(random, shelf, ids)).collect()
}

fn query(random: &mut Random, shelf: &Shelf<'_>, ids: &[String]) -> Query {
    let mut query = shelf.query();
    query.rank = match random.below(9) {
        0..3 => Some(rank(random, shelf)),
        3 => Some(near(random, shelf)),
        4 => Some(Rank::Fused(vec![rank(random, shelf), near(random, shelf)])),
        _ => None,
    };
    if !random.once_in(5) {
        query.filter = filter(random, shelf, 3);
        if random.once_in(9) {
            let ids = (0..random.below(20)).map(|_| DocumentId::parse(random.pick::<String>(ids)).unwrap()).collect();
            query.filter = Filter::Or(vec![query.filter, Filter::Ids(ids)]);
        }
    }
    if random.once_in(4) {
        query.rule = filter(random, shelf, 1);
    }
    if random.once_in(5) {
        let path = *random.pick(EXACT);
        query.ticks = vec![(shelf.field(path), leaf_on(random, shelf, path))];
    }
    let scored = query.rank.is_some();
    let fused = matches!(query.rank, Some(Rank::Fused(_)));
    // a fusion has an order of its own
    for _ in 0..if fused { 0 } else { random.below(3) } {
        query.order.push(if scored && random.once_in(3) { Order::Score(direction(random)) } else { order(random, shelf) });
    }
    let by_score = scored && (query.order.is_empty() || query.order.iter().any(|order| matches!(order, Order::Score(_))));
    // near-equal scores may change places, so only whole answers can be compared
    if !by_score && random.once_in(2) {
        let size = u32::try_from(random.below(9)).unwrap();
        query.page = match random.below(3) {
            0 => PageRequest { size, backward: true, from: From::Start },
            1 => PageRequest { size, backward: false, from: From::Offset(u32::try_from(random.below(30)).unwrap()) },
            _ => PageRequest { size, backward: false, from: From::Start },
        };
    }
    query.fetch.scores = scored;
    if random.once_in(5) {
        for _ in 0..1 + random.below(2) {
            let path = *random.pick(&["e", "e", "e.f"]);
            let filter = if random.once_in(4) { Filter::All } else { of_element(random, shelf, path, 2) };
            query.fetch.inner_hits.push(InnerHits { field: shelf.field(path), filter, size: *random.pick(&[1, 2, 9]) });
        }
    }
    if random.once_in(2) {
        computing::add(random, shelf, &mut query);
    }
    query
}

fn direction(random: &mut Random) -> Direction {
    if random.once_in(2) { Direction::Asc } else { Direction::Desc }
}

fn order(random: &mut Random, shelf: &Shelf<'_>) -> Order {
    if random.once_in(8) {
        return Order::Distance { field: shelf.field("p"), from: spot(random), direction: direction(random) };
    }
    let path = if random.once_in(8) { "t" } else { *random.pick(EXACT) };
    let missing = if random.once_in(3) { Missing::First } else { Missing::Last };
    Order::Field { field: shelf.field(path), direction: direction(random), missing }
}

fn rank(random: &mut Random, shelf: &Shelf<'_>) -> Rank {
    let mut fields = vec![(shelf.field(random.pick::<&str>(TEXTS)), *random.pick(&[1.0, 1.0, 3.0, 0.5]))];
    if random.once_in(2) {
        fields.push((shelf.field(random.pick::<&str>(&["t", "u", "k", "low"])), *random.pick(&[1.0, 2.0])));
    }
    fields.dedup_by(|a, b| a.0.path == b.0.path);
    Rank::Text(TextMatch {
        query: sentence(random),
        fields,
        operator: if random.once_in(3) { Operator::And } else { Operator::Or },
        fuzziness: *random.pick(&[Fuzziness::None, Fuzziness::None, Fuzziness::Auto, Fuzziness::One, Fuzziness::Two]),
    })
}

/// Near a vector that documents may have, or one beside all of them. All candidates are looked at, so that nothing is left to chance.
fn near(random: &mut Random, shelf: &Shelf<'_>) -> Rank {
    let path = *random.pick(VECTORS);
    let mut vector = vector(random, path);
    if random.once_in(2) {
        vector[0] += 0.37;
    }
    Rank::Knn { field: shelf.field(path), vector, k: *random.pick(&[3, 10, 50]), candidates: 1_000 }
}

fn filter(random: &mut Random, shelf: &Shelf<'_>, depth: usize) -> Filter {
    if depth == 0 || random.once_in(2) {
        return leaf(random, shelf);
    }
    let parts = |random: &mut Random| (0..random.below(4)).map(|_| filter(random, shelf, depth - 1)).collect();
    match random.below(3) {
        0 => Filter::And(parts(random)),
        1 => Filter::Or(parts(random)),
        _ => Filter::Not(Box::new(filter(random, shelf, depth - 1))),
    }
}

/// Somewhere near no point of a document, so that rounding decides nothing.
pub fn spot(random: &mut Random) -> GeoPoint {
    let degrees = |random: &mut Random, most: usize| random.below(2 * most) as f64 - most as f64 + 0.313;
    GeoPoint { lat: degrees(random, 89), lon: degrees(random, 179) }
}

fn placed(random: &mut Random, shelf: &Shelf<'_>) -> Filter {
    let field = shelf.field("p");
    match random.below(3) {
        0 => Filter::Near { field, center: spot(random), metres: *random.pick(&[77_777.0, 1_234_567.0, 6e6, 1.3e7, 3e7]) },
        1 => {
            let (a, b) = (spot(random), spot(random));
            Filter::InBox { field, top: a.lat.max(b.lat), left: a.lon, bottom: a.lat.min(b.lat), right: b.lon }
        }
        _ => {
            // round a middle, so that it does not cross itself, on one side of the date line
            let middle = spot(random);
            let (high, wide) = (60.0_f64.min(90.0 - middle.lat.abs()), 120.0_f64.min(180.0 - middle.lon.abs()));
            let count = 3 + random.below(4);
            let mut points: Vec<GeoPoint> = (0..count)
                .map(|at| {
                    let angle = (at as f64 + 0.37) / count as f64 * std::f64::consts::TAU;
                    let away = 0.3 + 0.1 * random.below(7) as f64;
                    GeoPoint { lat: middle.lat + high * away * angle.sin(), lon: middle.lon + wide * away * angle.cos() }
                })
                .collect();
            if wide < 90.0 && random.once_in(2) {
                points.reverse();
            }
            Filter::InPolygon { field, points }
        }
    }
}

/// Two conditions on elements of one list, each of which may be held by another element; or none of them, beside something else.
fn twice(random: &mut Random, shelf: &Shelf<'_>) -> Filter {
    let path = *random.pick(&["e", "e", "e.f"]);
    let field = shelf.field(path);
    let on = |quantifier, filter| Filter::Nested { field: field.clone(), quantifier, filter: Box::new(filter) };
    let (one, other) = (of_element(random, shelf, path, 1), of_element(random, shelf, path, 1));
    match random.below(4) {
        0 | 1 => Filter::And(vec![on(Quantifier::Some, one), on(Quantifier::Some, other)]),
        2 => Filter::Or(vec![on(Quantifier::None, one), leaf(random, shelf)]),
        _ => Filter::Or(vec![on(Quantifier::None, one), on(Quantifier::Every, other)]),
    }
}

/// A condition on the elements of a list below that of `around`, which is empty for documents.
fn nested(random: &mut Random, shelf: &Shelf<'_>, around: &str) -> Filter {
    let path = if around == "e" || random.once_in(4) { "e.f" } else { "e" };
    Filter::Nested {
        field: shelf.field(path),
        quantifier: *random.pick(&[Quantifier::Some, Quantifier::Some, Quantifier::None, Quantifier::Every]),
        filter: Box::new(of_element(random, shelf, path, 2)),
    }
}

fn of_element(random: &mut Random, shelf: &Shelf<'_>, list: &str, depth: usize) -> Filter {
    if depth > 0 && random.once_in(2) {
        let parts = |random: &mut Random| (0..1 + random.below(2)).map(|_| of_element(random, shelf, list, depth - 1)).collect();
        return match random.below(3) {
            0 => Filter::And(parts(random)),
            1 => Filter::Or(parts(random)),
            _ => Filter::Not(Box::new(of_element(random, shelf, list, depth - 1))),
        };
    }
    let fields: &[&str] = if list == "e" { &["e.a", "e.n"] } else { &["e.f.c", "e.f.w"] };
    match random.below(7) {
        0 => [Filter::All, Filter::Nothing][random.below(2)].clone(),
        1 => Filter::Exists(shelf.field(random.pick::<&str>(if list == "e" { &["e.a", "e.t", "e.f"] } else { fields }))),
        2 if list == "e" => Filter::Words(shelf.field("e.t"), TextFilter::Any(sentence(random))),
        3 if list == "e" => nested(random, shelf, list),
        4 => Filter::Pattern(shelf.field(fields[0]), pattern(random)),
        _ => {
            let path = *random.pick(fields);
            leaf_on(random, shelf, path)
        }
    }
}

fn leaf(random: &mut Random, shelf: &Shelf<'_>) -> Filter {
    match random.below(14) {
        13 => twice(random, shelf),
        10 => placed(random, shelf),
        11 | 12 => nested(random, shelf, ""),
        0 => [Filter::All, Filter::Nothing][random.below(2)].clone(),
        1 => {
            let path = *random.pick(&["k", "short", "t", "u", "l", "x", "d", "ip", "b", "o", "o.n", "p", "e", "e.f", "v"]);
            Filter::Exists(shelf.field(path))
        }
        // of no document
        2 => Filter::Ids(["d", "d0", "none"].iter().map(|id| DocumentId::parse(id).unwrap()).collect()),
        3 | 4 => {
            let text = sentence(random);
            let field = shelf.field(random.pick::<&str>(TEXTS));
            Filter::Words(
                field,
                match random.below(3) {
                    0 => TextFilter::Any(text),
                    1 => TextFilter::Phrase(text.split(' ').take(2).collect::<Vec<_>>().join(" ")),
                    _ => TextFilter::PhrasePrefix(beginning(random, &text)),
                },
            )
        }
        5 => {
            let path = *random.pick(KEYWORDS);
            Filter::Pattern(shelf.field(path), pattern(random))
        }
        _ => {
            let path = *random.pick(EXACT);
            leaf_on(random, shelf, path)
        }
    }
}

/// The last word of at most two may be cut.
fn beginning(random: &mut Random, text: &str) -> String {
    let mut words: Vec<String> = text.split(' ').take(2).map(str::to_owned).collect();
    // only plain words, whose beginnings are words
    if let Some(last) = words.last_mut()
        && last.chars().all(|c| c.is_ascii_alphabetic())
    {
        let keep = 1 + random.below(last.len().max(1));
        last.truncate(keep);
    }
    words.join(" ")
}

fn leaf_on(random: &mut Random, shelf: &Shelf<'_>, path: &str) -> Filter {
    let field = shelf.field(path);
    if path == "ip" && random.once_in(2) {
        let networks = (0..random.below(3)).map(|_| Cidr::parse(random.pick::<&str>(NETWORKS)).unwrap()).collect();
        return Filter::Networks(field, networks);
    }
    if (NUMBERS.contains(&path) || matches!(path, "ip" | "k")) && random.once_in(2) {
        let mut bound = || (!random.once_in(3)).then(|| (asked(random, path), random.once_in(2)));
        return Filter::Range(field, Range { lower: bound(), upper: bound() });
    }
    let count = if random.once_in(8) { 0 } else { 1 + random.below(3) };
    Filter::OneOf(field, (0..count).map(|_| asked(random, path)).collect())
}

fn pattern(random: &mut Random) -> Pattern {
    let ignore_case = random.once_in(2);
    loop {
        let text = name(random);
        let letters: Vec<char> = text.chars().collect();
        let cut = if letters.is_empty() { 0 } else { 1 + random.below(letters.len()) };
        let escaped = |signs: &str| -> String {
            letters[..cut].iter().map(|c| if signs.contains(*c) { format!("\\{c}") } else { c.to_string() }).collect()
        };
        let made = match random.below(3) {
            0 => Pattern::prefix(&letters[..cut].iter().collect::<String>(), ignore_case),
            1 => {
                Pattern::wildcard(&format!("{}{}", escaped("*?\\"), random.pick(&["*", "?", "*t", "??", "", "?*"])), ignore_case)
            }
            _ => {
                let tail = *random
                    .pick(&["", ".*", "[a-z]*", "[^a-z]+", "(t|w)?", ".{1,3}", "(x|e|)t*", "\\w+", "?", "+", "[É-ÿ]*", "[Z-a]+"]);
                let head = escaped(r"\.[]{}()*+?|");
                Pattern::regexp(&format!("{head}{tail}"), ignore_case)
            }
        };
        // some cannot be, as one that begins with `?`
        if let Ok(pattern) = made {
            return pattern;
        }
    }
}
