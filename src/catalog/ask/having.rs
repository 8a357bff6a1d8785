//! `having`: conditions on groups, on their counts and on what is measured in them.

use std::cell::Cell;

use serde_json::{Map, Value as Json};

use super::place::{Place, items, listed};
use super::{Comparison, Fault, Frame, can_count, operators};
use crate::catalog::{Exposed, ExposedField};
use crate::search::date::DateFormats;
use crate::search::value::Value;
use crate::search::{DateKind, Field, FieldRef, Filter, Having, Kind, Measure, Number, Range};

const SUCH_AS: &str = r#"{"count": {"gte": 10}}"#;

pub(super) fn read(frame: Frame<'_>, on: &Exposed, at: &Place<'_>, json: &Json) -> Result<Option<Having>, Fault> {
    if json.is_null() {
        return Err(at.fault("null is no condition; leave it out, or write {} for all groups"));
    }
    let parts = at.object(json, SUCH_AS)?;
    if parts.is_empty() {
        return Ok(None);
    }
    let reader = Reader { frame, on, clauses: Cell::new(0) };
    reader.whole(at, parts, 0).map(Some)
}

struct Reader<'a> {
    frame: Frame<'a>,
    on: &'a Exposed,
    clauses: Cell<usize>,
}

/// What a condition is about.
type About<'a> = &'a dyn Fn(Range) -> Having;

impl Reader<'_> {
    fn whole(&self, at: &Place<'_>, parts: &Map<String, Json>, depth: usize) -> Result<Having, Fault> {
        let mut fields = Map::new();
        let mut all = Vec::new();
        for (key, json) in parts {
            let at = at.key(key);
            match key.as_str() {
                "and" => all.extend(self.each(&at, json, depth)?),
                "or" => all.push(Having::Or(self.each(&at, json, depth)?)),
                "not" => all.push(Having::Not(Box::new(self.deeper(&at, json, depth)?))),
                _ => {
                    fields.insert(key.clone(), json.clone());
                }
            }
        }
        // with nothing but an empty `and` there is nothing to say either
        if parts.is_empty() || !fields.is_empty() {
            self.level(&self.on.fields, None, true, at, &fields, &mut all)?;
        }
        Ok(one(all))
    }

    fn each(&self, at: &Place<'_>, json: &Json, depth: usize) -> Result<Vec<Having>, Fault> {
        let parts = items(json).ok_or_else(|| at.fault("null is no list of conditions"))?;
        parts.iter().enumerate().map(|(index, part)| self.deeper(&at.index(index), part, depth)).collect()
    }

    fn deeper(&self, at: &Place<'_>, json: &Json, depth: usize) -> Result<Having, Fault> {
        let most = self.frame.limits.filter_depth;
        if depth >= most {
            return Err(at.limit("filter_depth", "depth of a condition on groups", most, depth + 1));
        }
        self.count(at, 1)?;
        if json.is_null() {
            return Err(at.fault("null is no condition"));
        }
        self.whole(at, at.object(json, SUCH_AS)?, depth + 1)
    }

    /// The parts of one object: counts where there are elements or it is the group itself, and fields.
    fn level(
        &self,
        fields: &[ExposedField],
        under: Option<&FieldRef>,
        counted: bool,
        at: &Place<'_>,
        parts: &Map<String, Json>,
        all: &mut Vec<Having>,
    ) -> Result<(), Fault> {
        if parts.is_empty() {
            return Err(at.fault("{} says nothing: name what is counted or measured, or leave it out; a variable that was not given leaves this behind"));
        }
        for (key, json) in parts {
            let at = at.key(key);
            let elements = key == "nestedCount";
            if counted && (key == "count" || elements && under.is_some()) {
                let about = |range| Having::Count { under: under.cloned(), elements, range };
                all.push(self.condition(&at, json, Kind::Number(Number::Long), Comparison::Long, &about)?);
                continue;
            }
            let Some(exposed) = fields.iter().find(|field| field.having_name() == key) else {
                let names = fields.iter().filter(|field| can_count(&field.field) || !field.fields.is_empty());
                return Err(at.fault(format_args!(
                    "there is nothing of this name to put conditions on; these are: {}",
                    listed(names.map(ExposedField::having_name))
                )));
            };
            let parts = at.object(json, r#"{"avg": {"gte": 10}}"#)?;
            match exposed.field.kind {
                Kind::Object => self.level(&exposed.fields, under, false, &at, parts, all)?,
                Kind::Nested => self.level(&exposed.fields, Some(&exposed.field), true, &at, parts, all)?,
                _ => self.measures(&exposed.field, &at, parts, all)?,
            }
        }
        Ok(())
    }

    fn measures(&self, field: &FieldRef, at: &Place<'_>, parts: &Map<String, Json>, all: &mut Vec<Having>) -> Result<(), Fault> {
        if !can_count(field) {
            return Err(at.fault("this field has no values that can be counted"));
        }
        let names: &[&str] = match field.kind {
            Kind::Number(_) => &["min", "max", "avg", "sum", "stdDev", "distinctCount", "valueCount"],
            Kind::Date(_) => &["min", "max", "distinctCount", "valueCount"],
            _ => &["distinctCount", "valueCount"],
        };
        if parts.is_empty() {
            return Err(at.fault(format_args!("{{}} says nothing: write one of {}", listed(names.iter().copied()))));
        }
        for (key, json) in parts {
            let at = at.key(key);
            if !names.contains(&key.as_str()) {
                return Err(at.fault(format_args!("of this field there is {}", listed(names.iter().copied()))));
            }
            let measure = match key.as_str() {
                "min" => Measure::Min,
                "max" => Measure::Max,
                "avg" => Measure::Avg,
                "sum" => Measure::Sum,
                "stdDev" => Measure::StdDev,
                "distinctCount" => Measure::Distinct,
                _ => Measure::ValueCount,
            };
            let (kind, comparison) = match (measure, &field.kind) {
                (Measure::Distinct | Measure::ValueCount, _) => (Kind::Number(Number::Long), Comparison::Long),
                // measured in milliseconds
                (_, Kind::Date(_)) => (Kind::Date(DateKind { formats: DateFormats::default(), nanos: false }), Comparison::Date),
                _ => (Kind::Number(Number::Double), Comparison::Float),
            };
            let about = |range| Having::Metric { field: field.clone(), measure, range };
            all.push(self.condition(&at, json, kind, comparison, &about)?);
        }
        Ok(())
    }

    /// Read as a filter on a field that holds the number; then it is said of the group.
    fn condition(
        &self,
        at: &Place<'_>,
        json: &Json,
        kind: Kind,
        comparison: Comparison,
        about: About<'_>,
    ) -> Result<Having, Fault> {
        if json.is_null() {
            return Err(at.fault("null is no condition"));
        }
        let parts = at.object(json, r#"{"gte": 10}"#)?;
        let field = Field::new(String::new(), kind);
        let filter = operators::read(self.frame, &field.into(), comparison, at, parts)?;
        self.count(at, parts.len())?;
        said(at, filter, about)
    }

    fn count(&self, at: &Place<'_>, more: usize) -> Result<(), Fault> {
        self.clauses.set(self.clauses.get() + more);
        let (most, asked) = (self.frame.limits.filter_clauses, self.clauses.get());
        if asked > most { Err(at.limit("filter_clauses", "conditions on groups", most, asked)) } else { Ok(()) }
    }
}

fn one(mut all: Vec<Having>) -> Having {
    if all.len() == 1 { all.swap_remove(0) } else { Having::And(all) }
}

fn said(at: &Place<'_>, filter: Filter, about: About<'_>) -> Result<Having, Fault> {
    let each = |parts: Vec<Filter>| parts.into_iter().map(|part| said(at, part, about)).collect::<Result<Vec<_>, _>>();
    let only = |value: Value| Range { lower: Some((value.clone(), true)), upper: Some((value, true)) };
    Ok(match filter {
        Filter::All => Having::And(Vec::new()),
        Filter::Nothing => Having::Or(Vec::new()),
        Filter::And(parts) => Having::And(each(parts)?),
        Filter::Or(parts) => Having::Or(each(parts)?),
        Filter::Not(part) => Having::Not(Box::new(said(at, *part, about)?)),
        Filter::Exists(_) => about(Range::default()),
        Filter::Range(_, range) => about(range),
        Filter::OneOf(_, values) => Having::Or(values.into_iter().map(|value| about(only(value))).collect()),
        _ => return Err(at.unsupported("this condition on a number")),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::fixture::exposed_orders;
    use crate::config::Limits;
    use crate::search::date::Time;

    fn ask(json: &Json) -> Result<Option<Having>, Fault> {
        let limits = Limits::default();
        read(Frame { limits: &limits, now: Time(0) }, &exposed_orders(), &Place::root("having"), json)
    }

    fn field(path: &str) -> FieldRef {
        exposed_orders().collection.field(path).unwrap().clone()
    }

    fn from(value: Value) -> Range {
        Range { lower: Some((value, true)), upper: None }
    }

    #[test]
    fn conditions_on_counts_and_measures() {
        let ten = || from(Value::Long(10));
        let avg = |range| Having::Metric { field: field("total"), measure: Measure::Avg, range };
        let exactly = |value| Range { lower: Some((Value::Double(value), true)), upper: Some((Value::Double(value), true)) };
        for (json, having) in [
            (json!({ "count": { "gte": 10 } }), Having::Count { under: None, elements: false, range: ten() }),
            (
                json!({ "items": { "nestedCount": { "gte": 10 }, "parcels": { "count": { "gte": 10 } } } }),
                Having::And(vec![
                    Having::Count { under: Some(field("items")), elements: true, range: ten() },
                    Having::Count { under: Some(field("items.parcels")), elements: false, range: ten() },
                ]),
            ),
            (json!({ "total": { "avg": { "ne": 0.5 } } }), Having::Not(Box::new(Having::Or(vec![avg(exactly(0.5))])))),
            (json!({ "total": { "avg": { "exists": true } } }), avg(Range::default())),
            (
                json!({ "shipping": { "city": { "distinctCount": { "gte": 10 } } } }),
                Having::Metric { field: field("shipping.city"), measure: Measure::Distinct, range: ten() },
            ),
            (
                json!({ "placedAt": { "min": { "gte": "1970-01-01T02:00", "timeZone": "+02:00" } } }),
                Having::Metric { field: field("placedAt"), measure: Measure::Min, range: from(Value::Date(Time(0))) },
            ),
            (json!({ "or": [], "not": { "count": { "gte": 10 } } }), {
                let count = Having::Count { under: None, elements: false, range: ten() };
                Having::And(vec![Having::Not(Box::new(count)), Having::Or(vec![])])
            }),
        ] {
            assert_eq!(ask(&json).unwrap(), Some(having), "{json}");
        }
        assert_eq!(ask(&json!({})), Ok(None));
    }

    #[test]
    fn faults_say_where() {
        for (json, path) in [
            (json!(null), "having"),
            (json!({ "count": null }), "having.count"),
            (json!({ "count": {} }), "having.count"),
            (json!({ "count": { "gte": null } }), "having.count.gte"),
            (json!({ "count": { "prefix": "a" } }), "having.count.prefix"),
            (json!({ "nestedCount": { "gte": 1 } }), "having.nestedCount"),
            (json!({ "total": {} }), "having.total"),
            (json!({ "total": { "median": { "gte": 1 } } }), "having.total.median"),
            (json!({ "status": { "min": { "gte": 1 } } }), "having.status.min"),
            (json!({ "placedAt": { "sum": { "gte": 1 } } }), "having.placedAt.sum"),
            (json!({ "shipping": { "count": { "gte": 1 } } }), "having.shipping.count"),
            (json!({ "shipping": {} }), "having.shipping"),
            (json!({ "not": {} }), "having.not"),
            (json!({ "and": [{}] }), "having.and.0"),
            (json!({ "and": null }), "having.and"),
            (json!({ "notes": { "valueCount": { "gte": 1 } } }), "having.notes"),
        ] {
            assert_eq!(ask(&json).unwrap_err().path.join("."), path, "{json}");
        }
    }
}
