//! Search in a collection, by query string or by body; arguments mean what they mean in GraphQL.

use axum::body::Bytes;
use axum::extract::{Path, Query as Parameters};
use axum::http::HeaderMap;
use axum::{Extension, Json};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::problem::Problem;
use super::{admission, documents, media};
use crate::app::App;
use crate::catalog::Exposed;
use crate::catalog::ask::{self, Fault, Frame};
use crate::catalog::moments::{self, Reading};
use crate::config::Limits;
use crate::error::Code;
use crate::rest::mine::Mine;
use crate::search::date::Time;
use crate::search::{Error, Fetch, Filter, From, Key, Moment, PageRequest, Query, Relation, TotalRequest};
use crate::telemetry::RequestId;

/// Hits where nobody says how many.
const DEFAULT: u32 = 10;
/// Up to here the total is exact.
const TOTAL: u64 = 10_000;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(super) struct InAddress {
    /// Words to look for.
    #[param(example = "stone arch")]
    q: Option<String>,
    /// Which documents, as in GraphQL.
    #[param(example = json!({ "year": { "gte": 1900 } }))]
    filter: Option<String>,
    /// As in GraphQL.
    #[param(example = json!([{ "field": "YEAR", "direction": "DESC" }]))]
    order_by: Option<String>,
    /// Hits of the page, ten where nothing is said.
    #[param(example = 10)]
    first: Option<u32>,
    /// The `endCursor` of the page before.
    after: Option<String>,
    /// The last hits instead of the first.
    last: Option<u32>,
    /// The `startCursor` of the page after.
    before: Option<String>,
    /// So many hits are passed over.
    offset: Option<u32>,
    /// SNAPSHOT: all pages of a walk see one moment; the cursor carries it.
    #[param(inline)]
    consistency: Option<Consistency>,
}

#[derive(Deserialize, Default, utoipa::ToSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub(super) struct InBody {
    /// Words to look for; `search` says more.
    q: Option<String>,
    #[schema(value_type = Option<Words>)]
    search: Option<Value>,
    /// What a filter may be in GraphQL; null is none, and an error.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Object, example = json!({ "year": { "gte": 1900 } }))]
    filter: Option<Value>,
    /// One entry a field, as a filter of that field: what was ticked beside a list of values. Null is an error.
    #[serde(deserialize_with = "given")]
    #[schema(value_type = Object, example = json!({ "tags": { "in": ["suspension"] } }))]
    facet_filters: Option<Value>,
    #[schema(value_type = Option<Vec<OrderKey>>)]
    order_by: Option<Value>,
    /// Hits of the page, ten where nothing is said.
    first: Option<u32>,
    /// The `endCursor` of the page before.
    after: Option<String>,
    /// The last hits instead of the first.
    last: Option<u32>,
    /// The `startCursor` of the page after.
    before: Option<String>,
    /// So many hits are passed over.
    offset: Option<u32>,
    consistency: Option<Consistency>,
}

/// SNAPSHOT: all pages of a walk see one moment; the cursor carries it.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq, Serialize, utoipa::ToSchema)]
#[serde(rename_all = "UPPERCASE")]
enum Consistency {
    Live,
    Snapshot,
}

impl InBody {
    fn is_in_snapshot(&self) -> bool {
        self.consistency == Some(Consistency::Snapshot)
    }
}

/// Words to look for, and where.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "for the description: it is read by the catalog")]
pub(super) struct Words {
    #[schema(example = "stone arch")]
    query: Option<String>,
    /// All text fields, where nothing is said.
    fields: Option<Vec<WordField>>,
    /// `OR` (the default) or `AND`: all words in one field.
    operator: Option<String>,
    /// `NONE` (the default), `AUTO`, `ONE` or `TWO` edits.
    fuzziness: Option<String>,
    #[schema(value_type = Option<Nearest>)]
    knn: Option<Value>,
    /// `RRF`, where there are both words and a vector.
    fusion: Option<String>,
}

/// The documents whose vectors are nearest to this one.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "for the description: it is read by the catalog")]
pub(super) struct Nearest {
    /// As in GraphQL: `EMBEDDING`.
    #[schema(example = "EMBEDDING")]
    field: String,
    /// As long as the vectors of the field.
    vector: Vec<f32>,
    /// So many documents, ten where nothing is said.
    k: Option<u32>,
    /// So many are looked at on each shard.
    num_candidates: Option<u32>,
}

#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "for the description: it is read by the catalog")]
pub(super) struct WordField {
    /// As in GraphQL: `SHIPPING_CITY`.
    #[schema(example = "NAME")]
    field: String,
    boost: Option<f64>,
}

/// One key of an order: `{"score":"DESC"}`, or a field with its direction.
#[derive(utoipa::ToSchema)]
#[expect(dead_code, reason = "for the description: it is read by the catalog")]
pub(super) struct OrderKey {
    /// As in GraphQL: `SHIPPING_CITY`.
    #[schema(example = "YEAR")]
    field: Option<String>,
    /// `ASC` (the default) or `DESC`.
    #[schema(example = "DESC")]
    direction: Option<String>,
    /// Where documents without a value come: `LAST` (the default) or `FIRST`.
    missing: Option<String>,
    /// In place of a field: `DESC` or `ASC`.
    score: Option<String>,
    /// In place of a field: `{"field", "from": {"lat", "lon"}}`.
    #[schema(value_type = Option<Object>)]
    distance: Option<Value>,
}

/// Also null is something that was given: a missing value must never turn a filter into "everything".
fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Connection {
    total: Option<Total>,
    page_info: PageInfo,
    edges: Vec<Edge>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Total {
    value: u64,
    /// EQ, or GTE where counting stopped.
    relation: &'static str,
}

#[derive(Serialize, utoipa::ToSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageInfo {
    has_next_page: bool,
    has_previous_page: bool,
    start_cursor: Option<String>,
    end_cursor: Option<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub(super) struct Edge {
    cursor: String,
    score: Option<f32>,
    /// Metres to the point of the first distance in `orderBy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    distance: Option<f64>,
    /// The document, with `_id` and `_version`.
    #[schema(value_type = Object)]
    node: Value,
}

/// Search by query string
#[utoipa::path(
    get, path = "/v1/collections/{collection}/search", tag = "documents",
    params(("collection" = String, Path, example = "landmarks"), InAddress),
    responses((status = 200, body = Connection)),
)]
pub(super) async fn search_by_address(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(collection): Path<String>,
    Parameters(asked): Parameters<InAddress>,
) -> Result<Json<Connection>, Problem> {
    let read = |name: &str, text: Option<String>| match text {
        None => Ok(None),
        Some(text) => serde_json::from_str(&text)
            .map(Some)
            .map_err(|fault| Problem::new(Code::BadUserInput, format!("{name} is not JSON: {fault}"))),
    };
    let InAddress { q, filter, order_by, first, after, last, before, offset, consistency } = asked;
    let (filter, order_by) = (read("filter", filter)?, read("orderBy", order_by)?);
    let asked =
        InBody { q, search: None, filter, facet_filters: None, order_by, first, after, last, before, offset, consistency };
    run(&app, &id, &collection, &asked).await.map(Json)
}

/// Search by body
#[utoipa::path(
    post, path = "/v1/collections/{collection}/search", tag = "documents", request_body(content = InBody, example = json!({ "search": { "query": "stone arch", "fields": [{ "field": "NAME", "boost": 3.0 }, { "field": "DESCRIPTION" }] }, "filter": { "year": { "lt": 1900 } }, "first": 3 })),
    params(("collection" = String, Path, example = "landmarks")),
    responses((status = 200, body = Connection)),
)]
pub(super) async fn search_by_body(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(collection): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Json<Connection>, Problem> {
    media::check(&headers, media::JSON)?;
    let asked: InBody = media::read_object(&body)?;
    run(&app, &id, &collection, &asked).await.map(Json)
}

async fn run(app: &App, id: &RequestId, collection: &str, asked: &InBody) -> Result<Connection, Problem> {
    let exposed = admission::collection(app, collection)?;
    let binding = binding(collection, asked);
    let call = app.call(id);
    let mut reading = Reading::new(&app.signer, &binding, asked.is_in_snapshot());
    let mut query = query(app, &exposed, asked, |cursor| reading.place(cursor))?;
    let mut snapshot = reading.found;
    if asked.is_in_snapshot() && snapshot.is_none() {
        snapshot = Some(app.moments.open(&*app.engine, &call, &app.holder, &exposed.collection.name).await?);
    }
    if let Some(id) = &snapshot {
        query.at = Moment::Snapshot(id.clone());
    }
    let backward = query.page.backward;
    let mut pages = app.engine.search(&call, &[query]).await?;
    let page = pages.pop().ok_or_else(|| Error::internal("no page for a query"))??;
    if let Some(id) = &mut snapshot {
        app.moments.used(&app.holder, id, &page, backward);
        *id = moments::of_page(id, &page).clone();
    }
    let edges: Vec<Edge> = page
        .hits
        .into_iter()
        .map(|hit| Edge {
            cursor: moments::cursor(&app.signer, &binding, snapshot.as_ref(), &hit.key),
            score: hit.score,
            distance: hit.distance,
            node: documents::node(&hit.document.id, hit.document.version, hit.document.source),
        })
        .collect();
    Ok(Connection {
        total: page.total.map(|total| Total {
            value: total.value,
            relation: match total.relation {
                Relation::Equal => "EQ",
                Relation::AtLeast => "GTE",
            },
        }),
        page_info: PageInfo {
            has_next_page: page.has_next,
            has_previous_page: page.has_previous,
            start_cursor: edges.first().map(|edge| edge.cursor.clone()),
            end_cursor: edges.last().map(|edge| edge.cursor.clone()),
        },
        edges,
    })
}

/// What a cursor is good for: the same words, filter and order, on any page.
fn binding(collection: &str, asked: &InBody) -> String {
    let snapshot = asked.is_in_snapshot();
    json!(["rest", collection, asked.q, asked.search, asked.filter, asked.facet_filters, asked.order_by, snapshot]).to_string()
}

fn query(app: &App, exposed: &Exposed, asked: &InBody, read: impl FnMut(&str) -> Option<Key>) -> Result<Query, Problem> {
    let limits = &app.config.limits;
    let frame = Frame { limits, now: Time::now() };
    let search = match (&asked.q, &asked.search) {
        (Some(_), Some(_)) => return Err(wrong("give either q or search")),
        (Some(words), None) => Some(json!({ "query": words })),
        (None, search) => search.clone(),
    };
    let rank = match search {
        None => None,
        Some(search) => ask::search(frame, exposed, &search).map_err(refuse)?,
    };
    let filter = match &asked.filter {
        None => Filter::All,
        Some(filter) => ask::filter(frame, exposed, filter).map_err(refuse)?,
    };
    let ticks = match &asked.facet_filters {
        None => Vec::new(),
        Some(ticks) => ask::facet_filters(frame, exposed, ticks).map_err(refuse)?,
    };
    let order = match &asked.order_by {
        None => Vec::new(),
        Some(order) => ask::order(frame, exposed, order).map_err(refuse)?,
    };
    Ok(Query {
        fetch: Fetch { fields: admission::visible(&app.config, exposed), scores: rank.is_some(), ..Fetch::default() },
        rank,
        filter,
        ticks,
        order,
        page: bounded(page(asked, limits, read)?, exposed, asked.first.is_some() || asked.last.is_some()),
        total: TotalRequest::UpTo(TOTAL),
        ..Query::new(exposed.collection.name.clone())
    })
}

/// Where nothing else is asked for, no more than the viewer's role sees at a time.
fn bounded(page: PageRequest, exposed: &Exposed, sized: bool) -> PageRequest {
    let most = exposed.bounds.page.filter(|_| !sized).unwrap_or(page.size);
    PageRequest { size: page.size.min(most), ..page }
}

fn wrong(message: &str) -> Problem {
    Problem::new(Code::BadUserInput, message)
}

fn refuse(fault: Fault) -> Problem {
    Problem::new(fault.code, fault.message.clone()).with_fault(fault.code, fault.message, fault.path)
}

fn page(asked: &InBody, limits: &Limits, mut read: impl FnMut(&str) -> Option<Key>) -> Result<PageRequest, Problem> {
    let InBody { first, after, last, before, offset, .. } = asked;
    if first.is_some() && last.is_some() {
        return Err(wrong("give either first or last"));
    }
    if after.is_some() && (last.is_some() || before.is_some()) || before.is_some() && first.is_some() {
        return Err(wrong("first goes with after, last goes with before"));
    }
    if offset.is_some() && (after.is_some() || before.is_some() || last.is_some()) {
        return Err(wrong("an offset goes with first, and with no cursor"));
    }
    let size = first.or(*last).unwrap_or(DEFAULT.min(limits.first));
    if size > limits.first {
        let message = format!("a page has {} hits at most (limits.first), {size} were asked for", limits.first);
        return Err(Problem::new(Code::LimitExceeded, message));
    }
    let mut place =
        |cursor: &str| read(cursor).ok_or_else(|| Problem::new(Code::BadCursor, "the cursor does not belong to this search"));
    let from = match (after, before, offset) {
        (Some(cursor), ..) => From::After(place(cursor)?),
        (_, Some(cursor), _) => From::Before(place(cursor)?),
        (_, _, Some(offset)) if offset.saturating_add(size) > limits.window => {
            let message = format!("offset and first may reach {} (limits.window): walk on with cursors", limits.window);
            return Err(Problem::new(Code::LimitExceeded, message));
        }
        (_, _, Some(offset)) if *offset > 0 => From::Offset(*offset),
        _ => From::Start,
    };
    Ok(PageRequest { size, backward: last.is_some() || before.is_some(), from })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(json: Value) -> Result<PageRequest, &'static str> {
        let asked: InBody = serde_json::from_value(json).unwrap();
        page(&asked, &Limits::default(), |cursor| (cursor == "good").then(|| Key(Vec::new()))).map_err(|problem| problem.code)
    }

    #[test]
    fn a_filter_that_is_null_was_given() {
        let read = |json: Value| serde_json::from_value::<InBody>(json).unwrap().filter;
        assert_eq!(read(json!({ "filter": null })), Some(Value::Null));
        assert_eq!(read(json!({ "first": null })), None);
    }

    #[test]
    fn pages_go_both_ways_and_contradictions_are_refused() {
        let key = || Key(Vec::new());
        for (json, size, backward, from) in [
            (json!({}), 10, false, From::Start),
            (json!({ "first": 3, "after": "good" }), 3, false, From::After(key())),
            (json!({ "last": 3 }), 3, true, From::Start),
            (json!({ "before": "good" }), 10, true, From::Before(key())),
            (json!({ "offset": 20, "first": 5 }), 5, false, From::Offset(20)),
            (json!({ "offset": 0 }), 10, false, From::Start),
        ] {
            assert_eq!(asked(json).unwrap(), PageRequest { size, backward, from });
        }
        for (json, code) in [
            (json!({ "first": 1, "last": 1 }), "BAD_USER_INPUT"),
            (json!({ "first": 1, "before": "good" }), "BAD_USER_INPUT"),
            (json!({ "after": "good", "before": "good" }), "BAD_USER_INPUT"),
            (json!({ "offset": 1, "after": "good" }), "BAD_USER_INPUT"),
            (json!({ "after": "other" }), "BAD_CURSOR"),
            (json!({ "first": 1_001 }), "LIMIT_EXCEEDED"),
            (json!({ "offset": 9_999, "first": 2 }), "LIMIT_EXCEEDED"),
        ] {
            assert_eq!(asked(json.clone()).unwrap_err(), code, "{json}");
        }
    }
}
