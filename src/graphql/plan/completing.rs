//! Values for a search box: the arguments become a query that does nothing else.

use serde_json::Value as Json;

use super::Planner;
use crate::catalog::Exposed;
use crate::catalog::ask::can_complete;
use crate::error::Code;
use crate::graphql::errors::Failure;
use crate::graphql::operation::Values;
use crate::search::{PREFIX_MOST, Query};

impl Planner<'_> {
    pub(super) fn completing(&self, exposed: &Exposed, arguments: &Values) -> Result<Query, Failure> {
        let text = |name: &str| arguments.get(name).and_then(Json::as_str).unwrap_or_default();
        let named = exposed.all_fields().find(|field| field.enum_name == text("field") && can_complete(&field.field));
        let field = named.ok_or_else(|| Failure::new(Code::Internal, "internal error"))?;
        let (prefix, most) = (text("prefix"), PREFIX_MOST);
        let length = prefix.chars().count();
        if length > most {
            return Err(Failure::limit("prefix", most as u64, length as u64, "complete a shorter beginning"));
        }
        let first = arguments.get("first").and_then(Json::as_i64).unwrap_or(10);
        let first = u32::try_from(first).map_err(|_| Failure::input("first may not be less than 0"))?;
        if first > self.limits.first {
            return Err(Failure::limit("first", self.limits.first.into(), first.into(), "ask for fewer values"));
        }
        let name = exposed.collection.name.clone();
        Ok(Query::completing(name, field.field.clone(), prefix.to_owned(), first))
    }
}
