//! A page in the words of the API, from which the query and its text both come; and which page of the hits is meant.

use serde_json::{Value as Json, json};

use super::address::{Asked, At};
use super::conditions::{self, Spot};
use super::ticks;
use crate::app::App;
use crate::catalog::{Exposed, ask, cursor};
use crate::error::Code;
use crate::pages::fault::Fault;
use crate::pages::query_text::Arguments;
use crate::search::{Direction, From, HighlightRequest, PageRequest, Rank};

/// Fields that are searched for marks.
const MOST_MARKED: usize = 8;

/// Characters of a fragment, and how many of a field.
const FRAGMENT: u32 = 160;
const FRAGMENTS: u32 = 2;

/// The page in the words of the API.
pub(super) fn arguments(on: &Exposed, spots: &[Spot<'_>], asked: &Asked) -> Result<Arguments, Fault> {
    let search = (!asked.text.is_empty()).then(|| {
        let mut search = json!({ "query": asked.text });
        if asked.all_words {
            search["operator"] = json!("AND");
        }
        if asked.fuzzy {
            search["fuzziness"] = json!("AUTO");
        }
        search
    });
    let filter = (!asked.conditions.is_empty()).then(|| conditions::filter_json(spots, &asked.conditions));
    let order = match &asked.sort {
        None => None,
        Some((path, direction)) => {
            let spot = spots.iter().find(|spot| spot.exposed.field.path == *path && ask::can_sort(&spot.exposed.field));
            let spot = spot
                .ok_or_else(|| Fault::new(Code::BadUserInput, format!("{} cannot be sorted by “{path}”.", on.collection.name)))?;
            let direction = if *direction == Direction::Asc { "ASC" } else { "DESC" };
            Some(json!({ "field": spot.exposed.enum_name, "direction": direction }))
        }
    };
    // distances come with the order: it is the last key where something else comes first
    let distance = asked.near.as_ref().and_then(|near| near.order(spots));
    let first = order.or_else(|| (distance.is_some() && search.is_some() && !asked.nearest).then(|| json!({ "score": "DESC" })));
    let order: Vec<Json> = first.into_iter().chain(distance).collect();
    let order = (!order.is_empty()).then_some(Json::Array(order));
    let mut narrowed = ticks::json(spots, &asked.ticks);
    if let Some(near) = &asked.near {
        near.narrow(spots, &mut narrowed);
    }
    let facet_filters = (!narrowed.is_empty()).then_some(Json::Object(narrowed));
    Ok(Arguments { search, filter, facet_filters, order, ..Arguments::default() })
}

pub(super) fn binding(on: &Exposed, arguments: &Arguments) -> String {
    let Arguments { search, filter, facet_filters, order, .. } = arguments;
    cursor::binding(&on.collection.name, search.as_ref(), filter.as_ref(), facet_filters.as_ref(), order.as_ref())
}

pub(super) fn place(app: &App, asked: &Asked, binding: &str) -> Result<PageRequest, Fault> {
    let read = |cursor: &str| {
        app.signer.read(binding, cursor).ok_or_else(|| {
            Fault::new(
                Code::BadCursor,
                "This link to a page belongs to another search, or was cut. Begin again with the first page.",
            )
        })
    };
    let forward = |from| PageRequest { size: asked.size, backward: false, from };
    Ok(match &asked.at {
        At::Number(1) => forward(From::Start),
        At::Number(number) => {
            let window = u64::from(app.config.limits.window);
            let offset = (number - 1).saturating_mul(u64::from(asked.size));
            if offset.saturating_add(u64::from(asked.size)) > window {
                let message =
                    format!("Pages by number reach the first {window} hits. Go on from there by Next, or narrow the search.");
                return Err(Fault::new(Code::LimitExceeded, message));
            }
            forward(From::Offset(u32::try_from(offset).unwrap_or(u32::MAX)))
        }
        At::After(cursor, _) => forward(From::After(read(cursor)?)),
        At::Before(cursor, _) => PageRequest { size: asked.size, backward: true, from: From::Before(read(cursor)?) },
        At::Last(_) => PageRequest { size: asked.size, backward: true, from: From::Start },
    })
}

/// The same place in the words of GraphQL.
pub(super) fn page_arguments(asked: &Asked, page: &PageRequest) -> Vec<(&'static str, Json)> {
    let size = json!(page.size);
    match (&asked.at, &page.from) {
        (At::After(cursor, _), _) => vec![("first", size), ("after", json!(cursor))],
        (At::Before(cursor, _), _) => vec![("last", size), ("before", json!(cursor))],
        (At::Last(_), _) => vec![("last", size)],
        (At::Number(_), From::Offset(offset)) => vec![("first", size), ("offset", json!(offset))],
        (At::Number(_), _) => vec![("first", size)],
    }
}

/// The text fields of a search in which marks are wanted, with their enum values.
pub(super) fn marked(spots: &[Spot<'_>], rank: Option<&Rank>) -> Vec<(String, HighlightRequest)> {
    let Some(Rank::Text(text)) = rank else { return Vec::new() };
    let fields = text.fields.iter().filter_map(|(field, _)| {
        let spot = spots.iter().find(|spot| spot.exposed.field.path == field.path)?;
        let request = HighlightRequest { field: field.clone(), fragment_size: FRAGMENT, fragments: FRAGMENTS };
        Some((spot.exposed.enum_name.clone(), request))
    });
    fields.take(MOST_MARKED).collect()
}
