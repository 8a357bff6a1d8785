//! The conditions on one field: `{eq, in, gte, prefix, exists, …}`, typed by the field's kind. Here a new operator is added:
//! its name below, its meaning in `read`, and what it is for engines in [`Filter`].

use serde_json::{Map, Value as Json};

use super::filter::any_of;
use super::place::{Place, check_words, items, listed, shown};
use super::{Comparison, Fault, Frame, geo};
use crate::search::date::{DateMath, Time, Zone};
use crate::search::pattern::{Pattern, PatternFault};
use crate::search::value::{Cidr, Value, from_query};
use crate::search::{FieldRef, Filter, Kind, Number, Range, TextFilter};

const KEYWORD: &[&str] = &["eq", "ne", "in", "nin", "prefix", "wildcard", "regexp", "ignoreCase", "exists"];
const TEXT: &[&str] = &["match", "matchPhrase", "matchPrefix", "exists"];
const TEXT_KEYWORD: &[&str] =
    &["match", "matchPhrase", "matchPrefix", "eq", "ne", "in", "nin", "prefix", "wildcard", "regexp", "ignoreCase", "exists"];
const BOOLEAN: &[&str] = &["eq", "ne", "in", "nin", "exists"];
const NUMBER: &[&str] = &["eq", "ne", "in", "nin", "gt", "gte", "lt", "lte", "exists"];
const DATE: &[&str] = &["eq", "ne", "in", "nin", "gt", "gte", "lt", "lte", "timeZone", "exists"];
const IP: &[&str] = &["eq", "ne", "in", "nin", "cidr", "exists"];
const GEO_POINT: &[&str] = &["near", "withinBox", "withinPolygon", "exists"];
const VECTOR: &[&str] = &["exists"];

/// These only say how others are meant.
const MANNERS: &[&str] = &["ignoreCase", "timeZone"];

impl Comparison {
    /// The operators, in the order of the schema.
    pub fn operators(self) -> &'static [&'static str] {
        match self {
            Comparison::Keyword => KEYWORD,
            Comparison::Text => TEXT,
            Comparison::TextKeyword => TEXT_KEYWORD,
            Comparison::Boolean => BOOLEAN,
            Comparison::Int | Comparison::Long | Comparison::Float => NUMBER,
            Comparison::Date => DATE,
            Comparison::Ip => IP,
            Comparison::GeoPoint => GEO_POINT,
            Comparison::Vector => VECTOR,
            Comparison::Object => &[],
            Comparison::Elements => &["some", "none", "every", "exists"],
        }
    }
}

/// One field and how its values are read.
struct Reader<'a> {
    frame: Frame<'a>,
    field: &'a FieldRef,
    zone: Zone,
    ignore_case: bool,
}

/// What a value of an argument is to a field.
enum Asked {
    One(Value),
    /// First and last moment, both inside.
    Span(Time, Time),
    /// A number beyond what the field can hold: nothing equals it. Less than everything, or greater.
    Below,
    Above,
}

pub(super) fn read(
    frame: Frame<'_>,
    field: &FieldRef,
    comparison: Comparison,
    at: &Place<'_>,
    parts: &Map<String, Json>,
) -> Result<Filter, Fault> {
    let allowed = comparison.operators();
    let names = || listed(allowed.iter().copied());
    for (name, json) in parts {
        if !allowed.contains(&name.as_str()) {
            let name: String = name.chars().take(64).collect();
            return Err(at.key(&name).fault(format_args!("`{name}` is no operator of this field; these are: {}", names())));
        }
        if json.is_null() {
            return Err(at.key(name).fault("null compares with nothing; `exists: false` asks for documents without a value"));
        }
    }
    if parts.keys().all(|name| MANNERS.contains(&name.as_str())) {
        let why = "says nothing: a variable that was not given leaves this behind; write one of these:";
        return Err(at.fault(format_args!("{} {why} {}", if parts.is_empty() { "{}" } else { "this" }, names())));
    }
    let zone = match parts.get("timeZone") {
        Some(json) => {
            let at = at.key("timeZone");
            Zone::parse(at.text(json)?).map_err(|fault| at.fault(fault))?
        }
        None => Zone::UTC,
    };
    let ignore_case = match parts.get("ignoreCase") {
        Some(json) => at.key("ignoreCase").truth(json)?,
        None => false,
    };
    if ignore_case && !["prefix", "wildcard", "regexp"].iter().any(|name| parts.contains_key(*name)) {
        return Err(at.key("ignoreCase").fault("ignoreCase is for prefix, wildcard and regexp; there is none of them here"));
    }
    let reader = Reader { frame, field, zone, ignore_case };
    let mut all = Vec::with_capacity(parts.len());
    let mut range: Option<Bounds> = None;
    for (name, json) in parts {
        let at = at.key(name);
        match name.as_str() {
            "gt" | "gte" | "lt" | "lte" => {
                let asked = reader.value(&at, json)?;
                range.get_or_insert_with(Bounds::default).narrow(name, asked);
            }
            name if MANNERS.contains(&name) => {}
            name => all.push(reader.operator(name, &at, json)?),
        }
    }
    if let Some(range) = range {
        all.push(range.filter(field));
    }
    Ok(Filter::and(all))
}

impl Reader<'_> {
    fn operator(&self, name: &str, at: &Place<'_>, json: &Json) -> Result<Filter, Fault> {
        let field = || self.field.clone();
        Ok(match name {
            "eq" => self.one_of(vec![self.value(at, json)?]),
            "ne" => Filter::not(self.one_of(vec![self.value(at, json)?])),
            "in" => self.one_of(self.values(at, json)?),
            "nin" => Filter::not(self.one_of(self.values(at, json)?)),
            "exists" if at.truth(json)? => Filter::Exists(field()),
            "exists" => Filter::not(Filter::Exists(field())),
            "prefix" => self.pattern(at, json, Pattern::prefix)?,
            "wildcard" => self.pattern(at, json, Pattern::wildcard)?,
            "regexp" => self.pattern(at, json, Pattern::regexp)?,
            "match" => Filter::Words(field(), TextFilter::Any(self.words(at, json)?)),
            "matchPhrase" => Filter::Words(field(), TextFilter::Phrase(self.words(at, json)?)),
            "matchPrefix" => Filter::Words(field(), TextFilter::PhrasePrefix(self.words(at, json)?)),
            "cidr" => {
                let networks = self.list(at, json, |at, json| {
                    let wrong = || at.fault(format_args!("{} is no network such as 10.0.0.0/8", shown(json)));
                    Cidr::parse(at.text(json)?).ok_or_else(wrong)
                })?;
                if networks.is_empty() { Filter::Nothing } else { Filter::Networks(field(), networks) }
            }
            "near" => geo::near(self.field, at, json)?,
            "withinBox" => geo::within_box(self.field, at, json)?,
            "withinPolygon" => geo::within_polygon(self.field, at, json)?,
            other => return Err(at.unsupported(other)),
        })
    }

    fn words(&self, at: &Place<'_>, json: &Json) -> Result<String, Fault> {
        let text = at.text(json)?;
        check_words(self.frame, at, text)?;
        Ok(text.to_owned())
    }

    fn list<T>(
        &self,
        at: &Place<'_>,
        json: &Json,
        read: impl Fn(&Place<'_>, &Json) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let values = items(json).unwrap_or_default();
        let most = self.frame.limits.in_values;
        if !self.frame.limits.lets("in_values", most as u64, values.len() as u64) {
            return Err(at.limit("in_values", "values of one list", most, values.len()));
        }
        values
            .iter()
            .enumerate()
            .map(|(index, json)| {
                let at = at.index(index);
                if json.is_null() {
                    return Err(at.fault("null compares with nothing; `exists: false` asks for documents without a value"));
                }
                read(&at, json)
            })
            .collect()
    }

    fn values(&self, at: &Place<'_>, json: &Json) -> Result<Vec<Asked>, Fault> {
        self.list(at, json, |at, json| self.value(at, json))
    }

    fn value(&self, at: &Place<'_>, json: &Json) -> Result<Asked, Fault> {
        match &self.field.kind {
            Kind::Date(date) => {
                // epoch milliseconds may come as a number
                let text = match json {
                    Json::Number(number) if number.is_i64() => number.to_string(),
                    other => at.text(other)?.to_owned(),
                };
                let span = DateMath::parse(&text).and_then(|math| math.span(self.frame.now, &self.zone, date.nanos));
                let (first, last) = span.map_err(|fault| at.fault(fault))?;
                Ok(Asked::Span(first, last))
            }
            Kind::Number(kind) => self.number(*kind, at, json),
            kind => Ok(Asked::One(from_query(kind, json).map_err(|why| at.fault(why))?)),
        }
    }

    fn number(&self, kind: Number, at: &Place<'_>, json: &Json) -> Result<Asked, Fault> {
        if let (false, Some(double)) = (kind.is_whole(), json.as_f64())
            && double.is_finite()
            && kind.narrow(double).is_none()
        {
            return Ok(if double < 0.0 { Asked::Below } else { Asked::Above });
        }
        let value = from_query(&self.field.kind, json).map_err(|why| at.fault(why))?;
        Ok(match (kind.span(), &value) {
            (Some((least, _)), Value::Long(value)) if *value < least => Asked::Below,
            (Some((_, most)), Value::Long(value)) if *value > most => Asked::Above,
            _ => Asked::One(value),
        })
    }

    /// Some value is one of these; of none: nothing.
    fn one_of(&self, asked: Vec<Asked>) -> Filter {
        let mut values = Vec::new();
        let mut spans = Vec::new();
        for asked in asked {
            match asked {
                Asked::One(value) => values.push(value),
                Asked::Span(first, last) => spans.push((first, last)),
                Asked::Below | Asked::Above => {}
            }
        }
        let mut any = Vec::new();
        if !values.is_empty() {
            any.push(Filter::OneOf(self.field.clone(), values));
        }
        any.extend(merged(spans).into_iter().map(|(first, last)| {
            let bound = |time| Some((Value::Date(time), true));
            Filter::Range(self.field.clone(), Range { lower: bound(first), upper: bound(last) })
        }));
        any_of(any)
    }

    fn pattern(
        &self,
        at: &Place<'_>,
        json: &Json,
        parse: fn(&str, bool) -> Result<Pattern, PatternFault>,
    ) -> Result<Filter, Fault> {
        let text = at.text(json)?;
        let (length, most) = (text.chars().count(), self.frame.limits.pattern_length);
        if !self.frame.limits.lets("pattern_length", most as u64, length as u64) {
            return Err(at.limit("pattern_length", "characters of a pattern", most, length));
        }
        let pattern = parse(text, self.ignore_case).map_err(|fault| at.fault(fault))?;
        Ok(Filter::Pattern(self.field.clone(), pattern))
    }
}

/// Spans in order, those that overlap as one: a thousand days are not a thousand conditions.
fn merged(mut spans: Vec<(Time, Time)>) -> Vec<(Time, Time)> {
    spans.sort_unstable();
    let mut merged: Vec<(Time, Time)> = Vec::with_capacity(spans.len());
    for (first, last) in spans {
        match merged.last_mut() {
            Some((_, end)) if first <= *end => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged
}

/// `gt gte lt lte` of one filter together: they hold for one and the same value.
#[derive(Default)]
struct Bounds {
    lower: Option<(Value, bool)>,
    upper: Option<(Value, bool)>,
    empty: bool,
}

impl Bounds {
    fn narrow(&mut self, operator: &str, asked: Asked) {
        let inside = matches!(operator, "gte" | "lte");
        let upward = matches!(operator, "gt" | "gte");
        let value = match asked {
            Asked::One(value) => value,
            // a time stands for a span: `gte` and `lt` begin where it begins, `gt` and `lte` end where it ends
            Asked::Span(first, last) => Value::Date(if matches!(operator, "gte" | "lt") { first } else { last }),
            Asked::Below => {
                self.empty |= !upward;
                return;
            }
            Asked::Above => {
                self.empty |= upward;
                return;
            }
        };
        let bound = if upward { &mut self.lower } else { &mut self.upper };
        let tighter = match bound {
            None => true,
            Some((old, was_inside)) => match value.compare(old) {
                std::cmp::Ordering::Equal => *was_inside && !inside,
                order => (order == std::cmp::Ordering::Greater) == upward,
            },
        };
        if tighter {
            *bound = Some((value, inside));
        }
    }

    fn filter(self, field: &FieldRef) -> Filter {
        let crossed = match (&self.lower, &self.upper) {
            (Some((lower, from)), Some((upper, to))) => match lower.compare(upper) {
                std::cmp::Ordering::Greater => true,
                std::cmp::Ordering::Equal => !(*from && *to),
                std::cmp::Ordering::Less => false,
            },
            _ => false,
        };
        match (self.empty || crossed, &self.lower, &self.upper) {
            (true, ..) => Filter::Nothing,
            // every value there can be is inside
            (false, None, None) => Filter::Exists(field.clone()),
            _ => Filter::Range(field.clone(), Range { lower: self.lower, upper: self.upper }),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::ask::filter;
    use crate::catalog::fixture::exposed_orders;
    use crate::config::Limits;

    fn ask(json: &Json) -> Result<Filter, Fault> {
        let limits = Limits::default();
        // 2024-03-10T12:00:00Z
        let now = Time::from_millis(1_710_072_000_000);
        filter(Frame { limits: &limits, now }, &exposed_orders(), json)
    }

    fn field(path: &str) -> FieldRef {
        exposed_orders().collection.field(path).unwrap().clone()
    }

    fn range(path: &str, lower: Option<(Value, bool)>, upper: Option<(Value, bool)>) -> Filter {
        Filter::Range(field(path), Range { lower, upper })
    }

    fn one_of(path: &str, value: Value) -> Filter {
        Filter::OneOf(field(path), vec![value])
    }

    fn date(text: &str) -> Value {
        Value::Date(DateMath::parse(text).unwrap().span(Time(0), &Zone::UTC, false).unwrap().0)
    }

    #[test]
    fn a_wrong_operator_names_those_allowed() {
        for (json, path, allowed) in [
            (json!({"status": {"gte": "a"}}), "filter.status.gte", "eq, ne, in, nin, prefix"),
            (json!({"notes": {"eq": "a"}}), "filter.notes.eq", "match, matchPhrase, matchPrefix, exists"),
            (json!({"total": {"prefix": "a"}}), "filter.total.prefix", "gt, gte, lt, lte, exists"),
            (json!({"clientIp": {"gt": "10.0.0.1"}}), "filter.clientIp.gt", "cidr, exists"),
            (json!({"embedding": {"eq": 1}}), "filter.embedding.eq", "these are: exists"),
            (json!({"place": {"eq": 1}}), "filter.place.eq", "near, withinBox, withinPolygon, exists"),
        ] {
            let fault = ask(&json).unwrap_err();
            assert_eq!(fault.path.join("."), path);
            assert!(fault.message.contains(allowed), "{}", fault.message);
        }
    }

    #[test]
    fn values_are_typed_by_kind() {
        for (json, filter) in [
            (json!({"customer": {"eq": "a"}}), one_of("customer", Value::Text("a".into()))),
            (json!({"gift": {"eq": true}}), one_of("gift", Value::Boolean(true))),
            (json!({"ledger": {"eq": "9007199254740993"}}), one_of("ledger", Value::Long(9_007_199_254_740_993))),
            (json!({"ledger": {"eq": 7}}), one_of("ledger", Value::Long(7))),
            (json!({"weight": {"eq": 0.1}}), one_of("weight", Value::Double(f64::from(0.1_f32)))),
            (json!({"half": {"eq": 0.1}}), one_of("half", Value::Double(0.099_975_585_937_5))),
            (json!({"clientIp": {"eq": "::ffff:10.0.0.1"}}), one_of("clientIp", Value::Ip([10, 0, 0, 1].into()))),
            (json!({"status": {"exists": true}}), Filter::Exists(field("status"))),
            (json!({"status": {"exists": false}}), Filter::Not(Box::new(Filter::Exists(field("status"))))),
        ] {
            assert_eq!(ask(&json), Ok(filter), "{json}");
        }
        for json in [
            json!({"status": {"eq": 1}}),
            json!({"gift": {"eq": "true"}}),
            json!({"ledger": {"eq": 1.5}}),
            json!({"ledger": {"eq": "99999999999999999999"}}),
            json!({"total": {"eq": "1"}}),
            json!({"clientIp": {"eq": "10"}}),
            json!({"clientIp": {"cidr": ["10.0.0.0/33"]}}),
            json!({"placedAt": {"eq": "yesterday"}}),
            json!({"placedAt": {"eq": true}}),
            json!({"placedAt": {"eq": "2024", "timeZone": "Mars/Base"}}),
            json!({"status": {"exists": "yes"}}),
            json!({"notes": {"match": 1}}),
            json!({"status": {"wildcard": "*a"}}),
            json!({"status": {"regexp": "("}}),
            json!({"status": {"eq": "a", "ignoreCase": true}}),
        ] {
            assert!(ask(&json).is_err(), "{json}");
        }
        assert!(ask(&json!({"status": {"eq": "a", "ignoreCase": false}})).is_ok(), "a default that was filled in");
    }

    #[test]
    fn numbers_beyond_a_kind_never_reach_an_engine() {
        for (json, filter) in [
            (json!({"rating": {"eq": 128}}), Filter::Nothing),
            (json!({"rating": {"ne": 128}}), Filter::All),
            (json!({"rating": {"in": [-129, 3, 4_000]}}), one_of("rating", Value::Long(3))),
            (json!({"rating": {"lt": 1_000}}), Filter::Exists(field("rating"))),
            (json!({"rating": {"gt": 1_000}}), Filter::Nothing),
            (json!({"rating": {"gte": -1_000, "lt": 5}}), range("rating", None, Some((Value::Long(5), false)))),
            (json!({"rating": {"lte": -1_000}}), Filter::Nothing),
            (json!({"weight": {"eq": 1e300}}), Filter::Nothing),
            (json!({"weight": {"lt": 1e300}}), Filter::Exists(field("weight"))),
        ] {
            assert_eq!(ask(&json), Ok(filter), "{json}");
        }
    }

    #[test]
    fn range_operators_are_one_range_and_the_others_apart() {
        let seven = |inside| Some((Value::Long(7), inside));
        for (json, filter) in [
            (json!({"ledger": {"gte": 7, "gt": 7}}), range("ledger", seven(false), None)),
            (json!({"ledger": {"gte": 7, "gt": 5}}), range("ledger", seven(true), None)),
            (json!({"ledger": {"lt": 7, "lte": 9}}), range("ledger", None, seven(false))),
            (json!({"ledger": {"gte": 7, "lte": 7}}), range("ledger", seven(true), seven(true))),
            (json!({"ledger": {"gt": 7, "lte": 7}}), Filter::Nothing),
            (json!({"ledger": {"gt": 8, "lt": 7}}), Filter::Nothing),
        ] {
            assert_eq!(ask(&json), Ok(filter), "{json}");
        }
        let both = ask(&json!({"ledger": {"gte": 7, "eq": 9, "lte": 7}})).unwrap();
        assert_eq!(both, Filter::And(vec![one_of("ledger", Value::Long(9)), range("ledger", seven(true), seven(true))]));
    }

    #[test]
    fn a_date_is_the_span_that_was_written() {
        let day = (date("2024-03-10T00:00:00.000Z"), date("2024-03-10T23:59:59.999Z"));
        let (first, last) = day.clone();
        let whole = range("placedAt", Some((first.clone(), true)), Some((last.clone(), true)));
        for (json, filter) in [
            (json!({"placedAt": {"eq": "2024-03-10"}}), whole.clone()),
            (json!({"placedAt": {"eq": "now/d"}}), whole.clone()),
            (json!({"placedAt": {"in": ["2024-03-10", "2024-03-10T12:00:00Z"]}}), whole.clone()),
            (json!({"placedAt": {"ne": "2024-03-10"}}), Filter::Not(Box::new(whole))),
            (json!({"placedAt": {"gte": "2024-03-10"}}), range("placedAt", Some((first.clone(), true)), None)),
            (json!({"placedAt": {"gt": "2024-03-10"}}), range("placedAt", Some((last.clone(), false)), None)),
            (json!({"placedAt": {"lt": "2024-03-10"}}), range("placedAt", None, Some((first, false)))),
            (json!({"placedAt": {"lte": "2024-03-10"}}), range("placedAt", None, Some((last, true)))),
            (
                json!({"placedAt": {"gte": "2024-03-10", "timeZone": "Europe/Berlin"}}),
                range("placedAt", Some((date("2024-03-09T23:00:00.000Z"), true)), None),
            ),
            (
                json!({"placedAt": {"gte": 1_710_072_000_000_i64}}),
                range("placedAt", Some((date("2024-03-10T12:00:00.000Z"), true)), None),
            ),
        ] {
            assert_eq!(ask(&json), Ok(filter), "{json}");
        }
    }

    #[test]
    fn patterns_fold_case_where_asked() {
        for (json, pattern) in [
            (json!({"status": {"prefix": "a"}}), Pattern::prefix("a", false)),
            (json!({"status": {"wildcard": "a*b?", "ignoreCase": true}}), Pattern::wildcard("a*b?", true)),
            (json!({"status": {"regexp": "a(b|c)+", "ignoreCase": true}}), Pattern::regexp("a(b|c)+", true)),
        ] {
            assert_eq!(ask(&json), Ok(Filter::Pattern(field("status"), pattern.unwrap())), "{json}");
        }
    }

    #[test]
    fn words_and_networks() {
        let words = |text| Filter::Words(field("notes"), text);
        assert_eq!(ask(&json!({"notes": {"match": "a b"}})), Ok(words(TextFilter::Any("a b".into()))));
        assert_eq!(ask(&json!({"notes": {"matchPhrase": "a b"}})), Ok(words(TextFilter::Phrase("a b".into()))));
        assert_eq!(ask(&json!({"notes": {"matchPrefix": "a b"}})), Ok(words(TextFilter::PhrasePrefix("a b".into()))));
        let networks = vec![Cidr::parse("10.0.0.0/8").unwrap()];
        assert_eq!(ask(&json!({"clientIp": {"cidr": ["10.0.0.0/8"]}})), Ok(Filter::Networks(field("clientIp"), networks)));
    }
}
