//! `/search/{collection}`: a box, the hits with what matched, filters by hand, an order, and a way through all pages.

mod address;
mod chart;
mod conditions;
mod facets;
mod form;
mod hit;
mod near;
mod pager;
mod question;
mod suggestions;
mod ticks;

use std::time::Instant;

use askama::Template;
use axum::Extension;
use axum::extract::{Path, Query as Pairs};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};

use self::address::{Asked, Parsed, SIZES};
use self::chart::ChartView;
use self::conditions::Spot;
use self::facets::{FacetView, Wanted};
use self::form::{Chip, Choice, MOST_ROWS, Row};
use self::hit::HitView;
pub(super) use self::hit::headline;
use self::pager::Pager;
pub(super) use self::suggestions::complete_text;
use self::suggestions::{Fewer, Meant};
use super::fault::Fault;
use super::layout::{Layout, send};
use super::query_text;
use super::shelf;
use crate::app::App;
use crate::catalog::{Exposed, ask};
use crate::error::Code;
use crate::pages::mine::Mine;
use crate::search::date::Time;
use crate::search::{
    self, Call, Compute, Computed, Fetch, Filter, Moment, Page, PageRequest, Query, Relation, Slot, Total, TotalRequest,
};
use crate::telemetry::RequestId;

/// Hits are counted so far; a page of hits is not worth more.
const COUNTED: u64 = 10_000;

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
        chips: form::chips(&asked, &spots, &action),
        hidden_rows: spots.len().saturating_sub(MOST_ROWS),
        rows: form::rows(&spots),
        sorts: form::sorts(&asked, &spots),
        sizes: form::sizes(&asked),
        places: form::places(&asked, &spots),
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
    let mut arguments = question::arguments(on, spots, asked)?;
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
    let binding = question::binding(on, &arguments);
    let page = question::place(app, asked, &binding)?;
    let marked = question::marked(spots, rank.as_ref());
    arguments.highlights = marked.iter().map(|(name, _)| name.clone()).collect();
    arguments.page = question::page_arguments(asked, &page);
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
