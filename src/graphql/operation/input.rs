//! Variables and arguments: checked against their types and made plain JSON, by the rules of the specification.
//!
//! What is absent stays absent: defaults of arguments are filled in, those of input fields are left to whoever reads them, for a
//! filter with nothing but a default in it would no longer be seen to be empty. Inside a filter an absent variable is refused:
//! it would widen what is asked.

use apollo_compiler::ast::{Type, Value};
use apollo_compiler::executable::{Field, Operation};
use apollo_compiler::schema::{ExtendedType, InputObjectType};
use apollo_compiler::validation::Valid;
use apollo_compiler::{Node, Schema};
use serde_json::{Map, Value as Json};

use crate::catalog::ask::Fault;
use crate::error::Code;

/// Values by name; what is absent has no entry.
pub(crate) type Values = Map<String, Json>;

/// Arguments in which a missing value must never turn into "everything".
const STRICT: [&str; 3] = ["filter", "facetFilters", "having"];

/// What a client sent as `variables`, for one operation.
pub(crate) fn variables(schema: &Valid<Schema>, operation: &Operation, given: &Values) -> Result<Values, Fault> {
    let mut coerced = Values::new();
    for definition in &operation.variables {
        let name = definition.name.as_str();
        let mut path = vec![format!("${name}")];
        if let Some(value) = given.get(name) {
            coerced.insert(name.to_owned(), of_json(schema, &definition.ty, value, &mut path)?);
        } else if let Some(default) = &definition.default_value {
            let literal = Literals { schema, variables: &Values::new(), strict: false };
            if let Some(value) = literal.coerce(&definition.ty, default, &mut path)? {
                coerced.insert(name.to_owned(), value);
            }
        } else if definition.ty.is_non_null() {
            return Err(fault(&path, format!("a value of type {} is required", definition.ty)));
        }
    }
    Ok(coerced)
}

/// The arguments of a field, with the defaults of those that are absent.
pub(crate) fn arguments(schema: &Valid<Schema>, field: &Field, variables: &Values) -> Result<Values, Fault> {
    let mut coerced = Values::new();
    for definition in &field.definition.arguments {
        let name = definition.name.as_str();
        let mut path = vec![name.to_owned()];
        let literals = Literals { schema, variables, strict: STRICT.contains(&name) };
        let given = field.arguments.iter().find(|argument| argument.name == definition.name);
        let mut value = match given {
            Some(argument) => literals.coerce(&definition.ty, &argument.value, &mut path)?,
            None => None,
        };
        if value.is_none() {
            value = match &definition.default_value {
                Some(default) => literals.coerce(&definition.ty, default, &mut path)?,
                None if definition.ty.is_non_null() => {
                    return Err(fault(&path, format!("a value of type {} is required", definition.ty)));
                }
                None => None,
            };
        }
        if let Some(value) = value {
            coerced.insert(name.to_owned(), value);
        }
    }
    Ok(coerced)
}

struct Literals<'a> {
    schema: &'a Valid<Schema>,
    variables: &'a Values,
    strict: bool,
}

impl Literals<'_> {
    /// `None` where the value is a variable that was not given.
    fn coerce(&self, ty: &Type, value: &Node<Value>, path: &mut Vec<String>) -> Result<Option<Json>, Fault> {
        if let Value::Variable(name) = &**value {
            return match self.variables.get(name.as_str()) {
                Some(Json::Null) if ty.is_non_null() => Err(fault(path, format!("${name} may not be null here"))),
                Some(given) => Ok(Some(given.clone())),
                None => Ok(None),
            };
        }
        if let Value::Null = &**value {
            if ty.is_non_null() {
                return Err(fault(path, format!("null is not of type {ty}")));
            }
            return Ok(Some(Json::Null));
        }
        match ty {
            Type::List(inner) | Type::NonNullList(inner) => {
                let Value::List(items) = &**value else {
                    return Ok(self.coerce(inner, value, path)?.map(|one| Json::Array(vec![one])));
                };
                let mut list = Vec::with_capacity(items.len());
                for (index, item) in items.iter().enumerate() {
                    path.push(index.to_string());
                    let element = self.coerce(inner, item, path)?;
                    if element.is_none() && (self.strict || inner.is_non_null()) {
                        return Err(fault(path, absent(item)));
                    }
                    list.push(element.unwrap_or(Json::Null));
                    path.pop();
                }
                Ok(Some(Json::Array(list)))
            }
            Type::Named(name) | Type::NonNullNamed(name) => match self.schema.types.get(name.as_str()) {
                Some(ExtendedType::InputObject(object)) => self.object(object, value, path).map(Some),
                Some(ExtendedType::Enum(definition)) => match &**value {
                    Value::Enum(word) if definition.values.contains_key(word) => Ok(Some(Json::String(word.to_string()))),
                    _ => Err(fault(path, format!("expected a value of {name}"))),
                },
                _ => match if name == "JSON" { self.free(value) } else { literal(name, value) } {
                    Some(json) => scalar(name, &json).map(Some).map_err(|why| fault(path, why)),
                    None => Err(fault(path, format!("expected a value of {name}"))),
                },
            },
        }
    }

    /// A literal without a type, in which variables may stand; those that were not given are left out.
    fn free(&self, value: &Value) -> Option<Json> {
        let there = |inner: &Value| inner.as_variable().is_none_or(|name| self.variables.contains_key(name.as_str()));
        match value {
            Value::Variable(name) => self.variables.get(name.as_str()).cloned(),
            Value::List(items) => items.iter().filter(|item| there(item)).map(|item| self.free(item)).collect(),
            Value::Object(entries) => {
                let entries = entries.iter().filter(|(_, inner)| there(inner));
                let map = entries.map(|(name, inner)| Some((name.to_string(), self.free(inner)?)));
                map.collect::<Option<Map<String, Json>>>().map(Json::Object)
            }
            other => literal("JSON", other),
        }
    }

    fn object(&self, object: &InputObjectType, value: &Node<Value>, path: &mut Vec<String>) -> Result<Json, Fault> {
        let Value::Object(entries) = &**value else {
            return Err(fault(path, format!("expected an object of type {}", object.name)));
        };
        let mut map = Map::new();
        for (name, inner) in entries {
            path.push(name.to_string());
            let Some(definition) = object.fields.get(name) else {
                return Err(fault(path, format!("{} has no field of this name", object.name)));
            };
            match self.coerce(&definition.ty, inner, path)? {
                Some(json) => {
                    map.insert(name.to_string(), json);
                }
                None if self.strict => return Err(fault(path, absent(inner))),
                None => {}
            }
            path.pop();
        }
        complete(object, map, path)
    }
}

/// A value of a variable as it came over the wire.
fn of_json(schema: &Valid<Schema>, ty: &Type, value: &Json, path: &mut Vec<String>) -> Result<Json, Fault> {
    if value.is_null() {
        return if ty.is_non_null() { Err(fault(path, format!("null is not of type {ty}"))) } else { Ok(Json::Null) };
    }
    match ty {
        Type::List(inner) | Type::NonNullList(inner) => {
            let Json::Array(items) = value else {
                return Ok(Json::Array(vec![of_json(schema, inner, value, path)?]));
            };
            let mut list = Vec::with_capacity(items.len());
            for (index, item) in items.iter().enumerate() {
                path.push(index.to_string());
                list.push(of_json(schema, inner, item, path)?);
                path.pop();
            }
            Ok(Json::Array(list))
        }
        Type::Named(name) | Type::NonNullNamed(name) => match schema.types.get(name.as_str()) {
            Some(ExtendedType::InputObject(object)) => {
                let Json::Object(entries) = value else {
                    return Err(fault(path, format!("expected an object of type {name}")));
                };
                let mut map = Map::new();
                for (key, inner) in entries {
                    path.push(key.clone());
                    let Some(definition) = object.fields.get(key.as_str()) else {
                        return Err(fault(path, format!("{name} has no field of this name")));
                    };
                    map.insert(key.clone(), of_json(schema, &definition.ty, inner, path)?);
                    path.pop();
                }
                complete(object, map, path)
            }
            Some(ExtendedType::Enum(definition)) => match value {
                Json::String(word) if definition.values.contains_key(word.as_str()) => Ok(value.clone()),
                _ => Err(fault(path, format!("expected one of the values of {name}"))),
            },
            _ => scalar(name, value).map_err(|why| fault(path, why)),
        },
    }
}

/// Required input fields must be there, and of a `@oneOf` object exactly one.
fn complete(object: &InputObjectType, map: Map<String, Json>, path: &[String]) -> Result<Json, Fault> {
    for (name, definition) in &object.fields {
        if definition.ty.is_non_null() && definition.default_value.is_none() && !map.contains_key(name.as_str()) {
            let mut path = path.to_vec();
            path.push(name.to_string());
            return Err(fault(&path, format!("a value of type {} is required", definition.ty)));
        }
    }
    if object.directives.has("oneOf") && (map.len() != 1 || map.values().any(Json::is_null)) {
        return Err(fault(path, format!("{} takes exactly one of its fields", object.name)));
    }
    Ok(Json::Object(map))
}

/// A literal as JSON; a word of an enum is none.
fn literal(scalar: &str, value: &Value) -> Option<Json> {
    Some(match value {
        Value::String(text) => Json::String(text.clone()),
        Value::Boolean(flag) => Json::Bool(*flag),
        // digits beyond 64 bits stay text: a Long refuses them by what they are, a Float reads them
        Value::Int(digits) if scalar == "Float" => serde_json::Number::from_f64(digits.try_to_f64().ok()?)?.into(),
        Value::Int(digits) => match (digits.as_str().parse::<i64>(), scalar) {
            (Ok(number), _) => number.into(),
            (Err(_), "ID" | "Long") => Json::String(digits.as_str().to_owned()),
            (Err(_), _) => return None,
        },
        Value::Float(digits) => serde_json::Number::from_f64(digits.try_to_f64().ok()?)?.into(),
        Value::Null => Json::Null,
        Value::List(_) | Value::Object(_) | Value::Enum(_) | Value::Variable(_) => return None,
    })
}

fn scalar(name: &str, value: &Json) -> Result<Json, String> {
    let fits = match (name, value) {
        ("Int", Json::Number(number)) => {
            let whole = number.as_i64().or_else(|| number.as_f64().and_then(whole));
            return match whole.map(i32::try_from) {
                Some(Ok(whole)) => Ok(whole.into()),
                _ => Err("expected a whole number of 32 bits".into()),
            };
        }
        ("Long", Json::Number(number)) => {
            return number
                .as_i64()
                .or_else(|| number.as_f64().and_then(whole))
                .map(Json::from)
                .ok_or_else(|| "expected a whole number of 64 bits".into());
        }
        ("Long", Json::String(digits)) => {
            return digits.parse::<i64>().map(Json::from).map_err(|_| "expected a whole number of 64 bits".into());
        }
        ("ID", Json::Number(number)) if number.is_i64() || number.is_u64() => return Ok(Json::String(number.to_string())),
        ("Float", Json::Number(_)) | ("Boolean", Json::Bool(_)) | ("String" | "ID", Json::String(_)) | ("JSON", _) => true,
        ("GroupBound", Json::Number(_)) => true,
        ("Int" | "Long" | "Float" | "Boolean" | "String" | "ID", _) => false,
        // the other scalars are texts, read by whoever asks with them
        (_, Json::String(_)) => true,
        _ => false,
    };
    if fits { Ok(value.clone()) } else { Err(format!("expected a value of type {name}")) }
}

/// A double without a fraction, as far as it is exact.
fn whole(number: f64) -> Option<i64> {
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within 2^53")]
    (number.fract() == 0.0 && number.abs() < 9_007_199_254_740_992.0).then_some(number as i64)
}

fn absent(value: &Value) -> String {
    match value {
        Value::Variable(name) => format!("${name} was not given; leave this part out, or give the variable a value"),
        _ => "a value is required".into(),
    }
}

fn fault(path: &[String], message: impl Into<String>) -> Fault {
    Fault { code: Code::BadUserInput, path: path.to_vec(), message: message.into(), exceeded: None }
}

#[cfg(test)]
mod tests {
    use apollo_compiler::ExecutableDocument;
    use apollo_compiler::executable::Selection;
    use serde_json::json;

    use super::*;

    const SDL: &str = "
        type Query { find(filter: Filter, search: Search, first: Int = 10, ids: [ID!], wide: Long, one: One, any: JSON): Int }
        scalar Long scalar JSON scalar DateMath directive @oneOf on INPUT_OBJECT
        enum Way { ASC DESC }
        input Filter { size: Size and: [Filter!] when: DateMath }
        input Size { gte: Long lt: Long in: [Long!] ignoreCase: Boolean = false }
        input Search { query: String! way: Way = ASC boost: Float }
        input One @oneOf { a: Int b: Int }";

    fn coerce(operation: &str, given: Json) -> Result<Json, String> {
        let schema = Schema::parse_and_validate(SDL, "s").unwrap();
        let document = ExecutableDocument::parse_and_validate(&schema, operation, "o").unwrap();
        let operation = document.operations.get(None).unwrap();
        let Json::Object(given) = given else { panic!("variables are an object") };
        let told = |fault: Fault| format!("{}: {}", fault.path.join("."), fault.message);
        let variables = variables(&schema, operation, &given).map_err(told)?;
        let Selection::Field(field) = &operation.selection_set.selections[0] else { panic!("a field") };
        arguments(&schema, field, &variables).map(Json::Object).map_err(told)
    }

    #[test]
    fn absent_is_not_null() {
        assert_eq!(coerce("{ find }", json!({})).unwrap(), json!({ "first": 10 }));
        assert_eq!(coerce("{ find(first: null, filter: null) }", json!({})).unwrap(), json!({ "first": null, "filter": null }));
        let operation = "query($f: Filter, $n: Int) { find(filter: $f, first: $n) }";
        assert_eq!(coerce(operation, json!({})).unwrap(), json!({ "first": 10 }));
        assert_eq!(coerce(operation, json!({ "f": null, "n": null })).unwrap(), json!({ "first": null, "filter": null }));
    }

    #[test]
    fn free_forms_may_be_written_out() {
        let operation =
            "query($a: Int, $b: Int) { find(any: { x: [1, \"y\", { z: $a }], none: $b, nil: null, on: true, d: 0.5 }) }";
        let expected = json!({ "x": [1, "y", { "z": 7 }], "nil": null, "on": true, "d": 0.5 });
        assert_eq!(coerce(operation, json!({ "a": 7 })).unwrap()["any"], expected);
        assert!(coerce("{ find(any: { x: WORD }) }", json!({})).is_err());
    }

    #[test]
    fn a_variable_missing_inside_a_filter_is_an_error() {
        let operation = "query($n: Long) { find(filter: { size: { gte: $n, lt: 5 } }) }";
        assert!(coerce(operation, json!({})).unwrap_err().starts_with("filter.size.gte: $n was not given"));
        assert_eq!(coerce(operation, json!({ "n": 1 })).unwrap()["filter"], json!({ "size": { "gte": 1, "lt": 5 } }));
        let elsewhere = "query($b: Float) { find(search: { query: \"x\", boost: $b }) }";
        assert_eq!(coerce(elsewhere, json!({})).unwrap()["search"], json!({ "query": "x" }));
    }

    #[test]
    fn defaults_inside_a_filter_are_left_to_its_reader() {
        assert_eq!(coerce("{ find(filter: { size: {} }) }", json!({})).unwrap()["filter"], json!({ "size": {} }));
    }

    #[test]
    fn numbers_keep_their_size() {
        let long = |text: &str| coerce(&format!("{{ find(wide: {text}) }}"), json!({})).map(|found| found["wide"].clone());
        assert_eq!(long("9223372036854775807").unwrap(), json!(i64::MAX));
        assert_eq!(long("\"-9223372036854775808\"").unwrap(), json!(i64::MIN));
        assert!(long("9223372036854775808").is_err());
        assert!(long("\"5 \"").is_err());
        assert!(long("1.5").is_err());
        assert!(long("true").is_err());
        assert!(coerce("query($n: Int) { find(first: $n) }", json!({ "n": 2_147_483_648_i64 })).is_err());
        assert_eq!(coerce("query($n: Int) { find(first: $n) }", json!({ "n": 3.0 })).unwrap()["first"], json!(3));
        assert_eq!(coerce("{ find(ids: 7) }", json!({})).unwrap()["ids"], json!(["7"]));
    }

    #[test]
    fn types_are_strict() {
        for (operation, given) in [
            ("query($s: Search) { find(search: $s) }", json!({ "s": { "query": "x", "way": "UP" } })),
            ("query($s: Search) { find(search: $s) }", json!({ "s": { "query": 5 } })),
            ("query($s: Search) { find(search: $s) }", json!({ "s": { "way": "ASC" } })),
            ("query($s: Search) { find(search: $s) }", json!({ "s": { "query": "x", "other": 1 } })),
            ("query($f: Filter) { find(filter: $f) }", json!({ "f": 5 })),
            ("query($f: Filter) { find(filter: $f) }", json!({ "f": { "when": 5 } })),
            ("query($f: Filter!) { find(filter: $f) }", json!({})),
            ("query($i: [ID!]) { find(ids: $i) }", json!({ "i": ["a", null] })),
            ("query($o: One) { find(one: $o) }", json!({ "o": { "a": 1, "b": 2 } })),
            ("query($o: One) { find(one: $o) }", json!({ "o": { "a": null } })),
        ] {
            assert!(coerce(operation, given.clone()).is_err(), "{operation} {given}");
        }
    }
}
