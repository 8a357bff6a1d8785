//! The tree of a filter: fields, objects, nested lists, `and`, `or`, `not`. Conditions on one field are read in `operators`.

use std::cell::Cell;

use serde_json::{Map, Value as Json};

use super::place::{Place, items, listed};
use super::{Comparison, Fault, Frame, can_tick, comparison, operators};
use crate::catalog::ExposedField;
use crate::search::{FieldRef, Filter, Quantifier};

/// One filter being read; counts what it holds.
struct Reader<'a> {
    frame: Frame<'a>,
    clauses: Cell<usize>,
    whole: &'a Json,
}

const SUCH_AS: &str = r#"{"field": {"eq": "value"}}"#;

pub(super) fn read(frame: Frame<'_>, fields: &[ExposedField], at: &Place<'_>, json: &Json) -> Result<Filter, Fault> {
    if json.is_null() {
        return Err(at.fault("null is no filter; leave it out, or write {} for all documents"));
    }
    let parts = at.object(json, SUCH_AS)?;
    if parts.is_empty() {
        return Ok(Filter::All);
    }
    Reader { frame, clauses: Cell::new(0), whole: json }.all_of(fields, at, parts, 0)
}

pub(super) fn read_facets(
    frame: Frame<'_>,
    fields: &[ExposedField],
    at: &Place<'_>,
    json: &Json,
) -> Result<Vec<(FieldRef, Filter)>, Fault> {
    if json.is_null() {
        return Err(at.fault("null is no filter; leave it out, or write {} for all documents"));
    }
    let parts = at.object(json, SUCH_AS)?;
    let reader = Reader { frame, clauses: Cell::new(0), whole: json };
    let mut ticks = Vec::new();
    reader.ticks(fields, at, parts, None, &mut ticks)?;
    Ok(ticks)
}

impl Reader<'_> {
    /// The parts of one object, which must all hold.
    fn all_of(&self, fields: &[ExposedField], at: &Place<'_>, parts: &Map<String, Json>, depth: usize) -> Result<Filter, Fault> {
        if parts.is_empty() {
            return Err(at.fault(
                "{} says nothing: name a field and an operator, or leave it out; a variable that was not given leaves this behind",
            ));
        }
        let mut all = Vec::with_capacity(parts.len());
        for (key, json) in parts {
            let at = at.key(key);
            all.push(match key.as_str() {
                "and" => Filter::and(self.each(fields, &at, json, depth)?),
                "or" => any_of(self.each(fields, &at, json, depth)?),
                "not" => Filter::not(self.deeper(fields, &at, json, depth)?),
                name => match fields.iter().find(|field| field.filter_name == name) {
                    Some(field) => self.field(field, &at, json, depth)?,
                    None => return Err(at.fault(unknown(name, fields, |field| &field.filter_name))),
                },
            });
        }
        Ok(Filter::and(all))
    }

    fn each(&self, fields: &[ExposedField], at: &Place<'_>, json: &Json, depth: usize) -> Result<Vec<Filter>, Fault> {
        let parts = items(json).ok_or_else(|| at.fault("null is no list of filters"))?;
        parts.iter().enumerate().map(|(index, part)| self.deeper(fields, &at.index(index), part, depth)).collect()
    }

    /// A filter inside a filter.
    fn deeper(&self, fields: &[ExposedField], at: &Place<'_>, json: &Json, depth: usize) -> Result<Filter, Fault> {
        let most = self.frame.limits.filter_depth;
        if !self.frame.limits.lets("filter_depth", most as u64, depth as u64 + 1) {
            return Err(at.limit("filter_depth", "depth of a filter", most, measure(self.whole).0));
        }
        self.count(at)?;
        if json.is_null() {
            return Err(at.fault("null is no filter"));
        }
        self.all_of(fields, at, at.object(json, SUCH_AS)?, depth + 1)
    }

    fn field(&self, exposed: &ExposedField, at: &Place<'_>, json: &Json, depth: usize) -> Result<Filter, Fault> {
        let field = &exposed.field;
        let Some(comparison) = comparison(field) else {
            return Err(at.fault(format_args!("`{}` cannot be filtered: it is not indexed", exposed.filter_name)));
        };
        if json.is_null() {
            return Err(at.fault(r#"null is no condition; write {"exists": false} for documents without a value"#));
        }
        match comparison {
            Comparison::Object => self.all_of(&exposed.fields, at, at.object(json, SUCH_AS)?, depth),
            Comparison::Elements => self.elements(exposed, at, json, depth),
            _ => {
                let parts = at.object(json, r#"{"eq": "value"}"#)?;
                let filter = operators::read(self.frame, field, comparison, at, parts)?;
                self.count_many(at, parts.len())?;
                Ok(filter)
            }
        }
    }

    fn elements(&self, exposed: &ExposedField, at: &Place<'_>, json: &Json, depth: usize) -> Result<Filter, Fault> {
        let parts = at.object(json, r#"{"some": {"field": {"eq": "value"}}}"#)?;
        if parts.is_empty() {
            return Err(at.fault("{} says nothing: write some, none, every or exists"));
        }
        let nested = |quantifier, filter| Filter::Nested { field: exposed.field.clone(), quantifier, filter: Box::new(filter) };
        let mut all = Vec::with_capacity(parts.len());
        for (key, json) in parts {
            let at = at.key(key);
            let quantifier = match key.as_str() {
                "some" => Quantifier::Some,
                "none" => Quantifier::None,
                "every" => Quantifier::Every,
                "exists" => {
                    self.count(&at)?;
                    let quantifier = if at.truth(json)? { Quantifier::Some } else { Quantifier::None };
                    all.push(nested(quantifier, Filter::All));
                    continue;
                }
                other => {
                    return Err(at.fault(format_args!(
                        "`{other}` is not asked of a list of objects; these are: some, none, every, exists"
                    )));
                }
            };
            all.push(nested(quantifier, self.deeper(&exposed.fields, &at, json, depth)?));
        }
        Ok(Filter::and(all))
    }

    /// Entries of facet filters, at any depth of objects; below a nested list some element must be such.
    fn ticks(
        &self,
        fields: &[ExposedField],
        at: &Place<'_>,
        parts: &Map<String, Json>,
        under: Option<&FieldRef>,
        ticks: &mut Vec<(FieldRef, Filter)>,
    ) -> Result<(), Fault> {
        for (name, json) in parts {
            let at = at.key(name);
            let Some(exposed) = fields.iter().find(|field| field.name == *name) else {
                return Err(at.fault(unknown(name, fields, |field| &field.name)));
            };
            let field = &exposed.field;
            if !can_tick(field) {
                return Err(at.fault(format_args!("`{name}` has no values to choose from: it stands in filter only")));
            }
            if json.is_null() {
                return Err(at.fault("null is no condition"));
            }
            let parts = at.object(json, r#"{"in": ["value"]}"#)?;
            match comparison(field) {
                Some(Comparison::Object | Comparison::Elements) => {
                    if parts.is_empty() {
                        return Err(at.fault("{} says nothing: name a field and an operator, or leave it out"));
                    }
                    let under = if comparison(field) == Some(Comparison::Elements) { Some(field) } else { under };
                    self.ticks(&exposed.fields, &at, parts, under, ticks)?;
                }
                Some(comparison) => {
                    let filter = operators::read(self.frame, field, comparison, &at, parts)?;
                    self.count_many(&at, parts.len())?;
                    ticks.push((
                        field.clone(),
                        match under {
                            Some(nested) => {
                                Filter::Nested { field: nested.clone(), quantifier: Quantifier::Some, filter: Box::new(filter) }
                            }
                            None => filter,
                        },
                    ));
                }
                None => {}
            }
        }
        Ok(())
    }

    fn count(&self, at: &Place<'_>) -> Result<(), Fault> {
        self.count_many(at, 1)
    }

    fn count_many(&self, at: &Place<'_>, more: usize) -> Result<(), Fault> {
        self.clauses.set(self.clauses.get() + more);
        let most = self.frame.limits.filter_clauses;
        if !self.frame.limits.lets("filter_clauses", most as u64, self.clauses.get() as u64) {
            return Err(at.limit("filter_clauses", "conditions in a filter", most, measure(self.whole).1));
        }
        Ok(())
    }
}

/// Any of them; of none: nothing.
pub(super) fn any_of(mut parts: Vec<Filter>) -> Filter {
    parts.retain(|part| *part != Filter::Nothing);
    if parts.contains(&Filter::All) {
        return Filter::All;
    }
    match parts.len() {
        0 => Filter::Nothing,
        1 => parts.swap_remove(0),
        _ => Filter::Or(parts),
    }
}

fn unknown(name: &str, fields: &[ExposedField], called: fn(&ExposedField) -> &str) -> String {
    let names = fields.iter().filter(|field| comparison(&field.field).is_some()).map(called);
    let name: String = name.chars().take(64).collect();
    format!("there is no field `{name}` here; these are: {}", listed(names))
}

/// How deep a filter goes, and how many conditions it holds: for a message, so roughly.
fn measure(json: &Json) -> (usize, usize) {
    match json {
        Json::Object(parts) => parts.iter().fold((0, 0), |(deepest, clauses), (key, part)| {
            let (depth, inner) = measure(part);
            match (key.as_str(), part) {
                ("and" | "or", Json::Array(parts)) => (deepest.max(depth + 1), clauses + inner + parts.len()),
                ("and" | "or" | "not" | "some" | "none" | "every", _) => (deepest.max(depth + 1), clauses + inner + 1),
                (_, Json::Object(_)) => (deepest.max(depth), clauses + inner),
                _ => (deepest, clauses + 1),
            }
        }),
        Json::Array(parts) => parts.iter().map(measure).fold((0, 0), |a, b| (a.0.max(b.0), a.1 + b.1)),
        _ => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::catalog::ask::{facet_filters, filter};
    use crate::catalog::fixture::exposed_orders;
    use crate::config::Limits;
    use crate::error::Code;
    use crate::search::date::Time;
    use crate::search::value::Value;

    fn ask(json: &Json) -> Result<Filter, Fault> {
        let limits = Limits::default();
        filter(Frame { limits: &limits, now: Time(0) }, &exposed_orders(), json)
    }

    fn tick(json: &Json) -> Result<Vec<(FieldRef, Filter)>, Fault> {
        let limits = Limits::default();
        facet_filters(Frame { limits: &limits, now: Time(0) }, &exposed_orders(), json)
    }

    fn is(path: &str, value: &str) -> Filter {
        let orders = exposed_orders();
        let field = orders.collection.field(path).unwrap();
        Filter::OneOf(field.clone(), vec![Value::Text(value.into())])
    }

    fn nested(path: &str, quantifier: Quantifier, filter: Filter) -> Filter {
        let field = exposed_orders().collection.field(path).unwrap().clone();
        Filter::Nested { field, quantifier, filter: Box::new(filter) }
    }

    fn fault_path(json: &Json) -> String {
        ask(json).unwrap_err().path.join(".")
    }

    #[test]
    fn only_the_whole_may_be_empty() {
        assert_eq!(ask(&json!({})), Ok(Filter::All));
        for (json, path) in [
            (json!(null), "filter"),
            (json!([]), "filter"),
            (json!({"status": {}}), "filter.status"),
            (json!({"status": null}), "filter.status"),
            (json!({"status": {"eq": null}}), "filter.status.eq"),
            (json!({"status": {"in": ["a", null]}}), "filter.status.in.1"),
            (json!({"status": {"in": null}}), "filter.status.in"),
            (json!({"status": {"ignoreCase": true}}), "filter.status"),
            (json!({"placedAt": {"timeZone": "UTC"}}), "filter.placedAt"),
            (json!({"and": [{"status": {"eq": "a"}}, {}]}), "filter.and.1"),
            (json!({"or": [null]}), "filter.or.0"),
            (json!({"or": null}), "filter.or"),
            (json!({"and": null}), "filter.and"),
            (json!({"not": {}}), "filter.not"),
            (json!({"not": null}), "filter.not"),
            (json!({"shipping": {}}), "filter.shipping"),
            (json!({"shipping": {"city": {}}}), "filter.shipping.city"),
            (json!({"items": {}}), "filter.items"),
            (json!({"items": {"some": {}}}), "filter.items.some"),
            (json!({"items": {"exists": null}}), "filter.items.exists"),
            (json!({"items": {"sku": {"eq": "a"}}}), "filter.items.sku"),
            (json!({"nope": {"eq": 1}}), "filter.nope"),
            (json!({"attributes": {"exists": true}}), "filter.attributes"),
            (json!({"status": "a"}), "filter.status"),
        ] {
            assert_eq!(fault_path(&json), path, "{json}");
        }
    }

    #[test]
    fn lists_of_filters() {
        assert_eq!(ask(&json!({"or": []})), Ok(Filter::Nothing));
        assert_eq!(ask(&json!({"status": {"in": []}})), Ok(Filter::Nothing));
        assert_eq!(ask(&json!({"status": {"nin": []}})), Ok(Filter::All));
        assert_eq!(ask(&json!({"not": {"or": []}})), Ok(Filter::All));
        assert_eq!(ask(&json!({"clientIp": {"cidr": []}})), Ok(Filter::Nothing));
        let (a, b) = (json!({"status": {"eq": "a"}}), json!({"shipping": {"city": {"eq": "b"}}}));
        let (is_a, is_b) = (is("status", "a"), is("shipping.city", "b"));
        assert_eq!(ask(&json!({"or": [a, b]})), Ok(Filter::Or(vec![is_a.clone(), is_b.clone()])));
        assert_eq!(ask(&json!({"and": [a, b]})), Ok(Filter::And(vec![is_a.clone(), is_b.clone()])));
        assert_eq!(ask(&json!({"or": a})), Ok(is_a.clone()), "a bare value is a list of one");
        assert_eq!(ask(&json!({"not": {"not": b}})), Ok(is_b));
        assert_eq!(ask(&json!({"status": {"ne": "a"}})), Ok(Filter::not(is_a)));
    }

    #[test]
    fn elements_of_lists() {
        let a = is("items.sku", "a");
        assert_eq!(
            ask(&json!({"items": {"every": {"sku": {"eq": "a"}}, "exists": true}})),
            Ok(Filter::And(vec![nested("items", Quantifier::Every, a), nested("items", Quantifier::Some, Filter::All)]))
        );
        let deep = nested("items.parcels", Quantifier::None, is("items.parcels.carrier", "x"));
        assert_eq!(
            ask(&json!({"items": {"some": {"parcels": {"none": {"carrier": {"eq": "x"}}}}}})),
            Ok(nested("items", Quantifier::Some, deep))
        );
    }

    #[test]
    fn facet_filters_have_one_entry_a_field() {
        let ticks = tick(&json!({"status": {"in": ["a"]}, "items": {"parcels": {"carrier": {"eq": "x"}}}})).unwrap();
        let paths: Vec<&str> = ticks.iter().map(|(field, _)| field.path.as_str()).collect();
        assert_eq!(paths, ["items.parcels.carrier", "status"]);
        assert_eq!(ticks[0].1, nested("items.parcels", Quantifier::Some, is("items.parcels.carrier", "x")));
        assert_eq!(tick(&json!({})), Ok(vec![]));
        for (json, path) in [
            (json!(null), "facetFilters"),
            (json!({"status": {}}), "facetFilters.status"),
            (json!({"status": null}), "facetFilters.status"),
            (json!({"items": {}}), "facetFilters.items"),
            (json!({"items": {"some": {"sku": {"eq": "a"}}}}), "facetFilters.items.some"),
            (json!({"and": []}), "facetFilters.and"),
            (json!({"notes": {"match": "a"}}), "facetFilters.notes"),
        ] {
            assert_eq!(tick(&json).unwrap_err().path.join("."), path, "{json}");
        }
    }

    #[test]
    fn limits_say_which_and_what_was_asked() {
        let limits = Limits { filter_depth: 3, filter_clauses: 5, in_values: 2, pattern_length: 4, ..Limits::default() };
        let ask = |json: &Json| filter(Frame { limits: &limits, now: Time(0) }, &exposed_orders(), json);
        let a = json!({"status": {"eq": "a"}});
        assert!(ask(&json!({"not": {"not": {"not": a}}})).is_ok());
        for (json, message) in [
            (json!({"not": {"not": {"not": {"and": [a]}}}}), "depth of a filter: at most 3, asked for 4"),
            (json!({"or": [a, a, a]}), "conditions in a filter: at most 5, asked for 6"),
            (json!({"status": {"in": ["a", "b", "c"]}}), "values of one list: at most 2, asked for 3"),
            (json!({"status": {"prefix": "abcde"}}), "characters of a pattern: at most 4, asked for 5"),
        ] {
            let fault = ask(&json).unwrap_err();
            assert_eq!((fault.code, fault.message.as_str()), (Code::LimitExceeded, message));
        }
    }
}
