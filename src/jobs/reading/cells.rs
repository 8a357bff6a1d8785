//! Cells of a table -> values: every cell of CSV is a text, the fields say what it should be. Pure.

use serde_json::{Map, Value as Json};

use crate::search::{Field, FieldRef, Kind, Source};

/// What the cells of a row look like, for the inference of a mapping.
pub fn guess_cells(row: &Source) -> Source {
    let guessed = row.iter().map(|(name, cell)| {
        let cell = cell.as_str().unwrap_or("");
        (name.clone(), guess_cell(cell))
    });
    unfold(guessed)
}

fn guess_cell(cell: &str) -> Json {
    match cell {
        "true" | "false" => return Json::Bool(cell == "true"),
        _ => {}
    }
    if let Ok(whole) = cell.parse::<i64>() {
        // 007 and +1 are texts
        return if whole.to_string() == cell { Json::from(whole) } else { Json::String(cell.to_owned()) };
    }
    let digits = cell.strip_prefix('-').unwrap_or(cell);
    let plain = digits.split_once('.').is_some_and(|(before, after)| {
        !before.is_empty()
            && before.bytes().all(|byte| byte.is_ascii_digit())
            && (before == "0" || !before.starts_with('0'))
            && after.starts_with(|first: char| first.is_ascii_digit())
    });
    match cell.parse::<f64>() {
        Ok(fraction) if plain && fraction.is_finite() => Json::from(fraction),
        _ => Json::String(cell.to_owned()),
    }
}

/// The cells of a row as values of these fields. What does not fit stays a text: the engine refuses it and says why.
pub fn shape_cells(row: Source, fields: &[FieldRef]) -> Source {
    unfold(row.into_iter().map(|(name, cell)| {
        let value = match (&cell, find(fields, &name)) {
            (Json::String(text), Some(field)) => shape_cell(text, field).unwrap_or(cell),
            _ => cell,
        };
        (name, value)
    }))
}

fn find<'a>(fields: &'a [FieldRef], path: &str) -> Option<&'a Field> {
    fields.iter().find_map(|field| if field.path == path { Some(&**field) } else { find(&field.fields, path) })
}

fn shape_cell(cell: &str, field: &Field) -> Option<Json> {
    let json = || serde_json::from_str::<Json>(cell).ok();
    if field.list == Some(true) && cell.starts_with('[') {
        return json();
    }
    match field.kind {
        Kind::Number(_) => json().filter(Json::is_number),
        Kind::Boolean => match cell.to_ascii_lowercase().as_str() {
            "true" => Some(Json::Bool(true)),
            "false" => Some(Json::Bool(false)),
            _ => None,
        },
        Kind::Object | Kind::Nested | Kind::Json { .. } | Kind::Vector { .. } => json(),
        Kind::GeoPoint if cell.starts_with(['{', '[']) => json(),
        _ => None,
    }
}

/// `a.b` becomes `b` inside `a`.
fn unfold(cells: impl Iterator<Item = (String, Json)>) -> Source {
    let mut row = Source::new();
    for (name, value) in cells {
        put(&mut row, &name, value);
    }
    row
}

fn put(row: &mut Source, name: &str, value: Json) {
    let inner = name.split_once('.').and_then(|(first, rest)| {
        let object = row.entry(first).or_insert_with(|| Json::Object(Map::new()));
        Some((object.as_object_mut()?, rest))
    });
    match inner {
        Some((object, rest)) => put(object, rest, value),
        None => drop(row.insert(name.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::search::mapping;

    #[test]
    fn cells_become_values_of_their_field() {
        let row = json!({ "n": "7", "x": "oops", "b": "True", "k": "007", "o.t": "[1, 2]", "l": "[\"a\"]", "other": "1" });
        let fields = mapping::parse(&json!({
            "_meta": { "hooke": { "lists": ["l", "o.t"] } },
            "properties": { "n": { "type": "long" }, "x": { "type": "long" }, "b": { "type": "boolean" }, "k": { "type": "keyword" },
                "o": { "properties": { "t": { "type": "long" } } }, "l": { "type": "keyword" } }
        }))
        .unwrap();
        assert_eq!(
            Json::Object(shape_cells(row.as_object().unwrap().clone(), &fields)),
            json!({ "n": 7, "x": "oops", "b": true, "k": "007", "o": { "t": [1, 2] }, "l": ["a"], "other": "1" })
        );
    }

    #[test]
    fn cells_are_guessed_for_the_mapping() {
        for (cell, guess) in [
            ("7", json!(7)),
            ("-7", json!(-7)),
            ("007", json!("007")),
            ("+1", json!("+1")),
            ("1.5", json!(1.5)),
            ("00.5", json!("00.5")),
            ("1e5", json!("1e5")),
            ("nan", json!("nan")),
            ("true", json!(true)),
            ("True", json!("True")),
        ] {
            assert_eq!(guess_cell(cell), guess, "{cell}");
        }
    }
}
