//! Row rules: what settings say in JSON, with the viewer's claims put in, becomes a filter. A rule that cannot be made sense of, and one
//! that asks for a claim which the viewer does not have, lets nothing through, also where it stands below `not`.

use serde_json::{Map, Value as Json};

use crate::catalog::ask::{self, Frame};
use crate::catalog::{Exposed, ExposedField};
use crate::config::Limits;
use crate::search::date::Time;
use crate::search::{Filter, Kind};

/// What a rule may ask of a field: what can be decided of a document alone, before it is written and after, without analysis.
const EXACT: [&str; 11] = ["eq", "ne", "in", "nin", "exists", "gt", "gte", "lt", "lte", "cidr", "timeZone"];

/// The rows of a viewer with these claims, and what is wrong with the rule where it lets nothing through for that.
pub(super) fn rows(rule: Option<&Json>, claims: &Map<String, Json>, on: &Exposed, limits: &Limits) -> (Filter, Option<String>) {
    let Some(rule) = rule else { return (Filter::All, None) };
    if let Err(fault) = check(&on.fields, rule) {
        return (Filter::Nothing, Some(fault));
    }
    let Some(rule) = filled(rule, claims) else { return (Filter::Nothing, None) };
    match ask::filter(Frame { limits, now: Time::now() }, on, &rule) {
        // `{}` is none of a rule
        Ok(Filter::All) => (Filter::Nothing, Some("it says nothing".into())),
        Ok(filter) => (filter, None),
        Err(fault) => (Filter::Nothing, Some(fault.message)),
    }
}

/// With the claims in their places; `None` where one is missing.
pub(super) fn filled(rule: &Json, claims: &Map<String, Json>) -> Option<Json> {
    match rule {
        Json::Object(parts) => match parts.get("claim") {
            Some(Json::String(name)) if parts.len() == 1 => claim(claims, name).filter(|value| is_plain(value)).cloned(),
            _ => {
                let parts = parts.iter().map(|(key, part)| Some((key.clone(), filled(part, claims)?)));
                parts.collect::<Option<Map<_, _>>>().map(Json::Object)
            }
        },
        Json::Array(parts) => parts.iter().map(|part| filled(part, claims)).collect::<Option<Vec<_>>>().map(Json::Array),
        other => Some(other.clone()),
    }
}

/// By its whole name, else as a path: `org.id`.
fn claim<'c>(claims: &'c Map<String, Json>, name: &str) -> Option<&'c Json> {
    claims.get(name).or_else(|| {
        let (first, rest) = name.split_once('.')?;
        claim(claims.get(first)?.as_object()?, rest)
    })
}

/// A value, or several: no object, which could say more than a value, and not null.
fn is_plain(value: &Json) -> bool {
    let single = |value: &Json| value.is_string() || value.is_number() || value.is_boolean();
    value.as_array().map_or_else(|| single(value), |all| all.iter().all(single))
}

/// Only exact operators, and no nested lists: of what is left both engines decide alike what may be written.
fn check(fields: &[ExposedField], rule: &Json) -> Result<(), String> {
    let parts = rule.as_object().ok_or("a rule is made of objects")?;
    for (key, part) in parts {
        match key.as_str() {
            "and" | "or" => match part {
                Json::Array(all) => all.iter().try_for_each(|part| check(fields, part))?,
                one => check(fields, one)?,
            },
            "not" => check(fields, part)?,
            name => {
                let field = fields.iter().find(|field| field.filter_name == name);
                let field = field.ok_or_else(|| format!("there is no field {name}"))?;
                let asked = part.as_object().ok_or_else(|| format!("{name} is asked by an operator, as {{\"eq\": …}}"))?;
                match field.field.kind {
                    Kind::Object => check(&field.fields, part)?,
                    Kind::Nested => return Err(format!("{name} is a nested list, which a rule cannot ask")),
                    _ => {
                        if let Some(other) = asked.keys().find(|operator| !EXACT.contains(&operator.as_str())) {
                            return Err(format!("{other} (of {name}) is not exact; these are: {}", EXACT[..10].join(", ")));
                        }
                    }
                }
            }
        }
    }
    Ok(())
}
