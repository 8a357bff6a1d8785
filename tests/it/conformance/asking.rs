//! Short ways to write filters, ranks and orders in tests.

use hooke::search::date::{DateMath, Time, Zone};
use hooke::search::value::Value;
use hooke::search::{
    Direction, Filter, Fuzziness, Kind, Missing, Operator, Order, Query, Range, Rank, TextFilter, TextMatch, pattern::Pattern,
    value::from_query,
};
use serde_json::Value as Json;

use crate::ground::Shelf;

pub const NOW: Time = Time::from_millis(1_705_500_123_456);

impl Shelf<'_> {
    /// A value as the field's kind holds it; dates by date math's first moment.
    pub fn value(&self, path: &str, json: impl Into<Json>) -> Value {
        let (field, json) = (self.field(path), json.into());
        match (&field.kind, &json) {
            (Kind::Date(date), Json::String(text)) => {
                Value::Date(DateMath::parse(text).unwrap().span(NOW, &Zone::UTC, date.nanos).unwrap().0)
            }
            _ => from_query(&field.kind, &json).unwrap(),
        }
    }

    pub fn eq(&self, path: &str, json: impl Into<Json>) -> Filter {
        Filter::OneOf(self.field(path), vec![self.value(path, json)])
    }

    pub fn one_of<J: Into<Json>>(&self, path: &str, values: impl IntoIterator<Item = J>) -> Filter {
        Filter::OneOf(self.field(path), values.into_iter().map(|json| self.value(path, json)).collect())
    }

    pub fn exists(&self, path: &str) -> Filter {
        Filter::Exists(self.field(path))
    }

    fn ranged(&self, path: &str, lower: Option<(Value, bool)>, upper: Option<(Value, bool)>) -> Filter {
        Filter::Range(self.field(path), Range { lower, upper })
    }

    pub fn gte(&self, path: &str, json: impl Into<Json>) -> Filter {
        self.ranged(path, Some((self.value(path, json), true)), None)
    }

    pub fn gt(&self, path: &str, json: impl Into<Json>) -> Filter {
        self.ranged(path, Some((self.value(path, json), false)), None)
    }

    pub fn lte(&self, path: &str, json: impl Into<Json>) -> Filter {
        self.ranged(path, None, Some((self.value(path, json), true)))
    }

    pub fn lt(&self, path: &str, json: impl Into<Json>) -> Filter {
        self.ranged(path, None, Some((self.value(path, json), false)))
    }

    pub fn between(&self, path: &str, low: impl Into<Json>, high: impl Into<Json>) -> Filter {
        self.ranged(path, Some((self.value(path, low), true)), Some((self.value(path, high), true)))
    }

    /// All of the span that a date text stands for.
    pub fn during(&self, path: &str, text: &str) -> Filter {
        let (first, last) = DateMath::parse(text).unwrap().span(NOW, &Zone::UTC, false).unwrap();
        self.ranged(path, Some((Value::Date(first), true)), Some((Value::Date(last), true)))
    }

    pub fn prefix(&self, path: &str, text: &str, ignore_case: bool) -> Filter {
        Filter::Pattern(self.field(path), Pattern::prefix(text, ignore_case).unwrap())
    }

    pub fn wildcard(&self, path: &str, text: &str, ignore_case: bool) -> Filter {
        Filter::Pattern(self.field(path), Pattern::wildcard(text, ignore_case).unwrap())
    }

    pub fn regexp(&self, path: &str, text: &str, ignore_case: bool) -> Filter {
        Filter::Pattern(self.field(path), Pattern::regexp(text, ignore_case).unwrap())
    }

    pub fn any_word(&self, path: &str, text: &str) -> Filter {
        Filter::Words(self.field(path), TextFilter::Any(text.into()))
    }

    pub fn phrase(&self, path: &str, text: &str) -> Filter {
        Filter::Words(self.field(path), TextFilter::Phrase(text.into()))
    }

    pub fn phrase_prefix(&self, path: &str, text: &str) -> Filter {
        Filter::Words(self.field(path), TextFilter::PhrasePrefix(text.into()))
    }

    pub fn text(&self, query: &str, fields: &[(&str, f32)], operator: Operator, fuzziness: Fuzziness) -> Option<Rank> {
        let fields = fields.iter().map(|(path, boost)| (self.field(path), *boost)).collect();
        Some(Rank::Text(TextMatch { query: query.into(), fields, operator, fuzziness }))
    }

    pub fn asc(&self, path: &str) -> Order {
        self.by(path, Direction::Asc, Missing::Last)
    }

    pub fn desc(&self, path: &str) -> Order {
        self.by(path, Direction::Desc, Missing::Last)
    }

    pub fn by(&self, path: &str, direction: Direction, missing: Missing) -> Order {
        Order::Field { field: self.field(path), direction, missing }
    }

    /// Ids in this order.
    pub async fn ordered(&self, order: Vec<Order>) -> String {
        crate::ground::ids(&self.page(Query { order, ..self.query() }).await)
    }

    /// Ids and scores by a text, best first.
    pub async fn scored(&self, rank: Option<Rank>) -> Vec<(String, f32)> {
        let page = self.page(Query { rank, ..self.query() }).await;
        page.hits.iter().map(|hit| (hit.document.id.to_string(), hit.score.unwrap())).collect()
    }

    /// Ids by a text, best first.
    pub async fn ranked(&self, rank: Option<Rank>) -> String {
        let scored = self.scored(rank).await;
        scored.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>().join(" ")
    }
}
