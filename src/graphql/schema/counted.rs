//! What is counted in a collection, level by level as objects nest: its facets, its aggregates, the keys of its groups and the
//! conditions on them. A level without such a field is left out, and so is what would hold nothing but it.

use super::{Types, written};
use crate::catalog::ask::can_count;
use crate::catalog::{Exposed, ExposedField};
use crate::search::{Field, Kind, Number};

/// The four families of types: how a level is called, what it says of a field, and what stands before the fields.
#[derive(Clone, Copy)]
enum Family {
    Facets,
    Aggregate,
    Key,
    Having,
}

/// Which of them a collection got, by name.
pub(super) struct Counted {
    pub(super) facets: Option<String>,
    pub(super) aggregate: Option<String>,
    pub(super) key: Option<String>,
    pub(super) having: Option<String>,
}

pub(super) fn add(types: &mut Types, exposed: &Exposed) -> Counted {
    let mut level = |family: Family| family.level(types, &exposed.names.type_name, &exposed.fields, Level::Top);
    let key = level(Family::Key);
    Counted {
        facets: level(Family::Facets),
        aggregate: level(Family::Aggregate),
        // conditions are on groups
        having: key.is_some().then(|| level(Family::Having)).flatten(),
        key,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Top,
    Object,
    Elements,
}

impl Family {
    fn level(self, types: &mut Types, stem: &str, fields: &[ExposedField], level: Level) -> Option<String> {
        let name = format!("{stem}{}", self.suffix());
        let mut parts: Vec<(String, &str)> =
            self.counts(level).iter().map(|(text, about)| ((*text).to_owned(), *about)).collect();
        for field in fields {
            match (&field.field.kind, &field.type_name) {
                (Kind::Object, Some(stem)) => self.below(types, stem, field, Level::Object, &mut parts),
                (Kind::Nested, Some(stem)) => self.below(types, stem, field, Level::Elements, &mut parts),
                _ => self.leaf(field, &mut parts),
            }
        }
        // conditions on nothing but the counts of a group are some
        if parts.is_empty() {
            return None;
        }
        if matches!((self, level), (Family::Having, Level::Top)) {
            parts.extend([(format!("and: [{name}!]"), ""), (format!("or: [{name}!]"), ""), (format!("not: {name}"), "")]);
        }
        let parts: Vec<(&str, &str)> = parts.iter().map(|(text, about)| (text.as_str(), *about)).collect();
        match self {
            Family::Having => written::input_object(types, &name, self.about(), &parts),
            _ => written::object(types, &name, if level == Level::Top { self.about() } else { "" }, &parts),
        }
        Some(name)
    }

    fn below(self, types: &mut Types, stem: &str, field: &ExposedField, level: Level, parts: &mut Vec<(String, &str)>) {
        if let Some(ty) = self.level(types, stem, &field.fields, level) {
            parts.push((format!("{}: {ty}", self.name(field)), ""));
        }
    }

    const fn suffix(self) -> &'static str {
        match self {
            Family::Facets => "Facets",
            Family::Aggregate => "Aggregate",
            Family::Key => "GroupKey",
            Family::Having => "Having",
        }
    }

    const fn about(self) -> &'static str {
        match self {
            Family::Facets => "Values and their counts; each ignores the clause of its own field in facetFilters, and no other.",
            Family::Aggregate => "Over the documents found, or those of the group.",
            Family::Key => "The keys grouped by; the others are null. With an interval the lower end; with ranges see …Range.",
            Family::Having => "All parts must hold. A part that is {} is an error.",
        }
    }

    fn name(self, field: &ExposedField) -> &str {
        match self {
            Family::Facets | Family::Key => &field.name,
            Family::Aggregate => &field.aggregate_name,
            Family::Having => field.having_name(),
        }
    }

    const fn counts(self, level: Level) -> &'static [(&'static str, &'static str)] {
        match (self, level) {
            (Family::Aggregate, Level::Top) => &[("count: Long!", "Documents.")],
            (Family::Aggregate, Level::Elements) => {
                &[("nestedCount: Long!", "Elements of the list."), ("count: Long!", "Documents with such an element.")]
            }
            (Family::Having, Level::Top) => &[("count: LongFilter", "")],
            (Family::Having, Level::Elements) => &[("count: LongFilter", ""), ("nestedCount: LongFilter", "")],
            _ => &[],
        }
    }

    fn leaf(self, field: &ExposedField, parts: &mut Vec<(String, &str)>) {
        let name = self.name(field);
        let Some(kind) = kind(&field.field) else {
            if matches!(self, Family::Facets) && field.field.kind == Kind::GeoPoint && field.field.columns {
                let arguments = "from: GeoPointInput, ranges: [FloatRangeInput!], zoom: Int, first: Int = 10";
                parts.push((format!("{name}({arguments}): GeoFacet"), ""));
            }
            return;
        };
        match self {
            Family::Facets => {
                let own = match kind {
                    "String" => ", query: String".to_owned(),
                    "Int" | "Long" | "Float" => format!(", ranges: [{kind}RangeInput!], interval: NumberInterval"),
                    "Date" => ", ranges: [DateRangeInput!], interval: DateInterval".to_owned(),
                    _ => String::new(),
                };
                let arguments = format!("first: Int = 10, orderBy: [FacetOrder!]{own}, include: [FacetInclude!]");
                parts.push((format!("{name}({arguments}): {kind}Facet"), ""));
            }
            Family::Aggregate => parts.push((format!("{name}: {}Aggregate", measured(kind)), "")),
            Family::Having => parts.push((format!("{name}: {}Having", measured(kind)), "")),
            Family::Key => {
                parts.push((format!("{name}: {}", if kind == "Date" { "DateTime" } else { kind }), ""));
                if matches!(kind, "Int" | "Long" | "Float" | "Date") {
                    parts.push((format!("{}: {kind}Range", field.range_name), ""));
                }
            }
        }
    }
}

/// What the types of such a field begin with; `None` where its values cannot be counted.
fn kind(field: &Field) -> Option<&'static str> {
    if !can_count(field) {
        return None;
    }
    Some(match &field.kind {
        Kind::Keyword(_) | Kind::Text { .. } => "String",
        Kind::Number(Number::Long) => "Long",
        Kind::Number(Number::Integer | Number::Short | Number::Byte) => "Int",
        Kind::Number(Number::Double | Number::Float | Number::HalfFloat) => "Float",
        Kind::Boolean => "Boolean",
        Kind::Date(_) => "Date",
        Kind::Ip => "IP",
        Kind::GeoPoint | Kind::Vector { .. } | Kind::Object | Kind::Nested | Kind::Json { .. } => return None,
    })
}

fn measured(kind: &str) -> &'static str {
    match kind {
        "Int" | "Long" | "Float" => "Number",
        "Date" => "Date",
        _ => "Value",
    }
}
