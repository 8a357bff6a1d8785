//! Queries as people read them.

use std::fmt;

/// Debug text with fields by their path alone.
pub struct Short<'a, T>(pub &'a T);

const FIELD: &str = "Field { path: ";

impl<T: fmt::Debug> fmt::Debug for Short<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = format!("{:?}", self.0);
        let mut rest = text.as_str();
        while let Some(at) = rest.find(FIELD) {
            f.write_str(&rest[..at])?;
            let field = &rest[at + FIELD.len()..];
            f.write_str(field.split(',').next().unwrap_or_default())?;
            rest = &field[end(field)..];
        }
        f.write_str(rest)
    }
}

/// Behind the brace that closes what was opened before this text.
fn end(text: &str) -> usize {
    let (mut depth, mut quoted, mut escaped) = (1, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '{' if !quoted => depth += 1,
            '}' if !quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{Filter, mapping};

    #[test]
    fn fields_are_told_by_their_path() {
        let mapping = serde_json::json!({ "properties": { "o": { "properties": { "a": { "type": "keyword", "null_value": "}" }, "b": { "type": "long" } } } } });
        let fields = mapping::parse(&mapping).unwrap();
        let filter = Filter::Not(Box::new(Filter::Exists(fields[0].clone())));
        assert_eq!(format!("{:?}", Short(&filter)), r#"Not(Exists("o"))"#);
    }
}
