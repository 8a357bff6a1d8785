//! `/search/{collection}`: a box, the hits with what matched, filters by hand, an order, and a way through all pages.

mod address;
mod chart;
mod conditions;
mod facets;
mod hit;
mod near;
mod pager;
mod suggestions;
mod ticks;

use std::time::Instant;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query as Pairs};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde_json::{Value as Json, json};

use self::address::{Asked, At, NEAREST, Parsed, SIZES};
use self::chart::ChartView;
use self::conditions::{Condition, Operator, Spot};
use self::facets::{FacetView, Wanted};
use self::hit::HitView;
pub(super) use self::hit::headline;
use self::pager::Pager;
pub(super) use self::suggestions::complete_text;
use self::suggestions::{Fewer, Meant};
use super::fault::Fault;
use super::layout::{Layout, send};
use super::query_text::{self, Arguments};
use super::shelf;
use crate::app::App;
use crate::catalog::{Exposed, ask, cursor};
use crate::error::Code;
use crate::pages::mine::Mine;
use crate::search::date::Time;
use crate::search::{
    self, Call, Compute, Computed, Direction, Fetch, Filter, From, HighlightRequest, Moment, Page, PageRequest, Query, Rank,
    Relation, Slot, Total, TotalRequest,
};
use crate::telemetry::RequestId;

/// Hits are counted so far; a page of hits is not worth more.
const COUNTED: u64 = 10_000;

/// Rows of the filter form, and fields to sort by; others can be asked for in the address.
const MOST_ROWS: usize = 40;

/// Fields that are searched for marks.
const MOST_MARKED: usize = 8;

/// Characters of a fragment, and how many of a field.
const FRAGMENT: u32 = 160;
const FRAGMENTS: u32 = 2;

#[derive(Template)]
#[template(path = "search.html")]
struct SearchPage {
    layout: Layout,
    collection: String,
    action: String,
    /// Where values that complete the box come from.
    complete: Option<String>,
    asked: Asked,
    chips: Vec<Chip>,
    rows: Vec<Row>,
    hidden_rows: usize,
    sorts: Vec<Choice>,
    sizes: Vec<Choice>,
    places: Vec<Choice>,
    charts: Vec<Choice>,
    numbers: Vec<Choice>,
    result: Result<Found, String>,
}

/// A filter or a tick that is on, and the address of the page without it.
struct Chip {
    text: String,
    /// Its name in the address, and what stands behind it.
    name: &'static str,
    written: String,
    remove: String,
}

/// A field of the filter form.
struct Row {
    number: usize,
    path: String,
    label: String,
    kind: &'static str,
    operators: Vec<Operator>,
    /// There is an operator that wants one.
    has_value: bool,
    /// Of the values, for the keyboard of a phone.
    keyboard: &'static str,
    hint: &'static str,
}

struct Choice {
    value: String,
    label: String,
    chosen: bool,
}

struct Found {
    total: String,
    millis: String,
    hits: Vec<HitView>,
    facets: Vec<FacetView>,
    chart: Option<ChartView>,
    pager: Pager,
    meant: Option<Meant>,
    fewer: Vec<Fewer>,
    query: String,
    /// The same in the playground.
    playground: String,
}

/// `/search?collection=…&q=…`, as the box of the first page sends it.
pub(super) async fn find_collection(
    pairs: Result<Pairs<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>,
) -> Response {
    let pairs = pairs.map(|Pairs(pairs)| pairs).unwrap_or_default();
    let find =
        |wanted: &str| pairs.iter().find(|(name, value)| name == wanted && !value.is_empty()).map(|(_, value)| value.clone());
    match find("collection") {
        None => Redirect::to("/").into_response(),
        Some(collection) => {
            let asked = Asked { text: find("q").unwrap_or_default(), ..Asked::default() };
            Redirect::to(&format!("{}{}", shelf::search_address(&collection), asked.write())).into_response()
        }
    }
}

pub(super) async fn show_search(
    Mine(app): Mine,
    Extension(id): Extension<RequestId>,
    Path(collection): Path<String>,
    pairs: Result<Pairs<Vec<(String, String)>>, axum::extract::rejection::QueryRejection>,
) -> Result<Response, Fault> {
    let Pairs(pairs) = pairs.map_err(|_| Fault::new(Code::BadUserInput, "The address cannot be read."))?;
    let call = app.call(&id);
    let on = shelf::find(&app, &call, &collection).await?;
    let spots = conditions::spots(&on);
    let most = on.bounds.page.unwrap_or(u32::MAX).min(app.config.limits.first).min(SIZES[SIZES.len() - 1]);
    let Parsed { asked, settled } = address::parse(&pairs, &spots, most)?;
    let action = shelf::search_address(&collection);
    if !settled {
        return Ok(Redirect::to(&format!("{action}{}", asked.write())).into_response());
    }
    let result = find(&app, &call, &on, &spots, &asked, &action).await;
    let status = result.as_ref().map_or_else(Fault::status, |_| StatusCode::OK);
    let page = SearchPage {
        layout: Layout::new(
            if asked.text.is_empty() { collection.clone() } else { format!("{} · {collection}", asked.text) },
            "",
        ),
        chips: chips(&asked, &spots, &action),
        hidden_rows: spots.len().saturating_sub(MOST_ROWS),
        rows: rows(&spots),
        sorts: sorts(&asked, &spots),
        sizes: sizes(&asked),
        places: places(&asked, &spots),
        charts: chart::fields(&asked, &spots),
        numbers: chart::numbers(&asked, &spots),
        complete: suggestions::completing_address(&on, &action),
        collection,
        action,
        asked,
        result: result.map_err(|fault| fault.message().to_owned()),
    };
    Ok(send(status, &page))
}

async fn find(app: &App, call: &Call, on: &Exposed, spots: &[Spot<'_>], asked: &Asked, action: &str) -> Result<Found, Fault> {
    let limits = &app.config.limits;
    let frame = ask::Frame { limits, now: Time::now() };
    let mut arguments = arguments(on, spots, asked)?;
    let rank = match &arguments.search {
        Some(json) => ask::search(frame, on, json)?,
        None => None,
    };
    let filter = match &arguments.filter {
        Some(json) => ask::filter(frame, on, json)?,
        None => Filter::All,
    };
    let order = match &arguments.order {
        Some(json) => ask::order(frame, on, json)?,
        None => Vec::new(),
    };
    let ticks = match &arguments.facet_filters {
        Some(json) => ask::facet_filters(frame, on, json)?,
        None => Vec::new(),
    };
    let binding = binding(on, &arguments);
    let page = place(app, asked, &binding)?;
    let marked = marked(spots, rank.as_ref());
    arguments.highlights = marked.iter().map(|(name, _)| name.clone()).collect();
    arguments.page = page_arguments(asked, &page);
    let query = Query {
        at: Moment::Live,
        suggest: suggestions::wanted(rank.as_ref()),
        rank,
        filter,
        ticks,
        order,
        page,
        total: TotalRequest::UpTo(COUNTED),
        fetch: Fetch {
            highlights: marked.into_iter().map(|(_, request)| request).collect(),
            scores: arguments.search.is_some(),
            ..Fetch::default()
        },
        ..Query::new(on.collection.name.clone())
    };
    let mut wanted = if on.bounds.aggregations { facets::wanted(spots, asked) } else { Vec::new() };

    let began = Instant::now();
    let more = [
        asked.near.as_ref().and_then(|near| near.compute(frame, spots)),
        asked.chart.as_ref().and_then(|chart| chart.first(frame, spots)),
    ];
    // what the viewer's role may not have counted is left out
    let more = more.into_iter().flatten().filter(|_| on.bounds.aggregations);
    let compute = wanted.iter().filter_map(|wanted| wanted.first(frame)).chain(more).collect();
    let counted = Query { compute, ..query.clone() };
    let found = match search(app, call, &counted).await {
        // some field cannot be counted by this engine: the hits are there without facets
        Err(search::Error::Unsupported(_)) if !counted.compute.is_empty() => {
            wanted.clear();
            search(app, call, &query).await?
        }
        found => found?,
    };
    let took = began.elapsed();
    let groups = asked.chart.as_ref().and_then(|chart| chart.second(frame, spots, on, &found.computed));
    let (keys, more) = groups.map(|groups| (groups.keys, (groups.slot, groups.compute))).unzip();
    let second = count_again(app, call, frame, &mut wanted, counted, &found, more).await?;
    let rings = asked.near.as_ref().and_then(|near| near.view(spots, &found.computed, asked, action));
    if let Some(rings) = asked.near.as_ref().filter(|_| rings.is_some()).and_then(|near| near.selection(spots)) {
        arguments.facets.push(rings);
    }
    let views = wanted.iter().filter_map(|wanted| Some((wanted, wanted.view(&found.computed, &second, asked, action)?)));
    let views: Vec<_> = views.collect();
    arguments.facets.extend(views.iter().map(|(wanted, _)| wanted.selection()));
    let facets = rings.into_iter().chain(views.into_iter().map(|(_, view)| view)).collect();
    let chart = asked.chart.as_ref().and_then(|chart| chart.view(spots, &second, asked, action));
    arguments.groups = asked.chart.as_ref().zip(keys.as_ref()).and_then(|(chart, keys)| chart.selection(spots, keys));

    let text = query_text::write(on, &arguments);
    let telling = hit::telling(spots, asked.sort.as_ref().map(|(path, _)| path.as_str()));
    let (meant, fewer) = suggestions::told(&found, asked, action);
    let sign = |key: &crate::search::Key| app.signer.write(&binding, key);
    Ok(Found {
        total: count(found.total, asked),
        millis: format!("{:.1}", took.as_secs_f64() * 1_000.0),
        pager: Pager::new(asked, &found, u64::from(limits.window), action, sign),
        facets,
        chart,
        meant,
        fewer,
        hits: found.hits.iter().map(|hit| HitView::new(on, hit, &telling, spots)).collect(),
        playground: shelf::playground_address(&text),
        query: text,
    })
}

async fn search(app: &App, call: &Call, query: &Query) -> search::Result<Page> {
    let mut pages = app.engine.search(call, std::slice::from_ref(query)).await?;
    pages.pop().unwrap_or_else(|| Err(search::Error::internal("the engine gave no answer")))
}

/// How numbers and dates are cut depends on what they span: that takes a second search.
async fn count_again(
    app: &App,
    call: &Call,
    frame: ask::Frame<'_>,
    wanted: &mut [Wanted<'_, '_>],
    query: Query,
    found: &Page,
    more: Option<(Slot, Compute)>,
) -> Result<Vec<(Slot, Computed)>, Fault> {
    let compute: Vec<_> = wanted.iter_mut().filter_map(|wanted| wanted.second(frame, &found.computed)).chain(more).collect();
    if compute.is_empty() {
        return Ok(Vec::new());
    }
    let page = PageRequest { size: 0, ..PageRequest::default() };
    let (total, fetch) = (TotalRequest::None, Fetch::default());
    let query = Query { compute, page, total, fetch, order: Vec::new(), suggest: Vec::new(), ..query };
    Ok(search(app, call, &query).await?.computed)
}

/// The page in the words of the API.
fn arguments(on: &Exposed, spots: &[Spot<'_>], asked: &Asked) -> Result<Arguments, Fault> {
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

fn binding(on: &Exposed, arguments: &Arguments) -> String {
    let Arguments { search, filter, facet_filters, order, .. } = arguments;
    cursor::binding(&on.collection.name, search.as_ref(), filter.as_ref(), facet_filters.as_ref(), order.as_ref())
}

fn place(app: &App, asked: &Asked, binding: &str) -> Result<PageRequest, Fault> {
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
fn page_arguments(asked: &Asked, page: &PageRequest) -> Vec<(&'static str, Json)> {
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
fn marked(spots: &[Spot<'_>], rank: Option<&Rank>) -> Vec<(String, HighlightRequest)> {
    let Some(Rank::Text(text)) = rank else { return Vec::new() };
    let fields = text.fields.iter().filter_map(|(field, _)| {
        let spot = spots.iter().find(|spot| spot.exposed.field.path == field.path)?;
        let request = HighlightRequest { field: field.clone(), fragment_size: FRAGMENT, fragments: FRAGMENTS };
        Some((spot.exposed.enum_name.clone(), request))
    });
    fields.take(MOST_MARKED).collect()
}

fn count(total: Option<Total>, asked: &Asked) -> String {
    let Some(total) = total else { return String::new() };
    let narrowed = asked.near.as_ref().is_some_and(|near| near.within.is_some());
    let plain = asked.text.is_empty() && asked.conditions.is_empty() && asked.ticks.is_empty() && !narrowed;
    let noun = match (plain, total.value) {
        (true, 1) => "document",
        (true, _) => "documents",
        (false, 1) => "hit",
        (false, _) => "hits",
    };
    let value = shelf::grouped(total.value);
    match total.relation {
        Relation::Equal => format!("{value} {noun}"),
        Relation::AtLeast => format!("more than {value} {noun}"),
    }
}

fn chips(asked: &Asked, spots: &[Spot<'_>], action: &str) -> Vec<Chip> {
    let label_of = |path: &str| {
        let spot = spots.iter().find(|spot| spot.exposed.field.path == path);
        spot.map_or_else(|| path.to_owned(), |spot| spot.label.clone())
    };
    let chip = |(n, condition): (usize, &Condition)| {
        let label = label_of(&condition.path);
        let value = if condition.operator.wants_value() { condition.value.as_str() } else { "" };
        Chip {
            text: format!("{label} {} {value}", condition.operator.label).trim_end().to_owned(),
            name: "f",
            written: condition.write(),
            remove: format!("{action}{}", asked.without(n).write()),
        }
    };
    let ticks = asked.ticks.iter().map(|tick| {
        let (name, written) = tick.write();
        let remove = format!("{action}{}", asked.turned(tick).write());
        Chip { text: tick.text(&label_of(&tick.path)), name, written, remove }
    });
    let near = asked.near.as_ref().map(|near| Chip {
        text: near.text(&label_of(&near.path)),
        name: "near",
        written: near.write(),
        remove: format!("{action}{}", Asked { near: None, nearest: false, ..asked.at(At::Number(1)) }.write()),
    });
    asked.conditions.iter().enumerate().map(chip).chain(ticks).chain(near).collect()
}

fn rows(spots: &[Spot<'_>]) -> Vec<Row> {
    let row = |(number, spot): (usize, &Spot<'_>)| {
        let operators = conditions::operators(&spot.exposed.field);
        let kind = conditions::kind_label(&spot.exposed.field);
        let (keyboard, hint) = match kind {
            "whole number" => ("numeric", "12"),
            "number" => ("decimal", "1.5"),
            "date" => ("text", "1950, 1950-06-30, now-7d"),
            "IP address" => ("text", "10.0.0.1"),
            "text" => ("text", "words"),
            _ => ("text", "value"),
        };
        let has_value = operators.iter().any(Operator::wants_value);
        let path = spot.exposed.field.path.clone();
        (!operators.is_empty()).then_some(Row {
            number,
            path,
            label: spot.label.clone(),
            kind,
            operators,
            has_value,
            keyboard,
            hint,
        })
    };
    spots.iter().enumerate().filter_map(row).take(MOST_ROWS).collect()
}

fn sorts(asked: &Asked, spots: &[Spot<'_>]) -> Vec<Choice> {
    let first = Choice {
        value: String::new(),
        label: match (asked.text.is_empty(), &asked.near) {
            (true, Some(_)) => "nearest first",
            (true, None) => "as they come",
            (false, _) => "best match",
        }
        .to_owned(),
        chosen: asked.sort.is_none() && !asked.nearest,
    };
    let nearest = (asked.near.is_some() && !asked.text.is_empty()).then(|| Choice {
        value: NEAREST.to_owned(),
        label: "nearest first".to_owned(),
        chosen: asked.nearest,
    });
    let chosen = |path: &str, direction| asked.sort.as_ref().is_some_and(|(sort, way)| sort == path && *way == direction);
    let sortable = spots.iter().filter(|spot| ask::can_sort(&spot.exposed.field)).take(MOST_ROWS);
    let fields = sortable.flat_map(|spot| {
        let path = &spot.exposed.field.path;
        [("asc", "↑", Direction::Asc), ("desc", "↓", Direction::Desc)].map(|(end, arrow, direction)| Choice {
            value: format!("{path}:{end}"),
            label: format!("{} {arrow}", spot.label),
            chosen: chosen(path, direction),
        })
    });
    [first].into_iter().chain(nearest).chain(fields).collect()
}

/// The fields that hold places, to be near to.
fn places(asked: &Asked, spots: &[Spot<'_>]) -> Vec<Choice> {
    let choice = |spot: &Spot<'_>| Choice {
        value: spot.exposed.field.path.clone(),
        label: spot.label.clone(),
        chosen: asked.near.as_ref().is_some_and(|near| near.path == spot.exposed.field.path),
    };
    near::places(spots).map(choice).collect()
}

fn sizes(asked: &Asked) -> Vec<Choice> {
    let mut sizes = SIZES.to_vec();
    if !sizes.contains(&asked.size) {
        sizes.push(asked.size);
        sizes.sort_unstable();
    }
    let choice = |size: u32| Choice { value: size.to_string(), label: size.to_string(), chosen: size == asked.size };
    sizes.into_iter().map(choice).collect()
}
