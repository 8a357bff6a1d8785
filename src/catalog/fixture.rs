//! Small collections for the tests of this folder.

use std::sync::Arc;

use crate::search::date::DateFormats;
use crate::search::{Analyzer, Collection, CollectionName, DateKind, Exact, Field, FieldRef, Kind, Number, Similarity};

pub(super) fn field(path: &str, kind: Kind) -> Field {
    Field::new(path, kind)
}

fn exact(path: String) -> Exact {
    Exact { path, ignore_above: None, normalizer: None }
}

pub(super) fn keyword(path: &str) -> Field {
    field(path, Kind::Keyword(exact(path.to_owned())))
}

pub(super) fn text(path: &str) -> Field {
    field(path, Kind::Text { analyzer: Analyzer::Standard, exact: None })
}

pub(super) fn text_keyword(path: &str) -> Field {
    field(path, Kind::Text { analyzer: Analyzer::Standard, exact: Some(exact(format!("{path}.keyword"))) })
}

pub(super) fn number(path: &str, number: Number) -> Field {
    field(path, Kind::Number(number))
}

pub(super) fn date(path: &str) -> Field {
    field(path, Kind::Date(DateKind { formats: DateFormats::default(), nanos: false }))
}

/// An object or a nested field; the paths of `fields` are whole already.
pub(super) fn holder(path: &str, kind: Kind, fields: Vec<Field>) -> Field {
    let nested = kind == Kind::Nested;
    let mut holder = field(path, kind);
    holder.fields = fields
        .into_iter()
        .map(|mut field| {
            if nested && field.nested.is_none() {
                lie_under(&mut field, path);
            }
            Arc::new(field)
        })
        .collect();
    holder
}

fn lie_under(field: &mut Field, path: &str) {
    if field.nested.is_none() {
        field.nested = Some(path.to_owned());
        if field.kind != Kind::Nested {
            for child in &mut field.fields {
                lie_under(Arc::make_mut(child), path);
            }
        }
    }
}

pub(super) fn collection(name: &str, fields: Vec<Field>) -> Arc<Collection> {
    Arc::new(Collection::new(CollectionName::existing(name), fields.into_iter().map(FieldRef::new).collect()))
}

/// The orders of the contract.
pub(super) fn orders() -> Arc<Collection> {
    let mut labels = keyword("labels");
    labels.list = Some(true);
    collection(
        "orders",
        vec![
            keyword("orderNo"),
            text_keyword("customer"),
            keyword("status"),
            field("gift", Kind::Boolean),
            date("placedAt"),
            number("total", Number::Double),
            number("weight", Number::Float),
            number("half", Number::HalfFloat),
            number("ledger", Number::Long),
            number("rating", Number::Byte),
            field("clientIp", Kind::Ip),
            labels,
            holder(
                "shipping",
                Kind::Object,
                vec![keyword("shipping.city"), text("shipping.street"), number("shipping.floor", Number::Integer)],
            ),
            holder(
                "items",
                Kind::Nested,
                vec![
                    keyword("items.sku"),
                    number("items.qty", Number::Integer),
                    holder(
                        "items.parcels",
                        Kind::Nested,
                        vec![keyword("items.parcels.carrier"), number("items.parcels.weight", Number::Float)],
                    ),
                ],
            ),
            text("notes"),
            field("place", Kind::GeoPoint),
            field("attributes", Kind::Json { mapping_type: "flattened".into() }),
            field("embedding", Kind::Vector { dims: Some(3), similarity: Similarity::Cosine, indexed: true }),
        ],
    )
}

/// The orders as users see them.
pub(super) fn exposed_orders() -> Arc<super::Exposed> {
    let catalog = super::Catalog::of(&[orders()], &crate::config::Config::default());
    Arc::clone(&catalog.collections[0])
}
