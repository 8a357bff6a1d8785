//! Queries -> hits: for now all documents in the order they were written, no filter, no rank.

use std::sync::Arc;

use tantivy::Searcher;
use tantivy::collector::TopDocs;
use tantivy::query::AllQuery;

use super::super::{Collection, Error, Filter, Hit, Key, Page, Query, Relation, Result, Total, TotalRequest};
use super::documents::Documents;
use super::layout::Layout;

pub(super) struct View<'a> {
    pub(super) searcher: Searcher,
    pub(super) layout: Arc<Layout>,
    pub(super) collection: Arc<Collection>,
    pub(super) documents: &'a dyn Documents,
}

pub(super) fn run(view: &View<'_>, query: &Query) -> Result<Page> {
    let plain = Query::new(view.collection.name.clone());
    if query.rank.is_some()
        || query.filter != Filter::All
        || query.rule != Filter::All
        || !query.order.is_empty()
        || query.page.from != plain.page.from
    {
        return Err(Error::Unsupported("a query with conditions".into()));
    }
    let top = TopDocs::with_limit((query.page.size as usize).max(1)).order_by_u64_field("seq_no", tantivy::Order::Asc);
    let found = view.searcher.search(&AllQuery, &top).map_err(Error::internal)?;
    let mut page = Page::default();
    for (seq_no, _) in found.into_iter().take(query.page.size as usize) {
        let seq_no = seq_no.unwrap_or_default();
        let _ = view.layout.seq_no;
        page.hits.push(Hit {
            document: view.documents.document(seq_no, query.fetch.fields.as_deref())?,
            score: None,
            key: Key(vec![seq_no.into()]),
            highlights: Vec::new(),
            distance: None,
            inner_hits: Vec::new(),
            explanation: None,
        });
    }
    page.has_next = view.searcher.num_docs() > page.hits.len() as u64;
    if query.total != TotalRequest::None {
        page.total = Some(Total { value: view.searcher.num_docs(), relation: Relation::Equal });
    }
    Ok(page)
}
