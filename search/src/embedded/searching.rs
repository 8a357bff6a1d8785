//! One query over one index at one moment: its parts become queries of the inverted index, one pass finds the first hits,
//! and only those of the page are fetched.

use std::collections::BTreeSet;
use std::sync::Arc;

use tantivy::Searcher;
use tantivy::query::{BooleanQuery, ConstScoreQuery, Occur, Query as IndexQuery};

use super::super::compute::checking;
use super::super::{Error, Filter, From, Hit, Page, Query, Rank, Relation, Result, Total, TotalRequest};
use super::collecting::{Found, Pass};
use super::compute::compute;
use super::documents::Documents;
use super::explaining::Explaining;
use super::highlighting::Marks;
use super::inner::InnerElements;
use super::layout::Layout;
use super::matching::{documents_only, every};
use super::nearest::Nearest;
use super::projection::project;
use super::ranking::text_query;
use super::sorting::Sorting;
use super::suggesting::suggest;

/// Hits passed over and hits brought, together.
const WINDOW: u32 = 10_000;

/// An index as it was at one moment, and the documents of that moment.
pub(super) struct View<'a> {
    pub(super) searcher: Searcher,
    pub(super) layout: Arc<Layout>,
    pub(super) documents: &'a dyn Documents,
    /// Whether nobody waits any longer: then the search ends with [`Error::Timeout`].
    pub(super) stopped: &'a dyn Fn() -> bool,
}

/// Answers the query. `Query::on` and `Query::at` are settled by the choice of the view.
pub(super) fn run(view: &View<'_>, query: &Query) -> Result<Page> {
    checking::check(query)?;
    let begun = std::time::Instant::now();
    if query.only_completes() {
        // no document is looked at for itself
        let mut page = Page::default();
        suggest(view, query, &mut page)?;
        page.took = since(begun);
        return Ok(page);
    }
    let sorting = Sorting::of(query)?;
    let ranking = ranking(view, query)?;
    let matches = narrow(view, query, ranking.as_deref(), query.ticks.iter().map(|(_, filter)| filter))?;
    let size = query.page.size as usize;
    refuse_large(query)?;
    let (mut after, mut before, mut skipped) = (None, None, 0);
    match &query.page.from {
        From::Start => {}
        From::After(key) => after = Some(sorting.read(key)?),
        From::Before(key) => before = Some(sorting.read(key)?),
        From::Offset(_) if query.page.backward => {
            return Err(Error::invalid("an offset counts from the start: it cannot go backward"));
        }
        From::Offset(offset) => skipped = *offset as usize,
    }
    let (had_after, had_before) = (after.is_some(), before.is_some());
    if query.page.backward {
        std::mem::swap(&mut after, &mut before);
    }
    let collected = Pass {
        searcher: &view.searcher,
        query: matches.as_ref(),
        sorting: &sorting,
        after: after.as_ref(),
        before: before.as_ref(),
        // one more than the page holds tells whether there is another page
        size: skipped + size + 1,
        scores: query.rank.is_some() && (sorting.needs_scores() || query.fetch.scores),
        stopped: view.stopped,
    }
    .run()?;
    let more = collected.first.len() > skipped + size;
    let mut found: Vec<Found> = collected.first.into_iter().skip(skipped).take(size).collect();
    let (has_next, has_previous) = if query.page.backward {
        found.reverse();
        (had_before, more)
    } else {
        (more, had_after || skipped > 0)
    };
    let mut bringing = Bringing {
        marks: Marks::of(&view.layout, &view.searcher, query)?,
        inner: InnerElements::of(&view.layout, &view.searcher, &query.fetch.inner_hits)?,
        explaining: Explaining::of(&view.layout, &view.searcher, query)?,
    };
    let scored = query.rank.is_some() && (sorting.needs_scores() || query.fetch.scores);
    let hits =
        found.into_iter().map(|found| fetch(view, query, &sorting, &mut bringing, found, scored)).collect::<Result<_>>()?;
    let mut page = Page {
        hits,
        total: total(query.total, collected.total),
        has_next,
        has_previous,
        computed: compute(view, query, ranking.as_deref())?,
        ..Page::default()
    };
    suggest(view, query, &mut page)?;
    page.took = since(begun);
    Ok(page)
}

fn since(begun: std::time::Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// Pages reach as far as those of Elasticsearch.
fn refuse_large(query: &Query) -> Result<()> {
    let offset = if let From::Offset(offset) = query.page.from { offset } else { 0 };
    let last = u64::from(offset) + u64::from(query.page.size);
    if query.page.size >= WINDOW || last > u64::from(WINDOW) {
        return Err(Error::Limit(format!(
            "offset and page size together are at most {WINDOW}, {last} was asked: go on with a cursor"
        )));
    }
    Ok(())
}

/// What a document must be, and how well it is; with these of the ticks.
pub(super) fn match_query<'q>(
    view: &View<'_>,
    query: &'q Query,
    ticks: impl Iterator<Item = &'q Filter>,
) -> Result<Box<dyn IndexQuery>> {
    narrow(view, query, ranking(view, query)?.as_deref(), ticks)
}

/// What a query's ranking finds, before its conditions; the same whatever is ticked.
fn ranking(view: &View<'_>, query: &Query) -> Result<Option<Box<dyn IndexQuery>>> {
    query.rank.as_ref().map(|rank| ranked(view, query, rank)).transpose()
}

/// What a document must be, where its ranking was looked for already.
pub(super) fn narrow<'q>(
    view: &View<'_>,
    query: &'q Query,
    ranking: Option<&dyn IndexQuery>,
    ticks: impl Iterator<Item = &'q Filter>,
) -> Result<Box<dyn IndexQuery>> {
    let conditions = [&query.rule, &query.filter].into_iter().chain(ticks);
    let conditions = every(&view.layout, conditions)?;
    // what ranks looks into fields of documents, which elements do not have
    let Some(ranking) = ranking else { return documents_only(&view.layout, &view.searcher, conditions) };
    Ok(narrowed(ranking.box_clone(), conditions))
}

/// What a ranking finds. Of vectors only the nearest count, and those are looked for among the documents that rule and filter leave.
fn ranked(view: &View<'_>, query: &Query, rank: &Rank) -> Result<Box<dyn IndexQuery>> {
    match rank {
        Rank::Text(text) => text_query(&view.layout, &view.searcher, text),
        Rank::Knn { field, vector, k, .. } => {
            let within = every(&view.layout, [&query.rule, &query.filter].into_iter())?;
            let asked = Nearest { field, vector, k: *k };
            view.layout.nearness.nearest(&view.searcher, within.as_ref(), &asked, view.stopped)
        }
        // what any of them finds
        Rank::Fused(rankings) => {
            let found = rankings.iter().map(|rank| Ok((Occur::Should, ranked(view, query, rank)?))).collect::<Result<_>>()?;
            Ok(Box::new(BooleanQuery::new(found)))
        }
    }
}

fn narrowed(rank: Box<dyn IndexQuery>, conditions: Box<dyn IndexQuery>) -> Box<dyn IndexQuery> {
    if conditions.is::<tantivy::query::AllQuery>() {
        return rank;
    }
    let conditions: Box<dyn IndexQuery> = Box::new(ConstScoreQuery::new(conditions, 0.0));
    Box::new(BooleanQuery::new(vec![(Occur::Must, rank), (Occur::Must, conditions)]))
}

fn total(asked: TotalRequest, counted: u64) -> Option<Total> {
    match asked {
        TotalRequest::None => None,
        TotalRequest::UpTo(most) if counted > most => Some(Total { value: most, relation: Relation::AtLeast }),
        TotalRequest::UpTo(_) | TotalRequest::All => Some(Total { value: counted, relation: Relation::Equal }),
    }
}

/// What is read out of a document beside what is asked of its source.
struct Bringing<'a> {
    marks: Marks<'a>,
    inner: InnerElements<'a>,
    explaining: Option<Explaining<'a>>,
}

fn fetch(
    view: &View<'_>,
    query: &Query,
    sorting: &Sorting,
    bringing: &mut Bringing<'_>,
    found: Found,
    scored: bool,
) -> Result<Hit> {
    let asked = query.fetch.fields.as_deref();
    // highlights and elements read the document, too: what only they need is taken out again
    let more = !bringing.marks.is_empty() || !bringing.inner.is_empty();
    let wider: Option<Vec<Arc<str>>> = asked.filter(|_| more).map(|asked| {
        let all: BTreeSet<Arc<str>> = asked.iter().cloned().chain(bringing.marks.paths()).chain(bringing.inner.paths()).collect();
        all.into_iter().collect()
    });
    let mut document = view.documents.document(found.spot.seq_no, wider.as_deref().or(asked))?;
    let highlights = bringing.marks.highlight(&view.searcher, found.at, &document.source)?;
    let inner_hits = bringing.inner.bring(&view.searcher, found.at, &document.source)?;
    let explanation = match &bringing.explaining {
        Some(explaining) => explaining.explain(&view.searcher, found.at, found.score)?,
        None => None,
    };
    if wider.is_some() {
        document.source = project(document.source, asked);
    }
    Ok(Hit {
        of: 0,
        document,
        score: scored.then_some(found.score),
        key: sorting.write(&found.spot),
        highlights,
        distance: sorting.distance(&found.spot),
        inner_hits,
        explanation,
    })
}
