//! The part of the schema that is the same for any collections: scalars, enums, and small types. Each is made only if it is needed.

use async_graphql::dynamic::{Enum, EnumItem, Object, Scalar, TypeRef};

use super::{Types, computed, described, field, filter, mutation};

/// Makes a shared type and what it needs itself.
pub(super) fn add(types: &mut Types, name: &'static str) {
    if let Some(description) = scalar(name) {
        types.add(Scalar::new(name).description(description));
        return;
    }
    if let Some(made) = enumeration(name) {
        types.add(made);
        return;
    }
    match name {
        "GeoPoint" => types.add(
            Object::new(name)
                .field(field("lat", TypeRef::named_nn(TypeRef::FLOAT)))
                .field(field("lon", TypeRef::named_nn(TypeRef::FLOAT))),
        ),
        "PageInfo" => types.add(
            Object::new(name)
                .field(described(
                    "hasNextPage",
                    TypeRef::named_nn(TypeRef::BOOLEAN),
                    "More follows. Going backward: true where a cursor was given.",
                ))
                .field(described(
                    "hasPreviousPage",
                    TypeRef::named_nn(TypeRef::BOOLEAN),
                    "Something stands before. Going forward: true after a cursor or an offset.",
                ))
                .field(field("startCursor", TypeRef::named(TypeRef::STRING)))
                .field(field("endCursor", TypeRef::named(TypeRef::STRING))),
        ),
        "Total" => {
            types.shared("Long");
            types.shared("TotalRelation");
            types.add(
                Object::new(name)
                    .field(field("value", TypeRef::named_nn("Long")))
                    .field(field("relation", TypeRef::named_nn("TotalRelation"))),
            );
        }
        "Highlight" => {
            types.shared("HighlightFragment");
            types.add(
                Object::new(name)
                    .description("field is the path in the document; fragments in the order of the text.")
                    .field(field("field", TypeRef::named_nn(TypeRef::STRING)))
                    .field(field("fragments", TypeRef::named_nn_list_nn("HighlightFragment"))),
            );
        }
        "HighlightFragment" => {
            types.shared("HighlightPart");
            types.add(
                Object::new(name)
                    .description("html is escaped but for <mark>; parts are the same as runs.")
                    .field(field("html", TypeRef::named_nn(TypeRef::STRING)))
                    .field(field("parts", TypeRef::named_nn_list_nn("HighlightPart"))),
            );
        }
        "Explanation" => types.add(
            Object::new(name)
                .description("Why a document has its score, part by part.")
                .field(field("value", TypeRef::named_nn(TypeRef::FLOAT)))
                .field(field("description", TypeRef::named_nn(TypeRef::STRING)))
                .field(field("field", TypeRef::named(TypeRef::STRING)))
                .field(field("term", TypeRef::named(TypeRef::STRING)))
                .field(field("details", TypeRef::named_nn_list_nn(name))),
        ),
        "HighlightPart" => types.add(
            Object::new(name)
                .field(field("text", TypeRef::named_nn(TypeRef::STRING)))
                .field(field("hit", TypeRef::named_nn(TypeRef::BOOLEAN))),
        ),
        other => {
            if !computed::add_shared(types, other) && !mutation::add_shared(types, other) {
                filter::add_shared(types, other);
            }
        }
    }
}

fn scalar(name: &str) -> Option<&'static str> {
    Some(match name {
        "Long" => {
            "A 64-bit integer. A JSON number while it is exact in a double (up to 2^53 - 1), else a string of digits; both are taken as input."
        }
        "DateTime" => {
            "A point in time, RFC 3339 in UTC, whatever format the mapping has: three digits of fraction, up to nine where the mapping is date_nanos."
        }
        "DateMath" => {
            "A DateTime, a date or local time read in `timeZone`, or date math: 2024-03-31, 2024-03-31T02:30, now-7d/d, 2024-01-01||+1M/d."
        }
        "TimeZone" => "An IANA name or an offset: Europe/Berlin, +02:00.",
        "Distance" => "A length with its unit: 500m, 12km, 3mi.",
        "Duration" => "A length of time: 90m, 12h, 7d.",
        "GroupBound" => "A number, or a date as DateMath.",
        "IP" => "An IPv4 or IPv6 address in its shortest form.",
        "CIDR" => "An address with a prefix length: 10.0.0.0/8.",
        "JSON" => "Only for free-form objects, which have no type.",
        _ => return None,
    })
}

fn enumeration(name: &str) -> Option<Enum> {
    let (description, items): (&str, &[&str]) = match name {
        "Direction" => ("", &["ASC", "DESC"]),
        "Missing" => ("", &["FIRST", "LAST"]),
        "SearchOperator" => ("", &["OR", "AND"]),
        "Fuzziness" => ("AUTO: none up to 2 letters, one edit up to 5, else two.", &["NONE", "AUTO", "ONE", "TWO"]),
        "Fusion" => ("RRF: by the ranks, 1 / (60 + rank) of each.", &["RRF"]),
        "Consistency" => ("SNAPSHOT: all pages of a walk see one moment; the cursor carries it.", &["LIVE", "SNAPSHOT"]),
        "FacetInclude" => ("", &["MISSING"]),
        "Metric" => ("", &["MIN", "MAX", "AVG", "SUM", "STD_DEV", "DISTINCT_COUNT", "VALUE_COUNT"]),
        "CalendarUnit" => ("", &["MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR"]),
        "TotalRelation" => ("EQ: exactly so many. GTE: at least so many; counting stopped there.", &["EQ", "GTE"]),
        _ => return None,
    };
    let made = Enum::new(name).items(items.iter().copied().map(EnumItem::new));
    Some(if description.is_empty() { made } else { made.description(description) })
}
